//! Masked fields, shown for a reason.

use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::vocabulary::PartyRole;
use crate::http::api::{line, reference};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Body;
use crate::http::openapi::PartyCode;
use crate::identity::RetryAfter;
use crate::track::unmask::{self, FIELDS, REASON, Request, UnmaskError, Unmasked};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::sync::Arc;
use utoipa::ToSchema;

/// Which fields, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct UnmaskRequest {
    /// Some of `name`, `phone`, `email`, `address`, `id_number`, `narrative`, `history`.
    #[schema(example = json!(["phone"]))]
    pub fields: Option<Vec<String>>,
    /// What they are needed for, 5 to 500 characters; auditors read it.
    #[schema(example = "回电核实购买日期")]
    pub reason: Option<String>,
}

hidden_debug!(UnmaskRequest);

/// A party's fields as they were given; those that were asked for.
#[derive(Serialize, ToSchema)]
pub struct UnmaskedParty {
    /// In which part.
    #[schema(value_type = PartyCode)]
    pub role: PartyRole,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Number of the identity document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
}

hidden_debug!(UnmaskedParty);

/// What people wrote at a step.
#[derive(Serialize, ToSchema)]
pub struct UnmaskedTexts {
    /// Number of the event.
    pub seq: i64,
    /// By field.
    #[schema(value_type = Object)]
    pub texts: Value,
}

hidden_debug!(UnmaskedTexts);

/// Masked fields, shown.
#[derive(Serialize, ToSchema)]
pub struct UnmaskedView {
    /// Reference number.
    pub reference: String,
    /// Those who take part.
    pub parties: Vec<UnmaskedParty>,
    /// What happened, in the person's own words; when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub narrative: Option<String>,
    /// What people wrote at each step; when asked for.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub history: Option<Vec<UnmaskedTexts>>,
}

hidden_debug!(UnmaskedView);

/// Shows masked fields of a case to staff who work on it. Each time leaves an entry in the audit log, with the reason; an account
/// has a number of times a day (`privacy.unmask_per_day`).
#[utoipa::path(post, path = "/api/v1/cases/{reference}/unmask", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = UnmaskRequest, content_type = "application/json"),
    responses(
        (status = 200, body = UnmaskedView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn show(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<UnmaskRequest>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let shown = of_case(&app.into_inner(), &caller, reference(&path)?, &body.value).await?;
    Ok(HttpResponse::Ok().json(shown))
}

/// Masked fields of a case, shown.
///
/// # Errors
/// When they aren't; then nothing was shown.
pub(in crate::http) async fn of_case(
    app: &Arc<App>,
    caller: &Caller,
    reference: Reference,
    request: &UnmaskRequest,
) -> Result<UnmaskedView, Problem> {
    caller.proved_lately(app)?;
    let (fields, reason) = read(request)?;
    let asked = fields.clone();
    let occasion = caller.occasion(app);
    let request = Request { reference, scope: caller.scope(), occasion, fields, reason };
    Ok(view(unmask::unmask(app, request).await?, &asked))
}

fn read(body: &UnmaskRequest) -> Result<(Vec<&'static str>, String), Problem> {
    let mut faults = Problems::default();
    let mut fields: Vec<&'static str> = Vec::new();
    let asked = body.fields.as_deref().unwrap_or_default();
    if asked.is_empty() {
        faults.at("/fields", Invalid::new("required", "name at least one field").allowed(FIELDS.join(", ")));
    }
    for (place, code) in asked.iter().enumerate() {
        match FIELDS.iter().find(|field| *field == code) {
            Some(field) if fields.contains(field) => {}
            Some(field) => fields.push(field),
            None => {
                let fault = Invalid::new("unknown_value", "not a masked field").allowed(FIELDS.join(", "));
                faults.at(format!("/fields/{place}"), fault);
            }
        }
    }
    let reason = line(&mut faults, "reason", body.reason.as_deref(), REASON);
    faults.check()?;
    Ok((fields, reason.unwrap_or_default()))
}

fn view(shown: Unmasked, asked: &[&str]) -> UnmaskedView {
    let has = |field: &str| asked.contains(&field);
    let parties = shown.parties.into_iter().filter_map(|party| {
        Some(UnmaskedParty {
            role: party.role?,
            name: party.name.filter(|_| has("name")),
            phone: party.phone.filter(|_| has("phone")),
            email: party.email.filter(|_| has("email")),
            address: party.address.filter(|_| has("address")),
            id_number: party.id_number.filter(|_| has("id_number")),
        })
    });
    UnmaskedView {
        reference: shown.case.reference.as_str().to_owned(),
        parties: parties.collect(),
        narrative: shown.narrative,
        history: shown
            .history
            .map(|history| history.into_iter().map(|(seq, texts)| UnmaskedTexts { seq, texts }).collect()),
    }
}

impl From<UnmaskError> for Problem {
    fn from(error: UnmaskError) -> Self {
        match error {
            UnmaskError::NotFound => Self::not_found(),
            UnmaskError::NotAllowed => Self::not_for_role(),
            UnmaskError::TooMany { seconds } => Self::too_many(RetryAfter { seconds }),
            UnmaskError::Store(error) => error.into(),
        }
    }
}

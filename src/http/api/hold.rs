//! Legal hold on a case.

use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::problem::{Invalid, Problems};
use crate::http::api::{line, reference};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Body;
use crate::track::hold::{self, Hold, HoldError, REASON, Request};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::json;
use utoipa::ToSchema;

/// Whether a case is to be held, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct HoldRequest {
    /// `true` places a hold, `false` lifts it.
    pub held: Option<bool>,
    /// Why, 5 to 500 characters; auditors read it.
    #[schema(example = "行政复议期间，证据保全")]
    pub reason: Option<String>,
}

hidden_debug!(HoldRequest);

/// Whether a case is held.
#[derive(Serialize, ToSchema)]
#[schema(as = LegalHold)]
pub struct HoldView {
    /// A held case isn't erased when its time of keeping is over.
    pub held: bool,
    /// Since when.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub placed_at: Option<Timestamp>,
    /// Account of who placed it.
    pub placed_by: Option<String>,
    /// Why.
    pub reason: Option<String>,
}

hidden_debug!(HoldView);

impl From<Option<Hold>> for HoldView {
    fn from(hold: Option<Hold>) -> Self {
        let held = hold.is_some();
        let (placed_at, placed_by, reason) = match hold {
            Some(hold) => (Some(hold.placed_at), Some(hold.placed_by), Some(hold.reason)),
            None => (None, None, None),
        };
        Self { held, placed_at, placed_by, reason }
    }
}

/// Whether a case is held: for its office, its supervisors and auditors.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/hold", tag = "staff",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = HoldView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn show(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let found = hold::find(&app.into_inner(), caller.who.role, caller.scope(), reference(&path)?).await?;
    Ok(HttpResponse::Ok().json(HoldView::from(found)))
}

/// Places a hold on a case, or lifts it: for supervisors. Both leave an entry in the audit log, with the reason.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/hold", tag = "staff",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = HoldRequest, content_type = "application/json"),
    responses(
        (status = 200, body = HoldView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn change(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<HoldRequest>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let reference = reference(&path)?;
    let mut faults = Problems::default();
    let held = body.value.held.unwrap_or_else(|| {
        faults.at("/held", Invalid::new("required", "is required").allowed("true, false"));
        false
    });
    let reason = line(&mut faults, "reason", body.value.reason.as_deref(), REASON);
    faults.check()?;
    let occasion = caller.occasion(&app);
    let request = Request { reference, scope: caller.scope(), occasion, held, reason: reason.unwrap_or_default() };
    let changed = hold::change(&app.into_inner(), request).await?;
    Ok(HttpResponse::Ok().json(HoldView::from(changed)))
}

impl From<HoldError> for Problem {
    fn from(error: HoldError) -> Self {
        match error {
            HoldError::NotFound => Self::not_found(),
            HoldError::NotAllowed => Self::not_for_role(),
            HoldError::NoChange { held } => {
                let detail = if held { "the case is held already" } else { "the case isn't held" };
                Self::new(StatusCode::CONFLICT, "no_change", detail).with("held", json!(held))
            }
            HoldError::Store(error) => error.into(),
        }
    }
}

//! Requests to put right what is kept of a person.

use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::{self, Permission};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::Role;
use crate::http::api::{line, reference};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Body;
use crate::http::views;
use crate::store::cases;
use crate::track::correct::{self, CorrectError, Correction, Decision, FIELDS, Request, WORDS};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What is to be put right, and why.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionRequest {
    /// The fields as they are to be: some of `name`, `phone`, `email`, `address`, `id_type`, `id_number`.
    #[schema(value_type = Option<Object>, example = json!({"phone": "13800138001"}))]
    pub complainant: Option<Map<String, Value>>,
    /// Why, 2 to 500 characters.
    #[schema(example = "换了手机号")]
    pub reason: Option<String>,
}

hidden_debug!(CorrectionRequest);

/// What is decided of a request.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CorrectionDecision {
    /// Put right, or left as it is.
    pub accept: Option<bool>,
    /// What the person is told, 2 to 500 characters; a refusal needs it.
    pub answer: Option<String>,
}

hidden_debug!(CorrectionDecision);

/// A request to put something right.
#[derive(Serialize, ToSchema)]
#[schema(as = Correction)]
pub struct CorrectionView {
    /// Number within the case.
    pub no: i16,
    /// `open`, `accepted` or `refused`.
    pub state: String,
    /// When it was asked for.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// The fields as they are to be; masked for staff.
    #[schema(value_type = Object)]
    pub complainant: Value,
    /// Why.
    pub reason: String,
    /// When it was decided.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub decided_at: Option<Timestamp>,
    /// What the person was told.
    pub answer: Option<String>,
}

hidden_debug!(CorrectionView);

/// The requests of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct CorrectionPage {
    /// Oldest first.
    pub items: Vec<CorrectionView>,
    /// Always `null`: they come whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
}

/// A request, plain for who made it and masked for everyone else.
pub(super) fn view(correction: Correction, caller: &Caller) -> CorrectionView {
    let wanted = Value::Object(correction.wanted);
    let own = caller.who.role == Role::Consumer;
    let masked = |text: String| match views::masked_texts(Value::String(text), &[]) {
        Value::String(text) => text,
        _ => String::new(),
    };
    CorrectionView {
        no: correction.no,
        state: correction.state,
        asked_at: correction.asked_at,
        complainant: if own { wanted } else { views::masked_texts(wanted, &[]) },
        reason: if own { correction.reason } else { masked(correction.reason) },
        decided_at: correction.decided_at,
        answer: if own { correction.answer } else { correction.answer.map(masked) },
    }
}

/// Asks to have put right what is kept of oneself: by who filed, at any time until the case is erased.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/corrections", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = CorrectionRequest, content_type = "application/json"),
    responses(
        (status = 201, body = CorrectionView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn ask(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<CorrectionRequest>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let reference = reference(&path)?;
    let mut faults = Problems::default();
    let wanted = body.value.complainant.clone().unwrap_or_else(|| {
        faults.at("/complainant", Invalid::new("required", "is required").allowed(FIELDS.join(", ")));
        Map::new()
    });
    for field in wanted.keys().filter(|field| !FIELDS.contains(&field.as_str())) {
        let fault = Invalid::new("unknown_field", "there is no such field").allowed(FIELDS.join(", "));
        faults.at(format!("/complainant/{}", field.replace('~', "~0").replace('/', "~1")), fault);
    }
    let reason = line(&mut faults, "reason", body.value.reason.as_deref(), WORDS);
    faults.check()?;
    let actor = caller.who.actor();
    let request = Request { reference, scope: caller.scope(), actor, wanted, reason: reason.unwrap_or_default() };
    let kept = correct::ask(&app.into_inner(), request).await?;
    Ok(HttpResponse::Created().json(view(kept, &caller)))
}

/// The requests of a case, for who filed and for the office.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/corrections", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = CorrectionPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let (reference, scope, shared) = (reference(&path)?, caller.scope(), app.clone().into_inner());
    let role = caller.who.role;
    let found = app
        .store
        .read(move |db| {
            let Some(found) = cases::load(db, &scope, &reference)? else { return Ok(Err(Problem::not_found())) };
            if !permission::may(role, Permission::ReadCorrections, found.case.kind) {
                return Ok(Err(Problem::not_for_role()));
            }
            Ok(Ok(correct::list(&shared, db, &found)?))
        })
        .await??;
    let items = found.into_iter().map(|correction| view(correction, &caller)).collect();
    Ok(HttpResponse::Ok().json(CorrectionPage { items, next_cursor: None }))
}

/// Decides a request: for the office that has the case. What was there and what is there now stand sealed in the history.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/corrections/{no}", tag = "staff",
    params(
        ("reference" = String, Path, description = "Reference number"),
        ("no" = String, Path, description = "Number of the request within the case")),
    request_body(content = CorrectionDecision, content_type = "application/json"),
    responses(
        (status = 200, body = CorrectionView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn decide(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: Body<CorrectionDecision>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let reference = reference(&path.0)?;
    let no: i16 = path.1.parse().map_err(|_| Problem::not_found())?;
    let mut faults = Problems::default();
    let accept = body.value.accept.unwrap_or_else(|| {
        faults.at("/accept", Invalid::new("required", "is required").allowed("true, false"));
        true
    });
    // An acceptance needs no words.
    let given = body.value.answer.as_deref();
    let answer = if accept && given.is_none() { None } else { line(&mut faults, "answer", given, WORDS) };
    faults.check()?;
    let decision = Decision { reference, scope: caller.scope(), actor: caller.who.actor(), no, accept, answer };
    let decided = correct::decide(&app.into_inner(), decision).await?;
    Ok(HttpResponse::Ok().json(view(decided, &caller)))
}

impl From<CorrectError> for Problem {
    fn from(error: CorrectError) -> Self {
        let conflict = |code, detail: &str| Self::new(StatusCode::CONFLICT, code, detail);
        match error {
            CorrectError::Act(error) => error.into(),
            CorrectError::TooManyOpen => conflict("too_many_open", "other requests of this case wait to be decided"),
            CorrectError::Decided => conflict("decided", "it was decided already"),
        }
    }
}

//! Steps of a case.

use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::Action;
use crate::http::api::{cases, reference};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, IfMatch};
use crate::http::openapi::ActionCode;
use crate::http::views::CaseView;
use crate::intake;
use crate::store::cases::Loaded;
use crate::track::Command;
use crate::track::act::{self, ActError, Request};
use actix_web::{HttpResponse, web};
use serde_json::{Map, Value};
use std::sync::Arc;
use utoipa::ToSchema;

/// Takes a step. Which steps there are, and what each carries, the case says itself (`available_actions`).
#[utoipa::path(post, path = "/api/v1/cases/{reference}/transitions", tag = "cases",
    params(
        ("reference" = String, Path, description = "Reference number"),
        ("If-Match" = String, Header, description = "ETag of the case as it was read, e.g. \"3\"")),
    request_body(content = Transition, content_type = "application/json"),
    responses(
        (status = 200, body = CaseView, headers(("ETag" = String, description = "The new version"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn act(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    version: SignedMatch,
    body: Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadCase)?;
    let reference = reference(&path)?;
    let expected = version.read()?;
    let mut fields = body.value;
    let action = match fields.remove("action") {
        Some(Value::String(code)) => Action::parse(&code).map_err(|fault| Problem::field("/action", fault))?,
        Some(_) => return Err(Problem::field("/action", Invalid::new("type", "must be a string"))),
        None => return Err(Problem::field("/action", Invalid::new("required", "is required"))),
    };
    let app = app.into_inner();
    let loaded = take(&app, &caller, reference, expected, action, fields).await?;
    cases::answer(&app, &caller, loaded).await
}

/// Takes a step for a caller who has seen the case at a version.
///
/// # Errors
/// When it isn't taken; the version that the case is at, when it has moved on.
pub(in crate::http) async fn take(
    app: &Arc<App>,
    caller: &Caller,
    reference: Reference,
    expected: i64,
    action: Action,
    fields: Map<String, Value>,
) -> Result<Loaded, Problem> {
    let request = Request {
        reference: reference.clone(),
        expected,
        scope: caller.scope(),
        division: caller.who.division,
        command: Command { action, actor: caller.who.actor(), fields },
    };
    let end = match action {
        Action::Split => intake::split(app, request).await,
        _ => act::act(app, request).await,
    };
    match end {
        Ok(loaded) => Ok(loaded),
        // Who was quicker can only be seen by looking again.
        Err(ActError::Stale { current: 0 }) => {
            let current = cases::load(app, caller, reference).await?.case.version;
            Err(ActError::Stale { current }.into())
        }
        Err(error) => Err(error.into()),
    }
}

/// The version that the caller has seen. Read after it is known who calls: the anonymous are told to sign in first.
#[derive(Debug)]
pub struct SignedMatch(Result<IfMatch, Problem>);

impl SignedMatch {
    pub(super) fn read(self) -> Result<i64, Problem> {
        self.0.map(|IfMatch(version)| version)
    }
}

impl actix_web::FromRequest for SignedMatch {
    type Error = Problem;
    type Future = std::future::Ready<Result<Self, Problem>>;

    fn from_request(request: &actix_web::HttpRequest, payload: &mut actix_web::dev::Payload) -> Self::Future {
        let signed = request.headers().contains_key(actix_web::http::header::AUTHORIZATION);
        std::future::ready(match IfMatch::from_request(request, payload).into_inner() {
            Err(problem) if signed => Err(problem),
            end => Ok(Self(end)),
        })
    }
}

/// A step, with the fields that it carries.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body of a step")]
struct Transition {
    action: ActionCode,
    /// What the step carries; see `available_actions` of the case.
    #[serde(flatten)]
    #[schema(value_type = Object, inline)]
    fields: (),
}

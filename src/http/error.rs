//! The one error of the edge, told as RFC 9457 `application/problem+json`.
//!
//! Which error inside becomes what outside:
//!
//! | inside | status | `code` |
//! |---|---|---|
//! | body that is no JSON, repeats a key or nests too deeply | 400 | `malformed_json` |
//! | parameter given twice | 400 | `duplicate_parameter` |
//! | header that can't be read | 400 | `malformed_header` |
//! | no token, or one that isn't believed ([`TokenError`](crate::identity::TokenError)) | 401 | `authentication_required`, `invalid_token` |
//! | wrong name, password, number or PIN | 401 | `invalid_credentials` |
//! | refresh token that isn't one, or no longer | 401 | `invalid_refresh_token` |
//! | request with a cookie from another site, or without its session's token | 403 | `foreign_origin`, `csrf_token` |
//! | right password, and the second factor is asked for | 401 | `totp_required` |
//! | right password, and a second factor must be set up first | 403 | `totp_enrolment_required`, with `secret` and `uri` |
//! | what is sensitive, long after the sign-in | 403 | `step_up_required` |
//! | answer of the sign-in provider that isn't believed | 401 | `provider_refused` |
//! | right answer, and no account, or no second factor that is asked for | 403 | `not_linked` with `subject`, `provider_factor` |
//! | sign-in provider that can't be reached | 503 | `provider_unavailable`, with `Retry-After` |
//! | the role never has this step or list | 403 | `not_allowed_for_role` |
//! | unknown, or outside the caller's scope ([`ActError::NotFound`]) | 404 | `not_found` |
//! | known path, other method | 405 | `method_not_allowed`, with `Allow` |
//! | signed link whose time is over ([`RatingError`](crate::track::rating::RatingError)) | 410 | `link_expired` |
//! | case whose time of keeping is over ([`StoreError::Erased`]) | 410 | `erased` |
//! | body not there in time | 408 | `body_timeout` |
//! | step not possible now ([`Refused::NotNow`]) | 409 | `not_now`, with `allowed_actions` |
//! | key whose first request is still being answered | 409 | `idempotency_in_flight`, with `Retry-After` |
//! | another system's number that has a case | 409 | `already_here` |
//! | case that has moved on ([`ActError::Stale`]) | 412 | `version_stale`, with `current_version` and `ETag` |
//! | body or file too large | 413 | `too_large` |
//! | other media type, or an encoding | 415 | `unsupported_media_type`, `unsupported_encoding`, `unsupported_type` |
//! | picture that can't be drawn anew | 422 | `too_many_pixels`, `unreadable_picture`, with `errors` |
//! | fields that are wrong ([`Problems`]) | 422 | `invalid_fields`, with `errors` |
//! | key that was used with another body | 422 | `idempotency_key_reused` |
//! | step with a group that isn't possible for some members ([`GroupError::Members`](crate::mass::group::GroupError)) | 409 | `members_refuse`, with `errors` |
//! | no `If-Match` | 428 | `precondition_required` |
//! | too many attempts or requests | 429 | `too_many_requests`, with `Retry-After` |
//! | store or password hashing overloaded, away or damaged ([`StoreError`], [`HashError`]) | 503 | `busy`, `unavailable`, with `Retry-After` |
//! | file whose content was lost where files are kept | 500 | `file_missing` |
//! | anything else | 500 | `internal`; what it was stands in the log only |

use crate::access;
use crate::domain::problem::{Invalid, Problem as Fault, Problems};
use crate::identity::{HashError, RetryAfter};
use crate::intake::FileError;
use crate::privacy::OpenError;
use crate::store::StoreError;
use crate::track::Refused;
use crate::track::act::ActError;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpResponse, HttpResponseBuilder, ResponseError};
use serde::Serialize;
use serde_json::{Map, Value, json};
use std::fmt;
use utoipa::ToSchema;

/// What went wrong, as it is told to the caller. The middleware adds the request id.
#[derive(Debug)]
pub struct Problem {
    told: Box<Told>,
}

#[derive(Debug)]
struct Told {
    status: StatusCode,
    code: &'static str,
    detail: String,
    errors: Vec<Fault>,
    more: Map<String, Value>,
    headers: Vec<(HeaderName, HeaderValue)>,
}

/// The answer to a request that failed (RFC 9457).
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Identifies the kind of problem: `/problems/` and the code.
    #[serde(rename = "type")]
    #[schema(example = "/problems/invalid_fields")]
    pub kind: String,
    /// The status in words.
    #[schema(example = "Unprocessable Entity")]
    pub title: String,
    /// HTTP status.
    #[schema(example = 422)]
    pub status: u16,
    /// Stable code, for programs.
    #[schema(example = "invalid_fields")]
    pub code: String,
    /// One sentence, for people. Names no personal data.
    pub detail: String,
    /// Id of the request, as in the header `x-request-id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub request_id: Option<String>,
    /// Every fault of the input.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<FieldFault>>)]
    pub errors: Vec<Fault>,
    /// What else there is to say: `allowed_actions`, `current_version`, `condition`.
    #[serde(flatten)]
    #[schema(value_type = Option<Object>, inline)]
    pub more: Map<String, Value>,
}

/// One fault of an input.
#[derive(Debug, Serialize, ToSchema)]
pub struct FieldFault {
    /// JSON pointer (RFC 6901) to the value; for a query, `/` and the parameter's name.
    #[schema(example = "/respondent/division")]
    pub pointer: String,
    /// Stable code: `required`, `unknown_field`, `type`, `unknown_value`, …
    #[schema(example = "unknown_value")]
    pub code: String,
    /// One sentence, for people.
    pub detail: String,
    /// What would be accepted.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

impl Problem {
    /// A problem with its status, stable code and sentence.
    pub fn new(status: StatusCode, code: &'static str, detail: impl Into<String>) -> Self {
        let told =
            Told { status, code, detail: detail.into(), errors: Vec::new(), more: Map::new(), headers: Vec::new() };
        Self { told: Box::new(told) }
    }

    /// Adds a header to the answer. A value that can't stand in a header is left out.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: impl fmt::Display) -> Self {
        if let Ok(value) = HeaderValue::try_from(value.to_string()) {
            self.told.headers.push((name, value));
        }
        self
    }

    /// Adds a member to the body.
    #[must_use]
    pub fn with(mut self, name: &str, value: Value) -> Self {
        self.told.more.insert(name.to_owned(), value);
        self
    }

    /// 400 with a code of its own.
    pub fn bad_request(code: &'static str, detail: impl Into<String>) -> Self {
        Self::new(StatusCode::BAD_REQUEST, code, detail)
    }

    /// 401: nobody has signed in.
    pub fn unauthenticated() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "authentication_required", "sign in first")
            .header(header::WWW_AUTHENTICATE, r#"Bearer realm="fangxin""#)
    }

    /// 401: a token that isn't believed, whatever the reason.
    pub fn invalid_token() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_token", "the access token is not valid, or no longer")
            .header(header::WWW_AUTHENTICATE, r#"Bearer realm="fangxin", error="invalid_token""#)
    }

    /// 401: wrong credentials, whichever part of them.
    pub fn invalid_credentials() -> Self {
        Self::new(StatusCode::UNAUTHORIZED, "invalid_credentials", "these credentials are not right")
            .header(header::WWW_AUTHENTICATE, r#"Bearer realm="fangxin""#)
    }

    /// 403: the role never has this.
    pub fn not_for_role() -> Self {
        Self::new(StatusCode::FORBIDDEN, "not_allowed_for_role", "this role can't do this")
    }

    /// 403: the credentials are asked for once more.
    pub fn step_up_required() -> Self {
        let detail = "confirm with POST /api/v1/auth/step-up that it is still you, then try again";
        Self::new(StatusCode::FORBIDDEN, "step_up_required", detail)
    }

    /// 404: unknown, or not the caller's to know.
    pub fn not_found() -> Self {
        Self::new(StatusCode::NOT_FOUND, "not_found", "there is no such thing, or it is not yours to see")
    }

    /// 405 with the methods that the path has.
    pub fn method_not_allowed(allow: &str) -> Self {
        Self::new(StatusCode::METHOD_NOT_ALLOWED, "method_not_allowed", "this path has no such method")
            .header(header::ALLOW, allow)
    }

    /// 410: its time of keeping is over.
    pub fn erased() -> Self {
        Self::new(StatusCode::GONE, "erased", "the time of keeping is over: this isn't there any more")
    }

    /// 413; the rest of the body isn't waited for.
    pub fn too_large(most: u64) -> Self {
        Self::new(StatusCode::PAYLOAD_TOO_LARGE, "too_large", format!("more than {most} bytes"))
            .with("max_bytes", json!(most))
    }

    /// 415: not the media type that the path takes.
    pub fn unsupported_media_type(takes: &'static str) -> Self {
        Self::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_media_type", format!("send {takes}"))
            .header(header::ACCEPT, takes)
    }

    /// 429.
    pub fn too_many(wait: RetryAfter) -> Self {
        Self::new(StatusCode::TOO_MANY_REQUESTS, "too_many_requests", "too many attempts: wait, then try again")
            .header(header::RETRY_AFTER, wait.seconds)
    }

    /// 500. What it was goes to the log, not to the caller.
    pub fn internal(error: impl fmt::Display) -> Self {
        tracing::error!(%error, "a request failed");
        Self::new(StatusCode::INTERNAL_SERVER_ERROR, "internal", "something went wrong on our side")
    }

    /// 422 for one field.
    pub fn field(pointer: impl Into<String>, fault: Invalid) -> Self {
        let mut problems = Problems::default();
        problems.at(pointer, fault);
        problems.into()
    }

    /// Adds a fault of the input to a problem with a code of its own.
    #[must_use]
    pub fn fault(mut self, pointer: &str, fault: Invalid) -> Self {
        self.told.errors.push(Fault { pointer: pointer.to_owned(), fault });
        self
    }

    /// The problem of a status that something else answered with.
    pub(super) fn of_status(status: StatusCode) -> Self {
        match status {
            StatusCode::NOT_FOUND => Self::not_found(),
            StatusCode::PAYLOAD_TOO_LARGE => Self::new(status, "too_large", "the body is too large"),
            StatusCode::URI_TOO_LONG => Self::new(status, "uri_too_long", "the address is too long"),
            status if status.is_client_error() => Self::new(status, "bad_request", "the request can't be understood"),
            status => Self::new(status, "internal", "something went wrong on our side"),
        }
    }

    /// Every fault of the input.
    pub fn faults(&self) -> &[Fault] {
        &self.told.errors
    }

    /// What else there is to say, by its name.
    pub fn member(&self, name: &str) -> Option<&Value> {
        self.told.more.get(name)
    }

    /// One sentence, for people, in English.
    pub fn detail(&self) -> &str {
        &self.told.detail
    }

    /// The stable code.
    pub fn code(&self) -> &'static str {
        self.told.code
    }

    /// The answer, with the id of the request.
    pub(super) fn render(&self, request_id: Option<&str>) -> HttpResponse {
        let told = &self.told;
        let mut response = HttpResponseBuilder::new(told.status);
        for header in &told.headers {
            response.insert_header(header.clone());
        }
        let body = ProblemBody {
            kind: format!("/problems/{}", told.code),
            title: told.status.canonical_reason().unwrap_or("Error").to_owned(),
            status: told.status.as_u16(),
            code: told.code.to_owned(),
            detail: told.detail.clone(),
            request_id: request_id.map(str::to_owned),
            errors: told.errors.clone(),
            more: told.more.clone(),
        };
        // It holds strings and numbers only: it can always be written.
        response.content_type(PROBLEM_JSON).body(serde_json::to_vec(&body).unwrap_or_default())
    }
}

/// Media type of a problem.
pub(super) const PROBLEM_JSON: &str = "application/problem+json";

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}", self.told.status.as_u16(), self.told.code)
    }
}

impl ResponseError for Problem {
    fn status_code(&self) -> StatusCode {
        self.told.status
    }

    fn error_response(&self) -> HttpResponse {
        self.render(None)
    }
}

impl From<Problems> for Problem {
    fn from(problems: Problems) -> Self {
        let mut problem = Self::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "invalid_fields",
            format!("{} missing or wrong; see errors", count(problems.0.len())),
        );
        problem.told.errors = problems.0;
        problem
    }
}

fn count(fields: usize) -> String {
    if fields == 1 { "1 field is".to_owned() } else { format!("{fields} fields are") }
}

impl From<StoreError> for Problem {
    fn from(error: StoreError) -> Self {
        let away = |code, detail: &str, wait: u32| {
            Self::new(StatusCode::SERVICE_UNAVAILABLE, code, detail).header(header::RETRY_AFTER, wait)
        };
        match error {
            StoreError::Busy => away("busy", "too much is being written at this moment", 1),
            StoreError::TooSlow => {
                tracing::warn!("the database took too long");
                away("busy", "the database takes too long at this moment", 5)
            }
            StoreError::Unavailable(reason) => {
                tracing::error!(%reason, "the database is unavailable");
                away("unavailable", "the service can't reach its database", 5)
            }
            StoreError::Corrupt(reason) => {
                tracing::error!(%reason, "the database is damaged");
                away("unavailable", "the service takes nothing in until its database is repaired", 300)
            }
            StoreError::Stale => stale(0),
            StoreError::Erased => Self::erased(),
            error => Self::internal(error),
        }
    }
}

impl From<OpenError> for Problem {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Erased => Self::erased(),
            error => Self::internal(error),
        }
    }
}

impl From<FileError> for Problem {
    fn from(error: FileError) -> Self {
        match error {
            FileError::Invalid(problems) => problems.into(),
            FileError::KeyReused => Self::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "idempotency_key_reused",
                "this Idempotency-Key was used with another body",
            ),
            FileError::InFlight => Self::new(
                StatusCode::CONFLICT,
                "idempotency_in_flight",
                "the first request with this Idempotency-Key is still being answered",
            )
            .header(header::RETRY_AFTER, 1),
            FileError::AlreadyHere { system, number } => {
                Self::new(StatusCode::CONFLICT, "already_here", "another system's number has a case already")
                    .with("external_reference", json!({ "system": system, "number": number }))
            }
            FileError::Store(error) => error.into(),
        }
    }
}

/// 412 with the version that the case is at; 0 when that isn't known.
pub(super) fn stale(current: i64) -> Problem {
    let problem =
        Problem::new(StatusCode::PRECONDITION_FAILED, "version_stale", "the case has moved on: read it again");
    if current == 0 {
        return problem;
    }
    problem.header(header::ETAG, format_args!("\"{current}\"")).with("current_version", json!(current))
}

impl From<ActError> for Problem {
    fn from(error: ActError) -> Self {
        match error {
            ActError::NotFound => Self::not_found(),
            ActError::Stale { current } => stale(current),
            ActError::Refused(Refused::NotAllowedForRole) => Self::not_for_role(),
            ActError::Refused(Refused::NotNow { blocked, allowed }) => {
                let detail = blocked.as_ref().map_or_else(
                    || "this step is not possible in the state of the case".to_owned(),
                    |blocked| blocked.detail.clone(),
                );
                let problem =
                    Self::new(StatusCode::CONFLICT, "not_now", detail).with("allowed_actions", json!(allowed));
                match blocked {
                    Some(blocked) => problem.with("condition", json!(blocked.code)),
                    None => problem,
                }
            }
            ActError::Refused(Refused::Invalid(problems)) => problems.into(),
            ActError::Store(error) => error.into(),
        }
    }
}

impl From<HashError> for Problem {
    fn from(error: HashError) -> Self {
        match error {
            HashError::Busy => Self::new(StatusCode::SERVICE_UNAVAILABLE, "busy", "too many people sign in at once")
                .header(header::RETRY_AFTER, 1),
            HashError::TooLong => {
                Self::field("/password", Invalid::new("too_long", "is too long").allowed("at most 1024 bytes"))
            }
            error => Self::internal(error),
        }
    }
}

impl From<access::Refused> for Problem {
    fn from(refused: access::Refused) -> Self {
        match refused {
            access::Refused::Credentials => Self::invalid_credentials(),
            access::Refused::Ticket => Self::new(
                StatusCode::UNAUTHORIZED,
                "invalid_refresh_token",
                "the refresh token is not valid, or no longer: sign in again",
            )
            .header(header::WWW_AUTHENTICATE, r#"Bearer realm="fangxin", error="invalid_grant""#),
            access::Refused::TotpRequired(_) => Self::new(
                StatusCode::UNAUTHORIZED,
                "totp_required",
                "send the code that your app shows now as totp, or a recovery code",
            )
            .header(header::WWW_AUTHENTICATE, r#"Bearer realm="fangxin""#),
            access::Refused::Enrol(enrolment, _) => Self::new(
                StatusCode::FORBIDDEN,
                "totp_enrolment_required",
                "add the secret to an app that shows codes, then sign in again with the code as totp",
            )
            .with("secret", json!(enrolment.secret))
            .with("uri", json!(enrolment.uri)),
            access::Refused::ProviderAway => Self::new(
                StatusCode::SERVICE_UNAVAILABLE,
                "provider_unavailable",
                "the provider of sign-in can't be reached at this moment",
            )
            .header(header::RETRY_AFTER, 30),
            access::Refused::ProviderRefused => Self::new(
                StatusCode::UNAUTHORIZED,
                "provider_refused",
                "what came back from the provider of sign-in is not valid, or no longer: begin again",
            ),
            access::Refused::NotLinked(subject) => Self::new(
                StatusCode::FORBIDDEN,
                "not_linked",
                "no account that can sign in is linked to this person of the provider",
            )
            .with("subject", json!(subject)),
            access::Refused::ProviderFactor => Self::new(
                StatusCode::FORBIDDEN,
                "provider_factor",
                "the account needs a second factor, and the provider says nothing of one: sign in with password and code",
            ),
            access::Refused::TooMany(wait) => Self::too_many(wait),
            access::Refused::Hash(error) => error.into(),
            access::Refused::Token(error) => Self::internal(error),
            access::Refused::Store(error) => error.into(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::body::to_bytes;

    async fn told(problem: Problem) -> Value {
        let response = problem.render(Some("request-1"));
        assert_eq!(response.headers().get(header::CONTENT_TYPE).unwrap(), PROBLEM_JSON);
        serde_json::from_slice(&to_bytes(response.into_body()).await.unwrap()).unwrap()
    }

    #[actix_web::test]
    async fn a_fault_has_its_place_and_what_would_be_allowed() {
        let fault = Invalid::new("unknown_value", "unknown kind").allowed("complaint, report, both");
        assert_eq!(
            told(Problem::field("/kind", fault)).await,
            json!({
                "type": "/problems/invalid_fields", "title": "Unprocessable Entity", "status": 422,
                "code": "invalid_fields", "detail": "1 field is missing or wrong; see errors", "request_id": "request-1",
                "errors": [{"pointer": "/kind", "code": "unknown_value", "detail": "unknown kind",
                            "allowed": "complaint, report, both"}],
            })
        );
    }

    #[actix_web::test]
    async fn a_stale_version_tells_the_current_one() {
        let problem = Problem::from(ActError::Stale { current: 7 });
        assert_eq!(problem.render(None).headers().get(header::ETAG).unwrap(), "\"7\"");
        assert_eq!(told(problem).await["current_version"], 7);
        let unknown = Problem::from(ActError::Stale { current: 0 });
        assert!(unknown.render(None).headers().get(header::ETAG).is_none());
    }

    #[actix_web::test]
    async fn what_failed_inside_stays_inside() {
        let problem = told(StoreError::Unreadable("column secret".to_owned()).into()).await;
        assert_eq!((&problem["status"], &problem["code"]), (&json!(500), &json!("internal")));
        assert!(!problem.to_string().contains("secret"));
        let busy = Problem::from(StoreError::Busy).render(None);
        assert_eq!(busy.status(), 503);
        assert_eq!(busy.headers().get(header::RETRY_AFTER).unwrap(), "1");
    }
}

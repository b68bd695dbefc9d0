//! One's own account: its second factor, its password, and proving once more who one is.

use crate::access::{self, Credentials, factors, sessions};
use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Pairs};
use crate::identity::{Password, check_policy};
use crate::store::{audit, users};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;

/// The account that is signed in.
fn account(caller: &Caller) -> Result<String, Problem> {
    caller.may(Permission::KeepAccount)?;
    caller.who.user.clone().ok_or_else(Problem::not_for_role)
}

/// What an app needs to show codes.
#[derive(Serialize, ToSchema)]
pub struct EnrolmentAnswer {
    /// The secret, to be typed into an app.
    pub secret: String,
    /// The same as an address, for a picture that an app reads.
    #[schema(example = "otpauth://totp/fangxin:li?secret=…&issuer=fangxin")]
    pub uri: String,
}

hidden_debug!(EnrolmentAnswer);

/// A code of the app.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConfirmationRequest {
    /// As the app shows it now.
    #[schema(example = "287082")]
    pub totp: String,
}

/// Codes for when the app is lost, told once.
#[derive(Debug, Serialize, ToSchema)]
pub struct ConfirmationAnswer {
    /// Each works once in place of a code of the app.
    pub recovery_codes: Vec<String>,
}

/// Begins to give one's account a second factor. It counts once its first code was confirmed.
#[utoipa::path(post, path = "/api/v1/me/totp", tag = "sessions",
    responses(
        (status = 200, body = EnrolmentAnswer),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json",
            description = "The account has one already")),
    security(("bearer" = [])))]
pub async fn enrol(app: web::Data<App>, caller: Caller, _no_parameters: Pairs) -> Result<HttpResponse, Problem> {
    let username = account(&caller)?;
    match factors::enrol(&app, username).await? {
        Some(told) => Ok(HttpResponse::Ok().json(EnrolmentAnswer { secret: told.secret, uri: told.uri })),
        None => Err(Problem::new(StatusCode::CONFLICT, "already_enrolled", "the account has a second factor already")),
    }
}

/// Confirms the second factor by the code that the app shows.
#[utoipa::path(post, path = "/api/v1/me/totp/confirmation", tag = "sessions",
    request_body(content = ConfirmationRequest, content_type = "application/json"),
    responses(
        (status = 200, body = ConfirmationAnswer),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn confirm(
    app: web::Data<App>,
    caller: Caller,
    body: Body<ConfirmationRequest>,
) -> Result<HttpResponse, Problem> {
    account(&caller)?;
    match factors::confirm(&app, &caller.who, &caller.origin(), body.value.totp).await? {
        Some(recovery_codes) => Ok(HttpResponse::Ok().json(ConfirmationAnswer { recovery_codes })),
        None => Err(Problem::field("/totp", Invalid::new("wrong_code", "not the code that the app shows now"))),
    }
}

/// Takes one's second factor away. Asks for the credentials once more when the sign-in is long ago.
#[utoipa::path(delete, path = "/api/v1/me/totp", tag = "sessions",
    responses(
        (status = 204, description = "Taken away"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn remove(app: web::Data<App>, caller: Caller, _no_parameters: Pairs) -> Result<HttpResponse, Problem> {
    account(&caller)?;
    caller.proved_lately(&app)?;
    if factors::is_required(&app, caller.who.role) {
        return Err(Problem::new(StatusCode::FORBIDDEN, "totp_is_required", "this role needs a second factor"));
    }
    if factors::remove(&app, &caller.who, &caller.origin()).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(Problem::not_found())
}

/// What proves once more who one is.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct StepUpRequest {
    /// The account's password.
    #[schema(value_type = String, format = Password)]
    pub password: Password,
    /// A code of its second factor, when it has one.
    pub totp: Option<String>,
}

/// Proves once more who one is, so that what is sensitive can be done for a while.
#[utoipa::path(post, path = "/api/v1/auth/step-up", tag = "sessions",
    request_body(content = StepUpRequest, content_type = "application/json"),
    responses(
        (status = 204, description = "Proved"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn step_up(app: web::Data<App>, caller: Caller, body: Body<StepUpRequest>) -> Result<HttpResponse, Problem> {
    let username = account(&caller)?;
    let session = caller.session.ok_or_else(Problem::unauthenticated)?;
    let credentials = Credentials::Staff { username, password: body.value.password, totp: body.value.totp };
    let proven = access::sign_in::check(&app, credentials, &caller.origin()).await?;
    sessions::prove(&app, session, proven).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Another password for one's account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordRequest {
    /// The one in force.
    #[schema(value_type = String, format = Password)]
    pub password: Password,
    /// A code of the second factor, when the account has one.
    pub totp: Option<String>,
    /// The new one.
    #[schema(value_type = String, format = Password)]
    pub new_password: Password,
}

/// Gives one's account another password. Every session of it ends, this one too.
#[utoipa::path(post, path = "/api/v1/me/password", tag = "sessions",
    request_body(content = PasswordRequest, content_type = "application/json"),
    responses(
        (status = 204, description = "Changed; sign in again"),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn password(
    app: web::Data<App>,
    caller: Caller,
    body: Body<PasswordRequest>,
) -> Result<HttpResponse, Problem> {
    change_password(&app.into_inner(), &caller, body.value).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Gives the account that is signed in another password, and ends its sessions.
///
/// # Errors
/// 401 for wrong credentials, 422 for a password that is no good, 429 after too many tries.
pub async fn change_password(app: &Arc<App>, caller: &Caller, asked: PasswordRequest) -> Result<(), Problem> {
    let username = account(caller)?;
    let PasswordRequest { password, totp, new_password } = asked;
    check_policy(&new_password, &username).map_err(|fault| Problem::field("/new_password", fault))?;
    let name = username.clone();
    let before = app.store.read(move |db| users::find(db, &name)).await?.ok_or_else(Problem::not_for_role)?;
    let credentials = Credentials::Staff { username: username.clone(), password, totp };
    let proven = access::sign_in::check(app, credentials, &caller.origin()).await?;
    let hash = app.hasher.hash(new_password).await?;
    let (now, entry) = (app.now(), caller.occasion(app).user_reset(&username, "password"));
    let changed = app
        .store
        .write(move |tx| {
            // Whoever was disabled, or given another password, while theirs was checked and hashed stays so.
            if !users::replace_password(tx, &username, &before.password_hash, &hash, now)? {
                return Ok(false);
            }
            proven.counting.was_right(tx, now)?;
            audit::append(tx, &entry)?;
            Ok(true)
        })
        .await?;
    if changed { Ok(()) } else { Err(Problem::invalid_credentials()) }
}

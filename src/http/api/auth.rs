//! Sessions: access tokens for the consumer of a case and for staff.

use crate::ambient;
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Lang, Role};
use crate::http::api::LangParam;
use crate::http::caller::{Caller, standing};
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Params};
use crate::http::openapi::RoleCode;
use crate::http::views::{Coded, Names};
use crate::identity::{Caller as Who, Grant, Password};
use crate::store::{cases, users};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use std::time::Duration;
use utoipa::ToSchema;
use uuid::Uuid;

/// What opens a session: number and PIN of a case, or name and password of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Reference number of a case.
    pub reference: Option<String>,
    /// Its PIN.
    pub access_pin: Option<String>,
    /// Name of an account.
    pub username: Option<String>,
    /// Its password.
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Password>,
}

/// An access token.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// To be sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`
    pub token_type: &'static str,
    /// Seconds until it ends.
    pub expires_in: u64,
}

/// Opens a session.
#[utoipa::path(post, path = "/api/v1/auth/token", tag = "sessions",
    request_body(content = TokenRequest, content_type = "application/json"),
    responses(
        (status = 200, body = TokenAnswer),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn token(app: web::Data<App>, caller: Caller, body: Body<TokenRequest>) -> Result<HttpResponse, Problem> {
    match body.value {
        TokenRequest { reference: Some(reference), access_pin: Some(pin), username: None, password: None } => {
            open_case(&app, &caller, &reference, &pin).await
        }
        TokenRequest { reference: None, access_pin: None, username: Some(username), password: Some(password) } => {
            sign_in(&app, &caller, &username, password).await
        }
        request => Err(incomplete(&request)),
    }
}

fn incomplete(request: &TokenRequest) -> Problem {
    let mut faults = Problems::default();
    let staff = request.username.is_some() || request.password.is_some();
    let consumer = request.reference.is_some() || request.access_pin.is_some();
    if staff == consumer {
        let allowed = "reference and access_pin, or username and password";
        faults.at("", Invalid::new("one_of", "give one pair").allowed(allowed));
    } else {
        let given = [
            ("/reference", consumer, request.reference.is_some()),
            ("/access_pin", consumer, request.access_pin.is_some()),
            ("/username", staff, request.username.is_some()),
            ("/password", staff, request.password.is_some()),
        ];
        for (pointer, wanted, there) in given {
            if wanted && !there {
                faults.at(pointer, Invalid::new("required", "is required"));
            }
        }
    }
    faults.into()
}

/// Counts an attempt, when attempts are limited.
fn attempt(app: &App, caller: &Caller, account: &str) -> Result<(), Problem> {
    if app.settings.limits.enabled {
        app.attempts.check(account, caller.address).map_err(|wait| {
            tracing::warn!("too many attempts to sign in");
            Problem::too_many(wait)
        })?;
    }
    Ok(())
}

async fn open_case(app: &App, caller: &Caller, number: &str, pin: &str) -> Result<HttpResponse, Problem> {
    let reference = Reference::parse(number).ok();
    // Numbers that don't exist share one quota: they are guesses.
    let account = reference.as_ref().map_or("case:none".to_owned(), |reference| format!("case:{}", reference.as_str()));
    attempt(app, caller, &account)?;
    let found = match reference {
        Some(reference) => app.store.read(move |db| cases::load(db, &Scope::System, &reference)).await?,
        None => None,
    };
    // The same work for a case that doesn't exist.
    let case = found.map(|loaded| loaded.case.id);
    let fits = app.vault.verify_pin(case.unwrap_or(CaseId(Uuid::nil())), pin.trim());
    match case.filter(|_| fits) {
        Some(case) => {
            let who = Who { role: Role::Consumer, user: None, unit: None, division: None, case: Some(case) };
            issue(app, who, case.0.to_string())
        }
        None => {
            tracing::info!("wrong reference number or PIN");
            Err(Problem::invalid_credentials())
        }
    }
}

async fn sign_in(app: &App, caller: &Caller, username: &str, password: Password) -> Result<HttpResponse, Problem> {
    let username = username.trim();
    if username.is_empty() || username.chars().count() > 100 || username.chars().any(char::is_control) {
        let fault = Invalid::new("username", "not the name of an account").allowed("1 to 100 characters");
        return Err(Problem::field("/username", fault));
    }
    attempt(app, caller, &format!("user:{}", username.to_lowercase()))?;
    let name = username.to_owned();
    let user = app.store.read(move |db| users::find(db, &name)).await?;
    let stored = user.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
    // Without an account a password is hashed all the same: the time tells nothing.
    let fits = app.hasher.verify(password, stored).await?;
    match user.as_ref().filter(|_| fits).and_then(standing) {
        Some(who) => {
            tracing::info!("signed in");
            let subject = username.to_owned();
            issue(app, who, subject)
        }
        None => {
            tracing::info!("wrong name or password");
            Err(Problem::invalid_credentials())
        }
    }
}

fn issue(app: &App, caller: Who, subject: String) -> Result<HttpResponse, Problem> {
    let lifetime = Duration::from_secs(u64::from(app.settings.auth.access_minutes) * 60);
    let millis = u64::try_from(app.now().as_millisecond()).unwrap_or(0);
    let random = ambient::draw::<10>(app.entropy.as_ref());
    let session = uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid();
    let access_token = app.tokens.issue(&Grant { caller, subject, session }, lifetime).map_err(Problem::internal)?;
    let answer = TokenAnswer { access_token, token_type: "Bearer", expires_in: lifetime.as_secs() };
    Ok(HttpResponse::Ok().json(answer))
}

/// Who is signed in.
#[derive(Debug, Serialize, ToSchema)]
pub struct Me {
    /// In which role.
    #[schema(value_type = RoleCode)]
    pub role: Role,
    /// Name of the account; for staff.
    pub username: Option<String>,
    /// Office or station; for staff.
    pub unit: Option<Coded>,
    /// Division that they are responsible for; for staff.
    pub division: Option<Coded>,
    /// Reference number of the case that a consumer has opened.
    pub reference: Option<String>,
}

/// Says who is signed in.
#[utoipa::path(get, path = "/api/v1/me", tag = "sessions", params(LangParam),
    responses(
        (status = 200, body = Me),
        (status = 401, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn me(app: web::Data<App>, caller: Caller, params: Params<LangParam>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang: params.0.read()?.unwrap_or(Lang::Zh) };
    let reference = match caller.who.case {
        Some(id) => {
            let scope = caller.scope();
            let loaded = app.store.read(move |db| cases::load_by_id(db, &scope, id)).await?;
            // The case of a token that is still good is gone: so is the session.
            let loaded = loaded.ok_or_else(Problem::invalid_token)?;
            Some(loaded.case.reference.as_str().to_owned())
        }
        None => None,
    };
    Ok(HttpResponse::Ok().json(Me {
        role: caller.who.role,
        username: caller.who.user.clone(),
        unit: caller.who.unit.as_deref().map(|code| names.unit(code)),
        division: caller.who.division.map(|division| names.division(division)),
        reference,
    }))
}

//! Sessions: access tokens for the consumer of a case and for staff.

use crate::access::{self, Carrier, Credentials, Destination, Opened, Refused, sessions};
use crate::app::App;
use crate::domain::identifiers;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::{Lang, Role};
use crate::http::api::LangParam;
use crate::http::caller::{Caller, origin};
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Maybe, Pairs, Params};
use crate::http::openapi::RoleCode;
use crate::http::session;
use crate::http::views::{Coded, Names};
use crate::identity::{Password, Ticket};
use crate::store::{cases, factors};
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// What opens a session: number and PIN of a case, phone or e-mail address with the code that was sent there, or name and
/// password of an account.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TokenRequest {
    /// Reference number of a case.
    pub reference: Option<String>,
    /// Its PIN.
    pub access_pin: Option<String>,
    /// Phone number that a code was sent to.
    pub phone: Option<String>,
    /// E-mail address that a code was sent to.
    pub email: Option<String>,
    /// The code.
    pub code: Option<String>,
    /// Name of an account.
    pub username: Option<String>,
    /// Its password.
    #[schema(value_type = Option<String>, format = Password)]
    pub password: Option<Password>,
    /// Code of its second factor, or a recovery code.
    pub totp: Option<String>,
}

/// An access token, and the token to get the next one with.
#[derive(Debug, Serialize, ToSchema)]
pub struct TokenAnswer {
    /// To be sent as `Authorization: Bearer …`.
    pub access_token: String,
    /// `Bearer`
    pub token_type: &'static str,
    /// Seconds until it ends.
    pub expires_in: u64,
    /// To be exchanged at `POST /api/v1/auth/refresh`, once. It ends with the session.
    pub refresh_token: String,
    /// Recovery codes of a second factor that begins to count now. They are told once.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schema(value_type = Option<Vec<String>>)]
    pub recovery_codes: Vec<String>,
}

/// Opens a session.
#[utoipa::path(post, path = "/api/v1/auth/token", tag = "sessions",
    request_body(content = TokenRequest, content_type = "application/json"),
    responses(
        (status = 200, body = TokenAnswer),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json",
            description = "A second factor must be set up first: the answer has its `secret` and `uri`"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn token(app: web::Data<App>, caller: Caller, body: Body<TokenRequest>) -> Result<HttpResponse, Problem> {
    let from = caller.origin();
    let proven = access::sign_in::check(&app, credentials(body.value)?, &from).await?;
    let recovery_codes = proven.recovery.clone();
    let opened = sessions::open(&app, proven, Carrier::Bearer, &from).await?;
    answer(&app, &opened, recovery_codes)
}

/// What a request shows, when it is whole and nothing of another sort stands beside it.
fn credentials(request: TokenRequest) -> Result<Credentials, Problem> {
    let TokenRequest { reference, access_pin, phone, email, code, username, password, totp } = request;
    let given = [
        ("/reference", reference.is_some()),
        ("/access_pin", access_pin.is_some()),
        ("/phone", phone.is_some()),
        ("/email", email.is_some()),
        ("/code", code.is_some()),
        ("/username", username.is_some()),
        ("/password", password.is_some()),
        ("/totp", totp.is_some()),
    ];
    match (reference, access_pin, phone, email, code, username, password) {
        (Some(reference), Some(pin), None, None, None, None, None) if totp.is_none() => {
            Ok(Credentials::Case { reference, pin })
        }
        (None, None, phone, email, Some(code), None, None) if totp.is_none() && phone.is_some() != email.is_some() => {
            Ok(Credentials::Code { to: destination(phone.as_deref(), email.as_deref())?, code })
        }
        (None, None, None, None, None, Some(username), Some(password)) => {
            let name = username.trim();
            if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
                let fault = Invalid::new("username", "not the name of an account").allowed("1 to 100 characters");
                return Err(Problem::field("/username", fault));
            }
            Ok(Credentials::Staff { username, password, totp })
        }
        _ => Err(incomplete(&given)),
    }
}

/// What opens a session, by the fields that it takes; one of the first two of the second.
const WAYS: [&[&str]; 4] =
    [&["/reference", "/access_pin"], &["/phone", "/code"], &["/email", "/code"], &["/username", "/password", "/totp"]];

fn incomplete(given: &[(&'static str, bool)]) -> Problem {
    let there: Vec<&str> = given.iter().filter(|(_, there)| *there).map(|(pointer, _)| *pointer).collect();
    let mut faults = Problems::default();
    // The one way that what is there belongs to lacks the rest.
    let way = WAYS.iter().find(|way| !there.is_empty() && there.iter().all(|pointer| way.contains(pointer)));
    match way {
        Some(_) if there == ["/code"] => {
            faults.at("/phone", Invalid::new("required", "is required, or email").allowed("phone or email"));
        }
        Some(way) => {
            for pointer in way.iter().filter(|pointer| !there.contains(pointer) && **pointer != "/totp") {
                faults.at(*pointer, Invalid::new("required", "is required"));
            }
        }
        None => {
            let allowed = "reference and access_pin, phone or email and code, or username and password";
            faults.at("", Invalid::new("one_of", "give one of them").allowed(allowed));
        }
    }
    faults.into()
}

/// A phone number or an e-mail address, exactly one.
pub(super) fn destination(phone: Option<&str>, email: Option<&str>) -> Result<Destination, Problem> {
    match (phone, email) {
        (Some(phone), None) => {
            identifiers::phone(phone).map(Destination::Phone).map_err(|fault| Problem::field("/phone", fault))
        }
        (None, Some(email)) => {
            identifiers::email(email).map(Destination::Email).map_err(|fault| Problem::field("/email", fault))
        }
        _ => Err(Problem::field("", Invalid::new("one_of", "give one of them").allowed("phone or email"))),
    }
}

fn answer(app: &App, opened: &Opened, recovery_codes: Vec<String>) -> Result<HttpResponse, Problem> {
    let (access_token, expires_in) = sessions::access_token(app, opened)?;
    let refresh_token = opened.ticket.expose();
    let token_type = "Bearer";
    Ok(HttpResponse::Ok().json(TokenAnswer { access_token, token_type, expires_in, refresh_token, recovery_codes }))
}

/// A refresh token.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RefreshRequest {
    /// The one that was given last.
    pub refresh_token: String,
}

/// Exchanges a refresh token for an access token and another refresh token. One that was exchanged before ends its session.
#[utoipa::path(post, path = "/api/v1/auth/refresh", tag = "sessions",
    request_body(content = RefreshRequest, content_type = "application/json"),
    responses(
        (status = 200, body = TokenAnswer),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn refresh(
    app: web::Data<App>,
    request: HttpRequest,
    body: Body<RefreshRequest>,
) -> Result<HttpResponse, Problem> {
    let ticket = Ticket::parse(&body.value.refresh_token).ok_or(Refused::Ticket)?;
    // Not the caller: an access token that has ended may still be sent along.
    let opened = sessions::renew(&app, &ticket, &origin(&request, &app.settings)).await?;
    answer(&app, &opened, Vec::new())
}

/// Which sessions to end.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogoutRequest {
    /// `true`: every session of the caller, not only this one.
    #[serde(default)]
    pub everywhere: bool,
}

/// Ends the caller's session, or all of them. Their access and refresh tokens are good no longer.
#[utoipa::path(post, path = "/api/v1/auth/logout", tag = "sessions",
    request_body(content = LogoutRequest, content_type = "application/json"),
    responses(
        (status = 204, description = "Signed out"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn logout(
    app: web::Data<App>,
    request: HttpRequest,
    caller: Caller,
    body: Maybe<LogoutRequest>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    if body.0.is_some_and(|body| body.everywhere) {
        sessions::end_all(&app, &caller.who, &caller.origin()).await?;
    }
    let gone = session::sign_out(&app, &request, &caller).await?;
    let mut response = HttpResponse::NoContent();
    if !caller.csrf().is_empty() {
        response.cookie(gone).insert_header(("clear-site-data", "\"cache\", \"cookies\", \"storage\""));
    }
    Ok(response.finish())
}

/// A session.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Session)]
pub struct SessionView {
    /// Its key.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// `bearer` (a program) or `cookie` (a browser).
    pub carrier: String,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it was last used, to the minute.
    #[schema(value_type = String, format = DateTime)]
    pub seen_at: Timestamp,
    /// When it ends in any case.
    #[schema(value_type = String, format = DateTime)]
    pub ends_at: Timestamp,
    /// Whether it is the one of this request.
    pub current: bool,
}

/// Sessions.
#[derive(Debug, Serialize, ToSchema)]
pub struct SessionPage {
    /// The newest first.
    pub items: Vec<SessionView>,
    /// Always `null`: they come whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
}

/// The caller's sessions.
#[utoipa::path(get, path = "/api/v1/me/sessions", tag = "sessions",
    responses(
        (status = 200, body = SessionPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, _no_parameters: Pairs) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let rows = sessions::list(&app, &caller.who).await?;
    let items = rows
        .into_iter()
        .map(|row| SessionView {
            id: row.session_id.0,
            carrier: row.carrier,
            created_at: row.created_at.0,
            seen_at: row.seen_at.0,
            ends_at: row.ends_at.0,
            current: caller.session == Some(row.session_id.0),
        })
        .collect();
    Ok(HttpResponse::Ok().json(SessionPage { items, next_cursor: None }))
}

/// Ends one of the caller's sessions.
#[utoipa::path(delete, path = "/api/v1/me/sessions/{id}", tag = "sessions",
    params(("id" = String, Path, description = "Key of the session")),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn end(app: web::Data<App>, caller: Caller, id: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let id = Uuid::parse_str(&id).map_err(|_| Problem::not_found())?;
    if sessions::end(&app, &caller.who, id, &caller.origin()).await? {
        return Ok(HttpResponse::NoContent().finish());
    }
    Err(Problem::not_found())
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
    /// Whether the account has a second factor; for staff.
    pub totp: Option<bool>,
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
    let totp = match caller.who.user.clone() {
        Some(user) => Some(app.store.read(move |db| factors::is_confirmed(db, &user)).await?),
        None => None,
    };
    Ok(HttpResponse::Ok().json(Me {
        role: caller.who.role,
        username: caller.who.user.clone(),
        unit: caller.who.unit.as_deref().map(|code| names.unit(code)),
        division: caller.who.division.map(|division| names.division(division)),
        totp,
        reference,
    }))
}

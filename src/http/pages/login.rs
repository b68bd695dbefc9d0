//! Signing in and out of staff. Whoever's session ended while they filled in a form gets what they typed back after they have
//! signed in again: it travels through the page of signing in as hidden fields, and is kept nowhere.

use crate::access::{Credentials, Enrolment, Refused, sign_in};
use crate::app::App;
use crate::domain::vocabulary::Role;
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::pages::qr::qr;
use crate::http::session;
use crate::identity::{Password, Ticket};
use crate::privacy::PasswordProof;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;

/// Before the name of a field that is carried through.
const KEPT: &str = "kept.";

/// Says that a form comes back to be gone on with, not to be acted on.
pub const RESUME: &str = "resume";

#[derive(Template)]
#[template(path = "login.html")]
struct Page<'a> {
    f: &'a Frame,
    form: Form,
    next: &'a str,
    csrf: &'a str,
    kept: Vec<(String, String)>,
    note: &'a str,
    fault: String,
    signed_in: Option<String>,
    /// Whether one can sign in through a provider too.
    provider: bool,
    /// What an account has to be linked to.
    subject: String,
}

impl<'a> Page<'a> {
    /// The empty form.
    fn new(f: &'a Frame, caller: &'a Caller, request: &HttpRequest) -> Self {
        let app = request.app_data::<web::Data<App>>();
        Self {
            f,
            form: Form::new(f, Fields::default()),
            next: "",
            csrf: caller.csrf(),
            kept: Vec::new(),
            note: "",
            fault: String::new(),
            signed_in: None,
            provider: app.is_some_and(|app| app.settings.oidc.issuer.is_some()),
            subject: String::new(),
        }
    }

    /// The page of signing in through the provider, at which people come back to the same place.
    fn provider_address(&self) -> String {
        let next: String = url::form_urlencoded::byte_serialize(self.next.as_bytes()).collect();
        if next.is_empty() { "/login/oidc".to_owned() } else { format!("/login/oidc?next={next}") }
    }
}

/// The second step: a code of the app, or a recovery code; and before the first one, how the app is set up.
#[derive(Template)]
#[template(path = "login_code.html")]
struct SecondStep<'a> {
    f: &'a Frame,
    next: &'a str,
    csrf: &'a str,
    kept: Vec<(String, String)>,
    proof: String,
    fault: &'a str,
    app: Option<Enrolment>,
    qr: String,
    back: String,
}

#[derive(Template)]
#[template(path = "resume.html")]
struct Resume<'a> {
    f: &'a Frame,
    codes: Vec<String>,
    next: &'a str,
    csrf: String,
    kept: Vec<(String, String)>,
}

/// An address of this service, or nothing: a link must not lead elsewhere after signing in.
pub(super) fn own(address: &str) -> &str {
    let rest = address.strip_prefix('/');
    let safe = rest.is_some_and(|rest| !rest.starts_with(['/', '\\'])) && !address.contains(['\r', '\n', '\t', '\\']);
    if safe { address } else { "" }
}

/// Where somebody begins.
pub(super) fn home(role: Role) -> &'static str {
    match role {
        Role::Admin => "/admin",
        Role::Auditor => "/audit",
        Role::Consumer | Role::Merchant => "/",
        Role::Station | Role::Officer | Role::Dispatcher | Role::Supervisor | Role::System => "/desk",
    }
}

/// Sends to another page.
pub fn to(address: &str) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, address)).finish()
}

/// The way to sign in first for whoever opens a page of staff without having done so.
pub(super) fn first(request: &HttpRequest) -> HttpResponse {
    to(&way(request.uri().path_and_query().map_or("/desk", |address| address.as_str())))
}

/// The page of signing in that leads to another.
fn way(next: &str) -> String {
    let next: String = url::form_urlencoded::byte_serialize(next.as_bytes()).collect();
    format!("/login?next={next}")
}

/// The page of signing in with all that was typed, and why it is asked for.
///
/// # Errors
/// When the page can't be written.
pub fn again(
    frame: &Frame,
    caller: &Caller,
    request: &HttpRequest,
    fields: &Fields,
    why: &str,
) -> Result<HttpResponse, Problem> {
    let kept = fields.pairs().filter(|(name, _)| *name != csrf::FIELD && *name != RESUME);
    let kept = kept.map(|(name, value)| (format!("{KEPT}{name}"), value.to_owned())).collect();
    let page = Page { next: request.path(), kept, note: frame.t(why), ..Page::new(frame, caller, request) };
    frame.answer(StatusCode::UNAUTHORIZED, &page)
}

/// The page of signing in for whom the provider didn't let in, with why.
///
/// # Errors
/// The problem itself, when it isn't one of signing in; or when the page can't be written.
pub(super) fn refused(
    frame: &Frame,
    caller: &Caller,
    request: &HttpRequest,
    next: &str,
    problem: Problem,
) -> Result<HttpResponse, Problem> {
    let fault = frame.coded("login_fault", problem.code()).to_owned();
    if fault.is_empty() {
        return Err(problem);
    }
    let subject = problem.member("subject").and_then(|value| value.as_str()).unwrap_or_default().to_owned();
    let page = Page { next, fault, subject, ..Page::new(frame, caller, request) };
    frame.answer(problem.status_code(), &page)
}

/// The form.
pub async fn form(request: HttpRequest, frame: Frame, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let given = |wanted: &str| pairs.0.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    let note = match given("out") {
        "" => "",
        "password" => frame.t("login.changed"),
        _ => frame.t("login.out"),
    };
    let signed_in = caller.who.user.clone();
    frame.ok(&Page { next: own(given("next")), note, signed_in, ..Page::new(&frame, &caller, &request) })
}

/// Signs in.
pub async fn enter(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    sender: Unconfirmed,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(fields.get(csrf::FIELD)))?;
    let next = own(fields.get("next")).to_owned();
    let kept: Vec<(String, String)> = fields
        .pairs()
        .filter_map(|(name, value)| Some((name.strip_prefix(KEPT)?.to_owned(), value.to_owned())))
        .collect();
    let proof = fields.get("proof").to_owned();
    let username = fields.get("username").to_owned();
    let credentials = if proof.is_empty() {
        let well_formed = (1..=100).contains(&username.chars().count()) && !username.chars().any(char::is_control);
        let password = Password::new(fields.raw("password").to_owned());
        well_formed.then(|| Credentials::Staff { username: username.clone(), password, totp: None })
    } else {
        Some(Credentials::SecondStep { proof: proof.clone(), code: fields.get("totp").to_owned() })
    };
    let shared = app.clone().into_inner();
    let end = match credentials {
        Some(credentials) => session::enter(&shared, &request, &caller, credentials).await,
        None => Err(Refused::Credentials),
    };
    let carried = || -> Vec<(String, String)> {
        kept.iter().map(|(name, value)| (format!("{KEPT}{name}"), value.clone())).collect()
    };
    let code = |status, proof: String, enrolment: Option<Enrolment>, fault| {
        let qr = enrolment.as_ref().map_or_else(String::new, |enrolment| qr(&enrolment.uri));
        let (next, csrf) = (next.as_str(), caller.csrf());
        let back = if next.is_empty() { "/login".to_owned() } else { way(next) };
        frame.answer(
            status,
            &SecondStep { f: &frame, next, csrf, kept: carried(), proof, fault, app: enrolment, qr, back },
        )
    };
    let again = |problem: &Problem| {
        let mut typed = Fields::default();
        typed.add("username", &username);
        let page = Page {
            form: Form::new(&frame, typed),
            next: &next,
            kept: carried(),
            fault: frame.coded("login_fault", problem.code()).to_owned(),
            ..Page::new(&frame, &caller, &request)
        };
        frame.answer(problem.status_code(), &page)
    };
    let (cookie, codes) = match end {
        Ok(entered) => entered,
        Err(Refused::TotpRequired(proof)) => return code(StatusCode::OK, proof.token(), None, ""),
        Err(Refused::Enrol(enrolment, proof)) => return code(StatusCode::OK, proof.token(), Some(enrolment), ""),
        Err(refused) => {
            if !matches!(refused, Refused::Credentials | Refused::TooMany(_) | Refused::Ticket) {
                return Err(refused.into());
            }
            let asked = if proof.is_empty() || matches!(refused, Refused::Ticket) {
                None
            } else {
                sign_in::asked(&shared, &caller.origin(), &proof).await.ok()
            };
            let problem = Problem::from(refused);
            return match asked {
                Some(enrolment) => {
                    let wrong = problem.code() == "invalid_credentials";
                    let told = if wrong { "wrong_code" } else { problem.code() };
                    code(problem.status_code(), proof, enrolment, frame.coded("login_fault", told))
                }
                None => again(&problem),
            };
        }
    };
    let next = if next.is_empty() {
        let name = PasswordProof::read(&proof).map_or(username, |proof| proof.username);
        let user = app.store.read(move |db| crate::store::users::find(db, &name)).await?;
        user.map_or("/", |user| home(user.role)).to_owned()
    } else {
        next
    };
    let mut response = if kept.is_empty() && codes.is_empty() {
        to(&next)
    } else {
        let csrf = Ticket::parse(cookie.value()).map(|ticket| ticket.csrf()).unwrap_or_default();
        frame.ok(&Resume { f: &frame, codes, next: &next, csrf, kept })?
    };
    response.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(response)
}

/// Signs out, and lets the browser forget what it kept.
pub async fn leave(
    app: web::Data<App>,
    request: HttpRequest,
    sender: Unconfirmed,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(fields.get(csrf::FIELD)))?;
    let gone = session::sign_out(&app, &request, &caller).await?;
    let mut response = to("/login?out=1");
    response.add_cookie(&gone).map_err(Problem::internal)?;
    let name = header::HeaderName::from_static("clear-site-data");
    response.headers_mut().insert(name, header::HeaderValue::from_static("\"cache\", \"storage\""));
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn signing_in_leads_to_pages_of_this_service_only() {
        assert_eq!(own("/desk?q=%E7%94%B5"), "/desk?q=%E7%94%B5");
        for elsewhere in ["", "//evil.example", "/\\evil.example", "https://evil.example", "desk", "/a\r\nb", "/a\\b"] {
            assert_eq!(own(elsewhere), "", "{elsewhere:?}");
        }
    }
}

//! One's own account: its second factor, and its password.

use crate::access::{Enrolment, factors};
use crate::app::App;
use crate::domain::permission::Permission;
use crate::http::api::factors::{PasswordRequest, change_password};
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::{Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::qr::qr;
use crate::http::pages::staff::Visitor;
use crate::identity::Password;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;

#[derive(Template)]
#[template(path = "account.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    has: bool,
    required: bool,
    done: &'static str,
    app: Option<Enrolment>,
    qr: String,
    codes: Vec<String>,
    faults: Faults,
}

/// What a page is shown with.
#[derive(Default)]
struct Shown {
    status: StatusCode,
    done: &'static str,
    app: Option<Enrolment>,
    codes: Vec<String>,
    faults: Faults,
}

async fn show(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    shown: Shown,
) -> Result<HttpResponse, Problem> {
    let Shown { status, done, app: enrolment, codes, faults } = shown;
    let has = factors::has(app, caller.who.user.clone().unwrap_or_default()).await?;
    let page = Page {
        f: frame,
        c: chrome(app, caller, frame, request, "account", "").await?,
        required: factors::is_required(app, caller.who.role),
        qr: enrolment.as_ref().map_or_else(String::new, |enrolment| qr(&enrolment.uri)),
        app: enrolment,
        has,
        done,
        codes,
        faults,
    };
    frame.answer(status, &page)
}

/// The account.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::KeepAccount)?;
    show(&app, &request, &caller, &frame, Shown::default()).await
}

/// Sets the second factor up, confirms it, or takes it away.
pub async fn factor(
    app: web::Data<App>,
    request: HttpRequest,
    sender: Unconfirmed,
    frame: Frame,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(fields.get(csrf::FIELD)))?;
    if !caller.is_staff() {
        return Ok(login::to("/login?next=/account"));
    }
    caller.may(Permission::KeepAccount)?;
    if !fields.get(RESUME).is_empty() {
        return show(&app, &request, &caller, &frame, Shown::default()).await;
    }
    let shared = app.clone().into_inner();
    let username = caller.who.user.clone().unwrap_or_default();
    let mut shown = Shown::default();
    match fields.get("step") {
        "begin" => shown.app = factors::enrol(&shared, username).await?,
        "confirm" => {
            let code = fields.get("totp").to_owned();
            match factors::confirm(&shared, &caller.who, &caller.origin(), code).await.map_err(Problem::from) {
                Ok(Some(codes)) => (shown.codes, shown.done) = (codes, frame.t("factor.made")),
                Ok(None) => {
                    shown.status = StatusCode::UNPROCESSABLE_ENTITY;
                    shown.faults.add("totp", frame.coded("login_fault", "wrong_code"));
                    shown.app = factors::enrol(&shared, username).await?;
                }
                Err(problem) if problem.code() == "too_many_requests" => {
                    shown.status = problem.status_code();
                    shown.faults.add("totp", frame.coded("login_fault", problem.code()));
                    shown.app = factors::enrol(&shared, username).await?;
                }
                Err(problem) => return Err(problem),
            }
        }
        "remove" => {
            if factors::is_required(&app, caller.who.role) {
                return Err(Problem::new(StatusCode::FORBIDDEN, "totp_is_required", "this role needs a second factor"));
            }
            if caller.proved_lately(&app).is_err() {
                return login::again(&frame, &caller, &request, &fields, "login.prove_again");
            }
            if factors::remove(&shared, &caller.who, &caller.origin()).await? {
                shown.done = frame.t("factor.removed");
            }
        }
        _ => {}
    }
    show(&app, &request, &caller, &frame, shown).await
}

/// Gives the account another password; every session of it ends.
pub async fn password(
    app: web::Data<App>,
    request: HttpRequest,
    sender: Unconfirmed,
    frame: Frame,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(fields.get(csrf::FIELD)))?;
    // Passwords aren't carried through the page of signing in.
    if !caller.is_staff() {
        return Ok(login::to("/login?next=/account"));
    }
    caller.may(Permission::KeepAccount)?;
    let asked = PasswordRequest {
        password: Password::new(fields.raw("password").to_owned()),
        totp: fields.given("code"),
        new_password: Password::new(fields.raw("new_password").to_owned()),
    };
    let problem = match change_password(&app.clone().into_inner(), &caller, asked).await {
        Ok(()) => return Ok(login::to("/login?out=password")),
        Err(problem) => problem,
    };
    let (field, told) = match problem.code() {
        "invalid_fields" => ("new_password", frame.t("factor.weak")),
        "invalid_credentials" => ("password", frame.t("factor.wrong_password")),
        "totp_required" | "totp_enrolment_required" => ("code", frame.coded("login_fault", "wrong_code")),
        "too_many_requests" => ("password", frame.coded("login_fault", "too_many_requests")),
        _ => return Err(problem),
    };
    let mut shown = Shown { status: StatusCode::UNPROCESSABLE_ENTITY, ..Shown::default() };
    if problem.code() == "too_many_requests" {
        shown.status = problem.status_code();
    }
    shown.faults.add(field, told);
    show(&app, &request, &caller, &frame, shown).await
}

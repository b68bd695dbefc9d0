//! A new account: its first password is drawn here and told once.

use super::{roles, tell};
use crate::access::accounts::{self, Duty};
use crate::app::App;
use crate::domain::permission::Permission;
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::{Choice, Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::staff::{Sent, Visitor};
use crate::identity::Password;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "admin/new.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    roles: Vec<Choice>,
    typed: Fields,
    faults: Faults,
    made: Option<(String, String)>,
}

async fn show(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    came: (StatusCode, Fields, Faults, Option<(String, String)>),
) -> Result<HttpResponse, Problem> {
    let (status, typed, faults, made) = came;
    let c = chrome(app, caller, frame, request, "admin", "").await?;
    frame.answer(status, &Page { f: frame, c, roles: roles(frame), typed, faults, made })
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    let came = (StatusCode::OK, Fields::default(), Faults::default(), None);
    show(&app, &request, &caller, &frame, came).await
}

/// Makes the account.
pub async fn make(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    if !typed.get(RESUME).is_empty() {
        let came = (StatusCode::OK, typed, Faults::default(), None);
        return show(&app, &request, &caller, &frame, came).await;
    }
    if caller.proved_lately(&app).is_err() {
        return login::again(&frame, &caller, &request, &typed, "login.prove_again");
    }
    let mut faults = Faults::default();
    let username = typed.get("username").to_owned();
    if accounts::check_name(&username).is_err() {
        faults.add("username", frame.coded("admin_fault", "username"));
    }
    let duty =
        Duty { role: typed.get("role").to_owned(), unit: typed.given("unit"), division: typed.given("division") };
    let post = accounts::post(&app, &duty).map_err(|problems| tell(&frame, &problems, &mut faults)).ok();
    if let (true, Some(post)) = (faults.is_empty(), post) {
        let password = accounts::first_password(&app);
        let hash = app.hasher.hash(Password::new(password.clone())).await?;
        if accounts::add(&app, caller.occasion(&app), username.clone(), post, hash).await? {
            let came = (StatusCode::CREATED, Fields::default(), faults, Some((username, password)));
            return show(&app, &request, &caller, &frame, came).await;
        }
        faults.add("username", frame.coded("admin_fault", "taken"));
    }
    let came = (StatusCode::UNPROCESSABLE_ENTITY, typed, faults, None);
    show(&app, &request, &caller, &frame, came).await
}

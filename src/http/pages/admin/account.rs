//! One account: what it is for, disabling it, another password, another second factor.

use super::{roles, tell, unit};
use crate::access::accounts::{self, Duty};
use crate::access::factors;
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
use crate::store::users;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "admin/account.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    username: String,
    about: String,
    disabled: bool,
    has_factor: bool,
    own: bool,
    roles: Vec<Choice>,
    typed: Fields,
    faults: Faults,
    done: &'static str,
    password: String,
}

/// What the page is shown with.
#[derive(Default)]
struct Shown {
    status: StatusCode,
    typed: Option<Fields>,
    faults: Faults,
    done: &'static str,
    password: String,
}

async fn show(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    username: &str,
    shown: Shown,
) -> Result<HttpResponse, Problem> {
    let name = username.to_owned();
    let user = app.store.read(move |db| users::find(db, &name)).await?.ok_or_else(Problem::not_found)?;
    let typed = shown.typed.unwrap_or_else(|| {
        let mut kept = Fields::default();
        kept.add("role", user.role.code());
        kept.add("unit", user.unit.as_deref().unwrap_or_default());
        kept.add("division", &user.division.map_or_else(String::new, |division| division.to_string()));
        kept
    });
    let role = frame.coded("staff_role", user.role.code());
    let page = Page {
        f: frame,
        c: chrome(app, caller, frame, request, "admin", "").await?,
        about: user.unit.map_or_else(|| role.to_owned(), |code| format!("{role} {}", unit(app, frame, &code))),
        disabled: user.disabled,
        has_factor: factors::has(app, username.to_owned()).await?,
        own: caller.who.user.as_deref() == Some(username),
        username: user.username,
        roles: roles(frame),
        typed,
        faults: shown.faults,
        done: shown.done,
        password: shown.password,
    };
    frame.answer(shown.status, &page)
}

/// The account.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    username: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    show(&app, &request, &caller, &frame, &username, Shown::default()).await
}

/// Changes it: `assign`, `disable`, `password` (which enables it again) or `factor`. One's own account nobody changes here:
/// so that there is always an administrator.
pub async fn change(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    username: web::Path<String>,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    let username = username.into_inner();
    if caller.who.user.as_deref() == Some(username.as_str()) {
        return Err(Problem::not_for_role());
    }
    if !typed.get(RESUME).is_empty() {
        let kept = (typed.get("step") == "assign").then_some(typed);
        let shown = Shown { typed: kept, ..Shown::default() };
        return show(&app, &request, &caller, &frame, &username, shown).await;
    }
    if caller.proved_lately(&app).is_err() {
        return login::again(&frame, &caller, &request, &typed, "login.prove_again");
    }
    let (by, name) = (caller.occasion(&app), username.clone());
    let mut shown = Shown::default();
    let step = typed.get("step").to_owned();
    let found = match step.as_str() {
        "assign" => {
            let duty = Duty {
                role: typed.get("role").to_owned(),
                unit: typed.given("unit"),
                division: typed.given("division"),
            };
            match accounts::post(&app, &duty) {
                Ok(post) => {
                    shown.done = frame.t("admin.assigned");
                    accounts::assign(&app, by, name, post).await?
                }
                Err(problems) => {
                    tell(&frame, &problems, &mut shown.faults);
                    (shown.status, shown.typed) = (StatusCode::UNPROCESSABLE_ENTITY, Some(typed));
                    true
                }
            }
        }
        "disable" => {
            shown.done = frame.t("admin.is_disabled");
            accounts::change(&app, by, name, None).await?
        }
        "password" => {
            shown.password = accounts::first_password(&app);
            shown.done = frame.t("admin.has_password");
            let hash = app.hasher.hash(Password::new(shown.password.clone())).await?;
            accounts::change(&app, by, name, Some(hash)).await?
        }
        "factor" => {
            if accounts::reset_totp(&app, by, name).await? {
                shown.done = frame.t("admin.factor_gone");
            }
            true
        }
        _ => true,
    };
    if !found {
        return Err(Problem::not_found());
    }
    show(&app, &request, &caller, &frame, &username, shown).await
}

//! The keys of the desk: what each does, and the switch that turns single keys off (WCAG 2.1.4).

use crate::app::App;
use crate::domain::permission::Permission;
use crate::http::error::Problem;
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::frame::Frame;
use crate::http::pages::login;
use crate::http::pages::staff::{Sent, Visitor};
use actix_web::cookie::time::Duration;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/keys.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    keys: Vec<(&'static str, &'static str)>,
}

/// Keys that act anywhere on the desk, each with the key of its text in `desk_key`.
const KEYS: &[(&str, &str)] = &[
    ("j", "down"),
    ("k", "up"),
    ("Enter", "open"),
    ("x", "select"),
    ("1–9", "act"),
    ("/", "search"),
    ("g", "queue"),
    ("n", "new"),
    ("?", "help"),
];

/// What each key does.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let c = chrome(&app, &caller, &frame, &request, "", "").await?;
    let keys = KEYS.iter().map(|(key, text)| (*key, frame.coded("desk_key", text))).collect();
    frame.ok(&Page { f: &frame, c, keys })
}

/// Turns single keys on or off in this browser.
pub async fn switch(frame: Frame, Sent { typed: fields, .. }: Sent) -> Result<HttpResponse, Problem> {
    let value = if fields.get("keys") == "off" { "off" } else { "on" };
    let mut response = login::to("/desk/keys");
    let cookie = frame.cookie("keys", value.to_owned(), Duration::days(365));
    response.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(response)
}

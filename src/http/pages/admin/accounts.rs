//! The accounts of staff, by name.

use super::{roles, unit};
use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::vocabulary::Role;
use crate::http::cursor;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::{Choice, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::staff::Visitor;
use crate::store::users::{self, Filter};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// Accounts of a page.
const MOST: usize = 50;

/// What the page is narrowed by.
const NARROWED_BY: [&str; 3] = ["name", "role", "unit"];

/// An account in the list.
#[derive(Debug)]
struct Line {
    username: String,
    url: String,
    role: &'static str,
    unit: String,
    place: String,
    disabled: bool,
}

#[derive(Template)]
#[template(path = "admin/accounts.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    asked: Fields,
    roles: Vec<Choice>,
    lines: Vec<Line>,
    narrowed: bool,
    later: bool,
    start: String,
    next: Option<String>,
}

/// Where an account is.
fn address(username: &str) -> String {
    // A name has letters, digits and `. _ @ -`: what a form encodes as a plus sign it hasn't.
    let name: String = url::form_urlencoded::byte_serialize(username.as_bytes()).collect();
    format!("/admin/accounts/{name}")
}

/// The list.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    let asked = Fields::among(&pairs, |name, value| NARROWED_BY.contains(&name) && value.chars().count() <= 100);
    let cursor = pairs.0.iter().find(|(name, _)| name == "cursor").map(|(_, value)| value.as_str());
    let after = cursor.map(cursor::to_code).transpose().map_err(|fault| Problem::field("/cursor", fault))?;
    let role = asked.given("role").map(|code| Role::parse(&code)).transpose();
    let filter = Filter {
        name: asked.given("name"),
        role: role.map_err(|fault| Problem::field("/role", fault))?,
        unit: asked.given("unit"),
        after,
    };
    let most = cursor::one_more(MOST);
    let mut found = app.store.read(move |db| users::page(db, &filter, most)).await?;
    let next = cursor::cut(&mut found, MOST, |user| cursor::of_code(&user.username));
    let query = |cursor: Option<&str>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in NARROWED_BY.iter().filter(|name| !asked.get(name).is_empty()) {
            query.append_pair(name, asked.get(name));
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        format!("/admin?{}", query.finish())
    };
    let catalogue = app.catalogue();
    let lines = found.into_iter().map(|user| Line {
        role: frame.coded("staff_role", user.role.code()),
        unit: user.unit.as_deref().map_or_else(String::new, |code| unit(&app, &frame, code)),
        place: user.division.map_or_else(String::new, |division| {
            catalogue.places.name_in(division, frame.lang).map_or_else(|| division.to_string(), str::to_owned)
        }),
        disabled: user.disabled,
        url: address(&user.username),
        username: user.username,
    });
    let page = Page {
        c: chrome(&app, &caller, &frame, &request, "admin", "").await?,
        roles: roles(&frame),
        lines: lines.collect(),
        narrowed: NARROWED_BY.iter().any(|name| !asked.get(name).is_empty()),
        later: cursor.is_some(),
        start: query(None),
        next: next.map(|cursor| query(Some(&cursor))),
        f: &frame,
        asked,
    };
    frame.ok(&page)
}

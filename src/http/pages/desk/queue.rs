//! A unit's queue.

use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::transition::{OPEN, open_to};
use crate::domain::vocabulary::{Action, Kind, Role};
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::bulk::ACTIONS;
use crate::http::pages::desk::list::{self, List};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::Choice;
use crate::http::pages::frame::Frame;
use crate::http::pages::staff::Visitor;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/queue.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    list: List,
    sectors: Vec<Choice>,
    kinds: Vec<Choice>,
    sorts: Vec<Choice>,
    bulk: Vec<Choice>,
    title: &'static str,
}

/// The queue, as far as its parameters narrow it.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let list = list::read(&app, &caller, &frame, &pairs, None).await?;
    let c = chrome(&app, &caller, &frame, &request, &list.view, &list.q).await?;
    let page = Page {
        sectors: sectors(&app, &frame),
        kinds: coded(&frame, "staff_kind", &["complaint", "report"]),
        sorts: coded(&frame, "desk_sort", &["due", "received", "newest"]),
        bulk: bulk(&frame, caller.who.role),
        title: frame.coded("tab", &list.view),
        f: &frame,
        c,
        list,
    };
    frame.ok(&page)
}

/// The steps that a role can take on several cases at once.
fn bulk(frame: &Frame, role: Role) -> Vec<Choice> {
    let taken = |action: Action| {
        let rows = Kind::ALL.iter().flat_map(|kind| OPEN.iter().flat_map(|state| open_to(*kind, *state, role)));
        rows.into_iter().any(|row| row.action == action)
    };
    let actions = ACTIONS.iter().filter(|action| taken(**action));
    actions.map(|action| Choice::new(action.code(), frame.coded("staff_action", action.code()))).collect()
}

/// Codes of a section as choices.
pub fn coded(frame: &Frame, section: &str, codes: &[&str]) -> Vec<Choice> {
    codes.iter().map(|code| Choice::new(*code, frame.coded(section, code))).collect()
}

/// Every sector as a choice.
pub fn sectors(app: &App, frame: &Frame) -> Vec<Choice> {
    let catalogue = app.catalogue();
    catalogue.sectors.iter().map(|sector| Choice::new(&sector.code, sector.name.in_lang(frame.lang))).collect()
}

//! A step of a case: its form, and what comes of it. Whoever was overtaken is shown by whom and how, and keeps what they typed.

use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::vocabulary::Action;
use crate::http::api::{cases, events, reference, transitions};
use crate::http::caller::Caller;
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::case::state;
use crate::http::pages::desk::fields::{self, Field};
use crate::http::pages::desk::words::{self, Chip};
use crate::http::pages::desk::{Chrome, chrome, list};
use crate::http::pages::form::{Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::staff::{Sent, Visitor};
use crate::http::views::{CaseView, Names};
use crate::track::Available;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// What somebody else did meanwhile.
#[derive(Debug)]
pub struct Meanwhile {
    at: String,
    who: String,
    what: &'static str,
}

#[derive(Template)]
#[template(path = "desk/act.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    v: &'a CaseView,
    title: String,
    state: Chip,
    name: &'static str,
    hint: &'static str,
    fields: Vec<Field>,
    faults: Faults,
    meanwhile: Vec<Meanwhile>,
    possible: bool,
    typed: Vec<(String, String)>,
    query: String,
    back: String,
    target: String,
}

/// What a page of a step is made for.
struct Asked<'a> {
    app: &'a App,
    request: &'a HttpRequest,
    caller: &'a Caller,
    frame: &'a Frame,
    view: &'a CaseView,
    action: Action,
}

/// How a form came back.
#[derive(Default)]
struct Came {
    typed: Fields,
    faults: Faults,
    /// The version that the person had seen, when the case has moved on.
    overtaken: Option<i64>,
}

async fn show(asked: &Asked<'_>, status: StatusCode, came: Came, query: &str) -> Result<HttpResponse, Problem> {
    let Asked { app, request, caller, frame, view, action } = *asked;
    let today = app.today();
    let step = view.available_actions.iter().find(|one| one.action == action);
    let mut meanwhile = Vec::new();
    if let Some(seen) = came.overtaken {
        let catalogue = app.catalogue();
        let names = Names { catalogue: &catalogue, lang: frame.lang };
        let history = events::history_of(app, caller, reference(&view.reference)?).await?;
        meanwhile.extend(history.items.iter().filter(|event| event.seq > seen).map(|event| {
            let unit = event.unit.as_deref().map(|unit| names.unit(unit).name).unwrap_or_default();
            let who = event.actor.as_deref().unwrap_or_else(|| frame.coded("staff_role", &event.role));
            Meanwhile {
                at: words::moment(frame, event.at, today),
                who: format!("{unit} {who}").trim().to_owned(),
                what: frame.coded("staff_action", &event.action),
            }
        }));
    }
    // What was typed for a step that isn't possible any more is shown, so that none of it is lost.
    let hidden = [csrf::FIELD, "version", "query", RESUME];
    let typed = if step.is_none() {
        let typed = came.typed.pairs().filter(|(name, value)| !hidden.contains(name) && !value.is_empty());
        typed.map(|(name, value)| (frame.coded("staff_field", name).to_owned(), value.to_owned())).collect()
    } else {
        Vec::new()
    };
    let fields = step.map(|step| fields::fields(app, frame, view, step, &came.typed, &came.faults)).unwrap_or_default();
    let suffix = if query.is_empty() { String::new() } else { format!("?{query}") };
    let page = Page {
        c: chrome(app, caller, frame, request, "", "").await?,
        title: words::title(&view.narrative),
        state: state(frame, view),
        name: frame.coded("staff_action", action.code()),
        hint: frame.coded("staff_hint", action.code()),
        fields,
        faults: came.faults,
        meanwhile,
        possible: step.is_some(),
        typed,
        back: format!("/desk/cases/{}{suffix}", view.reference),
        target: format!("/desk/cases/{}/act/{action}", view.reference),
        query: query.to_owned(),
        f: frame,
        v: view,
    };
    frame.answer(status, &page)
}

fn action_of(path: &str) -> Result<Action, Problem> {
    Action::parse(path).map_err(|_| Problem::not_found())
}

/// The form of a step.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    path: web::Path<(String, String)>,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let action = action_of(&path.1)?;
    let view = cases::view_of(&app, &caller, reference(&path.0)?, Some(frame.lang)).await?;
    let asked = Asked { app: &app, request: &request, caller: &caller, frame: &frame, view: &view, action };
    show(&asked, StatusCode::OK, Came::default(), &list::carried(&pairs)).await
}

/// Takes the step.
pub async fn take(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    path: web::Path<(String, String)>,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let action = action_of(&path.1)?;
    let number = reference(&path.0)?;
    let view = cases::view_of(&app, &caller, number.clone(), Some(frame.lang)).await?;
    let asked = Asked { app: &app, request: &request, caller: &caller, frame: &frame, view: &view, action };
    let query = list::cleaned(typed.get("query"));
    let seen = typed.get("version").parse::<i64>().unwrap_or(0);
    let step: Option<&Available> = view.available_actions.iter().find(|one| one.action == action);
    let resumed = !typed.get(RESUME).is_empty();
    if view.version != seen {
        let came = Came { typed, overtaken: Some(seen), ..Came::default() };
        return show(&asked, StatusCode::CONFLICT, came, &query).await;
    }
    let Some(step) = step else {
        let came = Came { typed, ..Came::default() };
        return show(&asked, StatusCode::CONFLICT, came, &query).await;
    };
    if resumed {
        return show(&asked, StatusCode::OK, Came { typed, ..Came::default() }, &query).await;
    }
    let values = fields::read(step, &typed);
    let shared = app.clone().into_inner();
    match transitions::take(&shared, &caller, number.clone(), seen, action, values).await {
        Ok(loaded) => {
            let mut to = format!("/desk/cases/{}?done={action}", loaded.case.reference);
            if !query.is_empty() {
                to.push('&');
                to.push_str(&query);
            }
            // A step may take the case out of the person's sight: then the queue is where one goes on.
            let still = cases::load(&app, &caller, number).await.is_ok();
            Ok(login::to(if still { to.as_str() } else { "/desk" }))
        }
        Err(problem) => match problem.code() {
            "invalid_fields" => {
                let faults = fields::faults(&frame, step, &problem);
                let came = Came { typed, faults, ..Came::default() };
                show(&asked, StatusCode::UNPROCESSABLE_ENTITY, came, &query).await
            }
            "version_stale" | "not_now" => {
                let view = cases::view_of(&app, &caller, number, Some(frame.lang)).await?;
                let asked = Asked { view: &view, ..asked };
                let came = Came { typed, overtaken: Some(seen), ..Came::default() };
                show(&asked, StatusCode::CONFLICT, came, &query).await
            }
            _ => Err(problem),
        },
    }
}

//! One step on several cases: first what it would do to each, then doing it. Each case is asked by itself whether it may, and
//! each has its own entry in its own history.

use crate::app::App;
use crate::domain::case::Case;
use crate::domain::permission::Permission;
use crate::domain::vocabulary::Action;
use crate::http::api::{cases, reference, transitions};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::desk::fields::{self, Field};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::{Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::staff::Sent;
use crate::http::views::CaseView;
use crate::track::act::{self, Request};
use crate::track::{Available, Command};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value};
use std::sync::Arc;

/// Steps that can be taken on several cases at once: those that say the same of each.
pub const ACTIONS: &[Action] = &[Action::Assign, Action::Note, Action::Urge, Action::Remind, Action::Supervise];

/// Most cases at once.
const MOST: usize = 100;

/// What happens, or would, to a case.
#[derive(Debug)]
pub struct Outcome {
    number: String,
    version: i64,
    title: &'static str,
    done: bool,
    words: String,
}

#[derive(Template)]
#[template(path = "desk/bulk.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    action: &'static str,
    name: &'static str,
    fields: Vec<Field>,
    faults: Faults,
    outcomes: Vec<Outcome>,
    possible: usize,
    skipped: usize,
    finished: bool,
    rehearsed: bool,
}

/// Numbers and versions of the cases that were selected.
fn selected(typed: &Fields) -> Vec<(String, i64)> {
    let read = |value: &String| {
        let (number, version) = value.rsplit_once(':')?;
        Some((number.to_owned(), version.parse().ok()?))
    };
    typed.all("case").iter().filter_map(read).take(MOST).collect()
}

/// Why a case is left out, in words.
fn why(frame: &Frame, problem: &Problem) -> String {
    let own = frame.coded("bulk_why", problem.code());
    if own.is_empty() { problem.detail().to_owned() } else { own.to_owned() }
}

/// What a step would do, or why it wouldn't.
async fn rehearse(
    app: &Arc<App>,
    caller: &Caller,
    number: &str,
    version: i64,
    action: Action,
    values: Map<String, Value>,
) -> Result<Case, Problem> {
    let request = Request {
        reference: reference(number)?,
        expected: version,
        scope: caller.scope(),
        division: caller.who.division,
        command: Command { action, actor: caller.who.actor(), fields: values },
    };
    Ok(act::rehearse(app, request).await?)
}

/// Selects, rehearses and takes the step, one after the other.
pub async fn run(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let cases_of = selected(&typed);
    let action = Action::parse(typed.get("action")).ok().filter(|action| ACTIONS.contains(action));
    let Some(action) = action.filter(|_| !cases_of.is_empty()) else { return Ok(login::to("/desk")) };
    let shared = app.clone().into_inner();
    // The form is that of the first case which offers the step: what it carries is the same for all.
    let mut form: Option<(CaseView, Available)> = None;
    for (number, _) in &cases_of {
        let Ok(number) = reference(number) else { continue };
        let Ok(view) = cases::view_of(&app, &caller, number, Some(frame.lang)).await else { continue };
        if let Some(step) = view.available_actions.iter().find(|one| one.action == action).cloned() {
            form = Some((view, step));
            break;
        }
    }
    let values = form.as_ref().map(|(_, step)| fields::read(step, &typed)).unwrap_or_default();
    let stage = if typed.get(RESUME).is_empty() { typed.get("stage").to_owned() } else { String::new() };
    let (rehearsed, finished) = (stage == "rehearse", stage == "take");
    let mut faults = Faults::default();
    let mut outcomes = Vec::with_capacity(cases_of.len());
    for (number, version) in &cases_of {
        let end = match (finished, rehearsed) {
            (true, _) => transitions::take(&shared, &caller, reference(number)?, *version, action, values.clone())
                .await
                .map(|_| ()),
            (false, true) => rehearse(&shared, &caller, number, *version, action, values.clone()).await.map(|_| ()),
            (false, false) => Ok(()),
        };
        let words = match &end {
            Ok(()) if finished => frame.t("bulk.done").to_owned(),
            Ok(()) if rehearsed => frame.t("bulk.would").to_owned(),
            Ok(()) => String::new(),
            Err(problem) => {
                if let ("invalid_fields", Some((_, step))) = (problem.code(), &form) {
                    faults = fields::faults(&frame, step, problem);
                }
                why(&frame, problem)
            }
        };
        outcomes.push(Outcome {
            number: number.clone(),
            version: *version,
            title: if end.is_ok() { "check" } else { "warn" },
            done: end.is_ok(),
            words,
        });
    }
    let possible = outcomes.iter().filter(|outcome| outcome.done).count();
    let fields =
        form.as_ref().map(|(view, step)| fields::fields(&app, &frame, view, step, &typed, &faults)).unwrap_or_default();
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page {
        c: chrome(&app, &caller, &frame, &request, "", "").await?,
        action: action.code(),
        name: frame.coded("staff_action", action.code()),
        skipped: outcomes.len() - possible,
        rehearsed: rehearsed && faults.is_empty(),
        f: &frame,
        fields,
        faults,
        outcomes,
        possible,
        finished,
    };
    frame.answer(status, &page)
}

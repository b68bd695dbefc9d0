//! The steps that a person can take on their own case, each on a page of its own. Which are open the table of steps says;
//! what is wrong with one, the step itself.

use super::{CASE, follows, load};
use crate::app::App;
use crate::domain::problem::Problems;
use crate::domain::vocabulary::Action;
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::pages::filing::go;
use crate::http::pages::form::{Choice, Fields, Form};
use crate::http::pages::frame::Frame;
use crate::track::act::{self, ActError, Request};
use crate::track::{Command, Refused};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "following/act.html")]
struct Page<'a> {
    f: &'a Frame,
    form: &'a Form,
    csrf: &'a str,
    action: &'a str,
    reference: &'a str,
    version: i64,
    title: &'static str,
    hint: &'static str,
    parts: Vec<String>,
    /// The case has moved on since the page was opened.
    moved: bool,
    danger: bool,
}

/// The steps that have a page.
const PAGES: &[Action] = &[
    Action::Supply,
    Action::Remind,
    Action::HandOver,
    Action::RecordConsent,
    Action::Rate,
    Action::Reopen,
    Action::Withdraw,
];

fn action_of(path: &str) -> Result<Action, Problem> {
    Action::parse(path).ok().filter(|action| PAGES.contains(action)).ok_or_else(Problem::not_found)
}

/// The questions of a step: the field of the step, the question on the page, and how it is asked.
fn questions(form: &Form, action: Action) -> Vec<String> {
    let yes_no = |name: &str| {
        let choice = |value: &str| Choice::new(value, form.frame.coded("answer", &format!("{name}_{value}")));
        form.segments(name, &[choice("yes"), choice("no")], "segments")
    };
    match action {
        Action::Supply => vec![
            form.area("supply_note", 4, false),
            form.line("name", "name"),
            form.line("phone", "tel"),
            form.line("address", "address"),
            form.line("id_number", "code"),
        ],
        Action::Remind => vec![form.area("remind_text", 4, false)],
        Action::RecordConsent => vec![yes_no("given")],
        Action::Rate => rating(form),
        Action::Reopen => vec![form.area("reopen_reason", 5, true)],
        Action::Withdraw => vec![form.area("withdraw_reason", 4, true)],
        _ => Vec::new(),
    }
}

/// The three questions of a rating, nothing chosen beforehand.
pub(in crate::http::pages) fn rating(form: &Form) -> Vec<String> {
    let choice = |name: &str, value: &str| Choice::new(value, form.frame.coded("answer", &format!("{name}_{value}")));
    let faces: Vec<Choice> = ["1", "2", "3", "4", "5"].map(|value| choice("satisfied", value)).into();
    vec![
        form.segments("solved", &[choice("solved", "yes"), choice("solved", "no")], "segments"),
        form.segments("satisfied", &faces, "faces"),
        form.segments("contacted", &[choice("contacted", "yes"), choice("contacted", "no")], "segments"),
        form.area("rate_text", 3, false),
    ]
}

/// What was answered, as the step carries it.
pub(in crate::http::pages) fn carried(action: Action, sent: &Fields) -> Map<String, Value> {
    let mut fields = Map::new();
    let mut put = |name: &str, value: Option<Value>| {
        if let Some(value) = value {
            fields.insert(name.to_owned(), value);
        }
    };
    let text = |name: &str| sent.given(name).map(Value::from);
    let yes = |name: &str| sent.given(name).map(|value| json!(value == "yes"));
    match action {
        Action::Supply => {
            let own = ["name", "phone", "address", "id_number"];
            let person: Map<String, Value> =
                own.iter().filter_map(|name| Some(((*name).to_owned(), text(name)?))).collect();
            put("note", text("supply_note"));
            put("complainant", (!person.is_empty()).then_some(Value::Object(person)));
        }
        Action::Remind => put("text", text("remind_text")),
        Action::RecordConsent => put("given", yes("given")),
        Action::Rate => {
            put("solved", yes("solved"));
            put("satisfied", sent.get("satisfied").parse::<u8>().ok().map(Value::from));
            put("contacted", yes("contacted"));
            put("text", text("rate_text"));
        }
        Action::Reopen => put("reason", text("reopen_reason")),
        Action::Withdraw => put("reason", text("withdraw_reason")),
        _ => {}
    }
    fields
}

/// The question that a field of a step is asked by.
pub(in crate::http::pages) fn question(action: Action, pointer: &str) -> Option<String> {
    let field = pointer.trim_start_matches('/');
    let own = match (action, field) {
        (Action::Supply, "note" | "" | "complainant") => "supply_note",
        (Action::Supply, _) => field.strip_prefix("complainant/")?,
        (Action::Remind, "text") => "remind_text",
        (Action::Rate, "text") => "rate_text",
        (Action::Reopen, "reason") => "reopen_reason",
        (Action::Withdraw, "reason") => "withdraw_reason",
        _ => field,
    };
    Some(own.to_owned())
}

async fn page(
    app: &App,
    caller: &Caller,
    action: Action,
    status: StatusCode,
    form: &Form,
    moved: bool,
) -> Result<HttpResponse, Problem> {
    let case = load(app, caller).await?.case;
    let frame = &form.frame;
    let page = Page {
        f: frame,
        form,
        csrf: caller.csrf(),
        action: action.code(),
        reference: case.reference.as_str(),
        version: case.version,
        title: frame.coded("act_title", action.code()),
        hint: frame.coded("act_hint", action.code()),
        parts: questions(form, action),
        moved,
        danger: action == Action::Withdraw,
    };
    frame.answer(status, &page)
}

/// The page of a step.
pub async fn form(
    app: web::Data<App>,
    frame: Frame,
    caller: Caller,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let action = action_of(&path)?;
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    page(&app, &caller, action, StatusCode::OK, &Form::new(&frame, Fields::default()), false).await
}

/// Takes the step.
pub async fn act(
    app: web::Data<App>,
    frame: Frame,
    sender: Unconfirmed,
    path: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let action = action_of(&path)?;
    let caller = sender.confirm(Some(sent.get(csrf::FIELD)))?;
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let app = app.into_inner();
    let request = Request {
        reference: load(&app, &caller).await?.case.reference,
        expected: sent.get("version").parse().unwrap_or(0),
        scope: caller.scope(),
        division: None,
        command: Command { action, actor: caller.who.actor(), fields: carried(action, &sent) },
    };
    let mut form = Form::new(&frame, sent);
    match act::act(&app, request).await {
        Ok(_) => Ok(go(format!("{CASE}?done={action}"))),
        Err(ActError::Stale { .. }) => page(&app, &caller, action, StatusCode::CONFLICT, &form, true).await,
        Err(ActError::Refused(Refused::Invalid(problems))) => {
            judge(&frame, action, &problems, &mut form);
            page(&app, &caller, action, StatusCode::UNPROCESSABLE_ENTITY, &form, false).await
        }
        Err(error) => Err(error.into()),
    }
}

/// Notes what is wrong with the answers of a step.
pub(in crate::http::pages) fn judge(frame: &Frame, action: Action, problems: &Problems, form: &mut Form) {
    form.faults.take(frame, problems, |pointer| question(action, pointer));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn answers_are_carried_by_the_names_of_the_step() {
        let mut sent = Fields::default();
        for (name, value) in [("solved", "no"), ("satisfied", "4"), ("rate_text", " "), ("other", "x")] {
            sent.add(name, value);
        }
        assert_eq!(Value::Object(carried(Action::Rate, &sent)), json!({ "solved": false, "satisfied": 4 }));
        let mut sent = Fields::default();
        sent.add("phone", "13800138000");
        let supplied = json!({ "complainant": { "phone": "13800138000" } });
        assert_eq!(Value::Object(carried(Action::Supply, &sent)), supplied);
        assert_eq!(question(Action::Supply, "/complainant/phone").as_deref(), Some("phone"));
        assert_eq!(question(Action::Withdraw, "/reason").as_deref(), Some("withdraw_reason"));
    }

    #[test]
    fn only_steps_with_a_page_have_an_address() {
        assert!(action_of("withdraw").is_ok());
        for other in ["accept", "file", "nonsense", ""] {
            assert!(action_of(other).is_err(), "{other}");
        }
    }
}

//! Where a case stands: its state, its time limits in plain words, what has happened, and what can be done.

use super::{follows, load};
use crate::app::App;
use crate::config::catalogue::Catalogue;
use crate::domain::calendar::WorkCalendar;
use crate::domain::case::Case;
use crate::domain::clock::{Clock, Span};
use crate::domain::vocabulary::{Action, Lang, State};
use crate::http::api::{cases, events};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::filing::go;
use crate::http::pages::frame::Frame;
use crate::http::views::EventView;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use serde_json::{Value, json};

#[derive(Template)]
#[template(path = "following/course.html")]
struct Page<'a> {
    f: &'a Frame,
    csrf: &'a str,
    reference: &'a str,
    /// State in two words, in a sentence, and its colour.
    state: &'static str,
    line: &'static str,
    tone: &'static str,
    unit: String,
    /// The limit that people look at: the running one that ends first.
    main: Option<Limit>,
    limits: Vec<Limit>,
    acts: Vec<Act>,
    withdraw: bool,
    entries: Vec<Entry>,
    /// What was just done.
    done: &'static str,
    numbers: Vec<String>,
}

/// A time limit in words.
struct Limit {
    name: &'static str,
    tone: &'static str,
    icon: &'static str,
    words: String,
    about: String,
    used: i32,
    all: i32,
}

/// Something that can be done now.
struct Act {
    code: &'static str,
    address: String,
    icon: &'static str,
    words: &'static str,
}

/// Something that has happened.
struct Entry {
    class: &'static str,
    icon: &'static str,
    title: String,
    when: String,
    who: String,
    lines: Vec<String>,
}

/// The case.
pub async fn page(
    app: web::Data<App>,
    frame: Frame,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let case = load(&app, &caller).await?.case;
    let reference = case.reference.as_str().to_owned();
    let history = events::history_of(&app, &caller, case.reference.clone()).await?;
    let view = cases::view_of(&app, &caller, case.reference.clone(), Some(frame.lang)).await?;
    let catalogue = app.catalogue();
    let today = app.today();
    let limit = |clock: &Clock| limit(&frame, &catalogue.calendar, clock, today);
    let main = case.clocks.iter().filter(|clock| clock.is_running()).min_by_key(|clock| clock.due).map(limit);
    let open: Vec<Action> = view.available_actions.iter().map(|one| one.action).collect();
    let mut entries: Vec<Entry> =
        history.items.iter().filter_map(|event| entry(&frame, &catalogue, &case, event)).rev().collect();
    if let Some(newest) = entries.first_mut().filter(|_| !case.state.is_end()) {
        (newest.class, newest.icon) = ("now", "now");
    }
    let done = request.query_string().split('&').find_map(|pair| pair.strip_prefix("done=")).unwrap_or_default();
    let page = Page {
        f: &frame,
        csrf: caller.csrf(),
        reference: &reference,
        state: frame.coded("stand", case.state.code()),
        line: frame.coded("stand_line", case.state.code()),
        tone: tone(case.state),
        unit: unit(&catalogue, frame.lang, in_charge(&case)),
        main,
        limits: case.clocks.iter().map(limit).collect(),
        acts: acts(&frame, &open, case.joint.is_some()),
        withdraw: open.contains(&Action::Withdraw),
        entries,
        done: frame.coded("flash", done),
        numbers: case
            .external
            .iter()
            .filter(|one| one.system == "platform_12315")
            .map(|one| one.number.clone())
            .collect(),
    };
    frame.ok(&page)
}

/// The colour of a state: it never speaks alone, the words stand beside it.
const fn tone(state: State) -> &'static str {
    match state {
        State::Settled | State::Filed => "ok",
        State::Suspended => "paused",
        State::IdRequested => "warn",
        State::Received
        | State::Triage
        | State::Negotiating
        | State::Dispatched
        | State::Returned
        | State::Accepted
        | State::Mediating
        | State::Verifying => "info",
        State::Terminated
        | State::Refused
        | State::Withdrawn
        | State::Transferred
        | State::NotFiled
        | State::Merged => "",
    }
}

/// The unit that works on a case now.
fn in_charge(case: &Case) -> &str {
    match (&case.station, case.state) {
        (Some(station), State::Negotiating) => station,
        _ => &case.office,
    }
}

/// The name of an office or station.
fn unit(catalogue: &Catalogue, lang: Lang, code: &str) -> String {
    let office = catalogue.offices.get(code).map(|office| &office.name);
    let name = office.or_else(|| catalogue.stations.get(code).map(|station| &station.name));
    name.map(|name| name.in_lang(lang).to_owned()).unwrap_or_default()
}

/// A limit in words: what is left of it, or by how much it was missed.
fn limit(frame: &Frame, calendar: &WorkCalendar, clock: &Clock, today: Date) -> Limit {
    let days = |from: Date, to: Date| from.until(to).map_or(0, |span| span.get_days());
    let working = matches!(clock.span, Span::WorkingDays(_));
    let between = |from, to| if working { calendar.working_days_between(from, to) } else { days(from, to) };
    let say = |key: &str, n: i32| frame.say(key, &[("n", n.to_string().as_str())]);
    let due = frame.day(clock.due);
    let by = || frame.say("course.due", &[("day", &due)]);
    let (tone, icon, words, about) = match (clock.stopped_on, clock.paused_on) {
        (Some(day), _) if day > clock.due => ("over", "late", say("course.was_late", days(clock.due, day)), by()),
        (Some(day), _) => ("ok", "check", frame.t("course.was_kept").to_owned(), frame.day(day)),
        (None, Some(since)) => {
            let since = frame.say("course.paused_since", &[("day", &frame.day(since))]);
            ("paused", "paused", frame.t("course.paused").to_owned(), since)
        }
        (None, None) if clock.is_overdue(today) => {
            let late = format!("{}{}{}", by(), frame.t("form.comma"), frame.t("course.seen"));
            ("over", "late", say("course.is_late", days(clock.due, today)), late)
        }
        (None, None) => {
            let left = between(today, clock.due).max(0);
            let words = match (left, working) {
                (0, _) => frame.t("course.last_day").to_owned(),
                (_, true) => say("course.working_left", left),
                (_, false) => say("course.left", left),
            };
            let about = if clock.provisional {
                format!("{}{}{}", by(), frame.t("form.comma"), frame.t("done.provisional"))
            } else {
                by()
            };
            (if left <= 2 { "warn" } else { "ok" }, "clock", words, about)
        }
    };
    let all = days(clock.start, clock.due).max(1);
    let used = days(clock.start, clock.stopped_on.or(clock.paused_on).unwrap_or(today)).clamp(0, all);
    Limit { name: frame.coded("clock", clock.kind.code()), tone, icon, words, about, used, all }
}

/// What the person can do now, in the order in which it is offered. Taking it back stands apart.
fn acts(frame: &Frame, open: &[Action], joint: bool) -> Vec<Act> {
    let icon = |action: Action| match action {
        Action::Supply => Some("pencil"),
        Action::Remind => Some("bell"),
        Action::HandOver => Some("chevron"),
        Action::RecordConsent => Some("question"),
        Action::Rate => Some("face4"),
        Action::Reopen => Some("flag"),
        _ => None,
    };
    let files =
        Act { code: "attach", address: "/t/files".to_owned(), icon: "camera", words: frame.coded("action", "attach") };
    let offered = open.iter().filter_map(|action| {
        let icon = icon(*action)?;
        let address = format!("/t/act/{action}");
        Some(Act { code: action.code(), address, icon, words: frame.coded("action", action.code()) })
    });
    let join =
        || Act { code: "join", address: "/t/group".to_owned(), icon: "person", words: frame.coded("action", "join") };
    let mut acts: Vec<Act> = offered.chain(std::iter::once(files)).chain(joint.then(join)).collect();
    // What is asked of the person stands first.
    acts.sort_by_key(|act| !matches!(act.code, "rate" | "record_consent" | "join"));
    acts
}

/// An event as people are told of it; nothing for what is of no concern to them.
fn entry(frame: &Frame, catalogue: &Catalogue, case: &Case, event: &EventView) -> Option<Entry> {
    let into = event.fields.as_ref().and_then(|fields| fields["joint"].as_str()).unwrap_or(&event.to);
    let own = frame.coded("event", &format!("{}_{into}", event.action));
    let title = if own.is_empty() { frame.coded("event", &event.action) } else { own };
    if title.is_empty() {
        return None;
    }
    let on = crate::ambient::today_in_shanghai(event.at);
    // The limit that this step ended, when it ended it late.
    let late = case.clocks.iter().find(|clock| {
        clock.stopped_on == Some(on) && on > clock.due && event.role != "system" && ends_a_limit(&event.action)
    });
    let time = crate::ambient::SHANGHAI.to_datetime(event.at).strftime("%H:%M").to_string();
    let mut lines = texts(event.texts.as_ref());
    let (class, icon) = match (late, event.action.as_str()) {
        (Some(clock), _) => {
            let days = clock.due.until(on).map_or(0, |span| span.get_days()).to_string();
            let words = frame.say("course.late_line", &[("n", &days), ("day", &frame.day(clock.due))]);
            lines.insert(0, words);
            ("late", "late")
        }
        (None, "suspend") => ("paused", "paused"),
        (None, _) => ("", "check"),
    };
    let who = match event.role.as_str() {
        "consumer" => frame.t("course.you").to_owned(),
        _ => event.unit.as_deref().map(|code| unit(catalogue, frame.lang, code)).unwrap_or_default(),
    };
    Some(Entry { class, icon, title: title.to_owned(), when: format!("{} {time}", frame.day(on)), who, lines })
}

/// Steps that people wait for.
fn ends_a_limit(action: &str) -> bool {
    matches!(
        action,
        "accept" | "refuse" | "settle" | "terminate" | "decide_filing" | "hand_over" | "transfer" | "inform"
    )
}

/// What was written at a step.
fn texts(texts: Option<&Value>) -> Vec<String> {
    let Some(Value::Object(fields)) = texts else { return Vec::new() };
    fields.values().filter_map(Value::as_str).map(str::to_owned).collect()
}

/// All that is kept of the case for its person, as a file.
pub async fn own(app: web::Data<App>, frame: Frame, caller: Caller) -> Result<HttpResponse, Problem> {
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let reference = load(&app, &caller).await?.case.reference;
    let view = cases::view_of(&app, &caller, reference.clone(), Some(frame.lang)).await?;
    let history = events::history_of(&app, &caller, reference.clone()).await?;
    let name = format!("attachment; filename=\"{}.json\"", reference.as_str());
    Ok(HttpResponse::Ok()
        .insert_header((header::CONTENT_DISPOSITION, name))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(json!({ "case": view, "history": history })))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::ClockKind;
    use actix_web::test::TestRequest;
    use jiff::civil::date;

    fn clock(span: Span) -> Clock {
        Clock {
            kind: ClockKind::Accept,
            span,
            start: date(2026, 6, 1),
            due: date(2026, 6, 10),
            provisional: false,
            rule: "order-121".to_owned(),
            calendar: "test".to_owned(),
            paused_on: None,
            paused_days: 0,
            stopped_on: None,
            stage: None,
        }
    }

    fn told(clock: &Clock, today: Date) -> (String, String) {
        let frame = Frame::of(&TestRequest::get().uri("/t/case?lang=en").to_http_request());
        let limit = limit(&frame, &WorkCalendar::for_tests(), clock, today);
        (limit.tone.to_owned(), limit.words)
    }

    #[test]
    fn a_limit_is_told_in_plain_words() {
        let of = |tone: &str, words: &str| (tone.to_owned(), words.to_owned());
        let days = clock(Span::Days(9));
        assert_eq!(told(&days, date(2026, 6, 2)), of("ok", "Days left: 8"));
        // A Friday and the working days after it: the weekend isn't counted.
        assert_eq!(told(&clock(Span::WorkingDays(7)), date(2026, 6, 5)), of("ok", "Working days left: 3"));
        assert_eq!(told(&days, date(2026, 6, 10)), of("warn", "Today is the last day"));
        assert_eq!(told(&days, date(2026, 6, 11)), of("over", "Days late: 1, and not done yet"));
        let stopped = |on| Clock { stopped_on: Some(on), ..days.clone() };
        assert_eq!(told(&stopped(date(2026, 6, 10)), date(2026, 7, 1)), of("ok", "In time"));
        assert_eq!(told(&stopped(date(2026, 6, 12)), date(2026, 7, 1)), of("over", "Days late: 2"));
        let paused = Clock { paused_on: Some(date(2026, 6, 3)), ..days };
        assert_eq!(told(&paused, date(2026, 7, 1)), of("paused", "Paused"));
    }
}

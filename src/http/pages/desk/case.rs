//! A case, with everything that bears on its next step side by side.

use crate::app::App;
use crate::classify::Hints;
use crate::domain::clock::Clock;
use crate::domain::permission::{Permission, may};
use crate::domain::vocabulary::{Action, Kind};
use crate::http::api::{attachments, cases, documents, events, reference};
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::list::{self, List, Row};
use crate::http::pages::desk::words::{self, Chip};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::frame::Frame;
use crate::http::pages::staff::Visitor;
use crate::http::views::{CaseView, EventView, Names, PartyView, is_merchant};
use crate::store::outbox::{self, OutboxRow};
use crate::store::queue::{self, Line};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::Value;

/// Days over which other cases of the same merchant are shown.
const SIMILAR_DAYS: i64 = 90;

/// Buttons in the bar of a case; more stand in a list.
const BUTTONS: usize = 5;

/// A time limit in its box.
#[derive(Debug)]
pub struct ClockBox {
    name: &'static str,
    chip: Chip,
    used: i32,
    whole: i32,
    when: String,
    provisional: bool,
}

/// A party as it is shown.
#[derive(Debug)]
pub struct Person {
    part: &'static str,
    lines: Vec<(&'static str, String)>,
}

/// A step of the history.
#[derive(Debug)]
pub struct Entry {
    icon: &'static str,
    class: &'static str,
    at: String,
    what: &'static str,
    who: String,
    lines: Vec<(String, String)>,
}

/// A step that can be taken, as a link.
#[derive(Debug)]
pub struct Step {
    label: &'static str,
    url: String,
    key: usize,
}

/// A file.
#[derive(Debug)]
pub struct File {
    name: String,
    url: String,
    about: String,
}

/// A document with the ways to print it.
#[derive(Debug)]
pub struct Paper {
    title: String,
    number: String,
    url: String,
    at: String,
}

/// What was sent to a party.
#[derive(Debug)]
pub struct Sent {
    what: String,
    to: &'static str,
    way: &'static str,
    state: &'static str,
    class: &'static str,
    at: String,
}

/// A sector that the text speaks for.
#[derive(Debug)]
pub struct Guess {
    name: String,
    percent: u8,
}

#[derive(Template)]
#[template(path = "desk/case.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    list: List,
    v: CaseView,
    title: String,
    state: Chip,
    received: String,
    channel: &'static str,
    demands: String,
    amount: String,
    clocks: Vec<ClockBox>,
    people: Vec<Person>,
    merchant: Person,
    files: Vec<File>,
    papers: Vec<Paper>,
    sent: Vec<Sent>,
    entries: Vec<Entry>,
    similar: Vec<Row>,
    guesses: Vec<Guess>,
    words: Vec<String>,
    missing: Vec<&'static str>,
    steps: Vec<Step>,
    more: Vec<Step>,
    unmask: Option<String>,
    /// Its group, as far as the caller sees groups.
    group: Option<String>,
    /// Its part there.
    part: &'static str,
    /// Other open complaints of the merchant's, which can be handled together with this one.
    joinable: Vec<(String, String)>,
    done: &'static str,
    whole: bool,
}

/// A case.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    path: web::Path<String>,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let number = reference(&path)?;
    let today = app.today();
    let v = cases::view_of(&app, &caller, number.clone(), Some(frame.lang)).await?;
    let history = events::history_of(&app, &caller, number.clone()).await?;
    // Of a report only its office sees what names the reporter: files and papers do.
    let files = seen(attachments::of_case(&app, &caller, &path).await)?;
    let papers = seen(documents::of_case(&app, &caller, &path).await)?;
    let loaded = cases::load(&app, &caller, number).await?;
    let (scope, since) = (caller.scope(), today.saturating_sub(SIMILAR_DAYS.days()));
    let clocks = clocks(&app, &frame, &loaded.case.clocks, today);
    let loaded_joint = loaded.case.joint.clone();
    let (similar, owed) = app
        .store
        .read(move |db| {
            let lines = queue::of_merchant(db, &scope, &loaded, since, 6)?;
            let keys: Vec<_> = lines.iter().map(|line| line.case_id).collect();
            let details = queue::details(db, &scope, &keys, today)?;
            let similar: Vec<_> = lines
                .into_iter()
                .map(|line| {
                    let detail = details.get(&line.case_id).cloned().unwrap_or_default();
                    (line, detail)
                })
                .collect();
            Ok((similar, outbox::of_case(db, &loaded)?))
        })
        .await?;
    let similar: Vec<(Line, queue::Detail)> = similar;
    let open_complaint = |line: &&Line| line.closed_on.is_none() && line.kind == Kind::Complaint.code();
    let number = |line: &Line| (line.reference.clone(), words::short(&line.reference).to_owned());
    let others = similar.iter().map(|(line, _)| line).filter(open_complaint);
    let joinable = if may(caller.who.role, Permission::ManageGroups, v.kind) && !v.state.is_end() {
        others.map(number).collect()
    } else {
        Vec::new()
    };
    let joint = loaded_joint.filter(|_| may(caller.who.role, Permission::ReadGroups, v.kind));
    let list = list::read(&app, &caller, &frame, &pairs, Some(v.reference.as_str())).await?;
    let c = chrome(&app, &caller, &frame, &request, &list.view, &list.q).await?;
    let suffix = if list.query.is_empty() { String::new() } else { format!("?{}", list.query) };
    let classified = app.model().classify(&v.narrative, Hints::default());
    let names_of = app.catalogue();
    let names = Names { catalogue: &names_of, lang: frame.lang };
    let percent = |confidence: f64| {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "from 0 to 100")]
        let percent = (confidence.clamp(0.0, 1.0) * 100.0).round() as u8;
        percent
    };
    let guess = |sector: &str, confidence| Guess { name: names.sector(sector).name, percent: percent(confidence) };
    let mut guesses = vec![guess(&classified.sector, classified.confidence)];
    guesses.extend(classified.alternatives.iter().take(2).map(|other| guess(&other.sector, other.confidence)));
    let mut evidence: Vec<_> = classified.evidence.iter().filter(|word| word.sector == classified.sector).collect();
    evidence.sort_by(|a, b| b.weight.total_cmp(&a.weight));
    let (steps, more) = steps(&frame, &v, &suffix);
    let (merchants, people): (Vec<&PartyView>, Vec<&PartyView>) =
        v.parties.iter().partition(|party| is_merchant(Some(party.role)));
    let page = Page {
        title: words::title(&v.narrative),
        state: state(&frame, &v),
        received: words::moment(&frame, v.received_at, today),
        channel: frame.coded("channel", v.channel.code()),
        demands: v
            .demands
            .iter()
            .map(|demand| frame.coded("staff_demand", demand.code()))
            .collect::<Vec<_>>()
            .join(" "),
        amount: v.amount.map_or_else(String::new, words::yuan),
        clocks,
        people: people.into_iter().map(|party| person(&frame, party)).collect(),
        merchant: merchants.first().map_or_else(
            || Person { part: frame.coded("staff_role", "merchant"), lines: Vec::new() },
            |party| person(&frame, party),
        ),
        files: files.iter().map(|file| view_file(&frame, &v.reference, file, today)).collect(),
        papers: papers.iter().map(|paper| view_paper(&frame, &v.reference, paper, today)).collect(),
        sent: owed.iter().map(|row| view_sent(&frame, row, today)).collect(),
        entries: history.items.iter().rev().map(|event| entry(&app, &frame, &v, event, today)).collect(),
        similar: similar
            .into_iter()
            .map(|(line, detail)| list::row(&app, &frame, "", line, &detail, None, today))
            .collect(),
        guesses,
        words: evidence.into_iter().take(4).map(|word| word.term.clone()).collect(),
        missing: v.missing_for_acceptance.iter().map(|pointer| missing(&frame, pointer)).collect(),
        steps,
        more,
        unmask: may(caller.who.role, Permission::Unmask, v.kind)
            .then(|| format!("/desk/cases/{}/unmask{suffix}", v.reference)),
        part: joint.as_ref().map_or("", |joint| {
            let asked = if joint.agreed { joint.part.code() } else { "asked" };
            frame.coded("joint_part", asked)
        }),
        group: joint.map(|joint| format!("/desk/groups/{}", joint.group)),
        joinable,
        done: done(&frame, &pairs),
        whole: history.whole,
        f: &frame,
        c,
        list,
        v,
    };
    frame.ok(&page)
}

/// What a caller may not know of a reporter isn't there for them.
fn seen<T>(found: Result<Vec<T>, Problem>) -> Result<Vec<T>, Problem> {
    match found {
        Err(problem) if problem.code() == "not_allowed_for_role" => Ok(Vec::new()),
        found => found,
    }
}

/// What was done last, when the page follows a step.
fn done(frame: &Frame, pairs: &Pairs) -> &'static str {
    let code = pairs.0.iter().find(|(name, _)| name == "done").map_or("", |(_, value)| value.as_str());
    Action::parse(code).map_or("", |action| frame.coded("staff_action", action.code()))
}

/// The chip of a state.
pub fn state(frame: &Frame, v: &CaseView) -> Chip {
    let words = frame.coded("staff_state", v.state.code()).to_owned();
    let (class, icon) = match v.state {
        state if state.is_end() => ("ok", "check"),
        crate::domain::vocabulary::State::Suspended => ("paused", "paused"),
        _ => ("info", "now"),
    };
    Chip { class, icon, words }
}

fn clocks(app: &App, frame: &Frame, clocks: &[Clock], today: Date) -> Vec<ClockBox> {
    let catalogue = app.catalogue();
    let days = |from: Date, to: Date| from.until(to).map_or(0, |span| span.get_days());
    clocks
        .iter()
        .map(|clock| {
            let due = words::day(frame, clock.due, today);
            let chip = if let Some(on) = clock.stopped_on {
                let (class, icon) = if on <= clock.due { ("ok", "check") } else { ("over", "late") };
                let on = words::day(frame, on, today);
                Chip { class, icon, words: frame.say("desk.stopped", &[("day", &on)]) }
            } else if clock.paused_on.is_some() {
                Chip { class: "paused", icon: "paused", words: frame.t("desk.paused").to_owned() }
            } else {
                words::left(frame, &catalogue.calendar, clock.due, today)
            };
            let until = clock.stopped_on.or(clock.paused_on).unwrap_or(today);
            let whole = days(clock.start, clock.due).max(1);
            ClockBox {
                name: frame.coded("staff_clock", clock.kind.code()),
                chip,
                used: days(clock.start, until).clamp(0, whole),
                whole,
                when: frame.say("desk.until", &[("day", &due), ("start", &words::day(frame, clock.start, today))]),
                provisional: clock.provisional,
            }
        })
        .collect()
}

fn person(frame: &Frame, party: &PartyView) -> Person {
    let lines = [
        ("name", &party.name),
        ("phone", &party.phone),
        ("email", &party.email),
        ("address", &party.address),
        ("id_number", &party.id_number),
        ("uscc", &party.uscc),
    ];
    Person {
        part: frame.coded("staff_role", party.role.code()),
        lines: lines
            .into_iter()
            .filter_map(|(part, value)| Some((frame.coded("staff_part", part), value.clone()?)))
            .collect(),
    }
}

fn view_file(frame: &Frame, number: &str, file: &attachments::AttachmentView, today: Date) -> File {
    let kilobytes = (file.size + 512) / 1024;
    File {
        name: file.name.clone(),
        url: format!("/api/v1/cases/{number}/attachments/{}", file.id),
        about: format!("{kilobytes} kB · {}", words::moment(frame, file.added_at, today)),
    }
}

fn view_paper(frame: &Frame, number: &str, paper: &documents::DocumentView, today: Date) -> Paper {
    Paper {
        title: paper.title.clone(),
        number: paper.number.clone(),
        url: format!("/api/v1/cases/{number}/documents/{}", paper.no),
        at: words::moment(frame, paper.issued_at, today),
    }
}

fn view_sent(frame: &Frame, row: &OutboxRow, today: Date) -> Sent {
    let title = frame.coded("staff_notice", &row.notice);
    Sent {
        what: if title.is_empty() { row.notice.clone() } else { title.to_owned() },
        to: frame.coded("staff_role", &row.audience),
        way: frame.coded("staff_way", &row.channel),
        state: frame.coded("staff_delivery", &row.state),
        class: match row.state.as_str() {
            outbox::FAILED => "over",
            outbox::PENDING => "info",
            _ => "ok",
        },
        at: words::moment(frame, row.ended_at.map_or(row.created_at.0, |at| at.0), today),
    }
}

/// What acceptance needs and isn't there.
fn missing(frame: &Frame, pointer: &str) -> &'static str {
    let name = pointer.trim_start_matches('/').replace('/', "_");
    let words = frame.coded("staff_missing", &name);
    if words.is_empty() { frame.t("desk.something") } else { words }
}

fn entry(app: &App, frame: &Frame, v: &CaseView, event: &EventView, today: Date) -> Entry {
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang: frame.lang };
    let mut lines = Vec::new();
    if event.action == "file" {
        lines.push((frame.t("desk.went_to").to_owned(), v.routing.office.name.clone()));
    }
    for fields in [&event.fields, &event.texts].into_iter().flatten() {
        let Value::Object(fields) = fields else { continue };
        for (name, value) in fields.iter().filter(|_| event.action != "file") {
            let label = match frame.coded("staff_field", &format!("{}_{name}", event.action)) {
                "" => frame.coded("staff_field", name),
                own => own,
            };
            if !label.is_empty() {
                lines.extend(said(frame, names, v, name, value).map(|value| (label.to_owned(), value)));
            }
        }
    }
    let role = frame.coded("staff_role", &event.role);
    let unit = event.unit.as_deref().map(|unit| names.unit(unit).name);
    let who = [unit.as_deref(), event.actor.as_deref().or(Some(role))];
    let late = matches!(event.action.as_str(), "urge" | "supervise" | "circulate" | "return" | "remind");
    let first = event.seq == v.version;
    Entry {
        icon: if late {
            "late"
        } else if first {
            "now"
        } else {
            "check"
        },
        class: if late { "late" } else { "" },
        at: words::moment(frame, event.at, today),
        what: frame.coded("staff_action", &event.action),
        who: who.into_iter().flatten().collect::<Vec<_>>().join(" "),
        lines,
    }
}

/// A value that a step carried, in words; nothing for what says nothing to people.
fn said(frame: &Frame, names: Names<'_>, v: &CaseView, name: &str, value: &Value) -> Option<String> {
    let code = |code: &str| match name {
        "office" => names.office(code).name,
        "sector" => names.sector(code).name,
        _ => {
            let own = ["staff_value", "staff_outcome", "staff_demand"].map(|section| frame.coded(section, code));
            let ground = names.catalogue.rule_by_id(&v.routing.rule).and_then(|rule| rule.ground(code));
            match (own.into_iter().find(|words| !words.is_empty()), ground) {
                (Some(words), _) => words.to_owned(),
                (None, Some(ground)) => format!("{} {}", ground.article, ground.name.in_lang(frame.lang)),
                (None, None) => code.to_owned(),
            }
        }
    };
    match value {
        Value::String(text) => Some(code(text)),
        Value::Bool(yes) => Some(frame.coded("staff_value", if *yes { "true" } else { "false" }).to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Array(items) => Some(items.iter().filter_map(Value::as_str).map(code).collect::<Vec<_>>().join(" ")),
        Value::Object(_) | Value::Null => None,
    }
}

/// The steps that bring a case on, before those that note, link or urge.
const FIRST: &[Action] = &[
    Action::Accept,
    Action::StartMediation,
    Action::Settle,
    Action::Resume,
    Action::DecideFiling,
    Action::Dispatch,
    Action::Designate,
    Action::Refuse,
    Action::Terminate,
    Action::HandOver,
    Action::Verify,
    Action::Return,
    Action::Inform,
    Action::RecordConsent,
    Action::RequestId,
    Action::Supply,
];

fn steps(frame: &Frame, v: &CaseView, suffix: &str) -> (Vec<Step>, Vec<Step>) {
    let mut order: Vec<Action> = v.available_actions.iter().map(|one| one.action).collect();
    order.sort_by_key(|action| FIRST.iter().position(|first| first == action).unwrap_or(FIRST.len()));
    let mut steps: Vec<Step> = order
        .into_iter()
        .enumerate()
        .map(|(place, action)| Step {
            label: frame.coded("staff_action", action.code()),
            url: format!("/desk/cases/{}/act/{action}{suffix}", v.reference),
            key: place + 1,
        })
        .collect();
    let more = if steps.len() > BUTTONS { steps.split_off(BUTTONS) } else { Vec::new() };
    (steps, more)
}

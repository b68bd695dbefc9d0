//! Entry of a case for somebody on the phone, at the counter or by letter: one page, in the order in which people tell it.

use crate::ambient::{self, SHANGHAI};
use crate::app::App;
use crate::config::catalogue::PlaceKind;
use crate::domain::division::Division;
use crate::domain::vocabulary::{Demand, Role};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::desk::fields::{Field, fault_words};
use crate::http::pages::desk::{Chrome, chrome, queue, words};
use crate::http::pages::form::{Choice, Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::RESUME;
use crate::http::pages::staff::{Sent, Visitor};
use crate::http::views::Names;
use crate::intake::submission::{Entry, Raw};
use crate::intake::{self, FileError, IdempotencyKey};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::DateTime;
use serde_json::{Map, Value, json};

#[derive(Template)]
#[template(path = "desk/enter.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    sections: Vec<(&'static str, Vec<Field>)>,
    faults: Faults,
    key: String,
}

#[derive(Template)]
#[template(path = "desk/entered.html")]
struct Entered<'a> {
    f: &'a Frame,
    c: Chrome,
    number: String,
    pin: String,
    office: String,
    due: Vec<(&'static str, String)>,
    others: Vec<String>,
    seen: bool,
}

/// Channels through which staff enter.
const CHANNELS: &[&str] = &["phone", "counter", "letter", "hotline_12345"];

/// The place that a member of staff most likely enters for.
fn own_place(app: &App, caller: &Caller) -> Option<Division> {
    let catalogue = app.catalogue();
    let of_unit = caller.who.unit.as_deref().and_then(|unit| {
        let office = catalogue.offices.get(unit).map(|office| office.division);
        office.or_else(|| catalogue.stations.get(unit).map(|station| station.division))
    });
    of_unit.or(caller.who.division).map(Division::six_digits)
}

/// Counties by city.
fn places(app: &App, frame: &Frame) -> Vec<(String, Vec<Choice>)> {
    let catalogue = app.catalogue();
    let name = |code: Division| catalogue.places.name_in(code, frame.lang).unwrap_or_default().to_owned();
    let Some(root) = catalogue.places.root else { return Vec::new() };
    let cities = catalogue.places.children(root);
    cities
        .map(|city| {
            let below = catalogue.places.children(city.code);
            let counties = below.filter(|place| matches!(place.kind, PlaceKind::County | PlaceKind::FunctionalZone));
            (name(city.code), counties.map(|county| Choice::new(county.code.to_string(), name(county.code))).collect())
        })
        .filter(|(_, counties): &(String, Vec<Choice>)| !counties.is_empty())
        .collect()
}

fn sections(app: &App, frame: &Frame, typed: &Fields, faults: &Faults) -> Vec<(&'static str, Vec<Field>)> {
    let field = |name: &str, look: &'static str, required: bool, groups: Vec<(String, Vec<Choice>)>| Field {
        name: name.to_owned(),
        label: frame.coded("enter_field", &name.replace('.', "_")).to_owned(),
        hint: frame.coded("enter_hint", &name.replace('.', "_")),
        look,
        required,
        value: typed.get(name).to_owned(),
        values: typed.all(name).to_vec(),
        groups,
        fault: faults.of(name).to_owned(),
        width: if matches!(name, "received_at" | "incident_date" | "amount") { "narrow" } else { "" },
        ..Field::default()
    };
    let one = |choices: Vec<Choice>| vec![(String::new(), choices)];
    let line = |name: &str, required: bool| field(name, "line", required, Vec::new());
    let demands: Vec<&str> = Demand::ALL.iter().map(|demand| demand.code()).collect();
    vec![
        (
            frame.t("enter.what"),
            vec![
                field("kind", "choice", true, one(queue::coded(frame, "staff_kind", &["complaint", "report"]))),
                field("channel", "choice", true, one(queue::coded(frame, "channel", CHANNELS))),
                field("narrative", "area", true, Vec::new()),
            ],
        ),
        (
            frame.t("enter.whom"),
            vec![
                line("respondent.name", false),
                field("respondent.division", "select", false, places(app, frame)),
                line("respondent.address", false),
                line("respondent.phone", false),
            ],
        ),
        (
            frame.t("enter.who"),
            vec![
                line("complainant.name", false),
                line("complainant.phone", false),
                line("complainant.address", false),
                field("anonymous", "checks", false, one(vec![Choice::new("true", frame.t("enter.anonymous"))])),
            ],
        ),
        (
            frame.t("enter.wanted"),
            vec![
                field("demands", "checks", false, one(queue::coded(frame, "staff_demand", &demands))),
                line("amount", false),
                line("incident_date", false),
                field("sector", "select", false, one(queue::sectors(app, frame))),
                line("received_at", false),
                line("external", false),
                field("settle_first", "checks", false, one(vec![Choice::new("true", frame.t("enter.settle_first"))])),
            ],
        ),
    ]
}

/// What was typed, in the shape of a filing.
fn filing(typed: &Fields) -> Value {
    let mut raw = Map::new();
    for name in ["kind", "channel", "narrative", "amount", "incident_date", "sector"] {
        if let Some(value) = typed.given(name) {
            raw.insert(name.to_owned(), json!(value));
        }
    }
    if let Some(received) = typed.given("received_at") {
        // Written as people write it: a day and a time here.
        let at = received.replace(' ', "T").parse::<DateTime>();
        let text = at.ok().and_then(|at| SHANGHAI.to_timestamp(at).ok()).map_or(received, |at| at.to_string());
        raw.insert("received_at".to_owned(), json!(text));
    }
    for party in ["respondent", "complainant"] {
        let parts = ["name", "division", "address", "phone"].into_iter();
        let parts = parts.filter_map(|part| Some((part.to_owned(), json!(typed.given(&format!("{party}.{part}"))?))));
        let parts: Map<String, Value> = parts.collect();
        if !parts.is_empty() {
            raw.insert(party.to_owned(), Value::Object(parts));
        }
    }
    let demands: Vec<&String> = typed.all("demands").iter().filter(|demand| !demand.is_empty()).collect();
    if !demands.is_empty() {
        raw.insert("demands".to_owned(), json!(demands));
    }
    for name in ["anonymous", "settle_first"] {
        if typed.get(name) == "true" {
            raw.insert(name.to_owned(), json!(true));
        }
    }
    if let Some(number) = typed.given("external") {
        raw.insert("external_references".to_owned(), json!([{ "system": "platform_12315", "number": number }]));
    }
    Value::Object(raw)
}

/// The field that a pointer of a fault belongs to.
fn name_of(pointer: &str) -> String {
    let name = pointer.trim_start_matches('/').replace('/', ".");
    match name.split('.').next() {
        Some("external_references") => "external".to_owned(),
        Some("demands") => "demands".to_owned(),
        _ => name,
    }
}

async fn show(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    came: (StatusCode, Fields, Faults),
) -> Result<HttpResponse, Problem> {
    let (status, typed, faults) = came;
    let key = typed.given("key").unwrap_or_else(|| ambient::key_at(app.entropy.as_ref(), app.now()).to_string());
    let page = Page {
        c: chrome(app, caller, frame, request, "", "").await?,
        sections: sections(app, frame, &typed, &faults),
        f: frame,
        faults,
        key,
    };
    frame.answer(status, &page)
}

/// 403 for those who enter nothing.
fn may_enter(caller: &Caller) -> Result<(), Problem> {
    match caller.who.role {
        Role::Station | Role::Officer | Role::Dispatcher => Ok(()),
        _ => Err(Problem::not_for_role()),
    }
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
) -> Result<HttpResponse, Problem> {
    may_enter(&caller)?;
    let mut typed = Fields::default();
    typed.add("kind", "complaint");
    typed.add("channel", "phone");
    if let Some(place) = own_place(&app, &caller) {
        typed.add("respondent.division", &place.to_string());
    }
    show(&app, &request, &caller, &frame, (StatusCode::OK, typed, Faults::default())).await
}

/// Takes it in. Sent twice, it is one case.
pub async fn file(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    may_enter(&caller)?;
    if !typed.get(RESUME).is_empty() {
        return show(&app, &request, &caller, &frame, (StatusCode::OK, typed, Faults::default())).await;
    }
    let body = filing(&typed);
    let raw: Raw = serde_json::from_value(body.clone())
        .map_err(|_| Problem::bad_request("malformed_form", "the form can't be read"))?;
    let owner = format!("user:{}", caller.who.user.as_deref().unwrap_or_default());
    let key = typed.given("key").map(|key| IdempotencyKey::new(&owner, &key, &body));
    let shared = app.clone().into_inner();
    let answer = match intake::file(&shared, raw, Entry::Staff, &caller.who.actor(), key).await {
        Ok(receipt) => receipt.answer,
        Err(FileError::Invalid(problems)) => {
            let mut faults = Faults::default();
            for problem in &problems.0 {
                faults.add(&name_of(&problem.pointer), fault_words(&frame, problem));
            }
            let came = (StatusCode::UNPROCESSABLE_ENTITY, typed, faults);
            return show(&app, &request, &caller, &frame, came).await;
        }
        Err(FileError::AlreadyHere { .. }) => {
            let mut faults = Faults::default();
            faults.add("external", frame.t("enter.already_here"));
            return show(&app, &request, &caller, &frame, (StatusCode::CONFLICT, typed, faults)).await;
        }
        Err(error) => return Err(error.into()),
    };
    entered(&app, &request, &caller, &frame, &answer).await
}

/// What the person is told.
async fn entered(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    answer: &Value,
) -> Result<HttpResponse, Problem> {
    let today = app.today();
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let number = text(&answer["reference"]);
    let due = answer["clocks"].as_array().into_iter().flatten().filter_map(|clock| {
        let day = clock["due"].as_str()?.parse().ok()?;
        Some((frame.coded("staff_clock", clock["kind"].as_str()?), words::day(frame, day, today)))
    });
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang: frame.lang };
    let others = answer["duplicates"].as_array().into_iter().flatten();
    let others = others.chain(answer["linked"].as_array().into_iter().flatten().map(|linked| &linked["reference"]));
    // A case that went elsewhere can't be opened from here.
    let seen = match crate::http::api::reference(&number) {
        Ok(reference) => crate::http::api::cases::load(app, caller, reference).await.is_ok(),
        Err(_) => false,
    };
    let page = Entered {
        c: chrome(app, caller, frame, request, "", "").await?,
        pin: text(&answer["access_pin"]),
        office: names.office(&text(&answer["routing"]["office"]["code"])).name,
        due: due.collect(),
        others: others.map(text).filter(|other| !other.is_empty()).collect(),
        seen,
        f: frame,
        number,
    };
    frame.answer(StatusCode::CREATED, &page)
}

//! Where a case of a sector at a place would go on a day, with each step that leads there; and the table that decides.

use crate::app::App;
use crate::config::catalogue::{Part, Route};
use crate::domain::division::Division;
use crate::domain::permission::Permission;
use crate::domain::vocabulary::Kind;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::queue::{coded, sectors};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::{Choice, Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::places;
use crate::http::pages::staff::Visitor;
use crate::route::{Question, Routing};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;

/// What is asked.
const ASKED: [&str; 4] = ["sector", "place", "kind", "on"];

/// A step with its article.
#[derive(Debug)]
struct Step {
    text: String,
    article: String,
}

/// Where it would go.
#[derive(Debug)]
struct Found {
    office: String,
    code: String,
    station: String,
    lead: String,
    assisting: Vec<String>,
    referred: String,
    fallback: bool,
    steps: Vec<Step>,
}

#[derive(Template)]
#[template(path = "admin/routing.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    asked: Fields,
    sectors: Vec<Choice>,
    cities: Vec<(String, Vec<Choice>)>,
    kinds: Vec<Choice>,
    faults: Faults,
    found: Option<Found>,
    table: Vec<(String, Vec<String>)>,
}

fn told(frame: &Frame, routing: &Routing) -> Found {
    let lang = frame.lang;
    let zh = lang == crate::domain::vocabulary::Lang::Zh;
    let steps = routing.steps.iter().map(|step| Step {
        text: if zh { step.zh.clone() } else { step.en.clone() },
        article: step.article.map_or_else(String::new, |article| article.in_lang(lang)),
    });
    Found {
        office: routing.office.name.in_lang(lang).to_owned(),
        code: routing.office.code.clone(),
        station: routing.station.as_ref().map_or_else(String::new, |station| station.name.in_lang(lang).to_owned()),
        lead: routing.lead_department.name.in_lang(lang).to_owned(),
        assisting: routing.assisting.iter().map(|unit| unit.name.in_lang(lang).to_owned()).collect(),
        referred: routing
            .referred
            .as_ref()
            .map_or("", |to| if zh { to.zh.as_str() } else { to.en.as_str() })
            .to_owned(),
        fallback: routing.owner_is_fallback,
        steps: steps.collect(),
    }
}

/// The page.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageAccounts)?;
    let asked = Fields::among(&pairs, |name, _| ASKED.contains(&name));
    let router = app.router();
    let catalogue = router.catalogue();
    let mut faults = Faults::default();
    let mut found = None;
    if pairs.0.iter().any(|(name, _)| ASKED.contains(&name.as_str())) {
        let sector = catalogue.sector(asked.get("sector"));
        if sector.is_none() {
            faults.add("sector", frame.coded("admin_fault", "sector"));
        }
        let place = asked.given("place").map(|code| Division::parse(&code));
        if place.as_ref().is_some_and(Result::is_err) {
            faults.add("place", frame.coded("admin_fault", "division"));
        }
        let kind = asked.given("kind").map_or(Ok(Kind::Complaint), |code| Kind::parse(&code));
        if kind.is_err() {
            faults.add("kind", frame.coded("admin_fault", "kind"));
        }
        let on = asked.given("on").map_or(Ok(app.today()), |day| day.parse::<Date>());
        if on.is_err() {
            faults.add("on", frame.coded("admin_fault", "on"));
        }
        if let (true, Some(sector), Ok(kind), Ok(on)) = (faults.is_empty(), sector, kind, on) {
            let place = place.and_then(Result::ok);
            let question = Question { kind, place, ..Question::complaint(&sector.code, on, place) };
            found = Some(told(&frame, &router.route(&question)));
        }
    }
    let cities = catalogue.places.root.map(|root| catalogue.places.children(root).collect::<Vec<_>>());
    let cities = cities.into_iter().flatten().map(|city| {
        let below = catalogue.places.children(city.code);
        let choice = |code: Division| Choice::new(code.to_string(), places::name(catalogue, code, frame.lang));
        (places::name(catalogue, city.code, frame.lang), below.map(|place| choice(place.code)).collect())
    });
    let department = |code: &String| {
        let known = catalogue.departments.get(code);
        known.map_or_else(|| code.clone(), |department| department.name.in_lang(frame.lang).to_owned())
    };
    let table = catalogue.sectors.iter().map(|sector| {
        // The territorial line names no department: it says that offices of the place go first.
        let of = |route: &&Route| route.sector == sector.code && route.part != Part::Territorial;
        let mut routes: Vec<_> = catalogue.routes.iter().filter(of).collect();
        routes.sort_by_key(|route| route.order);
        let names = routes.into_iter().map(|route| department(&route.department));
        (sector.name.in_lang(frame.lang).to_owned(), names.collect())
    });
    let status = if faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    let page = Page {
        c: chrome(&app, &caller, &frame, &request, "admin_routing", "").await?,
        sectors: sectors(&app, &frame),
        cities: cities.collect(),
        kinds: coded(&frame, "staff_kind", &["complaint", "report"]),
        table: table.collect(),
        f: &frame,
        asked,
        faults,
        found,
    };
    frame.answer(status, &page)
}

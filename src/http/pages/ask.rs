//! The third door: whom to turn to with a matter, and what the law gives for it. It answers at once and keeps nothing.

use crate::app::App;
use crate::classify::Hints;
use crate::domain::text;
use crate::domain::vocabulary::Lang;
use crate::http::error::Problem;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::pages::places;
use crate::intake::submission::NARRATIVE;
use crate::route::{Question, Routing, Step};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "ask.html")]
struct Page<'a> {
    f: &'a Frame,
    form: &'a Form,
    parts: Vec<String>,
    answer: Option<Answer>,
}

/// Who is responsible.
struct Answer {
    title: String,
    office: String,
    phone: Option<String>,
    station: Option<String>,
    station_phone: Option<String>,
    /// Where to turn to instead.
    elsewhere: Vec<String>,
    /// Each step of the reasoning with its article.
    steps: Vec<String>,
}

fn page(app: &App, form: &Form, status: StatusCode, answer: Option<Answer>) -> Result<HttpResponse, Problem> {
    let parts = vec![form.question("question", 5), places::county(app, form, "place")];
    form.frame.answer(status, &Page { f: &form.frame, form, parts, answer })
}

/// The question.
pub async fn form(app: web::Data<App>, frame: Frame) -> Result<HttpResponse, Problem> {
    page(&app, &Form::new(&frame, Fields::default()), StatusCode::OK, None)
}

/// The answer, below the question.
pub async fn answer(app: web::Data<App>, frame: Frame, sent: Fields) -> Result<HttpResponse, Problem> {
    let mut form = Form::new(&frame, sent);
    let (least, most) = NARRATIVE;
    let asked = match text::free(form.fields.get("question"), least, most) {
        Ok(asked) => asked,
        Err(fault) => {
            let words = if fault.code == "too_long" { "question_too_long" } else { "question_required" };
            form.faults.add("question", frame.coded("fault", words));
            return page(&app, &form, StatusCode::UNPROCESSABLE_ENTITY, None);
        }
    };
    let found = app.model().classify(&asked, Hints::default());
    let place = places::chosen(&form.fields, "place");
    let question =
        Question { subsector: found.subsector.clone(), ..Question::complaint(&found.sector, app.today(), place) };
    let routing = app.router().route(&question);
    let mut answer = told(&app, &frame, &found.sector, &routing);
    if let Some(to) = found.not_consumer.refer_to.as_ref().filter(|_| found.not_consumer.advised) {
        answer.elsewhere.push(places::referral(&frame, to));
    }
    page(&app, &form, StatusCode::OK, Some(answer))
}

fn told(app: &App, frame: &Frame, sector: &str, routing: &Routing) -> Answer {
    let catalogue = app.catalogue();
    let lang = frame.lang;
    let office = catalogue.office_on(&routing.office.code, app.today());
    let station = routing.station.as_ref().and_then(|station| catalogue.stations.get(&station.code));
    let referred = routing.referred.as_ref();
    let elsewhere = referred.map(|to| if lang == Lang::Zh { &to.zh } else { &to.en });
    let sector = catalogue.sector(sector).map(|sector| sector.name.in_lang(lang)).unwrap_or_default();
    Answer {
        title: frame.say("ask.sector", &[("sector", sector)]),
        office: routing.office.name.in_lang(lang).to_owned(),
        phone: office.and_then(|office| office.phone.clone()),
        station: routing.station.as_ref().map(|station| station.name.in_lang(lang).to_owned()),
        station_phone: station.and_then(|station| station.phone.clone()),
        elsewhere: elsewhere.into_iter().cloned().collect(),
        steps: routing.steps.iter().map(|step| step_words(step, lang)).collect(),
    }
}

/// A step with its article behind it.
fn step_words(step: &Step, lang: Lang) -> String {
    let text = if lang == Lang::Zh { &step.zh } else { &step.en };
    match (step.article, lang) {
        (None, _) => text.clone(),
        (Some(article), Lang::Zh) => format!("{text}（{}）", article.in_lang(lang)),
        (Some(article), Lang::En) => format!("{text} ({})", article.in_lang(lang)),
    }
}

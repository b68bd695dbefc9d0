//! The last look before a filing is handed in: every answer, with the way to change it, and who will get it.

use super::answers::{self, STAFF};
use super::questions;
use super::step::Step;
use crate::app::App;
use crate::domain::identifiers::{mask_email, mask_phone};
use crate::http::error::Problem;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::pages::places;
use crate::intake::submission::Submission;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

#[derive(Template)]
#[template(path = "filing/check.html")]
struct Page<'a> {
    f: &'a Frame,
    rows: Vec<Row>,
    report: bool,
    back: String,
    /// Who gets it, and what they promise.
    receiver: Option<(String, Vec<String>)>,
    /// Labels of what acceptance needs and isn't there.
    missing: Vec<&'static str>,
}

/// A question with its answers and the page where they can be changed.
struct Row {
    question: &'static str,
    lines: Vec<String>,
    step: String,
}

/// The page; what is wrong leads to the page of the first fault.
pub(super) fn page(app: &App, frame: &Frame, fields: Fields) -> Result<HttpResponse, Problem> {
    let submission = match answers::check(app, frame, &fields) {
        Ok(submission) => submission,
        Err(problems) => {
            let step = answers::first_step(&problems).unwrap_or(Step::What);
            let mut form = Form::new(frame, fields);
            answers::judge(app, frame, step, &mut form);
            return questions::page(app, frame, StatusCode::UNPROCESSABLE_ENTITY, step, form);
        }
    };
    let routing = crate::intake::preview(app, &submission);
    let receiver = routing.map(|routing| questions::promise(app, frame, &routing, submission.settle_first));
    let missing = answers::missing(&submission).into_iter().map(|name| frame.coded("field", name)).collect();
    let page = Page {
        f: frame,
        rows: rows(app, frame, &fields, &submission),
        report: fields.get("kind") == "report",
        back: Step::Check.before(&fields).map_or_else(|| "/".to_owned(), Step::path),
        receiver,
        missing,
    };
    frame.ok(&page)
}

fn rows(app: &App, frame: &Frame, fields: &Fields, submission: &Submission) -> Vec<Row> {
    let row = |step: Step, lines: Vec<String>| {
        let lines: Vec<String> = lines.into_iter().filter(|line| !line.is_empty()).collect();
        let lines = if lines.is_empty() { vec![frame.t("filing.nothing").to_owned()] } else { lines };
        Row { question: frame.coded("row", step.name()), lines, step: step.name().to_owned() }
    };
    let merchant = &submission.respondent;
    let platform = merchant.platform.as_ref().and_then(|platform| platform.name.clone());
    let mut rows = vec![
        row(Step::What, vec![submission.narrative.clone()]),
        row(Step::Sector, vec![sector(app, frame, fields, submission)]),
        row(
            Step::Who,
            [merchant.name.clone(), platform, merchant.address.clone(), merchant.phone.clone(), merchant.uscc.clone()]
                .into_iter()
                .flatten()
                .collect(),
        ),
        row(Step::Where, vec![place(app, frame, fields)]),
    ];
    if !matches!(fields.get("kind"), "report") {
        rows.push(row(Step::Wish, wishes(frame, submission)));
    }
    rows.push(row(Step::Reach, reach(frame, submission)));
    rows
}

fn sector(app: &App, frame: &Frame, fields: &Fields, submission: &Submission) -> String {
    if fields.get("sector") == STAFF {
        return frame.t("filing.let_staff").to_owned();
    }
    let catalogue = app.catalogue();
    let chosen = submission.sector.as_deref().and_then(|code| catalogue.sector(code));
    chosen.map(|sector| sector.name.in_lang(frame.lang).to_owned()).unwrap_or_default()
}

/// City, county and town in one line; the words for leaving it open where it was.
fn place(app: &App, frame: &Frame, fields: &Fields) -> String {
    let catalogue = app.catalogue();
    let Some(county) = places::chosen(fields, "place") else { return frame.t("filing.place_unknown").to_owned() };
    let name = |place| places::name(&catalogue, place, frame.lang);
    let city = catalogue.places.get(county).and_then(|place| place.parent).map(name).unwrap_or_default();
    let town = places::chosen(fields, "town").map(name).unwrap_or_default();
    let county = name(county);
    frame.say("filing.place", &[("city", &city), ("county", &county), ("town", &town)]).trim().to_owned()
}

fn wishes(frame: &Frame, submission: &Submission) -> Vec<String> {
    let demands: Vec<&str> = submission.demands.iter().map(|demand| frame.coded("demand", demand.code())).collect();
    let mut lines = vec![demands.join(frame.t("form.comma"))];
    lines.extend(submission.amount.map(|amount| frame.say("filing.yuan", &[("amount", &amount.to_string())])));
    lines.extend(submission.incident_date.map(|day| frame.say("filing.happened", &[("day", &frame.day(day))])));
    let first = if submission.settle_first { "filing.settle_yes" } else { "filing.settle_no" };
    lines.push(frame.t(first).to_owned());
    lines
}

/// How to reach the person, masked: somebody may look over their shoulder.
fn reach(frame: &Frame, submission: &Submission) -> Vec<String> {
    if submission.anonymous {
        return vec![frame.t("filing.anonymous").to_owned()];
    }
    let person = &submission.complainant;
    let mut lines = vec![
        person.name.clone().unwrap_or_default(),
        person.phone.as_deref().map(mask_phone).unwrap_or_default(),
        person.email.as_deref().map(mask_email).unwrap_or_default(),
        person.address.clone().unwrap_or_default(),
    ];
    lines.extend(submission.external.iter().map(|one| format!("12315{}{}", frame.t("form.colon"), one.number)));
    lines
}

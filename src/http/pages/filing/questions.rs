//! What each page of a filing shows: its questions, with what is known that helps to answer them.

use super::answers::{self, OWN, STAFF};
use super::step::Step;
use crate::app::App;
use crate::classify::Classification;
use crate::domain::vocabulary::{ClockKind, Demand, Lang};
use crate::http::error::Problem;
use crate::http::pages::form::{Choice, Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::pages::places;
use crate::route::Routing;
use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

/// Sectors that are suggested.
const SUGGESTED: usize = 3;

/// Least probability of a sector that is suggested beside the first.
const LEAST: f64 = 0.02;

/// Words of the person's own that are shown for a sector.
const WORDS: usize = 3;

#[derive(Template)]
#[template(path = "filing/step.html")]
struct Page<'a> {
    f: &'a Frame,
    form: &'a Form,
    /// Name of the step.
    step: &'static str,
    title: &'a str,
    /// Where the way back leads.
    back: String,
    /// Its number among how many.
    number: Option<String>,
    /// The label of the only question is the title.
    alone: bool,
    /// Questions as HTML.
    parts: Vec<String>,
    notes: Vec<Note>,
    /// Something is kept that can be thrown away.
    kept: bool,
}

/// A remark under the questions: one that tells or, `warn`, one that asks to think again.
struct Note {
    warn: bool,
    title: String,
    words: Vec<String>,
}

/// The page of a step.
pub(super) fn page(
    app: &App,
    frame: &Frame,
    status: StatusCode,
    step: Step,
    form: Form,
) -> Result<HttpResponse, Problem> {
    let (parts, notes) = match step {
        Step::What => (what(&form), Vec::new()),
        Step::Sector => sector(app, &form),
        Step::Who => (who(&form), Vec::new()),
        Step::Where => (vec![places::county(app, &form, "place")], Vec::new()),
        Step::Town => town(app, &form),
        Step::Wish => (wish(&form), Vec::new()),
        Step::Reach => (reach(&form), Vec::new()),
        Step::Check => (Vec::new(), Vec::new()),
    };
    let number = step.number(&form.fields).map(|(own, all)| {
        frame.say("filing.step", &[("n", own.to_string().as_str()), ("all", all.to_string().as_str())])
    });
    let title = frame.coded("step_title", step.name());
    let back = step.before(&form.fields).map_or_else(|| "/".to_owned(), Step::path);
    let kept = form.fields.given("narrative").is_some();
    let alone = step == Step::What;
    let page = Page { f: frame, form: &form, step: step.name(), title, back, number, alone, parts, notes, kept };
    frame.answer(status, &page)
}

#[derive(Template)]
#[template(path = "filing/what.html")]
struct What<'a> {
    form: &'a Form,
}

fn html(part: &impl Template) -> String {
    part.render().unwrap_or_default()
}

fn what(form: &Form) -> Vec<String> {
    vec![html(&What { form })]
}

/// The model's candidates as cards, each with the person's own words that speak for it; then the two ways around them.
fn sector(app: &App, form: &Form) -> (Vec<String>, Vec<Note>) {
    let frame = &form.frame;
    let catalogue = app.catalogue();
    let narrative = form.fields.get("narrative");
    let found = app.model().classify(narrative, crate::classify::Hints::default());
    let sure = !found.abstained;
    let mut choices: Vec<Choice> = candidates(&found)
        .into_iter()
        .filter_map(|code| {
            let name = catalogue.sector(code)?.name.in_lang(frame.lang);
            let mut choice = Choice::new(code, name).hint(frame.coded("sector_about", code));
            choice.words = own_words(&found, code, narrative);
            Some(choice)
        })
        .collect();
    if let Some(first) = choices.first_mut().filter(|_| sure) {
        frame.t("filing.most_like").clone_into(&mut first.badge);
    }
    choices.push(Choice::new(OWN, frame.t("filing.choose_own")));
    choices.push(Choice::new(STAFF, frame.t("filing.let_staff")).hint(frame.t("filing.let_staff_about")));
    let all = catalogue.sectors.iter().map(|one| Choice::new(&*one.code, one.name.in_lang(frame.lang))).collect();
    let parts = vec![form.cards("sector", &choices), form.select("sector_own", &[(String::new(), all)], false)];
    (parts, sector_notes(frame, &found))
}

/// The sectors to suggest, best first.
fn candidates(found: &Classification) -> Vec<&str> {
    let others = found.alternatives.iter().filter(|other| other.confidence >= LEAST);
    std::iter::once(found.sector.as_str())
        .chain(others.map(|other| other.sector.as_str()))
        .filter(|code| *code != "other")
        .take(SUGGESTED)
        .collect()
}

/// Characters that join words: a term with one of them is a piece of a sentence, no word.
const JOINING: &str = "的了就也都还又再很着过我你他她它在是一二三四五六七八九十两几天个辆";

/// The words of the text that counted most for a sector. Those that stand in the text as they are only: the person must
/// know them again.
fn own_words(found: &Classification, sector: &str, narrative: &str) -> Vec<String> {
    let mut words: Vec<String> = Vec::new();
    let own = found.evidence.iter().filter(|one| one.sector == sector && one.weight > 0.0);
    let whole = |term: &str| term.chars().count() > 1 && !term.chars().any(|c| JOINING.contains(c));
    for one in own.filter(|one| whole(&one.term) && narrative.contains(&one.term)) {
        if !words.iter().any(|word| word.contains(&one.term) || one.term.contains(word.as_str())) {
            words.push(one.term.clone());
        }
    }
    words.truncate(WORDS);
    words
}

fn sector_notes(frame: &Frame, found: &Classification) -> Vec<Note> {
    let mut notes = Vec::new();
    if found.abstained {
        let words = vec![frame.t("filing.unsure_about").to_owned()];
        notes.push(Note { warn: false, title: frame.t("filing.unsure").to_owned(), words });
    }
    if let Some(to) = found.not_consumer.refer_to.as_ref().filter(|_| found.not_consumer.advised) {
        let words = vec![places::referral(frame, to), frame.t("filing.elsewhere_about").to_owned()];
        notes.push(Note { warn: true, title: frame.t("filing.elsewhere").to_owned(), words });
    }
    notes
}

fn who(form: &Form) -> Vec<String> {
    vec![
        form.line("respondent_name", "text"),
        form.line("platform_name", "text"),
        form.line("respondent_address", "text"),
        form.line("respondent_phone", "shop-tel"),
        form.line("respondent_uscc", "code"),
    ]
}

/// The towns of the county, and who will get it as things stand.
fn town(app: &App, form: &Form) -> (Vec<String>, Vec<Note>) {
    let towns = places::towns(app, form, "town", places::chosen(&form.fields, "place"));
    (vec![towns], receiver(app, &form.frame, &form.fields))
}

/// Who will get it, and what they promise.
fn receiver(app: &App, frame: &Frame, fields: &Fields) -> Vec<Note> {
    let Ok(submission) = answers::check(app, frame, fields) else { return Vec::new() };
    let Some(routing) = crate::intake::preview(app, &submission) else { return Vec::new() };
    let (title, words) = promise(app, frame, &routing, fields.get("settle_first") == "yes");
    vec![Note { warn: false, title, words }]
}

/// Who gets a filing and what they promise: the station when the person lets it help first, else the office.
pub(super) fn promise(app: &App, frame: &Frame, routing: &Routing, settle_first: bool) -> (String, Vec<String>) {
    let catalogue = app.catalogue();
    let rule = catalogue.rule(routing.regime, app.today());
    let length = |kind: ClockKind| {
        let length = rule.and_then(|rule| rule.clocks.get(&kind)).and_then(|clock| clock.length);
        length.map(|length| super::done::length(frame, length)).unwrap_or_default()
    };
    let office = routing.office.name.in_lang(frame.lang);
    let decision = if routing.line == "amr" { ClockKind::Accept } else { ClockKind::OtherDept };
    let mut words = Vec::new();
    let title = match routing.station.as_ref().filter(|_| settle_first) {
        Some(station) => {
            let (contact, end) = (length(ClockKind::StationContact), length(ClockKind::StationEnd));
            words.push(frame.say(
                "filing.station_promise",
                &[("contact", contact.as_str()), ("end", end.as_str()), ("office", office)],
            ));
            frame.say("filing.goes_to", &[("unit", station.name.in_lang(frame.lang))])
        }
        None => {
            words.push(frame.say("filing.office_promise", &[("length", &length(decision))]));
            if let Some(station) = &routing.station {
                let name = station.name.in_lang(frame.lang);
                words.push(frame.say("filing.station_near", &[("station", name)]));
            }
            frame.say("filing.goes_to", &[("unit", office)])
        }
    };
    if let Some(referral) = &routing.referred {
        words.push(if frame.lang == Lang::Zh { referral.zh.clone() } else { referral.en.clone() });
    }
    (title, words)
}

fn wish(form: &Form) -> Vec<String> {
    let frame = &form.frame;
    let demands: Vec<Choice> =
        Demand::ALL.iter().map(|demand| Choice::new(demand.code(), frame.coded("demand", demand.code()))).collect();
    let first = [
        Choice::new("yes", frame.t("filing.settle_yes")).hint(frame.t("filing.settle_yes_about")),
        Choice::new("no", frame.t("filing.settle_no")).hint(frame.t("filing.settle_no_about")),
    ];
    vec![
        form.checks("demands", &demands),
        form.line("amount", "money"),
        form.line("incident_date", "date"),
        form.cards("settle_first", &first),
    ]
}

fn reach(form: &Form) -> Vec<String> {
    let frame = &form.frame;
    let mut parts = Vec::new();
    if form.fields.get("kind") == "report" {
        let choice = Choice::new("yes", frame.t("filing.anonymous")).hint(frame.t("filing.anonymous_about"));
        parts.push(form.checks("anonymous", &[choice]));
    }
    parts.extend([
        form.line("name", "name"),
        form.line("phone", "tel"),
        form.line("email", "email"),
        form.line("address", "address"),
        form.line("platform_number", "text"),
    ]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::classify::{Alternative, Evidence, NotConsumer};

    fn found() -> Classification {
        let evidence = |term: &str, sector: &str, weight: f64| Evidence {
            term: term.to_owned(),
            sector: sector.to_owned(),
            weight,
        };
        let other = |sector: &str, confidence: f64| Alternative { sector: sector.to_owned(), confidence };
        Classification {
            sector: "courier".to_owned(),
            subsector: None,
            confidence: 0.9,
            abstained: false,
            alternatives: vec![other("other", 0.05), other("ecommerce", 0.04), other("price", 0.001)],
            evidence: vec![
                evidence("包裹", "courier", 2.0),
                evidence("包裹丢失", "courier", 1.5),
                evidence("丢", "courier", 1.0),
                evidence("失了，网", "courier", 0.8),
                evidence("体", "ecommerce", 1.0),
                evidence("快递员", "courier", 0.5),
                evidence("网店", "ecommerce", 0.5),
            ],
            not_consumer: NotConsumer { advised: false, score: 0.0, refer_to: None },
            problem: None,
            demands: Vec::new(),
            kind_hint: None,
            model: String::new(),
        }
    }

    #[test]
    fn a_suggestion_shows_words_that_the_person_wrote() {
        assert_eq!(own_words(&found(), "courier", "包裹丢失了，网店不管"), ["包裹"]);
        assert_eq!(own_words(&found(), "ecommerce", "包裹丢失了，网店不管"), ["网店"]);
    }

    #[test]
    fn sectors_that_are_hardly_likely_are_not_suggested() {
        assert_eq!(candidates(&found()), ["courier", "ecommerce"]);
    }
}

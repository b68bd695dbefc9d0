//! Which document a step owes, and what it says.

use crate::config::catalogue::{Catalogue, DocumentPart, Documents, Office};
use crate::document::{Page, day};
use crate::domain::case::Case;
use crate::domain::division::Level;
use crate::domain::hidden::hidden_debug;
use crate::domain::money::Money;
use crate::domain::vocabulary::{Action, ClockKind, DocumentKind, Kind, Lang, Outcome, State};
use jiff::civil::Date;
use minijinja::{Environment, UndefinedBehavior};
use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// The document that a step owes by law: the written form of a decision that it takes. `after` is the case after the step.
pub fn owed_by(action: Action, from: State, after: &Case) -> Option<DocumentKind> {
    match action {
        // Art 41
        Action::Dispatch | Action::Designate => Some(DocumentKind::Distribution),
        Action::RequestId => Some(DocumentKind::IdRequest),
        Action::Accept => Some(DocumentKind::Acceptance),
        Action::Refuse => Some(DocumentKind::Refusal),
        Action::StartMediation => Some(DocumentKind::MediationNotice),
        Action::Settle if after.outcome == Some(Outcome::Mediated) => Some(DocumentKind::MediationAgreement),
        // In law the parties' own settlement or a withdrawal ends mediation on the first ground of Art 23.
        Action::Settle | Action::Withdraw | Action::Terminate
            if from.is_accepted() && after.kind == Kind::Complaint =>
        {
            Some(DocumentKind::Termination)
        }
        Action::DecideFiling => Some(DocumentKind::ReportResult),
        _ => None,
    }
}

/// Whether a document may be issued on request, outside a step: forms of the case itself, and the distribution of a case that
/// was dispatched when it was filed.
pub const fn serves(kind: DocumentKind, case: Kind) -> bool {
    match kind {
        DocumentKind::ComplaintRegistration => matches!(case, Kind::Complaint),
        DocumentKind::ReportRegistration => matches!(case, Kind::Report),
        DocumentKind::Distribution => true,
        _ => false,
    }
}

/// A party as a document names it.
#[derive(Clone, Default)]
pub struct Person {
    /// Name.
    pub name: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Identity document: kind and number.
    pub id: Option<String>,
}

hidden_debug!(Person);

/// What a document says of a case.
pub struct Matter<'a> {
    /// The case after the step.
    pub case: &'a Case,
    /// Who complained or reported.
    pub complainant: Person,
    /// Against whom.
    pub respondent: Person,
    /// What happened, in the person's words.
    pub narrative: &'a str,
    /// Fields of the step, coded ones and what people wrote.
    pub fields: &'a Map<String, Value>,
    /// Day of issue.
    pub on: Date,
}

hidden_debug!(Matter<'_>);

/// The number of a document, from the place in its series.
///
/// # Errors
/// When the catalogue's template fails, which its check at start rules out.
pub fn number(
    catalogue: &Catalogue,
    office: &Office,
    kind: DocumentKind,
    year: i16,
    serial: i64,
) -> Result<String, minijinja::Error> {
    let documents = &catalogue.documents;
    let series = documents.templates.get(&kind).map_or("", |template| template.series.as_str());
    let values = BTreeMap::from([
        ("word", word(catalogue, documents, office)),
        ("series", series.to_owned()),
        ("year", year.to_string()),
        ("serial", serial.to_string()),
    ]);
    environment().render_str(&documents.number, values)
}

/// The short name of an office: its place and its department, e.g. `江宁市监`.
fn word(catalogue: &Catalogue, documents: &Documents, office: &Office) -> String {
    let line = catalogue.departments.get(&office.department).map(|department| department.line.as_str());
    let Some(department) = line.and_then(|line| documents.words.get(line)) else { return office.name.zh.clone() };
    let place = if office.division.level() == Level::Province {
        documents.province_word.clone()
    } else {
        catalogue.places.get(office.division).map(|place| short(&place.name).to_owned()).unwrap_or_default()
    };
    format!("{place}{department}")
}

/// A place's name without 市、区、县 and the like, where enough is left of it.
fn short(name: &str) -> &str {
    name.strip_suffix(['市', '区', '县']).filter(|rest| rest.chars().count() >= 2).unwrap_or(name)
}

fn environment() -> Environment<'static> {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment
}

/// Writes a document.
///
/// # Errors
/// When the catalogue's template fails, which its check at start rules out.
pub fn compose(
    catalogue: &Catalogue,
    office: &Office,
    kind: DocumentKind,
    number: String,
    matter: &Matter<'_>,
) -> Result<Page, minijinja::Error> {
    let values = values(catalogue, office, kind, matter);
    let environment = environment();
    let mut blocks = Vec::new();
    let template = catalogue.documents.templates.get(&kind);
    for part in template.map(|template| template.parts.as_slice()).unwrap_or_default() {
        let fill = |text: &str| environment.render_str(text, &values).map(|filled| filled.trim().to_owned());
        let filled = match part {
            DocumentPart::Paragraph { indent, text } => DocumentPart::Paragraph { indent: *indent, text: fill(text)? },
            DocumentPart::Row { label, value } => DocumentPart::Row { label: label.clone(), value: fill(value)? },
            same @ (DocumentPart::Seal | DocumentPart::Signatures { .. }) => same.clone(),
        };
        // A paragraph that says nothing in this case is left out; a row stays, empty.
        if !matches!(&filled, DocumentPart::Paragraph { text, .. } if text.is_empty()) {
            blocks.push(filled);
        }
    }
    Ok(Page {
        kind,
        title: template.map(|template| template.title.clone()).unwrap_or_default(),
        number,
        office: office.name.zh.clone(),
        on: matter.on,
        blocks,
    })
}

/// Every name that a document knows, with its value; empty where there is none.
fn values(
    catalogue: &Catalogue,
    office: &Office,
    kind: DocumentKind,
    matter: &Matter<'_>,
) -> BTreeMap<&'static str, String> {
    let case = matter.case;
    let field = |name: &str| text(matter.fields.get(name));
    let rule = catalogue.rule_by_id(&case.rule);
    let ground = case.ground.as_deref().and_then(|code| rule?.ground(code));
    let limit = |clock: ClockKind| rule.and_then(|rule| rule.clocks.get(&clock)).map(|limit| limit.article.clone());
    let article = match kind {
        DocumentKind::IdRequest => limit(ClockKind::IdProof),
        DocumentKind::Acceptance => rule.and_then(|rule| rule.decision.get(&case.kind)).and_then(|clock| limit(*clock)),
        DocumentKind::Refusal | DocumentKind::Termination => ground.map(|ground| ground.article.clone()),
        _ => None,
    };
    let due = |kind: ClockKind| {
        case.clocks.iter().find(|clock| clock.kind == kind && clock.is_running()).map(|clock| day(clock.due))
    };
    let word = |section: &str, code: &str| catalogue.words.in_document(section, code).to_owned();
    let yuan = |amount: Money| format!("{amount}{}", word("document", "yuan"));
    let yes = |given: bool| word("document", if given { "consents" } else { "declines" });
    let date = |name: &str| field(name).parse().map(day).unwrap_or_default();
    let complainant =
        if case.anonymous { Some(word("document", "anonymous")) } else { matter.complainant.name.clone() };
    let demands: Vec<String> = case.demands.iter().map(|demand| word("demand", demand.code())).collect();
    let known = [
        ("office", office.name.zh.clone()),
        ("reference", case.reference.to_string()),
        ("kind", word("document", case.kind.code())),
        ("received_on", day(case.received_on)),
        ("complainant", complainant.unwrap_or_else(|| word("document", "the_person"))),
        ("complainant_phone", matter.complainant.phone.clone().unwrap_or_default()),
        ("complainant_id", matter.complainant.id.clone().unwrap_or_default()),
        ("complainant_address", matter.complainant.address.clone().unwrap_or_default()),
        ("respondent", matter.respondent.name.clone().unwrap_or_else(|| word("document", "the_merchant"))),
        ("respondent_address", matter.respondent.address.clone().unwrap_or_default()),
        ("respondent_phone", matter.respondent.phone.clone().unwrap_or_default()),
        ("law", rule.map(|rule| format!("《{}》", bare(&rule.name.zh))).unwrap_or_default()),
        ("article", article.unwrap_or_default()),
        ("sector", catalogue.sector(&case.sector).map(|one| one.name.zh.clone()).unwrap_or_default()),
        ("demands", if demands.is_empty() { word("document", "no_demand") } else { demands.join("、") }),
        ("amount", case.amount.map(yuan).unwrap_or_default()),
        ("reason", field("reason")),
        ("narrative", matter.narrative.to_owned()),
        ("publish_consent", yes(case.publish_consent)),
        ("entrust_consent", yes(case.entrust_consent)),
        ("report_back", case.milestones.decision_due.map(day).unwrap_or_default()),
        ("deadline", date("deadline")),
        ("mediate_due", due(ClockKind::Mediate).unwrap_or_default()),
        ("ground", ground.map(|ground| ground.name.in_lang(Lang::Zh).to_owned()).unwrap_or_default()),
        ("other_routes", field("other_routes")),
        ("time", field("time")),
        ("place", field("place")),
        ("mediators", field("mediators")),
        ("accepted_on", case.milestones.accepted.map(day).unwrap_or_default()),
        ("agreed", case.recovered.map(yuan).unwrap_or_default()),
        ("performance_date", date("performance_date")),
        ("record", field("record")),
        ("decision", word("document", if case.state == State::Filed { "filed" } else { "not_filed" })),
    ];
    BTreeMap::from(known)
}

/// The name of a law without what is said of it in brackets.
fn bare(name: &str) -> &str {
    name.split('（').next().unwrap_or(name)
}

fn text(value: Option<&Value>) -> String {
    match value {
        Some(Value::String(text)) => text.clone(),
        Some(Value::Null) | None => String::new(),
        Some(other) => other.to_string(),
    }
}

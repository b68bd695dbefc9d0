//! The wording of documents: read, and checked against the names that each kind of document knows and must use.

use super::catalogue::{DocumentPart, DocumentTemplate, Documents};
use super::departments::Departments;
use super::error::Faults;
use super::node::{Node, read_toml};
use super::source::Source;
use crate::domain::vocabulary::{DocumentKind, PartyRole};
use minijinja::Environment;
use std::collections::BTreeSet;

const FILE: &str = "documents.toml";

/// Names that a number is made of.
const NUMBER: &[&str] = &["word", "series", "year", "serial"];

/// Names that every document knows.
const COMMON: &[&str] = &[
    "office",
    "reference",
    "kind",
    "received_on",
    "complainant",
    "respondent",
    "law",
    "article",
    "sector",
    "demands",
    "amount",
    "reason",
];

/// Names that only this kind knows, and names without which it wouldn't say what the law asks of it.
const fn names(kind: DocumentKind) -> (&'static [&'static str], &'static [&'static str]) {
    match kind {
        DocumentKind::ComplaintRegistration => (
            &[
                "complainant_phone",
                "complainant_id",
                "complainant_address",
                "respondent_address",
                "respondent_phone",
                "narrative",
                "publish_consent",
                "entrust_consent",
            ],
            // Order 121 Art 10
            &["complainant", "complainant_phone", "complainant_address", "respondent", "narrative", "demands"],
        ),
        DocumentKind::ReportRegistration => (
            &[
                "complainant_phone",
                "complainant_id",
                "complainant_address",
                "respondent_address",
                "respondent_phone",
                "narrative",
            ],
            &["respondent", "narrative"],
        ),
        DocumentKind::Distribution => (&["report_back"], &["reference"]),
        // Art 10
        DocumentKind::IdRequest => (&["deadline"], &["deadline"]),
        DocumentKind::Acceptance => (&["mediate_due"], &["reference"]),
        // Art 15, 消保法 Art 39
        DocumentKind::Refusal => (&["ground", "other_routes"], &["ground", "reason", "other_routes"]),
        // Art 20
        DocumentKind::MediationNotice => (&["time", "place", "mediators"], &["time", "place", "mediators"]),
        // Art 23
        DocumentKind::Termination => (&["ground", "accepted_on"], &["ground"]),
        // Art 24
        DocumentKind::MediationAgreement => {
            (&["agreed", "performance_date", "record"], &["agreed", "performance_date"])
        }
        DocumentKind::ReportResult => (&["decision"], &["decision", "reason"]),
    }
}

/// Reads the file.
pub(super) fn load(source: &Source, departments: &Departments, faults: &mut Faults) -> Documents {
    let Some(table) = read_toml(source, FILE, faults) else { return Documents::default() };
    let label = source.label(FILE);
    let root = Node::root(&label, &table);
    root.only(&["number", "province_word", "words", "document"], faults);
    let mut documents = Documents {
        number: root.text("number", faults).unwrap_or_default().to_owned(),
        province_word: root.text("province_word", faults).unwrap_or_default().to_owned(),
        ..Documents::default()
    };
    let used = check(&root, "number", &documents.number, NUMBER, faults);
    missing(&root, "number", &used, &["word", "series", "year", "serial"], faults);
    if let Some(words) = root.child("words", faults) {
        let lines: BTreeSet<&str> = departments.by_code.values().map(|department| department.line.as_str()).collect();
        for line in words.keys() {
            // With a broken file of departments every line would be unknown: a fault told twice.
            if !lines.is_empty() && !lines.contains(line) {
                faults.push(words.fault(line, None, "no department has this line"));
            }
            let word = words.text(line, faults).unwrap_or_default();
            documents.words.insert(line.to_owned(), word.to_owned());
        }
    }
    for (key, node) in root.children("document", faults) {
        match DocumentKind::parse(key) {
            Ok(kind) => documents.templates.extend(template(kind, &node, faults).map(|template| (kind, template))),
            Err(invalid) => {
                faults.push(node.fault("", None, "unknown kind").allowed(invalid.allowed.unwrap_or_default()));
            }
        }
    }
    for kind in DocumentKind::ALL {
        if root.child("document", faults).is_none_or(|all| !all.keys().any(|key| key == kind.code())) {
            faults.push(root.fault(&format!("document.{kind}"), None, "is missing"));
        }
    }
    documents
}

fn template(kind: DocumentKind, node: &Node<'_>, faults: &mut Faults) -> Option<DocumentTemplate> {
    node.only(&["title", "series", "to", "text"], faults);
    let (title, series) = (node.text("title", faults), node.text("series", faults));
    let mut to = Vec::new();
    for word in node.texts("to", faults) {
        match word {
            "office" => {}
            "complainant" => to.push(PartyRole::Complainant),
            "respondent" => to.push(PartyRole::Respondent),
            other => {
                faults.push(node.fault("to", Some(other), "unknown").allowed("complainant, respondent, office"));
            }
        }
    }
    let text = node.text("text", faults)?;
    let parts: Vec<DocumentPart> = text.lines().map(str::trim).filter(|line| !line.is_empty()).map(part).collect();
    let (own, needed) = names(kind);
    let known: Vec<&str> = COMMON.iter().chain(own).copied().collect();
    let mut used = BTreeSet::new();
    for part in &parts {
        match part {
            DocumentPart::Paragraph { text, .. } => used.extend(check(node, "text", text, &known, faults)),
            DocumentPart::Row { value, .. } => used.extend(check(node, "text", value, &known, faults)),
            DocumentPart::Seal | DocumentPart::Signatures { .. } => {}
        }
    }
    missing(node, "text", &used, needed, faults);
    Some(DocumentTemplate { title: title?.to_owned(), series: series?.to_owned(), to, parts })
}

fn part(text: &str) -> DocumentPart {
    if text == "@seal" {
        return DocumentPart::Seal;
    }
    if let Some(who) = text.strip_prefix("@sign ") {
        return DocumentPart::Signatures { who: who.split('|').map(|one| one.trim().to_owned()).collect() };
    }
    if let Some((label, value)) = text.strip_prefix('|').and_then(|row| row.split_once('|')) {
        return DocumentPart::Row { label: label.trim().to_owned(), value: value.trim().to_owned() };
    }
    let addressed = text.strip_prefix('>');
    DocumentPart::Paragraph { indent: addressed.is_none(), text: addressed.unwrap_or(text).trim().to_owned() }
}

/// The names that a template uses; notes those that it may not, and a template that can't be read.
fn check(node: &Node<'_>, key: &str, text: &str, known: &[&str], faults: &mut Faults) -> BTreeSet<String> {
    let environment = Environment::new();
    match environment.template_from_str(text) {
        Ok(template) => {
            let used = template.undeclared_variables(false);
            for name in used.iter().filter(|name| !known.contains(&name.as_str())) {
                faults.push(node.fault(key, Some(name), "unknown name").allowed(known.join(", ")));
            }
            used.into_iter().collect()
        }
        Err(error) => {
            faults.push(node.fault(key, Some(text), format!("can't be read: {error}")));
            BTreeSet::new()
        }
    }
}

fn missing(node: &Node<'_>, key: &str, used: &BTreeSet<String>, needed: &[&str], faults: &mut Faults) {
    for name in needed.iter().filter(|name| !used.contains(**name)) {
        faults.push(node.fault(key, None, format!("doesn't use {{{{ {name} }}}}, which must stand there")));
    }
}

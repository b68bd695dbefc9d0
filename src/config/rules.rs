//! Procedures by day of receipt: clocks, grounds, and the versions that follow each other without gap.

use super::catalogue::{ClockRule, Ground, Name, Rule, Unit};
use super::error::{ConfigError, Faults};
use super::node::{Node, read_toml};
use super::source::Source;
use crate::domain::vocabulary::{ClockKind, Kind, Regime};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use std::collections::BTreeMap;

/// First day of receipt that this service takes; from here on every regime must be covered.
const FIRST_DAY: Date = date(2020, 1, 1);

/// Every rule of every file in `rules/`.
pub(super) fn load(source: &Source, faults: &mut Faults) -> Vec<Rule> {
    let mut rules: Vec<Rule> = Vec::new();
    let before = faults.len();
    for file in source.list("rules", "toml") {
        let Some(table) = read_toml(source, &file, faults) else { continue };
        let label = source.label(&file);
        let root = Node::root(&label, &table);
        root.only(&["rule"], faults);
        for node in root.list("rule", faults) {
            let Some(rule) = rule(&node, faults) else { continue };
            if rules.iter().any(|earlier| earlier.id == rule.id) {
                faults.push(node.fault("id", Some(&rule.id), "stands there twice"));
            }
            rules.push(rule);
        }
    }
    rules.sort_by_key(|rule| (rule.regime, rule.from));
    // With a version left out for its own faults, the gap that it leaves would be a fault told twice.
    if faults.len() == before {
        for regime in Regime::ALL {
            check_cover(*regime, &rules, faults);
        }
    }
    rules
}

fn check_cover(regime: Regime, rules: &[Rule], faults: &mut Faults) {
    let mut fault = |detail: String| {
        let fault = ConfigError::at("config/rules", None, "regime", Some(regime.code()), detail);
        faults.push(fault.allowed(format!("one version for every day of receipt from {FIRST_DAY} on")));
    };
    let versions: Vec<&Rule> = rules.iter().filter(|rule| rule.regime == regime).collect();
    let Some(first) = versions.first() else { return fault("no version".to_owned()) };
    if first.from > FIRST_DAY {
        fault(format!("a gap before {}, which begins on {}", first.id, first.from));
    }
    for pair in versions.windows(2) {
        let [earlier, later] = pair else { continue };
        match earlier.until.and_then(|until| until.checked_add(1.day()).ok()) {
            Some(next) if next < later.from => fault(format!("a gap between {} and {}", earlier.id, later.id)),
            Some(next) if next == later.from => {}
            _ => fault(format!("{} and {} hold on the same days", earlier.id, later.id)),
        }
    }
    if let Some(last) = versions.last()
        && let Some(until) = last.until
    {
        fault(format!("no version after {}, which ends on {until}", last.id));
    }
}

fn rule(node: &Node<'_>, faults: &mut Faults) -> Option<Rule> {
    let keys = [
        "id",
        "zh",
        "en",
        "regime",
        "from",
        "until",
        "source",
        "confidence",
        "decision",
        "clocks",
        "refusal",
        "termination",
        "other_routes",
    ];
    node.only(&keys, faults);
    let id = node.text("id", faults);
    let name = read_name(node, faults);
    let regime =
        node.text("regime", faults).and_then(|text| vocabulary(node, "regime", text, Regime::parse(text), faults));
    node.text("from", faults);
    let (from, until) = (node.date("from", faults), node.date("until", faults));
    if let (Some(from), Some(until)) = (from, until)
        && from > until
    {
        faults.push(node.fault("until", Some(&until.to_string()), "lies before `from`"));
    }
    node.text("source", faults);
    node.confidence(faults);
    let clocks = clocks(node, faults);
    let decision = decision(node, &clocks, faults);
    let refusal = grounds(node, "refusal", faults);
    let termination = grounds(node, "termination", faults);
    let other_routes: Vec<Name> = node
        .list("other_routes", faults)
        .iter()
        .filter_map(|route| {
            route.only(&["zh", "en"], faults);
            read_name(route, faults)
        })
        .collect();
    if other_routes.is_empty() {
        faults.push(node.fault("other_routes", None, "none: a refusal must name them"));
    }
    Some(Rule {
        id: id?.to_owned(),
        name: name?,
        regime: regime?,
        from: from?,
        until,
        clocks,
        decision,
        refusal,
        termination,
        other_routes,
    })
}

fn read_name(node: &Node<'_>, faults: &mut Faults) -> Option<Name> {
    let (zh, en) = (node.text("zh", faults), node.text("en", faults));
    Some(Name { zh: zh?.to_owned(), en: en?.to_owned() })
}

/// A word of a closed vocabulary, or its fault.
fn vocabulary<T>(
    node: &Node<'_>,
    key: &str,
    text: &str,
    parsed: Result<T, crate::domain::problem::Invalid>,
    faults: &mut Faults,
) -> Option<T> {
    parsed
        .map_err(|invalid| {
            faults.push(node.fault(key, Some(text), "unknown").allowed(invalid.allowed.unwrap_or_default()));
        })
        .ok()
}

fn clocks(node: &Node<'_>, faults: &mut Faults) -> BTreeMap<ClockKind, ClockRule> {
    let before = faults.len();
    let mut clocks = BTreeMap::new();
    for (key, child) in node.children("clocks", faults) {
        let kind = vocabulary(&child, "", key, ClockKind::parse(key), faults);
        if let (Some(kind), Some(clock)) = (kind, clock(&child, faults)) {
            clocks.insert(kind, clock);
        }
    }
    if faults.len() == before {
        for kind in ClockKind::ALL.iter().filter(|kind| !clocks.contains_key(kind)) {
            faults.push(node.fault("clocks", Some(kind.code()), "is missing"));
        }
    }
    clocks
}

fn clock(node: &Node<'_>, faults: &mut Faults) -> Option<ClockRule> {
    node.only(&["length", "extension", "pauses_for_testing", "cap", "article"], faults);
    let text = node.text("length", faults);
    let length = match text {
        Some("set_by_person") => None,
        Some(text) => Some(length(node, "length", text, faults)?),
        None => None,
    };
    let extension = node.optional("extension", faults).and_then(|text| self::length(node, "extension", text, faults));
    let cap = node.child("cap", faults).and_then(|cap| {
        cap.only(&["length", "from", "article"], faults);
        cap.text("article", faults);
        cap.text("from", faults);
        let (length, from) = (cap.text("length", faults), cap.date("from", faults));
        let (length, unit) = self::length(&cap, "length", length?, faults)?;
        Some((length, unit, from?))
    });
    let pauses_for_testing = node.flag("pauses_for_testing", faults);
    let article = node.text("article", faults);
    text?;
    Some(ClockRule { length, extension, pauses_for_testing, cap, article: article?.to_owned() })
}

/// `7 working_days` or `60 days`.
fn length(node: &Node<'_>, key: &str, text: &str, faults: &mut Faults) -> Option<(u16, Unit)> {
    let read = text.split_once(' ').and_then(|(number, unit)| {
        let number = number.parse::<u16>().ok().filter(|number| (1..=3660).contains(number))?;
        match unit {
            "working_days" => Some((number, Unit::WorkingDays)),
            "days" => Some((number, Unit::Days)),
            _ => None,
        }
    });
    if read.is_none() {
        let allowed = "\"<n> working_days\" or \"<n> days\" with n from 1 to 3660; as length also \"set_by_person\"";
        faults.push(node.fault(key, Some(text), "not a length of time").allowed(allowed));
    }
    read
}

fn decision(
    node: &Node<'_>,
    clocks: &BTreeMap<ClockKind, ClockRule>,
    faults: &mut Faults,
) -> BTreeMap<Kind, ClockKind> {
    let mut decision = BTreeMap::new();
    let Some(table) = node.child("decision", faults) else {
        faults.push(node.fault("decision", None, "is missing"));
        return decision;
    };
    table.only(&["complaint", "report"], faults);
    for kind in Kind::ALL {
        let Some(text) = table.text(kind.code(), faults) else { continue };
        let Some(clock) = vocabulary(&table, kind.code(), text, ClockKind::parse(text), faults) else { continue };
        if clocks.get(&clock).is_some_and(|rule| rule.length.is_none()) {
            faults.push(table.fault(kind.code(), Some(text), "has no length of its own"));
        }
        decision.insert(*kind, clock);
    }
    decision
}

fn grounds(node: &Node<'_>, key: &str, faults: &mut Faults) -> Vec<Ground> {
    let mut grounds: Vec<Ground> = Vec::new();
    for child in node.list(key, faults) {
        child.only(&["code", "zh", "en", "article"], faults);
        let (code, article) = (child.text("code", faults), child.text("article", faults));
        let (Some(name), Some(code), Some(article)) = (read_name(&child, faults), code, article) else { continue };
        if grounds.iter().any(|earlier| earlier.code == code) {
            faults.push(child.fault("code", Some(code), "stands there twice"));
        }
        grounds.push(Ground { code: code.to_owned(), name, article: article.to_owned() });
    }
    if grounds.is_empty() {
        faults.push(node.fault(key, None, "no ground"));
    }
    grounds
}

//! Lines of government, and who took over from whom.

use super::catalogue::{Department, Name, Succession};
use super::error::{Codes, ConfigError, Faults};
use super::source::Source;
use super::table::{Row, Table};
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::Regime;
use jiff::ToSpan;
use std::collections::{BTreeMap, BTreeSet};

/// How the offices of a department are made; see `config/README.md`.
#[derive(Debug)]
pub(super) struct Pattern {
    /// Code of the department.
    pub(super) department: String,
    /// Whether functional zones have an office too.
    pub(super) zones: bool,
    /// Places without one.
    pub(super) not_in: BTreeSet<Division>,
    /// Names of local offices, with `{place}`, `{short}`, `{above}`.
    pub(super) local: Name,
}

/// What `departments.csv` and `successions.csv` say.
#[derive(Debug)]
pub(super) struct Departments {
    pub(super) by_code: BTreeMap<String, Department>,
    pub(super) patterns: Vec<Pattern>,
    pub(super) codes: Codes,
    pub(super) successions: Vec<Succession>,
}

const COLUMNS: [&str; 15] = [
    "code",
    "line",
    "zh",
    "en",
    "from",
    "until",
    "enforces",
    "levels",
    "zones",
    "not_in",
    "local_zh",
    "local_en",
    "regime",
    "source",
    "confidence",
];

/// Departments and successions, checked against each other.
pub(super) fn load(source: &Source, places: &Codes, faults: &mut Faults) -> Departments {
    let table = Table::read(source, "departments.csv", &COLUMNS, faults);
    let mut codes = Codes::new("departments.csv", table.usable);
    let mut lines = Codes::new("departments.csv", table.usable);
    let mut by_code = BTreeMap::new();
    let mut patterns = Vec::new();
    let mut rows = BTreeMap::new();
    for row in table.rows() {
        let code = row.new_code("code", &mut codes, faults);
        let line = row.new_code("line", &mut lines, faults);
        let Some((department, pattern)) = department(row, code, line, places, faults) else { continue };
        rows.insert(department.code.clone(), row);
        by_code.insert(department.code.clone(), department);
        patterns.push(pattern);
    }
    let successions = load_successions(source, &by_code, &codes, faults);
    // A department that ended with no one to take over would swallow the cases that are routed to it.
    for (code, department) in by_code.iter().filter(|(_, department)| department.until.is_some()) {
        if !successions.iter().any(|succession| succession.predecessor == *code)
            && let Some(row) = rows.get(code)
        {
            let until = department.until.map(|day| day.to_string());
            faults.push(row.fault(
                "until",
                until.as_deref(),
                format!("{code} ended, and successions.csv has no row for it"),
            ));
        }
    }
    Departments { by_code, patterns, codes, successions }
}

fn department(
    row: Row<'_>,
    code: Option<&str>,
    line: Option<&str>,
    places: &Codes,
    faults: &mut Faults,
) -> Option<(Department, Pattern)> {
    let (zh, en) = (row.required("zh", faults), row.required("en", faults));
    let (from, until) = row.span(faults);
    let enforces = row.flag("enforces", faults);
    let zones = row.flag("zones", faults);
    let regime =
        row.parse_required("regime", "market_regulation, other_departments", |cell| Regime::parse(cell).ok(), faults);
    row.confidence(faults);
    let levels = levels(row, faults);
    if zones && !levels.contains(&Level::County) {
        faults.push(row.fault("zones", Some("true"), "only with the level county"));
    }
    let not_in = not_in(row, places, faults);
    let local = local_names(row, !levels.is_empty(), faults);
    let (code, line) = (code?, line?);
    if code.strip_suffix(line).is_none_or(|place| !place.ends_with('-') || place.len() < 2) {
        faults.push(
            row.fault("line", Some(line), "not the end of the code")
                .allowed(format!("x, where {code} is <province>-x")),
        );
    }
    let department = Department {
        code: code.to_owned(),
        line: line.to_owned(),
        name: Name { zh: zh?.to_owned(), en: en?.to_owned() },
        from,
        until,
        enforces,
        levels,
        regime: regime?,
    };
    Some((department, Pattern { department: code.to_owned(), zones, not_in, local }))
}

fn levels(row: Row<'_>, faults: &mut Faults) -> Vec<Level> {
    let mut levels = Vec::new();
    for entry in row.list("levels") {
        match entry {
            "city" => levels.push(Level::City),
            "county" => levels.push(Level::County),
            other => faults.push(row.fault("levels", Some(other), "unknown").allowed("city, county")),
        }
    }
    levels
}

fn not_in(row: Row<'_>, places: &Codes, faults: &mut Faults) -> BTreeSet<Division> {
    let mut divisions = BTreeSet::new();
    for entry in row.list("not_in") {
        row.known("not_in", entry, places, faults);
        divisions.extend(Division::parse(entry).ok());
    }
    divisions
}

fn local_names(row: Row<'_>, needed: bool, faults: &mut Faults) -> Name {
    let mut read = |column: &str| {
        let pattern = if needed { row.required(column, faults) } else { row.optional(column) }.unwrap_or_default();
        let rest =
            ["{place}", "{short}", "{above}"].iter().fold(pattern.to_owned(), |rest, hole| rest.replace(hole, ""));
        if rest.contains(['{', '}']) {
            faults.push(row.fault(column, Some(pattern), "unknown placeholder").allowed("{place}, {short}, {above}"));
        } else if needed && !pattern.is_empty() && !pattern.contains("{place}") && !pattern.contains("{short}") {
            faults.push(
                row.fault(column, Some(pattern), "every office would have the same name")
                    .allowed("{place} or {short} in it"),
            );
        }
        pattern.to_owned()
    };
    Name { zh: read("local_zh"), en: read("local_en") }
}

fn load_successions(
    source: &Source,
    departments: &BTreeMap<String, Department>,
    codes: &Codes,
    faults: &mut Faults,
) -> Vec<Succession> {
    let columns = ["predecessor", "successor", "from", "estimate", "scope", "main", "why", "confidence"];
    let table = Table::read(source, "successions.csv", &columns, faults);
    let mut successions = Vec::new();
    for row in table.rows() {
        let predecessor = row.required("predecessor", faults);
        let successor = row.required("successor", faults);
        for (column, code) in [("predecessor", predecessor), ("successor", successor)] {
            if let Some(code) = code {
                row.known(column, code, codes, faults);
            }
        }
        row.required("from", faults);
        let from = row.date("from", faults);
        let (estimate, main) = (row.flag("estimate", faults), row.flag("main", faults));
        let scope = row.required("scope", faults);
        row.required("why", faults);
        row.confidence(faults);
        let (Some(predecessor), Some(successor), Some(from), Some(scope)) = (predecessor, successor, from, scope)
        else {
            continue;
        };
        let succession = Succession {
            predecessor: predecessor.to_owned(),
            successor: successor.to_owned(),
            from,
            estimate,
            scope: scope.to_owned(),
            main,
        };
        check_days(row, &succession, departments, faults);
        successions.push(succession);
    }
    check_main(&table, &successions, faults);
    check_cycles(&table, &successions, faults);
    successions
}

/// On the day of a succession the successor exists, and the predecessor has ended or ends no earlier than the day before.
fn check_days(row: Row<'_>, succession: &Succession, departments: &BTreeMap<String, Department>, faults: &mut Faults) {
    let day = succession.from.to_string();
    if let Some(successor) = departments.get(&succession.successor)
        && !super::catalogue::in_force(successor.from, successor.until, succession.from)
    {
        faults.push(row.fault("from", Some(&day), format!("{} doesn't exist on that day", successor.code)));
    }
    let Some(predecessor) = departments.get(&succession.predecessor) else { return };
    match predecessor.until {
        None => faults.push(row.fault("predecessor", Some(&predecessor.code), "has no last day in departments.csv")),
        Some(until) if until.checked_add(1.day()).is_ok_and(|next| next < succession.from) => {
            faults.push(row.fault("from", Some(&day), format!("a gap: {} ended on {until}", predecessor.code)));
        }
        Some(_) => {}
    }
}

fn check_main(table: &Table, successions: &[Succession], faults: &mut Faults) {
    let predecessors: BTreeSet<&str> = successions.iter().map(|succession| succession.predecessor.as_str()).collect();
    for code in predecessors {
        let main = successions.iter().filter(|succession| succession.predecessor == code && succession.main).count();
        if main != 1 {
            let detail = format!("{main} rows with main = true");
            faults.push(ConfigError::at(table.label(), None, "predecessor", Some(code), detail).allowed("exactly one"));
        }
    }
}

fn check_cycles(table: &Table, successions: &[Succession], faults: &mut Faults) {
    let starts: BTreeSet<&str> = successions.iter().map(|succession| succession.predecessor.as_str()).collect();
    for start in starts {
        let mut reached = BTreeSet::new();
        let mut open = vec![start];
        while let Some(code) = open.pop() {
            for succession in successions.iter().filter(|succession| succession.predecessor == code) {
                if reached.insert(succession.successor.as_str()) {
                    open.push(&succession.successor);
                }
            }
        }
        if reached.contains(start) {
            faults.push(ConfigError::at(
                table.label(),
                None,
                "predecessor",
                Some(start),
                "succeeds itself in a circle",
            ));
        }
    }
}

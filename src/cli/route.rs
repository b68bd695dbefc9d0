//! Asks the routing without filing anything, and looks for holes in its data.

use super::output::{FOUND, Failure, OK, Outcome};
use crate::ambient;
use crate::classify::{Hints, Model};
use crate::config::catalogue::Catalogue;
use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::party::{RawRespondent, optional};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::{Kind, Lang};
use crate::route::{self, Question, RespondentPlace, Router, Routing, Severity};
use jiff::civil::Date;
use serde::Deserialize;
use serde_json::{Value, json};
use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

/// A question as a line of the file has it.
#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
struct Asked {
    text: Option<String>,
    sector: Option<String>,
    respondent: Option<RawRespondent>,
    division: Option<String>,
    kind: Option<String>,
    on: Option<String>,
}

hidden_debug!(Asked);

/// Routes each line of a file; exit code 1 when a line can't be read.
pub(super) fn simulate(file: &Path, catalogue: Catalogue, model: &Model, today: Date) -> Result<Outcome, Failure> {
    let content = super::read_input(file)?;
    let router = Router::new(Arc::new(catalogue));
    let mut answers = Vec::new();
    let mut lines = Vec::new();
    let mut wrong = false;
    for (number, line) in (1_u64..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        match ask(line, &router, model, today) {
            Ok((question, routing)) => {
                lines.extend(table(number, &question, &routing));
                let mut answer = routing.to_json(Lang::Zh);
                answer["line"] = json!(number);
                answer["sector"] = json!(question.sector);
                answer["on"] = json!(question.on);
                answers.push(answer);
            }
            Err(faults) => {
                wrong = true;
                lines.extend(faults.0.iter().map(|fault| format!("{number}: {} {}", fault.pointer, fault.fault)));
                answers.push(json!({"line": number, "errors": faults.0}));
            }
        }
    }
    Ok(Outcome { code: if wrong { FOUND } else { OK }, result: Value::Array(answers), lines, notes: Vec::new() })
}

fn ask(line: &str, router: &Router, model: &Model, today: Date) -> Result<(Question, Routing), Problems> {
    let mut faults = Problems::default();
    let asked: Asked = match serde_json::from_str(line) {
        Ok(asked) => asked,
        Err(error) => {
            faults.at("", Invalid::new("json", format!("can't be read: {error}")));
            return Err(faults);
        }
    };
    let kind = optional("/kind", asked.kind.as_deref(), Kind::parse, &mut faults);
    let place = optional("/division", asked.division.as_deref(), Division::parse, &mut faults);
    let day = |value: &str| value.parse().map_err(|_| Invalid::new("date", "not a date").allowed("YYYY-MM-DD"));
    let on: Option<Date> = optional("/on", asked.on.as_deref(), day, &mut faults);
    let respondent = asked.respondent.map(|raw| raw.check(&mut faults)).unwrap_or_default();
    let (sector, subsector) = match (&asked.sector, &asked.text) {
        (Some(sector), _) => (sector.clone(), None),
        (None, Some(text)) => {
            let hints = Hints {
                merchant_name: respondent.name.as_deref(),
                platform_name: respondent.platform.as_ref().and_then(|platform| platform.name.as_deref()),
            };
            let classification = model.classify(text, hints);
            (classification.sector, classification.subsector)
        }
        (None, None) => {
            faults.at("", Invalid::new("required", "neither text nor sector"));
            (String::new(), None)
        }
    };
    if asked.sector.is_some() && router.catalogue().sector(&sector).is_none() {
        faults.at("/sector", Invalid::new("unknown_value", "unknown sector"));
    }
    faults.check()?;
    let question = Question {
        respondent: RespondentPlace::from(&respondent),
        subsector,
        kind: kind.unwrap_or(Kind::Complaint),
        place,
        ..Question::complaint(&sector, on.unwrap_or(today), respondent.division)
    };
    let routing = router.route(&question);
    Ok((question, routing))
}

/// A line of the table, and its steps below it.
fn table(number: u64, question: &Question, routing: &Routing) -> Vec<String> {
    let station = routing.station.as_ref().map_or("-", |station| station.name.zh.as_str());
    let mut head = format!("{number:>5}  {:<20}  {:<9}  ", question.sector, routing.division.to_string());
    head.push_str(&format!("{:<18}  {}  {station}", routing.office.code, routing.office.name.zh));
    if routing.owner_is_fallback {
        head.push_str("  (fallback)");
    }
    let mut lines = vec![head];
    lines.extend(routing.steps.iter().map(|step| {
        let article = step.article.map(|article| article.in_lang(Lang::Zh)).unwrap_or_default();
        format!("         {} {} {article}", step.code, step.zh)
    }));
    lines.extend(routing.referred.iter().map(|referral| format!("         → {} {}", referral.code, referral.zh)));
    lines
}

/// Looks for holes; exit code 1 when there are errors.
/// With `staffed`, the units that have accounts, owners without people are found too.
pub(super) fn lint(
    catalogue: &Catalogue,
    from: Date,
    to: Date,
    staffed: Option<&HashSet<String>>,
) -> Result<Outcome, Failure> {
    if to < from {
        return Err(Failure::usage("--to lies before --from"));
    }
    let findings = route::lint(catalogue, from, to, staffed);
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let (errors, warnings, infos) = (count(Severity::Error), count(Severity::Warning), count(Severity::Info));
    let mut lines: Vec<String> = findings
        .iter()
        .map(|finding| format!("{:<7} {:<24} {}  {}", finding.severity.code(), finding.code, finding.place, finding.zh))
        .collect();
    if staffed.is_none() {
        lines.push("no database yet, so no accounts: offices without people weren't looked for".to_owned());
    }
    lines.push(format!("{from} to {to}: {errors} errors, {warnings} warnings, {infos} remarks"));
    let result = json!({
        "from": from,
        "to": to,
        "errors": errors,
        "warnings": warnings,
        "infos": infos,
        "accounts_read": staffed.is_some(),
        "findings": findings,
    });
    Ok(Outcome { code: if errors > 0 { FOUND } else { OK }, result, lines, notes: Vec::new() })
}

/// Today, by a clock that no app holds.
pub(super) fn today(settings: &crate::config::Settings) -> Date {
    ambient::today_in_shanghai(super::wire::clock(settings).now())
}

//! Learns from what staff decided here, and tells how the machine's choices did.

use super::classify::parsed;
use super::output::{Failure, OK, Outcome};
use super::wire;
use crate::app::App;
use crate::classify::{LEAST_TESTED, SHIPPED, Share};
use crate::learn::{self, LEAST_FITTED, LearnError, Report, Training};
use serde_json::json;
use std::sync::Arc;

/// The most misroutes that are shown to people; JSON has all.
const SHOWN: usize = 10;

impl From<LearnError> for Failure {
    fn from(error: LearnError) -> Self {
        Self::found(error.to_string())
    }
}

/// Fits a challenger, compares, and promotes it if it is better and that is wanted.
pub(super) async fn train(app: &Arc<App>, promote: bool) -> Result<Outcome, Failure> {
    let mut files: Vec<_> = wire::training().collect();
    files.sort_unstable();
    let authored = parsed(&app.shipped_model(), files.into_iter())?;
    let training = learn::train(app, authored, promote).await?;
    Ok(Outcome { code: OK, result: json!(training), lines: told(&training, promote), notes: Vec::new() })
}

/// Reports how the machine's choices did.
pub(super) async fn only_report(app: &Arc<App>) -> Result<Outcome, Failure> {
    let found = learn::report(app).await?;
    Ok(Outcome { code: OK, result: json!({ "report": found }), lines: report(&found), notes: Vec::new() })
}

/// Puts the model before the one in force back.
pub(super) async fn revert(app: &Arc<App>) -> Result<Outcome, Failure> {
    match learn::revert(app).await? {
        Some(version) => Ok(Outcome::ok(json!({"in_force": version}), format!("{} is in force", name(version)))),
        None => Err(Failure::found("the model as shipped is in force: there is none before it")),
    }
}

fn name(version: i32) -> String {
    if version == 0 { SHIPPED.to_owned() } else { format!("{SHIPPED}+{version}") }
}

fn share(share: &Share) -> String {
    let Share { right, of, share, low, high } = share;
    format!("{right} of {of}, {:.1} % ({:.1} to {:.1})", share * 100.0, low * 100.0, high * 100.0)
}

fn told(training: &Training, promote: bool) -> Vec<String> {
    let mut lines = report(&training.report);
    lines.push(format!(
        "challenger fitted on {} earlier cases, compared on {} later ones",
        training.fitted, training.tested
    ));
    let Some(found) = &training.comparison else {
        lines.push(format!("too few to compare: it takes {LEAST_FITTED} earlier and {LEAST_TESTED} later ones"));
        return lines;
    };
    let [low, high] = found.interval.map(|end| end * 100.0);
    lines.push(format!("  champion {}: {}", name(training.champion), share(&found.champion)));
    lines.push(format!("  challenger: {}", share(&found.challenger)));
    lines.push(format!("  difference {:+.1} points ({low:+.1} to {high:+.1})", found.difference * 100.0));
    lines.push(format!(
        "  only the champion right: {}; only the challenger right: {}",
        found.only_champion, found.only_challenger
    ));
    lines.push(match (training.promoted, found.better) {
        (Some(version), _) => format!("promoted: {} is in force", name(version)),
        (None, false) => format!("not surely better: {} stays in force", name(training.champion)),
        (None, true) if promote => "better, but not promoted".to_owned(),
        (None, true) => "better: --promote puts it in force".to_owned(),
    });
    lines
}

fn report(report: &Report) -> Vec<String> {
    let mut lines = vec![
        format!(
            "{} words of staff, {} left out because their case was erased, is missing or can't be opened",
            report.verdicts, report.left_out
        ),
        format!("the machine was right in {}", share(&report.confirmed)),
        format!("given back after the machine's choice: {}", report.returned),
    ];
    lines.extend(report.misroutes.iter().take(SHOWN).map(|one| {
        let staff = one.staff.as_deref().unwrap_or("given back");
        format!("  {} → {staff}: {} cases, {} of them sure", one.machine, one.cases, one.sure)
    }));
    lines.extend(report.channels.iter().map(|one| {
        let drifted = if one.drifted { ": DRIFTED" } else { "" };
        format!("  channel {}: earlier {}; later {}{drifted}", one.channel, share(&one.earlier), share(&one.later))
    }));
    let needing: Vec<String> = report
        .sectors
        .iter()
        .filter(|one| one.needs_more)
        .map(|one| format!("{} ({} examples)", one.sector, one.examples))
        .collect();
    lines.push(format!("needing more examples: {}", needing.join(", ")));
    lines
}

//! Erases what is due, or says what would be.

use super::output::{Failure, Outcome};
use super::tick;
use crate::app::App;
use crate::store::retention;
use crate::track::erase;
use jiff::civil::Date;
use serde_json::json;
use std::sync::Arc;

/// Cases that a dry run names.
const MOST: usize = 10_000;

/// Erases as of a day, today when none is named; a dry run changes nothing, and may look ahead.
pub(super) async fn run(app: &Arc<App>, at: Option<Date>, dry_run: bool) -> Result<Outcome, Failure> {
    let today = app.today();
    let on = at.unwrap_or(today);
    if !dry_run {
        if on > today {
            return Err(Failure::usage(format!("--at {on}: the clock shows {today}; look ahead with --dry-run")));
        }
        let round = tick::by_hand(app, on).await?;
        let end = round.erase().await;
        round.end().await?;
        let erased = end?;
        return Ok(Outcome::ok(json!({ "on": on, "erased": erased }), format!("{on}: {erased} cases erased")));
    }
    let due = erase::due(app, on, MOST).await?;
    let held = app.store.read(retention::held).await?;
    let cases: Vec<_> = due
        .iter()
        .map(|case| json!({ "reference": case.reference, "class": case.class.code(), "closed_on": case.closed }))
        .collect();
    let mut lines = vec![format!("{on}: {} cases would be erased; {held} are held", due.len())];
    lines.extend(due.iter().map(|case| format!("  {} ended {}, {}", case.reference, case.closed, case.class.code())));
    let result = json!({ "on": on, "due": cases, "held": held, "whole": due.len() < MOST });
    Ok(Outcome { lines, ..Outcome::ok(result, String::new()) })
}

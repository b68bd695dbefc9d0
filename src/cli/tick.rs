//! What happens because time passes: stations' time lapses, provisional last days become certain, closed months are frozen.

use super::output::{Failure, Outcome};
use crate::app::App;
use crate::domain::case::{Actor, CaseId};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, ClockKind};
use crate::measure::freeze::{self, FreezeError};
use crate::store::{cases, snapshots, upkeep};
use crate::track::{Command, act};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Map, json};
use std::sync::Arc;

/// Cases in a page.
const PAGE: i64 = 200;

/// Does what is due on a day, today when none is named. Running it again does nothing more.
pub(super) async fn run(app: &Arc<App>, at: Option<Date>) -> Result<Outcome, Failure> {
    let today = app.today();
    let on = at.unwrap_or(today);
    if on > today {
        // What happens is written into histories with the clock's time: it must not come before its day.
        return Err(Failure::usage(format!(
            "--at {on}: the clock shows {today}; for a drill, start the clock there (clock.start, clock.allow_start)"
        )));
    }
    let handed_over = hand_over(app, on).await?;
    let recomputed = act::recompute(app).await?;
    let frozen = freeze_months(app, on).await?;
    let result = json!({"on": on, "handed_over": handed_over, "recomputed": recomputed, "frozen": frozen});
    let line = format!(
        "{on}: {handed_over} cases handed over by lapse, {recomputed} with new last days, {} months frozen",
        frozen.len()
    );
    Ok(Outcome::ok(result, line))
}

/// Hands over the cases whose time at a station ended before a day.
async fn hand_over(app: &Arc<App>, on: Date) -> Result<u64, Failure> {
    let mut after: Option<CaseId> = None;
    let mut done = 0;
    loop {
        let page = app
            .store
            .read(move |db| {
                let ids = upkeep::lapsed(db, ClockKind::StationEnd, on, after, PAGE)?;
                let mut found = Vec::with_capacity(ids.len());
                for id in ids {
                    let loaded = cases::load_by_id(db, &Scope::System, id)?;
                    found.push((id, loaded.map(|loaded| (loaded.case.reference, loaded.case.version))));
                }
                Ok(found)
            })
            .await?;
        let Some((last, _)) = page.last() else { return Ok(done) };
        after = Some(*last);
        for (reference, expected) in page.into_iter().filter_map(|(_, found)| found) {
            let command = Command { action: Action::HandOver, actor: Actor::SYSTEM, fields: Map::new() };
            let request =
                act::Request { reference: reference.clone(), expected, scope: Scope::System, division: None, command };
            match act::act(app, request).await {
                Ok(_) => done += 1,
                Err(act::ActError::Store(error)) => return Err(error.into()),
                // Someone took a step in between: the next tick sees what is left to do.
                Err(error) => tracing::warn!(%reference, %error, "a lapsed case was not handed over"),
            }
        }
    }
}

/// Freezes the months that have cases, ended long enough ago, and aren't frozen yet.
async fn freeze_months(app: &Arc<App>, on: Date) -> Result<Vec<String>, Failure> {
    let wait = i64::from(app.settings.measure.freeze_after_days);
    let Some((first, _)) = app.store.read(upkeep::days_of_receipt).await? else { return Ok(Vec::new()) };
    let mut month = first.first_of_month();
    let mut frozen = Vec::new();
    while month.last_of_month().saturating_add(wait.days()) < on {
        let of = month;
        if app.store.read(move |db| snapshots::find(db, of, None)).await?.is_none() {
            match freeze::freeze(&app.store, &app.catalogue(), month, "system", None, app.now(), app.small_number())
                .await
            {
                Ok(_) => frozen.push(month.strftime("%Y-%m").to_string()),
                Err(FreezeError::Store(error)) => return Err(error.into()),
                // Another node was quicker.
                Err(_) => {}
            }
        }
        month = month.saturating_add(1.month());
    }
    Ok(frozen)
}

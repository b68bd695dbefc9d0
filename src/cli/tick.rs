//! What happens because time passes: stations' time lapses, time limits act, provisional last days become certain, closed months are
//! frozen, what nobody may keep any longer is erased, and what rose beyond its usual range raises an alarm.

use super::output::{Failure, Outcome};
use crate::ambient::Stopwatch;
use crate::app::App;
use crate::mass;
use crate::measure::freeze::{self, FreezeError};
use crate::store::{snapshots, upkeep};
use crate::track::act;
use crate::track::round::{Round, RoundError};
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::json;
use std::sync::Arc;
use std::time::Duration;

/// How long a round that is asked for by hand waits for another: longer than the lease of a node that died.
const LONGEST_WAIT: Duration = Duration::from_secs(150);

/// Time between two looks.
const PAUSE: Duration = Duration::from_millis(200);

impl From<RoundError> for Failure {
    fn from(error: RoundError) -> Self {
        match error {
            RoundError::Store(error) => error.into(),
            RoundError::Lost => Self::found(error.to_string()),
        }
    }
}

/// Does what is due on a day, today when none is named. Running it again does nothing more, and one node does it at a time.
pub(super) async fn run(app: &Arc<App>, at: Option<Date>, by_hand: bool) -> Result<Outcome, Failure> {
    let today = app.today();
    let on = at.unwrap_or(today);
    if on > today {
        // What happens is written into histories with the clock's time: it must not come before its day.
        return Err(Failure::usage(format!(
            "--at {on}: the clock shows {today}; for a drill, start the clock there (clock.start, clock.allow_start)"
        )));
    }
    let Some(round) = (if by_hand { Some(self::by_hand(app, on).await?) } else { Round::begin(app, on).await? }) else {
        return Ok(Outcome::ok(json!({"on": on, "elsewhere": true}), format!("{on}: another node runs the round")));
    };
    let end = do_all(app, &round, on).await;
    round.end().await?;
    end
}

async fn do_all(app: &Arc<App>, round: &Round, on: Date) -> Result<Outcome, Failure> {
    let handed_over = round.hand_over().await?;
    let informed = round.inform().await?;
    let escalated = round.escalate().await?;
    let recomputed = act::recompute(app).await?;
    let erased = round.erase().await?;
    let frozen = freeze_months(app, on).await?;
    let alarms = mass::watch::run(app, round).await?;
    let result = json!({
        "on": on,
        "handed_over": handed_over,
        "informed": informed,
        "escalated": escalated,
        "recomputed": recomputed,
        "erased": erased,
        "frozen": frozen,
        "alarms": alarms,
    });
    let line = format!(
        "{on}: {handed_over} cases handed over by lapse, {informed} ends told to both sides, {} steps of escalation, \
         {recomputed} with new last days, {erased} erased, {} months frozen, {alarms} alarms of what rose",
        escalated.values().sum::<u64>(),
        frozen.len()
    );
    Ok(Outcome::ok(result, line))
}

/// Begins a round that is asked for by hand: it waits for another that runs; the one by the hour leaves it to that.
pub(super) async fn by_hand(app: &Arc<App>, on: Date) -> Result<Round, Failure> {
    let waited = Stopwatch::start();
    loop {
        if let Some(round) = Round::begin(app, on).await? {
            return Ok(round);
        }
        if waited.elapsed() > LONGEST_WAIT {
            return Err(Failure::found("another node runs a round and does not come to its end"));
        }
        tokio::time::sleep(PAUSE).await;
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

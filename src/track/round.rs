//! A round: what happens to cases because time passes. A station's turn that lapsed goes to the office, an end that both
//! sides have heard of is noted, and time limits act ([`escalate`]).
//!
//! One node runs it at a time: it holds a lease, and renews it in the unit of work of each case, so that a node that was
//! slower than its lease writes nothing any more. Running a round again for the same day does nothing more.

use crate::app::App;
use crate::domain::case::{Actor, CaseId};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, Audience, ClockKind, Stage};
use crate::store::cases::{self, Loaded};
use crate::store::leases::{self, Lease, ROUNDS};
use crate::store::{Db, StoreError, Tx, outbox, upkeep};
use crate::track::act::{Surroundings, save_step};
use crate::track::{Command, Step, decide, erase, escalate, rating};
use jiff::SignedDuration;
use jiff::civil::Date;
use serde_json::Map;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Longer than the unit of work of any case takes.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// Cases in a page.
const PAGE: i64 = 200;

/// A round for a day, while this node may run it.
#[derive(Debug, Clone)]
pub struct Round {
    app: Arc<App>,
    lease: Lease,
    on: Date,
}

/// Why a round ended before its end.
#[derive(Debug, thiserror::Error)]
pub enum RoundError {
    /// Another node took it over.
    #[error("another node has taken over the round")]
    Lost,
    /// The store couldn't take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Round {
    /// Begins a round; `None` while another node runs one.
    ///
    /// # Errors
    /// The store's.
    pub async fn begin(app: &Arc<App>, on: Date) -> Result<Option<Self>, StoreError> {
        // The time is read in the unit: while it waited for its turn, the holder may have renewed the lease to a later end.
        let shared = Arc::clone(app);
        let lease = app.store.write(move |tx| leases::take(tx, ROUNDS, shared.now(), LEASE)).await?;
        Ok(lease.map(|lease| Self { app: Arc::clone(app), lease, on }))
    }

    /// Ends it: another may begin at once.
    ///
    /// # Errors
    /// The store's; the lease ends by itself then.
    pub async fn end(self) -> Result<(), StoreError> {
        let lease = self.lease;
        self.app.store.write(move |tx| leases::give_back(tx, &lease)).await
    }

    /// The day that it is for.
    pub const fn on(&self) -> Date {
        self.on
    }

    /// Writes in a unit of work of the round.
    ///
    /// # Errors
    /// When another node has taken over the round, or the store's.
    pub async fn write<T, F>(&self, work: F) -> Result<T, RoundError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        let (app, lease) = (Arc::clone(&self.app), self.lease);
        let written = self
            .app
            .store
            .write(move |tx| if leases::renew(tx, &lease, app.now())? { work(tx).map(Some) } else { Ok(None) });
        written.await?.ok_or(RoundError::Lost)
    }

    /// Hands over the cases whose time at a station ended before the day; gives how many.
    ///
    /// # Errors
    /// When the round can't go on.
    pub async fn hand_over(&self) -> Result<u64, RoundError> {
        let on = self.on;
        let taken = self
            .each(
                move |db, after| upkeep::lapsed(db, ClockKind::StationEnd, on, after, PAGE),
                move |app, _, found, surroundings| {
                    let lapsed = |clock: &crate::domain::clock::Clock| {
                        clock.kind == ClockKind::StationEnd && clock.is_overdue(on)
                    };
                    let due = found.case.clocks.iter().any(lapsed);
                    Ok(due.then(|| by_system(app, found, surroundings, Action::HandOver)).flatten())
                },
            )
            .await?;
        Ok(taken.get(&Action::HandOver).copied().unwrap_or(0))
    }

    /// Notes of the cases whose end both sides have been told (Art 23 ¶2) that they were; gives how many. What staff told in
    /// another way counts; a side without any address is told by the officer, who takes the step.
    ///
    /// # Errors
    /// When the round can't go on.
    pub async fn inform(&self) -> Result<u64, RoundError> {
        let taken = self
            .each(
                |db, after| upkeep::lapsed(db, ClockKind::Notify, Date::MAX, after, PAGE),
                |app, db, found, surroundings| {
                    let told = both_were_told(db, found)?;
                    Ok(told.then(|| by_system(app, found, surroundings, Action::Inform)).flatten())
                },
            )
            .await?;
        Ok(taken.get(&Action::Inform).copied().unwrap_or(0))
    }

    /// Takes the steps of escalation that are due on the day; gives how many, by stage.
    ///
    /// # Errors
    /// When the round can't go on.
    pub async fn escalate(&self) -> Result<BTreeMap<Stage, u64>, RoundError> {
        let (on, ladder) = (self.on, self.app.settings.escalation);
        let mut taken = BTreeMap::new();
        for stage in Stage::ALL {
            let latest = escalate::latest_due(&self.app.catalogue().calendar, &ladder, *stage, on);
            let of_stage = self
                .each(
                    move |db, after| upkeep::below_stage(db, escalate::ESCALATED, *stage, latest, after, PAGE),
                    move |app, _, found, surroundings| {
                        let catalogue = app.catalogue();
                        let Some(due) = escalate::due(&catalogue, &ladder, &found.case, on) else { return Ok(None) };
                        Ok(by_system(app, found, surroundings, due.action()).map(|step| due.mark(step)))
                    },
                )
                .await?;
            for (stage, count) in
                of_stage.iter().filter_map(|(action, count)| Some((escalate::stage_of(*action)?, count)))
            {
                *taken.entry(stage).or_default() += count;
            }
        }
        Ok(taken)
    }

    /// Erases the cases whose time is over, and forgets what nobody needs any more; gives how many cases.
    ///
    /// # Errors
    /// When the round can't go on.
    pub async fn erase(&self) -> Result<u64, RoundError> {
        erase::round(&self.app, &self.lease, self.on).await
    }

    /// Takes the steps that are due in the cases that `page` finds, each case in a unit of its own; gives how many of each
    /// action. `step` is asked again after every step, until it has none.
    async fn each<P, S>(&self, page: P, step: S) -> Result<BTreeMap<Action, u64>, RoundError>
    where
        P: Fn(&mut Db, Option<CaseId>) -> Result<Vec<CaseId>, StoreError> + Clone + Send + 'static,
        S: Fn(&App, &mut Db, &Loaded, &Surroundings) -> Result<Option<Step>, StoreError> + Clone + Send + 'static,
    {
        let (mut after, mut taken) = (None, BTreeMap::new());
        loop {
            let (app, page, due) = (Arc::clone(&self.app), page.clone(), step.clone());
            let read = self.app.store.read(move |db| {
                let ids = page(db, after)?;
                Ok((ids.last().copied(), with_step(&app, db, ids, &due)?))
            });
            let (Some(last), ids) = read.await? else { return Ok(taken) };
            after = Some(last);
            for id in ids {
                let (app, lease, step) = (Arc::clone(&self.app), self.lease, step.clone());
                match self.app.store.write(move |tx| one(&app, tx, &lease, id, &step)).await {
                    Ok(Some(actions)) => {
                        for action in actions {
                            *taken.entry(action).or_default() += 1;
                        }
                    }
                    Ok(None) => return Err(RoundError::Lost),
                    // Someone took a step in between: the next round sees what is left to do.
                    Err(StoreError::Stale) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
}

/// Those of some cases that have a step. A unit of work that writes is a commit: most cases whose end both sides aren't known
/// to have heard of have no step for weeks, and need none.
fn with_step(
    app: &App,
    db: &mut Db,
    ids: Vec<CaseId>,
    step: &impl Fn(&App, &mut Db, &Loaded, &Surroundings) -> Result<Option<Step>, StoreError>,
) -> Result<Vec<CaseId>, StoreError> {
    let mut found = Vec::new();
    for id in ids {
        let Some(case) = cases::load_by_id(db, &Scope::System, id)? else { continue };
        let surroundings = Surroundings::of_view(db, &case, None)?;
        if step(app, db, &case, &surroundings)?.is_some() {
            found.push(id);
        }
    }
    Ok(found)
}

/// The steps of one case; `None` when the lease has passed to another.
fn one(
    app: &App,
    tx: &mut Tx<'_>,
    lease: &Lease,
    id: CaseId,
    step: &impl Fn(&App, &mut Db, &Loaded, &Surroundings) -> Result<Option<Step>, StoreError>,
) -> Result<Option<Vec<Action>>, StoreError> {
    if !leases::renew(tx, lease, app.now())? {
        return Ok(None);
    }
    let mut taken = Vec::new();
    let Some(mut found) = cases::load_by_id(tx.db(), &Scope::System, id)? else { return Ok(Some(taken)) };
    loop {
        let surroundings = Surroundings::of_view(tx.db(), &found, None)?;
        let Some(step) = step(app, tx.db(), &found, &surroundings)? else { return Ok(Some(taken)) };
        match save_step(app, tx, &found, &step, &Actor::SYSTEM, &surroundings)? {
            Ok(saved) => found = saved,
            Err(error) => {
                tracing::warn!(reference = %found.case.reference, %error, "a step that was due was not taken");
                return Ok(Some(taken));
            }
        }
        taken.push(step.action);
    }
}

/// A step of the system as the table has it; `None` when the table has it not now.
fn by_system(app: &App, found: &Loaded, surroundings: &Surroundings, action: Action) -> Option<Step> {
    let command = Command { action, actor: Actor::SYSTEM, fields: Map::new() };
    decide(&app.catalogue(), &found.case, &command, &surroundings.context_for(app, None)).ok()
}

/// Whether a notice of the end has gone out to each side.
fn both_were_told(db: &mut Db, found: &Loaded) -> Result<bool, StoreError> {
    let Some(end) = cases::last_entered(db, found)? else { return Ok(false) };
    let owed = outbox::of_event(db, found.case.id, end)?;
    let told = |audience: Audience| {
        owed.iter().any(|row| {
            row.audience == audience.code()
                && row.notice != rating::NOTICE
                && matches!(row.state.as_str(), outbox::SENT | outbox::DELIVERED_OTHERWISE)
        })
    };
    Ok(told(Audience::Complainant) && told(Audience::Respondent))
}

//! Erasure: what nobody may keep any longer goes, by the class of what it is. What is counted stays.
//!
//! A case whose time is over loses its data key, its parties, its narrative, what people wrote at each step, its notices, the
//! pages of its documents, what it is found by, and its files. The rest holds no person: the history with its hashes and
//! commitments stays whole, and so do the figures. A legal hold bars it. A case that is open is never erased.
//!
//! Sources: Personal Information Protection Law Art 19 (kept no longer than needed), Art 47 (erasure at the end of the time).

use crate::app::App;
use crate::config::settings::Retention;
use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::State;
use crate::store::leases::{self, Lease};
use crate::store::{StoreError, Tx, audit, cases, retention};
use crate::track::round::RoundError;
use jiff::ToSpan;
use jiff::civil::Date;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use std::sync::Arc;

/// Cases in a page.
const PAGE: i64 = 200;

/// Rows that are forgotten in one unit of work.
const BATCH: i64 = 500;

/// How long a case is kept after its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Class {
    /// It was handled: accepted, settled, mediated, or a report that was verified.
    Handled,
    /// It was refused, withdrawn, or referred to a body outside.
    Unhandled,
}

impl Class {
    /// The class of an end; `None` for a state that is none.
    pub const fn of(state: State) -> Option<Self> {
        match state {
            State::Settled | State::Terminated | State::Filed | State::NotFiled | State::Merged => Some(Self::Handled),
            State::Refused | State::Withdrawn | State::Transferred => Some(Self::Unhandled),
            _ => None,
        }
    }

    /// Its code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Handled => "handled",
            Self::Unhandled => "unhandled",
        }
    }

    /// The first day whose ends are kept on a day: what ended before it is over.
    pub fn kept_from(self, settings: &Retention, on: Date) -> Date {
        let years = match self {
            Self::Handled => settings.handled_years,
            Self::Unhandled => settings.unhandled_years,
        };
        on.saturating_sub(i64::from(years).years())
    }
}

/// A case whose time is over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// Its number.
    pub reference: String,
    /// The class.
    pub class: Class,
    /// Day of its end.
    pub closed: Date,
}

/// The states that are an end, with their classes.
fn ends() -> impl Iterator<Item = (State, Class)> {
    State::ALL.iter().filter_map(|state| Some((*state, Class::of(*state)?)))
}

/// The cases that are due on a day, at most so many.
///
/// # Errors
/// The store's.
pub async fn due(app: &Arc<App>, on: Date, most: usize) -> Result<Vec<Due>, StoreError> {
    let shared = Arc::clone(app);
    app.store
        .read(move |db| {
            let mut all = Vec::new();
            for (state, class) in ends() {
                let before = class.kept_from(&shared.settings.retention, on);
                let left = i64::try_from(most.saturating_sub(all.len())).unwrap_or(i64::MAX);
                let due = retention::due(db, state, before, None, left)?;
                all.extend(due.into_iter().map(|((closed, _), reference)| Due { reference, class, closed }));
            }
            Ok(all)
        })
        .await
}

/// Erases what is due on a day, under the lease of the round; gives how many cases. One that was cut off goes on.
pub(super) async fn round(app: &Arc<App>, lease: &Lease, on: Date) -> Result<u64, RoundError> {
    delete_files(app).await?;
    let mut erased = 0;
    for (state, class) in ends() {
        let before = class.kept_from(&app.settings.retention, on);
        let mut after = None;
        loop {
            let page = app.store.read(move |db| retention::due(db, state, before, after, PAGE)).await?;
            let Some((last, _)) = page.last() else { break };
            after = Some(*last);
            for ((_, id), _) in page {
                let (shared, lease) = (Arc::clone(app), *lease);
                match app.store.write(move |tx| one(&shared, tx, &lease, id, class, before)).await {
                    Ok(Some(done)) => erased += u64::from(done),
                    Ok(None) => return Err(RoundError::Lost),
                    // Someone placed a hold or took a step in between: the next round sees.
                    Err(StoreError::Stale) => {}
                    Err(error) => return Err(error.into()),
                }
            }
        }
    }
    delete_files(app).await?;
    forget(app).await?;
    Ok(erased)
}

/// Erases one case, if it still is due, and writes that down; `None` when the lease has passed to another.
fn one(
    app: &App,
    tx: &mut Tx<'_>,
    lease: &Lease,
    id: CaseId,
    class: Class,
    before: Date,
) -> Result<Option<bool>, StoreError> {
    let now = app.now();
    if !leases::renew(tx, lease, now)? {
        return Ok(None);
    }
    let Some(found) = cases::load_by_id(tx.db(), &Scope::System, id)? else { return Ok(Some(false)) };
    let over = found.case.milestones.closed.is_some_and(|closed| closed < before);
    if !over || Class::of(found.case.state) != Some(class) {
        return Ok(Some(false));
    }
    retention::erase(tx, &found, class.code(), now)?;
    let entry = app.own_occasion().erasure(class.code());
    audit::append(tx, &entry.about(id, found.case.division))?;
    Ok(Some(true))
}

/// Deletes the files of erased cases from the object store. One that can't be deleted now is left to the next round: without
/// the key of its case it can't be read.
async fn delete_files(app: &Arc<App>) -> Result<(), StoreError> {
    let mut after = None;
    loop {
        let page = app.store.read(move |db| retention::unfinished(db, after, PAGE)).await?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(*last);
        for id in page {
            let mut gone = true;
            for object in app.store.read(move |db| retention::objects(db, id)).await? {
                match app.objects.delete(&Path::from(object.as_str())).await {
                    Ok(()) | Err(object_store::Error::NotFound { .. }) => {}
                    Err(error) => {
                        tracing::warn!(%error, "a file of an erased case stays in the object store for now");
                        gone = false;
                    }
                }
            }
            if gone {
                let now = app.now();
                app.store.write(move |tx| retention::finish(tx, id, now)).await?;
            }
        }
    }
}

/// Forgets notices that are over, and the answers to filings that nobody sends again.
async fn forget(app: &Arc<App>) -> Result<(), StoreError> {
    let ago = |days: u16| app.now().checked_sub((24 * i64::from(days)).hours()).unwrap_or(jiff::Timestamp::MIN);
    let notices = ago(app.settings.retention.notice_days);
    while app.store.write(move |tx| retention::forget_notices(tx, notices, BATCH)).await? > 0 {}
    let resends = ago(app.settings.retention.resend_days);
    loop {
        let keys = app.store.read(move |db| retention::old_keys(db, resends, BATCH)).await?;
        if keys.is_empty() {
            return Ok(());
        }
        app.store.write(move |tx| retention::forget_keys(tx, &keys)).await?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn every_end_has_a_class_and_nothing_else_has_one() {
        for state in State::ALL {
            assert_eq!(Class::of(*state).is_some(), state.is_end(), "{state}");
        }
    }

    #[test]
    fn a_case_is_kept_for_whole_years_after_the_day_of_its_end() {
        let settings = Retention { handled_years: 10, unhandled_years: 3, notice_days: 1, resend_days: 1 };
        let from = Class::Unhandled.kept_from(&settings, date(2029, 3, 15));
        assert_eq!(from, date(2026, 3, 15), "what ended on that day is kept through it");
        assert_eq!(Class::Handled.kept_from(&settings, date(2028, 2, 29)), date(2018, 2, 28));
    }
}

//! What a running installation does for itself, and what its operator asks of it: cases whose time at a station is over,
//! the engine's own upkeep, and whether commits are kept.

use crate::domain::case::CaseId;
use crate::domain::vocabulary::ClockKind;
use crate::store::backup::{self, Inspection};
use crate::store::db::{self, Db, Target};
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, clocks};
use crate::store::types::{Key, On};
use crate::store::users;
use diesel::prelude::*;
use jiff::civil::Date;

/// Cases with a running clock of a kind whose last day lies before a day, after a key, in the order of keys.
///
/// # Errors
/// When the engine doesn't answer.
pub fn lapsed(
    db: &mut Db,
    kind: ClockKind,
    before: Date,
    after: Option<CaseId>,
    limit: i64,
) -> Result<Vec<CaseId>, StoreError> {
    let mut query = clocks::table
        .filter(clocks::running.and(clocks::due_on.lt(On(before))).and(clocks::kind.eq(kind.code())))
        .into_boxed();
    if let Some(after) = after {
        query = query.filter(clocks::case_id.gt(Key::from(after)));
    }
    let keys: Vec<Key> = query.order(clocks::case_id).select(clocks::case_id).distinct().limit(limit).load(db)?;
    Ok(keys.into_iter().map(|key| CaseId(key.0)).collect())
}

/// First and last day on which a case was received.
///
/// # Errors
/// When the engine doesn't answer.
pub fn days_of_receipt(db: &mut Db) -> Result<Option<(Date, Date)>, StoreError> {
    // Two walks along the index, not a scan: an aggregate over both ends reads every row.
    let first: Option<On> = cases::table.order(cases::received_on).select(cases::received_on).first(db).optional()?;
    let last: Option<On> =
        cases::table.order(cases::received_on.desc()).select(cases::received_on).first(db).optional()?;
    Ok(first.zip(last).map(|(first, last)| (first.0, last.0)))
}

/// Lets the engine refresh what it knows of its indexes.
///
/// # Errors
/// When the engine doesn't answer.
pub fn optimize(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    // PostgreSQL's autovacuum does this by itself.
    if matches!(tx.db, Db::Sqlite(_)) { dialect::execute(tx.db, "PRAGMA optimize") } else { Ok(()) }
}

/// How an engine answers, for an operator.
#[derive(Debug, Clone)]
pub struct Health {
    /// What it is and holds.
    pub inspection: Inspection,
    /// Whether a commit waits until the disk has it.
    pub commits_are_synced: bool,
    /// How it says so itself.
    pub sync_setting: String,
    /// First and last day of receipt.
    pub received: Option<(Date, Date)>,
}

/// The units that have accounts, asked over a connection that can't write.
///
/// # Errors
/// When the engine doesn't answer or has no accounts: a database that was never served.
pub fn staffed(target: &Target) -> Result<Vec<String>, StoreError> {
    let mut db = db::open_reader(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    users::units(&mut db)
}

/// Asks an engine, also beside a serving process, over a connection that can't write.
///
/// # Errors
/// When it doesn't answer, is too old, or is damaged.
pub fn health(target: &Target) -> Result<Health, StoreError> {
    let mut db = db::open_reader(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    dialect::check_engine(&mut db)?;
    let (commits_are_synced, sync_setting) = dialect::syncing(&mut db)?;
    Ok(Health {
        inspection: backup::inspect(&mut db)?,
        commits_are_synced,
        sync_setting,
        received: days_of_receipt(&mut db)?,
    })
}

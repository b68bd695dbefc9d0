//! What a running installation does for itself, and what its operator asks of it: cases whose time at a station is over,
//! the engine's own upkeep, and whether commits are kept.

use crate::domain::case::CaseId;
use crate::domain::vocabulary::{ClockKind, Stage};
use crate::store::backup::{self, Inspection};
use crate::store::db::{self, Db, Target, Timeouts};
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, clocks};
use crate::store::types::{Key, On};
use crate::store::users;
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
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

/// Cases with a running clock of some kinds below a stage whose last day isn't after a day, after a key, in the order of keys.
///
/// # Errors
/// When the engine doesn't answer.
pub fn below_stage(
    db: &mut Db,
    kinds: &[ClockKind],
    stage: Stage,
    latest_due: Date,
    after: Option<CaseId>,
    limit: i64,
) -> Result<Vec<CaseId>, StoreError> {
    let codes: Vec<&str> = kinds.iter().map(|kind| kind.code()).collect();
    let mut query = clocks::table
        .filter(clocks::running.and(clocks::stage.lt(stage.number())).and(clocks::due_on.le(On(latest_due))))
        .filter(clocks::kind.eq_any(codes))
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

/// The process that serves one connection to PostgreSQL, by its number on the database's machine.
///
/// # Errors
/// When the engine can't be reached.
pub fn backend(target: &Target) -> Result<Option<u32>, StoreError> {
    let mut db =
        db::open_reader(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    dialect::backend(&mut db)
}

/// Lets the engine count how values are spread, after many cases came in at once.
///
/// # Errors
/// The engine's.
pub fn analyze(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    if matches!(tx.db, Db::Pg(_)) { dialect::execute(tx.db, "ANALYZE") } else { optimize(tx) }
}

/// What a scrape of the metrics asks the engine for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Load {
    /// Notices that aren't sent, by state.
    pub unsent: Vec<(String, i64)>,
    /// Bytes that the database takes on disk, without SQLite's log.
    pub bytes: i64,
}

#[derive(QueryableByName)]
struct InState {
    #[diesel(sql_type = Text)]
    state: String,
    #[diesel(sql_type = BigInt)]
    notices: i64,
}

#[derive(QueryableByName)]
struct Bytes {
    #[diesel(sql_type = BigInt)]
    bytes: i64,
}

/// How much there is.
///
/// # Errors
/// When the engine doesn't answer.
pub fn load(db: &mut Db) -> Result<Load, StoreError> {
    // The condition stands there as in its index, in words: a bound value would not be known to be the same.
    let unsent = "SELECT state, count(*) AS notices FROM outbox WHERE state <> 'sent' GROUP BY state ORDER BY state";
    let (unsent, bytes): (Vec<InState>, Bytes) = match db {
        Db::Pg(c) => (
            diesel::sql_query(unsent).load(c)?,
            diesel::sql_query("SELECT pg_database_size(current_database()) AS bytes").get_result(c)?,
        ),
        Db::Sqlite(c) => (
            diesel::sql_query(unsent).load(c)?,
            diesel::sql_query("SELECT page_count * page_size AS bytes FROM pragma_page_count, pragma_page_size")
                .get_result(c)?,
        ),
    };
    Ok(Load { unsent: unsent.into_iter().map(|row| (row.state, row.notices)).collect(), bytes: bytes.bytes })
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
    let mut db =
        db::open_reader(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    users::units(&mut db)
}

/// Asks an engine, also beside a serving process, over a connection that can't write.
///
/// # Errors
/// When it doesn't answer, is too old, or is damaged.
pub fn health(target: &Target) -> Result<Health, StoreError> {
    let mut db =
        db::open_reader(target, &Timeouts::PATIENT).map_err(|error| StoreError::Unavailable(error.to_string()))?;
    dialect::check_engine(&mut db)?;
    dialect::check_file(&mut db)?;
    let (commits_are_synced, sync_setting) = dialect::syncing(&mut db)?;
    Ok(Health {
        inspection: backup::inspect(&mut db)?,
        commits_are_synced,
        sync_setting,
        received: days_of_receipt(&mut db)?,
    })
}

//! Rows that a unit of work has for itself until it ends. On PostgreSQL they are locked; SQLite has one thread that writes.

use crate::store::codes::CodeRow;
use crate::store::db::Db;
use crate::store::dialect::execute;
use crate::store::engine::StoreError;
use crate::store::factors::FactorRow;
use crate::store::schema::{audit_heads, codes, second_factors, tries};
use crate::store::tries::Subject;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// The end of a writer's chain in the audit log, locked until the unit ends, so that no two entries get one place.
pub(in crate::store) fn lock_audit_head(db: &mut Db, writer: &str) -> Result<(i64, Vec<u8>), StoreError> {
    let columns = (audit_heads::seq, audit_heads::hash);
    let first = || {
        let genesis = crate::audit::chain::GENESIS.to_vec();
        (audit_heads::writer.eq(writer.to_owned()), audit_heads::seq.eq(0), audit_heads::hash.eq(genesis))
    };
    let head = audit_heads::table.find(writer).select(columns);
    let found: Option<(i64, Vec<u8>)> = match db {
        Db::Pg(c) => match head.for_update().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(audit_heads::table).values(first()).on_conflict_do_nothing().execute(c)?;
                head.for_update().first(c).optional()?
            }
        },
        // One thread writes: nobody comes in between.
        Db::Sqlite(c) => match head.first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(audit_heads::table).values(first()).execute(c)?;
                head.first(c).optional()?
            }
        },
    };
    found.ok_or_else(|| StoreError::Unreadable("the audit log has no end".to_owned()))
}

/// The row of tries of a subject, made when it isn't there, and locked on PostgreSQL until the unit ends.
pub(in crate::store) fn lock_tries(db: &mut Db, subject: &Subject) -> Result<(i32, At, At), StoreError> {
    let columns = (tries::tried, tries::last_at, tries::wait_until);
    let first = || {
        let long_ago = At(Timestamp::UNIX_EPOCH);
        (
            tries::sort.eq(subject.sort),
            tries::subject.eq(subject.hash.to_vec()),
            tries::tried.eq(0),
            tries::last_at.eq(long_ago),
            tries::wait_until.eq(long_ago),
        )
    };
    let row = tries::table.find((subject.sort, subject.hash.to_vec())).select(columns);
    let found = match db {
        Db::Pg(c) => match row.clone().for_update().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(tries::table).values(first()).on_conflict_do_nothing().execute(c)?;
                row.for_update().first(c).optional()?
            }
        },
        // One thread writes: nobody comes in between.
        Db::Sqlite(c) => match row.clone().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(tries::table).values(first()).execute(c)?;
                row.first(c).optional()?
            }
        },
    };
    found.ok_or_else(|| StoreError::Unreadable("a row of tries is gone".to_owned()))
}

/// The second factor of an account, locked on PostgreSQL until the unit ends.
pub(in crate::store) fn lock_factor(db: &mut Db, username: &str) -> Result<Option<FactorRow>, StoreError> {
    let row = second_factors::table.find(username);
    Ok(match db {
        Db::Pg(c) => row.select(FactorRow::as_select()).for_update().first(c).optional()?,
        Db::Sqlite(c) => row.select(FactorRow::as_select()).first(c).optional()?,
    })
}

/// The one-time code of a contact, locked on PostgreSQL until the unit ends.
pub(in crate::store) fn lock_code(db: &mut Db, kind: &str, contact: &[u8]) -> Result<Option<CodeRow>, StoreError> {
    let row = codes::table.find((kind, contact));
    Ok(match db {
        Db::Pg(c) => row.select(CodeRow::as_select()).for_update().first(c).optional()?,
        Db::Sqlite(c) => row.select(CodeRow::as_select()).first(c).optional()?,
    })
}

/// Keeps others from changing counters until this transaction ends. Every unit changes its cases first and its counters
/// last, so that whoever waits here has committed nothing yet.
pub(in crate::store) fn lock_counters(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET LOCAL lock_timeout = '60s'; LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE"),
        Db::Sqlite(_) => Ok(()),
    }
}

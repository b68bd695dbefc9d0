//! What the engines say of themselves, and how a transaction is begun and set.

use crate::store::db::{Db, LEAST_SQLITE};
use crate::store::engine::StoreError;
use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use diesel::sql_types::{Integer, Text};

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The engine's version, as it says itself.
pub(in crate::store) fn version(db: &mut Db) -> Result<String, StoreError> {
    let query = match db {
        Db::Pg(_) => "SELECT current_setting('server_version') AS version",
        Db::Sqlite(_) => "SELECT sqlite_version() AS version",
    };
    let row: Version = match db {
        Db::Pg(c) => diesel::sql_query(query).get_result(c)?,
        Db::Sqlite(c) => diesel::sql_query(query).get_result(c)?,
    };
    Ok(row.version)
}

/// Refuses an engine that this service must not run on.
pub(in crate::store) fn check_engine(db: &mut Db) -> Result<(), StoreError> {
    let version = version(db)?;
    if matches!(db, Db::Pg(_)) {
        return Ok(());
    }
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < LEAST_SQLITE {
        return Err(StoreError::Unavailable(format!("SQLite {version} can lose commits; 3.51.3 is the least")));
    }
    Ok(())
}

/// Looks the whole file over (SQLite): whether every page, row and index is formed as it should be.
pub(in crate::store) fn check_file(db: &mut Db) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Check {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let Db::Sqlite(c) = db else { return Ok(()) };
    let check: Check = diesel::sql_query("PRAGMA quick_check(1)").get_result(c)?;
    if check.quick_check == "ok" { Ok(()) } else { Err(StoreError::Corrupt(check.quick_check)) }
}

/// The process that serves this connection (PostgreSQL).
pub(in crate::store) fn backend(db: &mut Db) -> Result<Option<u32>, StoreError> {
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    let Db::Pg(c) = db else { return Ok(None) };
    let Backend { pid } = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(c)?;
    Ok(u32::try_from(pid).ok())
}

/// Whether a commit waits for the disk, and the settings that say so.
pub(in crate::store) fn syncing(db: &mut Db) -> Result<(bool, String), StoreError> {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let value = match db {
        Db::Pg(c) => {
            diesel::sql_query(
                "SELECT 'fsync=' || current_setting('fsync') || ' synchronous_commit=' || \
                 current_setting('synchronous_commit') AS value",
            )
            .get_result::<Setting>(c)?
            .value
        }
        Db::Sqlite(c) => {
            diesel::sql_query(
                "SELECT 'synchronous=' || (SELECT synchronous FROM pragma_synchronous) || ' journal_mode=' || \
                 (SELECT journal_mode FROM pragma_journal_mode) AS value",
            )
            .get_result::<Setting>(c)?
            .value
        }
    };
    let synced = match db {
        Db::Pg(_) => value.contains("fsync=on") && !value.ends_with("=off"),
        // 2 is FULL, 3 is EXTRA.
        Db::Sqlite(_) => value.contains("synchronous=2") || value.contains("synchronous=3"),
    };
    Ok((synced, value))
}

/// How long a connection waits: for a statement (PostgreSQL), for a lock (SQLite).
#[cfg(test)]
pub(in crate::store) fn waits(db: &mut Db) -> Result<String, StoreError> {
    let query = match db {
        Db::Pg(_) => "SELECT current_setting('statement_timeout') AS version",
        Db::Sqlite(_) => "SELECT CAST(timeout AS TEXT) AS version FROM pragma_busy_timeout",
    };
    let row: Version = match db {
        Db::Pg(c) => diesel::sql_query(query).get_result(c)?,
        Db::Sqlite(c) => diesel::sql_query(query).get_result(c)?,
    };
    Ok(row.version)
}

/// Runs a statement without parameters.
pub(in crate::store) fn execute(db: &mut Db, sql: &str) -> Result<(), StoreError> {
    match db {
        Db::Pg(c) => c.batch_execute(sql)?,
        Db::Sqlite(c) => c.batch_execute(sql)?,
    }
    Ok(())
}

/// Opens the transaction of a group. SQLite takes the write lock at once, so that it can't fail half-way.
pub(in crate::store) fn begin(db: &mut Db) -> Result<(), StoreError> {
    execute(db, if matches!(db, Db::Pg(_)) { "BEGIN" } else { "BEGIN IMMEDIATE" })
}

/// Makes every statement of a reading unit see one state of the data. SQLite's transactions do so anyway; PostgreSQL's
/// default shows each statement the newest state. Must be the unit's first statement.
pub(in crate::store) fn one_state(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
        Db::Sqlite(_) => Ok(()),
    }
}

/// Lifts the time limit for the statements of this transaction: a recount reads every case.
pub(in crate::store) fn no_time_limit(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET LOCAL statement_timeout = 0"),
        Db::Sqlite(_) => Ok(()),
    }
}

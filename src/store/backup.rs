//! Whole copies of the database: a consistent one while it is in use, and what must hold of a copy before it is trusted.

use crate::store::db::{self, Db, Target, Timeouts};
use crate::store::dialect;
use crate::store::engine::{StoreError, transaction};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Text};
use serde::{Deserialize, Serialize};
use std::path::Path;

/// How much a database holds: compared before and after a restore.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, QueryableByName)]
pub struct Counts {
    /// Cases.
    #[diesel(sql_type = BigInt)]
    pub cases: i64,
    /// Entries of their histories.
    #[diesel(sql_type = BigInt)]
    pub events: i64,
    /// Parties.
    #[diesel(sql_type = BigInt)]
    pub parties: i64,
    /// Attachments.
    #[diesel(sql_type = BigInt)]
    pub attachments: i64,
    /// Accounts.
    #[diesel(sql_type = BigInt)]
    pub users: i64,
}

/// What is known of a copy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Inspection {
    /// The engine that made it: `sqlite` or `postgres`.
    pub engine: String,
    /// Its version.
    pub engine_version: String,
    /// Newest step of the schema.
    pub schema: String,
    /// What it holds.
    pub counts: Counts,
}

#[derive(QueryableByName)]
struct Named {
    #[diesel(sql_type = Text)]
    name: String,
}

macro_rules! first {
    ($db:expr, $sql:expr, $row:ty) => {
        match $db {
            Db::Pg(c) => diesel::sql_query($sql).get_result::<$row>(c),
            Db::Sqlite(c) => diesel::sql_query($sql).get_result::<$row>(c),
        }
    };
}

/// How much a database holds.
///
/// # Errors
/// When the engine doesn't answer.
pub fn counts(db: &mut Db) -> Result<Counts, StoreError> {
    let sql = "SELECT (SELECT count(*) FROM cases) AS cases, (SELECT count(*) FROM events) AS events, \
               (SELECT count(*) FROM parties) AS parties, (SELECT count(*) FROM attachments) AS attachments, \
               (SELECT count(*) FROM users) AS users";
    Ok(first!(db, sql, Counts)?)
}

/// The newest step of the schema that a database has.
///
/// # Errors
/// When the engine doesn't answer, or the database isn't one of this service.
pub fn schema(db: &mut Db) -> Result<String, StoreError> {
    let sql = "SELECT max(version) AS name FROM __diesel_schema_migrations";
    Ok(first!(db, sql, Named)?.name)
}

/// What is known of an open database.
///
/// # Errors
/// When the engine doesn't answer.
pub fn inspect(db: &mut Db) -> Result<Inspection, StoreError> {
    let engine = if matches!(db, Db::Pg(_)) { "postgres" } else { "sqlite" };
    Ok(Inspection {
        engine: engine.to_owned(),
        engine_version: dialect::version(db)?,
        schema: schema(db)?,
        counts: counts(db)?,
    })
}

/// Writes a consistent copy of a SQLite database into a file that doesn't exist yet, also while others read and write it.
/// Goes through a connection of its own: the engine doesn't copy within a transaction.
///
/// # Errors
/// When the database isn't SQLite, or the copy can't be written.
pub fn copy_into(target: &Target, file: &Path) -> Result<(), StoreError> {
    let mut db = db::open(target, &Timeouts::PATIENT).map_err(unavailable)?;
    let Db::Sqlite(c) = &mut db else {
        return Err(StoreError::Unavailable("only SQLite is copied like this".to_owned()));
    };
    diesel::sql_query("VACUUM INTO ?").bind::<Text, _>(file.to_string_lossy().into_owned()).execute(c)?;
    Ok(())
}

/// Checks a SQLite file that nobody writes, without changing a byte of it or beside it.
///
/// # Errors
/// When it is damaged, or no database of this service.
pub fn check_file(file: &Path) -> Result<Inspection, StoreError> {
    let mut db = unwritten(file)?;
    dialect::check_engine(&mut db)?;
    dialect::check_file(&mut db)?;
    inspect(&mut db)
}

/// The evidence that a SQLite copy refers to: keys in the object store.
///
/// # Errors
/// When the copy can't be read.
pub fn objects_in(file: &Path) -> Result<Vec<String>, StoreError> {
    objects(&mut unwritten(file)?)
}

/// A SQLite file that nobody writes: the engine then makes no file beside it.
fn unwritten(file: &Path) -> Result<Db, StoreError> {
    // A name with one of these would be read as more than a path.
    let name = file.to_string_lossy().replace('%', "%25").replace('?', "%3f").replace('#', "%23");
    SqliteConnection::establish(&format!("file:{name}?immutable=1")).map(Db::Sqlite).map_err(unavailable)
}

/// The evidence that a database refers to: keys in the object store, each once.
///
/// # Errors
/// When the engine doesn't answer.
pub fn objects(db: &mut Db) -> Result<Vec<String>, StoreError> {
    use crate::store::schema::attachments;
    Ok(attachments::table.order(attachments::object).select(attachments::object).distinct().load(db)?)
}

/// Holds one state of a PostgreSQL database while `work` copies it by the name of that state (`pg_dump --snapshot`).
///
/// # Errors
/// When the engine doesn't answer, or what `work` returns.
pub fn pinned<T>(
    target: &Target,
    work: impl FnOnce(&str, Inspection, Vec<String>) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    let mut db = db::open(target, &Timeouts::PATIENT).map_err(unavailable)?;
    // The copy may take long, and this connection idles meanwhile.
    dialect::execute(&mut db, "SET idle_in_transaction_session_timeout = 0; SET statement_timeout = 0")?;
    transaction(&mut db, |db| {
        dialect::execute(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ, READ ONLY")?;
        let state = first!(&mut *db, "SELECT pg_export_snapshot() AS name", Named)?.name;
        let (inspection, objects) = (inspect(db)?, objects(db)?);
        work(&state, inspection, objects)
    })
}

/// Whether a PostgreSQL database has tables already.
///
/// # Errors
/// When the engine doesn't answer.
pub fn has_tables(target: &Target) -> Result<bool, StoreError> {
    let mut db = db::open(target, &Timeouts::PATIENT).map_err(unavailable)?;
    let sql = "SELECT count(*)::text AS name FROM information_schema.tables \
               WHERE table_schema NOT IN ('pg_catalog', 'information_schema')";
    Ok(first!(&mut db, sql, Named)?.name != "0")
}

/// What is known of a database that is in use or not, read without the store.
///
/// # Errors
/// When the engine doesn't answer.
pub fn inspect_target(target: &Target) -> Result<Inspection, StoreError> {
    let mut db = db::open_reader(target, &Timeouts::PATIENT).map_err(unavailable)?;
    inspect(&mut db)
}

fn unavailable(error: ConnectionError) -> StoreError {
    StoreError::Unavailable(error.to_string())
}

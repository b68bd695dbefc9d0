//! Brings the schema up to date, once, however many processes start together.

use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::StoreError;
use diesel_migrations::{EmbeddedMigrations, MigrationHarness, embed_migrations};

const SQLITE: EmbeddedMigrations = embed_migrations!("migrations/sqlite");
const POSTGRES: EmbeddedMigrations = embed_migrations!("migrations/postgres");

/// Runs what is pending.
pub(super) fn run(db: &mut Db) -> Result<(), StoreError> {
    let failed =
        |error: Box<dyn std::error::Error + Send + Sync>| StoreError::Unavailable(format!("migration: {error}"));
    match db {
        Db::Sqlite(c) => {
            c.run_pending_migrations(SQLITE).map_err(failed)?;
        }
        Db::Pg(_) => {
            // The one advisory lock of this service: several nodes may start at once.
            dialect::execute(db, "SELECT pg_advisory_lock(4262013)")?;
            let Db::Pg(c) = db else { return Ok(()) };
            let end = c.run_pending_migrations(POSTGRES).map(|_| ()).map_err(failed);
            dialect::execute(db, "SELECT pg_advisory_unlock(4262013)")?;
            end?;
        }
    }
    Ok(())
}

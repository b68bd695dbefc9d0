//! One connection to either engine, opened the way this service needs it.
#![expect(missing_docs, reason = "MultiConnection derives public items without docs")]

use diesel::connection::SimpleConnection;
use diesel::prelude::*;
use std::path::Path;
use std::time::Duration;

/// A connection. Queries are written once against it; what the engines say differently is in `dialect`.
#[derive(diesel::MultiConnection)]
pub enum Db {
    /// Scale.
    Pg(PgConnection),
    /// The embedded default.
    Sqlite(SqliteConnection),
}

/// Where the data lies.
#[derive(Clone, PartialEq, Eq)]
pub enum Target {
    /// A file of the embedded engine.
    Sqlite(std::path::PathBuf),
    /// A PostgreSQL server, by URL.
    Postgres(String),
}

impl std::fmt::Debug for Target {
    /// The URL may hold a password: it is not shown.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Sqlite(path) => f.debug_tuple("Sqlite").field(path).finish(),
            Self::Postgres(_) => f.write_str("Postgres(…)"),
        }
    }
}

/// How long a connection waits for whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timeouts {
    /// For a connection to be free, or to be made (PostgreSQL).
    pub acquire: Duration,
    /// For a statement (PostgreSQL); zero is without end.
    pub statement: Duration,
    /// For a lock that another process holds (SQLite).
    pub busy: Duration,
}

impl Timeouts {
    /// Of a command that an operator waits for: a statement takes the time it takes.
    pub const PATIENT: Self =
        Self { acquire: Duration::from_secs(10), statement: Duration::ZERO, busy: Duration::from_secs(10) };
}

impl Default for Timeouts {
    /// Those of `config/default.toml`.
    fn default() -> Self {
        Self { acquire: Duration::from_secs(5), statement: Duration::from_secs(15), busy: Duration::from_secs(5) }
    }
}

/// The first SQLite version that can't lose a commit while the WAL is reset.
pub const LEAST_SQLITE: (u32, u32, u32) = (3, 51, 3);

/// Whether whoever had the database last closed it. SQLite takes its log away when the last connection is closed: one that
/// holds something was left behind by a crash, or belongs to a process that runs.
pub(super) fn was_closed(target: &Target) -> bool {
    let Target::Sqlite(path) = target else { return true };
    let mut log = path.as_os_str().to_owned();
    log.push("-wal");
    !std::fs::metadata(log).is_ok_and(|log| log.len() > 0)
}

/// Opens a connection that may write.
pub(super) fn open(target: &Target, timeouts: &Timeouts) -> Result<Db, ConnectionError> {
    match target {
        // The default writes the log back to the file every 4 MB, which is every few groups under load, and most of those
        // pages are changed again soon.
        Target::Sqlite(path) => sqlite(path, timeouts, "PRAGMA wal_autocheckpoint = 4000;").map(Db::Sqlite),
        Target::Postgres(url) => postgres(url, timeouts, "").map(Db::Pg),
    }
}

/// Opens a connection that only reads.
pub(super) fn open_reader(target: &Target, timeouts: &Timeouts) -> Result<Db, ConnectionError> {
    match target {
        Target::Sqlite(path) => sqlite(path, timeouts, "PRAGMA query_only = ON;").map(Db::Sqlite),
        Target::Postgres(url) => postgres(url, timeouts, "SET default_transaction_read_only = on;").map(Db::Pg),
    }
}

fn sqlite(path: &Path, timeouts: &Timeouts, more: &str) -> Result<SqliteConnection, ConnectionError> {
    let mut connection = SqliteConnection::establish(&path.to_string_lossy())?;
    // FULL: a commit that was answered must outlive a power cut. Grouping commits makes it cheap.
    connection
        .batch_execute(&format!(
            "PRAGMA busy_timeout = {}; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA foreign_keys = ON; \
             PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456; PRAGMA temp_store = MEMORY; {more}",
            timeouts.busy.as_millis()
        ))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

fn postgres(url: &str, timeouts: &Timeouts, more: &str) -> Result<PgConnection, ConnectionError> {
    let mut connection = PgConnection::establish(&patient(url, timeouts.acquire))?;
    connection
        .batch_execute(&format!(
            "SET TIME ZONE 'UTC'; SET synchronous_commit = on; SET statement_timeout = {}; SET lock_timeout = '5s'; \
             SET idle_in_transaction_session_timeout = '60s'; SET client_min_messages = warning; {more}",
            timeouts.statement.as_millis()
        ))
        .map_err(ConnectionError::CouldntSetupConfiguration)?;
    Ok(connection)
}

/// A URL that says how long a server may take to answer, unless it says so itself.
fn patient(url: &str, acquire: Duration) -> String {
    if url.contains("connect_timeout=") {
        return url.to_owned();
    }
    let joint = if url.contains('?') { '&' } else { '?' };
    format!("{url}{joint}connect_timeout={}", acquire.as_secs().max(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(QueryableByName)]
    struct CompileOption {
        #[diesel(sql_type = diesel::sql_types::Text)]
        compile_options: String,
    }

    /// What `.cargo/config.toml` asks for has reached the library: without it every query with a LIMIT is planned anew.
    #[test]
    fn sqlite_is_compiled_as_asked_for() {
        let mut connection = sqlite(Path::new(":memory:"), &Timeouts::PATIENT, "").unwrap();
        let options: Vec<CompileOption> = diesel::sql_query("PRAGMA compile_options").load(&mut connection).unwrap();
        let has = |wanted: &str| options.iter().any(|option| option.compile_options == wanted);
        assert!(has("ENABLE_QPSG") && has("THREADSAFE=2") && has("DEFAULT_MEMSTATUS=0"));
        assert!(!has("ENABLE_MEMORY_MANAGEMENT"));
    }
}

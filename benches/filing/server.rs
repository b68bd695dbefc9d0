//! The server under test, and the databases: that of the server, and empty ones for the store alone.

use anyhow::{Context, Result, bail, ensure};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use fangxin::ambient::Stopwatch;
use fangxin::bench::{client, machine};
use fangxin::store::Target;
use std::cell::RefCell;
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

/// A database that is made for the run and goes with it.
pub(crate) struct Database {
    target: Target,
    /// Data folder of the server.
    data: PathBuf,
    postgres: Option<Postgres>,
}

struct Postgres {
    /// The connection that made the database and drops it.
    admin: RefCell<PgConnection>,
    url: String,
    name: String,
    /// The database server's first process, when it runs on this machine.
    postmaster: Option<u32>,
}

#[derive(QueryableByName)]
struct Number {
    #[diesel(sql_type = BigInt)]
    number: i64,
}

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

#[derive(QueryableByName)]
struct Pid {
    #[diesel(sql_type = Integer)]
    pid: i32,
}

impl Database {
    /// SQLite, in a data folder of that name below.
    pub(crate) fn sqlite(folder: &Path, name: &str) -> Result<Self> {
        let data = folder.join(name);
        std::fs::create_dir_all(&data)?;
        Ok(Self { target: Target::Sqlite(data.join("fangxin.db")), data, postgres: None })
    }

    /// A new database of a PostgreSQL server.
    pub(crate) fn postgres(url: &str) -> Result<Self> {
        Self::on_postgres(url, &format!("fangxin_bench_{}", std::process::id()))
    }

    fn on_postgres(url: &str, name: &str) -> Result<Self> {
        let mut admin = PgConnection::establish(url)?;
        diesel::sql_query(format!("CREATE DATABASE {name}")).execute(&mut admin)?;
        let Pid { pid } = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(&mut admin)?;
        let postmaster = machine::server_of(u32::try_from(pid)?);
        let (base, query) =
            url.split_once('?').map_or((url, String::new()), |(base, query)| (base, format!("?{query}")));
        let (server, _) = base.rsplit_once('/').context("FANGXIN_TEST_POSTGRES names no database")?;
        let postgres = Postgres { admin: RefCell::new(admin), url: url.to_owned(), name: name.to_owned(), postmaster };
        let target = Target::Postgres(format!("{server}/{name}{query}"));
        Ok(Self { target, data: PathBuf::new(), postgres: Some(postgres) })
    }

    /// An empty one of the same kind. One of SQLite that had that name goes.
    pub(crate) fn another(&self, folder: &Path, name: &str) -> Result<Self> {
        match &self.postgres {
            None => {
                if folder.join(name).exists() {
                    std::fs::remove_dir_all(folder.join(name))?;
                }
                Self::sqlite(folder, name)
            }
            Some(postgres) => Self::on_postgres(&postgres.url, &format!("{}_{name}", postgres.name)),
        }
    }

    /// Whether it is SQLite.
    pub(crate) fn is_sqlite(&self) -> bool {
        self.postgres.is_none()
    }

    /// Where it is.
    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// The engine's name.
    pub(crate) fn name(&self) -> &'static str {
        if self.postgres.is_some() { "PostgreSQL" } else { "SQLite" }
    }

    /// The database server's first process, if it has one here.
    pub(crate) fn postmaster(&self) -> Option<u32> {
        self.postgres.as_ref().and_then(|postgres| postgres.postmaster)
    }

    /// The engine's version. SQLite's is the one linked here, which is the server's too: both come from one build.
    pub(crate) fn version(&self) -> Result<String> {
        let Version { version } = match &self.postgres {
            None => diesel::sql_query("SELECT sqlite_version() AS version")
                .get_result(&mut SqliteConnection::establish(":memory:")?)?,
            Some(postgres) => diesel::sql_query("SELECT current_setting('server_version') AS version")
                .get_result(&mut *postgres.admin.borrow_mut())?,
        };
        Ok(version)
    }

    /// The settings on which durability and speed depend.
    pub(crate) fn settings(&self) -> Result<String> {
        let Some(postgres) = &self.postgres else {
            return Ok("journal_mode=WAL, synchronous=FULL".to_owned());
        };
        let query = "SELECT string_agg(name || '=' || setting, ', ' ORDER BY name) AS version FROM pg_settings \
                     WHERE name IN ('fsync', 'synchronous_commit', 'shared_buffers', 'wal_sync_method')";
        let Version { version } = diesel::sql_query(query).get_result(&mut *postgres.admin.borrow_mut())?;
        Ok(version)
    }

    /// How many cases it holds.
    pub(crate) fn count_cases(&self) -> Result<usize> {
        let query = diesel::sql_query("SELECT count(*) AS number FROM cases");
        let Number { number } = match &self.target {
            Target::Sqlite(path) => query.get_result(&mut SqliteConnection::establish(&path.to_string_lossy())?)?,
            Target::Postgres(url) => query.get_result(&mut PgConnection::establish(url)?)?,
        };
        Ok(usize::try_from(number)?)
    }

    /// Bytes that it takes on disk. SQLite's log is part of it until a checkpoint; a clean stop leaves none.
    pub(crate) fn bytes(&self) -> Result<u64> {
        match &self.postgres {
            None => machine::bytes_below(&self.data),
            Some(postgres) => {
                let query = format!("SELECT pg_database_size('{}') AS number", postgres.name);
                let Number { number } = diesel::sql_query(query).get_result(&mut *postgres.admin.borrow_mut())?;
                Ok(u64::try_from(number)?)
            }
        }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Some(postgres) = &self.postgres {
            let query = format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", postgres.name);
            if let Err(error) = diesel::sql_query(query).execute(&mut *postgres.admin.borrow_mut()) {
                eprintln!("{}: {error}", postgres.name);
            }
        }
    }
}

/// A running server; killed when it is dropped.
pub(crate) struct Server {
    child: Child,
    address: SocketAddr,
}

/// How long starting and stopping may take.
const PATIENCE: Duration = Duration::from_secs(60);

impl Server {
    /// Starts the binary and waits until it is ready.
    pub(crate) fn start(database: &Database, folder: &Path) -> Result<Self> {
        // Free a moment ago; taken meanwhile it is an error that says so.
        let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
        let data = if database.data.as_os_str().is_empty() { folder.join("data") } else { database.data.clone() };
        let log = folder.join(format!("{}.log", database.name()));
        let mut command = Command::new(env!("CARGO_BIN_EXE_fangxin"));
        command.arg("serve").arg("--listen").arg(address.to_string()).arg("--data").arg(&data);
        if let Target::Postgres(url) = &database.target {
            command.arg("--database").arg(url);
        }
        // One client address sends everything: the limits would answer most of it.
        command.env("FANGXIN__LIMITS__ENABLED", "false").stdin(Stdio::null());
        let output = std::fs::File::create(&log)?;
        command.stdout(output.try_clone()?).stderr(output);
        let mut server = Self { child: command.spawn()?, address };
        let watch = Stopwatch::start();
        while !client::get(address, "/readyz").is_ok_and(|(status, _)| status == 200) {
            if server.child.try_wait()?.is_some() || watch.elapsed() > PATIENCE {
                bail!("the server doesn't get ready: {}", std::fs::read_to_string(&log)?);
            }
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(server)
    }

    /// Where it listens.
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// Its process.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Asks it to end and waits for it, so that what it holds is written out.
    pub(crate) fn stop(mut self) -> Result<()> {
        let asked = Command::new("kill").arg("-TERM").arg(self.pid().to_string()).status()?;
        ensure!(asked.success(), "the server can't be asked to stop");
        let watch = Stopwatch::start();
        while self.child.try_wait()?.is_none() {
            ensure!(watch.elapsed() < PATIENCE, "the server doesn't stop");
            std::thread::sleep(Duration::from_millis(50));
        }
        Ok(())
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        // After a stop there is nothing to kill.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

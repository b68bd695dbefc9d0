//! The two databases that every suite runs on.

use super::say;
use diesel::pg::PgConnection;
use diesel::{Connection, RunQueryDsl, sql_query};
use std::fmt;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Mutex, Once, PoisonError};

/// Where the data lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Engine {
    /// A file in the data folder.
    Sqlite,
    /// A database of its own on the server of `FANGXIN_TEST_POSTGRES`.
    Postgres,
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Sqlite => "SQLite",
            Self::Postgres => "PostgreSQL",
        })
    }
}

/// Every engine that can be run here; says so when PostgreSQL can't.
pub(crate) fn engines() -> impl Iterator<Item = Engine> {
    static SAID: Once = Once::new();
    let postgres = server().is_some();
    if !postgres {
        SAID.call_once(|| say("PostgreSQL part not run: FANGXIN_TEST_POSTGRES is not set"));
    }
    [Engine::Sqlite].into_iter().chain(postgres.then_some(Engine::Postgres))
}

fn server() -> Option<String> {
    std::env::var("FANGXIN_TEST_POSTGRES").ok().filter(|url| !url.is_empty())
}

/// A database that is made for one server of the tests, and dropped after it.
#[derive(Debug)]
pub(crate) struct Database {
    name: String,
    pub(crate) url: String,
}

/// Databases are made from one template, one after the other.
static ADMIN: Mutex<()> = Mutex::new(());

fn admin(statement: &str) {
    let _turn = ADMIN.lock().unwrap_or_else(PoisonError::into_inner);
    let url = server().expect("FANGXIN_TEST_POSTGRES");
    let mut connection = PgConnection::establish(&url).expect("the server of FANGXIN_TEST_POSTGRES answers");
    sql_query(statement).execute(&mut connection).unwrap_or_else(|error| panic!("{statement}: {error}"));
}

impl Database {
    /// Makes an empty one.
    pub(crate) fn create() -> Self {
        static COUNT: AtomicU32 = AtomicU32::new(0);
        let name = format!("fangxin_test_{}_{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        admin(&format!("CREATE DATABASE {name}"));
        let server = server().expect("FANGXIN_TEST_POSTGRES");
        let (front, parameters) = server.split_once('?').map_or((server.as_str(), None), |(a, b)| (a, Some(b)));
        let (host, _) = front.rsplit_once('/').expect("postgres://…/database");
        let parameters = parameters.map_or_else(String::new, |parameters| format!("?{parameters}"));
        let url = format!("{host}/{name}{parameters}");
        Self { name, url }
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if !std::thread::panicking() {
            admin(&format!("DROP DATABASE {} WITH (FORCE)", self.name));
        }
    }
}

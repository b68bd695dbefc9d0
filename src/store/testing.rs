//! Stores for tests: a file that goes away, and a schema of its own on PostgreSQL when a server is named.

use crate::store::db::{self, Target, Timeouts};
use crate::store::dialect;
use crate::store::engine::{Options, Store};

/// A store with what keeps it alive.
pub(crate) struct Opened {
    /// The store; before the directory, so that it closes first.
    pub(crate) store: Store,
    _directory: Option<tempfile::TempDir>,
}

/// An empty store on each engine at hand: SQLite always, PostgreSQL when `FANGXIN_TEST_POSTGRES` names one by URL.
pub(crate) fn stores() -> Vec<Opened> {
    opened(|target| match &target {
        Target::Sqlite(_) => Options::new(target),
        Target::Postgres(_) => Options { readers: 2, writers: 2, ..Options::new(target) },
    })
}

/// The same with one connection for reading, and with timeouts.
pub(crate) fn stores_with(timeouts: Timeouts) -> Vec<Opened> {
    opened(|target| Options { readers: 1, writers: 1, timeouts, ..Options::new(target) })
}

#[expect(clippy::disallowed_methods, reason = "tests aren't configured by settings")]
fn opened(options: impl Fn(Target) -> Options) -> Vec<Opened> {
    let directory = tempfile::tempdir().unwrap();
    let file = Target::Sqlite(directory.path().join("test.db"));
    let mut stores = vec![Opened { store: Store::open(&options(file)).unwrap(), _directory: Some(directory) }];
    if let Ok(url) = std::env::var("FANGXIN_TEST_POSTGRES") {
        let schema = format!("test_{}", tempfile::tempdir().unwrap().path().file_name().unwrap().to_string_lossy());
        let schema: String = schema.chars().filter(|c| c.is_ascii_alphanumeric() || *c == '_').collect();
        let mut db = db::open(&Target::Postgres(url.clone()), &Timeouts::default()).unwrap();
        dialect::execute(&mut db, &format!("CREATE SCHEMA \"{schema}\"")).unwrap();
        let joint = if url.contains('?') { '&' } else { '?' };
        let target = Target::Postgres(format!("{url}{joint}options=-csearch_path%3D%22{schema}%22"));
        stores.push(Opened { store: Store::open(&options(target)).unwrap(), _directory: None });
    }
    stores
}

//! How fast filings are taken in: the release binary under load over HTTP, and beside it, in the same run, what the store
//! alone takes of the same rows.
//!
//! `make bench` runs it on SQLite; `scripts/with-postgres.sh make bench` on PostgreSQL too. `FANGXIN_BENCH_SECONDS` is the
//! length of each load (10), `FANGXIN_BENCH_WRITE=1` writes the report to `docs/benchmarks.md`.
//!
//! The client shares the processors with the server, and its loop is closed: a connection sends its next filing when the
//! answer to the last is there. So a stall is seen by as many requests as there are connections, not by those that would
//! have come meanwhile, and p99 is too kind by that.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]
#![expect(clippy::disallowed_methods, reason = "a program of its own: it reads its two switches from the environment")]

#[path = "filing/cases.rs"]
mod cases;
#[path = "filing/client.rs"]
mod client;
#[path = "filing/machine.rs"]
mod machine;
#[path = "filing/report.rs"]
mod report;
#[path = "filing/server.rs"]
mod server;

use crate::client::Load;
use crate::report::{Alone, Echo, Report, Run};
use crate::server::{Database, Server};
use anyhow::{Context, Result, ensure};
use fangxin::ambient::Stopwatch;
use fangxin::store::filing::{Filed, Filing};
use fangxin::store::{Options, Store};
use futures_util::StreamExt;
use std::path::Path;
use std::time::Duration;

/// Keep-alive connections of the loads, one load after the other on one server.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// Most rows that are made ready in memory for the store alone.
const MOST_ROWS: usize = 60_000;

fn main() -> Result<()> {
    let seconds: u64 = match std::env::var("FANGXIN_BENCH_SECONDS") {
        Ok(text) => text.parse().context("FANGXIN_BENCH_SECONDS is no number")?,
        Err(_) => 10,
    };
    // On the disk of the build, never in a folder that may lie in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let mut report = Report::begin(seconds, machine::describe()?, machine::sync_times(folder.path())?);
    let length = Duration::from_secs(seconds);

    measure(Database::sqlite(folder.path())?, folder.path(), length, &mut report)?;
    match std::env::var("FANGXIN_TEST_POSTGRES") {
        Ok(url) => measure(Database::postgres(&url)?, folder.path(), length, &mut report)?,
        Err(_) => eprintln!("without PostgreSQL: FANGXIN_TEST_POSTGRES is not set"),
    }

    let text = report.to_string();
    println!("{text}");
    if std::env::var("FANGXIN_BENCH_WRITE").is_ok_and(|value| value == "1") {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        std::fs::create_dir_all(&docs)?;
        std::fs::write(docs.join("benchmarks.md"), text)?;
    }
    Ok(())
}

/// All loads on one engine.
fn measure(database: Database, folder: &Path, length: Duration, report: &mut Report) -> Result<()> {
    eprintln!("{}: starting", database.name());
    let server = Server::start(&database, folder)?;
    report.version(format!("{} {}", database.name(), database.version()?), server.version()?);

    // What an empty database takes is no case's.
    let empty = database.bytes()?;

    // Warms the server up, and gives the cases that the store alone will store again.
    let warm = client::file(server.address(), &Load { connections: 8, length: Duration::from_secs(1), first: 0 })?;
    ensure!(warm.accepted > 0, "no filing was accepted: {:?}", warm.others);
    let templates = cases::load(&database, &warm.references)?;

    let mut first = warm.begun;
    let mut all = warm.accepted;
    let mut last = 0;
    for connections in CONNECTIONS {
        eprintln!("{}: {connections} connections", database.name());
        let before = machine::Usage::now(server.pid(), database.postmaster())?;
        let load = client::file(server.address(), &Load { connections, length, first })?;
        let used = machine::Usage::now(server.pid(), database.postmaster())?.since(&before);
        first += load.begun;
        all += load.accepted;
        last = load.accepted;
        report.run(Run {
            engine: database.name(),
            connections,
            memory_mib: machine::resident_mib(server.pid())?,
            used,
            load,
        });
    }
    eprintln!("{}: echo", database.name());
    let (answers, elapsed) = client::echo(server.address(), CONNECTIONS[2], length.min(Duration::from_secs(3)))?;
    report.echo(Echo { engine: database.name(), connections: CONNECTIONS[2], rate: rate(answers, elapsed) });

    server.stop()?;
    // Every 201 must be a row; nothing is said of speed if that doesn't hold.
    let stored = database.count_cases()?;
    ensure!(stored >= all, "{all} filings were answered with 201, {stored} are stored");
    report.disk(database.name(), stored, all, database.bytes()?.saturating_sub(empty));

    for in_flight in [1, CONNECTIONS[2]] {
        eprintln!("{}: the store alone, {in_flight} in flight", database.name());
        report.alone(alone(&database, folder, &templates, last, length, in_flight)?);
    }
    Ok(())
}

/// Stores the same rows by the store's own function, in an empty database: one after the other, each with its own commit,
/// or so many at once that the store groups them.
fn alone(
    database: &Database,
    folder: &Path,
    templates: &[cases::Template],
    rows: usize,
    length: Duration,
    in_flight: usize,
) -> Result<Alone> {
    let scratch = database.scratch(folder, in_flight)?;
    let store = Store::open(&Options::new(scratch.target().clone()))?;
    let filings = cases::copies(templates, rows.clamp(1, MOST_ROWS))?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build()?;
    let limit = length * 2;
    let before = machine::Usage::now(std::process::id(), database.postmaster())?;
    let watch = Stopwatch::start();
    let ends: Vec<Result<Filed, _>> = runtime.block_on(async {
        let started = filings.into_iter().take_while(|_| watch.elapsed() < limit);
        futures_util::stream::iter(started.map(|new| store.file(Filing { cases: vec![new], idempotency: None })))
            .buffer_unordered(in_flight)
            .collect()
            .await
    });
    let elapsed = watch.elapsed();
    let used = machine::Usage::now(std::process::id(), database.postmaster())?.since(&before);
    let mut stored = 0;
    for end in ends {
        ensure!(end? == Filed::Done, "a copied case was not stored");
        stored += 1;
    }
    drop(store);
    Ok(Alone { engine: database.name(), in_flight, stored, rate: rate(stored, elapsed), used })
}

/// So many in a second.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact in f64")]
fn rate(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

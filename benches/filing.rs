//! How fast filings are taken in: the release binary under load over HTTP, and beside it, in the same run, what the engine
//! takes of the very same rows when they are inserted by hand.
//!
//! `make bench` runs it on SQLite; `scripts/with-postgres.sh make bench` on PostgreSQL too. `FANGXIN_BENCH_SECONDS` is the
//! length of each load (3), `FANGXIN_BENCH_WRITE=1` writes the report to `docs/benchmarks.md`.
//!
//! The client shares the processors with the server, and its loop is closed: a connection sends its next filing when the
//! answer to the last is there. So a stall is seen by as many requests as there are connections, not by those that would
//! have come meanwhile, and p99 is too kind by that.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]
#![expect(clippy::disallowed_methods, reason = "a program of its own: it reads its two switches from the environment")]

#[path = "filing/cases.rs"]
mod cases;
#[path = "filing/raw.rs"]
mod raw;
#[path = "filing/report.rs"]
mod report;
#[path = "filing/server.rs"]
mod server;

use crate::cases::Length;
use crate::raw::Way;
use crate::report::{Disk, Engine, Raw, Report, Run};
use crate::server::{Database, Server};
use anyhow::{Context, Result, ensure};
use fangxin::bench::client::{self, Load};
use fangxin::bench::machine;
use fangxin::store::{Options, Store};
use std::path::Path;
use std::time::Duration;

/// Keep-alive connections of the loads.
const CONNECTIONS: [usize; 3] = [1, 8, 64];

/// Times that everything is measured; the median is told.
const ROUNDS: usize = 3;

/// Most cases that are made ready in memory to be inserted by hand.
const MOST_CASES: usize = 20_000;

fn main() -> Result<()> {
    let seconds: u64 = match std::env::var("FANGXIN_BENCH_SECONDS") {
        Ok(text) => text.parse().context("FANGXIN_BENCH_SECONDS is no number")?,
        Err(_) => 3,
    };
    // On the disk of the build, never in a folder that may lie in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let length = Duration::from_secs(seconds);
    let mut report = Report::begin(seconds, machine::describe()?, machine::sync_times(folder.path())?);

    report.engines.push(measure(&Database::sqlite(folder.path(), "sqlite")?, folder.path(), length)?);
    match std::env::var("FANGXIN_TEST_POSTGRES") {
        Ok(url) => report.engines.push(measure(&Database::postgres(&url)?, folder.path(), length)?),
        Err(_) => eprintln!("without PostgreSQL: FANGXIN_TEST_POSTGRES is not set"),
    }

    let text = report.to_string();
    println!("{text}");
    if std::env::var("FANGXIN_BENCH_WRITE").is_ok_and(|value| value == "1") {
        std::fs::write(Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/benchmarks.md"), text)?;
    }
    Ok(())
}

/// Everything on one engine.
fn measure(database: &Database, folder: &Path, length: Duration) -> Result<Engine> {
    eprintln!("{}: starting", database.name());
    let server = Server::start(database, folder)?;
    let idle_mib = machine::anonymous_mib(server.pid())?;

    // Warms the server up, and gives the cases that will be inserted by hand.
    let second = Duration::from_secs(1);
    let warm = load(&server, 8, second, 0, Length::Short)?;
    let templates = cases::load(database, &warm.references)?;

    let (mut first, mut all) = (warm.begun, warm.accepted);
    let mut runs = Vec::new();
    for round in 1..=ROUNDS {
        for connections in CONNECTIONS {
            eprintln!("{}: {connections} connections, {round} of {ROUNDS}", database.name());
            let before = machine::Usage::now(server.pid(), database.postmaster())?;
            let load = load(&server, connections, length, first, Length::Short)?;
            let used = machine::Usage::now(server.pid(), database.postmaster())?.since(&before);
            first += load.begun;
            all += load.accepted;
            runs.push(Run { connections, memory_mib: machine::anonymous_mib(server.pid())?, used, load });
        }
    }
    let (answers, elapsed) = client::echo(server.address(), CONNECTIONS[2], length)?;
    let (version, settings) = (database.version()?, database.settings()?);
    server.stop()?;
    // Every 201 must be a row; nothing is said of speed if that doesn't hold.
    let stored = database.count_cases()?;
    ensure!(stored >= all, "{all} filings were answered with 201, {stored} are stored");

    Ok(Engine {
        name: database.name(),
        version,
        settings,
        idle_mib,
        runs,
        health: rate(answers, elapsed),
        disk: disk(database, folder, length)?,
        raw: by_hand(database, folder, length, &templates)?,
    })
}

fn load(
    server: &Server,
    connections: usize,
    length: Duration,
    first: usize,
    narrative: Length,
) -> Result<client::Outcome> {
    let body = |number: usize, into: &mut String| cases::body(number, narrative, into);
    let outcome = client::file(server.address(), &Load { connections, length, first, body: &body })?;
    ensure!(outcome.accepted > 0, "no filing was accepted: {:?}", outcome.first_other);
    Ok(outcome)
}

/// What cases with a long narrative take on disk, after a clean stop.
fn disk(like: &Database, folder: &Path, length: Duration) -> Result<Disk> {
    let database = like.another(folder, "disk")?;
    let server = Server::start(&database, folder)?;
    // What an empty database takes is no case's.
    let empty = database.bytes()?;
    load(&server, CONNECTIONS[2], length, 0, Length::Long)?;
    server.stop()?;
    Ok(Disk { cases: database.count_cases()?, bytes: database.bytes()?.saturating_sub(empty) })
}

/// Inserts the rows of cases that the server had stored by hand, in empty databases with the same schema.
fn by_hand(like: &Database, folder: &Path, length: Duration, templates: &[cases::Template]) -> Result<Vec<Raw>> {
    let made = cases::copies(templates, MOST_CASES)?;
    let ready = made.iter().map(raw::Case::new).collect::<Result<Vec<_>>>()?;
    drop(made);
    let mut ways = Vec::new();
    for counters in [false, true] {
        // SQLite has one writer; its other way is to group.
        let at_once = if like.is_sqlite() { [(1, 1), (1, 64)].as_slice() } else { &[(1, 1), (8, 1), (64, 1)] };
        ways.extend(at_once.iter().map(|&(connections, group)| Way { connections, group, counters }));
    }
    let mut all = Vec::new();
    for way in ways {
        eprintln!("{}: by hand, {way:?}", like.name());
        let mut rates = Vec::with_capacity(ROUNDS);
        let (mut stored, mut used) = (0, 0);
        for round in 0..ROUNDS {
            let database = like.another(folder, &format!("hand{round}"))?;
            drop(Store::open(&Options::new(database.target().clone()))?);
            let before = machine::Usage::now(std::process::id(), database.postmaster())?;
            let (cases, elapsed) = raw::run(&database, &ready, length.min(Duration::from_secs(2)), way)?;
            let usage = machine::Usage::now(std::process::id(), database.postmaster())?.since(&before);
            ensure!(database.count_cases()? == cases, "rows that were inserted by hand are missing");
            rates.push(rate(cases, elapsed));
            stored += cases;
            used += usage.client + usage.database;
        }
        all.push(Raw { way, rates, stored, used });
    }
    Ok(all)
}

/// So many in a second.
#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact in f64")]
fn rate(count: usize, elapsed: Duration) -> f64 {
    count as f64 / elapsed.as_secs_f64()
}

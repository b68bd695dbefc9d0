//! The report: what was measured, on what, and what each figure is.

use crate::client::Outcome;
use crate::machine::Usage;
use crate::rate;
use fangxin::ambient::{Clock, SystemClock, today_in_shanghai};
use std::fmt;

/// One load over HTTP.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) engine: &'static str,
    pub(crate) connections: usize,
    pub(crate) memory_mib: u64,
    pub(crate) used: Usage,
    pub(crate) load: Outcome,
}

/// The cheapest answer of the same server.
#[derive(Debug)]
pub(crate) struct Echo {
    pub(crate) engine: &'static str,
    pub(crate) connections: usize,
    pub(crate) rate: f64,
}

/// The store without HTTP, checks, classification, routing and sealing.
#[derive(Debug)]
pub(crate) struct Alone {
    pub(crate) engine: &'static str,
    pub(crate) in_flight: usize,
    pub(crate) stored: usize,
    pub(crate) rate: f64,
    pub(crate) used: Usage,
}

struct Disk {
    engine: &'static str,
    stored: usize,
    accepted: usize,
    bytes: u64,
}

/// Everything that was measured.
pub(crate) struct Report {
    seconds: u64,
    machine: String,
    sync: (f64, f64),
    versions: Vec<(String, String)>,
    runs: Vec<Run>,
    echoes: Vec<Echo>,
    disks: Vec<Disk>,
    alone: Vec<Alone>,
}

impl Report {
    pub(crate) fn begin(seconds: u64, machine: String, sync: (f64, f64)) -> Self {
        let (versions, runs, echoes, disks, alone) = Default::default();
        Self { seconds, machine, sync, versions, runs, echoes, disks, alone }
    }

    pub(crate) fn version(&mut self, engine: String, text: String) {
        self.versions.push((engine, text));
    }

    pub(crate) fn run(&mut self, run: Run) {
        self.runs.push(run);
    }

    pub(crate) fn echo(&mut self, echo: Echo) {
        self.echoes.push(echo);
    }

    pub(crate) fn disk(&mut self, engine: &'static str, stored: usize, accepted: usize, bytes: u64) {
        self.disks.push(Disk { engine, stored, accepted, bytes });
    }

    pub(crate) fn alone(&mut self, alone: Alone) {
        self.alone.push(alone);
    }
}

/// Milliseconds for each of so many.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn each(millis: u64, count: usize) -> f64 {
    millis as f64 / count.max(1) as f64
}

/// Share of the machine's time that others used.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn others(run: &Run) -> f64 {
    let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
    run.used.others() as f64 / (run.load.elapsed.as_secs_f64() * 1000.0 * cores) * 100.0
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written by `FANGXIN_BENCH_WRITE=1 make bench` (with PostgreSQL: `FANGXIN_BENCH_WRITE=1 scripts/with-postgres.sh make\n\
             bench`); the program is `benches/filing.rs`. One run, not a median of several.\n"
        )?;
        writeln!(f, "- Date: {} (Asia/Shanghai)", today_in_shanghai(SystemClock.now()))?;
        writeln!(f, "- Machine: {}", self.machine)?;
        writeln!(
            f,
            "- Disk of the data folder: appending 8 kB and `fdatasync` takes {:.3} ms (median of 500), {:.3} ms (99 % of them)",
            self.sync.0, self.sync.1
        )?;
        for (engine, version) in &self.versions {
            writeln!(f, "- Server on {engine}: `{version}`")?;
        }
        self.loads(f)?;
        self.beside(f)
    }
}

impl Report {
    fn loads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Filing over HTTP\n")?;
        writeln!(
            f,
            "`POST /api/v1/cases`, the smallest form that must be accepted, another person, text and amount each time; {} s a row, one\n\
             row after the other on one server that began empty and had one second of warm-up; limits off. *Accepted* is answered\n\
             with 201, which is said after the commit. Client and server share the processors. The client waits for each answer\n\
             before it sends the next, so that its p99 doesn't count those who would have come during a stall.\n",
            self.seconds
        )?;
        writeln!(
            f,
            "| engine | connections | accepted/s | p50 ms | p95 ms | p99 ms | not 201 | processor ms a case: server | database | client | \
             memory MiB | others' share of the processors |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for run in &self.runs {
            let load = &run.load;
            writeln!(
                f,
                "| {} | {} | {:.0} | {:.2} | {:.2} | {:.2} | {} | {:.3} | {:.3} | {:.3} | {} | {:.0} % |",
                run.engine,
                run.connections,
                rate(load.accepted, load.elapsed),
                load.permille(500),
                load.permille(950),
                load.permille(990),
                load.others.values().sum::<usize>(),
                each(run.used.server, load.accepted),
                each(run.used.database, load.accepted),
                each(run.used.client, load.accepted),
                run.memory_mib,
                others(run),
            )?;
        }
        writeln!(f)?;
        for disk in &self.disks {
            writeln!(
                f,
                "- {}: {} cases stored, {} answered with 201; {} bytes a case on disk after a clean stop (all tables, indexes and the search\n  index).",
                disk.engine,
                disk.stored,
                disk.accepted,
                disk.bytes / u64::try_from(disk.stored.max(1)).unwrap_or(1)
            )?;
        }
        Ok(())
    }

    fn beside(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Beside it, in the same run\n")?;
        writeln!(
            f,
            "*The store alone*: `Store::file`, called by this program in an empty database, with the rows of cases that the server had\n\
             just stored, copied in turn with keys, numbers, hashes and search tokens of their own and made ready before the clock\n\
             starts; as many as the server accepted at the most connections, or as many as fit into twice the length of a load. No\n\
             HTTP, no checks, no classification, routing or sealing; but the store's own statements, counters and hand-over to its\n\
             thread, so this is no hand-written insert. With one in flight each case is a transaction of its own, made\n\
             durable before the next begins; with more the store groups them as it does for the server. *Health* is `GET /healthz`\n\
             on the same server: what HTTP alone costs.\n"
        )?;
        writeln!(
            f,
            "| engine | what | at once | a second | of so many | processor ms each (this program and database) |"
        )?;
        writeln!(f, "|---|---|--:|--:|--:|--:|")?;
        for alone in &self.alone {
            writeln!(
                f,
                "| {} | the store alone | {} | {:.0} | {} | {:.3} |",
                alone.engine,
                alone.in_flight,
                alone.rate,
                alone.stored,
                each(alone.used.client + alone.used.database, alone.stored)
            )?;
        }
        for echo in &self.echoes {
            writeln!(f, "| {} | health | {} | {:.0} | | |", echo.engine, echo.connections, echo.rate)?;
        }
        Ok(())
    }
}

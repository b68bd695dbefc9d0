//! The report: what was measured, on what, and what each figure is.

use crate::cases::LONG;
use crate::raw::Way;
use crate::{CONNECTIONS, ROUNDS, rate};
use fangxin::ambient::{Clock, SystemClock, today_in_shanghai};
use fangxin::bench::client::Outcome;
use fangxin::bench::machine::Usage;
use std::fmt;

/// One load over HTTP.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) connections: usize,
    /// Anonymous memory of the server at its end.
    pub(crate) memory_mib: u64,
    pub(crate) used: Usage,
    pub(crate) load: Outcome,
}

/// One way of inserting by hand.
pub(crate) struct Raw {
    pub(crate) way: Way,
    /// A second, in each round.
    pub(crate) rates: Vec<f64>,
    /// In all rounds, with the processor time of this program and of the database.
    pub(crate) stored: usize,
    pub(crate) used: u64,
}

/// What cases with a long narrative take.
pub(crate) struct Disk {
    pub(crate) cases: usize,
    pub(crate) bytes: u64,
}

/// Everything that was measured on one engine.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) version: String,
    pub(crate) settings: String,
    pub(crate) idle_mib: u64,
    pub(crate) runs: Vec<Run>,
    /// Answers to `GET /healthz` a second.
    pub(crate) health: f64,
    pub(crate) disk: Disk,
    pub(crate) raw: Vec<Raw>,
}

/// Everything that was measured.
pub(crate) struct Report {
    seconds: u64,
    machine: String,
    sync: (f64, f64),
    pub(crate) engines: Vec<Engine>,
}

impl Report {
    pub(crate) fn begin(seconds: u64, machine: String, sync: (f64, f64)) -> Self {
        Self { seconds, machine, sync, engines: Vec::new() }
    }
}

/// Milliseconds for each of so many.
#[expect(clippy::cast_precision_loss, reason = "small counts")]
fn each(millis: u64, count: usize) -> f64 {
    millis as f64 / count.max(1) as f64
}

/// The middle one of an odd number of figures.
fn median(figures: impl IntoIterator<Item = f64>) -> f64 {
    let mut figures: Vec<f64> = figures.into_iter().collect();
    figures.sort_by(f64::total_cmp);
    figures.get(figures.len() / 2).copied().unwrap_or(f64::NAN)
}

impl Run {
    fn rate(&self) -> f64 {
        rate(self.load.accepted, self.load.elapsed)
    }

    /// Share of the machine's time that others used, in a hundred.
    #[expect(clippy::cast_precision_loss, reason = "small counts")]
    fn others(&self) -> f64 {
        let cores = std::thread::available_parallelism().map_or(1, usize::from) as f64;
        self.used.others() as f64 / (self.load.elapsed.as_secs_f64() * 1000.0 * cores) * 100.0
    }
}

impl Engine {
    fn of(&self, connections: usize) -> impl Iterator<Item = &Run> {
        self.runs.iter().filter(move |run| run.connections == connections)
    }

    /// Filings a second over the rate of rows inserted by hand, one case to a transaction: on SQLite by its one writer, on
    /// PostgreSQL at as many connections.
    fn ratio(&self, connections: usize, counters: bool) -> f64 {
        let beside = self.raw.iter().find(|raw| {
            let same = self.name == "SQLite" || raw.way.connections == connections;
            raw.way.group == 1 && raw.way.counters == counters && same
        });
        let raw = beside.map_or(f64::NAN, |raw| median(raw.rates.iter().copied()));
        median(self.of(connections).map(Run::rate)) / raw
    }
}

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "# Benchmarks\n")?;
        writeln!(
            f,
            "Written in one run by `FANGXIN_BENCH_WRITE=1 make bench` (with PostgreSQL: `FANGXIN_BENCH_WRITE=1\n\
             scripts/with-postgres.sh make bench`); the program is `benches/filing.rs`. Each figure is the median of {ROUNDS} rounds.\n"
        )?;
        writeln!(f, "- Date: {} (Asia/Shanghai)", today_in_shanghai(SystemClock.now()))?;
        writeln!(f, "- Machine: {}", self.machine)?;
        writeln!(
            f,
            "- Disk of the data folder: appending 8 kB and `fdatasync` takes {:.3} ms (median of 500), {:.3} ms (99 % of them)",
            self.sync.0, self.sync.1
        )?;
        for engine in &self.engines {
            writeln!(f, "- {} {}: {}", engine.name, engine.version, engine.settings)?;
        }
        self.loads(f)?;
        self.by_hand(f)?;
        self.sizes(f)
    }
}

impl Report {
    fn loads(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Filing over HTTP\n")?;
        writeln!(
            f,
            "`POST /api/v1/cases`, the smallest form that must be accepted, another person, text and amount each time; {} s a load, in\n\
             turn on one server that began empty and had one second of warm-up; limits off. *Accepted* is answered with 201, which\n\
             is said after the commit. Client and server share the processors. The client waits for each answer before it sends\n\
             the next, so that its p99 doesn't count those who would have come during a stall. *Others* is the share of the\n\
             processors that neither server, database nor client used. *Health* is `GET /healthz`: what HTTP alone costs.\n",
            self.seconds
        )?;
        writeln!(
            f,
            "| engine | connections | accepted/s | least–most | p50 ms | p95 ms | p99 ms | not 201 | processor ms a case: server | \
             database | client | others |"
        )?;
        writeln!(f, "|---|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|--:|")?;
        for engine in &self.engines {
            for connections in CONNECTIONS {
                let of = |figure: fn(&Run) -> f64| median(engine.of(connections).map(figure));
                writeln!(
                    f,
                    "| {} | {connections} | {:.0} | {:.0}–{:.0} | {:.2} | {:.2} | {:.2} | {} | {:.3} | {:.3} | {:.3} | {:.0} % |",
                    engine.name,
                    of(Run::rate),
                    engine.of(connections).map(Run::rate).fold(f64::INFINITY, f64::min),
                    engine.of(connections).map(Run::rate).fold(0.0, f64::max),
                    of(|run| run.load.permille(500)),
                    of(|run| run.load.permille(950)),
                    of(|run| run.load.permille(990)),
                    engine.of(connections).flat_map(|run| run.load.others.values()).sum::<usize>(),
                    of(|run| each(run.used.server, run.load.accepted)),
                    of(|run| each(run.used.database, run.load.accepted)),
                    of(|run| each(run.used.client, run.load.accepted)),
                    of(Run::others),
                )?;
            }
        }
        writeln!(f)?;
        for engine in &self.engines {
            writeln!(f, "- {}: health at {} connections {:.0}/s", engine.name, CONNECTIONS[2], engine.health)?;
        }
        Ok(())
    }

    fn by_hand(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## The same rows by hand\n")?;
        writeln!(
            f,
            "In the same run: the rows of cases that the server had just stored, copied in turn with keys, numbers, hashes and search\n\
             tokens of their own, made ready before the clock starts and inserted by nothing but prepared statements in a loop into\n\
             an empty database with the same schema and settings: case, parties, event, clocks, notice, number, full text. No HTTP,\n\
             checks, classification, routing, sealing or packing. A case also adds to 20 counters (10 views by day and month): once\n\
             without them, once with an upsert for each. SQLite: one connection, as it has one writer; one case or 64 to a\n\
             transaction. PostgreSQL: one case to a transaction, sent as one message.\n"
        )?;
        writeln!(
            f,
            "| engine | counters | connections | cases in a transaction | cases/s | least–most | processor ms a case (client and database) | \
             filing over HTTP is |"
        )?;
        writeln!(f, "|---|---|--:|--:|--:|--:|--:|---|")?;
        for engine in &self.engines {
            for raw in &engine.raw {
                let Way { connections, group, counters } = raw.way;
                let most = CONNECTIONS[2];
                let beside = if engine.name == "SQLite" { most } else { connections };
                let ratio = if group == 1 {
                    format!("{:.2} of it at {beside} connections", engine.ratio(beside, counters))
                } else {
                    String::new()
                };
                writeln!(
                    f,
                    "| {} | {} | {connections} | {group} | {:.0} | {:.0}–{:.0} | {:.3} | {ratio} |",
                    engine.name,
                    if counters { "with" } else { "without" },
                    median(raw.rates.iter().copied()),
                    raw.rates.iter().copied().fold(f64::INFINITY, f64::min),
                    raw.rates.iter().copied().fold(0.0, f64::max),
                    each(raw.used, raw.stored),
                )?;
            }
        }
        Ok(())
    }

    fn sizes(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "\n## Disk and memory\n")?;
        writeln!(
            f,
            "Disk: all tables, indexes and the search index of cases with a narrative of {LONG} characters, filed over HTTP into a\n\
             database of its own, after a clean stop, less what an empty one takes. Memory: what is the server's own (anonymous),\n\
             just started and the most after a load.\n"
        )?;
        writeln!(f, "| engine | bytes a case | of so many | memory idle MiB | under load MiB |")?;
        writeln!(f, "|---|--:|--:|--:|--:|")?;
        for engine in &self.engines {
            writeln!(
                f,
                "| {} | {} | {} | {} | {} |",
                engine.name,
                engine.disk.bytes / u64::try_from(engine.disk.cases.max(1)).unwrap_or(1),
                engine.disk.cases,
                engine.idle_mib,
                engine.runs.iter().map(|run| run.memory_mib).max().unwrap_or_default(),
            )?;
        }
        Ok(())
    }
}

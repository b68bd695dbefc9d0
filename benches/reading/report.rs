//! The report: what was measured, at which sizes, and what each figure is.

use crate::raw::{CONNECTIONS, Raw};
use fangxin::ambient::{Clock, SystemClock, today_in_shanghai};
use serde_json::Value;
use std::fmt;

/// Everything of one size.
pub(crate) struct Size {
    /// What `fangxin bench` told.
    pub(crate) told: Value,
    /// What the bare engine does.
    pub(crate) raw: Vec<Raw>,
}

/// Everything on one engine.
pub(crate) struct Engine {
    pub(crate) name: &'static str,
    pub(crate) sizes: Vec<Size>,
}

/// Everything.
pub(crate) struct Report {
    pub(crate) machine: String,
    pub(crate) seconds: u64,
    pub(crate) engines: Vec<Engine>,
}

impl Size {
    pub(crate) fn number(&self, key: &str) -> f64 {
        self.told[key].as_f64().unwrap_or(f64::NAN)
    }

    pub(crate) fn rows(&self) -> &[Value] {
        self.told["rows"].as_array().map_or(&[], Vec::as_slice)
    }

    /// A figure of a question at so many connections.
    pub(crate) fn figure(&self, name: &str, connections: u64, figure: &str) -> Option<f64> {
        let row = self.rows().iter().find(|row| row["name"] == name && row["connections"] == connections)?;
        row[figure].as_f64()
    }
}

impl Engine {
    /// What was asked, in its order.
    pub(crate) fn names(&self) -> Vec<&str> {
        let mut names = Vec::new();
        for row in self.sizes.first().map_or(&[][..], Size::rows) {
            if let Some(name) = row["name"].as_str()
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }
}

/// Connections that the tables show, the second also in the comparison of sizes.
const SHOWN: [u64; 3] = [1, 8, 64];

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let on = today_in_shanghai(SystemClock.now());
        writeln!(
            f,
            "# How reading fares as cases grow many\n\n\
             Written by `FANGXIN_BENCH_WRITE=1 make bench` ({on}, {}). Cases of realistic shape with whole histories, loaded in\n\
             bulk and served by a release build with its default settings, limits off; each question is asked for {} s in a closed\n\
             loop over keep-alive connections by a client on the same processors. *cpu* is processor milliseconds an answer, of server\n\
             and database. A whole life is nine requests: filing, signing in, accepting, two consents, mediation, settlement, rating.\n\
             *Raw* is the bare engine: prepared statements for the same rows on {CONNECTIONS} connections, nothing around them.\n",
            self.machine, self.seconds
        )?;
        writeln!(f, "![99 of a hundred answers at 8 connections, by number of cases](benchmarks-reading.svg)\n")?;
        for engine in &self.engines {
            self.engine(f, engine)?;
        }
        Ok(())
    }
}

impl Report {
    fn engine(&self, f: &mut fmt::Formatter<'_>, engine: &Engine) -> fmt::Result {
        writeln!(f, "## {}\n", engine.name)?;
        writeln!(f, "| cases | loaded a second | bytes a case | ready after s | memory idle MiB | under load MiB |")?;
        writeln!(f, "|--:|--:|--:|--:|--:|--:|")?;
        for size in &engine.sizes {
            writeln!(
                f,
                "| {} | {:.0} | {:.0} | {:.2} | {} | {} |",
                size.number("cases"),
                size.number("loaded_per_second"),
                size.number("bytes") / size.number("cases"),
                size.number("start_seconds"),
                size.number("idle_mib"),
                size.number("load_mib")
            )?;
        }
        for size in &engine.sizes {
            writeln!(f, "\n### {} cases\n", size.number("cases"))?;
            write!(f, "| |")?;
            for connections in SHOWN {
                write!(f, " a second at {connections} | p50 | p99 ms |")?;
            }
            writeln!(f, " cpu ms at 8 | raw a second |\n|---|{}--:|--:|", "--:|--:|--:|".repeat(SHOWN.len()))?;
            for name in engine.names() {
                write!(f, "| {name} |")?;
                for connections in SHOWN {
                    let figure = |key| size.figure(name, connections, key).unwrap_or(f64::NAN);
                    write!(f, " {:.0} | {:.2} | {:.2} |", figure("per_second"), figure("p50_ms"), figure("p99_ms"))?;
                }
                let cpu = |key| size.figure(name, 8, key).unwrap_or(f64::NAN);
                write!(f, " {:.3} |", cpu("server_ms") + cpu("database_ms"))?;
                match size.raw.iter().find(|(of, _)| *of == name) {
                    Some((_, rate)) => writeln!(f, " {rate:.0} |")?,
                    None => writeln!(f, " |")?,
                }
            }
        }
        writeln!(f)
    }
}

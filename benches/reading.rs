//! How reading fares as cases grow many: `fangxin bench` at several sizes on both engines, and beside it, in the same run and
//! on the same data, what the bare engine does of the same rows.
//!
//! `make bench` runs it after the bench of filing. `FANGXIN_BENCH_SIZES` lists the sizes (10000,100000), `FANGXIN_BENCH_SECONDS`
//! is the length of each question (2), `FANGXIN_BENCH_FOLDER` where the data lies (below the build's own), and
//! `FANGXIN_BENCH_WRITE=1` writes `docs/benchmarks-reading.md` with its picture. Data of one size is deleted before the next.

#![expect(clippy::print_stdout, reason = "the report goes to standard output")]
#![expect(clippy::disallowed_methods, reason = "a program of its own: it reads its switches from the environment")]

#[path = "reading/curve.rs"]
mod curve;
#[path = "reading/raw.rs"]
mod raw;
#[path = "reading/report.rs"]
mod report;

use crate::report::{Engine, Report, Size};
use anyhow::{Context, Result, ensure};
use diesel::{Connection, PgConnection, RunQueryDsl};
use fangxin::bench::machine;
use fangxin::bench::reading::Site;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

fn setting(name: &str, default: &str) -> String {
    std::env::var(name).unwrap_or_else(|_| default.to_owned())
}

fn main() -> Result<()> {
    let sizes = setting("FANGXIN_BENCH_SIZES", "10000,100000");
    let sizes = sizes.split(',').map(str::parse).collect::<Result<Vec<usize>, _>>().context("FANGXIN_BENCH_SIZES")?;
    let seconds: u64 = setting("FANGXIN_BENCH_SECONDS", "2").parse().context("FANGXIN_BENCH_SECONDS")?;
    // On the disk of the build, never in a folder that may lie in memory.
    let folder = PathBuf::from(setting("FANGXIN_BENCH_FOLDER", env!("CARGO_TARGET_TMPDIR")));
    let mut report = Report { machine: machine::describe()?, seconds, engines: Vec::new() };
    let postgres = std::env::var("FANGXIN_TEST_POSTGRES").ok();
    if postgres.is_none() {
        eprintln!("without PostgreSQL: FANGXIN_TEST_POSTGRES is not set");
    }
    let mut targets: Vec<(&'static str, Option<String>)> = vec![("SQLite", None)];
    targets.extend(postgres.map(|url| ("PostgreSQL", Some(url))));
    for (name, url) in targets {
        let mut engine = Engine { name, sizes: Vec::new() };
        for &cases in &sizes {
            engine.sizes.push(measure(&folder, url.as_deref(), cases, seconds)?);
        }
        report.engines.push(engine);
    }
    let text = report.to_string();
    println!("{text}");
    if setting("FANGXIN_BENCH_WRITE", "") == "1" {
        let docs = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs");
        std::fs::write(docs.join("benchmarks-reading.md"), text)?;
        std::fs::write(docs.join("benchmarks-reading.svg"), curve::draw(&report))?;
    }
    Ok(())
}

/// One size on one engine. What was loaded before under the same name is used again.
fn measure(folder: &Path, server: Option<&str>, cases: usize, seconds: u64) -> Result<Size> {
    let database = server.map(|url| Database::make(url, cases)).transpose()?;
    let kind = if server.is_some() { "postgres" } else { "sqlite" };
    let data = folder.join(format!("bench-{kind}-{cases}"));
    if database.is_some() && data.exists() {
        // Its database is gone.
        std::fs::remove_dir_all(&data)?;
    }
    eprintln!("{kind}: {cases} cases");
    let mut command = Command::new(env!("CARGO_BIN_EXE_fangxin"));
    command
        .args(["bench", "--json", "--cases", &cases.to_string(), "--seconds", &seconds.to_string(), "--data"])
        .arg(&data);
    if let Some(database) = &database {
        command.args(["--database", &database.url]);
    }
    let output = command.output()?;
    ensure!(output.status.success(), "{kind}, {cases}: {}", String::from_utf8_lossy(&output.stderr));
    let told = serde_json::from_slice(&output.stdout)?;
    let site: Site = serde_json::from_slice(&std::fs::read(data.join("bench.json"))?)?;
    let length = Duration::from_secs(seconds);
    let raw = match &database {
        None => raw::on_sqlite(&data.join("fangxin.db"), &site, length)?,
        Some(database) => raw::on_postgres(&database.url, &site, length)?,
    };
    drop(database);
    std::fs::remove_dir_all(&data)?;
    Ok(Size { told, raw })
}

/// A database that is made for a size and goes with it.
struct Database {
    server: String,
    name: String,
    url: String,
}

impl Database {
    fn make(server: &str, cases: usize) -> Result<Self> {
        let name = format!("fangxin_bench_{}_{cases}", std::process::id());
        let (base, query) =
            server.split_once('?').map_or((server, String::new()), |(base, query)| (base, format!("?{query}")));
        let (front, _) = base.rsplit_once('/').context("FANGXIN_TEST_POSTGRES names no database")?;
        let url = format!("{front}/{name}{query}");
        let made = Self { server: server.to_owned(), name, url };
        made.admin(&format!("CREATE DATABASE {}", made.name))?;
        Ok(made)
    }

    fn admin(&self, statement: &str) -> Result<()> {
        diesel::sql_query(statement).execute(&mut PgConnection::establish(&self.server)?)?;
        Ok(())
    }
}

impl Drop for Database {
    fn drop(&mut self) {
        if let Err(error) = self.admin(&format!("DROP DATABASE IF EXISTS {} WITH (FORCE)", self.name)) {
            eprintln!("{}: {error}", self.name);
        }
    }
}

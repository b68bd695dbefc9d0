//! Measures an installation of a size: loads it in bulk, serves it, and asks for what people ask for.

use super::data::{self, DataDir};
use super::output::{Failure, Outcome, Output, Progress};
use super::serve;
use super::tick;
use super::users::{self, NewUser};
use super::wire::{self, Where};
use crate::ambient::Stopwatch;
use crate::app::App;
use crate::bench::cases::Shape;
use crate::bench::client;
use crate::bench::load::{self, Share};
use crate::bench::machine::{self, Usage};
use crate::bench::reading::{self, Officer, Site};
use crate::classify::Authored;
use crate::domain::division::Division;
use crate::identity::Password;
use crate::route::Question;
use crate::store::{Target, cases, upkeep};
use clap::Args;
use serde_json::{Value, json};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::Duration;

/// Offices whose queues and cases are asked for.
const OFFICES: usize = 16;

/// A sector and a county of which new complaints are filed to be seen through.
const LIFE: (&str, &str) = ("product_quality", "320115");

/// How long starting may take.
const PATIENCE: Duration = Duration::from_secs(120);

/// What is measured.
#[derive(Args)]
pub(super) struct Sizes {
    /// Cases to load; an installation that was loaded with as many before is used again
    #[arg(long, default_value_t = 10_000, value_parser = clap::value_parser!(u32).range(1..=100_000_000))]
    cases: u32,
    /// Seconds for each question and number of connections
    #[arg(long, default_value_t = 2, value_parser = clap::value_parser!(u64).range(1..=600))]
    seconds: u64,
    /// Connections at once
    #[arg(long, value_delimiter = ',', default_values_t = [1, 8, 64], value_name = "N,…")]
    connections: Vec<usize>,
    /// Only load
    #[arg(long)]
    load_only: bool,
}

/// Loads and measures. The data folder must be one of its own: it is never one that people's cases are in.
pub(super) fn run(given: &Where, sizes: &Sizes, output: Output) -> Result<Outcome, Failure> {
    if given.data.is_none() {
        return Err(Failure::usage("bench: --data must name a folder of its own; it is filled with made-up cases"));
    }
    let settings = wire::settings(given)?;
    wire::log(&settings, false);
    wire::files(&settings)?;
    let data = DataDir::create(&settings.paths.data_dir)?;
    let target = wire::target(&settings, &data, given.create)?;
    let site = load_or_reuse(given, &data, sizes, output)?;
    let mut result = json!({
        "cases": site.cases,
        "load_seconds": site.load_seconds,
        "loaded_per_second": rate(site.cases, site.load_seconds),
    });
    let mut lines = vec![format!(
        "{} cases, loaded in {:.1} s: {:.0} a second with history, figures and index",
        site.cases,
        site.load_seconds,
        rate(site.cases, site.load_seconds)
    )];
    if !sizes.load_only {
        measure(given, &data, &target, &site, sizes, &mut result, &mut lines).map_err(told)?;
    }
    Ok(Outcome { result, lines, ..Outcome::default() })
}

fn told(error: anyhow::Error) -> Failure {
    Failure::found(format!("{error:#}"))
}

#[expect(clippy::cast_precision_loss, reason = "counts far below 2^52")]
fn rate(count: usize, seconds: f64) -> f64 {
    count as f64 / seconds.max(f64::EPSILON)
}

fn load_or_reuse(given: &Where, data: &DataDir, sizes: &Sizes, output: Output) -> Result<Site, Failure> {
    let note = data.path().join("bench.json");
    let wanted = usize::try_from(sizes.cases).unwrap_or(usize::MAX);
    let fault = |error: &dyn std::fmt::Display| Failure::found(format!("{}: {error}", note.display()));
    if let Ok(text) = std::fs::read(&note) {
        let site: Site = serde_json::from_slice(&text).map_err(|error| fault(&error))?;
        if site.cases == wanted {
            return Ok(site);
        }
        return Err(fault(&format!("holds {} cases, not {wanted}: name another folder", site.cases)));
    }
    let settings = wire::settings(given)?;
    let _lock = data.lock()?.ok_or_else(|| Failure::found(format!("{} is in use", data.path().display())))?;
    let progress = Progress::bar(output);
    let site = serve::runtime()?.block_on(async {
        let clock = wire::clock(&settings);
        let app = wire::app(settings, data, given.create, clock).await?;
        if app.store.read(cases::any).await? {
            return Err(Failure::found("there are cases already: a bench is given a database of its own"));
        }
        fill(&app, wanted, &progress).await
    })?;
    let text = serde_json::to_vec(&site).map_err(|error| fault(&error))?;
    std::fs::write(&note, text).and_then(|()| data::private_file(&note)).map_err(|error| fault(&error))?;
    Ok(site)
}

/// What people write: the authored texts of the consumer sectors.
fn texts() -> Vec<String> {
    let authored = wire::training().flat_map(|(_, text)| text.lines());
    let read = authored.filter_map(|line| serde_json::from_str::<Authored>(line).ok());
    let of_sectors = read.filter(|authored| authored.sector.is_some());
    of_sectors.map(|authored| authored.text.trim_end_matches(['。', '！', '？']).to_owned()).collect()
}

async fn fill(app: &Arc<App>, count: usize, progress: &Progress) -> Result<Site, Failure> {
    let catalogue = app.catalogue();
    let shape = Shape::new(texts(), &catalogue, app.now(), u32::try_from(count).unwrap_or(u32::MAX));
    let of = u64::try_from(count).ok();
    let watch = Stopwatch::start();
    let told = |done: usize| progress.tell(u64::try_from(done).unwrap_or(0), of);
    let loaded = load::load(app, &Arc::new(shape), count, told).await;
    let offices = loaded.map_err(|error| Failure::found(error.to_string()))?;
    let load_seconds = watch.elapsed().as_secs_f64();
    // What the years would have brought about: limits acted on, months frozen. The first round of a start has little to do then.
    tick::run(app, None, true).await?;
    let password: String =
        crate::ambient::draw::<16>(app.entropy.as_ref()).iter().map(|b| format!("{b:02x}")).collect();
    let hash = app.hasher.hash(Password::new(password.clone())).await;
    let password_hash = hash.map_err(|error| Failure::found(error.to_string()))?;
    let division = Division::parse(LIFE.1).map_err(|error| Failure::found(error.to_string()))?;
    let routed = app.router().route(&Question::complaint(LIFE.0, app.today(), Some(division)));
    let life = routed.office.code.clone();
    let mut largest: Vec<(&String, &Share)> = offices.iter().collect();
    largest.sort_by_key(|(_, share)| std::cmp::Reverse((share.open, share.cases)));
    let account = |username: &str, role: &str, unit: Option<&str>, division: Option<&str>| NewUser {
        username: username.to_owned(),
        role: role.to_owned(),
        unit: unit.map(str::to_owned),
        division: division.map(str::to_owned),
        password_hash: password_hash.clone(),
    };
    let mut officers = Vec::new();
    for (office, share) in largest.into_iter().take(OFFICES) {
        let username = format!("bench-{office}");
        users::add(app, account(&username, "officer", Some(office), None)).await?;
        let Share { cases, open, references } = share.clone();
        officers.push(Officer { username, office: office.clone(), cases, open, references });
    }
    let (supervisor, officer) = ("bench-supervisor".to_owned(), "bench-life".to_owned());
    users::add(app, account(&supervisor, "supervisor", None, Some("320000"))).await?;
    users::add(app, account(&officer, "officer", Some(&life), None)).await?;
    let life = (LIFE.0.to_owned(), LIFE.1.to_owned(), officer);
    Ok(Site { cases: count, load_seconds, password, officers, supervisor, life })
}

/// A serving process, ended when it is dropped.
struct Served(Child);

impl Drop for Served {
    fn drop(&mut self) {
        // It may have ended by itself.
        drop(self.0.kill());
        drop(self.0.wait());
    }
}

fn start(given: &Where, data: &DataDir) -> anyhow::Result<(Served, SocketAddr, f64)> {
    let address = TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?;
    let mut command = Command::new(std::env::current_exe()?);
    command.arg("serve").arg("--listen").arg(address.to_string()).arg("--data").arg(data.path());
    if let Some(url) = &given.database {
        command.arg("--database").arg(url);
    }
    if let Some(config) = &given.config {
        command.arg("--config").arg(config);
    }
    // One address sends everything, and nothing is to go out of made-up cases.
    command.env("FANGXIN__LIMITS__ENABLED", "false").stdin(Stdio::null()).stdout(Stdio::null());
    command.stderr(std::fs::File::create(data.path().join("bench.log"))?);
    let watch = Stopwatch::start();
    let mut served = Served(command.spawn()?);
    while !client::get(address, "/readyz").is_ok_and(|(status, _)| status == 200) {
        anyhow::ensure!(served.0.try_wait()?.is_none(), "the server ended at its start");
        anyhow::ensure!(watch.elapsed() < PATIENCE, "the server doesn't get ready");
        std::thread::sleep(Duration::from_millis(10));
    }
    Ok((served, address, watch.elapsed().as_secs_f64()))
}

fn measure(
    given: &Where,
    data: &DataDir,
    target: &Target,
    site: &Site,
    sizes: &Sizes,
    result: &mut Value,
    lines: &mut Vec<String>,
) -> anyhow::Result<()> {
    let length = Duration::from_secs(sizes.seconds);
    let (served, address, start_seconds) = start(given, data)?;
    let pid = served.0.id();
    let idle = machine::anonymous_mib(pid)?;
    let database = upkeep::backend(target)?.and_then(machine::server_of);
    let asks = reading::asks(address, site)?;
    let mut rows = Vec::new();
    let mut memory = idle;
    let mut row = |name: &str, connections: usize, run: &mut dyn FnMut() -> anyhow::Result<client::Outcome>| {
        let before = Usage::now(pid, database)?;
        let outcome = run()?;
        let used = Usage::now(pid, database)?.since(&before);
        memory = memory.max(machine::anonymous_mib(pid)?);
        if let Some(other) = &outcome.first_other {
            anyhow::bail!("{name}: {other}");
        }
        rows.push(Row { name: name.to_owned(), connections, outcome, used });
        anyhow::Ok(())
    };
    let echo = get("/healthz");
    for &connections in &sizes.connections {
        row("echo", connections, &mut || client::ask(address, &echo, connections, length))?;
        for ask in &asks {
            row(ask.name, connections, &mut || client::ask(address, &ask.requests, connections, length))?;
        }
    }
    // Last, as they change what is asked for.
    let mut first = 0;
    let body = |number: usize, into: &mut String| {
        *into = reading::filing(number, &site.life.0, &site.life.1).to_string();
    };
    for &connections in &sizes.connections {
        row("filing", connections, &mut || {
            let outcome = client::file(address, &client::Load { connections, length, first, body: &body })?;
            first += outcome.begun;
            Ok(outcome)
        })?;
        row("whole life", connections, &mut || {
            let outcome = reading::lives(address, site, connections, length, first)?;
            first += outcome.begun;
            Ok(outcome)
        })?;
    }
    lines.push(format!("ready after {start_seconds:.2} s; {idle} MiB of its own when idle, {memory} MiB under load"));
    lines.push(format!(
        "{:<20} {:>5} {:>9} {:>8} {:>8} {:>8} {:>9}",
        "", "conn", "a second", "p50 ms", "p95 ms", "p99 ms", "cpu ms"
    ));
    lines.extend(rows.iter().map(Row::line));
    result["start_seconds"] = json!(start_seconds);
    result["idle_mib"] = json!(idle);
    result["load_mib"] = json!(memory);
    result["rows"] = rows.iter().map(Row::json).collect();
    Ok(())
}

fn get(path: &str) -> Vec<Vec<u8>> {
    vec![format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").into_bytes()]
}

struct Row {
    name: String,
    connections: usize,
    outcome: client::Outcome,
    used: Usage,
}

impl Row {
    /// Processor milliseconds an answer, of the server and its database.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact in f64")]
    fn each(&self, millis: u64) -> f64 {
        millis as f64 / self.outcome.accepted.max(1) as f64
    }

    fn line(&self) -> String {
        let permille = |of| self.outcome.permille(of);
        format!(
            "{:<20} {:>5} {:>9.0} {:>8.2} {:>8.2} {:>8.2} {:>9.3}",
            self.name,
            self.connections,
            self.outcome.rate(),
            permille(500),
            permille(950),
            permille(990),
            self.each(self.used.server + self.used.database)
        )
    }

    fn json(&self) -> Value {
        json!({
            "name": self.name, "connections": self.connections, "per_second": self.outcome.rate(),
            "p50_ms": self.outcome.permille(500), "p95_ms": self.outcome.permille(950),
            "p99_ms": self.outcome.permille(990), "server_ms": self.each(self.used.server),
            "database_ms": self.each(self.used.database),
        })
    }
}

//! What the kernel says: the machine, processor time, memory, how long the disk takes to make a write durable.

use crate::ambient::Stopwatch;
use anyhow::{Context, Result};
use std::fs;
use std::io::Write;
use std::path::Path;

/// One tick of processor time in `/proc`: Linux shows them in hundredths of a second on every architecture we build for.
const TICK_MS: u64 = 10;

/// Cores, model, memory and kernel, in a line.
///
/// # Errors
/// When the system doesn't say.
pub fn describe() -> Result<String> {
    let cores = std::thread::available_parallelism()?;
    let model = field("/proc/cpuinfo", "model name").unwrap_or_else(|_| "unknown model".to_owned());
    let memory: u64 = field("/proc/meminfo", "MemTotal")?.trim_end_matches(" kB").parse()?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease")?;
    Ok(format!("{cores} cores ({model}), {} MiB memory, Linux {}", memory / 1024, kernel.trim()))
}

fn field(file: &str, name: &str) -> Result<String> {
    let text = fs::read_to_string(file)?;
    let line = text.lines().find_map(|line| line.split_once(':').filter(|(key, _)| key.trim() == name));
    Ok(line.with_context(|| format!("{file} has no {name}"))?.1.trim().to_owned())
}

/// Median and 99th of a hundred of appending 8 kB and waiting for `fdatasync`, 500 times, in milliseconds.
///
/// # Errors
/// When the system doesn't say.
pub fn sync_times(folder: &Path) -> Result<(f64, f64)> {
    const RUNS: usize = 500;
    let path = folder.join("sync");
    let mut file = fs::File::create(&path)?;
    let block = [7; 8192];
    let mut times = Vec::with_capacity(RUNS);
    for _ in 0..RUNS {
        let one = Stopwatch::start();
        file.write_all(&block)?;
        file.sync_data()?;
        times.push(one.elapsed().as_secs_f64() * 1000.0);
    }
    fs::remove_file(path)?;
    times.sort_by(f64::total_cmp);
    Ok((times[RUNS / 2 - 1], times[RUNS * 99 / 100 - 1]))
}

/// Memory in use that is a process's own, not pages of files, MiB.
///
/// # Errors
/// When the system doesn't say.
pub fn anonymous_mib(pid: u32) -> Result<u64> {
    let text = field(&format!("/proc/{pid}/status"), "RssAnon")?;
    Ok(text.trim_end_matches(" kB").parse::<u64>()? / 1024)
}

/// Bytes of all files below a folder.
///
/// # Errors
/// When the system doesn't say.
pub fn bytes_below(folder: &Path) -> Result<u64> {
    let mut sum = 0;
    for entry in fs::read_dir(folder)? {
        let entry = entry?;
        let data = entry.metadata()?;
        sum += if data.is_dir() { bytes_below(&entry.path())? } else { data.len() };
    }
    Ok(sum)
}

/// Processor time in milliseconds up to now, or between two moments.
#[derive(Debug, Clone, Copy)]
pub struct Usage {
    /// Of the server, its threads together.
    pub server: u64,
    /// Of the database's processes, where it has its own on this machine.
    pub database: u64,
    /// Of this program.
    pub client: u64,
    /// Of everything that ran on the machine.
    pub machine: u64,
}

impl Usage {
    /// Up to now.
    ///
    /// # Errors
    /// When the system doesn't say.
    pub fn now(server: u32, postmaster: Option<u32>) -> Result<Self> {
        Ok(Self {
            server: process(server)?.own,
            database: postmaster.map_or(Ok(0), family)?,
            client: process(std::process::id())?.own,
            machine: machine()?,
        })
    }

    /// Since an earlier moment.
    pub const fn since(&self, before: &Self) -> Self {
        Self {
            server: self.server.saturating_sub(before.server),
            database: self.database.saturating_sub(before.database),
            client: self.client.saturating_sub(before.client),
            machine: self.machine.saturating_sub(before.machine),
        }
    }

    /// What neither of the three used: processes that have nothing to do with the measurement, and the kernel's own work.
    pub const fn others(&self) -> u64 {
        self.machine.saturating_sub(self.server + self.database + self.client)
    }
}

struct Process {
    parent: u32,
    own: u64,
    ended_children: u64,
}

/// The first process of the PostgreSQL server to which a backend of that number belongs, when both run on this machine.
pub fn server_of(backend: u32) -> Option<u32> {
    // A server elsewhere has no such process here, or one of another program: PostgreSQL's names itself so.
    let here = fs::read_to_string(format!("/proc/{backend}/comm")).is_ok_and(|name| name.trim() == "postgres");
    here.then(|| parent(backend).ok()).flatten()
}

/// The parent of a process.
///
/// # Errors
/// When the system doesn't say.
pub fn parent(pid: u32) -> Result<u32> {
    Ok(process(pid)?.parent)
}

fn process(pid: u32) -> Result<Process> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat"))?;
    // The name stands in brackets and may hold anything; the third field follows the last bracket.
    let fields: Vec<&str> = text.rsplit_once(')').context("an odd stat")?.1.split_whitespace().collect();
    let number = |place: usize| -> Result<u64> { Ok(fields.get(place - 3).context("a short stat")?.parse()?) };
    Ok(Process {
        parent: u32::try_from(number(4)?)?,
        own: (number(14)? + number(15)?) * TICK_MS,
        ended_children: (number(16)? + number(17)?) * TICK_MS,
    })
}

/// A process and its children, those that have ended too.
fn family(head: u32) -> Result<u64> {
    let all = process(head)?;
    let mut sum = all.own + all.ended_children;
    for entry in fs::read_dir("/proc")? {
        let Some(pid) = entry?.file_name().to_str().and_then(|name| name.parse().ok()) else { continue };
        // One that ends meanwhile has no file any more.
        if let Ok(child) = process(pid)
            && child.parent == head
        {
            sum += child.own;
        }
    }
    Ok(sum)
}

fn machine() -> Result<u64> {
    let text = fs::read_to_string("/proc/stat")?;
    let fields: Vec<u64> = text
        .lines()
        .next()
        .context("an empty stat")?
        .split_whitespace()
        .skip(1)
        .filter_map(|n| n.parse().ok())
        .collect();
    // user nice system idle iowait irq softirq steal: all but waiting.
    let busy = [0, 1, 2, 5, 6, 7].iter().filter_map(|&place: &usize| fields.get(place)).sum::<u64>();
    Ok(busy * TICK_MS)
}

//! Looks an installation over, also beside a serving process; changes nothing.

use super::data::DataDir;
use super::output::{FOUND, OK, Outcome};
use super::{route, wire};
use crate::ambient::Stopwatch;
use crate::config::Settings;
use crate::config::catalogue::Catalogue;
use crate::route::{self as routing, Severity};
use crate::store::{Target, upkeep};
use jiff::ToSpan;
use serde_json::json;
use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Command;
use std::time::Duration;

/// What a look found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Verdict {
    Ok,
    /// Worth knowing.
    Warning,
    /// Must be put right.
    Error,
}

impl Verdict {
    const fn code(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

struct Check {
    name: &'static str,
    verdict: Verdict,
    detail: String,
}

/// Faster than any disk that waits: then a commit isn't kept through a power cut.
const TOO_FAST: Duration = Duration::from_micros(15);
/// Slower than a busy service can bear.
const TOO_SLOW: Duration = Duration::from_millis(100);
/// Free space in kilobytes below which writing will soon fail.
const LEAST_FREE: u64 = 1 << 20;

/// Looks everything over; exit code 1 when something must be put right.
pub(super) fn run(settings: &Settings, data: &DataDir, create: bool) -> Outcome {
    let mut checks = Vec::new();
    folder(data, &mut checks);
    keys(data, &mut checks);
    database(settings, data, create, &mut checks);
    clock(settings, &mut checks);
    match wire::files(settings) {
        Ok((catalogue, _)) => catalogue_of(settings, &catalogue, &mut checks),
        Err(failure) => add(&mut checks, "catalogue", Verdict::Error, failure.lines.join("; ")),
    }
    let failed = checks.iter().any(|check| check.verdict == Verdict::Error);
    let lines =
        checks.iter().map(|check| format!("{:<8}{:<12}{}", check.verdict.code(), check.name, check.detail)).collect();
    let result = json!({
        "ok": !failed,
        "checks": checks.iter().map(|check| json!({
            "name": check.name,
            "status": check.verdict.code(),
            "detail": check.detail,
        })).collect::<Vec<_>>(),
    });
    Outcome { code: if failed { FOUND } else { OK }, result, lines, notes: Vec::new() }
}

fn add(checks: &mut Vec<Check>, name: &'static str, verdict: Verdict, detail: impl Into<String>) {
    checks.push(Check { name, verdict, detail: detail.into() });
}

fn folder(data: &DataDir, checks: &mut Vec<Check>) {
    let path = data.path();
    let mode = match fs::metadata(path) {
        Ok(found) => found.permissions().mode() & 0o777,
        Err(error) => return add(checks, "data", Verdict::Error, format!("{}: {error}", path.display())),
    };
    let verdict = if mode & 0o077 == 0 { Verdict::Ok } else { Verdict::Warning };
    add(checks, "data", verdict, format!("{} has mode {mode:04o}", path.display()));
    match free_kilobytes(path) {
        Some(free) => {
            let verdict = if free < LEAST_FREE { Verdict::Error } else { Verdict::Ok };
            add(checks, "disk", verdict, format!("{} MiB free", free / 1024));
        }
        None => add(checks, "disk", Verdict::Warning, "free space unknown: df doesn't answer"),
    }
    match fsync_time(path) {
        Ok(time) => {
            let verdict = if time < TOO_FAST || time > TOO_SLOW { Verdict::Warning } else { Verdict::Ok };
            let remark = if time < TOO_FAST { ": no disk is that fast, a power cut would lose commits" } else { "" };
            add(checks, "fsync", verdict, format!("{:.3} ms, median of {SYNCS}{remark}", time.as_secs_f64() * 1000.0));
        }
        Err(error) => add(checks, "fsync", Verdict::Error, format!("{}: {error}", path.display())),
    }
}

/// Free kilobytes for us on the disk of a folder. The standard library can't tell, and `df` is everywhere.
fn free_kilobytes(path: &Path) -> Option<u64> {
    let output = Command::new("df").args(["-P", "-k", "--"]).arg(path).output().ok()?;
    String::from_utf8(output.stdout).ok()?.lines().nth(1)?.split_whitespace().nth(3)?.parse().ok()
}

const SYNCS: usize = 21;

fn fsync_time(folder: &Path) -> io::Result<Duration> {
    let path = folder.join(format!(".fangxin-doctor-{}", std::process::id()));
    let mut file = File::options().write(true).create_new(true).open(&path)?;
    let mut times = Vec::with_capacity(SYNCS);
    let end = (0..SYNCS).try_for_each(|_| {
        let watch = Stopwatch::start();
        file.write_all(&[0; 4096])?;
        file.sync_data()?;
        times.push(watch.elapsed());
        Ok(())
    });
    fs::remove_file(&path)?;
    end.map(|()| {
        times.sort_unstable();
        times.get(SYNCS / 2).copied().unwrap_or_default()
    })
}

fn keys(data: &DataDir, checks: &mut Vec<Check>) {
    let mut open = Vec::new();
    for path in [data.keys(), data.key_ring()] {
        match fs::metadata(&path) {
            Ok(found) if found.permissions().mode() & 0o077 != 0 => open.push(path.display().to_string()),
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                return add(checks, "keys", Verdict::Warning, "none yet: the first start makes them");
            }
            Err(error) => return add(checks, "keys", Verdict::Error, format!("{}: {error}", path.display())),
        }
    }
    match open.is_empty() {
        true => add(checks, "keys", Verdict::Ok, "only their owner can reach them"),
        false => add(checks, "keys", Verdict::Error, format!("others can reach {}", open.join(", "))),
    }
}

fn database(settings: &Settings, data: &DataDir, create: bool, checks: &mut Vec<Check>) {
    let target = match wire::target(settings, data, create) {
        Ok(target) => target,
        Err(failure) => return add(checks, "database", Verdict::Error, failure.lines.join("; ")),
    };
    if let Target::Sqlite(path) = &target
        && !path.exists()
    {
        return add(checks, "database", Verdict::Warning, format!("{} doesn't exist yet", path.display()));
    }
    let health = match upkeep::health(&target) {
        Ok(health) => health,
        Err(error) => return add(checks, "database", Verdict::Error, error.to_string()),
    };
    let found = &health.inspection;
    let counts = found.counts;
    add(
        checks,
        "database",
        Verdict::Ok,
        format!(
            "{} {}, schema {}, {} cases, {} events",
            found.engine, found.engine_version, found.schema, counts.cases, counts.events
        ),
    );
    let verdict = if health.commits_are_synced { Verdict::Ok } else { Verdict::Error };
    add(checks, "commits", verdict, health.sync_setting.clone());
    if counts.cases > 0 && !data.key_ring().exists() {
        add(checks, "keys", Verdict::Error, "the database has cases and there are no keys: nothing can be read");
    }
    if let Some((_, last)) = health.received {
        let today = route::today(settings);
        let verdict = if last > today { Verdict::Error } else { Verdict::Ok };
        add(checks, "clock", verdict, format!("today is {today}, the newest case is of {last}"));
    }
}

fn clock(settings: &Settings, checks: &mut Vec<Check>) {
    let today = route::today(settings);
    if settings.clock.start.is_some() {
        add(checks, "clock", Verdict::Warning, format!("a drill: it starts at {today}"));
    } else if today.year() < 2026 {
        add(checks, "clock", Verdict::Error, format!("shows {today}"));
    }
}

fn catalogue_of(settings: &Settings, catalogue: &Catalogue, checks: &mut Vec<Check>) {
    let today = route::today(settings);
    let staffed = match wire::staffed(settings) {
        Ok(staffed) => staffed,
        Err(failure) => return add(checks, "routing", Verdict::Error, failure.lines.join("; ")),
    };
    let findings = routing::lint(catalogue, today, today.saturating_add(1.year()), staffed.as_ref());
    let count = |severity| findings.iter().filter(|finding| finding.severity == severity).count();
    let errors = count(Severity::Error);
    add(
        checks,
        "routing",
        if errors > 0 { Verdict::Error } else { Verdict::Ok },
        format!("{errors} errors, {} warnings; fangxin route lint lists them", count(Severity::Warning)),
    );
    let years = &catalogue.calendar.years;
    // The year's notice comes in November.
    let next_is_due = today.month() == 12 && !years.contains(&(today.year() + 1));
    let known = years.contains(&today.year());
    add(
        checks,
        "calendar",
        if known && !next_is_due { Verdict::Ok } else { Verdict::Warning },
        format!("{}, years {}", catalogue.calendar.version, Vec::from_iter(years.iter().map(i16::to_string)).join(" ")),
    );
}

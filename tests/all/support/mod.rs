//! What every suite stands on: the program as a child process, an HTTP client, people with roles, builders of filings.

pub(crate) mod browser;
pub(crate) mod calendar;
pub(crate) mod client;
pub(crate) mod contents;
pub(crate) mod cookies;
pub(crate) mod engine;
pub(crate) mod filings;
pub(crate) mod history;
pub(crate) mod people;
pub(crate) mod python;
pub(crate) mod random;
pub(crate) mod raw;
pub(crate) mod server;

pub(crate) use browser::Browser;
pub(crate) use client::Session;
pub(crate) use contents::Contents;
pub(crate) use cookies::Visitor;
pub(crate) use engine::{Engine, engines};
pub(crate) use filings::FilingBuilder;
pub(crate) use server::TestApp;

use std::path::PathBuf;
use std::time::{Duration, Instant};

/// Whether the long forms of the tests are asked for.
pub(crate) fn is_long() -> bool {
    std::env::var("FANGXIN_LONG").is_ok_and(|value| value == "1")
}

/// The development texts, which are no part of the repository; says so when they aren't beside it.
pub(crate) fn development_texts() -> Option<PathBuf> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../shared/data/complaints-dev.jsonl");
    if path.is_file() {
        return Some(path);
    }
    say("part not run: ../shared/data/complaints-dev.jsonl isn't there");
    None
}

/// Prints past the capture of the test harness, so that what isn't run is seen.
pub(crate) fn say(line: &str) {
    use std::io::Write;
    let _ = writeln!(std::io::stderr().lock(), "fangxin tests: {line}");
}

/// Waits for what comes by itself, three minutes at most; `what` is named when it doesn't.
#[track_caller]
pub(crate) fn until<T>(what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    /// How long something may take that takes a second when the machine is idle.
    const PATIENCE: Duration = Duration::from_secs(180);
    let since = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(since.elapsed() < PATIENCE, "waited too long: {what}");
        std::thread::sleep(Duration::from_millis(50));
    }
}

//! How commands speak: results on standard output, everything else on standard error.

use crate::config::ConfigError;
use crate::store::StoreError;
use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use std::io::{self, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;

/// Done.
pub(super) const OK: u8 = 0;
/// Done, and something wrong was found.
pub(super) const FOUND: u8 = 1;
/// The command line was wrong.
pub(super) const USAGE: u8 = 2;
/// The configuration is wrong (`EX_CONFIG`).
pub(super) const CONFIG: u8 = 78;

/// Why a command ended without a result.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Failure {
    /// Exit code.
    pub(super) code: u8,
    /// One line a fault.
    pub(super) lines: Vec<String>,
}

impl Failure {
    /// Something was found wrong, or couldn't be done.
    pub(super) fn found(line: impl Into<String>) -> Self {
        Self { code: FOUND, lines: vec![line.into()] }
    }

    /// The command line was wrong.
    pub(super) fn usage(line: impl Into<String>) -> Self {
        Self { code: USAGE, lines: vec![line.into()] }
    }

    /// The configuration is wrong.
    pub(super) fn config(line: impl Into<String>) -> Self {
        Self { code: CONFIG, lines: vec![line.into()] }
    }

    /// Every fault of the configuration.
    pub(super) fn faults(faults: &[ConfigError]) -> Self {
        Self { code: CONFIG, lines: faults.iter().map(ToString::to_string).collect() }
    }
}

impl From<StoreError> for Failure {
    fn from(error: StoreError) -> Self {
        Self::found(error.to_string())
    }
}

/// What a command found or did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outcome {
    /// Exit code.
    pub(super) code: u8,
    /// For programs.
    pub(super) result: Value,
    /// For people.
    pub(super) lines: Vec<String>,
    /// Remarks that are no part of the result.
    pub(super) notes: Vec<String>,
}

impl Outcome {
    /// A result without a fault.
    pub(super) fn ok(result: Value, line: impl Into<String>) -> Self {
        Self { code: OK, result, lines: vec![line.into()], notes: Vec::new() }
    }
}

/// Where a command writes to.
#[derive(Debug, Clone, Copy)]
pub(super) struct Output {
    /// A program reads along.
    pub(super) json: bool,
}

impl Output {
    /// A line of the result. A reader that went away is no fault of ours.
    pub(super) fn line(self, text: &str) {
        let mut out = io::stdout().lock();
        drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    /// A remark.
    pub(super) fn note(self, text: &str) {
        drop(writeln!(io::stderr().lock(), "{text}"));
    }

    /// Tells how a command ended, and gives its exit code.
    pub(super) fn end(self, end: Result<Outcome, Failure>) -> ExitCode {
        match end {
            Ok(outcome) => {
                if self.json {
                    self.line(&outcome.result.to_string());
                } else {
                    outcome.lines.iter().for_each(|line| self.line(line));
                }
                outcome.notes.iter().for_each(|note| self.note(note));
                ExitCode::from(outcome.code)
            }
            Err(failure) => {
                failure.lines.iter().for_each(|line| self.note(&format!("fangxin: {line}")));
                ExitCode::from(failure.code)
            }
        }
    }
}

/// Who is told how far long work has come: what is done, and of how much when that is known.
#[derive(Clone)]
pub(super) struct Progress(Arc<dyn Fn(u64, Option<u64>) + Send + Sync>);

impl Progress {
    /// Tells a function.
    pub(super) fn to(tell: impl Fn(u64, Option<u64>) + Send + Sync + 'static) -> Self {
        Self(Arc::new(tell))
    }

    /// Tells nobody.
    pub(super) fn silent() -> Self {
        Self::to(|_, _| {})
    }

    /// Draws a bar, when a person looks on.
    pub(super) fn bar(output: Output) -> Self {
        if output.json || !io::stderr().is_terminal() {
            return Self::silent();
        }
        let bar = ProgressBar::with_draw_target(None, ProgressDrawTarget::stderr());
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {human_pos}/{human_len} {per_sec} {eta}") {
            bar.set_style(style);
        }
        Self::to(move |done, of| {
            if let Some(of) = of {
                bar.set_length(of);
            }
            bar.set_position(done);
            if of == Some(done) {
                bar.finish_and_clear();
            }
        })
    }

    /// Tells how far it has come.
    pub(super) fn tell(&self, done: u64, of: Option<u64>) {
        (self.0)(done, of);
    }
}

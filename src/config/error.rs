//! What is wrong with the configuration: every fault with its file, place, value, and what would have been accepted.

use std::collections::BTreeSet;
use std::fmt;

/// One fault of a data file or of a setting.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConfigError {
    /// File as the operator knows it, e.g. `config/routes.csv`; `environment` or `command line` for settings given there.
    pub file: String,
    /// Line in the file, when there is one.
    pub line: Option<u64>,
    /// Column, key or variable; empty when the fault is the file's own.
    pub key: String,
    /// The value refused; secrets are masked before they come here.
    pub value: Option<String>,
    /// What is wrong, in a few words.
    pub detail: String,
    /// What would be accepted.
    pub allowed: Option<String>,
}

impl fmt::Display for ConfigError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.file)?;
        if let Some(line) = self.line {
            write!(f, ":{line}")?;
        }
        f.write_str(": ")?;
        if !self.key.is_empty() {
            f.write_str(&self.key)?;
            if let Some(value) = &self.value {
                write!(f, " \"{value}\"")?;
            }
            f.write_str(": ")?;
        }
        f.write_str(&self.detail)?;
        match &self.allowed {
            Some(allowed) => write!(f, "; allowed: {allowed}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for ConfigError {}

impl ConfigError {
    /// A fault of a file as a whole.
    pub(super) fn of_file(file: &str, detail: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line: None,
            key: String::new(),
            value: None,
            detail: detail.into(),
            allowed: None,
        }
    }

    /// A fault at a key or column.
    pub(super) fn at(file: &str, line: Option<u64>, key: &str, value: Option<&str>, detail: impl Into<String>) -> Self {
        Self {
            file: file.to_owned(),
            line,
            key: key.to_owned(),
            value: value.map(str::to_owned),
            detail: detail.into(),
            allowed: None,
        }
    }

    /// Adds what would have been accepted.
    #[must_use]
    pub(super) fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }
}

/// The faults found so far: reading goes on after each, so that all are told at once.
pub(super) type Faults = Vec<ConfigError>;

/// The codes that one file defines, for references from others.
#[derive(Debug, Default)]
pub(super) struct Codes {
    /// File that defines them, as told to people.
    file: &'static str,
    known: BTreeSet<String>,
    /// Whether the file could be read. If not, no reference into it is judged: its own fault is told already.
    complete: bool,
}

/// Above this number a list of codes helps no one: the file is named instead.
const LISTED: usize = 24;

impl Codes {
    pub(super) fn new(file: &'static str, complete: bool) -> Self {
        Self { file, known: BTreeSet::new(), complete }
    }

    /// Notes a code; `false` when it was there before.
    pub(super) fn add(&mut self, code: &str) -> bool {
        self.known.insert(code.to_owned())
    }

    pub(super) fn contains(&self, code: &str) -> bool {
        self.known.contains(code)
    }

    /// Whether a reference is good, or can't be judged.
    pub(super) fn accepts(&self, code: &str) -> bool {
        !self.complete || self.known.contains(code)
    }

    /// The codes, or where to find them when they are many.
    pub(super) fn allowed(&self) -> String {
        if self.known.len() > LISTED {
            format!("one of the {} codes in {}", self.known.len(), self.file)
        } else {
            self.known.iter().map(String::as_str).collect::<Vec<_>>().join(", ")
        }
    }
}

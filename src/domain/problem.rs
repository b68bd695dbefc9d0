//! What is wrong with an input: the field, the value's fault, and what would have been allowed.

use serde::Serialize;
use std::fmt;

/// Why one value is refused. Says nothing of where the value stood; [`Problems::at`] adds that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Invalid {
    /// Stable snake_case code, for programs: `required`, `too_long`, `unknown_value`, `checksum`, …
    pub code: &'static str,
    /// One sentence in English, for people. Never repeats personal data.
    pub detail: String,
    /// What would be accepted: a list of codes, a pattern, or a range.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub allowed: Option<String>,
}

impl Invalid {
    /// A fault with its code and sentence, and nothing to say of what is allowed.
    pub fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into(), allowed: None }
    }

    /// Adds what would have been accepted.
    #[must_use]
    pub fn allowed(mut self, allowed: impl Into<String>) -> Self {
        self.allowed = Some(allowed.into());
        self
    }
}

impl fmt::Display for Invalid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match &self.allowed {
            Some(allowed) => write!(f, "{} (allowed: {allowed})", self.detail),
            None => f.write_str(&self.detail),
        }
    }
}

impl std::error::Error for Invalid {}

/// One fault with its place in the input.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Problem {
    /// JSON pointer (RFC 6901) to the value, `""` for the whole input.
    pub pointer: String,
    /// What is wrong with it.
    #[serde(flatten)]
    pub fault: Invalid,
}

/// Every fault of one input, collected so that they can be told all at once.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Problems(pub Vec<Problem>);

impl Problems {
    /// Notes a fault at a JSON pointer.
    pub fn at(&mut self, pointer: impl Into<String>, fault: Invalid) {
        self.0.push(Problem { pointer: pointer.into(), fault });
    }

    /// Unwraps a parsed value, or notes its fault at the pointer and gives `None`.
    pub fn take<T>(&mut self, pointer: impl Into<String>, parsed: Result<T, Invalid>) -> Option<T> {
        match parsed {
            Ok(value) => Some(value),
            Err(fault) => {
                self.at(pointer, fault);
                None
            }
        }
    }

    /// `Ok` when nothing was noted.
    pub fn check(self) -> Result<(), Self> {
        if self.0.is_empty() { Ok(()) } else { Err(self) }
    }
}

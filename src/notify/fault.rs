//! How an attempt to tell somebody something failed, on whatever channel.

/// How an attempt failed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Short code, without anything personal: `smtp_450`, `no_answer`.
    pub code: String,
    /// The other side said that it will never take it.
    pub permanent: bool,
}

impl Fault {
    /// A fault that may pass.
    pub fn passing(code: impl Into<String>) -> Self {
        Self { code: code.into(), permanent: false }
    }

    /// One that won't.
    pub fn permanent(code: impl Into<String>) -> Self {
        Self { code: code.into(), permanent: true }
    }

    /// Of a request that got no answer: it may pass.
    pub(super) fn unanswered(error: &reqwest::Error) -> Self {
        Self::passing(if error.is_timeout() { "no_answer" } else { "connection" })
    }
}

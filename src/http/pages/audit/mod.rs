//! Pages of auditors: who did what, and whether the log is as it was written.

pub mod chain;
pub mod log;

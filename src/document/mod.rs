//! What an office issues in writing: the ten documents of Order 121, composed from the operator's wording when a step owes one,
//! kept as they were, and printed from what was kept, as a page or as PDF.
//!
//! In comes a case with what the document says of it; out comes a [`Page`], which is sealed and stored, and later its HTML or PDF.
//! Wording, series and numbers are data (`config/documents.toml`). Pure: the caller draws the number and keeps the page.

mod compose;
mod html;
mod pdf;

#[cfg(test)]
mod tests;

pub use compose::{Matter, Person, compose, number, owed_by, serves};
pub use html::{STYLE, html};
pub use pdf::pdf;

use crate::config::catalogue::DocumentPart;
use crate::domain::vocabulary::DocumentKind;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// A document as it was issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Page {
    /// Which.
    pub kind: DocumentKind,
    /// Its title.
    pub title: String,
    /// Its number, e.g. `江宁市监投受〔2026〕第12号`.
    pub number: String,
    /// The office that issues it.
    pub office: String,
    /// Day of issue.
    pub on: Date,
    /// What it says.
    pub blocks: Vec<DocumentPart>,
}

/// A day as documents write it.
pub fn day(date: Date) -> String {
    format!("{}年{}月{}日", date.year(), date.month(), date.day())
}

/// What stands where the seal goes.
const SEAL: &str = "（印章）";

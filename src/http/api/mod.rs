//! The JSON API, a file for each group of paths.

pub mod attachments;
pub mod audit;
pub mod auth;
pub mod calendar;
pub mod cases;
pub mod codes;
pub mod corrections;
pub mod documents;
pub mod events;
pub mod exports;
pub mod factors;
pub mod groups;
pub mod health;
pub mod hold;
pub mod mass;
pub mod metrics;
pub mod notices;
pub mod preview;
pub mod queue;
pub mod ratings;
pub mod reference;
pub mod stream;
pub mod subject;
pub mod transitions;
pub mod unmask;
pub mod webhooks;

use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::text;
use crate::domain::vocabulary::Lang;
use crate::http::error::Problem;
use crate::http::openapi::LangCode;
use serde::Deserialize;
use utoipa::IntoParams;

/// The language of names.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct LangParam {
    /// `zh` or `en`.
    #[param(value_type = Option<LangCode>, inline)]
    pub lang: Option<String>,
}

impl LangParam {
    /// The language, when one is named.
    ///
    /// # Errors
    /// 422 for another one.
    pub(super) fn read(&self) -> Result<Option<Lang>, Problem> {
        lang(self.lang.as_deref())
    }
}

/// Reads `lang`.
///
/// # Errors
/// 422 for another language.
pub(super) fn lang(given: Option<&str>) -> Result<Option<Lang>, Problem> {
    given.map(|code| Lang::parse(code).map_err(|fault| Problem::field("/lang", fault))).transpose()
}

/// Reads a list of optional values, each by its rule.
pub(super) fn take<T>(
    faults: &mut Problems,
    name: &str,
    given: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
) -> Option<T> {
    given.and_then(|value| faults.take(format!("/{name}"), parse(value)))
}

/// Reads a line of text that must be given, between so many characters.
pub(super) fn line(
    faults: &mut Problems,
    name: &str,
    given: Option<&str>,
    (least, most): (usize, usize),
) -> Option<String> {
    let read = match given {
        Some(given) => text::line(given, least, most),
        None => Err(Invalid::new("required", "is required")),
    };
    faults.take(format!("/{name}"), read)
}

/// The reference number in a path. What is none is answered as one that is unknown.
///
/// # Errors
/// 404.
pub(super) fn reference(path: &str) -> Result<Reference, Problem> {
    Reference::parse(path).map_err(|_| Problem::not_found())
}

/// Reads a day.
///
/// # Errors
/// When it is none.
pub(super) fn day(value: &str) -> Result<jiff::civil::Date, Invalid> {
    // The parser would also take 20261124 and a time behind the day.
    value
        .parse()
        .ok()
        .filter(|_| value.len() == 10)
        .ok_or_else(|| Invalid::new("date", "not a date").allowed("YYYY-MM-DD"))
}

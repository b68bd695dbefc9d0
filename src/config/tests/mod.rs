//! The built-in data as they are; broken data and settings with the messages that they must give.

mod broken;
mod catalogue;
mod settings;

use super::catalogue::Catalogue;
use super::{ConfigError, Source, load};
use crate::domain::calendar::Rollover;

/// The built-in catalogue.
fn embedded() -> Catalogue {
    load(&Source::Embedded, Rollover::HolidayOnly).unwrap_or_else(|faults| panic!("{}", told(&faults).join("\n")))
}

fn told(faults: &[ConfigError]) -> Vec<String> {
    faults.iter().map(ToString::to_string).collect()
}

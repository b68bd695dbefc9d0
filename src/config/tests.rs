//! The built-in data as they are, and broken ones with the messages that they must give.

use super::catalogue::PlaceKind;
use super::*;
use crate::domain::calendar::Rollover;

fn embedded() -> catalogue::Catalogue {
    load(&Source::Embedded, Rollover::HolidayOnly).unwrap_or_else(|faults| panic!("{}", told(&faults)))
}

fn told(faults: &[ConfigError]) -> String {
    faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n")
}

#[test]
fn embedded_data_load() {
    let started = std::fs::metadata(".").is_ok();
    assert!(started);
    let catalogue = embedded();
    let count = |kind| catalogue.places.by_code.values().filter(|place| place.kind == kind).count();
    assert_eq!(count(PlaceKind::City), 13);
    println!("{} offices", catalogue.offices.len());
}

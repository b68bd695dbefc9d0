//! Working days of 2026, counted from the calendar's file alone and not by the product.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;

/// The days that differ from their weekday: whether each is worked.
#[derive(Debug)]
pub(crate) struct Workdays(BTreeMap<Date, bool>);

impl Workdays {
    /// Straight from the file.
    pub(crate) fn of_2026() -> Self {
        let path = PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("config/calendar/2026.csv");
        let text = fs::read_to_string(path).expect("the calendar");
        let differing = text.lines().filter_map(|line| {
            let mut cells = line.split(',');
            let day: Date = cells.next()?.parse().ok()?;
            Some((day, cells.next()? == "makeup_workday"))
        });
        Self(differing.collect())
    }

    pub(crate) fn is_workday(&self, day: Date) -> bool {
        let weekend = matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday);
        self.0.get(&day).copied().unwrap_or(!weekend)
    }

    /// The workday that lies so many working days before (negative) or after a day.
    pub(crate) fn walk(&self, day: Date, days: i32) -> Date {
        let (mut day, mut left) = (day, days.abs());
        while left > 0 {
            day = day.saturating_add(i64::from(days.signum()).days());
            left -= i32::from(self.is_workday(day));
        }
        day
    }

    /// So many calendar days after a day; a last day that is a holiday moves to the first day after it that is none.
    pub(crate) fn days(&self, day: Date, days: i64) -> Date {
        let mut last = day.saturating_add(days.days());
        while self.0.get(&last) == Some(&false) {
            last = last.saturating_add(1.day());
        }
        last
    }
}

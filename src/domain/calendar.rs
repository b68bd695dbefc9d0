//! Chinese working days: weekends, statutory holidays, rest days moved by 调休, and the year that isn't published yet.

use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// What a notice of the State Council says of a day that isn't as its weekday would have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// A statutory holiday, or a rest day announced with it.
    Holiday,
    /// A weekend day that is worked instead.
    MakeupWorkday,
}

/// Which last days move a deadline (Order 121 Art 45 names statutory holidays only).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollover {
    /// Only holidays and the rest days announced with them; an ordinary weekend doesn't move it.
    HolidayOnly,
    /// Any day of rest.
    AnyRestDay,
}

/// A last day, and how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The last day of the period.
    pub on: Date,
    /// Whether a year without a published calendar had a part in it.
    pub provisional: bool,
    /// Version of the calendar that it was counted with.
    pub calendar: String,
}

/// The published days of some years, and a rule for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Version name, e.g. `cn-2026.1`: what a due date is stored with.
    pub version: String,
    /// Years whose notice is in `days`.
    pub years: BTreeSet<i16>,
    /// Days that differ from their weekday.
    pub days: BTreeMap<Date, DayKind>,
    /// Which last days move.
    pub rollover: Rollover,
}

impl WorkCalendar {
    /// Whether the day is worked. In an unpublished year: weekdays except the fixed and lunar statutory holidays.
    pub fn is_workday(&self, day: Date) -> bool {
        let _ = day;
        todo!()
    }

    /// Whether the day is a holiday or a rest day announced with one.
    pub fn is_holiday(&self, day: Date) -> bool {
        let _ = day;
        todo!()
    }

    /// The `n`-th working day after `start`; `start` itself is not counted (Art 45).
    pub fn add_working_days(&self, start: Date, n: u16) -> Due {
        let _ = (start, n);
        todo!()
    }

    /// The `n`-th calendar day after `start`, moved off holidays by the roll-over rule (Art 45).
    pub fn add_days(&self, start: Date, n: u16) -> Due {
        let _ = (start, n);
        todo!()
    }

    /// Working days after `from` up to and with `to`; negative when `to` lies before.
    pub fn working_days_between(&self, from: Date, to: Date) -> i32 {
        let _ = (from, to);
        todo!()
    }
}

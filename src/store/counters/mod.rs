//! Counters: how many cases have which fact, by view, so that a rate costs the same over ten million cases as over ten thousand.
//!
//! What is counted and why is `measure`'s to say; here the numbers are kept and added up.

mod question;
mod recount;
mod rows;

pub use question::{Awaiting, Interval, Open, Question, Slot, one_state, open, sum};
pub use recount::{Alike, alike, clear, facts_page, put, read_all, set_facts, span, stored};
pub(super) use rows::CounterRow;

use crate::domain::fact::Fact;
use crate::domain::vocabulary::Kind;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// By which day a case belongs to a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cohort {
    /// The day of receipt.
    Received,
    /// The day of closing.
    Closed,
}

impl Cohort {
    /// As it is stored and asked for.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Closed => "closed",
        }
    }
}

/// Length of the period that a counter is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Grain {
    /// One day.
    Day,
    /// A month, named by its first day.
    Month,
}

impl Grain {
    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Day => "d",
            Self::Month => "m",
        }
    }
}

/// Which dimensions a counter keeps apart. The others are left open (0 or empty).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// None: the province.
    All,
    /// City.
    City,
    /// County.
    County,
    /// Sector.
    Sector,
    /// City × sector.
    CitySector,
    /// Department.
    Department,
    /// Office.
    Office,
    /// Station.
    Station,
    /// Channel.
    Channel,
    /// Every dimension.
    Full,
}

impl View {
    /// Every view, the narrowest first: a question is answered from the first that keeps what it asks for apart.
    pub const ALL: &'static [Self] = &[
        Self::All,
        Self::City,
        Self::Sector,
        Self::Department,
        Self::Channel,
        Self::County,
        Self::CitySector,
        Self::Office,
        Self::Station,
        Self::Full,
    ];

    /// As it is stored.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "all",
            Self::City => "city",
            Self::County => "county",
            Self::Sector => "sector",
            Self::CitySector => "city_sector",
            Self::Department => "department",
            Self::Office => "office",
            Self::Station => "station",
            Self::Channel => "channel",
            Self::Full => "full",
        }
    }

    /// Whether it keeps a dimension apart.
    pub const fn keeps(self, dimension: Dimension) -> bool {
        match self {
            Self::All => false,
            Self::City => matches!(dimension, Dimension::City),
            Self::County => matches!(dimension, Dimension::City | Dimension::County),
            Self::Sector => matches!(dimension, Dimension::Sector),
            Self::CitySector => matches!(dimension, Dimension::City | Dimension::Sector),
            Self::Department => matches!(dimension, Dimension::Department),
            Self::Office => matches!(dimension, Dimension::Office),
            Self::Station => matches!(dimension, Dimension::Station),
            Self::Channel => matches!(dimension, Dimension::Channel),
            Self::Full => true,
        }
    }
}

/// A property of cases that numbers are split by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Dimension {
    /// City of the responsible division.
    City,
    /// County (six-digit division) of it.
    County,
    /// Sector.
    Sector,
    /// Department (line).
    Department,
    /// Office.
    Office,
    /// Station at which the case lies or lay.
    Station,
    /// Channel.
    Channel,
}

/// What one counter is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CounterKey {
    /// Which dimensions it keeps apart.
    pub view: View,
    /// Length of its period.
    pub grain: Grain,
    /// First day of its period.
    pub on: Date,
    /// By which day a case belongs to it.
    pub cohort: Cohort,
    /// Complaints or reports.
    pub kind: Kind,
    /// City code, or 0.
    pub city: i32,
    /// Six-digit division code, or 0.
    pub county: i32,
    /// Sector, or empty.
    pub sector: String,
    /// Department line, or empty.
    pub department: String,
    /// Office, or empty.
    pub office: String,
    /// Station, or empty (no station, or left open).
    pub station: String,
    /// Channel, or empty.
    pub channel: String,
}

/// How many cases have each fact, and two sums.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Counts {
    /// By [`Fact`], in the order of `Fact::ALL`.
    pub facts: [i64; Fact::COUNT],
    /// Amounts in dispute, fen.
    pub amount_fen: i64,
    /// Amounts recovered, fen.
    pub recovered_fen: i64,
}

impl Default for Counts {
    fn default() -> Self {
        Self { facts: [0; Fact::COUNT], amount_fen: 0, recovered_fen: 0 }
    }
}

impl Counts {
    /// Adds another's numbers.
    pub fn add(&mut self, other: &Self) {
        for (mine, theirs) in self.facts.iter_mut().zip(other.facts) {
            *mine += theirs;
        }
        self.amount_fen += other.amount_fen;
        self.recovered_fen += other.recovered_fen;
    }

    /// How many cases have the fact.
    pub const fn of(&self, fact: Fact) -> i64 {
        self.facts[fact as usize]
    }

    /// Nothing to add.
    pub fn is_zero(&self) -> bool {
        *self == Self::default()
    }
}

/// Changes to counters, gathered in a unit and over a group of units, sorted so that two writers take rows in one order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Deltas(pub BTreeMap<CounterKey, Counts>);

impl Deltas {
    /// Adds to one counter.
    pub fn add(&mut self, key: CounterKey, counts: &Counts) {
        self.0.entry(key).or_default().add(counts);
    }

    /// Adds all of another's changes, which stay as they are.
    pub fn merge_of(&mut self, other: &Self) {
        for (key, counts) in &other.0 {
            match self.0.get_mut(key) {
                Some(mine) => mine.add(counts),
                None => drop(self.0.insert(key.clone(), counts.clone())),
            }
        }
    }

    /// Adds all of another's changes.
    pub fn merge(&mut self, other: Self) {
        for (key, counts) in other.0 {
            self.0.entry(key).or_default().add(&counts);
        }
    }
}

//! Counters: how many cases have which fact, by view, so that a rate costs the same over ten million cases as over ten thousand.
//!
//! What is counted and why is `measure`'s to say; here the numbers are kept and added up.
//!
//! Most of what is kept of a case may be counters, so a row is short: codes of a letter, and on PostgreSQL numbers of four bytes.

mod question;
mod recount;
mod rows;

pub use question::{Awaiting, Interval, Open, Question, Slot, one_state, open, sum};
pub use recount::{Alike, alike, clear, facts_page, missing, put, read_all, set_facts, span, stored};
pub(super) use rows::CounterRow;

use crate::domain::fact::{Fact, Facts};
use crate::domain::vocabulary::Kind;
use crate::store::engine::StoreError;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// A kind as it is stored.
const fn letter(kind: Kind) -> &'static str {
    match kind {
        Kind::Complaint => "c",
        Kind::Report => "r",
    }
}

/// A stored kind.
fn kind(letter: &str) -> Result<Kind, StoreError> {
    match letter {
        "c" => Ok(Kind::Complaint),
        "r" => Ok(Kind::Report),
        other => Err(StoreError::Unreadable(format!("a counter of kind {other}"))),
    }
}

/// By which day a case belongs to a period.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Cohort {
    /// The day of receipt.
    Received,
    /// The day of closing.
    Closed,
}

impl Cohort {
    /// As it is asked for.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Closed => "closed",
        }
    }

    /// As it is stored.
    pub(super) const fn letter(self) -> &'static str {
        match self {
            Self::Received => "r",
            Self::Closed => "c",
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
    /// Both.
    pub const ALL: &'static [Self] = &[Self::Day, Self::Month];

    pub(super) const fn code(self) -> &'static str {
        match self {
            Self::Day => "d",
            Self::Month => "m",
        }
    }
}

/// Which dimensions a counter keeps apart. The others are left open: empty, and of the place the province stays.
///
/// A view costs a row for each of its cells in which something happened on a day or in a month. What no view keeps apart is
/// counted from the cases themselves ([`sum`]): a view of every dimension would have as many rows as there are cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum View {
    /// Only the province.
    All,
    /// City.
    City,
    /// County.
    County,
    /// Sector.
    Sector,
    /// City × sector.
    CitySector,
    /// County × sector, by month.
    CountySector,
    /// Department.
    Department,
    /// Office.
    Office,
    /// Office × sector, by month.
    OfficeSector,
    /// Station.
    Station,
    /// Channel.
    Channel,
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
        Self::Office,
        Self::Station,
        Self::CitySector,
        Self::CountySector,
        Self::OfficeSector,
    ];

    /// As it is stored: in every row, so it is short.
    pub const fn code(self) -> &'static str {
        match self {
            Self::All => "a",
            Self::City => "c",
            Self::County => "y",
            Self::Sector => "s",
            Self::CitySector => "cs",
            Self::CountySector => "ys",
            Self::Department => "d",
            Self::Office => "o",
            Self::OfficeSector => "os",
            Self::Station => "t",
            Self::Channel => "n",
        }
    }

    /// Lengths of the periods that it is kept for. By day the cells of the finest views hold hardly more than a case each.
    pub const fn grains(self) -> &'static [Grain] {
        match self {
            Self::CountySector | Self::OfficeSector => &[Grain::Month],
            _ => Grain::ALL,
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
            Self::CountySector => matches!(dimension, Dimension::City | Dimension::County | Dimension::Sector),
            Self::Department => matches!(dimension, Dimension::Department),
            Self::Office => matches!(dimension, Dimension::Office),
            Self::OfficeSector => matches!(dimension, Dimension::Office | Dimension::Sector),
            Self::Station => matches!(dimension, Dimension::Station),
            Self::Channel => matches!(dimension, Dimension::Channel),
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
    /// City code, or that of the province.
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
    /// The numbers of so many cases that show the same facts.
    pub fn of_cases(facts: Facts, cases: i64, amount_fen: i64, recovered_fen: i64) -> Self {
        let mut counts = Self { amount_fen, recovered_fen, ..Self::default() };
        for (number, fact) in counts.facts.iter_mut().zip(Fact::ALL) {
            if facts.has(*fact) {
                *number = cases;
            }
        }
        counts
    }

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

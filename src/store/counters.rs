//! Counters: how many cases have which fact, by view, so that a rate costs the same over ten million cases as over ten thousand.
//!
//! What is counted and why is `measure`'s to say; here the numbers are kept and added up.

use crate::domain::case::{Case, CaseId};
use crate::domain::fact::{Fact, Facts};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Kind;
use crate::store::db::Db;
use crate::store::dialect::{self, Bind};
use crate::store::engine::{StoreError, Tx};
use crate::store::queue::Dimensions;
use crate::store::schema::{cases, counters};
use crate::store::types::{Day, Key, On};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use jiff::ToSpan;
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

#[derive(Debug, Clone, Insertable, Queryable)]
#[diesel(table_name = counters)]
#[diesel(treat_none_as_default_value = false)]
pub(super) struct CounterRow {
    pub(super) view: String,
    pub(super) grain: String,
    pub(super) on_day: On,
    pub(super) cohort: String,
    pub(super) kind: String,
    pub(super) city: i32,
    pub(super) county: i32,
    pub(super) sector: String,
    pub(super) department: String,
    pub(super) office: String,
    pub(super) station: String,
    pub(super) channel: String,
    pub(super) bucket: i16,
    pub(super) n_received: i64,
    pub(super) n_disposed: i64,
    pub(super) n_decided: i64,
    pub(super) n_decided_in_time: i64,
    pub(super) n_accepted: i64,
    pub(super) n_closed: i64,
    pub(super) n_closed_in_time: i64,
    pub(super) n_station_ended: i64,
    pub(super) n_self_settled: i64,
    pub(super) n_agreed: i64,
    pub(super) n_mediation_ended: i64,
    pub(super) n_mediated_agreed: i64,
    pub(super) n_rated: i64,
    pub(super) n_satisfied: i64,
    pub(super) n_solved: i64,
    pub(super) n_contacted: i64,
    pub(super) n_returned: i64,
    pub(super) n_reopened: i64,
    pub(super) n_withdrawn: i64,
    pub(super) n_refused: i64,
    pub(super) n_transferred: i64,
    pub(super) n_report_verified: i64,
    pub(super) n_report_verified_in_time: i64,
    pub(super) amount_fen: i64,
    pub(super) recovered_fen: i64,
}

impl CounterRow {
    pub(super) fn new(key: &CounterKey, counts: &Counts, bucket: i16) -> Self {
        Self {
            view: key.view.code().to_owned(),
            grain: key.grain.code().to_owned(),
            on_day: On(key.on),
            cohort: key.cohort.code().to_owned(),
            kind: key.kind.code().to_owned(),
            city: key.city,
            county: key.county,
            sector: key.sector.clone(),
            department: key.department.clone(),
            office: key.office.clone(),
            station: key.station.clone(),
            channel: key.channel.clone(),
            bucket,
            n_received: counts.facts[0],
            n_disposed: counts.facts[1],
            n_decided: counts.facts[2],
            n_decided_in_time: counts.facts[3],
            n_accepted: counts.facts[4],
            n_closed: counts.facts[5],
            n_closed_in_time: counts.facts[6],
            n_station_ended: counts.facts[7],
            n_self_settled: counts.facts[8],
            n_agreed: counts.facts[9],
            n_mediation_ended: counts.facts[10],
            n_mediated_agreed: counts.facts[11],
            n_rated: counts.facts[12],
            n_satisfied: counts.facts[13],
            n_solved: counts.facts[14],
            n_contacted: counts.facts[15],
            n_returned: counts.facts[16],
            n_reopened: counts.facts[17],
            n_withdrawn: counts.facts[18],
            n_refused: counts.facts[19],
            n_transferred: counts.facts[20],
            n_report_verified: counts.facts[21],
            n_report_verified_in_time: counts.facts[22],
            amount_fen: counts.amount_fen,
            recovered_fen: counts.recovered_fen,
        }
    }
}

/// Length of the periods that numbers are shown by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interval {
    /// Days.
    Day,
    /// Weeks, from Monday.
    Week,
    /// Months.
    Month,
}

impl Interval {
    /// As it is asked for.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
            Self::Month => "month",
        }
    }

    /// First day of the period that a day lies in.
    pub fn start(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => day.saturating_sub(i64::from(day.weekday().to_monday_zero_offset()).days()),
            Self::Month => day.first_of_month(),
        }
    }

    /// Last day of it.
    pub fn end(self, day: Date) -> Date {
        match self {
            Self::Day => day,
            Self::Week => self.start(day).saturating_add(6.days()),
            Self::Month => day.last_of_month(),
        }
    }
}

/// What is asked of the counters.
#[derive(Debug, Clone)]
pub struct Question {
    /// By which day cases belong to the period.
    pub cohort: Cohort,
    /// Of one kind; none given is both, told apart in the answer.
    pub kind: Option<Kind>,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Values that dimensions are narrowed to.
    pub dimensions: Dimensions,
    /// Dimension whose values are told apart. By station, cases that are at none are left out.
    pub group_by: Option<Dimension>,
    /// Periods that are told apart.
    pub interval: Option<Interval>,
}

/// Which of the numbers an answer is for.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Slot {
    /// Value of the dimension grouped by, or empty.
    pub group: String,
    /// First day of the period that it lies in, or of the whole span.
    pub period: Date,
    /// Kind.
    pub kind: Kind,
}

/// Numbers of open cases, as of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// Await their disposal, and its last day has passed.
    pub overdue: i64,
    /// Are not disposed of, and nothing is due yet (or no limit runs: in triage, at a station).
    pub not_due: i64,
    /// Are open.
    pub open: i64,
    /// Are open, and a running limit has passed.
    pub past_due: i64,
}

impl Open {
    /// Adds another's numbers.
    pub const fn add(&mut self, other: &Self) {
        self.overdue += other.overdue;
        self.not_due += other.not_due;
        self.open += other.open;
        self.past_due += other.past_due;
    }
}

impl Dimensions {
    /// What of these a scope leaves; `None` when it leaves nothing, and for scopes that have no part in statistics.
    #[must_use]
    pub fn within(mut self, scope: &Scope) -> Option<Self> {
        fn meet(mine: &mut Option<String>, theirs: &str) -> Option<()> {
            match mine {
                Some(value) if value != theirs => None,
                _ => {
                    *mine = Some(theirs.to_owned());
                    Some(())
                }
            }
        }
        match scope {
            Scope::Nothing | Scope::Case(_) | Scope::Contact(_) => return None,
            Scope::System => {}
            Scope::Station(code) => meet(&mut self.station, code)?,
            Scope::Office(code) => meet(&mut self.office, code)?,
            Scope::Subtree { division, department } => {
                let range = division.six_digit_range();
                let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
                let (from, to) = self.division.unwrap_or((0, i32::MAX));
                let met = (from.max(number(range.start)), to.min(number(range.end)));
                if met.0 >= met.1 {
                    return None;
                }
                self.division = Some(met);
                if let Some(line) = department {
                    meet(&mut self.department, line)?;
                }
            }
        }
        Some(self)
    }

    /// The narrowest view that keeps apart what these narrow and a grouping splits.
    fn view(&self, group_by: Option<Dimension>) -> View {
        let division = self.division.map(|range| if is_county(range) { Dimension::County } else { Dimension::City });
        let needed = [
            division,
            self.sector.as_ref().map(|_| Dimension::Sector),
            self.department.as_ref().map(|_| Dimension::Department),
            self.office.as_ref().map(|_| Dimension::Office),
            self.station.as_ref().map(|_| Dimension::Station),
            self.channel.as_ref().map(|_| Dimension::Channel),
            group_by,
        ];
        let keeps = |view: &&View| needed.iter().flatten().all(|dimension| view.keeps(*dimension));
        View::ALL.iter().find(keeps).copied().unwrap_or(View::Full)
    }

    /// Adds the conditions for these to a query for counters or, with `of_cases`, for cases.
    fn narrow(&self, sql: &mut Sql, of_cases: bool) {
        if let Some((from, to)) = self.division {
            if is_county((from, to)) {
                sql.and(if of_cases { "division = ?" } else { "county = ?" }, [Bind::Int(from)]);
            } else {
                // Cities have the lowest code of their counties, so that one range fits both.
                let column = if of_cases { "division >= ? AND division < ?" } else { "city >= ? AND city < ?" };
                sql.and(column, [Bind::Int(from), Bind::Int(to)]);
            }
        }
        let texts = [
            ("sector = ?", &self.sector),
            ("department = ?", &self.department),
            ("office = ?", &self.office),
            ("station = ?", &self.station),
            ("channel = ?", &self.channel),
        ];
        for (condition, value) in texts {
            if let Some(value) = value {
                sql.and(condition, [Bind::Text(value.clone())]);
            }
        }
    }
}

/// The range of every six-digit code.
const EVERYWHERE: (i32, i32) = (0, 1_000_000);

/// A range with one code: a county, or a city or province without what lies below it.
const fn is_county((from, to): (i32, i32)) -> bool {
    to - from == 1
}

/// A query that is put together: constant text, values apart.
struct Sql {
    text: String,
    binds: Vec<Bind>,
}

impl Sql {
    fn and<const N: usize>(&mut self, condition: &str, binds: [Bind; N]) {
        self.text.push_str(" AND ");
        self.text.push_str(condition);
        self.binds.extend(binds);
    }
}

#[derive(QueryableByName)]
struct Sums {
    #[diesel(sql_type = BigInt)]
    n_received: i64,
    #[diesel(sql_type = BigInt)]
    n_disposed: i64,
    #[diesel(sql_type = BigInt)]
    n_decided: i64,
    #[diesel(sql_type = BigInt)]
    n_decided_in_time: i64,
    #[diesel(sql_type = BigInt)]
    n_accepted: i64,
    #[diesel(sql_type = BigInt)]
    n_closed: i64,
    #[diesel(sql_type = BigInt)]
    n_closed_in_time: i64,
    #[diesel(sql_type = BigInt)]
    n_station_ended: i64,
    #[diesel(sql_type = BigInt)]
    n_self_settled: i64,
    #[diesel(sql_type = BigInt)]
    n_agreed: i64,
    #[diesel(sql_type = BigInt)]
    n_mediation_ended: i64,
    #[diesel(sql_type = BigInt)]
    n_mediated_agreed: i64,
    #[diesel(sql_type = BigInt)]
    n_rated: i64,
    #[diesel(sql_type = BigInt)]
    n_satisfied: i64,
    #[diesel(sql_type = BigInt)]
    n_solved: i64,
    #[diesel(sql_type = BigInt)]
    n_contacted: i64,
    #[diesel(sql_type = BigInt)]
    n_returned: i64,
    #[diesel(sql_type = BigInt)]
    n_reopened: i64,
    #[diesel(sql_type = BigInt)]
    n_withdrawn: i64,
    #[diesel(sql_type = BigInt)]
    n_refused: i64,
    #[diesel(sql_type = BigInt)]
    n_transferred: i64,
    #[diesel(sql_type = BigInt)]
    n_report_verified: i64,
    #[diesel(sql_type = BigInt)]
    n_report_verified_in_time: i64,
    #[diesel(sql_type = BigInt)]
    amount_fen: i64,
    #[diesel(sql_type = BigInt)]
    recovered_fen: i64,
}

impl From<Sums> for Counts {
    fn from(row: Sums) -> Self {
        Self {
            facts: [
                row.n_received,
                row.n_disposed,
                row.n_decided,
                row.n_decided_in_time,
                row.n_accepted,
                row.n_closed,
                row.n_closed_in_time,
                row.n_station_ended,
                row.n_self_settled,
                row.n_agreed,
                row.n_mediation_ended,
                row.n_mediated_agreed,
                row.n_rated,
                row.n_satisfied,
                row.n_solved,
                row.n_contacted,
                row.n_returned,
                row.n_reopened,
                row.n_withdrawn,
                row.n_refused,
                row.n_transferred,
                row.n_report_verified,
                row.n_report_verified_in_time,
            ],
            amount_fen: row.amount_fen,
            recovered_fen: row.recovered_fen,
        }
    }
}

/// The columns of [`Sums`].
fn sums() -> String {
    let facts = Fact::ALL.iter().map(|fact| format!("n_{}", fact.code()));
    let columns = facts.chain(["amount_fen".to_owned(), "recovered_fen".to_owned()]);
    columns.map(|column| format!("CAST(SUM({column}) AS BIGINT) AS {column}")).collect::<Vec<_>>().join(", ")
}

#[derive(QueryableByName)]
struct SumRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    grp: String,
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(embed)]
    sums: Sums,
}

#[derive(QueryableByName)]
struct OpenRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    grp: String,
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = BigInt)]
    n_overdue: i64,
    #[diesel(sql_type = BigInt)]
    n_not_due: i64,
    #[diesel(sql_type = BigInt)]
    n_open: i64,
    #[diesel(sql_type = BigInt)]
    n_past_due: i64,
}

impl Question {
    /// The dimension grouped by as an expression over counters or cases, which needs no value.
    const fn group(&self, of_cases: bool) -> &'static str {
        match self.group_by {
            None => "CAST('' AS TEXT)",
            Some(Dimension::City) if of_cases => "CAST(division / 100 * 100 AS TEXT)",
            Some(Dimension::City) => "CAST(city AS TEXT)",
            Some(Dimension::County) if of_cases => "CAST(division AS TEXT)",
            Some(Dimension::County) => "CAST(county AS TEXT)",
            Some(Dimension::Sector) => "sector",
            Some(Dimension::Department) => "department",
            Some(Dimension::Office) => "office",
            Some(Dimension::Station) => "station",
            Some(Dimension::Channel) => "channel",
        }
    }

    /// Conditions and grouping that both kinds of query share.
    fn finish(&self, sql: &mut Sql, dimensions: &Dimensions, of_cases: bool, day: &str) {
        if let Some(kind) = self.kind {
            sql.and("kind = ?", [Bind::Text(kind.code().to_owned())]);
        }
        dimensions.narrow(sql, of_cases);
        if self.group_by == Some(Dimension::Station) {
            sql.and("station <> ''", []);
        }
        sql.text.push_str(" GROUP BY kind");
        if self.group_by.is_some() {
            sql.text.push_str(", ");
            sql.text.push_str(self.group(of_cases));
        }
        if self.interval.is_some() {
            sql.text.push_str(", ");
            sql.text.push_str(day);
        }
    }

    fn slot(&self, kind: &str, group: String, day: On) -> Result<Slot, StoreError> {
        let kind = Kind::parse(kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?;
        let period = self.interval.map_or(self.from, |interval| interval.start(day.0));
        Ok(Slot { group, period, kind })
    }

    /// The span cut so that whole months are read as months and only its edges as days.
    fn segments(&self) -> Vec<(Grain, Date, Date)> {
        let (from, to) = (self.from, self.to);
        if from > to {
            return Vec::new();
        }
        if matches!(self.interval, Some(Interval::Day | Interval::Week)) {
            return vec![(Grain::Day, from, to)];
        }
        let first = if from.day() == 1 { from } else { from.last_of_month().saturating_add(1.day()) };
        let last = if to == to.last_of_month() { to } else { to.first_of_month().saturating_sub(1.day()) };
        if first > last {
            return vec![(Grain::Day, from, to)];
        }
        let mut segments = vec![(Grain::Month, first, last.first_of_month())];
        if from < first {
            segments.push((Grain::Day, from, first.saturating_sub(1.day())));
        }
        if last < to {
            segments.push((Grain::Day, last.saturating_add(1.day()), to));
        }
        segments
    }
}

/// Adds up the counters that answer a question, within a scope. What nothing was counted for is left out.
pub fn sum(db: &mut Db, scope: &Scope, question: &Question) -> Result<BTreeMap<Slot, Counts>, StoreError> {
    let mut answer = BTreeMap::<Slot, Counts>::new();
    let Some(dimensions) = question.dimensions.clone().within(scope) else { return Ok(answer) };
    let view = dimensions.view(question.group_by);
    let group = question.group(false);
    let day = if question.interval.is_some() { "on_day" } else { "MIN(on_day)" };
    for (grain, from, to) in question.segments() {
        let mut sql = Sql {
            text: format!(
                "SELECT kind, {group} AS grp, {day} AS on_day, {} FROM counters \
                 WHERE view = ? AND grain = ? AND on_day >= ? AND on_day <= ? AND cohort = ?",
                sums()
            ),
            binds: vec![
                Bind::Text(view.code().to_owned()),
                Bind::Text(grain.code().to_owned()),
                Bind::Day(On(from)),
                Bind::Day(On(to)),
                Bind::Text(question.cohort.code().to_owned()),
            ],
        };
        question.finish(&mut sql, &dimensions, false, "on_day");
        for row in dialect::rows::<SumRow>(db, &sql.text, sql.binds)? {
            let slot = question.slot(&row.kind, row.grp, row.on_day)?;
            answer.entry(slot).or_default().add(&row.sums.into());
        }
    }
    answer.retain(|_, counts| !counts.is_zero());
    Ok(answer)
}

/// Counts the open cases of a question as of a day, within a scope: what is due changes from day to day without any
/// event, so no counter can hold it. Costs as much as there are open cases, over an index that holds all that is asked for
/// of those and of no others; of an office or a station as much as it has.
pub fn open(db: &mut Db, scope: &Scope, question: &Question, today: Date) -> Result<BTreeMap<Slot, Open>, StoreError> {
    let mut answer = BTreeMap::<Slot, Open>::new();
    // An open case has no day of closing: opening it again takes it away.
    if question.cohort == Cohort::Closed {
        return Ok(answer);
    }
    let Some(mut dimensions) = question.dimensions.clone().within(scope) else { return Ok(answer) };
    // Without a range of divisions SQLite would read every case received in the period, not the index of the open ones. An
    // office's and a station's are found by their own.
    if dimensions.office.is_none() && dimensions.station.is_none() {
        dimensions.division.get_or_insert(EVERYWHERE);
    }
    let column = "received_on";
    let group = question.group(true);
    let day = if question.interval.is_some() { column } else { "MIN(received_on)" };
    let mut sql = Sql {
        text: format!(
            "SELECT kind, {group} AS grp, {day} AS on_day, \
             CAST(SUM(CASE WHEN decision_due < ? THEN 1 ELSE 0 END) AS BIGINT) AS n_overdue, \
             CAST(SUM(CASE WHEN (facts & ?) = 0 AND (decision_due IS NULL OR decision_due >= ?) THEN 1 ELSE 0 END) \
             AS BIGINT) AS n_not_due, \
             CAST(COUNT(*) AS BIGINT) AS n_open, \
             CAST(SUM(CASE WHEN next_due < ? THEN 1 ELSE 0 END) AS BIGINT) AS n_past_due \
             FROM cases WHERE is_open AND ({column} >= ?) = TRUE AND ({column} <= ?) = TRUE"
        ),
        binds: vec![
            Bind::Day(On(today)),
            Bind::Big(Fact::Disposed.bit()),
            Bind::Day(On(today)),
            Bind::Day(On(today)),
            Bind::Day(On(question.from)),
            Bind::Day(On(question.to)),
        ],
    };
    question.finish(&mut sql, &dimensions, true, column);
    for row in dialect::rows::<OpenRow>(db, &sql.text, sql.binds)? {
        let slot = question.slot(&row.kind, row.grp, row.on_day)?;
        answer.entry(slot).or_default().add(&Open {
            overdue: row.n_overdue,
            not_due: row.n_not_due,
            open: row.n_open,
            past_due: row.n_past_due,
        });
    }
    Ok(answer)
}

/// Makes every statement of a reading unit see one state of the data; must come first in it.
pub fn one_state(db: &mut Db) -> Result<(), StoreError> {
    dialect::one_state(db)
}

/// Prepares a unit that reads every case: one state of the data, no time limit.
pub fn read_all(db: &mut Db) -> Result<(), StoreError> {
    dialect::one_state(db)?;
    dialect::no_time_limit(db)
}

/// Cases of one day that share every dimension and fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// Day of the cohort.
    pub on: Date,
    /// Kind.
    pub kind: Kind,
    /// Six-digit division.
    pub division: i32,
    /// Sector.
    pub sector: String,
    /// Department (line).
    pub department: String,
    /// Office.
    pub office: String,
    /// Station, or empty.
    pub station: String,
    /// Channel.
    pub channel: String,
    /// Facts.
    pub facts: Facts,
    /// How many.
    pub cases: i64,
    /// Amounts in dispute, fen.
    pub amount_fen: i64,
    /// Amounts recovered, fen.
    pub recovered_fen: i64,
}

#[derive(QueryableByName)]
struct AlikeRow {
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    division: i32,
    #[diesel(sql_type = Text)]
    sector: String,
    #[diesel(sql_type = Text)]
    department: String,
    #[diesel(sql_type = Text)]
    office: String,
    #[diesel(sql_type = Text)]
    station: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    facts: i64,
    #[diesel(sql_type = BigInt)]
    cases: i64,
    #[diesel(sql_type = BigInt)]
    amount_fen: i64,
    #[diesel(sql_type = BigInt)]
    recovered_fen: i64,
}

/// First and last day that a cohort's cases or counters have; `None` when there are none.
pub fn span(db: &mut Db, cohort: Cohort) -> Result<Option<(Date, Date)>, StoreError> {
    use diesel::dsl::{max, min};
    let counted: (Option<On>, Option<On>) = counters::table
        .filter(counters::cohort.eq(cohort.code()))
        .select((min(counters::on_day), max(counters::on_day)))
        .first(db)?;
    let stored: (Option<On>, Option<On>) = match cohort {
        Cohort::Received => cases::table.select((min(cases::received_on), max(cases::received_on))).first(db)?,
        Cohort::Closed => cases::table.select((min(cases::closed_on), max(cases::closed_on))).first(db)?,
    };
    let first = [counted.0, stored.0].into_iter().flatten().min();
    let last = [counted.1, stored.1].into_iter().flatten().max();
    Ok(first.zip(last).map(|(first, last)| (first.0, last.0)))
}

/// The cases of a month, by the day of the cohort, those that are alike together. For recounts.
pub fn alike(db: &mut Db, cohort: Cohort, month: Date) -> Result<Vec<Alike>, StoreError> {
    let column = match cohort {
        Cohort::Received => "received_on",
        Cohort::Closed => "closed_on",
    };
    let same = format!("{column}, kind, division, sector, department, office, station, channel, facts");
    let sql = format!(
        "SELECT {column} AS on_day, kind, division, sector, department, office, station, channel, facts, \
         CAST(COUNT(*) AS BIGINT) AS cases, CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) AS amount_fen, \
         CAST(COALESCE(SUM(recovered_fen), 0) AS BIGINT) AS recovered_fen \
         FROM cases WHERE {column} >= ? AND {column} <= ? GROUP BY {same}"
    );
    let binds = vec![Bind::Day(On(month.first_of_month())), Bind::Day(On(month.last_of_month()))];
    dialect::rows::<AlikeRow>(db, &sql, binds)?
        .into_iter()
        .map(|row| {
            Ok(Alike {
                on: row.on_day.0,
                kind: Kind::parse(&row.kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?,
                division: row.division,
                sector: row.sector,
                department: row.department,
                office: row.office,
                station: row.station,
                channel: row.channel,
                facts: Facts(row.facts),
                cases: row.cases,
                amount_fen: row.amount_fen,
                recovered_fen: row.recovered_fen,
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    city: i32,
    #[diesel(sql_type = Integer)]
    county: i32,
    #[diesel(sql_type = Text)]
    sector: String,
    #[diesel(sql_type = Text)]
    department: String,
    #[diesel(sql_type = Text)]
    office: String,
    #[diesel(sql_type = Text)]
    station: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(embed)]
    sums: Sums,
}

/// The counters of a view, a grain and a cohort whose period begins in a month, buckets added up.
/// For recounts; also says how many rows they are.
pub fn stored(
    db: &mut Db,
    view: View,
    grain: Grain,
    cohort: Cohort,
    month: Date,
) -> Result<(BTreeMap<CounterKey, Counts>, i64), StoreError> {
    const KEY: &str = "on_day, kind, city, county, sector, department, office, station, channel";
    let sql = format!(
        "SELECT {KEY}, CAST(COUNT(*) AS BIGINT) AS rows, {} FROM counters \
         WHERE view = ? AND grain = ? AND on_day >= ? AND on_day <= ? AND cohort = ? GROUP BY {KEY}",
        sums()
    );
    let binds = vec![
        Bind::Text(view.code().to_owned()),
        Bind::Text(grain.code().to_owned()),
        Bind::Day(On(month.first_of_month())),
        Bind::Day(On(month.last_of_month())),
        Bind::Text(cohort.code().to_owned()),
    ];
    let mut counted = BTreeMap::new();
    let mut rows = 0;
    for row in dialect::rows::<StoredRow>(db, &sql, binds)? {
        rows += row.rows;
        let key = CounterKey {
            view,
            grain,
            on: row.on_day.0,
            cohort,
            kind: Kind::parse(&row.kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?,
            city: row.city,
            county: row.county,
            sector: row.sector,
            department: row.department,
            office: row.office,
            station: row.station,
            channel: row.channel,
        };
        counted.insert(key, row.sums.into());
    }
    Ok((counted, rows))
}

/// A page of cases with the facts stored beside them, in the order of their keys. For recounts.
pub fn facts_page(db: &mut Db, after: Option<CaseId>, limit: i64) -> Result<Vec<(CaseId, Case, Facts)>, StoreError> {
    let mut query = cases::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(cases::case_id.gt(Key::from(after)));
    }
    let rows: Vec<(Key, Vec<u8>, i64)> =
        query.order(cases::case_id).limit(limit).select((cases::case_id, cases::doc, cases::facts)).load(db)?;
    rows.into_iter().map(|(key, doc, facts)| Ok((CaseId(key.0), super::cases::read(&doc)?, Facts(facts)))).collect()
}

/// Prepares a unit that writes all counters anew: nobody else changes them until it ends, and they are all taken away.
pub fn clear(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    dialect::no_time_limit(tx.db)?;
    dialect::lock_counters(tx.db)?;
    diesel::delete(counters::table).execute(tx.db)?;
    Ok(())
}

/// Writes counters within [`clear`]'s unit, at once instead of at its end, so that they needn't all be held.
pub fn put(tx: &mut Tx<'_>, counted: &Deltas) -> Result<(), StoreError> {
    dialect::add_counters(tx.db, counted)
}

/// Sets the facts stored beside a case.
pub fn set_facts(tx: &mut Tx<'_>, id: CaseId, facts: Facts) -> Result<(), StoreError> {
    diesel::update(cases::table.filter(cases::case_id.eq(Key::from(id))))
        .set(cases::facts.eq(facts.0))
        .execute(tx.db)?;
    Ok(())
}

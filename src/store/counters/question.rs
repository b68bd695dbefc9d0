//! Numbers that are asked for: counters added up, and open cases counted, within a scope.

use crate::domain::fact::{Fact, Facts};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Kind;
use crate::store::counters::rows::{Sums, sums};
use crate::store::counters::{Cohort, Counts, Dimension, Grain, View};
use crate::store::db::Db;
use crate::store::dialect::{self, Bind};
use crate::store::engine::StoreError;
use crate::store::queue::Dimensions;
use crate::store::types::{Day, On};
use diesel::QueryableByName;
use diesel::sql_types::{BigInt, Text};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeMap;

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

/// Open cases that await a step which a limit runs for, as of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Awaiting {
    /// Its last day has passed.
    pub overdue: i64,
    /// Nothing is due yet (or no limit runs: in triage, at a station).
    pub not_due: i64,
}

/// Numbers of open cases, as of a day.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Open {
    /// Await their disposal.
    pub disposal: Awaiting,
    /// Await their first decision. One that was disposed of without it (referred, settled at a station, merged) and opened
    /// again awaits this alone.
    pub decision: Awaiting,
    /// Are open.
    pub open: i64,
    /// Are open, and a running limit has passed.
    pub past_due: i64,
}

impl Open {
    /// Adds another's numbers.
    pub const fn add(&mut self, other: &Self) {
        self.disposal.overdue += other.disposal.overdue;
        self.disposal.not_due += other.disposal.not_due;
        self.decision.overdue += other.decision.overdue;
        self.decision.not_due += other.decision.not_due;
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

    /// The narrowest view of a length of period that keeps apart what these narrow and a grouping splits; `None` when no
    /// view does.
    fn view(&self, group_by: Option<Dimension>, grain: Grain) -> Option<View> {
        let needed = [
            self.division.and_then(place),
            self.sector.as_ref().map(|_| Dimension::Sector),
            self.department.as_ref().map(|_| Dimension::Department),
            self.office.as_ref().map(|_| Dimension::Office),
            self.station.as_ref().map(|_| Dimension::Station),
            self.channel.as_ref().map(|_| Dimension::Channel),
            group_by,
        ];
        let keeps = |view: &&View| {
            view.grains().contains(&grain) && needed.iter().flatten().all(|dimension| view.keeps(*dimension))
        };
        View::ALL.iter().find(keeps).copied()
    }

    /// Adds the conditions for these to a query for counters or, with `of_cases`, for cases.
    fn narrow(&self, sql: &mut Sql, of_cases: bool) {
        if let Some((from, to)) = self.division {
            if is_county((from, to)) {
                sql.and(if of_cases { "division = ?" } else { "county = ?" }, [Bind::Int(from)]);
            } else {
                // Cities and provinces have the lowest code of what lies in them, so that one range fits all.
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

/// What a view must keep apart to tell what lies in a range of codes. Every view tells provinces apart.
const fn place((from, to): (i32, i32)) -> Option<Dimension> {
    const PROVINCE: i32 = 10_000;
    if is_county((from, to)) {
        Some(Dimension::County)
    } else if from % PROVINCE == 0 && to % PROVINCE == 0 {
        None
    } else {
        Some(Dimension::City)
    }
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
struct CountedRow {
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Text)]
    grp: String,
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = BigInt)]
    facts: i64,
    #[diesel(sql_type = BigInt)]
    cases: i64,
    #[diesel(sql_type = BigInt)]
    amount_fen: i64,
    #[diesel(sql_type = BigInt)]
    recovered_fen: i64,
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
    n_undisposed_overdue: i64,
    #[diesel(sql_type = BigInt)]
    n_undisposed_not_due: i64,
    #[diesel(sql_type = BigInt)]
    n_undecided_overdue: i64,
    #[diesel(sql_type = BigInt)]
    n_undecided_not_due: i64,
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
            let code = if of_cases { kind.code() } else { super::letter(kind) };
            sql.and("kind = ?", [Bind::Text(code.to_owned())]);
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

    fn slot(&self, kind: Kind, group: String, day: On) -> Slot {
        let period = self.interval.map_or(self.from, |interval| interval.start(day.0));
        Slot { group, period, kind }
    }

    /// The span cut so that whole months are read as months and only its edges as days. The month of today is whole: nothing
    /// lies in the days to come.
    fn segments(&self, today: Date) -> Vec<(Grain, Date, Date)> {
        let (from, to) = (self.from, self.to);
        if from > to {
            return Vec::new();
        }
        if matches!(self.interval, Some(Interval::Day | Interval::Week)) {
            return vec![(Grain::Day, from, to)];
        }
        let to = if to < today { to } else { to.last_of_month() };
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

/// The numbers that answer a question on a day, within a scope: counters added up, and where no view keeps apart what is
/// asked for, cases counted, which costs as much as there are in the days asked for. What nothing was counted for is left out.
pub fn sum(db: &mut Db, scope: &Scope, question: &Question, today: Date) -> Result<BTreeMap<Slot, Counts>, StoreError> {
    let mut answer = BTreeMap::new();
    let Some(dimensions) = question.dimensions.clone().within(scope) else { return Ok(answer) };
    for (grain, from, to) in question.segments(today) {
        match dimensions.view(question.group_by, grain) {
            Some(view) => kept(db, question, &dimensions, (view, grain), (from, to), &mut answer)?,
            None => {
                let to = if grain == Grain::Month { to.last_of_month() } else { to };
                counted(db, question, &dimensions, (from, to), &mut answer)?;
            }
        }
    }
    answer.retain(|_, counts| !counts.is_zero());
    Ok(answer)
}

/// Adds up the counters of a view between two days.
fn kept(
    db: &mut Db,
    question: &Question,
    dimensions: &Dimensions,
    (view, grain): (View, Grain),
    (from, to): (Date, Date),
    answer: &mut BTreeMap<Slot, Counts>,
) -> Result<(), StoreError> {
    let group = question.group(false);
    let day = if question.interval.is_some() { "on_day" } else { "MIN(on_day)" };
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
            Bind::Text(question.cohort.letter().to_owned()),
        ],
    };
    question.finish(&mut sql, dimensions, false, "on_day");
    for row in dialect::rows::<SumRow>(db, &sql.text, sql.binds)? {
        let slot = question.slot(super::kind(&row.kind)?, row.grp, row.on_day);
        answer.entry(slot).or_default().add(&row.sums.into());
    }
    Ok(())
}

/// Counts cases between two days, those that show the same facts together.
fn counted(
    db: &mut Db,
    question: &Question,
    dimensions: &Dimensions,
    (from, to): (Date, Date),
    answer: &mut BTreeMap<Slot, Counts>,
) -> Result<(), StoreError> {
    let column = match question.cohort {
        Cohort::Received => "received_on",
        Cohort::Closed => "closed_on",
    };
    let group = question.group(true);
    let day = if question.interval.is_some() { column.to_owned() } else { format!("MIN({column})") };
    let mut sql = Sql {
        text: format!(
            "SELECT kind, {group} AS grp, {day} AS on_day, facts, CAST(COUNT(*) AS BIGINT) AS cases, \
             CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) AS amount_fen, \
             CAST(COALESCE(SUM(recovered_fen), 0) AS BIGINT) AS recovered_fen \
             FROM cases WHERE {column} >= ? AND {column} <= ?"
        ),
        binds: vec![Bind::Day(On(from)), Bind::Day(On(to))],
    };
    question.finish(&mut sql, dimensions, true, column);
    sql.text.push_str(", facts");
    for row in dialect::rows::<CountedRow>(db, &sql.text, sql.binds)? {
        let kind = Kind::parse(&row.kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?;
        let slot = question.slot(kind, row.grp, row.on_day);
        answer.entry(slot).or_default().add(&Counts::of_cases(
            Facts(row.facts),
            row.cases,
            row.amount_fen,
            row.recovered_fen,
        ));
    }
    Ok(())
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
    let count = |name: &str, condition: &str| {
        format!("CAST(SUM(CASE WHEN (facts & ?) = 0 AND {condition} THEN 1 ELSE 0 END) AS BIGINT) AS {name}, ")
    };
    let mut sql = Sql { text: format!("SELECT kind, {group} AS grp, {day} AS on_day, "), binds: Vec::new() };
    for (step, fact) in [("undisposed", Fact::Disposed), ("undecided", Fact::Decided)] {
        sql.text.push_str(&count(&format!("n_{step}_overdue"), "decision_due < ?"));
        sql.text.push_str(&count(&format!("n_{step}_not_due"), "(decision_due IS NULL OR decision_due >= ?)"));
        let of_step = [Bind::Big(fact.bit()), Bind::Day(On(today))];
        sql.binds.extend(of_step.iter().chain(&of_step).cloned());
    }
    sql.text.push_str(
        "CAST(COUNT(*) AS BIGINT) AS n_open, \
         CAST(SUM(CASE WHEN next_due < ? THEN 1 ELSE 0 END) AS BIGINT) AS n_past_due \
         FROM cases WHERE is_open AND (received_on >= ?) = TRUE AND (received_on <= ?) = TRUE",
    );
    sql.binds.extend([On(today), On(question.from), On(question.to)].map(Bind::Day));
    question.finish(&mut sql, &dimensions, true, column);
    for row in dialect::rows::<OpenRow>(db, &sql.text, sql.binds)? {
        let kind = Kind::parse(&row.kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?;
        let slot = question.slot(kind, row.grp, row.on_day);
        answer.entry(slot).or_default().add(&Open {
            disposal: Awaiting { overdue: row.n_undisposed_overdue, not_due: row.n_undisposed_not_due },
            decision: Awaiting { overdue: row.n_undecided_overdue, not_due: row.n_undecided_not_due },
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

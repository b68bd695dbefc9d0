//! Answers to questions: a summary, a series, a breakdown, the scorecard. The shapes are those of the API.

mod frame;
mod shapes;

pub use shapes::{
    About, Breakdown, ByKind, CasesUrls, Group, Numbers, Point, Previous, RateShown, Scorecard, Summary, TargetShown,
    Timeseries,
};

use crate::config::catalogue::Catalogue;
use crate::domain::division::{Division, Level};
use crate::domain::fact::Fact;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Channel, Lang};
use crate::measure::query::{BY, Query};
use crate::measure::rates::{self, Measure, RATES, Rate};
use crate::measure::summary::frame::{Cell, Frame};
use crate::store::counters::{self, Cohort, Dimension, Interval, Question, Slot};
use crate::store::{Db, Store, StoreError};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// The plan's targets that are computed from cases and the catalogue.
pub const SCORECARD: [&str; 4] = ["handling", "station_coverage", "self_settlement", "satisfaction"];

type Cells = BTreeMap<(String, Date), Cell>;

/// Reads all that an answer needs, of one state of the data.
fn gather(
    db: &mut Db,
    scope: &Scope,
    query: &Query,
    interval: Option<Interval>,
    today: Date,
) -> Result<Cells, StoreError> {
    let mut cells = Cells::new();
    let cohorts: BTreeSet<Cohort> = RATES.iter().map(|rate| query.cohort_of(rate)).chain([Cohort::Received]).collect();
    for cohort in cohorts {
        let question = Question {
            cohort,
            kind: query.kind,
            from: query.from,
            to: query.to,
            dimensions: query.dimensions(),
            group_by: query.by,
            interval,
        };
        for (Slot { group, period, kind }, counts) in counters::sum(db, scope, &question, today)? {
            cells.entry((group, period)).or_default().counts.insert((cohort, kind), counts);
        }
        for (Slot { group, period, kind }, open) in counters::open(db, scope, &question, today)? {
            cells.entry((group, period)).or_default().open.insert((cohort, kind), open);
        }
    }
    Ok(cells)
}

/// The same question a year before.
fn year_before(query: &Query) -> Query {
    let before = |day: Date| {
        let earlier = day.saturating_sub(1.year());
        // The last day of February stays the last day.
        if day == day.last_of_month() { earlier.last_of_month() } else { earlier }
    };
    Query { from: before(query.from), to: before(query.to), ..query.clone() }
}

async fn read(
    store: &Store,
    scope: &Scope,
    query: &Query,
    interval: Option<Interval>,
    today: Date,
    also_year_before: bool,
) -> Result<(Cells, Cells), StoreError> {
    let (scope, query) = (scope.clone(), query.clone());
    store
        .read(move |db| {
            counters::one_state(db)?;
            let now = gather(db, &scope, &query, interval, today)?;
            let before = if also_year_before {
                gather(db, &scope, &year_before(&query), interval, today)?
            } else {
                Cells::new()
            };
            Ok((now, before))
        })
        .await
}

/// The received cases and every rate of a question.
///
/// # Errors
/// When the store has no answer.
pub async fn summary(
    store: &Store,
    catalogue: &Catalogue,
    scope: &Scope,
    query: &Query,
    today: Date,
) -> Result<Summary, StoreError> {
    let query = Query { by: None, ..query.clone() };
    let (cells, before) = read(store, scope, &query, None, today, true).await?;
    let (cell, before) = (total(cells), total(before));
    let frame = Frame { catalogue, scope, today };
    let mut counts = BTreeMap::new();
    for ((cohort, kind), numbers) in &cell.counts {
        if *cohort == Cohort::Received {
            let facts = Fact::ALL.iter().map(|fact| (fact.code(), numbers.of(*fact))).collect();
            counts.insert(kind.code(), facts);
        }
    }
    Ok(Summary {
        about: about(&query, [&cell], today),
        numbers: frame.numbers(&query, &cell, Some(&before), all),
        counts,
    })
}

/// The received cases and the rates of each day, week or month of a question.
///
/// # Errors
/// When the store has no answer.
pub async fn timeseries(
    store: &Store,
    catalogue: &Catalogue,
    scope: &Scope,
    query: &Query,
    today: Date,
) -> Result<Timeseries, StoreError> {
    let interval = query.interval.unwrap_or(Interval::Month);
    let query = Query { by: None, ..query.clone() };
    let (mut cells, _) = read(store, scope, &query, Some(interval), today, false).await?;
    let frame = Frame { catalogue, scope, today };
    let about = about(&query, cells.values(), today);
    let mut points = Vec::new();
    let mut day = query.from;
    while day <= query.to {
        let cell = cells.remove(&(String::new(), interval.start(day))).unwrap_or_default();
        let part = Query { from: day, to: interval.end(day).min(query.to), ..query.clone() };
        points.push(Point { from: part.from, to: part.to, numbers: frame.numbers(&part, &cell, None, of_periods) });
        day = part.to.saturating_add(1.day());
        if part.to == Date::MAX {
            break;
        }
    }
    Ok(Timeseries { about, interval: interval.code(), points })
}

/// The received cases and the rates of each value of the dimension `by` (by sector, when none is given).
///
/// # Errors
/// When the store has no answer.
pub async fn breakdown(
    store: &Store,
    catalogue: &Catalogue,
    scope: &Scope,
    query: &Query,
    today: Date,
) -> Result<Breakdown, StoreError> {
    let by = query.by.unwrap_or(Dimension::Sector);
    let query = Query { by: Some(by), ..query.clone() };
    let (cells, mut before) = read(store, scope, &query, None, today, true).await?;
    let frame = Frame { catalogue, scope, today };
    let about = about(&query, cells.values(), today);
    let earlier = year_before(&query).from;
    let mut groups = Vec::with_capacity(cells.len());
    for ((key, _), cell) in cells {
        let before = before.remove(&(key.clone(), earlier)).unwrap_or_default();
        let part = only(&query, by, &key);
        let shown = if matches!(by, Dimension::City | Dimension::County) { all } else { of_cases };
        let numbers = frame.numbers(&part, &cell, Some(&before), shown);
        groups.push(Group { name: frame.name(by, &key, query.lang), key, numbers });
    }
    groups.sort_by(|a, b| (b.numbers.received, &a.key).cmp(&(a.numbers.received, &b.key)));
    let by = BY.iter().find(|(_, dimension)| *dimension == by).map_or("", |(code, _)| code);
    Ok(Breakdown { about, by, groups })
}

/// The targets of the plan that can be computed, each by its own cohort unless the question says.
///
/// # Errors
/// When the store has no answer.
pub async fn scorecard(
    store: &Store,
    catalogue: &Catalogue,
    scope: &Scope,
    query: &Query,
    today: Date,
) -> Result<Scorecard, StoreError> {
    let Summary { about, numbers, .. } = summary(store, catalogue, scope, query, today).await?;
    let rates: Vec<RateShown> =
        SCORECARD.iter().filter_map(|code| numbers.rates.iter().find(|rate| rate.code == *code).cloned()).collect();
    let judged: Vec<bool> = rates.iter().filter_map(|rate| rate.target.as_ref()?.met).collect();
    Ok(Scorecard { about, rates, met: judged.iter().filter(|met| **met).count(), judged: judged.len() })
}

const fn all(_: &Rate) -> bool {
    true
}

fn of_cases(rate: &Rate) -> bool {
    rate.measure != Measure::Coverage
}

/// A series has no coverage, which is of one day, and no rate per residents, which would be of unequal periods.
fn of_periods(rate: &Rate) -> bool {
    !matches!(rate.measure, Measure::Coverage | Measure::PerResidents)
}

fn total(cells: Cells) -> Cell {
    // Without groups and periods there is at most one.
    cells.into_values().next().unwrap_or_default()
}

fn about<'a>(query: &Query, cells: impl IntoIterator<Item = &'a Cell>, today: Date) -> About {
    let open = cells.into_iter().any(|cell| cell.open.values().any(|open| open.open > 0));
    About {
        from: query.from,
        to: query.to,
        cohort: query.cohort.map(Cohort::code),
        as_of: today,
        provisional: open || query.to >= today,
    }
}

/// The question narrowed to one value of a dimension, so that its lists are those of the group.
fn only(query: &Query, by: Dimension, key: &str) -> Query {
    let mut query = query.clone();
    let text = || Some(key.to_owned());
    match by {
        Dimension::City | Dimension::County => {
            let Ok(group) = Division::parse(key) else { return query };
            // The group of a city or province among counties is what lies at the city or province itself.
            let itself = match by {
                Dimension::City => group.level() == Level::Province,
                _ => group.level() != Level::County,
            };
            // A question about a county has the group of its city, but counts only the county.
            if itself || query.division.is_none_or(|asked| !asked.is_within(group)) {
                query.division = Some(group);
                query.exact = itself;
            }
        }
        Dimension::Sector => query.sector = text(),
        Dimension::Department => query.department = text(),
        Dimension::Office => query.office = text(),
        Dimension::Station => query.station = text(),
        Dimension::Channel => query.channel = Channel::parse(key).ok(),
    }
    query
}

/// Every rate as it is defined, without numbers: for a page that explains them.
pub fn definitions(lang: Lang) -> Vec<(&'static str, &'static str, &'static str)> {
    rates::RATES.iter().map(|rate| (rate.code, rate.name.in_lang(lang), rate.definition.in_lang(lang))).collect()
}

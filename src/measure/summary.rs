//! Answers to questions: a summary, a series, a breakdown, the scorecard. The shapes are those of the API.

use crate::config::catalogue::{Catalogue, Places, Target, in_force};
use crate::domain::division::{Division, Level};
use crate::domain::fact::Fact;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Channel, Kind, Lang};
use crate::measure::query::{BY, Part, Query};
use crate::measure::rates::{self, Measure, RATES, Rate, float, wilson};
use crate::store::counters::{self, Cohort, Counts, Dimension, Interval, Open, Question, Slot};
use crate::store::{Db, Store, StoreError};
use jiff::ToSpan;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::{BTreeMap, BTreeSet};

/// A rate with its numbers.
#[derive(Debug, Clone, Serialize)]
pub struct RateShown {
    /// Code.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
    /// What it says and what it leaves out.
    pub definition: &'static str,
    /// Kind of case that it counts.
    pub kind: Kind,
    /// By which day its cases belong to the period.
    pub cohort: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Cases that count as a success; towns for coverage. `null` for a sum.
    pub numerator: Option<i64>,
    /// Cases that count; residents for a rate per 10 000. `null` for a sum, or when it isn't known.
    pub denominator: Option<i64>,
    /// Cases left out because nothing is due yet.
    pub excluded: i64,
    /// From 0 to 1, or per 10 000. `null` when there are too few cases, or none.
    pub value: Option<f64>,
    /// Wilson 95 % interval of a share of cases.
    pub interval: Option<[f64; 2]>,
    /// Fewer than 10 cases: shown as counts, not ranked.
    pub small: bool,
    /// Why there is no value, besides too few cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The sum, in yuan, of a rate that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// For satisfaction: rated ÷ closed in the same period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_share: Option<f64>,
    /// What is to be reached.
    pub target: Option<TargetShown>,
    /// Where the rate comes from.
    pub source: &'static str,
    /// Where the cases behind the numbers are listed.
    pub cases_url: CasesUrls,
}

/// Addresses of the lists behind a rate's numbers; `null` where no cases lie behind one.
#[derive(Debug, Clone, Serialize)]
pub struct CasesUrls {
    /// Of the numerator.
    pub numerator: Option<String>,
    /// Of the denominator.
    pub denominator: Option<String>,
    /// Of what is left out.
    pub excluded: Option<String>,
}

/// A target, and whether it is met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetShown {
    /// `=`, `>=`, `yoy_increase` …
    pub operator: String,
    /// In the unit of the rate; for `yoy_increase` the value of the same period a year before.
    pub value: Option<f64>,
    /// `null` when either value is.
    pub met: Option<bool>,
    /// `goal` or the task of the plan; `law` for limits that the law sets.
    pub source: String,
    /// When it was due.
    pub due: String,
    /// The counts of the same period a year before, for `yoy_increase`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// The same period a year before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Previous {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Numerator.
    pub numerator: i64,
    /// Denominator.
    pub denominator: i64,
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ByKind {
    /// Complaints.
    pub complaint: i64,
    /// Reports.
    pub report: i64,
}

/// Received cases and rates: of the whole question, of one period, of one value of a dimension.
#[derive(Debug, Clone, Serialize)]
pub struct Numbers {
    /// Cases received in the period, whatever the cohort of a rate.
    pub received: i64,
    /// The same by kind.
    pub received_by_kind: ByKind,
    /// The rates.
    pub rates: Vec<RateShown>,
}

/// What an answer is about.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The cohort asked for; `null` when each rate goes by its own.
    pub cohort: Option<&'static str>,
    /// Day on which it was asked: what is due depends on it.
    pub as_of: Date,
    /// The numbers may still change: the period isn't over, or some of its cases are open.
    pub provisional: bool,
}

/// Answer to `summary`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// How many of the cases received show each fact, by kind.
    pub counts: BTreeMap<&'static str, BTreeMap<&'static str, i64>>,
}

/// Answer to `timeseries`.
#[derive(Debug, Clone, Serialize)]
pub struct Timeseries {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Length of the periods.
    pub interval: &'static str,
    /// The periods in order, also those without cases.
    pub points: Vec<Point>,
}

/// One period.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// First day, within the question.
    pub from: Date,
    /// Last day, within the question.
    pub to: Date,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Answer to `breakdown`.
#[derive(Debug, Clone, Serialize)]
pub struct Breakdown {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The dimension.
    pub by: &'static str,
    /// Its values that have cases, the most cases first.
    pub groups: Vec<Group>,
}

/// One value of a dimension.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Code.
    pub key: String,
    /// Name; the code when the catalogue has none.
    pub name: String,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Answer to `scorecard`: the targets of the plan that can be computed.
#[derive(Debug, Clone, Serialize)]
pub struct Scorecard {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The rates that have a target in the plan.
    pub rates: Vec<RateShown>,
    /// Those met, and those of which that can be said.
    pub met: usize,
    /// See `met`.
    pub judged: usize,
}

/// The plan's targets that are computed from cases and the catalogue.
pub const SCORECARD: [&str; 4] = ["handling", "station_coverage", "self_settlement", "satisfaction"];

/// What a rate is computed from, for one group and period.
#[derive(Debug, Clone, Default)]
struct Cell {
    counts: BTreeMap<(Cohort, Kind), Counts>,
    open: BTreeMap<(Cohort, Kind), Open>,
}

impl Cell {
    fn of(&self, cohort: Cohort, kind: Kind, fact: Fact) -> i64 {
        self.counts.get(&(cohort, kind)).map_or(0, |counts| counts.of(fact))
    }

    fn open(&self, cohort: Cohort, kind: Kind) -> Open {
        self.open.get(&(cohort, kind)).copied().unwrap_or_default()
    }
}

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
        for (Slot { group, period, kind }, counts) in counters::sum(db, scope, &question)? {
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

/// What every rate of an answer is shown with.
struct Frame<'a> {
    catalogue: &'a Catalogue,
    scope: &'a Scope,
    today: Date,
}

impl Frame<'_> {
    fn numbers(&self, query: &Query, cell: &Cell, before: Option<&Cell>, shown: fn(&Rate) -> bool) -> Numbers {
        let received = ByKind {
            complaint: cell.of(Cohort::Received, Kind::Complaint, Fact::Received),
            report: cell.of(Cohort::Received, Kind::Report, Fact::Received),
        };
        let rates = RATES.iter().filter(|rate| query.shows(rate) && shown(rate));
        Numbers {
            received: received.complaint + received.report,
            received_by_kind: received,
            rates: rates.map(|rate| self.show(rate, query, cell, before)).collect(),
        }
    }

    fn show(&self, rate: &'static Rate, query: &Query, cell: &Cell, before: Option<&Cell>) -> RateShown {
        let cohort = query.cohort_of(rate);
        let mut shown = RateShown {
            code: rate.code,
            name: rate.name.in_lang(query.lang),
            definition: rate.definition.in_lang(query.lang),
            kind: rate.kind,
            cohort: cohort.code(),
            unit: rate.unit,
            numerator: None,
            denominator: None,
            excluded: 0,
            value: None,
            interval: None,
            small: false,
            reason: None,
            amount: None,
            rated_share: None,
            target: None,
            source: rate.source,
            cases_url: CasesUrls {
                numerator: query.cases_url(rate, Part::Numerator, self.today),
                denominator: query.cases_url(rate, Part::Denominator, self.today),
                excluded: query.cases_url(rate, Part::Excluded, self.today),
            },
        };
        match rate.measure {
            Measure::Share { .. } | Measure::ShareOrDue { .. } | Measure::Overdue => {
                let (of, among) = share(rate, cohort, cell);
                shown.numerator = Some(of);
                shown.denominator = Some(among);
                shown.small = among < query.small;
                if matches!(rate.measure, Measure::ShareOrDue { .. }) {
                    shown.excluded = cell.open(cohort, rate.kind).not_due;
                }
                if !shown.small {
                    shown.value = Some(float(of) / float(among));
                    shown.interval = wilson(of, among);
                }
                if rate.code == "satisfaction" {
                    let closed = cell.of(cohort, rate.kind, Fact::Closed);
                    // A case that was rated and opened again has no end for the moment: never more than all.
                    shown.rated_share = (closed > 0).then(|| (float(among) / float(closed)).min(1.0));
                }
            }
            Measure::Recovered => {
                let fen = cell.counts.get(&(cohort, rate.kind)).map_or(0, |counts| counts.recovered_fen);
                shown.amount = Some(format!("{}.{:02}", fen / 100, fen % 100));
            }
            Measure::Coverage => self.coverage(&mut shown, query),
            Measure::PerResidents => {
                let received = cell.of(cohort, rate.kind, Fact::Received);
                shown.numerator = Some(received);
                shown.small = received < query.small;
                match self.area(query).and_then(|area| area.ok_or("outside_scope")) {
                    Err(reason) => shown.reason = Some(reason),
                    Ok(_) if query.exact => shown.reason = Some("residents_not_by_level"),
                    Ok(area) => match residents(&self.catalogue.places, area) {
                        Some(residents) if residents > 0 => {
                            shown.denominator = Some(residents);
                            if !shown.small {
                                shown.value = Some(float(received) / float(residents) * 10_000.0);
                            }
                        }
                        _ => shown.reason = Some("residents_not_filled_in"),
                    },
                }
            }
        }
        shown.target = self.target(rate, &shown, query, before);
        shown
    }

    fn coverage(&self, shown: &mut RateShown, query: &Query) {
        let area = match self.area(query) {
            Ok(Some(area)) => area,
            Ok(None) => {
                shown.reason = Some("outside_scope");
                return;
            }
            Err(reason) => {
                shown.reason = Some(reason);
                return;
            }
        };
        let live: BTreeSet<Division> = self
            .catalogue
            .stations
            .values()
            .filter(|station| !station.sample && in_force(station.from, station.until, self.today))
            .map(|station| station.division)
            .collect();
        let within = |code: Division| code.is_within(area) && (!query.exact || code.six_digits() == area);
        let towns = self.catalogue.places.towns().filter(|town| within(town.code));
        let (mut covered, mut count) = (0_i64, 0_i64);
        for town in towns {
            count += 1;
            covered += i64::from(live.contains(&town.code));
        }
        shown.numerator = Some(covered);
        shown.denominator = Some(count);
        // A census of towns, no sample of cases: few towns make no doubtful rate, and there is no interval.
        if count > 0 {
            shown.value = Some(float(covered) / float(count));
        } else {
            shown.reason = Some("no_towns");
        }
    }

    /// The place that a question within a scope is about: `Ok(None)` when the scope leaves none of it.
    fn area(&self, query: &Query) -> Result<Option<Division>, &'static str> {
        let mine = match self.scope {
            Scope::System => self.catalogue.places.root,
            Scope::Subtree { division, .. } => Some(*division),
            Scope::Nothing | Scope::Case(_) | Scope::Contact(_) | Scope::Station(_) | Scope::Office(_) => {
                return Err("not_for_this_scope");
            }
        };
        Ok(match (mine, query.division) {
            (Some(mine), Some(asked)) if asked.is_within(mine) => Some(asked),
            (Some(mine), Some(asked)) if mine.is_within(asked) => Some(mine),
            (Some(_), Some(_)) => None,
            (mine, asked) => mine.or(asked),
        })
    }

    fn target(&self, rate: &Rate, shown: &RateShown, query: &Query, before: Option<&Cell>) -> Option<TargetShown> {
        let Some(target) = self.catalogue.targets.iter().find(|target| target.metric == rate.code) else {
            let limit = rate.limit?;
            let met = shown.value.map(|value| meets(">=", value, limit).unwrap_or(false));
            return Some(TargetShown {
                operator: "=".to_owned(),
                value: Some(limit),
                met,
                source: "law".to_owned(),
                due: String::new(),
                previous: None,
            });
        };
        let named = |value: Option<f64>, met: Option<bool>, previous: Option<Previous>| TargetShown {
            operator: target.operator.clone(),
            value,
            met,
            source: target.source.clone(),
            due: target.due.clone(),
            previous,
        };
        if target.operator == RISING {
            let Some(before) = before else { return Some(named(None, None, None)) };
            let (of, among) = share(rate, query.cohort_of(rate), before);
            let earlier = (among >= query.small).then(|| float(of) / float(among));
            let met = shown.value.zip(earlier).map(|(now, earlier)| now > earlier);
            let Query { from, to, .. } = year_before(query);
            return Some(named(earlier, met, Some(Previous { from, to, numerator: of, denominator: among })));
        }
        let value = in_unit(target, rate);
        let met = shown.value.zip(value).and_then(|(is, wanted)| meets(&target.operator, is, wanted));
        Some(named(value, met, None))
    }

    fn name(&self, by: Dimension, key: &str, lang: Lang) -> String {
        let catalogue = self.catalogue;
        let name = match by {
            Dimension::Sector => catalogue.sector(key).map(|sector| sector.name.in_lang(lang).to_owned()),
            Dimension::Department => {
                // Of several that had the line one after another, the one that has it today.
                let of_line = || catalogue.departments.values().filter(|department| department.line == key);
                of_line()
                    .find(|department| in_force(department.from, department.until, self.today))
                    .or_else(|| of_line().next())
                    .map(|department| department.name.in_lang(lang).to_owned())
            }
            Dimension::Office => catalogue.offices.get(key).map(|office| office.name.in_lang(lang).to_owned()),
            Dimension::Station => catalogue.stations.get(key).map(|station| station.name.in_lang(lang).to_owned()),
            Dimension::City | Dimension::County => {
                let code = Division::parse(key).ok();
                code.and_then(|code| catalogue.places.name_in(code, lang)).map(str::to_owned)
            }
            Dimension::Channel => None,
        };
        name.filter(|name| !name.is_empty()).unwrap_or_else(|| key.to_owned())
    }
}

/// Operator of a target that rises year on year.
const RISING: &str = "yoy_increase";

/// Numerator and denominator of a share of cases.
fn share(rate: &Rate, cohort: Cohort, cell: &Cell) -> (i64, i64) {
    let fact = |fact| cell.of(cohort, rate.kind, fact);
    let open = cell.open(cohort, rate.kind);
    match rate.measure {
        Measure::Share { of, among } => (fact(of), fact(among)),
        Measure::ShareOrDue { of, among } => (fact(of), fact(among) + open.overdue),
        Measure::Overdue => (open.past_due, open.open),
        Measure::Recovered | Measure::Coverage | Measure::PerResidents => (0, 0),
    }
}

/// A target in the unit of its rate: a percentage as a share.
fn in_unit(target: &Target, rate: &Rate) -> Option<f64> {
    let value = target.value?;
    Some(if rate.unit == "share" && target.unit == "%" { value / 100.0 } else { value })
}

/// Whether a value meets a target; `None` for an operator that says nothing definite.
fn meets(operator: &str, value: f64, wanted: f64) -> Option<bool> {
    // Shares are quotients of counts: equal ones may differ in their last bit.
    const SAME: f64 = 1e-9;
    match operator {
        "=" => Some((value - wanted).abs() < SAME),
        // 「80%左右」, about 80 % or more, is taken at its word.
        ">=" | "~>=" => Some(value > wanted - SAME),
        ">" => Some(value > wanted + SAME),
        "<=" => Some(value < wanted + SAME),
        _ => None,
    }
}

/// Residents of a place: its own figure, else the sum over the places below, if every one of them is filled in.
fn residents(places: &Places, code: Division) -> Option<i64> {
    if let Some(own) = places.get(code).and_then(|place| place.residents) {
        return i64::try_from(own).ok();
    }
    let mut sum = None;
    for child in places.children(code) {
        sum = Some(sum.unwrap_or(0) + residents(places, child.code)?);
    }
    sum
}

/// Every rate as it is defined, without numbers: for a page that explains them.
pub fn definitions(lang: Lang) -> Vec<(&'static str, &'static str, &'static str)> {
    rates::RATES.iter().map(|rate| (rate.code, rate.name.in_lang(lang), rate.definition.in_lang(lang))).collect()
}

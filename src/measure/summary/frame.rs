//! A rate computed from its numbers, with its interval, its target and whether that is met.

use crate::config::catalogue::{Catalogue, Places, Target, in_force};
use crate::domain::division::Division;
use crate::domain::fact::Fact;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Kind, Lang};
use crate::measure::query::{Part, Query};
use crate::measure::rates::{Measure, RATES, Rate, float, wilson};
use crate::measure::summary::shapes::{ByKind, CasesUrls, Numbers, Previous, RateShown, TargetShown};
use crate::measure::summary::year_before;
use crate::store::counters::{Awaiting, Cohort, Counts, Dimension, Open};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};

/// What a rate is computed from, for one group and period.
#[derive(Debug, Clone, Default)]
pub(super) struct Cell {
    pub(super) counts: BTreeMap<(Cohort, Kind), Counts>,
    pub(super) open: BTreeMap<(Cohort, Kind), Open>,
}

impl Cell {
    pub(super) fn of(&self, cohort: Cohort, kind: Kind, fact: Fact) -> i64 {
        self.counts.get(&(cohort, kind)).map_or(0, |counts| counts.of(fact))
    }

    pub(super) fn open(&self, cohort: Cohort, kind: Kind) -> Open {
        self.open.get(&(cohort, kind)).copied().unwrap_or_default()
    }
}

/// What every rate of an answer is shown with.
pub(super) struct Frame<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) scope: &'a Scope,
    pub(super) today: Date,
}

impl Frame<'_> {
    pub(super) fn numbers(
        &self,
        query: &Query,
        cell: &Cell,
        before: Option<&Cell>,
        shown: fn(&Rate) -> bool,
    ) -> Numbers {
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
                if let Measure::ShareOrDue { among, .. } = rate.measure {
                    shown.excluded = awaiting(cell.open(cohort, rate.kind), among).not_due;
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

    pub(super) fn name(&self, by: Dimension, key: &str, lang: Lang) -> String {
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
        Measure::ShareOrDue { of, among } => (fact(of), fact(among) + awaiting(open, among).overdue),
        Measure::Overdue => (open.past_due, open.open),
        Measure::Recovered | Measure::Coverage | Measure::PerResidents => (0, 0),
    }
}

/// The open cases that a rate over those disposed of, or over those decided, waits for.
fn awaiting(open: Open, among: Fact) -> Awaiting {
    if among == Fact::Disposed { open.disposal } else { open.decision }
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

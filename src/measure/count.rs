//! What a step of a case changes in the counters.

use crate::domain::case::Case;
use crate::domain::vocabulary::{Kind, State};
use crate::measure::facts::facts;
use crate::store::counters::{Cohort, CounterKey, Counts, Deltas, Dimension, Grain, View};
use jiff::civil::Date;

/// The changes that a step makes: what the case counted before is taken away, what it counts now is added, in every view,
/// by day and by month, by the day of receipt and, once closed, by the day of closing. Counters that stay as they were
/// are left out. `before` is `None` for a filing.
pub fn count(before: Option<&Case>, after: &Case) -> Deltas {
    let mut deltas = Deltas::default();
    let new = Tally::of(after);
    let old = before.map(Tally::of);
    for cohort in [Cohort::Received, Cohort::Closed] {
        let was = old.as_ref().and_then(|old| Some((old, old.day(cohort)?)));
        let is = new.day(cohort);
        match (was, is) {
            // Most steps leave a case where it was: one difference instead of a loss and a gain in each counter.
            (Some((old, day)), Some(now)) if day == now && old.place == new.place => {
                let mut difference = new.counts.clone();
                difference.add(&negative(&old.counts));
                if !difference.is_zero() {
                    new.place.add(&mut deltas, cohort, day, &difference);
                }
            }
            (was, is) => {
                if let Some((old, day)) = was {
                    old.place.add(&mut deltas, cohort, day, &negative(&old.counts));
                }
                if let Some(day) = is {
                    new.place.add(&mut deltas, cohort, day, &new.counts);
                }
                if was.is_some() && is.is_some() {
                    deltas.0.retain(|_, counts| !counts.is_zero());
                }
            }
        }
    }
    deltas
}

fn negative(counts: &Counts) -> Counts {
    let mut negative =
        Counts { amount_fen: -counts.amount_fen, recovered_fen: -counts.recovered_fen, ..counts.clone() };
    for number in &mut negative.facts {
        *number = -*number;
    }
    negative
}

/// What a case counts, where and when.
struct Tally<'a> {
    place: Place<'a>,
    received: Date,
    closed: Option<Date>,
    counts: Counts,
}

impl<'a> Tally<'a> {
    fn of(case: &'a Case) -> Self {
        let fen = |amount: Option<crate::domain::money::Money>| amount.map_or(0, |amount| amount.fen());
        Self {
            place: Place {
                kind: case.kind,
                division: i32::try_from(case.division.six_digits().number()).unwrap_or(0),
                sector: &case.sector,
                department: &case.department,
                office: &case.office,
                station: station(case),
                channel: case.channel.code(),
            },
            received: case.received_on,
            closed: case.milestones.closed,
            counts: Counts::of_cases(facts(case), 1, fen(case.amount), fen(case.recovered)),
        }
    }

    const fn day(&self, cohort: Cohort) -> Option<Date> {
        match cohort {
            Cohort::Received => Some(self.received),
            Cohort::Closed => self.closed,
        }
    }
}

/// The station at which a case lies or lay, as in its row: one that only could help counts nothing.
fn station(case: &Case) -> &str {
    let there = case.settle_first || case.milestones.station_ended.is_some() || case.state == State::Negotiating;
    case.station.as_deref().filter(|_| there).unwrap_or_default()
}

/// Values of every dimension.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Place<'a> {
    pub(super) kind: Kind,
    pub(super) division: i32,
    pub(super) sector: &'a str,
    pub(super) department: &'a str,
    pub(super) office: &'a str,
    pub(super) station: &'a str,
    pub(super) channel: &'a str,
}

impl Place<'_> {
    /// The counter of a view, a grain and a cohort that a case of this place and day belongs to.
    pub(super) fn key(&self, view: View, grain: Grain, cohort: Cohort, day: Date) -> CounterKey {
        let text = |dimension, value: &str| if view.keeps(dimension) { value.to_owned() } else { String::new() };
        let city =
            if view.keeps(Dimension::City) { self.division / 100 * 100 } else { self.division / 10_000 * 10_000 };
        CounterKey {
            view,
            grain,
            on: match grain {
                Grain::Day => day,
                Grain::Month => day.first_of_month(),
            },
            cohort,
            kind: self.kind,
            city,
            county: if view.keeps(Dimension::County) { self.division } else { 0 },
            sector: text(Dimension::Sector, self.sector),
            department: text(Dimension::Department, self.department),
            office: text(Dimension::Office, self.office),
            station: text(Dimension::Station, self.station),
            channel: text(Dimension::Channel, self.channel),
        }
    }

    fn add(&self, deltas: &mut Deltas, cohort: Cohort, day: Date, counts: &Counts) {
        for view in View::ALL {
            for grain in view.grains() {
                deltas.add(self.key(*view, *grain, cohort, day), counts);
            }
        }
    }
}

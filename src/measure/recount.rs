//! Counts everything anew from the cases and compares it with the counters, or writes them anew.

use crate::domain::case::CaseId;
use crate::domain::fact::{Fact, Facts};
use crate::measure::count::Place;
use crate::measure::facts::facts;
use crate::store::counters::{self, Alike, Cohort, CounterKey, Counts, Deltas, Grain, View};
use crate::store::{Db, Store, StoreError};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeMap;

/// What a recount found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Recount {
    /// Cases read.
    pub cases: u64,
    /// Counters compared.
    pub counters: u64,
    /// Where a counter isn't what the cases say; the first [`MOST_SHOWN`].
    pub differences: Vec<Difference>,
    /// How many there are in all.
    pub differing: u64,
    /// Cases whose stored facts aren't those of the case; the first [`MOST_SHOWN`].
    pub wrong_facts: Vec<WrongFacts>,
    /// How many there are in all.
    pub wrong: u64,
}

/// Differences that are kept to be shown.
pub const MOST_SHOWN: usize = 1000;

/// A counter that isn't what the cases say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Difference {
    /// Which counter.
    pub key: CounterKey,
    /// Which number of it: a fact's code, `amount_fen` or `recovered_fen`.
    pub number: &'static str,
    /// As stored.
    pub stored: i64,
    /// As counted.
    pub counted: i64,
}

/// A case whose stored facts aren't those of the case.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WrongFacts {
    /// Reference number.
    pub reference: String,
    /// As stored.
    pub stored: Facts,
    /// As they are.
    pub counted: Facts,
}

impl Recount {
    /// Whether everything agrees.
    pub const fn is_clean(&self) -> bool {
        self.differing == 0 && self.wrong == 0
    }
}

/// Cases in a page.
const PAGE: i64 = 1000;

const COHORTS: [Cohort; 2] = [Cohort::Received, Cohort::Closed];

/// Compares every counter, and the facts stored beside each case, with the cases, of one state of the data. Reads month by
/// month, so that it holds no more than the cases of one.
///
/// # Errors
/// When the store has no answer, or a case can't be read.
pub async fn recount(store: &Store) -> Result<Recount, StoreError> {
    store
        .read(|db| {
            counters::read_all(db)?;
            let mut found = Recount::default();
            let mut after = None;
            while let Some(last) = each_of_page(db, after, |_, reference, stored, counted| {
                found.cases += 1;
                if stored != counted {
                    found.wrong += 1;
                    if found.wrong_facts.len() < MOST_SHOWN {
                        found.wrong_facts.push(WrongFacts { reference: reference.to_owned(), stored, counted });
                    }
                }
            })? {
                after = Some(last);
            }
            for cohort in COHORTS {
                for month in months(db, cohort)? {
                    let cases = counters::alike(db, cohort, month)?;
                    for view in View::ALL {
                        for grain in view.grains() {
                            let (stored, _) = counters::stored(db, *view, *grain, cohort, month)?;
                            compare(&mut found, &stored, &counted(&cases, *view, *grain, cohort));
                        }
                    }
                }
            }
            Ok(found)
        })
        .await
}

/// Writes every counter, and the facts stored beside each case, anew from the cases, in one unit. Writers wait meanwhile:
/// about as long as a recount takes. Gives the number of cases whose facts were wrong.
///
/// # Errors
/// When the store can't write, or a case can't be read. Nothing has changed then.
pub async fn repair(store: &Store) -> Result<u64, StoreError> {
    store
        .write_counters(|tx| {
            counters::clear(tx)?;
            let mut wrong = Vec::new();
            let mut after = None;
            while let Some(last) = each_of_page(tx.db(), after, |id, _, stored, counted| {
                if stored != counted {
                    wrong.push((id, counted));
                }
            })? {
                after = Some(last);
            }
            for (id, facts) in &wrong {
                counters::set_facts(tx, *id, *facts)?;
            }
            for cohort in COHORTS {
                for month in months(tx.db(), cohort)? {
                    let cases = counters::alike(tx.db(), cohort, month)?;
                    for view in View::ALL {
                        for grain in view.grains() {
                            counters::put(tx, &Deltas(counted(&cases, *view, *grain, cohort)))?;
                        }
                    }
                }
            }
            Ok(u64::try_from(wrong.len()).unwrap_or(u64::MAX))
        })
        .await
}

/// Counts everything anew where there are cases but no counters, as after a migration that changes how they are kept. Tells
/// whether it did.
///
/// # Errors
/// As [`repair`].
pub async fn fill(store: &Store) -> Result<bool, StoreError> {
    let missing = store.read(counters::missing).await?;
    if missing {
        repair(store).await?;
    }
    Ok(missing)
}

/// Shows each case of a page with its stored facts and its facts; gives the last key, `None` after the last page.
fn each_of_page(
    db: &mut Db,
    after: Option<CaseId>,
    mut show: impl FnMut(CaseId, &str, Facts, Facts),
) -> Result<Option<CaseId>, StoreError> {
    let page = counters::facts_page(db, after, PAGE)?;
    for (id, case, stored) in &page {
        show(*id, case.reference.as_str(), *stored, facts(case));
    }
    Ok(page.last().map(|(id, ..)| *id))
}

/// The months that a cohort's cases and counters lie in.
fn months(db: &mut Db, cohort: Cohort) -> Result<Vec<Date>, StoreError> {
    let mut months = Vec::new();
    if let Some((first, last)) = counters::span(db, cohort)? {
        let mut month = first.first_of_month();
        while month <= last {
            months.push(month);
            month = month.saturating_add(1.month());
        }
    }
    Ok(months)
}

/// One view's counters as the cases make them.
fn counted(cases: &[Alike], view: View, grain: Grain, cohort: Cohort) -> BTreeMap<CounterKey, Counts> {
    let mut counted = BTreeMap::<CounterKey, Counts>::new();
    for alike in cases {
        let place = Place {
            kind: alike.kind,
            division: alike.division,
            sector: &alike.sector,
            department: &alike.department,
            office: &alike.office,
            station: &alike.station,
            channel: &alike.channel,
        };
        let numbers = Counts::of_cases(alike.facts, alike.cases, alike.amount_fen, alike.recovered_fen);
        counted.entry(place.key(view, grain, cohort, alike.on)).or_default().add(&numbers);
    }
    counted
}

fn compare(found: &mut Recount, stored: &BTreeMap<CounterKey, Counts>, counted: &BTreeMap<CounterKey, Counts>) {
    let nothing = Counts::default();
    let more = counted.keys().filter(|key| !stored.contains_key(*key));
    for key in stored.keys().chain(more) {
        found.counters += 1;
        let (is, ought) = (stored.get(key).unwrap_or(&nothing), counted.get(key).unwrap_or(&nothing));
        if is == ought {
            continue;
        }
        let facts = Fact::ALL.iter().map(|fact| (fact.code(), is.of(*fact), ought.of(*fact)));
        let sums =
            [("amount_fen", is.amount_fen, ought.amount_fen), ("recovered_fen", is.recovered_fen, ought.recovered_fen)];
        for (number, stored, counted) in facts.chain(sums).filter(|(_, stored, counted)| stored != counted) {
            found.differing += 1;
            if found.differences.len() < MOST_SHOWN {
                found.differences.push(Difference { key: key.clone(), number, stored, counted });
            }
        }
    }
}

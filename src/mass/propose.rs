//! Complaints that may be one matter, proposed to whoever may see them: open, against one merchant, received within some weeks,
//! told in like words. Nothing is joined by it; linking or merging is a step that a person takes.

use super::resemble::{Sketch, cohesion, together};
use super::watch::merchant_of;
use crate::app::App;
use crate::classify::{Hints, Words, fold};
use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::store::groups;
use crate::store::watch::{self, Looked};
use crate::store::{Db, StoreError};
use crate::track::dossier::Dossier;
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Cases that are read at once.
const PAGE: i64 = 500;

/// The most open complaints that are looked through: the newest.
const MOST: usize = 20_000;

/// The most texts of one merchant that are compared: the newest.
const MOST_OF_ONE: usize = 200;

/// Complaints that may be one matter.
#[derive(Debug, Clone, PartialEq)]
pub struct Proposal {
    /// The merchant, as most of the cases name it.
    pub merchant: String,
    /// Sector of most of them.
    pub sector: String,
    /// What most say went wrong, when the classifier told it of any.
    pub problem: Option<String>,
    /// Its name.
    pub problem_name: Option<Words>,
    /// Numbers of the cases, the oldest first.
    pub cases: Vec<String>,
    /// Different people among those who filed; who left no address counts by the case.
    pub people: usize,
    /// Day of the first receipt.
    pub first: Date,
    /// Day of the last.
    pub last: Date,
    /// How alike the texts are: the mean cosine over all pairs, 0 to 1.
    pub likeness: f64,
}

/// The proposals within a scope, those with the most people first.
///
/// # Errors
/// The store's.
pub async fn proposals(app: &Arc<App>, scope: &Scope) -> Result<Vec<Proposal>, StoreError> {
    let (shared, scope) = (Arc::clone(app), scope.clone());
    app.store.read(move |db| within(&shared, db, &scope)).await
}

fn within(app: &App, db: &mut Db, scope: &Scope) -> Result<Vec<Proposal>, StoreError> {
    let today = app.today();
    let least = app.settings.mass.least_people as usize;
    let first = today.saturating_sub(i64::from(app.settings.mass.window_days).days());
    let mut by_merchant: BTreeMap<String, Vec<Looked>> = BTreeMap::new();
    let newest = newest(db, scope, (first, today), MOST)?;
    // What is handled together already isn't proposed again.
    let joined = groups::joined(db, &newest)?;
    for case in newest.into_iter().filter(|case| !joined.contains(&case.case_id)) {
        if let Some(merchant) = merchant_of(&case) {
            by_merchant.entry(merchant).or_default().push(case);
        }
    }
    let mut proposals = Vec::new();
    for mut cases in by_merchant.into_values().filter(|cases| cases.len() >= least) {
        cases.truncate(MOST_OF_ONE);
        cases.reverse();
        proposals.extend(of_merchant(app, cases, least));
    }
    proposals
        .sort_by(|a, b| b.people.cmp(&a.people).then_with(|| a.merchant.cmp(&b.merchant)).then(a.first.cmp(&b.first)));
    Ok(proposals)
}

/// The newest open complaints of some days, the newest first.
fn newest(db: &mut Db, scope: &Scope, days: (Date, Date), most: usize) -> Result<Vec<Looked>, StoreError> {
    let mut cases: Vec<Looked> = Vec::new();
    while cases.len() < most {
        let before = cases.last().map(|case| CaseId(case.case_id.0));
        let page = watch::open_complaints(db, scope, days, before, PAGE)?;
        if page.is_empty() {
            break;
        }
        cases.extend(page);
    }
    cases.truncate(most);
    Ok(cases)
}

/// The matters among the complaints against one merchant.
fn of_merchant(app: &App, cases: Vec<Looked>, least: usize) -> Vec<Proposal> {
    let model = app.model();
    // A case that was erased has no text, and takes no part.
    let told = cases.into_iter().filter_map(|case| {
        let dossier = Dossier::open(&app.vault, CaseId(case.case_id.0), &case.data_key).ok()?;
        let text = dossier.open_narrative(&case.narrative).ok()?;
        let problem = model.classify(&text, Hints::default()).problem;
        let sketch = Sketch::of(&fold(&text), problem.as_ref().map(|problem| problem.code.clone()));
        Some((case, sketch, problem))
    });
    let told: Vec<_> = told.collect();
    let sketches: Vec<Sketch> = told.iter().map(|(_, sketch, _)| sketch.clone()).collect();
    let mut proposals = Vec::new();
    for places in together(&sketches) {
        let of = || places.iter().filter_map(|at| told.get(*at));
        let people: BTreeSet<&[u8]> =
            of().map(|(case, _, _)| case.complainant_hash.as_deref().unwrap_or(case.case_id.0.as_bytes())).collect();
        let days = || of().map(|(case, _, _)| case.received_on.0);
        let (Some(first), Some(last)) = (days().min(), days().max()) else { continue };
        if people.len() < least {
            continue;
        }
        let problem = most(of().filter_map(|(_, sketch, _)| sketch.problem().map(str::to_owned)));
        let named = |code: &String| {
            of().find_map(|(_, _, told)| told.as_ref().filter(|told| told.code == *code).map(|told| told.name.clone()))
        };
        proposals.push(Proposal {
            merchant: most(of().filter_map(|(case, _, _)| case.respondent.clone())).unwrap_or_default(),
            sector: most(of().map(|(case, _, _)| case.sector.clone())).unwrap_or_default(),
            problem_name: problem.as_ref().and_then(named),
            problem,
            cases: of().map(|(case, _, _)| case.reference.clone()).collect(),
            people: people.len(),
            first,
            last,
            likeness: cohesion(&of().map(|(_, sketch, _)| sketch).collect::<Vec<_>>()),
        });
    }
    proposals
}

/// What stands there most often; the first in the alphabet of those that do as often.
fn most(values: impl Iterator<Item = String>) -> Option<String> {
    let mut counts: BTreeMap<String, u32> = BTreeMap::new();
    values.for_each(|value| *counts.entry(value).or_default() += 1);
    counts.into_iter().max_by(|a, b| a.1.cmp(&b.1).then_with(|| b.0.cmp(&a.0))).map(|(value, _)| value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::vocabulary::Kind;
    use crate::measure::testing::{case, day, file};
    use crate::store::testing::stores;

    #[tokio::test]
    async fn where_there_are_too_many_the_newest_open_complaints_are_looked_through() {
        for opened in stores() {
            let store = &opened.store;
            let filed: Vec<_> = (1..=6).map(|n| case(n, day(&format!("2026-06-0{n}")))).collect();
            for (at, one) in filed.iter().enumerate() {
                let mut one = one.clone();
                if at == 4 {
                    one.kind = Kind::Report;
                }
                file(store, &one).await;
            }
            let days = (day("2026-06-02"), day("2026-06-06"));
            let found = move |most| store.read(move |db| newest(db, &Scope::System, days, most));
            let numbers = |cases: Vec<Looked>| cases.into_iter().map(|one| one.reference).collect::<Vec<_>>();
            let expected =
                |places: &[usize]| places.iter().map(|at| filed[*at].reference.to_string()).collect::<Vec<_>>();
            assert_eq!(numbers(found(2).await.unwrap()), expected(&[5, 3]));
            assert_eq!(numbers(found(20).await.unwrap()), expected(&[5, 3, 2, 1]));
        }
    }
}

//! Learns from what staff of this installation said: keeps nothing, sends nothing, promotes only what is better.
//!
//! Comes in: the verdicts of the database ([`crate::track::verdicts`]) and the authored texts. Goes out: a [`Report`] of the machine's
//! choices, and a challenger held against the champion on verdicts that came later than all that either was fitted on; when
//! it is better and the caller wants it, it comes into force as a numbered model in the database, from which every process of the
//! installation takes it. A model never leaves the database; the one before stays there, and a step back restores it.

mod report;

pub use report::{Drift, Misroute, Need, Report};

use crate::app::App;
use crate::classify::{Authored, Comparison, Example, Model, SHIPPED, Weights, compare, fit, fold};
use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::identity::Caller;
use crate::store::learned::{self, ModelRow, VerdictRow};
use crate::store::types::At;
use crate::store::{StoreError, audit, cases};
use crate::track::dossier::Dossier;
use crate::track::verdicts::{self, Verdict, Word};
use jiff::Timestamp;
use serde::Serialize;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;

/// The newest verdicts that are looked at.
const MOST: i64 = 20_000;

/// Cases that are read at once.
const PAGE: usize = 200;

/// Of ten verdicts the challenger is fitted on so many, the oldest; the rest is for the comparison.
const FITTED_OF_TEN: usize = 7;

/// How much a real text counts against an authored one.
const REAL: f32 = 2.0;

/// Fewer examples than these fit nothing.
pub const LEAST_FITTED: usize = 30;

/// What staff said of one case, with its text.
#[derive(Debug, Clone)]
pub(crate) struct Heard {
    text: String,
    channel: String,
    at: Timestamp,
    verdict: Verdict,
}

/// What came of a training.
#[derive(Debug, Clone, Serialize)]
pub struct Training {
    /// Number of the model in force before; 0 is the one as shipped.
    pub champion: i32,
    /// Real texts that the challenger was fitted on.
    pub fitted: usize,
    /// Real texts that both were compared on.
    pub tested: usize,
    /// Both against each other; `None` when there were too few texts.
    pub comparison: Option<Comparison>,
    /// Number that the challenger came into force with.
    pub promoted: Option<i32>,
    /// How the machine's choices did.
    pub report: Report,
}

/// Why there is no training.
#[derive(Debug, thiserror::Error)]
pub enum LearnError {
    /// Another model came into force meanwhile.
    #[error("another model came into force meanwhile: run it again")]
    Meanwhile,
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Fits a challenger and holds it against the model in force; puts it in force if it is better and that is wanted.
///
/// # Errors
/// The store's, or that another model came into force meanwhile.
pub async fn train(app: &Arc<App>, authored: Vec<Authored>, promote: bool) -> Result<Training, LearnError> {
    refresh(app).await?;
    let (champion, model) = app.model_in_force();
    let fitted_until = app.store.read(move |db| learned::find(db, champion)).await?.map(|row| row.fitted_until.0);
    let (heard, left_out) = heard(app).await?;
    let made = tokio::task::spawn_blocking(move || challenge(&model, &heard, left_out, &authored, fitted_until)).await;
    let (mut training, weights) = made.map_err(|_| StoreError::Panicked)?;
    training.champion = champion;
    let better = training.comparison.as_ref().is_some_and(|comparison| comparison.better);
    if let (Some((weights, until)), true) = (weights, promote && better) {
        let row = ModelRow {
            version: 0,
            state: String::new(),
            made_at: At(app.now()),
            fitted_until: At(until),
            weights: weights.to_bytes(),
            report: serde_json::json!(training.comparison).to_string(),
        };
        let (occasion, tested) = (app.occasion(&Caller::SYSTEM), training.tested);
        let difference = training.comparison.as_ref().map_or(0.0, |comparison| comparison.difference);
        let version = app.store.write(move |tx| {
            let version = learned::promote(tx, champion, row.clone())?;
            audit::append(tx, &occasion.clone().model_promoted(version, champion, tested, difference))?;
            Ok(version)
        });
        let version = version.await;
        training.promoted = match version {
            Ok(version) => Some(version),
            Err(StoreError::Stale) => return Err(LearnError::Meanwhile),
            Err(error) => return Err(error.into()),
        };
        refresh(app).await?;
    }
    Ok(training)
}

/// How the machine's choices did, without a challenger.
///
/// # Errors
/// The store's.
pub async fn report(app: &Arc<App>) -> Result<Report, LearnError> {
    let (heard, left_out) = heard(app).await?;
    let model = app.model();
    Ok(Report::of(&heard, left_out, &examples(&heard, model.sectors()), model.sectors()))
}

/// Puts the model before the one in force back; gives its number. `None` when the model as shipped is in force already.
///
/// # Errors
/// The store's.
pub async fn revert(app: &Arc<App>) -> Result<Option<i32>, LearnError> {
    let occasion = app.occasion(&Caller::SYSTEM);
    let reverted = app.store.write(move |tx| {
        let Some((before, version)) = learned::revert(tx)? else { return Ok(None) };
        audit::append(tx, &occasion.clone().model_reverted(version, before))?;
        Ok(Some(version))
    });
    let version = reverted.await?;
    refresh(app).await?;
    Ok(version)
}

/// Takes the model that the database has in force, unless this process uses it already. Weights that can't be used (damaged, or of other
/// sectors) are told of in the log, and the model in use stays.
///
/// # Errors
/// The store's.
pub async fn refresh(app: &Arc<App>) -> Result<(), StoreError> {
    let version = app.store.read(learned::in_force).await?;
    let (used, _) = app.model_in_force();
    if version == used {
        return Ok(());
    }
    let shipped = app.shipped_model();
    if version == 0 {
        app.replace_model(0, shipped);
        return Ok(());
    }
    let Some(row) = app.store.read(move |db| learned::find(db, version)).await? else { return Ok(()) };
    match Weights::from_bytes(&row.weights) {
        Ok(weights) if weights.fits(&shipped.classes()) => {
            let model = shipped.with(format!("{SHIPPED}+{version}"), weights, shipped.tuning().clone());
            app.replace_model(version, Arc::new(model));
        }
        Ok(_) => tracing::error!(version, "the model in force was fitted for other sectors: train again or revert"),
        Err(error) => tracing::error!(version, %error, "the model in force can't be read: revert it"),
    }
    Ok(())
}

/// What staff said, the oldest first, each with its case's text; and how many can't be read any more, because the case was erased
/// or isn't there.
async fn heard(app: &Arc<App>) -> Result<(Vec<Heard>, usize), StoreError> {
    let rows = app.store.read(|db| learned::newest(db, MOST)).await?;
    let (mut all, mut left_out) = (Vec::with_capacity(rows.len()), 0);
    for page in rows.chunks(PAGE) {
        let (shared, page) = (Arc::clone(app), page.to_vec());
        let page = app
            .store
            .read(move |db| page.iter().map(|row| one(&shared, db, row)).collect::<Result<Vec<_>, _>>())
            .await?;
        for found in page {
            match found {
                Some(found) => all.push(found),
                None => left_out += 1,
            }
        }
    }
    all.reverse();
    Ok((all, left_out))
}

fn one(app: &App, db: &mut crate::store::Db, row: &VerdictRow) -> Result<Option<Heard>, StoreError> {
    let id = CaseId(row.case_id.0);
    let Some(found) = cases::load_by_id(db, &Scope::System, id)? else { return Ok(None) };
    let opened = Dossier::open(&app.vault, id, &found.sealed.data_key)
        .and_then(|dossier| Ok((dossier.open_narrative(&found.sealed.narrative)?, verdicts::open(&dossier, row)?)));
    // A case whose key was destroyed is erased: neither its text nor what was said of it exists any more.
    Ok(opened.ok().map(|(text, verdict)| Heard { text, channel: row.channel.clone(), at: row.at.0, verdict }))
}

/// The last word on each text, in the order of time.
fn examples(heard: &[Heard], sectors: &[String]) -> Vec<(Timestamp, String, String)> {
    let mut last: BTreeMap<String, (Timestamp, String)> = BTreeMap::new();
    for one in heard {
        if let Word::Sector(sector) = &one.verdict.word
            && sectors.contains(sector)
        {
            last.insert(fold(&one.text), (one.at, sector.clone()));
        }
    }
    let mut examples: Vec<_> = last.into_iter().map(|(text, (at, sector))| (at, text, sector)).collect();
    examples.sort();
    examples
}

type Fitted = (Weights, Timestamp);

fn challenge(
    champion: &Model,
    heard: &[Heard],
    left_out: usize,
    authored: &[Authored],
    fitted_until: Option<Timestamp>,
) -> (Training, Option<Fitted>) {
    let examples = examples(heard, champion.sectors());
    let report = Report::of(heard, left_out, &examples, champion.sectors());
    let mut training = Training { champion: 0, fitted: 0, tested: 0, comparison: None, promoted: None, report };
    let Some(border) = (examples.len() * FITTED_OF_TEN / 10).checked_sub(1).and_then(|at| examples.get(at)) else {
        return (training, None);
    };
    // Neither may have been fitted on what both are measured on.
    let until = fitted_until.map_or(border.0, |until| until.max(border.0));
    let (earlier, later): (Vec<_>, Vec<_>) = examples.iter().partition(|(at, _, _)| *at <= until);
    (training.fitted, training.tested) = (earlier.len(), later.len());
    if earlier.len() < LEAST_FITTED || later.is_empty() {
        return (training, None);
    }
    let own: HashSet<String> = authored.iter().map(|text| fold(&text.text)).collect();
    let real =
        earlier.iter().map(|(_, text, sector)| Example { text: text.clone(), class: sector.clone(), weight: REAL });
    let all: Vec<Example> = authored.iter().map(Authored::example).chain(real).collect();
    let weights = fit(&champion.classes(), &all);
    let challenger = champion.with("challenger".to_owned(), weights.clone(), champion.tuning().clone());
    let tested: Vec<_> = later.into_iter().filter(|(_, text, _)| !own.contains(text)).collect();
    training.tested = tested.len();
    let texts = tested.iter().map(|(_, text, sector)| (text.as_str(), sector.as_str()));
    training.comparison = Some(compare(champion, &challenger, texts));
    (training, Some((weights, until)))
}

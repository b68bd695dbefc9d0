//! Cases that come with their past: filed and handled before this installation had them. The past is not believed but taken
//! again, step by step, by the rules of its days: what comes out has the history, hashes, clocks, figures and index of a case
//! that was handled here. Nothing is owed for it: notices and documents of the past went out in the past.

use crate::ambient::today_in_shanghai;
use crate::app::App;
use crate::domain::case::{Actor, Case};
use crate::domain::chain::Hash;
use crate::domain::problem::Problems;
use crate::intake::draft::{self, Ground};
use crate::intake::submission::{Checks, Entry as From, Raw};
use crate::measure::{count::count, facts::facts};
use crate::privacy::OpenError;
use crate::route::Router;
use crate::store::StoreError;
use crate::store::cases::Sealed;
use crate::store::counters::Deltas;
use crate::store::filing::{CaseRow, ClockRow, Filed, Filing, NewCase};
use crate::track::dossier::Dossier;
use crate::track::ledger::{self, Entry};
use crate::track::{Command, Context, Refused, decide};
use jiff::Timestamp;
use std::collections::BTreeMap;

/// A step of the past.
#[derive(Debug, Clone)]
pub struct Past {
    /// When it was taken.
    pub at: Timestamp,
    /// What was done, by whom, with which fields. Steps that bring another case or parties' data with them aren't taken again.
    pub command: Command,
}

/// Why a case with its past isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum HistoryError {
    /// Fields of the filing are wrong.
    #[error("fields are wrong: {0:?}")]
    Invalid(Problems),
    /// A step isn't possible by the rules of its day.
    #[error("step {seq} ({action}) is not possible: {refused}")]
    Refused {
        /// Number of its event.
        seq: i64,
        /// The step.
        action: &'static str,
        /// Why.
        refused: Refused,
    },
    /// What was just sealed can't be opened.
    #[error("{0}")]
    Open(#[from] OpenError),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Makes the rows of a case and of its past. `next` gives each step, seeing the case as the steps before have left it.
///
/// # Errors
/// When the filing is wrong, or a step was not possible on its day.
pub fn draft(
    app: &App,
    router: &Router,
    raw: Raw,
    mut next: impl FnMut(&Case) -> Option<Past>,
) -> Result<NewCase, HistoryError> {
    let catalogue = router.catalogue();
    let checks = Checks { catalogue, now: app.now(), today: app.today(), entry: From::Import };
    let submission = raw.check(&checks).map_err(HistoryError::Invalid)?;
    let ground = Ground {
        complainant: draft::complainant_hash(app, &submission),
        respondent: draft::respondent_hash(app, &submission),
        taken_in: submission.received_at,
        ..Ground::default()
    };
    let drafts = draft::draw(app, router, &submission, From::Import, &Actor::SYSTEM, &ground, 0)?;
    // One kind, as every line of an import.
    let Some(draft::Draft { mut new, mut case, .. }) = drafts.into_iter().next() else {
        return Err(StoreError::Unreadable("a submission without a kind".to_owned()).into());
    };
    new.outbox.clear();
    let row = &new.case;
    let sealed = Sealed {
        data_key: row.data_key.clone(),
        narrative: row.narrative.clone(),
        respondent: row.respondent.clone(),
        respondent_hash: row.respondent_hash.clone(),
        complainant_hash: row.complainant_hash.clone(),
    };
    let created_at = row.created_at.0;
    let unreadable = |_| StoreError::Unreadable("a hash of another length".to_owned());
    let mut last_hash = Hash::try_from(row.last_hash.as_slice()).map_err(unreadable)?;
    let dossier = Dossier::open(&app.vault, case.id, &sealed.data_key)?;
    while let Some(Past { at, command }) = next(&case) {
        let context = Context {
            today: today_in_shanghai(at),
            last_reminder: None,
            split_off: false,
            others: &BTreeMap::new(),
            accounts: &[],
            division: None,
        };
        let refused = |refused| HistoryError::Refused { seq: case.version + 1, action: command.action.code(), refused };
        let step = decide(catalogue, &case, &command, &context).map_err(refused)?;
        let entry = Entry {
            before: Some(&case),
            after: &step.case,
            action: step.action,
            from: Some(step.from),
            actor: &command.actor,
            at,
            open: step.open,
            personal: step.personal,
        };
        let (event, hash) = ledger::write(&dossier, app.entropy.as_ref(), &last_hash, entry);
        new.events.push(event);
        (case, last_hash) = (step.case, hash);
    }
    if new.events.len() > 1 {
        new.case = CaseRow::new(&case, facts(&case), &sealed, &last_hash, created_at)?;
        new.clocks = ClockRow::of(&case);
        new.deltas = count(None, &case);
    }
    Ok(new)
}

/// Stores cases with their pasts in one unit of work: all, or none when one of their numbers is taken.
///
/// # Errors
/// The store's.
pub async fn store(app: &App, mut cases: Vec<NewCase>) -> Result<Filed, StoreError> {
    // As they stand or fall together, what they add to the counters is added up here, not on the thread that writes.
    let mut all = Deltas::default();
    cases.iter_mut().for_each(|new| all.merge(std::mem::take(&mut new.deltas)));
    if let Some(first) = cases.first_mut() {
        first.deltas = all;
    }
    app.store.file(Filing { cases, idempotency: None }).await
}

//! Moves an installation from the embedded engine to PostgreSQL.

use super::data::DataDir;
use super::output::{Failure, Outcome, Output, Progress};
use super::serve;
use super::wire::{self, Where};
use crate::domain::case::CaseId;
use crate::privacy::{OpenError, Vault};
use crate::store::filing::{EventRow, PartyRow};
use crate::store::transfer::{Transfer, TransferError};
use crate::store::{StoreError, Target};
use crate::track::act::search_tokens;
use crate::track::dossier::Dossier;
use crate::track::ledger;
use serde_json::json;

impl From<TransferError> for Failure {
    fn from(error: TransferError) -> Self {
        Self::found(error.to_string())
    }
}

/// Copies everything to another engine and compares it. The service is stopped meanwhile, and stays so until its settings
/// name the new one.
pub(super) fn migrate(given: &Where, to: &str, output: Output) -> Result<Outcome, Failure> {
    let settings = wire::settings(given)?;
    wire::log(&settings, false);
    let data = DataDir::at(&settings.paths.data_dir)?;
    let from = wire::target(&settings, &data, false)?;
    let Target::Sqlite(path) = &from else {
        return Err(Failure::usage("migrate-engine: what is in force is PostgreSQL already"));
    };
    if !path.exists() {
        return Err(Failure::found(format!("{}: there is no database to copy", path.display())));
    }
    if !(to.starts_with("postgres://") || to.starts_with("postgresql://")) {
        return Err(Failure::usage("migrate-engine: --to is postgres://…"));
    }
    let Some(_lock) = data.lock()? else {
        return Err(Failure::found(format!("{} is in use: stop the service first", data.path().display())));
    };
    let clock = wire::clock(&settings);
    let runtime = serve::runtime()?;
    // Opening it brings its schema and its figures up to date. Nothing is written to it from here on.
    let app = runtime.block_on(wire::app(settings, &data, false, clock))?;
    let progress = Progress::bar(output);
    let mut transfer = Transfer::begin(&from, &Target::Postgres(to.to_owned()))?;
    let rows = transfer.rows()?;
    let tables = transfer.tables().len();
    // Each row is copied and compared; then each case is looked at.
    let of = Some(rows * 2);
    let mut before = 0;
    for place in 0..tables {
        let mut last = 0;
        transfer.copy(place, |done| {
            last = done;
            progress.tell(before + done, of);
        })?;
        before += last;
    }
    let mut compared = 0;
    for place in 0..tables {
        compared += transfer.compare(place, |done| progress.tell(before + compared + done, of))?;
    }
    let indexed =
        transfer.index(|id, key, narrative, parties| tokens(&app.vault, id, key, narrative, parties), |_| {})?;
    let cases = transfer.histories(whole, |_| {})?;
    transfer.finish()?;
    let result = json!({"tables": tables, "rows": compared, "cases": cases, "indexed": indexed});
    let mut outcome = Outcome::ok(
        result,
        format!(
            "{compared} rows of {tables} tables copied and compared; {cases} histories are whole; {indexed} cases indexed"
        ),
    );
    outcome.notes.push("now name the new database in database.url and start the service".to_owned());
    Ok(outcome)
}

/// What a case is found by; nothing of one that was erased.
fn tokens(
    vault: &Vault,
    id: CaseId,
    data_key: &[u8],
    narrative: &[u8],
    parties: &[PartyRow],
) -> Result<Option<String>, StoreError> {
    let dossier = match Dossier::open(vault, id, data_key) {
        Ok(dossier) => dossier,
        Err(OpenError::Erased) => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let narrative = dossier.open_narrative(narrative)?;
    Ok(Some(search_tokens(&narrative, &dossier.open_parties(parties)?)))
}

/// Whether a history is as it was written, up to the hash that its case holds.
fn whole(history: &[EventRow], last_hash: &[u8]) -> bool {
    ledger::first_broken(history).is_none() && history.last().is_some_and(|last| last.hash == last_hash)
}

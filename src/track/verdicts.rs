//! What staff say of the sector that the machine chose: kept as an example for the model of this installation, sealed with the key
//! of its case.

use crate::ambient::Entropy;
use crate::domain::case::{Actor, Case};
use crate::domain::vocabulary::{Action, Role, SectorSource};
use crate::privacy::OpenError;
use crate::store::filing::EventRow;
use crate::store::learned::VerdictRow;
use crate::store::packed;
use crate::store::types::{At, Key};
use crate::track::dossier::Dossier;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;

/// What the machine said at the filing.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Machine {
    /// Its first candidate.
    pub sector: String,
    /// Its confidence, in thousandths.
    pub confidence: u16,
    /// Whether it sent the case to triage.
    pub abstained: bool,
    /// Version name of the model.
    pub model: String,
}

/// What staff said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Word {
    /// The case is of this sector.
    Sector(String),
    /// An office gave back a case that went to it by the machine's choice.
    Returned,
}

/// What staff said of the machine's choice for a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Verdict {
    /// What they said.
    pub word: Word,
    /// What the machine had said, where that is known.
    pub machine: Option<Machine>,
}

impl Machine {
    /// What the machine said, from the event of the filing.
    pub fn of_filing(event: &EventRow) -> Option<Self> {
        let data: Value = serde_json::from_str(&packed::unpack(&event.data).ok()?).ok()?;
        let said = data.get("fields")?.get("classification")?;
        serde_json::from_value(said.clone()).ok()
    }
}

/// What a step says of the sector. Only people of the staff count, not what happens by lapse of time.
pub(super) fn word_of(action: Action, before: &Case, after: &Case, open: &Value, actor: &Actor) -> Option<Word> {
    if matches!(actor.role, Role::System | Role::Consumer) {
        return None;
    }
    match action {
        Action::Dispatch if open.get("sector").is_some() => Some(Word::Sector(after.sector.clone())),
        Action::Return if before.sector_source == SectorSource::Machine => Some(Word::Returned),
        _ => None,
    }
}

/// Seals a verdict for the step that it came with.
pub fn seal(dossier: &Dossier<'_>, entropy: &dyn Entropy, case: &Case, at: Timestamp, verdict: &Verdict) -> VerdictRow {
    let text = serde_json::json!(verdict).to_string();
    VerdictRow {
        case_id: Key::from(case.id),
        seq: case.version,
        at: At(at),
        channel: case.channel.code().to_owned(),
        sealed: dossier.seal_verdict(entropy, case.version, text.as_bytes()),
    }
}

/// Opens it.
///
/// # Errors
/// When it isn't what was sealed for its step.
pub fn open(dossier: &Dossier<'_>, row: &VerdictRow) -> Result<Verdict, OpenError> {
    let bytes = dossier.open_verdict(row.seq, &row.sealed)?;
    serde_json::from_slice(&bytes).map_err(|_| OpenError::Malformed)
}

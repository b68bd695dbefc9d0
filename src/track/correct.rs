//! Correction: a person asks to have put right what is kept of them, the office decides, and the history keeps both.
//!
//! Asking needs no state of the case: what is kept can be wrong after its end too. A request that is accepted changes the party
//! and is an event, whose sealed part has what was there and what is there now; one that is refused has its reason.
//!
//! Sources: Personal Information Protection Law Art 46 (correction, after verification), Art 50 (reasons for a refusal).

use crate::app::App;
use crate::domain::case::Actor;
use crate::domain::hidden::hidden_debug;
use crate::domain::party::RawPerson;
use crate::domain::permission::{self, Permission};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, PartyRole};
use crate::store::cases::{self, Loaded};
use crate::store::corrections::{self, CorrectionRow};
use crate::store::types::{At, Key};
use crate::store::{Db, StoreError, Tx};
use crate::track::act::{self, ActError, Surroundings};
use crate::track::dossier::{Dossier, Party};
use crate::track::{Refused, Step};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// What can be put right, by its code.
pub const FIELDS: &[&str] = &["name", "phone", "email", "address", "id_type", "id_number"];

/// Shortest and longest reason or answer, in characters.
pub const WORDS: (usize, usize) = (2, 500);

/// Requests that a case may have open at once.
const MOST_OPEN: usize = 5;

/// Waits for the office.
pub const OPEN: &str = "open";
/// Was put right.
pub const ACCEPTED: &str = "accepted";
/// Stays as it is.
pub const REFUSED: &str = "refused";

/// A request, opened.
#[derive(Clone)]
pub struct Correction {
    /// Number within the case.
    pub no: i16,
    /// When it was asked for.
    pub asked_at: Timestamp,
    /// `open`, `accepted`, `refused`.
    pub state: String,
    /// What is to be, by field.
    pub wanted: Map<String, Value>,
    /// Why.
    pub reason: String,
    /// When it was decided.
    pub decided_at: Option<Timestamp>,
    /// What the person was told.
    pub answer: Option<String>,
}

hidden_debug!(Correction);

/// Who asks for what, of which case.
#[derive(Clone)]
pub struct Request {
    /// Which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// Who asks.
    pub actor: Actor,
    /// What is to be: some of [`FIELDS`].
    pub wanted: Map<String, Value>,
    /// Why; checked for its length.
    pub reason: String,
}

hidden_debug!(Request);

/// What is decided of which request.
#[derive(Clone)]
pub struct Decision {
    /// Which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// Who decides.
    pub actor: Actor,
    /// Which request.
    pub no: i16,
    /// Put right or not.
    pub accept: bool,
    /// What the person is told; a refusal says why.
    pub answer: Option<String>,
}

hidden_debug!(Decision);

/// Why a request or decision isn't taken, besides what every step is refused for.
#[derive(Debug, thiserror::Error)]
pub enum CorrectError {
    /// As a step is.
    #[error(transparent)]
    Act(#[from] ActError),
    /// Too many wait already.
    #[error("too many requests are open")]
    TooManyOpen,
    /// It was decided.
    #[error("it was decided already")]
    Decided,
}

impl From<StoreError> for CorrectError {
    fn from(error: StoreError) -> Self {
        Self::Act(error.into())
    }
}

/// Asks; gives the request as it is kept.
///
/// # Errors
/// When it isn't taken; then nothing is kept.
pub async fn ask(app: &Arc<App>, request: Request) -> Result<Correction, CorrectError> {
    let mut faults = Problems::default();
    checked(&request.wanted, &mut faults);
    faults.check().map_err(|faults| ActError::Refused(Refused::Invalid(faults)))?;
    act::again_if_overtaken(app, move |app, tx| keep(app, tx, &request)).await?
}

/// The fields of a person, by their own rules.
fn checked(wanted: &Map<String, Value>, faults: &mut Problems) {
    if wanted.is_empty() {
        let fault = Invalid::new("required", "name at least one field").allowed(FIELDS.join(", "));
        faults.at("/complainant", fault);
    }
    let raw: Result<RawPerson, _> = serde_json::from_value(Value::Object(wanted.clone()));
    match raw {
        Ok(raw) => drop(raw.check("/complainant", faults)),
        Err(error) => faults.at("/complainant", Invalid::new("shape", format!("can't be read: {error}"))),
    }
}

fn keep(app: &App, tx: &mut Tx<'_>, request: &Request) -> Result<Result<Correction, CorrectError>, StoreError> {
    let Some(found) = cases::load(tx.db(), &request.scope, &request.reference)? else {
        return Ok(Err(ActError::NotFound.into()));
    };
    if !permission::may(request.actor.role, Permission::AskCorrection, found.case.kind) {
        return Ok(Err(ActError::Refused(Refused::NotAllowedForRole).into()));
    }
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key)?;
    let there = corrections::of(tx.db(), &found)?;
    if there.iter().filter(|row| row.decided_at.is_none()).count() >= MOST_OPEN {
        return Ok(Err(CorrectError::TooManyOpen));
    }
    let no = there.last().map_or(1, |row| row.correction_no + 1);
    let text = json!({ "wanted": request.wanted, "reason": request.reason }).to_string();
    let row = CorrectionRow {
        case_id: Key::from(found.case.id),
        correction_no: no,
        asked_at: At(app.now()),
        state: OPEN.to_owned(),
        wanted: dossier.seal_correction(app.entropy.as_ref(), no, "wanted", &text),
        decided_at: None,
        decided_by: None,
        answer: None,
    };
    corrections::add(tx, &row)?;
    // The event says that it was asked for, and which fields; what they are to be stands sealed in the request.
    let fields: Vec<&String> = request.wanted.keys().collect();
    let open = json!({ "correction": { "no": no, "step": "asked", "fields": fields } });
    act::save_record(app, tx, &found, Action::Correct, open, &request.actor)?;
    Ok(Ok(open_row(&dossier, &row)?))
}

/// Decides a request, and puts the party right when it is accepted.
///
/// # Errors
/// When it isn't taken; then nothing is changed.
pub async fn decide(app: &Arc<App>, decision: Decision) -> Result<Correction, CorrectError> {
    act::again_if_overtaken(app, move |app, tx| settle(app, tx, &decision)).await?
}

fn settle(app: &App, tx: &mut Tx<'_>, decision: &Decision) -> Result<Result<Correction, CorrectError>, StoreError> {
    let Some(found) = cases::load(tx.db(), &decision.scope, &decision.reference)? else {
        return Ok(Err(ActError::NotFound.into()));
    };
    if !permission::may(decision.actor.role, Permission::DecideCorrection, found.case.kind) {
        return Ok(Err(ActError::Refused(Refused::NotAllowedForRole).into()));
    }
    let row = corrections::of(tx.db(), &found)?.into_iter().find(|row| row.correction_no == decision.no);
    let Some(mut row) = row else { return Ok(Err(ActError::NotFound.into())) };
    if row.decided_at.is_some() {
        return Ok(Err(CorrectError::Decided));
    }
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key)?;
    let asked = open_row(&dossier, &row)?;
    row.state = if decision.accept { ACCEPTED } else { REFUSED }.to_owned();
    row.decided_at = Some(At(app.now()));
    row.decided_by.clone_from(&decision.actor.user);
    let entropy = app.entropy.as_ref();
    row.answer =
        decision.answer.as_ref().map(|text| dossier.seal_correction(entropy, row.correction_no, "answer", text));
    corrections::decide(tx, &row)?;
    let parties = dossier.open_parties(&cases::parties(tx.db(), &found)?)?;
    let step = step(&found, decision, &asked, &parties);
    let surroundings = Surroundings::of_view(tx.db(), &found, None)?;
    if let Err(error) = act::save_step(app, tx, &found, &step, &decision.actor, &surroundings)? {
        return Err(StoreError::Unreadable(error.to_string()));
    }
    Ok(Ok(open_row(&dossier, &row)?))
}

/// The event of a decision: its sealed part has what was there, what is there now, and the answer.
fn step(found: &Loaded, decision: &Decision, asked: &Correction, parties: &[Party]) -> Step {
    let stage = if decision.accept { "accepted" } else { "refused" };
    let open = json!({ "correction": { "no": decision.no, "step": stage, "fields": asked.wanted.keys().collect::<Vec<_>>() } });
    let person = parties.iter().find(|party| party.role == Some(PartyRole::Complainant));
    let before: Map<String, Value> = asked
        .wanted
        .keys()
        .map(|field| (field.clone(), person.map_or(Value::Null, |person| value_of(person, field))))
        .collect();
    let mut step = crate::track::record(&found.case, Action::Correct, open);
    let mut personal = json!({ "answer": decision.answer });
    if decision.accept {
        personal["complainant_before"] = Value::Object(before);
        personal["complainant"] = Value::Object(asked.wanted.clone());
        step.supplied = vec![(PartyRole::Complainant, asked.wanted.clone())];
    }
    step.personal = Some(personal);
    step
}

fn value_of(person: &Party, field: &str) -> Value {
    let value = match field {
        "name" => &person.name,
        "phone" => &person.phone,
        "email" => &person.email,
        "address" => &person.address,
        "id_type" => &person.id_type,
        "id_number" => &person.id_number,
        _ => &None,
    };
    json!(value)
}

/// The requests of a case, oldest first.
///
/// # Errors
/// The store's, or that what is sealed can't be opened.
pub fn list(app: &App, db: &mut Db, found: &Loaded) -> Result<Vec<Correction>, StoreError> {
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key)?;
    corrections::of(db, found)?.iter().map(|row| open_row(&dossier, row)).collect()
}

fn open_row(dossier: &Dossier<'_>, row: &CorrectionRow) -> Result<Correction, StoreError> {
    let text = dossier.open_correction(row.correction_no, "wanted", &row.wanted)?;
    let mut wanted: Value = serde_json::from_str(&text).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let answer = row.answer.as_ref().map(|sealed| dossier.open_correction(row.correction_no, "answer", sealed));
    Ok(Correction {
        no: row.correction_no,
        asked_at: row.asked_at.0,
        state: row.state.clone(),
        reason: wanted["reason"].as_str().unwrap_or_default().to_owned(),
        wanted: wanted["wanted"].as_object_mut().map(std::mem::take).unwrap_or_default(),
        decided_at: row.decided_at.map(|at| at.0),
        answer: answer.transpose()?,
    })
}

//! The history of a case: how an event becomes a row whose hash covers the one before, and how a history is checked.

use crate::ambient::{self, Entropy};
use crate::domain::case::{Actor, Case};
use crate::domain::chain::{self, GENESIS, Hash};
use crate::domain::hidden::hidden_debug;
use crate::domain::vocabulary::{Action, State};
use crate::store::filing::EventRow;
use crate::store::packed;
use crate::store::types::{At, Key};
use crate::track::dossier::Dossier;
use crate::track::patch::patch;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::{Map, Value};

/// What happened, before it is a row.
pub struct Entry<'a> {
    /// The case before; `None` at the filing.
    pub before: Option<&'a Case>,
    /// The case after.
    pub after: &'a Case,
    /// The step.
    pub action: Action,
    /// The state before.
    pub from: Option<State>,
    /// Who took it.
    pub actor: &'a Actor,
    /// When.
    pub at: Timestamp,
    /// Coded fields, to stay readable.
    pub open: Value,
    /// What people wrote, to be sealed.
    pub personal: Option<Value>,
}

hidden_debug!(Entry<'_>);

/// The open part of an event.
#[derive(Serialize)]
struct Data<'a> {
    changes: Changes<'a>,
    #[serde(skip_serializing_if = "Option::is_none")]
    fields: Option<&'a Map<String, Value>>,
}

/// What a merge patch says: of a filing everything, which need not be taken apart first.
#[derive(Serialize)]
#[serde(untagged)]
enum Changes<'a> {
    All(&'a Case),
    Some(Value),
}

#[expect(clippy::expect_used, reason = "only strings are keys, and nothing is a value that JSON can't carry")]
fn text(value: &impl Serialize) -> String {
    serde_json::to_string(value).expect("what an event says is always JSON")
}

/// Makes the row of an event and its hash.
pub fn write(dossier: &Dossier<'_>, entropy: &dyn Entropy, previous: &Hash, entry: Entry<'_>) -> (EventRow, Hash) {
    let seq = entry.after.version;
    let data = text(&Data {
        changes: entry
            .before
            .map_or(Changes::All(entry.after), |before| Changes::Some(patch(Some(before), entry.after))),
        fields: entry.open.as_object().filter(|open| !open.is_empty()),
    });
    let (sealed, commitment) = entry.personal.map_or((None, None), |personal| {
        let text = personal.to_string();
        let salt = ambient::draw::<16>(entropy);
        (Some(dossier.seal_event(entropy, seq, &salt, &text)), Some(chain::commitment(&salt, text.as_bytes())))
    });
    let mut row = EventRow {
        case_id: Key::from(entry.after.id),
        seq,
        // To the microsecond, as both engines keep it: the hash must be the same when it is read back.
        at: At(Timestamp::from_microsecond(entry.at.as_microsecond()).unwrap_or(entry.at)),
        action: entry.action.code().to_owned(),
        from_state: entry.from.map(|state| state.code().to_owned()),
        to_state: entry.after.state.code().to_owned(),
        role: entry.actor.role.code().to_owned(),
        actor: entry.actor.user.clone(),
        unit: entry.actor.unit.clone(),
        data: packed::json(&data),
        sealed,
        commitment: commitment.map(|hash| hash.to_vec()),
        hash: Vec::new(),
    };
    let hash = hash(previous, &row, &data);
    row.hash = hash.to_vec();
    (row, hash)
}

/// The hash of a row after the one before it: over every open column and the commitment to what is sealed.
fn hash(previous: &Hash, row: &EventRow, data: &str) -> Hash {
    let canonical = text(&(
        row.case_id.0,
        row.seq,
        row.at.0.as_microsecond(),
        &row.action,
        &row.from_state,
        &row.to_state,
        &row.role,
        &row.actor,
        &row.unit,
        data,
    ));
    let commitment = row.commitment.as_deref().and_then(|bytes| Hash::try_from(bytes).ok());
    chain::link(previous, canonical.as_bytes(), commitment.as_ref())
}

/// The first event of a history that isn't as it was written: altered, left out or moved. `None` when all is whole.
pub fn first_broken(history: &[EventRow]) -> Option<i64> {
    let mut previous = GENESIS;
    for (row, seq) in history.iter().zip(1..) {
        // What can't be read was altered.
        let expected = packed::unpack(&row.data).ok().map(|data| hash(&previous, row, &data));
        let Some(expected) = expected.filter(|expected| row.seq == seq && row.hash == expected) else {
            return Some(row.seq.min(seq));
        };
        previous = expected;
    }
    None
}

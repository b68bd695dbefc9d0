//! The history of a case, and which of its texts a caller may read.

use crate::domain::case::Case;
use crate::domain::chain::GENESIS;
use crate::domain::hidden::hidden_debug;
use crate::domain::identifiers::{mask_address, mask_email, mask_id, mask_name, mask_phone};
use crate::domain::permission::{self, Permission};
use crate::domain::text::redact;
use crate::domain::vocabulary::{Action, Role};
use crate::http::caller::Caller;
use crate::http::openapi::{ActionCode, RoleCode, StateCode};
use crate::http::views::{hex, sees_filer};
use crate::store::filing::EventRow;
use crate::store::packed;
use jiff::Timestamp;
use serde::Serialize;
use serde_json::Value;
use utoipa::ToSchema;

/// One step of a case's history.
#[derive(Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Number within the case, from 1.
    pub seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The step.
    #[schema(value_type = ActionCode)]
    pub action: String,
    /// State before; `null` for the filing.
    #[schema(value_type = Option<StateCode>)]
    pub from: Option<String>,
    /// State after.
    #[schema(value_type = StateCode)]
    pub to: String,
    /// Role of who took it.
    #[schema(value_type = RoleCode)]
    pub role: String,
    /// Account of staff; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Unit of staff.
    pub unit: Option<String>,
    /// Coded fields that it carried.
    #[schema(value_type = Option<Object>)]
    pub fields: Option<Value>,
    /// What people wrote, by field, when the caller may read it.
    #[schema(value_type = Option<Object>)]
    pub texts: Option<Value>,
    /// What it changed of the case, as a merge patch; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub changes: Option<Value>,
    /// Hash of the event before, hexadecimal; zeros before the first.
    pub previous_hash: String,
    /// Hash over that and this event.
    pub hash: String,
}

hidden_debug!(EventView);

/// The history of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Its events, oldest first.
    pub items: Vec<EventView>,
    /// Always `null`: a history comes whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
    /// Whether the chain of hashes is whole.
    pub whole: bool,
    /// The first event that isn't as it was written.
    pub first_broken: Option<i64>,
}

/// Steps that stay within the units: a consumer sees that they were taken, not what was written.
fn is_internal(action: &str) -> bool {
    matches!(
        Action::parse(action),
        Ok(Action::Note
            | Action::Assign
            | Action::Urge
            | Action::Supervise
            | Action::Circulate
            | Action::Return
            | Action::Designate
            | Action::Link
            | Action::Extend
            | Action::Recompute)
    )
}

/// Whether a caller may read what was written at a step.
pub fn reads_text(case: &Case, event: &EventRow, caller: &Caller) -> bool {
    let by_filer = event.role == Role::Consumer.code();
    if !permission::may(caller.who.role, Permission::ReadTexts, case.kind) {
        return false;
    }
    match caller.who.role {
        Role::Consumer => by_filer || !is_internal(&event.action),
        // What a reporter writes may tell who it is.
        _ => !by_filer || sees_filer(case, caller),
    }
}

/// What was written at a step, as staff see it: contacts masked, and whatever looks like one in a text.
pub fn masked_texts(value: Value, names: &[&str]) -> Value {
    masked(value, "", false, names)
}

fn masked(value: Value, field: &str, of_merchant: bool, names: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::String(match field {
            // The merchant's name and address are public.
            "name" | "address" if of_merchant => text,
            "name" => mask_name(&text),
            "phone" => mask_phone(&text),
            "email" => mask_email(&text),
            "address" => mask_address(&text),
            "id_number" => mask_id(&text),
            _ => redact(&text, names),
        }),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| masked(item, field, of_merchant, names)).collect())
        }
        Value::Object(fields) => {
            let inner = |(key, value): (String, Value)| {
                let merchant = of_merchant || key == "respondent" || key == "platform";
                let value = masked(value, &key, merchant, names);
                (key, value)
            };
            Value::Object(fields.into_iter().map(inner).collect())
        }
        other => other,
    }
}

/// A history as a caller may see it; `texts` are what was opened of each event.
pub fn history(rows: &[EventRow], texts: Vec<Option<Value>>, broken: Option<i64>, caller: &Caller) -> History {
    let staff = caller.is_staff();
    let mut previous = hex(&GENESIS);
    let items = rows
        .iter()
        .zip(texts)
        .map(|(row, texts)| {
            let mut data: Value =
                packed::unpack(&row.data).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            let open = staff || !is_internal(&row.action);
            let mut part = |name: &str| data.get_mut(name).map(Value::take);
            let hash = hex(&row.hash);
            EventView {
                seq: row.seq,
                at: row.at.0,
                action: row.action.clone(),
                from: row.from_state.clone(),
                to: row.to_state.clone(),
                role: row.role.clone(),
                actor: row.actor.clone().filter(|_| staff),
                unit: row.unit.clone(),
                fields: part("fields").filter(|_| open),
                changes: part("changes").filter(|_| staff),
                texts,
                previous_hash: std::mem::replace(&mut previous, hash.clone()),
                hash,
            }
        })
        .collect();
    History { items, next_cursor: None, whole: broken.is_none(), first_broken: broken }
}

//! What an event changes in a case, as an RFC 7396 merge patch, and the case that the patches of its events make.

use crate::domain::case::Case;
use serde_json::{Map, Value};

/// The patch that makes `after` out of `before`; without a `before`, the whole case (its filing). Arrays are replaced whole.
pub fn patch(before: Option<&Case>, after: &Case) -> Value {
    let after = value(after);
    before.map_or(after.clone(), |before| difference(&value(before), &after))
}

/// The case that patches make, applied in order.
///
/// # Errors
/// When what they make is no case: a history that isn't whole, or not one of ours.
pub fn fold<'a>(patches: impl IntoIterator<Item = &'a Value>) -> Result<Case, serde_json::Error> {
    let mut case = Value::Object(Map::new());
    for patch in patches {
        apply(&mut case, patch);
    }
    serde_json::from_value(case)
}

#[expect(clippy::expect_used, reason = "a case holds only strings as keys and no value that JSON can't carry")]
fn value(case: &Case) -> Value {
    serde_json::to_value(case).expect("a case is always JSON")
}

// A merge patch can't set null; a case never holds one, since what is absent in it is left out.
fn difference(before: &Value, after: &Value) -> Value {
    let (Value::Object(before), Value::Object(after)) = (before, after) else { return after.clone() };
    let mut patch = Map::new();
    for gone in before.keys().filter(|key| !after.contains_key(*key)) {
        patch.insert(gone.clone(), Value::Null);
    }
    for (key, now) in after {
        match before.get(key) {
            Some(was) if was == now => {}
            Some(was @ Value::Object(_)) if now.is_object() => {
                patch.insert(key.clone(), difference(was, now));
            }
            _ => {
                patch.insert(key.clone(), now.clone());
            }
        }
    }
    Value::Object(patch)
}

fn apply(target: &mut Value, patch: &Value) {
    let Value::Object(changes) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = Value::Object(Map::new());
    }
    let Value::Object(target) = target else { return };
    for (key, change) in changes {
        if change.is_null() {
            target.remove(key);
        } else {
            apply(target.entry(key.clone()).or_insert(Value::Null), change);
        }
    }
}

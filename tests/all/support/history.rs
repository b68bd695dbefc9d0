//! The history of a case as the API gives it.

use super::client::Session;
use super::filings::Case;
use super::server::TestApp;
use serde_json::Value;

impl TestApp {
    /// Every event of a case, over all pages.
    #[track_caller]
    pub(crate) fn events(&self, case: &Case, by: &Session) -> Vec<Value> {
        self.pages(&format!("{}/events?limit=100", case.path()), by)
    }

    /// Every item of a list, page by page.
    #[track_caller]
    pub(crate) fn pages(&self, path: &str, by: &Session) -> Vec<Value> {
        let mut items = Vec::new();
        let mut next = path.to_owned();
        loop {
            let reply = self.get(&next, by).send();
            let page = reply.expect(200);
            let list = page["items"].as_array().unwrap_or_else(|| panic!("{reply}: no items"));
            items.extend(list.iter().cloned());
            let Some(cursor) = page["next_cursor"].as_str() else { return items };
            assert!(!list.is_empty(), "{reply}: an empty page with a next one");
            next = format!("{path}&cursor={cursor}");
        }
    }
}

/// Asserts what every history must be: numbered from 1 without a gap, each event from the state in which the one before
/// ended, each with a hash of its own, and their changes folding to the state and version of the case.
#[track_caller]
pub(crate) fn assert_whole(events: &[Value], view: &Value) {
    let mut hashes = std::collections::BTreeSet::new();
    let mut state = Value::Null;
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(event["seq"], seq, "{event}");
        assert_eq!(event["from_state"], state, "{event}");
        state = event["to_state"].clone();
        let hash = event["hash"].as_str().unwrap_or_else(|| panic!("no hash in {event}"));
        assert!(hash.len() == 64 && hashes.insert(hash.to_owned()), "{event}");
    }
    assert_eq!(view["state"], state, "{view}");
    assert_eq!(view["version"], events.len(), "{view}");
    let folded = fangxin::track::fold(events.iter().map(changes)).expect("the events make a case");
    assert_eq!((folded.state.code(), folded.version), (state.as_str().unwrap(), view["version"].as_i64().unwrap()));
    assert_eq!(folded.reference.to_string(), view["reference"].as_str().unwrap());
    assert_eq!(folded.kind.code(), view["kind"].as_str().unwrap());
}

/// The merge patch of an event.
#[track_caller]
fn changes(event: &Value) -> &Value {
    let found = [&event["changes"], &event["data"]["changes"]].into_iter().find(|value| value.is_object());
    found.unwrap_or_else(|| panic!("no changes in {event}"))
}

//! The history of a case as the API gives it.

use super::client::Session;
use super::filings::Case;
use super::server::TestApp;
use serde_json::Value;

impl TestApp {
    /// The history of a case, which comes whole.
    #[track_caller]
    pub(crate) fn events(&self, case: &Case, by: &Session) -> Vec<Value> {
        let reply = self.get(&format!("{}/events", case.path()), by).send();
        let history = reply.expect(200);
        assert_eq!(history["next_cursor"], Value::Null, "{reply}");
        assert_eq!(history["whole"], true, "{reply}");
        history["items"].as_array().unwrap_or_else(|| panic!("{reply}: no items")).clone()
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
/// ended and chained to its hash, and their changes folding to the state and version of the case.
#[track_caller]
pub(crate) fn assert_whole(events: &[Value], view: &Value) {
    let (mut state, mut hash) = (Value::Null, Value::from("0".repeat(64)));
    for (event, seq) in events.iter().zip(1..) {
        assert_eq!(
            (&event["seq"], &event["from"], &event["previous_hash"]),
            (&Value::from(seq), &state, &hash),
            "{event}"
        );
        (state, hash) = (event["to"].clone(), event["hash"].clone());
        assert_eq!(hash.as_str().map(str::len), Some(64), "{event}");
    }
    assert_eq!(view["state"], state, "{view}");
    assert_eq!(view["version"], events.len(), "{view}");
    let folded = fangxin::track::fold(events.iter().map(|event| &event["changes"])).expect("the events make a case");
    let told = |key: &str| view[key].as_str().unwrap_or_else(|| panic!("no {key} in {view}")).to_owned();
    assert_eq!((folded.state.code(), folded.version), (told("state").as_str(), view["version"].as_i64().unwrap()));
    assert_eq!((folded.reference.as_str(), folded.kind.code()), (told("reference").as_str(), told("kind").as_str()));
    assert_eq!(view["clocks"].as_array().map(Vec::len), Some(folded.clocks.len()), "{view}");
}

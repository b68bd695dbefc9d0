//! What `fangxin bench` loads is what the service itself would have: whole histories, right figures, cases that are found.

use crate::support::history::assert_whole;
use crate::support::server::Start;
use crate::support::{FilingBuilder, engines};
use serde_json::{Value, json};
use std::collections::BTreeSet;

const CASES: usize = 600;

#[test]
fn loaded_cases_have_pasts_figures_and_words_as_if_they_had_been_handled_here() {
    for engine in engines() {
        let mut app = Start::on(engine).prepare();
        let cases = CASES.to_string();
        let load = ["bench", "--cases", &cases, "--load-only", "--json"];
        let loaded = app.run(&load, None);
        assert_eq!(loaded.status.code(), Some(0), "{engine}: {loaded:?}");
        let told: Value = serde_json::from_slice(&loaded.stdout).expect("JSON");
        assert_eq!(told["cases"], json!(CASES), "{engine}");
        // Loaded once: asked again it has nothing to do, and another size isn't mixed in.
        assert_eq!(app.run(&load, None).status.code(), Some(0), "{engine}");
        let other = app.run(&["bench", "--cases", "601", "--load-only"], None);
        assert_eq!(other.status.code(), Some(1), "{engine}: {other:?}");
        assert_eq!(app.contents().lines("SELECT CAST(count(*) AS text) AS line FROM cases"), [cases], "{engine}");

        let recount = app.run(&["recount"], None);
        assert_eq!(recount.status.code(), Some(0), "{engine}: {}", String::from_utf8_lossy(&recount.stdout));

        app.serve();
        let overseer = app.supervisor("320000");
        let mut states = BTreeSet::new();
        for state in ["settled", "terminated", "refused", "withdrawn", "transferred", "filed", "dispatched"] {
            let found = app.pages(&format!("/api/v1/queue?state={state}&limit=100"), &overseer);
            for line in found.iter().take(3) {
                let path = format!("/api/v1/cases/{}", line["reference"].as_str().expect("a number"));
                let view = app.get(&path, &overseer).send().expect(200);
                let events = app.get(&format!("{path}/events"), &overseer).send().expect(200);
                assert_eq!(events["whole"], true, "{engine}: {path}");
                let events = events["items"].as_array().expect("events").clone();
                assert_eq!(view["version"], json!(events.len()), "{engine}: {path}");
                assert_whole(&events, &view);
                states.insert(state);
            }
        }
        assert_eq!(states.len(), 7, "{engine}: only {states:?}");
        let found = app.get("/api/v1/queue?state=settled&q=%E9%80%80%E6%AC%BE&limit=5", &overseer).send().expect(200);
        assert!(!found["items"].as_array().expect("lines").is_empty(), "{engine}: no case is found by a word");
        let sums = app.get("/api/v1/metrics/summary?from=2020-01-01", &overseer).send().expect(200);
        assert_eq!(sums["received"], json!(CASES), "{engine}: {sums}");
    }
}

#[test]
fn a_folder_of_its_own_is_asked_for() {
    for engine in engines() {
        let app = Start::on(engine).start();
        FilingBuilder::complete().file(&app);
        app.stop();
        let refused = app.run(&["bench", "--cases", "10", "--load-only"], None);
        assert_eq!(refused.status.code(), Some(1), "{engine}: {refused:?}");
        let count = app.contents().lines("SELECT CAST(count(*) AS text) AS line FROM cases");
        assert_eq!(count, ["1"], "{engine}");
    }
}

//! Moving from SQLite to PostgreSQL: the copy is whole, goes on after a kill, and is taken for nothing else than it is.

use crate::support::engine::Database;
use crate::support::server::Start;
use crate::support::{Contents, Engine, FilingBuilder, Session, TestApp, engines, until};
use serde_json::Value;
use std::process::Output;

/// Everything that is asked before and after, and answered alike.
fn answers(app: &TestApp, by: &Session, references: &[String]) -> Vec<Value> {
    let mut answers: Vec<Value> = [
        "/api/v1/queue?limit=50",
        "/api/v1/queue?state=settled&limit=50&q=%E9%80%80%E6%AC%BE",
        "/api/v1/metrics/summary?from=2020-01-01",
        "/api/v1/metrics/breakdown?by=sector&division=320100",
        "/api/v1/metrics/breakdown?by=office&from=2025-01-10",
        "/api/v1/metrics/timeseries?interval=week",
    ]
    .iter()
    .map(|path| app.get(path, by).send().expect(200))
    .collect();
    for reference in references {
        let events = app.get(&format!("/api/v1/cases/{reference}/events"), by).send().expect(200);
        assert_eq!(events["whole"], true, "{reference}");
        answers.push(events);
        answers.push(app.get(&format!("/api/v1/cases/{reference}"), by).send().expect(200));
    }
    answers
}

fn told(output: &Output) -> String {
    format!("{}{}", String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr))
}

#[test]
fn an_installation_moves_to_postgresql_whole() {
    if engines().count() < 2 {
        return;
    }
    let mut app = Start::on(Engine::Sqlite).prepare();
    let loaded = app.run(&["bench", "--cases", "400", "--load-only"], None);
    assert_eq!(loaded.status.code(), Some(0), "{}", told(&loaded));
    app.serve();
    let overseer = app.supervisor("320000");
    let filed = FilingBuilder::complete().file(&app);
    let mut references: Vec<String> = app
        .pages("/api/v1/queue?limit=50", &overseer)
        .iter()
        .take(20)
        .map(|line| line["reference"].as_str().expect("a number").to_owned())
        .collect();
    references.push(filed.reference.clone());
    let before = answers(&app, &overseer, &references);

    let database = Database::create();
    let url = database.url.clone();
    let copy = ["migrate-engine", "--to", &url];
    let refused = app.run(&copy, None);
    assert_eq!(refused.status.code(), Some(1), "it runs: {}", told(&refused));
    app.stop();

    // Killed once some tables have come over.
    let mut begun = app.spawn(&copy);
    let copied = "SELECT table_name AS line FROM engine_copy";
    until("a table of the copy", || {
        assert!(begun.try_wait().unwrap().is_none(), "it ended before it was killed");
        let mut there = Contents::of_url(&url);
        let marked = "SELECT tablename::text AS line FROM pg_tables WHERE tablename = 'engine_copy'";
        (!there.lines(marked).is_empty() && there.lines(copied).contains(&"case_numbers".to_owned())).then_some(())
    });
    begun.kill().expect("it can be killed");
    begun.wait().expect("it ends");
    assert!(!Contents::of_url(&url).lines(copied).is_empty(), "the kill was not in the middle");

    // Nobody starts on what is half there.
    let half = app.run(&["recount", "--database", &url], None);
    assert_eq!(half.status.code(), Some(1), "{}", told(&half));
    assert!(told(&half).contains("unfinished copy"), "{}", told(&half));
    // Another installation doesn't go on with it.
    let other = Start::on(Engine::Sqlite).prepare();
    assert_eq!(other.run(&["recount"], None).status.code(), Some(0));
    let refused = other.run(&copy, None);
    assert_eq!(refused.status.code(), Some(1), "{}", told(&refused));

    // A row that was changed is found, and its table copied anew.
    let change = "UPDATE case_numbers SET case_id = '00000000-0000-7000-8000-000000000000' \
                  WHERE reference = (SELECT min(reference) FROM case_numbers)";
    Contents::of_url(&url).run(change);
    let differs = app.run(&copy, None);
    assert_eq!(differs.status.code(), Some(1), "{}", told(&differs));
    assert!(told(&differs).contains("case_numbers: row 1 "), "{}", told(&differs));
    let done = app.run(&copy, None);
    assert_eq!(done.status.code(), Some(0), "{}", told(&done));
    let again = app.run(&copy, None);
    assert_eq!(again.status.code(), Some(1), "it isn't empty any more: {}", told(&again));

    app.moved(database);
    for command in [&["recount"][..], &["audit", "verify"]] {
        let checked = app.run(command, None);
        assert_eq!(checked.status.code(), Some(0), "{command:?}: {}", told(&checked));
    }
    app.serve();
    let after = answers(&app, &overseer, &references);
    for (before, after) in before.iter().zip(&after) {
        assert_eq!(before, after);
    }
    // And it goes on: what is filed now is found beside the rest.
    let new = FilingBuilder::complete().file(&app);
    assert_ne!(new.reference, filed.reference);
}

//! Keys: rotated while the service runs, killed meanwhile, retired when nothing hangs on them; both suites.

use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, TestApp, Visitor, engines, is_long};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::time::Duration;

const NAME: &str = "令狐雨桐";

/// A command of keys, with its exit code and its result.
#[track_caller]
fn keys(app: &TestApp, arguments: &[&str]) -> (i32, Value) {
    let output = app.run(&[&["keys"], arguments, &["--json"]].concat(), None);
    let code = output.status.code().expect("it ended by itself");
    (code, serde_json::from_slice(&output.stdout).unwrap_or(Value::Null))
}

/// How many data keys each master key wraps, the active one first.
#[track_caller]
fn wraps(app: &TestApp) -> Vec<(i64, i64)> {
    let (code, list) = keys(app, &["list"]);
    assert_eq!(code, 0, "{list}");
    let mut wraps: Vec<_> = list["keys"].as_array().unwrap().iter().collect();
    wraps.sort_by_key(|key| key["active"] != true);
    wraps.iter().map(|key| (key["id"].as_i64().unwrap(), key["data_keys"].as_i64().unwrap())).collect()
}

/// Every case opens for who filed it, with what they wrote.
#[track_caller]
fn all_open(app: &TestApp, cases: &[Case]) {
    for case in cases {
        let view = app.case(case, &app.consumer(case));
        assert!(view.to_string().contains(NAME), "{}: {view}", app.engine);
    }
}

/// What a step of the active key is recorded as, oldest first.
fn recorded(app: &TestApp) -> Vec<Value> {
    let mut entries = app.pages("/api/v1/audit?kind=key_rotation", &app.auditor("320000"));
    entries.reverse();
    entries.iter().map(|entry| json!([entry["data"]["id"], entry["data"]["step"]])).collect()
}

/// Makes the active key look older than it is, as if time had passed.
fn age_the_ring(app: &TestApp) {
    let path = app.data().join("keys/ring.json");
    let mut ring: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    for key in ring["master"].as_array_mut().unwrap() {
        key["created"] = json!("2026-01-01T00:00:00Z");
    }
    std::fs::write(&path, ring.to_string()).unwrap();
}

/// PRV-03: a rotation while serving; then the old key can be retired, and not before.
#[test]
fn prv_03_keys_are_rotated_while_serving_and_retired_when_nothing_hangs_on_them() {
    for engine in engines() {
        let mut app = Start::on(engine).set("PRIVACY__SUITE", "sm4_gcm").start();
        let mut cases: Vec<Case> = (0..5).map(|_| FilingBuilder::complete().named(NAME).file(&app)).collect();
        assert_eq!(keys(&app, &["retire", "1"]).0, 1, "{engine}: the active key");
        let (code, rotated) = keys(&app, &["rotate"]);
        let expected = json!({ "id": 2, "made": true, "rewrapped": 5, "left": 0 });
        assert_eq!((code, rotated), (0, expected), "{engine}");
        // The process that serves has taken it up, on PostgreSQL by meeting it.
        all_open(&app, &cases);
        cases.push(FilingBuilder::complete().named(NAME).file(&app));
        assert_eq!(wraps(&app), [(2, 6), (1, 0)], "{engine}");
        assert!(app.contents().values("cases", "data_key").iter().all(|key| key[..2] == [1, 2]), "{engine}: not SM4");

        assert_eq!(keys(&app, &["retire", "1"]).0, 1, "{engine}: the new key is too young");
        app.stop();
        age_the_ring(&app);
        assert_eq!(keys(&app, &["retire", "7"]).0, 1, "{engine}: no such key");
        app.tamper("CREATE TABLE kept AS SELECT case_id, data_key FROM cases");
        assert_eq!(keys(&app, &["rotate"]).0, 0, "{engine}");
        age_the_ring(&app);
        app.tamper(&put_back(1));
        assert_eq!(wraps(&app), [(3, 5), (1, 0), (2, 1)], "{engine}");
        assert_eq!(keys(&app, &["retire", "2"]).0, 1, "{engine}: a data key hangs on it");
        assert_eq!(keys(&app, &["retire", "1"]), (0, json!({ "id": 1, "retired": true })), "{engine}");
        app.serve();
        all_open(&app, &cases);
        let steps = [["2", "rotated"], ["2", "rewrapped"], ["3", "rotated"], ["3", "rewrapped"], ["1", "retired"]];
        assert_eq!(recorded(&app), steps.map(|step| json!(step)), "{engine}");
        assert!(app.run(&["audit", "verify"], None).status.success(), "{engine}");
    }
}

/// Puts some data keys back to what they were before a rotation, as if it had been cut off before them.
fn put_back(count: usize) -> String {
    format!(
        "UPDATE cases SET data_key = (SELECT k.data_key FROM kept k WHERE k.case_id = cases.case_id) \
         WHERE case_id IN (SELECT case_id FROM kept ORDER BY case_id DESC LIMIT {count})"
    )
}

/// PRV-03: a rotation that is killed leaves every case readable, and is finished by the next without another key.
#[test]
fn prv_03_a_killed_rotation_loses_nothing_and_goes_on() {
    let tries = if is_long() { 40 } else { 4 };
    for engine in engines() {
        let mut app = TestApp::start(engine);
        let cases: Vec<Case> = (0..12).map(|_| FilingBuilder::complete().named(NAME).file(&app)).collect();
        app.stop();
        let total = |app: &TestApp| wraps(app).iter().map(|(_, count)| count).sum::<i64>();
        for round in 0..tries {
            let mut rotation = app.spawn(&["keys", "rotate"]);
            std::thread::sleep(Duration::from_millis(40 + 1200 * round / tries));
            rotation.kill().expect("it can be killed");
            rotation.wait().expect("it ends");
            assert_eq!(total(&app), 12, "{engine}: round {round}");
        }
        assert_eq!(keys(&app, &["rotate"]).0, 0, "{engine}");

        // Cut off in the middle, exactly: half of the keys are as before.
        let before = wraps(&app);
        app.tamper("CREATE TABLE kept AS SELECT case_id, data_key FROM cases");
        assert_eq!(keys(&app, &["rotate"]).0, 0, "{engine}");
        app.tamper(&put_back(6));
        let id = before[0].0 + 1;
        let counts: BTreeMap<i64, i64> = wraps(&app).into_iter().collect();
        assert_eq!((counts[&id], counts[&before[0].0]), (6, 6), "{engine}");
        app.serve();
        all_open(&app, &cases);
        let (code, finished) = keys(&app, &["rotate"]);
        assert_eq!((code, finished), (0, json!({ "id": id, "made": false, "rewrapped": 6, "left": 0 })), "{engine}");
        assert_eq!(wraps(&app)[0], (id, 12), "{engine}");
        all_open(&app, &cases);
    }
}

/// A ring without a key that is needed is told, and nothing is made up.
#[test]
fn prv_03_a_missing_master_key_is_told() {
    let app = TestApp::start(Engine::Sqlite);
    FilingBuilder::complete().file(&app);
    app.stop();
    let path = app.data().join("keys/ring.json");
    let mut ring: Value = serde_json::from_slice(&std::fs::read(&path).unwrap()).unwrap();
    ring["master"][0]["id"] = json!(5);
    ring["active_master"] = json!(5);
    std::fs::write(&path, ring.to_string()).unwrap();
    let (code, list) = keys(&app, &["list"]);
    assert_eq!(
        (code, &list["keys"][1]["missing"], &list["keys"][1]["data_keys"]),
        (1, &json!(true), &json!(1)),
        "{list}"
    );
    assert_eq!(keys(&app, &["rotate"]).0, 1);
}

/// PRV-03: what is sealed beside cases goes along: a webhook's secret, a second factor, and a filing that isn't finished. Each is used
/// once the old key is gone.
#[test]
fn prv_03_webhooks_second_factors_and_drafts_are_wrapped_anew() {
    for engine in engines() {
        let mut app = Start::on(engine).set("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.1").start();
        let admin = app.staff("admin", None, None);
        let body = json!({ "url": "http://127.0.0.1:9/hook" });
        let made = app.post("/api/v1/webhooks", &admin).json(&body).send().expect(201);
        let told = app.post("/api/v1/me/totp", &admin).send().expect(200);
        let nobody = Visitor { cookie: String::new() };
        let answers = [("kind", "complaint"), ("narrative", "买的电饭煲三天就坏，店家不退")];
        let begun = nobody.post(&app, "/file/what", &answers);
        assert_eq!(begun.status, 303, "{begun}");
        let cookies =
            begun.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok()?.split(';').next());
        let filer = Visitor { cookie: cookies.collect::<Vec<_>>().join("; ") };
        let next = begun.header("location").to_owned();
        let tables = [("webhooks", "data_key"), ("second_factors", "data_key"), ("drafts", "data_key")];
        let wrapped = |app: &TestApp| tables.map(|(table, column)| app.contents().values(table, column));
        let before = wrapped(&app);
        assert!(before.iter().all(|keys| keys.len() == 1), "{engine}: one of each");

        let (code, rotated) = keys(&app, &["rotate"]);
        assert_eq!((code, &rotated["rewrapped"], &rotated["left"]), (0, &json!(3), &json!(0)), "{engine}: {rotated}");
        let after = wrapped(&app);
        for place in 0..tables.len() {
            assert_ne!(before[place], after[place], "{engine}: {:?} is as it was", tables[place]);
        }
        assert_eq!(wraps(&app), [(2, 3), (1, 0)], "{engine}");
        app.stop();
        age_the_ring(&app);
        assert_eq!(keys(&app, &["retire", "1"]).0, 0, "{engine}");
        app.serve();

        let list = app.get("/api/v1/webhooks", &admin).send().expect(200);
        assert_eq!((&list["items"][0]["id"], &list["items"][0]["url"]), (&made["id"], &body["url"]), "{engine}");
        let rotated = app.post(&format!("/api/v1/webhooks/{}", made["id"].as_str().unwrap()), &admin);
        rotated.json(&json!({ "action": "rotate" })).send().expect(200);
        // The same secret is told again as long as it isn't confirmed.
        assert_eq!(app.post("/api/v1/me/totp", &admin).send().expect(200), told, "{engine}");
        assert_eq!(filer.open(&app, &next).status, 200, "{engine}: the filing goes on");
        assert_eq!(wraps(&app)[0].1, 3, "{engine}: nothing was begun anew");
    }
}

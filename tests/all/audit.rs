//! The audit log: what leaves an entry, who reads it, and that no change of it stays unseen.

use crate::support::server::Start;
use crate::support::{FilingBuilder, Session, TestApp, engines};
use serde_json::{Value, json};

/// `fangxin audit verify`: its exit code, and the first fault of the only chain.
#[track_caller]
fn verify(app: &TestApp) -> (i32, Value) {
    let output = app.run(&["audit", "verify", "--json"], None);
    let text = String::from_utf8_lossy(&output.stdout);
    let result: Value = serde_json::from_str(&text)
        .unwrap_or_else(|error| panic!("{text}{}: {error}", String::from_utf8_lossy(&output.stderr)));
    let chains = result["chains"].as_array().expect("chains");
    assert_eq!(chains.len(), 1, "{result}");
    (output.status.code().expect("it ended by itself"), chains[0]["first_fault"].clone())
}

#[track_caller]
fn entries(app: &TestApp, by: &Session, query: &str) -> Vec<Value> {
    app.pages(&format!("/api/v1/audit?limit=3{query}"), by)
}

/// PRV-07: edit, delete, reorder, insert, and cutting off the end are each found, and named.
#[test]
fn prv_07_the_first_changed_entry_is_named() {
    for engine in engines() {
        let app = Start::on(engine).start();
        for division in ["320000", "320100", "320102", "320115", "320500"] {
            app.supervisor(division);
        }
        // A checkpoint is written when the service ends in peace, and at the start of the next.
        app.stop();
        assert_eq!(verify(&app), (0, Value::Null), "{engine}");

        let whole = |app: &TestApp, change: &str, back: &str, fault: Value| {
            app.tamper(change);
            assert_eq!(verify(app), (1, fault), "{engine}: {change}");
            app.tamper(back);
            assert_eq!(verify(app), (0, Value::Null), "{engine}: {back}");
        };
        app.tamper("CREATE TABLE kept AS SELECT * FROM audit");
        let back = "DELETE FROM audit; INSERT INTO audit SELECT * FROM kept";
        for change in [
            "UPDATE audit SET actor = 'someone' WHERE seq = 3",
            "UPDATE audit SET data = '{}' WHERE seq = 3",
            "UPDATE audit SET kind = 'backup' WHERE seq = 3",
            "UPDATE audit SET division = 320500 WHERE seq = 3",
            "UPDATE audit SET request_id = 'x' WHERE seq = 3",
        ] {
            whole(&app, change, back, json!({ "fault": "altered", "seq": 3 }));
        }
        whole(&app, "DELETE FROM audit WHERE seq = 3", back, json!({ "fault": "deleted", "seq": 3 }));
        whole(&app, "DELETE FROM audit WHERE seq = 1", back, json!({ "fault": "deleted", "seq": 1 }));
        let swap = "UPDATE audit SET seq = 900 WHERE seq = 3; UPDATE audit SET seq = 3 WHERE seq = 4; \
                    UPDATE audit SET seq = 4 WHERE seq = 900";
        whole(&app, swap, back, json!({ "fault": "reordered", "seq": 3, "written_at": 4 }));
        // An entry between two others: the ones behind it have other numbers than they were written with.
        let insert = "UPDATE audit SET seq = seq + 1000 WHERE seq >= 4; UPDATE audit SET seq = seq - 999 WHERE seq >= 1000; \
                      INSERT INTO audit SELECT writer, 4, entry_id, at, kind, role, actor, unit, division, case_id, \
                      request_id, data, sealed, commitment, previous, hash FROM audit WHERE seq = 3";
        whole(&app, insert, back, json!({ "fault": "reordered", "seq": 4, "written_at": 3 }));

        // The end cut off, and the database's own word for the end made to agree: only the checkpoint knows.
        let last = entry_count(&app);
        let cut = "DELETE FROM audit WHERE seq > 4; CREATE TABLE kept_heads AS SELECT * FROM audit_heads; \
                   UPDATE audit_heads SET seq = 4, hash = (SELECT hash FROM audit WHERE seq = 4)";
        let back = format!("{back}; DELETE FROM audit_heads; INSERT INTO audit_heads SELECT * FROM kept_heads");
        whole(&app, cut, &back, json!({ "fault": "truncated", "seq": 5, "last": last }));

        // A checkpoint that someone else wrote, and one that is gone.
        let folder = app.data().join("checkpoints");
        let files = files_below(&folder);
        assert!(files.len() >= 2, "{engine}: {files:?}");
        let text = std::fs::read_to_string(&files[0]).unwrap();
        std::fs::write(&files[0], text.replacen("\"seq\":", "\"seq\":1", 1)).unwrap();
        assert_eq!(verify(&app).1["fault"], "checkpoint", "{engine}");
        std::fs::remove_file(&files[0]).unwrap();
        assert_eq!(verify(&app).1["fault"], "checkpoint_missing", "{engine}");
        std::fs::write(&files[0], text).unwrap();
        assert_eq!(verify(&app), (0, Value::Null), "{engine}");
    }
}

/// How many entries the log has, told by its verification.
fn entry_count(app: &TestApp) -> i64 {
    let output = app.run(&["audit", "verify", "--json"], None);
    let result: Value = serde_json::from_slice(&output.stdout).unwrap();
    result["chains"][0]["whole"].as_i64().unwrap()
}

fn files_below(folder: &std::path::Path) -> Vec<std::path::PathBuf> {
    let mut files = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    files
}

/// SEC-LG-03: each thing of consequence leaves an entry with who, when and which request.
#[test]
fn sec_lg_03_what_is_done_leaves_an_entry() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let case = FilingBuilder::complete().file(&app);
        let auditor = app.auditor("320000");
        let foreign = app.officer("amr-320102");
        let refused = app.get(&case.path(), &foreign).send();
        refused.problem(404);
        app.get("/api/v1/metrics/summary", &app.consumer(&case)).send().problem(403);
        let disabled = app.run(&["user", "disable", "--username", "officer-amr-320102"], None);
        assert!(disabled.status.success(), "{engine}");

        let all = entries(&app, &auditor, "");
        let kinds: Vec<&str> = all.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
        for kind in ["configuration_change", "user_added", "access_denied", "user_disabled"] {
            assert!(kinds.contains(&kind), "{engine}: no {kind} in {kinds:?}");
        }
        let of_officer = entries(&app, &auditor, "&kind=access_denied&actor=officer-amr-320102");
        assert_eq!(of_officer.len(), 1, "{engine}: {of_officer:?}");
        assert_eq!(of_officer[0]["request_id"], refused.header("x-request-id"), "{engine}");
        assert_eq!(of_officer[0]["data"]["route"], "/api/v1/cases/{reference}", "{engine}");
        // Newest first, each once.
        let ids: Vec<&str> = all.iter().map(|entry| entry["id"].as_str().unwrap()).collect();
        assert!(ids.is_sorted_by(|a, b| a > b), "{engine}: {ids:?}");
        // An own case's plain view leaves none.
        app.case(&case, &app.officer(&case.office()));
        let officer = format!("officer-{}", case.office());
        let of_officer = entries(&app, &auditor, &format!("&actor={officer}"));
        let kinds: Vec<&str> = of_officer.iter().map(|entry| entry["kind"].as_str().unwrap()).collect();
        assert_eq!(kinds, ["sign_in"], "{engine}");
    }
}

/// SEC-LG-03: who gets in, who doesn't, and who leaves; nothing of what was typed.
#[test]
fn sec_lg_03_signing_in_and_out_leaves_an_entry() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let case = FilingBuilder::complete().file(&app);
        let auditor = app.auditor("320000");
        app.officer("amr-320102");
        let try_in = |body: Value| app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send();
        let enter =
            || try_in(json!({"username": "officer-amr-320102", "password": "correct-horse-7-battery"})).expect(200);
        let bearer = |answer: &Value| Session {
            name: "officer".to_owned(),
            token: answer["access_token"].as_str().map(str::to_owned),
        };
        let newest = |kind: &str| entries(&app, &auditor, &format!("&kind={kind}"));

        try_in(json!({"username": "officer-amr-320102", "password": "wrong-but-long-enough"})).problem(401);
        try_in(json!({"username": "typed-my-secret-here", "password": "x"})).problem(401);
        try_in(json!({"reference": case.reference, "access_pin": "00000000"})).problem(401);
        let failed = newest("sign_in_failed");
        let told: Vec<_> =
            failed.iter().map(|entry| (entry["data"]["method"].clone(), entry["data"]["account"].clone())).collect();
        let account = json!("officer-amr-320102");
        assert_eq!(
            told,
            [(json!("pin"), Value::Null), (json!("password"), Value::Null), (json!("password"), account)],
            "{engine}"
        );
        assert_eq!(failed[0]["case"], case.reference, "{engine}: {failed:?}");
        let text = failed.iter().map(Value::to_string).collect::<String>();
        for secret in ["wrong-but-long-enough", "typed-my-secret-here", "127.0.0.1"] {
            assert!(!text.contains(secret), "{engine}: {secret} in {text}");
        }

        let (one, two, three) = (enter(), enter(), enter());
        app.consumer(&case);
        let methods: Vec<_> = newest("sign_in").iter().take(4).map(|entry| entry["data"]["method"].clone()).collect();
        assert_eq!(methods, ["pin", "password", "password", "password"], "{engine}");
        let out = |answer: &Value, body: Value| app.post("/api/v1/auth/logout", &bearer(answer)).json(&body).send();
        assert_eq!(out(&one, json!({})).status, 204);
        assert_eq!(out(&two, json!({"everywhere": true})).status, 204);
        let everywhere: Vec<_> = newest("signed_out").iter().map(|entry| entry["data"]["everywhere"].clone()).collect();
        assert_eq!(everywhere, [json!(true), json!(false)], "{engine}");
        assert_eq!(out(&three, json!({})).status, 401, "{engine}: it ended with the others");

        let four = enter();
        let renew = || {
            let body = json!({"refresh_token": four["refresh_token"]});
            app.post("/api/v1/auth/refresh", &Session::anonymous()).json(&body).send().status
        };
        assert_eq!([renew(), renew(), renew(), renew()], [200, 401, 401, 401], "{engine}");
        let reused = newest("token_reused");
        assert_eq!(reused.len(), 1, "{engine}: once, however often it is tried: {reused:?}");
        assert_eq!(reused[0]["actor"], "officer-amr-320102", "{engine}");
    }
}

/// SEC-LG-03: refusals are written down, but a flood of them doesn't fill the log.
#[test]
fn sec_lg_03_a_flood_of_refusals_is_bounded() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let (auditor, officer) = (app.auditor("320000"), app.officer("amr-320102"));
        for _ in 0..60 {
            app.get("/api/v1/audit", &officer).send().problem(403);
        }
        let denied = entries(&app, &auditor, "&kind=access_denied");
        assert!((30..40).contains(&denied.len()), "{engine}: {} entries", denied.len());
    }
}

/// Only auditors read the log, and only of their divisions.
#[test]
fn auditors_alone_read_it_within_their_divisions() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let (nanjing, suzhou) = (app.officer("amr-320102"), app.officer("amr-320505"));
        for officer in [&nanjing, &suzhou] {
            app.get("/api/v1/audit", officer).send().problem(403);
        }
        app.get("/api/v1/audit", &Session::anonymous()).send().problem(401);
        app.get("/api/v1/audit", &app.staff("admin", None, None)).send().problem(403);
        app.get("/api/v1/audit", &app.supervisor("320000")).send().problem(403);
        let of = |division: &str| {
            let denied = entries(&app, &app.auditor(division), "&kind=access_denied");
            denied.iter().map(|entry| entry["actor"].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(of("320100"), ["officer-amr-320102"], "{engine}");
        assert_eq!(of("320500"), ["officer-amr-320505"], "{engine}");
        assert_eq!(of("320000").len(), 4, "{engine}");
        for (query, pointer) in [
            ("kind=nonsense", "/kind"),
            ("from=yesterday", "/from"),
            ("limit=0", "/limit"),
            ("cursor=x", "/cursor"),
            ("case=1", "/case"),
        ] {
            let reply = app.get(&format!("/api/v1/audit?{query}"), &app.auditor("320000")).send();
            assert_eq!(reply.pointers(), [pointer], "{engine}: {query}");
        }
    }
}

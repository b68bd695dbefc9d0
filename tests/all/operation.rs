//! Running the service: limits, stopping, backup and back.

use crate::evidence::{DOCUMENT, upload};
use crate::support::filings::Case;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};
use std::io::{Read, Write};
use std::net::TcpStream;

#[test]
fn too_many_filings_from_an_address_are_told_when_to_come_again() {
    for engine in engines() {
        let limits = Start::on(engine).set("LIMITS__ENABLED", "true").set("LIMITS__FILINGS_PER_MINUTE", "3");
        let app = limits.start();
        let statuses: Vec<u16> =
            (0..5).map(|_| FilingBuilder::complaint().send(&app, &Session::anonymous()).status).collect();
        assert_eq!(statuses[..3], [201, 201, 201], "{engine}");
        let refused = FilingBuilder::complaint().send(&app, &Session::anonymous());
        refused.problem(429);
        let wait: u64 = refused.header("retry-after").parse().unwrap_or_else(|_| panic!("no Retry-After: {refused}"));
        assert!((1..=60).contains(&wait), "{refused}");
        app.get("/readyz", &Session::anonymous()).send().expect(200);
    }
}

#[test]
fn stopping_turns_readiness_red_and_answers_what_is_under_way() {
    for engine in engines() {
        let app = Start::on(engine).set("SERVER__DRAIN_SECONDS", "6").start();
        let body = FilingBuilder::complaint().json().to_string();
        let (first, last) = body.split_at(20);
        let mut under_way = TcpStream::connect(app.address()).expect("a connection");
        let head = format!(
            "POST /api/v1/cases HTTP/1.1\r\nHost: fangxin\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{first}",
            body.len()
        );
        under_way.write_all(head.as_bytes()).expect("the beginning is sent");
        app.get("/readyz", &Session::anonymous()).send().expect(200);

        app.ask_to_stop();
        // The signal takes a moment to be seen.
        let red = (0..200).find_map(|_| {
            let reply = app.get("/readyz", &Session::anonymous()).send();
            std::thread::sleep(std::time::Duration::from_millis(10));
            (reply.status == 503).then_some(reply)
        });
        let red = red.unwrap_or_else(|| panic!("{engine}: readiness stayed green"));
        assert_eq!(red.json()["causes"], json!(["draining"]), "{red}");
        assert_eq!(red.header("connection"), "close", "{red}");
        FilingBuilder::complaint().file(&app);

        under_way.write_all(last.as_bytes()).expect("the end is sent");
        let mut answer = String::new();
        under_way.read_to_string(&mut answer).expect("an answer");
        assert!(answer.starts_with("HTTP/1.1 201"), "{engine}: {answer}");
        assert_eq!(app.ended(), Some(0), "{engine}: {}", app.log_tail());
    }
}

/// Everything that staff can see of some cases: view, history with its hashes, files with their content.
fn everything(app: &TestApp, cases: &[Case]) -> Vec<Value> {
    let supervisor = app.supervisor("320000");
    let read = |path: String| app.get(&path, &supervisor).send().expect(200);
    let of = |case: &Case| {
        let files = read(format!("{}/attachments", case.path()));
        let content = files["items"].as_array().expect("items").iter().map(|file| {
            let id = file["id"].as_str().unwrap_or_else(|| panic!("{file}: no id"));
            let content = app.get(&format!("{}/attachments/{id}", case.path()), &supervisor).send();
            assert_eq!(content.status, 200, "{content}");
            content.text
        });
        json!({
            "case": read(case.path()),
            "events": read(format!("{}/events", case.path())),
            "content": content.collect::<Vec<_>>(),
            "files": files,
        })
    };
    let mut all: Vec<Value> = cases.iter().map(of).collect();
    all.push(read("/api/v1/metrics/summary?from=2026-06-01&to=2026-06-30".to_owned()));
    all.push(json!(app.pages("/api/v1/queue?limit=10&q=电动车", &supervisor)));
    all
}

/// Tables that a serving process changes by itself between two looks: the backup's own audit entry, what the sender of
/// notices and the hourly round keep, and each session's last use.
fn moves_while_serving(table: &str) -> bool {
    table.starts_with("audit") || ["outbox", "leases", "rounds", "sessions"].contains(&table)
}

/// Every row of every table as the database has it, but those of the audit log, which is written on.
fn rows(app: &TestApp) -> Vec<String> {
    let mut database = app.contents();
    let mut rows = Vec::new();
    for table in database.columns().into_keys().filter(|table| !moves_while_serving(table)) {
        rows.extend(database.rows(&table).into_iter().map(|row| format!("{table} {row}")));
    }
    rows
}

#[test]
fn a_backup_taken_while_serving_or_stopped_brings_everything_back() {
    for engine in engines() {
        let at = "2026-06-02T02:00:00Z";
        let mut app = Start::on(engine).at(at).start();
        let cases: Vec<Case> =
            (0..3).map(|n| FilingBuilder::complete().phone(&format!("1380013820{n}")).file(&app)).collect();
        let officer = app.officer(&cases[0].office());
        app.step(&cases[0], &officer, "accept", &json!({}), "accepted");
        app.step(&cases[1], &officer, "note", &json!({ "text": "已联系商家" }), "dispatched");
        let consumer = app.consumer(&cases[2]);
        upload(&app, &cases[2], &consumer, "file", "发票.pdf", DOCUMENT).send().expect(201);
        let before = everything(&app, &cases);
        assert!(before[2]["content"][0] == DOCUMENT, "{}", before[2]);
        for serving in [true, false] {
            let folder = tempfile::tempdir().unwrap();
            let (to, keys) = (folder.path().join("backup"), folder.path().join("keys"));
            let (to, keys) = (to.to_str().unwrap(), keys.to_str().unwrap());
            if !serving {
                app.ask_to_stop();
                assert_eq!(app.ended(), Some(0), "{engine}");
            }
            let stored = rows(&app);
            assert!(stored.iter().filter(|row| row.starts_with("attachments ")).count() == 1, "{engine}: {stored:?}");
            let made = app.run(&["backup", to, "--with-keys", keys, "--json"], None);
            assert!(made.status.success(), "{engine}, serving {serving}: {}", String::from_utf8_lossy(&made.stderr));
            if !serving {
                app.serve();
            }
            let mut copy = Start::on(engine).at(at).prepare();
            let restored = copy.run(&["restore", to, "--keys", keys, "--json"], None);
            let told = String::from_utf8_lossy(&restored.stderr).into_owned();
            assert!(restored.status.success(), "{engine}, serving {serving}: {told}");
            assert_eq!(rows(&copy), stored, "{engine}, serving {serving}: another row");
            copy.accounts.lock().unwrap().extend(app.accounts.lock().unwrap().iter().cloned());
            copy.serve();
            assert_eq!(everything(&copy, &cases), before, "{engine}, serving {serving}");
            let counted = copy.run(&["recount", "--json"], None);
            assert!(counted.status.success(), "{engine}: {}", String::from_utf8_lossy(&counted.stdout));

            // A backup that was altered isn't taken.
            let name = std::path::Path::new(to).join("manifest.json");
            let altered = std::fs::read_to_string(&name).unwrap().replacen("\"size\"", "\"size\" ", 1);
            std::fs::write(&name, altered).unwrap();
            let refused = Start::on(engine).prepare().run(&["restore", to, "--keys", keys], None);
            assert_eq!(refused.status.code(), Some(1), "{engine}: an altered backup was restored");
        }
    }
}

//! Hostile input at the front door (security.md 2.3): the ids stand in the names.

use crate::evidence::upload;
use crate::support::raw::{Raw, status};
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use serde_json::json;
use std::io::Write as _;
use std::time::Duration;

const JSON: &str = "application/json";

/// The service goes on.
#[track_caller]
fn alive(app: &TestApp) {
    app.get("/healthz", &Session::anonymous()).send().expect(200);
    FilingBuilder::complaint().file(app);
}

/// Paths that take JSON, and who may send it.
fn doors(app: &TestApp) -> Vec<(String, Session)> {
    let case = FilingBuilder::complete().file(app);
    let officer = app.officer(&case.office());
    let mut doors: Vec<(String, Session)> = ["cases", "classify", "route", "auth/token", "auth/refresh"]
        .map(|path| (format!("/api/v1/{path}"), Session::anonymous()))
        .to_vec();
    doors.push((format!("{}/transitions", case.path()), officer.clone()));
    doors.push((format!("{}/unmask", case.path()), officer));
    doors
}

#[test]
fn sec_in_01_json_that_is_too_deep_or_too_wide_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let deep = format!("{{\"narrative\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let objects = format!("{}1{}", "{\"a\":".repeat(100_000), "}".repeat(100_000));
    let keys: Vec<String> = (0..60_000).map(|n| format!("\"k{n}\":1")).collect();
    let wide = format!("{{{}}}", keys.join(","));
    for (path, by) in doors(&app) {
        for body in [&deep, &objects, &wide] {
            // Shorter than a body may be: it is its depth or width that is refused.
            assert!(body.len() < 1 << 20);
            let refused = app.post(&path, &by).header("If-Match", "\"1\"").body(JSON, body.as_str()).send();
            assert_eq!(refused.problem(400)["code"], "malformed_json", "{refused}");
        }
        // What is just within the limit is read.
        let within = format!("{{\"zz\":{}1{}}}", "[".repeat(31), "]".repeat(31));
        let read = app.post(&path, &by).header("If-Match", "\"1\"").body(JSON, within).send();
        assert_eq!(read.status, 422, "{read}");
    }
    alive(&app);
}

#[test]
fn sec_in_02_a_body_over_the_limit_is_refused_before_it_is_read() {
    let app = Start::on(Engine::Sqlite).set("SERVER__MAX_JSON_BYTES", "2048").start();
    let large = format!("{{\"text\":\"{}\"}}", "长".repeat(4096));
    app.post("/api/v1/classify", &Session::anonymous()).body(JSON, large).send().problem(413);
    let head = "POST /api/v1/classify HTTP/1.1\r\nHost: fangxin\r\nContent-Type: application/json\r\n";
    // It says how long it will be: nothing of it is waited for.
    let mut declared = Raw::to(&app);
    declared.send(format!("{head}Content-Length: 1000000000\r\n\r\n{{"));
    assert_eq!(status(&declared.answer()), 413);
    // It doesn't say, and has no end.
    let mut endless = Raw::to(&app);
    endless.send(format!("{head}Transfer-Encoding: chunked\r\n\r\n"));
    let chunk = format!("400\r\n{}\r\n", " ".repeat(1024));
    let _ = (0..10_000).take_while(|_| endless.send(&chunk)).count();
    // Cut off in the middle, the answer may be lost with the connection.
    assert!(matches!(status(&endless.answer()), 0 | 413));
    // It is shorter than it says.
    let mut short = Raw::to(&app);
    short.send(format!("{head}Content-Length: 100\r\n\r\n{{\"text\":\"a\"}}"));
    drop(short);
    alive(&app);
}

#[test]
fn sec_in_04_rare_characters_are_kept_exactly() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let narrative = "𠮷野家买的 👨‍👩‍👧 a\u{b01}i café 套餐，z̸̢a̶͜l̵g̷o，付款后店家不退";
        let case = FilingBuilder::complete().narrative(narrative).named("𠮷欢").file(&app);
        let seen = app.case(&case, &app.consumer(&case));
        assert_eq!(seen["narrative"], narrative, "{engine}");
        let complainant =
            seen["parties"].as_array().and_then(|all| all.iter().find(|one| one["role"] == "complainant"));
        assert_eq!(complainant.map(|one| &one["name"]), Some(&json!("𠮷欢")), "{engine}: {seen}");
        let officer = app.officer(&case.office());
        // A word is found as it stands, on both engines alike, whatever SQLite's tokeniser makes of it.
        for (words, found) in [("套餐", 1), ("𠮷野家", 1), ("a\u{b01}i", 1), ("café", 1), ("cafe", 0), ("i", 0)]
        {
            let listed = app.pages(&format!("/api/v1/queue?limit=5&q={words}"), &officer);
            assert_eq!(listed.len(), found, "{engine}: {words}");
        }
    }
}

#[test]
fn sec_in_10_what_can_be_read_in_two_ways_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let body = "{\"text\":\"电动车电池坏了\"}";
    let length = body.len();
    let line =
        "POST /api/v1/classify HTTP/1.1\r\nHost: fangxin\r\nContent-Type: application/json\r\nConnection: close\r\n";
    let mut good = Raw::to(&app);
    good.send(format!("{line}Content-Length: {length}\r\n\r\n{body}"));
    assert_eq!(status(&good.answer()), 200, "a request of this form is taken");
    let smuggled = "GET /smuggled HTTP/1.1\r\nHost: fangxin\r\n\r\n";
    for (what, request) in [
        (
            "both lengths",
            format!("{line}Content-Length: {length}\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n{smuggled}"),
        ),
        ("two lengths", format!("{line}Content-Length: {length}\r\nContent-Length: 5\r\n\r\n{body}")),
        ("a space", format!("{line}Content-Length : {length}\r\n\r\n{body}")),
        ("a sign", format!("{line}Content-Length: +{length}\r\n\r\n{body}")),
        ("an unknown coding", format!("{line}Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n")),
        ("NUL", format!("{line}X-A: a\0b\r\nContent-Length: {length}\r\n\r\n{body}")),
        ("a bare CR", format!("{line}X-A: a\rb\r\nContent-Length: {length}\r\n\r\n{body}")),
        ("64 kB", format!("{line}X-A: {}\r\nContent-Length: {length}\r\n\r\n{body}", "a".repeat(200_000))),
        ("no version", format!("POST /api/v1/classify\r\nContent-Length: {length}\r\n\r\n{body}")),
    ] {
        let mut raw = Raw::to(&app);
        raw.send(request);
        let answer = raw.answer();
        assert!(matches!(status(&answer), 0 | 400 | 413 | 431), "{what}: {answer}");
        assert_eq!(answer.matches("HTTP/1.1 ").count().max(1), 1, "{what}: answered twice: {answer}");
    }
    alive(&app);
}

#[test]
fn sec_in_11_who_sends_drop_by_drop_is_cut_off_and_nobody_else_waits() {
    let limits = Start::on(Engine::Sqlite).set("SERVER__HEADER_TIMEOUT_SECONDS", "1");
    let app = limits.set("SERVER__BODY_TIMEOUT_SECONDS", "1").start();
    let case = FilingBuilder::complete().file(&app);
    let token = app.consumer(&case).token.expect("a token");
    let post = |path: &str, kind: &str| {
        format!("POST {path} HTTP/1.1\r\nHost: fangxin\r\nContent-Type: {kind}\r\nAuthorization: Bearer {token}\r\n")
    };
    let form = "multipart/form-data; boundary=edge";
    let heads = [
        ("the head", String::new(), post("/api/v1/cases", JSON)),
        ("a body", format!("{}Content-Length: 4000\r\n\r\n", post("/api/v1/classify", JSON)), " ".repeat(4000)),
        (
            "chunks",
            format!("{}Transfer-Encoding: chunked\r\n\r\n", post("/api/v1/classify", JSON)),
            "1\r\n \r\n".repeat(700),
        ),
        (
            "an upload",
            format!("{}Content-Length: 4000\r\n\r\n", post(&format!("{}/attachments", case.path()), form)),
            format!("--edge\r\nContent-Disposition: form-data; name=\"file\"\r\n\r\n{}", " ".repeat(4000)),
        ),
    ];
    let idle: Vec<Raw> = (0..100).map(|_| Raw::to(&app)).collect();
    std::thread::scope(|scope| {
        let drips: Vec<_> = heads
            .iter()
            .map(|(what, at_once, slowly)| {
                let mut raw = Raw::to(&app);
                assert!(raw.send(at_once), "{what}");
                // Half a minute of drops, thirty times the limits: whoever is never cut off has sent them all by then.
                let drops: Vec<u8> = slowly.bytes().cycle().take(300).collect();
                (what, scope.spawn(move || raw.drip(&drops, Duration::from_millis(100))))
            })
            .collect();
        // While they drip, others are answered.
        assert!(drips.iter().any(|(_, drip)| !drip.is_finished()));
        alive(&app);
        for (what, drip) in drips {
            let answer = drip.join().unwrap_or_else(|_| panic!("{what}: never cut off"));
            assert!(matches!(status(&answer), 0 | 408), "{what}: {answer}");
        }
    });
    drop(idle);
    alive(&app);
}

#[test]
fn sec_in_12_compressed_bodies_are_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let consumer = app.consumer(&case);
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::best());
    gzip.write_all(&vec![b' '; 8 << 20]).and_then(|()| gzip.write_all(b"{\"text\":\"x\"}")).unwrap();
    let bomb = gzip.finish().unwrap();
    for encoding in ["gzip", "GZIP", "deflate", "br", "zstd", "x-gzip", "identity, gzip", "gzip, identity", "unknown"] {
        for path in ["/api/v1/cases", "/api/v1/classify", "/api/v1/auth/token"] {
            let call = app.post(path, &Session::anonymous()).header("Content-Encoding", encoding);
            let refused = call.body(JSON, bomb.clone()).send();
            assert_eq!(refused.problem(415)["code"], "unsupported_encoding", "{refused}");
        }
        let sent = upload(&app, &case, &consumer, "file", "a.pdf", "%PDF-1.4").header("Content-Encoding", encoding);
        assert_eq!(sent.send().problem(415)["code"], "unsupported_encoding", "{encoding}");
    }
    let plain = app.post("/api/v1/classify", &Session::anonymous()).header("Content-Encoding", "identity");
    plain.json(&json!({ "text": "电动车电池坏了" })).send().expect(200);
}

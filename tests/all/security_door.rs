//! Hostile input at the front door (security.md 2.3): the ids stand in the names.

use crate::evidence::upload;
use crate::support::raw::{Raw, status};
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use serde_json::{Value, json};
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
    let keys: Vec<String> = (0..100_000).map(|n| format!("\"k{n}\":1")).collect();
    let wide = format!("{{{}}}", keys.join(","));
    for (path, by) in doors(&app) {
        for body in [&deep, &objects, &wide] {
            let refused = app.post(&path, &by).header("If-Match", "\"1\"").body(JSON, body.as_str()).send();
            assert!(matches!(refused.status, 400 | 413), "{refused}");
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
fn sec_in_03_what_no_database_keeps_is_refused_by_both_alike() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let filing = |narrative: &str| {
            let body = FilingBuilder::complaint().json().to_string();
            body.replace("双十一在某平台买的电动车电池三天就坏，店家不退", narrative)
        };
        let send = |body: Vec<u8>| app.post("/api/v1/cases", &Session::anonymous()).body(JSON, body).send();
        for text in ["坏了\\ud800", "坏了\\udc00\\ud800", "坏了\\u0000"] {
            assert_eq!(send(filing(text).into_bytes()).status, 422, "{engine}: {text}");
        }
        for bytes in [&b"\xff\xfe"[..], b"\xc0\xaf", b"\xed\xa0\x80", b"\0"] {
            let mut body = b"{\"kind\":\"complaint\",\"narrative\":\"".to_vec();
            body.extend_from_slice(bytes);
            body.extend_from_slice(b"\"}");
            assert_eq!(send(body).status, 400, "{engine}: {bytes:?}");
        }
        for (number, refused) in [("1e400", 400), ("99999999999999999999", 422), ("-1", 422), ("1.5", 422)] {
            let body = filing("坏了不退").replace("\"2680.00\"", number);
            assert_eq!(send(body.into_bytes()).status, refused, "{engine}: {number}");
        }
        alive(&app);
    }
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
fn sec_in_05_what_is_not_plain_json_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let body = FilingBuilder::complaint().json().to_string();
    let send = |kind: &str, body: String| app.post("/api/v1/cases", &Session::anonymous()).body(kind, body).send();
    for kind in
        ["text/plain", "application/x-www-form-urlencoded", "application/json; charset=gbk", "application/jsonx"]
    {
        send(kind, body.clone()).problem(415);
    }
    for wrong in [
        body.replacen('{', "{\"kind\":\"report\",", 1),
        format!("{body}{{}}"),
        format!("{body},"),
        format!("\u{feff}{body}"),
        body.replace('"', "'"),
        String::new(),
    ] {
        send(JSON, wrong).problem(400);
    }
    send("application/json; charset=UTF-8", body).expect(201);
}

/// Words that mean something to SQL, FTS5, tsquery or LIKE.
const SEARCHES: &[&str] = &[
    "'",
    "''",
    "\"",
    "\"\"",
    "\\",
    "%",
    "_",
    "*",
    "(",
    ")",
    "()",
    "^",
    "~",
    ":",
    "-",
    "+",
    "|",
    "&",
    "!",
    "<->",
    "<2>",
    "a'b",
    "a\"b",
    "' OR '1'='1",
    "' OR 1=1 --",
    "'; DROP TABLE cases; --",
    "\"; DELETE FROM cases; --",
    "1; SELECT 1",
    "UNION SELECT 1",
    "x' UNION SELECT * FROM users --",
    "NEAR(",
    "NEAR(a b, 2)",
    "a NEAR b",
    "a AND",
    "OR",
    "NOT",
    "NOT a",
    "a OR OR b",
    "narrative:a",
    "{narrative}:a",
    "-narrative:a",
    "^a",
    "a*",
    "\"a",
    "a\"",
    "a & b",
    "a | !b",
    "a <-> b",
    ":*",
    "a:*",
    "a:ABCD",
    "'a':*B",
    "\\'",
    "$1",
    "$$",
    "?",
    "?1",
    ":x",
    "@x",
    "E'\\x27'",
    "0x27",
    "/*",
    "*/",
    "--",
    "%00",
    "\u{202e}电动车",
    "电动车\u{200b}",
    "ﬀ",
    "Ａ",
    "1=1",
    "pg_sleep(5)",
    "randomblob(1000000000)",
    "电动车 OR",
];

#[test]
fn sec_in_07_no_search_reaches_the_database_as_code() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        FilingBuilder::complete().narrative("买的衣服掉色，店家不退").merchant("另一商店").file(&app);
        let officer = app.officer(&case.office());
        let search = |words: &str| {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", words).finish();
            app.get(&format!("/api/v1/queue?{query}"), &officer).send()
        };
        for words in SEARCHES {
            let reply = search(words);
            assert!(matches!(reply.status, 200 | 422), "{engine}: {words}: {reply}");
            if reply.status == 200 {
                let found = reply.json()["items"].as_array().map_or(0, Vec::len);
                let expected = usize::from(words.contains("电动车"));
                assert!(found <= expected, "{engine}: {words} finds {found}");
            }
        }
        assert_eq!(search("电动车").json()["items"].as_array().map(Vec::len), Some(1), "{engine}");
        for field in ["sector", "state", "kind", "assigned_to", "due_before", "sort", "cursor", "overdue", "lang"] {
            for words in ["' OR '1'='1", "'; DROP TABLE cases; --", "\\", "%00"] {
                let query: String =
                    url::form_urlencoded::Serializer::new(String::new()).append_pair(field, words).finish();
                let reply = app.get(&format!("/api/v1/queue?{query}"), &officer).send();
                assert!(matches!(reply.status, 200 | 422), "{engine}: {field}={words}: {reply}");
            }
        }
        alive(&app);
    }
}

#[test]
fn sec_in_09_pages_have_a_largest_size_and_cursors_are_checked() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let officer = app.officer(&case.office());
    for query in [
        "limit=-1",
        "limit=0",
        "limit=1000000000",
        "limit=9223372036854775808",
        "limit=1.5",
        "limit=",
        "sort=password_hash",
        "sort=received;DROP",
        "cursor=AAAA",
        "cursor=Yw",
        "cursor=%00",
        "unknown=1",
    ] {
        let reply = app.get(&format!("/api/v1/queue?{query}"), &officer).send();
        assert!(matches!(reply.status, 400 | 422), "{reply}");
    }
    for path in ["offices", "divisions", "sectors"] {
        app.get(&format!("/api/v1/{path}?limit=1001"), &Session::anonymous()).send().problem(422);
        app.get(&format!("/api/v1/{path}?cursor=AAAA"), &Session::anonymous()).send().problem(422);
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
                (what, scope.spawn(move || raw.drip(&slowly.as_bytes().repeat(20), Duration::from_millis(100))))
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

#[test]
fn sec_in_13_no_path_leads_out_of_the_assets() {
    let app = TestApp::start(Engine::Sqlite);
    for below in ["/assets/", "/docs/", "/api/v1/cases/", "/setup/", "/"] {
        for way in [
            "../../etc/passwd",
            "..%2f..%2fetc%2fpasswd",
            "%2e%2e/%2e%2e/etc/passwd",
            "%2e%2e%2fetc%2fpasswd",
            "..%5c..%5cetc%5cpasswd",
            "..\\..\\etc\\passwd",
            "....//....//etc/passwd",
            "%252e%252e%252fetc%252fpasswd",
            "..%c0%afetc/passwd",
            "..;/etc/passwd",
            "%00",
            "a%00.css",
            "/etc/passwd",
            "file:///etc/passwd",
            "fangxin.db",
        ] {
            let mut raw = Raw::to(&app);
            raw.send(format!("GET {below}{way} HTTP/1.1\r\nHost: fangxin\r\nConnection: close\r\n\r\n"));
            let answer = raw.answer();
            assert!(matches!(status(&answer), 400 | 401 | 404), "{below}{way}: {answer}");
            assert!(!answer.contains("root:"), "{below}{way}: {answer}");
        }
    }
    alive(&app);
}

#[test]
fn sec_in_14_a_parameter_given_twice_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let officer = app.officer("amr-320115");
    for (path, by) in [
        ("/api/v1/queue?state=dispatched&state=accepted", &officer),
        ("/api/v1/queue?limit=5&%6cimit=6", &officer),
        ("/api/v1/metrics/summary?from=2026-01-01&from=2026-02-01", &officer),
        ("/api/v1/offices?division=320100&division=320200", &Session::anonymous()),
    ] {
        let refused = app.get(path, by).send();
        assert_eq!(refused.problem(400)["code"], "duplicate_parameter", "{refused}");
    }
    let sent: Value =
        app.post("/api/v1/classify?text=b", &Session::anonymous()).json(&json!({ "text": "a" })).send().json();
    assert_ne!(sent["status"], 500, "{sent}");
}

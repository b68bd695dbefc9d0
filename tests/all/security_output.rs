//! What goes out of the front door, and who counts as who (security.md 2.2, 2.4, 2.5): the ids stand in the names.

use crate::support::client::Reply;
use crate::support::raw::{Raw, status};
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::json;
use sha2::{Digest as _, Sha256};
use std::sync::atomic::{AtomicUsize, Ordering};

const HEADERS: &[(&str, &str)] = &[
    ("x-content-type-options", "nosniff"),
    ("referrer-policy", "no-referrer"),
    ("strict-transport-security", "max-age=31536000; includeSubDomains"),
    ("cross-origin-opener-policy", "same-origin"),
    ("cross-origin-resource-policy", "same-origin"),
];

#[test]
fn sec_ou_01_every_answer_carries_the_headers_that_protect_browsers() {
    let app = TestApp::start(Engine::Sqlite);
    let nobody = Session::anonymous();
    let mut answers = Vec::new();
    for (path, methods) in fangxin::http::routes::ROUTES {
        let at =
            path.replace("{file}", "none").replace("{token}", "none").replace("{reference}", "JS-20260602-0000000-0");
        let at = at.replace("{id}", "none").replace("{no}", "none");
        answers.push(app.get(&at, &nobody).send());
        if methods.contains(&"post") {
            answers.push(app.post(&at, &nobody).json(&json!({})).send());
        }
        answers.push(app.client.delete(&at, &nobody).send());
    }
    answers.push(app.get("/none", &nobody).send());
    answers.push(app.get("/api/v1/queue?limit=%ff", &app.officer("amr-320115")).send());
    answers.push(app.get("/none", &nobody).header("Accept", "text/html").send());
    answers.push(app.post("/api/v1/cases", &nobody).body("application/json", "{").send());
    answers.push(app.post("/api/v1/cases", &nobody).body("text/plain", "{").send());
    assert!(answers.iter().any(|answer| answer.status == 200) && answers.iter().any(|answer| answer.status == 404));
    for answer in &answers {
        for (name, value) in HEADERS {
            assert_eq!(answer.header(name), *value, "{name}: {answer}");
        }
        let policy = answer.header("content-security-policy");
        for part in ["default-src 'none'", "base-uri 'none'", "frame-ancestors 'none'"] {
            assert!(policy.contains(part), "{policy}: {answer}");
        }
        let scripts = policy.split(';').find(|part| part.trim().starts_with("script-src")).unwrap_or_default();
        assert!(!scripts.contains("unsafe"), "{policy}: {answer}");
        for leak in ["server", "x-powered-by", "access-control-allow-origin"] {
            assert_eq!(answer.header(leak), "", "{leak}: {answer}");
        }
        assert!(answer.status < 500, "{answer}");
        assert!(!answer.header("x-request-id").is_empty(), "{answer}");
    }
}

#[test]
fn sec_ou_02_no_other_site_reads_our_answers_unless_the_operator_names_it() {
    const FRIEND: &str = "https://portal.example.cn";
    let closed = TestApp::start(Engine::Sqlite);
    let open = Start::on(Engine::Sqlite).set("SERVER__CORS_ORIGINS", FRIEND).start();
    let nobody = Session::anonymous();
    let origins =
        ["https://evil.example", "null", "https://portal.example.cn.evil.example", "http://portal.example.cn"];
    for (app, origins) in [(&closed, &[&origins[..], &[FRIEND]].concat()), (&open, &origins.to_vec())] {
        for origin in origins {
            for path in ["/api/v1/sectors", "/openapi.json", "/", "/healthz", "/none", "/api/v1/queue"] {
                let answer = app.get(path, &nobody).header("Origin", origin).send();
                let told = answer.headers.keys().filter(|name| name.as_str().starts_with("access-control-"));
                assert_eq!(told.count(), 0, "{origin}: {answer}");
            }
            let mut raw = Raw::to(app);
            raw.send(format!(
                "OPTIONS /api/v1/cases HTTP/1.1\r\nHost: fangxin\r\nOrigin: {origin}\r\nConnection: close\r\n\
                 Access-Control-Request-Method: POST\r\n\r\n"
            ));
            let answer = raw.answer().to_lowercase();
            assert_eq!((status(&answer), answer.contains("access-control-")), (405, false), "{origin}: {answer}");
        }
    }
    for path in ["/api/v1/sectors", "/api/v1/queue", "/api/v1/none", "/openapi.json"] {
        let answer = open.get(path, &nobody).header("Origin", FRIEND).send();
        assert_eq!(answer.header("access-control-allow-origin"), FRIEND, "{answer}");
        assert_eq!(answer.header("access-control-allow-credentials"), "", "{answer}");
        assert!(answer.header("access-control-expose-headers").contains("etag"), "{answer}");
    }
    // Pages are nobody's to read, and a cache keeps origins apart.
    assert_eq!(open.get("/", &nobody).header("Origin", FRIEND).send().header("access-control-allow-origin"), "");
    let varies = |answer: Reply| {
        answer.headers.get_all("vary").iter().any(|value| value.to_str().is_ok_and(|value| value.contains("Origin")))
    };
    assert!(varies(open.get("/api/v1/sectors", &nobody).send()));
    let mut raw = Raw::to(&open);
    raw.send(format!(
        "OPTIONS /api/v1/cases HTTP/1.1\r\nHost: fangxin\r\nOrigin: {FRIEND}\r\nConnection: close\r\n\
         Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: content-type\r\n\r\n"
    ));
    let answer = raw.answer().to_lowercase();
    assert_eq!(status(&answer), 204, "{answer}");
    for line in [
        "access-control-allow-origin: https://portal.example.cn\r\n",
        "access-control-allow-methods: get, post, delete\r\n",
        "x-content-type-options: nosniff\r\n",
    ] {
        assert!(answer.contains(line), "{line}: {answer}");
    }
    // What is no origin stops the start, and says so.
    for wrong in ["*", "portal.example.cn", "https://portal.example.cn/", "https://Portal.example.cn", "null"] {
        let app = Start::on(Engine::Sqlite).set("SERVER__CORS_ORIGINS", wrong).prepare();
        let end = app.run(&["config", "check"], None);
        let told = String::from_utf8_lossy(&end.stderr).into_owned();
        assert_eq!(end.status.code(), Some(78), "{wrong}: {told}");
        assert!(told.contains("SERVER__CORS_ORIGINS") && told.contains(wrong), "{wrong}: {told}");
    }
}

/// What a caller may never read in an answer: words of the engines, of the program, of the machine.
const INSIDE: &[&str] = &[
    "sqlite",
    "postgres",
    "syntax error",
    "fts5",
    "diesel",
    "panicked",
    "stack",
    "src/",
    ".rs:",
    "select ",
    "near \"",
];

#[track_caller]
pub(crate) fn tells_nothing_of_the_inside(reply: &Reply) {
    let text = reply.text.to_lowercase();
    let told: Vec<_> = INSIDE.iter().filter(|word| text.contains(**word)).collect();
    assert!(told.is_empty(), "{told:?}: {reply}");
}

/// SEC-OU-05: an error has its shape and its request's id, and nothing of the inside; what a caller names a request is its own.
#[test]
fn sec_ou_05_errors_have_one_shape_and_tell_nothing_of_the_inside() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let (anyone, officer) = (Session::anonymous(), app.officer("amr-320115"));
        let hostile = [
            "00000000-is-mine-please",
            "<script>alert(1)</script>",
            "a b",
            "\"},{",
            &"x".repeat(5000),
            "../../etc/passwd",
            "%0d%0aSet-Cookie:a=b",
        ];
        for id in hostile {
            let reply = app.get("/api/v1/nothing", &anyone).header("x-request-id", id).send();
            let problem = reply.problem(404);
            let told = problem["request_id"].as_str().unwrap_or_default().to_owned();
            assert!(!told.is_empty() && told != id && told == reply.header("x-request-id"), "{engine}: {reply}");
        }
        // No client would send it.
        let escape = "x\u{1b}[31m-log-line";
        let mut raw = Raw::to(&app);
        raw.send(format!("GET /none HTTP/1.1\r\nHost: fangxin\r\nX-Request-Id: {escape}\r\nConnection: close\r\n\r\n"));
        assert!(!raw.answer().contains(escape), "{engine}");
        for reply in [
            app.get("/api/v1/queue?limit=x", &officer).send(),
            app.get("/api/v1/queue?cursor='", &officer).send(),
            app.get("/api/v1/metrics/summary?from=x", &officer).send(),
            app.get("/api/v1/cases/x", &officer).send(),
            app.get("/api/v1/cases/JS-1", &officer).send(),
            app.get("/none", &officer).send(),
            app.post("/api/v1/cases", &anyone).body("application/json", "{").send(),
            app.post("/api/v1/auth/token", &anyone).json(&json!({ "username": "a", "password": "b" })).send(),
            app.get("/api/v1/queue", &anyone).send(),
        ] {
            let problem = reply.problem(reply.status);
            assert!((400..500).contains(&reply.status), "{engine}: {reply}");
            for part in ["type", "title", "status", "code", "detail", "request_id"] {
                assert!(problem.get(part).is_some(), "{engine}: no {part}: {reply}");
            }
            assert_eq!(problem["request_id"], reply.header("x-request-id"), "{engine}: {reply}");
            tells_nothing_of_the_inside(&reply);
        }
    }
}

/// SEC-OU-06: what is personal is kept by no cache, and every text says its encoding.
#[test]
fn sec_ou_06_what_is_personal_is_kept_by_no_cache() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        let (officer, consumer, anyone) = (app.officer(&case.office()), app.consumer(&case), Session::anonymous());
        let signed = json!({ "reference": case.reference, "access_pin": case.pin });
        let token = app.post("/api/v1/auth/token", &anyone).json(&signed).send();
        let _ = token.expect(200);
        let mut replies = vec![token];
        for (path, by) in [
            (case.path(), &consumer),
            (case.path(), &officer),
            (case.path(), &anyone),
            (format!("{}/events", case.path()), &officer),
            (format!("{}/attachments", case.path()), &consumer),
            ("/api/v1/queue".to_owned(), &officer),
            ("/api/v1/me".to_owned(), &officer),
            ("/api/v1/nothing".to_owned(), &officer),
        ] {
            replies.push(app.get(&path, by).send());
        }
        for reply in replies {
            assert_eq!(reply.header("cache-control"), "no-store", "{engine}: {reply}");
            assert_eq!(reply.header("x-content-type-options"), "nosniff", "{engine}: {reply}");
        }
        let page = app.get("/", &anyone).header("accept", "text/html").send();
        assert_eq!(page.header("content-type"), "text/html; charset=utf-8", "{engine}");
    }
}

/// SEC-OU-10: nothing of the inside is served.
#[test]
fn sec_ou_10_nothing_of_the_inside_is_served() {
    for engine in engines() {
        let app = TestApp::start(engine);
        for path in [
            "/metrics",
            "/.git/HEAD",
            "/.git/config",
            "/.env",
            "/config/default.toml",
            "/keys",
            "/data/",
            "/fangxin.db",
            "/debug",
            "/actuator",
            "/server-status",
        ] {
            app.get(path, &Session::anonymous()).send().problem(404);
        }
    }
}

#[test]
fn sec_au_05_who_forwards_is_believed_only_when_the_operator_says_so() {
    let limited = || {
        let start = Start::on(Engine::Sqlite).set("LIMITS__ENABLED", "true").set("LIMITS__REQUESTS_PER_MINUTE", "200");
        start.set("LIMITS__FILINGS_PER_MINUTE", "3")
    };
    let file = |app: &TestApp, forwarded: &str| {
        let call = app.post("/api/v1/cases", &Session::anonymous()).header("X-Forwarded-For", forwarded);
        call.header("Forwarded", "for=198.51.100.9")
            .header("X-Real-IP", "198.51.100.10")
            .json(FilingBuilder::complaint().json())
            .send()
            .status
    };
    // Nobody is trusted: another address each time changes nothing.
    let app = limited().start();
    let statuses: Vec<u16> = (0..5).map(|n| file(&app, &format!("203.0.113.{n}"))).collect();
    assert_eq!(statuses, [201, 201, 201, 429, 429]);
    // The proxy before us is: each client has its own limit, and what a client writes itself isn't believed.
    let app = limited().set("LIMITS__TRUSTED_PROXIES", "127.0.0.1").start();
    let statuses: Vec<u16> = (0..5).map(|n| file(&app, &format!("198.51.100.{n}, 203.0.113.7"))).collect();
    assert_eq!(statuses, [201, 201, 201, 429, 429]);
    assert_eq!(file(&app, "203.0.113.7, 203.0.113.8"), 201, "another client");
    // An IPv6 client has a network of its own to write from: it counts as one.
    let statuses: Vec<u16> = (0..5).map(|n| file(&app, &format!("2001:db8:1:2::{n}"))).collect();
    assert_eq!(statuses, [201, 201, 201, 429, 429]);
}

#[test]
fn sec_au_09_a_flood_of_sign_ins_leaves_others_an_answer() {
    let app = TestApp::start(Engine::Sqlite);
    app.officer("amr-320115");
    let (pending, hashed) = (AtomicUsize::new(120), AtomicUsize::new(0));
    let wrong = json!({ "username": "officer-amr-320115", "password": "not-this-one-either-9" });
    std::thread::scope(|scope| {
        let flood: Vec<_> = (0..120)
            .map(|_| {
                scope.spawn(|| {
                    let status = app.post("/api/v1/auth/token", &Session::anonymous()).json(&wrong).send().status;
                    // Whoever is turned away at once has no password hashed.
                    hashed.fetch_add(usize::from(status != 503), Ordering::SeqCst);
                    pending.fetch_sub(1, Ordering::SeqCst);
                    status
                })
            })
            .collect();
        let (mut during, mut longest) = (0, 0);
        while pending.load(Ordering::SeqCst) > 0 {
            let before = hashed.load(Ordering::SeqCst);
            app.get("/healthz", &Session::anonymous()).send().expect(200);
            longest = longest.max(hashed.load(Ordering::SeqCst) - before);
            // It was answered while sign-ins were still waiting.
            during += usize::from(pending.load(Ordering::SeqCst) > 0);
        }
        assert!(during >= 3, "healthz was answered {during} times while sign-ins were pending");
        assert!(longest <= 20, "healthz waited for {longest} passwords to be hashed");
        for status in flood {
            let status = status.join().expect("an answer");
            assert!(matches!(status, 401 | 429 | 503), "{status}");
        }
    });
}

/// Staff of an office share an address: they aren't counted by it, whether they show a token or a cookie.
#[test]
fn staff_are_not_counted_by_their_address() {
    for engine in engines() {
        let start = Start::on(engine).set("LIMITS__ENABLED", "true").set("LIMITS__REQUESTS_PER_MINUTE", "30");
        let mut app = start.start();
        let officer = app.officer("amr-320115");
        // A cookie as a page would have given it: the session is turned into one of a cookie past the service.
        app.stop();
        let secret = [7_u8; 32];
        let hash: String = Sha256::digest(secret).iter().map(|byte| format!("{byte:02x}")).collect();
        let (id, blob) = match engine {
            Engine::Sqlite => ("lower(hex(session_id))", format!("X'{hash}'")),
            Engine::Postgres => ("replace(session_id::text, '-', '')", format!("'\\x{hash}'")),
        };
        let session = app.contents().lines(&format!("SELECT {id} AS line FROM sessions")).pop().expect("a session");
        app.tamper(&format!("UPDATE sessions SET carrier = 'cookie', secret_hash = {blob}"));
        app.serve();
        let id: Vec<u8> = (0..16).map(|n| u8::from_str_radix(&session[2 * n..2 * n + 2], 16).unwrap()).collect();
        let cookie = format!("fangxin={}", URL_SAFE_NO_PAD.encode([&id[..], &secret].concat()));
        assert_eq!(
            app.get("/api/v1/me", &officer).send().status,
            401,
            "{engine}: the token's session is a cookie's now"
        );
        let by_cookie =
            |cookie: &str| app.get("/api/v1/me", &Session::anonymous()).header("Cookie", cookie).send().status;
        let statuses: Vec<u16> = (0..60).map(|_| by_cookie(&cookie)).collect();
        assert_eq!(statuses, vec![200; 60], "{engine}");
        // One that is none counts, and its address is used up; the officer's still isn't counted.
        let forged = format!("fangxin={}", URL_SAFE_NO_PAD.encode([&id[..], &[8; 32]].concat()));
        let statuses: Vec<u16> = (0..60).map(|_| by_cookie(&forged)).collect();
        assert!(statuses.contains(&429) && statuses[0] == 401, "{engine}: {statuses:?}");
        assert_eq!(by_cookie(&cookie), 200, "{engine}");
    }
}

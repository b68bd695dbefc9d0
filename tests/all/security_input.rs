//! Input as an attacker sends it: odd characters, odd JSON, syntax of the engines, forged pages, other people's fields.

use crate::security_output::tells_nothing_of_the_inside;
use crate::support::filings::Case;
use crate::support::raw::{Raw, status};
use crate::support::{FilingBuilder, Session, TestApp, engines};
use serde_json::json;

fn sent(app: &TestApp, content_type: &str, body: impl Into<Vec<u8>>) -> crate::support::client::Reply {
    app.post("/api/v1/cases", &Session::anonymous()).body(content_type, body).send()
}

/// SEC-IN-03: lone surrogates, NUL, bytes that are no UTF-8 and numbers beyond every type are refused on both engines alike.
#[test]
fn sec_in_03_what_is_no_text_or_number_is_refused_and_nothing_is_kept() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let good = FilingBuilder::complete().narrative("MARK").json().to_string();
        let with = |text: &[u8]| {
            let at = good.find("MARK").unwrap();
            [&good.as_bytes()[..at], text, &good.as_bytes()[at + 4..]].concat()
        };
        for (odd, refused) in [
            (&b"\\ud800"[..], 422),
            (b"\\udc00\\ud800", 422),
            (b"\\u0000", 422),
            (b"a\\u0000b", 422),
            (b"\xff\xfe", 400),
            (b"\xc0\xaf", 400),
            (b"\xed\xa0\x80", 400),
            (b"\x00", 400),
        ] {
            let reply = sent(&app, "application/json", with(odd));
            assert_eq!(reply.status, refused, "{engine}: {odd:?}: {reply}");
            tells_nothing_of_the_inside(&reply);
        }
        for (number, refused) in [
            ("1e400", 400),
            ("-1e400", 400),
            ("1e-400", 422),
            ("NaN", 400),
            ("99999999999999999999", 422),
            ("99999999999999999999999999", 422),
            ("-1", 422),
            ("1.5", 422),
            ("\"1e9999\"", 422),
            ("[]", 422),
        ] {
            let body = good.replace("\"2680.00\"", number);
            assert_ne!(body, good);
            let reply = sent(&app, "application/json", body);
            assert_eq!(reply.status, refused, "{engine}: {number}: {reply}");
        }
        let officer = app.officer("amr-320115");
        assert_eq!(app.pages("/api/v1/queue?limit=5", &officer).len(), 0, "{engine}: nothing of it was kept");
        sent(&app, "application/json", with("买的电饭煲三天就坏".as_bytes())).expect(201);
        assert_eq!(app.pages("/api/v1/queue?limit=5", &officer).len(), 1, "{engine}");
    }
}

/// SEC-IN-04: what people write comes back as they wrote it, in any script; a name can't turn the text around it.
#[test]
fn sec_in_04_every_script_is_kept_and_no_name_turns_its_surroundings() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let narrative = "买的👩‍🔧玩具坏了😤，𠮷野家、龘、ﷺ、é、한국어";
        let case = FilingBuilder::complete().named("𠮷田龘").narrative(narrative).file(&app);
        let view = app.case(&case, &app.consumer(&case));
        assert_eq!(
            (&view["narrative"], &view["parties"][0]["name"]),
            (&json!(narrative), &json!("𠮷田龘")),
            "{engine}"
        );
        // Composed on the way in: the same name is the same text, however it was typed.
        let typed = FilingBuilder::complete().phone("13800138001").named("Andre\u{301}").file(&app);
        let view = app.case(&typed, &app.consumer(&typed));
        assert_eq!(view["parties"][0]["name"], "André", "{engine}");
        for turned in ["张\u{202e}三", "张\u{200b}三", "张\u{2066}三", "\u{feff}张三"] {
            let reply = FilingBuilder::complete().phone("13800138002").named(turned).send(&app, &Session::anonymous());
            if reply.status == 201 {
                let case = Case::of(&reply.json());
                let view = app.case(&case, &app.consumer(&case));
                assert_eq!(view["parties"][0]["name"], "张三", "{engine}: {turned:?}");
            } else {
                assert_eq!(reply.pointers(), ["/complainant/name"], "{engine}: {turned:?}");
            }
        }
    }
}

/// SEC-IN-05: JSON is taken as JSON only, each key once, and nothing behind it.
#[test]
fn sec_in_05_json_is_taken_as_json_alone() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let good = FilingBuilder::complete().json().to_string();
        for kind in [
            "text/plain",
            "text/json",
            "application/x-www-form-urlencoded",
            "application/xml",
            "application/jsonx",
            "application/json; charset=gbk",
        ] {
            sent(&app, kind, good.clone()).problem(415);
        }
        let doubled = good.replacen('{', "{\"kind\":\"report\",", 1);
        let inner = good.replacen("\"name\":", "\"name\":\"甲\",\"name\":", 1);
        assert_ne!(inner, good);
        for body in [
            doubled,
            inner,
            format!("{good}{good}"),
            format!("{good}{{}}"),
            format!("{good},"),
            format!("{good} x"),
            format!("\u{feff}{good}"),
            good.replace('"', "'"),
            "{".to_owned(),
            String::new(),
        ] {
            sent(&app, "application/json", body).problem(400);
        }
        let listed = sent(&app, "application/json", format!("[{good}]"));
        assert!(matches!(listed.status, 400 | 422), "{engine}: {listed}");
        sent(&app, "application/json; charset=UTF-8", good.clone()).expect(201);
        sent(&app, "application/json; charset=utf-8", good).expect(201);
    }
}

/// SEC-IN-06: values that are each well formed and can't be true are told by field, all at once.
#[test]
fn sec_in_06_impossible_values_are_told_by_field() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let wrong = FilingBuilder::complete()
            .with("/amount", "-1.00")
            .with("/incident_date", "2999-01-01")
            .phone("1380013800")
            .with("/complainant/id_number", "110105194912310021")
            .with("/respondent/uscc", "91320115MA1XXXXXX1");
        let mut told = wrong.send(&app, &Session::anonymous()).pointers();
        told.sort();
        let expected =
            ["/amount", "/complainant/id_number", "/complainant/phone", "/incident_date", "/respondent/uscc"];
        assert_eq!(told, expected, "{engine}");
    }
}

/// Syntax of SQL, FTS5, tsquery, LIKE, JSON paths, templates and shells.
const SYNTAX: &[&str] = &[
    "'",
    "\"",
    "''",
    "';--",
    "' OR '1'='1",
    "\" OR \"\"=\"",
    "1; DROP TABLE cases",
    "') UNION SELECT 1--",
    "%",
    "_",
    "%%",
    "\\",
    "\\'",
    "a AND",
    "OR",
    "NOT",
    "NEAR(a b)",
    "a NEAR/2 b",
    "tokens:a",
    "^a",
    "a*",
    "*",
    "\"a",
    "a\"b\"",
    "(",
    ")",
    "()",
    "a & b",
    "a | b",
    "!a",
    "a:*",
    "a:A",
    "<->",
    "a <-> b",
    "''::tsquery",
    ":a",
    "&",
    "|",
    "!",
    "{}",
    "{{7*7}}",
    "${7*7}",
    "$1",
    "?1",
    ":1",
    "@p",
    "--",
    "/*",
    "*/",
    "x'00'",
    "char(0)",
    "sleep(5)",
    "pg_sleep(5)",
    "randomblob(1000000000)",
    "`id`",
    "$(id)",
    "..%2f",
    "\u{0}",
    "\"\"",
    "^",
    "~",
    ":",
    "-",
    "+",
    "<2>",
    "a'b",
    "a\"b",
    "' OR 1=1 --",
    "'; DROP TABLE cases; --",
    "\"; DELETE FROM cases; --",
    "1; SELECT 1",
    "UNION SELECT 1",
    "x' UNION SELECT * FROM users --",
    "NEAR(",
    "NEAR(a b, 2)",
    "a NEAR b",
    "NOT a",
    "a OR OR b",
    "narrative:a",
    "{narrative}:a",
    "-narrative:a",
    "a\"",
    "a | !b",
    ":*",
    "a:ABCD",
    "'a':*B",
    "$$",
    "?",
    ":x",
    "@x",
    "E'\\x27'",
    "0x27",
    "%00",
    "\u{202e}电动车",
    "电动车\u{200b}",
    "ﬀ",
    "Ａ",
    "1=1",
    "电动车 OR",
];

/// SEC-IN-07: no text is syntax of an engine, in a search, a filter, a path or a filing.
#[test]
fn sec_in_07_no_text_is_syntax_of_the_engine() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().narrative("买的榨汁机漏电").file(&app);
        FilingBuilder::complete().phone("13800138008").merchant("另一商店").file(&app);
        let officer = app.officer(&case.office());
        let encode = |text: &str| text.bytes().map(|byte| format!("%{byte:02X}")).collect::<String>();
        let listed = |words: &str| app.get(&format!("/api/v1/queue?q={}", encode(words)), &officer).send();
        let found = |reply: &crate::support::client::Reply| reply.json()["items"].as_array().map_or(0, Vec::len);
        for text in SYNTAX {
            let reply = listed(text);
            assert!(matches!(reply.status, 200 | 422), "{engine}: {reply}");
            tells_nothing_of_the_inside(&reply);
            // What isn't a word finds nothing, or is no condition; it never is one that holds for all by its syntax.
            let most = usize::from(text.contains("电动车"));
            assert!(reply.status == 422 || found(&reply) <= most, "{engine}: {reply}");
            for path in [
                format!("/api/v1/queue?assigned_to={}", encode(text)),
                format!("/api/v1/queue?sector={}", encode(text)),
                format!("/api/v1/cases/{}", encode(text)),
            ] {
                let reply = app.get(&path, &officer).send();
                assert!(matches!(reply.status, 200 | 400 | 404 | 422), "{engine}: {reply}");
                tells_nothing_of_the_inside(&reply);
                assert!(!reply.text.contains(&case.reference), "{engine}: {reply}");
            }
        }
        for field in ["sector", "state", "kind", "assigned_to", "due_before", "sort", "cursor", "overdue", "lang"] {
            for text in ["' OR '1'='1", "'; DROP TABLE cases; --", "\\", "%00"] {
                let reply = app.get(&format!("/api/v1/queue?{field}={}", encode(text)), &officer).send();
                assert!(matches!(reply.status, 200 | 422), "{engine}: {field}={text}: {reply}");
            }
        }
        for word in ["榨汁机", "电动车"] {
            assert_eq!(found(&listed(word)), 1, "{engine}: {word}: nothing was harmed");
        }
        let merchant = "'; DROP TABLE cases; --";
        let filing = FilingBuilder::complete()
            .phone("13800138009")
            .merchant(merchant)
            .narrative(&SYNTAX[..40].join(" "))
            .file(&app);
        assert_eq!(app.case(&filing, &officer)["parties"].to_string().matches("DROP TABLE").count(), 1, "{engine}");
    }
}

/// SEC-IN-09: pages have their bounds, an order is one of the list, and a cursor is one that was given out.
#[test]
fn sec_in_09_pages_orders_and_cursors_are_bounded() {
    for engine in engines() {
        let app = TestApp::start(engine);
        for n in 0..3 {
            FilingBuilder::complete().phone(&format!("1380013800{n}")).file(&app);
        }
        let officer = app.officer("amr-320115");
        let first = app.get("/api/v1/queue?limit=1", &officer).send().expect(200);
        let cursor = first["next_cursor"].as_str().expect("a next page").to_owned();
        for query in
            ["limit=-1", "limit=0", "limit=1000000000", "limit=9223372036854775808", "limit=1.5", "limit=", "limit=x"]
        {
            let reply = app.get(&format!("/api/v1/queue?{query}"), &officer).send();
            assert_eq!(reply.pointers(), ["/limit"], "{engine}: {query}");
        }
        for query in ["sort=password_hash", "sort=data_key", "sort=due;", "sort=due,version", "sort=received;DROP"] {
            assert_eq!(
                app.get(&format!("/api/v1/queue?{query}"), &officer).send().pointers(),
                ["/sort"],
                "{engine}: {query}"
            );
        }
        let changed = |at: usize| {
            let mut bytes = cursor.clone().into_bytes();
            bytes[at] = if bytes[at] == b'A' { b'B' } else { b'A' };
            String::from_utf8(bytes).unwrap()
        };
        let forged = ["x", "Yw", "AAAA", &"A".repeat(4000), &cursor[..cursor.len() / 2], &changed(0)];
        for forged in forged {
            let reply = app.get(&format!("/api/v1/queue?cursor={forged}"), &officer).send();
            assert!(reply.status == 422 && reply.pointers() == ["/cursor"], "{engine}: {reply}");
        }
        app.get("/api/v1/queue?cursor=%00", &officer).send().problem(422);
        assert_eq!(app.get("/api/v1/queue?unknown=1", &officer).send().pointers(), ["/unknown"], "{engine}");
        for path in ["offices", "divisions", "sectors"] {
            for query in ["limit=1001", "cursor=AAAA"] {
                app.get(&format!("/api/v1/{path}?{query}"), &Session::anonymous()).send().problem(422);
            }
        }
        // One that another caller was given opens nothing of theirs.
        let other = app.officer("amr-320102");
        let reply = app.get(&format!("/api/v1/queue?cursor={cursor}"), &other).send();
        assert!(reply.status != 200 || reply.json()["items"] == json!([]), "{engine}: {reply}");
    }
}

/// Sends a request as it is, without a client that would tidy its path; gives the status and the whole answer.
fn raw(app: &TestApp, method: &str, path: &str) -> (u16, String) {
    let mut raw = Raw::to(app);
    raw.send(format!("{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"));
    let answer = raw.answer();
    (status(&answer), answer)
}

/// SEC-IN-13: no spelling of a path leads out of what is served.
#[test]
fn sec_in_13_no_path_leads_out_of_what_is_served() {
    let up = [
        "../",
        "..%2f",
        "%2e%2e/",
        "%2e%2e%2f",
        "..%252f",
        "%252e%252e%252f",
        "..%5c",
        "..\\",
        "....//",
        "..;/",
        "..%00/",
        "%c0%ae%c0%ae/",
        "..%c0%af",
        "/..//",
        ".%2e/",
    ];
    // As far up as any machine's folders lie deep; a name of several parts also as one part of the address.
    let led_up = up.iter().flat_map(|spelling| {
        ["Cargo.toml", "etc/passwd", "data/keys/ring.json"].map(|target| format!("{}{target}", spelling.repeat(12)))
    });
    let led_up: Vec<String> = led_up.collect();
    let as_one = led_up.iter().map(|way| way.replace('/', "%2f"));
    let odd = [
        "..%5c..%5cetc%5cpasswd",
        "..\\..\\etc\\passwd",
        "%252e%252e%252fetc%252fpasswd",
        "/etc/passwd",
        "file:///etc/passwd",
        "%00",
        "a%00.css",
        "fangxin.db",
    ];
    let ways: Vec<String> = led_up.iter().cloned().chain(as_one).chain(odd.map(str::to_owned)).collect();
    for engine in engines() {
        let app = TestApp::start(engine);
        for prefix in ["/assets/", "/docs/", "/setup/", "/api/v1/cases/", "/"] {
            for way in &ways {
                let (status, text) = raw(&app, "GET", &format!("{prefix}{way}"));
                let refused = matches!(status, 400 | 404) || (status == 401 && prefix.starts_with("/api/"));
                assert!(refused, "{engine}: {prefix}{way}: {text}");
                for inside in ["[package]", "root:", "active_master"] {
                    assert!(!text.contains(inside), "{engine}: {prefix}{way}: {text}");
                }
            }
        }
        assert_eq!(raw(&app, "GET", "/healthz").0, 200, "{engine}");
    }
}

/// SEC-IN-14: a parameter that is given twice is no parameter.
#[test]
fn sec_in_14_a_parameter_given_twice_is_refused() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let (officer, anyone) = (app.officer("amr-320115"), Session::anonymous());
        for (path, by) in [
            ("/api/v1/queue?state=dispatched&state=closed", &officer),
            ("/api/v1/queue?limit=1&limit=2", &officer),
            ("/api/v1/queue?limit=5&%6cimit=6", &officer),
            ("/api/v1/queue?q=a&q=b", &officer),
            ("/api/v1/metrics/summary?from=2026-01-01&from=2026-02-01", &officer),
            ("/api/v1/offices?division=320100&division=320200", &anyone),
        ] {
            let reply = app.get(path, by).send();
            assert_eq!(reply.problem(400)["code"], "duplicate_parameter", "{engine}: {reply}");
        }
        let other = app.get("/api/v1/queue?limit=1&LIMIT=2", &officer).send();
        assert_eq!(other.pointers(), ["/LIMIT"], "{engine}: {other}");
        app.post("/api/v1/classify?text=b", &anyone).json(&json!({ "text": "a" })).send().problem(422);
    }
}

/// SEC-AZ-04: what the service decides can't be sent in.
#[test]
fn sec_az_04_what_the_service_decides_cannot_be_filed() {
    for engine in engines() {
        let app = TestApp::start(engine);
        for field in [
            "status",
            "state",
            "department",
            "office",
            "id",
            "case_id",
            "reference",
            "created_at",
            "assigned_to",
            "priority",
            "deadline",
            "clocks",
            "published",
            "access_pin",
            "version",
            "facts",
            "erased",
            "role",
        ] {
            let reply = FilingBuilder::complete().with(&format!("/{field}"), "x").send(&app, &Session::anonymous());
            assert_eq!(reply.pointers(), [format!("/{field}")], "{engine}");
            assert_eq!(reply.json()["errors"][0]["code"], "unknown_field", "{engine}: {reply}");
        }
        let nested = FilingBuilder::complete().with("/complainant/verified", true).send(&app, &Session::anonymous());
        assert_eq!(nested.pointers(), ["/complainant/verified"], "{engine}");
        // What only staff and imports may say isn't believed of the public.
        let told =
            FilingBuilder::complete().with("/received_at", "2020-01-01T00:00:00Z").send(&app, &Session::anonymous());
        let problem = told.pointers();
        assert_eq!(problem, ["/received_at"], "{engine}: {told}");
    }
}

/// SEC-AZ-06: numbers and ids can't be counted through: 62 random bits open a case, and none follows from another.
#[test]
fn sec_az_06_nothing_can_be_counted_through() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let cases: Vec<Case> =
            (0..6).map(|n| FilingBuilder::complete().phone(&format!("1380013800{n}")).file(&app)).collect();
        let random = |case: &Case| case.reference.split('-').nth(2).unwrap().to_owned();
        for pair in cases.windows(2) {
            let (a, b) = (random(&pair[0]), random(&pair[1]));
            assert!(a.len() == 7 && a.bytes().zip(b.bytes()).filter(|(a, b)| a != b).count() >= 3, "{engine}: {a} {b}");
            assert_ne!(pair[0].pin, pair[1].pin, "{engine}");
        }
        assert!(cases.iter().all(|case| case.pin.len() == 8), "{engine}");
        let officer = app.officer(&cases[0].office());
        for path in ["/api/v1/cases/1", "/api/v1/cases/0000", "/api/v1/audit?case=1"] {
            let status = app.get(path, &officer).send().status;
            assert!(matches!(status, 403 | 404 | 422), "{engine}: {path}: {status}");
        }
    }
}

/// SEC-AZ-07: a method that a path hasn't does nothing, however it is asked for.
#[test]
fn sec_az_07_other_methods_do_nothing() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        for method in ["TRACE", "FOO", "PUT", "PATCH", "DELETE", "CONNECT", "PROPFIND"] {
            let (status, text) = raw(&app, method, &case.path());
            assert!(matches!(status, 400 | 404 | 405 | 501), "{engine}: {method}: {text}");
        }
        let consumer = app.consumer(&case);
        for header in ["X-HTTP-Method-Override", "X-HTTP-Method", "X-Method-Override"] {
            let reply = app.get(&case.path(), &consumer).header(header, "DELETE").send();
            assert_eq!(reply.expect(200)["state"], "dispatched", "{engine}: {header}");
        }
    }
}

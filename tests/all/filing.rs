//! Taking a filing in: the smallest form, what may be added, what is refused and how, resends, and cases that belong together.

use crate::support::filings::Case;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// How many open cases the whole province has.
fn open_cases(app: &TestApp, by: &Session) -> usize {
    app.pages("/api/v1/queue?limit=100", by).len()
}

#[test]
fn the_smallest_form_is_taken_and_answered_in_the_shape_of_the_contract() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        let mut answer = FilingBuilder::complaint().send(&app, &Session::anonymous()).expect(201);
        assert_eq!(answer["missing_for_acceptance"], json!(["/respondent/address"]));
        assert!(answer["received_at"].as_str().unwrap().starts_with("2026-06-02T02:"), "{answer}");
        // What learning and rewording change is held to its shape only.
        answer["classification"] = shape(&answer["classification"]);
        answer["routing"]["steps"] = shape(&answer["routing"]["steps"]);
        insta::assert_json_snapshot!("smallest_form", answer, {
            ".reference" => "[reference]",
            ".access_pin" => "[pin]",
            ".received_at" => "[instant]",
        });
    }
}

/// The names of a value's members and the types of what they hold; of a list, the shape of its first item.
fn shape(value: &Value) -> Value {
    match value {
        Value::Null => json!("null"),
        Value::Bool(_) => json!("boolean"),
        Value::Number(_) => json!("number"),
        Value::String(_) => json!("text"),
        Value::Array(items) => items.iter().take(1).map(shape).collect(),
        Value::Object(members) => members.iter().map(|(key, value)| (key.clone(), shape(value))).collect(),
    }
}

#[test]
fn what_may_be_added_is_taken_and_what_acceptance_needs_is_listed() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let platform = json!({ "name": "示例商城", "division": "330110" });
        let person = json!({ "name": "李四", "phone": "13900139000", "address": "南京市江宁区" });
        let whole = FilingBuilder::complaint()
            .with("/complainant/email", "zhang.san@example.com")
            .with("/respondent/address", "南京市江宁区双龙大道1号")
            .with("/respondent/phone", "025-52101234")
            .with("/respondent/platform", platform)
            .with("/respondent/on_platform_address_division", "320115")
            .with("/respondent/own_website", false)
            .with("/division", "320115001")
            .with("/incident_date", "2026-01-05")
            .with("/channel", "app")
            .with("/settle_first", true)
            .with("/external_references", json!([{ "system": "hotline_12345", "number": "A-1" }]))
            .with("/sector", "product_quality")
            .with("/publish_consent", true)
            .with("/entrust_consent", true)
            .with("/representatives", json!([person]))
            .with("/lang", "en");
        let case = whole.file(&app);
        assert_eq!(case.answer["missing_for_acceptance"], json!([]));
        assert_eq!(case.answer["state"], "negotiating", "settle first, and Dongshan has a station: {}", case.answer);
        assert!(case.station().is_some());
        let agent = FilingBuilder::complaint().with("/agent", json!({ "name": "王五" })).file(&app);
        let missing = json!(["/respondent/address", "/agent/id_number", "/agent/authorised"]);
        assert_eq!(agent.answer["missing_for_acceptance"], missing);
        // The least that is taken at all.
        let bare = json!({ "kind": "complaint", "narrative": "买的面包过期了" });
        let bare = app.post("/api/v1/cases", &Session::anonymous()).json(&bare).send().expect(201);
        let missing = [
            "/complainant/name",
            "/complainant/phone",
            "/complainant/address",
            "/respondent/name",
            "/respondent/address",
            "/demands",
        ];
        assert_eq!(bare["missing_for_acceptance"], json!(missing));
        assert!(bare["routing"]["office"]["code"].is_string(), "every case has an owner: {bare}");
        let report = FilingBuilder::report().file(&app);
        assert_eq!(report.answer["kind"], "report");
        assert_eq!(report.answer["missing_for_acceptance"], json!([]));
        // What the filer can read back with the PIN.
        let view = app.case(&case, &app.consumer(&case));
        assert_eq!(view["reference"], json!(case.reference));
    }
}

#[test]
fn wrong_fields_are_told_by_their_pointers_and_nothing_is_kept() {
    let person = json!({ "name": "李四" });
    let external = json!({ "system": "hotline_12345", "number": "1" });
    let complaint = FilingBuilder::complaint;
    let table: Vec<(FilingBuilder, &str)> = vec![
        (complaint().without("/kind"), "/kind"),
        (complaint().with("/kind", "praise"), "/kind"),
        (complaint().without("/narrative"), "/narrative"),
        (complaint().narrative("坏"), "/narrative"),
        (complaint().narrative("坏\u{0}了，店家不退"), "/narrative"),
        (complaint().narrative(&"坏".repeat(5001)), "/narrative"),
        (complaint().with("/narrative", 5), "/narrative"),
        (complaint().merchant(&"店".repeat(201)), "/respondent/name"),
        (complaint().division("993201"), "/respondent/division"),
        (complaint().division("江宁"), "/respondent/division"),
        (complaint().with("/respondent/uscc", "91320115MA000000XX"), "/respondent/uscc"),
        (complaint().with("/respondent/platform", json!({ "division": "1" })), "/respondent/platform/division"),
        (complaint().with("/respondent/on_platform_address_division", "x"), "/respondent/on_platform_address_division"),
        (complaint().with("/respondent/colour", "red"), "/respondent/colour"),
        (complaint().phone("yesterday"), "/complainant/phone"),
        (complaint().with("/complainant/email", "nobody"), "/complainant/email"),
        (complaint().with("/complainant/id_type", "library_card"), "/complainant/id_type"),
        (complaint().with("/complainant/id_number", "320115199001010000"), "/complainant/id_number"),
        (complaint().with("/demands/0", "joy"), "/demands/0"),
        (complaint().with("/demands", "refund"), "/demands"),
        (complaint().with("/amount", "-1"), "/amount"),
        (complaint().with("/amount", "1.234"), "/amount"),
        (complaint().with("/amount", 12.5), "/amount"),
        (complaint().with("/division", "somewhere"), "/division"),
        (complaint().with("/incident_date", "2999-01-01"), "/incident_date"),
        (complaint().with("/incident_date", "2025-02-30"), "/incident_date"),
        (complaint().with("/received_at", "2026-01-05T00:00:00Z"), "/received_at"),
        (complaint().with("/channel", "pigeon"), "/channel"),
        (complaint().with("/channel", "counter"), "/channel"),
        (complaint().with("/sector", "magic"), "/sector"),
        (complaint().with("/lang", "fr"), "/lang"),
        (complaint().with("/anonymous", true), "/anonymous"),
        (complaint().with("/settle_first", "yes"), "/settle_first"),
        (complaint().with("/representatives", json!([person, person, person])), "/representatives"),
        (complaint().with("/external_references", Value::from(vec![external; 11])), "/external_references"),
        (
            complaint().with("/external_references", json!([{ "system": "No Such", "number": "1" }])),
            "/external_references/0/system",
        ),
        (complaint().with("/colour", "red"), "/colour"),
        (FilingBuilder::report().with("/complainant", json!({ "name": "张三" })), "/complainant"),
    ];
    for engine in engines() {
        let app = TestApp::start(engine);
        let overseer = app.supervisor("320000");
        complaint().file(&app);
        let mut wrong = Vec::new();
        for (filing, pointer) in &table {
            let reply = filing.send(&app, &Session::anonymous());
            if reply.status != 422 {
                wrong.push(format!("expected 422 at {pointer}: {reply}"));
            } else if !reply.pointers().iter().any(|told| told == pointer) {
                wrong.push(format!("expected {pointer}: {reply}"));
            }
            // Nothing of it may stay, not even half.
            assert_eq!(open_cases(&app, &overseer), 1, "{reply}");
        }
        assert!(wrong.is_empty(), "{engine}: {} of {}:\n{}", wrong.len(), table.len(), wrong.join("\n"));
        // All faults are told at once.
        let many = complaint().with("/kind", "praise").with("/lang", "fr").phone("yesterday");
        let told: BTreeSet<String> = many.send(&app, &Session::anonymous()).pointers().into_iter().collect();
        for pointer in ["/kind", "/lang", "/complainant/phone"] {
            assert!(told.contains(pointer), "{pointer} not in {told:?}");
        }
    }
}

#[test]
fn what_is_no_filing_at_all_is_refused_and_nothing_is_kept() {
    let deep = format!("{{\"kind\":\"complaint\",\"narrative\":{}1{}}}", "[".repeat(5000), "]".repeat(5000));
    let surrogate = r#"{"kind":"complaint","narrative":"坏了 \ud800 不退"}"#.to_owned();
    let nul = FilingBuilder::complaint().narrative("坏\u{0}了，店家不退").json().to_string();
    let long = format!("{{\"kind\":\"complaint\",\"narrative\":\"{}\"}}", "坏".repeat(700_000));
    let good = FilingBuilder::complaint().json().to_string();
    let not_utf8 = b"{\"kind\":\"complaint\",\"narrative\":\"\xff\xfe\xff\"}".to_vec();
    let json = "application/json";
    type Row = (&'static str, &'static str, Vec<u8>, Option<(&'static str, &'static str)>, &'static [u16]);
    let table: Vec<Row> = vec![
        ("deep", json, deep.into_bytes(), None, &[400, 422]),
        ("NUL", json, nul.into_bytes(), None, &[422]),
        ("lone surrogate", json, surrogate.into_bytes(), None, &[400, 422]),
        ("not UTF-8", json, not_utf8, None, &[400, 422]),
        ("cut off", json, good.as_bytes()[..good.len() / 2].to_vec(), None, &[400, 422]),
        ("empty", json, Vec::new(), None, &[400, 422]),
        ("a list", json, b"[]".to_vec(), None, &[400, 422]),
        ("over-long", json, long.into_bytes(), None, &[413]),
        ("no JSON", "text/plain", good.clone().into_bytes(), None, &[415]),
        ("a form", "application/x-www-form-urlencoded", b"kind=complaint".to_vec(), None, &[415]),
        ("compressed", json, vec![0x1f, 0x8b, 8, 0, 0], Some(("content-encoding", "gzip")), &[415]),
    ];
    for engine in engines() {
        let app = TestApp::start(engine);
        let overseer = app.supervisor("320000");
        let mut wrong = Vec::new();
        for (what, content_type, body, header, allowed) in &table {
            let mut call = app.post("/api/v1/cases", &Session::anonymous()).body(content_type, body.clone());
            if let Some((name, value)) = header {
                call = call.header(name, value);
            }
            // A server that refuses before it has read everything may close while we still write.
            let Some(reply) = call.try_send() else {
                wrong.push(format!("{what}: no answer"));
                continue;
            };
            if !allowed.contains(&reply.status) {
                wrong.push(format!("{what}: expected {allowed:?}: {reply}"));
            } else if !reply.header("content-type").starts_with("application/problem+json") {
                wrong.push(format!("{what}: no problem+json: {reply}"));
            }
            assert_eq!(open_cases(&app, &overseer), 0, "{what}: {reply}");
        }
        assert!(wrong.is_empty(), "{engine}:\n{}", wrong.join("\n"));
        FilingBuilder::complaint().file(&app);
        assert_eq!(open_cases(&app, &overseer), 1);
    }
}

#[test]
fn a_resend_with_the_same_key_gives_the_same_answer_and_makes_nothing() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let overseer = app.supervisor("320000");
        let send = |filing: &FilingBuilder, key: &str| {
            let call = app.post("/api/v1/cases", &Session::anonymous()).header("Idempotency-Key", key);
            call.json(filing.json()).send()
        };
        let filing = FilingBuilder::complaint();
        let first = send(&filing, "key-one").expect(201);
        assert_eq!(send(&filing, "key-one").expect(201), first);
        assert_eq!(open_cases(&app, &overseer), 1);
        // The same key with another body is a mistake of the sender.
        send(&filing.clone().named("李四"), "key-one").problem(422);
        assert_eq!(open_cases(&app, &overseer), 1);
        // Another key is another filing: linked as a likely duplicate, never refused.
        let second = send(&filing, "key-two").expect(201);
        assert_ne!(second["reference"], first["reference"]);
        assert_eq!(open_cases(&app, &overseer), 2);

        let other = FilingBuilder::complaint().phone("13700137000").merchant("另一车行");
        let replies: Vec<_> = std::thread::scope(|scope| {
            let sending: Vec<_> = (0..20).map(|_| scope.spawn(|| send(&other, "key-three"))).collect();
            sending.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let mut references = BTreeSet::new();
        for reply in &replies {
            // Who comes while the first is still being answered may be told to come again.
            if reply.status == 409 {
                reply.problem(409);
            } else {
                references.insert(reply.expect(201)["reference"].to_string());
            }
        }
        references.insert(send(&other, "key-three").expect(201)["reference"].to_string());
        assert_eq!(references.len(), 1, "{engine}");
        assert_eq!(open_cases(&app, &overseer), 3, "{engine}");
    }
}

#[test]
fn what_belongs_together_is_linked() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let both = FilingBuilder::complaint().with("/kind", "both").file(&app);
        let linked = both.answer["linked"].as_array().expect("linked");
        assert_eq!((both.answer["kind"].clone(), linked.len()), (json!("complaint"), 1), "{}", both.answer);
        assert_eq!(linked[0]["kind"], "report");
        let twin = Case::of(&linked[0]);
        assert_ne!(twin.reference, both.reference);
        let view = app.case(&twin, &app.consumer(&twin));
        assert_eq!((&view["kind"], &view["reference"]), (&json!("report"), &json!(twin.reference)));

        // The same person against the same merchant: taken, and told how many there are.
        let first = FilingBuilder::complaint().phone("13600136000").merchant("第三车行").file(&app);
        assert_eq!(first.answer["duplicates"], 0);
        let again = FilingBuilder::complaint().phone("+86 136 0013 6000").merchant("第三车行").file(&app);
        assert_eq!(again.answer["duplicates"], 1, "{}", again.answer);
        assert_ne!(again.reference, first.reference);
        let officer = app.officer(&first.office());
        let known = FilingBuilder::complaint().phone("13600136000").merchant("第三车行").file_as(&app, &officer);
        let mut told: Vec<_> = known.answer["duplicates"].as_array().expect("staff see which").clone();
        told.sort_by_key(Value::to_string);
        let mut expected = vec![json!(first.reference), json!(again.reference)];
        expected.sort_by_key(Value::to_string);
        assert_eq!(told, expected);
    }
}

#[test]
fn a_report_may_be_anonymous_and_followed_by_its_pin() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let report = FilingBuilder::report().file(&app);
        let consumer = app.consumer(&report);
        let view = app.case(&report, &consumer);
        assert_eq!((&view["kind"], &view["anonymous"]), (&json!("report"), &json!(true)), "{view}");
        // Another's PIN opens nothing.
        let other = FilingBuilder::report().merchant("另一超市").file(&app);
        let body = json!({ "reference": report.reference, "access_pin": other.pin });
        app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send().problem(401);
        app.get(&other.path(), &consumer).send().problem(404);
        app.get(&report.path(), &Session::anonymous()).send().problem(401);
    }
}

#[test]
fn a_filing_of_a_time_without_rules_is_refused_with_the_reason() {
    let app = TestApp::start(Engine::Sqlite);
    let file = app.data().join("old.jsonl");
    let line = |id: &str, at: &str| json!({ "id": id, "text": "买的面包过期了", "received_at": at }).to_string();
    let lines = [line("old", "2019-12-31T15:59:59Z"), line("first", "2019-12-31T16:00:00Z")];
    std::fs::write(&file, lines.join("\n")).unwrap();
    let output = app.run(&["import", file.to_str().unwrap(), "--json"], None);
    let told = String::from_utf8_lossy(&output.stdout);
    assert_eq!(output.status.code(), Some(0), "{told} {}", String::from_utf8_lossy(&output.stderr));
    let told: Value = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{told}: {error}"));
    assert_eq!((&told["read"], &told["created"], &told["existing"]), (&json!(2), &json!(1), &json!(0)), "{told}");
    let refused = told["refused"].as_array().expect("refused");
    assert_eq!((refused.len(), &refused[0]["line"], &refused[0]["pointer"]), (1, &json!(1), &json!("/received_at")));
    assert!(refused[0]["reason"].as_str().unwrap().contains("2020"), "{told}");
    // The public can't say when it was received at all.
    let public = FilingBuilder::complaint().with("/received_at", "2019-01-01T00:00:00Z");
    assert_eq!(public.send(&app, &Session::anonymous()).pointers(), ["/received_at"]);
}

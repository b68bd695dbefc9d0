//! Retention: what nobody may keep any longer is erased, unless it is held; figures, histories and the audit log stay whole.

use crate::evidence::{DOCUMENT, upload};
use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};
use std::path::Path;
use std::time::Duration;

const NOW: &str = "2026-06-02T02:00:00Z";
/// When the three years of what was withdrawn on that day are over, and the ten of what was settled aren't.
const LATER: &str = "2029-06-03T02:00:00Z";
const NAME: &str = "澹台静姝";
const REASON: &str = "行政诉讼期间保全证据";

fn filing(n: u32) -> FilingBuilder {
    let phone = format!("139112300{n:02}");
    FilingBuilder::complete()
        .named(NAME)
        .phone(&phone)
        .merchant(&format!("第{n}号商店"))
        .narrative("电热水器漏水，店家不肯上门维修")
}

fn withdrawn(app: &TestApp, n: u32) -> Case {
    let case = filing(n).file(app);
    app.step(&case, &app.consumer(&case), "withdraw", &json!({ "reason": "已与澹台静姝家人商量" }), "withdrawn");
    case
}

fn settled(app: &TestApp, n: u32) -> Case {
    let case = filing(n).file(app);
    let officer = app.officer(&case.office());
    app.step(&case, &officer, "accept", &json!({}), "accepted");
    let terms = json!({ "outcome": "self_settled", "amount": "120.50", "performance_date": "2026-06-02" });
    app.step(&case, &officer, "settle", &terms, "settled");
    case
}

/// A command with its result; it must succeed.
#[track_caller]
fn command(app: &TestApp, arguments: &[&str]) -> Value {
    let output = app.run(&[arguments, &["--json"]].concat(), None);
    let errors = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{}: {arguments:?}: {errors}", app.engine);
    serde_json::from_slice(&output.stdout).unwrap()
}

fn hold(app: &TestApp, case: &Case, by: &Session, held: bool, reason: &str) -> crate::support::client::Reply {
    let body = json!({ "held": held, "reason": reason });
    app.post(&format!("{}/hold", case.path()), by).json(&body).send()
}

/// Files of evidence that lie in the object store.
fn files(app: &TestApp) -> usize {
    fn below(folder: &Path) -> usize {
        let Ok(entries) = std::fs::read_dir(folder) else { return 0 };
        entries.map(|entry| entry.unwrap().path()).map(|path| if path.is_dir() { below(&path) } else { 1 }).sum()
    }
    below(&app.data().join("attachments"))
}

/// How many values a column has that hold something.
fn filled(app: &TestApp, table: &str, column: &str) -> usize {
    app.contents().values(table, column).iter().filter(|value| !value.is_empty()).count()
}

/// What is left of cases: of each place that holds a person, how many values.
fn left(app: &TestApp) -> Vec<(String, usize)> {
    const PLACES: &[(&str, &str)] = &[
        ("cases", "data_key"),
        ("cases", "narrative"),
        ("cases", "respondent"),
        ("cases", "respondent_hash"),
        ("cases", "complainant_hash"),
        ("parties", "case_id"),
        ("events", "sealed"),
        ("attachments", "name"),
        ("documents", "page"),
        ("outbox", "payload"),
        ("verdicts", "sealed"),
        ("corrections", "wanted"),
        ("case_search", "tokens"),
    ];
    let mut all: Vec<_> = PLACES
        .iter()
        .filter(|(table, _)| !(app.engine == crate::support::Engine::Sqlite && *table == "case_search"))
        .map(|(table, column)| (format!("{table}.{column}"), filled(app, table, column)))
        .collect();
    all.push(("words".to_owned(), app.contents().search_words().len()));
    all.push(("files".to_owned(), files(app)));
    all
}

/// PRV-08: a case goes when the years of its class are over, and not before; a hold keeps it; what is counted and what holds
/// the histories together stays.
#[test]
fn prv_08_cases_are_erased_by_their_class_unless_held() {
    for engine in engines() {
        let mut app = Start::on(engine).at(NOW).start();
        let (gone, held, kept) = (withdrawn(&app, 1), withdrawn(&app, 2), settled(&app, 3));
        let open = filing(4).file(&app);
        for case in [&gone, &held, &kept] {
            upload(&app, case, &app.consumer(case), "file", "漏水.pdf", DOCUMENT).send().expect(201);
        }
        let supervisor = app.supervisor("320000");
        hold(&app, &held, &supervisor, true, REASON).expect(200);
        let figures = |app: &TestApp| {
            let path = "/api/v1/metrics/summary?from=2026-06-01&to=2026-06-30";
            app.get(path, &app.supervisor("320000")).send().expect(200)["counts"].clone()
        };
        let counted = figures(&app);
        assert_eq!(counted["complaint"]["closed"], 3, "{engine}: {counted}");
        let due = |app: &TestApp, day: &str| command(app, &["erase", "--dry-run", "--at", day]);
        assert_eq!(due(&app, "2029-06-02")["due"], json!([]), "{engine}: the last day is kept");
        let told = due(&app, "2029-06-03");
        let expected = json!([{ "reference": gone.reference, "class": "unhandled", "closed_on": "2026-06-02" }]);
        assert_eq!((&told["due"], &told["held"]), (&expected, &json!(1)), "{engine}");
        assert_eq!(
            due(&app, "2036-06-03")["due"].as_array().unwrap().len(),
            2,
            "{engine}: and the one that was settled"
        );
        assert_eq!(app.case(&gone, &app.consumer(&gone))["erased"], false, "{engine}: a dry run changes nothing");
        assert_eq!(
            app.run(&["erase", "--at", "2029-06-03"], None).status.code(),
            Some(2),
            "{engine}: not ahead of the clock"
        );

        app.restart_at(LATER);
        command(&app, &["erase"]);
        let consumer = app.consumer(&gone);
        let view = app.case(&gone, &consumer);
        assert_eq!((&view["erased"], &view["state"]), (&json!(true), &json!("withdrawn")), "{engine}: {view}");
        let empty = (&view["narrative"], &view["parties"], &view["available_actions"]);
        assert_eq!(empty, (&json!(""), &json!([]), &json!([])), "{engine}: {view}");
        assert_whole(&app.events(&gone, &app.officer(&gone.office())), &view);
        for path in ["attachments", "corrections"] {
            app.get(&format!("{}/{path}", gone.path()), &consumer).send().problem(410);
        }
        let own = app.get("/api/v1/me/export", &consumer).send().expect(200);
        assert_eq!(own["cases"], json!([]), "{engine}: {own}");
        let again = app.act(&gone, &consumer, "reopen", &json!({ "reason": "商家没有履行" }));
        assert_eq!(again.problem(410)["code"], "erased", "{engine}");
        for case in [&held, &kept, &open] {
            let view = app.case(case, &app.consumer(case));
            assert!(view["erased"] == false && view.to_string().contains(NAME), "{engine}: {view}");
        }
        assert_eq!(files(&app), 2, "{engine}");
        assert_eq!(figures(&app), counted, "{engine}: what is counted stays");
        let recount = command(&app, &["recount"]);
        assert_eq!(recount["differing_counters"], 0, "{engine}: {recount}");
        assert!(app.run(&["audit", "verify"], None).status.success(), "{engine}");
        let auditor = app.auditor("320000");
        let entries = app.pages("/api/v1/audit?kind=erasure", &auditor);
        let told: Vec<_> =
            entries.iter().map(|entry| (entry["case"].clone(), entry["data"]["class"].clone())).collect();
        assert_eq!(told, [(json!(gone.reference), json!("unhandled"))], "{engine}");

        // A hold that is lifted keeps nothing any more.
        let supervisor = app.supervisor("320000");
        hold(&app, &held, &supervisor, false, "判决已生效，解除保全").expect(200);
        assert_eq!(command(&app, &["erase"])["erased"], 1, "{engine}");
        assert_eq!(app.case(&held, &app.consumer(&held))["erased"], true, "{engine}");
        assert_eq!(hold(&app, &held, &supervisor, true, REASON).problem(410)["code"], "erased", "{engine}");

        // Nothing of the erased ones is left anywhere, whoever has the keys.
        app.restart_at("2036-06-03T02:00:00Z");
        command(&app, &["erase"]);
        app.stop();
        let one =
            [("cases.data_key", 1), ("cases.narrative", 1), ("cases.respondent", 1), ("cases.respondent_hash", 1)];
        let left = left(&app);
        for (place, values) in one {
            assert!(left.contains(&(place.to_owned(), values)), "{engine}: {place}: {left:?}");
        }
        for place in ["attachments.name", "documents.page", "verdicts.sealed", "files"] {
            assert!(left.contains(&(place.to_owned(), 0)), "{engine}: {place}: {left:?}");
        }
    }
}

/// PRV-08: with no case left that must be kept, no place holds anything of a person.
#[test]
fn prv_08_nothing_of_an_erased_case_is_left() {
    for engine in engines() {
        let mut app = Start::on(engine).at(NOW).start();
        let cases: Vec<Case> = (1..=2).map(|n| withdrawn(&app, n)).chain([settled(&app, 3)]).collect();
        for case in &cases {
            upload(&app, case, &app.consumer(case), "file", "漏水.pdf", DOCUMENT).send().expect(201);
        }
        let wanted = json!({ "complainant": { "address": "南京市双龙大道2号" }, "reason": "搬家了" });
        let path = format!("{}/corrections", cases[0].path());
        app.post(&path, &app.consumer(&cases[0])).json(&wanted).send().expect(201);
        let before = left(&app);
        for (place, values) in
            before.iter().filter(|(place, _)| place != "documents.page" && place != "verdicts.sealed")
        {
            assert!(*values > 0, "{engine}: nothing was in {place} to begin with");
        }
        app.restart_at("2036-06-03T02:00:00Z");
        command(&app, &["erase"]);
        // A notice that never went out can't any more, and is forgotten like every other.
        let pending = "SELECT state AS line FROM outbox WHERE state = 'pending'";
        for _ in 0..100 {
            if app.contents().lines(pending).is_empty() {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        app.restart_at("2037-01-03T02:00:00Z");
        command(&app, &["erase"]);
        app.stop();
        let after: Vec<_> = left(&app).into_iter().filter(|(_, values)| *values > 0).collect();
        assert_eq!(after, [], "{engine}");
        app.serve();
        assert_eq!(command(&app, &["recount"])["differing_counters"], 0, "{engine}");
        // A backup doesn't miss the evidence that is gone.
        let folder = app.data().with_file_name("backup");
        let backup = app.run(&["backup", &folder.to_string_lossy()], None);
        let told = String::from_utf8_lossy(&backup.stdout).into_owned();
        assert!(backup.status.success() && !told.contains("missing evidence"), "{engine}: {told}");
    }
}

/// Who may place a hold, with what, and what it leaves.
#[test]
fn prv_08_a_hold_is_placed_and_lifted_by_a_supervisor_with_a_reason() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let case = withdrawn(&app, 1);
        let (supervisor, officer) = (app.supervisor("320000"), app.officer(&case.office()));
        for (by, status) in [
            (&officer, 403),
            (&app.consumer(&case), 403),
            (&app.auditor("320000"), 403),
            (&app.supervisor("320500"), 404),
            (&app.staff("admin", None, None), 404),
            (&Session::anonymous(), 401),
        ] {
            hold(&app, &case, by, true, REASON).problem(status);
        }
        assert_eq!(hold(&app, &case, &supervisor, true, "短").pointers(), ["/reason"], "{engine}");
        let path = format!("{}/hold", case.path());
        assert_eq!(app.post(&path, &supervisor).json(&json!({})).send().pointers(), ["/held", "/reason"], "{engine}");
        assert_eq!(hold(&app, &case, &supervisor, false, REASON).problem(409)["code"], "no_change", "{engine}");
        let placed = hold(&app, &case, &supervisor, true, REASON).expect(200);
        assert_eq!((&placed["held"], &placed["reason"]), (&json!(true), &json!(REASON)), "{engine}");
        hold(&app, &case, &supervisor, true, REASON).problem(409);
        assert_eq!(app.get(&path, &officer).send().expect(200), placed, "{engine}");
        app.get(&path, &app.consumer(&case)).send().problem(403);
        assert!(!app.contents().values("legal_holds", "reason").is_empty(), "{engine}");
        hold(&app, &case, &supervisor, false, "判决已生效，解除保全").expect(200);
        assert_eq!(app.get(&path, &officer).send().expect(200)["held"], false, "{engine}");
        let entries = app.pages("/api/v1/audit?kind=legal_hold", &app.auditor("320000"));
        let told: Vec<_> =
            entries.iter().map(|entry| (entry["data"]["step"].clone(), entry["reason"].clone())).collect();
        let lifted = (json!("lifted"), json!("判决已生效，解除保全"));
        assert_eq!(told, [lifted, (json!("placed"), json!(REASON))], "{engine}");
    }
}

/// An erasure that is killed goes on: each case is erased once, and no file stays.
#[test]
fn prv_08_a_killed_erasure_goes_on() {
    for engine in engines() {
        let mut app = Start::on(engine).at(NOW).start();
        let cases: Vec<Case> = (1..=12).map(|n| withdrawn(&app, n)).collect();
        for case in &cases {
            upload(&app, case, &app.consumer(case), "file", "漏水.pdf", DOCUMENT).send().expect(201);
        }
        app.restart_at(LATER);
        app.kill();
        for wait in [200, 320, 450] {
            let mut erasure = app.spawn(&["erase"]);
            std::thread::sleep(Duration::from_millis(wait));
            erasure.kill().expect("it can be killed");
            erasure.wait().expect("it ends");
        }
        // As if it had been cut off between the key and the files.
        app.tamper("UPDATE erasures SET files_gone_at = NULL");
        command(&app, &["erase"]);
        assert_eq!((files(&app), filled(&app, "cases", "data_key")), (0, 0), "{engine}");
        assert_eq!(filled(&app, "erasures", "files_gone_at"), 12, "{engine}");
        app.serve();
        let entries = app.pages("/api/v1/audit?kind=erasure&limit=5", &app.auditor("320000"));
        assert_eq!(entries.len(), 12, "{engine}: each once");
        assert!(app.run(&["audit", "verify"], None).status.success(), "{engine}");
    }
}

/// Notices that are over are deleted after their days, and so are the answers to filings.
#[test]
fn prv_08_notices_and_answers_to_filings_are_forgotten() {
    for engine in engines() {
        let mut app = Start::on(engine).at(NOW).start();
        let filing = filing(1).with("/complainant/email", "jingshu@example.org");
        let key = "b9d6f7a0-4c54-4c6e-9b5e-2a3f9d1c7e11";
        let sent = app.post("/api/v1/cases", &Session::anonymous()).header("Idempotency-Key", key).json(filing.json());
        sent.send().expect(201);
        assert!(filled(&app, "idempotency_keys", "answer") == 1 && filled(&app, "outbox", "payload") > 0, "{engine}");
        let over = |app: &TestApp| filled(app, "outbox", "ended_at");
        for _ in 0..100 {
            if over(&app) > 0 {
                break;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        assert!(over(&app) > 0, "{engine}: no notice went out");
        app.restart_at("2026-11-28T02:00:00Z");
        command(&app, &["erase"]);
        assert!(over(&app) > 0, "{engine}: a hundred and eighty days");
        assert_eq!(filled(&app, "idempotency_keys", "answer"), 0, "{engine}: thirty days");
        app.restart_at("2026-12-01T02:00:00Z");
        command(&app, &["erase"]);
        let old = app.contents().lines(
            "SELECT CAST(count(*) AS TEXT) AS line FROM outbox WHERE ended_at IS NOT NULL AND notice = 'receipt'",
        );
        assert_eq!(old, ["0"], "{engine}");
    }
}

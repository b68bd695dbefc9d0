//! What offices issue in writing: issued by the steps that owe them, numbered, printed as page and PDF, delivered, and printed
//! again as they were.

use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};
use std::io::Write as _;
use std::process::{Command, Stdio};

const NOW: &str = "2026-06-02T02:00:00Z";
const AHEAD: &str = "2026-07-15";

fn documents(app: &TestApp, case: &Case, by: &Session) -> Vec<Value> {
    let page = app.get(&format!("{}/documents", case.path()), by).send().expect(200);
    page["items"].as_array().expect("items").clone()
}

fn titles(app: &TestApp, case: &Case, by: &Session) -> Vec<String> {
    documents(app, case, by).iter().map(|one| one["title"].as_str().unwrap().to_owned()).collect()
}

/// The words of a PDF, as another program reads them, without spaces and page numbers.
fn words_of_pdf(pdf: &[u8]) -> String {
    let mut reader = Command::new("pdftotext")
        .args(["-layout", "-enc", "UTF-8", "-", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("pdftotext (poppler-utils, see scripts/setup-tests.sh)");
    reader.stdin.take().unwrap().write_all(pdf).unwrap();
    let read = reader.wait_with_output().unwrap();
    assert!(read.status.success());
    String::from_utf8(read.stdout).unwrap().split_whitespace().collect()
}

/// Every piece of text of a page, in order, without spaces.
fn pieces(page: &Value) -> Vec<String> {
    let mut pieces: Vec<String> =
        ["office", "title", "number"].map(|key| page[key].as_str().unwrap().to_owned()).into();
    for block in page["blocks"].as_array().unwrap() {
        match block["type"].as_str().unwrap() {
            "paragraph" => pieces.push(block["text"].as_str().unwrap().to_owned()),
            "row" => pieces.extend(["label", "value"].map(|key| block[key].as_str().unwrap().to_owned())),
            "seal" => pieces.push("（印章）".to_owned()),
            _ => pieces.extend(block["who"].as_array().unwrap().iter().map(|who| who.as_str().unwrap().to_owned())),
        }
    }
    pieces.iter().map(|piece| piece.split_whitespace().collect()).collect()
}

/// Prints a document in its three forms and compares what they say.
fn assert_prints(app: &TestApp, case: &Case, by: &Session, no: i64) -> Value {
    let path = format!("{}/documents/{no}", case.path());
    let page = app.get(&format!("{path}?format=json"), by).send().expect(200);
    let html = app.get(&format!("{path}?format=html"), by).send();
    let pdf = app.get(&path, by).send();
    assert_eq!((html.status, pdf.status), (200, 200), "{html} {pdf}");
    assert_eq!(pdf.header("content-type"), "application/pdf");
    assert!(html.header("content-security-policy").starts_with("default-src 'none'"), "{html}");
    let printed = words_of_pdf(&pdf.bytes);
    let shown: String = html.text.split_whitespace().collect();
    let say = page["title"].as_str().unwrap();
    for piece in pieces(&page) {
        assert!(shown.contains(&piece), "{say}: the page lacks {piece}\n{shown}");
        // A label of a row stands beside its value, so lines of both mix: there, every character must be printed.
        let whole = printed.contains(&piece) || piece.chars().all(|c| printed.contains(c));
        assert!(whole, "{say}: the PDF lacks {piece}\n{printed}");
    }
    if let Ok(folder) = std::env::var("FANGXIN_KEEP_DOCUMENTS") {
        std::fs::write(format!("{folder}/{say}.pdf"), &pdf.bytes).unwrap();
        std::fs::write(format!("{folder}/{say}.html"), &html.text).unwrap();
    }
    page
}

fn to_mediation(app: &TestApp, case: &Case, officer: &Session) {
    let consumer = app.consumer(case);
    app.step(case, officer, "accept", &json!({}), "accepted");
    app.step(case, &consumer, "record_consent", &json!({ "given": true }), "accepted");
    app.step(case, officer, "record_consent", &json!({ "party": "respondent", "given": true }), "accepted");
    let meeting =
        json!({ "time": "2026年6月10日上午9时", "place": "江宁区市场监督管理局一楼调解室", "mediators": "王五" });
    app.step(case, officer, "start_mediation", &meeting, "mediating");
}

#[test]
fn each_step_issues_what_it_owes_and_all_ten_print() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        app.step(
            &case,
            &officer,
            "request_id",
            &json!({ "deadline": "2026-06-10", "reason": "证件不清晰" }),
            "id_requested",
        );
        to_mediation(&app, &case, &officer);
        let agreed = json!({ "outcome": "mediated", "amount": "2000.00", "performance_date": AHEAD, "record": "商家退还货款2000元。" });
        app.step(&case, &officer, "settle", &agreed, "settled");
        let expected = ["限期提供身份证明材料通知书", "投诉受理决定书", "投诉调解通知书", "投诉调解书"];
        assert_eq!(titles(&app, &case, &officer), expected);
        for (form, title) in [("complaint_registration", "投诉登记表"), ("distribution", "分送通知书")] {
            let answer =
                app.post(&format!("{}/documents", case.path()), &officer).json(&json!({ "kind": form })).send();
            assert_eq!(answer.expect(201)["title"], title);
        }
        let mediation = assert_prints(&app, &case, &officer, 3);
        assert!(mediation.to_string().contains("江宁区市场监督管理局一楼调解室"), "{mediation}");
        // A print shows names and numbers whole: each by staff is written down, with its form.
        let query = format!("/api/v1/audit?kind=document_printed&case={}", case.reference);
        let log = app.get(&query, &app.auditor("320000")).send().expect(200);
        let told: Vec<String> =
            log["items"].as_array().unwrap().iter().map(|entry| entry["data"].to_string()).collect();
        assert_eq!(
            told,
            ["pdf", "html", "json"]
                .map(|form| format!(r#"{{"document":"mediation_notice","format":"{form}","no":3}}"#)),
            "{engine}"
        );
        for no in [1, 2, 4, 5, 6] {
            assert_prints(&app, &case, &officer, no);
        }

        let refused = FilingBuilder::complete().named("李四").phone("13900139000").file(&app);
        let ground = json!({ "ground": "R16_3", "reason": "不能证明与被投诉人之间存在消费者权益争议" });
        app.step(&refused, &officer, "refuse", &ground, "refused");
        let page = assert_prints(&app, &refused, &officer, 1);
        // The law must be named with its article, and the other routes.
        let text = page.to_string();
        for part in ["第十六条第（三）项", "《市场监督管理投诉举报处理办法》", "仲裁"] {
            assert!(text.contains(part), "{part} isn't in {text}");
        }

        let ended = FilingBuilder::complete().named("王六").phone("13700137000").file(&app);
        to_mediation(&app, &ended, &officer);
        app.step(&ended, &officer, "terminate", &json!({ "ground": "T23_3", "reason": "未能达成一致" }), "terminated");
        let last = documents(&app, &ended, &officer).last().unwrap()["no"].as_i64().unwrap();
        assert_prints(&app, &ended, &officer, last);

        let report = FilingBuilder::report().with("/sector", "product_quality").file(&app);
        let unit = app.officer(&report.office());
        app.step(
            &report,
            &unit,
            "decide_filing",
            &json!({ "decision": "filed", "reason": "有违法事实需要追究" }),
            "filed",
        );
        let form = json!({ "kind": "report_registration" });
        app.post(&format!("{}/documents", report.path()), &unit).json(&form).send().expect(201);
        let result = assert_prints(&app, &report, &unit, 1);
        assert!(result.to_string().contains("决定立案"), "{result}");
        assert_prints(&app, &report, &unit, 2);
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

#[test]
fn numbers_run_by_office_series_and_year_and_a_step_not_taken_uses_none() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let first = FilingBuilder::complete().file(&app);
        let officer = app.officer(&first.office());
        app.step(&first, &officer, "accept", &json!({}), "accepted");
        app.act(&first, &officer, "accept", &json!({})).problem(409);
        let second = FilingBuilder::complete().named("李四").phone("13900139000").file(&app);
        app.step(&second, &officer, "accept", &json!({}), "accepted");
        let number = |case: &Case| documents(&app, case, &officer)[0]["number"].as_str().unwrap().to_owned();
        assert_eq!(number(&first), "江宁市监投受〔2026〕第1号");
        assert_eq!(number(&second), "江宁市监投受〔2026〕第2号");
        let history = app.get(&format!("{}/events", second.path()), &officer).send().expect(200);
        assert!(history.to_string().contains("江宁市监投受〔2026〕第2号"), "the history names the document: {history}");
    }
}

#[test]
fn a_party_reads_what_is_for_it_and_a_stranger_nothing() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        let consumer = app.consumer(&case);
        let path = format!("{}/documents", case.path());
        app.post(&path, &officer).json(&json!({ "kind": "distribution" })).send().expect(201);
        app.step(&case, &officer, "accept", &json!({}), "accepted");
        assert_eq!(titles(&app, &case, &consumer), ["投诉受理决定书"], "the notice between offices isn't theirs");
        app.get(&format!("{path}/1"), &consumer).send().problem(404);
        assert_eq!(app.get(&format!("{path}/2"), &consumer).send().status, 200);

        let stranger = FilingBuilder::complete().named("李四").phone("13900139000").file(&app);
        app.get(&format!("{path}/2"), &app.consumer(&stranger)).send().problem(404);
        app.get(&path, &app.officer("amr-320106")).send().problem(404);
        app.get(&path, &Session::anonymous()).send().problem(401);
        app.post(&path, &consumer).json(&json!({ "kind": "distribution" })).send().problem(403);

        let wrong = app.post(&path, &officer).json(&json!({ "kind": "acceptance" })).send();
        assert_eq!(wrong.pointers(), ["/kind"]);
        app.get(&format!("{path}/2?format=docx"), &officer).send().problem(422);
        app.get(&format!("{path}/9"), &officer).send().problem(404);
        app.get(&format!("{path}/x"), &officer).send().problem(404);
    }
}

#[test]
fn deliveries_are_recorded_and_stand_in_the_history() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        app.step(&case, &officer, "accept", &json!({}), "accepted");
        let path = format!("{}/documents/1/deliveries", case.path());
        let sent = json!({ "to": "complainant", "way": "letter", "on": "2026-06-02" });
        let view = app.post(&path, &officer).json(&sent).send().expect(201);
        assert_eq!(view["deliveries"][0]["way"], "letter", "{view}");
        for (field, value) in [("to", "respondent"), ("on", "2026-06-01"), ("on", "2026-06-03")] {
            let mut wrong = sent.clone();
            wrong[field] = json!(value);
            let refused = app.post(&path, &officer).json(&wrong).send();
            assert_eq!(refused.pointers(), [format!("/{field}")], "{field} {value}");
        }
        let history = app.get(&format!("{}/events", case.path()), &officer).send().expect(200);
        assert!(history.to_string().contains("\"deliver\""), "{history}");
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

#[test]
fn a_document_prints_as_it_was_after_the_wording_changed() {
    for engine in engines() {
        let folder = tempfile::tempdir().unwrap();
        let wording = include_str!("../../config/documents.toml");
        std::fs::write(folder.path().join("documents.toml"), wording).unwrap();
        let mut app = Start::on(engine).at(NOW).set("PATHS__CONFIG_DIR", folder.path().to_str().unwrap()).start();
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        app.step(&case, &officer, "accept", &json!({}), "accepted");
        let path = format!("{}/documents/1", case.path());
        let before = app.get(&path, &officer).send();
        app.kill();
        let changed = wording.replace("本机关决定予以受理", "本局决定予以受理");
        assert_ne!(changed, wording);
        std::fs::write(folder.path().join("documents.toml"), changed).unwrap();
        app.serve();
        let after = app.get(&path, &officer).send();
        assert!(before.status == 200 && before.bytes == after.bytes, "printed again, it isn't what it was");
        let next = FilingBuilder::complete().named("李四").phone("13900139000").file(&app);
        app.step(&next, &officer, "accept", &json!({}), "accepted");
        let page = app.get(&format!("{}/documents/1?format=json", next.path()), &officer).send().expect(200);
        assert!(page.to_string().contains("本局决定予以受理"), "{page}");
    }
}

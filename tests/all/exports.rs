//! Lists of cases as files.

use crate::support::{FilingBuilder, TestApp, engines, server::Start};
use calamine::{Data, Reader, Xlsx};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::io::Cursor;

const PERIOD: &str = "from=2026-06-01&to=2026-06-30";

fn work(app: &TestApp) {
    for n in 0..3 {
        let case = FilingBuilder::complete()
            .phone(&format!("1380013820{n}"))
            .with("/respondent/name", "=某某,\"车行\"")
            .file(app);
        if n == 0 {
            let officer = app.officer(&case.office());
            app.step(&case, &officer, "accept", &json!({}), "accepted");
        }
    }
    FilingBuilder::report().with("/sector", "product_quality").file(app);
}

/// Rows of a CSV without its headings.
fn rows(csv: &str) -> Vec<csv::StringRecord> {
    let text = csv.strip_prefix('\u{feff}').expect("the mark of UTF-8");
    csv::Reader::from_reader(text.as_bytes()).records().map(|row| row.expect("RFC 4180")).collect()
}

#[test]
fn sec_ou_04_a_list_comes_as_csv_and_as_a_workbook_with_the_same_cases() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        work(&app);
        let supervisor = app.supervisor("320000");
        let reply = app.get(&format!("/api/v1/exports/cases.csv?{PERIOD}"), &supervisor).send();
        assert_eq!(reply.status, 200, "{reply}");
        assert_eq!(reply.headers["content-type"], "text/csv; charset=utf-8");
        assert_eq!(
            reply.headers["content-disposition"],
            "attachment; filename=\"fangxin-cases-2026-06-01-2026-06-30.csv\""
        );
        let lines = rows(&reply.text);
        assert_eq!(lines.len(), 4, "{engine}: {}", reply.text);
        assert_eq!(&lines[0][17], "'=某某,\"车行\"", "no formula");
        assert!(!reply.text.contains("13800138"), "no phone number");

        let book = app.get(&format!("/api/v1/exports/cases.xlsx?{PERIOD}&lang=en"), &supervisor).send();
        let mut book: Xlsx<_> = Xlsx::new(Cursor::new(book.bytes)).expect("a workbook");
        let sheet = book.worksheet_range_at(0).expect("a sheet").expect("rows");
        assert_eq!(sheet.height(), 5);
        assert_eq!(sheet.get((0, 0)), Some(&Data::String("Reference".to_owned())));
        assert_eq!(sheet.get((1, 17)), Some(&Data::String("=某某,\"车行\"".to_owned())), "a text, not a formula");
        assert!(matches!(sheet.get((1, 18)), Some(Data::Float(_))), "an amount is a number: {:?}", sheet.get((1, 18)));
        let of_book: BTreeSet<_> = sheet.rows().skip(1).map(|row| row[0].to_string()).collect();
        let of_csv: BTreeSet<_> = lines.iter().map(|row| row[0].to_owned()).collect();
        assert_eq!(of_book, of_csv, "{engine}");
    }
}

#[test]
fn the_cases_behind_a_number_are_exported_as_they_are_listed() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        work(&app);
        let supervisor = app.supervisor("320000");
        let question = format!("{PERIOD}&rate=handling&part=numerator");
        let listed = app.get(&format!("/api/v1/metrics/cases?{question}"), &supervisor).send().expect(200);
        let listed: Vec<&str> = listed["items"]
            .as_array()
            .expect("items")
            .iter()
            .map(|case| case["reference"].as_str().expect("one"))
            .collect();
        assert!(!listed.is_empty(), "{engine}");
        let file = app.get(&format!("/api/v1/exports/cases.csv?{question}"), &supervisor).send();
        let file = rows(&file.text);
        assert_eq!(file.iter().map(|row| &row[0]).collect::<Vec<_>>(), listed, "{engine}");
    }
}

#[test]
fn an_export_goes_no_further_than_its_reader_and_leaves_an_entry() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        work(&app);
        let path = format!("/api/v1/exports/cases.csv?{PERIOD}&sector=other");
        let elsewhere = app.supervisor("320500");
        assert!(rows(&app.get(&format!("/api/v1/exports/cases.csv?{PERIOD}"), &elsewhere).send().text).is_empty());
        let station = app.supervisor("320000");
        app.get(&path, &station).send();
        let auditor = app.auditor("320000");
        let log = app.get("/api/v1/audit?kind=export", &auditor).send().expect(200);
        let entries = log["items"].as_array().expect("items");
        assert_eq!(entries.len(), 2, "{engine}: {log}");
        let question = &entries[0]["data"]["question"];
        assert_eq!(question, &json!({ "from": "2026-06-01", "to": "2026-06-30", "sector": "other" }), "{engine}");
    }
}

#[test]
fn a_wrong_question_exports_nothing_and_leaves_no_entry() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        let (supervisor, auditor) = (app.supervisor("320000"), app.auditor("320000"));
        let case = FilingBuilder::complete().file(&app);
        let consumer = app.consumer(&case);
        let ask = |query: &str| app.get(&format!("/api/v1/exports/{query}"), &supervisor).send();
        ask("cases.pdf").problem(404);
        for (query, pointer) in [
            ("cases.csv?by=sector", "/by"),
            ("cases.csv?interval=day", "/interval"),
            ("cases.xlsx?weather=rain", "/weather"),
            ("cases.csv?part=numerator", "/rate"),
        ] {
            let fault = ask(query).problem(422);
            assert_eq!(fault["errors"][0]["pointer"], pointer, "{engine}: {fault}");
        }
        app.get("/api/v1/exports/cases.csv", &consumer).send().problem(403);
        app.get("/api/v1/exports/cases.csv", &crate::support::Session::anonymous()).send().problem(401);
        let log = app.get("/api/v1/audit?kind=export", &auditor).send().expect(200);
        assert_eq!(log["items"], Value::Array(Vec::new()), "{engine}");
    }
}

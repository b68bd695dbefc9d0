//! Files of evidence through HTTP: taken by content, kept sealed, told of in the history, seen by whoever may see the case.

use crate::support::client::Call;
use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};

pub(crate) const DOCUMENT: &str = "%PDF-1.4\n1 0 obj << /Type /Catalog >> endobj\ntrailer << /Root 1 0 R >>\n%%EOF\n";

/// A form with one part.
pub(crate) fn upload(
    app: &TestApp,
    case: &Case,
    by: &Session,
    part: &str,
    name: &str,
    content: impl AsRef<[u8]>,
) -> Call {
    let head = format!(
        "--edge\r\nContent-Disposition: form-data; name=\"{part}\"; filename=\"{name}\"\r\n\
         Content-Type: application/octet-stream\r\n\r\n"
    );
    let body = [head.as_bytes(), content.as_ref(), b"\r\n--edge--\r\n"].concat();
    app.post(&format!("{}/attachments", case.path()), by).body("multipart/form-data; boundary=edge", body)
}

fn files(app: &TestApp, case: &Case, by: &Session) -> Vec<Value> {
    let reply = app.get(&format!("{}/attachments", case.path()), by).send();
    reply.expect(200)["items"].as_array().unwrap_or_else(|| panic!("{reply}: no items")).clone()
}

#[test]
fn a_file_is_kept_told_of_in_the_history_and_seen_by_those_who_see_the_case() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        let case = FilingBuilder::complete().file(&app);
        let (consumer, officer) = (app.consumer(&case), app.officer(&case.office()));
        let added = upload(&app, &case, &consumer, "file", "../发票.pdf", DOCUMENT).send();
        let told = added.expect(201);
        assert_eq!((&told["name"], &told["media_type"]), (&json!("发票.pdf"), &json!("application/pdf")), "{added}");
        assert_eq!((&told["size"], &told["added_by"]), (&json!(DOCUMENT.len()), &json!("consumer")), "{added}");
        let at = added.header("location").to_owned();

        for by in [&consumer, &officer] {
            assert_eq!(files(&app, &case, by), std::slice::from_ref(&told), "{engine}: {}", by.name);
            let file = app.get(&at, by).send();
            assert_eq!((file.status, file.text.as_str()), (200, DOCUMENT), "{file}");
            assert!(file.header("content-disposition").starts_with("attachment;"), "{file}");
            assert!(file.header("content-security-policy").contains("sandbox"), "{file}");
        }
        let events = app.events(&case, &officer);
        assert_eq!((events.len(), &events[1]["action"]), (2, &json!("attach")), "{events:?}");
        assert!(
            events[1].to_string().contains(told["sha256"].as_str().unwrap()),
            "the hash is in the chain: {events:?}"
        );
        assert!(!events[1].to_string().contains("发票"), "what it is called isn't: {events:?}");
        assert_whole(&events, &app.case(&case, &officer));

        // Other people's cases don't exist; the anonymous are asked who they are.
        let other = FilingBuilder::complete().phone("13800138001").merchant("另一商店").file(&app);
        let stranger = app.consumer(&other);
        app.get(&at, &stranger).send().problem(404);
        app.get(&format!("{}/attachments", case.path()), &stranger).send().problem(404);
        upload(&app, &case, &stranger, "file", "a.pdf", DOCUMENT).send().problem(404);
        upload(&app, &case, &Session::anonymous(), "file", "a.pdf", DOCUMENT).send().problem(401);
        app.get(&at.replace(&case.reference, &other.reference), &stranger).send().problem(404);
        assert_eq!(files(&app, &case, &officer).len(), 1, "{engine}");
    }
}

#[test]
fn what_is_no_file_to_take_is_refused_and_nothing_is_kept() {
    for engine in engines() {
        let limits = Start::on(engine).set("ATTACHMENTS__MAX_BYTES", "2048").set("ATTACHMENTS__MAX_PER_CASE", "2");
        let app = limits.start();
        let case = FilingBuilder::complete().file(&app);
        let consumer = app.consumer(&case);
        let sent = |part: &str, name: &str, content: &str| upload(&app, &case, &consumer, part, name, content).send();
        let wrong = sent("file", "photo.jpg", "no picture at all").problem(415);
        assert_eq!(wrong["code"], "unsupported_type");
        assert_eq!(sent("file", "a.pdf", "").pointers(), ["/file"]);
        sent("picture", "a.pdf", DOCUMENT).problem(422);
        let large = sent("file", "a.pdf", &format!("{DOCUMENT}{}", " ".repeat(2048)));
        large.problem(413);
        let path = format!("{}/attachments", case.path());
        app.post(&path, &consumer).json(&json!({ "file": "a" })).send().problem(415);
        app.post(&path, &consumer).body("multipart/form-data; boundary=edge", "--edge\r\ngarbled").send().problem(400);
        assert_eq!(files(&app, &case, &consumer), Vec::<Value>::new(), "{engine}");
        assert_eq!(app.case(&case, &consumer)["version"], 1, "{engine}: nothing of a refused file is in the history");
        for _ in 0..2 {
            sent("file", "a.pdf", DOCUMENT).expect(201);
        }
        assert_eq!(sent("file", "a.pdf", DOCUMENT).problem(409)["code"], "too_many_attachments");
        assert_eq!(files(&app, &case, &consumer).len(), 2, "{engine}");
    }
}

#[test]
fn a_merchant_named_later_is_found() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        let found = |name: &str| app.pages(&format!("/api/v1/queue?limit=5&q={name}"), &officer).len();
        assert_eq!((found("某某车行"), found("晨曦车业")), (1, 0), "{engine}");
        let named = json!({ "respondent": { "name": "晨曦车业有限公司" } });
        app.step(&case, &officer, "supply", &named, "dispatched");
        assert_eq!((found("某某车行"), found("晨曦车业")), (0, 1), "{engine}");
        assert_eq!(found("电动车"), 1, "{engine}: the narrative is still found");
    }
}

//! What a person may ask of those who keep something of them: to see it, and to have it put right.

use crate::evidence::{DOCUMENT, upload};
use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};

const NAME: &str = "南宫若水";
const PHONE: &str = "13951880042";
const MERCHANT_PHONE: &str = "025-52100042";

fn filing() -> FilingBuilder {
    FilingBuilder::complete()
        .named(NAME)
        .phone(PHONE)
        .with("/complainant/email", "ruoshui@example.org")
        .with("/respondent/phone", MERCHANT_PHONE)
        .narrative("买的净水器漏水，客服推诿")
}

/// PRV-09: the export holds what was filed, written and sent, and nothing of the other side's or of staff.
#[test]
fn prv_09_everything_that_is_kept_of_a_person_is_given_to_them_and_nothing_of_others() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let case = filing().file(&app);
        let other = FilingBuilder::complete().named("夏侯远").phone("13951880043").merchant("别家").file(&app);
        let (consumer, officer) = (app.consumer(&case), app.officer(&case.office()));
        upload(&app, &case, &consumer, "file", "漏水照片.pdf", DOCUMENT).send().expect(201);
        app.act(&case, &officer, "note", &json!({ "text": "内部：该店另有三起投诉" })).expect(200);
        let refusal = json!({ "ground": "R16_3", "reason": "不是生活消费" });
        app.step(&case, &officer, "refuse", &refusal, "refused");

        let reply = app.get("/api/v1/me/export", &consumer).send();
        let export = reply.expect(200);
        assert_eq!(reply.header("cache-control"), "no-store", "{engine}");
        let cases = export["cases"].as_array().unwrap();
        assert_eq!(cases.len(), 1, "{engine}: {reply}");
        let own = &cases[0];
        assert_eq!(own["case"]["reference"], case.reference, "{engine}");
        assert_eq!(own["case"]["narrative"], "买的净水器漏水，客服推诿", "{engine}");
        let actions: Vec<&str> =
            own["history"].as_array().unwrap().iter().map(|event| event["action"].as_str().unwrap()).collect();
        assert_eq!(actions, ["file", "attach", "note", "refuse"], "{engine}");
        assert_eq!(own["attachments"][0]["name"], "漏水照片.pdf", "{engine}");
        assert!(!own["documents"].as_array().unwrap().is_empty(), "{engine}: the refusal was issued in writing: {own}");
        let notices = own["notices"].as_array().unwrap();
        assert!(notices.iter().any(|notice| notice["notice"] == "refusal"), "{engine}: {own}");
        for held in [NAME, PHONE, "ruoshui@example.org", "不是生活消费"] {
            assert!(reply.text.contains(held), "{engine}: no {held}");
        }
        let officer_name = format!("officer-{}", case.office());
        for foreign in
            [MERCHANT_PHONE, "另有三起投诉", officer_name.as_str(), "夏侯远", other.reference.as_str(), "data_key"]
        {
            assert!(!reply.text.contains(foreign), "{engine}: {foreign} in {reply}");
        }
        // For people who filed, alone; and it is on record.
        app.get("/api/v1/me/export", &Session::anonymous()).send().problem(401);
        for staff in [&officer, &app.supervisor("320000"), &app.auditor("320000")] {
            app.get("/api/v1/me/export", staff).send().problem(403);
        }
        let auditor = app.auditor("320000");
        let entries = app.pages(&format!("/api/v1/audit?kind=export&case={}", case.reference), &auditor);
        assert_eq!(entries.len(), 1, "{engine}");
        assert_eq!(
            entries[0]["data"],
            json!({ "what": "subject", "format": "json", "question": { "cases": 1 } }),
            "{engine}"
        );
    }
}

fn ask(app: &TestApp, case: &Case, by: &Session, wanted: Value, reason: &str) -> crate::support::client::Reply {
    let body = json!({ "complainant": wanted, "reason": reason });
    app.post(&format!("{}/corrections", case.path()), by).json(&body).send()
}

fn decide(app: &TestApp, case: &Case, by: &Session, no: i64, body: Value) -> crate::support::client::Reply {
    app.post(&format!("{}/corrections/{no}", case.path()), by).json(&body).send()
}

/// PRV-09: a person asks, the office decides, the party is changed or not, and the history has what was and what is.
#[test]
fn prv_09_a_correction_is_asked_for_decided_and_kept_in_both_forms() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let case = filing().file(&app);
        let (consumer, officer) = (app.consumer(&case), app.officer(&case.office()));
        // Also after the end.
        app.step(&case, &consumer, "withdraw", &json!({ "reason": "已解决" }), "withdrawn");
        let wanted = json!({ "phone": "139 5188 0099", "name": "南宫若冰" });
        for (by, status) in [(&officer, 403), (&app.officer("amr-320505"), 404), (&Session::anonymous(), 401)] {
            ask(&app, &case, by, wanted.clone(), "换了手机号").problem(status);
        }
        assert_eq!(ask(&app, &case, &consumer, json!({}), "换了手机号").pointers(), ["/complainant"], "{engine}");
        let odd = ask(&app, &case, &consumer, json!({ "phone": "123", "state": "settled" }), "");
        assert_eq!(odd.pointers(), ["/complainant/state", "/reason"], "{engine}");
        assert_eq!(
            ask(&app, &case, &consumer, json!({ "phone": "123" }), "换了").pointers(),
            ["/complainant/phone"],
            "{engine}"
        );
        let asked = ask(&app, &case, &consumer, wanted.clone(), "换了手机号").expect(201);
        assert_eq!(
            (&asked["no"], &asked["state"], &asked["complainant"]),
            (&json!(1), &json!("open"), &wanted),
            "{engine}"
        );
        assert!(app.case(&case, &consumer).to_string().contains(PHONE), "{engine}: nothing is changed yet");

        let path = format!("{}/corrections", case.path());
        let seen = app.get(&path, &officer).send();
        assert_eq!(seen.expect(200)["items"][0]["no"], 1, "{engine}");
        assert!(!seen.text.contains("0099") || seen.text.contains("****"), "{engine}: {seen}");
        assert!(!seen.text.contains("若冰"), "{engine}: masked for staff: {seen}");
        app.get(&path, &app.supervisor("320000")).send().problem(403);
        for (by, status) in [(&consumer, 403), (&app.supervisor("320000"), 403), (&app.officer("amr-320505"), 404)] {
            decide(&app, &case, by, 1, json!({ "accept": true })).problem(status);
        }
        assert_eq!(decide(&app, &case, &officer, 1, json!({})).pointers(), ["/accept"], "{engine}");
        assert_eq!(decide(&app, &case, &officer, 1, json!({ "accept": false })).pointers(), ["/answer"], "{engine}");
        decide(&app, &case, &officer, 2, json!({ "accept": true })).problem(404);
        let decided = decide(&app, &case, &officer, 1, json!({ "accept": true, "answer": "已核对身份证" })).expect(200);
        assert_eq!(decided["state"], "accepted", "{engine}");
        assert_eq!(
            decide(&app, &case, &officer, 1, json!({ "accept": true })).problem(409)["code"],
            "decided",
            "{engine}"
        );

        let view = app.case(&case, &consumer);
        let person = view["parties"].as_array().unwrap().iter().find(|party| party["role"] == "complainant").unwrap();
        assert_eq!((&person["name"], &person["phone"]), (&json!("南宫若冰"), &json!("+8613951880099")), "{engine}");
        let events = app.get(&format!("{path}/../events").replace("/corrections/..", ""), &consumer).send().expect(200);
        let texts = events["items"].as_array().unwrap().last().unwrap()["texts"].clone();
        assert_eq!(
            texts["complainant_before"],
            json!({ "name": NAME, "phone": format!("+86{PHONE}") }),
            "{engine}: {events}"
        );
        assert_eq!(texts["complainant"], wanted, "{engine}");
        let of_staff = app.events(&case, &officer);
        assert!(!json!(of_staff).to_string().contains(PHONE), "{engine}: {of_staff:?}");
        assert_whole(&of_staff, &app.case(&case, &officer));

        // Refused: it stays, and the person is told why. No more than five wait at once.
        for n in 0..5 {
            ask(&app, &case, &consumer, json!({ "address": format!("南京市双龙大道{n}号") }), "搬家了").expect(201);
        }
        let sixth = ask(&app, &case, &consumer, json!({ "address": "南京市双龙大道9号" }), "搬家了");
        assert_eq!(sixth.problem(409)["code"], "too_many_open", "{engine}");
        let refused = decide(&app, &case, &officer, 2, json!({ "accept": false, "answer": "与证件不符" })).expect(200);
        assert_eq!(refused["state"], "refused", "{engine}");
        let own = app.get(&path, &consumer).send().expect(200);
        assert_eq!(own["items"][1]["answer"], "与证件不符", "{engine}: {own}");
        assert!(!app.case(&case, &consumer).to_string().contains("双龙大道0号"), "{engine}");
    }
}

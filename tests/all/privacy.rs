//! Personal data: masked everywhere, shown for a reason only.

use crate::support::server::Start;
use crate::support::{FilingBuilder, engines};
use serde_json::{Value, json};

const NAME: &str = "欧阳海棠";
const PHONE: &str = "13912345678";
const ID: &str = "320102199003077219";
const EMAIL: &str = "haitang.ouyang@example.com";

fn filing() -> FilingBuilder {
    FilingBuilder::complete()
        .named(NAME)
        .phone(PHONE)
        .with("/complainant/email", EMAIL)
        .with("/complainant/address", "南京市江宁区东山街道上元大街77号")
        .narrative("我是欧阳海棠，电话139 1234 5678，买的电饭煲三天就坏，店家不退")
}

fn holds_any(text: &str, values: &[&str]) -> Option<String> {
    values.iter().find(|value| text.contains(**value)).map(|value| (*value).to_owned())
}

/// PRV-06: staff see contacts masked in the case, its narrative, its history and every list; one's own view is plain.
#[test]
fn prv_06_contacts_are_masked_for_staff() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let case = filing().file(&app);
        let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
        let supplied = json!({ "complainant": { "phone": "13912345679", "address": "南京市江宁区双龙大道88号" } });
        app.act(&case, &consumer, "supply", &supplied).expect(200);
        app.act(&case, &officer, "note", &json!({ "text": "回电13912345679，欧阳海棠未接" })).expect(200);
        let secrets = [NAME, PHONE, "139 1234 5678", "13912345679", EMAIL, "77号", "88号"];
        let supervisor = app.supervisor("320000");
        for by in [&officer, &supervisor, &app.auditor("320000"), &app.dispatcher("320000")] {
            for path in [case.path(), format!("{}/events", case.path()), "/api/v1/queue".to_owned()] {
                let reply = app.get(&path, by).send();
                let _ = reply.expect(200);
                assert_eq!(holds_any(&reply.text, &secrets), None, "{engine}: {reply}");
            }
        }
        let own = app.get(&case.path(), &consumer).send();
        assert!(own.text.contains(NAME) && own.text.contains("139 1234 5678"), "{engine}: {own}");
    }
}

/// PRV-06: what is masked is shown to those who work on the case, with a reason, within a limit, and leaves an entry.
#[test]
fn prv_06_unmasking_needs_a_reason_has_a_limit_and_leaves_an_entry() {
    for engine in engines() {
        let app = Start::on(engine).set("PRIVACY__UNMASK_PER_DAY", "2").start();
        let case = filing().file(&app);
        let officer = app.officer(&case.office());
        let path = format!("{}/unmask", case.path());
        let ask = |fields: Value, reason: Value| {
            app.post(&path, &officer).json(&json!({ "fields": fields, "reason": reason })).send()
        };
        assert_eq!(ask(json!(["phone"]), json!("短")).pointers(), ["/reason"], "{engine}");
        assert_eq!(ask(json!(["phone"]), Value::Null).pointers(), ["/reason"], "{engine}");
        assert_eq!(ask(json!([]), json!("回电核实情况")).pointers(), ["/fields"], "{engine}");
        assert_eq!(ask(json!(["phone", "doc"]), json!("回电核实情况")).pointers(), ["/fields/1"], "{engine}");
        for (by, status) in [
            (app.consumer(&case), 403),
            (app.auditor("320000"), 403),
            (app.officer("amr-320102"), 404),
            (app.staff("admin", None, None), 404),
        ] {
            let body = json!({ "fields": ["phone"], "reason": "回电核实情况" });
            app.post(&path, &by).json(&body).send().problem(status);
        }

        let reason = "回电欧阳海棠核实情况";
        let shown = ask(json!(["phone", "narrative"]), json!(reason));
        let view = shown.expect(200);
        assert!(shown.text.contains(&format!("+86{PHONE}")) && shown.text.contains("139 1234 5678"), "{shown}");
        assert_eq!(view["parties"][0].get("name"), None, "{shown}");
        ask(json!(["name", "email", "address"]), json!(reason)).expect(200);
        let third = ask(json!(["name"]), json!(reason));
        assert_eq!(third.problem(429)["code"], "too_many_requests", "{engine}");
        assert!(third.header("retry-after").parse::<u64>().is_ok_and(|wait| (1..=86_400).contains(&wait)), "{third}");

        let auditor = app.auditor("320000");
        let reply = app.get(&format!("/api/v1/audit?kind=unmask&case={}", case.reference), &auditor).send();
        let entries = reply.expect(200)["items"].as_array().unwrap().clone();
        assert_eq!(entries.len(), 2, "{engine}: {reply}");
        assert_eq!(entries[1]["data"]["fields"], json!(["phone", "narrative"]), "{reply}");
        assert_eq!((&entries[1]["reason"], &entries[1]["case"]), (&json!(reason), &json!(case.reference)), "{reply}");
        assert_eq!(entries[1]["request_id"], shown.header("x-request-id"), "{reply}");
        assert!(app.run(&["audit", "verify"], None).status.success(), "{engine}");
    }
}

/// PRV-13: who reported is shown to the office alone, also for a reason.
#[test]
fn prv_13_a_reporter_is_known_to_the_office_alone() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let filing = FilingBuilder::report()
            .with("/anonymous", false)
            .with("/complainant", json!({ "name": NAME, "phone": PHONE, "id_number": ID }));
        let case = filing.file(&app);
        let path = format!("{}/unmask", case.path());
        let body = json!({ "fields": ["name", "phone"], "reason": "回电核实情况" });
        for by in [app.supervisor("320000"), app.dispatcher("320000"), app.auditor("320000")] {
            app.post(&path, &by).json(&body).send().problem(403);
            let seen = app.get(&case.path(), &by).send();
            assert_eq!(holds_any(&seen.text, &[NAME, PHONE, "欧***", "139****5678"]), None, "{engine}: {seen}");
        }
        let shown = app.post(&path, &app.officer(&case.office())).json(&body).send();
        let _ = shown.expect(200);
        assert!(shown.text.contains(NAME) && !shown.text.contains(ID), "{engine}: {shown}");
    }
}

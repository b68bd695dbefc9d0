//! The life of a case through HTTP: each step with who takes it, what it needs, and what it leads to.

use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::people::offered;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::{Value, json};

/// Where the clock of these tests starts: a Tuesday under Order 121.
const NOW: &str = "2026-06-02T02:00:00Z";
/// A day after it, for dates that lie ahead.
const AHEAD: &str = "2026-07-15";

/// A clock of a case by its kind, the last that was started.
fn clock<'a>(view: &'a Value, kind: &str) -> Option<&'a Value> {
    view["clocks"].as_array().expect("clocks").iter().rev().find(|clock| clock["kind"] == kind)
}

/// A case that lies with its office, with the officer and the person who filed.
fn dispatched(app: &TestApp, filing: &FilingBuilder) -> (Case, Session, Session) {
    let case = filing.file(app);
    assert_eq!(case.answer["state"], "dispatched", "{}", case.answer);
    let officer = app.officer(&case.office());
    let consumer = app.consumer(&case);
    (case, officer, consumer)
}

fn mediating(app: &TestApp, case: &Case, officer: &Session, consumer: &Session) {
    app.step(case, officer, "accept", &json!({}), "accepted");
    app.step(case, consumer, "record_consent", &json!({ "given": true }), "accepted");
    app.step(case, officer, "record_consent", &json!({ "party": "respondent", "given": true }), "accepted");
    app.step(case, officer, "start_mediation", &json!({}), "mediating");
}

#[test]
fn a_complaint_goes_from_filing_to_settlement_is_rated_and_opened_again() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let filing = FilingBuilder::complete().without("/respondent/address");
        let (case, officer, consumer) = dispatched(&app, &filing);

        // Acceptance needs what Article 10 asks for, and isn't offered before.
        assert!(!offered(&app.case(&case, &officer)).contains(&"accept".to_owned()));
        let refused = app.act(&case, &officer, "accept", &json!({}));
        let problem = refused.problem(409);
        assert_eq!(problem["condition"], "missing_for_acceptance", "{refused}");
        assert!(refused.text.contains("/respondent/address"), "{refused}");
        let supplied = json!({ "respondent": { "address": "南京市江宁区双龙大道1号" } });
        let after = app.step(&case, &consumer, "supply", &supplied, "dispatched");
        assert_eq!(after["missing_for_acceptance"], json!([]), "{after}");
        app.step(&case, &officer, "request_id", &json!({ "deadline": "2026-06-10" }), "id_requested");
        let proof = json!({ "complainant": { "id_number": "11010519491231002X" } });
        app.step(&case, &consumer, "supply", &proof, "dispatched");
        let accepted = app.step(&case, &officer, "accept", &json!({}), "accepted");
        assert!(clock(&accepted, "MEDIATE").is_some(), "{accepted}");

        // Mediation needs the word of both.
        let early = app.act(&case, &officer, "start_mediation", &json!({}));
        assert_eq!(early.problem(409)["condition"], "consent_missing", "{early}");
        let other_side = app.act(&case, &consumer, "record_consent", &json!({ "party": "respondent", "given": true }));
        assert_eq!(other_side.pointers(), ["/party"]);
        app.step(&case, &consumer, "record_consent", &json!({ "given": true }), "accepted");
        app.step(&case, &officer, "record_consent", &json!({ "party": "respondent", "given": true }), "accepted");
        app.step(&case, &officer, "start_mediation", &json!({}), "mediating");
        app.step(&case, &officer, "suspend", &json!({ "cause": "testing" }), "suspended");
        app.step(&case, &officer, "resume", &json!({}), "mediating");
        let settlement = json!({ "outcome": "mediated", "amount": "2000.00", "performance_date": AHEAD });
        let settled = app.step(&case, &officer, "settle", &settlement, "settled");
        assert!(clock(&settled, "NOTIFY").is_some(), "ending an accepted complaint owes both sides word: {settled}");

        let rating = json!({ "solved": true, "satisfied": 5, "contacted": true, "text": "处理很快" });
        app.step(&case, &consumer, "rate", &rating, "settled");
        app.act(&case, &officer, "rate", &rating).problem(403);
        app.step(&case, &consumer, "reopen", &json!({ "reason": "商家没有履行" }), "dispatched");
        mediating(&app, &case, &officer, &consumer);
        let ground = json!({ "ground": "T23_3", "reason": "双方未能达成一致" });
        app.step(&case, &officer, "terminate", &ground, "terminated");
        // Once only.
        let again = app.act(&case, &consumer, "reopen", &json!({ "reason": "再次" }));
        assert_eq!(again.problem(409)["condition"], "already_reopened", "{again}");

        let events = app.events(&case, &officer);
        let actions: Vec<&str> = events.iter().map(|event| event["action"].as_str().unwrap()).collect();
        let expected = "file supply request_id supply accept record_consent record_consent start_mediation suspend resume \
                        settle rate reopen accept record_consent record_consent start_mediation terminate";
        assert_eq!(actions.join(" "), expected, "{engine}");
        assert_whole(&events, &app.case(&case, &officer));
    }
}

#[test]
fn a_station_helps_to_settle_first() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let filing = FilingBuilder::complete().with("/division", "320115001").with("/settle_first", true);
        let case = filing.file(&app);
        assert_eq!(case.answer["state"], "negotiating", "{}", case.answer);
        let station = app.station(&case.station().expect("a station"));
        // The contact and end limits of a station are policy; no statutory clock runs.
        let view = app.case(&case, &station);
        assert!(clock(&view, "STATION_END").is_some() && clock(&view, "ACCEPT").is_none(), "{view}");
        let mediated = json!({ "outcome": "mediated", "amount": "100.00", "performance_date": AHEAD });
        assert_eq!(app.act(&case, &station, "settle", &mediated).pointers(), ["/outcome"]);
        let between = json!({ "outcome": "self_settled", "amount": "100.00", "performance_date": AHEAD });
        let settled = app.step(&case, &station, "settle", &between, "settled");
        assert!(clock(&settled, "NOTIFY").is_none(), "nobody accepted it: {settled}");

        // Another that doesn't come to terms goes to the office.
        let second = filing.clone().phone("13900139000").file(&app);
        app.act(&second, &station, "hand_over", &json!({})).pointers();
        let record = json!({ "record": "商家不同意退款" });
        app.step(&second, &station, "hand_over", &record, "dispatched");
        let officer = app.officer(&second.office());
        let view = app.case(&second, &officer);
        assert!(clock(&view, "ACCEPT").is_some(), "{view}");
        assert_whole(&app.events(&second, &officer), &view);
    }
}

#[test]
fn a_refusal_names_its_ground_and_ends_the_case() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let (case, officer, consumer) = dispatched(&app, &FilingBuilder::complete());
        let pointers = app.act(&case, &officer, "refuse", &json!({})).pointers();
        assert_eq!(pointers, ["/ground", "/reason"], "{engine}");
        // The grounds are those of the rule version that binds the case.
        let other_rule = json!({ "ground": "R15_1", "reason": "不属于本局职责" });
        assert_eq!(app.act(&case, &officer, "refuse", &other_rule).pointers(), ["/ground"]);
        let ground = json!({ "ground": "R16_3", "reason": "不是生活消费" });
        let view = app.step(&case, &officer, "refuse", &ground, "refused");
        assert_eq!(view["version"], 2);
        // Nothing more than the table gives.
        app.act(&case, &officer, "accept", &json!({})).problem(409);
        let withdrawn = app.act(&case, &consumer, "withdraw", &json!({ "reason": "算了" })).problem(409);
        assert_eq!(withdrawn["code"], "not_now");
        let allowed = withdrawn["allowed_actions"].as_array().expect("what can be done instead");
        assert!(allowed.contains(&json!("reopen")) && allowed.contains(&json!("rate")), "{withdrawn}");
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

#[test]
fn two_returns_open_a_dispute_that_the_common_superior_ends() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let (case, officer, _) = dispatched(&app, &FilingBuilder::complete());
        let dispatcher = app.dispatcher("320000");
        let reason = json!({ "reason": "不归本局管辖" });
        app.step(&case, &officer, "return", &reason, "returned");
        // No sideways edge: an officer can't give it to another office.
        app.act(&case, &officer, "dispatch", &json!({ "office": "amr-320102" })).problem(403);
        app.step(&case, &dispatcher, "dispatch", &json!({ "office": "amr-320102" }), "dispatched");
        // It is another office's now.
        app.get(&case.path(), &officer).send().problem(404);
        let second = app.officer("amr-320102");
        app.step(&case, &second, "return", &reason, "returned");
        let disputed = app.case(&case, &dispatcher);
        assert!(clock(&disputed, "COMPETENCE_DISPUTE").is_some(), "{disputed}");
        let by_dispatcher = app.act(&case, &dispatcher, "dispatch", &json!({ "office": "amr-320115" }));
        assert_eq!(by_dispatcher.problem(409)["condition"], "in_dispute", "{by_dispatcher}");
        // Both places lie in Nanjing; an office elsewhere is beyond its supervisor.
        let superior = app.supervisor("320100");
        let elsewhere = json!({ "office": "amr-320505", "reason": "指定" });
        assert_eq!(app.act(&case, &superior, "designate", &elsewhere).pointers(), ["/office"]);
        let here = json!({ "office": "amr-320115", "reason": "指定管辖" });
        app.step(&case, &superior, "designate", &here, "dispatched");
        let back = app.act(&case, &officer, "return", &reason);
        assert_eq!(back.problem(409)["condition"], "designated", "{back}");
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

#[test]
fn a_step_needs_the_version_the_role_and_the_scope() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let (case, officer, consumer) = dispatched(&app, &FilingBuilder::complete());
        let path = format!("{}/transitions", case.path());
        let note = json!({ "action": "note", "text": "已联系商家" });
        app.post(&path, &officer).json(&note).send().problem(428);
        app.act_at(&case, &officer, "note", &json!({ "text": "一" }), 7).problem(412);
        let first = app.act_at(&case, &officer, "note", &json!({ "text": "一" }), 1).expect(200);
        assert_eq!(first["version"], 2, "{first}");
        // The same version again is stale, and nothing was written twice.
        app.act_at(&case, &officer, "note", &json!({ "text": "一" }), 1).problem(412);
        app.post(&path, &officer).header("If-Match", "nonsense").json(&note).send();
        assert_eq!(app.events(&case, &officer).len(), 2, "{engine}");

        app.act(&case, &consumer, "accept", &json!({})).problem(403);
        app.act(&case, &officer, "withdraw", &json!({ "reason": "x" })).problem(403);
        assert_eq!(app.act(&case, &officer, "note", &json!({ "text": "x", "colour": "red" })).pointers(), ["/colour"]);
        app.post(&path, &officer).header("If-Match", "\"2\"").json(&json!({ "action": "explode" })).send().problem(422);
        let foreign = app.officer("amr-320102");
        app.get(&case.path(), &foreign).send().problem(404);
        app.get(&format!("{}/events", case.path()), &foreign).send().problem(404);
        app.act_at(&case, &foreign, "accept", &json!({}), 2).problem(404);
        let unknown = format!("/api/v1/cases/{}", case.reference.replace(char::is_numeric, "7"));
        assert!([404, 422].contains(&app.get(&unknown, &officer).send().status));
        let view = app.case(&case, &officer);
        assert_eq!((view["version"].clone(), view["state"].clone()), (json!(2), json!("dispatched")), "{view}");

        // Two at once: one is taken, the other is told.
        let replies: Vec<u16> = std::thread::scope(|scope| {
            let acting: Vec<_> = (0..8)
                .map(|n| {
                    let (app, case, officer) = (&app, &case, &officer);
                    scope.spawn(move || app.act_at(case, officer, "note", &json!({ "text": format!("{n}") }), 2).status)
                })
                .collect();
            acting.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let taken = replies.iter().filter(|status| **status == 200).count();
        assert!(taken == 1 && replies.iter().all(|status| [200, 412].contains(status)), "{engine}: {replies:?}");
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

#[test]
fn a_report_is_verified_extended_once_and_decided() {
    for engine in engines() {
        let app = Start::on(engine).at(NOW).start();
        let filing = FilingBuilder::report().with("/sector", "product_quality");
        let (case, officer, consumer) = dispatched(&app, &filing);
        let before = clock(&app.case(&case, &officer), "REPORT_FILE").expect("its clock")["due"].clone();
        let longer = json!({ "approval": "局长批准 2026-1" });
        let view = app.step(&case, &officer, "extend", &longer, "verifying");
        let after = clock(&view, "REPORT_FILE").expect("its clock")["due"].clone();
        assert!(after.as_str() > before.as_str(), "{before} {after}");
        assert_eq!(app.act(&case, &officer, "extend", &longer).problem(409)["condition"], "already_extended");
        app.act(&case, &officer, "accept", &json!({})).problem(403);
        let decision = json!({ "decision": "filed", "reason": "有证据证明涂改生产日期" });
        app.step(&case, &officer, "decide_filing", &decision, "filed");
        app.step(&case, &consumer, "rate", &json!({ "solved": true, "satisfied": 4, "contacted": false }), "filed");
        assert_whole(&app.events(&case, &officer), &app.case(&case, &officer));
    }
}

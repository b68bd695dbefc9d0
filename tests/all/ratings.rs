//! The complainant is asked by the service how an end was handled, and answers by a link: no sign-in, one answer, for a while.

use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{Browser, Engine, FilingBuilder, Session, TestApp, engines, until};
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::time::Duration;

/// A Tuesday under Order 121.
const NOW: &str = "2026-06-02T02:00:00Z";

fn start(engine: Engine) -> TestApp {
    Start::on(engine)
        .at(NOW)
        .set("SMS__QUIET", "")
        .set("NOTIFY__POLL_MS", "50")
        .set("RATING__ASK_AFTER_HOURS", "0")
        .start()
}

/// Every message that asks for a rating: to whom, and its token.
fn asked(app: &TestApp) -> BTreeSet<(String, String)> {
    let files = fs::read_dir(app.data().join("outbox")).into_iter().flatten();
    files
        .filter_map(|file| {
            let path = file.unwrap().path();
            let text = path.to_str()?.ends_with(".sms.txt").then(|| fs::read_to_string(&path).ok())??;
            let to = text.lines().next()?.strip_prefix("To: ")?.to_owned();
            let token = text.split_once("/r/")?.1.trim().to_owned();
            Some((to, token))
        })
        .collect()
}

/// The tokens, once there are so many.
#[track_caller]
fn tokens(app: &TestApp, many: usize) -> Vec<(String, String)> {
    let found = until("a message that asks", || Some(asked(app)).filter(|found| found.len() >= many));
    assert_eq!(found.len(), many, "{}: {found:?}", app.engine);
    found.into_iter().collect()
}

fn mediated(app: &TestApp, case: &Case, officer: &Session, consumer: &Session) {
    app.step(case, officer, "accept", &json!({}), "accepted");
    app.step(case, consumer, "record_consent", &json!({ "given": true }), "accepted");
    app.step(case, officer, "record_consent", &json!({ "party": "respondent", "given": true }), "accepted");
    app.step(case, officer, "start_mediation", &json!({}), "mediating");
    let agreed = json!({ "outcome": "mediated", "amount": "2000.00", "performance_date": "2026-12-01" });
    app.step(case, officer, "settle", &agreed, "settled");
}

/// A request without any sign-in.
fn path(token: &str) -> String {
    format!("/api/v1/ratings/{token}")
}

#[test]
fn a_link_asks_once_takes_an_answer_and_its_change_and_ends() {
    for engine in engines() {
        let mut app = start(engine);
        let nobody = Session::anonymous();
        // The merchant is told of the end, and never asked.
        let case = FilingBuilder::complete().with("/respondent/phone", "13900139000").file(&app);
        let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
        mediated(&app, &case, &officer, &consumer);
        let found = tokens(&app, 1);
        let (to, token) = &found[0];
        assert_eq!(to, "+8613800138000", "{engine}");

        let form = app.get(&path(token), &nobody).send().expect(200);
        assert_eq!(
            form,
            json!({
                "reference": case.reference, "kind": "complaint", "respondent": "某某车行", "state": "settled",
                "ended_on": "2026-06-02", "open_until": "2026-07-02", "answer": null,
            }),
            "{engine}"
        );
        // Nothing is taken that wasn't said.
        let partial = app.post(&path(token), &nobody).json(&json!({ "satisfied": 6 })).send();
        assert_eq!(partial.pointers(), ["/solved", "/satisfied", "/contacted"], "{partial}");
        assert_eq!(app.get(&path(token), &nobody).send().expect(200)["answer"], Value::Null);

        let given = json!({ "solved": true, "satisfied": 2, "contacted": true, "text": "等得太久" });
        let answered = app.post(&path(token), &nobody).json(&given).send().expect(200);
        assert_eq!((&answered["answer"]["satisfied"], &answered["open_until"]), (&json!(2), &json!("2026-06-22")));
        let again = json!({ "solved": true, "satisfied": 5, "contacted": true });
        let changed = app.post(&path(token), &nobody).json(&again).send().expect(200);
        assert_eq!(changed["answer"], json!({ "solved": true, "satisfied": 5, "contacted": true, "on": "2026-06-02" }));

        // It counts, once, as it stands; the handler can't see or give it.
        let supervisor = app.supervisor("320115");
        let figures = app.get("/api/v1/metrics/summary?from=2026-06-01&to=2026-06-30", &supervisor).send().expect(200);
        let rate = figures["rates"].as_array().unwrap().iter().find(|rate| rate["code"] == "satisfaction").unwrap();
        assert_eq!((&rate["numerator"], &rate["denominator"]), (&json!(1), &json!(1)), "{engine}: {rate}");
        app.act(&case, &officer, "rate", &again).problem(403);

        // No other token opens anything: one bit changed, cut, or another case's.
        let last = if token.ends_with('A') { "B" } else { "A" };
        for odd in
            [format!("{}{last}", &token[..token.len() - 1]), token[1..].to_owned(), "x".to_owned(), "A".repeat(54)]
        {
            app.get(&path(&odd), &nobody).send().problem(404);
            app.post(&path(&odd), &nobody).json(&again).send().problem(404);
        }

        app.restart_at("2026-06-22T02:00:00Z");
        app.post(&path(token), &nobody).json(&given).send().expect(200);
        app.restart_at("2026-06-23T02:00:00Z");
        let late = app.post(&path(token), &nobody).json(&again).send();
        assert_eq!(late.problem(410)["code"], "link_expired", "{late}");
        app.get(&path(token), &nobody).send().problem(410);
    }
}

#[test]
fn an_end_that_was_undone_is_rated_no_more_and_the_next_one_has_its_own_link() {
    for engine in engines() {
        let app = start(engine);
        let nobody = Session::anonymous();
        let case = FilingBuilder::complete().file(&app);
        let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
        let refusal = json!({ "ground": "R16_1", "reason": "不属于本机关职责" });
        app.step(&case, &officer, "refuse", &refusal, "refused");
        let first = tokens(&app, 1)[0].1.clone();
        app.step(&case, &consumer, "reopen", &json!({ "reason": "属于你们管" }), "dispatched");
        app.get(&path(&first), &nobody).send().problem(410);
        app.step(&case, &officer, "refuse", &refusal, "refused");
        let both = tokens(&app, 2);
        let second = &both.iter().find(|(_, token)| *token != first).expect("another link").1;
        app.get(&path(&first), &nobody).send().problem(410);
        app.get(&path(second), &nobody).send().expect(200);

        // Who takes a case back, or reports without a name, is asked nothing.
        let withdrawn = FilingBuilder::complete().phone("13700137000").file(&app);
        app.step(&withdrawn, &app.consumer(&withdrawn), "withdraw", &json!({ "reason": "已解决" }), "withdrawn");
        std::thread::sleep(Duration::from_millis(600));
        assert_eq!(asked(&app).len(), 2, "{engine}");
    }
}

/// One that waits to be sent is called off when it has been answered otherwise.
#[test]
fn who_has_answered_already_is_not_asked() {
    for engine in engines() {
        let mut app = Start::on(engine).at(NOW).set("SMS__QUIET", "").set("NOTIFY__POLL_MS", "50").start();
        let cases = [FilingBuilder::complete().file(&app), FilingBuilder::complete().phone("13700137000").file(&app)];
        for case in &cases {
            let officer = app.officer(&case.office());
            mediated(&app, case, &officer, &app.consumer(case));
        }
        let rating = json!({ "solved": true, "satisfied": 5, "contacted": true });
        app.step(&cases[0], &app.consumer(&cases[0]), "rate", &rating, "settled");
        app.restart_at("2026-06-03T02:30:00Z");
        assert_eq!(tokens(&app, 1)[0].0, "+8613700137000", "{engine}");
    }
}

/// The page behind the link: three questions, nothing chosen beforehand, also without scripts.
#[test]
fn the_link_leads_to_a_page_with_three_questions() {
    let mut app = start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
    mediated(&app, &case, &officer, &consumer);
    let token = tokens(&app, 1).remove(0).1;
    {
        let Some(browser) = Browser::of(&app) else { return };
        browser.open(&format!("/r/{token}"));
        browser.is_sound();
        browser.pictures("rate");
        assert_eq!(browser.count("input:checked"), 0, "nothing is chosen beforehand");
        browser.scripts(false);
        browser.send(&[("solved", "no"), ("contacted", "yes")]);
        browser.sees("选一下满意程度");
        assert_eq!(browser.count("[name=solved][value=no]:checked"), 1, "what was chosen stays");
        browser.send(&[("satisfied", "2")]);
        browser.sees("收到了，谢谢");
        assert_eq!(app.case(&case, &consumer)["rating"]["satisfied"], 2);
        browser.open(&format!("/r/{token}"));
        browser.sees("您评价过了");
    }
    app.restart_at("2026-08-02T02:00:00Z");
    let over = app.get(&format!("/r/{token}"), &Session::anonymous()).header("accept", "text/html").send();
    assert!(over.status == 410 && over.text.contains("这个链接已经过期"), "{over}");
    let none = app.get("/r/nonsense", &Session::anonymous()).header("accept", "text/html").send();
    assert_eq!(none.status, 404, "{none}");
}

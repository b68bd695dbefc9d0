//! Figures through HTTP: the same on both engines, and each opens exactly the cases that it counts.

use crate::support::{Engine, FilingBuilder, TestApp, engines, server::Start};
use serde_json::{Value, json};

const PERIOD: &str = "from=2026-06-01&to=2026-06-30";

/// A day's work: cases at every stage, of two sectors.
fn work(app: &TestApp) {
    for n in 0..8 {
        let filing = FilingBuilder::complete().phone(&format!("1380013810{n}"));
        let case = if n == 7 { filing.with("/sector", "courier") } else { filing }.file(app);
        let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
        let rating = |satisfied| json!({ "solved": true, "satisfied": satisfied, "contacted": true });
        match n {
            0..=3 => {
                app.step(&case, &officer, "accept", &json!({}), "accepted");
                if n > 0 {
                    let settled =
                        json!({ "outcome": "self_settled", "amount": "120.50", "performance_date": "2026-06-02" });
                    app.step(&case, &officer, "settle", &settled, "settled");
                    app.step(&case, &consumer, "rate", &rating(2 + n), "settled");
                }
            }
            4 => {
                _ = app.step(
                    &case,
                    &officer,
                    "refuse",
                    &json!({ "ground": "R16_3", "reason": "不是生活消费" }),
                    "refused",
                )
            }
            5 => _ = app.step(&case, &officer, "return", &json!({ "reason": "不属本局" }), "returned"),
            6 => _ = app.step(&case, &consumer, "withdraw", &json!({ "reason": "已解决" }), "withdrawn"),
            _ => {}
        }
    }
    let report = FilingBuilder::report().with("/sector", "product_quality").file(app);
    let officer = app.officer(&report.office());
    app.step(&report, &officer, "decide_filing", &json!({ "decision": "filed", "reason": "属实" }), "filed");
}

/// Without the words, which are the product's and long.
fn numbers(mut value: Value) -> Value {
    fn strip(value: &mut Value) {
        match value {
            Value::Object(members) => {
                for words in ["definition", "source", "name"] {
                    members.remove(words);
                }
                members.values_mut().for_each(strip);
            }
            Value::Array(items) => items.iter_mut().for_each(strip),
            _ => {}
        }
    }
    strip(&mut value);
    value
}

#[test]
fn every_figure_opens_exactly_the_cases_that_it_counts() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        work(&app);
        let supervisor = app.supervisor("320000");
        let summary = app.get(&format!("/api/v1/metrics/summary?{PERIOD}"), &supervisor).send().expect(200);
        let (mut compared, mut with_cases) = (0, 0);
        for rate in summary["rates"].as_array().expect("rates") {
            for part in ["numerator", "denominator", "excluded"] {
                let (Some(url), Some(number)) = (rate["cases_url"][part].as_str(), rate[part].as_u64()) else {
                    continue;
                };
                // A page of two, so that the list goes on over pages.
                let listed = app.pages(&format!("{url}&limit=2"), &supervisor);
                let mut references: Vec<&str> = listed.iter().filter_map(|one| one["reference"].as_str()).collect();
                references.sort_unstable();
                references.dedup();
                assert_eq!(references.len() as u64, number, "{engine}: {part} of {rate}");
                assert_eq!(listed.len(), references.len(), "{engine}: a case stands in two pages of {url}");
                compared += 1;
                with_cases += u32::from(number > 0);
            }
        }
        assert!(
            compared >= 20 && with_cases >= 12,
            "{engine}: {compared} lists compared, {with_cases} of them with cases"
        );
    }
}

#[test]
fn series_breakdown_and_scorecard_are_the_same_on_both_engines() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        work(&app);
        let supervisor = app.supervisor("320000");
        let ask = |path: &str| numbers(app.get(&format!("/api/v1/metrics/{path}"), &supervisor).send().expect(200));
        insta::assert_json_snapshot!("timeseries", ask("timeseries?from=2026-05-01&to=2026-06-30&interval=month"));
        insta::assert_json_snapshot!("breakdown", ask(&format!("breakdown?{PERIOD}&by=sector")));
        insta::assert_json_snapshot!("scorecard", ask(&format!("scorecard?{PERIOD}")));
        let officer = app.officer("amr-320115");
        app.get(&format!("/api/v1/metrics/breakdown?{PERIOD}&by=weather"), &officer).send().problem(422);
    }
}

#[test]
fn a_rate_of_few_cases_is_shown_as_counts_and_how_few_is_the_installations() {
    for (setting, is_shown) in [("10", false), ("8", true), ("0", true)] {
        let app = Start::on(Engine::Sqlite).at("2026-06-02T02:00:00Z").set("MEASURE__SMALL_NUMBER", setting).start();
        work(&app);
        let supervisor = app.supervisor("320000");
        let reply = app.get(&format!("/api/v1/metrics/summary?{PERIOD}"), &supervisor).send();
        let summary = reply.expect(200);
        let rates = summary["rates"].as_array().expect("rates");
        let returned = rates.iter().find(|rate| rate["code"] == "return").expect("the rate of returns");
        assert_eq!(returned["denominator"], 8, "{reply}");
        assert_eq!((&returned["small"], returned["value"].is_number()), (&json!(!is_shown), is_shown), "{returned}");
        // Of nothing there is no rate, however small a number may be.
        let none = rates.iter().find(|rate| rate["denominator"] == 0).expect("a rate of nothing");
        assert_eq!(none["value"], Value::Null, "{none}");
    }
}

/// Referred by the dispatcher, it was disposed of without a decision of the office; opened again, that is awaited.
#[test]
fn a_case_that_was_referred_and_opened_again_is_missed_when_nobody_decides_it() {
    for engine in engines() {
        let mut app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
        let case = FilingBuilder::complete().file(&app);
        let (officer, dispatcher) = (app.officer(&case.office()), app.dispatcher("320000"));
        let reason = json!({ "reason": "说明" });
        app.step(&case, &officer, "return", &reason, "returned");
        app.step(&case, &dispatcher, "transfer", &json!({ "body": "police", "reason": "涉嫌犯罪" }), "transferred");
        app.step(&case, &app.consumer(&case), "reopen", &reason, "dispatched");
        // Seven working days from 2 June end on 11 June.
        for (day, missed) in [("2026-06-11", 0), ("2026-06-12", 1)] {
            app.restart_at(&format!("{day}T02:00:00Z"));
            let supervisor = app.supervisor("320000");
            let path = format!("/api/v1/metrics/summary?from=2026-06-01&to={day}");
            let summary = app.get(&path, &supervisor).send().expect(200);
            let rate = |code: &str| {
                let rates = summary["rates"].as_array().expect("rates");
                rates.iter().find(|rate| rate["code"] == code).expect("the rate").clone()
            };
            let counts = |rate: &Value| ["numerator", "denominator", "excluded"].map(|part| rate[part].as_i64());
            let (handling, decision) = (rate("handling"), rate("timely_decision"));
            assert_eq!(counts(&handling), [Some(1), Some(1), Some(0)], "{engine} {day}: {handling}");
            assert_eq!(counts(&decision), [Some(0), Some(missed), Some(1 - missed)], "{engine} {day}: {decision}");
            for (rate, part) in [&handling, &decision]
                .into_iter()
                .flat_map(|rate| ["numerator", "denominator", "excluded"].map(|part| (rate, part)))
            {
                let listed = app.pages(rate["cases_url"][part].as_str().expect("a list"), &supervisor);
                assert_eq!(Some(listed.len() as i64), rate[part].as_i64(), "{engine} {day}: {part} of {rate}");
            }
        }
    }
}

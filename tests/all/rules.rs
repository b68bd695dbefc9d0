//! Which procedure binds a case: by its day of receipt and its office, with the clocks that follow from it.

use crate::support::{TestApp, engines, server::Start};
use serde_json::{Value, json};

/// Imports one line as the only case of its sector and division, and gives it as the province's supervisor sees it.
#[track_caller]
fn imported(app: &TestApp, line: &Value) -> Value {
    let supervisor = app.supervisor("320000");
    let file = app.data().join("line.jsonl");
    std::fs::write(&file, line.to_string()).unwrap();
    let known: Vec<Value> = app.pages("/api/v1/queue?limit=100", &supervisor);
    let output = app.run(&["import", file.to_str().unwrap(), "--json", "--trust-labels"], None);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let now = app.pages("/api/v1/queue?limit=100", &supervisor);
    let new: Vec<_> =
        now.iter().filter(|line| !known.iter().any(|old| old["reference"] == line["reference"])).collect();
    assert_eq!(new.len(), 1, "{now:?}");
    let path = format!("/api/v1/cases/{}", new[0]["reference"].as_str().unwrap());
    app.get(&path, &supervisor).send().expect(200)
}

fn line(id: &str, sector: &str, received_at: &str) -> Value {
    json!({
        "id": id, "kind": "complaint", "narrative": "买的商品三天就坏了，商家不肯退款", "sector": sector,
        "respondent": { "name": "示例商店", "division": "320115" }, "received_at": received_at,
    })
}

#[test]
fn the_rule_and_its_clocks_follow_from_the_day_of_receipt_and_the_office() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-04-20T02:00:00Z").start();
        let trusted = |id: &str, sector: &str, at: &str| imported(&app, &line(id, sector, at));
        // The last day of Order 20, as Shanghai counts days, and the first of Order 121.
        let before = trusted("before", "product_quality", "2026-04-14T15:59:59Z");
        let after = trusted("after", "product_quality", "2026-04-14T16:00:00Z");
        let courier = trusted("courier", "courier", "2026-04-16T02:00:00Z");
        let told = |view: &Value| {
            let clock = &view["clocks"][0];
            [&clock["kind"], &clock["rule"], &clock["due"]].map(|value| value.as_str().unwrap_or("-").to_owned())
        };
        assert_eq!(told(&before), ["ACCEPT", "order-20", "2026-04-23"], "{before}");
        assert_eq!(told(&after), ["ACCEPT", "order-121", "2026-04-24"], "{after}");
        let [kind, rule, due] = told(&courier);
        assert_eq!((kind.as_str(), due.as_str()), ("OTHER_DEPT", "2026-04-27"), "{courier}");
        assert!(rule != "order-20" && rule != "order-121", "{courier}");

        // Each rule version has its own grounds.
        let officer = app.officer("amr-320115");
        for (view, ground) in [(&before, "R15_3"), (&after, "R16_3")] {
            let reference = view["reference"].as_str().unwrap();
            let seen = app.get(&format!("/api/v1/cases/{reference}"), &officer).send().expect(200);
            let actions = seen["available_actions"].as_array().unwrap();
            let refuse = actions.iter().find(|one| one["action"] == "refuse").unwrap_or_else(|| panic!("{seen}"));
            let field = refuse["fields"].as_array().unwrap().iter().find(|field| field["name"] == "ground").unwrap();
            assert!(field["allowed"].as_array().unwrap().contains(&json!(ground)), "{refuse}");
        }
    }
}

#[test]
fn route_lint_knows_which_offices_have_people() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let lint = || {
            let output = app.run(&["route", "lint", "--json"], None);
            let told: Value = serde_json::from_slice(&output.stdout).expect("JSON");
            let empty = told["findings"].as_array().expect("findings").iter();
            let empty = empty.filter(|finding| finding["code"] == "office_without_people");
            let places: Vec<String> = empty.map(|one| one["place"].as_str().expect("a place").to_owned()).collect();
            (told["accounts_read"].clone(), places)
        };
        // Nobody works here yet: every office would be found, and none is.
        assert_eq!(lint(), (json!(false), Vec::new()), "{engine}");
        app.officer("amr-320115");
        let (read, empty) = lint();
        assert_eq!(read, true, "{engine}");
        assert!(empty.contains(&"amr-320102".to_owned()), "{engine}: an office without people isn't told of");
        assert!(!empty.contains(&"amr-320115".to_owned()), "{engine}: an office with people is told to have none");
    }
}

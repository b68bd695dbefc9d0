//! Previews of classification and routing: what would happen, with nothing kept.

use crate::support::{Engine, Session, server::Start};
use serde_json::json;

#[test]
fn a_text_is_classified_and_a_case_routed_without_being_filed() {
    // Nothing of it touches the database, so one engine tells all.
    let app = Start::on(Engine::Sqlite).at("2026-06-02T02:00:00Z").start();
    let anyone = Session::anonymous();
    let text = "快递三天没有更新，客服一直不理";
    insta::assert_json_snapshot!(
        "classify",
        app.post("/api/v1/classify", &anyone).json(&json!({ "text": text })).send().expect(200)
    );
    let asked = json!({ "text": text, "respondent": { "division": "320115" }, "on": "2018-06-01", "lang": "en" });
    insta::assert_json_snapshot!("route_2018", app.post("/api/v1/route", &anyone).json(&asked).send().expect(200));
    let asked = json!({ "sector": "product_quality", "respondent": { "division": "320115" } });
    insta::assert_json_snapshot!("route_today", app.post("/api/v1/route", &anyone).json(&asked).send().expect(200));
    let wrong = app.post("/api/v1/route", &anyone).json(&json!({ "sector": "cars", "on": "yesterday" })).send();
    assert_eq!(wrong.pointers(), ["/sector", "/on"]);
    assert_eq!(app.post("/api/v1/classify", &anyone).json(&json!({ "text": "a" })).send().pointers(), ["/text"]);
    let supervisor = app.supervisor("320000");
    assert!(app.pages("/api/v1/queue?limit=5", &supervisor).is_empty(), "a preview keeps nothing");
}

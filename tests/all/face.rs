//! The consumer's face in a real browser: from the first word to the receipt and on to the rating, with and without scripts,
//! in both languages and in elder mode.

use crate::support::{Browser, Engine, Session, TestApp, engines};
use serde_json::Value;

/// What an invented person writes.
const STORY: &str = "11月8日在示例车行买了一辆电动车，2680元。骑了三天电池就充不进电，店家不给退也不给换。";

fn open(engine: Engine) -> Option<(TestApp, Browser)> {
    let app = TestApp::start(engine);
    let browser = Browser::of(&app)?;
    Some((app, browser))
}

/// Answers every page of a complaint, up to the last look.
fn answer_all(browser: &Browser, look: impl Fn(&Browser, &str)) {
    browser.open("/file/what?kind=complaint");
    look(browser, "what");
    browser.send(&[("narrative", STORY)]);
    look(browser, "sector");
    browser.send(&[("sector", "product_quality")]);
    look(browser, "who");
    browser.send(&[("respondent_name", "示例车行"), ("respondent_address", "双龙大道1号")]);
    look(browser, "where");
    browser.send(&[("place", "320115")]);
    look(browser, "town");
    browser.send(&[("town", "320115001")]);
    look(browser, "wish");
    let wish =
        [("demands", "refund"), ("amount", "2,680 元"), ("incident_date", "2026年1月8日"), ("settle_first", "yes")];
    browser.send(&wish);
    look(browser, "reach");
    browser.send(&[("name", "张三"), ("phone", "13800138000"), ("address", "南京市江宁区东山街道")]);
    look(browser, "check");
}

/// Number and PIN on the receipt.
fn receipt(browser: &Browser) -> (String, String) {
    let of = |id: &str| {
        let told = browser.script(&format!("return document.getElementById('{id}').textContent"), &[]);
        told.as_str().expect("a text").trim().to_owned()
    };
    (of("number"), of("pin").replace(' ', ""))
}

fn sign_in(app: &TestApp, reference: &str, pin: &str) -> Session {
    let body = serde_json::json!({ "reference": reference, "access_pin": pin });
    let reply = app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send();
    let token = reply.expect(200)["access_token"].as_str().map(str::to_owned);
    Session { name: reference.to_owned(), token }
}

fn case(app: &TestApp, reference: &str, pin: &str) -> Value {
    app.get(&format!("/api/v1/cases/{reference}"), &sign_in(app, reference, pin)).send().expect(200)
}

#[test]
fn a_complaint_is_filed_page_by_page_and_every_page_is_sound() {
    let Some((app, browser)) = open(Engine::Sqlite) else { return };
    answer_all(&browser, |browser, step| {
        assert_eq!(browser.path().split('?').next(), Some(format!("/file/{step}").as_str()), "{}", browser.text());
        browser.is_sound();
    });
    browser.sees("138****8000");
    browser.sees_no("13800138000");
    browser.press("确认并提交投诉");
    browser.sees("投诉已提交");
    browser.is_sound();
    let (reference, pin) = receipt(&browser);
    let case = case(&app, &reference, &pin);
    assert_eq!(case["narrative"], STORY);
    assert_eq!(
        (&case["sector"]["code"], &case["classification"]["source"]),
        (&"product_quality".into(), &"person".into())
    );
    assert_eq!((&case["amount"], &case["incident_date"]), (&"2680.00".into(), &"2026-01-08".into()));
    assert_eq!((&case["state"], &case["demands"][0]), (&"negotiating".into(), &"refund".into()));
    assert_eq!(case["routing"]["town"]["code"], "320115001");
    // The receipt can be opened again, as long as it is kept, and is the same.
    browser.open("/file/done");
    assert_eq!(receipt(&browser), (reference, pin));
    // The answers are gone from the forms.
    browser.open("/file/sector");
    assert_eq!(browser.path(), "/file/what");
    assert_eq!(browser.script("return document.getElementById('narrative').value", &[]), "");
}

#[test]
fn it_works_without_scripts_in_english_and_in_elder_mode() {
    for engine in engines() {
        let Some((app, browser)) = open(engine) else { return };
        browser.scripts(false);
        browser.open("/?lang=en&mode=elder");
        browser.press("Report a violation");
        browser.send(&[("narrative", "This shop sells food with changed dates of production")]);
        browser.send(&[("sector", "staff")]);
        browser.send(&[("respondent_name", "Sample Market")]);
        browser.send(&[("place", "320115")]);
        browser.send(&[]);
        browser.send(&[("anonymous", "yes"), ("name", "Someone")]);
        browser.sees("Report anonymously");
        browser.sees_no("Someone");
        browser.press("Confirm and submit the report");
        browser.sees("Your report is submitted");
        let (reference, pin) = receipt(&browser);
        let case = case(&app, &reference, &pin);
        assert_eq!((&case["kind"], &case["anonymous"]), (&"report".into(), &true.into()), "{engine}: {case}");
        assert_eq!(case["classification"]["source"], "machine");
    }
}

#[test]
fn faults_stand_at_the_question_and_at_the_top_and_nothing_typed_is_lost() {
    let Some((_app, browser)) = open(Engine::Sqlite) else { return };
    browser.open("/file/what");
    browser.send(&[]);
    browser.sees("还差一点");
    assert!(browser.script("return document.title", &[]).as_str().unwrap().starts_with("错误："));
    assert_eq!(browser.script("return document.activeElement.id", &[]), "summary", "the summary has the focus");
    assert_eq!(browser.count("#narrative[aria-invalid=true][aria-describedby~=narrative-fault]"), 1);
    browser.is_sound();
    browser.click("#summary a");
    assert_eq!(browser.script("return document.activeElement.id", &[]), "narrative");
    browser.send(&[("narrative", STORY)]);
    browser.send(&[("sector", "staff")]);
    browser.send(&[("respondent_uscc", "913")]);
    browser.sees("还差一点");
    assert_eq!(browser.script("return document.getElementById('respondent_uscc').value", &[]), "913");
    // Left, and come back to.
    browser.open("/");
    browser.sees("有一份没写完的");
    browser.press("继续");
    assert_eq!(browser.script("return document.getElementById('narrative').value", &[]), STORY);
    browser.press("清除草稿");
    browser.sees("草稿已清除");
    browser.open("/file/who");
    assert_eq!(browser.path(), "/file/what");
}

#[test]
fn a_question_is_answered_at_once_and_nothing_is_kept() {
    let Some((app, browser)) = open(Engine::Sqlite) else { return };
    browser.open("/ask");
    browser.is_sound();
    browser.send(&[("question", "健身房关门了，年卡不退钱，该找谁"), ("place", "320115")]);
    browser.sees("负责单位");
    browser.sees("江宁区");
    browser.is_sound();
    drop(browser);
    app.stop();
    let mut kept = app.contents();
    for table in ["cases", "drafts"] {
        assert!(kept.rows(table).is_empty(), "{table}");
    }
}

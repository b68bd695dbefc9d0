//! The consumer's face in a real browser: from the first word to the receipt and on to the rating, with and without scripts,
//! in both languages and in elder mode.

use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{Browser, Engine, FilingBuilder, Session, TestApp, engines, is_long, say};
use serde_json::{Value, json};

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
    let body = json!({ "reference": reference, "access_pin": pin });
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
        if matches!(step, "what" | "sector" | "wish" | "check") {
            browser.pictures(step);
        }
    });
    browser.sees("138****8000");
    browser.sees_no("13800138000");
    browser.press("确认并提交投诉");
    browser.sees("投诉已提交");
    browser.is_sound();
    browser.pictures("done");
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
        browser.pictures("check-elder-en");
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
    browser.pictures("what-error");
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

/// A complaint with the office, entered through the API, and the browser at its page.
fn follow(browser: &Browser, case: &Case) {
    browser.sign_in(&format!("/t?n={}", case.reference), &[("access_pin", &case.pin)]);
    assert_eq!(browser.path(), "/t/case", "{}", browser.text());
}

#[test]
fn a_case_is_followed_to_its_rating_and_every_page_is_sound() {
    let Some((app, browser)) = open(Engine::Sqlite) else { return };
    let case = FilingBuilder::complete().file(&app);
    let officer = app.officer(&case.office());
    browser.open("/t");
    browser.is_sound();
    browser.send(&[("reference", &case.reference), ("access_pin", "00000000")]);
    browser.sees("编号和查询码对不上");
    browser.is_sound();
    follow(&browser, &case);
    browser.sees("已交给负责单位，等它决定");
    browser.sees("还剩");
    browser.is_sound();
    // A reminder, and what is wrong with a step.
    browser.press("催一下");
    browser.send(&[("remind_text", "请尽快决定")]);
    browser.sees("已经提醒负责单位");
    browser.sees("请尽快决定");
    browser.pictures("case");
    browser.media(false, &[("prefers-color-scheme", "dark")]);
    browser.pictures("case-dark");
    browser.media(false, &[]);
    assert_eq!(browser.count("a[href='/t/act/remind']"), 0, "one reminder in three days");
    assert_eq!(browser.script("return JSON.stringify(localStorage)", &[]), "{}", "what was taken isn't kept here");
    // The session ends in the middle of a form: what was typed is there again after signing in.
    browser.open("/t/act/supply");
    browser.fill("supply_note", "发票号是 0042");
    browser.devtools("Network.clearBrowserCookies", &json!({}));
    browser.send(&[]);
    assert_eq!(browser.path(), "/t");
    follow(&browser, &case);
    browser.open("/t/act/supply");
    browser.send(&[]);
    browser.sees("补充的情况收到了");
    browser.sees("发票号是 0042");
    // Evidence: judged by its content.
    browser.press("补充照片或材料");
    browser.is_sound();
    let folder = tempfile::tempdir().unwrap();
    let film = folder.path().join("合同.mov");
    std::fs::write(&film, b"no picture at all").unwrap();
    browser.keys("#file", film.to_str().unwrap());
    browser.send(&[]);
    browser.sees("合同.mov：这种文件收不了");
    let picture = folder.path().join("小票.png");
    browser.picture(&picture);
    browser.keys("#file", picture.to_str().unwrap());
    browser.wait("the picture is made smaller", |browser| {
        browser.script("return document.getElementById('file').files[0].type", &[]) == "image/jpeg"
    });
    browser.send(&[]);
    browser.sees("材料收到了");
    browser.open("/t/files");
    browser.sees("小票.jpg");
    // The office works on it.
    app.step(&case, &officer, "accept", &json!({}), "accepted");
    browser.open("/t/case");
    browser.press("回答：同意调解吗");
    browser.is_sound();
    browser.send(&[("given", "yes")]);
    browser.sees("您的回答记下了");
    app.step(&case, &officer, "record_consent", &json!({ "party": "respondent", "given": true }), "accepted");
    app.step(&case, &officer, "start_mediation", &json!({}), "mediating");
    let settlement = json!({ "outcome": "mediated", "amount": "2000.00", "performance_date": "2099-01-01" });
    app.step(&case, &officer, "settle", &settlement, "settled");
    browser.open("/t/case");
    browser.sees("双方达成一致");
    browser.press("评价");
    assert_eq!(browser.count("input:checked"), 0, "nothing is chosen beforehand");
    browser.is_sound();
    browser.send(&[("solved", "yes")]);
    browser.sees("选一下满意程度");
    assert_eq!(browser.count("[name=solved][value=yes]:checked"), 1, "what was chosen stays");
    browser.send(&[("satisfied", "4"), ("contacted", "yes"), ("rate_text", "谢谢")]);
    browser.sees("评价收到了");
    browser.is_sound();
    let view = app.case(&case, &app.consumer(&case));
    assert_eq!((&view["rating"]["satisfied"], &view["rating"]["solved"]), (&json!(4), &json!(true)));
    browser.press("退出");
    browser.open("/t/case");
    assert_eq!(browser.path(), "/t");
}

#[test]
fn what_is_late_is_said_plainly_and_a_case_that_moved_on_loses_no_word() {
    let mut app = Start::on(Engine::Sqlite).at("2026-06-02T09:00:00+08:00").start();
    let case = FilingBuilder::complete().file(&app);
    app.restart_at("2026-06-20T09:00:00+08:00");
    let Some(browser) = Browser::of(&app) else { return };
    browser.scripts(false);
    follow(&browser, &case);
    browser.sees("晚了 9 天，还没办完");
    browser.sees("主管单位已看到");
    browser.open("/t/act/withdraw");
    // Meanwhile the office accepts.
    let officer = app.officer(&case.office());
    app.step(&case, &officer, "accept", &json!({}), "accepted");
    browser.send(&[("withdraw_reason", "和商家私下解决了")]);
    browser.sees("刚刚有了新进展");
    browser.sees_no("已撤回");
    browser.send(&[]);
    browser.sees("已撤回");
    browser.open("/t/case?lang=en&mode=elder");
    browser.sees("You withdrew it");
    browser.sees("Days late: 9");
    browser.pictures("case-elder-en");
}

#[test]
fn offline_nothing_is_lost_and_one_case_is_made() {
    let Some((app, browser)) = open(Engine::Sqlite) else { return };
    answer_all(&browser, |_, _| {});
    browser.offline(true);
    browser.press("确认并提交投诉");
    browser.wait("it says that it waits", |browser| browser.text().contains("没有网络，还没提交"));
    browser.sees_no("投诉已提交");
    browser.offline(false);
    browser.wait("the receipt", |browser| browser.text().contains("投诉已提交"));
    let (reference, pin) = receipt(&browser);
    // Nothing of it stays in the browser.
    browser.open("/");
    let kept = "return JSON.stringify(localStorage) + ';' + document.cookie";
    assert_eq!(browser.script(kept, &[]), "{};");
    let cached = "const done = arguments[arguments.length - 1]; caches.keys().then((names) => Promise.all(names.map((name) =>
        caches.open(name).then((cache) => cache.keys())))).then((all) => done(all.flat().map((one) => new URL(one.url).pathname)))";
    let cached = browser.later(cached);
    let cached: Vec<&str> = cached.as_array().unwrap().iter().filter_map(Value::as_str).collect();
    assert!(cached.iter().all(|path| path.starts_with("/assets/") || *path == "/offline"), "{cached:?}");
    // Sent again, as when the answer had been lost: the same receipt.
    browser.open("/file/done");
    assert_eq!(receipt(&browser), (reference, pin));
    // What is typed without a network is there again.
    browser.open("/file/what");
    browser.fill("narrative", STORY);
    browser.open("/");
    browser.open("/file/what");
    assert_eq!(browser.script("return document.getElementById('narrative').value", &[]), STORY);
    drop(browser);
    app.stop();
    assert_eq!(app.contents().rows("cases").len(), 1);
}

/// Every page of a filing is light, comes from here alone, and doesn't move while it comes.
#[test]
fn the_pages_of_a_filing_are_light_and_stand_still() {
    let Some((_app, browser)) = open(Engine::Sqlite) else { return };
    answer_all(&browser, |browser, step| {
        let path = browser.path();
        let weight = browser.weigh(&path);
        assert!(weight.all <= 60_000 && weight.scripts <= 25_000 && weight.scripts > 0, "{step}: {weight:?}");
        assert!(weight.foreign.is_empty(), "{step}: {weight:?}");
    });
    browser.slow();
    for path in ["/", "/file/what", "/file/sector", "/file/check"] {
        browser.weigh(path);
        let (largest, moved) = browser.painted();
        assert!(largest > 0.0 && moved <= 0.05, "{path}: painted after {largest} ms, moved by {moved}");
        if is_long() {
            say(&format!("{path} on slow 4G with a processor four times as slow: painted after {largest:.0} ms"));
            assert!(largest <= 2000.0, "{path}: painted after {largest} ms");
        }
    }
}

/// What people write is text, wherever it is shown.
#[test]
fn what_is_written_never_becomes_part_of_the_page() {
    let Some((_app, browser)) = open(Engine::Sqlite) else { return };
    let planted = "<img src=x onerror=document.title='planted'><script>document.title='planted'</script> 店家不退款";
    browser.open("/file/what");
    browser.send(&[("narrative", planted)]);
    browser.send(&[("sector", "staff")]);
    browser.send(&[("respondent_name", "\"><b id=planted>")]);
    browser.send(&[("place", "staff")]);
    browser.send(&[("settle_first", "no")]);
    browser.send(&[]);
    browser.sees(planted);
    assert_eq!(browser.count("main img, main script, #planted"), 0);
    assert!(!browser.html().contains("<b id"), "{}", browser.html());
    assert_ne!(browser.script("return document.title", &[]), "planted");
    assert_eq!(browser.errors(), Vec::<String>::new());
}

/// Enter chooses a character of an input method; it doesn't send the form.
#[test]
fn composing_pinyin_sends_nothing() {
    let Some((_app, browser)) = open(Engine::Sqlite) else { return };
    browser.open("/t");
    browser.click("#reference");
    let enter = "const event = new KeyboardEvent('keydown', { key: 'Enter', isComposing: arguments[0], bubbles: true, cancelable: true });
        return document.getElementById('reference').dispatchEvent(event)";
    assert_eq!(browser.script(enter, &[json!(true)]), false, "the default is kept from happening");
    assert_eq!(browser.script(enter, &[json!(false)]), true);
    browser.devtools("Input.imeSetComposition", &json!({ "text": "nihao", "selectionStart": 5, "selectionEnd": 5 }));
    browser.devtools("Input.insertText", &json!({ "text": "你好" }));
    assert_eq!(browser.path(), "/t");
    assert_eq!(browser.script("return document.getElementById('reference').value", &[]), "你好");
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
    browser.pictures("ask");
    drop(browser);
    app.stop();
    let mut kept = app.contents();
    for table in ["cases", "drafts"] {
        assert!(kept.rows(table).is_empty(), "{table}");
    }
}

//! The desk: signing in, the queue, a case with its steps, and what happens when somebody else was quicker or the session
//! ended in between.

use crate::support::browser::SCREEN;
use crate::support::cookies::value;
use crate::support::filings::Case;
use crate::support::people::{PASSWORD, offered};
use crate::support::{Browser, Engine, FilingBuilder, Session, TestApp, Visitor, engines};
use serde_json::json;

/// Most bytes that a page of the desk may take in all.
const HEAVIEST: u64 = 120_000;

/// What would run, were it not escaped.
const EVIL: &str = "<script>alert(1)</script>\"><img src=x onerror=alert(2)>'{{7*7}}";

fn page_of(case: &Case) -> String {
    format!("/desk/cases/{}", case.reference)
}

fn step_of(case: &Case, action: &str) -> String {
    format!("{}/act/{action}", page_of(case))
}

#[test]
fn staff_sign_in_and_out_at_a_page() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let officer = app.officer(&case.office());
    let nobody = Visitor { cookie: String::new() };
    let sent = nobody.open(&app, "/desk?view=late");
    assert_eq!((sent.status, sent.header("location")), (303, "/login?next=%2Fdesk%3Fview%3Dlate"));
    let wrong = nobody.post(&app, "/login", &[("username", &officer.name), ("password", "wrong-horse")]);
    assert!(wrong.status == 401 && wrong.text.contains("用户名或密码不对"), "{wrong}");
    assert!(!wrong.text.contains("wrong-horse") && wrong.text.contains(&officer.name), "{wrong}");
    let right = [("username", officer.name.as_str()), ("password", PASSWORD)];
    for (next, leads) in [("/desk?view=late", "/desk?view=late"), ("//evil.example/", "/desk"), ("", "/desk")] {
        let reply = nobody.post(&app, "/login", &[&right[..], &[("next", next)]].concat());
        assert_eq!((reply.status, reply.header("location")), (303, leads), "{reply}");
        let cookie = reply.header("set-cookie");
        assert!(cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax"), "{cookie}");
    }
    let visitor = Visitor::of(&app, &officer);
    assert!(visitor.page(&app, "/desk").contains(&case.reference));
    let token = value(&visitor.page(&app, "/desk"), "csrf_token");
    let out = visitor.post(&app, "/logout", &[("csrf_token", &token)]);
    assert!(out.status == 303 && out.header("clear-site-data").contains("storage"), "{out}");
    assert_eq!(visitor.open(&app, "/desk").status, 303, "the session has ended on the server");
}

#[test]
fn a_case_is_shown_to_its_own_alone() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let own = Visitor::of(&app, &app.officer(&case.office()));
    let page = own.page(&app, &page_of(&case));
    assert!(page.contains(&case.reference) && page.contains("张*") && !page.contains("13800138000"), "{page}");
    let other = Visitor::of(&app, &app.officer("amr-320106"));
    assert!(!other.page(&app, "/desk?view=open").contains(&case.reference));
    for path in [page_of(&case), step_of(&case, "accept"), format!("{}/unmask", page_of(&case))] {
        assert_eq!(other.open(&app, &path).status, 404, "{path}");
    }
    let admin = Visitor::of(&app, &app.staff("admin", None, None));
    assert_eq!(admin.open(&app, "/desk").status, 403);
}

#[test]
fn the_queue_is_narrowed_counted_and_searched() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let bike = FilingBuilder::complete().file(&app);
        let gym = FilingBuilder::complete()
            .with("/sector", "food_drug")
            .narrative("健身房突然关门，年卡剩下的钱不退")
            .merchant("某某健身")
            .file(&app);
        let officer = Visitor::of(&app, &app.officer(&bike.office()));
        assert_eq!(bike.office(), gym.office());
        let shows = |path: &str| {
            let page = officer.page(&app, path);
            (page.contains(&bike.reference), page.contains(&gym.reference))
        };
        assert_eq!(shows("/desk"), (true, true), "{engine}");
        assert_eq!(shows("/desk?q=%E5%81%A5%E8%BA%AB%E6%88%BF"), (false, true), "{engine}: 健身房");
        assert_eq!(shows("/desk?sector=food_drug"), (false, true), "{engine}");
        assert_eq!(shows("/desk?view=late"), (false, false), "{engine}");
        assert_eq!(shows("/desk?view=mine"), (false, false), "{engine}");
        let page = officer.page(&app, "/desk");
        assert!(page.contains("待处理 <span class=\"count\">2</span>"), "{engine}: {page}");
        assert_eq!(officer.open(&app, "/desk?sector=nonsense").status, 422);
    }
}

#[test]
fn every_step_has_a_form_of_all_that_it_carries() {
    let app = TestApp::start(Engine::Sqlite);
    let complaint = FilingBuilder::complete().file(&app);
    let report = FilingBuilder::report().with("/sector", "food_drug").file(&app);
    let mut forms = 0;
    for case in [&complaint, &report] {
        let people = [app.officer(&case.office()), app.dispatcher("320115"), app.supervisor("320100")];
        for person in people {
            let visitor = Visitor::of(&app, &person);
            let view = app.case(case, &person);
            let page = visitor.page(&app, &page_of(case));
            for action in view["available_actions"].as_array().unwrap() {
                let name = action["action"].as_str().unwrap();
                assert!(page.contains(&step_of(case, name)), "{}: no way to {name}", person.name);
                let form = visitor.page(&app, &step_of(case, name));
                for field in action["fields"].as_array().unwrap() {
                    let field_name = field["name"].as_str().unwrap();
                    let shown = match field["type"].as_str().unwrap() {
                        "party" => format!("name=\"{field_name}.name\""),
                        _ => format!("name=\"{field_name}\""),
                    };
                    assert!(form.contains(&shown), "{name}: no field {field_name}: {form}");
                }
                assert!(!form.contains("<label for=\"\"") && !form.contains("<legend></legend>"), "{name}: {form}");
                forms += 1;
            }
            for name in ["accept", "refuse", "dispatch"]
                .into_iter()
                .filter(|name| !offered(&view).contains(&(*name).to_owned()))
            {
                let refused = visitor.open(&app, &step_of(case, name));
                assert!(refused.text.contains("现在不能办这一步"), "{refused}");
            }
        }
    }
    assert!(forms > 20, "{forms}");
}

#[test]
fn a_step_is_taken_and_its_faults_are_told_at_the_fields() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        let session = app.officer(&case.office());
        let officer = Visitor::of(&app, &session);
        let refused = officer.send(&app, &step_of(&case, "refuse"), &[("reason", "写了理由没有选依据")]);
        assert_eq!(refused.status, 422, "{refused}");
        assert!(refused.text.contains("href=\"#ground\"") && refused.text.contains("写了理由没有选依据"), "{refused}");
        assert_eq!(app.case(&case, &session)["state"], "dispatched", "nothing was done");
        let done = officer.send(&app, &step_of(&case, "accept"), &[("note", "材料齐全")]);
        assert_eq!(done.status, 303, "{done}");
        let page = officer.page(&app, done.header("location"));
        assert!(page.contains("已完成：受理") && page.contains("材料齐全") && page.contains("已受理"), "{page}");
    }
}

#[test]
fn two_on_one_case_are_told_of_each_other_and_lose_no_word() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let (first, second) = (app.officer(&case.office()), app.dispatcher("320115"));
    let slow = Visitor::of(&app, &first);
    let form = slow.page(&app, &step_of(&case, "note"));
    let (token, version) = (value(&form, "csrf_token"), value(&form, "version"));
    app.step(&case, &second, "note", &json!({ "text": "先写了一句" }), "dispatched");
    let typed = [("csrf_token", token.as_str()), ("version", &version), ("text", "慢的人写的长长的备注")];
    let told = slow.post(&app, &step_of(&case, "note"), &typed);
    assert_eq!(told.status, 409, "{told}");
    assert!(told.text.contains(&second.name) && told.text.contains("写备注"), "{told}");
    assert!(told.text.contains("慢的人写的长长的备注"), "what was typed is still there: {told}");
    let version = value(&told.text, "version");
    let again = [("csrf_token", token.as_str()), ("version", &version), ("text", "慢的人写的长长的备注")];
    assert_eq!(slow.post(&app, &step_of(&case, "note"), &again).status, 303);
    // What isn't possible any more keeps its words too, to be copied.
    let form = slow.page(&app, &step_of(&case, "refuse"));
    let version = value(&form, "version");
    app.step(&case, &first, "accept", &json!({}), "accepted");
    let late = [("csrf_token", token.as_str()), ("version", &version), ("reason", "本来要写的理由")];
    let told = slow.post(&app, &step_of(&case, "refuse"), &late);
    assert!(told.status == 409 && told.text.contains("本来要写的理由") && told.text.contains("现在不能办"), "{told}");
}

#[test]
fn a_session_that_ends_in_the_middle_of_a_form_loses_nothing() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let session = app.officer(&case.office());
    let officer = Visitor::of(&app, &session);
    let path = step_of(&case, "note");
    let form = officer.page(&app, &path);
    let (token, version) = (value(&form, "csrf_token"), value(&form, "version"));
    officer.post(&app, "/logout", &[("csrf_token", &token)]);
    let text = "写了很久的备注，有<尖括号>和\"引号\"\n还有第二行";
    let typed = [("csrf_token", token.as_str()), ("version", &version), ("text", text)];
    let lost = officer.post(&app, &path, &typed);
    assert_eq!(lost.status, 401, "{lost}");
    assert!(lost.text.contains("name=\"kept.text\"") && lost.text.contains("内容还在"), "{lost}");
    let sign_in = [
        ("username", session.name.as_str()),
        ("password", PASSWORD),
        ("next", path.as_str()),
        ("kept.text", text),
        ("kept.version", &version),
    ];
    let resumed = officer.post(&app, "/login", &sign_in);
    assert!(resumed.status == 200 && resumed.text.contains("内容还在"), "{resumed}");
    let officer = Visitor::after(&resumed);
    let token = value(&resumed.text, "csrf_token");
    let back = [("csrf_token", token.as_str()), ("resume", "1"), ("text", text), ("version", &version)];
    let form = officer.post(&app, &path, &back);
    assert!(form.status == 200 && form.text.contains("写了很久的备注，有&#60;尖括号&#62;"), "{form}");
    assert_eq!(app.case(&case, &session)["version"].to_string(), version, "going back to a form does nothing");
    let done = officer.post(&app, &path, &[("csrf_token", &token), ("version", &version), ("text", text)]);
    assert_eq!(done.status, 303, "{done}");
}

#[test]
fn forms_are_taken_from_our_own_pages_of_the_same_session_alone() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let session = app.officer(&case.office());
    let officer = Visitor::of(&app, &session);
    let stranger = Visitor::of(&app, &session);
    let foreign = value(&stranger.page(&app, "/desk"), "csrf_token");
    let path = step_of(&case, "note");
    for token in ["", "nonsense", foreign.as_str()] {
        let reply = officer.post(&app, &path, &[("csrf_token", token), ("version", "1"), ("text", "x")]);
        assert_eq!(reply.status, 403, "{token}: {reply}");
    }
    let token = value(&officer.page(&app, &path), "csrf_token");
    let body = crate::support::cookies::form(&[("csrf_token", &token), ("version", "1"), ("text", "x")]);
    let cross = app
        .post(&path, &Session::anonymous())
        .header("cookie", &officer.cookie)
        .header("sec-fetch-site", "cross-site")
        .body("application/x-www-form-urlencoded", body)
        .send();
    assert_eq!(cross.status, 403, "{cross}");
    assert_eq!(app.case(&case, &session)["version"], 1);
}

#[test]
fn what_people_write_is_never_run() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete()
        .narrative(&format!("{EVIL}商家不退款"))
        .merchant(&format!("车行{EVIL}"))
        .named(&format!("王{EVIL}"))
        .with("/respondent/address", format!("双龙大道{EVIL}"))
        .with("/complainant/address", format!("东山街道{EVIL}"))
        .file(&app);
    let session = app.officer(&case.office());
    app.step(&case, &session, "note", &json!({ "text": EVIL }), "dispatched");
    let officer = Visitor::of(&app, &session);
    let query: String = url::form_urlencoded::byte_serialize(EVIL.as_bytes()).collect();
    let typed = officer.send(&app, &step_of(&case, "refuse"), &[("reason", EVIL), ("ground", EVIL)]);
    let unmasked = officer.send(
        &app,
        &format!("{}/unmask", page_of(&case)),
        &[("fields", "name"), ("fields", "narrative"), ("fields", "history"), ("reason", "核对诉求原文")],
    );
    assert!(unmasked.text.contains("王&#60;script&#62;"), "{unmasked}");
    let pages = [
        officer.page(&app, "/desk?view=open"),
        officer.page(&app, &format!("/desk?q={query}")),
        officer.page(&app, &page_of(&case)),
        typed.text,
        unmasked.text,
        Visitor { cookie: String::new() }.page(&app, &format!("/login?next=/{query}")),
    ];
    for page in pages {
        assert!(!page.contains("<script>alert") && !page.contains("<img src=x"), "{page}");
    }
}

#[test]
fn a_case_is_entered_on_one_page_and_once() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let office = FilingBuilder::complete().file(&app).office();
        let session = app.officer(&office);
        let officer = Visitor::of(&app, &session);
        let page = officer.page(&app, "/desk/new");
        assert!(page.contains("value=\"320115\" selected"), "{engine}: the own place stands there: {page}");
        let (token, key) = (value(&page, "csrf_token"), value(&page, "key"));
        let mut typed = vec![
            ("csrf_token", token.as_str()),
            ("key", &key),
            ("kind", "complaint"),
            ("channel", "phone"),
            ("narrative", "来电反映：理发店办卡后关门，余额不退"),
            ("respondent.name", "某某理发店"),
            ("respondent.division", "320115"),
            ("complainant.phone", "12"),
            ("demands", "refund"),
            ("amount", "300.00"),
        ];
        let wrong = officer.post(&app, "/desk/new", &typed);
        assert!(wrong.status == 422 && wrong.text.contains("href=\"#complainant.phone\""), "{engine}: {wrong}");
        assert!(wrong.text.contains("理发店办卡后关门"), "{engine}: {wrong}");
        typed.retain(|(name, _)| *name != "complainant.phone");
        typed.push(("complainant.phone", "13700137000"));
        let made = officer.post(&app, "/desk/new", &typed);
        assert!(made.status == 201 && made.text.contains("查询码"), "{engine}: {made}");
        let again = officer.post(&app, "/desk/new", &typed);
        let figures = |text: &str| {
            let all = text.split("class=\"figure\">").skip(1).filter_map(|rest| rest.split('<').next());
            all.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(figures(&made.text), figures(&again.text), "{engine}: sent twice, it is one case");
        assert_eq!(figures(&made.text).len(), 2, "{engine}: {made}");
        let supervisor = Visitor::of(&app, &app.supervisor("320100"));
        assert_eq!(supervisor.open(&app, "/desk/new").status, 403);
    }
}

#[test]
fn a_step_on_several_is_rehearsed_before_it_is_taken() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let cases: Vec<Case> = (0..3)
            .map(|n| {
                FilingBuilder::complete().merchant(&format!("某某商店{n}")).phone(&format!("1390013900{n}")).file(&app)
            })
            .collect();
        let session = app.officer(&cases[0].office());
        let officer = Visitor::of(&app, &session);
        let token = value(&officer.page(&app, "/desk"), "csrf_token");
        let selected: Vec<String> = cases.iter().map(|case| format!("{}:1", case.reference)).collect();
        // Somebody else moves one of them on in between.
        app.step(&cases[2], &session, "note", &json!({ "text": "先写一句" }), "dispatched");
        let send = |stage: &str, text: &str| {
            let mut fields = vec![("csrf_token", token.as_str()), ("action", "note"), ("stage", stage), ("text", text)];
            fields.extend(selected.iter().map(|case| ("case", case.as_str())));
            officer.post(&app, "/desk/bulk", &fields)
        };
        assert!(send("", "").text.contains("name=\"text\""), "{engine}");
        let empty = send("rehearse", "");
        assert!(empty.status == 422 && empty.text.contains("必须填写"), "{engine}: {empty}");
        let told = send("rehearse", "统一的备注");
        assert!(told.text.contains("可以办理 2 件，跳过 1 件"), "{engine}: {told}");
        assert_eq!(app.case(&cases[0], &session)["version"], 1, "{engine}: nothing is done yet");
        let done = send("take", "统一的备注");
        assert!(done.text.contains("已办理 2 件，跳过 1 件"), "{engine}: {done}");
        let versions = cases.iter().map(|case| app.case(case, &session)["version"].as_i64().unwrap());
        assert_eq!(versions.collect::<Vec<_>>(), [2, 2, 2], "{engine}");
    }
}

#[test]
fn a_queue_tells_what_came_in() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let Some(browser) = Browser::of(&app) else { return };
    let officer = app.officer(&case.office());
    browser.resize(SCREEN);
    browser.sign_in("/login", &[("username", &officer.name), ("password", PASSWORD)]);
    browser.open(&page_of(&case));
    let rows = browser.count("#rows > li");
    FilingBuilder::complete().phone("13600136000").merchant("某某新店").file(&app);
    browser.wait("the bar", |browser| browser.text().contains("1 件新投诉"));
    assert_eq!(browser.count("#rows > li"), rows, "rows don't jump");
    browser.sees_no("刚刚有人办过");
    app.step(&case, &officer, "note", &json!({ "text": "另一台电脑上写的" }), "dispatched");
    browser.wait("the word that it moved on", |browser| browser.text().contains("这件刚刚有人办过"));
    browser.click("#new-bar a");
    browser.wait("the new row", |browser| browser.count("#rows > li") == rows + 1);
    let anonymous = app.get("/api/v1/queue/stream", &Session::anonymous()).send();
    anonymous.problem(401);
}

/// A case in mediation with a history, an officer, and the browser signed in.
fn at_work(app: &TestApp) -> Option<(Browser, Case)> {
    for (name, text) in [("某某装修", "装修停工两个月，定金不退"), ("某某健身", "健身房关门，卡里的钱不退")]
    {
        FilingBuilder::complete().merchant(name).narrative(text).phone("13900139000").file(app);
    }
    let case = FilingBuilder::complete().file(app);
    let officer = app.officer(&case.office());
    app.step(&case, &officer, "accept", &json!({ "note": "材料齐全" }), "accepted");
    for party in ["complainant", "respondent"] {
        app.step(&case, &officer, "record_consent", &json!({ "party": party, "given": true }), "accepted");
    }
    let browser = Browser::of(app)?;
    browser.resize(SCREEN);
    browser.sign_in("/login", &[("username", &officer.name), ("password", PASSWORD)]);
    Some((browser, case))
}

#[test]
fn the_desk_is_sound_in_a_browser() {
    let app = TestApp::start(Engine::Sqlite);
    let Some((browser, case)) = at_work(&app) else { return };
    let pages = [
        ("desk-case", page_of(&case)),
        ("desk-step", step_of(&case, "settle")),
        ("desk-unmask", format!("{}/unmask", page_of(&case))),
        ("desk-keys", "/desk/keys".to_owned()),
        ("desk-enter", "/desk/new".to_owned()),
        ("queue", "/desk?view=open".to_owned()),
        ("login", "/login".to_owned()),
    ];
    for (name, path) in &pages {
        browser.open(path);
        browser.is_sound();
        if !matches!(*name, "desk-keys" | "queue" | "login") {
            browser.pictures(name);
        }
        if crate::support::is_long() {
            browser.media(false, &[("prefers-color-scheme", "dark")]);
            browser.open(path);
            browser.is_sound();
            browser.media(false, &[]);
        }
        let weight = browser.weigh(path);
        assert!(weight.foreign.is_empty() && weight.all <= HEAVIEST, "{path}: {weight:?}");
    }
    browser.open(&format!("{}?lang=en", page_of(&case)));
    browser.is_sound();
    browser.pictures("desk-case-en");
}

#[test]
fn the_desk_is_worked_with_keys_that_can_be_turned_off() {
    let app = TestApp::start(Engine::Sqlite);
    let Some((browser, case)) = at_work(&app) else { return };
    browser.open("/desk?view=open");
    let focused = "return document.activeElement.getAttribute('href') || ''";
    browser.keys("body", "j");
    let first = browser.script(focused, &[]);
    browser.keys("#rows a:focus", "j");
    let second = browser.script(focused, &[]);
    assert!(first.as_str().is_some_and(|href| href.starts_with("/desk/cases/")) && first != second, "{first} {second}");
    browser.keys("body", "/");
    assert_eq!(browser.script("return document.activeElement.id", &[]), "q");
    browser.keys("#q", "j");
    assert_eq!(browser.script("return document.querySelector('#q').value", &[]), "j", "in a field a key is a letter");
    browser.open(&page_of(&case));
    browser.keys("body", "1");
    browser.wait("the first step's form", |browser| browser.path().contains("/act/"));
    // A key that belongs to composing characters does nothing.
    browser.open(&page_of(&case));
    let composing =
        "document.body.dispatchEvent(new KeyboardEvent('keydown', { key: '1', isComposing: true, bubbles: true }))";
    browser.script(composing, &[]);
    assert!(!browser.path().contains("/act/"));
    browser.open("/desk/keys");
    browser.press("关闭快捷键");
    browser.sees("快捷键已关闭");
    browser.open(&page_of(&case));
    browser.keys("body", "1");
    assert!(!browser.path().contains("/act/"), "{}", browser.path());
}

//! The pages of administrators: accounts of staff, and where a case would go.

use crate::support::browser::SCREEN;
use crate::support::client::Reply;
use crate::support::cookies::value;
use crate::support::people::PASSWORD;
use crate::support::server::Start;
use crate::support::{Browser, Engine, Session, TestApp, Visitor, engines};
use serde_json::{Value, json};

/// Most bytes that a page of administrators may take in all.
const HEAVIEST: u64 = 120_000;

fn nobody() -> Visitor {
    Visitor { cookie: String::new() }
}

fn admin(app: &TestApp) -> (Session, Visitor) {
    let session = app.staff("admin", None, None);
    let visitor = Visitor::of(app, &session);
    (session, visitor)
}

/// The password that a page tells once.
fn told(reply: &Reply) -> String {
    let found = reply.text.split_once("<code class=\"secret\">").and_then(|(_, rest)| rest.split_once('<'));
    found.unwrap_or_else(|| panic!("no password: {reply}")).0.to_owned()
}

fn enter(app: &TestApp, username: &str, password: &str) -> Reply {
    nobody().post(app, "/login", &[("username", username), ("password", password)])
}

#[test]
fn an_account_is_made_changed_disabled_and_used_again() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let (_, admin) = admin(&app);
        let make = |fields: &[(&str, &str)]| admin.send(&app, "/admin/accounts/new", fields);
        let li = [("username", "li.na"), ("role", "officer"), ("unit", "amr-320115")];
        for (name, wrong, field) in [
            ("username", "li na", "username"),
            ("username", "", "username"),
            ("role", "consumer", "role"),
            ("role", "", "role"),
            ("unit", "amr-999999", "unit"),
            ("unit", "", "role"),
        ] {
            let fields: Vec<_> =
                li.iter().map(|(key, kept)| (*key, if *key == name { wrong } else { *kept })).collect();
            let refused = make(&fields);
            assert_eq!(refused.status, 422, "{engine}: {name}={wrong}: {refused}");
            assert!(refused.text.contains(&format!("href=\"#{field}\"")), "{engine}: {name}={wrong}: {refused}");
        }
        let made = make(&li);
        assert_eq!(made.status, 201, "{engine}: {made}");
        let first = told(&made);
        let taken = make(&li);
        assert!(taken.status == 422 && taken.text.contains("已经有了"), "{engine}: {taken}");
        assert!(admin.page(&app, "/admin?role=officer").contains("li.na"), "{engine}");
        assert!(!admin.page(&app, "/admin?role=auditor").contains("li.na"), "{engine}");
        assert!(admin.page(&app, "/admin?name=nobody").contains("没有符合的帐号"), "{engine}");
        let entered = enter(&app, "li.na", &first);
        assert_eq!((entered.status, entered.header("location")), (303, "/desk"), "{engine}: {entered}");
        let officer = Visitor::after(&entered);

        let path = "/admin/accounts/li.na";
        let change = |fields: &[(&str, &str)]| {
            let token = value(&admin.page(&app, path), "csrf_token");
            admin.post(&app, path, &[&[("csrf_token", token.as_str())][..], fields].concat())
        };
        let nowhere = change(&[("step", "assign"), ("role", "supervisor"), ("division", "999999")]);
        assert!(nowhere.status == 422 && nowhere.text.contains("value=\"999999\""), "{engine}: {nowhere}");
        assert_eq!(officer.open(&app, "/desk").status, 200, "{engine}: nothing was changed");
        let assigned = change(&[("step", "assign"), ("role", "supervisor"), ("division", "320100")]);
        assert!(assigned.status == 200 && assigned.text.contains("已修改"), "{engine}: {assigned}");
        assert_eq!(officer.open(&app, "/desk").status, 303, "{engine}: its sessions have ended");
        let reset = change(&[("step", "password")]);
        let second = told(&reset);
        assert_ne!(first, second, "{engine}");
        assert_eq!(enter(&app, "li.na", &first).status, 401, "{engine}");
        assert_eq!(enter(&app, "li.na", &second).status, 303, "{engine}");
        assert!(change(&[("step", "disable")]).text.contains("已停用"), "{engine}");
        assert_eq!(enter(&app, "li.na", &second).status, 401, "{engine}");
        let again = told(&change(&[("step", "password")]));
        assert_eq!(enter(&app, "li.na", &again).status, 303, "{engine}: it can be used again");

        let log = app.pages("/api/v1/audit?actor=admin", &app.auditor("320000"));
        let kinds: Vec<_> = log.iter().rev().filter_map(|entry| entry["kind"].as_str()).collect();
        let kinds: Vec<_> = kinds.into_iter().filter(|kind| kind.starts_with("user_")).collect();
        let expected = ["user_added", "user_changed", "user_reset", "user_disabled", "user_reset"];
        assert_eq!(kinds, expected, "{engine}: {log:?}");
        let changed = log.iter().find(|entry| entry["kind"] == "user_changed").unwrap();
        assert_eq!(changed["data"]["account"], "li.na", "{engine}: {changed}");
        let text = log.iter().map(Value::to_string).collect::<String>();
        assert!(![first, second, again].iter().any(|password| text.contains(password.as_str())), "{engine}");
    }
}

#[test]
fn accounts_are_for_administrators_alone_and_never_their_own() {
    let app = TestApp::start(Engine::Sqlite);
    let (session, admin) = admin(&app);
    let supervisor = Visitor::of(&app, &app.supervisor("320000"));
    for path in ["/admin", "/admin/accounts/new", "/admin/accounts/admin", "/admin/routing"] {
        assert_eq!(nobody().open(&app, path).status, 303, "{path}");
        assert_eq!(supervisor.open(&app, path).status, 403, "{path}");
        assert_eq!(admin.open(&app, path).status, 200, "{path}");
    }
    assert_eq!(admin.open(&app, "/admin/accounts/nobody").status, 404);
    let token = value(&admin.page(&app, "/admin/accounts/new"), "csrf_token");
    for step in ["disable", "password", "factor", "assign"] {
        let own = admin.post(&app, "/admin/accounts/admin", &[("csrf_token", &token), ("step", step)]);
        assert_eq!(own.status, 403, "{step}: {own}");
    }
    app.get("/api/v1/me", &session).send().expect(200);
    let mine = value(&supervisor.page(&app, "/account"), "csrf_token");
    let fields = [("username", "x"), ("role", "admin")];
    let with_token = [&[("csrf_token", mine.as_str())][..], &fields].concat();
    assert_eq!(supervisor.post(&app, "/admin/accounts/new", &with_token).status, 403);
    assert_eq!(admin.post(&app, "/admin/accounts/new", &fields).status, 403, "without the token of the session");
    // Whoever signs in as an administrator begins here.
    assert_eq!(enter(&app, "admin", PASSWORD).header("location"), "/admin");
}

#[test]
fn what_is_changed_asks_for_the_credentials_once_more_and_loses_nothing() {
    let mut app = Start::on(Engine::Sqlite).at("2026-11-24T00:00:00Z").set("AUTH__STEP_UP_MINUTES", "5").start();
    let (_, admin) = admin(&app);
    app.restart_at("2026-11-24T00:06:00Z");
    let fields = [("username", "li"), ("role", "auditor"), ("division", "320100")];
    let asked = admin.send(&app, "/admin/accounts/new", &fields);
    assert!(asked.status == 401 && asked.text.contains("name=\"kept.username\""), "{asked}");
    let kept = [("next", "/admin/accounts/new"), ("kept.username", "li"), ("kept.role", "auditor")];
    let more = [("kept.division", "320100"), ("username", "admin"), ("password", PASSWORD)];
    let resumed = nobody().post(&app, "/login", &[&kept[..], &more].concat());
    let admin = Visitor::after(&resumed);
    let token = value(&resumed.text, "csrf_token");
    let form = admin.post(
        &app,
        "/admin/accounts/new",
        &[&[("csrf_token", token.as_str()), ("resume", "1")][..], &fields].concat(),
    );
    assert!(form.status == 200 && form.text.contains("value=\"320100\""), "{form}");
    assert_eq!(enter(&app, "li", "x").status, 401, "nothing was made yet");
    let made = admin.post(&app, "/admin/accounts/new", &[&[("csrf_token", token.as_str())][..], &fields].concat());
    assert_eq!(made.status, 201, "{made}");
}

#[test]
fn a_lost_second_factor_is_taken_away_by_an_administrator() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let officer = app.officer("amr-320115");
        let enrolled = app.post("/api/v1/me/totp", &officer).send().expect(200);
        let code = crate::security_factors::Phone::at_the_clock(&enrolled).code();
        app.post("/api/v1/me/totp/confirmation", &officer).json(&json!({ "totp": code })).send().expect(200);
        let (_, admin) = admin(&app);
        let path = format!("/admin/accounts/{}", officer.name);
        let page = admin.page(&app, &path);
        assert!(page.contains("重设动态码"), "{engine}: {page}");
        let token = value(&page, "csrf_token");
        let gone = admin.post(&app, &path, &[("csrf_token", &token), ("step", "factor")]);
        assert!(gone.text.contains("动态码已清除") && !gone.text.contains("重设动态码"), "{engine}: {gone}");
        assert_eq!(enter(&app, &officer.name, PASSWORD).status, 303, "{engine}");
    }
}

#[test]
fn where_a_case_would_go_is_tried_and_nothing_is_made() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-11-24T02:00:00Z").start();
        let (_, admin) = admin(&app);
        let found = admin.page(&app, "/admin/routing?sector=product_quality&place=320115&kind=complaint");
        assert!(found.contains("amr-320115") && found.contains("江宁区市场监督管理局"), "{engine}: {found}");
        assert!(found.contains("第十三条") || found.contains("条</span>"), "{engine}: with its articles: {found}");
        let english = admin.page(&app, "/admin/routing?sector=product_quality&place=320115&lang=en");
        assert!(english.contains("Goes to") && english.contains("Art "), "{engine}: {english}");
        for (query, field) in [
            ("sector=nonsense&lang=zh", "sector"),
            ("sector=product_quality&place=1", "place"),
            ("sector=product_quality&kind=x", "kind"),
            ("sector=product_quality&on=tomorrow", "on"),
        ] {
            let wrong = admin.open(&app, &format!("/admin/routing?{query}"));
            assert_eq!(wrong.status, 422, "{engine}: {query}: {wrong}");
            assert!(wrong.text.contains(&format!("href=\"#{field}\"")), "{engine}: {query}: {wrong}");
        }
        assert_eq!(app.contents().lines("SELECT CAST(count(*) AS text) AS line FROM cases"), ["0"], "{engine}");
    }
}

#[test]
fn the_pages_of_administrators_are_sound_in_a_browser() {
    let app = TestApp::start(Engine::Sqlite);
    let (session, _) = admin(&app);
    for office in ["amr-320115", "amr-320102"] {
        app.officer(office);
    }
    app.auditor("320500");
    app.supervisor("320000");
    let Some(browser) = Browser::of(&app) else { return };
    browser.resize(SCREEN);
    browser.sign_in("/login", &[("username", &session.name), ("password", PASSWORD)]);
    for (name, path) in [
        ("admin", "/admin?lang=zh"),
        ("", "/admin?name=nobody"),
        ("", "/admin/accounts/new"),
        ("admin-account", "/admin/accounts/officer-amr-320115"),
        ("", "/admin/accounts/admin"),
        ("admin-routing", "/admin/routing?sector=product_quality&place=320115"),
        ("", "/admin/routing?sector=nonsense"),
        ("", "/admin?lang=en"),
        ("", "/admin/accounts/officer-amr-320115"),
    ] {
        browser.open(path);
        browser.is_sound();
        if !name.is_empty() {
            browser.pictures(name);
        }
        let weight = browser.weigh(path);
        assert!(weight.foreign.is_empty() && weight.all <= HEAVIEST, "{path}: {weight:?}");
    }
    browser.scripts(false);
    browser.open("/admin/accounts/new?lang=zh");
    browser.send(&[("username", "li"), ("role", "officer"), ("unit", "nowhere")]);
    browser.sees("没有这个单位编号");
    browser.scripts(true);
    browser.is_sound();
    browser.scripts(false);
    browser.send(&[("unit", "amr-320106")]);
    browser.sees("帐号已新增");
    browser.scripts(true);
    browser.is_sound();
    browser.press("帐号");
    browser.sees("li");
}

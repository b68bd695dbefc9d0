//! The second factor of staff on the pages: the step after the password, setting it up with a code to photograph, recovery
//! codes, and that nothing typed is lost on the way.

use crate::security_factors::{MORNING, Phone, add};
use crate::support::browser::SCREEN;
use crate::support::client::Reply;
use crate::support::cookies::value;
use crate::support::people::PASSWORD;
use crate::support::server::Start;
use crate::support::{Browser, Engine, FilingBuilder, TestApp, Visitor, engines};
use serde_json::json;

fn nobody() -> Visitor {
    Visitor { cookie: String::new() }
}

/// The first step: name and password.
fn first(app: &TestApp, username: &str) -> Reply {
    nobody().post(app, "/login", &[("username", username), ("password", PASSWORD)])
}

/// The second, with the proof that the first gave.
fn second(app: &TestApp, proof: &str, code: &str) -> Reply {
    nobody().post(app, "/login", &[("proof", proof), ("totp", code)])
}

/// What the page says to type into an app.
fn secret(page: &str) -> String {
    let found = page.split_once("<code class=\"secret\">").and_then(|(_, rest)| rest.split_once('<'));
    found.unwrap_or_else(|| panic!("no secret in {page}")).0.to_owned()
}

/// The phone that was set up from a page.
fn phone(page: &str) -> Phone {
    let secret = secret(page);
    Phone::new(&json!({ "secret": secret, "uri": format!("otpauth://totp/x?secret={secret}") }))
}

/// The recovery codes on a page.
fn recovery(page: &str) -> Vec<String> {
    page.split("<li><code>").skip(1).filter_map(|rest| rest.split('<').next()).map(str::to_owned).collect()
}

/// SEC-AU-11: on the pages too, the password alone opens nothing where a second factor is required.
#[test]
fn sec_au_11_the_second_step_is_set_up_and_asked_for_on_the_pages() {
    for engine in engines() {
        let mut app = Start::on(engine).at(MORNING).set("AUTH__TOTP_REQUIRED", "true").start();
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        let begun = first(&app, "li");
        assert!(begun.status == 200 && begun.headers.get("set-cookie").is_none(), "{engine}: {begun}");
        assert!(begun.text.contains("<svg") && begun.text.contains("h1v1h-1z"), "{engine}: {begun}");
        let (proof, key) = (value(&begun.text, "proof"), secret(&begun.text));
        let wrong = second(&app, &proof, "000000");
        assert!(wrong.status == 401 && wrong.text.contains("动态码不对"), "{engine}: {wrong}");
        assert_eq!(secret(&wrong.text), key, "{engine}: the same can be tried again");
        let mut phone = phone(&begun.text);
        let code = phone.code();
        let made = second(&app, &proof, &code);
        let codes = recovery(&made.text);
        assert!(made.status == 200 && codes.len() == 10 && made.text.contains("href=\"/desk\""), "{engine}: {made}");
        assert_eq!(Visitor::after(&made).open(&app, "/desk").status, 200, "{engine}");

        // From now on it is asked for, and nothing of how to set it up is told.
        let asked = first(&app, "li");
        assert!(asked.status == 200 && asked.headers.get("set-cookie").is_none(), "{engine}: {asked}");
        assert!(asked.text.contains("填动态码") && !asked.text.contains(&key), "{engine}: {asked}");
        let proof = value(&asked.text, "proof");
        let replayed = second(&app, &proof, &code);
        assert!(replayed.status == 401 && !replayed.text.contains(&key), "{engine}: {replayed}");
        let entered = second(&app, &proof, &codes[0]);
        assert_eq!((entered.status, entered.header("location")), (303, "/desk"), "{engine}: {entered}");
        assert_eq!(second(&app, &proof, &codes[0]).status, 401, "{engine}: a recovery code works once");
        for forged in ["nonsense", &proof[1..], &format!("{proof}A")] {
            let refused = second(&app, forged, &codes[1]);
            assert!(refused.status == 401 && refused.text.contains("name=\"password\""), "{engine}: {refused}");
        }
        // The proof of the first step ends by itself, and with the password that it is of.
        app.restart_at("2026-11-24T00:30:00Z");
        phone.set("2026-11-24T00:30:00Z");
        let late = second(&app, &proof, &phone.code());
        assert!(late.status == 401 && late.text.contains("隔得太久了"), "{engine}: {late}");
        let fresh = value(&first(&app, "li").text, "proof");
        let reset = app.run(&["user", "reset", "--username", "li", "--password-stdin"], Some("tractor-violin-92\n"));
        assert!(reset.status.success(), "{engine}");
        assert_eq!(second(&app, &fresh, &phone.code()).status, 401, "{engine}");
    }
}

/// SEC-AU-01: codes are counted as tries on the pages too.
#[test]
fn sec_au_01_codes_on_the_pages_count_as_tries() {
    for engine in engines() {
        let app = Start::on(engine)
            .at(MORNING)
            .set("LIMITS__ENABLED", "true")
            .set("LIMITS__SIGN_IN_ATTEMPTS", "4")
            .set("AUTH__TOTP_REQUIRED", "true")
            .start();
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        let proof = value(&first(&app, "li").text, "proof");
        let statuses: Vec<u16> = (0..5).map(|_| second(&app, &proof, "000000").status).collect();
        assert_eq!(statuses, [401, 401, 401, 429, 429], "{engine}");
    }
}

#[test]
fn a_form_goes_on_after_both_steps() {
    let app = Start::on(Engine::Sqlite).at(MORNING).set("AUTH__TOTP_REQUIRED", "true").start();
    let case = FilingBuilder::complete().file(&app);
    add(&app, "li", "officer", &["--unit", &case.office()]);
    let begun = first(&app, "li");
    let made = second(&app, &value(&begun.text, "proof"), &phone(&begun.text).code());
    let codes = recovery(&made.text);
    let officer = Visitor::after(&made);
    let path = format!("/desk/cases/{}/act/note", case.reference);
    let form = officer.page(&app, &path);
    let (token, version) = (value(&form, "csrf_token"), value(&form, "version"));
    officer.post(&app, "/logout", &[("csrf_token", &token)]);
    let text = "写了很久的备注，有<尖括号>";
    let lost = officer.post(&app, &path, &[("csrf_token", &token), ("version", &version), ("text", text)]);
    assert_eq!(lost.status, 401, "{lost}");
    let kept = [("next", path.as_str()), ("kept.text", text), ("kept.version", &version)];
    let name = [("username", "li"), ("password", PASSWORD)];
    let step = nobody().post(&app, "/login", &[&name[..], &kept].concat());
    assert!(step.status == 200 && step.text.contains("name=\"kept.text\""), "{step}");
    assert!(step.text.contains("写了很久的备注，有&#60;尖括号&#62;"), "{step}");
    let proof = value(&step.text, "proof");
    let wrong = nobody().post(&app, "/login", &[&[("proof", proof.as_str()), ("totp", "000000")][..], &kept].concat());
    assert!(wrong.status == 401 && wrong.text.contains("写了很久的备注"), "{wrong}");
    let code = [("proof", proof.as_str()), ("totp", &codes[0])];
    let resumed = nobody().post(&app, "/login", &[&code[..], &kept].concat());
    assert!(resumed.status == 200 && resumed.text.contains("写了很久的备注"), "{resumed}");
    let officer = Visitor::after(&resumed);
    let token = value(&resumed.text, "csrf_token");
    let back = [("csrf_token", token.as_str()), ("resume", "1"), ("text", text), ("version", &version)];
    let form = officer.post(&app, &path, &back);
    assert!(form.status == 200 && form.text.contains("写了很久的备注"), "{form}");
}

#[test]
fn whoever_wants_a_second_factor_sets_it_up_and_takes_it_away() {
    for engine in engines() {
        let app = Start::on(engine).at(MORNING).start();
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        let entered = first(&app, "li");
        assert_eq!(entered.status, 303, "{engine}: {entered}");
        let li = Visitor::after(&entered);
        let page = li.page(&app, "/account");
        assert!(page.contains("未启用") && !page.contains("class=\"secret\""), "{engine}: {page}");
        let token = value(&page, "csrf_token");
        let factor = |step: &str, code: &str| {
            li.post(&app, "/account/factor", &[("csrf_token", &token), ("step", step), ("totp", code)])
        };
        let begun = factor("begin", "");
        let phone = phone(&begun.text);
        let wrong = factor("confirm", "000000");
        assert!(wrong.status == 422 && wrong.text.contains("href=\"#totp\""), "{engine}: {wrong}");
        let made = factor("confirm", &phone.code());
        assert!(made.status == 200 && made.text.contains("已启用"), "{engine}: {made}");
        assert_eq!(recovery(&made.text).len(), 10, "{engine}: {made}");
        assert!(!li.page(&app, "/account").contains("<li><code>"), "{engine}: told once");
        assert!(first(&app, "li").text.contains("填动态码"), "{engine}");
        let gone = factor("remove", "");
        assert!(gone.text.contains("动态码已停用"), "{engine}: {gone}");
        assert_eq!(first(&app, "li").status, 303, "{engine}");

        let password = |old: &str, new: &str| {
            let fields = [("csrf_token", token.as_str()), ("password", old), ("new_password", new)];
            li.post(&app, "/account/password", &fields)
        };
        for (old, new, field) in
            [("wrong-one-here", "tractor-violin-92", "password"), (PASSWORD, "short", "new_password")]
        {
            let refused = password(old, new);
            assert_eq!(refused.status, 422, "{engine}: {refused}");
            assert!(refused.text.contains(&format!("href=\"#{field}\"")), "{engine}: {refused}");
            assert!(!refused.text.contains(old) && !refused.text.contains("tractor"), "{engine}: {refused}");
        }
        let changed = password(PASSWORD, "tractor-violin-92");
        assert_eq!(changed.header("location"), "/login?out=password", "{engine}: {changed}");
        assert_eq!(li.open(&app, "/account").status, 303, "{engine}: every session has ended");
        assert_eq!(first(&app, "li").status, 401, "{engine}");
        let stranger = nobody().post(&app, "/account/password", &[("password", PASSWORD), ("new_password", "x")]);
        assert!(stranger.status == 303 && !stranger.text.contains(PASSWORD), "{engine}: {stranger}");
    }
}

#[test]
fn the_pages_of_the_second_factor_are_sound_in_a_browser() {
    let app = Start::on(Engine::Sqlite).at(MORNING).set("AUTH__TOTP_ROLES", "supervisor").start();
    add(&app, "zhang", "supervisor", &["--division", "320100"]);
    add(&app, "li", "officer", &["--unit", "amr-320115"]);
    let Some(browser) = Browser::of(&app) else { return };
    browser.resize(SCREEN);
    browser.open("/login");
    browser.is_sound();
    browser.pictures("login");
    let plain = |fields: &[(&str, &str)]| {
        browser.scripts(false);
        browser.send(fields);
        browser.scripts(true);
    };
    plain(&[("username", "zhang"), ("password", PASSWORD)]);
    browser.sees("设置动态码");
    browser.is_sound();
    browser.pictures("login-set-up");
    let phone = phone(&browser.html());
    plain(&[("totp", "000000")]);
    browser.sees("动态码不对");
    browser.is_sound();
    plain(&[("totp", &phone.code())]);
    browser.sees("请记下恢复码");
    browser.is_sound();
    browser.press("进入工作台");
    browser.open("/account?lang=en");
    browser.sees("cannot be turned off");
    browser.is_sound();
    browser.devtools("Network.clearBrowserCookies", &json!({}));
    browser.open("/login?lang=zh");
    plain(&[("username", "zhang"), ("password", PASSWORD)]);
    browser.sees("填动态码");
    browser.is_sound();
    browser.pictures("login-code");
    browser.devtools("Network.clearBrowserCookies", &json!({}));
    browser.sign_in("/login", &[("username", "li"), ("password", PASSWORD)]);
    browser.open("/account");
    browser.is_sound();
    browser.press("设置动态码");
    browser.is_sound();
    browser.pictures("account");
    for path in ["/login", "/account"] {
        let weight = browser.weigh(path);
        assert!(weight.foreign.is_empty() && weight.all <= 120_000, "{path}: {weight:?}");
    }
}

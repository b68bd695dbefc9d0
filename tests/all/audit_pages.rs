//! The pages of auditors: who did what, narrowed and paged, and whether the log is as it was written.

use crate::support::browser::SCREEN;
use crate::support::cookies::value;
use crate::support::people::PASSWORD;
use crate::support::server::Start;
use crate::support::{Browser, Engine, FilingBuilder, Session, TestApp, Visitor, engines};
use serde_json::json;

/// Most bytes that a page of auditors may take in all.
const HEAVIEST: u64 = 120_000;

/// What would run, were it not escaped.
const EVIL: &str = "<script>alert(1)</script>核实买家的联系方式";

/// An office that looked at what is masked, another that was refused, and a supervisor who took a list away.
fn furnished(app: &TestApp) -> String {
    let case = FilingBuilder::complete().file(app);
    let officer = app.officer(&case.office());
    let reason = json!({ "fields": ["name", "phone"], "reason": EVIL });
    app.post(&format!("{}/unmask", case.path()), &officer).json(&reason).send().expect(200);
    app.get(&case.path(), &app.officer("amr-320102")).send().problem(404);
    let export = "/api/v1/exports/cases.csv?sector=product_quality";
    assert_eq!(app.get(export, &app.supervisor("320100")).send().status, 200);
    case.reference
}

/// How many entries a page shows.
fn count(page: &str) -> usize {
    page.matches("class=\"log-head\"").count()
}

#[test]
fn auditors_see_who_did_what_to_which_case_and_why() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-11-24T02:00:00Z").start();
        let reference = furnished(&app);
        let auditor = Visitor::of(&app, &app.auditor("320000"));
        let seen = auditor.page(&app, "/audit?kind=unmask");
        assert_eq!(count(&seen), 1, "{engine}: {seen}");
        for words in ["姓名、电话", "核实买家的联系方式", "officer-amr-320115", reference.as_str()] {
            assert!(seen.contains(words), "{engine}: {words} isn't in {seen}");
        }
        assert!(!seen.contains("<script>alert"), "{engine}: {seen}");
        let refused = auditor.page(&app, "/audit?kind=access_denied&actor=officer-amr-320102");
        assert!(count(&refused) == 1 && refused.contains("/api/v1/cases/{reference}"), "{engine}: {refused}");
        let export = auditor.page(&app, "/audit?kind=export");
        assert!(count(&export) == 1 && export.contains("sector=product_quality"), "{engine}: {export}");
        assert_eq!(count(&auditor.page(&app, &format!("/audit?case={reference}"))), 1, "{engine}");
        let all = count(&auditor.page(&app, "/audit?lang=en"));
        assert!(all > 5, "{engine}: {all}");
        assert!(count(&auditor.page(&app, "/audit?from=2026-11-24&to=2026-11-24&lang=zh")) >= all, "{engine}");
        assert_eq!(count(&auditor.page(&app, "/audit?from=2026-11-25")), 0, "{engine}");
        let none = auditor.page(&app, "/audit?kind=unmask&to=2026-11-23");
        assert!(count(&none) == 0 && none.contains("没有符合的记录"), "{engine}: {none}");
        for (query, field) in [
            ("from=1.1.2026", "from"),
            ("to=2026-13-01", "to"),
            ("case=JS-20261123-7K3M9QX-0", "case"),
            ("kind=everything", "kind"),
            ("actor=%07", "actor"),
        ] {
            let wrong = auditor.open(&app, &format!("/audit?{query}"));
            assert_eq!((wrong.status, count(&wrong.text)), (422, 0), "{engine}: {query}: {wrong}");
            assert!(wrong.text.contains(&format!("href=\"#{field}\"")), "{engine}: {query}: {wrong}");
        }
        // Another city's auditor knows nothing of it.
        let other = Visitor::of(&app, &app.auditor("320500"));
        let elsewhere = other.page(&app, "/audit?kind=unmask");
        assert!(count(&elsewhere) == 0 && !elsewhere.contains(&reference), "{engine}: {elsewhere}");
    }
}

#[test]
fn a_long_log_is_turned_page_by_page() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let supervisor = app.supervisor("320100");
        for _ in 0..52 {
            assert_eq!(app.get("/api/v1/exports/cases.csv", &supervisor).send().status, 200);
        }
        let auditor = Visitor::of(&app, &app.auditor("320000"));
        let first = auditor.page(&app, "/audit?kind=export&actor=supervisor-320100");
        assert_eq!(count(&first), 50, "{engine}");
        let next = first.split("rel=\"next\" href=\"").nth(1).expect("a next page").split('"').next().unwrap();
        let next = next.replace("&amp;", "&").replace("&#38;", "&");
        assert!(next.contains("kind=export") && next.contains("actor=supervisor-320100"), "{engine}: {next}");
        let second = auditor.page(&app, &next);
        assert_eq!(count(&second), 2, "{engine}: {second}");
        assert!(!second.contains("rel=\"next\"") && second.contains("第一页"), "{engine}: {second}");
        assert_eq!(auditor.open(&app, "/audit?cursor=nonsense").status, 422, "{engine}");
    }
}

#[test]
fn the_log_is_for_auditors_alone() {
    let app = TestApp::start(Engine::Sqlite);
    let nobody = Visitor { cookie: String::new() };
    let officer = Visitor::of(&app, &app.officer("amr-320115"));
    let admin = Visitor::of(&app, &app.staff("admin", None, None));
    for path in ["/audit", "/audit/chain"] {
        assert_eq!(nobody.open(&app, path).status, 303, "{path}");
        assert_eq!(officer.open(&app, path).status, 403, "{path}");
        assert_eq!(admin.open(&app, path).status, 403, "{path}");
    }
    let token = value(&officer.page(&app, "/desk"), "csrf_token");
    assert_eq!(officer.post(&app, "/audit/chain", &[("csrf_token", &token)]).status, 403);
    let auditor = Visitor::of(&app, &app.auditor("320000"));
    assert_eq!(auditor.post(&app, "/audit/chain", &[("csrf_token", "nonsense")]).status, 403);
    assert_eq!(auditor.post(&app, "/audit/chain", &[]).status, 403);
    // Whoever signs in as an auditor begins here.
    let fields = [("username", "auditor-320000"), ("password", PASSWORD)];
    assert_eq!(nobody.post(&app, "/login", &fields).header("location"), "/audit");
}

#[test]
fn the_first_broken_entry_of_the_chain_is_shown() {
    for engine in engines() {
        let app = Start::on(engine).start();
        furnished(&app);
        let session = app.auditor("320000");
        let auditor = Visitor::of(&app, &session);
        let before = auditor.page(&app, "/audit/chain");
        assert!(before.contains("还没有核验过"), "{engine}: {before}");
        let check = || {
            let sent = auditor.send(&app, "/audit/chain", &[]);
            assert_eq!((sent.status, sent.header("location")), (303, "/audit/chain"), "{engine}: {sent}");
            auditor.page(&app, "/audit/chain")
        };
        let whole = check();
        assert!(whole.contains("全部记录与写入时一致"), "{engine}: {whole}");
        let all = app.pages("/api/v1/audit?limit=200", &session);
        let third = all.iter().find(|entry| entry["seq"] == 3).expect("a third entry");
        let kind = third["kind"].as_str().unwrap();
        app.tamper("UPDATE audit SET actor = 'someone else' WHERE seq = 3");
        let broken = check();
        assert!(broken.contains("第 3 条被改动过") && broken.contains("从第一条起 2 条一致"), "{engine}: {broken}");
        assert!(broken.contains("someone else"), "{engine}: what stands there now, {kind}: {broken}");
        assert!(!broken.contains("全部记录与写入时一致"), "{engine}");
        app.tamper("DELETE FROM audit WHERE seq = 2");
        let gone = check();
        assert!(gone.contains("第 2 条不见了") && !gone.contains("第 2 条现在的内容"), "{engine}: {gone}");
        let english = auditor.page(&app, "/audit/chain?lang=en");
        assert!(english.contains("Entry 2 is gone"), "{engine}: {english}");
    }
}

#[test]
fn what_cannot_be_checked_is_said() {
    let app = Start::on(Engine::Sqlite).start();
    let auditor = Visitor::of(&app, &app.auditor("320000"));
    let folder = app.data().join("checkpoints");
    std::fs::create_dir_all(&folder).unwrap();
    std::fs::write(folder.join("no.json"), "no checkpoint").unwrap();
    auditor.send(&app, "/audit/chain", &[]);
    let page = auditor.page(&app, "/audit/chain");
    assert!(page.contains("没能核验") && !page.contains("与写入时一致"), "{page}");
}

#[test]
fn the_pages_of_auditors_are_sound_in_a_browser() {
    let app = TestApp::start(Engine::Sqlite);
    furnished(&app);
    let auditor: Session = app.auditor("320000");
    let Some(browser) = Browser::of(&app) else { return };
    browser.resize(SCREEN);
    browser.sign_in("/login", &[("username", &auditor.name), ("password", PASSWORD)]);
    browser.sees("审计记录");
    for (name, path) in [
        ("audit", "/audit?lang=zh"),
        ("", "/audit?kind=export&from=yesterday"),
        ("", "/audit?kind=restore"),
        ("", "/audit/chain"),
        ("", "/audit?lang=en"),
    ] {
        browser.open(path);
        browser.is_sound();
        if !name.is_empty() {
            browser.pictures(name);
        }
        let weight = browser.weigh(path);
        assert!(weight.foreign.is_empty() && weight.all <= HEAVIEST, "{path}: {weight:?}");
    }
    browser.open("/audit/chain?lang=zh");
    browser.send(&[]);
    browser.sees("全部记录与写入时一致");
    browser.is_sound();
    app.tamper("UPDATE audit SET actor = 'someone else' WHERE seq = 3");
    browser.send(&[]);
    browser.sees("第 3 条被改动过");
    browser.is_sound();
    browser.pictures("audit-chain");
    browser.media(false, &[("prefers-color-scheme", "dark")]);
    browser.open("/audit/chain");
    browser.is_sound();
}

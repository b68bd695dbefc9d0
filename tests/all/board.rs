//! The board: what the public sees of the figures, and how staff come from a number to exactly its cases.

use crate::support::browser::{SCREEN, screenshots};
use crate::support::people::PASSWORD;
use crate::support::{Browser, Engine, FilingBuilder, TestApp, Visitor, engines};
use serde_json::json;

/// Most bytes that the board may take in all.
const HEAVIEST: u64 = 150_000;

fn nobody() -> Visitor {
    Visitor { cookie: String::new() }
}

/// Files complaints and accepts every one of them but the last.
fn fill(app: &TestApp, n: usize) {
    for number in 0..n {
        let case = FilingBuilder::complete().merchant(&format!("某某商店{number}")).file(app);
        if number + 1 < n {
            app.step(&case, &app.officer(&case.office()), "accept", &json!({}), "accepted");
        }
    }
}

#[test]
fn the_public_sees_rates_with_what_they_count_and_no_small_numbers() {
    for engine in engines() {
        let app = crate::support::server::Start::on(engine).set("MEASURE__SMALL_NUMBER", "3").start();
        fill(&app, 2);
        let few = nobody().page(&app, "/board");
        assert!(few.contains("少于 3") && few.contains("处理率"), "{engine}: {few}");
        assert!(!few.contains("/board/cases") && !few.contains("2 / 2"), "{engine}: nobody's cases: {few}");
        let csv = nobody().open(&app, "/board.csv");
        assert!(csv.header("content-type").starts_with("text/csv") && csv.text.starts_with('\u{feff}'), "{csv}");
        let handling = csv.text.lines().find(|line| line.contains("处理率")).unwrap().to_owned();
        assert!(handling.starts_with("合计,,处理率,,,,,1.0000,"), "{engine}: {handling}");
        let page = nobody().page(&app, "/board?lang=en&period=2020-01");
        assert!(page.contains("No complaints in this period"), "{page}");
    }
}

#[test]
fn staff_come_from_a_number_to_its_cases_within_their_scope() {
    let app = crate::support::server::Start::on(Engine::Sqlite).set("MEASURE__SMALL_NUMBER", "3").start();
    fill(&app, 4);
    let supervisor = Visitor::of(&app, &app.supervisor("320100"));
    let page = supervisor.page(&app, "/board");
    assert!(page.contains("3 / 3") && page.contains("100%"), "{page}");
    let url = page.split("href=\"").find(|part| part.starts_with("/board/cases?rate=handling")).unwrap();
    let url = url.split('"').next().unwrap().replace("&amp;", "&").replace("&#38;", "&");
    let list = supervisor.page(&app, &url);
    assert_eq!(list.matches("/desk/cases/JS-").count(), 3, "{url}: {list}");
    for (format, start) in [("csv", "\u{feff}"), ("xlsx", "PK")] {
        let link = format!("href=\"/api/v1/exports/cases.{format}?");
        let file = list.split(&link).nth(1).expect("a link").split('"').next().unwrap();
        let file = format!("/api/v1/exports/cases.{format}?{}", file.replace("&amp;", "&").replace("&#38;", "&"));
        let taken = supervisor.open(&app, &file);
        assert!(taken.status == 200 && taken.text.starts_with(start), "{file}: {}", taken.status);
        if format == "csv" {
            assert_eq!(taken.text.lines().count(), 4, "{file}: a head and the three cases");
        }
    }
    let elsewhere = Visitor::of(&app, &app.supervisor("320500"));
    assert!(!elsewhere.page(&app, "/board?division=320100").contains("3 / 3"), "a scope isn't widened");
    assert!(!elsewhere.page(&app, &url).contains("/desk/cases/JS-"));
    assert_eq!(nobody().open(&app, &url).status, 303);
}

#[test]
fn figures_are_kept_for_a_minute() {
    let app = crate::support::server::Start::on(Engine::Sqlite).set("MEASURE__SMALL_NUMBER", "1").start();
    fill(&app, 2);
    let first = nobody().page(&app, "/board");
    fill(&app, 3);
    assert_eq!(nobody().page(&app, "/board"), first, "the second look costs nothing");
    assert_ne!(nobody().page(&app, "/board?division=320100"), first);
}

/// An installation with as many cases as a board has something to show of, at every stage and in every city.
fn furnished() -> TestApp {
    let mut app = crate::support::server::Start::on(Engine::Sqlite).set("MEASURE__SMALL_NUMBER", "3").prepare();
    let cases = if screenshots().is_some() { "6000" } else { "300" };
    let loaded = app.run(&["bench", "--cases", cases, "--load-only"], None);
    assert!(loaded.status.success(), "{loaded:?}");
    app.serve();
    app
}

#[test]
fn the_board_is_sound_in_a_browser() {
    let app = furnished();
    let Some(browser) = Browser::of(&app) else { return };
    browser.resize(SCREEN);
    let pages: &[(&str, &str)] = &[("board-en", "/board?lang=en&division=320100"), ("board", "/board?lang=zh")];
    for (name, path) in pages {
        browser.open(path);
        browser.is_sound();
        browser.pictures(name);
    }
    let weight = browser.weigh("/board?lang=zh");
    assert!(weight.foreign.is_empty() && weight.all <= HEAVIEST, "{weight:?}");
    browser.media(false, &[("prefers-color-scheme", "dark")]);
    browser.open("/board?lang=zh");
    browser.is_sound();
    browser.pictures("board-dark");
    browser.media(false, &[]);

    let supervisor = app.supervisor("320000");
    browser.sign_in("/login", &[("username", &supervisor.name), ("password", PASSWORD)]);
    for (name, path) in [("queue", "/desk?view=open"), ("", "/board/cases?rate=handling&part=denominator")] {
        browser.open(path);
        browser.is_sound();
        if !name.is_empty() {
            browser.pictures(name);
        }
    }
}

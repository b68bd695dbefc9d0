//! Every public page in a real browser: accessibility, width, weight, where it reaches to; light, dark, high contrast, elder
//! mode, both languages, without scripts.

use crate::support::browser::{SCREEN, has_axe};
use crate::support::{Browser, Engine, TestApp};

/// Pages that anyone can open.
const PUBLIC: &[&str] = &["/", "/file/what", "/ask", "/t", "/privacy", "/accessibility", "/offline", "/no-such-page"];

/// Most bytes that a page of the consumer's face may take in all, and of scripts.
const HEAVIEST: (u64, u64) = (60_000, 25_000);

#[test]
fn public_pages_are_sound_in_both_languages_and_in_elder_mode() {
    let app = TestApp::start(Engine::Sqlite);
    let Some(browser) = Browser::of(&app) else { return };
    for switch in ["lang=zh&mode=standard", "lang=en&mode=elder"] {
        for path in PUBLIC.iter().filter(|path| **path != "/no-such-page") {
            browser.open(&format!("{path}?{switch}"));
            browser.is_sound();
            if *path == "/" {
                browser.pictures(if switch.contains("elder") { "home-elder-en" } else { "home" });
            }
        }
    }
}

#[test]
fn pages_are_sound_in_the_dark_and_in_high_contrast() {
    let app = TestApp::start(Engine::Sqlite);
    let Some(browser) = Browser::of(&app) else { return };
    for surroundings in [("prefers-color-scheme", "dark"), ("prefers-contrast", "more")] {
        browser.media(false, &[surroundings]);
        browser.open("/");
        browser.is_sound();
    }
}

#[test]
fn pages_are_light_and_ask_nobody_else() {
    let app = TestApp::start(Engine::Sqlite);
    let Some(browser) = Browser::of(&app) else { return };
    for path in PUBLIC {
        let weight = browser.weigh(path);
        assert!(weight.foreign.is_empty(), "{path}: {weight:?}");
        assert!(weight.all <= HEAVIEST.0 && weight.scripts <= HEAVIEST.1 && weight.scripts > 0, "{path}: {weight:?}");
    }
}

/// The checks must be able to fail: each is shown a page with the flaw.
#[test]
fn the_checks_find_planted_flaws() {
    let app = TestApp::start(Engine::Sqlite);
    let Some(browser) = Browser::of(&app) else { return };
    browser.open("/");
    browser.script("document.querySelector('main').insertAdjacentHTML('beforeend', '<img src=\"/assets/none\">')", &[]);
    assert!(
        !has_axe() || browser.violations().iter().any(|found| found.starts_with("image-alt")),
        "{:?}",
        browser.violations()
    );
    browser.wait("the missing file", |browser| !browser.errors().is_empty());
    browser.resize(SCREEN);
    browser.script("document.querySelector('h1').style.width = '2000px'", &[]);
    assert!(browser.sideways() > 0);
    browser.scripts(false);
    browser.open("/?lang=en");
    browser.sees("Something wrong with");
    assert_eq!(browser.script("return document.documentElement.lang", &[]), "en");
}

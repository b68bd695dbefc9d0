//! What all pages share: languages and modes, errors for people and for programs, files with hashed names, forms from elsewhere.

use crate::support::{Engine, Session, TestApp};

const PAGES: &[&str] = &["/", "/file/what", "/ask", "/t", "/privacy", "/accessibility", "/offline"];

fn open(app: &TestApp, path: &str) -> crate::support::client::Reply {
    app.get(path, &Session::anonymous()).header("accept", "text/html").send()
}

/// The values of an attribute on a page.
fn attributes<'a>(html: &'a str, name: &str) -> Vec<&'a str> {
    let start = format!("{name}=\"");
    html.split(start.as_str()).skip(1).filter_map(|rest| rest.split('"').next()).collect()
}

#[test]
fn pages_load_only_what_is_here_and_nothing_inline() {
    let app = TestApp::start(Engine::Sqlite);
    for path in PAGES {
        let page = open(&app, path);
        assert_eq!(page.status, 200, "{page}");
        let policy = page.header("content-security-policy");
        assert!(policy.contains("default-src 'none'") && !policy.contains("unsafe"), "{policy}");
        assert_eq!(page.header("cache-control"), "no-store");
        for forbidden in [" style=", "<style", " onclick=", "javascript:", "http://", "https://"] {
            assert!(!page.text.contains(forbidden), "{path}: {forbidden}");
        }
        let addresses = [attributes(&page.text, "href"), attributes(&page.text, "src")].concat();
        let own: Vec<_> = addresses.into_iter().filter(|address| address.starts_with('/')).collect();
        assert!(own.len() > 5, "{path}: {own:?}");
        for address in own {
            let file = app.get(address, &Session::anonymous()).send();
            assert_eq!(file.status, 200, "{path} leads to {address}");
            if address.starts_with("/assets/") {
                assert_eq!(file.header("cache-control"), "public, max-age=31536000, immutable", "{address}");
            }
        }
    }
}

#[test]
fn language_and_mode_are_the_servers_and_are_remembered() {
    let app = TestApp::start(Engine::Sqlite);
    let asked = open(&app, "/?lang=en&mode=elder");
    assert!(asked.text.contains("<html lang=\"en\" data-mode=\"elder\">"), "{asked}");
    let cookies: Vec<_> = asked.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap()).collect();
    assert_eq!(cookies.len(), 2, "{cookies:?}");
    assert!(cookies.iter().all(|cookie| cookie.contains("HttpOnly") && cookie.contains("SameSite=Lax")), "{cookies:?}");
    let jar: Vec<_> = cookies.iter().map(|cookie| cookie.split(';').next().unwrap()).collect();
    let later = app.get("/privacy", &Session::anonymous()).header("cookie", &jar.join("; ")).send();
    assert!(later.text.contains("<html lang=\"en\" data-mode=\"elder\">"), "{later}");
    let plain = open(&app, "/");
    assert!(plain.text.contains("<html lang=\"zh-CN\">") && !plain.headers.contains_key("set-cookie"), "{plain}");
}

#[test]
fn an_error_is_a_page_for_people_and_a_problem_for_programs() {
    let app = TestApp::start(Engine::Sqlite);
    let page = open(&app, "/no-such-page");
    assert_eq!(page.status, 404);
    assert!(page.header("content-type").starts_with("text/html") && page.text.contains("没有找到这一页"), "{page}");
    assert!(page.text.contains(page.header("x-request-id")), "{page}");
    app.get("/no-such-page", &Session::anonymous()).send().problem(404);
    open(&app, "/api/v1/cases/none").problem(401);
    let posted = app.post("/", &Session::anonymous()).header("accept", "text/html").send();
    assert_eq!((posted.status, posted.header("allow")), (405, "GET, HEAD"));
}

#[test]
fn a_form_from_another_site_is_refused() {
    let app = TestApp::start(Engine::Sqlite);
    let send = |site: &str| {
        app.post("/setup/unknown", &Session::anonymous())
            .header("sec-fetch-site", site)
            .body("application/x-www-form-urlencoded", "username=someone&password=x")
            .send()
    };
    assert_eq!(send("cross-site").problem(403)["code"], "foreign_origin");
    assert_eq!(send("same-origin").status, 404, "our own form reaches the page, which knows no such link");
}

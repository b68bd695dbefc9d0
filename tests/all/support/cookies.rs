//! Somebody who works with pages: signed in by the form, known by a cookie, sending forms with their token.

use super::client::{Reply, Session};
use super::server::TestApp;

/// A person at a browser without scripts.
#[derive(Debug, Clone)]
pub(crate) struct Visitor {
    pub(crate) cookie: String,
}

/// A form as it is sent.
pub(crate) fn form(fields: &[(&str, &str)]) -> String {
    let mut text = url::form_urlencoded::Serializer::new(String::new());
    text.extend_pairs(fields);
    text.finish()
}

/// The value of the first element with this name on a page.
pub(crate) fn value(page: &str, name: &str) -> String {
    let start = format!("name=\"{name}\" value=\"");
    let found = page.split_once(&start).and_then(|(_, rest)| rest.split_once('"'));
    found.unwrap_or_else(|| panic!("no field {name} in {page}")).0.to_owned()
}

/// The cookie that an answer sets, as a browser sends it back.
fn set(reply: &Reply) -> Option<String> {
    let cookies = reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    cookies
        .filter(|cookie| cookie.starts_with("fangxin="))
        .find_map(|cookie| cookie.split(';').next().map(str::to_owned))
}

impl Visitor {
    /// Somebody who has an account signs in at the page.
    #[track_caller]
    pub(crate) fn of(app: &TestApp, by: &Session) -> Self {
        let fields = [("username", by.name.as_str()), ("password", super::people::PASSWORD)];
        let nobody = Self { cookie: String::new() };
        let reply = nobody.post(app, "/login", &fields);
        assert_eq!(reply.status, 303, "{reply}");
        Self { cookie: set(&reply).unwrap_or_else(|| panic!("no cookie: {reply}")) }
    }

    /// Opens a page.
    pub(crate) fn open(&self, app: &TestApp, path: &str) -> Reply {
        app.get(path, &Session::anonymous()).header("accept", "text/html").header("cookie", &self.cookie).send()
    }

    /// Opens a page that must be there.
    #[track_caller]
    pub(crate) fn page(&self, app: &TestApp, path: &str) -> String {
        let reply = self.open(app, path);
        assert_eq!(reply.status, 200, "{reply}");
        reply.text
    }

    /// Sends a form as it stands.
    pub(crate) fn post(&self, app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Reply {
        let call = app.post(path, &Session::anonymous()).header("accept", "text/html");
        let call = call.header("cookie", &self.cookie).header("sec-fetch-site", "same-origin");
        call.body("application/x-www-form-urlencoded", form(fields)).send()
    }

    /// Opens a page, fills its form in and sends it with the hidden fields that it carries.
    #[track_caller]
    pub(crate) fn send(&self, app: &TestApp, path: &str, fields: &[(&str, &str)]) -> Reply {
        let page = self.page(app, path);
        let body = page.split_once("<main").expect("a page").1;
        let hidden: Vec<(String, String)> = body
            .split("<input type=\"hidden\" name=\"")
            .skip(1)
            .filter_map(|rest| {
                let (name, rest) = rest.split_once("\" value=\"")?;
                Some((name.to_owned(), rest.split_once('"')?.0.to_owned()))
            })
            .collect();
        let hidden = hidden.iter().map(|(name, value)| (name.as_str(), value.as_str()));
        let own: Vec<(&str, &str)> = hidden.filter(|(name, _)| fields.iter().all(|(given, _)| given != name)).collect();
        self.post(app, path, &[&own[..], fields].concat())
    }

    /// The same with the cookie that an answer has set.
    pub(crate) fn after(reply: &Reply) -> Self {
        Self { cookie: set(reply).unwrap_or_else(|| panic!("no cookie: {reply}")) }
    }
}

//! Sessions of pages: the cookie, and how a page signs somebody in and out.
//!
//! How a page handler uses it:
//!
//! - `caller: Caller` in a handler of `GET` gives whoever is signed in, by bearer token or cookie alike;
//!   `caller.signed_in()?` refuses the anonymous. A cookie that is good no longer counts as none.
//! - `sender: Unconfirmed` in a handler of `POST` beside the form's fields, and then
//!   `sender.confirm(Some(fields.get("csrf_token")))?`, gives who sent it, after the checks against other sites' pages. A
//!   handler of `POST` that takes `Caller` itself refuses whoever has a cookie and doesn't send the token as a header.
//! - `caller.csrf()` is the value of the hidden field `csrf_token` that every form of a signed-in page carries; scripts may
//!   send it as the header `x-csrf-token` instead. Where nobody is signed in it is empty, and isn't asked for.
//! - [`sign_in`] checks credentials and gives the cookie to add to the answer (`response.cookie(cookie)`); [`sign_out`] ends
//!   the session and gives the cookie that removes the other.

use crate::access::{self, Carrier, Credentials, Refused, sessions};
use crate::app::App;
use crate::config::settings::Settings;
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::identity::Ticket;
use crate::identity::oidc::FLOW_SECONDS;
use actix_web::HttpRequest;
use actix_web::cookie::{Cookie, SameSite};
use std::net::IpAddr;
use std::sync::Arc;

/// Name of the cookie; `__Host-` binds it to this host, this path and TLS.
const SECURE: &str = "__Host-fangxin";

/// Its name where a browser on this machine talks to the service without TLS: for trying it out.
const PLAIN: &str = "fangxin";

/// Whether the browser reaches us with TLS. All do, except one on the same machine that names it by a loopback address.
fn is_secure(request: &HttpRequest, settings: &Settings) -> bool {
    if settings.server.public_url.as_deref().is_some_and(|url| url.starts_with("https://")) {
        return true;
    }
    let host = request.headers().get("host").and_then(|value| value.to_str().ok()).unwrap_or_default();
    let name = match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((name, _)) => name,
        None => host.split(':').next().unwrap_or_default(),
    };
    !(name.eq_ignore_ascii_case("localhost") || name.parse::<IpAddr>().is_ok_and(|address| address.is_loopback()))
}

fn cookie_name(request: &HttpRequest, settings: &Settings) -> &'static str {
    if is_secure(request, settings) { SECURE } else { PLAIN }
}

/// The ticket in the cookie of a request.
pub(super) fn ticket(request: &HttpRequest, settings: &Settings) -> Option<Ticket> {
    request.cookie(cookie_name(request, settings)).and_then(|cookie| Ticket::parse(cookie.value()))
}

fn cookie(request: &HttpRequest, settings: &Settings, value: String) -> Cookie<'static> {
    named(cookie_name(request, settings), is_secure(request, settings), value)
}

/// The cookie of somebody on the way to the provider of sign-in and back: name and value as a session's, for some minutes.
pub(super) fn flow_cookie(request: &HttpRequest, settings: &Settings, value: String) -> Cookie<'static> {
    let mut cookie = named(flow_name(request, settings), is_secure(request, settings), value);
    cookie.set_max_age(actix_web::cookie::time::Duration::seconds(FLOW_SECONDS));
    cookie
}

/// What the cookie of the way to the provider holds.
pub(super) fn flow(request: &HttpRequest, settings: &Settings) -> Option<String> {
    request.cookie(flow_name(request, settings)).map(|cookie| cookie.value().to_owned())
}

fn flow_name(request: &HttpRequest, settings: &Settings) -> &'static str {
    if is_secure(request, settings) { "__Host-fangxin-oidc" } else { "fangxin-oidc" }
}

fn named(name: &'static str, secure: bool, value: String) -> Cookie<'static> {
    // Lax: the links of our notices lead into pages where one is signed in. What changes something is checked besides.
    Cookie::build(name, value).path("/").secure(secure).http_only(true).same_site(SameSite::Lax).finish()
}

/// Signs somebody in at a page. The cookie lasts as long as the browser, the session behind it as the settings say.
///
/// # Errors
/// Those of `POST /api/v1/auth/token`.
pub async fn sign_in(
    app: &Arc<App>,
    request: &HttpRequest,
    caller: &Caller,
    credentials: Credentials,
) -> Result<Cookie<'static>, Problem> {
    Ok(enter(app, request, caller, credentials).await?.0)
}

/// The same; gives the recovery codes of a second factor too, which are told once, when its first code was shown.
///
/// # Errors
/// [`Refused`], which also says what is asked for next.
pub async fn enter(
    app: &Arc<App>,
    request: &HttpRequest,
    caller: &Caller,
    credentials: Credentials,
) -> Result<(Cookie<'static>, Vec<String>), Refused> {
    let proven = access::sign_in::check(app, credentials, &caller.origin()).await?;
    admit(app, request, caller, proven).await
}

/// Lets somebody in who has proved who they are.
///
/// # Errors
/// The store's.
pub async fn admit(
    app: &Arc<App>,
    request: &HttpRequest,
    caller: &Caller,
    proven: access::Proven,
) -> Result<(Cookie<'static>, Vec<String>), Refused> {
    let from = caller.origin();
    // A session that was there is not the new one's: whoever planted its cookie would have it too.
    if let Some(session) = caller.session {
        sessions::end(app, &caller.who, session, &from).await?;
    }
    let recovery = proven.recovery.clone();
    let opened = sessions::open(app, proven, Carrier::Cookie, &from).await?;
    Ok((cookie(request, &app.settings, opened.ticket.expose()), recovery))
}

/// Signs the caller out; nothing happens to one who isn't signed in.
///
/// # Errors
/// The store's.
pub async fn sign_out(app: &App, request: &HttpRequest, caller: &Caller) -> Result<Cookie<'static>, Problem> {
    if let Some(session) = caller.session {
        sessions::end(app, &caller.who, session, &caller.origin()).await?;
    }
    let mut gone = cookie(request, &app.settings, String::new());
    gone.make_removal();
    Ok(gone)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::settings::Inputs;
    use actix_web::test::TestRequest;

    fn settings(public_url: &str) -> Settings {
        let variable = ("FANGXIN__SERVER__PUBLIC_URL".to_owned(), public_url.to_owned());
        Settings::load(&Inputs { file: None, environment: vec![variable], flags: Vec::new() }).unwrap()
    }

    fn made(host: &'static str, public_url: &str) -> String {
        let request = TestRequest::get().insert_header(("host", host)).to_http_request();
        cookie(&request, &settings(public_url), "value".to_owned()).to_string()
    }

    /// SEC-AU-06
    #[test]
    fn sec_au_06_cookies_are_bound_to_host_tls_and_http() {
        for (host, public_url) in [
            ("fx.example", ""),
            ("fx.example:8080", ""),
            ("192.0.2.7:8080", ""),
            ("localhost.evil.example", ""),
            ("[2001:db8::1]:8080", ""),
            ("", ""),
            ("127.0.0.1:8080", "https://fx.example"),
        ] {
            let made = made(host, public_url);
            assert!(made.starts_with("__Host-fangxin=value; "), "{host}: {made}");
            for part in ["; HttpOnly", "; Secure", "; SameSite=Lax", "; Path=/"] {
                assert!(made.contains(part), "{host}: {made}");
            }
            assert!(!made.contains("Domain"), "{made}");
        }
    }

    #[test]
    fn a_browser_on_this_machine_needs_no_tls() {
        for host in ["127.0.0.1:8080", "localhost", "LOCALHOST:1", "[::1]:8080", "127.1.2.3"] {
            let made = made(host, "");
            assert!(made.starts_with("fangxin=value; ") && !made.contains("Secure"), "{host}: {made}");
            assert!(made.contains("; HttpOnly") && made.contains("; SameSite=Lax"), "{made}");
        }
    }

    #[test]
    fn a_cookie_counts_under_its_own_name_only() {
        let ticket = Ticket::draw(uuid::Uuid::from_u128(3), &crate::ambient::SeededEntropy::new(4));
        let shown = |host: &'static str, name: &str| {
            let sent = format!("{name}={}", ticket.expose());
            let request = TestRequest::get().insert_header(("host", host)).insert_header(("cookie", sent));
            super::ticket(&request.to_http_request(), &settings("")).is_some()
        };
        assert!(shown("fx.example", SECURE) && shown("localhost:1", PLAIN));
        assert!(!shown("fx.example", PLAIN), "a sibling host could have planted it");
        assert!(!shown("localhost:1", SECURE));
    }
}

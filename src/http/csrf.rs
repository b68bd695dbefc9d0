//! Whether a request that changes something comes from our own pages, and not from a page of somebody else in the same
//! browser, which would send the cookie along (OWASP ASVS 5.0, 3.5).
//!
//! Two checks, each enough by itself: the browser says where the request comes from (`Sec-Fetch-Site`, `Origin`), and the
//! request carries a token that only pages of this session were given. Requests with a bearer token need neither: no browser
//! adds one by itself.

use crate::http::error::Problem;
use crate::identity::Ticket;
use actix_web::HttpRequest;
use actix_web::http::{Method, StatusCode};

/// Header in which scripts of our pages send the token.
pub const HEADER: &str = "x-csrf-token";

/// Field in which forms send it.
pub const FIELD: &str = "csrf_token";

/// Whether a method changes nothing.
pub(super) fn is_safe(method: &Method) -> bool {
    matches!(*method, Method::GET | Method::HEAD | Method::OPTIONS)
}

/// Refuses a request that a page of another site sent.
///
/// # Errors
/// 403.
pub(super) fn check_origin(request: &HttpRequest, public_url: Option<&str>) -> Result<(), Problem> {
    if is_own(request, public_url) {
        return Ok(());
    }
    Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", "this was sent from another site"))
}

/// Refuses a request whose token isn't that of its session.
///
/// # Errors
/// 403.
pub(super) fn check_token(ticket: &Ticket, given: Option<&str>) -> Result<(), Problem> {
    match given {
        Some(token) if ticket.csrf_fits(token) => Ok(()),
        _ => Err(Problem::new(
            StatusCode::FORBIDDEN,
            "csrf_token",
            "the page was opened too long ago, or by someone else: open it again",
        )),
    }
}

/// Whether a request comes from a page of this service: browsers say so in `Sec-Fetch-Site`, older ones in `Origin`.
fn is_own(request: &HttpRequest, public_url: Option<&str>) -> bool {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    // Our pages send no referrer, and then browsers say `Origin: null` also of their own forms (Fetch, "append a request
    // `Origin` header"): what they say of the site comes first. No page can write this header.
    match header("sec-fetch-site").as_deref() {
        Some("same-origin") => return true,
        Some("none") | None => {}
        Some(_) => return false,
    }
    let Some(origin) = header("origin") else { return true };
    let host = header("host").unwrap_or_default();
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| !host.is_empty() && authority == host);
    is_host || public_url.is_some_and(|url| url.trim_end_matches('/') == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_our_own_pages_may_send_the_form() {
        let sent = |headers: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::post().insert_header(("host", "fx.example"));
            for header in headers {
                request = request.insert_header(*header);
            }
            is_own(&request.to_http_request(), Some("https://public.example"))
        };
        assert!(sent(&[]) && sent(&[("sec-fetch-site", "same-origin"), ("origin", "https://fx.example")]));
        assert!(sent(&[("origin", "https://public.example")]));
        assert!(sent(&[("sec-fetch-site", "same-origin"), ("origin", "null")]), "a form of a page without a referrer");
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "none"), ("origin", "null")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://fx.example")],
        ] {
            assert!(!sent(headers), "{headers:?}");
        }
    }
}

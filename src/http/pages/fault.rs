//! Errors as pages, for those who read them in a browser. Programs get the problem (RFC 9457) instead.

use crate::http::pages::frame::Frame;
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderMap};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

#[derive(Template)]
#[template(path = "fault.html")]
struct Page<'a> {
    f: &'a Frame,
    status: u16,
    title: &'a str,
    words: &'a str,
    request_id: &'a str,
}

/// Whether an answer to this request is read by a person: a browser that asks for a page.
pub fn wants_page(request: &HttpRequest) -> bool {
    let path = request.path();
    let program = ["/api/", "/opendata/", "/open311/", "/assets/"].iter().any(|prefix| path.starts_with(prefix));
    let accepts = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    !program && accepts.contains("text/html")
}

/// The page of an error, with the headers that the problem would have.
pub fn page(request: &HttpRequest, status: StatusCode, request_id: &str, headers: &HeaderMap) -> HttpResponse {
    let frame = Frame::of(request);
    let code = status.as_u16().to_string();
    // What has no words of its own is told as one of the two families.
    let known = [code.as_str(), if status.is_server_error() { "500" } else { "400" }];
    let key = known.into_iter().find(|key| !frame.coded("error", &format!("{key}_title")).is_empty()).unwrap_or("500");
    let told = |part: &str| frame.coded("error", &format!("{key}_{part}"));
    let page = Page { f: &frame, status: status.as_u16(), title: told("title"), words: told("words"), request_id };
    let mut response =
        frame.answer(status, &page).unwrap_or_else(|_| HttpResponse::build(status).content_type("text/plain").finish());
    for name in [header::RETRY_AFTER, header::ALLOW] {
        if let Some(value) = headers.get(&name) {
            response.headers_mut().insert(name, value.clone());
        }
    }
    response
}

//! Whether pages of another site may read our answers. None may, unless the operator names its origin
//! (`server.cors_origins`); and then with tokens only: a browser never sends our cookies along.

use crate::config::Settings;
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse};

const METHODS: HeaderValue = HeaderValue::from_static("GET, POST, DELETE");

/// Headers that a page of an allowed origin may send …
const SENT: HeaderValue =
    HeaderValue::from_static("authorization, content-type, idempotency-key, if-match, if-none-match");

/// … and those of our answers that it may read.
const READ: HeaderValue = HeaderValue::from_static("etag, location, retry-after, x-request-id");

/// Seconds for which a browser needn't ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("600");

/// The origin of a request to the API, if it is one that the operator allows.
pub(super) fn allowed(request: &HttpRequest, settings: &Settings) -> Option<HeaderValue> {
    let is_api = request.path().starts_with("/api/") || request.path() == "/openapi.json";
    let origin = request.headers().get(header::ORIGIN)?;
    let known = settings.server.cors_origins.iter().any(|allowed| allowed.as_bytes() == origin.as_bytes());
    (is_api && known).then(|| origin.clone())
}

/// The answer to a browser that asks beforehand what a page of an allowed origin may send; `None` for any other request.
pub(super) fn preflight(request: &HttpRequest, origin: Option<&HeaderValue>) -> Option<HttpResponse> {
    let asks = request.method() == Method::OPTIONS
        && request.headers().contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
        && origin.is_some();
    asks.then(|| {
        let mut answer = HttpResponse::new(StatusCode::NO_CONTENT);
        let headers = answer.headers_mut();
        headers.insert(header::ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(header::ACCESS_CONTROL_ALLOW_HEADERS, SENT);
        headers.insert(header::ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        answer
    })
}

/// Lets a page of an allowed origin read an answer.
pub(super) fn mark(headers: &mut HeaderMap, origin: Option<HeaderValue>, settings: &Settings) {
    if settings.server.cors_origins.is_empty() {
        return;
    }
    // What one origin may read, a cache must not give to another.
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    if let Some(origin) = origin {
        headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin);
        headers.insert(header::ACCESS_CONTROL_EXPOSE_HEADERS, READ);
        headers
            .insert(HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("cross-origin"));
    }
}

//! Around every request: its id, its line in the log, the headers that protect browsers, and problems in one form.
//!
//! The log has method, route pattern, status, duration and request id. It has no query string, no body, no address of a
//! case: a reference number is half of what opens one.

use crate::ambient::{self, Stopwatch};
use crate::app::App;
use crate::http::Edge;
use crate::http::caller::{RequestId, Shown, SignedIn, address, through_proxy};
use crate::http::error::{PROBLEM_JSON, Problem};
use crate::http::pages::fault;
use crate::http::routes::needs_session;
use actix_web::body::{BoxBody, EitherBody, MessageBody};
use actix_web::dev::{ServiceRequest, ServiceResponse};
use actix_web::http::header::{self, HeaderMap, HeaderName, HeaderValue};
use actix_web::http::{ConnectionType, Method, StatusCode};
use actix_web::middleware::Next;
use actix_web::{Error, HttpMessage as _, web};
use tracing::Instrument as _;
use tracing::field::Empty;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// What any answer carries unless its handler has set another value.
const DEFAULTS: [(HeaderName, HeaderValue); 6] = [
    (
        header::CONTENT_SECURITY_POLICY,
        HeaderValue::from_static(
            "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; connect-src 'self'; \
             form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
        ),
    ),
    (header::X_CONTENT_TYPE_OPTIONS, HeaderValue::from_static("nosniff")),
    (header::REFERRER_POLICY, HeaderValue::from_static("no-referrer")),
    (header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000; includeSubDomains")),
    (HeaderName::from_static("cross-origin-opener-policy"), HeaderValue::from_static("same-origin")),
    (HeaderName::from_static("cross-origin-resource-policy"), HeaderValue::from_static("same-origin")),
];

/// Answers a request with all of that.
pub(super) async fn around(
    request: ServiceRequest,
    next: Next<impl MessageBody + 'static>,
) -> Result<ServiceResponse<EitherBody<impl MessageBody, BoxBody>>, Error> {
    let watch = Stopwatch::start();
    let parts = request.app_data::<web::Data<App>>().cloned().zip(request.app_data::<web::Data<Edge>>().cloned());
    let Some((app, edge)) = parts else {
        return Err(Problem::internal("no app data").into());
    };
    let id = request_id(&request, &app);
    let span = tracing::info_span!(
        "request",
        method = %request.method(),
        route = Empty,
        status = Empty,
        duration_ms = Empty,
        request.id = %id
    );
    let shown = Shown::by(request.request(), &app);
    let allowed = if is_limited(&request, &shown) {
        edge.request_from(address(request.request(), &app.settings))
    } else {
        Ok(())
    };
    let pattern = request.match_pattern();
    let nobody = matches!(shown, Shown::Nothing);
    let allowed = allowed.and_then(|()| match &pattern {
        // Before the body is read: whoever may not send one is told nothing of what it should be.
        Some(pattern) if nobody && needs_session(request.method(), pattern) => Err(Problem::unauthenticated()),
        _ => Ok(()),
    });
    request.extensions_mut().insert(shown);
    request.extensions_mut().insert(RequestId(id.clone()));
    let response = match allowed {
        Ok(()) => next.call(request).instrument(span.clone()).await?.map_into_left_body(),
        Err(problem) => request.error_response(problem).map_into_right_body(),
    };
    let mut response = problems(response, &id);
    if edge.draining.has_begun() {
        // The next request of this client goes to a node that stays.
        response.response_mut().head_mut().set_connection_type(ConnectionType::Close);
    }
    record_denial(&app, &edge, &response, &id).await;
    let no_store = response.request().path().starts_with("/api/") || response.status().is_client_error();
    finish(response.headers_mut(), &id, no_store);
    let (route, took) = (response.request().match_pattern(), watch.elapsed());
    let route = route.as_deref().unwrap_or("-");
    span.record("route", route);
    span.record("status", response.status().as_u16());
    span.record("duration_ms", took.as_secs_f64() * 1000.0);
    edge.telemetry.answered(response.request().method(), route, response.status(), took);
    tracing::info!(parent: &span, "answered");
    Ok(response)
}

/// Writes down that someone signed in was refused: what the role may not do, and cases that aren't there for them. The
/// anonymous are told to sign in first; their failed sign-ins are written down where they try.
async fn record_denial<B>(app: &App, edge: &Edge, response: &ServiceResponse<B>, id: &str) {
    let (status, route) = (response.status(), response.request().match_pattern());
    let route = route.as_deref().unwrap_or("-");
    let denied = status == StatusCode::FORBIDDEN || (status == StatusCode::NOT_FOUND && route.contains("{reference}"));
    let signed_in = response.request().extensions().get::<SignedIn>().cloned();
    let Some(SignedIn(who)) = signed_in.filter(|_| denied) else { return };
    let Some(left_out) = edge.denials.count(&who) else { return };
    let code = if status == StatusCode::FORBIDDEN { "forbidden" } else { "not_found" };
    let occasion = app.occasion(&who).of_request(Some(id.to_owned()));
    let entry = occasion.access_denied(response.request().method().as_str(), route, status.as_u16(), code, left_out);
    if let Err(error) = app.record(entry).await {
        tracing::error!(%error, "a refusal could not be written into the audit log");
    }
}

/// Probes are never turned away, and a filing has a limit of its own. Staff are told apart by their account, not by
/// address: an office shares one.
fn is_limited(request: &ServiceRequest, shown: &Shown) -> bool {
    let filing = request.path() == "/api/v1/cases" && request.method() == Method::POST;
    let probe = matches!(request.path(), "/healthz" | "/readyz" | "/version");
    !filing && !probe && !shown.is_staff()
}

/// The request's id: a proxy's when it is trusted and the id has a plain form, else a new one.
fn request_id(request: &ServiceRequest, app: &App) -> String {
    let given = request.headers().get(&REQUEST_ID).and_then(|value| value.to_str().ok()).filter(|id| {
        (8..=64).contains(&id.len()) && id.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
    });
    match given {
        Some(id) if through_proxy(request.request(), &app.settings) => id.to_owned(),
        _ => ambient::key_at(app.entropy.as_ref(), app.now()).to_string(),
    }
}

/// Gives every failed answer the form of a problem, with the request's id.
fn problems<B>(response: ServiceResponse<EitherBody<B, BoxBody>>, id: &str) -> ServiceResponse<EitherBody<B, BoxBody>> {
    let status = response.status();
    if !status.is_client_error() && !status.is_server_error() {
        return response;
    }
    let own = response.response().error().and_then(|error| error.as_error::<Problem>());
    let is_problem = response.headers().get(header::CONTENT_TYPE).is_some_and(|value| value == PROBLEM_JSON);
    let rendered = match own {
        Some(problem) => problem.render(Some(id)),
        // A handler that answers with a page or a report of its own keeps it.
        None if response.headers().contains_key(header::CONTENT_TYPE)
            && !is_text(response.headers())
            && !is_problem =>
        {
            return response;
        }
        None => Problem::of_status(status).render(Some(id)),
    };
    if fault::wants_page(response.request()) {
        let page = fault::page(response.request(), status, id, rendered.headers());
        return response.into_response(page.map_into_right_body());
    }
    response.into_response(rendered.map_into_right_body())
}

/// Plain text is what the framework answers with by itself.
fn is_text(headers: &HeaderMap) -> bool {
    headers.get(header::CONTENT_TYPE).is_some_and(|value| value.as_bytes().starts_with(b"text/plain"))
}

fn finish(headers: &mut HeaderMap, id: &str, no_store: bool) {
    for (name, value) in DEFAULTS {
        if !headers.contains_key(&name) {
            headers.insert(name, value);
        }
    }
    if no_store && !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(REQUEST_ID, id);
    }
}

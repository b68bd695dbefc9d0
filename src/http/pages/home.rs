//! The doors: complain, report, ask, follow.

use crate::app::App;
use crate::http::error::Problem;
use crate::http::pages::filing::Visit;
use crate::http::pages::frame::Frame;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    f: &'a Frame,
    /// The beginning of a filing that isn't finished.
    unfinished: Option<String>,
    /// One was just thrown away.
    cleared: bool,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    f: &'a Frame,
    title: &'a str,
    words: Vec<&'a str>,
    /// Is opened anew when the network is back.
    waits: bool,
}

/// The front page.
pub async fn page(app: web::Data<App>, frame: Frame, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let unfinished = Visit::open(&app, &request).await?.map(|visit| visit.title());
    let cleared = request.query_string().split('&').any(|pair| pair == "cleared=1");
    frame.ok(&Home { f: &frame, unfinished, cleared })
}

/// What is shown when there is no network. It holds nothing of anyone, so that a browser may keep it.
pub async fn offline(frame: Frame) -> Result<HttpResponse, Problem> {
    let words = vec![frame.t("offline.words"), frame.t("offline.kept")];
    frame.ok(&Notice { f: &frame, title: frame.t("offline.title"), words, waits: true })
}

/// How personal data is protected.
pub async fn privacy(frame: Frame) -> Result<HttpResponse, Problem> {
    let words = vec![frame.t("privacy.sealed"), frame.t("privacy.shown"), frame.t("privacy.draft")];
    frame.ok(&Notice { f: &frame, title: frame.t("privacy.title"), words, waits: false })
}

/// What these pages do for people with disabilities.
pub async fn accessibility(frame: Frame) -> Result<HttpResponse, Problem> {
    let words =
        vec![frame.t("access.standard"), frame.t("access.keyboard"), frame.t("access.elder"), frame.t("access.phone")];
    frame.ok(&Notice { f: &frame, title: frame.t("access.title"), words, waits: false })
}

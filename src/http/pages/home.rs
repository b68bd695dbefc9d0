//! The doors: complain, report, ask, follow.

use crate::http::error::Problem;
use crate::http::pages::frame::Frame;
use actix_web::HttpResponse;
use askama::Template;

#[derive(Template)]
#[template(path = "home.html")]
struct Home<'a> {
    f: &'a Frame,
}

#[derive(Template)]
#[template(path = "notice.html")]
struct Notice<'a> {
    f: &'a Frame,
    title: &'a str,
    words: Vec<&'a str>,
}

/// The front page.
pub async fn page(frame: Frame) -> Result<HttpResponse, Problem> {
    frame.ok(&Home { f: &frame })
}

/// What is shown when there is no network. It holds nothing of anyone, so that a browser may keep it.
pub async fn offline(frame: Frame) -> Result<HttpResponse, Problem> {
    let words = vec![frame.t("offline.words"), frame.t("offline.kept")];
    frame.ok(&Notice { f: &frame, title: frame.t("offline.title"), words })
}

/// How personal data is protected.
pub async fn privacy(frame: Frame) -> Result<HttpResponse, Problem> {
    let words = vec![frame.t("privacy.sealed"), frame.t("privacy.shown")];
    frame.ok(&Notice { f: &frame, title: frame.t("privacy.title"), words })
}

/// What these pages do for people with disabilities.
pub async fn accessibility(frame: Frame) -> Result<HttpResponse, Problem> {
    let words =
        vec![frame.t("access.standard"), frame.t("access.keyboard"), frame.t("access.elder"), frame.t("access.phone")];
    frame.ok(&Notice { f: &frame, title: frame.t("access.title"), words })
}

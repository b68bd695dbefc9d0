//! The cases behind a number of the board, exactly those that it counts; for staff, within their scope.

use crate::app::App;
use crate::domain::permission::Permission;
use crate::http::api::metrics;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::list::{Row, row};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::frame::Frame;
use crate::http::pages::staff::Visitor;
use crate::measure::rates;
use crate::store::queue;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "board/cases.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    title: &'static str,
    definition: &'static str,
    part: &'static str,
    rows: Vec<Row>,
    next: Option<String>,
    files: Vec<(&'static str, String)>,
}

/// The list.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    // The page's own language and mode are no part of the question.
    let own = |name: &str| matches!(name, "lang" | "mode");
    let question = Pairs(pairs.0.into_iter().filter(|(name, _)| !own(name)).collect());
    let (lines, next_cursor) = metrics::behind(&app, &caller, &question).await?;
    let find =
        |wanted: &str| question.0.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    let rate = rates::find(find("rate")).map_err(|fault| Problem::field("/rate", fault))?;
    let (scope, today) = (caller.scope(), app.today());
    let keys: Vec<_> = lines.iter().map(|line| line.case_id).collect();
    let details = app.store.read(move |db| queue::details(db, &scope, &keys, today)).await?;
    let rows = lines
        .into_iter()
        .map(|line| {
            let detail = details.get(&line.case_id).cloned().unwrap_or_default();
            row(&app, &frame, "", line, &detail, None, today)
        })
        .collect();
    let next = next_cursor.map(|cursor| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in question.0.iter().filter(|(name, _)| name != "cursor") {
            query.append_pair(name, value);
        }
        query.append_pair("cursor", &cursor);
        format!("/board/cases?{}", query.finish())
    });
    let takes = caller.may(Permission::Export).is_ok();
    let files = [("XLSX", "xlsx"), ("CSV", "csv")].into_iter().filter(|_| takes).map(|(label, format)| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query.extend_pairs(question.0.iter().filter(|(name, _)| name != "cursor"));
        query.append_pair("lang", frame.lang.code());
        (label, format!("/api/v1/exports/cases.{format}?{}", query.finish()))
    });
    let page = Page {
        c: chrome(&app, &caller, &frame, &request, "", "").await?,
        files: files.collect(),
        title: rate.name.in_lang(frame.lang),
        definition: rate.definition.in_lang(frame.lang),
        part: frame.coded("board_part", find("part")),
        f: &frame,
        rows,
        next,
    };
    frame.ok(&page)
}

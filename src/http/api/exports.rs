//! Lists of cases as files.

use crate::app::App;
use crate::config::catalogue::Catalogue;
use crate::domain::case::CaseId;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Lang;
use crate::http::api::metrics::MetricParams;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::export::{Csv, Xlsx};
use crate::http::extract::Pairs;
use crate::http::views::{self, LineView, Names};
use crate::measure::query::{self, Query};
use crate::store::engine::StoreError;
use crate::store::queue::{self, Behind};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use bytes::Bytes;
use futures_util::stream::{self, Stream};
use jiff::civil::Date;
use serde_json::{Map, Value};
use std::fs::File;
use std::io::Read as _;
use std::sync::Arc;
use tokio::sync::mpsc;

/// Cases read at a time.
const PAGE: i64 = 1_000;

/// Bytes of a workbook sent at a time.
const PIECE: usize = 64 * 1024;

type BoxError = Box<dyn std::error::Error>;

/// What is read of the cases, page after page.
struct Pages {
    app: web::Data<App>,
    catalogue: Arc<Catalogue>,
    lang: Lang,
    today: Date,
    scope: Scope,
    what: Behind,
    after: Option<CaseId>,
    done: bool,
}

impl Pages {
    /// The next lines; `None` after the last. Each page is a unit of its own, so that an export holds no connection and no
    /// snapshot for long; the order of the keys makes that no case comes twice.
    async fn next(&mut self) -> Result<Option<Vec<LineView>>, StoreError> {
        if self.done {
            return Ok(None);
        }
        let (scope, what, after) = (self.scope.clone(), self.what.clone(), self.after);
        let lines = self.app.store.read(move |db| queue::behind(db, &scope, &what, after, PAGE)).await?;
        self.done = i64::try_from(lines.len()).is_ok_and(|read| read < PAGE);
        self.after = lines.last().map(|line| CaseId(line.case_id.0)).or(self.after);
        let names = Names { catalogue: &self.catalogue, lang: self.lang };
        Ok(Some(lines.into_iter().map(|line| views::line(names, line, self.today)).collect()))
    }
}

/// The cases of a period as a file, or those behind a number when `rate` and `part` are given: nothing personal but the name
/// of the merchant. Each leaves an entry in the audit log.
#[utoipa::path(get, path = "/api/v1/exports/cases.{format}", tag = "metrics",
    params(MetricParams,
        ("format" = String, Path, description = "`csv` or `xlsx`"),
        ("rate" = Option<String>, Query, description = "Code of a rate"),
        ("part" = Option<String>, Query, description = "`numerator`, `denominator` or `excluded`")),
    responses(
        (status = 200, description = "The file", content(
            (String = "text/csv"),
            (Vec<u8> = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"))),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn cases(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::Export)?;
    let format = match path.as_str() {
        "csv" => "csv",
        "xlsx" => "xlsx",
        _ => return Err(Problem::not_found()),
    };
    let (catalogue, today) = (app.catalogue(), app.today());
    let given = || pairs.0.iter().map(|(name, value)| (name, value));
    let of_rate = pairs.0.iter().any(|(name, _)| name == "rate" || name == "part");
    let (query, what) = if of_rate {
        let (query, rate, part) = Query::parse_cases(given(), &catalogue, today)?;
        let what = query::behind(&query, rate, part, today);
        (query, what.ok_or_else(|| Problem::internal("a checked question has no list"))?)
    } else {
        let query = Query::parse(given(), &catalogue, today)?;
        let what = query::all(&query);
        (query, what)
    };
    if query.by.is_some() || query.interval.is_some() {
        let pointer = if query.by.is_some() { "/by" } else { "/interval" };
        return Err(Problem::field(pointer, Invalid::new("unknown_field", "a list of cases has no groups")));
    }
    let question: Map<String, Value> =
        pairs.0.iter().map(|(name, value)| (name.clone(), Value::from(value.as_str()))).collect();
    app.record(caller.occasion(&app).export("cases", format, &question.into())).await?;

    let name = format!("attachment; filename=\"fangxin-cases-{}-{}.{format}\"", query.from, query.to);
    let mut response = HttpResponse::Ok();
    response.insert_header((header::CONTENT_DISPOSITION, name));
    let scope = caller.scope();
    let pages = Pages { app, catalogue, lang: query.lang, today, scope, what, after: None, done: false };
    Ok(match format {
        "csv" => response.content_type("text/csv; charset=utf-8").streaming(csv(pages)),
        _ => response
            .content_type("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet")
            .streaming(pieces(xlsx(pages).await?)),
    })
}

/// A fault on the way cuts the connection, so that half a file can't pass for a whole one.
fn csv(pages: Pages) -> impl Stream<Item = Result<Bytes, BoxError>> {
    let file = Csv::new(pages.lang);
    stream::try_unfold((pages, file), |(mut pages, mut file)| async move {
        let Some(lines) = pages.next().await? else { return Ok(None) };
        let text = file.lines(lines)?;
        Ok(Some((Bytes::from(text), (pages, file))))
    })
}

/// Pages wait while the one before is written, on a thread that may wait for the disk.
async fn xlsx(mut pages: Pages) -> Result<File, Problem> {
    let lang = pages.lang;
    let (send, mut receive) = mpsc::channel::<Vec<LineView>>(2);
    let written = tokio::task::spawn_blocking(move || {
        let mut file = Xlsx::new(lang)?;
        while let Some(lines) = receive.blocking_recv() {
            file.lines(lines)?;
        }
        file.finish()
    });
    while let Some(lines) = pages.next().await? {
        if send.send(lines).await.is_err() {
            // The writer has ended early; its own fault is told below.
            break;
        }
    }
    drop(send);
    written.await.map_err(Problem::internal)?.map_err(Problem::internal)
}

fn pieces(file: File) -> impl Stream<Item = Result<Bytes, BoxError>> {
    stream::try_unfold(file, |mut file| async move {
        let (file, piece) = web::block(move || {
            let mut piece = Vec::with_capacity(PIECE);
            let read = (&mut file).take(PIECE as u64).read_to_end(&mut piece);
            read.map(|_| (file, piece))
        })
        .await??;
        Ok((!piece.is_empty()).then(|| (Bytes::from(piece), file)))
    })
}

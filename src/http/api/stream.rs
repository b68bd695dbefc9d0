//! Hints that a queue has changed, as server-sent events: how many cases are new, that the case which is looked at has moved
//! on. A hint carries nothing of a case; whoever wants to know asks for it, within their scope.

use crate::access::sessions;
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::reference::Reference;
use crate::http::Edge;
use crate::http::api::reference;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Params;
use crate::store::{StoreError, cases, queue};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::Bytes;
use futures_util::stream;
use serde::Deserialize;
use std::time::Duration;
use utoipa::IntoParams;
use uuid::Uuid;

/// Time between two looks.
const PAUSE: Duration = Duration::from_secs(3);

/// Looks without news after which a line is sent all the same, so that nothing in between takes the connection for dead.
const QUIET: u32 = 8;

/// New cases are counted up to here.
const MOST: i64 = 100;

/// From where on cases are new, and which case is looked at.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct StreamParams {
    /// Key of the newest case that is known, as `id` of an event gives it; now when not said.
    pub after: Option<String>,
    /// Reference number of the case that is looked at.
    pub case: Option<String>,
}

/// What a stream goes on from.
struct Watch {
    app: web::Data<App>,
    edge: web::Data<Edge>,
    caller: Caller,
    after: Option<CaseId>,
    case: Option<Reference>,
    told: (usize, Option<i64>),
    quiet: u32,
    begun: bool,
}

impl Watch {
    /// What there is to tell now; `None` when the stream is over.
    async fn look(&mut self) -> Result<Option<String>, StoreError> {
        if self.edge.draining.has_begun() {
            return Ok(None);
        }
        // A session that has ended hears nothing more, and listening doesn't keep it awake.
        let live = match self.caller.session {
            Some(session) => sessions::is_live(&self.app, session).await?,
            None => false,
        };
        if !live {
            return Ok(None);
        }
        let (scope, after, case) = (self.caller.scope(), self.after, self.case.clone());
        let (newest, new, version) = self
            .app
            .store
            .read(move |db| {
                let newest = queue::newest(db, &scope)?;
                let new = match after {
                    Some(after) => queue::newer(db, &scope, after, MOST)?,
                    None => 0,
                };
                let version = match &case {
                    Some(number) => cases::load(db, &scope, number)?.map(|loaded| loaded.case.version),
                    None => None,
                };
                Ok((newest, new, version))
            })
            .await?;
        self.after = self.after.or(newest);
        let mut text = String::new();
        if !self.begun {
            text.push_str("retry: 5000\n\n");
        }
        if new != self.told.0 {
            let id = newest.map_or_else(String::new, |id| id.0.to_string());
            text.push_str(&format!("event: queue\nid: {id}\ndata: {{\"new\":{new}}}\n\n"));
        }
        if version != self.told.1 && self.begun {
            let version = version.map_or_else(|| "null".to_owned(), |version| version.to_string());
            text.push_str(&format!("event: case\ndata: {{\"version\":{version}}}\n\n"));
        }
        self.told = (new, version);
        self.begun = true;
        self.quiet = if text.is_empty() { self.quiet + 1 } else { 0 };
        if self.quiet >= QUIET {
            self.quiet = 0;
            text.push_str(":\n\n");
        }
        Ok(Some(text))
    }
}

/// Hints that the caller's queue has changed.
#[utoipa::path(get, path = "/api/v1/queue/stream", tag = "staff", params(StreamParams),
    responses(
        (status = 200, content_type = "text/event-stream", body = String,
            description = "Events `queue` (`{\"new\": 3}`) and `case` (`{\"version\": 7}`); `Last-Event-ID` goes on from an event"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn watch(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    caller: Caller,
    request: HttpRequest,
    params: Params<StreamParams>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let last = request.headers().get("last-event-id").and_then(|value| value.to_str().ok()).map(str::to_owned);
    let after = match last.filter(|id| !id.is_empty()).or(params.0.after).filter(|id| !id.is_empty()) {
        Some(id) => {
            let id = Uuid::parse_str(&id).ok().filter(|id| id.get_version_num() == 7);
            let fault = || Problem::field("/after", Invalid::new("cursor", "not the key of a case"));
            Some(CaseId(id.ok_or_else(fault)?))
        }
        None => None,
    };
    let case = params.0.case.as_deref().map(reference).transpose()?;
    let watch = Watch { app, edge, caller, after, case, told: (0, None), quiet: 0, begun: false };
    let events = stream::unfold(watch, |mut watch| async move {
        loop {
            if watch.begun {
                tokio::time::sleep(PAUSE).await;
            }
            match watch.look().await {
                Ok(Some(text)) if text.is_empty() => {}
                Ok(Some(text)) => return Some((Ok::<_, std::convert::Infallible>(Bytes::from(text)), watch)),
                Ok(None) => return None,
                // The browser comes back by itself.
                Err(error) => {
                    tracing::warn!(%error, "a stream of hints ended");
                    return None;
                }
            }
        }
    });
    Ok(HttpResponse::Ok()
        .content_type("text/event-stream")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header(("x-accel-buffering", "no"))
        .streaming(Box::pin(events)))
}

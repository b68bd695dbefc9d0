//! Systems that are told what happens to cases. For administrators.

use crate::app::App;
use crate::domain::division::Division;
use crate::domain::permission::Permission;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::{Action, Kind};
use crate::domain::webhook::{PREFIX, is_told};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Pairs};
use crate::notify::hook::{self, NewWebhook};
use crate::notify::reach::Unreachable;
use crate::store::webhooks::{self, WebhookRow};
use crate::store::{StoreError, audit};
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use utoipa::ToSchema;
use uuid::Uuid;

/// Most webhooks of an installation: each step of a case is written once for every one that wants it.
const MOST: usize = 50;

/// Longest address.
const LONGEST_URL: usize = 2000;

/// A system that wants to be told.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookRequest {
    /// Where events are posted to: `https`, and on the public internet unless the operator allows an internal network
    /// (`webhooks.allowed_networks`).
    #[schema(example = "https://receiver.example.com/fangxin")]
    pub url: String,
    /// Types of events, `case.` and an action; all when left out.
    #[serde(default)]
    #[schema(example = json!(["case.file", "case.accept"]))]
    pub types: Vec<String>,
    /// Kinds of cases; `complaint` when left out, since reports are confidential.
    #[serde(default)]
    pub kinds: Vec<String>,
    /// Division whose cases it wants, with those below; all when left out.
    pub division: Option<String>,
}

/// A webhook.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookView {
    /// Its id.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Where to.
    pub url: String,
    /// Types of events; empty for all.
    pub types: Vec<String>,
    /// Kinds of cases.
    pub kinds: Vec<&'static str>,
    /// Division.
    pub division: Option<String>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Account that disabled it; `system` after lasting failure.
    pub disabled_by: Option<String>,
    /// The first failure since the last success.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub failing_since: Option<Timestamp>,
    /// Code of the last fault.
    pub fault: Option<String>,
    /// The last success.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub succeeded_at: Option<Timestamp>,
    /// Until when the secret that was replaced signs too.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub old_secret_until: Option<Timestamp>,
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// Account that made it.
    pub created_by: String,
    /// What its events are signed with (Standard Webhooks): shown once, when it is made or replaced.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret: Option<String>,
}

/// Webhooks.
#[derive(Debug, Serialize, ToSchema)]
pub struct WebhookPage {
    /// The oldest first.
    pub items: Vec<WebhookView>,
    /// Always `null`: they come whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
}

/// What to do with a webhook.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WebhookAction {
    /// `enable`, `disable`, `rotate` (another secret; the one before signs too for `webhooks.rotation_hours`), or `ping` (an
    /// event that says nothing).
    pub action: String,
}

/// Administrators only: whoever says where events go learns of every case.
fn admin(caller: &Caller) -> Result<String, Problem> {
    caller.may(Permission::ManageWebhooks)?;
    caller.who.user.clone().ok_or_else(Problem::not_for_role)
}

/// The same, for what changes where events go: asked for once more when the sign-in is long ago.
fn admin_now(app: &App, caller: &Caller) -> Result<String, Problem> {
    let by = admin(caller)?;
    caller.proved_lately(app)?;
    Ok(by)
}

fn view(app: &App, row: &WebhookRow, secret: Option<String>) -> Result<WebhookView, Problem> {
    let opened = hook::open(&app.vault, row, app.now())?;
    let subscription = hook::subscription(row);
    Ok(WebhookView {
        id: row.webhook_id.0,
        url: opened.url,
        types: subscription.actions.iter().map(|action| format!("{PREFIX}{action}")).collect(),
        kinds: subscription.kinds.iter().map(|kind| kind.code()).collect(),
        division: subscription.division.map(|division| division.to_string()),
        enabled: row.enabled,
        disabled_by: row.disabled_by.clone(),
        failing_since: row.failing_since.map(|at| at.0),
        fault: row.fault.clone(),
        succeeded_at: row.succeeded_at.map(|at| at.0),
        old_secret_until: row.old_secret_until.map(|at| at.0),
        created_at: row.created_at.0,
        created_by: row.created_by.clone(),
        secret,
    })
}

/// Every webhook.
#[utoipa::path(get, path = "/api/v1/webhooks", tag = "webhooks",
    responses(
        (status = 200, body = WebhookPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, _no_parameters: Pairs) -> Result<HttpResponse, Problem> {
    admin(&caller)?;
    let rows = app.store.read(webhooks::all).await?;
    let items = rows.iter().map(|row| view(&app, row, None)).collect::<Result<_, _>>()?;
    Ok(HttpResponse::Ok().json(WebhookPage { items, next_cursor: None }))
}

fn told(code: &str) -> Result<Action, Invalid> {
    let all = || {
        let known: Vec<String> =
            Action::ALL.iter().filter(|action| is_told(**action)).map(|action| format!("{PREFIX}{action}")).collect();
        Invalid::new("unknown_value", "no such type of event").allowed(known.join(", "))
    };
    let action = code.strip_prefix(PREFIX).and_then(|code| Action::parse(code).ok());
    action.filter(|action| is_told(*action)).ok_or_else(all)
}

fn read(request: &WebhookRequest, by: String) -> Result<NewWebhook, Problems> {
    let mut faults = Problems::default();
    if request.url.len() > LONGEST_URL {
        faults.at("/url", Invalid::new("too_long", "too long").allowed(format!("{LONGEST_URL} bytes at most")));
    }
    let mut actions: Vec<Action> = Vec::new();
    for (place, code) in request.types.iter().enumerate() {
        if let Some(action) = faults.take(format!("/types/{place}"), told(code))
            && !actions.contains(&action)
        {
            actions.push(action);
        }
    }
    let mut kinds: Vec<Kind> = Vec::new();
    for (place, code) in request.kinds.iter().enumerate() {
        if let Some(kind) = faults.take(format!("/kinds/{place}"), Kind::parse(code))
            && !kinds.contains(&kind)
        {
            kinds.push(kind);
        }
    }
    if kinds.is_empty() {
        kinds.push(Kind::Complaint);
    }
    let division = request.division.as_deref().and_then(|code| faults.take("/division", Division::parse(code)));
    faults.check()?;
    Ok(NewWebhook { url: request.url.clone(), actions, kinds, division, by })
}

fn refused(why: &Unreachable) -> Problem {
    let allowed = "https://… on the public internet, without user name, password or fragment";
    Problem::field("/url", Invalid::new("unreachable", why.to_string()).allowed(allowed))
}

/// Makes a webhook. Its secret stands in this answer and in no other. Other nodes of the service begin to tell it within half a
/// minute. Asks for the credentials once more when the sign-in is long ago.
#[utoipa::path(post, path = "/api/v1/webhooks", tag = "webhooks",
    request_body(content = WebhookRequest, content_type = "application/json"),
    responses(
        (status = 201, body = WebhookView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn create(app: web::Data<App>, caller: Caller, body: Body<WebhookRequest>) -> Result<HttpResponse, Problem> {
    let by = admin_now(&app, &caller)?;
    let new = read(&body.value, by)?;
    hook::reach(&app).check(&new.url).await.map_err(|why| refused(&why))?;
    let (row, secret) = hook::create(&app, &new);
    let entry = caller.occasion(&app).webhook_change(row.webhook_id.0, "created");
    let kept = row.clone();
    let made = app
        .store
        .write(move |tx| {
            if webhooks::all(tx.db())?.len() >= MOST {
                return Ok(false);
            }
            webhooks::insert(tx, &kept)?;
            audit::append(tx, &entry)?;
            Ok(true)
        })
        .await?;
    if !made {
        let fault = Invalid::new("too_many", "there are too many webhooks").allowed(format!("{MOST} at most"));
        return Err(Problem::field("", fault));
    }
    hook::refresh(&app).await?;
    Ok(HttpResponse::Created().json(view(&app, &row, Some(secret))?))
}

/// Enables, disables or tries out a webhook, or replaces its secret. Asks for the credentials once more when the sign-in is long
/// ago.
#[utoipa::path(post, path = "/api/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    request_body(content = WebhookAction, content_type = "application/json"),
    responses(
        (status = 200, body = WebhookView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn act(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<WebhookAction>,
) -> Result<HttpResponse, Problem> {
    let by = admin_now(&app, &caller)?;
    let id: Uuid = path.parse().map_err(|_| Problem::not_found())?;
    let step = match body.value.action.as_str() {
        "enable" => "enabled",
        "disable" => "disabled",
        "rotate" => "rotated",
        "ping" => "pinged",
        _ => {
            let fault = Invalid::new("unknown_value", "unknown action").allowed("enable, disable, rotate, ping");
            return Err(Problem::field("/action", fault));
        }
    };
    let app: Arc<App> = app.into_inner();
    let (shared, entry) = (Arc::clone(&app), caller.occasion(&app).webhook_change(id, step));
    let done = app
        .store
        .write(move |tx| -> Result<Option<Option<String>>, StoreError> {
            if webhooks::find(tx.db(), id)?.is_none() {
                return Ok(None);
            }
            let mut secret = None;
            match step {
                "rotated" => secret = hook::rotate(&shared, tx, id)?,
                "pinged" => crate::store::outbox::insert(tx, &[hook::ping(&shared, id)])?,
                step => _ = webhooks::enable(tx, id, (step == "disabled").then_some(by.as_str()))?,
            }
            audit::append(tx, &entry)?;
            Ok(Some(secret))
        })
        .await?;
    let secret = done.ok_or_else(Problem::not_found)?;
    hook::refresh(&app).await?;
    let row = app.store.read(move |db| webhooks::find(db, id)).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(view(&app, &row, secret)?))
}

/// Removes a webhook. What is still owed to it isn't sent any more. Asks for the credentials once more when the sign-in is long ago.
#[utoipa::path(delete, path = "/api/v1/webhooks/{id}", tag = "webhooks",
    params(("id" = String, Path, description = "Id of the webhook")),
    responses(
        (status = 204, description = "Removed"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn remove(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    admin_now(&app, &caller)?;
    let id: Uuid = path.parse().map_err(|_| Problem::not_found())?;
    let entry = caller.occasion(&app).webhook_change(id, "removed");
    let removed = app
        .store
        .write(move |tx| {
            let removed = webhooks::remove(tx, id)?;
            if removed {
                audit::append(tx, &entry)?;
            }
            Ok(removed)
        })
        .await?;
    if !removed {
        return Err(Problem::not_found());
    }
    hook::refresh(&app).await?;
    Ok(HttpResponse::NoContent().finish())
}

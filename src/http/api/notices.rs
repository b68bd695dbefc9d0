//! What could not be delivered, for staff to see and settle.

use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::identifiers::{mask_email, mask_phone};
use crate::domain::permission::Permission;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Role;
use crate::http::api::take;
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Params};
use crate::notify::owe;
use crate::store::cases;
use crate::store::outbox::{self, OutboxRow};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which notices.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct NoticesParams {
    /// `failed` (the default), `pending`, `sent`, `delivered_otherwise`, `expired`.
    pub state: Option<String>,
    /// From the page before.
    pub cursor: Option<String>,
    /// 1 to 100, 25 when left out.
    pub limit: Option<String>,
}

/// A notice to one destination.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeLine {
    /// Its id; also that of the mail.
    pub id: String,
    /// The case that it is about.
    pub case: Option<String>,
    /// Which notice.
    pub notice: String,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// To whom.
    pub audience: String,
    /// Where to, masked.
    pub destination: String,
    /// `pending`, `sent`, `failed`, `delivered_otherwise`, `expired`.
    pub state: String,
    /// Deliveries tried.
    pub attempts: i32,
    /// Code of the last fault.
    pub fault: Option<String>,
    /// What to do about it.
    pub advice: Option<&'static str>,
    /// When it was owed.
    #[schema(value_type = String, format = DateTime)]
    pub created_at: Timestamp,
    /// When it came to its end.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

/// A page of notices.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticePage {
    /// Newest first.
    pub items: Vec<NoticeLine>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// What to do with a notice that failed.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NoticeAction {
    /// `retry`, or `delivered_otherwise` when the person was told in another way.
    pub action: String,
}

/// Who looks: staff within their cases, administrators at what belongs to no case as well, but at no address.
fn scope(caller: &Caller) -> Result<Scope, Problem> {
    caller.may(Permission::ReadNotices)?;
    Ok(if caller.who.role == Role::Admin { Scope::System } else { caller.scope() })
}

/// Notices of the cases that the caller may know of, by state.
#[utoipa::path(get, path = "/api/v1/notices", tag = "staff", params(NoticesParams),
    responses(
        (status = 200, body = NoticePage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, params: Params<NoticesParams>) -> Result<HttpResponse, Problem> {
    let scope = scope(&caller)?;
    let states = [outbox::FAILED, outbox::PENDING, outbox::SENT, outbox::DELIVERED_OTHERWISE, outbox::EXPIRED];
    let mut faults = Problems::default();
    let state = take(&mut faults, "state", params.0.state.as_deref(), |given| {
        let known = states.into_iter().find(|state| *state == given);
        known.ok_or_else(|| Invalid::new("unknown_value", "unknown state").allowed(states.join(", ")))
    });
    let before = take(&mut faults, "cursor", params.0.cursor.as_deref(), |text| {
        cursor::to_code(text)?.parse::<Uuid>().map_err(|_| Invalid::new("cursor", "not a cursor of this list"))
    });
    let limit = cursor::limit(params.0.limit.as_deref(), 25, 100, &mut faults);
    cursor::check(faults)?;
    let most = i64::try_from(limit).unwrap_or(100) + 1;
    let state = state.unwrap_or(outbox::FAILED);
    let mut rows = app.store.read(move |db| outbox::page(db, &scope, state, before, most)).await?;
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next_cursor = rows.last().filter(|_| more).map(|(row, _)| cursor::of_code(&row.outbox_id.0.to_string()));
    let admin = caller.who.role == Role::Admin;
    let items = rows
        .into_iter()
        .map(|(row, case)| {
            let (reference, key) = case.map(|case| (case.reference, case.data_key)).unzip();
            let key = key.filter(|_| !admin);
            let shown = owe::open(&app.vault, key.as_deref(), &row).ok().filter(|_| !admin);
            let masked = shown.map(|(to, _)| if to.contains('@') { mask_email(&to) } else { mask_phone(&to) });
            let advice = (row.state == outbox::FAILED).then(|| advice(row.fault.as_deref()));
            NoticeLine {
                id: row.outbox_id.0.to_string(),
                case: reference,
                notice: row.notice,
                channel: row.channel,
                audience: row.audience,
                destination: masked.unwrap_or_else(|| "***".to_owned()),
                state: row.state,
                attempts: row.attempts,
                fault: row.fault,
                advice,
                created_at: row.created_at.0,
                ended_at: row.ended_at.map(|at| at.0),
            }
        })
        .collect();
    Ok(HttpResponse::Ok().json(NoticePage { items, next_cursor }))
}

/// What staff can do about a fault.
fn advice(fault: Option<&str>) -> &'static str {
    match fault {
        Some("no_address") => {
            "the address can't be one: correct it at the case (supply), or tell the person in another way"
        }
        Some("webhook_disabled") => "the webhook is disabled: enable it once its receiver works, then retry",
        Some(code) if code.starts_with("smtp_55") => {
            "the receiving side refuses this address: correct it at the case (supply), or tell the person in another way"
        }
        Some("no_text" | "without_text" | "sealed" | "erased") => {
            "it can't be written any more: tell the person in another way"
        }
        _ => {
            "the server or gateway did not take it for too long: retry once it works, or tell the person in another way"
        }
    }
}

/// Settles a notice that failed.
#[utoipa::path(post, path = "/api/v1/notices/{id}", tag = "staff",
    params(("id" = String, Path, description = "Id of the notice")),
    request_body(content = NoticeAction, content_type = "application/json"),
    responses(
        (status = 200, description = "It is done"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn settle(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<NoticeAction>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::SettleNotices)?;
    let scope = scope(&caller)?;
    let id: Uuid = path.parse().map_err(|_| Problem::not_found())?;
    let retry = match body.value.action.as_str() {
        "retry" => true,
        "delivered_otherwise" => false,
        _ => {
            let fault = Invalid::new("unknown_value", "unknown action").allowed("retry, delivered_otherwise");
            return Err(Problem::field("/action", fault));
        }
    };
    let by = caller.who.user.clone().unwrap_or_default();
    let now = app.now();
    let end = app
        .store
        .write(move |tx| {
            let Some(row) = outbox::find(tx.db(), id)? else { return Ok(None) };
            if !visible(tx.db(), &scope, &row)? {
                return Ok(None);
            }
            let done =
                if retry { outbox::retry(tx, &row, now)? } else { outbox::delivered_otherwise(tx, &row, &by, now)? };
            Ok(Some(done))
        })
        .await?;
    match end {
        None => Err(Problem::not_found()),
        Some(false) => Err(Problem::new(StatusCode::CONFLICT, "not_now", "only a notice that failed can be settled")),
        Some(true) => Ok(HttpResponse::Ok().json(serde_json::json!({ "id": id.to_string() }))),
    }
}

fn visible(db: &mut crate::store::Db, scope: &Scope, row: &OutboxRow) -> Result<bool, crate::store::StoreError> {
    match row.case_id {
        _ if *scope == Scope::System => Ok(true),
        Some(id) => Ok(cases::load_by_id(db, scope, CaseId(id.0))?.is_some()),
        None => Ok(false),
    }
}

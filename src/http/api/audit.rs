//! The audit log, for auditors.

use crate::app::App;
use crate::audit::Kind;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::text;
use crate::http::api::take;
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Params;
use crate::http::openapi::RoleCode;
use crate::http::views::hex;
use crate::store::audit::{self, Filter, Listed};
use crate::store::cases;
use crate::track::dossier::Dossier;
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// What of the audit log is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AuditParams {
    /// What happened: `sign_in`, `unmask`, …
    pub kind: Option<String>,
    /// Account that did it.
    pub actor: Option<String>,
    /// Reference number of a case.
    pub case: Option<String>,
    /// Not before this instant.
    #[param(format = DateTime)]
    pub from: Option<String>,
    /// Before this instant.
    #[param(format = DateTime)]
    pub to: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Lines of a page: 1 to 200, 50 when not said.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 200)]
    pub limit: Option<String>,
}

/// An entry of the audit log.
#[derive(Serialize, ToSchema)]
pub struct AuditEntry {
    /// Its id, in the order of time.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Chain that it stands in.
    pub writer: String,
    /// Its place there, from 1.
    pub seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// What happened.
    #[schema(example = "unmask")]
    pub kind: String,
    /// In which role.
    #[schema(value_type = RoleCode)]
    pub role: String,
    /// Account of staff.
    pub actor: Option<String>,
    /// Office or station of staff.
    pub unit: Option<String>,
    /// Division by which it is found.
    pub division: Option<i32>,
    /// Reference number of the case, when it lies in the reader's scope.
    pub case: Option<String>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Coded particulars.
    #[schema(value_type = Object)]
    pub data: Value,
    /// What a person gave as the reason; gone once the case is erased.
    pub reason: Option<String>,
    /// Hash of the entry before it in its chain.
    pub previous_hash: String,
    /// Its own hash.
    pub hash: String,
}

hidden_debug!(AuditEntry);

/// A page of the audit log.
#[derive(Debug, Serialize, ToSchema)]
pub struct AuditPage {
    /// The entries, newest first.
    pub items: Vec<AuditEntry>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// What happened within the auditor's divisions, newest first.
#[utoipa::path(get, path = "/api/v1/audit", tag = "staff", params(AuditParams),
    responses(
        (status = 200, body = AuditPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn page(app: web::Data<App>, caller: Caller, params: Params<AuditParams>) -> Result<HttpResponse, Problem> {
    let (items, next_cursor) = entries(&app, &caller, &params.0).await?;
    Ok(HttpResponse::Ok().json(AuditPage { items, next_cursor }))
}

/// A page of the entries that are asked for, newest first, and where the next page begins.
///
/// # Errors
/// 401 and 403 for whoever is no auditor; 422 for what isn't understood.
pub async fn entries(
    app: &App,
    caller: &Caller,
    params: &AuditParams,
) -> Result<(Vec<AuditEntry>, Option<String>), Problem> {
    caller.may(Permission::ReadAudit)?;
    let (filter, case, limit) = read(params)?;
    let scope = caller.scope();
    let most = cursor::one_more(limit);
    let mut entries = app
        .store
        .read(move |db| {
            let mut filter = filter.clone();
            if let Some(reference) = &case {
                // A case outside the scope has no entries for this reader.
                let Some(found) = cases::load(db, &scope, reference)? else { return Ok(Vec::new()) };
                filter.case = Some(found.case.id);
            }
            audit::page(db, &scope, &filter, most)
        })
        .await?;
    let next_cursor = cursor::cut(&mut entries, limit, |entry| cursor::of_code(&entry.record.id.to_string()));
    Ok((entries.into_iter().map(|listed| shown(app, listed)).collect(), next_cursor))
}

/// The entry that stands at a place of a chain, when the reader may see it.
///
/// # Errors
/// 401 and 403 for whoever is no auditor.
pub async fn entry(app: &App, caller: &Caller, writer: &str, seq: i64) -> Result<Option<AuditEntry>, Problem> {
    caller.may(Permission::ReadAudit)?;
    let (scope, writer) = (caller.scope(), writer.to_owned());
    let found = app.store.read(move |db| audit::entry(db, &scope, &writer, seq)).await?;
    Ok(found.map(|listed| shown(app, listed)))
}

fn shown(app: &App, listed: Listed) -> AuditEntry {
    let Listed { record, case } = listed;
    // A reason that can't be opened any more belonged to a case that was erased.
    let reason = case.as_ref().zip(record.case).and_then(|(known, id)| {
        let dossier = Dossier::open(&app.vault, crate::domain::case::CaseId(id), &known.data_key).ok()?;
        dossier.open_reason(record.id, record.sealed.as_deref()?).ok()
    });
    AuditEntry {
        id: record.id,
        writer: record.writer,
        seq: record.seq,
        at: record.at,
        kind: record.kind,
        role: record.role,
        actor: record.actor,
        unit: record.unit,
        division: record.division,
        case: case.map(|known| known.reference),
        request_id: record.request_id,
        data: serde_json::from_str(&record.data).unwrap_or_default(),
        reason,
        previous_hash: hex(&record.previous),
        hash: hex(&record.hash),
    }
}

fn read(params: &AuditParams) -> Result<(Filter, Option<Reference>, usize), Problem> {
    let mut faults = Problems::default();
    let instant = |value: &str| {
        value
            .parse::<Timestamp>()
            .map_err(|_| Invalid::new("instant", "not an instant").allowed("RFC 3339, e.g. 2026-11-24T09:00:00+08:00"))
    };
    let kind = take(&mut faults, "kind", params.kind.as_deref(), |code| {
        Kind::parse(code).ok_or_else(|| {
            let known: Vec<&str> = Kind::ALL.iter().map(|kind| kind.code()).collect();
            Invalid::new("unknown_value", "unknown kind").allowed(known.join(", "))
        })
    });
    let actor = take(&mut faults, "actor", params.actor.as_deref(), |name| text::line(name, 1, 100));
    let case = take(&mut faults, "case", params.case.as_deref(), Reference::parse);
    let from = take(&mut faults, "from", params.from.as_deref(), instant);
    let to = take(&mut faults, "to", params.to.as_deref(), instant);
    let after = take(&mut faults, "cursor", params.cursor.as_deref(), cursor::to_id);
    let limit = cursor::limit(params.limit.as_deref(), 50, 200, &mut faults);
    cursor::check(faults)?;
    Ok((Filter { kind, actor, case: None, from, to, after }, case, limit))
}

//! A person's export: everything that is kept of them, in one answer.

use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::vocabulary::Audience;
use crate::http::api::attachments::{self, AttachmentView};
use crate::http::api::corrections::{self as requests, CorrectionView};
use crate::http::api::documents::{self as papers, DocumentView};
use crate::http::api::groups::{self, OwnView};
use crate::http::api::{cases as shown, events};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Pairs;
use crate::http::views::{CaseView, EventView};
use crate::mass::group::answer;
use crate::store::{attachments as files, audit, cases, documents, outbox};
use crate::track::correct;
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use serde::Serialize;
use serde_json::json;
use utoipa::ToSchema;

/// Cases of one person in an export; nobody has as many.
const MOST: i64 = 500;

/// A notice that went to the person.
#[derive(Debug, Serialize, ToSchema)]
pub struct NoticeSent {
    /// Which.
    #[schema(example = "acceptance")]
    pub notice: String,
    /// How.
    #[schema(example = "email")]
    pub channel: String,
    /// `pending`, `sent`, `failed`, `delivered_otherwise`, `expired`.
    pub state: String,
    /// When it was owed.
    #[schema(value_type = String, format = DateTime)]
    pub owed_at: Timestamp,
    /// When it went out, or was given up.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub ended_at: Option<Timestamp>,
}

/// One case with all that belongs to it, as its filer may see it.
#[derive(Serialize, ToSchema)]
pub struct ExportedCase {
    /// The case, with the parties and the narrative.
    pub case: CaseView,
    /// Its history.
    pub history: Vec<EventView>,
    /// Its files; each is fetched from `/api/v1/cases/{reference}/attachments/{id}`.
    pub attachments: Vec<AttachmentView>,
    /// What was issued to the person; each is printed from `/api/v1/cases/{reference}/documents/{no}`.
    pub documents: Vec<DocumentView>,
    /// Notices to the person.
    pub notices: Vec<NoticeSent>,
    /// What the person asked to have put right.
    pub corrections: Vec<CorrectionView>,
    /// Its part in a group of complaints, with what the person was asked there and said.
    pub group: Option<OwnView>,
}

hidden_debug!(ExportedCase);

/// Everything that is kept of a person.
#[derive(Debug, Serialize, ToSchema)]
pub struct SubjectExport {
    /// When it was made.
    #[schema(value_type = String, format = DateTime)]
    pub made_at: Timestamp,
    /// Version of the service that made it.
    pub version: String,
    /// The cases that were filed by the person, oldest first; those that were erased aren't there any more.
    pub cases: Vec<ExportedCase>,
}

/// Everything that is kept of the person who is signed in: of the case that was opened by number and PIN, or of all that a proven
/// contact has filed. It holds no one else's data, and leaves an entry in the audit log (PIPL Art 45).
#[utoipa::path(get, path = "/api/v1/me/export", tag = "sessions",
    responses(
        (status = 200, body = SubjectExport),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn export(app: web::Data<App>, caller: Caller, _no_parameters: Pairs) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadOwnCases)?;
    let (shared, scope, who) = (app.clone().into_inner(), caller.scope(), caller.clone());
    let exported = app
        .store
        .read(move |db| {
            let mut all = Vec::new();
            for found in cases::within_scope(db, &scope, MOST)? {
                if found.sealed.data_key.is_empty() {
                    continue;
                }
                let belongings = shown::belongings(db, &found, None)?;
                let history = cases::history(db, &found)?;
                let (files, owed) = (files::of(db, &found)?, outbox::of_case(db, &found)?);
                let (papers, deliveries) = (documents::of(db, &found)?, documents::deliveries(db, &found)?);
                let asked = correct::list(&shared, db, &found)?;
                let joint = answer::own(&shared, db, &found)?;
                all.push((found, belongings, history, files, owed, papers, deliveries, asked, joint));
            }
            Ok(all)
        })
        .await?;
    let mut list = Vec::with_capacity(exported.len());
    for (found, belongings, history, files, owed, papers, deliveries, asked, joint) in exported {
        let told = owed.into_iter().filter(|row| row.audience == Audience::Complainant.code());
        list.push(ExportedCase {
            history: events::shown(&app, &who, &found, &history, &belongings.parties)?.items,
            attachments: attachments::shown(&app, &found, &files)?,
            documents: papers::shown(&app, &who, &papers, &deliveries),
            notices: told
                .map(|row| NoticeSent {
                    notice: row.notice,
                    channel: row.channel,
                    state: row.state,
                    owed_at: row.created_at.0,
                    ended_at: row.ended_at.map(|at| at.0),
                })
                .collect(),
            corrections: asked.into_iter().map(|one| requests::view(one, &who)).collect(),
            group: joint.map(|own| groups::own_view(own, &who)),
            case: shown::shown(&app, &who, found, belongings, None)?,
        });
    }
    let entry = caller.occasion(&app).export("subject", "json", &json!({ "cases": list.len() }));
    app.store.write(move |tx| audit::append(tx, &entry)).await?;
    let version = env!("CARGO_PKG_VERSION").to_owned();
    Ok(HttpResponse::Ok().json(SubjectExport { made_at: app.now(), version, cases: list }))
}

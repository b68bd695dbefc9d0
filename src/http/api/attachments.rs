//! Evidence. The bytes are sealed with the case's key and lie in the object store; a row tells what they are.

use crate::ambient;
use crate::app::App;
use crate::domain::case::Actor;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::scope::Scope;
use crate::domain::text::is_invisible;
use crate::domain::vocabulary::Action;
use crate::http::api::reference;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{check_encoding, too_slow};
use crate::http::openapi::RoleCode;
use crate::http::views::hex;
use crate::intake::picture;
use crate::store::attachments::{self, AttachmentRow};
use crate::store::cases::{self, Loaded};
use crate::store::types::{At, Key};
use crate::store::{StoreError, Tx};
use crate::track::act;
use crate::track::dossier::Dossier;
use actix_multipart::{Field, Multipart};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt as _;
use jiff::Timestamp;
use object_store::ObjectStoreExt as _;
use object_store::path::Path;
use serde::Serialize;
use serde_json::json;
use sha2::{Digest, Sha256};
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Semaphore;
use unicode_normalization::UnicodeNormalization;
use utoipa::ToSchema;
use uuid::Uuid;

/// The files of a case together may be this many times as large as the largest file.
const TOTAL_FACTOR: u64 = 10;

/// Pictures that are drawn anew at one time: each takes up to some hundred megabytes.
static DRAWING: Semaphore = Semaphore::const_new(2);

/// Longest name of a file, in characters.
const LONGEST_NAME: usize = 120;

/// A file, as it is known.
#[derive(Serialize, ToSchema)]
#[schema(as = Attachment)]
pub struct AttachmentView {
    /// Id within the case.
    #[schema(value_type = String)]
    pub id: Uuid,
    /// Name, without path.
    pub name: String,
    /// Type, by content.
    #[schema(example = "image/jpeg")]
    pub media_type: String,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256 of what is kept, hexadecimal. Pictures are drawn anew before.
    pub sha256: String,
    /// When it was added.
    #[schema(value_type = String, format = DateTime)]
    pub added_at: Timestamp,
    /// Role of who added it.
    #[schema(value_type = RoleCode)]
    pub added_by: String,
}

hidden_debug!(AttachmentView);

/// The files of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct AttachmentPage {
    /// Oldest first.
    pub items: Vec<AttachmentView>,
    /// Always `null`: they come whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
}

/// A file to add.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the form")]
struct Upload {
    /// The file: JPEG, PNG, WebP, PDF, and what else the settings allow.
    #[schema(format = Binary, content_media_type = "application/octet-stream")]
    file: String,
}

/// Adds a file to a case.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/attachments", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = Upload, content_type = "multipart/form-data"),
    responses(
        (status = 201, body = AttachmentView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 413, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn add(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let reference = reference(&path)?;
    let app = app.into_inner();
    let loaded = super::cases::load(&app, &caller, reference).await?;
    caller.may_with(Permission::Attach, loaded.case.kind)?;
    check_encoding(&request)?;
    let most = app.settings.server.max_upload_bytes as u64;
    let declared = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if declared.is_some_and(|length: u64| length > most) {
        return Err(Problem::too_large(most));
    }
    // Before the body is read: a case that is full takes no more.
    let seen = loaded.clone();
    let there = app.store.read(move |db| attachments::of(db, &seen)).await?;
    room(&app, &there, 1)?;

    let patience = Duration::from_secs(app.settings.server.body_timeout_seconds);
    let form = Multipart::new(request.headers(), payload);
    let file = tokio::time::timeout(patience, receive(form, app.settings.attachments.max_bytes))
        .await
        .unwrap_or_else(|_| Err(too_slow()))?;
    let view = take(&app, loaded, file, caller.who.actor()).await?;
    Ok(HttpResponse::Created().insert_header((header::LOCATION, format!("{}/{}", request.path(), view.id))).json(view))
}

/// What was sent.
pub(in crate::http) struct File {
    /// Its name, cleaned; empty when none was given.
    pub(in crate::http) name: String,
    /// Its content.
    pub(in crate::http) bytes: Bytes,
}

/// Reads the form: one part, `file`.
async fn receive(mut form: Multipart, most: u64) -> Result<File, Problem> {
    let mut file = None;
    while let Some(part) = form.next().await {
        let part = part.map_err(form_fault)?;
        if part.name() != Some("file") {
            return Err(Problem::field("", Invalid::new("unknown_field", "there is no such part").allowed("file")));
        }
        if file.is_some() {
            return Err(Problem::field("/file", Invalid::new("too_many", "send one file at a time")));
        }
        let name = part.content_disposition().and_then(|given| given.get_filename()).map(clean_name);
        file = Some(File { name: name.unwrap_or_default(), bytes: whole(part, most).await? });
    }
    let file = file.ok_or_else(|| Problem::field("/file", Invalid::new("required", "is required")))?;
    if file.bytes.is_empty() {
        return Err(Problem::field("/file", Invalid::new("empty", "the file is empty")));
    }
    Ok(file)
}

/// The content of a part of a form, which may be so large.
///
/// # Errors
/// 413; 400 for a form that can't be read.
pub(in crate::http) async fn whole(mut part: Field, most: u64) -> Result<Bytes, Problem> {
    let mut bytes = BytesMut::new();
    while let Some(chunk) = part.next().await {
        let chunk = chunk.map_err(form_fault)?;
        if (bytes.len() + chunk.len()) as u64 > most {
            return Err(Problem::too_large(most));
        }
        bytes.extend_from_slice(&chunk);
    }
    Ok(bytes.freeze())
}

/// The problem of a form that can't be read.
pub(in crate::http) fn form_fault(error: actix_multipart::MultipartError) -> Problem {
    use actix_multipart::MultipartError as Error;
    match error {
        Error::ContentTypeMissing | Error::ContentTypeParse | Error::ContentTypeIncompatible => {
            Problem::unsupported_media_type("multipart/form-data")
        }
        _ => Problem::bad_request("malformed_form", "the form can't be read"),
    }
}

/// Keeps a file with a case.
///
/// # Errors
/// That files of its type aren't taken, that the case has no room for it, or the stores'.
pub(in crate::http) async fn take(
    app: &Arc<App>,
    loaded: Loaded,
    file: File,
    actor: Actor,
) -> Result<AttachmentView, Problem> {
    let media_type = media_type(app, &file.bytes)?;
    let file = File { bytes: drawn_anew(app, file.bytes, &media_type).await?, ..file };
    keep(app, loaded, file, media_type, actor).await
}

/// The type by content; what it is called doesn't count.
fn media_type(app: &App, bytes: &[u8]) -> Result<String, Problem> {
    let found = infer::get(bytes).map(|kind| match kind.mime_type() {
        "audio/m4a" => "audio/mp4",
        other => other,
    });
    let taken = &app.settings.attachments.types;
    found.filter(|found| taken.iter().any(|one| one == found)).map(str::to_owned).ok_or_else(|| {
        Problem::new(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "unsupported_type",
            format!("files of this type aren't taken; taken are {}", taken.join(", ")),
        )
    })
}

/// Pictures as they are kept; anything else as it was sent.
async fn drawn_anew(app: &App, bytes: Bytes, media_type: &str) -> Result<Bytes, Problem> {
    if !picture::is_picture(media_type) {
        return Ok(bytes);
    }
    let _turn = DRAWING.acquire().await.map_err(Problem::internal)?;
    let (most, media_type) = (app.settings.attachments.max_megapixels, media_type.to_owned());
    let drawn = web::block(move || picture::redraw(&bytes, &media_type, most)).await.map_err(Problem::internal)?;
    drawn.map(Bytes::from).map_err(|fault| {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, fault.code, "the picture can't be kept").fault("/file", fault)
    })
}

/// Whether a case has room for one more file.
fn room(app: &App, there: &[AttachmentRow], size: u64) -> Result<(), Problem> {
    let most = app.settings.attachments.max_per_case;
    if there.len() >= usize::try_from(most).unwrap_or(usize::MAX) {
        let detail = format!("the case has its {most} files already");
        return Err(Problem::new(StatusCode::CONFLICT, "too_many_attachments", detail));
    }
    let used: u64 = there.iter().map(|row| u64::try_from(row.size).unwrap_or(0)).sum();
    let total = app.settings.attachments.max_bytes.saturating_mul(TOTAL_FACTOR);
    if used.saturating_add(size) > total {
        let detail = format!("the files of a case may have {total} bytes together");
        return Err(Problem::new(StatusCode::CONFLICT, "attachments_too_large", detail));
    }
    Ok(())
}

/// Seals the bytes, puts them into the object store, then keeps the row: a row never stands without its bytes. Bytes
/// without a row, after a crash between the two, cost space and tell nothing.
async fn keep(
    app: &Arc<App>,
    loaded: Loaded,
    file: File,
    media_type: String,
    actor: Actor,
) -> Result<AttachmentView, Problem> {
    // To the microsecond, as both engines keep it.
    let now = Timestamp::from_microsecond(app.now().as_microsecond()).map_err(Problem::internal)?;
    let id = ambient::key_at(app.entropy.as_ref(), now);
    let object = format!("cases/{}/{id}", loaded.case.id.0);
    let size = file.bytes.len() as u64;
    let name = if file.name.is_empty() { format!("file.{}", extension(&media_type)) } else { file.name };

    let (shared, key, shown) = (Arc::clone(app), loaded.clone(), name.clone());
    let bytes = file.bytes;
    // Some ten milliseconds of a core for the largest: not on the threads that answer requests.
    let (sealed, sealed_name, sha256) = web::block(move || {
        let dossier = Dossier::open(&shared.vault, key.case.id, &key.sealed.data_key)?;
        let entropy = shared.entropy.as_ref();
        let sealed = dossier.seal_file(entropy, Key(id), &bytes);
        let name = dossier.seal_file_name(entropy, Key(id), &shown);
        Ok::<_, Problem>((sealed, name, Sha256::digest(&bytes).to_vec()))
    })
    .await
    .map_err(Problem::internal)??;
    let at = Path::from(object.as_str());
    app.objects.put(&at, sealed.into()).await.map_err(objects_away)?;

    let row = AttachmentRow {
        case_id: loaded.case.id.into(),
        attachment_id: Key(id),
        name: sealed_name,
        media_type,
        size: i64::try_from(size).unwrap_or(i64::MAX),
        sha256,
        object,
        added_at: At(now),
        added_by: actor.role.code().to_owned(),
    };
    let kept = row.clone();
    let end = act::again_if_overtaken(app, move |app, tx| keep_row(app, tx, &loaded, &kept, &actor)).await;
    let end = end.map_err(Problem::from).and_then(|end| end);
    if let Err(problem) = end {
        if let Err(error) = app.objects.delete(&at).await {
            tracing::warn!(%error, "bytes of a refused file stay in the object store");
        }
        return Err(problem);
    }
    Ok(view(&row, name))
}

/// Keeps the row and the event that tells of it. The case is read, and its files are counted, again where nobody can come
/// between.
fn keep_row(
    app: &App,
    tx: &mut Tx<'_>,
    seen: &Loaded,
    row: &AttachmentRow,
    actor: &Actor,
) -> Result<Result<(), Problem>, StoreError> {
    let Some(now) = cases::load_by_id(tx.db(), &Scope::Case(seen.case.id), seen.case.id)? else {
        return Ok(Err(Problem::not_found()));
    };
    if let Err(problem) = room(app, &attachments::of(tx.db(), &now)?, u64::try_from(row.size).unwrap_or(u64::MAX)) {
        return Ok(Err(problem));
    }
    attachments::add(tx, row)?;
    let file = json!({
        "id": row.attachment_id.0,
        "media_type": row.media_type,
        "size": row.size,
        "sha256": hex(&row.sha256),
    });
    act::save_record(app, tx, &now, Action::Attach, json!({ "attachment": file }), actor)?;
    Ok(Ok(()))
}

/// A file that is known of but isn't in the store was lost there: to ask again is of no use, the operator restores it.
fn objects_away(error: object_store::Error) -> Problem {
    tracing::error!(%error, "the object store failed");
    if matches!(error, object_store::Error::NotFound { .. }) {
        let detail = "the file is known of, but its content is missing from the place where files are kept";
        return Problem::new(StatusCode::INTERNAL_SERVER_ERROR, "file_missing", detail);
    }
    Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "the service can't reach its files")
        .header(header::RETRY_AFTER, 5)
}

fn view(row: &AttachmentRow, name: String) -> AttachmentView {
    AttachmentView {
        id: row.attachment_id.0,
        name,
        media_type: row.media_type.clone(),
        size: row.size,
        sha256: hex(&row.sha256),
        added_at: row.added_at.0,
        added_by: row.added_by.clone(),
    }
}

/// The files of a case.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/attachments", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = AttachmentPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let items = of_case(&app, &caller, &path).await?;
    Ok(HttpResponse::Ok().json(AttachmentPage { items, next_cursor: None }))
}

/// The files of a case whose filer the caller may know.
///
/// # Errors
/// 404, or 403.
pub(in crate::http) async fn of_case(
    app: &App,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<AttachmentView>, Problem> {
    of(app, &super::cases::load_with_filer(app, caller, reference).await?).await
}

/// The files of a case that was loaded for somebody who may see them.
///
/// # Errors
/// The store's, or that what is sealed can't be opened.
pub(in crate::http) async fn of(app: &App, loaded: &Loaded) -> Result<Vec<AttachmentView>, Problem> {
    let seen = loaded.clone();
    let rows = app.store.read(move |db| attachments::of(db, &seen)).await?;
    shown(app, loaded, &rows)
}

/// The files of a case with their names.
///
/// # Errors
/// That what is sealed can't be opened.
pub(super) fn shown(app: &App, loaded: &Loaded, rows: &[AttachmentRow]) -> Result<Vec<AttachmentView>, Problem> {
    let dossier = Dossier::open(&app.vault, loaded.case.id, &loaded.sealed.data_key)?;
    let named = |row: &AttachmentRow| Ok(view(row, dossier.open_file_name(row.attachment_id, &row.name)?));
    rows.iter().map(named).collect()
}

/// A file, to be saved.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/attachments/{id}", tag = "cases",
    params(
        ("reference" = String, Path, description = "Reference number"),
        ("id" = String, Path, description = "Id of the file")),
    responses(
        (status = 200, content_type = "*/*", body = Vec<u8>, description = "The file, with its own type"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn download(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let (number, id) = path.into_inner();
    let id: Uuid = id.parse().map_err(|_| Problem::not_found())?;
    let app = app.into_inner();
    let scope = caller.scope();
    let reference = reference(&number)?;
    let found = app
        .store
        .read(move |db| {
            let Some(loaded) = cases::load(db, &scope, &reference)? else { return Ok(None) };
            let row = attachments::find(db, &loaded, id)?;
            Ok(Some((loaded, row)))
        })
        .await?;
    let (loaded, row) = found.ok_or_else(Problem::not_found)?;
    caller.may_with(Permission::SeeFiler, loaded.case.kind)?;
    let row = row.ok_or_else(Problem::not_found)?;
    let object = app.objects.get(&Path::from(row.object.as_str())).await.map_err(objects_away)?;
    let sealed = object.bytes().await.map_err(objects_away)?;
    let (media_type, shared) = (row.media_type.clone(), Arc::clone(&app));
    let (name, bytes) = web::block(move || {
        let dossier = Dossier::open(&shared.vault, loaded.case.id, &loaded.sealed.data_key)?;
        let name = dossier.open_file_name(row.attachment_id, &row.name)?;
        Ok::<_, Problem>((name, dossier.open_file(row.attachment_id, &sealed)?))
    })
    .await
    .map_err(Problem::internal)??;
    Ok(HttpResponse::Ok()
        .content_type(media_type)
        .insert_header((header::CONTENT_DISPOSITION, disposition(&name)))
        .insert_header((header::CONTENT_SECURITY_POLICY, "default-src 'none'; frame-ancestors 'none'; sandbox"))
        .body(bytes))
}

/// The name of a file as it is kept: without folders, control, bidi and zero-width characters, not longer than it may be.
pub(in crate::http) fn clean_name(given: &str) -> String {
    let last = given.rsplit(['/', '\\']).next().unwrap_or_default();
    let plain: String = last.nfc().filter(|c| !c.is_control() && !is_invisible(*c)).collect();
    let plain = plain.trim_matches(|c: char| c == '.' || c.is_whitespace());
    let length = plain.chars().count();
    // Of a long name the end stays: it says what kind of file it is.
    plain.chars().skip(length.saturating_sub(LONGEST_NAME)).collect()
}

fn extension(media_type: &str) -> &str {
    match media_type.rsplit('/').next().unwrap_or_default() {
        "jpeg" => "jpg",
        "mpeg" => "mp3",
        other => other,
    }
}

/// `Content-Disposition` with the name in ASCII for old programs and in UTF-8 for others (RFC 6266, RFC 8187).
fn disposition(name: &str) -> String {
    use std::fmt::Write as _;
    let ascii: String =
        name.chars().map(|c| if c.is_ascii_alphanumeric() || "-_. ".contains(c) { c } else { '_' }).collect();
    let mut full = String::new();
    for byte in name.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            full.push(char::from(byte));
        } else {
            // Writing to a string can't fail.
            let _ = write!(full, "%{byte:02X}");
        }
    }
    format!("attachment; filename=\"{ascii}\"; filename*=UTF-8''{full}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_leads_nowhere() {
        for (given, kept) in [
            ("发票.jpg", "发票.jpg"),
            ("../../etc/passwd", "passwd"),
            ("C:\\temp\\a.pdf", "a.pdf"),
            ("..", ""),
            ("a\r\nSet-Cookie: x.png", "aSet-Cookie: x.png"),
            ("gpj.\u{202e}exe", "gpj.exe"),
            ("\0.jpg", "jpg"),
            ("", ""),
        ] {
            assert_eq!(clean_name(given), kept, "{given:?}");
        }
        let long = format!("{}.jpg", "长".repeat(500));
        assert!(clean_name(&long).ends_with(".jpg") && clean_name(&long).chars().count() == LONGEST_NAME);
    }

    #[test]
    fn a_name_can_stand_in_a_header() {
        assert_eq!(
            disposition("发\"票;.jpg"),
            "attachment; filename=\"____.jpg\"; filename*=UTF-8''%E5%8F%91%22%E7%A5%A8%3B.jpg"
        );
    }
}

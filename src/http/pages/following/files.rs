//! Evidence of a case: what is there, and more of it.

use super::{follows, load};
use crate::app::App;
use crate::http::api::attachments::{self, AttachmentView, File};
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::extract::{check_encoding, too_slow};
use crate::http::pages::filing::go;
use crate::http::pages::form::{Fields, Form, check_own};
use crate::http::pages::frame::Frame;
use crate::store::cases::Loaded;
use actix_multipart::Multipart;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use futures_util::StreamExt as _;
use std::time::Duration;

/// Most files in one form.
const AT_ONCE: usize = 6;

/// Longest value of a field that is no file, in bytes.
const FIELD: u64 = 1024;

#[derive(Template)]
#[template(path = "following/files.html")]
struct Page<'a> {
    f: &'a Frame,
    form: &'a Form,
    csrf: &'a str,
    reference: &'a str,
    files: Vec<AttachmentView>,
    /// Largest file in MB, and most at once.
    most: String,
}

async fn show(
    app: &App,
    caller: &Caller,
    loaded: &Loaded,
    status: StatusCode,
    form: &Form,
) -> Result<HttpResponse, Problem> {
    let frame = &form.frame;
    let megabytes = (app.settings.attachments.max_bytes / 1_048_576).max(1).to_string();
    let most = frame.say("files.most", &[("n", AT_ONCE.to_string().as_str()), ("mb", megabytes.as_str())]);
    let files = attachments::of(app, loaded).await?;
    let reference = loaded.case.reference.as_str();
    frame.answer(status, &Page { f: frame, form, csrf: caller.csrf(), reference, files, most })
}

/// The files of the case, and a form for more.
pub async fn page(app: web::Data<App>, frame: Frame, caller: Caller) -> Result<HttpResponse, Problem> {
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let loaded = load(&app, &caller).await?;
    show(&app, &caller, &loaded, StatusCode::OK, &Form::new(&frame, Fields::default())).await
}

/// What a form with files carries.
#[derive(Default)]
struct Sent {
    csrf: String,
    files: Vec<File>,
}

/// Adds files.
pub async fn add(
    app: web::Data<App>,
    frame: Frame,
    sender: Unconfirmed,
    request: HttpRequest,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    check_own(&request, &app)?;
    check_encoding(&request)?;
    let patience = Duration::from_secs(app.settings.server.body_timeout_seconds);
    let most = app.settings.attachments.max_bytes;
    let received = tokio::time::timeout(patience, receive(Multipart::new(request.headers(), payload), most)).await;
    let sent = received.unwrap_or_else(|_| Err(too_slow()))?;
    let caller = sender.confirm(Some(&sent.csrf))?;
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let app = app.into_inner();
    let mut form = Form::new(&frame, Fields::default());
    if sent.files.is_empty() {
        form.faults.add("file", frame.coded("fault", "file_required"));
    }
    for file in sent.files {
        let name = file.name.clone();
        let loaded = load(&app, &caller).await?;
        if let Err(problem) = attachments::take(&app, loaded, file, caller.who.actor()).await {
            let words = frame.coded("fault", &format!("file_{}", problem.code()));
            if words.is_empty() {
                return Err(problem);
            }
            form.faults.add("file", format!("{name}{}{words}", frame.t("form.colon")));
        }
    }
    if form.faults.is_empty() {
        return Ok(go("/t/case?done=attach"));
    }
    let loaded = load(&app, &caller).await?;
    show(&app, &caller, &loaded, StatusCode::UNPROCESSABLE_ENTITY, &form).await
}

async fn receive(mut form: Multipart, most: u64) -> Result<Sent, Problem> {
    let mut sent = Sent::default();
    while let Some(part) = form.next().await {
        let part = part.map_err(attachments::form_fault)?;
        match part.name() {
            Some(csrf::FIELD) => {
                let value = attachments::whole(part, FIELD).await?;
                sent.csrf = String::from_utf8_lossy(&value).into_owned();
            }
            Some("file") => {
                let name = part.content_disposition().and_then(|given| given.get_filename());
                let name = name.map(attachments::clean_name).unwrap_or_default();
                let bytes = attachments::whole(part, most).await?;
                // A browser sends an empty part when no file was chosen.
                if !bytes.is_empty() && sent.files.len() < AT_ONCE {
                    sent.files.push(File { name, bytes });
                }
            }
            _ => {
                attachments::whole(part, FIELD).await?;
            }
        }
    }
    Ok(sent)
}

//! The history of a case, with the hashes that hold it together.

use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::Role;
use crate::http::api::reference;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Pairs;
use crate::http::views::{self, History};
use crate::privacy::OpenError;
use crate::store::cases::{self, Loaded};
use crate::store::filing::{EventRow, PartyRow};
use crate::track::dossier::Dossier;
use crate::track::ledger;
use actix_web::{HttpResponse, web};

/// The history of a case.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/events", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = History),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn history(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    _no_parameters: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadCase)?;
    Ok(HttpResponse::Ok().json(history_of(&app, &caller, reference(&path)?).await?))
}

/// The history of a case, as its caller may see it.
///
/// # Errors
/// 404 outside the caller's scope.
pub(in crate::http) async fn history_of(app: &App, caller: &Caller, reference: Reference) -> Result<History, Problem> {
    let scope = caller.scope();
    let found = app
        .store
        .read(move |db| {
            let Some(loaded) = cases::load(db, &scope, &reference)? else { return Ok(None) };
            let rows = cases::history(db, &loaded)?;
            let parties = cases::parties(db, &loaded)?;
            Ok(Some((loaded, rows, parties)))
        })
        .await?;
    let (loaded, rows, parties) = found.ok_or_else(Problem::not_found)?;
    shown(app, caller, &loaded, &rows, &parties)
}

/// The history of a case as a caller may see it.
///
/// # Errors
/// That what is sealed can't be opened.
pub(super) fn shown(
    app: &App,
    caller: &Caller,
    loaded: &Loaded,
    rows: &[EventRow],
    parties: &[PartyRow],
) -> Result<History, Problem> {
    // Of an erased case the history stands, without what people wrote.
    let dossier = match Dossier::open(&app.vault, loaded.case.id, &loaded.sealed.data_key) {
        Ok(dossier) => Some(dossier),
        Err(OpenError::Erased) => None,
        Err(error) => return Err(error.into()),
    };
    let parties = dossier.as_ref().map(|dossier| dossier.open_parties(parties)).transpose()?.unwrap_or_default();
    let names = views::names_of_people(&parties);
    let own = caller.who.role == Role::Consumer;
    let mut texts = Vec::with_capacity(rows.len());
    for row in rows {
        let readable = dossier.as_ref().filter(|_| views::reads_text(&loaded.case, row, caller));
        let text = readable.map(|dossier| dossier.open_event(row)).transpose()?.flatten();
        let text = text.and_then(|(_, text)| serde_json::from_str(&text).ok());
        texts.push(text.map(|text| if own { text } else { views::masked_texts(text, &names) }));
    }
    Ok(views::history(rows, texts, ledger::first_broken(rows), caller))
}

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
use crate::store::cases;
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
    let dossier = Dossier::open(&app.vault, loaded.case.id, &loaded.sealed.data_key)?;
    let parties = dossier.open_parties(&parties)?;
    let people = parties.iter().filter(|party| !views::is_merchant(party.role));
    let names: Vec<&str> = people.filter_map(|party| party.name.as_deref()).collect();
    let own = caller.who.role == Role::Consumer;
    let mut texts = Vec::with_capacity(rows.len());
    for row in &rows {
        let text = if views::reads_text(&loaded.case, row, caller) { dossier.open_event(row)? } else { None };
        let text = text.and_then(|(_, text)| serde_json::from_str(&text).ok());
        texts.push(text.map(|text| if own { text } else { views::masked_texts(text, &names) }));
    }
    Ok(views::history(&rows, texts, ledger::first_broken(&rows), caller))
}

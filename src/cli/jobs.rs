//! Work that changes what is stored. The process that has the data does it: this one, or the one that serves, to which it is
//! handed over ([`super::handover`]). Both run the same functions.

use super::data::DataDir;
use super::output::{FOUND, Failure, OK, Outcome, Progress};
use super::{audit, backup, calendar, erase, import, keys, learn, tick, users};
use crate::app::App;
use crate::measure::freeze::{self, FreezeError};
use crate::measure::recount;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::path::PathBuf;
use std::sync::Arc;

/// What is to be done. It may hold the hash of a password: it has no `Debug`.
#[derive(Clone, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "snake_case")]
pub(super) enum Work {
    /// `user add`
    UserAdd(users::NewUser),
    /// `user disable`
    UserDisable { username: String },
    /// `user link`
    UserLink { username: String, subject: String },
    /// `user unlink`
    UserUnlink { username: String },
    /// `user reset`
    UserReset { username: String, password_hash: String },
    /// `user reset --totp`
    UserResetTotp { username: String },
    /// `import`
    Import { file: PathBuf, trust_labels: bool },
    /// `calendar load`
    CalendarLoad { csv: String, year: Option<i16>, version: Option<String> },
    /// `recount`
    Recount { repair: bool },
    /// `freeze`
    Freeze { month: Date, note: Option<String> },
    /// `backup`
    Backup { to: PathBuf, keys_to: Option<PathBuf> },
    /// `audit verify`
    AuditVerify,
    /// `keys rotate-signing`
    SigningRotate,
    /// `keys retire-signing`
    SigningRetire { kid: String },
    /// `keys list`
    KeysList,
    /// `keys rotate`
    KeysRotate,
    /// `keys retire`
    KeysRetire { id: u32 },
    /// `train`
    Train { promote: bool },
    /// `train --report`
    TrainReport,
    /// `train --revert`
    TrainRevert,
    /// `erase`
    Erase { dry_run: bool, at: Option<Date> },
    /// `tick`
    Tick { at: Option<Date> },
}

/// Does it.
pub(super) async fn run(work: Work, app: &Arc<App>, data: &DataDir, progress: &Progress) -> Result<Outcome, Failure> {
    match work {
        Work::UserAdd(user) => users::add(app, user).await,
        Work::UserDisable { username } => users::change(app, username, None).await,
        Work::UserLink { username, subject } => users::link(app, username, subject).await,
        Work::UserUnlink { username } => users::unlink(app, username).await,
        Work::UserResetTotp { username } => users::reset_totp(app, username).await,
        Work::UserReset { username, password_hash } => users::change(app, username, Some(password_hash)).await,
        Work::Import { file, trust_labels } => import::run(app, &file, trust_labels, progress).await,
        Work::CalendarLoad { csv, year, version } => calendar::load(app, csv, year, version).await,
        Work::Recount { repair } => recount_all(app, repair).await,
        Work::Freeze { month, note } => freeze_month(app, month, note.as_deref()).await,
        Work::Backup { to, keys_to } => backup::write(app, data, &to, keys_to.as_deref(), progress).await,
        Work::AuditVerify => audit::verify(app, progress).await,
        Work::SigningRotate => keys::rotate_signing(app, data).await,
        Work::SigningRetire { kid } => keys::retire_signing(app, data, &kid).await,
        Work::KeysList => keys::list(app, data).await,
        Work::KeysRotate => keys::rotate(app, data, progress).await,
        Work::KeysRetire { id } => keys::retire(app, data, id).await,
        Work::Train { promote } => learn::train(app, promote).await,
        Work::TrainReport => learn::only_report(app).await,
        Work::TrainRevert => learn::revert(app).await,
        Work::Erase { dry_run, at } => erase::run(app, at, dry_run).await,
        Work::Tick { at } => tick::run(app, at, true).await,
    }
}

async fn recount_all(app: &Arc<App>, repair: bool) -> Result<Outcome, Failure> {
    let found = recount::recount(&app.store).await?;
    let mut lines = vec![format!(
        "{} cases, {} counters: {} counters differ, {} cases have other facts than stored",
        found.cases, found.counters, found.differing, found.wrong
    )];
    lines.extend(found.differences.iter().take(20).map(|difference| {
        let (number, stored, counted) = (difference.number, difference.stored, difference.counted);
        format!("  {:?} {} {number}: stored {stored}, counted {counted}", difference.key.view, difference.key.on)
    }));
    lines.extend(found.wrong_facts.iter().take(20).map(|wrong| format!("  {}: other facts", wrong.reference)));
    let repaired = repair && !found.is_clean();
    if repaired {
        recount::repair(&app.store).await?;
        lines.push("written anew from the cases".to_owned());
    }
    let result = json!({
        "cases": found.cases,
        "counters": found.counters,
        "differing_counters": found.differing,
        "cases_with_wrong_facts": found.wrong,
        "differences": found.differences.iter().map(|difference| json!({
            "view": difference.key.view.code(),
            "on": difference.key.on,
            "cohort": difference.key.cohort.code(),
            "number": difference.number,
            "stored": difference.stored,
            "counted": difference.counted,
        })).collect::<Vec<_>>(),
        "repaired": repaired,
    });
    // Repaired or not: that they differed is worth an operator's look.
    let code = if found.is_clean() { OK } else { FOUND };
    Ok(Outcome { code, result, lines, notes: Vec::new() })
}

async fn freeze_month(app: &Arc<App>, month: Date, note: Option<&str>) -> Result<Outcome, Failure> {
    let revision =
        freeze::freeze(&app.store, &app.catalogue(), month, "operator", note, app.now(), app.small_number()).await;
    let name = month.strftime("%Y-%m").to_string();
    match revision {
        Ok(revision) => {
            Ok(Outcome::ok(json!({"month": name, "revision": revision}), format!("{name} frozen, revision {revision}")))
        }
        Err(FreezeError::Store(error)) => Err(error.into()),
        Err(FreezeError::NoteRequired) => {
            Err(Failure::found(format!("{name} is frozen already: a revision needs --note with its reason")))
        }
        Err(error) => Err(Failure::found(format!("{name}: {error}"))),
    }
}

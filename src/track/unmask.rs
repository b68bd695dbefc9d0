//! Shows staff what is masked of a case: for a reason, within a limit, and never without an entry in the audit log.
//!
//! Sources: Personal Information Protection Law Art 6 (no more than is needed), Art 51 (access by role, records); Order 121
//! Art 37 (who reported is kept secret).

use crate::ambient::SHANGHAI;
use crate::app::App;
use crate::audit::{Kind, Occasion};
use crate::domain::case::Case;
use crate::domain::permission::{self, Permission};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::store::{StoreError, audit, cases};
use crate::track::dossier::{Dossier, Party};
use jiff::ToSpan;
use jiff::civil::Time;
use serde_json::Value;
use std::sync::Arc;

/// What can be shown, by its code.
pub const FIELDS: &[&str] = &["name", "phone", "email", "address", "id_number", "narrative", "history"];

/// Shortest and longest reason, in characters.
pub const REASON: (usize, usize) = (5, 500);

/// Who wants to see what, and why.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// The caller and the time, for the audit log.
    pub occasion: Occasion,
    /// Some of [`FIELDS`].
    pub fields: Vec<&'static str>,
    /// Why; checked for its length.
    pub reason: String,
}

/// What is shown. What wasn't asked for isn't there.
pub struct Unmasked {
    /// The case.
    pub case: Case,
    /// Every party, whole: the view leaves out what wasn't asked for.
    pub parties: Vec<Party>,
    /// The narrative.
    pub narrative: Option<String>,
    /// What people wrote at each step, by its number.
    pub history: Option<Vec<(i64, Value)>>,
}

impl std::fmt::Debug for Unmasked {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Unmasked").field("case", &self.case.id).finish_non_exhaustive()
    }
}

/// Why nothing is shown.
#[derive(Debug, thiserror::Error)]
pub enum UnmaskError {
    /// No such case for this caller.
    #[error("no such case")]
    NotFound,
    /// The role never sees it.
    #[error("not for this role")]
    NotAllowed,
    /// The day's limit is reached; the next day begins in some seconds.
    #[error("the limit of the day is reached")]
    TooMany {
        /// Until then.
        seconds: u64,
    },
    /// The store couldn't do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Shows fields of a case, and writes down that it did, in one unit.
///
/// # Errors
/// When it doesn't; then nothing was shown.
pub async fn unmask(app: &Arc<App>, request: Request) -> Result<Unmasked, UnmaskError> {
    let shared = Arc::clone(app);
    app.store
        .write(move |tx| {
            let Some(found) = cases::load(tx.db(), &request.scope, &request.reference)? else {
                return Ok(Err(UnmaskError::NotFound));
            };
            let by = &request.occasion.by;
            let Some(user) =
                by.user.as_deref().filter(|_| permission::may(by.role, Permission::Unmask, found.case.kind))
            else {
                return Ok(Err(UnmaskError::NotAllowed));
            };
            // Locked before it is counted: two requests at once must not both be the last one allowed.
            audit::lock(tx, &request.occasion.writer)?;
            let today = crate::ambient::today_in_shanghai(request.occasion.at);
            let midnight = |day: jiff::civil::Date| {
                SHANGHAI
                    .to_timestamp(day.to_datetime(Time::midnight()))
                    .map_err(|error| StoreError::Unreadable(error.to_string()))
            };
            let used = audit::count_since(tx.db(), user, Kind::Unmask, midnight(today)?)?;
            if used >= i64::from(shared.settings.privacy.unmask_per_day) {
                let wait = midnight(today.saturating_add(1.day()))?.duration_since(request.occasion.at);
                return Ok(Err(UnmaskError::TooMany { seconds: wait.as_secs().unsigned_abs().max(1) }));
            }
            let unreadable = |error: crate::privacy::OpenError| StoreError::Unreadable(error.to_string());
            let dossier = Dossier::open(&shared.vault, found.case.id, &found.sealed.data_key).map_err(unreadable)?;
            let parties = dossier.open_parties(&cases::parties(tx.db(), &found)?).map_err(unreadable)?;
            let asked = |field: &str| request.fields.contains(&field);
            let narrative = asked("narrative").then(|| dossier.open_narrative(&found.sealed.narrative)).transpose();
            let mut history = asked("history").then(Vec::new);
            if let Some(history) = &mut history {
                for event in cases::history(tx.db(), &found)? {
                    let text = dossier.open_event(&event).map_err(unreadable)?;
                    history.extend(text.and_then(|(_, text)| Some((event.seq, serde_json::from_str(&text).ok()?))));
                }
            }
            let (sealed, commitment) =
                dossier.seal_reason(shared.entropy.as_ref(), request.occasion.id, &request.reason);
            let entry = request.occasion.clone().unmask(&request.fields);
            let entry = entry.about(found.case.id, found.case.division).with_sealed(sealed, commitment);
            audit::append(tx, &entry)?;
            Ok(Ok(Unmasked { case: found.case, parties, narrative: narrative.map_err(unreadable)?, history }))
        })
        .await?
}

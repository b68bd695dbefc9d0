//! Legal hold: a case that may be needed as evidence isn't erased, whatever its age, until the hold is lifted.
//!
//! A supervisor places and lifts it, each time with a reason, which is sealed with the case's key and stands in the audit log.
//!
//! Sources: Personal Information Protection Law Art 47 ¶2 (what a law makes one keep is only stored and secured).

use crate::app::App;
use crate::audit::Occasion;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::{self, Permission};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Role;
use crate::store::retention::{self, HoldRow};
use crate::store::types::{At, Key};
use crate::store::{StoreError, audit, cases};
use crate::track::dossier::Dossier;
use jiff::Timestamp;
use std::sync::Arc;

/// Shortest and longest reason, in characters.
pub const REASON: (usize, usize) = (5, 500);

/// What is asked for.
#[derive(Clone)]
pub struct Request {
    /// Of which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// The caller and the time, for the audit log.
    pub occasion: Occasion,
    /// Placed or lifted.
    pub held: bool,
    /// Why; checked for its length.
    pub reason: String,
}

hidden_debug!(Request);

/// A hold.
#[derive(Clone)]
pub struct Hold {
    /// When it was placed.
    pub placed_at: Timestamp,
    /// Account of who placed it.
    pub placed_by: String,
    /// Why.
    pub reason: String,
}

hidden_debug!(Hold);

/// Why nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum HoldError {
    /// No such case for this caller.
    #[error("no such case")]
    NotFound,
    /// The role never does it.
    #[error("not for this role")]
    NotAllowed,
    /// It is held already, or isn't.
    #[error("nothing to change")]
    NoChange {
        /// Whether it is held.
        held: bool,
    },
    /// The store couldn't do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Places or lifts a hold, and writes that down, in one unit.
///
/// # Errors
/// When nothing is changed.
pub async fn change(app: &Arc<App>, request: Request) -> Result<Option<Hold>, HoldError> {
    let shared = Arc::clone(app);
    app.store
        .write(move |tx| {
            let Some(found) = cases::load(tx.db(), &request.scope, &request.reference)? else {
                return Ok(Err(HoldError::NotFound));
            };
            let by = &request.occasion.by;
            let Some(user) = by.user.clone().filter(|_| permission::may(by.role, Permission::Hold, found.case.kind))
            else {
                return Ok(Err(HoldError::NotAllowed));
            };
            let dossier = Dossier::open(&shared.vault, found.case.id, &found.sealed.data_key)?;
            let held = retention::hold(tx.db(), &found)?.is_some();
            if held == request.held {
                return Ok(Err(HoldError::NoChange { held }));
            }
            let entropy = shared.entropy.as_ref();
            // To the microsecond, as both engines keep it.
            let now = request.occasion.at;
            let now = Timestamp::from_microsecond(now.as_microsecond()).unwrap_or(now);
            let placed = if request.held {
                let row = HoldRow {
                    case_id: Key::from(found.case.id),
                    placed_at: At(now),
                    placed_by: user,
                    reason: dossier.seal_hold(entropy, &request.reason),
                };
                retention::place_hold(tx, &row)?;
                Some(row)
            } else {
                if !retention::lift_hold(tx, &found)? {
                    return Ok(Err(HoldError::NoChange { held: false }));
                }
                None
            };
            let (sealed, commitment) = dossier.seal_reason(entropy, request.occasion.id, &request.reason);
            let entry = request.occasion.clone().legal_hold(request.held);
            audit::append(tx, &entry.about(found.case.id, found.case.division).with_sealed(sealed, commitment))?;
            let reason = request.reason.clone();
            let hold = |row: HoldRow| Hold { placed_at: row.placed_at.0, placed_by: row.placed_by, reason };
            Ok(Ok(placed.map(hold)))
        })
        .await?
}

/// The hold on a case.
///
/// # Errors
/// When there is no such case for the caller, or its role doesn't see it.
pub async fn find(app: &Arc<App>, role: Role, scope: Scope, reference: Reference) -> Result<Option<Hold>, HoldError> {
    let shared = Arc::clone(app);
    app.store
        .read(move |db| {
            let Some(found) = cases::load(db, &scope, &reference)? else { return Ok(Err(HoldError::NotFound)) };
            if !permission::may(role, Permission::SeeHold, found.case.kind) {
                return Ok(Err(HoldError::NotAllowed));
            }
            let Some(row) = retention::hold(db, &found)? else { return Ok(Ok(None)) };
            let dossier = Dossier::open(&shared.vault, found.case.id, &found.sealed.data_key)?;
            let reason = dossier.open_hold(&row.reason)?;
            Ok(Ok(Some(Hold { placed_at: row.placed_at.0, placed_by: row.placed_by, reason })))
        })
        .await?
}

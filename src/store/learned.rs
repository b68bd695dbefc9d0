//! What a model of this installation learns from, and the weights that were fitted here.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{models, verdicts};
use crate::store::types::{At, Key};
use diesel::prelude::*;

/// State of a model that is in force, or was until a newer one was promoted.
const PROMOTED: &str = "promoted";

/// State of a model that was taken back.
const REVERTED: &str = "reverted";

/// What staff said of the sector at one step, as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = verdicts)]
pub struct VerdictRow {
    /// Case.
    pub case_id: Key,
    /// Number of the event that it came with.
    pub seq: i64,
    /// When.
    pub at: At,
    /// Channel of the case.
    pub channel: String,
    /// What was said, sealed with the case's key.
    pub sealed: Vec<u8>,
}

/// A model as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = models)]
pub struct ModelRow {
    /// Its number, from 1.
    pub version: i32,
    /// `promoted` or `reverted`.
    pub state: String,
    /// When it was promoted.
    pub made_at: At,
    /// The newest verdict that it was fitted on.
    pub fitted_until: At,
    /// The weights, as a file of weights.
    pub weights: Vec<u8>,
    /// How it did against the one before, as JSON.
    pub report: String,
}

/// The newest verdicts, the newest first. They name cases by their keys and say nothing of them.
///
/// # Errors
/// When the engine doesn't answer.
pub fn newest(db: &mut Db, limit: i64) -> Result<Vec<VerdictRow>, StoreError> {
    Ok(verdicts::table
        .order((verdicts::at.desc(), verdicts::case_id.desc(), verdicts::seq.desc()))
        .limit(limit)
        .select(VerdictRow::as_select())
        .load(db)?)
}

/// Number of the model in force; 0 when it is the one as shipped.
///
/// # Errors
/// When the engine doesn't answer.
pub fn in_force(db: &mut Db) -> Result<i32, StoreError> {
    let version: Option<i32> = models::table
        .filter(models::state.eq(PROMOTED))
        .order(models::version.desc())
        .select(models::version)
        .first(db)
        .optional()?;
    Ok(version.unwrap_or(0))
}

/// A model by its number.
///
/// # Errors
/// When the engine doesn't answer.
pub fn find(db: &mut Db, version: i32) -> Result<Option<ModelRow>, StoreError> {
    Ok(models::table.find(version).select(ModelRow::as_select()).first(db).optional()?)
}

/// Puts a model in force; gives its number. `before` is the number of the one that it was better than.
///
/// # Errors
/// [`StoreError::Stale`] when another model came into force meanwhile.
pub fn promote(tx: &mut Tx<'_>, before: i32, mut row: ModelRow) -> Result<i32, StoreError> {
    if in_force(tx.db)? != before {
        return Err(StoreError::Stale);
    }
    let last: Option<i32> = models::table.select(diesel::dsl::max(models::version)).first(tx.db)?;
    row.version = last.unwrap_or(0) + 1;
    PROMOTED.clone_into(&mut row.state);
    diesel::insert_into(models::table).values(&row).execute(tx.db)?;
    Ok(row.version)
}

/// Takes the model in force back; gives its number and that of the one that is in force now. `None` when it is the one as shipped.
///
/// # Errors
/// When the engine doesn't answer.
pub fn revert(tx: &mut Tx<'_>) -> Result<Option<(i32, i32)>, StoreError> {
    let now = in_force(tx.db)?;
    if now == 0 {
        return Ok(None);
    }
    diesel::update(models::table.find(now)).set(models::state.eq(REVERTED)).execute(tx.db)?;
    Ok(Some((now, in_force(tx.db)?)))
}

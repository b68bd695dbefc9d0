//! Filings that aren't finished: kept sealed for some days under the hash of their cookie's token.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::drafts;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// A draft as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = drafts, treat_none_as_default_value = false)]
pub struct DraftRow {
    /// SHA-256 of the token.
    pub token_hash: Vec<u8>,
    /// The draft's key, wrapped.
    pub data_key: Vec<u8>,
    /// What was typed, sealed.
    pub fields: Vec<u8>,
    /// When it ends.
    pub expires_at: At,
}

/// The draft of a token, unless it has ended.
///
/// # Errors
/// When the engine doesn't answer.
pub fn find(db: &mut Db, token_hash: &[u8], now: Timestamp) -> Result<Option<DraftRow>, StoreError> {
    Ok(drafts::table
        .find(token_hash.to_vec())
        .filter(drafts::expires_at.gt(At(now)))
        .select(DraftRow::as_select())
        .first(db)
        .optional()?)
}

/// Keeps a draft in the place of an earlier one with the same token.
///
/// # Errors
/// The engine's.
pub fn keep(tx: &mut Tx<'_>, row: &DraftRow) -> Result<(), StoreError> {
    let changed = diesel::update(drafts::table.find(&row.token_hash)).set(row).execute(tx.db)?;
    if changed == 0 {
        diesel::insert_into(drafts::table).values(row).execute(tx.db)?;
    }
    Ok(())
}

/// Forgets a draft.
///
/// # Errors
/// The engine's.
pub fn forget(tx: &mut Tx<'_>, token_hash: &[u8]) -> Result<(), StoreError> {
    diesel::delete(drafts::table.find(token_hash.to_vec())).execute(tx.db)?;
    Ok(())
}

/// Forgets the drafts that have ended; how many.
///
/// # Errors
/// The engine's.
pub fn purge(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(diesel::delete(drafts::table.filter(drafts::expires_at.le(At(now)))).execute(tx.db)?)
}

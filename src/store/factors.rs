//! Second factors of staff: the sealed secret of an app, and recovery codes for when it is lost.

use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{recovery_codes, second_factors};
use crate::store::types::{At, Key};
use diesel::prelude::*;
use jiff::Timestamp;

/// The second factor of an account.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = second_factors)]
pub struct FactorRow {
    /// Account.
    pub username: String,
    /// Its id, in whose order keys are wrapped anew.
    pub factor_id: Key,
    /// Its key, wrapped.
    pub data_key: Vec<u8>,
    /// The shared secret, sealed.
    pub secret: Vec<u8>,
    /// Step of the code that was used last: none before it works again.
    pub last_step: i64,
    /// When it was begun.
    pub created_at: At,
    /// When the first code proved that the app has it; until then it doesn't count.
    pub confirmed_at: Option<At>,
}

/// Whether an account has a second factor that counts.
///
/// # Errors
/// The engine's.
pub fn is_confirmed(db: &mut Db, username: &str) -> Result<bool, StoreError> {
    let row = second_factors::table.find(username).filter(second_factors::confirmed_at.is_not_null());
    Ok(row.select(second_factors::username).first::<String>(db).optional()?.is_some())
}

/// An account's second factor, locked until the unit ends.
///
/// # Errors
/// The engine's.
pub fn lock(tx: &mut Tx<'_>, username: &str) -> Result<Option<FactorRow>, StoreError> {
    dialect::lock_factor(tx.db, username)
}

/// Keeps a second factor in place of one before it.
///
/// # Errors
/// The engine's.
pub fn keep(tx: &mut Tx<'_>, row: &FactorRow) -> Result<(), StoreError> {
    remove(tx, &row.username)?;
    diesel::insert_into(second_factors::table).values(row).execute(tx.db)?;
    Ok(())
}

/// Notes that the code of a step was used, and that the factor counts from now on.
///
/// # Errors
/// The engine's.
pub fn used(tx: &mut Tx<'_>, row: &FactorRow, step: i64, now: Timestamp) -> Result<(), StoreError> {
    let confirmed = row.confirmed_at.unwrap_or(At(now));
    diesel::update(second_factors::table.find(&row.username))
        .set((second_factors::last_step.eq(step), second_factors::confirmed_at.eq(confirmed)))
        .execute(tx.db)?;
    Ok(())
}

/// Takes an account's second factor away, with its recovery codes; `false` when it had none.
///
/// # Errors
/// The engine's.
pub fn remove(tx: &mut Tx<'_>, username: &str) -> Result<bool, StoreError> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::username.eq(username))).execute(tx.db)?;
    Ok(diesel::delete(second_factors::table.find(username)).execute(tx.db)? == 1)
}

/// Gives an account recovery codes in place of those before, by their keyed hashes.
///
/// # Errors
/// The engine's.
pub fn keep_recovery(tx: &mut Tx<'_>, username: &str, hashes: &[[u8; 16]]) -> Result<(), StoreError> {
    diesel::delete(recovery_codes::table.filter(recovery_codes::username.eq(username))).execute(tx.db)?;
    for hash in hashes {
        diesel::insert_into(recovery_codes::table)
            .values((recovery_codes::username.eq(username), recovery_codes::code_hash.eq(hash.to_vec())))
            .execute(tx.db)?;
    }
    Ok(())
}

/// Uses a recovery code up; `false` when the account has no such.
///
/// # Errors
/// The engine's.
pub fn use_recovery(tx: &mut Tx<'_>, username: &str, hash: [u8; 16]) -> Result<bool, StoreError> {
    Ok(diesel::delete(recovery_codes::table.find((username, hash.to_vec()))).execute(tx.db)? == 1)
}

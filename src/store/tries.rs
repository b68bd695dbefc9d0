//! How often something was tried: shared by all nodes, kept through a restart. A subject is a keyed hash, never what was typed.

use crate::domain::tries::Tally;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::tries;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// Whose tries: what is tried, and the keyed hash of the account, the case, the contact or the address.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subject {
    /// A word for what is tried.
    pub sort: &'static str,
    /// Keyed hash.
    pub hash: [u8; 16],
}

/// What was tried. The row is locked until the unit ends, so that two at once are counted one after the other.
///
/// # Errors
/// The engine's.
pub fn lock(tx: &mut Tx<'_>, subject: &Subject) -> Result<Option<Tally>, StoreError> {
    let (count, last_at, until) = dialect::lock_tries(tx.db, subject)?;
    let count = u32::try_from(count).unwrap_or(0);
    Ok((count > 0).then_some(Tally { count, last_at: last_at.0, until: until.0 }))
}

/// Keeps what was tried; `None` makes it nothing. The row must be locked.
///
/// # Errors
/// The engine's.
pub fn set(tx: &mut Tx<'_>, subject: &Subject, tally: Option<Tally>) -> Result<(), StoreError> {
    let row = tries::table.find((subject.sort, subject.hash.to_vec()));
    // Not deleted: another unit may be waiting for its lock.
    let nothing = Tally { count: 0, last_at: Timestamp::UNIX_EPOCH, until: Timestamp::UNIX_EPOCH };
    let tally = tally.unwrap_or(nothing);
    diesel::update(row)
        .set((
            tries::tried.eq(i32::try_from(tally.count).unwrap_or(i32::MAX)),
            tries::last_at.eq(At(tally.last_at)),
            tries::wait_until.eq(At(tally.until)),
        ))
        .execute(tx.db)?;
    Ok(())
}

/// Whether there is a row, noted after an instant.
///
/// # Errors
/// The engine's.
pub fn is_noted(db: &mut Db, subject: &Subject, after: Timestamp) -> Result<bool, StoreError> {
    let row = tries::table.find((subject.sort, subject.hash.to_vec())).filter(tries::last_at.gt(At(after)));
    Ok(row.select(tries::tried).first::<i32>(db).optional()?.is_some())
}

/// Forgets what was last tried before an instant; how many there were.
///
/// # Errors
/// The engine's.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    Ok(diesel::delete(tries::table.filter(tries::last_at.lt(At(before)))).execute(tx.db)?)
}

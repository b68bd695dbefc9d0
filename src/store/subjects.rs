//! Which account somebody at the provider of sign-in is, and the ways back from there that were used.

use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{spent_states, subject_links};
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// The account that a subject was linked to.
///
/// # Errors
/// The engine's.
pub fn account(db: &mut Db, link: &[u8]) -> Result<Option<String>, StoreError> {
    Ok(subject_links::table.find(link).select(subject_links::username).first(db).optional()?)
}

/// Links a subject to an account; `false` when it is another account's.
///
/// # Errors
/// The engine's.
pub fn link(tx: &mut Tx<'_>, link: &[u8], username: &str, now: Timestamp) -> Result<bool, StoreError> {
    match account(tx.db, link)? {
        Some(other) => Ok(other == username),
        None => {
            diesel::insert_into(subject_links::table)
                .values((
                    subject_links::link_hash.eq(link),
                    subject_links::username.eq(username),
                    subject_links::linked_at.eq(At(now)),
                ))
                .execute(tx.db)?;
            Ok(true)
        }
    }
}

/// Takes every link of an account away; how many there were.
///
/// # Errors
/// The engine's.
pub fn unlink(tx: &mut Tx<'_>, username: &str) -> Result<usize, StoreError> {
    Ok(diesel::delete(subject_links::table.filter(subject_links::username.eq(username))).execute(tx.db)?)
}

/// Uses a way back from the provider up; `false` when it was used before.
///
/// # Errors
/// The engine's.
pub fn spend(tx: &mut Tx<'_>, state: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    dialect::claim_state(tx.db, state, At(now))
}

/// Forgets ways back that were used before an instant; how many there were.
///
/// # Errors
/// The engine's.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    Ok(diesel::delete(spent_states::table.filter(spent_states::spent_at.lt(At(before)))).execute(tx.db)?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores;

    #[tokio::test]
    async fn a_subject_is_one_account_and_a_way_back_works_once() {
        let at = |hour: i64| Timestamp::from_second(1_780_000_000 + hour * 3600).unwrap();
        for opened in stores() {
            let ended = opened.store.write(move |tx| {
                assert!(link(tx, b"subject", "li", at(0))? && link(tx, b"subject", "li", at(1))?);
                assert!(!link(tx, b"subject", "wang", at(1))?, "it is another's");
                assert_eq!(account(tx.db, b"subject")?.as_deref(), Some("li"));
                assert_eq!((unlink(tx, "wang")?, unlink(tx, "li")?), (0, 1));
                assert_eq!(account(tx.db, b"subject")?, None);
                assert!(spend(tx, b"state", at(0))? && !spend(tx, b"state", at(1))? && spend(tx, b"other", at(2))?);
                assert_eq!(forget(tx, at(1))?, 1);
                assert!(spend(tx, b"state", at(3))? && !spend(tx, b"other", at(3))?);
                Ok(())
            });
            ended.await.unwrap();
        }
    }
}

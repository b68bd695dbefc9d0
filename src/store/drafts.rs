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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores;
    use jiff::ToSpan;

    #[tokio::test]
    async fn a_draft_is_replaced_forgotten_and_ends_by_itself() {
        let now = Timestamp::from_second(1_780_000_000).unwrap();
        let later = now.checked_add(2.hours()).unwrap();
        for opened in stores() {
            let store = &opened.store;
            let draft = move |token: u8, text: u8, hours: i64| DraftRow {
                token_hash: vec![token],
                data_key: vec![1],
                fields: vec![text],
                expires_at: At(now.checked_add(hours.hours()).unwrap()),
            };
            store
                .write(move |tx| {
                    keep(tx, &draft(1, 1, 1))?;
                    keep(tx, &draft(1, 2, 1))?;
                    keep(tx, &draft(2, 3, 3))?;
                    keep(tx, &draft(3, 4, 3))?;
                    forget(tx, &[3])
                })
                .await
                .unwrap();
            let read =
                move |token: u8, at: Timestamp| store.read(move |db| Ok(find(db, &[token], at)?.map(|row| row.fields)));
            assert_eq!(read(1, now).await.unwrap(), Some(vec![2]), "the last one stands");
            assert_eq!((read(1, later).await.unwrap(), read(3, now).await.unwrap()), (None, None));
            assert_eq!(store.write(move |tx| purge(tx, later)).await.unwrap(), 1);
            assert_eq!(store.write(move |tx| purge(tx, later)).await.unwrap(), 0);
            assert_eq!(read(2, later).await.unwrap(), Some(vec![3]));
        }
    }
}

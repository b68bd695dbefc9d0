//! Who is signed in: a row for each session, and the refresh tokens that it has exchanged.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{sessions, spent_tokens};
use crate::store::types::{At, Key};
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

/// A session as a row.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = sessions)]
pub struct SessionRow {
    /// Key.
    pub session_id: Key,
    /// `staff`, `case`, `phone` or `email`: what its owner is known by.
    pub owner_kind: String,
    /// Account name, key of the case, or keyed hash in hexadecimal.
    pub owner: String,
    /// `bearer` or `cookie`: how its secret travels.
    pub carrier: String,
    /// SHA-256 of the refresh token's or the cookie's secret that works now.
    pub secret_hash: Vec<u8>,
    /// When it was opened.
    pub created_at: At,
    /// When it was last used, to the minute.
    pub seen_at: At,
    /// When it ends in any case.
    pub ends_at: At,
    /// When it was ended.
    pub ended_at: Option<At>,
    /// Why: a word for the operator.
    pub ended_why: Option<String>,
    /// When its owner last proved to be who they are; `None` is when it was opened.
    pub proved_at: Option<At>,
}

/// Why a session was ended before its time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Why {
    /// Its owner signed out.
    SignedOut,
    /// A refresh token came a second time.
    Reused,
    /// The account was changed, disabled, or got another password.
    AccountChanged,
}

impl Why {
    const fn code(self) -> &'static str {
        match self {
            Self::SignedOut => "signed_out",
            Self::Reused => "reused",
            Self::AccountChanged => "account_changed",
        }
    }
}

/// Keeps a new session.
pub fn open(tx: &mut Tx<'_>, row: &SessionRow) -> Result<(), StoreError> {
    diesel::insert_into(sessions::table).values(row).execute(tx.db)?;
    Ok(())
}

/// A session by its key.
pub fn find(db: &mut Db, id: Uuid) -> Result<Option<SessionRow>, StoreError> {
    Ok(sessions::table.find(Key(id)).select(SessionRow::as_select()).first(db).optional()?)
}

/// An owner's sessions that haven't ended, the newest first.
pub fn of(db: &mut Db, owner_kind: &str, owner: &str, now: Timestamp) -> Result<Vec<SessionRow>, StoreError> {
    Ok(sessions::table
        .filter(sessions::owner_kind.eq(owner_kind.to_owned()).and(sessions::owner.eq(owner.to_owned())))
        .filter(sessions::ended_at.is_null().and(sessions::ends_at.gt(At(now))))
        .order(sessions::session_id.desc())
        .limit(100)
        .select(SessionRow::as_select())
        .load(db)?)
}

/// Notes that a session is in use.
pub fn touch(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    let open = sessions::table.find(Key(id)).filter(sessions::ended_at.is_null().and(sessions::seen_at.lt(At(now))));
    diesel::update(open).set(sessions::seen_at.eq(At(now))).execute(tx.db)?;
    Ok(())
}

/// Notes that the owner of a session has proved again who they are.
pub fn prove(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(sessions::table.find(Key(id))).set(sessions::proved_at.eq(At(now))).execute(tx.db)?;
    Ok(())
}

/// Exchanges the secret of a session; `false` when it isn't the one that works now, or the session has ended.
pub fn exchange(tx: &mut Tx<'_>, id: Uuid, old: &[u8], new: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    // The condition is part of the change: of two that come at once, one alone is first.
    let open =
        sessions::table.find(Key(id)).filter(sessions::ended_at.is_null().and(sessions::secret_hash.eq(old.to_vec())));
    let changed = diesel::update(open)
        .set((sessions::secret_hash.eq(new.to_vec()), sessions::seen_at.eq(At(now))))
        .execute(tx.db)?;
    if changed != 1 {
        return Ok(false);
    }
    diesel::insert_into(spent_tokens::table)
        .values((
            spent_tokens::session_id.eq(Key(id)),
            spent_tokens::token_hash.eq(old.to_vec()),
            spent_tokens::spent_at.eq(At(now)),
        ))
        .execute(tx.db)?;
    Ok(true)
}

/// Whether a session has exchanged this secret already.
pub fn was_spent(db: &mut Db, id: Uuid, hash: &[u8]) -> Result<bool, StoreError> {
    let row = spent_tokens::table.find((Key(id), hash.to_vec())).select(spent_tokens::session_id);
    Ok(row.first::<Key>(db).optional()?.is_some())
}

/// Ends one session; `false` when it had ended.
pub fn end(tx: &mut Tx<'_>, id: Uuid, why: Why, now: Timestamp) -> Result<bool, StoreError> {
    let open = sessions::table.find(Key(id)).filter(sessions::ended_at.is_null());
    let set = (sessions::ended_at.eq(At(now)), sessions::ended_why.eq(why.code()));
    Ok(diesel::update(open).set(set).execute(tx.db)? == 1)
}

/// Ends every session of an owner; how many there were.
pub fn end_all(tx: &mut Tx<'_>, owner_kind: &str, owner: &str, why: Why, now: Timestamp) -> Result<usize, StoreError> {
    let open = sessions::table
        .filter(sessions::owner_kind.eq(owner_kind.to_owned()).and(sessions::owner.eq(owner.to_owned())))
        .filter(sessions::ended_at.is_null());
    let set = (sessions::ended_at.eq(At(now)), sessions::ended_why.eq(why.code()));
    Ok(diesel::update(open).set(set).execute(tx.db)?)
}

/// Forgets sessions that ended before an instant; how many there were.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    let old: Vec<Key> = sessions::table
        .filter(sessions::ends_at.lt(At(before)))
        .select(sessions::session_id)
        .limit(1000)
        .load(tx.db)?;
    diesel::delete(spent_tokens::table.filter(spent_tokens::session_id.eq_any(old.clone()))).execute(tx.db)?;
    diesel::delete(sessions::table.filter(sessions::session_id.eq_any(old.clone()))).execute(tx.db)?;
    Ok(old.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores;

    #[tokio::test]
    async fn sessions_are_forgotten_with_what_they_exchanged_and_only_when_they_are_over() {
        let at = |hour: i64| At(Timestamp::from_second(1_780_000_000 + hour * 3600).unwrap());
        for opened in stores() {
            let store = &opened.store;
            let session = move |id: u128, ends: i64| SessionRow {
                session_id: Key(Uuid::from_u128(id)),
                owner_kind: "staff".to_owned(),
                owner: "li".to_owned(),
                carrier: "bearer".to_owned(),
                secret_hash: vec![1],
                created_at: at(0),
                seen_at: at(0),
                ends_at: at(ends),
                ended_at: None,
                ended_why: None,
                proved_at: None,
            };
            let (over, open_still) = (Uuid::from_u128(1), Uuid::from_u128(2));
            let spent = store
                .write(move |tx| {
                    open(tx, &session(1, 12))?;
                    open(tx, &session(2, 36))?;
                    Ok(exchange(tx, over, &[1], &[2], at(1).0)? && exchange(tx, open_still, &[1], &[2], at(1).0)?)
                })
                .await
                .unwrap();
            assert!(spent);
            assert_eq!(store.write(move |tx| forget(tx, at(24).0)).await.unwrap(), 1);
            assert_eq!(store.write(move |tx| forget(tx, at(24).0)).await.unwrap(), 0);
            let left = store
                .read(move |db| {
                    let gone = (find(db, over)?, was_spent(db, over, &[1])?);
                    Ok((gone, find(db, open_still)?.is_some(), was_spent(db, open_still, &[1])?))
                })
                .await
                .unwrap();
            assert_eq!(left, ((None, false), true, true));
        }
    }
}

//! What is kept how long: the cases whose time is over, the holds that bar their erasure, and the erasure itself.
//!
//! Erasing a case destroys its data key, and deletes or blanks all that was sealed with it or hashed from it; what stands in the
//! open is counted and holds the chain of its history together, and stays. These functions find cases for the service's own
//! round, or work on one that the caller has loaded within its scope.

use crate::domain::case::CaseId;
use crate::domain::vocabulary::State;
use crate::store::cases::Loaded;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::groups;
use crate::store::schema::{
    attachments, cases, corrections, documents, erasures, events, idempotency_keys, legal_holds, outbox, parties,
    verdicts,
};
use crate::store::types::{At, Key, On};
use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::Bool;
use jiff::Timestamp;
use jiff::civil::Date;

/// A hold as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = legal_holds)]
pub struct HoldRow {
    /// Case.
    pub case_id: Key,
    /// When.
    pub placed_at: At,
    /// Account of who placed it.
    pub placed_by: String,
    /// Why, sealed with the case's key.
    pub reason: Vec<u8>,
}

/// Where a page of ended cases goes on: the day of the end and the key.
pub type Place = (Date, CaseId);

/// The condition of the index `cases_kept`, in its words: SQLite uses a partial index only where its condition stands in the
/// text of the query.
const KEPT: &str = "closed_on IS NOT NULL AND length(data_key) > 0";

/// Cases that came to an end in a state before a day, aren't erased and aren't held, behind a place, in the order of their ends;
/// each with its number.
///
/// # Errors
/// The engine's.
pub fn due(
    db: &mut Db,
    state: State,
    before: Date,
    after: Option<Place>,
    limit: i64,
) -> Result<Vec<(Place, String)>, StoreError> {
    let held = legal_holds::table.select(legal_holds::case_id);
    let mut query = cases::table
        .filter(sql::<Bool>(KEPT))
        .filter(cases::state.eq(state.code()).and(cases::closed_on.lt(On(before))))
        .filter(not(cases::case_id.eq_any(held)))
        .into_boxed();
    if let Some((day, case)) = after {
        let later = cases::closed_on.eq(On(day)).and(cases::case_id.gt(Key::from(case)));
        query = query.filter(cases::closed_on.gt(On(day)).or(later));
    }
    let rows: Vec<(Option<On>, Key, String)> = query
        .order((cases::closed_on, cases::case_id))
        .limit(limit)
        .select((cases::closed_on, cases::case_id, cases::reference))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(day, key, reference)| Some(((day?.0, CaseId(key.0)), reference))).collect())
}

/// How many holds there are.
///
/// # Errors
/// The engine's.
pub fn held(db: &mut Db) -> Result<i64, StoreError> {
    Ok(legal_holds::table.count().get_result(db)?)
}

/// The hold on a case.
///
/// # Errors
/// The engine's.
pub fn hold(db: &mut Db, case: &Loaded) -> Result<Option<HoldRow>, StoreError> {
    Ok(legal_holds::table.find(Key::from(case.case.id)).select(HoldRow::as_select()).first(db).optional()?)
}

/// Places a hold. The case's row is changed to what it is, so that an erasure at the same time waits, and sees it; or the
/// hold does, and sees that the case is erased.
///
/// # Errors
/// [`StoreError::Erased`], or the engine's.
pub fn place_hold(tx: &mut Tx<'_>, row: &HoldRow) -> Result<(), StoreError> {
    let there = cases::table.filter(cases::case_id.eq(row.case_id).and(cases::data_key.ne(Vec::<u8>::new())));
    if diesel::update(there).set(cases::data_key.eq(cases::data_key)).execute(tx.db)? != 1 {
        return Err(StoreError::Erased);
    }
    diesel::insert_into(legal_holds::table).values(row).execute(tx.db)?;
    Ok(())
}

/// Lifts a hold; whether there was one.
///
/// # Errors
/// The engine's.
pub fn lift_hold(tx: &mut Tx<'_>, case: &Loaded) -> Result<bool, StoreError> {
    Ok(diesel::delete(legal_holds::table.find(Key::from(case.case.id))).execute(tx.db)? == 1)
}

/// Erases a case, if it is what was loaded, and isn't held. Its files are deleted after ([`unfinished`]).
///
/// # Errors
/// [`StoreError::Stale`] when it has moved on, is held or erased already; then nothing is changed.
pub fn erase(tx: &mut Tx<'_>, case: &Loaded, class: &'static str, now: Timestamp) -> Result<(), StoreError> {
    let key = Key::from(case.case.id);
    let db = &mut *tx.db;
    let nothing = Vec::<u8>::new;
    let kept = cases::table
        .filter(cases::case_id.eq(key).and(cases::version.eq(case.case.version)))
        .filter(cases::data_key.ne(nothing()));
    let gone = diesel::update(kept)
        .set((
            cases::data_key.eq(nothing()),
            cases::narrative.eq(nothing()),
            cases::respondent.eq(None::<String>),
            cases::respondent_hash.eq(None::<Vec<u8>>),
            cases::complainant_hash.eq(None::<Vec<u8>>),
        ))
        .execute(db)?;
    // Asked after the row is ours: whoever places a hold has to wait for it from now on.
    let held: i64 = legal_holds::table.filter(legal_holds::case_id.eq(key)).count().get_result(db)?;
    if gone != 1 || held > 0 {
        return Err(StoreError::Stale);
    }
    diesel::delete(parties::table.filter(parties::case_id.eq(key))).execute(db)?;
    diesel::delete(corrections::table.filter(corrections::case_id.eq(key))).execute(db)?;
    groups::forget(db, key)?;
    diesel::delete(verdicts::table.filter(verdicts::case_id.eq(key))).execute(db)?;
    diesel::delete(outbox::table.filter(outbox::case_id.eq(key).and(outbox::event_seq.is_not_null()))).execute(db)?;
    diesel::update(events::table.filter(events::case_id.eq(key).and(events::sealed.is_not_null())))
        .set(events::sealed.eq(None::<Vec<u8>>))
        .execute(db)?;
    diesel::update(attachments::table.filter(attachments::case_id.eq(key)))
        .set(attachments::name.eq(nothing()))
        .execute(db)?;
    diesel::update(documents::table.filter(documents::case_id.eq(key)))
        .set(documents::page.eq(nothing()))
        .execute(db)?;
    dialect::unindex(db, key)?;
    diesel::insert_into(erasures::table)
        .values((erasures::case_id.eq(key), erasures::erased_at.eq(At(now)), erasures::class.eq(class)))
        .execute(db)?;
    Ok(())
}

/// Erased cases whose files aren't known to be gone, behind one, in the order of keys.
///
/// # Errors
/// The engine's.
pub fn unfinished(db: &mut Db, after: Option<CaseId>, limit: i64) -> Result<Vec<CaseId>, StoreError> {
    let mut query = erasures::table.filter(erasures::files_gone_at.is_null()).into_boxed();
    if let Some(after) = after {
        query = query.filter(erasures::case_id.gt(Key::from(after)));
    }
    let keys: Vec<Key> = query.order(erasures::case_id).limit(limit).select(erasures::case_id).load(db)?;
    Ok(keys.into_iter().map(|key| CaseId(key.0)).collect())
}

/// Keys in the object store of the files of an erased case.
///
/// # Errors
/// The engine's.
pub fn objects(db: &mut Db, case: CaseId) -> Result<Vec<String>, StoreError> {
    let of = attachments::table.filter(attachments::case_id.eq(Key::from(case)));
    Ok(of.select(attachments::object).load(db)?)
}

/// Keeps that the files of an erased case are gone.
///
/// # Errors
/// The engine's.
pub fn finish(tx: &mut Tx<'_>, case: CaseId, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(erasures::table.find(Key::from(case)))
        .set(erasures::files_gone_at.eq(Some(At(now))))
        .execute(tx.db)?;
    Ok(())
}

/// Deletes notices that were over before an instant, at most so many; gives how many.
///
/// # Errors
/// The engine's.
pub fn forget_notices(tx: &mut Tx<'_>, before: Timestamp, limit: i64) -> Result<usize, StoreError> {
    let over: Vec<(i16, Key)> = outbox::table
        .filter(outbox::ended_at.is_not_null().and(outbox::ended_at.lt(Some(At(before)))))
        .limit(limit)
        .select((outbox::bucket, outbox::outbox_id))
        .load(tx.db)?;
    for (bucket, id) in &over {
        diesel::delete(outbox::table.find((bucket, id))).execute(tx.db)?;
    }
    Ok(over.len())
}

/// Idempotency keys that were taken before an instant, at most so many.
///
/// # Errors
/// The engine's.
pub fn old_keys(db: &mut Db, before: Timestamp, limit: i64) -> Result<Vec<Vec<u8>>, StoreError> {
    let old = idempotency_keys::table.filter(idempotency_keys::created_at.lt(At(before)));
    Ok(old.limit(limit).select(idempotency_keys::key_hash).load(db)?)
}

/// Forgets idempotency keys with their answers.
///
/// # Errors
/// The engine's.
pub fn forget_keys(tx: &mut Tx<'_>, keys: &[Vec<u8>]) -> Result<(), StoreError> {
    for key in keys {
        diesel::delete(idempotency_keys::table.find(key)).execute(tx.db)?;
    }
    Ok(())
}

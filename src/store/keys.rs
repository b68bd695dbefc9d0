//! The wrapped data keys, of cases, of what is owed without a case, of webhooks, second factors and drafts: listed and replaced when the key that wraps them is
//! rotated. They say nothing of a case, and whoever rotates goes through all of them: no scope.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, drafts, outbox, second_factors, webhooks};
use crate::store::types::Key;
use diesel::prelude::*;

/// The row that a data key stands in, in the order in which they are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A case.
    Case(Key),
    /// A row of the outbox, by its bucket and id.
    Outbox(i16, Key),
    /// A webhook.
    Webhook(Key),
    /// A second factor of staff, by its id.
    Factor(Key),
    /// A filing that isn't finished, by the hash of its token.
    Draft([u8; 32]),
}

/// Places with their wrapped keys.
type Found = Vec<(Place, Vec<u8>)>;

/// Data keys behind a place: the cases' that aren't erased, then the outbox's, the webhooks', those of second factors and the
/// drafts'. Empty at the end.
///
/// # Errors
/// The engine's.
pub fn page(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let tables = [cases_behind, outbox_behind, webhooks_behind, factors_behind, drafts_behind];
    let first = match after {
        None | Some(Place::Case(_)) => 0,
        Some(Place::Outbox(..)) => 1,
        Some(Place::Webhook(_)) => 2,
        Some(Place::Factor(_)) => 3,
        Some(Place::Draft(_)) => 4,
    };
    for behind in tables.iter().skip(first) {
        let found = behind(db, after, limit)?;
        if !found.is_empty() {
            return Ok(found);
        }
    }
    Ok(Vec::new())
}

fn outbox_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let mut query = outbox::table.filter(outbox::data_key.is_not_null()).into_boxed();
    if let Some(Place::Outbox(bucket, id)) = after {
        query = query.filter(outbox::bucket.gt(bucket).or(outbox::bucket.eq(bucket).and(outbox::outbox_id.gt(id))));
    }
    let rows: Vec<(i16, Key, Option<Vec<u8>>)> = query
        .order((outbox::bucket, outbox::outbox_id))
        .limit(limit)
        .select((outbox::bucket, outbox::outbox_id, outbox::data_key))
        .load(db)?;
    Ok(rows.into_iter().filter_map(|(bucket, id, data_key)| Some((Place::Outbox(bucket, id), data_key?))).collect())
}

fn webhooks_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let mut query = webhooks::table.into_boxed();
    if let Some(Place::Webhook(id)) = after {
        query = query.filter(webhooks::webhook_id.gt(id));
    }
    let rows: Vec<(Key, Vec<u8>)> =
        query.order(webhooks::webhook_id).limit(limit).select((webhooks::webhook_id, webhooks::data_key)).load(db)?;
    Ok(rows.into_iter().map(|(id, data_key)| (Place::Webhook(id), data_key)).collect())
}

fn factors_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let mut query = second_factors::table.into_boxed();
    if let Some(Place::Factor(after)) = after {
        query = query.filter(second_factors::factor_id.gt(after));
    }
    let rows: Vec<(Key, Vec<u8>)> = query
        .order(second_factors::factor_id)
        .limit(limit)
        .select((second_factors::factor_id, second_factors::data_key))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, data_key)| (Place::Factor(id), data_key)).collect())
}

fn drafts_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let mut query = drafts::table.into_boxed();
    if let Some(Place::Draft(hash)) = after {
        query = query.filter(drafts::token_hash.gt(hash.to_vec()));
    }
    let rows: Vec<(Vec<u8>, Vec<u8>)> =
        query.order(drafts::token_hash).limit(limit).select((drafts::token_hash, drafts::data_key)).load(db)?;
    let placed = rows.into_iter().map(|(hash, data_key)| {
        let hash = hash.try_into().map_err(|_| StoreError::Unreadable("the hash of a draft's token".to_owned()))?;
        Ok((Place::Draft(hash), data_key))
    });
    placed.collect()
}

fn cases_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Found, StoreError> {
    let mut query = cases::table.filter(cases::data_key.ne(Vec::<u8>::new())).into_boxed();
    if let Some(Place::Case(after)) = after {
        query = query.filter(cases::case_id.gt(after));
    }
    let rows: Vec<(Key, Vec<u8>)> =
        query.order(cases::case_id).limit(limit).select((cases::case_id, cases::data_key)).load(db)?;
    Ok(rows.into_iter().map(|(case, data_key)| (Place::Case(case), data_key)).collect())
}

/// One key wrapped anew.
#[derive(Debug, Clone)]
pub struct Rewrapped {
    /// Where it stands.
    pub place: Place,
    /// As it was read.
    pub before: Vec<u8>,
    /// As it is to be.
    pub after: Vec<u8>,
}

/// Replaces data keys, each if it still is what was read; gives how many were.
///
/// # Errors
/// The engine's.
pub fn replace(tx: &mut Tx<'_>, keys: &[Rewrapped]) -> Result<usize, StoreError> {
    let mut replaced = 0;
    for Rewrapped { place, before, after } in keys {
        replaced += match place {
            Place::Case(case) => {
                let row = cases::table.filter(cases::case_id.eq(case).and(cases::data_key.eq(before)));
                diesel::update(row).set(cases::data_key.eq(after)).execute(tx.db)?
            }
            Place::Outbox(bucket, id) => {
                let row = outbox::table.find((bucket, id)).filter(outbox::data_key.eq(before));
                diesel::update(row).set(outbox::data_key.eq(after)).execute(tx.db)?
            }
            Place::Webhook(id) => {
                let row = webhooks::table.find(id).filter(webhooks::data_key.eq(before));
                diesel::update(row).set(webhooks::data_key.eq(after)).execute(tx.db)?
            }
            Place::Draft(hash) => {
                let row = drafts::table.find(hash.to_vec()).filter(drafts::data_key.eq(before));
                diesel::update(row).set(drafts::data_key.eq(after)).execute(tx.db)?
            }
            Place::Factor(id) => {
                let row = second_factors::table
                    .filter(second_factors::factor_id.eq(id).and(second_factors::data_key.eq(before)));
                diesel::update(row).set(second_factors::data_key.eq(after)).execute(tx.db)?
            }
        };
    }
    Ok(replaced)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::measure::testing::{case, day, file, step};
    use crate::store::testing::stores;

    /// PRV-03: a step that read the case before its key was wrapped anew, and is saved after, leaves the new one.
    #[tokio::test]
    async fn a_step_that_overlaps_a_rotation_does_not_bring_the_old_key_back() {
        for opened in stores() {
            let store = &opened.store;
            let before = case(1, day("2026-03-15"));
            file(store, &before).await;
            let found = store.read(|db| page(db, None, 10)).await.unwrap();
            let [(place, wrapped)] = found.as_slice() else { panic!("{found:?}") };
            let rewrapped = Rewrapped { place: *place, before: wrapped.clone(), after: vec![2] };
            let again = rewrapped.clone();
            assert_eq!(store.write(move |tx| replace(tx, std::slice::from_ref(&rewrapped))).await.unwrap(), 1);
            assert_eq!(
                store.write(move |tx| replace(tx, std::slice::from_ref(&again))).await.unwrap(),
                0,
                "it isn't what was read any more"
            );

            let mut after = before.clone();
            after.version += 1;
            step(store, &before, &after).await.unwrap();
            let found = store.read(|db| page(db, None, 10)).await.unwrap();
            assert_eq!(found.iter().map(|(_, key)| key.as_slice()).collect::<Vec<_>>(), [[2]]);
        }
    }
}

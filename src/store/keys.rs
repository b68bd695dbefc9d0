//! The wrapped data keys, of cases and of what is owed without a case: listed and replaced when the key that wraps them is
//! rotated. They say nothing of a case, and whoever rotates goes through all of them: no scope.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, outbox, second_factors};
use crate::store::types::Key;
use diesel::prelude::*;

/// The row that a data key stands in, in the order in which they are gone through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// A case.
    Case(Key),
    /// A row of the outbox, by its bucket and id.
    Outbox(i16, Key),
    /// A second factor of staff, by its id.
    Factor(Key),
}

/// Data keys behind a place: the cases' that aren't erased, then the outbox's, then those of second factors. Empty at the end.
///
/// # Errors
/// The engine's.
pub fn page(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Vec<(Place, Vec<u8>)>, StoreError> {
    let behind = match after {
        Some(Place::Factor(id)) => return factors_behind(db, Some(id), limit),
        Some(Place::Outbox(bucket, id)) => Some((bucket, id)),
        of_cases => {
            let found = cases_behind(db, of_cases, limit)?;
            if !found.is_empty() {
                return Ok(found);
            }
            None
        }
    };
    let mut query = outbox::table.filter(outbox::data_key.is_not_null()).into_boxed();
    if let Some((bucket, id)) = behind {
        query = query.filter(outbox::bucket.gt(bucket).or(outbox::bucket.eq(bucket).and(outbox::outbox_id.gt(id))));
    }
    let rows: Vec<(i16, Key, Option<Vec<u8>>)> = query
        .order((outbox::bucket, outbox::outbox_id))
        .limit(limit)
        .select((outbox::bucket, outbox::outbox_id, outbox::data_key))
        .load(db)?;
    if rows.is_empty() {
        return factors_behind(db, None, limit);
    }
    Ok(rows.into_iter().filter_map(|(bucket, id, data_key)| Some((Place::Outbox(bucket, id), data_key?))).collect())
}

fn factors_behind(db: &mut Db, after: Option<Key>, limit: i64) -> Result<Vec<(Place, Vec<u8>)>, StoreError> {
    let mut query = second_factors::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(second_factors::factor_id.gt(after));
    }
    let rows: Vec<(Key, Vec<u8>)> = query
        .order(second_factors::factor_id)
        .limit(limit)
        .select((second_factors::factor_id, second_factors::data_key))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, data_key)| (Place::Factor(id), data_key)).collect())
}

fn cases_behind(db: &mut Db, after: Option<Place>, limit: i64) -> Result<Vec<(Place, Vec<u8>)>, StoreError> {
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

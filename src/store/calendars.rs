//! Calendar years loaded after the shipped ones.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::calendar_years;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// A loaded year: its number, version and days as CSV.
pub type LoadedYear = (i32, String, String);

/// Every loaded year.
pub fn all(db: &mut Db) -> Result<Vec<LoadedYear>, StoreError> {
    Ok(calendar_years::table
        .order(calendar_years::year)
        .select((calendar_years::year, calendar_years::version, calendar_years::days))
        .load(db)?)
}

/// Keeps a year; a year that stands already is replaced.
pub fn keep(tx: &mut Tx<'_>, (year, version, days): &LoadedYear, now: Timestamp) -> Result<(), StoreError> {
    diesel::delete(calendar_years::table.find(year)).execute(tx.db)?;
    diesel::insert_into(calendar_years::table)
        .values((
            calendar_years::year.eq(year),
            calendar_years::version.eq(version),
            calendar_years::days.eq(days),
            calendar_years::loaded_at.eq(At(now)),
        ))
        .execute(tx.db)?;
    Ok(())
}

//! Closed months as they were.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::month_snapshots;
use crate::store::types::{At, On};
use diesel::prelude::*;
use jiff::Timestamp;
use jiff::civil::Date;

/// A frozen month.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = month_snapshots, treat_none_as_default_value = false)]
pub struct Snapshot {
    /// First day of the month.
    pub month: On,
    /// 1 for the first; each correction is one more.
    pub revision: i32,
    /// When.
    pub frozen_at: At,
    /// By whom.
    pub frozen_by: String,
    /// Why, for a revision.
    pub note: Option<String>,
    /// The numbers, as JSON.
    pub content: String,
}

/// A month's revision; the newest when none is named.
pub fn find(db: &mut Db, month: Date, revision: Option<i32>) -> Result<Option<Snapshot>, StoreError> {
    let mut query = month_snapshots::table.filter(month_snapshots::month.eq(On(month))).into_boxed();
    if let Some(revision) = revision {
        query = query.filter(month_snapshots::revision.eq(revision));
    }
    Ok(query.order(month_snapshots::revision.desc()).select(Snapshot::as_select()).first(db).optional()?)
}

/// Freezes a month as its next revision; gives the number.
pub fn freeze(
    tx: &mut Tx<'_>,
    month: Date,
    content: &str,
    by: &str,
    note: Option<&str>,
    now: Timestamp,
) -> Result<i32, StoreError> {
    let last = find(tx.db, month, None)?.map_or(0, |snapshot| snapshot.revision);
    let snapshot = Snapshot {
        month: On(month),
        revision: last + 1,
        frozen_at: At(now),
        frozen_by: by.to_owned(),
        note: note.map(str::to_owned),
        content: content.to_owned(),
    };
    diesel::insert_into(month_snapshots::table).values(&snapshot).execute(tx.db)?;
    Ok(snapshot.revision)
}

//! A closed month as it was: what a published figure was taken from stays to be seen when later corrections change it.

use crate::config::catalogue::Catalogue;
use crate::domain::scope::Scope;
use crate::measure::query::{BY, Query};
use crate::measure::summary::{breakdown, summary};
use crate::store::counters::Dimension;
use crate::store::snapshots::{self, Snapshot};
use crate::store::{Store, StoreError};
use jiff::civil::Date;
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};

/// Why a month couldn't be frozen.
#[derive(Debug, thiserror::Error)]
pub enum FreezeError {
    /// The month isn't over in Asia/Shanghai.
    #[error("the month isn't over")]
    NotOver,
    /// It was frozen before: a revision says why there is one.
    #[error("a revision needs a note")]
    NoteRequired,
    /// The store has no answer.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a snapshot is broken down by: what reports compare, small enough to be kept.
const BROKEN_DOWN_BY: [Dimension; 5] =
    [Dimension::Sector, Dimension::Department, Dimension::City, Dimension::County, Dimension::Channel];

/// China Standard Time, without summer time since 1991.
const SHANGHAI: Offset = Offset::constant(8);

/// Freezes the month that a day lies in, for the whole installation: `{month, as_of, summary, breakdowns}`. Gives the
/// revision: 1, and one more each time after.
///
/// # Errors
/// When the month isn't over, or a revision comes without a note, or the store has no answer.
pub async fn freeze(
    store: &Store,
    catalogue: &Catalogue,
    month: Date,
    by: &str,
    note: Option<&str>,
    now: Timestamp,
    small: i64,
) -> Result<i32, FreezeError> {
    let today = SHANGHAI.to_datetime(now).date();
    let (first, last) = (month.first_of_month(), month.last_of_month());
    if today <= last {
        return Err(FreezeError::NotOver);
    }
    let note = note.map(str::trim).filter(|note| !note.is_empty()).map(str::to_owned);
    let query = Query { small, ..Query::over(first, last) };
    let mut breakdowns = serde_json::Map::new();
    for dimension in BROKEN_DOWN_BY {
        let query = Query { by: Some(dimension), ..query.clone() };
        let broken = breakdown(store, catalogue, &Scope::System, &query, today).await?;
        let name = BY.iter().find(|(_, known)| *known == dimension).map_or("", |(code, _)| code);
        breakdowns.insert(name.to_owned(), json(&broken)?);
    }
    let content = serde_json::json!({
        "month": first,
        "as_of": today,
        "summary": json(&summary(store, catalogue, &Scope::System, &query, today).await?)?,
        "breakdowns": breakdowns,
    })
    .to_string();
    let by = by.to_owned();
    let revision = store
        .write(move |tx| {
            let earlier = snapshots::find(tx.db(), first, None)?;
            if earlier.is_some() && note.is_none() {
                return Ok(None);
            }
            snapshots::freeze(tx, first, &content, &by, note.as_deref(), now).map(Some)
        })
        .await?;
    revision.ok_or(FreezeError::NoteRequired)
}

fn json(value: &impl serde::Serialize) -> Result<serde_json::Value, StoreError> {
    serde_json::to_value(value).map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// A frozen month; its newest revision when none is named.
///
/// # Errors
/// When the store has no answer.
pub async fn snapshot(store: &Store, month: Date, revision: Option<i32>) -> Result<Option<Snapshot>, StoreError> {
    store.read(move |db| snapshots::find(db, month.first_of_month(), revision)).await
}

/// The month before the one that an instant lies in: what is frozen when a month is over.
pub fn last_month(now: Timestamp) -> Date {
    SHANGHAI.to_datetime(now).date().first_of_month().saturating_sub(1.month())
}

//! The months of a case's tables on PostgreSQL: made ahead, as ranges of the uuid v7 key. SQLite has none.

use crate::domain::case::CaseId;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use diesel::prelude::*;
use diesel::sql_types::{Bool, Text};
use jiff::civil::{Date, Time};
use jiff::tz::Offset;
use jiff::{Timestamp, ToSpan};
use uuid::Uuid;

/// The tables that share a case's key.
const TABLES: &[&str] = &["cases", "parties", "events", "clocks", "attachments"];

/// Months made ahead of the current one.
const AHEAD: i64 = 3;

#[derive(QueryableByName)]
struct Exists {
    #[diesel(sql_type = Bool)]
    there: bool,
}

/// Makes the months from the one of `now` on that aren't there yet; gives how many tables were made. A month whose cases lie
/// in the default partition already (imported before it was made) is left there.
///
/// # Errors
/// The engine's.
pub fn prepare(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    let Db::Pg(_) = tx.db else { return Ok(0) };
    // Nodes that start together make each month once.
    dialect::execute(tx.db, "SELECT pg_advisory_xact_lock(4262014)")?;
    let first = Offset::UTC.to_datetime(now).date().first_of_month();
    let mut made = 0;
    for ahead in 0..=AHEAD {
        let month = first.saturating_add(ahead.months());
        let (from, to) = (bound(month), bound(month.saturating_add(1.month())));
        for table in TABLES {
            let name = format!("{table}_{:04}{:02}", month.year(), month.month());
            if !exists(tx.db, &name)? && !holds(tx.db, table, from, to)? {
                let sql = format!("CREATE TABLE {name} PARTITION OF {table} FOR VALUES FROM ('{from}') TO ('{to}')");
                dialect::execute(tx.db, &sql)?;
                made += 1;
            }
        }
    }
    Ok(made)
}

/// The least key of a month.
fn bound(month: Date) -> Uuid {
    let start = Offset::UTC.to_timestamp(month.to_datetime(Time::midnight())).map_or(0, Timestamp::as_millisecond);
    CaseId(Uuid::from_u128(u128::from(u64::try_from(start).unwrap_or(0)) << 80)).0
}

fn exists(db: &mut Db, name: &str) -> Result<bool, StoreError> {
    let Db::Pg(c) = db else { return Ok(false) };
    let row: Exists =
        diesel::sql_query("SELECT to_regclass($1) IS NOT NULL AS there").bind::<Text, _>(name).get_result(c)?;
    Ok(row.there)
}

/// Whether the default partition of a table holds keys of a range.
fn holds(db: &mut Db, table: &str, from: Uuid, to: Uuid) -> Result<bool, StoreError> {
    let Db::Pg(c) = db else { return Ok(false) };
    let sql = format!(
        "SELECT EXISTS (SELECT 1 FROM {table}_default WHERE case_id >= '{from}' AND case_id < '{to}') AS there"
    );
    let row: Exists = diesel::sql_query(sql).get_result(c)?;
    Ok(row.there)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_month_is_a_range_of_keys() {
        let november = bound(Date::constant(2026, 11, 1));
        let december = bound(Date::constant(2026, 12, 1));
        let millis = |text: &str| u64::try_from(text.parse::<Timestamp>().unwrap().as_millisecond()).unwrap();
        let key = |at: &str| uuid::Builder::from_unix_timestamp_millis(millis(at), &[0xff; 10]).into_uuid();
        assert!(key("2026-10-31T23:59:59.999Z") < november);
        assert!(november < key("2026-11-01T00:00:00Z") && key("2026-11-30T23:59:59.999Z") < december);
        assert!(december < key("2026-12-01T00:00:00Z"));
    }
}

//! What a recount reads and writes: the cases as they are, and every counter.

use crate::domain::case::{Case, CaseId};
use crate::domain::fact::Facts;
use crate::domain::vocabulary::Kind;
use crate::store::counters::rows::{Sums, sums};
use crate::store::counters::{Cohort, CounterKey, Counts, Deltas, Grain, View};
use crate::store::db::Db;
use crate::store::dialect::{self, Bind};
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, counters};
use crate::store::types::{Day, Key, On};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Integer, Text};
use jiff::civil::Date;
use std::collections::BTreeMap;

/// Prepares a unit that reads every case: one state of the data, no time limit.
pub fn read_all(db: &mut Db) -> Result<(), StoreError> {
    dialect::one_state(db)?;
    dialect::no_time_limit(db)
}

/// Cases of one day that share every dimension and fact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alike {
    /// Day of the cohort.
    pub on: Date,
    /// Kind.
    pub kind: Kind,
    /// Six-digit division.
    pub division: i32,
    /// Sector.
    pub sector: String,
    /// Department (line).
    pub department: String,
    /// Office.
    pub office: String,
    /// Station, or empty.
    pub station: String,
    /// Channel.
    pub channel: String,
    /// Facts.
    pub facts: Facts,
    /// How many.
    pub cases: i64,
    /// Amounts in dispute, fen.
    pub amount_fen: i64,
    /// Amounts recovered, fen.
    pub recovered_fen: i64,
}

#[derive(QueryableByName)]
struct AlikeRow {
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    division: i32,
    #[diesel(sql_type = Text)]
    sector: String,
    #[diesel(sql_type = Text)]
    department: String,
    #[diesel(sql_type = Text)]
    office: String,
    #[diesel(sql_type = Text)]
    station: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    facts: i64,
    #[diesel(sql_type = BigInt)]
    cases: i64,
    #[diesel(sql_type = BigInt)]
    amount_fen: i64,
    #[diesel(sql_type = BigInt)]
    recovered_fen: i64,
}

/// First and last day that a cohort's cases or counters have; `None` when there are none.
pub fn span(db: &mut Db, cohort: Cohort) -> Result<Option<(Date, Date)>, StoreError> {
    use diesel::dsl::{max, min};
    let counted: (Option<On>, Option<On>) = counters::table
        .filter(counters::cohort.eq(cohort.letter()))
        .select((min(counters::on_day), max(counters::on_day)))
        .first(db)?;
    let stored: (Option<On>, Option<On>) = match cohort {
        Cohort::Received => cases::table.select((min(cases::received_on), max(cases::received_on))).first(db)?,
        Cohort::Closed => cases::table.select((min(cases::closed_on), max(cases::closed_on))).first(db)?,
    };
    let first = [counted.0, stored.0].into_iter().flatten().min();
    let last = [counted.1, stored.1].into_iter().flatten().max();
    Ok(first.zip(last).map(|(first, last)| (first.0, last.0)))
}

/// The cases of a month, by the day of the cohort, those that are alike together. For recounts.
pub fn alike(db: &mut Db, cohort: Cohort, month: Date) -> Result<Vec<Alike>, StoreError> {
    let column = match cohort {
        Cohort::Received => "received_on",
        Cohort::Closed => "closed_on",
    };
    let same = format!("{column}, kind, division, sector, department, office, station, channel, facts");
    let sql = format!(
        "SELECT {column} AS on_day, kind, division, sector, department, office, station, channel, facts, \
         CAST(COUNT(*) AS BIGINT) AS cases, CAST(COALESCE(SUM(amount_fen), 0) AS BIGINT) AS amount_fen, \
         CAST(COALESCE(SUM(recovered_fen), 0) AS BIGINT) AS recovered_fen \
         FROM cases WHERE {column} >= ? AND {column} <= ? GROUP BY {same}"
    );
    let binds = vec![Bind::Day(On(month.first_of_month())), Bind::Day(On(month.last_of_month()))];
    dialect::rows::<AlikeRow>(db, &sql, binds)?
        .into_iter()
        .map(|row| {
            Ok(Alike {
                on: row.on_day.0,
                kind: Kind::parse(&row.kind).map_err(|fault| StoreError::Unreadable(fault.to_string()))?,
                division: row.division,
                sector: row.sector,
                department: row.department,
                office: row.office,
                station: row.station,
                channel: row.channel,
                facts: Facts(row.facts),
                cases: row.cases,
                amount_fen: row.amount_fen,
                recovered_fen: row.recovered_fen,
            })
        })
        .collect()
}

#[derive(QueryableByName)]
struct StoredRow {
    #[diesel(sql_type = Day)]
    on_day: On,
    #[diesel(sql_type = Text)]
    kind: String,
    #[diesel(sql_type = Integer)]
    city: i32,
    #[diesel(sql_type = Integer)]
    county: i32,
    #[diesel(sql_type = Text)]
    sector: String,
    #[diesel(sql_type = Text)]
    department: String,
    #[diesel(sql_type = Text)]
    office: String,
    #[diesel(sql_type = Text)]
    station: String,
    #[diesel(sql_type = Text)]
    channel: String,
    #[diesel(sql_type = BigInt)]
    rows: i64,
    #[diesel(embed)]
    sums: Sums,
}

/// The counters of a view, a grain and a cohort whose period begins in a month, buckets added up.
/// For recounts; also says how many rows they are.
pub fn stored(
    db: &mut Db,
    view: View,
    grain: Grain,
    cohort: Cohort,
    month: Date,
) -> Result<(BTreeMap<CounterKey, Counts>, i64), StoreError> {
    const KEY: &str = "on_day, kind, city, county, sector, department, office, station, channel";
    let sql = format!(
        "SELECT {KEY}, CAST(COUNT(*) AS BIGINT) AS rows, {} FROM counters \
         WHERE view = ? AND grain = ? AND on_day >= ? AND on_day <= ? AND cohort = ? GROUP BY {KEY}",
        sums()
    );
    let binds = vec![
        Bind::Text(view.code().to_owned()),
        Bind::Text(grain.code().to_owned()),
        Bind::Day(On(month.first_of_month())),
        Bind::Day(On(month.last_of_month())),
        Bind::Text(cohort.letter().to_owned()),
    ];
    let mut counted = BTreeMap::new();
    let mut rows = 0;
    for row in dialect::rows::<StoredRow>(db, &sql, binds)? {
        rows += row.rows;
        let key = CounterKey {
            view,
            grain,
            on: row.on_day.0,
            cohort,
            kind: super::kind(&row.kind)?,
            city: row.city,
            county: row.county,
            sector: row.sector,
            department: row.department,
            office: row.office,
            station: row.station,
            channel: row.channel,
        };
        counted.insert(key, row.sums.into());
    }
    Ok((counted, rows))
}

/// A page of cases with the facts stored beside them, in the order of their keys. For recounts.
pub fn facts_page(db: &mut Db, after: Option<CaseId>, limit: i64) -> Result<Vec<(CaseId, Case, Facts)>, StoreError> {
    let mut query = cases::table.into_boxed();
    if let Some(after) = after {
        query = query.filter(cases::case_id.gt(Key::from(after)));
    }
    let rows: Vec<(Key, Vec<u8>, i64)> =
        query.order(cases::case_id).limit(limit).select((cases::case_id, cases::doc, cases::facts)).load(db)?;
    rows.into_iter()
        .map(|(key, doc, facts)| Ok((CaseId(key.0), crate::store::cases::read(&doc)?, Facts(facts))))
        .collect()
}

/// Whether there are cases but no counters: a migration that changes how they are kept takes them away.
pub fn missing(db: &mut Db) -> Result<bool, StoreError> {
    let counted: Option<String> = counters::table.select(counters::view).first(db).optional()?;
    let stored: Option<Key> = cases::table.select(cases::case_id).first(db).optional()?;
    Ok(counted.is_none() && stored.is_some())
}

/// Prepares a unit that writes all counters anew: nobody else changes them until it ends, and they are all taken away.
pub fn clear(tx: &mut Tx<'_>) -> Result<(), StoreError> {
    dialect::no_time_limit(tx.db)?;
    dialect::lock_counters(tx.db)?;
    diesel::delete(counters::table).execute(tx.db)?;
    Ok(())
}

/// Writes counters within [`clear`]'s unit, at once instead of at its end, so that they needn't all be held.
pub fn put(tx: &mut Tx<'_>, counted: &Deltas) -> Result<(), StoreError> {
    dialect::add_counters(tx.db, counted)
}

/// Sets the facts stored beside a case.
pub fn set_facts(tx: &mut Tx<'_>, id: CaseId, facts: Facts) -> Result<(), StoreError> {
    diesel::update(cases::table.filter(cases::case_id.eq(Key::from(id))))
        .set(cases::facts.eq(facts.0))
        .execute(tx.db)?;
    Ok(())
}

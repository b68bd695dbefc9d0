//! Statements that SQLite keeps prepared. Diesel prepares `on_conflict`, statements of many rows and `sql_query` anew each
//! time, which on the one thread that writes costs more than running them: here the text is constant, so that it is
//! found again, and one statement is run for each row.

use crate::store::counters::CounterRow;
use crate::store::filing::{ExternalRow, IdempotencyRow, LinkRow, NumberRow};
use crate::store::types::{At, Day, Key, On, Ts, Uid};
use diesel::prelude::*;
use diesel::query_builder::{AstPass, QueryFragment, QueryId};
use diesel::sql_types::{BigInt, Binary, Integer, SmallInt, Text};
use diesel::sqlite::Sqlite;
use std::sync::LazyLock;

/// A value on its way into a statement.
enum Value<'a> {
    Text(&'a str),
    Bytes(&'a [u8]),
    Key(&'a Key),
    At(&'a At),
}

/// Constant text with a `?` for each value.
struct Kept<'a> {
    sql: &'a str,
    values: Vec<Value<'a>>,
}

// Kept by its text.
impl QueryId for Kept<'_> {
    type QueryId = ();
    const HAS_STATIC_QUERY_ID: bool = false;
}

impl QueryFragment<Sqlite> for Kept<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let mut parts = self.sql.split('?');
        out.push_sql(parts.next().unwrap_or_default());
        for (value, part) in self.values.iter().zip(parts) {
            match value {
                Value::Text(value) => out.push_bind_param::<Text, str>(value)?,
                Value::Bytes(value) => out.push_bind_param::<Binary, [u8]>(value)?,
                Value::Key(value) => out.push_bind_param::<Uid, Key>(value)?,
                Value::At(value) => out.push_bind_param::<Ts, At>(value)?,
            }
            out.push_sql(part);
        }
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for Kept<'_> {}

/// Runs a statement; gives how many rows it changed.
fn run(c: &mut SqliteConnection, sql: &str, values: Vec<Value<'_>>) -> QueryResult<usize> {
    Kept { sql, values }.execute(c)
}

/// Takes an idempotency key; whether it was free.
pub(super) fn claim_key(c: &mut SqliteConnection, row: &IdempotencyRow) -> QueryResult<bool> {
    let sql = "INSERT INTO idempotency_keys (key_hash, body_hash, case_id, answer, created_at) VALUES (?, ?, ?, ?, ?) \
               ON CONFLICT DO NOTHING";
    let values = vec![
        Value::Bytes(&row.key_hash),
        Value::Bytes(&row.body_hash),
        Value::Key(&row.case_id),
        Value::Text(&row.answer),
        Value::At(&row.created_at),
    ];
    Ok(run(c, sql, values)? == 1)
}

/// Takes a number of another system; whether it was free.
pub(super) fn claim_external(c: &mut SqliteConnection, row: &ExternalRow) -> QueryResult<bool> {
    let sql = "INSERT INTO external_numbers (system, number, case_id) VALUES (?, ?, ?) ON CONFLICT DO NOTHING";
    let values = vec![Value::Text(&row.system), Value::Text(&row.number), Value::Key(&row.case_id)];
    Ok(run(c, sql, values)? == 1)
}

/// Takes a reference number; whether it was free.
pub(super) fn claim_number(c: &mut SqliteConnection, row: &NumberRow) -> QueryResult<bool> {
    let sql = "INSERT INTO case_numbers (reference, case_id) VALUES (?, ?) ON CONFLICT DO NOTHING";
    Ok(run(c, sql, vec![Value::Text(&row.reference), Value::Key(&row.case_id)])? == 1)
}

/// Links two cases, unless they are.
pub(super) fn link(c: &mut SqliteConnection, row: &LinkRow) -> QueryResult<()> {
    let sql = "INSERT INTO links (case_id, other_id, relation, created_at) VALUES (?, ?, ?, ?) ON CONFLICT DO NOTHING";
    let values = vec![
        Value::Key(&row.case_id),
        Value::Key(&row.other_id),
        Value::Text(&row.relation),
        Value::At(&row.created_at),
    ];
    run(c, sql, values).map(|_| ())
}

/// Puts a case, which is stored already, into the full-text index. Not as `INSERT … SELECT`: that is a statement of many
/// rows, before which SQLite sets a savepoint, at which FTS5 writes out what it holds: for each case instead of each commit.
pub(super) fn index(c: &mut SqliteConnection, case: &Key, tokens: &str) -> QueryResult<()> {
    let sql = "INSERT INTO case_search (tokens, rowid) VALUES (?, (SELECT row FROM cases WHERE case_id = ?))";
    run(c, sql, vec![Value::Text(tokens), Value::Key(case)]).map(|_| ())
}

/// What a counter is found by, in the order of its primary key.
pub(super) const KEY: [&str; 13] = [
    "view",
    "grain",
    "on_day",
    "cohort",
    "kind",
    "city",
    "county",
    "sector",
    "department",
    "office",
    "station",
    "channel",
    "bucket",
];

/// What it holds: the columns, and how a row's are read, from one list.
macro_rules! numbers {
    ($($name:ident)+) => {
        pub(super) const NUMBERS: &[&str] = &[$(stringify!($name)),+];

        pub(super) fn numbers(row: &CounterRow) -> [(&'static str, &i64); NUMBERS.len()] {
            [$((stringify!($name), &row.$name)),+]
        }
    };
}

numbers! {
    n_received
    n_disposed
    n_decided
    n_decided_in_time
    n_accepted
    n_closed
    n_closed_in_time
    n_station_ended
    n_self_settled
    n_agreed
    n_mediation_ended
    n_mediated_agreed
    n_rated
    n_satisfied
    n_solved
    n_contacted
    n_returned
    n_reopened
    n_withdrawn
    n_refused
    n_transferred
    n_report_verified
    n_report_verified_in_time
    amount_fen
    recovered_fen
}

/// Adds to a counter, which is made when it isn't there. One statement with a place for every number, however few change: it
/// is found again by its type, without its text being put together.
struct AddCounter<'a>(&'a CounterRow);

impl QueryId for AddCounter<'_> {
    type QueryId = AddCounter<'static>;
    const HAS_STATIC_QUERY_ID: bool = true;
}

static ADD_COUNTER: LazyLock<String> = LazyLock::new(|| {
    let names: Vec<&str> = KEY.iter().chain(NUMBERS).copied().collect();
    let sums: Vec<String> = NUMBERS.iter().map(|name| format!("{name} = {name} + excluded.{name}")).collect();
    format!(
        "INSERT INTO counters ({}) VALUES ({}) ON CONFLICT ({}) DO UPDATE SET {}",
        names.join(", "),
        vec!["?"; names.len()].join(", "),
        KEY.join(", "),
        sums.join(", ")
    )
});

impl QueryFragment<Sqlite> for AddCounter<'_> {
    fn walk_ast<'b>(&'b self, mut out: AstPass<'_, 'b, Sqlite>) -> QueryResult<()> {
        let Self(row) = self;
        let mut parts = ADD_COUNTER.split('?');
        let mut next = |out: &mut AstPass<'_, 'b, Sqlite>| out.push_sql(parts.next().unwrap_or_default());
        macro_rules! push {
            ($($sort:ty, $of:ty: $($value:expr),+;)+) => {
                $($(
                    next(&mut out);
                    out.push_bind_param::<$sort, $of>($value)?;
                )+)+
            };
        }
        push! {
            Text, String: &row.view, &row.grain;
            Day, On: &row.on_day;
            Text, String: &row.cohort, &row.kind;
            Integer, i32: &row.city, &row.county;
            Text, String: &row.sector, &row.department, &row.office, &row.station, &row.channel;
            SmallInt, i16: &row.bucket;
        }
        for (_, number) in numbers(row) {
            next(&mut out);
            out.push_bind_param::<BigInt, i64>(number)?;
        }
        next(&mut out);
        Ok(())
    }
}

impl RunQueryDsl<SqliteConnection> for AddCounter<'_> {}

/// Adds to a counter.
pub(super) fn count(c: &mut SqliteConnection, row: &CounterRow) -> QueryResult<()> {
    AddCounter(row).execute(c).map(|_| ())
}

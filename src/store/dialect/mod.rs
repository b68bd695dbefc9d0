//! What the two engines say differently: upserts, batches, claims and full text here, their settings and locks below.

mod locks;
mod settings;

pub(super) use locks::{lock_audit_head, lock_code, lock_counters, lock_factor, lock_tries};
#[cfg(test)]
pub(super) use settings::waits;
pub(super) use settings::{
    backend, begin, check_engine, check_file, execute, no_time_limit, one_state, syncing, version,
};

use crate::store::counters::{CounterRow, Deltas};
use crate::store::db::Db;
use crate::store::engine::StoreError;
use crate::store::filing::{CaseRow, ClockRow, EventRow, ExternalRow, IdempotencyRow, LinkRow, NumberRow, PartyRow};
use crate::store::kept;
use crate::store::learned::VerdictRow;
use crate::store::outbox::{self as outbox_rows, Claim, OutboxRow};
use crate::store::schema::{
    case_numbers, cases, clocks, document_numbers, events, external_numbers, idempotency_keys, links, outbox, parties,
    spent_states, verdicts,
};
use crate::store::types::{At, Day, Key, On, Ts, Uid};
use crate::store::words;
use diesel::dsl::sql;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::sql_types::{Array, BigInt, Bool, Integer, SmallInt, Text};
use diesel::sqlite::Sqlite;
use std::sync::LazyLock;

/// Most rows in one statement; PostgreSQL takes 65 535 values, a counter has 38.
const CHUNK: usize = 500;

/// Rows from which on PostgreSQL takes them by `COPY`: below, its two round trips more cost more than it saves.
const MANY: usize = 3;

macro_rules! insert_batch {
    ($name:ident, $table:ident, $row:ty) => {
        /// Inserts rows: on PostgreSQL many by `COPY`, which needs no statement with a place for each value; elsewhere with
        /// one prepared statement again and again, since one for many rows would be prepared anew each time.
        pub(super) fn $name(db: &mut Db, rows: &[&$row]) -> Result<(), StoreError> {
            match db {
                Db::Pg(c) if rows.len() > MANY => {
                    diesel::copy_from($table::table).from_insertable(rows.to_vec()).execute(c)?;
                }
                Db::Pg(c) => {
                    for row in rows {
                        diesel::insert_into($table::table).values(*row).execute(c)?;
                    }
                }
                Db::Sqlite(c) => {
                    for row in rows {
                        diesel::insert_into($table::table).values(*row).execute(c)?;
                    }
                }
            }
            Ok(())
        }
    };
}

insert_batch!(insert_cases, cases, CaseRow);
insert_batch!(insert_parties, parties, PartyRow);
insert_batch!(insert_events, events, EventRow);
insert_batch!(insert_clocks, clocks, ClockRow);
insert_batch!(insert_outbox, outbox, OutboxRow);
insert_batch!(insert_verdicts, verdicts, VerdictRow);

/// Links cases; a link that stands already stays.
pub(super) fn insert_links(db: &mut Db, rows: &[&LinkRow]) -> Result<(), StoreError> {
    match db {
        Db::Pg(c) => {
            for chunk in rows.chunks(CHUNK) {
                diesel::insert_into(links::table).values(chunk.to_vec()).on_conflict_do_nothing().execute(c)?;
            }
        }
        Db::Sqlite(c) => rows.iter().try_for_each(|row| kept::link(c, row))?,
    }
    Ok(())
}

/// Takes idempotency keys; gives those that were free.
pub(super) fn claim_keys(db: &mut Db, rows: &[&IdempotencyRow]) -> Result<Vec<Vec<u8>>, StoreError> {
    let mut won = Vec::with_capacity(rows.len());
    match db {
        Db::Pg(c) => {
            for chunk in rows.chunks(CHUNK) {
                let free = diesel::insert_into(idempotency_keys::table)
                    .values(chunk.to_vec())
                    .on_conflict_do_nothing()
                    .returning(idempotency_keys::key_hash);
                won.extend(free.get_results::<Vec<u8>>(c)?);
            }
        }
        Db::Sqlite(c) => {
            for row in rows {
                if kept::claim_key(c, row)? {
                    won.push(row.key_hash.clone());
                }
            }
        }
    }
    Ok(won)
}

/// Takes the numbers of other systems; gives those that were free.
pub(super) fn claim_external(db: &mut Db, rows: &[&ExternalRow]) -> Result<Vec<(String, String)>, StoreError> {
    let mut won = Vec::with_capacity(rows.len());
    match db {
        Db::Pg(c) => {
            for chunk in rows.chunks(CHUNK) {
                let free = diesel::insert_into(external_numbers::table)
                    .values(chunk.to_vec())
                    .on_conflict_do_nothing()
                    .returning((external_numbers::system, external_numbers::number));
                won.extend(free.get_results::<(String, String)>(c)?);
            }
        }
        Db::Sqlite(c) => {
            for row in rows {
                if kept::claim_external(c, row)? {
                    won.push((row.system.clone(), row.number.clone()));
                }
            }
        }
    }
    Ok(won)
}

/// Takes reference numbers; gives those that were free.
pub(super) fn claim_numbers(db: &mut Db, rows: &[&NumberRow]) -> Result<Vec<String>, StoreError> {
    let mut won = Vec::with_capacity(rows.len());
    match db {
        Db::Pg(c) => {
            for chunk in rows.chunks(CHUNK) {
                let free = diesel::insert_into(case_numbers::table)
                    .values(chunk.to_vec())
                    .on_conflict_do_nothing()
                    .returning(case_numbers::reference);
                won.extend(free.get_results::<String>(c)?);
            }
        }
        Db::Sqlite(c) => {
            for row in rows {
                if kept::claim_number(c, row)? {
                    won.push(row.reference.clone());
                }
            }
        }
    }
    Ok(won)
}

/// Takes a state of sign-in; `false` when it was taken before.
pub(super) fn claim_state(db: &mut Db, hash: &[u8], at: At) -> Result<bool, StoreError> {
    let row = (spent_states::state_hash.eq(hash), spent_states::spent_at.eq(at));
    let taken = match db {
        Db::Pg(c) => diesel::insert_into(spent_states::table).values(row).on_conflict_do_nothing().execute(c)?,
        Db::Sqlite(c) => diesel::insert_into(spent_states::table).values(row).on_conflict_do_nothing().execute(c)?,
    };
    Ok(taken == 1)
}

/// Adds to the counters, in the order of their keys.
pub(super) fn add_counters(db: &mut Db, deltas: &Deltas) -> Result<(), StoreError> {
    let bucket = bucket(db);
    let changed = deltas.0.iter().filter(|(_, counts)| !counts.is_zero());
    let rows: Vec<CounterRow> = changed.map(|(key, counts)| CounterRow::new(key, counts, bucket)).collect();
    match db {
        Db::Pg(c) => upsert_counters(c, &rows)?,
        Db::Sqlite(c) => rows.iter().try_for_each(|row| kept::count(c, row))?,
    }
    Ok(())
}

/// Adds many counters at once. The values go as one array a column, so that the statement is the same however many there are:
/// one with a place for each value costs the engine more to read than to run.
fn upsert_counters(c: &mut PgConnection, rows: &[CounterRow]) -> QueryResult<()> {
    if rows.is_empty() {
        return Ok(());
    }
    let texts = |of: fn(&CounterRow) -> &String| rows.iter().map(|row| of(row).as_str()).collect::<Vec<&str>>();
    let mut query = diesel::sql_query(ADD_COUNTERS.as_str())
        .into_boxed::<Pg>()
        .bind::<Array<Text>, _>(texts(|row| &row.view))
        .bind::<Array<Text>, _>(texts(|row| &row.grain))
        .bind::<Array<Day>, _>(rows.iter().map(|row| row.on_day).collect::<Vec<On>>())
        .bind::<Array<Text>, _>(texts(|row| &row.cohort))
        .bind::<Array<Text>, _>(texts(|row| &row.kind))
        .bind::<Array<Integer>, _>(rows.iter().map(|row| row.city).collect::<Vec<i32>>())
        .bind::<Array<Integer>, _>(rows.iter().map(|row| row.county).collect::<Vec<i32>>())
        .bind::<Array<Text>, _>(texts(|row| &row.sector))
        .bind::<Array<Text>, _>(texts(|row| &row.department))
        .bind::<Array<Text>, _>(texts(|row| &row.office))
        .bind::<Array<Text>, _>(texts(|row| &row.station))
        .bind::<Array<Text>, _>(texts(|row| &row.channel))
        .bind::<Array<SmallInt>, _>(rows.iter().map(|row| row.bucket).collect::<Vec<i16>>());
    let numbers: Vec<_> = rows.iter().map(kept::numbers).collect();
    for place in 0..kept::NUMBERS.len() {
        let column: Vec<i64> = numbers.iter().map(|numbers| *numbers[place].1).collect();
        query = query.bind::<Array<BigInt>, _>(column);
    }
    query.execute(c).map(|_| ())
}

static ADD_COUNTERS: LazyLock<String> = LazyLock::new(|| {
    let columns: Vec<&str> = kept::KEY.iter().chain(kept::NUMBERS).copied().collect();
    let places: Vec<String> = (1..=columns.len()).map(|number| format!("${number}")).collect();
    let sums: Vec<String> =
        kept::NUMBERS.iter().map(|name| format!("{name} = counters.{name} + excluded.{name}")).collect();
    format!(
        "INSERT INTO counters ({}) SELECT * FROM unnest({}) ON CONFLICT ({}) DO UPDATE SET {}",
        columns.join(", "),
        places.join(", "),
        kept::KEY.join(", "),
        sums.join(", ")
    )
});

/// Buckets over which a counter's writers are spread on PostgreSQL, so that no row is hot. SQLite has one writer.
const BUCKETS: u64 = 16;

fn bucket(db: &Db) -> i16 {
    use std::hash::{DefaultHasher, Hash, Hasher};
    if matches!(db, Db::Sqlite(_)) {
        return 0;
    }
    let mut hasher = DefaultHasher::new();
    std::thread::current().id().hash(&mut hasher);
    i16::try_from(hasher.finish() % BUCKETS).unwrap_or(0)
}

/// Puts cases into the full-text index: each its tokens, separated by spaces.
pub(super) fn index(db: &mut Db, entries: &[(Key, &str)]) -> Result<(), StoreError> {
    match db {
        Db::Pg(c) => index_there(c, entries)?,
        Db::Sqlite(c) => {
            entries.iter().try_for_each(|(key, tokens)| kept::index(c, key, &words::for_sqlite(tokens)))?;
        }
    }
    Ok(())
}

/// Puts cases into PostgreSQL's full-text index.
pub(super) fn index_there(c: &mut PgConnection, entries: &[(Key, &str)]) -> Result<(), StoreError> {
    for chunk in entries.chunks(CHUNK) {
        let (keys, tokens): (Vec<Key>, Vec<&str>) = chunk.iter().copied().unzip();
        // Not to_tsvector: its parser would split what our tokeniser made whole. SQLite gets the same tokens.
        diesel::sql_query(
            "INSERT INTO case_search (case_id, tokens) \
             SELECT id, array_to_tsvector(string_to_array(words, ' ')) FROM unnest($1, $2) AS t (id, words) \
             ON CONFLICT (case_id) DO UPDATE SET tokens = excluded.tokens",
        )
        .bind::<Array<Uid>, _>(keys)
        .bind::<Array<Text>, _>(tokens)
        .execute(c)?;
    }
    Ok(())
}

/// Puts other tokens in the place of those that a case is found by.
pub(super) fn index_again(db: &mut Db, case: Key, tokens: &str) -> Result<(), StoreError> {
    if matches!(db, Db::Sqlite(_)) {
        unindex(db, case)?;
    }
    index(db, &[(case, tokens)])
}

/// Takes a case out of the full-text index.
pub(super) fn unindex(db: &mut Db, case: Key) -> Result<(), StoreError> {
    match db {
        Db::Pg(c) => {
            diesel::sql_query("DELETE FROM case_search WHERE case_id = $1").bind::<Uid, _>(case).execute(c)?;
        }
        Db::Sqlite(c) => {
            diesel::sql_query("DELETE FROM case_search WHERE rowid = (SELECT cases.row FROM cases WHERE case_id = ?)")
                .bind::<Uid, _>(case)
                .execute(c)?;
        }
    }
    Ok(())
}

/// Cases up to which what a search finds is gathered first, on SQLite.
const FEW: i64 = 20_000;

/// The condition that a case contains every token: SQL before a text parameter, its value, SQL after it. Tokens are letters,
/// digits and Han only, so that none can be read as syntax; they are quoted all the same.
///
/// What few cases contain is gathered and looked for in the list. What many contain is asked of each line of the list in turn,
/// as there a page is soon full. PostgreSQL decides so by itself.
pub(super) fn search_condition(
    db: &mut Db,
    tokens: &[String],
) -> Result<(&'static str, String, &'static str), StoreError> {
    #[derive(QueryableByName)]
    struct Found {
        #[diesel(sql_type = BigInt)]
        found: i64,
    }
    Ok(match db {
        Db::Pg(_) => {
            let words: Vec<String> =
                tokens.iter().map(|token| format!("'{}'", token.replace(['\'', '\\'], ""))).collect();
            (
                "cases.case_id IN (SELECT s.case_id FROM case_search s WHERE s.tokens @@ ",
                words.join(" & "),
                "::tsquery)",
            )
        }
        Db::Sqlite(c) => {
            let quoted = |token: &String| format!("\"{}\"", words::for_sqlite(token).replace('"', ""));
            let words = tokens.iter().map(quoted).collect::<Vec<_>>().join(" AND ");
            let some = "SELECT count(*) AS found FROM (SELECT 1 FROM case_search WHERE case_search MATCH ? LIMIT ?)";
            let Found { found } =
                diesel::sql_query(some).bind::<Text, _>(&words).bind::<BigInt, _>(FEW).get_result(c)?;
            if found < FEW {
                ("cases.row IN (SELECT rowid FROM case_search WHERE case_search MATCH ", words, ")")
            } else {
                let of_this = " AND case_search.rowid = cases.row) > 0";
                ("(SELECT count(*) FROM case_search WHERE case_search MATCH ", words, of_this)
            }
        }
    })
}

/// A value bound into a query that is put together at run time.
#[derive(Debug, Clone)]
pub(super) enum Bind {
    /// Text.
    Text(String),
    /// A day.
    Day(On),
    /// A code or a small number.
    Int(i32),
    /// A number.
    Big(i64),
}

/// Loads the rows of a query put together from constant text with a `?` for each value. PostgreSQL's adding up of `bigint`
/// gives `numeric`, which the query builder has no shared type for: such queries cast and come here.
pub(super) fn rows<T>(db: &mut Db, sql: &str, binds: Vec<Bind>) -> Result<Vec<T>, StoreError>
where
    T: QueryableByName<Pg> + QueryableByName<Sqlite> + 'static,
{
    macro_rules! load {
        ($backend:ty, $c:expr, $sql:expr) => {{
            let query: BoxedSqlQuery<'_, $backend, _> = diesel::sql_query($sql).into_boxed();
            let bound = binds.into_iter().fold(query, |query, bind| match bind {
                Bind::Text(value) => query.bind::<Text, _>(value),
                Bind::Day(value) => query.bind::<Day, _>(value),
                Bind::Int(value) => query.bind::<Integer, _>(value),
                Bind::Big(value) => query.bind::<BigInt, _>(value),
            });
            bound.load::<T>($c)?
        }};
    }
    Ok(match db {
        Db::Pg(c) => load!(Pg, c, numbered(sql)),
        Db::Sqlite(c) => load!(Sqlite, c, sql),
    })
}

/// PostgreSQL's placeholders: `$1`, `$2` … for each `?`.
fn numbered(sql: &str) -> String {
    let mut text = String::with_capacity(sql.len() + 32);
    for (place, part) in sql.split('?').enumerate() {
        if place > 0 {
            text.push('$');
            text.push_str(&place.to_string());
        }
        text.push_str(part);
    }
    text
}

/// Counts a series of documents on; gives the number that it has come to.
pub(super) fn next_number(db: &mut Db, office: &str, series: &str, year: i16) -> Result<i64, StoreError> {
    macro_rules! next {
        () => {
            diesel::insert_into(document_numbers::table)
                .values((
                    document_numbers::office.eq(office),
                    document_numbers::series.eq(series),
                    document_numbers::year.eq(year),
                    document_numbers::last.eq(1_i64),
                ))
                .on_conflict((document_numbers::office, document_numbers::series, document_numbers::year))
                .do_update()
                .set(document_numbers::last.eq(document_numbers::last + 1))
                .returning(document_numbers::last)
        };
    }
    Ok(match db {
        Db::Pg(c) => next!().get_result(c)?,
        Db::Sqlite(c) => next!().get_result(c)?,
    })
}

/// The buckets in which something may be claimed.
pub(super) fn due_buckets(db: &mut Db, now: At) -> Result<Vec<i16>, StoreError> {
    #[derive(QueryableByName)]
    struct Due {
        #[diesel(sql_type = SmallInt)]
        bucket: i16,
    }
    static DUE: LazyLock<String> = LazyLock::new(|| {
        let shares: Vec<String> = (0..outbox_rows::BUCKETS).map(|bucket| format!("({bucket})")).collect();
        let some = |urgent| {
            let claimable = outbox_rows::claimable(urgent);
            format!(
                "EXISTS (SELECT 1 FROM outbox WHERE outbox.bucket = shares.bucket AND outbox.due_at <= $1 AND {claimable})"
            )
        };
        format!(
            "WITH shares (bucket) AS (VALUES {}) SELECT CAST(bucket AS smallint) AS bucket FROM shares WHERE {} OR {}",
            shares.join(", "),
            some(true),
            some(false)
        )
    });
    let asked = diesel::sql_query(DUE.as_str());
    let due: Vec<Due> = match db {
        Db::Pg(c) => asked.bind::<Ts, _>(now).load(c)?,
        Db::Sqlite(c) => asked.bind::<Ts, _>(now).load(c)?,
    };
    Ok(due.into_iter().map(|due| due.bucket).collect())
}

/// What is due in a bucket and unclaimed, the urgent first, then the oldest. On PostgreSQL rows that another transaction is
/// claiming are passed over; SQLite has one writer.
pub(super) fn due_rows(
    db: &mut Db,
    claim: &Claim,
    without: &[String],
    most: usize,
) -> Result<Vec<OutboxRow>, StoreError> {
    let mut found: Vec<OutboxRow> = Vec::new();
    for urgent in [true, false] {
        let most = i64::try_from(most - found.len()).unwrap_or(i64::MAX);
        macro_rules! due {
            () => {
                outbox::table
                    .filter(outbox::bucket.eq(claim.bucket).and(outbox::due_at.le(At(claim.now))))
                    .filter(sql::<Bool>(outbox_rows::claimable(urgent)))
                    .filter(outbox::lane.ne_all(without.to_vec()))
                    .order(outbox::due_at)
                    .limit(most)
                    .select(OutboxRow::as_select())
            };
        }
        found.extend(match db {
            Db::Pg(c) => due!().for_update().skip_locked().load(c)?,
            Db::Sqlite(c) => due!().load(c)?,
        });
    }
    Ok(found)
}

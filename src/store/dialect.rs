//! What the two engines say differently: upserts, batches, claims, full text, their versions and savepoints.

use crate::store::codes::CodeRow;
use crate::store::counters::{CounterRow, Deltas};
use crate::store::db::{Db, LEAST_SQLITE};
use crate::store::engine::StoreError;
use crate::store::factors::FactorRow;
use crate::store::filing::{CaseRow, ClockRow, EventRow, ExternalRow, IdempotencyRow, LinkRow, NumberRow, PartyRow};
use crate::store::kept;
use crate::store::learned::VerdictRow;
use crate::store::outbox::{Claim, OutboxRow, PENDING, in_state};
use crate::store::schema::{
    audit_heads, case_numbers, cases, clocks, codes, counters, document_numbers, events, external_numbers,
    idempotency_keys, links, outbox, parties, second_factors, tries, verdicts,
};
use crate::store::tries::Subject;
use crate::store::types::{At, Day, Key, On, Uid};
use diesel::connection::SimpleConnection;
use diesel::pg::Pg;
use diesel::prelude::*;
use diesel::query_builder::BoxedSqlQuery;
use diesel::sql_types::{Array, BigInt, Integer, Text};
use diesel::sqlite::Sqlite;
use diesel::upsert::excluded;
use jiff::Timestamp;

/// Most rows in one statement; PostgreSQL takes 65 535 values, a counter has 38.
const CHUNK: usize = 500;

#[derive(QueryableByName)]
struct Version {
    #[diesel(sql_type = Text)]
    version: String,
}

/// The engine's version, as it says itself.
pub(super) fn version(db: &mut Db) -> Result<String, StoreError> {
    let query = match db {
        Db::Pg(_) => "SELECT current_setting('server_version') AS version",
        Db::Sqlite(_) => "SELECT sqlite_version() AS version",
    };
    let row: Version = match db {
        Db::Pg(c) => diesel::sql_query(query).get_result(c)?,
        Db::Sqlite(c) => diesel::sql_query(query).get_result(c)?,
    };
    Ok(row.version)
}

/// Refuses an engine that this service must not run on.
pub(super) fn check_engine(db: &mut Db) -> Result<(), StoreError> {
    let version = version(db)?;
    if matches!(db, Db::Pg(_)) {
        return Ok(());
    }
    let mut parts = version.split('.').map(|part| part.parse().unwrap_or(0));
    let found = (parts.next().unwrap_or(0), parts.next().unwrap_or(0), parts.next().unwrap_or(0));
    if found < LEAST_SQLITE {
        return Err(StoreError::Unavailable(format!("SQLite {version} can lose commits; 3.51.3 is the least")));
    }
    Ok(())
}

/// Looks the whole file over (SQLite): whether every page, row and index is formed as it should be.
pub(super) fn check_file(db: &mut Db) -> Result<(), StoreError> {
    #[derive(QueryableByName)]
    struct Check {
        #[diesel(sql_type = Text)]
        quick_check: String,
    }
    let Db::Sqlite(c) = db else { return Ok(()) };
    let check: Check = diesel::sql_query("PRAGMA quick_check(1)").get_result(c)?;
    if check.quick_check == "ok" { Ok(()) } else { Err(StoreError::Corrupt(check.quick_check)) }
}

/// The process that serves this connection (PostgreSQL).
pub(super) fn backend(db: &mut Db) -> Result<Option<u32>, StoreError> {
    #[derive(QueryableByName)]
    struct Backend {
        #[diesel(sql_type = Integer)]
        pid: i32,
    }
    let Db::Pg(c) = db else { return Ok(None) };
    let Backend { pid } = diesel::sql_query("SELECT pg_backend_pid() AS pid").get_result(c)?;
    Ok(u32::try_from(pid).ok())
}

/// Whether a commit waits for the disk, and the settings that say so.
pub(super) fn syncing(db: &mut Db) -> Result<(bool, String), StoreError> {
    #[derive(QueryableByName)]
    struct Setting {
        #[diesel(sql_type = Text)]
        value: String,
    }
    let value = match db {
        Db::Pg(c) => {
            diesel::sql_query(
                "SELECT 'fsync=' || current_setting('fsync') || ' synchronous_commit=' || \
                 current_setting('synchronous_commit') AS value",
            )
            .get_result::<Setting>(c)?
            .value
        }
        Db::Sqlite(c) => {
            diesel::sql_query(
                "SELECT 'synchronous=' || (SELECT synchronous FROM pragma_synchronous) || ' journal_mode=' || \
                 (SELECT journal_mode FROM pragma_journal_mode) AS value",
            )
            .get_result::<Setting>(c)?
            .value
        }
    };
    let synced = match db {
        Db::Pg(_) => value.contains("fsync=on") && !value.ends_with("=off"),
        // 2 is FULL, 3 is EXTRA.
        Db::Sqlite(_) => value.contains("synchronous=2") || value.contains("synchronous=3"),
    };
    Ok((synced, value))
}

/// How long a connection waits: for a statement (PostgreSQL), for a lock (SQLite).
#[cfg(test)]
pub(super) fn waits(db: &mut Db) -> Result<String, StoreError> {
    let query = match db {
        Db::Pg(_) => "SELECT current_setting('statement_timeout') AS version",
        Db::Sqlite(_) => "SELECT CAST(timeout AS TEXT) AS version FROM pragma_busy_timeout",
    };
    let row: Version = match db {
        Db::Pg(c) => diesel::sql_query(query).get_result(c)?,
        Db::Sqlite(c) => diesel::sql_query(query).get_result(c)?,
    };
    Ok(row.version)
}

/// Runs a statement without parameters.
pub(super) fn execute(db: &mut Db, sql: &str) -> Result<(), StoreError> {
    match db {
        Db::Pg(c) => c.batch_execute(sql)?,
        Db::Sqlite(c) => c.batch_execute(sql)?,
    }
    Ok(())
}

/// Opens the transaction of a group. SQLite takes the write lock at once, so that it can't fail half-way.
pub(super) fn begin(db: &mut Db) -> Result<(), StoreError> {
    execute(db, if matches!(db, Db::Pg(_)) { "BEGIN" } else { "BEGIN IMMEDIATE" })
}

macro_rules! insert_batch {
    ($name:ident, $table:ident, $row:ty) => {
        /// Inserts rows: on PostgreSQL in as few statements as it takes, on SQLite with one prepared statement again and
        /// again, since a statement for many rows would be prepared anew each time.
        pub(super) fn $name(db: &mut Db, rows: &[&$row]) -> Result<(), StoreError> {
            match db {
                Db::Pg(c) => {
                    for chunk in rows.chunks(CHUNK) {
                        diesel::insert_into($table::table).values(chunk.to_vec()).execute(c)?;
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

/// Adds to the counters, in the order of their keys.
pub(super) fn add_counters(db: &mut Db, deltas: &Deltas) -> Result<(), StoreError> {
    let bucket = bucket(db);
    let changed = deltas.0.iter().filter(|(_, counts)| !counts.is_zero());
    let rows: Vec<CounterRow> = changed.map(|(key, counts)| CounterRow::new(key, counts, bucket)).collect();
    match db {
        Db::Pg(c) => rows.chunks(CHUNK).try_for_each(|chunk| upsert_counters(c, chunk))?,
        Db::Sqlite(c) => rows.iter().try_for_each(|row| kept::count(c, row))?,
    }
    Ok(())
}

fn upsert_counters(c: &mut PgConnection, rows: &[CounterRow]) -> QueryResult<()> {
    diesel::insert_into(counters::table)
        .values(rows)
        .on_conflict((
            counters::view,
            counters::grain,
            counters::on_day,
            counters::cohort,
            counters::kind,
            counters::city,
            counters::county,
            counters::sector,
            counters::department,
            counters::office,
            counters::station,
            counters::channel,
            counters::bucket,
        ))
        .do_update()
        .set((
            counters::n_received.eq(counters::n_received + excluded(counters::n_received)),
            counters::n_disposed.eq(counters::n_disposed + excluded(counters::n_disposed)),
            counters::n_decided.eq(counters::n_decided + excluded(counters::n_decided)),
            counters::n_decided_in_time.eq(counters::n_decided_in_time + excluded(counters::n_decided_in_time)),
            counters::n_accepted.eq(counters::n_accepted + excluded(counters::n_accepted)),
            counters::n_closed.eq(counters::n_closed + excluded(counters::n_closed)),
            counters::n_closed_in_time.eq(counters::n_closed_in_time + excluded(counters::n_closed_in_time)),
            counters::n_station_ended.eq(counters::n_station_ended + excluded(counters::n_station_ended)),
            counters::n_self_settled.eq(counters::n_self_settled + excluded(counters::n_self_settled)),
            counters::n_agreed.eq(counters::n_agreed + excluded(counters::n_agreed)),
            counters::n_mediation_ended.eq(counters::n_mediation_ended + excluded(counters::n_mediation_ended)),
            counters::n_mediated_agreed.eq(counters::n_mediated_agreed + excluded(counters::n_mediated_agreed)),
            counters::n_rated.eq(counters::n_rated + excluded(counters::n_rated)),
            counters::n_satisfied.eq(counters::n_satisfied + excluded(counters::n_satisfied)),
            counters::n_solved.eq(counters::n_solved + excluded(counters::n_solved)),
            counters::n_contacted.eq(counters::n_contacted + excluded(counters::n_contacted)),
            counters::n_returned.eq(counters::n_returned + excluded(counters::n_returned)),
            counters::n_reopened.eq(counters::n_reopened + excluded(counters::n_reopened)),
            counters::n_withdrawn.eq(counters::n_withdrawn + excluded(counters::n_withdrawn)),
            counters::n_refused.eq(counters::n_refused + excluded(counters::n_refused)),
            counters::n_transferred.eq(counters::n_transferred + excluded(counters::n_transferred)),
            counters::n_report_verified.eq(counters::n_report_verified + excluded(counters::n_report_verified)),
            counters::n_report_verified_in_time
                .eq(counters::n_report_verified_in_time + excluded(counters::n_report_verified_in_time)),
            counters::amount_fen.eq(counters::amount_fen + excluded(counters::amount_fen)),
            counters::recovered_fen.eq(counters::recovered_fen + excluded(counters::recovered_fen)),
        ))
        .execute(c)
        .map(|_| ())
}

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
        Db::Pg(c) => {
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
        }
        Db::Sqlite(c) => entries.iter().try_for_each(|(key, tokens)| kept::index(c, key, tokens))?,
    }
    Ok(())
}

/// Puts other tokens in the place of those that a case is found by.
pub(super) fn index_again(db: &mut Db, case: Key, tokens: &str) -> Result<(), StoreError> {
    if let Db::Sqlite(c) = db {
        diesel::sql_query("DELETE FROM case_search WHERE rowid = (SELECT cases.row FROM cases WHERE case_id = ?)")
            .bind::<Uid, _>(case)
            .execute(c)?;
    }
    index(db, &[(case, tokens)])
}

/// The condition that a case contains every token: SQL before a text parameter, its value, SQL after it. Tokens are letters,
/// digits and Han only, so that none can be read as syntax; they are quoted all the same.
pub(super) fn search_condition(db: &Db, tokens: &[String]) -> (&'static str, String, &'static str) {
    match db {
        Db::Pg(_) => {
            let words: Vec<String> =
                tokens.iter().map(|token| format!("'{}'", token.replace(['\'', '\\'], ""))).collect();
            (
                "cases.case_id IN (SELECT s.case_id FROM case_search s WHERE s.tokens @@ ",
                words.join(" & "),
                "::tsquery)",
            )
        }
        Db::Sqlite(_) => {
            let words: Vec<String> = tokens.iter().map(|token| format!("\"{}\"", token.replace('"', ""))).collect();
            ("cases.row IN (SELECT rowid FROM case_search WHERE case_search MATCH ", words.join(" AND "), ")")
        }
    }
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

/// The end of a writer's chain in the audit log, locked until the unit ends, so that no two entries get one place.
pub(super) fn lock_audit_head(db: &mut Db, writer: &str) -> Result<(i64, Vec<u8>), StoreError> {
    let columns = (audit_heads::seq, audit_heads::hash);
    let first = || {
        let genesis = crate::audit::chain::GENESIS.to_vec();
        (audit_heads::writer.eq(writer.to_owned()), audit_heads::seq.eq(0), audit_heads::hash.eq(genesis))
    };
    let head = audit_heads::table.find(writer).select(columns);
    let found: Option<(i64, Vec<u8>)> = match db {
        Db::Pg(c) => match head.for_update().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(audit_heads::table).values(first()).on_conflict_do_nothing().execute(c)?;
                head.for_update().first(c).optional()?
            }
        },
        // One thread writes: nobody comes in between.
        Db::Sqlite(c) => match head.first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(audit_heads::table).values(first()).execute(c)?;
                head.first(c).optional()?
            }
        },
    };
    found.ok_or_else(|| StoreError::Unreadable("the audit log has no end".to_owned()))
}

/// The row of tries of a subject, made when it isn't there, and locked on PostgreSQL until the unit ends.
pub(super) fn lock_tries(db: &mut Db, subject: &Subject) -> Result<(i32, At, At), StoreError> {
    let columns = (tries::tried, tries::last_at, tries::wait_until);
    let first = || {
        let long_ago = At(Timestamp::UNIX_EPOCH);
        (
            tries::sort.eq(subject.sort),
            tries::subject.eq(subject.hash.to_vec()),
            tries::tried.eq(0),
            tries::last_at.eq(long_ago),
            tries::wait_until.eq(long_ago),
        )
    };
    let row = tries::table.find((subject.sort, subject.hash.to_vec())).select(columns);
    let found = match db {
        Db::Pg(c) => match row.clone().for_update().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(tries::table).values(first()).on_conflict_do_nothing().execute(c)?;
                row.for_update().first(c).optional()?
            }
        },
        // One thread writes: nobody comes in between.
        Db::Sqlite(c) => match row.clone().first(c).optional()? {
            Some(found) => Some(found),
            None => {
                diesel::insert_into(tries::table).values(first()).execute(c)?;
                row.first(c).optional()?
            }
        },
    };
    found.ok_or_else(|| StoreError::Unreadable("a row of tries is gone".to_owned()))
}

/// The second factor of an account, locked on PostgreSQL until the unit ends.
pub(super) fn lock_factor(db: &mut Db, username: &str) -> Result<Option<FactorRow>, StoreError> {
    let row = second_factors::table.find(username);
    Ok(match db {
        Db::Pg(c) => row.select(FactorRow::as_select()).for_update().first(c).optional()?,
        Db::Sqlite(c) => row.select(FactorRow::as_select()).first(c).optional()?,
    })
}

/// The one-time code of a contact, locked on PostgreSQL until the unit ends.
pub(super) fn lock_code(db: &mut Db, kind: &str, contact: &[u8]) -> Result<Option<CodeRow>, StoreError> {
    let row = codes::table.find((kind, contact));
    Ok(match db {
        Db::Pg(c) => row.select(CodeRow::as_select()).for_update().first(c).optional()?,
        Db::Sqlite(c) => row.select(CodeRow::as_select()).first(c).optional()?,
    })
}

/// Makes every statement of a reading unit see one state of the data. SQLite's transactions do so anyway; PostgreSQL's
/// default shows each statement the newest state. Must be the unit's first statement.
pub(super) fn one_state(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET TRANSACTION ISOLATION LEVEL REPEATABLE READ"),
        Db::Sqlite(_) => Ok(()),
    }
}

/// Lifts the time limit for the statements of this transaction: a recount reads every case.
pub(super) fn no_time_limit(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET LOCAL statement_timeout = 0"),
        Db::Sqlite(_) => Ok(()),
    }
}

/// Keeps others from changing counters until this transaction ends. Every unit changes its cases first and its counters
/// last, so that whoever waits here has committed nothing yet.
pub(super) fn lock_counters(db: &mut Db) -> Result<(), StoreError> {
    match db {
        Db::Pg(_) => execute(db, "SET LOCAL lock_timeout = '60s'; LOCK TABLE counters IN SHARE ROW EXCLUSIVE MODE"),
        Db::Sqlite(_) => Ok(()),
    }
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

/// What is due in a bucket and unclaimed, the urgent first, then the oldest. On PostgreSQL rows that another transaction is
/// claiming are passed over; SQLite has one writer.
pub(super) fn due_rows(
    db: &mut Db,
    claim: &Claim,
    without: &[String],
    most: usize,
) -> Result<Vec<OutboxRow>, StoreError> {
    let most = i64::try_from(most).unwrap_or(i64::MAX);
    macro_rules! due {
        () => {
            outbox::table
                .filter(outbox::bucket.eq(claim.bucket).and(in_state(PENDING)))
                .filter(outbox::due_at.le(At(claim.now)).and(outbox::lease.is_null()))
                .filter(outbox::lane.ne_all(without.to_vec()))
                .order((outbox::urgent.desc(), outbox::due_at))
                .limit(most)
                .select(OutboxRow::as_select())
        };
    }
    Ok(match db {
        Db::Pg(c) => due!().for_update().skip_locked().load(c)?,
        Db::Sqlite(c) => due!().load(c)?,
    })
}

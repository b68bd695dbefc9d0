//! The raw limit: the very same rows, inserted by hand, by nothing but prepared statements in a loop. Each case is whole before
//! the clock starts: no HTTP, no checks, no sealing, no packing.

use crate::server::Database;
use anyhow::{Result, ensure};
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use fangxin::ambient::Stopwatch;
use fangxin::domain::fact::Fact;
use fangxin::store::Target;
use fangxin::store::counters::{CounterKey, Counts, Grain};
use fangxin::store::filing::{CaseRow, ClockRow, EventRow, NewCase, PartyRow};
use fangxin::store::outbox::OutboxRow;
use fangxin::store::types::{At, Key, On};
use jiff::Timestamp;
use jiff::civil::Date;
use rusqlite::types::Value;
use std::fmt::Write;
use std::path::Path;
use std::time::Duration;
use uuid::Uuid;

/// Tables that a filing writes to, with their columns in the order of the values below.
const TABLES: [(&str, &str); 6] = [
    (
        "cases",
        "case_id, reference, kind, state, is_open, version, received_at, received_on, next_due, decision_due, closed_on, sector, \
         division, department, office, station, channel, assigned_to, facts, respondent, respondent_hash, complainant_hash, \
         amount_fen, recovered_fen, data_key, narrative, doc, last_hash, created_at",
    ),
    (
        "parties",
        "case_id, party_no, role, name, phone, email, address, id_type, id_number, uscc, phone_hash, email_hash, id_hash",
    ),
    ("events", "case_id, seq, at, action, from_state, to_state, role, actor, unit, data, sealed, commitment, hash"),
    ("clocks", "case_id, clock_no, kind, start_on, due_on, running, provisional"),
    (
        "outbox",
        "bucket, outbox_id, case_id, notice, channel, audience, lane, destination, payload, lang, urgent, state, attempts, due_at, created_at",
    ),
    ("case_numbers", "reference, case_id"),
];

/// A counter's key, and its numbers.
const COUNTER_KEY: &str =
    "view, grain, on_day, cohort, kind, city, county, sector, department, office, station, channel, bucket";
const OTHER_NUMBERS: [&str; 23] = [
    "n_disposed",
    "n_decided",
    "n_decided_in_time",
    "n_accepted",
    "n_closed",
    "n_closed_in_time",
    "n_station_ended",
    "n_self_settled",
    "n_agreed",
    "n_mediation_ended",
    "n_mediated_agreed",
    "n_rated",
    "n_satisfied",
    "n_solved",
    "n_contacted",
    "n_returned",
    "n_reopened",
    "n_withdrawn",
    "n_refused",
    "n_transferred",
    "n_report_verified",
    "n_report_verified_in_time",
    "recovered_fen",
];

/// One value.
#[derive(Debug, Clone)]
enum Cell {
    Null,
    Text(String),
    Bytes(Vec<u8>),
    Key(Uuid),
    Number(i64),
    At(Timestamp),
    On(Date),
    Is(bool),
}

/// What becomes a value.
trait Stored {
    fn cell(&self) -> Cell;
}

macro_rules! stored {
    ($($t:ty: $self:ident => $cell:expr),+ $(,)?) => {$(
        impl Stored for $t {
            fn cell(&$self) -> Cell {
                $cell
            }
        }
    )+};
}

stored! {
    str: self => Cell::Text(self.to_owned()),
    String: self => Cell::Text(self.clone()),
    Vec<u8>: self => Cell::Bytes(self.clone()),
    Key: self => Cell::Key(self.0),
    At: self => Cell::At(self.0),
    On: self => Cell::On(self.0),
    bool: self => Cell::Is(*self),
    i16: self => Cell::Number(i64::from(*self)),
    i32: self => Cell::Number(i64::from(*self)),
    i64: self => Cell::Number(*self),
}

impl<T: Stored> Stored for Option<T> {
    fn cell(&self) -> Cell {
        self.as_ref().map_or(Cell::Null, Stored::cell)
    }
}

macro_rules! cells {
    ($row:expr; $($field:ident)+) => { vec![$($row.$field.cell()),+] };
}

fn case(row: &CaseRow) -> Vec<Cell> {
    cells!(row; case_id reference kind state is_open version received_at received_on next_due decision_due closed_on sector
        division department office station channel assigned_to facts respondent respondent_hash complainant_hash
        amount_fen recovered_fen data_key narrative doc last_hash created_at)
}

fn party(row: &PartyRow) -> Vec<Cell> {
    cells!(row; case_id party_no role name phone email address id_type id_number uscc phone_hash email_hash id_hash)
}

fn event(row: &EventRow) -> Vec<Cell> {
    cells!(row; case_id seq at action from_state to_state role actor unit data sealed commitment hash)
}

fn clock(row: &ClockRow) -> Vec<Cell> {
    cells!(row; case_id clock_no kind start_on due_on running provisional)
}

fn outbox(row: &OutboxRow) -> Vec<Cell> {
    cells!(row; bucket outbox_id case_id notice channel audience lane destination payload lang urgent state attempts due_at created_at)
}

fn counter(key: &CounterKey, counts: &Counts) -> Result<Vec<Cell>> {
    let others = Fact::ALL.iter().filter(|fact| **fact != Fact::Received).any(|fact| counts.of(*fact) != 0);
    ensure!(!others && counts.recovered_fen == 0, "a filing counts more than a receipt");
    let grain = if key.grain == Grain::Day { "d" } else { "m" };
    Ok(vec![
        key.view.code().cell(),
        grain.cell(),
        Cell::On(key.on),
        key.cohort.code().cell(),
        key.kind.code().cell(),
        key.city.cell(),
        key.county.cell(),
        key.sector.cell(),
        key.department.cell(),
        key.office.cell(),
        key.station.cell(),
        key.channel.cell(),
        Cell::Number(0),
        Cell::Number(counts.of(Fact::Received)),
        Cell::Number(counts.amount_fen),
    ])
}

/// Place of the bucket among a counter's values.
const BUCKET: usize = 12;

/// A case: its rows, each with the number of its table, what it is found by, and its counters.
pub(crate) struct Case {
    id: Uuid,
    rows: Vec<(usize, Vec<Cell>)>,
    tokens: String,
    counters: Vec<Vec<Cell>>,
}

impl Case {
    pub(crate) fn new(new: &NewCase) -> Result<Self> {
        let mut rows = vec![(0, case(&new.case))];
        rows.extend(new.parties.iter().map(|row| (1, party(row))));
        rows.extend(new.events.iter().map(|row| (2, event(row))));
        rows.extend(new.clocks.iter().map(|row| (3, clock(row))));
        rows.extend(new.outbox.iter().map(|row| (4, outbox(row))));
        rows.push((5, vec![new.case.reference.cell(), new.case.case_id.cell()]));
        let counters = new.deltas.0.iter().map(|(key, counts)| counter(key, counts)).collect::<Result<_>>()?;
        Ok(Self { id: new.case.case_id.0, rows, tokens: new.tokens.clone(), counters })
    }
}

/// The statement for a table's row, with numbered places.
fn insert(table: &str, columns: &str, place: char) -> String {
    let places: Vec<String> = (1..=columns.split(',').count()).map(|number| format!("{place}{number}")).collect();
    format!("INSERT INTO {table} ({columns}) VALUES ({})", places.join(", "))
}

/// The statement that adds a receipt and its amount to a counter.
fn count(place: char) -> String {
    let keys: Vec<String> = (1..=COUNTER_KEY.split(',').count()).map(|number| format!("{place}{number}")).collect();
    format!(
        "INSERT INTO counters ({COUNTER_KEY}, n_received, amount_fen, {}) VALUES ({}, {place}14, {place}15{}) \
         ON CONFLICT ({COUNTER_KEY}) DO UPDATE SET n_received = counters.n_received + excluded.n_received, \
         amount_fen = counters.amount_fen + excluded.amount_fen",
        OTHER_NUMBERS.join(", "),
        keys.join(", "),
        ", 0".repeat(OTHER_NUMBERS.len())
    )
}

/// How the rows go in.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Way {
    /// Connections at once.
    pub(crate) connections: usize,
    /// Cases in one transaction.
    pub(crate) group: usize,
    /// Whether the counters are added to as well.
    pub(crate) counters: bool,
}

/// Inserts cases for a while, into an empty database; how many, in which time.
pub(crate) fn run(database: &Database, cases: &[Case], length: Duration, way: Way) -> Result<(usize, Duration)> {
    match database.target() {
        Target::Sqlite(path) => on_sqlite(path, cases, length, way),
        Target::Postgres(url) => on_postgres(url, cases, length, way),
    }
}

fn on_sqlite(path: &Path, cases: &[Case], length: Duration, way: Way) -> Result<(usize, Duration)> {
    let connection = rusqlite::Connection::open(path)?;
    // As the service has it.
    connection.execute_batch(
        "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456; \
         PRAGMA wal_autocheckpoint = 4000;",
    )?;
    let mut inserts =
        TABLES.iter().map(|(t, c)| connection.prepare(&insert(t, c, '?'))).collect::<Result<Vec<_>, _>>()?;
    let mut search = connection.prepare("INSERT INTO case_search (rowid, tokens) VALUES (?1, ?2)")?;
    let mut count = connection.prepare(&count('?'))?;
    let mut begin = connection.prepare("BEGIN IMMEDIATE")?;
    let mut commit = connection.prepare("COMMIT")?;
    let watch = Stopwatch::start();
    let mut stored = 0;
    for group in cases.chunks(way.group) {
        begin.execute([])?;
        for case in group {
            let mut row = 0;
            for (table, cells) in &case.rows {
                inserts[*table].execute(rusqlite::params_from_iter(cells.iter().map(value)))?;
                if *table == 0 {
                    row = connection.last_insert_rowid();
                }
            }
            search.execute((row, &case.tokens))?;
            for cells in case.counters.iter().filter(|_| way.counters) {
                count.execute(rusqlite::params_from_iter(cells.iter().map(value)))?;
            }
        }
        commit.execute([])?;
        stored += group.len();
        if watch.elapsed() >= length {
            break;
        }
    }
    Ok((stored, watch.elapsed()))
}

fn value(cell: &Cell) -> Value {
    match cell {
        Cell::Null => Value::Null,
        Cell::Text(text) => Value::Text(text.clone()),
        Cell::Bytes(bytes) => Value::Blob(bytes.clone()),
        Cell::Key(key) => Value::Blob(key.as_bytes().to_vec()),
        Cell::Number(number) => Value::Integer(*number),
        Cell::At(at) => Value::Integer(at.as_microsecond()),
        Cell::On(day) => Value::Text(day.to_string()),
        Cell::Is(is) => Value::Integer(i64::from(*is)),
    }
}

/// One transaction is one message: prepared statements with their values, from BEGIN to COMMIT, so that nothing waits for the
/// network in between.
fn on_postgres(url: &str, cases: &[Case], length: Duration, way: Way) -> Result<(usize, Duration)> {
    let share = cases.len().div_ceil(way.connections).max(1);
    let ready = std::sync::Barrier::new(way.connections);
    let ready = &ready;
    let parts = std::thread::scope(|scope| {
        let threads: Vec<_> = cases
            .chunks(share)
            .zip(0..)
            .map(|(cases, number)| scope.spawn(move || on_connection(url, cases, length, way, number, ready)))
            .collect();
        threads
            .into_iter()
            .map(|thread| thread.join().unwrap_or_else(|_| anyhow::bail!("a connection panicked")))
            .collect::<Result<Vec<_>>>()
    })?;
    let longest = parts.iter().map(|(_, elapsed)| *elapsed).max().unwrap_or_default();
    Ok((parts.iter().map(|(stored, _)| stored).sum(), longest))
}

fn on_connection(
    url: &str,
    cases: &[Case],
    length: Duration,
    way: Way,
    number: i64,
    ready: &std::sync::Barrier,
) -> Result<(usize, Duration)> {
    let opened = PgConnection::establish(url).map_err(anyhow::Error::from).and_then(|mut connection| {
        for (table, columns) in TABLES {
            connection.batch_execute(&format!("PREPARE {table}_row AS {}", insert(table, columns, '$')))?;
        }
        connection.batch_execute(&format!("PREPARE counter_row AS {}", count('$')))?;
        connection.batch_execute(
            "PREPARE search_row (uuid, text) AS \
             INSERT INTO case_search (case_id, tokens) VALUES ($1, array_to_tsvector(string_to_array($2, ' ')))",
        )?;
        Ok(connection)
    });
    // Whoever failed must not let the others wait.
    ready.wait();
    let mut connection = opened?;
    let watch = Stopwatch::start();
    let mut stored = 0;
    let mut text = String::new();
    for group in cases.chunks(way.group) {
        text.clear();
        text.push_str("BEGIN;");
        for case in group {
            for (table, cells) in &case.rows {
                execute(&mut text, TABLES[*table].0, cells.iter())?;
            }
            execute(&mut text, "search", [&Cell::Key(case.id), &case.tokens.cell()].into_iter())?;
            for cells in case.counters.iter().filter(|_| way.counters) {
                // Spread over as many buckets as the service has, so that connections wait less for each other's rows.
                let bucket = Cell::Number(number % 16);
                let spread = cells.iter().enumerate().map(|(place, cell)| if place == BUCKET { &bucket } else { cell });
                execute(&mut text, "counter", spread)?;
            }
        }
        text.push_str("COMMIT");
        connection.batch_execute(&text)?;
        stored += group.len();
        if watch.elapsed() >= length {
            break;
        }
    }
    Ok((stored, watch.elapsed()))
}

fn execute<'a>(text: &mut String, name: &str, cells: impl Iterator<Item = &'a Cell>) -> Result<()> {
    write!(text, "EXECUTE {name}_row(")?;
    for (place, cell) in cells.enumerate() {
        if place > 0 {
            text.push(',');
        }
        match cell {
            Cell::Null => text.push_str("NULL"),
            Cell::Text(value) => write!(text, "'{}'", value.replace('\'', "''"))?,
            Cell::Bytes(bytes) => {
                text.push_str("'\\x");
                bytes.iter().try_for_each(|byte| write!(text, "{byte:02x}"))?;
                text.push('\'');
            }
            Cell::Key(key) => write!(text, "'{key}'")?,
            Cell::Number(number) => write!(text, "{number}")?,
            Cell::At(at) => write!(text, "'{at}'")?,
            Cell::On(day) => write!(text, "'{day}'")?,
            Cell::Is(is) => write!(text, "{is}")?,
        }
    }
    text.push_str(");");
    Ok(())
}

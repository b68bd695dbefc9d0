//! The raw limit of reading: prepared statements for the same rows, in a loop, with nothing around them.

use anyhow::Result;
use diesel::connection::SimpleConnection;
use diesel::{Connection, PgConnection};
use fangxin::ambient::Stopwatch;
use fangxin::bench::client::on_threads;
use fangxin::bench::reading::Site;
use rusqlite::{OpenFlags, Statement};
use std::path::Path;
use std::time::Duration;

/// Connections at once: as many as there are cores keep the engine busy.
pub(crate) const CONNECTIONS: usize = 2;

/// What is asked for, as the bench over HTTP calls it, and its statement, with `?` for the office or the case's number.
const STATEMENTS: [(&str, &str, What); 3] = [
    (
        "queue, 25 lines",
        "SELECT case_id, reference, kind, state, version, received_at, next_due, closed_on, sector, division, department, \
         office, station, channel, assigned_to, respondent, amount_fen FROM cases \
         WHERE office = ? AND is_open ORDER BY next_due, case_id LIMIT 26",
        What::Office,
    ),
    (
        "one case",
        "SELECT c.* FROM case_numbers n JOIN cases c ON c.case_id = n.case_id WHERE n.reference = ?",
        What::Reference,
    ),
    (
        "its history",
        "SELECT e.* FROM case_numbers n JOIN events e ON e.case_id = n.case_id WHERE n.reference = ? ORDER BY e.seq",
        What::Reference,
    ),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum What {
    Office,
    Reference,
}

/// What the engine did of one question: its name and how often a second.
pub(crate) type Raw = (&'static str, f64);

fn values(site: &Site, what: What) -> Vec<&str> {
    match what {
        What::Office => site.officers.iter().map(|officer| officer.office.as_str()).collect(),
        What::Reference => {
            let all = site.officers.iter().flat_map(|officer| &officer.references);
            all.map(String::as_str).collect()
        }
    }
}

#[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact in f64")]
fn rate(counts: &[usize], watch: Stopwatch) -> f64 {
    counts.iter().sum::<usize>() as f64 / watch.elapsed().as_secs_f64()
}

pub(crate) fn on_sqlite(path: &Path, site: &Site, length: Duration) -> Result<Vec<Raw>> {
    let mut all = Vec::new();
    for (name, sql, what) in STATEMENTS {
        let values = values(site, what);
        let watch = Stopwatch::start();
        let counts = on_threads(CONNECTIONS, |number| {
            let connection = rusqlite::Connection::open_with_flags(path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
            connection.execute_batch("PRAGMA cache_size = -65536; PRAGMA mmap_size = 268435456;")?;
            let mut statement = connection.prepare(sql)?;
            let (mut count, mut place) = (0, number * 31);
            while watch.elapsed() < length {
                read(&mut statement, values[place % values.len()])?;
                (count, place) = (count + 1, place + 1);
            }
            Ok(count)
        })?;
        all.push((name, rate(&counts, watch)));
    }
    Ok(all)
}

/// Reads every value of every row.
fn read(statement: &mut Statement<'_>, value: &str) -> Result<usize> {
    let columns = statement.column_count();
    let mut rows = statement.query([value])?;
    let mut bytes = 0;
    while let Some(row) = rows.next()? {
        for column in 0..columns {
            bytes += match row.get_ref(column)? {
                rusqlite::types::ValueRef::Text(value) | rusqlite::types::ValueRef::Blob(value) => value.len(),
                _ => 8,
            };
        }
    }
    Ok(bytes)
}

pub(crate) fn on_postgres(url: &str, site: &Site, length: Duration) -> Result<Vec<Raw>> {
    let mut all = Vec::new();
    for (name, sql, what) in STATEMENTS {
        let values = values(site, what);
        let watch = Stopwatch::start();
        let counts = on_threads(CONNECTIONS, |number| {
            let mut connection = PgConnection::establish(url)?;
            connection.batch_execute(&format!("PREPARE asked (text) AS {}", sql.replace('?', "$1")))?;
            let (mut count, mut place) = (0, number * 31);
            while watch.elapsed() < length {
                connection.batch_execute(&format!("EXECUTE asked('{}')", values[place % values.len()]))?;
                (count, place) = (count + 1, place + 1);
            }
            Ok(count)
        })?;
        all.push((name, rate(&counts, watch)));
    }
    Ok(all)
}

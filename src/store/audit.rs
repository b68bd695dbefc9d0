//! The audit log: entries are appended in the unit of work of what they record, and read back by auditors and for verification.

use crate::audit::{Entry, Kind, Record};
use crate::domain::case::CaseId;
use crate::domain::division::Level;
use crate::domain::scope::Scope;
use crate::store::cases::{Known, known};
use crate::store::db::{Db, MultiBackend};
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{audit, audit_heads};
use crate::store::types::{At, Key};
use diesel::prelude::*;
use jiff::Timestamp;
use std::collections::HashMap;
use uuid::Uuid;

#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = audit, treat_none_as_default_value = false)]
struct AuditRow {
    writer: String,
    seq: i64,
    entry_id: Key,
    at: At,
    kind: String,
    role: String,
    actor: Option<String>,
    unit: Option<String>,
    division: Option<i32>,
    case_id: Option<Key>,
    request_id: Option<String>,
    data: String,
    sealed: Option<Vec<u8>>,
    commitment: Option<Vec<u8>>,
    previous: Vec<u8>,
    hash: Vec<u8>,
}

impl From<Record> for AuditRow {
    fn from(record: Record) -> Self {
        Self {
            writer: record.writer,
            seq: record.seq,
            entry_id: Key(record.id),
            at: At(record.at),
            kind: record.kind,
            role: record.role,
            actor: record.actor,
            unit: record.unit,
            division: record.division,
            case_id: record.case.map(Key),
            request_id: record.request_id,
            data: record.data,
            sealed: record.sealed,
            commitment: record.commitment,
            previous: record.previous,
            hash: record.hash,
        }
    }
}

impl From<AuditRow> for Record {
    fn from(row: AuditRow) -> Self {
        Self {
            writer: row.writer,
            seq: row.seq,
            id: row.entry_id.0,
            at: row.at.0,
            kind: row.kind,
            role: row.role,
            actor: row.actor,
            unit: row.unit,
            division: row.division,
            case: row.case_id.map(|key| key.0),
            request_id: row.request_id,
            data: row.data,
            sealed: row.sealed,
            commitment: row.commitment,
            previous: row.previous,
            hash: row.hash,
        }
    }
}

/// Appends an entry to its chain, in the unit of work of what it records: both are kept, or neither. Call it last: on
/// PostgreSQL the chain's end is locked until the unit ends.
///
/// # Errors
/// The engine's.
pub fn append(tx: &mut Tx<'_>, entry: &Entry) -> Result<(), StoreError> {
    let (seq, previous) = dialect::lock_audit_head(tx.db, &entry.writer)?;
    let record = Record::new(entry, seq + 1, &previous);
    let head = audit_heads::table.find(entry.writer.as_ref());
    diesel::update(head)
        .set((audit_heads::seq.eq(record.seq), audit_heads::hash.eq(record.hash.clone())))
        .execute(tx.db)?;
    diesel::insert_into(audit::table).values(AuditRow::from(record)).execute(tx.db)?;
    Ok(())
}

/// Locks the end of a chain until the unit ends, for a unit that counts entries before it appends one.
///
/// # Errors
/// The engine's.
pub fn lock(tx: &mut Tx<'_>, writer: &str) -> Result<(), StoreError> {
    dialect::lock_audit_head(tx.db, writer).map(|_| ())
}

/// The end of a chain.
#[derive(Debug, Clone, PartialEq, Eq, Queryable)]
pub struct Head {
    /// Which chain.
    pub writer: String,
    /// Its last entry.
    pub seq: i64,
    /// Hash of that.
    pub hash: Vec<u8>,
}

/// The ends of all chains, as the service keeps them.
///
/// # Errors
/// The engine's.
pub fn heads(db: &mut Db) -> Result<Vec<Head>, StoreError> {
    Ok(audit_heads::table
        .order(audit_heads::writer)
        .select((audit_heads::writer, audit_heads::seq, audit_heads::hash))
        .load(db)?)
}

/// The chains that have entries, whatever is said of their ends.
///
/// # Errors
/// The engine's.
pub fn writers(db: &mut Db) -> Result<Vec<String>, StoreError> {
    // A walk from each name to the next: a distinct over the table would read all of it.
    let mut writers: Vec<String> = Vec::new();
    loop {
        let after = writers.last().cloned().unwrap_or_default();
        let next: Option<String> = audit::table
            .filter(audit::writer.gt(after))
            .order(audit::writer)
            .select(audit::writer)
            .first(db)
            .optional()?;
        match next {
            Some(next) => writers.push(next),
            None => return Ok(writers),
        }
    }
}

/// Entries of a chain behind a number, in order.
///
/// # Errors
/// The engine's.
pub fn after(db: &mut Db, writer: &str, seq: i64, limit: i64) -> Result<Vec<Record>, StoreError> {
    let rows: Vec<AuditRow> = audit::table
        .filter(audit::writer.eq(writer).and(audit::seq.gt(seq)))
        .order(audit::seq)
        .limit(limit)
        .select(AuditRow::as_select())
        .load(db)?;
    Ok(rows.into_iter().map(Record::from).collect())
}

/// The newest entry of a kind in a chain.
///
/// # Errors
/// The engine's.
pub fn newest(db: &mut Db, writer: &str, kind: Kind) -> Result<Option<Record>, StoreError> {
    let row: Option<AuditRow> = audit::table
        .filter(audit::kind.eq(kind.code()).and(audit::writer.eq(writer)))
        .order(audit::entry_id.desc())
        .select(AuditRow::as_select())
        .first(db)
        .optional()?;
    Ok(row.map(Record::from))
}

/// How often an account did something since an instant, over all chains.
///
/// # Errors
/// The engine's.
pub fn count_since(db: &mut Db, actor: &str, kind: Kind, since: Timestamp) -> Result<i64, StoreError> {
    Ok(audit::table
        .filter(audit::actor.eq(actor).and(audit::kind.eq(kind.code())).and(audit::at.ge(At(since))))
        .count()
        .get_result(db)?)
}

/// What an auditor looks for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this kind only.
    pub kind: Option<Kind>,
    /// By this account only.
    pub actor: Option<String>,
    /// About this case only.
    pub case: Option<CaseId>,
    /// Not before.
    pub from: Option<Timestamp>,
    /// Before.
    pub to: Option<Timestamp>,
    /// Behind this entry, in the order newest first.
    pub after: Option<Uuid>,
}

/// An entry with the number of its case, when the reader may know of it.
#[derive(Debug, Clone)]
pub struct Listed {
    /// The entry.
    pub record: Record,
    /// What names and opens its case.
    pub case: Option<Known>,
}

/// The entries within a scope: those of the divisions in it; what belongs to no division (operators, failed sign-ins, the
/// configuration) is seen by those who oversee the whole province. `None` for a scope that sees none.
fn within(scope: &Scope) -> Option<audit::BoxedQuery<'static, MultiBackend>> {
    let all = audit::table.into_boxed();
    match scope {
        Scope::System => Some(all),
        Scope::Subtree { division, department: None } => {
            let range = division.six_digit_range();
            let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
            let within = audit::division.ge(number(range.start)).and(audit::division.lt(number(range.end)));
            Some(if division.level() == Level::Province {
                all.filter(audit::division.is_null().or(within))
            } else {
                all.filter(within)
            })
        }
        _ => None,
    }
}

/// The entry at a place of a chain, when it lies in the scope.
///
/// # Errors
/// The engine's.
pub fn entry(db: &mut Db, scope: &Scope, writer: &str, seq: i64) -> Result<Option<Listed>, StoreError> {
    let Some(all) = within(scope) else { return Ok(None) };
    let place = all.filter(audit::writer.eq(writer.to_owned()).and(audit::seq.eq(seq)));
    let row: Option<AuditRow> = place.select(AuditRow::as_select()).first(db).optional()?;
    let known = known(db, scope, row.iter().filter_map(|row| row.case_id))?;
    Ok(row.map(|row| listed(row, &known)))
}

fn listed(row: AuditRow, known: &HashMap<Key, Known>) -> Listed {
    let case = row.case_id.and_then(|case| known.get(&case).cloned());
    Listed { record: Record::from(row), case }
}

/// A page of entries within a scope, newest first.
///
/// # Errors
/// The engine's.
pub fn page(db: &mut Db, scope: &Scope, filter: &Filter, limit: i64) -> Result<Vec<Listed>, StoreError> {
    let Some(mut query) = within(scope) else { return Ok(Vec::new()) };
    if let Some(kind) = filter.kind {
        query = query.filter(audit::kind.eq(kind.code()));
    }
    if let Some(actor) = &filter.actor {
        query = query.filter(audit::actor.eq(actor.clone()));
    }
    if let Some(case) = filter.case {
        query = query.filter(audit::case_id.eq(Key::from(case)));
    }
    if let Some(from) = filter.from {
        query = query.filter(audit::at.ge(At(from)));
    }
    if let Some(to) = filter.to {
        query = query.filter(audit::at.lt(At(to)));
    }
    if let Some(after) = filter.after {
        query = query.filter(audit::entry_id.lt(Key(after)));
    }
    let rows: Vec<AuditRow> =
        query.order(audit::entry_id.desc()).limit(limit).select(AuditRow::as_select()).load(db)?;
    let known = known(db, scope, rows.iter().filter_map(|row| row.case_id))?;
    Ok(rows.into_iter().map(|row| listed(row, &known)).collect())
}

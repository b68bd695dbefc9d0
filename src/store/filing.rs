//! Storing filings: many at once, each whole or not at all.

use crate::store::counters::Deltas;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::learned::VerdictRow;
use crate::store::outbox::OutboxRow;
use crate::store::schema::{case_numbers, cases, clocks, events, external_numbers, idempotency_keys, links, parties};
use crate::store::types::{At, Key, On};
use diesel::prelude::*;
use std::collections::HashSet;

/// A case as a row. All but `doc` and what is sealed is an index over `doc`.
#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = cases, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct CaseRow {
    /// Key.
    pub case_id: Key,
    /// Reference number.
    pub reference: String,
    /// Kind code.
    pub kind: String,
    /// State code.
    pub state: String,
    /// Whether the state is no end.
    pub is_open: bool,
    /// Number of the last event.
    pub version: i64,
    /// When it was received.
    pub received_at: At,
    /// The day of that.
    pub received_on: On,
    /// The earliest last day of a running clock; `NEVER` when none runs.
    pub next_due: On,
    /// Last day for the first decision while that is awaited.
    pub decision_due: Option<On>,
    /// Day of its end.
    pub closed_on: Option<On>,
    /// Sector.
    pub sector: String,
    /// Six-digit division that scopes and statistics go by.
    pub division: i32,
    /// Department (line).
    pub department: String,
    /// Owning office.
    pub office: String,
    /// Station at which it lies or lay, or empty.
    pub station: String,
    /// Channel.
    pub channel: String,
    /// Account that works on it.
    pub assigned_to: Option<String>,
    /// The facts, as bits.
    pub facts: i64,
    /// The merchant's name, which is no personal data of the complainant.
    pub respondent: Option<String>,
    /// Keyed hash of the merchant's normalised name or credit code.
    pub respondent_hash: Option<Vec<u8>>,
    /// Keyed hash of the complainant's phone or e-mail address.
    pub complainant_hash: Option<Vec<u8>>,
    /// Amount in dispute.
    pub amount_fen: Option<i64>,
    /// Amount recovered.
    pub recovered_fen: Option<i64>,
    /// The case's data key, wrapped. A step leaves it as it is: meanwhile it may have been wrapped anew
    /// ([`crate::store::keys::replace`]), and what the step has read would bring the old one back.
    #[diesel(skip_update)]
    pub data_key: Vec<u8>,
    /// The narrative, sealed.
    pub narrative: Vec<u8>,
    /// The case, as packed JSON.
    pub doc: Vec<u8>,
    /// Hash of the last event.
    pub last_hash: Vec<u8>,
    /// When the row was made.
    pub created_at: At,
}

/// A party as a row; every field a person gave is sealed.
#[derive(Debug, Clone, Default, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = parties, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct PartyRow {
    /// Case.
    pub case_id: Key,
    /// Number within the case.
    pub party_no: i16,
    /// Role code.
    pub role: String,
    /// Sealed name.
    pub name: Option<Vec<u8>>,
    /// Sealed phone number, E.164.
    pub phone: Option<Vec<u8>>,
    /// Sealed e-mail address.
    pub email: Option<Vec<u8>>,
    /// Sealed address.
    pub address: Option<Vec<u8>>,
    /// Kind of the identity document.
    pub id_type: Option<String>,
    /// Sealed number of it.
    pub id_number: Option<Vec<u8>>,
    /// Credit code of a merchant: public.
    pub uscc: Option<String>,
    /// Keyed hash of the phone number.
    pub phone_hash: Option<Vec<u8>>,
    /// Keyed hash of the e-mail address.
    pub email_hash: Option<Vec<u8>>,
    /// Keyed hash of the document's number.
    pub id_hash: Option<Vec<u8>>,
}

impl Default for Key {
    fn default() -> Self {
        Self(uuid::Uuid::nil())
    }
}

/// An event as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = events, treat_none_as_default_value = false)]
pub struct EventRow {
    /// Case.
    pub case_id: Key,
    /// Number within the case, from 1.
    pub seq: i64,
    /// When.
    pub at: At,
    /// Action code.
    pub action: String,
    /// State before.
    pub from_state: Option<String>,
    /// State after.
    pub to_state: String,
    /// Role of who acted.
    pub role: String,
    /// Account of staff.
    pub actor: Option<String>,
    /// Unit of staff.
    pub unit: Option<String>,
    /// What is open of it, as packed JSON: `changes` (a merge patch of the case) and coded fields. The JSON is hashed byte
    /// for byte.
    pub data: Vec<u8>,
    /// What people wrote, sealed.
    pub sealed: Option<Vec<u8>>,
    /// Salted commitment to what is sealed.
    pub commitment: Option<Vec<u8>>,
    /// Hash over the event before and this one.
    pub hash: Vec<u8>,
}

/// A clock as a row: an index for jobs.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = clocks, treat_none_as_default_value = false)]
pub struct ClockRow {
    /// Case.
    pub case_id: Key,
    /// Place in the case's list.
    pub clock_no: i16,
    /// Kind code.
    pub kind: String,
    /// Day that started it.
    pub start_on: On,
    /// Last day.
    pub due_on: On,
    /// Runs.
    pub running: bool,
    /// Counted through a year without a calendar.
    pub provisional: bool,
    /// How far it has been escalated.
    pub stage: i16,
}

/// A link between two cases.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = links, treat_none_as_default_value = false)]
pub struct LinkRow {
    /// Case.
    pub case_id: Key,
    /// The other.
    pub other_id: Key,
    /// `both`, `duplicate`, `split`, `merged`, `linked`.
    pub relation: String,
    /// When.
    pub created_at: At,
}

/// A reference number that is taken.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = case_numbers, treat_none_as_default_value = false)]
pub struct NumberRow {
    /// The number.
    pub reference: String,
    /// Its case.
    pub case_id: Key,
}

/// A number of another system that is taken.
#[derive(Debug, Clone, Insertable)]
#[diesel(table_name = external_numbers, treat_none_as_default_value = false)]
pub struct ExternalRow {
    /// Which system.
    pub system: String,
    /// The number there.
    pub number: String,
    /// Its case.
    pub case_id: Key,
}

/// A stored answer.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = idempotency_keys, treat_none_as_default_value = false)]
pub struct IdempotencyRow {
    /// SHA-256 of scope and key.
    pub key_hash: Vec<u8>,
    /// SHA-256 of the body.
    pub body_hash: Vec<u8>,
    /// The case it made.
    pub case_id: Key,
    /// The answer, without the PIN.
    pub answer: String,
    /// When.
    pub created_at: At,
}

/// A new case with all that belongs to it.
#[derive(Debug, Clone)]
pub struct NewCase {
    /// The case.
    pub case: CaseRow,
    /// Its parties.
    pub parties: Vec<PartyRow>,
    /// Its history; of a new one the first event.
    pub events: Vec<EventRow>,
    /// Its clocks.
    pub clocks: Vec<ClockRow>,
    /// Its numbers in other systems.
    pub external: Vec<ExternalRow>,
    /// Notices owed.
    pub outbox: Vec<OutboxRow>,
    /// Links to other cases.
    pub links: Vec<LinkRow>,
    /// What staff said of its sector when they filed it.
    pub verdict: Option<VerdictRow>,
    /// Tokens for the full-text index, separated by spaces.
    pub tokens: String,
    /// Counters.
    pub deltas: Deltas,
}

/// One submission: one case, or two that belong together; whole or not at all.
#[derive(Debug, Clone)]
pub struct Filing {
    /// The cases.
    pub cases: Vec<NewCase>,
    /// The key under which the answer is kept.
    pub idempotency: Option<IdempotencyRow>,
}

/// What became of a filing.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Filed {
    /// It is stored.
    Done,
    /// The idempotency key has an answer already.
    KeyTaken,
    /// A number of another system is taken: the matter is here already.
    ExternalTaken {
        /// Which system.
        system: String,
        /// Which number.
        number: String,
    },
    /// A reference number is taken: draw another.
    NumberTaken,
}

/// Stores filings inside the transaction that stands; gives what became of each, in order. Counters are left to the caller.
pub(super) fn store_batch(db: &mut Db, filings: &[&Filing]) -> Result<Vec<Filed>, StoreError> {
    let mut ends = vec![Filed::Done; filings.len()];
    claim(db, filings, &mut ends)?;
    let stored =
        || filings.iter().zip(&ends).filter(|(_, end)| **end == Filed::Done).flat_map(|(filing, _)| &filing.cases);
    dialect::insert_cases(db, &stored().map(|new| &new.case).collect::<Vec<_>>())?;
    dialect::insert_parties(db, &stored().flat_map(|new| &new.parties).collect::<Vec<_>>())?;
    dialect::insert_events(db, &stored().flat_map(|new| &new.events).collect::<Vec<_>>())?;
    dialect::insert_clocks(db, &stored().flat_map(|new| &new.clocks).collect::<Vec<_>>())?;
    dialect::insert_outbox(db, &stored().flat_map(|new| &new.outbox).collect::<Vec<_>>())?;
    dialect::insert_links(db, &stored().flat_map(|new| &new.links).collect::<Vec<_>>())?;
    dialect::insert_verdicts(db, &stored().filter_map(|new| new.verdict.as_ref()).collect::<Vec<_>>())?;
    dialect::index(db, &stored().map(|new| (new.case.case_id, new.tokens.as_str())).collect::<Vec<_>>())?;
    Ok(ends)
}

/// Stores a filing inside a unit of work, with its counters.
///
/// # Errors
/// The engine's. A number that is taken is an answer, not an error.
pub fn store_in(tx: &mut Tx<'_>, filing: &Filing) -> Result<Filed, StoreError> {
    let mut ends = store_batch(tx.db, &[filing])?;
    let end = ends.pop().ok_or(StoreError::Panicked)?;
    if end == Filed::Done {
        for new in &filing.cases {
            tx.deltas.merge_of(&new.deltas);
        }
    }
    Ok(end)
}

/// Takes every key and number; a filing that misses one gives back those it took.
fn claim(db: &mut Db, filings: &[&Filing], ends: &mut [Filed]) -> Result<(), StoreError> {
    let keys: Vec<_> = filings.iter().filter_map(|filing| filing.idempotency.as_ref()).collect();
    let mut won: HashSet<Vec<u8>> = dialect::claim_keys(db, &keys)?.into_iter().collect();
    for (filing, end) in filings.iter().zip(ends.iter_mut()) {
        // Of two filings with one key in the same batch the first has it: taking it out leaves none for the second.
        if filing.idempotency.as_ref().is_some_and(|row| !won.remove(&row.key_hash)) {
            *end = Filed::KeyTaken;
        }
    }

    let live = |ends: &[Filed]| -> Vec<usize> { (0..filings.len()).filter(|&i| ends[i] == Filed::Done).collect() };
    let externals: Vec<_> = live(ends).iter().flat_map(|&i| &filings[i].cases).flat_map(|new| &new.external).collect();
    let mut won: HashSet<(String, String)> = dialect::claim_external(db, &externals)?.into_iter().collect();
    for i in live(ends) {
        let mut taken = Vec::new();
        for row in filings[i].cases.iter().flat_map(|new| &new.external) {
            if won.remove(&(row.system.clone(), row.number.clone())) {
                taken.push(row);
            } else {
                ends[i] = Filed::ExternalTaken { system: row.system.clone(), number: row.number.clone() };
            }
        }
        if ends[i] != Filed::Done {
            release_external(db, &taken)?;
            release_key(db, filings[i])?;
        }
    }

    let numbers: Vec<NumberRow> = live(ends)
        .iter()
        .flat_map(|&i| &filings[i].cases)
        .map(|new| NumberRow { reference: new.case.reference.clone(), case_id: new.case.case_id })
        .collect();
    let mut won: HashSet<String> =
        dialect::claim_numbers(db, &numbers.iter().collect::<Vec<_>>())?.into_iter().collect();
    for i in live(ends) {
        let (had, missed): (Vec<&NewCase>, Vec<&NewCase>) =
            filings[i].cases.iter().partition(|new| won.remove(&new.case.reference));
        if !missed.is_empty() {
            ends[i] = Filed::NumberTaken;
            for new in had {
                diesel::delete(case_numbers::table.find(&new.case.reference)).execute(db)?;
            }
            release_external(db, &filings[i].cases.iter().flat_map(|new| &new.external).collect::<Vec<_>>())?;
            release_key(db, filings[i])?;
        }
    }
    Ok(())
}

fn release_external(db: &mut Db, rows: &[&ExternalRow]) -> Result<(), StoreError> {
    for row in rows {
        diesel::delete(external_numbers::table.find((&row.system, &row.number))).execute(db)?;
    }
    Ok(())
}

fn release_key(db: &mut Db, filing: &Filing) -> Result<(), StoreError> {
    if let Some(row) = &filing.idempotency {
        diesel::delete(idempotency_keys::table.find(&row.key_hash)).execute(db)?;
    }
    Ok(())
}

/// The answer kept under a key.
pub fn answer(db: &mut Db, key_hash: &[u8]) -> Result<Option<IdempotencyRow>, StoreError> {
    Ok(idempotency_keys::table.find(key_hash.to_vec()).select(IdempotencyRow::as_select()).first(db).optional()?)
}

/// Those of many idempotency keys that have an answer.
pub fn answered(db: &mut Db, keys: &[[u8; 32]]) -> Result<HashSet<Vec<u8>>, StoreError> {
    let mut found = HashSet::new();
    for some in keys.chunks(LOOKED_UP) {
        let some: Vec<Vec<u8>> = some.iter().map(|key| key.to_vec()).collect();
        let rows = idempotency_keys::table.filter(idempotency_keys::key_hash.eq_any(some));
        found.extend(rows.select(idempotency_keys::key_hash).load::<Vec<u8>>(db)?);
    }
    Ok(found)
}

/// Those of many numbers of another system that have a case.
pub fn externals(db: &mut Db, system: &str, numbers: &[String]) -> Result<HashSet<String>, StoreError> {
    let mut found = HashSet::new();
    for some in numbers.chunks(LOOKED_UP) {
        let rows = external_numbers::table
            .filter(external_numbers::system.eq(system).and(external_numbers::number.eq_any(some.to_vec())));
        found.extend(rows.select(external_numbers::number).load::<String>(db)?);
    }
    Ok(found)
}

/// Values looked up in one statement: engines count its places.
pub(super) const LOOKED_UP: usize = 500;

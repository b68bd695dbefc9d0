//! One case: load it, save its next step, read what belongs to it.

use crate::domain::case::{Case, CaseId};
use crate::domain::chain::Hash;
use crate::domain::division::Division;
use crate::domain::fact::Facts;
use crate::domain::reference::Reference;
use crate::domain::scope::{Contact, Scope};
use crate::domain::vocabulary::{Action, PartyRole, Role, Stage, State};
use crate::store::db::{Db, MultiBackend};
use crate::store::engine::{StoreError, Tx};
use crate::store::filing::{CaseRow, ClockRow, EventRow, LOOKED_UP, LinkRow, PartyRow};
use crate::store::learned::VerdictRow;
use crate::store::outbox::OutboxRow;
use crate::store::schema::{case_numbers, cases, clocks, events, links, parties};
use crate::store::types::{At, Key, NEVER, On};
use crate::store::{counters::Deltas, dialect, packed};
use diesel::dsl::sql;
use diesel::prelude::*;
use diesel::sql_types::Integer;
use jiff::Timestamp;
use std::collections::{HashMap, HashSet};

/// A case with what is stored beside it.
#[derive(Debug, Clone)]
pub struct Loaded {
    /// The case.
    pub case: Case,
    /// What is sealed or hashed of it.
    pub sealed: Sealed,
    /// Hash of its last event.
    pub last_hash: Hash,
    /// When its row was made.
    pub created_at: Timestamp,
}

/// What of a case is sealed or hashed, and the merchant's name.
#[derive(Debug, Clone)]
pub struct Sealed {
    /// The data key, wrapped.
    pub data_key: Vec<u8>,
    /// The narrative.
    pub narrative: Vec<u8>,
    /// The merchant's name.
    pub respondent: Option<String>,
    /// Keyed hash of the merchant.
    pub respondent_hash: Option<Vec<u8>>,
    /// Keyed hash of the complainant.
    pub complainant_hash: Option<Vec<u8>>,
}

impl CaseRow {
    /// The row of a case.
    ///
    /// # Errors
    /// When the case can't be written as JSON, which no case of this service causes.
    pub fn new(
        case: &Case,
        facts: Facts,
        sealed: &Sealed,
        last_hash: &Hash,
        created_at: Timestamp,
    ) -> Result<Self, StoreError> {
        let unreadable = |error: serde_json::Error| StoreError::Unreadable(error.to_string());
        let milestones = &case.milestones;
        let at_station = case.settle_first || milestones.station_ended.is_some() || case.state == State::Negotiating;
        Ok(Self {
            case_id: case.id.into(),
            reference: case.reference.as_str().to_owned(),
            kind: case.kind.code().to_owned(),
            state: case.state.code().to_owned(),
            is_open: !case.state.is_end(),
            version: case.version,
            received_at: At(case.received_at),
            received_on: On(case.received_on),
            next_due: case.next_due().map_or(NEVER, On),
            decision_due: milestones
                .decision_due
                .filter(|_| milestones.decided.is_none() && !case.state.is_end())
                .map(On),
            closed_on: milestones.closed.map(On),
            sector: case.sector.clone(),
            division: stored(case.division),
            department: case.department.clone(),
            office: case.office.clone(),
            station: case.station.clone().filter(|_| at_station).unwrap_or_default(),
            channel: case.channel.code().to_owned(),
            assigned_to: case.assigned_to.clone(),
            facts: facts.0,
            respondent: sealed.respondent.clone(),
            respondent_hash: sealed.respondent_hash.clone(),
            complainant_hash: sealed.complainant_hash.clone(),
            amount_fen: case.amount.map(|amount| amount.fen()),
            recovered_fen: case.recovered.map(|amount| amount.fen()),
            data_key: sealed.data_key.clone(),
            narrative: sealed.narrative.clone(),
            doc: packed::json(&serde_json::to_string(case).map_err(unreadable)?),
            last_hash: last_hash.to_vec(),
            created_at: At(created_at),
        })
    }

    fn load(self) -> Result<Loaded, StoreError> {
        let case = read(&self.doc)?;
        let last_hash =
            Hash::try_from(self.last_hash.as_slice()).map_err(|error| StoreError::Unreadable(error.to_string()))?;
        Ok(Loaded {
            case,
            sealed: Sealed {
                data_key: self.data_key,
                narrative: self.narrative,
                respondent: self.respondent,
                respondent_hash: self.respondent_hash,
                complainant_hash: self.complainant_hash,
            },
            last_hash,
            created_at: self.created_at.0,
        })
    }
}

/// A case out of its packed JSON.
pub(super) fn read(doc: &[u8]) -> Result<Case, StoreError> {
    let text = packed::unpack(doc).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    serde_json::from_str(&text).map_err(|error| StoreError::Unreadable(error.to_string()))
}

impl ClockRow {
    /// The rows of a case's clocks.
    pub fn of(case: &Case) -> Vec<Self> {
        let number = |place: usize| i16::try_from(place).unwrap_or(i16::MAX);
        case.clocks
            .iter()
            .enumerate()
            .map(|(place, clock)| Self {
                case_id: case.id.into(),
                clock_no: number(place),
                kind: clock.kind.code().to_owned(),
                start_on: On(clock.start),
                due_on: On(clock.due),
                running: clock.is_running(),
                provisional: clock.provisional,
                stage: clock.stage.map_or(0, Stage::number),
            })
            .collect()
    }
}

/// A division as it is stored: six digits.
pub(super) fn stored(division: Division) -> i32 {
    i32::try_from(division.six_digits().number()).unwrap_or(0)
}

/// A query for cases within a scope. `None` when the scope holds nothing.
pub(super) type Boxed<'a> = cases::BoxedQuery<'a, MultiBackend>;

/// Begins every query for cases: what lies outside the caller's scope doesn't exist for it.
pub(super) fn within<'a>(scope: &Scope) -> Option<Boxed<'a>> {
    let all = cases::table.into_boxed();
    Some(match scope {
        Scope::Nothing => return None,
        Scope::System => all,
        Scope::Case(id) => all.filter(cases::case_id.eq(Key::from(*id))),
        Scope::Contact(contact) => {
            // A merchant's own number opens nothing: what it may see is not what a filer may.
            let filers = PartyRole::ALL.iter().filter(|role| role.is_filer()).map(|role| role.code());
            let sides = parties::role.eq_any(filers.collect::<Vec<_>>());
            let of = parties::table.select(parties::case_id);
            match contact {
                Contact::Phone(hash) => {
                    all.filter(cases::case_id.eq_any(of.filter(parties::phone_hash.eq(hash.to_vec()).and(sides))))
                }
                Contact::Email(hash) => {
                    all.filter(cases::case_id.eq_any(of.filter(parties::email_hash.eq(hash.to_vec()).and(sides))))
                }
            }
        }
        Scope::Station(code) => all.filter(cases::station.eq(code.clone())),
        Scope::Office(code) => all.filter(cases::office.eq(code.clone())),
        Scope::Subtree { division, department } => {
            let subtree = below(all, division.six_digit_range());
            match department {
                Some(line) => subtree.filter(cases::department.eq(line.clone())),
                None => subtree,
            }
        }
    })
}

/// Narrows a query to codes of divisions from … up to. One county is an equality, of which an index gives the cases in order. A
/// city or the province is so much of everything that a list goes along its own order and passes over the others: the sign
/// keeps the engine from gathering all of them to sort them.
pub(super) fn below(query: Boxed<'_>, codes: std::ops::Range<u32>) -> Boxed<'_> {
    let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
    let (from, to) = (number(codes.start), number(codes.end));
    if to == from + 1 {
        return query.filter(cases::division.eq(from));
    }
    let division = || sql::<Integer>("+cases.division");
    query.filter(division().ge(from).and(division().lt(to)))
}

/// Whether there is any case.
pub fn any(db: &mut Db) -> Result<bool, StoreError> {
    Ok(cases::table.select(cases::case_id).first::<Key>(db).optional()?.is_some())
}

/// A case by its number, within a scope.
pub fn load(db: &mut Db, scope: &Scope, reference: &Reference) -> Result<Option<Loaded>, StoreError> {
    let key: Option<Key> =
        case_numbers::table.find(reference.as_str()).select(case_numbers::case_id).first(db).optional()?;
    match key {
        Some(key) => load_by_id(db, scope, CaseId(key.0)),
        None => Ok(None),
    }
}

/// A case by its key, within a scope.
pub fn load_by_id(db: &mut Db, scope: &Scope, id: CaseId) -> Result<Option<Loaded>, StoreError> {
    let Some(query) = within(scope) else { return Ok(None) };
    let row: Option<CaseRow> =
        query.filter(cases::case_id.eq(Key::from(id))).select(CaseRow::as_select()).first(db).optional()?;
    row.map(CaseRow::load).transpose()
}

/// Cases within a scope, in the order of their keys, which is that of their receipt; at most so many.
pub fn within_scope(db: &mut Db, scope: &Scope, limit: i64) -> Result<Vec<Loaded>, StoreError> {
    let Some(query) = within(scope) else { return Ok(Vec::new()) };
    let rows: Vec<CaseRow> = query.order(cases::case_id).limit(limit).select(CaseRow::as_select()).load(db)?;
    rows.into_iter().map(CaseRow::load).collect()
}

/// The next step of a case, with all that it changes.
#[derive(Debug, Clone)]
pub struct Save {
    /// The case after the step.
    pub case: CaseRow,
    /// The step.
    pub event: EventRow,
    /// All of its clocks.
    pub clocks: Vec<ClockRow>,
    /// Parties that are new or changed.
    pub parties: Vec<PartyRow>,
    /// Notices owed.
    pub outbox: Vec<OutboxRow>,
    /// Links to other cases.
    pub links: Vec<LinkRow>,
    /// What staff said of the sector at this step.
    pub verdict: Option<VerdictRow>,
    /// What it is found by from now on; `None` when that stays.
    pub tokens: Option<String>,
    /// Changes to the counters.
    pub deltas: Deltas,
}

/// Saves a step, if the case still is at the version before it.
///
/// # Errors
/// [`StoreError::Stale`] when someone else was quicker.
pub fn save(tx: &mut Tx<'_>, save: Save) -> Result<(), StoreError> {
    let db = &mut *tx.db;
    let key = save.case.case_id;
    let before = save.case.version - 1;
    // Not one that was erased in between: the step holds what the erasure took out.
    let kept = cases::case_id.eq(key).and(cases::version.eq(before)).and(cases::data_key.ne(Vec::<u8>::new()));
    let changed = diesel::update(cases::table.filter(kept)).set(&save.case).execute(db)?;
    if changed != 1 {
        return Err(StoreError::Stale);
    }
    diesel::insert_into(events::table).values(&save.event).execute(db)?;
    diesel::delete(clocks::table.filter(clocks::case_id.eq(key))).execute(db)?;
    dialect::insert_clocks(db, &save.clocks.iter().collect::<Vec<_>>())?;
    for party in &save.parties {
        diesel::delete(parties::table.find((key, party.party_no))).execute(db)?;
    }
    dialect::insert_parties(db, &save.parties.iter().collect::<Vec<_>>())?;
    dialect::insert_outbox(db, &save.outbox.iter().collect::<Vec<_>>())?;
    dialect::insert_links(db, &save.links.iter().collect::<Vec<_>>())?;
    dialect::insert_verdicts(db, &save.verdict.iter().collect::<Vec<_>>())?;
    if let Some(tokens) = &save.tokens {
        dialect::index_again(db, key, tokens)?;
    }
    tx.deltas.merge(save.deltas);
    Ok(())
}

/// A case's history, oldest first. The caller has loaded the case within its scope.
pub fn history(db: &mut Db, case: &Loaded) -> Result<Vec<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::case_id.eq(Key::from(case.case.id)))
        .order(events::seq)
        .select(EventRow::as_select())
        .load(db)?)
}

/// What names and opens a case.
#[derive(Debug, Clone)]
pub struct Known {
    /// Its number for people.
    pub reference: String,
    /// Its data key, wrapped.
    pub data_key: Vec<u8>,
}

/// Of some cases those within a scope, by key.
pub(super) fn known(
    db: &mut Db,
    scope: &Scope,
    ids: impl Iterator<Item = Key>,
) -> Result<HashMap<Key, Known>, StoreError> {
    let Some(seen) = within(scope) else { return Ok(HashMap::new()) };
    let ids: HashSet<Key> = ids.collect();
    let rows: Vec<(Key, String, Vec<u8>)> = seen
        .filter(cases::case_id.eq_any(ids.into_iter().collect::<Vec<_>>()))
        .select((cases::case_id, cases::reference, cases::data_key))
        .load(db)?;
    Ok(rows.into_iter().map(|(id, reference, data_key)| (id, Known { reference, data_key })).collect())
}

/// The filing of a case: its first event. The caller has loaded the case within its scope.
pub fn filed(db: &mut Db, case: &Loaded) -> Result<Option<EventRow>, StoreError> {
    Ok(events::table
        .filter(events::case_id.eq(Key::from(case.case.id)).and(events::seq.eq(1)))
        .select(EventRow::as_select())
        .first(db)
        .optional()?)
}

/// A case's parties.
pub fn parties(db: &mut Db, case: &Loaded) -> Result<Vec<PartyRow>, StoreError> {
    Ok(parties::table
        .filter(parties::case_id.eq(Key::from(case.case.id)))
        .order(parties::party_no)
        .select(PartyRow::as_select())
        .load(db)?)
}

/// The cases linked with a case: their numbers, and how.
pub fn linked(db: &mut Db, case: &Loaded) -> Result<Vec<(String, String)>, StoreError> {
    let rows: Vec<(Key, String)> = links::table
        .filter(links::case_id.eq(Key::from(case.case.id)))
        .order((links::created_at, links::other_id))
        .select((links::other_id, links::relation))
        .load(db)?;
    let mut linked = Vec::with_capacity(rows.len());
    for (other, relation) in rows {
        let number: Option<String> =
            cases::table.filter(cases::case_id.eq(other)).select(cases::reference).first(db).optional()?;
        linked.extend(number.map(|number| (number, relation)));
    }
    Ok(linked)
}

/// When a role last took an action on a case.
pub fn last_taken(db: &mut Db, case: &Loaded, action: Action, role: Role) -> Result<Option<Timestamp>, StoreError> {
    let at: Option<At> = events::table
        .filter(events::case_id.eq(Key::from(case.case.id)))
        .filter(events::action.eq(action.code()).and(events::role.eq(role.code())))
        .order(events::seq.desc())
        .select(events::at)
        .first(db)
        .optional()?;
    Ok(at.map(|at| at.0))
}

/// The event by which a case came into the state that it is in.
///
/// # Errors
/// The engine's.
pub fn last_entered(db: &mut Db, case: &Loaded) -> Result<Option<i64>, StoreError> {
    let state = case.case.state.code();
    Ok(events::table
        .filter(events::case_id.eq(Key::from(case.case.id)))
        .filter(events::to_state.eq(state).and(events::from_state.is_null().or(events::from_state.ne(Some(state)))))
        .order(events::seq.desc())
        .select(events::seq)
        .first(db)
        .optional()?)
}

/// Most cases that one is told to be a likely duplicate of.
const LIKELY: usize = 20;

/// Cases of the same complainant against the same merchant received since a day, the newest first: likely duplicates.
/// Works on keyed hashes, tells nothing but keys and numbers, and so needs no scope.
pub fn likely_duplicates(
    db: &mut Db,
    complainant: &[u8],
    respondent: &[u8],
    kind: &str,
    since: jiff::civil::Date,
) -> Result<Vec<(CaseId, String)>, StoreError> {
    let rows: Vec<(Key, String)> = cases::table
        .filter(cases::complainant_hash.eq(complainant.to_vec()))
        .filter(cases::respondent_hash.eq(respondent.to_vec()))
        .filter(cases::kind.eq(kind.to_owned()).and(cases::received_on.ge(On(since))))
        .order(cases::case_id.desc())
        .limit(i64::try_from(LIKELY).unwrap_or(i64::MAX))
        .select((cases::case_id, cases::reference))
        .load(db)?;
    Ok(rows.into_iter().map(|(key, number)| (CaseId(key.0), number)).collect())
}

/// Who complains of whom: two keyed hashes.
pub type Pair = (Vec<u8>, Vec<u8>);

/// Likely duplicates of a pair and a kind, by key and number.
pub type LikelyDuplicates = HashMap<(Pair, String), Vec<(CaseId, String)>>;

type LikelyRow = (Option<Vec<u8>>, Option<Vec<u8>>, String, Key, String);

/// As [`likely_duplicates`], of many pairs at once: of each pair and kind, the newest first.
pub fn likely_duplicates_of(
    db: &mut Db,
    pairs: &[Pair],
    since: jiff::civil::Date,
) -> Result<LikelyDuplicates, StoreError> {
    let mut found = LikelyDuplicates::new();
    for some in pairs.chunks(LOOKED_UP) {
        let (of, against): (HashSet<&[u8]>, HashSet<&[u8]>) =
            some.iter().map(|(of, against)| (of.as_slice(), against.as_slice())).unzip();
        let rows: Vec<LikelyRow> = cases::table
            .filter(cases::complainant_hash.eq_any(of.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()))
            .filter(cases::respondent_hash.eq_any(against.into_iter().map(<[u8]>::to_vec).collect::<Vec<_>>()))
            .filter(cases::received_on.ge(On(since)))
            .order(cases::case_id.desc())
            .select((cases::complainant_hash, cases::respondent_hash, cases::kind, cases::case_id, cases::reference))
            .load(db)?;
        for (of, against, kind, key, number) in rows {
            let (Some(of), Some(against)) = (of, against) else { continue };
            let same = found.entry(((of, against), kind)).or_default();
            if same.len() < LIKELY {
                same.push((CaseId(key.0), number));
            }
        }
    }
    Ok(found)
}

/// Open cases with a running clock whose last day is provisional, after a key, in the order of keys.
pub fn provisional(db: &mut Db, after: Option<CaseId>, limit: i64) -> Result<Vec<CaseId>, StoreError> {
    let mut query = clocks::table.filter(clocks::provisional.and(clocks::running)).into_boxed();
    if let Some(after) = after {
        query = query.filter(clocks::case_id.gt(Key::from(after)));
    }
    let keys: Vec<Key> = query.order(clocks::case_id).select(clocks::case_id).distinct().limit(limit).load(db)?;
    Ok(keys.into_iter().map(|key| CaseId(key.0)).collect())
}

//! Lists of cases: a unit's queue, and the cases behind a number. Keyset pages over indexes, never an offset.

use crate::ambient::today_in_shanghai;
use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, Kind, State};
use crate::store::cases::{Boxed, Loaded, below, within};
use crate::store::counters::Cohort;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::StoreError;
use crate::store::filing::PartyRow;
use crate::store::schema::{cases, events, parties};
use crate::store::types::{At, Key, On};
use diesel::dsl::{not, sql};
use diesel::prelude::*;
use diesel::sql_types::{BigInt, Bool, Text};
use jiff::civil::Date;
use std::collections::HashMap;

/// A line of a list: nothing personal.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cases)]
pub struct Line {
    /// Key.
    pub case_id: Key,
    /// Reference number.
    pub reference: String,
    /// Kind code.
    pub kind: String,
    /// State code.
    pub state: String,
    /// Version.
    pub version: i64,
    /// When it was received.
    pub received_at: At,
    /// Earliest last day of a running clock.
    pub next_due: On,
    /// Day of its end.
    pub closed_on: Option<On>,
    /// Sector.
    pub sector: String,
    /// Division.
    pub division: i32,
    /// Department (line).
    pub department: String,
    /// Office.
    pub office: String,
    /// Station.
    pub station: String,
    /// Channel.
    pub channel: String,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// The merchant.
    pub respondent: Option<String>,
    /// Amount in dispute, fen.
    pub amount_fen: Option<i64>,
}

/// In which order a queue is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sort {
    /// What is due first, first.
    Due,
    /// Oldest receipt first.
    Received,
    /// Newest receipt first.
    Newest,
}

/// Where the next page begins: after the last line of this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct After {
    /// Its day in the order of the list: of the next due date, of receipt or of closing.
    pub day: Date,
    /// Its key.
    pub id: CaseId,
}

/// What of a unit's queue is asked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// In one of these states; none given is every open one.
    pub states: Vec<String>,
    /// Of one kind.
    pub kind: Option<String>,
    /// Of one sector.
    pub sector: Option<String>,
    /// Overdue on this day.
    pub overdue_on: Option<Date>,
    /// Due on this day or later.
    pub due_from: Option<Date>,
    /// Due before this day.
    pub due_before: Option<Date>,
    /// Worked on by this account.
    pub assigned_to: Option<String>,
    /// Containing every one of these tokens.
    pub tokens: Vec<String>,
}

/// Which cases of a queue one statement lists.
#[derive(Debug, Clone)]
enum Part<'a> {
    /// The open ones.
    Open,
    /// Those in some of the open states.
    OpenIn(Vec<String>),
    /// Those that ended in one way: in the order of the list they are found by an index, several ways together aren't.
    Ended(&'a str),
}

/// A page of a queue.
///
/// # Errors
/// The engine's.
pub fn page(
    db: &mut Db,
    scope: &Scope,
    filter: &Filter,
    sort: Sort,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let parts = parts(&filter.states);
    let words = words(db, filter)?;
    let mut lines = Vec::new();
    for part in &parts {
        let Some(query) = filtered(scope, filter, words.as_ref(), part) else { return Ok(lines) };
        lines.extend(page_of(db, query, sort, after, limit)?);
    }
    if parts.len() == 1 {
        return Ok(lines);
    }
    match sort {
        Sort::Due => lines.sort_by_key(|line| (line.next_due.0, line.case_id.0)),
        Sort::Received => lines.sort_by_key(|line| line.case_id.0),
        Sort::Newest => lines.sort_by_key(|line| std::cmp::Reverse(line.case_id.0)),
    }
    lines.truncate(usize::try_from(limit).unwrap_or(0));
    Ok(lines)
}

fn parts(states: &[String]) -> Vec<Part<'_>> {
    if states.is_empty() {
        return vec![Part::Open];
    }
    let is_end = |state: &&String| State::parse(state).is_ok_and(State::is_end);
    let mut parts: Vec<Part<'_>> = states.iter().filter(is_end).map(|state| Part::Ended(state)).collect();
    let open: Vec<String> = states.iter().filter(|state| !is_end(state)).cloned().collect();
    if !open.is_empty() {
        parts.push(Part::OpenIn(open));
    }
    parts
}

fn page_of(
    db: &mut Db,
    query: Boxed<'_>,
    sort: Sort,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let query = match (sort, after) {
        (Sort::Due, after) => {
            let query = match after {
                // The first condition says where the index is entered; an alternative doesn't.
                Some(After { day, id }) => query
                    .filter(cases::next_due.ge(On(day)))
                    .filter(cases::next_due.gt(On(day)).or(cases::case_id.gt(Key::from(id)))),
                None => query,
            };
            query.order((cases::next_due, cases::case_id))
        }
        (Sort::Received, after) => {
            let query = match after {
                Some(After { id, .. }) => query.filter(cases::case_id.gt(Key::from(id))),
                None => query,
            };
            query.order(cases::case_id)
        }
        (Sort::Newest, after) => {
            let query = match after {
                Some(After { id, .. }) => query.filter(cases::case_id.lt(Key::from(id))),
                None => query,
            };
            query.order(cases::case_id.desc())
        }
    };
    Ok(query.limit(limit).select(Line::as_select()).load(db)?)
}

/// How many cases of a queue there are, counted up to `most`.
pub fn count(db: &mut Db, scope: &Scope, filter: &Filter, most: i64) -> Result<usize, StoreError> {
    let most = usize::try_from(most).unwrap_or(usize::MAX);
    let words = words(db, filter)?;
    let mut counted = 0;
    for part in parts(&filter.states) {
        if counted >= most {
            break;
        }
        let Some(query) = filtered(scope, filter, words.as_ref(), &part) else { return Ok(0) };
        let left = i64::try_from(most - counted).unwrap_or(i64::MAX);
        let keys: Vec<Key> = query.limit(left).select(cases::case_id).load(db)?;
        counted += keys.len();
    }
    Ok(counted)
}

/// What lies sealed of a line's case, and what marks it out among others.
#[derive(Debug, Clone, Default)]
pub struct Detail {
    /// Its data key, wrapped.
    pub data_key: Vec<u8>,
    /// Its narrative, sealed.
    pub narrative: Vec<u8>,
    /// Its parties, sealed.
    pub parties: Vec<PartyRow>,
    /// Cases against the same merchant that the scope received since a day, itself included.
    pub same_merchant: usize,
    /// Times that its unit was reminded, urged or supervised.
    pub pressed: usize,
}

/// The same for the lines of a page, by their keys; what lies outside the scope is left out.
pub fn details(db: &mut Db, scope: &Scope, keys: &[Key], since: Date) -> Result<HashMap<Key, Detail>, StoreError> {
    let Some(query) = within(scope) else { return Ok(HashMap::new()) };
    type Sealed = (Key, Vec<u8>, Vec<u8>, Option<Vec<u8>>);
    let rows: Vec<Sealed> = query
        .filter(cases::case_id.eq_any(keys.to_vec()))
        .select((cases::case_id, cases::data_key, cases::narrative, cases::respondent_hash))
        .load(db)?;
    let mut found: HashMap<Key, Detail> = HashMap::new();
    let mut merchants: HashMap<Vec<u8>, usize> = HashMap::new();
    let hashes: Vec<Vec<u8>> = rows.iter().filter_map(|row| row.3.clone()).collect();
    if !hashes.is_empty()
        && let Some(query) = within(scope)
    {
        let of: Vec<Option<Vec<u8>>> = query
            .filter(cases::received_on.ge(On(since)).and(cases::respondent_hash.eq_any(hashes)))
            .limit(5_000)
            .select(cases::respondent_hash)
            .load(db)?;
        for hash in of.into_iter().flatten() {
            *merchants.entry(hash).or_default() += 1;
        }
    }
    for (key, data_key, narrative, hash) in rows {
        let same_merchant = hash.and_then(|hash| merchants.get(&hash).copied()).unwrap_or_default();
        found.insert(key, Detail { data_key, narrative, same_merchant, ..Detail::default() });
    }
    let seen: Vec<Key> = found.keys().copied().collect();
    let parties: Vec<PartyRow> = parties::table
        .filter(parties::case_id.eq_any(seen.clone()))
        .order((parties::case_id, parties::party_no))
        .select(PartyRow::as_select())
        .load(db)?;
    for party in parties {
        if let Some(of) = found.get_mut(&party.case_id) {
            of.parties.push(party);
        }
    }
    let pressing = [Action::Remind, Action::Urge, Action::Supervise, Action::Circulate].map(Action::code);
    let pressed: Vec<Key> = events::table
        .filter(events::case_id.eq_any(seen).and(events::action.eq_any(pressing)))
        .select(events::case_id)
        .load(db)?;
    for key in pressed {
        if let Some(of) = found.get_mut(&key) {
            of.pressed += 1;
        }
    }
    Ok(found)
}

/// Other cases against the merchant of a case, the newest first.
pub fn of_merchant(
    db: &mut Db,
    scope: &Scope,
    case: &Loaded,
    since: Date,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let (Some(query), Some(hash)) = (within(scope), &case.sealed.respondent_hash) else { return Ok(Vec::new()) };
    Ok(query
        .filter(cases::received_on.ge(On(since)).and(cases::respondent_hash.eq(hash.clone())))
        .filter(cases::case_id.ne(Key::from(case.case.id)))
        .order(cases::case_id.desc())
        .limit(limit)
        .select(Line::as_select())
        .load(db)?)
}

/// The newest case of a scope that is open.
pub fn newest(db: &mut Db, scope: &Scope) -> Result<Option<CaseId>, StoreError> {
    let Some(query) = within(scope) else { return Ok(None) };
    let key: Option<Key> =
        query.filter(cases::is_open).order(cases::case_id.desc()).select(cases::case_id).first(db).optional()?;
    Ok(key.map(|key| CaseId(key.0)))
}

/// Open cases of a scope that came after a case, counted up to `most`.
pub fn newer(db: &mut Db, scope: &Scope, after: CaseId, most: i64) -> Result<usize, StoreError> {
    let Some(query) = within(scope) else { return Ok(0) };
    let keys: Vec<Key> = query
        .filter(cases::is_open.and(cases::case_id.gt(Key::from(after))))
        .limit(most)
        .select(cases::case_id)
        .load(db)?;
    Ok(keys.len())
}

/// SQL before a value, the value, SQL after it.
type Words = (&'static str, String, &'static str);

/// The condition that a case contains the tokens of a filter. On SQLite the engine is asked how many do, to say it in the
/// better way: once, not for each part of a list.
fn words(db: &mut Db, filter: &Filter) -> Result<Option<Words>, StoreError> {
    if filter.tokens.is_empty() { Ok(None) } else { dialect::search_condition(db, &filter.tokens).map(Some) }
}

fn filtered<'a>(scope: &Scope, filter: &Filter, words: Option<&Words>, part: &Part<'_>) -> Option<Boxed<'a>> {
    let mut query = within(scope)?;
    query = match part {
        Part::Open => query.filter(cases::is_open),
        Part::OpenIn(states) => query.filter(cases::is_open).filter(cases::state.eq_any(states.clone())),
        Part::Ended(state) => query.filter(not(cases::is_open)).filter(cases::state.eq((*state).to_owned())),
    };
    if let Some(kind) = &filter.kind {
        query = query.filter(cases::kind.eq(kind.clone()));
    }
    if let Some(sector) = &filter.sector {
        query = query.filter(cases::sector.eq(sector.clone()));
    }
    if let Some(today) = filter.overdue_on {
        query = query.filter(cases::is_open).filter(cases::next_due.lt(On(today)));
    }
    if let Some(day) = filter.due_from {
        query = query.filter(cases::next_due.ge(On(day)));
    }
    if let Some(day) = filter.due_before {
        query = query.filter(cases::next_due.lt(On(day)));
    }
    if let Some(user) = &filter.assigned_to {
        query = query.filter(cases::assigned_to.eq(user.clone()));
    }
    if let Some((before, words, behind)) = words {
        query = query.filter(sql::<Bool>(before).bind::<Text, _>(words.clone()).sql(behind));
    }
    Some(query)
}

/// The cases that a number counts.
#[derive(Debug, Clone)]
pub struct Behind {
    /// By which day they belong to the period.
    pub cohort: Cohort,
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Of one kind.
    pub kind: Option<Kind>,
    /// Facts that each has, as bits.
    pub having: i64,
    /// Facts that none has, as bits.
    pub lacking: i64,
    /// Also those that await a decision that was due before this day, besides those that have `having`.
    pub or_overdue_on: Option<Date>,
    /// Only open ones, and which of them.
    pub open: Option<OpenPart>,
    /// Only those of which an amount was recovered.
    pub recovered: bool,
    /// Dimensions.
    pub dimensions: Dimensions,
}

/// Which of the open cases.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum OpenPart {
    /// All.
    Any,
    /// Those with a running limit whose last day lies before a day.
    PastDue(Date),
    /// Those whose decision isn't due before a day, or for which no such limit runs.
    NotDue(Date),
}

/// Values that dimensions are narrowed to.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Dimensions {
    /// Six-digit codes from … up to, as of a division's subtree.
    pub division: Option<(i32, i32)>,
    /// Sector.
    pub sector: Option<String>,
    /// Department (line).
    pub department: Option<String>,
    /// Office.
    pub office: Option<String>,
    /// Station.
    pub station: Option<String>,
    /// Channel.
    pub channel: Option<String>,
}

/// Narrows a query to dimensions.
pub(super) fn narrowed<'a>(mut query: Boxed<'a>, dimensions: &Dimensions) -> Boxed<'a> {
    if let Some((from, to)) = dimensions.division {
        query = below(query, u32::try_from(from).unwrap_or(0)..u32::try_from(to).unwrap_or(0));
    }
    if let Some(sector) = &dimensions.sector {
        query = query.filter(cases::sector.eq(sector.clone()));
    }
    if let Some(department) = &dimensions.department {
        query = query.filter(cases::department.eq(department.clone()));
    }
    if let Some(office) = &dimensions.office {
        query = query.filter(cases::office.eq(office.clone()));
    }
    if let Some(station) = &dimensions.station {
        query = query.filter(cases::station.eq(station.clone()));
        if !station.is_empty() {
            // What the index over stations leaves out is left out here too, in its own words.
            query = query.filter(sql::<Bool>("cases.station <> ''"));
        }
    }
    if let Some(channel) = &dimensions.channel {
        query = query.filter(cases::channel.eq(channel.clone()));
    }
    query
}

/// A page of the cases behind a number, in the order of the days by which they belong to the period.
///
/// # Errors
/// The engine's.
pub fn behind(
    db: &mut Db,
    scope: &Scope,
    what: &Behind,
    after: Option<After>,
    limit: i64,
) -> Result<Vec<Line>, StoreError> {
    let Some(query) = within(scope) else { return Ok(Vec::new()) };
    let mut query = narrowed(query, &what.dimensions);
    if let Some(kind) = what.kind {
        query = query.filter(cases::kind.eq(kind.code()));
    }
    let (from, to) = (On(what.from), On(what.to));
    query = match what.cohort {
        Cohort::Received => query.filter(cases::received_on.ge(from).and(cases::received_on.le(to))),
        Cohort::Closed => query.filter(cases::closed_on.ge(from).and(cases::closed_on.le(to))),
    };
    let has = |mask: i64| sql::<Bool>("(cases.facts & ").bind::<BigInt, _>(mask).sql(") = ").bind::<BigInt, _>(mask);
    query = match what.or_overdue_on {
        Some(today) => query.filter(has(what.having).nullable().or(cases::decision_due.lt(On(today)))),
        None => query.filter(has(what.having)),
    };
    if what.lacking != 0 {
        query = query.filter(sql::<Bool>("(cases.facts & ").bind::<BigInt, _>(what.lacking).sql(") = 0"));
    }
    query = match what.open {
        Some(OpenPart::Any) => query.filter(cases::is_open),
        Some(OpenPart::PastDue(today)) => query.filter(cases::is_open.and(cases::next_due.lt(On(today)))),
        Some(OpenPart::NotDue(today)) => query
            .filter(cases::is_open)
            .filter(cases::decision_due.is_null().nullable().or(cases::decision_due.ge(On(today)))),
        None => query,
    };
    if what.recovered {
        query = query.filter(cases::recovered_fen.gt(0));
    }
    query = match (what.cohort, after) {
        (_, None) => query,
        (Cohort::Received, Some(After { day, id })) => query
            .filter(cases::received_on.ge(On(day)))
            .filter(cases::received_on.gt(On(day)).or(cases::case_id.gt(Key::from(id)))),
        (Cohort::Closed, Some(After { day, id })) => query
            .filter(cases::closed_on.ge(On(day)))
            .filter(cases::closed_on.gt(On(day)).or(cases::case_id.gt(Key::from(id)).nullable())),
    };
    query = match what.cohort {
        Cohort::Received => query.order((cases::received_on, cases::case_id)),
        Cohort::Closed => query.order((cases::closed_on, cases::case_id)),
    };
    Ok(query.limit(limit).select(Line::as_select()).load(db)?)
}

impl Line {
    /// Its place in a list of a cohort.
    pub fn place(&self, cohort: Cohort) -> After {
        let received = today_in_shanghai(self.received_at.0);
        let day = match cohort {
            Cohort::Received => received,
            Cohort::Closed => self.closed_on.map_or(received, |day| day.0),
        };
        After { day, id: CaseId(self.case_id.0) }
    }
}

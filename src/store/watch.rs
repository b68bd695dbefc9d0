//! How many people complained, by merchant and by word, and the alarms that came of it.

use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Kind;
use crate::store::cases::within;
use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{cases, watch_alarms, watch_counts};
use crate::store::types::{At, Key, On};
use diesel::dsl::sum;
use diesel::prelude::*;
use jiff::{Timestamp, civil::Date};

/// What of a case is looked at.
#[derive(Debug, Clone, Queryable, Selectable)]
#[diesel(table_name = cases)]
pub struct Looked {
    /// Key.
    pub case_id: Key,
    /// Number for people.
    pub reference: String,
    /// Division, six digits.
    pub division: i32,
    /// Sector.
    pub sector: String,
    /// Day of receipt.
    pub received_on: On,
    /// The merchant's name.
    pub respondent: Option<String>,
    /// Keyed hash of the merchant.
    pub respondent_hash: Option<Vec<u8>>,
    /// Keyed hash of the complainant.
    pub complainant_hash: Option<Vec<u8>>,
    /// The case's data key, wrapped.
    pub data_key: Vec<u8>,
    /// The narrative, sealed.
    pub narrative: Vec<u8>,
}

/// Cases received on a day within a scope, after a key, in the order of keys.
///
/// # Errors
/// When the engine doesn't answer.
pub fn received(
    db: &mut Db,
    scope: &Scope,
    day: Date,
    after: Option<CaseId>,
    limit: i64,
) -> Result<Vec<Looked>, StoreError> {
    let Some(mut query) = within(scope) else { return Ok(Vec::new()) };
    query = query.filter(cases::received_on.eq(On(day)));
    if let Some(after) = after {
        query = query.filter(cases::case_id.gt(Key::from(after)));
    }
    Ok(query.order(cases::case_id).limit(limit).select(Looked::as_select()).load(db)?)
}

/// Open complaints received from a day to another within a scope, before a key, the newest first.
///
/// # Errors
/// When the engine doesn't answer.
pub fn open_complaints(
    db: &mut Db,
    scope: &Scope,
    days: (Date, Date),
    before: Option<CaseId>,
    limit: i64,
) -> Result<Vec<Looked>, StoreError> {
    let Some(mut query) = within(scope) else { return Ok(Vec::new()) };
    query = query
        .filter(cases::kind.eq(Kind::Complaint.code()).and(cases::is_open))
        .filter(cases::received_on.ge(On(days.0)).and(cases::received_on.le(On(days.1))));
    if let Some(before) = before {
        query = query.filter(cases::case_id.lt(Key::from(before)));
    }
    Ok(query.order(cases::case_id.desc()).limit(limit).select(Looked::as_select()).load(db)?)
}

/// Whether the complainant of a case filed one against the same merchant before it, received since a day.
///
/// # Errors
/// When the engine doesn't answer.
pub fn filed_before(db: &mut Db, case: &Looked, since: Date) -> Result<bool, StoreError> {
    let (Some(complainant), Some(respondent)) = (&case.complainant_hash, &case.respondent_hash) else {
        return Ok(false);
    };
    let before: Option<Key> = cases::table
        .filter(cases::complainant_hash.eq(complainant).and(cases::respondent_hash.eq(respondent)))
        .filter(cases::received_on.ge(On(since)).and(cases::case_id.lt(case.case_id)))
        .select(cases::case_id)
        .first(db)
        .optional()?;
    Ok(before.is_some())
}

/// How many people, by kind, subject and division, on a day.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = watch_counts)]
pub struct CountRow {
    /// `merchant` or `word`.
    pub kind: String,
    /// The merchant's name without branch and legal form, or the word.
    pub subject: String,
    /// Division, six digits.
    pub division: i32,
    /// Day of receipt.
    pub on_day: On,
    /// People.
    pub people: i32,
}

/// The counts of a day.
///
/// # Errors
/// When the engine doesn't answer.
pub fn of_day(db: &mut Db, day: Date) -> Result<Vec<CountRow>, StoreError> {
    Ok(watch_counts::table.filter(watch_counts::on_day.eq(On(day))).select(CountRow::as_select()).load(db)?)
}

/// The last day that was counted.
///
/// # Errors
/// When the engine doesn't answer.
pub fn last_counted(db: &mut Db) -> Result<Option<Date>, StoreError> {
    let last: Option<On> =
        watch_counts::table.order(watch_counts::on_day.desc()).select(watch_counts::on_day).first(db).optional()?;
    Ok(last.map(|day| day.0))
}

/// Sets counts; one of nobody is taken out.
///
/// # Errors
/// When the engine doesn't answer.
pub fn set(tx: &mut Tx<'_>, rows: &[CountRow]) -> Result<(), StoreError> {
    for row in rows {
        let place = watch_counts::table.find((&row.kind, &row.subject, row.division, row.on_day));
        if row.people == 0 {
            diesel::delete(place).execute(tx.db)?;
        } else if diesel::update(place).set(watch_counts::people.eq(row.people)).execute(tx.db)? == 0 {
            diesel::insert_into(watch_counts::table).values(row).execute(tx.db)?;
        }
    }
    Ok(())
}

/// Forgets the counts of days before one.
///
/// # Errors
/// When the engine doesn't answer.
pub fn forget(tx: &mut Tx<'_>, before: Date) -> Result<(), StoreError> {
    diesel::delete(watch_counts::table.filter(watch_counts::on_day.lt(On(before)))).execute(tx.db)?;
    Ok(())
}

/// Subjects of a kind with so many people in all from one day to another.
///
/// # Errors
/// When the engine doesn't answer.
pub fn with_at_least(
    db: &mut Db,
    kind: &str,
    days: (Date, Date),
    people: i64,
) -> Result<Vec<(String, i64)>, StoreError> {
    let of: Vec<(String, Option<i64>)> = watch_counts::table
        .filter(watch_counts::kind.eq(kind.to_owned()))
        .filter(watch_counts::on_day.ge(On(days.0)).and(watch_counts::on_day.le(On(days.1))))
        .group_by(watch_counts::subject)
        .select((watch_counts::subject, sum(watch_counts::people)))
        .order(watch_counts::subject)
        .load(db)?;
    Ok(of.into_iter().filter_map(|(subject, sum)| Some((subject, sum.filter(|sum| *sum >= people)?))).collect())
}

/// How many subjects of a kind there are since a day.
///
/// # Errors
/// When the engine doesn't answer.
pub fn subjects(db: &mut Db, kind: &str, since: Date) -> Result<usize, StoreError> {
    let subjects: Vec<String> = watch_counts::table
        .filter(watch_counts::kind.eq(kind.to_owned()).and(watch_counts::on_day.ge(On(since))))
        .select(watch_counts::subject)
        .distinct()
        .load(db)?;
    Ok(subjects.len())
}

/// People by day of a subject since a day.
///
/// # Errors
/// When the engine doesn't answer.
pub fn by_day(db: &mut Db, kind: &str, subject: &str, since: Date) -> Result<Vec<(Date, i32)>, StoreError> {
    let rows: Vec<(On, i32)> = watch_counts::table
        .filter(watch_counts::kind.eq(kind.to_owned()).and(watch_counts::subject.eq(subject.to_owned())))
        .filter(watch_counts::on_day.ge(On(since)))
        .select((watch_counts::on_day, watch_counts::people))
        .load(db)?;
    Ok(rows.into_iter().map(|(day, people)| (day.0, people)).collect())
}

/// People of a subject from one day to another, in the divisions of a range of six-digit codes.
///
/// # Errors
/// When the engine doesn't answer.
pub fn people_in(
    db: &mut Db,
    kind: &str,
    subject: &str,
    days: (Date, Date),
    divisions: &std::ops::Range<u32>,
) -> Result<i64, StoreError> {
    let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
    let people: Option<i64> = watch_counts::table
        .filter(watch_counts::kind.eq(kind.to_owned()).and(watch_counts::subject.eq(subject.to_owned())))
        .filter(watch_counts::on_day.ge(On(days.0)).and(watch_counts::on_day.le(On(days.1))))
        .filter(
            watch_counts::division.ge(number(divisions.start)).and(watch_counts::division.lt(number(divisions.end))),
        )
        .select(sum(watch_counts::people))
        .first(db)?;
    Ok(people.unwrap_or(0))
}

/// An alarm as a row.
#[derive(Debug, Clone, PartialEq, Insertable, Queryable, Selectable)]
#[diesel(table_name = watch_alarms)]
pub struct AlarmRow {
    /// `merchant` or `word`.
    pub kind: String,
    /// Of what.
    pub subject: String,
    /// Last of the seven days that were counted.
    pub raised_on: On,
    /// People of the seven days.
    pub observed: i32,
    /// Usual in a week.
    pub expected: f64,
    /// Probability of so many in a usual week.
    pub probability: f64,
    /// When.
    pub raised_at: At,
    /// When somebody took note.
    pub seen_at: Option<At>,
    /// Who.
    pub seen_by: Option<String>,
}

/// The newest alarm of a subject.
///
/// # Errors
/// When the engine doesn't answer.
pub fn newest_of(db: &mut Db, kind: &str, subject: &str) -> Result<Option<AlarmRow>, StoreError> {
    Ok(watch_alarms::table
        .filter(watch_alarms::kind.eq(kind.to_owned()).and(watch_alarms::subject.eq(subject.to_owned())))
        .order(watch_alarms::raised_on.desc())
        .select(AlarmRow::as_select())
        .first(db)
        .optional()?)
}

/// Raises an alarm; on a day it is raised once.
///
/// # Errors
/// When the engine doesn't answer.
pub fn raise(tx: &mut Tx<'_>, alarm: &AlarmRow) -> Result<(), StoreError> {
    let stands: Option<String> = watch_alarms::table
        .find((&alarm.kind, &alarm.subject, alarm.raised_on))
        .select(watch_alarms::subject)
        .first(tx.db)
        .optional()?;
    if stands.is_none() {
        diesel::insert_into(watch_alarms::table).values(alarm).execute(tx.db)?;
    }
    Ok(())
}

/// The alarms since a day, the newest first.
///
/// # Errors
/// When the engine doesn't answer.
pub fn alarms(db: &mut Db, since: Date, limit: i64) -> Result<Vec<AlarmRow>, StoreError> {
    Ok(watch_alarms::table
        .filter(watch_alarms::raised_on.ge(On(since)))
        .order((watch_alarms::raised_on.desc(), watch_alarms::kind, watch_alarms::subject))
        .limit(limit)
        .select(AlarmRow::as_select())
        .load(db)?)
}

/// Notes who took note of an alarm first; whether there is such an alarm.
///
/// # Errors
/// When the engine doesn't answer.
pub fn note(
    tx: &mut Tx<'_>,
    kind: &str,
    subject: &str,
    raised_on: Date,
    by: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let place = watch_alarms::table.find((kind.to_owned(), subject.to_owned(), On(raised_on)));
    let seen = place.clone().select(watch_alarms::seen_at).first::<Option<At>>(tx.db).optional()?;
    if seen == Some(None) {
        diesel::update(place)
            .set((watch_alarms::seen_at.eq(Some(At(now))), watch_alarms::seen_by.eq(Some(by.to_owned()))))
            .execute(tx.db)?;
    }
    Ok(seen.is_some())
}

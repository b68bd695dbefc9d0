//! Counts people by merchant and by word, and raises an alarm when one rises beyond its usual range. Part of the round: one node
//! does it at a time, and doing it again changes nothing.
//!
//! What is counted are people, not cases: who complains of one merchant again within four weeks counts once, and who left neither
//! phone number nor e-mail address isn't counted, so that nobody raises an alarm by filing ten times. A day is counted by the day
//! of receipt, today's and yesterday's anew in every round.

use super::resemble::root_of_name;
use super::rise::{self, LEAST_WEEKS, Limits, Rise};
use crate::app::App;
use crate::classify::{Model, fold};
use crate::domain::case::CaseId;
use crate::domain::division::Division;
use crate::domain::scope::Scope;
use crate::store::types::{At, On};
use crate::store::watch::{self, AlarmRow, CountRow, Looked};
use crate::store::{Db, StoreError, upkeep};
use crate::track::dossier::Dossier;
use crate::track::round::{Round, RoundError};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Weeks before the last seven days that say what is usual.
const WEEKS: i64 = 12;

/// Days of a week.
const WEEK: i64 = 7;

/// Who complains of the same merchant again within so many days counts once.
const ONE_PERSON_DAYS: i64 = 28;

/// An alarm is raised again only after so many days, or when the count has doubled since.
const QUIET_DAYS: i64 = 28;

/// Cases that are read, and counts that are written, at once.
const PAGE: i64 = 500;

/// Of what people complain.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Subject {
    /// A merchant, by its name without branch and legal form.
    Merchant,
    /// A term of the lexicon that speaks for a sector.
    Word,
}

impl Subject {
    /// Every one.
    pub const ALL: [Self; 2] = [Self::Merchant, Self::Word];

    /// Its stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Merchant => "merchant",
            Self::Word => "word",
        }
    }
}

/// The merchant of a case as it is counted: its name without branch and legal form, else the beginning of its keyed hash.
pub fn merchant_of(case: &Looked) -> Option<String> {
    merchant_by(case.respondent.as_deref(), case.respondent_hash.as_deref())
}

/// The same, by name and keyed hash.
pub fn merchant_by(name: Option<&str>, hash: Option<&[u8]>) -> Option<String> {
    let root = name.map(|name| root_of_name(&fold(name))).filter(|root| !root.is_empty());
    root.or_else(|| hash.map(|hash| hash.iter().take(8).map(|byte| format!("{byte:02x}")).collect()))
}

/// Counts the days that have changed and looks for what has risen; gives how many alarms were raised.
///
/// # Errors
/// When the round can't go on.
pub async fn run(app: &Arc<App>, round: &Round) -> Result<u64, RoundError> {
    let today = round.on();
    let oldest = today.saturating_sub((WEEK * (WEEKS + 1)).days());
    let last = app.store.read(watch::last_counted).await?;
    let mut day =
        last.map_or(oldest, |last| last.saturating_sub(1.day()).max(oldest)).min(today.saturating_sub(1.day()));
    while day <= today {
        count(app, round, day).await?;
        day = day.saturating_add(1.day());
    }
    round.write(move |tx| watch::forget(tx, oldest)).await?;
    look(app, round, today).await
}

/// Counts a day anew and writes what differs.
async fn count(app: &Arc<App>, round: &Round, day: Date) -> Result<(), RoundError> {
    let (shared, mut after, mut counted) = (Arc::clone(app), None, Counted::default());
    loop {
        let app = Arc::clone(&shared);
        let page = shared.store.read(move |db| {
            let cases = watch::received(db, &Scope::System, day, after, PAGE)?;
            let last = cases.last().map(|case| CaseId(case.case_id.0));
            Ok((people(&app, db, cases)?, last))
        });
        let (people, last) = page.await?;
        people.into_iter().for_each(|one| counted.add(one));
        if last.is_none() {
            break;
        }
        after = last;
    }
    let before = shared.store.read(move |db| watch::of_day(db, day)).await?;
    let changed = counted.against(before, day);
    for chunk in changed.chunks(PAGE as usize) {
        let rows = chunk.to_vec();
        round.write(move |tx| watch::set(tx, &rows)).await?;
    }
    Ok(())
}

/// Somebody who complained.
struct Person {
    hash: Vec<u8>,
    division: Division,
    merchant: Option<String>,
    words: Vec<String>,
}

fn people(app: &App, db: &mut Db, cases: Vec<Looked>) -> Result<Vec<Person>, StoreError> {
    let model = app.model();
    let mut people = Vec::with_capacity(cases.len());
    for case in cases {
        let Some(hash) = case.complainant_hash.clone() else { continue };
        let Ok(division) = Division::from_number(case.division.into()) else { continue };
        let since = case.received_on.0.saturating_sub(ONE_PERSON_DAYS.days());
        if watch::filed_before(db, &case, since)? {
            continue;
        }
        let words = words(app, &model, &case);
        people.push(Person { hash, division, merchant: merchant_of(&case), words });
    }
    Ok(people)
}

/// The words of a case; none of one that was erased.
fn words(app: &App, model: &Model, case: &Looked) -> Vec<String> {
    let dossier = Dossier::open(&app.vault, CaseId(case.case_id.0), &case.data_key);
    let text = dossier.and_then(|dossier| dossier.open_narrative(&case.narrative));
    text.map_or_else(|_| Vec::new(), |text| model.terms(&text).into_iter().map(str::to_owned).collect())
}

/// Who complained of what on a day.
#[derive(Default)]
struct Counted(BTreeMap<(Subject, String, Division), BTreeSet<Vec<u8>>>);

impl Counted {
    fn add(&mut self, person: Person) {
        let Person { hash, division, merchant, words } = person;
        if let Some(merchant) = merchant {
            self.0.entry((Subject::Merchant, merchant, division.six_digits())).or_default().insert(hash.clone());
        }
        for word in words {
            // By city: there are many words, and counties tell no more of them.
            self.0.entry((Subject::Word, word, division.city().six_digits())).or_default().insert(hash.clone());
        }
    }

    /// The rows that differ from those that stand.
    fn against(self, before: Vec<CountRow>, day: Date) -> Vec<CountRow> {
        let key = |row: &CountRow| (row.kind.clone(), row.subject.clone(), row.division);
        let mut stands: BTreeMap<_, _> = before.into_iter().map(|row| (key(&row), row.people)).collect();
        let mut changed = Vec::new();
        for ((kind, subject, division), people) in self.0 {
            let people = i32::try_from(people.len()).unwrap_or(i32::MAX);
            let division = i32::try_from(division.number()).unwrap_or(0);
            let row = CountRow { kind: kind.code().to_owned(), subject, division, on_day: On(day), people };
            if stands.remove(&key(&row)) != Some(people) {
                changed.push(row);
            }
        }
        let gone = stands.into_keys().map(|(kind, subject, division)| CountRow {
            kind,
            subject,
            division,
            on_day: On(day),
            people: 0,
        });
        changed.extend(gone);
        changed
    }
}

/// Raises an alarm for what has risen.
async fn look(app: &Arc<App>, round: &Round, today: Date) -> Result<u64, RoundError> {
    let first = today.saturating_sub((WEEK - 1).days());
    // Weeks before the first case of the installation say nothing of what is usual.
    let Some((began, _)) = app.store.read(upkeep::days_of_receipt).await? else { return Ok(0) };
    let known = began.until(first).map_or(0, |span| i64::from(span.get_days()) / WEEK).clamp(0, WEEKS);
    if known < i64::try_from(LEAST_WEEKS).unwrap_or(i64::MAX) {
        return Ok(0);
    }
    let limits =
        Limits { least: app.settings.mass.least_people, false_alarms: app.settings.mass.false_alarms_per_year };
    let oldest = first.saturating_sub((WEEK * known).days());
    let mut raised = 0;
    for kind in Subject::ALL {
        let code = kind.code();
        let found = app.store.read(move |db| {
            let subjects = watch::subjects(db, code, oldest)?;
            let mut found = Vec::new();
            for (subject, _) in watch::with_at_least(db, code, (first, today), i64::from(limits.least))? {
                let days = watch::by_day(db, code, &subject, oldest)?;
                let (weeks, now) = by_week(&days, first, today, known);
                if let Some(rise) = rise::rise(&weeks, now, subjects, limits)
                    && !raised_before(db, code, &subject, today, rise)?
                {
                    found.push((subject, rise));
                }
            }
            Ok(found)
        });
        for (subject, rise) in found.await? {
            let alarm = AlarmRow {
                kind: code.to_owned(),
                subject,
                raised_on: On(today),
                observed: i32::try_from(rise.observed).unwrap_or(i32::MAX),
                expected: rise.expected,
                probability: rise.probability,
                raised_at: At(app.now()),
                seen_at: None,
                seen_by: None,
            };
            round.write(move |tx| watch::raise(tx, &alarm)).await?;
            raised += 1;
        }
    }
    Ok(raised)
}

/// The weeks before the last seven days, and these.
fn by_week(days: &[(Date, i32)], first: Date, today: Date, known: i64) -> (Vec<u32>, u32) {
    let mut weeks = vec![0_u32; usize::try_from(known).unwrap_or(0)];
    let mut now = 0;
    for (day, people) in days.iter().filter(|(day, _)| *day <= today) {
        let people = u32::try_from(*people).unwrap_or(0);
        let before = day.until(first).map_or(0, |span| i64::from(span.get_days()));
        if before <= 0 {
            now += people;
        } else if let Some(week) = usize::try_from((before - 1) / WEEK).ok().and_then(|at| weeks.get_mut(at)) {
            *week += people;
        }
    }
    (weeks, now)
}

/// Whether this rise has been told already.
fn raised_before(db: &mut Db, kind: &str, subject: &str, today: Date, rise: Rise) -> Result<bool, StoreError> {
    let Some(last) = watch::newest_of(db, kind, subject)? else { return Ok(false) };
    let doubled = i64::from(rise.observed) >= 2 * i64::from(last.observed);
    Ok(last.raised_on.0 == today || (last.raised_on.0 > today.saturating_sub(QUIET_DAYS.days()) && !doubled))
}

/// An alarm as somebody sees it.
#[derive(Debug, Clone)]
pub struct Seen {
    /// It.
    pub alarm: AlarmRow,
    /// People of its seven days within the viewer's divisions.
    pub people_here: i64,
}

/// The alarms since a day that touch a division: those of whose people some are within it. The newest first.
///
/// # Errors
/// The store's.
pub async fn alarms(app: &App, division: Division, since: Date) -> Result<Vec<Seen>, StoreError> {
    /// The most that are told.
    const MOST: i64 = 200;
    let shown = app.store.read(move |db| {
        let mut shown = Vec::new();
        for alarm in watch::alarms(db, since, MOST)? {
            let people_here = here(db, &alarm.kind, &alarm.subject, alarm.raised_on.0, division)?;
            if people_here > 0 {
                shown.push(Seen { alarm, people_here });
            }
        }
        Ok(shown)
    });
    shown.await
}

/// People of an alarm's seven days within a division.
fn here(db: &mut Db, kind: &str, subject: &str, raised_on: Date, division: Division) -> Result<i64, StoreError> {
    let days = (raised_on.saturating_sub((WEEK - 1).days()), raised_on);
    // Words are counted by city.
    let seen_from = if kind == Subject::Word.code() { division.city() } else { division };
    watch::people_in(db, kind, subject, days, &seen_from.six_digit_range())
}

/// Notes that somebody took note of an alarm; whether there is such a one that touches the division.
///
/// # Errors
/// The store's.
pub async fn note(
    app: &App,
    division: Division,
    kind: Subject,
    subject: String,
    raised_on: Date,
    by: String,
) -> Result<bool, StoreError> {
    let now = app.now();
    let noted = app.store.write(move |tx| {
        if here(tx.db(), kind.code(), &subject, raised_on, division)? == 0 {
            return Ok(false);
        }
        watch::note(tx, kind.code(), &subject, raised_on, &by, now)
    });
    noted.await
}

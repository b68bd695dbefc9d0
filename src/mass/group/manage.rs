//! What an officer does with a group: opens it, asks more to join, takes one out, has representatives chosen, asks all to settle.

use super::{By, End, GroupError, SIZE, asking, fault, key, note, save, standing, step, with};
use crate::ambient;
use crate::app::App;
use crate::domain::joint::{Joint, may_join};
use crate::domain::money::Money;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Membership, Part, Question};
use crate::mass::watch::merchant_by;
use crate::store::cases::{self, Loaded};
use crate::store::groups::{self, AnswerRow, Group, GroupRow, QuestionRow};
use crate::store::types::{At, Key, On};
use crate::store::{Db, StoreError, Tx};
use crate::track::act;
use jiff::civil::Date;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use uuid::Uuid;

/// Opens a group of cases and asks each whether to join; gives its key.
///
/// # Errors
/// Unless all are open complaints of the caller's scope, in no group, against one merchant, with one office, of two people at least.
pub async fn open(app: &Arc<App>, by: By, references: Vec<Reference>) -> Result<Uuid, GroupError> {
    act::again_if_overtaken(app, move |app, tx| opened(app, tx, &by, &references)).await?
}

fn opened(app: &App, tx: &mut Tx<'_>, by: &By, references: &[Reference]) -> End<Uuid> {
    let mut faults = Problems::default();
    let found = named(tx.db(), &by.scope, references, &mut faults)?;
    together(&found, &[], &mut faults);
    if found.len() < SIZE.0 && faults.0.is_empty() {
        faults.at("/cases", Invalid::new("too_few", "a joint complaint has two members at least (Art 12)"));
    }
    if faults.0.is_empty() && people(&found) < 2 {
        faults.at("/cases", Invalid::new("one_person", "one person filed all of them (Art 12: two or more)"));
    }
    if let Err(faults) = faults.check() {
        return Ok(Err(GroupError::Invalid(faults)));
    }
    let now = app.now();
    let Some(first) = found.first() else { return Ok(Err(GroupError::NotFound)) };
    let id = ambient::key_at(app.entropy.as_ref(), now);
    let opened_by = by.actor.user.clone().unwrap_or_default();
    let row = GroupRow {
        group_id: Key(id),
        version: 1,
        office: first.case.office.clone(),
        department: first.case.department.clone(),
        division: i32::try_from(first.case.division.six_digits().number()).unwrap_or(0),
        opened_at: At(now),
        opened_by: opened_by.clone(),
    };
    groups::open(tx, &row)?;
    let question = question(id, 1, Question::Joining, now, opened_by);
    groups::ask(tx, &question)?;
    for case in &found {
        ask_to_join(app, tx, by, id, case)?;
    }
    note(tx, by, id, "opened", &found.iter().collect::<Vec<_>>())?;
    Ok(Ok(id))
}

/// Asks more cases to join.
///
/// # Errors
/// As for [`open`].
pub async fn add(app: &Arc<App>, by: By, id: Uuid, references: Vec<Reference>) -> Result<(), GroupError> {
    act::again_if_overtaken(app, move |app, tx| added(app, tx, &by, id, &references)).await?
}

fn added(app: &App, tx: &mut Tx<'_>, by: &By, id: Uuid, references: &[Reference]) -> End<()> {
    let Some(group) = groups::load(tx.db(), &by.scope, id)? else { return Ok(Err(GroupError::NotFound)) };
    let mut faults = Problems::default();
    let found = named(tx.db(), &by.scope, references, &mut faults)?;
    let mut there = Vec::new();
    for member in &group.members {
        there.extend(cases::load_by_id(tx.db(), &by.scope, key(member.case_id))?);
    }
    together(&found, &there, &mut faults);
    if found.iter().any(|case| case.case.office != group.row.office) {
        faults.at("/cases", other_office());
    }
    if found.is_empty() && faults.0.is_empty() {
        faults.at("/cases", Invalid::new("required", "name one case at least"));
    }
    if let Err(faults) = faults.check() {
        return Ok(Err(GroupError::Invalid(faults)));
    }
    for case in &found {
        ask_to_join(app, tx, by, id, case)?;
    }
    groups::advance(tx, &group.row)?;
    note(tx, by, id, "asked_to_join", &found.iter().collect::<Vec<_>>())?;
    Ok(Ok(()))
}

fn ask_to_join(app: &App, tx: &mut Tx<'_>, by: &By, id: Uuid, case: &Loaded) -> Result<(), StoreError> {
    groups::answer(tx, &unanswered(id, 1, case, None))?;
    save(app, tx, case, &asking(&case.case, Joint::asked(id), Question::Joining, 1), &by.actor)?;
    Ok(())
}

/// Takes a case out of a group.
///
/// # Errors
/// When it isn't a member.
pub async fn remove(app: &Arc<App>, by: By, id: Uuid, reference: Reference) -> Result<(), GroupError> {
    act::again_if_overtaken(app, move |app, tx| {
        let Some(group) = groups::load(tx.db(), &by.scope, id)? else { return Ok(Err(GroupError::NotFound)) };
        let found = cases::load(tx.db(), &by.scope, &reference)?;
        let of_group = |found: &Loaded| found.case.joint.as_ref().is_some_and(|joint| joint.group == id);
        let Some(found) = found.filter(of_group) else { return Ok(Err(GroupError::NotFound)) };
        save(app, tx, &found, &step(&found.case, id, None, "removed", 1), &by.actor)?;
        groups::advance(tx, &group.row)?;
        note(tx, &by, id, "removed", &[&found])?;
        Ok(Ok(()))
    })
    .await?
}

/// Asks two members whether they will speak for the others; these are asked once both have said yes. Whoever spoke for others
/// before doesn't any more.
///
/// # Errors
/// Unless they are two different people's, and both agreed to join.
pub async fn choose(app: &Arc<App>, by: By, id: Uuid, two: Vec<Reference>) -> Result<(), GroupError> {
    act::again_if_overtaken(app, move |app, tx| chosen(app, tx, &by, id, &two)).await?
}

fn chosen(app: &App, tx: &mut Tx<'_>, by: &By, id: Uuid, two: &[Reference]) -> End<()> {
    let Some(group) = groups::load(tx.db(), &by.scope, id)? else { return Ok(Err(GroupError::NotFound)) };
    let mut members = standing(tx.db(), &by.scope, &group, Membership::Agreed)?;
    members.retain(|member| !member.case.state.is_end());
    let place = |reference: &Reference| members.iter().find(|member| member.case.reference == *reference);
    let mut faults = Problems::default();
    for (at, reference) in two.iter().enumerate().filter(|(_, reference)| place(reference).is_none()) {
        let detail = format!("{reference} hasn't agreed to be handled together, or has ended");
        faults.at(format!("/cases/{at}"), Invalid::new("not_a_member", detail));
    }
    let [Some(first), Some(second)] = two.iter().map(place).collect::<Vec<_>>()[..] else {
        if faults.0.is_empty() {
            faults.at("/cases", Invalid::new("two", "two representatives are chosen (Art 12)").allowed("two members"));
        }
        return Ok(Err(GroupError::Invalid(faults)));
    };
    if first.case.id == second.case.id || is_one_person(first, second) {
        return fault("/cases", Invalid::new("one_person", "the two must be different people"));
    }
    let number = group.next_question();
    let asked_by = by.actor.user.clone().unwrap_or_default();
    let asked = QuestionRow {
        first_case: Some(first.case.id.into()),
        second_case: Some(second.case.id.into()),
        ..question(id, number, Question::Representatives, app.now(), asked_by)
    };
    groups::ask(tx, &asked)?;
    for member in &members {
        let Some(joint) = member.case.joint.clone() else { continue };
        let alone = Joint { part: Part::Own, ..joint.clone() };
        if member.case.id == first.case.id || member.case.id == second.case.id {
            groups::answer(tx, &unanswered(id, number, member, None))?;
            save(app, tx, member, &asking(&member.case, alone, Question::Representatives, number), &by.actor)?;
        } else if joint.part != Part::Own {
            save(app, tx, member, &step(&member.case, id, Some(alone), "unrepresented", number), &by.actor)?;
        }
    }
    groups::advance(tx, &group.row)?;
    note(tx, by, id, "asked_to_choose", &[first, second])?;
    Ok(Ok(()))
}

/// A settlement that is put to the members.
#[derive(Debug, Clone)]
pub struct Offer {
    /// What each gets for whom nothing else is said.
    pub amount: Option<Money>,
    /// What some get, by the number of the case.
    pub amounts: BTreeMap<Reference, Money>,
    /// By when.
    pub performance_date: Date,
}

/// Asks every member whether to settle, in place of what was asked before.
///
/// # Errors
/// When it doesn't say what each of them gets, or nobody is a member.
pub async fn propose(app: &Arc<App>, by: By, id: Uuid, offer: Offer) -> Result<(), GroupError> {
    act::again_if_overtaken(app, move |app, tx| proposed(app, tx, &by, id, &offer)).await?
}

fn proposed(app: &App, tx: &mut Tx<'_>, by: &By, id: Uuid, offer: &Offer) -> End<()> {
    let Some(group) = groups::load(tx.db(), &by.scope, id)? else { return Ok(Err(GroupError::NotFound)) };
    let mut members = standing(tx.db(), &by.scope, &group, Membership::Agreed)?;
    members.retain(|member| !member.case.state.is_end());
    if members.is_empty() {
        return Ok(Err(GroupError::Conflict("no_members", "nobody has agreed to be handled together")));
    }
    let mut faults = Problems::default();
    for reference in offer.amounts.keys() {
        if !members.iter().any(|member| member.case.reference == *reference) {
            let fault = Invalid::new("not_a_member", "hasn't agreed to be handled together, or has ended");
            faults.at(format!("/amounts/{reference}"), fault);
        }
    }
    let amount_of = |member: &Loaded| offer.amounts.get(&member.case.reference).copied().or(offer.amount);
    for member in members.iter().filter(|member| amount_of(member).is_none()) {
        let fault = Invalid::new("required", "say what this consumer gets, or one amount for all");
        faults.at(format!("/amounts/{}", member.case.reference), fault);
    }
    if let Err(faults) = faults.check() {
        return Ok(Err(GroupError::Invalid(faults)));
    }
    let number = group.next_question();
    let asked_by = by.actor.user.clone().unwrap_or_default();
    let two = group.representatives();
    let asked = QuestionRow {
        first_case: two.map(|(_, first, _)| first),
        second_case: two.map(|(_, _, second)| second),
        performance_on: Some(On(offer.performance_date)),
        ..question(id, number, Question::Settlement, app.now(), asked_by)
    };
    groups::ask(tx, &asked)?;
    for member in &members {
        let (Some(joint), Some(amount)) = (member.case.joint.clone(), amount_of(member)) else { continue };
        groups::answer(tx, &unanswered(id, number, member, Some(amount)))?;
        let step = asking(&member.case, Joint { terms: None, ..joint }, Question::Settlement, number);
        let terms = [("amount", json!(amount)), ("performance_date", json!(offer.performance_date))];
        save(app, tx, member, &with(step, &terms), &by.actor)?;
    }
    groups::advance(tx, &group.row)?;
    note(tx, by, id, "asked_to_settle", &members.iter().collect::<Vec<_>>())?;
    Ok(Ok(()))
}

/// Asks the members that are spoken for by nobody, and weren't asked, whether they choose the two who will speak for others.
///
/// # Errors
/// The store's.
pub(super) fn ask_to_choose(app: &App, tx: &mut Tx<'_>, group: &Group) -> Result<(), StoreError> {
    let Some((number, first, second)) = group.representatives() else { return Ok(()) };
    for member in standing(tx.db(), &Scope::System, group, Membership::Agreed)? {
        let id = Key::from(member.case.id);
        let open = !member.case.state.is_end() && group.answer(number, id).is_none();
        let Some(joint) = member.case.joint.clone().filter(|_| open && id != first && id != second) else { continue };
        groups::answer(tx, &unanswered(group.row.group_id.0, number, &member, None))?;
        let step = asking(&member.case, joint, Question::Representatives, number);
        save(app, tx, &member, &step, &crate::domain::case::Actor::SYSTEM)?;
    }
    Ok(())
}

fn question(group: Uuid, number: i16, kind: Question, now: jiff::Timestamp, asked_by: String) -> QuestionRow {
    QuestionRow {
        group_id: Key(group),
        question_no: number,
        kind: kind.code().to_owned(),
        first_case: None,
        second_case: None,
        performance_on: None,
        asked_at: At(now),
        asked_by,
    }
}

fn unanswered(group: Uuid, question: i16, case: &Loaded, amount: Option<Money>) -> AnswerRow {
    AnswerRow {
        group_id: Key(group),
        question_no: question,
        case_id: case.case.id.into(),
        amount_fen: amount.map(Money::fen),
        agreed: None,
        way: None,
        answered_at: None,
        answered_by: None,
    }
}

/// The cases of some numbers within a scope, each once; what can't join is a fault at its place.
fn named(
    db: &mut Db,
    scope: &Scope,
    references: &[Reference],
    faults: &mut Problems,
) -> Result<Vec<Loaded>, StoreError> {
    let mut found: Vec<Loaded> = Vec::new();
    if references.len() > SIZE.1 {
        faults.at("/cases", Invalid::new("too_many", "too many cases").allowed(format!("at most {}", SIZE.1)));
        return Ok(found);
    }
    for (at, reference) in references.iter().enumerate() {
        let at = format!("/cases/{at}");
        match cases::load(db, scope, reference)? {
            None => faults.at(at, Invalid::new("unknown_value", "no such case, or it is not yours to name")),
            Some(case) if case.sealed.data_key.is_empty() || !may_join(&case.case) => {
                faults.at(at, Invalid::new("not_joinable", "only an open complaint that is in no group can join"));
            }
            Some(case) if found.iter().any(|one| one.case.id == case.case.id) => {}
            Some(case) => found.push(case),
        }
    }
    Ok(found)
}

/// Whether cases have one office and one merchant, with each other and with those that are there.
fn together(found: &[Loaded], there: &[Loaded], faults: &mut Problems) {
    let merchant =
        |case: &Loaded| merchant_by(case.sealed.respondent.as_deref(), case.sealed.respondent_hash.as_deref());
    let Some(first) = there.iter().find(|case| merchant(case).is_some()).or_else(|| found.first()) else { return };
    for case in found {
        if merchant(case).is_none() || merchant(case) != merchant(first) {
            let detail = format!("{} isn't against the same merchant (Art 12)", case.case.reference);
            faults.at("/cases", Invalid::new("other_merchant", detail));
        }
        if case.case.office != first.case.office {
            faults.at("/cases", other_office());
        }
    }
}

fn other_office() -> Invalid {
    Invalid::new("other_office", "a group is handled by one office")
}

/// How many people filed some cases; who left neither number nor address counts by the case.
fn people(found: &[Loaded]) -> usize {
    let person =
        |case: &Loaded| case.sealed.complainant_hash.clone().unwrap_or_else(|| case.case.id.0.as_bytes().to_vec());
    found.iter().map(person).collect::<BTreeSet<_>>().len()
}

fn is_one_person(one: &Loaded, other: &Loaded) -> bool {
    one.sealed.complainant_hash.is_some() && one.sealed.complainant_hash == other.sealed.complainant_hash
}

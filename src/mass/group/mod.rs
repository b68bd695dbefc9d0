//! Groups: complaints against one merchant that one office handles together (Order 121 Art 12).
//!
//! Comes in: what an officer wants of a group ([`manage`], [`take`]), and what a consumer answers in their own case ([`answer`]). Goes
//! out: events of the cases, each in the chain of its own case, and the rows of the group that follow them.
//!
//! - Every member is asked and consents in its own case; who declines goes on alone, with nothing lost.
//! - Two representatives are chosen among the members: first they are asked whether they will, then the others whether they choose them.
//! - A settlement is asked of each. Who is spoken for is settled only on the terms that it consented to, in whatever way the step is
//!   taken: that is a condition of the table of steps.
//! - A step with all members is decided for each by that table, and is taken for all of them or for none.
//! - A group is one office's. A case that goes to another office goes on alone.

pub mod answer;
pub mod manage;
pub mod take;

use crate::app::App;
use crate::audit::Occasion;
use crate::domain::case::{Actor, Case};
use crate::domain::division::Division;
use crate::domain::identifiers::mask_name;
use crate::domain::joint::Joint;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::transition::Owed;
use crate::domain::vocabulary::{Action, Membership, PartyRole, Question};
use crate::store::cases::{self, Loaded};
use crate::store::groups::{self, Group, MemberRow};
use crate::store::types::Key;
use crate::store::{Db, StoreError, Tx, audit};
use crate::track::act::{self, Surroundings};
use crate::track::dossier::Dossier;
use crate::track::{Refused, Step, record};
use serde_json::{Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Fewest and most members that a group is opened with, and most that are added at once.
pub const SIZE: (usize, usize) = (2, 200);

/// An officer who manages a group.
#[derive(Debug, Clone)]
pub struct By {
    /// What they may know of.
    pub scope: Scope,
    /// Who they are.
    pub actor: Actor,
    /// Division that they are responsible for.
    pub division: Option<Division>,
    /// For the audit log.
    pub occasion: Occasion,
}

/// Why something isn't done; then nothing is changed.
#[derive(Debug, thiserror::Error)]
pub enum GroupError {
    /// No such group or case for this caller.
    #[error("no such group")]
    NotFound,
    /// The group has moved on.
    #[error("the group is at version {current}")]
    Stale {
        /// The version that it is at; 0 when that isn't known.
        current: i64,
    },
    /// Fields that are wrong.
    #[error("{} fields are missing or wrong", .0.0.len())]
    Invalid(Problems),
    /// Not now; a stable code and one sentence.
    #[error("{1}")]
    Conflict(&'static str, &'static str),
    /// The step isn't possible for these members, so that it was taken for none.
    #[error("the step isn't possible for {} members", .0.len())]
    Members(Vec<(Reference, Refused)>),
    /// The store couldn't do it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What a unit of work ends in: its result, or why nothing was done.
type End<T> = Result<Result<T, GroupError>, StoreError>;

/// One fault of a field.
fn fault<T>(at: impl Into<String>, fault: Invalid) -> End<T> {
    let mut faults = Problems::default();
    faults.at(at, fault);
    Ok(Err(GroupError::Invalid(faults)))
}

/// A member, as far as the caller may know.
#[derive(Debug, Clone)]
pub struct Member {
    /// Where it stands in the group.
    pub row: MemberRow,
    /// The case, when it lies within the caller's scope.
    pub case: Option<Case>,
    /// Its consumer's name, masked.
    pub name: Option<String>,
}

/// A group, as far as the caller may know.
#[derive(Debug, Clone)]
pub struct Picture {
    /// The group.
    pub group: Group,
    /// Its members, in the order of their cases.
    pub members: Vec<Member>,
    /// The merchant, as the first case that the caller may know names it.
    pub merchant: Option<String>,
}

/// A group with its members, within a scope.
///
/// # Errors
/// The store's.
pub async fn read(app: &Arc<App>, scope: &Scope, id: Uuid) -> Result<Option<Picture>, StoreError> {
    let (shared, scope) = (Arc::clone(app), scope.clone());
    app.store
        .read(move |db| {
            let Some(group) = groups::load(db, &scope, id)? else { return Ok(None) };
            picture(&shared, db, &scope, group).map(Some)
        })
        .await
}

/// Groups within a scope, the newest first, behind one.
///
/// # Errors
/// The store's.
pub async fn list(app: &Arc<App>, scope: &Scope, after: Option<Uuid>, limit: i64) -> Result<Vec<Picture>, StoreError> {
    let (shared, scope) = (Arc::clone(app), scope.clone());
    app.store
        .read(move |db| {
            let found = groups::list(db, &scope, after, limit)?;
            found.into_iter().map(|group| picture(&shared, db, &scope, group)).collect()
        })
        .await
}

fn picture(app: &App, db: &mut Db, scope: &Scope, group: Group) -> Result<Picture, StoreError> {
    let (mut members, mut merchant) = (Vec::with_capacity(group.members.len()), None);
    for row in &group.members {
        let found = cases::load_by_id(db, scope, key(row.case_id))?;
        let name = found.as_ref().map(|found| name_of(app, db, found)).transpose()?.flatten();
        if merchant.is_none() {
            merchant = found.as_ref().and_then(|found| found.sealed.respondent.clone());
        }
        members.push(Member { row: row.clone(), case: found.map(|found| found.case), name });
    }
    Ok(Picture { group, members, merchant })
}

/// The name of a case's consumer, masked; nothing when the case was erased.
fn name_of(app: &App, db: &mut Db, found: &Loaded) -> Result<Option<String>, StoreError> {
    if found.sealed.data_key.is_empty() {
        return Ok(None);
    }
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key)?;
    let parties = dossier.open_parties(&cases::parties(db, found)?)?;
    let person = parties.into_iter().find(|party| party.role == Some(PartyRole::Complainant));
    Ok(person.and_then(|person| person.name).map(|name| mask_name(&name)))
}

const fn key(key: Key) -> crate::domain::case::CaseId {
    crate::domain::case::CaseId(key.0)
}

/// What is asked of a case's consumer by a notice: the notice's name is that of the question.
const fn notice_of(kind: Question) -> &'static str {
    match kind {
        Question::Joining => "joint_joining",
        Question::Representatives => "joint_representatives",
        Question::Settlement => "joint_settlement",
    }
}

/// A step by which a case's part in a group changes, or its consumer is asked something.
fn step(case: &Case, group: Uuid, joint: Option<Joint>, what: &str, question: i16) -> Step {
    let mut step = record(case, Action::Join, json!({ "group": group, "joint": what, "question": question }));
    step.case.joint = joint;
    step
}

/// A step by which its consumer is asked something, with the notice of it.
fn asking(case: &Case, joint: Joint, kind: Question, question: i16) -> Step {
    let what = format!("asked_{kind}");
    let mut step = step(case, joint.group, Some(joint), &what, question);
    step.notices = vec![Owed { notice: notice_of(kind), to: PartyRole::Complainant }];
    step
}

/// Puts coded fields into the open part of a step.
fn with(mut step: Step, fields: &[(&str, Value)]) -> Step {
    if let Value::Object(open) = &mut step.open {
        open.extend(fields.iter().map(|(name, value)| ((*name).to_owned(), value.clone())));
    }
    step
}

fn save(app: &App, tx: &mut Tx<'_>, found: &Loaded, step: &Step, actor: &Actor) -> Result<Loaded, StoreError> {
    let surroundings = Surroundings::of_view(tx.db(), found, None)?;
    let saved = act::save_step(app, tx, found, step, actor, &surroundings)?;
    saved.map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// Writes into the audit log what an officer did with a group.
fn note(tx: &mut Tx<'_>, by: &By, group: Uuid, step: &'static str, to: &[&Loaded]) -> Result<(), StoreError> {
    let cases: Vec<String> = to.iter().map(|found| found.case.reference.to_string()).collect();
    let division = to.first().map(|found| found.case.division.six_digits());
    audit::append(tx, &by.occasion.clone().group_change(group, division, step, &cases))
}

/// The members that stand so, loaded within a scope; a case that lies elsewhere is left out.
fn standing(db: &mut Db, scope: &Scope, group: &Group, state: Membership) -> Result<Vec<Loaded>, StoreError> {
    let mut found = Vec::new();
    for member in group.in_state(state) {
        found.extend(cases::load_by_id(db, scope, key(member))?.filter(|found| !found.sealed.data_key.is_empty()));
    }
    Ok(found)
}

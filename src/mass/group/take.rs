//! A step with the members of a group: decided for each by the table of steps, taken for all of them or for none.

use super::{By, End, GroupError, fault, key, note, standing};
use crate::app::App;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Action, Membership, Question};
use crate::store::cases::{self, Loaded};
use crate::store::groups::{self, Group};
use crate::store::types::Key;
use crate::store::{Db, StoreError, Tx};
use crate::track::act::{self, Request, Surroundings};
use crate::track::{Command, Refused, decide};
use serde_json::{Map, Value, json};
use std::collections::BTreeSet;
use std::sync::Arc;
use uuid::Uuid;

/// The steps that can be taken with all members: those that say the same of each. A settlement says of each what it consented to.
pub const ACTIONS: &[Action] = &[
    Action::Accept,
    Action::Refuse,
    Action::RecordConsent,
    Action::StartMediation,
    Action::Suspend,
    Action::Resume,
    Action::Settle,
    Action::Terminate,
    Action::Inform,
    Action::Assign,
    Action::Note,
];

/// What a settlement takes from the terms that each consented to, not from the one who records it.
const OF_THE_TERMS: [&str; 2] = ["amount", "performance_date"];

/// A step that is asked for.
#[derive(Debug, Clone)]
pub struct Ask {
    /// With which group.
    pub group: Uuid,
    /// The version of it that the caller has seen.
    pub expected: i64,
    /// Which step: one of [`ACTIONS`].
    pub action: Action,
    /// What it carries.
    pub fields: Map<String, Value>,
    /// With which members; with all who agreed and haven't ended when left out, for a settlement with those who consented.
    pub cases: Option<Vec<Reference>>,
}

/// Takes a step with members; gives their cases after it.
///
/// # Errors
/// [`GroupError::Members`] with everyone for whom it isn't possible; then it was taken for none.
pub async fn step(app: &Arc<App>, by: By, ask: Ask) -> Result<Vec<Loaded>, GroupError> {
    let shared = Arc::clone(app);
    match app.store.write(move |tx| unit(&shared, tx, &by, &ask)).await {
        // Somebody moved one of the cases meanwhile (PostgreSQL).
        Err(StoreError::Stale) => Err(GroupError::Stale { current: 0 }),
        end => end?,
    }
}

fn unit(app: &App, tx: &mut Tx<'_>, by: &By, ask: &Ask) -> End<Vec<Loaded>> {
    let Some(group) = groups::load(tx.db(), &by.scope, ask.group)? else { return Ok(Err(GroupError::NotFound)) };
    if group.row.version != ask.expected {
        return Ok(Err(GroupError::Stale { current: group.row.version }));
    }
    if ask.action == Action::Settle {
        let mut faults = Problems::default();
        for field in OF_THE_TERMS.iter().filter(|field| ask.fields.contains_key(**field)) {
            faults.at(format!("/{field}"), Invalid::new("of_the_terms", "is what each consented to"));
        }
        if let Err(faults) = faults.check() {
            return Ok(Err(GroupError::Invalid(faults)));
        }
    }
    let members = match chosen(tx.db(), by, &group, ask)? {
        Ok(members) => members,
        Err(error) => return Ok(Err(error)),
    };
    let catalogue = app.catalogue();
    let (mut steps, mut refused) = (Vec::with_capacity(members.len()), Vec::new());
    for found in members {
        let request = Request {
            reference: found.case.reference.clone(),
            expected: found.case.version,
            scope: by.scope.clone(),
            division: by.division,
            command: Command { action: ask.action, actor: by.actor.clone(), fields: fields_of(ask, &found) },
        };
        let surroundings = Surroundings::load(tx.db(), &found, &request)?;
        match decide(&catalogue, &found.case, &request.command, &surroundings.context(app, &request)) {
            Ok(step) => steps.push((found, step, surroundings)),
            Err(why) => refused.push((found.case.reference.clone(), why)),
        }
    }
    if !refused.is_empty() {
        return Ok(Err(GroupError::Members(refused)));
    }
    let mut saved = Vec::with_capacity(steps.len());
    for (found, step, surroundings) in &steps {
        // An error of the unit rolls all of them back.
        let end = act::save_step(app, tx, found, step, &by.actor, surroundings)?;
        saved.push(end.map_err(|error| StoreError::Unreadable(error.to_string()))?);
    }
    groups::advance(tx, &group.row)?;
    note(tx, by, ask.group, "step", &saved.iter().collect::<Vec<_>>())?;
    Ok(Ok(saved))
}

/// What a step carries for one member.
fn fields_of(ask: &Ask, found: &Loaded) -> Map<String, Value> {
    let mut fields = ask.fields.clone();
    let terms = found.case.joint.as_ref().and_then(|joint| joint.terms.as_ref());
    if let Some(terms) = terms.filter(|_| ask.action == Action::Settle) {
        fields.insert("amount".to_owned(), json!(terms.amount));
        fields.insert("performance_date".to_owned(), json!(terms.performance_date));
    }
    fields
}

/// The members with whom the step is to be taken.
fn chosen(db: &mut Db, by: &By, group: &Group, ask: &Ask) -> End<Vec<Loaded>> {
    let mut members = standing(db, &by.scope, group, Membership::Agreed)?;
    let mut faults = Problems::default();
    if let Some(wanted) = &ask.cases {
        for (at, reference) in wanted.iter().enumerate() {
            if !members.iter().any(|member| member.case.reference == *reference) {
                let fault = Invalid::new("not_a_member", "no member of this group that has agreed to be one");
                faults.at(format!("/cases/{at}"), fault);
            }
        }
        members.retain(|member| wanted.contains(&member.case.reference));
    } else if ask.action != Action::Inform {
        members.retain(|member| !member.case.state.is_end());
    }
    if let Err(faults) = faults.check() {
        return Ok(Err(GroupError::Invalid(faults)));
    }
    if ask.action == Action::Settle {
        let Some(question) = group.latest(Question::Settlement) else {
            return Ok(Err(GroupError::Conflict("nothing_offered", "no settlement was put to the members")));
        };
        let number = question.question_no;
        // What the two agreed on for the others is theirs only while both stand to it.
        let two: BTreeSet<Key> = [question.first_case, question.second_case].into_iter().flatten().collect();
        if two.iter().any(|case| !group.agreed(number, *case)) {
            let detail = "both representatives must consent to what they settle for others (Art 12)";
            return Ok(Err(GroupError::Conflict("representatives_disagree", detail)));
        }
        let consented = |member: &Loaded| {
            let terms = member.case.joint.as_ref().and_then(|joint| joint.terms.as_ref());
            terms.is_some_and(|terms| terms.question == number)
        };
        if let Some(wanted) = &ask.cases {
            let mut faults = Problems::default();
            let without = members.iter().filter(|member| !consented(member));
            for at in without.filter_map(|member| wanted.iter().position(|one| *one == member.case.reference)) {
                let fault = Invalid::new("consent_missing", "its consumer hasn't consented to these terms");
                faults.at(format!("/cases/{at}"), fault);
            }
            if let Err(faults) = faults.check() {
                return Ok(Err(GroupError::Invalid(faults)));
            }
        }
        members.retain(consented);
    }
    if members.is_empty() {
        return fault("/cases", Invalid::new("no_members", "there is no member to take this step with"));
    }
    Ok(Ok(members))
}

/// Steps that can be taken with a group, by the table of steps: what each of its members can take now, as far as one can.
///
/// # Errors
/// The store's.
pub fn available(app: &App, db: &mut Db, by: &By, group: &Group) -> Result<Vec<Action>, StoreError> {
    let catalogue = app.catalogue();
    let mut open = BTreeSet::new();
    for member in group.in_state(Membership::Agreed) {
        let Some(found) = cases::load_by_id(db, &by.scope, key(member))? else { continue };
        let surroundings = Surroundings::of_view(db, &found, by.actor.unit.as_deref())?;
        let context = surroundings.context_for(app, by.division);
        let offered = crate::track::available_actions(&catalogue, &found.case, by.actor.role, &context);
        open.extend(offered.into_iter().map(|one| one.action));
    }
    Ok(ACTIONS.iter().copied().filter(|action| open.contains(action)).collect())
}

/// Whether a refusal is that the caller's role never takes the step.
pub fn is_never_for_role(refused: &[(Reference, Refused)]) -> bool {
    refused.iter().any(|(_, why)| matches!(why, Refused::NotAllowedForRole))
}

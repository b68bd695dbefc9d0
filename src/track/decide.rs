//! One step of a case: decided against the table, then applied.

use crate::config::catalogue::{Catalogue, Rule};
use crate::domain::case::{Actor, Case};
use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::transition::{self, Owed};
use crate::domain::vocabulary::{Action, Kind, PartyRole, Role, State};
use crate::track::fields::Reader;
use crate::track::guards::{self, Blocked};
use crate::track::{clocks, effects};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use std::fmt;

/// What someone wants a case to do.
#[derive(Clone, PartialEq)]
pub struct Command {
    /// The step.
    pub action: Action,
    /// Who takes it.
    pub actor: Actor,
    /// What it carries: the request's members besides `action`.
    pub fields: Map<String, Value>,
}

hidden_debug!(Command);

/// What the case alone doesn't tell: loaded by the caller, within the actor's scope.
#[derive(Debug, Clone, Copy)]
pub struct Context<'a> {
    /// Today in Asia/Shanghai.
    pub today: Date,
    /// Day of the consumer's last `remind`.
    pub last_reminder: Option<Date>,
    /// A linked case was split off this one (or it is one that was).
    pub split_off: bool,
    /// The cases that the fields name ([`crate::track::cases_named`]), as far as the actor may know of them.
    pub others: &'a BTreeMap<Reference, Case>,
    /// Accounts of the actor's unit, to whom it can be assigned.
    pub accounts: &'a [String],
    /// Division whose subtree the actor oversees.
    pub division: Option<Division>,
}

/// How two cases belong together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Relation {
    /// Staff linked them.
    Linked,
    /// This one goes on in the other.
    MergedInto,
    /// The other goes on in this one.
    MergedFrom,
}

impl Relation {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Linked => "linked",
            Self::MergedInto => "merged_into",
            Self::MergedFrom => "merged_from",
        }
    }
}

/// A link that a step makes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Link {
    /// The other case.
    pub to: Reference,
    /// How this case belongs to it.
    pub relation: Relation,
}

/// A step taken: what the caller stores as one event.
#[derive(Clone, PartialEq)]
pub struct Step {
    /// The step.
    pub action: Action,
    /// State before.
    pub from: State,
    /// State after.
    pub to: State,
    /// The case after, its version one higher.
    pub case: Case,
    /// What people wrote (reason, note, text, record, other routes, body outside …), by field: to be sealed.
    pub personal: Option<Value>,
    /// What stays readable in the event, by field: codes, dates, amounts, and which fields were supplied.
    pub open: Value,
    /// Notices owed.
    pub notices: Vec<Owed>,
    /// Links made.
    pub links: Vec<Link>,
    /// Party fields to check by their own rules and reseal. Only their shape was checked.
    pub supplied: Vec<(PartyRole, Map<String, Value>)>,
    /// The step that the other case takes with this one (`merge_into`), to be stored in the same unit of work.
    pub target: Option<Box<Step>>,
}

hidden_debug!(Step);

/// Why a step isn't taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Refused {
    /// This role can never take this step on this kind of case (403).
    NotAllowedForRole,
    /// The role has the step, but not in this state, or a condition isn't met (409).
    NotNow {
        /// The condition; `None` when it is the state.
        blocked: Option<Blocked>,
        /// What the role can do now.
        allowed: Vec<Action>,
    },
    /// Fields are missing, unknown or wrong: all of them (422).
    Invalid(Problems),
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotAllowedForRole => f.write_str("this role can't take this step"),
            Self::NotNow { blocked: Some(blocked), .. } => f.write_str(&blocked.detail),
            Self::NotNow { blocked: None, .. } => f.write_str("not possible in the state of the case"),
            Self::Invalid(problems) => write!(f, "{} fields are missing or wrong", problems.0.len()),
        }
    }
}

impl std::error::Error for Refused {}

/// Decides a command on a case, and applies it to a copy.
///
/// # Errors
/// In this order: [`Refused::NotAllowedForRole`] when the role never has the action on this kind of case;
/// [`Refused::NotNow`] when not in this state, or a condition isn't met; [`Refused::Invalid`] with every fault of the
/// fields. Conditions between a field and the case (an outcome that doesn't fit, a target that can't take it, an office
/// beyond the common superior) are faults of the field.
pub fn decide(catalogue: &Catalogue, case: &Case, command: &Command, context: &Context<'_>) -> Result<Step, Refused> {
    let role = command.actor.role;
    let rule = catalogue.rule_by_id(&case.rule);
    if !has_somewhere(case.kind, command.action, role) {
        return Err(Refused::NotAllowedForRole);
    }
    let not_now = |blocked| Refused::NotNow { blocked, allowed: allowed(case, rule, role, context) };
    let row = transition::find(case.kind, case.state, command.action)
        .filter(|row| row.by.contains(&role))
        .ok_or_else(|| not_now(None))?;
    if let Some(blocked) = guards::blocked(row, case, rule, role, context) {
        return Err(not_now(Some(blocked)));
    }
    let fields = Reader { catalogue, case, rule, row, context }.read(command).map_err(Refused::Invalid)?;
    effects::apply(catalogue, case, row, role, &fields, context).map_err(|fault| {
        let mut problems = Problems::default();
        problems.at("", fault);
        Refused::Invalid(problems)
    })
}

/// The actions that a role can take on a case now, conditions considered.
pub(super) fn allowed(case: &Case, rule: Option<&Rule>, role: Role, context: &Context<'_>) -> Vec<Action> {
    transition::open_to(case.kind, case.state, role)
        .filter(|row| guards::blocked(row, case, rule, role, context).is_none())
        .map(|row| row.action)
        .collect()
}

fn has_somewhere(kind: Kind, action: Action, role: Role) -> bool {
    transition::TABLE.iter().any(|row| row.action == action && row.kinds.contains(&kind) && row.by.contains(&role))
}

/// Counts the open, provisional clocks of a case anew after a calendar was loaded; `None` when nothing changes. The event
/// keeps each old and new last day readable, so that the owner can be told.
pub fn recompute(catalogue: &Catalogue, case: &Case) -> Option<Step> {
    let mut after = case.clone();
    let mut moved = Vec::new();
    for clock in &mut after.clocks {
        if let Some(counted) = clocks::recompute(catalogue, clock) {
            moved.push(json!({
                "kind": clock.kind, "start": clock.start, "was": clock.due, "due": counted.due,
                "calendar": counted.calendar, "provisional": counted.provisional,
            }));
            if clocks::is_decision(clock.kind) && after.milestones.decided.is_none() {
                after.milestones.decision_due = Some(counted.due);
            }
            *clock = counted;
        }
    }
    if moved.is_empty() {
        return None;
    }
    after.version += 1;
    Some(Step {
        action: Action::Recompute,
        from: case.state,
        to: case.state,
        case: after,
        personal: None,
        open: json!({ "clocks": moved }),
        notices: Vec::new(),
        links: Vec::new(),
        supplied: Vec::new(),
        target: None,
    })
}

/// Something was added to a case that moves it nowhere (a file of evidence, a document, its delivery): an event, so that it
/// stands in the chain. `open` says what it is, without anything personal.
pub fn record(case: &Case, action: Action, open: Value) -> Step {
    Step {
        action,
        from: case.state,
        to: case.state,
        case: Case { version: case.version + 1, ..case.clone() },
        personal: None,
        open,
        notices: Vec::new(),
        links: Vec::new(),
        supplied: Vec::new(),
        target: None,
    }
}

/// The rule version that binds a case.
pub(super) fn rule_of<'a>(catalogue: &'a Catalogue, case: &Case) -> Result<&'a Rule, Invalid> {
    catalogue
        .rule_by_id(&case.rule)
        .ok_or_else(|| Invalid::new("no_rule", format!("the catalogue has no rule version `{}`", case.rule)))
}

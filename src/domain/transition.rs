//! The transition table: state × action × role → state, with the fields it must carry, the conditions it needs, the clocks
//! it starts, pauses and stops, the milestones it marks and the notices it owes.
//!
//! This is the only place that says which step a case may take. `track` applies it; the API and the pages draw their
//! buttons from it; the tests walk through all of it.

use crate::domain::case::Case;
use crate::domain::vocabulary::{Action, ClockKind, Kind, PartyRole, Role, State};

/// One row of the table.
#[derive(Debug)]
pub struct Transition {
    /// The step.
    pub action: Action,
    /// Which kinds of case can take it.
    pub kinds: &'static [Kind],
    /// From which states.
    pub from: &'static [State],
    /// Where it leads.
    pub to: To,
    /// Who may take it.
    pub by: &'static [Role],
    /// What it carries.
    pub fields: &'static [Field],
    /// What must be so besides.
    pub guards: &'static [Guard],
    /// What it does to the clocks, in this order.
    pub clocks: &'static [ClockEffect],
    /// What it marks for the rates.
    pub marks: &'static [Mark],
    /// Which notices it owes, and to whom.
    pub notices: &'static [Owed],
}

/// Where a step leads.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum To {
    /// The state stays as it is.
    Stay,
    /// One state.
    State(State),
    /// `filed` or `not_filed`, as the field `decision` says.
    Decision,
    /// From `id_requested` back to `dispatched`; elsewhere the state stays.
    Supplied,
}

/// What a step carries.
#[derive(Debug)]
pub struct Field {
    /// Name in the request.
    pub name: &'static str,
    /// What it holds.
    pub value: Value,
    /// Who must give it.
    pub required: Required,
}

/// Who must give a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Required {
    /// Everyone.
    Always,
    /// Nobody has to.
    Never,
    /// Only these roles.
    Of(&'static [Role]),
    /// Everyone, when the case has representatives (Art 12).
    WhenRepresented,
}

/// What a field holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Value {
    /// Text of at most so many characters, sealed like everything that people write.
    Text(usize),
    /// One of some codes.
    Code(&'static [&'static str]),
    /// A ground of refusal of the case's rule version.
    RefusalGround,
    /// A ground of termination of the case's rule version.
    TerminationGround,
    /// A day.
    Date,
    /// A day, not before today.
    DateAhead,
    /// An amount.
    Money,
    /// Yes or no.
    Bool,
    /// A whole number in a range.
    Number(i64, i64),
    /// An office in force today.
    Office,
    /// A sector.
    Sector,
    /// Another case, by its reference.
    Case,
    /// Other cases, by their references.
    Cases,
    /// An account of the same unit.
    User,
    /// A list of demands.
    Demands,
    /// Fields of a party, as in a filing.
    Party(PartyRole),
}

/// A condition that the state alone doesn't tell.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Guard {
    /// Nothing is missing of what acceptance needs (Art 10, 11).
    NothingMissing,
    /// Both parties consented (Art 18).
    BothConsent,
    /// Not designated by the common superior (Art 33).
    NotDesignated,
    /// No dispute over competence is open.
    NoDispute,
    /// A dispute over competence is open.
    InDispute,
    /// Not prolonged before, by a rule that knows an extension, and while the limit runs.
    NotExtended,
    /// Not opened again before.
    NotReopened,
    /// A consumer: at most 15 days after the end. A supervisor: any time.
    ReopenInTime,
    /// Not rated yet, or at most 20 days after the first rating.
    RatingOpen,
    /// A consumer: not reminded within the last 3 days.
    ReminderSpaced,
    /// `mediated` only out of mediation; at a station and before it only `self_settled`.
    OutcomeFits,
    /// The other case is open, of the same kind, and not this one.
    TargetFits,
    /// Not spoken for by representatives, or its consumer consented to their settlement (Art 12).
    RepresentedConsent,
    /// Split off no second time.
    NotSplit,
    /// `NOTIFY` runs: the parties are still to be told of the end.
    NoticeOwed,
}

/// What a step does to a clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClockEffect {
    /// Starts the clock of the first decision that the rule gives this kind: `ACCEPT`, `OTHER_DEPT` or `REPORT_FILE`; for a
    /// clue found in mediation `CLUE_VERIFY` (Art 27).
    StartDecision,
    /// Stops it.
    StopDecision,
    /// Starts a clock; one that already runs starts anew.
    Start(ClockKind),
    /// Starts a clock that ends on the day in the field `deadline`.
    StartUntilDeadline(ClockKind),
    /// Stops a clock, if it runs.
    Stop(ClockKind),
    /// Stops every clock.
    StopAll,
    /// Lets `MEDIATE` stand still when the cause is testing (Art 22); a recusal doesn't (the law is silent).
    PauseForTesting,
    /// Lets it run on.
    Resume,
    /// Adds the extension of the rule to `REPORT_FILE` or `CLUE_VERIFY`, whichever runs.
    Extend,
    /// Starts `COMPETENCE_DISPUTE` at the second return.
    DisputeAtSecondReturn,
    /// Starts `NOTIFY` when the case had been accepted; both sides are then owed what the row owes one (Art 23 ¶2).
    NotifyIfAccepted,
}

/// What a step marks for the rates.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// First decision made.
    Decided,
    /// Lawful disposal notice given.
    Disposed,
    /// Accepted.
    Accepted,
    /// Mediation opened.
    Mediation,
    /// Came to an end.
    Closed,
    /// The station's turn ended, if there was one.
    StationEnded,
    /// Returned once more.
    Returned,
    /// Opened again.
    Reopened,
}

/// A notice that a step owes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Owed {
    /// Template name, e.g. `acceptance`.
    pub notice: &'static str,
    /// To which party.
    pub to: PartyRole,
}

/// Bodies outside that have a code of their own, when a case is referred; any other is an office, a department or `other`.
pub const BODIES: &[&str] = &["police", "court", "arbitration", "other_authority"];

const COMPLAINT: &[Kind] = &[Kind::Complaint];
const REPORT: &[Kind] = &[Kind::Report];
const BOTH: &[Kind] = &[Kind::Complaint, Kind::Report];

/// Every state in which a case isn't at its end.
pub const OPEN: &[State] = &[
    State::Received,
    State::Triage,
    State::Negotiating,
    State::Dispatched,
    State::Returned,
    State::IdRequested,
    State::Accepted,
    State::Mediating,
    State::Suspended,
    State::Verifying,
];

/// Every end.
pub const ENDS: &[State] = &[
    State::Settled,
    State::Terminated,
    State::Refused,
    State::Withdrawn,
    State::Transferred,
    State::Filed,
    State::NotFiled,
    State::Merged,
];

const STAFF: &[Role] = &[Role::Station, Role::Officer, Role::Dispatcher, Role::Supervisor];

const fn must(name: &'static str, value: Value) -> Field {
    Field { name, value, required: Required::Always }
}

const fn may(name: &'static str, value: Value) -> Field {
    Field { name, value, required: Required::Never }
}

const fn to_complainant(notice: &'static str) -> Owed {
    Owed { notice, to: PartyRole::Complainant }
}

const fn to_respondent(notice: &'static str) -> Owed {
    Owed { notice, to: PartyRole::Respondent }
}

/// The table. A pair of action and state stands in at most one row for each kind.
pub const TABLE: &[Transition] = &[
    Transition {
        action: Action::Dispatch,
        kinds: BOTH,
        from: &[State::Triage, State::Received, State::Returned],
        to: To::State(State::Dispatched),
        by: &[Role::Dispatcher, Role::System],
        fields: &[must("office", Value::Office), may("sector", Value::Sector), may("reason", Value::Text(2000))],
        guards: &[Guard::NoDispute],
        clocks: &[ClockEffect::StartDecision],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Return,
        kinds: BOTH,
        from: &[State::Dispatched],
        to: To::State(State::Returned),
        by: &[Role::Officer],
        fields: &[must("reason", Value::Text(2000))],
        guards: &[Guard::NotDesignated],
        clocks: &[ClockEffect::StopDecision, ClockEffect::DisputeAtSecondReturn],
        marks: &[Mark::Returned],
        notices: &[],
    },
    Transition {
        action: Action::Designate,
        kinds: BOTH,
        from: &[State::Returned],
        to: To::State(State::Dispatched),
        by: &[Role::Supervisor],
        fields: &[must("office", Value::Office), must("reason", Value::Text(2000))],
        guards: &[Guard::InDispute],
        clocks: &[ClockEffect::Stop(ClockKind::CompetenceDispute), ClockEffect::StartDecision],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::HandOver,
        kinds: COMPLAINT,
        from: &[State::Negotiating],
        to: To::State(State::Dispatched),
        by: &[Role::Station, Role::Consumer, Role::System],
        fields: &[Field { name: "record", value: Value::Text(4000), required: Required::Of(&[Role::Station]) }],
        guards: &[],
        clocks: &[
            ClockEffect::Stop(ClockKind::StationContact),
            ClockEffect::Stop(ClockKind::StationEnd),
            ClockEffect::StartDecision,
        ],
        marks: &[Mark::StationEnded],
        notices: &[to_complainant("handed_over")],
    },
    Transition {
        action: Action::RequestId,
        kinds: COMPLAINT,
        from: &[State::Dispatched],
        to: To::State(State::IdRequested),
        by: &[Role::Officer],
        fields: &[must("deadline", Value::DateAhead), may("reason", Value::Text(2000))],
        guards: &[],
        clocks: &[ClockEffect::StartUntilDeadline(ClockKind::IdProof)],
        marks: &[],
        notices: &[to_complainant("id_request")],
    },
    Transition {
        action: Action::Supply,
        kinds: BOTH,
        from: &[
            State::Received,
            State::Triage,
            State::Negotiating,
            State::Dispatched,
            State::Returned,
            State::IdRequested,
        ],
        to: To::Supplied,
        by: &[Role::Consumer, Role::Officer, Role::Station],
        fields: &[
            may("complainant", Value::Party(PartyRole::Complainant)),
            may("respondent", Value::Party(PartyRole::Respondent)),
            may("demands", Value::Demands),
            may("note", Value::Text(4000)),
        ],
        guards: &[],
        clocks: &[ClockEffect::Stop(ClockKind::IdProof)],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Accept,
        kinds: COMPLAINT,
        from: &[State::Dispatched, State::IdRequested],
        to: To::State(State::Accepted),
        by: &[Role::Officer],
        fields: &[may("note", Value::Text(2000))],
        guards: &[Guard::NothingMissing],
        clocks: &[
            ClockEffect::StopDecision,
            ClockEffect::Stop(ClockKind::IdProof),
            ClockEffect::Start(ClockKind::Mediate),
        ],
        marks: &[Mark::Decided, Mark::Disposed, Mark::Accepted],
        notices: &[to_complainant("acceptance")],
    },
    Transition {
        action: Action::Refuse,
        kinds: COMPLAINT,
        from: &[State::Dispatched, State::IdRequested],
        to: To::State(State::Refused),
        by: &[Role::Officer],
        fields: &[
            must("ground", Value::RefusalGround),
            must("reason", Value::Text(4000)),
            may("other_routes", Value::Text(2000)),
        ],
        guards: &[],
        clocks: &[ClockEffect::StopAll],
        marks: &[Mark::Decided, Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("refusal"), to_complainant("rating")],
    },
    Transition {
        action: Action::RecordConsent,
        kinds: COMPLAINT,
        from: &[State::Accepted],
        to: To::Stay,
        by: &[Role::Officer, Role::Consumer, Role::Merchant],
        fields: &[
            Field {
                name: "party",
                value: Value::Code(&["complainant", "respondent"]),
                required: Required::Of(&[Role::Officer]),
            },
            must("given", Value::Bool),
            may("entrusted_body", Value::Text(100)),
        ],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::StartMediation,
        kinds: COMPLAINT,
        from: &[State::Accepted],
        to: To::State(State::Mediating),
        by: &[Role::Officer],
        // Art 20: time, place and mediators are told in advance.
        fields: &[
            may("time", Value::Text(100)),
            may("place", Value::Text(200)),
            may("mediators", Value::Text(100)),
            may("note", Value::Text(2000)),
        ],
        guards: &[Guard::BothConsent],
        clocks: &[],
        marks: &[Mark::Mediation],
        notices: &[to_complainant("mediation"), to_respondent("mediation")],
    },
    Transition {
        action: Action::Suspend,
        kinds: COMPLAINT,
        from: &[State::Mediating],
        to: To::State(State::Suspended),
        by: &[Role::Officer],
        fields: &[must("cause", Value::Code(&["testing", "recusal"])), may("reason", Value::Text(2000))],
        guards: &[],
        clocks: &[ClockEffect::PauseForTesting],
        marks: &[],
        notices: &[to_complainant("suspension"), to_respondent("suspension")],
    },
    Transition {
        action: Action::Resume,
        kinds: COMPLAINT,
        from: &[State::Suspended],
        to: To::State(State::Mediating),
        by: &[Role::Officer],
        fields: &[may("note", Value::Text(2000))],
        guards: &[],
        clocks: &[ClockEffect::Resume],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Settle,
        kinds: COMPLAINT,
        from: &[State::Negotiating],
        to: To::State(State::Settled),
        by: &[Role::Station],
        fields: SETTLEMENT,
        guards: &[Guard::OutcomeFits, Guard::RepresentedConsent],
        clocks: &[ClockEffect::StopAll],
        marks: &[Mark::StationEnded, Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("settlement"), to_respondent("settlement"), to_complainant("rating")],
    },
    Transition {
        action: Action::Settle,
        kinds: COMPLAINT,
        from: &[State::Accepted, State::Mediating],
        to: To::State(State::Settled),
        by: &[Role::Officer],
        fields: SETTLEMENT,
        guards: &[Guard::OutcomeFits, Guard::RepresentedConsent],
        clocks: &[ClockEffect::StopAll, ClockEffect::NotifyIfAccepted],
        marks: &[Mark::Closed],
        notices: &[to_complainant("settlement"), to_respondent("settlement"), to_complainant("rating")],
    },
    Transition {
        action: Action::Terminate,
        kinds: COMPLAINT,
        from: &[State::Accepted, State::Mediating, State::Suspended],
        to: To::State(State::Terminated),
        by: &[Role::Officer],
        fields: &[must("ground", Value::TerminationGround), must("reason", Value::Text(4000))],
        guards: &[],
        clocks: &[ClockEffect::StopAll, ClockEffect::NotifyIfAccepted],
        marks: &[Mark::Closed],
        notices: &[to_complainant("termination"), to_respondent("termination"), to_complainant("rating")],
    },
    Transition {
        action: Action::Withdraw,
        kinds: BOTH,
        from: OPEN,
        to: To::State(State::Withdrawn),
        by: &[Role::Consumer],
        fields: &[must("reason", Value::Text(2000))],
        guards: &[],
        clocks: &[ClockEffect::StopAll, ClockEffect::NotifyIfAccepted],
        marks: &[Mark::StationEnded, Mark::Closed],
        notices: &[to_complainant("withdrawal")],
    },
    Transition {
        action: Action::Transfer,
        kinds: BOTH,
        from: &[
            State::Dispatched,
            State::IdRequested,
            State::Accepted,
            State::Mediating,
            State::Suspended,
            State::Verifying,
        ],
        to: To::State(State::Transferred),
        by: &[Role::Officer],
        fields: &[must("body", Value::Text(100)), must("reason", Value::Text(4000))],
        guards: &[],
        clocks: &[ClockEffect::StopAll, ClockEffect::NotifyIfAccepted],
        marks: &[Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("transfer"), to_complainant("rating")],
    },
    // The unit that received it for all: who isn't competent may not pass it on by itself (Art 41), so what no office here is
    // competent for is referred by the dispatcher, and the person told where to go (Art 34).
    Transition {
        action: Action::Transfer,
        kinds: BOTH,
        from: &[State::Received, State::Triage, State::Returned],
        to: To::State(State::Transferred),
        by: &[Role::Dispatcher],
        fields: &[must("body", Value::Text(100)), must("reason", Value::Text(4000))],
        guards: &[Guard::NoDispute],
        clocks: &[ClockEffect::StopAll],
        marks: &[Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("transfer"), to_complainant("rating")],
    },
    Transition {
        action: Action::Verify,
        kinds: REPORT,
        from: &[State::Dispatched],
        to: To::State(State::Verifying),
        by: &[Role::Officer],
        fields: &[may("note", Value::Text(2000))],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Extend,
        kinds: REPORT,
        from: &[State::Dispatched, State::Verifying],
        to: To::State(State::Verifying),
        by: &[Role::Officer],
        fields: &[must("approval", Value::Text(200)), may("reason", Value::Text(2000))],
        guards: &[Guard::NotExtended],
        clocks: &[ClockEffect::Extend],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::DecideFiling,
        kinds: REPORT,
        from: &[State::Dispatched, State::Verifying],
        to: To::Decision,
        by: &[Role::Officer],
        fields: &[must("decision", Value::Code(&["filed", "not_filed"])), must("reason", Value::Text(4000))],
        guards: &[],
        clocks: &[ClockEffect::StopAll],
        marks: &[Mark::Decided, Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("report_result"), to_complainant("rating")],
    },
    Transition {
        action: Action::Split,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Officer, Role::Dispatcher],
        fields: &[may("reason", Value::Text(2000))],
        guards: &[Guard::NotSplit],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Link,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Officer, Role::Dispatcher],
        fields: &[must("cases", Value::Cases), may("reason", Value::Text(2000))],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::MergeInto,
        kinds: BOTH,
        from: OPEN,
        to: To::State(State::Merged),
        by: &[Role::Officer, Role::Dispatcher],
        fields: &[
            must("case", Value::Case),
            // Art 35: a repeat with new facts restarts the period of the report that goes on; a mere repeat doesn't.
            may("new_facts", Value::Bool),
            may("reason", Value::Text(2000)),
        ],
        guards: &[Guard::TargetFits],
        clocks: &[ClockEffect::StopAll, ClockEffect::NotifyIfAccepted],
        marks: &[Mark::StationEnded, Mark::Disposed, Mark::Closed],
        notices: &[to_complainant("merge")],
    },
    Transition {
        action: Action::Rate,
        kinds: BOTH,
        from: ENDS,
        to: To::Stay,
        by: &[Role::Consumer],
        fields: &[
            must("solved", Value::Bool),
            must("satisfied", Value::Number(1, 5)),
            must("contacted", Value::Bool),
            may("text", Value::Text(2000)),
        ],
        guards: &[Guard::RatingOpen],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Reopen,
        kinds: BOTH,
        from: ENDS,
        to: To::State(State::Dispatched),
        by: &[Role::Consumer, Role::Supervisor],
        fields: &[must("reason", Value::Text(2000))],
        guards: &[Guard::NotReopened, Guard::ReopenInTime],
        clocks: &[ClockEffect::StopAll, ClockEffect::StartDecision],
        marks: &[Mark::Reopened],
        notices: &[to_complainant("reopening")],
    },
    // By the system when both notices went out, by the officer who told them in person: without it `NOTIFY` would never end.
    Transition {
        action: Action::Inform,
        kinds: COMPLAINT,
        from: ENDS,
        to: To::Stay,
        by: &[Role::Officer, Role::System],
        fields: &[may("note", Value::Text(2000))],
        guards: &[Guard::NoticeOwed],
        clocks: &[ClockEffect::Stop(ClockKind::Notify)],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Assign,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: STAFF,
        fields: &[must("to", Value::User)],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Note,
        kinds: BOTH,
        from: EVERYWHERE,
        to: To::Stay,
        by: STAFF,
        fields: &[must("text", Value::Text(4000))],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Remind,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Consumer, Role::Dispatcher, Role::Supervisor, Role::System],
        fields: &[may("text", Value::Text(2000))],
        guards: &[Guard::ReminderSpaced],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Urge,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Dispatcher, Role::Supervisor, Role::System],
        fields: &[may("text", Value::Text(2000))],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Supervise,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Supervisor, Role::System],
        fields: &[
            Field { name: "text", value: Value::Text(2000), required: Required::Of(&[Role::Supervisor]) },
            may("deadline", Value::DateAhead),
        ],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Circulate,
        kinds: BOTH,
        from: OPEN,
        to: To::Stay,
        by: &[Role::Supervisor, Role::System],
        fields: &[Field { name: "text", value: Value::Text(2000), required: Required::Of(&[Role::Supervisor]) }],
        guards: &[],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    // After the end one limit still runs: that both sides are told of it (Art 23 ¶2). It acts as the others do.
    Transition {
        action: Action::Remind,
        kinds: COMPLAINT,
        from: ENDS,
        to: To::Stay,
        by: &[Role::System],
        fields: &[],
        guards: &[Guard::NoticeOwed],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Urge,
        kinds: COMPLAINT,
        from: ENDS,
        to: To::Stay,
        by: &[Role::System],
        fields: &[],
        guards: &[Guard::NoticeOwed],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Supervise,
        kinds: COMPLAINT,
        from: ENDS,
        to: To::Stay,
        by: &[Role::System],
        fields: &[may("text", Value::Text(2000))],
        guards: &[Guard::NoticeOwed],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
    Transition {
        action: Action::Circulate,
        kinds: COMPLAINT,
        from: ENDS,
        to: To::Stay,
        by: &[Role::System],
        fields: &[may("text", Value::Text(2000))],
        guards: &[Guard::NoticeOwed],
        clocks: &[],
        marks: &[],
        notices: &[],
    },
];

const SETTLEMENT: &[Field] = &[
    must("outcome", Value::Code(&["self_settled", "mediated"])),
    must("amount", Value::Money),
    // An agreement may have been performed on the spot, or before it is recorded.
    must("performance_date", Value::Date),
    Field { name: "represented_consent", value: Value::Bool, required: Required::WhenRepresented },
    may("consumer_confirmed", Value::Bool),
    may("record", Value::Text(4000)),
];

const EVERYWHERE: &[State] = State::ALL;

/// The row for an action on a case of this kind in this state, whoever takes it.
pub fn find(kind: Kind, state: State, action: Action) -> Option<&'static Transition> {
    TABLE.iter().find(|row| row.action == action && row.kinds.contains(&kind) && row.from.contains(&state))
}

/// The rows that a role may take on a case of this kind in this state, guards aside.
pub fn open_to(kind: Kind, state: State, role: Role) -> impl Iterator<Item = &'static Transition> {
    TABLE.iter().filter(move |row| row.kinds.contains(&kind) && row.from.contains(&state) && row.by.contains(&role))
}

impl Field {
    /// Whether this role must give it for this case.
    pub fn is_required(&self, role: Role, case: &Case) -> bool {
        match self.required {
            Required::Always => true,
            Required::Never => false,
            Required::Of(roles) => roles.contains(&role),
            Required::WhenRepresented => case.representatives > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    /// The states to which a row can lead from `from`.
    fn ends_of(row: &Transition, from: State) -> Vec<State> {
        match row.to {
            To::Stay => vec![from],
            To::State(state) => vec![state],
            To::Decision => vec![State::Filed, State::NotFiled],
            To::Supplied if from == State::IdRequested => vec![State::Dispatched],
            To::Supplied => vec![from],
        }
    }

    fn steps(kind: Kind, from: State) -> impl Iterator<Item = State> {
        TABLE
            .iter()
            .filter(move |row| row.kinds.contains(&kind) && row.from.contains(&from))
            .flat_map(move |row| ends_of(row, from))
    }

    /// Every state that a case of this kind can come to from one of `from`.
    fn reachable(kind: Kind, from: &[State]) -> BTreeSet<State> {
        let mut seen: BTreeSet<State> = from.iter().copied().collect();
        let mut waiting = from.to_vec();
        while let Some(state) = waiting.pop() {
            waiting.extend(steps(kind, state).filter(|next| seen.insert(*next)));
        }
        seen
    }

    /// Where the filing may put a case of this kind.
    fn starts(kind: Kind) -> &'static [State] {
        match kind {
            Kind::Complaint => &[State::Received, State::Triage, State::Negotiating, State::Dispatched],
            Kind::Report => &[State::Received, State::Triage, State::Dispatched],
        }
    }

    #[test]
    fn a_step_stands_in_one_row_at_most() {
        for kind in Kind::ALL {
            for state in State::ALL {
                for action in Action::ALL {
                    let rows = TABLE
                        .iter()
                        .filter(|row| row.action == *action && row.kinds.contains(kind) && row.from.contains(state))
                        .count();
                    assert!(rows <= 1, "{kind} {state} {action}");
                    assert_eq!(find(*kind, *state, *action).is_some(), rows == 1);
                }
            }
        }
    }

    #[test]
    fn every_action_but_those_of_the_service_has_a_row() {
        for action in Action::ALL {
            let of_the_service = matches!(
                action,
                Action::File
                    | Action::Attach
                    | Action::Issue
                    | Action::Deliver
                    | Action::Correct
                    | Action::Join
                    | Action::Recompute
            );
            let expected = !of_the_service;
            assert_eq!(TABLE.iter().any(|row| row.action == *action), expected, "{action}");
        }
    }

    #[test]
    fn open_states_and_ends_are_all_there_are() {
        for state in State::ALL {
            assert_eq!((OPEN.contains(state), ENDS.contains(state)), (!state.is_end(), state.is_end()), "{state}");
        }
    }

    #[test]
    fn an_end_is_left_only_by_reopening() {
        for kind in Kind::ALL {
            for end in ENDS {
                for row in TABLE.iter().filter(|row| row.kinds.contains(kind) && row.from.contains(end)) {
                    assert!(row.to == To::Stay || row.action == Action::Reopen, "{end} {}", row.action);
                    let for_people =
                        matches!(row.action, Action::Rate | Action::Reopen | Action::Inform | Action::Note);
                    assert!(for_people || row.by == [Role::System].as_slice(), "{end} {}", row.action);
                }
            }
        }
    }

    #[test]
    fn every_state_can_be_come_to_and_left_for_an_end() {
        let mut all = BTreeSet::new();
        for kind in Kind::ALL {
            for state in reachable(*kind, starts(*kind)) {
                assert!(reachable(*kind, &[state]).iter().any(|state| state.is_end()), "{kind} {state}");
                all.insert(state);
            }
        }
        assert_eq!(all, State::ALL.iter().copied().collect());
    }

    #[test]
    fn each_kind_keeps_to_its_own_states() {
        let of = |kind| reachable(kind, starts(kind));
        let only_reports = [State::Verifying, State::Filed, State::NotFiled];
        let only_complaints = [
            State::Negotiating,
            State::IdRequested,
            State::Accepted,
            State::Mediating,
            State::Suspended,
            State::Settled,
            State::Terminated,
            State::Refused,
        ];
        assert!(only_reports.iter().all(|state| !of(Kind::Complaint).contains(state)));
        assert!(only_complaints.iter().all(|state| !of(Kind::Report).contains(state)));
    }

    #[test]
    fn whoever_may_take_a_step_is_offered_it() {
        for kind in Kind::ALL {
            for state in State::ALL {
                for role in Role::ALL {
                    for row in open_to(*kind, *state, *role) {
                        let found = find(*kind, *state, row.action).unwrap();
                        assert!(std::ptr::eq(found, row) && row.by.contains(role));
                    }
                }
            }
        }
        let nothing = |role| State::ALL.iter().all(|state| open_to(Kind::Complaint, *state, role).next().is_none());
        assert!(nothing(Role::Auditor) && nothing(Role::Admin));
    }

    #[test]
    fn rows_are_sound_in_themselves() {
        for row in TABLE {
            let states: BTreeSet<_> = row.from.iter().collect();
            let names: BTreeSet<_> = row.fields.iter().map(|field| field.name).collect();
            assert!(!row.kinds.is_empty() && !row.from.is_empty() && !row.by.is_empty(), "{}", row.action);
            assert_eq!((states.len(), names.len()), (row.from.len(), row.fields.len()), "{}", row.action);
            for field in row.fields {
                if let Required::Of(roles) = field.required {
                    assert!(roles.iter().all(|role| row.by.contains(role)), "{} {}", row.action, field.name);
                }
            }
            let deadline = row.fields.iter().any(|field| field.name == "deadline" && field.value == Value::DateAhead);
            let needs = row.clocks.iter().any(|effect| matches!(effect, ClockEffect::StartUntilDeadline(_)));
            assert!(deadline || !needs, "{}", row.action);
            let decision = row.fields.iter().any(|field| field.name == "decision");
            assert_eq!(row.to == To::Decision, decision, "{}", row.action);
        }
    }

    #[test]
    fn every_way_to_an_end_closes_and_stops_the_clocks() {
        for row in TABLE {
            let ends = row.from.iter().any(|from| !from.is_end() && ends_of(row, *from).iter().any(|to| to.is_end()));
            assert_eq!(ends, row.marks.contains(&Mark::Closed), "{}", row.action);
            assert_eq!(
                ends,
                row.clocks.contains(&ClockEffect::StopAll) && row.action != Action::Reopen,
                "{}",
                row.action
            );
        }
    }

    /// Ending an accepted complaint owes both sides word of it within 7 working days (Art 23 ¶2).
    #[test]
    fn ending_an_accepted_complaint_starts_the_notice() {
        for row in TABLE.iter().filter(|row| row.marks.contains(&Mark::Closed) && row.kinds.contains(&Kind::Complaint))
        {
            let accepted =
                row.from.iter().any(|from| matches!(from, State::Accepted | State::Mediating | State::Suspended));
            if accepted {
                assert!(row.clocks.contains(&ClockEffect::NotifyIfAccepted), "{}", row.action);
            }
        }
    }

    /// Art 41: a unit without competence gives the case back to the dispatcher, never to another office.
    #[test]
    fn no_officer_hands_a_case_to_another_office() {
        for row in TABLE.iter().filter(|row| row.fields.iter().any(|field| field.value == Value::Office)) {
            assert!(!row.by.contains(&Role::Officer), "{}", row.action);
        }
    }
}

//! Every kind, state, action and role against what the design says (6, "States and actions"), written here by hand and
//! independently of the table, so that a change of either shows.

use super::fixture::{Story, day, fields, reference};
use crate::domain::case::{CaseId, Consents};
use crate::domain::clock::Clock;
use crate::domain::vocabulary::{Action, ClockKind, Kind, Role, State};
use crate::track::{Opening, Refused, available_actions};
use serde_json::json;
use uuid::Uuid;

/// Action, kinds (`C`omplaint, `R`eport), states before, state after (`=` stays), roles.
type Line = (&'static str, &'static str, &'static str, &'static str, &'static str);

const OPEN: &str =
    "received triage negotiating dispatched returned id_requested accepted mediating suspended verifying";
const ENDS: &str = "settled terminated refused withdrawn transferred filed not_filed merged";

const EXPECTED: &[Line] = &[
    ("dispatch", "CR", "triage received returned", "dispatched", "dispatcher system"),
    ("return", "CR", "dispatched", "returned", "officer"),
    ("designate", "CR", "returned", "dispatched", "supervisor"),
    ("hand_over", "C", "negotiating", "dispatched", "station consumer system"),
    ("request_id", "C", "dispatched", "id_requested", "officer"),
    ("supply", "CR", "id_requested", "dispatched", "consumer officer station"),
    ("supply", "CR", "received triage negotiating dispatched returned", "=", "consumer officer station"),
    ("accept", "C", "dispatched id_requested", "accepted", "officer"),
    ("refuse", "C", "dispatched id_requested", "refused", "officer"),
    ("record_consent", "C", "accepted", "=", "officer consumer merchant"),
    ("start_mediation", "C", "accepted", "mediating", "officer"),
    ("suspend", "C", "mediating", "suspended", "officer"),
    ("resume", "C", "suspended", "mediating", "officer"),
    ("settle", "C", "negotiating", "settled", "station"),
    ("settle", "C", "accepted mediating", "settled", "officer"),
    ("terminate", "C", "accepted mediating suspended", "terminated", "officer"),
    ("withdraw", "CR", OPEN, "withdrawn", "consumer"),
    ("transfer", "CR", "dispatched id_requested accepted mediating suspended verifying", "transferred", "officer"),
    ("transfer", "CR", "received triage returned", "transferred", "dispatcher"),
    ("verify", "R", "dispatched", "verifying", "officer"),
    ("extend", "R", "dispatched verifying", "verifying", "officer"),
    ("decide_filing", "R", "dispatched verifying", "filed", "officer"),
    ("split", "CR", OPEN, "=", "officer dispatcher"),
    ("link", "CR", OPEN, "=", "officer dispatcher"),
    ("merge_into", "CR", OPEN, "merged", "officer dispatcher"),
    ("rate", "CR", ENDS, "=", "consumer"),
    ("reopen", "CR", ENDS, "dispatched", "consumer supervisor"),
    ("inform", "C", ENDS, "=", "officer system"),
    ("assign", "CR", OPEN, "=", "station officer dispatcher supervisor"),
    ("note", "CR", OPEN, "=", "station officer dispatcher supervisor"),
    ("note", "CR", ENDS, "=", "station officer dispatcher supervisor"),
    ("remind", "CR", OPEN, "=", "consumer dispatcher supervisor system"),
    ("urge", "CR", OPEN, "=", "dispatcher supervisor system"),
    ("supervise", "CR", OPEN, "=", "supervisor system"),
];

#[derive(Debug, PartialEq, Eq)]
enum Answer {
    To(State),
    NotInThisState,
    NeverThisRole,
    Other(String),
}

fn lists(words: &str, word: &str) -> bool {
    words.split(' ').any(|one| one == word)
}

fn expected(lines: &[Line], kind: Kind, state: State, action: Action, role: Role) -> Answer {
    let letter = if kind == Kind::Complaint { 'C' } else { 'R' };
    let mine: Vec<_> = lines
        .iter()
        .filter(|line| line.0 == action.code() && line.1.contains(letter) && lists(line.4, role.code()))
        .collect();
    if mine.is_empty() {
        return Answer::NeverThisRole;
    }
    match mine.iter().find(|line| lists(line.2, state.code())) {
        None => Answer::NotInThisState,
        Some(line) if line.3 == "=" => Answer::To(state),
        Some(line) => Answer::To(State::parse(line.3).expect("a state")),
    }
}

/// A case in a state with every condition met.
fn ready(kind: Kind, state: State, action: Action) -> Story {
    let mut story = Story::new(kind, "2026-06-01");
    story.case.state = state;
    story.case.in_dispute = action == Action::Designate;
    story.case.consents = Consents { complainant: Some(true), respondent: Some(true) };
    if state.is_end() {
        story.case.milestones.closed = Some(story.today);
        let notify = Clock { kind: ClockKind::Notify, ..story.case.clocks[0].clone() };
        story.case.clocks.push(notify);
    }
    let mut other = story.case.clone();
    other.id = CaseId(Uuid::from_u128(2));
    other.reference = reference(2);
    other.state = State::Dispatched;
    story.others.insert(reference(2), other);
    story
}

fn answer(kind: Kind, state: State, action: Action, role: Role) -> Answer {
    let story = ready(kind, state, action);
    let mut given = fields(action, story.today);
    if action == Action::RecordConsent {
        given = json!({"given": true, "party": if role == Role::Merchant { "respondent" } else { "complainant" }});
    }
    let took = story.tried(role, action, given);
    let accounts = ["li".to_owned()];
    let offered = available_actions(&story.catalogue, &story.case, role, &story.context(&accounts));
    let offered: Vec<_> = offered.iter().map(|offer| offer.action).collect();
    assert_eq!(offered.contains(&action), took.is_ok(), "{kind} {state} {action} {role}: what is offered can be done");
    match took {
        Ok(step) => {
            assert_eq!((step.from, step.action, step.to), (state, action, step.case.state));
            assert_eq!(step.case.version, story.case.version + 1);
            Answer::To(step.to)
        }
        Err(Refused::NotAllowedForRole) => Answer::NeverThisRole,
        Err(Refused::NotNow { blocked: None, allowed }) => {
            assert_eq!(allowed, offered);
            Answer::NotInThisState
        }
        Err(other) => Answer::Other(format!("{other:?}")),
    }
}

fn differences(lines: &[Line]) -> Vec<String> {
    let mut found = Vec::new();
    for &kind in Kind::ALL {
        for &state in State::ALL {
            for &action in Action::ALL {
                for &role in Role::ALL {
                    let (got, wanted) = (answer(kind, state, action, role), expected(lines, kind, state, action, role));
                    if got != wanted {
                        found.push(format!("{kind} {state} {action} {role}: {got:?}, design says {wanted:?}"));
                    }
                }
            }
        }
    }
    found
}

#[test]
fn every_step_is_what_the_design_says() {
    assert_eq!(differences(EXPECTED), Vec::<String>::new());
}

#[test]
fn a_planted_difference_shows() {
    for (index, planted) in [
        (0, ("dispatch", "CR", "triage received returned", "dispatched", "dispatcher system officer")),
        (1, ("return", "CR", "dispatched accepted", "returned", "officer")),
        (12, ("resume", "C", "suspended", "accepted", "officer")),
        (19, ("verify", "CR", "dispatched", "verifying", "officer")),
    ] {
        let mut lines = EXPECTED.to_vec();
        lines[index] = planted;
        assert!(!differences(&lines).is_empty(), "{planted:?}");
    }
}

fn blocked_by(story: &Story, role: Role, action: Action) -> &'static str {
    match story.tried(role, action, fields(action, story.today)) {
        Err(Refused::NotNow { blocked: Some(blocked), allowed }) => {
            assert!(!allowed.contains(&action));
            assert!(!blocked.detail.is_empty());
            blocked.code
        }
        other => panic!("{action}: {other:?}"),
    }
}

#[test]
fn each_condition_says_what_it_is() {
    let with = |kind, state, change: &dyn Fn(&mut Story)| {
        let mut story = ready(kind, state, Action::Note);
        change(&mut story);
        story
    };
    let complaint = |state, change: &dyn Fn(&mut Story)| with(Kind::Complaint, state, change);
    let case = complaint(State::Dispatched, &|s| s.case.missing = vec!["/complainant/phone".to_owned()]);
    assert_eq!(blocked_by(&case, Role::Officer, Action::Accept), "missing_for_acceptance");
    let case = complaint(State::Accepted, &|s| s.case.consents.respondent = Some(false));
    assert_eq!(blocked_by(&case, Role::Officer, Action::StartMediation), "consent_missing");
    let case = complaint(State::Dispatched, &|s| s.case.designated = true);
    assert_eq!(blocked_by(&case, Role::Officer, Action::Return), "designated");
    let case = complaint(State::Returned, &|s| s.case.in_dispute = true);
    assert_eq!(blocked_by(&case, Role::Dispatcher, Action::Dispatch), "in_dispute");
    let case = complaint(State::Returned, &|_| {});
    assert_eq!(blocked_by(&case, Role::Supervisor, Action::Designate), "not_in_dispute");
    let case = complaint(State::Settled, &|s| s.case.reopened = true);
    assert_eq!(blocked_by(&case, Role::Supervisor, Action::Reopen), "already_reopened");
    let case = complaint(State::Settled, &|s| _ = s.later(16));
    assert_eq!(blocked_by(&case, Role::Consumer, Action::Reopen), "reopen_too_late");
    assert!(case.tried(Role::Supervisor, Action::Reopen, fields(Action::Reopen, case.today)).is_ok());
    let case = complaint(State::Settled, &|s| s.case.clocks.clear());
    assert_eq!(blocked_by(&case, Role::Officer, Action::Inform), "no_notice_owed");
    let case = complaint(State::Dispatched, &|s| s.split_off = true);
    assert_eq!(blocked_by(&case, Role::Officer, Action::Split), "already_split");
    let mut case = complaint(State::Dispatched, &|s| s.last_reminder = Some(s.today));
    assert_eq!(blocked_by(case.later(2), Role::Consumer, Action::Remind), "reminded_recently");
    assert!(case.tried(Role::Supervisor, Action::Remind, json!({})).is_ok());
    assert!(case.later(1).tried(Role::Consumer, Action::Remind, json!({})).is_ok());
    let case = with(Kind::Report, State::Dispatched, &|s| s.case.clocks.clear());
    assert_eq!(blocked_by(&case, Role::Officer, Action::Extend), "no_extension");
    let case = with(Kind::Report, State::Dispatched, &|s| s.today = day("2026-07-01"));
    assert_eq!(blocked_by(&case, Role::Officer, Action::Extend), "limit_passed");
}

fn faults(story: &Story, role: Role, action: Action, given: serde_json::Value) -> Vec<(String, &'static str)> {
    match story.tried(role, action, given) {
        Err(Refused::Invalid(problems)) => problems.0.into_iter().map(|p| (p.pointer, p.fault.code)).collect(),
        other => panic!("{action}: {other:?}"),
    }
}

#[test]
fn all_faults_are_told_at_once_with_what_is_allowed() {
    let story = Story::new(Kind::Complaint, "2026-06-01");
    let Err(Refused::Invalid(problems)) =
        story.tried(Role::Officer, Action::Refuse, json!({"ground": "R15_1", "who/me": 1, "other_routes": 7}))
    else {
        panic!("refused for its fields");
    };
    let told: Vec<_> = problems.0.iter().map(|p| (p.pointer.as_str(), p.fault.code)).collect();
    assert_eq!(
        told,
        [
            ("/who~1me", "unknown_field"),
            ("/ground", "unknown_value"),
            ("/reason", "required"),
            ("/other_routes", "type"),
        ]
    );
    let allowed = problems.0[1].fault.allowed.as_deref();
    assert_eq!(allowed, Some("R16_1, R16_2, R16_3, R16_4, R16_5, R16_6, R16_7"));
}

#[test]
fn fields_are_held_to_the_case() {
    let one = |pointer: &str, code| vec![(pointer.to_owned(), code)];
    let mut story =
        Story::opened(Kind::Complaint, "2026-06-01", |_| {}, Opening { unroutable: true, ..Opening::default() });
    let dispatch =
        |story: &Story, office: &str| faults(story, Role::Dispatcher, Action::Dispatch, json!({ "office": office }));
    assert_eq!(dispatch(&story, "amr-999999"), one("/office", "unknown_value"));
    assert_eq!(dispatch(&story, "amr-320102"), one("/office", "unknown_value"), "no longer in force");
    assert_eq!(dispatch(&story, "ccpc-320115"), one("/office", "not_enforcing"));
    let bad = json!({"office": "amr-320115", "sector": "cars"});
    assert_eq!(faults(&story, Role::Dispatcher, Action::Dispatch, bad), one("/sector", "unknown_value"));

    story.case.state = State::Accepted;
    let settle = |date: &str, outcome| json!({"outcome": outcome, "amount": "1.00", "performance_date": date});
    let mediated = faults(&story, Role::Officer, Action::Settle, settle("2026-06-01", "mediated"));
    assert_eq!(mediated, one("/outcome", "unknown_value"), "nothing was mediated yet");
    let garbled = faults(&story, Role::Officer, Action::Settle, settle("31.5.2026", "self_settled"));
    assert_eq!(garbled, one("/performance_date", "date"));
    story.case.representatives = 2;
    let alone = faults(&story, Role::Officer, Action::Settle, settle("2026-06-01", "self_settled"));
    assert_eq!(alone, one("/represented_consent", "required"));
    let mut given = settle("2026-06-01", "self_settled");
    given["represented_consent"] = json!(false);
    assert_eq!(faults(&story, Role::Officer, Action::Settle, given), one("/represented_consent", "consent_missing"));

    let other = json!({"given": true, "party": "respondent"});
    assert_eq!(faults(&story, Role::Consumer, Action::RecordConsent, other), one("/party", "not_your_party"));
    assert_eq!(faults(&story, Role::Officer, Action::RecordConsent, json!({"given": true})), one("/party", "required"));
    assert_eq!(faults(&story, Role::Officer, Action::Assign, json!({"to": "nobody"})), one("/to", "unknown_value"));
    let own = json!({"cases": [story.case.reference]});
    assert_eq!(faults(&story, Role::Officer, Action::Link, own), one("/cases/0", "unknown_value"));
    let mut closed = story.case.clone();
    closed.id = CaseId(Uuid::from_u128(2));
    closed.state = State::Settled;
    story.others.insert(reference(2), closed);
    let merge = json!({"case": reference(2)});
    assert_eq!(faults(&story, Role::Officer, Action::MergeInto, merge), one("/case", "target_unfit"));

    story.case.state = State::Dispatched;
    assert_eq!(faults(&story, Role::Consumer, Action::Supply, json!({})), one("", "required"));
    let party = json!({"complainant": {"phone": "", "age": 3}});
    let told = faults(&story, Role::Consumer, Action::Supply, party);
    assert_eq!(told, [("/complainant/age".to_owned(), "unknown_field"), ("/complainant/phone".to_owned(), "required")]);
    story.case.state = State::Settled;
    story.case.milestones.closed = Some(story.today);
    let rating = json!({"solved": "yes", "satisfied": 6, "contacted": false});
    let told = faults(&story, Role::Consumer, Action::Rate, rating);
    assert_eq!(told, [("/solved".to_owned(), "type"), ("/satisfied".to_owned(), "range")]);
}

#[test]
fn what_is_offered_lists_the_codes_of_the_rule_version() {
    let story = Story::new(Kind::Complaint, "2026-04-14");
    let accounts = ["li".to_owned()];
    let offered = available_actions(&story.catalogue, &story.case, Role::Officer, &story.context(&accounts));
    let refuse = offered.iter().find(|offer| offer.action == Action::Refuse).expect("offered");
    let written = serde_json::to_value(refuse).expect("JSON");
    assert_eq!(
        written["fields"][0],
        json!({
            "name": "ground", "required": true, "type": "code",
            "allowed": ["R15_1", "R15_2", "R15_3", "R15_4", "R15_5", "R15_6"],
        })
    );
    assert_eq!(written["fields"][1]["max_length"], 4000);
}

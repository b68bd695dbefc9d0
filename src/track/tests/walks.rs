//! Random walks: whatever people try in whatever order, the case stays sound.

use super::fixture::{Story, fields, reference};
use crate::domain::case::CaseId;
use crate::domain::fact::Fact;
use crate::domain::vocabulary::{Action, Kind, Role};
use crate::measure::facts::facts;
use crate::track::{Opening, fold, patch};
use proptest::prelude::*;
use serde_json::json;
use uuid::Uuid;

/// Facts that, once shown, stay.
const LASTING: &[Fact] = &[
    Fact::Received,
    Fact::Disposed,
    Fact::Decided,
    Fact::DecidedInTime,
    Fact::Accepted,
    Fact::StationEnded,
    Fact::Rated,
    Fact::Returned,
    Fact::Reopened,
    Fact::ReportVerified,
    Fact::ReportVerifiedInTime,
];

/// What can still happen at an end.
const AT_AN_END: &[Action] = &[Action::Rate, Action::Reopen, Action::Note, Action::Inform];

/// What the service alone does there, and only while word to both sides is owed (`NOTIFY`).
const WHILE_WORD_IS_OWED: &[Action] = &[Action::Remind, Action::Urge, Action::Supervise, Action::Circulate];

fn given(action: Action, variant: u8, story: &Story) -> serde_json::Value {
    match (action, variant % 4) {
        (Action::RecordConsent, v) => {
            json!({"given": v != 0, "party": if v == 1 { "complainant" } else { "respondent" }})
        }
        (Action::Settle, 1) => json!({"outcome": "mediated", "amount": "5", "performance_date": story.today}),
        (Action::Suspend, 1) => json!({"cause": "recusal"}),
        (Action::Dispatch, 1) => json!({"office": "post-320100", "sector": "courier"}),
        (Action::Supply, 1) => json!({"complainant": {"phone": "13800138000"}}),
        (Action::MergeInto, 1) => json!({"case": reference(2), "new_facts": true}),
        // Grounds of each rule version; the wrong one is refused.
        (Action::Refuse, 1) => json!({"ground": "R15_1", "reason": "理由"}),
        (Action::Refuse, 2) => json!({"ground": "OR_1", "reason": "理由"}),
        (Action::Terminate, 1) => json!({"ground": "T21_1", "reason": "理由"}),
        (Action::Terminate, 2) => json!({"ground": "OT_1", "reason": "理由"}),
        (_, 3) => json!({"surprise": [1, null], "reason": 4, "ground": {}, "case": "x", "cases": "y", "amount": -1}),
        _ => fields(action, story.today),
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 192, ..ProptestConfig::default() })]

    #[test]
    fn a_walk_keeps_the_case_sound(
        report in any::<bool>(),
        settle_first in any::<bool>(),
        abstained in any::<bool>(),
        day in 0_u16..900,
        // An offered action is taken more often than not, so that walks go somewhere.
        steps in proptest::collection::vec((any::<u8>(), any::<u8>(), any::<u8>(), 0_i64..12, 0_u8..4), 1..60),
    ) {
        let kind = if report { Kind::Report } else { Kind::Complaint };
        let mut story = Story::opened(kind, "2024-06-01", |case| {
            case.settle_first = settle_first;
            case.abstained = abstained;
            case.missing = vec!["/complainant/phone".to_owned()];
        }, Opening::default());
        // Another day of receipt, under another rule.
        let received = story.today.checked_add(jiff::Span::new().days(i64::from(day))).unwrap();
        let mut case = super::fixture::half_built(&story.catalogue, kind, received);
        case.settle_first = settle_first;
        case.abstained = abstained;
        case.missing = vec!["/complainant/phone".to_owned()];
        story.case = crate::track::open(&story.catalogue, case, Opening::default()).unwrap();
        story.today = received;
        let mut other = story.case.clone();
        other.id = CaseId(Uuid::from_u128(2));
        other.reference = reference(2);
        story.others.insert(reference(2), other);

        let mut patches = vec![patch(None, &story.case)];
        for (which, who, variant, wait, free) in steps {
            story.later(wait);
            let mut role = Role::ALL[usize::from(who) % Role::ALL.len()];
            let mut action = Action::ALL[usize::from(which) % Action::ALL.len()];
            if free != 0 {
                let rows: Vec<_> = Role::ALL
                    .iter()
                    .flat_map(|role| {
                        let open = crate::domain::transition::open_to(story.case.kind, story.case.state, *role);
                        open.map(|row| (*role, row.action))
                    })
                    .collect();
                (role, action) = rows[(usize::from(which) * 256 + usize::from(who)) % rows.len()];
            }
            let before = story.case.clone();
            let Ok(step) = story.tried(role, action, given(action, variant, &story)) else { continue };
            let after = step.case.clone();
            prop_assert_eq!(after.version, before.version + 1);
            prop_assert_eq!((step.from, step.to), (before.state, after.state));
            if before.state.is_end() {
                let notify = crate::domain::vocabulary::ClockKind::Notify;
                let owed = before.clocks.iter().any(|clock| clock.kind == notify && clock.is_running());
                let by_service = role == Role::System && owed && WHILE_WORD_IS_OWED.contains(&action);
                prop_assert!(AT_AN_END.contains(&action) || by_service, "{} at {}", action, before.state);
            }
            prop_assert_eq!(after.state.is_end(), after.milestones.closed.is_some());
            prop_assert_eq!(after.milestones.closed.is_some(), after.milestones.closed_in_time.is_some());
            if after.state.is_end() {
                let open = |clock: &&crate::domain::clock::Clock| clock.stopped_on.is_none();
                let running: Vec<_> = after.clocks.iter().filter(open).map(|clock| clock.kind).collect();
                prop_assert!(running.iter().all(|kind| *kind == crate::domain::vocabulary::ClockKind::Notify), "{running:?}");
            }
            for clock in &after.clocks {
                prop_assert!(clock.due >= clock.start && clock.stopped_on.is_none_or(|on| on >= clock.start));
                let same = after.clocks.iter().filter(|one| one.kind == clock.kind && one.stopped_on.is_none()).count();
                prop_assert!(same <= 1, "two running {}", clock.kind);
            }
            let (was, now) = (facts(&before), facts(&after));
            for fact in LASTING {
                // A decision that was missed is awaited again when the case is opened again.
                let anew = action == Action::Reopen && before.milestones.decided.is_none();
                let awaited = anew && matches!(fact, Fact::Decided | Fact::ReportVerified);
                prop_assert!(!was.has(*fact) || now.has(*fact) || awaited, "{fact:?} lost by {action}");
            }
            for (part, whole) in [
                (Fact::DecidedInTime, Fact::Decided),
                (Fact::ClosedInTime, Fact::Closed),
                (Fact::SelfSettled, Fact::StationEnded),
                (Fact::Agreed, Fact::Closed),
                (Fact::MediatedAgreed, Fact::MediationEnded),
                (Fact::Satisfied, Fact::Rated),
                (Fact::ReportVerifiedInTime, Fact::ReportVerified),
            ] {
                prop_assert!(!now.has(part) || now.has(whole), "{part:?} without {whole:?}");
            }
            let written = format!("{}{}", step.open, patch(Some(&before), &after));
            prop_assert!(!written.contains("13800138000") && !written.contains("理由"), "{written}");
            patches.push(patch(Some(&before), &after));
            prop_assert_eq!(patches.len(), usize::try_from(after.version).unwrap());
            story.case = after;
        }
        prop_assert_eq!(fold(&patches).unwrap(), story.case);
    }
}

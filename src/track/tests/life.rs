//! Whole lives of cases, step by step.

use super::fixture::{Story, calendar, day, fields, half_built, place, reference};
use crate::domain::case::CaseId;
use crate::domain::fact::Fact;
use crate::domain::transition::Owed;
use crate::domain::vocabulary::{
    Action, Channel, ClockKind, Kind, Outcome, PartyRole, Regime, Role, SectorSource, State,
};
use crate::measure::facts::facts;
use crate::track::{Opening, Refused, Relation, cases_named, fold, open, patch, recompute};
use serde_json::json;
use uuid::Uuid;

fn has(story: &Story, fact: Fact) -> bool {
    facts(&story.case).has(fact)
}

#[test]
fn a_new_case_stands_where_it_belongs() {
    let state = |kind, change: &dyn Fn(&mut crate::domain::case::Case), opening| {
        let story = Story::opened(kind, "2026-06-01", change, opening);
        let kinds: Vec<_> = story.case.clocks.iter().map(|clock| clock.kind).collect();
        (story.case.state, kinds, story.case.milestones.decision_due)
    };
    let plain = Opening::default();
    let counter = Opening { at_station: true, ..plain };
    let lost = Opening { unroutable: true, ..plain };
    let station = vec![ClockKind::StationContact, ClockKind::StationEnd];
    assert_eq!(
        state(Kind::Complaint, &|_| {}, plain),
        (State::Dispatched, vec![ClockKind::Accept], Some(day("2026-06-10")))
    );
    assert_eq!(
        state(Kind::Report, &|_| {}, plain),
        (State::Dispatched, vec![ClockKind::ReportFile], Some(day("2026-06-23")))
    );
    assert_eq!(state(Kind::Complaint, &|c| c.settle_first = true, plain), (State::Negotiating, station.clone(), None));
    assert_eq!(state(Kind::Complaint, &|c| c.channel = Channel::Counter, counter), (State::Negotiating, station, None));
    assert_eq!(
        state(Kind::Complaint, &|c| c.channel = Channel::Counter, plain).0,
        State::Dispatched,
        "an office's counter"
    );
    assert_eq!(
        state(Kind::Report, &|c| c.settle_first = true, plain).0,
        State::Dispatched,
        "a report never negotiates"
    );
    let nowhere = |c: &mut crate::domain::case::Case| {
        c.settle_first = true;
        c.station = None;
    };
    assert_eq!(state(Kind::Complaint, &nowhere, plain).0, State::Dispatched);
    let unsure = |c: &mut crate::domain::case::Case| {
        c.settle_first = true;
        c.abstained = true;
    };
    assert_eq!(state(Kind::Complaint, &unsure, plain), (State::Triage, vec![], None));
    assert_eq!(state(Kind::Report, &|_| {}, lost), (State::Triage, vec![], None));

    let story = Story::new(Kind::Complaint, "2026-06-01");
    let mut odd = half_built(&story.catalogue, Kind::Complaint, day("2026-06-01"));
    odd.rule = "order-7".to_owned();
    assert_eq!(open(&story.catalogue, odd, plain).map_err(|fault| fault.code), Err("no_rule"));
}

#[test]
fn a_complaint_from_acceptance_to_a_mediated_end_and_its_rating() {
    let mut story = Story::opened(
        Kind::Complaint,
        "2026-06-01",
        |case| case.missing = vec!["/complainant/phone".to_owned(), "/demands".to_owned()],
        Opening::default(),
    );
    story.at("2026-06-03");
    let step = story.takes(
        Role::Consumer,
        Action::Supply,
        json!({"complainant": {"phone": "13800138000"}, "demands": ["refund"], "note": "补充"}),
    );
    assert_eq!(story.case.missing, Vec::<String>::new());
    assert_eq!(step.supplied.len(), 1);
    assert_eq!(step.supplied[0].0, PartyRole::Complainant);
    assert_eq!(step.open, json!({"demands": ["refund"], "supplied": ["/complainant/phone", "/demands"]}));
    assert_eq!(step.personal, Some(json!({"note": "补充"})));
    assert!(
        !step.open.to_string().contains("13800138000") && !patch(None, &story.case).to_string().contains("13800138000")
    );

    story.at("2026-06-10").takes(Role::Officer, Action::Accept, json!({}));
    assert!(has(&story, Fact::DecidedInTime) && has(&story, Fact::Disposed) && has(&story, Fact::Accepted));
    assert_eq!(story.clock(ClockKind::Mediate).due, day("2026-08-09"));
    story.takes(Role::Consumer, Action::RecordConsent, json!({"given": true, "entrusted_body": "消保委"}));
    assert!(story.case.entrust_consent);
    let refused = story.tried(Role::Officer, Action::StartMediation, json!({}));
    assert!(matches!(refused, Err(Refused::NotNow { blocked: Some(_), .. })));
    story.takes(Role::Merchant, Action::RecordConsent, json!({"given": true}));
    story.at("2026-06-15").takes(Role::Officer, Action::StartMediation, json!({}));
    story.at("2026-06-20").takes(Role::Officer, Action::Suspend, json!({"cause": "recusal"}));
    assert!(story.clock(ClockKind::Mediate).is_running(), "a recusal doesn't stop the clock");
    story.at("2026-06-22").takes(Role::Officer, Action::Resume, json!({}));
    assert_eq!(story.clock(ClockKind::Mediate).due, day("2026-08-09"));
    story.at("2026-06-23").takes(Role::Officer, Action::Suspend, json!({"cause": "testing"}));
    assert_eq!(story.case.suspended_for.as_deref(), Some("testing"));
    story.at("2026-07-03").takes(Role::Officer, Action::Resume, json!({}));
    assert_eq!((story.clock(ClockKind::Mediate).due, story.case.suspended_for.as_deref()), (day("2026-08-19"), None));
    let step = story.at("2026-08-19").takes(
        Role::Officer,
        Action::Settle,
        json!({"outcome": "mediated", "amount": "2680.00", "performance_date": "2026-08-30", "record": "双方同意"}),
    );
    assert_eq!(step.open, json!({"amount": "2680.00", "outcome": "mediated", "performance_date": "2026-08-30"}));
    assert_eq!((story.case.outcome, story.case.ground.as_deref()), (Some(Outcome::Mediated), None));
    assert_eq!(story.case.recovered.map(|amount| amount.to_string()).as_deref(), Some("2680.00"));
    for fact in [Fact::Closed, Fact::ClosedInTime, Fact::Agreed, Fact::MediationEnded, Fact::MediatedAgreed] {
        assert!(has(&story, fact), "{fact:?}");
    }
    assert_eq!(story.clock(ClockKind::Notify).due, day("2026-08-28"));
    assert_eq!(story.case.next_due(), Some(day("2026-08-28")));
    story.at("2026-08-20").takes(Role::System, Action::Inform, json!({}));
    assert_eq!(story.case.next_due(), None);

    story.at("2026-08-21").takes(
        Role::Consumer,
        Action::Rate,
        json!({"solved": true, "satisfied": 4, "contacted": true}),
    );
    assert!(has(&story, Fact::Satisfied) && has(&story, Fact::Solved) && has(&story, Fact::Contacted));
    story.at("2026-09-10").takes(
        Role::Consumer,
        Action::Rate,
        json!({"solved": false, "satisfied": 2, "contacted": true}),
    );
    assert!(has(&story, Fact::Rated) && !has(&story, Fact::Satisfied));
    assert_eq!(story.case.rating.as_ref().map(|rating| rating.on), Some(day("2026-08-21")), "the first day counts");
    let late = story.at("2026-09-11").tried(Role::Consumer, Action::Rate, fields(Action::Rate, day("2026-09-11")));
    assert!(matches!(late, Err(Refused::NotNow { blocked: Some(blocked), .. }) if blocked.code == "rating_closed"));
}

#[test]
fn a_late_decision_is_late_at_the_end_too() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    let step = story.at("2026-06-11").takes(Role::Officer, Action::Refuse, fields(Action::Refuse, day("2026-06-11")));
    assert_eq!(step.open, json!({"ground": "R16_1"}));
    assert_eq!(step.personal, Some(json!({"reason": "不属于职责", "other_routes": "协商和解；诉讼"})));
    assert!(has(&story, Fact::Decided) && !has(&story, Fact::DecidedInTime));
    assert!(has(&story, Fact::Closed) && !has(&story, Fact::ClosedInTime) && has(&story, Fact::Refused));
    assert_eq!(story.case.milestones.decision_due, Some(day("2026-06-10")), "as it was");
}

#[test]
fn proof_of_identity_is_asked_for_and_comes_in() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.takes(Role::Officer, Action::RequestId, json!({"deadline": "2026-06-05"}));
    assert_eq!(story.clock(ClockKind::IdProof).due, day("2026-06-05"));
    assert!(story.clock(ClockKind::Accept).is_running(), "the request doesn't stop the first decision");
    // The proof is an attachment; nothing else need be given.
    story.at("2026-06-04").takes(Role::Consumer, Action::Supply, json!({}));
    assert_eq!(story.case.state, State::Dispatched);
    assert!(story.clock(ClockKind::IdProof).was_kept());
}

#[test]
fn self_settlement_once_accepted_is_a_termination_in_law_by_the_rule_of_receipt() {
    for (received, ground) in [("2026-04-14", "T21_1"), ("2026-04-15", "T23_1")] {
        let mut story = Story::new(Kind::Complaint, received);
        story.later(1).takes(Role::Officer, Action::Accept, json!({}));
        let given = fields(Action::Settle, story.later(1).today);
        let step = story.takes(Role::Officer, Action::Settle, given);
        assert_eq!((story.case.ground.as_deref(), step.open["ground"].as_str()), (Some(ground), Some(ground)));
        assert!(has(&story, Fact::Agreed) && !has(&story, Fact::SelfSettled) && !has(&story, Fact::MediationEnded));
    }
}

#[test]
fn withdrawal_before_and_after_acceptance() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    let step = story.later(1).takes(Role::Consumer, Action::Withdraw, json!({"reason": "已解决"}));
    assert_eq!(story.case.ground, None);
    assert_eq!(step.notices, [Owed { notice: "withdrawal", to: PartyRole::Complainant }]);
    assert_eq!(story.case.milestones.decision_due, None, "no decision is awaited any more");
    assert!(has(&story, Fact::Withdrawn) && has(&story, Fact::ClosedInTime) && !has(&story, Fact::Disposed));

    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.takes(Role::Officer, Action::Accept, json!({}));
    let step = story.takes(Role::Consumer, Action::Withdraw, json!({"reason": "已解决"}));
    assert_eq!(story.case.ground.as_deref(), Some("T23_1"));
    assert_eq!(step.notices.len(), 2, "both sides are told of the end of an accepted complaint");
    assert!(story.clock(ClockKind::Notify).is_running());

    for (on, due) in [("2026-06-10", None), ("2026-06-11", Some(day("2026-06-10")))] {
        let mut story = Story::new(Kind::Complaint, "2026-06-01");
        story.at(on).takes(Role::Consumer, Action::Withdraw, json!({"reason": "等不及"}));
        assert_eq!(story.case.milestones.decision_due, due, "on {on}");
    }

    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.at("2026-06-11").takes(Role::Consumer, Action::Withdraw, json!({"reason": "等不及"}));
    assert_eq!(story.case.milestones.decision_due, Some(day("2026-06-10")), "it was late already");
    assert!(!has(&story, Fact::ClosedInTime));
}

#[test]
fn a_report_is_prolonged_once_and_decided() {
    let mut story = Story::opened(Kind::Report, "2026-06-01", |case| case.anonymous = true, Opening::default());
    story.takes(Role::Officer, Action::Verify, json!({}));
    let step = story.at("2026-06-23").takes(Role::Officer, Action::Extend, json!({"approval": "王局长"}));
    assert_eq!((step.open, step.personal), (json!({}), Some(json!({"approval": "王局长"}))));
    assert_eq!(story.case.milestones.decision_due, Some(day("2026-07-14")));
    let again = story.tried(Role::Officer, Action::Extend, json!({"approval": "王局长"}));
    assert!(matches!(again, Err(Refused::NotNow { blocked: Some(blocked), .. }) if blocked.code == "already_extended"));
    let step = story.at("2026-07-14").takes(
        Role::Officer,
        Action::DecideFiling,
        json!({"decision": "not_filed", "reason": "违法事实不成立"}),
    );
    assert_eq!((step.to, step.notices), (State::NotFiled, vec![]), "nobody to tell: no name was given");
    assert!(has(&story, Fact::ReportVerified) && has(&story, Fact::ReportVerifiedInTime));
    assert!(has(&story, Fact::ClosedInTime) && !has(&story, Fact::Agreed));
}

#[test]
fn the_second_return_opens_a_dispute_that_the_common_superior_ends() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.case.assigned_to = Some("li".to_owned());
    story.at("2026-06-02").takes(Role::Officer, Action::Return, json!({"reason": "无权限"}));
    assert_eq!((story.case.returns, story.case.in_dispute, story.case.milestones.decision_due), (1, false, None));
    assert_eq!(story.case.assigned_to, None);
    story.at("2026-06-03").takes(Role::Dispatcher, Action::Dispatch, json!({"office": "amr-320106"}));
    assert_eq!(story.case.with_office_since, day("2026-06-03"));
    assert_eq!(story.case.milestones.decision_due, Some(day("2026-06-12")), "the first decision starts anew");
    story.at("2026-06-04").takes(Role::Officer, Action::Return, json!({"reason": "无权限"}));
    assert!(story.case.in_dispute);
    assert_eq!(story.clock(ClockKind::CompetenceDispute).due, day("2026-06-15"));

    let designate = |office: &str| json!({"office": office, "reason": "指定"});
    let outside = story.tried(Role::Supervisor, Action::Designate, designate("amr-320205"));
    assert!(matches!(outside, Err(Refused::Invalid(problems)) if problems.0[0].fault.code == "not_common_superior"));
    story.division = Some(place("320115"));
    let below = story.tried(Role::Supervisor, Action::Designate, designate("amr-320115"));
    assert!(matches!(below, Err(Refused::Invalid(_))), "superior of one of the two only");
    story.division = Some(place("320100"));
    story.at("2026-06-08").takes(Role::Supervisor, Action::Designate, designate("amr-320115"));
    assert_eq!((story.case.state, story.case.office.as_str()), (State::Dispatched, "amr-320115"));
    assert!(story.case.designated && !story.case.in_dispute && story.clock(ClockKind::CompetenceDispute).was_kept());
    let again = story.tried(Role::Officer, Action::Return, json!({"reason": "无权限"}));
    assert!(matches!(again, Err(Refused::NotNow { blocked: Some(blocked), .. }) if blocked.code == "designated"));
    assert!(has(&story, Fact::Returned));
}

#[test]
fn dispatch_puts_the_case_under_the_rule_of_the_new_office() {
    let mut story = Story::opened(
        Kind::Complaint,
        "2026-04-14",
        |case| {
            case.abstained = true;
            case.subsector = Some("medical_beauty".to_owned());
        },
        Opening::default(),
    );
    story.at("2026-04-20").takes(
        Role::Dispatcher,
        Action::Dispatch,
        json!({"office": "post-320100", "sector": "courier"}),
    );
    let case = &story.case;
    assert_eq!((case.office.as_str(), case.department.as_str()), ("post-320100", "post"));
    assert_eq!(
        (case.division, case.regime, case.rule.as_str()),
        (place("320100"), Regime::OtherDepartments, "other-2024")
    );
    assert_eq!((case.sector.as_str(), case.subsector.as_deref()), ("courier", None));
    assert_eq!((case.sector_source, case.statutory), (SectorSource::Staff, false));
    assert_eq!((story.clock(ClockKind::OtherDept).start, case.received_on), (day("2026-04-20"), day("2026-04-14")));
    story.takes(Role::Officer, Action::Accept, json!({}));
    assert_eq!(story.clock(ClockKind::Mediate).due, day("2026-06-22"), "60 days end on a holiday: the day after it");
}

#[test]
fn the_day_of_receipt_chooses_the_rule_whatever_the_day_of_acceptance() {
    let due = |received| {
        let mut story = Story::new(Kind::Complaint, received);
        story.at("2026-04-20").takes(Role::Officer, Action::Accept, json!({}));
        let clock = story.clock(ClockKind::Mediate);
        (clock.rule.clone(), clock.due)
    };
    // Order 20 knew 45 working days; since 2024-07-01 the regulations' 60 days come first.
    assert_eq!(due("2026-04-14"), ("order-20".to_owned(), day("2026-06-22")));
    assert_eq!(due("2026-04-15"), ("order-121".to_owned(), day("2026-06-22")));
    let mut story = Story::new(Kind::Complaint, "2024-06-28");
    story.at("2024-07-03").takes(Role::Officer, Action::Accept, json!({}));
    assert_eq!(story.clock(ClockKind::Mediate).due, day("2024-09-04"), "45 working days alone");
}

#[test]
fn parties_settle_at_a_station_or_are_handed_over() {
    let first = |case: &mut crate::domain::case::Case| case.settle_first = true;
    let mut story = Story::opened(Kind::Complaint, "2026-06-01", first, Opening::default());
    let mediated = json!({"outcome": "mediated", "amount": "1.00", "performance_date": "2026-06-12"});
    assert!(matches!(story.tried(Role::Station, Action::Settle, mediated), Err(Refused::Invalid(_))));
    story.at("2026-06-12").takes(Role::Station, Action::Settle, fields(Action::Settle, day("2026-06-12")));
    for fact in [Fact::SelfSettled, Fact::StationEnded, Fact::Disposed, Fact::Agreed, Fact::ClosedInTime] {
        assert!(has(&story, fact), "{fact:?}");
    }
    assert!(!has(&story, Fact::Decided) && !has(&story, Fact::Accepted));
    assert_eq!(story.case.ground, None, "no termination: nothing had been accepted");
    assert!(!story.clock(ClockKind::StationContact).was_kept(), "late, but it doesn't bind the end");

    // It didn't hold: the office begins, and it was no settlement.
    story.at("2026-06-20").takes(Role::Consumer, Action::Reopen, json!({"reason": "商家反悔"}));
    assert_eq!((story.case.state, story.case.milestones.decision_due), (State::Dispatched, Some(day("2026-06-30"))));
    assert!(has(&story, Fact::Reopened) && has(&story, Fact::StationEnded) && !has(&story, Fact::SelfSettled));
    assert!(!has(&story, Fact::Closed) && !has(&story, Fact::Agreed) && has(&story, Fact::Disposed));

    let mut story = Story::opened(Kind::Complaint, "2026-06-01", first, Opening::default());
    let bare = story.tried(Role::Station, Action::HandOver, json!({}));
    assert!(matches!(bare, Err(Refused::Invalid(_))), "a station leaves its record");
    story.at("2026-06-17").takes(Role::System, Action::HandOver, json!({}));
    assert_eq!((story.case.state, story.case.with_office_since), (State::Dispatched, day("2026-06-17")));
    assert_eq!(story.case.milestones.station_ended, Some(day("2026-06-17")));
    assert!(story.clock(ClockKind::Accept).is_running());
    story.takes(Role::Consumer, Action::Withdraw, json!({"reason": "算了"}));
    assert!(!has(&story, Fact::ClosedInTime), "the station let its time pass");
}

#[test]
fn a_case_is_opened_again_once_and_keeps_what_was_decided() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.at("2026-06-02").takes(Role::Officer, Action::Accept, json!({}));
    for role in [Role::Consumer, Role::Merchant] {
        story.takes(role, Action::RecordConsent, json!({"given": true}));
    }
    story.takes(Role::Officer, Action::StartMediation, json!({}));
    story.at("2026-06-03").takes(Role::Officer, Action::Terminate, fields(Action::Terminate, day("2026-06-03")));
    story.takes(Role::Consumer, Action::Rate, json!({"solved": false, "satisfied": 1, "contacted": true}));
    story.at("2026-06-18").takes(Role::Consumer, Action::Reopen, json!({"reason": "有新证据"}));
    let case = &story.case;
    assert_eq!((case.state, case.with_office_since), (State::Dispatched, day("2026-06-18")));
    assert_eq!((case.ground.as_deref(), case.milestones.closed, case.consents.complainant), (None, None, None));
    assert_eq!(case.milestones.decided, Some(day("2026-06-02")));
    assert_eq!(case.milestones.decision_due, Some(day("2026-06-10")), "of the first decision");
    assert!(!story.clock(ClockKind::Notify).is_running() && story.clock(ClockKind::Accept).is_running());
    // Withdrawn now, before it is accepted again, it is no termination.
    story.at("2026-07-20").takes(Role::Consumer, Action::Withdraw, json!({"reason": "算了"}));
    assert_eq!(story.case.ground, None);
    assert!(matches!(
        story.tried(Role::Supervisor, Action::Reopen, json!({"reason": "再看"})),
        Err(Refused::NotNow { blocked: Some(blocked), .. }) if blocked.code == "already_reopened"
    ));
    // The rating judged an end that was undone: the new end can be judged anew.
    story.takes(Role::Consumer, Action::Rate, json!({"solved": true, "satisfied": 5, "contacted": true}));
    assert_eq!(story.case.rating.as_ref().map(|rating| rating.on), Some(day("2026-07-20")));
}

#[test]
fn a_transfer_keeps_a_code_and_seals_what_was_written() {
    for (body, code) in [("police", "police"), ("amr-320205", "amr-320205"), ("玄武派出所张警官", "other")] {
        let mut story = Story::new(Kind::Complaint, "2026-06-01");
        let step = story.takes(Role::Officer, Action::Transfer, json!({"body": body, "reason": "移送"}));
        assert_eq!(story.case.referred_to.as_deref(), Some(code));
        assert_eq!(step.open, json!({ "referred_to": code }));
        assert!(has(&story, Fact::Transferred) && has(&story, Fact::Disposed) && !has(&story, Fact::Decided));
    }
}

#[test]
fn a_repeat_with_new_facts_restarts_the_report_that_goes_on() {
    let first = Story::new(Kind::Report, "2026-06-01").case;
    let repeat = |received| {
        let mut story = Story::new(Kind::Report, received);
        story.case.id = CaseId(Uuid::from_u128(2));
        story.case.reference = reference(2);
        story.others.insert(first.reference.clone(), first.clone());
        story
    };
    let named = json!({"case": first.reference, "new_facts": true});
    assert_eq!(cases_named(named.as_object().expect("fields")), std::slice::from_ref(&first.reference));
    let mut story = repeat("2026-06-15");
    let step = story.at("2026-06-25").takes(Role::Officer, Action::MergeInto, named);
    assert_eq!((step.to, step.links[0].relation), (State::Merged, Relation::MergedInto));
    let target = step.target.expect("a step of the other case");
    assert_eq!((target.case.version, target.links[0].relation), (first.version + 1, Relation::MergedFrom));
    assert_eq!(target.open, json!({"merged": story.case.reference, "restarted": "2026-06-15"}));
    let clocks = &target.case.clocks;
    assert!(clocks[0].was_kept(), "restarted by law on the day of the repeat, before it had passed");
    assert_eq!((clocks[1].start, clocks[1].due), (day("2026-06-15"), day("2026-07-07")));
    assert_eq!(target.case.milestones.decision_due, Some(day("2026-07-07")));

    let mut story = repeat("2026-06-15");
    let step = story.takes(Role::Officer, Action::MergeInto, json!({"case": first.reference}));
    assert_eq!(step.target.expect("a step").case.clocks, first.clocks, "a mere repeat restarts nothing");
}

#[test]
fn a_new_calendar_is_an_event_of_the_case() {
    let mut story = Story::new(Kind::Complaint, "2026-12-28");
    assert!(story.clock(ClockKind::Accept).provisional);
    assert!(recompute(&story.catalogue, &story.case).is_none());
    story.catalogue.calendar = calendar(true);
    let step = recompute(&story.catalogue, &story.case).expect("something changes");
    assert_eq!((step.action, step.case.version), (Action::Recompute, 2));
    assert_eq!(step.case.milestones.decision_due, Some(step.case.clocks[0].due));
    assert_eq!(step.open["clocks"][0]["kind"], json!("ACCEPT"));
    assert!(recompute(&story.catalogue, &step.case).is_none());
    assert_eq!(fold([&patch(None, &story.case), &patch(Some(&story.case), &step.case)]).expect("a case"), step.case);
}

#[test]
fn a_clue_found_in_mediation_has_a_limit_of_its_own() {
    let clue = Opening { clue: true, ..Opening::default() };
    let mut story = Story::opened(Kind::Report, "2026-06-01", |_| {}, clue);
    assert_eq!(story.case.milestones.decision_due, Some(story.clock(ClockKind::ClueVerify).due));
    story.takes(Role::Officer, Action::Extend, json!({"approval": "局长批准"}));
    // 30 working days after 1 June 2026, over the holiday of 19 to 21 June.
    assert_eq!(story.case.milestones.decision_due, Some(day("2026-07-14")));
    let complaint = Story::opened(Kind::Complaint, "2026-06-01", |_| {}, clue);
    assert_eq!(complaint.clock(ClockKind::Accept).start, day("2026-06-01"), "only a report is a clue");

    // Returned and given out again, it stays one.
    let mut story = Story::opened(Kind::Report, "2026-06-01", |_| {}, clue);
    story.takes(Role::Officer, Action::Return, json!({"reason": "理由"}));
    story.later(1).takes(Role::Dispatcher, Action::Dispatch, json!({"office": "amr-320115"}));
    assert_eq!(story.clock(ClockKind::ClueVerify).start, day("2026-06-02"));
    assert!(story.case.clocks.iter().all(|clock| clock.kind != ClockKind::ReportFile));
}

#[test]
fn merging_an_accepted_complaint_owes_both_sides_word_and_ends_a_stations_turn() {
    let target = Story::new(Kind::Complaint, "2026-06-01").case;
    let merge = |story: &mut Story| {
        let mut other = target.clone();
        other.id = CaseId(Uuid::from_u128(2));
        other.reference = reference(2);
        story.others.insert(other.reference.clone(), other);
        story.takes(Role::Officer, Action::MergeInto, json!({"case": reference(2)}))
    };
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    story.takes(Role::Officer, Action::Accept, json!({}));
    let step = merge(&mut story);
    assert!(step.case.clocks.iter().any(|clock| clock.kind == ClockKind::Notify && clock.is_running()));
    assert_eq!(step.notices.len(), 2, "{:?}", step.notices);

    let settle_first = |case: &mut crate::domain::case::Case| case.settle_first = true;
    let mut story = Story::opened(Kind::Complaint, "2026-06-01", settle_first, Opening::default());
    assert_eq!(story.case.state, State::Negotiating);
    let step = merge(&mut story);
    assert_eq!(step.case.milestones.station_ended, Some(day("2026-06-01")));
    assert!(!step.case.clocks.iter().any(|clock| clock.kind == ClockKind::Notify), "it was never accepted");
}

#[test]
fn a_file_is_an_event_with_its_hash() {
    let story = Story::new(Kind::Complaint, "2026-06-01");
    let step = crate::track::record(&story.case, Action::Attach, json!({"attachment": {"sha256": "00"}}));
    assert_eq!((step.action, step.case.version, step.from), (Action::Attach, 2, step.to));
    assert_eq!(step.open, json!({"attachment": {"sha256": "00"}}));
}

#[test]
fn a_history_that_is_not_whole_makes_no_case() {
    let mut story = Story::new(Kind::Complaint, "2026-06-01");
    let before = story.case.clone();
    story.takes(Role::Officer, Action::Accept, json!({}));
    let change = patch(Some(&before), &story.case);
    assert!(change.get("id").is_none(), "only what changes");
    assert!(fold([&change]).is_err());
    assert!(fold([]).is_err());
}

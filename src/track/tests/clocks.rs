use super::fixture::{calendar, catalogue, day};
use crate::config::catalogue::{Catalogue, Rule, Unit};
use crate::config::{Source, load};
use crate::domain::calendar::Rollover;
use crate::domain::clock::{Clock, Span};
use crate::domain::vocabulary::{ClockKind, Kind, Regime};
use crate::track::clocks::{
    decision_kind, extend, is_decision, is_extended, pause, recompute, resume, start, stop, until,
};

fn mediate(rule: &str, accepted: &str, received: &str) -> Clock {
    let catalogue = catalogue();
    let rule = catalogue.rule_by_id(rule).expect("a rule");
    start(&catalogue, rule, ClockKind::Mediate, day(accepted), day(received)).expect("a clock")
}

#[test]
fn the_first_decision_is_due_by_regime_and_kind() {
    let catalogue = catalogue();
    let kinds = |regime| {
        let rule = catalogue.rule(regime, day("2026-06-01")).expect("a rule");
        (decision_kind(rule, Kind::Complaint, false), decision_kind(rule, Kind::Report, false))
    };
    assert_eq!(kinds(Regime::MarketRegulation), (Some(ClockKind::Accept), Some(ClockKind::ReportFile)));
    assert_eq!(kinds(Regime::OtherDepartments), (Some(ClockKind::OtherDept), Some(ClockKind::OtherDept)));
}

#[test]
fn mediation_has_45_working_days_then_the_earlier_then_60_days() {
    // Before the regulations of 2024-07-01: 45 working days alone.
    let clock = mediate("order-20", "2024-07-03", "2024-06-28");
    assert_eq!((clock.span, clock.due), (Span::WorkingDays(45), day("2024-09-04")));
    // Received since: 60 days come first.
    let clock = mediate("order-20", "2024-07-03", "2024-07-01");
    assert_eq!((clock.span, clock.due), (Span::Days(60), day("2024-09-01")));
    // Order 121.
    let clock = mediate("order-121", "2026-06-01", "2026-05-20");
    assert_eq!((clock.span, clock.due, clock.provisional), (Span::Days(60), day("2026-07-31"), false));
    assert_eq!((clock.rule.as_str(), clock.calendar.as_str()), ("order-121", "test-2026"));
}

#[test]
fn testing_over_spring_festival_moves_the_end_by_the_days_stood_still() {
    let catalogue = catalogue();
    // 60 days from 2025-12-18 end on 2026-02-16, in Spring Festival: on 02-24, the first day after it.
    let mut clock = mediate("order-20", "2025-12-18", "2025-12-15");
    assert_eq!((clock.span, clock.due), (Span::Days(60), day("2026-02-24")));
    pause(&mut clock, day("2026-01-12"));
    assert!(!clock.is_running());
    pause(&mut clock, day("2026-01-20"));
    assert_eq!(clock.paused_on, Some(day("2026-01-12")), "it stands still already");
    resume(&catalogue, &mut clock, day("2026-01-22"));
    // 70 days from the start: 02-26. Not ten days after the day that the holiday had moved (03-06).
    assert_eq!((clock.paused_days, clock.due), (10, day("2026-02-26")));
    resume(&catalogue, &mut clock, day("2026-02-10"));
    assert_eq!(clock.due, day("2026-02-26"), "it runs already");
}

#[test]
fn working_days_stand_still_by_working_days() {
    let catalogue = catalogue();
    let mut clock = mediate("order-20", "2024-06-03", "2024-05-30");
    let before = clock.due;
    pause(&mut clock, day("2024-06-07"));
    resume(&catalogue, &mut clock, day("2024-06-17"));
    assert_eq!(clock.paused_days, 10);
    assert_eq!(catalogue.calendar.working_days_between(before, clock.due), 6, "a Friday to the Monday after next");
}

#[test]
fn a_pause_of_no_day_moves_nothing() {
    let catalogue = catalogue();
    for (rule, accepted) in [("order-20", "2024-06-03"), ("order-121", "2026-06-01")] {
        let mut clock = mediate(rule, accepted, accepted);
        let before = clock.clone();
        pause(&mut clock, day(accepted));
        resume(&catalogue, &mut clock, day(accepted));
        assert_eq!(clock, before);
    }
}

#[test]
fn one_that_ends_standing_still_gets_its_time_back_first() {
    let catalogue = catalogue();
    let mut clock = mediate("order-121", "2026-06-01", "2026-05-20");
    pause(&mut clock, day("2026-07-20"));
    stop(&catalogue, &mut clock, day("2026-08-05"));
    assert_eq!((clock.due, clock.stopped_on), (day("2026-08-16"), Some(day("2026-08-05"))));
    assert!(clock.was_kept());
    let ended = clock.clone();
    stop(&catalogue, &mut clock, day("2026-09-01"));
    assert_eq!(clock, ended);
}

#[test]
fn an_extension_adds_to_the_length_once() {
    let catalogue = catalogue();
    let rule = catalogue.rule_by_id("order-121").expect("a rule");
    let received = day("2026-06-01");
    let mut clock = start(&catalogue, rule, ClockKind::ReportFile, received, received).expect("a clock");
    assert!(!is_extended(rule, &clock));
    assert!(extend(&catalogue, rule, &mut clock));
    assert!(is_extended(rule, &clock));
    let whole = catalogue.calendar.add_working_days(received, 30);
    assert_eq!((clock.span, clock.due), (Span::WorkingDays(30), whole.on));
    let mut clock = start(&catalogue, rule, ClockKind::Accept, received, received).expect("a clock");
    assert!(!extend(&catalogue, rule, &mut clock), "the rule knows none");

    // Prolonged after the calendar came, before it was counted anew: its first part is still a guess.
    let received = day("2026-12-28");
    let mut clock = start(&catalogue, rule, ClockKind::ReportFile, received, received).expect("a clock");
    let published = Catalogue { calendar: calendar(true), ..catalogue.clone() };
    assert!(extend(&published, rule, &mut clock) && clock.provisional);
    let counted = recompute(&published, &clock).expect("counted anew");
    assert_eq!(counted.due, published.calendar.add_working_days(received, 30).on);
    assert!(!counted.provisional);
}

/// What the steps take for granted of every rule that is shipped.
#[test]
fn the_shipped_rules_have_what_the_steps_need() {
    let shipped = load(&Source::Embedded, Rollover::HolidayOnly).expect("the shipped catalogue");
    let length = |rule: &Rule, kind| rule.clocks.get(&kind).and_then(|limit| limit.length);
    assert!(!shipped.rules.is_empty());
    for rule in &shipped.rules {
        for kind in Kind::ALL {
            let decision = decision_kind(rule, *kind, false).expect("a first decision");
            assert!(is_decision(decision) && length(rule, decision).is_some(), "{} {kind}", rule.id);
        }
        assert_eq!(decision_kind(rule, Kind::Report, true), Some(ClockKind::ClueVerify), "{}", rule.id);
        assert_eq!(length(rule, ClockKind::ClueVerify), Some((15, Unit::WorkingDays)), "{}", rule.id);
        assert_eq!(length(rule, ClockKind::StationContact), Some((3, Unit::WorkingDays)), "{}", rule.id);
        assert_eq!(length(rule, ClockKind::StationEnd), Some((10, Unit::WorkingDays)), "{}", rule.id);
        assert_eq!(length(rule, ClockKind::IdProof), None, "{}: a person sets it", rule.id);
        for kind in [ClockKind::Mediate, ClockKind::Notify, ClockKind::CompetenceDispute] {
            assert!(length(rule, kind).is_some(), "{} {kind}", rule.id);
        }
        assert!(rule.clocks[&ClockKind::Mediate].pauses_for_testing, "{} (Art 22)", rule.id);
        // Withdrawal and self-settlement of an accepted complaint take the first ground.
        assert!(rule.termination[0].name.zh.contains("自行和解"), "{}", rule.id);
        assert!(!rule.refusal.is_empty() && !rule.other_routes.is_empty(), "{}", rule.id);
    }
}

#[test]
fn the_shipped_rules_time_mediation_as_the_law_does() {
    let shipped = load(&Source::Embedded, Rollover::HolidayOnly).expect("the shipped catalogue");
    let due = |regime, received: &str, accepted: &str| {
        let rule = shipped.rule(regime, day(received)).expect("a rule");
        let clock = start(&shipped, rule, ClockKind::Mediate, day(accepted), day(received)).expect("a clock");
        (clock.span, clock.due)
    };
    let market = Regime::MarketRegulation;
    assert_eq!(due(market, "2024-06-30", "2024-07-03"), (Span::WorkingDays(45), day("2024-09-04")));
    assert_eq!(due(market, "2024-07-01", "2024-07-03"), (Span::Days(60), day("2024-09-01")));
    assert_eq!(due(market, "2026-04-14", "2026-04-20"), (Span::Days(60), day("2026-06-22")));
    assert_eq!(due(market, "2026-04-15", "2026-04-20"), (Span::Days(60), day("2026-06-22")));
    assert_eq!(due(Regime::OtherDepartments, "2026-04-14", "2026-04-20"), (Span::Days(60), day("2026-06-22")));
}

#[test]
fn a_day_that_a_person_set_stays() {
    let catalogue = catalogue();
    let rule = catalogue.rule_by_id("order-121").expect("a rule");
    let clock = until(&catalogue, ClockKind::IdProof, rule, day("2026-09-20"), day("2026-10-01"));
    assert_eq!((clock.span, clock.due), (Span::Until, day("2026-10-01")));
    assert_eq!(start(&catalogue, rule, ClockKind::IdProof, day("2026-09-20"), day("2026-09-20")), None);
    assert_eq!(recompute(&catalogue, &clock), None);
}

#[test]
fn a_published_calendar_moves_open_provisional_clocks_only() {
    let mut catalogue = catalogue();
    let rule = catalogue.rule_by_id("order-121").expect("a rule").clone();
    let begun = |start_on: &str, kind| start(&catalogue, &rule, kind, day(start_on), day(start_on)).expect("a clock");
    let open = begun("2026-12-28", ClockKind::Accept);
    let sure = begun("2026-11-02", ClockKind::Accept);
    let paused = {
        let mut clock = begun("2026-12-11", ClockKind::Mediate);
        pause(&mut clock, day("2026-12-14"));
        resume(&catalogue, &mut clock, day("2026-12-15"));
        clock
    };
    let closed = Clock { stopped_on: Some(day("2026-12-30")), ..open.clone() };
    assert!(open.provisional && paused.provisional && !sure.provisional);
    assert_eq!(recompute(&catalogue, &open), None, "the same calendar says the same");

    catalogue.calendar = calendar(true);
    let counted = recompute(&catalogue, &open).expect("counted anew");
    assert_eq!(counted.due, catalogue.calendar.add_working_days(day("2026-12-28"), 7).on);
    assert_eq!((counted.provisional, counted.calendar.as_str()), (false, "test-2027"));
    let counted = recompute(&catalogue, &paused).expect("counted anew");
    assert_eq!(counted.due, catalogue.calendar.add_days(day("2026-12-11"), 61).on);
    assert_eq!(recompute(&catalogue, &sure), None);
    assert_eq!(recompute(&catalogue, &closed), None, "it keeps the calendar that it was judged by");
}

//! Time limits that act: a reminder before the last day, 催办 on it, 督办 after it, 通报 when it still isn't done.
//!
//! Each is an event of the case, taken by the system, and marks the clock with how far it has come: that mark lies in the case,
//! under its version, so that no step is taken twice for one last day, whoever runs the round and however often. A last day
//! that is moved is escalated anew. Policy of this service, after the practice of the hotlines; no law.

use crate::config::catalogue::Catalogue;
use crate::config::settings::Escalation;
use crate::domain::calendar::WorkCalendar;
use crate::domain::case::Case;
use crate::domain::clock::Clock;
use crate::domain::vocabulary::{Action, ClockKind, Stage};
use crate::track::Step;
use jiff::ToSpan;
use jiff::civil::Date;
use serde_json::{Value, json};

/// The limits that bind an office. Those of a station end in a hand-over, that of a proof of identity binds the consumer.
pub const ESCALATED: &[ClockKind] = &[
    ClockKind::Accept,
    ClockKind::OtherDept,
    ClockKind::ReportFile,
    ClockKind::ClueVerify,
    ClockKind::Mediate,
    ClockKind::Notify,
    ClockKind::CompetenceDispute,
];

/// The ground of termination when no agreement is reached in time (Order 121 Art 23(5)).
const LAPSED: &str = "T23_5";

/// Working days that an order of supervision gives for its answer, when nobody set another.
const ANSWER_DAYS: u16 = 3;

/// The day of a stage for a last day.
pub fn day_of(calendar: &WorkCalendar, ladder: &Escalation, stage: Stage, due: Date) -> Date {
    let walk = |days: u16, by: i64| {
        let mut day = due;
        for _ in 0..days {
            day = day.saturating_add(by.days());
            while !calendar.is_workday(day) && day > Date::MIN && day < Date::MAX {
                day = day.saturating_add(by.days());
            }
        }
        day
    };
    match stage {
        Stage::Reminded => walk(ladder.remind_days_before, -1),
        Stage::Urged => due,
        Stage::Supervised => walk(ladder.supervise_days_after, 1),
        Stage::Circulated => walk(ladder.circulate_days_after, 1),
    }
}

/// The last day of the latest limit that has come to a stage by a day. Earlier limits have come to it too.
pub fn latest_due(calendar: &WorkCalendar, ladder: &Escalation, stage: Stage, today: Date) -> Date {
    let mut due = today.saturating_add(60.days());
    while day_of(calendar, ladder, stage, due) > today && due > Date::MIN {
        due = due.saturating_sub(1.day());
    }
    due
}

/// What is due for a clock: the next stage that its last day has come to. A reminder isn't given after the last day, nor
/// on the day on which the limit began; whatever was missed of supervision and circular follows one after the other.
fn next(calendar: &WorkCalendar, ladder: &Escalation, clock: &Clock, today: Date) -> Option<Stage> {
    if !clock.is_running() || !ESCALATED.contains(&clock.kind) {
        return None;
    }
    let has_come = |stage: Stage| day_of(calendar, ladder, stage, clock.due) <= today;
    let open = |stage: &Stage| clock.stage.is_none_or(|reached| reached < *stage);
    let useful = |stage: &Stage| match stage {
        Stage::Reminded => !has_come(Stage::Urged) && day_of(calendar, ladder, *stage, clock.due) > clock.start,
        Stage::Urged => !has_come(Stage::Supervised),
        Stage::Supervised | Stage::Circulated => true,
    };
    Stage::ALL.iter().copied().filter(open).filter(useful).find(|stage| has_come(*stage))
}

/// A step of escalation that is due.
#[derive(Debug, Clone)]
pub struct Due {
    place: usize,
    stage: Stage,
    open: Value,
}

/// What is due in a case on a day; `None` when nothing is. Ask again after the step. Whether someone is assigned doesn't
/// matter. Supervision names the place whose authority oversees the unit, the unit's own when none is above it, and gives
/// a day for the answer. When mediation wasn't done in time, it proposes the end that the law has for it; to decide that
/// stays with the officer.
pub fn due(catalogue: &Catalogue, ladder: &Escalation, case: &Case, today: Date) -> Option<Due> {
    let calendar = &catalogue.calendar;
    let (place, clock, stage) = case
        .clocks
        .iter()
        .enumerate()
        .find_map(|(place, clock)| Some((place, clock, next(calendar, ladder, clock, today)?)))?;
    let mut open = json!({ "clock": clock.kind, "due": clock.due, "stage": stage, "unit": case.office, "on": today });
    if stage >= Stage::Supervised {
        open["overseen_by"] = json!(case.division.parent().unwrap_or(case.division));
    }
    if stage == Stage::Supervised {
        open["deadline"] = json!(calendar.add_working_days(today, ANSWER_DAYS).on);
        let lapsed = catalogue
            .rule_by_id(&case.rule)
            .is_some_and(|rule| rule.termination.iter().any(|ground| ground.code == LAPSED));
        if clock.kind == ClockKind::Mediate && lapsed {
            open["proposal"] = json!({ "action": Action::Terminate, "ground": LAPSED });
        }
    }
    Some(Due { place, stage, open })
}

impl Due {
    /// The step to take.
    pub const fn action(&self) -> Action {
        match self.stage {
            Stage::Reminded => Action::Remind,
            Stage::Urged => Action::Urge,
            Stage::Supervised => Action::Supervise,
            Stage::Circulated => Action::Circulate,
        }
    }

    /// Puts into a step how far the clock has come by it, and for what it is taken.
    pub fn mark(self, mut step: Step) -> Step {
        if let Some(clock) = step.case.clocks.get_mut(self.place) {
            clock.stage = Some(self.stage);
        }
        step.open = self.open;
        step
    }
}
/// The stage that a step of the system marks.
pub const fn stage_of(action: Action) -> Option<Stage> {
    match action {
        Action::Remind => Some(Stage::Reminded),
        Action::Urge => Some(Stage::Urged),
        Action::Supervise => Some(Stage::Supervised),
        Action::Circulate => Some(Stage::Circulated),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::calendar::Rollover;
    use jiff::civil::date;
    use std::collections::{BTreeMap, BTreeSet};

    const LADDER: Escalation = Escalation { remind_days_before: 2, supervise_days_after: 1, circulate_days_after: 5 };

    /// Weekends only: 23 November 2026 is a Monday.
    fn calendar() -> WorkCalendar {
        WorkCalendar {
            version: "test".to_owned(),
            years: BTreeSet::from([2026]),
            days: BTreeMap::new(),
            rollover: Rollover::HolidayOnly,
        }
    }

    #[test]
    fn days_are_working_days_and_a_last_day_may_be_a_sunday() {
        let day = |stage, due| day_of(&calendar(), &LADDER, stage, due);
        let wednesday = date(2026, 11, 25);
        assert_eq!(day(Stage::Reminded, wednesday), date(2026, 11, 23));
        assert_eq!(day(Stage::Urged, wednesday), wednesday);
        assert_eq!(day(Stage::Supervised, wednesday), date(2026, 11, 26));
        assert_eq!(day(Stage::Circulated, wednesday), date(2026, 12, 2));
        let sunday = date(2026, 11, 29);
        assert_eq!(day(Stage::Reminded, sunday), date(2026, 11, 26));
        assert_eq!(day(Stage::Supervised, sunday), date(2026, 11, 30));
    }

    #[test]
    fn the_latest_last_day_is_the_edge() {
        for offset in 0..40_i64 {
            let today = date(2026, 11, 1).saturating_add(offset.days());
            for stage in Stage::ALL {
                let latest = latest_due(&calendar(), &LADDER, *stage, today);
                assert!(day_of(&calendar(), &LADDER, *stage, latest) <= today, "{today} {stage}");
                assert!(
                    day_of(&calendar(), &LADDER, *stage, latest.saturating_add(1.day())) > today,
                    "{today} {stage}"
                );
            }
        }
    }

    fn clock(start: Date, due: Date) -> Clock {
        let json = json!({"kind": "ACCEPT", "span": {"working_days": 7}, "start": start, "due": due, "rule": "r", "calendar": "c"});
        serde_json::from_value(json).unwrap()
    }

    /// Each day of a life: the oracle is written out by hand.
    #[test]
    fn each_stage_is_taken_once_and_on_its_day() {
        let mut clock = clock(date(2026, 11, 16), date(2026, 11, 25));
        let mut taken = Vec::new();
        for offset in 0..30_i64 {
            let today = date(2026, 11, 16).saturating_add(offset.days());
            for _ in 0..3 {
                if let Some(stage) = next(&calendar(), &LADDER, &clock, today) {
                    clock.stage = Some(stage);
                    taken.push((stage, today));
                }
            }
        }
        let expected = [
            (Stage::Reminded, date(2026, 11, 23)),
            (Stage::Urged, date(2026, 11, 25)),
            (Stage::Supervised, date(2026, 11, 26)),
            (Stage::Circulated, date(2026, 12, 2)),
        ];
        assert_eq!(taken, expected);
    }

    #[test]
    fn a_jump_of_the_clock_leaves_out_what_is_of_no_use_and_a_step_back_takes_nothing() {
        let mut clock = clock(date(2026, 11, 16), date(2026, 11, 25));
        let calendar = calendar();
        let late = date(2027, 1, 15);
        assert_eq!(next(&calendar, &LADDER, &clock, late), Some(Stage::Supervised));
        clock.stage = Some(Stage::Supervised);
        assert_eq!(next(&calendar, &LADDER, &clock, date(2026, 11, 20)), None);
        assert_eq!(next(&calendar, &LADDER, &clock, date(2026, 11, 25)), None);
        assert_eq!(next(&calendar, &LADDER, &clock, late), Some(Stage::Circulated));
        clock.stage = Some(Stage::Circulated);
        assert_eq!(next(&calendar, &LADDER, &clock, late), None);
        clock.stage = None;
        clock.paused_on = Some(date(2026, 11, 20));
        assert_eq!(next(&calendar, &LADDER, &clock, late), None, "it stands still");
    }
}

//! The one place where time limits are computed: from a rule, a calendar and a day.
//!
//! In every limit the day of the start is not counted, and a last day that is a holiday moves to the first day after it
//! (Order 121 Art 45); the calendar does both.

use crate::config::catalogue::{Catalogue, Rule, Unit};
use crate::domain::calendar::{Due, WorkCalendar};
use crate::domain::case::Case;
use crate::domain::clock::{Clock, Span};
use crate::domain::vocabulary::{ClockKind, Kind};
use jiff::civil::Date;

/// The clock of the first decision that a rule gives a kind of case; `None` when it knows no such limit. A clue that was
/// found in mediation has a limit of its own (Art 27), where the rule knows one.
pub fn decision_kind(rule: &Rule, kind: Kind, clue: bool) -> Option<ClockKind> {
    if clue && kind == Kind::Report && rule.clocks.contains_key(&ClockKind::ClueVerify) {
        return Some(ClockKind::ClueVerify);
    }
    rule.decision.get(&kind).copied()
}

/// Whether a case is a clue that was found in mediation: its history began with that clock.
pub fn is_clue(case: &Case) -> bool {
    case.clocks.iter().any(|clock| clock.kind == ClockKind::ClueVerify)
}

/// Whether a clock is one of verifying a report, which the head may prolong.
pub const fn is_verification(kind: ClockKind) -> bool {
    matches!(kind, ClockKind::ReportFile | ClockKind::ClueVerify)
}

/// Whether a clock is one of a first decision, under whichever rule.
pub const fn is_decision(kind: ClockKind) -> bool {
    matches!(kind, ClockKind::Accept | ClockKind::OtherDept | ClockKind::ReportFile | ClockKind::ClueVerify)
}

/// Whether a clock binds the end of a case, so that a case ended in time only if this was kept. Not the short ones on the
/// way (a station's first contact, a proof of identity, a dispute over competence) nor the notice after the end.
pub const fn binds_the_end(kind: ClockKind) -> bool {
    is_decision(kind) || matches!(kind, ClockKind::Mediate | ClockKind::StationEnd)
}

/// Calendar days from one day to another; negative when `to` lies before.
pub(crate) fn days_between(from: Date, to: Date) -> i64 {
    from.duration_until(to).as_hours() / 24
}

const fn span_of(length: u16, unit: Unit) -> Span {
    match unit {
        Unit::WorkingDays => Span::WorkingDays(length),
        Unit::Days => Span::Days(length),
    }
}

fn count(calendar: &WorkCalendar, start: Date, length: u16, unit: Unit) -> Due {
    match unit {
        Unit::WorkingDays => calendar.add_working_days(start, length),
        Unit::Days => calendar.add_days(start, length),
    }
}

/// Starts a clock on a day, for a case received on a day. `None` when the rule has no such limit, or leaves its end to a
/// person ([`until`]).
///
/// A case received on or after the day of the limit's cap is bound by both, and the earlier last day counts (Order 20
/// Art 21(5) beside 消保法实施条例 Art 46). The limit that binds at the start is the one that later pauses lengthen; it
/// is sure only if both are, since a calendar not yet published could turn them round.
pub fn start(catalogue: &Catalogue, rule: &Rule, kind: ClockKind, start: Date, received: Date) -> Option<Clock> {
    let limit = rule.clocks.get(&kind)?;
    let (length, unit) = limit.length?;
    let mut span = span_of(length, unit);
    let mut due = count(&catalogue.calendar, start, length, unit);
    if let Some((length, unit, from)) = limit.cap
        && received >= from
    {
        let cap = count(&catalogue.calendar, start, length, unit);
        let provisional = due.provisional || cap.provisional;
        if cap.on < due.on {
            span = span_of(length, unit);
            due = cap;
        }
        due.provisional = provisional;
    }
    Some(Clock {
        kind,
        span,
        start,
        due: due.on,
        provisional: due.provisional,
        rule: rule.id.clone(),
        calendar: due.calendar,
        paused_on: None,
        paused_days: 0,
        stopped_on: None,
        stage: None,
    })
}

/// A clock that ends on the day that a person set. It doesn't move off holidays: the person chose it.
pub fn until(catalogue: &Catalogue, kind: ClockKind, rule: &Rule, start: Date, date: Date) -> Clock {
    Clock {
        kind,
        span: Span::Until,
        start,
        due: date,
        provisional: false,
        rule: rule.id.clone(),
        calendar: catalogue.calendar.version.clone(),
        paused_on: None,
        paused_days: 0,
        stopped_on: None,
        stage: None,
    }
}

/// Lets a running clock stand still from a day on (Order 121 Art 22). One that stands still or has ended stays as it is.
pub const fn pause(clock: &mut Clock, day: Date) {
    if clock.is_running() {
        clock.paused_on = Some(day);
    }
}

/// Lets a clock run on, its end moved by the time for which it stood still: the days after that of the pause, up to and
/// with `day`. Calendar days are counted afresh from the start, so that only the last day of the whole period can move off
/// a holiday, not a last day on the way; working days are added to the last day, which is itself one.
pub fn resume(catalogue: &Catalogue, clock: &mut Clock, day: Date) {
    let Some(since) = clock.paused_on.take() else { return };
    let stood = u16::try_from(days_between(since, day)).unwrap_or(0);
    clock.paused_days = clock.paused_days.saturating_add(stood);
    match clock.span {
        Span::Days(length) => {
            let whole = length.saturating_add(clock.paused_days);
            settle(clock, catalogue.calendar.add_days(clock.start, whole));
        }
        Span::WorkingDays(_) => {
            let stood = u16::try_from(catalogue.calendar.working_days_between(since, day)).unwrap_or(0);
            lengthen(catalogue, clock, stood);
        }
        Span::Until => {}
    }
}

/// Ends a clock on a day. One that stands still first gets the time back for which it did, so that it is judged by its
/// true last day.
pub fn stop(catalogue: &Catalogue, clock: &mut Clock, day: Date) {
    if clock.stopped_on.is_none() {
        resume(catalogue, clock, day);
        clock.stopped_on = Some(day);
    }
}

/// Adds the extension that the rule knows for this clock, and tells whether there was one to add. The length that the
/// clock carries afterwards includes it, which is how [`is_extended`] sees it.
pub fn extend(catalogue: &Catalogue, rule: &Rule, clock: &mut Clock) -> bool {
    let Some((more, unit)) = rule.clocks.get(&clock.kind).and_then(|limit| limit.extension) else { return false };
    match (clock.span, unit) {
        (Span::WorkingDays(length), Unit::WorkingDays) => {
            clock.span = Span::WorkingDays(length.saturating_add(more));
            lengthen(catalogue, clock, more);
            true
        }
        (Span::Days(length), Unit::Days) => {
            let length = length.saturating_add(more);
            clock.span = Span::Days(length);
            settle(clock, catalogue.calendar.add_days(clock.start, length.saturating_add(clock.paused_days)));
            true
        }
        _ => false,
    }
}

/// Whether a clock was prolonged already: it is longer than its rule has it.
pub fn is_extended(rule: &Rule, clock: &Clock) -> bool {
    let Some((length, unit)) = rule.clocks.get(&clock.kind).and_then(|limit| limit.length) else { return false };
    match (clock.span, unit) {
        (Span::WorkingDays(now), Unit::WorkingDays) | (Span::Days(now), Unit::Days) => now > length,
        _ => false,
    }
}

/// Counts an open, provisional clock anew with the catalogue's calendar. `None` when nothing about it changes: it has
/// ended (closed clocks keep the calendar that they were judged by), it was sure, or the new calendar says the same.
///
/// A limit of working days that stood still before also stays: for how many of them isn't recorded. No rule in force
/// has one (only mediation stands still, which has been 60 calendar days since 2024-07-01).
pub fn recompute(catalogue: &Catalogue, clock: &Clock) -> Option<Clock> {
    if clock.stopped_on.is_some() || !clock.provisional {
        return None;
    }
    let due = match clock.span {
        Span::Days(length) => catalogue.calendar.add_days(clock.start, length.saturating_add(clock.paused_days)),
        Span::WorkingDays(length) if clock.paused_days == 0 => catalogue.calendar.add_working_days(clock.start, length),
        Span::WorkingDays(_) | Span::Until => return None,
    };
    if due.on == clock.due && due.provisional {
        return None;
    }
    Some(Clock { due: due.on, provisional: due.provisional, calendar: due.calendar, ..clock.clone() })
}

/// Moves the last day by working days, which may lie in a year that isn't published.
fn lengthen(catalogue: &Catalogue, clock: &mut Clock, days: u16) {
    let before = clock.provisional;
    settle(clock, catalogue.calendar.add_working_days(clock.due, days));
    clock.provisional |= before;
}

/// A last day that was moved is escalated anew.
fn settle(clock: &mut Clock, due: Due) {
    if due.on != clock.due {
        clock.stage = None;
    }
    clock.due = due.on;
    clock.provisional = due.provisional;
    clock.calendar = due.calendar;
}

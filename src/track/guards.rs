//! The conditions of a step that its state alone doesn't tell.

use crate::config::catalogue::Rule;
use crate::domain::case::{Case, Rating};
use crate::domain::joint;
use crate::domain::transition::{Guard, Transition};
use crate::domain::vocabulary::{ClockKind, Role};
use crate::track::{Context, clocks};
use jiff::ToSpan;
use jiff::civil::Date;

/// Days after the end within which a consumer can have a case opened again.
const REOPEN_DAYS: i64 = 15;

/// Days after the first rating within which it can be changed.
const RATING_DAYS: i64 = 20;

/// Days between two reminders of a consumer.
const REMINDER_DAYS: i64 = 3;

/// Why a step isn't possible now, though the state and the role have it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blocked {
    /// Stable code, for programs.
    pub code: &'static str,
    /// One sentence in English, for people. Names no personal data.
    pub detail: String,
}

impl Blocked {
    fn new(code: &'static str, detail: impl Into<String>) -> Self {
        Self { code, detail: detail.into() }
    }
}

/// The first condition of a row that doesn't hold.
pub(super) fn blocked(
    row: &Transition,
    case: &Case,
    rule: Option<&Rule>,
    role: Role,
    context: &Context<'_>,
) -> Option<Blocked> {
    row.guards.iter().find_map(|guard| check(*guard, case, rule, role, context))
}

fn check(guard: Guard, case: &Case, rule: Option<&Rule>, role: Role, context: &Context<'_>) -> Option<Blocked> {
    let unless = |holds: bool, code: &'static str, detail: &str| (!holds).then(|| Blocked::new(code, detail));
    match guard {
        Guard::NothingMissing => (!case.missing.is_empty()).then(|| {
            let detail = format!("acceptance needs what the filing lacks (Art 10, 11): {}", case.missing.join(", "));
            Blocked::new("missing_for_acceptance", detail)
        }),
        Guard::BothConsent => unless(
            case.consents.complainant == Some(true) && case.consents.respondent == Some(true),
            "consent_missing",
            "mediation needs the consent of both parties (Art 18)",
        ),
        Guard::NotDesignated => unless(
            !case.designated,
            "designated",
            "the common superior designated this office; it can't return the case (Art 33)",
        ),
        Guard::NoDispute => unless(
            !case.in_dispute,
            "in_dispute",
            "a dispute over competence is open; the common superior designates the office (Art 33)",
        ),
        Guard::InDispute => unless(case.in_dispute, "not_in_dispute", "no dispute over competence is open"),
        Guard::NotExtended => extension(case, rule, context),
        Guard::NotReopened => unless(!case.reopened, "already_reopened", "a case is opened again only once"),
        Guard::ReopenInTime => {
            let passed = case.milestones.closed.map_or(0, |closed| clocks::days_between(closed, context.today));
            unless(
                role != Role::Consumer || passed <= REOPEN_DAYS,
                "reopen_too_late",
                "a consumer can have a case opened again within 15 days after its end",
            )
        }
        Guard::RatingOpen => unless(
            rating_is_open(case, context),
            "rating_closed",
            "a rating can be changed within 20 days after it was first given",
        ),
        Guard::ReminderSpaced => {
            let spaced =
                context.last_reminder.is_none_or(|last| clocks::days_between(last, context.today) >= REMINDER_DAYS);
            unless(role != Role::Consumer || spaced, "reminded_recently", "a consumer can remind once in 3 days")
        }
        Guard::RepresentedConsent => unless(
            joint::bound(case).is_none_or(|terms| terms.is_some()),
            "represented_consent_missing",
            "others speak for this consumer, who hasn't consented to their settlement (Art 12)",
        ),
        Guard::NotSplit => unless(!context.split_off, "already_split", "a linked case was split off already"),
        Guard::NoticeOwed => unless(
            case.clocks.iter().any(|clock| clock.kind == ClockKind::Notify && clock.stopped_on.is_none()),
            "no_notice_owed",
            "no notice of the end is owed to the parties, or they have had it",
        ),
        // They hold between the fields and the case, so their faults are told at the fields: see `fields`.
        Guard::OutcomeFits | Guard::TargetFits => None,
    }
}

fn extension(case: &Case, rule: Option<&Rule>, context: &Context<'_>) -> Option<Blocked> {
    let running = |clock: &&crate::domain::clock::Clock| clocks::is_verification(clock.kind) && clock.is_running();
    let known = |rule: &Rule, kind| rule.clocks.get(&kind).is_some_and(|limit| limit.extension.is_some());
    let found = rule.zip(case.clocks.iter().find(running)).filter(|(rule, clock)| known(rule, clock.kind));
    let Some((rule, clock)) = found else {
        return Some(Blocked::new("no_extension", "the rule that binds this case knows no extension"));
    };
    if clocks::is_extended(rule, clock) {
        return Some(Blocked::new("already_extended", "the time to verify a report is prolonged only once"));
    }
    // A limit that has passed can't be made kept afterwards.
    clock
        .is_overdue(context.today)
        .then(|| Blocked::new("limit_passed", "the limit has passed; it can be prolonged only while it runs"))
}

/// Not rated yet, rated lately, or rated before the case was opened again and came to another end.
fn rating_is_open(case: &Case, context: &Context<'_>) -> bool {
    case.rating.as_ref().is_none_or(|rating| context.today <= last_day_to_change(rating) || is_of_an_earlier_end(case))
}

/// The last day on which a rating can be changed.
pub(super) fn last_day_to_change(rating: &Rating) -> Date {
    rating.on.saturating_add(RATING_DAYS.days())
}

/// Whether the rating judges an end that was undone since: its day lies before the (last) end.
pub(super) fn is_of_an_earlier_end(case: &Case) -> bool {
    case.rating.as_ref().zip(case.milestones.closed).is_some_and(|(rating, closed)| rating.on < closed)
}

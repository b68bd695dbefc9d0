//! Which facts a case shows. They depend on the case alone, never on the day they are asked on: what depends on today
//! (overdue, due and undecided) is counted over the open cases when a rate is asked for.

use crate::domain::case::Case;
use crate::domain::fact::{Fact, Facts};
use crate::domain::vocabulary::{Kind, State};

/// The facts of a case. Complaints and reports show the same ones, and are counted apart; only a report is ever
/// [`Fact::ReportVerified`]. Each numerator implies its denominator, whatever the case looks like.
pub fn facts(case: &Case) -> Facts {
    let milestones = &case.milestones;
    // Ended without a decision after its last day had passed: withdrawing doesn't undo the lateness.
    let missed = matches!(
        (milestones.decided, milestones.decision_due, milestones.closed),
        (None, Some(due), Some(closed)) if due < closed
    );
    let decided = milestones.decided.is_some() || missed;
    let decided_in_time =
        matches!((milestones.decided, milestones.decision_due), (Some(decided), Some(due)) if decided <= due);
    // A case that was opened again has no end until it comes to one; its outcome may still stand in it.
    let closed = milestones.closed.is_some();
    let agreed = closed && case.outcome.is_some();
    let station_ended = milestones.station_ended.is_some();
    let mediation_ended = closed && milestones.mediation.is_some();
    let report = case.kind == Kind::Report;
    let facts = Facts::default()
        .with(Fact::Received)
        .with_if(milestones.disposed.is_some(), Fact::Disposed)
        .with_if(decided, Fact::Decided)
        .with_if(decided_in_time, Fact::DecidedInTime)
        .with_if(milestones.accepted.is_some(), Fact::Accepted)
        .with_if(closed, Fact::Closed)
        .with_if(closed && milestones.closed_in_time == Some(true), Fact::ClosedInTime)
        .with_if(station_ended, Fact::StationEnded)
        .with_if(station_ended && milestones.settled_at_station, Fact::SelfSettled)
        .with_if(agreed, Fact::Agreed)
        .with_if(mediation_ended, Fact::MediationEnded)
        .with_if(mediation_ended && agreed, Fact::MediatedAgreed)
        .with_if(case.returns > 0, Fact::Returned)
        .with_if(case.reopened, Fact::Reopened)
        .with_if(case.state == State::Withdrawn, Fact::Withdrawn)
        .with_if(case.state == State::Refused, Fact::Refused)
        .with_if(case.state == State::Transferred, Fact::Transferred)
        .with_if(report && decided, Fact::ReportVerified)
        .with_if(report && decided_in_time, Fact::ReportVerifiedInTime);
    // Silence is never satisfaction: without a rating there is none of these.
    match &case.rating {
        Some(rating) => facts
            .with(Fact::Rated)
            .with_if(rating.satisfied >= SATISFIED, Fact::Satisfied)
            .with_if(rating.solved, Fact::Solved)
            .with_if(rating.contacted, Fact::Contacted),
        None => facts,
    }
}

/// Least of 5 that counts as satisfied: 满意 and 非常满意.
const SATISFIED: u8 = 4;

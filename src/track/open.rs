//! The first state and clocks of a new case.

use crate::config::catalogue::{Catalogue, Office};
use crate::domain::case::Case;
use crate::domain::problem::Invalid;
use crate::domain::vocabulary::{Channel, ClockKind, Kind, State};
use crate::track::{clocks, decide};

/// What intake knows of a filing besides the case itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Opening {
    /// No rule routes it: a dispatcher decides.
    pub unroutable: bool,
    /// Filed at a station's counter, by its staff: the station has it in hand already.
    pub at_station: bool,
    /// A clue that was found in mediation (Art 27).
    pub clue: bool,
}

/// Whether statutory clocks run from a filing here (Order 121 Art 8, 40): the office publishes this service as a channel, or
/// the case came through the national 12315 platform.
pub fn is_statutory(case: &Case, office: &Office) -> bool {
    office.published_channel
        || case.channel == Channel::Platform12315
        || case.external.iter().any(|external| external.system == Channel::Platform12315.code())
}

/// Gives a new case its first state, its clocks and the last day of its first decision. Kind, office, station, rule, channel,
/// `settle_first`, `abstained` and the day of receipt are read; state, version, clocks, milestones and `with_office_since` are
/// set.
///
/// A case that the classifier abstained from, or that no rule routes, goes to triage, whatever else was asked for: its
/// owner there is only the fallback. A complaint whose person wants to settle first, or that a station's staff filed at
/// its counter, goes to the station, when there is one; a report never does. Every other case is with the office at once.
///
/// The clock of the first decision runs from receipt by the authority that is competent (Art 15), so none runs in triage
/// or at a station; there the age of the case shows.
///
/// # Errors
/// `no_rule` when the catalogue doesn't know the case's rule version.
pub fn open(catalogue: &Catalogue, mut case: Case, opening: Opening) -> Result<Case, Invalid> {
    let rule = decide::rule_of(catalogue, &case)?;
    let at_station = case.kind == Kind::Complaint
        && case.station.is_some()
        && (case.settle_first || (opening.at_station && case.channel == Channel::Counter));
    let (state, kinds) = if case.abstained || opening.unroutable {
        (State::Triage, vec![])
    } else if at_station {
        (State::Negotiating, vec![ClockKind::StationContact, ClockKind::StationEnd])
    } else {
        (State::Dispatched, clocks::decision_kind(rule, case.kind, opening.clue).into_iter().collect())
    };
    let received = case.received_on;
    case.state = state;
    case.version = 1;
    case.with_office_since = received;
    case.clocks =
        kinds.into_iter().filter_map(|kind| clocks::start(catalogue, rule, kind, received, received)).collect();
    case.milestones.decision_due =
        case.clocks.iter().find(|clock| clocks::is_decision(clock.kind)).map(|clock| clock.due);
    Ok(case)
}

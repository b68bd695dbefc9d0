//! The facts of a case that the rates count. They depend on the case alone, never on the day they are asked on: what
//! depends on today (overdue, due and undecided) is for the query that asks, from `milestones.decision_due` and the clocks.
//!
//! Facts of complaints hold for complaints only and facts of reports for reports only, so that a rate can't mix the two
//! (design section 7: complaints only unless said).

use crate::domain::case::Case;
use crate::domain::vocabulary::{Kind, State};

/// Declares the facts with their bits and column names, in the order in which they are stored.
macro_rules! facts {
    ($($(#[$meta:meta])* $variant:ident = $bit:literal, $column:literal;)+) => {
        /// One fact that a case shows or doesn't.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Fact { $($(#[$meta])* $variant,)+ }

        impl Fact {
            /// Every fact, in the order of their bits.
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its bit; stored, so it never changes meaning.
            pub const fn bit(self) -> i64 {
                match self { $(Self::$variant => 1 << $bit,)+ }
            }

            /// Name of the counter's column.
            pub const fn column(self) -> &'static str {
                match self { $(Self::$variant => $column,)+ }
            }
        }
    };
}

facts! {
    /// A complaint came in. Denominator of `handling`, `return` and `reopen`, and of rates per 10 000 residents.
    Received = 0, "n_received";
    /// A lawful disposal notice was given: accepted, refused with reason, referred, settled at a station, or joined to
    /// another complaint that goes on. Numerator of `handling`.
    Disposed = 1, "n_disposed";
    /// The competent office accepted or refused. Denominator of `timely_decision`, with the undecided that are due.
    Decided = 2, "n_decided";
    /// It did so within its limit. Numerator of `timely_decision`.
    DecidedInTime = 3, "n_decided_in_time";
    /// An office accepted it. Denominator of the share of agreements among the accepted, never mixed with `mediation_success`.
    Accepted = 4, "n_accepted";
    /// It is at an end. Denominator of `timely_closing` and `mediation_success`.
    Closed = 5, "n_closed";
    /// It is, and every limit that bound its end was kept. Numerator of `timely_closing`.
    ClosedInTime = 6, "n_closed_in_time";
    /// A station's turn ended: settled, withdrawn or handed over. Denominator of `self_settlement`.
    StationEnded = 7, "n_station_ended";
    /// The parties settled between themselves at a station. Numerator of `self_settlement`.
    SelfSettled = 8, "n_self_settled";
    /// It ended by agreement, mediated or between the parties. Numerator of `mediation_success`.
    Agreed = 9, "n_agreed";
    /// Mediation was opened and the case is at an end. Denominator of `mediation_success_of_mediated`.
    MediationEnded = 10, "n_mediation_ended";
    /// It was, and it ended by agreement. Numerator of `mediation_success_of_mediated`.
    MediatedAgreed = 11, "n_mediated_agreed";
    /// The consumer rated the handling. Denominator of `satisfaction`; over `Closed`, the rated share.
    Rated = 12, "n_rated";
    /// With 4 or 5 of 5. Numerator of `satisfaction`.
    Satisfied = 13, "n_satisfied";
    /// The consumer says that it was solved. Numerator of the share solved (12345: 解决率), over `Rated`.
    Solved = 14, "n_solved";
    /// The consumer says that the unit made contact. Numerator of the share contacted (12345: 响应率), over `Rated`.
    Contacted = 15, "n_contacted";
    /// A unit sent it back at least once. Numerator of `return`.
    Returned = 16, "n_returned";
    /// It was opened again. Numerator of `reopen`.
    Reopened = 17, "n_reopened";
    /// The complainant took it back. Shown beside `handling` and `mediation_success`.
    Withdrawn = 18, "n_withdrawn";
    /// It was refused. Shown beside `timely_decision` and `mediation_success`, whose denominator includes it.
    Refused = 19, "n_refused";
    /// It was handed to a body outside. Shown beside `handling`.
    Transferred = 20, "n_transferred";
    /// A report came in. Received of `report_verification`.
    ReportReceived = 21, "n_report_received";
    /// A report was verified: whether it leads to a filing (立案) is decided. Denominator of `report_verification`, with
    /// the undecided that are due.
    ReportVerified = 22, "n_report_verified";
    /// It was so within the limit, an approved extension included. Numerator of `report_verification`.
    ReportVerifiedInTime = 23, "n_report_verified_in_time";
}

/// The facts of one case, a bit each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash)]
pub struct Facts(i64);

impl Facts {
    /// Facts from their stored bits.
    pub const fn from_bits(bits: i64) -> Self {
        Self(bits)
    }

    /// The bits, as they are stored.
    pub const fn bits(self) -> i64 {
        self.0
    }

    /// Whether the case shows the fact.
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & fact.bit() != 0
    }

    /// The facts that it shows, in the order of their bits.
    pub fn iter(self) -> impl Iterator<Item = Fact> {
        Fact::ALL.iter().copied().filter(move |fact| self.has(*fact))
    }
}

impl FromIterator<Fact> for Facts {
    fn from_iter<I: IntoIterator<Item = Fact>>(facts: I) -> Self {
        Self(facts.into_iter().fold(0, |bits, fact| bits | fact.bit()))
    }
}

/// The facts that a case shows.
pub fn facts(case: &Case) -> Facts {
    Fact::ALL.iter().copied().filter(|fact| shows(case, *fact)).collect()
}

fn shows(case: &Case, fact: Fact) -> bool {
    let milestones = &case.milestones;
    let complaint = case.kind == Kind::Complaint;
    let report = case.kind == Kind::Report;
    let closed = milestones.closed.is_some();
    let agreed = closed && case.outcome.is_some();
    let in_time = || matches!((milestones.decided, milestones.decision_due), (Some(on), Some(due)) if on <= due);
    match fact {
        Fact::Received => complaint,
        Fact::Disposed => complaint && milestones.disposed.is_some(),
        Fact::Decided => complaint && milestones.decided.is_some(),
        Fact::DecidedInTime => complaint && in_time(),
        Fact::Accepted => complaint && milestones.accepted.is_some(),
        Fact::Closed => complaint && closed,
        Fact::ClosedInTime => complaint && closed && milestones.closed_in_time == Some(true),
        Fact::StationEnded => complaint && milestones.station_ended.is_some(),
        Fact::SelfSettled => complaint && milestones.settled_at_station,
        Fact::Agreed => complaint && agreed,
        Fact::MediationEnded => complaint && closed && milestones.mediation.is_some(),
        Fact::MediatedAgreed => complaint && agreed && milestones.mediation.is_some(),
        Fact::Rated => complaint && case.rating.is_some(),
        Fact::Satisfied => complaint && case.rating.as_ref().is_some_and(|rating| rating.satisfied >= 4),
        Fact::Solved => complaint && case.rating.as_ref().is_some_and(|rating| rating.solved),
        Fact::Contacted => complaint && case.rating.as_ref().is_some_and(|rating| rating.contacted),
        Fact::Returned => complaint && case.returns > 0,
        Fact::Reopened => complaint && case.reopened,
        Fact::Withdrawn => complaint && case.state == State::Withdrawn,
        Fact::Refused => complaint && case.state == State::Refused,
        Fact::Transferred => complaint && case.state == State::Transferred,
        Fact::ReportReceived => report,
        Fact::ReportVerified => report && milestones.decided.is_some(),
        Fact::ReportVerifiedInTime => report && in_time(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;

    #[test]
    fn every_fact_has_its_own_bit_and_column() {
        let bits: BTreeSet<_> = Fact::ALL.iter().map(|fact| fact.bit()).collect();
        let columns: BTreeSet<_> = Fact::ALL.iter().map(|fact| fact.column()).collect();
        assert_eq!(bits.len(), Fact::ALL.len());
        assert_eq!(columns.len(), Fact::ALL.len());
        assert!(
            columns
                .iter()
                .all(|name| name.starts_with("n_") && name.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
        );
        assert_eq!(Fact::ALL.iter().copied().collect::<Facts>().iter().count(), Fact::ALL.len());
    }
}

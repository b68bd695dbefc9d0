//! The facts that rates count: each is a bit of a case, a column of the counters and the predicate of the list behind a number.

use crate::domain::problem::Invalid;

/// One fact about a case. The order is that of the bits and of the counters' columns.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(usize)]
pub enum Fact {
    /// Taken in. Denominator of the handling rate.
    Received,
    /// A lawful disposal notice was given: accepted, refused with reason, referred, settled at a station. Numerator of the handling rate.
    Disposed,
    /// The competent office made its first decision, or the case ended without one after the last day for it.
    Decided,
    /// … on or before the last day. Numerator of the timely first decision rate.
    DecidedInTime,
    /// Accepted.
    Accepted,
    /// Came to an end. Denominator of timely closing and of mediation success.
    Closed,
    /// … with every limit kept. Numerator of timely closing.
    ClosedInTime,
    /// The station's turn ended. Denominator of station self-settlement.
    StationEnded,
    /// Settled between the parties at a station. Numerator of station self-settlement.
    SelfSettled,
    /// Closed with an agreement. Numerator of mediation success.
    Agreed,
    /// Mediation was opened and ended. Denominator of mediation success of mediated.
    MediationEnded,
    /// … with an agreement.
    MediatedAgreed,
    /// The complainant rated it. Denominator of satisfaction.
    Rated,
    /// … with 4 or 5 of 5. Numerator of satisfaction.
    Satisfied,
    /// … as solved.
    Solved,
    /// … as contacted.
    Contacted,
    /// Returned at least once. Numerator of the return rate.
    Returned,
    /// Opened again. Numerator of the reopening rate.
    Reopened,
    /// Ended by withdrawal.
    Withdrawn,
    /// Ended by refusal.
    Refused,
    /// Ended by a transfer to a body outside.
    Transferred,
    /// A report was verified and decided.
    ReportVerified,
    /// … on or before the last day. Numerator of report verification.
    ReportVerifiedInTime,
}

impl Fact {
    /// How many there are.
    pub const COUNT: usize = Self::ALL.len();

    /// Every fact, in order.
    pub const ALL: &'static [Self] = &[
        Self::Received,
        Self::Disposed,
        Self::Decided,
        Self::DecidedInTime,
        Self::Accepted,
        Self::Closed,
        Self::ClosedInTime,
        Self::StationEnded,
        Self::SelfSettled,
        Self::Agreed,
        Self::MediationEnded,
        Self::MediatedAgreed,
        Self::Rated,
        Self::Satisfied,
        Self::Solved,
        Self::Contacted,
        Self::Returned,
        Self::Reopened,
        Self::Withdrawn,
        Self::Refused,
        Self::Transferred,
        Self::ReportVerified,
        Self::ReportVerifiedInTime,
    ];

    /// Its name; the counters' column is `n_` and this.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Received => "received",
            Self::Disposed => "disposed",
            Self::Decided => "decided",
            Self::DecidedInTime => "decided_in_time",
            Self::Accepted => "accepted",
            Self::Closed => "closed",
            Self::ClosedInTime => "closed_in_time",
            Self::StationEnded => "station_ended",
            Self::SelfSettled => "self_settled",
            Self::Agreed => "agreed",
            Self::MediationEnded => "mediation_ended",
            Self::MediatedAgreed => "mediated_agreed",
            Self::Rated => "rated",
            Self::Satisfied => "satisfied",
            Self::Solved => "solved",
            Self::Contacted => "contacted",
            Self::Returned => "returned",
            Self::Reopened => "reopened",
            Self::Withdrawn => "withdrawn",
            Self::Refused => "refused",
            Self::Transferred => "transferred",
            Self::ReportVerified => "report_verified",
            Self::ReportVerifiedInTime => "report_verified_in_time",
        }
    }

    /// Reads a name.
    ///
    /// # Errors
    /// Lists the names when it is none of them.
    pub fn parse(code: &str) -> Result<Self, Invalid> {
        Self::ALL.iter().copied().find(|fact| fact.code() == code).ok_or_else(|| {
            let all: Vec<_> = Self::ALL.iter().map(|fact| fact.code()).collect();
            Invalid::new("unknown_value", "unknown fact").allowed(all.join(", "))
        })
    }

    /// Its bit.
    pub const fn bit(self) -> i64 {
        1 << self as usize
    }
}

/// The facts of one case.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Facts(pub i64);

impl Facts {
    /// With one more.
    #[must_use]
    pub const fn with(self, fact: Fact) -> Self {
        Self(self.0 | fact.bit())
    }

    /// With one more, if the condition holds.
    #[must_use]
    pub const fn with_if(self, condition: bool, fact: Fact) -> Self {
        if condition { self.with(fact) } else { self }
    }

    /// Whether the case has it.
    pub const fn has(self, fact: Fact) -> bool {
        self.0 & fact.bit() != 0
    }
}

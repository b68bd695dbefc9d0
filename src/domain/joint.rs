//! Complaints of several people against one merchant that are handled together (Order 121 Art 12).
//!
//! Each stays a case of its own, with its receipt, its limits and its outcome; what is kept here is a case's part in the group. The
//! article asks for the consent of each to be handled so; lets them choose two who speak for them; and binds a settlement that
//! these two agree on to the consent of those they speak for. Demands are given up and changed by each alone, in its own case, so
//! that for this no representative can speak at all.

use crate::domain::case::Case;
use crate::domain::money::Money;
use crate::domain::vocabulary::{Kind, Part};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// A case's part in a group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Joint {
    /// Which group.
    pub group: Uuid,
    /// Its consumer agreed to be handled together with the others; before, it was asked only.
    pub agreed: bool,
    /// Whether it speaks for itself, is spoken for, or speaks for others.
    pub part: Part,
    /// What its consumer consented to.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub terms: Option<Terms>,
}

/// The terms of a settlement that a consumer consented to.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Terms {
    /// Number of the question within the group.
    pub question: i16,
    /// What this consumer gets.
    pub amount: Money,
    /// By when.
    pub performance_date: Date,
}

impl Joint {
    /// A case that is asked to join.
    pub const fn asked(group: Uuid) -> Self {
        Self { group, agreed: false, part: Part::Own, terms: None }
    }
}

/// Whether a case may be asked to join a group: an open complaint that is in none.
pub fn may_join(case: &Case) -> bool {
    case.kind == Kind::Complaint && !case.state.is_end() && case.joint.is_none()
}

/// What a case is bound to when it is settled: it is spoken for by others. `None` when it speaks for itself; else the terms that
/// its consumer consented to, if it did.
pub fn bound(case: &Case) -> Option<Option<&Terms>> {
    let joint = case.joint.as_ref().filter(|joint| joint.agreed && joint.part == Part::Represented)?;
    Some(joint.terms.as_ref())
}

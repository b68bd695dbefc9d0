//! What a caller may see: no query runs without one.

use crate::domain::case::CaseId;
use crate::domain::division::Division;

/// What a person is known by, as the keyed hash under which it is looked up.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Contact {
    /// A phone number.
    Phone([u8; 16]),
    /// An address of e-mail.
    Email([u8; 16]),
}

/// The cases that a caller may know of. Anything outside answers as if it did not exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Scope {
    /// No case at all: anonymous callers, administrators.
    Nothing,
    /// One case, by its reference and PIN.
    Case(CaseId),
    /// The cases that a person filed, or has a part in on the filer's side, by the keyed hash of a phone number or address
    /// that is proven to be theirs.
    Contact(Contact),
    /// The cases that lie or lay at one station.
    Station(String),
    /// The cases of one office.
    Office(String),
    /// Every case within a division and those below it; with a department, only that line's.
    Subtree {
        /// Root of the subtree.
        division: Division,
        /// Department code without the place, e.g. `amr`.
        department: Option<String>,
    },
    /// Everything: the service's own work and commands run by an operator.
    System,
}

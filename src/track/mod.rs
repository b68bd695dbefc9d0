//! Tracks a case: which step it may take, what the step changes, and which time limits run.
//!
//! In comes a case, a command (who, what, with which fields) and what the case alone can't tell (today, the cases and
//! accounts that the fields name); out comes a [`Step`]: the case after it, what its event keeps open and what is sealed,
//! the notices owed and the links made; or a [`Refused`] that says what would be possible instead. Pure: the caller loads,
//! seals, stores and sends.
//!
//! The rules are those of `domain::transition` (which step, by whom, carrying what) and of the rule files (which limits,
//! which grounds); here they are applied. Time limits (Order 121 Art 15, 22, 23, 27, 33, 35, 45; Order 20 Art 14, 21;
//! 消保法 Art 46) are computed in [`clocks`] and nowhere else.

pub mod act;
mod available;
pub mod clocks;
mod decide;
pub mod documents;
pub mod dossier;
mod effects;
pub mod escalate;
mod fields;
mod guards;
pub mod ledger;
pub mod notices;
mod open;
mod patch;
pub mod rating;
pub mod round;
pub mod told;
pub mod unmask;
pub mod verdicts;

#[cfg(test)]
mod tests;

pub use available::{Available, FieldSpec, available_actions};
pub use decide::{Command, Context, Link, Refused, Relation, Step, decide, recompute, record};
pub use fields::cases_named;
pub use guards::Blocked;
pub use open::{Opening, is_statutory, open};
pub use patch::{fold, patch};

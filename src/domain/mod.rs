//! The words of the field and the arithmetic on them: what a case is, which steps it may take, how Chinese working days
//! are counted, how a number is checked.
//!
//! Pure by rule: nothing here does I/O, reads a clock, draws randomness or uses another module of this crate, so that
//! every rule in it can be tested as a table. A test of the dependencies holds it to that.

pub mod calendar;
pub mod case;
pub mod chain;
pub mod clock;
pub mod division;
pub mod fact;
pub(crate) mod hidden;
pub mod identifiers;
pub mod joint;
pub mod money;
pub mod notice;
pub mod party;
pub mod permission;
pub mod problem;
pub mod reference;
pub mod risk;
pub mod scope;
pub mod text;
pub mod transition;
pub mod tries;
pub mod vocabulary;
pub mod webhook;

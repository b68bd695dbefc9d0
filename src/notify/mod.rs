//! Tells people what the law or a service owes them, at least once.
//!
//! Comes in: what is owed, in the unit of work that owes it ([`owe`]): a notice by name, to whom, by which channel, and the
//! values for its template. Goes out: a mail ([`mail`]), a text message ([`sms`]) or a signed event for another system ([`hook`]),
//! each under an id that stays the same when it has to be sent again, and a row that tells how it ended.
//!
//! - A row for each destination and channel: one that fails says nothing of the others.
//! - Nothing is sent within a request or a transaction: [`post`] takes what is due, a few at a time of each receiving domain,
//!   so that a slow one holds up none of the others.
//! - What fails for now is tried again at growing intervals; what fails for good, or for too long, is shown to staff.
//! - Destination and values are sealed with the case's key, so that erasing a case erases its notices.
//! - What other systems are told holds nothing personal, and goes to addresses of the public internet only ([`reach`]).
//!
//! Sources: Order 121 Art 15, 16, 23, 24 (what must be told); the notices are listed in `domain::notice`, their texts in
//! `config/templates`.

pub mod fault;
pub mod hook;
pub mod mail;
pub mod owe;
pub mod post;
pub mod reach;
pub mod sms;

pub use owe::{Owing, code, owe};
pub use post::Post;

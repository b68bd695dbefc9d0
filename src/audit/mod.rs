//! What happened to the installation, so that nobody can change it unseen.
//!
//! Comes in: a typed [`Entry`] of what someone did. Goes out: a chain of hashes for each writer ([`chain`]), written in the unit
//! of work of what it records; signed [`checkpoint`]s in a second place; the first entry that isn't as it was written ([`verify`]).
//!
//! - **No personal value** stands in an entry: people outside the staff are known by the key of their case or a keyed hash.
//!   What staff write as a reason is sealed with the key of its case and covered by a commitment, so that erasing the
//!   case keeps the chain whole.
//! - **Each writer has a chain** (`audit.writer`): nodes that share a database write side by side without waiting for each other.
//! - **The end of a chain** can be cut off without breaking it; what was there is told by the newest checkpoint, which is
//!   signed with a key outside the database and lies elsewhere.
//!
//! Sources: OWASP ASVS 5.0 16.2–16.4; Personal Information Protection Law Art 51 and 54.

pub mod chain;
pub mod checkpoint;
mod entry;
pub mod verify;

pub use chain::Record;
pub use checkpoint::{Checkpoint, Checkpoints};
pub use entry::{By, Entry, Kind, Occasion};
pub use verify::{Fault, Verifier};

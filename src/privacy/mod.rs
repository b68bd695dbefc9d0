//! Keeps personal data unreadable to whoever has only the database.
//!
//! Comes in: the fields of a case in the clear, one at a time, with the place where they will be stored. Goes out: sealed
//! values, keyed hashes to look people up by, and the access PIN of a case.
//!
//! - **Envelope encryption** ([`vault`]): every case has a data key of its own, wrapped by a master key that never enters
//!   the database. Rotating the master key wraps the data keys anew; destroying a case's data key erases the case. A backup
//!   from before has that key still, wrapped: it is erased there when the master key of its time is (`keys retire`).
//! - **A value is bound to its place**: table, column and row are authenticated with it, so that a sealed value moved
//!   elsewhere doesn't open.
//! - **Look-up** by HMAC under a key of its own: the same phone number gives the same 16 bytes. Whoever has that key can
//!   try out all phone numbers, therefore it lies with the master keys, outside the database and its backups; that two
//!   rows share a value can be seen in the database and is accepted.
//! - **The key ring** ([`ring`]) is one file, readable by its owner only. Losing it loses every sealed field: back it up
//!   apart from the database.
//!
//! Sources: Personal Information Protection Law Art 51 (encryption, de-identification), Art 47 (erasure).

mod link;
mod proof;
pub mod ring;
mod secret;
pub mod signing;
pub mod totp;
pub mod vault;

pub use link::{Link, LinkTo};
pub use proof::PasswordProof;
pub use ring::{KeyRing, RingError};
pub use secret::Secret;
pub use vault::{CaseKey, Field, OpenError, Purpose, Suite, Vault};

//! Who gets in, and for how long.
//!
//! Comes in: credentials, a token, a cookie. Goes out: a session with its owner, or a refusal that tells nothing of which part
//! was wrong. [`sign_in`] checks credentials; [`sessions`] opens, looks up, renews and ends what follows from them.
//!
//! A session is a row. Whatever a token or cookie says, it is believed only as long as that row stands and its account may
//! still do what it did, which is asked of the database at every request: whoever is disabled, changed, or has signed out
//! elsewhere is out at once, on every node.
//!
//! Sources: OWASP ASVS 5.0 chapters 6 and 7; NIST SP 800-63B.

pub mod sessions;
pub mod sign_in;

pub use sessions::{Carrier, Live, Opened};
pub use sign_in::Credentials;

use crate::identity::{HashError, RetryAfter, TokenError};
use crate::store::StoreError;

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Wrong credentials, whichever part of them.
    #[error("wrong credentials")]
    Credentials,
    /// A refresh token that isn't one, or no longer.
    #[error("not a refresh token, or no longer")]
    Ticket,
    /// Too many attempts.
    #[error(transparent)]
    TooMany(#[from] RetryAfter),
    /// The password can't be checked.
    #[error(transparent)]
    Hash(#[from] HashError),
    /// A token can't be issued.
    #[error(transparent)]
    Token(#[from] TokenError),
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
}

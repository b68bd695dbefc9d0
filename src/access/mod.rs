//! Who gets in, and for how long.
//!
//! Comes in: credentials, a token, a cookie. Goes out: a session with its owner, or a refusal that tells nothing of which part
//! was wrong. [`accounts`] are those of staff; [`sign_in`] checks credentials; [`codes`] sends one-time codes; [`oidc`] lets staff in
//! through a provider; [`factors`] keeps second factors; [`limits`] counts attempts; [`sessions`] opens, looks up, renews and
//! ends what follows.
//!
//! A session is a row. Whatever a token or cookie says, it is believed only as long as that row stands and its account may
//! still do what it did, which is asked of the database at every request: whoever is disabled, changed, or has signed out
//! elsewhere is out at once, on every node.
//!
//! Sources: OWASP ASVS 5.0 chapters 6 and 7; NIST SP 800-63B.

pub mod accounts;
pub mod codes;
pub mod factors;
pub mod limits;
pub mod oidc;
pub mod sessions;
pub mod sign_in;

pub use codes::Destination;
pub use factors::Enrolment;
pub use limits::Counting;
pub use oidc::Provider;
pub use sessions::{Carrier, Live, Opened};
pub use sign_in::Credentials;

use crate::app::App;
use crate::audit::Occasion;
use crate::identity::{Caller, HashError, RetryAfter, TokenError};
use crate::privacy::PasswordProof;
use crate::store::StoreError;
use jiff::Timestamp;
use std::net::IpAddr;

/// Where a request comes from, as far as it matters to who gets in.
#[derive(Debug, Clone)]
pub struct Origin {
    /// Network address, proxies that are trusted looked through.
    pub address: IpAddr,
    /// Id of the request, for the audit log.
    pub request_id: Option<String>,
}

impl Origin {
    /// The beginning of an entry of the audit log about what somebody does from here.
    fn occasion(&self, app: &App, who: &Caller) -> Occasion {
        app.occasion(who).of_request(self.request_id.clone())
    }
}

/// Somebody whose credentials were right.
#[derive(Debug, Clone)]
pub struct Proven {
    /// Whose they were.
    pub who: Caller,
    /// What was shown.
    pub method: Method,
    /// Recovery codes that were made with it, to be told once.
    pub recovery: Vec<String>,
    /// The attempt, to be taken back once they are let in.
    pub counting: Counting,
    /// When they proved it, where that wasn't just now: at a provider, some time ago.
    pub proved_at: Option<Timestamp>,
}

/// What somebody shows to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// Name and password.
    Password,
    /// Name, password and a code of the second factor.
    PasswordTotp,
    /// Number and PIN of a case.
    Pin,
    /// A one-time code.
    Code,
    /// A provider said who it is.
    Oidc,
}

impl Method {
    /// As the audit log names it.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Password => "password",
            Self::PasswordTotp => "password_totp",
            Self::Pin => "pin",
            Self::Code => "code",
            Self::Oidc => "oidc",
        }
    }
}

/// Why somebody isn't let in.
#[derive(Debug, thiserror::Error)]
pub enum Refused {
    /// Wrong credentials, whichever part of them.
    #[error("wrong credentials")]
    Credentials,
    /// The password is right, and a code of the second factor is asked for.
    #[error("the second factor is asked for")]
    TotpRequired(PasswordProof),
    /// The password is right, and the account has to get a second factor first.
    #[error("a second factor must be set up")]
    Enrol(Enrolment, PasswordProof),
    /// The provider of sign-in can't be reached, or doesn't answer as one.
    #[error("the provider of sign-in can't be reached")]
    ProviderAway,
    /// What came back from the provider isn't believed, comes too late or a second time, or the person turned back there.
    #[error("the provider's answer is not believed")]
    ProviderRefused,
    /// The provider knows who it is, and no account that can sign in is linked to them; what to link one to.
    #[error("no account is linked to them")]
    NotLinked(String),
    /// The account needs a second factor, and the provider doesn't say that one was shown.
    #[error("the provider says nothing of a second factor")]
    ProviderFactor,
    /// A refresh token, or a proof that the password was right, that isn't one, or no longer.
    #[error("not a token of ours, or no longer")]
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

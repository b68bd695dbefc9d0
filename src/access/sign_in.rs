//! Credentials: number and PIN of a case, or name and password of an account.

use crate::access::Refused;
use crate::access::sessions::standing;
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::identity::{Caller, Password};
use crate::store::{cases, users};
use std::net::IpAddr;
use uuid::Uuid;

/// What somebody shows to be let in.
#[derive(Debug)]
pub enum Credentials {
    /// Of the person who filed a case.
    Case {
        /// Its number.
        reference: String,
        /// Its PIN.
        pin: String,
    },
    /// Of staff.
    Staff {
        /// Name of the account.
        username: String,
        /// Its password.
        password: Password,
    },
}

/// Whom the credentials are of.
///
/// # Errors
/// [`Refused`].
pub async fn check(app: &App, credentials: Credentials, address: IpAddr) -> Result<Caller, Refused> {
    match credentials {
        Credentials::Case { reference, pin } => case(app, address, &reference, &pin).await,
        Credentials::Staff { username, password } => staff(app, address, username.trim(), password).await,
    }
}

/// Counts an attempt, when attempts are limited.
fn attempt(app: &App, address: IpAddr, account: &str) -> Result<(), Refused> {
    if app.settings.limits.enabled {
        app.attempts.check(account, address).inspect_err(|_| tracing::warn!("too many attempts to sign in"))?;
    }
    Ok(())
}

async fn case(app: &App, address: IpAddr, number: &str, pin: &str) -> Result<Caller, Refused> {
    let reference = Reference::parse(number).ok();
    // Numbers that don't exist share one quota: they are guesses.
    let account = reference.as_ref().map_or("case:none".to_owned(), |reference| format!("case:{}", reference.as_str()));
    attempt(app, address, &account)?;
    let found = match reference {
        Some(reference) => app.store.read(move |db| cases::load(db, &Scope::System, &reference)).await?,
        None => None,
    };
    // The same work for a case that doesn't exist.
    let case = found.map(|loaded| loaded.case.id);
    let fits = app.vault.verify_pin(case.unwrap_or(CaseId(Uuid::nil())), pin.trim());
    case.filter(|_| fits).map(|case| Caller { case: Some(case), ..Caller::ANONYMOUS }).ok_or_else(|| {
        tracing::info!("wrong reference number or PIN");
        Refused::Credentials
    })
}

async fn staff(app: &App, address: IpAddr, username: &str, password: Password) -> Result<Caller, Refused> {
    attempt(app, address, &format!("user:{}", username.to_lowercase()))?;
    let name = username.to_owned();
    let user = app.store.read(move |db| users::find(db, &name)).await?;
    let stored = user.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
    // Without an account a password is hashed all the same: the time tells nothing.
    let fits = app.hasher.verify(password, stored).await?;
    user.as_ref().filter(|_| fits).and_then(standing).ok_or_else(|| {
        tracing::info!("wrong name or password");
        Refused::Credentials
    })
}

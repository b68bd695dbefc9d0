//! Credentials: number and PIN of a case, or name and password of an account.

use crate::access::sessions::standing;
use crate::access::{Method, Origin, Proven, Refused};
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::identity::attempts::address_key;
use crate::identity::{Caller, Password};
use crate::store::cases::Loaded;
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

/// Whom the credentials are of. Wrong ones are written down.
///
/// # Errors
/// [`Refused`].
pub async fn check(app: &App, credentials: Credentials, from: &Origin) -> Result<Proven, Refused> {
    match credentials {
        Credentials::Case { reference, pin } => case(app, from, &reference, &pin).await,
        Credentials::Staff { username, password } => staff(app, from, username.trim(), password).await,
    }
}

/// Counts an attempt, when attempts are limited.
fn attempt(app: &App, address: IpAddr, account: &str) -> Result<(), Refused> {
    if app.settings.limits.enabled {
        app.attempts.check(account, address).inspect_err(|_| tracing::warn!("too many attempts to sign in"))?;
    }
    Ok(())
}

/// Writes down an attempt that failed. The account is named when there is one, and of a case nothing but its key.
async fn failed(app: &App, from: &Origin, method: Method, account: Option<&str>, case: Option<Loaded>) -> Refused {
    let mark = app.vault.address_mark(&address_key(from.address));
    let mut entry = from.occasion(app, &Caller::ANONYMOUS).sign_in_failed(method.code(), account, &mark);
    if let Some(found) = case {
        entry = entry.about(found.case.id, found.case.division);
    }
    match app.record(entry).await {
        Ok(()) => Refused::Credentials,
        Err(error) => error.into(),
    }
}

async fn case(app: &App, from: &Origin, number: &str, pin: &str) -> Result<Proven, Refused> {
    let reference = Reference::parse(number).ok();
    // Numbers that don't exist share one quota: they are guesses.
    let account = reference.as_ref().map_or("case:none".to_owned(), |reference| format!("case:{}", reference.as_str()));
    attempt(app, from.address, &account)?;
    let found = match reference {
        Some(reference) => app.store.read(move |db| cases::load(db, &Scope::System, &reference)).await?,
        None => None,
    };
    // The same work for a case that doesn't exist.
    let id = found.as_ref().map(|loaded| loaded.case.id);
    let fits = app.vault.verify_pin(id.unwrap_or(CaseId(Uuid::nil())), pin.trim());
    match id.filter(|_| fits) {
        Some(id) => Ok(Proven { who: Caller { case: Some(id), ..Caller::ANONYMOUS }, method: Method::Pin }),
        None => Err(failed(app, from, Method::Pin, None, found).await),
    }
}

async fn staff(app: &App, from: &Origin, username: &str, password: Password) -> Result<Proven, Refused> {
    attempt(app, from.address, &format!("user:{}", username.to_lowercase()))?;
    let name = username.to_owned();
    let user = app.store.read(move |db| users::find(db, &name)).await?;
    let stored = user.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
    // Without an account a password is hashed all the same: the time tells nothing.
    let fits = app.hasher.verify(password, stored).await?;
    match user.as_ref().filter(|_| fits).and_then(standing) {
        Some(who) => Ok(Proven { who, method: Method::Password }),
        None => {
            let account = user.as_ref().map(|user| user.username.as_str());
            Err(failed(app, from, Method::Password, account, None).await)
        }
    }
}

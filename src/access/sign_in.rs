//! Credentials: number and PIN of a case, a one-time code, or name and password of an account.

use crate::access::factors::{self as second_factors, Shown, is_required};
use crate::access::limits::{self, Aim};
use crate::access::sessions::standing;
use crate::access::{Counting, Destination, Enrolment, Method, Origin, Proven, Refused, codes};
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::identity::attempts::address_key;
use crate::identity::{Caller, Password};
use crate::privacy::PasswordProof;
use crate::store::cases::Loaded;
use crate::store::users::User;
use crate::store::{audit, cases, factors, users};
use jiff::ToSpan;
use std::sync::Arc;
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
    /// Of a person who was sent a one-time code.
    Code {
        /// To whom.
        to: Destination,
        /// The code.
        code: String,
    },
    /// Of staff.
    Staff {
        /// Name of the account.
        username: String,
        /// Its password.
        password: Password,
        /// A code of its second factor, or a recovery code.
        totp: Option<String>,
    },
    /// Of staff whose password was right a moment ago.
    SecondStep {
        /// The proof of that.
        proof: String,
        /// A code of the second factor, or a recovery code.
        code: String,
    },
}

/// Minutes between the two steps of a sign-in.
const BETWEEN_STEPS: i64 = 10;

/// Whom the credentials are of. Wrong ones are written down.
///
/// # Errors
/// [`Refused`].
pub async fn check(app: &Arc<App>, credentials: Credentials, from: &Origin) -> Result<Proven, Refused> {
    match credentials {
        Credentials::Case { reference, pin } => case(app, from, &reference, &pin).await,
        Credentials::Code { to, code } => codes::check(app, from, &to, &code).await,
        Credentials::Staff { username, password, totp } => staff(app, from, username.trim(), password, totp).await,
        Credentials::SecondStep { proof, code } => second_step(app, from, &proof, &code).await,
    }
}

/// Writes down an attempt that failed. The account is named when there is one, and of a case nothing but its key.
pub(super) async fn failed(
    app: &App,
    from: &Origin,
    method: Method,
    account: Option<&str>,
    case: Option<Loaded>,
    counting: &Counting,
) -> Refused {
    let mark = app.vault.address_mark(&address_key(from.address));
    let occasion = || from.occasion(app, &Caller::ANONYMOUS);
    let mut entries = vec![occasion().sign_in_failed(method.code(), account, &mark)];
    if counting.wait_seconds() > 0 {
        entries.push(occasion().locked(account, &mark, counting.wait_seconds()));
    }
    if let Some(found) = case {
        entries = entries.into_iter().map(|entry| entry.about(found.case.id, found.case.division)).collect();
    }
    match app.store.write(move |tx| entries.iter().try_for_each(|entry| audit::append(tx, entry))).await {
        Ok(()) => Refused::Credentials,
        Err(error) => error.into(),
    }
}

async fn case(app: &Arc<App>, from: &Origin, number: &str, pin: &str) -> Result<Proven, Refused> {
    let reference = Reference::parse(number).ok();
    // A number that doesn't exist is counted like any other: nothing tells them apart.
    let aim = Aim::Case(reference.as_ref().map_or(String::new(), |reference| reference.as_str().to_owned()));
    let counting = limits::count(app, from, aim).await?;
    let found = match reference {
        Some(reference) => app.store.read(move |db| cases::load(db, &Scope::System, &reference)).await?,
        None => None,
    };
    // The same work for a case that doesn't exist.
    let id = found.as_ref().map(|loaded| loaded.case.id);
    let fits = app.vault.verify_pin(id.unwrap_or(CaseId(Uuid::nil())), pin.trim());
    match id.filter(|_| fits) {
        Some(id) => Ok(Proven {
            who: Caller { case: Some(id), ..Caller::ANONYMOUS },
            method: Method::Pin,
            recovery: Vec::new(),
            counting,
            proved_at: None,
        }),
        None => Err(failed(app, from, Method::Pin, None, found, &counting).await),
    }
}

async fn staff(
    app: &Arc<App>,
    from: &Origin,
    username: &str,
    password: Password,
    totp: Option<String>,
) -> Result<Proven, Refused> {
    let counting = limits::count(app, from, Aim::Account(username.to_owned())).await?;
    let name = username.to_owned();
    let found = app.store.read(move |db| Ok((users::find(db, &name)?, factors::is_confirmed(db, &name)?)));
    let (user, has_factor) = found.await?;
    let stored = user.as_ref().filter(|user| !user.disabled).map(|user| user.password_hash.as_str());
    // Without an account a password is hashed all the same: the time tells nothing.
    let fits = app.hasher.verify(password, stored).await?;
    let Some((user, who)) = user.as_ref().filter(|_| fits).and_then(|user| Some((user, standing(user)?))) else {
        let account = user.as_ref().map(|user| user.username.as_str());
        return Err(failed(app, from, Method::Password, account, None, &counting).await);
    };
    if !has_factor && !is_required(app, who.role) {
        return Ok(Proven { who, method: Method::Password, recovery: Vec::new(), counting, proved_at: None });
    }
    match second(app, from, user, has_factor, totp).await? {
        Shown::Right => {
            Ok(Proven { who, method: Method::PasswordTotp, recovery: Vec::new(), counting, proved_at: None })
        }
        Shown::Confirmed(recovery) => {
            Ok(Proven { who, method: Method::PasswordTotp, recovery, counting, proved_at: None })
        }
        Shown::Wrong => Err(failed(app, from, Method::PasswordTotp, Some(username), None, &counting).await),
    }
}

/// The second step of somebody whose password was right.
async fn second(
    app: &Arc<App>,
    from: &Origin,
    user: &User,
    has_factor: bool,
    totp: Option<String>,
) -> Result<Shown, Refused> {
    let (shared, name) = (Arc::clone(app), user.username.clone());
    let proof = || {
        let now = app.now();
        let until = now.checked_add(BETWEEN_STEPS.minutes()).unwrap_or(now);
        PasswordProof::new(&app.vault, &user.username, until, &bound(user, from))
    };
    match totp {
        Some(code) => Ok(app.store.write(move |tx| second_factors::show(&shared, tx, &name, &code)).await?),
        None if has_factor => Err(Refused::TotpRequired(proof())),
        None => match app.store.write(move |tx| second_factors::begin(&shared, tx, &name)).await? {
            Some(enrolment) => Err(Refused::Enrol(enrolment, proof())),
            // It was confirmed in this very moment.
            None => Err(Refused::TotpRequired(proof())),
        },
    }
}

/// What must be the same at both steps: the password, and the address that it came from.
fn bound(user: &User, from: &Origin) -> String {
    format!("{}\0{}", user.password_hash, address_key(from.address))
}

/// The account whose password was right, as it is now.
async fn proven(app: &App, from: &Origin, proof: &str) -> Result<(User, Caller), Refused> {
    let proof = PasswordProof::read(proof).filter(|proof| proof.until > app.now()).ok_or(Refused::Ticket)?;
    let name = proof.username.clone();
    let user = app.store.read(move |db| users::find(db, &name)).await?.ok_or(Refused::Ticket)?;
    let who = standing(&user).filter(|_| proof.is_good(&app.vault, &bound(&user, from))).ok_or(Refused::Ticket)?;
    Ok((user, who))
}

/// What the second step asks for: nothing but a code, or to set a second factor up first.
///
/// # Errors
/// [`Refused::Ticket`] when the first step wasn't taken, or too long ago.
pub async fn asked(app: &Arc<App>, from: &Origin, proof: &str) -> Result<Option<Enrolment>, Refused> {
    let (user, _) = proven(app, from, proof).await?;
    let (shared, name) = (Arc::clone(app), user.username.clone());
    let unconfirmed = app.store.read(move |db| Ok(!factors::is_confirmed(db, &name)?)).await?;
    if !unconfirmed {
        return Ok(None);
    }
    Ok(app.store.write(move |tx| second_factors::begin(&shared, tx, &user.username)).await?)
}

async fn second_step(app: &Arc<App>, from: &Origin, proof: &str, code: &str) -> Result<Proven, Refused> {
    let (user, who) = proven(app, from, proof).await?;
    let counting = limits::count(app, from, Aim::Account(user.username.clone())).await?;
    let (shared, name, code) = (Arc::clone(app), user.username.clone(), code.to_owned());
    let method = Method::PasswordTotp;
    match app.store.write(move |tx| second_factors::show(&shared, tx, &name, &code)).await? {
        Shown::Right => Ok(Proven { who, method, recovery: Vec::new(), counting, proved_at: None }),
        Shown::Confirmed(recovery) => Ok(Proven { who, method, recovery, counting, proved_at: None }),
        Shown::Wrong => Err(failed(app, from, method, Some(&user.username), None, &counting).await),
    }
}

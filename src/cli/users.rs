//! Accounts of staff, by an operator on the machine.

use super::output::{Failure, Outcome};
use crate::access::accounts::{self, Duty};
use crate::access::oidc::link_hash;
use crate::app::App;
use crate::domain::problem::Problem;
use crate::identity::Caller;
use crate::identity::oidc::{MAX_SUBJECT, is_subject};
use crate::store::sessions::{self, Why};
use crate::store::{audit, subjects, users};
use serde::{Deserialize, Serialize};
use serde_json::json;
use std::sync::Arc;

/// An account to be added.
#[derive(Clone, Serialize, Deserialize)]
pub(super) struct NewUser {
    /// Name to sign in with.
    pub(super) username: String,
    /// Role.
    pub(super) role: String,
    /// Office or station.
    pub(super) unit: Option<String>,
    /// Root of the divisions it sees.
    pub(super) division: Option<String>,
    /// The password was hashed where it was typed.
    pub(super) password_hash: String,
}

/// Adds an account.
pub(super) async fn add(app: &Arc<App>, new: NewUser) -> Result<Outcome, Failure> {
    let duty = Duty { role: new.role, unit: new.unit, division: new.division };
    let post = accounts::post(app, &duty).map_err(|faults| {
        let line = |fault: &Problem| format!("--{}: {}", fault.pointer.trim_start_matches('/'), fault.fault);
        Failure { lines: faults.0.iter().map(line).collect(), ..Failure::usage("") }
    })?;
    let (username, occasion) = (new.username.clone(), app.occasion(&Caller::SYSTEM));
    if !accounts::add(app, occasion, new.username, post.clone(), new.password_hash).await? {
        return Err(Failure::found(format!("the account {username} exists already")));
    }
    let result = json!({ "username": username, "role": post.role, "unit": post.unit, "division": post.division });
    Ok(Outcome::ok(result, format!("added {username} ({})", post.role)))
}

/// Disables an account, or gives it another password and enables it.
pub(super) async fn change(
    app: &Arc<App>,
    username: String,
    password_hash: Option<String>,
) -> Result<Outcome, Failure> {
    let disable = password_hash.is_none();
    if !accounts::change(app, app.occasion(&Caller::SYSTEM), username.clone(), password_hash).await? {
        return Err(Failure::found(format!("there is no account {username}")));
    }
    let line = if disable { format!("disabled {username}") } else { format!("{username} has a new password") };
    Ok(Outcome::ok(json!({"username": username, "disabled": disable}), line))
}

/// Takes the second factor of an account away, and ends its sessions.
pub(super) async fn reset_totp(app: &Arc<App>, username: String) -> Result<Outcome, Failure> {
    if !accounts::reset_totp(app, app.occasion(&Caller::SYSTEM), username.clone()).await? {
        return Err(Failure::found(format!("{username} has no second factor")));
    }
    Ok(Outcome::ok(json!({"username": username}), format!("{username} has no second factor any more")))
}

/// Links an account to somebody at the provider of sign-in.
pub(super) async fn link(app: &Arc<App>, username: String, subject: String) -> Result<Outcome, Failure> {
    let Some(issuer) = &app.settings.oidc.issuer else {
        return Err(Failure::usage("the settings name no provider of sign-in: oidc.issuer is empty"));
    };
    if !is_subject(&subject) {
        return Err(Failure::usage(format!("--subject: 1 to {MAX_SUBJECT} bytes, without a space at its ends")));
    }
    let claim = &app.settings.oidc.claim;
    let hash = link_hash(&app.vault, issuer, claim, &subject);
    let (name, now) = (username.clone(), app.now());
    let entry = app.occasion(&Caller::SYSTEM).user_reset(&name, "provider_link");
    let linked = app.store.write(move |tx| {
        if users::find(tx.db(), &name)?.is_none() {
            return Ok(None);
        }
        let linked = subjects::link(tx, &hash, &name, now)?;
        if linked {
            audit::append(tx, &entry)?;
        }
        Ok(Some(linked))
    });
    match linked.await? {
        None => Err(Failure::found(format!("there is no account {username}"))),
        Some(false) => Err(Failure::found(format!("{claim} {subject} is linked to another account"))),
        Some(true) => {
            let result = json!({"username": username, "issuer": issuer, "claim": claim});
            Ok(Outcome::ok(result, format!("{username} can sign in through {issuer}")))
        }
    }
}

/// Takes every link of an account away, and ends its sessions.
pub(super) async fn unlink(app: &Arc<App>, username: String) -> Result<Outcome, Failure> {
    let (name, now) = (username.clone(), app.now());
    let entry = app.occasion(&Caller::SYSTEM).user_reset(&name, "provider_link");
    let links = app.store.write(move |tx| {
        let links = subjects::unlink(tx, &name)?;
        if links > 0 {
            sessions::end_all(tx, "staff", &name, Why::AccountChanged, now)?;
            audit::append(tx, &entry)?;
        }
        Ok(links)
    });
    match links.await? {
        0 => Err(Failure::found(format!("{username} has no link to a provider of sign-in"))),
        links => Ok(Outcome::ok(json!({"username": username, "links": links}), format!("took {links} links away"))),
    }
}

/// A name to sign in with.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    accounts::check_name(name).map_err(|fault| Failure::usage(format!("--username: {fault}")))
}

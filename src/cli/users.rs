//! Accounts of staff, by an operator on the machine.

use super::output::{Failure, Outcome};
use crate::access::oidc::link_hash;
use crate::app::App;
use crate::domain::division::Division;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Role;
use crate::identity::oidc::{MAX_SUBJECT, is_subject};
use crate::identity::{self, Caller};
use crate::store::sessions::{self, Why};
use crate::store::users::{self, User};
use crate::store::{audit, factors, subjects};
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
    let user = checked(app, new)?;
    let (shown, now) = (user.clone(), app.now());
    let entry = app.occasion(&Caller::SYSTEM).user_added(&user.username, user.role, user.unit.as_deref());
    let added = app.store.write(move |tx| {
        let added = users::add(tx, &user, now)?;
        if added {
            audit::append(tx, &entry)?;
        }
        Ok(added)
    });
    if !added.await? {
        return Err(Failure::found(format!("the account {} exists already", shown.username)));
    }
    let result = json!({
        "username": shown.username,
        "role": shown.role,
        "unit": shown.unit,
        "division": shown.division,
    });
    Ok(Outcome::ok(result, format!("added {} ({})", shown.username, shown.role)))
}

fn checked(app: &Arc<App>, new: NewUser) -> Result<User, Failure> {
    let catalogue = app.catalogue();
    let role = Role::parse(&new.role).map_err(|fault| Failure::usage(format!("--role: {fault}")))?;
    if matches!(role, Role::Consumer | Role::Merchant | Role::System) {
        return Err(Failure::usage(format!("--role: {role} has no account")));
    }
    let unit_division = match &new.unit {
        None => None,
        Some(code) => {
            let office = catalogue.offices.get(code).map(|office| office.division);
            let station = catalogue.stations.get(code).map(|station| station.division);
            Some(office.or(station).ok_or_else(|| Failure::usage(format!("--unit: {code} is no office or station")))?)
        }
    };
    let division = match &new.division {
        None => unit_division,
        Some(code) => {
            let division = Division::parse(code).map_err(|fault| Failure::usage(format!("--division: {fault}")))?;
            let place = catalogue.places.get(division);
            Some(place.ok_or_else(|| Failure::usage(format!("--division: {code} isn't known")))?.code)
        }
    };
    let user = Some(new.username.clone());
    let caller = Caller { role, user, unit: new.unit.clone(), division, case: None, contact: None };
    if identity::scope(&caller) == Scope::Nothing && role != Role::Admin {
        return Err(Failure::usage(format!("the role {role} would see no case without --unit or --division")));
    }
    Ok(User {
        username: new.username,
        id: uuid::Builder::from_random_bytes(crate::ambient::draw(app.entropy.as_ref())).into_uuid(),
        role,
        unit: new.unit,
        division,
        password_hash: new.password_hash,
        disabled: false,
    })
}

/// Disables an account, or gives it another password and enables it.
pub(super) async fn change(
    app: &Arc<App>,
    username: String,
    password_hash: Option<String>,
) -> Result<Outcome, Failure> {
    let (name, now, disable) = (username.clone(), app.now(), password_hash.is_none());
    let occasion = app.occasion(&Caller::SYSTEM);
    let entry = if disable { occasion.user_disabled(&name) } else { occasion.user_reset(&name, "password") };
    let found = app.store.write(move |tx| {
        let found = users::change(tx, &name, password_hash.as_deref(), disable, now)?;
        if found {
            audit::append(tx, &entry)?;
        }
        Ok(found)
    });
    if !found.await? {
        return Err(Failure::found(format!("there is no account {username}")));
    }
    let line = if disable { format!("disabled {username}") } else { format!("{username} has a new password") };
    Ok(Outcome::ok(json!({"username": username, "disabled": disable}), line))
}

/// Takes the second factor of an account away, and ends its sessions.
pub(super) async fn reset_totp(app: &Arc<App>, username: String) -> Result<Outcome, Failure> {
    let (name, now) = (username.clone(), app.now());
    let entry = app.occasion(&Caller::SYSTEM).user_reset(&name, "totp");
    let removed = app.store.write(move |tx| {
        let removed = factors::remove(tx, &name)?;
        if removed {
            sessions::end_all(tx, "staff", &name, Why::AccountChanged, now)?;
            audit::append(tx, &entry)?;
        }
        Ok(removed)
    });
    if !removed.await? {
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

/// A name to sign in with: 1 to 64 of letters, digits and `. _ @ -`.
pub(super) fn check_name(name: &str) -> Result<(), Failure> {
    let fits = |c: char| c.is_alphanumeric() || "._@-".contains(c);
    if (1..=64).contains(&name.chars().count()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Failure::usage("--username: 1 to 64 letters, digits or . _ @ -"))
}

//! Accounts of staff: what one must say to be one, and what is changed of it. Every change is written down in the unit that
//! makes it, and ends the sessions of whom it is about.

use crate::app::App;
use crate::audit::Occasion;
use crate::domain::division::Division;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::Role;
use crate::identity::{Caller, scope};
use crate::store::sessions::{self, Why};
use crate::store::users::{self, User};
use crate::store::{StoreError, audit, factors};

/// Roles that an account can have.
pub const ROLES: [Role; 6] =
    [Role::Station, Role::Officer, Role::Dispatcher, Role::Supervisor, Role::Auditor, Role::Admin];

/// What an account is for, as it is typed.
#[derive(Debug, Clone, Default)]
pub struct Duty {
    /// Role.
    pub role: String,
    /// Office or station.
    pub unit: Option<String>,
    /// Root of the divisions that it sees; that of the unit when it isn't said.
    pub division: Option<String>,
}

/// What an account is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Post {
    /// Role.
    pub role: Role,
    /// Office or station.
    pub unit: Option<String>,
    /// Root of the divisions that it sees.
    pub division: Option<Division>,
}

/// A name to sign in with: 1 to 64 of letters, digits and `. _ @ -`.
///
/// # Errors
/// For any other.
pub fn check_name(name: &str) -> Result<(), Invalid> {
    let fits = |c: char| c.is_alphanumeric() || "._@-".contains(c);
    if (1..=64).contains(&name.chars().count()) && name.chars().all(fits) {
        return Ok(());
    }
    Err(Invalid::new("username", "not a name to sign in with").allowed("1 to 64 letters, digits or . _ @ -"))
}

/// Reads what an account is for.
///
/// # Errors
/// Every fault: `/role`, `/unit`, `/division`. One that would see no case is a fault of `/role`.
pub fn post(app: &App, duty: &Duty) -> Result<Post, Problems> {
    let catalogue = app.catalogue();
    let mut faults = Problems::default();
    let all = || ROLES.map(Role::code).join(", ");
    let role = Role::parse(&duty.role).and_then(|role| {
        let has = ROLES.contains(&role);
        has.then_some(role)
            .ok_or_else(|| Invalid::new("unknown_value", format!("{role} has no account")).allowed(all()))
    });
    let role = faults.take("/role", role);
    let unit = duty.unit.as_deref().map(|code| {
        let office = catalogue.offices.get(code).map(|office| office.division);
        let station = catalogue.stations.get(code).map(|station| station.division);
        let missing = || Invalid::new("unknown_value", format!("{code} is no office or station"));
        office.or(station).ok_or_else(missing)
    });
    let unit_division = unit.and_then(|unit| faults.take("/unit", unit));
    let division = duty.division.as_deref().map(|code| -> Result<Division, Invalid> {
        let division = Division::parse(code)?;
        let place = catalogue.places.get(division);
        Ok(place.ok_or_else(|| Invalid::new("unknown_value", format!("{code} isn't known")))?.code)
    });
    let division = division.and_then(|division| faults.take("/division", division)).or(unit_division);
    let (Some(role), true) = (role, faults.0.is_empty()) else { return Err(faults) };
    let unit = duty.unit.clone();
    let caller = Caller { role, user: None, unit: unit.clone(), division, case: None, contact: None };
    if scope(&caller) == Scope::Nothing && role != Role::Admin {
        faults.at(
            "/role",
            Invalid::new("no_scope", format!("the role {role} would see no case without a unit or division")),
        );
        return Err(faults);
    }
    Ok(Post { role, unit, division })
}

/// Adds an account; `false` when the name is taken.
///
/// # Errors
/// The store's.
pub async fn add(
    app: &App,
    by: Occasion,
    username: String,
    post: Post,
    password_hash: String,
) -> Result<bool, StoreError> {
    let entry = by.user_added(&username, post.role, post.unit.as_deref());
    let id = uuid::Builder::from_random_bytes(crate::ambient::draw(app.entropy.as_ref())).into_uuid();
    let Post { role, unit, division } = post;
    let (user, now) = (User { username, id, role, unit, division, password_hash, disabled: false }, app.now());
    let added = app.store.write(move |tx| {
        let added = users::add(tx, &user, now)?;
        if added {
            audit::append(tx, &entry)?;
        }
        Ok(added)
    });
    added.await
}

/// Disables an account, or gives it another password and enables it; `false` when there is none.
///
/// # Errors
/// The store's.
pub async fn change(
    app: &App,
    by: Occasion,
    username: String,
    password_hash: Option<String>,
) -> Result<bool, StoreError> {
    let (now, disable) = (app.now(), password_hash.is_none());
    let entry = if disable { by.user_disabled(&username) } else { by.user_reset(&username, "password") };
    let found = app.store.write(move |tx| {
        let found = users::change(tx, &username, password_hash.as_deref(), disable, now)?;
        if found {
            audit::append(tx, &entry)?;
        }
        Ok(found)
    });
    found.await
}

/// Gives an account another role, unit or division; `false` when there is none.
///
/// # Errors
/// The store's.
pub async fn assign(app: &App, by: Occasion, username: String, post: Post) -> Result<bool, StoreError> {
    let now = app.now();
    let entry = by.user_changed(&username, post.role, post.unit.as_deref(), post.division);
    let found = app.store.write(move |tx| {
        let found = users::assign(tx, &username, post.role, post.unit.as_deref(), post.division, now)?;
        if found {
            audit::append(tx, &entry)?;
        }
        Ok(found)
    });
    found.await
}

/// Takes the second factor of an account away, and ends its sessions; `false` when it has none.
///
/// # Errors
/// The store's.
pub async fn reset_totp(app: &App, by: Occasion, username: String) -> Result<bool, StoreError> {
    let (now, entry) = (app.now(), by.user_reset(&username, "totp"));
    let removed = app.store.write(move |tx| {
        let removed = factors::remove(tx, &username)?;
        if removed {
            sessions::end_all(tx, "staff", &username, Why::AccountChanged, now)?;
            audit::append(tx, &entry)?;
        }
        Ok(removed)
    });
    removed.await
}

/// A password that is told once, to be changed by whoever gets it: some 99 random bits.
pub fn first_password(app: &App) -> String {
    const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";
    let bytes = crate::ambient::draw::<20>(app.entropy.as_ref());
    let letters: Vec<char> = bytes.into_iter().map(|byte| char::from(LETTERS[usize::from(byte % 31)])).collect();
    letters.chunks(5).map(|part| part.iter().collect::<String>()).collect::<Vec<_>>().join("-")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accounts_are_plain() {
        assert!(check_name("wang.li-2@x_y").is_ok() && check_name("王").is_ok());
        for name in ["", "a b", "a\n", "a/b", "<b>", &"a".repeat(65)] {
            assert!(check_name(name).is_err(), "{name:?}");
        }
    }
}

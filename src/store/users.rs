//! Accounts of staff, and the one-time link by which the first of them is made.

use crate::domain::division::Division;
use crate::domain::vocabulary::Role;
use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{setup_links, users};
use crate::store::sessions::{self, Why};
use crate::store::types::{At, Key};
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

/// An account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Name to sign in with; the key.
    pub username: String,
    /// Its id.
    pub id: Uuid,
    /// Role.
    pub role: Role,
    /// Office or station.
    pub unit: Option<String>,
    /// Root of the divisions it sees.
    pub division: Option<Division>,
    /// Argon2id hash in PHC form.
    pub password_hash: String,
    /// Can't sign in any more.
    pub disabled: bool,
}

#[derive(Debug, Clone, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = users, treat_none_as_default_value = false, treat_none_as_null = true)]
struct UserRow {
    username: String,
    user_id: Key,
    role: String,
    unit: Option<String>,
    division: Option<i32>,
    password_hash: String,
    disabled: bool,
    created_at: At,
    changed_at: At,
}

impl UserRow {
    fn load(self) -> Result<User, StoreError> {
        let unreadable = |error: crate::domain::problem::Invalid| StoreError::Unreadable(error.to_string());
        Ok(User {
            username: self.username,
            id: self.user_id.0,
            role: Role::parse(&self.role).map_err(unreadable)?,
            unit: self.unit,
            division: self
                .division
                .map(|code| Division::from_number(i64::from(code)))
                .transpose()
                .map_err(unreadable)?,
            password_hash: self.password_hash,
            disabled: self.disabled,
        })
    }
}

/// An account by name.
pub fn find(db: &mut Db, username: &str) -> Result<Option<User>, StoreError> {
    let row: Option<UserRow> = users::table.find(username).select(UserRow::as_select()).first(db).optional()?;
    row.map(UserRow::load).transpose()
}

/// Whether there is any account.
pub fn any(db: &mut Db) -> Result<bool, StoreError> {
    Ok(users::table.select(users::username).first::<String>(db).optional()?.is_some())
}

/// The accounts of a unit that can sign in.
pub fn of_unit(db: &mut Db, unit: &str) -> Result<Vec<String>, StoreError> {
    Ok(users::table
        .filter(users::unit.eq(unit.to_owned()).and(users::disabled.eq(false)))
        .order(users::username)
        .select(users::username)
        .load(db)?)
}

/// The units that have an account.
pub fn units(db: &mut Db) -> Result<Vec<String>, StoreError> {
    let units: Vec<Option<String>> =
        users::table.filter(users::disabled.eq(false)).select(users::unit).distinct().load(db)?;
    Ok(units.into_iter().flatten().collect())
}

/// Adds an account; `false` when the name is taken.
pub fn add(tx: &mut Tx<'_>, user: &User, now: Timestamp) -> Result<bool, StoreError> {
    if find(tx.db, &user.username)?.is_some() {
        return Ok(false);
    }
    let row = UserRow {
        username: user.username.clone(),
        user_id: Key(user.id),
        role: user.role.code().to_owned(),
        unit: user.unit.clone(),
        division: user.division.map(|division| i32::try_from(division.number()).unwrap_or(0)),
        password_hash: user.password_hash.clone(),
        disabled: user.disabled,
        created_at: At(now),
        changed_at: At(now),
    };
    diesel::insert_into(users::table).values(&row).execute(tx.db)?;
    Ok(true)
}

/// Sets a password hash, or disables an account, and ends its sessions; `false` when there is no such account.
pub fn change(
    tx: &mut Tx<'_>,
    username: &str,
    password_hash: Option<&str>,
    disabled: bool,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sessions::end_all(tx, "staff", username, Why::AccountChanged, now)?;
    let account = users::table.find(username);
    let changed = match password_hash {
        Some(hash) => diesel::update(account)
            .set((users::password_hash.eq(hash), users::disabled.eq(disabled), users::changed_at.eq(At(now))))
            .execute(tx.db)?,
        None => {
            diesel::update(account).set((users::disabled.eq(disabled), users::changed_at.eq(At(now)))).execute(tx.db)?
        }
    };
    Ok(changed == 1)
}

/// Gives an account another role, unit and division, and ends its sessions; `false` when there is no such account.
pub fn assign(
    tx: &mut Tx<'_>,
    username: &str,
    role: Role,
    unit: Option<&str>,
    division: Option<Division>,
    now: Timestamp,
) -> Result<bool, StoreError> {
    sessions::end_all(tx, "staff", username, Why::AccountChanged, now)?;
    let division = division.map(|division| i32::try_from(division.number()).unwrap_or(0));
    let set = (
        users::role.eq(role.code()),
        users::unit.eq(unit),
        users::division.eq(division),
        users::changed_at.eq(At(now)),
    );
    Ok(diesel::update(users::table.find(username)).set(set).execute(tx.db)? == 1)
}

/// What accounts are looked for.
#[derive(Debug, Clone, Default)]
pub struct Filter {
    /// Of this name only.
    pub name: Option<String>,
    /// Of this role only.
    pub role: Option<Role>,
    /// Of this unit only.
    pub unit: Option<String>,
    /// Behind this name.
    pub after: Option<String>,
}

/// A page of accounts by name.
pub fn page(db: &mut Db, filter: &Filter, limit: i64) -> Result<Vec<User>, StoreError> {
    let mut query = users::table.into_boxed();
    if let Some(name) = &filter.name {
        query = query.filter(users::username.eq(name.clone()));
    }
    if let Some(role) = filter.role {
        query = query.filter(users::role.eq(role.code()));
    }
    if let Some(unit) = &filter.unit {
        query = query.filter(users::unit.eq(unit.clone()));
    }
    if let Some(after) = &filter.after {
        query = query.filter(users::username.gt(after.clone()));
    }
    let rows: Vec<UserRow> = query.order(users::username).limit(limit).select(UserRow::as_select()).load(db)?;
    rows.into_iter().map(UserRow::load).collect()
}

/// Sets the password hash of an account in place of the one that was checked, and ends its sessions; `false` when the account
/// was disabled or got another password meanwhile.
pub fn replace_password(
    tx: &mut Tx<'_>,
    username: &str,
    checked: &str,
    hash: &str,
    now: Timestamp,
) -> Result<bool, StoreError> {
    let unchanged = users::table
        .filter(users::username.eq(username.to_owned()))
        .filter(users::password_hash.eq(checked.to_owned()).and(users::disabled.eq(false)));
    let set = (users::password_hash.eq(hash), users::changed_at.eq(At(now)));
    if diesel::update(unchanged).set(set).execute(tx.db)? == 0 {
        return Ok(false);
    }
    sessions::end_all(tx, "staff", username, Why::AccountChanged, now)?;
    Ok(true)
}

/// Keeps a set-up link by the hash of its token.
pub fn keep_setup_link(tx: &mut Tx<'_>, token_hash: &[u8], expires_at: Timestamp) -> Result<(), StoreError> {
    // Only the newest link works: an older one may lie in a log.
    diesel::delete(setup_links::table.filter(setup_links::used_at.is_null())).execute(tx.db)?;
    diesel::insert_into(setup_links::table)
        .values((setup_links::token_hash.eq(token_hash), setup_links::expires_at.eq(At(expires_at))))
        .execute(tx.db)?;
    Ok(())
}

/// Whether a set-up link could be used now.
pub fn setup_link_is_good(db: &mut Db, token_hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    Ok(setup_links::table
        .find(token_hash.to_vec())
        .filter(setup_links::used_at.is_null().and(setup_links::expires_at.gt(At(now))))
        .select(setup_links::token_hash)
        .first::<Vec<u8>>(db)
        .optional()?
        .is_some())
}

/// Uses a set-up link, once; `false` when it is unknown, used or expired.
pub fn use_setup_link(tx: &mut Tx<'_>, token_hash: &[u8], now: Timestamp) -> Result<bool, StoreError> {
    let link = setup_links::table
        .find(token_hash.to_vec())
        .filter(setup_links::used_at.is_null().and(setup_links::expires_at.gt(At(now))));
    Ok(diesel::update(link).set(setup_links::used_at.eq(At(now))).execute(tx.db)? == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores;

    #[tokio::test]
    async fn a_password_that_was_checked_replaces_no_other_and_enables_nobody() {
        for opened in stores() {
            let user = User {
                username: "li".to_owned(),
                id: Uuid::from_u128(1),
                role: Role::Officer,
                unit: None,
                division: None,
                password_hash: "first".to_owned(),
                disabled: false,
            };
            let now = "2026-11-24T00:00:00Z".parse().unwrap();
            let found = opened
                .store
                .write(move |tx| {
                    add(tx, &user, now)?;
                    assert!(replace_password(tx, "li", "first", "second", now)?);
                    assert!(!replace_password(tx, "li", "first", "third", now)?, "it was changed meanwhile");
                    assert!(change(tx, "li", None, true, now)?);
                    assert!(!replace_password(tx, "li", "second", "third", now)?, "it was disabled meanwhile");
                    assert!(!replace_password(tx, "wang", "second", "third", now)?);
                    find(tx.db, "li")
                })
                .await
                .unwrap()
                .unwrap();
            assert_eq!((found.password_hash.as_str(), found.disabled), ("second", true));
        }
    }
}

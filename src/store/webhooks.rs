//! Systems that are told what happens to cases: where, what of, with which secret, and how it went last.

use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::webhooks;
use crate::store::types::{At, Key};
use diesel::prelude::*;
use jiff::Timestamp;
use uuid::Uuid;

/// A webhook as a row. Address and secrets are sealed with its own key.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = webhooks, treat_none_as_default_value = false)]
pub struct WebhookRow {
    /// Key.
    pub webhook_id: Key,
    /// The key that its fields are sealed with, wrapped.
    pub data_key: Vec<u8>,
    /// Where to, sealed.
    pub url: Vec<u8>,
    /// What signs, sealed.
    pub secret: Vec<u8>,
    /// What signed before, sealed.
    pub old_secret: Option<Vec<u8>>,
    /// Until when it signs too.
    pub old_secret_until: Option<At>,
    /// Codes of actions, separated by spaces; empty for all.
    pub actions: String,
    /// Codes of kinds, separated by spaces.
    pub kinds: String,
    /// Six-digit division; everywhere without one.
    pub division: Option<i32>,
    /// Whether anything is sent.
    pub enabled: bool,
    /// Account that disabled it, or `system` after lasting failure.
    pub disabled_by: Option<String>,
    /// The first failure since the last success.
    pub failing_since: Option<At>,
    /// Code of the last fault.
    pub fault: Option<String>,
    /// The last success.
    pub succeeded_at: Option<At>,
    /// When it was made.
    pub created_at: At,
    /// Account that made it.
    pub created_by: String,
}

/// Every webhook, the oldest first.
///
/// # Errors
/// The engine's.
pub fn all(db: &mut Db) -> Result<Vec<WebhookRow>, StoreError> {
    Ok(webhooks::table.order((webhooks::created_at, webhooks::webhook_id)).select(WebhookRow::as_select()).load(db)?)
}

/// One of them.
///
/// # Errors
/// The engine's.
pub fn find(db: &mut Db, id: Uuid) -> Result<Option<WebhookRow>, StoreError> {
    Ok(webhooks::table.find(Key(id)).select(WebhookRow::as_select()).first(db).optional()?)
}

/// Adds one.
///
/// # Errors
/// The engine's.
pub fn insert(tx: &mut Tx<'_>, row: &WebhookRow) -> Result<(), StoreError> {
    diesel::insert_into(webhooks::table).values(row).execute(tx.db)?;
    Ok(())
}

/// Removes one; `false` when there is none.
///
/// # Errors
/// The engine's.
pub fn remove(tx: &mut Tx<'_>, id: Uuid) -> Result<bool, StoreError> {
    Ok(diesel::delete(webhooks::table.find(Key(id))).execute(tx.db)? == 1)
}

/// Lets it send, from a clean start, or stops it; `false` when there is none.
///
/// # Errors
/// The engine's.
pub fn enable(tx: &mut Tx<'_>, id: Uuid, disabled_by: Option<&str>) -> Result<bool, StoreError> {
    let row = webhooks::table.find(Key(id));
    let enabled = webhooks::enabled.eq(disabled_by.is_none());
    let by = webhooks::disabled_by.eq(disabled_by.map(str::to_owned));
    let changed = if disabled_by.is_none() {
        let clean = (webhooks::failing_since.eq(None::<At>), webhooks::fault.eq(None::<String>));
        diesel::update(row).set((enabled, by, clean)).execute(tx.db)?
    } else {
        diesel::update(row).set((enabled, by)).execute(tx.db)?
    };
    Ok(changed == 1)
}

/// Puts another secret in the place of the one that signs, which signs too until an instant. `secret` and `old` are sealed.
///
/// # Errors
/// The engine's.
pub fn rotate(tx: &mut Tx<'_>, id: Uuid, secret: Vec<u8>, old: Vec<u8>, until: Timestamp) -> Result<bool, StoreError> {
    let changed = diesel::update(webhooks::table.find(Key(id)))
        .set((
            webhooks::secret.eq(secret),
            webhooks::old_secret.eq(Some(old)),
            webhooks::old_secret_until.eq(Some(At(until))),
        ))
        .execute(tx.db)?;
    Ok(changed == 1)
}

/// Notes a success.
///
/// # Errors
/// The engine's.
pub fn succeeded(tx: &mut Tx<'_>, id: Uuid, now: Timestamp) -> Result<(), StoreError> {
    diesel::update(webhooks::table.find(Key(id)))
        .set((
            webhooks::failing_since.eq(None::<At>),
            webhooks::fault.eq(None::<String>),
            webhooks::succeeded_at.eq(Some(At(now))),
        ))
        .execute(tx.db)?;
    Ok(())
}

/// Notes a failure; gives the first since the last success, while the webhook is enabled.
///
/// # Errors
/// The engine's.
pub fn failed(tx: &mut Tx<'_>, id: Uuid, fault: &str, now: Timestamp) -> Result<Option<Timestamp>, StoreError> {
    let Some(row) = find(tx.db, id)?.filter(|row| row.enabled) else { return Ok(None) };
    let since = row.failing_since.unwrap_or(At(now));
    diesel::update(webhooks::table.find(Key(id)))
        .set((webhooks::failing_since.eq(Some(since)), webhooks::fault.eq(Some(fault.to_owned()))))
        .execute(tx.db)?;
    Ok(Some(since.0))
}

//! Filings that aren't finished: what a person has answered so far, kept for them for some days under a token that only
//! their browser has. Sealed with a key of its own, which is wrapped like a case's; nobody else can read it.
//!
//! Such a filing is handed in at most once: its idempotency key is its token.

use crate::ambient;
use crate::app::App;
use crate::intake::IdempotencyKey;
use crate::privacy::vault::Field;
use crate::store::StoreError;
use crate::store::drafts::{self, DraftRow};
use crate::store::types::At;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Days after the last answer for which one is kept.
pub const DAYS: i64 = 7;

/// Hours for which the answers stay after they were handed in, so that the receipt can be shown again.
const AFTER: i64 = 1;

/// What a browser shows to have its unfinished filing. It is stored as a hash only.
#[derive(Clone)]
pub struct Token([u8; 32]);

impl std::fmt::Debug for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Token")
    }
}

impl Token {
    /// A new one.
    pub fn draw(app: &App) -> Self {
        Self(ambient::draw(app.entropy.as_ref()))
    }

    /// From a cookie; nothing for what is none.
    pub fn parse(text: &str) -> Option<Self> {
        URL_SAFE_NO_PAD.decode(text).ok()?.try_into().ok().map(Self)
    }

    /// For the cookie.
    pub fn expose(&self) -> String {
        URL_SAFE_NO_PAD.encode(self.0)
    }

    fn hash(&self) -> Vec<u8> {
        Sha256::digest(self.0).to_vec()
    }

    /// The key under which it is handed in. It says nothing of the answers: whatever is sent again, the first receipt is given.
    pub fn idempotency_key(&self) -> IdempotencyKey {
        IdempotencyKey::new("unfinished", &self.expose(), &Value::Null)
    }
}

/// What was answered so far.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unfinished {
    /// Answers by the name of their question.
    pub answers: BTreeMap<String, Vec<String>>,
    /// When one was last given.
    pub changed_at: Timestamp,
    /// It was handed in.
    pub filed: bool,
}

impl Unfinished {
    /// One without answers.
    pub fn new(app: &App) -> Self {
        Self { answers: BTreeMap::new(), changed_at: app.now(), filed: false }
    }
}

/// Where it is sealed for.
fn place(hash: &[u8]) -> Field<'_> {
    Field { table: "drafts", column: "fields", row: hash }
}

/// The unfinished filing of a token, unless it has ended. One that doesn't open any more, since its master key is gone,
/// counts as ended.
///
/// # Errors
/// The store's.
pub async fn find(app: &App, token: &Token) -> Result<Option<Unfinished>, StoreError> {
    let (hash, now) = (token.hash(), app.now());
    let wanted = hash.clone();
    let Some(row) = app.store.read(move |db| drafts::find(db, &wanted, now)).await? else { return Ok(None) };
    let opened = app.vault.open_case_key(&row.data_key).and_then(|key| key.open(place(&hash), &row.fields));
    match opened {
        Ok(json) => serde_json::from_slice(&json).map(Some).map_err(|error| StoreError::Unreadable(error.to_string())),
        Err(error) => {
            tracing::warn!(%error, "an unfinished filing does not open");
            Ok(None)
        }
    }
}

/// Keeps it in the place of what was there.
///
/// # Errors
/// The store's.
pub async fn keep(app: &App, token: &Token, unfinished: &Unfinished) -> Result<(), StoreError> {
    let json = serde_json::to_vec(unfinished).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    let hash = token.hash();
    let (key, data_key) = app.vault.new_case_key(app.entropy.as_ref());
    let fields = key.seal(app.entropy.as_ref(), place(&hash), &json);
    let hours = if unfinished.filed { AFTER } else { 24 * DAYS };
    let expires = app.now().checked_add(hours.hours()).unwrap_or(Timestamp::MAX);
    let row = DraftRow { token_hash: hash, data_key, fields, expires_at: At(expires) };
    app.store.write(move |tx| drafts::keep(tx, &row)).await
}

/// Forgets it.
///
/// # Errors
/// The store's.
pub async fn forget(app: &App, token: &Token) -> Result<(), StoreError> {
    let hash = token.hash();
    app.store.write(move |tx| drafts::forget(tx, &hash)).await
}

/// Forgets those that have ended; how many.
///
/// # Errors
/// The store's.
pub async fn purge(app: &App) -> Result<usize, StoreError> {
    let now = app.now();
    app.store.write(move |tx| drafts::purge(tx, now)).await
}

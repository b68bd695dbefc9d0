//! Events for other systems, by HTTP, signed as Standard Webhooks has it: `webhook-id`, `webhook-timestamp` and
//! `webhook-signature` over the three, so that a receiver knows whom it is from, that nothing was changed, and what came twice.

use crate::ambient::{Entropy, draw};
use crate::app::App;
use crate::domain::division::Division;
use crate::domain::vocabulary::{Action, Audience, Kind, Lang, NoticeChannel};
use crate::domain::webhook::{PING, Subscription};
use crate::notify::fault::Fault;
use crate::notify::owe::{Owing, owe};
use crate::notify::reach::{Reach, SystemLookup};
use crate::privacy::{CaseKey, Field, OpenError, Vault};
use crate::store::outbox::{End, OutboxRow};
use crate::store::webhooks::{self, WebhookRow};
use crate::store::{StoreError, Tx};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use hmac::{Hmac, KeyInit, Mac};
use jiff::{SignedDuration, Timestamp};
use reqwest::header::CONTENT_TYPE;
use serde_json::{Map, Value, json};
use sha2::Sha256;
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// What a secret begins with as it is handed out.
const SECRET_PREFIX: &str = "whsec_";

/// A receiver that says so wants nothing more.
const GONE: &str = "receiver_410";

/// What may be reached from here.
pub fn reach(app: &App) -> Reach {
    Reach::new(app.settings.webhooks.allowed_networks.clone(), Arc::new(SystemLookup))
}

/// A webhook in the clear.
pub struct Webhook {
    /// Where to.
    pub url: String,
    secret: Vec<u8>,
    old_secret: Option<Vec<u8>>,
}

impl std::fmt::Debug for Webhook {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Webhook")
    }
}

fn field<'a>(id: &'a Uuid, column: &'a str) -> Field<'a> {
    Field { table: "webhooks", column, row: id.as_bytes() }
}

/// Draws a secret; as it is kept, and as it is handed out.
fn draw_secret(entropy: &dyn Entropy) -> (Vec<u8>, String) {
    let secret = draw::<32>(entropy).to_vec();
    let shown = format!("{SECRET_PREFIX}{}", STANDARD.encode(&secret));
    (secret, shown)
}

/// What a webhook is made of.
#[derive(Debug, Clone)]
pub struct NewWebhook {
    /// Where to; checked before.
    pub url: String,
    /// Which steps; empty for all.
    pub actions: Vec<Action>,
    /// Of which kinds of cases.
    pub kinds: Vec<Kind>,
    /// Where; everywhere without one.
    pub division: Option<Division>,
    /// Account that makes it.
    pub by: String,
}

/// The row of a new webhook, and its secret as it is handed out, once.
pub fn create(app: &App, new: &NewWebhook) -> (WebhookRow, String) {
    let (entropy, now) = (app.entropy.as_ref(), app.now());
    let id = crate::ambient::key_at(entropy, now);
    let (key, data_key) = app.vault.new_case_key(entropy);
    let (secret, shown) = draw_secret(entropy);
    let codes = |codes: Vec<&str>| codes.join(" ");
    let row = WebhookRow {
        webhook_id: id.into(),
        data_key,
        url: key.seal(entropy, field(&id, "url"), new.url.as_bytes()),
        secret: key.seal(entropy, field(&id, "secret"), &secret),
        old_secret: None,
        old_secret_until: None,
        actions: codes(new.actions.iter().map(|action| action.code()).collect()),
        kinds: codes(new.kinds.iter().map(|kind| kind.code()).collect()),
        division: new.division.and_then(|division| i32::try_from(division.six_digits().number()).ok()),
        enabled: true,
        disabled_by: None,
        failing_since: None,
        fault: None,
        succeeded_at: None,
        created_at: now.into(),
        created_by: new.by.clone(),
    };
    (row, shown)
}

fn key_of(vault: &Vault, row: &WebhookRow) -> Result<CaseKey, OpenError> {
    vault.open_case_key(&row.data_key)
}

/// Opens a row; the secret that was replaced only while its time isn't over.
///
/// # Errors
/// When it isn't what was sealed for this row.
pub fn open(vault: &Vault, row: &WebhookRow, now: Timestamp) -> Result<Webhook, OpenError> {
    let (key, id) = (key_of(vault, row)?, row.webhook_id.0);
    let url = key.open(field(&id, "url"), &row.url)?;
    let secret = key.open(field(&id, "secret"), &row.secret)?;
    let signs_still = row.old_secret_until.is_some_and(|until| now < until.0);
    let old = row.old_secret.as_ref().filter(|_| signs_still);
    let old_secret = old.map(|old| key.open(field(&id, "old_secret"), old)).transpose()?;
    Ok(Webhook { url: String::from_utf8_lossy(&url).into_owned(), secret, old_secret })
}

/// Draws another secret for a webhook; the one before signs too for some hours. Gives the new one as it is handed out;
/// `None` when there is no such webhook.
///
/// # Errors
/// The store's.
pub fn rotate(app: &App, tx: &mut Tx<'_>, id: Uuid) -> Result<Option<String>, StoreError> {
    let Some(row) = webhooks::find(tx.db(), id)? else { return Ok(None) };
    let unreadable = |error: OpenError| StoreError::Unreadable(error.to_string());
    let (entropy, now) = (app.entropy.as_ref(), app.now());
    let key = key_of(&app.vault, &row).map_err(unreadable)?;
    let before = key.open(field(&id, "secret"), &row.secret).map_err(unreadable)?;
    let (secret, shown) = draw_secret(entropy);
    let hours = SignedDuration::from_hours(i64::from(app.settings.webhooks.rotation_hours));
    let (secret, old) =
        (key.seal(entropy, field(&id, "secret"), &secret), key.seal(entropy, field(&id, "old_secret"), &before));
    webhooks::rotate(tx, id, secret, old, now.checked_add(hours).unwrap_or(now))?;
    Ok(Some(shown))
}

/// Reads which systems are to be told of steps.
///
/// # Errors
/// The store's.
pub async fn refresh(app: &App) -> Result<(), StoreError> {
    let rows = app.store.read(webhooks::all).await?;
    app.replace_subscriptions(rows.iter().filter(|row| row.enabled).map(subscription).collect());
    Ok(())
}

/// What a webhook subscribes to.
pub fn subscription(row: &WebhookRow) -> Subscription {
    let place = row.division.and_then(|code| Division::parse(&code.to_string()).ok());
    Subscription {
        id: row.webhook_id.0,
        actions: row.actions.split_whitespace().filter_map(|code| Action::parse(code).ok()).collect(),
        kinds: row.kinds.split_whitespace().filter_map(|code| Kind::parse(code).ok()).collect(),
        division: place,
    }
}

/// Owes a webhook an event that says nothing, so that an operator sees whether it arrives.
pub fn ping(app: &App, id: Uuid) -> OutboxRow {
    let (destination, now) = (id.to_string(), app.now());
    let owing = Owing {
        notice: PING,
        channel: NoticeChannel::Webhook,
        audience: Audience::Subscriber,
        destination: &destination,
        lane: &destination,
        lang: Lang::En,
        values: &Map::new(),
        case: None,
        urgent: false,
        due_at: now,
        expires_at: None,
    };
    owe(&app.vault, app.entropy.as_ref(), now, &owing)
}

/// Sends events.
#[derive(Debug)]
pub struct Hooks {
    client: reqwest::Client,
    reach: Reach,
}

impl Hooks {
    /// From the settings.
    ///
    /// # Errors
    /// When the client can't be made.
    pub fn new(app: &App) -> Result<Self, String> {
        let reach = reach(app);
        let client = reqwest::Client::builder()
            // A proxy would resolve names by itself, past the guard; a redirect would lead past it.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(reach.clone())
            .timeout(Duration::from_secs(app.settings.webhooks.timeout_seconds))
            // Each delivery resolves and looks anew.
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| format!("webhooks: {error}"))?;
        Ok(Self { client, reach })
    }

    /// Delivers an event to a webhook, and keeps how that went. One that has failed for too long, or says that it is gone, is
    /// disabled. An event for one that is there no more ends as expired: nobody waits for it.
    ///
    /// # Errors
    /// How it failed.
    pub async fn deliver(
        &self,
        app: &App,
        row: &OutboxRow,
        webhook: &str,
        values: &Map<String, Value>,
    ) -> Result<End, Fault> {
        let Ok(id) = Uuid::parse_str(webhook) else { return Err(Fault::permanent("no_address")) };
        let found = app.store.read(move |db| webhooks::find(db, id)).await.map_err(|_| Fault::passing("database"))?;
        let Some(found) = found else { return Ok(End::Expired) };
        if !found.enabled {
            return Err(Fault::permanent("webhook_disabled"));
        }
        let now = app.now();
        let webhook = open(&app.vault, &found, now).map_err(|_| Fault::permanent("sealed"))?;
        let body = json!({ "type": row.notice, "timestamp": row.created_at.0, "data": values }).to_string();
        let end = self.send(&webhook, row.outbox_id.0, now, body).await;
        if let Err(error) = keep(app, id, end.as_ref().err().cloned(), now).await {
            tracing::warn!(%error, webhook = %id, "how a webhook went could not be kept");
        }
        end.map(|()| End::Sent)
    }

    async fn send(&self, webhook: &Webhook, id: Uuid, now: Timestamp, body: String) -> Result<(), Fault> {
        let url = self.reach.check(&webhook.url).await.map_err(|why| {
            tracing::warn!(%why, "a webhook's address may not be reached");
            Fault::passing("unreachable")
        })?;
        let signature = signatures(webhook, id, now, &body);
        let sent = self
            .client
            .post(url)
            .header(CONTENT_TYPE, "application/json")
            .header("webhook-id", id.to_string())
            .header("webhook-timestamp", now.as_second())
            .header("webhook-signature", signature)
            .body(body)
            .send()
            .await;
        // What the receiver says besides its status is of no interest, however much it is: it isn't read.
        match sent.map(|answer| answer.status().as_u16()) {
            Ok(200..=299) => Ok(()),
            Ok(status) => Err(Fault::passing(format!("receiver_{status}"))),
            Err(error) => Err(Fault::unanswered(&error)),
        }
    }
}

/// The signatures of an event, one for each secret that signs.
fn signatures(webhook: &Webhook, id: Uuid, now: Timestamp, body: &str) -> String {
    let sign = |secret: &Vec<u8>| {
        #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
        let mac = Hmac::<Sha256>::new_from_slice(secret).expect("any length will do");
        let signed = mac.chain_update(format!("{id}.{}.{body}", now.as_second())).finalize().into_bytes();
        format!("v1,{}", STANDARD.encode(signed))
    };
    let all: Vec<String> = std::iter::once(&webhook.secret).chain(&webhook.old_secret).map(sign).collect();
    all.join(" ")
}

/// Keeps how a delivery went, and disables a webhook whose failing lasts.
async fn keep(app: &App, id: Uuid, fault: Option<Fault>, now: Timestamp) -> Result<(), StoreError> {
    let most = SignedDuration::from_hours(i64::from(app.settings.webhooks.disable_after_hours));
    let disabled = app
        .store
        .write(move |tx| {
            let Some(fault) = &fault else { return webhooks::succeeded(tx, id, now).map(|()| false) };
            let since = webhooks::failed(tx, id, &fault.code, now)?;
            let lasting = since.is_some_and(|since| now.duration_since(since) >= most);
            let over = since.is_some() && (lasting || fault.code == GONE);
            if over {
                webhooks::enable(tx, id, Some("system"))?;
            }
            Ok(over)
        })
        .await?;
    if disabled {
        tracing::error!(webhook = %id, "a webhook failed for too long and is disabled; see GET /api/v1/webhooks");
        refresh(app).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn webhook(secrets: &[&[u8]]) -> Webhook {
        Webhook { url: String::new(), secret: secrets[0].to_vec(), old_secret: secrets.get(1).map(|old| old.to_vec()) }
    }

    /// SEC-SS-02: the receiver's library, which isn't ours, takes what is signed with either secret during a rotation, and
    /// nothing that was changed.
    #[test]
    fn sec_ss_02_receivers_verify_it_with_either_secret() {
        let now = Timestamp::from_second(jiff_now()).unwrap();
        let (id, body) = (Uuid::from_u128(7), r#"{"type":"case.accept","data":{"reference":"JS"}}"#);
        let headers = |signature: &str, id: &str, at: i64| {
            let mut headers = reqwest::header::HeaderMap::new();
            headers.insert("webhook-id", id.parse().unwrap());
            headers.insert("webhook-timestamp", at.into());
            headers.insert("webhook-signature", signature.parse().unwrap());
            headers
        };
        let theirs = |secret: &[u8]| standardwebhooks::Webhook::from_bytes(secret.to_vec()).unwrap();
        let signature = signatures(&webhook(&[b"new secret", b"old secret"]), id, now, body);
        let good = headers(&signature, &id.to_string(), now.as_second());
        for secret in [&b"new secret"[..], b"old secret"] {
            assert!(theirs(secret).verify(body.as_bytes(), &good).is_ok());
            assert!(theirs(secret).verify(b"{}", &good).is_err(), "another body");
            let moved = headers(&signature, &id.to_string(), now.as_second() - 1);
            assert!(theirs(secret).verify(body.as_bytes(), &moved).is_err(), "another time");
            let other = headers(&signature, &Uuid::nil().to_string(), now.as_second());
            assert!(theirs(secret).verify(body.as_bytes(), &other).is_err(), "another id");
        }
        assert!(theirs(b"strange").verify(body.as_bytes(), &good).is_err());
        let after = signatures(&webhook(&[b"new secret"]), id, now, body);
        let after = headers(&after, &id.to_string(), now.as_second());
        assert!(theirs(b"old secret").verify(body.as_bytes(), &after).is_err(), "its time is over");
    }

    /// The library looks at the system's clock.
    fn jiff_now() -> i64 {
        crate::ambient::Clock::now(&crate::ambient::SystemClock).as_second()
    }
}

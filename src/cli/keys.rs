//! The master keys that the cases' data keys are wrapped with: shown, rotated, retired.
//!
//! A rotation makes a new key, keeps it on disk, and then wraps every data key anew, some at a time. Killed at any moment it
//! loses nothing: the ring holds both keys, each data key is wrapped by one of them, and the next rotation first finishes
//! what is left. Sealed fields stay as they are, for their keys do. Every node reads the same key ring; those that serve
//! take a new key up within [`KEEP_UP`], or when they meet the first data key wrapped with it.

use super::data::DataDir;
use super::output::{FOUND, Failure, OK, Outcome, Progress};
use super::wire;
use crate::app::App;
use crate::audit::Kind;
use crate::identity::Caller;
use crate::privacy::vault::key_id;
use crate::privacy::{KeyRing, OpenError, RingError};
use crate::store::audit;
use crate::store::keys::{self, Place, Rewrapped};
use jiff::{SignedDuration, Timestamp};
use serde_json::json;
use std::collections::BTreeMap;
use std::fs::{File, TryLockError};
use std::sync::Arc;
use std::time::Duration;

/// Data keys that are wrapped anew in one unit of work.
const BATCH: i64 = 200;

/// Time between two readings of the key ring.
const KEEP_UP: Duration = Duration::from_secs(60);

/// Time that the active key must have been active for before another one is retired: until then a process that hasn't read
/// the ring again may still wrap with the other.
const SETTLED: SignedDuration = SignedDuration::from_mins(10);

/// Reads the key ring again from time to time, so that a rotation by another process is taken up.
pub(super) async fn keep_up(app: Arc<App>, data: DataDir) {
    let mut round = tokio::time::interval(KEEP_UP);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        let shared = Arc::clone(&app);
        match tokio::task::spawn_blocking(move || shared.vault.reload()).await {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(%error, "the key ring can't be read again"),
            Err(error) => tracing::error!(%error, "the key ring was not read again"),
        }
        if let Err(failure) = take_signing_keys(&app, &data) {
            tracing::error!(fault = failure.lines.join("; "), "the keys that sign tokens can't be taken up");
        }
    }
}

/// Takes up the keys of the ring that sign tokens, as they are now.
fn take_signing_keys(app: &App, data: &DataDir) -> Result<(), Failure> {
    let ring = load(data)?;
    app.tokens
        .replace_keys(&wire::signing_keys(&ring), ring.active_signing())
        .map_err(|error| Failure::config(error.to_string()))
}

/// Makes a new key that signs access tokens from now on. Those of the others are believed until they end.
pub(super) async fn rotate_signing(app: &Arc<App>, data: &DataDir) -> Result<Outcome, Failure> {
    let _turn = turn(data)?;
    let mut ring = load(data)?;
    let kid = ring.rotate_signing(app.entropy.as_ref(), app.now());
    ring.save(&data.key_ring()).map_err(fault)?;
    take_signing_keys(app, data)?;
    app.record(app.occasion(&Caller::SYSTEM).key_rotation("signing", &kid, "rotated")).await?;
    let minutes = KEEP_UP.as_secs().div_ceil(60);
    let line = format!("signing key {kid} made: every node signs with it within {minutes} minutes");
    Ok(Outcome::ok(json!({ "kid": kid }), line))
}

/// Takes a signing key out of the ring, once no token of it can be good any more.
pub(super) async fn retire_signing(app: &Arc<App>, data: &DataDir, kid: &str) -> Result<Outcome, Failure> {
    let _turn = turn(data)?;
    let mut ring = load(data)?;
    if kid == ring.active_signing() {
        return Err(Failure::found(format!("signing key {kid} is the active one: rotate first")));
    }
    // A node may have signed with it until it read the ring again, and such a token lives its time.
    let overlap = SETTLED + SignedDuration::from_mins(i64::from(app.settings.auth.access_minutes));
    if app.now().duration_since(ring.active_signing_since()) < overlap {
        let minutes = overlap.as_mins();
        return Err(Failure::found(format!(
            "the active signing key is younger than {minutes} minutes: tokens of the one before may still be in use"
        )));
    }
    if !ring.retire_signing(kid) {
        return Err(Failure::found(format!("the key ring has no signing key {kid}")));
    }
    ring.save(&data.key_ring()).map_err(fault)?;
    take_signing_keys(app, data)?;
    app.record(app.occasion(&Caller::SYSTEM).key_rotation("signing", kid, "retired")).await?;
    Ok(Outcome::ok(json!({ "kid": kid, "retired": true }), format!("signing key {kid} retired")))
}

/// Shows the master keys, and how many data keys each of them wraps.
pub(super) async fn list(app: &Arc<App>, data: &DataDir) -> Result<Outcome, Failure> {
    let ring = load(data)?;
    let wraps = count(app).await?;
    let mut lines = Vec::new();
    let mut listed = Vec::new();
    for (id, created) in ring.masters() {
        let (active, data_keys) = (id == ring.active_master(), wraps.get(&id).copied().unwrap_or(0));
        let note = if active { ", active" } else { "" };
        lines.push(format!("master key {id}, made {created}{note}: wraps {data_keys} data keys"));
        listed.push(json!({ "id": id, "created": created, "active": active, "data_keys": data_keys }));
    }
    let mut code = OK;
    for (id, data_keys) in wraps.iter().filter(|(id, _)| ring.masters().all(|(known, _)| known != **id)) {
        code = FOUND;
        lines.push(format!(
            "master key {id} is not in the ring, and wraps {data_keys} data keys: those cases can't be opened"
        ));
        listed.push(json!({ "id": id, "missing": true, "active": false, "data_keys": data_keys }));
    }
    Ok(Outcome {
        code,
        result: json!({ "suite": app.settings.privacy.suite, "keys": listed }),
        lines,
        notes: Vec::new(),
    })
}

/// Makes a new master key, unless an earlier rotation was cut off, and wraps every data key with the active one.
pub(super) async fn rotate(app: &Arc<App>, data: &DataDir, progress: &Progress) -> Result<Outcome, Failure> {
    let _turn = turn(data)?;
    let mut ring = load(data)?;
    let active = ring.active_master();
    let wraps = count(app).await?;
    let all: u64 = wraps.values().sum();
    let made = wraps.keys().all(|id| *id == active);
    if made {
        ring.rotate_master(app.entropy.as_ref(), app.now());
        ring.save(&data.key_ring()).map_err(fault)?;
    }
    let id = ring.active_master();
    app.vault.reload().map_err(fault)?;
    note(app, id, "rotated").await?;
    let rewrapped = rewrap(app, all, progress).await?;
    let left: u64 = count(app).await?.iter().filter(|(wrapped_by, _)| **wrapped_by != id).map(|(_, count)| count).sum();
    if left == 0 {
        note(app, id, "rewrapped").await?;
    }
    let begun = if made { "made" } else { "taken up again" };
    let mut lines = vec![format!("master key {id} {begun}: {rewrapped} data keys wrapped anew")];
    let code = if left == 0 { OK } else { FOUND };
    if left > 0 {
        lines.push(format!(
            "{left} data keys are wrapped by another key still, made meanwhile: rotate again in some minutes"
        ));
    }
    let notes = vec!["the key ring has changed: keep a copy of it apart from the database".to_owned()];
    Ok(Outcome { code, result: json!({ "id": id, "made": made, "rewrapped": rewrapped, "left": left }), lines, notes })
}

/// Takes a master key out of the ring.
pub(super) async fn retire(app: &Arc<App>, data: &DataDir, id: u32) -> Result<Outcome, Failure> {
    let _turn = turn(data)?;
    let mut ring = load(data)?;
    if id == ring.active_master() {
        return Err(Failure::found(format!("master key {id} is the active one: rotate first")));
    }
    let since = ring.masters().find(|(other, _)| *other == ring.active_master()).map_or(Timestamp::MAX, |(_, at)| at);
    if app.now().duration_since(since) < SETTLED {
        let minutes = SETTLED.as_mins();
        return Err(Failure::found(format!(
            "the active master key is younger than {minutes} minutes: a process that serves may still use another"
        )));
    }
    let wrapped = count(app).await?.get(&id).copied().unwrap_or(0);
    if wrapped > 0 {
        return Err(Failure::found(format!("master key {id} wraps {wrapped} data keys: rotate first")));
    }
    if !ring.retire_master(id) {
        return Err(Failure::found(format!("the key ring has no master key {id}")));
    }
    ring.save(&data.key_ring()).map_err(fault)?;
    app.vault.reload().map_err(fault)?;
    note(app, id, "retired").await?;
    let mut outcome = Outcome::ok(json!({ "id": id, "retired": true }), format!("master key {id} retired"));
    outcome.notes.push("backups made before its rotation open with a copy of the key ring from then only".to_owned());
    Ok(outcome)
}

/// Wraps with the active master key what another one wraps; gives how many were.
async fn rewrap(app: &Arc<App>, all: u64, progress: &Progress) -> Result<usize, Failure> {
    let (mut after, mut done, mut rewrapped) = (None, 0, 0);
    loop {
        let page = app.store.read(move |db| keys::page(db, after, BATCH)).await?;
        let Some((last, _)) = page.last() else { return Ok(rewrapped) };
        after = Some(*last);
        done += page.len() as u64;
        let mut batch = Vec::new();
        for (place, before) in page {
            let after = app.vault.rewrap(app.entropy.as_ref(), &before);
            let after = after.map_err(|error| unreadable(place, error))?;
            batch.extend(after.map(|after| Rewrapped { place, before, after }));
        }
        if !batch.is_empty() {
            rewrapped += app.store.write(move |tx| keys::replace(tx, &batch)).await?;
        }
        progress.tell(done, Some(all));
    }
}

/// How many data keys each master key wraps.
async fn count(app: &Arc<App>) -> Result<BTreeMap<u32, u64>, Failure> {
    let (mut after, mut wraps) = (None, BTreeMap::new());
    loop {
        let page = app.store.read(move |db| keys::page(db, after, 10 * BATCH)).await?;
        let Some((last, _)) = page.last() else { return Ok(wraps) };
        after = Some(*last);
        for (place, data_key) in page {
            let id = key_id(&data_key).map_err(|error| unreadable(place, error))?;
            *wraps.entry(id).or_insert(0) += 1;
        }
    }
}

fn unreadable(place: Place, error: OpenError) -> Failure {
    Failure::found(match place {
        Place::Case(case) => format!("data key of case {}: {error}", case.0),
        Place::Factor(id) => format!("data key of the second factor {}: {error}", id.0),
        Place::Outbox(bucket, id) => format!("data key of what is owed in bucket {bucket}, {}: {error}", id.0),
    })
}

/// Writes a step of a key into the audit log, unless it is the last that is written there.
async fn note(app: &Arc<App>, id: u32, step: &'static str) -> Result<(), Failure> {
    let entry = app.occasion(&Caller::SYSTEM).key_rotation("master", &id.to_string(), step);
    let writer = app.settings.audit.writer.clone();
    let last = app.store.read(move |db| audit::newest(db, &writer, Kind::KeyRotation)).await?;
    let data = serde_json::Value::Object(entry.data.clone());
    if last.is_some_and(|last| serde_json::from_str(&last.data).ok().as_ref() == Some(&data)) {
        return Ok(());
    }
    Ok(app.record(entry).await?)
}

/// One at a time: two that both made a key would each keep a ring without the other's.
fn turn(data: &DataDir) -> Result<File, Failure> {
    let keys = data.keys();
    let folder = File::open(&keys).map_err(|error| Failure::config(format!("{}: {error}", keys.display())))?;
    match folder.try_lock() {
        Ok(()) => Ok(folder),
        Err(TryLockError::WouldBlock) => {
            Err(Failure::found("the keys are being rotated or retired by another command"))
        }
        Err(TryLockError::Error(error)) => Err(Failure::config(format!("{}: {error}", keys.display()))),
    }
}

fn load(data: &DataDir) -> Result<KeyRing, Failure> {
    KeyRing::load(&data.key_ring()).map_err(fault)
}

#[expect(clippy::needless_pass_by_value, reason = "given to map_err")]
fn fault(error: RingError) -> Failure {
    Failure::config(error.to_string())
}

//! Delivers what is owed: claims what is due, sends it, notes how that ended.

use crate::ambient;
use crate::app::App;
use crate::config::Piece;
use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Lang, NoticeChannel};
use crate::notify::fault::Fault;
use crate::notify::hook::{self, Hooks};
use crate::notify::mail::{Letter, Mail};
use crate::notify::owe;
use crate::notify::sms::Sms;
use crate::store::outbox::{self, Claim, End, OutboxRow};
use crate::store::{StoreError, cases};
use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinSet;
use uuid::Uuid;

/// Deliveries under way at once.
const AT_ONCE: usize = 16;

/// Of one lane: the rest of the places stay free for the others.
const OF_A_LANE: usize = 4;

/// Time in which deliveries may end before more is claimed: a claim for several costs no more than one for each.
const GATHER: Duration = Duration::from_millis(10);

/// A lease ends after this; longer than any delivery takes.
const LEASE: SignedDuration = SignedDuration::from_secs(120);

/// Time between two looks for leases that ended.
const SWEEP: Duration = Duration::from_secs(30);

/// A lane rests for so long after a fault that isn't of one destination only.
const REST: SignedDuration = SignedDuration::from_secs(5);

/// Sends what is owed.
#[derive(Debug)]
pub struct Post {
    app: Arc<App>,
    mail: Mail,
    sms: Sms,
    hooks: Hooks,
}

/// What a lane is doing.
#[derive(Debug, Default, Clone, Copy)]
struct Lane {
    under_way: usize,
    rests_until: Option<Timestamp>,
}

impl Post {
    /// From the settings; `folder` is where mail and messages go as files when no server or gateway is set.
    ///
    /// # Errors
    /// What of the settings can't be understood.
    pub fn new(app: Arc<App>, folder: &Path) -> Result<Self, String> {
        let mail = Mail::new(&app.settings.smtp, folder)?;
        let sms = Sms::new(&app.settings.sms, folder)?;
        let hooks = Hooks::new(&app)?;
        Ok(Self { app, mail, sms, hooks })
    }

    /// Delivers until it is aborted. What is under way then is taken up again when its lease ends.
    pub async fn run(self: Arc<Self>) {
        let mut lanes: HashMap<String, Lane> = HashMap::new();
        let mut under_way: JoinSet<(String, bool)> = JoinSet::new();
        let mut since_sweep = None;
        let pause = Duration::from_millis(self.app.settings.notify.poll_ms);
        loop {
            if since_sweep.is_none_or(|since: ambient::Stopwatch| since.elapsed() >= SWEEP) {
                self.sweep().await;
                self.refresh().await;
                since_sweep = Some(ambient::Stopwatch::start());
            }
            while let Some(done) = under_way.try_join_next() {
                self.note(&mut lanes, done);
            }
            let claimed = match self.claim(&lanes, AT_ONCE - under_way.len().min(AT_ONCE)).await {
                Ok(claimed) => claimed,
                Err(error) => {
                    tracing::warn!(%error, "what is owed can't be read");
                    Vec::new()
                }
            };
            let idle = claimed.is_empty();
            for (lease, row) in claimed {
                lanes.entry(row.lane.clone()).or_default().under_way += 1;
                let post = Arc::clone(&self);
                under_way.spawn(async move {
                    let lane = row.lane.clone();
                    (lane, post.deliver(row, lease).await)
                });
            }
            if under_way.len() >= AT_ONCE {
                let mut gathered = pin!(tokio::time::sleep(GATHER));
                if let Some(done) = under_way.join_next().await {
                    self.note(&mut lanes, done);
                }
                while under_way.len() > AT_ONCE / 2 {
                    tokio::select! {
                        Some(done) = under_way.join_next() => self.note(&mut lanes, done),
                        () = &mut gathered => break,
                    }
                }
            } else if idle {
                tokio::select! {
                    Some(done) = under_way.join_next() => self.note(&mut lanes, done),
                    () = tokio::time::sleep(pause) => {}
                }
            }
        }
    }

    fn note(&self, lanes: &mut HashMap<String, Lane>, done: Result<(String, bool), tokio::task::JoinError>) {
        // A delivery that panicked leaves its lease to end; its place in the lane is given back by the others' end.
        let Ok((name, well)) = done else { return lanes.clear() };
        let lane = lanes.entry(name.clone()).or_default();
        lane.under_way = lane.under_way.saturating_sub(1);
        lane.rests_until = if well { None } else { self.app.now().checked_add(REST).ok() };
        if lane.under_way == 0 && lane.rests_until.is_none() {
            lanes.remove(&name);
        }
    }

    /// Gives back what holders that died had claimed.
    async fn sweep(&self) {
        let now = self.app.now();
        match self.app.store.write(move |tx| outbox::release_stuck(tx, now)).await {
            Ok(0) => {}
            Ok(rows) => tracing::warn!(rows, "notices whose sender did not come back will be sent again"),
            Err(error) => tracing::warn!(%error, "claimed notices can't be swept"),
        }
    }

    /// Takes the webhooks that another node made or removed.
    async fn refresh(&self) {
        if let Err(error) = hook::refresh(&self.app).await {
            tracing::warn!(%error, "webhooks can't be read");
        }
    }

    async fn claim(&self, lanes: &HashMap<String, Lane>, most: usize) -> Result<Vec<(Uuid, OutboxRow)>, StoreError> {
        let now = self.app.now();
        let mut claimed = Vec::new();
        if most == 0 {
            return Ok(claimed);
        }
        for bucket in self.app.store.read(move |db| outbox::due_buckets(db, now)).await? {
            if claimed.len() >= most {
                break;
            }
            let lease = Uuid::from_bytes(ambient::draw(self.app.entropy.as_ref()));
            let rests = |lane: &Lane| lane.rests_until.is_some_and(|until| until > now);
            let mut without: Vec<String> = lanes
                .iter()
                .filter(|(_, lane)| lane.under_way >= OF_A_LANE || rests(lane))
                .map(|(name, _)| name.clone())
                .collect();
            let claimed_of =
                |name: &String| claimed.iter().filter(|(_, row): &&(Uuid, OutboxRow)| row.lane == *name).count();
            let mut more: Vec<String> = claimed
                .iter()
                .map(|(_, row)| row.lane.clone())
                .filter(|name| claimed_of(name) + lanes.get(name).map_or(0, |lane| lane.under_way) >= OF_A_LANE)
                .collect();
            without.append(&mut more);
            let claim = Claim {
                bucket,
                lease,
                now,
                until: now.checked_add(LEASE).unwrap_or(now),
                most: most - claimed.len(),
                most_of_lane: OF_A_LANE,
                without,
            };
            let rows = self.app.store.write(move |tx| outbox::claim(tx, &claim)).await?;
            claimed.extend(rows.into_iter().map(|row| (lease, row)));
        }
        Ok(claimed)
    }

    /// Delivers a row and notes how that ended; `false` when the lane had better rest.
    async fn deliver(&self, row: OutboxRow, lease: Uuid) -> bool {
        let now = self.app.now();
        let (end, well) = match self.attempt(&row, now).await {
            Ok(end) => (end, true),
            Err(fault) => {
                let end = self.after(&row, &fault, now);
                // A destination that doesn't exist says nothing of its neighbours.
                (end, fault.permanent)
            }
        };
        match &end {
            End::Failed { fault } => {
                tracing::warn!(id = %row.outbox_id.0, notice = row.notice, channel = row.channel, fault, "a notice failed for good");
            }
            End::Later { fault, .. } => {
                tracing::info!(id = %row.outbox_id.0, channel = row.channel, fault, attempts = row.attempts + 1, "a notice will be tried again");
            }
            End::Sent | End::Expired | End::Postponed { .. } => {}
        }
        let ended = self.app.now();
        let noted = self.app.store.write(move |tx| outbox::end(tx, &row, lease, &end, ended)).await;
        match noted {
            Ok(true) => {}
            Ok(false) => tracing::warn!(%lease, "a delivery took longer than its lease"),
            // The lease ends, and it is sent again under the same id: once too often rather than never.
            Err(error) => tracing::warn!(%error, "the end of a delivery could not be kept"),
        }
        well
    }

    async fn attempt(&self, row: &OutboxRow, now: Timestamp) -> Result<End, Fault> {
        if row.expires_at.is_some_and(|at| at.0 <= now) {
            return Ok(End::Expired);
        }
        let channel = NoticeChannel::parse(&row.channel).map_err(|_| Fault::permanent("unknown_channel"))?;
        if channel == NoticeChannel::Sms
            && !row.urgent
            && let Some(at) = self.app.settings.sms.quiet.and_then(|quiet| quiet.end(now))
        {
            return Ok(End::Postponed { at });
        }
        let (to, values) = self.open(row).await?;
        let catalogue = self.app.catalogue();
        let lang = Lang::parse(&row.lang).unwrap_or(Lang::Zh);
        let fill = |piece| {
            catalogue.templates.fill(&row.notice, lang, piece, &values).map_err(|error| {
                tracing::error!(%error, "a notice can't be written");
                Fault::permanent("no_text")
            })
        };
        let id = row.outbox_id.0;
        match channel {
            NoticeChannel::Email => {
                let (subject, text) = (fill(Piece::Subject)?, fill(Piece::Text)?);
                let letter = Letter { id, notice: &row.notice, to: &to, subject: &subject, text: &text, now };
                self.mail.send(&letter).await?;
            }
            NoticeChannel::Sms => self.sms.send(id, &to, &fill(Piece::Sms)?).await?,
            NoticeChannel::Webhook => return self.hooks.deliver(&self.app, row, &to, &values).await,
        }
        Ok(End::Sent)
    }

    async fn open(&self, row: &OutboxRow) -> Result<(String, serde_json::Map<String, serde_json::Value>), Fault> {
        let case_key = match (row.data_key.is_none(), row.case_id) {
            (true, Some(case)) => {
                let id = CaseId(case.0);
                let found = self.app.store.read(move |db| cases::load_by_id(db, &Scope::System, id)).await;
                // Its case was erased, and with it its key.
                Some(
                    found
                        .map_err(|_| Fault::passing("database"))?
                        .ok_or_else(|| Fault::permanent("erased"))?
                        .sealed
                        .data_key,
                )
            }
            _ => None,
        };
        owe::open(&self.app.vault, case_key.as_deref(), row).map_err(|_| Fault::permanent("sealed"))
    }

    /// When a row is tried again after a fault, or that it isn't.
    fn after(&self, row: &OutboxRow, fault: &Fault, now: Timestamp) -> End {
        let (notify, webhooks) = (&self.app.settings.notify, &self.app.settings.webhooks);
        let age = now.duration_since(row.created_at.0);
        let (first, longest, hours) = if row.channel == NoticeChannel::Webhook.code() {
            (webhooks.first_retry_seconds, webhooks.longest_retry_seconds, webhooks.give_up_hours)
        } else {
            (notify.first_retry_seconds, notify.longest_retry_seconds, notify.give_up_hours)
        };
        let most = SignedDuration::from_hours(i64::from(hours));
        if fault.permanent || age >= most {
            return End::Failed { fault: fault.code.clone() };
        }
        let random = u16::from_be_bytes(ambient::draw(self.app.entropy.as_ref()));
        let wait = backoff(row.attempts, first, longest, random);
        End::Later { at: now.checked_add(wait).unwrap_or(now), fault: fault.code.clone() }
    }
}

/// How long to wait after so many attempts failed before: doubling up to the longest, a fifth more or less by a random number,
/// so that what failed together doesn't come back together.
pub fn backoff(failed_before: i32, first: u32, longest: u32, random: u16) -> SignedDuration {
    let doublings = u32::try_from(failed_before.clamp(0, 20)).unwrap_or(0);
    let seconds = (u64::from(first) << doublings).min(u64::from(longest));
    let millis = seconds * (800 + u64::from(random) * 400 / u64::from(u16::MAX));
    SignedDuration::from_millis(i64::try_from(millis).unwrap_or(i64::MAX))
}

/// Writes a file that only its owner can read, whole or not at all.
pub(super) async fn write_file(path: PathBuf, bytes: Vec<u8>) -> Result<(), Fault> {
    let write = move || -> std::io::Result<()> {
        use std::io::Write;
        let part = path.with_extension("part");
        let mut file = std::fs::OpenOptions::new().write(true).create(true).truncate(true).mode(0o600).open(&part)?;
        file.write_all(&bytes)?;
        file.sync_all()?;
        std::fs::rename(&part, &path)
    };
    match tokio::task::spawn_blocking(write).await {
        Ok(Ok(())) => Ok(()),
        _ => Err(Fault::passing("folder")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn waits_grow_to_the_longest_and_differ_by_a_fifth() {
        let seconds = |failed, random| backoff(failed, 60, 3600, random).as_millis();
        assert_eq!((seconds(0, 0), seconds(0, u16::MAX)), (48_000, 72_000));
        assert_eq!(
            (seconds(1, 0), seconds(5, 0), seconds(6, 0), seconds(1000, 0)),
            (96_000, 1_536_000, 2_880_000, 2_880_000)
        );
        assert_eq!(backoff(-1, 1, 1, 0).as_millis(), 800);
    }

    /// What a receiver doesn't take is tried again over two days, whatever the chance.
    #[test]
    fn events_are_tried_again_over_two_days() {
        let settings = crate::config::Settings::load(&crate::config::settings::Inputs::default()).unwrap().webhooks;
        let most = SignedDuration::from_hours(i64::from(settings.give_up_hours));
        for random in [0, u16::MAX / 2, u16::MAX] {
            let (mut age, mut attempts) = (SignedDuration::ZERO, 1);
            while age < most {
                age += backoff(attempts - 1, settings.first_retry_seconds, settings.longest_retry_seconds, random);
                attempts += 1;
            }
            assert!((14..=22).contains(&attempts), "{attempts} attempts");
            assert!(age >= most && age < most + SignedDuration::from_hours(12), "the last after {age}");
        }
    }
}

//! Serves until it is told to stop.

use super::data::DataDir;
use super::handover;
use super::output::{Failure, OK, Output};
use super::wire::{self, Where};
use super::{backup, calendar, keys, tick};
use crate::access::limits;
use crate::ambient::{SHANGHAI, Stopwatch};
use crate::app::App;
use crate::audit::Kind;
use crate::http;
use crate::identity::Caller;
use crate::intake::unfinished;
use crate::learn;
use crate::notify::Post;
use crate::store::{StoreError, Target, audit, codes, partitions, sessions, subjects, tries, upkeep, users};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::{Timestamp, ToSpan};
use sha2::{Digest, Sha256};
use std::net::{SocketAddr, TcpListener};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;
use tokio::signal::unix::{Signal, SignalKind, signal};
use tokio::sync::watch;

/// Time between two rounds of what happens because time passes.
const ROUND: Duration = Duration::from_secs(3600);

/// Hours that a set-up link works.
const SETUP_HOURS: i64 = 24;

/// Time that threads are given to end once the requests are answered.
const LAST_MOMENTS: Duration = Duration::from_secs(4);

/// Serves; gives the exit code once it has stopped.
pub(super) fn run(given: &Where, output: Output) -> ExitCode {
    match serve(given, output) {
        Ok(()) => ExitCode::from(OK),
        Err(failure) => output.end(Err(failure)),
    }
}

fn serve(given: &Where, output: Output) -> Result<(), Failure> {
    let settings = wire::settings(given)?;
    // Before anything is written: a wrong file must leave no data folder behind.
    wire::files(&settings)?;
    wire::log(&settings, true);
    let data = DataDir::create(&settings.paths.data_dir)?;
    let target = wire::target(&settings, &data, given.create)?;
    let sqlite = matches!(target, Target::Sqlite(_));
    let lock = if sqlite {
        let lock = data.lock()?;
        Some(lock.ok_or_else(|| {
            Failure::found(format!("{} is in use by another process of fangxin", data.path().display()))
        })?)
    } else {
        None
    };
    let listen = settings.server.listen;
    let runtime = runtime()?;
    let clock = wire::clock(&settings);
    let app = runtime.block_on(wire::app(settings, &data, given.create, clock))?;
    let bind = |address| TcpListener::bind(address).map_err(|error| Failure::found(format!("{address}: {error}")));
    let listener = bind(listen)?;
    let metrics = app.settings.server.metrics_listen.map(bind).transpose()?;
    let address = listener.local_addr().map_err(|error| Failure::found(error.to_string()))?;
    let end = runtime.block_on(async {
        let commands = match sqlite {
            true => Some(tokio::spawn(handover::serve(handover::listen(&data)?, Arc::clone(&app), data.clone()))),
            false => None,
        };
        note_start(&app, &data).await?;
        let post = Post::new(Arc::clone(&app), &data.outbox()).map_err(Failure::config)?;
        let post = tokio::spawn(Arc::new(post).run());
        let rounds = tokio::spawn(rounds(Arc::clone(&app)));
        let checkpoints = tokio::spawn(checkpoints(Arc::clone(&app)));
        let keys = tokio::spawn(keys::keep_up(Arc::clone(&app), data.clone()));
        let models = tokio::spawn(models(Arc::clone(&app)));
        let (stop, mut stopping) = watch::channel(false);
        let impatient = tokio::spawn(signals(stop)?);
        let base = app.settings.server.public_url.clone().unwrap_or_else(|| format!("http://{}", shown(address)));
        output.line(&format!("fangxin serves on http://{}", shown(address)));
        if let Some(link) = setup_link(&app, &base).await? {
            output.line(&format!("no account yet; make the first within {SETUP_HOURS} hours at {link}"));
        }
        // After what a start writes: damage found earlier would refuse that, and end the service instead of turning it red.
        let looks = sqlite.then(|| tokio::spawn(looks(Arc::clone(&app))));
        let http = http::server::run(Arc::clone(&app), listener, metrics, async move {
            // An error is the sender's end, which is an order to stop too.
            drop(stopping.wait_for(|stop| *stop).await);
        });
        let end = tokio::select! {
            end = http => end.map_err(|error| Failure::found(error.to_string())),
            _ = impatient => Err(Failure::found("stopped at once by a second signal")),
        };
        rounds.abort();
        post.abort();
        checkpoints.abort();
        keys.abort();
        if let Some(looks) = looks {
            looks.abort();
        }
        models.abort();
        if let Err(error) = app.checkpoint().await {
            tracing::error!(%error, "no last checkpoint of the audit log could be written");
        }
        if let Some(commands) = commands {
            commands.abort();
        }
        end
    });
    if end.is_ok() {
        // Ended tasks let go of the app; its last owner waits for the store's threads, which is what is wanted here.
        runtime.shutdown_timeout(LAST_MOMENTS);
        drop(app);
        drop(std::fs::remove_file(data.socket()));
    } else {
        runtime.shutdown_background();
        // Whatever waits for the disk must not hold the exit up: what was answered is kept already.
        std::mem::forget(app);
    }
    drop(lock);
    end
}

/// The runtime that commands and background work run on.
pub(super) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.enable_all().thread_name("fangxin").build().map_err(|error| Failure::found(error.to_string()))
}

/// An address as a link has it: one that listens everywhere is reached on this machine.
fn shown(address: SocketAddr) -> String {
    if address.ip().is_unspecified() { format!("localhost:{}", address.port()) } else { address.to_string() }
}

/// Asks for a graceful end at the first signal, and ends itself at the second.
fn signals(stop: watch::Sender<bool>) -> Result<impl Future<Output = ()> + Send + 'static, Failure> {
    let take = |kind| signal(kind).map_err(|error| Failure::found(format!("signals: {error}")));
    let (mut term, mut int) = (take(SignalKind::terminate())?, take(SignalKind::interrupt())?);
    Ok(async move {
        next(&mut term, &mut int).await;
        tracing::info!("asked to stop");
        stop.send_replace(true);
        next(&mut term, &mut int).await;
    })
}

async fn next(term: &mut Signal, int: &mut Signal) {
    tokio::select! {
        _ = term.recv() => {}
        _ = int.recv() => {}
    }
}

/// A link to make the first account with, when there is none. Only its hash is kept.
async fn setup_link(app: &Arc<App>, base: &str) -> Result<Option<String>, Failure> {
    if app.store.read(users::any).await? {
        return Ok(None);
    }
    let token = URL_SAFE_NO_PAD.encode(crate::ambient::draw::<32>(app.entropy.as_ref()));
    let hash = Sha256::digest(token.as_bytes()).to_vec();
    let expires = app.now().checked_add(SETUP_HOURS.hours()).map_err(|error| Failure::found(error.to_string()))?;
    app.store.write(move |tx| users::keep_setup_link(tx, &hash, expires)).await?;
    Ok(Some(format!("{base}/setup/{token}")))
}

/// Writes down what an auditor wants to know of a start: that the data came from a backup, and that the configuration is another
/// than at the start before.
async fn note_start(app: &Arc<App>, data: &DataDir) -> Result<(), Failure> {
    let restored = data.restored();
    if let Ok(text) = std::fs::read(&restored) {
        let note: backup::Restored = serde_json::from_slice(&text)
            .map_err(|error| Failure::found(format!("{}: {error}", restored.display())))?;
        app.record(app.occasion(&Caller::SYSTEM).restore(note.made_at, note.cases)).await?;
        std::fs::remove_file(&restored).map_err(|error| Failure::found(format!("{}: {error}", restored.display())))?;
    }
    let digest = wire::configuration_digest(&app.settings)?;
    let writer = app.settings.audit.writer.clone();
    let last = app.store.read(move |db| audit::newest(db, &writer, Kind::ConfigurationChange)).await?;
    let before = last.and_then(|entry| {
        let data: serde_json::Value = serde_json::from_str(&entry.data).ok()?;
        data.get("digest")?.as_str().map(str::to_owned)
    });
    if before.as_ref() != Some(&digest) {
        app.record(app.occasion(&Caller::SYSTEM).configuration_change(&digest, before.as_deref())).await?;
    }
    Ok(())
}

/// Signs how far the audit log has come, at the start and every few minutes.
async fn checkpoints(app: Arc<App>) {
    let every = Duration::from_secs(u64::from(app.settings.audit.checkpoint_minutes) * 60);
    let mut round = tokio::time::interval(every);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        if let Err(error) = app.checkpoint().await {
            tracing::error!(%error, "no checkpoint of the audit log could be written");
        }
    }
}

/// The hour in Asia/Shanghai at which the database file is looked over.
const NIGHT: i8 = 3;

/// Time from an instant until the next night's look.
fn until_night(now: Timestamp) -> Duration {
    let local = SHANGHAI.to_datetime(now);
    let tonight = local.date().at(NIGHT, 0, 0, 0);
    let next = if local < tonight { tonight } else { tonight.saturating_add(1.day()) };
    SHANGHAI.to_timestamp(next).map_or(ROUND, |next| next.duration_since(now).unsigned_abs())
}

/// Looks the database file over at the start and every night, beside the work. Damage stops writes and turns readiness red.
async fn looks(app: Arc<App>) {
    loop {
        let (looked_at, now, watch) = (Arc::clone(&app), app.now(), Stopwatch::start());
        let end = tokio::task::spawn_blocking(move || looked_at.store.check(now)).await;
        let seconds = watch.elapsed().as_secs_f64();
        match end {
            Ok(Ok(())) => tracing::info!(seconds, "the database file is whole"),
            Ok(Err(StoreError::Corrupt(found))) => {
                tracing::error!(found, "the database file is damaged: nothing is written any more; restore a backup");
            }
            Ok(Err(error)) => tracing::error!(%error, "the database file could not be looked over"),
            Err(error) => tracing::error!(%error, "the look at the database file broke off"),
        }
        tokio::time::sleep(until_night(app.now())).await;
    }
}

/// Takes the model that another process put in force.
async fn models(app: Arc<App>) {
    let mut round = tokio::time::interval(Duration::from_secs(u64::from(app.settings.classify.refresh_seconds)));
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        if let Err(error) = learn::refresh(&app).await {
            tracing::warn!(%error, "whether another model is in force could not be asked");
        }
    }
}

/// Days that a session is kept after its longest time, for an operator who asks how it ended.
const SESSION_KEPT_DAYS: i64 = 7;

/// Forgets sessions that ended long ago, a thousand in a unit of work, codes that don't work any more, and what was tried
/// so long ago that it doesn't count.
async fn forget_sessions(app: &App) -> Result<(), StoreError> {
    let ago = |days: i64| app.now().checked_sub((24 * days).hours()).unwrap_or(Timestamp::MIN);
    let (sessions, codes, tried) = (ago(SESSION_KEPT_DAYS), app.now(), ago(limits::KNOWN_DAYS));
    while app.store.write(move |tx| sessions::forget(tx, sessions)).await? > 0 {}
    app.store.write(move |tx| codes::forget(tx, codes)).await?;
    let flows = ago(1);
    app.store.write(move |tx| subjects::forget(tx, flows)).await?;
    app.store.write(move |tx| tries::forget(tx, tried)).await?;
    Ok(())
}

/// What happens because time passes, at the start and every hour.
async fn rounds(app: Arc<App>) {
    let mut round = tokio::time::interval(ROUND);
    round.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        round.tick().await;
        if let Err(failure) = calendar::refresh(&app).await {
            tracing::error!(fault = failure.lines.join("; "), "the loaded calendar can't be used");
        }
        match tick::run(&app, None, false).await {
            Ok(outcome) => tracing::info!(done = outcome.lines.join("; "), "round"),
            Err(failure) => tracing::error!(fault = failure.lines.join("; "), "round failed"),
        }
        let now = app.now();
        if let Err(error) = app.store.write(move |tx| partitions::prepare(tx, now)).await {
            tracing::warn!(%error, "the months ahead could not be made");
        }
        if let Err(error) = forget_sessions(&app).await {
            tracing::warn!(%error, "sessions that ended could not be forgotten");
        }
        if let Err(error) = unfinished::purge(&app).await {
            tracing::warn!(%error, "unfinished filings that ended could not be forgotten");
        }
        if let Err(error) = app.store.write(upkeep::optimize).await {
            tracing::warn!(%error, "the engine's upkeep failed");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::until_night;
    use std::time::Duration;

    #[test]
    fn the_file_is_looked_over_at_three_in_the_night() {
        for (now, seconds) in [
            ("2026-06-02T02:59:58+08:00", 2),
            ("2026-06-02T03:00:00+08:00", 86_400),
            ("2026-06-01T23:00:00+08:00", 4 * 3600),
            ("2026-06-01T12:00:00+08:00", 15 * 3600),
        ] {
            assert_eq!(until_night(now.parse().unwrap()), Duration::from_secs(seconds), "{now}");
        }
    }
}

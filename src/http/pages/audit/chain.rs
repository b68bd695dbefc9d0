//! Whether the audit log is as it was written: started by an auditor, run beside the requests, and shown with the first
//! entry of each chain that isn't.

use crate::app::App;
use crate::app::chains::{Checked, check};
use crate::audit::Fault;
use crate::domain::permission::Permission;
use crate::http::Edge;
use crate::http::api::audit::entry;
use crate::http::error::Problem;
use crate::http::pages::audit::log::{self, Line};
use crate::http::pages::desk::{Chrome, chrome, words};
use crate::http::pages::frame::Frame;
use crate::http::pages::login;
use crate::http::pages::staff::{Sent, Visitor};
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::Timestamp;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How long whoever starts a check waits for it before they are shown how far it has come.
const WAIT: Duration = Duration::from_secs(3);

/// The checks of a node: at most one runs, and what the last one found is kept.
#[derive(Debug, Default)]
pub struct Checks(Mutex<State>);

#[derive(Debug, Default)]
struct State {
    running: Option<Arc<Running>>,
    last: Option<Ended>,
}

/// A check that is under way.
#[derive(Debug)]
struct Running {
    since: Timestamp,
    done: AtomicU64,
    all: AtomicU64,
}

/// What a check found; nothing when the log or its checkpoints couldn't be read.
#[derive(Debug, Clone)]
struct Ended {
    at: Timestamp,
    found: Option<Vec<Checked>>,
}

impl Checks {
    fn state(&self) -> std::sync::MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Begins a check; `None` when one runs already.
    fn begin(&self, now: Timestamp) -> Option<Arc<Running>> {
        let mut state = self.state();
        if state.running.is_some() {
            return None;
        }
        let running = Arc::new(Running { since: now, done: AtomicU64::new(0), all: AtomicU64::new(0) });
        state.running = Some(Arc::clone(&running));
        Some(running)
    }

    fn end(&self, ended: Ended) {
        let mut state = self.state();
        (state.running, state.last) = (None, Some(ended));
    }
}

/// A chain as it was found.
#[derive(Debug)]
struct Shown {
    writer: String,
    whole: String,
    checkpoints: usize,
    broken: Option<Broken>,
}

/// The first entry that isn't as it was written.
#[derive(Debug)]
struct Broken {
    words: String,
    seq: i64,
    entry: Option<Line>,
}

#[derive(Template)]
#[template(path = "audit/chain.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    running: Option<(String, u64)>,
    checked: Option<String>,
    unreadable: bool,
    broken: usize,
    chains: Vec<Shown>,
}

/// What is wrong with a chain, and with which entry first.
fn told(frame: &Frame, fault: &Fault) -> (String, i64) {
    let say = |code: &str, seq: i64, other: i64| {
        let name = format!("audit_broken.{code}");
        (frame.say(&name, &[("n", &seq.to_string()), ("other", &other.to_string())]), seq)
    };
    match fault {
        Fault::Altered { seq } => say("altered", *seq, 0),
        Fault::Deleted { seq } => say("deleted", *seq, 0),
        Fault::Reordered { seq, written_at } => say("reordered", *seq, *written_at),
        Fault::Truncated { seq, last } => say("truncated", *seq, *last),
        Fault::Rewritten { seq, checkpoint } => say("rewritten", *seq, *checkpoint),
        Fault::Checkpoint { seq } => say("checkpoint", *seq, 0),
        Fault::CheckpointMissing { seq } => say("checkpoint_missing", *seq, 0),
    }
}

/// What the last check found, or how far the one that runs has come.
pub async fn page(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadAudit)?;
    let (running, last) = {
        let state = edge.checks.state();
        (state.running.clone(), state.last.clone())
    };
    let today = app.today();
    let percent = |running: &Running| {
        let (done, all) = (running.done.load(Ordering::Relaxed), running.all.load(Ordering::Relaxed));
        (done * 100).checked_div(all).unwrap_or(0).min(100)
    };
    let found = last.as_ref().and_then(|last| last.found.as_deref()).unwrap_or_default();
    let mut chains = Vec::with_capacity(found.len());
    for chain in found {
        let broken = match &chain.fault {
            None => None,
            Some(fault) => {
                let (words, seq) = told(&frame, fault);
                // What stands there now, as far as this reader may see it.
                let entry = entry(&app, &caller, &chain.writer, seq).await?;
                Some(Broken { words, seq, entry: entry.map(|entry| log::line(&frame, entry, today)) })
            }
        };
        chains.push(Shown {
            writer: chain.writer.clone(),
            whole: words::thousands(&chain.whole.to_string()),
            checkpoints: chain.checkpoints,
            broken,
        });
    }
    frame.ok(&Page {
        c: chrome(&app, &caller, &frame, &request, "audit_chain", "").await?,
        running: running.map(|running| (words::moment(&frame, running.since, today), percent(&running))),
        checked: last.as_ref().map(|last| words::moment(&frame, last.at, today)),
        unreadable: last.is_some_and(|last| last.found.is_none()),
        broken: chains.iter().filter(|chain| chain.broken.is_some()).count(),
        f: &frame,
        chains,
    })
}

/// Begins a check, unless one runs, and leads to what it finds.
pub async fn run(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    Sent { caller, .. }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadAudit)?;
    if let Some(running) = edge.checks.begin(app.now()) {
        let (app, edge) = (app.into_inner(), edge.into_inner());
        let task = tokio::spawn(async move {
            let tell = |done: u64, all: u64| {
                running.done.store(done, Ordering::Relaxed);
                running.all.store(all, Ordering::Relaxed);
            };
            let found =
                check(&app, &tell).await.inspect_err(|error| tracing::error!(%error, "the audit log isn't read"));
            edge.checks.end(Ended { at: app.now(), found: found.ok() });
        });
        // It goes on when the wait is over.
        let _ = tokio::time::timeout(WAIT, task).await;
    }
    Ok(login::to("/audit/chain"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_check_runs_at_a_time_and_the_next_when_it_has_ended() {
        let checks = Checks::default();
        let now = Timestamp::UNIX_EPOCH;
        let first = checks.begin(now);
        assert!(first.is_some() && checks.begin(now).is_none());
        checks.end(Ended { at: now, found: Some(Vec::new()) });
        assert!(checks.state().last.is_some() && checks.begin(now).is_some());
    }
}

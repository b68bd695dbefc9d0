//! More than can be written: what doesn't fit is refused at once, by an answer that says when to come again, and leaves nothing
//! behind; what was taken is there once.

use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use std::collections::{BTreeMap, BTreeSet};

/// Filings at once, far more than the queue holds beside the one that is being written.
const AT_ONCE: usize = 12;

/// Files under a key that is the merchant's name; whether it was taken.
fn file(app: &TestApp, key: &str) -> bool {
    let call = app.post("/api/v1/cases", &Session::anonymous()).header("Idempotency-Key", key);
    let reply = call.json(FilingBuilder::complete().merchant(key).json()).send();
    if reply.status == 201 {
        return true;
    }
    assert_eq!(reply.problem(503)["code"], "busy", "{reply}");
    let seconds: u64 = reply.header("retry-after").parse().expect("seconds to wait");
    assert!((1..=60).contains(&seconds), "{reply}");
    false
}

/// How many cases each merchant has.
fn stored(app: &TestApp, overseer: &Session) -> BTreeMap<String, usize> {
    let mut stored = BTreeMap::new();
    for line in app.pages("/api/v1/queue?limit=100", overseer) {
        *stored.entry(line["respondent"].as_str().expect("a merchant").to_owned()).or_default() += 1;
    }
    stored
}

#[test]
fn what_does_not_fit_is_refused_with_a_time_and_nothing_is_lost() {
    for engine in engines() {
        // The lock below is waited for longer than any machine takes to refuse the others.
        let app = Start::on(engine)
            .set("DATABASE__QUEUE_SIZE", "2")
            .set("DATABASE__POOL_SIZE", "64")
            .set("DATABASE__BUSY_TIMEOUT_MS", "60000")
            .set("DATABASE__ACQUIRE_TIMEOUT_SECONDS", "60")
            .start();
        let overseer = app.supervisor("320000");
        let mut lock = app.contents();
        lock.run(match engine {
            Engine::Sqlite => "BEGIN IMMEDIATE",
            Engine::Postgres => "BEGIN; LOCK TABLE case_numbers IN EXCLUSIVE MODE",
        });
        let outcomes: Vec<(String, bool)> = std::thread::scope(|scope| {
            let (told, ends) = std::sync::mpsc::channel();
            for number in 0..AT_ONCE {
                let (told, app) = (told.clone(), &app);
                scope.spawn(move || {
                    let key = format!("merchant-{number}");
                    let taken = file(app, &key);
                    told.send((key, taken)).expect("someone listens");
                });
            }
            drop(told);
            // Nothing can be written now, so that the first answer is a refusal, unless everything is let in to wait.
            let first = ends.recv_timeout(std::time::Duration::from_secs(4));
            lock.run("ROLLBACK");
            first.into_iter().chain(ends).collect()
        });
        let (taken, refused): (Vec<_>, Vec<_>) = outcomes.into_iter().partition(|(_, taken)| *taken);
        let keys = |outcomes: Vec<(String, bool)>| outcomes.into_iter().map(|(key, _)| key).collect::<BTreeSet<_>>();
        let (mut taken, mut refused) = (keys(taken), keys(refused));
        assert_eq!(taken.len() + refused.len(), AT_ONCE);
        assert!(!refused.is_empty(), "{engine}: nothing was refused");
        assert!(!taken.is_empty(), "{engine}: what had been let in was not written");

        let once = |keys: &BTreeSet<String>| keys.iter().map(|key| (key.clone(), 1)).collect::<BTreeMap<_, _>>();
        let are = "what was taken, once, and nothing of what was refused";
        assert_eq!(stored(&app, &overseer), once(&taken), "{engine}: {are}");

        // Whoever comes again when there is room is taken.
        for key in &refused {
            assert!((0..20).any(|_| file(&app, key)), "{engine}: {key} is refused still");
        }
        taken.append(&mut refused);
        assert_eq!(stored(&app, &overseer), once(&taken), "{engine}");
    }
}

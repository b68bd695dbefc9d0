//! Durability: whatever was acknowledged is there, exactly once, after the server was killed at any moment.
//!
//! Every filing carries a key of its own, so that the ledger of the load can be held against the server afterwards: an
//! acknowledged filing must be readable with its PIN and be the answer to its key again; one whose answer never came may be
//! there or not, but not twice. The checker is itself checked, on planted ledgers and (with `FANGXIN_NEGATIVE_CONTROL=1`, or
//! the path of such a build in it, or `FANGXIN_LONG=1`) on a build that answers before its commit.

use crate::support::random::Random;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, is_long, say};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// Threads that file at once.
const WORKERS: usize = 6;

/// What the load knows of one filing.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Outcome {
    /// Answered with 201.
    Acknowledged { reference: String, pin: String },
    /// No whole answer came.
    Unknown,
}

/// What was sent, by key.
type Ledger = BTreeMap<String, Outcome>;

/// What the server has, as far as the ledger can ask.
#[derive(Debug, Clone, Default)]
struct Found {
    /// Reference that each key answers with when it is sent again.
    replayed: BTreeMap<String, String>,
    /// References that can be read with their PIN.
    readable: BTreeSet<String>,
    /// Merchant (which names the key) to the references of its cases, before the keys were sent again.
    stored: BTreeMap<String, Vec<String>>,
}

/// Every contradiction between a ledger and what was found.
fn contradictions(ledger: &Ledger, found: &Found) -> Vec<String> {
    let mut wrong = Vec::new();
    let mut keys_of: BTreeMap<&str, Vec<&str>> = BTreeMap::new();
    for (key, outcome) in ledger {
        let stored = found.stored.get(key).map_or(&[][..], Vec::as_slice);
        if stored.len() > 1 {
            wrong.push(format!("{key}: stored {} times: {stored:?}", stored.len()));
        }
        let replayed = found.replayed.get(key);
        if let Some(reference) = replayed {
            keys_of.entry(reference).or_default().push(key);
        }
        match outcome {
            Outcome::Acknowledged { reference, .. } => {
                if !found.readable.contains(reference) {
                    wrong.push(format!("{key}: {reference} was acknowledged and is lost"));
                }
                if stored.first() != Some(reference) {
                    wrong.push(format!("{key}: acknowledged as {reference}, stored as {stored:?}"));
                }
                if replayed != Some(reference) {
                    wrong.push(format!("{key}: acknowledged as {reference}, answers {replayed:?} now"));
                }
            }
            Outcome::Unknown => {
                if let (Some(there), Some(replayed)) = (stored.first(), replayed)
                    && there != replayed
                {
                    wrong.push(format!("{key}: stored as {there}, answers {replayed} now"));
                }
                if replayed.is_none() {
                    wrong.push(format!("{key}: can't be filed again"));
                }
            }
        }
    }
    for (reference, keys) in keys_of.iter().filter(|(_, keys)| keys.len() > 1) {
        wrong.push(format!("{reference} answers several keys: {keys:?}"));
    }
    for key in found.stored.keys().filter(|key| !ledger.contains_key(*key)) {
        wrong.push(format!("{key}: stored and never sent"));
    }
    wrong
}

/// The filing of a key; the merchant's name is the key, so that it can be found without it.
fn filing(key: &str) -> FilingBuilder {
    FilingBuilder::complete().merchant(key)
}

fn send(app: &TestApp, key: &str) -> Option<Outcome> {
    let call = app.post("/api/v1/cases", &Session::anonymous()).header("Idempotency-Key", key);
    let reply = call.json(filing(key).json()).try_send()?;
    // A server that is going down may say so; that is an answer without an acknowledgement.
    if reply.status >= 500 {
        return None;
    }
    let answer = reply.expect(201);
    let text = |name: &str| answer[name].as_str().expect("a text").to_owned();
    Some(Outcome::Acknowledged { reference: text("reference"), pin: text("access_pin") })
}

/// Files from many threads until the server is killed under them.
fn load_and_kill(app: &TestApp, round: usize, after: Duration, ledger: &mut Ledger) {
    let (stop, sent) = (AtomicBool::new(false), Mutex::new(Ledger::new()));
    let killed = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..WORKERS)
            .map(|worker| {
                let (stop, sent) = (&stop, &sent);
                scope.spawn(move || {
                    for number in 0.. {
                        if stop.load(Ordering::Relaxed) {
                            break;
                        }
                        let key = format!("r{round}-w{worker}-n{number}");
                        let outcome = send(app, &key);
                        let ended = outcome.is_none();
                        sent.lock().unwrap().insert(key, outcome.unwrap_or(Outcome::Unknown));
                        if ended {
                            break;
                        }
                    }
                })
            })
            .collect();
        std::thread::sleep(after);
        let killed = app.kill();
        stop.store(true, Ordering::Relaxed);
        workers.into_iter().for_each(|worker| worker.join().unwrap());
        killed
    });
    assert!(killed, "the server had ended by itself:\n{}", app.log_tail());
    ledger.extend(sent.into_inner().unwrap());
}

/// Reads everything back from the server.
fn look(app: &TestApp, ledger: &Ledger, overseer: &Session) -> Found {
    let mut found = Found::default();
    for line in app.pages("/api/v1/queue?limit=100", overseer) {
        let reference = line["reference"].as_str().expect("a reference").to_owned();
        let merchant = line["respondent"].as_str().unwrap_or_else(|| panic!("no respondent in {line}"));
        found.stored.entry(merchant.to_owned()).or_default().push(reference);
    }
    for (key, outcome) in ledger {
        if let Outcome::Acknowledged { reference, pin } = outcome
            && is_readable(app, reference, pin)
        {
            found.readable.insert(reference.clone());
        }
        if let Some(Outcome::Acknowledged { reference, .. }) = send(app, key) {
            found.replayed.insert(key.clone(), reference);
        }
    }
    found
}

/// Whether the PIN opens the case.
fn is_readable(app: &TestApp, reference: &str, pin: &str) -> bool {
    let body = json!({ "reference": reference, "access_pin": pin });
    let reply = app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send();
    if reply.status != 200 {
        return false;
    }
    let token = reply.json()["access_token"].as_str().map(str::to_owned);
    let consumer = Session { name: reference.to_owned(), token };
    app.get(&format!("/api/v1/cases/{reference}"), &consumer).send().status == 200
}

/// Rounds of load and kill on one server, with the contradictions found.
fn rounds(start: Start, rounds: usize, seed: u64) -> (Vec<String>, usize) {
    let mut app = start.start();
    let mut random = Random::new(seed);
    let (mut wrong, mut all) = (Vec::new(), Ledger::new());
    app.supervisor("320000");
    for round in 0..rounds {
        let after = Duration::from_millis(30 + u64::try_from(random.below(600)).unwrap());
        let mut ledger = Ledger::new();
        load_and_kill(&app, round, after, &mut ledger);
        app.serve();
        // The sessions of staff end by themselves, so that a new one is opened in each round.
        let mut found = look(&app, &ledger, &app.supervisor("320000"));
        found.stored.retain(|key, _| key.starts_with(&format!("r{round}-")));
        wrong.extend(contradictions(&ledger, &found));
        all.extend(ledger);
    }
    // What one crash spared, a later one must not take.
    wrong.extend(contradictions(&all, &look(&app, &all, &app.supervisor("320000"))));
    let acknowledged = all.values().filter(|outcome| **outcome != Outcome::Unknown).count();
    say(&format!("crash: {}: {rounds} kills, {} filings sent, {acknowledged} acknowledged", app.engine, all.len()));
    (wrong, acknowledged)
}

#[test]
fn nothing_that_was_acknowledged_is_lost_or_doubled() {
    let count = if is_long() { 50 } else { 10 };
    for engine in engines() {
        let (wrong, acknowledged) = rounds(Start::on(engine), count, 7);
        assert!(wrong.is_empty(), "{engine}: {} contradictions:\n{}", wrong.len(), wrong.join("\n"));
        assert!(acknowledged >= count, "{engine}: only {acknowledged} acknowledged: the load was none");
    }
}

#[test]
fn the_checker_finds_what_is_lost_doubled_or_changed() {
    let acknowledged =
        |reference: &str| Outcome::Acknowledged { reference: reference.to_owned(), pin: "1234".to_owned() };
    let ledger = Ledger::from([
        ("a".to_owned(), acknowledged("A")),
        ("b".to_owned(), acknowledged("B")),
        ("c".to_owned(), Outcome::Unknown),
        ("d".to_owned(), Outcome::Unknown),
    ]);
    let texts = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
        pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect()
    };
    let whole = Found {
        replayed: texts(&[("a", "A"), ("b", "B"), ("c", "C"), ("d", "D")]),
        readable: ["A", "B"].map(str::to_owned).into(),
        stored: texts(&[("a", "A"), ("b", "B"), ("c", "C")])
            .into_iter()
            .map(|(key, value)| (key, vec![value]))
            .collect(),
    };
    assert_eq!(contradictions(&ledger, &whole), Vec::<String>::new());
    let mut lost = whole.clone();
    lost.readable.remove("A");
    let mut gone = whole.clone();
    gone.stored.remove("b");
    let mut doubled = whole.clone();
    doubled.stored.get_mut("a").unwrap().push("A2".to_owned());
    let mut unknown_doubled = whole.clone();
    unknown_doubled.stored.get_mut("c").unwrap().push("C2".to_owned());
    let mut changed = whole.clone();
    changed.replayed.insert("b".to_owned(), "B2".to_owned());
    let mut refiled = whole.clone();
    refiled.replayed.insert("c".to_owned(), "C2".to_owned());
    let mut shared = whole.clone();
    shared.replayed.insert("d".to_owned(), "C".to_owned());
    let mut stuck = whole.clone();
    stuck.replayed.remove("d");
    let mut invented = whole.clone();
    invented.stored.insert("z".to_owned(), vec!["Z".to_owned()]);
    for (what, found) in [
        ("lost", lost),
        ("gone from the queue", gone),
        ("doubled", doubled),
        ("unknown and doubled", unknown_doubled),
        ("changed", changed),
        ("filed anew though it was there", refiled),
        ("one case for two keys", shared),
        ("a key that is stuck", stuck),
        ("invented", invented),
    ] {
        assert_ne!(contradictions(&ledger, &found), Vec::<String>::new(), "{what}");
    }
}

/// A build that answers before its commit must be found out by the same rounds.
#[test]
fn a_server_that_answers_before_its_commit_is_found_out() {
    let asked = std::env::var("FANGXIN_NEGATIVE_CONTROL").ok().filter(|value| !value.is_empty());
    let program = match asked.as_deref() {
        None if !is_long() => {
            say("negative control of the crash test not run (a build of its own): set FANGXIN_NEGATIVE_CONTROL=1");
            return;
        }
        None | Some("1") => build_negative_control(),
        Some(built) => PathBuf::from(built),
    };
    let mut caught = 0;
    for seed in 0..8 {
        let (wrong, _) = rounds(Start::on(Engine::Sqlite).program(&program), 10, seed);
        caught = wrong.len();
        if caught > 0 {
            say(&format!("negative control: found out, {}", wrong[0]));
            break;
        }
    }
    assert!(caught > 0, "the checker can't tell a server that loses what it acknowledged");
}

/// Builds the program with `negative-control`, in a folder of its own.
fn build_negative_control() -> PathBuf {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let target = root.join("target/negative-control");
    let status = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()))
        .current_dir(root)
        .args(["build", "--locked", "--quiet", "--features", "negative-control", "--bin", "fangxin", "--target-dir"])
        .arg(&target)
        .status()
        .expect("cargo runs");
    assert!(status.success(), "the negative control doesn't build");
    target.join("debug/fangxin")
}

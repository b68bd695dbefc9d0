//! What is owed goes out: against a real SMTP server (aiosmtpd, from PyPI) that misbehaves as it is told.

use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, say, until};
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::fs;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::time::Duration;
use tempfile::TempDir;

/// The server of a package, as a child process.
struct Smtp {
    child: Child,
    home: TempDir,
    port: u16,
}

impl Smtp {
    /// Starts it; says so when it isn't installed.
    fn start() -> Option<Self> {
        let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
        let python = root.join("target/test-venv/bin/python");
        if !python.exists() {
            say("mail against an SMTP server not run: run scripts/setup-tests.sh");
            return None;
        }
        let home = tempfile::tempdir().expect("a folder");
        let path = |name: &str| home.path().join(name);
        fs::write(path("mode"), "fine").unwrap();
        fs::write(path("log"), "").unwrap();
        let child = Command::new(python)
            .arg(root.join("tests/data/smtp_server.py"))
            .args([path("port"), path("mode"), path("log")])
            .stdin(Stdio::piped())
            .spawn()
            .expect("the server starts");
        let port = until("the SMTP server listens", || {
            fs::read_to_string(path("port")).ok().and_then(|text| text.parse().ok())
        });
        Some(Self { child, home, port })
    }

    fn mode(&self, mode: &str) {
        let (new, path) = (self.home.path().join("new"), self.home.path().join("mode"));
        fs::write(&new, mode).unwrap();
        fs::rename(new, path).unwrap();
    }

    /// Every mail that was taken.
    fn taken(&self) -> Vec<Value> {
        let log = fs::read_to_string(self.home.path().join("log")).unwrap();
        log.lines().filter_map(|line| serde_json::from_str(line).ok()).collect()
    }

    /// How often a mail to each address was taken, and how often after the sender was cut off.
    fn counts(&self) -> BTreeMap<String, (usize, usize)> {
        let mut counts: BTreeMap<String, (usize, usize)> = BTreeMap::new();
        for mail in self.taken() {
            let entry = counts.entry(mail["to"][0].as_str().unwrap().to_owned()).or_default();
            entry.0 += 1;
            entry.1 += usize::from(mail["dropped"] == true);
        }
        counts
    }
}

impl Drop for Smtp {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn start(engine: Engine, smtp: &Smtp) -> TestApp {
    Start::on(engine)
        .set("SMTP__URL", &format!("smtp://127.0.0.1:{}", smtp.port))
        .set("SMTP__TIMEOUT_SECONDS", "10")
        .set("SMS__QUIET", "")
        .set("NOTIFY__POLL_MS", "50")
        .set("NOTIFY__FIRST_RETRY_SECONDS", "1")
        .set("NOTIFY__LONGEST_RETRY_SECONDS", "1")
        .start()
}

fn filing(address: &str) -> FilingBuilder {
    FilingBuilder::complete().with("/complainant/email", address).without("/complainant/phone")
}

#[test]
fn every_mail_arrives_whatever_the_server_does() {
    let Some(smtp) = Smtp::start() else { return };
    for engine in engines() {
        fs::write(smtp.home.path().join("log"), "").unwrap();
        let app = start(engine, &smtp);
        let mut addresses = Vec::new();
        for mode in ["fine", "down", "greylist", "drop", "slow"] {
            smtp.mode(mode);
            for n in 0..4 {
                let address = format!("{mode}{n}@{mode}.example.com");
                // Filing knows nothing of what the server does.
                filing(&address).file(&app);
                addresses.push(address);
            }
            std::thread::sleep(Duration::from_millis(700));
        }
        smtp.mode("fine");
        let counts = until("every mail arrives", || {
            let counts = smtp.counts();
            addresses.iter().all(|address| counts.contains_key(address)).then_some(counts)
        });
        // Once what was under way has ended, nothing more comes.
        std::thread::sleep(Duration::from_secs(3));
        let counts_later = smtp.counts();
        for address in &addresses {
            let (taken, cut_off) = counts_later[address];
            assert!(taken <= 1 + cut_off, "{engine}: {address} was sent {taken} times, {cut_off} faults: {counts:?}");
        }
        let mut ids: BTreeMap<String, String> = BTreeMap::new();
        for mail in smtp.taken() {
            assert_eq!(mail["bare"], false, "{mail}");
            let (id, to) = (mail["id"].as_str().unwrap().to_owned(), mail["to"][0].as_str().unwrap().to_owned());
            // A mail that is sent again has the id that it had.
            assert_eq!(ids.entry(id.clone()).or_insert_with(|| to.clone()), &to, "{id}");
        }
        assert_eq!(ids.len(), addresses.len(), "{engine}: one id a mail");
    }
}

#[test]
fn a_slow_domain_holds_up_no_other() {
    let Some(smtp) = Smtp::start() else { return };
    let app = start(Engine::Sqlite, &smtp);
    smtp.mode("slow");
    // As many as would fill every place.
    for n in 0..20 {
        filing(&format!("a{n}@slow.example.com")).file(&app);
    }
    std::thread::sleep(Duration::from_millis(500));
    filing("quick@quick.example.com").file(&app);
    let slow = until("the quick one arrives", || {
        let counts = smtp.counts();
        counts.contains_key("quick@quick.example.com").then(|| counts.len() - 1)
    });
    assert!(slow < 20, "it came after every slow one");
}

#[test]
fn a_refused_mail_is_shown_to_staff_who_send_it_again_or_tell_otherwise() {
    let Some(smtp) = Smtp::start() else { return };
    for engine in engines() {
        let app = start(engine, &smtp);
        smtp.mode("reject");
        let cases = [filing("nobody1@example.com").file(&app), filing("b@example.com").file(&app)];
        let officer = app.officer(&cases[0].office());
        let failed = until("both are given up", || {
            let list = app.get("/api/v1/notices?state=failed", &officer).send().expect(200);
            (list["items"].as_array()?.len() == 2).then_some(list)
        });
        let line = &failed["items"][0];
        assert_eq!(
            (&line["fault"], &line["channel"], &line["notice"]),
            (&json!("smtp_550"), &json!("email"), &json!("receipt")),
            "{line}"
        );
        assert!(line["advice"].as_str().is_some_and(|advice| !advice.is_empty()), "{line}");
        assert!(
            !line.to_string().contains("example.com")
                || line["destination"].as_str().is_some_and(|to| to.contains('*')),
            "{line}"
        );
        // Someone else's office knows of none of it.
        let foreign = app.officer("amr-320102");
        assert_eq!(app.get("/api/v1/notices?state=failed", &foreign).send().expect(200)["items"], json!([]));
        let id_of = |case: &crate::support::filings::Case| {
            let item = failed["items"].as_array().unwrap().iter().find(|item| item["case"] == case.reference.as_str());
            item.unwrap()["id"].as_str().unwrap().to_owned()
        };
        let (first, second) = (id_of(&cases[0]), id_of(&cases[1]));
        app.post(&format!("/api/v1/notices/{first}"), &foreign).json(&json!({"action": "retry"})).send().problem(404);
        app.post(&format!("/api/v1/notices/{first}"), &officer).json(&json!({"action": "burn"})).send().problem(422);
        app.post(&format!("/api/v1/notices/{first}"), &officer)
            .json(&json!({"action": "delivered_otherwise"}))
            .send()
            .expect(200);
        app.post(&format!("/api/v1/notices/{first}"), &officer).json(&json!({"action": "retry"})).send().problem(409);
        smtp.mode("fine");
        app.post(&format!("/api/v1/notices/{second}"), &officer).json(&json!({"action": "retry"})).send().expect(200);
        until("it arrives", || smtp.counts().contains_key("b@example.com").then_some(()));
        until("none is left", || {
            let list = app.get("/api/v1/notices?state=failed", &officer).send().expect(200);
            list["items"].as_array()?.is_empty().then_some(())
        });
        app.get("/api/v1/notices?state=failed", &Session::anonymous()).send().problem(401);
        fs::write(smtp.home.path().join("log"), "").unwrap();
    }
}

/// A process that is killed while it sends leaves nothing unsent.
#[test]
fn what_a_killed_process_had_claimed_is_sent_by_the_next() {
    let Some(smtp) = Smtp::start() else { return };
    let mut app = start(Engine::Sqlite, &smtp);
    smtp.mode("down");
    for n in 0..5 {
        filing(&format!("k{n}@example.com")).file(&app);
    }
    std::thread::sleep(Duration::from_millis(300));
    app.kill();
    smtp.mode("fine");
    app.serve();
    until("every mail arrives", || (smtp.counts().len() == 5).then_some(()));
}

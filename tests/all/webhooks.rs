//! Other systems are told what happens to cases: signed as Standard Webhooks has it, verified here by a library that isn't ours,
//! and sent nowhere but where they may go.

use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, until};
use reqwest::header::{HeaderMap, HeaderName, HeaderValue};
use serde_json::{Value, json};
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// An event as it came.
#[derive(Debug, Clone)]
struct Event {
    headers: HeaderMap,
    body: Vec<u8>,
}

impl Event {
    fn json(&self) -> Value {
        serde_json::from_slice(&self.body).expect("JSON")
    }

    fn kind(&self) -> String {
        self.json()["type"].as_str().expect("a type").to_owned()
    }

    fn id(&self) -> &str {
        self.headers["webhook-id"].to_str().unwrap()
    }

    fn is_signed_with(&self, secret: &str) -> bool {
        standardwebhooks::Webhook::new(secret).unwrap().verify(&self.body, &self.headers).is_ok()
    }
}

/// A receiver that answers as it is told.
struct Receiver {
    port: u16,
    answer: Arc<Mutex<String>>,
    came: Arc<Mutex<Vec<Event>>>,
}

impl Receiver {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let port = listener.local_addr().unwrap().port();
        let receiver = Self { port, answer: Arc::new(Mutex::new("204".to_owned())), came: Arc::default() };
        let (answer, came) = (Arc::clone(&receiver.answer), Arc::clone(&receiver.came));
        std::thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, came) = (Arc::clone(&answer), Arc::clone(&came));
                std::thread::spawn(move || talk(stream, &answer, &came));
            }
        });
        receiver
    }

    fn url(&self) -> String {
        format!("http://127.0.0.1:{}/hook", self.port)
    }

    fn answer(&self, how: &str) {
        how.clone_into(&mut self.answer.lock().unwrap());
    }

    fn came(&self) -> Vec<Event> {
        self.came.lock().unwrap().clone()
    }

    #[track_caller]
    fn wait(&self, what: &str, is: impl Fn(&Event) -> bool) -> Event {
        until(what, || self.came().into_iter().rev().find(&is))
    }
}

/// Reads one request and answers it: a status, `301 ADDRESS`, `slow`, or `huge`.
fn talk(stream: TcpStream, answer: &Mutex<String>, came: &Mutex<Vec<Event>>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let (mut headers, mut line) = (HeaderMap::new(), String::new());
    reader.read_line(&mut line).ok()?;
    loop {
        line.clear();
        reader.read_line(&mut line).ok()?;
        let Some((name, value)) = line.trim_end().split_once(": ") else { break };
        headers.insert(name.parse::<HeaderName>().ok()?, HeaderValue::from_str(value).ok()?);
    }
    let length: usize = headers.get("content-length")?.to_str().ok()?.parse().ok()?;
    let mut body = vec![0; length];
    reader.read_exact(&mut body).ok()?;
    came.lock().unwrap().push(Event { headers, body });
    let how = answer.lock().unwrap().clone();
    let mut stream = stream;
    match how.split_once(' ') {
        Some((status, address)) => {
            write!(stream, "HTTP/1.1 {status} Moved\r\nlocation: {address}\r\ncontent-length: 0\r\n\r\n").ok()?;
        }
        None if how == "slow" => std::thread::sleep(Duration::from_secs(20)),
        None if how == "huge" => {
            stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 1000000000\r\n\r\n").ok()?;
            // As much as is taken: it ends when the other side doesn't read on.
            while stream.write_all(&[b'x'; 65_536]).is_ok() {}
        }
        None => write!(stream, "HTTP/1.1 {how} Told\r\ncontent-length: 0\r\nconnection: close\r\n\r\n").ok()?,
    }
    Some(())
}

fn quick(engine: Engine) -> Start {
    Start::on(engine)
        .set("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.1/32")
        .set("WEBHOOKS__TIMEOUT_SECONDS", "1")
        .set("WEBHOOKS__FIRST_RETRY_SECONDS", "1")
        .set("WEBHOOKS__LONGEST_RETRY_SECONDS", "1")
        .set("NOTIFY__POLL_MS", "50")
}

fn admin(app: &TestApp) -> Session {
    app.staff("admin", None, None)
}

#[track_caller]
fn subscribe(app: &TestApp, by: &Session, body: &Value) -> Value {
    app.post("/api/v1/webhooks", by).json(body).send().expect(201)
}

fn act(app: &TestApp, by: &Session, hook: &Value, action: &str) -> Value {
    let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
    app.post(&path, by).json(&json!({ "action": action })).send().expect(200)
}

/// The webhook as it stands in the list.
fn listed(app: &TestApp, by: &Session, hook: &Value) -> Value {
    let list = app.get("/api/v1/webhooks", by).send().expect(200);
    list["items"].as_array().unwrap().iter().find(|one| one["id"] == hook["id"]).expect("it is listed").clone()
}

#[test]
fn sec_ss_02_each_step_is_told_to_who_wants_it_signed_and_without_anyones_data() {
    for engine in engines() {
        let app = quick(engine).start();
        let (all, some) = (Receiver::start(), Receiver::start());
        let by = admin(&app);
        let hook = subscribe(&app, &by, &json!({ "url": all.url() }));
        let secret = hook["secret"].as_str().expect("a secret, this once").to_owned();
        let wanted = json!({ "url": some.url(), "types": ["case.accept"], "kinds": ["complaint", "report"], "division": "320500" });
        subscribe(&app, &by, &wanted);
        assert_eq!(listed(&app, &by, &hook)["secret"], Value::Null, "never shown again");

        let case = FilingBuilder::complete().with("/complainant/email", "zhangsan@example.com").file(&app);
        FilingBuilder::report().file(&app);
        let officer = app.officer(&case.office());
        let reason = "经审查予以受理，张三的材料齐全";
        app.step(&case, &officer, "note", &json!({ "text": reason }), "dispatched");
        app.step(&case, &officer, "accept", &json!({ "note": reason }), "accepted");
        let accepted = all.wait("the acceptance", |event| event.kind() == "case.accept");
        let filed = all.wait("the filing", |event| event.kind() == "case.file");
        let told = accepted.json();
        assert_eq!(
            (&told["data"]["reference"], &told["data"]["state_before"], &told["data"]["state"]),
            (&json!(case.reference), &json!("dispatched"), &json!("accepted")),
            "{engine}: {told}"
        );
        assert_eq!(filed.json()["data"]["office"], case.office(), "{engine}");
        for event in all.came() {
            assert!(event.is_signed_with(&secret), "{engine}: {event:?}");
            assert!(!event.is_signed_with("whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"), "{engine}: the check can fail");
            let text = String::from_utf8(event.body.clone()).unwrap();
            for personal in ["张三", "13800138000", "zhangsan", "东山街道", "电动车", "材料齐全", "某某车行"]
            {
                assert!(!text.contains(personal), "{engine}: {personal} in {text}");
            }
            assert_ne!(event.kind(), "case.note", "what a unit does within itself isn't told");
            assert_eq!(event.json()["data"]["kind"], "complaint", "reports are told only where they are asked for");
        }
        assert!(some.came().is_empty(), "{engine}: another place");

        // Both secrets sign while one takes the other's place.
        let rotated = act(&app, &by, &hook, "rotate");
        let new = rotated["secret"].as_str().expect("the new one").to_owned();
        assert!(new != secret && rotated["old_secret_until"].is_string(), "{rotated}");
        act(&app, &by, &hook, "ping");
        let ping = all.wait("the ping", |event| event.kind() == "ping");
        assert!(ping.is_signed_with(&secret) && ping.is_signed_with(&new), "{engine}: {ping:?}");
        let log = app.get("/api/v1/audit?kind=webhook_change&limit=10", &app.auditor("320000")).send();
        assert_eq!(log.status, 200, "{log}");
    }
}

/// SEC-SS-01, the door: administrators only, and no address of an internal network. How addresses are judged is tested where
/// they are (`notify::reach`), rebinding too.
#[test]
fn sec_ss_01_only_administrators_subscribe_and_only_what_may_be_reached() {
    for engine in engines() {
        let app = quick(engine).start();
        let body = json!({ "url": "https://127.0.0.1/" });
        app.post("/api/v1/webhooks", &Session::anonymous()).json(&body).send().problem(401);
        let case = FilingBuilder::complete().file(&app);
        for by in [app.officer(&case.office()), app.supervisor("320000"), app.auditor("320000"), app.consumer(&case)] {
            app.post("/api/v1/webhooks", &by).json(&body).send().problem(403);
            app.get("/api/v1/webhooks", &by).send().problem(403);
        }
        let by = admin(&app);
        for url in [
            "https://127.0.0.2/",
            "http://169.254.169.254/latest/",
            "https://[::1]/",
            "https://10.0.0.1/",
            "file:///etc/passwd",
            "x",
        ] {
            let reply = app.post("/api/v1/webhooks", &by).json(&json!({ "url": url })).send();
            assert_eq!(reply.pointers(), ["/url"], "{reply}");
        }
        let odd = json!({ "url": "https://127.0.0.1/", "types": ["case.note", "case.accept"], "kinds": ["both"], "division": "99" });
        let reply = app.post("/api/v1/webhooks", &by).json(&odd).send();
        assert_eq!(reply.pointers(), ["/types/0", "/kinds/0", "/division"], "{reply}");
        assert_eq!(app.get("/api/v1/webhooks", &by).send().expect(200)["items"], json!([]));
    }
}

/// FLT-10: a receiver that is down, slow, endless or points elsewhere is tried again, holds up no other, and gets the event once
/// it works, under the id that it had.
#[test]
fn flt_10_a_bad_receiver_holds_up_no_other_and_a_redirect_leads_nowhere() {
    for engine in engines() {
        let app = quick(engine).start();
        let (bad, good, trap) = (Receiver::start(), Receiver::start(), Receiver::start());
        let by = admin(&app);
        let (hook, _) =
            (subscribe(&app, &by, &json!({ "url": bad.url() })), subscribe(&app, &by, &json!({ "url": good.url() })));
        // An endless answer says 200 in its first line: that is enough, and what follows isn't read.
        let elsewhere = [format!("301 {}", trap.url()), format!("307 {}", trap.url())];
        let mut references = Vec::new();
        for (n, how) in ["huge", "500", &elsewhere[0], &elsewhere[1], "slow"].iter().enumerate() {
            bad.answer(how);
            let case = FilingBuilder::complete().phone(&format!("1380013800{n}")).file(&app);
            let of = |event: &Event| event.json()["data"]["reference"] == case.reference.as_str();
            bad.wait("the bad one is tried", of);
            good.wait("the good one is told", of);
            references.push(case.reference);
        }
        let failing = until("it is seen to fail", || {
            let seen = listed(&app, &by, &hook);
            seen["fault"].is_string().then_some(seen)
        });
        assert!(failing["enabled"] == true && failing["failing_since"].is_string(), "{engine}: {failing}");
        bad.answer("200");
        let of_second = |event: &Event| event.json()["data"]["reference"] == references[1].as_str();
        let tries = || bad.came().into_iter().filter(of_second).collect::<Vec<_>>();
        let before = tries().len();
        until("it works again", || (listed(&app, &by, &hook)["failing_since"] == Value::Null).then_some(()));
        let all = until("what failed is sent again", || Some(tries()).filter(|tries| tries.len() > before));
        assert!(
            all.iter().all(|event| event.id() == all[0].id() && event.body == all[0].body),
            "{engine}: word for word"
        );
        assert!(trap.came().is_empty(), "{engine}: a redirect was followed");
    }
}

#[test]
fn a_receiver_that_fails_for_days_is_disabled_and_can_be_enabled_again() {
    for engine in engines() {
        let mut app = quick(engine).at("2026-06-01T02:00:00Z").start();
        let receiver = Receiver::start();
        receiver.answer("503");
        let by = admin(&app);
        let hook = subscribe(&app, &by, &json!({ "url": receiver.url() }));
        act(&app, &by, &hook, "ping");
        until("it is seen to fail", || listed(&app, &by, &hook)["failing_since"].is_string().then_some(()));
        // Not before 120 hours have passed.
        app.restart_at("2026-06-06T01:00:00Z");
        let by = admin(&app);
        let before = receiver.came().len();
        act(&app, &by, &hook, "ping");
        until("it is tried", || (receiver.came().len() > before).then_some(()));
        std::thread::sleep(Duration::from_millis(300));
        assert_eq!(listed(&app, &by, &hook)["enabled"], true, "{engine}");
        app.restart_at("2026-06-06T03:00:00Z");
        let by = admin(&app);
        act(&app, &by, &hook, "ping");
        let disabled =
            until("it is disabled", || Some(listed(&app, &by, &hook)).filter(|hook| hook["enabled"] == false));
        assert_eq!(disabled["disabled_by"], "system", "{engine}: {disabled}");

        // What is owed to it waits for an administrator, who sends it again once the receiver works.
        let failed = until("what it was owed is shown", || {
            let list = app.get("/api/v1/notices?state=failed", &by).send().expect(200);
            let found =
                list["items"].as_array().unwrap().iter().find(|one| one["fault"] == "webhook_disabled").cloned();
            found.filter(|one| one["channel"] == "webhook" && one["advice"].is_string())
        });
        receiver.answer("204");
        act(&app, &by, &hook, "enable");
        let before = receiver.came().len();
        let id = failed["id"].as_str().unwrap();
        app.post(&format!("/api/v1/notices/{id}"), &by).json(&json!({ "action": "retry" })).send().expect(200);
        until("it arrives", || receiver.came()[before..].iter().any(|event| event.id() == id).then_some(()));
        // One that says it is gone wants nothing more, at once.
        receiver.answer("410");
        act(&app, &by, &hook, "ping");
        until("it is disabled", || (listed(&app, &by, &hook)["enabled"] == false).then_some(()));
        let path = format!("/api/v1/webhooks/{}", hook["id"].as_str().unwrap());
        app.client.delete(&path, &by).send().expect(204);
        app.client.delete(&path, &by).send().problem(404);
    }
}

/// SEC-SS-01: whoever found an administrator's open session sends nothing anywhere: where events go is changed by those who
/// proved lately who they are.
#[test]
fn sec_ss_01_where_events_go_is_changed_only_by_who_proved_lately_who_they_are() {
    for engine in engines() {
        let start = Start::on(engine).at("2026-11-24T00:00:00Z").set("AUTH__STEP_UP_MINUTES", "5");
        let mut app = start.set("WEBHOOKS__ALLOWED_NETWORKS", "127.0.0.1").start();
        let admin = app.staff("admin", None, None);
        let made = |app: &TestApp| {
            let body = json!({ "url": "http://127.0.0.1:9/hook" });
            app.post("/api/v1/webhooks", &admin).json(&body).send()
        };
        let id = made(&app).expect(201)["id"].as_str().expect("an id").to_owned();
        let path = format!("/api/v1/webhooks/{id}");
        let act = |app: &TestApp, action: &str| app.post(&path, &admin).json(&json!({ "action": action })).send();
        act(&app, "disable").expect(200);
        app.restart_at("2026-11-24T00:06:00Z");
        let refused = |reply: &crate::support::client::Reply| {
            assert_eq!(reply.problem(403)["code"], "step_up_required", "{engine}: {reply}");
        };
        refused(&made(&app));
        ["enable", "disable", "rotate", "ping"].iter().for_each(|action| refused(&act(&app, action)));
        refused(&app.client.delete(&path, &admin).send());
        let list = app.get("/api/v1/webhooks", &admin).send().expect(200);
        assert_eq!((list["items"].as_array().unwrap().len(), &list["items"][0]["enabled"]), (1, &json!(false)));
        let proof = json!({ "password": crate::support::people::PASSWORD });
        assert_eq!(app.post("/api/v1/auth/step-up", &admin).json(&proof).send().status, 204, "{engine}");
        act(&app, "rotate").expect(200);
        assert_eq!(app.client.delete(&path, &admin).send().status, 204, "{engine}");
    }
}

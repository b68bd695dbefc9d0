//! Guessing (security.md 2.2 and 2.5): passwords, PINs, one-time codes and numbers; what is told, and how often it may be tried.

use crate::support::client::Reply;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, Instant};

const PASSWORD: &str = "correct-horse-7-battery";
const PATIENCE: Duration = Duration::from_secs(120);

fn try_in(app: &TestApp, body: &Value) -> Reply {
    app.post("/api/v1/auth/token", &Session::anonymous()).json(body).send()
}

fn staff(app: &TestApp, password: &str) -> Reply {
    try_in(app, &json!({ "username": "officer-amr-320115", "password": password }))
}

fn ask(app: &TestApp, body: &Value) -> Reply {
    app.post("/api/v1/auth/otp", &Session::anonymous()).json(body).send()
}

/// Text messages that were sent so far: number and text, by file.
fn messages(app: &TestApp) -> BTreeMap<PathBuf, (String, String)> {
    let folder = std::fs::read_dir(app.data().join("outbox")).into_iter().flatten();
    let files = folder.map(|entry| entry.unwrap().path()).filter(|path| path.to_string_lossy().ends_with(".sms.txt"));
    let read = files.filter_map(|path| {
        let sent = std::fs::read_to_string(&path).ok()?;
        let (to, text) = sent.strip_prefix("To: ")?.split_once("\n\n")?;
        Some((path, (to.to_owned(), text.to_owned())))
    });
    read.filter(|(_, (_, text))| text.contains("验证码")).collect()
}

/// Asks for a code and waits until it has arrived.
#[track_caller]
pub(crate) fn code(app: &TestApp, phone: &str) -> String {
    let before = messages(app);
    assert_eq!(ask(app, &json!({ "phone": phone })).expect(202), json!({ "expires_in": 600 }));
    let since = Instant::now();
    loop {
        let now = messages(app);
        if let Some((_, (_, text))) = now.iter().find(|(path, _)| !before.contains_key(*path)) {
            let digits: String =
                text.chars().skip_while(|c| !c.is_ascii_digit()).take_while(char::is_ascii_digit).collect();
            assert_eq!(digits.len(), 6, "{text}");
            return digits;
        }
        assert!(since.elapsed() < PATIENCE, "no code arrived");
        std::thread::sleep(Duration::from_millis(50));
    }
}

/// Another code of the same length.
fn other(code: &str) -> String {
    format!("{:06}", (code.parse::<u32>().unwrap() + 1) % 1_000_000)
}

fn reference(line: &Value) -> &str {
    line["reference"].as_str().unwrap()
}

/// SEC-AU-01: wrong passwords are answered with 429 and a wait that grows, also after a restart; the right one works again
/// after it; the owner, known by its address, is kept out by nobody.
#[test]
fn sec_au_01_waits_grow_survive_a_restart_and_end() {
    for engine in engines() {
        let mut app = Start::on(engine)
            .at("2026-11-24T00:00:00Z")
            .set("LIMITS__ENABLED", "true")
            .set("LIMITS__SIGN_IN_ATTEMPTS", "3")
            .set("LIMITS__TRUSTED_PROXIES", "127.0.0.1")
            .start();
        let from = |app: &TestApp, address: &str, password: &str| {
            let body = json!({ "username": "officer-amr-320115", "password": password });
            let call = app.post("/api/v1/auth/token", &Session::anonymous()).header("x-forwarded-for", address);
            call.json(&body).send()
        };
        // Made, and signed in to from this machine.
        app.officer("amr-320115");
        let wrong = |app: &TestApp| {
            let tries: Vec<Reply> =
                (0..5).map(|number| from(app, &format!("192.0.2.{number}"), "wrong-one-here")).collect();
            let statuses: Vec<u16> = tries.iter().map(|reply| reply.status).collect();
            let wait = tries.last().unwrap().header("retry-after").parse::<i64>().unwrap();
            (statuses, wait)
        };
        let (statuses, wait) = wrong(&app);
        assert_eq!(statuses, [401, 401, 401, 429, 429], "{engine}");
        assert!((1..=30).contains(&wait), "{engine}: {wait}");
        // The right one neither, from elsewhere; but the owner's own address is known.
        assert_eq!(from(&app, "192.0.2.9", PASSWORD).status, 429, "{engine}");
        assert_eq!(
            staff(&app, PASSWORD).status,
            200,
            "{engine}: whoever guesses elsewhere locks the owner out nowhere"
        );
        assert_eq!(from(&app, "192.0.2.9", PASSWORD).status, 429, "{engine}");

        app.restart_at("2026-11-24T00:00:20Z");
        assert_eq!(from(&app, "192.0.2.9", PASSWORD).status, 429, "{engine}: a restart forgets nothing");
        app.restart_at("2026-11-24T00:01:10Z");
        let (statuses, wait) = wrong(&app);
        assert_eq!(statuses, [401, 429, 429, 429, 429], "{engine}");
        assert!((31..=60).contains(&wait), "{engine}: the wait doubles: {wait}");
        app.restart_at("2026-11-24T00:03:00Z");
        assert_eq!(from(&app, "192.0.2.9", PASSWORD).status, 200, "{engine}: never for good");
        let (statuses, _) = wrong(&app);
        assert_eq!(statuses, [401, 401, 401, 429, 429], "{engine}: what was right forgets what was wrong");

        let log = app.pages("/api/v1/audit?kind=locked", &app.auditor("320000"));
        let told: Vec<_> = log.iter().map(|entry| entry["data"]["account"].clone()).collect();
        assert_eq!(told, vec![json!("officer-amr-320115"); 3], "{engine}: {log:?}");
        assert!(!Value::from(log).to_string().contains("192.0.2"), "{engine}: no address in the log");
    }
}

/// SEC-AU-01, SEC-AU-05: one address has a count of its own, over all accounts; what it may not try uses up no account's
/// tries; a header that anyone can write changes nothing.
#[test]
fn sec_au_01_sec_au_05_an_address_waits_whatever_it_tries() {
    for engine in engines() {
        let app = Start::on(engine)
            .set("LIMITS__ENABLED", "true")
            .set("LIMITS__ADDRESS_ATTEMPTS", "4")
            .set("LIMITS__SIGN_IN_ATTEMPTS", "3")
            .start();
        let spray = |number: usize| {
            let body = json!({ "username": format!("nobody-{number}"), "password": "wrong-one-here" });
            let call = app.post("/api/v1/auth/token", &Session::anonymous());
            call.header("x-forwarded-for", &format!("198.51.100.{number}")).json(&body).send()
        };
        let statuses: Vec<u16> = (0..7).map(|number| spray(number).status).collect();
        assert_eq!(statuses, [401, 401, 401, 401, 429, 429, 429], "{engine}");
        assert_eq!(ask_case(&app, "JS0000000000", "1").status, 429, "{engine}: PINs count for the same address");
    }
}

fn ask_case(app: &TestApp, reference: &str, pin: &str) -> Reply {
    try_in(app, &json!({ "reference": reference, "access_pin": pin }))
}

/// SEC-AU-01: of many guesses at the same time no more pass than one after the other.
#[test]
fn sec_au_01_parallel_guesses_pass_no_limit() {
    for engine in engines() {
        let app = Start::on(engine).set("LIMITS__ENABLED", "true").set("LIMITS__SIGN_IN_ATTEMPTS", "3").start();
        let made = app.run(
            &[
                "user",
                "add",
                "--username",
                "officer-amr-320115",
                "--role",
                "officer",
                "--unit",
                "amr-320115",
                "--password-stdin",
            ],
            Some(&format!("{PASSWORD}\n")),
        );
        assert!(made.status.success());
        let statuses: Vec<u16> = std::thread::scope(|scope| {
            let tries: Vec<_> = (0..12).map(|_| scope.spawn(|| staff(&app, "wrong-one-here").status)).collect();
            tries.into_iter().map(|one| one.join().unwrap()).collect()
        });
        let passed = statuses.iter().filter(|status| **status == 401).count();
        assert!(passed <= 3, "{engine}: {statuses:?}");
        assert!(statuses.iter().all(|status| matches!(status, 401 | 429 | 503)), "{engine}: {statuses:?}");
    }
}

/// SEC-AU-03: a code works once, for a while, for whom it was sent to, and a few wrong tries end it; it stands in no answer.
#[test]
fn sec_au_03_a_code_is_single_short_lived_and_bound() {
    for engine in engines() {
        let mut app = Start::on(engine).at("2026-11-24T00:00:00Z").start();
        let enter = |app: &TestApp, phone: &str, code: &str| try_in(app, &json!({ "phone": phone, "code": code }));
        let sent = code(&app, "13800138000");
        assert_eq!(enter(&app, "13900139000", &sent).status, 401, "{engine}: another's");
        let entered = enter(&app, "138 0013 8000", &sent);
        entered.expect(200);
        assert!(!entered.text.contains(&sent), "{engine}");
        assert_eq!(enter(&app, "13800138000", &sent).status, 401, "{engine}: once");

        // Five wrong ones end it.
        let sent = code(&app, "13800138000");
        for _ in 0..5 {
            assert_eq!(enter(&app, "13800138000", &other(&sent)).status, 401, "{engine}");
        }
        assert_eq!(enter(&app, "13800138000", &sent).status, 401, "{engine}: five tries");
        // Four don't.
        let sent = code(&app, "13800138000");
        for _ in 0..4 {
            assert_eq!(enter(&app, "13800138000", &other(&sent)).status, 401, "{engine}");
        }
        assert_eq!(enter(&app, "13800138000", &sent).status, 200, "{engine}");

        // The newest alone works, and none after ten minutes.
        let first = code(&app, "13800138000");
        let second = code(&app, "13800138000");
        if first != second {
            assert_eq!(enter(&app, "13800138000", &first).status, 401, "{engine}");
        }
        app.restart_at("2026-11-24T00:30:00Z");
        assert_eq!(enter(&app, "13800138000", &second).status, 401, "{engine}: ten minutes");

        // What is kept is no code, nor a hash that anyone could compute.
        let third = code(&app, "13800138000");
        app.stop();
        assert_eq!(app.contents().lines("SELECT kind AS line FROM codes"), ["phone"], "{engine}");
        let bytes = std::fs::read(app.data().join("fangxin.db")).unwrap_or_default();
        assert!(!bytes.windows(6).any(|window| window == third.as_bytes()) || engine == Engine::Postgres, "{engine}");
    }
}

/// SEC-AU-03: what a code opens: every case of the number or address, and nothing of anyone else.
#[test]
fn sec_au_03_a_code_opens_all_own_cases_and_no_other() {
    for engine in engines() {
        let app = Start::on(engine).start();
        let first = FilingBuilder::complete().with("/complainant/email", "Zhang@Example.com").file(&app);
        let second = FilingBuilder::complete().merchant("另一家店").phone("+86 138-0013-8000").file(&app);
        let foreign = FilingBuilder::complete().named("李四").phone("13900139000").file(&app);
        // A merchant's own number opens nothing.
        FilingBuilder::complete()
            .named("王五")
            .phone("13700137000")
            .with("/respondent/phone", "13800138000")
            .file(&app);

        let sent = code(&app, "13800138000");
        let answer = try_in(&app, &json!({ "phone": "13800138000", "code": sent })).expect(200);
        let person = Session { name: "by phone".to_owned(), token: answer["access_token"].as_str().map(str::to_owned) };
        let own = app.pages("/api/v1/me/cases?limit=1", &person);
        let numbers: Vec<&str> = own.iter().map(reference).collect();
        assert_eq!(numbers, [second.reference.as_str(), first.reference.as_str()], "{engine}");
        app.get(&first.path(), &person).send().expect(200);
        app.get(&format!("{}/events", second.path()), &person).send().expect(200);
        for path in ["", "/events", "/documents", "/attachments"] {
            app.get(&format!("{}{path}", foreign.path()), &person).send().problem(404);
        }
        let me = app.get("/api/v1/me", &person).send().expect(200);
        assert_eq!(me["role"], "consumer", "{engine}: {me}");
        app.get("/api/v1/queue", &person).send().problem(403);
        app.get("/api/v1/me/cases", &app.officer("amr-320115")).send().problem(403);
        app.get("/api/v1/me/cases", &Session::anonymous()).send().problem(401);

        // A step by the person, as with the PIN.
        let withdrawn = app.act(&first, &person, "withdraw", &json!({ "reason": "已经和商家谈妥" }));
        withdrawn.expect(200);
        let pin = app.pages("/api/v1/me/cases", &app.consumer(&second));
        assert_eq!(pin.iter().map(reference).collect::<Vec<_>>(), [second.reference.as_str()], "{engine}");
    }
}

/// The text of a mail, whose body is base64.
fn body_of(mail: &str) -> String {
    let (_, body) = mail.split_once("\r\n\r\n").expect("head and body");
    let bytes = STANDARD.decode(body.split_whitespace().collect::<String>()).expect("base64");
    String::from_utf8(bytes).expect("UTF-8")
}

/// A code goes to an address of mail as well, and the address is compared without regard to its spelling.
#[test]
fn a_code_goes_by_mail_too() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().with("/complainant/email", "zhang@example.com").file(&app);
    assert_eq!(ask(&app, &json!({ "email": "zhang@EXAMPLE.com", "lang": "en" })).status, 202);
    let since = Instant::now();
    let digits = loop {
        let folder = std::fs::read_dir(app.data().join("outbox")).into_iter().flatten();
        let mails =
            folder.map(|entry| entry.unwrap().path()).filter(|path| path.extension().is_some_and(|end| end == "eml"));
        let texts: Vec<String> = mails.map(|path| body_of(&std::fs::read_to_string(path).unwrap())).collect();
        if let Some(text) = texts.iter().find_map(|text| text.split_once("Your code is ")) {
            break text.1.chars().take(6).collect::<String>();
        }
        assert!(since.elapsed() < PATIENCE, "no mail: {texts:?}");
        std::thread::sleep(Duration::from_millis(50));
    };
    let answer = try_in(&app, &json!({ "email": "Zhang@example.com".to_lowercase(), "code": digits })).expect(200);
    let person = Session { name: "by mail".to_owned(), token: answer["access_token"].as_str().map(str::to_owned) };
    app.get(&case.path(), &person).send().expect(200);
}

/// SEC-AU-02, SEC-AU-03: whether a number stands in a case shows in no answer, in no limit, and not in what is sent.
#[test]
fn sec_au_02_no_answer_tells_whether_a_number_is_known() {
    for engine in engines() {
        let app = Start::on(engine).set("LIMITS__ENABLED", "true").set("LIMITS__CODES_PER_CONTACT", "2").start();
        FilingBuilder::complete().file(&app);
        let run = |phone: &str| -> Vec<(u16, String, String)> {
            let mut seen = Vec::new();
            for _ in 0..3 {
                let reply = ask(&app, &json!({ "phone": phone }));
                let body = reply.json();
                seen.push((reply.status, body["code"].to_string(), body["expires_in"].to_string()));
            }
            let wrong = try_in(&app, &json!({ "phone": phone, "code": "000000" }));
            seen.push((wrong.status, wrong.json()["code"].to_string(), wrong.json()["detail"].to_string()));
            seen
        };
        let (known, unknown) = (run("13800138000"), run("13900139000"));
        assert_eq!(known, unknown, "{engine}");
        assert_eq!(known.iter().map(|one| one.0).collect::<Vec<_>>(), [202, 202, 429, 401], "{engine}");
        // Both are sent what they asked for.
        let since = Instant::now();
        let to = |phone: &str| messages(&app).values().filter(|(to, _)| to == phone).count();
        while (to("+8613800138000"), to("+8613900139000")) != (2, 2) {
            assert!(since.elapsed() < PATIENCE, "{engine}: {:?}", messages(&app));
            std::thread::sleep(Duration::from_millis(50));
        }
        // And an unknown account is told nothing else than a known one, nor a case that isn't there.
        app.run(
            &["user", "add", "--username", "li", "--role", "officer", "--unit", "amr-320115", "--password-stdin"],
            Some(&format!("{PASSWORD}\n")),
        );
        let told = |body: Value| {
            let reply = try_in(&app, &body);
            (reply.status, reply.json()["code"].clone(), reply.json()["detail"].clone())
        };
        let known = told(json!({ "username": "li", "password": "wrong-one-here" }));
        assert_eq!(known, told(json!({ "username": "nobody", "password": "wrong-one-here" })), "{engine}");
    }
}

/// SEC-AB-02: one number in six spellings shares one quota, and is sent to in one form.
#[test]
fn sec_ab_02_one_number_in_six_spellings_shares_a_quota() {
    for engine in engines() {
        let app = Start::on(engine).set("LIMITS__ENABLED", "true").set("LIMITS__CODES_PER_CONTACT", "2").start();
        let spellings = [
            "13800138000",
            "+8613800138000",
            "138 0013 8000",
            "138-0013-8000",
            "１３８００１３８０００",
            "008613800138000",
        ];
        let statuses: Vec<u16> = spellings.iter().map(|phone| ask(&app, &json!({ "phone": phone })).status).collect();
        assert_eq!(statuses, [202, 202, 429, 429, 429, 429], "{engine}");
    }
}

/// SEC-AU-03: codes asked for from one address and from one network are limited, whatever number they are for.
#[test]
fn sec_au_03_codes_are_limited_by_address_and_network() {
    for engine in engines() {
        let app = Start::on(engine)
            .set("LIMITS__ENABLED", "true")
            .set("LIMITS__TRUSTED_PROXIES", "127.0.0.1")
            .set("LIMITS__CODES_PER_ADDRESS", "2")
            .set("LIMITS__CODES_PER_NETWORK", "5")
            .start();
        let ask = |address: &str, number: usize| {
            let body = json!({ "phone": format!("138001380{number:02}") });
            let call = app.post("/api/v1/auth/otp", &Session::anonymous()).header("x-forwarded-for", address);
            call.json(&body).send().status
        };
        let one: Vec<u16> = (0..3).map(|number| ask("192.0.2.1", number)).collect();
        assert_eq!(one, [202, 202, 429], "{engine}: of one address");
        let network: Vec<u16> = (2..7).map(|last| ask(&format!("192.0.2.{last}"), 10 + last)).collect();
        assert_eq!(network, [202, 202, 202, 429, 429], "{engine}: of one network");
        assert_eq!(ask("198.51.100.1", 50), 202, "{engine}: of another");
    }
}

/// What isn't one whole way to sign in is told field by field.
#[test]
fn half_a_way_to_sign_in_is_told() {
    let app = TestApp::start(Engine::Sqlite);
    for (body, pointers) in [
        (json!({}), &[""][..]),
        (json!({ "phone": "13800138000" }), &["/code"]),
        (json!({ "code": "123456" }), &["/phone"]),
        (json!({ "email": "a@example.com" }), &["/code"]),
        (json!({ "phone": "12", "code": "123456" }), &["/phone"]),
        (json!({ "email": "a", "code": "123456" }), &["/email"]),
        (json!({ "phone": "13800138000", "email": "a@example.com", "code": "123456" }), &[""]),
        (json!({ "phone": "13800138000", "password": "x" }), &[""]),
        (json!({ "reference": "x" }), &["/access_pin"]),
        (json!({ "username": "x" }), &["/password"]),
    ] {
        let reply = try_in(&app, &body);
        assert_eq!(
            (reply.status, reply.pointers()),
            (422, pointers.iter().map(|&one| one.to_owned()).collect()),
            "{reply}"
        );
    }
    for body in [json!({}), json!({ "phone": "13800138000", "email": "a@example.com" })] {
        assert_eq!(ask(&app, &body).pointers(), [""]);
    }
    assert_eq!(ask(&app, &json!({ "phone": "13800138000", "lang": "xx" })).pointers(), ["/lang"]);
}

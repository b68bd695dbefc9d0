//! Second factors of staff (security.md 2.2): set up when it is asked for, used once, lost, and asked for again.

use crate::support::client::Reply;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines};
use aws_lc_rs::hmac;
use serde_json::{Value, json};
use std::time::Instant;

const PASSWORD: &str = "correct-horse-7-battery";
pub(crate) const MORNING: &str = "2026-11-24T00:00:00Z";

/// The app on somebody's phone: it knows the secret and the time.
pub(crate) struct Phone {
    secret: Vec<u8>,
    /// Instant of the server's clock when it was started, and when that was.
    started: (i64, Instant),
}

impl Phone {
    /// Set up with what the server told.
    pub(crate) fn new(told: &Value) -> Self {
        let letters = told["secret"].as_str().unwrap_or_else(|| panic!("no secret in {told}"));
        let uri = told["uri"].as_str().unwrap();
        assert!(uri.starts_with("otpauth://totp/") && uri.contains(letters), "{uri}");
        let mut bits = String::new();
        for letter in letters.bytes() {
            let value = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567".iter().position(|one| *one == letter).expect("base 32");
            bits.push_str(&format!("{value:05b}"));
        }
        let byte = |at: usize| u8::from_str_radix(&bits[at * 8..at * 8 + 8], 2).unwrap();
        let mut phone = Self { secret: (0..bits.len() / 8).map(byte).collect(), started: (0, Instant::now()) };
        phone.set(MORNING);
        phone
    }

    /// Set up at a server that runs by the clock of this machine.
    pub(crate) fn at_the_clock(told: &Value) -> Self {
        let mut phone = Self::new(told);
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap();
        phone.started = (i64::try_from(now.as_secs()).unwrap(), Instant::now());
        phone
    }

    /// The server was started at an instant, just now.
    pub(crate) fn set(&mut self, instant: &str) {
        self.started = (instant.parse::<jiff::Timestamp>().unwrap().as_second(), Instant::now());
    }

    /// The code that it shows.
    pub(crate) fn code(&self) -> String {
        let now = self.started.0 + i64::try_from(self.started.1.elapsed().as_secs()).unwrap();
        let key = hmac::Key::new(hmac::HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.secret);
        let mac = hmac::sign(&key, &(now / 30).to_be_bytes());
        let mac = mac.as_ref();
        let at = usize::from(mac[19] & 15);
        let number = u32::from_be_bytes(mac[at..at + 4].try_into().unwrap()) & 0x7fff_ffff;
        format!("{:06}", number % 1_000_000)
    }
}

fn enter(app: &TestApp, username: &str, password: &str, totp: Option<&str>) -> Reply {
    let mut body = json!({ "username": username, "password": password });
    if let Some(totp) = totp {
        body["totp"] = json!(totp);
    }
    app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send()
}

fn session(answer: &Value) -> Session {
    Session { name: "staff".to_owned(), token: answer["access_token"].as_str().map(str::to_owned) }
}

pub(crate) fn add(app: &TestApp, username: &str, role: &str, more: &[&str]) {
    let mut arguments = vec!["user", "add", "--username", username, "--role", role, "--password-stdin"];
    arguments.extend(more);
    let made = app.run(&arguments, Some(&format!("{PASSWORD}\n")));
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
}

/// SEC-AU-11: where a second factor is required, the password alone opens nothing but the way to set one up; a code works once;
/// recovery codes work once each; another password changes nothing of it.
#[test]
fn sec_au_11_a_required_second_factor_is_set_up_and_asked_for() {
    for engine in engines() {
        let mut app = Start::on(engine).at(MORNING).set("AUTH__TOTP_REQUIRED", "true").start();
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        let told = enter(&app, "li", PASSWORD, None).problem(403);
        assert_eq!(told["code"], "totp_enrolment_required", "{engine}");
        assert!(told["access_token"].is_null(), "{engine}: {told}");
        let again = enter(&app, "li", PASSWORD, None).problem(403);
        assert_eq!(again["secret"], told["secret"], "{engine}: a page can be opened twice");
        assert_eq!(enter(&app, "li", "wrong-one-here", None).problem(401)["secret"], Value::Null, "{engine}");

        let mut phone = Phone::new(&told);
        phone.set(MORNING);
        assert_eq!(enter(&app, "li", PASSWORD, Some("000000")).status, 401, "{engine}");
        assert_eq!(enter(&app, "li", "wrong-one-here", Some(&phone.code())).status, 401, "{engine}");
        let code = phone.code();
        let first = enter(&app, "li", PASSWORD, Some(&code)).expect(200);
        let recovery: Vec<String> = serde_json::from_value(first["recovery_codes"].clone()).unwrap();
        assert_eq!(recovery.len(), 10, "{engine}");
        app.get("/api/v1/queue", &session(&first)).send().expect(200);

        // RFC 6238, 5.2: a code works once; and from now on it is asked for.
        assert_eq!(enter(&app, "li", PASSWORD, Some(&code)).status, 401, "{engine}: replayed");
        let asked = enter(&app, "li", PASSWORD, None).problem(401);
        assert_eq!((&asked["code"], &asked["secret"]), (&json!("totp_required"), &Value::Null), "{engine}");
        for code in ["", "12345", &recovery[0][1..]] {
            assert_eq!(enter(&app, "li", PASSWORD, Some(code)).status, 401, "{engine}: {code}");
        }
        assert_eq!(enter(&app, "li", "wrong-one-here", Some(&recovery[0])).status, 401, "{engine}");
        let by_recovery = enter(&app, "li", PASSWORD, Some(&recovery[0].to_uppercase())).expect(200);
        assert!(by_recovery["recovery_codes"].is_null(), "{engine}: told once");
        assert_eq!(enter(&app, "li", PASSWORD, Some(&recovery[0])).status, 401, "{engine}: used up");

        app.restart_at("2026-11-24T00:05:00Z");
        phone.set("2026-11-24T00:05:00Z");
        enter(&app, "li", PASSWORD, Some(&phone.code())).expect(200);
        // Neither another password nor the account itself gets around it.
        let reset = app.run(&["user", "reset", "--username", "li", "--password-stdin"], Some("tractor-violin-92\n"));
        assert!(reset.status.success(), "{engine}");
        assert_eq!(enter(&app, "li", "tractor-violin-92", None).problem(401)["code"], "totp_required", "{engine}");
        let inside = session(&enter(&app, "li", "tractor-violin-92", Some(&recovery[1])).expect(200));
        let removed = app.client.delete("/api/v1/me/totp", &inside).send();
        assert_eq!(removed.problem(403)["code"], "totp_is_required", "{engine}");
        // The operator can, and what was opened with it ends.
        assert!(app.run(&["user", "reset", "--username", "li", "--totp"], None).status.success(), "{engine}");
        app.get("/api/v1/me", &inside).send().problem(401);
        let fresh = enter(&app, "li", "tractor-violin-92", None).problem(403);
        assert_ne!(fresh["secret"], told["secret"], "{engine}");
        assert_eq!(enter(&app, "li", "tractor-violin-92", Some(&recovery[2])).status, 401, "{engine}");

        // It lies sealed.
        app.stop();
        for value in app.contents().values("second_factors", "secret") {
            assert!(!value.windows(20).any(|window| window == phone.secret), "{engine}: the secret lies open");
        }
    }
}

/// SEC-AU-11: roles that need it are asked, others aren't; who sets it up of themselves is asked from its first code on.
#[test]
fn sec_au_11_a_second_factor_by_role_and_by_choice() {
    for engine in engines() {
        let app = Start::on(engine).at(MORNING).set("AUTH__TOTP_ROLES", "admin,supervisor").start();
        add(&app, "root", "admin", &[]);
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        assert_eq!(enter(&app, "root", PASSWORD, None).problem(403)["code"], "totp_enrolment_required", "{engine}");
        let li = session(&enter(&app, "li", PASSWORD, None).expect(200));

        app.post("/api/v1/me/totp", &Session::anonymous()).send().problem(401);
        let told = app.post("/api/v1/me/totp", &li).send().expect(200);
        enter(&app, "li", PASSWORD, None).expect(200);
        let phone = Phone::new(&told);
        let confirm = |code: &str| app.post("/api/v1/me/totp/confirmation", &li).json(&json!({ "totp": code })).send();
        assert_eq!(confirm("000000").pointers(), ["/totp"], "{engine}");
        let confirmed = confirm(&phone.code()).expect(200);
        assert_eq!(confirmed["recovery_codes"].as_array().unwrap().len(), 10, "{engine}");
        assert_eq!(enter(&app, "li", PASSWORD, None).problem(401)["code"], "totp_required", "{engine}");
        app.post("/api/v1/me/totp", &li).send().problem(409);
        assert_eq!(app.client.delete("/api/v1/me/totp", &li).send().status, 204, "{engine}");
        app.client.delete("/api/v1/me/totp", &li).send().problem(404);
        enter(&app, "li", PASSWORD, None).expect(200);

        let log = app.pages("/api/v1/audit?kind=user_reset&actor=li", &app.auditor("320000"));
        assert_eq!(log.len(), 2, "{engine}: set up and taken away: {log:?}");
    }
}

/// SEC-AU-01: codes of the second factor can't be guessed through: they count for the account.
#[test]
fn sec_au_01_codes_of_a_second_factor_count_as_tries() {
    for engine in engines() {
        let app = Start::on(engine)
            .at(MORNING)
            .set("LIMITS__ENABLED", "true")
            .set("LIMITS__SIGN_IN_ATTEMPTS", "4")
            .set("AUTH__TOTP_REQUIRED", "true")
            .start();
        add(&app, "li", "officer", &["--unit", "amr-320115"]);
        enter(&app, "li", PASSWORD, None).problem(403);
        let statuses: Vec<u16> = (0..5).map(|_| enter(&app, "li", PASSWORD, Some("000000")).status).collect();
        assert_eq!(statuses, [401, 401, 401, 429, 429], "{engine}");
    }
}

/// ASVS 7.5.3: what is sensitive asks once more for the credentials when the sign-in is long ago.
#[test]
fn what_is_sensitive_asks_for_the_credentials_once_more() {
    for engine in engines() {
        let mut app = Start::on(engine).at(MORNING).set("AUTH__STEP_UP_MINUTES", "5").start();
        let case = FilingBuilder::complete().file(&app);
        let unit = case.office();
        add(&app, "li", "officer", &["--unit", &unit]);
        let opened = enter(&app, "li", PASSWORD, None).expect(200);
        let unmask = |app: &TestApp, by: &Session| {
            let body = json!({ "fields": ["phone"], "reason": "需要电话联系投诉人" });
            app.post(&format!("{}/unmask", case.path()), by).json(&body).send()
        };
        unmask(&app, &session(&opened)).expect(200);
        app.restart_at("2026-11-24T00:06:00Z");
        let li = session(&opened);
        assert_eq!(unmask(&app, &li).problem(403)["code"], "step_up_required", "{engine}");
        app.get(&case.path(), &li).send().expect(200);
        let step_up =
            |password: &str| app.post("/api/v1/auth/step-up", &li).json(&json!({ "password": password })).send();
        assert_eq!(step_up("wrong-one-here").status, 401, "{engine}");
        assert_eq!(unmask(&app, &li).status, 403, "{engine}");
        assert_eq!(step_up(PASSWORD).status, 204, "{engine}");
        unmask(&app, &li).expect(200);
        app.post("/api/v1/auth/step-up", &app.consumer(&case))
            .json(&json!({ "password": PASSWORD }))
            .send()
            .problem(403);
    }
}

/// SEC-JW-10, SEC-AU-10: one changes one's own password with the old one, not to a common one, and every session ends.
#[test]
fn sec_jw_10_sec_au_10_changing_the_password_ends_every_session() {
    let app = TestApp::start(Engine::Sqlite);
    add(&app, "li", "officer", &["--unit", "amr-320115"]);
    let (one, other) = (session(&enter(&app, "li", PASSWORD, None).expect(200)), enter(&app, "li", PASSWORD, None));
    let other = session(&other.expect(200));
    let change = |old: &str, new: &str| {
        app.post("/api/v1/me/password", &one).json(&json!({ "password": old, "new_password": new })).send()
    };
    assert_eq!(change("wrong-one-here", "tractor-violin-92").status, 401);
    for weak in ["short", "password123", "1234567890", "lilililili", "qwertyuiop"] {
        assert_eq!(change(PASSWORD, weak).pointers(), ["/new_password"], "{weak}");
    }
    assert_eq!(change(PASSWORD, "tractor-violin-92").status, 204);
    for session in [&one, &other] {
        app.get("/api/v1/me", session).send().problem(401);
    }
    assert_eq!(enter(&app, "li", PASSWORD, None).status, 401);
    enter(&app, "li", "tractor-violin-92", None).expect(200);
}

//! Sessions (security.md 2.2): what a token or a cookie opens, for how long, and who may use it.

use super::support::client::Reply;
use super::support::server::Start;
use super::support::{Engine, FilingBuilder, Session, TestApp, engines};
use serde_json::{Value, json};

const PASSWORD: &str = "correct-horse-7-battery";

fn sign_in(app: &TestApp, username: &str, password: &str) -> Reply {
    let body = json!({ "username": username, "password": password });
    app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send()
}

fn refresh(app: &TestApp, token: &str) -> Reply {
    app.post("/api/v1/auth/refresh", &Session::anonymous()).json(&json!({ "refresh_token": token })).send()
}

fn text(answer: &Value, key: &str) -> String {
    answer[key].as_str().unwrap_or_else(|| panic!("no {key} in {answer}")).to_owned()
}

fn bearer(answer: &Value) -> Session {
    Session { name: "bearer".to_owned(), token: Some(text(answer, "access_token")) }
}

fn status_of(app: &TestApp, by: &Session) -> u16 {
    app.get("/api/v1/me", by).send().status
}

/// SEC-JW-06: a refresh token works once; when it comes again, its session ends, and no other.
#[test]
fn sec_jw_06_refresh_rotates_and_reuse_ends_the_family() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let officer = app.officer("amr-320115");
        let first = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        let second = refresh(&app, &text(&first, "refresh_token")).expect(200);
        assert_ne!(text(&first, "refresh_token"), text(&second, "refresh_token"));
        assert_eq!(status_of(&app, &bearer(&second)), 200);
        let third = refresh(&app, &text(&second, "refresh_token")).expect(200);
        // The stolen one comes.
        let reused = refresh(&app, &text(&first, "refresh_token")).problem(401);
        assert_eq!(reused["code"], "invalid_refresh_token");
        for session in [&first, &second, &third] {
            assert_eq!(status_of(&app, &bearer(session)), 401);
        }
        refresh(&app, &text(&third, "refresh_token")).problem(401);
        assert_eq!(status_of(&app, &officer), 200, "another session of the account goes on");
        // What only looks like a refresh token of the session ends nothing.
        let fourth = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        let mut forged = text(&fourth, "refresh_token");
        let end = if forged.ends_with('A') { "B" } else { "A" };
        forged.replace_range(forged.len() - 1.., end);
        refresh(&app, &forged).problem(401);
        assert_eq!(status_of(&app, &bearer(&fourth)), 200);
        refresh(&app, &text(&fourth, "refresh_token")).expect(200);
    }
}

/// SEC-JW-06: of many that exchange one token at the same time, at most one gets another.
#[test]
fn sec_jw_06_a_race_for_one_token_has_one_winner_at_most() {
    for engine in engines() {
        let app = TestApp::start(engine);
        app.officer("amr-320115");
        let first = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        let token = text(&first, "refresh_token");
        let won = std::thread::scope(|scope| {
            let racers: Vec<_> = (0..8).map(|_| scope.spawn(|| refresh(&app, &token).status)).collect();
            racers.into_iter().map(|racer| racer.join().unwrap()).filter(|status| *status == 200).count()
        });
        assert!(won <= 1, "{engine}: {won} won");
        assert_eq!(status_of(&app, &bearer(&first)), 401, "{engine}: seven came too late");
    }
}

/// SEC-JW-07: who has signed out is out, with the access token too, here or everywhere.
#[test]
fn sec_jw_07_after_signing_out_nothing_of_the_session_works() {
    for engine in engines() {
        let app = TestApp::start(engine);
        app.officer("amr-320115");
        let enter = || sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        let (one, other) = (enter(), enter());
        assert!(one["expires_in"].as_u64().unwrap() <= 900);
        let own = app.get("/api/v1/me/sessions", &bearer(&one)).send().expect(200);
        let currents = own["items"].as_array().unwrap().iter().filter(|session| session["current"] == true).count();
        assert_eq!(currents, 1, "{own}");
        assert_eq!(app.post("/api/v1/auth/logout", &bearer(&one)).send().status, 204);
        assert_eq!(status_of(&app, &bearer(&one)), 401);
        refresh(&app, &text(&one, "refresh_token")).problem(401);
        assert_eq!(status_of(&app, &bearer(&other)), 200);
        let third = enter();
        let everywhere = json!({ "everywhere": true });
        assert_eq!(app.post("/api/v1/auth/logout", &bearer(&third)).json(&everywhere).send().status, 204);
        for session in [&other, &third] {
            assert_eq!(status_of(&app, &bearer(session)), 401);
            refresh(&app, &text(session, "refresh_token")).problem(401);
        }
        app.post("/api/v1/auth/logout", &bearer(&one)).send().problem(401);
    }
}

/// One ends another session of one's own, and nobody else's.
#[test]
fn a_session_is_ended_by_its_owner_alone() {
    let app = TestApp::start(Engine::Sqlite);
    let (officer, station) = (app.officer("amr-320115"), app.officer("amr-320106"));
    let own = app.get("/api/v1/me/sessions", &officer).send().expect(200);
    let id = own["items"][0]["id"].as_str().unwrap();
    let path = format!("/api/v1/me/sessions/{id}");
    app.client.delete(&path, &station).send().problem(404);
    app.client.delete(&path, &Session::anonymous()).send().problem(401);
    assert_eq!(status_of(&app, &officer), 200);
    assert_eq!(app.client.delete(&path, &officer).send().status, 204);
    assert_eq!(status_of(&app, &officer), 401);
}

/// SEC-JW-08: each kind of token works in its place only.
#[test]
fn sec_jw_08_a_token_works_in_its_place_only() {
    let app = TestApp::start(Engine::Sqlite);
    app.officer("amr-320115");
    let session = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
    let (access, again) = (text(&session, "access_token"), text(&session, "refresh_token"));
    let as_access = Session { name: "refresh token".to_owned(), token: Some(again.clone()) };
    app.get("/api/v1/me", &as_access).send().problem(401);
    refresh(&app, &access).problem(401);
    for name in ["access_token", "token", "authorization"] {
        let reply = app.get(&format!("/api/v1/queue?{name}={access}"), &Session::anonymous()).send();
        assert!(matches!(reply.status, 401 | 422), "{reply}");
        assert_eq!(app.get(&format!("/api/v1/me?{name}={access}"), &Session::anonymous()).send().status / 100, 4);
    }
    // As a cookie neither opens anything.
    for value in [&access, &again] {
        let reply = app.get("/api/v1/me", &Session::anonymous()).header("cookie", &format!("fangxin={value}")).send();
        reply.problem(401);
    }
}

/// SEC-JW-09: whatever stands in `Authorization`, the answer is 401.
#[test]
fn sec_jw_09_a_malformed_authorization_is_401() {
    let app = TestApp::start(Engine::Sqlite);
    let long = format!("Bearer {}", "a".repeat(5000));
    for value in [
        "",
        "Bearer",
        "Bearer ",
        "bearer x",
        "Basic YTpi",
        "Bearer a b",
        "Bearer a.b.c",
        "Bearer ..",
        "Digest x=1",
        "Bearer \u{fffd}",
        &long,
    ] {
        let reply = app.get("/api/v1/me", &Session::anonymous()).header("authorization", value).send();
        assert_eq!(reply.status, 401, "{reply}");
        let open = app.get("/api/v1/sectors", &Session::anonymous()).header("authorization", value).send();
        assert!(matches!(open.status, 200 | 401), "{open}");
    }
}

/// SEC-JW-10: a session ends without use after the idle time, and with use after its longest time.
#[test]
fn sec_jw_10_idle_and_absolute_limits_end_a_session() {
    for engine in engines() {
        let at = |instant: &str| Start::on(engine).at(instant);
        let mut app = at("2026-11-24T00:00:00Z").start();
        app.officer("amr-320115");
        let session = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        let mut token = text(&session, "refresh_token");
        // Used every 25 minutes it goes on beyond the idle time of 30, through half an hour and more.
        for instant in ["2026-11-24T00:25:00Z", "2026-11-24T00:50:00Z"] {
            app.restart_at(instant);
            let next = refresh(&app, &token).expect(200);
            token = text(&next, "refresh_token");
            assert_eq!(status_of(&app, &bearer(&next)), 200);
        }
        assert_eq!(status_of(&app, &bearer(&session)), 401, "the first access token has ended by itself");
        // Left alone for longer it has ended.
        app.restart_at("2026-11-24T01:20:30Z");
        refresh(&app, &token).problem(401);
        // However much it is used, it ends.
        let mut app = at("2026-11-24T00:00:00Z").set("AUTH__IDLE_MINUTES", "1440").start();
        app.officer("amr-320115");
        let session = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        app.restart_at("2026-11-24T11:58:00Z");
        let next = refresh(&app, &text(&session, "refresh_token")).expect(200);
        assert!(next["expires_in"].as_u64().unwrap() <= 180, "no token outlives its session: {next}");
        app.restart_at("2026-11-24T12:02:00Z");
        refresh(&app, &text(&next, "refresh_token")).problem(401);
        assert_eq!(status_of(&app, &bearer(&next)), 401);
    }
}

/// SEC-JW-10, SEC-AZ-09: an account that is changed is out at the next request, whatever it holds.
#[test]
fn sec_az_09_sec_jw_10_a_changed_account_is_out_at_once() {
    for engine in engines() {
        let app = TestApp::start(engine);
        for (number, arguments) in
            [&["user", "disable"][..], &["user", "reset", "--password-stdin"][..]].iter().enumerate()
        {
            let office = ["amr-320115", "amr-320106"][number];
            app.officer(office);
            let username = format!("officer-{office}");
            let session = sign_in(&app, &username, PASSWORD).expect(200);
            assert_eq!(status_of(&app, &bearer(&session)), 200);
            let arguments: Vec<&str> = arguments.iter().copied().chain(["--username", &username]).collect();
            let input = arguments.contains(&"--password-stdin").then_some("tractor-violin-92\n");
            assert!(app.run(&arguments, input).status.success(), "{arguments:?}");
            assert_eq!(status_of(&app, &bearer(&session)), 401, "{engine}: after {arguments:?}");
            refresh(&app, &text(&session, "refresh_token")).problem(401);
            sign_in(&app, &username, PASSWORD).problem(401);
        }
        sign_in(&app, "officer-amr-320106", "tractor-violin-92").expect(200);
    }
}

/// A case's session ends nothing of another's, and shows one case.
#[test]
fn a_consumers_session_is_a_row_like_any_other() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complaint().file(&app);
    let (one, other) = (app.consumer(&case), app.consumer(&case));
    assert_eq!(app.post("/api/v1/auth/logout", &one).send().status, 204);
    app.get(&case.path(), &one).send().problem(401);
    app.get(&case.path(), &other).send().expect(200);
}

/// SEC-JW-11: after a rotation tokens carry the new key's id, those of the old one hold until they end, and then it is retired;
/// a retired key's tokens are believed no longer.
#[test]
fn sec_jw_11_signing_keys_rotate_and_retire() {
    let kid = |session: &Session| {
        let header = session.token.as_deref().unwrap().split('.').next().unwrap().to_owned();
        let bytes = base64::Engine::decode(&base64::engine::general_purpose::URL_SAFE_NO_PAD, header).unwrap();
        serde_json::from_slice::<Value>(&bytes).unwrap()["kid"].as_str().unwrap().to_owned()
    };
    for engine in engines() {
        let mut app = Start::on(engine).at("2026-11-24T00:00:00Z").start();
        let old = app.officer("amr-320115");
        let kept = sign_in(&app, "officer-amr-320115", PASSWORD).expect(200);
        assert_eq!(kid(&old), "k1", "{engine}");
        assert!(app.run(&["keys", "rotate-signing"], None).status.success(), "{engine}");
        // On PostgreSQL the command is a process of its own: the server takes the ring up by itself, or when it starts.
        app.restart_at("2026-11-24T00:05:00Z");
        assert_eq!(status_of(&app, &old), 200, "{engine}: until it ends");
        assert_eq!(kid(&bearer(&sign_in(&app, "officer-amr-320115", PASSWORD).expect(200))), "k2", "{engine}");
        let early = app.run(&["keys", "retire-signing", "k1"], None);
        assert_eq!(early.status.code(), Some(1), "{engine}: its tokens may still be in use");
        assert_eq!(app.run(&["keys", "retire-signing", "k2"], None).status.code(), Some(1), "{engine}: the active one");
        app.restart_at("2026-11-24T00:29:00Z");
        assert_eq!(status_of(&app, &old), 401, "{engine}: it has ended");
        let renewed = refresh(&app, &text(&kept, "refresh_token")).expect(200);
        assert_eq!(kid(&bearer(&renewed)), "k2", "{engine}");
        let retired = app.run(&["keys", "retire-signing", "k1"], None);
        assert!(retired.status.success(), "{engine}: {}", String::from_utf8_lossy(&retired.stderr));
        assert_eq!(status_of(&app, &bearer(&renewed)), 200, "{engine}");
        let log = app.pages("/api/v1/audit?kind=key_rotation", &app.auditor("320000"));
        let steps: Vec<_> = log.iter().map(|entry| entry["data"]["step"].clone()).collect();
        assert_eq!(steps, [json!("retired"), json!("rotated")], "{engine}");
    }
}

//! What an operator watches: the metrics on their own listener, the timeouts of the database, the nightly look at its file.

use crate::support::client::Client;
use crate::support::engine::Engine;
use crate::support::{FilingBuilder, Session, TestApp, engines, server::Start};
use serde_json::json;
use std::net::TcpListener;
use std::process::Stdio;
use std::time::Duration;

/// A server with a listener for its metrics, and a client of that listener.
fn watched(start: Start) -> (TestApp, Client) {
    let address = free_address();
    (start.set("SERVER__METRICS_LISTEN", &address).start(), Client::new(format!("http://{address}")))
}

fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").and_then(|free| free.local_addr()).expect("a free port").to_string()
}

fn scrape(metrics: &Client) -> String {
    let reply = metrics.get("/metrics", &Session::anonymous()).send();
    assert_eq!(reply.status, 200, "{reply}");
    assert!(reply.header("content-type").starts_with("text/plain; version=0.0.4"), "{reply}");
    reply.text
}

/// The value of a series, named as it stands in the text.
#[track_caller]
fn value(text: &str, series: &str) -> f64 {
    let line = text.lines().find_map(|line| line.strip_prefix(series)?.strip_prefix(' '));
    line.unwrap_or_else(|| panic!("no {series} in\n{text}")).parse().expect("a number")
}

#[test]
fn the_metrics_count_requests_commits_and_cases_and_name_nobody() {
    for engine in engines() {
        let (app, metrics) = watched(Start::on(engine));
        let before = scrape(&metrics);
        let case = FilingBuilder::complete().file(&app);
        FilingBuilder::complaint()
            .with("/kind", "both")
            .phone("13800138001")
            .send(&app, &Session::anonymous())
            .expect(201);
        let consumer = app.consumer(&case);
        app.get(&case.path(), &consumer).send().expect(200);
        app.get("/no/such/page", &Session::anonymous()).send().problem(404);
        let text = scrape(&metrics);

        let answered = |method: &str, route: &str, status: u16| {
            value(
                &text,
                &format!(r#"fangxin_http_requests_total{{method="{method}",route="{route}",status="{status}"}}"#),
            )
        };
        assert_eq!(answered("POST", "/api/v1/cases", 201) as i64, 2, "{engine}");
        assert_eq!(answered("GET", "/api/v1/cases/{reference}", 200) as i64, 1, "{engine}");
        assert_eq!(answered("GET", "-", 404) as i64, 1, "{engine}");
        let of_filing = r#"method="POST",route="/api/v1/cases""#;
        assert_eq!(value(&text, &format!("fangxin_http_request_duration_seconds_count{{{of_filing}}}")) as i64, 2);
        assert_eq!(value(&text, "fangxin_cases_filed_total") as i64, 3, "{engine}: one alone and two that are linked");
        assert_eq!(value(&before, "fangxin_cases_filed_total") as i64, 0, "{engine}");
        assert!(value(&text, "fangxin_commits_total") > value(&before, "fangxin_commits_total"), "{engine}");
        assert!(value(&text, "fangxin_commit_group_size_count") >= 2.0, "{engine}");
        assert!(value(&text, r#"fangxin_store_queue_depth{queue="writer"}"#) >= 0.0);
        assert!(value(&text, r#"fangxin_store_queue_depth{queue="read"}"#) >= 0.0);
        assert!(value(&text, r#"fangxin_outbox_notices{state="pending"}"#) >= 0.0);
        assert!(value(&text, "fangxin_database_size_bytes") > 10_000.0, "{engine}");
        assert_eq!(value(&text, "fangxin_database_up") as i64, 1);
        assert_eq!(value(&text, "fangxin_database_check_ok") as i64, 1);
        for personal in [case.reference.as_str(), "张三", "13800138000", "no/such", "某某车行"] {
            assert!(!text.contains(personal), "{engine}: {personal} is in the metrics");
        }

        // Neither listener has what the other has.
        app.get("/metrics", &Session::anonymous()).send().problem(404);
        assert_eq!(metrics.get(&case.path(), &consumer).send().status, 404, "{engine}");
        assert_eq!(metrics.get("/readyz", &Session::anonymous()).send().status, 404, "{engine}");
    }
}

/// Holds a lock that the server waits for, until the work is done, but no longer than four seconds: a server that waits longer
/// than it was told to gets the lock and answers as if nothing had been in its way.
fn while_locked<T>(app: &TestApp, work: impl FnOnce() -> T) -> T {
    let lock = match app.engine {
        Engine::Sqlite => "BEGIN IMMEDIATE",
        Engine::Postgres => "BEGIN; LOCK TABLE cases IN ACCESS EXCLUSIVE MODE",
    };
    let mut held = app.contents();
    held.run(lock);
    let (done, wait) = std::sync::mpsc::channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let _ = wait.recv_timeout(Duration::from_secs(4));
            drop(held);
        });
        let result = work();
        drop(done);
        result
    })
}

#[test]
fn what_waits_too_long_for_the_database_is_told_to_come_again_and_nothing_is_kept() {
    for engine in engines() {
        let start = Start::on(engine).set("DATABASE__BUSY_TIMEOUT_MS", "100");
        let app = start.set("DATABASE__STATEMENT_TIMEOUT_MS", "400").start();
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        let refused =
            while_locked(&app, || FilingBuilder::complete().phone("13800138001").send(&app, &Session::anonymous()));
        refused.problem(503);
        assert!(!refused.header("retry-after").is_empty(), "{refused}");
        if engine == Engine::Postgres {
            let refused = while_locked(&app, || app.get(&case.path(), &officer).send());
            assert_eq!(refused.problem(503)["code"], "busy", "{refused}");
        }
        // The lock is gone: all is as it was.
        app.get(&case.path(), &officer).send().expect(200);
        assert_eq!(app.pages("/api/v1/queue?limit=10", &app.supervisor("320000")).len(), 1, "{engine}");
        FilingBuilder::complete().phone("13800138002").file(&app);
    }
}

/// The night of the tests: 2026-06-02 at 03:00 in Asia/Shanghai, in seconds since 1970.
const NIGHT: f64 = 1_780_340_400.0;

/// Starts a server shortly before its night, lets `prepare` have at it, and waits until its file was looked over; gives the
/// metrics of then. Should this machine take longer to start than was left of the day, it is started earlier.
fn after_the_night(app: &mut TestApp, metrics: &Client, prepare: impl Fn(&TestApp)) -> String {
    for seconds in [6, 20, 50] {
        app.set("CLOCK__START", &format!("2026-06-01T18:59:{:02}Z", 60 - seconds));
        app.set("CLOCK__ALLOW_START", "true");
        app.serve();
        prepare(app);
        for _ in 0..(seconds + 5) * 10 {
            let text = scrape(metrics);
            if value(&text, "fangxin_database_check_timestamp_seconds") >= NIGHT {
                return text;
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        app.stop();
    }
    panic!("the file was never looked over:\n{}", app.log_tail());
}

#[test]
fn the_file_is_looked_over_in_the_night_and_damage_stops_writes() {
    let (mut app, metrics) = watched(Start::on(Engine::Sqlite).at("2026-05-01T00:00:00Z"));
    for n in 0..20 {
        FilingBuilder::complete().phone(&format!("138001380{n:02}")).file(&app);
    }
    app.stop();
    let whole = after_the_night(&mut app, &metrics, |_| ());
    assert_eq!(value(&whole, "fangxin_database_check_ok") as i64, 1, "{whole}");
    app.get("/readyz", &Session::anonymous()).send().expect(200);

    app.stop();
    let damaged = after_the_night(&mut app, &metrics, damage);
    assert_eq!(value(&damaged, "fangxin_database_check_ok") as i64, 0, "{damaged}");
    let red = app.get("/readyz", &Session::anonymous()).send().expect(503);
    assert!(red["causes"].as_array().expect("causes").contains(&json!("database_damaged")), "{red}");
    FilingBuilder::complete().send(&app, &Session::anonymous()).problem(503);
    assert!(app.log_tail().contains("the database file is damaged"), "{}", app.log_tail());
}

#[test]
fn damage_done_while_nobody_served_is_found_after_the_start_and_after_a_crash_before_it() {
    let app = TestApp::start(Engine::Sqlite);
    for n in 0..20 {
        FilingBuilder::complete().phone(&format!("138001380{n:02}")).file(&app);
    }
    // An index that only a filing asks: no start comes across it.
    let root = app.contents().lines("SELECT rootpage || '' AS line FROM sqlite_schema WHERE name = 'parties_phone'");
    let root: u64 = root[0].parse().expect("a page");
    app.stop();
    overwrite(&app, |_| root - 1..root);
    let listen = free_address();
    let mut child = app.command(&["serve", "--listen", &listen]).stdout(Stdio::null()).spawn().expect("it starts");
    let client = Client::new(format!("http://{listen}"));
    let is_red = || {
        let reply = client.get("/readyz", &Session::anonymous()).try_send();
        reply.is_some_and(|reply| reply.status == 503 && reply.text.contains("database_damaged"))
    };
    let found = soon(is_red);
    child.kill().and_then(|()| child.wait()).expect("it ends");
    assert!(found, "the file was not looked over");

    // What a crash leaves: a log that holds something.
    std::fs::write(app.data().join("fangxin.db-wal"), "left behind").expect("a log");
    let end = app.run(&["serve", "--listen", "127.0.0.1:0"], None);
    assert_eq!(end.status.code(), Some(1), "a damaged file was served: {end:?}");
    assert!(String::from_utf8_lossy(&end.stderr).contains("damaged"), "{end:?}");
}

/// Whether something holds within half a minute.
fn soon(holds: impl Fn() -> bool) -> bool {
    (0..300).any(|_| {
        let is = holds();
        if !is {
            std::thread::sleep(Duration::from_millis(100));
        }
        is
    })
}

/// Overwrites pages at the end of the file, past the service.
fn damage(app: &TestApp) {
    overwrite(app, |pages| pages - 8..pages);
}

/// Overwrites some of the file's pages, counted from 0, past the service.
fn overwrite(app: &TestApp, which: impl Fn(u64) -> std::ops::Range<u64>) {
    use std::io::{Seek, SeekFrom, Write};
    let path = app.data().join("fangxin.db");
    let mut file = std::fs::File::options().write(true).open(&path).expect("the database");
    let pages = file.metadata().expect("its size").len() / 4096;
    for page in which(pages) {
        file.seek(SeekFrom::Start(page * 4096)).expect("a page");
        file.write_all(&[0xA5; 4096]).expect("it is overwritten");
    }
}

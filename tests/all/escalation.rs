//! Time limits act: a stretch of days run through by `tick --at`, compared with what the table of the ladder says, counted by
//! hand from the calendar's files.

use crate::support::calendar::Workdays;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, engines, is_long};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

#[test]
fn every_limit_is_reminded_urged_supervised_and_told_around_on_its_day() {
    let workdays = Workdays::of_2026();
    for engine in engines() {
        // A round is a process of its own on PostgreSQL: a shorter stretch there, over the holidays of October.
        let (first, days) = match engine {
            Engine::Sqlite if is_long() => (date(2026, 4, 16), 250),
            Engine::Sqlite => (date(2026, 8, 20), 110),
            Engine::Postgres => (date(2026, 9, 14), 36),
        };
        let app = Start::on(engine).at("2026-12-31T02:00:00Z").start();
        let mut cases = Vec::new();
        for n in 0..days {
            let day = first.saturating_add(i64::from(n).days());
            if day > date(2026, 12, 1) || n % 3 == 2 {
                continue;
            }
            cases.push((day, format!("JS-SIM-{n}")));
        }
        let lines: Vec<String> = cases
            .iter()
            .map(|(day, id)| {
                let mut line = FilingBuilder::complete().merchant(&format!("商家{id}")).json().clone();
                line["received_at"] = json!(format!("{day}T02:00:00Z"));
                line["text"] = line["narrative"].take();
                line.as_object_mut().unwrap().remove("narrative");
                line["id"] = json!(id);
                line.to_string()
            })
            .collect();
        let file = app.data().parent().unwrap().join("cases.jsonl");
        fs::write(&file, lines.join("\n")).unwrap();
        let made = app.run(&["import", file.to_str().unwrap(), "--trust-labels", "--json"], None);
        let told: Value = serde_json::from_slice(&made.stdout).expect("JSON");
        assert_eq!(told["created"], cases.len(), "{engine}: {told}");

        let mut totals: BTreeMap<String, u64> = BTreeMap::new();
        for n in 0..days {
            let day = first.saturating_add(i64::from(n).days()).to_string();
            // Twice: the second does nothing more.
            for again in [false, true] {
                if again && n % 10 != 0 {
                    continue;
                }
                let done = app.run(&["tick", "--at", &day, "--json"], None);
                let done: Value = serde_json::from_slice(&done.stdout).expect("JSON");
                let steps = done["escalated"].as_object().unwrap_or_else(|| panic!("{engine}: {done}"));
                assert!(!again || steps.is_empty(), "{engine} {day}: {done}");
                for (stage, count) in steps {
                    *totals.entry(stage.clone()).or_default() += count.as_u64().unwrap();
                }
            }
        }
        let last = first.saturating_add(i64::from(days - 1).days());

        let office = app.officer("amr-320115");
        let queue = app.pages("/api/v1/queue?limit=100", &office);
        assert_eq!(queue.len(), cases.len(), "{engine}");
        let mut counted: BTreeMap<String, u64> = BTreeMap::new();
        for line in queue {
            let path = format!("/api/v1/cases/{}", line["reference"].as_str().unwrap());
            let view = app.get(&path, &office).send().expect(200);
            let received: Date = view["received_at"].as_str().unwrap()[..10].parse().unwrap();
            let history = app.get(&format!("{path}/events"), &office).send().expect(200);
            assert_eq!(history["whole"], true, "{engine}: {path}");
            let taken: BTreeSet<(String, String)> = history["items"]
                .as_array()
                .unwrap()
                .iter()
                .filter(|event| event["action"] != "file")
                .map(|event| {
                    assert_eq!(event["role"], "system", "{event}");
                    let fields = &event["fields"];
                    (event["action"].as_str().unwrap().to_owned(), fields["on"].as_str().unwrap().to_owned())
                })
                .collect();
            // Seven working days, and a last day that is a holiday moves: it is none here, since it is a workday.
            let due = workdays.walk(received, 7);
            let expected: BTreeSet<(String, String)> = [
                ("remind", workdays.walk(due, -2)),
                ("urge", due),
                ("supervise", workdays.walk(due, 1)),
                ("circulate", workdays.walk(due, 5)),
            ]
            .into_iter()
            .filter(|(_, day)| *day <= last)
            .map(|(action, day)| (action.to_owned(), day.to_string()))
            .collect();
            assert_eq!(taken, expected, "{engine}: {} received {received}", line["reference"]);
            assert_eq!(history["items"].as_array().unwrap().len(), expected.len() + 1, "{engine}: no step twice");
            for (action, _) in taken {
                *counted.entry(action).or_default() += 1;
            }
        }
        let of = |stage: &str| totals.get(stage).copied().unwrap_or(0);
        let by_action = |action: &str| counted.get(action).copied().unwrap_or(0);
        for (stage, action) in
            [("reminded", "remind"), ("urged", "urge"), ("supervised", "supervise"), ("circulated", "circulate")]
        {
            assert_eq!(of(stage), by_action(action), "{engine}: {stage}");
            assert!(of(stage) > 0, "{engine}: {stage}");
        }
        let recount = app.run(&["recount", "--json"], None);
        assert!(recount.status.success(), "{engine}: {}", String::from_utf8_lossy(&recount.stdout));
    }
}

/// Two processes on one database: what is due is done once.
#[test]
fn rounds_of_two_processes_take_each_step_once() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-12-31T02:00:00Z").start();
        let mut line = FilingBuilder::complete().json().clone();
        line["received_at"] = json!("2026-11-02T02:00:00Z");
        let file = app.data().parent().unwrap().join("one.jsonl");
        let lines: Vec<String> = (0..20)
            .map(|n| {
                line["id"] = json!(format!("two-{n}"));
                line["text"] = json!(format!("买的电动车第{n}次坏了，店家不退"));
                line.to_string()
            })
            .collect();
        fs::write(&file, lines.join("\n")).unwrap();
        app.run(&["import", file.to_str().unwrap(), "--trust-labels", "--json"], None);
        let steps: u64 = std::thread::scope(|scope| {
            let rounds: Vec<_> = (0..3)
                .map(|_| {
                    scope.spawn(|| {
                        let done = app.run(&["tick", "--at", "2026-11-13", "--json"], None);
                        let errors = String::from_utf8_lossy(&done.stderr);
                        assert!(done.status.success(), "{engine}: {errors}");
                        let done: Value = serde_json::from_slice(&done.stdout).expect("JSON");
                        done["escalated"].as_object().unwrap().values().filter_map(Value::as_u64).sum::<u64>()
                    })
                })
                .collect();
            rounds.into_iter().map(|round| round.join().unwrap()).sum()
        });
        assert_eq!(steps, 20, "{engine}: one step a case, whoever takes it");
    }
}

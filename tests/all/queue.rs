//! The queue page by page, while people work on it and new cases come in.

use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{FilingBuilder, engines};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};
use std::fs;

/// Two cases of each of so many days of receipt, so that every key of the order stands twice.
const DAYS: usize = 16;

fn reference(line: &Value) -> String {
    line["reference"].as_str().expect("a reference").to_owned()
}

/// What a list is ordered by, so that it only grows.
fn key(line: &Value, sort: &str) -> String {
    let field = if sort == "due" { "due" } else { "received_at" };
    line[field].as_str().unwrap_or_else(|| panic!("no {field} in {line}"))[..10].to_owned()
}

#[test]
fn pages_of_the_queue_stay_in_order_and_whole_while_rows_change() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-01T02:00:00Z").start();
        let lines: Vec<String> = (0..2 * DAYS)
            .map(|n| {
                let mut line = FilingBuilder::complete().merchant(&format!("商家{n}")).json().clone();
                line["received_at"] = json!(format!("2026-05-{:02}T02:00:00Z", 10 + n / 2));
                line["text"] = line["narrative"].take();
                line.as_object_mut().unwrap().remove("narrative");
                line["id"] = json!(format!("Q-{n}"));
                line.to_string()
            })
            .collect();
        let file = app.data().parent().unwrap().join("cases.jsonl");
        fs::write(&file, lines.join("\n")).unwrap();
        let made = app.run(&["import", file.to_str().unwrap(), "--trust-labels"], None);
        assert!(made.status.success(), "{engine}: {}", String::from_utf8_lossy(&made.stderr));
        let officer = app.officer("amr-320115");
        // Accepting moves a case's last day far back; whoever holds a page doesn't know.
        let accept = |line: &Value| {
            let case = Case { reference: reference(line), pin: String::new(), answer: Value::Null };
            app.step(&case, &officer, "accept", &json!({}), "accepted");
            case.reference
        };
        for (round, sort) in ["due", "received", "newest"].into_iter().enumerate() {
            let path = format!("/api/v1/queue?sort={sort}&state=dispatched,accepted");
            let before = app.pages(&format!("{path}&limit=100"), &officer);
            let (mut seen, mut touched) = (Vec::<Value>::new(), BTreeSet::new());
            let mut next = Some(format!("{path}&limit=5"));
            while let Some(at) = next {
                let reply = app.get(&at, &officer).send();
                let page = reply.expect(200);
                seen.extend(page["items"].as_array().unwrap_or_else(|| panic!("{reply}")).iter().cloned());
                next = page["next_cursor"].as_str().map(|cursor| format!("{path}&limit=5&cursor={cursor}"));
                // One that was shown and one that wasn't, and a new one.
                let shown: BTreeSet<String> = seen.iter().map(reference).collect();
                let open = |line: &&Value| line["state"] == "dispatched" && !touched.contains(&reference(line));
                let old = before.iter().find(|line| open(line) && shown.contains(&reference(line)));
                let new = before.iter().rev().find(|line| open(line) && !shown.contains(&reference(line)));
                let both: Vec<String> =
                    old.into_iter().chain(new).take(1 + usize::from(round == 0)).map(accept).collect();
                touched.extend(both);
                FilingBuilder::complete().merchant(&format!("新商家{}", seen.len())).file(&app);
            }
            let mut times: BTreeMap<String, usize> = BTreeMap::new();
            for line in &seen {
                *times.entry(reference(line)).or_default() += 1;
            }
            let keys: Vec<String> = seen.iter().map(|line| key(line, sort)).collect();
            let in_order = |pair: &[String]| if sort == "newest" { pair[0] >= pair[1] } else { pair[0] <= pair[1] };
            assert!(keys.windows(2).all(in_order), "{engine}: {sort}: {keys:?}");
            for line in &before {
                let reference = reference(line);
                let moved = sort == "due" && touched.contains(&reference);
                let count = times.get(&reference).copied().unwrap_or(0);
                // What moves behind the reader is met again; nothing is missed, nothing else twice.
                assert!(count == 1 || moved && count == 2, "{engine}: {sort}: {reference} {count} times");
            }
        }
    }
}

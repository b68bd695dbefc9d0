//! Importing a file of complaints: what is taken, that a second time adds none, and that every case is owned and counted.

use crate::support::{TestApp, development_texts, engines};
use serde_json::{Value, json};
use std::path::Path;
use std::process::Stdio;

/// Runs `fangxin import FILE --json`; gives its exit code and what it told.
#[track_caller]
fn import(app: &TestApp, file: &Path, arguments: &[&str]) -> (Option<i32>, Value) {
    let mut all = vec!["import", file.to_str().unwrap(), "--json"];
    all.extend(arguments);
    let output = app.run(&all, None);
    let (told, errors) = (String::from_utf8_lossy(&output.stdout), String::from_utf8_lossy(&output.stderr));
    let json = serde_json::from_str(&told).unwrap_or_else(|error| panic!("{error}: {told}\n{errors}"));
    (output.status.code(), json)
}

#[test]
fn the_development_texts_are_taken_once_and_each_has_an_owner() {
    let Some(file) = development_texts() else { return };
    let lines = std::fs::read_to_string(&file).unwrap().lines().count();
    for engine in engines() {
        let app = TestApp::start(engine);
        let (code, told) = import(&app, &file, &[]);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(
            (&told["read"], &told["created"], &told["existing"], &told["refused"]),
            (&json!(lines), &json!(lines), &json!(0), &json!([])),
            "{engine}"
        );
        let (code, told) = import(&app, &file, &[]);
        assert_eq!(code, Some(0), "{told}");
        assert_eq!(
            (&told["created"], &told["existing"], &told["refused"]),
            (&json!(0), &json!(lines), &json!([])),
            "{engine}"
        );

        let supervisor = app.supervisor("320000");
        for by in [&app.dispatcher("320000"), &supervisor] {
            let queue = app.pages("/api/v1/queue?limit=50", by);
            assert_eq!(queue.len(), lines, "{engine}: the queue of {}", by.name);
            let mut references: Vec<&str> = queue.iter().map(|line| line["reference"].as_str().unwrap()).collect();
            references.sort_unstable();
            references.dedup();
            assert_eq!(references.len(), lines, "{engine}: a case stands in two pages");
            for line in &queue {
                let office = line["office"].as_str().or(line["office"]["code"].as_str());
                assert!(office.is_some_and(|office| !office.is_empty()), "no owner: {line}");
            }
        }
        let first = app.pages("/api/v1/queue?limit=1&sort=received", &supervisor);
        let reference = first[0]["reference"].as_str().unwrap();
        let events = app.pages(&format!("/api/v1/cases/{reference}/events"), &supervisor);
        assert_eq!((events.len(), &events[0]["action"]), (1, &json!("file")), "{events:?}");

        let summary = app.get("/api/v1/metrics/summary?from=2020-01-01&to=2030-01-01", &supervisor).send();
        assert_eq!(summary.expect(200)["received"], lines, "{engine}: {summary}");
    }
}

#[test]
fn lines_that_cannot_be_taken_are_told_and_the_others_are_taken() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let file = app.data().join("mixed.jsonl");
        let lines = [
            json!({ "id": "one", "text": "买的面包过期了，超市不肯退款", "source": "somewhere", "sector": "finance" })
                .to_string(),
            json!({ "id": "two" }).to_string(),
            "no json".to_owned(),
            String::new(),
            json!({ "kind": "report", "narrative": "该店销售假冒名牌运动鞋", "anonymous": true }).to_string(),
            json!({ "id": "three", "text": "手机坏了，维修三次还是坏", "kind": "both" }).to_string(),
            json!({ "id": "four", "text": "手机坏了，维修三次还是坏", "kind": "other" }).to_string(),
        ];
        std::fs::write(&file, lines.join("\n")).unwrap();
        let (code, told) = import(&app, &file, &[]);
        assert_eq!((code, &told["created"], &told["existing"]), (Some(0), &json!(4), &json!(0)), "{told}");
        let refused: Vec<_> = told["refused"].as_array().unwrap().iter().map(|one| one["line"].as_i64()).collect();
        // A line is one case, whatever kind it names.
        assert_eq!(refused, [Some(2), Some(3)], "{told}");
        for one in told["refused"].as_array().unwrap() {
            assert!(one["pointer"].is_string() && one["reason"].as_str().is_some_and(|why| !why.is_empty()), "{told}");
        }
        // Labels that no filing has are left aside, and told once.
        let ignored = told["ignored"].as_array().expect("ignored");
        assert!(ignored.contains(&json!("sector")) && ignored.contains(&json!("source")), "{told}");
        let supervisor = app.supervisor("320000");
        assert_eq!(app.pages("/api/v1/queue?limit=100", &supervisor).len(), 4, "{engine}");

        std::fs::write(&file, "no json\n").unwrap();
        let (code, told) = import(&app, &file, &[]);
        assert_eq!((code, &told["created"]), (Some(1), &json!(0)), "none was taken: {told}");
    }
}

#[test]
fn an_import_without_a_server_is_found_by_the_next_one() {
    for engine in engines() {
        let mut app = TestApp::start(engine);
        let supervisor = app.supervisor("320000");
        app.kill();
        let file = app.data().join("one.jsonl");
        std::fs::write(&file, json!({ "id": "one", "text": "买的面包过期了，超市不肯退款" }).to_string()).unwrap();
        let (code, told) = import(&app, &file, &[]);
        assert_eq!((code, &told["created"]), (Some(0), &json!(1)), "{told}");
        app.serve();
        let (_, told) = import(&app, &file, &[]);
        assert_eq!((&told["created"], &told["existing"]), (&json!(0), &json!(1)), "{told}");
        assert_eq!(app.pages("/api/v1/queue?limit=100", &supervisor).len(), 1, "{engine}");
    }
}

#[test]
fn an_import_that_was_killed_in_the_middle_is_taken_up_again() {
    // Some batches: what is committed is a batch.
    let lines = 1400;
    for engine in engines() {
        let mut app = TestApp::start(engine);
        let supervisor = app.supervisor("320000");
        let file = app.data().join("many.jsonl");
        let line = |n: usize| {
            json!({ "id": n.to_string(), "text": format!("第{n}件：买的面包过期了，超市不肯退款") }).to_string()
        };
        std::fs::write(&file, (0..lines).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let path = file.to_str().unwrap();
        let mut begun =
            app.command(&["import", path, "--json"]).stdout(Stdio::null()).spawn().expect("the program runs");
        // It is under way once the first case can be seen.
        while app.get("/api/v1/queue?limit=1", &supervisor).send().expect(200)["items"] == json!([]) {
            assert!(begun.try_wait().unwrap().is_none(), "{engine}: it ended before a case was seen");
        }
        // With the server that writes for it, where it has none of its own to write with.
        begun.kill().expect("it can be killed");
        assert!(app.kill(), "{engine}: the server ended by itself");
        assert!(!begun.wait().unwrap().success(), "{engine}: an import that was killed told of success");
        app.serve();
        let (code, told) = import(&app, &file, &[]);
        let count = |key: &str| told[key].as_i64().unwrap_or_else(|| panic!("no {key}: {told}"));
        assert_eq!((code, &told["refused"]), (Some(0), &json!([])), "{engine}: {told}");
        assert!(count("existing") > 0 && count("created") > 0, "{engine}: the kill was not in the middle: {told}");
        assert_eq!(count("existing") + count("created"), i64::try_from(lines).unwrap(), "{engine}: {told}");
        assert_eq!(app.pages("/api/v1/queue?limit=100", &supervisor).len(), lines, "{engine}: doubled or lost");
        let (_, told) = import(&app, &file, &[]);
        assert_eq!((&told["existing"], &told["created"]), (&json!(lines), &json!(0)), "{engine}: {told}");
    }
}

/// Lines without an `id` are known by what they say, and by how many say the same.
#[test]
fn lines_without_an_id_are_known_again() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let file = app.data().join("nameless.jsonl");
        let one = json!({ "text": "买的面包过期了，超市不肯退款" }).to_string();
        let other = json!({ "text": "手机坏了，维修三次还是坏" }).to_string();
        std::fs::write(&file, [one.as_str(), &other, &one].join("\n")).unwrap();
        let (_, told) = import(&app, &file, &[]);
        assert_eq!((&told["created"], &told["existing"]), (&json!(3), &json!(0)), "{engine}: {told}");
        // Cut off after the file grew: only what is new comes in.
        std::fs::write(&file, [other.as_str(), &one, &one, &one].join("\n")).unwrap();
        let (_, told) = import(&app, &file, &[]);
        assert_eq!((&told["created"], &told["existing"]), (&json!(1), &json!(3)), "{engine}: {told}");
    }
}

/// A person's second complaint of a merchant is linked to the first, whether both come in one batch or not.
#[test]
fn duplicates_in_a_file_are_linked() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let supervisor = app.supervisor("320000");
        let file = app.data().join("twice.jsonl");
        let line = |n: usize| {
            json!({
                "id": n.to_string(), "text": format!("第{n}次：买的电动车电池三天就鼓包"),
                "respondent": { "name": "南京某某车行", "division": "320115" },
                "complainant": { "name": "王伟", "phone": "13812345678" },
            })
            .to_string()
        };
        std::fs::write(&file, (0..3).map(line).collect::<Vec<_>>().join("\n")).unwrap();
        let (code, told) = import(&app, &file, &[]);
        assert_eq!((code, &told["created"]), (Some(0), &json!(3)), "{engine}: {told}");
        let links = "SELECT CAST(count(*) AS text) AS line FROM links WHERE relation = 'duplicate'";
        assert_eq!(app.contents().lines(links), ["3"], "{engine}: the second of one, the third of two");
        assert_eq!(app.pages("/api/v1/queue?limit=100", &supervisor).len(), 3, "{engine}");
    }
}

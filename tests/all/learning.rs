//! The model of an installation learns from what staff decide, is promoted only when it is better, and can be taken back.

use crate::support::engine::Engine;
use crate::support::filings::Case;
use crate::support::server::Start;
use crate::support::{FilingBuilder, Session, TestApp, engines};
use serde_json::{Value, json};
use std::time::Duration;

/// The sector that staff give to what the shipped model can't know: a word that no lexicon has.
const TAUGHT: &str = "culture";

/// Asked before, between and after; none of them is filed.
const ASKED: &[&str] =
    &["咕噜嘟令牌到手之后没有任何反应", "快递员弄丢了包裹，快递公司不赔", "今天买的咕噜嘟令牌打不开"];

/// A text about a thing that nobody knows, each another one.
fn unknown(number: usize) -> String {
    let places = ["昨天", "上周", "前天", "今早", "月初", "刚才", "周末", "昨晚", "中午", "下午"];
    let ends = [
        "一直没反应",
        "对方不肯认",
        "找不到人",
        "怎么也弄不好",
        "他们不回话",
        "等了很久",
        "说法变了",
        "没有下文",
        "亮了又灭",
        "被推来推去",
    ];
    format!("{}拿到的咕噜嘟令牌{}", places[number % 10], ends[number / 10 % 10])
}

/// A text that the shipped model finds by a single word: so little can be unlearnt.
fn known(number: usize) -> String {
    unknown(number).replace("拿到的咕噜嘟令牌", "的疗程")
}

fn filing(number: usize, narrative: &str) -> FilingBuilder {
    FilingBuilder::complaint()
        .narrative(narrative)
        .phone(&format!("138{number:08}"))
        .merchant(&format!("示例商户{number}"))
}

/// Staff file at the counter and say of which sector it is.
fn file_at_the_counter(app: &TestApp, by: &Session, number: usize, narrative: &str, sector: &str) -> Case {
    filing(number, narrative).with("/sector", sector).file_as(app, by)
}

/// What the program told.
#[track_caller]
fn train(app: &TestApp, arguments: &[&str]) -> Value {
    let ran = app.run(&[&["train", "--json"], arguments].concat(), None);
    assert!(ran.status.success(), "{}: {arguments:?}: {}", app.engine, String::from_utf8_lossy(&ran.stderr));
    serde_json::from_slice(&ran.stdout).expect("JSON")
}

fn answers(app: &TestApp) -> Vec<Value> {
    let ask = |text: &&str| {
        let reply = app.post("/api/v1/classify", &Session::anonymous()).json(&json!({ "text": text })).send();
        reply.expect(200)
    };
    ASKED.iter().map(ask).collect()
}

/// Waits until the serving process uses a model.
#[track_caller]
fn uses(app: &TestApp, model: &str) {
    let used = (0..200).any(|_| {
        let told = app.get("/version", &Session::anonymous()).send().expect(200);
        told["model"] == model || {
            std::thread::sleep(Duration::from_millis(100));
            false
        }
    });
    assert!(used, "{}: {model} isn't used: {}", app.engine, app.log_tail());
}

fn start(engine: Engine) -> TestApp {
    Start::on(engine).set("CLASSIFY__REFRESH_SECONDS", "1").start()
}

#[test]
fn what_staff_correct_is_learnt_promoted_and_taken_back() {
    for engine in engines() {
        let mut app = start(engine);
        let dispatcher = app.dispatcher("320000");
        assert_eq!(train(&app, &[])["comparison"], Value::Null, "{engine}: nobody said anything yet");
        // Dispatched out of triage with a sector, and filed at the counter with one.
        let mut last = None;
        for number in 0..100 {
            if number % 5 == 0 {
                let case = filing(number, &unknown(number)).file(&app);
                assert_eq!(case.answer["state"], "triage", "{engine}: {}", case.answer);
                let fields = json!({ "office": case.office(), "sector": TAUGHT });
                app.step(&case, &dispatcher, "dispatch", &fields, "dispatched");
                last = Some(case);
            } else {
                file_at_the_counter(&app, &dispatcher, number, &unknown(number), TAUGHT);
            }
        }
        let before = answers(&app);
        assert_ne!(before[0]["sector"], TAUGHT, "{engine}: {}", before[0]);

        let promoted = train(&app, &["--promote"]);
        let counts = (&promoted["fitted"], &promoted["tested"], &promoted["report"]["verdicts"]);
        assert_eq!(counts, (&json!(70), &json!(30), &json!(100)), "{engine}: {promoted}");
        assert_eq!(
            (&promoted["comparison"]["better"], &promoted["promoted"]),
            (&json!(true), &json!(1)),
            "{engine}: {promoted}"
        );
        uses(&app, "fangxin-3+1");
        let after = answers(&app);
        assert_eq!((&after[0]["sector"], &after[2]["sector"]), (&json!(TAUGHT), &json!(TAUGHT)), "{engine}: {after:?}");
        assert_eq!(after[1]["sector"], "courier", "{engine}: what it knew it still knows");
        let case = filing(500, ASKED[0]).file(&app);
        assert_eq!(case.answer["classification"]["sector"], TAUGHT, "{engine}: {}", case.answer);

        // It outlives a restart.
        app.stop();
        app.serve();
        uses(&app, "fangxin-3+1");
        assert_eq!(answers(&app), after, "{engine}");

        // An office gives a case back: that counts as a misroute of the machine, and teaches no sector.
        let case = filing(501, ASKED[1]).file(&app);
        let officer = app.officer(&case.office());
        app.step(&case, &officer, "return", &json!({ "reason": "不属于本单位" }), "returned");
        let report = train(&app, &["--report"])["report"].clone();
        assert_eq!((&report["returned"], &report["verdicts"]), (&json!(1), &json!(101)), "{engine}: {report}");
        let given_back =
            json!({ "machine": case.answer["classification"]["sector"], "staff": null, "cases": 1, "sure": 1 });
        assert!(report["misroutes"].as_array().unwrap().contains(&given_back), "{engine}: {report}");
        let sector =
            |code: &str| report["sectors"].as_array().unwrap().iter().find(|one| one["sector"] == code).cloned();
        assert_eq!(sector(TAUGHT).unwrap()["examples"], 100, "{engine}: {report}");
        assert_eq!(sector("tourism").unwrap()["needs_more"], true, "{engine}: {report}");
        let channels = report["channels"].as_array().unwrap();
        assert!(
            channels.iter().any(|one| one["channel"] == "counter" && one["drifted"] == false),
            "{engine}: {report}"
        );

        let back = train(&app, &["--revert"]);
        assert_eq!(back["in_force"], 0, "{engine}: {back}");
        uses(&app, "fangxin-3");
        assert_eq!(answers(&app), before, "{engine}: the model before answers as it did");
        let better = train(&app, &[]);
        assert_eq!(
            (&better["comparison"], &better["promoted"]),
            (&promoted["comparison"], &Value::Null),
            "{engine}: {better}"
        );
        assert_eq!(answers(&app), before, "{engine}: without --promote nothing changes");
        let auditor = app.auditor("320000");
        let of = |kind: &str| app.pages(&format!("/api/v1/audit?kind={kind}"), &auditor);
        let (put, taken) = (of("model_promoted"), of("model_reverted"));
        assert_eq!((put.len(), taken.len()), (1, 1), "{engine}: {put:?} {taken:?}");
        let difference = &promoted["comparison"]["difference"];
        let told = json!({ "version": 1, "before": 0, "tested": 30, "difference": difference });
        assert_eq!(put[0]["data"], told, "{engine}: {put:?}");
        assert_eq!(taken[0]["data"], json!({ "version": 0, "before": 1 }), "{engine}: {taken:?}");
        let none = app.run(&["train", "--revert"], None);
        assert_eq!(none.status.code(), Some(1), "{engine}: there is none before the one as shipped");

        // What was erased, or isn't there, teaches nothing.
        app.stop();
        let empty = if engine == Engine::Postgres { "''::bytea" } else { "x''" };
        let key = if engine == Engine::Postgres {
            "'00112233-4455-6677-8899-aabbccddeeff'::uuid"
        } else {
            "x'00112233445566778899aabbccddeeff'"
        };
        let reference = last.unwrap().reference;
        app.tamper(&format!("UPDATE cases SET data_key = {empty} WHERE reference = '{reference}'"));
        app.tamper(&format!(
            "INSERT INTO verdicts SELECT {key}, 1, at, channel, sealed FROM verdicts ORDER BY at LIMIT 1"
        ));
        app.serve();
        let report = train(&app, &["--report"])["report"].clone();
        assert_eq!((&report["verdicts"], &report["left_out"]), (&json!(100), &json!(2)), "{engine}: {report}");
    }
}

#[test]
fn a_worse_challenger_is_not_promoted() {
    for engine in engines() {
        let app = start(engine);
        let dispatcher = app.dispatcher("320000");
        // Someone labels wrongly for a while, then the right way: what was learnt meanwhile is worse.
        for number in 0..100 {
            let sector = if number < 70 { "tourism" } else { "healthcare" };
            file_at_the_counter(&app, &dispatcher, number, &known(number), sector);
        }
        let before = answers(&app);
        let told = train(&app, &["--promote"]);
        assert_eq!(
            (&told["comparison"]["better"], &told["promoted"]),
            (&json!(false), &Value::Null),
            "{engine}: {told}"
        );
        assert!(told["comparison"]["difference"].as_f64().unwrap() < 0.0, "{engine}: it should be worse: {told}");
        assert_eq!(answers(&app), before, "{engine}");
        let counter = told["report"]["channels"].as_array().unwrap().iter().find(|one| one["channel"] == "counter");
        assert_eq!(counter.unwrap()["drifted"], true, "{engine}: staff began to say something else: {told}");
    }
}

#[test]
fn what_classifying_costs_is_measured() {
    let app = Start::on(Engine::Sqlite).prepare();
    let measured = app.run(&["evaluate", "--cost", "--json"], None);
    assert!(measured.status.success(), "{}", String::from_utf8_lossy(&measured.stderr));
    let told: Value = serde_json::from_slice(&measured.stdout).expect("JSON");
    let number = |key: &str| told[key].as_f64().unwrap_or_else(|| panic!("no {key} in {told}"));
    assert!(number("texts") >= 10_000.0 && number("texts_per_second") > 0.0 && number("load_ms") > 0.0, "{told}");
    assert!(number("bytes") <= f64::from(16 << 20), "{told}");
    let both = app.run(&["evaluate", "--cost", "some.jsonl"], None);
    assert_eq!(both.status.code(), Some(2), "a file and the cost at once");
    assert_eq!(app.run(&["evaluate"], None).status.code(), Some(2), "neither");
}

#[test]
fn other_weights_are_measured_in_place_of_the_shipped_ones() {
    let app = Start::on(Engine::Sqlite).prepare();
    let folder = app.data().join("texts");
    std::fs::create_dir_all(&folder).unwrap();
    let texts = r#"{"text": "咕噜嘟令牌到手之后没有任何反应", "sector": "culture", "theme": "a"}
{"text": "咕噜嘟令牌打不开，一直没有反应", "sector": "culture", "theme": "b"}
{"text": "快递员弄丢了包裹", "sector": "courier", "theme": "c"}
{"text": "快递员弄丢了我的包裹", "sector": "courier", "theme": "d"}
"#;
    std::fs::write(folder.join("own.jsonl"), texts).unwrap();
    let (weights, rows) = (app.data().join("own.bin"), app.data().join("rows.jsonl"));
    std::fs::write(&rows, r#"{"text": "今天买的咕噜嘟令牌打不开", "sector": "culture", "accepted": ["culture"]}"#)
        .unwrap();
    let path = |path: &std::path::Path| path.to_str().unwrap().to_owned();
    let fitted = app.run(&["train", "--from", &path(&folder), "--to", &path(&weights)], None);
    assert!(fitted.status.success(), "{}", String::from_utf8_lossy(&fitted.stderr));
    let top1 = |extra: &[&str]| {
        let ran = app.run(&[&["evaluate", "--json", &path(&rows)], extra].concat(), None);
        assert!(ran.status.success(), "{}", String::from_utf8_lossy(&ran.stderr));
        serde_json::from_slice::<Value>(&ran.stdout).expect("JSON")["top1"].clone()
    };
    assert_eq!((top1(&[]), top1(&["--weights", &path(&weights)])), (json!(0.0), json!(1.0)));
    std::fs::write(&weights, "nothing").unwrap();
    let damaged = app.run(&["evaluate", "--weights", &path(&weights), &path(&rows)], None);
    assert_eq!(damaged.status.code(), Some(1));
}

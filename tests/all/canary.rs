//! What is personal or secret can be read nowhere but in an answer to whoever may see it: not in logs, the database, its
//! write-ahead log, backups, the full-text index, checkpoints, answers to what was wrong, or what commands print.
//!
//! Canaries are sent in through every door that takes text, the log at its most talkative, and then looked for in everything
//! that was written, in the usual encodings, also inside packed columns. The search itself is checked on planted canaries.

use crate::support::server::Start;
use crate::support::{Contents, Engine, FilingBuilder, Session, TestApp, engines, say};
use aho_corasick::AhoCorasick;
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use fangxin::domain::text::query_tokens;
use fangxin::store::packed;
use serde_json::{Value, json};
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const NAME: &str = "司徒鹭汀";
const AGENT: &str = "端木霁岚";
const PHONE: &str = "13700990451";
const SPACED: &str = "137 0099 0451";
const AGENT_PHONE: &str = "15951880367";
const ID: &str = "320115198503170628";
const EMAIL: &str = "luting.situ@example.org";
const ADDRESS: &str = "东山街道芝兰路六百一十九号";
const SENTENCE: &str = "榨汁机漏电冒烟烫伤手背";
const NOTE: &str = "承办人约其周四下午来所面谈";
const REASON: &str = "核对退款账户后四位数字";
const FILE_NAME: &str = "转账凭证鹭汀截图";
const FILE_TEXT: &str = "transfer receipt of Situ Luting";
const WRONG_PASSWORD: &str = "Zq7-gannet-lagoon-58";
const PASSWORD: &str = "correct-horse-7-battery";

/// What is looked for, by what it is.
struct Canaries {
    names: Vec<String>,
    needles: AhoCorasick,
}

impl Canaries {
    fn new(values: &[(&str, &[u8])]) -> Self {
        let mut names = Vec::new();
        let mut needles = Vec::new();
        for (what, value) in values {
            for (encoding, needle) in encoded(value) {
                names.push(format!("{what} ({encoding})"));
                needles.push(needle);
            }
        }
        Self { names, needles: AhoCorasick::new(needles).unwrap() }
    }

    /// What is found in bytes, also one inside another.
    fn found(&self, bytes: &[u8]) -> BTreeSet<&str> {
        self.needles.find_overlapping_iter(bytes).map(|found| self.names[found.pattern()].as_str()).collect()
    }
}

/// The forms in which a value could lie about.
fn encoded(value: &[u8]) -> Vec<(String, Vec<u8>)> {
    let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    let mut forms = vec![
        ("raw".to_owned(), value.to_vec()),
        ("hex".to_owned(), hex(value).into_bytes()),
        ("HEX".to_owned(), hex(value).to_uppercase().into_bytes()),
    ];
    if let Ok(text) = std::str::from_utf8(value) {
        let units: Vec<u16> = text.encode_utf16().collect();
        let little: Vec<u8> = units.iter().flat_map(|unit| unit.to_le_bytes()).collect();
        forms.push(("hex of UTF-16".to_owned(), hex(&little).into_bytes()));
        forms.push(("UTF-16LE".to_owned(), little));
        forms.push(("UTF-16BE".to_owned(), units.iter().flat_map(|unit| unit.to_be_bytes()).collect()));
        if !text.is_ascii() {
            let escaped: String = units.iter().map(|unit| format!("\\u{unit:04x}")).collect();
            forms.push(("JSON escapes".to_owned(), escaped.into_bytes()));
            let percent: String = value.iter().map(|byte| format!("%{byte:02X}")).collect();
            forms.push(("percent".to_owned(), percent.into_bytes()));
        }
    }
    // In base64 it looks different by where it begins; what its neighbours decide is left out.
    for (name, alphabet) in [("base64", STANDARD), ("base64url", URL_SAFE)] {
        for shift in 0..3 {
            let text = alphabet.encode([&vec![0; shift][..], value].concat());
            let (from, to) = ((shift * 8).div_ceil(6), (shift + value.len()) * 8 / 6);
            forms.push((format!("{name} at {shift}"), text.as_bytes()[from..to].to_vec()));
        }
    }
    forms
}

/// Every file below a folder.
fn files_below(folder: &Path) -> Vec<PathBuf> {
    let (mut files, mut folders) = (Vec::new(), vec![folder.to_owned()]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            // Other than a file or a folder: the socket.
            if path.is_dir() {
                folders.push(path);
            } else if path.is_file() {
                files.push(path);
            }
        }
    }
    files
}

/// What is found in the files below a folder, but for those that are meant to hold it.
fn in_files(canaries: &Canaries, folder: &Path, but: &[&str]) -> Vec<String> {
    let files = files_below(folder);
    assert!(!files.is_empty(), "{} is empty", folder.display());
    let kept = files.iter().filter(|path| {
        let below = path.strip_prefix(folder).unwrap();
        !but.iter().any(|name| below.starts_with(name))
    });
    kept.flat_map(|path| {
        let bytes = fs::read(path).unwrap();
        canaries.found(&bytes).into_iter().map(|what| format!("{what} in {}", path.display())).collect::<Vec<_>>()
    })
    .collect()
}

/// What is found in the columns of a database: as they are, and unpacked.
fn in_columns(canaries: &Canaries, contents: &mut Contents) -> Vec<String> {
    let mut found = Vec::new();
    let mut unpacked = 0;
    for (table, columns) in contents.columns() {
        for column in columns {
            for value in contents.values(&table, &column) {
                let mut seen = canaries.found(&value);
                if let Ok(text) = packed::unpack(&value) {
                    unpacked += 1;
                    seen.extend(canaries.found(text.as_bytes()));
                }
                found.extend(seen.into_iter().map(|what| format!("{what} in {table}.{column}")));
            }
        }
    }
    assert!(unpacked > 0, "no packed column was read");
    found
}

/// Words of the full-text index that give a canary away.
fn in_index(contents: &mut Contents, canaries: &[&str]) -> Vec<String> {
    let words = contents.search_words();
    let hidden: BTreeSet<String> = canaries.iter().flat_map(|canary| query_tokens(canary)).collect();
    hidden.into_iter().filter(|token| words.contains(token)).collect()
}

/// Answers to what was wrong, each of which was sent a canary.
fn wrong_requests(app: &TestApp, officer: &Session, consumer: &Session) -> Vec<String> {
    let anyone = Session::anonymous();
    let mut answers = Vec::new();
    let mut ask = |body: Value| {
        let reply = app.post("/api/v1/cases", &anyone).json(&body).send();
        assert!((400..500).contains(&reply.status), "{reply}");
        answers.push(reply.text);
    };
    let filing = |pointer: &str, value: Value| FilingBuilder::complete().with(pointer, value).json().clone();
    ask(filing("/complainant/phone", json!(format!("{PHONE}{PHONE}"))));
    ask(filing("/complainant/email", json!(format!("{EMAIL}@"))));
    ask(filing("/complainant/id_number", json!(format!("{ID}1"))));
    ask(filing("/complainant/name", json!(NAME.repeat(200))));
    ask(filing("/complainant/name", json!([NAME])));
    ask(filing("/complainant/id_type", json!(NAME)));
    ask(filing("/narrative", json!({ SENTENCE: SENTENCE })));
    ask(filing("/amount", json!(PHONE.repeat(9))));
    ask(filing("/kind", json!(SENTENCE)));
    ask(filing("/sector", json!(SENTENCE)));
    // An unknown field is named in the answer, and nowhere else.
    let unknown = filing(&format!("/complainant/{NAME}"), json!(true));
    app.post("/api/v1/cases", &anyone).json(&unknown).send().problem(422);
    let whole = FilingBuilder::complete().named(NAME).phone(PHONE).narrative(SENTENCE).json().to_string();
    let cut = &whole[..whole.len() - 1];
    answers.push(app.post("/api/v1/cases", &anyone).body("application/json", cut).send().text);
    answers.push(app.post("/api/v1/cases", &anyone).body("text/plain", whole).send().text);
    let sign_in = json!({ "username": "officer-amr-320115", "password": WRONG_PASSWORD });
    let refused = app.post("/api/v1/auth/token", &anyone).json(&sign_in).send();
    refused.problem(401);
    answers.push(refused.text);
    // A password typed into the field of the name.
    let swapped = json!({ "username": WRONG_PASSWORD, "password": "x" });
    answers.push(app.post("/api/v1/auth/token", &anyone).json(&swapped).send().text);
    let token = consumer.token.as_deref().unwrap();
    let broken = Session { token: Some(format!("{token}x")), ..consumer.clone() };
    for by in [officer, consumer, &broken] {
        for path in [format!("/api/v1/cases/{PHONE}"), format!("/api/v1/queue?q={PHONE}&limit={PHONE}")] {
            answers.push(app.get(&path, by).send().text);
        }
    }
    answers
}

/// Sends every canary in through the doors that take text; gives the secrets that came out on the way.
fn send_in(app: &TestApp) -> (Vec<(&'static str, String)>, Vec<String>) {
    let filing = FilingBuilder::complete()
        .named(NAME)
        .phone(SPACED)
        .with("/complainant/email", EMAIL)
        .with("/complainant/address", ADDRESS)
        .with("/complainant/id_type", "resident_id")
        .with("/complainant/id_number", ID)
        .with("/agent", json!({ "name": AGENT, "phone": AGENT_PHONE, "authorised": true }))
        .narrative(&format!("我是{NAME}，电话{SPACED}，{EMAIL}，身份证{ID}。{SENTENCE}，联系{AGENT}{AGENT_PHONE}"));
    let case = filing.file(app);
    let (officer, consumer) = (app.officer(&case.office()), app.consumer(&case));
    let supplied = json!({ "complainant": { "address": format!("{ADDRESS}三楼") }, "note": NOTE });
    app.act(&case, &consumer, "supply", &supplied).expect(200);
    app.act(&case, &officer, "note", &json!({ "text": format!("{NOTE}，{NAME}{PHONE}") })).expect(200);
    let multipart = format!(
        "--limit\r\nContent-Disposition: form-data; name=\"file\"; filename=\"{FILE_NAME}.pdf\"\r\n\
         Content-Type: application/pdf\r\n\r\n%PDF-1.4\n% {FILE_TEXT} {PHONE}\n%%EOF\r\n--limit--\r\n"
    );
    let attached = app
        .post(&format!("{}/attachments", case.path()), &consumer)
        .body("multipart/form-data; boundary=limit", multipart)
        .send();
    let _ = attached.expect(201);
    let unmask = json!({ "fields": ["name", "phone", "narrative"], "reason": format!("{REASON}{NAME}") });
    let shown = app.post(&format!("{}/unmask", case.path()), &officer).json(&unmask).send();
    shown.expect(200);
    assert!(shown.text.contains(NAME), "{shown}");
    let answers = wrong_requests(app, &officer, &consumer);
    let file = app.data().with_file_name("canaries.jsonl");
    let good = FilingBuilder::complete().named(AGENT).phone(AGENT_PHONE).with("/channel", "import");
    let bad = good.clone().with("/complainant/phone", format!("{PHONE}{PHONE}")).with("/kind", NAME);
    fs::write(&file, format!("{}\n{}\n{}\n", good.json(), bad.json(), &bad.json().to_string()[..60])).unwrap();
    let imported = app.run(&["import", &file.to_string_lossy()], None);
    fs::remove_file(&file).unwrap();
    let printed = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let mut told = answers;
    told.extend([printed(&imported.stdout), printed(&imported.stderr)]);
    let secret = |session: &Session| {
        let token = session.token.clone().unwrap();
        token.rsplit('.').next().unwrap().to_owned()
    };
    let secrets = vec![
        ("a consumer's token", secret(&consumer)),
        ("an officer's token", secret(&officer)),
        ("a PIN", case.pin.clone()),
        ("a password", PASSWORD.to_owned()),
    ];
    (secrets, told)
}

/// The keys of the ring, as bytes.
fn keys(app: &TestApp) -> Vec<Vec<u8>> {
    fn strings(value: &Value, found: &mut Vec<Vec<u8>>) {
        match value {
            Value::String(text) => {
                found.extend(STANDARD.decode(text).ok().filter(|key| key.len() == 32));
            }
            Value::Array(list) => list.iter().for_each(|one| strings(one, found)),
            Value::Object(map) => map.values().for_each(|one| strings(one, found)),
            _ => {}
        }
    }
    let ring: Value = serde_json::from_slice(&fs::read(app.data().join("keys/ring.json")).unwrap()).unwrap();
    let mut found = Vec::new();
    strings(&ring, &mut found);
    assert!(found.len() >= 5, "only {} keys", found.len());
    found
}

/// A backup, with what the engine compresses in it written out.
fn backup(app: &TestApp) -> PathBuf {
    let folder = app.data().with_file_name("backup");
    let made = app.run(&["backup", &folder.to_string_lossy()], None);
    assert!(made.status.success(), "{}", String::from_utf8_lossy(&made.stderr));
    if app.engine == Engine::Postgres {
        let mut command = Command::new("pg_restore");
        command.arg("--file").arg(folder.join("dump.sql")).arg(folder.join("database.dump"));
        assert!(command.status().expect("pg_restore").success());
    }
    folder
}

/// The segments of PostgreSQL's write-ahead log, if they lie on this machine and may be read.
fn write_ahead_log(contents: &mut Contents) -> Option<PathBuf> {
    let folder = contents.lines("SELECT current_setting('data_directory') AS line").pop().map(PathBuf::from)?;
    let folder = folder.join("pg_wal");
    fs::read_dir(&folder).is_ok().then_some(folder)
}

/// PRV-02, PRV-04, PRV-05: no canary can be read anywhere.
#[test]
fn prv_02_no_canary_can_be_read_anywhere() {
    for engine in engines() {
        let app = Start::on(engine).set("LOG__LEVEL", "trace").start();
        let (secrets, told) = send_in(&app);
        let keys = keys(&app);
        let mut values: Vec<(&str, &[u8])> = [
            ("the name", NAME),
            ("the agent's name", AGENT),
            ("the phone", PHONE),
            ("the phone with spaces", SPACED),
            ("the agent's phone", AGENT_PHONE),
            ("the ID number", ID),
            ("the e-mail address", EMAIL),
            ("the address", ADDRESS),
            ("the narrative", SENTENCE),
            ("a note", NOTE),
            ("a reason", REASON),
            ("a file's name", FILE_NAME),
            ("a file", FILE_TEXT),
            ("a wrong password", WRONG_PASSWORD),
        ]
        .map(|(what, value)| (what, value.as_bytes()))
        .to_vec();
        values.extend(secrets.iter().map(|(what, value)| (*what, value.as_bytes())));
        values.extend(keys.iter().map(|key| ("a key", key.as_slice())));
        let canaries = Canaries::new(&values);
        let mut found: Vec<String> = told
            .iter()
            .flat_map(|text| canaries.found(text.as_bytes()).into_iter().map(move |what| format!("{what} in: {text}")))
            .collect();

        let mut contents = app.contents();
        found.extend(in_columns(&canaries, &mut contents));
        let hidden = [NAME, AGENT, PHONE, AGENT_PHONE, ID, EMAIL, "0099", "0451", "luting"];
        found.extend(in_index(&mut contents, &hidden).into_iter().map(|word| format!("{word} in the full-text index")));
        assert_ne!(in_index(&mut contents, &[SENTENCE]), [""; 0], "{engine}: the index was not read");
        if engine == Engine::Postgres {
            match write_ahead_log(&mut contents) {
                Some(folder) => found.extend(in_files(&canaries, &folder, &[])),
                None => say("the write-ahead log of PostgreSQL was not read: it isn't on this machine"),
            }
        }
        drop(contents);
        // While it runs, so that the write-ahead log of SQLite is there. The keys are what opens it all; the outgoing mail of
        // the embedded default is what its reader is to read: of that only the names are looked at.
        let data = app.data();
        assert!(engine == Engine::Postgres || fs::metadata(data.join("fangxin.db-wal")).unwrap().len() > 0);
        found.extend(in_files(&canaries, &data, &["keys", "outbox"]));
        let folder = backup(&app);
        found.extend(in_files(&canaries, &folder, &[]));
        if engine == Engine::Sqlite {
            found.extend(in_columns(&canaries, &mut Contents::of_file(&folder.join("fangxin.db"))));
        }
        app.stop();
        found.extend(in_files(&canaries, &data, &["keys", "outbox"]));
        let names = files_below(&data).into_iter().map(|path| path.display().to_string());
        found.extend(names.filter(|name| !canaries.found(name.as_bytes()).is_empty()));
        let log = fs::read(app.log()).unwrap();
        assert!(log.len() > 10_000, "{engine}: the log is not at its most talkative");
        found.extend(canaries.found(&log).into_iter().map(|what| format!("{what} in the log")));
        assert!(found.is_empty(), "{engine}:\n{}", found.join("\n"));
    }
}

/// The search finds a canary in every form that it looks for, wherever it lies.
#[test]
fn a_planted_canary_is_found_in_every_form() {
    const PLANTED: &str = "百里槐序18066214759";
    let canaries = Canaries::new(&[("it", PLANTED.as_bytes())]);
    for shift in 0..3 {
        let text = format!("{}{PLANTED}%", &"xyz"[..shift]);
        let base64 = STANDARD.encode(&text);
        assert!(canaries.found(base64.as_bytes()).contains(format!("it (base64 at {shift})").as_str()), "{base64}");
    }
    for (form, bytes) in encoded(PLANTED.as_bytes()) {
        let found = canaries.found(&[b"before ", &bytes[..], b" after"].concat());
        assert!(found.contains(format!("it ({form})").as_str()), "{form}: {found:?}");
    }
    for engine in engines() {
        let app = TestApp::start(engine);
        FilingBuilder::complete().narrative(&format!("{SENTENCE} kingfisher")).file(&app);
        app.stop();
        let mut contents = app.contents();
        assert_eq!(in_columns(&canaries, &mut contents), [""; 0], "{engine}");
        let data = json!({ "case": { "note": PLANTED } }).to_string();
        for (bytes, form) in [
            (PLANTED.as_bytes().to_vec(), "plain"),
            (packed::json(&data.repeat(20)), "packed JSON"),
            (packed::prose(&PLANTED.repeat(20)), "packed prose"),
        ] {
            let hex: String = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
            let literal = if engine == Engine::Postgres { format!("'\\x{hex}'") } else { format!("x'{hex}'") };
            app.tamper(&format!("UPDATE events SET data = {literal}"));
            let found = in_columns(&canaries, &mut contents);
            assert!(found.contains(&"it (raw) in events.data".to_owned()), "{engine}: {form}: {found:?}");
        }
        assert_eq!(in_index(&mut contents, &["kingfisher", "heron"]), ["kingfisher"], "{engine}");
        app.tamper(&format!("UPDATE cases SET assigned_to = '{PLANTED}'"));
        assert!(in_columns(&canaries, &mut contents).contains(&"it (raw) in cases.assigned_to".to_owned()), "{engine}");
    }
}

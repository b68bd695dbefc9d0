//! The data map (PIPL Art 51, 55): every column that is stored stands in it, and is in the form that it says.

use crate::evidence::{DOCUMENT, upload};
use crate::support::{Engine, FilingBuilder, TestApp, engines};
use fangxin::privacy::vault::key_id;
use serde::Deserialize;
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct DataMap {
    class: BTreeMap<String, String>,
    table: Vec<Table>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    name: String,
    purpose: String,
    ground: String,
    viewers: String,
    groups: Vec<Group>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Group {
    class: String,
    form: Form,
    sort: Sort,
    columns: Vec<String>,
    #[serde(default)]
    note: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Form {
    Open,
    Sealed,
    Hashed,
    Key,
    Digest,
    Redacted,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Sort {
    Public,
    Internal,
    Personal,
    Sensitive,
}

fn docs(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("docs").join(name)
}

fn map() -> DataMap {
    toml::from_str(&fs::read_to_string(docs("data-map.toml")).unwrap()).expect("the data map")
}

/// Columns that one engine has and the other hasn't.
fn is_of(engine: Engine, table: &str, column: &str) -> bool {
    match (table, column) {
        ("cases", "row") => engine == Engine::Sqlite,
        ("case_search", "case_id") => engine == Engine::Postgres,
        _ => true,
    }
}

/// What differs between the map and a schema: `+` is stored and not in the map, `-` the other way round.
fn differences(map: &DataMap, engine: Engine, stored: &BTreeMap<String, BTreeSet<String>>) -> Vec<String> {
    let mapped: BTreeSet<String> = map
        .table
        .iter()
        .flat_map(|table| table.groups.iter().flat_map(|group| &group.columns).map(move |column| (&table.name, column)))
        .filter(|(table, column)| is_of(engine, table, column))
        .map(|(table, column)| format!("{table}.{column}"))
        .collect();
    let stored: BTreeSet<String> = stored
        .iter()
        .flat_map(|(table, columns)| columns.iter().map(move |column| format!("{table}.{column}")))
        .collect();
    let more = stored.difference(&mapped).map(|column| format!("+{column}"));
    more.chain(mapped.difference(&stored).map(|column| format!("-{column}"))).collect()
}

/// Whether a value is in a form; `Open` and `Redacted` are any.
fn is_in_form(form: Form, value: &[u8]) -> bool {
    match form {
        // Blanked by erasure.
        _ if value.is_empty() => true,
        Form::Open | Form::Redacted => true,
        Form::Sealed => key_id(value).is_ok(),
        Form::Key => key_id(value).is_ok() && value.len() == fangxin::privacy::vault::WRAPPED,
        Form::Hashed => value.len() == 16,
        Form::Digest => value.len() == 32 || value.starts_with(b"$argon2id$"),
    }
}

/// PRV-01: no column is stored that isn't accounted for, and none is in another form than the map says.
#[test]
fn prv_01_every_column_stands_in_the_data_map_in_its_form() {
    let map = map();
    let mut seen = BTreeSet::new();
    for table in &map.table {
        assert!(!table.purpose.is_empty() && !table.ground.is_empty() && !table.viewers.is_empty(), "{}", table.name);
        for group in &table.groups {
            assert!(map.class.contains_key(&group.class), "{}: class {}", table.name, group.class);
            let plain = matches!(group.form, Form::Open) && group.sort == Sort::Sensitive;
            assert!(!plain, "{}: {:?} is sensitive and lies open", table.name, group.columns);
            for column in &group.columns {
                assert!(seen.insert((&table.name, column)), "{}.{column} stands there twice", table.name);
            }
        }
    }
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete()
            .with("/complainant/id_number", "11010519491231002X")
            .with("/complainant/email", "reader@example.org")
            .file(&app);
        upload(&app, &case, &app.consumer(&case), "file", "发票.pdf", DOCUMENT).send().expect(201);
        let officer = app.officer(&case.office());
        let refusal = json!({ "ground": "R16_3", "reason": "不是生活消费" });
        app.step(&case, &officer, "refuse", &refusal, "refused");
        let reason = json!({ "held": true, "reason": "行政诉讼期间保全证据" });
        app.post(&format!("{}/hold", case.path()), &app.supervisor("320000")).json(&reason).send().expect(200);
        app.stop();
        let mut contents = app.contents();
        let stored = contents.columns();
        assert!(stored.len() > 20 && stored["parties"].contains("phone"), "{engine}: the schema was not read");
        assert_eq!(differences(&map, engine, &stored), [""; 0], "{engine}");

        let mut read = BTreeSet::new();
        for table in &map.table {
            for group in &table.groups {
                for column in group.columns.iter().filter(|column| is_of(engine, &table.name, column)) {
                    for value in contents.values(&table.name, column) {
                        let place = format!("{}.{column}", table.name);
                        assert!(is_in_form(group.form, &value), "{engine}: {place} isn't {:?}", group.form);
                        read.insert(place);
                    }
                }
            }
        }
        for place in [
            "parties.id_number",
            "parties.phone_hash",
            "cases.narrative",
            "attachments.name",
            "documents.page",
            "legal_holds.reason",
            "users.password_hash",
        ] {
            assert!(read.contains(place), "{engine}: {place} held nothing to look at");
        }

        // A column that nobody accounted for is found, and so are a value in the clear and a column that is gone.
        app.tamper("ALTER TABLE parties ADD COLUMN nickname TEXT");
        assert_eq!(differences(&map, engine, &app.contents().columns()), ["+parties.nickname"], "{engine}");
        app.tamper("ALTER TABLE parties DROP COLUMN nickname; ALTER TABLE leases RENAME COLUMN fence TO number");
        let found = differences(&map, engine, &app.contents().columns());
        assert_eq!(found, ["+leases.number", "-leases.fence"], "{engine}");
        for form in [Form::Sealed, Form::Key, Form::Hashed, Form::Digest] {
            assert!(!is_in_form(form, "张三的电话是十三位数字吗不是".as_bytes()), "{form:?}");
        }
    }
}

/// PRV-01: the readable form is what the map says now.
#[test]
fn prv_01_the_document_is_written_from_the_map() {
    crate::security::is_current("data-map.md", &written(&map()));
}

fn written(map: &DataMap) -> String {
    let mut text = String::from(
        "# Data map\n\nWritten from `data-map.toml`, which a test compares with the schema of both engines; don't edit it by hand.\n\n\
         | form | what it means |\n|---|---|\n\
         | open | as it is |\n\
         | sealed | AES-256-GCM or SM4-GCM under the case's key, bound to its table, column and row |\n\
         | hashed | HMAC-SHA-256, 128 bits, under a key outside the database |\n\
         | key | a data key, wrapped by a master key outside the database |\n\
         | digest | SHA-256 of something that can't be guessed, or Argon2id |\n\
         | redacted | words of a text from which names, numbers and addresses were taken out first |\n\n\
         ## How long\n\n| class | until when |\n|---|---|\n",
    );
    for (class, until) in &map.class {
        let _ = writeln!(text, "| {class} | {until} |");
    }
    text.push_str(
        "\nThe sources of a class's length: PIPL Art 19 (no longer than needed) and Art 47 (erasure when the time is over); the years are\n\
         settings, for an installation's archive rules decide them.\n",
    );
    for table in &map.table {
        let _ = writeln!(
            text,
            "\n## {}\n\n{}. Ground: {}. Seen by: {}.\n\n| columns | form | sort | class | |\n|---|---|---|---|---|",
            table.name, table.purpose, table.ground, table.viewers
        );
        for group in &table.groups {
            let columns = group.columns.join(", ");
            let (form, sort) = (format!("{:?}", group.form).to_lowercase(), format!("{:?}", group.sort).to_lowercase());
            let _ = writeln!(text, "| {columns} | {form} | {sort} | {} | {} |", group.class, group.note);
        }
    }
    text
}

//! What `docs/security.md` claims: every test that it names exists, its limits are those of the configuration; and that nothing
//! secret or personal has a form to be printed by accident.

use std::collections::BTreeSet;
use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// Compares a written document with what it is written from; with `FANGXIN_WRITE_DOCS=1` writes it.
#[track_caller]
pub(crate) fn is_current(name: &str, written: &str) {
    let path = root().join("docs").join(name);
    if std::env::var("FANGXIN_WRITE_DOCS").is_ok_and(|value| value == "1") {
        fs::write(&path, written).unwrap();
    }
    let there = fs::read_to_string(&path).unwrap_or_default();
    assert!(there == written, "docs/{name} isn't current: FANGXIN_WRITE_DOCS=1 cargo test --test all writes it anew");
}

/// The files below some folders with an ending.
fn files(folders: &[&str], ending: &str) -> Vec<PathBuf> {
    fn walk(folder: &Path, ending: &str, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, ending, found);
            } else if path.extension().is_some_and(|extension| extension == ending) {
                found.push(path);
            }
        }
    }
    let mut found = Vec::new();
    for folder in folders {
        walk(&root().join(folder), ending, &mut found);
    }
    found.sort();
    found
}

/// Names of the tests of a source text: of functions below `#[test]` and its like.
fn tests_of(text: &str) -> BTreeSet<String> {
    let (mut found, mut marked) = (BTreeSet::new(), false);
    for line in text.lines().map(str::trim) {
        if line.starts_with("#[") && line.contains("test") && !line.contains("cfg(") {
            marked = true;
        } else if let Some(rest) = line.strip_prefix("async ").unwrap_or(line).strip_prefix("fn ")
            && std::mem::take(&mut marked)
        {
            found.insert(rest.split(['(', '<']).next().unwrap_or_default().to_owned());
        }
    }
    found
}

/// The tests that a document names: words in backquotes with `::` in rows of the table of checks.
fn named_in(text: &str) -> Vec<(String, String)> {
    let rows = text.lines().filter(|line| line.starts_with("| SEC-") || line.starts_with("| PRV-"));
    rows.flat_map(|row| {
        let id = row.trim_start_matches("| ").split(' ').next().unwrap_or_default().to_owned();
        let quoted: Vec<&str> = row.split('`').skip(1).step_by(2).filter(|word| word.contains("::")).collect();
        quoted.into_iter().map(move |name| (id.clone(), name.to_owned())).collect::<Vec<_>>()
    })
    .collect()
}

/// The named tests that no source has: `room::name` is a test of `tests/all/room.rs`, `src/path.rs::name` one of that file.
fn missing(named: &[(String, String)], tests: impl Fn(&str) -> BTreeSet<String>) -> Vec<String> {
    named
        .iter()
        .filter(|(_, name)| {
            let (place, test) = name.rsplit_once("::").unwrap_or(("", name));
            !tests(place).contains(test)
        })
        .map(|(id, name)| format!("{id}: {name}"))
        .collect()
}

fn tests_in(place: &str) -> BTreeSet<String> {
    let path =
        if place.starts_with("src/") { root().join(place) } else { root().join(format!("tests/all/{place}.rs")) };
    fs::read_to_string(path).map(|text| tests_of(&text)).unwrap_or_default()
}

#[test]
fn every_check_that_the_document_names_is_a_test() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    let named = named_in(&text);
    assert!(named.len() > 40, "only {} tests are named", named.len());
    assert_eq!(missing(&named, tests_in), [""; 0]);
    // It finds one that isn't there.
    let planted =
        named_in("| SEC-AZ-01 | x | `audit::prv_07_the_first_changed_entry_is_named`, `audit::no_such_test` |");
    assert_eq!(missing(&planted, tests_in), ["SEC-AZ-01: audit::no_such_test"]);
}

#[test]
fn every_test_of_the_checklist_stands_in_the_document() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    let named: BTreeSet<String> =
        named_in(&text).into_iter().filter_map(|(_, name)| Some(name.rsplit_once("::")?.1.to_owned())).collect();
    let sources = files(&["src", "tests/all"], "rs");
    let tests = sources.iter().flat_map(|path| tests_of(&fs::read_to_string(path).unwrap()));
    let of_the_list: Vec<_> = tests.filter(|name| name.starts_with("sec_") || name.starts_with("prv_")).collect();
    assert!(of_the_list.len() > 80, "only {} tests have an id", of_the_list.len());
    let left_out: Vec<_> = of_the_list.iter().filter(|name| !named.contains(*name)).collect();
    assert!(left_out.is_empty(), "tests that docs/security.md doesn't name: {left_out:?}");
}

/// Sections of the settings that are limits, with the keys of other sections that are.
const LIMITS: &[(&str, &[&str])] = &[
    (
        "server",
        &["max_connections", "max_json_bytes", "max_upload_bytes", "header_timeout_seconds", "body_timeout_seconds"],
    ),
    ("auth", &["access_minutes", "idle_minutes", "session_hours"]),
    ("limits", &[]),
    ("attachments", &["max_bytes", "max_per_case", "max_megapixels", "types"]),
    ("privacy", &["unmask_per_day"]),
    ("retention", &[]),
    ("audit", &["checkpoint_minutes"]),
];

/// The table of limits, from the comments and defaults of `config/default.toml`.
fn limits() -> String {
    let defaults = fs::read_to_string(root().join("config/default.toml")).unwrap();
    let mut text = String::from("| setting | default | what it bounds |\n|---|---|---|\n");
    let (mut section, mut comment, mut rows) = (String::new(), String::new(), 0);
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
            comment.clear();
        } else if let Some(words) = line.strip_prefix("# ") {
            comment = format!("{comment} {words}").trim().to_owned();
        } else if let Some((key, value)) = line.split_once(" = ") {
            let told = std::mem::take(&mut comment);
            let listed = LIMITS.iter().find(|(name, _)| *name == section);
            if listed.is_some_and(|(_, keys)| keys.is_empty() || keys.contains(&key)) {
                rows += 1;
                let _ = writeln!(text, "| `{section}.{key}` | `{value}` | {} |", told.replace('|', "\\|"));
            }
        } else {
            comment.clear();
        }
    }
    assert!(rows > 15, "only {rows} limits");
    text
}

#[test]
fn the_limits_of_the_document_are_those_of_the_configuration() {
    let text = fs::read_to_string(root().join("docs/security.md")).expect("docs/security.md");
    let (before, rest) =
        text.split_once("<!-- limits: written from config/default.toml -->\n").expect("the beginning of the limits");
    let (_, after) = rest.split_once("<!-- end of limits -->").expect("the end of the limits");
    let begin = "<!-- limits: written from config/default.toml -->\n";
    is_current("security.md", &format!("{before}{begin}{}<!-- end of limits -->{after}", limits()));
}

/// Names of fields that hold what people wrote, who they are, or what opens something.
const HIDDEN: &[&str] = &[
    "phone",
    "email",
    "address",
    "id_number",
    "narrative",
    "password",
    "access_pin",
    "access_token",
    "refresh_token",
    "destination",
    "personal",
    "reason",
    "texts",
    "complainant",
    "agent",
];

/// Structs with such a field that holds no person's: catalogues, figures, what is masked or sealed already, and what a bench makes up.
const OPEN: &[&str] = &[
    "Office",
    "OfficeView",
    "Station",
    "StationView",
    "RateShown",
    "Refused",
    "Confusion",
    "NoticeLine",
    "PartyRow",
    "OutboxRow",
    "CaseRow",
    "HoldRow",
    "Sealed",
    "Shape",
    "Site",
];

/// What may not be printed and has a derived `Debug`, or a `Display`: `Struct.field`.
fn printable(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let (mut derives, mut name) = (false, None::<String>);
    for line in text.lines() {
        let code = line.trim();
        if let Some(named) = &name {
            if line == "}" || line == "    }" {
                name = None;
            } else if let Some((field, kind)) = code.trim_start_matches("pub ").split_once(": ")
                && HIDDEN.contains(&field.trim_start_matches("pub(super) ").trim_start_matches("pub(crate) "))
                && ["String", "str", "Value", "Map<"].iter().any(|word| kind.contains(word))
            {
                found.push(format!("{named}.{field}"));
            }
        } else if code.starts_with("#[derive(") {
            derives = code.contains("Debug");
        } else if let Some((_, rest)) = code.split_once("struct ").filter(|_| !code.starts_with("//")) {
            let named = rest.split([' ', '<', '(', ';']).next().unwrap_or_default();
            if std::mem::take(&mut derives) && code.ends_with('{') && !OPEN.contains(&named) {
                name = Some(named.to_owned());
            }
        } else if !code.is_empty() && !code.starts_with('#') && !code.starts_with("//") {
            derives = false;
        }
    }
    found
}

/// SEC-LG-02: what is personal or secret has no derived `Debug`, and the types that carry secrets no `Display` and no `Serialize`.
#[test]
fn sec_lg_02_what_is_personal_or_secret_cannot_be_printed_by_accident() {
    let planted = "#[derive(Debug, Clone)]\npub struct Visitor {\n    /// Whose.\n    pub phone: Option<String>,\n    pub age: u8,\n}\n\
                   #[derive(Clone)]\nstruct Quiet {\n    phone: String,\n}\n";
    assert_eq!(printable(planted), ["Visitor.phone"]);
    let mut found = Vec::new();
    let mut sources = String::new();
    for path in files(&["src"], "rs") {
        let text = fs::read_to_string(&path).unwrap();
        let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
        found.extend(printable(production).into_iter().map(|field| format!("{}: {field}", path.display())));
        sources.push_str(production);
    }
    assert!(found.is_empty(), "give it hidden_debug!, or say in the test why it holds nobody's:\n{}", found.join("\n"));
    for secret in ["Secret", "Password", "Ticket", "CaseKey", "Vault", "KeyRing", "Party", "Person", "Submission"] {
        for shown in ["Display", "Serialize"] {
            for form in [format!("{shown} for {secret} "), format!("{shown} for {secret}<")] {
                assert!(!sources.contains(&form), "{secret} has {shown}");
            }
        }
    }
}

//! Who asks for cases says for whom: this reads every function of `src/store/` and fails where one reads rows of cases, or of what
//! belongs to them, and takes neither the caller's `Scope` nor a case that was found within one (`Loaded`).
//!
//! What the service does for itself, on nobody's behalf, is in [`OWN`], each with its reason; nothing else is.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Tables whose rows are of one case.
const TABLES: &[&str] = &[
    "attachments",
    "case_numbers",
    "case_search",
    "cases",
    "clocks",
    "corrections",
    "deliveries",
    "documents",
    "events",
    "external_numbers",
    "holds",
    "links",
    "parties",
    "verdicts",
];

/// Functions that read them for the service itself: file and name, and why no caller's scope is asked for.
const OWN: &[(&str, &str, &str)] = &[
    ("backup.rs", "counts", "how many rows a backup holds"),
    ("backup.rs", "objects", "which files a backup has to take along"),
    ("cases.rs", "any", "whether there is a case at all"),
    (
        "cases.rs",
        "likely_duplicates",
        "intake looks for the same person's cases by keyed hashes; whom they are told to is its to decide",
    ),
    ("cases.rs", "likely_duplicates_of", "the same, of many filings at once"),
    ("cases.rs", "provisional", "keys of cases whose limits a new calendar moves"),
    ("corrections.rs", "add", "whether a number is taken of the case whose request is being kept"),
    ("counters/question.rs", "counted", "figures, without cases"),
    ("counters/recount.rs", "alike", "figures are counted anew, without cases"),
    ("counters/recount.rs", "facts_page", "figures are compared with every case"),
    ("counters/recount.rs", "missing", "whether there are cases that no figure counts"),
    ("counters/recount.rs", "span", "first and last day of all cases"),
    ("dialect/mod.rs", "claim_external", "which of the numbers that intake takes were free"),
    ("dialect/mod.rs", "claim_numbers", "which of the numbers that intake takes were free"),
    ("dialect/mod.rs", "unindex", "a case that is being erased is taken out of the index"),
    ("dialect/mod.rs", "search_condition", "a condition within a query that has its scope"),
    ("filing.rs", "externals", "which of another system's numbers have a case, before any is filed for them"),
    ("keys.rs", "cases_behind", "data keys that are wrapped anew"),
    ("learned.rs", "newest", "what staff said of the machine's choices, for the next classifier"),
    ("retention.rs", "due", "cases whose time of keeping is over"),
    ("retention.rs", "objects", "files of a case that is being erased"),
    ("transfer.rs", "histories", "the chain of every case of a copy is checked"),
    ("transfer.rs", "index", "the full-text index of a copy is made anew"),
    ("upkeep.rs", "below_stage", "keys of cases whose limits ran on to their next stage"),
    ("upkeep.rs", "days_of_receipt", "first and last day of all cases"),
    ("upkeep.rs", "lapsed", "keys of cases whose limits are over"),
    ("watch.rs", "filed_before", "a case that was found within a scope (`Looked`)"),
];

/// A function with its signature and its text, comments left out.
struct Function<'a> {
    name: &'a str,
    signature: String,
    text: String,
}

/// The functions of a source text that is formatted: each ends with a brace that stands below its beginning.
fn functions(text: &str) -> Vec<Function<'_>> {
    let production = text.split("#[cfg(test)]\nmod ").next().unwrap_or_default();
    let lines: Vec<&str> = production.lines().collect();
    let mut found = Vec::new();
    for (start, line) in lines.iter().enumerate() {
        let head = line.trim_start();
        let Some((before, rest)) = head.split_once("fn ") else { continue };
        let plain = |word: &str| matches!(word, "pub" | "pub(super)" | "pub(crate)" | "const" | "async");
        if !before.split_whitespace().all(plain) {
            continue;
        }
        let name = rest.split(['(', '<']).next().unwrap_or_default();
        let close = format!("{}}}", " ".repeat(line.len() - head.len()));
        let length = lines[start..].iter().position(|line| *line == close || line.ends_with(" {}")).unwrap_or(0);
        let own = lines[start..=start + length].iter().filter(|line| !line.trim_start().starts_with("//"));
        let text = own.copied().collect::<Vec<_>>().join("\n");
        let signature = text.split('{').next().unwrap_or_default().to_owned();
        found.push(Function { name, signature, text });
    }
    found
}

/// Whether a text has a name as a word of its own, behind and before something.
fn names(text: &str, before: &str, table: &str, behind: &str) -> bool {
    let wanted = format!("{before}{table}{behind}");
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    text.match_indices(&wanted).any(|(at, _)| {
        let left = before.is_empty() && text[..at].chars().next_back().is_some_and(is_word);
        let right = behind.is_empty() && text[at + wanted.len()..].chars().next().is_some_and(is_word);
        !left && !right
    })
}

/// Functions that read rows of cases for nobody that they know of.
fn unscoped(text: &str) -> Vec<String> {
    let reads = [".load", ".first", ".get_result", "sql_query", ".select(", "sql::<", "\"SELECT"];
    let of_cases = |text: &str| {
        let in_sql = |table| ["FROM ", "JOIN ", "from ", "join "].iter().any(|word| names(text, word, table, ""));
        TABLES.iter().any(|table| names(text, "", table, "::table") || in_sql(table))
    };
    functions(text)
        .into_iter()
        .filter(|one| of_cases(&one.text) && reads.iter().any(|word| one.text.contains(word)))
        .filter(|one| !["Scope", "Loaded"].iter().any(|kind| names(&one.signature, "", kind, "")))
        .map(|one| one.name.to_owned())
        .collect()
}

/// SEC-AZ-02: no query finds a case for somebody whose scope it wasn't told.
#[test]
fn sec_az_02_every_function_that_finds_cases_takes_a_scope() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src/store");
    let mut found = BTreeSet::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(&root).unwrap().to_str().unwrap().to_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.extend(unscoped(&text).into_iter().map(|function| (name.clone(), function)));
            }
        }
    }
    let listed: BTreeSet<_> = OWN.iter().map(|(file, name, _)| ((*file).to_owned(), (*name).to_owned())).collect();
    let strange: Vec<_> = found.difference(&listed).collect();
    assert!(strange.is_empty(), "they read cases and take neither a Scope nor a Loaded: {strange:?}");
    let idle: Vec<_> = listed.difference(&found).collect();
    assert!(idle.is_empty(), "they read no cases without a scope any more: {idle:?}");
}

/// Planted faults: each must be found, or the check proves nothing.
#[test]
fn a_function_that_asks_for_nobody_is_found() {
    let select = "    Ok(cases::table.select(cases::reference).load(db)?)\n}\n";
    for head in [
        "pub fn all(db: &mut Db) -> Result<Vec<String>, StoreError> {\n",
        "fn all(db: &mut Db, code: &str) -> Result<Vec<String>, StoreError> {\n",
        "pub(super) fn all(\n    db: &mut Db,\n    // scope: &Scope,\n    code: &str,\n) -> Result<Vec<String>, StoreError> {\n",
        "pub fn all(tx: &mut Tx<'_>, scope: &Scopes) -> Result<Vec<String>, StoreError> {\n",
    ] {
        assert_eq!(unscoped(&format!("{head}{select}")), ["all"], "{head}");
    }
    let raw = "pub fn all(db: &mut Db) -> Result<Vec<Row>, StoreError> {\n    rows(db, \"SELECT a FROM parties WHERE b = ?\", vec![])\n}\n";
    assert_eq!(unscoped(raw), ["all"]);
    for head in [
        "pub fn all(db: &mut Db, scope: &Scope) -> Result<Vec<String>, StoreError> {\n",
        "pub fn all(db: &mut Db, case: &Loaded) -> Result<Vec<String>, StoreError> {\n",
    ] {
        assert_eq!(unscoped(&format!("{head}{select}")), [""; 0], "{head}");
    }
    let writes = "pub fn add(tx: &mut Tx<'_>, row: &Row) -> Result<(), StoreError> {\n    insert_into(cases::table).values(row).execute(tx.db)\n}\n";
    assert_eq!(unscoped(writes), [""; 0]);
}

//! Dependencies point one way: this reads every file of `src/` and fails where one uses a room that it must not know.
//!
//! A room is a folder of `src/`, or a file directly in it. The arrows are [`ROOMS`], and nothing else; a room that isn't in
//! the table fails too, so that a new one is given its place on purpose. Modules under `#[cfg(test)]` are left out: what they
//! use isn't part of the product.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

struct Room {
    name: &'static str,
    /// Rooms that it may use, besides itself.
    may_use: &'static [&'static str],
    /// Paths outside this crate that it must not name.
    must_not_name: &'static [&'static str],
}

const fn room(name: &'static str, may_use: &'static [&'static str]) -> Room {
    Room { name, may_use, must_not_name: &[] }
}

/// What touches the world: a pure room names none of it.
const WORLD: &[&str] = &[
    "std::env",
    "std::fs",
    "std::net",
    "std::os",
    "std::process",
    "std::thread",
    "std::time",
    "getrandom",
    "object_store",
    "reqwest",
    "tokio",
];

/// From the bottom up; every arrow points to a line above.
const ROOMS: &[Room] = &[
    Room { name: "domain", may_use: &[], must_not_name: WORLD },
    room("ambient", &[]),
    room("config", &["domain", "ambient"]),
    room("privacy", &["domain", "ambient"]),
    room("identity", &["domain", "ambient"]),
    // Entries, their chain, signed checkpoints: what the store keeps of them is one table.
    room("audit", &["domain", "privacy"]),
    room("store", &["domain", "ambient", "audit"]),
    // The way of a case, last stage first. Classifying and routing are arithmetic over the catalogue: they reach no store, so
    // that they can be previewed, simulated and tested without one.
    room("document", &["domain", "ambient", "config"]),
    room("route", &["domain", "ambient", "config"]),
    room("classify", &["domain", "ambient", "config", "route"]),
    room("app", &["domain", "ambient", "config", "privacy", "identity", "audit", "store", "route", "classify"]),
    room("measure", &["domain", "ambient", "config", "privacy", "store", "app"]),
    room("notify", &["domain", "ambient", "config", "privacy", "store", "app"]),
    // It owes one-time codes.
    room("access", &["domain", "ambient", "config", "privacy", "identity", "audit", "store", "app", "notify"]),
    room(
        "track",
        &["domain", "ambient", "config", "document", "privacy", "audit", "store", "app", "measure", "notify"],
    ),
    room(
        "intake",
        &["domain", "ambient", "config", "privacy", "store", "app", "classify", "route", "track", "measure"],
    ),
    room(
        "learn",
        &["domain", "ambient", "config", "privacy", "identity", "audit", "store", "app", "classify", "track"],
    ),
    // Many complaints that are one: it proposes, and what an officer does with a group goes through the steps of its cases.
    room("mass", &["domain", "ambient", "config", "audit", "store", "app", "classify", "track"]),
    // Measuring: it files, loads and asks as everyone else does.
    room("bench", &["domain", "ambient", "config", "store", "app", "intake", "route", "track"]),
    // The doors. They translate and decide nothing.
    room(
        "http",
        &[
            "domain", "ambient", "config", "document", "privacy", "identity", "audit", "store", "app", "access",
            "intake", "classify", "mass", "route", "track", "measure", "notify",
        ],
    ),
    room(
        "cli",
        &[
            "domain", "ambient", "config", "document", "privacy", "identity", "audit", "store", "app", "access",
            "intake", "classify", "learn", "mass", "bench", "route", "track", "measure", "notify", "http",
        ],
    ),
    room("main", &["cli"]),
];

/// Crates that only these rooms may name.
const ONLY: &[(&str, &[&str])] = &[
    ("diesel", &["store"]),
    ("diesel_migrations", &["store"]),
    ("libsqlite3_sys", &["store"]),
    ("pq_sys", &["store"]),
    ("actix_web", &["http", "cli"]),
    ("actix_multipart", &["http"]),
    ("aes_gcm", &["privacy"]),
    ("aws_lc_rs", &["privacy"]),
    ("sm4", &["privacy"]),
    ("argon2", &["identity"]),
    ("krilla", &["document"]),
    ("jsonwebtoken", &["identity"]),
    ("getrandom", &["ambient"]),
    ("prometheus", &["store", "http"]),
];

#[test]
fn every_dependency_points_the_right_way() {
    let mut faults = Vec::new();
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut files = 0;
    walk(&root, &mut |path| {
        let relative = path.strip_prefix(&root).unwrap().to_str().unwrap().replace('\\', "/");
        faults.extend(check(&relative, &fs::read_to_string(path).unwrap()));
        files += 1;
    });
    assert!(files > 10, "only {files} files were read");
    assert!(faults.is_empty(), "\n{}\n", faults.join("\n"));
}

#[test]
fn the_table_has_no_circle() {
    let mut above = BTreeSet::new();
    for room in ROOMS {
        for used in room.may_use {
            assert!(above.contains(used), "{} may use {used}, which doesn't stand above it", room.name);
        }
        assert!(above.insert(room.name), "{} stands there twice", room.name);
    }
    for (name, rooms) in ONLY {
        assert!(rooms.iter().all(|room| above.contains(room)), "{name} is given to an unknown room");
    }
}

#[test]
fn every_setting_is_read_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut sources = Vec::new();
    walk(&root.join("src"), &mut |path| {
        // Where settings are declared and checked they have no effect yet.
        if !path.to_string_lossy().contains("src/config/settings") {
            let tokens = production(tokenise(&fs::read_to_string(path).unwrap()));
            sources.push(tokens.into_iter().map(|(_, token)| token).collect::<Vec<_>>());
        }
    });
    let defaults = fs::read_to_string(root.join("config/default.toml")).unwrap();
    let (mut section, mut keys, mut idle) = (String::new(), 0, Vec::new());
    for line in defaults.lines() {
        if let Some(name) = line.strip_prefix('[').and_then(|line| line.strip_suffix(']')) {
            name.clone_into(&mut section);
        } else if let Some((key, _)) = line.split_once(" = ").filter(|_| !line.starts_with('#')) {
            keys += 1;
            if !sources.iter().any(|tokens| reads(tokens, &section, key)) {
                idle.push(format!("{section}.{key}"));
            }
        }
    }
    assert!(keys > 40, "only {keys} settings were found");
    assert!(idle.is_empty(), "settings that nothing reads: {}", idle.join(", "));
}

/// Whether a file takes a key of a section of the settings: `.section.key`, or `.key` where it also has to do with the section.
fn reads(tokens: &[String], section: &str, key: &str) -> bool {
    let field = |name: &str| tokens.windows(2).any(|pair| pair[0] == "." && pair[1] == name);
    let kind: String = section[..1].to_uppercase() + &section[1..];
    field(key) && (field(section) || (tokens.iter().any(|token| token == "settings") && tokens.contains(&kind)))
}

fn walk(folder: &Path, visit: &mut impl FnMut(&Path)) {
    let mut entries: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            walk(&path, visit);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            visit(&path);
        }
    }
}

/// What is wrong with a file, given its path below `src/` and its text.
fn check(path: &str, text: &str) -> Vec<String> {
    let modules = modules_of(path);
    let name = match path {
        // It declares the rooms, so it knows them all; it re-exports none, since `crate::Thing` is no room.
        "lib.rs" => return Vec::new(),
        "main.rs" => "main",
        _ => modules[0].as_str(),
    };
    let Some(room) = ROOMS.iter().find(|room| room.name == name) else {
        return vec![format!("{path}: the room `{name}` is not in the table")];
    };
    let mut faults = BTreeSet::new();
    let tokens = production(tokenise(text));
    for (line, used) in paths(&tokens, &modules) {
        let mut fault = |text: String| {
            faults.insert((line, text));
        };
        match used.iter().map(String::as_str).collect::<Vec<_>>().as_slice() {
            ["crate", other, ..] => {
                if *other != name && !room.may_use.contains(other) {
                    fault(format!("`{name}` must not use `{other}`"));
                }
            }
            ["crate"] => {
                fault("the whole crate under another name hides what is used".to_owned());
            }
            ["#path"] => {
                fault("#[path] hides where a module lies".to_owned());
            }
            outside => {
                let full = outside.join("::");
                let under = |banned: &&&str| full == **banned || full.starts_with(&format!("{banned}::"));
                if let Some(banned) = room.must_not_name.iter().find(under) {
                    fault(format!("`{name}` must not name `{banned}`"));
                }
                if let Some((krate, _)) =
                    ONLY.iter().find(|(krate, rooms)| outside[0] == *krate && !rooms.contains(&name))
                {
                    fault(format!("`{name}` must not name `{krate}`"));
                }
            }
        }
    }
    faults.into_iter().map(|(line, text)| format!("src/{path}:{line}: {text}")).collect()
}

/// The modules from the crate's root to a file: `domain/case.rs` is `domain`, `case`.
fn modules_of(path: &str) -> Vec<String> {
    let path = path.trim_end_matches(".rs");
    let path = path.strip_suffix("/mod").unwrap_or(path);
    if path == "main" { Vec::new() } else { path.split('/').map(str::to_owned).collect() }
}

/// A word, or one other character; `::` is one token.
type Token = (usize, String);

/// Cuts a source text into tokens; comments, strings and characters are left out.
fn tokenise(text: &str) -> Vec<Token> {
    let chars: Vec<char> = text.chars().collect();
    let at = |index: usize| chars.get(index).copied().unwrap_or('\0');
    let is_word = |c: char| c == '_' || c.is_alphanumeric();
    let (mut tokens, mut line, mut here) = (Vec::new(), 1, 0);
    while here < chars.len() {
        let start = here;
        match chars[here] {
            '/' if at(here + 1) == '/' => {
                while here < chars.len() && chars[here] != '\n' {
                    here += 1;
                }
            }
            '/' if at(here + 1) == '*' => {
                let mut depth = 0;
                loop {
                    match (at(here), at(here + 1)) {
                        ('/', '*') => (depth, here) = (depth + 1, here + 2),
                        ('*', '/') => (depth, here) = (depth - 1, here + 2),
                        _ => here += 1,
                    }
                    if depth == 0 || here >= chars.len() {
                        break;
                    }
                }
            }
            '"' => here = after_string(&chars, here),
            '\'' => {
                // A character ends with a quote; a lifetime doesn't.
                here = if at(here + 1) == '\\' {
                    let close = chars[here + 3..].iter().position(|c| *c == '\'').unwrap_or(0);
                    here + 3 + close + 1
                } else if at(here + 2) == '\'' {
                    here + 3
                } else {
                    here + 1
                };
            }
            c if is_word(c) => {
                while is_word(at(here)) {
                    here += 1;
                }
                let word: String = chars[start..here].iter().collect();
                let hashes = chars[here..].iter().take_while(|c| **c == '#').count();
                let is_prefix = matches!(word.as_str(), "r" | "b" | "br" | "c" | "cr");
                if is_prefix && word.contains('r') && at(here + hashes) == '"' {
                    let close: Vec<char> = std::iter::once('"').chain(std::iter::repeat_n('#', hashes)).collect();
                    here += hashes + 1;
                    while here < chars.len() && !chars[here..].starts_with(&close) {
                        here += 1;
                    }
                    here += close.len();
                } else if word == "r" && hashes == 1 && is_word(at(here + 1)) {
                    // r#word is the word.
                    here += 1;
                } else if !(is_prefix && matches!(at(here), '"' | '\'')) {
                    tokens.push((line, word));
                }
            }
            ':' if at(here + 1) == ':' => {
                tokens.push((line, "::".to_owned()));
                here += 2;
            }
            c => {
                if !c.is_whitespace() {
                    tokens.push((line, c.to_string()));
                }
                here += 1;
            }
        }
        here = here.min(chars.len());
        line += chars[start..here].iter().filter(|c| **c == '\n').count();
    }
    tokens
}

fn after_string(chars: &[char], quote: usize) -> usize {
    let mut here = quote + 1;
    while here < chars.len() {
        match chars[here] {
            '\\' => here += 2,
            '"' => return here + 1,
            _ => here += 1,
        }
    }
    here
}

/// Without the modules under `#[cfg(test)]`.
fn production(tokens: Vec<Token>) -> Vec<Token> {
    let words: Vec<&str> = tokens.iter().map(|(_, word)| word.as_str()).collect();
    let (mut kept, mut here) = (Vec::new(), 0);
    while here < tokens.len() {
        if words[here..].starts_with(&["#", "[", "cfg", "(", "test", ")", "]", "mod"])
            && words.get(here + 9) == Some(&"{")
        {
            here = after_braces(&words, here + 9);
        } else {
            kept.push(tokens[here].clone());
            here += 1;
        }
    }
    kept
}

fn after_braces(words: &[&str], open: usize) -> usize {
    let mut depth = 0;
    for (offset, word) in words[open..].iter().enumerate() {
        match *word {
            "{" => depth += 1,
            "}" => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return open + offset + 1;
        }
    }
    words.len()
}

/// Words after which `::` begins a path instead of going on with one.
const KEYWORDS: &[&str] = &[
    "use", "as", "in", "return", "dyn", "impl", "mut", "ref", "else", "if", "match", "while", "move", "where", "for",
    "let", "break", "unsafe", "const",
];

/// Every path that is named, from the crate's root (`crate`, …) or from another crate, with its line.
fn paths(tokens: &[Token], modules: &[String]) -> Vec<(usize, Vec<String>)> {
    let word = |index: usize| tokens.get(index).map_or("", |(_, word)| word.as_str());
    let mut found = Vec::new();
    // Open braces; those of an inline module count as one step down.
    let mut braces: Vec<bool> = Vec::new();
    for here in 0..tokens.len() {
        let line = tokens[here].0;
        match word(here) {
            "{" => braces.push(here >= 2 && word(here - 2) == "mod"),
            "}" => {
                braces.pop();
            }
            "path" if here >= 2 && word(here - 1) == "[" && word(here - 2) == "#" => {
                found.push((line, vec!["#path".to_owned()]));
            }
            // The rest of a path that was read at its first word.
            _ if here > 1
                && word(here - 1) == "::"
                && is_name(word(here - 2))
                && !KEYWORDS.contains(&word(here - 2)) => {}
            first if is_name(first) => {
                let mut ends = Vec::new();
                let base = match first {
                    "crate" => Some((vec!["crate".to_owned()], here + 1)),
                    "fangxin" if modules.is_empty() => Some((vec!["crate".to_owned()], here + 1)),
                    "super" => {
                        let mut place: Vec<String> = modules.to_vec();
                        place.extend(braces.iter().filter(|inline| **inline).map(|_| "inline".to_owned()));
                        let mut next = here;
                        loop {
                            place.pop();
                            next += 1;
                            if word(next) == "::" && word(next + 1) == "super" {
                                next += 1;
                            } else {
                                break;
                            }
                        }
                        let mut base = vec!["crate".to_owned()];
                        base.extend(place);
                        Some((base, next))
                    }
                    "self" | "Self" | "mod" => None,
                    other => Some((vec![other.to_owned()], here + 1)),
                };
                if let Some((base, next)) = base {
                    if word(next) == "::" {
                        tree(tokens, next + 1, &base, &mut ends);
                    } else if base == ["crate"] && word(next) == "as" {
                        ends.push(base);
                    } else if base[0] != "crate" {
                        // A word alone: `use diesel;`, `#[diesel(…)]`.
                        ends.push(base);
                    }
                }
                found.extend(ends.into_iter().map(|end| (line, end)));
            }
            _ => {}
        }
    }
    found
}

fn is_name(word: &str) -> bool {
    word.starts_with(|c: char| c == '_' || c.is_alphabetic())
}

/// Reads what follows `base::`, a group included, and notes each path. Returns the index behind it.
fn tree(tokens: &[Token], mut here: usize, base: &[String], ends: &mut Vec<Vec<String>>) -> usize {
    let word = |index: usize| tokens.get(index).map_or("", |(_, word)| word.as_str());
    let mut path = base.to_vec();
    loop {
        match word(here) {
            "{" => {
                here += 1;
                while !matches!(word(here), "}" | "") {
                    here = if word(here) == "," { here + 1 } else { tree(tokens, here, &path, ends).max(here + 1) };
                }
                return here + 1;
            }
            // `use crate::*` names everything, `crate::{self}` the crate.
            "*" | "self" => {
                ends.push(path);
                return here + 1;
            }
            name if is_name(name) => {
                path.push(name.to_owned());
                here += 1;
                if word(here) == "::" {
                    here += 1;
                    continue;
                }
                if word(here) == "as" {
                    here += 2;
                }
                ends.push(path);
                return here;
            }
            // `path::<T>`: the path ends here.
            _ => {
                ends.push(path);
                return here;
            }
        }
    }
}

/// Planted faults: each must be found, or the check proves nothing.
mod negative_control {
    use super::check;

    #[track_caller]
    fn refused(path: &str, text: &str) {
        assert!(!check(path, text).is_empty(), "not found in {path}: {text}");
    }

    #[track_caller]
    fn allowed(path: &str, text: &str) {
        assert_eq!(check(path, text), Vec::<String>::new(), "{path}: {text}");
    }

    #[test]
    fn the_domain_knows_nothing_of_ours_and_nothing_of_the_world() {
        refused("domain/case.rs", "use crate::store::Db;");
        refused("domain/case.rs", "use crate::ambient::Clock;");
        refused("domain/case.rs", "fn f() { crate::config::load() }");
        refused("domain/case.rs", "use crate::{domain::money, store};");
        refused("domain/case.rs", "use super::super::store;");
        refused("domain/mod.rs", "use super::store::Db;");
        refused("domain/case.rs", "mod inner { use super::super::super::store::Db; }");
        refused("domain/case.rs", "use std::fs;");
        refused("domain/case.rs", "use std::{collections::HashMap, time::{Duration, Instant}};");
        refused("domain/case.rs", "let home = std::env::var(\"HOME\");");
        refused("domain/case.rs", "std::thread::spawn(|| ());");
        refused("domain/case.rs", "tokio::spawn(async {});");
        refused("domain/case.rs", "fn f() -> u8 { return ::std::process::id(); }");
        allowed("domain/case.rs", "use crate::domain::{money::Money, clock}; use std::{fmt, collections::BTreeMap};");
        allowed("domain/case.rs", "use super::money; mod inner { use super::super::money; } struct S { store: u8 }");
        allowed("domain/mod.rs", "pub mod store; pub mod case; use self::case::Case;");
    }

    #[test]
    fn only_the_store_names_diesel() {
        for path in
            ["intake/mod.rs", "track/mod.rs", "http/api.rs", "cli/mod.rs", "app.rs", "measure/mod.rs", "main.rs"]
        {
            refused(path, "use diesel::prelude::*;");
            refused(path, "#[derive(diesel::Queryable)] struct Row;");
            refused(path, "#[diesel(table_name = cases)] struct Row;");
            refused(path, "use {diesel as d};");
            refused(path, "use ::diesel;");
            refused(path, "extern crate diesel;");
        }
        allowed("store/mod.rs", "use diesel::prelude::*; use diesel_migrations::embed_migrations;");
        allowed("http/api.rs", "// diesel is the store's\n/* diesel::x /* nested */ */ let text = \"diesel::x\";");
    }

    #[test]
    fn a_stage_looks_forward_only() {
        refused("measure/mod.rs", "use crate::track::apply;");
        refused("track/mod.rs", "use crate::intake::File;");
        refused("route/mod.rs", "use crate::classify::rank;");
        refused("classify/mod.rs", "use crate::store::Db;");
        refused("route/mod.rs", "use crate::store::Db;");
        refused("route/mod.rs", "use crate::app::App;");
        refused("intake/mod.rs", "use crate::http::Reply;");
        refused("track/mod.rs", "use actix_web::HttpResponse;");
        allowed("intake/mod.rs", "use crate::{app::App, classify, route, store, track, measure, privacy::Vault};");
        allowed("track/steps/apply.rs", "use crate::measure::count; use super::super::rules;");
    }

    #[test]
    fn what_lies_beside_and_below_stays_there() {
        refused("store/mod.rs", "use crate::config::Catalogue;");
        refused("store/mod.rs", "use crate::privacy::Vault;");
        refused("privacy/vault.rs", "use crate::store::Db;");
        refused("identity/tokens.rs", "use crate::privacy::Secret;");
        refused("config/mod.rs", "use crate::route::Rules;");
        refused("ambient.rs", "use crate::domain::case::Case;");
        refused("http/mod.rs", "use crate::cli::Arguments;");
        refused("intake/mod.rs", "use jsonwebtoken::decode;");
        allowed(
            "identity/tokens.rs",
            "use crate::ambient::Clock; use crate::domain::scope::Scope; use jsonwebtoken::decode;",
        );
        allowed("main.rs", "fn main() { fangxin::cli::run() }");
        refused("main.rs", "fn main() { fangxin::store::open() }");
    }

    #[test]
    fn there_is_no_way_round() {
        refused("domain/case.rs", "use crate as c;");
        refused("domain/case.rs", "use crate::*;");
        refused("domain/case.rs", "use crate::{self as c};");
        refused("domain/case.rs", "use crate::Db;");
        refused("domain/case.rs", "macro_rules! m { () => { $crate::store::open() } }");
        refused("domain/case.rs", "#[path = \"../store/mod.rs\"] mod other;");
        refused("helpers/mod.rs", "");
        refused("util.rs", "");
        refused("domain/case.rs", "let c = '\"'; use crate::store; let d = '\"';");
        refused("domain/case.rs", "fn f<'a>(x: &'a str) {} use crate::store; let q = '\\''; ");
        refused("domain/case.rs", "let raw = r#\"a \" b\"#; use crate::store;");
        refused("domain/case.rs", "let slash = \"\\\\\"; use crate::store;");
        refused("domain/case.rs", "#[cfg(test)] mod tests { fn f() { {} } } use crate::store;");
        allowed("domain/case.rs", "#[cfg(test)] mod tests { use std::fs; use crate::store; }");
        allowed("domain/case.rs", "pub(crate) fn f() {} let raw = r##\"use crate::store; \"# \"##;");
        let faults = check("domain/case.rs", "\n/* \n */ use crate::domain::x;\nuse crate::store::y;\n");
        assert_eq!(faults, ["src/domain/case.rs:4: `domain` must not use `store`"]);
    }
}

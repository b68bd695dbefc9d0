//! Made-up input at the doors that take any: JSON of a filing, a form with a file, words to search for, numbers of people and
//! companies. Each starts from something well-formed and changes it at random, so that it gets past the first checks.
//!
//! In every run a moment each; `make fuzz` for half an hour, or `FANGXIN_FUZZ_SECONDS` a target. What is found is printed as
//! small as it can be made (proptest), to be kept as a case of the parser's own tests.

use crate::evidence::DOCUMENT;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, say};
use fangxin::domain::{identifiers, text};
use fangxin::http::extract;
use fangxin::intake::submission::Raw;
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;
use std::time::{Duration, Instant};

/// Inputs between two looks at the time.
const BATCH: u32 = 64;

/// How long a target is tried.
fn budget() -> Duration {
    let seconds = std::env::var("FANGXIN_FUZZ_SECONDS").ok().and_then(|seconds| seconds.parse().ok());
    Duration::from_secs(seconds.unwrap_or(2))
}

/// Tries inputs of a kind until the time is over, other ones in each run.
fn fuzz<S: Strategy>(target: &str, inputs: S, check: impl Fn(S::Value) -> Result<(), TestCaseError>) {
    let config = Config { cases: BATCH, failure_persistence: None, max_shrink_iters: 2000, ..Config::default() };
    let (since, mut tried) = (Instant::now(), 0);
    while tried == 0 || since.elapsed() < budget() {
        if let Err(found) = TestRunner::new(config.clone()).run(&inputs, &check) {
            panic!("{target}: {found}");
        }
        tried += BATCH;
    }
    say(&format!("fuzz: {target}: {tried} inputs"));
}

/// One change to some bytes.
#[derive(Debug, Clone)]
enum Change {
    Flip(Index, u8),
    Cut(Index, Index),
    Double(Index, Index),
    Insert(Index, Vec<u8>),
}

/// What means something to one of the parsers.
const WORDS: &[&[u8]] = &[
    b"\"",
    b"\\",
    b"\\u0000",
    b"\\ud800",
    b"\\u",
    b"{",
    b"}",
    b"[",
    b"]",
    b",",
    b":",
    b"null",
    b"true",
    b"-1",
    b"1e400",
    b"0.1",
    b"99999999999999999999",
    b"\0",
    b"\xff",
    b"\xed\xa0\x80",
    b"\xf0\xa0\xae\xb7",
    b"\r\n",
    b"--edge",
    b"--edge--",
    b"\r\n\r\n",
    b"Content-Disposition: form-data; name=\"file\"",
    b"filename*=UTF-8''%00",
    b"Content-Type: multipart/mixed",
    b"Content-Length: -1",
    b"\xe2\x80\xae",
    b"\xef\xbb\xbf",
    b"%PDF-",
    b"\x89PNG\r\n\x1a\n",
    b"\xff\xd8\xff",
    b"RIFF",
    b"WEBP",
];

fn change() -> impl Strategy<Value = Change> {
    let place = any::<Index>;
    prop_oneof![
        (place(), any::<u8>()).prop_map(|(at, byte)| Change::Flip(at, byte)),
        (place(), place()).prop_map(|(from, to)| Change::Cut(from, to)),
        (place(), place()).prop_map(|(from, to)| Change::Double(from, to)),
        (place(), select(WORDS)).prop_map(|(at, word)| Change::Insert(at, word.to_vec())),
        (place(), vec(any::<u8>(), 0..8)).prop_map(|(at, bytes)| Change::Insert(at, bytes)),
    ]
}

fn changed(mut bytes: Vec<u8>, changes: &[Change]) -> Vec<u8> {
    let range = |from: &Index, to: &Index, length: usize| {
        let (a, b) = (from.index(length), to.index(length));
        a.min(b)..a.max(b)
    };
    for change in changes {
        let length = bytes.len();
        match change {
            _ if length == 0 => break,
            Change::Flip(at, byte) => bytes[at.index(length)] ^= byte,
            Change::Cut(from, to) => drop(bytes.drain(range(from, to, length))),
            Change::Double(from, to) if length < 65_536 => {
                let part = bytes[range(from, to, length)].to_vec();
                let at = to.index(length);
                bytes.splice(at..at, part);
            }
            Change::Double(..) => {}
            Change::Insert(at, part) => {
                let at = at.index(length);
                bytes.splice(at..at, part.iter().copied());
            }
        }
    }
    bytes
}

/// Something well-formed with a few changes.
fn near(seeds: Vec<Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    (select(seeds), vec(change(), 0..6)).prop_map(|(seed, changes)| changed(seed, &changes))
}

fn full_filing() -> Value {
    let mut filing = FilingBuilder::complete().json().clone();
    filing["respondent"]["platform"] = serde_json::json!({ "name": "某平台", "division": "330100" });
    filing["agent"] = serde_json::json!({ "name": "李四", "phone": "13800138001" });
    filing["external_references"] = serde_json::json!([{ "system": "12345", "number": "A-1" }]);
    filing["incident_date"] = "2026-05-01".into();
    filing["settle_first"] = true.into();
    filing
}

#[test]
fn json_of_a_filing() {
    let seeds =
        [FilingBuilder::complaint(), FilingBuilder::report()].map(|filing| filing.json().to_string().into_bytes());
    let seeds: Vec<Vec<u8>> = seeds.into_iter().chain([full_filing().to_string().into_bytes()]).collect();
    fuzz("JSON of a filing", near(seeds), |bytes| {
        // Whatever is taken can be written and read again, and is the same.
        if let Ok(body) = extract::parse::<Raw>(&bytes) {
            let again = body.raw.to_string();
            let read = extract::parse::<Raw>(again.as_bytes());
            prop_assert!(read.is_ok_and(|read| read.raw == body.raw), "{again}");
        }
        Ok(())
    });
    // And as a whole, to the end of the way.
    for engine in engines() {
        let app = TestApp::start(engine);
        let seeds =
            vec![full_filing().to_string().into_bytes(), FilingBuilder::report().json().to_string().into_bytes()];
        fuzz(&format!("filing on {engine}"), near(seeds), |bytes| {
            let reply = app.post("/api/v1/cases", &Session::anonymous()).body("application/json", bytes).send();
            prop_assert!(matches!(reply.status, 201 | 400 | 409 | 413 | 422), "{reply}");
            Ok(())
        });
    }
}

#[test]
fn form_with_a_file() {
    let app = TestApp::start(Engine::Sqlite);
    let case = FilingBuilder::complete().file(&app);
    let consumer = app.consumer(&case);
    let path = format!("{}/attachments", case.path());
    let form = |content: &[u8]| {
        let head = "--edge\r\nContent-Disposition: form-data; name=\"file\"; filename=\"a.jpg\"\r\nContent-Type: image/jpeg\r\n\r\n";
        [head.as_bytes(), content, b"\r\n--edge--\r\n"].concat()
    };
    let picture = |format| {
        let mut bytes = std::io::Cursor::new(Vec::new());
        image::DynamicImage::new_rgb8(9, 7).write_to(&mut bytes, format).expect("a picture");
        form(&bytes.into_inner())
    };
    use image::ImageFormat::{Jpeg, Png, WebP};
    let seeds = vec![form(DOCUMENT.as_bytes()), picture(Jpeg), picture(Png), picture(WebP)];
    fuzz("form with a file", near(seeds), |bytes| {
        let reply = app.post(&path, &consumer).body("multipart/form-data; boundary=edge", bytes).send();
        prop_assert!(matches!(reply.status, 201 | 400 | 409 | 413 | 415 | 422), "{reply}");
        Ok(())
    });
    app.get(&path, &consumer).send().expect(200);
}

#[test]
fn words_to_search_for() {
    let token = "[\\PC\"'*():^&|!<>~%_\\\\-]{1,12}|电动车|NEAR|AND|OR|NOT|店家";
    let words = || vec(token, 1..5).prop_map(|words| words.join(" "));
    fuzz("tokens of a search", prop_oneof![any::<String>(), words()], |words| {
        for token in text::query_tokens(&words).iter().chain(&text::search_tokens(&words)) {
            let plain = !token.is_empty() && token.chars().all(char::is_alphanumeric);
            prop_assert!(plain, "{words:?} has the token {token:?}");
        }
        // What is indexed is found by the same words.
        let indexed = text::search_tokens(&words);
        prop_assert!(text::query_tokens(&words).iter().all(|token| indexed.contains(token)), "{words:?}");
        Ok(())
    });
    for engine in engines() {
        let app = TestApp::start(engine);
        let case = FilingBuilder::complete().file(&app);
        let officer = app.officer(&case.office());
        fuzz(&format!("search on {engine}"), words(), |words| {
            let query: String = url::form_urlencoded::Serializer::new(String::new()).append_pair("q", &words).finish();
            let reply = app.get(&format!("/api/v1/queue?{query}"), &officer).send();
            prop_assert!(matches!(reply.status, 200 | 422), "{reply}");
            Ok(())
        });
    }
}

#[test]
fn numbers_of_people_and_companies() {
    let digits = "[+＋]?[0-9０-９ X xー－().\u{200b}-]{0,24}";
    let phones = select(vec![
        "13800138000",
        "+8613800138000",
        "0086 138 0013 8000",
        "025-84212345",
        "+852 2123 4567",
        "+39 06 69812345",
    ]);
    let seeds = |texts: &[&str]| near(texts.iter().map(|text| text.as_bytes().to_vec()).collect());
    let garbled = |texts: &[&str]| seeds(texts).prop_map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    type Parser = fn(&str) -> Result<String, fangxin::domain::problem::Invalid>;
    type IsNormal = fn(&str) -> bool;
    let parsers: [(&str, Parser, IsNormal); 4] = [
        ("phone", identifiers::phone, |phone| phone.starts_with('+') && (8..=18).contains(&phone.len())),
        ("credit code", identifiers::uscc, |code| code.len() == 18 && code.chars().all(|c| c.is_ascii_alphanumeric())),
        ("ID number", identifiers::resident_id, |id| id.len() == 18 && id.is_ascii()),
        ("e-mail", identifiers::email, |email| email.contains('@') && !email.contains(char::is_whitespace)),
    ];
    let texts = prop_oneof![
        digits.prop_map(|text| text),
        phones.prop_map(str::to_owned),
        garbled(&[
            "13800138000",
            "91320000MA1MTT2K1X",
            "11010519491231002X",
            "a.b@example.com",
            "＋８６ 138-0013-8000"
        ]),
        any::<String>(),
    ];
    fuzz("numbers", texts, |text| {
        for (name, parse, is_normal) in &parsers {
            if let Ok(normal) = parse(&text) {
                prop_assert!(is_normal(&normal), "{name}: {text:?} becomes {normal:?}");
                // The normal form is its own.
                prop_assert_eq!(parse(&normal), Ok(normal.clone()), "{}: {:?} becomes {:?}", name, text, normal);
            }
        }
        for mask in [identifiers::mask_phone, identifiers::mask_name, identifiers::mask_id, identifiers::mask_email] {
            let masked = mask(&text);
            prop_assert!(
                text.is_empty() || masked.contains('*') || masked.is_empty(),
                "{text:?} is shown as {masked:?}"
            );
        }
        Ok(())
    });
}

//! What is asked of a service that holds cases, over HTTP, and whole lives of new ones.

use super::cases::{DEMANDS, GIVEN, SURNAMES, phone, pick};
use super::client::{Connection, Outcome, on_threads};
use crate::ambient::Stopwatch;
use anyhow::{Context, Result, bail, ensure};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::io::Write;
use std::net::SocketAddr;
use std::time::Duration;

/// An account of an office, with some of its cases.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Officer {
    /// Name to sign in with.
    pub username: String,
    /// Code of the office.
    pub office: String,
    /// Its cases, and those of them that are open.
    pub cases: usize,
    /// See `cases`.
    pub open: usize,
    /// Numbers of some of them.
    pub references: Vec<String>,
}

/// An installation that cases were loaded into.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Site {
    /// Cases.
    pub cases: usize,
    /// Seconds that loading them took.
    pub load_seconds: f64,
    /// Of all accounts.
    pub password: String,
    /// Officers of the offices with the most open cases.
    pub officers: Vec<Officer>,
    /// Sees the province.
    pub supervisor: String,
    /// A sector and a county by which a new complaint reaches an office, and that office's officer.
    pub life: (String, String, String),
}

/// Something that is asked for, in many forms.
#[derive(Debug)]
pub struct Ask {
    /// What it is called in a report.
    pub name: &'static str,
    /// Requests, as they are sent.
    pub requests: Vec<Vec<u8>>,
}

/// Words that people search for.
const WORDS: [&str; 12] =
    ["电池", "退款", "快递", "发票", "会员", "装修", "手机", "过期", "押金", "合同", "物流 赔偿", "培训 退费"];

fn get(path: &str, token: &str) -> Vec<u8> {
    format!("GET {path} HTTP/1.1\r\nHost: bench\r\nAuthorization: Bearer {token}\r\n\r\n").into_bytes()
}

/// As a part of an address.
fn escaped(text: &str) -> String {
    url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// A request with a body.
fn post(path: &str, token: Option<&str>, version: Option<i64>, body: &Value) -> Result<Vec<u8>> {
    let body = body.to_string();
    let mut request = Vec::with_capacity(body.len() + 256);
    write!(request, "POST {path} HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\n")?;
    if let Some(token) = token {
        write!(request, "Authorization: Bearer {token}\r\n")?;
    }
    if let Some(version) = version {
        write!(request, "If-Match: \"{version}\"\r\n")?;
    }
    write!(request, "Content-Length: {}\r\n\r\n{body}", body.len())?;
    Ok(request)
}

/// Sends it and reads the answer, which must have that status.
fn exchange(connection: &mut Connection, request: &[u8], expected: u16) -> Result<Value> {
    let status = connection.exchange(request)?;
    ensure!(status == expected, "answered {status}: {}", String::from_utf8_lossy(connection.body()));
    Ok(serde_json::from_slice(connection.body())?)
}

fn sign_in(connection: &mut Connection, credentials: &Value) -> Result<String> {
    let answer = exchange(connection, &post("/api/v1/auth/token", None, None, credentials)?, 200)?;
    Ok(answer["access_token"].as_str().context("no access token")?.to_owned())
}

/// Signs everyone in and writes the requests.
///
/// # Errors
/// When the service can't be talked to, or doesn't let the accounts in.
pub fn asks(address: SocketAddr, site: &Site) -> Result<Vec<Ask>> {
    let mut connection = Connection::open(address)?;
    let mut token = |username: &str| {
        sign_in(&mut connection, &json!({"username": username, "password": site.password}))
            .with_context(|| format!("signing in as {username}"))
    };
    let officers = site.officers.iter().map(|officer| Ok((officer, token(&officer.username)?)));
    let officers: Vec<(&Officer, String)> = officers.collect::<Result<_>>()?;
    let supervisor = token(&site.supervisor)?;
    let queue = |queries: &[String]| {
        let of_each = |query: &String| {
            let path = format!("/api/v1/queue?limit=25{query}");
            officers.iter().map(|(_, token)| get(&path, token)).collect::<Vec<_>>()
        };
        queries.iter().flat_map(of_each).collect::<Vec<_>>()
    };
    let cases = |path: &str| {
        let of_each = |(officer, token): &(&Officer, String)| {
            let one = |reference: &String| get(&format!("/api/v1/cases/{reference}{path}"), token);
            officer.references.iter().map(one).collect::<Vec<_>>()
        };
        let mut all: Vec<_> = officers.iter().flat_map(of_each).collect();
        // So that neighbours aren't of one office.
        all.sort_by_key(|request| {
            request.iter().rev().fold(0_u64, |hash, byte| hash.wrapping_mul(31) + u64::from(*byte))
        });
        all
    };
    let filters =
        ["&state=accepted", "&state=mediating&kind=complaint", "&overdue=true", "&state=dispatched&sort=newest"];
    let filters = filters.map(str::to_owned);
    let searches = WORDS.map(|word| format!("&q={}", escaped(word)));
    let rates = |queries: &[String]| {
        queries.iter().map(|query| get(&format!("/api/v1/metrics/summary?{query}"), &supervisor)).collect::<Vec<_>>()
    };
    let office = |officer: &(&Officer, String)| format!("office={}", officer.0.office);
    let offices: Vec<String> = officers.iter().map(office).collect();
    let board = ["by=city", "by=sector", "by=department", "by=channel"];
    let board = board.map(|by| get(&format!("/api/v1/metrics/breakdown?{by}"), &supervisor)).to_vec();
    let mut asks = vec![
        Ask { name: "queue, 25 lines", requests: queue(&[String::new()]) },
        Ask { name: "queue, filtered", requests: queue(&filters) },
        Ask { name: "queue, searched", requests: queue(&searches) },
        Ask { name: "one case", requests: cases("") },
        Ask { name: "its history", requests: cases("/events") },
        Ask { name: "rates, province", requests: rates(&["division=320000".to_owned()]) },
        Ask { name: "rates, city", requests: rates(&["division=320100", "division=320500"].map(str::to_owned)) },
        Ask { name: "rates, county", requests: rates(&["division=320115", "division=320583"].map(str::to_owned)) },
        Ask { name: "rates, sector", requests: rates(&["sector=courier", "sector=tourism"].map(str::to_owned)) },
        Ask { name: "rates, office", requests: rates(&offices) },
        Ask { name: "board", requests: board },
    ];
    // The lists behind the numbers are where the summary says that they are.
    let summary = exchange(&mut connection, &get("/api/v1/metrics/summary?division=320000", &supervisor), 200)?;
    let lists =
        summary["rates"].as_array().context("a summary without rates")?.iter().flat_map(|rate| {
            ["numerator", "denominator"].map(|part| rate["cases_url"][part].as_str().map(str::to_owned))
        });
    let lists: Vec<_> = lists.flatten().map(|path| get(&format!("{path}&limit=25"), &supervisor)).collect();
    asks.push(Ask { name: "list behind a rate", requests: lists });
    Ok(asks)
}

/// Files, accepts, takes both consents, mediates, settles and rates, over and over; each is a whole life of nine requests.
///
/// # Errors
/// When the service can't be talked to, or a step isn't taken.
pub fn lives(address: SocketAddr, site: &Site, connections: usize, length: Duration, first: usize) -> Result<Outcome> {
    let (sector, county, username) = &site.life;
    let credentials = json!({"username": username, "password": site.password});
    let officer = sign_in(&mut Connection::open(address)?, &credentials)?;
    let watch = Stopwatch::start();
    let parts = on_threads(connections, |number| {
        let mut connection = Connection::open(address)?;
        let mut outcome = Outcome::default();
        while watch.elapsed() < length {
            let one = Stopwatch::start();
            let filing = filing(first + outcome.begun * connections + number, sector, county);
            live(&mut connection, &officer, &filing)?;
            outcome.begun += 1;
            outcome.accept(one);
        }
        Ok(outcome)
    })?;
    Ok(Outcome::of(parts, watch.elapsed()))
}

/// A complaint that lacks nothing and goes to the office at once.
pub fn filing(number: usize, sector: &str, county: &str) -> Value {
    json!({
        "kind": "complaint",
        "narrative": "上个月在店里买的电动车电池三天就鼓包，商家拒绝更换，也不退款",
        "sector": sector,
        "respondent": {"name": format!("某某车行{}", number % 5_000), "division": county, "address": "双龙大道1号"},
        "complainant": {
            "name": format!("{}{}", pick(&SURNAMES, number, 9), pick(&GIVEN, number, 10)),
            "phone": phone(number), "address": "东山街道2号",
        },
        "demands": [pick(&DEMANDS, number, 12)],
        "amount": "2680.00",
    })
}

fn live(connection: &mut Connection, officer: &str, filing: &Value) -> Result<()> {
    let filed = exchange(connection, &post("/api/v1/cases", None, None, filing)?, 201)?;
    let (Some(reference), Some(pin)) = (filed["reference"].as_str(), filed["access_pin"].as_str()) else {
        bail!("a filing without a number: {filed}");
    };
    let path = format!("/api/v1/cases/{reference}/transitions");
    let consumer = sign_in(connection, &json!({"reference": reference, "access_pin": pin}))?;
    let steps = [
        (officer, json!({"action": "accept"})),
        (consumer.as_str(), json!({"action": "record_consent", "given": true})),
        (officer, json!({"action": "record_consent", "party": "respondent", "given": true})),
        (officer, json!({"action": "start_mediation"})),
        (
            officer,
            json!({"action": "settle", "outcome": "mediated", "amount": "2680.00", "performance_date": "2030-01-01"}),
        ),
        (consumer.as_str(), json!({"action": "rate", "solved": true, "satisfied": 5, "contacted": true})),
    ];
    for ((token, step), version) in steps.iter().zip(1..) {
        exchange(connection, &post(&path, Some(token), Some(version), step)?, 200)?;
    }
    Ok(())
}

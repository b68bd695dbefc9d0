//! A client that costs little: one thread and one keep-alive connection each, requests written by hand, of the answers only
//! the status and the length read.

use crate::ambient::Stopwatch;
use anyhow::{Context, Result, bail, ensure};
use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::time::Duration;

/// Filings that are sent.
pub struct Load<'a> {
    /// Connections at once.
    pub connections: usize,
    /// No filing is begun after that.
    pub length: Duration,
    /// Number of the first filing: each number makes another filing.
    pub first: usize,
    /// Writes the body of a filing, given its number.
    pub body: &'a (dyn Fn(usize, &mut String) + Sync),
}

/// What came of it.
#[derive(Debug, Default)]
pub struct Outcome {
    /// Answered with 201.
    pub accepted: usize,
    /// Other answers, by status.
    pub others: BTreeMap<u16, usize>,
    /// The first of them.
    pub first_other: Option<String>,
    /// Numbers that were used up, sent or not.
    pub begun: usize,
    /// From the first request to the last answer.
    pub elapsed: Duration,
    /// Times of the accepted, microseconds, in order.
    pub micros: Vec<u32>,
    /// Reference numbers of the first that were accepted.
    pub references: Vec<String>,
}

impl Outcome {
    /// The parts of each connection together.
    pub fn of(parts: Vec<Self>, elapsed: Duration) -> Self {
        let connections = parts.len();
        let mut all = Self { elapsed, ..Self::default() };
        for part in parts {
            all.accepted += part.accepted;
            // The numbers are dealt out in turns, so that the longest turn counts for everyone.
            all.begun = all.begun.max(part.begun * connections);
            for (status, count) in part.others {
                *all.others.entry(status).or_default() += count;
            }
            all.first_other = all.first_other.or(part.first_other);
            all.micros.extend(part.micros);
            all.references.extend(part.references);
        }
        all.micros.sort_unstable();
        all
    }

    /// Counts an answer that was right.
    pub fn accept(&mut self, watch: Stopwatch) {
        self.accepted += 1;
        self.micros.push(u32::try_from(watch.elapsed().as_micros()).unwrap_or(u32::MAX));
    }

    /// Counts one that wasn't.
    pub fn refuse(&mut self, status: u16, body: &[u8]) {
        self.first_other.get_or_insert_with(|| format!("{status}: {}", String::from_utf8_lossy(body)));
        *self.others.entry(status).or_default() += 1;
    }

    /// How many a second.
    #[expect(clippy::cast_precision_loss, reason = "counts of a few seconds are exact in f64")]
    pub fn rate(&self) -> f64 {
        self.accepted as f64 / self.elapsed.as_secs_f64()
    }

    /// The time within which so many of a thousand were answered, in milliseconds.
    pub fn permille(&self, of_thousand: usize) -> f64 {
        let place = (self.micros.len() * of_thousand).div_ceil(1000).saturating_sub(1);
        self.micros.get(place).map_or(f64::NAN, |&micros| f64::from(micros) / 1000.0)
    }
}

/// Reference numbers kept of each connection.
const KEPT: usize = 32;

impl std::fmt::Debug for Load<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Load").field("connections", &self.connections).finish_non_exhaustive()
    }
}

/// Files cases for a while.
///
/// # Errors
/// When the service can't be talked to.
pub fn file(address: SocketAddr, load: &Load<'_>) -> Result<Outcome> {
    let watch = Stopwatch::start();
    let parts = on_threads(load.connections, |number| file_on_one(address, load, number, watch))?;
    Ok(Outcome::of(parts, watch.elapsed()))
}

fn file_on_one(address: SocketAddr, load: &Load<'_>, number: usize, watch: Stopwatch) -> Result<Outcome> {
    let mut connection = Connection::open(address)?;
    let (mut body, mut request) = (String::new(), Vec::new());
    let mut outcome = Outcome::default();
    while watch.elapsed() < load.length {
        (load.body)(load.first + outcome.begun * load.connections + number, &mut body);
        request.clear();
        write!(
            request,
            "POST /api/v1/cases HTTP/1.1\r\nHost: bench\r\nContent-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
            body.len()
        )?;
        outcome.begun += 1;
        let one = Stopwatch::start();
        let status = connection.exchange(&request)?;
        if status == 201 {
            outcome.accept(one);
            if outcome.references.len() < KEPT {
                let answer: serde_json::Value = serde_json::from_slice(connection.body())?;
                let reference = answer.get("reference").and_then(serde_json::Value::as_str);
                outcome.references.push(reference.context("an answer without a reference")?.to_owned());
            }
        } else {
            outcome.refuse(status, connection.body());
        }
    }
    Ok(outcome)
}

/// Sends requests in turn for a while, each connection from another place of the list on; only 200 is right.
///
/// # Errors
/// When the service can't be talked to.
pub fn ask(address: SocketAddr, requests: &[Vec<u8>], connections: usize, length: Duration) -> Result<Outcome> {
    ensure!(!requests.is_empty(), "nothing to ask");
    let watch = Stopwatch::start();
    let parts = on_threads(connections, |number| {
        let mut connection = Connection::open(address)?;
        let mut outcome = Outcome::default();
        let mut place = number * 31;
        while watch.elapsed() < length {
            let one = Stopwatch::start();
            let status = connection.exchange(&requests[place % requests.len()])?;
            if status == 200 {
                outcome.accept(one);
            } else {
                outcome.refuse(status, connection.body());
            }
            place += 1;
        }
        Ok(outcome)
    })?;
    Ok(Outcome::of(parts, watch.elapsed()))
}

/// Asks for the cheapest answer for a while: how many came, in which time.
///
/// # Errors
/// When the service can't be talked to.
pub fn echo(address: SocketAddr, connections: usize, length: Duration) -> Result<(usize, Duration)> {
    let watch = Stopwatch::start();
    let counts = on_threads(connections, |_| {
        let mut connection = Connection::open(address)?;
        let mut count = 0;
        while watch.elapsed() < length {
            let status = connection.exchange(b"GET /healthz HTTP/1.1\r\nHost: bench\r\n\r\n")?;
            ensure!(status == 200, "healthz answers {status}");
            count += 1;
        }
        Ok(count)
    })?;
    Ok((counts.iter().sum(), watch.elapsed()))
}

/// The status and the body of one answer.
///
/// # Errors
/// When the service can't be talked to.
pub fn get(address: SocketAddr, path: &str) -> Result<(u16, Vec<u8>)> {
    let mut connection = Connection::open(address)?;
    let status = connection.exchange(format!("GET {path} HTTP/1.1\r\nHost: bench\r\n\r\n").as_bytes())?;
    Ok((status, connection.body().to_vec()))
}

/// Runs the work on so many threads at once, each with its number.
///
/// # Errors
/// The first of the work's.
pub fn on_threads<T: Send>(count: usize, work: impl Fn(usize) -> Result<T> + Sync) -> Result<Vec<T>> {
    let work = &work;
    std::thread::scope(|scope| {
        let threads: Vec<_> = (0..count).map(|number| scope.spawn(move || work(number))).collect();
        threads.into_iter().map(|thread| thread.join().unwrap_or_else(|_| bail!("a client panicked"))).collect()
    })
}

/// A keep-alive connection.
#[derive(Debug)]
pub struct Connection {
    stream: TcpStream,
    buffer: Vec<u8>,
    /// Bytes of the buffer that are the last answer's, and where its body begins.
    filled: usize,
    body: usize,
}

impl Connection {
    /// Opens one.
    ///
    /// # Errors
    /// When nobody listens there.
    pub fn open(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(Duration::from_secs(30)))?;
        Ok(Self { stream, buffer: vec![0; 16 * 1024], filled: 0, body: 0 })
    }

    /// Sends a request and reads its whole answer; gives the status.
    ///
    /// # Errors
    /// When the connection breaks, or the answer isn't one.
    pub fn exchange(&mut self, request: &[u8]) -> Result<u16> {
        self.stream.write_all(request)?;
        (self.filled, self.body) = (0, 0);
        let mut needed = None;
        while needed.is_none_or(|needed| self.filled < needed) {
            if self.filled == self.buffer.len() {
                self.buffer.resize(self.filled * 2, 0);
            }
            let read = self.stream.read(&mut self.buffer[self.filled..])?;
            ensure!(read > 0, "the server closed the connection");
            self.filled += read;
            if needed.is_none()
                && let Some(end) = self.buffer[..self.filled].windows(4).position(|four| four == b"\r\n\r\n")
            {
                self.body = end + 4;
                needed = Some(self.body + content_length(&self.buffer[..end])?);
            }
        }
        let status = self.buffer.get(9..12).and_then(|digits| std::str::from_utf8(digits).ok());
        Ok(status.context("no status")?.parse()?)
    }

    /// The body of the last answer.
    pub fn body(&self) -> &[u8] {
        &self.buffer[self.body..self.filled]
    }
}

fn content_length(head: &[u8]) -> Result<usize> {
    let head = std::str::from_utf8(head)?;
    let length = head.lines().filter_map(|line| line.split_once(':')).find(|(name, _)| {
        // A server may write the name either way.
        name.eq_ignore_ascii_case("content-length")
    });
    Ok(length.context("an answer without Content-Length")?.1.trim().parse()?)
}

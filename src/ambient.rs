//! What a program takes from its surroundings without being asked: the time and randomness. Both are passed in as
//! traits, so that a test can say what day it is and a drill can start the service on another one.
//!
//! This file is the only place that calls the system for them; `clippy.toml` bans the calls everywhere else.

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::{Offset, offset};
use sha2::{Digest, Sha256};
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};
use uuid::Uuid;

/// China Standard Time. Fixed at +08:00: China has had no daylight saving time since 1991, and no date in this service
/// lies before 2020, so that no time zone database is needed.
pub const SHANGHAI: Offset = offset(8);

/// Gives the instant that counts as now.
pub trait Clock: Send + Sync {
    /// The present instant, in UTC. May step back when the system's clock is set.
    fn now(&self) -> Timestamp;
}

/// The calendar day in Asia/Shanghai at an instant: deadlines are days there.
pub fn today_in_shanghai(at: Timestamp) -> Date {
    SHANGHAI.to_datetime(at).date()
}

/// The clock of the system.
#[derive(Debug, Clone, Copy, Default)]
pub struct SystemClock;

impl Clock for SystemClock {
    #[expect(clippy::disallowed_methods, reason = "the one place that implements the clock")]
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A clock that stood at a given instant when it was made and has run on since: for drills, and for tests against a
/// running server.
#[derive(Debug, Clone)]
pub struct OffsetClock {
    start: Timestamp,
    since: Stopwatch,
}

impl OffsetClock {
    /// A clock that shows `start` now.
    pub fn starting_at(start: Timestamp) -> Self {
        Self { start, since: Stopwatch::start() }
    }
}

impl Clock for OffsetClock {
    fn now(&self) -> Timestamp {
        // The sum leaves jiff's range only near the year 9999; standing still there is as good as anything.
        self.start.checked_add(self.since.elapsed()).unwrap_or(Timestamp::MAX)
    }
}

/// A clock that stands still until it is told otherwise: for tests.
#[derive(Debug)]
pub struct ManualClock(Mutex<Timestamp>);

impl ManualClock {
    /// A clock that shows `now` until it is set.
    pub const fn at(now: Timestamp) -> Self {
        Self(Mutex::new(now))
    }

    /// Sets it, forward or back.
    pub fn set(&self, now: Timestamp) {
        *lock(&self.0) = now;
    }

    /// Moves it forward; stops at the end of jiff's range.
    pub fn advance(&self, by: Duration) {
        let mut now = lock(&self.0);
        *now = now.checked_add(by).unwrap_or(Timestamp::MAX);
    }
}

impl Clock for ManualClock {
    fn now(&self) -> Timestamp {
        *lock(&self.0)
    }
}

/// Measures how long something takes, on a clock that never steps. For timings and time-outs, never for dates.
#[derive(Debug, Clone, Copy)]
pub struct Stopwatch(Instant);

impl Stopwatch {
    /// Starts to measure.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that measures durations")]
    pub fn start() -> Self {
        Self(Instant::now())
    }

    /// Time since the start.
    pub fn elapsed(&self) -> Duration {
        self.0.elapsed()
    }
}

/// Gives bytes that nobody can predict: keys, nonces, the random part of identifiers, salts.
pub trait Entropy: Send + Sync {
    /// Fills the whole buffer.
    fn fill(&self, into: &mut [u8]);

    /// A fixed number of bytes.
    fn bytes<const N: usize>(&self) -> [u8; N]
    where
        Self: Sized,
    {
        draw(self)
    }
}

/// A key that sorts by time (uuid v7): the milliseconds of an instant, and randomness.
pub fn key_at(entropy: &dyn Entropy, at: Timestamp) -> Uuid {
    let millis = u64::try_from(at.as_millisecond()).unwrap_or(0);
    uuid::Builder::from_unix_timestamp_millis(millis, &draw::<10>(entropy)).into_uuid()
}

/// A fixed number of bytes from any source, also behind `dyn`.
pub fn draw<const N: usize>(entropy: &(impl Entropy + ?Sized)) -> [u8; N] {
    let mut bytes = [0; N];
    entropy.fill(&mut bytes);
    bytes
}

/// Size of the block drawn from the system at once. A nonce takes 12 bytes, so that one system call serves some
/// hundreds of them.
const BLOCK: usize = 4096;

/// The randomness of the operating system, drawn in blocks.
///
/// A block is kept in memory until it is used up; bytes handed out are wiped from it. Requests longer than a block
/// go straight to the system.
pub struct SystemEntropy(Mutex<Block>);

struct Block {
    bytes: [u8; BLOCK],
    used: usize,
}

impl SystemEntropy {
    /// Draws the first block, so that a system without randomness is found at start.
    ///
    /// # Errors
    /// When the system has no source of randomness.
    #[expect(clippy::disallowed_methods, reason = "the one place that implements randomness")]
    pub fn new() -> Result<Self, getrandom::Error> {
        let mut bytes = [0; BLOCK];
        getrandom::fill(&mut bytes)?;
        Ok(Self(Mutex::new(Block { bytes, used: 0 })))
    }
}

impl Entropy for SystemEntropy {
    fn fill(&self, into: &mut [u8]) {
        if into.len() > BLOCK {
            return from_system(into);
        }
        let mut block = lock(&self.0);
        if BLOCK - block.used < into.len() {
            from_system(&mut block.bytes);
            block.used = 0;
        }
        let (from, to) = (block.used, block.used + into.len());
        let taken = &mut block.bytes[from..to];
        into.copy_from_slice(taken);
        taken.fill(0);
        block.used = to;
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place that implements randomness")]
#[expect(
    clippy::expect_used,
    reason = "it worked at start (SystemEntropy::new) and the kernel's generator doesn't fail afterwards; going on with \
              predictable nonces would be worse than ending"
)]
fn from_system(into: &mut [u8]) {
    getrandom::fill(into).expect("the system's randomness worked at start");
}

impl fmt::Debug for SystemEntropy {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SystemEntropy")
    }
}

/// Predictable bytes for tests: SHA-256 of a seed and a counter. Never for anything real.
#[derive(Debug)]
pub struct SeededEntropy {
    seed: u64,
    counter: Mutex<u64>,
}

impl SeededEntropy {
    /// A source whose whole output follows from the seed and the order of the calls.
    pub const fn new(seed: u64) -> Self {
        Self { seed, counter: Mutex::new(0) }
    }
}

impl Entropy for SeededEntropy {
    fn fill(&self, into: &mut [u8]) {
        let mut counter = lock(&self.counter);
        for part in into.chunks_mut(32) {
            let digest = Sha256::new().chain_update(self.seed.to_be_bytes()).chain_update(counter.to_be_bytes());
            part.copy_from_slice(&digest.finalize()[..part.len()]);
            *counter += 1;
        }
    }
}

/// Locks, also after another thread panicked while it held the lock: nothing guarded here is ever left half changed.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashSet;

    fn instant(text: &str) -> Timestamp {
        text.parse().unwrap()
    }

    #[test]
    fn the_day_in_shanghai_begins_at_sixteen_hundred_utc() {
        assert_eq!(today_in_shanghai(instant("2026-11-23T15:59:59.999Z")).to_string(), "2026-11-23");
        assert_eq!(today_in_shanghai(instant("2026-11-23T16:00:00Z")).to_string(), "2026-11-24");
        assert_eq!(today_in_shanghai(instant("2025-12-31T16:00:00Z")).to_string(), "2026-01-01");
    }

    #[test]
    fn a_manual_clock_moves_only_when_told() {
        let clock = ManualClock::at(instant("2026-01-01T00:00:00Z"));
        assert_eq!(clock.now(), clock.now());
        clock.advance(Duration::from_secs(90));
        assert_eq!(clock.now(), instant("2026-01-01T00:01:30Z"));
        clock.set(instant("2020-01-01T00:00:00Z"));
        assert_eq!(clock.now(), instant("2020-01-01T00:00:00Z"));
    }

    #[test]
    fn an_offset_clock_starts_where_it_is_told_and_runs_on() {
        let start = instant("2027-02-03T00:00:00Z");
        let clock = OffsetClock::starting_at(start);
        std::thread::sleep(Duration::from_millis(5));
        let elapsed = clock.now().duration_since(start);
        assert!(elapsed >= jiff::SignedDuration::from_millis(5) && elapsed < jiff::SignedDuration::from_secs(60));
    }

    #[test]
    fn the_system_clock_shows_a_present_year() {
        assert!(SystemClock.now() > instant("2025-01-01T00:00:00Z"));
    }

    #[test]
    fn system_entropy_never_hands_out_the_same_bytes_and_crosses_blocks() {
        let entropy = SystemEntropy::new().unwrap();
        let drawn: HashSet<[u8; 12]> = (0..2_000).map(|_| entropy.bytes()).collect();
        assert_eq!(drawn.len(), 2_000);
        let mut long = vec![0; BLOCK * 2 + 1];
        entropy.fill(&mut long);
        assert!(long.chunks(64).all(|part| part.iter().any(|&byte| byte != 0) || part.len() < 8));
    }

    #[test]
    fn seeded_entropy_repeats_itself_and_only_itself() {
        let (a, b, c) = (SeededEntropy::new(1), SeededEntropy::new(1), SeededEntropy::new(2));
        let first: [u8; 40] = a.bytes();
        assert_eq!(first, b.bytes());
        assert_ne!(first, c.bytes::<40>());
        assert_ne!(first, a.bytes::<40>());
    }
}

//! How often something may be asked for: token buckets by address or caller, in the memory of this node.
//!
//! The arithmetic is governor's (GCRA). Its time comes from the clock that is passed in, so that a test can let an hour go
//! by; since that clock may step back when the system's is set, only its forward steps count.

use crate::ambient::Clock;
use governor::middleware::NoOpMiddleware;
use governor::nanos::Nanos;
use governor::state::keyed::DashMapStateStore;
use governor::{NotUntil, RateLimiter};
use jiff::Timestamp;
use std::hash::{BuildHasher, RandomState};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// How much is allowed: at once, and how fast it comes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quota {
    /// Attempts at once.
    pub burst: NonZeroU32,
    /// Time after which one more is allowed. Zero counts as a nanosecond.
    pub refill: Duration,
}

impl Quota {
    /// So many at once, and so many more spread over a period.
    pub fn new(burst: NonZeroU32, per_period: NonZeroU32, period: Duration) -> Self {
        Self { burst, refill: period / per_period.get() }
    }
}

/// Too many attempts; when the next one may be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("too many attempts, try again in {seconds} s")]
pub struct RetryAfter {
    /// Whole seconds to wait, at least one: the value of a `Retry-After` header.
    pub seconds: u64,
}

/// Above so many keys, strangers share buckets: memory stays bounded however many addresses an attacker has.
const MAX_KEYS: usize = 100_000;

/// Buckets that keys share when there are too many.
const SHARED: u64 = 1_024;

/// Forget the keys that are back at their full quota after so many checks.
const SWEEP_EVERY: u64 = 1_024;

/// One bucket a key.
pub struct Limiter {
    buckets: RateLimiter<String, DashMapStateStore<String>, Forward, NoOpMiddleware<Nanos>>,
    clock: Forward,
    checks: AtomicU64,
    max_keys: usize,
    hasher: RandomState,
}

impl Limiter {
    /// A limiter in which every key has this quota.
    pub fn new(quota: Quota, clock: Arc<dyn Clock>) -> Self {
        Self::with_max_keys(quota, clock, MAX_KEYS)
    }

    fn with_max_keys(quota: Quota, clock: Arc<dyn Clock>, max_keys: usize) -> Self {
        #[expect(clippy::expect_used, reason = "refused for a period of zero only, which the maximum excludes")]
        let quota = governor::Quota::with_period(quota.refill.max(Duration::from_nanos(1)))
            .expect("longer than zero")
            .allow_burst(quota.burst);
        let clock = Forward::new(clock);
        Self {
            buckets: RateLimiter::new(quota, DashMapStateStore::default(), clock.clone()),
            clock,
            checks: AtomicU64::new(0),
            max_keys,
            hasher: RandomState::new(),
        }
    }

    /// Counts one attempt.
    ///
    /// # Errors
    /// When the quota of this key is used up; the attempt isn't counted then.
    pub fn check(&self, key: &str) -> Result<(), RetryAfter> {
        let checks = self.checks.fetch_add(1, Ordering::Relaxed);
        if checks % SWEEP_EVERY == SWEEP_EVERY - 1 {
            self.buckets.retain_recent();
        }
        let key = if self.buckets.len() >= self.max_keys {
            // The odd character keeps them apart from names and addresses.
            format!("\0{}", self.hasher.hash_one(key) % SHARED)
        } else {
            key.to_owned()
        };
        self.buckets.check_key(&key).map_err(|refused: NotUntil<Nanos>| {
            let wait = refused.wait_time_from(governor::clock::Clock::now(&self.clock));
            RetryAfter { seconds: (wait.as_secs() + u64::from(wait.subsec_nanos() > 0)).max(1) }
        })
    }

    /// Keys that are held at present.
    pub fn held(&self) -> usize {
        self.buckets.len()
    }
}

/// The key of an address: of IPv6 its /64, since one subscriber has all of that; IPv4 in IPv6 counts as IPv4.
pub fn address_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => address.to_string(),
        IpAddr::V6(address) => {
            let [a, b, c, d, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}:{d:x}::/64")
        }
    }
}

/// The key of the network that an address belongs to: of IPv4 its /24, of IPv6 its /48.
pub fn network_key(address: IpAddr) -> String {
    match address.to_canonical() {
        IpAddr::V4(address) => {
            let [a, b, c, _] = address.octets();
            format!("{a}.{b}.{c}.0/24")
        }
        IpAddr::V6(address) => {
            let [a, b, c, ..] = address.segments();
            format!("{a:x}:{b:x}:{c:x}::/48")
        }
    }
}

/// The passed-in clock as governor wants it: time since the start that only grows.
#[derive(Clone)]
struct Forward {
    clock: Arc<dyn Clock>,
    // Last reading, and what has gone by.
    progress: Arc<Mutex<(Timestamp, u64)>>,
}

impl Forward {
    fn new(clock: Arc<dyn Clock>) -> Self {
        let progress = Arc::new(Mutex::new((clock.now(), 0)));
        Self { clock, progress }
    }
}

impl governor::clock::Clock for Forward {
    type Instant = Nanos;

    fn now(&self) -> Nanos {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        // Read under the lock: two threads that read before it could look like a step back.
        let now = self.clock.now();
        let step = u64::try_from(now.duration_since(progress.0).as_nanos()).unwrap_or(0);
        *progress = (now, progress.1.saturating_add(step));
        Nanos::from(progress.1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::ManualClock;

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at("2026-11-24T00:00:00Z".parse().unwrap()))
    }

    fn quota(burst: u32, refill: u64) -> Quota {
        Quota { burst: NonZeroU32::new(burst).unwrap(), refill: Duration::from_secs(refill) }
    }

    fn address(text: &str) -> IpAddr {
        text.parse().unwrap()
    }

    #[test]
    fn a_key_has_its_burst_then_waits_and_others_are_not_touched() {
        let clock = clock();
        let limiter = Limiter::new(quota(3, 20), clock.clone());
        for _ in 0..3 {
            assert_eq!(limiter.check("a"), Ok(()));
        }
        assert_eq!(limiter.check("a"), Err(RetryAfter { seconds: 20 }));
        assert_eq!(limiter.check("b"), Ok(()));
        clock.advance(Duration::from_millis(19_500));
        assert_eq!(limiter.check("a"), Err(RetryAfter { seconds: 1 }));
        clock.advance(Duration::from_millis(500));
        assert_eq!(limiter.check("a"), Ok(()));
        assert!(limiter.check("a").is_err());
        clock.advance(Duration::from_secs(3_600));
        for _ in 0..3 {
            assert_eq!(limiter.check("a"), Ok(()), "the quota fills up again, and no further");
        }
        assert!(limiter.check("a").is_err());
    }

    #[test]
    fn a_clock_that_steps_back_locks_nobody_out_for_longer() {
        let clock = clock();
        let limiter = Limiter::new(quota(1, 10), clock.clone());
        assert_eq!(limiter.check("a"), Ok(()));
        clock.set("2020-01-01T00:00:00Z".parse().unwrap());
        assert_eq!(limiter.check("a"), Err(RetryAfter { seconds: 10 }));
        clock.advance(Duration::from_secs(10));
        assert_eq!(limiter.check("a"), Ok(()));
    }

    #[test]
    fn a_period_is_spread_over_its_attempts() {
        let three = NonZeroU32::new(3).unwrap();
        assert_eq!(Quota::new(three, three, Duration::from_secs(60)), quota(3, 20));
        let clock = clock();
        let limiter = Limiter::new(quota(1, 0), clock.clone());
        assert_eq!(limiter.check("a"), Ok(()));
        clock.advance(Duration::from_nanos(1));
        assert_eq!(limiter.check("a"), Ok(()), "a period of zero limits next to nothing and doesn't fail");
    }

    #[test]
    fn memory_is_bounded_and_the_shared_buckets_still_limit() {
        let clock = clock();
        let limiter = Limiter::with_max_keys(quota(1, 3_600), clock.clone(), 10);
        let allowed = (0..20_000).filter(|number| limiter.check(&format!("stranger {number}")).is_ok()).count();
        assert!(limiter.held() <= 10 + 1_024 && allowed <= 10 + 1_024, "{} held, {allowed} allowed", limiter.held());
        clock.advance(Duration::from_secs(7_200));
        for _ in 0..=SWEEP_EVERY {
            let _ = limiter.check("one");
        }
        assert!(limiter.held() <= 2, "idle keys are forgotten: {}", limiter.held());
    }

    #[test]
    fn a_subscriber_is_a_64() {
        assert_eq!(address_key(address("2001:db8:1:2::1")), address_key(address("2001:db8:1:2:ffff::9")));
        assert_ne!(address_key(address("2001:db8:1:2::1")), address_key(address("2001:db8:1:3::1")));
        assert_eq!(address_key(address("::ffff:192.0.2.1")), "192.0.2.1");
    }

    #[test]
    fn a_network_is_a_24_or_a_48() {
        assert_eq!(network_key(address("::ffff:192.0.2.1")), "192.0.2.0/24");
        assert_eq!(network_key(address("2001:db8:1:2::1")), network_key(address("2001:db8:1:9::1")));
        assert_ne!(network_key(address("2001:db8:1::1")), network_key(address("2001:db8:2::1")));
    }
}

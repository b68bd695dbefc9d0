//! Which refusals are written into the audit log: someone who is refused all the time must not fill it.

use crate::ambient::Clock;
use crate::identity::{Caller, Limiter, Quota};
use std::collections::HashMap;
use std::num::NonZeroU32;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

/// Refusals of one caller at once that are each written down.
const AT_ONCE: NonZeroU32 = NonZeroU32::new(30).unwrap();

/// How many more an hour.
const AN_HOUR: NonZeroU32 = NonZeroU32::new(60).unwrap();

/// Callers of whom is remembered how many were left out; beyond, nothing is, so that memory is bounded.
const MOST_CALLERS: usize = 10_000;

/// Counts refusals by caller. What is left out is told with the next one that is written down.
pub(super) struct Denials {
    quota: Limiter,
    left_out: Mutex<HashMap<String, u64>>,
}

impl Denials {
    pub(super) fn new(clock: Arc<dyn Clock>) -> Self {
        let quota = Quota::new(AT_ONCE, AN_HOUR, Duration::from_secs(3600));
        Self { quota: Limiter::new(quota, clock), left_out: Mutex::default() }
    }

    /// Counts a refusal. `None` when it isn't to be written down, else how many before it weren't.
    pub(super) fn count(&self, who: &Caller) -> Option<u64> {
        let key = format!("{:?} {:?} {:?} {:?}", who.role, who.user, who.case, who.contact);
        let mut left_out = self.left_out.lock().unwrap_or_else(PoisonError::into_inner);
        if self.quota.check(&key).is_ok() {
            return Some(left_out.remove(&key).unwrap_or(0));
        }
        if left_out.len() < MOST_CALLERS || left_out.contains_key(&key) {
            *left_out.entry(key).or_default() += 1;
        }
        None
    }
}

impl std::fmt::Debug for Denials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Denials")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::ManualClock;

    #[test]
    fn a_flood_of_refusals_is_counted_and_told_later() {
        let clock = Arc::new(ManualClock::at("2026-11-24T00:00:00Z".parse().unwrap()));
        let denials = Denials::new(clock.clone());
        let who = |name: &str| Caller { user: Some(name.to_owned()), ..Caller::ANONYMOUS };
        let written = (0..1_000).filter(|_| denials.count(&who("li")) == Some(0)).count();
        assert_eq!(written, 30);
        assert_eq!(denials.count(&who("wang")), Some(0), "another caller's are his own");
        clock.advance(Duration::from_secs(60));
        assert_eq!(denials.count(&who("li")), Some(970));
        assert_eq!(denials.count(&who("li")), None);
        clock.advance(Duration::from_secs(60));
        assert_eq!(denials.count(&who("li")), Some(1));
    }
}

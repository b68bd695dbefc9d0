//! How long somebody has to wait who has tried something too often: a soft lock that grows with each try and never closes for
//! good (OWASP ASVS 5.0, 6.3.1; NIST SP 800-63B, 5.2.2).
//!
//! A try is counted before it is known how it ends, so that many at once can't pass together. What turns out right is taken
//! back by whoever counted it.

use jiff::{SignedDuration, Timestamp};

/// When tries have to wait, and for how long.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Steps {
    /// Tries before the first wait, at least one.
    pub free: u32,
    /// The first wait; each try after it doubles it.
    pub first: SignedDuration,
    /// The longest wait.
    pub longest: SignedDuration,
    /// Time without a try after which everything is forgotten.
    pub forget: SignedDuration,
}

/// What has been tried.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    /// Tries that count.
    pub count: u32,
    /// The last of them.
    pub last_at: Timestamp,
    /// Nothing is tried before.
    pub until: Timestamp,
}

/// Not yet: so long one has to wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wait(pub SignedDuration);

impl Steps {
    /// Counts a try.
    ///
    /// # Errors
    /// When it is too soon; it isn't counted then. No wait is longer than the longest, also after the clock was set back.
    pub fn count(&self, before: Option<Tally>, now: Timestamp) -> Result<Tally, Wait> {
        let before = before.filter(|tally| now.duration_since(tally.last_at) < self.forget);
        if let Some(tally) = before
            && tally.until > now
        {
            let left = tally.until.duration_since(now);
            if left <= self.longest {
                return Err(Wait(left));
            }
        }
        let count = before.map_or(0, |tally| tally.count).saturating_add(1);
        let until = match count.checked_sub(self.free.max(1)) {
            None => now,
            Some(doublings) => now.checked_add(self.wait(doublings)).unwrap_or(now),
        };
        Ok(Tally { count, last_at: now, until })
    }

    /// Takes a try back that was counted and turned out right, with the wait that it began. Other tries stay.
    pub fn take_back(&self, tally: Tally, now: Timestamp) -> Option<Tally> {
        let count = tally.count.checked_sub(1).filter(|count| *count > 0)?;
        let until = if count < self.free.max(1) { now } else { tally.until };
        Some(Tally { count, until, ..tally })
    }

    fn wait(&self, doublings: u32) -> SignedDuration {
        let factor = 1_i32.checked_shl(doublings.min(20)).unwrap_or(i32::MAX);
        self.first.checked_mul(factor).unwrap_or(self.longest).min(self.longest)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEPS: Steps = Steps {
        free: 3,
        first: SignedDuration::from_secs(30),
        longest: SignedDuration::from_secs(300),
        forget: SignedDuration::from_hours(24),
    };

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(1_800_000_000 + second).unwrap()
    }

    #[test]
    fn waits_begin_after_the_free_tries_double_and_stay_below_the_longest() {
        let (mut tally, mut now) = (None, 0);
        let mut waits = Vec::new();
        for _ in 0..9 {
            let counted = STEPS.count(tally, at(now)).unwrap();
            let wait = counted.until.duration_since(at(now)).as_secs();
            waits.push(wait);
            if wait > 0 {
                let early = STEPS.count(Some(counted), at(now + wait - 1)).unwrap_err();
                assert_eq!(early, Wait(SignedDuration::from_secs(1)), "what comes too soon is told how long");
            }
            (tally, now) = (Some(counted), now + wait);
        }
        assert_eq!(waits, [0, 0, 30, 60, 120, 240, 300, 300, 300]);
        assert!(
            STEPS.count(Some(Tally { count: u32::MAX, last_at: at(0), until: at(0) }), at(1)).is_ok(),
            "never for good"
        );
    }

    #[test]
    fn a_day_without_a_try_forgets_all() {
        let tally = Tally { count: 50, last_at: at(0), until: at(300) };
        assert_eq!(STEPS.count(Some(tally), at(86_399)).unwrap().count, 51);
        assert_eq!(
            STEPS.count(Some(tally), at(86_400)).unwrap(),
            Tally { count: 1, last_at: at(86_400), until: at(86_400) }
        );
    }

    #[test]
    fn a_clock_that_is_set_back_locks_nobody_out() {
        let tally = Tally { count: 5, last_at: at(100_000), until: at(100_120) };
        assert!(STEPS.count(Some(tally), at(0)).is_ok());
        assert!(
            STEPS.count(Some(tally), at(99_900)).is_err(),
            "a step back within the wait prolongs it to the longest"
        );
    }

    #[test]
    fn what_was_right_is_taken_back_alone() {
        let third = Tally { count: 3, last_at: at(0), until: at(30) };
        assert_eq!(STEPS.take_back(third, at(0)), Some(Tally { count: 2, last_at: at(0), until: at(0) }));
        assert_eq!(STEPS.take_back(Tally { count: 1, ..third }, at(0)), None);
        let many = Tally { count: 9, last_at: at(0), until: at(300) };
        assert_eq!(STEPS.take_back(many, at(0)), Some(Tally { count: 8, ..many }), "others' tries go on to count");
    }
}

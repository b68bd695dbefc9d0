//! Which cookies are of staff, as far as answered requests have shown. Whether a session is good is asked of the database,
//! which comes after the limits on requests; so a cookie that was just found to be of staff is remembered for a while, and
//! the next requests with it aren't counted against the address that a whole office shares.

use jiff::{SignedDuration, Timestamp};
use std::collections::HashMap;
use std::sync::{Mutex, PoisonError};

/// How long one is remembered after a request with it.
const REMEMBERED: SignedDuration = SignedDuration::from_mins(2);

/// Most that are remembered; beyond, those of the past are forgotten, and if there are none, no more are learnt.
const MOST: usize = 10_000;

/// Hashes of cookies, each with the last instant at which it was shown to be good.
#[derive(Debug, Default)]
pub(super) struct StaffCookies(Mutex<HashMap<[u8; 32], Timestamp>>);

impl StaffCookies {
    /// Whether somebody of the staff was signed in with it lately.
    pub(super) fn knows(&self, hash: &[u8; 32], now: Timestamp) -> bool {
        let known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(hash).is_some_and(|seen| is_fresh(*seen, now))
    }

    /// Somebody of the staff is signed in with it.
    pub(super) fn learn(&self, hash: [u8; 32], now: Timestamp) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MOST {
            known.retain(|_, seen| is_fresh(*seen, now));
        }
        if known.len() < MOST || known.contains_key(&hash) {
            known.insert(hash, now);
        }
    }
}

fn is_fresh(seen: Timestamp, now: Timestamp) -> bool {
    now.duration_since(seen).abs() <= REMEMBERED
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cookie_is_known_for_a_while_after_it_was_good() {
        let cookies = StaffCookies::default();
        let at = |seconds: i64| Timestamp::from_second(1_780_000_000 + seconds).unwrap();
        assert!(!cookies.knows(&[1; 32], at(0)));
        cookies.learn([1; 32], at(0));
        assert!(cookies.knows(&[1; 32], at(120)) && !cookies.knows(&[2; 32], at(0)));
        assert!(!cookies.knows(&[1; 32], at(121)));
        cookies.learn([1; 32], at(121));
        assert!(cookies.knows(&[1; 32], at(200)));
    }

    #[test]
    fn memory_is_bounded() {
        let cookies = StaffCookies::default();
        let key = |n: usize| {
            let mut key = [0; 32];
            key[..8].copy_from_slice(&(n as u64).to_be_bytes());
            key
        };
        let at = |seconds: i64| Timestamp::from_second(1_780_000_000 + seconds).unwrap();
        (0..MOST + 5).for_each(|n| cookies.learn(key(n), at(0)));
        assert!(cookies.knows(&key(0), at(1)) && !cookies.knows(&key(MOST + 1), at(1)));
        cookies.learn(key(MOST + 1), at(500));
        assert!(cookies.knows(&key(MOST + 1), at(500)) && cookies.0.lock().unwrap().len() == 1);
    }
}

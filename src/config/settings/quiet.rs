//! Hours in which nobody is disturbed.

use crate::ambient::SHANGHAI;
use jiff::civil::Time;
use jiff::{Timestamp, ToSpan};
use std::str::FromStr;

/// From one time of day to another in Asia/Shanghai, over midnight when the second is the earlier: `21:00-08:00`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Quiet {
    from: Time,
    until: Time,
}

impl Quiet {
    /// When the quiet hours end that an instant lies in; `None` when it lies in none.
    pub fn end(&self, now: Timestamp) -> Option<Timestamp> {
        let local = SHANGHAI.to_datetime(now);
        let (day, time) = (local.date(), local.time());
        let over_midnight = self.from > self.until;
        let within =
            if over_midnight { time >= self.from || time < self.until } else { time >= self.from && time < self.until };
        let day = if over_midnight && time >= self.from { day.checked_add(1.day()).ok()? } else { day };
        within.then(|| SHANGHAI.to_timestamp(day.to_datetime(self.until)).ok()).flatten()
    }
}

/// Why a text names no hours.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("not HH:MM-HH:MM")]
pub struct NotHours;

impl FromStr for Quiet {
    type Err = NotHours;

    fn from_str(text: &str) -> Result<Self, NotHours> {
        let (from, until) = text.split_once('-').ok_or(NotHours)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| NotHours);
        let (from, until) = (time(from)?, time(until)?);
        if from == until { Err(NotHours) } else { Ok(Self { from, until }) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn end(hours: &str, now: &str) -> Option<String> {
        hours.parse::<Quiet>().unwrap().end(now.parse().unwrap()).map(|at| at.to_string())
    }

    #[test]
    fn a_night_goes_over_midnight() {
        // 21:00 in Shanghai is 13:00 UTC; 08:00 is midnight UTC.
        assert_eq!(end("21:00-08:00", "2026-11-24T12:59:59Z"), None);
        assert_eq!(end("21:00-08:00", "2026-11-24T13:00:00Z").as_deref(), Some("2026-11-25T00:00:00Z"));
        assert_eq!(end("21:00-08:00", "2026-11-24T23:59:59Z").as_deref(), Some("2026-11-25T00:00:00Z"));
        assert_eq!(end("21:00-08:00", "2026-11-25T00:00:00Z"), None);
        assert_eq!(end("12:00-14:00", "2026-11-24T05:00:00Z").as_deref(), Some("2026-11-24T06:00:00Z"));
        for wrong in ["", "21-8", "21:00", "25:00-08:00", "08:00-08:00"] {
            assert!(wrong.parse::<Quiet>().is_err(), "{wrong}");
        }
    }
}

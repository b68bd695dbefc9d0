//! A time limit running on a case. How long it runs is computed in `track`, from a rule and a calendar; this is the record.

use crate::domain::vocabulary::{ClockKind, Stage};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};

/// How a limit is counted. In both the day of the start is not counted (Art 45).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Span {
    /// Working days of the Chinese calendar, rest days moved by 调休 included.
    WorkingDays(u16),
    /// Calendar days.
    Days(u16),
    /// To a date that a person set.
    Until,
}

/// One time limit of a case.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Clock {
    /// Which limit.
    pub kind: ClockKind,
    /// Length as the rule had it, extensions included.
    pub span: Span,
    /// The day whose event started it; not itself counted.
    pub start: Date,
    /// Last day on which the limit is kept, in Asia/Shanghai.
    pub due: Date,
    /// Whether `due` lies in, or was counted through, a year whose calendar isn't published.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub provisional: bool,
    /// Rule version that set it, e.g. `order-121`.
    pub rule: String,
    /// Calendar version that it was counted with.
    pub calendar: String,
    /// Day since which it stands still, when it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paused_on: Option<Date>,
    /// Calendar days for which it has stood still before.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub paused_days: u16,
    /// Day on which it ended; `None` while it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stopped_on: Option<Date>,
    /// How far it has been escalated for its present last day.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stage: Option<Stage>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(days: &u16) -> bool {
    *days == 0
}

impl Clock {
    /// Runs: neither stopped nor standing still.
    pub const fn is_running(&self) -> bool {
        self.stopped_on.is_none() && self.paused_on.is_none()
    }

    /// Ended, and in time.
    pub fn was_kept(&self) -> bool {
        self.stopped_on.is_some_and(|day| day <= self.due)
    }

    /// Past its last day on `today` without having ended or standing still.
    pub fn is_overdue(&self, today: Date) -> bool {
        self.is_running() && today > self.due
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    fn clock() -> Clock {
        Clock {
            kind: ClockKind::Accept,
            span: Span::WorkingDays(7),
            start: date(2026, 11, 23),
            due: date(2026, 12, 2),
            provisional: false,
            rule: "order-121".to_owned(),
            calendar: "cn-2026.1".to_owned(),
            paused_on: None,
            paused_days: 0,
            stopped_on: None,
            stage: None,
        }
    }

    #[test]
    fn the_last_day_is_still_in_time() {
        let running = clock();
        assert!(running.is_running() && !running.was_kept());
        assert!(!running.is_overdue(date(2026, 12, 2)) && running.is_overdue(date(2026, 12, 3)));
        let kept = Clock { stopped_on: Some(date(2026, 12, 2)), ..clock() };
        assert!(kept.was_kept() && !kept.is_running() && !kept.is_overdue(date(2027, 1, 1)));
        let late = Clock { stopped_on: Some(date(2026, 12, 3)), ..clock() };
        assert!(!late.was_kept() && !late.is_overdue(date(2027, 1, 1)));
    }

    #[test]
    fn while_it_stands_still_it_is_not_overdue() {
        let paused = Clock { paused_on: Some(date(2026, 11, 30)), ..clock() };
        assert!(!paused.is_running() && !paused.is_overdue(date(2027, 1, 1)));
    }

    #[test]
    fn json_leaves_out_what_is_not_so_and_comes_back() {
        let json = serde_json::to_string(&clock()).unwrap();
        assert_eq!(
            json,
            r#"{"kind":"ACCEPT","span":{"working_days":7},"start":"2026-11-23","due":"2026-12-02","rule":"order-121","calendar":"cn-2026.1"}"#
        );
        assert_eq!(serde_json::from_str::<Clock>(&json).unwrap(), clock());
        let full = Clock {
            span: Span::Until,
            provisional: true,
            paused_on: Some(date(2026, 11, 24)),
            paused_days: 3,
            stopped_on: Some(date(2026, 11, 25)),
            ..clock()
        };
        let json = serde_json::to_string(&full).unwrap();
        assert_eq!(serde_json::from_str::<Clock>(&json).unwrap(), full);
    }
}

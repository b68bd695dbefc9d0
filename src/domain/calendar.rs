//! Chinese working days: weekends, statutory holidays, rest days moved by 调休, and the year that isn't published yet.

use jiff::ToSpan;
use jiff::civil::{Date, Weekday, date};
use std::collections::{BTreeMap, BTreeSet};

/// What a notice of the State Council says of a day that isn't as its weekday would have it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DayKind {
    /// A statutory holiday, or a rest day announced with it.
    Holiday,
    /// A weekend day that is worked instead.
    MakeupWorkday,
}

/// Which last days move a deadline (Order 121 Art 45 names statutory holidays only).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rollover {
    /// Only holidays and the rest days announced with them; an ordinary weekend doesn't move it.
    HolidayOnly,
    /// Any day of rest.
    AnyRestDay,
}

/// A last day, and how sure it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Due {
    /// The last day of the period.
    pub on: Date,
    /// Whether a year without a published calendar had a part in it.
    pub provisional: bool,
    /// Version of the calendar that it was counted with.
    pub calendar: String,
}

/// The published days of some years, and a rule for the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkCalendar {
    /// Version name, e.g. `cn-2026.1`: what a due date is stored with.
    pub version: String,
    /// Years whose notice is in `days`.
    pub years: BTreeSet<i16>,
    /// Days that differ from their weekday.
    pub days: BTreeMap<Date, DayKind>,
    /// Which last days move.
    pub rollover: Rollover,
}

/// Movable statutory holidays of a year: Qingming's day in April, and (month, day) of the first lunar month's first day,
/// the Dragon Boat Festival (fifth of the fifth) and the Mid-Autumn Festival (fifteenth of the eighth).
struct Movable {
    year: i16,
    qingming: i8,
    new_year: (i8, i8),
    dragon_boat: (i8, i8),
    mid_autumn: (i8, i8),
}

const fn movable(year: i16, qingming: i8, new_year: (i8, i8), dragon_boat: (i8, i8), mid_autumn: (i8, i8)) -> Movable {
    Movable { year, qingming, new_year, dragon_boat, mid_autumn }
}

/// The years 2027 to 2035, from the Chinese lunisolar calendar (GB/T 33661). They stand in until a year's notice is
/// published; in a year that is in neither, only the holidays with a fixed date are known.
const MOVABLE: [Movable; 9] = [
    movable(2027, 5, (2, 6), (6, 9), (9, 15)),
    movable(2028, 4, (1, 26), (5, 28), (10, 3)),
    movable(2029, 4, (2, 13), (6, 16), (9, 22)),
    movable(2030, 5, (2, 3), (6, 5), (9, 12)),
    movable(2031, 5, (1, 23), (6, 24), (10, 1)),
    movable(2032, 4, (2, 11), (6, 12), (9, 19)),
    movable(2033, 4, (1, 31), (6, 1), (9, 8)),
    movable(2034, 5, (2, 19), (6, 20), (9, 27)),
    movable(2035, 5, (2, 8), (6, 10), (9, 16)),
];

/// Whether the day is one of the 13 statutory holidays (全国年节及纪念日放假办法, as in force since 2025-01-01): New Year's
/// Day, four days at Spring Festival from its eve, Qingming, two days at Labour Day, Dragon Boat, Mid-Autumn, three days at
/// National Day. The rest days that a notice adds to them are not known before it.
fn is_statutory(day: Date) -> bool {
    if matches!((day.month(), day.day()), (1, 1) | (5, 1..=2) | (10, 1..=3)) {
        return true;
    }
    let Some(year) = MOVABLE.iter().find(|row| row.year == day.year()) else {
        return false;
    };
    let (month, first) = year.new_year;
    let spring = date(year.year, month, first);
    let here = (day.month(), day.day());
    here == (4, year.qingming)
        || here == year.dragon_boat
        || here == year.mid_autumn
        // From the eve to the third day.
        || (-1..=2).contains(&(i32::from(day.day_of_year()) - i32::from(spring.day_of_year())))
}

fn is_weekend(day: Date) -> bool {
    matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

impl WorkCalendar {
    /// Whether the day is worked. In an unpublished year: weekdays except the fixed and lunar statutory holidays.
    pub fn is_workday(&self, day: Date) -> bool {
        match self.days.get(&day) {
            Some(DayKind::Holiday) => false,
            Some(DayKind::MakeupWorkday) => true,
            None => !is_weekend(day) && !self.is_assumed_holiday(day),
        }
    }

    /// Whether the day is a holiday or a rest day announced with one.
    pub fn is_holiday(&self, day: Date) -> bool {
        match self.days.get(&day) {
            Some(kind) => *kind == DayKind::Holiday,
            None => self.is_assumed_holiday(day),
        }
    }

    /// The `n`-th working day after `start`; `start` itself is not counted (Art 45). For `n` = 0 it is `start`, whatever
    /// day that is. Near the last day that a date can hold (9999-12-31) it is that day.
    pub fn add_working_days(&self, start: Date, n: u16) -> Due {
        let mut on = start;
        let mut left = n;
        while left > 0 {
            let Ok(next) = on.tomorrow() else { break };
            on = next;
            if self.is_workday(on) {
                left -= 1;
            }
        }
        self.due(start, on)
    }

    /// The `n`-th calendar day after `start`, moved off holidays by the roll-over rule (Art 45). Near the last day that a
    /// date can hold (9999-12-31) it is that day.
    pub fn add_days(&self, start: Date, n: u16) -> Due {
        let mut on = start.saturating_add(i64::from(n).days());
        while self.moves(on) {
            let Ok(next) = on.tomorrow() else { break };
            on = next;
        }
        self.due(start, on)
    }

    /// Working days after `from` up to and with `to`; negative when `to` lies before.
    pub fn working_days_between(&self, from: Date, to: Date) -> i32 {
        let (first, last, sign) = if from <= to { (from, to, 1) } else { (to, from, -1) };
        let mut day = first;
        let mut count = 0;
        while day < last {
            let Ok(next) = day.tomorrow() else { break };
            day = next;
            count += i32::from(self.is_workday(day));
        }
        sign * count
    }

    /// Whether a statutory holiday has to be assumed, because no notice says what the day is.
    fn is_assumed_holiday(&self, day: Date) -> bool {
        !self.years.contains(&day.year()) && is_statutory(day)
    }

    /// Whether a period that ends on this day ends later.
    fn moves(&self, last: Date) -> bool {
        match self.rollover {
            Rollover::HolidayOnly => self.is_holiday(last),
            Rollover::AnyRestDay => !self.is_workday(last),
        }
    }

    /// A last day with its certainty: every year from the first day counted to the last day must be published.
    fn due(&self, start: Date, on: Date) -> Due {
        let first = start.tomorrow().map_or(start, |day| day.min(on));
        let provisional = (first.year()..=on.year()).any(|year| !self.years.contains(&year));
        Due { on, provisional, calendar: self.version.clone() }
    }
}

#[cfg(test)]
impl WorkCalendar {
    /// The published days of 2023 to 2026, as the yearly notices of the State Council have them,
    /// for the tests of other modules too.
    pub(crate) fn for_tests() -> Self {
        /// First and last day of each break.
        const BREAKS: &[(Date, Date)] = &[
            (date(2022, 12, 31), date(2023, 1, 2)),
            (date(2023, 1, 21), date(2023, 1, 27)),
            (date(2023, 4, 5), date(2023, 4, 5)),
            (date(2023, 4, 29), date(2023, 5, 3)),
            (date(2023, 6, 22), date(2023, 6, 24)),
            (date(2023, 9, 29), date(2023, 10, 6)),
            (date(2024, 1, 1), date(2024, 1, 1)),
            (date(2024, 2, 10), date(2024, 2, 17)),
            (date(2024, 4, 4), date(2024, 4, 6)),
            (date(2024, 5, 1), date(2024, 5, 5)),
            (date(2024, 6, 10), date(2024, 6, 10)),
            (date(2024, 9, 15), date(2024, 9, 17)),
            (date(2024, 10, 1), date(2024, 10, 7)),
            (date(2025, 1, 1), date(2025, 1, 1)),
            (date(2025, 1, 28), date(2025, 2, 4)),
            (date(2025, 4, 4), date(2025, 4, 6)),
            (date(2025, 5, 1), date(2025, 5, 5)),
            (date(2025, 5, 31), date(2025, 6, 2)),
            (date(2025, 10, 1), date(2025, 10, 8)),
            (date(2026, 1, 1), date(2026, 1, 3)),
            (date(2026, 2, 15), date(2026, 2, 23)),
            (date(2026, 4, 4), date(2026, 4, 6)),
            (date(2026, 5, 1), date(2026, 5, 5)),
            (date(2026, 6, 19), date(2026, 6, 21)),
            (date(2026, 9, 25), date(2026, 9, 27)),
            (date(2026, 10, 1), date(2026, 10, 7)),
        ];
        const MAKEUP: &[Date] = &[
            date(2023, 1, 28),
            date(2023, 1, 29),
            date(2023, 4, 23),
            date(2023, 5, 6),
            date(2023, 6, 25),
            date(2023, 10, 7),
            date(2023, 10, 8),
            date(2024, 2, 4),
            date(2024, 2, 18),
            date(2024, 4, 7),
            date(2024, 4, 28),
            date(2024, 5, 11),
            date(2024, 9, 14),
            date(2024, 9, 29),
            date(2024, 10, 12),
            date(2025, 1, 26),
            date(2025, 2, 8),
            date(2025, 4, 27),
            date(2025, 9, 28),
            date(2025, 10, 11),
            date(2026, 1, 4),
            date(2026, 2, 14),
            date(2026, 2, 28),
            date(2026, 5, 9),
            date(2026, 9, 20),
            date(2026, 10, 10),
        ];
        let holidays = BREAKS
            .iter()
            .flat_map(|(first, last)| first.series(1.day()).take_while(move |day| day <= last))
            .map(|day| (day, DayKind::Holiday));
        let makeup = MAKEUP.iter().map(|day| (*day, DayKind::MakeupWorkday));
        Self {
            version: "cn-2026.1".to_owned(),
            years: (2023..=2026).collect(),
            days: holidays.chain(makeup).collect(),
            rollover: Rollover::HolidayOnly,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn calendar() -> WorkCalendar {
        WorkCalendar::for_tests()
    }

    /// `add_working_days` for several lengths at once.
    fn working(start: Date, lengths: &[u16]) -> Vec<Date> {
        lengths.iter().map(|n| calendar().add_working_days(start, *n).on).collect()
    }

    #[test]
    fn published_years_have_their_known_number_of_working_days() {
        let count = |year| calendar().working_days_between(date(year - 1, 12, 31), date(year, 12, 31));
        assert_eq!([2023, 2024, 2025, 2026].map(count), [249, 251, 248, 248]);
    }

    #[test]
    fn every_day_of_the_notices_is_there() {
        let count = |kind| calendar().days.values().filter(|day| **day == kind).count();
        assert_eq!((count(DayKind::Holiday), count(DayKind::MakeupWorkday)), (116, 26));
    }

    #[test]
    fn spring_festival_2026() {
        // Received on Tue 2026-02-10. Worked: 11 Wed (1), 12 Thu (2), 13 Fri (3), 14 Sat made up (4); the break is 15–23;
        // 24 Tue (5), 25 (6), 26 (7), 27 Fri (8), 28 Sat made up (9); 1 Mar Sun off; 2 Mon (10), 3 (11), 4 (12), 5 (13),
        // 6 Fri (14); 9 Mon (15).
        assert_eq!(
            working(date(2026, 2, 10), &[5, 7, 10, 15]),
            [date(2026, 2, 24), date(2026, 2, 26), date(2026, 3, 2), date(2026, 3, 9)]
        );
        // Received within the break, Wed 2026-02-18: 24 (1), 25 (2), 26 (3), 27 (4), 28 Sat (5), 2 Mar (6), 3 (7).
        assert_eq!(working(date(2026, 2, 18), &[5, 7]), [date(2026, 2, 28), date(2026, 3, 3)]);
    }

    #[test]
    fn national_day_2025() {
        // Received on Fri 2025-09-26. Worked: 28 Sun made up (1), 29 Mon (2), 30 Tue (3); the break is 1–8 Oct; 9 Thu (4),
        // 10 Fri (5), 11 Sat made up (6); 12 Sun off; 13 Mon (7), 14 (8), 15 (9), 16 (10), 17 Fri (11); 20 Mon (12),
        // 21 (13), 22 (14), 23 (15).
        assert_eq!(
            working(date(2025, 9, 26), &[5, 7, 10, 15]),
            [date(2025, 10, 10), date(2025, 10, 13), date(2025, 10, 16), date(2025, 10, 23)]
        );
    }

    #[test]
    fn mid_autumn_and_national_day_2026() {
        // Received on Fri 2026-09-18. Worked: 20 Sun made up (1), 21 Mon (2), 22 (3), 23 (4), 24 Thu (5); 25–27 Mid-Autumn;
        // 28 Mon (6), 29 (7), 30 Wed (8); 1–7 Oct National Day; 8 Thu (9), 9 Fri (10), 10 Sat made up (11); 11 Sun off;
        // 12 Mon (12), 13 (13), 14 (14), 15 (15).
        assert_eq!(
            working(date(2026, 9, 18), &[5, 7, 10, 15]),
            [date(2026, 9, 24), date(2026, 9, 29), date(2026, 10, 9), date(2026, 10, 15)]
        );
    }

    #[test]
    fn end_of_2026_is_provisional_once_it_reaches_2027() {
        let calendar = calendar();
        // Received on Fri 2026-12-25. Worked: 28 Mon (1), 29 (2), 30 (3), 31 Thu (4); 1 Jan 2027 Fri is New Year's Day;
        // 4 Mon (5), 5 (6), 6 (7), 7 (8), 8 Fri (9); 11 Mon (10), 12 (11), 13 (12), 14 (13), 15 Fri (14); 18 Mon (15).
        let start = date(2026, 12, 25);
        let due = |n| calendar.add_working_days(start, n);
        assert_eq!(due(4), Due { on: date(2026, 12, 31), provisional: false, calendar: "cn-2026.1".to_owned() });
        assert_eq!(due(5), Due { on: date(2027, 1, 4), provisional: true, calendar: "cn-2026.1".to_owned() });
        assert_eq!([7, 10, 15].map(|n| due(n).on), [date(2027, 1, 6), date(2027, 1, 11), date(2027, 1, 18)]);
        assert!([7, 10, 15].iter().all(|n| due(*n).provisional));
    }

    #[test]
    fn sixty_days() {
        let calendar = calendar();
        let due = |y, m, d| calendar.add_days(date(y, m, d), 60);
        // 2025-12-22 + 60: 9 days left in December, 31 in January (40), so the 60th is 20 Feb, inside the break of 15–23:
        // the first day after it is 24 Feb.
        assert_eq!(due(2025, 12, 22).on, date(2026, 2, 24));
        // 2025-12-15 + 60: 16 + 31 = 47, the 60th is 13 Feb, a Friday before the break.
        assert_eq!(due(2025, 12, 15).on, date(2026, 2, 13));
        // 2025-12-16 + 60: 15 + 31 = 46, the 60th is 14 Feb, a Saturday that is worked.
        assert_eq!(due(2025, 12, 16).on, date(2026, 2, 14));
        // 2026-01-05 + 60: 26 + 28 = 54, the 60th is 6 Mar, a Friday. From 2026-01-06 it is 7 Mar, an ordinary Saturday,
        // which doesn't move the end.
        assert_eq!(due(2026, 1, 5).on, date(2026, 3, 6));
        assert_eq!(due(2026, 1, 6).on, date(2026, 3, 7));
        // 2025-08-05 + 60: 26 + 30 = 56, the 60th is 4 Oct, inside the break of 1–8: the end is 9 Oct.
        assert_eq!(due(2025, 8, 5).on, date(2025, 10, 9));
        // 2026-08-06 + 60: 25 + 30 = 55, the 60th is 5 Oct, inside the break of 1–7: the end is 8 Oct.
        assert_eq!(due(2026, 8, 6).on, date(2026, 10, 8));
        // 2026-07-27 + 60: 4 + 31 = 35, the 60th is 25 Sep, Mid-Autumn with a break of 25–27: the end is 28 Sep.
        assert_eq!(due(2026, 7, 27).on, date(2026, 9, 28));
        assert!(!due(2026, 7, 27).provisional);
    }

    #[test]
    fn sixty_days_into_2027() {
        let calendar = calendar();
        // 2026-11-01 + 60: 29 + 31 = 60: the last day of 2026, for certain.
        let due = calendar.add_days(date(2026, 11, 1), 60);
        assert_eq!((due.on, due.provisional), (date(2026, 12, 31), false));
        // One day later it falls on New Year's Day and moves to 2 Jan, a Saturday, as far as can be told today.
        let due = calendar.add_days(date(2026, 11, 2), 60);
        assert_eq!((due.on, due.provisional), (date(2027, 1, 2), true));
        // 2026-12-08 + 60: 23 + 31 = 54: 6 Feb 2027, the first day of Spring Festival (5–8 Feb): the end is 9 Feb.
        let due = calendar.add_days(date(2026, 12, 8), 60);
        assert_eq!((due.on, due.provisional), (date(2027, 2, 9), true));
    }

    #[test]
    fn any_rest_day_moves_the_end_when_set_so() {
        let calendar = WorkCalendar { rollover: Rollover::AnyRestDay, ..calendar() };
        // 7 Mar 2026 is an ordinary Saturday; 9 Mar a Monday.
        assert_eq!(calendar.add_days(date(2026, 1, 6), 60).on, date(2026, 3, 9));
        // 14 Feb 2026 is a Saturday that is worked: the end stays.
        assert_eq!(calendar.add_days(date(2025, 12, 16), 60).on, date(2026, 2, 14));
        // 2 Jan 2027 is a Saturday: past New Year's Day and the weekend the end is Monday.
        assert_eq!(calendar.add_days(date(2026, 11, 2), 60).on, date(2027, 1, 4));
    }

    #[test]
    fn roll_over_into_an_unpublished_year_is_provisional() {
        let mut calendar = calendar();
        calendar.days.insert(date(2026, 12, 31), DayKind::Holiday);
        // The 60th day is still in 2026, but how far it moves is for the notice of 2027 to say.
        let due = calendar.add_days(date(2026, 11, 1), 60);
        assert_eq!((due.on, due.provisional), (date(2027, 1, 2), true));
    }

    #[test]
    fn an_unpublished_year_has_thirteen_statutory_holidays() {
        let holidays = |year: i16| {
            date(year, 1, 1)
                .series(1.day())
                .take_while(|day| day.year() == year)
                .filter(|day| is_statutory(*day))
                .count()
        };
        // In 2028 and 2031 Mid-Autumn falls within the three days of National Day.
        assert_eq!((2027..=2035).map(holidays).collect::<Vec<_>>(), [13, 12, 13, 13, 12, 13, 13, 13, 13]);
        // Beyond the table only those with a fixed date are known.
        assert_eq!(holidays(2036), 6);
    }

    #[test]
    fn unpublished_holidays_fall_where_they_should() {
        let calendar = calendar();
        for day in [
            date(2027, 1, 1),
            date(2027, 2, 5),
            date(2027, 2, 8),
            date(2027, 4, 5),
            date(2027, 5, 2),
            date(2027, 6, 9),
            date(2027, 9, 15),
            date(2027, 10, 3),
        ] {
            assert!(calendar.is_holiday(day) && !calendar.is_workday(day), "{day}");
        }
        // Around them: the day before the eve, the fourth day, the bridging days that only a notice can add.
        for day in [date(2027, 2, 4), date(2027, 2, 9), date(2027, 5, 3), date(2027, 10, 4)] {
            assert!(!calendar.is_holiday(day) && calendar.is_workday(day), "{day}");
        }
    }

    #[test]
    fn a_made_up_day_is_worked_and_a_weekend_in_a_break_is_a_holiday() {
        let calendar = calendar();
        assert!(calendar.is_workday(date(2026, 2, 14)) && !calendar.is_holiday(date(2026, 2, 14)));
        assert!(!calendar.is_workday(date(2026, 2, 22)) && calendar.is_holiday(date(2026, 2, 22)));
        assert!(!calendar.is_workday(date(2026, 3, 7)) && !calendar.is_holiday(date(2026, 3, 7)));
    }

    #[test]
    fn nothing_counted_is_the_start() {
        let calendar = calendar();
        // A Saturday stays; a holiday moves, since it is a last day that is none.
        assert_eq!(calendar.add_working_days(date(2026, 3, 7), 0).on, date(2026, 3, 7));
        assert_eq!(calendar.add_days(date(2026, 3, 7), 0).on, date(2026, 3, 7));
        assert_eq!(calendar.add_days(date(2026, 10, 2), 0).on, date(2026, 10, 8));
    }

    #[test]
    fn the_ends_of_time_saturate() {
        let mut calendar = calendar();
        assert_eq!(calendar.add_working_days(Date::MAX, u16::MAX).on, Date::MAX);
        assert_eq!(calendar.add_days(Date::MAX, u16::MAX).on, Date::MAX);
        assert_eq!(calendar.working_days_between(Date::MAX, Date::MAX), 0);
        calendar.add_working_days(Date::MIN, 1);
        calendar.days.insert(Date::MAX, DayKind::Holiday);
        let due = calendar.add_days(Date::MAX, 0);
        assert_eq!((due.on, due.provisional), (Date::MAX, true));
    }

    #[test]
    fn between_is_signed() {
        let calendar = calendar();
        // 10 Feb to 2 Mar 2026: ten, as counted above.
        assert_eq!(calendar.working_days_between(date(2026, 2, 10), date(2026, 3, 2)), 10);
        assert_eq!(calendar.working_days_between(date(2026, 3, 2), date(2026, 2, 10)), -10);
    }

    fn a_day() -> impl Strategy<Value = Date> {
        (0_i64..365 * 8).prop_map(|offset| date(2022, 6, 1).saturating_add(offset.days()))
    }

    proptest! {
        #[test]
        fn due_grows_with_length_and_start(start in a_day(), later in 0_i64..40, n in 0_u16..90, more in 0_u16..30) {
            let calendar = calendar();
            let next = start.saturating_add(later.days());
            for add in [WorkCalendar::add_working_days, WorkCalendar::add_days] {
                let due = add(&calendar, start, n);
                prop_assert!(due.on <= add(&calendar, start, n + more).on);
                prop_assert!(due.on <= add(&calendar, next, n).on);
                prop_assert!(due.on >= start);
            }
        }

        #[test]
        fn working_days_end_on_one_and_are_counted_back(start in a_day(), n in 1_u16..120) {
            let calendar = calendar();
            let due = calendar.add_working_days(start, n).on;
            prop_assert!(calendar.is_workday(due));
            prop_assert_eq!(calendar.working_days_between(start, due), i32::from(n));
            prop_assert_eq!(calendar.working_days_between(due, start), -i32::from(n));
        }

        #[test]
        fn days_end_off_holidays(start in a_day(), n in 0_u16..120) {
            let due = calendar().add_days(start, n).on;
            prop_assert!(!calendar().is_holiday(due));
            let strict = WorkCalendar { rollover: Rollover::AnyRestDay, ..calendar() };
            prop_assert!(strict.is_workday(strict.add_days(start, n).on));
            prop_assert!(due <= strict.add_days(start, n).on);
        }

        /// What ends before a year begins is the same whether that year is published or not; the rest was provisional.
        #[test]
        fn publishing_a_year_changes_nothing_before_it(start in a_day(), n in 0_u16..120, year in 2024_i16..=2026) {
            let after = calendar();
            let mut before = after.clone();
            before.years.retain(|known| *known < year);
            before.days.retain(|day, _| day.year() < year);
            for add in [WorkCalendar::add_working_days, WorkCalendar::add_days] {
                let (old, new) = (add(&before, start, n), add(&after, start, n));
                if new.on.year() < year {
                    prop_assert_eq!(old, new);
                } else {
                    prop_assert!(old.provisional);
                }
            }
        }
    }
}

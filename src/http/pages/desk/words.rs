//! How the desk says dates, limits, amounts and titles.

use crate::ambient::SHANGHAI;
use crate::domain::calendar::WorkCalendar;
use crate::domain::money::Money;
use crate::domain::vocabulary::Lang;
use crate::http::pages::frame::Frame;
use jiff::Timestamp;
use jiff::civil::Date;

/// A state in a word, a shape and a colour.
#[derive(Debug, Clone, Default)]
pub struct Chip {
    /// Class of the stylesheet.
    pub class: &'static str,
    /// Name of the icon.
    pub icon: &'static str,
    /// The words.
    pub words: String,
}

/// Working days within which a limit counts as due soon.
const SOON: i32 = 2;

/// How much of a limit is left.
pub fn left(frame: &Frame, calendar: &WorkCalendar, due: Date, today: Date) -> Chip {
    let chip = |class, icon, words| Chip { class, icon, words };
    let days = |n: i32, one: &str, many: &str| {
        if n == 1 { frame.t(one).to_owned() } else { frame.say(many, &[("n", &n.to_string())]) }
    };
    if due < today {
        let late = calendar.working_days_between(due, today).max(1);
        return chip("over", "late", days(late, "desk.late_one", "desk.late"));
    }
    if due == today {
        return chip("warn", "warn", frame.t("desk.due_today").to_owned());
    }
    let left = calendar.working_days_between(today, due).max(1);
    let (class, icon) = if left <= SOON { ("warn", "warn") } else { ("ok", "clock") };
    chip(class, icon, days(left, "desk.left_one", "desk.left"))
}

/// The chip of a line in a list: what is left of the next limit, or why there is none.
pub fn of_line(
    frame: &Frame,
    calendar: &WorkCalendar,
    state: &str,
    due: Option<Date>,
    ended: bool,
    today: Date,
) -> Chip {
    if ended {
        let words = frame.coded("staff_state", state).to_owned();
        return Chip { class: "", icon: "check", words };
    }
    match due {
        Some(due) => left(frame, calendar, due, today),
        None if state == "suspended" => {
            Chip { class: "paused", icon: "paused", words: frame.t("desk.paused").to_owned() }
        }
        None => Chip { class: "", icon: "todo", words: frame.t("desk.no_limit").to_owned() },
    }
}

/// An instant: 11月23日 09:52, with the year when it is another one.
pub fn moment(frame: &Frame, at: Timestamp, today: Date) -> String {
    let at = SHANGHAI.to_datetime(at);
    let same_year = at.year() == today.year();
    match (frame.lang, same_year) {
        (Lang::Zh, true) => format!("{}月{}日 {}", at.month(), at.day(), at.strftime("%H:%M")),
        (Lang::Zh, false) => format!("{}年{}月{}日 {}", at.year(), at.month(), at.day(), at.strftime("%H:%M")),
        (Lang::En, true) => at.strftime("%-d %b %H:%M").to_string(),
        (Lang::En, false) => at.strftime("%-d %b %Y %H:%M").to_string(),
    }
}

/// A day: 12月2日, with the year when it is another one.
pub fn day(frame: &Frame, on: Date, today: Date) -> String {
    if on.year() != today.year() {
        return frame.day(on);
    }
    match frame.lang {
        Lang::Zh => format!("{}月{}日", on.month(), on.day()),
        Lang::En => on.strftime("%-d %B").to_string(),
    }
}

/// An amount: ¥2,680.00.
pub fn yuan(amount: Money) -> String {
    let text = amount.to_string();
    let (whole, cents) = text.split_once('.').unwrap_or((&text, "00"));
    let (sign, digits) = whole.strip_prefix('-').map_or(("", whole), |digits| ("−", digits));
    format!("{sign}¥{}.{cents}", thousands(digits))
}

/// Digits in groups of three.
pub fn thousands(digits: &str) -> String {
    let mut grouped = String::with_capacity(digits.len() + digits.len() / 3);
    for (place, digit) in digits.chars().enumerate() {
        if place > 0 && (digits.len() - place).is_multiple_of(3) {
            grouped.push(',');
        }
        grouped.push(digit);
    }
    grouped
}

/// Longest title of a case, in characters.
const TITLE: usize = 30;

/// The beginning of a narrative, as the title that people tell cases apart by.
pub fn title(narrative: &str) -> String {
    let first = narrative.trim().split(['。', '！', '？', '!', '?', '\n', '；', ';']).next().unwrap_or_default().trim();
    let mut title: String = first.chars().take(TITLE).collect();
    if first.chars().count() > TITLE {
        title.push('…');
    }
    title
}

/// The last parts of a reference number, by which people call a case.
pub fn short(reference: &str) -> &str {
    reference.splitn(3, '-').nth(2).unwrap_or(reference)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use jiff::civil::date;

    #[test]
    fn amounts_and_titles_are_short_and_whole() {
        assert_eq!(yuan(Money::from_fen(268_000).unwrap()), "¥2,680.00");
        assert_eq!(yuan(Money::from_fen(5).unwrap()), "¥0.05");
        assert_eq!(thousands("1234567"), "1,234,567");
        assert_eq!(title("  电池三天就坏。店家不退"), "电池三天就坏");
        assert_eq!(title(&"长".repeat(31)), format!("{}…", "长".repeat(30)));
        assert_eq!(short("JS-20261123-7K3M9QX-C"), "7K3M9QX-C");
    }

    #[test]
    fn what_is_left_is_said_in_working_days() {
        let frame = Frame::of(&TestRequest::get().uri("/desk").to_http_request());
        let catalogue =
            crate::config::load(&crate::config::Source::Embedded, crate::domain::calendar::Rollover::HolidayOnly)
                .unwrap();
        let chip = |due, today| left(&frame, &catalogue.calendar, due, today).words;
        // 2026-11-28 and 29 are a weekend.
        assert_eq!(chip(date(2026, 12, 2), date(2026, 11, 27)), "剩 3 天");
        assert_eq!(chip(date(2026, 11, 30), date(2026, 11, 27)), "剩 1 天");
        assert_eq!(chip(date(2026, 11, 27), date(2026, 11, 27)), "今天到期");
        assert_eq!(chip(date(2026, 11, 27), date(2026, 11, 28)), "超 1 天");
        assert_eq!(chip(date(2026, 11, 27), date(2026, 12, 1)), "超 2 天");
    }
}

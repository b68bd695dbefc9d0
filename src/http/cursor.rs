//! Where the next page of a list begins, as an opaque text. It grants nothing: each page is read within the caller's scope
//! again, so that a forged one, if it can be read at all, only skips.

use crate::domain::case::CaseId;
use crate::domain::problem::{Invalid, Problems};
use crate::http::error::Problem;
use crate::store::queue::After;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use std::str::FromStr;
use uuid::Uuid;

/// A list of cases, with its order: a cursor of one order is none of another.
pub(super) fn of_case(order: u8, after: After) -> String {
    let After { day, id } = after;
    let mut bytes = vec![b'c', order];
    bytes.extend_from_slice(&day.year().to_be_bytes());
    bytes.extend_from_slice(&day.month().to_be_bytes());
    bytes.extend_from_slice(&day.day().to_be_bytes());
    bytes.extend_from_slice(id.0.as_bytes());
    URL_SAFE_NO_PAD.encode(bytes)
}

/// Reads it.
///
/// # Errors
/// When it is none that this order gives.
pub(super) fn to_case(order: u8, cursor: &str) -> Result<After, Invalid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| forged())?;
    let [b'c', of, y0, y1, month, day, id @ ..] = bytes.as_slice() else { return Err(forged()) };
    let date = Date::new(i16::from_be_bytes([*y0, *y1]), i8::from_be_bytes([*month]), i8::from_be_bytes([*day]));
    let id = Uuid::from_slice(id).ok().filter(|id| id.get_version_num() == 7);
    match (date, id) {
        (Ok(day), Some(id)) if *of == order => Ok(After { day, id: CaseId(id) }),
        _ => Err(forged()),
    }
}

/// A list by code.
pub(super) fn of_code(code: &str) -> String {
    URL_SAFE_NO_PAD.encode(format!("k{code}"))
}

/// Reads it.
///
/// # Errors
/// When it is none that such a list gives.
pub(super) fn to_code(cursor: &str) -> Result<String, Invalid> {
    let bytes = URL_SAFE_NO_PAD.decode(cursor).map_err(|_| forged())?;
    let text = String::from_utf8(bytes).map_err(|_| forged())?;
    text.strip_prefix('k').filter(|code| code.len() <= 100).map(str::to_owned).ok_or_else(forged)
}

/// Reads the cursor of a list by something that is written as text, such as an id.
///
/// # Errors
/// When it is none that such a list gives.
pub(super) fn to_id<T: FromStr>(cursor: &str) -> Result<T, Invalid> {
    to_code(cursor)?.parse().map_err(|_| forged())
}

fn forged() -> Invalid {
    Invalid::new("cursor", "not a cursor of this list").allowed("the next_cursor of the page before")
}

/// Reads `limit`.
pub(super) fn limit(given: Option<&str>, default: usize, most: usize, faults: &mut Problems) -> usize {
    let parsed = given.map(|text| {
        text.parse()
            .ok()
            .filter(|limit| (1..=most).contains(limit))
            .ok_or_else(|| Invalid::new("range", "not a number of lines").allowed(format!("1 to {most}")))
    });
    parsed.and_then(|parsed| faults.take("/limit", parsed)).unwrap_or(default)
}

/// How many lines to read for a page: one more than it has tells whether there is another.
pub(super) fn one_more(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX - 1) + 1
}

/// Cuts what was read to a page; gives the cursor after its last line, when there is another page.
pub(super) fn cut<T>(lines: &mut Vec<T>, limit: usize, after: impl FnOnce(&T) -> String) -> Option<String> {
    let more = lines.len() > limit;
    lines.truncate(limit);
    lines.last().filter(|_| more).map(after)
}

/// 422 when something was noted.
///
/// # Errors
/// See above.
pub(super) fn check(faults: Problems) -> Result<(), Problem> {
    Ok(faults.check()?)
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_cursor_comes_back_and_a_forged_one_does_not() {
        let id = CaseId(Uuid::parse_str("01890a5d-ac96-774b-bcce-b302099a8057").unwrap());
        let after = After { day: date(9999, 12, 31), id };
        assert_eq!(to_case(1, &of_case(1, after)), Ok(after));
        assert!(to_case(2, &of_case(1, after)).is_err());
        for forged in ["", "x", "a'b", "AAAA", &of_code("amr"), &of_case(1, after)[1..]] {
            assert!(to_case(1, forged).is_err(), "{forged}");
        }
        assert_eq!(to_code(&of_code("amr-320115")).as_deref(), Ok("amr-320115"));
        assert!(to_code(&of_case(1, after)).is_err() && to_code("!").is_err());
    }
}

//! The number that people read out on the phone: `JS-20261123-7K3M9QX-C`.

use crate::domain::problem::Invalid;
use crate::domain::text;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// What the random characters are drawn from: no 0, O, 1 and I, which are misread for one another.
const ALPHABET: &[u8; 32] = b"23456789ABCDEFGHJKLMNPQRSTUVWXYZ";

/// Random characters in a number: 32^7, about 3.4 × 10^10 numbers a day.
const DRAWN: usize = 7;

/// Letters of the prefix, fewest and most.
const PREFIX: std::ops::RangeInclusive<usize> = 2..=4;

/// Characters after the prefix, hyphens left out: date, random characters, check character.
const AFTER_PREFIX: usize = 8 + DRAWN + 1;

/// A reference number: the installation's prefix, the day of receipt, seven characters drawn at random from an alphabet
/// without 0, O, 1 and I, and a check character (ISO 7064 MOD 37,36 over all before it), so that a misread number is refused.
///
/// The check character shows every single wrong character. Of two neighbours changed about, it alone would miss one pair in
/// some hundred (two values that follow one another, at one state of the 36); numbers with such a pair among the drawn
/// characters are never given out, so that only two digits of the date can ever pass.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    /// Makes a number from 16 random bytes. Draws whose check character could be misread are skipped.
    /// `attempt` picks another number from the same bytes, for the rare case that the first is taken.
    /// The prefix is the installation's, which the configuration has held against [`Reference::is_prefix`].
    pub fn draw(prefix: &str, day: Date, random: [u8; 16], attempt: u32) -> Self {
        let date = format!("{:04}{:02}{:02}", day.year(), day.month(), day.day());
        let fixed = prefix.len() + date.len();
        // About one draw in eight is skipped, so that this ends after a few rounds.
        let mut round: u32 = 0;
        loop {
            let drawn = draw_characters(&random, attempt, round);
            let mut number = format!("{prefix}{date}{drawn}");
            let check = check_character(number.as_bytes());
            number.push(char::from(check));
            if ALPHABET.contains(&check) && !can_be_transposed(number.as_bytes(), fixed) {
                return Self(format!("{prefix}-{date}-{drawn}-{}", char::from(check)));
            }
            round = round.wrapping_add(1);
        }
    }

    /// Whether a text can be the prefix of an installation: two to four letters A–Z.
    pub fn is_prefix(text: &str) -> bool {
        PREFIX.contains(&text.len()) && text.bytes().all(|b| b.is_ascii_uppercase())
    }

    /// Reads a number as people write it: any case, spaces or full-width characters, hyphens left out.
    ///
    /// # Errors
    /// `reference` when it hasn't the shape of one, `checksum` when its check character doesn't fit.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fault = || {
            Invalid::new("reference", "not a reference number")
                .allowed("e.g. JS-20261123-7K3M9QX-C, with or without hyphens")
        };
        let mut plain = String::with_capacity(PREFIX.end() + AFTER_PREFIX);
        for c in text.chars() {
            let c = text::half_width(c);
            if c.is_ascii_alphanumeric() && plain.len() < PREFIX.end() + AFTER_PREFIX {
                plain.push(c.to_ascii_uppercase());
            } else if !(c.is_whitespace() || text::is_dash(c) || text::is_invisible(c)) {
                return Err(fault());
            }
        }
        let prefix = plain.len().saturating_sub(AFTER_PREFIX);
        if !PREFIX.contains(&prefix) {
            return Err(fault());
        }
        let (letters, rest) = plain.split_at(prefix);
        let (date, rest) = rest.split_at(8);
        let (drawn, check) = rest.split_at(DRAWN);
        if !Self::is_prefix(letters) || !is_date(date) || !drawn.bytes().all(|b| ALPHABET.contains(&b)) {
            return Err(fault());
        }
        let expected = check_character(&plain.as_bytes()[..plain.len() - 1]);
        if !ALPHABET.contains(&expected) || check.as_bytes() != [expected] {
            return Err(Invalid::new(
                "checksum",
                "not a reference number: a character is wrong or two are changed about",
            ));
        }
        Ok(Self(format!("{letters}-{date}-{drawn}-{check}")))
    }

    /// Takes a number as it is, without any check. Only for values that the store wrote, all of which were drawn or parsed.
    pub fn from_stored(number: String) -> Self {
        Self(number)
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

/// The random part of a draw, from the hash of everything that distinguishes it.
fn draw_characters(random: &[u8; 16], attempt: u32, round: u32) -> String {
    let mut hasher = Sha256::new();
    hasher.update(b"fangxin.reference.1");
    hasher.update(random);
    hasher.update(attempt.to_be_bytes());
    hasher.update(round.to_be_bytes());
    // 256 is a multiple of 32: every character is as likely as the others.
    hasher.finalize().iter().take(DRAWN).map(|byte| char::from(ALPHABET[usize::from(byte % 32)])).collect()
}

fn is_date(digits: &str) -> bool {
    let number = |range: std::ops::Range<usize>| digits.get(range).and_then(|part| part.parse().ok());
    digits.bytes().all(|b| b.is_ascii_digit())
        && match (digits[..4].parse(), number(4..6), number(6..8)) {
            (Ok(year), Some(month), Some(day)) => Date::new(year, month, day).is_ok(),
            _ => false,
        }
}

/// Value of a character in ISO 7064 MOD 37,36: 0–9, then A–Z.
const fn value(character: u8) -> u32 {
    match character {
        b'0'..=b'9' => (character - b'0') as u32,
        b'A'..=b'Z' => (character - b'A') as u32 + 10,
        // Nothing else gets here: prefixes, dates and draws hold letters and digits only.
        _ => 0,
    }
}

/// The intermediate sum of the hybrid system after a character, 1 to 36; `state` is the product before it, 36 at the start.
const fn sum(state: u32, character: u8) -> u32 {
    match (state + value(character)) % 36 {
        0 => 36,
        sum => sum,
    }
}

/// The product that goes on to the next character.
const fn product(sum: u32) -> u32 {
    sum * 2 % 37
}

/// The check character of ISO 7064 MOD 37,36 for upper-case letters and digits.
fn check_character(text: &[u8]) -> u8 {
    let state = text.iter().fold(36, |state, character| product(sum(state, *character)));
    // The sum with the check character is 1 modulo 36.
    let check = (37 - state) % 36;
    b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"[check as usize]
}

/// Whether two neighbours, the second of them at `from` or later, could be changed about without the check character showing it.
///
/// That is so for exactly one pair of sums: 2·18 mod 37 − 18 and 2·19 mod 37 − 19 are the same modulo 36.
fn can_be_transposed(text: &[u8], from: usize) -> bool {
    let mut state = 36;
    for (index, pair) in text.windows(2).enumerate() {
        let here = sum(state, pair[0]);
        let swapped = sum(state, pair[1]);
        if index + 1 >= from && matches!((here, swapped), (18, 19) | (19, 18)) {
            return true;
        }
        state = product(here);
    }
    false
}

impl fmt::Display for Reference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Serialize for Reference {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&self.0)
    }
}

impl<'de> Deserialize<'de> for Reference {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;
    use proptest::prelude::*;

    const ALL: &[u8] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ";

    fn drawn(seed: u128) -> Reference {
        Reference::draw("JS", date(2026, 11, 23), seed.to_be_bytes(), 0)
    }

    fn code(text: &str) -> &'static str {
        Reference::parse(text).map_or_else(|fault| fault.code, |_| "ok")
    }

    #[test]
    fn the_check_character_is_that_of_the_standard() {
        // The Global Release Identifier of the GRid Standard, Part 1: A1-2425G-ABC1234002-M.
        assert_eq!(check_character(b"A12425GABC1234002"), b'M');
    }

    #[test]
    fn people_may_write_it_as_they_like() {
        let number = drawn(7);
        let canonical = number.as_str();
        let bare: String = canonical.chars().filter(|c| *c != '-').collect();
        let wide: String = canonical.chars().map(|c| char::from_u32(c as u32 - 0x21 + 0xff01).unwrap()).collect();
        let spaced: String = bare.chars().flat_map(|c| [c, ' ']).collect();
        for spelling in
            [canonical.to_lowercase(), bare.clone(), wide, spaced, canonical.replace('-', "—"), format!(" {bare}\n")]
        {
            assert_eq!(Reference::parse(&spelling), Ok(number.clone()), "{spelling}");
        }
    }

    #[test]
    fn other_shapes_are_no_reference() {
        let long = "A".repeat(100_000);
        for text in ["", "JS", "JS-20261123-7K3M9QX", "J-20261123-7K3M9QX-C", "JSABC-20261123-7K3M9QX-C", &long] {
            assert_eq!(code(text), "reference");
        }
        for text in ["JS-20261323-7K3M9QX-C", "JS-20260229-7K3M9QX-C", "JS-20261123-7K3M9Q1-C", "J5-20261123-7K3M9QX-C"]
        {
            assert_eq!(code(text), "reference");
        }
        assert_eq!(code("JS_20261123_7K3M9QX_C"), "reference");
        assert_eq!(code("JS-20261123-江K3M9QX-C"), "reference");
    }

    #[test]
    fn prefixes() {
        assert!(["JS", "ABC", "WXYZ"].into_iter().all(Reference::is_prefix));
        assert!(!["", "J", "js", "J5", "ABCDE", "江苏"].into_iter().any(Reference::is_prefix));
    }

    #[test]
    fn attempts_differ() {
        let numbers: std::collections::BTreeSet<_> =
            (0..100).map(|attempt| Reference::draw("JS", date(2026, 11, 23), [9; 16], attempt)).collect();
        assert_eq!(numbers.len(), 100);
    }

    #[test]
    fn what_the_store_wrote_is_taken_as_it_is() {
        let number = drawn(1);
        assert_eq!(Reference::from_stored(number.as_str().to_owned()), number);
        let json = serde_json::to_string(&number).unwrap();
        assert_eq!(serde_json::from_str::<Reference>(&json).unwrap(), number);
    }

    proptest! {
        #[test]
        fn what_is_drawn_can_be_read(prefix in "[A-Z]{2,4}", day in 0_i64..20_000, random in any::<[u8; 16]>(), attempt in 0_u32..5) {
            let day = date(2020, 1, 1).saturating_add(jiff::ToSpan::days(day));
            let number = Reference::draw(&prefix, day, random, attempt);
            prop_assert_eq!(Reference::parse(number.as_str()), Ok(number.clone()));
            prop_assert_eq!(Reference::draw(&prefix, day, random, attempt), number.clone());
            prop_assert!(!number.as_str().ends_with(['0', 'O', '1', 'I']));
        }

        #[test]
        fn one_wrong_character_is_refused(seed in any::<u128>()) {
            let number = drawn(seed).as_str().as_bytes().to_vec();
            for at in (0..number.len()).filter(|at| number[*at] != b'-') {
                for other in ALL.iter().filter(|other| **other != number[at]) {
                    let mut wrong = number.clone();
                    wrong[at] = *other;
                    prop_assert!(Reference::parse(&String::from_utf8(wrong).unwrap()).is_err());
                }
            }
        }

        #[test]
        fn two_neighbours_changed_about_are_refused(seed in any::<u128>()) {
            let number: Vec<u8> = drawn(seed).as_str().bytes().filter(|b| *b != b'-').collect();
            for at in (0..number.len() - 1).filter(|at| number[*at] != number[at + 1]) {
                let mut wrong = number.clone();
                wrong.swap(at, at + 1);
                prop_assert!(Reference::parse(&String::from_utf8(wrong).unwrap()).is_err());
            }
        }

        #[test]
        fn anything_can_be_parsed(text in any::<String>()) {
            let _ = Reference::parse(&text);
        }
    }
}

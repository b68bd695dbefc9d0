//! Amounts in yuan, kept as fen and written as decimal strings.

use crate::domain::problem::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// An amount of money in fen (1/100 yuan), never negative and at most 9 999 999 999.99 yuan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Money {
    fen: i64,
}

/// Largest amount taken, in fen.
const MOST: i64 = 999_999_999_999;

impl Money {
    /// An amount from fen; `None` when out of range.
    pub fn from_fen(fen: i64) -> Option<Self> {
        (0..=MOST).contains(&fen).then_some(Self { fen })
    }

    /// The amount in fen.
    pub const fn fen(self) -> i64 {
        self.fen
    }

    /// Reads `"2680"`, `"2680.5"` or `"2680.00"`: digits, at most two decimals, no sign, no separators.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fault = || {
            Invalid::new("amount", "not an amount").allowed("decimal string from 0 to 9999999999.99, e.g. \"2680.00\"")
        };
        let (yuan, fen) = text.split_once('.').unwrap_or((text, "0"));
        let digits = |s: &str, most: usize| (1..=most).contains(&s.len()) && s.bytes().all(|b| b.is_ascii_digit());
        if !digits(yuan, 10) || !digits(fen, 2) {
            return Err(fault());
        }
        let yuan: i64 = yuan.parse().map_err(|_| fault())?;
        let tenths: i64 = fen.parse().map_err(|_| fault())?;
        let fen = if fen.len() == 1 { tenths * 10 } else { tenths };
        Self::from_fen(yuan * 100 + fen).ok_or_else(fault)
    }
}

impl fmt::Display for Money {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{:02}", self.fen / 100, self.fen % 100)
    }
}

impl Serialize for Money {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Money {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn amounts_are_read_exactly() {
        for (text, fen) in [
            ("0", 0),
            ("0.01", 1),
            ("0.1", 10),
            ("2680", 268_000),
            ("2680.5", 268_050),
            ("2680.05", 268_005),
            ("2680.00", 268_000),
            ("0000000007", 700),
            ("9999999999.99", MOST),
        ] {
            assert_eq!(Money::parse(text).map(Money::fen), Ok(fen), "{text}");
        }
    }

    #[test]
    fn anything_else_is_no_amount() {
        for text in [
            "",
            ".",
            "1.",
            ".5",
            "-1",
            "+1",
            "1.234",
            "1,000",
            "1e3",
            "1.2.3",
            " 1",
            "1 ",
            "１",
            "元",
            "NaN",
            "10000000000",
            "99999999999999999999",
        ] {
            assert_eq!(Money::parse(text).map_err(|fault| fault.code), Err("amount"), "{text}");
        }
    }

    #[test]
    fn the_range_is_kept() {
        assert_eq!(Money::from_fen(-1), None);
        assert_eq!(Money::from_fen(MOST + 1), None);
        assert_eq!(Money::from_fen(MOST).map(|money| money.to_string()).as_deref(), Some("9999999999.99"));
    }

    #[test]
    fn json_holds_a_decimal_string() {
        let money = Money::parse("2680.5").unwrap();
        assert_eq!(serde_json::to_string(&money).unwrap(), "\"2680.50\"");
        assert_eq!(serde_json::from_str::<Money>("\"2680.5\"").unwrap(), money);
        assert!(serde_json::from_str::<Money>("2680.5").is_err());
    }

    proptest! {
        #[test]
        fn what_is_written_can_be_read(fen in 0..=MOST) {
            let money = Money::from_fen(fen).unwrap();
            prop_assert_eq!(Money::parse(&money.to_string()), Ok(money));
        }

        #[test]
        fn any_text_is_read_or_refused(text in any::<String>()) {
            let _ = Money::parse(&text);
        }
    }
}

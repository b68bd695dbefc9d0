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

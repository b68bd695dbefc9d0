//! Administrative divisions by their GB/T 2260 code: province, city, county; nine digits for a town.

use crate::domain::problem::Invalid;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A division's code: six digits, or nine for a town or street. Only the shape and the province are checked here;
/// whether an installation knows the place is the catalogue's to say.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Division(u32);

/// First two digits of every province-level division (GB/T 2260).
const PROVINCES: &[u32] = &[
    11, 12, 13, 14, 15, 21, 22, 23, 31, 32, 33, 34, 35, 36, 37, 41, 42, 43, 44, 45, 46, 50, 51, 52, 53, 54, 61, 62, 63,
    64, 65, 71, 81, 82,
];

/// Height of a division in the tree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// `320000`
    Province,
    /// `320100`
    City,
    /// `320115`
    County,
    /// `320115001`
    Town,
}

impl Division {
    /// Reads a code of six or nine digits.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let fault = || {
            Invalid::new("division", "not a division code")
                .allowed("GB/T 2260: 6 digits of a known province, or 9 for a town")
        };
        if !matches!(text.len(), 6 | 9) || !text.bytes().all(|b| b.is_ascii_digit()) {
            return Err(fault());
        }
        let code: u32 = text.parse().map_err(|_| fault())?;
        let division = Self(code);
        if !PROVINCES.contains(&(division.county_code() / 10_000)) || (text.len() == 9 && code.is_multiple_of(1000)) {
            return Err(fault());
        }
        Ok(division)
    }

    const fn is_town(self) -> bool {
        self.0 > 999_999
    }

    const fn county_code(self) -> u32 {
        if self.is_town() { self.0 / 1000 } else { self.0 }
    }

    /// How high in the tree.
    pub const fn level(self) -> Level {
        if self.is_town() {
            Level::Town
        } else if self.0.is_multiple_of(10_000) {
            Level::Province
        } else if self.0.is_multiple_of(100) {
            Level::City
        } else {
            Level::County
        }
    }

    /// The six-digit division that it is or lies in: a town's county, anything else itself.
    #[must_use]
    pub const fn six_digits(self) -> Self {
        Self(self.county_code())
    }

    /// The city that it is or lies in; a province is its own.
    #[must_use]
    pub const fn city(self) -> Self {
        Self(self.county_code() / 100 * 100)
    }

    /// The province that it is or lies in.
    #[must_use]
    pub const fn province(self) -> Self {
        Self(self.county_code() / 10_000 * 10_000)
    }

    /// The division above; `None` above a province.
    pub const fn parent(self) -> Option<Self> {
        match self.level() {
            Level::Province => None,
            Level::City => Some(self.province()),
            Level::County => Some(self.city()),
            Level::Town => Some(self.six_digits()),
        }
    }

    /// Whether it is `root` or lies below it.
    pub fn is_within(self, root: Self) -> bool {
        match root.level() {
            Level::Province => self.province() == root,
            Level::City => self.city() == root,
            Level::County => self.six_digits() == root,
            Level::Town => self == root,
        }
    }

    /// The six-digit codes within it, as a half-open range of numbers: `320100..320200` for a city.
    pub const fn six_digit_range(self) -> std::ops::Range<u32> {
        let code = self.county_code();
        match self.level() {
            Level::Province => code..code + 10_000,
            Level::City => code..code + 100,
            Level::County | Level::Town => code..code + 1,
        }
    }

    /// The code as a number, as it is stored.
    pub const fn number(self) -> u32 {
        self.0
    }

    /// A division from its stored number; checked like text.
    pub fn from_number(number: i64) -> Result<Self, Invalid> {
        Self::parse(&number.to_string())
    }
}

impl fmt::Display for Division {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0)
    }
}

impl Serialize for Division {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Division {
    fn deserialize<D: serde::Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = std::borrow::Cow::<'de, str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn division(text: &str) -> Division {
        Division::parse(text).unwrap()
    }

    #[test]
    fn levels_and_parents() {
        for (code, level, parent) in [
            ("320000", Level::Province, None),
            ("320100", Level::City, Some("320000")),
            ("320115", Level::County, Some("320100")),
            ("320115001", Level::Town, Some("320115")),
            // A city without counties has its towns directly below it.
            ("441900003", Level::Town, Some("441900")),
            // A county-level city directly below its province lies under a code of its own.
            ("429004", Level::County, Some("429000")),
        ] {
            assert_eq!(division(code).level(), level, "{code}");
            assert_eq!(division(code).parent().map(|parent| parent.to_string()).as_deref(), parent, "{code}");
        }
    }

    #[test]
    fn places_above() {
        let town = division("320115001");
        assert_eq!(
            [town.six_digits(), town.city(), town.province()].map(Division::number),
            [320_115, 320_100, 320_000]
        );
        let province = division("320000");
        assert_eq!([province.six_digits(), province.city(), province.province()], [province; 3]);
    }

    #[test]
    fn other_texts_are_no_code() {
        for text in [
            "",
            "32",
            "32011",
            "3201150",
            "32011500",
            "3201150010",
            "990000",
            "000000",
            "320115000",
            "32011a",
            "３２０１１５",
            "-32011",
            " 320115",
            "+320115",
        ] {
            assert_eq!(Division::parse(text).map_err(|fault| fault.code), Err("division"), "{text}");
        }
        for number in [-320_115, 0, 32, 3_201_150_010, i64::MIN, i64::MAX] {
            assert!(Division::from_number(number).is_err(), "{number}");
        }
    }

    #[test]
    fn within() {
        let inside = |inner: &str, outer: &str| division(inner).is_within(division(outer));
        assert!(inside("320115001", "320115") && inside("320115001", "320100") && inside("320115001", "320000"));
        assert!(inside("441900003", "441900") && inside("320100", "320100") && inside("320115001", "320115001"));
        assert!(!inside("320100", "320115") && !inside("320115", "320200") && !inside("330100", "320000"));
        assert!(!inside("320115002", "320115001") && !inside("320115", "320115001"));
    }

    #[test]
    fn ranges() {
        assert_eq!(division("320000").six_digit_range(), 320_000..330_000);
        assert_eq!(division("320100").six_digit_range(), 320_100..320_200);
        assert_eq!(division("320115").six_digit_range(), 320_115..320_116);
        assert_eq!(division("320115001").six_digit_range(), 320_115..320_116);
    }

    #[test]
    fn json_holds_a_string() {
        assert_eq!(serde_json::to_string(&division("320115")).unwrap(), "\"320115\"");
        assert_eq!(serde_json::from_str::<Division>("\"320115\"").unwrap(), division("320115"));
        assert!(serde_json::from_str::<Division>("320115").is_err());
    }

    proptest! {
        #[test]
        fn every_code_lies_within_all_above_it(code in "3[1-7][0-9]{4}([0-9]{2}[1-9])?") {
            let this = division(&code);
            prop_assert_eq!(this.to_string(), code);
            prop_assert_eq!(Division::from_number(i64::from(this.number())), Ok(this));
            let above: Vec<_> = std::iter::successors(Some(this), |place| place.parent()).collect();
            prop_assert!(above.len() <= 4);
            prop_assert!(above.windows(2).all(|pair| pair[0].level() > pair[1].level()));
            prop_assert!(above.iter().all(|place| this.is_within(*place)));
            prop_assert!(above.iter().all(|place| place.six_digit_range().contains(&this.six_digits().number())));
        }
    }
}

//! The number that people read out on the phone: `JS-20261123-7K3M9QX-C`.

use crate::domain::problem::Invalid;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::fmt;

/// A reference number: the installation's prefix, the day of receipt, seven characters drawn at random from an alphabet
/// without 0, O, 1 and I, and a check character (ISO 7064 MOD 37,36 over all before it), so that a misread number is refused.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Reference(String);

impl Reference {
    /// Makes a number from 16 random bytes. Draws whose check character could be misread are skipped.
    /// `attempt` picks another number from the same bytes, for the rare case that the first is taken.
    pub fn draw(prefix: &str, day: Date, random: [u8; 16], attempt: u32) -> Self {
        let _ = (prefix, day, random, attempt);
        todo!()
    }

    /// Reads a number as people write it: any case, spaces or full-width characters, hyphens left out.
    pub fn parse(text: &str) -> Result<Self, Invalid> {
        let _ = text;
        todo!()
    }

    /// The canonical form.
    pub fn as_str(&self) -> &str {
        &self.0
    }
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

//! Codes that change with time (RFC 6238), as the common apps make them: HMAC-SHA-1, 30 seconds, six digits.

use crate::ambient::{Entropy, draw};
use aws_lc_rs::hmac::{HMAC_SHA1_FOR_LEGACY_USE_ONLY, Key, sign};
use jiff::Timestamp;
use std::fmt;

/// Seconds that a code is shown for.
const STEP: i64 = 30;

/// Digits of a code.
const DIGITS: usize = 6;

/// Letters of base 32 (RFC 4648, 6).
const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";

/// What an app and this service share: 160 random bits (RFC 4226, 4, R6).
#[derive(Clone)]
pub struct TotpSecret([u8; 20]);

impl TotpSecret {
    /// Draws one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(draw(entropy))
    }

    /// From its bytes; `None` unless there are twenty.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        bytes.try_into().ok().map(Self)
    }

    /// Its bytes, to be sealed.
    pub const fn expose(&self) -> &[u8] {
        &self.0
    }

    /// As a person types it into an app: 32 letters and digits.
    pub fn base32(&self) -> String {
        let letter = |place: usize| {
            // Five bits from `place * 5` on; twenty bytes are 32 times five bits.
            let bits = (0..5).fold(0_u8, |bits, at| {
                let bit = place * 5 + at;
                (bits << 1) | ((self.0[bit / 8] >> (7 - bit % 8)) & 1)
            });
            char::from(LETTERS[usize::from(bits)])
        };
        (0..32).map(letter).collect()
    }

    /// The code of a step.
    pub fn code(&self, step: i64) -> String {
        let mac = sign(&Key::new(HMAC_SHA1_FOR_LEGACY_USE_ONLY, &self.0), &step.to_be_bytes());
        let mac = mac.as_ref();
        // RFC 4226, 5.3: four bytes from where the last one points to, without the sign.
        let at = mac.last().map_or(0, |last| usize::from(last & 0x0f));
        let number = mac.iter().skip(at).take(4).fold(0_u32, |number, byte| (number << 8) | u32::from(*byte));
        format!("{:0DIGITS$}", (number & 0x7fff_ffff) % 1_000_000)
    }

    /// The step that a code is of: the one at an instant or a neighbour, for clocks differ, and later than the last that was
    /// used, for a code works once. Every step is compared, in a time that tells nothing.
    pub fn step_of(&self, code: &str, at: Timestamp, last_used: i64) -> Option<i64> {
        let now = at.as_second().div_euclid(STEP);
        let mut found = None;
        for step in now - 1..=now + 1 {
            let expected = self.code(step);
            let same = expected.len() == code.len()
                && expected.bytes().zip(code.bytes()).fold(0, |differ, (a, b)| differ | (a ^ b)) == 0;
            if same && step > last_used {
                found = Some(step);
            }
        }
        found
    }
}

impl fmt::Debug for TotpSecret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("TotpSecret(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> TotpSecret {
        TotpSecret::from_bytes(b"12345678901234567890").unwrap()
    }

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    /// RFC 6238, appendix B (SHA-1), whose eight digits end in our six; RFC 4226, appendix D.
    #[test]
    fn codes_are_the_published_ones() {
        for (second, code) in [
            (59, "287082"),
            (1_111_111_109, "081804"),
            (1_111_111_111, "050471"),
            (1_234_567_890, "005924"),
            (2_000_000_000, "279037"),
            (20_000_000_000, "353130"),
        ] {
            assert_eq!(secret().code(second / 30), code, "{second}");
            assert_eq!(secret().step_of(code, at(second), 0), Some(second / 30));
        }
        for (count, code) in ["755224", "287082", "359152", "969429", "338314"].iter().enumerate() {
            assert_eq!(secret().code(i64::try_from(count).unwrap()), *code);
        }
    }

    #[test]
    fn a_secret_is_written_in_base_32() {
        assert_eq!(secret().base32(), "GEZDGNBVGY3TQOJQGEZDGNBVGY3TQOJQ");
        assert_eq!(TotpSecret([0xff; 20]).base32(), "7".repeat(32));
        assert!(!format!("{:?}", secret()).contains("GEZD"));
    }

    #[test]
    fn a_code_works_for_neighbouring_steps_and_once() {
        let code = secret().code(100);
        for second in [2970, 3000, 3029, 3059] {
            assert_eq!(secret().step_of(&code, at(second), 0), Some(100), "{second}");
        }
        for second in [2969, 3060] {
            assert_eq!(secret().step_of(&code, at(second), 0), None, "{second}");
        }
        assert_eq!(secret().step_of(&code, at(3000), 100), None, "it was used");
        assert_eq!(secret().step_of(&secret().code(99), at(3000), 100), None, "and none before it works");
        for odd in ["", "1", "1234567", "abcdef", "１２３４５６"] {
            assert_eq!(secret().step_of(odd, at(3000), 0), None, "{odd}");
        }
    }
}

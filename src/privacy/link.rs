//! Links that open one thing of one case to whoever holds them, without signing in: the rating of an end, a merchant's access.
//!
//! A link says what it opens and until when, and carries a keyed hash over that under the key that PINs follow from. Nothing
//! of it is stored; that it was superseded (the case came to another end, another link was sent) its opener sees from the case.

use crate::domain::case::CaseId;
use crate::privacy::Vault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::civil::Date;
use uuid::Uuid;

/// What a link opens.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LinkTo {
    /// The rating of a case's end.
    Rating,
}

impl LinkTo {
    const fn label(self) -> &'static [u8] {
        match self {
            Self::Rating => b"link to rating",
        }
    }
}

/// A link.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Link {
    /// What it opens.
    pub to: LinkTo,
    /// Of which case.
    pub case: CaseId,
    /// The event of the case that gave rise to it.
    pub seq: i64,
    /// Last day on which it opens, in Asia/Shanghai.
    pub until: Date,
}

/// Bytes of what a link says.
const SAID: usize = 24;

/// Bytes of its keyed hash: 128 bits can't be guessed.
const MAC: usize = 16;

impl Link {
    fn said(&self) -> [u8; SAID] {
        let mut bytes = [0; SAID];
        bytes[..16].copy_from_slice(self.case.0.as_bytes());
        // A case has no more events than that; one that had would get a link that doesn't open.
        bytes[16..20].copy_from_slice(&u32::try_from(self.seq).unwrap_or(u32::MAX).to_be_bytes());
        bytes[20..22].copy_from_slice(&self.until.year().to_be_bytes());
        bytes[22..].copy_from_slice(&[self.until.month().cast_unsigned(), self.until.day().cast_unsigned()]);
        bytes
    }

    /// The token of the link, as it stands in an address.
    pub fn token(&self, vault: &Vault) -> String {
        let said = self.said();
        let mac = vault.mac(self.to.label(), &said);
        URL_SAFE_NO_PAD.encode([&said[..], &mac[..MAC]].concat())
    }

    /// Reads a token; `None` for one that this service didn't make for this purpose. Whether its time is over the caller sees.
    pub fn read(vault: &Vault, to: LinkTo, token: &str) -> Option<Self> {
        // 40 bytes are 54 characters without padding.
        let bytes = (token.len() == 54).then(|| URL_SAFE_NO_PAD.decode(token).ok()).flatten()?;
        let (said, mac) = bytes.split_first_chunk::<SAID>()?;
        if !vault.agree(mac, &vault.mac(to.label(), said)[..MAC]) {
            return None;
        }
        let [.., s0, s1, s2, s3, y0, y1, month, day] = *said;
        let until = Date::new(i16::from_be_bytes([y0, y1]), month.cast_signed(), day.cast_signed()).ok()?;
        let case = CaseId(Uuid::from_slice(&said[..16]).ok()?);
        Some(Self { to, case, seq: i64::from(u32::from_be_bytes([s0, s1, s2, s3])), until })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;
    use crate::privacy::{KeyRing, Suite};
    use jiff::civil::date;

    fn vault(seed: u64) -> Vault {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        Vault::new(&KeyRing::generate(&SeededEntropy::new(seed), now), Suite::default())
    }

    #[test]
    fn a_link_is_read_as_it_was_made_and_no_bit_of_it_can_be_changed() {
        let (vault, other) = (vault(1), vault(2));
        let link = Link { to: LinkTo::Rating, case: CaseId(Uuid::from_u128(7)), seq: 12, until: date(2026, 12, 31) };
        let token = link.token(&vault);
        assert_eq!(Link::read(&vault, LinkTo::Rating, &token), Some(link));
        assert_eq!(Link::read(&other, LinkTo::Rating, &token), None, "another installation's");
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            assert_eq!(Link::read(&vault, LinkTo::Rating, &URL_SAFE_NO_PAD.encode(changed)), None, "byte {at}");
        }
        for odd in ["", "x", &token[1..], &format!("{token}A"), &"长".repeat(18)] {
            assert_eq!(Link::read(&vault, LinkTo::Rating, odd), None, "{odd}");
        }
    }
}

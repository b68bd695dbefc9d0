//! What a page carries between the two steps of a sign-in: that an account's password was right, and until when that counts.
//!
//! It carries a keyed hash over what it says and over what it is bound to, and nothing of it is stored: it opens nothing by
//! itself, and whoever shows it still has to show a code of the second factor, which works once.

use crate::domain::hidden::hidden_debug;
use crate::privacy::Vault;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;

/// Word that an account's password was right.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordProof {
    /// Name of the account.
    pub username: String,
    /// When it ends.
    pub until: Timestamp,
    mac: [u8; MAC],
}

hidden_debug!(PasswordProof);

/// Bytes of its keyed hash: 128 bits can't be guessed.
const MAC: usize = 16;

/// Longest token that is looked at, in characters.
const LONGEST: usize = 600;

fn mac(vault: &Vault, username: &str, until: Timestamp, bound_to: &str) -> [u8; MAC] {
    // Names of accounts hold no zero byte.
    let said = format!("{}\0{username}\0{bound_to}", until.as_second());
    let [mac @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = vault.mac(b"password was right", said.as_bytes());
    mac
}

impl PasswordProof {
    /// Of an account, until an instant (to the second). `bound_to` is what must not change meanwhile.
    pub fn new(vault: &Vault, username: &str, until: Timestamp, bound_to: &str) -> Self {
        Self { username: username.to_owned(), until, mac: mac(vault, username, until, bound_to) }
    }

    /// As a page carries it.
    pub fn token(&self) -> String {
        let until = self.until.as_second().to_be_bytes();
        URL_SAFE_NO_PAD.encode([&until[..], &self.mac, self.username.as_bytes()].concat())
    }

    /// Reads a token. What it says isn't believed yet: see [`PasswordProof::is_good`].
    pub fn read(token: &str) -> Option<Self> {
        let bytes = (token.len() <= LONGEST).then(|| URL_SAFE_NO_PAD.decode(token).ok()).flatten()?;
        let (until, rest) = bytes.split_first_chunk::<8>()?;
        let (mac, name) = rest.split_first_chunk::<MAC>()?;
        let until = Timestamp::from_second(i64::from_be_bytes(*until)).ok()?;
        let username = String::from_utf8(name.to_vec()).ok().filter(|name| !name.chars().any(char::is_control))?;
        Some(Self { username, until, mac: *mac })
    }

    /// Whether this service made it, bound to this. Whether its time is over the caller sees.
    pub fn is_good(&self, vault: &Vault, bound_to: &str) -> bool {
        vault.agree(&self.mac, &mac(vault, &self.username, self.until, bound_to))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;
    use crate::privacy::{KeyRing, Suite};

    fn vault(seed: u64) -> Vault {
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        Vault::new(&KeyRing::generate(&SeededEntropy::new(seed), now), Suite::default())
    }

    #[test]
    fn a_proof_is_read_as_it_was_made_and_no_bit_of_it_can_be_changed() {
        let (vault, other) = (vault(1), vault(2));
        let until = "2026-11-24T00:05:00Z".parse().unwrap();
        let proof = PasswordProof::new(&vault, "王.li-2", until, "hash\0address");
        let token = proof.token();
        let read = PasswordProof::read(&token).unwrap();
        assert!(read == proof && read.is_good(&vault, "hash\0address"));
        assert!(!read.is_good(&other, "hash\0address"), "another installation's");
        assert!(!read.is_good(&vault, "hash\0elsewhere") && !read.is_good(&vault, "new\0address"));
        let bytes = URL_SAFE_NO_PAD.decode(&token).unwrap();
        for at in 0..bytes.len() {
            let mut changed = bytes.clone();
            changed[at] ^= 1;
            let read = PasswordProof::read(&URL_SAFE_NO_PAD.encode(changed));
            assert!(read.is_none_or(|read| !read.is_good(&vault, "hash\0address")), "byte {at}");
        }
        // A zero byte in a name is one that no database keeps.
        let zero = URL_SAFE_NO_PAD.encode([&bytes[..], &[0][..]].concat());
        for odd in ["", "x", "AAAA", &zero, &"A".repeat(LONGEST + 1), "长"] {
            assert!(PasswordProof::read(odd).is_none(), "{odd}");
        }
    }
}

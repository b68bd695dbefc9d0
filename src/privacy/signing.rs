//! Signatures that others can check: Ed25519, for the checkpoints of the audit log.

use crate::privacy::{KeyRing, Secret};
use aws_lc_rs::signature::{ED25519, Ed25519KeyPair, KeyPair, UnparsedPublicKey};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// The keys that sign checkpoints: the active one, and earlier ones to check what they signed.
#[derive(Clone)]
pub struct AuditKeys {
    active: Arc<Ed25519KeyPair>,
    public: Vec<Vec<u8>>,
}

impl std::fmt::Debug for AuditKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "AuditKeys({} keys)", self.public.len())
    }
}

impl AuditKeys {
    /// Those of a ring; `None` when it has none.
    pub fn new(ring: &KeyRing) -> Option<Self> {
        let pairs: Vec<Ed25519KeyPair> = ring.audit_secrets().filter_map(pair).collect();
        let public = pairs.iter().map(|pair| pair.public_key().as_ref().to_vec()).collect();
        // The newest signs.
        let active = Arc::new(pairs.into_iter().next_back()?);
        Some(Self { active, public })
    }

    /// Public half of the key that signs now, 32 bytes.
    pub fn active_public(&self) -> Vec<u8> {
        self.active.public_key().as_ref().to_vec()
    }

    /// Signs with the active key.
    pub fn sign(&self, message: &[u8]) -> Vec<u8> {
        self.active.sign(message).as_ref().to_vec()
    }

    /// Whether the key of this name is in the ring and signed the message.
    pub fn verify(&self, name: &str, message: &[u8], signature: &[u8]) -> bool {
        self.public
            .iter()
            .filter(|public| public_key_name(public) == name)
            .any(|public| UnparsedPublicKey::new(&ED25519, public).verify(message, signature).is_ok())
    }
}

fn pair(seed: &Secret) -> Option<Ed25519KeyPair> {
    Ed25519KeyPair::from_seed_unchecked(seed.expose()).ok()
}

/// Name of a public key: the first 16 hexadecimal digits of its SHA-256.
pub fn public_key_name(public: &[u8]) -> String {
    Sha256::digest(public).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 8032, 7.1, test 1.
    #[test]
    fn a_signature_is_the_published_one() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let seed = hex("9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60");
        let pair = pair(&Secret::from_bytes(seed.try_into().unwrap())).unwrap();
        let public = "d75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a";
        assert_eq!(pair.public_key().as_ref(), hex(public));
        let signature = "e5564300c360ac729086e2cc806e828a84877f1eb8e5d974d873e065224901555fb8821590a33bacc61e39701cf9b46bd\
                         25bf5f0595bbe24655141438e7a100b";
        assert_eq!(pair.sign(b"").as_ref(), hex(signature));
    }
}

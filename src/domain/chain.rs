//! The hash chain of a case's history: each event's hash covers the one before it, so that nothing can be altered,
//! left out or moved without it showing.

use sha2::{Digest, Sha256};

/// A SHA-256 value.
pub type Hash = [u8; 32];

/// The hash before a case's first event.
pub const GENESIS: Hash = [0; 32];

/// Commits to a personal value: its hash with a salt that is sealed with it. Once the key is destroyed the commitment
/// tells nothing, and the chain stays whole.
pub fn commitment(salt: &[u8; 16], value: &[u8]) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"fangxin.commitment.1");
    hasher.update(salt);
    hasher.update(value);
    hasher.finalize().into()
}

/// The hash of an event: over the hash before it, the canonical bytes of what is open, and the commitment to what is sealed.
pub fn link(previous: &Hash, canonical: &[u8], sealed: Option<&Hash>) -> Hash {
    let mut hasher = Sha256::new();
    hasher.update(b"fangxin.event.1");
    hasher.update(previous);
    hasher.update((canonical.len() as u64).to_be_bytes());
    hasher.update(canonical);
    hasher.update(sealed.map_or(&[][..], |hash| hash));
    hasher.finalize().into()
}

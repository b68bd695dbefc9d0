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

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(hash: &Hash) -> String {
        hash.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The stored chains depend on these values: they must never change. Computed beforehand with another implementation of
    /// SHA-256.
    #[test]
    fn hashes_are_as_they_have_always_been() {
        assert_eq!(
            hex(&commitment(&[7; 16], b"value")),
            "5e560f45312d8c6f5fdefc15ad4ae4082fbfc0c9b2e35988bf04ab7dd09fb0fe"
        );
        assert_eq!(
            hex(&link(&GENESIS, b"{}", None)),
            "f68371b19ca17833c8d524681a275c92f3b7b29ee02cce2e5636aa16b1f8c515"
        );
        assert_eq!(
            hex(&link(&GENESIS, b"{}", Some(&[1; 32]))),
            "f13fa67dbe89cc7263097080f8a8593d21d79c1e60315741a844b1cd22445a41"
        );
    }

    #[test]
    fn a_commitment_depends_on_salt_and_value() {
        let commitments = [
            commitment(&[0; 16], b"a"),
            commitment(&[1; 16], b"a"),
            commitment(&[0; 16], b"b"),
            commitment(&[0; 16], b""),
        ];
        let distinct: std::collections::BTreeSet<_> = commitments.iter().collect();
        assert_eq!(distinct.len(), commitments.len());
    }

    #[test]
    fn a_link_depends_on_each_part_and_its_place() {
        let sealed = [1; 32];
        let mut moved = b"{}".to_vec();
        moved.extend(sealed);
        let links = [
            link(&GENESIS, b"{}", None),
            link(&[2; 32], b"{}", None),
            link(&GENESIS, b"{ }", None),
            link(&GENESIS, b"", None),
            link(&GENESIS, b"{}", Some(&sealed)),
            // The same bytes, cut elsewhere.
            link(&GENESIS, &moved, None),
        ];
        let distinct: std::collections::BTreeSet<_> = links.iter().collect();
        assert_eq!(distinct.len(), links.len());
    }

    #[test]
    fn nothing_can_be_altered_left_out_or_moved() {
        let chain =
            |events: &[&str]| events.iter().fold(GENESIS, |previous, event| link(&previous, event.as_bytes(), None));
        let whole = chain(&["a", "b", "c"]);
        for other in
            [&["a", "b"][..], &["a", "c"], &["b", "a", "c"], &["a", "b", "x"], &["a", "b", "c", "c"], &["ab", "c"]]
        {
            assert_ne!(chain(other), whole, "{other:?}");
        }
    }
}

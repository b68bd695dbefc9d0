//! Signed words on how far a chain has come, kept in a second place.

use crate::audit::verify::hex;
use crate::privacy::signing::{AuditKeys, public_key_name};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use futures_util::TryStreamExt as _;
use jiff::Timestamp;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt as _, PutMode, PutOptions};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// Up to which entry a chain had come, and its hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Checkpoint {
    /// Chain.
    pub writer: String,
    /// Its last entry then.
    pub seq: i64,
    /// Hash of that entry, hexadecimal.
    pub hash: String,
    /// When.
    pub at: Timestamp,
    /// SHA-256 of the chain's checkpoint before, hexadecimal; zeros before the first.
    pub previous: String,
    /// Fingerprint of the public key.
    pub key: String,
    /// Ed25519 over all of the above, base64.
    pub signature: String,
}

impl Checkpoint {
    /// Signs one.
    pub fn sign(keys: &AuditKeys, writer: &str, seq: i64, hash: &[u8], at: Timestamp, previous: &str) -> Self {
        let mut checkpoint = Self {
            writer: writer.to_owned(),
            seq,
            hash: hex(hash),
            at,
            previous: previous.to_owned(),
            key: public_key_name(&keys.active_public()),
            signature: String::new(),
        };
        checkpoint.signature = STANDARD.encode(keys.sign(&checkpoint.message()));
        checkpoint
    }

    /// Whether a key of the ring signed it.
    pub fn is_signed(&self, keys: &AuditKeys) -> bool {
        STANDARD.decode(&self.signature).is_ok_and(|signature| keys.verify(&self.key, &self.message(), &signature))
    }

    fn message(&self) -> Vec<u8> {
        let parts = (&self.writer, self.seq, &self.hash, self.at, &self.previous, &self.key);
        // Strings and numbers: it can always be written.
        let mut message = b"fangxin.checkpoint.1".to_vec();
        message.extend_from_slice(serde_json::to_string(&parts).unwrap_or_default().as_bytes());
        message
    }

    /// Its own hash, for the one after it.
    pub fn digest(&self) -> String {
        hex(&Sha256::digest([self.message().as_slice(), self.signature.as_bytes()].concat()))
    }
}

/// The second place.
#[derive(Clone)]
pub struct Checkpoints {
    place: Arc<dyn ObjectStore>,
    keys: AuditKeys,
}

impl std::fmt::Debug for Checkpoints {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Checkpoints")
    }
}

/// Why the second place doesn't do.
#[derive(Debug, thiserror::Error)]
pub enum PlaceError {
    /// It can't be reached, or refuses.
    #[error("the place of the checkpoints: {0}")]
    Place(#[from] object_store::Error),
    /// What lies there is no checkpoint.
    #[error("checkpoint {name} can't be read")]
    Unreadable {
        /// Its name.
        name: String,
    },
}

impl Checkpoints {
    /// Checkpoints in a place, signed and checked with the keys of the ring.
    pub fn new(place: Arc<dyn ObjectStore>, keys: AuditKeys) -> Self {
        Self { place, keys }
    }

    /// The keys that sign.
    pub fn keys(&self) -> &AuditKeys {
        &self.keys
    }

    /// Every checkpoint of every chain, each with whether it is signed by a key of the ring, by chain and entry.
    ///
    /// # Errors
    /// When the place doesn't answer, or holds something else.
    pub async fn all(&self) -> Result<Vec<(Checkpoint, bool)>, PlaceError> {
        let found: Vec<_> = self.place.list(None).try_collect().await?;
        let mut all = Vec::with_capacity(found.len());
        for meta in found.iter().filter(|meta| meta.location.extension() == Some("json")) {
            let bytes = self.place.get(&meta.location).await?.bytes().await?;
            let checkpoint: Checkpoint = serde_json::from_slice(&bytes)
                .map_err(|_| PlaceError::Unreadable { name: meta.location.to_string() })?;
            let signed = checkpoint.is_signed(&self.keys);
            all.push((checkpoint, signed));
        }
        all.sort_by(|(a, _), (b, _)| (&a.writer, a.seq).cmp(&(&b.writer, b.seq)));
        Ok(all)
    }

    /// The newest of a chain.
    ///
    /// # Errors
    /// Those of [`Checkpoints::all`].
    pub async fn newest(&self, writer: &str) -> Result<Option<Checkpoint>, PlaceError> {
        let found: Vec<_> = self.place.list(Some(&Path::from(folder(writer)))).try_collect().await?;
        // The number in the name has leading zeros: names sort as numbers.
        let Some(newest) = found.iter().map(|meta| &meta.location).max() else { return Ok(None) };
        let bytes = self.place.get(newest).await?.bytes().await?;
        serde_json::from_slice(&bytes).map(Some).map_err(|_| PlaceError::Unreadable { name: newest.to_string() })
    }

    /// Writes a checkpoint at the end of a chain, when the chain has moved since the last one; `false` when it hasn't.
    /// A name is never written twice.
    ///
    /// # Errors
    /// When the place doesn't take it.
    pub async fn write(&self, writer: &str, seq: i64, hash: &[u8], at: Timestamp) -> Result<bool, PlaceError> {
        let newest = self.newest(writer).await?;
        if newest.as_ref().is_some_and(|newest| newest.seq >= seq) {
            return Ok(false);
        }
        let previous = newest.map_or_else(|| hex(&[0; 32]), |newest| newest.digest());
        let checkpoint = Checkpoint::sign(&self.keys, writer, seq, hash, at, &previous);
        let name = Path::from(format!("{}/{seq:020}.json", folder(writer)));
        // Strings and numbers: it can always be written.
        let bytes = serde_json::to_vec(&checkpoint).unwrap_or_default();
        let options = PutOptions { mode: PutMode::Create, ..PutOptions::default() };
        match self.place.put_opts(&name, bytes.into(), options).await {
            Ok(_) => Ok(true),
            // Another process of the same writer was quicker.
            Err(object_store::Error::AlreadyExists { .. }) => Ok(false),
            Err(error) => Err(error.into()),
        }
    }
}

/// A chain's folder: its name as hexadecimal, so that none leads elsewhere.
fn folder(writer: &str) -> String {
    hex(writer.as_bytes())
}

//! The key ring: every long-lived secret of an installation, in one file outside the database.
//!
//! ```json
//! {"version": 1,
//!  "active_master": 1, "master": [{"id": 1, "created": "2026-11-24T00:00:00Z", "key": "<base64, 32 bytes>"}],
//!  "index_key": "<base64>", "pin_key": "<base64>",
//!  "active_signing": "k1", "signing": [{"kid": "k1", "created": "…", "secret": "<base64>"}],
//!  "audit": [{"kid": "a1", "created": "…", "secret": "<base64>"}]}
//! ```
//!
//! Master and signing keys can be rotated: a new one becomes active, the old ones stay to open what they sealed. The index
//! key and the PIN key can't: every look-up hash and every PIN handed out hangs on them. Another index key would mean to
//! open every case and hash its phone numbers, addresses and document numbers anew, and whoever filed would be unknown
//! meanwhile; what a leak of it tells (whether a known number occurs) is bounded by the database being out of reach.

use crate::ambient::Entropy;
use crate::privacy::Secret;
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};
use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

/// Why a key ring can't be used. Never shows any of its content.
#[derive(Debug, thiserror::Error)]
pub enum RingError {
    /// There is no such file. Creating one beside an existing database would make everything sealed in it unreadable.
    #[error("key ring {0} does not exist")]
    Missing(PathBuf),
    /// A file of this name exists already and is left alone.
    #[error("key ring {0} exists already")]
    Exists(PathBuf),
    /// Others than the owner may read or write it.
    #[error("key ring {path} has mode {mode:04o}: others than its owner can reach it; run chmod 600 on it")]
    TooOpen {
        /// The file.
        path: PathBuf,
        /// Its permission bits.
        mode: u32,
    },
    /// Reading or writing failed.
    #[error("key ring {path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// The system's answer.
        source: io::Error,
    },
    /// The content is not a key ring.
    #[error("key ring {path}: {fault}")]
    Malformed {
        /// The file.
        path: PathBuf,
        /// What is wrong and where, without repeating content.
        fault: String,
    },
}

/// The secrets of an installation, as they lie in the file.
#[derive(Debug, Clone)]
pub struct KeyRing {
    pub(super) active_master: u32,
    pub(super) master: Vec<MasterKey>,
    pub(super) index_key: Secret,
    pub(super) pin_key: Secret,
    active_signing: String,
    signing: Vec<SigningKey>,
    audit: Vec<SigningKey>,
}

#[derive(Debug, Clone)]
pub(super) struct MasterKey {
    pub(super) id: u32,
    created: Timestamp,
    pub(super) key: Secret,
}

#[derive(Debug, Clone)]
struct SigningKey {
    kid: String,
    created: Timestamp,
    secret: Secret,
}

/// The file. Its strings are secrets, so it has no `Debug`.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RingFile {
    version: u32,
    active_master: u32,
    master: Vec<MasterEntry>,
    index_key: String,
    pin_key: String,
    active_signing: String,
    signing: Vec<SigningEntry>,
    /// Seeds of Ed25519 keys, the newest last; a ring of an earlier version has none.
    #[serde(default)]
    audit: Vec<SigningEntry>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct MasterEntry {
    id: u32,
    created: Timestamp,
    key: String,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SigningEntry {
    kid: String,
    created: Timestamp,
    secret: String,
}

const VERSION: u32 = 1;

impl KeyRing {
    /// Draws a new ring with one key of each sort.
    pub fn generate(entropy: &dyn Entropy, now: Timestamp) -> Self {
        Self {
            active_master: 1,
            master: vec![MasterKey { id: 1, created: now, key: Secret::generate(entropy) }],
            index_key: Secret::generate(entropy),
            pin_key: Secret::generate(entropy),
            active_signing: "k1".to_owned(),
            signing: vec![SigningKey { kid: "k1".to_owned(), created: now, secret: Secret::generate(entropy) }],
            audit: vec![SigningKey { kid: "a1".to_owned(), created: now, secret: Secret::generate(entropy) }],
        }
    }

    /// Reads the ring from its file.
    ///
    /// # Errors
    /// When it is missing, can be reached by others than its owner (Unix), or is malformed.
    pub fn load(path: &Path) -> Result<Self, RingError> {
        let io = |source| RingError::Io { path: path.to_owned(), source };
        let mut file = match fs::File::open(path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Err(RingError::Missing(path.to_owned())),
            Err(error) => return Err(io(error)),
        };
        // Asked of the open file, not of the name: the name may point elsewhere a moment later.
        refuse_if_open_to_others(path, &file.metadata().map_err(io)?)?;
        let mut text = Vec::new();
        io::Read::read_to_end(&mut file, &mut text).map_err(io)?;
        let ring = Self::parse(&text).map_err(|fault| RingError::Malformed { path: path.to_owned(), fault });
        text.fill(0);
        std::hint::black_box(&text);
        ring
    }

    /// Writes a new ring to a file that doesn't exist yet, with mode 0600, in a directory made with mode 0700 if it is
    /// missing. The file appears whole or not at all, and is on disk when this returns.
    ///
    /// # Errors
    /// [`RingError::Exists`] when there is one already, also when another process was first; otherwise the system's error.
    pub fn create(path: &Path, entropy: &dyn Entropy, now: Timestamp) -> Result<Self, RingError> {
        let ring = Self::generate(entropy, now);
        ring.write_new(path)?;
        Ok(ring)
    }

    /// Loads the ring, or creates it on the first start.
    ///
    /// Call it only where a new ring is safe: when a database with cases is there already and the ring is missing, use
    /// [`KeyRing::load`] and let the operator find the ring.
    ///
    /// # Errors
    /// Those of [`KeyRing::load`] and [`KeyRing::create`].
    pub fn load_or_create(path: &Path, entropy: &dyn Entropy, now: Timestamp) -> Result<Self, RingError> {
        match Self::load(path) {
            Err(RingError::Missing(_)) => match Self::create(path, entropy, now) {
                // Another process was first: its ring is the one.
                Err(RingError::Exists(_)) => Self::load(path),
                created => created,
            },
            loaded => loaded,
        }
    }

    /// Replaces the file with this ring, whole or not at all: for rotation.
    ///
    /// # Errors
    /// The system's error.
    pub fn save(&self, path: &Path) -> Result<(), RingError> {
        let io = |source| RingError::Io { path: path.to_owned(), source };
        let draft = self.write_draft(path)?;
        fs::rename(&draft, path).map_err(|error| {
            let _ = fs::remove_file(&draft);
            io(error)
        })?;
        sync_directory(path).map_err(io)
    }

    /// Adds a master key and makes it the active one; the others stay, to open what they wrapped. Returns its id.
    pub fn rotate_master(&mut self, entropy: &dyn Entropy, now: Timestamp) -> u32 {
        let id = self.master.iter().map(|key| key.id).max().unwrap_or(0) + 1;
        self.master.push(MasterKey { id, created: now, key: Secret::generate(entropy) });
        self.active_master = id;
        id
    }

    /// Id of the master key that wraps new data keys.
    pub const fn active_master(&self) -> u32 {
        self.active_master
    }

    /// The master keys with the time that each was made at.
    pub fn masters(&self) -> impl Iterator<Item = (u32, Timestamp)> {
        self.master.iter().map(|key| (key.id, key.created))
    }

    /// Takes a master key out; what it wrapped can't be opened any more. The active one stays; whether there was another of
    /// this id.
    pub fn retire_master(&mut self, id: u32) -> bool {
        let before = self.master.len();
        self.master.retain(|key| key.id != id || key.id == self.active_master);
        self.master.len() < before
    }

    /// Adds a signing key and makes it the active one; tokens signed by the others stay valid until they expire. Returns
    /// its id.
    pub fn rotate_signing(&mut self, entropy: &dyn Entropy, now: Timestamp) -> String {
        // The first free one: an operator may have taken out keys whose tokens have all expired.
        let mut number = self.signing.len() + 1;
        while self.signing.iter().any(|key| key.kid == format!("k{number}")) {
            number += 1;
        }
        let kid = format!("k{number}");
        self.signing.push(SigningKey { kid: kid.clone(), created: now, secret: Secret::generate(entropy) });
        kid.clone_into(&mut self.active_signing);
        kid
    }

    /// Takes a signing key out: tokens that it signed are believed no longer. The active one stays; whether there was another
    /// of this id.
    pub fn retire_signing(&mut self, kid: &str) -> bool {
        let before = self.signing.len();
        self.signing.retain(|key| key.kid != kid || key.kid == self.active_signing);
        self.signing.len() < before
    }

    /// When the signing key that new tokens are signed with was made.
    pub fn active_signing_since(&self) -> Timestamp {
        self.signing.iter().find(|key| key.kid == self.active_signing).map_or(Timestamp::MAX, |key| key.created)
    }

    /// Adds a key that signs checkpoints of the audit log, when the ring has none; whether it did.
    pub fn ensure_audit_key(&mut self, entropy: &dyn Entropy, now: Timestamp) -> bool {
        let missing = self.audit.is_empty();
        if missing {
            self.rotate_audit(entropy, now);
        }
        missing
    }

    /// Adds a key that signs checkpoints from now on; the others stay, to check what they signed. Returns its id.
    pub fn rotate_audit(&mut self, entropy: &dyn Entropy, now: Timestamp) -> String {
        let kid = format!("a{}", self.audit.len() + 1);
        self.audit.push(SigningKey { kid: kid.clone(), created: now, secret: Secret::generate(entropy) });
        kid
    }

    /// The seeds of the keys that sign checkpoints, the newest last.
    pub(super) fn audit_secrets(&self) -> impl Iterator<Item = &Secret> {
        self.audit.iter().map(|key| &key.secret)
    }

    /// Id of the signing key that new tokens are signed with.
    pub fn active_signing(&self) -> &str {
        &self.active_signing
    }

    /// Every signing key with its id.
    pub fn signing_keys(&self) -> impl Iterator<Item = (&str, &Secret)> {
        self.signing.iter().map(|key| (key.kid.as_str(), &key.secret))
    }

    fn write_new(&self, path: &Path) -> Result<(), RingError> {
        let io = |source| RingError::Io { path: path.to_owned(), source };
        let draft = self.write_draft(path)?;
        // A hard link fails when the name is taken, where a rename would overwrite another process's ring.
        let linked = fs::hard_link(&draft, path);
        let _ = fs::remove_file(&draft);
        match linked {
            Ok(()) => sync_directory(path).map_err(io),
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Err(RingError::Exists(path.to_owned())),
            Err(error) => Err(io(error)),
        }
    }

    /// Writes the ring to a new file beside `path` and syncs it.
    fn write_draft(&self, path: &Path) -> Result<PathBuf, RingError> {
        let io = |source| RingError::Io { path: path.to_owned(), source };
        let directory = directory_of(path);
        create_private_directory(directory).map_err(io)?;
        let draft = path.with_extension(format!("new-{}", std::process::id()));
        // Left over from a run that was killed under the same process id.
        let _ = fs::remove_file(&draft);
        let mut text = self.to_json().map_err(io)?;
        let written = private_file(&draft).and_then(|mut file| {
            file.write_all(&text)?;
            file.sync_all()
        });
        text.fill(0);
        std::hint::black_box(&text);
        written.map_err(|error| {
            let _ = fs::remove_file(&draft);
            io(error)
        })?;
        Ok(draft)
    }

    fn to_json(&self) -> io::Result<Vec<u8>> {
        let encode = |secret: &Secret| STANDARD.encode(secret.expose());
        let entry =
            |key: &SigningKey| SigningEntry { kid: key.kid.clone(), created: key.created, secret: encode(&key.secret) };
        let file = RingFile {
            version: VERSION,
            active_master: self.active_master,
            master: self
                .master
                .iter()
                .map(|key| MasterEntry { id: key.id, created: key.created, key: encode(&key.key) })
                .collect(),
            index_key: encode(&self.index_key),
            pin_key: encode(&self.pin_key),
            active_signing: self.active_signing.clone(),
            signing: self.signing.iter().map(entry).collect(),
            audit: self.audit.iter().map(entry).collect(),
        };
        let mut text = serde_json::to_vec_pretty(&file).map_err(io::Error::other)?;
        text.push(b'\n');
        Ok(text)
    }

    fn parse(text: &[u8]) -> Result<Self, String> {
        // serde_json's own message may quote a value, and every value here may be a secret.
        let file: RingFile = serde_json::from_slice(text)
            .map_err(|error| format!("not a key ring (line {}, column {})", error.line(), error.column()))?;
        if file.version != VERSION {
            return Err(format!("version {} is not known", file.version));
        }
        let mut ring = Self {
            active_master: file.active_master,
            master: Vec::new(),
            index_key: decode("index_key", &file.index_key)?,
            pin_key: decode("pin_key", &file.pin_key)?,
            active_signing: file.active_signing,
            signing: Vec::new(),
            audit: Vec::new(),
        };
        for entry in file.master {
            if ring.master.iter().any(|key| key.id == entry.id) {
                return Err(format!("master key {} occurs twice", entry.id));
            }
            let key = decode("a master key", &entry.key)?;
            ring.master.push(MasterKey { id: entry.id, created: entry.created, key });
        }
        for entry in file.signing {
            if ring.signing.iter().any(|key| key.kid == entry.kid) {
                return Err("a signing key's kid occurs twice".to_owned());
            }
            let secret = decode("a signing secret", &entry.secret)?;
            ring.signing.push(SigningKey { kid: entry.kid, created: entry.created, secret });
        }
        for entry in file.audit {
            let secret = decode("an audit secret", &entry.secret)?;
            ring.audit.push(SigningKey { kid: entry.kid, created: entry.created, secret });
        }
        if !ring.master.iter().any(|key| key.id == ring.active_master) {
            return Err(format!("the active master key {} is not there", ring.active_master));
        }
        if !ring.signing.iter().any(|key| key.kid == ring.active_signing) {
            return Err("the active signing key is not there".to_owned());
        }
        // One secret for two ends would let a leak of the one break the other.
        let mut all: Vec<&[u8; 32]> = ring.master.iter().map(|key| key.key.expose()).collect();
        all.extend(ring.signing.iter().chain(&ring.audit).map(|key| key.secret.expose()));
        all.extend([ring.index_key.expose(), ring.pin_key.expose()]);
        all.sort_unstable();
        if all.windows(2).any(|pair| pair[0] == pair[1]) {
            return Err("two of its keys are the same".to_owned());
        }
        if all.iter().any(|key| key.iter().all(|byte| *byte == key[0])) {
            return Err("one of its keys is a single repeated byte".to_owned());
        }
        Ok(ring)
    }
}

fn decode(name: &str, text: &str) -> Result<Secret, String> {
    let fault = || format!("{name} is not 32 bytes in base64");
    let bytes = STANDARD.decode(text).map_err(|_| fault())?;
    Ok(Secret::from_bytes(bytes.try_into().map_err(|_| fault())?))
}

fn directory_of(path: &Path) -> &Path {
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    }
}

#[cfg(unix)]
fn refuse_if_open_to_others(path: &Path, metadata: &fs::Metadata) -> Result<(), RingError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = metadata.permissions().mode() & 0o7777;
    if mode & 0o077 == 0 { Ok(()) } else { Err(RingError::TooOpen { path: path.to_owned(), mode }) }
}

#[cfg(not(unix))]
fn refuse_if_open_to_others(_path: &Path, _metadata: &fs::Metadata) -> Result<(), RingError> {
    Ok(())
}

fn create_private_directory(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

fn private_file(path: &Path) -> io::Result<fs::File> {
    let mut options = fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)
}

/// Makes a new name in a directory survive a power cut.
fn sync_directory(path: &Path) -> io::Result<()> {
    if cfg!(unix) { fs::File::open(directory_of(path))?.sync_all() } else { Ok(()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;

    fn now() -> Timestamp {
        "2026-11-24T00:00:00Z".parse().unwrap()
    }

    fn bytes_of(ring: &KeyRing) -> Vec<u8> {
        ring.to_json().unwrap()
    }

    #[test]
    fn a_ring_survives_its_file() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keys/master.json");
        let created = KeyRing::load_or_create(&path, &SeededEntropy::new(1), now()).unwrap();
        let again = KeyRing::load_or_create(&path, &SeededEntropy::new(2), now()).unwrap();
        assert_eq!(bytes_of(&created), bytes_of(&again));
        assert_eq!(fs::read_dir(path.parent().unwrap()).unwrap().count(), 1, "no draft is left behind");
    }

    #[test]
    fn a_ring_that_exists_is_never_overwritten() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("master.json");
        let first = KeyRing::create(&path, &SeededEntropy::new(1), now()).unwrap();
        assert!(matches!(KeyRing::create(&path, &SeededEntropy::new(2), now()), Err(RingError::Exists(_))));
        assert_eq!(bytes_of(&first), bytes_of(&KeyRing::load(&path).unwrap()));
    }

    #[test]
    fn a_missing_ring_is_not_made_by_loading() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("master.json");
        assert!(matches!(KeyRing::load(&path), Err(RingError::Missing(_))));
        assert!(!path.exists());
    }

    #[cfg(unix)]
    #[test]
    fn only_the_owner_may_reach_the_file() {
        use std::os::unix::fs::PermissionsExt;
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("keys/master.json");
        KeyRing::create(&path, &SeededEntropy::new(1), now()).unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o600, 0o700));
        for open in [0o640, 0o604, 0o620, 0o660, 0o644] {
            fs::set_permissions(&path, fs::Permissions::from_mode(open)).unwrap();
            assert!(matches!(KeyRing::load(&path), Err(RingError::TooOpen { mode, .. }) if mode == open), "{open:o}");
        }
        fs::set_permissions(&path, fs::Permissions::from_mode(0o400)).unwrap();
        assert!(KeyRing::load(&path).is_ok());
    }

    #[test]
    fn rotation_keeps_the_old_keys_and_saves() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("master.json");
        let entropy = SeededEntropy::new(1);
        let mut ring = KeyRing::create(&path, &entropy, now()).unwrap();
        assert_eq!(ring.rotate_master(&entropy, now()), 2);
        assert_eq!(ring.rotate_signing(&entropy, now()), "k2");
        ring.save(&path).unwrap();
        let loaded = KeyRing::load(&path).unwrap();
        assert_eq!(bytes_of(&loaded), bytes_of(&ring));
        assert_eq!((loaded.active_master, loaded.active_signing()), (2, "k2"));
        assert_eq!(loaded.signing_keys().map(|(kid, _)| kid).collect::<Vec<_>>(), ["k1", "k2"]);
        assert!(!ring.retire_master(2) && !ring.retire_master(9) && ring.retire_master(1));
        assert_eq!(ring.masters().map(|(id, _)| id).collect::<Vec<_>>(), [2]);
        assert_eq!(ring.rotate_master(&entropy, now()), 3);
        ring.signing.remove(0);
        assert_eq!(ring.rotate_signing(&entropy, now()), "k3");
    }

    #[test]
    fn a_malformed_ring_is_refused_without_showing_it() {
        let good = String::from_utf8(bytes_of(&KeyRing::generate(&SeededEntropy::new(1), now()))).unwrap();
        let secret = STANDARD.encode(KeyRing::generate(&SeededEntropy::new(1), now()).index_key.expose());
        let other = STANDARD.encode([7; 32]);
        for bad in [
            good.replace("\"version\": 1", "\"version\": 9"),
            good.replace("\"active_master\": 1", "\"active_master\": 3"),
            good.replace("\"active_signing\": \"k1\"", "\"active_signing\": \"k9\""),
            good.replace(&secret, "short"),
            good.replace(&secret, &other),
            good.replace("\"id\": 1", &format!("\"id\": \"{secret}\"")),
            good.replace("\"index_key\"", "\"indexkey\""),
            good.replace("\"index_key\": ", "\"index_key\": [") + "]",
            String::new(),
        ] {
            let fault = KeyRing::parse(bad.as_bytes()).unwrap_err();
            assert!(!fault.contains(&secret) && !fault.contains("short"), "{fault}");
        }
        let ring = KeyRing::generate(&SeededEntropy::new(1), now());
        assert!(!format!("{ring:?}").contains(&secret));
    }

    #[test]
    fn two_ends_never_share_a_key() {
        let mut ring = KeyRing::generate(&SeededEntropy::new(1), now());
        ring.pin_key = ring.index_key.clone();
        assert!(KeyRing::parse(&bytes_of(&ring)).is_err());
    }
}

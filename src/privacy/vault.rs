//! Sealing and opening, keyed hashes, access PINs.
//!
//! Layout of a sealed value (a field's or a wrapped key's):
//!
//! | bytes | what |
//! |---|---|
//! | 1 | version of the layout, 1 |
//! | 1 | suite: 1 = AES-256-GCM; 2 = SM4-GCM (GB/T 32907, RFC 8998) |
//! | 4 | id of the key, big endian: of the master key in a wrapped key, a fingerprint of the case's key in a field |
//! | 12 | nonce, random |
//! | n + 16 | ciphertext and tag |
//!
//! Authenticated with it: the place (table, column, row) and the first six bytes. A master key may wrap 2^32 case keys
//! before random nonces become a risk (NIST SP 800-38D, 8.3): rotate it long before.

use crate::ambient::{Entropy, draw};
use crate::domain::case::CaseId;
use crate::privacy::{KeyRing, RingError, Secret};
use aes_gcm::aead::AeadInOut;
use aes_gcm::aead::consts::U12;
use aes_gcm::{Aes256Gcm, AesGcm, KeyInit};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use sm4::Sm4;
use std::collections::HashMap;
use std::fmt;
use std::path::PathBuf;
use std::sync::{Arc, PoisonError, RwLock};

const VERSION: u8 = 1;
const HEADER: usize = 6;
const NONCE: usize = 12;
const TAG: usize = 16;

/// Bytes that a sealed value has more than its plaintext.
pub const OVERHEAD: usize = HEADER + NONCE + TAG;

/// Length of a wrapped case key in bytes.
pub const WRAPPED: usize = OVERHEAD + 32;

/// Digits of an access PIN.
pub const PIN_DIGITS: usize = 8;

/// Why a sealed value doesn't open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum OpenError {
    /// Too short, or of a version that this program doesn't know.
    #[error("not a sealed value")]
    Malformed,
    /// The key that it was sealed with was destroyed.
    #[error("erased: its key was destroyed")]
    Erased,
    /// Sealed with a suite that this program doesn't have.
    #[error("sealed with suite {0}, which is not built in")]
    Suite(u8),
    /// Sealed under a key that isn't at hand: another case's, or a master key missing from the ring.
    #[error("sealed under key {0:#010x}, which is not at hand")]
    Key(u32),
    /// Changed, or moved from the place that it was sealed for.
    #[error("changed or moved since it was sealed")]
    Tampered,
}

/// What seals; stored in each value, so that both open whichever is set.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Suite {
    /// AES with a key of 256 bits.
    #[default]
    Aes256Gcm = 1,
    /// SM4, whose keys have 128 bits; for sites under commercial cryptography assessment (GB/T 39786).
    Sm4Gcm = 2,
}

impl Suite {
    const fn from_code(code: u8) -> Result<Self, OpenError> {
        match code {
            1 => Ok(Self::Aes256Gcm),
            2 => Ok(Self::Sm4Gcm),
            other => Err(OpenError::Suite(other)),
        }
    }

    /// The suite that a setting names.
    pub fn parse(name: &str) -> Option<Self> {
        match name {
            "aes_256_gcm" => Some(Self::Aes256Gcm),
            "sm4_gcm" => Some(Self::Sm4Gcm),
            _ => None,
        }
    }
}

type Sm4Gcm = AesGcm<Sm4, U12>;

/// A key of SM4 follows from the 32 bytes of a key of ours, apart from the one that AES takes as it is.
fn sm4_key(key: &Secret) -> Sm4Gcm {
    let mut digest: [u8; 32] =
        Sha256::new().chain_update(b"fangxin sm4 key").chain_update(key.expose()).finalize().into();
    let mut half: [u8; 16] = [0; 16];
    half.copy_from_slice(&digest[..16]);
    let cipher = Sm4Gcm::new(&half.into());
    digest.fill(0);
    half.fill(0);
    std::hint::black_box((&digest, &half));
    cipher
}

/// The place of a sealed value. It opens nowhere else.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Field<'a> {
    /// Table that holds it.
    pub table: &'a str,
    /// Column that holds it.
    pub column: &'a str,
    /// Primary key of the row, as bytes that never change, e.g. those of its uuid.
    pub row: &'a [u8],
}

impl Field<'_> {
    /// Appends the place to the data to authenticate, each part with its length, so that no two places read the same.
    fn write(&self, aad: &mut Vec<u8>) {
        for part in [self.table.as_bytes(), self.column.as_bytes(), self.row] {
            aad.extend_from_slice(&(part.len() as u64).to_be_bytes());
            aad.extend_from_slice(part);
        }
    }
}

/// The place that every wrapped case key is bound to: it is a key and can't be passed off as a field.
const KEY_PLACE: Field<'static> = Field { table: "", column: "case_key", row: &[] };

/// A cipher with its key schedule, ready for many values.
#[derive(Clone)]
struct Sealer {
    id: u32,
    suite: Suite,
    aes: Aes256Gcm,
    sm4: Sm4Gcm,
}

impl Sealer {
    fn new(id: u32, key: &Secret, suite: Suite) -> Self {
        Self { id, suite, aes: Aes256Gcm::new(key.expose().into()), sm4: sm4_key(key) }
    }

    fn seal(&self, nonce: [u8; NONCE], place: Field<'_>, plaintext: &[u8]) -> Vec<u8> {
        let mut value = Vec::with_capacity(plaintext.len() + OVERHEAD);
        value.extend_from_slice(&[VERSION, self.suite as u8]);
        value.extend_from_slice(&self.id.to_be_bytes());
        let aad = associated_data(place, &value);
        value.extend_from_slice(&nonce);
        value.extend_from_slice(plaintext);
        #[expect(clippy::expect_used, reason = "fails only beyond 64 GiB, which no value in memory here reaches")]
        let tag = match self.suite {
            Suite::Aes256Gcm => {
                self.aes.encrypt_inout_detached(&nonce.into(), &aad, (&mut value[HEADER + NONCE..]).into())
            }
            Suite::Sm4Gcm => {
                self.sm4.encrypt_inout_detached(&nonce.into(), &aad, (&mut value[HEADER + NONCE..]).into())
            }
        }
        .expect("shorter than 64 GiB");
        value.extend_from_slice(&tag);
        value
    }

    fn open(&self, place: Field<'_>, value: &[u8]) -> Result<Vec<u8>, OpenError> {
        if key_id(value)? != self.id {
            return Err(OpenError::Key(key_id(value)?));
        }
        let (header, rest) = value.split_at(HEADER);
        let (nonce, rest) = rest.split_first_chunk::<NONCE>().ok_or(OpenError::Malformed)?;
        let (ciphertext, tag) = rest.split_last_chunk::<TAG>().ok_or(OpenError::Malformed)?;
        let mut plaintext = ciphertext.to_vec();
        let aad = associated_data(place, header);
        let buffer = plaintext.as_mut_slice().into();
        match Suite::from_code(value[1])? {
            Suite::Aes256Gcm => self.aes.decrypt_inout_detached(nonce.into(), &aad, buffer, tag.into()),
            Suite::Sm4Gcm => self.sm4.decrypt_inout_detached(nonce.into(), &aad, buffer, tag.into()),
        }
        .map_err(|_| OpenError::Tampered)?;
        Ok(plaintext)
    }
}

fn associated_data(place: Field<'_>, header: &[u8]) -> Vec<u8> {
    let mut aad = Vec::with_capacity(96);
    place.write(&mut aad);
    aad.extend_from_slice(header);
    aad
}

/// Id of the key that a value is sealed under: for rotation, and for counting what still hangs on an old key.
///
/// # Errors
/// When it isn't a sealed value of a known version and suite.
pub fn key_id(value: &[u8]) -> Result<u32, OpenError> {
    match value {
        [VERSION, suite, a, b, c, d, rest @ ..] if rest.len() >= NONCE + TAG => {
            Suite::from_code(*suite)?;
            Ok(u32::from_be_bytes([*a, *b, *c, *d]))
        }
        _ => Err(OpenError::Malformed),
    }
}

/// The key of one case: seals and opens its fields.
#[derive(Clone)]
pub struct CaseKey(Sealer);

impl CaseKey {
    fn new(key: &Secret, suite: Suite) -> Self {
        // A fingerprint of the key: it tells another case's key from a value that was changed, and says nothing of a key
        // drawn at random.
        let digest: [u8; 32] =
            Sha256::new().chain_update(b"fangxin case key fingerprint").chain_update(key.expose()).finalize().into();
        let [a, b, c, d, ..] = digest;
        Self(Sealer::new(u32::from_be_bytes([a, b, c, d]), key, suite))
    }

    /// Seals a value for its place. Each call draws a nonce, so that equal values look different.
    pub fn seal(&self, entropy: &dyn Entropy, field: Field<'_>, plaintext: &[u8]) -> Vec<u8> {
        self.0.seal(draw(entropy), field, plaintext)
    }

    /// Opens a value that was sealed for this place.
    ///
    /// # Errors
    /// When it was changed, moved, or sealed under another key.
    pub fn open(&self, field: Field<'_>, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.0.open(field, sealed)
    }
}

impl fmt::Debug for CaseKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "CaseKey({:#010x})", self.0.id)
    }
}

/// What a keyed hash is for. Equal values of different purposes have unrelated hashes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Purpose {
    /// A phone number in E.164.
    Phone,
    /// An e-mail address, normalised.
    Email,
    /// A resident ID number or another document's, normalised.
    IdNumber,
    /// A respondent, by its credit code or normalised name.
    Respondent,
    /// The host or domain that receives notices.
    Lane,
    /// A network address.
    Address,
    /// Whose tries are counted: an account, a case, a contact, or one of them from an address.
    Tries,
    /// A one-time code, after the contact that it was sent to.
    Code,
    /// Somebody at a provider of sign-in: issuer, claim and its value.
    Subject,
}

impl Purpose {
    const fn code(self) -> &'static [u8] {
        match self {
            Self::Phone => b"phone",
            Self::Email => b"email",
            Self::IdNumber => b"id_number",
            Self::Respondent => b"respondent",
            Self::Lane => b"lane",
            Self::Address => b"address",
            Self::Tries => b"tries",
            Self::Code => b"code",
            Self::Subject => b"subject",
        }
    }
}

/// The master keys of a ring.
struct Masters {
    active: u32,
    sealers: HashMap<u32, Sealer>,
}

impl Masters {
    fn of(ring: &KeyRing, suite: Suite) -> Arc<Self> {
        let sealers = ring.master.iter().map(|key| (key.id, Sealer::new(key.id, &key.key, suite))).collect();
        Arc::new(Self { active: ring.active_master, sealers })
    }

    fn wrap(&self, entropy: &dyn Entropy, key: &Secret) -> Vec<u8> {
        #[expect(clippy::expect_used, reason = "a ring without its active master key is refused when it is read")]
        let active = self.sealers.get(&self.active).expect("the ring has its active master key");
        active.seal(draw(entropy), KEY_PLACE, key.expose())
    }
}

/// The keys of an installation, ready for use. Cheap to share behind an `Arc`.
pub struct Vault {
    suite: Suite,
    /// Replaced whole when the ring is read again.
    masters: RwLock<Arc<Masters>>,
    /// Where the ring is read again from.
    file: Option<PathBuf>,
    index: Hmac<Sha256>,
    pin: Hmac<Sha256>,
}

impl Vault {
    /// Prepares the keys of a ring; what is sealed from now on is sealed with this suite.
    pub fn new(ring: &KeyRing, suite: Suite) -> Self {
        Self {
            suite,
            masters: RwLock::new(Masters::of(ring, suite)),
            file: None,
            index: keyed(&ring.index_key),
            pin: keyed(&ring.pin_key),
        }
    }

    /// The same, with the file that the ring is in: another process may rotate the master key meanwhile. The file is read
    /// again by [`Vault::reload`], and when a case's key is wrapped by a master key that isn't known yet.
    #[must_use]
    pub fn reading(mut self, file: PathBuf) -> Self {
        self.file = Some(file);
        self
    }

    /// Reads the master keys again, if there is a file to read them from.
    ///
    /// # Errors
    /// Those of [`KeyRing::load`]; the keys stay what they were.
    pub fn reload(&self) -> Result<(), RingError> {
        let Some(file) = &self.file else { return Ok(()) };
        let ring = KeyRing::load(file)?;
        *self.masters.write().unwrap_or_else(PoisonError::into_inner) = Masters::of(&ring, self.suite);
        Ok(())
    }

    fn masters(&self) -> Arc<Masters> {
        Arc::clone(&self.masters.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Draws a key for a new case. The bytes are the key wrapped by the active master key, [`WRAPPED`] of them, to be
    /// stored with the case.
    pub fn new_case_key(&self, entropy: &dyn Entropy) -> (CaseKey, Vec<u8>) {
        let key = Secret::generate(entropy);
        let wrapped = self.masters().wrap(entropy, &key);
        (CaseKey::new(&key, self.suite), wrapped)
    }

    /// Unwraps the key of a case.
    ///
    /// # Errors
    /// [`OpenError::Erased`] for no key at all; [`OpenError::Key`] when its master key isn't in the ring; otherwise when the
    /// bytes were changed.
    pub fn open_case_key(&self, wrapped: &[u8]) -> Result<CaseKey, OpenError> {
        if wrapped.is_empty() {
            return Err(OpenError::Erased);
        }
        Ok(CaseKey::new(&self.unwrap_key(wrapped)?, self.suite))
    }

    /// Wraps a case's key anew with the active master key, for rotation; `None` when it is already. What was sealed under
    /// the case's key stays as it is.
    ///
    /// # Errors
    /// Those of [`Vault::open_case_key`].
    pub fn rewrap(&self, entropy: &dyn Entropy, wrapped: &[u8]) -> Result<Option<Vec<u8>>, OpenError> {
        let masters = self.masters();
        if key_id(wrapped)? == masters.active {
            return Ok(None);
        }
        let key = self.unwrap_key(wrapped)?;
        Ok(Some(masters.wrap(entropy, &key)))
    }

    /// Id of the master key that wraps new case keys.
    pub fn active_master_id(&self) -> u32 {
        self.masters().active
    }

    fn unwrap_key(&self, wrapped: &[u8]) -> Result<Secret, OpenError> {
        let id = key_id(wrapped)?;
        let mut masters = self.masters();
        if !masters.sealers.contains_key(&id) {
            // Another process may have made it since the ring was read. When the file can't be read, or doesn't have it
            // either, it is as unknown as before.
            drop(self.reload());
            masters = self.masters();
        }
        let mut key = masters.sealers.get(&id).ok_or(OpenError::Key(id))?.open(KEY_PLACE, wrapped)?;
        let secret = <[u8; 32]>::try_from(key.as_slice()).map(Secret::from_bytes).map_err(|_| OpenError::Malformed);
        key.fill(0);
        std::hint::black_box(&key);
        secret
    }

    /// The keyed hash to look a value up by: HMAC-SHA-256 over the purpose, a zero byte and the value, cut to 16 bytes.
    /// Give it the normalised value: two spellings have two hashes.
    pub fn index(&self, purpose: Purpose, value: &str) -> [u8; 16] {
        let full = finish(self.index.clone().chain_update(purpose.code()).chain_update([0]).chain_update(value));
        let [hash @ .., _, _, _, _, _, _, _, _, _, _, _, _, _, _, _, _] = full;
        hash
    }

    /// A mark by which entries of the audit log from one network address can be told to be from the same, without the
    /// address itself. Give it the address as text.
    pub fn address_mark(&self, address: &str) -> String {
        self.index(Purpose::Address, address).iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// The PIN by which its filer opens a case: eight digits that follow from the case's key, so that the answer to a
    /// resend can show it again although it is stored nowhere. It has some 27 bits only: guessing must be limited.
    pub fn access_pin(&self, case: CaseId) -> String {
        let full = finish(self.pin.clone().chain_update(b"access_pin\0").chain_update(case.0.as_bytes()));
        let [a, b, c, d, e, f, g, h, ..] = full;
        // 2^64 is so much larger than 10^8 that the remainder favours no PIN by more than 10^-11.
        let number = u64::from_be_bytes([a, b, c, d, e, f, g, h]) % 100_000_000;
        format!("{number:0PIN_DIGITS$}")
    }

    /// A keyed hash over a label, a zero byte and some bytes, apart from those that PINs and look-ups follow from.
    pub(super) fn mac(&self, label: &[u8], bytes: &[u8]) -> [u8; 32] {
        finish(self.pin.clone().chain_update(label).chain_update([0]).chain_update(bytes))
    }

    /// Whether two secrets are the same, in a time that doesn't depend on where they differ.
    pub(super) fn agree(&self, one: &[u8], other: &[u8]) -> bool {
        // Compared through a keyed hash: how far two hashes agree tells nothing of the secrets. `CtOutput` compares in
        // constant time besides.
        let hash = |secret: &[u8]| self.pin.clone().chain_update(b"compare\0").chain_update(secret).finalize();
        hash(one) == hash(other)
    }

    /// Whether a PIN is the case's, in a time that doesn't depend on where the two differ.
    pub fn verify_pin(&self, case: CaseId, pin: &str) -> bool {
        self.agree(pin.as_bytes(), self.access_pin(case).as_bytes())
    }
}

impl fmt::Debug for Vault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Vault(master {})", self.active_master_id())
    }
}

fn keyed(key: &Secret) -> Hmac<Sha256> {
    #[expect(clippy::expect_used, reason = "HMAC takes a key of any length")]
    <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key.expose()).expect("any length will do")
}

fn finish(mac: Hmac<Sha256>) -> [u8; 32] {
    mac.finalize().into_bytes().into()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;
    use uuid::Uuid;

    fn ring() -> KeyRing {
        KeyRing::generate(&SeededEntropy::new(7), "2026-11-24T00:00:00Z".parse().unwrap())
    }

    const NAME: Field<'static> = Field { table: "parties", column: "name", row: b"row 1" };

    fn case(number: u128) -> CaseId {
        CaseId(Uuid::from_u128(number))
    }

    #[test]
    fn what_is_sealed_opens_at_its_place() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let (key, wrapped) = vault.new_case_key(&entropy);
        assert_eq!(wrapped.len(), WRAPPED);
        for plaintext in ["", "张三", &"长".repeat(10_000)] {
            let sealed = key.seal(&entropy, NAME, plaintext.as_bytes());
            assert_eq!(sealed.len(), plaintext.len() + OVERHEAD);
            assert_eq!(vault.open_case_key(&wrapped).unwrap().open(NAME, &sealed).unwrap(), plaintext.as_bytes());
        }
    }

    #[test]
    fn equal_values_look_different() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let (key, _) = vault.new_case_key(&entropy);
        assert_ne!(key.seal(&entropy, NAME, b"same"), key.seal(&entropy, NAME, b"same"));
    }

    #[test]
    fn a_value_moved_to_another_place_does_not_open() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let (key, wrapped) = vault.new_case_key(&entropy);
        let sealed = key.seal(&entropy, NAME, b"value");
        for place in [
            Field { table: "cases", ..NAME },
            Field { column: "phone", ..NAME },
            Field { row: b"row 2", ..NAME },
            Field { row: b"", ..NAME },
            // The same bytes in a row, cut elsewhere.
            Field { table: "partie", column: "sname", ..NAME },
            Field { table: "parties", column: "namer", row: b"ow 1" },
            KEY_PLACE,
        ] {
            assert_eq!(key.open(place, &sealed), Err(OpenError::Tampered), "{place:?}");
        }
        assert!(key.open(NAME, &wrapped).is_err(), "a wrapped key is no field");
    }

    #[test]
    fn another_cases_key_does_not_open_it() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let ((a, _), (b, _)) = (vault.new_case_key(&entropy), vault.new_case_key(&entropy));
        assert!(matches!(b.open(NAME, &a.seal(&entropy, NAME, b"value")), Err(OpenError::Key(_))));
    }

    #[test]
    fn no_byte_can_be_changed_and_nothing_cut_off() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let (key, wrapped) = vault.new_case_key(&entropy);
        let sealed = key.seal(&entropy, NAME, b"value");
        for at in 0..sealed.len() {
            for bit in 0..8 {
                let mut changed = sealed.clone();
                changed[at] ^= 1 << bit;
                assert!(key.open(NAME, &changed).is_err(), "byte {at} bit {bit}");
            }
            assert!(key.open(NAME, &sealed[..at]).is_err(), "cut at {at}");
        }
        for at in 0..wrapped.len() {
            let mut changed = wrapped.clone();
            changed[at] ^= 1;
            assert!(vault.open_case_key(&changed).is_err(), "byte {at}");
            assert!(vault.open_case_key(&wrapped[..at]).is_err(), "cut at {at}");
        }
        assert_eq!(key.open(NAME, &[&sealed[..], b"x"].concat()), Err(OpenError::Tampered));
    }

    #[test]
    fn an_unknown_suite_is_named() {
        let (vault, entropy) = (Vault::new(&ring(), Suite::default()), SeededEntropy::new(1));
        let (key, _) = vault.new_case_key(&entropy);
        let mut sealed = key.seal(&entropy, NAME, b"value");
        sealed[1] = 9;
        assert_eq!(key.open(NAME, &sealed), Err(OpenError::Suite(9)));
    }

    #[test]
    fn rotation_rewraps_the_key_and_leaves_the_values() {
        let entropy = SeededEntropy::new(1);
        let mut ring = ring();
        let before = Vault::new(&ring, Suite::default());
        let (key, wrapped) = before.new_case_key(&entropy);
        let sealed = key.seal(&entropy, NAME, b"value");
        assert_eq!(before.rewrap(&entropy, &wrapped).unwrap(), None);

        ring.rotate_master(&entropy, "2027-01-01T00:00:00Z".parse().unwrap());
        let after = Vault::new(&ring, Suite::default());
        let again = after.rewrap(&entropy, &wrapped).unwrap().unwrap();
        assert_eq!((key_id(&wrapped), key_id(&again)), (Ok(1), Ok(2)));
        for wrapped in [&wrapped, &again] {
            assert_eq!(after.open_case_key(wrapped).unwrap().open(NAME, &sealed).unwrap(), b"value");
        }
        assert_eq!(before.open_case_key(&again).unwrap_err(), OpenError::Key(2));
    }

    /// The GCM specification's test case 16 (McGrew and Viega): the primitive is the one that others mean by the name.
    #[test]
    fn the_cipher_gives_the_published_answer() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key: [u8; 32] = hex("feffe9928665731c6d6a8f9467308308feffe9928665731c6d6a8f9467308308").try_into().unwrap();
        let nonce: [u8; 12] = hex("cafebabefacedbaddecaf888").try_into().unwrap();
        let mut text = hex(concat!(
            "d9313225f88406e5a55909c5aff5269a86a7a9531534f7da2e4c303d8a318a72",
            "1c3c0c95956809532fcf0e2449a6b525b16aedf5aa0de657ba637b39"
        ));
        let tag = Aes256Gcm::new(&key.into())
            .encrypt_inout_detached(
                &nonce.into(),
                &hex("feedfacedeadbeeffeedfacedeadbeefabaddad2"),
                text.as_mut_slice().into(),
            )
            .unwrap();
        let answer = hex(concat!(
            "522dc1f099567d07f47f37a32a84427d643a8cdcbfe5c0c97598a2bd2555d1aa",
            "8cb08e48590dbb3da7b08b1056828838c5f61e6393ba7a0abcc9f662"
        ));
        assert_eq!((text, tag.to_vec()), (answer, hex("76fc6ece0f4e1768cddf8853bb2d551b")));
    }

    /// RFC 8998, appendix A.1.
    #[test]
    fn sm4_gcm_gives_the_published_answer() {
        let hex = |text: &str| -> Vec<u8> {
            (0..text.len()).step_by(2).map(|at| u8::from_str_radix(&text[at..at + 2], 16).unwrap()).collect()
        };
        let key: [u8; 16] = hex("0123456789abcdeffedcba9876543210").try_into().unwrap();
        let nonce: [u8; 12] = hex("00001234567800000000abcd").try_into().unwrap();
        let mut text = hex(concat!(
            "aaaaaaaaaaaaaaaabbbbbbbbbbbbbbbbccccccccccccccccdddddddddddddddd",
            "eeeeeeeeeeeeeeeeffffffffffffffffeeeeeeeeeeeeeeeeaaaaaaaaaaaaaaaa"
        ));
        let aad = hex("feedfacedeadbeeffeedfacedeadbeefabaddad2");
        let tag =
            Sm4Gcm::new(&key.into()).encrypt_inout_detached(&nonce.into(), &aad, text.as_mut_slice().into()).unwrap();
        let answer = hex(concat!(
            "17f399f08c67d5ee19d0dc9969c4bb7d5fd46fd3756489069157b282bb200735",
            "d82710ca5c22f0ccfa7cbf93d496ac15a56834cbcf98c397b4024a2691233b8d"
        ));
        assert_eq!((text, tag.to_vec()), (answer, hex("83de3541e4c2b58177e065a9bf7b62ec")));
    }

    #[test]
    fn both_suites_open_whichever_seals() {
        let entropy = SeededEntropy::new(1);
        let (aes, sm4) = (Vault::new(&ring(), Suite::Aes256Gcm), Vault::new(&ring(), Suite::Sm4Gcm));
        for (one, other, code) in [(&aes, &sm4, 1), (&sm4, &aes, 2)] {
            let (key, wrapped) = one.new_case_key(&entropy);
            let sealed = key.seal(&entropy, NAME, b"value");
            assert_eq!((sealed[1], wrapped[1]), (code, code));
            assert_eq!(other.open_case_key(&wrapped).unwrap().open(NAME, &sealed).unwrap(), b"value");
            // The suite is authenticated: a value doesn't open as one of the other.
            let mut changed = sealed;
            changed[1] = 3 - code;
            assert_eq!(key.open(NAME, &changed), Err(OpenError::Tampered));
        }
    }

    /// A process that serves takes up a key that another one made, and never loses those that it has.
    #[test]
    fn a_ring_that_was_rotated_elsewhere_is_read_again() {
        let home = tempfile::tempdir().unwrap();
        let path = home.path().join("ring.json");
        let entropy = SeededEntropy::new(1);
        let now = "2026-11-24T00:00:00Z".parse().unwrap();
        let mut ring = KeyRing::create(&path, &entropy, now).unwrap();
        let serving = Vault::new(&ring, Suite::default()).reading(path.clone());
        let (_, old) = serving.new_case_key(&entropy);

        ring.rotate_master(&entropy, now);
        ring.save(&path).unwrap();
        let other = Vault::new(&ring, Suite::default());
        let new = other.rewrap(&entropy, &old).unwrap().unwrap();
        assert_eq!((key_id(&old), key_id(&new)), (Ok(1), Ok(2)));
        assert_eq!(serving.active_master_id(), 1);
        assert!(serving.open_case_key(&new).is_ok());
        assert_eq!(serving.active_master_id(), 2);
        assert!(serving.open_case_key(&old).is_ok());

        std::fs::write(&path, "{").unwrap();
        assert!(serving.reload().is_err());
        assert!(serving.open_case_key(&new).is_ok() && serving.open_case_key(&old).is_ok());
        // Without a file there is nothing to read again.
        let alone = Vault::new(&KeyRing::generate(&SeededEntropy::new(9), now), Suite::default());
        assert_eq!(alone.open_case_key(&new).unwrap_err(), OpenError::Key(2));
    }

    /// What is stored today must open in every later version: the layout and each derivation, pinned. The values were
    /// computed apart from this code.
    #[test]
    fn stored_forms_do_not_change() {
        let hex = |bytes: &[u8]| bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let key = CaseKey::new(&Secret::from_bytes([0x11; 32]), Suite::default());
        let sealed = key.0.seal([0x22; 12], NAME, "张三".as_bytes());
        assert_eq!(hex(&sealed), SEALED);
        let mut ring = ring();
        ring.index_key = Secret::from_bytes([0x33; 32]);
        ring.pin_key = Secret::from_bytes([0x44; 32]);
        let vault = Vault::new(&ring, Suite::default());
        assert_eq!(hex(&vault.index(Purpose::Phone, "+8613800138000")), INDEX);
        assert_eq!(vault.access_pin(case(0x0197_0000_0000_7000_8000_0000_0000_0001)), PIN);
    }

    const SEALED: &str = "0101989c691c222222222222222222222222f24ba7ad7846d86d69416ebed334164903f8c22be457";
    const INDEX: &str = "7e1b8d42f9bac6d44a36f43a7ede5b89";
    const PIN: &str = "00384250";

    #[test]
    fn look_up_hashes_depend_on_purpose_value_and_key() {
        let vault = Vault::new(&ring(), Suite::default());
        let other = Vault::new(
            &KeyRing::generate(&SeededEntropy::new(8), "2026-11-24T00:00:00Z".parse().unwrap()),
            Suite::default(),
        );
        let hash = vault.index(Purpose::Phone, "+8613800138000");
        assert_eq!(hash, vault.index(Purpose::Phone, "+8613800138000"));
        assert_ne!(hash, vault.index(Purpose::Phone, "+8613800138001"));
        assert_ne!(hash, vault.index(Purpose::Email, "+8613800138000"));
        assert_ne!(hash, other.index(Purpose::Phone, "+8613800138000"));
    }

    #[test]
    fn a_pin_opens_its_own_case_only() {
        let vault = Vault::new(&ring(), Suite::default());
        let pin = vault.access_pin(case(1));
        assert!(pin.len() == 8 && pin.bytes().all(|byte| byte.is_ascii_digit()), "{pin}");
        assert!(vault.verify_pin(case(1), &pin));
        for wrong in
            ["", "0", "00000000", &pin[1..], &format!("{pin}0"), &format!(" {pin}"), &vault.access_pin(case(2))]
        {
            assert!(!vault.verify_pin(case(1), wrong), "{wrong:?}");
        }
        assert!(!vault.verify_pin(case(2), &pin));
    }

    #[test]
    fn nothing_secret_is_printed() {
        let vault = Vault::new(&ring(), Suite::default());
        let (key, _) = vault.new_case_key(&SeededEntropy::new(1));
        assert_eq!(format!("{vault:?}"), "Vault(master 1)");
        assert!(format!("{key:?}").len() < 24);
    }
}

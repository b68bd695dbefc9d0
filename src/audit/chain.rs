//! An entry in its place: its hash covers the one before it and every open column.

use crate::audit::entry::Entry;
use crate::domain::chain::Hash;
use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// The hash before a chain's first entry.
pub const GENESIS: Hash = [0; 32];

/// An entry as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// Chain.
    pub writer: String,
    /// Place in it, from 1.
    pub seq: i64,
    /// Id, in the order of time over all chains.
    pub id: Uuid,
    /// When, to the microsecond.
    pub at: Timestamp,
    /// Code of what happened.
    pub kind: String,
    /// Code of the role of who did it.
    pub role: String,
    /// Account of staff.
    pub actor: Option<String>,
    /// Office or station of staff.
    pub unit: Option<String>,
    /// Six-digit division by which auditors find it.
    pub division: Option<i32>,
    /// Case.
    pub case: Option<Uuid>,
    /// Request.
    pub request_id: Option<String>,
    /// Particulars, as JSON; hashed byte for byte.
    pub data: String,
    /// What a person wrote, sealed; not hashed, so that it can be erased.
    pub sealed: Option<Vec<u8>>,
    /// Commitment to it.
    pub commitment: Option<Vec<u8>>,
    /// Hash of the entry before.
    pub previous: Vec<u8>,
    /// Hash of this one.
    pub hash: Vec<u8>,
}

impl Record {
    /// Puts an entry behind the one with this hash.
    pub fn new(entry: &Entry, seq: i64, previous: &[u8]) -> Self {
        let mut record = Self {
            writer: entry.writer.to_string(),
            seq,
            id: entry.id,
            // As both engines keep it: the hash must be the same when it is read back.
            at: Timestamp::from_microsecond(entry.at.as_microsecond()).unwrap_or(entry.at),
            kind: entry.kind.code().to_owned(),
            role: entry.by.role.code().to_owned(),
            actor: entry.by.user.clone(),
            unit: entry.by.unit.clone(),
            division: entry.division.and_then(|division| i32::try_from(division.six_digits().number()).ok()),
            case: entry.case.map(|case| case.0),
            request_id: entry.request_id.clone(),
            data: Value::Object(entry.data.clone()).to_string(),
            sealed: entry.sealed.as_ref().map(|(sealed, _)| sealed.clone()),
            commitment: entry.sealed.as_ref().map(|(_, commitment)| commitment.to_vec()),
            previous: previous.to_vec(),
            hash: Vec::new(),
        };
        record.hash = record.computed(seq).to_vec();
        record
    }

    /// The hash that it has at a place.
    pub fn computed(&self, seq: i64) -> Hash {
        let canonical = json!([
            self.writer,
            seq,
            self.id,
            self.at.as_microsecond(),
            self.kind,
            self.role,
            self.actor,
            self.unit,
            self.division,
            self.case,
            self.request_id,
            self.data,
            self.commitment,
        ])
        .to_string();
        let mut hasher = Sha256::new();
        hasher.update(b"fangxin.audit.1");
        hasher.update((self.previous.len() as u64).to_be_bytes());
        hasher.update(&self.previous);
        hasher.update(canonical.as_bytes());
        hasher.finalize().into()
    }
}

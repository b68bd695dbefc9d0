//! What a case holds under seal: its parties, its narrative, what people wrote at each step. The only place that turns
//! personal data into what is stored, and back.

use crate::ambient::{self, Entropy};
use crate::domain::case::CaseId;
use crate::domain::chain::{self, Hash};
use crate::domain::hidden::hidden_debug;
use crate::domain::vocabulary::PartyRole;
use crate::privacy::{CaseKey, Field, OpenError, Purpose, Vault};
use crate::store::filing::{EventRow, PartyRow};
use crate::store::types::Key;
use crate::store::{StoreError, packed};
use uuid::Uuid;

/// A party in the clear.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct Party {
    /// Number within the case.
    pub no: i16,
    /// Part in the case.
    pub role: Option<PartyRole>,
    /// Name.
    pub name: Option<String>,
    /// E.164 for a person; as given for a merchant.
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Kind of the identity document.
    pub id_type: Option<String>,
    /// Its number.
    pub id_number: Option<String>,
    /// Credit code of a merchant.
    pub uscc: Option<String>,
}

hidden_debug!(Party);

impl From<OpenError> for StoreError {
    fn from(error: OpenError) -> Self {
        match error {
            OpenError::Erased => Self::Erased,
            other => Self::Unreadable(other.to_string()),
        }
    }
}

/// Seals and opens what belongs to one case.
pub struct Dossier<'a> {
    vault: &'a Vault,
    key: CaseKey,
    id: CaseId,
}

impl std::fmt::Debug for Dossier<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Dossier").field("id", &self.id).finish_non_exhaustive()
    }
}

/// Row of a party or event as the vault wants it: the case's key and the number within the case.
fn row(id: CaseId, number: i64) -> [u8; 24] {
    let mut bytes = [0; 24];
    bytes[..16].copy_from_slice(id.0.as_bytes());
    bytes[16..].copy_from_slice(&number.to_be_bytes());
    bytes
}

impl<'a> Dossier<'a> {
    /// A new case's dossier, with its data key wrapped for storing.
    pub fn create(vault: &'a Vault, entropy: &dyn Entropy, id: CaseId) -> (Self, Vec<u8>) {
        let (key, wrapped) = vault.new_case_key(entropy);
        (Self { vault, key, id }, wrapped)
    }

    /// An existing case's.
    ///
    /// # Errors
    /// [`OpenError::Erased`] when its key was destroyed; else when the data key can't be opened with the keys at hand.
    pub fn open(vault: &'a Vault, id: CaseId, wrapped: &[u8]) -> Result<Self, OpenError> {
        Ok(Self { vault, key: vault.open_case_key(wrapped)?, id })
    }

    /// Seals the narrative.
    pub fn seal_narrative(&self, entropy: &dyn Entropy, narrative: &str) -> Vec<u8> {
        let row = row(self.id, 0);
        self.key.seal(entropy, Field { table: "cases", column: "narrative", row: &row }, &packed::prose(narrative))
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this case.
    pub fn open_narrative(&self, sealed: &[u8]) -> Result<String, OpenError> {
        let row = row(self.id, 0);
        let bytes = self.key.open(Field { table: "cases", column: "narrative", row: &row }, sealed)?;
        packed::unpack(&bytes).map_err(|_| OpenError::Malformed)
    }

    /// Seals a party, and hashes what it may be looked up by. A merchant's contacts are no person's: they aren't hashed.
    pub fn seal_party(&self, entropy: &dyn Entropy, party: &Party) -> PartyRow {
        let row = row(self.id, i64::from(party.no));
        let seal = |column: &str, value: &Option<String>| {
            value
                .as_ref()
                .map(|value| self.key.seal(entropy, Field { table: "parties", column, row: &row }, value.as_bytes()))
        };
        let person = !matches!(party.role, Some(PartyRole::Respondent | PartyRole::Platform));
        let hash = |purpose: Purpose, value: &Option<String>| {
            value.as_ref().filter(|_| person).map(|value| self.vault.index(purpose, value).to_vec())
        };
        PartyRow {
            case_id: Key::from(self.id),
            party_no: party.no,
            role: party.role.map_or("", PartyRole::code).to_owned(),
            name: seal("name", &party.name),
            phone: seal("phone", &party.phone),
            email: seal("email", &party.email),
            address: seal("address", &party.address),
            id_type: party.id_type.clone(),
            id_number: seal("id_number", &party.id_number),
            uscc: party.uscc.clone(),
            phone_hash: hash(Purpose::Phone, &party.phone),
            email_hash: hash(Purpose::Email, &party.email),
            id_hash: hash(Purpose::IdNumber, &party.id_number),
        }
    }

    /// Opens a party.
    ///
    /// # Errors
    /// When a field isn't what was sealed for this row.
    pub fn open_party(&self, party: &PartyRow) -> Result<Party, OpenError> {
        let row = row(self.id, i64::from(party.party_no));
        let open = |column: &str, sealed: &Option<Vec<u8>>| {
            sealed
                .as_ref()
                .map(|sealed| self.key.open(Field { table: "parties", column, row: &row }, sealed))
                .transpose()
                .map(|bytes| bytes.map(|bytes| String::from_utf8_lossy(&bytes).into_owned()))
        };
        Ok(Party {
            no: party.party_no,
            role: PartyRole::parse(&party.role).ok(),
            name: open("name", &party.name)?,
            phone: open("phone", &party.phone)?,
            email: open("email", &party.email)?,
            address: open("address", &party.address)?,
            id_type: party.id_type.clone(),
            id_number: open("id_number", &party.id_number)?,
            uscc: party.uscc.clone(),
        })
    }

    /// The case's key, for what is sealed outside its own tables: notices.
    pub const fn key(&self) -> &CaseKey {
        &self.key
    }

    /// Opens parties, in the order of their rows.
    ///
    /// # Errors
    /// When a field isn't what was sealed for its row.
    pub fn open_parties(&self, parties: &[PartyRow]) -> Result<Vec<Party>, OpenError> {
        parties.iter().map(|party| self.open_party(party)).collect()
    }

    /// Seals the name of a file.
    pub fn seal_file_name(&self, entropy: &dyn Entropy, attachment: Key, name: &str) -> Vec<u8> {
        let field = Field { table: "attachments", column: "name", row: attachment.0.as_bytes() };
        self.key.seal(entropy, field, name.as_bytes())
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this attachment.
    pub fn open_file_name(&self, attachment: Key, sealed: &[u8]) -> Result<String, OpenError> {
        let field = Field { table: "attachments", column: "name", row: attachment.0.as_bytes() };
        Ok(String::from_utf8_lossy(&self.key.open(field, sealed)?).into_owned())
    }

    /// Seals an attachment's bytes.
    pub fn seal_file(&self, entropy: &dyn Entropy, attachment: Key, bytes: &[u8]) -> Vec<u8> {
        let field = Field { table: "attachments", column: "object", row: attachment.0.as_bytes() };
        self.key.seal(entropy, field, bytes)
    }

    /// Opens them.
    ///
    /// # Errors
    /// When they aren't what was sealed for this attachment.
    pub fn open_file(&self, attachment: Key, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        self.key.open(Field { table: "attachments", column: "object", row: attachment.0.as_bytes() }, sealed)
    }

    /// Seals a document as it was issued.
    pub fn seal_document(&self, entropy: &dyn Entropy, no: i16, page: &str) -> Vec<u8> {
        let row = row(self.id, i64::from(no));
        self.key.seal(entropy, Field { table: "documents", column: "page", row: &row }, page.as_bytes())
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this document.
    pub fn open_document(&self, no: i16, sealed: &[u8]) -> Result<String, OpenError> {
        let row = row(self.id, i64::from(no));
        let bytes = self.key.open(Field { table: "documents", column: "page", row: &row }, sealed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Seals what staff said of the sector at a step.
    pub fn seal_verdict(&self, entropy: &dyn Entropy, seq: i64, verdict: &[u8]) -> Vec<u8> {
        let row = row(self.id, seq);
        self.key.seal(entropy, Field { table: "verdicts", column: "sealed", row: &row }, verdict)
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this step.
    pub fn open_verdict(&self, seq: i64, sealed: &[u8]) -> Result<Vec<u8>, OpenError> {
        let row = row(self.id, seq);
        self.key.open(Field { table: "verdicts", column: "sealed", row: &row }, sealed)
    }

    /// Seals what a person wrote at a step, with the salt of its commitment before it.
    pub(super) fn seal_event(&self, entropy: &dyn Entropy, seq: i64, salt: &[u8; 16], text: &str) -> Vec<u8> {
        let row = row(self.id, seq);
        let mut plain = salt.to_vec();
        plain.extend_from_slice(text.as_bytes());
        self.key.seal(entropy, Field { table: "events", column: "sealed", row: &row }, &plain)
    }

    /// Seals what is said of a request to put something right; `column` is `wanted` or `answer`.
    pub(super) fn seal_correction(&self, entropy: &dyn Entropy, no: i16, column: &str, text: &str) -> Vec<u8> {
        let row = row(self.id, i64::from(no));
        self.key.seal(entropy, Field { table: "corrections", column, row: &row }, text.as_bytes())
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this request.
    pub(super) fn open_correction(&self, no: i16, column: &str, sealed: &[u8]) -> Result<String, OpenError> {
        let row = row(self.id, i64::from(no));
        let bytes = self.key.open(Field { table: "corrections", column, row: &row }, sealed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Seals the reason for a hold.
    pub fn seal_hold(&self, entropy: &dyn Entropy, reason: &str) -> Vec<u8> {
        let row = row(self.id, 0);
        self.key.seal(entropy, Field { table: "legal_holds", column: "reason", row: &row }, reason.as_bytes())
    }

    /// Opens it.
    ///
    /// # Errors
    /// When it isn't what was sealed for this case.
    pub fn open_hold(&self, sealed: &[u8]) -> Result<String, OpenError> {
        let row = row(self.id, 0);
        let bytes = self.key.open(Field { table: "legal_holds", column: "reason", row: &row }, sealed)?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Seals what staff give as the reason for an entry of the audit log, with the salt of its commitment before it; gives the
    /// commitment too.
    pub fn seal_reason(&self, entropy: &dyn Entropy, entry: Uuid, reason: &str) -> (Vec<u8>, Hash) {
        let salt = ambient::draw::<16>(entropy);
        let mut plain = salt.to_vec();
        plain.extend_from_slice(reason.as_bytes());
        let field = Field { table: "audit", column: "sealed", row: entry.as_bytes() };
        (self.key.seal(entropy, field, &plain), chain::commitment(&salt, reason.as_bytes()))
    }

    /// Opens it, without the salt.
    ///
    /// # Errors
    /// When it isn't what was sealed for this entry.
    pub fn open_reason(&self, entry: Uuid, sealed: &[u8]) -> Result<String, OpenError> {
        let plain = self.key.open(Field { table: "audit", column: "sealed", row: entry.as_bytes() }, sealed)?;
        let text = plain.get(16..).ok_or(OpenError::Malformed)?;
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    /// Opens it: the salt, and the JSON of what was written.
    ///
    /// # Errors
    /// When it isn't what was sealed for this event.
    pub fn open_event(&self, event: &EventRow) -> Result<Option<([u8; 16], String)>, OpenError> {
        let Some(sealed) = &event.sealed else { return Ok(None) };
        let row = row(self.id, event.seq);
        let plain = self.key.open(Field { table: "events", column: "sealed", row: &row }, sealed)?;
        let Some((salt, text)) = plain.split_first_chunk::<16>() else { return Ok(None) };
        Ok(Some((*salt, String::from_utf8_lossy(text).into_owned())))
    }
}

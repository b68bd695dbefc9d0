//! One-time codes: at most one works for a contact.

use crate::domain::scope::Contact;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::codes;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::Timestamp;

/// A code that was sent.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = codes)]
pub struct CodeRow {
    /// `phone` or `email`.
    pub kind: String,
    /// Keyed hash of the number or address.
    pub contact: Vec<u8>,
    /// Keyed hash of the code, together with the contact.
    pub code_hash: Vec<u8>,
    /// When it stops working.
    pub expires_at: At,
    /// How often it was tried.
    pub tried: i32,
}

/// A contact as it is stored: its kind, and its keyed hash.
pub const fn stored(contact: Contact) -> (&'static str, [u8; 16]) {
    match contact {
        Contact::Phone(hash) => ("phone", hash),
        Contact::Email(hash) => ("email", hash),
    }
}

/// Keeps a code in place of the one before.
///
/// # Errors
/// The engine's.
pub fn keep(tx: &mut Tx<'_>, row: &CodeRow) -> Result<(), StoreError> {
    diesel::delete(codes::table.find((row.kind.clone(), row.contact.clone()))).execute(tx.db)?;
    diesel::insert_into(codes::table).values(row).execute(tx.db)?;
    Ok(())
}

/// The code of a contact, locked until the unit ends.
///
/// # Errors
/// The engine's.
pub fn lock(tx: &mut Tx<'_>, contact: Contact) -> Result<Option<CodeRow>, StoreError> {
    let (kind, hash) = stored(contact);
    dialect::lock_code(tx.db, kind, &hash)
}

/// Counts a try of a code.
///
/// # Errors
/// The engine's.
pub fn tried(tx: &mut Tx<'_>, row: &CodeRow) -> Result<(), StoreError> {
    let code = codes::table.find((row.kind.clone(), row.contact.clone()));
    diesel::update(code).set(codes::tried.eq(row.tried + 1)).execute(tx.db)?;
    Ok(())
}

/// Forgets a code: it was used.
///
/// # Errors
/// The engine's.
pub fn remove(tx: &mut Tx<'_>, row: &CodeRow) -> Result<(), StoreError> {
    diesel::delete(codes::table.find((row.kind.clone(), row.contact.clone()))).execute(tx.db)?;
    Ok(())
}

/// Forgets codes that ended before an instant; how many there were.
///
/// # Errors
/// The engine's.
pub fn forget(tx: &mut Tx<'_>, before: Timestamp) -> Result<usize, StoreError> {
    Ok(diesel::delete(codes::table.filter(codes::expires_at.lt(At(before)))).execute(tx.db)?)
}

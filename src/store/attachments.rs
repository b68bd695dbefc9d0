//! Evidence: what is known of it; the bytes lie in the object store.

use crate::store::cases::Loaded;
use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::attachments;
use crate::store::types::{At, Key};
use diesel::prelude::*;
use uuid::Uuid;

/// An attachment as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = attachments)]
pub struct AttachmentRow {
    /// Case.
    pub case_id: Key,
    /// Key.
    pub attachment_id: Key,
    /// Sealed name of the file.
    pub name: Vec<u8>,
    /// Type, by content.
    pub media_type: String,
    /// Size in bytes.
    pub size: i64,
    /// SHA-256 of what is kept.
    pub sha256: Vec<u8>,
    /// Its key in the object store.
    pub object: String,
    /// When.
    pub added_at: At,
    /// Role of who added it.
    pub added_by: String,
}

/// Keeps a row.
pub fn add(tx: &mut Tx<'_>, row: &AttachmentRow) -> Result<(), StoreError> {
    diesel::insert_into(attachments::table).values(row).execute(tx.db)?;
    Ok(())
}

/// A case's attachments, oldest first. The caller has loaded the case within its scope.
pub fn of(db: &mut Db, case: &Loaded) -> Result<Vec<AttachmentRow>, StoreError> {
    Ok(attachments::table
        .filter(attachments::case_id.eq(Key::from(case.case.id)))
        .order(attachments::attachment_id)
        .select(AttachmentRow::as_select())
        .load(db)?)
}

/// One of a case's attachments.
pub fn find(db: &mut Db, case: &Loaded, id: Uuid) -> Result<Option<AttachmentRow>, StoreError> {
    Ok(attachments::table
        .find((Key::from(case.case.id), Key(id)))
        .select(AttachmentRow::as_select())
        .first(db)
        .optional()?)
}

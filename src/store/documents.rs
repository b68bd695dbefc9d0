//! Documents that were issued, how they were delivered, and the numbers of their series.

use crate::store::cases::Loaded;
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{document_deliveries, documents};
use crate::store::types::{At, Key, On};
use diesel::prelude::*;

/// A document as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = documents)]
pub struct DocumentRow {
    /// Case.
    pub case_id: Key,
    /// Number within the case, from 1.
    pub document_no: i16,
    /// Kind, by code.
    pub kind: String,
    /// Number in the office's series.
    pub number: String,
    /// Office that issued it.
    pub office: String,
    /// When.
    pub issued_at: At,
    /// Role of who issued it.
    pub issued_by: String,
    /// The sealed page.
    pub page: Vec<u8>,
}

/// A delivery as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = document_deliveries)]
pub struct DeliveryRow {
    /// Case.
    pub case_id: Key,
    /// Number of the document within the case.
    pub document_no: i16,
    /// Number of the delivery, from 1.
    pub delivery_no: i16,
    /// To which party, by code.
    pub party: String,
    /// How, by code.
    pub way: String,
    /// On which day.
    pub delivered_on: On,
    /// When it was recorded.
    pub recorded_at: At,
    /// Role of who recorded it.
    pub recorded_by: String,
}

/// Draws the next number of a series. Two at once wait for each other, and one that is rolled back gives its number back.
///
/// # Errors
/// The database's.
pub fn next_number(tx: &mut Tx<'_>, office: &str, series: &str, year: i16) -> Result<i64, StoreError> {
    dialect::next_number(tx.db(), office, series, year)
}

/// Keeps a document.
///
/// # Errors
/// The database's.
pub fn add(tx: &mut Tx<'_>, row: &DocumentRow) -> Result<(), StoreError> {
    diesel::insert_into(documents::table).values(row).execute(tx.db())?;
    Ok(())
}

/// Keeps a delivery.
///
/// # Errors
/// The database's.
pub fn add_delivery(tx: &mut Tx<'_>, row: &DeliveryRow) -> Result<(), StoreError> {
    diesel::insert_into(document_deliveries::table).values(row).execute(tx.db())?;
    Ok(())
}

/// A case's documents, oldest first. The caller has loaded the case within its scope.
///
/// # Errors
/// The database's.
pub fn of(db: &mut Db, case: &Loaded) -> Result<Vec<DocumentRow>, StoreError> {
    Ok(documents::table
        .filter(documents::case_id.eq(Key::from(case.case.id)))
        .order(documents::document_no)
        .select(DocumentRow::as_select())
        .load(db)?)
}

/// One of a case's documents.
///
/// # Errors
/// The database's.
pub fn find(db: &mut Db, case: &Loaded, no: i16) -> Result<Option<DocumentRow>, StoreError> {
    Ok(documents::table.find((Key::from(case.case.id), no)).select(DocumentRow::as_select()).first(db).optional()?)
}

/// The number that a case's next document gets.
///
/// # Errors
/// The database's.
pub fn next_no(db: &mut Db, case: &Loaded) -> Result<i16, StoreError> {
    let last: Option<i16> = documents::table
        .filter(documents::case_id.eq(Key::from(case.case.id)))
        .select(diesel::dsl::max(documents::document_no))
        .first(db)?;
    Ok(last.unwrap_or(0).saturating_add(1))
}

/// How a case's documents were delivered, by document and order.
///
/// # Errors
/// The database's.
pub fn deliveries(db: &mut Db, case: &Loaded) -> Result<Vec<DeliveryRow>, StoreError> {
    Ok(document_deliveries::table
        .filter(document_deliveries::case_id.eq(Key::from(case.case.id)))
        .order((document_deliveries::document_no, document_deliveries::delivery_no))
        .select(DeliveryRow::as_select())
        .load(db)?)
}

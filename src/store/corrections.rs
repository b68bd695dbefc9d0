//! Requests to put right what is kept of a person, of cases that the caller has loaded within its scope.

use crate::store::cases::Loaded;
use crate::store::db::Db;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::corrections;
use crate::store::types::{At, Key};
use diesel::prelude::*;

/// A request as a row.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = corrections, treat_none_as_default_value = false)]
pub struct CorrectionRow {
    /// Case.
    pub case_id: Key,
    /// Number within the case, from 1.
    pub correction_no: i16,
    /// When it was asked for.
    pub asked_at: At,
    /// `open`, `accepted`, `refused`.
    pub state: String,
    /// What is to be, and why; sealed.
    pub wanted: Vec<u8>,
    /// When it was decided.
    pub decided_at: Option<At>,
    /// Account of who decided.
    pub decided_by: Option<String>,
    /// What the person is told; sealed.
    pub answer: Option<Vec<u8>>,
}

/// A case's requests, oldest first.
///
/// # Errors
/// The engine's.
pub fn of(db: &mut Db, case: &Loaded) -> Result<Vec<CorrectionRow>, StoreError> {
    Ok(corrections::table
        .filter(corrections::case_id.eq(Key::from(case.case.id)))
        .order(corrections::correction_no)
        .select(CorrectionRow::as_select())
        .load(db)?)
}

/// Keeps a request. Two at once get two numbers: the second is run again.
///
/// # Errors
/// [`StoreError::Stale`] when its number is taken.
pub fn add(tx: &mut Tx<'_>, row: &CorrectionRow) -> Result<(), StoreError> {
    let there = corrections::table.find((row.case_id, row.correction_no)).count().get_result::<i64>(tx.db)?;
    if there > 0 {
        return Err(StoreError::Stale);
    }
    diesel::insert_into(corrections::table).values(row).execute(tx.db)?;
    Ok(())
}

/// Keeps what was decided, if it wasn't yet.
///
/// # Errors
/// [`StoreError::Stale`] when it was decided meanwhile.
pub fn decide(tx: &mut Tx<'_>, row: &CorrectionRow) -> Result<(), StoreError> {
    let open = corrections::table.find((row.case_id, row.correction_no)).filter(corrections::decided_at.is_null());
    let decided = diesel::update(open)
        .set((
            corrections::state.eq(&row.state),
            corrections::decided_at.eq(row.decided_at),
            corrections::decided_by.eq(&row.decided_by),
            corrections::answer.eq(&row.answer),
        ))
        .execute(tx.db)?;
    if decided == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

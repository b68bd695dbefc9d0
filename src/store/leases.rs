//! Who does the work that one node does at a time.
//!
//! A lease ends by itself, so that a node that died holds nothing up. Its number grows with every holder: whoever writes
//! under a lease renews it in the same unit of work, so that one that was slower than its lease writes nothing any more.

use crate::store::engine::{StoreError, Tx};
use crate::store::schema::leases;
use crate::store::types::At;
use diesel::prelude::*;
use jiff::{SignedDuration, Timestamp};

/// The round of what happens because time passes.
pub const ROUNDS: &str = "rounds";

/// A lease that was taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Lease {
    name: &'static str,
    fence: i64,
    length: SignedDuration,
}

/// Takes a lease for a length of time; `None` while another holds it. One that ends later than any could that was taken
/// now is from before the clock was set back, and is free too.
///
/// # Errors
/// The engine's.
pub fn take(
    tx: &mut Tx<'_>,
    name: &'static str,
    now: Timestamp,
    length: SignedDuration,
) -> Result<Option<Lease>, StoreError> {
    let end = end(now, length);
    let found: Option<(i64, At)> =
        leases::table.find(name).select((leases::fence, leases::held_until)).first(tx.db).optional()?;
    let Some((fence, until)) = found.filter(|(_, until)| until.0 <= now || until.0 > later(end)) else {
        return Ok(None);
    };
    // Of several that found it free, the first to come changes the number.
    let taken =
        diesel::update(leases::table.find(name).filter(leases::fence.eq(fence).and(leases::held_until.eq(until))))
            .set((leases::fence.eq(fence + 1), leases::held_until.eq(At(end))))
            .execute(tx.db)?;
    Ok((taken == 1).then_some(Lease { name, fence: fence + 1, length }))
}

/// Lengthens a lease, in the unit of work that writes under it. `false` when it has passed to another: then write nothing.
///
/// # Errors
/// The engine's.
pub fn renew(tx: &mut Tx<'_>, lease: &Lease, now: Timestamp) -> Result<bool, StoreError> {
    let held = leases::table.find(lease.name).filter(leases::fence.eq(lease.fence));
    Ok(diesel::update(held).set(leases::held_until.eq(At(end(now, lease.length)))).execute(tx.db)? == 1)
}

/// Gives a lease back before its end.
///
/// # Errors
/// The engine's.
pub fn give_back(tx: &mut Tx<'_>, lease: &Lease) -> Result<(), StoreError> {
    diesel::update(leases::table.find(lease.name).filter(leases::fence.eq(lease.fence)))
        .set(leases::held_until.eq(At(Timestamp::UNIX_EPOCH)))
        .execute(tx.db)?;
    Ok(())
}

/// The latest end that a lease can have been given by now, by a unit that ran beside this one or a node whose clock is a little ahead.
fn later(end: Timestamp) -> Timestamp {
    end.checked_add(SignedDuration::from_secs(10)).unwrap_or(end)
}

/// To the microsecond, as both engines keep it.
fn end(now: Timestamp, length: SignedDuration) -> Timestamp {
    let end = now.checked_add(length).unwrap_or(now);
    Timestamp::from_microsecond(end.as_microsecond()).unwrap_or(end)
}

//! What is owed to people and systems outside: a row for each destination and channel, written in the unit of work that owes
//! it, claimed by whoever delivers, and kept with how it ended.
//!
//! A claim is a lease: it names its holder and ends by itself, so that the rows of a process that died are taken up again.
//! Only the holder of a lease may end a row; one that was slower than its lease can't undo what another has done since.

use crate::domain::case::CaseId;
use crate::domain::scope::Scope;
use crate::store::cases::{Known, Loaded, known};
use crate::store::db::Db;
use crate::store::dialect;
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::outbox;
use crate::store::types::{At, Key};
use diesel::dsl::sql;
use diesel::expression::SqlLiteral;
use diesel::prelude::*;
use diesel::sql_types::Bool;
use jiff::Timestamp;
use uuid::Uuid;

/// Shares of the work of sending: a claim looks at one of them at a time, which a distributed engine asks for.
pub const BUCKETS: u8 = 16;

/// Waits to be delivered.
pub const PENDING: &str = "pending";
/// Was handed to the next one on its way.
pub const SENT: &str = "sent";
/// Will not be tried again; staff see it.
pub const FAILED: &str = "failed";
/// Staff told the person in another way.
pub const DELIVERED_OTHERWISE: &str = "delivered_otherwise";
/// Its time passed before it could be delivered, and it would be of no use now.
pub const EXPIRED: &str = "expired";

/// One thing owed to one destination on one channel.
#[derive(Debug, Clone, Insertable, Queryable, Selectable)]
#[diesel(table_name = outbox, treat_none_as_default_value = false)]
pub struct OutboxRow {
    /// Share of the work that it belongs to.
    pub bucket: i16,
    /// Key; also the id by which its receiver recognises a second delivery.
    pub outbox_id: Key,
    /// Case, when it is of one.
    pub case_id: Option<Key>,
    /// The event of the case that owes it; `None` for the receipt of a filing.
    pub event_seq: Option<i64>,
    /// Which notice (`domain::notice`), or the type of a webhook's event.
    pub notice: String,
    /// `email`, `sms` or `webhook`.
    pub channel: String,
    /// `complainant`, `respondent`, `person` or `subscriber`.
    pub audience: String,
    /// Keyed hash of the receiving host or domain: what is slow there is slow for its lane only.
    pub lane: String,
    /// Where to, sealed.
    pub destination: Vec<u8>,
    /// What the template is filled with, sealed.
    pub payload: Vec<u8>,
    /// The key that both are sealed with, wrapped; `None` when it is the case's.
    pub data_key: Option<Vec<u8>>,
    /// Language.
    pub lang: String,
    /// Goes before what isn't, and by night: someone waits for it.
    pub urgent: bool,
    /// `pending`, `sent`, `failed`, `delivered_otherwise`, `expired`.
    pub state: String,
    /// Deliveries tried.
    pub attempts: i32,
    /// Not before.
    pub due_at: At,
    /// Of no use after.
    pub expires_at: Option<At>,
    /// Who has claimed it.
    pub lease: Option<Key>,
    /// Until when.
    pub leased_until: Option<At>,
    /// Code of the last fault.
    pub fault: Option<String>,
    /// When it was owed.
    pub created_at: At,
    /// When it came to its end.
    pub ended_at: Option<At>,
    /// Account of staff that ended it.
    pub ended_by: Option<String>,
}

/// Writes what is owed, in the unit of work that owes it.
///
/// # Errors
/// The engine's.
pub fn insert(tx: &mut Tx<'_>, rows: &[OutboxRow]) -> Result<(), StoreError> {
    dialect::insert_outbox(tx.db, &rows.iter().collect::<Vec<_>>())
}

/// The condition that a row is in a state, as it stands in the indexes over the few that are: SQLite takes such an index
/// only where the query says the same in the same words, which a bound value isn't.
pub(super) fn in_state(state: &str) -> SqlLiteral<Bool> {
    sql(match state {
        PENDING => "outbox.state = 'pending'",
        SENT => "outbox.state = 'sent'",
        FAILED => "outbox.state = 'failed'",
        DELIVERED_OTHERWISE => "outbox.state = 'delivered_otherwise'",
        EXPIRED => "outbox.state = 'expired'",
        _ => "1 = 0",
    })
}

/// That a row may be claimed, of the urgent or of the others, in the words of the index over those.
pub(super) const fn claimable(urgent: bool) -> &'static str {
    if urgent {
        "outbox.state = 'pending' AND outbox.lease IS NULL AND outbox.urgent"
    } else {
        "outbox.state = 'pending' AND outbox.lease IS NULL AND NOT outbox.urgent"
    }
}

/// The buckets in which something is due. Each is asked for its first, so that the answer takes as long when much is owed as
/// when little is.
///
/// # Errors
/// The engine's.
pub fn due_buckets(db: &mut Db, now: Timestamp) -> Result<Vec<i16>, StoreError> {
    dialect::due_buckets(db, At(now))
}

/// A claim on what is due.
#[derive(Debug, Clone)]
pub struct Claim {
    /// Which share of the work.
    pub bucket: i16,
    /// Whose lease it is.
    pub lease: Uuid,
    /// What is due then.
    pub now: Timestamp,
    /// When the lease ends.
    pub until: Timestamp,
    /// Most rows.
    pub most: usize,
    /// Most rows of one lane.
    pub most_of_lane: usize,
    /// Lanes to leave out: they are full, or rest after a fault.
    pub without: Vec<String>,
}

/// Claims what is due in a bucket, the urgent first and then the oldest, not more of a lane than it may have. A lane that is
/// full is left out and the next looked at, so that a thousand rows of one never hide those of another.
///
/// # Errors
/// The engine's.
pub fn claim(tx: &mut Tx<'_>, claim: &Claim) -> Result<Vec<OutboxRow>, StoreError> {
    let mut without = claim.without.clone();
    let mut taken: Vec<OutboxRow> = Vec::new();
    while taken.len() < claim.most {
        let found = dialect::due_rows(tx.db, claim, &without, claim.most)?;
        let last = found.len() < claim.most;
        let mut full = false;
        let mut ids = Vec::new();
        for row in found {
            let of_lane = taken.iter().filter(|other| other.lane == row.lane).count();
            if of_lane >= claim.most_of_lane {
                if !without.contains(&row.lane) {
                    without.push(row.lane.clone());
                    full = true;
                }
            } else if taken.len() < claim.most {
                ids.push(row.outbox_id);
                taken.push(row);
            }
        }
        diesel::update(outbox::table.filter(outbox::bucket.eq(claim.bucket).and(outbox::outbox_id.eq_any(ids))))
            .set((outbox::lease.eq(Some(Key(claim.lease))), outbox::leased_until.eq(Some(At(claim.until)))))
            .execute(tx.db)?;
        if last || !full {
            break;
        }
    }
    Ok(taken)
}

/// Gives back what was claimed by holders that never came back; gives how many rows.
///
/// # Errors
/// The engine's.
pub fn release_stuck(tx: &mut Tx<'_>, now: Timestamp) -> Result<usize, StoreError> {
    Ok(diesel::update(outbox::table.filter(outbox::leased_until.le(At(now))))
        .set((
            outbox::lease.eq(None::<Key>),
            outbox::leased_until.eq(None::<At>),
            outbox::fault.eq(Some("lease_ended".to_owned())),
        ))
        .execute(tx.db)?)
}

/// How an attempt at delivery ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// It was taken.
    Sent,
    /// Not now: again at an instant.
    Later {
        /// When.
        at: Timestamp,
        /// Code of the fault.
        fault: String,
    },
    /// Never.
    Failed {
        /// Code of the fault.
        fault: String,
    },
    /// Too late to be of use.
    Expired,
    /// Not tried: it is owed at another time of day.
    Postponed {
        /// When.
        at: Timestamp,
    },
}

/// Ends an attempt. `false` when the lease has passed to someone else, who then decides.
///
/// # Errors
/// The engine's.
pub fn end(tx: &mut Tx<'_>, row: &OutboxRow, lease: Uuid, end: &End, now: Timestamp) -> Result<bool, StoreError> {
    let (state, due, fault, over, tried) = match end {
        End::Sent => (SENT, row.due_at, None, true, 1),
        End::Later { at, fault } => (PENDING, At(*at), Some(fault.clone()), false, 1),
        End::Failed { fault } => (FAILED, row.due_at, Some(fault.clone()), true, 1),
        End::Expired => (EXPIRED, row.due_at, row.fault.clone(), true, 0),
        End::Postponed { at } => (PENDING, At(*at), row.fault.clone(), false, 0),
    };
    let changed =
        diesel::update(outbox::table.find((row.bucket, row.outbox_id)).filter(outbox::lease.eq(Some(Key(lease)))))
            .set((
                outbox::state.eq(state),
                outbox::due_at.eq(due),
                outbox::fault.eq(fault),
                outbox::attempts.eq(row.attempts + tried),
                outbox::ended_at.eq(over.then_some(At(now))),
                outbox::lease.eq(None::<Key>),
                outbox::leased_until.eq(None::<At>),
            ))
            .execute(tx.db)?;
    Ok(changed == 1)
}

/// Calls off a notice of a case that hasn't gone out yet: what it asks has no answer any more.
///
/// # Errors
/// The engine's.
pub fn call_off(tx: &mut Tx<'_>, case: CaseId, notice: &str, now: Timestamp) -> Result<(), StoreError> {
    let waiting = outbox::table
        .filter(outbox::case_id.eq(Some(Key::from(case))).and(outbox::event_seq.is_not_null()))
        .filter(outbox::notice.eq(notice.to_owned()).and(in_state(PENDING)));
    diesel::update(waiting).set((outbox::state.eq(EXPIRED), outbox::ended_at.eq(Some(At(now))))).execute(tx.db)?;
    Ok(())
}

/// What the steps of a case owed, with how each ended; the caller has loaded the case within its scope.
///
/// # Errors
/// The engine's.
pub fn of_case(db: &mut Db, case: &Loaded) -> Result<Vec<OutboxRow>, StoreError> {
    Ok(outbox::table
        .filter(outbox::case_id.eq(Key::from(case.case.id)).and(outbox::event_seq.is_not_null()))
        .order(outbox::outbox_id)
        .select(OutboxRow::as_select())
        .load(db)?)
}

/// What an event of a case owes, with how each ended.
///
/// # Errors
/// The engine's.
pub fn of_event(db: &mut Db, case: CaseId, seq: i64) -> Result<Vec<OutboxRow>, StoreError> {
    Ok(outbox::table
        .filter(outbox::case_id.eq(Some(Key::from(case))).and(outbox::event_seq.eq(Some(seq))))
        .select(OutboxRow::as_select())
        .load(db)?)
}

/// A row by its id.
///
/// # Errors
/// The engine's.
pub fn find(db: &mut Db, id: Uuid) -> Result<Option<OutboxRow>, StoreError> {
    let buckets: Vec<i16> = (0..i16::from(BUCKETS)).collect();
    Ok(outbox::table
        .filter(outbox::bucket.eq_any(buckets).and(outbox::outbox_id.eq(Key(id))))
        .select(OutboxRow::as_select())
        .first(db)
        .optional()?)
}

/// A page of rows in a state, within a scope, newest first, each with what names and opens its case. Rows of no case are
/// the installation's own: only [`Scope::System`] finds them.
///
/// # Errors
/// The engine's.
pub fn page(
    db: &mut Db,
    scope: &Scope,
    state: &str,
    before: Option<Uuid>,
    limit: i64,
) -> Result<Vec<(OutboxRow, Option<Known>)>, StoreError> {
    let (wanted, mut found, mut before) = (usize::try_from(limit).unwrap_or(0), Vec::new(), before);
    loop {
        let mut query = outbox::table.filter(in_state(state)).into_boxed();
        if let Some(before) = before {
            query = query.filter(outbox::outbox_id.lt(Key(before)));
        }
        let rows: Vec<OutboxRow> =
            query.order(outbox::outbox_id.desc()).limit(limit).select(OutboxRow::as_select()).load(db)?;
        let last = rows.len() < wanted;
        before = rows.last().map(|row| row.outbox_id.0);
        let known = known(db, scope, rows.iter().filter_map(|row| row.case_id))?;
        let with_case = rows.into_iter().map(|row| {
            let case = row.case_id.and_then(|case| known.get(&case).cloned());
            (row, case)
        });
        found.extend(with_case.filter(|(_, case)| *scope == Scope::System || case.is_some()));
        if last || found.len() >= wanted {
            found.truncate(wanted);
            return Ok(found);
        }
    }
}

/// Lets a failed row be tried again at once; `false` when it isn't failed any more.
///
/// # Errors
/// The engine's.
pub fn retry(tx: &mut Tx<'_>, row: &OutboxRow, now: Timestamp) -> Result<bool, StoreError> {
    let failed = outbox::table.find((row.bucket, row.outbox_id)).filter(outbox::state.eq(FAILED));
    let changed = diesel::update(failed)
        .set((
            outbox::state.eq(PENDING),
            outbox::attempts.eq(0),
            outbox::due_at.eq(At(now)),
            outbox::created_at.eq(At(now)),
            outbox::ended_at.eq(None::<At>),
        ))
        .execute(tx.db)?;
    Ok(changed == 1)
}

/// Notes that staff told the person in another way; `false` when it isn't failed any more.
///
/// # Errors
/// The engine's.
pub fn delivered_otherwise(tx: &mut Tx<'_>, row: &OutboxRow, by: &str, now: Timestamp) -> Result<bool, StoreError> {
    let failed = outbox::table.find((row.bucket, row.outbox_id)).filter(outbox::state.eq(FAILED));
    let changed = diesel::update(failed)
        .set((
            outbox::state.eq(DELIVERED_OTHERWISE),
            outbox::ended_at.eq(Some(At(now))),
            outbox::ended_by.eq(Some(by.to_owned())),
        ))
        .execute(tx.db)?;
    Ok(changed == 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores;
    use diesel::connection::{Instrumentation, InstrumentationEvent};
    use std::sync::{Arc, Mutex};

    #[derive(QueryableByName)]
    struct Plan {
        #[diesel(sql_type = diesel::sql_types::Text)]
        detail: String,
    }

    /// How SQLite would find what a function asks for, a line for each statement about notices that it runs.
    fn plans(db: &mut Db, ask: impl Fn(&mut Db)) -> Vec<String> {
        let asked = Arc::new(Mutex::new(Vec::new()));
        let noted = Arc::clone(&asked);
        let note = move |event: InstrumentationEvent<'_>| {
            if let InstrumentationEvent::StartQuery { query, .. } = event {
                noted.lock().unwrap().push(query.to_string());
            }
        };
        let sqlite = |db: &mut Db, instrumentation: Option<Box<dyn Instrumentation>>| match db {
            Db::Sqlite(c) => c.set_instrumentation(instrumentation),
            Db::Pg(_) => unreachable!("the plans are SQLite's"),
        };
        sqlite(db, Some(Box::new(note)));
        ask(db);
        sqlite(db, None);
        let asked: Vec<String> = asked.lock().unwrap().drain(..).filter(|sql| sql.contains("outbox")).collect();
        let explain = |sql: String| {
            let Db::Sqlite(c) = &mut *db else { unreachable!("the plans are SQLite's") };
            let steps: Vec<Plan> = diesel::sql_query(format!("EXPLAIN QUERY PLAN {sql}")).load(c).unwrap();
            steps.into_iter().map(|step| step.detail).collect::<Vec<_>>().join("; ")
        };
        asked.into_iter().map(explain).collect()
    }

    #[tokio::test]
    async fn what_is_due_and_what_failed_is_found_among_what_was_sent() {
        let stores = stores();
        let store = &stores[0].store;
        let now: Timestamp = "2026-06-02T02:00:00Z".parse().unwrap();
        let claim = Claim {
            bucket: 3,
            lease: Uuid::nil(),
            now,
            until: now,
            most: 16,
            most_of_lane: 4,
            without: vec!["a".to_owned()],
        };
        let found = store
            .read(move |db| {
                Ok((
                    plans(db, |db| drop(due_buckets(db, now).unwrap())),
                    plans(db, |db| drop(dialect::due_rows(db, &claim, &claim.without, 16).unwrap())),
                    plans(db, |db| drop(page(db, &Scope::System, FAILED, Some(Uuid::max()), 25).unwrap())),
                ))
            })
            .await
            .unwrap();
        let (buckets, rows, failed) = found;
        let both = ["outbox_urgent", "outbox_due"];
        for (asked, plan, indexes) in
            [("buckets", buckets, &both[..]), ("rows", rows, &both[..]), ("failed", failed, &["outbox_failed"])]
        {
            let plan = plan.join("; ");
            for index in indexes {
                assert!(plan.contains(&format!("INDEX {index} ")), "{asked}: {plan}");
            }
            for costly in ["PRIMARY KEY", "SCAN outbox", "TEMP B-TREE"] {
                assert!(!plan.contains(costly), "{asked} grows with what is owed or was sent: {plan}");
            }
        }
    }
}

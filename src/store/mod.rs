//! The way to the database: one entry point for both engines.
//!
//! Comes in: a unit of work, a closure over a connection, or a filing. Goes out: its result, after what it wrote is
//! durable. The store runs units on threads it owns, never on those that answer requests:
//!
//! * reads on a few connections that can't write;
//! * on SQLite every write on exactly **one** thread, many units to a commit, each in its own savepoint, answered after the
//!   commit ([`writer`]); several connections writing at once would wait for each other in a convoy;
//! * on PostgreSQL filings the same way, as grouped multi-row inserts, and other units on a pool, each in a transaction of
//!   its own, run again when the engine asks for it (SQLSTATE 40001, 40P01).
//!
//! No query stands outside this folder, and every function that reads or changes cases takes the caller's `Scope`.
//! There are no foreign keys: each row of a case is written in the unit that writes the case, and a distributed engine
//! would have to check them across shards.

pub mod attachments;
pub mod audit;
pub mod backup;
pub mod calendars;
pub mod cases;
pub mod codes;
pub mod corrections;
pub mod counters;
pub mod db;
mod dialect;
pub mod documents;
pub mod drafts;
pub mod engine;
pub mod factors;
pub mod filing;
pub mod groups;
mod kept;
pub mod keys;
pub mod learned;
pub mod leases;
pub mod meters;
mod migrate;
pub mod outbox;
pub mod packed;
pub mod partitions;
#[cfg(test)]
mod plans;
pub mod queue;
pub mod retention;
mod schema;
pub mod sessions;
pub mod snapshots;
pub mod subjects;
#[cfg(test)]
pub(crate) mod testing;
pub mod transfer;
pub mod tries;
pub mod types;
pub mod upkeep;
pub mod users;
pub mod watch;
pub mod webhooks;
mod words;
mod writer;

pub use db::{Db, Target, Timeouts};
pub use engine::{Options, Store, StoreError, Tx};

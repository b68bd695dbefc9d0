//! The store itself: opens the engine, owns the threads, takes units of work.

use crate::store::counters::Deltas;
use crate::store::db::{self, Db, Target, Timeouts};
use crate::store::filing::{Filed, Filing};
use crate::store::meters::Meters;
use crate::store::writer::{Message, Writer};
use crate::store::{dialect, migrate, transfer};
use diesel::prelude::*;
use diesel::result::{DatabaseErrorKind, Error as DieselError};
use jiff::Timestamp;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;
use tokio::sync::oneshot;

/// Why a unit of work had no result.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The queue is full: try again shortly.
    #[error("the store is busy")]
    Busy,
    /// A statement took longer than it may.
    #[error("a statement took too long and was given up")]
    TooSlow,
    /// The engine can't be reached, or the store is closing.
    #[error("the database is unavailable: {0}")]
    Unavailable(String),
    /// The row was changed by someone else in between.
    #[error("the case was changed in between")]
    Stale,
    /// What is asked for was erased.
    #[error("the case was erased")]
    Erased,
    /// The data on disk is damaged; the store writes no more.
    #[error("the database is damaged: {0}")]
    Corrupt(String),
    /// What is stored can't be read as what it should be.
    #[error("stored data can't be read: {0}")]
    Unreadable(String),
    /// The engine refused a statement.
    #[error("query failed: {0}")]
    Query(#[from] DieselError),
    /// A unit panicked; nothing of it was kept.
    #[error("a unit of work panicked")]
    Panicked,
}

impl StoreError {
    /// Whether the connection is of no more use.
    pub(super) fn breaks_connection(&self) -> bool {
        matches!(
            self,
            Self::Query(
                DieselError::DatabaseError(DatabaseErrorKind::ClosedConnection, _)
                    | DieselError::BrokenTransactionManager
            )
        )
    }

    /// Whether the engine asks to run the unit again.
    pub(super) fn wants_retry(&self) -> bool {
        match self {
            Self::Query(DieselError::DatabaseError(DatabaseErrorKind::SerializationFailure, _)) => true,
            // Diesel has no kind for 40P01; PostgreSQL's message is stable.
            Self::Query(DieselError::DatabaseError(_, info)) => info.message().contains("deadlock detected"),
            _ => false,
        }
    }

    /// The engine's own words for what has a name of ours.
    fn named(self) -> Self {
        match &self {
            // Diesel has no kind for 57014 and 55P03 either.
            Self::Query(DieselError::DatabaseError(_, info))
                if ["statement timeout", "lock timeout"].iter().any(|words| info.message().contains(words)) =>
            {
                Self::TooSlow
            }
            _ => self,
        }
    }

    fn is_corruption(&self) -> bool {
        matches!(self, Self::Query(DieselError::DatabaseError(_, info)) if info.message().contains("malformed"))
    }
}

/// How the store is opened.
#[derive(Debug, Clone)]
pub struct Options {
    /// Which engine, where.
    pub target: Target,
    /// Connections that read.
    pub readers: usize,
    /// Connections that write, on PostgreSQL.
    pub writers: usize,
    /// Units that may wait in each queue before [`StoreError::Busy`].
    pub queue: usize,
    /// Most units in one commit.
    pub group: usize,
    /// How long a connection waits.
    pub timeouts: Timeouts,
}

impl Options {
    /// The defaults for an engine on a small server.
    pub fn new(target: Target) -> Self {
        let readers = if matches!(target, Target::Sqlite(_)) { 4 } else { 8 };
        Self { target, readers, writers: 8, queue: 4096, group: 256, timeouts: Timeouts::default() }
    }
}

/// What a unit that writes works with: a connection inside a transaction, and the counters that it changes.
#[derive(Debug)]
pub struct Tx<'a> {
    pub(super) db: &'a mut Db,
    pub(super) deltas: Deltas,
}

impl std::fmt::Debug for Db {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Self::Pg(_) => "Db::Pg",
            Self::Sqlite(_) => "Db::Sqlite",
        })
    }
}

impl Tx<'_> {
    /// The connection, for functions that read.
    pub fn db(&mut self) -> &mut Db {
        self.db
    }

    /// Adds to the counters, in this unit's transaction.
    pub fn count(&mut self, deltas: Deltas) {
        self.deltas.merge(deltas);
    }
}

/// A unit of work on its way through a thread.
pub(super) trait Unit: Send {
    /// Runs it; may be called again when the engine asks for it.
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError>;
    /// Tells the caller, once the end is known.
    fn answer(self: Box<Self>, end: Result<(), StoreError>);
}

struct UnitOf<T, F> {
    work: F,
    result: Option<T>,
    reply: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: FnMut(&mut Tx<'_>) -> Result<T, StoreError> + Send> Unit for UnitOf<T, F> {
    fn run(&mut self, tx: &mut Tx<'_>) -> Result<(), StoreError> {
        self.result = None;
        // A panic in one unit must not take down the thread that everyone's writes go through.
        let result = catch_unwind(AssertUnwindSafe(|| (self.work)(tx))).map_err(|_| StoreError::Panicked)??;
        self.result = Some(result);
        Ok(())
    }

    fn answer(self: Box<Self>, end: Result<(), StoreError>) {
        let Self { result, reply, .. } = *self;
        // The caller may have gone away; its work stands all the same.
        drop(reply.send(end.and_then(|()| result.ok_or(StoreError::Panicked))));
    }
}

/// The store. Cheap to share behind an `Arc`; closing waits for what is under way.
pub struct Store {
    target: Target,
    timeouts: Timeouts,
    reads: Lane,
    writer: Writer,
    writes: Option<Lane>,
    meters: Meters,
    damaged: Arc<AtomicBool>,
}

impl std::fmt::Debug for Store {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Store").field("target", &self.target).finish_non_exhaustive()
    }
}

impl Store {
    /// Opens the engine, brings its schema up to date and starts the threads. A SQLite file that wasn't closed by whoever
    /// had it last is looked over first; [`Store::check`] does so beside the work, as it takes as long as reading the file.
    ///
    /// # Errors
    /// When it can't be reached, was left behind damaged, has a newer schema, or is a SQLite that can lose commits.
    pub fn open(options: &Options) -> Result<Self, StoreError> {
        let closed = db::was_closed(&options.target);
        let mut db = db::open(&options.target, &Timeouts::PATIENT)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        dialect::check_engine(&mut db)?;
        transfer::refuse_unfinished(&mut db)?;
        if !closed {
            dialect::check_file(&mut db)?;
        }
        migrate::run(&mut db)?;
        drop(db);
        let damaged = Arc::new(AtomicBool::new(false));
        let meters = Meters::new()?;
        let writer = Writer::start(options, &meters, &damaged)?;
        let writes = match &options.target {
            Target::Sqlite(_) => None,
            Target::Postgres(_) => {
                Some(Lane::start("fangxin-write", options.writers, options, false, &meters, &damaged)?)
            }
        };
        let reads = Lane::start("fangxin-read", options.readers, options, true, &meters, &damaged)?;
        Ok(Self { target: options.target.clone(), timeouts: options.timeouts, reads, writer, writes, meters, damaged })
    }

    /// Which engine.
    pub fn target(&self) -> &Target {
        &self.target
    }

    /// The engine's version, as it says itself.
    ///
    /// # Errors
    /// When it can't be asked.
    pub async fn engine_version(&self) -> Result<String, StoreError> {
        self.read(dialect::version).await
    }

    /// Whether damage was found; the store then answers reads and refuses writes.
    pub fn is_damaged(&self) -> bool {
        self.damaged.load(Ordering::Relaxed)
    }

    /// What the store counts of its own work.
    pub fn meters(&self) -> &Meters {
        &self.meters
    }

    /// Units that wait for a connection, by the queue that they wait in.
    pub fn waiting(&self) -> Vec<(&'static str, usize)> {
        let mut waiting = vec![("writer", self.writer.waiting()), ("read", self.reads.waiting())];
        waiting.extend(self.writes.as_ref().map(|lane| ("write", lane.waiting())));
        waiting
    }

    /// Looks the whole database file over (SQLite; PostgreSQL has checks of its own), over a connection of its own, and stops
    /// writes when it is damaged. Takes as long as reading the file does: not for a thread that answers requests.
    ///
    /// # Errors
    /// [`StoreError::Corrupt`] with what was found, or that the file couldn't be looked over.
    pub fn check(&self, now: Timestamp) -> Result<(), StoreError> {
        let mut db = db::open_reader(&self.target, &self.timeouts)
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        let end = dialect::check_file(&mut db).map_err(|error| match error {
            error if error.is_corruption() => StoreError::Corrupt(error.to_string()),
            error => error,
        });
        match &end {
            Ok(()) => self.meters.checked(true, now),
            Err(StoreError::Corrupt(_)) => {
                self.damaged.store(true, Ordering::Relaxed);
                self.meters.checked(false, now);
            }
            Err(_) => {}
        }
        end
    }

    /// Runs a unit that only reads.
    ///
    /// # Errors
    /// What the unit returned, or that it couldn't be run.
    pub async fn read<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Db) -> Result<T, StoreError> + Send + 'static,
    {
        let (reply, answer) = oneshot::channel();
        let unit = UnitOf { work: move |tx: &mut Tx<'_>| work(tx.db), result: None, reply };
        self.reads.run(Box::new(unit), answer).await
    }

    /// Runs a unit that writes, and returns once what it wrote is durable. A unit that returns an error leaves nothing
    /// behind; it may be run more than once, so its effects lie in the transaction alone.
    ///
    /// # Errors
    /// What the unit returned, or that it couldn't be run.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.refuse_when_damaged()?;
        let (reply, answer) = oneshot::channel();
        let unit = Box::new(UnitOf { work, result: None, reply });
        match &self.writes {
            Some(lane) => return lane.run(unit, answer).await,
            None => self.writer.send(Message::Unit(unit))?,
        }
        answer.await.map_err(|_| closing())?
    }

    /// Runs a unit that writes counters itself, as [`Store::write`], after what the units before it in its group changed
    /// has been added to them. Otherwise it would count their cases, and their changes would be added once more at the end.
    ///
    /// # Errors
    /// What the unit returned, or that it couldn't be run.
    pub async fn write_counters<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: Fn(&mut Tx<'_>) -> Result<T, StoreError> + Send + 'static,
    {
        self.refuse_when_damaged()?;
        let (reply, answer) = oneshot::channel();
        let unit = Box::new(UnitOf { work, result: None, reply });
        match &self.writes {
            Some(lane) => return lane.run(unit, answer).await,
            None => self.writer.send(Message::OfCounters(unit))?,
        }
        answer.await.map_err(|_| closing())?
    }

    /// Stores a filing, grouped with others that wait at the same time; returns once it is durable.
    ///
    /// # Errors
    /// When it couldn't be stored. A key or number that is taken is an answer, not an error.
    pub async fn file(&self, filing: Filing) -> Result<Filed, StoreError> {
        self.refuse_when_damaged()?;
        let (reply, answer) = oneshot::channel();
        self.writer.send(Message::File { filings: vec![filing], reply })?;
        let mut ends = answer.await.map_err(|_| closing())?;
        ends.pop().ok_or(StoreError::Panicked)?
    }

    /// Stores many filings in one group, each whole or not at all; waits for room in the queue, and returns once all are durable,
    /// with what became of each in their order.
    ///
    /// # Errors
    /// When they couldn't be given to the writer. What befell one of them alone is told in its place.
    pub async fn file_all(&self, filings: Vec<Filing>) -> Result<Vec<Result<Filed, StoreError>>, StoreError> {
        self.refuse_when_damaged()?;
        let (reply, answer) = oneshot::channel();
        self.writer.send_patiently(Message::File { filings, reply }).await?;
        answer.await.map_err(|_| closing())
    }

    fn refuse_when_damaged(&self) -> Result<(), StoreError> {
        if self.is_damaged() { Err(StoreError::Corrupt("writes have stopped".to_owned())) } else { Ok(()) }
    }
}

fn closing() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}

/// Who has a unit that waits: the thread that takes it up, or the caller who gives it up, whichever is first.
#[derive(Default)]
struct Ticket(AtomicBool);

impl Ticket {
    fn take(&self) -> bool {
        !self.0.swap(true, Ordering::AcqRel)
    }
}

/// A unit in the queue of a lane.
struct Waiting {
    unit: Box<dyn Unit>,
    ticket: Arc<Ticket>,
}

/// Threads with a connection each, taking units from one queue.
struct Lane {
    queue: Option<SyncSender<Waiting>>,
    waiting: Arc<AtomicUsize>,
    patience: Duration,
    meters: Meters,
    threads: Vec<JoinHandle<()>>,
}

impl Lane {
    fn start(
        name: &str,
        count: usize,
        options: &Options,
        read_only: bool,
        meters: &Meters,
        damaged: &Arc<AtomicBool>,
    ) -> Result<Self, StoreError> {
        let (queue, units) = sync_channel(options.queue);
        let waiting = Arc::new(AtomicUsize::new(0));
        let units = Arc::new(Mutex::new(units));
        let mut threads = Vec::with_capacity(count);
        for _ in 0..count.max(1) {
            let worker = Worker {
                units: Arc::clone(&units),
                waiting: Arc::clone(&waiting),
                target: options.target.clone(),
                timeouts: options.timeouts,
                meters: meters.clone(),
                read_only,
                damaged: Arc::clone(damaged),
            };
            let thread = std::thread::Builder::new()
                .name(name.to_owned())
                .spawn(move || worker.run())
                .map_err(|error| StoreError::Unavailable(error.to_string()))?;
            threads.push(thread);
        }
        let patience = options.timeouts.acquire;
        Ok(Self { queue: Some(queue), waiting, patience, meters: meters.clone(), threads })
    }

    /// Has a unit run once a thread is free. One that no thread takes up in time is given up and never runs.
    async fn run<T>(
        &self,
        unit: Box<dyn Unit>,
        mut answer: oneshot::Receiver<Result<T, StoreError>>,
    ) -> Result<T, StoreError> {
        let ticket = Arc::new(Ticket::default());
        self.send(Waiting { unit, ticket: Arc::clone(&ticket) })?;
        let end = match tokio::time::timeout(self.patience, &mut answer).await {
            Ok(end) => end,
            Err(_) if ticket.take() => {
                self.meters.given_up.inc();
                return Err(StoreError::Busy);
            }
            Err(_) => answer.await,
        };
        end.map_err(|_| closing())?
    }

    fn send(&self, unit: Waiting) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(closing)?;
        // Counted first: the thread that takes it up counts it off.
        self.waiting.fetch_add(1, Ordering::Relaxed);
        queue.try_send(unit).map_err(|error| {
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            match error {
                TrySendError::Full(_) => StoreError::Busy,
                TrySendError::Disconnected(_) => closing(),
            }
        })
    }

    fn waiting(&self) -> usize {
        self.waiting.load(Ordering::Relaxed)
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.queue = None;
        for thread in self.threads.drain(..) {
            drop(thread.join());
        }
    }
}

struct Worker {
    units: Arc<Mutex<Receiver<Waiting>>>,
    waiting: Arc<AtomicUsize>,
    target: Target,
    timeouts: Timeouts,
    meters: Meters,
    read_only: bool,
    damaged: Arc<AtomicBool>,
}

/// Times that a unit is run again when the engine asks for it.
const RETRIES: u32 = 5;

impl Worker {
    fn run(self) {
        let mut connection = None;
        loop {
            let next = self.units.lock().unwrap_or_else(PoisonError::into_inner).recv();
            let Ok(Waiting { mut unit, ticket }) = next else { return };
            self.waiting.fetch_sub(1, Ordering::Relaxed);
            if !ticket.take() {
                continue;
            }
            let end = self.execute(&mut connection, unit.as_mut()).map_err(StoreError::named);
            if end.is_ok() && !self.read_only {
                self.meters.commits.inc();
            }
            if let Err(error) = &end {
                if error.breaks_connection() {
                    connection = None;
                }
                if error.is_corruption() {
                    self.damaged.store(true, Ordering::Relaxed);
                }
            }
            unit.answer(end);
        }
    }

    fn execute(&self, connection: &mut Option<Db>, unit: &mut dyn Unit) -> Result<(), StoreError> {
        if connection.is_none() {
            let open = if self.read_only { db::open_reader } else { db::open };
            let opened = open(&self.target, &self.timeouts);
            *connection = Some(opened.map_err(|error| StoreError::Unavailable(error.to_string()))?);
        }
        let Some(db) = connection.as_mut() else { return Err(closing()) };
        if self.read_only {
            // A transaction, so that one unit sees one state of the data.
            return transaction(db, |db| unit.run(&mut Tx { db, deltas: Deltas::default() }));
        }
        let mut attempt = 0;
        loop {
            let end = transaction(db, |db| {
                let mut tx = Tx { db, deltas: Deltas::default() };
                unit.run(&mut tx)?;
                let deltas = std::mem::take(&mut tx.deltas);
                dialect::add_counters(tx.db, &deltas)
            });
            match end {
                Err(error) if error.wants_retry() && attempt < RETRIES => {
                    attempt += 1;
                    std::thread::sleep(Duration::from_millis(5 << attempt));
                }
                end => return end,
            }
        }
    }
}

/// Runs work in a transaction of its own: committed when it succeeds, rolled back when it doesn't.
pub(super) fn transaction<T>(
    db: &mut Db,
    work: impl FnOnce(&mut Db) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    db.transaction(work)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::testing::stores_with;

    #[tokio::test]
    async fn a_unit_that_no_connection_takes_up_in_time_never_runs() {
        let timeouts = Timeouts { acquire: Duration::from_millis(50), ..Timeouts::default() };
        for opened in stores_with(timeouts) {
            let store = &opened.store;
            let (release, held) = std::sync::mpsc::channel::<()>();
            let held = Mutex::new(held);
            let ran = Arc::new(AtomicUsize::new(0));
            let also = Arc::clone(&ran);
            let first = store.read(move |_| {
                let _ = held.lock().unwrap().recv();
                Ok(1)
            });
            let second = async {
                let end = store
                    .read(move |_| {
                        also.fetch_add(1, Ordering::Relaxed);
                        Ok(2)
                    })
                    .await;
                drop(release);
                end
            };
            let (first, second) = tokio::join!(first, second);
            assert_eq!(first.unwrap(), 1, "what has begun is waited for");
            assert!(matches!(second, Err(StoreError::Busy)), "{second:?}");
            assert_eq!(store.read(|_| Ok(3)).await.unwrap(), 3);
            assert_eq!(ran.load(Ordering::Relaxed), 0, "a unit ran that its caller had given up");
            assert_eq!(store.waiting().iter().map(|(_, units)| units).sum::<usize>(), 0);
        }
    }

    #[tokio::test]
    async fn the_engines_are_told_how_long_to_wait() {
        let timeouts = Timeouts {
            statement: Duration::from_millis(1234),
            busy: Duration::from_millis(4321),
            ..Timeouts::default()
        };
        for opened in stores_with(timeouts) {
            let waits = |db: &mut Db| dialect::waits(db);
            let read = opened.store.read(waits).await.unwrap();
            let write = opened.store.write(move |tx| waits(tx.db())).await.unwrap();
            let expected = if matches!(opened.store.target(), Target::Sqlite(_)) { "4321" } else { "1234ms" };
            assert_eq!((read.as_str(), write.as_str()), (expected, expected));
        }
    }
}

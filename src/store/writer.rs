//! The one thread through which writes go in groups: every write of SQLite, the filings of PostgreSQL.

use crate::store::counters::Deltas;
use crate::store::db::{self, Db, Target, Timeouts};
use crate::store::dialect;
use crate::store::engine::{Options, StoreError, Tx, Unit};
use crate::store::filing::{self, Filed, Filing};
use crate::store::meters::Meters;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use tokio::sync::mpsc::error::{TryRecvError, TrySendError};
use tokio::sync::{mpsc, oneshot};

/// What the thread is given.
pub(super) enum Message {
    /// A unit that writes (SQLite).
    Unit(Box<dyn Unit>),
    /// A unit that writes counters itself (SQLite).
    OfCounters(Box<dyn Unit>),
    /// Filings.
    File {
        /// What to store.
        filings: Vec<Filing>,
        /// Whom to tell what became of each.
        reply: Reply,
    },
}

/// What became of filings, in their order.
pub(super) type Ends = Vec<Result<Filed, StoreError>>;
type Reply = oneshot::Sender<Ends>;

impl Message {
    /// How much of a group it is.
    fn weight(&self) -> usize {
        match self {
            Self::Unit(_) | Self::OfCounters(_) => 1,
            Self::File { filings, .. } => filings.iter().map(|filing| filing.cases.len()).sum(),
        }
    }
}

/// The thread's handle.
pub(super) struct Writer {
    queue: Option<mpsc::Sender<Message>>,
    thread: Option<JoinHandle<()>>,
}

impl Writer {
    pub(super) fn start(options: &Options, meters: &Meters, damaged: &Arc<AtomicBool>) -> Result<Self, StoreError> {
        let (queue, messages) = mpsc::channel(options.queue);
        let loop_ = Loop {
            messages,
            target: options.target.clone(),
            timeouts: options.timeouts,
            meters: meters.clone(),
            group: options.group.max(1),
            damaged: Arc::clone(damaged),
            connection: None,
        };
        let thread = std::thread::Builder::new()
            .name("fangxin-writer".to_owned())
            .spawn(move || loop_.run())
            .map_err(|error| StoreError::Unavailable(error.to_string()))?;
        Ok(Self { queue: Some(queue), thread: Some(thread) })
    }

    /// Messages that wait.
    pub(super) fn waiting(&self) -> usize {
        self.queue.as_ref().map_or(0, |queue| queue.max_capacity() - queue.capacity())
    }

    pub(super) fn send(&self, message: Message) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(closing)?;
        queue.try_send(message).map_err(|error| match error {
            TrySendError::Full(_) => StoreError::Busy,
            TrySendError::Closed(_) => closing(),
        })
    }

    /// Sends it once there is room.
    pub(super) async fn send_patiently(&self, message: Message) -> Result<(), StoreError> {
        let queue = self.queue.as_ref().ok_or_else(closing)?;
        queue.send(message).await.map_err(|_| closing())
    }
}

impl Drop for Writer {
    fn drop(&mut self) {
        self.queue = None;
        if let Some(thread) = self.thread.take() {
            drop(thread.join());
        }
    }
}

fn closing() -> StoreError {
    StoreError::Unavailable("the store is closing".to_owned())
}

/// An answer that waits for the commit.
enum Pending {
    Unit(Box<dyn Unit>, Result<(), StoreError>),
    File(Reply, Ends),
}

impl Pending {
    /// Tells the caller; `lost` when the commit that should have kept the work failed.
    fn answer(self, lost: Option<&str>) {
        let outcome = |message: &str| StoreError::Unavailable(message.to_owned());
        match (self, lost) {
            (Self::Unit(unit, end), None) => unit.answer(end),
            (Self::Unit(unit, _), Some(message)) => unit.answer(Err(outcome(message))),
            (Self::File(reply, ends), None) => drop(reply.send(ends)),
            (Self::File(reply, ends), Some(message)) => {
                drop(reply.send(ends.iter().map(|_| Err(outcome(message))).collect()));
            }
        }
    }
}

struct Loop {
    messages: mpsc::Receiver<Message>,
    target: Target,
    timeouts: Timeouts,
    meters: Meters,
    group: usize,
    damaged: Arc<AtomicBool>,
    connection: Option<Db>,
}

impl Loop {
    fn run(mut self) {
        while let Some(first) = self.messages.blocking_recv() {
            let mut weight = first.weight();
            let mut group = vec![first];
            while weight < self.group {
                match self.messages.try_recv() {
                    Ok(message) => {
                        weight += message.weight();
                        group.push(message);
                    }
                    Err(TryRecvError::Empty | TryRecvError::Disconnected) => break,
                }
            }
            self.write(group);
        }
    }

    /// Runs a group and commits it, then answers each of its members.
    fn write(&mut self, group: Vec<Message>) {
        let mut pending = Vec::with_capacity(group.len());
        self.meters.group_size.observe(group.len() as f64);
        match self.commit(group, &mut pending) {
            Ok(filed) => {
                self.meters.commits.inc();
                self.meters.cases_filed.inc_by(filed);
                for answer in pending {
                    answer.answer(None);
                }
            }
            Err(error) => {
                // After a failed commit or fsync nobody knows what the file holds: the connection is given up, SQLite's
                // next one recovers from the log, and no member is told that its work was kept.
                self.connection = None;
                self.meters.lost_groups.inc();
                let message = error.to_string();
                tracing::error!(error = %message, members = pending.len(), "a group of writes was lost");
                if message.contains("malformed") || matches!(error, StoreError::Corrupt(_)) {
                    self.damaged.store(true, Ordering::Relaxed);
                }
                for answer in pending {
                    answer.answer(Some(&message));
                }
            }
        }
    }

    /// Commits a group; gives the number of cases that were filed in it.
    fn commit(&mut self, group: Vec<Message>, pending: &mut Vec<Pending>) -> Result<u64, StoreError> {
        let (mut filings, mut replies) = (Vec::new(), Vec::new());
        let mut units = Vec::new();
        for message in group {
            match message {
                Message::Unit(unit) => units.push((unit, false)),
                Message::OfCounters(unit) => units.push((unit, true)),
                Message::File { filings: more, reply } => {
                    replies.push((reply, more.len()));
                    filings.extend(more);
                }
            }
        }
        let db = match self.open() {
            Ok(db) => db,
            Err(error) => {
                pending.extend(units.into_iter().map(|(unit, _)| Pending::Unit(unit, Ok(()))));
                pending.extend(replies.into_iter().map(|(reply, count)| Pending::File(reply, done(count))));
                return Err(error);
            }
        };
        let mut deltas = Deltas::default();
        let mut began = dialect::begin(db);
        for (mut unit, of_counters) in units {
            if of_counters && began.is_ok() {
                began = dialect::add_counters(db, &std::mem::take(&mut deltas));
            }
            let end = match &began {
                Ok(()) => savepoint(db, |db| {
                    let mut tx = Tx { db, deltas: Deltas::default() };
                    unit.run(&mut tx)?;
                    Ok(tx.deltas)
                })
                .map(|changed| deltas.merge(changed)),
                Err(_) => Ok(()),
            };
            pending.push(Pending::Unit(unit, end));
        }
        if began.is_ok() && cfg!(feature = "negative-control") {
            // The flaw that the crash test must find: the answer goes out while nothing is durable yet.
            filings.clear();
            for (reply, count) in replies.drain(..) {
                drop(reply.send(done(count)));
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        let mut filed = 0;
        if began.is_ok() {
            let mut ends = file(db, &filings.iter().collect::<Vec<_>>());
            for (filing, _) in filings.into_iter().zip(&ends).filter(|(_, end)| matches!(end, Ok(Filed::Done))) {
                filed += filing.cases.len() as u64;
                filing.cases.into_iter().for_each(|new| deltas.merge(new.deltas));
            }
            for (reply, count) in replies.into_iter().rev() {
                let own = ends.split_off(ends.len().saturating_sub(count));
                pending.push(Pending::File(reply, own));
            }
        } else {
            pending.extend(replies.into_iter().map(|(reply, count)| Pending::File(reply, done(count))));
        }
        began?;
        dialect::add_counters(db, &deltas)?;
        dialect::execute(db, "COMMIT")?;
        Ok(filed)
    }

    fn open(&mut self) -> Result<&mut Db, StoreError> {
        if self.connection.is_none() {
            let opened =
                db::open(&self.target, &self.timeouts).map_err(|error| StoreError::Unavailable(error.to_string()))?;
            self.connection = Some(opened);
        }
        self.connection.as_mut().ok_or_else(|| StoreError::Unavailable("no connection".to_owned()))
    }
}

/// What is said of filings when their group as a whole decides.
fn done(count: usize) -> Ends {
    (0..count).map(|_| Ok(Filed::Done)).collect()
}

/// Runs work in a savepoint: released when it succeeds, rolled back when it doesn't.
fn savepoint<T>(db: &mut Db, work: impl FnOnce(&mut Db) -> Result<T, StoreError>) -> Result<T, StoreError> {
    dialect::execute(db, "SAVEPOINT unit")?;
    let end = work(db);
    let close = if end.is_ok() { "RELEASE unit" } else { "ROLLBACK TO unit; RELEASE unit" };
    dialect::execute(db, close)?;
    end
}

/// Stores filings together; when that fails, each alone, so that one that can't be stored doesn't take others with it.
fn file(db: &mut Db, filings: &[&Filing]) -> Ends {
    if filings.is_empty() {
        return Vec::new();
    }
    match savepoint(db, |db| filing::store_batch(db, filings)) {
        Ok(ends) => ends.into_iter().map(Ok).collect(),
        Err(error) if filings.len() == 1 => vec![Err(error)],
        Err(_) => filings
            .iter()
            .map(|filing| {
                let mut ends = savepoint(db, |db| filing::store_batch(db, &[filing]))?;
                ends.pop().ok_or(StoreError::Panicked)
            })
            .collect(),
    }
}

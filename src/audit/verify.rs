//! Finds the first entry of a chain that isn't as it was written.

use crate::audit::chain::{GENESIS, Record};
use crate::audit::checkpoint::Checkpoint;
use serde::Serialize;

/// What is wrong, and with which entry of the chain first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(tag = "fault", rename_all = "snake_case")]
pub enum Fault {
    /// The entry isn't as it was written, or what was written was replaced.
    Altered {
        /// Which.
        seq: i64,
    },
    /// The entry is gone, and later ones are there.
    Deleted {
        /// Which.
        seq: i64,
    },
    /// The entry was written at another place.
    Reordered {
        /// Where it stands.
        seq: i64,
        /// Where it was written.
        written_at: i64,
    },
    /// The end of the chain is gone, from this entry on.
    Truncated {
        /// The first that is missing.
        seq: i64,
        /// The last that is known to have been written.
        last: i64,
    },
    /// Everything after the last entry that a checkpoint confirms was written anew.
    Rewritten {
        /// The first that may differ.
        seq: i64,
        /// The checkpoint's entry, which differs.
        checkpoint: i64,
    },
    /// A checkpoint isn't signed by a key of the ring.
    Checkpoint {
        /// The entry that it names.
        seq: i64,
    },
    /// A checkpoint that a later one follows is gone.
    CheckpointMissing {
        /// The entry of the one that follows it.
        seq: i64,
    },
}

/// Goes through one chain, oldest entry first.
#[derive(Debug)]
pub struct Verifier {
    checkpoints: std::iter::Peekable<std::vec::IntoIter<Checkpoint>>,
    last_confirmed: i64,
    newest: i64,
    head: Option<(i64, Vec<u8>)>,
    seq: i64,
    hash: Vec<u8>,
}

impl Verifier {
    /// A verifier of a chain with its checkpoints, whose signatures were checked, and its end as the database has it.
    pub fn new(mut checkpoints: Vec<Checkpoint>, head: Option<(i64, Vec<u8>)>) -> Self {
        checkpoints.sort_by_key(|checkpoint| checkpoint.seq);
        let newest = checkpoints.last().map_or(0, |checkpoint| checkpoint.seq);
        Self {
            checkpoints: checkpoints.into_iter().peekable(),
            last_confirmed: 0,
            newest,
            head,
            seq: 0,
            hash: GENESIS.to_vec(),
        }
    }

    /// Entries that were found whole.
    pub fn whole(&self) -> i64 {
        self.seq
    }

    /// Takes the next entry by number.
    ///
    /// # Errors
    /// The first fault; what comes after it tells nothing any more.
    pub fn push(&mut self, record: &Record) -> Result<(), Fault> {
        let expected = self.seq + 1;
        if record.hash != record.computed(record.seq) {
            // Was it written at another place? Its hash tells, for each place that there is.
            let last = self.newest.max(self.head.as_ref().map_or(0, |(seq, _)| *seq)).max(record.seq);
            let written_at = (1..=last).find(|seq| record.computed(*seq).as_slice() == record.hash);
            if record.seq > expected {
                return Err(Fault::Deleted { seq: expected });
            }
            return Err(match written_at {
                Some(written_at) => Fault::Reordered { seq: record.seq, written_at },
                None => Fault::Altered { seq: record.seq },
            });
        }
        if record.seq != expected {
            return Err(Fault::Deleted { seq: expected });
        }
        if record.previous != self.hash {
            // This one is as it was written, so the one before it isn't.
            return Err(Fault::Altered { seq: (record.seq - 1).max(1) });
        }
        self.seq = record.seq;
        self.hash.clone_from(&record.hash);
        while let Some(checkpoint) = self.checkpoints.next_if(|checkpoint| checkpoint.seq <= self.seq) {
            if checkpoint.seq == self.seq && checkpoint.hash != hex(&self.hash) {
                return Err(Fault::Rewritten { seq: self.last_confirmed + 1, checkpoint: checkpoint.seq });
            }
            self.last_confirmed = self.seq;
        }
        Ok(())
    }

    /// Ends the chain.
    ///
    /// # Errors
    /// When a checkpoint or the database's own word for the end says that there was more.
    pub fn end(self) -> Result<(), Fault> {
        let by_head = self.head.as_ref().map_or(0, |(seq, _)| *seq);
        let last = self.newest.max(by_head);
        if last > self.seq {
            return Err(Fault::Truncated { seq: self.seq + 1, last });
        }
        match self.head {
            Some((seq, hash)) if seq == self.seq && hash == self.hash => Ok(()),
            None if self.seq == 0 => Ok(()),
            // The word for the end lags behind or names another hash: someone wrote entries past the service.
            _ => Err(Fault::Altered { seq: self.seq }),
        }
    }
}

/// Bytes in hexadecimal.
pub(super) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

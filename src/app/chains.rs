//! Every chain of the audit log from its first entry to its last, against the signed checkpoints.

use crate::app::App;
use crate::audit::checkpoint::PlaceError;
use crate::audit::{Checkpoint, Fault, Verifier};
use crate::store::StoreError;
use crate::store::audit::{self, Head};
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Entries that are read at once.
const PAGE: i64 = 1000;

/// What was found of a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Checked {
    /// Which.
    pub writer: String,
    /// Entries from the first on that are as they were written.
    pub whole: i64,
    /// Checkpoints that confirm it.
    pub checkpoints: usize,
    /// What is wrong with the first entry that isn't.
    pub fault: Option<Fault>,
}

/// Why nothing could be found.
#[derive(Debug, thiserror::Error)]
pub enum CheckError {
    /// The database.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// The second place.
    #[error(transparent)]
    Place(#[from] PlaceError),
}

/// Goes through all chains. `tell` hears how many entries were looked at, of how many; an entry that is written meanwhile
/// isn't looked at.
///
/// # Errors
/// When the database or the place of the checkpoints doesn't answer: then nothing is known.
pub async fn check(app: &Arc<App>, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<Vec<Checked>, CheckError> {
    let (heads, mut writers) =
        app.store.read(|db| Ok((audit::heads(db)?, audit::writers(db)?.into_iter().collect::<BTreeSet<_>>()))).await?;
    let all = u64::try_from(heads.iter().map(|head| head.seq).sum::<i64>()).unwrap_or(0);
    let signed = app.checkpoints.all().await?;
    writers.extend(heads.iter().map(|head| head.writer.clone()));
    writers.extend(signed.iter().map(|(checkpoint, _)| checkpoint.writer.clone()));
    let mut by_writer: BTreeMap<&str, Vec<(Checkpoint, bool)>> = BTreeMap::new();
    for found in &signed {
        by_writer.entry(found.0.writer.as_str()).or_default().push(found.clone());
    }
    let (mut chains, mut done) = (Vec::with_capacity(writers.len()), 0);
    for writer in &writers {
        let found = by_writer.remove(writer.as_str()).unwrap_or_default();
        let checkpoints = found.len();
        let head = heads.iter().find(|head| head.writer == *writer);
        let (whole, fault) = chain(app, writer, found, head, &mut done, &|done| tell(done, all)).await?;
        chains.push(Checked { writer: writer.clone(), whole, checkpoints, fault });
    }
    Ok(chains)
}

async fn chain(
    app: &Arc<App>,
    writer: &str,
    checkpoints: Vec<(Checkpoint, bool)>,
    head: Option<&Head>,
    done: &mut u64,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<(i64, Option<Fault>), StoreError> {
    if let Some((forged, _)) = checkpoints.iter().find(|(_, signed)| !signed) {
        return Ok((0, Some(Fault::Checkpoint { seq: forged.seq })));
    }
    let checkpoints: Vec<Checkpoint> = checkpoints.into_iter().map(|(checkpoint, _)| checkpoint).collect();
    let unlinked = checkpoints.windows(2).find(|pair| pair[1].previous != pair[0].digest());
    let gap = unlinked.map(|pair| pair[1].seq);
    let first = checkpoints.first().filter(|first| first.previous.bytes().any(|digit| digit != b'0'));
    if let Some(seq) = first.map(|first| first.seq).or(gap) {
        return Ok((0, Some(Fault::CheckpointMissing { seq })));
    }
    let mut verifier = Verifier::new(checkpoints, head.map(|head| (head.seq, head.hash.clone())));
    // What is written meanwhile isn't looked at: the end is that of the beginning.
    let end = head.map_or(i64::MAX, |head| head.seq);
    let mut last = 0;
    loop {
        let (name, after) = (writer.to_owned(), last);
        let page = app.store.read(move |db| audit::after(db, &name, after, PAGE)).await?;
        let beyond = page.iter().position(|record| record.seq > end);
        for record in page.iter().take(beyond.unwrap_or(page.len())) {
            if let Err(fault) = verifier.push(record) {
                return Ok((verifier.whole(), Some(fault)));
            }
            *done += 1;
            last = record.seq;
        }
        tell(*done);
        if beyond.is_some() || page.is_empty() {
            let whole = verifier.whole();
            return Ok((whole, verifier.end().err()));
        }
    }
}

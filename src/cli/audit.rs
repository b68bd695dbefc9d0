//! Checks the audit log: every chain from its first entry to its last, against the signed checkpoints.

use super::output::{FOUND, Failure, OK, Outcome, Progress};
use crate::app::App;
use crate::audit::{Checkpoint, Fault, Verifier};
use crate::store::audit::{self, Head};
use serde_json::json;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

/// Entries in a page.
const PAGE: i64 = 1000;

/// Goes through every chain; exit code 1 when any has a fault.
pub(super) async fn verify(app: &Arc<App>, progress: &Progress) -> Result<Outcome, Failure> {
    let (heads, mut writers) =
        app.store.read(|db| Ok((audit::heads(db)?, audit::writers(db)?.into_iter().collect::<BTreeSet<_>>()))).await?;
    let all: i64 = heads.iter().map(|head| head.seq).sum();
    let signed = app.checkpoints.all().await.map_err(|error| Failure::found(error.to_string()))?;
    writers.extend(heads.iter().map(|head| head.writer.clone()));
    writers.extend(signed.iter().map(|(checkpoint, _)| checkpoint.writer.clone()));
    let mut by_writer: BTreeMap<&str, Vec<(Checkpoint, bool)>> = BTreeMap::new();
    for found in &signed {
        by_writer.entry(found.0.writer.as_str()).or_default().push(found.clone());
    }
    let (mut lines, mut results, mut faults, mut done) = (Vec::new(), Vec::new(), 0, 0);
    for writer in &writers {
        let checkpoints = by_writer.remove(writer.as_str()).unwrap_or_default();
        let count = checkpoints.len();
        let head = heads.iter().find(|head| head.writer == *writer);
        let (whole, fault) = chain(app, writer, checkpoints, head, &mut done, &|done| {
            progress.tell(done, u64::try_from(all).ok());
        })
        .await?;
        lines.push(match &fault {
            None => format!("{writer}: {whole} entries, {count} checkpoints: whole"),
            Some(fault) => format!("{writer}: {}", told(fault)),
        });
        faults += usize::from(fault.is_some());
        results.push(json!({ "writer": writer, "whole": whole, "checkpoints": count, "first_fault": fault }));
    }
    let result = json!({ "ok": faults == 0, "chains": results });
    Ok(Outcome { code: if faults == 0 { OK } else { FOUND }, result, lines, notes: Vec::new() })
}

async fn chain(
    app: &Arc<App>,
    writer: &str,
    checkpoints: Vec<(Checkpoint, bool)>,
    head: Option<&Head>,
    done: &mut u64,
    tell: &(dyn Fn(u64) + Sync),
) -> Result<(i64, Option<Fault>), Failure> {
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

fn told(fault: &Fault) -> String {
    match fault {
        Fault::Altered { seq } => format!("entry {seq} isn't as it was written"),
        Fault::Deleted { seq } => format!("entry {seq} is gone"),
        Fault::Reordered { seq, written_at } => format!("entry {seq} was written as entry {written_at}"),
        Fault::Truncated { seq, last } => format!("the end is gone: entries {seq} to {last}"),
        Fault::Rewritten { seq, checkpoint } => {
            format!("rewritten from entry {seq} on: the checkpoint at entry {checkpoint} has another hash")
        }
        Fault::Checkpoint { seq } => format!("the checkpoint at entry {seq} isn't signed by a key of the ring"),
        Fault::CheckpointMissing { seq } => format!("a checkpoint before the one at entry {seq} is gone"),
    }
}

//! Checks the audit log: every chain from its first entry to its last, against the signed checkpoints.

use super::output::{FOUND, Failure, OK, Outcome, Progress};
use crate::app::App;
use crate::app::chains::{CheckError, check};
use crate::audit::Fault;
use serde_json::json;
use std::sync::Arc;

/// Goes through every chain; exit code 1 when any has a fault.
pub(super) async fn verify(app: &Arc<App>, progress: &Progress) -> Result<Outcome, Failure> {
    let chains = check(app, &|done, all| progress.tell(done, Some(all))).await.map_err(|error| match error {
        CheckError::Store(error) => error.into(),
        CheckError::Place(error) => Failure::found(error.to_string()),
    })?;
    let (mut lines, mut results, mut faults) = (Vec::new(), Vec::new(), 0);
    for chain in &chains {
        let (writer, whole, count) = (&chain.writer, chain.whole, chain.checkpoints);
        lines.push(match &chain.fault {
            None => format!("{writer}: {whole} entries, {count} checkpoints: whole"),
            Some(fault) => format!("{writer}: {}", told(fault)),
        });
        faults += usize::from(chain.fault.is_some());
        results.push(json!({ "writer": writer, "whole": whole, "checkpoints": count, "first_fault": chain.fault }));
    }
    let result = json!({ "ok": faults == 0, "chains": results });
    Ok(Outcome { code: if faults == 0 { OK } else { FOUND }, result, lines, notes: Vec::new() })
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

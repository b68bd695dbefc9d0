//! What classifying costs on this machine: time to load the model, memory that it keeps, texts a second on one core.

use super::classify::parsed;
use super::output::{Failure, OK, Outcome};
use super::wire;
use crate::ambient::Stopwatch;
use crate::classify::{Hints, fold};
use crate::config::Settings;
use serde_json::json;

/// Length of a measured text, in characters.
const LENGTH: usize = 120;

/// Texts that are classified, at least.
const TEXTS: usize = 10_000;

/// Measures; the process must have loaded no model before. Memory is told on Linux only.
pub(super) fn measure(settings: &Settings) -> Result<Outcome, Failure> {
    let catalogue = wire::catalogue(settings)?;
    // The table of characters belongs to the model, and is made at its first use.
    let (before, watch) = (resident(), Stopwatch::start());
    fold("臺");
    let model = wire::model(settings, &catalogue)?;
    let load_ms = watch.elapsed().as_secs_f64() * 1000.0;

    let mut files: Vec<_> = wire::training().collect();
    files.sort_unstable();
    let authored = parsed(&model, files.into_iter())?;
    let all: Vec<char> = authored.iter().flat_map(|one| one.text.chars()).collect();
    let texts: Vec<String> = all.chunks_exact(LENGTH).map(|chars| chars.iter().collect()).collect();
    let rounds = TEXTS.div_ceil(texts.len().max(1));
    let (watch, mut sure) = (Stopwatch::start(), 0_usize);
    for text in std::iter::repeat_n(&texts, rounds).flatten() {
        sure += usize::from(!model.classify(text, Hints::default()).abstained);
    }
    let seconds = watch.elapsed().as_secs_f64();
    let measured = rounds * texts.len();
    #[expect(clippy::cast_precision_loss, reason = "a count of texts")]
    let per_second = (measured as f64 / seconds).round();
    let load_ms = (load_ms * 10.0).round() / 10.0;
    // What loading needed for a while has been given back by now.
    drop((authored, all, texts));
    let memory = resident().zip(before).map(|(after, before)| after.saturating_sub(before));
    let mut lines = vec![
        format!("model {} loaded in {load_ms} ms", model.version()),
        format!("its parts take {} kB", model.memory() / 1024),
        format!("{measured} texts of {LENGTH} characters: {per_second:.0} a second on one core, sure of {sure}"),
    ];
    lines.extend(memory.map(|bytes| format!("memory that the process keeps for it: {} kB", bytes / 1024)));
    let result = json!({
        "model": model.version(),
        "load_ms": load_ms,
        "bytes": model.memory(),
        "resident_bytes": memory,
        "texts": measured,
        "texts_per_second": per_second,
    });
    Ok(Outcome { code: OK, result, lines, notes: Vec::new() })
}

/// Memory of this process that lies in RAM now, in bytes, without what it maps of its own file.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|line| line.strip_prefix("RssAnon:"))?;
    line.trim().strip_suffix("kB")?.trim().parse::<u64>().ok().map(|kilobytes| kilobytes * 1024)
}

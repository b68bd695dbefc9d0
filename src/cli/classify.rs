//! Asks the classifier, and measures it on labelled texts.

use super::output::{Failure, OK, Outcome};
use crate::classify::{Hints, LabelledRow, Model, evaluate as measure};
use serde::Deserialize;
use serde_json::json;
use std::path::Path;

/// Classifies one text.
pub(super) fn classify(model: &Model, text: &str) -> Result<Outcome, Failure> {
    let found = model.classify(text, Hints::default());
    let abstained = if found.abstained { ", unsure: would go to triage" } else { "" };
    let mut lines = vec![format!("{} {:.2}{abstained}", found.sector, found.confidence)];
    lines.extend(found.alternatives.iter().map(|other| format!("  or {} {:.2}", other.sector, other.confidence)));
    lines.extend(found.evidence.iter().map(|one| format!("  {} → {} {:.2}", one.term, one.sector, one.weight)));
    if found.not_consumer.advised {
        let place = found.not_consumer.refer_to.as_ref().map_or("", |place| place.name.zh.as_str());
        lines.push(format!("  perhaps no consumer matter {:.2} {place}", found.not_consumer.score));
    }
    Ok(Outcome { code: OK, result: json!(found), lines, notes: Vec::new() })
}

/// A labelled text as the file has it; what else a line has is passed over.
#[derive(Deserialize)]
struct Labelled {
    text: String,
    #[serde(default)]
    sector: Option<String>,
    #[serde(default)]
    accepted: Vec<String>,
}

/// Measures the classifier on a file of labelled texts.
pub(super) fn evaluate(model: &Model, file: &Path) -> Result<Outcome, Failure> {
    let content = super::read_input(file)?;
    let mut rows = Vec::new();
    for (number, line) in (1_u64..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let row: Labelled =
            serde_json::from_str(line).map_err(|error| Failure::found(format!("line {number}: {error}")))?;
        rows.push(LabelledRow { text: row.text, sector: row.sector, accepted: row.accepted });
    }
    let found = measure(model, &rows);
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let mut lines = vec![
        format!("model {}: {} rows, {} of consumers", found.model, found.rows, found.consumer_rows),
        format!("right at once {}, among three {}", share(found.top1), share(found.top3)),
        format!("sure on {}, right of these {}", share(found.coverage), share(found.accuracy_covered)),
        format!("calibration error {}", share(found.calibration_error)),
    ];
    lines.extend(
        found
            .sectors
            .iter()
            .map(|sector| format!("  {:<24} {:>4} rows, {:>4} right", sector.sector, sector.rows, sector.top1)),
    );
    Ok(Outcome { code: OK, result: json!(found), lines, notes: Vec::new() })
}

//! Asks the classifier, measures it on labelled texts, and fits its weights.

use super::output::{FOUND, Failure, OK, Outcome};
use crate::ambient::Stopwatch;
use crate::classify::{
    Authored, Classification, Evaluation, Hints, LabelledRow, Model, Weights, count, fit_authored, held_out,
};
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
    #[serde(default)]
    also: Vec<String>,
}

/// The most texts of a confusion that are shown to people; JSON has all.
const SHOWN: usize = 2;

/// The same model with the weights of a file.
pub(super) fn with_weights(model: &Model, file: &Path) -> Result<Model, Failure> {
    let fault = |error: &dyn std::fmt::Display| Failure::found(format!("{}: {error}", file.display()));
    let bytes = std::fs::read(file).map_err(|error| fault(&error))?;
    let weights = Weights::from_bytes(&bytes).map_err(|error| fault(&error))?;
    if !weights.fits(&model.classes()) {
        return Err(fault(&"fitted for other sectors"));
    }
    let name = format!("{}, weights of {}", model.version(), file.display());
    Ok(model.with(name, weights, model.tuning().clone()))
}

/// Measures the classifier on a file of labelled texts.
pub(super) fn evaluate(model: &Model, file: &Path) -> Result<Outcome, Failure> {
    let content = super::read_input(file)?;
    let mut rows = Vec::new();
    for (number, line) in (1_u64..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
        let row: Labelled =
            serde_json::from_str(line).map_err(|error| Failure::found(format!("line {number}: {error}")))?;
        rows.push(LabelledRow { text: row.text, sector: row.sector, accepted: row.accepted, also: row.also });
    }
    let watch = Stopwatch::start();
    let answers: Vec<Classification> = rows.iter().map(|row| model.classify(&row.text, Hints::default())).collect();
    let per_second = per_second(rows.len(), watch.elapsed().as_secs_f64());
    let found = count(model, &rows, &answers);
    let mut lines = told(&found);
    lines.extend(per_second.map(|number| format!("{number:.0} texts a second on one core")));
    let mut result = json!(found);
    result["texts_per_second"] = json!(per_second);
    Ok(Outcome { code: OK, result, lines, notes: Vec::new() })
}

#[expect(clippy::cast_precision_loss, reason = "a count of rows")]
fn per_second(rows: usize, seconds: f64) -> Option<f64> {
    (rows > 0 && seconds > 0.0).then(|| (rows as f64 / seconds).round())
}

fn told(found: &Evaluation) -> Vec<String> {
    let share = |share: Option<f64>| share.map_or("-".to_owned(), |share| format!("{:.1} %", share * 100.0));
    let not_consumer = &found.not_consumer;
    let mut lines = vec![
        format!("model {}: {} rows, {} of consumers", found.model, found.rows, found.consumer_rows),
        format!("right at once {}, among three {}", share(found.top1), share(found.top3)),
        format!("with what is also accepted {}, {}", share(found.top1_with_also), share(found.top3_with_also)),
        format!("macro F1 {}", share(found.macro_f1)),
        format!("sure on {}, right of these {}", share(found.coverage), share(found.accuracy_covered)),
        format!("calibration error {}", share(found.calibration_error)),
        format!(
            "no consumer matter: {} rows, advice right {}, found {}",
            not_consumer.rows,
            share(not_consumer.precision),
            share(not_consumer.recall)
        ),
    ];
    lines.extend(found.sectors.iter().map(|sector| {
        let (precision, recall) = (share(sector.precision), share(sector.recall));
        format!("  {:<24} {:>4} rows, precision {precision:>8}, recall {recall:>8}", sector.sector, sector.rows)
    }));
    lines.extend(found.curve.iter().map(|point| {
        let (coverage, accuracy) = (share(Some(point.coverage)), share(point.accuracy));
        format!("  from confidence {:.2}: {coverage:>8} answered, right {accuracy:>8}", point.threshold)
    }));
    for confusion in &found.confusions {
        lines.push(format!("  {} taken for {}: {}", confusion.sector, confusion.predicted, confusion.texts.len()));
        let short = |text: &String| format!("    {}", text.chars().take(60).collect::<String>().replace('\n', " "));
        lines.extend(confusion.texts.iter().take(SHOWN).map(short));
    }
    lines
}

/// Fits weights on a folder of authored texts, writes them whole or not at all, and measures on themes left out of the fit.
pub(super) fn train(model: &Model, from: &Path, to: &Path) -> Result<Outcome, Failure> {
    let texts = authored(model, from)?;
    let weights = fit_authored(&model.classes(), &texts);
    let bytes = weights.to_bytes();
    let fault = |error: std::io::Error| Failure::found(format!("{}: {error}", to.display()));
    let beside = to.with_extension("new");
    std::fs::write(&beside, &bytes).and_then(|()| std::fs::rename(&beside, to)).map_err(fault)?;
    let found = held_out(model, &texts);
    let mut lines = vec![format!("{} texts, {} bytes written to {}", texts.len(), bytes.len(), to.display())];
    lines.push("measured on themes left out of the fit:".to_owned());
    lines.extend(told(&found));
    let result = json!({"texts": texts.len(), "bytes": bytes.len(), "memory": weights.memory(), "held_out": found});
    Ok(Outcome { code: OK, result, lines, notes: Vec::new() })
}

/// Reads a folder of authored texts; all faults at once.
fn authored(model: &Model, from: &Path) -> Result<Vec<Authored>, Failure> {
    let fault = |error: std::io::Error| Failure::found(format!("{}: {error}", from.display()));
    let entries = std::fs::read_dir(from).and_then(Iterator::collect::<Result<Vec<_>, _>>).map_err(fault)?;
    let mut paths: Vec<_> = entries.into_iter().map(|entry| entry.path()).collect();
    paths.retain(|path| path.extension().is_some_and(|extension| extension == "jsonl"));
    paths.sort();
    let mut files = Vec::with_capacity(paths.len());
    for path in paths {
        files.push((path.display().to_string(), super::read_input(&path)?));
    }
    let texts = parsed(model, files.iter().map(|(name, content)| (name.as_str(), content.as_str())))?;
    if texts.is_empty() { Err(Failure::found(format!("{}: no texts in *.jsonl", from.display()))) } else { Ok(texts) }
}

/// Authored texts out of files; all faults at once.
pub(super) fn parsed<'a>(
    model: &Model,
    files: impl Iterator<Item = (&'a str, &'a str)>,
) -> Result<Vec<Authored>, Failure> {
    let classes = model.classes();
    let (mut texts, mut faults) = (Vec::new(), Vec::new());
    for (name, content) in files {
        for (number, line) in (1_u64..).zip(content.lines()).filter(|(_, line)| !line.trim().is_empty()) {
            match serde_json::from_str::<Authored>(line) {
                Ok(text) if classes.iter().any(|class| class == text.class()) => texts.push(text),
                Ok(text) => faults.push(format!("{name}:{number}: unknown class \"{}\"", text.class())),
                Err(error) => faults.push(format!("{name}:{number}: {error}")),
            }
        }
    }
    if faults.is_empty() { Ok(texts) } else { Err(Failure { code: FOUND, lines: faults }) }
}

//! How good a model is on labelled rows. Pure arithmetic: reading the rows and the time is the caller's.

use super::answer::{Classification, Hints};
use super::model::Model;
use crate::domain::hidden::hidden_debug;
use serde::Serialize;
use std::collections::BTreeMap;

/// One labelled text.
#[derive(Clone, Default)]
pub struct LabelledRow {
    /// The narrative.
    pub text: String,
    /// The sector on which the readers agreed; `not_consumer`, `unclear`; `None` when they didn't agree.
    pub sector: Option<String>,
    /// Every code that counts as right.
    pub accepted: Vec<String>,
    /// Codes that a sensible officer would take as well.
    pub also: Vec<String>,
}

hidden_debug!(LabelledRow);

/// Accuracy when the model answers only from a confidence on.
#[derive(Debug, Clone, Copy, PartialEq, Serialize)]
pub struct CurvePoint {
    /// The confidence.
    pub threshold: f64,
    /// Share of consumer rows answered.
    pub coverage: f64,
    /// Share accepted of those answered; `None` when none is.
    pub accuracy: Option<f64>,
}

/// Rows of one sector that were taken for another.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Confusion {
    /// The agreed sector.
    pub sector: String,
    /// What the model said.
    pub predicted: String,
    /// The texts, as given.
    pub texts: Vec<String>,
}

/// The figures of one sector.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct SectorFigures {
    /// Its code.
    pub sector: String,
    /// Consumer rows whose agreed sector it is.
    pub rows: usize,
    /// Of these, how many had an accepted code as the first candidate.
    pub top1: usize,
    /// Of these, how many had an accepted code among the first three.
    pub top3: usize,
    /// Consumer rows for which it was the first candidate.
    pub predicted: usize,
    /// Of these, how many accept it.
    pub predicted_right: usize,
    /// `predicted_right` ÷ `predicted`; `None` when it never was the first candidate.
    pub precision: Option<f64>,
    /// `top1` ÷ `rows`; `None` without rows.
    pub recall: Option<f64>,
}

/// How well "not a consumer matter" is told. Rows that accept both are left out.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct NotConsumerFigures {
    /// Rows that are no consumer matter.
    pub rows: usize,
    /// Rows so advised.
    pub advised: usize,
    /// Rows so advised, rightly.
    pub right: usize,
    /// `right` ÷ `advised`; `None` when nothing was advised.
    pub precision: Option<f64>,
    /// `right` ÷ `rows`; `None` when there are no such rows.
    pub recall: Option<f64>,
}

/// The result of [`evaluate`]. Shares are between 0 and 1, and `None` when there is nothing to divide by.
#[derive(Debug, Clone, Default, PartialEq, Serialize)]
pub struct Evaluation {
    /// The model's version name.
    pub model: String,
    /// All rows.
    pub rows: usize,
    /// Rows that are a consumer matter with a known sector: the basis of the figures below.
    pub consumer_rows: usize,
    /// Share whose first candidate is accepted, abstentions included.
    pub top1: Option<f64>,
    /// Share with an accepted code among the first three.
    pub top3: Option<f64>,
    /// The same two when `also` counts as right too.
    pub top1_with_also: Option<f64>,
    /// See `top1_with_also`.
    pub top3_with_also: Option<f64>,
    /// Mean of the F1 of the sectors that have rows.
    pub macro_f1: Option<f64>,
    /// Share on which the model did not abstain.
    pub coverage: Option<f64>,
    /// Share accepted among those on which it did not abstain.
    pub accuracy_covered: Option<f64>,
    /// Mean distance between stated confidence and accuracy, over ten bins of confidence weighted by their rows.
    pub calibration_error: Option<f64>,
    /// Accuracy against coverage, in steps of a twentieth of confidence.
    pub curve: Vec<CurvePoint>,
    /// What was taken for what, the most frequent first.
    pub confusions: Vec<Confusion>,
    /// By agreed sector, sorted by code.
    pub sectors: Vec<SectorFigures>,
    /// The advice that something is no consumer matter.
    pub not_consumer: NotConsumerFigures,
}

#[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^52")]
fn share(part: usize, whole: usize) -> Option<f64> {
    (whole > 0).then(|| part as f64 / whole as f64)
}

/// Classifies every row and counts.
pub fn evaluate(model: &Model, rows: &[LabelledRow]) -> Evaluation {
    let answers: Vec<Classification> = rows.iter().map(|row| model.classify(&row.text, Hints::default())).collect();
    count(model, rows, &answers)
}

/// Counts answers that were given, one a row. A row whose accepted codes are all `not_consumer` or `unclear` is no consumer row.
pub fn count(model: &Model, rows: &[LabelledRow], answers: &[Classification]) -> Evaluation {
    const NOT: &str = "not_consumer";
    const UNCLEAR: &str = "unclear";
    let mut out = Evaluation { model: model.version().to_owned(), rows: rows.len(), ..Evaluation::default() };
    let mut by_sector: BTreeMap<&str, SectorFigures> = BTreeMap::new();
    let (mut top1, mut top3, mut covered, mut covered_right) = (0, 0, 0, 0);
    let (mut also1, mut also3) = (0, 0);
    let mut bins = [(0usize, 0usize, 0f64); 10];
    let mut judged: Vec<(f64, bool)> = Vec::new();
    let mut confused: BTreeMap<(&str, &str), Vec<String>> = BTreeMap::new();
    for (row, c) in rows.iter().zip(answers) {
        let accepts = |code: &str| row.accepted.iter().any(|a| a == code);
        let consumer = row.accepted.iter().any(|a| a != NOT && a != UNCLEAR);
        if !(accepts(UNCLEAR) || consumer && accepts(NOT)) {
            out.not_consumer.rows += usize::from(!consumer);
            out.not_consumer.advised += usize::from(c.not_consumer.advised);
            out.not_consumer.right += usize::from(!consumer && c.not_consumer.advised);
        }
        if !consumer || row.sector.as_deref() == Some(NOT) {
            continue;
        }
        out.consumer_rows += 1;
        let first = accepts(&c.sector);
        let third = first || c.alternatives.iter().take(2).any(|a| accepts(&a.sector));
        let also = |code: &str| accepts(code) || row.also.iter().any(|a| a == code);
        let first_also = also(&c.sector);
        also1 += usize::from(first_also);
        also3 += usize::from(first_also || c.alternatives.iter().take(2).any(|a| also(&a.sector)));
        judged.push((c.confidence, first));
        top1 += usize::from(first);
        top3 += usize::from(third);
        if !c.abstained {
            covered += 1;
            covered_right += usize::from(first);
        }
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a confidence is between 0 and 1")]
        let bin = ((c.confidence * 10.0) as usize).min(9);
        if let Some(b) = bins.get_mut(bin) {
            *b = (b.0 + 1, b.1 + usize::from(first), b.2 + c.confidence);
        }
        if let Some(sector) = row.sector.as_deref().filter(|s| *s != UNCLEAR) {
            let figures = by_sector.entry(sector).or_default();
            figures.rows += 1;
            figures.top1 += usize::from(first);
            figures.top3 += usize::from(third);
            if !first {
                confused.entry((sector, c.sector.as_str())).or_default().push(row.text.clone());
            }
        }
        let name = model.sectors().iter().find(|s| **s == c.sector).map_or("other", String::as_str);
        let figures = by_sector.entry(name).or_default();
        figures.predicted += 1;
        figures.predicted_right += usize::from(first);
    }
    let n = out.consumer_rows;
    out.top1 = share(top1, n);
    out.top3 = share(top3, n);
    out.top1_with_also = share(also1, n);
    out.top3_with_also = share(also3, n);
    out.curve = (0..20).map(|step| point(f64::from(step) / 20.0, &judged)).collect();
    out.coverage = share(covered, n);
    out.accuracy_covered = share(covered_right, covered);
    #[expect(clippy::cast_precision_loss, reason = "counts of rows stay far below 2^52")]
    if n > 0 {
        let apart: f64 = bins.iter().map(|(_, right, confidence)| (*right as f64 - confidence).abs()).sum();
        out.calibration_error = Some(apart / n as f64);
    }
    out.sectors = by_sector
        .into_iter()
        .map(|(s, f)| SectorFigures {
            sector: s.to_owned(),
            precision: share(f.predicted_right, f.predicted),
            recall: share(f.top1, f.rows),
            ..f
        })
        .collect();
    out.macro_f1 = macro_f1(&out.sectors);
    out.confusions = confused
        .into_iter()
        .map(|((sector, predicted), texts)| Confusion {
            sector: sector.to_owned(),
            predicted: predicted.to_owned(),
            texts,
        })
        .collect();
    out.confusions.sort_by_key(|confusion| std::cmp::Reverse(confusion.texts.len()));
    out.not_consumer.precision = share(out.not_consumer.right, out.not_consumer.advised);
    out.not_consumer.recall = share(out.not_consumer.right, out.not_consumer.rows);
    out
}

fn point(threshold: f64, judged: &[(f64, bool)]) -> CurvePoint {
    let answered = judged.iter().filter(|(confidence, _)| *confidence >= threshold);
    let right = answered.clone().filter(|(_, right)| *right).count();
    let answered = answered.count();
    CurvePoint { threshold, coverage: share(answered, judged.len()).unwrap_or(0.0), accuracy: share(right, answered) }
}

#[expect(clippy::cast_precision_loss, reason = "counts of sectors")]
fn macro_f1(sectors: &[SectorFigures]) -> Option<f64> {
    let scores: Vec<f64> = sectors
        .iter()
        .filter(|figures| figures.rows > 0)
        .map(|figures| {
            let (precision, recall) = (figures.precision.unwrap_or(0.0), figures.recall.unwrap_or(0.0));
            if precision + recall > 0.0 { 2.0 * precision * recall / (precision + recall) } else { 0.0 }
        })
        .collect();
    (!scores.is_empty()).then(|| scores.iter().sum::<f64>() / scores.len() as f64)
}

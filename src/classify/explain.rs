//! Why: the words that drove each candidate.
//!
//! A word's weight is what it adds to the logarithm of the candidate's odds: its terms of the lexicon, and its part of the runs
//! of characters, each run's share divided among its characters. Words that are no terms are found where that part is largest.

use super::answer::Evidence;
use super::features::Unit;
use super::model::{Model, Reading, rounded};

/// The most evidence words told.
const MOST: usize = 12;

/// The most words told of a candidate that are no terms of the lexicon.
const MOST_RUNS: usize = 4;

/// Lengths, in characters, of words that are no terms.
const LENGTHS: std::ops::RangeInclusive<usize> = 2..=4;

/// The least that a word must add to be told.
const LEAST: f64 = 0.05;

/// The strongest words for the candidates, strongest first.
pub(super) fn evidence(model: &Model, reading: &Reading, candidates: &[usize]) -> Vec<Evidence> {
    let mut all: Vec<(f64, usize, String)> = Vec::new();
    let means = means(model, reading);
    for candidate in candidates {
        of_candidate(model, reading, &means, *candidate, &mut all);
    }
    all.sort_by(|a, b| b.0.total_cmp(&a.0).then_with(|| a.1.cmp(&b.1)).then_with(|| a.2.cmp(&b.2)));
    all.truncate(MOST);
    let evidence = all.into_iter().filter_map(|(weight, candidate, term)| {
        Some(Evidence { term, sector: model.sectors().get(candidate)?.clone(), weight: rounded(weight) })
    });
    evidence.collect()
}

fn of_candidate(
    model: &Model,
    reading: &Reading,
    means: &[f64],
    candidate: usize,
    all: &mut Vec<(f64, usize, String)>,
) {
    let parts = parts(model, reading, means, candidate);
    let mut covered = vec![false; reading.units.len()];
    let shares = &reading.sums.shares;
    let patterns = &model.lexicon.patterns;
    for run in reading.sums.hits.chunk_by(|a, b| a.pattern == b.pattern) {
        let Some(head) = run.first() else { continue };
        let from = shares.partition_point(|share| {
            share.pattern < head.pattern && usize::from(share.target) < model.lexicon.first_ask()
        });
        let of_term = shares.iter().skip(from).take_while(|share| share.pattern == head.pattern);
        let weight: f64 =
            of_term.filter(|share| usize::from(share.target) == candidate).map(|share| share.weight).sum();
        if weight <= 0.0 {
            continue;
        }
        let mut told = weight * reading.unit_of_lexicon;
        for hit in run {
            for at in within(&reading.units, hit.start, hit.end) {
                if let (Some(covered), Some(part)) = (covered.get_mut(at), parts.get(at)) {
                    told += if *covered { 0.0 } else { *part };
                    *covered = true;
                }
            }
        }
        if let Some(pattern) = patterns.get(head.pattern as usize).filter(|_| told >= LEAST) {
            all.push((told, candidate, pattern.text.to_string()));
        }
    }
    for _ in 0..MOST_RUNS {
        let Some((weight, from, to)) = strongest(&reading.units, &parts, &covered) else { break };
        covered.iter_mut().take(to).skip(from).for_each(|covered| *covered = true);
        let start = reading.units.get(from).map_or(0, |unit| unit.start as usize);
        let end = reading.units.get(to - 1).map_or(0, |unit| unit.end as usize);
        let Some(term) = reading.folded.text.get(start..end) else { continue };
        // The same words again are the same evidence.
        if !all.iter().any(|(_, other, told)| *other == candidate && told == term) {
            all.push((weight, candidate, term.to_owned()));
        }
    }
}

/// For each run, the mean of its weights over the sectors.
fn means(model: &Model, reading: &Reading) -> Vec<f64> {
    let sectors = model.sectors().len();
    let count = f64::from(u32::try_from(sectors.max(1)).unwrap_or(1));
    let mean = |bucket| {
        let sum: i32 = model.weights.row(bucket).iter().take(sectors).map(|weight| i32::from(*weight)).sum();
        f64::from(sum) / count
    };
    reading.grams.iter().map(|gram| mean(gram.bucket)).collect()
}

/// What each unit of the text adds to the candidate's odds against the mean of all sectors by the runs that it is in.
fn parts(model: &Model, reading: &Reading, means: &[f64], candidate: usize) -> Vec<f64> {
    let mut parts = vec![0.0; reading.units.len()];
    let Some(column) = model.columns.get(candidate).copied().flatten() else { return parts };
    let factor = reading.unit_of_weight * model.tuning.ngram;
    for (gram, mean) in reading.grams.iter().zip(means) {
        let own = model.weights.row(gram.bucket).get(column).copied().unwrap_or(0);
        let part = (f64::from(own) - mean) * factor / f64::from(gram.units);
        parts.iter_mut().skip(gram.first as usize).take(gram.units as usize).for_each(|sum| *sum += part);
    }
    parts
}

/// Indices of the units that lie within a range of bytes.
fn within(units: &[Unit], start: u32, end: u32) -> std::ops::Range<usize> {
    units.partition_point(|unit| unit.start < start)..units.partition_point(|unit| unit.end <= end)
}

/// The run of two to four uncovered units that adds most, with its weight.
fn strongest(units: &[Unit], parts: &[f64], covered: &[bool]) -> Option<(f64, usize, usize)> {
    let mut best: Option<(f64, usize, usize)> = None;
    for from in 0..units.len() {
        let mut sum = 0.0;
        for to in from..(from + LENGTHS.end()).min(units.len()) {
            let joined = to == from || units.get(to).is_some_and(Unit::follows);
            if !joined || covered.get(to).copied().unwrap_or(true) {
                break;
            }
            sum += parts.get(to).copied().unwrap_or(0.0);
            let long_enough = LENGTHS.contains(&(to - from + 1)) || units.get(to).is_some_and(Unit::is_word);
            if long_enough && sum >= LEAST && best.is_none_or(|(most, _, _)| sum > most) {
                best = Some((sum, from, to + 1));
            }
        }
    }
    best
}

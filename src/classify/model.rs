//! From found terms and runs of characters to probabilities.

use super::answer::{Alternative, Classification, Hints};
use super::explain;
use super::features::{self, Gram, Unit};
use super::lexicon::{Lexicon, NO_SUB};
use super::sums::{Folded, Share, Sums};
use super::weights::{WIDTH, Weights};
use super::{advice, fit, fold};
use serde::{Deserialize, Serialize};

/// The version name of the model as shipped. It changes with the lexicon, the weights or the constants.
pub const SHIPPED: &str = "fangxin-3";

/// The sector of what nothing speaks for.
const OTHER: &str = "other";

/// The most candidates told beside the first.
const MOST_ALTERNATIVES: usize = 3;

/// Probability below which a candidate isn't explained.
const HOPELESS: f64 = 0.02;

/// The constants by which sums of weights become probabilities. `docs/classification.md` tells on what each was fitted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Tuning {
    /// How much the lexicon counts.
    pub lexicon: f64,
    /// How much the runs of characters count.
    pub ngram: f64,
    /// How much the lexicon's share falls with the length of the evidence: long texts have larger sums, not clearer ones.
    pub growth: f64,
    /// How many characters at the beginning count as title.
    pub title_chars: usize,
    /// Factor for what is found in the title.
    pub title: f64,
    /// Factor for each repetition of a term, up to four.
    pub repeat: f64,
    /// Factor for terms in the merchant's name.
    pub merchant: f64,
    /// Factor for terms in the platform's name.
    pub platform: f64,
    /// Not a consumer matter: log odds are `bias + a·ln(1 + evidence for it) − b·ln(1 + evidence against it) − c·ln(1 + best
    /// sector's sum) + d·(what the runs of characters say)`, given as `[bias, a, b, c, d]`.
    pub not_consumer: [f64; 5],
    /// Advise that something is no consumer matter from this score, 0 to 1.
    pub advise: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            lexicon: 1.0,
            ngram: 1.0,
            growth: 0.8,
            title_chars: 30,
            title: 1.5,
            repeat: 0.15,
            merchant: 0.6,
            platform: 0.4,
            not_consumer: [3.82, 1.19, 0.84, 1.26, 2.58],
            advise: 0.5,
        }
    }
}

/// A classifier: a lexicon, fitted weights, and the constants that put them together. Immutable; learning makes a new one.
#[derive(Debug, Clone)]
pub struct Model {
    pub(super) lexicon: Lexicon,
    pub(super) weights: Weights,
    pub(super) tuning: Tuning,
    /// For each sector, then each kind of matter that is no consumer matter, its column of the weights.
    pub(super) columns: Vec<Option<usize>>,
    threshold: f64,
    name: String,
}

/// What a text says, before it is judged.
pub(super) struct Reading {
    pub(super) folded: Folded,
    pub(super) sums: Sums,
    pub(super) units: Vec<Unit>,
    /// Each run once, where it stands first.
    pub(super) grams: Vec<Gram>,
    /// What one unit of a weight adds to a logarithm of odds.
    pub(super) unit_of_weight: f64,
    /// What one unit of the lexicon's weights adds to it.
    pub(super) unit_of_lexicon: f64,
    /// By the runs, for each sector and then each kind.
    pub(super) by_runs: Vec<f64>,
    /// Whether any run of the text was in the training texts.
    known: bool,
}

pub(super) fn rounded(value: f64) -> f64 {
    libm::round(value * 10_000.0) / 10_000.0
}

impl Model {
    /// A model with the constants as shipped.
    ///
    /// `threshold` is the confidence, 0 to 1, below which it abstains.
    pub fn new(lexicon: Lexicon, weights: Weights, threshold: f64) -> Self {
        Self::named(SHIPPED.to_owned(), lexicon, weights, Tuning::default(), threshold)
    }

    /// A model of its own name, weights and constants.
    pub fn named(name: String, lexicon: Lexicon, weights: Weights, tuning: Tuning, threshold: f64) -> Self {
        let codes = lexicon.sectors().iter().map(String::as_str).chain(lexicon.kinds());
        let columns = codes.map(|code| weights.classes.iter().position(|class| class == code)).collect();
        Self { lexicon, weights, tuning, columns, threshold, name }
    }

    /// The same lexicon with other weights and constants.
    pub fn with(&self, name: String, weights: Weights, tuning: Tuning) -> Self {
        Self::named(name, self.lexicon.clone(), weights, tuning, self.threshold)
    }

    /// The version name, as written beside each classification.
    pub fn version(&self) -> &str {
        &self.name
    }

    /// The constants.
    pub fn tuning(&self) -> &Tuning {
        &self.tuning
    }

    /// Confidence below which it abstains.
    pub fn threshold(&self) -> f64 {
        self.threshold
    }

    /// Bytes that its automaton, its tables and its weights take in memory.
    pub fn memory(&self) -> usize {
        self.lexicon.memory() + self.weights.memory() + fold::memory()
    }

    /// The codes of the sectors, sorted.
    pub fn sectors(&self) -> &[String] {
        self.lexicon.sectors()
    }

    /// What an example can be labelled with: the sectors, then the kinds of matters that are no consumer matters.
    pub fn classes(&self) -> Vec<String> {
        self.sectors().iter().cloned().chain(self.lexicon.kinds().map(str::to_owned)).collect()
    }

    /// Classifies a narrative. Never fails: no text is too short, too long or too strange.
    pub fn classify(&self, text: &str, hints: Hints<'_>) -> Classification {
        let reading = self.read(text, hints);
        let sectors = self.sectors();
        let ranked = self.ranked(&reading);
        let first = ranked.first().copied();
        let confidence = first.map_or(0.0, |(_, probability)| rounded(probability));
        let name = |at: usize| sectors.get(at).cloned().unwrap_or_else(|| OTHER.to_owned());
        let alternatives: Vec<Alternative> = ranked
            .iter()
            .skip(1)
            .take(MOST_ALTERNATIVES)
            .map(|(at, probability)| Alternative { sector: name(*at), confidence: rounded(*probability) })
            .collect();
        let explained = ranked.iter().take(1 + MOST_ALTERNATIVES).enumerate();
        let candidates: Vec<usize> =
            explained.filter(|(rank, (_, odds))| *rank == 0 || *odds >= HOPELESS).map(|(_, (at, _))| *at).collect();
        let (problem, demands) = advice::asks(&self.lexicon, &reading.sums.by_target);
        Classification {
            sector: first.map_or_else(|| OTHER.to_owned(), |(at, _)| name(at)),
            subsector: first.and_then(|(at, _)| self.subsector(at, &reading.sums.shares)),
            confidence,
            abstained: confidence < self.threshold,
            alternatives,
            evidence: explain::evidence(self, &reading, &candidates),
            not_consumer: advice::not_consumer(self, &reading),
            problem,
            demands,
            kind_hint: advice::kind_hint(&self.lexicon, &reading.sums.by_target),
            model: self.name.clone(),
        }
    }

    /// The probability of one sector, 0 to 1, not rounded.
    pub fn probability(&self, text: &str, sector: &str) -> f64 {
        let at = self.sectors().iter().position(|code| code == sector);
        let ranked = self.ranked(&self.read(text, Hints::default()));
        at.and_then(|at| ranked.iter().find(|(code, _)| *code == at)).map_or(0.0, |(_, probability)| *probability)
    }

    /// The terms of the lexicon that stand in a text and speak for a sector, folded, each once, in the order of the alphabet.
    pub fn terms(&self, text: &str) -> Vec<&str> {
        let folded = Folded::new(text, Hints::default(), self.tuning.title_chars);
        let shares = Sums::of(&self.lexicon, &folded, &self.tuning).shares;
        let of_sectors = shares.iter().filter(|share| usize::from(share.target) < self.sectors().len());
        let patterns = of_sectors.filter_map(|share| self.lexicon.patterns.get(share.pattern as usize));
        let mut terms: Vec<&str> = patterns.map(|pattern| &*pattern.text).collect();
        terms.sort_unstable();
        terms.dedup();
        terms
    }

    pub(super) fn read(&self, text: &str, hints: Hints<'_>) -> Reading {
        let folded = Folded::new(text, hints, self.tuning.title_chars);
        let sums = Sums::of(&self.lexicon, &folded, &self.tuning);
        let units = features::units(folded.text.get(..folded.narrative).unwrap_or_default());
        let grams = features::first_of_each(features::grams(&units));
        let unit_of_weight = f64::from(self.weights.scale) * fit::value(grams.len());
        let (sums_of_runs, known) = self.weights.sums(grams.iter().map(|gram| gram.bucket));
        let by_runs = self.columns.iter().map(|column| {
            column.and_then(|column| sums_of_runs.get(column)).map_or(0.0, |sum| f64::from(*sum) * unit_of_weight)
        });
        let total: f64 = sums.by_target.iter().take(self.sectors().len()).filter(|sum| **sum > 0.0).sum();
        let unit_of_lexicon = self.tuning.lexicon / (1.0 + self.tuning.growth * libm::log1p(total / 10.0));
        Reading { by_runs: by_runs.collect(), folded, sums, units, grams, unit_of_weight, unit_of_lexicon, known }
    }

    /// The sectors with their probabilities, the best first; the order of the codes decides a tie. Empty when nothing in the
    /// text speaks for any.
    fn ranked(&self, reading: &Reading) -> Vec<(usize, f64)> {
        let sums = reading.sums.by_target.iter().take(self.sectors().len());
        if !reading.known && !sums.clone().any(|sum| *sum > 0.0) {
            return Vec::new();
        }
        let odds =
            sums.zip(&reading.by_runs).map(|(sum, runs)| sum * reading.unit_of_lexicon + runs * self.tuning.ngram);
        let mut ranked: Vec<(usize, f64)> = odds.enumerate().collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let best = ranked.first().map_or(0.0, |(_, odds)| *odds);
        for (_, odds) in &mut ranked {
            *odds = libm::exp(*odds - best);
        }
        let mass: f64 = ranked.iter().map(|(_, odds)| odds).sum();
        for (_, odds) in &mut ranked {
            *odds /= mass;
        }
        ranked
    }

    /// The sub-sector with the largest sum within the sector.
    fn subsector(&self, sector: usize, shares: &[Share]) -> Option<String> {
        let mut sums = vec![0.0; self.lexicon.subsectors.len()];
        for share in shares.iter().filter(|s| usize::from(s.target) == sector && s.sub != NO_SUB) {
            if let Some(sum) = sums.get_mut(usize::from(share.sub)) {
                *sum += share.weight;
            }
        }
        let mut best: Option<(usize, f64)> = None;
        for (at, sum) in sums.into_iter().enumerate() {
            if sum > best.map_or(0.0, |(_, s)| s) {
                best = Some((at, sum));
            }
        }
        best.and_then(|(at, _)| self.lexicon.subsectors.get(at).cloned())
    }
}

const _: () = assert!(WIDTH >= 32, "there must be room for every sector and kind");

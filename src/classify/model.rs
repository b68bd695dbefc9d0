//! From found terms to probabilities, evidence and advice.

use crate::classify::fold::fold_into;
use crate::classify::lexicon::{Lexicon, NO_SUB, Target, Words};
use serde::Serialize;
use std::cmp::{Ordering, Reverse};

/// The version name of a model that is a lexicon and nothing else.
const VERSION: &str = "lexicon-1";

/// The sector of what no term speaks for.
const OTHER: &str = "other";

/// The most evidence words told.
const MOST_EVIDENCE: usize = 12;

/// The most candidates told beside the first.
const MOST_ALTERNATIVES: usize = 3;

/// The constants by which sums of weights become probabilities.
///
/// Of the labelled development rows, those whose identifier ends in an even hexadecimal digit were there to tune on. `not_consumer` was
/// fitted on them. The other constants are a judgement, set beforehand: a grid over that half would make the temperature lower, which
/// wasn't followed, since the terms were chosen with that half in view. No text of the odd half was read, but its figures by sector were
/// seen while the lexicon grew, and showed where to widen it and that `advise` should be below one half. So the odd half is nearly, not
/// wholly, unseen: figures for new texts are to be taken from new texts.
#[derive(Debug, Clone, PartialEq)]
pub struct Tuning {
    /// Abstain below this confidence, 0 to 1.
    pub threshold: f64,
    /// Divides the sums before the softmax: higher is less sure.
    pub temperature: f64,
    /// How much the temperature rises with the length of the evidence: long texts have larger sums, not clearer ones.
    pub growth: f64,
    /// The sum of an imagined candidate that is none of the sectors, so that little evidence means little confidence.
    pub base: f64,
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
    /// Not a consumer matter: log odds are `bias + a·ln(1 + evidence for it) − b·ln(1 + evidence against it) − c·ln(1 +
    /// best sector's sum)`, given as `[bias, a, b, c]`.
    pub not_consumer: [f64; 4],
    /// Advise that something is no consumer matter from this score, 0 to 1.
    pub advise: f64,
}

impl Default for Tuning {
    fn default() -> Self {
        Self {
            threshold: 0.45,
            temperature: 2.0,
            growth: 0.5,
            base: 1.0,
            title_chars: 30,
            title: 1.5,
            repeat: 0.15,
            merchant: 0.6,
            platform: 0.4,
            not_consumer: [2.6, 2.0, 1.3, 2.6],
            advise: 0.4,
        }
    }
}

/// What is known beside the narrative. Empty names are as good as none.
#[derive(Debug, Clone, Copy, Default)]
pub struct Hints<'a> {
    /// The merchant's name as filed.
    pub merchant_name: Option<&'a str>,
    /// The platform's name as filed.
    pub platform_name: Option<&'a str>,
}

/// Another candidate.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alternative {
    /// Its code.
    pub sector: String,
    /// Its probability, 0 to 1.
    pub confidence: f64,
}

/// A term that was found and counted for one of the candidates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The term in folded form (simplified characters, lower case).
    pub term: String,
    /// The candidate for which it counted.
    pub sector: String,
    /// How much it counted, repetitions and title included.
    pub weight: f64,
}

/// Where a person with a matter that is no consumer matter is sent.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReferTo {
    /// Stable code of the kind: `labour`, `petition`, …
    pub code: String,
    /// Name of the place that takes it.
    pub name: Words,
    /// Telephone or way there, in words.
    pub contact: Words,
}

/// Whether the text looks like no dispute of a consumer with a business.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NotConsumer {
    /// Whether to tell the person so. Never a refusal.
    pub advised: bool,
    /// Probability, 0 to 1.
    pub score: f64,
    /// Where it belongs, when advised and known.
    pub refer_to: Option<ReferTo>,
}

/// What the text asks for, as a suggestion.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum KindHint {
    /// Wants an own dispute resolved.
    Complaint,
    /// Tells of a violation.
    Report,
    /// Does both.
    Both,
}

/// The answer of [`Model::classify`]. Confidences and scores have four decimals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// The best candidate, also when abstained; `other` when nothing was found.
    pub sector: String,
    /// Within the sector, where routing needs it and a word says so.
    pub subsector: Option<String>,
    /// Probability of `sector`, 0 to 1.
    pub confidence: f64,
    /// Whether the confidence is below the threshold: the case goes to triage.
    pub abstained: bool,
    /// The next best, best first, at most three. The probabilities of all need not sum to 1: the rest is "none of these".
    pub alternatives: Vec<Alternative>,
    /// Why: the strongest terms of the candidates, strongest first, at most twelve.
    pub evidence: Vec<Evidence>,
    /// Whether it looks like no consumer matter.
    pub not_consumer: NotConsumer,
    /// Suggested kind; `None` when no word says so.
    pub kind_hint: Option<KindHint>,
    /// Version name of the model.
    pub model: String,
}

/// A classifier: a lexicon and its tuning.
#[derive(Debug, Clone)]
pub struct Model {
    lexicon: Lexicon,
    tuning: Tuning,
}

/// One occurrence in the folded text.
#[derive(Clone, Copy)]
struct Hit {
    start: u32,
    end: u32,
    pattern: u32,
}

/// A term's share in a target's sum.
#[derive(Clone, Copy)]
struct Share {
    target: Target,
    pattern: u32,
    sub: u16,
    weight: f64,
}

/// The sums over all targets, and what made them.
struct Sums {
    by_target: Vec<f64>,
    shares: Vec<Share>,
}

fn rounded(value: f64) -> f64 {
    (value * 10_000.0).round() / 10_000.0
}

impl Model {
    /// A model that abstains below a threshold (0 to 1), with the fitted constants otherwise.
    pub fn new(lexicon: Lexicon, threshold: f64) -> Self {
        Self::with_tuning(lexicon, Tuning { threshold, ..Tuning::default() })
    }

    /// A model with constants of its own.
    pub fn with_tuning(lexicon: Lexicon, tuning: Tuning) -> Self {
        Self { lexicon, tuning }
    }

    /// The version name, as written beside each classification.
    pub fn version(&self) -> &'static str {
        VERSION
    }

    /// The codes of the sectors, sorted.
    pub fn sectors(&self) -> &[String] {
        self.lexicon.sectors()
    }

    /// Classifies a narrative. Never fails: no text is too short, too long or too strange.
    pub fn classify(&self, text: &str, hints: Hints<'_>) -> Classification {
        let sums = self.sums(text, hints);
        let scores = &sums.by_target;
        let sectors = &self.lexicon.sectors;

        // Candidates: sectors for which something speaks, best first; the order of the codes decides a tie.
        let mut ranked: Vec<(usize, f64)> =
            scores.iter().take(sectors.len()).copied().enumerate().filter(|(_, s)| *s > 0.0).collect();
        ranked.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        let best = ranked.first().map_or(0.0, |(_, s)| *s);
        let total: f64 = ranked.iter().map(|(_, s)| s).sum();
        let temperature = self.tuning.temperature * (1.0 + self.tuning.growth * (total / 10.0).ln_1p());
        let odds = |score: f64| ((score - best) / temperature).exp();
        let mass: f64 = odds(self.tuning.base) + ranked.iter().map(|(_, s)| odds(*s)).sum::<f64>();
        let probability = |score: f64| rounded(odds(score) / mass);

        let first = ranked.first().copied();
        let confidence = first.map_or(0.0, |(_, s)| probability(s));
        let name = |at: usize| sectors.get(at).cloned().unwrap_or_else(|| OTHER.to_owned());
        let alternatives: Vec<Alternative> = ranked
            .iter()
            .skip(1)
            .take(MOST_ALTERNATIVES)
            .map(|(at, s)| Alternative { sector: name(*at), confidence: probability(*s) })
            .collect();

        Classification {
            sector: first.map_or_else(|| OTHER.to_owned(), |(at, _)| name(at)),
            subsector: first.and_then(|(at, _)| self.subsector(at, &sums.shares)),
            confidence,
            abstained: confidence < self.tuning.threshold,
            alternatives,
            evidence: self.evidence(&ranked, &sums.shares),
            not_consumer: self.not_consumer(scores, best),
            kind_hint: self.kind_hint(scores),
            model: VERSION.to_owned(),
        }
    }

    fn sums(&self, text: &str, hints: Hints<'_>) -> Sums {
        let lexicon = &self.lexicon;
        let mut folded = String::with_capacity(text.len() + 64);
        fold_into(text, &mut folded);
        let title_end = folded.char_indices().nth(self.tuning.title_chars).map_or(folded.len(), |(at, _)| at);
        let text_end = folded.len();
        folded.push('\n');
        fold_into(hints.merchant_name.unwrap_or_default(), &mut folded);
        let merchant_end = folded.len();
        folded.push('\n');
        fold_into(hints.platform_name.unwrap_or_default(), &mut folded);

        let bytes = folded.as_bytes();
        let mut seen = vec![0u64; lexicon.patterns.len() / 64 + 1];
        let mut hits: Vec<Hit> = Vec::with_capacity(64);
        for m in lexicon.automaton.find_overlapping_iter(folded.as_str()) {
            let id = m.pattern().as_usize();
            let Some(pattern) = lexicon.patterns.get(id) else { continue };
            if pattern.word_start && m.start() > 0 && latin(bytes.get(m.start() - 1)) {
                continue;
            }
            if pattern.word_end && latin(bytes.get(m.end())) {
                // The plural of an English word is the word.
                let plural = bytes.get(m.end()) == Some(&b's') && !latin(bytes.get(m.end() + 1));
                if !plural {
                    continue;
                }
            }
            if let Some(word) = seen.get_mut(id / 64) {
                *word |= 1 << (id % 64);
            }
            let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            hits.push(Hit { start: short(m.start()), end: short(m.end()), pattern: short(id) });
        }

        // A term inside a longer one at the same place says nothing of its own: 银行 in 手机银行, 手机 in 手机银行.
        hits.sort_unstable_by_key(|h| (h.start, Reverse(h.end)));
        let mut reach = 0;
        hits.retain(|h| {
            let outer = h.end > reach;
            reach = reach.max(h.end);
            outer
        });

        // Now by term, and within a term in the order of the text.
        hits.sort_unstable_by_key(|h| (h.pattern, h.start));
        let is_seen = |id: &u32| {
            let id = *id as usize;
            seen.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
        };
        let mut by_target = vec![0.0; lexicon.targets()];
        let mut shares = Vec::with_capacity(hits.len() * 2);
        let mut add = |target: Target, pattern: u32, sub: u16, weight: f64| {
            if let Some(sum) = by_target.get_mut(usize::from(target)) {
                *sum += weight;
            }
            shares.push(Share { target, pattern, sub, weight });
        };
        for run in hits.chunk_by(|a, b| a.pattern == b.pattern) {
            let Some(head) = run.first() else { continue };
            let Some(pattern) = lexicon.patterns.get(head.pattern as usize) else { continue };
            let start = head.start as usize;
            let place = if start < title_end {
                self.tuning.title
            } else if start < text_end {
                1.0
            } else if start < merchant_end {
                self.tuning.merchant
            } else {
                self.tuning.platform
            };
            let repeats = run.iter().skip(1).take(4).fold(0.0, |sum, _| sum + self.tuning.repeat);
            let factor = place + repeats;
            for entry in slice(&lexicon.entries, pattern.entries) {
                add(entry.target, head.pattern, entry.sub, entry.weight * factor);
            }
            for rule in slice(&lexicon.rules, pattern.rules) {
                let with = rule.with.is_empty() || rule.with.iter().any(is_seen);
                if with && !rule.without.iter().any(is_seen) {
                    add(rule.entry.target, head.pattern, rule.entry.sub, rule.entry.weight * factor);
                }
            }
        }
        Sums { by_target, shares }
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

    fn evidence(&self, ranked: &[(usize, f64)], shares: &[Share]) -> Vec<Evidence> {
        let told = |s: &&Share| {
            s.weight > 0.0 && ranked.iter().take(1 + MOST_ALTERNATIVES).any(|(at, _)| *at == usize::from(s.target))
        };
        let mut shown: Vec<Share> = Vec::with_capacity(shares.len());
        for share in shares.iter().filter(told) {
            // A term and its rules, or its sub-sectors, are one piece of evidence; they stand side by side.
            match shown.iter_mut().find(|s| s.pattern == share.pattern && s.target == share.target) {
                Some(same) => same.weight += share.weight,
                None => shown.push(*share),
            }
        }
        let order = |a: &Share, b: &Share| -> Ordering {
            b.weight.total_cmp(&a.weight).then(a.pattern.cmp(&b.pattern)).then(a.target.cmp(&b.target))
        };
        shown.sort_unstable_by(order);
        shown.truncate(MOST_EVIDENCE);
        shown
            .into_iter()
            .filter_map(|s| {
                Some(Evidence {
                    term: self.lexicon.patterns.get(s.pattern as usize)?.text.to_string(),
                    sector: self.lexicon.sectors.get(usize::from(s.target))?.clone(),
                    weight: rounded(s.weight),
                })
            })
            .collect()
    }

    fn not_consumer(&self, scores: &[f64], best: f64) -> NotConsumer {
        let first = self.lexicon.sectors.len();
        let kinds = &self.lexicon.kinds;
        let at = |i: usize| scores.get(first + i).copied().unwrap_or(0.0);
        let evidence: f64 = (0..kinds.len()).map(at).sum();
        let against = at(kinds.len());
        let [bias, w_for, w_against, w_sector] = self.tuning.not_consumer;
        let score = if evidence > 0.0 {
            // Logarithms: the tenth word of a long letter says less than the first.
            let log_odds =
                bias + w_for * evidence.ln_1p() - w_against * against.max(0.0).ln_1p() - w_sector * best.ln_1p();
            rounded(1.0 / (1.0 + (-log_odds).exp()))
        } else {
            0.0
        };
        let advised = score >= self.tuning.advise;
        let mut refer_to = None;
        if advised {
            let mut most = 0.0;
            for (i, kind) in kinds.iter().enumerate() {
                if at(i) > most {
                    most = at(i);
                    refer_to = Some(kind);
                }
            }
        }
        let refer_to = refer_to.map(|kind| ReferTo {
            code: kind.code.clone(),
            name: kind.name.clone(),
            contact: kind.contact.clone(),
        });
        NotConsumer { advised, score, refer_to }
    }

    fn kind_hint(&self, scores: &[f64]) -> Option<KindHint> {
        let first = self.lexicon.sectors.len() + self.lexicon.kinds.len() + 1;
        let report = scores.get(first).copied().unwrap_or(0.0);
        let complaint = scores.get(first + 1).copied().unwrap_or(0.0);
        match (report >= 2.0, complaint >= 2.0) {
            (true, true) => Some(KindHint::Both),
            (true, false) => Some(KindHint::Report),
            (false, _) if complaint > 0.0 => Some(KindHint::Complaint),
            _ => None,
        }
    }
}

fn latin(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_alphanumeric)
}

fn slice<T>(all: &[T], (from, to): (u32, u32)) -> &[T] {
    all.get(from as usize..to as usize).unwrap_or_default()
}

//! The terms of the lexicon that stand in a text, and what they add up to.

use super::answer::Hints;
use super::fold::fold_into;
use super::lexicon::{Lexicon, Negation, Pattern, Target};
use super::model::Tuning;
use std::cmp::Reverse;

/// How far behind a negation the word that it takes back may begin, or before one end: a Han character or two.
const NEAR: u32 = 6;

/// The folded text, with the merchant's and the platform's names behind it.
pub(super) struct Folded {
    pub(super) text: String,
    /// Where the title ends.
    title: usize,
    /// Where the narrative ends.
    pub(super) narrative: usize,
    /// Where the merchant's name ends.
    merchant: usize,
}

impl Folded {
    pub(super) fn new(text: &str, hints: Hints<'_>, title_chars: usize) -> Self {
        let mut folded = String::with_capacity(text.len() + 64);
        fold_into(text, &mut folded);
        let title = folded.char_indices().nth(title_chars).map_or(folded.len(), |(at, _)| at);
        let narrative = folded.len();
        folded.push('\n');
        fold_into(hints.merchant_name.unwrap_or_default(), &mut folded);
        let merchant = folded.len();
        folded.push('\n');
        fold_into(hints.platform_name.unwrap_or_default(), &mut folded);
        Self { text: folded, title, narrative, merchant }
    }

    fn factor(&self, at: u32, tuning: &Tuning) -> f64 {
        let at = at as usize;
        if at < self.title {
            tuning.title
        } else if at < self.narrative {
            1.0
        } else if at < self.merchant {
            tuning.merchant
        } else {
            tuning.platform
        }
    }
}

/// One occurrence in the folded text.
#[derive(Debug, Clone, Copy)]
pub(super) struct Hit {
    pub(super) start: u32,
    pub(super) end: u32,
    pub(super) pattern: u32,
}

/// A term's share in a target's sum.
#[derive(Debug, Clone, Copy)]
pub(super) struct Share {
    pub(super) target: Target,
    pub(super) pattern: u32,
    pub(super) sub: u16,
    pub(super) weight: f64,
}

/// The sums over all targets, and what made them.
pub(super) struct Sums {
    pub(super) by_target: Vec<f64>,
    pub(super) shares: Vec<Share>,
    /// Where the terms of sectors and kinds stand, by term and place.
    pub(super) hits: Vec<Hit>,
}

impl Sums {
    pub(super) fn of(lexicon: &Lexicon, folded: &Folded, tuning: &Tuning) -> Self {
        let (found, seen) = find(lexicon, &folded.text);
        let pattern = |hit: &Hit| lexicon.patterns.get(hit.pattern as usize);
        let only = |which: fn(&Pattern) -> bool| {
            found.iter().copied().filter(|hit| pattern(hit).is_some_and(which)).collect::<Vec<_>>()
        };
        let mut sums = Self {
            by_target: vec![0.0; lexicon.targets()],
            shares: Vec::with_capacity(found.len() * 2),
            hits: standing(lexicon, only(|pattern| pattern.subject)),
        };
        let asks = standing(lexicon, only(|pattern| pattern.asks));
        let first_ask = lexicon.first_ask();
        let hits = std::mem::take(&mut sums.hits);
        sums.add(lexicon, folded, tuning, &seen, &hits, |target| usize::from(target) < first_ask);
        sums.add(lexicon, folded, tuning, &seen, &asks, |target| usize::from(target) >= first_ask);
        sums.hits = hits;
        sums
    }

    fn add(
        &mut self,
        lexicon: &Lexicon,
        folded: &Folded,
        tuning: &Tuning,
        seen: &Seen,
        hits: &[Hit],
        wanted: impl Fn(Target) -> bool,
    ) {
        for run in hits.chunk_by(|a, b| a.pattern == b.pattern) {
            let Some(head) = run.first() else { continue };
            let Some(pattern) = lexicon.patterns.get(head.pattern as usize) else { continue };
            let repeats = run.iter().skip(1).take(4).fold(0.0, |sum, _| sum + tuning.repeat);
            let factor = folded.factor(head.start, tuning) + repeats;
            let entries = slice(&lexicon.entries, pattern.entries).iter();
            let rules = slice(&lexicon.rules, pattern.rules).iter().filter(|rule| {
                let with = rule.with.is_empty() || rule.with.iter().any(|id| seen.has(*id));
                with && !rule.without.iter().any(|id| seen.has(*id))
            });
            for entry in entries.chain(rules.map(|rule| &rule.entry)).filter(|entry| wanted(entry.target)) {
                let weight = entry.weight * factor;
                if let Some(sum) = self.by_target.get_mut(usize::from(entry.target)) {
                    *sum += weight;
                }
                self.shares.push(Share { target: entry.target, pattern: head.pattern, sub: entry.sub, weight });
            }
        }
    }
}

/// Which terms stand in the text at all, also inside others.
struct Seen(Vec<u64>);

impl Seen {
    fn has(&self, id: u32) -> bool {
        let id = id as usize;
        self.0.get(id / 64).is_some_and(|word| word >> (id % 64) & 1 == 1)
    }
}

fn find(lexicon: &Lexicon, text: &str) -> (Vec<Hit>, Seen) {
    let bytes = text.as_bytes();
    let mut seen = Seen(vec![0; lexicon.patterns.len() / 64 + 1]);
    let mut hits: Vec<Hit> = Vec::with_capacity(64);
    for m in lexicon.automaton.find_overlapping_iter(text) {
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
        if let Some(word) = seen.0.get_mut(id / 64) {
            *word |= 1 << (id % 64);
        }
        let short = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
        hits.push(Hit { start: short(m.start()), end: short(m.end()), pattern: short(id) });
    }
    (hits, seen)
}

/// The occurrences that count, by term and place: those inside no longer one, and not taken back.
fn standing(lexicon: &Lexicon, mut hits: Vec<Hit>) -> Vec<Hit> {
    // A term inside a longer one at the same place says nothing of its own: 银行 in 手机银行, 手机 in 手机银行.
    hits.sort_unstable_by_key(|hit| (hit.start, Reverse(hit.end)));
    let mut reach = 0;
    hits.retain(|hit| {
        let outer = hit.end > reach;
        reach = reach.max(hit.end);
        outer
    });
    let negation = |hit: &Hit| lexicon.patterns.get(hit.pattern as usize).and_then(|pattern| pattern.negation);
    let cues: Vec<(Hit, Negation)> = hits.iter().filter_map(|hit| Some((*hit, negation(hit)?))).collect();
    if !cues.is_empty() {
        hits.retain(|hit| {
            !cues.iter().any(|(cue, side)| match side {
                Negation::Before => hit.start >= cue.end && hit.start - cue.end <= NEAR,
                Negation::After => cue.start >= hit.end && cue.start - hit.end <= NEAR,
            })
        });
    }
    hits.sort_unstable_by_key(|hit| (hit.pattern, hit.start));
    hits
}

fn latin(byte: Option<&u8>) -> bool {
    byte.is_some_and(u8::is_ascii_alphanumeric)
}

fn slice<T>(all: &[T], (from, to): (u32, u32)) -> &[T] {
    all.get(from as usize..to as usize).unwrap_or_default()
}

//! The lexicon: terms, weights and context rules, read from TOML and compiled into one automaton.
//!
//! A file of a sector:
//! ```toml
//! sector = "courier"          # one of the allowed codes; several files may share one
//! [[terms]]
//! weight = 3.2                # -12 to 12: 1 a hint, 2 a sign, 3 strong, 4 nearly decides
//! subsector = "…"             # optional, where routing needs one
//! words = "快递、包裹、parcel" # separated by 、 or , or line ends; at least two characters each
//! [[rules]]                   # the term counts this much more (or less), in company
//! weight = 2.0
//! term = "签收、丢失"
//! with = "快递、驿站"          # any of these is in the text
//! without = "假货"            # none of these is
//! ```
//! Other files have `[[kinds]]` with `code`, `name`, `contact` and their `terms` and `rules` (matters that are no consumer matter),
//! `[[consumer]]` (what speaks against that), `[[report]]` and `[[complaint]]` (what is asked for), or `[[mask]]` (words that say
//! nothing and hide the terms inside them). The second axis has `[[problems]]` with `code`, `name` and `terms` (what went wrong, by the
//! names of the national platform) and `[[demands]]` with `code` and `terms`. `[[negation]]` has words that take the term right
//! `before` or `after` which they stand back: 不是快递的问题 is not about couriers. Case, width and script don't matter: every word is folded.

use aho_corasick::AhoCorasick;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The codes that a lexicon may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedCodes(pub(super) BTreeMap<String, BTreeSet<String>>);

impl AllowedCodes {
    /// From pairs of a sector's code and the codes of its sub-sectors.
    pub fn new<S, I, T>(pairs: impl IntoIterator<Item = (S, I)>) -> Self
    where
        S: Into<String>,
        I: IntoIterator<Item = T>,
        T: Into<String>,
    {
        Self(pairs.into_iter().map(|(s, subs)| (s.into(), subs.into_iter().map(Into::into).collect())).collect())
    }
}

/// What is wrong with a lexicon: the file, the key in it, and the fault in one sentence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LexiconError {
    /// Name of the file as given to [`Lexicon::load`].
    pub file: String,
    /// Path of the key, e.g. `terms[3].words`; empty for the whole file.
    pub key: String,
    /// The fault.
    pub detail: String,
}

impl fmt::Display for LexiconError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.key.is_empty() {
            write!(f, "{}: {}", self.file, self.detail)
        } else {
            write!(f, "{}: {}: {}", self.file, self.key, self.detail)
        }
    }
}

impl std::error::Error for LexiconError {}

/// A wording in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Words {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// A kind of matter that is no dispute of a consumer with a business.
#[derive(Debug, Clone)]
pub(super) struct NonConsumerKind {
    pub(super) code: String,
    pub(super) name: Words,
    pub(super) contact: Words,
}

/// What a term speaks for. Sectors come first, then the non-consumer kinds, the three fixed ones, problems, and demands.
pub(super) type Target = u16;

/// No sub-sector.
pub(super) const NO_SUB: u16 = u16::MAX;

/// A term's weight for one target.
#[derive(Debug, Clone, Copy)]
pub(super) struct Entry {
    pub(super) target: Target,
    pub(super) weight: f64,
    pub(super) sub: u16,
}

/// A weight that a term only has in company (`with`: any of them) or in its absence (`without`: none of them).
#[derive(Debug, Clone)]
pub(super) struct Rule {
    pub(super) entry: Entry,
    pub(super) with: Box<[u32]>,
    pub(super) without: Box<[u32]>,
}

/// One pattern of the automaton.
#[derive(Debug, Clone, Default)]
pub(super) struct Pattern {
    /// The term as it is shown: folded.
    pub(super) text: Box<str>,
    /// Range in `Lexicon::entries`.
    pub(super) entries: (u32, u32),
    /// Range in `Lexicon::rules`.
    pub(super) rules: (u32, u32),
    /// Begins or ends with a Latin letter or digit, and so must begin or end a word there.
    pub(super) word_start: bool,
    pub(super) word_end: bool,
    /// Speaks for a sector, a kind, or hides what does.
    pub(super) subject: bool,
    /// Speaks for a problem or a demand.
    pub(super) asks: bool,
    /// Takes the word next to it back.
    pub(super) negation: Option<Negation>,
}

/// Which neighbour a negation takes back.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Negation {
    /// It stands before the word: 不是快递的问题.
    Before,
    /// It stands after the word: 和快递无关.
    After,
}

/// A problem or a demand.
#[derive(Debug, Clone)]
pub(super) struct Named {
    pub(super) code: String,
    pub(super) name: Option<Words>,
}

/// A compiled lexicon. Immutable; a reload makes a new one.
#[derive(Debug, Clone)]
pub struct Lexicon {
    pub(super) automaton: AhoCorasick,
    pub(super) patterns: Vec<Pattern>,
    pub(super) entries: Vec<Entry>,
    pub(super) rules: Vec<Rule>,
    pub(super) sectors: Vec<String>,
    pub(super) subsectors: Vec<String>,
    pub(super) kinds: Vec<NonConsumerKind>,
    pub(super) problems: Vec<Named>,
    pub(super) demands: Vec<Named>,
}

impl Lexicon {
    /// How many different terms there are, with those of context rules.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Bytes that it takes in memory.
    pub(super) fn memory(&self) -> usize {
        let texts: usize = self.patterns.iter().map(|pattern| pattern.text.len()).sum();
        let company = |rule: &Rule| size_of_val(&*rule.with) + size_of_val(&*rule.without);
        self.automaton.memory_usage()
            + texts
            + size_of_val(&*self.patterns)
            + size_of_val(&*self.entries)
            + size_of_val(&*self.rules)
            + self.rules.iter().map(company).sum::<usize>()
    }

    /// Whether there is no term at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The sectors' codes, sorted.
    pub fn sectors(&self) -> &[String] {
        &self.sectors
    }

    /// The codes of the matters that are no consumer matters, in the order of the files.
    pub fn kinds(&self) -> impl Iterator<Item = &str> {
        self.kinds.iter().map(|kind| kind.code.as_str())
    }

    /// The first target of the second axis.
    pub(super) fn first_ask(&self) -> usize {
        self.sectors.len() + self.kinds.len() + 3
    }

    /// All targets.
    pub(super) fn targets(&self) -> usize {
        self.first_ask() + self.problems.len() + self.demands.len()
    }
}

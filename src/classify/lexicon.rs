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
//! nothing and hide the terms inside them). Case, width and script don't matter: every word is folded.

use crate::classify::fold::fold_into;
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// The heaviest weight a term may have, either sign. A slip of the decimal point is found at load.
const HEAVIEST: f64 = 12.0;

/// The codes that a lexicon may use.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct AllowedCodes(BTreeMap<String, BTreeSet<String>>);

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

/// One TOML file: a sector's terms, or the matters that are no consumer matters, or words that only hide others.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileSpec {
    sector: Option<String>,
    #[serde(default)]
    terms: Vec<TermSpec>,
    #[serde(default)]
    rules: Vec<RuleSpec>,
    #[serde(default)]
    kinds: Vec<KindSpec>,
    #[serde(default)]
    consumer: Vec<TermSpec>,
    #[serde(default)]
    report: Vec<TermSpec>,
    #[serde(default)]
    complaint: Vec<TermSpec>,
    #[serde(default)]
    mask: Vec<MaskSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct TermSpec {
    weight: f64,
    words: String,
    subsector: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct MaskSpec {
    words: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RuleSpec {
    weight: f64,
    term: String,
    #[serde(default)]
    with: String,
    #[serde(default)]
    without: String,
    subsector: Option<String>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct KindSpec {
    code: String,
    name: Words,
    contact: Words,
    #[serde(default)]
    terms: Vec<TermSpec>,
    #[serde(default)]
    rules: Vec<RuleSpec>,
}

/// A kind of matter that is no dispute of a consumer with a business.
#[derive(Debug, Clone)]
pub(super) struct NonConsumerKind {
    pub(super) code: String,
    pub(super) name: Words,
    pub(super) contact: Words,
}

/// What a term speaks for. Sectors come first, then the non-consumer kinds, then the three fixed ones.
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
}

/// Collects patterns and faults while files are read.
#[derive(Default)]
struct Builder {
    ids: BTreeMap<String, u32>,
    texts: Vec<String>,
    entries: Vec<(u32, Entry)>,
    rules: Vec<(u32, Rule)>,
    seen: BTreeSet<(u32, Target, u16)>,
    subsectors: Vec<String>,
    errors: Vec<LexiconError>,
    file: String,
}

impl Builder {
    fn fault(&mut self, key: impl Into<String>, detail: impl Into<String>) {
        self.errors.push(LexiconError { file: self.file.clone(), key: key.into(), detail: detail.into() });
    }

    fn intern(&mut self, word: &str) -> u32 {
        let mut folded = String::with_capacity(word.len());
        fold_into(word, &mut folded);
        if let Some(id) = self.ids.get(&folded) {
            return *id;
        }
        let id = u32::try_from(self.texts.len()).unwrap_or(u32::MAX);
        self.texts.push(folded.clone());
        self.ids.insert(folded, id);
        id
    }

    /// The words of a list: separated by `、`, `,` or line ends.
    fn list(&mut self, words: &str, key: &str) -> Vec<u32> {
        let mut ids = Vec::new();
        for word in words.split(['、', ',', '\n']).map(str::trim).filter(|w| !w.is_empty()) {
            if word.chars().count() < 2 {
                self.fault(key, format!("the term \"{word}\" has one character, which is found everywhere"));
            } else {
                ids.push(self.intern(word));
            }
        }
        ids
    }

    fn weight(&mut self, weight: f64, key: &str) {
        if !weight.is_finite() || weight.abs() > HEAVIEST || weight == 0.0 {
            self.fault(key, format!("weight {weight} is not between -{HEAVIEST} and {HEAVIEST}, or is 0"));
        }
    }

    fn sub(&mut self, code: Option<&str>, allowed: Option<&BTreeSet<String>>, key: &str) -> u16 {
        let Some(code) = code else { return NO_SUB };
        if !allowed.is_some_and(|codes| codes.contains(code)) {
            self.fault(key, format!("unknown sub-sector \"{code}\""));
        }
        let at = self.subsectors.iter().position(|s| s == code).unwrap_or_else(|| {
            self.subsectors.push(code.to_owned());
            self.subsectors.len() - 1
        });
        u16::try_from(at).unwrap_or(NO_SUB)
    }

    fn terms(&mut self, specs: &[TermSpec], target: Target, allowed: Option<&BTreeSet<String>>, key: &str) {
        for (i, spec) in specs.iter().enumerate() {
            self.weight(spec.weight, &format!("{key}[{i}].weight"));
            let sub = self.sub(spec.subsector.as_deref(), allowed, &format!("{key}[{i}].subsector"));
            let words_key = format!("{key}[{i}].words");
            let ids = self.list(&spec.words, &words_key);
            if ids.is_empty() {
                self.fault(&words_key, "no words");
            }
            for id in ids {
                if !self.seen.insert((id, target, sub)) {
                    let word = self.texts.get(id as usize).cloned().unwrap_or_default();
                    self.fault(&words_key, format!("the term \"{word}\" is listed twice"));
                }
                self.entries.push((id, Entry { target, weight: spec.weight, sub }));
            }
        }
    }

    fn rules(&mut self, specs: &[RuleSpec], target: Target, allowed: Option<&BTreeSet<String>>, key: &str) {
        for (i, spec) in specs.iter().enumerate() {
            self.weight(spec.weight, &format!("{key}[{i}].weight"));
            let sub = self.sub(spec.subsector.as_deref(), allowed, &format!("{key}[{i}].subsector"));
            let with = self.list(&spec.with, &format!("{key}[{i}].with"));
            let without = self.list(&spec.without, &format!("{key}[{i}].without"));
            if with.is_empty() && without.is_empty() {
                self.fault(format!("{key}[{i}]"), "neither with nor without: write it as a term");
            }
            for id in self.list(&spec.term, &format!("{key}[{i}].term")) {
                let entry = Entry { target, weight: spec.weight, sub };
                self.rules.push((id, Rule { entry, with: with.clone().into(), without: without.clone().into() }));
            }
        }
    }
}

impl Lexicon {
    /// Reads and compiles a lexicon from pairs of a file's name and its text, in the order of the names. All faults of all
    /// files are told at once: broken TOML, unknown sectors and sub-sectors, terms of one character, terms listed twice for
    /// the same thing, weights out of range, an allowed sector without a file.
    pub fn load<'a>(
        files: impl Iterator<Item = (&'a str, &'a str)>,
        allowed: &AllowedCodes,
    ) -> Result<Self, Vec<LexiconError>> {
        let mut files: Vec<(&str, &str)> = files.collect();
        files.sort_unstable();
        let mut b = Builder::default();
        let mut specs = Vec::with_capacity(files.len());
        for (name, text) in files {
            match toml::from_str::<FileSpec>(text) {
                Ok(spec) => specs.push((name, spec)),
                Err(error) => {
                    name.clone_into(&mut b.file);
                    b.fault("", error.to_string());
                }
            }
        }

        let sectors: Vec<String> = allowed.0.keys().cloned().collect();
        let mut kinds = Vec::new();
        for (name, spec) in &specs {
            for (i, kind) in spec.kinds.iter().enumerate() {
                if kinds.iter().any(|k: &NonConsumerKind| k.code == kind.code) {
                    (*name).clone_into(&mut b.file);
                    b.fault(format!("kinds[{i}].code"), format!("the kind \"{}\" is listed twice", kind.code));
                }
                kinds.push(NonConsumerKind {
                    code: kind.code.clone(),
                    name: kind.name.clone(),
                    contact: kind.contact.clone(),
                });
            }
        }
        let target = |at: usize| Target::try_from(at).unwrap_or(Target::MAX);
        let fixed = sectors.len() + kinds.len();
        let mut covered = BTreeSet::new();
        let mut kind_at = sectors.len();
        for (name, spec) in &specs {
            (*name).clone_into(&mut b.file);
            match &spec.sector {
                Some(code) => match sectors.iter().position(|s| s == code) {
                    Some(at) => {
                        covered.insert(code.clone());
                        let subs = allowed.0.get(code);
                        b.terms(&spec.terms, target(at), subs, "terms");
                        b.rules(&spec.rules, target(at), subs, "rules");
                    }
                    None => b.fault("sector", format!("unknown sector \"{code}\"")),
                },
                None if !spec.terms.is_empty() || !spec.rules.is_empty() => {
                    b.fault("sector", "terms or rules without a sector");
                }
                None => {}
            }
            for (i, kind) in spec.kinds.iter().enumerate() {
                b.terms(&kind.terms, target(kind_at), None, &format!("kinds[{i}].terms"));
                b.rules(&kind.rules, target(kind_at), None, &format!("kinds[{i}].rules"));
                kind_at += 1;
            }
            b.terms(&spec.consumer, target(fixed), None, "consumer");
            b.terms(&spec.report, target(fixed + 1), None, "report");
            b.terms(&spec.complaint, target(fixed + 2), None, "complaint");
            for (i, mask) in spec.mask.iter().enumerate() {
                b.list(&mask.words, &format!("mask[{i}].words"));
            }
        }
        for sector in &sectors {
            if !covered.contains(sector) {
                b.errors.push(LexiconError {
                    file: format!("{sector}.toml"),
                    key: String::new(),
                    detail: format!("no file has sector = \"{sector}\""),
                });
            }
        }
        if !b.errors.is_empty() {
            return Err(b.errors);
        }
        Self::compile(b, sectors, kinds)
    }

    fn compile(mut b: Builder, sectors: Vec<String>, kinds: Vec<NonConsumerKind>) -> Result<Self, Vec<LexiconError>> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .build(&b.texts)
            .map_err(|error| {
                vec![LexiconError { file: String::new(), key: String::new(), detail: error.to_string() }]
            })?;
        // Stable sorts: within a term the order of the files stays, so that sums are made in one fixed order.
        b.entries.sort_by_key(|(id, _)| *id);
        b.rules.sort_by_key(|(id, _)| *id);
        let range = |ids: &[u32], id: u32| {
            let from = ids.partition_point(|i| *i < id);
            let to = ids.partition_point(|i| *i <= id);
            (u32::try_from(from).unwrap_or(u32::MAX), u32::try_from(to).unwrap_or(u32::MAX))
        };
        let entry_ids: Vec<u32> = b.entries.iter().map(|(id, _)| *id).collect();
        let rule_ids: Vec<u32> = b.rules.iter().map(|(id, _)| *id).collect();
        let latin = |c: Option<u8>| c.is_some_and(|c| c.is_ascii_alphanumeric());
        let patterns = (0u32..)
            .zip(&b.texts)
            .map(|(id, text)| Pattern {
                text: text.as_str().into(),
                entries: range(&entry_ids, id),
                rules: range(&rule_ids, id),
                word_start: latin(text.bytes().next()),
                word_end: latin(text.bytes().next_back()),
            })
            .collect();
        Ok(Self {
            automaton,
            patterns,
            entries: b.entries.into_iter().map(|(_, e)| e).collect(),
            rules: b.rules.into_iter().map(|(_, r)| r).collect(),
            sectors,
            subsectors: b.subsectors,
            kinds,
        })
    }

    /// How many different terms there are, with those of context rules.
    pub fn len(&self) -> usize {
        self.patterns.len()
    }

    /// Whether there is no term at all.
    pub fn is_empty(&self) -> bool {
        self.patterns.is_empty()
    }

    /// The sectors' codes, sorted.
    pub fn sectors(&self) -> &[String] {
        &self.sectors
    }

    /// Sectors, non-consumer kinds, and the three fixed targets.
    pub(super) fn targets(&self) -> usize {
        self.sectors.len() + self.kinds.len() + 3
    }
}

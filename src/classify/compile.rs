//! Reads the files of a lexicon, tells all their faults, and compiles them.

use super::fold::fold_into;
use super::lexicon::{
    AllowedCodes, Entry, Lexicon, LexiconError, NO_SUB, Named, Negation, NonConsumerKind, Pattern, Rule, Target, Words,
};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// The heaviest weight a term may have, either sign. A slip of the decimal point is found at load.
const HEAVIEST: f64 = 12.0;

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
    #[serde(default)]
    problems: Vec<ProblemSpec>,
    #[serde(default)]
    demands: Vec<DemandSpec>,
    #[serde(default)]
    negation: Vec<NegationSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct ProblemSpec {
    code: String,
    name: Words,
    terms: Vec<TermSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct DemandSpec {
    code: String,
    terms: Vec<TermSpec>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct NegationSpec {
    #[serde(default)]
    before: String,
    #[serde(default)]
    after: String,
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

/// Collects patterns and faults while files are read.
#[derive(Default)]
struct Builder {
    ids: BTreeMap<String, u32>,
    texts: Vec<String>,
    entries: Vec<(u32, Entry)>,
    rules: Vec<(u32, Rule)>,
    seen: BTreeSet<(u32, Target, u16)>,
    negations: BTreeMap<u32, Negation>,
    subsectors: Vec<String>,
    errors: Vec<LexiconError>,
    file: String,
}

/// The second axis: what went wrong, and what is demanded.
struct Asks {
    problems: Vec<Named>,
    demands: Vec<Named>,
}

impl Builder {
    /// Collects named things of all files; a code that is listed twice is a fault.
    fn named(&mut self, specs: &[(&str, FileSpec)], key: &str, of: impl Fn(&FileSpec) -> Vec<Named>) -> Vec<Named> {
        let mut all: Vec<Named> = Vec::new();
        for (name, spec) in specs {
            for (i, named) in of(spec).into_iter().enumerate() {
                if all.iter().any(|n| n.code == named.code) {
                    (*name).clone_into(&mut self.file);
                    self.fault(format!("{key}[{i}].code"), format!("\"{}\" is listed twice", named.code));
                }
                all.push(named);
            }
        }
        all
    }

    fn negation(&mut self, words: &str, side: Negation, key: &str) {
        for id in self.list(words, key) {
            self.negations.insert(id, side);
        }
    }

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
        let problems = b.named(&specs, "problems", |spec| {
            spec.problems.iter().map(|p| Named { code: p.code.clone(), name: Some(p.name.clone()) }).collect()
        });
        let demands = b.named(&specs, "demands", |spec| {
            spec.demands.iter().map(|d| Named { code: d.code.clone(), name: None }).collect()
        });
        let target = |at: usize| Target::try_from(at).unwrap_or(Target::MAX);
        let fixed = sectors.len() + kinds.len();
        let asked = fixed + 3;
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
            for (i, problem) in spec.problems.iter().enumerate() {
                let at = problems.iter().position(|p| p.code == problem.code).unwrap_or(0);
                b.terms(&problem.terms, target(asked + at), None, &format!("problems[{i}].terms"));
            }
            for (i, demand) in spec.demands.iter().enumerate() {
                let at = problems.len() + demands.iter().position(|d| d.code == demand.code).unwrap_or(0);
                b.terms(&demand.terms, target(asked + at), None, &format!("demands[{i}].terms"));
            }
            for (i, negation) in spec.negation.iter().enumerate() {
                b.negation(&negation.before, Negation::Before, &format!("negation[{i}].before"));
                b.negation(&negation.after, Negation::After, &format!("negation[{i}].after"));
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
        let asks = Asks { problems, demands };
        Self::compile(b, sectors, kinds, asks)
    }

    fn compile(
        mut b: Builder,
        sectors: Vec<String>,
        kinds: Vec<NonConsumerKind>,
        asks: Asks,
    ) -> Result<Self, Vec<LexiconError>> {
        let automaton = AhoCorasick::builder()
            .match_kind(MatchKind::Standard)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            // Tables by byte only where a term begins: deeper ones cost memory, and speed is there without them.
            .dense_depth(1)
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
        let first_ask = Target::try_from(sectors.len() + kinds.len() + 3).unwrap_or(Target::MAX);
        let patterns = (0u32..)
            .zip(&b.texts)
            .map(|(id, text)| {
                let entries = range(&entry_ids, id);
                let of = |asks: bool| {
                    let mut all = b.entries.iter().skip(entries.0 as usize).take((entries.1 - entries.0) as usize);
                    all.any(|(_, entry)| (entry.target >= first_ask) == asks)
                };
                Pattern {
                    text: text.as_str().into(),
                    entries,
                    rules: range(&rule_ids, id),
                    word_start: latin(text.bytes().next()),
                    word_end: latin(text.bytes().next_back()),
                    asks: of(true),
                    // A word that only says what is asked for hides no word of what it is about.
                    subject: of(false) || !of(true),
                    negation: b.negations.get(&id).copied(),
                }
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
            problems: asks.problems,
            demands: asks.demands,
        })
    }
}

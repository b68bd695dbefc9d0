//! What the classifier is told beside the narrative, and what it answers.

use super::lexicon::Words;
use serde::Serialize;

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

/// Words that counted for one of the candidates.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Evidence {
    /// The words in folded form (simplified characters, lower case).
    pub term: String,
    /// The candidate for which they counted.
    pub sector: String,
    /// How much they added to the logarithm of its odds, repetitions and title included.
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

/// What went wrong, by the names of the national platform: the second axis beside the sector.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ProblemType {
    /// Stable code: `quality`, `after_sales`, …
    pub code: String,
    /// Its name; the Chinese one is the platform's.
    pub name: Words,
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

/// The answer of [`Model::classify`](super::Model::classify). Confidences and scores have four decimals.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Classification {
    /// The best candidate, also when abstained; `other` when nothing can be read in the text.
    pub sector: String,
    /// Within the sector, where routing needs it and a word says so.
    pub subsector: Option<String>,
    /// Probability of `sector`, 0 to 1.
    pub confidence: f64,
    /// Whether the confidence is below the threshold: the case goes to triage.
    pub abstained: bool,
    /// The next best, best first, at most three.
    pub alternatives: Vec<Alternative>,
    /// Why: the words that counted most for the candidates, strongest first, at most twelve.
    pub evidence: Vec<Evidence>,
    /// Whether it looks like no consumer matter.
    pub not_consumer: NotConsumer,
    /// What went wrong; `None` when no word says so.
    pub problem: Option<ProblemType>,
    /// Demands that the text names, by the codes of a filing, in their order there.
    pub demands: Vec<String>,
    /// Suggested kind; `None` when no word says so.
    pub kind_hint: Option<KindHint>,
    /// Version name of the model.
    pub model: String,
}

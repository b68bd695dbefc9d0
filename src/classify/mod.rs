//! Which sector a complaint is about, how sure that is, and which words say so.
//!
//! **In:** the narrative, and as hints the names of the merchant and the platform. **Out:** a [`Classification`]: the best sector
//! with a probability, the next candidates, the evidence words, a sub-sector where routing needs one, a suggestion of the kind
//! (complaint, report, or both), and whether the text looks like no consumer matter at all, with the place that takes it.
//!
//! Rules it keeps:
//! - A sector is what the dispute is *about* (programme plan, tasks 1 to 19, and `product_quality`, `life_services`, `other`), not
//!   who the merchant is: merchant and platform names count less than the narrative.
//! - It never refuses. Below the threshold it abstains, which sends the case into triage, and still names its best candidate. Advice that
//!   something is no consumer matter is advice: the person may file all the same.
//! - It judges the text, never the person: no term asks whether somebody files often or for profit.
//! - It is pure: no clock, no randomness, no network, no state. The same lexicon and text give the same answer, bit for bit.
//!
//! How it works: the terms of `config/lexicon/*.toml` are found in one pass of an Aho-Corasick automaton over folded text ([`fold`]);
//! a term inside a longer term found at the same place doesn't count, nor one that a negation takes back; repeated terms count less
//! each time; what stands in the first characters counts more. Runs of one to three characters are looked up in weights that were
//! fitted on texts written for the project. Both sums together become probabilities by a softmax; [`Tuning`] has its constants.

mod advice;
mod answer;
mod authored;
mod compare;
mod compile;
mod evaluate;
mod explain;
mod features;
mod fit;
mod fold;
mod lexicon;
mod model;
mod sums;
mod weights;

#[cfg(test)]
mod tests;

pub use answer::{Alternative, Classification, Evidence, Hints, KindHint, NotConsumer, ProblemType, ReferTo};
pub use authored::{Authored, fit_authored, held_out};
pub use compare::{Comparison, LEAST_TESTED, Share, compare};
pub use evaluate::{
    Confusion, CurvePoint, Evaluation, LabelledRow, NotConsumerFigures, SectorFigures, count, evaluate,
};
pub use fit::{Example, fit};
pub use fold::fold;
pub use lexicon::{AllowedCodes, Lexicon, LexiconError, Words};
pub use model::{Model, SHIPPED, Tuning};
pub use weights::{Weights, WeightsError};

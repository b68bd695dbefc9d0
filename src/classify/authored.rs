//! The texts that the weights are fitted on: written for the project, one JSON object a line.

use super::answer::{Classification, Hints};
use super::evaluate::{Evaluation, LabelledRow, count};
use super::fit::{Example, fit};
use super::model::Model;
use super::weights::Weights;
use serde::Deserialize;

/// Parts into which the themes are divided to measure on texts whose themes weren't fitted on.
const PARTS: u64 = 5;

/// One authored text.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Authored {
    /// The narrative.
    pub text: String,
    /// Its sector; `None` for a matter that is no consumer matter.
    #[serde(default)]
    pub sector: Option<String>,
    /// Its kind of matter that is no consumer matter.
    #[serde(default)]
    pub not_consumer: Option<String>,
    /// What it is about: texts of a theme resemble each other.
    pub theme: String,
    /// How it is written.
    #[serde(default)]
    pub register: Option<String>,
}

impl Authored {
    /// Its class.
    pub fn class(&self) -> &str {
        self.sector.as_deref().or(self.not_consumer.as_deref()).unwrap_or_default()
    }

    /// It as an example to fit on.
    pub fn example(&self) -> Example {
        Example { text: self.text.clone(), class: self.class().to_owned(), weight: 1.0 }
    }

    /// Which part its theme falls into.
    pub(super) fn part(&self) -> u64 {
        let bytes = self.class().bytes().chain(self.theme.bytes());
        bytes.fold(0xCBF2_9CE4_8422_2325, |hash: u64, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01B3))
            % PARTS
    }
}

/// Weights fitted on authored texts.
pub fn fit_authored(classes: &[String], texts: &[Authored]) -> Weights {
    fit(classes, &texts.iter().map(Authored::example).collect::<Vec<_>>())
}

/// Measures on texts of themes that were left out of the fit: five fits, each without a fifth of the themes. The lexicon is the
/// same in all of them.
pub fn held_out(model: &Model, texts: &[Authored]) -> Evaluation {
    let mut rows = Vec::with_capacity(texts.len());
    let mut answers: Vec<Classification> = Vec::with_capacity(texts.len());
    for part in 0..PARTS {
        let (out, rest): (Vec<&Authored>, Vec<&Authored>) = texts.iter().partition(|text| text.part() == part);
        let examples: Vec<Example> = rest.into_iter().map(Authored::example).collect();
        let without = model.with(model.version().to_owned(), fit(&model.classes(), &examples), model.tuning().clone());
        for text in out {
            answers.push(without.classify(&text.text, Hints::default()));
            let code = text.sector.clone().unwrap_or_else(|| "not_consumer".to_owned());
            rows.push(LabelledRow {
                text: text.text.clone(),
                sector: Some(code.clone()),
                accepted: vec![code],
                also: Vec::new(),
            });
        }
    }
    count(model, &rows, &answers)
}

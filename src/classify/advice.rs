//! What goes beside the sector: no consumer matter, kind, problem and demands. All of it is advice.

use super::answer::{KindHint, NotConsumer, ProblemType, ReferTo};
use super::lexicon::Lexicon;
use super::model::{Model, Reading, rounded};

/// The sum from which a problem or a demand is told.
const TOLD: f64 = 1.5;

/// The sum from which a text is a complaint or a report.
const KIND: f64 = 2.0;

/// Whether a text looks like no consumer matter, and where it belongs.
pub(super) fn not_consumer(model: &Model, reading: &Reading) -> NotConsumer {
    let first = model.sectors().len();
    let kinds = &model.lexicon.kinds;
    let scores = &reading.sums.by_target;
    let at = |i: usize| scores.get(first + i).copied().unwrap_or(0.0);
    let best = scores.iter().take(first).copied().fold(0.0, f64::max);
    let evidence: f64 = (0..kinds.len()).map(at).sum::<f64>().max(0.0);
    let against = at(kinds.len()).max(0.0);
    let (of_sectors, of_kinds) = reading.by_runs.split_at_checked(first).unwrap_or_default();
    let [bias, w_for, w_against, w_sector, w_runs] = model.tuning.not_consumer;
    let runs = log_sum(of_kinds) - log_sum(of_sectors);
    let known = evidence > 0.0 || of_kinds.iter().any(|odds| *odds > 0.0);
    // Logarithms: the tenth word of a long letter says less than the first.
    let log_odds =
        bias + w_for * libm::log1p(evidence) - w_against * libm::log1p(against) - w_sector * libm::log1p(best)
            + w_runs * runs;
    let score = if known { rounded(1.0 / (1.0 + libm::exp(-log_odds))) } else { 0.0 };
    let advised = score >= model.tuning.advise;
    let mut refer_to = None;
    if advised {
        let mut most = f64::MIN;
        for (i, kind) in kinds.iter().enumerate() {
            let odds = at(i) * reading.unit_of_lexicon + of_kinds.get(i).copied().unwrap_or(0.0) * model.tuning.ngram;
            if odds > most {
                most = odds;
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

/// The logarithm of the sum of exponentials; 0 of nothing.
fn log_sum(odds: &[f64]) -> f64 {
    let most = odds.iter().copied().fold(f64::MIN, f64::max);
    if odds.is_empty() { 0.0 } else { most + libm::log(odds.iter().map(|one| libm::exp(one - most)).sum()) }
}

/// The suggested kind.
pub(super) fn kind_hint(lexicon: &Lexicon, scores: &[f64]) -> Option<KindHint> {
    let first = lexicon.sectors.len() + lexicon.kinds.len() + 1;
    let report = scores.get(first).copied().unwrap_or(0.0);
    let complaint = scores.get(first + 1).copied().unwrap_or(0.0);
    match (report >= KIND, complaint >= KIND) {
        (true, true) => Some(KindHint::Both),
        (true, false) => Some(KindHint::Report),
        (false, _) if complaint > 0.0 => Some(KindHint::Complaint),
        _ => None,
    }
}

/// What went wrong most, and everything that is demanded.
pub(super) fn asks(lexicon: &Lexicon, scores: &[f64]) -> (Option<ProblemType>, Vec<String>) {
    let scores = scores.get(lexicon.first_ask()..).unwrap_or_default();
    let (problems, demands) = scores.split_at_checked(lexicon.problems.len()).unwrap_or_default();
    let mut most = 0.0;
    let mut worst = None;
    for (problem, score) in lexicon.problems.iter().zip(problems) {
        if *score >= TOLD && *score > most {
            most = *score;
            worst = problem.name.clone().map(|name| ProblemType { code: problem.code.clone(), name });
        }
    }
    let demands = lexicon.demands.iter().zip(demands).filter(|(_, score)| **score >= TOLD);
    (worst, demands.map(|(demand, _)| demand.code.clone()).collect())
}

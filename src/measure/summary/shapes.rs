//! The shapes of the answers, as the API gives them.

use crate::domain::vocabulary::Kind;
use jiff::civil::Date;
use serde::Serialize;
use std::collections::BTreeMap;

/// A rate with its numbers.
#[derive(Debug, Clone, Serialize)]
pub struct RateShown {
    /// Code.
    pub code: &'static str,
    /// Name.
    pub name: &'static str,
    /// What it says and what it leaves out.
    pub definition: &'static str,
    /// Kind of case that it counts.
    pub kind: Kind,
    /// By which day its cases belong to the period.
    pub cohort: &'static str,
    /// Unit of the value.
    pub unit: &'static str,
    /// Cases that count as a success; towns for coverage. `null` for a sum.
    pub numerator: Option<i64>,
    /// Cases that count; residents for a rate per 10 000. `null` for a sum, or when it isn't known.
    pub denominator: Option<i64>,
    /// Cases left out because nothing is due yet.
    pub excluded: i64,
    /// From 0 to 1, or per 10 000. `null` when there are too few cases, or none.
    pub value: Option<f64>,
    /// Wilson 95 % interval of a share of cases.
    pub interval: Option<[f64; 2]>,
    /// Fewer than 10 cases: shown as counts, not ranked.
    pub small: bool,
    /// Why there is no value, besides too few cases.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub reason: Option<&'static str>,
    /// The sum, in yuan, of a rate that is one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub amount: Option<String>,
    /// For satisfaction: rated ÷ closed in the same period.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub rated_share: Option<f64>,
    /// What is to be reached.
    pub target: Option<TargetShown>,
    /// Where the rate comes from.
    pub source: &'static str,
    /// Where the cases behind the numbers are listed.
    pub cases_url: CasesUrls,
}

/// Addresses of the lists behind a rate's numbers; `null` where no cases lie behind one.
#[derive(Debug, Clone, Serialize)]
pub struct CasesUrls {
    /// Of the numerator.
    pub numerator: Option<String>,
    /// Of the denominator.
    pub denominator: Option<String>,
    /// Of what is left out.
    pub excluded: Option<String>,
}

/// A target, and whether it is met.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct TargetShown {
    /// `=`, `>=`, `yoy_increase` …
    pub operator: String,
    /// In the unit of the rate; for `yoy_increase` the value of the same period a year before.
    pub value: Option<f64>,
    /// `null` when either value is.
    pub met: Option<bool>,
    /// `goal` or the task of the plan; `law` for limits that the law sets.
    pub source: String,
    /// When it was due.
    pub due: String,
    /// The counts of the same period a year before, for `yoy_increase`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub previous: Option<Previous>,
}

/// The same period a year before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Previous {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// Numerator.
    pub numerator: i64,
    /// Denominator.
    pub denominator: i64,
}

/// How many of each kind.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct ByKind {
    /// Complaints.
    pub complaint: i64,
    /// Reports.
    pub report: i64,
}

/// Received cases and rates: of the whole question, of one period, of one value of a dimension.
#[derive(Debug, Clone, Serialize)]
pub struct Numbers {
    /// Cases received in the period, whatever the cohort of a rate.
    pub received: i64,
    /// The same by kind.
    pub received_by_kind: ByKind,
    /// The rates.
    pub rates: Vec<RateShown>,
}

/// What an answer is about.
#[derive(Debug, Clone, Serialize)]
pub struct About {
    /// First day.
    pub from: Date,
    /// Last day.
    pub to: Date,
    /// The cohort asked for; `null` when each rate goes by its own.
    pub cohort: Option<&'static str>,
    /// Day on which it was asked: what is due depends on it.
    pub as_of: Date,
    /// The numbers may still change: the period isn't over, or some of its cases are open.
    pub provisional: bool,
}

/// Answer to `summary`.
#[derive(Debug, Clone, Serialize)]
pub struct Summary {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
    /// How many of the cases received show each fact, by kind.
    pub counts: BTreeMap<&'static str, BTreeMap<&'static str, i64>>,
}

/// Answer to `timeseries`.
#[derive(Debug, Clone, Serialize)]
pub struct Timeseries {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// Length of the periods.
    pub interval: &'static str,
    /// The periods in order, also those without cases.
    pub points: Vec<Point>,
}

/// One period.
#[derive(Debug, Clone, Serialize)]
pub struct Point {
    /// First day, within the question.
    pub from: Date,
    /// Last day, within the question.
    pub to: Date,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Answer to `breakdown`.
#[derive(Debug, Clone, Serialize)]
pub struct Breakdown {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The dimension.
    pub by: &'static str,
    /// Its values that have cases, the most cases first.
    pub groups: Vec<Group>,
}

/// One value of a dimension.
#[derive(Debug, Clone, Serialize)]
pub struct Group {
    /// Code.
    pub key: String,
    /// Name; the code when the catalogue has none.
    pub name: String,
    /// The numbers.
    #[serde(flatten)]
    pub numbers: Numbers,
}

/// Answer to `scorecard`: the targets of the plan that can be computed.
#[derive(Debug, Clone, Serialize)]
pub struct Scorecard {
    /// What it is about.
    #[serde(flatten)]
    pub about: About,
    /// The rates that have a target in the plan.
    pub rates: Vec<RateShown>,
    /// Those met, and those of which that can be said.
    pub met: usize,
    /// See `met`.
    pub judged: usize,
}

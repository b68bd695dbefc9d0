//! What the programme wants reached, and the names of the national platform's categories.

use super::catalogue::{Category, Name, Target};
use super::error::{Codes, Faults};
use super::source::Source;
use super::table::Table;

/// Rates that this service computes (design, section 7): a target marked `computable` must be one of them.
const RATES: &[&str] = &[
    "handling",
    "timely_decision",
    "timely_closing",
    "self_settlement",
    "mediation_success",
    "mediation_success_of_mediated",
    "satisfaction",
    "station_coverage",
];

const OPERATORS: &[&str] = &[">=", ">", "=", "~", "~>=", "range", "yoy_increase"];

/// The targets, in the order of the file.
pub(super) fn load(source: &Source, faults: &mut Faults) -> Vec<Target> {
    let columns = ["metric", "zh", "en", "operator", "value", "unit", "due", "source", "computable"];
    let table = Table::read(source, "targets.csv", &columns, faults);
    let mut codes = Codes::new("targets.csv", table.usable);
    let mut targets = Vec::new();
    for row in table.rows() {
        let metric = row.new_code("metric", &mut codes, faults);
        let (zh, en) = (row.required("zh", faults), row.required("en", faults));
        let known = |cell: &str| OPERATORS.contains(&cell).then(|| cell.to_owned());
        let operator = row.parse_required("operator", &OPERATORS.join(", "), known, faults);
        let finite = |cell: &str| cell.parse::<f64>().ok().filter(|value| value.is_finite());
        let value = row.parse("value", "a number, or nothing", finite, faults);
        let (due, origin) = (row.required("due", faults), row.required("source", faults));
        let computable = row.flag("computable", faults);
        let (Some(metric), Some(zh), Some(en), Some(operator), Some(due), Some(origin)) =
            (metric, zh, en, operator, due, origin)
        else {
            continue;
        };
        if row.optional("value").is_none() && !matches!(operator.as_str(), "range" | "yoy_increase") {
            faults.push(row.fault("value", None, format!("must not be empty with {operator}")));
        }
        if computable && !RATES.contains(&metric) {
            faults.push(row.fault("metric", Some(metric), "no rate that is computed").allowed(RATES.join(", ")));
        }
        targets.push(Target {
            metric: metric.to_owned(),
            name: Name { zh: zh.to_owned(), en: en.to_owned() },
            operator,
            value,
            unit: row.optional("unit").unwrap_or_default().to_owned(),
            due: due.to_owned(),
            source: origin.to_owned(),
            computable,
        });
    }
    targets
}

const DIMENSIONS: &[&str] = &["goods", "service", "problem_l1", "problem_l2", "report_problem_l1", "remedy", "channel"];

/// The second axis: names seen on the national platform, with the sectors that they may belong to.
pub(super) fn load_categories(source: &Source, sectors: &Codes, faults: &mut Faults) -> Vec<Category> {
    let table = Table::read(source, "categories_12315.csv", &["dimension", "zh", "source", "sectors"], faults);
    let mut categories: Vec<Category> = Vec::new();
    for row in table.rows() {
        let known = |cell: &str| DIMENSIONS.contains(&cell).then(|| cell.to_owned());
        let dimension = row.parse_required("dimension", &DIMENSIONS.join(", "), known, faults);
        let name = row.required("zh", faults);
        row.required("source", faults);
        let listed = row.list("sectors");
        for sector in &listed {
            row.known("sectors", sector, sectors, faults);
        }
        let (Some(dimension), Some(name)) = (dimension, name) else { continue };
        if categories.iter().any(|earlier| earlier.dimension == dimension && earlier.name == name) {
            faults.push(row.fault("zh", Some(name), format!("twice in {dimension}")));
        }
        categories.push(Category {
            dimension,
            name: name.to_owned(),
            sectors: listed.into_iter().map(str::to_owned).collect(),
        });
    }
    categories
}

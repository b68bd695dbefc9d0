//! Reads every data file and checks them against each other, collecting all faults instead of stopping at the first.

use super::catalogue::Catalogue;
use super::error::{ConfigError, Faults};
use super::source::Source;
use super::{calendar, departments, documents, offices, places, routes, rules, stations, targets, templates, words};
use crate::domain::calendar::Rollover;

/// Reads the catalogue.
///
/// # Errors
/// Every fault of every file, in the order in which the files are read.
pub fn load(source: &Source, rollover: Rollover) -> Result<Catalogue, Vec<ConfigError>> {
    let mut faults = Faults::new();
    source.check(&mut faults);
    let before = faults.len();
    let (places, divisions) = places::load(source, &mut faults);
    let departments = departments::load(source, &divisions, &mut faults);
    let offices_complete = faults.len() == before;
    let offices = offices::load(source, &departments, &places, &divisions, &mut faults);
    let (sectors, sector_codes) = routes::load_sectors(source, &mut faults);
    let routes = routes::load_routes(source, &sectors, &sector_codes, &departments.codes, &mut faults);
    let subroutes = routes::load_subroutes(source, &sectors, &sector_codes, &departments.codes, &mut faults);
    let known = stations::Known {
        places: &places,
        divisions: &divisions,
        offices: &offices,
        sectors: &sectors,
        sector_codes: &sector_codes,
        offices_complete,
    };
    let stations = stations::load(source, &known, &mut faults);
    let rules = rules::load(source, &mut faults);
    let calendar = calendar::load(source, rollover, &mut faults);
    let targets = targets::load(source, &mut faults);
    let categories = targets::load_categories(source, &sector_codes, &mut faults);
    let documents = documents::load(source, &departments, &mut faults);
    let templates = templates::load(source, &mut faults);
    let words = words::load(source, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    Ok(Catalogue {
        places,
        sectors,
        departments: departments.by_code,
        successions: departments.successions,
        routes,
        subroutes,
        offices,
        stations,
        rules,
        calendar,
        targets,
        categories,
        documents,
        templates,
        words,
    })
}

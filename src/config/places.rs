//! Divisions, towns and replaced codes.

use super::catalogue::{Place, PlaceKind, Places};
use super::error::{Codes, Faults};
use super::source::Source;
use super::table::{Row, Table};
use crate::domain::division::{Division, Level};

/// The places, and their codes for references from other files.
pub(super) fn load(source: &Source, faults: &mut Faults) -> (Places, Codes) {
    let columns = ["code", "zh", "en", "parent", "kind", "residents"];
    let divisions = Table::read(source, "divisions.csv", &columns, faults);
    let towns = Table::read(source, "towns.csv", &["code", "zh", "parent", "kind", "residents"], faults);
    let mut places = Places::default();
    let mut codes = Codes::new("divisions.csv and towns.csv", divisions.usable && towns.usable);
    let mut rows = Vec::new();
    for row in divisions.rows() {
        if let Some(place) = place(row, false, &mut codes, faults) {
            if let Some(english) = row.required("en", faults) {
                places.english.insert(place.code, english.to_owned());
            }
            rows.push((row, place));
        }
    }
    for row in towns.rows() {
        rows.extend(place(row, true, &mut codes, faults).map(|place| (row, place)));
    }
    check_tree(&rows, &codes, divisions.usable, faults);
    for (row, place) in rows {
        if place.kind == PlaceKind::Province && places.root.replace(place.code).is_some() {
            faults.push(row.fault("kind", Some("province"), "a second province; an installation has one"));
        }
        places.by_code.insert(place.code, place);
    }
    if divisions.usable && places.root.is_none() {
        faults.push(super::ConfigError::of_file(divisions.label(), "no row of kind province"));
    }
    load_replaced(source, &codes, &mut places, faults);
    (places, codes)
}

const DIVISION_KINDS: &[(&str, PlaceKind, Level)] = &[
    ("province", PlaceKind::Province, Level::Province),
    ("city", PlaceKind::City, Level::City),
    ("county", PlaceKind::County, Level::County),
    ("functional_zone", PlaceKind::FunctionalZone, Level::County),
];

const TOWN_KINDS: &[(&str, PlaceKind, Level)] = &[
    ("subdistrict", PlaceKind::Subdistrict, Level::Town),
    ("town", PlaceKind::Town, Level::Town),
    ("township", PlaceKind::Township, Level::Town),
    ("quasi_township", PlaceKind::QuasiTown, Level::Town),
];

fn place(row: Row<'_>, town: bool, codes: &mut Codes, faults: &mut Faults) -> Option<Place> {
    let kinds = if town { TOWN_KINDS } else { DIVISION_KINDS };
    let allowed = kinds.iter().map(|(code, ..)| *code).collect::<Vec<_>>().join(", ");
    let code = row.division("code", faults);
    let name = row.required("zh", faults);
    let kind = row.parse_required("kind", &allowed, |cell| kinds.iter().find(|(code, ..)| *code == cell), faults);
    let parent = row.optional("parent").and_then(|_| row.division("parent", faults));
    let residents = row.residents(faults);
    let code = code?;
    row.new_code("code", codes, faults)?;
    let (_, kind, level) = kind?;
    if code.level() != *level {
        faults.push(row.fault("code", Some(&code.to_string()), format!("not the code of a {level:?}").to_lowercase()));
    }
    Some(Place { code, name: name?.to_owned(), parent, kind: *kind, residents })
}

/// Every place but the province hangs below the place that its code says.
fn check_tree(rows: &[(Row<'_>, Place)], codes: &Codes, complete: bool, faults: &mut Faults) {
    for (row, place) in rows {
        let expected = place.code.parent();
        if place.parent != expected {
            let shown = place.parent.map(|parent| parent.to_string());
            let allowed = expected.map_or_else(|| "nothing".to_owned(), |parent| parent.to_string());
            faults.push(row.fault("parent", shown.as_deref(), "not the division above").allowed(allowed));
        } else if let Some(parent) = expected.map(|parent| parent.to_string())
            && complete
            && !codes.contains(&parent)
        {
            faults.push(row.fault("parent", Some(&parent), "unknown").allowed("a code in divisions.csv"));
        }
    }
}

fn load_replaced(source: &Source, codes: &Codes, places: &mut Places, faults: &mut Faults) {
    let columns = ["old", "new", "on", "zh", "source", "confidence"];
    let table = Table::read(source, "replaced_divisions.csv", &columns, faults);
    for row in table.rows() {
        let (old, new) = (row.division("old", faults), row.division("new", faults));
        let month = |cell: &str| (cell.parse::<jiff::civil::Date>().ok()).or(format!("{cell}-01").parse().ok());
        row.parse_required("on", "YYYY-MM or YYYY-MM-DD", month, faults);
        row.confidence(faults);
        let (Some(old), Some(new)) = (old, new) else { continue };
        row.known("new", &new.to_string(), codes, faults);
        if codes.contains(&old.to_string()) {
            faults.push(row.fault("old", Some(&old.to_string()), "still in use, so it can't be replaced"));
        } else if places.replaced.insert(old, new).is_some() {
            faults.push(row.fault("old", Some(&old.to_string()), "stands there twice"));
        }
    }
}

/// A division's number as text, as references write it.
pub(super) fn known_division(row: Row<'_>, division: Division, codes: &Codes, faults: &mut Faults) {
    row.known("division", &division.to_string(), codes, faults);
}

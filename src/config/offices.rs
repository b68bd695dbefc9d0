//! Departments at places: generated from the pattern of each department, then replaced by what an operator confirmed.

use super::catalogue::{Department, Name, Office, Place, PlaceKind, Places};
use super::departments::{Departments, Pattern};
use super::error::{Codes, Faults};
use super::places::known_division;
use super::source::Source;
use super::table::{Row, Table};
use crate::domain::division::{Division, Level};
use std::collections::HashMap;

/// All offices by code.
pub(super) fn load(
    source: &Source,
    departments: &Departments,
    places: &Places,
    divisions: &Codes,
    faults: &mut Faults,
) -> HashMap<String, Office> {
    let mut offices = HashMap::new();
    for pattern in &departments.patterns {
        let Some(department) = departments.by_code.get(&pattern.department) else { continue };
        for office in generated(department, pattern, places) {
            offices.insert(office.code.clone(), office);
        }
    }
    load_confirmed(source, departments, places, divisions, &mut offices, faults);
    offices
}

/// The code of a department's office at a place: the department's own at the province.
pub(super) fn office_code(department: &Department, division: Division) -> String {
    match division.level() {
        Level::Province => department.code.clone(),
        _ => format!("{}-{division}", department.line),
    }
}

fn generated<'a>(
    department: &'a Department,
    pattern: &'a Pattern,
    places: &'a Places,
) -> impl Iterator<Item = Office> + 'a {
    let wanted = |place: &&Place| match place.kind {
        PlaceKind::Province => true,
        PlaceKind::City => department.levels.contains(&Level::City),
        PlaceKind::County => department.levels.contains(&Level::County),
        PlaceKind::FunctionalZone => pattern.zones,
        _ => false,
    };
    places.by_code.values().filter(wanted).filter(|place| !pattern.not_in.contains(&place.code)).map(|place| Office {
        code: office_code(department, place.code),
        department: department.code.clone(),
        division: place.code,
        name: match place.kind {
            PlaceKind::Province => department.name.clone(),
            _ => local_name(pattern, place, places),
        },
        verified: false,
        published_channel: false,
        phone: None,
        from: department.from,
        until: department.until,
    })
}

fn local_name(pattern: &Pattern, place: &Place, places: &Places) -> Name {
    let above = place.parent.filter(|parent| parent.level() == Level::City);
    let above_zh = above.and_then(|code| places.by_code.get(&code)).map_or("", |city| &city.name);
    let short = |name: &str| name.trim_end_matches(['市', '区', '县']).to_owned();
    let fill = |text: &str, name: &str, short: &str, above: &str| {
        text.replace("{place}", name).replace("{short}", short).replace("{above}", above)
    };
    let english = places.english.get(&place.code).map_or(place.name.as_str(), String::as_str);
    let above_en = above.and_then(|code| places.english.get(&code)).map_or("", String::as_str);
    Name {
        zh: fill(&pattern.local.zh, &place.name, &short(&place.name), above_zh),
        en: fill(&pattern.local.en, english, english, above_en),
    }
}

fn load_confirmed(
    source: &Source,
    departments: &Departments,
    places: &Places,
    divisions: &Codes,
    offices: &mut HashMap<String, Office>,
    faults: &mut Faults,
) {
    let columns =
        ["code", "department", "division", "zh", "en", "verified", "published_channel", "phone", "from", "until"];
    let table = Table::read(source, "offices.csv", &columns, faults);
    let mut codes = Codes::new("offices.csv", table.usable);
    for row in table.rows() {
        if let Some(office) = confirmed(row, departments, places, divisions, &mut codes, faults) {
            offices.insert(office.code.clone(), office);
        }
    }
}

fn confirmed(
    row: Row<'_>,
    departments: &Departments,
    places: &Places,
    divisions: &Codes,
    codes: &mut Codes,
    faults: &mut Faults,
) -> Option<Office> {
    let code = row.new_code("code", codes, faults);
    let department = row.required("department", faults);
    if let Some(department) = department {
        row.known("department", department, &departments.codes, faults);
    }
    let division = row.division("division", faults);
    if let Some(division) = division {
        known_division(row, division, divisions, faults);
    }
    let (zh, en) = (row.required("zh", faults), row.required("en", faults));
    let (verified, published_channel) = (row.flag("verified", faults), row.flag("published_channel", faults));
    let (from, until) = row.span(faults);
    let (code, division) = (code?, division?);
    let department = departments.by_code.get(department?)?;
    let division = places.get(division)?.code;
    let expected = office_code(department, division);
    if code != expected {
        faults.push(row.fault("code", Some(code), "not the code of this department at this place").allowed(expected));
        return None;
    }
    Some(Office {
        code: expected,
        department: department.code.clone(),
        division,
        name: Name { zh: zh?.to_owned(), en: en?.to_owned() },
        verified,
        published_channel,
        phone: row.optional("phone").map(str::to_owned),
        // An office lives no longer than its department, unless the row says otherwise.
        from: from.or(department.from),
        until: until.or(department.until),
    })
}

//! The working calendar: published years as files, and years loaded into a running installation.

use super::error::{ConfigError, Faults};
use super::node::{Node, read_toml};
use super::source::Source;
use super::table::Table;
use crate::domain::calendar::{DayKind, Rollover, WorkCalendar};
use jiff::civil::{Date, Weekday};
use std::collections::{BTreeMap, BTreeSet};

/// Years whose calendar can be told from a misprint.
const YEARS: std::ops::RangeInclusive<i64> = 2000..=2100;

/// The calendar of the years that `calendar/index.toml` lists.
pub(super) fn load(source: &Source, rollover: Rollover, faults: &mut Faults) -> WorkCalendar {
    let mut calendar = WorkCalendar { version: String::new(), years: BTreeSet::new(), days: BTreeMap::new(), rollover };
    let file = "calendar/index.toml";
    let Some(table) = read_toml(source, file, faults) else { return calendar };
    let label = source.label(file);
    let root = Node::root(&label, &table);
    root.only(&["version", "year"], faults);
    calendar.version = root.text("version", faults).unwrap_or_default().to_owned();
    for node in root.list("year", faults) {
        node.only(&["year", "source", "published_at"], faults);
        node.text("source", faults);
        node.optional("published_at", faults);
        let number = node.integer("year", faults);
        let year = number.filter(|year| YEARS.contains(year)).and_then(|year| i16::try_from(year).ok());
        let Some(year) = year else {
            let shown = number.map(|number| number.to_string());
            faults.push(node.fault("year", shown.as_deref(), "not a year").allowed("2000 to 2100"));
            continue;
        };
        if !calendar.years.insert(year) {
            faults.push(node.fault("year", Some(&year.to_string()), "stands there twice"));
            continue;
        }
        let name = format!("calendar/{year}.csv");
        match source.read(&name) {
            Ok(text) => calendar.days.extend(days(source.label(&name), year, &text, faults)),
            Err(fault) => faults.push(*fault),
        }
    }
    for name in source.list("calendar", "csv") {
        let stem = name.trim_start_matches("calendar/").trim_end_matches(".csv");
        if !stem.parse::<i16>().is_ok_and(|year| calendar.years.contains(&year)) {
            faults.push(ConfigError::of_file(&source.label(&name), "its year isn't listed in calendar/index.toml"));
        }
    }
    calendar
}

/// The calendar with one year more, or with other days for a year that it had. `csv` has the columns `date`, `kind`
/// (`holiday` or `makeup_workday`) and `name`; `version` names the calendar that comes out.
///
/// # Errors
/// Every fault of the text, with its line.
pub fn merge_year(
    calendar: &WorkCalendar,
    year: i16,
    version: &str,
    csv: &str,
) -> Result<WorkCalendar, Vec<ConfigError>> {
    let mut faults = Faults::new();
    let added = days(format!("calendar/{year}.csv"), year, csv, &mut faults);
    if !faults.is_empty() {
        return Err(faults);
    }
    let mut merged = calendar.clone();
    merged.days.retain(|day, _| day.year() != year);
    merged.days.extend(added);
    merged.years.insert(year);
    version.clone_into(&mut merged.version);
    Ok(merged)
}

fn days(label: String, year: i16, csv: &str, faults: &mut Faults) -> BTreeMap<Date, DayKind> {
    let table = Table::parse(label, csv, &["date", "kind", "name"], faults);
    let mut days = BTreeMap::new();
    for row in table.rows() {
        row.required("date", faults);
        row.required("name", faults);
        let date = row.date("date", faults);
        let kind = row.parse_required(
            "kind",
            "holiday, makeup_workday",
            |cell| match cell {
                "holiday" => Some(DayKind::Holiday),
                "makeup_workday" => Some(DayKind::MakeupWorkday),
                _ => None,
            },
            faults,
        );
        let (Some(date), Some(kind)) = (date, kind) else { continue };
        let shown = date.to_string();
        // New Year's break may begin in the last days of the year before: the notice for 2023 has 2022-12-31.
        let in_year = date.year() == year || (date.year() == year - 1 && date.month() == 12 && date.day() >= 25);
        if !in_year {
            faults.push(row.fault("date", Some(&shown), format!("not a day of {year}")));
        }
        if kind == DayKind::MakeupWorkday && !matches!(date.weekday(), Weekday::Saturday | Weekday::Sunday) {
            faults.push(row.fault("kind", Some("makeup_workday"), format!("{shown} is no Saturday or Sunday")));
        }
        if days.insert(date, kind).is_some() {
            faults.push(row.fault("date", Some(&shown), "stands there twice"));
        }
    }
    if table.usable && days.is_empty() {
        faults.push(ConfigError::of_file(table.label(), format!("no day of {year}: leave the year out instead")));
    }
    days
}

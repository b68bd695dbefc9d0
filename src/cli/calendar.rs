//! Loads a year's working calendar into a running installation.

use super::output::{FOUND, Failure, Outcome};
use crate::app::App;
use crate::config;
use crate::config::catalogue::Catalogue;
use crate::store::calendars;
use crate::track::act;
use jiff::civil::Date;
use serde_json::json;
use std::sync::Arc;

/// Keeps the year, puts it in force and counts provisional last days anew.
pub(super) async fn load(
    app: &Arc<App>,
    csv: String,
    year: Option<i16>,
    version: Option<String>,
) -> Result<Outcome, Failure> {
    let year = year
        .or_else(|| year_of(&csv))
        .ok_or_else(|| Failure::found("no day in the file tells its year: give --year"))?;
    let label = version.unwrap_or_else(|| year.to_string());
    config::merge_year(&app.catalogue().calendar, year, &label, &csv)
        .map_err(|faults| Failure { code: FOUND, lines: faults.iter().map(ToString::to_string).collect() })?;
    let (loaded, now) = ((i32::from(year), label, csv), app.now());
    app.store.write(move |tx| calendars::keep(tx, &loaded, now)).await?;
    refresh(app).await?;
    let changed = act::recompute(app).await?;
    let version = app.catalogue().calendar.version.clone();
    let line = format!("{year} is in force, calendar {version}; the last days of {changed} cases changed");
    Ok(Outcome::ok(json!({"year": year, "version": version, "cases_changed": changed}), line))
}

/// Puts every year that lies in the database in force, also those that another node loaded (PostgreSQL).
pub(super) async fn refresh(app: &Arc<App>) -> Result<(), Failure> {
    let years = app.store.read(calendars::all).await?;
    let catalogue = app.catalogue();
    let renewed = super::wire::with_loaded_years(Catalogue::clone(&catalogue), &years)?;
    if renewed.calendar != catalogue.calendar {
        app.replace_catalogue(Arc::new(renewed));
    }
    Ok(())
}

/// The year in which most days of a file lie.
fn year_of(csv: &str) -> Option<i16> {
    let mut years: Vec<i16> = csv
        .lines()
        .filter_map(|line| line.split(',').next()?.trim_matches(['"', ' ', '\u{feff}']).parse::<Date>().ok())
        .map(Date::year)
        .collect();
    years.sort_unstable();
    // The middle one: New Year's break may begin in the last days of the year before.
    years.get(years.len() / 2).copied()
}

#[cfg(test)]
mod tests {
    use super::year_of;

    #[test]
    fn a_file_tells_its_year_by_most_of_its_days() {
        let csv = "date,kind,name\n2026-12-31,holiday,元旦\n2027-01-01,holiday,元旦\n2027-01-02,holiday,元旦\n";
        assert_eq!(year_of(csv), Some(2027));
        assert_eq!(year_of("date,kind,name\n"), None);
    }
}

//! Working days.

use crate::app::App;
use crate::domain::calendar::{DayKind, Rollover};
use crate::domain::problem::{Invalid, Problems};
use crate::http::api::{day, take};
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Params;
use actix_web::{HttpResponse, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// A period to count.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct DueParams {
    /// The day that starts it; not itself counted (Art 45).
    #[param(value_type = String, format = Date)]
    pub start: Option<String>,
    /// Its length in working days.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 3660)]
    pub working_days: Option<String>,
    /// Or its length in calendar days.
    #[param(value_type = Option<u16>, minimum = 1, maximum = 3660)]
    pub days: Option<String>,
}

/// A last day.
#[derive(Debug, Serialize, ToSchema)]
pub struct DueView {
    /// The last day of the period.
    #[schema(value_type = String, format = Date)]
    pub due: Date,
    /// A year without a published calendar had a part in it.
    pub provisional: bool,
    /// Version of the calendar.
    pub calendar: String,
}

/// First and last day that periods are counted from.
const FIRST: Date = Date::constant(2000, 1, 1);
const LAST: Date = Date::constant(2199, 12, 31);

/// Longest period.
const LONGEST: u16 = 3660;

/// Counts a period to its last day.
#[utoipa::path(get, path = "/api/v1/calendar/due", tag = "previews", params(DueParams),
    responses((status = 200, body = DueView), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn due(app: web::Data<App>, params: Params<DueParams>) -> Result<HttpResponse, Problem> {
    let params = params.0;
    let mut faults = Problems::default();
    let start = take(&mut faults, "start", params.start.as_deref(), |value| {
        let allowed = || Invalid::new("range", "too far away").allowed(format!("{FIRST} to {LAST}"));
        day(value).and_then(|day| if (FIRST..=LAST).contains(&day) { Ok(day) } else { Err(allowed()) })
    });
    if params.start.is_none() {
        faults.at("/start", Invalid::new("required", "is required").allowed("YYYY-MM-DD"));
    }
    let length = |value: &str| {
        value
            .parse::<u16>()
            .ok()
            .filter(|length| (1..=LONGEST).contains(length))
            .ok_or_else(|| Invalid::new("range", "not a length of a period").allowed(format!("1 to {LONGEST}")))
    };
    let working_days = take(&mut faults, "working_days", params.working_days.as_deref(), length);
    let days = take(&mut faults, "days", params.days.as_deref(), length);
    if params.working_days.is_some() == params.days.is_some() {
        faults.at("", Invalid::new("one_of", "give one length").allowed("working_days, days"));
    }
    faults.check()?;
    let catalogue = app.catalogue();
    let calendar = &catalogue.calendar;
    let due = match (start, working_days, days) {
        (Some(start), Some(length), _) => calendar.add_working_days(start, length),
        (Some(start), _, Some(length)) => calendar.add_days(start, length),
        _ => return Err(Problem::internal("a checked period has no length")),
    };
    Ok(HttpResponse::Ok().json(DueView { due: due.on, provisional: due.provisional, calendar: due.calendar }))
}

/// A year.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct YearParams {
    /// Which; the present one when not said.
    #[param(value_type = Option<i16>)]
    pub year: Option<String>,
}

/// A year of the calendar.
#[derive(Debug, Serialize, ToSchema)]
pub struct YearView {
    /// Version of the calendar.
    pub version: String,
    /// Years whose notice is published.
    pub years: Vec<i16>,
    /// `holiday_only` or `any_rest_day`: which last days move.
    pub rollover: &'static str,
    /// The year shown.
    pub year: i16,
    /// Its days that differ from their weekday; empty when it isn't published.
    pub days: Vec<DayView>,
}

/// A day that differs from its weekday.
#[derive(Debug, Serialize, ToSchema)]
pub struct DayView {
    /// The day.
    #[schema(value_type = String, format = Date)]
    pub date: Date,
    /// `holiday` or `makeup_workday`.
    pub kind: &'static str,
}

/// The published days of a year.
#[utoipa::path(get, path = "/api/v1/calendar", tag = "reference", params(YearParams),
    responses((status = 200, body = YearView), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn year(app: web::Data<App>, params: Params<YearParams>) -> Result<HttpResponse, Problem> {
    let year = match params.0.year.as_deref() {
        None => app.today().year(),
        Some(value) => value.parse().ok().filter(|year| (2000..=2199).contains(year)).ok_or_else(|| {
            Problem::field("/year", Invalid::new("range", "not a year of the calendar").allowed("2000 to 2199"))
        })?,
    };
    let catalogue = app.catalogue();
    let calendar = &catalogue.calendar;
    Ok(HttpResponse::Ok().insert_header(("cache-control", "public, max-age=60")).json(YearView {
        version: calendar.version.clone(),
        years: calendar.years.iter().copied().collect(),
        rollover: match calendar.rollover {
            Rollover::HolidayOnly => "holiday_only",
            Rollover::AnyRestDay => "any_rest_day",
        },
        year,
        days: calendar
            .days
            .iter()
            .filter(|(day, _)| day.year() == year)
            .map(|(date, kind)| DayView {
                date: *date,
                kind: match kind {
                    DayKind::Holiday => "holiday",
                    DayKind::MakeupWorkday => "makeup_workday",
                },
            })
            .collect(),
    }))
}

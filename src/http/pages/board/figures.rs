//! What the board shows, computed at once and kept for a minute: the page is public, and opening it costs next to nothing.

use crate::app::App;
use crate::domain::division::{Division, Level};
use crate::domain::scope::Scope;
use crate::http::error::Problem;
use crate::measure::query::Query;
use crate::measure::summary::{self, Breakdown, Group, RateShown, Summary, Timeseries};
use crate::store::counters::{Dimension, Interval};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use std::collections::HashMap;
use std::sync::Arc;
use tokio::sync::Mutex;

/// How long figures are kept, in seconds.
const KEPT_SECONDS: i64 = 60;

/// Most questions whose figures are kept.
const MOST_KEPT: usize = 200;

/// All numbers of a page.
#[derive(Debug)]
pub struct Figures {
    /// When they were computed.
    pub at: Timestamp,
    /// Everything together.
    pub summary: Summary,
    /// The twelve months up to the end of the period.
    pub series: Timeseries,
    /// By sector.
    pub sectors: Breakdown,
    /// By the places below the one shown, the place itself left out.
    pub places: Vec<Group>,
    /// By sector for each of the places.
    pub by_place: Vec<(String, Vec<Group>)>,
}

/// A rate of some numbers.
pub fn rate<'a>(rates: &'a [RateShown], code: &str) -> Option<&'a RateShown> {
    rates.iter().find(|rate| rate.code == code)
}

/// Figures that were computed lately.
#[derive(Debug, Default)]
pub struct Kept(Mutex<HashMap<String, Arc<Figures>>>);

impl Kept {
    /// The figures of a question, as they were up to a minute ago. Whoever asks for the same meanwhile waits for them.
    ///
    /// # Errors
    /// The store's.
    pub async fn get(&self, app: &App, scope: &Scope, query: &Query) -> Result<Arc<Figures>, Problem> {
        let key = format!("{scope:?} {query:?}");
        let now = app.now();
        let mut kept = self.0.lock().await;
        let fresh = |figures: &Arc<Figures>| now.duration_since(figures.at).as_secs() < KEPT_SECONDS;
        if let Some(figures) = kept.get(&key).filter(|figures| fresh(figures)) {
            return Ok(Arc::clone(figures));
        }
        let figures = Arc::new(compute(app, scope, query).await?);
        if kept.len() >= MOST_KEPT {
            kept.retain(|_, figures| fresh(figures));
        }
        if kept.len() < MOST_KEPT {
            kept.insert(key, Arc::clone(&figures));
        }
        Ok(figures)
    }
}

/// The place that a question within a scope is about.
pub fn area(app: &App, scope: &Scope, query: &Query) -> Option<Division> {
    let mine = match scope {
        Scope::System => app.catalogue().places.root,
        Scope::Subtree { division, .. } => Some(*division),
        _ => None,
    };
    match (mine, query.division) {
        (Some(mine), Some(asked)) if asked.is_within(mine) => Some(asked),
        (mine, _) => mine,
    }
}

async fn compute(app: &App, scope: &Scope, query: &Query) -> Result<Figures, Problem> {
    let (store, catalogue, today) = (&app.store, app.catalogue(), app.today());
    let all = summary::summary(store, &catalogue, scope, query, today).await?;
    let year = Query {
        from: query.to.saturating_sub(11.months()).first_of_month(),
        interval: Some(Interval::Month),
        ..query.clone()
    };
    let series = summary::timeseries(store, &catalogue, scope, &year, today).await?;
    let by_sector = Query { by: Some(Dimension::Sector), ..query.clone() };
    let sectors = summary::breakdown(store, &catalogue, scope, &by_sector, today).await?;
    let area = area(app, scope, query);
    let below = match area.map(Division::level) {
        Some(Level::Province) => Some(Dimension::City),
        Some(Level::City) => Some(Dimension::County),
        _ => None,
    };
    let (mut places, mut by_place) = (Vec::new(), Vec::new());
    if let Some(dimension) = below {
        let question = Query { by: Some(dimension), ..query.clone() };
        let found = summary::breakdown(store, &catalogue, scope, &question, today).await?;
        // What lies at the place itself is no place below it.
        places.extend(found.groups.into_iter().filter(|group| Division::parse(&group.key).ok() != area));
        places.sort_by(|a, b| a.key.cmp(&b.key));
        for place in &places {
            let question = Query { division: Division::parse(&place.key).ok(), ..by_sector.clone() };
            let found = summary::breakdown(store, &catalogue, scope, &question, today).await?;
            by_place.push((place.key.clone(), found.groups));
        }
    }
    Ok(Figures { at: app.now(), summary: all, series, sectors, places, by_place })
}

/// A period as the page offers it: a year or a month.
pub fn period(text: &str, today: Date) -> Option<(Date, Date)> {
    let (from, to) = match text.split_once('-') {
        Some((year, month)) if year.len() == 4 && month.len() == 2 => {
            let first = Date::new(year.parse().ok()?, month.parse().ok()?, 1).ok()?;
            (first, first.last_of_month())
        }
        None if text.len() == 4 => {
            let first = Date::new(text.parse().ok()?, 1, 1).ok()?;
            (first, first.last_of_year())
        }
        _ => return None,
    };
    (from <= today && from.year() >= 2000).then_some((from, to.min(today)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::civil::date;

    #[test]
    fn a_period_is_a_year_or_a_month_that_has_begun() {
        let today = date(2026, 11, 24);
        assert_eq!(period("2026", today), Some((date(2026, 1, 1), today)));
        assert_eq!(period("2026-10", today), Some((date(2026, 10, 1), date(2026, 10, 31))));
        for nonsense in ["", "2027", "2026-12", "2026-13", "26-1", "x", "2026-10-01", "1999"] {
            assert_eq!(period(nonsense, today), None, "{nonsense}");
        }
    }
}

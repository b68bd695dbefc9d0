//! Rates, and the cases behind each.

use crate::app::App;
use crate::config::catalogue::Catalogue;
use crate::domain::permission::Permission;
use crate::domain::problem::Problems;
use crate::domain::vocabulary::Lang;
use crate::http::api::take;
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Pairs;
use crate::http::openapi::{ChannelCode, KindCode, LangCode};
use crate::http::views::{self, CasePage, Names};
use crate::measure::query::{self, Query};
use crate::measure::summary as numbers;
use crate::store::queue::{self, Line};
use actix_web::{HttpResponse, web};
use jiff::civil::Date;
use serde::Deserialize;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// A period and the values that dimensions are narrowed to.
#[derive(Debug, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes measure::query::Query")]
pub struct MetricParams {
    /// First day; the year's when not said.
    #[param(format = Date)]
    from: Option<String>,
    /// Last day; today when not said.
    #[param(format = Date)]
    to: Option<String>,
    /// `received` or `closed`: by which day cases belong to the period.
    cohort: Option<String>,
    #[param(value_type = Option<KindCode>, inline)]
    kind: Option<String>,
    /// Province, city or county, with what lies below it.
    division: Option<String>,
    /// `true`: without what lies below it.
    exact: Option<String>,
    sector: Option<String>,
    /// Line or provincial code.
    department: Option<String>,
    office: Option<String>,
    station: Option<String>,
    #[param(value_type = Option<ChannelCode>, inline)]
    channel: Option<String>,
    /// Dimension of a breakdown: `sector`, `department`, `office`, `station`, `channel`, `city`, `county`.
    by: Option<String>,
    /// Periods of a series: `day`, `week`, `month`.
    interval: Option<String>,
    /// Language of names and definitions.
    #[param(value_type = Option<LangCode>, inline)]
    lang: Option<String>,
}

/// A question that was read, with what answers it.
struct Asked {
    query: Query,
    catalogue: Arc<Catalogue>,
    today: Date,
}

fn read(app: &App, caller: &Caller, pairs: &Pairs) -> Result<Asked, Problem> {
    caller.may(Permission::ReadWork)?;
    let (catalogue, today) = (app.catalogue(), app.today());
    let query = Query::parse(pairs.0.iter().map(|(name, value)| (name, value)), &catalogue, today)?;
    let query = Query { small: app.small_number(), ..query };
    Ok(Asked { query, catalogue, today })
}

/// The received cases and every rate.
#[utoipa::path(get, path = "/api/v1/metrics/summary", tag = "metrics", params(MetricParams),
    responses(
        (status = 200, body = SummarySchema),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn summary(app: web::Data<App>, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let Asked { query, catalogue, today } = read(&app, &caller, &pairs)?;
    let answer = numbers::summary(&app.store, &catalogue, &caller.scope(), &query, today).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// The rates of each day, week or month.
#[utoipa::path(get, path = "/api/v1/metrics/timeseries", tag = "metrics", params(MetricParams),
    responses(
        (status = 200, body = TimeseriesSchema),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn timeseries(app: web::Data<App>, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let Asked { query, catalogue, today } = read(&app, &caller, &pairs)?;
    let answer = numbers::timeseries(&app.store, &catalogue, &caller.scope(), &query, today).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// The rates of each value of a dimension.
#[utoipa::path(get, path = "/api/v1/metrics/breakdown", tag = "metrics", params(MetricParams),
    responses(
        (status = 200, body = BreakdownSchema),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn breakdown(app: web::Data<App>, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let Asked { query, catalogue, today } = read(&app, &caller, &pairs)?;
    let answer = numbers::breakdown(&app.store, &catalogue, &caller.scope(), &query, today).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// The targets of the programme plan that can be computed.
#[utoipa::path(get, path = "/api/v1/metrics/scorecard", tag = "metrics", params(MetricParams),
    responses(
        (status = 200, body = ScorecardSchema),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn scorecard(app: web::Data<App>, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let Asked { query, catalogue, today } = read(&app, &caller, &pairs)?;
    let answer = numbers::scorecard(&app.store, &catalogue, &caller.scope(), &query, today).await?;
    Ok(HttpResponse::Ok().json(answer))
}

/// Order of a cursor of the cases behind a number.
const BEHIND: u8 = 4;

/// The cases behind a number, exactly those that it counts.
#[utoipa::path(get, path = "/api/v1/metrics/cases", tag = "metrics",
    params(MetricParams,
        ("rate" = String, Query, description = "Code of a rate"),
        ("part" = String, Query, description = "`numerator`, `denominator` or `excluded`"),
        ("cursor" = Option<String>, Query, description = "next_cursor of the page before"),
        ("limit" = Option<u8>, Query, description = "1 to 100, 25 when not said")),
    responses(
        (status = 200, body = CasePage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn cases(app: web::Data<App>, caller: Caller, pairs: Pairs) -> Result<HttpResponse, Problem> {
    let (lines, next_cursor) = behind(&app, &caller, &pairs).await?;
    let lang = pairs.0.iter().find(|(name, _)| name == "lang").and_then(|(_, code)| Lang::parse(code).ok());
    let (catalogue, today) = (app.catalogue(), app.today());
    let names = Names { catalogue: &catalogue, lang: lang.unwrap_or(Lang::Zh) };
    let items = lines.into_iter().map(|line| views::line(names, line, today)).collect();
    Ok(HttpResponse::Ok().json(CasePage { items, next_cursor }))
}

/// A page of the cases behind a number, within the caller's scope, and where the next begins.
///
/// # Errors
/// 401 and 403 for those who see no cases, 422 for what can't be read.
pub(in crate::http) async fn behind(
    app: &App,
    caller: &Caller,
    pairs: &Pairs,
) -> Result<(Vec<Line>, Option<String>), Problem> {
    caller.may(Permission::ReadWork)?;
    let (catalogue, today) = (app.catalogue(), app.today());
    let mut faults = Problems::default();
    let find = |wanted: &str| pairs.0.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str());
    let after = take(&mut faults, "cursor", find("cursor"), |text| cursor::to_case(BEHIND, text));
    let limit = cursor::limit(find("limit"), 25, 100, &mut faults);
    let others =
        pairs.0.iter().filter(|(name, _)| name != "cursor" && name != "limit").map(|(name, value)| (name, value));
    let asked = match Query::parse_cases(others, &catalogue, today) {
        Ok(asked) => Some(asked),
        Err(more) => {
            faults.0.extend(more.0);
            None
        }
    };
    cursor::check(faults)?;
    let behind = asked.and_then(|(query, rate, part)| query::behind(&query, rate, part, today));
    let behind = behind.ok_or_else(|| Problem::internal("a checked question has no list"))?;
    let scope = caller.scope();
    let most = cursor::one_more(limit);
    let cohort = behind.cohort;
    let mut lines = app.store.read(move |db| queue::behind(db, &scope, &behind, after, most)).await?;
    let next_cursor = cursor::cut(&mut lines, limit, |line| cursor::of_case(BEHIND, line.place(cohort)));
    Ok((lines, next_cursor))
}

// The shapes that `measure` writes, for the description of the API only.

/// What an answer is about.
#[derive(ToSchema)]
#[schema(as = About)]
#[expect(dead_code, reason = "describes measure::summary::About")]
struct AboutSchema {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    /// `null`: each rate goes by its own.
    cohort: Option<String>,
    /// What is due depends on it.
    #[schema(format = Date)]
    as_of: String,
    /// The numbers may still change.
    provisional: bool,
}

/// A rate with its numbers, its definition and the cases behind it.
#[derive(ToSchema)]
#[schema(as = Rate)]
#[expect(dead_code, reason = "describes measure::summary::RateShown")]
struct RateSchema {
    code: String,
    name: String,
    definition: String,
    kind: KindCode,
    cohort: String,
    /// `share`, `per_10k` or `CNY`.
    unit: String,
    numerator: Option<i64>,
    denominator: Option<i64>,
    excluded: i64,
    /// `null` when there are too few cases, or none.
    value: Option<f64>,
    /// Wilson 95 % interval.
    interval: Option<Vec<f64>>,
    /// Fewer than 10 cases: shown as counts, not ranked.
    small: bool,
    reason: Option<String>,
    amount: Option<String>,
    rated_share: Option<f64>,
    target: Option<TargetSchema>,
    source: String,
    cases_url: CasesUrlSchema,
}

/// What is to be reached.
#[derive(ToSchema)]
#[schema(as = Target)]
#[expect(dead_code, reason = "describes measure::summary::TargetShown")]
struct TargetSchema {
    operator: String,
    value: Option<f64>,
    met: Option<bool>,
    source: String,
    due: String,
    #[schema(value_type = Option<Object>)]
    previous: (),
}

/// Where the cases behind the numbers are listed.
#[derive(ToSchema)]
#[schema(as = CasesUrl)]
#[expect(dead_code, reason = "describes measure::summary::CasesUrls")]
struct CasesUrlSchema {
    numerator: Option<String>,
    denominator: Option<String>,
    excluded: Option<String>,
}

/// Received cases and rates.
#[derive(ToSchema)]
#[schema(as = Numbers)]
#[expect(dead_code, reason = "describes measure::summary::Numbers")]
struct NumbersSchema {
    received: i64,
    #[schema(value_type = Object)]
    received_by_kind: (),
    rates: Vec<RateSchema>,
}

/// The received cases and every rate.
#[derive(ToSchema)]
#[schema(as = Summary)]
#[expect(dead_code, reason = "describes measure::summary::Summary")]
struct SummarySchema {
    #[serde(flatten)]
    about: AboutSchema,
    #[serde(flatten)]
    numbers: NumbersSchema,
    /// How many of the cases received show each fact, by kind.
    #[schema(value_type = Object)]
    counts: (),
}

/// The rates of each period.
#[derive(ToSchema)]
#[schema(as = Timeseries)]
#[expect(dead_code, reason = "describes measure::summary::Timeseries")]
struct TimeseriesSchema {
    #[serde(flatten)]
    about: AboutSchema,
    interval: String,
    points: Vec<PointSchema>,
}

/// One period.
#[derive(ToSchema)]
#[schema(as = Point)]
#[expect(dead_code, reason = "describes measure::summary::Point")]
struct PointSchema {
    #[schema(format = Date)]
    from: String,
    #[schema(format = Date)]
    to: String,
    #[serde(flatten)]
    numbers: NumbersSchema,
}

/// The rates of each value of a dimension.
#[derive(ToSchema)]
#[schema(as = Breakdown)]
#[expect(dead_code, reason = "describes measure::summary::Breakdown")]
struct BreakdownSchema {
    #[serde(flatten)]
    about: AboutSchema,
    by: String,
    groups: Vec<GroupSchema>,
}

/// One value of a dimension.
#[derive(ToSchema)]
#[schema(as = Group)]
#[expect(dead_code, reason = "describes measure::summary::Group")]
struct GroupSchema {
    key: String,
    name: String,
    #[serde(flatten)]
    numbers: NumbersSchema,
}

/// The targets of the plan that can be computed.
#[derive(ToSchema)]
#[schema(as = Scorecard)]
#[expect(dead_code, reason = "describes measure::summary::Scorecard")]
struct ScorecardSchema {
    #[serde(flatten)]
    about: AboutSchema,
    rates: Vec<RateSchema>,
    met: usize,
    judged: usize,
}

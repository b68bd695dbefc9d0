//! The board: how complaints are handled, for everyone to see. Every number says what it counts; staff find the cases behind
//! it, within their own scope. The public sees the whole installation, and no number of fewer cases than the settings say.

pub mod chart;
pub mod csv;
pub mod figures;
pub mod list;

use crate::app::App;
use crate::domain::division::Division;
use crate::domain::permission::Permission;
use crate::domain::scope::Scope;
use crate::http::Edge;
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::board::chart::{Bar, Point};
use crate::http::pages::board::figures::{Figures, rate};
use crate::http::pages::desk::words::{self, Chip, thousands};
use crate::http::pages::form::Choice;
use crate::http::pages::frame::Frame;
use crate::measure::query::Query;
use crate::measure::summary::{Group, RateShown};
use actix_web::{HttpResponse, web};
use askama::Template;
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::BTreeMap;
use std::sync::Arc;

/// Rates that stand above everything else.
const TILES: &[&str] =
    &["handling", "timely_closing", "self_settlement", "satisfaction", "overdue", "amount_recovered"];

/// Rates by which sectors and places can be compared, each with the limits of its five classes, in hundredths.
const COMPARED: &[(&str, [f64; 4])] = &[
    ("timely_closing", [94.0, 96.0, 98.0, 99.0]),
    ("handling", [95.0, 97.0, 99.0, 100.0]),
    ("timely_decision", [94.0, 96.0, 98.0, 99.0]),
    ("self_settlement", [70.0, 75.0, 80.0, 85.0]),
    ("mediation_success", [35.0, 45.0, 55.0, 65.0]),
    ("satisfaction", [70.0, 75.0, 80.0, 85.0]),
];

/// Sectors in the table of sectors and places; the others follow on request.
const SECTORS_SHOWN: usize = 8;

/// A question to the board, read.
pub struct Asked {
    /// Who sees what.
    pub scope: Scope,
    /// Whether it is answered for the public.
    pub public: bool,
    /// The question.
    pub query: Query,
    /// The period as the page offers it.
    pub period: String,
    /// What sectors and places are compared by.
    pub compared: (&'static str, [f64; 4]),
    /// Every sector, not the largest alone.
    pub all: bool,
}

fn given<'a>(pairs: &'a Pairs, wanted: &str) -> &'a str {
    pairs.0.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str())
}

/// Reads what the address asks for; what isn't known there is left aside, as language and mode are.
///
/// # Errors
/// 422 for a place or sector that doesn't exist.
pub fn read(app: &App, caller: &Caller, frame: &Frame, pairs: &Pairs) -> Result<Asked, Problem> {
    let today = app.today();
    let public = caller.may(Permission::ReadWork).is_err();
    let taken = ["division", "sector"].into_iter().map(|name| (name, given(pairs, name)));
    let query = Query::parse(taken.filter(|(_, value)| !value.is_empty()), &app.catalogue(), today)?;
    let asked = given(pairs, "period");
    let (period, (from, to)) = match figures::period(asked, today) {
        Some(days) => (asked.to_owned(), days),
        None => (today.year().to_string(), (today.first_of_year(), today)),
    };
    let wanted = given(pairs, "rate");
    let compared = COMPARED.iter().find(|(code, _)| *code == wanted).or(COMPARED.first()).copied();
    Ok(Asked {
        scope: if public { Scope::System } else { caller.scope() },
        public,
        query: Query { from, to, lang: frame.lang, small: app.small_number(), ..query },
        period,
        compared: compared.unwrap_or(("timely_closing", [94.0, 96.0, 98.0, 99.0])),
        all: given(pairs, "all") == "1",
    })
}

/// A rate as it is shown.
#[derive(Debug)]
pub struct Shown {
    name: &'static str,
    value: String,
    counts: String,
    chip: Option<Chip>,
    definition: &'static str,
    url: Option<String>,
    late_url: Option<String>,
    source: &'static str,
    target: String,
}

/// A cell of the table of sectors and places.
#[derive(Debug)]
pub struct Cell {
    value: String,
    count: String,
    class: &'static str,
    low: bool,
    url: Option<String>,
}

/// A place on the board.
#[derive(Debug)]
pub struct Place {
    name: String,
    url: String,
    value: String,
    about: String,
    class: &'static str,
    column: u8,
    row: u8,
    closed: String,
    weight: f64,
    ranked: bool,
}

/// A month of the series.
#[derive(Debug)]
pub struct Month {
    name: String,
    value: String,
    counts: String,
}

#[derive(Template)]
#[template(path = "board/board.html")]
struct Page<'a> {
    f: &'a Frame,
    public: bool,
    user: Option<String>,
    title: String,
    crumbs: Vec<(String, String)>,
    periods: Vec<Choice>,
    period: String,
    sectors: Vec<Choice>,
    sector: String,
    rates: Vec<Choice>,
    compared: &'static str,
    compared_name: &'static str,
    limits: [f64; 4],
    division: String,
    query: String,
    as_of: String,
    provisional: bool,
    tiles: Vec<Shown>,
    others: Vec<Shown>,
    heads: Heads,
    rows: Rows,
    more: bool,
    line: String,
    line_title: String,
    line_from: String,
    months: Vec<Month>,
    bars: String,
    bars_title: String,
    steps: Vec<Bar>,
    map: Vec<Place>,
    ranking: Vec<Place>,
    small: i64,
}

/// The board.
pub async fn page(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    caller: Caller,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    let asked = read(&app, &caller, &frame, &pairs)?;
    let figures = edge.boards.get(&app, &asked.scope, &asked.query).await?;
    frame.ok(&shown(&app, &frame, &caller, &asked, &figures))
}

/// A count as it is said: to the public, none of fewer cases than the settings say.
fn count(frame: &Frame, asked: &Asked, count: i64) -> String {
    if asked.public && count > 0 && count < asked.query.small {
        return frame.say("board.under", &[("n", &asked.query.small.to_string())]);
    }
    thousands(&count.to_string())
}

/// Numerator ÷ denominator, as they are said.
fn counts(frame: &Frame, asked: &Asked, rate: &RateShown) -> String {
    match (rate.numerator, rate.denominator) {
        (Some(_), Some(among)) if asked.public && rate.small => {
            if among == 0 {
                frame.t("board.none").to_owned()
            } else {
                count(frame, asked, among)
            }
        }
        (Some(of), Some(among)) => format!("{} / {}", thousands(&of.to_string()), thousands(&among.to_string())),
        (Some(of), None) => count(frame, asked, of),
        _ => String::new(),
    }
}

/// The list of exactly the cases behind a number; for staff.
fn cases(asked: &Asked, url: Option<&String>) -> Option<String> {
    let url = url.filter(|_| !asked.public)?;
    url.strip_prefix("/api/v1/metrics/cases").map(|rest| format!("/board/cases{rest}"))
}

fn value(frame: &Frame, rate: &RateShown) -> String {
    if let Some(amount) = &rate.amount {
        let whole = amount.split('.').next().unwrap_or_default();
        return format!("¥{}", thousands(whole));
    }
    match rate.value {
        Some(value) if rate.unit == "share" => format!("{}%", chart::percent(value)),
        Some(value) => format!("{value:.1}"),
        None if rate.denominator == Some(0) || rate.reason.is_some() => "–".to_owned(),
        None => frame.t("board.few").to_owned(),
    }
}

fn target(frame: &Frame, rate: &RateShown) -> String {
    let Some(target) = &rate.target else { return String::new() };
    match (target.operator.as_str(), target.value) {
        ("yoy_increase", _) => frame.t("board.rising").to_owned(),
        (_, Some(value)) if rate.unit == "share" => frame.say("board.target", &[("value", &chart::percent(value))]),
        _ => String::new(),
    }
}

fn chip(frame: &Frame, rate: &RateShown) -> Option<Chip> {
    let target = rate.target.as_ref()?;
    let words = self::target(frame, rate);
    Some(match target.met? {
        true => Chip { class: "ok", icon: "check", words: frame.say("board.met", &[("target", &words)]) },
        false => {
            let gap = rate.value.zip(target.value).map_or(0.0, |(is, wanted)| (wanted - is).max(0.0));
            let gap = chart::percent(gap);
            Chip { class: "over", icon: "late", words: frame.say("board.missed", &[("target", &words), ("gap", &gap)]) }
        }
    })
}

fn show(frame: &Frame, asked: &Asked, rate: &RateShown) -> Shown {
    let mut counts = counts(frame, asked, rate);
    if let (Some([low, high]), "satisfaction") = (rate.interval, rate.code) {
        let share = rate.rated_share.map_or_else(String::new, chart::percent);
        counts = frame.say(
            "board.interval",
            &[("counts", &counts), ("low", &chart::percent(low)), ("high", &chart::percent(high)), ("share", &share)],
        );
    }
    Shown {
        name: rate.name,
        value: value(frame, rate),
        counts,
        chip: chip(frame, rate),
        definition: rate.definition,
        url: cases(asked, rate.cases_url.denominator.as_ref().or(rate.cases_url.numerator.as_ref())),
        late_url: cases(asked, rate.cases_url.numerator.as_ref()),
        source: rate.source,
        target: target(frame, rate),
    }
}

/// The class of a share among five, worst first; `low` for the worst.
fn class(limits: [f64; 4], value: f64) -> (&'static str, bool) {
    let hundredths = value * 100.0;
    let place = limits.iter().filter(|limit| hundredths >= **limit).count();
    (["d1", "d2", "d3", "d4", "d5"][place.min(4)], place == 0)
}

fn cell(frame: &Frame, asked: &Asked, rates: &[RateShown]) -> Cell {
    let empty = Cell { value: "–".to_owned(), count: String::new(), class: "none", low: false, url: None };
    let Some(rate) = rate(rates, asked.compared.0).filter(|rate| rate.denominator.is_some_and(|among| among > 0))
    else {
        return empty;
    };
    let url = cases(asked, rate.cases_url.denominator.as_ref());
    let among = rate.denominator.unwrap_or(0);
    match rate.value {
        Some(value) => {
            let (class, low) = class(asked.compared.1, value);
            Cell { value: chart::percent(value), count: count(frame, asked, among), class, low, url }
        }
        None => Cell {
            value: counts(frame, asked, rate),
            count: frame.t("board.few").to_owned(),
            class: "few",
            low: false,
            url,
        },
    }
}

/// Where each city stands on the tile map: column and row, the same for every map.
const TILES_OF_CITIES: &[(&str, u8, u8)] = &[
    ("320300", 1, 1),
    ("320700", 3, 1),
    ("321300", 2, 2),
    ("320800", 3, 2),
    ("320900", 4, 2),
    ("321000", 3, 3),
    ("321200", 4, 3),
    ("320100", 1, 4),
    ("321100", 2, 4),
    ("320400", 3, 4),
    ("320200", 4, 4),
    ("320600", 5, 4),
    ("320500", 4, 5),
];

fn place(frame: &Frame, asked: &Asked, group: &Group, most: i64) -> Place {
    let received = group.numbers.received_by_kind.complaint;
    let (column, row) = TILES_OF_CITIES
        .iter()
        .find(|(code, _, _)| *code == group.key)
        .map_or((0, 0), |(_, column, row)| (*column, *row));
    let per = rate(&group.numbers.rates, "per_10k").and_then(|rate| rate.value);
    let share = if most == 0 { 0 } else { received * 5 / (most + 1) };
    let closing = rate(&group.numbers.rates, asked.compared.0);
    Place {
        name: short_name(frame, &group.name),
        url: format!("/board?division={}&period={}", group.key, asked.period),
        value: per.map_or_else(|| count(frame, asked, received), |per| format!("{per:.1}")),
        about: closing.map_or_else(String::new, |rate| value(frame, rate)),
        class: match share {
            0 => "q1",
            1 => "q2",
            2 => "q3",
            3 => "q4",
            _ => "q5",
        },
        column,
        row,
        closed: closing.and_then(|rate| rate.denominator).map_or_else(String::new, |among| count(frame, asked, among)),
        weight: closing.and_then(|rate| rate.value).unwrap_or(2.0),
        ranked: closing.is_some_and(|rate| rate.value.is_some()),
    }
}

/// A city's name without the word for city, which every one of them has.
fn short_name(frame: &Frame, name: &str) -> String {
    let end = if frame.lang == crate::domain::vocabulary::Lang::Zh { "市" } else { " City" };
    name.strip_suffix(end).filter(|rest| rest.chars().count() >= 2).unwrap_or(name).to_owned()
}

fn periods(frame: &Frame, today: Date) -> Vec<Choice> {
    let mut choices: Vec<Choice> = [today.year(), today.year() - 1]
        .into_iter()
        .map(|year| Choice::new(year.to_string(), frame.say("board.year", &[("year", &year.to_string())])))
        .collect();
    let mut month = today.first_of_month();
    for _ in 0..12 {
        choices.push(Choice::new(month.strftime("%Y-%m").to_string(), month_name(frame, month)));
        month = month.saturating_sub(1.month());
    }
    choices
}

fn month_name(frame: &Frame, month: Date) -> String {
    match frame.lang {
        crate::domain::vocabulary::Lang::Zh => format!("{}年{}月", month.year(), month.month()),
        crate::domain::vocabulary::Lang::En => month.strftime("%B %Y").to_string(),
    }
}

/// The month as it stands under a point.
fn month_mark(frame: &Frame, month: Date) -> String {
    match frame.lang {
        crate::domain::vocabulary::Lang::Zh => format!("{}月", month.month()),
        crate::domain::vocabulary::Lang::En => month.strftime("%b").to_string(),
    }
}

fn shown<'a>(app: &App, frame: &'a Frame, caller: &Caller, asked: &Asked, figures: &Arc<Figures>) -> Page<'a> {
    let catalogue = app.catalogue();
    let (today, summary) = (app.today(), &figures.summary);
    let rates = &summary.numbers.rates;
    let area = figures::area(app, &asked.scope, &asked.query);
    let name = |division: Division| catalogue.places.name_in(division, frame.lang).unwrap_or_default().to_owned();
    let mut crumbs = Vec::new();
    let mut above = area.and_then(Division::parent);
    while let Some(division) = above {
        crumbs.insert(0, (format!("/board?division={division}&period={}", asked.period), name(division)));
        above = division.parent();
    }
    let compared = rate(rates, asked.compared.0);
    let compared_name = compared.map_or("", |rate| rate.name);
    let is_tile = |rate: &&RateShown| TILES.contains(&rate.code);
    let complaints = summary.counts.get("complaint").cloned().unwrap_or_default();
    let (bars, bars_title, steps) = funnel(frame, asked, &complaints, rates);
    let points: Vec<Point> = figures
        .series
        .points
        .iter()
        .map(|point| Point {
            label: month_mark(frame, point.from),
            value: rate(&point.numbers.rates, asked.compared.0).and_then(|rate| rate.value),
        })
        .collect();
    let months = figures.series.points.iter().map(|point| Month {
        name: month_name(frame, point.from),
        value: rate(&point.numbers.rates, asked.compared.0).map_or_else(String::new, |rate| value(frame, rate)),
        counts: rate(&point.numbers.rates, asked.compared.0)
            .map_or_else(String::new, |rate| counts(frame, asked, rate)),
    });
    let wanted = compared.and_then(|rate| rate.target.as_ref()).filter(|target| target.operator != "yoy_increase");
    let wanted = wanted.and_then(|target| target.value);
    let said = wanted.map(|value| frame.say("board.target", &[("value", &chart::percent(value))])).unwrap_or_default();
    let line_title = line_title(frame, compared_name, &points);
    let line = chart::line(&points, wanted.map(|value| (value, said.as_str())), &line_title);
    let most = figures.places.iter().map(|group| group.numbers.received_by_kind.complaint).max().unwrap_or(0);
    let places = || figures.places.iter().map(|group| place(frame, asked, group, most));
    let mut ranking: Vec<Place> = places().filter(|place| place.ranked).collect();
    ranking.sort_by(|a, b| a.weight.total_cmp(&b.weight));
    let on_map = figures.places.iter().any(|group| TILES_OF_CITIES.iter().any(|(code, _, _)| *code == group.key));
    let (heads, rows) = table(frame, asked, figures);
    let more = !asked.all && figures.sectors.groups.len() > SECTORS_SHOWN;
    let sector = asked.query.sector.clone().unwrap_or_default();
    let division = asked.query.division.map_or_else(String::new, |division| division.to_string());
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in [("division", &division), ("period", &asked.period), ("sector", &sector)] {
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    Page {
        f: frame,
        public: asked.public,
        user: caller.who.user.clone(),
        title: area.map_or_else(|| frame.t("board.own").to_owned(), name),
        crumbs: if asked.public { crumbs } else { within(&asked.scope, crumbs) },
        periods: periods(frame, today),
        period: asked.period.clone(),
        sectors: crate::http::pages::desk::queue::sectors(app, frame),
        sector,
        rates: COMPARED.iter().filter_map(|(code, _)| Some(Choice::new(*code, rate(rates, code)?.name))).collect(),
        compared: asked.compared.0,
        compared_name,
        limits: asked.compared.1,
        division,
        query: query.finish(),
        as_of: words::moment(frame, figures.at, today),
        provisional: summary.about.provisional,
        tiles: TILES.iter().filter_map(|code| Some(show(frame, asked, rate(rates, code)?))).collect(),
        others: rates.iter().filter(|rate| !is_tile(rate)).map(|rate| show(frame, asked, rate)).collect(),
        heads,
        rows,
        more,
        line_from: frame.say("board.axis", &[("from", &chart::percent(chart::floor(&points)))]),
        line,
        line_title,
        months: months.collect(),
        bars,
        bars_title,
        steps,
        map: if on_map { places().filter(|place| place.column > 0).collect() } else { Vec::new() },
        ranking,
        small: asked.query.small,
    }
}

/// Of the way up only what lies within a scope.
fn within(scope: &Scope, crumbs: Vec<(String, String)>) -> Vec<(String, String)> {
    let Scope::Subtree { division, .. } = scope else { return Vec::new() };
    let inside = |url: &str| {
        let code = url.split("division=").nth(1).and_then(|rest| rest.split('&').next());
        code.and_then(|code| Division::parse(code).ok()).is_some_and(|crumb| crumb.is_within(*division))
    };
    crumbs.into_iter().filter(|(url, _)| inside(url)).collect()
}

/// The finding of the series in one sentence, or the measure where there is none.
fn line_title(frame: &Frame, name: &str, points: &[Point]) -> String {
    let values: Vec<f64> = points.iter().filter_map(|point| point.value).collect();
    let Some(last) = values.last() else { return name.to_owned() };
    let falling = values.windows(2).rev().take_while(|pair| pair[1] < pair[0]).count();
    let rising = values.windows(2).rev().take_while(|pair| pair[1] > pair[0]).count();
    let (key, months) = if falling >= 2 {
        ("board.falls", falling)
    } else if rising >= 2 {
        ("board.rises", rising)
    } else {
        ("board.stands", 0)
    };
    frame.say(key, &[("name", name), ("n", &months.to_string()), ("value", &chart::percent(*last))])
}

fn funnel(
    frame: &Frame,
    asked: &Asked,
    facts: &BTreeMap<&'static str, i64>,
    rates: &[RateShown],
) -> (String, String, Vec<Bar>) {
    let of = |fact: &str| facts.get(fact).copied().unwrap_or(0);
    let undone = rate(rates, "handling").and_then(|rate| Some(rate.denominator? - rate.numerator?)).unwrap_or(0);
    let steps: Vec<Bar> = ["received", "disposed", "accepted", "closed", "rated"]
        .into_iter()
        .map(|fact| {
            let late = if fact == "received" { undone.max(0) } else { 0 };
            Bar {
                label: frame.coded("board_step", fact).to_owned(),
                count: of(fact),
                late,
                said: count(frame, asked, of(fact)),
                late_said: frame.say("board.late", &[("n", &count(frame, asked, late))]),
            }
        })
        .collect();
    let (received, closed) = (of("received"), of("closed"));
    let title = if received == 0 {
        frame.t("board.no_cases").to_owned()
    } else {
        #[expect(clippy::cast_precision_loss, reason = "counts lie far below 2^53")]
        let share = closed as f64 / received as f64;
        let said = count(frame, asked, received);
        frame.say("board.received_closed", &[("n", &said), ("share", &chart::percent(share))])
    };
    (chart::bars(&steps, &title), title, steps)
}

/// Heads of the table of sectors and places: name and address of each place.
type Heads = Vec<(String, String)>;

/// Its rows: a sector with a cell for the whole and for each place.
type Rows = Vec<(String, Vec<Cell>)>;

fn table(frame: &Frame, asked: &Asked, figures: &Figures) -> (Heads, Rows) {
    let heads = figures.places.iter().map(|group| {
        (short_name(frame, &group.name), format!("/board?division={}&period={}", group.key, asked.period))
    });
    let shown = if asked.all { usize::MAX } else { SECTORS_SHOWN };
    let rows = figures.sectors.groups.iter().take(shown).map(|sector| {
        let mut cells = vec![cell(frame, asked, &sector.numbers.rates)];
        for (_, groups) in &figures.by_place {
            let found = groups.iter().find(|group| group.key == sector.key);
            cells.push(found.map_or_else(|| cell(frame, asked, &[]), |group| cell(frame, asked, &group.numbers.rates)));
        }
        (sector.name.clone(), cells)
    });
    (heads.collect(), rows.collect())
}

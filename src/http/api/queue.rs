//! A unit's own cases.

use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::permission::Permission;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::text;
use crate::domain::vocabulary::{Kind, Lang, State};
use crate::http::api::{day, take};
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Params;
use crate::http::openapi::LangCode;
use crate::http::views::{self, CasePage, Names};
use crate::store::queue::{self, After, Filter, Line, Sort};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::IntoParams;

/// What of the queue is asked for.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct QueueParams {
    /// States, separated by commas; every open one when not said.
    pub state: Option<String>,
    /// `complaint` or `report`.
    pub kind: Option<String>,
    /// Sector code.
    pub sector: Option<String>,
    /// `true`: only those past a limit.
    pub overdue: Option<String>,
    /// Due before this day.
    #[param(format = Date)]
    pub due_before: Option<String>,
    /// An account of the unit, or `me`.
    pub assigned_to: Option<String>,
    /// Words of the text or the merchant's name; all of them must be there.
    pub q: Option<String>,
    /// `due` (when not said), `received` or `newest`.
    pub sort: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Lines of a page: 1 to 100, 25 when not said.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    pub limit: Option<String>,
    /// Language of names.
    #[param(value_type = Option<LangCode>, inline)]
    pub lang: Option<String>,
}

/// Longest search text.
const LONGEST_SEARCH: usize = 100;

/// The cases of the caller's scope.
#[utoipa::path(get, path = "/api/v1/queue", tag = "staff", params(QueueParams),
    responses(
        (status = 200, body = CasePage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn page(app: web::Data<App>, caller: Caller, params: Params<QueueParams>) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let asked = read(&app, &caller, &params.0)?;
    let lang = asked.lang;
    let (lines, next_cursor) = lines(&app, &caller, asked).await?;
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang };
    let today = app.today();
    let items = lines.into_iter().map(|line| views::line(names, line, today)).collect();
    Ok(HttpResponse::Ok().json(CasePage { items, next_cursor }))
}

/// A page of the caller's cases, and where the next begins.
///
/// # Errors
/// The store's.
pub(in crate::http) async fn lines(
    app: &App,
    caller: &Caller,
    asked: Asked,
) -> Result<(Vec<Line>, Option<String>), Problem> {
    let Asked { filter, sort, after, limit, .. } = asked;
    let scope = caller.scope();
    let most = cursor::one_more(limit);
    let mut lines = app.store.read(move |db| queue::page(db, &scope, &filter, sort, after, most)).await?;
    let next_cursor = cursor::cut(&mut lines, limit, |line| {
        let day =
            if sort == Sort::Due { line.next_due.0 } else { crate::ambient::today_in_shanghai(line.received_at.0) };
        cursor::of_case(order(sort), After { day, id: CaseId(line.case_id.0) })
    });
    Ok((lines, next_cursor))
}

/// What of a queue is asked for, read and checked.
#[derive(Debug)]
pub(in crate::http) struct Asked {
    /// Which cases.
    pub(in crate::http) filter: Filter,
    sort: Sort,
    after: Option<After>,
    limit: usize,
    lang: Lang,
}

/// Reads what is asked for.
///
/// # Errors
/// 422 with every parameter that is wrong.
pub(in crate::http) fn read(app: &App, caller: &Caller, params: &QueueParams) -> Result<Asked, Problem> {
    let mut faults = Problems::default();
    let catalogue = app.catalogue();
    let one_of = |allowed: &str| Invalid::new("unknown_value", "unknown value").allowed(allowed);
    let states = take(&mut faults, "state", params.state.as_deref(), |codes| {
        codes.split(',').map(|code| State::parse(code.trim()).map(|state| state.code().to_owned())).collect()
    });
    let kind = take(&mut faults, "kind", params.kind.as_deref(), Kind::parse).map(|kind| kind.code().to_owned());
    let sector = take(&mut faults, "sector", params.sector.as_deref(), |code| {
        let known = catalogue.sector(code).map(|sector| sector.code.clone());
        known.ok_or_else(|| Invalid::new("unknown_value", "unknown sector"))
    });
    let overdue = take(&mut faults, "overdue", params.overdue.as_deref(), |value| match value {
        "true" => Ok(true),
        "false" => Ok(false),
        _ => Err(one_of("true, false")),
    });
    let due_before = take(&mut faults, "due_before", params.due_before.as_deref(), day);
    let assigned_to = take(&mut faults, "assigned_to", params.assigned_to.as_deref(), |name| {
        if name == "me" {
            return caller.who.user.clone().ok_or_else(|| one_of("an account"));
        }
        text::line(name, 1, 100)
    });
    let tokens = take(&mut faults, "q", params.q.as_deref(), |words| {
        let tokens = text::query_tokens(&text::line(words, 1, LONGEST_SEARCH)?);
        if tokens.is_empty() { Err(Invalid::new("no_words", "holds no word to look for")) } else { Ok(tokens) }
    });
    let sort = take(&mut faults, "sort", params.sort.as_deref(), |value| match value {
        "due" => Ok(Sort::Due),
        "received" => Ok(Sort::Received),
        "newest" => Ok(Sort::Newest),
        _ => Err(one_of("due, received, newest")),
    })
    .unwrap_or(Sort::Due);
    let after = take(&mut faults, "cursor", params.cursor.as_deref(), |text| cursor::to_case(order(sort), text));
    let limit = cursor::limit(params.limit.as_deref(), 25, 100, &mut faults);
    let lang = take(&mut faults, "lang", params.lang.as_deref(), Lang::parse).unwrap_or(Lang::Zh);
    cursor::check(faults)?;
    let filter = Filter {
        states: states.unwrap_or_default(),
        kind,
        sector,
        overdue_on: overdue.filter(|overdue| *overdue).map(|_| app.today()),
        due_before,
        due_from: None,
        assigned_to,
        tokens: tokens.unwrap_or_default(),
    };
    Ok(Asked { filter, sort, after, limit, lang })
}

const fn order(sort: Sort) -> u8 {
    match sort {
        Sort::Due => 1,
        Sort::Received => 2,
        Sort::Newest => 3,
    }
}

//! Many complaints that may be one matter: proposals, and alarms of what rose beyond its usual range.

use crate::app::App;
use crate::domain::division::Division;
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::vocabulary::Lang;
use crate::http::api::{LangParam, day};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Params};
use crate::mass::propose;
use crate::mass::watch::{self, Seen, Subject};
use actix_web::{HttpResponse, web};
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Days back to which alarms are told when nothing is said.
const SHOWN_DAYS: i64 = 28;

/// Complaints that may be one matter.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalView {
    /// The merchant, as most of the cases name it.
    pub merchant: String,
    /// Sector of most of them.
    pub sector: String,
    /// What went wrong, when that could be told.
    pub problem: Option<String>,
    /// Its name.
    pub problem_name: Option<String>,
    /// Numbers of the cases, the oldest first.
    pub cases: Vec<String>,
    /// Different people among those who filed.
    pub people: usize,
    /// Day of the first receipt.
    #[schema(value_type = String, format = Date)]
    pub first: Date,
    /// Day of the last.
    #[schema(value_type = String, format = Date)]
    pub last: Date,
    /// How alike the texts are, 0 to 1.
    pub likeness: f64,
}

/// The proposals.
#[derive(Debug, Serialize, ToSchema)]
pub struct ProposalList {
    /// Those with the most people first.
    pub items: Vec<ProposalView>,
}

/// Open complaints of the caller's scope that may be one matter: against one merchant, within some weeks, told in like words. Nothing is
/// joined by it; `link` and `merge_into` are steps of the cases.
#[utoipa::path(get, path = "/api/v1/mass/proposals", tag = "staff", params(LangParam),
    responses(
        (status = 200, body = ProposalList),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn proposals(
    app: web::Data<App>,
    caller: Caller,
    params: Params<LangParam>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let lang = params.0.read()?.unwrap_or(Lang::Zh);
    let found = propose::proposals(&app.into_inner(), &caller.scope()).await?;
    let items = found.into_iter().map(|one| ProposalView {
        merchant: one.merchant,
        sector: one.sector,
        problem: one.problem,
        problem_name: one.problem_name.map(|name| if lang == Lang::En { name.en } else { name.zh }),
        cases: one.cases,
        people: one.people,
        first: one.first,
        last: one.last,
        likeness: (one.likeness * 1000.0).round() / 1000.0,
    });
    Ok(HttpResponse::Ok().json(ProposalList { items: items.collect() }))
}

/// Which alarms.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct AlarmParams {
    /// First day; four weeks ago when left out.
    #[param(format = Date)]
    pub since: Option<String>,
}

/// Something about which more people complain than is usual.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmView {
    /// `merchant` or `word`.
    pub kind: String,
    /// The merchant's name without branch and legal form, or the word.
    pub subject: String,
    /// Last of the seven days that were counted.
    #[schema(value_type = String, format = Date)]
    pub raised_on: Date,
    /// People who complained in these seven days, everywhere.
    pub people: i32,
    /// Those of them in the caller's divisions; of a word, in their city.
    pub people_here: i64,
    /// Usual in a week.
    pub usual: f64,
    /// Probability of so many in a usual week.
    pub probability: f64,
    /// When somebody took note.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub seen_at: Option<Timestamp>,
    /// Which account.
    pub seen_by: Option<String>,
}

/// The alarms.
#[derive(Debug, Serialize, ToSchema)]
pub struct AlarmList {
    /// Newest first.
    pub items: Vec<AlarmView>,
}

/// The divisions that a member of staff answers for, whose role may do something with their alarms.
fn division(caller: &Caller, permission: Permission) -> Result<Division, Problem> {
    caller.may(permission)?;
    caller.who.division.ok_or_else(Problem::not_for_role)
}

/// What rose beyond its usual range, where people of the caller's divisions are among those who complain.
#[utoipa::path(get, path = "/api/v1/mass/alarms", tag = "staff", params(AlarmParams),
    responses(
        (status = 200, body = AlarmList),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn alarms(app: web::Data<App>, caller: Caller, params: Params<AlarmParams>) -> Result<HttpResponse, Problem> {
    let division = division(&caller, Permission::ReadWork)?;
    let since = params.0.since.as_deref().map(day).transpose().map_err(|fault| Problem::field("/since", fault))?;
    let since = since.unwrap_or_else(|| app.today().saturating_sub(SHOWN_DAYS.days()));
    let items = watch::alarms(&app, division, since).await?.into_iter().map(|Seen { alarm, people_here }| AlarmView {
        kind: alarm.kind,
        subject: alarm.subject,
        raised_on: alarm.raised_on.0,
        people: alarm.observed,
        people_here,
        usual: (alarm.expected * 100.0).round() / 100.0,
        probability: alarm.probability,
        seen_at: alarm.seen_at.map(|at| at.0),
        seen_by: alarm.seen_by,
    });
    Ok(HttpResponse::Ok().json(AlarmList { items: items.collect() }))
}

/// Which alarm was taken note of.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AlarmNoted {
    /// `merchant` or `word`.
    pub kind: String,
    /// Of what.
    pub subject: String,
    /// Its day.
    #[schema(format = Date)]
    pub raised_on: String,
}

/// Takes note of an alarm. The first who does is kept.
#[utoipa::path(post, path = "/api/v1/mass/alarms", tag = "staff",
    request_body(content = AlarmNoted, content_type = "application/json"),
    responses(
        (status = 204, description = "It is noted"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn note(app: web::Data<App>, caller: Caller, body: Body<AlarmNoted>) -> Result<HttpResponse, Problem> {
    let division = division(&caller, Permission::NoteAlarm)?;
    let AlarmNoted { kind, subject, raised_on } = body.value;
    let kind = Subject::ALL.into_iter().find(|one| one.code() == kind).ok_or_else(|| {
        Problem::field("/kind", Invalid::new("unknown_value", "unknown kind of alarm").allowed("merchant, word"))
    })?;
    let raised_on = day(&raised_on).map_err(|fault| Problem::field("/raised_on", fault))?;
    let by = caller.who.user.clone().unwrap_or_default();
    if watch::note(&app, division, kind, subject, raised_on, by).await? {
        Ok(HttpResponse::NoContent().finish())
    } else {
        Err(Problem::not_found())
    }
}

//! One-time codes for whoever has a case, and the cases that they open.

use crate::access::codes;
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::problem::Problems;
use crate::domain::vocabulary::{Lang, State};
use crate::http::api::auth::destination;
use crate::http::api::take;
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Params};
use crate::http::views::{self, CasePage, Names};
use crate::store::queue::{self, After, Filter, Sort};
use actix_web::{HttpResponse, web};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Where a code is to be sent: a phone number or an e-mail address.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CodeRequest {
    /// A phone number.
    #[schema(example = "13800138000")]
    pub phone: Option<String>,
    /// An e-mail address.
    pub email: Option<String>,
    /// Language of the message: `zh` (when not said) or `en`.
    pub lang: Option<String>,
}

hidden_debug!(CodeRequest);

/// That a code is on its way, whoever asked.
#[derive(Debug, Serialize, ToSchema)]
pub struct CodeAnswer {
    /// Seconds that it works.
    pub expires_in: u64,
}

/// Sends a one-time code. The answer is the same whether the number or address stands in a case or not.
#[utoipa::path(post, path = "/api/v1/auth/otp", tag = "sessions",
    request_body(content = CodeRequest, content_type = "application/json"),
    responses(
        (status = 202, body = CodeAnswer),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn send(app: web::Data<App>, caller: Caller, body: Body<CodeRequest>) -> Result<HttpResponse, Problem> {
    let asked = body.value;
    let to = destination(asked.phone.as_deref(), asked.email.as_deref())?;
    let lang = super::lang(asked.lang.as_deref())?.unwrap_or(Lang::Zh);
    codes::send(&app, &caller.origin(), to, lang).await?;
    let expires_in = u64::from(app.settings.auth.code_minutes) * 60;
    Ok(HttpResponse::Accepted().json(CodeAnswer { expires_in }))
}

/// Which page of one's own cases is asked for.
#[derive(Debug, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct OwnParams {
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Lines of a page: 1 to 100, 25 when not said.
    #[param(value_type = Option<u8>)]
    pub limit: Option<String>,
    /// Language of names.
    pub lang: Option<String>,
}

/// Number by which a cursor of this list is told from others'.
const ORDER: u8 = 9;

/// The cases that a consumer has opened, open and ended, the newest first.
#[utoipa::path(get, path = "/api/v1/me/cases", tag = "sessions", params(OwnParams),
    responses(
        (status = 200, body = CasePage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn own(app: web::Data<App>, caller: Caller, params: Params<OwnParams>) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadOwnCases)?;
    let mut faults = Problems::default();
    let after = take(&mut faults, "cursor", params.0.cursor.as_deref(), |text| cursor::to_case(ORDER, text));
    let limit = cursor::limit(params.0.limit.as_deref(), 25, 100, &mut faults);
    let lang = take(&mut faults, "lang", params.0.lang.as_deref(), Lang::parse).unwrap_or(Lang::Zh);
    cursor::check(faults)?;
    let filter =
        Filter { states: State::ALL.iter().map(|state| state.code().to_owned()).collect(), ..Filter::default() };
    let scope = caller.scope();
    let most = cursor::one_more(limit);
    let mut lines = app.store.read(move |db| queue::page(db, &scope, &filter, Sort::Newest, after, most)).await?;
    let next_cursor = cursor::cut(&mut lines, limit, |line| {
        let day = crate::ambient::today_in_shanghai(line.received_at.0);
        cursor::of_case(ORDER, After { day, id: CaseId(line.case_id.0) })
    });
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang };
    let today = app.today();
    let items = lines.into_iter().map(|mut line| {
        // Who works on it is no matter of the public.
        line.assigned_to = None;
        views::line(names, line, today)
    });
    Ok(HttpResponse::Ok().json(CasePage { items: items.collect(), next_cursor }))
}

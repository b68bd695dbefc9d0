//! Reference data: codes and names, for forms and for other systems. The same for everyone, so that it may be kept a minute.

pub mod places;
pub mod rules;
pub mod units;

use crate::app::App;
use crate::config::catalogue::Catalogue;
use crate::domain::division::Division;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::Lang;
use crate::http::api::take;
use crate::http::cursor;
use crate::http::error::Problem;
use crate::http::extract::Params;
use crate::http::openapi::LangCode;
use crate::http::views::hex;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::future::{Ready, ready};
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};

/// Lines of a page when not said, and most.
const LINES: (usize, usize) = (500, 1000);

/// A page of reference data.
#[derive(Debug, Serialize, ToSchema)]
pub struct Page<T: ToSchema> {
    /// The lines, in the order of their codes.
    pub items: Vec<T>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// Parameters of every list.
#[derive(IntoParams)]
#[into_params(parameter_in = Query)]
#[expect(dead_code, reason = "describes ListParams")]
struct PageParams {
    /// `zh` or `en`.
    #[param(value_type = Option<LangCode>, inline)]
    lang: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Lines of a page: 1 to 1000, 500 when not said.
    #[param(minimum = 1, maximum = 1000)]
    limit: Option<u16>,
}

/// What of a list is asked for.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ListParams {
    /// `zh` or `en`.
    pub lang: Option<String>,
    /// Within this division; for divisions themselves see `parent`.
    pub division: Option<String>,
    /// Of this department: provincial code or line.
    pub department: Option<String>,
    /// Directly below this division; the cities when not said.
    pub parent: Option<String>,
    /// `next_cursor` of the page before.
    pub cursor: Option<String>,
    /// Lines of a page: 1 to 1000, 500 when not said.
    pub limit: Option<String>,
}

/// A list's parameters, read.
struct Asked {
    lang: Lang,
    division: Option<Division>,
    department: Option<String>,
    parent: Option<Division>,
    after: Option<String>,
    limit: usize,
}

/// A request for a list, with what answers it: one catalogue, one day.
#[derive(Debug)]
pub struct List {
    catalogue: Arc<Catalogue>,
    today: Date,
    params: ListParams,
    request: HttpRequest,
}

impl FromRequest for List {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no app data"));
        let params = Params::<ListParams>::from_request(request, payload).into_inner();
        ready(app.and_then(|app| {
            let Params(params) = params?;
            Ok(Self { catalogue: app.catalogue(), today: app.today(), params, request: request.clone() })
        }))
    }
}

impl List {
    /// Reads the parameters; those that this list doesn't have are unknown.
    fn read(&self, known: &[&str]) -> Result<Asked, Problem> {
        let mut faults = Problems::default();
        let given = &self.params;
        let filters = [("division", &given.division), ("department", &given.department), ("parent", &given.parent)];
        for (name, value) in filters {
            if value.is_some() && !known.contains(&name) {
                let allowed = [known, &["lang", "cursor", "limit"]].concat().join(", ");
                let fault = Invalid::new("unknown_field", "there is no such field").allowed(allowed);
                faults.at(format!("/{name}"), fault);
            }
        }
        let asked = Asked {
            lang: take(&mut faults, "lang", given.lang.as_deref(), Lang::parse).unwrap_or(Lang::Zh),
            division: take(&mut faults, "division", given.division.as_deref(), Division::parse),
            department: given.department.clone(),
            parent: take(&mut faults, "parent", given.parent.as_deref(), Division::parse),
            after: take(&mut faults, "cursor", given.cursor.as_deref(), cursor::to_code),
            limit: cursor::limit(given.limit.as_deref(), LINES.0, LINES.1, &mut faults),
        };
        cursor::check(faults)?;
        Ok(asked)
    }

    /// Answers with the page of a list, or says that the client has it.
    fn answer<T: Serialize + ToSchema>(
        &self,
        asked: &Asked,
        mut lines: Vec<(String, T)>,
    ) -> Result<HttpResponse, Problem> {
        lines.sort_by(|(a, _), (b, _)| a.cmp(b));
        let from = asked.after.as_ref().map_or(0, |after| lines.partition_point(|(code, _)| code <= after));
        let more = lines.len() > from + asked.limit;
        let mut last = None;
        let items: Vec<T> = lines
            .into_iter()
            .skip(from)
            .take(asked.limit)
            .map(|(code, item)| {
                last = Some(code);
                item
            })
            .collect();
        let next_cursor = last.filter(|_| more).map(|code| cursor::of_code(&code));
        let body = serde_json::to_vec(&Page { items, next_cursor }).map_err(Problem::internal)?;
        let tag = format!("\"{}\"", hex(&Sha256::digest(&body)[..12]));
        let has_it = self
            .request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tags| tags.split(',').any(|given| given.trim().trim_start_matches("W/") == tag));
        let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
        response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "public, max-age=60"));
        Ok(if has_it { response.finish() } else { response.content_type("application/json").body(body) })
    }
}

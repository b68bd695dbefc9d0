//! The complainant's judgement of an end, by the link that the service sent: no sign-in.

use crate::app::App;
use crate::domain::case::Rating;
use crate::domain::vocabulary::{Kind, State};
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Pairs};
use crate::http::openapi::{KindCode, StateCode};
use crate::track::rating::{self, Asked, RatingError};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use jiff::civil::Date;
use serde::Serialize;
use serde_json::{Map, Value};
use utoipa::ToSchema;

/// What is asked, and the answer that stands. Nothing is chosen beforehand.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatingView {
    /// Reference number of the case.
    pub reference: String,
    /// Complaint or report.
    #[schema(value_type = KindCode)]
    pub kind: Kind,
    /// Against whom.
    pub respondent: Option<String>,
    /// How it ended.
    #[schema(value_type = StateCode)]
    pub state: State,
    /// When it ended.
    #[schema(value_type = Option<String>, format = Date)]
    pub ended_on: Option<Date>,
    /// Last day for an answer, or for changing it.
    #[schema(value_type = String, format = Date)]
    pub open_until: Date,
    /// The answer that stands; `null` until one is given.
    pub answer: Option<RatingAnswer>,
}

/// An answer.
#[derive(Debug, Serialize, ToSchema)]
pub struct RatingAnswer {
    /// Whether the problem was solved.
    pub solved: bool,
    /// 1 (very dissatisfied) to 5 (very satisfied).
    #[schema(minimum = 1, maximum = 5)]
    pub satisfied: u8,
    /// Whether the unit made contact.
    pub contacted: bool,
    /// Day of the first answer.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
}

/// An answer as it is given.
#[derive(ToSchema)]
#[schema(as = RatingRequest)]
#[expect(dead_code, reason = "describes the body; the table of steps checks it")]
struct RatingRequest {
    /// Whether the problem was solved.
    solved: bool,
    /// 1 (very dissatisfied) to 5 (very satisfied).
    #[schema(minimum = 1, maximum = 5)]
    satisfied: u8,
    /// Whether the unit made contact.
    contacted: bool,
    /// In the person's own words; kept sealed.
    #[schema(max_length = 2000)]
    text: Option<String>,
}

impl From<RatingError> for Problem {
    fn from(error: RatingError) -> Self {
        match error {
            RatingError::Unknown => Self::not_found(),
            RatingError::Over => Self::new(StatusCode::GONE, "link_expired", "this link is over"),
            RatingError::Act(error) => error.into(),
        }
    }
}

fn view(asked: Asked) -> RatingView {
    let Asked { case, until, answer } = asked;
    let answer =
        answer.map(|Rating { solved, satisfied, contacted, on }| RatingAnswer { solved, satisfied, contacted, on });
    RatingView {
        reference: case.case.reference.as_str().to_owned(),
        kind: case.case.kind,
        respondent: case.sealed.respondent,
        state: case.case.state,
        ended_on: case.case.milestones.closed,
        open_until: until,
        answer,
    }
}

/// What the link asks, with the answer that stands.
#[utoipa::path(get, path = "/api/v1/ratings/{token}", tag = "cases",
    params(("token" = String, Path, description = "Token of the link")),
    responses(
        (status = 200, body = RatingView),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn show(
    app: web::Data<App>,
    path: web::Path<String>,
    _no_parameters: Pairs,
) -> Result<HttpResponse, Problem> {
    Ok(HttpResponse::Ok().json(view(rating::open(&app, &path).await?)))
}

/// Answers, or changes the answer until `open_until`.
#[utoipa::path(post, path = "/api/v1/ratings/{token}", tag = "cases",
    params(("token" = String, Path, description = "Token of the link")),
    request_body(content = RatingRequest, content_type = "application/json"),
    responses(
        (status = 200, body = RatingView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn answer(
    app: web::Data<App>,
    path: web::Path<String>,
    body: Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    let asked = rating::answer(&app.into_inner(), &path, body.value).await?;
    Ok(HttpResponse::Ok().json(view(asked)))
}

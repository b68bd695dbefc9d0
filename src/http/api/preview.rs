//! What would happen with a text, or with a case of a sector at a place. Nothing is stored.

use crate::app::App;
use crate::classify::Hints;
use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::party::{RawRespondent, optional};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::text;
use crate::domain::vocabulary::{Kind, Lang};
use crate::http::api::cases::{ClassificationSchema, RoutingSchema};
use crate::http::api::day;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Body;
use crate::http::openapi::KindCode;
use crate::intake::submission::NARRATIVE;
use crate::route::{Question, RespondentPlace};
use actix_web::{HttpResponse, web};
use serde::Deserialize;
use utoipa::ToSchema;

/// A text to classify.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ClassifyRequest {
    /// What happened, as it would be filed; 2 to 5000 characters.
    #[schema(example = "快递三天没有更新，客服一直不理")]
    pub text: String,
}

hidden_debug!(ClassifyRequest);

/// Says which sector a text is about.
#[utoipa::path(post, path = "/api/v1/classify", tag = "previews",
    request_body(content = ClassifyRequest, content_type = "application/json"),
    responses(
        (status = 200, body = ClassificationSchema),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn classify(app: web::Data<App>, body: Body<ClassifyRequest>) -> Result<HttpResponse, Problem> {
    let (least, most) = NARRATIVE;
    let text = text::free(&body.value.text, least, most).map_err(|fault| Problem::field("/text", fault))?;
    Ok(HttpResponse::Ok().json(app.model().classify(&text, Hints::default())))
}

/// A case to route: a text or a sector, and what is known of the places.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RouteRequest {
    /// The text, from which the sector follows.
    pub text: Option<String>,
    /// The sector; it goes before the text's.
    pub sector: Option<String>,
    /// The merchant.
    pub respondent: Option<RawRespondent>,
    /// Place of the dispute: county, or nine digits for a town.
    pub division: Option<String>,
    /// `complaint` (when not said) or `report`.
    #[schema(value_type = Option<KindCode>)]
    pub kind: Option<String>,
    /// Day of receipt, so that history can be asked; today when not said.
    #[schema(format = Date)]
    pub on: Option<String>,
    /// Language of names and steps.
    pub lang: Option<String>,
}

hidden_debug!(RouteRequest);

/// Says who would be responsible, and why.
#[utoipa::path(post, path = "/api/v1/route", tag = "previews",
    request_body(content = RouteRequest, content_type = "application/json"),
    responses(
        (status = 200, body = RoutingSchema),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn route(app: web::Data<App>, body: Body<RouteRequest>) -> Result<HttpResponse, Problem> {
    let raw = body.value;
    let router = app.router();
    let catalogue = router.catalogue();
    let mut faults = Problems::default();
    let (least, most) = NARRATIVE;
    let text = optional("/text", raw.text.as_deref(), |text| text::free(text, least, most), &mut faults);
    let sector = optional(
        "/sector",
        raw.sector.as_deref(),
        |code| {
            catalogue.sector(code).map(|sector| sector.code.clone()).ok_or_else(|| {
                let all: Vec<_> = catalogue.sectors.iter().map(|sector| sector.code.as_str()).collect();
                Invalid::new("unknown_value", "unknown sector").allowed(all.join(", "))
            })
        },
        &mut faults,
    );
    if raw.text.is_none() && raw.sector.is_none() {
        faults.at("", Invalid::new("required", "a text or a sector is required").allowed("text, sector"));
    }
    let respondent = raw.respondent.map(|respondent| respondent.check(&mut faults)).unwrap_or_default();
    let place = optional("/division", raw.division.as_deref(), Division::parse, &mut faults);
    let kind = optional("/kind", raw.kind.as_deref(), Kind::parse, &mut faults).unwrap_or(Kind::Complaint);
    let on = optional("/on", raw.on.as_deref(), day, &mut faults).unwrap_or_else(|| app.today());
    let lang = optional("/lang", raw.lang.as_deref(), Lang::parse, &mut faults).unwrap_or(Lang::Zh);
    faults.check()?;

    let hints = Hints {
        merchant_name: respondent.name.as_deref(),
        platform_name: respondent.platform.as_ref().and_then(|platform| platform.name.as_deref()),
    };
    let classified = text.map(|text| app.model().classify(&text, hints));
    let sector = sector.or_else(|| classified.as_ref().map(|found| found.sector.clone())).unwrap_or_default();
    // A sub-sector of the machine's own sector says nothing of another that was named.
    let subsector = classified.filter(|found| found.sector == sector).and_then(|found| found.subsector);
    let question = Question { subsector, kind, place, ..Question::complaint(&sector, on, respondent.division) };
    let question = Question { respondent: RespondentPlace::from(&respondent), ..question };
    Ok(HttpResponse::Ok().json(router.route(&question).to_json(lang)))
}

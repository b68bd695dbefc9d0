//! The procedures: limits and grounds of each version.

use crate::config::catalogue::{Ground, Rule, Unit};
use crate::domain::vocabulary::{ClockKind, Lang, Regime};
use crate::http::api::reference::{List, Page, PageParams};
use crate::http::error::{Problem, ProblemBody};
use crate::http::openapi::ClockCode;
use actix_web::HttpResponse;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// A procedure.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Rule)]
pub struct RuleView {
    /// Version.
    #[schema(example = "order-121")]
    pub code: String,
    /// Name of the law.
    pub name: String,
    /// Whom it binds.
    #[schema(value_type = String, example = "market_regulation")]
    pub regime: Regime,
    /// First day of receipt that it holds for.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// Last day of receipt, when it was repealed.
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Its time limits.
    pub clocks: Vec<LimitView>,
    /// Grounds of refusal.
    pub refusal: Vec<RuleGround>,
    /// Grounds of termination.
    pub termination: Vec<RuleGround>,
    /// Other routes that a refusal names.
    pub other_routes: Vec<String>,
}

/// A time limit of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct LimitView {
    /// Which.
    #[schema(value_type = ClockCode)]
    pub kind: ClockKind,
    /// Its length; `null` for a date that a person sets.
    pub length: Option<LengthView>,
    /// What an approved extension adds.
    pub extension: Option<LengthView>,
    /// Whether testing lets it stand still.
    pub pauses_for_testing: bool,
    /// Article.
    pub article: String,
}

/// A length of time.
#[derive(Debug, Serialize, ToSchema)]
pub struct LengthView {
    /// How many.
    pub count: u16,
    /// `working_days` or `days`.
    pub unit: &'static str,
}

/// A ground of a rule.
#[derive(Debug, Serialize, ToSchema)]
pub struct RuleGround {
    /// Code.
    #[schema(example = "R16_3")]
    pub code: String,
    /// What it says.
    pub text: String,
    /// Article.
    pub article: String,
}

fn rule_view(rule: &Rule, lang: Lang) -> RuleView {
    let length = |given: Option<(u16, Unit)>| {
        given.map(|(count, unit)| LengthView {
            count,
            unit: match unit {
                Unit::WorkingDays => "working_days",
                Unit::Days => "days",
            },
        })
    };
    let grounds = |grounds: &[Ground]| {
        grounds
            .iter()
            .map(|ground| RuleGround {
                code: ground.code.clone(),
                text: ground.name.in_lang(lang).to_owned(),
                article: ground.article.clone(),
            })
            .collect()
    };
    RuleView {
        code: rule.id.clone(),
        name: rule.name.in_lang(lang).to_owned(),
        regime: rule.regime,
        from: rule.from,
        until: rule.until,
        clocks: rule
            .clocks
            .iter()
            .map(|(kind, limit)| LimitView {
                kind: *kind,
                length: length(limit.length),
                extension: length(limit.extension),
                pauses_for_testing: limit.pauses_for_testing,
                article: limit.article.clone(),
            })
            .collect(),
        refusal: grounds(&rule.refusal),
        termination: grounds(&rule.termination),
        other_routes: rule.other_routes.iter().map(|name| name.in_lang(lang).to_owned()).collect(),
    }
}

/// The procedures, those of the past too.
#[utoipa::path(get, path = "/api/v1/rules", tag = "reference", params(PageParams),
    responses((status = 200, body = Page<RuleView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn rules(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&[])?;
    let catalogue = &list.catalogue;
    let lines = catalogue.rules.iter().map(|rule| (rule.id.clone(), rule_view(rule, asked.lang))).collect();
    list.answer(&asked, lines)
}

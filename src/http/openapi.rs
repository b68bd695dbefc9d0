//! The description of the API, OpenAPI 3.1, made from the handlers and the shapes that they take and give.

use crate::domain::vocabulary;
use crate::http::{api, error, pages, views};
use std::sync::LazyLock;
use utoipa::openapi::content::ContentBuilder;
use utoipa::openapi::path::Operation;
use utoipa::openapi::response::ResponseBuilder;
use utoipa::openapi::schema::{ObjectBuilder, Schema, Type};
use utoipa::openapi::security::{HttpAuthScheme, HttpBuilder, SecurityScheme};
use utoipa::openapi::{OpenApi as Document, Ref, RefOr};
use utoipa::{Modify, OpenApi, PartialSchema, ToSchema};

/// Shapes of the closed vocabularies: the codes are those of the domain, so that none can be forgotten here.
macro_rules! codes {
    ($($(#[$meta:meta])* $name:ident = $of:ident as $shown:literal;)+) => {$(
        $(#[$meta])*
        #[derive(Debug)]
        pub enum $name {}

        impl PartialSchema for $name {
            fn schema() -> RefOr<Schema> {
                let codes = vocabulary::$of::ALL.iter().map(|value| value.code());
                ObjectBuilder::new().schema_type(Type::String).enum_values(Some(codes)).into()
            }
        }

        impl ToSchema for $name {
            fn name() -> std::borrow::Cow<'static, str> {
                $shown.into()
            }
        }
    )+};
}

codes! {
    /// Complaint or report.
    KindCode = Kind as "KindCode";
    /// Where a case stands.
    StateCode = State as "StateCode";
    /// A step.
    ActionCode = Action as "ActionCode";
    /// Who acts.
    RoleCode = Role as "RoleCode";
    /// How a case came in.
    ChannelCode = Channel as "ChannelCode";
    /// What is asked for.
    DemandCode = Demand as "DemandCode";
    /// How it was settled.
    OutcomeCode = Outcome as "OutcomeCode";
    /// Part in a case.
    PartyCode = PartyRole as "PartyRoleCode";
    /// The language of names: Chinese or English.
    LangCode = Lang as "LangCode";
    /// A time limit.
    ClockCode = ClockKind as "ClockCode";
    /// What an office issues in writing.
    DocumentCode = DocumentKind as "DocumentCode";
    /// How a document reached whom it is for.
    DeliveryCode = Delivery as "DeliveryCode";
}

#[derive(OpenApi)]
#[openapi(
    info(
        title = "fangxin 放心",
        description = "Takes in consumer complaints and reports, classifies, routes and tracks them, and computes the rates. \
            JSON in snake_case, instants as RFC 3339, days as YYYY-MM-DD in Asia/Shanghai, money as decimal strings. Errors \
            are problems (RFC 9457) with a stable code. Filing, previews, the calendar and reference data need no token.",
        license(name = "MIT OR Apache-2.0", identifier = "MIT OR Apache-2.0"),
    ),
    paths(
        api::health::healthz,
        api::health::readyz,
        api::health::version,
        api::cases::file,
        api::cases::show,
        api::events::history,
        api::transitions::act,
        api::attachments::add,
        api::attachments::list,
        api::attachments::download,
        api::documents::list,
        api::documents::print,
        api::documents::issue,
        api::documents::deliver,
        api::ratings::show,
        api::ratings::answer,
        api::unmask::show,
        api::hold::show,
        api::hold::change,
        api::corrections::ask,
        api::corrections::list,
        api::corrections::decide,
        api::subject::export,
        api::preview::classify,
        api::preview::route,
        api::calendar::due,
        api::calendar::year,
        api::queue::page,
        api::stream::watch,
        api::notices::list,
        api::notices::settle,
        api::webhooks::list,
        api::webhooks::create,
        api::webhooks::act,
        api::webhooks::remove,
        api::mass::proposals,
        api::mass::alarms,
        api::mass::note,
        api::groups::list,
        api::groups::open,
        api::groups::show,
        api::groups::add,
        api::groups::remove,
        api::groups::ask,
        api::groups::step,
        api::groups::own,
        api::groups::answer,
        api::metrics::summary,
        api::metrics::timeseries,
        api::metrics::breakdown,
        api::metrics::scorecard,
        api::metrics::cases,
        api::exports::cases,
        api::audit::page,
        api::reference::units::sectors,
        api::reference::units::departments,
        api::reference::units::offices,
        api::reference::units::stations,
        api::reference::places::divisions,
        api::reference::rules::rules,
        api::codes::send,
        api::auth::token,
        api::auth::refresh,
        api::auth::logout,
        api::auth::me,
        api::codes::own,
        api::factors::step_up,
        api::factors::password,
        api::factors::enrol,
        api::factors::remove,
        api::factors::confirm,
        api::auth::list,
        api::auth::end,
        pages::docs::document,
    ),
    components(schemas(error::ProblemBody, error::FieldFault, views::CaseView)),
    tags(
        (name = "cases", description = "File a case, read it, take its next step"),
        (name = "documents", description = "What an office issues in writing"),
        (name = "previews", description = "Ask what would happen; nothing is stored"),
        (name = "staff", description = "A unit's own work"),
        (name = "webhooks", description = "Systems that are told what happens to cases (Standard Webhooks); for administrators"),
        (name = "metrics", description = "Rates, each with its definition and the cases behind it"),
        (name = "reference", description = "Codes and names"),
        (name = "sessions", description = "Access tokens"),
        (name = "service", description = "The service itself"),
    ),
    modifiers(&Finish)
)]
struct Api;

struct Finish;

impl Modify for Finish {
    fn modify(&self, document: &mut Document) {
        document.info.version = env!("CARGO_PKG_VERSION").to_owned();
        let bearer = HttpBuilder::new()
            .scheme(HttpAuthScheme::Bearer)
            .bearer_format("JWT")
            .description(Some("From POST /api/v1/auth/token"))
            .build();
        let components = document.components.get_or_insert_with(Default::default);
        components.add_security_scheme("bearer", SecurityScheme::Http(bearer));
        for (path, item) in &mut document.paths.paths {
            let operations = [&mut item.get, &mut item.post, &mut item.put, &mut item.patch, &mut item.delete];
            let of_api = path.starts_with("/api/");
            operations.into_iter().flatten().filter(|_| of_api).for_each(answered_in_any_case);
        }
    }
}

/// What any request can be told before its handler is reached.
const ANY: &[(&str, &str)] = &[
    ("400", "A parameter, header or body that can't be read"),
    ("401", "A token that isn't believed, or none where one is needed"),
    ("422", "Parameters or fields that are missing, unknown or wrong: all of them, each with its place"),
    ("429", "Too many requests; `Retry-After` says when to come again"),
    ("503", "Overloaded, or the database is away; `Retry-After` says when to come again"),
];

/// What any request with a body can be told besides.
const ANY_WITH_BODY: &[(&str, &str)] = &[
    ("408", "The body took too long to arrive"),
    ("413", "The body is too large"),
    ("415", "The body isn't of the media type that is taken, or is compressed"),
];

/// Adds these to what a handler says of itself, which stays as it is.
fn answered_in_any_case(operation: &mut Operation) {
    let with_body = if operation.request_body.is_some() { ANY_WITH_BODY } else { &[] };
    for (status, description) in ANY.iter().chain(with_body) {
        operation.responses.responses.entry((*status).to_owned()).or_insert_with(|| {
            let problem = ContentBuilder::new().schema(Some(Ref::from_schema_name("Problem"))).build();
            ResponseBuilder::new().description(*description).content("application/problem+json", problem).build().into()
        });
    }
}

/// The document.
pub fn document() -> Document {
    Api::openapi()
}

/// The document as it is sent.
pub(super) static JSON: LazyLock<String> = LazyLock::new(|| document().to_json().unwrap_or_default());

#[cfg(test)]
mod tests {
    use super::*;
    use crate::http::routes::ROUTES;
    use std::collections::BTreeSet;

    /// Paths that programs call; all others are for people in a browser.
    fn is_for_programs(path: &str) -> bool {
        path.starts_with("/api/") || matches!(path, "/healthz" | "/readyz" | "/version" | "/openapi.json")
    }

    #[test]
    fn the_routes_and_the_document_agree() {
        let document = serde_json::to_value(document()).unwrap();
        let described: BTreeSet<(String, String)> = document["paths"]
            .as_object()
            .unwrap()
            .iter()
            .flat_map(|(path, item)| {
                item.as_object().unwrap().keys().map(move |method| (path.clone(), method.to_uppercase()))
            })
            .collect();
        let routed: BTreeSet<(String, String)> = ROUTES
            .iter()
            .filter(|(path, _)| is_for_programs(path))
            .flat_map(|(path, methods)| methods.iter().map(move |method| ((*path).to_owned(), method.to_uppercase())))
            .collect();
        assert_eq!(described, routed);
        assert!(document["openapi"].as_str().unwrap().starts_with("3.1"));
    }

    #[test]
    fn every_reference_of_the_document_leads_somewhere() {
        let text = JSON.as_str();
        let document: serde_json::Value = serde_json::from_str(text).unwrap();
        for part in text.split("\"#/").skip(1) {
            let pointer = format!("/{}", part.split('"').next().unwrap());
            assert!(document.pointer(&pointer).is_some(), "{pointer}");
        }
    }
}

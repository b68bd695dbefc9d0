//! Divisions and towns.

use crate::config::catalogue::PlaceKind;
use crate::domain::division::{Division, Level};
use crate::domain::problem::Invalid;
use crate::http::api::reference::{List, Page, PageParams};
use crate::http::error::{Problem, ProblemBody};
use actix_web::HttpResponse;
use serde::Serialize;
use utoipa::ToSchema;

/// A division or town.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Place)]
pub struct PlaceView {
    /// GB/T 2260 code; nine digits for a town.
    #[schema(value_type = String, example = "320115")]
    pub code: Division,
    /// Name. The same may exist twice: show the parent's too.
    pub name: String,
    /// The division above.
    #[schema(value_type = Option<String>)]
    pub parent: Option<Division>,
    /// `province`, `city`, `county`, `functional_zone`, `subdistrict`, `town` or `township`.
    pub kind: &'static str,
    /// Whether there are places below it.
    pub has_children: bool,
}

const fn place_kind(kind: PlaceKind) -> &'static str {
    match kind {
        PlaceKind::Province => "province",
        PlaceKind::City => "city",
        PlaceKind::County => "county",
        PlaceKind::FunctionalZone => "functional_zone",
        PlaceKind::Subdistrict => "subdistrict",
        PlaceKind::Town => "town",
        PlaceKind::Township => "township",
        PlaceKind::QuasiTown => "quasi_town",
    }
}

/// The places directly below a division; the cities of the province when none is named.
#[utoipa::path(get, path = "/api/v1/divisions", tag = "reference",
    params(PageParams,
        ("parent" = Option<String>, Query, description = "Directly below this division; the cities when not said")),
    responses((status = 200, body = Page<PlaceView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn divisions(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&["parent"])?;
    let catalogue = &list.catalogue;
    let places = &catalogue.places;
    let parent = match asked.parent {
        Some(code) => Some(
            places
                .get(code)
                .map(|place| place.code)
                .ok_or_else(|| Problem::field("/parent", Invalid::new("unknown_value", "unknown division")))?,
        ),
        None => places.root,
    };
    let children = parent.into_iter().flat_map(|parent| places.children(parent));
    let lines = children.map(|place| {
        let view = PlaceView {
            code: place.code,
            name: place.name.clone(),
            parent: place.parent,
            kind: place_kind(place.kind),
            // Towns have none; asked only of what may have some.
            has_children: place.code.level() != Level::Town && places.children(place.code).next().is_some(),
        };
        (place.code.to_string(), view)
    });
    list.answer(&asked, lines.collect())
}

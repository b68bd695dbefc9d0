//! The shapes of what other modules serialise, for the description of the API only.

use crate::http::openapi::ActionCode;
use utoipa::ToSchema;

/// Days on which what the rates count came to pass.
#[derive(ToSchema)]
#[schema(as = Milestones)]
#[expect(dead_code, reason = "describes domain::case::Milestones")]
pub(super) struct MilestonesSchema {
    #[schema(format = Date)]
    disposed: Option<String>,
    #[schema(format = Date)]
    decision_due: Option<String>,
    #[schema(format = Date)]
    decided: Option<String>,
    #[schema(format = Date)]
    accepted: Option<String>,
    #[schema(format = Date)]
    mediation: Option<String>,
    #[schema(format = Date)]
    closed: Option<String>,
    closed_in_time: Option<bool>,
    #[schema(format = Date)]
    station_ended: Option<String>,
    settled_at_station: Option<bool>,
}

/// Whether the parties consent to mediation; absent is no word yet.
#[derive(ToSchema)]
#[schema(as = Consents)]
#[expect(dead_code, reason = "describes domain::case::Consents")]
pub(super) struct ConsentsSchema {
    complainant: Option<bool>,
    respondent: Option<bool>,
}

/// A number of another system.
#[derive(ToSchema)]
#[schema(as = ExternalNumber)]
#[expect(dead_code, reason = "describes domain::case::ExternalReference")]
pub(super) struct ExternalSchema {
    system: String,
    number: String,
}

/// The complainant's judgement.
#[derive(ToSchema)]
#[schema(as = Rating)]
#[expect(dead_code, reason = "describes domain::case::Rating")]
pub(super) struct RatingSchema {
    solved: bool,
    #[schema(minimum = 1, maximum = 5)]
    satisfied: u8,
    contacted: bool,
    #[schema(format = Date)]
    on: String,
}

/// A step that can be taken now.
#[derive(ToSchema)]
#[schema(as = AvailableAction)]
#[expect(dead_code, reason = "describes track::Available")]
pub(super) struct AvailableSchema {
    action: ActionCode,
    fields: Vec<FieldSchema>,
}

/// A field of a step.
#[derive(ToSchema)]
#[schema(as = ActionField)]
#[expect(dead_code, reason = "describes track::FieldSpec")]
pub(super) struct FieldSchema {
    name: String,
    required: bool,
    r#type: String,
    allowed: Option<Vec<String>>,
    max_length: Option<usize>,
    min: Option<i64>,
    max: Option<i64>,
}

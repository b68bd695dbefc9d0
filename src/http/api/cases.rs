//! Filing a case, and reading one.

use crate::app::App;
use crate::domain::case::Case;
use crate::domain::permission::{self, Grant, Permission};
use crate::domain::reference::Reference;
use crate::domain::vocabulary::Lang;
use crate::http::Edge;
use crate::http::api::{LangParam, reference};
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, IdempotencyKey, Params};
use crate::http::openapi::{ClockCode, KindCode, StateCode};
use crate::http::views::{self, CaseView, Coded, Opened};
use crate::intake::submission::{Entry, Raw};
use crate::intake::{self, IdempotencyKey as Key};
use crate::store::cases::{self, Loaded};
use crate::store::filing::PartyRow;
use crate::store::{Db, StoreError};
use crate::track::act::Surroundings;
use crate::track::available_actions;
use crate::track::dossier::Dossier;
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use serde_json::Value;
use utoipa::ToSchema;

/// Files a case. Nobody needs to sign in; staff of a station, an office or a dispatch enter for a person on the phone or at the counter.
#[utoipa::path(post, path = "/api/v1/cases", tag = "cases",
    request_body(content = Raw, content_type = "application/json"),
    params(("Idempotency-Key" = Option<String>, Header, description = "Sent again with the same body, the answer is the first one's")),
    responses(
        (status = 201, body = FilingReceipt, headers(
            ("Location" = String, description = "Address of the case"), ("ETag" = String, description = "Its version"),
            ("Idempotency-Replayed" = bool, description = "Present on the answer to a resend"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 415, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 429, body = ProblemBody, content_type = "application/problem+json"),
        (status = 503, body = ProblemBody, content_type = "application/problem+json")),
    security((), ("bearer" = [])))]
pub async fn file(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    caller: Caller,
    key: IdempotencyKey,
    body: Body<Raw>,
) -> Result<HttpResponse, Problem> {
    let entry = match permission::grant(caller.who.role, Permission::FileAsStaff) {
        Grant::Yes => Entry::Staff,
        Grant::No | Grant::Complaints => Entry::Public,
    };
    let (actor, owner) = match entry {
        Entry::Staff => (caller.who.actor(), format!("user:{}", caller.who.user.as_deref().unwrap_or_default())),
        Entry::Public | Entry::Import => {
            edge.filing_from(caller.address)?;
            (intake::PUBLIC, "anonymous".to_owned())
        }
    };
    let key = key.0.map(|key| Key::new(&owner, &key, &body.raw));
    let app = app.into_inner();
    let receipt = intake::file(&app, body.value, entry, &actor, key).await?;
    let mut response = HttpResponse::Created();
    if let Some(reference) = receipt.answer.get("reference").and_then(Value::as_str) {
        response.insert_header((header::LOCATION, format!("/api/v1/cases/{reference}")));
    }
    if let Some(version) = receipt.answer.get("version").and_then(Value::as_i64) {
        response.insert_header((header::ETAG, etag(version)));
    }
    if receipt.replayed {
        response.insert_header(("idempotency-replayed", "true"));
    }
    Ok(response.json(receipt.answer))
}

/// A case, as its caller may see it: the consumer who has opened it, or staff in whose scope it lies.
#[utoipa::path(get, path = "/api/v1/cases/{reference}", tag = "cases",
    params(("reference" = String, Path, description = "Reference number"), LangParam),
    responses(
        (status = 200, body = CaseView, headers(("ETag" = String, description = "Version, for If-Match"))),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn show(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    params: Params<LangParam>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadCase)?;
    let lang = params.0.read()?;
    Ok(with_etag(view_of(&app, &caller, reference(&path)?, lang).await?))
}

/// A case as its caller may see it; in the case's language when none is asked for.
///
/// # Errors
/// 404 outside the caller's scope.
pub(in crate::http) async fn view_of(
    app: &App,
    caller: &Caller,
    reference: Reference,
    lang: Option<Lang>,
) -> Result<CaseView, Problem> {
    let (scope, unit) = (caller.scope(), caller.who.unit.clone());
    let found = app
        .store
        .read(move |db| {
            let Some(loaded) = cases::load(db, &scope, &reference)? else { return Ok(None) };
            let belongings = belongings(db, &loaded, unit.as_deref())?;
            Ok(Some((loaded, belongings)))
        })
        .await?;
    let (loaded, belongings) = found.ok_or_else(Problem::not_found)?;
    shown(app, caller, loaded, belongings, lang)
}

fn with_etag(view: CaseView) -> HttpResponse {
    HttpResponse::Ok().insert_header((header::ETAG, etag(view.version))).json(view)
}

/// A case within the caller's scope.
///
/// # Errors
/// 404.
pub(in crate::http) async fn load(app: &App, caller: &Caller, reference: Reference) -> Result<Loaded, Problem> {
    let scope = caller.scope();
    app.store.read(move |db| cases::load(db, &scope, &reference)).await?.ok_or_else(Problem::not_found)
}

/// A case within the caller's scope of which they may see what names its filer: a reporter's files and documents do.
///
/// # Errors
/// 404, or 403 for those to whom the filer isn't shown.
pub(super) async fn load_with_filer(app: &App, caller: &Caller, path: &str) -> Result<Loaded, Problem> {
    let loaded = load(app, caller, reference(path)?).await?;
    caller.may_with(Permission::SeeFiler, loaded.case.kind)?;
    Ok(loaded)
}

/// What belongs to a case, as it is stored.
pub(super) struct Belongings {
    /// Its parties.
    pub(super) parties: Vec<PartyRow>,
    linked: Vec<(String, String)>,
    surroundings: Surroundings,
}

/// Reads it, of a case that was loaded within the caller's scope.
///
/// # Errors
/// The store's.
pub(super) fn belongings(db: &mut Db, loaded: &Loaded, unit: Option<&str>) -> Result<Belongings, StoreError> {
    Ok(Belongings {
        parties: cases::parties(db, loaded)?,
        linked: cases::linked(db, loaded)?,
        surroundings: Surroundings::of_view(db, loaded, unit)?,
    })
}

/// The answer that shows a case after a step that the caller took. It is shown even when the step has moved it out of the
/// caller's scope.
///
/// # Errors
/// The store's, or that what is sealed can't be opened.
pub(super) async fn answer(app: &App, caller: &Caller, loaded: Loaded) -> Result<HttpResponse, Problem> {
    let unit = caller.who.unit.clone();
    let seen = loaded.clone();
    let belongings = app.store.read(move |db| belongings(db, &seen, unit.as_deref())).await?;
    Ok(with_etag(shown(app, caller, loaded, belongings, None)?))
}

/// A case as a caller may see it.
///
/// # Errors
/// That what is sealed can't be opened.
pub(super) fn shown(
    app: &App,
    caller: &Caller,
    loaded: Loaded,
    belongings: Belongings,
    lang: Option<Lang>,
) -> Result<CaseView, Problem> {
    let catalogue = app.catalogue();
    let case: Case = loaded.case;
    let erased = loaded.sealed.data_key.is_empty();
    let (narrative, parties) = if erased {
        Default::default()
    } else {
        let dossier = Dossier::open(&app.vault, case.id, &loaded.sealed.data_key)?;
        (dossier.open_narrative(&loaded.sealed.narrative)?, dossier.open_parties(&belongings.parties)?)
    };
    let context = belongings.surroundings.context_for(app, caller.who.division);
    let available = if erased { Vec::new() } else { available_actions(&catalogue, &case, caller.who.role, &context) };
    let lang = lang.unwrap_or(case.lang);
    let opened = Opened { case, erased, narrative, parties, linked: belongings.linked, available };
    Ok(views::case(&catalogue, opened, caller, lang, app.today()))
}

/// A version as an entity tag.
pub(super) fn etag(version: i64) -> String {
    format!("\"{version}\"")
}

// The shape of the receipt, which `intake` writes, for the description of the API only.

/// What the filer is told.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what intake answers")]
struct FilingReceipt {
    /// Number for people.
    reference: String,
    /// With the number it opens the case; keep it.
    #[schema(example = "48213077")]
    access_pin: String,
    kind: KindCode,
    state: StateCode,
    version: i64,
    #[schema(format = DateTime)]
    received_at: String,
    /// Whether statutory clocks run from this filing (Art 8, 40).
    statutory: bool,
    classification: ClassificationSchema,
    routing: RoutingSchema,
    clocks: Vec<RunningClock>,
    /// JSON pointers of what acceptance needs and the filing lacks.
    missing_for_acceptance: Vec<String>,
    /// Likely duplicates: how many for the public, their numbers for staff.
    #[schema(value_type = serde_json::Value)]
    duplicates: (),
    /// The other case of a submission of both kinds.
    linked: Vec<Twin>,
}

/// The other case of a submission of both kinds.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what intake answers")]
struct Twin {
    reference: String,
    access_pin: String,
    kind: KindCode,
    state: StateCode,
    relation: String,
}

/// A time limit that runs.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes what intake answers")]
struct RunningClock {
    kind: ClockCode,
    #[schema(format = Date)]
    due: String,
    provisional: bool,
    rule: String,
    calendar: String,
}

/// Which sector a text is about, how sure that is, and which words say so.
#[derive(ToSchema)]
#[schema(as = Classification)]
#[expect(dead_code, reason = "describes classify::Classification")]
pub(super) struct ClassificationSchema {
    sector: String,
    subsector: Option<String>,
    confidence: f64,
    /// The confidence is below the threshold: a person looks at it.
    abstained: bool,
    alternatives: Vec<AlternativeSchema>,
    evidence: Vec<EvidenceSchema>,
    not_consumer: NotConsumerSchema,
    /// What went wrong, by the names of the national platform.
    problem: Option<ProblemTypeSchema>,
    /// Demands that the text names, by the codes of a filing: a suggestion.
    demands: Vec<String>,
    /// `complaint`, `report` or `both`: a suggestion.
    kind_hint: Option<String>,
    model: String,
}

/// Another candidate.
#[derive(ToSchema)]
#[schema(as = Alternative)]
#[expect(dead_code, reason = "describes classify::Alternative")]
struct AlternativeSchema {
    sector: String,
    confidence: f64,
}

/// A term that counted.
#[derive(ToSchema)]
#[schema(as = Evidence)]
#[expect(dead_code, reason = "describes classify::Evidence")]
struct EvidenceSchema {
    term: String,
    sector: String,
    weight: f64,
}

/// What went wrong.
#[derive(ToSchema)]
#[schema(as = ProblemType)]
#[expect(dead_code, reason = "describes classify::ProblemType")]
struct ProblemTypeSchema {
    code: String,
    /// In both languages.
    #[schema(value_type = Object)]
    name: (),
}

/// Whether the text looks like no dispute of a consumer; advice, never a refusal.
#[derive(ToSchema)]
#[schema(as = NotConsumer)]
#[expect(dead_code, reason = "describes classify::NotConsumer")]
struct NotConsumerSchema {
    advised: bool,
    score: f64,
    #[schema(value_type = Option<Object>)]
    refer_to: (),
}

/// Who is responsible, and why.
#[derive(ToSchema)]
#[schema(as = Routing)]
#[expect(dead_code, reason = "describes route::Routing")]
pub(super) struct RoutingSchema {
    division: String,
    town: Option<String>,
    lead_department: Coded,
    office: Coded,
    station: Option<Coded>,
    assisting: Vec<Coded>,
    steps: Vec<StepSchema>,
    #[schema(value_type = Option<Object>)]
    referred: (),
    owner_is_fallback: bool,
    regime: String,
    line: String,
    published_channel: bool,
    unroutable: bool,
}

/// One step of the explanation.
#[derive(ToSchema)]
#[schema(as = RoutingStep)]
#[expect(dead_code, reason = "describes route::Step")]
struct StepSchema {
    code: String,
    text: String,
    rule: Option<String>,
    article: Option<String>,
}

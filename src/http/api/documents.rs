//! What was issued in writing: list, print, issue a form, record a delivery.

use crate::app::App;
use crate::document::{self, STYLE};
use crate::domain::permission::Permission;
use crate::domain::problem::Invalid;
use crate::domain::vocabulary::{Delivery, DocumentKind, PartyRole};
use crate::http::api::cases;
use crate::http::caller::Caller;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::{Body, Params};
use crate::http::openapi::{DeliveryCode, DocumentCode, PartyCode, RoleCode};
use crate::store::cases::Loaded;
use crate::store::documents::{self, DeliveryRow, DocumentRow};
use crate::track::documents::{self as work, Delivered, Order, addressees, may_read};
use actix_web::http::header;
use actix_web::{HttpResponse, web};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::sync::LazyLock;
use utoipa::{IntoParams, ToSchema};

/// What a printed page may load: its own style, and nothing else.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let hash = STANDARD.encode(Sha256::digest(STYLE));
    format!(
        "default-src 'none'; style-src 'sha256-{hash}'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
    )
});

/// A document, as it is known.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Document)]
pub struct DocumentView {
    /// Number within the case.
    pub no: i16,
    /// Which.
    #[schema(value_type = DocumentCode)]
    pub kind: String,
    /// Its title.
    pub title: String,
    /// Number in the office's series.
    #[schema(example = "江宁市监投受〔2026〕第12号")]
    pub number: String,
    /// Office that issued it.
    pub office: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub issued_at: Timestamp,
    /// Role of who issued it.
    #[schema(value_type = RoleCode)]
    pub issued_by: String,
    /// Parties that it is for.
    #[schema(value_type = Vec<PartyCode>)]
    pub to: Vec<PartyRole>,
    /// How it reached them.
    pub deliveries: Vec<DeliveryView>,
}

/// A delivery, as it was recorded.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = DocumentDelivery)]
pub struct DeliveryView {
    /// To which party.
    #[schema(value_type = PartyCode)]
    pub to: String,
    /// How.
    #[schema(value_type = DeliveryCode)]
    pub way: String,
    /// On which day.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
    /// Role of who recorded it.
    #[schema(value_type = RoleCode)]
    pub recorded_by: String,
}

/// The documents of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct DocumentPage {
    /// Oldest first.
    pub items: Vec<DocumentView>,
    /// Always `null`: they come whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
}

/// A form to issue.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Issue {
    /// `complaint_registration`, `report_registration` or `distribution`; the others are issued by the step that owes them.
    #[schema(value_type = DocumentCode)]
    pub kind: DocumentKind,
}

/// A delivery to record.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Deliver {
    /// To which party.
    #[schema(value_type = PartyCode)]
    pub to: PartyRole,
    /// How.
    #[schema(value_type = DeliveryCode)]
    pub way: Delivery,
    /// On which day: from the day of issue to today.
    #[schema(value_type = String, format = Date)]
    pub on: Date,
}

/// In which form to print.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct FormatParam {
    /// `pdf` (the default), `html` or `json`.
    pub format: Option<String>,
}

/// The documents of a case, as far as they are for the caller.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/documents", tag = "documents",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = DocumentPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let items = of_case(&app, &caller, &path).await?;
    Ok(HttpResponse::Ok().json(DocumentPage { items, next_cursor: None }))
}

/// The documents of a case whose filer the caller may know, as far as they are for the caller.
///
/// # Errors
/// 404, or 403.
pub(in crate::http) async fn of_case(
    app: &App,
    caller: &Caller,
    reference: &str,
) -> Result<Vec<DocumentView>, Problem> {
    let found = cases::load_with_filer(app, caller, reference).await?;
    let seen = found.clone();
    let (rows, deliveries) =
        app.store.read(move |db| Ok((documents::of(db, &seen)?, documents::deliveries(db, &seen)?))).await?;
    Ok(shown(app, caller, &rows, &deliveries))
}

/// The documents of a case that are for a caller.
pub(super) fn shown(app: &App, caller: &Caller, rows: &[DocumentRow], deliveries: &[DeliveryRow]) -> Vec<DocumentView> {
    rows.iter().filter(|row| may_read(app, caller.who.role, &row.kind)).map(|row| view(app, row, deliveries)).collect()
}

/// The case and the number of the document that a path names.
async fn named(app: &App, caller: &Caller, path: &(String, String)) -> Result<(Loaded, i16), Problem> {
    caller.signed_in()?;
    let found = cases::load_with_filer(app, caller, &path.0).await?;
    Ok((found, path.1.parse().map_err(|_| Problem::not_found())?))
}

fn view(app: &App, row: &DocumentRow, deliveries: &[DeliveryRow]) -> DocumentView {
    let catalogue = app.catalogue();
    let template = DocumentKind::parse(&row.kind).ok().and_then(|kind| catalogue.documents.templates.get(&kind));
    let own = deliveries.iter().filter(|delivery| delivery.document_no == row.document_no);
    DocumentView {
        no: row.document_no,
        kind: row.kind.clone(),
        title: template.map_or_else(|| row.kind.clone(), |template| template.title.clone()),
        number: row.number.clone(),
        office: row.office.clone(),
        issued_at: row.issued_at.0,
        issued_by: row.issued_by.clone(),
        to: addressees(app, &row.kind),
        deliveries: own
            .map(|delivery| DeliveryView {
                to: delivery.party.clone(),
                way: delivery.way.clone(),
                on: delivery.delivered_on.0,
                recorded_by: delivery.recorded_by.clone(),
            })
            .collect(),
    }
}

/// Prints a document as it was issued.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/documents/{no}", tag = "documents",
    params(
        ("reference" = String, Path, description = "Reference number"),
        ("no" = i16, Path, description = "Number within the case"),
        FormatParam),
    responses(
        (status = 200, content((Vec<u8> = "application/pdf"), (String = "text/html"))),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn print(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    params: Params<FormatParam>,
) -> Result<HttpResponse, Problem> {
    let (found, no) = named(&app, &caller, &path).await?;
    let seen = found.clone();
    let row = app.store.read(move |db| documents::find(db, &seen, no)).await?.ok_or_else(Problem::not_found)?;
    if !may_read(&app, caller.who.role, &row.kind) {
        return Err(Problem::not_found());
    }
    let page = work::open(&app, &found, &row)?;
    let format = match params.0.format.as_deref().unwrap_or("pdf") {
        "json" => "json",
        "html" => "html",
        "pdf" => "pdf",
        _ => {
            let fault = Invalid::new("unknown_value", "unknown form").allowed("pdf, html, json");
            return Err(Problem::field("/format", fault));
        }
    };
    if caller.is_staff() {
        // It shows names, numbers and addresses whole; what can't be written down isn't shown.
        let entry = caller.occasion(&app).document_printed(&row.kind, no, format);
        app.record(entry.about(found.case.id, found.case.division)).await?;
    }
    match format {
        "json" => Ok(HttpResponse::Ok().json(page)),
        "html" => Ok(HttpResponse::Ok()
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY.as_str()))
            .body(document::html(&page))),
        _ => {
            let name = format!("inline; filename=\"{}-{no}.pdf\"", found.case.reference);
            // Some milliseconds of a core: not on the threads that answer requests.
            let bytes = web::block(move || document::pdf(&page)).await.map_err(Problem::internal)?;
            Ok(HttpResponse::Ok()
                .content_type("application/pdf")
                .insert_header((header::CONTENT_DISPOSITION, name))
                .body(bytes.map_err(Problem::internal)?))
        }
    }
}

/// Issues a form of the case: its registration, or the notice of its distribution.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/documents", tag = "documents",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = Issue, content_type = "application/json"),
    responses(
        (status = 201, body = DocumentView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn issue(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<Issue>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let found = cases::load_with_filer(&app, &caller, &path).await?;
    caller.may_with(Permission::IssueDocuments, found.case.kind)?;
    let app = app.into_inner();
    let order = Order {
        reference: found.case.reference.clone(),
        scope: caller.scope(),
        kind: body.value.kind,
        actor: caller.who.actor(),
    };
    let no = work::issue(&app, order).await?;
    let row = app.store.read(move |db| documents::find(db, &found, no)).await?.ok_or_else(Problem::not_found)?;
    let place = format!("/api/v1/cases/{}/documents/{no}", path.as_str());
    Ok(HttpResponse::Created().insert_header((header::LOCATION, place)).json(view(&app, &row, &[])))
}

/// Records that a document was delivered.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/documents/{no}/deliveries", tag = "documents",
    params(
        ("reference" = String, Path, description = "Reference number"),
        ("no" = i16, Path, description = "Number within the case")),
    request_body(content = Deliver, content_type = "application/json"),
    responses(
        (status = 201, body = DocumentView),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn deliver(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
    body: Body<Deliver>,
) -> Result<HttpResponse, Problem> {
    let (found, no) = named(&app, &caller, &path).await?;
    caller.may_with(Permission::IssueDocuments, found.case.kind)?;
    let app = app.into_inner();
    let given = Delivered {
        reference: found.case.reference.clone(),
        scope: caller.scope(),
        no,
        to: body.value.to,
        way: body.value.way,
        on: body.value.on,
        actor: caller.who.actor(),
    };
    work::deliver(&app, given).await?;
    let (row, deliveries) =
        app.store.read(move |db| Ok((documents::find(db, &found, no)?, documents::deliveries(db, &found)?))).await?;
    let row = row.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Created().json(view(&app, &row, &deliveries)))
}

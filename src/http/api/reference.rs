//! Reference data: codes and names, for forms and for other systems. The same for everyone, so that it may be kept a minute.

use crate::app::App;
use crate::config::catalogue::{
    Catalogue, Department, Ground, Office, PlaceKind, Rule, Station, StationKind, Unit, in_force,
};
use crate::domain::division::{Division, Level};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::vocabulary::Lang;
use crate::http::api::take;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody};
use crate::http::extract::Params;
use crate::http::openapi::ClockCode;
use crate::http::views::{Coded, hex};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
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
    lang: Option<String>,
    /// `next_cursor` of the page before.
    cursor: Option<String>,
    /// Lines of a page: 1 to 1000, 500 when not said.
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

impl ListParams {
    /// Reads them; those that this list doesn't have are unknown.
    fn read(&self, known: &[&str]) -> Result<Asked, Problem> {
        let mut faults = Problems::default();
        let filters = [("division", &self.division), ("department", &self.department), ("parent", &self.parent)];
        for (name, value) in filters {
            if value.is_some() && !known.contains(&name) {
                let allowed = [known, &["lang", "cursor", "limit"]].concat().join(", ");
                let fault = Invalid::new("unknown_field", "there is no such field").allowed(allowed);
                faults.at(format!("/{name}"), fault);
            }
        }
        let asked = Asked {
            lang: take(&mut faults, "lang", self.lang.as_deref(), Lang::parse).unwrap_or(Lang::Zh),
            division: take(&mut faults, "division", self.division.as_deref(), Division::parse),
            department: self.department.clone(),
            parent: take(&mut faults, "parent", self.parent.as_deref(), Division::parse),
            after: take(&mut faults, "cursor", self.cursor.as_deref(), cursor::to_code),
            limit: cursor::limit(self.limit.as_deref(), LINES.0, LINES.1, &mut faults),
        };
        cursor::check(faults)?;
        Ok(asked)
    }
}

/// Answers with the page of a list, or says that the client has it.
fn answer<T: Serialize + ToSchema>(
    request: &HttpRequest,
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
    let has_it = request
        .headers()
        .get(header::IF_NONE_MATCH)
        .and_then(|value| value.to_str().ok())
        .is_some_and(|tags| tags.split(',').any(|given| given.trim().trim_start_matches("W/") == tag));
    let mut response = if has_it { HttpResponse::NotModified() } else { HttpResponse::Ok() };
    response.insert_header((header::ETAG, tag)).insert_header((header::CACHE_CONTROL, "public, max-age=60"));
    Ok(if has_it { response.finish() } else { response.content_type("application/json").body(body) })
}

/// What disputes are about.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Sector)]
pub struct SectorView {
    /// Stable code.
    #[schema(example = "courier")]
    pub code: String,
    /// Name.
    pub name: String,
    /// Task of the programme plan, 1 to 19.
    pub task: Option<u8>,
    /// Sub-sectors that routing knows.
    pub subsectors: Vec<Coded>,
}

/// The sectors, in the order of the programme plan.
#[utoipa::path(get, path = "/api/v1/sectors", tag = "reference", params(PageParams),
    responses((status = 200, body = Page<SectorView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn sectors(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&[])?;
    let catalogue = app.catalogue();
    let lines = catalogue.sectors.iter().enumerate().map(|(place, sector)| {
        let subsectors = sector.subsectors.iter();
        let view = SectorView {
            code: sector.code.clone(),
            name: sector.name.in_lang(asked.lang).to_owned(),
            task: sector.task,
            subsectors: subsectors
                .map(|(code, name)| Coded { code: code.clone(), name: name.in_lang(asked.lang).to_owned() })
                .collect(),
        };
        (format!("{place:03}"), view)
    });
    answer(&request, &asked, lines.collect())
}

/// A line of government at the province.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Department)]
pub struct DepartmentView {
    /// Provincial code.
    #[schema(example = "jiangsu-amr")]
    pub code: String,
    /// Line, of which office codes are made.
    #[schema(example = "amr")]
    pub line: String,
    /// Name.
    pub name: String,
    /// First day of its existence.
    #[schema(value_type = Option<String>, format = Date)]
    pub from: Option<Date>,
    /// Last day, when it was dissolved.
    #[schema(value_type = Option<String>, format = Date)]
    pub until: Option<Date>,
    /// Whether it can decide a case.
    pub enforces: bool,
    /// Procedure that binds its offices.
    #[schema(value_type = String, example = "market_regulation")]
    pub regime: crate::domain::vocabulary::Regime,
    /// Who took over, when.
    pub successors: Vec<SuccessorView>,
}

/// Who took over from a department.
#[derive(Debug, Serialize, ToSchema)]
pub struct SuccessorView {
    /// Its code.
    pub code: String,
    /// From which day.
    #[schema(value_type = String, format = Date)]
    pub from: Date,
    /// The day is an estimate.
    pub estimate: bool,
    /// Which duties went there.
    pub scope: String,
}

fn department_view(catalogue: &Catalogue, department: &Department, lang: Lang) -> DepartmentView {
    DepartmentView {
        code: department.code.clone(),
        line: department.line.clone(),
        name: department.name.in_lang(lang).to_owned(),
        from: department.from,
        until: department.until,
        enforces: department.enforces,
        regime: department.regime,
        successors: catalogue
            .successions
            .iter()
            .filter(|one| one.predecessor == department.code)
            .map(|one| SuccessorView {
                code: one.successor.clone(),
                from: one.from,
                estimate: one.estimate,
                scope: one.scope.clone(),
            })
            .collect(),
    }
}

/// The departments, those of the past too.
#[utoipa::path(get, path = "/api/v1/departments", tag = "reference", params(PageParams),
    responses((status = 200, body = Page<DepartmentView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn departments(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&[])?;
    let catalogue = app.catalogue();
    let lines = catalogue.departments.values();
    let lines = lines.map(|one| (one.code.clone(), department_view(&catalogue, one, asked.lang))).collect();
    answer(&request, &asked, lines)
}

/// A department at a place.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Office)]
pub struct OfficeView {
    /// Code.
    #[schema(example = "amr-320115")]
    pub code: String,
    /// Name.
    pub name: String,
    /// Department.
    pub department: String,
    /// Place.
    #[schema(value_type = String, example = "320115")]
    pub division: Division,
    /// A person confirmed that it exists so.
    pub verified: bool,
    /// The authority publishes this service as a channel: statutory clocks run.
    pub published_channel: bool,
    /// Phone for the public.
    pub phone: Option<String>,
}

fn office_view(office: &Office, lang: Lang) -> OfficeView {
    OfficeView {
        code: office.code.clone(),
        name: office.name.in_lang(lang).to_owned(),
        department: office.department.clone(),
        division: office.division,
        verified: office.verified,
        published_channel: office.published_channel,
        phone: office.phone.clone(),
    }
}

/// The offices in force.
#[utoipa::path(get, path = "/api/v1/offices", tag = "reference",
    params(PageParams,
        ("division" = Option<String>, Query, description = "Within this division"),
        ("department" = Option<String>, Query, description = "Of this department: provincial code or line")),
    responses((status = 200, body = Page<OfficeView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn offices(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&["division", "department"])?;
    let (catalogue, today) = (app.catalogue(), app.today());
    let of_department = |office: &Office| {
        let Some(wanted) = asked.department.as_deref() else { return true };
        let line = catalogue.departments.get(&office.department).map(|department| department.line.as_str());
        office.department == wanted || line == Some(wanted)
    };
    let lines = catalogue
        .offices
        .values()
        .filter(|office| in_force(office.from, office.until, today))
        .filter(|office| asked.division.is_none_or(|root| office.division.is_within(root)))
        .filter(|office| of_department(office))
        .map(|office| (office.code.clone(), office_view(office, asked.lang)));
    answer(&request, &asked, lines.collect())
}

/// A station of 一会两站.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Station)]
pub struct StationView {
    /// Code.
    pub code: String,
    /// Name.
    pub name: String,
    /// `association_branch`, `complaint_station` or `service_station`.
    pub kind: &'static str,
    /// Town or county that it serves.
    #[schema(value_type = String, example = "320115001")]
    pub division: Division,
    /// Venue, market or merchant that hosts it.
    pub host: Option<String>,
    /// Office that supervises it.
    pub office: String,
    /// Sectors that it takes; empty is all.
    pub sectors: Vec<String>,
    /// Phone for the public.
    pub phone: Option<String>,
    /// From the sample file: no real station.
    pub sample: bool,
}

fn station_view(station: &Station, lang: Lang) -> StationView {
    StationView {
        code: station.code.clone(),
        name: station.name.in_lang(lang).to_owned(),
        kind: match station.kind {
            StationKind::AssociationBranch => "association_branch",
            StationKind::ComplaintStation => "complaint_station",
            StationKind::ServiceStation => "service_station",
        },
        division: station.division,
        host: station.host_name.clone(),
        office: station.office.clone(),
        sectors: station.sectors.clone(),
        phone: station.phone.clone(),
        sample: station.sample,
    }
}

/// The stations in force.
#[utoipa::path(get, path = "/api/v1/stations", tag = "reference",
    params(PageParams,
        ("division" = Option<String>, Query, description = "Within this division")),
    responses((status = 200, body = Page<StationView>), (status = 422, body = ProblemBody, content_type = "application/problem+json")))]
pub async fn stations(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&["division"])?;
    let (catalogue, today) = (app.catalogue(), app.today());
    let lines = catalogue
        .stations
        .values()
        .filter(|station| in_force(station.from, station.until, today))
        .filter(|station| asked.division.is_none_or(|root| is_within(station.division, root)))
        .map(|station| (station.code.clone(), station_view(station, asked.lang)));
    answer(&request, &asked, lines.collect())
}

/// Whether a place lies in another one.
fn is_within(place: Division, root: Division) -> bool {
    place.is_within(root) || (root.level() == Level::Town && place == root)
}

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
pub async fn divisions(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&["parent"])?;
    let catalogue = app.catalogue();
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
    answer(&request, &asked, lines.collect())
}

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
    pub regime: crate::domain::vocabulary::Regime,
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
    pub kind: crate::domain::vocabulary::ClockKind,
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
pub async fn rules(
    app: web::Data<App>,
    request: HttpRequest,
    params: Params<ListParams>,
) -> Result<HttpResponse, Problem> {
    let asked = params.0.read(&[])?;
    let catalogue = app.catalogue();
    let lines = catalogue.rules.iter().map(|rule| (rule.id.clone(), rule_view(rule, asked.lang))).collect();
    answer(&request, &asked, lines)
}

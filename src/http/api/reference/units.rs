//! Who does the work: sectors, departments, offices, stations.

use crate::config::catalogue::{Catalogue, Department, Office, Station, StationKind, in_force};
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::{Lang, Regime};
use crate::http::api::reference::{List, Page, PageParams};
use crate::http::error::{Problem, ProblemBody};
use crate::http::views::Coded;
use actix_web::HttpResponse;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

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
pub async fn sectors(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&[])?;
    let catalogue = &list.catalogue;
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
    list.answer(&asked, lines.collect())
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
    pub regime: Regime,
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
pub async fn departments(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&[])?;
    let catalogue = &list.catalogue;
    let lines = catalogue.departments.values();
    let lines = lines.map(|one| (one.code.clone(), department_view(catalogue, one, asked.lang))).collect();
    list.answer(&asked, lines)
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
pub async fn offices(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&["division", "department"])?;
    let (catalogue, today) = (&list.catalogue, list.today);
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
    list.answer(&asked, lines.collect())
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
pub async fn stations(list: List) -> Result<HttpResponse, Problem> {
    let asked = list.read(&["division"])?;
    let (catalogue, today) = (&list.catalogue, list.today);
    let lines = catalogue
        .stations
        .values()
        .filter(|station| in_force(station.from, station.until, today))
        .filter(|station| asked.division.is_none_or(|root| is_within(station.division, root)))
        .map(|station| (station.code.clone(), station_view(station, asked.lang)));
    list.answer(&asked, lines.collect())
}

/// Whether a place lies in another one.
fn is_within(place: Division, root: Division) -> bool {
    place.is_within(root) || (root.level() == Level::Town && place == root)
}

//! A case, as its caller may see it.

use crate::config::catalogue::Catalogue;
use crate::domain::case::{Case, Consents, ExternalReference, Milestones, Rating};
use crate::domain::clock::Clock;
use crate::domain::hidden::hidden_debug;
use crate::domain::money::Money;
use crate::domain::text::redact;
use crate::domain::vocabulary::{Demand, Kind, Lang, Outcome, Role, SectorSource, State};
use crate::http::caller::Caller;
use crate::http::openapi::{ChannelCode, ClockCode, DemandCode, KindCode, OutcomeCode, StateCode};
use crate::http::views::names::{Coded, Names};
use crate::http::views::party::{PartyView, names_of_people, party_view};
use crate::http::views::shapes::{AvailableSchema, ConsentsSchema, ExternalSchema, MilestonesSchema, RatingSchema};
use crate::track::Available;
use crate::track::dossier::Party;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use utoipa::ToSchema;

/// A case, as its caller may see it.
#[derive(Serialize, ToSchema)]
#[schema(as = Case)]
pub struct CaseView {
    /// Number for people.
    #[schema(example = "JS-20261123-7K3M9QX-C")]
    pub reference: String,
    /// Complaint or report.
    #[schema(value_type = KindCode)]
    pub kind: Kind,
    /// Where it stands.
    #[schema(value_type = StateCode)]
    pub state: State,
    /// What `If-Match` must name.
    pub version: i64,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Days since then, in Asia/Shanghai; a return doesn't start it again.
    pub age_days: i32,
    /// How it came in.
    #[schema(value_type = ChannelCode)]
    pub channel: crate::domain::vocabulary::Channel,
    /// Sector that routing goes by.
    pub sector: Coded,
    /// Whose word that is, and what the classifier said.
    pub classification: ClassificationView,
    /// Who is responsible.
    pub routing: RoutingView,
    /// Account of the unit that works on it; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// Its time limits, in the order in which they started.
    pub clocks: Vec<ClockView>,
    /// Whether a running limit has passed.
    pub overdue: bool,
    /// Days on which what the rates count came to pass.
    #[schema(value_type = MilestonesSchema)]
    pub milestones: Milestones,
    /// What is asked for.
    #[schema(value_type = Vec<DemandCode>)]
    pub demands: Vec<Demand>,
    /// Amount in dispute, yuan.
    #[schema(value_type = Option<String>, example = "2680.00")]
    pub amount: Option<Money>,
    /// Amount recovered, yuan.
    #[schema(value_type = Option<String>)]
    pub recovered: Option<Money>,
    /// When it happened.
    #[schema(value_type = Option<String>, format = Date)]
    pub incident_date: Option<Date>,
    /// How it was settled.
    #[schema(value_type = Option<OutcomeCode>)]
    pub outcome: Option<Outcome>,
    /// Ground of refusal or termination.
    pub ground: Option<GroundView>,
    /// JSON pointers of what acceptance needs (Art 10, 11) and the filing lacks.
    pub missing_for_acceptance: Vec<String>,
    /// Words on mediation so far.
    #[schema(value_type = ConsentsSchema)]
    pub consents: Consents,
    /// Cases that belong to it.
    pub linked: Vec<LinkView>,
    /// Whether statutory clocks run from this filing (Art 8, 40).
    pub statutory: bool,
    /// A report without a name.
    pub anonymous: bool,
    /// Its time of keeping is over: what people wrote, and who they are, isn't kept any more.
    pub erased: bool,
    /// Times that it was returned, whether a dispute over competence is open; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub competence: Option<CompetenceView>,
    /// Code of the body that it was referred to in words.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub referred_to: Option<String>,
    /// Numbers of other systems.
    #[schema(value_type = Vec<ExternalSchema>)]
    pub external_references: Vec<ExternalReference>,
    /// The complainant's judgement.
    #[schema(value_type = Option<RatingSchema>)]
    pub rating: Option<Rating>,
    /// What happened, in the person's own words.
    pub narrative: String,
    /// Those who take part, as far as the caller may know.
    pub parties: Vec<PartyView>,
    /// What the caller can do now.
    #[schema(value_type = Vec<AvailableSchema>)]
    pub available_actions: Vec<Available>,
}

hidden_debug!(CaseView);

/// Whose word the sector is, and what the classifier said.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClassificationView {
    /// Sector code.
    pub sector: String,
    /// Sub-sector, where routing needs one.
    pub subsector: Option<String>,
    /// `machine`, `person` or `staff`.
    #[schema(value_type = String)]
    pub source: SectorSource,
    /// The filer's own choice.
    pub chosen: Option<String>,
    /// The classifier's probability for its first candidate, 0 to 1.
    pub confidence: f64,
    /// The classifier was unsure and nobody had chosen.
    pub abstained: bool,
}

/// Who is responsible.
#[derive(Debug, Serialize, ToSchema)]
pub struct RoutingView {
    /// Division whose offices are responsible.
    pub division: Coded,
    /// Town of the dispute.
    pub town: Option<Coded>,
    /// Line of the office.
    pub department: Coded,
    /// The owner.
    pub office: Coded,
    /// Station that helps the parties or could.
    pub station: Option<Coded>,
    /// Procedure that binds the office.
    #[schema(value_type = String, example = "market_regulation")]
    pub regime: crate::domain::vocabulary::Regime,
    /// Rule version.
    #[schema(example = "order-121")]
    pub rule: String,
}

/// A time limit.
#[derive(Debug, Serialize, ToSchema)]
pub struct ClockView {
    /// Which.
    #[schema(value_type = ClockCode)]
    pub kind: crate::domain::vocabulary::ClockKind,
    /// Day that started it; not itself counted.
    #[schema(value_type = String, format = Date)]
    pub start: Date,
    /// Last day.
    #[schema(value_type = String, format = Date)]
    pub due: Date,
    /// Counted through a year whose calendar isn't published yet.
    pub provisional: bool,
    /// Rule version.
    pub rule: String,
    /// Calendar version.
    pub calendar: String,
    /// Runs: neither ended nor standing still.
    pub running: bool,
    /// Runs, and the last day has passed.
    pub overdue: bool,
    /// Stands still since.
    #[schema(value_type = Option<String>, format = Date)]
    pub paused_on: Option<Date>,
    /// Ended on.
    #[schema(value_type = Option<String>, format = Date)]
    pub stopped_on: Option<Date>,
}

/// A ground, with what it says.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroundView {
    /// Code of the rule version.
    #[schema(example = "R16_3")]
    pub code: String,
    /// What it says.
    pub text: Option<String>,
    /// Article.
    pub article: Option<String>,
}

/// Another case, and how it belongs to this one.
#[derive(Debug, Serialize, ToSchema)]
pub struct LinkView {
    /// Its number.
    pub reference: String,
    /// `both`, `split`, `merged_into`, `merged_from`, `linked`, `duplicate`.
    pub relation: String,
}

/// The way between offices; for staff.
#[derive(Debug, Serialize, ToSchema)]
pub struct CompetenceView {
    /// Times that it was returned.
    pub returns: u8,
    /// A dispute over competence is open (Art 33).
    pub in_dispute: bool,
    /// The common superior has named the office.
    pub designated: bool,
}

/// What belongs to a case, opened.
pub struct Opened {
    /// The case.
    pub case: Case,
    /// Whether it was erased; then there is neither narrative nor party.
    pub erased: bool,
    /// Its narrative.
    pub narrative: String,
    /// Its parties.
    pub parties: Vec<Party>,
    /// Numbers of linked cases, and how.
    pub linked: Vec<(String, String)>,
    /// What the caller can do.
    pub available: Vec<Available>,
}

hidden_debug!(Opened);

/// A case as a caller may see it.
pub fn case(catalogue: &Catalogue, opened: Opened, caller: &Caller, lang: Lang, today: Date) -> CaseView {
    let Opened { case, erased, mut narrative, parties, linked, available } = opened;
    if caller.who.role != Role::Consumer {
        // Numbers, addresses of mail and the names of those who take part are masked in it as they are beside it; what a
        // reporter wrote may name the reporter. Whoever needs them asks for them with a reason.
        narrative = redact(&narrative, &names_of_people(&parties));
    }
    let staff = caller.is_staff();
    let names = Names { catalogue, lang };
    let clocks: Vec<ClockView> = case.clocks.iter().map(|clock| clock_view(clock, today)).collect();
    CaseView {
        reference: case.reference.as_str().to_owned(),
        kind: case.kind,
        state: case.state,
        version: case.version,
        received_at: case.received_at,
        age_days: case.received_on.until(today).map_or(0, |span| span.get_days()).max(0),
        channel: case.channel,
        sector: names.sector(&case.sector),
        classification: ClassificationView {
            sector: case.sector.clone(),
            subsector: case.subsector.clone(),
            source: case.sector_source,
            chosen: case.sector_chosen.clone(),
            confidence: f64::from(case.confidence_permille) / 1000.0,
            abstained: case.abstained,
        },
        routing: RoutingView {
            division: names.division(case.division),
            town: case.town.map(|town| names.division(town)),
            department: names.line(&case.department),
            office: names.office(&case.office),
            station: case.station.as_deref().map(|code| names.station(code)),
            regime: case.regime,
            rule: case.rule.clone(),
        },
        assigned_to: case.assigned_to.clone().filter(|_| staff),
        overdue: clocks.iter().any(|clock| clock.overdue),
        clocks,
        demands: case.demands.clone(),
        amount: case.amount,
        recovered: case.recovered,
        incident_date: case.incident_date,
        outcome: case.outcome,
        ground: case.ground.as_deref().map(|code| names.ground(&case.rule, code)),
        missing_for_acceptance: case.missing.clone(),
        consents: case.consents,
        // A likely duplicate may be another person's: only staff are told.
        linked: linked
            .into_iter()
            .filter(|(_, relation)| {
                staff || matches!(relation.as_str(), "both" | "split" | "merged_into" | "merged_from")
            })
            .map(|(reference, relation)| LinkView { reference, relation })
            .collect(),
        statutory: case.statutory,
        anonymous: case.anonymous,
        erased,
        competence: staff.then_some(CompetenceView {
            returns: case.returns,
            in_dispute: case.in_dispute,
            designated: case.designated,
        }),
        referred_to: case.referred_to.clone(),
        external_references: case.external.clone(),
        rating: case.rating.clone(),
        narrative,
        parties: parties.into_iter().filter_map(|party| party_view(&case, party, caller)).collect(),
        milestones: case.milestones.clone(),
        available_actions: available,
    }
}

fn clock_view(clock: &Clock, today: Date) -> ClockView {
    ClockView {
        kind: clock.kind,
        start: clock.start,
        due: clock.due,
        provisional: clock.provisional,
        rule: clock.rule.clone(),
        calendar: clock.calendar.clone(),
        running: clock.is_running(),
        overdue: clock.is_overdue(today),
        paused_on: clock.paused_on,
        stopped_on: clock.stopped_on,
    }
}

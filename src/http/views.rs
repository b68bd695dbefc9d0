//! What callers are shown: shapes of answers, and what of a case each caller may see of it.
//!
//! Staff see personal data masked; a consumer sees what they gave themselves. Who reported a violation is shown to nobody
//! but the office that handles the report (Order 121 Art 37), and there masked too. A merchant sees no complainant.

use crate::config::catalogue::Catalogue;
use crate::domain::case::{Case, Consents, ExternalReference, Milestones, Rating};
use crate::domain::clock::Clock;
use crate::domain::identifiers::{mask_address, mask_email, mask_id, mask_name, mask_phone};
use crate::domain::money::Money;
use crate::domain::permission::{self, Permission};
use crate::domain::text::redact;
use crate::domain::vocabulary::{Action, Demand, Kind, Lang, Outcome, PartyRole, Role, SectorSource, State};
use crate::http::caller::Caller;
use crate::http::openapi::{
    ActionCode, ChannelCode, ClockCode, DemandCode, KindCode, OutcomeCode, PartyCode, RoleCode, StateCode,
};
use crate::store::filing::EventRow;
use crate::store::packed;
use crate::store::queue::Line;
use crate::store::types::NEVER;
use crate::track::Available;
use crate::track::dossier::Party;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Serialize;
use serde_json::Value;
use std::fmt::Write as _;
use utoipa::ToSchema;

/// A code with its name in the language asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coded {
    /// Stable code.
    #[schema(example = "amr-320115")]
    pub code: String,
    /// Name; the code when the catalogue has none.
    pub name: String,
}

/// A case, as its caller may see it.
#[derive(Debug, Serialize, ToSchema)]
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

/// Someone who takes part.
#[derive(Debug, Serialize, ToSchema)]
pub struct PartyView {
    /// In which part.
    #[schema(value_type = PartyCode)]
    pub role: PartyRole,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Kind of the identity document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// Credit code of a merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uscc: Option<String>,
    /// Whether parts of it are hidden by `*`.
    pub masked: bool,
}

/// What belongs to a case, opened.
#[derive(Debug)]
pub struct Opened {
    /// The case.
    pub case: Case,
    /// Its narrative.
    pub narrative: String,
    /// Its parties.
    pub parties: Vec<Party>,
    /// Numbers of linked cases, and how.
    pub linked: Vec<(String, String)>,
    /// What the caller can do.
    pub available: Vec<Available>,
}

/// Whether a caller may know who filed: a report's reporter is known to its office alone, and to itself.
pub fn sees_filer(case: &Case, caller: &Caller) -> bool {
    permission::may(caller.who.role, Permission::SeeFiler, case.kind)
}

/// A case as a caller may see it.
pub fn case(catalogue: &Catalogue, opened: Opened, caller: &Caller, lang: Lang, today: Date) -> CaseView {
    let Opened { case, mut narrative, parties, linked, available } = opened;
    if caller.who.role != Role::Consumer {
        // Numbers, addresses of mail and the names of those who take part are masked in it as they are beside it; what a
        // reporter wrote may name the reporter. Whoever needs them asks for them with a reason.
        let people = parties.iter().filter(|party| !is_merchant(party.role));
        let names: Vec<&str> = people.filter_map(|party| party.name.as_deref()).collect();
        narrative = redact(&narrative, &names);
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

/// Whether a party is the merchant or its platform, whose names are public.
pub const fn is_merchant(role: Option<PartyRole>) -> bool {
    matches!(role, Some(PartyRole::Respondent | PartyRole::Platform))
}

fn party_view(case: &Case, party: Party, caller: &Caller) -> Option<PartyView> {
    let role = party.role?;
    if is_merchant(party.role) {
        // The merchant's name, address and code are public; its phone may be a person's.
        let phone = party.phone.filter(|_| caller.is_staff()).map(|phone| mask_phone(&phone));
        return Some(PartyView {
            role,
            name: party.name,
            masked: phone.is_some(),
            phone,
            email: None,
            address: party.address,
            id_type: None,
            id_number: None,
            uscc: party.uscc,
        });
    }
    if !sees_filer(case, caller) {
        return None;
    }
    let own = caller.who.role == Role::Consumer;
    let shown =
        |value: Option<String>, mask: fn(&str) -> String| value.map(|value| if own { value } else { mask(&value) });
    Some(PartyView {
        role,
        name: shown(party.name, mask_name),
        phone: shown(party.phone, mask_phone),
        email: shown(party.email, mask_email),
        address: shown(party.address, mask_address),
        id_type: party.id_type,
        id_number: shown(party.id_number, mask_id),
        uscc: None,
        masked: !own,
    })
}

/// Names out of the catalogue in a language.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The language.
    pub lang: Lang,
}

impl Names<'_> {
    fn coded(code: &str, name: Option<&str>) -> Coded {
        Coded { code: code.to_owned(), name: name.unwrap_or(code).to_owned() }
    }

    /// A sector.
    pub fn sector(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.sector(code).map(|sector| sector.name.in_lang(self.lang)))
    }

    /// An office.
    pub fn office(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.offices.get(code).map(|office| office.name.in_lang(self.lang)))
    }

    /// A station.
    pub fn station(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.stations.get(code).map(|station| station.name.in_lang(self.lang)))
    }

    /// An office or a station.
    pub fn unit(&self, code: &str) -> Coded {
        if self.catalogue.stations.contains_key(code) { self.station(code) } else { self.office(code) }
    }

    /// A line of government: its provincial department's name.
    pub fn line(&self, line: &str) -> Coded {
        let departments = &self.catalogue.departments;
        // Of several in the course of time, the one that still exists.
        let of_line = || departments.values().filter(|department| department.line == line);
        let found = of_line().find(|department| department.until.is_none()).or_else(|| of_line().next());
        Self::coded(line, found.map(|department| department.name.in_lang(self.lang)))
    }

    /// A division.
    pub fn division(&self, code: crate::domain::division::Division) -> Coded {
        Self::coded(&code.to_string(), self.catalogue.places.get(code).map(|place| place.name.as_str()))
    }

    fn ground(&self, rule: &str, code: &str) -> GroundView {
        let found = self.catalogue.rule_by_id(rule).and_then(|rule| rule.ground(code));
        GroundView {
            code: code.to_owned(),
            text: found.map(|ground| ground.name.in_lang(self.lang).to_owned()),
            article: found.map(|ground| ground.article.clone()),
        }
    }
}

/// One step of a case's history.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Event)]
pub struct EventView {
    /// Number within the case, from 1.
    pub seq: i64,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub at: Timestamp,
    /// The step.
    #[schema(value_type = ActionCode)]
    pub action: String,
    /// State before; `null` for the filing.
    #[schema(value_type = Option<StateCode>)]
    pub from: Option<String>,
    /// State after.
    #[schema(value_type = StateCode)]
    pub to: String,
    /// Role of who took it.
    #[schema(value_type = RoleCode)]
    pub role: String,
    /// Account of staff; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub actor: Option<String>,
    /// Unit of staff.
    pub unit: Option<String>,
    /// Coded fields that it carried.
    #[schema(value_type = Option<Object>)]
    pub fields: Option<Value>,
    /// What people wrote, by field, when the caller may read it.
    #[schema(value_type = Option<Object>)]
    pub texts: Option<Value>,
    /// What it changed of the case, as a merge patch; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    #[schema(value_type = Option<Object>)]
    pub changes: Option<Value>,
    /// Hash of the event before, hexadecimal; zeros before the first.
    pub previous_hash: String,
    /// Hash over that and this event.
    pub hash: String,
}

/// The history of a case.
#[derive(Debug, Serialize, ToSchema)]
pub struct History {
    /// Its events, oldest first.
    pub items: Vec<EventView>,
    /// Always `null`: a history comes whole.
    #[schema(value_type = Option<String>)]
    pub next_cursor: Option<String>,
    /// Whether the chain of hashes is whole.
    pub whole: bool,
    /// The first event that isn't as it was written.
    pub first_broken: Option<i64>,
}

/// Steps that stay within the units: a consumer sees that they were taken, not what was written.
fn is_internal(action: &str) -> bool {
    matches!(
        Action::parse(action),
        Ok(Action::Note
            | Action::Assign
            | Action::Urge
            | Action::Supervise
            | Action::Circulate
            | Action::Return
            | Action::Designate
            | Action::Link
            | Action::Extend
            | Action::Recompute)
    )
}

/// Whether a caller may read what was written at a step.
pub fn reads_text(case: &Case, event: &EventRow, caller: &Caller) -> bool {
    let by_filer = event.role == Role::Consumer.code();
    match caller.who.role {
        Role::Consumer => by_filer || !is_internal(&event.action),
        Role::Merchant | Role::Admin => false,
        // What a reporter writes may tell who it is.
        _ => !by_filer || sees_filer(case, caller),
    }
}

/// What was written at a step, as staff see it: contacts masked, and whatever looks like one in a text.
pub fn masked_texts(value: Value, names: &[&str]) -> Value {
    masked(value, "", false, names)
}

fn masked(value: Value, field: &str, of_merchant: bool, names: &[&str]) -> Value {
    match value {
        Value::String(text) => Value::String(match field {
            // The merchant's name and address are public.
            "name" | "address" if of_merchant => text,
            "name" => mask_name(&text),
            "phone" => mask_phone(&text),
            "email" => mask_email(&text),
            "address" => mask_address(&text),
            "id_number" => mask_id(&text),
            _ => redact(&text, names),
        }),
        Value::Array(items) => {
            Value::Array(items.into_iter().map(|item| masked(item, field, of_merchant, names)).collect())
        }
        Value::Object(fields) => {
            let inner = |(key, value): (String, Value)| {
                let merchant = of_merchant || key == "respondent" || key == "platform";
                let value = masked(value, &key, merchant, names);
                (key, value)
            };
            Value::Object(fields.into_iter().map(inner).collect())
        }
        other => other,
    }
}

/// A history as a caller may see it; `texts` are what was opened of each event.
pub fn history(rows: &[EventRow], texts: Vec<Option<Value>>, broken: Option<i64>, caller: &Caller) -> History {
    let staff = caller.is_staff();
    let mut previous = hex(&crate::domain::chain::GENESIS);
    let items = rows
        .iter()
        .zip(texts)
        .map(|(row, texts)| {
            let mut data: Value =
                packed::unpack(&row.data).ok().and_then(|text| serde_json::from_str(&text).ok()).unwrap_or_default();
            let open = staff || !is_internal(&row.action);
            let mut part = |name: &str| data.get_mut(name).map(Value::take);
            let hash = hex(&row.hash);
            EventView {
                seq: row.seq,
                at: row.at.0,
                action: row.action.clone(),
                from: row.from_state.clone(),
                to: row.to_state.clone(),
                role: row.role.clone(),
                actor: row.actor.clone().filter(|_| staff),
                unit: row.unit.clone(),
                fields: part("fields").filter(|_| open),
                changes: part("changes").filter(|_| staff),
                texts,
                previous_hash: std::mem::replace(&mut previous, hash.clone()),
                hash,
            }
        })
        .collect();
    History { items, next_cursor: None, whole: broken.is_none(), first_broken: broken }
}

/// Bytes in hexadecimal.
pub fn hex(bytes: &[u8]) -> String {
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a string can't fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// A line of a list of cases: nothing personal.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = CaseLine)]
pub struct LineView {
    /// Number for people.
    pub reference: String,
    /// Complaint or report.
    #[schema(value_type = KindCode)]
    pub kind: String,
    /// Where it stands.
    #[schema(value_type = StateCode)]
    pub state: String,
    /// Version.
    pub version: i64,
    /// When it was received.
    #[schema(value_type = String, format = DateTime)]
    pub received_at: Timestamp,
    /// Earliest last day of a running limit.
    #[schema(value_type = Option<String>, format = Date)]
    pub due: Option<Date>,
    /// That day has passed.
    pub overdue: bool,
    /// Day of its end.
    #[schema(value_type = Option<String>, format = Date)]
    pub closed_on: Option<Date>,
    /// Sector.
    pub sector: Coded,
    /// Division.
    pub division: Coded,
    /// Line of the office.
    pub department: String,
    /// Office.
    pub office: Coded,
    /// Station at which it lies or lay.
    pub station: Option<Coded>,
    /// Channel.
    #[schema(value_type = ChannelCode)]
    pub channel: String,
    /// Who works on it.
    pub assigned_to: Option<String>,
    /// The merchant.
    pub respondent: Option<String>,
    /// Amount in dispute, yuan.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Money>,
}

/// A page of cases.
#[derive(Debug, Serialize, ToSchema)]
pub struct CasePage {
    /// The cases.
    pub items: Vec<LineView>,
    /// Where the next page begins; `null` at the end.
    pub next_cursor: Option<String>,
}

/// A line of a list.
pub fn line(names: Names<'_>, line: Line, today: Date) -> LineView {
    let due = (line.next_due != NEVER).then_some(line.next_due.0);
    let division = crate::domain::division::Division::from_number(i64::from(line.division));
    LineView {
        kind: line.kind,
        state: line.state,
        version: line.version,
        received_at: line.received_at.0,
        due,
        overdue: line.closed_on.is_none() && due.is_some_and(|due| due < today),
        closed_on: line.closed_on.map(|day| day.0),
        sector: names.sector(&line.sector),
        division: division.map_or_else(
            |_| Coded { code: line.division.to_string(), name: line.division.to_string() },
            |division| names.division(division),
        ),
        department: line.department,
        office: names.office(&line.office),
        station: Some(line.station).filter(|code| !code.is_empty()).map(|code| names.station(&code)),
        channel: line.channel,
        assigned_to: line.assigned_to,
        respondent: line.respondent,
        amount: line.amount_fen.and_then(Money::from_fen),
        reference: line.reference,
    }
}

// The shapes of what other modules serialise, for the description of the API only.

/// Days on which what the rates count came to pass.
#[derive(ToSchema)]
#[schema(as = Milestones)]
#[expect(dead_code, reason = "describes domain::case::Milestones")]
struct MilestonesSchema {
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
struct ConsentsSchema {
    complainant: Option<bool>,
    respondent: Option<bool>,
}

/// A number of another system.
#[derive(ToSchema)]
#[schema(as = ExternalNumber)]
#[expect(dead_code, reason = "describes domain::case::ExternalReference")]
struct ExternalSchema {
    system: String,
    number: String,
}

/// The complainant's judgement.
#[derive(ToSchema)]
#[schema(as = Rating)]
#[expect(dead_code, reason = "describes domain::case::Rating")]
struct RatingSchema {
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
struct AvailableSchema {
    action: ActionCode,
    fields: Vec<FieldSchema>,
}

/// A field of a step.
#[derive(ToSchema)]
#[schema(as = ActionField)]
#[expect(dead_code, reason = "describes track::FieldSpec")]
struct FieldSchema {
    name: String,
    required: bool,
    r#type: String,
    allowed: Option<Vec<String>>,
    max_length: Option<usize>,
    min: Option<i64>,
    max: Option<i64>,
}

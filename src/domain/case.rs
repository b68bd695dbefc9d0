//! A case: the fold of its events, without anything personal in it.

use crate::domain::clock::Clock;
use crate::domain::division::Division;
use crate::domain::joint::Joint;
use crate::domain::money::Money;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Channel, Demand, Kind, Lang, Outcome, Regime, Role, SectorSource, State};
use jiff::{Timestamp, civil::Date};
use serde::{Deserialize, Serialize};
use uuid::Uuid;

/// Key of a case: a uuid v7 made by the application from the time of receipt, so that a month is a range of keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(transparent)]
pub struct CaseId(pub Uuid);

/// Who did something: a role, and for staff the account and the unit they act for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Actor {
    /// In which role.
    pub role: Role,
    /// Account name of staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user: Option<String>,
    /// Office or station of staff.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
}

impl Actor {
    /// The service itself.
    pub const SYSTEM: Self = Self { role: Role::System, user: None, unit: None };
}

/// The consumer's judgement, given by the consumer and asked for by the system.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rating {
    /// Whether the problem was solved.
    pub solved: bool,
    /// 1 (very dissatisfied) to 5 (very satisfied); 4 and 5 count as satisfied.
    pub satisfied: u8,
    /// Whether the unit made contact.
    pub contacted: bool,
    /// Day of the first rating; it may be changed within 20 days.
    pub on: Date,
}

/// Whether the parties consent to mediation (Art 18) and to entrusting it (Art 19). `None` is no word yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Consents {
    /// The complainant's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub complainant: Option<bool>,
    /// The respondent's word.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub respondent: Option<bool>,
}

/// Days on which what the rates count came to pass, in Asia/Shanghai.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Milestones {
    /// First lawful disposal notice: accepted, refused with reason, referred, settled at a station.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub disposed: Option<Date>,
    /// Last day for the first decision, while it is awaited or as it was when made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decision_due: Option<Date>,
    /// First decision by the competent office: accepted or refused; for a report, filing decided.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub decided: Option<Date>,
    /// Accepted by the office.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub accepted: Option<Date>,
    /// Mediation opened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub mediation: Option<Date>,
    /// Came to its (last) end.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed: Option<Date>,
    /// Whether every limit that bound the end was kept.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub closed_in_time: Option<bool>,
    /// The station's turn ended: settled there, withdrawn there, or handed over.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station_ended: Option<Date>,
    /// The parties settled between themselves at the station.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settled_at_station: bool,
}

/// A case as its events have made it. Names, contacts and the narrative are not here: they are sealed beside it.
///
/// Serialised, it is what an event's `changes` patch (RFC 7396): the case is the fold of the patches of its events.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Case {
    /// Key.
    pub id: CaseId,
    /// Number for people.
    pub reference: Reference,
    /// Complaint or report.
    pub kind: Kind,
    /// Where it stands.
    pub state: State,
    /// Number of its last event, 1 for the filing; what `If-Match` names.
    pub version: i64,
    /// When the service took it in (or the paper, hotline or platform did, for staff entry and import).
    pub received_at: Timestamp,
    /// The same as a day in Asia/Shanghai.
    pub received_on: Date,
    /// When the competent office received it; anew after a return. ACCEPT counts from here.
    pub with_office_since: Date,
    /// How it came in.
    pub channel: Channel,
    /// Language of the person.
    pub lang: Lang,
    /// Sector that routing goes by.
    pub sector: String,
    /// Sub-sector where routing needs one, e.g. `medical_beauty`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub subsector: Option<String>,
    /// Whose word that is.
    pub sector_source: SectorSource,
    /// The filer's own choice, kept beside.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sector_chosen: Option<String>,
    /// The classifier's probability for its first candidate, in thousandths.
    pub confidence_permille: u16,
    /// The classifier abstained.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub abstained: bool,
    /// County (or city, province, a place outside) whose offices are responsible: what scopes and statistics go by.
    pub division: Division,
    /// Town or street of the dispute, when it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub town: Option<Division>,
    /// Line of the responsible office, without the place: `amr`, `post`.
    pub department: String,
    /// Office that owns the case; also in triage, where it is the fallback owner.
    pub office: String,
    /// Station that helps the parties or could.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub station: Option<String>,
    /// Procedure that binds the office.
    pub regime: Regime,
    /// Rule version by date of receipt, e.g. `order-121`.
    pub rule: String,
    /// Whether statutory clocks run from this filing (the office publishes this service as a channel, or it came from 12315).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub statutory: bool,
    /// The parties try to settle at the station first.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub settle_first: bool,
    /// Filed without a name (reports).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub anonymous: bool,
    /// Code of the body that a case outside our competence was referred to in words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub referred_to: Option<String>,
    /// Member of the unit who works on it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub assigned_to: Option<String>,
    /// What is asked for.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub demands: Vec<Demand>,
    /// Amount in dispute.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub amount: Option<Money>,
    /// Amount recovered for the complainant.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub recovered: Option<Money>,
    /// When it happened.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub incident_date: Option<Date>,
    /// JSON pointers of what acceptance needs (Art 10, 11) and the filing lacks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
    /// Agrees to publication.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub publish_consent: bool,
    /// Agrees to mediation by an entrusted body.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub entrust_consent: bool,
    /// Number of representatives of a joint complaint (Art 12): 0, or at most 2.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub representatives: u8,
    /// Its part in a group of complaints that are handled together (Art 12).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub joint: Option<Joint>,
    /// Words on mediation so far.
    #[serde(default)]
    pub consents: Consents,
    /// Times it was returned; at the second a dispute over competence opens.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub returns: u8,
    /// A dispute over competence is open (Art 33).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub in_dispute: bool,
    /// Designated by the common superior: can't be returned again.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub designated: bool,
    /// Opened again already.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub reopened: bool,
    /// Why mediation stands still: `testing` or `recusal`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub suspended_for: Option<String>,
    /// How it was settled.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outcome: Option<Outcome>,
    /// Ground of refusal or termination, of the case's rule version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ground: Option<String>,
    /// The complainant's judgement.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rating: Option<Rating>,
    /// Numbers that other systems gave it, e.g. `platform_12315`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub external: Vec<ExternalReference>,
    /// Days that the rates count.
    #[serde(default)]
    pub milestones: Milestones,
    /// Its time limits, in the order in which they started.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clocks: Vec<Clock>,
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature that serde asks for")]
fn is_zero(n: &u8) -> bool {
    *n == 0
}

/// A number that another system gave the same matter.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ExternalReference {
    /// Which system, e.g. `platform_12315`, `hotline_12345`, `import`.
    pub system: String,
    /// Its number there.
    pub number: String,
}

impl Case {
    /// The earliest day on which a running clock ends: what a queue is sorted by.
    pub fn next_due(&self) -> Option<Date> {
        self.clocks.iter().filter(|clock| clock.is_running()).map(|clock| clock.due).min()
    }
}

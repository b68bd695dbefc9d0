//! What a person or a file hands in: read, checked whole, and brought to one form.

use crate::config::catalogue::Catalogue;
use crate::domain::case::ExternalReference;
use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::money::Money;
use crate::domain::party::{Person, RawPerson, RawRespondent, Respondent, optional};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::text;
use crate::domain::vocabulary::{Channel, Demand, Kind, Lang};
use jiff::{Timestamp, civil::Date};
use serde::Deserialize;
use utoipa::ToSchema;

/// Fewest and most characters of a narrative.
pub const NARRATIVE: (usize, usize) = (2, 5000);

/// First day of receipt that this service has rules for.
pub const FIRST_DAY: Date = Date::constant(2020, 1, 1);

/// A filing as it is sent. Only `kind` and `narrative` must be there; what acceptance needs besides (Order 121 Art 10, 11) is
/// listed in the answer.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Filing)]
pub struct Raw {
    /// `complaint`, `report`, or `both`: then two linked cases are made (Art 9).
    #[schema(value_type = String, example = "complaint")]
    pub kind: Option<String>,
    /// What happened, in the person's own words; 2 to 5000 characters.
    #[schema(value_type = String, example = "双十一在某平台买的电动车电池三天就坏，店家不退")]
    pub narrative: Option<String>,
    /// The merchant.
    pub respondent: Option<RawRespondent>,
    /// The person; left out when anonymous.
    pub complainant: Option<RawPerson>,
    /// What is asked for.
    #[schema(value_type = Option<Vec<String>>, example = json!(["refund"]))]
    pub demands: Option<Vec<String>>,
    /// Amount in dispute, yuan, as a decimal string.
    #[schema(example = "2680.00")]
    pub amount: Option<String>,
    /// Place of the dispute: GB/T 2260 code of a county, or 9 digits for a town.
    #[schema(example = "320115")]
    pub division: Option<String>,
    /// When it happened.
    #[schema(format = Date)]
    pub incident_date: Option<String>,
    /// When it was received; import and staff entry only, not in the future, not before 2020-01-01.
    #[schema(format = DateTime)]
    pub received_at: Option<String>,
    /// How it came in; `web` when not said.
    pub channel: Option<String>,
    /// Whether the parties should try to settle at a station first (Art 6, 18).
    pub settle_first: Option<bool>,
    /// Numbers that other systems gave the matter.
    pub external_references: Option<Vec<RawExternal>>,
    /// The person's own choice of sector.
    pub sector: Option<String>,
    /// Agrees to publication.
    pub publish_consent: Option<bool>,
    /// Agrees to mediation by an entrusted body (Art 19).
    pub entrust_consent: Option<bool>,
    /// Someone who acts for the complainant (Art 11).
    pub agent: Option<RawPerson>,
    /// Representatives of a joint complaint: two at most (Art 12).
    pub representatives: Option<Vec<RawPerson>>,
    /// Without a name; reports only.
    pub anonymous: Option<bool>,
    /// `zh` or `en`.
    pub lang: Option<String>,
}

hidden_debug!(Raw);

/// A number of another system as it is sent.
#[derive(Debug, Clone, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = ExternalReference)]
pub struct RawExternal {
    /// Which system, e.g. `platform_12315`.
    pub system: String,
    /// Its number there.
    pub number: String,
}

/// A filing that can be taken.
#[derive(Clone)]
pub struct Submission {
    /// One kind, or both.
    pub kinds: Vec<Kind>,
    /// The narrative.
    pub narrative: String,
    /// The merchant.
    pub respondent: Respondent,
    /// The person.
    pub complainant: Person,
    /// What is asked for.
    pub demands: Vec<Demand>,
    /// Amount in dispute.
    pub amount: Option<Money>,
    /// Place of the dispute.
    pub place: Option<Division>,
    /// When it happened.
    pub incident_date: Option<Date>,
    /// When it was received, if not now.
    pub received_at: Option<Timestamp>,
    /// How it came in.
    pub channel: Channel,
    /// Settle at a station first.
    pub settle_first: bool,
    /// Numbers of other systems.
    pub external: Vec<ExternalReference>,
    /// The person's own choice of sector.
    pub sector: Option<String>,
    /// Agrees to publication.
    pub publish_consent: bool,
    /// Agrees to entrusted mediation.
    pub entrust_consent: bool,
    /// Agent.
    pub agent: Option<Person>,
    /// Representatives.
    pub representatives: Vec<Person>,
    /// Without a name.
    pub anonymous: bool,
    /// Language.
    pub lang: Lang,
}

hidden_debug!(Submission);

/// Who hands it in, which decides what may be said in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Entry {
    /// Anyone.
    Public,
    /// Signed-in staff, for a person on the phone, at the counter, by letter.
    Staff,
    /// A file, by an operator.
    Import,
}

/// What checking needs to know.
#[derive(Debug, Clone, Copy)]
pub struct Checks<'a> {
    /// Sectors and divisions.
    pub catalogue: &'a Catalogue,
    /// Now.
    pub now: Timestamp,
    /// Today in Asia/Shanghai.
    pub today: Date,
    /// Who hands it in.
    pub entry: Entry,
}

impl Raw {
    /// Checks all of it.
    ///
    /// # Errors
    /// Every fault, each with its JSON pointer and what would be allowed.
    pub fn check(self, checks: &Checks<'_>) -> Result<Submission, Problems> {
        let mut faults = Problems::default();
        let kinds = faults.take("/kind", kinds(self.kind.as_deref()));
        let (least, most) = NARRATIVE;
        let narrative = faults.take(
            "/narrative",
            self.narrative.as_deref().ok_or_else(required).and_then(|narrative| text::free(narrative, least, most)),
        );
        let reports_only = kinds.as_deref() == Some(&[Kind::Report]);
        let anonymous = self.anonymous.unwrap_or(false);
        if anonymous && !reports_only && kinds.is_some() {
            faults.at(
                "/anonymous",
                Invalid::new("not_for_complaints", "only a report can be anonymous (Art 10)").allowed("false"),
            );
        }
        if anonymous && self.complainant.is_some() {
            faults.at("/complainant", Invalid::new("not_when_anonymous", "an anonymous report has no complainant"));
        }
        let complainant = self.complainant.map(|person| person.check("/complainant", &mut faults)).unwrap_or_default();
        let respondent = self.respondent.map(|raw| raw.check(&mut faults)).unwrap_or_default();
        let agent = self.agent.map(|person| person.check("/agent", &mut faults));
        let representatives = representatives(self.representatives.unwrap_or_default(), &mut faults);
        let demands = demands(self.demands.unwrap_or_default(), &mut faults);
        let amount = optional("/amount", self.amount.as_deref(), Money::parse, &mut faults);
        let place = optional("/division", self.division.as_deref(), Division::parse, &mut faults);
        let incident_date = optional("/incident_date", self.incident_date.as_deref(), date, &mut faults);
        if incident_date.is_some_and(|day| day > checks.today) {
            faults.at("/incident_date", Invalid::new("in_future", "lies in the future").allowed("today or before"));
        }
        let received_at = optional("/received_at", self.received_at.as_deref(), |at| received(at, checks), &mut faults);
        let channel = optional("/channel", self.channel.as_deref(), |code| channel(code, checks.entry), &mut faults);
        let external = external(self.external_references.unwrap_or_default(), &mut faults);
        let sector =
            optional("/sector", self.sector.as_deref(), |code| known_sector(code, checks.catalogue), &mut faults);
        let lang = optional("/lang", self.lang.as_deref(), Lang::parse, &mut faults);
        match (kinds, narrative) {
            (Some(kinds), Some(narrative)) if faults.0.is_empty() => Ok(Submission {
                kinds,
                narrative,
                respondent,
                complainant,
                demands,
                amount,
                place,
                incident_date,
                received_at,
                channel: channel.unwrap_or(match checks.entry {
                    Entry::Public => Channel::Web,
                    Entry::Staff => Channel::Counter,
                    Entry::Import => Channel::Import,
                }),
                settle_first: self.settle_first.unwrap_or(false),
                external,
                sector,
                publish_consent: self.publish_consent.unwrap_or(false),
                entrust_consent: self.entrust_consent.unwrap_or(false),
                agent,
                representatives,
                anonymous,
                lang: lang.unwrap_or(Lang::Zh),
            }),
            _ => Err(faults),
        }
    }
}

impl Submission {
    /// JSON pointers of what acceptance needs and the filing lacks (Art 10, 11). A report needs nothing but its clue.
    pub fn missing(&self, kind: Kind) -> Vec<String> {
        if kind == Kind::Report {
            return Vec::new();
        }
        let mut missing = Vec::new();
        let mut need = |there: bool, pointer: &str| {
            if !there {
                missing.push(pointer.to_owned());
            }
        };
        need(self.complainant.name.is_some(), "/complainant/name");
        need(self.complainant.phone.is_some(), "/complainant/phone");
        need(self.complainant.address.is_some(), "/complainant/address");
        need(self.respondent.name.is_some(), "/respondent/name");
        need(self.respondent.address.is_some(), "/respondent/address");
        need(!self.demands.is_empty(), "/demands");
        if let Some(agent) = &self.agent {
            need(agent.name.is_some(), "/agent/name");
            need(agent.id_number.is_some(), "/agent/id_number");
            need(agent.authorised, "/agent/authorised");
        }
        missing
    }
}

fn required() -> Invalid {
    Invalid::new("required", "is required")
}

fn kinds(kind: Option<&str>) -> Result<Vec<Kind>, Invalid> {
    match kind.ok_or_else(|| required().allowed("complaint, report, both"))? {
        "complaint" => Ok(vec![Kind::Complaint]),
        "report" => Ok(vec![Kind::Report]),
        "both" => Ok(vec![Kind::Complaint, Kind::Report]),
        _ => Err(Invalid::new("unknown_value", "unknown kind").allowed("complaint, report, both")),
    }
}

fn date(value: &str) -> Result<Date, Invalid> {
    value
        .parse()
        .ok()
        .filter(|_| value.len() == 10)
        .ok_or_else(|| Invalid::new("date", "not a date").allowed("YYYY-MM-DD"))
}

fn received(value: &str, checks: &Checks<'_>) -> Result<Timestamp, Invalid> {
    let allowed = "an RFC 3339 instant from 2020-01-01 up to now";
    if checks.entry == Entry::Public {
        return Err(Invalid::new("not_for_public", "only staff entry and import may say when it was received"));
    }
    let at: Timestamp = value.parse().map_err(|_| Invalid::new("instant", "not an instant").allowed(allowed))?;
    if at > checks.now {
        return Err(Invalid::new("in_future", "lies in the future").allowed(allowed));
    }
    if crate::ambient::today_in_shanghai(at) < FIRST_DAY {
        return Err(Invalid::new(
            "before_rules",
            "was received before 2020-01-01, when Order 20 came into force: no rule covers it",
        )
        .allowed(allowed));
    }
    Ok(at)
}

fn channel(code: &str, entry: Entry) -> Result<Channel, Invalid> {
    let channel = Channel::parse(code)?;
    let public = matches!(channel, Channel::Web | Channel::App | Channel::Open311);
    if entry == Entry::Public && !public {
        return Err(
            Invalid::new("not_for_public", "only staff and import may name this channel").allowed("web, app, open311")
        );
    }
    Ok(channel)
}

fn known_sector(code: &str, catalogue: &Catalogue) -> Result<String, Invalid> {
    catalogue.sector(code).map(|sector| sector.code.clone()).ok_or_else(|| {
        let all: Vec<_> = catalogue.sectors.iter().map(|sector| sector.code.as_str()).collect();
        Invalid::new("unknown_value", "unknown sector").allowed(all.join(", "))
    })
}

fn demands(codes: Vec<String>, faults: &mut Problems) -> Vec<Demand> {
    let mut demands = Vec::new();
    for (place, code) in codes.iter().enumerate() {
        if let Some(demand) = faults.take(format!("/demands/{place}"), Demand::parse(code))
            && !demands.contains(&demand)
        {
            demands.push(demand);
        }
    }
    demands
}

fn representatives(people: Vec<RawPerson>, faults: &mut Problems) -> Vec<Person> {
    if people.len() > 2 {
        faults.at(
            "/representatives",
            Invalid::new("too_many", "a joint complaint has two representatives at most (Art 12)").allowed("0 to 2"),
        );
        return Vec::new();
    }
    people
        .into_iter()
        .enumerate()
        .map(|(place, person)| person.check(&format!("/representatives/{place}"), faults))
        .collect()
}

fn external(references: Vec<RawExternal>, faults: &mut Problems) -> Vec<ExternalReference> {
    if references.len() > 10 {
        faults.at("/external_references", Invalid::new("too_many", "too many references").allowed("0 to 10"));
        return Vec::new();
    }
    let mut kept: Vec<ExternalReference> = Vec::new();
    for (place, reference) in references.into_iter().enumerate() {
        let at = |field: &str| format!("/external_references/{place}/{field}");
        let system = faults.take(at("system"), system(&reference.system));
        let number = faults.take(at("number"), text::line(&reference.number, 1, 100));
        if let (Some(system), Some(number)) = (system, number) {
            let reference = ExternalReference { system, number };
            if !kept.contains(&reference) {
                kept.push(reference);
            }
        }
    }
    kept
}

fn system(name: &str) -> Result<String, Invalid> {
    let shape = (1..=40).contains(&name.len())
        && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_');
    shape
        .then(|| name.to_owned())
        .ok_or_else(|| Invalid::new("system", "not a system's name").allowed("1 to 40 of a-z, 0-9 and _"))
}

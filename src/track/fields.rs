//! What a step carries, read and checked: every fault at once, each with its pointer and what would have been allowed.

use crate::config::catalogue::{Catalogue, Ground, Office, Rule};
use crate::domain::case::Case;
use crate::domain::joint;
use crate::domain::money::Money;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::text;
use crate::domain::transition::{Field, Transition, Value};
use crate::domain::vocabulary::{Action, Demand, Outcome, PartyRole, Role, State};
use crate::track::{Command, Context};
use jiff::civil::Date;
use serde_json::{Map, Value as Json, json};
use std::collections::BTreeMap;

/// Fields of a party that may be supplied later, as in a filing.
const PARTY: &[&str] = &["name", "phone", "address", "email", "id_type", "id_number", "uscc"];

/// Most characters that one of them may have; the stage that reseals them checks each by its own rule.
const PARTY_VALUE: usize = 500;

/// Most cases that one step may link.
const MOST_CASES: usize = 50;

/// One value, as its field reads it.
pub(super) enum Given<'a> {
    Text(String),
    Code(&'static str),
    Ground(&'a Ground),
    Date(Date),
    Money(Money),
    Bool(bool),
    Number(i64),
    Office(&'a Office),
    Sector(&'a str),
    Case(&'a Case),
    Cases(Vec<Reference>),
    User(&'a str),
    Demands(Vec<Demand>),
    Party(PartyRole, Map<String, Json>),
}

/// The values of a step by field name; what was left out, null or blank is absent.
#[derive(Default)]
pub(super) struct Fields<'a>(BTreeMap<&'static str, Given<'a>>);

macro_rules! getters {
    ($($name:ident: $variant:ident -> $type:ty;)+) => {
        $(pub(super) fn $name(&self, field: &str) -> Option<$type> {
            match self.0.get(field) {
                Some(Given::$variant(value)) => Some(*value),
                _ => None,
            }
        })+
    };
}

impl<'a> Fields<'a> {
    getters! {
        code: Code -> &'static str;
        ground: Ground -> &'a Ground;
        date: Date -> Date;
        money: Money -> Money;
        bool: Bool -> bool;
        number: Number -> i64;
        office: Office -> &'a Office;
        sector: Sector -> &'a str;
        case: Case -> &'a Case;
        user: User -> &'a str;
    }

    pub(super) fn text(&self, field: &str) -> Option<&str> {
        match self.0.get(field) {
            Some(Given::Text(text)) => Some(text),
            _ => None,
        }
    }

    pub(super) fn cases(&self) -> &[Reference] {
        match self.0.get("cases") {
            Some(Given::Cases(cases)) => cases,
            _ => &[],
        }
    }

    pub(super) fn demands(&self) -> Option<&[Demand]> {
        match self.0.get("demands") {
            Some(Given::Demands(demands)) => Some(demands),
            _ => None,
        }
    }

    pub(super) fn parties(&self) -> impl Iterator<Item = (PartyRole, &Map<String, Json>)> {
        self.0.values().filter_map(|given| match given {
            Given::Party(role, values) => Some((*role, values)),
            _ => None,
        })
    }

    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Splits what is kept readable in the event from what people wrote, which is sealed. Party values are in neither:
    /// the event only names which were supplied.
    pub(super) fn open_and_personal(&self) -> (Map<String, Json>, Map<String, Json>) {
        let mut open = Map::new();
        let mut personal = Map::new();
        let mut supplied = Vec::new();
        for (name, given) in &self.0 {
            let value = match given {
                Given::Text(text) => {
                    personal.insert((*name).to_owned(), json!(text));
                    continue;
                }
                Given::Party(role, values) => {
                    supplied.extend(values.keys().map(|key| pointer(&[role.code(), key])));
                    continue;
                }
                Given::Code(code) => json!(code),
                Given::Ground(ground) => json!(ground.code),
                Given::Date(date) => json!(date),
                Given::Money(amount) => json!(amount),
                Given::Bool(yes) => json!(yes),
                Given::Number(number) => json!(number),
                Given::Office(office) => json!(office.code),
                Given::Sector(code) => json!(code),
                Given::Case(case) => json!(case.reference),
                Given::Cases(cases) => json!(cases),
                Given::User(user) => json!(user),
                Given::Demands(demands) => {
                    supplied.push("/demands".to_owned());
                    json!(demands)
                }
            };
            open.insert((*name).to_owned(), value);
        }
        if !supplied.is_empty() {
            open.insert("supplied".to_owned(), json!(supplied));
        }
        (open, personal)
    }
}

/// A JSON pointer (RFC 6901) from its parts.
pub(super) fn pointer(parts: &[&str]) -> String {
    parts.iter().fold(String::new(), |whole, part| whole + "/" + &part.replace('~', "~0").replace('/', "~1"))
}

/// The outcomes that a settlement can have in a state: `mediated` only out of mediation.
pub(super) const fn outcomes(state: State) -> &'static [&'static str] {
    const BETWEEN_THE_PARTIES: &[&str] = &[Outcome::SelfSettled.code()];
    const EITHER: &[&str] = &[Outcome::SelfSettled.code(), Outcome::Mediated.code()];
    match state {
        State::Mediating => EITHER,
        _ => BETWEEN_THE_PARTIES,
    }
}

/// The codes that a field of a step takes for this case, when they can be listed.
pub(super) fn codes(action: Action, field: &Field, rule: Option<&Rule>, case: &Case) -> Option<Vec<String>> {
    let grounds = |grounds: &[Ground]| grounds.iter().map(|ground| ground.code.clone()).collect();
    match field.value {
        Value::Code(_) if action == Action::Settle && field.name == "outcome" => {
            Some(outcomes(case.state).iter().map(ToString::to_string).collect())
        }
        Value::Code(codes) => Some(codes.iter().map(ToString::to_string).collect()),
        Value::RefusalGround => rule.map(|rule| grounds(&rule.refusal)),
        Value::TerminationGround => rule.map(|rule| grounds(&rule.termination)),
        Value::Demands => Some(Demand::ALL.iter().map(ToString::to_string).collect()),
        Value::Party(_) => Some(PARTY.iter().map(ToString::to_string).collect()),
        _ => None,
    }
}

/// What the fields of a step are read against.
pub(super) struct Reader<'a> {
    pub(super) catalogue: &'a Catalogue,
    pub(super) case: &'a Case,
    pub(super) rule: Option<&'a Rule>,
    pub(super) row: &'static Transition,
    pub(super) context: &'a Context<'a>,
}

impl<'a> Reader<'a> {
    /// Reads all of a command's fields.
    pub(super) fn read(&self, command: &Command) -> Result<Fields<'a>, Problems> {
        let mut problems = Problems::default();
        let mut fields = Fields::default();
        let known: Vec<&str> = self.row.fields.iter().map(|field| field.name).collect();
        for name in command.fields.keys().filter(|name| !known.contains(&name.as_str())) {
            let fault = Invalid::new("unknown_field", format!("`{}` carries no such field", self.row.action));
            problems.at(pointer(&[name]), fault.allowed(known.join(", ")));
        }
        for field in self.row.fields {
            let required = field.is_required(command.actor.role, self.case);
            let value = command.fields.get(field.name).filter(|value| !is_blank(value));
            match value {
                None if required => {
                    let mut fault = Invalid::new("required", "must be given");
                    fault.allowed = codes(self.row.action, field, self.rule, self.case).map(|codes| codes.join(", "));
                    problems.at(pointer(&[field.name]), fault);
                }
                None => {}
                Some(value) => {
                    if let Some(given) = self.one(field, value, &mut problems) {
                        fields.0.insert(field.name, given);
                    }
                }
            }
        }
        self.together(command.actor.role, &fields, &mut problems);
        problems.check().map(|()| fields)
    }

    /// One field; faults within it are noted at their own places.
    fn one(&self, field: &Field, value: &Json, problems: &mut Problems) -> Option<Given<'a>> {
        let at = pointer(&[field.name]);
        let allowed = || codes(self.row.action, field, self.rule, self.case).unwrap_or_default();
        let given = match field.value {
            Value::Text(most) => string(value).and_then(|text| text::free(text, 1, most)).map(Given::Text),
            Value::Code(codes) => string(value).and_then(|code| {
                let allowed = allowed();
                let known = codes.iter().find(|known| **known == code && allowed.iter().any(|ok| ok == code));
                known.map(|code| Given::Code(code)).ok_or_else(|| unknown("code", &allowed))
            }),
            Value::RefusalGround => self.ground(value, self.rule.map(|rule| rule.refusal.as_slice()), &allowed()),
            Value::TerminationGround => {
                self.ground(value, self.rule.map(|rule| rule.termination.as_slice()), &allowed())
            }
            Value::Date => date(value).map(Given::Date),
            Value::DateAhead => self.date_ahead(value).map(Given::Date),
            Value::Money => string(value).and_then(Money::parse).map(Given::Money),
            Value::Bool => value
                .as_bool()
                .map(Given::Bool)
                .ok_or_else(|| Invalid::new("type", "must be true or false").allowed("true, false")),
            Value::Number(least, most) => value
                .as_i64()
                .filter(|number| (least..=most).contains(number))
                .map(Given::Number)
                .ok_or_else(|| Invalid::new("range", "out of range").allowed(format!("{least} to {most}"))),
            Value::Office => self.office(value).map(Given::Office),
            Value::Sector => string(value).and_then(|code| {
                let known = || self.catalogue.sectors.iter().map(|sector| sector.code.clone()).collect::<Vec<_>>();
                let sector = self.catalogue.sector(code).ok_or_else(|| unknown("sector", &known()))?;
                Ok(Given::Sector(&sector.code))
            }),
            Value::Case => string(value).and_then(|text| self.other(text)).map(Given::Case),
            Value::Cases => return self.cases(&at, value, problems).map(Given::Cases),
            Value::User => string(value).and_then(|user| {
                let known = self.context.accounts.iter().find(|account| *account == user);
                known
                    .map(|user| Given::User(user))
                    .ok_or_else(|| Invalid::new("unknown_value", "no such account in this unit"))
            }),
            Value::Demands => return demands(&at, value, problems).map(Given::Demands),
            Value::Party(role) => return party(&at, value, problems).map(|values| Given::Party(role, values)),
        };
        problems.take(at, given)
    }

    fn ground(&self, value: &Json, grounds: Option<&'a [Ground]>, allowed: &[String]) -> Result<Given<'a>, Invalid> {
        let code = string(value)?;
        let ground = grounds.unwrap_or_default().iter().find(|ground| ground.code == code).ok_or_else(|| {
            let detail = format!("no ground of the rule version that binds this case ({})", self.case.rule);
            Invalid::new("unknown_value", detail).allowed(allowed.join(", "))
        })?;
        Ok(Given::Ground(ground))
    }

    fn date_ahead(&self, value: &Json) -> Result<Date, Invalid> {
        let date = date(value)?;
        if date < self.context.today {
            return Err(Invalid::new("past", "must not lie in the past").allowed("YYYY-MM-DD, not before today"));
        }
        Ok(date)
    }

    /// An office in force that may decide, under a rule that covers the day of receipt.
    fn office(&self, value: &Json) -> Result<&'a Office, Invalid> {
        let code = string(value)?;
        let office = self
            .catalogue
            .office_on(code, self.context.today)
            .ok_or_else(|| Invalid::new("unknown_value", "no office in force has this code"))?;
        let department =
            self.catalogue.departments.get(&office.department).filter(|department| department.enforces).ok_or_else(
                || Invalid::new("not_enforcing", "this body can't decide a case; name an enforcing office"),
            )?;
        if self.catalogue.rule(department.regime, self.case.received_on).is_none() {
            return Err(Invalid::new(
                "no_rule",
                "no rule of this office covers the day on which the case was received",
            ));
        }
        Ok(office)
    }

    fn other(&self, text: &str) -> Result<&'a Case, Invalid> {
        let reference = Reference::parse(text)?;
        self.context
            .others
            .get(&reference)
            .ok_or_else(|| Invalid::new("unknown_value", "no such case, or it is not yours to name"))
    }

    fn cases(&self, at: &str, value: &Json, problems: &mut Problems) -> Option<Vec<Reference>> {
        let Some(list) = value.as_array().filter(|list| (1..=MOST_CASES).contains(&list.len())) else {
            let allowed = format!("a list of 1 to {MOST_CASES} reference numbers");
            problems.at(at, Invalid::new("type", "not a list of cases").allowed(allowed));
            return None;
        };
        let mut cases = Vec::new();
        for (index, value) in list.iter().enumerate() {
            let other = string(value).and_then(|text| self.other(text)).and_then(|other| {
                if other.id == self.case.id { Err(Invalid::new("same_case", "is this case itself")) } else { Ok(other) }
            });
            if let Some(other) = problems.take(format!("{at}/{index}"), other)
                && !cases.contains(&other.reference)
            {
                cases.push(other.reference.clone());
            }
        }
        Some(cases)
    }

    /// What only the fields together, or with the case, can tell.
    fn together(&self, role: Role, fields: &Fields<'a>, problems: &mut Problems) {
        match self.row.action {
            // Art 33: the superior of both places, not of one of them.
            Action::Designate => {
                if let Some(office) = fields.office("office") {
                    let common = self.context.division.is_some_and(|division| {
                        office.division.is_within(division) && self.case.division.is_within(division)
                    });
                    if !common {
                        let detail = "only the common superior of the offices in dispute may name this one";
                        problems.at("/office", Invalid::new("not_common_superior", detail));
                    }
                }
            }
            Action::MergeInto => {
                if let Some(target) = fields.case("case") {
                    if target.id == self.case.id {
                        problems.at("/case", Invalid::new("same_case", "a case can't be merged into itself"));
                    } else if target.state.is_end() || target.kind != self.case.kind {
                        let fault = Invalid::new("target_unfit", "the other case must be open and of the same kind");
                        problems.at("/case", fault);
                    }
                }
            }
            // A party speaks for itself only.
            Action::RecordConsent => {
                if let (Some(own), Some(given)) = (own_party(role), fields.code("party"))
                    && own.code() != given
                {
                    let fault = Invalid::new("not_your_party", "a party can speak for itself only");
                    problems.at("/party", fault.allowed(own.code()));
                }
            }
            Action::Settle => {
                if fields.bool("represented_consent") == Some(false) {
                    let detail = "those who are represented must consent to a settlement (Art 12)";
                    problems.at("/represented_consent", Invalid::new("consent_missing", detail).allowed("true"));
                }
                self.as_consented(fields, problems);
            }
            // In answer to a request for proof an attachment alone may be the supply.
            Action::Supply if fields.is_empty() && problems.0.is_empty() && self.case.state != State::IdRequested => {
                problems.at("", Invalid::new("required", "nothing is supplied"));
            }
            _ => {}
        }
    }
}

impl Reader<'_> {
    /// Who is spoken for by others settles on what they consented to, and on nothing else (Art 12).
    fn as_consented(&self, fields: &Fields<'_>, problems: &mut Problems) {
        let Some(Some(terms)) = joint::bound(self.case) else { return };
        let mut differs = |field: &str, allowed: String| {
            let fault = Invalid::new("not_as_consented", "not what the represented person consented to (Art 12)");
            problems.at(pointer(&[field]), fault.allowed(allowed));
        };
        if fields.money("amount").is_some_and(|amount| amount != terms.amount) {
            differs("amount", terms.amount.to_string());
        }
        if fields.date("performance_date").is_some_and(|date| date != terms.performance_date) {
            differs("performance_date", terms.performance_date.to_string());
        }
    }
}

/// The party for which a role speaks.
pub(super) const fn own_party(role: Role) -> Option<PartyRole> {
    match role {
        Role::Consumer => Some(PartyRole::Complainant),
        Role::Merchant => Some(PartyRole::Respondent),
        _ => None,
    }
}

/// The cases that a command's fields name, so that the caller can load them into the context before it asks. What isn't
/// a reference is left out here; the decision tells of it.
pub fn cases_named(fields: &Map<String, Json>) -> Vec<Reference> {
    let one = fields.get("case").into_iter();
    let many = fields.get("cases").and_then(Json::as_array).into_iter().flatten().take(MOST_CASES);
    one.chain(many).filter_map(Json::as_str).filter_map(|text| Reference::parse(text).ok()).collect()
}

fn is_blank(value: &Json) -> bool {
    value.is_null() || value.as_str().is_some_and(|text| text.trim().is_empty())
}

fn date(value: &Json) -> Result<Date, Invalid> {
    string(value)?.parse().map_err(|_| Invalid::new("date", "not a date").allowed("YYYY-MM-DD"))
}

fn string(value: &Json) -> Result<&str, Invalid> {
    value.as_str().ok_or_else(|| Invalid::new("type", "must be a string"))
}

fn unknown(what: &str, allowed: &[String]) -> Invalid {
    Invalid::new("unknown_value", format!("unknown {what}")).allowed(allowed.join(", "))
}

fn demands(at: &str, value: &Json, problems: &mut Problems) -> Option<Vec<Demand>> {
    let codes = || Demand::ALL.iter().map(|demand| demand.code()).collect::<Vec<_>>().join(", ");
    let Some(list) = value.as_array().filter(|list| (1..=Demand::ALL.len()).contains(&list.len())) else {
        problems.at(at, Invalid::new("type", "not a list of demands").allowed(codes()));
        return None;
    };
    let mut demands = Vec::new();
    for (index, value) in list.iter().enumerate() {
        if let Some(demand) = problems.take(format!("{at}/{index}"), string(value).and_then(Demand::parse))
            && !demands.contains(&demand)
        {
            demands.push(demand);
        }
    }
    Some(demands)
}

/// The shape only; blank values are left out.
fn party(at: &str, value: &Json, problems: &mut Problems) -> Option<Map<String, Json>> {
    let Some(object) = value.as_object().filter(|object| !object.is_empty()) else {
        problems.at(at, Invalid::new("type", "not the fields of a party").allowed(PARTY.join(", ")));
        return None;
    };
    let mut values = Map::new();
    for (key, value) in object {
        let at = format!("{at}{}", pointer(&[key]));
        if !PARTY.contains(&key.as_str()) {
            problems.at(at, Invalid::new("unknown_field", "a party has no such field").allowed(PARTY.join(", ")));
        } else if is_blank(value) {
            problems.at(at, Invalid::new("required", "must not be blank"));
        } else if let Some(text) = problems.take(at, string(value).and_then(|text| text::free(text, 1, PARTY_VALUE))) {
            values.insert(key.clone(), json!(text));
        }
    }
    Some(values)
}

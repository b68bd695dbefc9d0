//! Answers *who*: the division, the department, the office and the station that a case goes to.
//!
//! In comes a [`Question`] (the sector, the kind, the day of receipt, and what is known of the places), out comes a [`Routing`] that
//! always names an owner and explains each step. Everything here is pure: the same catalogue and question give the same answer, so
//! that a filing, a preview (`route simulate`) and a check of the data (`route lint`, see [`lint()`]) can't differ.
//!
//! Rules, in the order in which they are applied:
//! 1. **Place** (`jurisdiction`): Order 121 Art 13 and 14 for complaints, Art 29, 31 and 32 for reports; Order 20 Art 12, 13, 25, 27
//!    and 28 for cases received before 2026-04-15. A respondent outside the province is taken in and referred in words (Art 13, 34).
//! 2. **Department** (`departments`): the lead and assisting departments of the sector's task in the programme plan, read through the
//!    changes of the machinery of government on the day of receipt. Departments that enforce nothing never own a case.
//! 3. **Office** (`offices`): territorial first (the plan's order 0, 各设区市…及有关部门): the county office of that department, or of
//!    the nearest level above at which the department exists.
//! 4. **Station** (`stations`): 一会两站, Order 121 Art 6: the merchant's own, then venue or market, then town, then association branch.

mod departments;
mod jurisdiction;
pub mod lint;
mod offices;
mod stations;
#[cfg(test)]
mod tests;

pub use lint::{Finding, Severity, lint};

use crate::config::catalogue::{Catalogue, Department, Name, Office};
use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::party::Respondent;
use crate::domain::text;
use crate::domain::vocabulary::{Kind, Lang, Regime};
use jiff::civil::Date;
use serde_json::{Value, json};
use std::collections::HashMap;
use std::sync::{Arc, LazyLock};

/// What is asked: who is responsible for a case like this, received on this day?
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Question {
    /// Sector code; one that the catalogue doesn't know is read as `other`.
    pub sector: String,
    /// Sub-sector, when known: narrower rules go before.
    pub subsector: Option<String>,
    /// Complaint or report: their jurisdictions differ (Art 13; Art 29 to 32).
    pub kind: Kind,
    /// Day of receipt: chooses the rule version and the departments of that day.
    pub on: Date,
    /// Where the respondent is.
    pub respondent: RespondentPlace,
    /// Place of the dispute, or of the conduct that is reported: town or county.
    pub place: Option<Division>,
    /// For a report about advertising (Art 32).
    pub advertising: Option<Advertising>,
    /// Place of the unit that received the case first, when it wasn't filed with the service at large: of several competent
    /// authorities the first to receive handles it (Art 14, 31, 32).
    pub first_received: Option<Division>,
}

impl Question {
    /// A question about a complaint of which only sector, day and the respondent's place are known.
    pub fn complaint(sector: &str, on: Date, respondent: Option<Division>) -> Self {
        Self {
            sector: sector.to_owned(),
            subsector: None,
            kind: Kind::Complaint,
            on,
            respondent: RespondentPlace { division: respondent, ..RespondentPlace::default() },
            place: None,
            advertising: None,
            first_received: None,
        }
    }
}

/// What is known of the respondent's place.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RespondentPlace {
    /// Actual place of business, or domicile.
    pub division: Option<Division>,
    /// Domicile of the platform's operator.
    pub platform_division: Option<Division>,
    /// Place of the address that the platform publishes for the seller.
    pub on_platform_address_division: Option<Division>,
    /// It sells on a platform.
    pub has_platform: bool,
    /// It sells on a web site or another network service of its own.
    pub own_website: bool,
    /// It is the platform's operator.
    pub is_platform_operator: bool,
    /// Unified social credit code.
    pub uscc: Option<String>,
    /// Name.
    pub name: Option<String>,
    /// Address as written: a venue or market with a station is recognised in it.
    pub address: Option<String>,
}

hidden_debug!(RespondentPlace);

impl From<&Respondent> for RespondentPlace {
    /// What routing asks of a merchant. It is the platform itself by credit code, or by name when a code is missing.
    fn from(respondent: &Respondent) -> Self {
        let platform = respondent.platform.as_ref();
        let is_platform_operator = platform.is_some_and(|platform| match (&respondent.uscc, &platform.uscc) {
            (Some(own), Some(operator)) => own == operator,
            _ => match (&respondent.name, &platform.name) {
                (Some(own), Some(operator)) => text::key(own) == text::key(operator),
                _ => false,
            },
        });
        Self {
            division: respondent.division,
            platform_division: platform.and_then(|platform| platform.division),
            on_platform_address_division: respondent.on_platform_address_division,
            has_platform: platform.is_some(),
            own_website: respondent.own_website,
            is_platform_operator,
            uscc: respondent.uscc.clone(),
            name: respondent.name.clone(),
            address: respondent.address.clone(),
        }
    }
}

/// How an advertisement that is reported was published (Art 32).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Advertising {
    /// Through which medium.
    pub medium: Medium,
    /// Whether the advertiser published it itself.
    pub self_published: bool,
    /// Place of the publisher.
    pub publisher: Option<Division>,
    /// Place of the advertiser or the advertising agent, when it isn't the respondent's.
    pub advertiser: Option<Division>,
}

/// Medium of an advertisement.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Medium {
    /// 广播、电影、电视、报纸、期刊.
    MassMedia,
    /// 互联网.
    Internet,
}

/// The answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Routing {
    /// Division that is responsible: a county or zone where that is known, else the city or the province.
    pub division: Division,
    /// Town or street within it, when known.
    pub town: Option<Division>,
    /// Provincial lead department of the sector, as the plan names it, on that day.
    pub lead_department: Unit,
    /// The owner: the office that decides.
    pub office: Unit,
    /// Station that can help the parties to settle first.
    pub station: Option<Unit>,
    /// Provincial departments that assist, in the plan's order.
    pub assisting: Vec<Unit>,
    /// Why, step by step; never empty.
    pub steps: Vec<Step>,
    /// Where the person should turn to instead, when the matter lies outside the province or outside these departments.
    pub referred: Option<Referral>,
    /// The owner isn't the competent office but one that keeps the case from being lost: a dispatcher looks at it.
    pub owner_is_fallback: bool,
    /// Procedure that binds the office.
    pub regime: Regime,
    /// Line of the office's department, e.g. `amr`.
    pub line: String,
    /// Whether the office's authority publishes this service as a channel: only then do statutory clocks run from a filing here (Art 8).
    pub published_channel: bool,
    /// Nothing is known about any place: the case goes to triage.
    pub unroutable: bool,
}

/// A department, an office or a station: its code and its name.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unit {
    /// Stable code.
    pub code: String,
    /// Name in both languages.
    pub name: Name,
}

impl Unit {
    fn json(&self, lang: Lang) -> Value {
        json!({"code": self.code, "name": self.name.in_lang(lang)})
    }
}

impl From<&Department> for Unit {
    fn from(department: &Department) -> Self {
        Self { code: department.code.clone(), name: department.name.clone() }
    }
}

impl From<&Office> for Unit {
    fn from(office: &Office) -> Self {
        Self { code: office.code.clone(), name: office.name.clone() }
    }
}

/// An article of the order in force on the day of receipt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Article {
    /// Rule version: `order-121` or `order-20`.
    pub rule: &'static str,
    /// Number of the article.
    pub number: u8,
}

impl Article {
    /// Its name: `第十三条`, `Art 13`.
    pub fn in_lang(self, lang: Lang) -> String {
        match lang {
            Lang::Zh => format!("第{}条", chinese_number(self.number)),
            Lang::En => format!("Art {}", self.number),
        }
    }
}

/// A number below 100 in Chinese: articles are cited so.
fn chinese_number(number: u8) -> String {
    const DIGITS: [&str; 10] = ["", "一", "二", "三", "四", "五", "六", "七", "八", "九"];
    let digit = |n: u8| DIGITS.get(usize::from(n)).copied().unwrap_or_default();
    match number {
        0..=9 => digit(number).to_owned(),
        10..=19 => format!("十{}", digit(number % 10)),
        _ => format!("{}十{}", digit(number / 10 % 10), digit(number % 10)),
    }
}

/// One step of the explanation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Step {
    /// Stable code of the reason.
    pub code: &'static str,
    /// Article that it follows from, when it follows from one.
    pub article: Option<Article>,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Step {
    fn new(code: &'static str, article: Option<Article>, zh: impl Into<String>, en: impl Into<String>) -> Self {
        Self { code, article, zh: zh.into(), en: en.into() }
    }

    /// `{code, text, rule?, article?}` in a language.
    pub fn to_json(&self, lang: Lang) -> Value {
        let text = match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        };
        match self.article {
            Some(article) => {
                json!({"code": self.code, "text": text, "rule": article.rule, "article": article.in_lang(lang)})
            }
            None => json!({"code": self.code, "text": text}),
        }
    }
}

/// Where a person should turn to instead.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Referral {
    /// `outside_province`, or the code of the narrower rule that refers the matter out (rail, air).
    pub code: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Routing {
    /// The answer as the contract has it: `{division, lead_department, office, station, assisting[], steps[]}` and what explains them.
    pub fn to_json(&self, lang: Lang) -> Value {
        json!({
            "division": self.division,
            "town": self.town,
            "lead_department": self.lead_department.json(lang),
            "office": self.office.json(lang),
            "station": self.station.as_ref().map(|station| station.json(lang)),
            "assisting": self.assisting.iter().map(|unit| unit.json(lang)).collect::<Vec<_>>(),
            "steps": self.steps.iter().map(|step| step.to_json(lang)).collect::<Vec<_>>(),
            "referred": self.referred.as_ref().map(|referral| json!({
                "code": referral.code,
                "text": match lang { Lang::Zh => &referral.zh, Lang::En => &referral.en },
            })),
            "owner_is_fallback": self.owner_is_fallback,
            "regime": self.regime,
            "line": self.line,
            "published_channel": self.published_channel,
            "unroutable": self.unroutable,
        })
    }
}

/// What is looked up on every filing, gathered once: no list of the catalogue is searched from end to end afterwards.
///
/// It holds positions and codes, not references, so that it can be kept beside its catalogue. Used with another catalogue it
/// finds less, it doesn't fail.
#[derive(Debug, Clone, Default)]
pub struct RouteIndex {
    sectors: HashMap<String, usize>,
    /// Positions in `routes` by sector, in the plan's order, the territorial line left out.
    routes: HashMap<String, Vec<usize>>,
    /// Positions in `subroutes` by sector.
    subroutes: HashMap<String, Vec<usize>>,
    /// Positions in `successions` by predecessor, and by successor.
    after: HashMap<String, Vec<usize>>,
    before: HashMap<String, Vec<usize>>,
    stations: stations::StationIndex,
}

impl RouteIndex {
    /// Gathers the index of a catalogue.
    pub fn new(catalogue: &Catalogue) -> Self {
        let mut index = Self { stations: stations::StationIndex::new(catalogue), ..Self::default() };
        for (at, sector) in catalogue.sectors.iter().enumerate() {
            index.sectors.insert(sector.code.clone(), at);
        }
        for (at, route) in catalogue.routes.iter().enumerate() {
            if route.part != crate::config::catalogue::Part::Territorial {
                index.routes.entry(route.sector.clone()).or_default().push(at);
            }
        }
        for positions in index.routes.values_mut() {
            positions.sort_by_key(|&at| catalogue.routes.get(at).map(|route| route.order));
        }
        for (at, subroute) in catalogue.subroutes.iter().enumerate() {
            index.subroutes.entry(subroute.sector.clone()).or_default().push(at);
        }
        for (at, succession) in catalogue.successions.iter().enumerate() {
            // A department that only changed its host is listed as its own successor.
            if succession.predecessor != succession.successor {
                index.after.entry(succession.predecessor.clone()).or_default().push(at);
                index.before.entry(succession.successor.clone()).or_default().push(at);
            }
        }
        index
    }

    /// Routes one case. The catalogue must be the one that the index was made from.
    pub fn route(&self, catalogue: &Catalogue, question: &Question) -> Routing {
        Run { catalogue, index: self }.route(question)
    }
}

/// A catalogue with its index.
#[derive(Debug, Clone)]
pub struct Router {
    catalogue: Arc<Catalogue>,
    index: Arc<RouteIndex>,
}

impl Router {
    /// A router over a catalogue; a reload makes a new one.
    pub fn new(catalogue: Arc<Catalogue>) -> Self {
        let index = Arc::new(RouteIndex::new(&catalogue));
        Self { catalogue, index }
    }

    /// The catalogue that it routes by.
    pub fn catalogue(&self) -> &Arc<Catalogue> {
        &self.catalogue
    }

    /// Routes one case.
    pub fn route(&self, question: &Question) -> Routing {
        self.index.route(&self.catalogue, question)
    }
}

/// Routes one case, index and all: for a single question. Whoever asks again keeps a [`Router`].
pub fn route(catalogue: &Catalogue, question: &Question) -> Routing {
    RouteIndex::new(catalogue).route(catalogue, question)
}

/// Market regulation as the plan names it (省工商局). Read through successions it is `jiangsu-amr` today. It takes what no other
/// department takes (the plan's order 0 and `reference/domain.md` 6.1: never drop a case).
const MARKET_REGULATION: &str = "jiangsu-aic";
/// The same after the reform of 2018, should the catalogue not reach back before it.
const MARKET_REGULATION_NOW: &str = "jiangsu-amr";

/// Last resort for a catalogue without a root.
#[expect(clippy::expect_used, reason = "320000 is a province of GB/T 2260: the parse can't fail")]
static PROVINCE: LazyLock<Division> = LazyLock::new(|| Division::parse("320000").expect("a province"));

/// One run over one catalogue.
#[derive(Clone, Copy)]
struct Run<'a> {
    catalogue: &'a Catalogue,
    index: &'a RouteIndex,
}

impl<'a> Run<'a> {
    fn root(self) -> Division {
        self.catalogue.places.root.unwrap_or_else(|| *PROVINCE)
    }

    fn route(self, question: &Question) -> Routing {
        let mut steps = Vec::with_capacity(8);
        let seat = self.seat(question, &mut steps);
        let choice = self.choose(question, &mut steps);
        let market = self.market(question.on);

        let mut referred = seat.referred;
        let mut owner_is_fallback = seat.unroutable || referred.is_some();
        if let (Some(referral), Some(lead)) = (&mut referred, choice.lead)
            && lead.regime == Regime::OtherDepartments
        {
            referral.zh.push_str("属于该行业主管部门职责的，也可以向当地该行业主管部门提出。");
            referral.en.push_str(
                " What is the duty of the sector's own department can also be taken to that department there.",
            );
        }
        // A case that these offices can't decide goes to market regulation, which refers it on: the department of the sector has
        // no more competence outside the province than anyone else.
        if let (None, Some(out)) = (&referred, &choice.referred) {
            referred = Some(out.clone());
            owner_is_fallback = true;
        }
        let handler = if owner_is_fallback { market } else { self.handler(&choice, question.on, &mut steps) };

        let mut found =
            handler.and_then(|department| self.office_near(department, seat.county, question.on, &mut steps));
        if found.is_none()
            && let Some(market) = market
        {
            owner_is_fallback = true;
            if let Some(handler) = handler.filter(|handler| handler.code != market.code) {
                steps.push(Step::new(
                    "department_without_office",
                    None,
                    format!("{}在当日没有任何承办单位，先由市场监督管理部门接收。", handler.name.zh),
                    format!("{} has no office on that day; market regulation takes the case in.", handler.name.en),
                ));
                found = self.office_near(market, seat.county, question.on, &mut steps);
            }
        }
        if found.is_none() {
            owner_is_fallback = true;
            found = self.any_office(question.on);
        }
        let (office, regime, line) = match found {
            Some((office, department)) => {
                let (zh, en) = if owner_is_fallback {
                    ("先行接收的单位", "It is taken in by")
                } else {
                    // Order 0 of every task: 各设区市放心消费创建办及有关部门.
                    ("按方案属地在先，承办单位", "The plan names the territorial office first; the owner is")
                };
                steps.push(Step::new(
                    "owner",
                    None,
                    format!("{zh}：{}（{}）。", office.name.zh, office.code),
                    format!("{en}: {} ({}).", office.name.en, office.code),
                ));
                (Some(office), department.regime, department.line.clone())
            }
            None => {
                steps.push(Step::new(
                    "no_office",
                    None,
                    "数据中没有当日在册的承办单位，转人工分派。",
                    "The data has no office in force on that day; a dispatcher decides.",
                ));
                (None, Regime::MarketRegulation, String::new())
            }
        };

        let nowhere = || Unit { code: MARKET_REGULATION_NOW.to_owned(), name: Name::default() };
        let owner = office.map(Unit::from).or_else(|| market.map(Unit::from)).unwrap_or_else(nowhere);
        let lead = choice.lead.or(handler).map(Unit::from).unwrap_or_else(|| owner.clone());
        let station = self
            .station(question, &seat.county, seat.town, owner_is_fallback, &mut steps)
            .map(|station| Unit { code: station.code.clone(), name: station.name.clone() });
        Routing {
            division: seat.county,
            town: seat.town,
            lead_department: lead,
            station,
            assisting: choice.assisting.into_iter().map(Unit::from).collect(),
            steps,
            referred,
            owner_is_fallback,
            regime,
            line,
            published_channel: office.is_some_and(|office| office.published_channel),
            unroutable: seat.unroutable || office.is_none(),
            office: owner,
        }
    }

    /// A place's name with its city's, as pages show it: the same name may exist twice. Towns have no English name.
    fn label(self, division: Division, lang: Lang) -> String {
        let places = &self.catalogue.places;
        let mut names = Vec::with_capacity(3);
        let mut at = Some(division);
        // Three levels lie below the province in the data; a loop in it must not hang a filing.
        while let Some(place) = at.and_then(|code| places.get(code)).filter(|_| names.len() < 4) {
            if names.is_empty() || Some(place.code) != places.root {
                names.push(places.name_in(place.code, lang).unwrap_or(&place.name));
            }
            at = place.parent;
        }
        match lang {
            _ if names.is_empty() => division.to_string(),
            Lang::Zh => names.iter().rev().copied().collect(),
            Lang::En => names.join(", "),
        }
    }
}

//! The catalogue: the data by which cases are classified, routed, timed and measured. Immutable once loaded; a reload makes a new one.

use crate::domain::calendar::WorkCalendar;
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::{ClockKind, DocumentKind, Kind, Lang, PartyRole, Regime};
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, HashMap};

/// A name in both languages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Name {
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

impl Name {
    /// The name in a language.
    pub fn in_lang(&self, lang: Lang) -> &str {
        match lang {
            Lang::Zh => &self.zh,
            Lang::En => &self.en,
        }
    }
}

/// All of it.
#[derive(Debug, Clone)]
pub struct Catalogue {
    /// Province, cities, counties, functional zones, towns.
    pub places: Places,
    /// What disputes are about.
    pub sectors: Vec<Sector>,
    /// Lines of government, with the time in which each exists.
    pub departments: BTreeMap<String, Department>,
    /// Who took over from whom, when.
    pub successions: Vec<Succession>,
    /// Sector → departments, as the plan lists them; names of 2018, read through `successions`.
    pub routes: Vec<Route>,
    /// Narrower rules that go before: bank against securities, prepaid card against medical beauty.
    pub subroutes: Vec<Subroute>,
    /// Departments at places.
    pub offices: HashMap<String, Office>,
    /// 一会两站.
    pub stations: BTreeMap<String, Station>,
    /// Procedures by regime and date of receipt.
    pub rules: Vec<Rule>,
    /// Working days.
    pub calendar: WorkCalendar,
    /// What the programme wants reached.
    pub targets: Vec<Target>,
    /// Names of the national platform's categories: a second axis beside the sectors.
    pub categories: Vec<Category>,
    /// Texts of the notices.
    pub templates: super::Templates,
    /// What offices issue in writing.
    pub documents: Documents,
    /// Words for codes.
    pub words: super::Words,
}

/// What offices issue in writing: wording and numbers.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Documents {
    /// How a number is written: a template over `word`, `series`, `year`, `serial`.
    pub number: String,
    /// Short name of the province in numbers of provincial offices.
    pub province_word: String,
    /// Short names of departments, by line.
    pub words: BTreeMap<String, String>,
    /// The wording of each kind.
    pub templates: BTreeMap<DocumentKind, DocumentTemplate>,
}

/// The wording of one kind of document.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DocumentTemplate {
    /// Its title.
    pub title: String,
    /// Its part in the number, e.g. `投受`.
    pub series: String,
    /// Parties that it is for.
    pub to: Vec<PartyRole>,
    /// Its parts, in order.
    pub parts: Vec<DocumentPart>,
}

/// A part of a document. In the wording each text is a template over the names of its kind; in a document that was issued it
/// is what was printed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "type", rename_all = "snake_case")]
pub enum DocumentPart {
    /// A paragraph.
    Paragraph {
        /// Whether its first line is indented.
        indent: bool,
        /// What it says.
        text: String,
    },
    /// A row of a table.
    Row {
        /// What stands at the left.
        label: String,
        /// What stands at the right.
        value: String,
    },
    /// The office, the place of its seal, and the day.
    Seal,
    /// Places for signatures.
    Signatures {
        /// Who signs.
        who: Vec<String>,
    },
}

/// The division tree of the installation.
#[derive(Debug, Clone, Default)]
pub struct Places {
    /// Root: the province.
    pub root: Option<Division>,
    /// Every division and town by code.
    pub by_code: BTreeMap<Division, Place>,
    /// Old codes that still come in, with the code that took over (e.g. 320611 → 320613, 2020-07).
    pub replaced: BTreeMap<Division, Division>,
    /// English names of divisions; towns have none.
    pub english: BTreeMap<Division, String>,
}

/// One division.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Place {
    /// Its code.
    pub code: Division,
    /// Its name; the same name may exist twice, so pages show the parent's too.
    pub name: String,
    /// The division above.
    pub parent: Option<Division>,
    /// What kind of place it is.
    pub kind: PlaceKind,
    /// Residents, when the operator has filled it in: for rates per 10 000.
    pub residents: Option<u64>,
}

/// What kind of place a division is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum PlaceKind {
    /// 省
    Province,
    /// 设区市
    City,
    /// 县、县级市、区
    County,
    /// A development zone with its own bureaus, no GB/T 2260 county.
    FunctionalZone,
    /// 街道
    Subdistrict,
    /// 镇
    Town,
    /// 乡
    Township,
    /// 开发区、农场、监狱 …: hidden from pickers and from coverage.
    QuasiTown,
}

impl Places {
    /// The place of a code, old codes read as the new.
    pub fn get(&self, code: Division) -> Option<&Place> {
        let code = self.replaced.get(&code).copied().unwrap_or(code);
        self.by_code.get(&code)
    }

    /// The name of a place in a language; the Chinese one where there is no other.
    pub fn name_in(&self, code: Division, lang: Lang) -> Option<&str> {
        let place = self.get(code)?;
        let english = self.english.get(&place.code).filter(|_| lang == Lang::En);
        Some(english.map_or(place.name.as_str(), String::as_str))
    }

    /// Whether a division lies in this installation's province.
    pub fn is_inside(&self, code: Division) -> bool {
        self.root.is_some_and(|root| code.province() == root)
    }

    /// Towns and streets that count for coverage and are offered to people: 1 200 in Jiangsu.
    pub fn towns(&self) -> impl Iterator<Item = &Place> {
        self.by_code
            .values()
            .filter(|place| matches!(place.kind, PlaceKind::Subdistrict | PlaceKind::Town | PlaceKind::Township))
    }

    /// Places directly below, quasi-towns left out.
    pub fn children(&self, parent: Division) -> impl Iterator<Item = &Place> {
        self.by_code.values().filter(move |place| place.parent == Some(parent) && place.kind != PlaceKind::QuasiTown)
    }
}

/// What a dispute is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sector {
    /// Stable code, e.g. `courier`.
    pub code: String,
    /// Name.
    pub name: Name,
    /// Task of the plan, 1 to 19; `None` for `product_quality`, `life_services`, `other`.
    pub task: Option<u8>,
    /// Sub-sectors where routing needs them: code and name.
    pub subsectors: Vec<(String, Name)>,
}

/// A line of government at the province, with a stable code.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Department {
    /// Provincial code, e.g. `jiangsu-amr`.
    pub code: String,
    /// Line without the place, e.g. `amr`: what office codes are made of.
    pub line: String,
    /// Name.
    pub name: Name,
    /// First day of its existence, when known.
    pub from: Option<Date>,
    /// Last day, when it was dissolved.
    pub until: Option<Date>,
    /// Whether it can decide a case. The consumer association and the civilisation office can't.
    pub enforces: bool,
    /// Levels at which it has offices, besides the province.
    pub levels: Vec<Level>,
    /// Procedure that binds its offices.
    pub regime: Regime,
}

/// A change in the machinery of government.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Succession {
    /// Who ended.
    pub predecessor: String,
    /// Who took over.
    pub successor: String,
    /// From which day.
    pub from: Date,
    /// The day is an estimate.
    pub estimate: bool,
    /// Which duties went there.
    pub scope: String,
    /// The successor that a consumer's case goes to when the duties were divided.
    pub main: bool,
}

/// Part of a department in a task of the plan.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// 各设区市放心消费创建办及有关部门: the territorial handler, order 0.
    Territorial,
    /// First provincial department listed.
    Lead,
    /// The others.
    Assist,
}

/// One line of the plan's list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Route {
    /// Sector code.
    pub sector: String,
    /// Place in the plan's list; 0 is the territorial handler.
    pub order: u8,
    /// Department code as listed (2018), or a group.
    pub department: String,
    /// Its part.
    pub part: Part,
}

/// A narrower rule: within a sector, a sub-sector or a kind of case goes to another department.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subroute {
    /// Stable code, shown in the steps.
    pub code: String,
    /// Sector that it narrows.
    pub sector: String,
    /// Sub-sector that it holds for.
    pub subsector: String,
    /// Department code that leads instead.
    pub department: String,
    /// Departments that assist.
    pub assist: Vec<String>,
    /// First and last day of receipt that it holds for.
    pub from: Option<Date>,
    /// See `from`.
    pub until: Option<Date>,
    /// Why, in both languages.
    pub why: Name,
}

/// A department at a place: the unit that can decide.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Office {
    /// `<line>-<division>`, e.g. `amr-320115`; provincial ones have the department's code (`jiangsu-amr`).
    pub code: String,
    /// Provincial code of the department.
    pub department: String,
    /// Its place.
    pub division: Division,
    /// Name.
    pub name: Name,
    /// Whether a person confirmed that it exists so; generated ones are not.
    pub verified: bool,
    /// Whether the authority publishes this service as a channel: then statutory clocks run from a filing here.
    pub published_channel: bool,
    /// Phone for the public.
    pub phone: Option<String>,
    /// First and last day in force.
    pub from: Option<Date>,
    /// See `from`.
    pub until: Option<Date>,
}

/// What kind of station it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum StationKind {
    /// 消协(消保委)分会
    AssociationBranch,
    /// 12315 投诉站/联络站
    ComplaintStation,
    /// 消费维权服务站 inside a merchant.
    ServiceStation,
}

/// A station of 一会两站.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Station {
    /// Stable code.
    pub code: String,
    /// What kind.
    pub kind: StationKind,
    /// Name.
    pub name: Name,
    /// Town, or county, that it serves.
    pub division: Division,
    /// Credit code of the merchant that hosts it (service stations).
    pub host_uscc: Option<String>,
    /// Name of the venue, market or merchant that hosts it.
    pub host_name: Option<String>,
    /// Office that supervises it.
    pub office: String,
    /// Sectors that it takes; empty is all.
    pub sectors: Vec<String>,
    /// Phone for the public.
    pub phone: Option<String>,
    /// First and last day in force.
    pub from: Option<Date>,
    /// See `from`.
    pub until: Option<Date>,
    /// From the sample file: no real station.
    pub sample: bool,
}

/// A procedure in force for cases received in a span of days.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    /// Version, e.g. `order-121`.
    pub id: String,
    /// Name of the law.
    pub name: Name,
    /// Whom it binds.
    pub regime: Regime,
    /// First day of receipt that it holds for.
    pub from: Date,
    /// Last day of receipt, when it was repealed.
    pub until: Option<Date>,
    /// Lengths of the clocks, by kind.
    pub clocks: BTreeMap<ClockKind, ClockRule>,
    /// Clock of the first decision for a complaint and for a report.
    pub decision: BTreeMap<Kind, ClockKind>,
    /// Grounds of refusal.
    pub refusal: Vec<Ground>,
    /// Grounds of termination.
    pub termination: Vec<Ground>,
    /// Other routes that a refusal must name (消保法 Art 39).
    pub other_routes: Vec<Name>,
}

impl Rule {
    /// A ground of refusal or termination by its code.
    pub fn ground(&self, code: &str) -> Option<&Ground> {
        self.refusal.iter().chain(&self.termination).find(|ground| ground.code == code)
    }
}

/// Unit of a length of time.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Unit {
    /// Working days.
    WorkingDays,
    /// Calendar days.
    Days,
}

/// How one clock runs under a rule.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClockRule {
    /// Its length; `None` for a date that a person sets.
    pub length: Option<(u16, Unit)>,
    /// What an approved extension adds.
    pub extension: Option<(u16, Unit)>,
    /// Whether testing lets it stand still.
    pub pauses_for_testing: bool,
    /// A second limit that also binds cases received from a day on; the earlier date counts.
    pub cap: Option<(u16, Unit, Date)>,
    /// Article, e.g. `第十五条`.
    pub article: String,
}

/// A ground of refusal or termination.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ground {
    /// `R16_1`, `T23_5`, …
    pub code: String,
    /// What it says.
    pub name: Name,
    /// Article.
    pub article: String,
}

/// A target of the programme.
#[derive(Debug, Clone, PartialEq)]
pub struct Target {
    /// Code of a rate (design: `handling`, `self_settlement`, …) when this service computes it; else the plan's metric code.
    pub metric: String,
    /// Name.
    pub name: Name,
    /// `>=`, `=`, `~>=`, `yoy_increase`, …
    pub operator: String,
    /// The number, when there is one; for percentages 100 is all.
    pub value: Option<f64>,
    /// `%`, …
    pub unit: String,
    /// Year or period in which it was due.
    pub due: String,
    /// `goal`, or the task of the plan.
    pub source: String,
    /// Whether this service can compute it from complaints.
    pub computable: bool,
}

/// A name that the national 12315 platform classifies by. No official list of codes is public; these are names seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Category {
    /// `goods`, `service`, `problem_l1`, `problem_l2`, `report_problem_l1`, `remedy`, `channel`.
    pub dimension: String,
    /// Chinese name.
    pub name: String,
    /// Sectors that it may belong to, the likeliest first; empty where it says nothing of them.
    pub sectors: Vec<String>,
}

impl Catalogue {
    /// A sector by code.
    pub fn sector(&self, code: &str) -> Option<&Sector> {
        self.sectors.iter().find(|sector| sector.code == code)
    }

    /// An office by code, if it is in force on a day.
    pub fn office_on(&self, code: &str, day: Date) -> Option<&Office> {
        self.offices.get(code).filter(|office| in_force(office.from, office.until, day))
    }

    /// The rule that binds a regime for a case received on a day. `None` before 2020: no rule of this service covers it.
    pub fn rule(&self, regime: Regime, received: Date) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.regime == regime && in_force(Some(rule.from), rule.until, received))
    }

    /// A rule by its version.
    pub fn rule_by_id(&self, id: &str) -> Option<&Rule> {
        self.rules.iter().find(|rule| rule.id == id)
    }
}

/// Whether a day lies in a span whose ends may be open.
pub fn in_force(from: Option<Date>, until: Option<Date>, day: Date) -> bool {
    from.is_none_or(|from| from <= day) && until.is_none_or(|until| day <= until)
}

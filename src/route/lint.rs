//! Looks for holes in the data that cases are routed by, before a case falls into one.

use super::{RouteIndex, Run};
use crate::config::catalogue::{Catalogue, Department, Part, PlaceKind, in_force};
use crate::domain::division::{Division, Level};
use jiff::civil::Date;
use std::collections::{BTreeMap, BTreeSet, HashSet};

/// How bad a finding is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// A case gets an owner, but perhaps not the right one.
    Warning,
    /// The data contradicts itself, or a case would get no owner.
    Error,
}

impl Severity {
    /// The stable code.
    pub const fn code(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
        }
    }
}

impl serde::Serialize for Severity {
    fn serialize<S: serde::Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(self.code())
    }
}

/// Something found.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Finding {
    /// How bad it is.
    pub severity: Severity,
    /// Stable code of what is wrong.
    pub code: &'static str,
    /// Code of the sector, department, office, station, subroute or division that it is about; with a day: `courier@2026-01-01`.
    pub place: String,
    /// Chinese.
    pub zh: String,
    /// English.
    pub en: String,
}

/// Checks the data for every day from `from` to `to`: gaps (each sector, each county and zone, each day on which something
/// changes), narrower rules that no case reaches, offices and stations that point to nothing, successors that don't exist. With
/// `staffed`, the codes of the offices that have people, also owners without any. Sorted by severity, the worst first.
pub fn lint(catalogue: &Catalogue, from: Date, to: Date, staffed: Option<&HashSet<String>>) -> Vec<Finding> {
    let index = RouteIndex::new(catalogue);
    let mut check = Check { catalogue, run: Run { catalogue, index: &index }, findings: Vec::new() };
    check.successions();
    check.routes();
    check.subroutes();
    check.offices();
    check.stations();
    check.samples();
    check.coverage(from, to, staffed);
    check.findings.sort_by(|a, b| (b.severity, a.code, &a.place).cmp(&(a.severity, b.code, &b.place)));
    check.findings
}

struct Check<'a> {
    catalogue: &'a Catalogue,
    run: Run<'a>,
    findings: Vec<Finding>,
}

impl<'a> Check<'a> {
    fn find(&mut self, severity: Severity, code: &'static str, place: &str, zh: String, en: String) {
        self.findings.push(Finding { severity, code, place: place.to_owned(), zh, en });
    }

    fn successions(&mut self) {
        for change in &self.catalogue.successions {
            if !self.catalogue.departments.contains_key(&change.predecessor) {
                self.find(
                    Severity::Error,
                    "unknown_predecessor",
                    &change.predecessor,
                    format!("承继关系中的原部门{}不存在。", change.predecessor),
                    format!("The predecessor {} of a succession doesn't exist.", change.predecessor),
                );
            }
            let successor = self.catalogue.departments.get(&change.successor);
            if !successor.is_some_and(|heir| in_force(heir.from, heir.until, change.from)) {
                self.find(
                    Severity::Error,
                    "dead_successor",
                    &change.successor,
                    format!("{}承继{}，但在{}不存在。", change.successor, change.predecessor, change.from),
                    format!(
                        "{} takes over from {} but doesn't exist on {}.",
                        change.successor, change.predecessor, change.from
                    ),
                );
            }
        }
        for department in self.catalogue.departments.values() {
            let Some(until) = department.until else { continue };
            let after = until.tomorrow().unwrap_or(until);
            if self.run.heirs(&department.code, after).is_empty() {
                self.find(
                    Severity::Warning,
                    "no_successor",
                    &department.code,
                    format!("{}于{until}撤销，没有承继部门。", department.name.zh),
                    format!("{} ended on {until}; nobody took over.", department.name.en),
                );
            }
        }
    }

    fn routes(&mut self) {
        for route in &self.catalogue.routes {
            if self.catalogue.sector(&route.sector).is_none() {
                self.find(
                    Severity::Error,
                    "unknown_sector",
                    &route.sector,
                    format!("分派规则中的领域{}不存在。", route.sector),
                    format!("The sector {} of a route doesn't exist.", route.sector),
                );
            }
            // The territorial line names a group: it stands for the offices themselves.
            if route.part != Part::Territorial && !self.catalogue.departments.contains_key(&route.department) {
                let severity = if route.department.starts_with("group-") { Severity::Info } else { Severity::Error };
                self.find(
                    severity,
                    "unknown_department",
                    &route.department,
                    format!("领域{}的部门{}不存在。", route.sector, route.department),
                    format!("The department {} of the sector {} doesn't exist.", route.department, route.sector),
                );
            }
        }
        for sector in &self.catalogue.sectors {
            let leads =
                |part| self.catalogue.routes.iter().any(|route| route.sector == sector.code && route.part == part);
            if sector.task.is_some() && !leads(Part::Lead) {
                self.find(
                    Severity::Error,
                    "sector_without_lead",
                    &sector.code,
                    format!("方案中的领域{}没有牵头部门。", sector.name.zh),
                    format!("The sector {} of the plan has no lead.", sector.name.en),
                );
            }
        }
    }

    fn subroutes(&mut self) {
        for (at, rule) in self.catalogue.subroutes.iter().enumerate() {
            let known = self
                .catalogue
                .sector(&rule.sector)
                .is_some_and(|sector| sector.subsectors.iter().any(|(code, _)| *code == rule.subsector));
            let empty = matches!((rule.from, rule.until), (Some(from), Some(until)) if until < from);
            if !known || empty {
                self.find(
                    Severity::Error,
                    "subroute_unreachable",
                    &rule.code,
                    format!("细分规则{}不会被任何案件用到：领域、子领域或者日期不存在。", rule.code),
                    format!("No case reaches the rule {}: its sector, sub-sector or dates don't exist.", rule.code),
                );
            }
            let earlier = self.catalogue.subroutes.iter().take(at).find(|earlier| {
                earlier.sector == rule.sector
                    && earlier.subsector == rule.subsector
                    && earlier.from.is_none_or(|from| rule.from.is_some_and(|own| from <= own))
                    && earlier.until.is_none_or(|until| rule.until.is_some_and(|own| own <= until))
            });
            if let Some(earlier) = earlier {
                self.find(
                    Severity::Error,
                    "subroute_shadowed",
                    &rule.code,
                    format!("细分规则{}被前面的{}完全覆盖。", rule.code, earlier.code),
                    format!("The rule {} is hidden by {} before it.", rule.code, earlier.code),
                );
            }
            for code in &rule.assist {
                if !self.catalogue.departments.contains_key(code) {
                    self.find(
                        Severity::Error,
                        "unknown_department",
                        code,
                        format!("细分规则{}的协助部门{code}不存在。", rule.code),
                        format!("The assisting department {code} of the rule {} doesn't exist.", rule.code),
                    );
                }
            }
        }
    }

    fn offices(&mut self) {
        // In the order of the codes: the map has none.
        let offices: BTreeMap<_, _> = self.catalogue.offices.iter().collect();
        for (code, office) in offices {
            let Some(department) = self.catalogue.departments.get(&office.department) else {
                self.find(
                    Severity::Error,
                    "office_without_department",
                    code,
                    format!("承办单位{}的部门{}不存在。", office.name.zh, office.department),
                    format!("The department {} of the office {code} doesn't exist.", office.department),
                );
                continue;
            };
            // An office without dates of its own lives as long as its department does.
            let early = matches!((office.from, department.from), (Some(own), Some(whole)) if own < whole);
            let late = matches!((office.until, department.until), (Some(own), Some(whole)) if own > whole)
                || matches!((office.from, department.until), (Some(own), Some(whole)) if own > whole);
            if early || late {
                self.find(
                    Severity::Error,
                    "office_outlives_department",
                    code,
                    format!("承办单位{}的存续期超出其部门{}。", office.name.zh, department.name.zh),
                    format!("The office {code} is in force on days on which {} isn't.", department.name.en),
                );
            }
            if self.catalogue.places.get(office.division).is_none() {
                self.find(
                    Severity::Error,
                    "office_without_place",
                    code,
                    format!("承办单位{}的区划{}不存在。", office.name.zh, office.division),
                    format!("The division {} of the office {code} doesn't exist.", office.division),
                );
            }
            // The router finds offices by their code.
            let expected = format!("{}-{}", department.line, office.division);
            if *code != department.code && *code != expected {
                self.find(
                    Severity::Error,
                    "office_code",
                    code,
                    format!("承办单位代码{code}不合规则，应为{expected}，不会被找到。"),
                    format!("The office code {code} isn't {expected}: no case finds it."),
                );
            }
        }
    }

    fn stations(&mut self) {
        for station in self.catalogue.stations.values() {
            let supervised = self.catalogue.offices.get(&station.office).is_some_and(|office| {
                // It must not outlive the office that supervises it.
                match (station.until, office.until) {
                    (_, None) => true,
                    (None, Some(_)) => false,
                    (Some(own), Some(office)) => own <= office,
                }
            });
            if !supervised {
                self.find(
                    Severity::Error,
                    "station_dead_office",
                    &station.code,
                    format!("站点{}的监督单位{}不存在或者已撤销。", station.name.zh, station.office),
                    format!("The office {} that supervises the station doesn't exist or has ended.", station.office),
                );
            }
            if self.catalogue.places.get(station.division).is_none() {
                self.find(
                    Severity::Error,
                    "station_without_place",
                    &station.code,
                    format!("站点{}的区划{}不存在。", station.name.zh, station.division),
                    format!("The division {} of the station doesn't exist.", station.division),
                );
            }
            if let Some(sector) = station.sectors.iter().find(|sector| self.catalogue.sector(sector).is_none()) {
                self.find(
                    Severity::Error,
                    "station_unknown_sector",
                    &station.code,
                    format!("站点{}的领域{sector}不存在。", station.name.zh),
                    format!("The sector {sector} of the station doesn't exist."),
                );
            }
            if !station.sample && station.phone.as_deref().is_none_or(|phone| phone.trim().is_empty()) {
                self.find(
                    Severity::Warning,
                    "station_without_phone",
                    &station.code,
                    format!("站点{}没有电话。", station.name.zh),
                    "The station has no phone.".to_owned(),
                );
            }
        }
    }

    fn samples(&mut self) {
        let samples = self.catalogue.stations.values().filter(|station| station.sample).count();
        if samples > 0 {
            self.find(
                Severity::Warning,
                "sample_stations",
                "stations",
                format!("有{samples}个示例站点，投入使用前应换成真实站点。"),
                format!("{samples} stations are samples; replace them by real ones before going live."),
            );
        }
    }

    /// Days on which an answer may change, from `from` to `to`.
    fn days(&self, from: Date, to: Date) -> BTreeSet<Date> {
        let next = |day: Date| day.tomorrow().ok();
        let catalogue = self.catalogue;
        let spans = catalogue
            .departments
            .values()
            .map(|department| (department.from, department.until))
            .chain(catalogue.offices.values().map(|office| (office.from, office.until)))
            .chain(catalogue.subroutes.iter().map(|rule| (rule.from, rule.until)));
        spans
            .flat_map(|(first, last)| [first, last.and_then(next)])
            .flatten()
            .chain(catalogue.successions.iter().map(|change| change.from))
            .filter(|day| (from..=to).contains(day))
            .chain([from])
            .collect()
    }

    fn coverage(&mut self, from: Date, to: Date, staffed: Option<&HashSet<String>>) {
        let seats: Vec<Division> = self
            .catalogue
            .places
            .by_code
            .values()
            .filter(|place| matches!(place.kind, PlaceKind::County | PlaceKind::FunctionalZone))
            .map(|place| place.code)
            .collect();
        let mut told = HashSet::new();
        for day in self.days(from, to) {
            let market = self.run.market(day);
            if market.is_none() {
                self.find(
                    Severity::Error,
                    "no_market_regulation",
                    &day.to_string(),
                    format!("{day}没有市场监督管理部门。"),
                    format!("There is no market regulation department on {day}."),
                );
            }
            let mut handlers: BTreeMap<&str, &'a Department> = BTreeMap::new();
            for (sector, subsector) in self.matters() {
                let choice = self.run.choose_for(sector, subsector, day, &mut Vec::new());
                let handler = self.run.handler(&choice, day, &mut Vec::new());
                if let (Some(lead), Some(handler)) = (choice.lead, handler)
                    && !lead.enforces
                    && told.insert(("lead", sector.to_owned(), handler.code.clone()))
                {
                    self.find(
                        Severity::Info,
                        "lead_does_not_enforce",
                        &format!("{sector}@{day}"),
                        format!("领域{sector}的牵头部门{}不是执法部门，由{}承办。", lead.name.zh, handler.name.zh),
                        format!("{} leads {sector} but can't decide; {} handles it.", lead.name.en, handler.name.en),
                    );
                }
                match handler {
                    Some(handler) => {
                        handlers.insert(&handler.code, handler);
                    }
                    None => self.find(
                        Severity::Error,
                        "gap",
                        &format!("{sector}@{day}"),
                        format!("领域{sector}在{day}没有承办部门。"),
                        format!("No department handles {sector} on {day}."),
                    ),
                }
            }
            // One look per department instead of one per sector: sectors of the same department share their offices.
            for handler in handlers.into_values() {
                let mut without = Vec::new();
                for &seat in &seats {
                    let office = self.run.climb(handler, seat, day, |_, _| {});
                    match office {
                        Some(office) => {
                            if let Some(staffed) = staffed
                                && !staffed.contains(&office.code)
                                && told.insert(("people", office.code.clone(), String::new()))
                            {
                                self.find(
                                    Severity::Warning,
                                    "office_without_people",
                                    &office.code,
                                    format!("承办单位{}没有人员账号，分派给它的案件无人处理。", office.name.zh),
                                    format!(
                                        "The office {} has no people: nobody handles what comes to it.",
                                        office.name.en
                                    ),
                                );
                            }
                            if handler.levels.contains(&Level::County) && office.division != seat {
                                without.push(seat);
                            }
                        }
                        None => {
                            let rescued = market
                                .filter(|market| market.code != handler.code)
                                .is_some_and(|market| self.run.climb(market, seat, day, |_, _| {}).is_some());
                            let (severity, code) = if rescued {
                                (Severity::Warning, "department_without_office")
                            } else {
                                (Severity::Error, "gap")
                            };
                            if told.insert((code, handler.code.clone(), seat.to_string())) {
                                self.find(
                                    severity,
                                    code,
                                    &format!("{seat}@{day}"),
                                    format!("{}在{day}没有能承办{seat}案件的单位。", handler.name.zh),
                                    format!("{} has no office for cases of {seat} on {day}.", handler.name.en),
                                );
                            }
                        }
                    }
                }
                if !without.is_empty() && told.insert(("level", handler.code.clone(), without.len().to_string())) {
                    let some: Vec<_> = without.iter().take(5).map(ToString::to_string).collect();
                    self.find(
                        Severity::Info,
                        "county_without_office",
                        &format!("{}@{day}", handler.code),
                        format!(
                            "{}有{}个县区没有承办单位，由上一级承办，例如{}。",
                            handler.name.zh,
                            without.len(),
                            some.join("、")
                        ),
                        format!(
                            "{} has no office in {} counties and zones; the level above handles them, e.g. {}.",
                            handler.name.en,
                            without.len(),
                            some.join(", ")
                        ),
                    );
                }
            }
        }
    }

    /// Every sector, alone and with each of its sub-sectors.
    fn matters(&self) -> Vec<(&'a str, Option<&'a str>)> {
        let sectors = self.catalogue.sectors.iter();
        sectors
            .flat_map(|sector| {
                let subsectors = sector.subsectors.iter().map(|(code, _)| Some(code.as_str()));
                std::iter::once(None).chain(subsectors).map(|subsector| (sector.code.as_str(), subsector))
            })
            .collect()
    }
}

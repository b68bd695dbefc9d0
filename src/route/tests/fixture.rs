//! A small catalogue: the plan's list of departments, and a handful of places, offices and stations.

use crate::config::catalogue::{
    Catalogue, Department, Name, Office, Part, Place, PlaceKind, Places, Route, Sector, Station, StationKind, Subroute,
    Succession,
};
use crate::domain::calendar::{Rollover, WorkCalendar};
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::Regime;
use jiff::civil::{Date, date};
use std::collections::{BTreeMap, BTreeSet, HashMap};

/// The plan's tasks 1 to 19 in its order: lead first, then who assists.
pub(super) const PLAN: [(&str, &str); 19] = [
    ("ecommerce", "aic eic commerce credit cco"),
    ("rural_ecommerce", "coop drc agri commerce aic"),
    ("courier", "post psd transport aic cco"),
    ("tourism", "tourism aic credit cco"),
    ("finance", "pbc cbrc circ"),
    ("telecom_info", "ca drc eic aic cac cco"),
    ("education_training", "edu hrss aic pprft price"),
    ("healthcare", "hfpc fda aic price civ"),
    ("beauty_fitness", "commerce aic psd hfpc ccpc"),
    ("public_utilities", "aic qts civil ccpc"),
    ("brand_cluster", "cco commerce aic qts pprft ipo civ"),
    ("trademark_ip", "ipo pprft psd aic qts"),
    ("agri_products_inputs", "agri commerce fda aic qts ocean coop"),
    ("food_drug", "fda eic psd aic qts"),
    ("price", "price drc aic"),
    ("culture", "culture pprft drc eic aic"),
    ("transport_auto", "transport psd aic qts cco"),
    ("home_decoration", "hurd aic qts cco"),
    ("grain_oil_salt", "grain eic fda qts aic"),
];

/// Predecessor, successor, day, whether consumers' cases went there.
const SUCCESSIONS: [(&str, &str, Date, bool); 20] = [
    ("aic", "amr", REFORM, true),
    ("qts", "amr", REFORM, true),
    ("fda", "amr", REFORM, true),
    ("fda", "mpa", REFORM, false),
    ("price", "amr", REFORM, true),
    ("price", "drc", REFORM, false),
    ("eic", "iit", REFORM, true),
    ("agri", "ara", REFORM, true),
    ("tourism", "ct", REFORM, true),
    ("culture", "ct", REFORM, true),
    ("pprft", "rtb", REFORM, true),
    ("pprft", "npc", REFORM, false),
    ("hfpc", "health", REFORM, true),
    ("ocean", "ara", REFORM, true),
    ("grain", "grain-reserve", REFORM, true),
    ("cbrc", "cbirc", date(2018, 12, 17), true),
    ("circ", "cbirc", date(2018, 12, 17), true),
    ("cbirc", "nfra", date(2023, 7, 20), true),
    ("pbc", "nfra", date(2023, 7, 20), true),
    ("pbc", "pbc-js", date(2023, 8, 18), false),
];
const REFORM: Date = date(2018, 11, 1);

const PLACES: [(&str, &str, Option<&str>, PlaceKind); 12] = [
    ("320000", "江苏省", None, PlaceKind::Province),
    ("320100", "南京市", Some("320000"), PlaceKind::City),
    ("320106", "鼓楼区", Some("320100"), PlaceKind::County),
    ("320115", "江宁区", Some("320100"), PlaceKind::County),
    ("320115001", "东山街道", Some("320115"), PlaceKind::Subdistrict),
    ("320115002", "秣陵街道", Some("320115"), PlaceKind::Subdistrict),
    ("320500", "苏州市", Some("320000"), PlaceKind::City),
    ("320505", "虎丘区", Some("320500"), PlaceKind::County),
    ("320576", "苏州工业园区", Some("320500"), PlaceKind::FunctionalZone),
    ("320576050", "娄葑街道", Some("320576"), PlaceKind::Subdistrict),
    ("320600", "南通市", Some("320000"), PlaceKind::City),
    ("320613", "崇川区", Some("320600"), PlaceKind::County),
];

pub(super) fn division(code: &str) -> Division {
    Division::parse(code).unwrap()
}

fn name(text: &str) -> Name {
    Name { zh: format!("{text}名"), en: text.to_owned() }
}

fn department(line: &str) -> Department {
    let from = SUCCESSIONS.iter().filter(|(_, heir, ..)| *heir == line).map(|(_, _, day, _)| *day).min();
    let main_left = SUCCESSIONS.iter().filter(|(gone, ..)| *gone == line).map(|(_, _, day, _)| *day).max();
    let from = from.filter(|_| line != "drc");
    let levels = match line {
        "cco" | "ccpc" | "civ" | "mpa" | "cbirc" | "pbc-js" => vec![],
        "post" | "nfra" | "pbc" | "cbrc" | "circ" | "ca" => vec![Level::City],
        _ => vec![Level::City, Level::County],
    };
    Department {
        code: format!("jiangsu-{line}"),
        line: line.to_owned(),
        name: name(line),
        from,
        until: main_left.map(|day| day.yesterday().unwrap()),
        enforces: !matches!(line, "cco" | "ccpc" | "civ" | "coop" | "credit"),
        levels,
        regime: if matches!(line, "amr" | "aic" | "qts" | "fda" | "price") {
            Regime::MarketRegulation
        } else {
            Regime::OtherDepartments
        },
    }
}

pub(super) fn station(code: &str, kind: StationKind, at: &str) -> Station {
    Station {
        code: code.to_owned(),
        kind,
        name: name(code),
        division: division(at),
        host_uscc: None,
        host_name: None,
        office: format!("amr-{}", division(at).six_digits()),
        sectors: Vec::new(),
        phone: Some("025-12345678".to_owned()),
        from: None,
        until: None,
        sample: false,
    }
}

pub(super) fn with_station(mut catalogue: Catalogue, station: Station) -> Catalogue {
    catalogue.stations.insert(station.code.clone(), station);
    catalogue
}

pub(super) fn catalogue() -> Catalogue {
    let mut sectors: Vec<_> = PLAN
        .iter()
        .zip(1..)
        .map(|((code, _), task)| Sector {
            code: (*code).to_owned(),
            name: name(code),
            task: Some(task),
            subsectors: match *code {
                "finance" => vec![("securities".to_owned(), name("securities"))],
                "transport_auto" => vec![("rail".to_owned(), name("rail")), ("rail_air".to_owned(), name("rail_air"))],
                _ => Vec::new(),
            },
        })
        .collect();
    for code in ["product_quality", "life_services", "other"] {
        sectors.push(Sector { code: code.to_owned(), name: name(code), task: None, subsectors: Vec::new() });
    }
    let mut routes = Vec::new();
    for (sector, listed) in PLAN {
        let territorial = Route {
            sector: sector.to_owned(),
            order: 0,
            department: "group-city-cco".to_owned(),
            part: Part::Territorial,
        };
        routes.push(territorial);
        for (line, order) in listed.split(' ').zip(1..) {
            routes.push(Route {
                sector: sector.to_owned(),
                order,
                department: format!("jiangsu-{line}"),
                part: if order == 1 { Part::Lead } else { Part::Assist },
            });
        }
    }
    let mut lines: BTreeSet<&str> = PLAN.iter().flat_map(|(_, listed)| listed.split(' ')).collect();
    lines.extend(SUCCESSIONS.iter().flat_map(|(gone, heir, ..)| [*gone, *heir]));
    lines.insert("csrc");
    let departments: BTreeMap<_, _> =
        lines.iter().map(|line| department(line)).map(|department| (department.code.clone(), department)).collect();

    let mut offices = HashMap::new();
    for department in departments.values() {
        let mut add = |code: String, at: &str| {
            let office = Office {
                name: name(&code),
                code: code.clone(),
                department: department.code.clone(),
                division: division(at),
                verified: false,
                published_channel: code == "amr-320115",
                phone: None,
                from: department.from,
                until: department.until,
            };
            offices.insert(code, office);
        };
        add(department.code.clone(), "320000");
        for (code, _, _, kind) in PLACES {
            let level = match kind {
                PlaceKind::City => Level::City,
                PlaceKind::County => Level::County,
                // Zones have market regulation of their own, nothing else.
                PlaceKind::FunctionalZone if matches!(department.line.as_str(), "amr" | "aic") => Level::County,
                _ => continue,
            };
            if department.levels.contains(&level) {
                add(format!("{}-{code}", department.line), code);
            }
        }
    }
    Catalogue {
        templates: crate::config::Templates::default(),
        words: crate::config::Words::default(),
        places: Places {
            root: Some(division("320000")),
            by_code: PLACES
                .iter()
                .map(|(code, name, parent, kind)| Place {
                    code: division(code),
                    name: (*name).to_owned(),
                    parent: parent.map(division),
                    kind: *kind,
                    residents: None,
                })
                .map(|place| (place.code, place))
                .collect(),
            replaced: BTreeMap::from([(division("320611"), division("320613"))]),
            english: BTreeMap::from([
                (division("320115"), "Jiangning".to_owned()),
                (division("320100"), "Nanjing".to_owned()),
            ]),
        },
        sectors,
        departments,
        successions: SUCCESSIONS
            .iter()
            .map(|(gone, heir, from, main)| Succession {
                predecessor: format!("jiangsu-{gone}"),
                successor: format!("jiangsu-{heir}"),
                from: *from,
                estimate: true,
                scope: String::new(),
                main: *main,
            })
            .collect(),
        routes,
        subroutes: vec![
            Subroute {
                code: "finance-securities".to_owned(),
                sector: "finance".to_owned(),
                subsector: "securities".to_owned(),
                department: "jiangsu-csrc".to_owned(),
                assist: vec!["jiangsu-pbc".to_owned()],
                from: None,
                until: None,
                why: Name { zh: "证券由证监局负责。".to_owned(), en: "Securities: CSRC.".to_owned() },
            },
            Subroute {
                code: "transport-rail".to_owned(),
                sector: "transport_auto".to_owned(),
                subsector: "rail".to_owned(),
                department: "out-rail".to_owned(),
                assist: Vec::new(),
                from: Some(date(2020, 1, 1)),
                until: None,
                why: Name { zh: "铁路请向12306提出。".to_owned(), en: "Rail: 12306.".to_owned() },
            },
            Subroute {
                code: "transport-rail-air".to_owned(),
                sector: "transport_auto".to_owned(),
                subsector: "rail_air".to_owned(),
                department: "jiangsu-amr".to_owned(),
                assist: Vec::new(),
                from: None,
                until: None,
                why: Name {
                    zh: "铁路、民航不在本省部门之列".to_owned(), en: "Not of this province".to_owned()
                },
            },
        ],
        offices,
        stations: BTreeMap::new(),
        rules: Vec::new(),
        calendar: WorkCalendar {
            version: "test".to_owned(),
            years: BTreeSet::new(),
            days: BTreeMap::new(),
            rollover: Rollover::HolidayOnly,
        },
        targets: Vec::new(),
        categories: Vec::new(),
        documents: crate::config::catalogue::Documents::default(),
    }
}

use super::{embedded, told};
use crate::config::catalogue::{Catalogue, Part, PlaceKind, Unit};
use crate::config::{Source, load, merge_year};
use crate::domain::calendar::{DayKind, Rollover};
use crate::domain::division::{Division, Level};
use crate::domain::vocabulary::{ClockKind, Kind, Lang, Regime};
use jiff::civil::{Date, date};

fn division(code: &str) -> Division {
    Division::parse(code).unwrap()
}

fn codes_on(catalogue: &Catalogue, code: &str, day: Date) -> Vec<String> {
    catalogue.department_on(code, day).into_iter().map(|department| department.code.clone()).collect()
}

#[test]
#[expect(clippy::disallowed_methods, reason = "measures how long loading takes")]
fn loads_fast() {
    let started = std::time::Instant::now();
    let catalogue = embedded();
    println!("{} offices; loaded in {:?}", catalogue.offices.len(), started.elapsed());
}

#[test]
fn counts() {
    let catalogue = embedded();
    let count = |kind| catalogue.places.by_code.values().filter(|place| place.kind == kind).count();
    assert_eq!(count(PlaceKind::Province), 1);
    assert_eq!(count(PlaceKind::City), 13);
    assert_eq!(count(PlaceKind::County), 95);
    assert_eq!(count(PlaceKind::FunctionalZone), 9);
    assert_eq!(catalogue.places.towns().count(), 1200);
    assert_eq!(count(PlaceKind::QuasiTown), 287);
    assert_eq!(catalogue.sectors.len(), 22);
    let tasks: Vec<u8> = catalogue.sectors.iter().filter_map(|sector| sector.task).collect();
    assert_eq!(tasks, (1..=19).collect::<Vec<u8>>());
    assert_eq!(catalogue.departments.len(), 54);
    assert_eq!(catalogue.successions.len(), 24);
    assert_eq!(catalogue.targets.len(), 31);
    assert_eq!(catalogue.targets.iter().filter(|target| target.computable).count(), 4);
    assert_eq!(catalogue.categories.len(), 93);
    assert_eq!(catalogue.calendar.days.len(), 142);
    assert_eq!(catalogue.rules.len(), 4);
}

#[test]
fn every_route_ends_at_a_department_on_every_day() {
    let catalogue = embedded();
    for day in [date(2018, 6, 1), date(2020, 1, 1), date(2023, 8, 1), date(2026, 11, 23)] {
        for route in catalogue.routes.iter().filter(|route| route.part != Part::Territorial) {
            assert!(!catalogue.department_on(&route.department, day).is_empty(), "{} on {day}", route.department);
        }
        for subroute in &catalogue.subroutes {
            assert!(!catalogue.department_on(&subroute.department, day).is_empty(), "{} on {day}", subroute.code);
        }
    }
}

#[test]
fn departments_through_time() {
    let catalogue = embedded();
    let table: &[(&str, Date, &[&str])] = &[
        ("jiangsu-aic", date(2018, 10, 31), &["jiangsu-aic"]),
        ("jiangsu-aic", date(2018, 11, 1), &["jiangsu-amr"]),
        ("jiangsu-fda", date(2026, 1, 1), &["jiangsu-amr", "jiangsu-mpa"]),
        ("jiangsu-price", date(2026, 1, 1), &["jiangsu-amr", "jiangsu-drc"]),
        ("jiangsu-pprft", date(2026, 1, 1), &["jiangsu-npc", "jiangsu-rtb"]),
        ("jiangsu-cbrc", date(2020, 1, 1), &["jiangsu-cbirc"]),
        ("jiangsu-circ", date(2026, 1, 1), &["jiangsu-nfra"]),
        ("jiangsu-pbc", date(2023, 8, 1), &["jiangsu-pbc"]),
        ("jiangsu-pbc", date(2026, 1, 1), &["jiangsu-nfra", "jiangsu-pbc-js"]),
        // Backwards: a rule that names a department of today, asked for a day before its time.
        ("jiangsu-pbc-js", date(2020, 1, 1), &["jiangsu-pbc"]),
        ("jiangsu-health", date(2018, 6, 1), &["jiangsu-hfpc"]),
        ("jiangsu-amr", date(2018, 6, 1), &["jiangsu-aic", "jiangsu-qts", "jiangsu-fda", "jiangsu-price"]),
        ("jiangsu-nowhere", date(2026, 1, 1), &[]),
    ];
    for (code, day, expected) in table {
        assert_eq!(codes_on(&catalogue, code, *day), *expected, "{code} on {day}");
    }
}

#[test]
fn offices_stand_where_departments_do() {
    let catalogue = embedded();
    let jiangning = division("320115");
    let office = catalogue.office_of("amr", jiangning).unwrap();
    assert_eq!((office.code.as_str(), office.name.zh.as_str()), ("amr-320115", "江宁区市场监督管理局"));
    assert_eq!(office.name.en, "Jiangning Administration for Market Regulation");
    assert!(!office.verified && !office.published_channel);
    assert_eq!(catalogue.office_of("amr", division("320000")).unwrap().code, "jiangsu-amr");
    assert_eq!(catalogue.office_of("nfra", division("320200")).unwrap().name.zh, "国家金融监督管理总局无锡监管分局");
    assert!(catalogue.office_of("nfra", division("320100")).is_none(), "Nanjing is the provincial bureau's own");
    assert!(catalogue.office_of("post", jiangning).is_none(), "none below the city");
    assert_eq!(catalogue.office_of("tax", jiangning).unwrap().name.zh, "国家税务总局南京市江宁区税务局");
    assert!(catalogue.office_of("ca", division("320100")).is_none(), "only at the province");
    let zone = division("320576");
    let in_zone: Vec<&str> = catalogue
        .offices
        .values()
        .filter(|office| office.division == zone)
        .map(|office| office.code.as_str())
        .collect();
    assert_eq!(in_zone, ["amr-320576"]);
    assert_eq!(catalogue.office_of("amr", division("320611")).unwrap().code, "amr-320613", "an old code");
    assert!(catalogue.office_on("amr-320115", date(2018, 6, 1)).is_none());
    assert!(catalogue.office_on("aic-320115", date(2018, 6, 1)).is_some());
    for name in ["ccpc", "civ", "cco", "coop", "credit"] {
        assert!(!catalogue.department_by_line(name).unwrap().enforces, "{name}");
    }
    let patterns = |text: &str| text.contains(['{', '}']) || text.is_empty();
    assert!(!catalogue.offices.values().any(|office| patterns(&office.name.zh) || patterns(&office.name.en)));
}

#[test]
fn stations_are_marked_as_samples() {
    let catalogue = embedded();
    assert!(catalogue.stations.values().all(|station| station.sample && station.name.zh.ends_with("（示例）")));
    for place in catalogue.places.by_code.values().filter(|place| place.kind == PlaceKind::County) {
        let near = |code: Division| code.is_within(place.code);
        assert!(catalogue.stations.values().any(|station| near(station.division)), "{}", place.code);
    }
    let town = division("320115001");
    assert!(catalogue.stations.values().any(|station| station.division == town && station.host_uscc.is_none()));
}

#[test]
fn rules_by_day_of_receipt() {
    let catalogue = embedded();
    let rule = |regime, day| catalogue.rule(regime, day).map(|rule| rule.id.as_str());
    let (market, other) = (Regime::MarketRegulation, Regime::OtherDepartments);
    assert_eq!(rule(market, date(2019, 12, 31)), None);
    assert_eq!(rule(market, date(2020, 1, 1)), Some("order-20"));
    assert_eq!(rule(market, date(2026, 4, 14)), Some("order-20"));
    assert_eq!(rule(market, date(2026, 4, 15)), Some("order-121"));
    assert_eq!(rule(other, date(2024, 6, 30)), Some("other-departments-2014"));
    assert_eq!(rule(other, date(2024, 7, 1)), Some("other-departments-2024"));
    let old = catalogue.rule_by_id("order-20").unwrap();
    let new = catalogue.rule_by_id("order-121").unwrap();
    let mediate = &old.clocks[&ClockKind::Mediate];
    assert_eq!(mediate.length, Some((45, Unit::WorkingDays)));
    assert_eq!(mediate.cap, Some((60, Unit::Days, date(2024, 7, 1))));
    assert_eq!(new.clocks[&ClockKind::Mediate].length, Some((60, Unit::Days)));
    assert_eq!(new.clocks[&ClockKind::ReportFile].extension, Some((15, Unit::WorkingDays)));
    assert_eq!(new.clocks[&ClockKind::IdProof].length, None);
    assert_eq!(new.decision[&Kind::Report], ClockKind::ReportFile);
    assert_eq!(catalogue.rule_by_id("other-departments-2024").unwrap().decision[&Kind::Report], ClockKind::OtherDept);
    let grounds = |list: &[crate::config::catalogue::Ground]| {
        list.iter().map(|ground| ground.code.clone()).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(grounds(&old.refusal), "R15_1 R15_2 R15_3 R15_4 R15_5 R15_6");
    assert_eq!(grounds(&old.termination), "T21_1 T21_2 T21_3 T21_4 T21_5 T21_6 T21_7");
    assert_eq!(grounds(&new.refusal), "R16_1 R16_2 R16_3 R16_4 R16_5 R16_6 R16_7");
    assert_eq!(grounds(&new.termination), "T23_1 T23_2 T23_3 T23_4 T23_5 T23_6 T23_7 T23_8");
    assert!(catalogue.rules.iter().all(|rule| rule.other_routes.len() == 5));
}

#[test]
fn names_in_both_languages() {
    let catalogue = embedded();
    let name = |code, lang| catalogue.places.name_in(division(code), lang).unwrap().to_owned();
    assert_eq!(name("320115", Lang::Zh), "江宁区");
    assert_eq!(name("320115", Lang::En), "Jiangning");
    assert_eq!(name("320115001", Lang::En), "东山街道", "towns have no English name");
    let finance = catalogue.sector("finance").unwrap();
    assert_eq!(finance.subsectors.len(), 6);
    assert_eq!(catalogue.routes_of("finance").count(), 4);
    assert!(catalogue.departments.values().all(|department| !department.levels.contains(&Level::Town)));
}

#[test]
fn a_year_is_merged_or_told_to_be_wrong() {
    let calendar = embedded().calendar;
    let merged = merge_year(&calendar, 2027, "cn-2027.1", "date,kind,name\n2027-01-01,holiday,元旦\n").unwrap();
    assert_eq!(merged.version, "cn-2027.1");
    assert!(merged.years.contains(&2027) && merged.years.contains(&2026));
    assert_eq!(merged.days[&date(2027, 1, 1)], DayKind::Holiday);
    assert_eq!(merged.days.len(), calendar.days.len() + 1);
    let again = merge_year(&merged, 2027, "cn-2027.2", "date,kind,name\n2027-01-02,holiday,元旦\n").unwrap();
    assert_eq!(again.days.len(), merged.days.len(), "a year that is loaded again replaces its days");
    let faults =
        merge_year(&calendar, 2027, "x", "date,kind,name\n2028-01-01,holiday,元旦\n2027-01-04,makeup_workday,\n");
    assert_eq!(
        told(&faults.unwrap_err()),
        [
            "calendar/2027.csv:2: date \"2028-01-01\": not a day of 2027",
            "calendar/2027.csv:3: name: must not be empty",
            "calendar/2027.csv:3: kind \"makeup_workday\": 2027-01-04 is no Saturday or Sunday",
        ]
    );
}

#[test]
fn a_folder_replaces_single_files() {
    let folder = tempfile::tempdir().unwrap();
    let header = "code,department,division,zh,en,verified,published_channel,phone,from,until\n";
    let row = "amr-320115,jiangsu-amr,320115,江宁区市监局,Jiangning AMR,true,true,02500000000,,\n";
    std::fs::write(folder.path().join("offices.csv"), format!("{header}{row}")).unwrap();
    let source = Source::Folder(folder.path().to_path_buf());
    let catalogue = load(&source, Rollover::HolidayOnly).unwrap();
    let office = &catalogue.offices["amr-320115"];
    assert!(office.verified && office.published_channel);
    assert_eq!(office.from, Some(date(2018, 11, 1)), "from its department");
    assert_eq!(catalogue.sectors.len(), 22);
}

//! Each branch with its article, on a small catalogue.

mod fixture;

use super::*;
use crate::config::catalogue::StationKind;
use fixture::{PLAN, catalogue, division, station, with_station};
use jiff::civil::date;
use proptest::prelude::*;

const TODAY: Date = date(2026, 11, 24);
/// Under Order 20.
const THEN: Date = date(2025, 6, 1);

fn ask(sector: &str, on: Date) -> Question {
    Question::complaint(sector, on, None)
}

fn at(code: &str) -> Option<Division> {
    Some(division(code))
}

fn step<'a>(routing: &'a Routing, code: &str) -> Option<&'a Step> {
    routing.steps.iter().find(|step| step.code == code)
}

/// One row: a question, the county, the code of the step that gave it, its rule and article.
#[track_caller]
fn expect(question: &Question, county: &str, code: &str, article: Option<(&str, u8)>) -> Routing {
    let routing = route(&catalogue(), question);
    assert_eq!(routing.division, division(county), "{question:?} {:?}", routing.steps);
    let step = step(&routing, code).unwrap_or_else(|| panic!("no step {code} in {:?}", routing.steps));
    assert_eq!(step.article.map(|article| (article.rule, article.number)), article);
    routing
}

#[test]
fn ordinary_respondent() {
    let question = Question::complaint("ecommerce", TODAY, at("320115"));
    let routing = expect(&question, "320115", "place_of_business", Some(("order-121", 13)));
    assert_eq!(routing.office.code, "amr-320115");
    assert_eq!(routing.lead_department.code, "jiangsu-amr");
    assert!(routing.published_channel && !routing.owner_is_fallback && !routing.unroutable);
    assert_eq!((routing.line.as_str(), routing.regime), ("amr", Regime::MarketRegulation));
    let question = Question::complaint("ecommerce", THEN, at("320115"));
    expect(&question, "320115", "place_of_business", Some(("order-20", 12)));
    // Before 2020 no order of this service is cited.
    expect(&Question::complaint("ecommerce", date(2019, 5, 1), at("320115")), "320115", "place_of_business", None);
}

#[test]
fn domicile_of_platform_and_own_website() {
    for (operator, code) in [(true, "platform_operator_domicile"), (false, "own_website_domicile")] {
        let mut question = Question::complaint("ecommerce", TODAY, at("320106"));
        question.respondent.is_platform_operator = operator;
        question.respondent.own_website = !operator;
        question.place = at("320115");
        expect(&question, "320106", code, Some(("order-121", 13)));
        question.kind = Kind::Report;
        expect(&question, "320106", code, Some(("order-121", 31)));
        question.on = THEN;
        expect(&question, "320106", code, Some(("order-20", 27)));
    }
    let mut question = ask("ecommerce", TODAY);
    question.respondent.is_platform_operator = true;
    question.respondent.platform_division = at("320106");
    expect(&question, "320106", "platform_operator_domicile", Some(("order-121", 13)));
}

#[test]
fn seller_on_a_platform_by_the_order_in_force() {
    let mut question = Question::complaint("ecommerce", TODAY, at("320505"));
    question.respondent.has_platform = true;
    question.respondent.on_platform_address_division = at("320115");
    question.respondent.platform_division = at("320106");
    let routing = expect(&question, "320115", "platform_published_address", Some(("order-121", 13)));
    assert_eq!(step(&routing, "first_to_receive").unwrap().article.unwrap().number, 14);
    // Order 20 goes by the actual place of business instead.
    question.on = date(2026, 4, 14);
    let routing = expect(&question, "320505", "place_of_business", Some(("order-20", 12)));
    assert_eq!(step(&routing, "first_to_receive").unwrap().article.unwrap().number, 13);
    question.on = date(2026, 4, 15);
    expect(&question, "320115", "platform_published_address", Some(("order-121", 13)));
    // Nothing published: the platform's domicile.
    question.respondent.on_platform_address_division = None;
    expect(&question, "320106", "platform_domicile", Some(("order-121", 13)));
    // That isn't known either: what the person said.
    question.respondent.platform_division = None;
    expect(&question, "320505", "place_of_business", Some(("order-121", 13)));
}

#[test]
fn first_to_receive_keeps_it() {
    let mut question = ask("ecommerce", TODAY);
    question.respondent.on_platform_address_division = at("320115");
    question.respondent.platform_division = at("320106");
    question.first_received = at("320106");
    expect(&question, "320106", "first_to_receive", Some(("order-121", 14)));
    // Who received it but isn't competent doesn't.
    question.first_received = at("320505");
    expect(&question, "320115", "first_to_receive", Some(("order-121", 14)));
    // Of two competent authorities the one in the province is where it was filed.
    question.first_received = None;
    question.respondent.on_platform_address_division = at("330110");
    let routing = expect(&question, "320106", "platform_domicile", Some(("order-121", 13)));
    assert_eq!(routing.referred, None);
}

#[test]
fn reports() {
    let mut question = Question::complaint("food_drug", TODAY, at("320505"));
    question.kind = Kind::Report;
    question.place = at("320115001");
    let routing = expect(&question, "320115", "place_of_conduct", Some(("order-121", 29)));
    assert_eq!(routing.town, at("320115001"));
    assert_eq!(routing.station, None);
    question.on = THEN;
    expect(&question, "320115", "place_of_conduct", Some(("order-20", 25)));
    question.place = None;
    expect(&question, "320505", "place_of_conduct", Some(("order-20", 25)));
    // On a platform: the actual place of business, whatever is published.
    question.on = TODAY;
    question.respondent.on_platform_address_division = at("320115");
    expect(&question, "320505", "platform_seller_place", Some(("order-121", 31)));
    question.respondent.platform_division = at("320106");
    question.first_received = at("320106");
    expect(&question, "320106", "platform_domicile", Some(("order-121", 31)));
}

#[test]
fn reports_about_advertising() {
    let mut question = Question::complaint("healthcare", TODAY, at("320505"));
    question.kind = Kind::Report;
    let ad = |medium, self_published| Advertising { medium, self_published, publisher: at("320106"), advertiser: None };
    question.advertising = Some(ad(Medium::MassMedia, false));
    expect(&question, "320106", "ad_publisher", Some(("order-121", 32)));
    question.advertising = Some(ad(Medium::Internet, true));
    expect(&question, "320505", "ad_self_published", Some(("order-121", 32)));
    question.advertising = Some(ad(Medium::Internet, false));
    expect(&question, "320106", "ad_publisher", Some(("order-121", 32)));
    question.first_received = at("320505");
    expect(&question, "320505", "ad_advertiser", Some(("order-121", 32)));
    question.on = THEN;
    expect(&question, "320505", "ad_advertiser", Some(("order-20", 28)));
    // A complaint goes by Art 13 all the same.
    question.kind = Kind::Complaint;
    question.on = TODAY;
    expect(&question, "320505", "place_of_business", Some(("order-121", 13)));
}

#[test]
fn nothing_known_of_the_respondent() {
    let mut question = ask("ecommerce", TODAY);
    question.place = at("320115002");
    let routing = expect(&question, "320115", "place_of_dispute", None);
    assert!(!routing.unroutable && !routing.owner_is_fallback);
    question.place = None;
    let routing = expect(&question, "320000", "place_unknown", Some(("order-121", 41)));
    assert!(routing.unroutable && routing.owner_is_fallback);
    assert_eq!(routing.office.code, "jiangsu-amr");
    // The province is no place to go to.
    question.respondent.division = at("320000");
    assert!(route(&catalogue(), &question).unroutable);
}

#[test]
fn codes_are_read() {
    expect(
        &Question::complaint("price", TODAY, at("320115001")),
        "320115",
        "place_of_business",
        Some(("order-121", 13)),
    );
    // An old code, a zone, a town of a zone, a code that isn't on the list.
    expect(&Question::complaint("price", TODAY, at("320611")), "320613", "division_replaced", None);
    let routing = route(&catalogue(), &Question::complaint("price", TODAY, at("320576050")));
    assert_eq!((routing.division, routing.office.code.as_str()), (division("320576"), "amr-320576"));
    let routing = expect(&Question::complaint("price", TODAY, at("320199")), "320100", "division_unknown", None);
    assert_eq!(routing.office.code, "amr-320100");
    // Only the city is known: the place of the dispute gives the county.
    let mut question = Question::complaint("price", TODAY, at("320100"));
    question.place = at("320115001");
    let routing = expect(&question, "320115", "narrowed_by_dispute", None);
    assert_eq!(routing.town, at("320115001"));
    // The county is known, the place of the dispute gives the town; that of another county doesn't.
    question.respondent.division = at("320115");
    assert_eq!(route(&catalogue(), &question).town, at("320115001"));
    question.place = at("320576050");
    assert_eq!(route(&catalogue(), &question).town, None);
}

#[test]
fn outside_the_province() {
    let mut question = Question::complaint("ecommerce", TODAY, at("330110"));
    question.place = at("320115001");
    let routing = expect(&question, "320115", "outside_province", Some(("order-121", 13)));
    let referral = routing.referred.as_ref().unwrap();
    assert!(
        referral.zh.contains("该经营者所在地的市场监督管理部门") && referral.zh.contains("浙江省"),
        "{}",
        referral.zh
    );
    assert_eq!(routing.office.code, "amr-320115");
    assert!(routing.owner_is_fallback && !routing.unroutable);
    question.kind = Kind::Report;
    question.place = at("330110");
    let routing = expect(&question, "320000", "outside_province", Some(("order-121", 34)));
    assert_eq!(routing.office.code, "jiangsu-amr");
    // Another department's sector: market regulation of this province takes it in and tells.
    let routing = route(&catalogue(), &Question::complaint("courier", TODAY, at("110105")));
    assert_eq!(routing.office.code, "jiangsu-amr");
    assert_eq!(routing.lead_department.code, "jiangsu-post");
    assert!(routing.referred.as_ref().unwrap().zh.contains("行业主管部门"));
    // The steps speak of no office that the case doesn't go to.
    let routing = route(&catalogue(), &Question::complaint("brand_cluster", TODAY, at("110105")));
    assert!(step(&routing, "regime").is_none() && step(&routing, "lead_does_not_enforce").is_none());
}

/// Lead of each task on 2018-06-01, and on 2026-11-24 through the successions.
const LEADS: [(&str, &str, &str); 19] = [
    ("ecommerce", "jiangsu-aic", "jiangsu-amr"),
    ("rural_ecommerce", "jiangsu-coop", "jiangsu-coop"),
    ("courier", "jiangsu-post", "jiangsu-post"),
    ("tourism", "jiangsu-tourism", "jiangsu-ct"),
    ("finance", "jiangsu-pbc", "jiangsu-nfra"),
    ("telecom_info", "jiangsu-ca", "jiangsu-ca"),
    ("education_training", "jiangsu-edu", "jiangsu-edu"),
    ("healthcare", "jiangsu-hfpc", "jiangsu-health"),
    ("beauty_fitness", "jiangsu-commerce", "jiangsu-commerce"),
    ("public_utilities", "jiangsu-aic", "jiangsu-amr"),
    ("brand_cluster", "jiangsu-cco", "jiangsu-cco"),
    ("trademark_ip", "jiangsu-ipo", "jiangsu-ipo"),
    ("agri_products_inputs", "jiangsu-agri", "jiangsu-ara"),
    ("food_drug", "jiangsu-fda", "jiangsu-amr"),
    ("price", "jiangsu-price", "jiangsu-amr"),
    ("culture", "jiangsu-culture", "jiangsu-ct"),
    ("transport_auto", "jiangsu-transport", "jiangsu-transport"),
    ("home_decoration", "jiangsu-hurd", "jiangsu-hurd"),
    ("grain_oil_salt", "jiangsu-grain", "jiangsu-grain-reserve"),
];

fn leads_reach(catalogue: &Catalogue) {
    for (sector, in_2018, today) in LEADS {
        for (on, expected) in [(date(2018, 6, 1), in_2018), (TODAY, today)] {
            let routing = route(catalogue, &Question::complaint(sector, on, at("320115")));
            assert_eq!(routing.lead_department.code, expected, "{sector} on {on}");
            assert!(!routing.owner_is_fallback, "{sector} on {on}: {:?}", routing.steps);
        }
    }
}

#[test]
fn the_plan_names_the_lead() {
    leads_reach(&catalogue());
}

#[test]
fn assisting_departments_are_merged() {
    let codes = |sector: &str, on| {
        let routing = route(&catalogue(), &Question::complaint(sector, on, at("320115")));
        routing.assisting.iter().map(|unit| unit.code.trim_start_matches("jiangsu-").to_owned()).collect::<Vec<_>>()
    };
    assert_eq!(codes("courier", TODAY), ["psd", "transport", "amr", "cco"]);
    // fda, aic and qts became one; the lead was among them, and part of it became the drug administration.
    assert_eq!(codes("food_drug", date(2018, 6, 1)), ["eic", "psd", "aic", "qts"]);
    assert_eq!(codes("food_drug", TODAY), ["mpa", "iit", "psd"]);
    // The sea went elsewhere, fishery and agriculture are one.
    assert_eq!(codes("agri_products_inputs", TODAY), ["commerce", "amr", "coop"]);
    assert_eq!(codes("finance", TODAY), ["pbc-js"]);
    // Between the two steps of that reform the bank itself was still there.
    assert_eq!(codes("finance", date(2023, 8, 1)), ["pbc"]);
    assert_eq!(codes("finance", date(2020, 1, 1)), ["cbirc"]);
    assert_eq!(codes("price", TODAY), ["drc"]);
    // The plan's order counts, not that of the file.
    let mut shuffled = catalogue();
    shuffled.routes.reverse();
    for sector in ["courier", "culture"] {
        let question = Question::complaint(sector, TODAY, at("320115"));
        assert_eq!(route(&shuffled, &question), route(&catalogue(), &question));
    }
}

#[test]
fn who_cannot_decide_does_not_own() {
    let routing = route(&catalogue(), &Question::complaint("brand_cluster", TODAY, at("320115")));
    assert_eq!(routing.lead_department.code, "jiangsu-cco");
    assert_eq!(routing.office.code, "commerce-320115");
    assert!(step(&routing, "lead_does_not_enforce").is_some());
    // Nobody else on the list: market regulation.
    let mut small = catalogue();
    small.routes.retain(|route| route.sector != "brand_cluster" || route.department.ends_with("cco"));
    let routing = route(&small, &Question::complaint("brand_cluster", TODAY, at("320115")));
    assert_eq!((routing.lead_department.code.as_str(), routing.office.code.as_str()), ("jiangsu-cco", "amr-320115"));
}

#[test]
fn the_nearest_level_at_which_it_exists() {
    let routing = route(&catalogue(), &Question::complaint("courier", TODAY, at("320115")));
    assert_eq!((routing.office.code.as_str(), routing.division), ("post-320100", division("320115")));
    assert_eq!(routing.steps.iter().filter(|step| step.code == "climb").count(), 1);
    assert_eq!(routing.regime, Regime::OtherDepartments);
    let mut small = catalogue();
    small.offices.remove("post-320100");
    let routing = route(&small, &Question::complaint("courier", TODAY, at("320115")));
    assert_eq!(routing.office.code, "jiangsu-post");
    assert_eq!(routing.steps.iter().filter(|step| step.code == "climb").count(), 2);
    small.offices.remove("jiangsu-post");
    let routing = route(&small, &Question::complaint("courier", TODAY, at("320115")));
    assert_eq!(routing.office.code, "amr-320115");
    assert!(routing.owner_is_fallback && step(&routing, "department_without_office").is_some());
}

#[test]
fn what_no_department_takes() {
    for sector in ["product_quality", "life_services", "other", "never heard of"] {
        let routing = route(&catalogue(), &Question::complaint(sector, TODAY, at("320115")));
        assert_eq!(routing.office.code, "amr-320115", "{sector}");
        let routing = route(&catalogue(), &Question::complaint(sector, date(2018, 6, 1), at("320115")));
        assert_eq!(routing.office.code, "aic-320115", "{sector}");
    }
    // A list that names today's department is read backwards before the reform.
    let mut newer = catalogue();
    for route in newer.routes.iter_mut().filter(|route| route.sector == "tourism" && route.order == 1) {
        route.department = "jiangsu-ct".to_owned();
    }
    let routing = route(&newer, &Question::complaint("tourism", date(2018, 6, 1), at("320115")));
    assert_eq!(routing.office.code, "tourism-320115");
}

#[test]
fn narrower_rules_go_before() {
    let mut question = Question::complaint("finance", TODAY, at("320115"));
    question.subsector = Some("securities".to_owned());
    let routing = route(&catalogue(), &question);
    assert_eq!((routing.lead_department.code.as_str(), routing.office.code.as_str()), ("jiangsu-csrc", "csrc-320115"));
    assert_eq!(routing.assisting.first().unwrap().code, "jiangsu-nfra");
    assert!(step(&routing, "subroute").is_some());
    question.subsector = Some("unknown".to_owned());
    assert_eq!(route(&catalogue(), &question).lead_department.code, "jiangsu-nfra");

    let mut question = Question::complaint("transport_auto", TODAY, at("320115"));
    question.subsector = Some("rail".to_owned());
    let routing = route(&catalogue(), &question);
    assert_eq!(routing.referred.as_ref().unwrap().code, "transport-rail");
    assert_eq!(routing.office.code, "amr-320115");
    assert!(routing.owner_is_fallback);
    question.on = date(2019, 12, 31);
    assert_eq!(route(&catalogue(), &question).office.code, "transport-320115");
    question.subsector = Some("rail_air".to_owned());
    let routing = route(&catalogue(), &question);
    assert_eq!((routing.office.code.as_str(), routing.line.as_str()), ("amr-320115", "amr"));
    assert!(routing.owner_is_fallback && routing.referred.unwrap().zh.contains("12306"));
}

#[test]
fn stations_in_their_order() {
    let mut question = Question::complaint("food_drug", TODAY, at("320115001"));
    question.respondent.uscc = Some("91320115ma1abcde0x".to_owned());
    question.respondent.name = Some("苏果超市(东山店)".to_owned());
    question.respondent.address = Some("南京市江宁区同曦鸣城购物中心 3 楼".to_owned());
    let code = |catalogue: &Catalogue, question: &Question| {
        let routing = route(catalogue, question);
        let last = routing.steps.last().unwrap().code;
        routing.station.map(|station| (station.code, last))
    };
    let found = |code: &str, step: &'static str| Some((code.to_owned(), step));
    let catalogue = catalogue();
    assert_eq!(code(&catalogue, &question), None);
    let catalogue = with_station(catalogue, station("county", StationKind::ComplaintStation, "320115"));
    assert_eq!(code(&catalogue, &question), found("county", "station_of_county"));
    let catalogue = with_station(catalogue, station("branch", StationKind::AssociationBranch, "320115001"));
    assert_eq!(code(&catalogue, &question), found("branch", "association_branch_of_town"));
    let catalogue = with_station(catalogue, station("town", StationKind::ComplaintStation, "320115001"));
    assert_eq!(code(&catalogue, &question), found("town", "station_of_town"));
    let mut mall = station("mall", StationKind::ComplaintStation, "320115001");
    mall.host_name = Some("同曦鸣城".to_owned());
    let catalogue = with_station(catalogue, mall);
    assert_eq!(code(&catalogue, &question), found("mall", "station_of_venue"));
    let mut own = station("name", StationKind::ServiceStation, "320115002");
    own.host_name = Some("苏果超市（东山店）".to_owned());
    let catalogue = with_station(catalogue, own);
    assert_eq!(code(&catalogue, &question), found("name", "station_of_merchant"));
    let mut own = station("uscc", StationKind::ServiceStation, "320106");
    own.host_uscc = Some("91320115MA1ABCDE0X".to_owned());
    let mut catalogue = with_station(catalogue, own);
    assert_eq!(code(&catalogue, &question), found("uscc", "station_of_merchant"));
    // A chain has one code and several stations: the one in the county is nearer.
    let mut other = station("uscc-near", StationKind::ServiceStation, "320115001");
    other.host_uscc = Some("91320115MA1ABCDE0X".to_owned());
    let chain = with_station(catalogue.clone(), other);
    assert_eq!(code(&chain, &question), found("uscc-near", "station_of_merchant"));
    // The merchant is elsewhere: no station of the place of the dispute, only its own.
    let mut elsewhere = question.clone();
    elsewhere.respondent.division = at("330110");
    elsewhere.place = at("320115001");
    assert_eq!(code(&catalogue, &elsewhere), found("uscc", "station_of_merchant"));
    elsewhere.respondent.uscc = None;
    elsewhere.respondent.name = None;
    assert_eq!(route(&catalogue, &elsewhere).station, None);
    // Closed, or of other sectors.
    catalogue.stations.get_mut("uscc").unwrap().until = Some(date(2026, 11, 23));
    catalogue.stations.get_mut("name").unwrap().sectors = vec!["tourism".to_owned()];
    catalogue.stations.get_mut("mall").unwrap().from = Some(date(2026, 11, 25));
    assert_eq!(code(&catalogue, &question), found("town", "station_of_town"));
    // The same name elsewhere is somebody else.
    catalogue.stations.get_mut("name").unwrap().sectors.clear();
    question.respondent.division = at("320505");
    assert_eq!(code(&catalogue, &question), None);
    // A report isn't settled.
    question.kind = Kind::Report;
    question.respondent.division = at("320115001");
    assert_eq!(code(&catalogue, &question), None);
}

#[test]
fn the_contract() {
    let routing = route(&catalogue(), &Question::complaint("courier", TODAY, at("320115")));
    let json = routing.to_json(Lang::En);
    assert_eq!(json["division"], "320115");
    assert_eq!(json["lead_department"], json!({"code": "jiangsu-post", "name": "post"}));
    assert_eq!(json["office"]["code"], "post-320100");
    assert!(json["station"].is_null());
    assert_eq!(json["assisting"].as_array().unwrap().len(), 4);
    assert_eq!(json["steps"][0]["article"], "Art 13");
    assert_eq!(json["steps"][0]["text"], "The respondent's place of business or domicile: Jiangning, Nanjing.");
    assert_eq!(routing.to_json(Lang::Zh)["steps"][0]["article"], "第十三条");
    assert_eq!(routing.to_json(Lang::Zh)["lead_department"]["name"], "post名");
}

#[test]
fn numbers_in_chinese() {
    for (number, text) in [(9, "九"), (10, "十"), (13, "十三"), (20, "二十"), (41, "四十一")] {
        assert_eq!(chinese_number(number), text);
    }
}

#[test]
fn a_broken_catalogue_still_answers() {
    let mut empty = catalogue();
    empty.offices.clear();
    let routing = route(&empty, &Question::complaint("courier", TODAY, at("320115")));
    assert!(routing.unroutable && step(&routing, "no_office").is_some());
    empty.departments.clear();
    empty.places = crate::config::catalogue::Places::default();
    assert_eq!(route(&empty, &Question::complaint("courier", TODAY, at("320115"))).office.code, "jiangsu-amr");
    // A ring of successions and a ring of places.
    let mut ring = catalogue();
    ring.successions.push(crate::config::catalogue::Succession {
        predecessor: "jiangsu-amr".to_owned(),
        successor: "jiangsu-aic".to_owned(),
        from: date(2019, 1, 1),
        estimate: false,
        scope: String::new(),
        main: true,
    });
    ring.places.by_code.get_mut(&division("320100")).unwrap().parent = at("320115");
    ring.places.replaced.insert(division("320613"), division("320611"));
    for place in ["320115", "320611"] {
        assert!(!route(&ring, &Question::complaint("courier", TODAY, at(place))).steps.is_empty());
    }
}

#[test]
fn lint_finds_what_was_broken() {
    let span = (date(2018, 1, 1), date(2030, 12, 31));
    let errors = |catalogue: &Catalogue| {
        let found = lint(catalogue, span.0, span.1, None).into_iter().filter(|one| one.severity == Severity::Error);
        found.map(|one| (one.code, one.place)).collect::<Vec<_>>()
    };
    assert_eq!(errors(&catalogue()), []);
    let breaks = |code: &str, place: &str, change: fn(&mut Catalogue)| {
        let mut broken = catalogue();
        change(&mut broken);
        let found = errors(&broken);
        assert!(found.iter().any(|(c, p)| *c == code && p.starts_with(place)), "{code} {place}: {found:?}");
    };
    breaks("dead_successor", "jiangsu-amr", |c| {
        c.departments.remove("jiangsu-amr");
    });
    breaks("office_without_department", "post-320100", |c| {
        c.departments.remove("jiangsu-post");
    });
    breaks("office_outlives_department", "amr-320115", |c| {
        c.offices.get_mut("amr-320115").unwrap().from = Some(date(2018, 1, 1));
    });
    breaks("unknown_department", "jiangsu-post", |c| {
        c.departments.remove("jiangsu-post");
    });
    breaks("subroute_shadowed", "second", |c| {
        let mut second = c.subroutes[0].clone();
        second.code = "second".to_owned();
        c.subroutes.push(second);
    });
    breaks("subroute_unreachable", "transport-rail", |c| c.subroutes[1].subsector = "boat".to_owned());
    breaks("station_dead_office", "s", |c| {
        let mut one = station("s", StationKind::ComplaintStation, "320115");
        one.office = "amr-320199".to_owned();
        c.stations.insert("s".to_owned(), one);
    });
    breaks("gap", "320115@2018-11-01", |c| c.offices.retain(|code, _| !code.contains("amr")));
    let staff = ["jiangsu-amr", "amr-320115"].map(ToOwned::to_owned).into();
    let found = lint(&catalogue(), TODAY, TODAY, Some(&staff));
    let empty = |code: &str| found.iter().any(|one| one.code == "office_without_people" && one.place == code);
    assert!(empty("amr-320106") && empty("post-320100") && !empty("amr-320115") && !empty("aic-320106"));
    assert!(found.iter().any(|one| one.code == "lead_does_not_enforce" && one.place.starts_with("brand_cluster")));
}

fn some_place() -> impl Strategy<Value = Option<Division>> {
    proptest::option::of(proptest::sample::select(vec![
        "320000",
        "320100",
        "320106",
        "320115",
        "320115001",
        "320500",
        "320576",
        "320576050",
        "320611",
        "320611001",
        "320199",
        "320999123",
        "330110",
        "110105",
        "810000",
    ]))
    .prop_map(|code| code.map(division))
}

fn any_question(sectors: Vec<String>) -> impl Strategy<Value = Question> {
    let places = (some_place(), some_place(), some_place(), some_place(), some_place());
    let flags = proptest::array::uniform4(any::<bool>());
    let ad = proptest::option::of((any::<bool>(), any::<bool>()));
    (proptest::sample::select(sectors), places, flags, ad, 0..4748_i64, proptest::option::of("[a-z_]{0,12}")).prop_map(
        |(sector, places, flags, ad, day, subsector)| Question {
            sector,
            subsector,
            kind: if flags[3] { Kind::Report } else { Kind::Complaint },
            on: date(2018, 1, 1).saturating_add(jiff::Span::new().days(day)),
            respondent: RespondentPlace {
                division: places.0,
                platform_division: places.1,
                on_platform_address_division: places.2,
                has_platform: flags[0],
                own_website: flags[1],
                is_platform_operator: flags[2],
                ..RespondentPlace::default()
            },
            place: places.3,
            advertising: ad.map(|(internet, self_published)| Advertising {
                medium: if internet { Medium::Internet } else { Medium::MassMedia },
                self_published,
                publisher: places.4,
                advertiser: places.1,
            }),
            first_received: places.4,
        },
    )
}

/// What holds for every answer on a sound catalogue.
fn always(catalogue: &Catalogue, index: &RouteIndex, question: &Question) {
    let routing = index.route(catalogue, question);
    let office = catalogue.office_on(&routing.office.code, question.on).expect("an owner in force");
    let department = &catalogue.departments[&office.department];
    assert!(crate::config::catalogue::in_force(department.from, department.until, question.on));
    assert!(department.enforces && department.line == routing.line && department.regime == routing.regime);
    assert!(!routing.steps.is_empty());
    assert!(routing.steps.iter().all(|step| !step.zh.is_empty() && !step.en.is_empty()));
    assert!(catalogue.places.is_inside(routing.division));
    assert!(catalogue.places.get(routing.division).is_some());
    assert!(routing.assisting.iter().all(|unit| unit.code != routing.lead_department.code));
    assert_eq!(routing, index.route(catalogue, question));
}

proptest! {
    #[test]
    fn every_case_has_an_owner_that_can_decide(
        question in any_question(PLAN.iter().map(|(code, _)| (*code).to_owned()).chain(["other".to_owned(), "x".to_owned()]).collect())
    ) {
        let catalogue = catalogue();
        always(&catalogue, &RouteIndex::new(&catalogue), &question);
    }
}

/// The data that is shipped.
mod shipped {
    use super::*;
    use crate::config::catalogue::PlaceKind;
    use crate::config::{Source, load};
    use crate::domain::calendar::Rollover;
    use std::collections::HashSet;
    use std::sync::LazyLock;

    static SHIPPED: LazyLock<(Catalogue, RouteIndex)> = LazyLock::new(|| {
        let catalogue = load(&Source::Embedded, Rollover::HolidayOnly).expect("sound data");
        let index = RouteIndex::new(&catalogue);
        (catalogue, index)
    });

    #[test]
    fn the_plan_names_the_lead() {
        leads_reach(&SHIPPED.0);
    }

    /// Sector, owner at Nanjing's Jiangning today, and in 2018.
    #[test]
    fn the_owner_at_a_county() {
        let (catalogue, index) = &*SHIPPED;
        let owners = [
            ("ecommerce", "amr-320115", "aic-320115"),
            ("rural_ecommerce", "drc-320115", "drc-320115"),
            ("courier", "post-320100", "post-320100"),
            ("tourism", "ct-320115", "tourism-320115"),
            ("finance", "jiangsu-nfra", "jiangsu-pbc"),
            ("telecom_info", "jiangsu-ca", "jiangsu-ca"),
            ("healthcare", "health-320115", "hfpc-320115"),
            ("brand_cluster", "commerce-320115", "commerce-320115"),
            ("food_drug", "amr-320115", "fda-320115"),
            ("price", "amr-320115", "price-320115"),
            ("product_quality", "amr-320115", "aic-320115"),
            ("life_services", "amr-320115", "aic-320115"),
            ("other", "amr-320115", "aic-320115"),
        ];
        for (sector, today, in_2018) in owners {
            for (on, owner) in [(TODAY, today), (date(2018, 6, 1), in_2018)] {
                let routing = index.route(catalogue, &Question::complaint(sector, on, at("320115")));
                assert_eq!(routing.office.code, owner, "{sector} {on} {:?}", routing.steps);
            }
        }
    }

    #[test]
    fn every_subsector_on_every_era() {
        let (catalogue, index) = &*SHIPPED;
        for rule in &catalogue.subroutes {
            for on in [date(2018, 6, 1), date(2019, 6, 1), date(2023, 8, 1), THEN, TODAY] {
                let mut question = Question::complaint(&rule.sector, on, at("320576050"));
                question.subsector = Some(rule.subsector.clone());
                always(catalogue, index, &question);
                let routing = index.route(catalogue, &question);
                assert_eq!(
                    routing.owner_is_fallback,
                    rule.subsector == "rail_air",
                    "{} {on}: {:?}",
                    rule.code,
                    routing.steps
                );
            }
        }
    }

    #[test]
    fn rail_and_air_are_referred_out() {
        let (catalogue, index) = &*SHIPPED;
        let mut question = Question::complaint("transport_auto", TODAY, at("320115"));
        question.subsector = Some("rail_air".to_owned());
        assert_eq!(index.route(catalogue, &question).referred.unwrap().code, "transport_rail_air");
    }

    #[test]
    fn lint_finds_no_error() {
        let found = lint(&SHIPPED.0, date(2018, 1, 1), date(2030, 12, 31), None);
        let errors: Vec<_> = found.iter().filter(|one| one.severity == Severity::Error).collect();
        assert_eq!(errors, [] as [&Finding; 0]);
        assert!(found.iter().any(|one| one.code == "lead_does_not_enforce"));
    }

    #[test]
    fn every_county_and_zone_has_its_market_regulation() {
        let (catalogue, index) = &*SHIPPED;
        let seats = catalogue.places.by_code.values();
        let seats = seats.filter(|place| matches!(place.kind, PlaceKind::County | PlaceKind::FunctionalZone));
        let owners: HashSet<_> = seats
            .map(|place| index.route(catalogue, &Question::complaint("other", TODAY, Some(place.code))))
            .map(|routing| {
                assert_eq!(routing.office.code, format!("amr-{}", routing.division));
                routing.office.code
            })
            .collect();
        assert_eq!(owners.len(), 95 + 9);
    }

    proptest! {
        #[test]
        fn every_case_has_an_owner_that_can_decide(
            question in any_question(SHIPPED.0.sectors.iter().map(|sector| sector.code.clone()).collect()),
            place in proptest::sample::select(SHIPPED.0.places.by_code.keys().copied().collect::<Vec<_>>()),
        ) {
            let (catalogue, index) = &*SHIPPED;
            always(catalogue, index, &question);
            // The same in a place of the real tree, with a sub-sector of the real list.
            let subsector = catalogue.sector(&question.sector).and_then(|sector| sector.subsectors.first());
            let mut real = question.clone();
            real.respondent = RespondentPlace { division: Some(place), ..RespondentPlace::default() };
            real.subsector = subsector.map(|(code, _)| code.clone());
            always(catalogue, index, &real);
        }
    }
}

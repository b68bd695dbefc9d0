use crate::config::{Source, load};
use crate::domain::calendar::Rollover;
use std::path::Path;

/// Loads the built-in data with some passages exchanged; gives the messages, or nothing when all is well.
fn load_with(changes: &[(&str, &str, &str)]) -> Vec<String> {
    let folder = tempfile::tempdir().unwrap();
    for (file, from, to) in changes {
        let path = folder.path().join(file);
        std::fs::create_dir_all(path.parent().unwrap_or_else(|| Path::new("."))).unwrap();
        let text = std::fs::read_to_string(&path).unwrap_or_else(|_| Source::embedded(file).unwrap_or("").to_owned());
        assert!(text.contains(from), "{file} has no {from:?}");
        std::fs::write(&path, if from.is_empty() { (*to).to_owned() } else { text.replacen(from, to, 1) }).unwrap();
    }
    let prefix = format!("{}/", folder.path().display());
    match load(&Source::Folder(folder.path().to_path_buf()), Rollover::HolidayOnly) {
        Ok(_) => Vec::new(),
        Err(faults) => faults.iter().map(|fault| fault.to_string().replace(&prefix, "config/")).collect(),
    }
}

const SECTORS_LISTED: &str = "agri_products_inputs, beauty_fitness, brand_cluster, courier, culture, ecommerce, education_training, \
     finance, food_drug, grain_oil_salt, healthcare, home_decoration, life_services, other, price, product_quality, \
     public_utilities, rural_ecommerce, telecom_info, tourism, trademark_ip, transport_auto";

#[test]
fn each_fault_is_told_with_its_place() {
    // File, passage, what stands there instead, message.
    let table: &[(&str, &str, &str, &str)] = &[
        (
            "routes.csv",
            "courier,1,jiangsu-post",
            "courier,1,jiangsu-xyz",
            "config/routes.csv:15: department \"jiangsu-xyz\": unknown; allowed: one of the 54 codes in departments.csv",
        ),
        (
            "routes.csv",
            "courier,1,jiangsu-post,lead",
            "courier,1,jiangsu-post,assist",
            "config/routes.csv: sector \"courier\": 0 rows with part lead; allowed: exactly one",
        ),
        (
            "routes.csv",
            "courier,2,jiangsu-psd,assist",
            "courier,2,jiangsu-psd,lead",
            "config/routes.csv: sector \"courier\": 2 rows with part lead; allowed: exactly one",
        ),
        (
            "routes.csv",
            "courier,2,jiangsu-psd",
            "courier,1,jiangsu-psd",
            "config/routes.csv:16: order \"1\": twice for courier",
        ),
        (
            "routes.csv",
            "courier,2,jiangsu-psd",
            "courier,2,jiangsu-post",
            "config/routes.csv:16: department \"jiangsu-post\": twice for courier",
        ),
        (
            "routes.csv",
            "courier,2,jiangsu-psd,assist",
            "courier,2,jiangsu-psd,helper",
            "config/routes.csv:16: part \"helper\": not understood; allowed: territorial, lead, assist",
        ),
        (
            "routes.csv",
            "courier,2,jiangsu-psd,assist",
            "courier,2,jiangsu-psd",
            "config/routes.csv:16: row: 3 cells where the header has 4",
        ),
        ("routes.csv", "sector,order", "sector,place", "config/routes.csv:1: header: column order is missing"),
        (
            "subroutes.csv",
            "finance,bank,",
            "finance,banks,",
            "config/subroutes.csv:2: subsector \"banks\": no sub-sector of finance; allowed: bank, insurance, payment, credit_report, securities, private_lending",
        ),
        (
            "subroutes.csv",
            "finance,insurance,",
            "finance,bank,",
            "config/subroutes.csv:3: code \"finance_insurance\": holds on the same days as finance_bank",
        ),
        (
            "subroutes.csv",
            "jiangsu-cbrc,,,,",
            "jiangsu-cbrc,,2024-02-30,,",
            "config/subroutes.csv:2: from \"2024-02-30\": not understood; allowed: a date YYYY-MM-DD",
        ),
        (
            "subroutes.csv",
            "jiangsu-cbrc,,,,",
            "jiangsu-cbrc,,2024-02-01,2024-01-31,",
            "config/subroutes.csv:2: until \"2024-01-31\": lies before `from`",
        ),
        (
            "departments.csv",
            "jiangsu-psd,psd",
            "jiangsu-aic,psd",
            "config/departments.csv:15: code \"jiangsu-aic\": stands there twice",
        ),
        (
            "departments.csv",
            "jiangsu-psd,psd",
            "jiangsu-psd,police",
            "config/departments.csv:15: line \"police\": not the end of the code; allowed: x, where jiangsu-psd is <province>-x",
        ),
        (
            "departments.csv",
            "{place}公安局",
            "{town}公安局",
            "config/departments.csv:15: local_zh \"{town}公安局\": unknown placeholder; allowed: {place}, {short}, {above}",
        ),
        (
            "departments.csv",
            "Public Security,,,true,city,",
            "Public Security,,,true,village,",
            "config/departments.csv:15: levels \"village\": unknown; allowed: city, county",
        ),
        (
            "departments.csv",
            "Public Security,,,true,",
            "Public Security,,,yes,",
            "config/departments.csv:15: enforces \"yes\": not understood; allowed: true, false",
        ),
        (
            "departments.csv",
            "Public Security,,,",
            "Public Security,,2020-01-01,",
            "config/departments.csv:15: until \"2020-01-01\": jiangsu-psd ended, and successions.csv has no row for it",
        ),
        (
            "successions.csv",
            "jiangsu-aic,jiangsu-amr",
            "jiangsu-aic,jiangsu-amd",
            "config/successions.csv:2: successor \"jiangsu-amd\": unknown; allowed: one of the 54 codes in departments.csv",
        ),
        (
            "successions.csv",
            "jiangsu-aic,jiangsu-amr,2018-11-01",
            "jiangsu-aic,jiangsu-amr,2018-12-01",
            "config/successions.csv:2: from \"2018-12-01\": a gap: jiangsu-aic ended on 2018-10-31",
        ),
        (
            "successions.csv",
            "jiangsu-aic,jiangsu-amr,2018-11-01",
            "jiangsu-aic,jiangsu-amr,2018-10-01",
            "config/successions.csv:2: from \"2018-10-01\": jiangsu-amr doesn't exist on that day",
        ),
        (
            "successions.csv",
            "全部职责,true,",
            "全部职责,false,",
            "config/successions.csv: predecessor \"jiangsu-aic\": 0 rows with main = true; allowed: exactly one",
        ),
        (
            "divisions.csv",
            "320115,江宁区,Jiangning,320100",
            "320115,江宁区,Jiangning,320200",
            "config/divisions.csv:11: parent \"320200\": not the division above; allowed: 320100",
        ),
        (
            "divisions.csv",
            "320100,county",
            "320100,city",
            "config/divisions.csv:4: code \"320102\": not the code of a city",
        ),
        (
            "towns.csv",
            "subdistrict",
            "hamlet",
            "config/towns.csv:2: kind \"hamlet\": not understood; allowed: subdistrict, town, township, quasi_township",
        ),
        (
            "towns.csv",
            "320102002,",
            "990102002,",
            "config/towns.csv:2: code \"990102002\": not understood; allowed: GB/T 2260: 6 digits of a known province, or 9 for a town",
        ),
        (
            "replaced_divisions.csv",
            "320611,320613",
            "320612,320613",
            "config/replaced_divisions.csv:2: old \"320612\": still in use, so it can't be replaced",
        ),
        (
            "stations.csv",
            "amr-320102",
            "amr-320199",
            "config/stations.csv:2: office \"amr-320199\": unknown; allowed: <line>-<division> of an office, e.g. amr-320115",
        ),
        (
            "stations.csv",
            "amr-320102",
            "amr-320104",
            "config/stations.csv:2: office \"amr-320104\": the station lies outside its place",
        ),
        (
            "stations.csv",
            ",320102,,,",
            ",320199,,,",
            "config/stations.csv:2: division \"320199\": unknown; allowed: one of the 1605 codes in divisions.csv and towns.csv",
        ),
        (
            "offices.csv",
            "",
            "code,department,division,zh,en,verified,published_channel,phone,from,until\namr-1,jiangsu-amr,320115,江,J,true,true,,,\n",
            "config/offices.csv:2: code \"amr-1\": not the code of this department at this place; allowed: amr-320115",
        ),
        (
            "sectors.toml",
            "task = 2",
            "task = 1",
            "config/sectors.toml: sector[2].task \"1\": not a task of the plan, or there twice; allowed: 1 to 19, each once",
        ),
        (
            "sectors.toml",
            "task = 2",
            "tasks = 2",
            "config/sectors.toml: sector[2].tasks: unknown key; allowed: code, task, zh, en, subsectors",
        ),
        (
            "sectors.toml",
            "task = 2",
            "task = ",
            "config/sectors.toml:12: not a TOML file: string values must be quoted, expected literal string",
        ),
        (
            "rules/order-121.toml",
            "length = \"60 days\"",
            "length = \"60 weeks\"",
            "config/rules/order-121.toml: rule[1].clocks.MEDIATE.length \"60 weeks\": not a length of time; allowed: \"<n> working_days\" or \"<n> days\" with n from 1 to 3660; as length also \"set_by_person\"",
        ),
        (
            "rules/order-121.toml",
            "from = \"2026-04-15\"",
            "from = \"2026-04-17\"",
            "config/rules: regime \"market_regulation\": a gap between order-20 and order-121; allowed: one version for every day of receipt from 2020-01-01 on",
        ),
        (
            "rules/order-121.toml",
            "from = \"2026-04-15\"",
            "from = \"2026-04-01\"",
            "config/rules: regime \"market_regulation\": order-20 and order-121 hold on the same days; allowed: one version for every day of receipt from 2020-01-01 on",
        ),
        (
            "rules/order-20.toml",
            "from = \"2020-01-01\"",
            "from = \"2021-01-01\"",
            "config/rules: regime \"market_regulation\": a gap before order-20, which begins on 2021-01-01; allowed: one version for every day of receipt from 2020-01-01 on",
        ),
        (
            "rules/order-121.toml",
            "[rule.clocks.NOTIFY]\nlength = \"7 working_days\"\narticle = \"第二十三条第二款\"\n",
            "",
            "config/rules/order-121.toml: rule[1].clocks \"NOTIFY\": is missing",
        ),
        (
            "rules/order-121.toml",
            "code = \"R16_2\"",
            "code = \"R16_1\"",
            "config/rules/order-121.toml: rule[1].refusal[2].code \"R16_1\": stands there twice",
        ),
        (
            "rules/order-121.toml",
            "complaint = \"ACCEPT\"",
            "complaint = \"ACCEPTED\"",
            "config/rules/order-121.toml: rule[1].decision.complaint \"ACCEPTED\": unknown; allowed: ACCEPT, OTHER_DEPT, ID_PROOF, MEDIATE, NOTIFY, CLUE_VERIFY, REPORT_FILE, COMPETENCE_DISPUTE, STATION_CONTACT, STATION_END",
        ),
        (
            "calendar/2026.csv",
            "2026-01-01",
            "2025-01-01",
            "config/calendar/2026.csv:2: date \"2025-01-01\": not a day of 2026",
        ),
        ("calendar/index.toml", "year = 2026", "year = 2036", "config/calendar/2036.csv: doesn't exist"),
        (
            "targets.csv",
            "handling,",
            "handled,",
            "config/targets.csv:11: metric \"handled\": no rate that is computed; allowed: handling, timely_decision, timely_closing, self_settlement, mediation_success, mediation_success_of_mediated, satisfaction, station_coverage",
        ),
    ];
    let mut wrong = Vec::new();
    for (file, from, to, expected) in table {
        let messages = load_with(&[(file, from, to)]);
        if messages.first().map(String::as_str) != Some(*expected) {
            wrong.push(format!(
                "{file}: {from:?} → {to:?}\n  expected {expected}\n  told     {}",
                messages.join("\n           ")
            ));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn faults_of_several_files_are_told_at_once() {
    let messages = load_with(&[
        ("routes.csv", "courier,1,jiangsu-post", "courier,1,jiangsu-xyz"),
        ("routes.csv", "tourism,1", "tourist,1"),
        ("calendar/2025.csv", "makeup_workday", "makeup"),
        ("targets.csv", ">=,70", ">=,seventy"),
    ]);
    let unknown_sector = format!("config/routes.csv:21: sector \"tourist\": unknown; allowed: {SECTORS_LISTED}");
    assert_eq!(
        messages,
        [
            "config/routes.csv:15: department \"jiangsu-xyz\": unknown; allowed: one of the 54 codes in departments.csv",
            unknown_sector.as_str(),
            "config/calendar/2025.csv:3: kind \"makeup\": not understood; allowed: holiday, makeup_workday",
            "config/targets.csv:2: value \"seventy\": not understood; allowed: a number, or nothing",
        ]
    );
}

#[test]
fn a_broken_file_does_not_drag_the_others_along() {
    let messages = load_with(&[("departments.csv", "code,line,", "code,lines,")]);
    assert_eq!(messages.len(), 2, "{messages:#?}");
    assert_eq!(messages[0], "config/departments.csv:1: header: column line is missing");
    assert!(
        messages[1].starts_with("config/departments.csv:1: header \"lines\": unknown column; allowed: code, line, zh")
    );
    assert_eq!(load_with(&[("sectors.toml", "", "x = [")]).len(), 1);
}

#[test]
fn a_document_says_what_the_law_asks_and_nothing_unknown() {
    let messages = load_with(&[
        ("documents.toml", "该投诉属于下列情形：{{ ground }}", "该投诉属于下列情形：{{ grund }}"),
        ("documents.toml", "第{{ serial }}号\"", "第{{ serial\""),
        ("documents.toml", "amr = \"市监\"", "amrr = \"市监\""),
        ("documents.toml", "[document.report_result]", "[document.report_results]"),
    ]);
    for expected in [
        "config/documents.toml: document.refusal.text \"grund\": unknown name; allowed: office, reference,",
        "config/documents.toml: document.refusal.text: doesn't use {{ ground }}, which must stand there",
        "config/documents.toml: number \"",
        "config/documents.toml: words.amrr: no department has this line",
        "config/documents.toml: document.report_results: unknown kind; allowed: complaint_registration,",
        "config/documents.toml: document.report_result: is missing",
    ] {
        assert!(messages.iter().any(|message| message.starts_with(expected)), "{expected}\n{messages:#?}");
    }
}

#[test]
fn a_circle_of_successions_is_found() {
    let row = "jiangsu-nfra,jiangsu-cbirc,2023-07-20,true,全部职责,true,试,0.5\n";
    let header = "predecessor,successor,from,estimate,scope,main,why,confidence\n";
    let messages = load_with(&[("successions.csv", header, &format!("{header}{row}"))]);
    for code in ["jiangsu-cbirc", "jiangsu-nfra"] {
        let circle = format!("config/successions.csv: predecessor \"{code}\": succeeds itself in a circle");
        assert!(messages.contains(&circle), "{messages:#?}");
    }
}

#[test]
fn a_misspelt_file_is_not_passed_over() {
    let messages = load_with(&[("route.csv", "", "sector\n")]);
    assert!(
        messages[0].starts_with("config/route.csv: not a file of the configuration; allowed: README.md, calendar,")
    );
    let unlisted = load_with(&[("calendar/2027.csv", "", "date,kind,name\n2027-01-01,holiday,元旦\n")]);
    assert_eq!(unlisted, ["config/calendar/2027.csv: its year isn't listed in calendar/index.toml"]);
    let missing = load(&Source::Folder("/nonexistent/fangxin".into()), Rollover::HolidayOnly).unwrap_err();
    assert!(missing[0].to_string().starts_with("/nonexistent/fangxin: can't be read:"));
}

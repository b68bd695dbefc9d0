//! Many complaints that are one matter: a chain that closes among ordinary traffic is proposed and raises an alarm, and
//! ordinary traffic doesn't.

use crate::support::server::Start;
use crate::support::{FilingBuilder, Session, TestApp, engines};
use jiff::ToSpan;
use jiff::civil::date;
use serde_json::{Value, json};

/// What its members write when a chain of gyms closes overnight.
const CLOSED: [&str; 8] = [
    "健身房突然关门，办的年卡还剩十个月，钱退不了，前台电话没人接",
    "去锻炼发现健身房关门了，会员卡里的钱找不到人退",
    "健身房贴告示停业，私教课还有二十节没上，要求退费，联系不上教练",
    "年卡刚办两个月健身房就关门，老板失联，会员群里都在要求退款",
    "健身房一夜之间关门跑路，我的年卡和私教课都没法用，要求退卡里的钱",
    "昨天还在推销年卡，今天健身房就关门了，钱不退，电话没人接",
    "健身房关门没有通知会员，年卡剩下的钱不退，找不到负责人",
    "孩子的游泳课和我的年卡都在这家健身房，现在关门了，要求退费",
];

fn tick(app: &TestApp) -> u64 {
    let done = app.run(&["tick", "--json"], None);
    assert!(done.status.success(), "{}: {}", app.engine, String::from_utf8_lossy(&done.stderr));
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    told["alarms"].as_u64().unwrap_or_else(|| panic!("no alarms in {told}"))
}

fn gym(number: usize, narrative: &str) -> FilingBuilder {
    let (branch, division) = if number.is_multiple_of(2) { ("江宁店", "320115") } else { ("玄武店", "320102") };
    FilingBuilder::complaint()
        .merchant(&format!("力动健身({branch})"))
        .division(division)
        .narrative(narrative)
        .phone(&format!("139{number:08}"))
}

/// Ten weeks of ordinary traffic before the day that the clock shows: ten merchants, one complaint a week each.
fn ordinary_weeks(app: &TestApp) {
    let texts = ["手机黑屏不给修", "快递弄丢了包裹", "装修公司拖延工期", "外卖里吃出虫子", "宽带三天两头断网"];
    let mut lines = String::new();
    for week in 0..10_usize {
        for merchant in 0..10_usize {
            let number = week * 10 + merchant;
            let day = date(2026, 4, 1).saturating_add(i64::try_from(week * 7 + merchant % 7).unwrap().days());
            let line = FilingBuilder::complaint()
                .merchant(&format!("示例商户{merchant}"))
                .narrative(&format!("{}，第{number}次联系无果", texts[number % 5]))
                .phone(&format!("138{number:08}"))
                .with("/received_at", format!("{day}T10:00:00+08:00"));
            lines.push_str(&line.json().to_string());
            lines.push('\n');
        }
    }
    import(app, &lines);
}

/// One person who complains of a merchant on each of the last seven days, and on the last of them again and again.
fn one_who_never_stops(app: &TestApp) {
    let days = (4..=9).chain([10; 21]);
    let lines = days.enumerate().map(|(number, day)| {
        let line = FilingBuilder::complaint()
            .merchant("示例商户77")
            .narrative(&format!("手机黑屏，第{number}次联系无果"))
            .phone("13700000077")
            .with("/received_at", format!("2026-06-{day:02}T09:00:00+08:00"));
        format!("{}\n", line.json())
    });
    import(app, &lines.collect::<String>());
}

fn import(app: &TestApp, lines: &str) {
    let file = app.data().join("import.jsonl");
    std::fs::write(&file, lines).unwrap();
    let done = app.run(&["import", file.to_str().unwrap(), "--json"], None);
    let told: Value = serde_json::from_slice(&done.stdout).expect("JSON");
    let created = (&told["created"], &told["refused"]);
    assert_eq!(created, (&json!(lines.lines().count()), &json!([])), "{}: {told}", app.engine);
}

#[test]
fn a_chain_that_closes_is_found_within_ten_complaints_and_ordinary_traffic_is_not() {
    for engine in engines() {
        let app = Start::on(engine).at("2026-06-10T10:00:00+08:00").start();
        ordinary_weeks(&app);
        one_who_never_stops(&app);
        assert_eq!(tick(&app), 0, "{engine}: ordinary traffic, and one person who never stops");
        let (province, officer) = (app.dispatcher("320000"), app.officer("amr-320115"));
        let list = |path: &str, by: &Session| app.get(path, by).send().expect(200)["items"].as_array().unwrap().clone();

        // One person who files eight times is one person.
        for number in 0..8 {
            FilingBuilder::complaint()
                .merchant("示例商户3")
                .narrative(&format!("手机黑屏，第{number}次投诉"))
                .file(&app);
        }
        assert_eq!(tick(&app), 0, "{engine}: one person");
        for (number, text) in CLOSED[..4].iter().enumerate() {
            gym(number, text).file(&app);
        }
        assert_eq!(tick(&app), 0, "{engine}: four people are a small number");
        assert_eq!(list("/api/v1/mass/proposals", &province), Vec::<Value>::new(), "{engine}: four people");
        let filed: Vec<_> =
            CLOSED.iter().enumerate().skip(4).map(|(number, text)| gym(number, text).file(&app)).collect();
        // Against the same merchant, and about something else.
        gym(9, "更衣室地面太滑摔伤了手腕，不肯出医药费").file(&app);

        assert!(tick(&app) >= 1, "{engine}: nine people");
        assert_eq!(tick(&app), 0, "{engine}: it is told once");
        let alarms = list("/api/v1/mass/alarms", &province);
        let of_gym =
            alarms.iter().find(|one| one["kind"] == "merchant").unwrap_or_else(|| panic!("{engine}: {alarms:?}"));
        assert_eq!(
            (&of_gym["subject"], &of_gym["people"], &of_gym["people_here"], &of_gym["raised_on"]),
            (&json!("力动健身"), &json!(9), &json!(9), &json!("2026-06-10")),
            "{engine}: {of_gym}"
        );
        assert_eq!(alarms.iter().filter(|one| one["kind"] == "merchant").count(), 1, "{engine}: {alarms:?}");

        let proposals = list("/api/v1/mass/proposals", &province);
        assert_eq!(proposals.len(), 1, "{engine}: {proposals:?}");
        let one = &proposals[0];
        assert_eq!((&one["people"], one["cases"].as_array().unwrap().len()), (&json!(8), 8), "{engine}: {one}");
        assert!(
            filed.iter().all(|case| one["cases"].as_array().unwrap().contains(&json!(case.reference))),
            "{engine}: {one}"
        );

        // Each sees what lies within its scope.
        let here = list("/api/v1/mass/alarms", &officer);
        assert_eq!(here.iter().find(|one| one["kind"] == "merchant").unwrap()["people_here"], 4, "{engine}: {here:?}");
        assert_eq!(list("/api/v1/mass/proposals", &officer), Vec::<Value>::new(), "{engine}: four of them lie there");
        assert_eq!(
            list("/api/v1/mass/alarms", &app.dispatcher("320500")),
            Vec::<Value>::new(),
            "{engine}: another city"
        );

        let noted = json!({ "kind": "merchant", "subject": "力动健身", "raised_on": "2026-06-10" });
        let post = |by: &Session, body: &Value| app.post("/api/v1/mass/alarms", by).json(body).send();
        post(&app.auditor("320000"), &noted).problem(403);
        post(&app.dispatcher("320500"), &noted).problem(404);
        post(&Session::anonymous(), &noted).problem(401);
        let unknown = post(&province, &json!({ "kind": "gym", "subject": "力动健身", "raised_on": "2026-06-10" }));
        unknown.problem(422);
        assert_eq!(post(&province, &noted).status, 204, "{engine}");
        let seen = list("/api/v1/mass/alarms", &officer);
        let seen = seen.iter().find(|one| one["kind"] == "merchant").unwrap();
        assert!(seen["seen_by"].is_string() && seen["seen_at"].is_string(), "{engine}: {seen}");
        app.get("/api/v1/mass/proposals", &Session::anonymous()).send().problem(401);
        app.get("/api/v1/mass/alarms?since=yesterday", &province).send().problem(422);
    }
}

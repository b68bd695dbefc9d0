//! Random steps by random people on random days, through HTTP, held against a model in memory ([`case`]).
//!
//! After each step the answer, and for whoever may see the case the state, the version and the actions offered must be the
//! model's; at the end the history of each case must fold to what is shown and the statistics must be the recount of the
//! model. In between the clock jumps: what the service does by itself is its own test (`escalation`); here it may add to a
//! history only as the system, and move nothing but a station's turn that lapsed.

mod case;

use self::case::{ACTIONS, Expected, Model, OFFICES, Who};
use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::people::offered;
use crate::support::random::Random;
use crate::support::server::Start;
use crate::support::{Engine, FilingBuilder, Session, TestApp, engines, is_long, say};
use jiff::ToSpan;
use jiff::civil::{Date, date};
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet};

/// Most cases of a run: splitting stops there.
const MOST_CASES: usize = 12;

/// Days by which the clock jumps, one jump after each part of the first run: around a reminder, a first decision, opening
/// again, and mediation.
const JUMPS: [i64; 4] = [3, 9, 16, 62];

/// Days by which it jumps in other runs: before, on and after the limits.
const ANY_JUMP: &[i64] = &[1, 2, 3, 4, 7, 9, 12, 15, 16, 20, 21, 23, 35];

/// Steps that lead no case on, and those that end it early: drawn less often, so that cases come far.
const TAME: &[&str] = &[
    "note",
    "remind",
    "urge",
    "supervise",
    "circulate",
    "assign",
    "link",
    "split",
    "withdraw",
    "transfer",
    "merge_into",
    "return",
];

const EVERYONE: &[Who] = &[
    Who::Consumer,
    Who::Officer(0),
    Who::Officer(0),
    Who::Officer(0),
    Who::Officer(1),
    Who::Station,
    Who::Dispatcher,
    Who::Supervisor,
];

/// One run: the service, and the model beside it.
struct Run {
    app: TestApp,
    random: Random,
    today: Date,
    cases: Vec<Case>,
    models: Vec<Model>,
    people: People,
}

/// The people of a run. Their tokens are of a day.
struct People {
    staff: Vec<(Who, Session)>,
    consumers: Vec<Session>,
    station: String,
}

impl People {
    /// Signs everyone in. Of a case that staff split off nobody has the PIN: another case's filer tries.
    fn sign_in(app: &TestApp, cases: &[Case], models: &[Model], station: &str) -> Self {
        let staff = vec![
            (Who::Officer(0), app.officer(OFFICES[0])),
            (Who::Officer(1), app.officer(OFFICES[1])),
            (Who::Station, app.station(station)),
            (Who::Dispatcher, app.dispatcher("320000")),
            (Who::Supervisor, app.supervisor("320100")),
        ];
        let filed = cases.iter().zip(models).filter(|(_, model)| model.has_filer);
        let consumers = filed.map(|(case, _)| app.consumer(case)).collect();
        Self { staff, consumers, station: station.to_owned() }
    }

    fn session(&self, who: Who, case: usize) -> &Session {
        let found = self.staff.iter().find(|(one, _)| *one == who).map(|(_, session)| session);
        found.unwrap_or_else(|| self.consumers.get(case).unwrap_or(&self.consumers[0]))
    }
}

/// What a step carries when it is whole.
fn fields(random: &mut Random, model: &Model, who: Who, action: &str, today: Date) -> Value {
    let yes = |random: &mut Random| !random.next().is_multiple_of(4);
    let ahead = today.saturating_add(10.days());
    match action {
        "dispatch" => json!({ "office": random.one(&OFFICES) }),
        "designate" => json!({ "office": random.one(&OFFICES), "reason": "指定管辖" }),
        "return" | "withdraw" | "reopen" => json!({ "reason": "说明" }),
        "hand_over" if who == Who::Station => json!({ "record": "双方未能和解" }),
        "request_id" => json!({ "deadline": ahead }),
        "supply" => {
            let mut supplied = json!({ "respondent": { "address": "南京市江宁区双龙大道1号" } });
            if !model.has_filer {
                let person = json!({ "name": "李四", "phone": "13800138009", "address": "南京市江宁区东山街道" });
                supplied["complainant"] = person;
            }
            supplied
        }
        "refuse" => json!({ "ground": "R16_3", "reason": "不是生活消费" }),
        "record_consent" if who == Who::Consumer => json!({ "given": yes(random) }),
        "record_consent" => json!({ "party": random.one(&["complainant", "respondent"]), "given": yes(random) }),
        "suspend" => json!({ "cause": random.one(&["testing", "recusal"]) }),
        "settle" => {
            let outcome = if model.state == "mediating" { "mediated" } else { "self_settled" };
            json!({ "outcome": outcome, "amount": "100.00", "performance_date": ahead })
        }
        "terminate" => json!({ "ground": "T23_3", "reason": "未达成一致" }),
        "transfer" => json!({ "body": "police", "reason": "涉嫌犯罪" }),
        "extend" => json!({ "approval": "局长批准" }),
        "decide_filing" => json!({ "decision": random.one(&["filed", "not_filed"]), "reason": "核查结果" }),
        "rate" => json!({ "solved": true, "satisfied": 1 + random.below(5), "contacted": true }),
        "supervise" => json!({ "text": "请于期限前答复", "deadline": ahead }),
        "note" | "circulate" => json!({ "text": "已联系商家" }),
        _ => json!({}),
    }
}

/// A required field of a step, to be left out.
fn required(action: &str, who: Who) -> Option<&'static str> {
    match action {
        "dispatch" | "designate" => Some("office"),
        "return" | "withdraw" | "reopen" | "refuse" | "terminate" | "transfer" | "decide_filing" => Some("reason"),
        "hand_over" if who == Who::Station => Some("record"),
        "request_id" => Some("deadline"),
        "record_consent" => Some("given"),
        "suspend" => Some("cause"),
        "settle" => Some("amount"),
        "extend" => Some("approval"),
        "rate" => Some("satisfied"),
        "note" | "supervise" | "circulate" => Some("text"),
        "assign" => Some("to"),
        "link" => Some("cases"),
        "merge_into" => Some("case"),
        _ => None,
    }
}

/// Files the cases of a run: complaints at the office and at a station, with and without everything, and a report.
fn open(engine: Engine, random: Random, today: Date) -> Run {
    let app = Start::on(engine).at(&format!("{today}T02:00:00Z")).start();
    let person = |n: usize, filing: FilingBuilder| filing.phone(&format!("1380013800{n}"));
    let at_station = || FilingBuilder::complete().with("/division", "320115001").with("/settle_first", true);
    let filings = [
        person(0, FilingBuilder::complete()),
        person(1, FilingBuilder::complete().without("/respondent/address")),
        person(2, at_station()),
        person(3, at_station().without("/respondent/address")),
        FilingBuilder::report().with("/sector", "product_quality"),
        person(5, FilingBuilder::complete()),
    ];
    let cases: Vec<Case> = filings.iter().map(|filing| filing.file(&app)).collect();
    let state = |case: &Case| match case.answer["state"].as_str() {
        Some("dispatched") => "dispatched",
        Some("negotiating") => "negotiating",
        other => panic!("{other:?}: {}", case.answer),
    };
    let model = |case: &Case| Model {
        report: case.answer["kind"] == "report",
        state: state(case),
        office: OFFICES.iter().position(|office| *office == case.office()).expect("Jiangning's market regulation"),
        station: case.station().filter(|_| case.answer["kind"] == "complaint"),
        missing: case.answer["missing_for_acceptance"] != json!([]),
        has_filer: true,
        ..Model::default()
    };
    let models: Vec<Model> = cases.iter().map(|case| model(case).filed(today)).collect();
    let station = cases[2].station().expect("a station");
    let people = People::sign_in(&app, &cases, &models, &station);
    Run { app, random, today, cases, models, people }
}

impl Run {
    /// One random step, with all that must be so after it: how it was answered, and what it was.
    fn step(&mut self) -> (u16, String) {
        let (index, other) = (self.random.below(self.cases.len()), self.random.below(self.cases.len()));
        let who = *self.random.one(EVERYONE);
        let today = self.today;
        let model = self.models[index].clone();
        // Half of the time something that the model would take, so that cases get on.
        let room = self.cases.len() < MOST_CASES;
        let offers: Vec<String> =
            model.offers(who, today).into_iter().filter(|action| room || action != "split").collect();
        let likely = self.random.next().is_multiple_of(2) && !offers.is_empty();
        let mut action = if likely { self.random.one(&offers).clone() } else { (*self.random.one(ACTIONS)).to_owned() };
        if likely && TAME.contains(&action.as_str()) {
            action.clone_from(self.random.one(&offers));
        }
        let action = if action == "split" && !room { "note".to_owned() } else { action };
        let visible = model.sees(who, &self.people.station);
        let mut body = fields(&mut self.random, &model, who, &action, today);
        let by = self.people.session(who, index).clone();
        let fits = self.name(&mut body, &action, who, &by, index, other);
        let expected = model.expected(who, &action, today);
        let takes = visible && expected == Expected::Taken;
        let trick = self.random.below(12);
        let without = required(&action, who).filter(|_| takes && trick == 0);
        if let Some(name) = without {
            body.as_object_mut().unwrap().remove(name);
        }
        let (stale, unconditional) = (takes && trick == 1, takes && trick == 2);
        let version = if stale { model.version + 1 } else { model.version };
        let case = &self.cases[index];
        let reply = if unconditional {
            body["action"] = json!(action);
            self.app.post(&format!("{}/transitions", case.path()), &by).json(&body).send()
        } else {
            self.app.act_at(case, &by, &action, &body, version)
        };
        let status = match expected {
            _ if !visible => 404,
            _ if unconditional => 428,
            _ if stale => 412,
            Expected::Forbidden => 403,
            Expected::NotNow => 409,
            _ if without.is_some() || !fits => 422,
            Expected::Taken => 200,
        };
        assert_eq!(reply.status, status, "{}, {today}: model {model:?}: {reply}", self.app.engine);
        if status == 200 {
            self.models[index].take(who, &action, &body, today);
            match action.as_str() {
                // The case that goes on tells of it in its own history.
                "merge_into" => self.models[other].version += 1,
                "split" => self.split_off(index, &reply.json()),
                _ => {}
            }
        } else {
            reply.problem(status);
        }
        let (case, model) = (&self.cases[index], &self.models[index]);
        let seen = self.app.get(&case.path(), &by).send();
        if model.sees(who, &self.people.station) {
            let view = seen.expect(200);
            let told = (view["state"].as_str().unwrap(), view["version"].as_i64().unwrap());
            assert_eq!(told, (model.state, model.version), "{}, {today}: after {reply}", self.app.engine);
            let offered: BTreeSet<String> = offered(&view).into_iter().collect();
            let expected = model.offers(who, today);
            assert_eq!(offered, expected, "{}, {today}: {who:?} of {model:?} after {reply}", self.app.engine);
        } else {
            seen.problem(404);
        }
        (status, action)
    }

    /// Names the account or the other case that a step is about; whether it can be named: an account of the own unit; a case
    /// that is there for the caller and is another one, and to go on in it, an open one of the same kind.
    fn name(&self, body: &mut Value, action: &str, who: Who, by: &Session, index: usize, other: usize) -> bool {
        let (model, target) = (&self.models[index], &self.models[other]);
        let reference = &self.cases[other].reference;
        let there = index != other && target.sees(who, &self.people.station);
        match action {
            "assign" => {
                body["to"] = json!(by.name);
                matches!(who, Who::Officer(_) | Who::Station)
            }
            "link" => {
                body["cases"] = json!([reference]);
                there
            }
            "merge_into" => {
                body["case"] = json!(reference);
                there && !target.is_end() && target.report == model.report
            }
            _ => true,
        }
    }

    /// The case that was split off: the other kind, at the same office, from today on, with nobody who holds its PIN.
    fn split_off(&mut self, index: usize, view: &Value) {
        let links = view["linked"].as_array().unwrap_or_else(|| panic!("no links in {view}"));
        let link =
            links.iter().find(|link| link["relation"] == "split").unwrap_or_else(|| panic!("no split in {view}"));
        let reference = link["reference"].as_str().expect("a reference").to_owned();
        let case = Case { reference, pin: String::new(), answer: Value::Null };
        let view = self.app.case(&case, self.people.session(Who::Supervisor, 0));
        let of = &self.models[index];
        let model = Model {
            report: !of.report,
            state: "dispatched",
            office: of.office,
            missing: view["missing_for_acceptance"] != json!([]),
            split: true,
            ..Model::default()
        };
        assert_eq!(view["kind"], if model.report { "report" } else { "complaint" }, "{view}");
        self.models.push(model.filed(self.today));
        self.cases.push(case);
    }

    /// Jumps some days ahead, and lets the service do what is due.
    fn jump(&mut self, days: i64) {
        self.today = self.today.saturating_add(days.days());
        self.app.restart_at(&format!("{}T02:00:00Z", self.today));
        let round = self.app.run(&["tick", "--json"], None);
        assert!(round.status.success(), "{}: {}", self.app.engine, String::from_utf8_lossy(&round.stderr));
        self.people = People::sign_in(&self.app, &self.cases, &self.models, &self.people.station);
        let supervisor = self.people.session(Who::Supervisor, 0).clone();
        for (case, model) in self.cases.iter().zip(&mut self.models) {
            if model.is_lapsed(self.today) {
                model.take(Who::System, "hand_over", &Value::Null, self.today);
                model.version -= 1;
            }
            let events = self.app.events(case, &supervisor);
            let since = events.iter().skip(usize::try_from(model.version).unwrap());
            let by_itself = ["remind", "urge", "supervise", "circulate", "hand_over"];
            for event in since {
                let action = event["action"].as_str().unwrap();
                assert!(event["role"] == "system" && by_itself.contains(&action), "{}: {event}", self.app.engine);
            }
            model.version = i64::try_from(events.len()).unwrap();
            let view = self.app.case(case, &supervisor);
            assert_eq!(view["state"], model.state, "{}, {}: {model:?}", self.app.engine, self.today);
        }
    }

    /// Each case as a whole, and the statistics.
    fn check(&self) {
        let supervisor = self.people.session(Who::Supervisor, 0);
        for (case, model) in self.cases.iter().zip(&self.models) {
            let view = self.app.case(case, supervisor);
            let told = (view["state"].as_str(), view["version"].as_i64());
            assert_eq!(told, (Some(model.state), Some(model.version)));
            assert_whole(&self.app.events(case, supervisor), &view);
        }
        check_figures(&self.app, &self.models, self.today);
    }
}

/// Holds the statistics against a recount of the model.
fn check_figures(app: &TestApp, models: &[Model], today: Date) {
    let supervisor = app.supervisor("320000");
    let reply = app.get(&format!("/api/v1/metrics/summary?from=2026-06-01&to={today}"), &supervisor).send();
    let summary = reply.expect(200);
    let count = |holds: &dyn Fn(&Model) -> bool| i64::try_from(models.iter().filter(|one| holds(one)).count()).unwrap();
    assert_eq!(summary["received"], count(&|_| true), "{reply}");
    let complaint = |one: &Model| !one.report;
    let closed = |one: &Model| complaint(one) && one.is_end();
    type Row<'a> = (&'a str, i64, Option<i64>);
    let decided = |one: &Model| one.is_decided_or_due(today);
    let table: [Row<'_>; 10] = [
        ("handling", count(&|one| complaint(one) && one.disposed), None),
        ("timely_closing", count(&|one| closed(one) && one.in_time), Some(count(&closed))),
        (
            "timely_decision",
            count(&|one| complaint(one) && one.is_decided_in_time()),
            Some(count(&|one| complaint(one) && decided(one))),
        ),
        (
            "report_verification",
            count(&|one| one.report && one.is_decided_in_time()),
            Some(count(&|one| one.report && decided(one))),
        ),
        (
            "self_settlement",
            count(&|one| one.station_ended && one.settled_at_station),
            Some(count(&|one| one.station_ended)),
        ),
        ("mediation_success", count(&|one| closed(one) && one.agreed), Some(count(&closed))),
        (
            "mediation_success_of_mediated",
            count(&|one| closed(one) && one.mediated && one.agreed),
            Some(count(&|one| closed(one) && one.mediated)),
        ),
        (
            "satisfaction",
            count(&|one| closed(one) && one.rating.is_some_and(|(given, _)| given >= 4)),
            Some(count(&|one| closed(one) && one.rating.is_some())),
        ),
        ("return", count(&|one| complaint(one) && one.returns > 0), Some(count(&complaint))),
        ("reopen", count(&|one| complaint(one) && one.reopened), Some(count(&complaint))),
    ];
    for (code, numerator, denominator) in table {
        let rates = summary["rates"].as_array().expect("rates");
        let rate = rates.iter().find(|rate| rate["code"] == code).unwrap_or_else(|| panic!("no {code}: {reply}"));
        assert_eq!(rate["numerator"], numerator, "{}: {rate}", app.engine);
        if let Some(denominator) = denominator {
            assert_eq!(rate["denominator"], denominator, "{}: {rate}", app.engine);
        }
    }
}

#[test]
fn whatever_people_do_the_service_answers_as_the_model_does() {
    let (runs, steps) = if is_long() { (12, 400) } else { (1, 300) };
    let part = steps / (JUMPS.len() + 1);
    for engine in engines() {
        let (mut answered, mut taken) = (BTreeMap::new(), BTreeMap::new());
        for number in 0..runs {
            let seed = 20_260_602 + number;
            println!("{engine}: seed {seed}");
            let mut run = open(engine, Random::new(seed), date(2026, 6, 2));
            for n in 1..=steps {
                let (status, action) = run.step();
                *answered.entry(status).or_insert(0) += 1;
                if status == 200 {
                    *taken.entry(action).or_insert(0) += 1;
                }
                if n % part == 0 && n < steps {
                    let days = if number == 0 { JUMPS[n / part - 1] } else { *run.random.one(ANY_JUMP) };
                    run.jump(days);
                }
            }
            run.check();
        }
        say(&format!("model: {engine}: {runs} × {steps} steps, answers by status {answered:?}, taken {taken:?}"));
        for status in [200, 403, 404, 409, 412, 422, 428] {
            assert!(answered.contains_key(&status), "{engine}: no answer {status}: the steps were too few or too tame");
        }
        if is_long() {
            let never: Vec<_> = ACTIONS.iter().filter(|action| !taken.contains_key(**action)).collect();
            assert!(never.is_empty(), "{engine}: never taken: {never:?}");
        }
    }
}

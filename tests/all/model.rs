//! Random steps by random people, through HTTP, held against a model in memory.
//!
//! The model says by itself, from the contract's list of states and actions, who may do what, what it leads to and how it is
//! refused; it uses no table of the product. After each step the answer, and for whoever may see the case the state, the
//! version and the actions offered must be the model's; at the end the history of each case must fold to what is shown and
//! the statistics must be the recount of the model.

use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::people::offered;
use crate::support::random::Random;
use crate::support::server::Start;
use crate::support::{FilingBuilder, Session, TestApp, engines, is_long, say};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The office that the filings are routed to, and the other one that takes part.
const OFFICES: [&str; 2] = ["amr-320115", "amr-320102"];

/// Every step that the model knows; what else is offered isn't compared.
const ACTIONS: &[&str] = &[
    "dispatch",
    "return",
    "designate",
    "hand_over",
    "request_id",
    "supply",
    "accept",
    "refuse",
    "record_consent",
    "start_mediation",
    "suspend",
    "resume",
    "settle",
    "terminate",
    "withdraw",
    "transfer",
    "extend",
    "decide_filing",
    "rate",
    "reopen",
    "inform",
    "note",
    "remind",
    "urge",
];

/// A case as the model has it.
#[derive(Debug, Clone, Default)]
struct Model {
    report: bool,
    state: &'static str,
    version: i64,
    office: usize,
    station: Option<String>,
    missing: bool,
    consents: [Option<bool>; 2],
    returns: u32,
    disputed: bool,
    designated: bool,
    reopened: bool,
    extended: bool,
    reminded: bool,
    notice_owed: bool,
    // What the rates count.
    disposed: bool,
    mediated: bool,
    agreed: bool,
    station_ended: bool,
    settled_at_station: bool,
    rating: Option<i64>,
}

/// Someone of the model, with what they may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Who {
    Consumer,
    Officer(usize),
    Station,
    Dispatcher,
    Supervisor,
}

const EVERYONE: &[Who] =
    &[Who::Consumer, Who::Officer(0), Who::Officer(0), Who::Officer(1), Who::Station, Who::Dispatcher, Who::Supervisor];

/// How the model expects a step to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Expected {
    Taken,
    /// The role never takes this step.
    Forbidden,
    /// Not in this state, or a condition isn't met.
    NotNow,
}

impl Model {
    fn is_end(&self) -> bool {
        ["settled", "terminated", "refused", "withdrawn", "transferred", "filed", "not_filed"].contains(&self.state)
    }

    fn is_accepted(&self) -> bool {
        ["accepted", "mediating", "suspended"].contains(&self.state)
    }

    fn sees(&self, who: Who, station: &str) -> bool {
        match who {
            Who::Officer(office) => office == self.office,
            Who::Station => self.station.as_deref() == Some(station),
            Who::Consumer | Who::Dispatcher | Who::Supervisor => true,
        }
    }

    /// From the contract: the action, for which kinds, by whom, from which states, under which condition.
    fn expected(&self, who: Who, action: &str) -> Expected {
        use Expected::{Forbidden, NotNow, Taken};
        let officer = matches!(who, Who::Officer(_));
        let (complaints_only, reports_only) = (!self.report, self.report);
        let within = |states: &[&str]| states.contains(&self.state);
        let open = !self.is_end();
        let early = ["received", "triage", "negotiating", "dispatched", "returned", "id_requested"];
        let (ever, now) = match action {
            "dispatch" => (who == Who::Dispatcher, within(&["triage", "received", "returned"]) && !self.disputed),
            "return" => (officer, within(&["dispatched"]) && !self.designated),
            "designate" => (who == Who::Supervisor, within(&["returned"]) && self.disputed),
            "hand_over" => (complaints_only && matches!(who, Who::Station | Who::Consumer), within(&["negotiating"])),
            "request_id" => (complaints_only && officer, within(&["dispatched"])),
            "supply" => (officer || matches!(who, Who::Consumer | Who::Station), within(&early)),
            "accept" => (complaints_only && officer, within(&["dispatched", "id_requested"]) && !self.missing),
            "refuse" => (complaints_only && officer, within(&["dispatched", "id_requested"])),
            "record_consent" => (complaints_only && (officer || who == Who::Consumer), within(&["accepted"])),
            "start_mediation" => {
                (complaints_only && officer, within(&["accepted"]) && self.consents == [Some(true), Some(true)])
            }
            "suspend" => (complaints_only && officer, within(&["mediating"])),
            "resume" => (complaints_only && officer, within(&["suspended"])),
            "settle" if who == Who::Station => (complaints_only, within(&["negotiating"])),
            "settle" => (complaints_only && officer, within(&["accepted", "mediating"])),
            "terminate" => (complaints_only && officer, self.is_accepted()),
            "withdraw" => (who == Who::Consumer, open),
            "transfer" if who == Who::Dispatcher => {
                (true, within(&["received", "triage", "returned"]) && !self.disputed)
            }
            "transfer" => (officer, self.is_accepted() || within(&["dispatched", "id_requested", "verifying"])),
            "extend" => (reports_only && officer, within(&["dispatched", "verifying"]) && !self.extended),
            "decide_filing" => (reports_only && officer, within(&["dispatched", "verifying"])),
            "rate" => (who == Who::Consumer, self.is_end()),
            "reopen" => (matches!(who, Who::Consumer | Who::Supervisor), self.is_end() && !self.reopened),
            "inform" => (complaints_only && officer, self.is_end() && self.notice_owed),
            "note" => (who != Who::Consumer, true),
            "remind" => (
                matches!(who, Who::Consumer | Who::Dispatcher | Who::Supervisor),
                open && !(who == Who::Consumer && self.reminded),
            ),
            "urge" => (matches!(who, Who::Dispatcher | Who::Supervisor), open),
            other => panic!("the model knows no {other}"),
        };
        match (ever, now) {
            (false, _) => Forbidden,
            (true, false) => NotNow,
            (true, true) => Taken,
        }
    }

    /// The steps that someone is offered.
    fn offers(&self, who: Who) -> BTreeSet<String> {
        let taken = |action: &&&str| self.expected(who, action) == Expected::Taken;
        ACTIONS.iter().filter(taken).map(|action| (*action).to_owned()).collect()
    }

    /// A step that was taken.
    fn take(&mut self, who: Who, action: &str, fields: &Value) {
        let (from_station, from_accepted) = (self.state == "negotiating", self.is_accepted());
        let decision_anew = |model: &mut Self| model.extended = false;
        self.version += 1;
        match action {
            "dispatch" | "designate" => {
                self.office = OFFICES.iter().position(|office| fields["office"] == **office).unwrap();
                self.state = "dispatched";
                if action == "designate" {
                    (self.designated, self.disputed) = (true, false);
                }
                decision_anew(self);
            }
            "return" => {
                self.disputed = self.returns >= 1;
                self.returns += 1;
                self.state = "returned";
            }
            "hand_over" => {
                self.state = "dispatched";
                self.station_ended = true;
                decision_anew(self);
            }
            "request_id" => self.state = "id_requested",
            "supply" => {
                self.missing = false;
                if self.state == "id_requested" {
                    self.state = "dispatched";
                }
            }
            "accept" => {
                self.state = "accepted";
                self.disposed = true;
            }
            "refuse" => self.end("refused", true),
            "record_consent" => {
                let respondent = who != Who::Consumer && fields["party"] == "respondent";
                self.consents[usize::from(respondent)] = fields["given"].as_bool();
            }
            "start_mediation" => {
                self.state = "mediating";
                self.mediated = true;
            }
            "suspend" => self.state = "suspended",
            "resume" => self.state = "mediating",
            "settle" => {
                self.end("settled", from_station);
                self.agreed = true;
                self.settled_at_station = from_station;
            }
            "terminate" => self.end("terminated", false),
            "withdraw" => self.end("withdrawn", false),
            "transfer" => self.end("transferred", true),
            "extend" => {
                self.state = "verifying";
                self.extended = true;
            }
            "decide_filing" if fields["decision"] == "filed" => self.end("filed", true),
            "decide_filing" => self.end("not_filed", true),
            "rate" => self.rating = fields["satisfied"].as_i64(),
            "reopen" => {
                self.state = "dispatched";
                self.reopened = true;
                self.consents = [None, None];
                (self.agreed, self.settled_at_station, self.notice_owed) = (false, false, false);
                decision_anew(self);
            }
            "inform" => self.notice_owed = false,
            "remind" => self.reminded |= who == Who::Consumer,
            "note" | "urge" => {}
            other => panic!("the model knows no {other}"),
        }
        if self.is_end() && !["rate", "inform", "note"].contains(&action) {
            self.disputed = false;
            self.station_ended |= from_station && ["settle", "withdraw"].contains(&action);
            self.notice_owed = from_accepted;
        }
    }

    fn end(&mut self, state: &'static str, disposed: bool) {
        self.state = state;
        self.disposed |= disposed;
    }
}

/// What a step carries when it is whole.
fn fields(random: &mut Random, model: &Model, who: Who, action: &str) -> Value {
    let yes = |random: &mut Random| !random.next().is_multiple_of(4);
    match action {
        "dispatch" => json!({ "office": random.one(&OFFICES) }),
        "designate" => json!({ "office": random.one(&OFFICES), "reason": "指定管辖" }),
        "return" | "withdraw" | "reopen" => json!({ "reason": "说明" }),
        "hand_over" if who == Who::Station => json!({ "record": "双方未能和解" }),
        "request_id" => json!({ "deadline": "2026-07-15" }),
        "supply" => json!({ "respondent": { "address": "南京市江宁区双龙大道1号" } }),
        "refuse" => json!({ "ground": "R16_3", "reason": "不是生活消费" }),
        "record_consent" if who == Who::Consumer => json!({ "given": yes(random) }),
        "record_consent" => json!({ "party": random.one(&["complainant", "respondent"]), "given": yes(random) }),
        "suspend" => json!({ "cause": random.one(&["testing", "recusal"]) }),
        "settle" => {
            let outcome = if model.state == "mediating" { "mediated" } else { "self_settled" };
            json!({ "outcome": outcome, "amount": "100.00", "performance_date": "2026-07-15" })
        }
        "terminate" => json!({ "ground": "T23_3", "reason": "未达成一致" }),
        "transfer" => json!({ "body": "police", "reason": "涉嫌犯罪" }),
        "extend" => json!({ "approval": "局长批准" }),
        "decide_filing" => json!({ "decision": random.one(&["filed", "not_filed"]), "reason": "核查结果" }),
        "rate" => json!({ "solved": true, "satisfied": 1 + random.below(5), "contacted": true }),
        "note" => json!({ "text": "已联系商家" }),
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
        "note" => Some("text"),
        _ => None,
    }
}

/// The people of one run.
struct People {
    staff: Vec<(Who, Session)>,
    consumers: Vec<Session>,
    station: String,
}

impl People {
    fn session(&self, who: Who, case: usize) -> &Session {
        let found = self.staff.iter().find(|(one, _)| *one == who).map(|(_, session)| session);
        found.unwrap_or(&self.consumers[case])
    }
}

/// Files the cases of a run: complaints at the office and at a station, with and without everything, and a report.
fn open(app: &TestApp) -> (Vec<Case>, Vec<Model>, People) {
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
    let cases: Vec<Case> = filings.iter().map(|filing| filing.file(app)).collect();
    let state = |case: &Case| match case.answer["state"].as_str() {
        Some("dispatched") => "dispatched",
        Some("negotiating") => "negotiating",
        other => panic!("{other:?}: {}", case.answer),
    };
    let models = cases.iter().map(|case| Model {
        report: case.answer["kind"] == "report",
        state: state(case),
        version: 1,
        office: OFFICES.iter().position(|office| *office == case.office()).expect("Jiangning's market regulation"),
        station: case.station().filter(|_| case.answer["kind"] == "complaint"),
        missing: case.answer["missing_for_acceptance"] != json!([]),
        ..Model::default()
    });
    let models: Vec<Model> = models.collect();
    let station = cases[2].station().expect("a station");
    let staff = vec![
        (Who::Officer(0), app.officer(OFFICES[0])),
        (Who::Officer(1), app.officer(OFFICES[1])),
        (Who::Station, app.station(&station)),
        (Who::Dispatcher, app.dispatcher("320000")),
        (Who::Supervisor, app.supervisor("320100")),
    ];
    let consumers = cases.iter().map(|case| app.consumer(case)).collect();
    (cases, models, People { staff, consumers, station })
}

/// One random step, with all that must be so after it.
fn step(app: &TestApp, random: &mut Random, cases: &[Case], models: &mut [Model], people: &People) -> u16 {
    let index = random.below(cases.len());
    let (case, model) = (&cases[index], &mut models[index]);
    let who = *random.one(EVERYONE);
    // Half of the time something that the model would take, so that cases get on; an end is rare, so that they live.
    let offers: Vec<String> = model.offers(who).into_iter().collect();
    let likely = random.next().is_multiple_of(2) && !offers.is_empty();
    let action = if likely { random.one(&offers).clone() } else { (*random.one(ACTIONS)).to_owned() };
    let mut body = fields(random, model, who, &action);
    let expected = model.expected(who, &action);
    let visible = model.sees(who, &people.station);
    let takes = visible && expected == Expected::Taken;
    let trick = random.below(12);
    let by = people.session(who, index);
    let without = required(&action, who).filter(|_| takes && trick == 0);
    if let Some(name) = without {
        body.as_object_mut().unwrap().remove(name);
    }
    let stale = takes && trick == 1;
    let unconditional = takes && trick == 2;
    let version = if stale { model.version + 1 } else { model.version };
    let reply = if unconditional {
        body["action"] = json!(action);
        app.post(&format!("{}/transitions", case.path()), by).json(&body).send()
    } else {
        app.act_at(case, by, &action, &body, version)
    };
    let status = match expected {
        _ if !visible => 404,
        _ if unconditional => 428,
        _ if stale => 412,
        _ if without.is_some() => 422,
        Expected::Forbidden => 403,
        Expected::NotNow => 409,
        Expected::Taken => 200,
    };
    assert_eq!(reply.status, status, "{}: model {model:?}: {reply}", app.engine);
    if status == 200 {
        model.take(who, &action, &body);
    } else {
        reply.problem(status);
    }
    let seen = app.get(&case.path(), by).send();
    if model.sees(who, &people.station) {
        let view = seen.expect(200);
        let told = (view["state"].as_str().unwrap(), view["version"].as_i64().unwrap());
        assert_eq!(told, (model.state, model.version), "{}: after {reply}", app.engine);
        let known = |action: &String| ACTIONS.contains(&action.as_str());
        let offered: BTreeSet<String> = offered(&view).into_iter().filter(known).collect();
        assert_eq!(offered, model.offers(who), "{}: {who:?} of {model:?} after {reply}", app.engine);
    } else {
        seen.problem(404);
    }
    status
}

/// Holds the statistics against a recount of the model.
fn check_figures(app: &TestApp, models: &[Model]) {
    let supervisor = app.supervisor("320000");
    let reply = app.get("/api/v1/metrics/summary?from=2026-06-01&to=2026-06-30", &supervisor).send();
    let summary = reply.expect(200);
    let count = |holds: &dyn Fn(&Model) -> bool| i64::try_from(models.iter().filter(|one| holds(one)).count()).unwrap();
    assert_eq!(summary["received"], count(&|_| true), "{reply}");
    let complaint = |one: &Model| !one.report;
    let closed = |one: &Model| complaint(one) && one.is_end();
    type Row<'a> = (&'a str, i64, Option<i64>);
    let table: [Row<'_>; 8] = [
        ("handling", count(&|one| complaint(one) && one.disposed), None),
        ("timely_closing", count(&closed), Some(count(&closed))),
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
            count(&|one| closed(one) && one.rating.is_some_and(|rating| rating >= 4)),
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
    for engine in engines() {
        let mut answered = std::collections::BTreeMap::new();
        for run in 0..runs {
            let seed = 20_260_602 + run;
            let mut random = Random::new(seed);
            let app = Start::on(engine).at("2026-06-02T02:00:00Z").start();
            let (cases, mut models, people) = open(&app);
            println!("{engine}: seed {seed}");
            for _ in 0..steps {
                *answered.entry(step(&app, &mut random, &cases, &mut models, &people)).or_insert(0) += 1;
            }
            let supervisor = app.supervisor("320100");
            for (case, model) in cases.iter().zip(&models) {
                let view = app.case(case, &supervisor);
                assert_eq!(
                    (view["state"].as_str(), view["version"].as_i64()),
                    (Some(model.state), Some(model.version))
                );
                assert_whole(&app.events(case, &supervisor), &view);
            }
            check_figures(&app, &models);
        }
        say(&format!("model: {engine}: {runs} × {steps} steps, answers by status {answered:?}"));
        for status in [200, 403, 404, 409, 412, 422, 428] {
            assert!(answered.contains_key(&status), "{engine}: no answer {status}: the steps were too few or too tame");
        }
    }
}

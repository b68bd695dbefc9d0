//! Complaints that are handled together (Order 121 Art 12): each keeps its case, each is asked, and what is done with all is done
//! with each by the table of steps, or with none.

use crate::support::client::Reply;
use crate::support::filings::Case;
use crate::support::history::assert_whole;
use crate::support::random::Random;
use crate::support::server::Start;
use crate::support::{FilingBuilder, Session, TestApp, engines};
use serde_json::{Value, json};
use std::collections::BTreeMap;

const NAMES: [&str; 6] = ["司马明月", "欧阳青山", "上官流云", "诸葛长风", "慕容晓雪", "尉迟远志"];

fn filing(number: usize) -> FilingBuilder {
    let branch = if number.is_multiple_of(2) { "力动健身(江宁店)" } else { "力动健身有限公司" };
    FilingBuilder::complete()
        .named(NAMES[number % NAMES.len()])
        .phone(&format!("1395188{number:04}"))
        .merchant(branch)
        .narrative(&format!("健身房突然关门，年卡还剩{number}个月，要求退费"))
        .with("/settle_first", false)
}

struct Chain {
    app: TestApp,
    cases: Vec<Case>,
    officer: Session,
}

impl Chain {
    fn of(app: TestApp, size: usize) -> Self {
        let cases: Vec<Case> = (0..size).map(|number| filing(number).file(&app)).collect();
        let officer = app.officer(&cases[0].office());
        assert!(cases.iter().all(|case| case.office() == cases[0].office()), "{}: one office", app.engine);
        Self { app, cases, officer }
    }

    fn open(&self) -> String {
        let numbers: Vec<&str> = self.cases.iter().map(|case| case.reference.as_str()).collect();
        let body = json!({ "cases": numbers });
        let group = self.app.post("/api/v1/groups", &self.officer).json(&body).send().expect(201);
        group["id"].as_str().expect("an id").to_owned()
    }

    fn group(&self, id: &str) -> Value {
        self.app.get(&format!("/api/v1/groups/{id}"), &self.officer).send().expect(200)
    }

    fn ask(&self, id: &str, body: &Value) -> Reply {
        self.app.post(&format!("/api/v1/groups/{id}/questions"), &self.officer).json(body).send()
    }

    fn answer(&self, case: usize, question: i64, agree: bool) -> Reply {
        let case = &self.cases[case];
        let body = json!({ "question": question, "agree": agree });
        self.app.post(&format!("{}/group", case.path()), &self.app.consumer(case)).json(&body).send()
    }

    fn own(&self, case: usize) -> Reply {
        self.app.get(&format!("{}/group", self.cases[case].path()), &self.app.consumer(&self.cases[case])).send()
    }

    fn step(&self, id: &str, body: &Value) -> Reply {
        let version = self.group(id)["version"].clone();
        let call = self.app.post(&format!("/api/v1/groups/{id}/transitions"), &self.officer);
        call.header("If-Match", &format!("\"{version}\"")).json(body).send()
    }

    fn states(&self) -> Vec<String> {
        let state = |case: &Case| self.app.case(case, &self.officer)["state"].as_str().unwrap().to_owned();
        self.cases.iter().map(state).collect()
    }

    fn histories_are_whole(&self) {
        for case in &self.cases {
            assert_whole(&self.app.events(case, &self.officer), &self.app.case(case, &self.officer));
        }
    }
}

fn joints(events: &[Value]) -> Vec<String> {
    events.iter().filter_map(|event| event["fields"]["joint"].as_str()).map(str::to_owned).collect()
}

/// A chain that closes, from the proposal to the settlement: one declines to join, one the settlement, and both go on alone.
#[test]
fn a_joint_complaint_from_the_proposal_to_the_settlement() {
    for engine in engines() {
        let chain = Chain::of(Start::on(engine).at("2026-06-10T10:00:00+08:00").start(), 6);
        let Chain { app, cases, officer } = &chain;
        let proposed = app.get("/api/v1/mass/proposals", officer).send().expect(200);
        assert_eq!(proposed["items"][0]["cases"].as_array().map(Vec::len), Some(6), "{engine}: {proposed}");
        let opened =
            app.post("/api/v1/groups", officer).json(&json!({ "cases": proposed["items"][0]["cases"] })).send();
        let group = opened.expect(201);
        let id = group["id"].as_str().unwrap().to_owned();
        assert_eq!(opened.header("location"), format!("/api/v1/groups/{id}"), "{engine}");
        assert_eq!(group["members"].as_array().unwrap().len(), 6, "{engine}: {group}");
        let again = app.get("/api/v1/mass/proposals", officer).send().expect(200);
        assert_eq!(again["items"], json!([]), "{engine}: what is a group isn't proposed again");

        // Nobody is a member who wasn't asked, and a step reaches nobody who hasn't agreed.
        chain.step(&id, &json!({ "action": "accept" })).problem(422);
        for member in 0..5 {
            assert_eq!(chain.answer(member, 1, true).expect(200)["membership"], "agreed", "{engine}");
        }
        assert_eq!(chain.answer(5, 1, false).expect(200), Value::Null, "{engine}: it goes on alone");
        chain.own(5).problem(404);
        assert_eq!(chain.own(0).expect(200)["members"], 5, "{engine}");

        // Two are asked whether they will; the others only then.
        let two = json!({ "kind": "representatives", "cases": [cases[0].reference, cases[1].reference] });
        chain.ask(&id, &two).expect(200);
        assert_eq!(chain.own(2).expect(200)["questions"].as_array().unwrap().len(), 1, "{engine}");
        assert_eq!(chain.own(0).expect(200)["questions"][1]["to_serve"], true, "{engine}");
        chain.answer(0, 2, true).expect(200);
        assert_eq!(chain.group(&id)["representatives"], json!([]), "{engine}: one doesn't make two");
        chain.answer(1, 2, true).expect(200);
        assert_eq!(chain.group(&id)["representatives"], json!([cases[0].reference, cases[1].reference]), "{engine}");
        for member in 2..5 {
            let own = chain.own(member).expect(200);
            assert_eq!(own["questions"][1]["kind"], "representatives", "{engine}: {own}");
            assert_eq!(chain.answer(member, 2, member != 4).expect(200)["membership"], "agreed", "{engine}");
        }
        assert_eq!(chain.own(2).expect(200)["part"], "represented", "{engine}");
        assert_eq!(chain.own(4).expect(200)["part"], "own", "{engine}: it speaks for itself, and stays");

        // The steps are those of each case.
        chain.step(&id, &json!({ "action": "accept" })).expect(200);
        for party in ["complainant", "respondent"] {
            chain.step(&id, &json!({ "action": "record_consent", "party": party, "given": true })).expect(200);
        }
        chain.step(&id, &json!({ "action": "start_mediation" })).expect(200);
        let here = ["mediating"; 5].into_iter().chain(["dispatched"]).collect::<Vec<_>>();
        assert_eq!(chain.states(), here, "{engine}: not the one that declined");

        // Represented, and not asked yet: the single step is barred too.
        let terms = json!({ "outcome": "mediated", "amount": "500.00", "performance_date": "2026-07-01" });
        let barred = app.act(&cases[2], officer, "settle", &terms).problem(409);
        assert_eq!(barred["condition"], "represented_consent_missing", "{engine}: {barred}");
        let early = chain.step(&id, &json!({ "action": "settle", "outcome": "mediated" })).problem(409);
        assert_eq!(early["code"], "nothing_offered", "{engine}");

        let offer = json!({ "kind": "settlement", "amount": "500.00", "performance_date": "2026-07-01",
                            "amounts": { cases[3].reference.as_str(): "320.50" } });
        chain.ask(&id, &offer).expect(200);
        let asked = &chain.own(3).expect(200)["questions"][2];
        assert_eq!((&asked["amount"], &asked["agreed"]), (&json!("320.50"), &Value::Null), "{engine}");
        chain.answer(2, 3, true).expect(200);
        chain.answer(3, 3, true).expect(200);
        let one = chain.step(&id, &json!({ "action": "settle", "outcome": "mediated" })).problem(409);
        assert_eq!(one["code"], "representatives_disagree", "{engine}: {one}");
        chain.answer(0, 3, true).expect(200);
        chain.answer(1, 3, true).expect(200);
        assert_eq!(chain.answer(4, 3, false).expect(200), Value::Null, "{engine}: it goes on alone");
        let other = json!({ "outcome": "mediated", "amount": "400.00", "performance_date": "2026-07-01" });
        let reply = app.act(&cases[2], officer, "settle", &other);
        reply.problem(422);
        assert_eq!(reply.pointers(), ["/amount"], "{engine}: not what was consented to");
        let own_words = json!({ "action": "settle", "outcome": "mediated", "amount": "1.00" });
        chain.step(&id, &own_words).problem(422);
        chain.step(&id, &json!({ "action": "settle", "outcome": "mediated" })).expect(200);
        let states = ["settled", "settled", "settled", "settled", "mediating", "dispatched"];
        assert_eq!(chain.states(), states, "{engine}");
        for (case, amount) in [(0, "500.00"), (2, "500.00"), (3, "320.50")] {
            assert_eq!(app.case(&cases[case], officer)["recovered"], amount, "{engine}");
        }
        // Alone, each is settled as any complaint is.
        app.step(&cases[4], officer, "settle", &terms, "settled");

        chain.histories_are_whole();
        let events = joints(&app.events(&cases[2], officer));
        let course =
            ["asked_joining", "agreed", "asked_representatives", "represented", "asked_settlement", "consented"];
        assert_eq!(events, course, "{engine}");
        let notices = app.get("/api/v1/me/export", &app.consumer(&cases[3])).send().expect(200);
        let sent: Vec<_> =
            notices["cases"][0]["notices"].as_array().unwrap().iter().map(|one| &one["notice"]).collect();
        for notice in ["joint_joining", "joint_representatives", "joint_settlement", "settlement"] {
            assert!(sent.contains(&&json!(notice)), "{engine}: {notice} in {sent:?}");
        }
        let audited = app.pages("/api/v1/audit?kind=group_change", &app.auditor("320000"));
        let mut did: Vec<_> = audited.iter().map(|entry| entry["data"]["step"].as_str().unwrap()).collect();
        did.sort_unstable();
        let expected = ["asked_to_choose", "asked_to_settle", "opened", "step", "step", "step", "step", "step"];
        assert_eq!(did, expected, "{engine}");
    }
}

/// Who asks what of whom, and what is seen of the others: nothing but a masked name of the two who speak for all.
#[test]
fn members_are_hidden_from_each_other_and_strangers_are_kept_out() {
    for engine in engines() {
        let chain = Chain::of(TestApp::start(engine), 3);
        let Chain { app, cases, officer } = &chain;
        let numbers =
            |cases: &[&Case]| json!({ "cases": cases.iter().map(|case| &case.reference).collect::<Vec<_>>() });
        let open = |body: &Value| app.post("/api/v1/groups", officer).json(body).send();
        let shop = filing(7).merchant("别家健身").file(app);
        let report = FilingBuilder::report().with("/sector", "product_quality").file(app);
        let twice = filing(0).narrative("又来投诉一次健身房关门的事情").file(app);
        let elsewhere = filing(8).division("320102").file(app);
        for (cases, code) in [
            (vec![&cases[0]], "too_few"),
            (vec![&cases[0], &shop], "other_merchant"),
            (vec![&cases[0], &report], "not_joinable"),
            (vec![&cases[0], &twice], "one_person"),
            (vec![&cases[0], &elsewhere], "unknown_value"),
        ] {
            let problem = open(&numbers(&cases)).problem(422);
            assert_eq!(problem["errors"][0]["code"], code, "{engine}: {problem}");
        }
        let id = chain.open();
        let problem = open(&numbers(&[&cases[0], &twice])).problem(422);
        assert_eq!(problem["errors"][0]["code"], "not_joinable", "{engine}: it is asked by one group already");
        let path = format!("/api/v1/groups/{id}");
        app.get(&path, &app.officer("amr-320102")).send().problem(404);
        app.get(&path, &app.consumer(&cases[0])).send().problem(403);
        app.get(&path, &app.supervisor("320100")).send().expect(200);

        for member in 0..3 {
            chain.answer(member, 1, true).expect(200);
        }
        chain
            .ask(&id, &json!({ "kind": "representatives", "cases": [cases[0].reference, cases[1].reference] }))
            .expect(200);
        chain.answer(0, 2, true).expect(200);
        chain.answer(1, 2, true).expect(200);
        let own = chain.own(2);
        assert_eq!(own.expect(200)["representatives"], json!(["司***", "欧***"]), "{engine}");
        for hidden in [NAMES[0], NAMES[1], cases[0].reference.as_str(), "13951880000", id.as_str()] {
            assert!(!own.text.contains(hidden), "{engine}: {hidden} in {own}");
        }
        let history = app.get(&format!("{}/events", cases[2].path()), &app.consumer(&cases[2])).send();
        for hidden in [NAMES[0], cases[0].reference.as_str(), "13951880000"] {
            assert!(!history.text.contains(hidden), "{engine}: {hidden} in {history}");
        }
        let group = app.get(&path, officer).send();
        assert!(NAMES.iter().all(|name| !group.text.contains(name)), "{engine}: staff see names masked: {group}");

        // Written down by the office: in writing for the choice of those who speak for others.
        let heard = |way: &str| {
            let body = json!({ "question": 2, "agree": true, "way": way });
            app.post(&format!("{}/group", cases[2].path()), officer).json(&body).send()
        };
        assert_eq!(heard("phone").pointers(), ["/way"], "{engine}");
        assert_eq!(heard("written").expect(200)["part"], "represented", "{engine}");
        let stranger = json!({ "question": 1, "agree": false });
        app.post(&format!("{}/group", cases[2].path()), &app.consumer(&cases[1])).json(&stranger).send().problem(404);
        // Taken out, and asked again.
        app.client.delete(&format!("{path}/members/{}", cases[2].reference), officer).send().expect(204);
        chain.own(2).problem(404);
        app.post(&format!("{path}/members"), officer).json(&numbers(&[&cases[2]])).send().expect(200);
        assert_eq!(chain.own(2).expect(200)["membership"], "asked", "{engine}");
        chain.histories_are_whole();
    }
}

/// A step that isn't possible for one is taken for none.
#[test]
fn a_step_with_a_group_is_taken_for_all_or_for_none() {
    for engine in engines() {
        let app = TestApp::start(engine);
        let lacking = filing(3).without("/respondent/address").file(&app);
        let mut chain = Chain::of(app, 3);
        chain.cases.push(lacking);
        let id = chain.open();
        for member in 0..4 {
            chain.answer(member, 1, true).expect(200);
        }
        let versions = |chain: &Chain| -> Vec<Value> {
            chain.cases.iter().map(|case| chain.app.case(case, &chain.officer)["version"].clone()).collect()
        };
        let before = (versions(&chain), chain.group(&id)["version"].clone());
        let problem = chain.step(&id, &json!({ "action": "accept" })).problem(409);
        assert_eq!(problem["code"], "members_refuse", "{engine}: {problem}");
        let at = format!("/cases/{}", chain.cases[3].reference);
        let fault = &problem["errors"][0];
        assert_eq!((&fault["pointer"], &fault["code"]), (&json!(at), &json!("missing_for_acceptance")), "{engine}");
        assert_eq!(chain.states(), ["dispatched"; 4], "{engine}");
        assert_eq!((versions(&chain), chain.group(&id)["version"].clone()), before, "{engine}");
        let three: Vec<&str> = chain.cases[..3].iter().map(|case| case.reference.as_str()).collect();
        chain.step(&id, &json!({ "action": "accept", "cases": three })).expect(200);
        assert_eq!(chain.states(), ["accepted", "accepted", "accepted", "dispatched"], "{engine}");
        // As of a version that has gone by.
        let stale = chain.app.post(&format!("/api/v1/groups/{id}/transitions"), &chain.officer);
        stale.header("If-Match", "\"1\"").json(&json!({ "action": "note", "text": "已联系商家" })).send().problem(412);
        chain.step(&id, &json!({ "action": "transfer", "body": "court", "reason": "x" })).problem(422);
        // A case that goes to another office goes on alone.
        let case = &chain.cases[3];
        chain.app.step(case, &chain.officer, "return", &json!({ "reason": "不属于本单位" }), "returned");
        let office = json!({ "office": "amr-320102" });
        chain.app.step(case, &chain.app.dispatcher("320000"), "dispatch", &office, "dispatched");
        chain.own(3).problem(404);
        let gone =
            chain.group(&id)["members"].as_array().unwrap().iter().filter(|one| one["membership"] == "gone").count();
        assert_eq!(gone, 1, "{engine}");
    }
}

/// Two members, by their places.
type Pair = [usize; 2];

/// What a member is, as the test keeps it.
#[derive(Debug, Clone, Default)]
struct Told {
    /// `None` for who goes on alone.
    agreed: Option<bool>,
    represented: bool,
    serves: bool,
    consented: Option<i64>,
    settled: bool,
}

/// Whatever is asked, answered and done in whatever order, no one is settled who is spoken for and didn't consent, and the group is
/// what a model of it says.
#[test]
fn a_group_does_what_its_model_does() {
    for engine in engines() {
        for seed in 0..if crate::support::is_long() { 12 } else { 2 } {
            let chain = Chain::of(TestApp::start(engine), 4);
            let id = chain.open();
            walk(&chain, &id, seed);
            chain.histories_are_whole();
        }
    }
}

fn walk(chain: &Chain, id: &str, seed: u64) {
    let mut random = Random::new(seed);
    let mut told = vec![Told { agreed: Some(false), ..Told::default() }; 4];
    let (mut two, mut choice): (Option<Pair>, i64) = (None, 0);
    let mut offer: Option<(i64, Option<Pair>)> = None;
    let mut asked: BTreeMap<(i64, usize), Option<bool>> = (0..4).map(|member| ((1, member), None)).collect();
    let mut last = 1;
    let begin = if random.below(2) == 0 { vec!["accept"] } else { Vec::new() };
    for turn in 0..if crate::support::is_long() { 80 } else { 40 } {
        let label = format!("{}, seed {seed}, turn {turn}", chain.app.engine);
        let both = |asked: &BTreeMap<(i64, usize), Option<bool>>, told: &[Told]| {
            two.filter(|two| {
                two.iter().all(|at| asked.get(&(choice, *at)) == Some(&Some(true)) && told[*at].agreed == Some(true))
            })
        };
        match random.below(10) {
            0 => {
                let pair = [random.below(4), random.below(4)];
                let body = json!({ "kind": "representatives",
                                   "cases": [chain.cases[pair[0]].reference, chain.cases[pair[1]].reference] });
                let fits =
                    pair[0] != pair[1] && pair.iter().all(|at| told[*at].agreed == Some(true) && !told[*at].settled);
                let reply = chain.ask(id, &body);
                assert_eq!(reply.status, if fits { 200 } else { 422 }, "{}: {reply}", label);
                if fits {
                    last += 1;
                    (two, choice) = (Some(pair), last);
                    for (at, one) in
                        told.iter_mut().enumerate().filter(|(_, one)| one.agreed == Some(true) && !one.settled)
                    {
                        (one.represented, one.serves) = (false, false);
                        if pair.contains(&at) {
                            asked.insert((choice, at), None);
                        }
                    }
                }
            }
            1 => {
                let fits = told.iter().any(|one| one.agreed == Some(true) && !one.settled);
                let reply = chain
                    .ask(id, &json!({ "kind": "settlement", "amount": "100.00", "performance_date": "2026-12-01" }));
                assert_eq!(reply.status, if fits { 200 } else { 409 }, "{}: {reply}", label);
                if fits {
                    let with = both(&asked, &told);
                    last += 1;
                    offer = Some((last, with));
                    for (at, one) in
                        told.iter_mut().enumerate().filter(|(_, one)| one.agreed == Some(true) && !one.settled)
                    {
                        one.consented = None;
                        asked.insert((last, at), None);
                    }
                }
            }
            2 => {
                // All who are there are brought to where a settlement can be recorded.
                for action in &begin {
                    let _ = chain.step(id, &json!({ "action": action }));
                }
                let number = offer.map(|(number, _)| number);
                let agrees = offer.is_some_and(|(number, with)| {
                    with.is_none_or(|with| with.iter().all(|at| asked.get(&(number, *at)) == Some(&Some(true))))
                });
                let ready: Vec<usize> = (0..4)
                    .filter(|at| number.is_some() && told[*at].consented == number && !told[*at].settled)
                    .filter(|at| told[*at].agreed == Some(true))
                    .collect();
                let states = chain.states();
                let possible = agrees && !ready.is_empty() && ready.iter().all(|at| states[*at] == "accepted");
                let reply = chain.step(id, &json!({ "action": "settle", "outcome": "self_settled" }));
                assert_eq!(reply.status == 200, possible, "{}: {reply}", label);
                let after = chain.states();
                for at in 0..4 {
                    let settled = possible && ready.contains(&at);
                    assert_eq!(after[at], if settled { "settled" } else { &states[at] }, "{}: {reply}", label);
                    told[at].settled |= settled;
                }
            }
            3 => {
                let at = random.below(4);
                let state = chain.states()[at].clone();
                let barred = told[at].represented && told[at].consented.is_none();
                let terms = json!({ "outcome": "self_settled", "amount": "100.00", "performance_date": "2026-12-01" });
                let reply = chain.app.act(&chain.cases[at], &chain.officer, "settle", &terms);
                assert_eq!(reply.status == 200, state == "accepted" && !barred, "{}: {reply}", label);
                told[at].settled |= reply.status == 200;
            }
            _ => {
                let (at, agree) = (random.below(4), random.below(5) > 0);
                let question = 1 + i64::try_from(random.below(usize::try_from(last).unwrap())).unwrap();
                let is_choice = question == choice;
                let latest = question == 1 || is_choice || offer.is_some_and(|(number, _)| number == question);
                let there = told[at].agreed.is_some() && !told[at].settled && asked.contains_key(&(question, at));
                let possible = there && latest && (question == 1 || told[at].agreed == Some(true));
                let reply = chain.answer(at, question, agree);
                assert_eq!(reply.status == 200, possible, "{}: {at} {question} {agree}: {reply}", label);
                if !possible {
                    continue;
                }
                asked.insert((question, at), Some(agree));
                let one = &mut told[at];
                if question == 1 {
                    one.agreed = agree.then_some(true);
                } else if is_choice {
                    let serves = two.is_some_and(|two| two.contains(&at));
                    (one.serves, one.represented) = (serves && agree, !serves && agree);
                } else if agree {
                    one.consented = Some(question);
                } else {
                    one.agreed = None;
                }
                if one.agreed.is_none() {
                    (one.represented, one.serves, one.consented) = (false, false, None);
                }
                if let Some(two) = both(&asked, &told) {
                    for at in
                        (0..4).filter(|at| !two.contains(at) && told[*at].agreed == Some(true) && !told[*at].settled)
                    {
                        asked.entry((choice, at)).or_insert(None);
                    }
                }
            }
        }
    }
    let group = chain.group(id);
    for (at, one) in told.iter().enumerate() {
        let number = &chain.cases[at].reference;
        let member =
            group["members"].as_array().unwrap().iter().find(|member| member["reference"] == **number).unwrap();
        let membership = match one.agreed {
            None => "gone",
            Some(false) => "asked",
            Some(true) => "agreed",
        };
        assert_eq!(member["membership"], membership, "seed {seed}: {group}");
    }
}

/// An erased case leaves its group, and the last takes the group with it.
#[test]
fn prv_08_a_group_goes_with_the_last_of_its_cases() {
    for engine in engines() {
        let mut chain = Chain::of(Start::on(engine).at("2026-06-02T02:00:00Z").start(), 2);
        let id = chain.open();
        for member in 0..2 {
            chain.answer(member, 1, true).expect(200);
            let case = &chain.cases[member];
            let reason = json!({ "reason": "不想追究了" });
            chain.app.step(case, &chain.app.consumer(case), "withdraw", &reason, "withdrawn");
        }
        let rows = |chain: &Chain| {
            ["case_groups", "group_members", "group_questions", "group_answers"]
                .map(|table| chain.app.contents().rows(table).len())
        };
        assert_eq!(rows(&chain), [1, 2, 1, 2], "{engine}");
        chain.app.restart_at("2029-06-03T02:00:00Z");
        let done = chain.app.run(&["erase", "--json"], None);
        assert!(done.status.success(), "{engine}: {}", String::from_utf8_lossy(&done.stderr));
        assert_eq!(rows(&chain), [0; 4], "{engine}");
        chain.officer = chain.app.officer(&chain.cases[0].office());
        chain.app.get(&format!("/api/v1/groups/{id}"), &chain.officer).send().problem(404);
    }
}

//! A small catalogue written by hand (rules as in the law, three offices and a superior), cases and shorthands.

use crate::config::catalogue::{Catalogue, ClockRule, Department, Ground, Name, Office, Places, Rule, Sector, Unit};
use crate::domain::calendar::{DayKind, Rollover, WorkCalendar};
use crate::domain::case::{Actor, Case, CaseId, Consents, Milestones};
use crate::domain::division::{Division, Level};
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Action, Channel, ClockKind, Kind, Lang, Regime, Role, SectorSource, State};
use crate::track::{Command, Context, Opening, Refused, Step, decide, open};
use jiff::civil::Date;
use jiff::{ToSpan, tz::TimeZone};
use serde_json::{Map, Value, json};
use std::collections::{BTreeMap, HashMap};
use uuid::Uuid;

pub(super) fn day(text: &str) -> Date {
    text.parse().expect("a date of a test")
}

pub(super) fn place(code: &str) -> Division {
    Division::parse(code).expect("a division of a test")
}

/// 2024 to 2026 as the State Council announced them, as far as the tests go; 2027 isn't published.
pub(super) fn calendar(published_2027: bool) -> WorkCalendar {
    let mut days = BTreeMap::new();
    let mut span = |from: &str, to: &str| {
        let (mut on, to) = (day(from), day(to));
        while on <= to {
            days.insert(on, DayKind::Holiday);
            on = on.tomorrow().expect("a day");
        }
    };
    for (from, to) in [
        ("2024-09-15", "2024-09-17"),
        ("2024-10-01", "2024-10-07"),
        ("2025-01-01", "2025-01-01"),
        ("2025-01-28", "2025-02-04"),
        ("2026-01-01", "2026-01-03"),
        ("2026-02-15", "2026-02-23"),
        ("2026-04-04", "2026-04-06"),
        ("2026-05-01", "2026-05-05"),
        ("2026-06-19", "2026-06-21"),
        ("2026-09-25", "2026-09-27"),
        ("2026-10-01", "2026-10-07"),
    ] {
        span(from, to);
    }
    if published_2027 {
        span("2027-01-01", "2027-01-03");
        span("2027-02-05", "2027-02-11");
    }
    for worked in [
        "2024-09-14",
        "2024-09-29",
        "2024-10-12",
        "2025-01-26",
        "2025-02-08",
        "2026-01-04",
        "2026-02-14",
        "2026-02-28",
        "2026-05-09",
        "2026-09-20",
        "2026-10-10",
    ] {
        days.insert(day(worked), DayKind::MakeupWorkday);
    }
    WorkCalendar {
        version: if published_2027 { "test-2027" } else { "test-2026" }.to_owned(),
        years: if published_2027 { (2024..=2027).collect() } else { (2024..=2026).collect() },
        days,
        rollover: Rollover::HolidayOnly,
    }
}

fn name(zh: &str) -> Name {
    Name { zh: zh.to_owned(), en: format!("{zh} (en)") }
}

fn grounds(prefix: &str, count: u8) -> Vec<Ground> {
    let ground = |n| Ground { code: format!("{prefix}_{n}"), name: name("事由"), article: "条".to_owned() };
    (1..=count).map(ground).collect()
}

fn rule(id: &str, regime: Regime, from: &str, until: Option<&str>, grounds_of: (Vec<Ground>, Vec<Ground>)) -> Rule {
    let clock = |length| ClockRule {
        length: Some(length),
        extension: None,
        pauses_for_testing: false,
        cap: None,
        article: "条".to_owned(),
    };
    let wd = |n| clock((n, Unit::WorkingDays));
    let mut clocks = BTreeMap::from([
        (ClockKind::Accept, wd(7)),
        (ClockKind::OtherDept, wd(7)),
        (ClockKind::IdProof, ClockRule { length: None, ..wd(0) }),
        (ClockKind::Mediate, ClockRule { pauses_for_testing: true, ..clock((60, Unit::Days)) }),
        (ClockKind::Notify, wd(7)),
        (ClockKind::ReportFile, ClockRule { extension: Some((15, Unit::WorkingDays)), ..wd(15) }),
        (ClockKind::ClueVerify, ClockRule { extension: Some((15, Unit::WorkingDays)), ..wd(15) }),
        (ClockKind::CompetenceDispute, wd(7)),
        (ClockKind::StationContact, wd(3)),
        (ClockKind::StationEnd, wd(10)),
    ]);
    if id == "order-20" {
        let mediate = ClockRule { pauses_for_testing: true, cap: Some((60, Unit::Days, day("2024-07-01"))), ..wd(45) };
        clocks.insert(ClockKind::Mediate, mediate);
    }
    let market = regime == Regime::MarketRegulation;
    Rule {
        id: id.to_owned(),
        name: name(id),
        regime,
        from: day(from),
        until: until.map(day),
        clocks,
        decision: BTreeMap::from([
            (Kind::Complaint, if market { ClockKind::Accept } else { ClockKind::OtherDept }),
            (Kind::Report, if market { ClockKind::ReportFile } else { ClockKind::OtherDept }),
        ]),
        refusal: grounds_of.0,
        termination: grounds_of.1,
        other_routes: vec![name("协商和解"), name("诉讼")],
    }
}

pub(super) fn catalogue() -> Catalogue {
    let department = |code: &str, line: &str, enforces, regime| Department {
        code: code.to_owned(),
        line: line.to_owned(),
        name: name(line),
        from: None,
        until: None,
        enforces,
        levels: vec![Level::City, Level::County],
        regime,
    };
    let office = |code: &str, department: &str, division: &str, published| Office {
        code: code.to_owned(),
        department: department.to_owned(),
        division: place(division),
        name: name(code),
        verified: true,
        published_channel: published,
        phone: None,
        from: None,
        until: (code == "amr-320102").then(|| day("2025-12-31")),
    };
    let offices = [
        office("amr-320115", "jiangsu-amr", "320115", true),
        office("amr-320106", "jiangsu-amr", "320106", false),
        office("amr-320205", "jiangsu-amr", "320205", false),
        office("amr-320102", "jiangsu-amr", "320102", false),
        office("post-320100", "jiangsu-post", "320100", false),
        office("ccpc-320115", "jiangsu-ccpc", "320115", false),
    ];
    let sector = |code: &str| Sector { code: code.to_owned(), name: name(code), task: None, subsectors: vec![] };
    let order_20 = (grounds("R15", 6), grounds("T21", 7));
    let order_121 = (grounds("R16", 7), grounds("T23", 8));
    let others = || (grounds("OR", 4), grounds("OT", 6));
    Catalogue {
        templates: crate::config::Templates::default(),
        words: crate::config::Words::default(),
        categories: Vec::new(),
        documents: crate::config::catalogue::Documents::default(),
        places: Places::default(),
        sectors: vec![sector("other"), sector("courier"), sector("ecommerce")],
        departments: [
            department("jiangsu-amr", "amr", true, Regime::MarketRegulation),
            department("jiangsu-post", "post", true, Regime::OtherDepartments),
            department("jiangsu-ccpc", "ccpc", false, Regime::OtherDepartments),
        ]
        .into_iter()
        .map(|department| (department.code.clone(), department))
        .collect(),
        successions: vec![],
        routes: vec![],
        subroutes: vec![],
        offices: offices.into_iter().map(|office| (office.code.clone(), office)).collect::<HashMap<_, _>>(),
        stations: BTreeMap::new(),
        rules: vec![
            rule("order-20", Regime::MarketRegulation, "2020-01-01", Some("2026-04-14"), order_20),
            rule("order-121", Regime::MarketRegulation, "2026-04-15", None, order_121),
            rule("other-2014", Regime::OtherDepartments, "2020-01-01", Some("2024-06-30"), others()),
            rule("other-2024", Regime::OtherDepartments, "2024-07-01", None, others()),
        ],
        calendar: calendar(false),
        targets: vec![],
    }
}

pub(super) fn reference(number: u8) -> Reference {
    Reference::draw("JS", day("2026-06-01"), [number.wrapping_mul(37).wrapping_add(1); 16], u32::from(number))
}

/// A case as intake hands it over: complete, with a station at hand, at an office of market regulation.
pub(super) fn half_built(catalogue: &Catalogue, kind: Kind, received: Date) -> Case {
    let rule = catalogue.rule(Regime::MarketRegulation, received).expect("a rule");
    Case {
        id: CaseId(Uuid::from_u128(1)),
        reference: reference(1),
        kind,
        state: State::Received,
        version: 0,
        received_at: TimeZone::UTC.to_timestamp(received.at(1, 0, 0, 0)).expect("an instant"),
        received_on: received,
        with_office_since: received,
        channel: Channel::Web,
        lang: Lang::Zh,
        sector: "ecommerce".to_owned(),
        subsector: None,
        sector_source: SectorSource::Machine,
        sector_chosen: None,
        confidence_permille: 900,
        abstained: false,
        division: place("320115"),
        town: None,
        department: "amr".to_owned(),
        office: "amr-320115".to_owned(),
        station: Some("st-1".to_owned()),
        regime: Regime::MarketRegulation,
        rule: rule.id.clone(),
        statutory: true,
        settle_first: false,
        anonymous: false,
        referred_to: None,
        assigned_to: None,
        demands: vec![],
        amount: None,
        recovered: None,
        incident_date: None,
        missing: vec![],
        publish_consent: false,
        entrust_consent: false,
        representatives: 0,
        joint: None,
        consents: Consents::default(),
        returns: 0,
        in_dispute: false,
        designated: false,
        reopened: false,
        suspended_for: None,
        outcome: None,
        ground: None,
        rating: None,
        external: vec![],
        milestones: Milestones::default(),
        clocks: vec![],
    }
}

pub(super) fn actor(role: Role) -> Actor {
    Actor { role, user: None, unit: None }
}

/// A case with what a test asks of it, and what has happened to it.
pub(super) struct Story {
    pub(super) catalogue: Catalogue,
    pub(super) case: Case,
    pub(super) today: Date,
    pub(super) others: BTreeMap<Reference, Case>,
    pub(super) division: Option<Division>,
    pub(super) last_reminder: Option<Date>,
    pub(super) split_off: bool,
}

impl Story {
    pub(super) fn new(kind: Kind, received: &str) -> Self {
        Self::opened(kind, received, |_| {}, Opening::default())
    }

    pub(super) fn opened(kind: Kind, received: &str, change: impl Fn(&mut Case), opening: Opening) -> Self {
        let catalogue = catalogue();
        let mut case = half_built(&catalogue, kind, day(received));
        change(&mut case);
        let case = open(&catalogue, case, opening).expect("opened");
        Self {
            catalogue,
            case,
            today: day(received),
            others: BTreeMap::new(),
            division: Some(place("320100")),
            last_reminder: None,
            split_off: false,
        }
    }

    pub(super) fn at(&mut self, today: &str) -> &mut Self {
        self.today = day(today);
        self
    }

    pub(super) fn later(&mut self, days: i64) -> &mut Self {
        self.today = self.today.checked_add(days.days()).expect("a day");
        self
    }

    pub(super) fn tried(&self, role: Role, action: Action, fields: Value) -> Result<Step, Refused> {
        let Value::Object(fields) = fields else { panic!("fields are an object") };
        let command = Command { action, actor: actor(role), fields };
        let accounts = ["li".to_owned()];
        decide(&self.catalogue, &self.case, &command, &self.context(&accounts))
    }

    pub(super) fn context<'a>(&'a self, accounts: &'a [String]) -> Context<'a> {
        Context {
            today: self.today,
            last_reminder: self.last_reminder,
            split_off: self.split_off,
            others: &self.others,
            accounts,
            division: self.division,
        }
    }

    pub(super) fn takes(&mut self, role: Role, action: Action, fields: Value) -> Step {
        let step = self.tried(role, action, fields).unwrap_or_else(|refused| panic!("{action}: {refused:?}"));
        self.case = step.case.clone();
        step
    }

    pub(super) fn clock(&self, kind: ClockKind) -> &crate::domain::clock::Clock {
        self.case.clocks.iter().rfind(|clock| clock.kind == kind).expect("a clock of the kind")
    }
}

/// Fields with which an action passes.
pub(super) fn fields(action: Action, today: Date) -> Value {
    match action {
        Action::Dispatch => json!({"office": "amr-320106"}),
        Action::Designate => json!({"office": "amr-320106", "reason": "指定"}),
        Action::HandOver => json!({"record": "双方未能和解"}),
        Action::RequestId => json!({"deadline": today}),
        Action::Supply => json!({"note": "补充说明"}),
        Action::Refuse => json!({"ground": "R16_1", "reason": "不属于职责"}),
        Action::Settle => json!({"outcome": "self_settled", "amount": "100.00", "performance_date": today}),
        Action::Terminate => json!({"ground": "T23_3", "reason": "无法达成"}),
        Action::Suspend => json!({"cause": "testing"}),
        Action::Transfer => json!({"body": "police", "reason": "涉嫌敲诈"}),
        Action::Extend => json!({"approval": "负责人批准"}),
        Action::DecideFiling => json!({"decision": "filed", "reason": "有违法事实"}),
        Action::Link => json!({"cases": [reference(2)]}),
        Action::MergeInto => json!({"case": reference(2)}),
        Action::Rate => json!({"solved": true, "satisfied": 5, "contacted": true}),
        Action::Assign => json!({"to": "li"}),
        Action::Note | Action::Supervise | Action::Circulate => json!({"text": "记录"}),
        Action::Return | Action::Withdraw | Action::Reopen => json!({"reason": "理由"}),
        _ => Value::Object(Map::new()),
    }
}

//! Cases for the tests of this folder.

use crate::config::catalogue::{Catalogue, Name, Place, PlaceKind, Places, Sector, Station, StationKind, Target};
use crate::domain::calendar::{Rollover, WorkCalendar};
use crate::domain::case::{Case, CaseId, Consents, Milestones};
use crate::domain::division::Division;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Channel, Kind, Lang, Regime, SectorSource, State};
use crate::measure::count::count;
use crate::measure::facts::facts;
use crate::store::cases::{Save, Sealed, save};
use crate::store::filing::{CaseRow, ClockRow, EventRow, Filed, Filing, NewCase};
use crate::store::types::At;
use crate::store::{Store, StoreError};
use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::Offset;
use std::collections::BTreeMap;

pub(crate) fn day(text: &str) -> Date {
    text.parse().unwrap()
}

pub(crate) fn division(code: u32) -> Division {
    Division::parse(&code.to_string()).unwrap()
}

/// Midday of a day in Asia/Shanghai.
pub(crate) fn midday(day: Date) -> Timestamp {
    Offset::constant(8).to_timestamp(day.at(12, 0, 0, 0)).unwrap()
}

/// The `n`-th case: a complaint received on a day, with the office that is to decide by ten days later.
pub(crate) fn case(n: u64, received_on: Date) -> Case {
    let received_at = midday(received_on);
    let mut key = [0_u8; 16];
    key[..8].copy_from_slice(&received_at.as_millisecond().cast_unsigned().to_be_bytes());
    key[..8].rotate_left(2);
    key[8..].copy_from_slice(&n.to_be_bytes());
    Case {
        id: CaseId(uuid::Uuid::from_bytes(key)),
        reference: Reference::draw("JS", received_on, key, 0),
        kind: Kind::Complaint,
        state: State::Dispatched,
        version: 1,
        received_at,
        received_on,
        with_office_since: received_on,
        channel: Channel::Web,
        lang: Lang::Zh,
        sector: "courier".to_owned(),
        subsector: None,
        sector_source: SectorSource::Machine,
        sector_chosen: None,
        confidence_permille: 900,
        abstained: false,
        division: division(320_115),
        town: None,
        department: "amr".to_owned(),
        office: "amr-320115".to_owned(),
        station: None,
        regime: Regime::MarketRegulation,
        rule: "order-121".to_owned(),
        statutory: false,
        settle_first: false,
        anonymous: false,
        referred_to: None,
        assigned_to: None,
        demands: Vec::new(),
        amount: None,
        recovered: None,
        incident_date: None,
        missing: Vec::new(),
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
        external: Vec::new(),
        milestones: Milestones {
            decision_due: Some(received_on.saturating_add(jiff::Span::new().days(10))),
            ..Milestones::default()
        },
        clocks: Vec::new(),
    }
}

fn row(case: &Case) -> CaseRow {
    let sealed = Sealed {
        data_key: vec![1],
        narrative: vec![2],
        respondent: None,
        respondent_hash: None,
        complainant_hash: None,
    };
    CaseRow::new(case, facts(case), &sealed, &[0; 32], case.received_at).unwrap()
}

fn event(case: &Case) -> EventRow {
    EventRow {
        case_id: case.id.into(),
        seq: case.version,
        at: At(case.received_at),
        action: "note".to_owned(),
        from_state: None,
        to_state: case.state.code().to_owned(),
        role: "system".to_owned(),
        actor: None,
        unit: None,
        data: crate::store::packed::json("{}"),
        sealed: None,
        commitment: None,
        hash: vec![0; 32],
    }
}

/// Files a case as it is.
pub(crate) async fn file(store: &Store, case: &Case) {
    let new = NewCase {
        case: row(case),
        parties: Vec::new(),
        events: vec![event(case)],
        clocks: ClockRow::of(case),
        external: Vec::new(),
        outbox: Vec::new(),
        links: Vec::new(),
        verdict: None,
        tokens: String::new(),
        deltas: count(None, case),
    };
    assert_eq!(store.file(Filing { cases: vec![new], idempotency: None }).await.unwrap(), Filed::Done);
}

/// Saves a case after a step.
pub(crate) async fn step(store: &Store, before: &Case, after: &Case) -> Result<(), StoreError> {
    let (before, after) = (before.clone(), after.clone());
    store
        .write(move |tx| {
            let saved = Save {
                case: row(&after),
                event: event(&after),
                clocks: ClockRow::of(&after),
                parties: Vec::new(),
                outbox: Vec::new(),
                links: Vec::new(),
                verdict: None,
                tokens: None,
                deltas: count(Some(&before), &after),
            };
            save(tx, saved)
        })
        .await
}

fn place(code: u32, kind: PlaceKind, residents: Option<u64>) -> Place {
    let code = division(code);
    Place { code, name: code.to_string(), parent: code.parent(), kind, residents }
}

fn station(code: &str, at: u32, sample: bool) -> Station {
    Station {
        code: code.to_owned(),
        kind: StationKind::ComplaintStation,
        name: Name { zh: "站".to_owned(), en: "Station".to_owned() },
        division: division(at),
        host_uscc: None,
        host_name: None,
        office: "amr-320115".to_owned(),
        sectors: Vec::new(),
        phone: None,
        from: None,
        until: None,
        sample,
    }
}

fn target(metric: &str, operator: &str, value: Option<f64>) -> Target {
    Target {
        metric: metric.to_owned(),
        name: Name::default(),
        operator: operator.to_owned(),
        value,
        unit: "%".to_owned(),
        due: "2020".to_owned(),
        source: "goal".to_owned(),
        computable: true,
    }
}

/// Two cities, three counties, three towns of which one has a real station.
pub(crate) fn catalogue() -> Catalogue {
    let places = [
        place(320_000, PlaceKind::Province, None),
        place(320_100, PlaceKind::City, None),
        place(320_115, PlaceKind::County, Some(2_000_000)),
        place(320_116, PlaceKind::County, Some(1_000_000)),
        place(320_500, PlaceKind::City, None),
        place(320_505, PlaceKind::County, None),
        place(320_115_001, PlaceKind::Subdistrict, None),
        place(320_115_002, PlaceKind::Subdistrict, None),
        place(320_116_100, PlaceKind::Town, None),
        place(320_116_401, PlaceKind::QuasiTown, None),
    ];
    let stations =
        [station("s-1", 320_115_001, false), station("s-2", 320_115_002, true), station("s-3", 320_115, false)];
    Catalogue {
        templates: crate::config::Templates::default(),
        words: crate::config::Words::default(),
        places: Places {
            root: Some(division(320_000)),
            by_code: places.into_iter().map(|place| (place.code, place)).collect(),
            ..Places::default()
        },
        sectors: ["courier", "food"]
            .map(|code| Sector { code: code.to_owned(), name: Name::default(), task: None, subsectors: Vec::new() })
            .into(),
        departments: BTreeMap::default(),
        successions: Vec::new(),
        categories: Vec::new(),
        documents: crate::config::catalogue::Documents::default(),
        routes: Vec::new(),
        subroutes: Vec::new(),
        offices: std::collections::HashMap::default(),
        stations: stations.into_iter().map(|station| (station.code.clone(), station)).collect(),
        rules: Vec::new(),
        calendar: WorkCalendar {
            version: "test".to_owned(),
            years: std::collections::BTreeSet::default(),
            days: BTreeMap::default(),
            rollover: Rollover::HolidayOnly,
        },
        targets: vec![
            target("handling", "=", Some(100.0)),
            target("station_coverage", "=", Some(100.0)),
            target("self_settlement", ">=", Some(80.0)),
            target("satisfaction", "yoy_increase", None),
        ],
    }
}

//! Counters against the cases, numbers against the lists behind them, on every engine at hand.

use crate::domain::case::{Case, Rating};
use crate::domain::clock::{Clock, Span};
use crate::domain::division::Division;
use crate::domain::fact::{Fact, Facts};
use crate::domain::money::Money;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Channel, ClockKind, Kind, Outcome, State};
use crate::measure::count::count;
use crate::measure::facts::facts;
use crate::measure::freeze::{FreezeError, freeze, snapshot};
use crate::measure::query::{Part, Query, behind};
use crate::measure::rates::SMALL;
use crate::measure::rates::{self, RATES, wilson};
use crate::measure::recount::{recount, repair};
use crate::measure::summary::{Numbers, RateShown, breakdown, scorecard, summary, timeseries};
use crate::measure::testing::{case, catalogue, day, division, file, midday, step};
use crate::store::counters::{Cohort, CounterKey, Counts, Deltas, Dimension, Grain, Interval, View};
use crate::store::queue;
use crate::store::testing::{Opened, stores};
use crate::store::{Store, cases};
use jiff::civil::Date;
use jiff::{Span as Length, ToSpan};
use proptest::prelude::*;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread().worker_threads(1).enable_time().build().unwrap()
}

/// Lists all cases behind a part of a rate, in pages of an odd size.
async fn listed(store: &Store, scope: &Scope, query: &Query, code: &str, part: Part, today: Date) -> Option<i64> {
    let what = behind(query, rates::find(code).unwrap(), part, today)?;
    let (mut after, mut count) = (None, 0);
    loop {
        let (scope, what, cohort) = (scope.clone(), what.clone(), what.cohort);
        let page = store.read(move |db| queue::behind(db, &scope, &what, after, 7)).await.unwrap();
        count += i64::try_from(page.len()).unwrap();
        match page.last() {
            Some(line) => after = Some(line.place(cohort)),
            None => return Some(count),
        }
    }
}

/// Reads the query back from an address, as HTTP would, and counts what it lists.
async fn behind_url(store: &Store, scope: &Scope, url: &str, today: Date) -> i64 {
    let (_, query) = url.split_once('?').unwrap();
    let pairs: Vec<(&str, &str)> = query.split('&').map(|pair| pair.split_once('=').unwrap()).collect();
    let mut catalogue = catalogue();
    for office in ["amr-320115", "amr-320116", "post-320505"] {
        catalogue.offices.insert(office.to_owned(), office_of(office));
    }
    for line in ["amr", "post"] {
        catalogue.departments.insert(format!("jiangsu-{line}"), department_of(line));
    }
    let (query, rate, part) = Query::parse_cases(pairs, &catalogue, today).unwrap();
    listed(store, scope, &query, rate.code, part, today).await.unwrap()
}

fn office_of(code: &str) -> crate::config::catalogue::Office {
    crate::config::catalogue::Office {
        code: code.to_owned(),
        department: "jiangsu-amr".to_owned(),
        division: division(320_115),
        name: crate::config::catalogue::Name::default(),
        verified: false,
        published_channel: false,
        phone: None,
        from: None,
        until: None,
    }
}

fn department_of(line: &str) -> crate::config::catalogue::Department {
    crate::config::catalogue::Department {
        code: format!("jiangsu-{line}"),
        line: line.to_owned(),
        name: crate::config::catalogue::Name::default(),
        from: None,
        until: None,
        enforces: true,
        levels: Vec::new(),
        regime: crate::domain::vocabulary::Regime::MarketRegulation,
    }
}

/// Every number of every rate is the length of its list.
async fn check_lists(store: &Store, scope: &Scope, numbers: &Numbers, today: Date) {
    for rate in &numbers.rates {
        let parts = [
            (&rate.cases_url.numerator, rate.numerator),
            (&rate.cases_url.denominator, rate.denominator),
            (&rate.cases_url.excluded, Some(rate.excluded)),
        ];
        for (url, shown) in parts {
            let (Some(url), Some(shown)) = (url, shown) else { continue };
            assert_eq!(behind_url(store, scope, url, today).await, shown, "{} {url}", rate.code);
        }
    }
}

fn shown<'a>(numbers: &'a Numbers, code: &str) -> &'a RateShown {
    numbers.rates.iter().find(|rate| rate.code == code).unwrap()
}

/// One step that a case can take, as the transition table would have it; `None` when it can't.
fn take(before: &Case, action: u8, on: Date) -> Option<Case> {
    let mut case = before.clone();
    case.version += 1;
    let end = |case: &mut Case, state, in_time| {
        case.state = state;
        case.milestones.closed = Some(on);
        case.milestones.closed_in_time = Some(in_time);
        for clock in &mut case.clocks {
            clock.stopped_on.get_or_insert(on);
        }
    };
    let m = &mut case.milestones;
    match (action, before.state) {
        (0, State::Negotiating) => {
            m.station_ended = Some(on);
            m.settled_at_station = true;
            m.disposed.get_or_insert(on);
            case.outcome = Some(Outcome::SelfSettled);
            case.recovered = Money::from_fen(12_345);
            end(&mut case, State::Settled, true);
        }
        (1, State::Negotiating) => {
            m.station_ended = Some(on);
            m.decision_due = Some(on.saturating_add(Length::new().days(10)));
            case.state = State::Dispatched;
        }
        (2, State::Dispatched) if case.kind == Kind::Complaint => {
            m.decided.get_or_insert(on);
            m.disposed.get_or_insert(on);
            m.accepted.get_or_insert(on);
            case.state = State::Accepted;
        }
        (3, State::Dispatched) if case.kind == Kind::Complaint => {
            m.decided.get_or_insert(on);
            m.disposed.get_or_insert(on);
            end(&mut case, State::Refused, on.day() % 2 == 0);
        }
        (3, State::Dispatched) => {
            m.decided.get_or_insert(on);
            m.disposed.get_or_insert(on);
            end(&mut case, State::NotFiled, true);
        }
        (4, State::Accepted) => {
            m.mediation.get_or_insert(on);
            case.state = State::Mediating;
        }
        (5, State::Accepted | State::Mediating) => {
            case.outcome = Some(Outcome::Mediated);
            case.recovered = Money::from_fen(999);
            end(&mut case, State::Settled, on.day() % 3 > 0);
        }
        (6, State::Accepted | State::Mediating) => end(&mut case, State::Terminated, true),
        (7, state) if !state.is_end() => end(&mut case, State::Withdrawn, true),
        (8, State::Dispatched | State::Accepted | State::Mediating) => {
            m.disposed.get_or_insert(on);
            end(&mut case, State::Transferred, false);
        }
        (9, state) if state.is_end() => {
            let satisfied = u8::try_from(on.day().rem_euclid(5) + 1).unwrap();
            case.rating = Some(Rating { solved: satisfied > 2, satisfied, contacted: true, on });
        }
        (10, state) if state.is_end() && !case.reopened => {
            case.reopened = true;
            m.closed = None;
            m.closed_in_time = None;
            case.state = State::Dispatched;
        }
        (11, State::Dispatched) => {
            case.returns += 1;
            m.decision_due = None;
            case.state = State::Returned;
        }
        (12, State::Returned) => {
            m.decision_due = Some(on.saturating_add(Length::new().days(10)));
            "post-320505".clone_into(&mut case.office);
            "post".clone_into(&mut case.department);
            case.division = division(320_505);
            case.state = State::Dispatched;
        }
        (13, state) if !state.is_end() => "food".clone_into(&mut case.sector),
        _ => return None,
    }
    Some(case)
}

fn new_case(n: u64, kind: u8, place: u8, day_no: i32) -> Case {
    let on = day("2025-12-20").saturating_add(day_no.days());
    let mut case = case(n, on);
    case.kind = if kind == 0 { Kind::Report } else { Kind::Complaint };
    case.amount = Money::from_fen(i64::from(day_no) * 100);
    let (county, office) =
        [(320_115, "amr-320115"), (320_116, "amr-320116"), (320_505, "post-320505"), (320_100, "amr-320115")]
            [usize::from(place % 4)];
    case.division = division(county);
    office.clone_into(&mut case.office);
    office[..office.len() - 7].clone_into(&mut case.department);
    if place >= 4 {
        case.channel = Channel::Phone;
    }
    if case.kind == Kind::Complaint && kind == 1 {
        case.state = State::Negotiating;
        case.settle_first = true;
        case.station = Some(if place.is_multiple_of(2) { "s-1" } else { "s-2" }.to_owned());
        case.milestones.decision_due = None;
    } else {
        // A station that could help, but doesn't: counts for no station.
        case.station = Some("s-3".to_owned());
    }
    case.clocks.push(Clock {
        kind: ClockKind::Accept,
        span: Span::Days(10),
        start: on,
        due: on.saturating_add(Length::new().days(8)),
        provisional: false,
        rule: "order-121".to_owned(),
        calendar: "test".to_owned(),
        paused_on: None,
        paused_days: 0,
        stopped_on: None,
        stage: None,
    });
    case
}

fn scopes() -> Vec<Scope> {
    let subtree = |code, department: Option<&str>| Scope::Subtree {
        division: division(code),
        department: department.map(str::to_owned),
    };
    vec![
        Scope::System,
        subtree(320_000, None),
        subtree(320_100, None),
        subtree(320_116, Some("amr")),
        Scope::Office("amr-320115".to_owned()),
        Scope::Station("s-1".to_owned()),
        Scope::Nothing,
    ]
}

fn queries() -> Vec<Query> {
    let all = Query::over(day("2025-01-01"), day("2026-12-31"));
    let odd = Query::over(day("2025-12-25"), day("2026-03-03"));
    vec![
        all.clone(),
        odd.clone(),
        Query { cohort: Some(Cohort::Closed), ..odd.clone() },
        Query { cohort: Some(Cohort::Received), division: Some(division(320_100)), ..odd.clone() },
        Query { division: Some(division(320_100)), exact: true, ..all.clone() },
        Query { division: Some(division(320_115)), sector: Some("courier".to_owned()), ..all.clone() },
        Query { kind: Some(Kind::Report), department: Some("amr".to_owned()), ..all.clone() },
        Query { sector: Some("food".to_owned()), division: Some(division(320_500)), ..odd.clone() },
        Query { station: Some("s-1".to_owned()), ..all.clone() },
        Query { channel: Some(Channel::Phone), office: Some("amr-320116".to_owned()), ..all },
        Query { from: day("2026-01-05"), to: day("2026-01-11"), ..odd },
    ]
}

/// What a summary must say of received and closed, from the cases themselves.
fn expected(world: &[Case], scope: &Scope, query: &Query, cohort: Cohort, kind: Kind) -> Counts {
    let mut sum = Counts::default();
    for case in world {
        let at_station = case.settle_first || case.milestones.station_ended.is_some();
        let station = case.station.as_deref().filter(|_| at_station).unwrap_or("");
        let in_scope = match scope {
            Scope::System => true,
            Scope::Subtree { division, department } => {
                case.division.is_within(*division) && department.as_ref().is_none_or(|line| *line == case.department)
            }
            Scope::Office(code) => case.office == *code,
            Scope::Station(code) => station == code,
            Scope::Nothing | Scope::Case(_) | Scope::Contact(_) => false,
        };
        let on = match cohort {
            Cohort::Received => Some(case.received_on),
            Cohort::Closed => case.milestones.closed,
        };
        let asked = in_scope
            && on.is_some_and(|on| query.from <= on && on <= query.to)
            && case.kind == kind
            && query.kind.is_none_or(|kind| kind == case.kind)
            && query
                .division
                .is_none_or(|root| if query.exact { case.division == root } else { case.division.is_within(root) })
            && query.sector.as_ref().is_none_or(|sector| *sector == case.sector)
            && query.department.as_ref().is_none_or(|line| *line == case.department)
            && query.office.as_ref().is_none_or(|office| *office == case.office)
            && query.station.as_ref().is_none_or(|code| code == station)
            && query.channel.is_none_or(|channel| channel == case.channel);
        if asked {
            for (number, fact) in sum.facts.iter_mut().zip(Fact::ALL) {
                *number += i64::from(facts(case).has(*fact));
            }
            sum.recovered_fen += case.recovered.map_or(0, Money::fen);
        }
    }
    sum
}

async fn check_world(opened: &Opened, world: &[Case], deep: bool) {
    let (store, catalogue, today) = (&opened.store, catalogue(), day("2026-01-20"));
    let found = recount(store).await.unwrap();
    assert!(found.is_clean(), "{found:#?}");
    assert_eq!(found.cases, u64::try_from(world.len()).unwrap());
    for scope in scopes() {
        for query in queries() {
            let answer = summary(store, &catalogue, &scope, &query, today).await.unwrap();
            for (kind, received) in [
                (Kind::Complaint, answer.numbers.received_by_kind.complaint),
                (Kind::Report, answer.numbers.received_by_kind.report),
            ] {
                let expected = expected(world, &scope, &query, Cohort::Received, kind);
                assert_eq!(received, expected.of(Fact::Received), "{scope:?} {query:?}");
            }
            for rate in &answer.numbers.rates {
                let cohort = query.cohort.unwrap_or(rates::find(rate.code).unwrap().cohort);
                let expected = expected(world, &scope, &query, cohort, rate.kind);
                match rate.code {
                    "mediation_success" => {
                        assert_eq!(rate.numerator, Some(expected.of(Fact::Agreed)), "{scope:?} {query:?}");
                        assert_eq!(rate.denominator, Some(expected.of(Fact::Closed)));
                    }
                    "amount_recovered" => {
                        let fen = expected.recovered_fen;
                        assert_eq!(rate.amount.as_deref(), Some(format!("{}.{:02}", fen / 100, fen % 100).as_str()));
                    }
                    _ => {}
                }
            }
            if deep {
                check_lists(store, &scope, &answer.numbers, today).await;
            }
        }
    }
    let whole = Query::over(day("2025-12-25"), day("2026-03-03"));
    let scope = Scope::Subtree { division: division(320_000), department: None };
    let total = summary(store, &catalogue, &scope, &whole, today).await.unwrap().numbers;
    for interval in [Interval::Day, Interval::Week, Interval::Month] {
        let query = Query { interval: Some(interval), ..whole.clone() };
        let series = timeseries(store, &catalogue, &scope, &query, today).await.unwrap();
        assert_eq!(series.points.iter().map(|point| point.numbers.received).sum::<i64>(), total.received);
        for code in ["handling", "timely_closing", "satisfaction", "report_verification", "overdue"] {
            let sum: i64 = series.points.iter().map(|point| shown(&point.numbers, code).denominator.unwrap()).sum();
            assert_eq!(Some(sum), shown(&total, code).denominator, "{code} by {}", interval.code());
        }
        if interval == Interval::Month && deep {
            for point in &series.points {
                check_lists(store, &scope, &point.numbers, today).await;
            }
        }
    }
    let dimensions = [
        Dimension::Sector,
        Dimension::Department,
        Dimension::Office,
        Dimension::Channel,
        Dimension::City,
        Dimension::County,
        Dimension::Station,
    ];
    for by in dimensions {
        let query = Query { by: Some(by), ..whole.clone() };
        let broken = breakdown(store, &catalogue, &scope, &query, today).await.unwrap();
        if by != Dimension::Station {
            let sum: i64 = broken.groups.iter().map(|group| group.numbers.received).sum();
            assert_eq!(sum, total.received, "{}", broken.by);
        }
        if deep {
            for group in &broken.groups {
                check_lists(store, &scope, &group.numbers, today).await;
            }
            let query = Query { division: Some(division(320_115)), ..query };
            for group in breakdown(store, &catalogue, &scope, &query, today).await.unwrap().groups {
                check_lists(store, &scope, &group.numbers, today).await;
            }
        }
    }
}

async fn live(opened: &Opened, filed: &[(u8, u8, i32)], steps: &[(usize, u8, i32)]) -> Vec<Case> {
    let mut world = Vec::new();
    for (n, (kind, place, on)) in filed.iter().enumerate() {
        let case = new_case(u64::try_from(n).unwrap(), *kind, *place, *on);
        file(&opened.store, &case).await;
        world.push(case);
    }
    for (which, action, on) in steps {
        let place = which % world.len();
        let before = &world[place];
        let on = before.received_on.saturating_add(on.days());
        if let Some(after) = take(before, *action, on) {
            step(&opened.store, before, &after).await.unwrap();
            world[place] = after;
        }
    }
    world
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 6, max_shrink_iters: 20, ..ProptestConfig::default() })]

    /// Whatever happens to cases, the counters are what a recount finds and what the cases say, in every scope.
    #[test]
    fn counters_follow_the_cases(
        filed in prop::collection::vec((0_u8..6, 0_u8..8, 0_i32..45), 1..25),
        steps in prop::collection::vec((0_usize..25, 0_u8..14, 0_i32..25), 0..120),
    ) {
        runtime().block_on(async {
            for opened in stores() {
                let world = live(&opened, &filed, &steps).await;
                check_world(&opened, &world, false).await;
            }
        });
    }

    /// The changes of single steps add up to what filing the last state at once would have counted.
    #[test]
    fn steps_add_up(steps in prop::collection::vec((0_u8..14, 0_i32..25), 0..40), kind in 0_u8..3, place in 0_u8..8) {
        let mut case = new_case(1, kind, place, 5);
        let mut sum = count(None, &case);
        for (action, on) in steps {
            if let Some(after) = take(&case, action, case.received_on.saturating_add(on.days())) {
                let change = count(Some(&case), &after);
                prop_assert!(change.0.values().all(|counts| !counts.is_zero()));
                sum.merge(change);
                case = after;
            }
        }
        sum.0.retain(|_, counts| !counts.is_zero());
        prop_assert_eq!(sum, count(None, &case));
    }

    /// Each numerator implies its denominator.
    #[test]
    fn successes_are_among_what_is_counted(
        steps in prop::collection::vec((0_u8..14, 0_i32..25), 0..40), kind in 0_u8..3,
    ) {
        let mut case = new_case(1, kind, 0, 5);
        for (action, on) in steps {
            case = take(&case, action, case.received_on.saturating_add(on.days())).unwrap_or(case);
            for rate in RATES {
                if let rates::Measure::Share { of, among } | rates::Measure::ShareOrDue { of, among } = rate.measure {
                    prop_assert!(!facts(&case).has(of) || facts(&case).has(among), "{}", rate.code);
                }
            }
        }
    }
}

/// A world with a bit of everything: each number opens exactly the cases that it counts.
#[test]
fn every_number_is_the_length_of_its_list() {
    let filed: Vec<_> = (0..60_u8).map(|n| (n % 5, n % 8, i32::from(n) % 45)).collect();
    let steps: Vec<_> = (0..400_usize)
        .map(|n| (n * 7 + n / 60, u8::try_from((n * 11 + n / 13) % 14).unwrap(), i32::try_from(n % 23).unwrap()))
        .collect();
    runtime().block_on(async {
        for opened in stores() {
            let world = live(&opened, &filed, &steps).await;
            let states: std::collections::BTreeSet<_> = world.iter().map(|case| case.state).collect();
            assert!(states.len() >= 6, "{states:?}");
            check_world(&opened, &world, true).await;
        }
    });
}

#[test]
fn a_filing_counts_once_in_each_view_and_grain() {
    let deltas = count(None, &case(1, day("2026-03-15")));
    assert_eq!(deltas.0.len(), 20);
    assert!(deltas.0.values().all(|counts| counts.of(Fact::Received) == 1));
    let months = deltas.0.keys().filter(|key| key.grain == Grain::Month);
    assert!(months.clone().all(|key| key.on == day("2026-03-01")));
    assert_eq!(months.count(), 11, "two views are kept by month only");
    // What changes no fact and no dimension changes no counter.
    let before = case(1, day("2026-03-15"));
    let mut after = before.clone();
    after.version += 1;
    after.assigned_to = Some("li".to_owned());
    assert_eq!(count(Some(&before), &after), Deltas::default());
}

#[test]
fn the_station_counts_as_the_row_has_it() {
    runtime().block_on(async {
        for opened in stores() {
            // Only could help; is there; was there.
            let mut could = case(1, day("2026-03-15"));
            could.station = Some("s-1".to_owned());
            let mut there = case(2, day("2026-03-15"));
            there.station = Some("s-1".to_owned());
            there.state = State::Negotiating;
            let mut was = case(3, day("2026-03-15"));
            was.station = Some("s-1".to_owned());
            was.milestones.station_ended = Some(day("2026-03-16"));
            for case in [&could, &there, &was] {
                file(&opened.store, case).await;
            }
            let (scope, query) = (Scope::Station("s-1".to_owned()), Query::over(day("2026-01-01"), day("2026-12-31")));
            let answer = summary(&opened.store, &catalogue(), &scope, &query, day("2026-03-20")).await.unwrap();
            assert_eq!(answer.numbers.received, 2);
            assert!(recount(&opened.store).await.unwrap().is_clean());
        }
    });
}

#[test]
fn facts_of_a_case_opened_again_have_no_end() {
    let before = case(1, day("2026-03-02"));
    let settled = [2, 4, 5].iter().fold(before, |case, action| take(&case, *action, day("2026-03-12")).unwrap());
    let was = facts(&settled);
    for fact in [Fact::DecidedInTime, Fact::Closed, Fact::Agreed, Fact::MediationEnded, Fact::MediatedAgreed] {
        assert!(was.has(fact), "{fact:?}");
    }
    let open = facts(&take(&settled, 10, day("2026-03-13")).unwrap());
    for fact in [Fact::Closed, Fact::ClosedInTime, Fact::Agreed, Fact::MediationEnded, Fact::MediatedAgreed] {
        assert!(!open.has(fact), "{fact:?}");
    }
    assert!(open.has(Fact::Reopened) && open.has(Fact::Decided));
}

#[test]
fn the_last_day_still_is_in_time() {
    let mut case = case(1, day("2026-03-02"));
    case.milestones.decided = Some(day("2026-03-12"));
    assert!(facts(&case).has(Fact::DecidedInTime));
    case.milestones.decided = Some(day("2026-03-13"));
    assert!(!facts(&case).has(Fact::DecidedInTime));
    assert!(!facts(&case).has(Fact::ReportVerified));
    case.kind = Kind::Report;
    assert!(facts(&case).has(Fact::ReportVerified) && !facts(&case).has(Fact::ReportVerifiedInTime));
}

#[test]
fn wilson_has_its_known_values() {
    let close = |found: Option<[f64; 2]>, low: f64, high: f64| {
        let [a, b] = found.unwrap();
        assert!((a - low).abs() < 5e-4 && (b - high).abs() < 5e-4, "{a} {b}");
    };
    // Newcombe 1998, table I: 81/263, 15/148, 0/20, 1/29.
    close(wilson(81, 263), 0.2553, 0.3662);
    close(wilson(15, 148), 0.0624, 0.1605);
    close(wilson(0, 20), 0.0, 0.1611);
    close(wilson(1, 29), 0.0061, 0.1718);
    close(wilson(20, 20), 0.8389, 1.0);
    assert_eq!(wilson(0, 0), None);
    assert!(wilson(0, 20).unwrap()[0].abs() < f64::EPSILON);
}

/// Guangyuan, first quarter of 2022: received 250, accepted 183, closed 241, of them 92 mediated and 180 in time;
/// published as 38.17 % and 74.69 %.
#[test]
fn the_published_formulas_fit() {
    runtime().block_on(async {
        for opened in stores() {
            for n in 0..250_u64 {
                let mut case = case(n, day("2022-01-10"));
                let m = &mut case.milestones;
                if n < 183 {
                    m.accepted = Some(day("2022-01-17"));
                    m.decided = m.accepted;
                    m.disposed = m.accepted;
                    case.state = State::Accepted;
                }
                if n < 92 {
                    case.state = State::Settled;
                    case.outcome = Some(Outcome::Mediated);
                    m.mediation = Some(day("2022-01-20"));
                } else if n < 183 {
                    case.state = State::Terminated;
                } else if n < 241 {
                    case.state = State::Refused;
                    m.decided = Some(day("2022-01-18"));
                    m.disposed = m.decided;
                }
                if n < 241 {
                    m.closed = Some(day("2022-03-01"));
                    m.closed_in_time = Some(n < 180);
                }
                file(&opened.store, &case).await;
            }
            let query = Query::over(day("2022-01-01"), day("2022-03-31"));
            let answer = summary(&opened.store, &catalogue(), &Scope::System, &query, day("2022-04-10")).await.unwrap();
            let percent = |code| format!("{:.2}", shown(&answer.numbers, code).value.unwrap() * 100.0);
            assert_eq!(percent("mediation_success"), "38.17");
            assert_eq!(percent("timely_closing"), "74.69");
            // The nine that nobody decided are due by then: they count against handling.
            let handling = shown(&answer.numbers, "handling");
            assert_eq!((handling.numerator, handling.denominator, handling.excluded), (Some(241), Some(250), 0));
            assert_eq!(handling.target.as_ref().unwrap().met, Some(false));
            // On their last day they aren't due yet.
            let answer = summary(&opened.store, &catalogue(), &Scope::System, &query, day("2022-01-20")).await.unwrap();
            let handling = shown(&answer.numbers, "handling");
            assert_eq!((handling.numerator, handling.denominator, handling.excluded), (Some(241), Some(241), 9));
            assert_eq!(handling.target.as_ref().unwrap().met, Some(true));
            check_lists(&opened.store, &Scope::System, &answer.numbers, day("2022-01-20")).await;
        }
    });
}

#[test]
fn few_cases_make_no_rate_and_rising_compares_with_the_year_before() {
    runtime().block_on(async {
        for opened in stores() {
            let rated = |n: u64, on: &str, satisfied: u8| {
                let mut case = case(n, day(on));
                case.state = State::Settled;
                case.milestones.closed = Some(day(on));
                case.rating = Some(Rating { solved: true, satisfied, contacted: true, on: day(on) });
                case
            };
            for n in 0..10 {
                file(&opened.store, &rated(n, "2025-02-28", if n < 5 { 5 } else { 3 })).await;
            }
            for n in 10..19 {
                file(&opened.store, &rated(n, "2026-02-10", 5)).await;
            }
            let query = Query::over(day("2026-02-01"), day("2026-02-28"));
            let card = scorecard(&opened.store, &catalogue(), &Scope::System, &query, day("2026-03-05")).await.unwrap();
            let codes: Vec<_> = card.rates.iter().map(|rate| rate.code).collect();
            assert_eq!(codes, ["handling", "station_coverage", "self_settlement", "satisfaction"]);
            let satisfaction = card.rates.last().unwrap();
            assert!(satisfaction.small && satisfaction.value.is_none() && satisfaction.interval.is_none());
            assert_eq!((satisfaction.numerator, satisfaction.denominator), (Some(9), Some(9)));
            let target = satisfaction.target.as_ref().unwrap();
            assert_eq!((target.met, target.value), (None, Some(0.5)));
            assert_eq!(target.previous.as_ref().unwrap().from, day("2025-02-01"));
            // The tenth makes it a rate.
            file(&opened.store, &rated(19, "2026-02-11", 1)).await;
            let card = scorecard(&opened.store, &catalogue(), &Scope::System, &query, day("2026-03-05")).await.unwrap();
            let satisfaction = card.rates.last().unwrap();
            assert!((satisfaction.value.unwrap() - 0.9).abs() < 1e-9 && satisfaction.interval.is_some());
            assert_eq!(satisfaction.rated_share, Some(1.0));
            assert_eq!(satisfaction.target.as_ref().unwrap().met, Some(true));
            // One town of three has a station of its own: neither a sample nor a county's counts.
            let coverage = &card.rates[1];
            assert_eq!((coverage.numerator, coverage.denominator, coverage.small), (Some(1), Some(3), false));
            assert_eq!(coverage.target.as_ref().unwrap().met, Some(false));
        }
    });
}

#[test]
fn per_residents_needs_every_place_filled_in() {
    runtime().block_on(async {
        for opened in stores() {
            for n in 0..12 {
                file(&opened.store, &case(n, day("2026-02-10"))).await;
            }
            let ask = |code: u32| {
                let query =
                    Query { division: Some(division(code)), ..Query::over(day("2026-01-01"), day("2026-12-31")) };
                let store = &opened.store;
                async move {
                    let answer = summary(store, &catalogue(), &Scope::System, &query, day("2026-03-05")).await.unwrap();
                    shown(&answer.numbers, "per_10k").clone()
                }
            };
            let city = ask(320_100).await;
            assert_eq!((city.numerator, city.denominator), (Some(12), Some(3_000_000)));
            assert!((city.value.unwrap() - 0.04).abs() < 1e-9);
            let province = ask(320_000).await;
            assert_eq!((province.value, province.reason), (None, Some("residents_not_filled_in")));
        }
    });
}

#[test]
fn a_recount_finds_what_is_wrong_and_repair_mends_it() {
    runtime().block_on(async {
        for opened in stores() {
            let store = &opened.store;
            let right = case(1, day("2026-02-10"));
            file(store, &right).await;
            // A step that counts too much, and one that stores wrong facts.
            let mut deltas = Deltas::default();
            let key = count(None, &right).0.into_keys().find(|key: &CounterKey| key.view == View::Sector).unwrap();
            let mut counts = Counts::default();
            counts.facts[Fact::Closed as usize] = 3;
            deltas.add(key.clone(), &counts);
            let id = right.id;
            store
                .write(move |tx| {
                    tx.count(deltas.clone());
                    crate::store::counters::set_facts(tx, id, Facts(Fact::Rated.bit()))
                })
                .await
                .unwrap();
            let found = recount(store).await.unwrap();
            assert!(!found.is_clean());
            assert_eq!(found.wrong, 1);
            assert_eq!(found.wrong_facts[0].counted, facts(&right));
            let difference =
                found.differences.iter().find(|found| found.key == key && found.number == "closed").unwrap();
            assert_eq!((difference.stored, difference.counted), (3, 0));
            assert_eq!(repair(store).await.unwrap(), 1);
            assert!(recount(store).await.unwrap().is_clean());
            let reference = right.reference.clone();
            let loaded = store.read(move |db| cases::load(db, &Scope::System, &reference)).await.unwrap();
            assert_eq!(loaded.unwrap().case, right);
        }
    });
}

/// Repair runs among steps and filings, also in one group with them: none is lost, none is counted twice.
#[test]
fn repair_among_writers_counts_everything_once() {
    runtime().block_on(async {
        for opened in stores() {
            let store = &opened.store;
            for round in 0..4_u64 {
                let before: Vec<Case> = (0..60).map(|n| case(round * 60 + n, day("2026-02-10"))).collect();
                for case in &before[..30] {
                    file(store, case).await;
                }
                let steps = futures_util::future::join_all(before[..30].iter().map(|case| async move {
                    step(store, case, &take(case, 2, day("2026-02-12")).unwrap()).await.unwrap();
                }));
                let filings = futures_util::future::join_all(before[30..].iter().map(|case| file(store, case)));
                let (_, repaired, _) = tokio::join!(steps, repair(store), filings);
                repaired.unwrap();
                let found = recount(store).await.unwrap();
                assert!(found.is_clean(), "{found:#?}");
                assert_eq!(found.cases, (round + 1) * 60);
            }
        }
    });
}

#[test]
fn a_month_is_frozen_once_it_is_over_and_revised_with_a_reason() {
    runtime().block_on(async {
        for opened in stores() {
            let (store, catalogue) = (&opened.store, catalogue());
            for n in 0..12 {
                file(store, &case(n, day("2026-02-10"))).await;
            }
            let month = day("2026-02-14");
            let early = freeze(store, &catalogue, month, "li", None, midday(day("2026-02-28")), SMALL).await;
            assert!(matches!(early, Err(FreezeError::NotOver)));
            let now = midday(day("2026-03-01"));
            assert_eq!(freeze(store, &catalogue, month, "li", None, now, SMALL).await.unwrap(), 1);
            assert!(matches!(
                freeze(store, &catalogue, month, "li", Some(" "), now, SMALL).await,
                Err(FreezeError::NoteRequired)
            ));
            file(store, &case(12, day("2026-02-11"))).await;
            assert_eq!(freeze(store, &catalogue, month, "li", Some("late entry"), now, SMALL).await.unwrap(), 2);
            let received = |snapshot: crate::store::snapshots::Snapshot| {
                let content: serde_json::Value = serde_json::from_str(&snapshot.content).unwrap();
                assert_eq!(content["breakdowns"]["sector"]["groups"][0]["key"], "courier");
                content["summary"]["received"].as_i64().unwrap()
            };
            assert_eq!(received(snapshot(store, month, Some(1)).await.unwrap().unwrap()), 12);
            assert_eq!(received(snapshot(store, month, None).await.unwrap().unwrap()), 13);
            assert!(snapshot(store, day("2026-01-01"), None).await.unwrap().is_none());
        }
    });
}

#[test]
fn parameters_are_read_or_refused_all_at_once() {
    let (catalogue, today) = (catalogue(), day("2026-03-05"));
    let read = |pairs: &[(&str, &str)]| Query::parse(pairs.iter().copied(), &catalogue, today);
    let year = read(&[]).unwrap();
    assert_eq!((year.from, year.to), (day("2026-01-01"), today));
    let query = read(&[
        ("from", "2026-01-05"),
        ("to", "2026-02-03"),
        ("cohort", "closed"),
        ("division", "320100"),
        ("sector", "food"),
        ("station", "s-1"),
        ("channel", "hotline_12345"),
        ("by", "county"),
        ("interval", "week"),
        ("lang", "en"),
    ])
    .unwrap();
    assert_eq!(query.division, Some(division(320_100)));
    assert_eq!((query.by, query.interval), (Some(Dimension::County), Some(Interval::Week)));
    let faults = |pairs: &[(&str, &str)]| {
        let problems = read(pairs).unwrap_err();
        problems.0.into_iter().map(|problem| (problem.pointer, problem.fault.code)).collect::<Vec<_>>()
    };
    let found = faults(&[
        ("from", "2026-13-01"),
        ("cohort", "x"),
        ("division", "320115001"),
        ("sector", "nothing"),
        ("colour", "red"),
        ("to", "20260101"),
        ("to", "2026-01-01"),
        ("by", "moon"),
    ]);
    let pointers: Vec<&str> = found.iter().map(|(pointer, _)| pointer.as_str()).collect();
    assert_eq!(pointers, ["/from", "/cohort", "/division", "/sector", "/colour", "/to", "/to", "/by"]);
    assert_eq!(faults(&[("from", "2026-02-01"), ("to", "2026-01-01")]), [("/from".to_owned(), "range")]);
    assert_eq!(
        faults(&[("from", "2020-01-01"), ("to", "2026-01-01"), ("interval", "day")]),
        [("/interval".to_owned(), "range")]
    );
    assert_eq!(faults(&[("division", "440000")]), [("/division".to_owned(), "unknown_value")]);
    let cases = |pairs: &[(&str, &str)]| Query::parse_cases(pairs.iter().copied(), &catalogue, today);
    assert!(cases(&[("rate", "handling"), ("part", "excluded")]).is_ok());
    let problems = cases(&[("part", "all"), ("x", "y")]).unwrap_err();
    assert_eq!(problems.0.len(), 3);
    assert!(cases(&[("rate", "station_coverage"), ("part", "numerator")]).is_err());
}

#[test]
fn every_rate_has_its_words_and_a_fact_behind_it() {
    let codes: std::collections::BTreeSet<_> = RATES.iter().map(|rate| rate.code).collect();
    assert_eq!(codes.len(), RATES.len());
    for rate in RATES {
        for words in [rate.name, rate.definition] {
            assert!(!words.zh.is_empty() && !words.en.is_empty(), "{}", rate.code);
        }
    }
    assert!(Division::parse("320000").is_ok());
}

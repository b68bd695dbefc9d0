//! The desk of stations, offices, dispatchers and supervisors: queue, case, steps.
//!
//! Pages are whole and work without scripts; `desk.js` adds keys, a bar for what came in, and nothing that can't be done
//! without it. What a person may do is asked of the transition table, and who sees which case of their scope.

pub mod act;
pub mod bulk;
pub mod case;
pub mod enter;
pub mod fields;
pub mod group;
pub mod keys;
pub mod list;
pub mod queue;
pub mod unmask;
pub mod words;

use crate::app::App;
use crate::domain::permission::Permission;
use crate::domain::transition::ENDS;
use crate::domain::vocabulary::{Role, State};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::frame::Frame;
use crate::http::views::Names;
use crate::store::queue::{Filter, count};
use actix_web::HttpRequest;
use jiff::ToSpan;
use jiff::civil::Date;

/// Cases of a tab are counted up to here; beyond, it says so.
const MOST_COUNTED: i64 = 1000;

/// What stands around every page of the desk.
#[derive(Debug)]
pub struct Chrome {
    /// Office, station or division that the person works for.
    pub unit: String,
    /// Their account.
    pub user: String,
    /// Role, in words.
    pub role: &'static str,
    /// For forms.
    pub csrf: String,
    /// Ways into the queue.
    pub tabs: Vec<Tab>,
    /// What is searched for.
    pub q: String,
    /// Whether single keys act.
    pub keys: bool,
    /// Whether the person may enter a case for somebody.
    pub enters: bool,
    /// Whether the person works in the queue; auditors and administrators have other pages.
    pub works: bool,
}

/// One of the ways into the queue.
#[derive(Debug)]
pub struct Tab {
    /// What it shows.
    pub label: &'static str,
    /// Where it leads.
    pub url: String,
    /// How many there are.
    pub count: String,
    /// Whether it is the one shown.
    pub on: bool,
    /// Whether it holds what is past its limit.
    pub alarm: bool,
}

/// The ways into the queue of a role, by their codes.
fn views(role: Role) -> &'static [&'static str] {
    match role {
        Role::Station | Role::Officer => &["todo", "mine", "today", "late", "open", "ended"],
        Role::Dispatcher | Role::Supervisor => &["todo", "today", "late", "open", "ended"],
        _ => &["open", "late", "ended"],
    }
}

/// The states in which a role has to begin something.
fn to_begin(role: Role) -> &'static [State] {
    match role {
        Role::Station => &[State::Negotiating],
        Role::Dispatcher => &[State::Received, State::Triage, State::Returned],
        Role::Supervisor => &[State::Returned],
        _ => &[State::Dispatched, State::IdRequested],
    }
}

/// Narrows a filter to a way into the queue.
fn narrow(filter: &mut Filter, view: &str, caller: &Caller, today: Date) {
    let codes = |states: &[State]| states.iter().map(|state| state.code().to_owned()).collect();
    match view {
        "todo" => filter.states = codes(to_begin(caller.who.role)),
        "mine" => filter.assigned_to.clone_from(&caller.who.user),
        "today" => (filter.due_from, filter.due_before) = (Some(today), Some(today.saturating_add(1.day()))),
        "late" => filter.overdue_on = Some(today),
        "ended" => filter.states = codes(ENDS),
        _ => {}
    }
}

/// Whether single keys act: on, unless the person turned them off (WCAG 2.1.4).
pub fn keys_on(request: &HttpRequest) -> bool {
    request.cookie("keys").is_none_or(|cookie| cookie.value() != "off")
}

/// What stands around a page, with the counts of the ways into the queue; `view` is the one shown, if any.
///
/// # Errors
/// The store's.
pub async fn chrome(
    app: &App,
    caller: &Caller,
    frame: &Frame,
    request: &HttpRequest,
    view: &str,
    q: &str,
) -> Result<Chrome, Problem> {
    let (scope, today, who) = (caller.scope(), app.today(), caller.clone());
    let works = caller.may(Permission::ReadWork).is_ok();
    let codes = if works { views(caller.who.role) } else { &[] };
    let counts = app
        .store
        .read(move |db| {
            // What has ended grows without end: it isn't counted.
            let counted = codes.iter().filter(|code| **code != "ended");
            counted
                .map(|code| {
                    let mut filter = Filter::default();
                    narrow(&mut filter, code, &who, today);
                    count(db, &scope, &filter, MOST_COUNTED)
                })
                .collect::<Result<Vec<usize>, _>>()
        })
        .await?;
    let mut counts = counts.into_iter();
    let tabs = codes.iter().map(|code| {
        let count = if *code == "ended" { None } else { counts.next() };
        let many = |count: usize| i64::try_from(count).is_ok_and(|count| count >= MOST_COUNTED);
        Tab {
            label: frame.coded("tab", code),
            url: format!("/desk?view={code}"),
            count: count.map_or_else(String::new, |n| if many(n) { "999+".to_owned() } else { n.to_string() }),
            on: *code == view,
            alarm: *code == "late" && count.is_some_and(|count| count > 0),
        }
    });
    let audits = caller.may(Permission::ReadAudit).is_ok();
    let audit =
        [("audit", "/audit"), ("audit_chain", "/audit/chain")].into_iter().filter(|_| audits).map(|(code, url)| {
            let label = frame.coded("tab", code);
            Tab { label, url: url.to_owned(), count: String::new(), on: code == view, alarm: false }
        });
    let manages = caller.may(Permission::ManageAccounts).is_ok();
    let admin = [("admin", "/admin"), ("admin_routing", "/admin/routing")].into_iter().filter(|_| manages);
    let admin = admin.map(|(code, url)| {
        let label = frame.coded("tab", code);
        Tab { label, url: url.to_owned(), count: String::new(), on: code == view, alarm: false }
    });
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang: frame.lang };
    let unit = match (&caller.who.unit, caller.who.division) {
        (Some(code), _) => names.unit(code).name,
        (None, Some(division)) => {
            catalogue.places.name_in(division, frame.lang).map_or_else(|| division.to_string(), str::to_owned)
        }
        (None, None) => String::new(),
    };
    Ok(Chrome {
        unit,
        user: caller.who.user.clone().unwrap_or_default(),
        role: frame.coded("staff_role", caller.who.role.code()),
        csrf: caller.csrf().to_owned(),
        tabs: audit.chain(admin).chain(tabs).collect(),
        q: q.to_owned(),
        keys: keys_on(request),
        enters: matches!(caller.who.role, Role::Station | Role::Officer | Role::Dispatcher),
        works,
    })
}

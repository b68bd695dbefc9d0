//! A case in memory. It says by itself, from the contract's list of states and actions, who may do what, what that leads to
//! and how it is refused; it uses no table of the product.

use crate::support::calendar::Workdays;
use jiff::civil::Date;
use serde_json::Value;
use std::collections::BTreeSet;
use std::sync::LazyLock;

/// The office that the filings are routed to, and the other one that takes part.
pub(super) const OFFICES: [&str; 2] = ["amr-320115", "amr-320102"];

/// Every step that the model knows, which is every step that people take.
pub(super) const ACTIONS: &[&str] = &[
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
    "verify",
    "extend",
    "decide_filing",
    "split",
    "link",
    "merge_into",
    "rate",
    "reopen",
    "inform",
    "assign",
    "note",
    "remind",
    "urge",
    "supervise",
    "circulate",
];

static WORKDAYS: LazyLock<Workdays> = LazyLock::new(Workdays::of_2026);

/// Days after the end within which a consumer can have a case opened again.
const REOPEN: i64 = 15;

/// Days after its first giving within which a consumer can change a rating.
const RATING: i64 = 20;

/// Days between two reminders of a consumer.
const REMINDER: i64 = 3;

/// Mediation, which stands still while something is tested.
#[derive(Debug, Clone, Copy)]
pub(super) struct Mediation {
    start: Date,
    stood: i64,
    still_since: Option<Date>,
}

/// A case as the model has it.
#[derive(Debug, Clone, Default)]
pub(super) struct Model {
    pub(super) report: bool,
    pub(super) state: &'static str,
    pub(super) version: i64,
    pub(super) office: usize,
    pub(super) station: Option<String>,
    pub(super) missing: bool,
    /// Its filer holds reference and PIN; nobody holds those of a case that staff split off.
    pub(super) has_filer: bool,
    /// Split off another, or another was split off it.
    pub(super) split: bool,
    pub(super) consents: [Option<bool>; 2],
    pub(super) returns: u32,
    pub(super) disputed: bool,
    pub(super) designated: bool,
    pub(super) reopened: bool,
    pub(super) extended: bool,
    pub(super) reminded: Option<Date>,
    pub(super) notice_owed: bool,
    // Time.
    pub(super) decision: Option<Date>,
    pub(super) station_end: Option<Date>,
    pub(super) mediation: Option<Mediation>,
    pub(super) was_late: bool,
    pub(super) decision_due: Option<Date>,
    pub(super) decided: Option<Date>,
    pub(super) closed: Option<Date>,
    // What the rates count.
    pub(super) disposed: bool,
    pub(super) mediated: bool,
    pub(super) agreed: bool,
    pub(super) station_ended: bool,
    pub(super) settled_at_station: bool,
    pub(super) in_time: bool,
    pub(super) rating: Option<(i64, Date)>,
}

/// Someone of the model, with what they may see.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Who {
    Consumer,
    Officer(usize),
    Station,
    Dispatcher,
    Supervisor,
    /// The service itself, when a station's time has lapsed.
    System,
}

/// How the model expects a step to be answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Expected {
    Taken,
    /// The role never takes this step.
    Forbidden,
    /// Not in this state, or a condition isn't met.
    NotNow,
}

fn days_since(then: Date, today: Date) -> i64 {
    then.duration_until(today).as_hours() / 24
}

impl Model {
    /// A case that was filed today.
    pub(super) fn filed(mut self, today: Date) -> Self {
        self.version = 1;
        if self.state == "negotiating" {
            self.station_end = Some(WORKDAYS.walk(today, 10));
        } else {
            self.start_decision(today);
        }
        self
    }

    pub(super) fn is_end(&self) -> bool {
        ["settled", "terminated", "refused", "withdrawn", "transferred", "filed", "not_filed", "merged"]
            .contains(&self.state)
    }

    pub(super) fn is_accepted(&self) -> bool {
        ["accepted", "mediating", "suspended"].contains(&self.state)
    }

    /// A station's turn that has lapsed.
    pub(super) fn is_lapsed(&self, today: Date) -> bool {
        self.station_end.is_some_and(|last| last < today)
    }

    pub(super) fn sees(&self, who: Who, station: &str) -> bool {
        match who {
            Who::Officer(office) => office == self.office,
            Who::Station => self.station.as_deref() == Some(station),
            Who::Consumer => self.has_filer,
            Who::Dispatcher | Who::Supervisor | Who::System => true,
        }
    }

    /// From the contract: the action, for which kinds, by whom, from which states, under which condition.
    pub(super) fn expected(&self, who: Who, action: &str, today: Date) -> Expected {
        use Expected::{Forbidden, NotNow, Taken};
        let officer = matches!(who, Who::Officer(_));
        let staff = who != Who::Consumer;
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
            "verify" => (reports_only && officer, within(&["dispatched"])),
            "extend" => {
                let running = self.decision.is_some_and(|last| today <= last);
                (reports_only && officer, within(&["dispatched", "verifying"]) && !self.extended && running)
            }
            "decide_filing" => (reports_only && officer, within(&["dispatched", "verifying"])),
            "split" => (officer || who == Who::Dispatcher, open && !self.split),
            "link" | "merge_into" => (officer || who == Who::Dispatcher, open),
            "rate" => (who == Who::Consumer, self.is_end() && self.takes_a_rating(today)),
            "reopen" => {
                let in_time = self.closed.is_some_and(|end| days_since(end, today) <= REOPEN);
                let may = who == Who::Supervisor || in_time;
                (matches!(who, Who::Consumer | Who::Supervisor), self.is_end() && !self.reopened && may)
            }
            "inform" => (complaints_only && officer, self.is_end() && self.notice_owed),
            "assign" => (staff, open),
            "note" => (staff, true),
            "remind" => {
                let spaced = self.reminded.is_none_or(|last| days_since(last, today) >= REMINDER);
                let ever = matches!(who, Who::Consumer | Who::Dispatcher | Who::Supervisor);
                (ever, open && (who != Who::Consumer || spaced))
            }
            "urge" => (matches!(who, Who::Dispatcher | Who::Supervisor), open),
            "supervise" | "circulate" => (who == Who::Supervisor, open),
            other => panic!("the model knows no {other}"),
        };
        match (ever, now) {
            (false, _) => Forbidden,
            (true, false) => NotNow,
            (true, true) => Taken,
        }
    }

    /// The steps that someone is offered.
    pub(super) fn offers(&self, who: Who, today: Date) -> BTreeSet<String> {
        let taken = |action: &&&str| self.expected(who, action, today) == Expected::Taken;
        ACTIONS.iter().filter(taken).map(|action| (*action).to_owned()).collect()
    }

    fn takes_a_rating(&self, today: Date) -> bool {
        self.rating.is_none_or(|(_, on)| days_since(on, today) <= RATING || self.rated_before_this_end(on))
    }

    fn rated_before_this_end(&self, on: Date) -> bool {
        self.closed.is_some_and(|end| on < end)
    }

    /// A step that was taken.
    pub(super) fn take(&mut self, who: Who, action: &str, fields: &Value, today: Date) {
        let (from_station, from_accepted) = (self.state == "negotiating", self.is_accepted());
        self.version += 1;
        match action {
            "dispatch" | "designate" => {
                self.office = OFFICES.iter().position(|office| fields["office"] == **office).unwrap();
                self.state = "dispatched";
                if action == "designate" {
                    (self.designated, self.disputed) = (true, false);
                }
                self.start_decision(today);
            }
            "return" => {
                self.stop_decision(today);
                self.no_longer_awaited(today);
                self.disputed = self.returns >= 1;
                self.returns += 1;
                self.state = "returned";
            }
            "hand_over" => {
                self.stop_station(today);
                self.state = "dispatched";
                self.station_ended = true;
                self.start_decision(today);
            }
            "request_id" => self.state = "id_requested",
            "supply" => {
                self.missing = false;
                if self.state == "id_requested" {
                    self.state = "dispatched";
                }
            }
            "accept" => {
                self.stop_decision(today);
                self.decided.get_or_insert(today);
                self.mediation = Some(Mediation { start: today, stood: 0, still_since: None });
                self.state = "accepted";
                self.disposed = true;
            }
            "refuse" => self.decide("refused", today),
            "record_consent" => {
                let respondent = who != Who::Consumer && fields["party"] == "respondent";
                self.consents[usize::from(respondent)] = fields["given"].as_bool();
            }
            "start_mediation" => {
                self.state = "mediating";
                self.mediated = true;
            }
            "suspend" => {
                self.state = "suspended";
                if let Some(mediation) = self.mediation.as_mut().filter(|_| fields["cause"] == "testing") {
                    mediation.still_since = Some(today);
                }
            }
            "resume" => {
                self.state = "mediating";
                if let Some(mediation) = &mut self.mediation {
                    mediation.go_on(today);
                }
            }
            "settle" => {
                self.end("settled", from_station, today);
                self.agreed = true;
                self.settled_at_station = from_station;
            }
            "terminate" => self.end("terminated", false, today),
            "withdraw" => self.end("withdrawn", false, today),
            "transfer" => self.end("transferred", true, today),
            "merge_into" => self.end("merged", true, today),
            "verify" => self.state = "verifying",
            "extend" => {
                self.state = "verifying";
                self.extended = true;
                self.decision = self.decision.map(|last| WORKDAYS.walk(last, 15));
                if self.decided.is_none() {
                    self.decision_due = self.decision;
                }
            }
            "decide_filing" if fields["decision"] == "filed" => self.decide("filed", today),
            "decide_filing" => self.decide("not_filed", today),
            "rate" => {
                let first = self.rating.map(|(_, on)| on).filter(|on| !self.rated_before_this_end(*on));
                self.rating = fields["satisfied"].as_i64().map(|given| (given, first.unwrap_or(today)));
            }
            "reopen" => {
                self.no_longer_awaited(today);
                self.state = "dispatched";
                self.reopened = true;
                self.consents = [None, None];
                (self.agreed, self.settled_at_station, self.notice_owed) = (false, false, false);
                (self.closed, self.in_time) = (None, false);
                self.start_decision(today);
            }
            "split" => self.split = true,
            "inform" => self.notice_owed = false,
            "remind" if who == Who::Consumer => self.reminded = Some(today),
            "note" | "remind" | "urge" | "supervise" | "circulate" | "assign" | "link" => {}
            other => panic!("the model knows no {other}"),
        }
        if self.is_end() && !["rate", "inform", "note"].contains(&action) {
            self.disputed = false;
            self.station_ended |= from_station && ["settle", "withdraw", "merge_into"].contains(&action);
            self.notice_owed = from_accepted;
        }
    }

    /// The first decision anew: 7 working days, for a report 15.
    fn start_decision(&mut self, today: Date) {
        self.stop_decision(today);
        self.extended = false;
        self.decision = Some(WORKDAYS.walk(today, if self.report { 15 } else { 7 }));
        if self.decided.is_none() {
            self.decision_due = self.decision;
        }
    }

    fn stop_decision(&mut self, today: Date) {
        self.was_late |= self.decision.take().is_some_and(|last| last < today);
    }

    fn stop_station(&mut self, today: Date) {
        self.was_late |= self.station_end.take().is_some_and(|last| last < today);
    }

    fn stop_mediation(&mut self, today: Date) {
        if let Some(mut mediation) = self.mediation.take() {
            mediation.go_on(today);
            // 60 days, and as many as it stood still.
            self.was_late |= WORKDAYS.days(mediation.start, 60 + mediation.stood) < today;
        }
    }

    /// A decision that was not made in time stays missed; one that isn't due yet needn't be made any more.
    fn no_longer_awaited(&mut self, today: Date) {
        if self.decided.is_none() {
            self.decision_due = self.decision_due.filter(|last| *last < today);
        }
    }

    fn decide(&mut self, state: &'static str, today: Date) {
        self.decided.get_or_insert(today);
        self.end(state, true, today);
    }

    fn end(&mut self, state: &'static str, disposed: bool, today: Date) {
        self.stop_decision(today);
        self.stop_station(today);
        self.stop_mediation(today);
        self.no_longer_awaited(today);
        self.state = state;
        self.disposed |= disposed;
        self.closed = Some(today);
        self.in_time = !self.was_late;
    }

    /// Decided, or past the last day for it: what the rates of a first decision are over.
    pub(super) fn is_decided_or_due(&self, today: Date) -> bool {
        self.decided.is_some() || self.decision_due.is_some_and(|last| last < today)
    }

    /// Decided on or before the last day.
    pub(super) fn is_decided_in_time(&self) -> bool {
        self.decided.zip(self.decision_due).is_some_and(|(on, last)| on <= last)
    }
}

impl Mediation {
    fn go_on(&mut self, today: Date) {
        if let Some(since) = self.still_since.take() {
            self.stood += days_since(since, today);
        }
    }
}

//! What a step does to a case: owner, clocks, state, milestones, and what is the action's own.

use crate::config::catalogue::{Catalogue, Office};
use crate::domain::case::{Case, Consents, Rating};
use crate::domain::clock::Clock;
use crate::domain::problem::Invalid;
use crate::domain::transition::{BODIES, ClockEffect, Mark, Owed, To, Transition};
use crate::domain::vocabulary::{Action, ClockKind, Kind, Outcome, PartyRole, Role, SectorSource, State};
use crate::track::decide::{Link, Relation, Step, rule_of};
use crate::track::fields::{self, Fields};
use crate::track::open::is_statutory;
use crate::track::{Context, clocks, guards, rating};
use jiff::civil::Date;
use serde_json::{Map, Value, json};

/// A step being applied.
struct Turn<'a> {
    catalogue: &'a Catalogue,
    row: &'static Transition,
    role: Role,
    given: &'a Fields<'a>,
    context: &'a Context<'a>,
    from: State,
    case: Case,
    open: Map<String, Value>,
    personal: Map<String, Value>,
    links: Vec<Link>,
    target: Option<Box<Step>>,
}

/// Applies a row to a copy of the case. The fields are already checked.
pub(super) fn apply(
    catalogue: &Catalogue,
    case: &Case,
    row: &'static Transition,
    role: Role,
    given: &Fields<'_>,
    context: &Context<'_>,
) -> Result<Step, Invalid> {
    let (open, personal) = given.open_and_personal();
    let mut turn = Turn {
        catalogue,
        row,
        role,
        given,
        context,
        from: case.state,
        case: case.clone(),
        open,
        personal,
        links: Vec::new(),
        target: None,
    };
    turn.owner()?;
    turn.own()?;
    for effect in row.clocks {
        turn.clock(*effect)?;
    }
    turn.case.state = turn.state_after();
    for mark in row.marks {
        turn.mark(*mark);
    }
    if turn.case.state.is_end() && !turn.from.is_end() {
        turn.case.in_dispute = false;
        turn.case.suspended_for = None;
    }
    turn.case.version += 1;
    Ok(turn.into_step())
}

impl Turn<'_> {
    fn today(&self) -> Date {
        self.context.today
    }

    fn state_after(&self) -> State {
        match self.row.to {
            To::Stay => self.from,
            To::State(state) => state,
            To::Supplied if self.from == State::IdRequested => State::Dispatched,
            To::Supplied => self.from,
            To::Decision if self.given.code("decision") == Some(State::Filed.code()) => State::Filed,
            To::Decision => State::NotFiled,
        }
    }

    /// Who has the case, and under which rule, before any clock is started by it.
    fn owner(&mut self) -> Result<(), Invalid> {
        match self.row.action {
            Action::Dispatch | Action::Designate => {
                if let Some(office) = self.given.office("office") {
                    self.give_to(office)?;
                }
                if let Some(sector) = self.given.sector("sector") {
                    if self.case.sector != sector {
                        self.case.sector = sector.to_owned();
                        self.case.subsector = None;
                    }
                    self.case.sector_source =
                        if self.role == Role::System { SectorSource::Machine } else { SectorSource::Staff };
                }
                if self.row.action == Action::Designate {
                    self.case.designated = true;
                    self.case.in_dispute = false;
                }
            }
            Action::HandOver | Action::Reopen => {
                self.case.with_office_since = self.today();
                self.case.assigned_to = None;
            }
            Action::Return => self.case.assigned_to = None,
            _ => {}
        }
        Ok(())
    }

    fn give_to(&mut self, office: &Office) -> Result<(), Invalid> {
        // The fields are read against the same catalogue, so neither is missing; a catalogue that lost them is told of.
        let department = self
            .catalogue
            .departments
            .get(&office.department)
            .ok_or_else(|| Invalid::new("no_department", "the office's department isn't in the catalogue"))?;
        let rule = self
            .catalogue
            .rule(department.regime, self.case.received_on)
            .ok_or_else(|| Invalid::new("no_rule", "no rule of this office covers the day of receipt"))?;
        let case = &mut self.case;
        if case.office != office.code {
            // A group is one office's: elsewhere the case goes on alone.
            case.joint = None;
        }
        case.office.clone_from(&office.code);
        case.department.clone_from(&department.line);
        case.division = office.division.six_digits();
        case.regime = department.regime;
        case.rule.clone_from(&rule.id);
        case.statutory = is_statutory(case, office);
        case.with_office_since = self.context.today;
        case.assigned_to = None;
        Ok(())
    }

    /// What only this action changes.
    fn own(&mut self) -> Result<(), Invalid> {
        match self.row.action {
            Action::Supply => self.supply(),
            Action::Refuse => {
                self.case.ground = self.given.ground("ground").map(|ground| ground.code.clone());
                if !self.personal.contains_key("other_routes") {
                    self.other_routes()?;
                }
            }
            Action::Terminate => self.case.ground = self.given.ground("ground").map(|ground| ground.code.clone()),
            Action::RecordConsent => self.consent(),
            Action::Suspend => self.case.suspended_for = self.given.code("cause").map(str::to_owned),
            Action::Resume => self.case.suspended_for = None,
            Action::Settle => {
                let mediated = self.given.code("outcome") == Some(Outcome::Mediated.code());
                self.case.outcome = Some(if mediated { Outcome::Mediated } else { Outcome::SelfSettled });
                self.case.recovered = self.given.money("amount");
                self.case.milestones.settled_at_station = self.from == State::Negotiating;
                if !mediated && self.from.is_accepted() {
                    self.ended_by_the_parties()?;
                }
            }
            Action::Withdraw if self.from.is_accepted() => self.ended_by_the_parties()?,
            Action::Transfer => self.refer(),
            Action::Rate => self.rate(),
            Action::Reopen => self.reopen(),
            Action::Assign => self.case.assigned_to = self.given.user("to").map(str::to_owned),
            Action::Link => {
                let link =
                    |to: &crate::domain::reference::Reference| Link { to: to.clone(), relation: Relation::Linked };
                self.links = self.given.cases().iter().map(link).collect();
            }
            Action::MergeInto => self.merge()?,
            _ => {}
        }
        Ok(())
    }

    /// Withdrawal and self-settlement end an accepted complaint on the first ground of termination of its rule version
    /// (Order 121 Art 23(1), Order 20 Art 21(1)): in law a termination, whatever the statistics call it.
    fn ended_by_the_parties(&mut self) -> Result<(), Invalid> {
        let ground = rule_of(self.catalogue, &self.case)?.termination.first().map(|ground| ground.code.clone());
        if let Some(ground) = &ground {
            self.open.insert("ground".to_owned(), json!(ground));
        }
        self.case.ground = ground;
        Ok(())
    }

    /// A refusal must name the other routes (Order 121 Art 15, 消保法 Art 39), so a notice never goes out without them.
    fn other_routes(&mut self) -> Result<(), Invalid> {
        let lang = self.case.lang;
        let routes: Vec<_> =
            rule_of(self.catalogue, &self.case)?.other_routes.iter().map(|route| route.in_lang(lang)).collect();
        if !routes.is_empty() {
            let between = if lang == crate::domain::vocabulary::Lang::Zh { "；" } else { "; " };
            self.personal.insert("other_routes".to_owned(), json!(routes.join(between)));
        }
        Ok(())
    }

    fn supply(&mut self) {
        let mut supplied: Vec<String> = Vec::new();
        for (role, values) in self.given.parties() {
            supplied.extend(values.keys().map(|key| fields::pointer(&[role.code(), key])));
        }
        if let Some(demands) = self.given.demands() {
            self.case.demands = demands.to_vec();
            supplied.push("/demands".to_owned());
        }
        self.case.missing.retain(|pointer| !supplied.contains(pointer));
    }

    fn consent(&mut self) {
        let given = self.given.bool("given");
        let complainant = match fields::own_party(self.role) {
            Some(own) => own == PartyRole::Complainant,
            None => self.given.code("party") == Some(PartyRole::Complainant.code()),
        };
        if complainant {
            self.case.consents.complainant = given;
            // Entrusting needs both sides' consent too (Art 19); the complainant's stands in the case since the filing.
            if self.given.text("entrusted_body").is_some() {
                self.case.entrust_consent = given == Some(true);
            }
        } else {
            self.case.consents.respondent = given;
        }
        let party = if complainant { PartyRole::Complainant } else { PartyRole::Respondent };
        self.open.insert("party".to_owned(), json!(party));
    }

    /// What was written of the body is sealed; the case keeps only a code.
    fn refer(&mut self) {
        let body = self.given.text("body").unwrap_or_default();
        let known = BODIES.contains(&body)
            || self.catalogue.offices.contains_key(body)
            || self.catalogue.departments.contains_key(body);
        let code = if known { body } else { "other" };
        self.open.insert("referred_to".to_owned(), json!(code));
        self.case.referred_to = Some(code.to_owned());
    }

    fn rate(&mut self) {
        let first = self.case.rating.as_ref().filter(|_| !guards::is_of_an_earlier_end(&self.case));
        let on = first.map_or(self.context.today, |rating| rating.on);
        let (Some(solved), Some(contacted)) = (self.given.bool("solved"), self.given.bool("contacted")) else { return };
        let satisfied = self.given.number("satisfied").and_then(|number| u8::try_from(number).ok());
        let Some(satisfied) = satisfied else { return };
        self.case.rating = Some(Rating { solved, satisfied, contacted, on });
    }

    /// Undoes the end. That it was disposed of and decided, and when, stays; a settlement that didn't hold doesn't, nor
    /// consents, which were to a mediation that is over.
    fn reopen(&mut self) {
        let case = &mut self.case;
        case.reopened = true;
        case.outcome = None;
        case.ground = None;
        case.recovered = None;
        case.referred_to = None;
        case.consents = Consents::default();
        if let Some(joint) = &mut case.joint {
            joint.terms = None;
        }
        case.milestones.closed = None;
        case.milestones.closed_in_time = None;
        case.milestones.settled_at_station = false;
    }

    /// The other case goes on with both. A report that brings new facts restarts its period from the day on which that
    /// report was received (Order 121 Art 35): the limit that ran is judged as of that day.
    fn merge(&mut self) -> Result<(), Invalid> {
        let Some(target) = self.given.case("case") else { return Ok(()) };
        self.links.push(Link { to: target.reference.clone(), relation: Relation::MergedInto });
        let mut after = target.clone();
        let mut open = Map::new();
        open.insert("merged".to_owned(), json!(self.case.reference));
        if self.case.kind == Kind::Report && self.given.bool("new_facts") == Some(true) {
            let received = self.case.received_on;
            let running =
                after.clocks.iter().position(|clock| clocks::is_decision(clock.kind) && clock.stopped_on.is_none());
            if let Some(index) = running
                && after.clocks[index].start < received
            {
                let kind = after.clocks[index].kind;
                let rule = rule_of(self.catalogue, &after)?;
                if let Some(anew) = clocks::start(self.catalogue, rule, kind, received, after.received_on) {
                    clocks::stop(self.catalogue, &mut after.clocks[index], received);
                    if after.milestones.decided.is_none() {
                        after.milestones.decision_due = Some(anew.due);
                    }
                    after.clocks.push(anew);
                    open.insert("restarted".to_owned(), json!(received));
                }
            }
        }
        after.version += 1;
        self.target = Some(Box::new(Step {
            action: Action::Link,
            from: target.state,
            to: target.state,
            case: after,
            personal: None,
            open: Value::Object(open),
            notices: Vec::new(),
            links: vec![Link { to: self.case.reference.clone(), relation: Relation::MergedFrom }],
            supplied: Vec::new(),
            target: None,
        }));
        Ok(())
    }

    fn clock(&mut self, effect: ClockEffect) -> Result<(), Invalid> {
        let today = self.today();
        match effect {
            ClockEffect::StartDecision => {
                let rule = rule_of(self.catalogue, &self.case)?;
                if let Some(kind) = clocks::decision_kind(rule, self.case.kind, clocks::is_clue(&self.case)) {
                    self.start(kind)?;
                }
                if self.case.milestones.decided.is_none() {
                    let running = |clock: &&Clock| clocks::is_decision(clock.kind) && clock.is_running();
                    self.case.milestones.decision_due = self.case.clocks.iter().find(running).map(|clock| clock.due);
                }
            }
            ClockEffect::StopDecision => {
                self.stop(|clock| clocks::is_decision(clock.kind));
                self.no_longer_awaited();
            }
            ClockEffect::Start(kind) => self.start(kind)?,
            ClockEffect::StartUntilDeadline(kind) => {
                self.stop(|clock| clock.kind == kind);
                if let Some(date) = self.given.date("deadline") {
                    let rule = rule_of(self.catalogue, &self.case)?;
                    self.case.clocks.push(clocks::until(self.catalogue, kind, rule, today, date));
                }
            }
            ClockEffect::Stop(kind) => self.stop(|clock| clock.kind == kind),
            ClockEffect::StopAll => {
                self.stop(|_| true);
                self.no_longer_awaited();
            }
            ClockEffect::PauseForTesting => {
                let rule = rule_of(self.catalogue, &self.case)?;
                let pauses = rule.clocks.get(&ClockKind::Mediate).is_some_and(|limit| limit.pauses_for_testing);
                if pauses && self.given.code("cause") == Some("testing") {
                    self.mediation().for_each(|clock| clocks::pause(clock, today));
                }
            }
            ClockEffect::Resume => {
                let catalogue = self.catalogue;
                self.mediation().for_each(|clock| clocks::resume(catalogue, clock, today));
            }
            ClockEffect::Extend => {
                let rule = rule_of(self.catalogue, &self.case)?;
                let running = |clock: &&mut Clock| clocks::is_verification(clock.kind) && clock.is_running();
                if let Some(clock) = self.case.clocks.iter_mut().find(running)
                    && clocks::extend(self.catalogue, rule, clock)
                    && self.case.milestones.decided.is_none()
                {
                    self.case.milestones.decision_due = Some(clock.due);
                }
            }
            ClockEffect::DisputeAtSecondReturn => {
                // The mark that counts this return comes after the clocks.
                if self.case.returns >= 1 {
                    self.case.in_dispute = true;
                    self.start(ClockKind::CompetenceDispute)?;
                }
            }
            ClockEffect::NotifyIfAccepted => {
                if self.from.is_accepted() {
                    self.start(ClockKind::Notify)?;
                }
            }
        }
        Ok(())
    }

    fn mediation(&mut self) -> impl Iterator<Item = &mut Clock> {
        self.case.clocks.iter_mut().filter(|clock| clock.kind == ClockKind::Mediate && clock.stopped_on.is_none())
    }

    /// Starts a clock, if the rule has it; one that runs is superseded.
    fn start(&mut self, kind: ClockKind) -> Result<(), Invalid> {
        self.stop(|clock| clock.kind == kind);
        let rule = rule_of(self.catalogue, &self.case)?;
        let clock = clocks::start(self.catalogue, rule, kind, self.today(), self.case.received_on);
        self.case.clocks.extend(clock);
        Ok(())
    }

    fn stop(&mut self, which: impl Fn(&Clock) -> bool) {
        let today = self.today();
        for clock in self.case.clocks.iter_mut().filter(|clock| which(clock)) {
            clocks::stop(self.catalogue, clock, today);
        }
    }

    /// A first decision that was never made and whose day hadn't come isn't awaited any more. One whose day had passed
    /// stays due: taking the case back or returning it doesn't undo the lateness.
    fn no_longer_awaited(&mut self) {
        let today = self.today();
        let milestones = &mut self.case.milestones;
        let decides = self.row.marks.contains(&Mark::Decided);
        if milestones.decided.is_none() && !decides && milestones.decision_due.is_some_and(|due| today <= due) {
            milestones.decision_due = None;
        }
    }

    fn mark(&mut self, mark: Mark) {
        let today = self.today();
        let kept = || self.case.clocks.iter().filter(|clock| clocks::binds_the_end(clock.kind)).all(Clock::was_kept);
        let in_time = kept();
        let milestones = &mut self.case.milestones;
        match mark {
            // The first of each counts: what comes after an end was undone doesn't rewrite it.
            Mark::Decided => _ = milestones.decided.get_or_insert(today),
            Mark::Disposed => _ = milestones.disposed.get_or_insert(today),
            Mark::Accepted => _ = milestones.accepted.get_or_insert(today),
            Mark::Mediation => _ = milestones.mediation.get_or_insert(today),
            Mark::Closed => {
                milestones.closed = Some(today);
                milestones.closed_in_time = Some(in_time);
            }
            Mark::StationEnded => {
                if self.from == State::Negotiating {
                    milestones.station_ended.get_or_insert(today);
                }
            }
            Mark::Returned => self.case.returns = self.case.returns.saturating_add(1),
            Mark::Reopened => self.case.reopened = true,
        }
    }

    /// The notices of the row. Nobody can be told who gave no name; and when `NOTIFY` has started, both sides are owed
    /// what the row owes one (Art 23 ¶2).
    fn notices(&self) -> Vec<Owed> {
        let mut notices: Vec<Owed> = Vec::new();
        let both = self.row.clocks.contains(&ClockEffect::NotifyIfAccepted) && self.from.is_accepted();
        for owed in self.row.notices {
            notices.push(*owed);
            if both && owed.notice != rating::NOTICE {
                notices.push(Owed { notice: owed.notice, to: PartyRole::Respondent });
            }
        }
        let mut seen = Vec::new();
        notices.retain(|owed| {
            let first = !seen.contains(owed);
            seen.push(*owed);
            first && !(self.case.anonymous && owed.to == PartyRole::Complainant)
        });
        notices
    }

    fn into_step(self) -> Step {
        let notices = self.notices();
        let supplied = self.given.parties().map(|(role, values)| (role, values.clone())).collect();
        Step {
            action: self.row.action,
            from: self.from,
            to: self.case.state,
            case: self.case,
            personal: (!self.personal.is_empty()).then_some(Value::Object(self.personal)),
            open: Value::Object(self.open),
            notices,
            links: self.links,
            supplied,
            target: self.target,
        }
    }
}

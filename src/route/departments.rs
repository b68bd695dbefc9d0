//! The departments of a sector on a day: the plan's list, read through the changes of the machinery of government.

use super::{MARKET_REGULATION, MARKET_REGULATION_NOW, Question, Referral, Run, Step};
use crate::config::catalogue::{Department, Part, Subroute, in_force};
use crate::domain::vocabulary::Regime;
use jiff::civil::Date;

/// The departments of a case.
pub(super) struct Choice<'a> {
    /// Who leads by the plan.
    pub(super) lead: Option<&'a Department>,
    pub(super) assisting: Vec<&'a Department>,
    /// A narrower rule names a body that is none of these departments.
    pub(super) referred: Option<Referral>,
}

/// A department that a listed one became; `main` when consumers' cases went to it.
type Heirs<'a> = Vec<(&'a Department, bool)>;

/// A department has had at most two successions in a row; the bound keeps a loop in the data harmless.
const DEEPEST: u8 = 8;

/// The sub-sector whose regulators aren't provincial departments at all (`reference/domain.md` 6.1: rail and air are referred out).
/// Its narrower rule names who takes the case in; a rule that names a code which is no department refers out too.
const RAIL_AND_AIR: &str = "rail_air";
const RAIL_AND_AIR_PHONES: (&str, &str) =
    ("（铁路可拨打12306，民航可拨打12326）", " (rail: phone 12306; air: phone 12326)");

impl<'a> Run<'a> {
    /// Chooses the departments and explains it.
    pub(super) fn choose(self, question: &Question, steps: &mut Vec<Step>) -> Choice<'a> {
        self.choose_for(&question.sector, question.subsector.as_deref(), question.on, steps)
    }

    /// As [`Run::choose`], for a sector and sub-sector on a day.
    pub(super) fn choose_for(
        self,
        sector: &str,
        subsector: Option<&str>,
        on: Date,
        steps: &mut Vec<Step>,
    ) -> Choice<'a> {
        let sector = match self.index.sectors.get(sector).and_then(|&at| self.catalogue.sectors.get(at)) {
            Some(sector) => sector.code.as_str(),
            None => {
                steps.push(Step::new(
                    "sector_unknown",
                    None,
                    format!("领域代码“{}”不在目录中，按其他处理。", sector),
                    format!("The sector \"{}\" isn't in the catalogue; read as other.", sector),
                ));
                "other"
            }
        };
        if let Some(subroute) = self.subroute(sector, subsector, on) {
            return self.by_subroute(subroute, on, steps);
        }
        self.by_plan(sector, on, steps)
    }

    /// The narrower rule that holds for a sub-sector on a day: the first in the order of the data.
    fn subroute(self, sector: &str, subsector: Option<&str>, on: Date) -> Option<&'a Subroute> {
        let subsector = subsector?;
        let positions = self.index.subroutes.get(sector)?;
        positions
            .iter()
            .filter_map(|&at| self.catalogue.subroutes.get(at))
            .find(|rule| rule.subsector == subsector && in_force(rule.from, rule.until, on))
    }

    fn by_subroute(self, subroute: &'a Subroute, on: Date, steps: &mut Vec<Step>) -> Choice<'a> {
        steps.push(Step::new("subroute", None, subroute.why.zh.clone(), subroute.why.en.clone()));
        let heirs = self.heirs(&subroute.department, on);
        let mut choice = Choice { lead: None, assisting: Vec::new(), referred: None };
        let foreign = !self.catalogue.departments.contains_key(&subroute.department);
        if foreign || subroute.subsector == RAIL_AND_AIR {
            let (zh, en) = if subroute.subsector == RAIL_AND_AIR { RAIL_AND_AIR_PHONES } else { ("", "") };
            choice.referred = Some(Referral {
                code: subroute.code.clone(),
                zh: format!("{}{zh}", subroute.why.zh),
                en: format!("{}{en}", subroute.why.en),
            });
        }
        explain_succession(&subroute.department, self.catalogue.departments.get(&subroute.department), &heirs, steps);
        choice.take_lead(heirs);
        for code in &subroute.assist {
            choice.take_assisting(self.heirs(code, on));
        }
        choice
    }

    /// The plan's list for a sector, each department read as of the day, without repeats: the first mention counts, and a
    /// department that took over the lead keeps it however often it is mentioned again.
    pub(super) fn by_plan(self, sector: &str, on: Date, steps: &mut Vec<Step>) -> Choice<'a> {
        let mut choice = Choice { lead: None, assisting: Vec::new(), referred: None };
        let listed = self.index.routes.get(sector).map(Vec::as_slice).unwrap_or_default();
        let routes = || listed.iter().filter_map(|&at| self.catalogue.routes.get(at));
        if let Some(route) = routes().find(|route| route.part == Part::Lead) {
            let heirs = self.heirs(&route.department, on);
            let named = self.catalogue.departments.get(&route.department);
            if let Some((lead, _)) = heirs.iter().find(|(_, main)| *main).or_else(|| heirs.first()) {
                let task = self.index.sectors.get(sector).and_then(|&at| self.catalogue.sectors.get(at)?.task);
                let (zh, en) = match task {
                    Some(task) => (
                        format!("方案第{task}项任务的牵头部门：{}。", lead.name.zh),
                        format!("Task {task} of the plan is led by {}.", lead.name.en),
                    ),
                    None => (format!("牵头部门：{}。", lead.name.zh), format!("Led by {}.", lead.name.en)),
                };
                steps.push(Step::new("lead", None, zh, en));
            }
            explain_succession(&route.department, named, &heirs, steps);
            choice.take_lead(heirs);
        }
        for route in routes().filter(|route| route.part == Part::Assist) {
            choice.take_assisting(self.heirs(&route.department, on));
        }
        if choice.lead.is_none() {
            choice.lead = self.market(on);
            if let Some(lead) = choice.lead {
                choice.assisting.retain(|other| other.code != lead.code);
                steps.push(Step::new(
                    "market_regulation",
                    None,
                    format!("方案没有为该领域指定部门，由{}负责。", lead.name.zh),
                    format!("The plan names no department for this sector; {} takes it.", lead.name.en),
                ));
            }
        }
        choice
    }

    /// Whose office owns the case: the lead; when it can't decide, the next of the list that can; else market regulation.
    pub(super) fn handler(self, choice: &Choice<'a>, on: Date, steps: &mut Vec<Step>) -> Option<&'a Department> {
        let Some(lead) = choice.lead else { return self.market(on) };
        let handler = if lead.enforces {
            Some(lead)
        } else {
            let next = choice.assisting.iter().copied().find(|department| department.enforces);
            next.or_else(|| self.market(on)).inspect(|handler| {
                steps.push(Step::new(
                    "lead_does_not_enforce",
                    None,
                    format!("{}不是执法部门，不能作为承办部门，由{}承办。", lead.name.zh, handler.name.zh),
                    format!("{} can't decide cases; {} handles it.", lead.name.en, handler.name.en),
                ));
            })
        };
        if let Some(handler) = handler.filter(|handler| handler.regime == Regime::OtherDepartments) {
            // Order 121 binds market regulation only (its Art 2); 消保法 Art 46 gives the others their limit. Neither says at which
            // place the others are competent, so the rules above are applied to them too.
            steps.push(Step::new(
                "regime",
                None,
                format!("{}适用《消费者权益保护法》第四十六条的程序，管辖地参照上述规定。", handler.name.zh),
                format!(
                    "{} follows Art 46 of the consumer protection law; the place is found by the same rules.",
                    handler.name.en
                ),
            ));
        }
        handler
    }

    /// Market regulation on a day: what 省工商局 was before the reform, and what became of it.
    pub(super) fn market(self, on: Date) -> Option<&'a Department> {
        let able = |code: &str| {
            let heirs = self.heirs(code, on);
            heirs.into_iter().filter(|(department, _)| department.enforces).map(|(department, _)| department).next()
        };
        able(MARKET_REGULATION).or_else(|| able(MARKET_REGULATION_NOW)).or_else(|| {
            // Only for a catalogue that knows neither.
            let mut alive = self.catalogue.departments.values().filter(|d| d.enforces && in_force(d.from, d.until, on));
            let first = alive.next();
            alive
                .find(|d| d.regime == Regime::MarketRegulation)
                .filter(|_| first.is_none_or(|d| d.regime != Regime::MarketRegulation))
                .or(first)
        })
    }

    /// What a department of the plan's list is on a day: itself, those that took its duties over, or, when it doesn't exist yet,
    /// the one that it comes from. Main successors come first. Empty for a group or a code that isn't known.
    pub(super) fn heirs(self, code: &str, on: Date) -> Heirs<'a> {
        let mut heirs = Vec::with_capacity(2);
        self.follow(code, on, true, DEEPEST, &mut heirs);
        heirs
    }

    fn follow(self, code: &str, on: Date, main: bool, left: u8, heirs: &mut Heirs<'a>) {
        let Some(left) = left.checked_sub(1) else { return };
        let department = self.catalogue.departments.get(code);
        let alive = department.filter(|department| in_force(department.from, department.until, on));
        let successions = || {
            let positions = self.index.after.get(code).map(Vec::as_slice).unwrap_or_default();
            positions.iter().filter_map(|&at| self.catalogue.successions.get(at)).filter(|change| change.from <= on)
        };
        // Until the main duties have gone it is still the one to ask, even when others have left it.
        let moved = successions().any(|change| change.main) || (alive.is_none() && successions().next().is_some());
        if !moved {
            match (alive, department) {
                (Some(department), _) => push(heirs, department, main),
                (None, Some(_)) => {
                    if let Some(origin) = self.origin(code, on, left) {
                        push(heirs, origin, main);
                    }
                }
                (None, None) => {}
            }
        }
        for change in successions().filter(|change| change.main) {
            self.follow(&change.successor, on, main, left, heirs);
        }
        for change in successions().filter(|change| !change.main) {
            self.follow(&change.successor, on, false, left, heirs);
        }
        if moved && let Some(department) = alive {
            push(heirs, department, false);
        }
    }

    /// The department that one which doesn't exist yet comes from; main lines first.
    fn origin(self, code: &str, on: Date, left: u8) -> Option<&'a Department> {
        let left = left.checked_sub(1)?;
        let changes = || {
            let positions = self.index.before.get(code).map(Vec::as_slice).unwrap_or_default();
            positions.iter().filter_map(|&at| self.catalogue.successions.get(at)).filter(|change| change.from > on)
        };
        let main = changes().filter(|change| change.main);
        main.chain(changes().filter(|change| !change.main)).find_map(|change| {
            let department = self.catalogue.departments.get(&change.predecessor)?;
            if in_force(department.from, department.until, on) {
                Some(department)
            } else {
                self.origin(&change.predecessor, on, left)
            }
        })
    }
}

fn push<'a>(heirs: &mut Heirs<'a>, department: &'a Department, main: bool) {
    match heirs.iter_mut().find(|(known, _)| known.code == department.code) {
        Some((_, was)) => *was |= main,
        None => heirs.push((department, main)),
    }
}

/// Says that the department listed is another one today.
fn explain_succession(code: &str, named: Option<&Department>, heirs: &Heirs<'_>, steps: &mut Vec<Step>) {
    if let Some((heir, _)) = heirs.iter().find(|(_, main)| *main).or_else(|| heirs.first())
        && heir.code != code
    {
        let (zh, en) = named.map_or((code, code), |named| (named.name.zh.as_str(), named.name.en.as_str()));
        steps.push(Step::new(
            "succession",
            None,
            format!("{zh}的职责在收到之日由{}行使。", heir.name.zh),
            format!("On the day of receipt the duties of {en} are those of {}.", heir.name.en),
        ));
    }
}

impl<'a> Choice<'a> {
    /// The main heir leads; the others that took over part of the lead's duties assist, before everyone else.
    fn take_lead(&mut self, heirs: Heirs<'a>) {
        let main = heirs.iter().position(|(_, main)| *main).unwrap_or(0);
        for (at, (department, _)) in heirs.into_iter().enumerate() {
            if at == main {
                self.lead = Some(department);
            } else {
                self.assisting.push(department);
            }
        }
    }

    /// Of an assisting department whose duties were divided only the main heirs assist: the rest has nothing to do with consumers
    /// (the sea went to natural resources when the fisheries went to agriculture).
    fn take_assisting(&mut self, heirs: Heirs<'a>) {
        let any_main = heirs.iter().any(|(_, main)| *main);
        for (department, main) in heirs {
            let known = self.lead.is_some_and(|lead| lead.code == department.code)
                || self.assisting.iter().any(|other| other.code == department.code);
            if (main || !any_main) && !known {
                self.assisting.push(department);
            }
        }
    }
}

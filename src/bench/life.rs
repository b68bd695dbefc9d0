//! What becomes of a case, by its number: most are accepted, mediated and ended within weeks, some are refused, withdrawn or
//! referred, a few lie. What would lie in the future hasn't happened yet, so that the last weeks' cases are open.

use super::cases::draw;
use crate::config::catalogue::{Catalogue, Ground};
use crate::domain::case::{Actor, Case};
use crate::domain::vocabulary::{Action, Kind, Role, State};
use crate::intake::history::Past;
use crate::track::Command;
use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How a complaint ends.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Mediated,
    NotAgreed,
    Refused,
    SelfSettled,
    Withdrawn,
    Referred,
    /// Nobody decides on it.
    Lies,
    /// Its mediation doesn't end.
    Drags,
}

/// The life of one case.
#[derive(Debug)]
pub struct Life<'a> {
    catalogue: &'a Catalogue,
    number: usize,
    now: Timestamp,
    at: Option<Timestamp>,
}

impl<'a> Life<'a> {
    /// Of the case of a number, up to now.
    pub const fn new(catalogue: &'a Catalogue, number: usize, now: Timestamp) -> Self {
        Self { catalogue, number, now, at: None }
    }

    /// The next step of the case as it is now; `None` when nothing more has happened.
    pub fn next(&mut self, case: &Case) -> Option<Past> {
        let before = self.at.unwrap_or(case.received_at);
        let (action, role, days, fields) = self.step(case)?;
        let hours = 24 * days + i64::try_from(draw(self.number, 50 + u64::from(action as u8)) % 20).unwrap_or(0);
        let at = before + SignedDuration::from_hours(hours);
        if at > self.now {
            return None;
        }
        self.at = Some(at);
        let Value::Object(mut fields) = fields else { return None };
        if let Some(day) = fields.get_mut("performance_date") {
            *day = json!(crate::ambient::today_in_shanghai(at));
        }
        Some(Past { at, command: Command { action, actor: actor(role, case), fields } })
    }

    fn share(&self, salt: u64) -> usize {
        draw(self.number, salt) % 100
    }

    fn fate(&self) -> Fate {
        match draw(self.number, 40) % 1000 {
            0..480 => Fate::Mediated,
            480..640 => Fate::NotAgreed,
            640..740 => Fate::Refused,
            740..870 => Fate::SelfSettled,
            870..930 => Fate::Withdrawn,
            930..990 => Fate::Referred,
            990..993 => Fate::Lies,
            _ => Fate::Drags,
        }
    }

    /// What is done next, by whom, after so many days, with which fields.
    fn step(&self, case: &Case) -> Option<(Action, Role, i64, Value)> {
        let rule = self.catalogue.rule_by_id(&case.rule)?;
        let fate = self.fate();
        let some = |salt: u64, most: usize| i64::try_from(draw(self.number, salt) % most).unwrap_or(0);
        let referral = json!({"body": "court", "reason": "双方对事实争议较大，建议通过诉讼解决"});
        let settled = |outcome: &str| {
            let amount = format!("{}.00", 10 + draw(self.number, 44) % 3_000);
            json!({"outcome": outcome, "amount": amount, "performance_date": ""})
        };
        Some(match case.state {
            State::Received | State::Triage | State::Returned => {
                (Action::Dispatch, Role::Dispatcher, 1, json!({"office": case.office}))
            }
            State::Negotiating if self.share(41) < 70 => {
                (Action::Settle, Role::Station, 2 + some(45, 6), settled("self_settled"))
            }
            State::Negotiating => {
                (Action::HandOver, Role::Station, 4 + some(45, 6), json!({"record": "双方未能就退款达成一致"}))
            }
            State::Dispatched if case.kind == Kind::Report => (Action::Verify, Role::Officer, 2, json!({})),
            State::Dispatched => match fate {
                Fate::Lies => return None,
                Fate::Refused if !rule.refusal.is_empty() => {
                    let reason = "经核查，不属于本机关受理范围";
                    (Action::Refuse, Role::Officer, 3, json!({"ground": self.ground(&rule.refusal), "reason": reason}))
                }
                Fate::Referred => (Action::Transfer, Role::Officer, 3, referral),
                _ => (Action::Accept, Role::Officer, 1 + some(46, 7), json!({})),
            },
            State::Verifying if self.share(42) < 60 => (
                Action::DecideFiling,
                Role::Officer,
                8,
                json!({"decision": "filed", "reason": "有初步证据证明违法行为"}),
            ),
            State::Verifying => {
                (Action::DecideFiling, Role::Officer, 8, json!({"decision": "not_filed", "reason": "未发现违法行为"}))
            }
            State::Accepted => match fate {
                Fate::SelfSettled => (Action::Settle, Role::Officer, 6, settled("self_settled")),
                Fate::Withdrawn => (Action::Withdraw, Role::Consumer, 5, json!({"reason": "问题已经解决"})),
                _ if case.consents.complainant.is_none() => {
                    (Action::RecordConsent, Role::Officer, 2, json!({"party": "complainant", "given": true}))
                }
                _ if case.consents.respondent.is_none() => {
                    (Action::RecordConsent, Role::Officer, 1, json!({"party": "respondent", "given": true}))
                }
                _ => (Action::StartMediation, Role::Officer, 3, json!({})),
            },
            State::Mediating => match fate {
                Fate::Drags => return None,
                Fate::NotAgreed if !rule.termination.is_empty() => {
                    let reason = "双方分歧较大，未能达成调解协议";
                    let fields = json!({"ground": self.ground(&rule.termination), "reason": reason});
                    (Action::Terminate, Role::Officer, 20, fields)
                }
                _ => (Action::Settle, Role::Officer, 8 + some(47, 20), settled("mediated")),
            },
            State::Suspended => return None,
            _ if case.clocks.iter().any(|clock| clock.is_running()) => (Action::Inform, Role::Officer, 1, json!({})),
            _ if case.rating.is_none() && self.share(43) < 40 => {
                let satisfied = 1 + draw(self.number, 48) % 5;
                let fields = json!({"solved": satisfied > 2, "satisfied": satisfied, "contacted": satisfied > 1});
                (Action::Rate, Role::Consumer, 2, fields)
            }
            _ => return None,
        })
    }

    fn ground<'b>(&self, grounds: &'b [Ground]) -> &'b str {
        &grounds[draw(self.number, 49) % grounds.len()].code
    }
}

fn actor(role: Role, case: &Case) -> Actor {
    let unit = match role {
        Role::Officer => Some(case.office.clone()),
        Role::Station => case.station.clone(),
        _ => None,
    };
    Actor { role, user: unit.as_ref().map(|unit| format!("{role}-{unit}")), unit }
}

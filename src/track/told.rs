//! What other systems are told of a step: a row of the outbox for each subscriber that wants it. Codes, days and amounts
//! only: nothing that names or describes a person, and nothing that anyone wrote.

use crate::app::App;
use crate::domain::case::Case;
use crate::domain::vocabulary::{Action, Audience, Lang, NoticeChannel, State};
use crate::domain::webhook::PREFIX;
use crate::notify::{Owing, owe};
use crate::store::outbox::OutboxRow;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// The rows that a step owes; `case` is the case after it.
pub fn rows(app: &App, case: &Case, action: Action, from: Option<State>, now: Timestamp) -> Vec<OutboxRow> {
    let subscriptions = app.subscriptions();
    let mut wanting = subscriptions.iter().filter(|one| one.wants(case, action)).peekable();
    if wanting.peek().is_none() {
        return Vec::new();
    }
    let values = values(case, action, from, now);
    wanting
        .map(|one| {
            let destination = one.id.to_string();
            let owing = Owing {
                notice: &format!("{PREFIX}{action}"),
                channel: NoticeChannel::Webhook,
                audience: Audience::Subscriber,
                destination: &destination,
                lane: &destination,
                lang: Lang::En,
                values: &values,
                case: None,
                urgent: false,
                due_at: now,
                expires_at: None,
            };
            owe(&app.vault, app.entropy.as_ref(), now, &owing)
        })
        .collect()
}

fn values(case: &Case, action: Action, from: Option<State>, now: Timestamp) -> Map<String, Value> {
    let told = json!({
        "reference": case.reference,
        "kind": case.kind,
        "action": action,
        "state_before": from,
        "state": case.state,
        "version": case.version,
        "at": now,
        "received_at": case.received_at,
        "sector": case.sector,
        "division": case.division,
        "office": case.office,
        "station": case.station,
        "next_due": case.next_due(),
        "outcome": case.outcome,
        "ground": case.ground,
        "closed_on": case.milestones.closed,
    });
    match told {
        Value::Object(told) => told,
        _ => Map::new(),
    }
}

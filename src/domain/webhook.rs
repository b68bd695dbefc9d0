//! What another system may subscribe to: the steps of cases, by kind, place and action.

use crate::domain::case::Case;
use crate::domain::division::Division;
use crate::domain::vocabulary::{Action, Kind};
use uuid::Uuid;

/// What every type of event begins with; the action follows: `case.accept`.
pub const PREFIX: &str = "case.";

/// The event by which an operator tries a subscription out.
pub const PING: &str = "ping";

/// Whether a step is told to others. What a unit does within itself isn't.
pub const fn is_told(action: Action) -> bool {
    !matches!(action, Action::Note | Action::Assign)
}

/// Which steps a subscriber is told of.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Subscription {
    /// Key of the webhook.
    pub id: Uuid,
    /// These actions; empty for all that are told.
    pub actions: Vec<Action>,
    /// Of cases of these kinds.
    pub kinds: Vec<Kind>,
    /// Within this division and those below it; everywhere without one.
    pub division: Option<Division>,
}

impl Subscription {
    /// Whether a step of a case is told to the subscriber.
    pub fn wants(&self, case: &Case, action: Action) -> bool {
        let of_action = if self.actions.is_empty() { is_told(action) } else { self.actions.contains(&action) };
        let within = |root: Division| {
            let range = root.six_digit_range();
            (range.start..range.end).contains(&case.division.six_digits().number())
        };
        of_action && self.kinds.contains(&case.kind) && self.division.is_none_or(within)
    }
}

//! What marks a case out among those that are due on the same day (policy of this service: urgent first).

/// Days within which complaints against one merchant count as a group.
pub const GROUP_DAYS: u16 = 7;

/// Fewest complaints of a group.
const GROUP: usize = 5;

/// A mark.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Mark {
    /// So many complaints against the same merchant within [`GROUP_DAYS`].
    Group(usize),
    /// Its unit was reminded, urged or supervised so many times.
    Pressed(usize),
}

/// The marks of a case: complaints against the same merchant, itself included, and how often its unit was pressed.
pub fn marks(same_merchant: usize, pressed: usize) -> Vec<Mark> {
    let group = (same_merchant >= GROUP).then_some(Mark::Group(same_merchant));
    let pressed = (pressed > 0).then_some(Mark::Pressed(pressed));
    group.into_iter().chain(pressed).collect()
}

/// How much marks weigh together: a group before being pressed, more before less.
pub fn weight(marks: &[Mark]) -> u32 {
    let of = |mark: &Mark| match mark {
        Mark::Group(n) => 1_000 + u32::try_from(*n).unwrap_or(u32::MAX / 4).min(900),
        Mark::Pressed(n) => 100 + u32::try_from(*n).unwrap_or(u32::MAX / 4).min(90),
    };
    marks.iter().map(of).sum()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_group_weighs_more_than_reminders() {
        assert!(marks(4, 0).is_empty());
        assert_eq!(marks(5, 2), [Mark::Group(5), Mark::Pressed(2)]);
        let of = |same, pressed| weight(&marks(same, pressed));
        assert!(of(5, 2) > of(5, 0) && of(5, 0) > of(1, 90) && of(1, 2) > of(1, 1) && of(1, 0) == 0);
    }
}

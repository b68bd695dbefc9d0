//! Joint and mass matters: many complaints that are one.
//!
//! Comes in: the cases of the last weeks. Goes out: **alarms** ([`watch`]) of a merchant, or a word of the lexicon, about which more
//! people complain than is usual ([`rise`]); **proposals** ([`propose`]): open complaints against one merchant within some weeks
//! whose texts resemble each other ([`resemble`]), for an officer to look at.
//!
//! The machine proposes: nothing is joined, closed or refused by it. Linking and merging are steps of the cases, taken by staff
//! (Order 121 Art 12 and 35). An officer makes a **group** ([`group`]) of what was proposed, or of other cases of one merchant; what
//! is done with all of its members goes the way of the single case, by the table of steps. `docs/mass-matters.md` tells how it counts,
//! and how well it does.

pub mod group;
pub mod propose;
pub mod resemble;
pub mod rise;
pub mod watch;

#[cfg(test)]
mod year;

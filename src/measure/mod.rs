//! Measures how cases are handled: counts facts in the unit of work that changes a case, and answers with rates.
//!
//! Comes in: a case before and after a step ([`count`]), or a question with a period and dimensions ([`query`]). Goes out:
//! changes to counters, or rates with their definition, their target and the list of exactly the cases behind each number
//! ([`summary`]). The rates are data ([`rates`]); the plan's targets and the published formulas that they were checked
//! against are named there. [`recount`] counts everything anew from the cases and compares; [`freeze`] keeps a closed month.

pub mod count;
pub mod facts;
pub mod freeze;
pub mod query;
pub mod rates;
pub mod recount;
pub mod summary;

#[cfg(test)]
pub(crate) mod testing;
#[cfg(test)]
mod tests;

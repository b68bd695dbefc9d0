//! What an operator decides: the settings of an installation, and the catalogue of sectors, departments, divisions, offices,
//! stations, rules, calendars and targets, read from data files and checked whole at start.

pub mod catalogue;
pub mod settings;

mod calendar;
mod departments;
mod documents;
mod error;
mod load;
mod lookup;
mod node;
mod offices;
mod places;
mod routes;
mod rules;
mod source;
mod stations;
mod table;
mod targets;
mod templates;
mod words;

pub use calendar::merge_year;
pub use error::ConfigError;
pub use load::load;
pub use settings::Settings;
pub use source::Source;
pub use templates::{NoText, Piece, Templates};
pub use words::Words;

#[cfg(test)]
mod tests;

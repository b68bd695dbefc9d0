//! What an operator decides: the settings of an installation, and the catalogue of sectors, departments, divisions, offices,
//! stations, rules, calendars and targets, read from data files and checked whole at start.

pub mod catalogue;

//! Questions to the catalogue that take more than one of its lists.

use super::catalogue::{Catalogue, Department, Office, Route, Succession, in_force};
use super::offices::office_code;
use crate::domain::division::Division;
use jiff::civil::Date;
use std::collections::BTreeSet;

impl Catalogue {
    /// The departments that hold, on a day, what a department of another time held: itself while it exists, else its successors,
    /// or before its time its predecessors. The one that a consumer's case goes to comes first; none stands there twice.
    /// Empty for an unknown code.
    pub fn department_on(&self, code: &str, day: Date) -> Vec<&Department> {
        let mut found = Vec::new();
        self.follow(code, day, &mut BTreeSet::new(), &mut found);
        found
    }

    fn follow<'a>(&'a self, code: &str, day: Date, seen: &mut BTreeSet<String>, found: &mut Vec<&'a Department>) {
        if !seen.insert(code.to_owned()) {
            return;
        }
        let Some(department) = self.departments.get(code) else { return };
        if in_force(department.from, department.until, day) {
            found.push(department);
            return;
        }
        let ended = department.until.is_some_and(|until| until < day);
        let leads_on = |succession: &&Succession| {
            if ended { succession.predecessor == code && succession.from <= day } else { succession.successor == code }
        };
        let mut next: Vec<&Succession> = self.successions.iter().filter(leads_on).collect();
        next.sort_by_key(|succession| !succession.main);
        for succession in next {
            self.follow(if ended { &succession.successor } else { &succession.predecessor }, day, seen, found);
        }
    }

    /// The department of a line, e.g. `amr`.
    pub fn department_by_line(&self, line: &str) -> Option<&Department> {
        self.departments.values().find(|department| department.line == line)
    }

    /// The office of a line at a place, in force or not; old division codes are read as the new. Never more than one:
    /// the code is made of both. Towns have none.
    pub fn office_of(&self, line: &str, division: Division) -> Option<&Office> {
        let division = self.places.get(division)?.code;
        self.offices.get(&office_code(self.department_by_line(line)?, division))
    }

    /// The plan's list for a sector, in its order.
    pub fn routes_of<'a>(&'a self, sector: &'a str) -> impl Iterator<Item = &'a Route> {
        self.routes.iter().filter(move |route| route.sector == sector)
    }
}

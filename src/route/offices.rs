//! The office of a department at a place, or the nearest above it.

use super::{Run, Step};
use crate::config::catalogue::{Department, Office};
use crate::domain::division::Division;
use crate::domain::vocabulary::Lang;
use jiff::civil::Date;

impl<'a> Run<'a> {
    /// The office of a department for a division: there, or at the nearest level above at which the department has one on the day
    /// (county → city → province). A step for each level climbed.
    pub(super) fn office_near(
        self,
        department: &'a Department,
        division: Division,
        on: Date,
        steps: &mut Vec<Step>,
    ) -> Option<(&'a Office, &'a Department)> {
        let before = steps.len();
        let found = self.climb(department, division, on, |from, to| {
            steps.push(Step::new(
                "climb",
                None,
                format!(
                    "{}在{}没有承办单位，由{}一级承办。",
                    department.name.zh,
                    self.label(from, Lang::Zh),
                    self.label(to, Lang::Zh)
                ),
                format!(
                    "{} has no office at {}; the level above, {}, handles it.",
                    department.name.en,
                    self.label(from, Lang::En),
                    self.label(to, Lang::En)
                ),
            ));
        });
        if found.is_none() {
            steps.truncate(before);
        }
        found.map(|office| (office, department))
    }

    /// As [`Run::office_near`], telling `climbed(from, to)` of each level.
    pub(super) fn climb(
        self,
        department: &Department,
        division: Division,
        on: Date,
        mut climbed: impl FnMut(Division, Division),
    ) -> Option<&'a Office> {
        let root = self.root();
        let mut at = division;
        // Four levels at most lie between a town and the province.
        for _ in 0..4 {
            if at == root {
                return self.catalogue.office_on(&department.code, on);
            }
            if let Some(office) = self.catalogue.office_on(&format!("{}-{at}", department.line), on) {
                return Some(office);
            }
            let above = self.catalogue.places.by_code.get(&at).and_then(|place| place.parent).or_else(|| at.parent());
            let above = above.unwrap_or(root);
            climbed(at, above);
            at = above;
        }
        self.catalogue.office_on(&department.code, on)
    }

    /// Any office that can decide on the day, for a catalogue in which market regulation has none: the provincial ones first, by
    /// code, so that the answer is the same each time.
    pub(super) fn any_office(self, on: Date) -> Option<(&'a Office, &'a Department)> {
        let able = |office: &'a Office| {
            let department = self.catalogue.departments.get(&office.department)?;
            (department.enforces && self.catalogue.office_on(&office.code, on).is_some())
                .then_some((office, department))
        };
        self.catalogue
            .offices
            .values()
            .filter_map(able)
            .min_by_key(|(office, _)| (office.division, office.code.as_str()))
    }
}

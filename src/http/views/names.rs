//! Codes with their names out of the catalogue.

use crate::config::catalogue::Catalogue;
use crate::domain::division::Division;
use crate::domain::vocabulary::Lang;
use crate::http::views::case::GroundView;
use serde::Serialize;
use utoipa::ToSchema;

/// A code with its name in the language asked for.
#[derive(Debug, Serialize, ToSchema)]
pub struct Coded {
    /// Stable code.
    #[schema(example = "amr-320115")]
    pub code: String,
    /// Name; the code when the catalogue has none.
    pub name: String,
}

/// Names out of the catalogue in a language.
#[derive(Debug, Clone, Copy)]
pub struct Names<'a> {
    /// The catalogue.
    pub catalogue: &'a Catalogue,
    /// The language.
    pub lang: Lang,
}

impl Names<'_> {
    fn coded(code: &str, name: Option<&str>) -> Coded {
        Coded { code: code.to_owned(), name: name.unwrap_or(code).to_owned() }
    }

    /// A sector.
    pub fn sector(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.sector(code).map(|sector| sector.name.in_lang(self.lang)))
    }

    /// An office.
    pub fn office(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.offices.get(code).map(|office| office.name.in_lang(self.lang)))
    }

    /// A station.
    pub fn station(&self, code: &str) -> Coded {
        Self::coded(code, self.catalogue.stations.get(code).map(|station| station.name.in_lang(self.lang)))
    }

    /// An office or a station.
    pub fn unit(&self, code: &str) -> Coded {
        if self.catalogue.stations.contains_key(code) { self.station(code) } else { self.office(code) }
    }

    /// A line of government: its provincial department's name.
    pub fn line(&self, line: &str) -> Coded {
        let departments = &self.catalogue.departments;
        // Of several in the course of time, the one that still exists.
        let of_line = || departments.values().filter(|department| department.line == line);
        let found = of_line().find(|department| department.until.is_none()).or_else(|| of_line().next());
        Self::coded(line, found.map(|department| department.name.in_lang(self.lang)))
    }

    /// A division.
    pub fn division(&self, code: Division) -> Coded {
        Self::coded(&code.to_string(), self.catalogue.places.get(code).map(|place| place.name.as_str()))
    }

    pub(super) fn ground(&self, rule: &str, code: &str) -> GroundView {
        let found = self.catalogue.rule_by_id(rule).and_then(|rule| rule.ground(code));
        GroundView {
            code: code.to_owned(),
            text: found.map(|ground| ground.name.in_lang(self.lang).to_owned()),
            article: found.map(|ground| ground.article.clone()),
        }
    }
}

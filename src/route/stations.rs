//! The station that can help the parties to settle first: 一会两站 (Order 121 Art 6 and 18; the plan's tasks 24 and 25).

use super::{Question, Run, Step};
use crate::config::catalogue::{Catalogue, Station, StationKind, in_force};
use crate::domain::division::{Division, Level};
use crate::domain::text::key;
use crate::domain::vocabulary::Kind;
use std::collections::HashMap;

/// Stations by what they are looked up with.
#[derive(Debug, Clone, Default)]
pub(super) struct StationIndex {
    /// Service stations by their host's credit code, and by its name.
    by_uscc: HashMap<String, Vec<String>>,
    by_name: HashMap<String, Vec<String>>,
    /// Stations of a town or county, by kind, in the order of their codes.
    by_division: HashMap<Division, Vec<String>>,
    /// Stations with a host, by county: name of the host as compared, code of the station.
    hosted: HashMap<Division, Vec<(String, String)>>,
}

/// The shortest name of a venue that is looked for in an address; shorter ones are part of too many others.
const SHORTEST_VENUE: usize = 3;

impl StationIndex {
    pub(super) fn new(catalogue: &Catalogue) -> Self {
        let mut index = Self::default();
        for station in catalogue.stations.values() {
            let name = station.host_name.as_deref().map(key).filter(|name| !name.is_empty());
            if station.kind == StationKind::ServiceStation {
                if let Some(uscc) = &station.host_uscc {
                    index.by_uscc.entry(uscc.to_ascii_uppercase()).or_default().push(station.code.clone());
                }
                if let Some(name) = &name {
                    index.by_name.entry(name.clone()).or_default().push(station.code.clone());
                }
            } else {
                index.by_division.entry(station.division).or_default().push(station.code.clone());
            }
            if let Some(name) = name.filter(|name| name.chars().count() >= SHORTEST_VENUE) {
                let county = catalogue
                    .places
                    .get(station.division)
                    .and_then(|place| if station.division.level() == Level::Town { place.parent } else { None });
                let county = county.unwrap_or_else(|| station.division.six_digits());
                index.hosted.entry(county).or_default().push((name, station.code.clone()));
            }
        }
        // The longest name that is found in an address is the most exact.
        for hosted in index.hosted.values_mut() {
            hosted.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.1.cmp(&b.1)));
        }
        index
    }
}

impl<'a> Run<'a> {
    /// The station for a case, and why. A report isn't settled, so no station has a part in it. When the owner is only a
    /// fallback, no place is certain and only the merchant's own station counts.
    pub(super) fn station(
        self,
        question: &Question,
        county: &Division,
        town: Option<Division>,
        own_only: bool,
        steps: &mut Vec<Step>,
    ) -> Option<&'a Station> {
        if question.kind == Kind::Report {
            return None;
        }
        let index = &self.index.stations;
        let usable = |code: &String| {
            self.catalogue.stations.get(code).filter(|station| {
                in_force(station.from, station.until, question.on)
                    && (station.sectors.is_empty() || station.sectors.contains(&question.sector))
            })
        };
        let mut say = |station: &Station, code, zh: &str, en: &str| {
            steps.push(Step::new(
                code,
                None,
                format!("可先在{}协商：{zh}。", station.name.zh),
                format!("The parties may first settle at {}: {en}.", station.name.en),
            ));
        };
        let respondent = &question.respondent;
        let uscc = respondent.uscc.as_deref().map(str::to_ascii_uppercase);
        let own = |codes: Option<&'a Vec<String>>| codes.into_iter().flatten().find_map(usable);
        // A chain has one credit code and several stations: the one in the county is nearer.
        let nearest = |codes: Option<&'a Vec<String>>| {
            let near = |station: &&Station| station.division.is_within(*county);
            codes.into_iter().flatten().filter_map(usable).find(near).or_else(|| own(codes))
        };
        if let Some(station) = nearest(uscc.and_then(|uscc| index.by_uscc.get(&uscc))) {
            say(station, "station_of_merchant", "经营者设立的消费维权服务站", "the merchant's own service station");
            return Some(station);
        }
        let name = respondent.name.as_deref().map(key).unwrap_or_default();
        // The same name may be borne by others elsewhere, so it counts in the county only.
        let by_name = index.by_name.get(&name).into_iter().flatten().filter_map(usable);
        if let Some(station) = by_name.into_iter().find(|station| station.division.is_within(*county)) {
            say(station, "station_of_merchant", "经营者设立的消费维权服务站", "the merchant's own service station");
            return Some(station);
        }
        if own_only {
            return None;
        }
        let address = respondent.address.as_deref().map(key).unwrap_or_default();
        let hosted = index.hosted.get(county).map(Vec::as_slice).unwrap_or_default();
        let venue = hosted
            .iter()
            .filter(|(host, _)| address.contains(host.as_str()) || (name != *host && name.contains(host.as_str())))
            .find_map(|(_, code)| usable(code));
        if let Some(station) = venue {
            say(
                station,
                "station_of_venue",
                "经营者所在商场、市场的站点",
                "the station of the venue or market that the merchant is in",
            );
            return Some(station);
        }
        let at = |division: Division, kind: StationKind| {
            let codes = index.by_division.get(&division).map(Vec::as_slice).unwrap_or_default();
            let stations = || codes.iter().filter_map(usable).filter(move |station| station.kind == kind);
            // A station inside a venue serves that venue first.
            stations()
                .find(|station| station.host_name.is_none() && station.host_uscc.is_none())
                .or_else(|| stations().next())
        };
        if let Some(town) = town {
            if let Some(station) = at(town, StationKind::ComplaintStation) {
                say(station, "station_of_town", "所在乡镇、街道的投诉站", "the complaint station of the town");
                return Some(station);
            }
            if let Some(station) = at(town, StationKind::AssociationBranch) {
                say(
                    station,
                    "association_branch_of_town",
                    "所在乡镇、街道的消协分会",
                    "the association's branch of the town",
                );
                return Some(station);
            }
        }
        let station =
            at(*county, StationKind::ComplaintStation).or_else(|| at(*county, StationKind::AssociationBranch));
        if let Some(station) = station {
            say(station, "station_of_county", "所在县（市、区）的站点", "the station of the county");
        }
        station
    }
}

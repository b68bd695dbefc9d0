//! 一会两站: association branches, complaint stations, service stations.

use super::catalogue::{Name, Office, Places, Sector, Station, StationKind};
use super::error::{Codes, Faults};
use super::places::known_division;
use super::source::Source;
use super::table::{Row, Table};
use std::collections::{BTreeMap, HashMap};

/// What the rows of stations refer to.
pub(super) struct Known<'a> {
    pub(super) places: &'a Places,
    pub(super) divisions: &'a Codes,
    pub(super) offices: &'a HashMap<String, Office>,
    pub(super) sectors: &'a [Sector],
    pub(super) sector_codes: &'a Codes,
    /// Whether offices could be made at all: without departments or places no office is judged.
    pub(super) offices_complete: bool,
}

/// All stations by code.
pub(super) fn load(source: &Source, known: &Known<'_>, faults: &mut Faults) -> BTreeMap<String, Station> {
    let columns = [
        "code",
        "kind",
        "zh",
        "en",
        "division",
        "host_uscc",
        "host_name",
        "office",
        "sectors",
        "phone",
        "from",
        "until",
        "sample",
    ];
    let table = Table::read(source, "stations.csv", &columns, faults);
    let mut codes = Codes::new("stations.csv", table.usable);
    let mut stations = BTreeMap::new();
    for row in table.rows() {
        if let Some(station) = station(row, known, &mut codes, faults) {
            stations.insert(station.code.clone(), station);
        }
    }
    stations
}

fn station(row: Row<'_>, known: &Known<'_>, codes: &mut Codes, faults: &mut Faults) -> Option<Station> {
    let code = row.new_code("code", codes, faults);
    let kind = row.parse_required(
        "kind",
        "association_branch, complaint_station, service_station",
        |cell| match cell {
            "association_branch" => Some(StationKind::AssociationBranch),
            "complaint_station" => Some(StationKind::ComplaintStation),
            "service_station" => Some(StationKind::ServiceStation),
            _ => None,
        },
        faults,
    );
    let (zh, en) = (row.required("zh", faults), row.required("en", faults));
    let division = row.division("division", faults);
    if let Some(division) = division {
        known_division(row, division, known.divisions, faults);
    }
    let host_uscc = row.parse(
        "host_uscc",
        "18 digits and capital letters without I, O, S, V, Z (GB 32100)",
        |cell| is_uscc_shaped(cell).then(|| cell.to_owned()),
        faults,
    );
    let host_name = row.optional("host_name");
    if kind == Some(StationKind::ServiceStation) && host_name.is_none() {
        faults.push(row.fault("host_name", None, "a service station stands inside a merchant: name it"));
    }
    let office = row.required("office", faults);
    if let Some(office) = office
        && known.offices_complete
    {
        match known.offices.get(office) {
            None => faults.push(
                row.fault("office", Some(office), "unknown").allowed("<line>-<division> of an office, e.g. amr-320115"),
            ),
            Some(found) => {
                let place = division.and_then(|division| known.places.get(division));
                if place.is_some_and(|place| !place.code.is_within(found.division)) {
                    faults.push(row.fault("office", Some(office), "the station lies outside its place"));
                }
            }
        }
    }
    let sectors = row.list("sectors");
    for sector in &sectors {
        if !known.sectors.is_empty() {
            row.known("sectors", sector, known.sector_codes, faults);
        }
    }
    let (from, until) = row.span(faults);
    let sample = row.flag("sample", faults);
    Some(Station {
        code: code?.to_owned(),
        kind: kind?,
        name: Name { zh: zh?.to_owned(), en: en?.to_owned() },
        division: known.places.get(division?).map(|place| place.code)?,
        host_uscc,
        host_name: host_name.map(str::to_owned),
        office: office?.to_owned(),
        sectors: sectors.into_iter().map(str::to_owned).collect(),
        phone: row.optional("phone").map(str::to_owned),
        from,
        until,
        sample,
    })
}

fn is_uscc_shaped(text: &str) -> bool {
    text.len() == 18
        && text.bytes().all(|byte| {
            byte.is_ascii_digit() || (byte.is_ascii_uppercase() && !matches!(byte, b'I' | b'O' | b'S' | b'V' | b'Z'))
        })
}

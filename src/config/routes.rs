//! Sectors, the plan's list of departments for each, and the narrower rules that go before it.

use super::catalogue::{Name, Part, Route, Sector, Subroute};
use super::error::{Codes, ConfigError, Faults};
use super::node::{Node, read_toml};
use super::source::Source;
use super::table::{Row, Table};
use std::collections::BTreeSet;

/// Groups of units that the plan names as territorial handlers; they stand for no single department.
const GROUPS: &[&str] = &["group-city-cco"];

/// Tasks of the plan that are sectors.
const TASKS: std::ops::RangeInclusive<i64> = 1..=19;

/// The sectors in their order, and their codes.
pub(super) fn load_sectors(source: &Source, faults: &mut Faults) -> (Vec<Sector>, Codes) {
    let file = "sectors.toml";
    let before = faults.len();
    let Some(table) = read_toml(source, file, faults) else { return (Vec::new(), Codes::new(file, false)) };
    let label = source.label(file);
    let root = Node::root(&label, &table);
    root.only(&["sector"], faults);
    let mut codes = Codes::new(file, faults.len() == before);
    let mut tasks = BTreeSet::new();
    let mut sectors = Vec::new();
    for node in root.list("sector", faults) {
        sectors.extend(sector(&node, &mut codes, &mut tasks, faults));
    }
    if sectors.is_empty() {
        faults.push(ConfigError::of_file(&label, "no sector"));
    }
    (sectors, codes)
}

fn sector(node: &Node<'_>, codes: &mut Codes, tasks: &mut BTreeSet<u8>, faults: &mut Faults) -> Option<Sector> {
    node.only(&["code", "task", "zh", "en", "subsectors"], faults);
    let code = node.text("code", faults);
    if let Some(code) = code
        && !codes.add(code)
    {
        faults.push(node.fault("code", Some(code), "stands there twice"));
    }
    let number = node.integer("task", faults);
    let task = number.filter(|number| TASKS.contains(number)).and_then(|number| u8::try_from(number).ok());
    if let Some(number) = number
        && !task.is_some_and(|task| tasks.insert(task))
    {
        let fault = node.fault("task", Some(&number.to_string()), "not a task of the plan, or there twice");
        faults.push(fault.allowed("1 to 19, each once"));
    }
    let (zh, en) = (node.text("zh", faults), node.text("en", faults));
    let mut subsectors: Vec<(String, Name)> = Vec::new();
    for child in node.list("subsectors", faults) {
        child.only(&["code", "zh", "en"], faults);
        let fields = (child.text("code", faults), child.text("zh", faults), child.text("en", faults));
        let (Some(code), Some(zh), Some(en)) = fields else { continue };
        if subsectors.iter().any(|(earlier, _)| earlier == code) {
            faults.push(child.fault("code", Some(code), "stands there twice"));
        } else {
            subsectors.push((code.to_owned(), Name { zh: zh.to_owned(), en: en.to_owned() }));
        }
    }
    Some(Sector { code: code?.to_owned(), name: Name { zh: zh?.to_owned(), en: en?.to_owned() }, task, subsectors })
}

/// The plan's lists.
pub(super) fn load_routes(
    source: &Source,
    sectors: &[Sector],
    sector_codes: &Codes,
    departments: &Codes,
    faults: &mut Faults,
) -> Vec<Route> {
    let table = Table::read(source, "routes.csv", &["sector", "order", "department", "part"], faults);
    let mut routes: Vec<Route> = Vec::new();
    let before = faults.len();
    for row in table.rows() {
        let Some(route) = route(row, sector_codes, departments, faults) else { continue };
        let same = |earlier: &&Route| earlier.sector == route.sector;
        if routes.iter().filter(same).any(|earlier| earlier.order == route.order) {
            faults.push(row.fault("order", Some(&route.order.to_string()), format!("twice for {}", route.sector)));
        } else if routes.iter().filter(same).any(|earlier| earlier.department == route.department) {
            faults.push(row.fault("department", Some(&route.department), format!("twice for {}", route.sector)));
        } else {
            routes.push(route);
        }
    }
    // With rows left out for their own faults, a missing lead would be a fault told twice.
    if table.usable && faults.len() == before {
        for sector in sectors {
            check_parts(&table, sector, &routes, faults);
        }
    }
    routes.sort_by(|a, b| (&a.sector, a.order).cmp(&(&b.sector, b.order)));
    routes
}

fn route(row: Row<'_>, sectors: &Codes, departments: &Codes, faults: &mut Faults) -> Option<Route> {
    let sector = row.required("sector", faults);
    if let Some(sector) = sector {
        row.known("sector", sector, sectors, faults);
    }
    let order = row.parse_required("order", "0 to 255", |cell| cell.parse::<u8>().ok(), faults);
    let part = row.parse_required(
        "part",
        "territorial, lead, assist",
        |cell| match cell {
            "territorial" => Some(Part::Territorial),
            "lead" => Some(Part::Lead),
            "assist" => Some(Part::Assist),
            _ => None,
        },
        faults,
    );
    let department = row.required("department", faults);
    if let (Some(department), Some(part)) = (department, part) {
        let group = part == Part::Territorial && GROUPS.contains(&department);
        if !group {
            row.known("department", department, departments, faults);
        }
    }
    let (order, part) = (order?, part?);
    if (order == 0) != (part == Part::Territorial) {
        let shown = order.to_string();
        faults.push(
            row.fault("order", Some(&shown), "0 is the territorial handler's, and only its")
                .allowed("0 with territorial"),
        );
    }
    Some(Route { sector: sector?.to_owned(), order, department: department?.to_owned(), part })
}

/// Every sector has one territorial handler and one lead, and the lead stands first.
fn check_parts(table: &Table, sector: &Sector, routes: &[Route], faults: &mut Faults) {
    let of_sector: Vec<&Route> = routes.iter().filter(|route| route.sector == sector.code).collect();
    let mut fault = |detail: String| {
        faults.push(ConfigError::at(table.label(), None, "sector", Some(&sector.code), detail).allowed("exactly one"));
    };
    for (part, name) in [(Part::Lead, "lead"), (Part::Territorial, "territorial")] {
        let count = of_sector.iter().filter(|route| route.part == part).count();
        if count != 1 {
            fault(format!("{count} rows with part {name}"));
        }
    }
    if let Some(lead) = of_sector.iter().find(|route| route.part == Part::Lead)
        && of_sector.iter().any(|route| route.part == Part::Assist && route.order < lead.order)
    {
        let detail = "an assisting department stands before the lead";
        faults.push(ConfigError::at(table.label(), None, "sector", Some(&sector.code), detail));
    }
}

/// The narrower rules.
pub(super) fn load_subroutes(
    source: &Source,
    sectors: &[Sector],
    sector_codes: &Codes,
    departments: &Codes,
    faults: &mut Faults,
) -> Vec<Subroute> {
    let columns = ["code", "sector", "subsector", "department", "assist", "from", "until", "why_zh", "why_en"];
    let table = Table::read(source, "subroutes.csv", &columns, faults);
    let mut codes = Codes::new("subroutes.csv", table.usable);
    let mut subroutes: Vec<Subroute> = Vec::new();
    for row in table.rows() {
        let Some(subroute) = subroute(row, &mut codes, sectors, sector_codes, departments, faults) else { continue };
        if let Some(other) = subroutes.iter().find(|earlier| overlap(earlier, &subroute)) {
            faults.push(row.fault("code", Some(&subroute.code), format!("holds on the same days as {}", other.code)));
        }
        subroutes.push(subroute);
    }
    subroutes
}

fn subroute(
    row: Row<'_>,
    codes: &mut Codes,
    sectors: &[Sector],
    sector_codes: &Codes,
    departments: &Codes,
    faults: &mut Faults,
) -> Option<Subroute> {
    let code = row.new_code("code", codes, faults);
    let sector = row.required("sector", faults);
    let subsector = row.required("subsector", faults);
    if let Some(sector) = sector {
        row.known("sector", sector, sector_codes, faults);
    }
    if let (Some(sector), Some(subsector)) = (sector, subsector)
        && let Some(sector) = sectors.iter().find(|known| known.code == sector)
        && !sector.subsectors.iter().any(|(known, _)| known == subsector)
    {
        let known: Vec<&str> = sector.subsectors.iter().map(|(known, _)| known.as_str()).collect();
        let detail = format!("no sub-sector of {}", sector.code);
        faults.push(row.fault("subsector", Some(subsector), detail).allowed(known.join(", ")));
    }
    let department = row.required("department", faults);
    if let Some(department) = department {
        row.known("department", department, departments, faults);
    }
    let assist = row.list("assist");
    for code in &assist {
        row.known("assist", code, departments, faults);
    }
    let (from, until) = row.span(faults);
    let (zh, en) = (row.required("why_zh", faults), row.required("why_en", faults));
    Some(Subroute {
        code: code?.to_owned(),
        sector: sector?.to_owned(),
        subsector: subsector?.to_owned(),
        department: department?.to_owned(),
        assist: assist.into_iter().map(str::to_owned).collect(),
        from,
        until,
        why: Name { zh: zh?.to_owned(), en: en?.to_owned() },
    })
}

fn overlap(a: &Subroute, b: &Subroute) -> bool {
    let before = |until: Option<_>, from: Option<_>| matches!((until, from), (Some(until), Some(from)) if until < from);
    a.sector == b.sector && a.subsector == b.subsector && !before(a.until, b.from) && !before(b.until, a.from)
}

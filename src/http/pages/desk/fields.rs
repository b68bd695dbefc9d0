//! Forms of steps, made from what the transition table says that a step carries, and read back into what a step takes.

use crate::app::App;
use crate::domain::division::Division;
use crate::http::error::Problem;
use crate::http::pages::desk::queue;
use crate::http::pages::form::{Choice, Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::views::CaseView;
use crate::track::{Available, FieldSpec};
use serde_json::{Map, Value, json};

/// A text longer than this is written on several lines.
const ONE_LINE: usize = 200;

/// A field of a step, ready to be shown.
#[derive(Debug, Default)]
pub struct Field {
    /// Name in the request, and place on the page.
    pub name: String,
    /// What it is called.
    pub label: String,
    /// A line under it.
    pub hint: &'static str,
    /// `line`, `area`, `choice`, `checks`, `select`, `group`.
    pub look: &'static str,
    /// Whether it must be given.
    pub required: bool,
    /// Most characters.
    pub most: Option<usize>,
    /// What was typed.
    pub value: String,
    /// All that was chosen.
    pub values: Vec<String>,
    /// What can be chosen, in groups.
    pub groups: Vec<(String, Vec<Choice>)>,
    /// Parts of it.
    pub parts: Vec<Field>,
    /// What is wrong with it.
    pub fault: String,
    /// Class that tells the width.
    pub width: &'static str,
}

impl Field {
    /// Ids of what describes it.
    pub fn described(&self) -> String {
        let hint = (!self.hint.is_empty()).then(|| format!("{}-hint", self.name));
        let fault = (!self.fault.is_empty()).then(|| format!("{}-fault", self.name));
        hint.into_iter().chain(fault).collect::<Vec<_>>().join(" ")
    }

    /// Whether a value is chosen.
    pub fn has(&self, value: &str) -> bool {
        self.values.iter().any(|given| given == value)
    }
}

/// The words of a code that a field takes.
fn value_words(frame: &Frame, view: &CaseView, app: &App, code: &str) -> String {
    let own = ["staff_value", "staff_outcome", "staff_demand"].into_iter().map(|section| frame.coded(section, code));
    if let Some(words) = own.into_iter().find(|words| !words.is_empty()) {
        return words.to_owned();
    }
    let catalogue = app.catalogue();
    let ground = catalogue.rule_by_id(&view.routing.rule).and_then(|rule| rule.ground(code));
    ground.map_or_else(
        || code.to_owned(),
        |ground| format!("{} {}", ground.article, ground.name.in_lang(frame.lang)).trim().to_owned(),
    )
}

/// Offices in force at the case's place, its city and the province; for designating, at the place that is asked for.
fn offices(app: &App, frame: &Frame, view: &CaseView) -> Vec<(String, Vec<Choice>)> {
    let (catalogue, today) = (app.catalogue(), app.today());
    let Ok(place) = Division::parse(&view.routing.division.code) else { return Vec::new() };
    let mut groups = Vec::new();
    for division in [place.six_digits(), place.city(), place.province()] {
        let mut choices: Vec<Choice> = catalogue
            .offices
            .values()
            .filter(|office| office.division == division && catalogue.office_on(&office.code, today).is_some())
            .map(|office| Choice::new(&office.code, office.name.in_lang(frame.lang)))
            .collect();
        choices.sort_by(|a, b| a.label.cmp(&b.label));
        let name = catalogue.places.name_in(division, frame.lang).unwrap_or_default().to_owned();
        if !choices.is_empty() && !groups.iter().any(|(known, _)| *known == name) {
            groups.push((name, choices));
        }
    }
    groups
}

/// The fields of a step with what was typed and what is wrong.
pub fn fields(
    app: &App,
    frame: &Frame,
    view: &CaseView,
    step: &Available,
    typed: &Fields,
    faults: &Faults,
) -> Vec<Field> {
    step.fields.iter().map(|spec| field(app, frame, view, step, spec, typed, faults)).collect()
}

fn field(
    app: &App,
    frame: &Frame,
    view: &CaseView,
    step: &Available,
    spec: &FieldSpec,
    typed: &Fields,
    faults: &Faults,
) -> Field {
    let label = |name: &str| {
        let own = frame.coded("staff_field", &format!("{}_{name}", step.action));
        if own.is_empty() { frame.coded("staff_field", name) } else { own }
    };
    let one = |choices: Vec<Choice>| vec![(String::new(), choices)];
    let listed = || -> Vec<Choice> {
        let codes = spec.allowed.clone().unwrap_or_default();
        codes.into_iter().map(|code| Choice::new(&code, value_words(frame, view, app, &code))).collect()
    };
    let mut field = Field {
        name: spec.name.to_owned(),
        label: label(spec.name).to_owned(),
        hint: frame.coded("staff_hint", &format!("{}_{}", step.action, spec.name)),
        required: spec.required,
        most: spec.max_length,
        value: typed.get(spec.name).to_owned(),
        values: typed.all(spec.name).to_vec(),
        fault: faults.of(spec.name).to_owned(),
        look: "line",
        ..Field::default()
    };
    if field.hint.is_empty() {
        field.hint = frame.coded("staff_hint", spec.kind);
    }
    match spec.kind {
        "text" if spec.max_length.is_some_and(|most| most > ONE_LINE) => field.look = "area",
        "code" => {
            let choices = listed();
            field.look = if choices.len() > 8 { "select" } else { "choice" };
            field.groups = one(choices);
        }
        "boolean" => {
            field.look = "choice";
            field.groups = one(queue::coded(frame, "staff_value", &["true", "false"]));
        }
        "integer" => {
            field.look = "choice";
            let range = spec.min.unwrap_or(0)..=spec.max.unwrap_or(0);
            field.groups = one(range.map(|n| Choice::new(n.to_string(), n.to_string())).collect());
        }
        "user" => (field.look, field.groups) = ("select", one(listed())),
        "sector" => (field.look, field.groups) = ("select", one(queue::sectors(app, frame))),
        "office" => (field.look, field.groups) = ("select", offices(app, frame, view)),
        "demands" => (field.look, field.groups) = ("checks", one(listed())),
        "cases" => field.look = "area",
        "date" | "money" => field.width = "narrow",
        "case" => field.width = "middle",
        "party" => {
            field.look = "group";
            let merchant = spec.name == "respondent";
            // A merchant has no papers of a person, and a person no credit code.
            let foreign: &[&str] = if merchant { &["email", "id_type", "id_number"] } else { &["uscc"] };
            let names = spec.allowed.iter().flatten().filter(|name| !foreign.contains(&name.as_str()));
            field.parts = names
                .map(|part| {
                    let name = format!("{}.{part}", spec.name);
                    let choices = if part == "id_type" {
                        one(queue::coded(frame, "staff_value", &["resident_id", "passport", "other"]))
                    } else {
                        Vec::new()
                    };
                    Field {
                        label: frame.coded("staff_part", part).to_owned(),
                        value: typed.get(&name).to_owned(),
                        values: typed.all(&name).to_vec(),
                        fault: faults.of(&name).to_owned(),
                        look: if part == "id_type" { "select" } else { "line" },
                        groups: choices,
                        name,
                        ..Field::default()
                    }
                })
                .collect();
        }
        _ => {}
    }
    field
}

/// What was typed, as a step takes it. What was left empty isn't there; what can't be read stays text, and the step says so.
pub fn read(step: &Available, typed: &Fields) -> Map<String, Value> {
    let mut values = Map::new();
    for spec in &step.fields {
        let value = match spec.kind {
            "boolean" => typed.given(spec.name).map(|text| match text.as_str() {
                "true" => json!(true),
                "false" => json!(false),
                other => json!(other),
            }),
            "integer" => typed
                .given(spec.name)
                .map(|text| text.parse::<i64>().map_or_else(|_| json!(text), |number| json!(number))),
            "cases" => {
                let all: Vec<&str> = typed.get(spec.name).split_whitespace().collect();
                (!all.is_empty()).then(|| json!(all))
            }
            "demands" => {
                let all: Vec<&String> = typed.all(spec.name).iter().filter(|value| !value.is_empty()).collect();
                (!all.is_empty()).then(|| json!(all))
            }
            "party" => {
                let parts = spec
                    .allowed
                    .iter()
                    .flatten()
                    .filter_map(|part| Some((part.clone(), json!(typed.given(&format!("{}.{part}", spec.name))?))));
                let parts: Map<String, Value> = parts.collect();
                (!parts.is_empty()).then_some(Value::Object(parts))
            }
            _ => typed.given(spec.name).map(Value::String),
        };
        if let Some(value) = value {
            values.insert(spec.name.to_owned(), value);
        }
    }
    values
}

/// The name of the field that a JSON pointer of a fault belongs to.
fn name_of(step: &Available, pointer: &str) -> Option<String> {
    let mut parts = pointer.trim_start_matches('/').split('/');
    let first = parts.next()?;
    let spec = step.fields.iter().find(|spec| spec.name == first)?;
    match parts.next().filter(|_| spec.kind == "party") {
        Some(part) => Some(format!("{first}.{part}")),
        None => Some(first.to_owned()),
    }
}

/// A fault in words: those of its code, else the English sentence with what is allowed.
pub fn fault_words(frame: &Frame, fault: &crate::domain::problem::Problem) -> String {
    let own = frame.coded("staff_fault", fault.fault.code);
    if own.is_empty() { fault.fault.to_string() } else { own.to_owned() }
}

/// The faults that a step found, at the fields of its form; what belongs to none stands in the summary alone.
pub fn faults(frame: &Frame, step: &Available, problem: &Problem) -> Faults {
    let mut faults = Faults::default();
    for fault in problem.faults() {
        let name = name_of(step, &fault.pointer).unwrap_or_else(|| "main".to_owned());
        faults.add(&name, fault_words(frame, fault));
    }
    faults
}

//! Places on pages: a county chosen out of a list by city, towns, names, and where to turn to instead.

use crate::app::App;
use crate::classify::ReferTo;
use crate::config::catalogue::Catalogue;
use crate::domain::division::Division;
use crate::domain::vocabulary::Lang;
use crate::http::pages::form::{Choice, Fields, Form};
use crate::http::pages::frame::Frame;

/// The answer that leaves the place to staff.
pub const UNKNOWN: &str = "staff";

/// The counties, by city; and leaving it open.
pub fn county(app: &App, form: &Form, name: &str) -> String {
    let catalogue = app.catalogue();
    let frame = &form.frame;
    let mut groups: Vec<(String, Vec<Choice>)> = Vec::new();
    if let Some(root) = catalogue.places.root {
        for city in catalogue.places.children(root) {
            groups.push((self::name(&catalogue, city.code, frame.lang), below(&catalogue, city.code, frame.lang)));
        }
    }
    groups.push((String::new(), vec![Choice::new(UNKNOWN, frame.t("filing.place_unknown"))]));
    form.select(name, &groups, true)
}

/// The towns of a county.
pub fn towns(app: &App, form: &Form, name: &str, county: Option<Division>) -> String {
    let catalogue = app.catalogue();
    let towns = county.map(|county| below(&catalogue, county, form.frame.lang)).unwrap_or_default();
    form.select(name, &[(String::new(), towns)], false)
}

fn below(catalogue: &Catalogue, parent: Division, lang: Lang) -> Vec<Choice> {
    let places = catalogue.places.children(parent);
    places.map(|place| Choice::new(place.code.to_string(), name(catalogue, place.code, lang))).collect()
}

/// The name of a place; the Chinese one where there is no other.
pub fn name(catalogue: &Catalogue, code: Division, lang: Lang) -> String {
    catalogue.places.name_in(code, lang).unwrap_or_default().to_owned()
}

/// The place that was chosen, if one was.
pub fn chosen(fields: &Fields, name: &str) -> Option<Division> {
    Division::parse(fields.get(name)).ok()
}

/// Where a matter that is none of consumers' belongs.
pub fn referral(frame: &Frame, to: &ReferTo) -> String {
    let (name, contact) = match frame.lang {
        Lang::Zh => (&to.name.zh, &to.contact.zh),
        Lang::En => (&to.name.en, &to.contact.en),
    };
    format!("{name}{}{contact}", frame.t("form.colon"))
}

//! Answers of people, in the shape of a filing; and what its check says of them, at the questions.

use super::step::Step;
use crate::app::App;
use crate::domain::party::{RawPerson, RawPlatform, RawRespondent};
use crate::domain::problem::Problems;
use crate::domain::vocabulary::Lang;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::pages::places::UNKNOWN;
use crate::intake::submission::{Checks, Entry, Raw, RawExternal, Submission};
use actix_web::HttpRequest;

/// The answer that leaves the sector to staff.
pub(super) const STAFF: &str = "staff";

/// The answer that the person chooses the sector from the whole list.
pub(super) const OWN: &str = "own";

/// The system that gives the numbers of the national platform.
const PLATFORM: &str = "platform_12315";

/// The door that a person came through: what the address names, else what was answered before, else a complaint.
pub(super) fn choose_kind(fields: &mut Fields, request: &HttpRequest) {
    let asked = request.query_string().split('&').find_map(|pair| pair.strip_prefix("kind="));
    let known = |kind: &&str| matches!(*kind, "complaint" | "report");
    if let Some(kind) = asked.filter(known) {
        fields.set("kind", kind);
    } else if !known(&fields.get("kind")) {
        fields.set("kind", "complaint");
    }
}

/// The answers as a filing.
pub(super) fn raw(fields: &Fields, lang: Lang) -> Raw {
    let kind = fields.given("kind");
    let report = kind.as_deref() == Some("report");
    let anonymous = report && fields.get("anonymous") == "yes";
    let place = fields.given("place").filter(|place| place != UNKNOWN);
    let platform = fields.given("platform_name");
    // Who sells on a platform may be anywhere; else the place that people name is the shop's.
    let shop = place.clone().filter(|_| platform.is_none());
    let person = RawPerson {
        name: fields.given("name"),
        phone: fields.given("phone"),
        email: fields.given("email"),
        address: fields.given("address"),
        ..RawPerson::default()
    };
    let number = fields.given("platform_number");
    Raw {
        kind,
        narrative: fields.given("narrative"),
        respondent: Some(RawRespondent {
            name: fields.given("respondent_name"),
            division: shop,
            address: fields.given("respondent_address"),
            phone: fields.given("respondent_phone"),
            uscc: fields.given("respondent_uscc"),
            platform: platform.map(|name| RawPlatform { name: Some(name), ..RawPlatform::default() }),
            ..RawRespondent::default()
        }),
        complainant: (!anonymous).then_some(person),
        demands: (!report).then(|| fields.all("demands").to_vec()),
        amount: fields.given("amount").filter(|_| !report).map(|amount| plain_amount(&amount)),
        division: fields.given("town").or(place),
        incident_date: fields.given("incident_date").filter(|_| !report).map(|date| plain_date(&date)),
        settle_first: Some(!report && fields.get("settle_first") == "yes"),
        external_references: number.map(|number| vec![RawExternal { system: PLATFORM.to_owned(), number }]),
        sector: sector(fields),
        anonymous: Some(anonymous),
        lang: Some(lang.code().to_owned()),
        ..Raw::default()
    }
}

/// The sector that the person chose; nothing when staff shall decide.
fn sector(fields: &Fields) -> Option<String> {
    match fields.get("sector") {
        OWN => fields.given("sector_own"),
        STAFF => None,
        _ => fields.given("sector"),
    }
}

/// An amount without what people write around its digits: `￥2,680 元`.
fn plain_amount(amount: &str) -> String {
    amount.chars().filter(|c| !c.is_whitespace() && !"¥￥元,，".contains(*c)).collect()
}

/// A date as filings have it, from `2026年11月8日` or `2026.11.8`; anything else as it stands.
fn plain_date(date: &str) -> String {
    let numbers: Vec<&str> = date.split(|c: char| !c.is_ascii_digit()).filter(|part| !part.is_empty()).collect();
    match numbers.as_slice() {
        [year, month, day] if year.len() == 4 => format!("{year}-{month:0>2}-{day:0>2}"),
        _ => date.to_owned(),
    }
}

/// The question that a place in a filing comes from.
fn question(pointer: &str) -> Option<&'static str> {
    Some(match pointer {
        "/kind" => "kind",
        "/narrative" => "narrative",
        "/sector" => "sector",
        "/respondent/name" => "respondent_name",
        "/respondent/address" => "respondent_address",
        "/respondent/phone" => "respondent_phone",
        "/respondent/uscc" => "respondent_uscc",
        "/respondent/platform/name" => "platform_name",
        "/division" | "/respondent/division" => "place",
        "/amount" => "amount",
        "/incident_date" => "incident_date",
        "/complainant/name" => "name",
        "/complainant/phone" => "phone",
        "/complainant/email" => "email",
        "/complainant/address" => "address",
        "/anonymous" => "anonymous",
        _ if pointer.starts_with("/demands") => "demands",
        _ if pointer.starts_with("/external_references") => "platform_number",
        _ => return None,
    })
}

/// The filing as it stands, checked.
pub(super) fn check(app: &App, frame: &Frame, fields: &Fields) -> Result<Submission, Problems> {
    let router = app.router();
    let checks = Checks { catalogue: router.catalogue(), now: app.now(), today: app.today(), entry: Entry::Public };
    raw(fields, frame.lang).check(&checks)
}

/// Notes what is wrong with the answers of a page.
pub(super) fn judge(app: &App, frame: &Frame, step: Step, form: &mut Form) {
    let chosen = form.fields.clone();
    let must = |form: &mut Form, name: &str| {
        if chosen.given(name).is_none() {
            form.faults.add(name, frame.coded("fault", &format!("{name}_required")));
        }
    };
    match step {
        Step::Sector => {
            must(form, "sector");
            if chosen.get("sector") == OWN {
                must(form, "sector_own");
            }
        }
        Step::Where => must(form, "place"),
        Step::Wish => must(form, "settle_first"),
        _ => {}
    }
    if let Err(problems) = check(app, frame, &form.fields) {
        let own = |pointer: &str| question(pointer).filter(|name| step.questions().contains(name)).map(str::to_owned);
        form.faults.take(frame, &problems, own);
    }
}

/// The first page with a fault.
pub(super) fn first_step(problems: &Problems) -> Option<Step> {
    let wrong: Vec<_> = problems.0.iter().filter_map(|problem| question(&problem.pointer)).collect();
    Step::ALL.into_iter().find(|step| step.questions().iter().any(|name| wrong.contains(name)))
}

/// What acceptance needs and the filing lacks, by question.
pub(super) fn missing(submission: &Submission) -> Vec<&'static str> {
    let kind = submission.kinds.first();
    kind.map(|kind| submission.missing(*kind)).unwrap_or_default().iter().filter_map(|at| question(at)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(pairs: &[(&str, &str)]) -> Fields {
        let mut fields = Fields::default();
        for (name, value) in pairs {
            fields.add(name, value);
        }
        fields
    }

    #[test]
    fn amounts_and_dates_are_taken_as_people_write_them() {
        for (written, plain) in [("2680", "2680"), ("￥2,680 元", "2680"), ("2，680.50元", "2680.50"), ("many", "many")]
        {
            assert_eq!(plain_amount(written), plain);
        }
        for (written, plain) in [
            ("2026-11-08", "2026-11-08"),
            ("2026年11月8日", "2026-11-08"),
            ("2026.1.8", "2026-01-08"),
            ("08/11/2026", "08/11/2026"),
            ("yesterday", "yesterday"),
        ] {
            assert_eq!(plain_date(written), plain);
        }
    }

    #[test]
    fn an_anonymous_report_carries_nothing_of_its_person() {
        let told = [("kind", "report"), ("anonymous", "yes"), ("name", "张三"), ("phone", "13800138000")];
        let raw = raw(&fields(&told), Lang::Zh);
        assert!(raw.complainant.is_none() && raw.anonymous == Some(true));
        let complaint = fields(&[("kind", "complaint"), ("anonymous", "yes"), ("name", "张三")]);
        assert_eq!(super::raw(&complaint, Lang::Zh).anonymous, Some(false), "only a report is anonymous");
    }

    #[test]
    fn the_place_is_the_shops_unless_it_sells_on_a_platform() {
        let shop = raw(&fields(&[("place", "320115"), ("town", "320115001")]), Lang::Zh);
        assert_eq!(shop.respondent.and_then(|shop| shop.division).as_deref(), Some("320115"));
        assert_eq!(shop.division.as_deref(), Some("320115001"));
        let online = raw(&fields(&[("place", "320115"), ("platform_name", "某平台")]), Lang::Zh);
        assert_eq!(online.respondent.and_then(|shop| shop.division), None);
        assert_eq!(raw(&fields(&[("place", UNKNOWN)]), Lang::Zh).division, None);
    }
}

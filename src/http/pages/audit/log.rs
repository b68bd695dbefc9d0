//! The audit log, newest first, narrowed by what was done, by whom, when and about which case.

use crate::ambient::SHANGHAI;
use crate::app::App;
use crate::audit::Kind;
use crate::domain::hidden::hidden_debug;
use crate::domain::permission::Permission;
use crate::domain::problem::Problems;
use crate::domain::text;
use crate::http::api::audit::{AuditEntry, AuditParams, entries};
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::{Chrome, chrome, words};
use crate::http::pages::form::{Choice, Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::staff::Visitor;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::civil::Date;
use jiff::{Timestamp, ToSpan};
use serde_json::Value;

/// What auditors look for first, each a link of its own.
const FIRST: [Kind; 4] = [Kind::Unmask, Kind::Export, Kind::AccessDenied, Kind::SignInFailed];

/// What the page is narrowed by.
const NARROWED_BY: [&str; 5] = ["kind", "actor", "case", "from", "to"];

/// An entry in words.
pub struct Line {
    /// When.
    pub at: String,
    /// The same for programs.
    pub instant: String,
    /// What was done.
    pub what: &'static str,
    /// Who did it.
    pub who: String,
    /// In which role, for whom.
    pub role: String,
    /// Particulars, each with its label.
    pub about: Vec<(String, String)>,
    /// Why, in the person's words.
    pub reason: Option<String>,
    /// Number of the case, when the reader may know of it.
    pub case: Option<String>,
    /// Id of the request.
    pub request: Option<String>,
    /// Its place in its chain.
    pub place: String,
}

hidden_debug!(Line);

/// An entry as the pages show it.
pub fn line(frame: &Frame, entry: AuditEntry, today: Date) -> Line {
    let role = frame.coded("staff_role", &entry.role);
    Line {
        at: words::moment(frame, entry.at, today),
        instant: entry.at.to_string(),
        what: frame.coded("audit_kind", &entry.kind),
        role: match (&entry.actor, entry.unit) {
            (None, _) => String::new(),
            (Some(_), None) => role.to_owned(),
            (Some(_), Some(unit)) => format!("{role} {unit}"),
        },
        who: entry.actor.unwrap_or_else(|| role.to_owned()),
        about: about(frame, &entry.data),
        reason: entry.reason,
        case: entry.case,
        request: entry.request_id,
        place: format!("{} {}", entry.writer, entry.seq),
    }
}

/// The coded particulars with their labels, without those that say nothing.
fn about(frame: &Frame, data: &Value) -> Vec<(String, String)> {
    let members = data.as_object().into_iter().flatten();
    let told = members.map(|(name, value)| {
        let label = frame.coded("audit_data", name);
        let label = if label.is_empty() { name.as_str() } else { label };
        (label.to_owned(), said(frame, name, value))
    });
    told.filter(|(_, value)| !value.is_empty()).collect()
}

/// A value in words where it is a code that has some.
fn said(frame: &Frame, name: &str, value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::Bool(yes) => frame.coded("staff_value", if *yes { "true" } else { "false" }).to_owned(),
        Value::Number(number) => number.to_string(),
        Value::String(code) => {
            let section = match name {
                "role" => "staff_role",
                "fields" => "staff_part",
                "method" | "what" | "step" => "audit_value",
                _ => "",
            };
            Some(frame.coded(section, code)).filter(|words| !words.is_empty()).unwrap_or(code).to_owned()
        }
        Value::Array(values) => {
            let values: Vec<String> = values.iter().map(|value| said(frame, name, value)).collect();
            values.join(frame.t("audit.comma"))
        }
        Value::Object(members) => {
            let members = members.iter().map(|(name, value)| format!("{name}={}", said(frame, "", value)));
            members.collect::<Vec<_>>().join(frame.t("audit.comma"))
        }
    }
}

#[derive(Template)]
#[template(path = "audit/log.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    first: Vec<(Choice, bool)>,
    kinds: Vec<Choice>,
    boxes: [(&'static str, &'static str); 4],
    asked: Fields,
    faults: Faults,
    lines: Vec<Line>,
    narrowed: bool,
    later: bool,
    next: Option<String>,
    start: String,
}

/// The log.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadAudit)?;
    let asked = Fields::among(&pairs, |name, _| NARROWED_BY.contains(&name));
    let cursor = pairs.0.iter().find(|(name, _)| name == "cursor").map(|(_, value)| value.clone());
    let mut faults = Faults::default();
    let params = params(&frame, &asked, cursor.clone(), &mut faults);
    let found = if faults.is_empty() { entries(&app, &caller, &params).await } else { Ok((Vec::new(), None)) };
    let (found, next) = match found {
        Err(problem) if problem.code() == "invalid_fields" => {
            for fault in problem.faults() {
                let name = fault.pointer.trim_start_matches('/');
                let field = if NARROWED_BY.contains(&name) { name } else { "kind" };
                faults.add(field, frame.coded("audit_fault", field));
            }
            (Vec::new(), None)
        }
        found => found?,
    };
    let today = app.today();
    let query = |cursor: Option<&str>| {
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for name in NARROWED_BY.iter().filter(|name| !asked.get(name).is_empty()) {
            query.append_pair(name, asked.get(name));
        }
        if let Some(cursor) = cursor {
            query.append_pair("cursor", cursor);
        }
        let query = query.finish();
        if query.is_empty() { "/audit".to_owned() } else { format!("/audit?{query}") }
    };
    let choice = |kind: &Kind| Choice::new(kind.code(), frame.coded("audit_kind", kind.code()));
    let page = Page {
        c: chrome(&app, &caller, &frame, &request, "audit", "").await?,
        first: FIRST.iter().map(|kind| (choice(kind), asked.get("kind") == kind.code())).collect(),
        kinds: Kind::ALL.iter().map(choice).collect(),
        boxes: [
            ("actor", frame.t("audit.who")),
            ("case", frame.t("audit.case")),
            ("from", frame.t("audit.from")),
            ("to", frame.t("audit.to")),
        ],
        narrowed: NARROWED_BY.iter().any(|name| !asked.get(name).is_empty()),
        later: cursor.is_some(),
        next: next.map(|cursor| query(Some(&cursor))),
        start: query(None),
        lines: found.into_iter().map(|entry| line(&frame, entry, today)).collect(),
        f: &frame,
        asked,
        faults,
    };
    let status = if page.faults.is_empty() { StatusCode::OK } else { StatusCode::UNPROCESSABLE_ENTITY };
    frame.answer(status, &page)
}

/// The question as the interface takes it: days become the instants at which they begin here.
fn params(frame: &Frame, asked: &Fields, cursor: Option<String>, faults: &mut Faults) -> AuditParams {
    let mut problems = Problems::default();
    let mut day = |name: &str| {
        let given = asked.given(name)?;
        let read = given.parse::<Date>().map_err(|_| crate::domain::problem::Invalid::new("date", "not a day"));
        problems.take(format!("/{name}"), read)
    };
    let begins = |day: Date| SHANGHAI.to_timestamp(day.at(0, 0, 0, 0)).ok().map(|at: Timestamp| at.to_string());
    let from = day("from").and_then(begins);
    let to = day("to").and_then(|day| day.checked_add(1.day()).ok()).and_then(begins);
    for problem in &problems.0 {
        let field = problem.pointer.trim_start_matches('/');
        faults.add(field, frame.coded("audit_fault", field));
    }
    if asked.given("actor").is_some_and(|name| text::line(&name, 1, 100).is_err()) {
        faults.add("actor", frame.coded("audit_fault", "actor"));
    }
    AuditParams {
        kind: asked.given("kind"),
        actor: asked.given("actor"),
        case: asked.given("case"),
        from,
        to,
        cursor,
        limit: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;
    use serde_json::json;

    fn frame() -> Frame {
        Frame::of(&TestRequest::get().uri("/audit").to_http_request())
    }

    #[test]
    fn particulars_are_said_in_words() {
        let said = about(
            &frame(),
            &json!({ "fields": ["name", "phone"], "left_out": 3, "account": null, "everywhere": true, "new_one": "x" }),
        );
        let said: Vec<_> = said.iter().map(|(label, value)| (label.as_str(), value.as_str())).collect();
        assert_eq!(said, [("结束全部登录", "是"), ("内容", "姓名、电话"), ("另外未逐条记的", "3"), ("new_one", "x")]);
    }

    #[test]
    fn a_day_is_the_whole_day_here() {
        let mut asked = Fields::default();
        asked.set("from", "2026-11-24");
        asked.set("to", "2026-11-24");
        let mut faults = Faults::default();
        let params = params(&frame(), &asked, None, &mut faults);
        assert!(faults.is_empty());
        assert_eq!(params.from.as_deref(), Some("2026-11-23T16:00:00Z"));
        assert_eq!(params.to.as_deref(), Some("2026-11-24T16:00:00Z"));
        for wrong in ["24.11.2026", "2026-13-01", "9999-99-99"] {
            asked.set("to", wrong);
            let mut faults = Faults::default();
            super::params(&frame(), &asked, None, &mut faults);
            assert!(!faults.of("to").is_empty(), "{wrong}");
        }
    }
}

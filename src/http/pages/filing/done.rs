//! The receipt of a filing: its number, its PIN, the days of the law, a code to photograph, a calendar to keep.

use super::answers;
use super::{Step, Visit, go};
use crate::app::App;
use crate::config::catalogue::Unit;
use crate::domain::hidden::hidden_debug;
use crate::domain::vocabulary::{ClockKind, Kind};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::frame::Frame;
use crate::http::pages::qr::qr;
use crate::intake::submission::Entry;
use crate::intake::{self, Receipt};
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use jiff::Timestamp;
use jiff::civil::Date;
use serde::Deserialize;

/// Its address.
pub(super) const PATH: &str = "/file/done";

/// What the page shows of the answer that intake gives.
#[derive(Deserialize)]
struct Told {
    reference: String,
    access_pin: String,
    kind: Kind,
    received_at: Timestamp,
    routing: Routing,
    clocks: Vec<Running>,
}

hidden_debug!(Told);

#[derive(Debug, Deserialize)]
struct Routing {
    office: Named,
    station: Option<Named>,
    regime: crate::domain::vocabulary::Regime,
    published_channel: bool,
}

#[derive(Debug, Deserialize)]
struct Named {
    name: String,
}

#[derive(Debug, Deserialize)]
struct Running {
    kind: ClockKind,
    due: Date,
    provisional: bool,
}

/// What happens, by whom, by when.
struct Entered {
    what: &'static str,
    who: String,
    when: String,
    provisional: bool,
}

#[derive(Template)]
#[template(path = "filing/done.html")]
struct Page<'a> {
    f: &'a Frame,
    told: &'a Told,
    csrf: &'a str,
    report: bool,
    day: String,
    pin: String,
    qr: String,
    dates: Vec<Entered>,
    statutory: bool,
}

/// The receipt of what this browser handed in last, as long as it is kept.
async fn receipt(app: &web::Data<App>, frame: &Frame, request: &HttpRequest) -> Result<Option<Told>, Problem> {
    let Some(visit) = Visit::any(app, request).await? else { return Ok(None) };
    if !visit.kept.filed {
        return Ok(None);
    }
    let raw = answers::raw(&visit.fields(), frame.lang);
    let key = visit.token.idempotency_key();
    let app = app.clone().into_inner();
    let Receipt { answer, .. } = intake::file(&app, raw, Entry::Public, &intake::PUBLIC, Some(key)).await?;
    serde_json::from_value(answer).map(Some).map_err(Problem::internal)
}

/// The receipt as a page.
pub async fn page(
    app: web::Data<App>,
    frame: Frame,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let Some(told) = receipt(&app, &frame, &request).await? else {
        // Not handed in yet, or the other click of two still is.
        let open = Visit::open(&app, &request).await?.is_some();
        return Ok(go(if open { Step::Check.path() } else { "/".to_owned() }));
    };
    let dates = dates(&app, &frame, &told);
    let (head, tail) = told.access_pin.split_at_checked(4).unwrap_or((&told.access_pin, ""));
    let page = Page {
        f: &frame,
        told: &told,
        csrf: caller.csrf(),
        report: told.kind == Kind::Report,
        day: frame.day(crate::ambient::today_in_shanghai(told.received_at)),
        pin: format!("{head} {tail}"),
        qr: qr(&format!("{}/t?n={}", base(&app, &request), told.reference)),
        dates,
        statutory: told.routing.published_channel,
    };
    frame.ok(&page)
}

/// The address by which people reach the service.
fn base(app: &App, request: &HttpRequest) -> String {
    app.settings.server.public_url.clone().unwrap_or_else(|| {
        let connection = request.connection_info();
        format!("{}://{}", connection.scheme(), connection.host())
    })
}

/// The limits that run, with their last days; then those that begin later, as lengths.
fn dates(app: &App, frame: &Frame, told: &Told) -> Vec<Entered> {
    let unit = |kind: ClockKind| match (kind, &told.routing.station) {
        (ClockKind::StationContact | ClockKind::StationEnd, Some(station)) => station.name.clone(),
        _ => told.routing.office.name.clone(),
    };
    let mut dates: Vec<Entered> = told
        .clocks
        .iter()
        .map(|clock| Entered {
            what: frame.coded("clock", clock.kind.code()),
            who: unit(clock.kind),
            when: frame.say("filing.by", &[("day", &frame.day(clock.due))]),
            provisional: clock.provisional,
        })
        .collect();
    let catalogue = app.catalogue();
    let received = crate::ambient::today_in_shanghai(told.received_at);
    let Some(rule) = catalogue.rule(told.routing.regime, received) else { return dates };
    let decision = rule.decision.get(&told.kind).copied();
    let mediation = (told.kind == Kind::Complaint).then_some(ClockKind::Mediate);
    for kind in decision.into_iter().chain(mediation) {
        let runs = told.clocks.iter().any(|clock| clock.kind == kind);
        if let Some(clock) = rule.clocks.get(&kind).filter(|_| !runs)
            && let Some(of) = clock.length
        {
            let what = frame.coded("clock_later", kind.code());
            dates.push(Entered { what, who: unit(kind), when: length(frame, of), provisional: false });
        }
    }
    dates
}

/// A length of time in words.
pub(super) fn length(frame: &Frame, (count, unit): (u16, Unit)) -> String {
    let name = match unit {
        Unit::WorkingDays => "filing.working_days",
        Unit::Days => "filing.days",
    };
    frame.say(name, &[("n", &count.to_string())])
}

/// The days of the receipt as a calendar (RFC 5545).
pub async fn calendar(app: web::Data<App>, frame: Frame, request: HttpRequest) -> Result<HttpResponse, Problem> {
    let told = receipt(&app, &frame, &request).await?.ok_or_else(Problem::not_found)?;
    let mut lines = vec!["BEGIN:VCALENDAR".to_owned(), "VERSION:2.0".to_owned(), "PRODID:-//fangxin//1//".to_owned()];
    let stamp = told.received_at.strftime("%Y%m%dT%H%M%SZ");
    for clock in &told.clocks {
        let what = frame.coded("clock", clock.kind.code());
        lines.extend([
            "BEGIN:VEVENT".to_owned(),
            format!("UID:{}-{}@fangxin", told.reference, clock.kind),
            format!("DTSTAMP:{stamp}"),
            format!("DTSTART;VALUE=DATE:{}", clock.due.strftime("%Y%m%d")),
            format!("SUMMARY:{}", escaped(&format!("{what} {}", told.reference))),
            format!("DESCRIPTION:{}", escaped(&frame.say("filing.by", &[("day", &frame.day(clock.due))]))),
            "END:VEVENT".to_owned(),
        ]);
    }
    lines.push("END:VCALENDAR".to_owned());
    let mut body = String::new();
    for line in &lines {
        folded(&mut body, line);
    }
    Ok(HttpResponse::Ok()
        .content_type("text/calendar; charset=utf-8")
        .insert_header((header::CONTENT_DISPOSITION, format!("attachment; filename=\"{}.ics\"", told.reference)))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(body))
}

/// Text of a calendar (RFC 5545, 3.3.11).
fn escaped(text: &str) -> String {
    text.replace('\\', "\\\\").replace(';', "\\;").replace(',', "\\,").replace('\n', "\\n")
}

/// A line of a calendar, folded below 75 bytes (RFC 5545, 3.1).
fn folded(into: &mut String, line: &str) {
    let mut used = 0;
    for c in line.chars() {
        if used + c.len_utf8() > 73 {
            into.push_str("\r\n ");
            used = 1;
        }
        into.push(c);
        used += c.len_utf8();
    }
    into.push_str("\r\n");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_a_calendar_are_folded_between_characters_and_unfold_to_themselves() {
        let line = format!("SUMMARY:{}", "调解的最后一天".repeat(12));
        let mut text = String::new();
        folded(&mut text, &line);
        assert!(text.split("\r\n").all(|part| part.len() <= 75) && text.ends_with("\r\n"), "{text}");
        assert_eq!(text.replace("\r\n ", "").trim_end(), line);
        assert_eq!(escaped("a,b;c\\d\ne"), "a\\,b\\;c\\\\d\\ne");
    }
}

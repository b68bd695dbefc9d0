//! What is masked of a case, shown once for a reason; the reason goes to the auditors.

use crate::app::App;
use crate::domain::permission::{Permission, may};
use crate::http::api::reference;
use crate::http::api::unmask::{self as api, UnmaskRequest, UnmaskedView};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::fields::fault_words;
use crate::http::pages::desk::{Chrome, chrome, list};
use crate::http::pages::form::{Faults, Fields};
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::staff::{Sent, Visitor};
use crate::http::{api::cases, pages::form::Choice};
use crate::track::unmask::FIELDS;
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, ResponseError as _, web};
use askama::Template;

#[derive(Template)]
#[template(path = "desk/unmask.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    number: String,
    fields: Vec<Choice>,
    typed: Fields,
    faults: Faults,
    shown: Vec<(String, Vec<(&'static str, String)>)>,
    narrative: String,
    back: String,
    query: String,
}

async fn show(
    app: &App,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    number: &str,
    came: (StatusCode, Fields, Faults, Option<UnmaskedView>),
) -> Result<HttpResponse, Problem> {
    let (status, typed, faults, view) = came;
    let query = list::cleaned(typed.get("query"));
    let suffix = if query.is_empty() { String::new() } else { format!("?{query}") };
    let mut shown = Vec::new();
    let mut narrative = String::new();
    if let Some(view) = view {
        narrative = view.narrative.unwrap_or_default();
        for party in view.parties {
            let lines = [
                ("name", party.name),
                ("phone", party.phone),
                ("email", party.email),
                ("address", party.address),
                ("id_number", party.id_number),
            ];
            let lines: Vec<_> =
                lines.into_iter().filter_map(|(part, value)| Some((frame.coded("staff_part", part), value?))).collect();
            if !lines.is_empty() {
                shown.push((frame.coded("staff_role", party.role.code()).to_owned(), lines));
            }
        }
        for step in view.history.into_iter().flatten() {
            let lines = step.texts.as_object().into_iter().flatten().filter_map(|(name, value)| {
                let label = frame.coded("staff_field", name);
                Some((label, value.as_str()?.to_owned())).filter(|_| !label.is_empty())
            });
            let lines: Vec<(&'static str, String)> = lines.collect();
            if !lines.is_empty() {
                shown.push((frame.say("desk.step_no", &[("n", &step.seq.to_string())]), lines));
            }
        }
    }
    let page = Page {
        f: frame,
        c: chrome(app, caller, frame, request, "", "").await?,
        number: number.to_owned(),
        fields: FIELDS.iter().map(|field| Choice::new(*field, frame.coded("staff_part", field))).collect(),
        typed,
        faults,
        shown,
        narrative,
        back: format!("/desk/cases/{number}{suffix}"),
        query,
    };
    frame.answer(status, &page)
}

/// The form.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    path: web::Path<String>,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let loaded = cases::load(&app, &caller, reference(&path)?).await?;
    if !may(caller.who.role, Permission::Unmask, loaded.case.kind) {
        return Err(Problem::not_for_role());
    }
    let mut typed = Fields::default();
    typed.add("query", &list::carried(&pairs));
    let came = (StatusCode::OK, typed, Faults::default(), None);
    show(&app, &request, &caller, &frame, loaded.case.reference.as_str(), came).await
}

/// Shows what was asked for.
pub async fn reveal(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    path: web::Path<String>,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadWork)?;
    let number = reference(&path)?;
    let text = number.as_str().to_owned();
    if !typed.get(RESUME).is_empty() {
        let came = (StatusCode::OK, typed, Faults::default(), None);
        return show(&app, &request, &caller, &frame, &text, came).await;
    }
    let asked = UnmaskRequest { fields: Some(typed.all("fields").to_vec()), reason: typed.given("reason") };
    let shared = app.clone().into_inner();
    let came = match api::of_case(&shared, &caller, number, &asked).await {
        Ok(view) => (StatusCode::OK, typed, Faults::default(), Some(view)),
        Err(problem) if problem.code() == "invalid_fields" => {
            let mut faults = Faults::default();
            for fault in problem.faults() {
                let name = if fault.pointer.starts_with("/fields") { "fields" } else { "reason" };
                faults.add(name, fault_words(&frame, fault));
            }
            (StatusCode::UNPROCESSABLE_ENTITY, typed, faults, None)
        }
        Err(problem) if problem.code() == "too_many_requests" => {
            let mut faults = Faults::default();
            faults.add("fields", frame.t("desk.unmask_limit"));
            (problem.status_code(), typed, faults, None)
        }
        Err(problem) if problem.code() == "step_up_required" => {
            return login::again(&frame, &caller, &request, &typed, "login.prove");
        }
        Err(problem) => return Err(problem),
    };
    show(&app, &request, &caller, &frame, &text, came).await
}

//! Filing by a person: one question a page, as plain forms. What is answered is kept on the server until it is handed in
//! ([`crate::intake::unfinished`]); every page can be left and come back to.
//!
//! No rule stands here. [`answers`] puts the answers into the shape of a filing, and the check of that filing says what is
//! wrong; a page shows the faults of its own questions. [`step`] is the order of the pages, [`questions`] what each shows,
//! [`check`] the last look, [`done`] the receipt.

mod answers;
mod check;
mod done;
mod questions;
mod step;

pub use done::{calendar, page as done};
pub use step::Step;

use crate::app::App;
use crate::http::Edge;
use crate::http::caller::address;
use crate::http::error::Problem;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::intake::submission::Entry;
use crate::intake::unfinished::{self, Token, Unfinished};
use crate::intake::{self, FileError};
use actix_web::cookie::time::Duration as Span;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

/// Cookie that holds the token of an unfinished filing.
const COOKIE: &str = "draft";

/// An unfinished filing in the hands of its person.
#[derive(Debug)]
pub struct Visit {
    token: Token,
    kept: Unfinished,
}

impl Visit {
    /// The one that a request's cookie names, handed in or not.
    async fn any(app: &App, request: &HttpRequest) -> Result<Option<Self>, Problem> {
        let token = request.cookie(COOKIE).and_then(|cookie| Token::parse(cookie.value()));
        let Some(token) = token else { return Ok(None) };
        Ok(unfinished::find(app, &token).await?.map(|kept| Self { token, kept }))
    }

    /// The one that a request's cookie names, if it waits for more answers.
    ///
    /// # Errors
    /// The store's.
    pub async fn open(app: &App, request: &HttpRequest) -> Result<Option<Self>, Problem> {
        Ok(Self::any(app, request).await?.filter(|visit| !visit.kept.filed))
    }

    fn fields(&self) -> Fields {
        Fields::of(self.kept.answers.clone())
    }

    /// The first characters of what happened, to know it by.
    pub fn title(&self) -> String {
        let fields = self.fields();
        let mut title: String = fields.get("narrative").chars().take(12).collect();
        if fields.get("narrative").chars().count() > 12 {
            title.push('…');
        }
        title
    }

    fn cookie(&self, frame: &Frame) -> actix_web::cookie::Cookie<'static> {
        frame.cookie(COOKIE, self.token.expose(), Span::days(unfinished::DAYS))
    }
}

/// Leads to another page, whatever was sent.
pub(in crate::http) fn go(to: impl AsRef<str>) -> HttpResponse {
    HttpResponse::SeeOther().insert_header((header::LOCATION, to.as_ref())).finish()
}

fn step_of(path: &str) -> Result<Step, Problem> {
    Step::parse(path).ok_or_else(Problem::not_found)
}

/// A page of the filing.
pub async fn show(
    app: web::Data<App>,
    frame: Frame,
    request: HttpRequest,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let step = step_of(&path)?;
    let visit = Visit::open(&app, &request).await?;
    if visit.is_none() && step != Step::What {
        return Ok(go(Step::What.path()));
    }
    let mut fields = visit.map(|visit| visit.fields()).unwrap_or_default();
    if step == Step::What {
        answers::choose_kind(&mut fields, &request);
    }
    if step == Step::Check {
        return check::page(&app, &frame, fields);
    }
    questions::page(&app, &frame, StatusCode::OK, step, Form::new(&frame, fields))
}

/// Takes the answers of a page, and leads to the next.
pub async fn answer(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    frame: Frame,
    request: HttpRequest,
    path: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let step = step_of(&path)?;
    let visit = Visit::any(&app, &request).await?;
    if step == Step::Check {
        // Sent twice, the second leads to the receipt of the first.
        return match visit {
            None => Ok(go(Step::What.path())),
            Some(visit) if visit.kept.filed => Ok(go(done::PATH)),
            Some(visit) => {
                edge.filing_from(address(&request, &app.settings))?;
                hand_in(app, &frame, visit).await
            }
        };
    }
    let open = visit.filter(|visit| !visit.kept.filed);
    if open.is_none() && step != Step::What {
        return Ok(go(Step::What.path()));
    }
    let mut visit = open.unwrap_or_else(|| Visit { token: Token::draw(&app), kept: Unfinished::new(&app) });
    visit.kept.changed_at = app.now();
    // Kept before it is judged: nothing that was typed is lost.
    step.take(&mut visit.kept.answers, sent);
    unfinished::keep(&app, &visit.token, &visit.kept).await?;

    let mut form = Form::new(&frame, visit.fields());
    answers::judge(&app, &frame, step, &mut form);
    let mut response = if form.faults.is_empty() {
        let checked = request.query_string().split('&').any(|pair| pair == "from=check");
        // A changed place may have towns of its own to choose from.
        let next = if checked && step != Step::Where { Step::Check } else { step.next(&form.fields) };
        let tail = if checked && next != Step::Check { "?from=check" } else { "" };
        go(format!("{}{tail}", next.path()))
    } else {
        questions::page(&app, &frame, StatusCode::UNPROCESSABLE_ENTITY, step, form)?
    };
    response.add_cookie(&visit.cookie(&frame)).map_err(Problem::internal)?;
    Ok(response)
}

/// Hands it in. What is wrong leads back to the page of the first fault.
async fn hand_in(app: web::Data<App>, frame: &Frame, mut visit: Visit) -> Result<HttpResponse, Problem> {
    let app = app.into_inner();
    let raw = answers::raw(&visit.fields(), frame.lang);
    let key = visit.token.idempotency_key();
    match intake::file(&app, raw, Entry::Public, &intake::PUBLIC, Some(key)).await {
        Ok(_) => {
            visit.kept.filed = true;
            unfinished::keep(&app, &visit.token, &visit.kept).await?;
            Ok(go(done::PATH))
        }
        // The other click of two: its receipt is ready in a moment.
        Err(FileError::InFlight) => Ok(go(done::PATH)),
        Err(FileError::Invalid(problems)) => {
            let step = answers::first_step(&problems).unwrap_or(Step::What);
            let mut form = Form::new(frame, visit.fields());
            answers::judge(&app, frame, step, &mut form);
            questions::page(&app, frame, StatusCode::UNPROCESSABLE_ENTITY, step, form)
        }
        Err(FileError::AlreadyHere { .. }) => {
            let mut form = Form::new(frame, visit.fields());
            form.faults.add("platform_number", frame.coded("fault", "platform_number_taken"));
            questions::page(&app, frame, StatusCode::UNPROCESSABLE_ENTITY, Step::Reach, form)
        }
        Err(error) => Err(error.into()),
    }
}

/// Throws an unfinished filing away, as on a shared phone.
pub async fn clear(
    app: web::Data<App>,
    frame: Frame,
    request: HttpRequest,
    _sent: Fields,
) -> Result<HttpResponse, Problem> {
    let mut response = go("/?cleared=1");
    if let Some(visit) = Visit::any(&app, &request).await? {
        unfinished::forget(&app, &visit.token).await?;
        let mut gone = visit.cookie(&frame);
        gone.make_removal();
        response.add_cookie(&gone).map_err(Problem::internal)?;
    }
    Ok(response)
}

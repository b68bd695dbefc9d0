//! The rating behind the link that the service sends at the end of a case: no sign-in, three questions, nothing chosen
//! beforehand.

use crate::app::App;
use crate::domain::vocabulary::Action;
use crate::http::error::Problem;
use crate::http::pages::following::{carried, judge, rating as questions};
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::track::Refused;
use crate::track::act::ActError;
use crate::track::rating::{self, Asked, RatingError};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

#[derive(Template)]
#[template(path = "rate.html")]
struct Page<'a> {
    f: &'a Frame,
    form: &'a Form,
    reference: &'a str,
    until: String,
    parts: Vec<String>,
    /// An answer stands, and may be changed.
    answered: bool,
    /// It was given just now.
    thanks: bool,
    /// The link opens nothing any more.
    over: bool,
}

fn page(status: StatusCode, asked: &Asked, form: &Form, thanks: bool) -> Result<HttpResponse, Problem> {
    let frame = &form.frame;
    let page = Page {
        f: frame,
        form,
        reference: asked.case.case.reference.as_str(),
        until: frame.say("rate.until", &[("day", &frame.day(asked.until))]),
        parts: if thanks { Vec::new() } else { questions(form) },
        answered: asked.answer.is_some(),
        thanks,
        over: false,
    };
    frame.answer(status, &page)
}

/// A link whose time is over says so in words; one that is none is no page.
fn refused(frame: &Frame, error: RatingError) -> Result<HttpResponse, Problem> {
    if !matches!(error, RatingError::Over) {
        return Err(error.into());
    }
    let form = Form::new(frame, Fields::default());
    let page = Page {
        f: frame,
        form: &form,
        reference: "",
        until: String::new(),
        parts: Vec::new(),
        answered: false,
        thanks: false,
        over: true,
    };
    frame.answer(StatusCode::GONE, &page)
}

/// The questions.
pub async fn form(app: web::Data<App>, frame: Frame, token: web::Path<String>) -> Result<HttpResponse, Problem> {
    match rating::open(&app, &token).await {
        Ok(asked) => page(StatusCode::OK, &asked, &Form::new(&frame, Fields::default()), false),
        Err(error) => refused(&frame, error),
    }
}

/// Takes the answers.
pub async fn answer(
    app: web::Data<App>,
    frame: Frame,
    token: web::Path<String>,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let app = app.into_inner();
    let fields = carried(Action::Rate, &sent);
    let mut form = Form::new(&frame, sent);
    match rating::answer(&app, &token, fields).await {
        Ok(asked) => page(StatusCode::OK, &asked, &form, true),
        Err(RatingError::Act(ActError::Refused(Refused::Invalid(problems)))) => {
            judge(&frame, Action::Rate, &problems, &mut form);
            let asked = rating::open(&app, &token).await?;
            page(StatusCode::UNPROCESSABLE_ENTITY, &asked, &form, false)
        }
        Err(error) => refused(&frame, error),
    }
}

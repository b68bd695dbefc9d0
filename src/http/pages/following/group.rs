//! Being handled together with others: what the person is asked, and their answer. Of the others nothing is shown but how many they are
//! and the masked names of those who speak for all.

use super::{CASE, follows, load};
use crate::app::App;
use crate::domain::vocabulary::{AnswerWay, Part, Question};
use crate::http::api::groups::own_of;
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::pages::filing::go;
use crate::http::pages::form::Fields;
use crate::http::pages::frame::Frame;
use crate::mass::group::answer::{self, Answer, Asked};
use crate::mass::group::{GroupError, answer::Own};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;

/// Where it is answered.
const PAGE: &str = "/t/group";

#[derive(Template)]
#[template(path = "following/group.html")]
struct Page<'a> {
    f: &'a Frame,
    csrf: &'a str,
    reference: &'a str,
    members: String,
    part: &'static str,
    questions: Vec<Line>,
    /// The answer came too late, or without a word.
    fault: &'static str,
}

/// A question with what is said of it.
struct Line {
    no: i16,
    title: &'static str,
    about: Vec<String>,
    said: &'static str,
    open: bool,
    yes: &'static str,
    no_words: &'static str,
}

fn line(frame: &Frame, own: &Own, asked: &Asked) -> Line {
    let code = match asked.kind {
        Question::Representatives if asked.to_serve => "serve",
        kind => kind.code(),
    };
    let mut about = vec![frame.coded("joint_about", code).to_owned()];
    if asked.kind == Question::Representatives && !asked.to_serve {
        let names = own.representatives.join(frame.t("form.comma"));
        about.insert(0, frame.say("joint.names", &[("names", &names)]));
    }
    if let (Some(amount), Some(day)) = (asked.amount, asked.performance_date) {
        let terms = [("amount", amount.to_string()), ("day", frame.day(day))];
        about.insert(0, frame.say("joint.terms", &terms.each_ref().map(|(name, value)| (*name, value.as_str()))));
    }
    Line {
        no: asked.no,
        title: frame.coded("joint_title", code),
        about,
        said: match asked.agreed {
            Some(true) => frame.t("joint.said_yes"),
            Some(false) => frame.t("joint.said_no"),
            None => "",
        },
        open: asked.open,
        yes: frame.coded("joint_yes", code),
        no_words: frame.coded("joint_no", code),
    }
}

async fn show(
    app: &web::Data<App>,
    caller: &Caller,
    frame: &Frame,
    status: StatusCode,
    fault: &'static str,
) -> Result<HttpResponse, Problem> {
    let reference = load(app, caller).await?.case.reference;
    let Some(own) = own_of(&app.clone().into_inner(), caller, reference.clone()).await? else { return Ok(go(CASE)) };
    let page = Page {
        f: frame,
        csrf: caller.csrf(),
        reference: reference.as_str(),
        members: frame.say("joint.members", &[("n", &own.members.to_string())]),
        part: if own.part == Part::Own { "" } else { frame.coded("joint_part", own.part.code()) },
        // What is asked now stands first.
        questions: own.asked.iter().rev().map(|asked| line(frame, &own, asked)).collect(),
        fault,
    };
    frame.answer(status, &page)
}

/// What is asked.
pub async fn page(app: web::Data<App>, frame: Frame, caller: Caller) -> Result<HttpResponse, Problem> {
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    show(&app, &caller, &frame, StatusCode::OK, "").await
}

/// Takes an answer.
pub async fn answer(
    app: web::Data<App>,
    frame: Frame,
    sender: Unconfirmed,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(sent.get(csrf::FIELD)))?;
    if !follows(&caller) {
        return Ok(go("/t"));
    }
    let given = match (sent.get("question").parse(), sent.get("agree")) {
        (Ok(question), "yes") => Some((question, true)),
        (Ok(question), "no") => Some((question, false)),
        _ => None,
    };
    let Some((question, agree)) = given else {
        return show(&app, &caller, &frame, StatusCode::UNPROCESSABLE_ENTITY, frame.t("joint.choose")).await;
    };
    let answer = Answer {
        reference: load(&app, &caller).await?.case.reference,
        scope: caller.scope(),
        actor: caller.who.actor(),
        question,
        agree,
        way: AnswerWay::Online,
    };
    match answer::give(&app.clone().into_inner(), answer).await {
        Ok(after) if after.case.joint.is_none() => Ok(go(format!("{CASE}?done=join"))),
        Ok(_) => Ok(go(PAGE)),
        Err(GroupError::Conflict(..) | GroupError::Invalid(_)) => {
            show(&app, &caller, &frame, StatusCode::CONFLICT, frame.t("joint.over")).await
        }
        Err(error) => Err(error.into()),
    }
}

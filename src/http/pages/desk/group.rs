//! A group of complaints on the desk: its members, what they were asked and said, and what can be done with all of them.

use crate::app::App;
use crate::domain::money::Money;
use crate::domain::permission::{Permission, grant};
use crate::domain::problem::Problems;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Action, Membership, Question};
use crate::http::api::groups as api;
use crate::http::api::{day, reference};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::pages::desk::words::{self, Chip};
use crate::http::pages::desk::{Chrome, chrome};
use crate::http::pages::form::Fields;
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, RESUME};
use crate::http::pages::staff::{Sent, Visitor};
use crate::mass::group::manage::{self, Offer};
use crate::mass::group::take::{self, Ask};
use crate::mass::group::{self, GroupError, Picture};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;
use uuid::Uuid;

/// Steps whose form stands on the page: what they carry is the same for all, and can be said in one line.
const SHORT: &[Action] = &[Action::Accept, Action::StartMediation, Action::Settle, Action::Note];

/// A member.
struct Line {
    reference: String,
    name: String,
    state: Chip,
    part: &'static str,
    due: String,
    amount: String,
    said: &'static str,
    /// It has agreed, and its case is open.
    live: bool,
    /// It can be taken out.
    there: bool,
}

/// A question with the answers to it.
struct Asked {
    what: &'static str,
    at: String,
    about: String,
    counts: String,
}

/// A step that can be taken with all.
struct StepForm {
    code: &'static str,
    name: &'static str,
}

#[derive(Template)]
#[template(path = "desk/group.html")]
struct Page<'a> {
    f: &'a Frame,
    c: Chrome,
    id: String,
    version: i64,
    merchant: String,
    summary: String,
    members: Vec<Line>,
    questions: Vec<Asked>,
    /// Members that can speak for others.
    choices: Vec<(String, String)>,
    steps: Vec<StepForm>,
    manages: bool,
    faults: Vec<String>,
    done: &'static str,
    typed: Fields,
}

fn lines(app: &App, frame: &Frame, picture: &Picture) -> Vec<Line> {
    let today = app.today();
    let group = &picture.group;
    let settlement = group.latest(Question::Settlement).map(|question| question.question_no);
    let members = picture.members.iter().map(|member| {
        let answer = settlement.and_then(|no| group.answer(no, member.row.case_id));
        let case = member.case.as_ref();
        let joint = case.and_then(|case| case.joint.as_ref()).filter(|joint| joint.group == group.row.group_id.0);
        let there = member.row.state != Membership::Gone.code();
        let agreed = member.row.state == Membership::Agreed.code();
        let ended = case.is_some_and(|case| case.state.is_end());
        let (class, icon) = match (there, agreed) {
            (false, _) => ("", "flag"),
            (true, false) => ("info", "now"),
            (true, true) => ("ok", "check"),
        };
        let state = case.map_or("", |case| frame.coded("staff_state", case.state.code()));
        Line {
            reference: case.map_or_else(String::new, |case| case.reference.to_string()),
            name: member.name.clone().unwrap_or_default(),
            state: Chip {
                class,
                icon,
                words: format!("{} {state}", frame.coded("membership", &member.row.state)).trim().to_owned(),
            },
            part: joint.map_or("", |joint| frame.coded("joint_part", joint.part.code())),
            due: case.and_then(|case| case.next_due()).map_or_else(String::new, |due| words::day(frame, due, today)),
            amount: answer
                .and_then(|answer| answer.amount_fen)
                .and_then(Money::from_fen)
                .map_or_else(String::new, words::yuan),
            said: match answer.map(|answer| answer.agreed) {
                None => "",
                Some(None) => frame.t("group.no_answer"),
                Some(Some(true)) => frame.t("group.consents"),
                Some(Some(false)) => frame.t("group.declines"),
            },
            live: agreed && case.is_some() && !ended,
            there: there && case.is_some(),
        }
    });
    members.collect()
}

fn asked(app: &App, frame: &Frame, picture: &Picture) -> Vec<Asked> {
    let today = app.today();
    let group = &picture.group;
    let number_of = |key| {
        let member = picture.members.iter().find(|member| member.row.case_id == key)?;
        Some(words::short(member.case.as_ref()?.reference.as_str()).to_owned())
    };
    let of = |question: &crate::store::groups::QuestionRow| {
        let answers = || group.answers.iter().filter(|answer| answer.question_no == question.question_no);
        let said = |word| answers().filter(|answer| answer.agreed == Some(word)).count().to_string();
        let two: Vec<String> =
            [question.first_case, question.second_case].into_iter().flatten().filter_map(number_of).collect();
        let on = question.performance_on.map(|on| words::day(frame, on.0, today));
        Asked {
            what: frame.coded("staff_notice", &format!("joint_{}", question.kind)),
            at: words::moment(frame, question.asked_at.0, today),
            about: two.into_iter().chain(on).collect::<Vec<_>>().join(" "),
            counts: frame.say(
                "group.counts",
                &[("n", &answers().count().to_string()), ("yes", &said(true)), ("no", &said(false))],
            ),
        }
    };
    group.questions.iter().rev().map(of).collect()
}

/// How the page came about.
#[derive(Default)]
struct Came {
    typed: Fields,
    faults: Vec<String>,
    done: &'static str,
}

async fn show(
    app: &web::Data<App>,
    request: &HttpRequest,
    caller: &Caller,
    frame: &Frame,
    id: Uuid,
    (status, came): (StatusCode, Came),
) -> Result<HttpResponse, Problem> {
    let shared = app.clone().into_inner();
    let picture = group::read(&shared, &caller.scope(), id).await?.ok_or_else(Problem::not_found)?;
    let manages = grant(caller.who.role, Permission::ManageGroups) != crate::domain::permission::Grant::No;
    let by = api::by(app, caller);
    let of = picture.group.clone();
    let open = shared.clone().store.read(move |db| take::available(&shared, db, &by, &of)).await?;
    let members = lines(app, frame, &picture);
    let choices = members.iter().filter(|member| member.live);
    let offered = picture.group.latest(Question::Settlement).is_some();
    let count = |membership| picture.group.in_state(membership).count().to_string();
    let page = Page {
        c: chrome(app, caller, frame, request, "", "").await?,
        id: id.to_string(),
        version: picture.group.row.version,
        merchant: picture.merchant.clone().unwrap_or_default(),
        summary: frame
            .say("group.summary", &[("agreed", &count(Membership::Agreed)), ("asked", &count(Membership::Asked))]),
        choices: choices.map(|one| (one.reference.clone(), format!("{} {}", one.reference, one.name))).collect(),
        questions: asked(app, frame, &picture),
        members,
        steps: SHORT
            .iter()
            .filter(|action| open.contains(action) && (offered || **action != Action::Settle))
            .map(|action| StepForm { code: action.code(), name: frame.coded("staff_action", action.code()) })
            .collect(),
        manages,
        faults: came.faults,
        done: came.done,
        typed: came.typed,
        f: frame,
    };
    frame.answer(status, &page)
}

/// A group.
pub async fn page(
    app: web::Data<App>,
    request: HttpRequest,
    Visitor(caller): Visitor,
    frame: Frame,
    path: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadGroups)?;
    let id = path.parse().map_err(|_| Problem::not_found())?;
    let done = if request.query_string().contains("done=1") { frame.t("group.done") } else { "" };
    show(&app, &request, &caller, &frame, id, (StatusCode::OK, Came { done, ..Came::default() })).await
}

/// What is wrong, in words; what a page hasn't a word for, in English as the API says it.
fn why(frame: &Frame, error: GroupError) -> Result<Vec<String>, Problem> {
    let problem = Problem::from(error);
    let words = |code: &str, own: &str| {
        let known = frame.coded("group_why", code);
        if known.is_empty() { own.to_owned() } else { known.to_owned() }
    };
    match problem.code() {
        "invalid_fields" | "members_refuse" => Ok(problem
            .faults()
            .iter()
            .map(|fault| {
                let at = fault.pointer.strip_prefix("/cases/").filter(|at| Reference::parse(at).is_ok());
                format!("{} {}", at.unwrap_or_default(), words(fault.fault.code, &fault.fault.detail)).trim().to_owned()
            })
            .collect()),
        code if !frame.coded("group_why", code).is_empty() => Ok(vec![frame.coded("group_why", code).to_owned()]),
        _ => Err(problem),
    }
}

/// Opens a group of the case that is shown and of others that were chosen, or adds these to its group.
pub async fn open(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    path: web::Path<String>,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let own = reference(&path)?;
    let shared = app.clone().into_inner();
    let mut wanted: Vec<Reference> = typed.all("case").iter().filter_map(|text| Reference::parse(text).ok()).collect();
    let there = api::own_of(&shared, &caller, own.clone()).await?.map(|own| own.group);
    let back = format!("/desk/cases/{own}");
    if wanted.is_empty() || !typed.get(RESUME).is_empty() {
        return Ok(login::to(&back));
    }
    let by = api::by(&app, &caller);
    let end = match there {
        Some(group) => manage::add(&shared, by, group, wanted).await.map(|()| group),
        None => {
            wanted.insert(0, own);
            manage::open(&shared, by, wanted).await
        }
    };
    match end {
        Ok(group) => Ok(login::to(&format!("/desk/groups/{group}?done=1"))),
        Err(error) => {
            let faults = why(&frame, error)?;
            match there {
                Some(group) => {
                    let came = Came { faults, ..Came::default() };
                    show(&app, &request, &caller, &frame, group, (StatusCode::UNPROCESSABLE_ENTITY, came)).await
                }
                // What can't be one isn't offered: somebody was quicker, and the page tells how things stand.
                None => Ok(login::to(&back)),
            }
        }
    }
}

/// Asks the members, takes one out, or takes a step with all.
pub async fn act(
    app: web::Data<App>,
    request: HttpRequest,
    frame: Frame,
    path: web::Path<String>,
    Sent { caller, typed }: Sent,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let id: Uuid = path.parse().map_err(|_| Problem::not_found())?;
    if !typed.get(RESUME).is_empty() {
        return show(&app, &request, &caller, &frame, id, (StatusCode::OK, Came { typed, ..Came::default() })).await;
    }
    match done(&app, &caller, id, &typed).await {
        Ok(()) => Ok(login::to(&format!("/desk/groups/{id}?done=1"))),
        Err(error) => {
            let faults = why(&frame, error)?;
            let came = Came { typed, faults, ..Came::default() };
            show(&app, &request, &caller, &frame, id, (StatusCode::UNPROCESSABLE_ENTITY, came)).await
        }
    }
}

async fn done(app: &web::Data<App>, caller: &Caller, id: Uuid, typed: &Fields) -> Result<(), GroupError> {
    let (shared, by) = (app.clone().into_inner(), api::by(app, caller));
    let mut faults = Problems::default();
    match typed.get("do") {
        "representatives" => {
            let two = typed.all("representative").iter().filter_map(|text| Reference::parse(text).ok()).collect();
            manage::choose(&shared, by, id, two).await
        }
        "settlement" => {
            let amount = faults.take("/amount", Money::parse(typed.get("amount")));
            let date = faults.take("/performance_date", day(typed.get("performance_date")));
            let Some((amount, performance_date)) = amount.zip(date) else { return Err(GroupError::Invalid(faults)) };
            let offer = Offer { amount: Some(amount), amounts: BTreeMap::new(), performance_date };
            manage::propose(&shared, by, id, offer).await
        }
        "remove" => match Reference::parse(typed.get("member")) {
            Ok(member) => manage::remove(&shared, by, id, member).await,
            Err(_) => Err(GroupError::NotFound),
        },
        _ => {
            let action = SHORT.iter().copied().find(|action| action.code() == typed.get("action"));
            let Some(action) = action else { return Err(GroupError::NotFound) };
            let mut fields = Map::new();
            match action {
                Action::Settle => _ = fields.insert("outcome".to_owned(), json!(typed.get("outcome"))),
                Action::Note => _ = fields.insert("text".to_owned(), Value::from(typed.get("text"))),
                _ => {}
            }
            let expected = typed.get("version").parse().unwrap_or(0);
            take::step(&shared, by, Ask { group: id, expected, action, fields, cases: None }).await.map(|_| ())
        }
    }
}

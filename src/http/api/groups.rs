//! Groups of complaints that are handled together (Order 121 Art 12): for the office that handles one, and for each consumer in their
//! own case. Nobody but staff sees which other cases belong to it.

use crate::app::App;
use crate::domain::case::Case;
use crate::domain::money::Money;
use crate::domain::permission::{self, Permission};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Action, AnswerWay, Membership, Part, Question, Role, State};
use crate::http::api::transitions::SignedMatch;
use crate::http::api::{cases as shown, day, reference, take};
use crate::http::caller::Caller;
use crate::http::cursor;
use crate::http::error::{Problem, ProblemBody, stale};
use crate::http::extract::{Body, Params};
use crate::http::openapi::{ActionCode, StateCode};
use crate::mass::group::answer::{self, Answer, Own};
use crate::mass::group::manage::{self, Offer};
use crate::mass::group::take::{self as steps, ACTIONS, Ask};
use crate::mass::group::{self, By, GroupError, Picture};
use crate::store::cases;
use crate::store::groups::Group;
use crate::store::types::Key;
use crate::track::Refused;
use actix_web::http::{StatusCode, header};
use actix_web::{HttpResponse, web};
use jiff::Timestamp;
use jiff::civil::Date;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;
use utoipa::{IntoParams, ToSchema};
use uuid::Uuid;

/// Which groups.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub struct GroupsParams {
    /// From the page before.
    pub cursor: Option<String>,
    /// 1 to 100, 25 when left out.
    #[param(value_type = Option<u8>, minimum = 1, maximum = 100)]
    pub limit: Option<String>,
}

/// A member of a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupMember)]
pub struct MemberView {
    /// Number of its case; `null` when that lies outside the caller's scope.
    pub reference: Option<String>,
    /// `asked`, `agreed` or `gone`: declined, left, taken out.
    #[schema(value_type = String)]
    pub membership: String,
    /// Since when.
    #[schema(value_type = String, format = DateTime)]
    pub since: Timestamp,
    /// Its consumer's name, masked.
    pub name: Option<String>,
    /// Where its case stands.
    #[schema(value_type = Option<StateCode>)]
    pub state: Option<State>,
    /// The earliest day on which one of its limits ends.
    #[schema(value_type = Option<String>, format = Date)]
    pub next_due: Option<Date>,
    /// `own`, `represented` or `representative`.
    #[schema(value_type = Option<String>)]
    pub part: Option<Part>,
    /// What its consumer would get by the last settlement that was put to it.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Money>,
    /// Whether it consented to that; `null` while it hasn't answered, or wasn't asked.
    pub consents: Option<bool>,
}

/// Something that the members were asked.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = GroupQuestion)]
pub struct QuestionView {
    /// Its number within the group.
    pub no: i16,
    /// `joining`, `representatives` or `settlement`.
    pub kind: String,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// Account of who asked.
    pub asked_by: String,
    /// The two who are to be chosen, or who agreed on a settlement, as far as the caller may know.
    pub cases: Vec<String>,
    /// Day by which a settlement is performed.
    #[schema(value_type = Option<String>, format = Date)]
    pub performance_date: Option<Date>,
    /// How many were asked.
    pub asked: usize,
    /// How many said yes.
    pub agreed: usize,
    /// How many said no.
    pub declined: usize,
}

/// A group of complaints that are handled together.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = Group)]
pub struct GroupView {
    /// Its id.
    pub id: String,
    /// What `If-Match` must name for a step.
    pub version: i64,
    /// Code of the office that handles it.
    pub office: String,
    /// The merchant.
    pub merchant: Option<String>,
    /// When it was opened.
    #[schema(value_type = String, format = DateTime)]
    pub opened_at: Timestamp,
    /// By which account.
    pub opened_by: String,
    /// Its members, in the order of receipt.
    pub members: Vec<MemberView>,
    /// Numbers of the cases whose consumers speak for others, when both have agreed to.
    pub representatives: Vec<String>,
    /// What was asked, in order.
    pub questions: Vec<QuestionView>,
}

/// A page of groups.
#[derive(Debug, Serialize, ToSchema)]
pub struct GroupPage {
    /// Newest first.
    pub items: Vec<GroupView>,
    /// Where the next page begins.
    pub next_cursor: Option<String>,
}

/// Cases by their numbers.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GroupCases {
    /// Open complaints of one office against one merchant that are in no group: 2 to 200 to open one, 1 to 200 to add to one.
    pub cases: Option<Vec<String>>,
}

/// What the members are asked.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupQuestionRequest)]
pub struct QuestionRequest {
    /// `representatives` or `settlement`.
    pub kind: Option<String>,
    /// For `representatives`: the two members who are to speak for others.
    pub cases: Option<Vec<String>>,
    /// For `settlement`: what each gets for whom `amounts` says nothing.
    #[schema(example = "800.00")]
    pub amount: Option<String>,
    /// For `settlement`: what some get, by the number of the case.
    pub amounts: Option<BTreeMap<String, String>>,
    /// For `settlement`: by when.
    #[schema(format = Date)]
    pub performance_date: Option<String>,
}

/// What a consumer says.
#[derive(Debug, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = GroupAnswer)]
pub struct AnswerRequest {
    /// Number of the question, as in `questions` of the case's group.
    pub question: Option<i16>,
    /// Yes or no. To say no to joining, at any time, or to a settlement is to go on alone.
    pub agree: Option<bool>,
    /// For staff who write it down: `written`, `phone` or `in_person`.
    pub way: Option<String>,
}

/// A question as it was put to one case.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnQuestion)]
pub struct OwnQuestionView {
    /// Its number.
    pub no: i16,
    /// `joining`, `representatives` or `settlement`.
    #[schema(value_type = String)]
    pub kind: Question,
    /// When.
    #[schema(value_type = String, format = DateTime)]
    pub asked_at: Timestamp,
    /// Of `representatives`: whether this consumer is asked to be one of the two.
    pub to_serve: bool,
    /// What this consumer would get.
    #[schema(value_type = Option<String>)]
    pub amount: Option<Money>,
    /// By when.
    #[schema(value_type = Option<String>, format = Date)]
    pub performance_date: Option<Date>,
    /// What was said.
    pub agreed: Option<bool>,
    /// When.
    #[schema(value_type = Option<String>, format = DateTime)]
    pub answered_at: Option<Timestamp>,
    /// Whether it can be answered now, or answered otherwise.
    pub open: bool,
}

/// A case's part in a group.
#[derive(Debug, Serialize, ToSchema)]
#[schema(as = OwnGroup)]
pub struct OwnView {
    /// Id of the group; for staff.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// `asked` or `agreed`.
    #[schema(value_type = String)]
    pub membership: Membership,
    /// `own`, `represented` or `representative`.
    #[schema(value_type = String)]
    pub part: Part,
    /// How many have agreed to be handled together, this one included.
    pub members: usize,
    /// Names of the two who speak or are to speak for others, masked.
    pub representatives: Vec<String>,
    /// What was asked of this case, in order.
    pub questions: Vec<OwnQuestionView>,
}

fn view(picture: &Picture) -> GroupView {
    let Group { row, questions, .. } = &picture.group;
    let group = &picture.group;
    let number_of = |key: Key| {
        let member = picture.members.iter().find(|member| member.row.case_id == key)?;
        member.case.as_ref().map(|case| case.reference.to_string())
    };
    let settlement = group.latest(Question::Settlement).map(|question| question.question_no);
    let members = picture.members.iter().map(|member| {
        let answer = settlement.and_then(|no| group.answer(no, member.row.case_id));
        let joint = member.case.as_ref().and_then(|case| case.joint.as_ref());
        MemberView {
            reference: member.case.as_ref().map(|case| case.reference.to_string()),
            membership: member.row.state.clone(),
            since: member.row.since.0,
            name: member.name.clone(),
            state: member.case.as_ref().map(|case| case.state),
            next_due: member.case.as_ref().and_then(Case::next_due),
            part: joint.filter(|joint| joint.group == row.group_id.0).map(|joint| joint.part),
            amount: answer.and_then(|answer| answer.amount_fen).and_then(Money::from_fen),
            consents: answer.and_then(|answer| answer.agreed),
        }
    });
    let questions = questions.iter().map(|question| {
        let answers = || group.answers.iter().filter(|answer| answer.question_no == question.question_no);
        let said = |word| answers().filter(|answer| answer.agreed == Some(word)).count();
        QuestionView {
            no: question.question_no,
            kind: question.kind.clone(),
            asked_at: question.asked_at.0,
            asked_by: question.asked_by.clone(),
            cases: [question.first_case, question.second_case].into_iter().flatten().filter_map(number_of).collect(),
            performance_date: question.performance_on.map(|on| on.0),
            asked: answers().count(),
            agreed: said(true),
            declined: said(false),
        }
    });
    let two = group.representatives();
    GroupView {
        id: row.group_id.0.to_string(),
        version: row.version,
        office: row.office.clone(),
        merchant: picture.merchant.clone(),
        opened_at: row.opened_at.0,
        opened_by: row.opened_by.clone(),
        members: members.collect(),
        representatives: two.into_iter().flat_map(|(_, a, b)| [a, b]).filter_map(number_of).collect(),
        questions: questions.collect(),
    }
}

/// A case's part in a group, as its caller may see it.
pub(super) fn own_view(own: Own, caller: &Caller) -> OwnView {
    OwnView {
        id: caller.is_staff().then(|| own.group.to_string()),
        membership: own.state,
        part: own.part,
        members: own.members,
        representatives: own.representatives,
        questions: own
            .asked
            .into_iter()
            .map(|asked| OwnQuestionView {
                no: asked.no,
                kind: asked.kind,
                asked_at: asked.asked_at,
                to_serve: asked.to_serve,
                amount: asked.amount,
                performance_date: asked.performance_date,
                agreed: asked.agreed,
                answered_at: asked.answered_at,
                open: asked.open,
            })
            .collect(),
    }
}

pub(in crate::http) fn by(app: &App, caller: &Caller) -> By {
    By {
        scope: caller.scope(),
        actor: caller.who.actor(),
        division: caller.who.division,
        occasion: caller.occasion(app),
    }
}

fn id(path: &str) -> Result<Uuid, Problem> {
    path.parse().map_err(|_| Problem::not_found())
}

/// Reads the numbers of cases.
fn references(given: Option<Vec<String>>, faults: &mut Problems) -> Vec<Reference> {
    let Some(given) = given else {
        faults.at("/cases", Invalid::new("required", "is required").allowed("reference numbers"));
        return Vec::new();
    };
    let read = |(at, text): (usize, &String)| faults.take(format!("/cases/{at}"), Reference::parse(text));
    given.iter().enumerate().filter_map(read).collect()
}

async fn answered(app: &Arc<App>, caller: &Caller, group: Uuid, status: StatusCode) -> Result<HttpResponse, Problem> {
    let picture = group::read(app, &caller.scope(), group).await?.ok_or_else(Problem::not_found)?;
    let mut response = HttpResponse::build(status);
    response.insert_header((header::ETAG, shown::etag(picture.group.row.version)));
    if status == StatusCode::CREATED {
        response.insert_header((header::LOCATION, format!("/api/v1/groups/{group}")));
    }
    Ok(response.json(view(&picture)))
}

/// The groups of the caller's scope.
#[utoipa::path(get, path = "/api/v1/groups", tag = "staff", params(GroupsParams),
    responses(
        (status = 200, body = GroupPage),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn list(app: web::Data<App>, caller: Caller, params: Params<GroupsParams>) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadGroups)?;
    let mut faults = Problems::default();
    let limit = cursor::limit(params.0.limit.as_deref(), 25, 100, &mut faults);
    let after = take(&mut faults, "cursor", params.0.cursor.as_deref(), cursor::to_id);
    faults.check()?;
    let mut found = group::list(&app.into_inner(), &caller.scope(), after, cursor::one_more(limit)).await?;
    let next_cursor = cursor::cut(&mut found, limit, |last| cursor::of_code(&last.group.row.group_id.0.to_string()));
    Ok(HttpResponse::Ok().json(GroupPage { items: found.iter().map(view).collect(), next_cursor }))
}

/// Opens a group of complaints and asks each consumer whether to be handled together with the others. A proposal of
/// `GET /api/v1/mass/proposals` names cases that may belong together.
#[utoipa::path(post, path = "/api/v1/groups", tag = "staff",
    request_body(content = GroupCases, content_type = "application/json"),
    responses(
        (status = 201, body = GroupView, headers(("ETag" = String, description = "Version, for If-Match"))),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn open(app: web::Data<App>, caller: Caller, body: Body<GroupCases>) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let mut faults = Problems::default();
    let cases = references(body.value.cases, &mut faults);
    faults.check()?;
    let app = app.into_inner();
    let group = manage::open(&app, by(&app, &caller), cases).await?;
    answered(&app, &caller, group, StatusCode::CREATED).await
}

/// A group.
#[utoipa::path(get, path = "/api/v1/groups/{id}", tag = "staff",
    params(("id" = String, Path, description = "Id of the group")),
    responses(
        (status = 200, body = GroupView, headers(("ETag" = String, description = "Version, for If-Match"))),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn show(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ReadGroups)?;
    answered(&app.into_inner(), &caller, id(&path)?, StatusCode::OK).await
}

/// Asks more cases to join.
#[utoipa::path(post, path = "/api/v1/groups/{id}/members", tag = "staff",
    params(("id" = String, Path, description = "Id of the group")),
    request_body(content = GroupCases, content_type = "application/json"),
    responses(
        (status = 200, body = GroupView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn add(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<GroupCases>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let group = id(&path)?;
    let mut faults = Problems::default();
    let cases = references(body.value.cases, &mut faults);
    faults.check()?;
    let app = app.into_inner();
    manage::add(&app, by(&app, &caller), group, cases).await?;
    answered(&app, &caller, group, StatusCode::OK).await
}

/// Takes a case out of a group. It goes on alone.
#[utoipa::path(delete, path = "/api/v1/groups/{id}/members/{reference}", tag = "staff",
    params(
        ("id" = String, Path, description = "Id of the group"),
        ("reference" = String, Path, description = "Reference number of the case")),
    responses(
        (status = 204, description = "Taken out"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn remove(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<(String, String)>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let (group, case) = (id(&path.0)?, reference(&path.1)?);
    let app = app.into_inner();
    manage::remove(&app, by(&app, &caller), group, case).await?;
    Ok(HttpResponse::NoContent().finish())
}

/// Asks the members who is to speak for them, or whether to settle. What was asked of that kind before is over.
#[utoipa::path(post, path = "/api/v1/groups/{id}/questions", tag = "staff",
    params(("id" = String, Path, description = "Id of the group")),
    request_body(content = QuestionRequest, content_type = "application/json"),
    responses(
        (status = 200, body = GroupView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn ask(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<QuestionRequest>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let group = id(&path)?;
    let app = app.into_inner();
    let QuestionRequest { kind, cases, amount, amounts, performance_date } = body.value;
    let mut faults = Problems::default();
    let wrong = |field: &str, kind: &str| {
        Invalid::new("unknown_field", format!("a question about `{kind}` has no field `{field}`"))
    };
    match kind.as_deref() {
        Some("representatives") => {
            let given = [
                ("amount", amount.is_some()),
                ("amounts", amounts.is_some()),
                ("performance_date", performance_date.is_some()),
            ];
            for (field, _) in given.into_iter().filter(|(_, given)| *given) {
                faults.at(format!("/{field}"), wrong(field, "representatives"));
            }
            let two = references(cases, &mut faults);
            faults.check()?;
            manage::choose(&app, by(&app, &caller), group, two).await?;
        }
        Some("settlement") => {
            if cases.is_some() {
                faults.at("/cases", wrong("cases", "settlement"));
            }
            let offer = offer(&mut faults, amount, amounts, performance_date);
            faults.check()?;
            let Some(offer) = offer else { return Err(Problem::internal("an offer without faults")) };
            manage::propose(&app, by(&app, &caller), group, offer).await?;
        }
        other => {
            let code = if other.is_some() { "unknown_value" } else { "required" };
            let fault = Invalid::new(code, "say what is asked").allowed("representatives, settlement");
            return Err(Problem::field("/kind", fault));
        }
    }
    answered(&app, &caller, group, StatusCode::OK).await
}

fn offer(
    faults: &mut Problems,
    amount: Option<String>,
    amounts: Option<BTreeMap<String, String>>,
    performance_date: Option<String>,
) -> Option<Offer> {
    let amount = take(faults, "amount", amount.as_deref(), Money::parse);
    let mut each = BTreeMap::new();
    for (number, amount) in amounts.unwrap_or_default() {
        let at = format!("/amounts/{}", number.replace('~', "~0").replace('/', "~1"));
        let number = faults.take(&at, Reference::parse(&number));
        if let Some((number, amount)) = number.zip(faults.take(&at, Money::parse(&amount))) {
            each.insert(number, amount);
        }
    }
    if performance_date.is_none() {
        faults.at("/performance_date", Invalid::new("required", "is required").allowed("YYYY-MM-DD"));
    }
    let performance_date = take(faults, "performance_date", performance_date.as_deref(), day);
    Some(Offer { amount, amounts: each, performance_date: performance_date? })
}

/// Takes a step with the members of a group: decided for each by the table of steps, and taken for all or for none. With every
/// member that has agreed and hasn't ended, or with those of `cases`; `settle` with those who consented to the last settlement that
/// was put to them, each on its own terms.
#[utoipa::path(post, path = "/api/v1/groups/{id}/transitions", tag = "staff",
    params(
        ("id" = String, Path, description = "Id of the group"),
        ("If-Match" = String, Header, description = "ETag of the group as it was read, e.g. \"3\"")),
    request_body(content = GroupTransition, content_type = "application/json"),
    responses(
        (status = 200, body = GroupView, headers(("ETag" = String, description = "The new version"))),
        (status = 400, body = ProblemBody, content_type = "application/problem+json"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 412, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json"),
        (status = 428, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn step(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    version: SignedMatch,
    body: Body<Map<String, Value>>,
) -> Result<HttpResponse, Problem> {
    caller.may(Permission::ManageGroups)?;
    let group = id(&path)?;
    let expected = version.read()?;
    let mut fields = body.value;
    let allowed = || ACTIONS.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
    let action = match fields.remove("action") {
        Some(Value::String(code)) => Action::parse(&code).ok().filter(|action| ACTIONS.contains(action)),
        Some(_) => return Err(Problem::field("/action", Invalid::new("type", "must be a string"))),
        None => return Err(Problem::field("/action", Invalid::new("required", "is required").allowed(allowed()))),
    };
    let Some(action) = action else {
        let fault = Invalid::new("unknown_value", "no step that is taken with a group").allowed(allowed());
        return Err(Problem::field("/action", fault));
    };
    let mut faults = Problems::default();
    let cases = match fields.remove("cases") {
        None | Some(Value::Null) => None,
        Some(given) => match serde_json::from_value::<Vec<String>>(given) {
            Ok(given) => Some(references(Some(given), &mut faults)),
            Err(_) => return Err(Problem::field("/cases", Invalid::new("type", "must be a list of numbers of cases"))),
        },
    };
    faults.check()?;
    let app = app.into_inner();
    steps::step(&app, by(&app, &caller), Ask { group, expected, action, fields, cases }).await?;
    answered(&app, &caller, group, StatusCode::OK).await
}

/// A case's part in a group, and what its consumer is asked: for the consumer and for staff.
#[utoipa::path(get, path = "/api/v1/cases/{reference}/group", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    responses(
        (status = 200, body = OwnView),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn own(app: web::Data<App>, caller: Caller, path: web::Path<String>) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let own = own_of(&app.into_inner(), &caller, reference(&path)?).await?.ok_or_else(Problem::not_found)?;
    Ok(HttpResponse::Ok().json(own_view(own, &caller)))
}

/// A case's part in a group; `None` when it has none.
///
/// # Errors
/// 404 outside the caller's scope, 403 for roles that see no groups.
pub(in crate::http) async fn own_of(
    app: &Arc<App>,
    caller: &Caller,
    reference: Reference,
) -> Result<Option<Own>, Problem> {
    let (shared, scope, role) = (Arc::clone(app), caller.scope(), caller.who.role);
    app.store
        .read(move |db| {
            let Some(found) = cases::load(db, &scope, &reference)? else { return Ok(Err(Problem::not_found())) };
            let may = |permission| permission::may(role, permission, found.case.kind);
            if !may(Permission::ReadGroups) && !may(Permission::AnswerGroup) {
                return Ok(Err(Problem::not_for_role()));
            }
            Ok(Ok(answer::own(&shared, db, &found)?))
        })
        .await?
}

/// Answers what a case's consumer is asked: by the consumer, or by the office that writes down what was said. Saying no to joining, at
/// any time, or to a settlement lets the case go on alone; it loses nothing by it.
#[utoipa::path(post, path = "/api/v1/cases/{reference}/group", tag = "cases",
    params(("reference" = String, Path, description = "Reference number")),
    request_body(content = AnswerRequest, content_type = "application/json"),
    responses(
        (status = 200, body = Option<OwnView>, description = "Its part in the group after it; `null` when it goes on alone"),
        (status = 401, body = ProblemBody, content_type = "application/problem+json"),
        (status = 403, body = ProblemBody, content_type = "application/problem+json"),
        (status = 404, body = ProblemBody, content_type = "application/problem+json"),
        (status = 409, body = ProblemBody, content_type = "application/problem+json"),
        (status = 410, body = ProblemBody, content_type = "application/problem+json"),
        (status = 422, body = ProblemBody, content_type = "application/problem+json")),
    security(("bearer" = [])))]
pub async fn answer(
    app: web::Data<App>,
    caller: Caller,
    path: web::Path<String>,
    body: Body<AnswerRequest>,
) -> Result<HttpResponse, Problem> {
    caller.signed_in()?;
    let reference = reference(&path)?;
    let case = shown::load(&app, &caller, reference.clone()).await?.case;
    caller.may_with(Permission::AnswerGroup, case.kind)?;
    let mut faults = Problems::default();
    let required = |faults: &mut Problems, field: &str, allowed: &str| {
        faults.at(format!("/{field}"), Invalid::new("required", "is required").allowed(allowed));
    };
    if body.value.question.is_none() {
        required(&mut faults, "question", "the number of a question");
    }
    if body.value.agree.is_none() {
        required(&mut faults, "agree", "true, false");
    }
    let way = match (caller.who.role, body.value.way.as_deref()) {
        (Role::Consumer, None) => Some(AnswerWay::Online),
        (Role::Consumer, Some(_)) => {
            faults.at("/way", Invalid::new("unknown_field", "is for staff who write down what was said"));
            None
        }
        (_, given) => {
            let heard = [AnswerWay::Written, AnswerWay::Phone, AnswerWay::InPerson];
            let way = given.and_then(|code| heard.into_iter().find(|way| way.code() == code));
            if way.is_none() {
                let code = if given.is_some() { "unknown_value" } else { "required" };
                faults.at("/way", Invalid::new(code, "say how it was said").allowed("written, phone, in_person"));
            }
            way
        }
    };
    faults.check()?;
    let (Some(question), Some(agree), Some(way)) = (body.value.question, body.value.agree, way) else {
        return Err(Problem::internal("an answer without faults"));
    };
    let given =
        Answer { reference: reference.clone(), scope: caller.scope(), actor: caller.who.actor(), question, agree, way };
    let app = app.into_inner();
    answer::give(&app, given).await?;
    let own = own_of(&app, &caller, reference).await?;
    Ok(HttpResponse::Ok().json(own.map(|own| own_view(own, &caller))))
}

impl From<GroupError> for Problem {
    fn from(error: GroupError) -> Self {
        match error {
            GroupError::NotFound => Self::not_found(),
            GroupError::Stale { current } => stale(current),
            GroupError::Invalid(problems) => problems.into(),
            GroupError::Conflict(code, detail) => Self::new(StatusCode::CONFLICT, code, detail),
            GroupError::Members(refused) => members(refused),
            GroupError::Store(error) => error.into(),
        }
    }
}

/// Why a step isn't taken with a group: every member for whom it isn't possible, each at its place.
fn members(refused: Vec<(Reference, Refused)>) -> Problem {
    if steps::is_never_for_role(&refused) {
        return Problem::not_for_role();
    }
    // What is wrong with the fields is the same for all: it is told as of one step.
    if let Some(problems) = refused.iter().find_map(|(_, why)| match why {
        Refused::Invalid(problems) => Some(problems.clone()),
        Refused::NotAllowedForRole | Refused::NotNow { .. } => None,
    }) {
        return problems.into();
    }
    let detail = "not possible for some of the members; it was taken for none";
    let problem = Problem::new(StatusCode::CONFLICT, "members_refuse", detail);
    refused.into_iter().fold(problem, |problem, (reference, why)| {
        let (code, allowed) = match &why {
            Refused::NotNow { blocked, allowed } => {
                (blocked.as_ref().map_or("not_now", |one| one.code), allowed.clone())
            }
            Refused::NotAllowedForRole | Refused::Invalid(_) => ("not_now", Vec::new()),
        };
        let allowed = allowed.iter().map(ToString::to_string).collect::<Vec<_>>().join(", ");
        problem.fault(&format!("/cases/{reference}"), Invalid::new(code, why.to_string()).allowed(allowed))
    })
}

/// A step with a group, with the fields that it carries.
#[derive(ToSchema)]
#[expect(dead_code, reason = "describes the body of a step")]
struct GroupTransition {
    action: ActionCode,
    /// With these members only.
    cases: Option<Vec<String>>,
    /// What the step carries for each; see `available_actions` of the cases.
    #[serde(flatten)]
    #[schema(value_type = Object, inline)]
    fields: (),
}

//! What a consumer says in their own case: whether to be handled together with others, who is to speak for them, whether to settle.
//! Staff write down what was said on paper or by telephone; choosing representatives asks for writing (Art 12), which an answer
//! given online is (Civil Code Art 469).

use super::manage::ask_to_choose;
use super::{End, GroupError, fault, key, name_of, save, step, with};
use crate::app::App;
use crate::domain::case::Actor;
use crate::domain::joint::{Joint, Terms};
use crate::domain::money::Money;
use crate::domain::problem::Invalid;
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{AnswerWay, Membership, Part, Question};
use crate::store::cases::{self, Loaded};
use crate::store::groups::{self, AnswerRow, Group, QuestionRow};
use crate::store::types::{At, Key};
use crate::store::{Db, StoreError, Tx};
use crate::track::Step;
use crate::track::act;
use jiff::Timestamp;
use jiff::civil::Date;
use serde_json::json;
use std::sync::Arc;
use uuid::Uuid;

/// An answer.
#[derive(Debug, Clone)]
pub struct Answer {
    /// Of which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// Who answers, or writes it down.
    pub actor: Actor,
    /// Which question.
    pub question: i16,
    /// Yes or no.
    pub agree: bool,
    /// How it was given.
    pub way: AnswerWay,
}

/// A question, as it was put to one case.
#[derive(Debug, Clone)]
pub struct Asked {
    /// Its number.
    pub no: i16,
    /// What it is about.
    pub kind: Question,
    /// When it was asked.
    pub asked_at: Timestamp,
    /// Whether this case's consumer is asked to be one of the two, not to choose them.
    pub to_serve: bool,
    /// What this consumer would get.
    pub amount: Option<Money>,
    /// By when.
    pub performance_date: Option<Date>,
    /// What was said.
    pub agreed: Option<bool>,
    /// When.
    pub answered_at: Option<Timestamp>,
    /// Whether it can still be answered, or answered otherwise.
    pub open: bool,
}

/// A case's part in a group, as its consumer may see it: nothing by which another member could be known.
#[derive(Debug, Clone)]
pub struct Own {
    /// Which group.
    pub group: Uuid,
    /// Where the case stands in it.
    pub state: Membership,
    /// Its part.
    pub part: Part,
    /// How many have agreed to be handled together, with this one.
    pub members: usize,
    /// Names of the two who speak or are to speak for others, masked.
    pub representatives: Vec<String>,
    /// What was asked of it, in order.
    pub asked: Vec<Asked>,
}

/// A case's part in its group; `None` when it has none.
///
/// # Errors
/// The store's.
pub fn own(app: &App, db: &mut Db, found: &Loaded) -> Result<Option<Own>, StoreError> {
    let (Some(joint), Some(group)) = (&found.case.joint, groups::of_case(db, found)?) else { return Ok(None) };
    let id = Key::from(found.case.id);
    let mut representatives = Vec::new();
    if let Some(question) = group.latest(Question::Representatives) {
        for case in [question.first_case, question.second_case].into_iter().flatten() {
            let other = cases::load_by_id(db, &Scope::System, key(case))?;
            representatives.extend(other.map(|other| name_of(app, db, &other)).transpose()?.flatten());
        }
    }
    let asked = group.questions.iter().filter_map(|question| {
        let answer = group.answer(question.question_no, id)?;
        let kind = Question::parse(&question.kind).ok()?;
        let last = group.latest(kind).is_some_and(|last| last.question_no == question.question_no);
        Some(Asked {
            no: question.question_no,
            kind,
            asked_at: question.asked_at.0,
            to_serve: kind == Question::Representatives && is_one_of_the_two(question, id),
            amount: answer.amount_fen.and_then(Money::from_fen),
            performance_date: question.performance_on.map(|on| on.0),
            agreed: answer.agreed,
            answered_at: answer.answered_at.map(|at| at.0),
            open: last && !found.case.state.is_end() && (kind == Question::Joining || joint.agreed),
        })
    });
    Ok(Some(Own {
        group: joint.group,
        state: if joint.agreed { Membership::Agreed } else { Membership::Asked },
        part: joint.part,
        members: group.in_state(Membership::Agreed).count(),
        asked: asked.collect(),
        representatives,
    }))
}

fn is_one_of_the_two(question: &QuestionRow, case: Key) -> bool {
    question.first_case == Some(case) || question.second_case == Some(case)
}

/// Answers, or answers otherwise; gives the case after it.
///
/// # Errors
/// When the question isn't there for the case, or is over.
pub async fn give(app: &Arc<App>, answer: Answer) -> Result<Loaded, GroupError> {
    act::again_if_overtaken(app, move |app, tx| given(app, tx, &answer)).await?
}

fn given(app: &App, tx: &mut Tx<'_>, answer: &Answer) -> End<Loaded> {
    let Some(found) = cases::load(tx.db(), &answer.scope, &answer.reference)? else {
        return Ok(Err(GroupError::NotFound));
    };
    if found.sealed.data_key.is_empty() {
        return Err(StoreError::Erased);
    }
    let (Some(joint), Some(group)) = (found.case.joint.clone(), groups::of_case(tx.db(), &found)?) else {
        return Ok(Err(GroupError::Conflict("not_asked", "this case isn't asked to be handled with others")));
    };
    let id = Key::from(found.case.id);
    let asked = group.questions.iter().find(|question| question.question_no == answer.question);
    let asked = asked.zip(group.answer(answer.question, id).cloned());
    let Some((question, row, kind)) = asked.and_then(|(q, row)| Some((q, row, Question::parse(&q.kind).ok()?))) else {
        let known = group.answers.iter().filter(|row| row.case_id == id).map(|row| row.question_no.to_string());
        let fault_of = Invalid::new("unknown_value", "this case isn't asked that");
        return fault("/question", fault_of.allowed(known.collect::<Vec<_>>().join(", ")));
    };
    if found.case.state.is_end() {
        return Ok(Err(GroupError::Conflict("ended", "the case has come to its end")));
    }
    if group.latest(kind).is_none_or(|last| last.question_no != answer.question) {
        return Ok(Err(GroupError::Conflict("question_over", "another question has taken its place")));
    }
    if kind != Question::Joining && !joint.agreed {
        return Ok(Err(GroupError::Conflict("join_first", "this case hasn't agreed to be handled with others")));
    }
    if kind == Question::Representatives && !matches!(answer.way, AnswerWay::Online | AnswerWay::Written) {
        let fault_of = Invalid::new("in_writing", "representatives are chosen in writing (Art 12)");
        return fault("/way", fault_of.allowed("written"));
    }
    if row.agreed == Some(answer.agree) {
        return Ok(Ok(found));
    }
    let (after, what) = changed(question, kind, &joint, &row, answer.agree);
    let mut step = step(&found.case, joint.group, after, what, answer.question);
    if let Some(amount) = row.amount_fen.and_then(Money::from_fen) {
        step = with(step, &[("amount", json!(amount))]);
    }
    take_note(app, tx, &group, row, answer)?;
    let saved = save(app, tx, &found, &as_said(step, answer), &answer.actor)?;
    groups::advance(tx, &group.row)?;
    // Who has just become a member, or one of the two, may be the reason to ask others, or to be asked.
    if let Some(group) = groups::load(tx.db(), &Scope::System, joint.group)? {
        ask_to_choose(app, tx, &group)?;
    }
    Ok(Ok(cases::load_by_id(tx.db(), &Scope::System, found.case.id)?.unwrap_or(saved)))
}

/// A case's part after an answer, and the code of what came to pass.
fn changed(
    question: &QuestionRow,
    kind: Question,
    joint: &Joint,
    row: &AnswerRow,
    agree: bool,
) -> (Option<Joint>, &'static str) {
    let joint = joint.clone();
    match (kind, agree) {
        (Question::Joining, true) => (Some(Joint { agreed: true, ..joint }), "agreed"),
        (Question::Joining, false) if joint.agreed => (None, "left"),
        (Question::Joining, false) => (None, "declined"),
        (Question::Representatives, agree) => {
            let serves = is_one_of_the_two(question, row.case_id);
            let (part, what) = match (serves, agree) {
                (true, true) => (Part::Representative, "serves"),
                (true, false) => (Part::Own, "serves_not"),
                (false, true) => (Part::Represented, "represented"),
                (false, false) => (Part::Own, "unrepresented"),
            };
            (Some(Joint { part, ..joint }), what)
        }
        (Question::Settlement, true) => {
            let terms = row.amount_fen.and_then(Money::from_fen).zip(question.performance_on);
            let terms =
                terms.map(|(amount, on)| Terms { question: question.question_no, amount, performance_date: on.0 });
            (Some(Joint { terms, ..joint }), "consented")
        }
        // Who doesn't want what the others settle on goes on alone.
        (Question::Settlement, false) => (None, "refused"),
    }
}

/// How it was said stands in the event; who wrote it down is its actor.
fn as_said(step: Step, answer: &Answer) -> Step {
    with(step, &[("way", json!(answer.way))])
}

fn take_note(app: &App, tx: &mut Tx<'_>, group: &Group, row: AnswerRow, answer: &Answer) -> Result<(), StoreError> {
    let said = AnswerRow {
        group_id: group.row.group_id,
        agreed: Some(answer.agree),
        way: Some(answer.way.code().to_owned()),
        answered_at: Some(At(app.now())),
        answered_by: answer.actor.user.clone(),
        ..row
    };
    groups::answer(tx, &said)
}

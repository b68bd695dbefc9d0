//! Groups of complaints that one office handles together: their members, what these are asked, and what they say. A case's part in
//! its group stands in the case; the rows of members follow it.

use crate::domain::case::Case;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Membership, Question};
use crate::store::cases::Loaded;
use crate::store::db::{Db, MultiBackend};
use crate::store::engine::{StoreError, Tx};
use crate::store::schema::{case_groups, group_answers, group_members, group_questions};
use crate::store::types::{At, Key, On};
use crate::store::watch::Looked;
use diesel::prelude::*;
use jiff::Timestamp;
use std::collections::HashSet;
use uuid::Uuid;

/// Cases that are asked about at once.
const CHUNK: usize = 500;

/// A group as a row.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = case_groups)]
pub struct GroupRow {
    /// Key.
    pub group_id: Key,
    /// Grows with every change of the group itself.
    pub version: i64,
    /// The office that handles it.
    pub office: String,
    /// Its line, without the place.
    pub department: String,
    /// Division, six digits.
    pub division: i32,
    /// When it was opened.
    pub opened_at: At,
    /// By which account.
    pub opened_by: String,
}

/// A member as a row.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = group_members)]
pub struct MemberRow {
    /// Group.
    pub group_id: Key,
    /// Case.
    pub case_id: Key,
    /// Code of a [`Membership`].
    pub state: String,
    /// Since when.
    pub since: At,
}

/// A question as a row.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable)]
#[diesel(table_name = group_questions, treat_none_as_default_value = false)]
pub struct QuestionRow {
    /// Group.
    pub group_id: Key,
    /// Its number within the group, from 1.
    pub question_no: i16,
    /// Code of a [`Question`].
    pub kind: String,
    /// Case of the first of two representatives: of those who are to be chosen, or who agreed on the settlement.
    pub first_case: Option<Key>,
    /// Case of the second.
    pub second_case: Option<Key>,
    /// Day by which a settlement is performed.
    pub performance_on: Option<On>,
    /// When it was asked.
    pub asked_at: At,
    /// By which account.
    pub asked_by: String,
}

/// Who was asked, and what they said, as a row.
#[derive(Debug, Clone, PartialEq, Eq, Insertable, Queryable, Selectable, AsChangeset)]
#[diesel(table_name = group_answers, treat_none_as_default_value = false, treat_none_as_null = true)]
pub struct AnswerRow {
    /// Group.
    pub group_id: Key,
    /// Question.
    pub question_no: i16,
    /// Case of who is asked.
    pub case_id: Key,
    /// What this consumer would get by a settlement.
    pub amount_fen: Option<i64>,
    /// What was said; `None` while nothing was.
    pub agreed: Option<bool>,
    /// Code of an [`AnswerWay`](crate::domain::vocabulary::AnswerWay).
    pub way: Option<String>,
    /// When.
    pub answered_at: Option<At>,
    /// Account that wrote it down; `None` when the consumer answered.
    pub answered_by: Option<String>,
}

/// A group with what belongs to it.
#[derive(Debug, Clone)]
pub struct Group {
    /// Itself.
    pub row: GroupRow,
    /// Its members, in the order of their cases.
    pub members: Vec<MemberRow>,
    /// What was asked, in order.
    pub questions: Vec<QuestionRow>,
    /// Who was asked, in the order of questions and cases.
    pub answers: Vec<AnswerRow>,
}

impl Group {
    /// The last question of a kind.
    pub fn latest(&self, kind: Question) -> Option<&QuestionRow> {
        self.questions.iter().rev().find(|question| question.kind == kind.code())
    }

    /// The number of the next question.
    pub fn next_question(&self) -> i16 {
        self.questions.last().map_or(1, |question| question.question_no + 1)
    }

    /// What a case was asked by a question, and said.
    pub fn answer(&self, question: i16, case: Key) -> Option<&AnswerRow> {
        self.answers.iter().find(|answer| answer.question_no == question && answer.case_id == case)
    }

    /// Whether a case said yes to a question.
    pub fn agreed(&self, question: i16, case: Key) -> bool {
        self.answer(question, case).is_some_and(|answer| answer.agreed == Some(true))
    }

    /// Keys of the members that stand so.
    pub fn in_state(&self, state: Membership) -> impl Iterator<Item = Key> + '_ {
        self.members.iter().filter(move |member| member.state == state.code()).map(|member| member.case_id)
    }

    /// The two who speak for others, by the last question of that kind, when both said yes and are members.
    pub fn representatives(&self) -> Option<(i16, Key, Key)> {
        let question = self.latest(Question::Representatives)?;
        let (first, second) = (question.first_case?, question.second_case?);
        let serves = |case| {
            self.agreed(question.question_no, case) && self.in_state(Membership::Agreed).any(|member| member == case)
        };
        (serves(first) && serves(second)).then_some((question.question_no, first, second))
    }
}

type Boxed<'a> = case_groups::BoxedQuery<'a, MultiBackend>;

/// Begins every query for groups: a group is there for the office that handles it, and for who stands above it.
fn seen<'a>(scope: &Scope) -> Option<Boxed<'a>> {
    let all = case_groups::table.into_boxed();
    Some(match scope {
        Scope::Nothing | Scope::Case(_) | Scope::Contact(_) | Scope::Station(_) => return None,
        Scope::System => all,
        Scope::Office(code) => all.filter(case_groups::office.eq(code.clone())),
        Scope::Subtree { division, department } => {
            let codes = division.six_digit_range();
            let number = |code: u32| i32::try_from(code).unwrap_or(i32::MAX);
            let below = case_groups::division.ge(number(codes.start)).and(case_groups::division.lt(number(codes.end)));
            match department {
                Some(line) => all.filter(below).filter(case_groups::department.eq(line.clone())),
                None => all.filter(below),
            }
        }
    })
}

/// A group by its key, within a scope.
///
/// # Errors
/// When the engine doesn't answer.
pub fn load(db: &mut Db, scope: &Scope, id: Uuid) -> Result<Option<Group>, StoreError> {
    let Some(query) = seen(scope) else { return Ok(None) };
    let row = query.filter(case_groups::group_id.eq(Key(id))).select(GroupRow::as_select()).first(db).optional()?;
    row.map(|row| whole(db, row)).transpose()
}

/// The group that a case, which the caller has loaded within its scope, has a part in.
///
/// # Errors
/// When the engine doesn't answer.
pub fn of_case(db: &mut Db, case: &Loaded) -> Result<Option<Group>, StoreError> {
    match &case.case.joint {
        Some(joint) => load(db, &Scope::System, joint.group),
        None => Ok(None),
    }
}

fn whole(db: &mut Db, row: GroupRow) -> Result<Group, StoreError> {
    let id = row.group_id;
    Ok(Group {
        row,
        members: group_members::table
            .filter(group_members::group_id.eq(id))
            .order(group_members::case_id)
            .select(MemberRow::as_select())
            .load(db)?,
        questions: group_questions::table
            .filter(group_questions::group_id.eq(id))
            .order(group_questions::question_no)
            .select(QuestionRow::as_select())
            .load(db)?,
        answers: group_answers::table
            .filter(group_answers::group_id.eq(id))
            .order((group_answers::question_no, group_answers::case_id))
            .select(AnswerRow::as_select())
            .load(db)?,
    })
}

/// Groups within a scope, the newest first, behind one.
///
/// # Errors
/// When the engine doesn't answer.
pub fn list(db: &mut Db, scope: &Scope, after: Option<Uuid>, limit: i64) -> Result<Vec<Group>, StoreError> {
    let Some(mut query) = seen(scope) else { return Ok(Vec::new()) };
    if let Some(after) = after {
        query = query.filter(case_groups::group_id.lt(Key(after)));
    }
    let rows: Vec<GroupRow> =
        query.order(case_groups::group_id.desc()).limit(limit).select(GroupRow::as_select()).load(db)?;
    rows.into_iter().map(|row| whole(db, row)).collect()
}

/// Of some cases, which the caller has found within its scope, those that are asked to join a group or have joined one.
///
/// # Errors
/// When the engine doesn't answer.
pub fn joined(db: &mut Db, cases: &[Looked]) -> Result<HashSet<Key>, StoreError> {
    let mut joined = HashSet::new();
    for some in cases.chunks(CHUNK) {
        let keys: Vec<Key> = some.iter().map(|case| case.case_id).collect();
        let live = group_members::table
            .filter(group_members::case_id.eq_any(keys).and(group_members::state.ne(Membership::Gone.code())));
        joined.extend(live.select(group_members::case_id).load::<Key>(db)?);
    }
    Ok(joined)
}

/// Opens a group without members.
///
/// # Errors
/// When the engine doesn't answer.
pub fn open(tx: &mut Tx<'_>, row: &GroupRow) -> Result<(), StoreError> {
    diesel::insert_into(case_groups::table).values(row).execute(tx.db)?;
    Ok(())
}

/// Notes that a group changed, if it still is at the version that was read.
///
/// # Errors
/// [`StoreError::Stale`] when someone else was quicker.
pub fn advance(tx: &mut Tx<'_>, row: &GroupRow) -> Result<(), StoreError> {
    let read = case_groups::group_id.eq(row.group_id).and(case_groups::version.eq(row.version));
    let next = case_groups::version.eq(row.version + 1);
    let changed = diesel::update(case_groups::table.filter(read)).set(next).execute(tx.db)?;
    if changed == 1 { Ok(()) } else { Err(StoreError::Stale) }
}

/// Asks a question.
///
/// # Errors
/// When the engine doesn't answer.
pub fn ask(tx: &mut Tx<'_>, question: &QuestionRow) -> Result<(), StoreError> {
    diesel::insert_into(group_questions::table).values(question).execute(tx.db)?;
    Ok(())
}

/// Keeps who is asked, or what was said, in place of what stood there.
///
/// # Errors
/// When the engine doesn't answer.
pub fn answer(tx: &mut Tx<'_>, answer: &AnswerRow) -> Result<(), StoreError> {
    let place = group_answers::table.find((answer.group_id, answer.question_no, answer.case_id));
    if diesel::update(place).set(answer).execute(tx.db)? == 0 {
        diesel::insert_into(group_answers::table).values(answer).execute(tx.db)?;
    }
    Ok(())
}

/// Writes the rows of members after a step that changed a case's part in a group.
///
/// # Errors
/// When the engine doesn't answer.
pub fn follow(tx: &mut Tx<'_>, before: &Case, after: &Case, now: Timestamp) -> Result<(), StoreError> {
    let stands = |case: &Case| {
        let state = |agreed| if agreed { Membership::Agreed } else { Membership::Asked };
        case.joint.as_ref().map(|joint| (joint.group, state(joint.agreed)))
    };
    let (was, is) = (stands(before), stands(after));
    if was == is {
        return Ok(());
    }
    let row = |group, state: Membership| MemberRow {
        group_id: Key(group),
        case_id: after.id.into(),
        state: state.code().to_owned(),
        since: At(now),
    };
    if let Some((group, _)) = was.filter(|(group, _)| is.is_none_or(|(other, _)| other != *group)) {
        put(tx, &row(group, Membership::Gone))?;
    }
    if let Some((group, state)) = is {
        put(tx, &row(group, state))?;
    }
    Ok(())
}

fn put(tx: &mut Tx<'_>, member: &MemberRow) -> Result<(), StoreError> {
    let place = group_members::table.find((member.group_id, member.case_id));
    if diesel::update(place).set(member).execute(tx.db)? == 0 {
        diesel::insert_into(group_members::table).values(member).execute(tx.db)?;
    }
    Ok(())
}

/// Takes an erased case out of the groups that it had a part in; a group without members goes with its last.
pub(super) fn forget(db: &mut Db, case: Key) -> Result<(), StoreError> {
    let groups: Vec<Key> =
        group_members::table.filter(group_members::case_id.eq(case)).select(group_members::group_id).load(db)?;
    for group in groups {
        let answers = group_answers::group_id.eq(group).and(group_answers::case_id.eq(case));
        diesel::delete(group_answers::table.filter(answers)).execute(db)?;
        diesel::delete(group_members::table.find((group, case))).execute(db)?;
        let left: i64 = group_members::table.filter(group_members::group_id.eq(group)).count().get_result(db)?;
        if left == 0 {
            diesel::delete(group_questions::table.filter(group_questions::group_id.eq(group))).execute(db)?;
            diesel::delete(case_groups::table.find(group)).execute(db)?;
        }
    }
    Ok(())
}

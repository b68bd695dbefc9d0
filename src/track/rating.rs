//! The complainant's judgement of an end, asked for by the service and given by a signed link: no sign-in, nothing chosen
//! beforehand, one answer that can be changed for a while.
//!
//! The link is of one end of a case: when the case is opened again, it opens nothing more, and the next end has another.

use crate::app::App;
use crate::domain::case::{Actor, Case, Rating};
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, Role};
use crate::privacy::{Link, LinkTo};
use crate::store::cases::{self, Loaded};
use crate::store::{Db, StoreError};
use crate::track::act::{self, ActError, Request};
use crate::track::{Command, guards};
use jiff::civil::Date;
use jiff::{SignedDuration, Timestamp, ToSpan};
use serde_json::{Map, Value, json};
use std::sync::Arc;

/// The notice that asks for it.
pub const NOTICE: &str = "rating";

/// Times that an answer is given again when the case moves on meanwhile.
const ATTEMPTS: u32 = 5;

/// Why a link doesn't open, or an answer isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum RatingError {
    /// No link of this service, or of a case that is no more.
    #[error("no such link")]
    Unknown,
    /// Its time is over, or the case was opened again.
    #[error("the link is over")]
    Over,
    /// The answer isn't taken.
    #[error(transparent)]
    Act(#[from] ActError),
}

/// What is asked, and what was answered.
#[derive(Debug, Clone)]
pub struct Asked {
    /// The case.
    pub case: Loaded,
    /// Last day for an answer, or for another one.
    pub until: Date,
    /// The answer that stands.
    pub answer: Option<Rating>,
}

/// What the notice that asks for a rating says, and when it goes out.
#[derive(Debug)]
pub struct Asks {
    link: String,
    until: Date,
    /// Not before: who has just had word of the end hasn't seen yet what came of it.
    pub due_at: Timestamp,
    /// Of no use after.
    pub expires_at: Timestamp,
}

/// What is asked of an end; `case` is the case after the step that ended it.
pub fn asks(app: &App, case: &Case, now: Timestamp) -> Asks {
    let settings = &app.settings.rating;
    let until = app.today().saturating_add(i64::from(settings.valid_days).days());
    let token = Link { to: LinkTo::Rating, case: case.id, seq: case.version, until }.token(&app.vault);
    let base = app.settings.server.public_url.as_deref().unwrap_or_default();
    let hours = |hours: i64| now.checked_add(SignedDuration::from_hours(hours)).unwrap_or(now);
    Asks {
        link: format!("{base}/r/{token}"),
        until,
        due_at: hours(i64::from(settings.ask_after_hours)),
        expires_at: hours(24 * i64::from(settings.valid_days)),
    }
}

impl Asks {
    /// Adds what the notice names.
    pub fn fill(&self, values: &mut Map<String, Value>) {
        values.insert("rating_link".to_owned(), json!(self.link));
        values.insert("until".to_owned(), json!(self.until));
    }
}

/// Opens a link.
///
/// # Errors
/// When it is none, or its time is over.
pub async fn open(app: &App, token: &str) -> Result<Asked, RatingError> {
    let link = Link::read(&app.vault, LinkTo::Rating, token).ok_or(RatingError::Unknown)?;
    let today = app.today();
    app.store.read(move |db| find(db, &link, today)).await.map_err(ActError::from)?
}

fn find(db: &mut Db, link: &Link, today: Date) -> Result<Result<Asked, RatingError>, StoreError> {
    let Some(case) = cases::load_by_id(db, &Scope::Case(link.case), link.case)? else {
        return Ok(Err(RatingError::Unknown));
    };
    let of_this_end = case.case.state.is_end() && cases::last_entered(db, &case)? == Some(link.seq);
    let answer = case.case.rating.clone().filter(|_| !guards::is_of_an_earlier_end(&case.case));
    let until = answer.as_ref().map_or(link.until, |answer| link.until.min(guards::last_day_to_change(answer)));
    Ok(if of_this_end && today <= until { Ok(Asked { case, until, answer }) } else { Err(RatingError::Over) })
}

/// Gives an answer, or changes it. That someone else moves the case on meanwhile doesn't bar it.
///
/// # Errors
/// When the link doesn't open, or the answer isn't whole.
pub async fn answer(app: &Arc<App>, token: &str, fields: Map<String, Value>) -> Result<Asked, RatingError> {
    for _ in 0..ATTEMPTS {
        let asked = open(app, token).await?;
        let case = &asked.case.case;
        let request = Request {
            reference: case.reference.clone(),
            expected: case.version,
            scope: Scope::Case(case.id),
            division: None,
            command: Command {
                action: Action::Rate,
                actor: Actor { role: Role::Consumer, user: None, unit: None },
                fields: fields.clone(),
            },
        };
        match act::act(app, request).await {
            Ok(_) => return open(app, token).await,
            Err(ActError::Stale { .. }) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Err(ActError::Stale { current: 0 }.into())
}

//! Takes a filing in.
//!
//! Comes in: what a person, staff or a file hands over ([`submission`]). Goes out: one case, or two linked ones for a
//! submission of both kinds (Order 121 Art 9), durable, with a reference number, a PIN, an owner and clocks; or every fault
//! of the input at once. On the way the narrative is classified, the case routed and its first state and clocks set by the
//! later stages; personal data is sealed before anything is stored.
//!
//! Rules of this stage: a resend with the same key gives the same answer and makes nothing (idempotency); a likely duplicate
//! is linked and never refused; what acceptance still needs is listed, not demanded (Art 10, 11); reports may be anonymous.

pub mod bulk;
pub mod history;
pub mod picture;
pub mod submission;
pub mod unfinished;

mod draft;
mod split;

pub use split::split;

use crate::app::App;
use crate::domain::case::Actor;
use crate::domain::problem::Problems;
use crate::domain::vocabulary::{Kind, Role};
use crate::intake::draft::{Draft, Ground};
use crate::intake::submission::{Checks, Entry, Raw, Submission};
use crate::route::{Router, Routing};
use crate::store::StoreError;
use crate::store::filing::{self, Filed, Filing, IdempotencyRow};
use crate::store::types::At;
use crate::store::{cases, engine};
use jiff::ToSpan;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};
use std::sync::Arc;

/// A key under which the answer is kept, in the scope of its caller.
#[derive(Debug, Clone)]
pub struct IdempotencyKey {
    /// SHA-256 of scope and key.
    pub key: [u8; 32],
    /// SHA-256 of the body.
    pub body: [u8; 32],
}

impl IdempotencyKey {
    /// From the caller's name (`anonymous` for the public), the header and the body. The body counts by what it says, not
    /// by its spaces.
    pub fn new(scope: &str, key: &str, body: &Value) -> Self {
        let mut hasher = Sha256::new();
        hasher.update(scope.as_bytes());
        hasher.update([0]);
        hasher.update(key.as_bytes());
        Self { key: hasher.finalize().into(), body: Sha256::digest(body.to_string().as_bytes()).into() }
    }
}

/// Why a filing isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum FileError {
    /// Fields are wrong.
    #[error("fields are wrong")]
    Invalid(Problems),
    /// The key was used with another body.
    #[error("the key was used for another filing")]
    KeyReused,
    /// The key's first request is still being answered.
    #[error("the first request with this key is still being answered")]
    InFlight,
    /// Another system's number has a case already.
    #[error("the case is here already")]
    AlreadyHere {
        /// Which system.
        system: String,
        /// Which number.
        number: String,
    },
    /// The store couldn't take it; nothing is kept.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// What the filer is told.
#[derive(Debug, Clone)]
pub struct Receipt {
    /// The answer in the contract's shape.
    pub answer: Value,
    /// Whether it is the answer to an earlier request with the same key.
    pub replayed: bool,
}

/// Who would get a filing as it stands. Nothing is stored.
pub fn preview(app: &App, submission: &Submission) -> Option<Routing> {
    submission.kinds.first().map(|kind| draft::route(app, submission, *kind))
}

/// Times that another reference number is drawn when one is taken.
const DRAWS: u32 = 8;

/// Takes a filing in.
///
/// # Errors
/// When it is wrong, was sent before with another body, or couldn't be stored. Then nothing of it is kept.
pub async fn file(
    app: &Arc<App>,
    raw: Raw,
    entry: Entry,
    actor: &Actor,
    key: Option<IdempotencyKey>,
) -> Result<Receipt, FileError> {
    let router = app.router();
    let checks = Checks { catalogue: router.catalogue(), now: app.now(), today: app.today(), entry };
    let submission = raw.check(&checks).map_err(FileError::Invalid)?;
    file_checked(app, &router, &submission, entry, actor, key).await
}

/// Takes in what was checked.
async fn file_checked(
    app: &Arc<App>,
    router: &Router,
    submission: &Submission,
    entry: Entry,
    actor: &Actor,
    key: Option<IdempotencyKey>,
) -> Result<Receipt, FileError> {
    let now = app.now();
    let _in_flight = match &key {
        Some(key) => Some(app.begin(key.key).ok_or(FileError::InFlight)?),
        None => None,
    };
    let ground = look_around(app, submission, key.as_ref()).await?;
    if let (Some(row), Some(key)) = (&ground.answered, &key) {
        return replay(app, row, key);
    }
    for attempt in 0..DRAWS {
        let drafts: Vec<Draft> = draft::draw(app, router, submission, entry, actor, &ground, attempt)?;
        let answer = draft::answer(&drafts, entry, &ground);
        let main = drafts[0].new.case.case_id;
        let filing = Filing {
            idempotency: key.as_ref().map(|key| IdempotencyRow {
                key_hash: key.key.to_vec(),
                body_hash: key.body.to_vec(),
                case_id: main,
                answer: answer.to_string(),
                created_at: At(now),
            }),
            cases: drafts.into_iter().map(|draft| draft.new).collect(),
        };
        match app.store.file(filing).await? {
            Filed::Done => return Ok(Receipt { answer: with_pins(app, answer), replayed: false }),
            Filed::NumberTaken => {}
            Filed::ExternalTaken { system, number } => return Err(FileError::AlreadyHere { system, number }),
            // Another node answered the same key in between.
            Filed::KeyTaken => {
                let Some(key) = &key else { break };
                let hash = key.key;
                let row = app.store.read(move |db| filing::answer(db, &hash)).await?;
                return row.map_or(Err(FileError::InFlight), |row| replay(app, &row, key));
            }
        }
    }
    Err(StoreError::Unavailable("no reference number was free".to_owned()).into())
}

/// Reads what bears on the filing: an answer kept under its key, and likely duplicates.
async fn look_around(
    app: &App,
    submission: &Submission,
    key: Option<&IdempotencyKey>,
) -> Result<Ground, engine::StoreError> {
    let complainant = draft::complainant_hash(app, submission);
    let respondent = draft::respondent_hash(app, submission);
    let key_hash = key.map(|key| key.key);
    if key_hash.is_none() && (complainant.is_none() || respondent.is_none()) {
        return Ok(Ground { complainant, respondent, ..Ground::default() });
    }
    let window = i64::from(app.settings.intake.duplicate_window_days);
    let since = app.today().saturating_sub(window.days());
    let kinds: Vec<Kind> = submission.kinds.clone();
    let (of, against) = (complainant.clone(), respondent.clone());
    let (answered, duplicates) = app
        .store
        .read(move |db| {
            let answered = match &key_hash {
                Some(hash) => filing::answer(db, hash)?,
                None => None,
            };
            let mut duplicates = Vec::new();
            if let (Some(of), Some(against)) = (&of, &against) {
                for kind in &kinds {
                    duplicates.push((*kind, cases::likely_duplicates(db, of, against, kind.code(), since)?));
                }
            }
            Ok((answered, duplicates))
        })
        .await?;
    Ok(Ground { answered, duplicates, complainant, respondent, ..Ground::default() })
}

/// The answer kept under a key, if the body is the same.
fn replay(app: &App, row: &IdempotencyRow, key: &IdempotencyKey) -> Result<Receipt, FileError> {
    if row.body_hash != key.body {
        return Err(FileError::KeyReused);
    }
    let answer = serde_json::from_str(&row.answer).map_err(|error| StoreError::Unreadable(error.to_string()))?;
    Ok(Receipt { answer: with_pins(app, answer), replayed: true })
}

/// Adds the PINs, which are derived from the cases' keys and never stored, and takes the keys out.
fn with_pins(app: &App, mut answer: Value) -> Value {
    let pin = |object: &mut Value| {
        if let Some(object) = object.as_object_mut()
            && let Some(id) = object.remove("case_id")
            && let Ok(id) = serde_json::from_value(id)
        {
            object.insert("access_pin".to_owned(), json!(app.vault.access_pin(id)));
        }
    };
    if let Some(linked) = answer.get_mut("linked").and_then(Value::as_array_mut) {
        linked.iter_mut().for_each(pin);
    }
    pin(&mut answer);
    answer
}

/// The actor of an anonymous filer.
pub const PUBLIC: Actor = Actor { role: Role::Consumer, user: None, unit: None };

impl Ground {
    /// Keys and numbers of likely duplicates of a kind.
    fn duplicates_of(&self, kind: Kind) -> &[(crate::domain::case::CaseId, String)] {
        self.duplicates.iter().find(|(of, _)| *of == kind).map_or(&[], |(_, found)| found)
    }
}

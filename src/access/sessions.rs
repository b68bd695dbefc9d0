//! Sessions: opened after a sign-in, looked up at every request, renewed, ended.
//!
//! A session ends when it isn't used for a while, after its longest time in any case, when its owner signs out, when the
//! account changes, and when a refresh token comes a second time: either the thief or the owner has it then, and nobody
//! can tell which (RFC 9700, 4.14.2).

use crate::access::{Origin, Proven, Refused};
use crate::ambient;
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::scope::Contact;
use crate::domain::vocabulary::Role;
use crate::identity::{Caller, Grant, Ticket};
use crate::store::sessions::{self, SessionRow, Why};
use crate::store::types::{At, Key};
use crate::store::users::{self, User};
use crate::store::{Db, StoreError, audit};
use jiff::{Timestamp, ToSpan};
use std::sync::Arc;
use std::time::Duration;
use uuid::Uuid;

/// A session notes its use once in so many seconds: each note is a write.
const NOTED_EVERY: i64 = 60;

/// How the secret of a session travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Carrier {
    /// A refresh token, exchanged for access tokens that programs send as `Authorization: Bearer`.
    Bearer,
    /// A cookie, for pages.
    Cookie,
}

impl Carrier {
    const fn code(self) -> &'static str {
        match self {
            Self::Bearer => "bearer",
            Self::Cookie => "cookie",
        }
    }
}

/// A session that was opened or renewed.
#[derive(Debug, Clone)]
pub struct Opened {
    /// Its refresh token or the value of its cookie. Handed out once, kept as a hash.
    pub ticket: Ticket,
    /// Whose it is.
    pub who: Caller,
    /// When it ends in any case.
    pub ends_at: Timestamp,
}

/// A session that stands.
#[derive(Debug, Clone)]
pub struct Live {
    /// Its key.
    pub id: Uuid,
    /// Whose it is, as the account is now.
    pub who: Caller,
    /// When they last proved to be who they are.
    pub proved_at: Timestamp,
}

/// What proves a session at a request.
#[derive(Debug)]
pub enum Proof {
    /// An access token that names it, whose signature was checked.
    Token(Uuid),
    /// Its cookie.
    Cookie(Ticket),
}

/// Whose a session is, as it is stored: the kind, and the name or key.
fn owner(who: &Caller) -> Option<(&'static str, String)> {
    let hex = |hash: [u8; 16]| Uuid::from_bytes(hash).simple().to_string();
    match (who.role, &who.user, who.case, who.contact) {
        (Role::Consumer | Role::Merchant, None, Some(case), _) => Some(("case", case.0.to_string())),
        (Role::Consumer, None, None, Some(Contact::Phone(hash))) => Some(("phone", hex(hash))),
        (Role::Consumer, None, None, Some(Contact::Email(hash))) => Some(("email", hex(hash))),
        (_, Some(user), None, None) => Some(("staff", user.clone())),
        _ => None,
    }
}

/// Whom a stored owner stands for now; `None` when the account is gone or disabled.
fn owner_now(db: &mut Db, row: &SessionRow) -> Result<Option<Caller>, StoreError> {
    let key = || Uuid::parse_str(&row.owner).ok();
    Ok(match row.owner_kind.as_str() {
        "staff" => users::find(db, &row.owner)?.as_ref().and_then(standing),
        "case" => key().map(|key| Caller { case: Some(CaseId(key)), ..Caller::ANONYMOUS }),
        "phone" => key().map(|key| Caller { contact: Some(Contact::Phone(key.into_bytes())), ..Caller::ANONYMOUS }),
        "email" => key().map(|key| Caller { contact: Some(Contact::Email(key.into_bytes())), ..Caller::ANONYMOUS }),
        _ => None,
    })
}

/// What an account may do now; `None` when it can't sign in any more.
pub fn standing(user: &User) -> Option<Caller> {
    (!user.disabled).then(|| Caller {
        role: user.role,
        user: Some(user.username.clone()),
        unit: user.unit.clone(),
        division: user.division,
        case: None,
        contact: None,
    })
}

/// Opens a session for somebody whose credentials were right, and writes down that they signed in.
///
/// # Errors
/// The store's; [`Refused::Credentials`] for somebody who can't have one.
pub async fn open(app: &App, proven: Proven, carrier: Carrier, from: &Origin) -> Result<Opened, Refused> {
    let who = proven.who;
    let (owner_kind, owner) = owner(&who).ok_or(Refused::Credentials)?;
    let now = app.now();
    let ends_at = now.checked_add(i64::from(app.settings.auth.session_hours).hours()).unwrap_or(now);
    let ticket = Ticket::draw(ambient::key_at(app.entropy.as_ref(), now), app.entropy.as_ref());
    let row = SessionRow {
        session_id: Key(ticket.session),
        owner_kind: owner_kind.to_owned(),
        owner,
        carrier: carrier.code().to_owned(),
        secret_hash: ticket.hash().to_vec(),
        created_at: At(now),
        seen_at: At(now),
        ends_at: At(ends_at),
        ended_at: None,
        ended_why: None,
        proved_at: proven.proved_at.map(At),
    };
    let entry = from.occasion(app, &who).sign_in(proven.method.code());
    let counting = proven.counting;
    app.store
        .write(move |tx| {
            counting.was_right(tx, now)?;
            sessions::open(tx, &row)?;
            audit::append(tx, &entry)
        })
        .await?;
    Ok(Opened { ticket, who, ends_at })
}

/// An access token for a session, with the seconds that it lives: never longer than its session.
///
/// # Errors
/// When it can't be signed.
pub fn access_token(app: &App, opened: &Opened) -> Result<(String, u64), Refused> {
    let (kind, name) = owner(&opened.who).ok_or(Refused::Credentials)?;
    let left = u64::try_from(opened.ends_at.duration_since(app.now()).as_secs()).unwrap_or(0);
    let lifetime = left.min(u64::from(app.settings.auth.access_minutes) * 60);
    let grant = Grant { role: opened.who.role, subject: format!("{kind}:{name}"), session: opened.ticket.session };
    Ok((app.tokens.issue(&grant, Duration::from_secs(lifetime))?, lifetime))
}

/// Whether a session stands at an instant.
fn stands(app: &App, row: &SessionRow, now: Timestamp) -> bool {
    let idle = i64::from(app.settings.auth.idle_minutes) * 60;
    row.ended_at.is_none() && now < row.ends_at.0 && now.duration_since(row.seen_at.0).as_secs() < idle
}

/// The session that a request proves, if it stands; notes that it is in use.
///
/// # Errors
/// The store's.
pub async fn find(app: &Arc<App>, proof: Proof) -> Result<Option<Live>, StoreError> {
    let (id, carrier, hash) = match &proof {
        Proof::Token(id) => (*id, Carrier::Bearer, None),
        Proof::Cookie(ticket) => (ticket.session, Carrier::Cookie, Some(ticket.hash())),
    };
    let found = app
        .store
        .read(move |db| {
            let Some(row) = sessions::find(db, id)? else { return Ok(None) };
            Ok(owner_now(db, &row)?.map(|who| (row, who)))
        })
        .await?;
    let now = app.now();
    let Some((row, who)) = found.filter(|(row, _)| {
        stands(app, row, now) && row.carrier == carrier.code() && hash.is_none_or(|hash| hash[..] == row.secret_hash)
    }) else {
        return Ok(None);
    };
    if now.duration_since(row.seen_at.0).as_secs() >= NOTED_EVERY {
        let app = Arc::clone(app);
        // Nobody waits for it: that it is lost with a crash costs a minute of idle time.
        tokio::spawn(async move {
            if let Err(error) = app.store.write(move |tx| sessions::touch(tx, id, now)).await {
                tracing::warn!(%error, "the use of a session was not noted");
            }
        });
    }
    let proved_at = row.proved_at.unwrap_or(row.created_at).0;
    Ok(Some(Live { id, who, proved_at }))
}

/// Whether a session stands; asking isn't using it.
///
/// # Errors
/// The store's.
pub async fn is_live(app: &App, id: Uuid) -> Result<bool, StoreError> {
    let row = app.store.read(move |db| sessions::find(db, id)).await?;
    Ok(row.is_some_and(|row| stands(app, &row, app.now())))
}

/// How the exchange of a refresh token ends.
enum Exchange {
    Done(Box<Caller>, Timestamp),
    Refused,
    Reused,
}

/// Exchanges a refresh token for another one. One that was exchanged before ends its session.
///
/// # Errors
/// [`Refused::Ticket`] for one that isn't good, or the store's.
pub async fn renew(app: &Arc<App>, ticket: &Ticket, from: &Origin) -> Result<Opened, Refused> {
    let now = app.now();
    let (id, old) = (ticket.session, ticket.hash());
    let next = Ticket::draw(id, app.entropy.as_ref());
    let new = next.hash();
    let found = app.store.read(move |db| sessions::find(db, id)).await?;
    let Some(row) = found.filter(|row| row.carrier == Carrier::Bearer.code()) else { return Err(Refused::Ticket) };
    let live = stands(app, &row, now);
    let (shared, from) = (Arc::clone(app), from.clone());
    let end = app
        .store
        .write(move |tx| {
            let who = owner_now(tx.db(), &row)?;
            if let Some(who) = who.as_ref().filter(|_| live)
                && !sessions::was_spent(tx.db(), id, &old)?
                && sessions::exchange(tx, id, &old, &new, now)?
            {
                return Ok(Exchange::Done(Box::new(who.clone()), row.ends_at.0));
            }
            // Also when two come with the same token at once: the second finds it spent now.
            if !sessions::was_spent(tx.db(), id, &old)? {
                return Ok(Exchange::Refused);
            }
            // Written down once, however often a thief tries a session that has ended.
            if sessions::end(tx, id, Why::Reused, now)? {
                let who = who.unwrap_or(Caller::ANONYMOUS);
                audit::append(tx, &from.occasion(&shared, &who).token_reused())?;
            }
            Ok(Exchange::Reused)
        })
        .await?;
    match end {
        Exchange::Done(who, ends_at) => Ok(Opened { ticket: next, who: *who, ends_at }),
        Exchange::Refused => Err(Refused::Ticket),
        Exchange::Reused => {
            tracing::warn!(session = %id, "a refresh token came a second time; its session was ended");
            Err(Refused::Ticket)
        }
    }
}

/// Notes that the owner of a session has just proved again who they are.
///
/// # Errors
/// The store's.
pub async fn prove(app: &App, id: Uuid, proven: Proven) -> Result<(), StoreError> {
    let now = app.now();
    app.store
        .write(move |tx| {
            proven.counting.was_right(tx, now)?;
            sessions::prove(tx, id, now)
        })
        .await
}

/// Ends one of somebody's sessions; `false` when there is no such.
///
/// # Errors
/// The store's.
pub async fn end(app: &App, who: &Caller, id: Uuid, from: &Origin) -> Result<bool, StoreError> {
    let Some((kind, owner)) = owner(who) else { return Ok(false) };
    let now = app.now();
    let entry = from.occasion(app, who).signed_out(false);
    app.store
        .write(move |tx| {
            let own = sessions::find(tx.db(), id)?.is_some_and(|row| row.owner_kind == kind && row.owner == owner);
            if !own || !sessions::end(tx, id, Why::SignedOut, now)? {
                return Ok(false);
            }
            audit::append(tx, &entry)?;
            Ok(true)
        })
        .await
}

/// Ends every session of somebody.
///
/// # Errors
/// The store's.
pub async fn end_all(app: &App, who: &Caller, from: &Origin) -> Result<(), StoreError> {
    let Some((kind, owner)) = owner(who) else { return Ok(()) };
    let now = app.now();
    let entry = from.occasion(app, who).signed_out(true);
    app.store
        .write(move |tx| {
            if sessions::end_all(tx, kind, &owner, Why::SignedOut, now)? > 0 {
                audit::append(tx, &entry)?;
            }
            Ok(())
        })
        .await
}

/// The sessions of somebody that stand, the newest first.
///
/// # Errors
/// The store's.
pub async fn list(app: &App, who: &Caller) -> Result<Vec<SessionRow>, StoreError> {
    let Some((kind, owner)) = owner(who) else { return Ok(Vec::new()) };
    let now = app.now();
    let rows = app.store.read(move |db| sessions::of(db, kind, &owner, now)).await?;
    Ok(rows.into_iter().filter(|row| stands(app, row, now)).collect())
}

//! One-time codes for consumers: sent to a phone number or an e-mail address, to prove that it is theirs.
//!
//! Whoever asks is answered in the same way and after the same work, whether the number stands in a case or not: a code is sent
//! to each, within the limits, and opens what there is. So neither the answer nor its time tells who has complained.
//!
//! Sources: OWASP ASVS 5.0, 6.5 and 6.6; NIST SP 800-63B, 5.1.3.

use crate::access::limits::{self, Aim};
use crate::access::{Method, Origin, Proven, Refused};
use crate::ambient::draw;
use crate::app::App;
use crate::domain::scope::Contact;
use crate::domain::vocabulary::Lang;
use crate::identity::Caller;
use crate::notify;
use crate::privacy::Purpose;
use crate::store::codes::{self, CodeRow, stored};
use crate::store::types::At;
use jiff::SignedDuration;
use std::sync::Arc;

/// Times that a code may be tried.
const MOST_TRIES: i32 = 5;

/// Digits of a code.
const DIGITS: usize = 6;

/// Where a code is sent, in its normal form.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Destination {
    /// A number in E.164.
    Phone(String),
    /// An e-mail address.
    Email(String),
}

impl Destination {
    fn text(&self) -> &str {
        match self {
            Self::Phone(text) | Self::Email(text) => text,
        }
    }

    fn contact(&self, app: &App) -> Contact {
        match self {
            Self::Phone(number) => Contact::Phone(app.vault.index(Purpose::Phone, number)),
            Self::Email(address) => Contact::Email(app.vault.index(Purpose::Email, address)),
        }
    }
}

/// How a code is kept: hashed with a key outside the database, together with whom it was sent to.
fn hashed(app: &App, contact: Contact, code: &str) -> [u8; 16] {
    let (kind, hash) = stored(contact);
    let hash: String = hash.iter().map(|byte| format!("{byte:02x}")).collect();
    app.vault.index(Purpose::Code, &format!("{kind}\0{hash}\0{code}"))
}

/// Draws a code and owes it to a destination; the one before works no longer.
///
/// # Errors
/// When too many were asked for, or the store's.
pub async fn send(app: &Arc<App>, from: &Origin, to: Destination, lang: Lang) -> Result<(), Refused> {
    let (shared, from) = (Arc::clone(app), from.clone());
    app.store
        .write(move |tx| {
            let app = &shared;
            if let Err(refused) = limits::count_in(app, tx, &from, Aim::NewCode(to.text().to_owned()))? {
                return Ok(Err(refused));
            }
            let minutes = app.settings.auth.code_minutes;
            // 2^64 is so much larger than 10^6 that the remainder favours no code.
            let number = u64::from_be_bytes(draw(app.entropy.as_ref())) % 10_u64.pow(DIGITS as u32);
            let code = format!("{number:0DIGITS$}");
            let contact = to.contact(app);
            let (kind, hash) = stored(contact);
            let end = app.now().checked_add(SignedDuration::from_mins(i64::from(minutes))).unwrap_or(app.now());
            let row = CodeRow {
                kind: kind.to_owned(),
                contact: hash.to_vec(),
                code_hash: hashed(app, contact, &code).to_vec(),
                expires_at: At(end),
                tried: 0,
            };
            codes::keep(tx, &row)?;
            notify::code(app, tx, to.text(), lang, &code, minutes)?;
            Ok(Ok(()))
        })
        .await?
}

/// Whose a code proves somebody to be. It works once, for a few minutes, and after a few wrong tries no more.
///
/// # Errors
/// [`Refused::Credentials`] whatever is wrong with it; when too many were tried; or the store's.
pub(super) async fn check(app: &Arc<App>, from: &Origin, to: &Destination, code: &str) -> Result<Proven, Refused> {
    let counting = limits::count(app, from, Aim::Code).await?;
    let contact = to.contact(app);
    let given = hashed(app, contact, code.trim());
    let (now, shared, text) = (app.now(), Arc::clone(app), to.text().to_owned());
    let right = app.store.write(move |tx| {
        let Some(row) = codes::lock(tx, contact)? else { return Ok(false) };
        if row.expires_at.0 <= now || row.tried >= MOST_TRIES {
            return Ok(false);
        }
        // Two keyed hashes: how far they agree tells nothing of the code.
        if row.code_hash != given {
            codes::tried(tx, &row)?;
            return Ok(false);
        }
        codes::remove(tx, &row)?;
        limits::forget_codes(&shared, tx, &text)?;
        Ok(true)
    });
    if right.await? {
        let who = Caller { contact: Some(contact), ..Caller::ANONYMOUS };
        return Ok(Proven { who, method: Method::Code, recovery: Vec::new(), counting, proved_at: None });
    }
    Err(super::sign_in::failed(app, from, Method::Code, None, None, &counting).await)
}

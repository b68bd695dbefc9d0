//! The second factor of staff: an app that shows codes (RFC 6238), and recovery codes for when it is lost.
//!
//! It counts from its first right code on. A code works once, and none before it works after it. What is shared with the app is
//! sealed with a key of its own; recovery codes are kept as keyed hashes, each good once.
//!
//! Sources: OWASP ASVS 5.0, 6.5 and 6.6; RFC 6238, 5.2 (one use of a code).

use crate::access::{Origin, Refused};
use crate::ambient::{draw, key_at};
use crate::app::App;
use crate::domain::hidden::hidden_debug;
use crate::domain::vocabulary::Role;
use crate::identity::Caller;
use crate::privacy::totp::TotpSecret;
use crate::privacy::{Field, Purpose};
use crate::store::factors::{self, FactorRow};
use crate::store::types::{At, Key};
use crate::store::{StoreError, Tx, audit};
use std::sync::Arc;

/// Recovery codes that an account is given.
const RECOVERY_CODES: usize = 10;

/// Letters of recovery codes: no two that look alike.
const LETTERS: &[u8; 31] = b"abcdefghjkmnpqrstuvwxyz23456789";

/// What an app is told, once.
#[derive(Clone, PartialEq, Eq)]
pub struct Enrolment {
    /// The secret in base 32, to be typed.
    pub secret: String,
    /// The same as an address that an app reads (`otpauth://totp/…`).
    pub uri: String,
}

hidden_debug!(Enrolment);

/// How a code was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Shown {
    /// It was right.
    Right,
    /// It was the first: the factor counts now, and these are its recovery codes, told once.
    Confirmed(Vec<String>),
    /// It wasn't.
    Wrong,
}

/// Whether the settings ask a role for a second factor.
pub fn is_required(app: &App, role: Role) -> bool {
    let auth = &app.settings.auth;
    auth.totp_required || auth.totp_roles.iter().any(|code| code == role.code())
}

/// Whether an account has a second factor that counts.
///
/// # Errors
/// The store's.
pub async fn has(app: &App, username: String) -> Result<bool, StoreError> {
    app.store.read(move |db| factors::is_confirmed(db, &username)).await
}

fn place(username: &str) -> Field<'_> {
    Field { table: "second_factors", column: "secret", row: username.as_bytes() }
}

fn open(app: &App, row: &FactorRow) -> Result<TotpSecret, StoreError> {
    let unreadable = |error: crate::privacy::OpenError| StoreError::Unreadable(error.to_string());
    let key = app.vault.open_case_key(&row.data_key).map_err(unreadable)?;
    let secret = key.open(place(&row.username), &row.secret).map_err(unreadable)?;
    TotpSecret::from_bytes(&secret).ok_or_else(|| StoreError::Unreadable("a second factor has no secret".to_owned()))
}

fn told(username: &str, secret: &TotpSecret) -> Enrolment {
    let secret = secret.base32();
    let name: String = url::form_urlencoded::byte_serialize(username.as_bytes()).collect();
    // Spaces of the form encoding mean nothing to an app; names of accounts have none.
    let uri = format!("otpauth://totp/fangxin:{name}?secret={secret}&issuer=fangxin&algorithm=SHA1&digits=6&period=30");
    Enrolment { secret, uri }
}

/// Begins to give an account a second factor. One that was begun and not confirmed is told again, so that a page can be
/// opened twice.
///
/// # Errors
/// The store's; `None` when the account has one that counts.
pub(super) fn begin(app: &App, tx: &mut Tx<'_>, username: &str) -> Result<Option<Enrolment>, StoreError> {
    if let Some(row) = factors::lock(tx, username)? {
        return match row.confirmed_at {
            Some(_) => Ok(None),
            None => Ok(Some(told(username, &open(app, &row)?))),
        };
    }
    let entropy = app.entropy.as_ref();
    let secret = TotpSecret::generate(entropy);
    let (key, data_key) = app.vault.new_case_key(entropy);
    let row = FactorRow {
        username: username.to_owned(),
        factor_id: Key(key_at(entropy, app.now())),
        data_key,
        secret: key.seal(entropy, place(username), secret.expose()),
        last_step: 0,
        created_at: At(app.now()),
        confirmed_at: None,
    };
    factors::keep(tx, &row)?;
    Ok(Some(told(username, &secret)))
}

fn recovery_hash(app: &App, username: &str, code: &str) -> [u8; 16] {
    let plain: String = code.chars().filter(|c| c.is_ascii_alphanumeric()).collect();
    app.vault.index(Purpose::Code, &format!("recovery\0{username}\0{}", plain.to_ascii_lowercase()))
}

/// Draws recovery codes: 50 random bits each.
fn new_recovery(app: &App, tx: &mut Tx<'_>, username: &str) -> Result<Vec<String>, StoreError> {
    let letter = |byte: u8| char::from(LETTERS[usize::from(byte % 31)]);
    let draw_one = || {
        let letters: String = draw::<10>(app.entropy.as_ref()).into_iter().map(letter).collect();
        let (front, back) = letters.split_at(5);
        format!("{front}-{back}")
    };
    let codes: Vec<String> = std::iter::repeat_with(draw_one).take(RECOVERY_CODES).collect();
    let hashes: Vec<[u8; 16]> = codes.iter().map(|code| recovery_hash(app, username, code)).collect();
    factors::keep_recovery(tx, username, &hashes)?;
    Ok(codes)
}

/// Takes a code of the app, or a recovery code where the factor counts already.
///
/// # Errors
/// The store's.
pub(super) fn show(app: &App, tx: &mut Tx<'_>, username: &str, code: &str) -> Result<Shown, StoreError> {
    let Some(row) = factors::lock(tx, username)? else { return Ok(Shown::Wrong) };
    let code = code.trim();
    if let Some(step) = open(app, &row)?.step_of(code, app.now(), row.last_step) {
        factors::used(tx, &row, step, app.now())?;
        return Ok(match row.confirmed_at {
            Some(_) => Shown::Right,
            None => Shown::Confirmed(new_recovery(app, tx, username)?),
        });
    }
    if row.confirmed_at.is_some() && factors::use_recovery(tx, username, recovery_hash(app, username, code))? {
        return Ok(Shown::Right);
    }
    Ok(Shown::Wrong)
}

/// Begins to give the account that is signed in a second factor.
///
/// # Errors
/// The store's; `None` when it has one that counts.
pub async fn enrol(app: &Arc<App>, username: String) -> Result<Option<Enrolment>, StoreError> {
    let shared = Arc::clone(app);
    app.store.write(move |tx| begin(&shared, tx, &username)).await
}

/// Takes the first code of the app: the factor counts from now on, and the recovery codes are told once. `None` when the code
/// is wrong, or nothing was begun. The attempt is counted for the account.
///
/// # Errors
/// When too many were tried; the store's.
pub async fn confirm(
    app: &Arc<App>,
    who: &Caller,
    from: &Origin,
    code: String,
) -> Result<Option<Vec<String>>, Refused> {
    let Some(username) = who.user.clone() else { return Err(Refused::Credentials) };
    let counting = super::limits::count(app, from, super::limits::Aim::Account(username.clone())).await?;
    let shared = Arc::clone(app);
    let entry = from.occasion(app, who).user_reset(&username, "totp");
    let codes = app.store.write(move |tx| match show(&shared, tx, &username, &code)? {
        Shown::Confirmed(codes) => {
            counting.was_right(tx, shared.now())?;
            audit::append(tx, &entry)?;
            Ok(Some(codes))
        }
        Shown::Right | Shown::Wrong => Ok(None),
    });
    Ok(codes.await?)
}

/// Takes the second factor of the account that is signed in away; `false` when it had none.
///
/// # Errors
/// The store's.
pub async fn remove(app: &Arc<App>, who: &Caller, from: &Origin) -> Result<bool, StoreError> {
    let Some(username) = who.user.clone() else { return Ok(false) };
    let entry = from.occasion(app, who).user_reset(&username, "totp");
    let removed = app.store.write(move |tx| {
        let removed = factors::remove(tx, &username)?;
        if removed {
            audit::append(tx, &entry)?;
        }
        Ok(removed)
    });
    removed.await
}

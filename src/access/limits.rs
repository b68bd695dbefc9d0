//! How often somebody may try to get in: waits that grow, kept in the database, so that a restart forgets none and all nodes
//! share them.
//!
//! Each attempt is counted for its address and for what it is about, in one unit, before it is known whether it is right.
//! An account also knows the addresses from which it was signed in to: those have a count of their own, so that whoever
//! guesses elsewhere locks the owner out nowhere.

use crate::access::{Origin, Refused};
use crate::app::App;
use crate::domain::tries::{Steps, Tally, Wait};
use crate::identity::RetryAfter;
use crate::identity::attempts::{address_key, network_key};
use crate::privacy::Purpose;
use crate::store::tries::{self, Subject};
use crate::store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp, ToSpan};

/// Time after which failures are forgotten.
const FORGET: SignedDuration = SignedDuration::from_hours(24);

/// Days that an account knows an address for; then tries have been forgotten too.
pub const KNOWN_DAYS: i64 = 30;

/// Whatever is tried from one address.
const ADDRESS: &str = "sign_in.address";

/// To be sent codes.
const CONTACT: &str = "code.contact";

/// What is tried.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Aim {
    /// An account of staff, by the name that was typed.
    Account(String),
    /// A case, by the number that was typed.
    Case(String),
    /// A one-time code for a contact, which takes a few tries only, or an answer of the provider of sign-in, which nobody can
    /// guess: no wait but that of the address.
    Code,
    /// To be sent a code, by the contact.
    NewCode(String),
}

/// A subject with its steps.
type Counted = (Subject, Steps);

/// What an attempt counts for.
#[derive(Debug, Clone)]
struct Plan {
    /// In the order in which they are locked, so that two attempts never wait for each other.
    usual: Vec<Counted>,
    /// Of an account: where it is noted that it knows the address, and what counts then.
    known: Option<(Subject, Vec<Counted>)>,
}

/// An attempt that was counted, to be taken back when it was right.
#[derive(Debug, Clone)]
pub struct Counting {
    subjects: Vec<Counted>,
    known: Option<Subject>,
    wait: SignedDuration,
}

impl Plan {
    fn new(app: &App, from: &Origin, aim: Aim) -> Self {
        let limits = &app.settings.limits;
        let subject = |sort, text: &str| subject(app, sort, text);
        let longest = SignedDuration::from_mins(i64::from(limits.attempt_window_minutes));
        let waits = |free| Steps { free, first: SignedDuration::from_secs(30).min(longest), longest, forget: FORGET };
        let (minute, hour) = (SignedDuration::from_mins(1), SignedDuration::from_hours(1));
        let code_waits = |free| Steps { free, first: minute, longest: hour, forget: FORGET };
        let address = address_key(from.address);
        let by_address = (subject(ADDRESS, &address), waits(limits.address_attempts));
        let (usual, known) = match aim {
            Aim::Account(name) => {
                let key = name.to_lowercase();
                let pair = format!("{key}\0{address}");
                let by_pair = (subject("sign_in.account_address", &pair), waits(limits.sign_in_attempts));
                let known = (subject("sign_in.known", &pair), vec![by_address.clone(), by_pair]);
                let by_account = (subject("sign_in.account", &key), waits(limits.sign_in_attempts));
                (vec![by_address, by_account], Some(known))
            }
            Aim::Case(number) => {
                (vec![by_address, (subject("sign_in.case", &number), waits(limits.pin_attempts))], None)
            }
            Aim::Code => (vec![by_address], None),
            Aim::NewCode(contact) => {
                let by_network =
                    (subject("code.network", &network_key(from.address)), code_waits(limits.codes_per_network));
                let by_address = (subject("code.address", &address), code_waits(limits.codes_per_address));
                let by_contact = (subject(CONTACT, &contact), code_waits(limits.codes_per_contact));
                (vec![by_network, by_address, by_contact], None)
            }
        };
        Self { usual, known }
    }

    fn count(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<Result<Counting, Wait>, StoreError> {
        let since = now.checked_sub((24 * KNOWN_DAYS).hours()).unwrap_or(Timestamp::MIN);
        let subjects = match &self.known {
            Some((note, subjects)) if tries::is_noted(tx.db(), note, since)? => subjects,
            _ => &self.usual,
        };
        let mut tallies: Vec<(&Subject, Tally)> = Vec::new();
        for (subject, steps) in subjects {
            match steps.count(tries::lock(tx, subject)?, now) {
                // What one part refuses counts for none: an address that has to wait uses up no account's tries.
                Err(wait) => return Ok(Err(wait)),
                Ok(tally) => tallies.push((subject, tally)),
            }
        }
        let mut wait = SignedDuration::ZERO;
        for (subject, tally) in tallies {
            tries::set(tx, subject, Some(tally))?;
            wait = wait.max(tally.until.duration_since(now));
        }
        let note = self.known.as_ref().map(|(note, _)| note.clone());
        Ok(Ok(Counting { subjects: subjects.clone(), known: note, wait }))
    }
}

/// Counts an attempt.
///
/// # Errors
/// How long to wait, when it comes too soon; or the store's.
pub async fn count(app: &App, from: &Origin, aim: Aim) -> Result<Counting, Refused> {
    if !app.settings.limits.enabled {
        return Ok(Counting::NONE);
    }
    let (plan, now) = (Plan::new(app, from, aim), app.now());
    app.store.write(move |tx| plan.count(tx, now)).await?.map_err(refused)
}

/// Counts an attempt within a unit that goes on with it.
///
/// # Errors
/// The store's; inside, how long to wait when it comes too soon.
pub(super) fn count_in(
    app: &App,
    tx: &mut Tx<'_>,
    from: &Origin,
    aim: Aim,
) -> Result<Result<Counting, Refused>, StoreError> {
    if !app.settings.limits.enabled {
        return Ok(Ok(Counting::NONE));
    }
    Ok(Plan::new(app, from, aim).count(tx, app.now())?.map_err(refused))
}

/// Forgets how often a contact was sent a code, in the unit in which one of them proved to be theirs.
pub(super) fn forget_codes(app: &App, tx: &mut Tx<'_>, contact: &str) -> Result<(), StoreError> {
    let subject = subject(app, CONTACT, contact);
    tries::lock(tx, &subject)?;
    tries::set(tx, &subject, None)
}

fn subject(app: &App, sort: &'static str, text: &str) -> Subject {
    Subject { sort, hash: app.vault.index(Purpose::Tries, &format!("{sort}\0{text}")) }
}

fn refused(Wait(wait): Wait) -> Refused {
    tracing::warn!("too many attempts to sign in");
    // Rounded up: whoever waits so long isn't told to wait again.
    let seconds = u64::try_from(wait.as_secs() + i64::from(wait.subsec_nanos() > 0)).unwrap_or(0).max(1);
    RetryAfter { seconds }.into()
}

impl Counting {
    /// Where attempts aren't limited.
    const NONE: Self = Self { subjects: Vec::new(), known: None, wait: SignedDuration::ZERO };

    /// This attempt and another one, which goes on with it.
    #[must_use]
    pub(super) fn and(mut self, other: Self) -> Self {
        self.subjects.extend(other.subjects);
        Self { subjects: self.subjects, known: self.known.or(other.known), wait: self.wait.max(other.wait) }
    }

    /// Seconds that one has to wait now, should the attempt be wrong.
    pub(super) fn wait_seconds(&self) -> u64 {
        self.wait.as_secs().unsigned_abs()
    }

    /// Takes the attempt back, in the unit that lets somebody in: it was right. What was tried of the account or the case
    /// before is forgotten; of the address only this attempt is, for others stand behind it.
    ///
    /// # Errors
    /// The store's.
    pub fn was_right(&self, tx: &mut Tx<'_>, now: Timestamp) -> Result<(), StoreError> {
        for (subject, steps) in &self.subjects {
            let tally = tries::lock(tx, subject)?;
            let left = tally.filter(|_| subject.sort == ADDRESS).and_then(|tally| steps.take_back(tally, now));
            tries::set(tx, subject, left)?;
        }
        if let Some(note) = &self.known {
            tries::lock(tx, note)?;
            tries::set(tx, note, Some(Tally { count: 1, last_at: now, until: now }))?;
        }
        Ok(())
    }
}

//! Writing down what is owed. The row goes into the unit of work that owes it, so that there is never one without the other.

use crate::ambient::{self, Entropy};
use crate::app::App;
use crate::domain::case::CaseId;
use crate::domain::hidden::hidden_debug;
use crate::domain::vocabulary::{Audience, Lang, NoticeChannel};
use crate::privacy::{CaseKey, Field, OpenError, Purpose, Vault};
use crate::store::outbox::{self, BUCKETS, OutboxRow, PENDING};
use crate::store::types::{At, Key};
use crate::store::{StoreError, Tx};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};
use uuid::Uuid;

/// One thing to tell one destination on one channel.
pub struct Owing<'a> {
    /// Which notice: a name of `domain::notice`, or the type of a webhook's event.
    pub notice: &'a str,
    /// How it goes.
    pub channel: NoticeChannel,
    /// To whom.
    pub audience: Audience,
    /// An e-mail address, a number in E.164, or the id of a webhook.
    pub destination: &'a str,
    /// What is slow or fails together: see [`lane`].
    pub lane: &'a str,
    /// In which language.
    pub lang: Lang,
    /// What its template is filled with.
    pub values: &'a Map<String, Value>,
    /// The case, its key, and the event that owes the notice; without one the row gets a key of its own.
    pub case: Option<(CaseId, &'a CaseKey, Option<i64>)>,
    /// Someone waits for it: it goes first, also by night.
    pub urgent: bool,
    /// Not before.
    pub due_at: Timestamp,
    /// Of no use after.
    pub expires_at: Option<Timestamp>,
}

hidden_debug!(Owing<'_>);

/// The row of what is owed: give it to [`outbox::insert`], or to what saves a case's step.
pub fn owe(vault: &Vault, entropy: &dyn Entropy, now: Timestamp, owing: &Owing<'_>) -> OutboxRow {
    let id = ambient::key_at(entropy, now);
    let (key, data_key) = match owing.case {
        Some((_, key, _)) => (key.clone(), None),
        None => {
            let (key, wrapped) = vault.new_case_key(entropy);
            (key, Some(wrapped))
        }
    };
    OutboxRow {
        bucket: i16::from(id.as_bytes()[15] % BUCKETS),
        outbox_id: Key(id),
        case_id: owing.case.map(|(case, _, _)| Key::from(case)),
        event_seq: owing.case.and_then(|(_, _, seq)| seq),
        notice: owing.notice.to_owned(),
        channel: owing.channel.code().to_owned(),
        audience: owing.audience.code().to_owned(),
        lane: lane_of(vault, owing.lane),
        destination: key.seal(entropy, field(&id, "destination"), owing.destination.as_bytes()),
        payload: key.seal(entropy, field(&id, "payload"), Value::Object(owing.values.clone()).to_string().as_bytes()),
        data_key,
        lang: owing.lang.code().to_owned(),
        urgent: owing.urgent,
        state: PENDING.to_owned(),
        attempts: 0,
        due_at: At(owing.due_at),
        expires_at: owing.expires_at.map(At),
        lease: None,
        leased_until: None,
        fault: None,
        // What goes out later is owed from then on: until when it is tried counts from there.
        created_at: At(owing.due_at.max(now)),
        ended_at: None,
        ended_by: None,
    }
}

/// What fails or is slow together, for a destination: the domain of a mail, the one gateway of text messages.
pub fn lane(channel: NoticeChannel, destination: &str) -> &str {
    match channel {
        NoticeChannel::Email => destination.rsplit_once('@').map_or("", |(_, domain)| domain),
        NoticeChannel::Sms => "sms",
        NoticeChannel::Webhook => destination,
    }
}

fn lane_of(vault: &Vault, lane: &str) -> String {
    let hash = vault.index(Purpose::Lane, &lane.to_lowercase());
    hash[..8].iter().map(|byte| format!("{byte:02x}")).collect()
}

fn field<'a>(id: &'a Uuid, column: &'a str) -> Field<'a> {
    Field { table: "outbox", column, row: id.as_bytes() }
}

/// Destination and values of a row, opened with its key.
///
/// # Errors
/// When they aren't what was sealed for this row.
pub fn open(
    vault: &Vault,
    case_key: Option<&[u8]>,
    row: &OutboxRow,
) -> Result<(String, Map<String, Value>), OpenError> {
    let wrapped = row.data_key.as_deref().or(case_key).ok_or(OpenError::Malformed)?;
    let key = vault.open_case_key(wrapped)?;
    let id = row.outbox_id.0;
    let destination = key.open(field(&id, "destination"), &row.destination)?;
    let payload = key.open(field(&id, "payload"), &row.payload)?;
    let values = serde_json::from_slice(&payload).map_err(|_| OpenError::Malformed)?;
    Ok((String::from_utf8_lossy(&destination).into_owned(), values))
}

/// Owes a one-time code to whoever proves a phone number (E.164) or an e-mail address, in the unit of work that keeps the
/// code's hash. It goes before everything else, by night too, and isn't sent any more once it has stopped working.
///
/// # Errors
/// The engine's.
pub fn code(
    app: &App,
    tx: &mut Tx<'_>,
    destination: &str,
    lang: Lang,
    code: &str,
    minutes: u16,
) -> Result<(), StoreError> {
    let now = app.now();
    let channel = if destination.contains('@') { NoticeChannel::Email } else { NoticeChannel::Sms };
    let mut values = Map::new();
    values.insert("code".to_owned(), json!(code));
    values.insert("minutes".to_owned(), json!(minutes));
    let row = owe(
        &app.vault,
        app.entropy.as_ref(),
        now,
        &Owing {
            notice: "code",
            channel,
            audience: Audience::Person,
            destination,
            lane: lane(channel, destination),
            lang,
            values: &values,
            case: None,
            urgent: true,
            due_at: now,
            expires_at: now.checked_add(SignedDuration::from_mins(i64::from(minutes))).ok(),
        },
    );
    outbox::insert(tx, &[row])
}

//! Notices owed: one row for each destination, written in the unit of work that owes it.

use crate::ambient;
use crate::app::App;
use crate::domain::case::Case;
use crate::store::filing::OutboxRow;
use crate::store::types::{At, Key};
use crate::track::dossier::Dossier;
use jiff::Timestamp;

/// Shares of the work of sending.
const BUCKETS: u8 = 16;

/// The rows that a notice to a party makes: none when the party left no address.
pub fn rows(
    app: &App,
    dossier: &Dossier<'_>,
    case: &Case,
    notice: &str,
    phone: Option<&str>,
    email: Option<&str>,
    now: Timestamp,
) -> Vec<OutboxRow> {
    let entropy = app.entropy.as_ref();
    [("sms", phone), ("email", email)]
        .into_iter()
        .filter_map(|(channel, destination)| destination.map(|destination| (channel, destination)))
        .map(|(channel, destination)| {
            let random = ambient::draw::<10>(entropy);
            let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
            let id = Key(uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid());
            OutboxRow {
                bucket: i16::from(random[9] % BUCKETS),
                outbox_id: id,
                case_id: case.id.into(),
                notice: notice.to_owned(),
                channel: channel.to_owned(),
                destination: dossier.seal_destination(entropy, id, destination),
                lang: case.lang.code().to_owned(),
                state: "pending".to_owned(),
                attempts: 0,
                due_at: At(now),
                leased_until: None,
                created_at: At(now),
            }
        })
        .collect()
}

//! Notices owed: one row for each destination, written in the unit of work that owes it.

use crate::app::App;
use crate::config::catalogue::Catalogue;
use crate::domain::case::Case;
use crate::domain::hidden::hidden_debug;
use crate::domain::identifiers;
use crate::domain::vocabulary::{Audience, NoticeChannel};
use crate::notify::{Owing, owe};
use crate::store::outbox::OutboxRow;
use crate::track::dossier::Dossier;
use jiff::Timestamp;
use serde_json::{Map, Value, json};

/// A notice to one party.
pub struct Told<'a> {
    /// Which notice.
    pub notice: &'a str,
    /// To whom.
    pub to: Audience,
    /// Where the party is reached by text message.
    pub phone: Option<&'a str>,
    /// Where by mail.
    pub email: Option<&'a str>,
    /// What its template is filled with.
    pub values: &'a Map<String, Value>,
    /// The event that owes it, when both sides must have been told of it.
    pub event: Option<i64>,
    /// Not before.
    pub due_at: Timestamp,
    /// Of no use after.
    pub expires_at: Option<Timestamp>,
}

hidden_debug!(Told<'_>);

/// The rows that a notice to a party makes: none when the party left no address at which it can be told.
pub fn rows(app: &App, dossier: &Dossier<'_>, case: &Case, told: &Told<'_>, now: Timestamp) -> Vec<OutboxRow> {
    // What was written down of a merchant may be any number; only a mobile one takes text messages.
    let phone = told.phone.and_then(|phone| identifiers::phone(phone).ok()).filter(|phone| is_mobile(phone));
    let email = told.email.map(str::to_owned);
    [(NoticeChannel::Sms, phone), (NoticeChannel::Email, email)]
        .into_iter()
        .filter_map(|(channel, destination)| destination.map(|destination| (channel, destination)))
        .map(|(channel, destination)| {
            let owing = Owing {
                notice: told.notice,
                channel,
                audience: told.to,
                destination: &destination,
                lane: crate::notify::owe::lane(channel, &destination),
                lang: case.lang,
                values: told.values,
                case: Some((case.id, dossier.key(), told.event)),
                urgent: false,
                due_at: told.due_at,
                expires_at: told.expires_at,
            };
            owe(&app.vault, app.entropy.as_ref(), now, &owing)
        })
        .collect()
}

/// A number of mainland mobile service, or one abroad, of which it can't be told.
fn is_mobile(e164: &str) -> bool {
    e164.strip_prefix("+86").is_none_or(|national| national.len() == 11 && national.starts_with('1'))
}

/// What every notice of a case can name, and what the step carried. Nothing that the other side wrote goes to a party but
/// what the table owes it: a reason, a ground, a result.
pub fn values(
    app: &App,
    catalogue: &Catalogue,
    case: &Case,
    merchant: Option<&str>,
    carried: [Option<&Value>; 2],
) -> Map<String, Value> {
    let lang = case.lang;
    let office = catalogue.offices.get(&case.office);
    let link = app.settings.server.public_url.as_deref().map(|url| format!("{url}/t")).unwrap_or_default();
    let mut values = Map::new();
    let mut put = |name: &str, value: String| values.insert(name.to_owned(), json!(value));
    put("reference", case.reference.as_str().to_owned());
    put("office", office.map_or_else(|| case.office.clone(), |office| office.name.in_lang(lang).to_owned()));
    put("office_phone", office.and_then(|office| office.phone.clone()).unwrap_or_default());
    put("merchant", merchant.unwrap_or_default().to_owned());
    put("today", app.today().to_string());
    put("link", link);
    put("due", case.next_due().map(|due| due.to_string()).unwrap_or_default());
    let station = case.station.as_ref().filter(|_| case.settle_first).and_then(|code| catalogue.stations.get(code));
    put("station", station.map(|station| station.name.in_lang(lang).to_owned()).unwrap_or_default());
    for name in
        ["deadline", "reason", "other_routes", "cause", "amount", "performance_date", "body", "decision", "outcome"]
    {
        let given = carried.into_iter().flatten().find_map(|fields| fields.get(name)?.as_str());
        let word = given.map(|given| catalogue.words.find(name, given, lang).unwrap_or(given));
        put(name, word.unwrap_or_default().to_owned());
    }
    let other = carried.into_iter().flatten().find_map(|fields| fields.get("case")?.as_str());
    put("other", other.unwrap_or_default().to_owned());
    let rule = catalogue.rule_by_id(&case.rule);
    let ground = case.ground.as_ref().and_then(|code| {
        let ground = rule?.ground(code)?;
        Some(format!("{} ({})", ground.name.in_lang(lang), ground.article))
    });
    put("ground", ground.unwrap_or_default());
    values
}

//! The lines of a queue, as the pages of the desk show them beside everything else.

use crate::app::App;
use crate::domain::risk::{self, Mark};
use crate::domain::text::redact;
use crate::domain::vocabulary::Role;
use crate::http::api::queue::{self as api, QueueParams};
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::desk::words::{self, Chip};
use crate::http::pages::desk::{narrow, views};
use crate::http::pages::frame::Frame;
use crate::http::views::{Names, is_merchant};
use crate::store::queue::{self, Detail, Line};
use crate::store::types::{Key, NEVER};
use crate::track::dossier::Dossier;
use jiff::ToSpan;
use jiff::civil::Date;
use url::form_urlencoded::Serializer;

/// A page of a queue.
#[derive(Debug)]
pub struct List {
    /// Its lines.
    pub rows: Vec<Row>,
    /// The way in by which they were asked for.
    pub view: String,
    /// What is searched for.
    pub q: String,
    /// Sector that it is narrowed to.
    pub sector: String,
    /// Kind that it is narrowed to.
    pub kind: String,
    /// Order.
    pub sort: String,
    /// The question as part of an address, without the cursor.
    pub query: String,
    /// Where the next page begins.
    pub next: Option<String>,
    /// Whether this isn't the first page.
    pub later: bool,
    /// Whether its lines can be selected for a step on several.
    pub selects: bool,
    /// The newest open case, from where on others are new.
    pub newest: String,
}

/// A line.
#[derive(Debug)]
pub struct Row {
    /// Number of the case.
    pub reference: String,
    /// Its last part.
    pub short: String,
    /// Where the case is shown.
    pub url: String,
    /// Beginning of the narrative.
    pub title: String,
    /// Sector.
    pub sector: String,
    /// The merchant.
    pub merchant: String,
    /// Where it stands.
    pub state: &'static str,
    /// What marks it out.
    pub marks: Vec<String>,
    /// What is left of its next limit.
    pub chip: Chip,
    /// Amount in dispute.
    pub amount: String,
    /// Version, for steps on several at once.
    pub version: i64,
    /// Whether it is the case that is shown.
    pub current: bool,
    due: Date,
    weight: u32,
}

/// The parameters of a queue that an address carries through the desk.
const CARRIED: &[&str] = &["view", "q", "sector", "kind", "sort"];

/// What the address asks for, other parameters aside.
fn given<'a>(pairs: &'a Pairs, wanted: &str) -> &'a str {
    pairs.0.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.trim())
}

/// The way in that an address names, or the first of the role.
pub fn view_of<'a>(caller: &Caller, pairs: &'a Pairs) -> &'a str {
    let known = views(caller.who.role);
    let asked = given(pairs, "view");
    // Whoever searches searches everything that is open.
    let fallback = if given(pairs, "q").is_empty() { known.first().copied().unwrap_or("open") } else { "open" };
    if known.contains(&asked) { asked } else { fallback }
}

/// Reads a page of the queue that an address asks for; `current` is the case that is shown beside it.
///
/// # Errors
/// 422 for a question that can't be read; the store's.
pub async fn read(
    app: &App,
    caller: &Caller,
    frame: &Frame,
    pairs: &Pairs,
    current: Option<&str>,
) -> Result<List, Problem> {
    let view = view_of(caller, pairs).to_owned();
    let some = |name: &str| Some(given(pairs, name)).filter(|value| !value.is_empty()).map(str::to_owned);
    let sort = some("sort").or_else(|| (view == "ended").then(|| "newest".to_owned()));
    let params = QueueParams {
        q: some("q"),
        sector: some("sector"),
        kind: some("kind"),
        sort: sort.clone(),
        cursor: some("cursor"),
        ..QueueParams::default()
    };
    let today = app.today();
    let mut asked = api::read(app, caller, &params)?;
    narrow(&mut asked.filter, &view, caller, today);
    let (lines, next_cursor) = api::lines(app, caller, asked).await?;
    let keys: Vec<Key> = lines.iter().map(|line| line.case_id).collect();
    let since = today.saturating_sub(i64::from(risk::GROUP_DAYS).days());
    let scope = caller.scope();
    let (mut details, newest) =
        app.store.read(move |db| Ok((queue::details(db, &scope, &keys, since)?, queue::newest(db, &scope)?))).await?;
    let mut query = Serializer::new(String::new());
    for name in CARRIED {
        let value = if *name == "view" { view.as_str() } else { given(pairs, name) };
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    let query = query.finish();
    let mut rows: Vec<Row> = lines
        .into_iter()
        .map(|line| {
            let detail = details.remove(&line.case_id).unwrap_or_default();
            row(app, frame, &query, line, &detail, current, today)
        })
        .collect();
    if sort.as_deref().unwrap_or("due") == "due" {
        // Within a day what weighs most comes first; the page keeps its cases.
        rows.sort_by(|a, b| (a.due, b.weight).cmp(&(b.due, a.weight)));
    }
    let next = next_cursor.map(|cursor| format!("/desk?{query}&cursor={cursor}"));
    Ok(List {
        selects: current.is_none() && view != "ended" && caller.who.role != Role::Auditor && !rows.is_empty(),
        rows,
        view,
        q: given(pairs, "q").to_owned(),
        sector: given(pairs, "sector").to_owned(),
        kind: given(pairs, "kind").to_owned(),
        sort: sort.unwrap_or_else(|| "due".to_owned()),
        query,
        next,
        later: !given(pairs, "cursor").is_empty(),
        newest: newest.map_or_else(String::new, |id| id.0.to_string()),
    })
}

/// A line of any list of cases.
pub fn row(
    app: &App,
    frame: &Frame,
    query: &str,
    line: Line,
    detail: &Detail,
    current: Option<&str>,
    today: Date,
) -> Row {
    let catalogue = app.catalogue();
    let names = Names { catalogue: &catalogue, lang: frame.lang };
    let marks = risk::marks(detail.same_merchant, detail.pressed);
    let due = (line.next_due != NEVER).then_some(line.next_due.0);
    let words = |mark: &Mark| match mark {
        Mark::Group(n) => frame.say("desk.group", &[("n", &n.to_string())]),
        Mark::Pressed(n) => frame.say("desk.pressed", &[("n", &n.to_string())]),
    };
    let url = if query.is_empty() {
        format!("/desk/cases/{}", line.reference)
    } else {
        format!("/desk/cases/{}?{query}", line.reference)
    };
    let merchant = line.respondent.unwrap_or_default();
    let title = heading(app, line.case_id, detail).unwrap_or_else(|| merchant.clone());
    Row {
        short: words::short(&line.reference).to_owned(),
        url,
        title,
        sector: names.sector(&line.sector).name,
        merchant,
        state: frame.coded("staff_state", &line.state),
        marks: marks.iter().map(words).collect(),
        weight: risk::weight(&marks),
        chip: words::of_line(frame, &catalogue.calendar, &line.state, due, line.closed_on.is_some(), today),
        amount: line.amount_fen.and_then(crate::domain::money::Money::from_fen).map_or_else(String::new, words::yuan),
        version: line.version,
        current: current == Some(line.reference.as_str()),
        due: line.next_due.0,
        reference: line.reference,
    }
}

/// The beginning of what happened, with people's names and numbers taken out as everywhere on the desk.
fn heading(app: &App, key: Key, detail: &Detail) -> Option<String> {
    let dossier = Dossier::open(&app.vault, crate::domain::case::CaseId(key.0), &detail.data_key).ok()?;
    let narrative = dossier.open_narrative(&detail.narrative).ok()?;
    let parties = dossier.open_parties(&detail.parties).ok()?;
    let people = parties.iter().filter(|party| !is_merchant(party.role));
    let names: Vec<&str> = people.filter_map(|party| party.name.as_deref()).collect();
    Some(words::title(&redact(&narrative, &names))).filter(|title| !title.is_empty())
}

/// The parameters of the queue that an address carries, as they go into the next.
pub fn carried(pairs: &Pairs) -> String {
    let mut query = Serializer::new(String::new());
    for name in CARRIED {
        let value = given(pairs, name);
        if !value.is_empty() {
            query.append_pair(name, value);
        }
    }
    query.finish()
}

/// The same out of a form, of which only what a queue knows is taken over.
pub fn cleaned(query: &str) -> String {
    let mut cleaned = Serializer::new(String::new());
    for (name, value) in url::form_urlencoded::parse(query.as_bytes()) {
        if CARRIED.contains(&name.as_ref()) && value.chars().count() <= 100 {
            cleaned.append_pair(&name, &value);
        }
    }
    cleaned.finish()
}

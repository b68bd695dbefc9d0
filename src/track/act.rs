//! One step of one case, from the request to what is stored: loaded within the caller's scope, decided, sealed, saved, all in
//! one unit of work.

use crate::app::App;
use crate::domain::case::{Actor, Case};
use crate::domain::division::Division;
use crate::domain::party::{RawPerson, RawRespondent};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::transition::Owed;
use crate::domain::vocabulary::{Action, Audience, PartyRole, Role};
use crate::measure::{count::count, facts::facts};
use crate::privacy::Purpose;
use crate::store::cases::{self, Loaded, Save, Sealed};
use crate::store::filing::{CaseRow, ClockRow, LinkRow, PartyRow};
use crate::store::outbox::OutboxRow;
use crate::store::types::{At, Key};
use crate::store::{self, Db, StoreError, Tx, groups, users};
use crate::track::dossier::{Dossier, Party};
use crate::track::ledger::{self, Entry};
use crate::track::notices::Told;
use crate::track::verdicts::{self, Machine, Verdict};
use crate::track::{Command, Context, Refused, Step, cases_named, decide, documents, notices, rating, told};
use crate::{ambient, domain::text};
use jiff::civil::Date;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};
use std::collections::BTreeMap;
use std::sync::Arc;

/// A step that someone asks for.
#[derive(Debug, Clone)]
pub struct Request {
    /// Which case.
    pub reference: Reference,
    /// The version that the caller has seen.
    pub expected: i64,
    /// What the caller may know of.
    pub scope: Scope,
    /// Division whose subtree the caller oversees.
    pub division: Option<Division>,
    /// The step.
    pub command: Command,
}

/// Why a step isn't taken.
#[derive(Debug, thiserror::Error)]
pub enum ActError {
    /// No such case for this caller.
    #[error("no such case")]
    NotFound,
    /// The case has moved on.
    #[error("the case is at version {current}")]
    Stale {
        /// The version that it is at.
        current: i64,
    },
    /// Against the table, its conditions or its fields.
    #[error(transparent)]
    Refused(#[from] Refused),
    /// The store couldn't take it.
    #[error(transparent)]
    Store(#[from] StoreError),
}

/// Takes a step. `split` makes a new case and goes through `intake`.
///
/// # Errors
/// When it isn't taken; then nothing is changed.
pub async fn act(app: &Arc<App>, request: Request) -> Result<Loaded, ActError> {
    let shared = Arc::clone(app);
    let end = app.store.write(move |tx| unit(&shared, tx, &request)).await;
    match end {
        // Someone else was quicker between our read and our write (PostgreSQL).
        Err(StoreError::Stale) => Err(ActError::Stale { current: 0 }),
        end => end?,
    }
}

fn unit(app: &App, tx: &mut Tx<'_>, request: &Request) -> Result<Result<Loaded, ActError>, StoreError> {
    let found = match find(tx.db(), request)? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let surroundings = Surroundings::load(tx.db(), &found, request)?;
    let catalogue = app.catalogue();
    let step = match decide(&catalogue, &found.case, &request.command, &surroundings.context(app, request)) {
        Ok(step) => step,
        Err(refused) => return Ok(Err(refused.into())),
    };
    save_step(app, tx, &found, &step, &request.command.actor, &surroundings)
}

/// The case as it would be after a step, of which nothing is kept.
///
/// # Errors
/// When the step wouldn't be taken.
pub async fn rehearse(app: &Arc<App>, request: Request) -> Result<Case, ActError> {
    let shared = Arc::clone(app);
    app.store
        .read(move |db| {
            let found = match find(db, &request)? {
                Ok(found) => found,
                Err(error) => return Ok(Err(error)),
            };
            let surroundings = Surroundings::load(db, &found, &request)?;
            let context = surroundings.context(&shared, &request);
            let step = decide(&shared.catalogue(), &found.case, &request.command, &context);
            Ok(step.map(|step| step.case).map_err(ActError::from))
        })
        .await?
}

/// The case within the caller's scope, at the version that the caller has seen.
///
/// # Errors
/// That it doesn't exist for the caller, was erased, or has moved on.
pub fn find(db: &mut Db, request: &Request) -> Result<Result<Loaded, ActError>, StoreError> {
    let Some(found) = cases::load(db, &request.scope, &request.reference)? else { return Ok(Err(ActError::NotFound)) };
    if found.sealed.data_key.is_empty() {
        return Err(StoreError::Erased);
    }
    if found.case.version != request.expected {
        return Ok(Err(ActError::Stale { current: found.case.version }));
    }
    Ok(Ok(found))
}

/// What bears on a step besides its case.
#[derive(Debug)]
pub struct Surroundings {
    own: (Reference, Key),
    loaded: BTreeMap<Reference, Loaded>,
    others: BTreeMap<Reference, Case>,
    accounts: Vec<String>,
    last_reminder: Option<Date>,
    split_off: bool,
}

impl Surroundings {
    /// Reads it, within the caller's scope.
    pub fn load(db: &mut Db, found: &Loaded, request: &Request) -> Result<Self, StoreError> {
        let mut loaded = BTreeMap::new();
        for reference in cases_named(&request.command.fields) {
            if let Some(other) = cases::load(db, &request.scope, &reference)? {
                loaded.insert(reference, other);
            }
        }
        Self::read(db, found, request.command.actor.unit.as_deref(), loaded)
    }

    /// Reads what the actions of a view depend on: no other case is named.
    pub fn of_view(db: &mut Db, found: &Loaded, unit: Option<&str>) -> Result<Self, StoreError> {
        Self::read(db, found, unit, BTreeMap::new())
    }

    fn read(
        db: &mut Db,
        found: &Loaded,
        unit: Option<&str>,
        loaded: BTreeMap<Reference, Loaded>,
    ) -> Result<Self, StoreError> {
        let accounts = unit.map(|unit| users::of_unit(db, unit)).transpose()?.unwrap_or_default();
        let last_reminder =
            cases::last_taken(db, found, Action::Remind, Role::Consumer)?.map(ambient::today_in_shanghai);
        let split_off = cases::linked(db, found)?.iter().any(|(_, relation)| relation == "split" || relation == "both");
        let others = loaded.iter().map(|(reference, other)| (reference.clone(), other.case.clone())).collect();
        let own = (found.case.reference.clone(), Key::from(found.case.id));
        Ok(Self { own, loaded, others, accounts, last_reminder, split_off })
    }

    /// The key of a case that a link names: one that the fields named, or the case that the step began with.
    fn key_of(&self, reference: &Reference) -> Option<Key> {
        if *reference == self.own.0 {
            Some(self.own.1)
        } else {
            self.loaded.get(reference).map(|other| other.case.id.into())
        }
    }

    /// As the table's conditions want it.
    pub fn context(&self, app: &App, request: &Request) -> Context<'_> {
        self.context_for(app, request.division)
    }

    /// The same, for a caller who oversees a division.
    pub fn context_for(&self, app: &App, division: Option<Division>) -> Context<'_> {
        Context {
            today: app.today(),
            last_reminder: self.last_reminder,
            split_off: self.split_off,
            others: &self.others,
            accounts: &self.accounts,
            division,
        }
    }
}

/// Seals and saves a step that was decided, and the step of the other case that it brings with it.
///
/// # Errors
/// Faults of the party fields that it carries, or the store's.
pub fn save_step(
    app: &App,
    tx: &mut Tx<'_>,
    found: &Loaded,
    step: &Step,
    actor: &Actor,
    surroundings: &Surroundings,
) -> Result<Result<Loaded, ActError>, StoreError> {
    let saved = match save_one(app, tx, found, step, actor, surroundings)? {
        Ok(saved) => saved,
        Err(error) => return Ok(Err(error)),
    };
    if let Some(target) = &step.target
        && let Some(other) = surroundings.loaded.get(&target.case.reference)
        && let Err(error) = save_one(app, tx, other, target, actor, surroundings)?
    {
        // Nothing of either may stay: an error of the unit rolls both back.
        return Err(StoreError::Unreadable(error.to_string()));
    }
    Ok(Ok(saved))
}

fn save_one(
    app: &App,
    tx: &mut Tx<'_>,
    found: &Loaded,
    step: &Step,
    actor: &Actor,
    surroundings: &Surroundings,
) -> Result<Result<Loaded, ActError>, StoreError> {
    let now = app.now();
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key)?;
    let mut parties = Vec::new();
    if !step.notices.is_empty() || !step.supplied.is_empty() || documents::is_owed(step) {
        parties = dossier.open_parties(&cases::parties(tx.db(), found)?)?;
    }
    let changed = match supplied(&step.supplied, &mut parties) {
        Ok(changed) => changed,
        Err(faults) => return Ok(Err(Refused::Invalid(faults).into())),
    };
    let mut open = step.open.clone();
    if let (Some(document), Value::Object(open)) =
        (documents::issue_owed(app, tx, &dossier, found, step, &parties, actor)?, &mut open)
    {
        open.insert("document".to_owned(), document);
    }
    let entry = Entry {
        before: Some(&found.case),
        after: &step.case,
        action: step.action,
        from: Some(step.from),
        actor,
        at: now,
        open,
        personal: step.personal.clone(),
    };
    let (event, last_hash) = ledger::write(&dossier, app.entropy.as_ref(), &found.last_hash, entry);
    let sealed = reindexed(app, &found.sealed, &changed);
    // A name that comes in later must be found, and one that is the filer's must not.
    let tokens = if changed.is_empty() {
        None
    } else {
        let narrative = dossier.open_narrative(&found.sealed.narrative)?;
        Some(search_tokens(&narrative, &parties))
    };
    let verdict = match verdicts::word_of(step.action, &found.case, &step.case, &step.open, actor) {
        Some(word) => {
            let machine = cases::filed(tx.db(), found)?.as_ref().and_then(Machine::of_filing);
            Some(verdicts::seal(&dossier, app.entropy.as_ref(), &step.case, now, &Verdict { word, machine }))
        }
        None => None,
    };
    let links = step.links.iter().filter_map(|link| {
        Some(LinkRow {
            case_id: step.case.id.into(),
            other_id: surroundings.key_of(&link.to)?,
            relation: link.relation.code().to_owned(),
            created_at: At(now),
        })
    });
    let mut outbox = owed(app, &dossier, step, &parties, now);
    outbox.extend(told::rows(app, &step.case, step.action, Some(step.from), now));
    let save = Save {
        case: CaseRow::new(&step.case, facts(&step.case), &sealed, &last_hash, found.created_at)?,
        event,
        clocks: ClockRow::of(&step.case),
        parties: changed.iter().map(|party| dossier.seal_party(app.entropy.as_ref(), party)).collect::<Vec<PartyRow>>(),
        outbox,
        links: links.collect(),
        verdict,
        tokens,
        deltas: count(Some(&found.case), &step.case),
    };
    if matches!(step.action, Action::Rate | Action::Reopen) {
        store::outbox::call_off(tx, found.case.id, rating::NOTICE, now)?;
    }
    cases::save(tx, save)?;
    groups::follow(tx, &found.case, &step.case, now)?;
    Ok(Ok(Loaded { case: step.case.clone(), sealed, last_hash, created_at: found.created_at }))
}

/// Times that a unit is run anew when the case moves on meanwhile.
const ATTEMPTS: u32 = 5;

/// Runs a unit of work that adds to a case. That someone else moves the case on in between (PostgreSQL) doesn't bar it: it
/// is run again, and reads the case as it is then.
///
/// # Errors
/// The store's; [`StoreError::Stale`] when it was overtaken each time.
pub async fn again_if_overtaken<T: Send + 'static>(
    app: &Arc<App>,
    unit: impl Fn(&App, &mut Tx<'_>) -> Result<T, StoreError> + Clone + Send + 'static,
) -> Result<T, StoreError> {
    let mut end = Err(StoreError::Stale);
    for _ in 0..ATTEMPTS {
        let (shared, unit) = (Arc::clone(app), unit.clone());
        end = app.store.write(move |tx| unit(&shared, tx)).await;
        if !matches!(end, Err(StoreError::Stale)) {
            break;
        }
    }
    end
}

/// Keeps that something was added to a case, in the unit that keeps its row; `before` is the case as it is now.
///
/// # Errors
/// The store's.
pub fn save_record(
    app: &App,
    tx: &mut Tx<'_>,
    before: &Loaded,
    action: Action,
    open: Value,
    actor: &Actor,
) -> Result<Loaded, StoreError> {
    let step = crate::track::record(&before.case, action, open);
    let surroundings = Surroundings::of_view(tx.db(), before, None)?;
    save_step(app, tx, before, &step, actor, &surroundings)?.map_err(|error| StoreError::Unreadable(error.to_string()))
}

/// The rows of the notices that a step owes.
fn owed(app: &App, dossier: &Dossier<'_>, step: &Step, parties: &[Party], now: jiff::Timestamp) -> Vec<OutboxRow> {
    if step.notices.is_empty() {
        return Vec::new();
    }
    let merchant = parties.iter().find(|party| party.role == Some(PartyRole::Respondent));
    let merchant = merchant.and_then(|party| party.name.as_deref());
    let carried = [Some(&step.open), step.personal.as_ref()];
    let mut values = notices::values(app, &app.catalogue(), &step.case, merchant, carried);
    let asked = rating::asks(app, &step.case, now);
    asked.fill(&mut values);
    let told = |owed: &Owed, party: &Party| {
        let to = if owed.to == PartyRole::Respondent { Audience::Respondent } else { Audience::Complainant };
        let (phone, email) = (party.phone.as_deref(), party.email.as_deref());
        let (due_at, expires_at) =
            if owed.notice == rating::NOTICE { (asked.due_at, Some(asked.expires_at)) } else { (now, None) };
        let event = Some(step.case.version);
        let told = Told { notice: owed.notice, to, phone, email, values: &values, event, due_at, expires_at };
        notices::rows(app, dossier, &step.case, &told, now)
    };
    let mut rows = Vec::new();
    for owed in &step.notices {
        for party in parties.iter().filter(|party| party.role == Some(owed.to)) {
            rows.extend(told(owed, party));
        }
    }
    rows
}

/// Checks supplied party fields and puts them into the parties; gives those that changed.
fn supplied(given: &[(PartyRole, Map<String, Value>)], parties: &mut Vec<Party>) -> Result<Vec<Party>, Problems> {
    let mut faults = Problems::default();
    let mut changed = Vec::new();
    for (role, fields) in given {
        let pointer = format!("/{role}");
        let number = parties.iter().map(|party| party.no).max().unwrap_or(0) + 1;
        let place = parties.iter().position(|party| party.role == Some(*role)).unwrap_or_else(|| {
            parties.push(Party { no: number, role: Some(*role), ..Party::default() });
            parties.len() - 1
        });
        let party = &mut parties[place];
        if *role == PartyRole::Respondent {
            let Some(raw) = read::<RawRespondent>(&pointer, fields, &mut faults) else { continue };
            let merchant = raw.check(&mut faults);
            put(&mut party.name, merchant.name);
            put(&mut party.phone, merchant.phone);
            put(&mut party.address, merchant.address);
            put(&mut party.uscc, merchant.uscc);
        } else {
            let Some(raw) = read::<RawPerson>(&pointer, fields, &mut faults) else { continue };
            let person = raw.check(&pointer, &mut faults);
            put(&mut party.name, person.name);
            put(&mut party.phone, person.phone);
            put(&mut party.email, person.email);
            put(&mut party.address, person.address);
            put(&mut party.id_type, person.id_type);
            put(&mut party.id_number, person.id_number);
        }
        changed.push(party.clone());
    }
    faults.check()?;
    Ok(changed)
}

fn read<T: DeserializeOwned>(pointer: &str, fields: &Map<String, Value>, faults: &mut Problems) -> Option<T> {
    let read = serde_path_to_error::deserialize(Value::Object(fields.clone()));
    read.map_err(|error| {
        faults.at(
            format!("{pointer}/{}", error.path()),
            Invalid::new("shape", format!("can't be read: {}", error.inner())),
        );
    })
    .ok()
}

fn put(field: &mut Option<String>, value: Option<String>) {
    if value.is_some() {
        *field = value;
    }
}

/// What a case is looked up by, after its parties changed.
fn reindexed(app: &App, sealed: &Sealed, changed: &[Party]) -> Sealed {
    let mut sealed = sealed.clone();
    for party in changed {
        match party.role {
            Some(PartyRole::Complainant) => {
                let by = |purpose, value: &Option<String>| {
                    value.as_ref().map(|value| app.vault.index(purpose, value).to_vec())
                };
                sealed.complainant_hash = by(Purpose::Phone, &party.phone).or_else(|| by(Purpose::Email, &party.email));
            }
            Some(PartyRole::Respondent) => {
                sealed.respondent.clone_from(&party.name);
                sealed.respondent_hash = merchant_hash(app, party.uscc.as_deref(), party.name.as_deref());
            }
            _ => {}
        }
    }
    sealed
}

/// What a case is found by: the narrative after redaction, without the names of the people in it, and the names of the
/// merchant and the platform.
pub fn search_tokens(narrative: &str, parties: &[Party]) -> String {
    let is_merchant = |party: &&Party| matches!(party.role, Some(PartyRole::Respondent | PartyRole::Platform));
    let people: Vec<&str> =
        parties.iter().filter(|party| !is_merchant(party)).filter_map(|party| party.name.as_deref()).collect();
    let mut words = text::redact(narrative, &people);
    for name in parties.iter().filter(is_merchant).filter_map(|party| party.name.as_deref()) {
        words.push('\n');
        words.push_str(name);
    }
    text::search_tokens(&words).join(" ")
}

/// The keyed hash of a merchant, by credit code or else by normalised name.
pub fn merchant_hash(app: &App, uscc: Option<&str>, name: Option<&str>) -> Option<Vec<u8>> {
    let value = uscc.map(str::to_owned).or_else(|| name.map(text::key).filter(|key| !key.is_empty()))?;
    Some(app.vault.index(Purpose::Respondent, &value).to_vec())
}

/// Counts the provisional clocks of every open case anew, after a calendar was loaded; gives how many cases changed. May be
/// run again after a kill: what is done stays done.
///
/// # Errors
/// The store's.
pub async fn recompute(app: &Arc<App>) -> Result<u64, StoreError> {
    let mut after = None;
    let mut changed = 0;
    loop {
        let page = app.store.read(move |db| cases::provisional(db, after, 200)).await?;
        let Some(last) = page.last().copied() else { return Ok(changed) };
        let shared = Arc::clone(app);
        changed += app
            .store
            .write(move |tx| {
                let mut changed = 0;
                for id in &page {
                    let Some(found) = cases::load_by_id(tx.db(), &Scope::System, *id)? else { continue };
                    let Some(step) = crate::track::recompute(&shared.catalogue(), &found.case) else { continue };
                    let surroundings = Surroundings::of_view(tx.db(), &found, None)?;
                    if save_step(&shared, tx, &found, &step, &Actor::SYSTEM, &surroundings)?.is_ok() {
                        changed += 1;
                    }
                }
                Ok(changed)
            })
            .await?;
        after = Some(last);
    }
}

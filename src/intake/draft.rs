//! A case as it will be stored, and the answer that its filer gets. Everything that costs time (classification, sealing)
//! happens here, off the writer's thread.

use crate::ambient;
use crate::app::App;
use crate::classify::{Classification, Hints};
use crate::config::catalogue::Catalogue;
use crate::domain::case::{Actor, Case, CaseId, Consents, Milestones};
use crate::domain::chain::GENESIS;
use crate::domain::party::Person;
use crate::domain::reference::Reference;
use crate::domain::vocabulary::{Action, Audience, Kind, PartyRole, Role, SectorSource, State};
use crate::intake::submission::{Entry, Submission};
use crate::measure::{count::count, facts::facts};
use crate::privacy::Purpose;
use crate::route::{Question, Router, Routing};
use crate::store::StoreError;
use crate::store::cases::Sealed;
use crate::store::filing::{CaseRow, ClockRow, ExternalRow, IdempotencyRow, LinkRow, NewCase};
use crate::store::outbox::OutboxRow;
use crate::store::types::At;
use crate::track::act;
use crate::track::dossier::{Dossier, Party};
use crate::track::ledger::{self, Entry as Event};
use crate::track::notices::{self, Told};
use crate::track::told;
use crate::track::verdicts::{self, Machine, Verdict, Word};
use crate::track::{self, Opening};
use jiff::Timestamp;
use serde_json::{Value, json};

/// What bears on a filing besides itself.
#[derive(Debug, Default)]
pub(super) struct Ground {
    /// The answer kept under its key.
    pub(super) answered: Option<IdempotencyRow>,
    /// Likely duplicates, by kind.
    pub(super) duplicates: Vec<(Kind, Vec<(CaseId, String)>)>,
    /// Keyed hash of the complainant.
    pub(super) complainant: Option<Vec<u8>>,
    /// Keyed hash of the merchant.
    pub(super) respondent: Option<Vec<u8>>,
    /// It was found in mediation (Art 27).
    pub(super) clue: bool,
    /// When it was taken in, if that wasn't just now.
    pub(super) taken_in: Option<Timestamp>,
}

/// A case as it will be stored, with what the answer tells of it.
#[derive(Debug)]
pub(super) struct Draft {
    pub(super) new: NewCase,
    pub(super) case: Case,
    classification: Classification,
    routing: Routing,
}

/// The keyed hash of whoever files: by phone, else by e-mail address.
pub(super) fn complainant_hash(app: &App, submission: &Submission) -> Option<Vec<u8>> {
    let person = &submission.complainant;
    let by = |purpose, value: &Option<String>| value.as_ref().map(|value| app.vault.index(purpose, value).to_vec());
    by(Purpose::Phone, &person.phone).or_else(|| by(Purpose::Email, &person.email))
}

/// The keyed hash of the merchant.
pub(super) fn respondent_hash(app: &App, submission: &Submission) -> Option<Vec<u8>> {
    act::merchant_hash(app, submission.respondent.uscc.as_deref(), submission.respondent.name.as_deref())
}

/// Makes the case or cases of a submission. `attempt` draws other reference numbers.
pub(super) fn draw(
    app: &App,
    router: &Router,
    submission: &Submission,
    entry: Entry,
    actor: &Actor,
    ground: &Ground,
    attempt: u32,
) -> Result<Vec<Draft>, StoreError> {
    let classification = app.model().classify(&submission.narrative, hints(submission));
    let mut drafts = Vec::with_capacity(submission.kinds.len());
    for kind in &submission.kinds {
        let maker = Maker { app, router, submission, entry, actor, ground, attempt };
        drafts.push(maker.draft(*kind, classification.clone())?);
    }
    // The two of a mixed submission know each other (Art 9).
    if let [first, second] = drafts.as_mut_slice() {
        let at = first.new.case.created_at;
        let (one, other) = (first.new.case.case_id, second.new.case.case_id);
        first.new.links.push(LinkRow { case_id: one, other_id: other, relation: "both".to_owned(), created_at: at });
        second.new.links.push(LinkRow { case_id: other, other_id: one, relation: "both".to_owned(), created_at: at });
    }
    Ok(drafts)
}

/// Who would get a submission that came in today.
pub(super) fn route(app: &App, submission: &Submission, kind: Kind) -> Routing {
    let found = app.model().classify(&submission.narrative, hints(submission));
    let sector = submission.sector.clone().unwrap_or_else(|| found.sector.clone());
    let subsector = found.subsector.filter(|_| sector == found.sector);
    app.router().route(&question(submission, kind, &sector, subsector.as_deref(), app.today()))
}

/// What the classifier is told beside the narrative.
fn hints(submission: &Submission) -> Hints<'_> {
    Hints {
        merchant_name: submission.respondent.name.as_deref(),
        platform_name: submission.respondent.platform.as_ref().and_then(|platform| platform.name.as_deref()),
    }
}

struct Maker<'a> {
    app: &'a App,
    router: &'a Router,
    submission: &'a Submission,
    entry: Entry,
    actor: &'a Actor,
    ground: &'a Ground,
    attempt: u32,
}

impl Maker<'_> {
    fn draft(&self, kind: Kind, classification: Classification) -> Result<Draft, StoreError> {
        let now = self.ground.taken_in.unwrap_or_else(|| self.app.now());
        let received_at = self.submission.received_at.unwrap_or(now);
        let id = new_id(self.app, received_at);
        let (case, routing) = self.open(kind, id, received_at, &classification)?;
        let new = self.seal(&case, &classification, &routing, now)?;
        Ok(Draft { new, case, classification, routing })
    }

    /// Routes the case and gives it its first state.
    fn open(
        &self,
        kind: Kind,
        id: CaseId,
        received_at: Timestamp,
        classification: &Classification,
    ) -> Result<(Case, Routing), StoreError> {
        let submission = self.submission;
        let received_on = ambient::today_in_shanghai(received_at);
        let chosen = submission.sector.clone();
        let sector = chosen.clone().unwrap_or_else(|| classification.sector.clone());
        // A sub-sector of the machine's own sector says nothing of another that the person chose.
        let subsector = classification.subsector.clone().filter(|_| sector == classification.sector);
        let routing = self.router.route(&question(submission, kind, &sector, subsector.as_deref(), received_on));
        let catalogue = self.router.catalogue();
        let rule = catalogue
            .rule(routing.regime, received_on)
            .ok_or_else(|| StoreError::Unreadable(format!("no rule covers a receipt on {received_on}")))?;
        let draw = ambient::draw::<16>(self.app.entropy.as_ref());
        let staff_source = if self.entry == Entry::Staff { SectorSource::Staff } else { SectorSource::Person };
        let mut case = Case {
            id,
            reference: Reference::draw(&self.app.settings.reference.prefix, received_on, draw, self.attempt),
            kind,
            state: State::Received,
            version: 1,
            received_at,
            received_on,
            with_office_since: received_on,
            channel: submission.channel,
            lang: submission.lang,
            sector,
            subsector,
            sector_source: if chosen.is_some() { staff_source } else { SectorSource::Machine },
            // A sector that a person named needs no triage, however unsure the machine is.
            abstained: classification.abstained && chosen.is_none(),
            sector_chosen: chosen,
            confidence_permille: permille(classification.confidence),
            division: routing.division,
            town: routing.town.or(submission.place),
            department: routing.line.clone(),
            office: routing.office.code.clone(),
            station: routing.station.as_ref().map(|station| station.code.clone()).filter(|_| kind == Kind::Complaint),
            regime: routing.regime,
            rule: rule.id.clone(),
            statutory: false,
            settle_first: submission.settle_first && kind == Kind::Complaint,
            anonymous: submission.anonymous,
            referred_to: routing.referred.as_ref().map(|referral| referral.code.clone()),
            assigned_to: None,
            demands: submission.demands.clone(),
            amount: submission.amount,
            recovered: None,
            incident_date: submission.incident_date,
            missing: submission.missing(kind),
            publish_consent: submission.publish_consent,
            entrust_consent: submission.entrust_consent,
            representatives: u8::try_from(submission.representatives.len()).unwrap_or(2),
            joint: None,
            consents: Consents::default(),
            returns: 0,
            in_dispute: false,
            designated: false,
            reopened: false,
            suspended_for: None,
            outcome: None,
            ground: None,
            rating: None,
            external: submission.external.clone(),
            milestones: Milestones::default(),
            clocks: Vec::new(),
        };
        // A station's own staff take what is brought to their counter.
        if self.actor.role == Role::Station && kind == Kind::Complaint && self.actor.unit.is_some() {
            case.station.clone_from(&self.actor.unit);
        }
        if let Some(office) = catalogue.offices.get(&case.office) {
            case.statutory = track::is_statutory(&case, office);
        }
        let opening = Opening {
            unroutable: routing.unroutable,
            at_station: self.actor.role == Role::Station,
            clue: self.ground.clue,
        };
        let case = track::open(catalogue, case, opening).map_err(|fault| StoreError::Unreadable(fault.to_string()))?;
        Ok((case, routing))
    }

    /// Seals what is personal and makes the rows.
    fn seal(
        &self,
        case: &Case,
        classification: &Classification,
        routing: &Routing,
        now: Timestamp,
    ) -> Result<NewCase, StoreError> {
        let (app, submission) = (self.app, self.submission);
        let entropy = app.entropy.as_ref();
        let (dossier, data_key) = Dossier::create(&app.vault, entropy, case.id);
        let parties = parties(submission);
        let open = json!({
            "classification": {
                "sector": classification.sector,
                "confidence": permille(classification.confidence),
                "abstained": classification.abstained,
                "model": classification.model,
            },
            "routing": routing.steps.iter().map(|step| step.code).collect::<Vec<_>>(),
        });
        // What staff chose at the counter says whether the machine would have been right.
        let chosen = submission.sector.as_ref().filter(|_| self.entry == Entry::Staff);
        let verdict = chosen.map(|sector| Verdict {
            word: Word::Sector(sector.clone()),
            machine: Some(Machine {
                sector: classification.sector.clone(),
                confidence: permille(classification.confidence),
                abstained: classification.abstained,
                model: classification.model.clone(),
            }),
        });
        let entry = Event {
            before: None,
            after: case,
            action: Action::File,
            from: None,
            actor: self.actor,
            at: now,
            open,
            personal: None,
        };
        let (event, last_hash) = ledger::write(&dossier, entropy, &GENESIS, entry);
        let sealed = Sealed {
            narrative: dossier.seal_narrative(entropy, &submission.narrative),
            data_key,
            respondent: submission.respondent.name.clone(),
            respondent_hash: self.ground.respondent.clone(),
            complainant_hash: self.ground.complainant.clone(),
        };
        let links = self
            .ground
            .duplicates_of(case.kind)
            .iter()
            .map(|(other, _)| LinkRow {
                case_id: case.id.into(),
                other_id: (*other).into(),
                relation: "duplicate".to_owned(),
                created_at: At(now),
            })
            .collect();
        // The public may name a number of another system, but only staff and import can take it for a case.
        let external = if self.entry == Entry::Public { &[][..] } else { &case.external };
        let mut outbox = receipts(app, self.router.catalogue(), &dossier, case, submission, now);
        outbox.extend(told::rows(app, case, Action::File, None, now));
        Ok(NewCase {
            case: CaseRow::new(case, facts(case), &sealed, &last_hash, now)?,
            parties: parties.iter().map(|party| dossier.seal_party(entropy, party)).collect(),
            events: vec![event],
            clocks: ClockRow::of(case),
            external: external
                .iter()
                .map(|reference| ExternalRow {
                    system: reference.system.clone(),
                    number: reference.number.clone(),
                    case_id: case.id.into(),
                })
                .collect(),
            outbox,
            links,
            verdict: verdict.map(|verdict| verdicts::seal(&dossier, entropy, case, now, &verdict)),
            tokens: act::search_tokens(&submission.narrative, &parties),
            deltas: count(None, case),
        })
    }
}

/// A key made of the time of receipt, so that a month is a range of keys.
pub(super) fn new_id(app: &App, received_at: Timestamp) -> CaseId {
    CaseId(ambient::key_at(app.entropy.as_ref(), received_at))
}

#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a probability times 1000 is 0 to 1000")]
fn permille(probability: f64) -> u16 {
    (probability.clamp(0.0, 1.0) * 1000.0).round() as u16
}

/// What routing is asked of a submission.
fn question(
    submission: &Submission,
    kind: Kind,
    sector: &str,
    subsector: Option<&str>,
    on: jiff::civil::Date,
) -> Question {
    let respondent = &submission.respondent;
    Question {
        respondent: respondent.into(),
        subsector: subsector.map(str::to_owned),
        kind,
        place: submission.place,
        ..Question::complaint(sector, on, respondent.division)
    }
}

/// The parties in the order in which they are numbered.
fn parties(submission: &Submission) -> Vec<Party> {
    let person = |role: PartyRole, person: &Person| Party {
        no: 0,
        role: Some(role),
        name: person.name.clone(),
        phone: person.phone.clone(),
        email: person.email.clone(),
        address: person.address.clone(),
        id_type: person.id_type.clone(),
        id_number: person.id_number.clone(),
        uscc: None,
    };
    let merchant = &submission.respondent;
    let mut parties = Vec::new();
    if !submission.anonymous {
        parties.push(person(PartyRole::Complainant, &submission.complainant));
    }
    parties.push(Party {
        role: Some(PartyRole::Respondent),
        name: merchant.name.clone(),
        phone: merchant.phone.clone(),
        address: merchant.address.clone(),
        uscc: merchant.uscc.clone(),
        ..Party::default()
    });
    if let Some(platform) = &merchant.platform {
        parties.push(Party {
            role: Some(PartyRole::Platform),
            name: platform.name.clone(),
            uscc: platform.uscc.clone(),
            ..Party::default()
        });
    }
    parties.extend(submission.agent.as_ref().map(|agent| person(PartyRole::Agent, agent)));
    parties.extend(submission.representatives.iter().map(|one| person(PartyRole::Representative, one)));
    for (party, no) in parties.iter_mut().zip(1..) {
        party.no = no;
    }
    parties
}

/// The receipt notice: one row for each address that the complainant gave.
fn receipts(
    app: &App,
    catalogue: &Catalogue,
    dossier: &Dossier<'_>,
    case: &Case,
    submission: &Submission,
    now: Timestamp,
) -> Vec<OutboxRow> {
    let person = &submission.complainant;
    let (phone, email) = (person.phone.as_deref(), person.email.as_deref());
    if phone.is_none() && email.is_none() {
        return Vec::new();
    }
    let values = notices::values(app, catalogue, case, submission.respondent.name.as_deref(), [None, None]);
    let told = Told {
        notice: "receipt",
        to: Audience::Complainant,
        phone,
        email,
        values: &values,
        event: None,
        due_at: now,
        expires_at: None,
    };
    notices::rows(app, dossier, case, &told, now)
}

/// The answer in the contract's shape, with the cases' keys where the PINs will stand.
pub(super) fn answer(drafts: &[Draft], entry: Entry, ground: &Ground) -> Value {
    let Draft { case, classification, routing, .. } = &drafts[0];
    let duplicates = ground.duplicates_of(case.kind);
    let linked: Vec<Value> = drafts[1..]
        .iter()
        .map(|twin| {
            json!({
                "reference": twin.case.reference, "kind": twin.case.kind, "state": twin.case.state,
                "relation": "both", "case_id": twin.case.id,
            })
        })
        .collect();
    json!({
        "case_id": case.id,
        "reference": case.reference,
        "kind": case.kind,
        "state": case.state,
        "version": case.version,
        "received_at": case.received_at,
        "statutory": case.statutory,
        "classification": classification,
        "routing": routing.to_json(case.lang),
        "clocks": clocks(case),
        "missing_for_acceptance": case.missing,
        "duplicates": if entry == Entry::Public {
            json!(duplicates.len())
        } else {
            json!(duplicates.iter().map(|(_, number)| number).collect::<Vec<_>>())
        },
        "linked": linked,
    })
}

/// The running clocks in the contract's shape.
pub(super) fn clocks(case: &Case) -> Vec<Value> {
    case.clocks
        .iter()
        .map(|clock| {
            json!({
                "kind": clock.kind, "due": clock.due, "provisional": clock.provisional,
                "rule": clock.rule, "calendar": clock.calendar,
            })
        })
        .collect()
}

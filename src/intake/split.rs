//! Splitting a case: staff find that a complaint also holds a report, or the other way round (Order 121 Art 9). The new case
//! has the same text and parties, a clock and a history of its own, and both know each other.

use crate::app::App;
use crate::domain::party::{Person, Platform, Respondent};
use crate::domain::vocabulary::{Kind, PartyRole};
use crate::intake::draft::{self, Ground};
use crate::intake::submission::{Entry, Submission};
use crate::store::cases::{self, Loaded};
use crate::store::filing::{self, Filed, Filing, LinkRow};
use crate::store::types::At;
use crate::store::{StoreError, Tx};
use crate::track::act::{self, ActError, Request, Surroundings};
use crate::track::decide;
use crate::track::dossier::{Dossier, Party};
use std::sync::Arc;

/// Splits a case: gives the case as it is afterwards; the new one is among its links.
///
/// # Errors
/// As any step of a case.
pub async fn split(app: &Arc<App>, request: Request) -> Result<Loaded, ActError> {
    let shared = Arc::clone(app);
    let end = app.store.write(move |tx| unit(&shared, tx, &request)).await;
    match end {
        Err(StoreError::Stale) => Err(ActError::Stale { current: 0 }),
        end => end?,
    }
}

fn unit(app: &App, tx: &mut Tx<'_>, request: &Request) -> Result<Result<Loaded, ActError>, StoreError> {
    let found = match act::find(tx.db(), request)? {
        Ok(found) => found,
        Err(error) => return Ok(Err(error)),
    };
    let surroundings = Surroundings::load(tx.db(), &found, request)?;
    let router = app.router();
    let step = match decide(router.catalogue(), &found.case, &request.command, &surroundings.context(app, request)) {
        Ok(step) => step,
        Err(refused) => return Ok(Err(refused.into())),
    };
    let saved = match act::save_step(app, tx, &found, &step, &request.command.actor, &surroundings)? {
        Ok(saved) => saved,
        Err(error) => return Ok(Err(error)),
    };
    let submission = again(app, tx, &found)?;
    let ground = Ground {
        complainant: found.sealed.complainant_hash.clone(),
        respondent: found.sealed.respondent_hash.clone(),
        clue: found.case.kind == Kind::Complaint && found.case.state.is_accepted(),
        ..Ground::default()
    };
    let actor = &request.command.actor;
    for attempt in 0..super::DRAWS {
        let mut drafts = draft::draw(app, &router, &submission, Entry::Public, actor, &ground, attempt)?;
        let Some(mut draft) = drafts.pop() else { break };
        let (old, new) = (found.case.id.into(), draft.new.case.case_id);
        let created_at = At(app.now());
        for (case_id, other_id) in [(old, new), (new, old)] {
            draft.new.links.push(LinkRow { case_id, other_id, relation: "split".to_owned(), created_at });
        }
        let filing = Filing { cases: vec![draft.new], idempotency: None };
        if filing::store_in(tx, &filing)? == Filed::Done {
            return Ok(Ok(saved));
        }
    }
    Err(StoreError::Unavailable("no reference number was free".to_owned()))
}

/// The submission that the case came from, as far as its dossier tells, as one of the other kind.
fn again(app: &App, tx: &mut Tx<'_>, found: &Loaded) -> Result<Submission, StoreError> {
    let case = &found.case;
    let dossier = Dossier::open(&app.vault, case.id, &found.sealed.data_key)?;
    let mut submission = Submission {
        kinds: vec![match case.kind {
            Kind::Complaint => Kind::Report,
            Kind::Report => Kind::Complaint,
        }],
        narrative: dossier.open_narrative(&found.sealed.narrative)?,
        // The place that the first case was given to stands for the merchant's.
        respondent: Respondent { division: Some(case.division), ..Respondent::default() },
        complainant: Person::default(),
        demands: case.demands.clone(),
        amount: case.amount,
        place: case.town,
        incident_date: case.incident_date,
        // Its own clocks run from the day on which staff find it (Art 9, 15).
        received_at: None,
        channel: case.channel,
        settle_first: false,
        external: Vec::new(),
        sector: Some(case.sector.clone()),
        publish_consent: false,
        entrust_consent: case.entrust_consent,
        agent: None,
        representatives: Vec::new(),
        anonymous: case.anonymous,
        lang: case.lang,
    };
    for party in dossier.open_parties(&cases::parties(tx.db(), found)?)? {
        match party.role {
            Some(PartyRole::Complainant) => submission.complainant = person(party),
            Some(PartyRole::Agent) => submission.agent = Some(person(party)),
            Some(PartyRole::Representative) => submission.representatives.push(person(party)),
            Some(PartyRole::Platform) => {
                submission.respondent.platform = Some(Platform { name: party.name, uscc: party.uscc, division: None });
            }
            Some(PartyRole::Respondent) => {
                submission.respondent.name = party.name;
                submission.respondent.address = party.address;
                submission.respondent.phone = party.phone;
                submission.respondent.uscc = party.uscc;
            }
            None => {}
        }
    }
    Ok(submission)
}

fn person(party: Party) -> Person {
    Person {
        name: party.name,
        phone: party.phone,
        email: party.email,
        address: party.address,
        id_type: party.id_type,
        id_number: party.id_number,
        authorised: true,
    }
}

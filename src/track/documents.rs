//! Documents of a case: the one that a step owes is issued in the step's own unit of work; forms of the case are issued on
//! request; deliveries are recorded. Each leaves its trace in the case's history.

use crate::app::App;
use crate::config::catalogue::Office;
use crate::document::{self, Matter, Page, Person};
use crate::domain::case::{Actor, Case};
use crate::domain::permission::{self, Grant, Permission};
use crate::domain::problem::{Invalid, Problems};
use crate::domain::reference::Reference;
use crate::domain::scope::Scope;
use crate::domain::vocabulary::{Action, Delivery, DocumentKind, PartyRole, Role};
use crate::store::cases::{self, Loaded};
use crate::store::documents::{self, DeliveryRow, DocumentRow};
use crate::store::types::{At, On};
use crate::store::{StoreError, Tx};
use crate::track::act::{ActError, again_if_overtaken, save_record};
use crate::track::dossier::{Dossier, Party};
use crate::track::{Refused, Step};
use jiff::civil::Date;
use serde_json::{Map, Value, json};
use std::sync::Arc;

fn unreadable(error: impl std::fmt::Display) -> StoreError {
    StoreError::Unreadable(error.to_string())
}

/// The document that a step owes: drawn a number, sealed and kept; gives what its event tells of it.
///
/// # Errors
/// The store's.
pub(super) fn issue_owed(
    app: &App,
    tx: &mut Tx<'_>,
    dossier: &Dossier<'_>,
    found: &Loaded,
    step: &Step,
    parties: &[Party],
    actor: &Actor,
) -> Result<Option<Value>, StoreError> {
    let Some(kind) = document::owed_by(step.action, step.from, &step.case) else { return Ok(None) };
    let mut fields = step.open.as_object().cloned().unwrap_or_default();
    if let Some(Value::Object(personal)) = &step.personal {
        fields.extend(personal.clone());
    }
    issue_one(app, tx, dossier, found, &step.case, kind, parties, &fields, actor)
}

/// Whether a step owes a document, so that its parties have to be opened.
pub(super) fn is_owed(step: &Step) -> bool {
    document::owed_by(step.action, step.from, &step.case).is_some()
}

#[expect(clippy::too_many_arguments, reason = "one call for the two ways to a document")]
fn issue_one(
    app: &App,
    tx: &mut Tx<'_>,
    dossier: &Dossier<'_>,
    found: &Loaded,
    case: &Case,
    kind: DocumentKind,
    parties: &[Party],
    fields: &Map<String, Value>,
    actor: &Actor,
) -> Result<Option<Value>, StoreError> {
    let catalogue = app.catalogue();
    let Some(template) = catalogue.documents.templates.get(&kind) else { return Ok(None) };
    let Some(office) = issuer(&catalogue.offices, kind, case, actor) else { return Ok(None) };
    // Only a registration form repeats the narrative.
    let registration = matches!(kind, DocumentKind::ComplaintRegistration | DocumentKind::ReportRegistration);
    let narrative =
        if registration { dossier.open_narrative(&found.sealed.narrative).map_err(unreadable)? } else { String::new() };
    let today = app.today();
    let serial = documents::next_number(tx, &office.code, &template.series, today.year())?;
    let number = document::number(&catalogue, office, kind, today.year(), serial).map_err(unreadable)?;
    let matter = Matter {
        case,
        complainant: person(parties, PartyRole::Complainant),
        respondent: person(parties, PartyRole::Respondent),
        narrative: &narrative,
        fields,
        on: today,
    };
    let page = document::compose(&catalogue, office, kind, number.clone(), &matter).map_err(unreadable)?;
    let no = documents::next_no(tx.db(), found)?;
    let text = serde_json::to_string(&page).map_err(unreadable)?;
    let row = DocumentRow {
        case_id: case.id.into(),
        document_no: no,
        kind: kind.code().to_owned(),
        number: number.clone(),
        office: office.code.clone(),
        issued_at: At(app.now()),
        issued_by: actor.role.code().to_owned(),
        page: dossier.seal_document(app.entropy.as_ref(), no, &text),
    };
    documents::add(tx, &row)?;
    Ok(Some(json!({ "no": no, "kind": kind, "number": number })))
}

/// The office in whose name a document goes out: who distributes is the dispatcher's unit, everything else the owner.
fn issuer<'a>(
    offices: &'a std::collections::HashMap<String, Office>,
    kind: DocumentKind,
    case: &Case,
    actor: &Actor,
) -> Option<&'a Office> {
    let distributor = actor.unit.as_deref().filter(|_| kind == DocumentKind::Distribution);
    distributor.and_then(|unit| offices.get(unit)).or_else(|| offices.get(&case.office))
}

fn person(parties: &[Party], role: PartyRole) -> Person {
    let Some(party) = parties.iter().find(|party| party.role == Some(role)) else { return Person::default() };
    let id = party.id_number.as_ref().map(|number| match &party.id_type {
        Some(kind) => format!("{kind} {number}"),
        None => number.clone(),
    });
    Person { name: party.name.clone(), phone: party.phone.clone(), address: party.address.clone(), id }
}

/// A document that someone asks for.
#[derive(Debug, Clone)]
pub struct Order {
    /// Of which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// Which document.
    pub kind: DocumentKind,
    /// Who asks.
    pub actor: Actor,
}

/// Issues a form of the case; gives its number within the case.
///
/// # Errors
/// When there is no such case for this caller, or it has no such form; the store's.
pub async fn issue(app: &Arc<App>, order: Order) -> Result<i16, ActError> {
    again_if_overtaken(app, move |app, tx| {
        let Some(found) = cases::load(tx.db(), &order.scope, &order.reference)? else {
            return Ok(Err(ActError::NotFound));
        };
        if !document::serves(order.kind, found.case.kind) {
            let fault = Invalid::new(
                "not_on_request",
                "is issued by the step that owes it, or is no form of this kind of case",
            );
            let mut faults = Problems::default();
            faults.at("/kind", fault);
            return Ok(Err(Refused::Invalid(faults).into()));
        }
        let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key).map_err(unreadable)?;
        let parties = dossier.open_parties(&cases::parties(tx.db(), &found)?).map_err(unreadable)?;
        let fields = Map::new();
        let issued = issue_one(app, tx, &dossier, &found, &found.case, order.kind, &parties, &fields, &order.actor)?;
        let Some(told) = issued else { return Err(unreadable("the case's office isn't in the catalogue")) };
        let no = told["no"].as_i64().and_then(|no| i16::try_from(no).ok()).unwrap_or_default();
        save_record(app, tx, &found, Action::Issue, json!({ "document": told }), &order.actor)?;
        Ok(Ok(no))
    })
    .await?
}

/// A delivery to record.
#[derive(Debug, Clone)]
pub struct Delivered {
    /// Of which case.
    pub reference: Reference,
    /// What the caller may know of.
    pub scope: Scope,
    /// Which document.
    pub no: i16,
    /// To whom.
    pub to: PartyRole,
    /// How.
    pub way: Delivery,
    /// When.
    pub on: Date,
    /// Who records it.
    pub actor: Actor,
}

/// Records that a document was delivered.
///
/// # Errors
/// When there is no such document for this caller, or it isn't for that party, or the day is wrong; the store's.
pub async fn deliver(app: &Arc<App>, given: Delivered) -> Result<(), ActError> {
    again_if_overtaken(app, move |app, tx| {
        let Some(found) = cases::load(tx.db(), &given.scope, &given.reference)? else {
            return Ok(Err(ActError::NotFound));
        };
        let Some(row) = documents::find(tx.db(), &found, given.no)? else { return Ok(Err(ActError::NotFound)) };
        let mut faults = Problems::default();
        let to = addressees(app, &row.kind);
        if !to.contains(&given.to) {
            let codes: Vec<&str> = to.iter().map(|party| party.code()).collect();
            faults.at("/to", Invalid::new("not_for", "the document isn't for this party").allowed(codes.join(", ")));
        }
        let issued = crate::ambient::today_in_shanghai(row.issued_at.0);
        if given.on < issued || given.on > app.today() {
            let allowed = format!("{issued} to {}", app.today());
            faults
                .at("/on", Invalid::new("out_of_range", "no day on which it can have been delivered").allowed(allowed));
        }
        if let Err(faults) = faults.check() {
            return Ok(Err(Refused::Invalid(faults).into()));
        }
        let earlier = documents::deliveries(tx.db(), &found)?;
        let count = earlier.iter().filter(|one| one.document_no == given.no).count();
        let delivery = DeliveryRow {
            case_id: row.case_id,
            document_no: given.no,
            delivery_no: i16::try_from(count + 1).map_err(unreadable)?,
            party: given.to.code().to_owned(),
            way: given.way.code().to_owned(),
            delivered_on: On(given.on),
            recorded_at: At(app.now()),
            recorded_by: given.actor.role.code().to_owned(),
        };
        documents::add_delivery(tx, &delivery)?;
        let told = json!({ "document": { "no": row.document_no, "kind": row.kind, "number": row.number },
            "to": given.to, "way": given.way, "on": given.on });
        save_record(app, tx, &found, Action::Deliver, told, &given.actor)?;
        Ok(Ok(()))
    })
    .await?
}

/// Parties that a kind of document is for.
pub fn addressees(app: &App, kind: &str) -> Vec<PartyRole> {
    let catalogue = app.catalogue();
    let template = DocumentKind::parse(kind).ok().and_then(|kind| catalogue.documents.templates.get(&kind));
    template.map(|template| template.to.clone()).unwrap_or_default()
}

/// Whether a role may read a document of a case that it may know of: staff all, a party what is for it.
pub fn may_read(app: &App, role: Role, kind: &str) -> bool {
    match role {
        Role::Consumer => addressees(app, kind).contains(&PartyRole::Complainant),
        Role::Merchant => addressees(app, kind).contains(&PartyRole::Respondent),
        role => permission::grant(role, Permission::ReadDocuments) == Grant::Yes,
    }
}

/// Opens a document as it was issued.
///
/// # Errors
/// When it isn't what was sealed.
pub fn open(app: &App, found: &Loaded, row: &DocumentRow) -> Result<Page, StoreError> {
    let dossier = Dossier::open(&app.vault, found.case.id, &found.sealed.data_key).map_err(unreadable)?;
    let text = dossier.open_document(row.document_no, &row.page).map_err(unreadable)?;
    serde_json::from_str(&text).map_err(unreadable)
}

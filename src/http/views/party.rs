//! Who takes part in a case, and what of them a caller may see.

use crate::domain::case::Case;
use crate::domain::hidden::hidden_debug;
use crate::domain::identifiers::{mask_address, mask_email, mask_id, mask_name, mask_phone};
use crate::domain::permission::{self, Permission};
use crate::domain::vocabulary::{PartyRole, Role};
use crate::http::caller::Caller;
use crate::http::openapi::PartyCode;
use crate::track::dossier::Party;
use serde::Serialize;
use utoipa::ToSchema;

/// Someone who takes part.
#[derive(Serialize, ToSchema)]
pub struct PartyView {
    /// In which part.
    #[schema(value_type = PartyCode)]
    pub role: PartyRole,
    /// Name.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
    /// Phone.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub phone: Option<String>,
    /// E-mail address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub email: Option<String>,
    /// Address.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub address: Option<String>,
    /// Kind of the identity document.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_type: Option<String>,
    /// Its number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub id_number: Option<String>,
    /// Credit code of a merchant.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub uscc: Option<String>,
    /// Whether parts of it are hidden by `*`.
    pub masked: bool,
}

hidden_debug!(PartyView);

/// Whether a caller may know who filed: a report's reporter is known to its office alone, and to itself.
pub fn sees_filer(case: &Case, caller: &Caller) -> bool {
    permission::may(caller.who.role, Permission::SeeFiler, case.kind)
}

/// Whether a party is the merchant or its platform, whose names are public.
pub const fn is_merchant(role: Option<PartyRole>) -> bool {
    matches!(role, Some(PartyRole::Respondent | PartyRole::Platform))
}

/// Names of the people who take part, as they are to be masked in texts.
pub fn names_of_people(parties: &[Party]) -> Vec<&str> {
    parties.iter().filter(|party| !is_merchant(party.role)).filter_map(|party| party.name.as_deref()).collect()
}

pub(super) fn party_view(case: &Case, party: Party, caller: &Caller) -> Option<PartyView> {
    let role = party.role?;
    if is_merchant(party.role) {
        // The merchant's name, address and code are public; its phone may be a person's.
        let phone = party.phone.filter(|_| caller.is_staff()).map(|phone| mask_phone(&phone));
        return Some(PartyView {
            role,
            name: party.name,
            masked: phone.is_some(),
            phone,
            email: None,
            address: party.address,
            id_type: None,
            id_number: None,
            uscc: party.uscc,
        });
    }
    if !sees_filer(case, caller) {
        return None;
    }
    let own = caller.who.role == Role::Consumer;
    let shown =
        |value: Option<String>, mask: fn(&str) -> String| value.map(|value| if own { value } else { mask(&value) });
    Some(PartyView {
        role,
        name: shown(party.name, mask_name),
        phone: shown(party.phone, mask_phone),
        email: shown(party.email, mask_email),
        address: shown(party.address, mask_address),
        id_type: party.id_type,
        id_number: shown(party.id_number, mask_id),
        uscc: None,
        masked: !own,
    })
}

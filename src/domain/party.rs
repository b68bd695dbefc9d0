//! The people and merchants of a filing: how they are sent, and what of it is checked.

use crate::domain::division::Division;
use crate::domain::hidden::hidden_debug;
use crate::domain::identifiers;
use crate::domain::problem::{Invalid, Problems};
use crate::domain::text;
use serde::Deserialize;
use utoipa::ToSchema;

/// The merchant as it is sent.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Respondent)]
pub struct RawRespondent {
    /// Name of the shop or company.
    #[schema(example = "某某车行")]
    pub name: Option<String>,
    /// Place of business or domicile.
    #[schema(example = "320115")]
    pub division: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// Unified social credit code.
    pub uscc: Option<String>,
    /// The platform on which it sells.
    pub platform: Option<RawPlatform>,
    /// Division of the address that the platform publishes for the seller (Art 13).
    pub on_platform_address_division: Option<String>,
    /// Sells on a website of its own (Art 13).
    pub own_website: Option<bool>,
}

hidden_debug!(RawRespondent);

/// A platform as it is sent.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Platform)]
pub struct RawPlatform {
    /// Name.
    pub name: Option<String>,
    /// Unified social credit code of the operator.
    pub uscc: Option<String>,
    /// Domicile of the operator.
    pub division: Option<String>,
}

hidden_debug!(RawPlatform);

/// A person as it is sent.
#[derive(Clone, Default, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
#[schema(as = Person)]
pub struct RawPerson {
    /// Name.
    #[schema(example = "张三")]
    pub name: Option<String>,
    /// Phone, any usual spelling; kept as E.164.
    #[schema(example = "13800138000")]
    pub phone: Option<String>,
    /// E-mail address.
    pub email: Option<String>,
    /// Postal address.
    #[schema(example = "南京市江宁区东山街道")]
    pub address: Option<String>,
    /// Kind of the identity document: `resident_id`, `passport`, `other`.
    pub id_type: Option<String>,
    /// Its number.
    pub id_number: Option<String>,
    /// For an agent: the original letter of authorisation was handed in (Art 11).
    pub authorised: Option<bool>,
}

hidden_debug!(RawPerson);

/// The merchant, checked.
#[derive(Clone, Default)]
pub struct Respondent {
    /// Name.
    pub name: Option<String>,
    /// Place.
    pub division: Option<Division>,
    /// Address.
    pub address: Option<String>,
    /// Phone.
    pub phone: Option<String>,
    /// Credit code.
    pub uscc: Option<String>,
    /// Platform.
    pub platform: Option<Platform>,
    /// Place of the address published on the platform.
    pub on_platform_address_division: Option<Division>,
    /// Own web shop.
    pub own_website: bool,
}

hidden_debug!(Respondent);

/// A platform, checked.
#[derive(Clone, Default)]
pub struct Platform {
    /// Name.
    pub name: Option<String>,
    /// Credit code.
    pub uscc: Option<String>,
    /// Domicile.
    pub division: Option<Division>,
}

hidden_debug!(Platform);

/// A person, checked.
#[derive(Clone, Default)]
pub struct Person {
    /// Name.
    pub name: Option<String>,
    /// E.164.
    pub phone: Option<String>,
    /// E-mail.
    pub email: Option<String>,
    /// Address.
    pub address: Option<String>,
    /// Kind of document.
    pub id_type: Option<String>,
    /// Its number.
    pub id_number: Option<String>,
    /// Letter of authorisation handed in.
    pub authorised: bool,
}

hidden_debug!(Person);

/// Kinds of identity document.
pub const ID_TYPES: &[&str] = &["resident_id", "passport", "other"];

impl RawRespondent {
    /// Checks a merchant whose fields stand below `/respondent`.
    pub fn check(self, faults: &mut Problems) -> Respondent {
        let at = |field: &str| format!("/respondent/{field}");
        Respondent {
            name: optional(at("name"), self.name.as_deref(), |name| text::line(name, 1, 200), faults),
            division: optional(at("division"), self.division.as_deref(), Division::parse, faults),
            address: optional(at("address"), self.address.as_deref(), |address| text::line(address, 2, 300), faults),
            phone: optional(at("phone"), self.phone.as_deref(), |phone| text::line(phone, 3, 40), faults),
            uscc: optional(at("uscc"), self.uscc.as_deref(), identifiers::uscc, faults),
            platform: self.platform.map(|platform| Platform {
                name: optional(at("platform/name"), platform.name.as_deref(), |name| text::line(name, 1, 200), faults),
                uscc: optional(at("platform/uscc"), platform.uscc.as_deref(), identifiers::uscc, faults),
                division: optional(at("platform/division"), platform.division.as_deref(), Division::parse, faults),
            }),
            on_platform_address_division: optional(
                at("on_platform_address_division"),
                self.on_platform_address_division.as_deref(),
                Division::parse,
                faults,
            ),
            own_website: self.own_website.unwrap_or(false),
        }
    }
}

impl RawPerson {
    /// Checks a person whose fields stand below a pointer.
    pub fn check(self, pointer: &str, faults: &mut Problems) -> Person {
        let at = |field: &str| format!("{pointer}/{field}");
        let id_type = optional(
            at("id_type"),
            self.id_type.as_deref(),
            |kind| {
                ID_TYPES.contains(&kind).then(|| kind.to_owned()).ok_or_else(|| {
                    Invalid::new("unknown_value", "unknown kind of document").allowed(ID_TYPES.join(", "))
                })
            },
            faults,
        );
        let resident = id_type.as_deref().is_none_or(|kind| kind == "resident_id");
        let number = |number: &str| if resident { identifiers::resident_id(number) } else { text::line(number, 4, 40) };
        let id_number = optional(at("id_number"), self.id_number.as_deref(), number, faults);
        Person {
            name: optional(at("name"), self.name.as_deref(), |name| text::line(name, 1, 100), faults),
            phone: optional(at("phone"), self.phone.as_deref(), identifiers::phone, faults),
            email: optional(at("email"), self.email.as_deref(), identifiers::email, faults),
            address: optional(at("address"), self.address.as_deref(), |address| text::line(address, 2, 300), faults),
            id_type: id_type.or_else(|| id_number.as_ref().map(|_| "resident_id".to_owned())),
            id_number,
            authorised: self.authorised.unwrap_or(false),
        }
    }
}

/// Parses a field that may be left out, and notes its fault.
pub fn optional<T>(
    pointer: impl Into<String>,
    value: Option<&str>,
    parse: impl FnOnce(&str) -> Result<T, Invalid>,
    faults: &mut Problems,
) -> Option<T> {
    value.and_then(|value| faults.take(pointer, parse(value)))
}

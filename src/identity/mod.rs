//! Who is asking, and what they may know of.
//!
//! Comes in: a password, a token, an address. Goes out: a [`Caller`] with its [`Scope`], or a refusal.
//!
//! - [`password`]: Argon2id on a bounded number of threads, and what makes a password too weak;
//! - [`tokens`]: short-lived access tokens (JWT, HS256) checked against the clock that is passed in;
//! - [`oidc`]: sign-in through a provider: what is sent there, and whether what comes back is believed;
//! - [`ticket`]: refresh tokens and cookies, and the tokens of forms;
//! - [`attempts`]: how often one address may ask.
//!
//! Sources: OWASP ASVS 5.0 chapters 6, 7 and 9; NIST SP 800-63B for passwords; RFC 8725 for tokens.

pub mod attempts;
mod common_passwords;
pub mod oidc;
pub mod password;
pub mod ticket;
pub mod tokens;

pub use attempts::{Limiter, Quota, RetryAfter};
pub use password::{HashError, Hasher, Password, check_policy};
pub use ticket::Ticket;
pub use tokens::{Claims, Grant, SigningKey, TokenError, Tokens};

use crate::domain::case::{Actor, CaseId};
use crate::domain::division::Division;
use crate::domain::scope::{Contact, Scope};
use crate::domain::vocabulary::Role;

/// Who makes a request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Caller {
    /// Acts in this role.
    pub role: Role,
    /// Account name of staff; `None` for consumers, merchants, the anonymous and the system.
    pub user: Option<String>,
    /// Code of the office or station that staff act for.
    pub unit: Option<String>,
    /// Root of the subtree of divisions that staff are responsible for.
    pub division: Option<Division>,
    /// The one case that a consumer or merchant has opened with its PIN or link.
    pub case: Option<CaseId>,
    /// What a consumer has proven to be theirs, by a code sent to it.
    pub contact: Option<Contact>,
}

impl Caller {
    /// Someone who has shown nothing: may file and look up reference data, sees no case.
    pub const ANONYMOUS: Self =
        Self { role: Role::Consumer, user: None, unit: None, division: None, case: None, contact: None };

    /// The service itself, and commands run by an operator on the machine.
    pub const SYSTEM: Self =
        Self { role: Role::System, user: None, unit: None, division: None, case: None, contact: None };

    /// Whether this is someone who has shown nothing.
    pub fn is_anonymous(&self) -> bool {
        *self == Self::ANONYMOUS
    }

    /// As it is written into a case's history.
    pub fn actor(&self) -> Actor {
        Actor { role: self.role, user: self.user.clone(), unit: self.unit.clone() }
    }
}

/// The cases that a caller may know of. Where what the role needs is missing (staff without a unit), that is no case.
pub fn scope(caller: &Caller) -> Scope {
    let subtree = |department| match caller.division {
        Some(division) => Scope::Subtree { division, department },
        None => Scope::Nothing,
    };
    match caller.role {
        Role::Consumer => caller.case.map(Scope::Case).or(caller.contact.map(Scope::Contact)).unwrap_or(Scope::Nothing),
        Role::Merchant => caller.case.map_or(Scope::Nothing, Scope::Case),
        Role::Station => caller.unit.clone().map_or(Scope::Nothing, Scope::Station),
        Role::Officer => caller.unit.clone().map_or(Scope::Nothing, Scope::Office),
        // A dispatcher must see every line: a case comes to it because nobody knows yet whose it is.
        Role::Dispatcher | Role::Auditor => subtree(None),
        // A supervisor of an office answers for that line only; one without a unit stands above all lines of the place.
        Role::Supervisor => match &caller.unit {
            Some(unit) => line_of(unit).map_or(Scope::Nothing, |line| subtree(Some(line.to_owned()))),
            None => subtree(None),
        },
        Role::Admin => Scope::Nothing,
        Role::System => Scope::System,
    }
}

/// The line of an office: `amr` of `amr-320115`, and of the provincial `jiangsu-amr`. `None` for what is no office code.
fn line_of(unit: &str) -> Option<&str> {
    match unit.split_once('-')? {
        (line, place) if is_word(line) && Division::parse(place).is_ok() => Some(line),
        (province, line) if is_word(province) && is_word(line) => Some(line),
        _ => None,
    }
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_')
}

#[cfg(test)]
mod tests {
    use super::*;
    use uuid::Uuid;

    fn caller(role: Role, unit: Option<&str>, division: Option<&str>) -> Caller {
        Caller {
            role,
            user: Some("user".to_owned()),
            unit: unit.map(str::to_owned),
            division: division.map(|code| Division::parse(code).unwrap()),
            case: None,
            contact: None,
        }
    }

    fn subtree(division: &str, department: Option<&str>) -> Scope {
        Scope::Subtree { division: Division::parse(division).unwrap(), department: department.map(str::to_owned) }
    }

    #[test]
    fn each_role_sees_its_cases() {
        use Role::*;
        let (office, place) = (Some("amr-320115"), Some("320115"));
        for (role, unit, division, expected) in [
            (Station, Some("st-320115001"), place, Scope::Station("st-320115001".to_owned())),
            (Officer, office, place, Scope::Office("amr-320115".to_owned())),
            (Dispatcher, office, place, subtree("320115", None)),
            (Dispatcher, None, Some("320000"), subtree("320000", None)),
            (Supervisor, office, Some("320100"), subtree("320100", Some("amr"))),
            (Supervisor, Some("jiangsu-culture"), Some("320000"), subtree("320000", Some("culture"))),
            (Supervisor, None, Some("320100"), subtree("320100", None)),
            (Auditor, office, Some("320100"), subtree("320100", None)),
            (Admin, office, place, Scope::Nothing),
            (System, None, None, Scope::System),
        ] {
            assert_eq!(scope(&caller(role, unit, division)), expected, "{role} {unit:?} {division:?}");
        }
    }

    #[test]
    fn what_is_missing_widens_nothing() {
        for role in [Role::Station, Role::Officer, Role::Dispatcher, Role::Supervisor, Role::Auditor, Role::Merchant] {
            assert_eq!(scope(&caller(role, None, None)), Scope::Nothing, "{role}");
        }
        for odd in ["", "-", "amr", "amr-", "-320115", "amr-999999", "a-b-c"] {
            assert_eq!(scope(&caller(Role::Supervisor, Some(odd), Some("320000"))), Scope::Nothing, "{odd:?}");
        }
        assert_eq!(scope(&Caller::ANONYMOUS), Scope::Nothing);
    }

    #[test]
    fn a_consumer_sees_the_case_it_opened_and_no_more() {
        let case = CaseId(Uuid::from_u128(5));
        let caller = Caller { case: Some(case), ..Caller::ANONYMOUS };
        assert_eq!(scope(&caller), Scope::Case(case));
        assert!(!caller.is_anonymous() && Caller::ANONYMOUS.is_anonymous());
        let contact = Contact::Phone([7; 16]);
        let person = Caller { contact: Some(contact), ..Caller::ANONYMOUS };
        assert_eq!(scope(&person), Scope::Contact(contact));
        assert_eq!(scope(&Caller { role: Role::Merchant, ..person }), Scope::Nothing, "a merchant is no filer");
    }
}

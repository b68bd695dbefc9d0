//! Numbers with a rule: phone (E.164), unified social credit code (GB 32100), resident ID (GB 11643).

use crate::domain::problem::Invalid;

/// A phone number in E.164, e.g. `+8613800138000`. Chinese unless written with a country code; full-width digits,
/// spaces and hyphens are understood.
pub fn phone(text: &str) -> Result<String, Invalid> {
    let _ = text;
    todo!()
}

/// A unified social credit code: 18 characters, upper case, check character by GB 32100 (mod 31).
pub fn uscc(text: &str) -> Result<String, Invalid> {
    let _ = text;
    todo!()
}

/// A resident ID number: 18 characters, known province, real date of birth, check character by GB 11643 (ISO 7064 MOD 11-2).
pub fn resident_id(text: &str) -> Result<String, Invalid> {
    let _ = text;
    todo!()
}

/// An e-mail address in lower-case domain form: one `@`, a dot in the domain, no spaces, at most 254 characters.
pub fn email(text: &str) -> Result<String, Invalid> {
    let _ = text;
    todo!()
}

/// `138****8000`
pub fn mask_phone(e164: &str) -> String {
    let _ = e164;
    todo!()
}

/// `张*`, `John *****`
pub fn mask_name(name: &str) -> String {
    let _ = name;
    todo!()
}

/// `3201**********1234`
pub fn mask_id(id: &str) -> String {
    let _ = id;
    todo!()
}

/// `z***@example.com`
pub fn mask_email(email: &str) -> String {
    let _ = email;
    todo!()
}

/// An address down to county or street, the rest as `***`.
pub fn mask_address(address: &str) -> String {
    let _ = address;
    todo!()
}

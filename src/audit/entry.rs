//! What is written down, one constructor for each thing that may happen.

use crate::domain::case::CaseId;
use crate::domain::chain::Hash;
use crate::domain::division::Division;
use crate::domain::vocabulary::Role;
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use std::sync::Arc;
use uuid::Uuid;

/// Who did it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct By {
    /// In which role.
    pub role: Role,
    /// Account of staff.
    pub user: Option<String>,
    /// Office or station of staff.
    pub unit: Option<String>,
    /// Division that staff are responsible for.
    pub division: Option<Division>,
    /// The case that a consumer has opened.
    pub case: Option<CaseId>,
}

impl By {
    /// The service itself, or an operator on the machine.
    pub const SYSTEM: Self = Self { role: Role::System, user: None, unit: None, division: None, case: None };
}

macro_rules! kinds {
    ($($(#[$doc:meta])* $name:ident = $code:literal,)+) => {
        /// What happened.
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum Kind {
            $($(#[$doc])* $name,)+
        }

        impl Kind {
            /// Every kind.
            pub const ALL: &[Self] = &[$(Self::$name,)+];

            /// Its stable code.
            pub const fn code(self) -> &'static str {
                match self { $(Self::$name => $code,)+ }
            }

            /// The kind of a code.
            pub fn parse(code: &str) -> Option<Self> {
                match code { $($code => Some(Self::$name),)+ _ => None }
            }
        }
    };
}

kinds! {
    /// Someone signed in.
    SignIn = "sign_in",
    /// Someone couldn't.
    SignInFailed = "sign_in_failed",
    /// An account or address must wait.
    Locked = "locked",
    /// A session was ended.
    SignedOut = "signed_out",
    /// A refresh token was used twice: its family is revoked.
    TokenReused = "token_reused",
    /// Something was asked for that the caller may not have.
    AccessDenied = "access_denied",
    /// Personal data left the service in a file.
    Export = "export",
    /// Masked fields were shown.
    Unmask = "unmask",
    /// A document of a case was printed, which shows personal data.
    DocumentPrinted = "document_printed",
    /// An account was added.
    UserAdded = "user_added",
    /// An account got another role, unit or division.
    UserChanged = "user_changed",
    /// An account was disabled.
    UserDisabled = "user_disabled",
    /// An account got another password, second factor or link to the sign-in provider.
    UserReset = "user_reset",
    /// The service began with another configuration than before.
    ConfigurationChange = "configuration_change",
    /// A key was rotated or retired.
    KeyRotation = "key_rotation",
    /// A system was subscribed to events, or its subscription changed.
    WebhookChange = "webhook_change",
    /// A case was erased.
    Erasure = "erasure",
    /// A legal hold was placed or lifted.
    LegalHold = "legal_hold",
    /// A group of complaints was opened, or its members were asked something or taken out.
    GroupChange = "group_change",
    /// A backup was written.
    Backup = "backup",
    /// The data came from a backup.
    Restore = "restore",
    /// A classifier that was fitted here came into force.
    ModelPromoted = "model_promoted",
    /// The classifier in force was taken back.
    ModelReverted = "model_reverted",
}

/// An entry before it has its place in a chain.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    /// Chain that it goes to.
    pub writer: Arc<str>,
    /// Its id, in the order of time.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// What.
    pub kind: Kind,
    /// Who.
    pub by: By,
    /// The case that it is about.
    pub case: Option<CaseId>,
    /// Division by which auditors find it: the case's, else that of who did it.
    pub division: Option<Division>,
    /// Id of the request.
    pub request_id: Option<String>,
    /// Coded particulars; nothing personal.
    pub data: Map<String, Value>,
    /// What a person wrote, sealed, with the commitment to it.
    pub sealed: Option<(Vec<u8>, Hash)>,
}

/// The time, the writer and the person of an entry: everything but what happened. Each method makes the entry of one thing.
#[derive(Debug, Clone)]
pub struct Occasion {
    /// Chain.
    pub writer: Arc<str>,
    /// Id of the entry, uuid v7 of `at`.
    pub id: Uuid,
    /// When.
    pub at: Timestamp,
    /// Who.
    pub by: By,
    /// Id of the request.
    pub request_id: Option<String>,
}

impl Occasion {
    /// The same for the request that it came with.
    #[must_use]
    pub fn of_request(mut self, id: Option<String>) -> Self {
        self.request_id = id;
        self
    }

    fn entry(self, kind: Kind, data: Value) -> Entry {
        let data = match data {
            Value::Object(data) => data,
            _ => Map::new(),
        };
        Entry {
            writer: self.writer,
            id: self.id,
            at: self.at,
            kind,
            case: self.by.case,
            division: self.by.division,
            by: self.by,
            request_id: self.request_id,
            data,
            sealed: None,
        }
    }

    /// Signed in; `method` is how: `password`, `password_totp`, `oidc`, `pin`, `code`.
    pub fn sign_in(self, method: &'static str) -> Entry {
        self.entry(Kind::SignIn, json!({ "method": method }))
    }

    /// Couldn't sign in. The account is named only when there is one: what is typed into that field may be anything, also
    /// a password. The address is a keyed hash ([`crate::privacy::Vault::address_mark`]).
    pub fn sign_in_failed(self, method: &'static str, account: Option<&str>, address: &str) -> Entry {
        self.entry(Kind::SignInFailed, json!({ "method": method, "account": account, "address": address }))
    }

    /// An account (when there is one) or an address must wait some seconds.
    pub fn locked(self, account: Option<&str>, address: &str, seconds: u64) -> Entry {
        self.entry(Kind::Locked, json!({ "account": account, "address": address, "seconds": seconds }))
    }

    /// Ended a session, or all of an account's.
    pub fn signed_out(self, everywhere: bool) -> Entry {
        self.entry(Kind::SignedOut, json!({ "everywhere": everywhere }))
    }

    /// A refresh token was shown again after it was used.
    pub fn token_reused(self) -> Entry {
        self.entry(Kind::TokenReused, json!({}))
    }

    /// Was refused. `route` is the pattern of the path, without values; `left_out` counts refusals of the same caller before
    /// this one that were too many to be written down.
    pub fn access_denied(self, method: &str, route: &str, status: u16, code: &str, left_out: u64) -> Entry {
        let mut data = json!({ "method": method, "route": route, "status": status, "code": code });
        if left_out > 0 {
            data["left_out"] = json!(left_out);
        }
        self.entry(Kind::AccessDenied, data)
    }

    /// Took data out as a file: `what` it holds, in which `format`, and the question that it answers.
    pub fn export(self, what: &'static str, format: &'static str, question: &Value) -> Entry {
        self.entry(Kind::Export, json!({ "what": what, "format": format, "question": question }))
    }

    /// Saw masked fields of a case.
    pub fn unmask(self, fields: &[&str]) -> Entry {
        self.entry(Kind::Unmask, json!({ "fields": fields }))
    }

    /// Printed a document of a case: its kind, its number within the case, and the form of the print.
    pub fn document_printed(self, kind: &str, no: i16, format: &'static str) -> Entry {
        self.entry(Kind::DocumentPrinted, json!({ "document": kind, "no": no, "format": format }))
    }

    /// Added an account.
    pub fn user_added(self, account: &str, role: Role, unit: Option<&str>) -> Entry {
        self.entry(Kind::UserAdded, json!({ "account": account, "role": role, "unit": unit }))
    }

    /// Gave an account another role, unit or division.
    pub fn user_changed(self, account: &str, role: Role, unit: Option<&str>, division: Option<Division>) -> Entry {
        let data = json!({ "account": account, "role": role, "unit": unit, "division": division });
        self.entry(Kind::UserChanged, data)
    }

    /// Disabled an account.
    pub fn user_disabled(self, account: &str) -> Entry {
        self.entry(Kind::UserDisabled, json!({ "account": account }))
    }

    /// Gave an account another password, changed its second factor, or its links to the sign-in provider; `what` is `password`, `totp`
    /// or `provider_link`.
    pub fn user_reset(self, account: &str, what: &'static str) -> Entry {
        self.entry(Kind::UserReset, json!({ "account": account, "what": what }))
    }

    /// The service began with a configuration of this digest; before, it was another.
    pub fn configuration_change(self, digest: &str, before: Option<&str>) -> Entry {
        let version = env!("CARGO_PKG_VERSION");
        self.entry(Kind::ConfigurationChange, json!({ "digest": digest, "before": before, "version": version }))
    }

    /// A key was made active (`rotated`), or taken out (`retired`).
    pub fn key_rotation(self, key: &str, id: &str, step: &'static str) -> Entry {
        self.entry(Kind::KeyRotation, json!({ "key": key, "id": id, "step": step }))
    }

    /// A webhook was `created`, `enabled`, `disabled`, `rotated`, `pinged` or `removed`.
    pub fn webhook_change(self, webhook: Uuid, step: &'static str) -> Entry {
        self.entry(Kind::WebhookChange, json!({ "webhook": webhook.to_string(), "step": step }))
    }

    /// A case's key was destroyed, by its class of retention.
    pub fn erasure(self, class: &str) -> Entry {
        self.entry(Kind::Erasure, json!({ "class": class }))
    }

    /// A hold was placed on a case or lifted.
    pub fn legal_hold(self, placed: bool) -> Entry {
        self.entry(Kind::LegalHold, json!({ "step": if placed { "placed" } else { "lifted" } }))
    }

    /// A group of complaints was opened (`opened`), asked something (`asked_to_join`, `asked_to_choose`, `asked_to_settle`), taken
    /// out of (`removed`) or taken a step with (`step`); `cases` are those that it was done to.
    pub fn group_change(self, group: Uuid, division: Option<Division>, step: &'static str, cases: &[String]) -> Entry {
        let entry = self.entry(Kind::GroupChange, json!({ "group": group, "step": step, "cases": cases }));
        Entry { division: division.or(entry.division), ..entry }
    }

    /// A backup was written.
    pub fn backup(self, cases: i64, with_keys: bool) -> Entry {
        self.entry(Kind::Backup, json!({ "cases": cases, "with_keys": with_keys }))
    }

    /// The data that is served came from a backup made then.
    pub fn restore(self, made_at: Timestamp, cases: i64) -> Entry {
        self.entry(Kind::Restore, json!({ "made_at": made_at, "cases": cases }))
    }

    /// A classifier came into force in place of another; numbers as in `fangxin train`, 0 is the one as shipped. `tested` is on how many
    /// cases both were compared, `difference` how much more often the new one was right, -1 to 1.
    pub fn model_promoted(self, version: i32, before: i32, tested: usize, difference: f64) -> Entry {
        let data = json!({ "version": version, "before": before, "tested": tested, "difference": difference });
        self.entry(Kind::ModelPromoted, data)
    }

    /// A classifier was taken back; `version` is in force again.
    pub fn model_reverted(self, version: i32, before: i32) -> Entry {
        self.entry(Kind::ModelReverted, json!({ "version": version, "before": before }))
    }
}

impl Entry {
    /// The same, about a case of a division.
    #[must_use]
    pub fn about(mut self, case: CaseId, division: Division) -> Self {
        self.case = Some(case);
        self.division = Some(division);
        self
    }

    /// The same, with what a person wrote: sealed, and the commitment to it.
    #[must_use]
    pub fn with_sealed(mut self, sealed: Vec<u8>, commitment: Hash) -> Self {
        self.sealed = Some((sealed, commitment));
        self
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_kind_has_a_code_of_its_own() {
        let codes: std::collections::BTreeSet<_> = Kind::ALL.iter().map(|kind| kind.code()).collect();
        assert_eq!(codes.len(), Kind::ALL.len());
        assert!(Kind::ALL.iter().all(|kind| Kind::parse(kind.code()) == Some(*kind)));
    }
}

//! Who may do what: one table of roles and permissions, read by every door.
//!
//! Three things decide, in this order. The **scope** of a caller says which cases there are for it at all: what lies outside is
//! answered as if it didn't exist. This **table** says what its role may do with what there is. The **transition table**
//! ([`crate::domain::transition`]) says which steps of a case a role takes in which state.
//!
//! Sources: Personal Information Protection Law Art 51 (access by role); Order 121 Art 37 (who reported is kept secret from
//! everyone but the office that handles the report).

use crate::domain::vocabulary::{Kind, Role};

/// Something that not everyone may do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Permission {
    /// File cases at a counter or by telephone, for somebody else.
    FileAsStaff,
    /// Read a case and its history, and take the steps that the transition table gives.
    ReadCase,
    /// Read what was written at the steps of a case; what its filer wrote besides asks for [`Permission::SeeFiler`].
    ReadTexts,
    /// See what names or shows its filer: files, documents, the words of the filer.
    SeeFiler,
    /// Add files.
    Attach,
    /// Read documents that are for others than oneself.
    ReadDocuments,
    /// Issue forms and record deliveries.
    IssueDocuments,
    /// See masked fields, with a reason.
    Unmask,
    /// Keep a case from being erased, or let it go.
    Hold,
    /// See that a case is held, and why.
    SeeHold,
    /// Ask to have put right what is kept of oneself.
    AskCorrection,
    /// See what was asked for.
    ReadCorrections,
    /// Decide it.
    DecideCorrection,
    /// List the cases that a person has opened, and take away all that is kept of them.
    ReadOwnCases,
    /// Read the queue, the figures and the cases behind them.
    ReadWork,
    /// Take note of an alarm of many complaints.
    NoteAlarm,
    /// See groups of complaints that are handled together.
    ReadGroups,
    /// Make them, ask their members, take steps with all of them, write down what a member said.
    ManageGroups,
    /// Say whether to be handled together with others, who is to speak for oneself, whether to settle.
    AnswerGroup,
    /// Take lists of cases away as a file.
    Export,
    /// Look at notices.
    ReadNotices,
    /// Send notices again, or say that they reached somebody in another way.
    SettleNotices,
    /// Read the audit log.
    ReadAudit,
    /// Say which other systems are told what happens to cases.
    ManageWebhooks,
    /// Add accounts, disable them, say what they are for, and reset them.
    ManageAccounts,
    /// Have an account: change its password, its second factor.
    KeepAccount,
}

/// How far a permission goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Grant {
    /// Not at all.
    No,
    /// With complaints, not with reports: a reporter is known to the office that handles the report, and to nobody else.
    Complaints,
    /// With everything in scope.
    Yes,
}

use Grant::{Complaints as C, No as N, Yes as Y};
use Permission::*;

/// The roles of the columns of [`TABLE`].
pub const ROLES: [Role; 8] = [
    Role::Consumer,
    Role::Merchant,
    Role::Station,
    Role::Officer,
    Role::Dispatcher,
    Role::Supervisor,
    Role::Auditor,
    Role::Admin,
];

/// Every permission, by role. The system itself may do everything: it is no caller.
#[rustfmt::skip]
pub const TABLE: [(Permission, [Grant; 8]); 26] = [
    //                consumer merchant station officer dispatcher supervisor auditor admin
    (FileAsStaff,    [N,       N,       Y,      Y,      Y,         N,         N,      N]),
    (ReadCase,       [Y,       Y,       Y,      Y,      Y,         Y,         Y,      Y]),
    (ReadTexts,      [Y,       N,       Y,      Y,      Y,         Y,         Y,      N]),
    (SeeFiler,       [Y,       N,       C,      Y,      C,         C,         C,      N]),
    (Attach,         [Y,       N,       C,      Y,      C,         C,         N,      N]),
    (ReadDocuments,  [N,       N,       Y,      Y,      Y,         Y,         N,      N]),
    (IssueDocuments, [N,       N,       C,      Y,      C,         N,         N,      N]),
    (Unmask,         [N,       N,       C,      Y,      C,         C,         N,      N]),
    (Hold,           [N,       N,       N,      N,      N,         Y,         N,      N]),
    (SeeHold,        [N,       N,       N,      Y,      N,         Y,         Y,      N]),
    (AskCorrection,  [Y,       N,       N,      N,      N,         N,         N,      N]),
    (ReadCorrections, [Y,      N,       N,      Y,      N,         N,         N,      N]),
    (DecideCorrection, [N,     N,       N,      Y,      N,         N,         N,      N]),
    (ReadOwnCases,   [Y,       N,       N,      N,      N,         N,         N,      N]),
    (ReadWork,       [N,       N,       Y,      Y,      Y,         Y,         Y,      N]),
    (NoteAlarm,      [N,       N,       Y,      Y,      Y,         Y,         N,      N]),
    (ReadGroups,     [N,       N,       N,      C,      C,         C,         C,      N]),
    (ManageGroups,   [N,       N,       N,      C,      N,         N,         N,      N]),
    (AnswerGroup,    [Y,       N,       N,      C,      N,         N,         N,      N]),
    (Export,         [N,       N,       Y,      Y,      Y,         Y,         Y,      N]),
    (ReadNotices,    [N,       N,       Y,      Y,      Y,         Y,         Y,      Y]),
    (SettleNotices,  [N,       N,       Y,      Y,      Y,         Y,         N,      Y]),
    (ReadAudit,      [N,       N,       N,      N,      N,         N,         Y,      N]),
    (ManageWebhooks, [N,       N,       N,      N,      N,         N,         N,      Y]),
    (ManageAccounts, [N,       N,       N,      N,      N,         N,         N,      Y]),
    (KeepAccount,    [N,       N,       Y,      Y,      Y,         Y,         Y,      Y]),
];

/// How far a role's permission goes.
pub fn grant(role: Role, permission: Permission) -> Grant {
    let Some(column) = ROLES.iter().position(|one| *one == role) else { return Y };
    let row = TABLE.iter().find(|(one, _)| *one == permission);
    row.and_then(|(_, grants)| grants.get(column)).copied().unwrap_or(N)
}

/// Whether a role may do something with a case of a kind.
pub fn may(role: Role, permission: Permission, kind: Kind) -> bool {
    match grant(role, permission) {
        N => false,
        C => kind == Kind::Complaint,
        Y => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_permission_stands_in_the_table_once() {
        for (number, (permission, _)) in TABLE.iter().enumerate() {
            assert!(TABLE[..number].iter().all(|(other, _)| other != permission), "{permission:?}");
        }
        for role in ROLES {
            assert!(TABLE.iter().any(|(permission, _)| grant(role, *permission) != N), "{role}");
        }
    }

    #[test]
    fn a_reporter_is_known_to_the_office_alone() {
        for role in ROLES {
            let knows = matches!(role, Role::Consumer | Role::Officer);
            assert_eq!(may(role, SeeFiler, Kind::Report), knows, "{role}");
            assert_eq!(may(role, Unmask, Kind::Report), role == Role::Officer, "{role}");
        }
    }

    #[test]
    fn whoever_reads_only_changes_nothing() {
        for permission in [FileAsStaff, Attach, IssueDocuments, NoteAlarm, SettleNotices, Unmask] {
            assert_eq!(grant(Role::Auditor, permission), N, "{permission:?}");
            assert_eq!(grant(Role::Merchant, permission), N, "{permission:?}");
        }
    }

    #[test]
    fn what_shows_a_filer_asks_for_no_less() {
        for role in ROLES {
            for kind in [Kind::Complaint, Kind::Report] {
                for permission in [Attach, IssueDocuments, Unmask] {
                    assert!(
                        !may(role, permission, kind) || may(role, SeeFiler, kind),
                        "{role} {permission:?} {kind:?}"
                    );
                }
            }
        }
    }
}

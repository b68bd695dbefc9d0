use crate::document::{owed_by, serves};
use crate::domain::vocabulary::{Action, DocumentKind, Kind, Outcome, State};
use crate::track::tests::fixture::{catalogue, day, half_built};

#[test]
fn each_step_owes_the_document_of_the_law_and_no_other() {
    let catalogue = catalogue();
    let mut complaint = half_built(&catalogue, Kind::Complaint, day("2026-05-06"));
    let owed = [
        (Action::Dispatch, State::Triage, DocumentKind::Distribution),
        (Action::Designate, State::Returned, DocumentKind::Distribution),
        (Action::RequestId, State::Dispatched, DocumentKind::IdRequest),
        (Action::Accept, State::Dispatched, DocumentKind::Acceptance),
        (Action::Refuse, State::Dispatched, DocumentKind::Refusal),
        (Action::StartMediation, State::Accepted, DocumentKind::MediationNotice),
        (Action::Terminate, State::Mediating, DocumentKind::Termination),
        // The parties' own end of an accepted complaint is a termination in law (Art 23(1)).
        (Action::Withdraw, State::Mediating, DocumentKind::Termination),
        (Action::Settle, State::Accepted, DocumentKind::Termination),
    ];
    for (action, from, kind) in owed {
        assert_eq!(owed_by(action, from, &complaint), Some(kind), "{action} from {from}");
    }
    for action in Action::ALL.iter().filter(|action| !owed.iter().any(|(owing, ..)| owing == *action)) {
        let kind = owed_by(*action, State::Dispatched, &complaint);
        assert_eq!(kind, (*action == Action::DecideFiling).then_some(DocumentKind::ReportResult), "{action}");
    }
    // Before acceptance nothing is terminated.
    assert_eq!(owed_by(Action::Withdraw, State::Dispatched, &complaint), None);
    assert_eq!(owed_by(Action::Settle, State::Negotiating, &complaint), None);
    complaint.outcome = Some(Outcome::Mediated);
    assert_eq!(owed_by(Action::Settle, State::Mediating, &complaint), Some(DocumentKind::MediationAgreement));
    let report = half_built(&catalogue, Kind::Report, day("2026-05-06"));
    assert_eq!(owed_by(Action::Withdraw, State::Verifying, &report), None);
}

#[test]
fn only_forms_of_the_case_are_issued_on_request() {
    for kind in DocumentKind::ALL {
        let complaint = matches!(kind, DocumentKind::ComplaintRegistration | DocumentKind::Distribution);
        let report = matches!(kind, DocumentKind::ReportRegistration | DocumentKind::Distribution);
        assert_eq!((serves(*kind, Kind::Complaint), serves(*kind, Kind::Report)), (complaint, report), "{kind}");
    }
}

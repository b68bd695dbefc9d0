//! The notices there are: what each is about, and which variables its template may use.

/// A notice by its name, e.g. `acceptance`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Notice {
    /// Stable name; also that of its template file.
    pub name: &'static str,
    /// Variables of its template besides [`OF_A_CASE`], and those it has only sometimes (empty then).
    pub variables: &'static [&'static str],
    /// Where it is shown or sent.
    pub form: Form,
}

/// In which forms a notice is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// To a party of a case: subject, mail and text message.
    Party,
    /// To someone who proves an address: the same, without a case.
    Person,
}

/// Variables of every notice of a case: number, office, merchant's name, today, and where to follow it.
pub const OF_A_CASE: &[&str] = &["reference", "office", "office_phone", "merchant", "today", "link"];

const fn party(name: &'static str, variables: &'static [&'static str]) -> Notice {
    Notice { name, variables, form: Form::Party }
}

/// Every notice.
pub const NOTICES: &[Notice] = &[
    party("receipt", &["due", "station"]),
    party("handed_over", &["due"]),
    party("id_request", &["deadline", "reason"]),
    party("acceptance", &["due"]),
    party("refusal", &["ground", "reason", "other_routes"]),
    party("mediation", &["due"]),
    party("suspension", &["cause", "reason"]),
    party("settlement", &["outcome", "amount", "performance_date"]),
    party("termination", &["ground", "reason"]),
    party("withdrawal", &[]),
    party("transfer", &["body", "reason"]),
    party("report_result", &["decision", "reason"]),
    party("merge", &["other"]),
    party("reopening", &["due"]),
    party("joint_joining", &[]),
    party("joint_representatives", &[]),
    party("joint_settlement", &["amount", "performance_date"]),
    party("rating", &["rating_link", "until"]),
    Notice { name: "code", variables: &["code", "minutes"], form: Form::Person },
];

/// A notice by its name.
pub fn find(name: &str) -> Option<&'static Notice> {
    NOTICES.iter().find(|notice| notice.name == name)
}

impl Notice {
    /// The variables that its template may use.
    pub fn all_variables(&self) -> Vec<&'static str> {
        let of_case: &[&str] = if self.form == Form::Person { &[] } else { OF_A_CASE };
        of_case.iter().chain(self.variables).copied().collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::transition::TABLE;

    #[test]
    fn every_notice_that_the_table_owes_is_one() {
        for owed in TABLE.iter().flat_map(|row| row.notices) {
            assert!(find(owed.notice).is_some_and(|notice| notice.form == Form::Party), "{}", owed.notice);
        }
    }

    #[test]
    fn each_stands_there_once() {
        for (at, notice) in NOTICES.iter().enumerate() {
            assert!(NOTICES[..at].iter().all(|earlier| earlier.name != notice.name), "{}", notice.name);
        }
    }
}

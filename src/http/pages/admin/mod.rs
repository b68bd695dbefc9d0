//! Pages of administrators: accounts of staff, and where a case would go.

pub mod account;
pub mod accounts;
pub mod new;
pub mod routing;

use crate::app::App;
use crate::domain::problem::Problems;
use crate::http::pages::form::{Choice, Faults};
use crate::http::pages::frame::Frame;
use crate::http::views::Names;

/// The roles of accounts as choices.
fn roles(frame: &Frame) -> Vec<Choice> {
    let roles = crate::access::accounts::ROLES.iter();
    roles.map(|role| Choice::new(role.code(), frame.coded("staff_role", role.code()))).collect()
}

/// Offices or stations and divisions by their names.
fn unit(app: &App, frame: &Frame, code: &str) -> String {
    let catalogue = app.catalogue();
    Names { catalogue: &catalogue, lang: frame.lang }.unit(code).name
}

/// The faults of what an account is for, at the fields of the form.
fn tell(frame: &Frame, problems: &Problems, faults: &mut Faults) {
    for problem in &problems.0 {
        let field = problem.pointer.trim_start_matches('/');
        let told = if problem.fault.code == "no_scope" { "scope" } else { field };
        faults.add(field, frame.coded("admin_fault", told));
    }
}

//! Following a case by its number and PIN: where it stands ([`course`]), what its person can do now ([`acts`]), files
//! ([`files`]), being handled together with others ([`group`]). Every page needs the session that number and PIN open, and shows that one case only.

mod acts;
mod course;
mod files;
mod group;

pub use acts::{act, form};
pub(in crate::http::pages) use acts::{carried, judge, rating};
pub use course::{own, page as course};
pub use files::{add, page as files};
pub use group::{answer as answer_group, page as group};

use crate::access::Credentials;
use crate::app::App;
use crate::domain::reference::Reference;
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::pages::filing::go;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::http::session;
use crate::store::cases::{self, Loaded};
use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};
use askama::Template;

/// Where a case is followed.
const CASE: &str = "/t/case";

#[derive(Template)]
#[template(path = "following/door.html")]
struct Door<'a> {
    f: &'a Frame,
    form: &'a Form,
    csrf: &'a str,
}

fn door(caller: &Caller, status: StatusCode, form: &Form) -> Result<HttpResponse, Problem> {
    form.frame.answer(status, &Door { f: &form.frame, form, csrf: caller.csrf() })
}

/// Asks for number and PIN; whoever has shown them already is led on. A number in the address is filled in.
pub async fn enter(
    app: web::Data<App>,
    frame: Frame,
    caller: Caller,
    request: HttpRequest,
) -> Result<HttpResponse, Problem> {
    let asked = request.query_string().split('&').find_map(|pair| pair.strip_prefix("n="));
    let asked = asked.and_then(|number| Reference::parse(number).ok());
    if caller.who.case.is_some() {
        let own = load(&app, &caller).await?.case.reference;
        if asked.as_ref().is_none_or(|asked| *asked == own) {
            return Ok(go(CASE));
        }
    }
    let mut fields = Fields::default();
    if let Some(number) = asked {
        fields.set("reference", number.as_str());
    }
    door(&caller, StatusCode::OK, &Form::new(&frame, fields))
}

/// Looks at number and PIN.
pub async fn sign_in(
    app: web::Data<App>,
    frame: Frame,
    sender: Unconfirmed,
    request: HttpRequest,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(sent.get(csrf::FIELD)))?;
    let digits: String = sent.get("access_pin").chars().filter(|c| !c.is_whitespace()).collect();
    let credentials = Credentials::Case { reference: sent.get("reference").to_owned(), pin: digits };
    let next = if sent.get("next") == "files" { "/t/files" } else { CASE };
    match session::sign_in(&app, &request, &caller, credentials).await {
        Ok(cookie) => {
            let mut response = go(next);
            response.add_cookie(&cookie).map_err(Problem::internal)?;
            Ok(response)
        }
        Err(problem) if problem.code() == WRONG => {
            let mut fields = Fields::default();
            fields.set("reference", sent.get("reference"));
            let mut form = Form::new(&frame, fields);
            form.faults.add("reference", frame.coded("fault", "reference_wrong"));
            door(&caller, StatusCode::UNPROCESSABLE_ENTITY, &form)
        }
        Err(problem) => Err(problem),
    }
}

/// Code of the problem that wrong credentials become.
const WRONG: &str = "invalid_credentials";

/// Ends the session.
pub async fn leave(
    app: web::Data<App>,
    sender: Unconfirmed,
    request: HttpRequest,
    sent: Fields,
) -> Result<HttpResponse, Problem> {
    let caller = sender.confirm(Some(sent.get(csrf::FIELD)))?;
    let gone = session::sign_out(&app, &request, &caller).await?;
    let mut response = go("/t");
    response.add_cookie(&gone).map_err(Problem::internal)?;
    Ok(response)
}

/// The one case of a caller who has shown its number and PIN.
///
/// # Errors
/// 404 for anyone else.
async fn load(app: &App, caller: &Caller) -> Result<Loaded, Problem> {
    let case = caller.who.case.ok_or_else(Problem::not_found)?;
    let scope = caller.scope();
    app.store.read(move |db| cases::load_by_id(db, &scope, case)).await?.ok_or_else(Problem::not_found)
}

/// Whether a caller follows a case; the others are asked for number and PIN.
fn follows(caller: &Caller) -> bool {
    caller.who.case.is_some()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::access::Refused;

    #[test]
    fn wrong_credentials_are_known_by_their_code() {
        assert_eq!(Problem::from(Refused::Credentials).code(), WRONG);
    }
}

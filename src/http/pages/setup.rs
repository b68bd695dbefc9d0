//! The first account: an installation starts without any, and prints a link that makes one administrator, once.

use crate::ambient;
use crate::app::App;
use crate::domain::vocabulary::Role;
use crate::http::error::Problem;
use crate::http::pages::form::{Fields, Form};
use crate::http::pages::frame::Frame;
use crate::identity::{Caller, HashError, Password, check_policy};
use crate::store::audit;
use crate::store::users::{self, User};
use actix_web::http::StatusCode;
use actix_web::{HttpResponse, web};
use askama::Template;
use sha2::{Digest, Sha256};

#[derive(Template)]
#[template(path = "setup.html")]
struct Page<'a> {
    f: &'a Frame,
    message: &'a str,
    fault: bool,
    form: Option<Form>,
}

/// A page with a message, and the form when there is something to do.
fn page(
    frame: &Frame,
    status: StatusCode,
    message: &'static str,
    username: Option<&str>,
) -> Result<HttpResponse, Problem> {
    let form = username.map(|username| {
        let mut fields = Fields::default();
        fields.add("username", username);
        Form::new(frame, fields)
    });
    let told = frame.coded("setup", message);
    frame.answer(status, &Page { f: frame, message: told, fault: status != StatusCode::OK, form })
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

async fn is_good(app: &App, token: &str) -> Result<bool, Problem> {
    let (hash, now) = (hash(token), app.now());
    Ok(app.store.read(move |db| users::setup_link_is_good(db, &hash, now)).await?)
}

/// The form, if the link is good.
pub async fn form(app: web::Data<App>, frame: Frame, token: web::Path<String>) -> Result<HttpResponse, Problem> {
    if !is_good(&app, &token).await? {
        return page(&frame, StatusCode::NOT_FOUND, "bad_link", None);
    }
    page(&frame, StatusCode::OK, "lead", Some(""))
}

/// How the making of the account ended.
#[derive(Clone, Copy)]
enum End {
    Made,
    Taken,
    BadLink,
}

/// Makes the account, and uses the link up.
pub async fn create(
    app: web::Data<App>,
    frame: Frame,
    token: web::Path<String>,
    fields: Fields,
) -> Result<HttpResponse, Problem> {
    let username = fields.get("username").to_owned();
    let password = Password::new(fields.raw("password").to_owned());

    if !is_good(&app, &token).await? {
        return page(&frame, StatusCode::NOT_FOUND, "bad_link", None);
    }
    let again = |message| page(&frame, StatusCode::UNPROCESSABLE_ENTITY, message, Some(&username));
    if !is_username(&username) {
        return again("bad_username");
    }
    if check_policy(&password, &username).is_err() {
        return again("weak_password");
    }
    let password_hash = match app.hasher.hash(password).await {
        Err(HashError::TooLong) => return again("weak_password"),
        end => end?,
    };
    let now = app.now();
    let user = User {
        username: username.clone(),
        id: ambient::key_at(app.entropy.as_ref(), now),
        role: Role::Admin,
        unit: None,
        division: None,
        password_hash,
        disabled: false,
    };
    let link = hash(&token);
    let entry = app.occasion(&Caller::ANONYMOUS).user_added(&user.username, user.role, None);
    let end = app
        .store
        .write(move |tx| {
            // Before the link is used: a name that is taken must not cost it.
            if users::find(tx.db(), &user.username)?.is_some() {
                return Ok(End::Taken);
            }
            if !users::use_setup_link(tx, &link, now)? {
                return Ok(End::BadLink);
            }
            if !users::add(tx, &user, now)? {
                return Ok(End::Taken);
            }
            audit::append(tx, &entry)?;
            Ok(End::Made)
        })
        .await?;
    match end {
        End::Made => {
            tracing::info!("the first account was made by its set-up link");
            page(&frame, StatusCode::OK, "made", None)
        }
        End::Taken => again("taken"),
        End::BadLink => page(&frame, StatusCode::NOT_FOUND, "bad_link", None),
    }
}

/// Letters, digits and `.-_`, beginning with a letter or digit.
fn is_username(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (2..=64).contains(&name.len())
        && name.bytes().all(inner)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_accounts_are_plain() {
        assert!(is_username("wang.li-2") && is_username("a1"));
        for name in ["", "a", "-a", "王", "a b", "a\n", &"a".repeat(65)] {
            assert!(!is_username(name), "{name:?}");
        }
    }
}

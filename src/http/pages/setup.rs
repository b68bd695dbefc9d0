//! The first account: an installation starts without any, and prints a link that makes one administrator, once.

use crate::ambient;
use crate::app::App;
use crate::domain::vocabulary::{Lang, Role};
use crate::http::error::Problem;
use crate::http::extract::{check_type, read};
use crate::http::pages::{fill, lang_of, text};
use crate::identity::{Caller, HashError, Password, check_policy};
use crate::store::audit;
use crate::store::users::{self, User};
use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};
use sha2::{Digest, Sha256};
use std::time::Duration;

/// Largest form.
const MOST: usize = 8192;

const PAGE: &str = r#"<!doctype html>
<html lang="{lang}">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<link rel="stylesheet" href="/assets/page.css">
</head>
<body>
<main>
<h1>{title}</h1>
<p class="{tone}" role="{role}">{message}</p>
"#;

const FORM: &str = r#"<form method="post" autocomplete="off">
<label for="username">{username_label}</label>
<input id="username" name="username" value="{username}" required maxlength="64" autocapitalize="none" spellcheck="false" autocomplete="username">
<label for="password">{password_label}</label>
<input id="password" name="password" type="password" required maxlength="256" autocomplete="new-password" aria-describedby="hint">
<p id="hint">{hint}</p>
<button type="submit">{submit}</button>
</form>
"#;

const END: &str = "</main>\n</body>\n</html>\n";

/// A page with a message, and the form when there is something to do.
fn page(lang: Lang, status: StatusCode, message: &str, form: Option<&str>) -> HttpResponse {
    let told = |key: &str| text(lang, "setup", key);
    let fault = status != StatusCode::OK;
    let head = [
        ("lang", if lang == Lang::Zh { "zh-CN" } else { "en" }),
        ("title", &told("title")),
        ("tone", if fault { "fault" } else { "lead" }),
        ("role", if fault { "alert" } else { "status" }),
        ("message", &told(message)),
    ];
    let mut html = fill(PAGE, &head);
    if let Some(username) = form {
        let fields = [
            ("username_label", told("username")),
            ("password_label", told("password")),
            ("hint", told("hint")),
            ("submit", told("submit")),
            ("username", username.to_owned()),
        ];
        html.push_str(&fill(FORM, &fields.each_ref().map(|(name, value)| (*name, value.as_str()))));
    }
    html.push_str(END);
    HttpResponse::build(status)
        .content_type("text/html; charset=utf-8")
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body(html)
}

fn hash(token: &str) -> Vec<u8> {
    Sha256::digest(token.as_bytes()).to_vec()
}

async fn is_good(app: &App, token: &str) -> Result<bool, Problem> {
    let (hash, now) = (hash(token), app.now());
    Ok(app.store.read(move |db| users::setup_link_is_good(db, &hash, now)).await?)
}

/// The form, if the link is good.
pub async fn form(
    app: web::Data<App>,
    request: HttpRequest,
    token: web::Path<String>,
) -> Result<HttpResponse, Problem> {
    let lang = lang_of(&request);
    if !is_good(&app, &token).await? {
        return Ok(page(lang, StatusCode::NOT_FOUND, "bad_link", None));
    }
    Ok(page(lang, StatusCode::OK, "lead", Some("")))
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
    request: HttpRequest,
    token: web::Path<String>,
    payload: web::Payload,
) -> Result<HttpResponse, Problem> {
    let lang = lang_of(&request);
    if !is_own(&request, app.settings.server.public_url.as_deref()) {
        let detail = "the form was sent from another site";
        return Err(Problem::new(StatusCode::FORBIDDEN, "foreign_origin", detail));
    }
    check_type(&request, "application/x-www-form-urlencoded")?;
    let patience = Duration::from_secs(app.settings.server.body_timeout_seconds);
    let body = read(&request, payload.into_inner(), MOST, patience).await?;
    let body = std::str::from_utf8(&body).unwrap_or_default();
    let fields = web::Query::<Vec<(String, String)>>::from_query(body).map(web::Query::into_inner).unwrap_or_default();
    let field = |wanted: &str| {
        fields.iter().find(|(name, _)| name == wanted).map(|(_, value)| value.as_str()).unwrap_or_default()
    };
    let username = field("username").trim().to_owned();
    let password = Password::new(field("password").to_owned());

    if !is_good(&app, &token).await? {
        return Ok(page(lang, StatusCode::NOT_FOUND, "bad_link", None));
    }
    let again = |message: &str| Ok(page(lang, StatusCode::UNPROCESSABLE_ENTITY, message, Some(&username)));
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
    let millis = u64::try_from(now.as_millisecond()).unwrap_or(0);
    let random = ambient::draw::<10>(app.entropy.as_ref());
    let user = User {
        username: username.clone(),
        id: uuid::Builder::from_unix_timestamp_millis(millis, &random).into_uuid(),
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
            Ok(page(lang, StatusCode::OK, "made", None))
        }
        End::Taken => again("taken"),
        End::BadLink => Ok(page(lang, StatusCode::NOT_FOUND, "bad_link", None)),
    }
}

/// Letters, digits and `.-_`, beginning with a letter or digit.
fn is_username(name: &str) -> bool {
    let inner = |byte: u8| byte.is_ascii_alphanumeric() || b".-_".contains(&byte);
    (2..=64).contains(&name.len())
        && name.bytes().all(inner)
        && name.bytes().next().is_some_and(|byte| byte.is_ascii_alphanumeric())
}

/// Whether a form comes from a page of this service: browsers say so in `Sec-Fetch-Site`, older ones in `Origin`.
fn is_own(request: &HttpRequest, public_url: Option<&str>) -> bool {
    let header = |name: &str| request.headers().get(name).map(|value| value.to_str().unwrap_or("?").to_owned());
    if let Some(site) = header("sec-fetch-site")
        && site != "same-origin"
        && site != "none"
    {
        return false;
    }
    let Some(origin) = header("origin") else { return true };
    let host = header("host").unwrap_or_default();
    let is_host = origin.split_once("://").is_some_and(|(_, authority)| !host.is_empty() && authority == host);
    is_host || public_url.is_some_and(|url| url.trim_end_matches('/') == origin)
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn only_our_own_pages_may_send_the_form() {
        let sent = |headers: &[(&'static str, &'static str)]| {
            let mut request = TestRequest::post().insert_header(("host", "fx.example"));
            for header in headers {
                request = request.insert_header(*header);
            }
            is_own(&request.to_http_request(), Some("https://public.example"))
        };
        assert!(sent(&[]) && sent(&[("sec-fetch-site", "same-origin"), ("origin", "https://fx.example")]));
        assert!(sent(&[("origin", "https://public.example")]));
        for headers in [
            &[("origin", "https://evil.example")][..],
            &[("origin", "null")],
            &[("sec-fetch-site", "cross-site")],
            &[("sec-fetch-site", "same-site"), ("origin", "https://fx.example")],
        ] {
            assert!(!sent(headers), "{headers:?}");
        }
    }

    #[test]
    fn names_of_accounts_are_plain() {
        assert!(is_username("wang.li-2") && is_username("a1"));
        for name in ["", "a", "-a", "王", "a b", "a\n", &"a".repeat(65)] {
            assert!(!is_username(name), "{name:?}");
        }
    }
}

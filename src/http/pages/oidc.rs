//! Signing in of staff through a provider: the way there, and back.

use crate::access::oidc::Answer;
use crate::app::App;
use crate::http::caller::Caller;
use crate::http::error::Problem;
use crate::http::extract::Pairs;
use crate::http::pages::frame::Frame;
use crate::http::pages::login::{self, home, own, to};
use crate::http::{Edge, session};
use crate::identity::oidc::Flow;
use actix_web::{HttpRequest, HttpResponse, web};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

/// Longest address that somebody is led to afterwards; a longer one is forgotten, since cookies are bounded.
const MAX_NEXT: usize = 1500;

/// The value of the cookie: the flow, and where to go when it has come to its end.
fn kept(flow: &Flow, next: &str) -> String {
    let next = if next.len() <= MAX_NEXT { next } else { "" };
    format!("{}.{}", flow.expose(), URL_SAFE_NO_PAD.encode(next))
}

/// Reads it again.
fn read(cookie: &str) -> Option<(Flow, String)> {
    let (flow, next) = cookie.split_once('.')?;
    let next = String::from_utf8(URL_SAFE_NO_PAD.decode(next).ok()?).ok()?;
    Some((Flow::parse(flow)?, own(&next).to_owned()))
}

/// The way to the provider.
pub async fn begin(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    request: HttpRequest,
    frame: Frame,
    caller: Caller,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    let provider = edge.provider.as_ref().ok_or_else(Problem::not_found)?;
    let next = pairs.0.iter().find(|(name, _)| name == "next").map_or("", |(_, value)| own(value));
    let (flow, address) = match provider.begin(&app).await {
        Ok(begun) => begun,
        Err(refused) => return login::refused(&frame, &caller, &request, next, refused.into()),
    };
    let mut response = to(&address);
    let cookie = session::flow_cookie(&request, &app.settings, kept(&flow, next));
    response.add_cookie(&cookie).map_err(Problem::internal)?;
    Ok(response)
}

/// The way back. However it ends, it can't be gone a second time.
pub async fn finish(
    app: web::Data<App>,
    edge: web::Data<Edge>,
    request: HttpRequest,
    frame: Frame,
    caller: Caller,
    pairs: Pairs,
) -> Result<HttpResponse, Problem> {
    let provider = edge.provider.as_ref().ok_or_else(Problem::not_found)?;
    let given = |wanted: &str| pairs.0.iter().find(|(name, _)| name == wanted).map_or("", |(_, value)| value.as_str());
    let answer = Answer { state: given("state"), code: given("code"), error: given("error"), issuer: given("iss") };
    let app = app.into_inner();
    let mut next = String::new();
    // Without its cookie it isn't this browser that began, or it has ended already.
    let end = match session::flow(&request, &app.settings).as_deref().and_then(read) {
        None => Err(crate::access::Refused::ProviderRefused),
        Some((flow, kept)) => {
            next = kept;
            provider.finish(&app, &flow, &answer, &caller.origin()).await
        }
    };
    let mut response = match end {
        Err(refused) => login::refused(&frame, &caller, &request, &next, refused.into())?,
        Ok(proven) => {
            let role = proven.who.role;
            let (cookie, _) = session::admit(&app, &request, &caller, proven).await?;
            let mut response = to(if next.is_empty() { home(role) } else { &next });
            response.add_cookie(&cookie).map_err(Problem::internal)?;
            response
        }
    };
    let mut gone = session::flow_cookie(&request, &app.settings, String::new());
    gone.make_removal();
    response.add_cookie(&gone).map_err(Problem::internal)?;
    Ok(response)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;

    #[test]
    fn where_to_go_afterwards_is_a_page_of_this_service() {
        let flow = Flow::begin(uuid::Uuid::nil(), &SeededEntropy::new(1));
        let next = |address: &str| read(&kept(&flow, address)).map(|(read, next)| (read.state() == flow.state(), next));
        assert_eq!(next("/desk?q=1"), Some((true, "/desk?q=1".to_owned())));
        assert_eq!(next(""), Some((true, String::new())));
        for elsewhere in
            ["//evil.example", "https://evil.example/", "/\\evil.example", &format!("/{}", "x".repeat(1500))]
        {
            assert_eq!(next(elsewhere), Some((true, String::new())), "{elsewhere}");
        }
        for odd in ["", ".", "x.y", &flow.expose(), &format!("{}.!", flow.expose())] {
            assert!(read(odd).is_none(), "{odd}");
        }
    }
}

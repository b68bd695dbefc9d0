//! Who opens the pages of staff and sends their forms: members of staff, or people who are led to sign in first.

use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::pages::form::Fields;
use crate::http::pages::frame::Frame;
use crate::http::pages::login;
use actix_web::error::InternalError;
use actix_web::{Error, FromRequest, HttpRequest, HttpResponse, dev};
use std::future::Future;
use std::pin::Pin;

/// A member of staff who opens a page. Whoever isn't signed in as one is led to do so, and then back.
#[derive(Debug)]
pub struct Visitor(pub Caller);

/// A form that a member of staff sent. When their session ended meanwhile, the answer is the page of signing in with all
/// that they typed.
#[derive(Debug)]
pub struct Sent {
    /// Who sent it, from a page of their own session.
    pub caller: Caller,
    /// What it holds.
    pub typed: Fields,
}

/// An answer in the place of the handler's.
fn instead(answer: HttpResponse) -> Error {
    InternalError::from_response("not signed in", answer).into()
}

impl FromRequest for Visitor {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let caller = Caller::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let caller = caller.await?;
            if caller.is_staff() { Ok(Self(caller)) } else { Err(instead(login::first(&request))) }
        })
    }
}

impl FromRequest for Sent {
    type Error = Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self, Error>>>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let sender = Unconfirmed::from_request(request, payload);
        let typed = Fields::from_request(request, payload);
        let request = request.clone();
        Box::pin(async move {
            let (sender, typed) = (sender.await?, typed.await?);
            let caller = sender.confirm(Some(typed.get(csrf::FIELD)))?;
            if caller.is_staff() {
                return Ok(Self { caller, typed });
            }
            Err(instead(login::again(&Frame::of(&request), &caller, &request, &typed, "login.lost")?))
        })
    }
}

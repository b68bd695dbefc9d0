//! What a page's form sends, with who sent it, after the checks against other sites' pages.

use crate::app::App;
use crate::http::caller::{Caller, Unconfirmed};
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::extract::{check_type, read};
use actix_web::{FromRequest, HttpRequest, dev, web};
use futures_util::future::LocalBoxFuture;
use std::time::Duration;

/// A form without files.
#[derive(Debug)]
pub struct Form {
    /// Who sent it.
    pub caller: Caller,
    fields: Vec<(String, String)>,
}

impl Form {
    /// The first value of a field; nothing when it is missing.
    pub fn get(&self, name: &str) -> &str {
        self.fields.iter().find(|(key, _)| key == name).map_or("", |(_, value)| value)
    }

    /// Every value of a field, in their order.
    pub fn all<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a str> {
        self.fields.iter().filter(move |(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// Every field with its value, in their order.
    pub fn fields(&self) -> &[(String, String)] {
        &self.fields
    }
}

impl FromRequest for Form {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let body = payload.take();
        let request = request.clone();
        let sender = Unconfirmed::from_request(&request, &mut dev::Payload::None);
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().cloned();
            let app = app.ok_or_else(|| Problem::internal("no app data"))?;
            check_type(&request, "application/x-www-form-urlencoded")?;
            let sender = sender.await?;
            let server = &app.settings.server;
            let patience = Duration::from_secs(server.body_timeout_seconds);
            let bytes = read(&request, body, server.max_json_bytes, patience).await?;
            let malformed = || Problem::bad_request("malformed_form", "the form can't be read");
            let text = std::str::from_utf8(&bytes).map_err(|_| malformed())?;
            let fields = web::Query::<Vec<(String, String)>>::from_query(text).map_err(|_| malformed())?.into_inner();
            if fields.iter().any(|(name, value)| name.contains('\0') || value.contains('\0')) {
                return Err(malformed());
            }
            let token = fields.iter().find(|(name, _)| name == csrf::FIELD).map(|(_, value)| value.as_str());
            let caller = sender.confirm(token)?;
            Ok(Self { caller, fields })
        })
    }
}

//! Text messages: to an HTTP gateway, or as files in the data folder when none is set.

use crate::config::settings::{Secret, Sms as Settings, SmsFormat};
use crate::notify::fault::Fault;
use reqwest::header::{CONTENT_TYPE, HeaderName, HeaderValue};
use serde_json::Value;
use std::fmt;
use std::path::{Path, PathBuf};
use std::time::Duration;
use uuid::Uuid;

/// Sends text messages.
pub struct Sms(Way);

enum Way {
    Gateway { client: reqwest::Client, url: reqwest::Url, body: BodyTemplate },
    Folder(PathBuf),
}

impl fmt::Debug for Sms {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Sms")
    }
}

/// What the gateway is sent; `{to}`, `{text}` and `{id}` in its values are filled in.
enum BodyTemplate {
    Json(Value),
    Form(Vec<(String, String)>),
}

impl Sms {
    /// From the settings; `folder` is where messages go as files when no gateway is set.
    ///
    /// # Errors
    /// What of the settings can't be understood.
    pub fn new(settings: &Settings, folder: &Path) -> Result<Self, String> {
        let Some(url) = &settings.url else { return Ok(Self(Way::Folder(folder.to_owned()))) };
        let url = url.expose().parse().map_err(|error| format!("sms.url: {error}"))?;
        let body = match settings.format {
            SmsFormat::Json => BodyTemplate::Json(
                serde_json::from_str(&settings.body).map_err(|error| format!("sms.body: not JSON: {error}"))?,
            ),
            SmsFormat::Form => {
                BodyTemplate::Form(url::form_urlencoded::parse(settings.body.as_bytes()).into_owned().collect())
            }
        };
        if !settings.body.contains("{to}") || !settings.body.contains("{text}") {
            return Err("sms.body: must hold {to} and {text}".to_owned());
        }
        let mut headers = reqwest::header::HeaderMap::new();
        if let Some(header) = settings.header.as_ref().map(Secret::expose) {
            let bad = || "sms.header: not `Name: value`".to_owned();
            let (name, value) = header.split_once(':').ok_or_else(bad)?;
            let name: HeaderName = name.trim().parse().map_err(|_| bad())?;
            let mut value: HeaderValue = value.trim().parse().map_err(|_| bad())?;
            value.set_sensitive(true);
            headers.insert(name, value);
        }
        let client = reqwest::Client::builder()
            .default_headers(headers)
            .timeout(Duration::from_secs(settings.timeout_seconds))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .map_err(|error| format!("sms: {error}"))?;
        Ok(Self(Way::Gateway { client, url, body }))
    }

    /// Sends a message.
    ///
    /// # Errors
    /// How it failed.
    pub async fn send(&self, id: Uuid, to: &str, text: &str) -> Result<(), Fault> {
        match &self.0 {
            Way::Folder(folder) => {
                let path = folder.join(format!("{id}.sms.txt"));
                super::post::write_file(path, format!("To: {to}\n\n{text}\n").into_bytes()).await
            }
            Way::Gateway { client, url, body } => {
                let fill =
                    |value: &str| value.replace("{id}", &id.to_string()).replace("{to}", to).replace("{text}", text);
                let (kind, bytes) = match body {
                    BodyTemplate::Json(template) => ("application/json", filled(template, &fill).to_string()),
                    BodyTemplate::Form(pairs) => {
                        let mut form = url::form_urlencoded::Serializer::new(String::new());
                        for (key, value) in pairs {
                            form.append_pair(key, &fill(value));
                        }
                        ("application/x-www-form-urlencoded", form.finish())
                    }
                };
                let sent = client
                    .post(url.clone())
                    .header(CONTENT_TYPE, kind)
                    .header("idempotency-key", id.to_string())
                    .body(bytes)
                    .send()
                    .await;
                match sent.map(|answer| answer.status().as_u16()) {
                    Ok(200..=299) => Ok(()),
                    // It says that this message is wrong, not that it is busy or doesn't know us.
                    Ok(status @ (400 | 404 | 410 | 422)) => Err(Fault::permanent(format!("gateway_{status}"))),
                    Ok(status) => Err(Fault::passing(format!("gateway_{status}"))),
                    Err(error) => Err(Fault::unanswered(&error)),
                }
            }
        }
    }
}

fn filled(template: &Value, fill: &impl Fn(&str) -> String) -> Value {
    match template {
        Value::String(text) => Value::String(fill(text)),
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, fill)).collect()),
        Value::Object(members) => {
            Value::Object(members.iter().map(|(key, value)| (key.clone(), filled(value, fill))).collect())
        }
        other => other.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_value_can_not_break_out_of_the_body() {
        let template = serde_json::json!({"to": "{to}", "params": ["{text}", 1], "n": {"id": "{id}"}});
        let hostile = "\"}, {\"to\": \"+8613900000000\"";
        let body = filled(&template, &|value| value.replace("{text}", hostile)).to_string();
        let read: Value = serde_json::from_str(&body).unwrap();
        assert_eq!((&read["params"][0], read.as_object().unwrap().len()), (&Value::from(hostile), 3));
    }
}

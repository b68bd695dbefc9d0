//! The list of settings: each with the shape of its value. `config/default.toml` has the same keys; a test holds them together.

use super::network::Network;
use super::quiet::Quiet;
use std::net::SocketAddr;

/// What values a setting takes.
#[derive(Debug, Clone, Copy)]
pub(super) enum Shape {
    /// `true` or `false`.
    Flag,
    /// A whole number in a range.
    Whole(i64, i64),
    /// A number from 0 to 1.
    Fraction,
    /// One of some words.
    OneOf(&'static [&'static str]),
    /// A text that a check accepts; the words say what it accepts.
    Text(fn(&str) -> bool, &'static str),
    /// A list of such texts.
    Texts(fn(&str) -> bool, &'static str),
}

/// One setting.
#[derive(Debug, Clone, Copy)]
pub(super) struct Key {
    pub(super) section: &'static str,
    pub(super) key: &'static str,
    pub(super) shape: Shape,
    /// Never shown; may come from a file named by `…_FILE`.
    pub(super) secret: bool,
}

const fn key(section: &'static str, key: &'static str, shape: Shape) -> Key {
    Key { section, key, shape, secret: false }
}

const fn secret(section: &'static str, key: &'static str, shape: Shape) -> Key {
    Key { section, key, shape, secret: true }
}

use Shape::{Flag, Fraction, OneOf, Text, Texts, Whole};

/// Networks, as a list.
const NETWORKS: Shape = Texts(|text| text.parse::<Network>().is_ok(), "addresses or CIDR ranges, e.g. 10.0.0.0/8");

/// Every setting, in the order of `default.toml`.
pub(super) const KEYS: &[Key] = &[
    key("server", "listen", Text(is_address, "address:port, e.g. 127.0.0.1:8080")),
    key("server", "metrics_listen", Text(|text| text.is_empty() || is_address(text), "address:port, or nothing")),
    key("server", "public_url", Text(is_public_url, "http://… or https://… without a slash at its end, or nothing")),
    key("server", "cors_origins", Texts(is_origin, "origins, e.g. https://portal.example.cn")),
    key("server", "workers", Whole(0, 256)),
    key("server", "max_connections", Whole(16, 100_000)),
    key("server", "max_json_bytes", Whole(1024, 16_777_216)),
    key("server", "max_upload_bytes", Whole(1024, 1_073_741_824)),
    key("server", "header_timeout_seconds", Whole(1, 300)),
    key("server", "body_timeout_seconds", Whole(1, 3600)),
    key("server", "drain_seconds", Whole(0, 60)),
    key("server", "shutdown_seconds", Whole(1, 600)),
    key("paths", "data_dir", Text(|text| !text.is_empty(), "a folder")),
    key("paths", "config_dir", Text(|_| true, "a folder, or nothing")),
    secret("database", "url", Text(is_database, "sqlite:PATH, postgres://…, or nothing")),
    key("database", "pool_size", Whole(1, 256)),
    key("database", "acquire_timeout_seconds", Whole(1, 300)),
    key("database", "queue_size", Whole(1, 1_000_000)),
    key("database", "statement_timeout_ms", Whole(0, 600_000)),
    key("database", "busy_timeout_ms", Whole(0, 60_000)),
    key("reference", "prefix", Text(is_prefix, "2 to 4 capital letters, without I and O")),
    key("intake", "duplicate_window_days", Whole(1, 365)),
    key("classify", "abstain_below", Fraction),
    key("classify", "refresh_seconds", Whole(1, 3600)),
    key("mass", "window_days", Whole(1, 90)),
    key("mass", "least_people", Whole(3, 1000)),
    key("mass", "false_alarms_per_year", Fraction),
    key("auth", "access_minutes", Whole(1, 15)),
    key("auth", "idle_minutes", Whole(5, 1440)),
    key("auth", "session_hours", Whole(1, 168)),
    key("auth", "totp_required", Flag),
    key(
        "auth",
        "totp_roles",
        Texts(is_staff_role, "roles of staff: station, officer, dispatcher, supervisor, auditor, admin"),
    ),
    key("auth", "step_up_minutes", Whole(0, 1440)),
    key("auth", "code_minutes", Whole(1, 60)),
    key("auth", "hash_threads", Whole(0, 64)),
    key("oidc", "issuer", Text(is_issuer, "https://… without query and fragment, or nothing")),
    key(
        "oidc",
        "client_id",
        Text(|text| text.len() <= 255 && !text.chars().any(char::is_control), "at most 255 characters"),
    ),
    secret("oidc", "client_secret", Text(|_| true, "text")),
    key("oidc", "claim", Text(is_claim, "sub, or another claim of a person such as email or employee_number")),
    key("oidc", "scopes", Texts(is_word, "words, openid among them")),
    key("oidc", "second_factor", Texts(is_word, "values of acr or amr, e.g. mfa")),
    key("oidc", "allowed_networks", NETWORKS),
    key("oidc", "timeout_seconds", Whole(1, 60)),
    key("limits", "enabled", Flag),
    key("limits", "filings_per_minute", Whole(1, 100_000)),
    key("limits", "requests_per_minute", Whole(1, 1_000_000)),
    key("limits", "sign_in_attempts", Whole(1, 1000)),
    key("limits", "pin_attempts", Whole(1, 1000)),
    key("limits", "address_attempts", Whole(1, 100_000)),
    key("limits", "attempt_window_minutes", Whole(1, 1440)),
    key("limits", "codes_per_contact", Whole(1, 100)),
    key("limits", "codes_per_address", Whole(1, 10_000)),
    key("limits", "codes_per_network", Whole(1, 100_000)),
    key("limits", "trusted_proxies", NETWORKS),
    key("attachments", "url", Text(is_attachments, "file:PATH, s3://bucket/prefix, or nothing")),
    key("attachments", "endpoint", Text(|text| text.is_empty() || is_http(text), "http://… or https://…, or nothing")),
    key("attachments", "region", Text(|_| true, "text")),
    secret("attachments", "access_key", Text(|_| true, "text")),
    secret("attachments", "secret_key", Text(|_| true, "text")),
    key("attachments", "max_bytes", Whole(1024, 1_073_741_824)),
    key("attachments", "max_per_case", Whole(1, 1000)),
    key("attachments", "max_megapixels", Whole(1, 200)),
    key("attachments", "types", Texts(is_taken, "media types; of pictures image/jpeg, image/png, image/webp")),
    secret("smtp", "url", Text(is_smtp, "smtp://…, smtps://…, smtp+starttls://…, or nothing")),
    key("smtp", "from", Text(is_sender, "an address of mail")),
    key("smtp", "timeout_seconds", Whole(1, 100)),
    secret("sms", "url", Text(|text| text.is_empty() || is_http(text), "http://… or https://…, or nothing")),
    key("sms", "format", OneOf(&["json", "form"])),
    key("sms", "body", Text(|text| text.contains("{to}") && text.contains("{text}"), "text with {to} and {text}")),
    secret("sms", "header", Text(|text| text.is_empty() || text.contains(':'), "Name: value, or nothing")),
    key("sms", "timeout_seconds", Whole(1, 100)),
    key("sms", "quiet", Text(|text| text.is_empty() || text.parse::<Quiet>().is_ok(), "HH:MM-HH:MM, or nothing")),
    key("notify", "poll_ms", Whole(10, 60_000)),
    key("notify", "first_retry_seconds", Whole(1, 3600)),
    key("notify", "longest_retry_seconds", Whole(1, 86_400)),
    key("notify", "give_up_hours", Whole(1, 720)),
    key("webhooks", "allowed_networks", NETWORKS),
    key("webhooks", "timeout_seconds", Whole(1, 60)),
    key("webhooks", "first_retry_seconds", Whole(1, 3600)),
    key("webhooks", "longest_retry_seconds", Whole(1, 86_400)),
    key("webhooks", "give_up_hours", Whole(1, 720)),
    key("webhooks", "disable_after_hours", Whole(0, 720)),
    key("webhooks", "rotation_hours", Whole(0, 720)),
    key("rating", "ask_after_hours", Whole(0, 720)),
    key("rating", "valid_days", Whole(1, 365)),
    key("escalation", "remind_days_before", Whole(1, 20)),
    key("escalation", "supervise_days_after", Whole(1, 20)),
    key("escalation", "circulate_days_after", Whole(1, 40)),
    key("calendar", "rollover", OneOf(&["holiday_only", "any_rest_day"])),
    key("measure", "freeze_after_days", Whole(1, 90)),
    key("measure", "small_number", Whole(0, 1000)),
    key("audit", "writer", Text(is_writer, "1 to 32 letters, digits or -")),
    key("audit", "checkpoints", Text(is_attachments, "file:PATH, s3://bucket/prefix, or nothing")),
    key("audit", "endpoint", Text(|text| text.is_empty() || is_http(text), "http://… or https://…, or nothing")),
    key("audit", "region", Text(|_| true, "text")),
    secret("audit", "access_key", Text(|_| true, "text")),
    secret("audit", "secret_key", Text(|_| true, "text")),
    key("audit", "checkpoint_minutes", Whole(1, 1440)),
    key("privacy", "suite", OneOf(&["aes_256_gcm", "sm4_gcm"])),
    key("privacy", "unmask_per_day", Whole(1, 10_000)),
    key("retention", "handled_years", Whole(1, 100)),
    key("retention", "unhandled_years", Whole(1, 100)),
    key("retention", "notice_days", Whole(1, 3650)),
    key("retention", "resend_days", Whole(1, 365)),
    key("clock", "start", Text(is_instant, "an RFC 3339 instant, e.g. 2026-11-23T09:00:00+08:00, or nothing")),
    key("clock", "allow_start", Flag),
    key("log", "format", OneOf(&["json", "text"])),
    key("log", "level", Text(is_filter, "error, warn, info, debug, trace, or a filter of tracing")),
];

fn is_address(text: &str) -> bool {
    text.parse::<SocketAddr>().is_ok()
}

fn is_http(text: &str) -> bool {
    ["http://", "https://"].iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn is_public_url(text: &str) -> bool {
    text.is_empty() || (is_http(text) && !text.ends_with('/'))
}

/// A provider as it names itself (OpenID Connect Discovery 1.0, 4.3): compared letter by letter.
fn is_issuer(text: &str) -> bool {
    let plain = |url: url::Url| url.query().is_none() && url.fragment().is_none() && url.username().is_empty();
    text.is_empty() || (is_http(text) && url::Url::parse(text).is_ok_and(plain))
}

/// A claim that can say who somebody is: none of those that say what the token is.
fn is_claim(text: &str) -> bool {
    const OTHERS: &[&str] = &["iss", "aud", "azp", "exp", "iat", "nbf", "nonce", "auth_time", "acr", "amr", "at_hash"];
    is_word(text) && text.len() <= 100 && !OTHERS.contains(&text)
}

fn is_word(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_graphic() && !b"\"\\".contains(&byte))
}

fn is_database(text: &str) -> bool {
    let schemes = ["sqlite:", "postgres://", "postgresql://"];
    text.is_empty() || schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn is_attachments(text: &str) -> bool {
    let schemes = ["file:", "s3://"];
    text.is_empty() || schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn is_smtp(text: &str) -> bool {
    let schemes = ["smtp://", "smtps://", "smtp+starttls://"];
    text.is_empty() || schemes.iter().any(|scheme| text.strip_prefix(scheme).is_some_and(|rest| !rest.is_empty()))
}

fn is_sender(text: &str) -> bool {
    text.contains('@') && !text.chars().any(char::is_control)
}

fn is_prefix(text: &str) -> bool {
    (2..=4).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_uppercase() && !matches!(byte, b'I' | b'O'))
}

fn is_writer(text: &str) -> bool {
    (1..=32).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
}

fn is_staff_role(text: &str) -> bool {
    ["station", "officer", "dispatcher", "supervisor", "auditor", "admin"].contains(&text)
}

fn is_media_type(text: &str) -> bool {
    let part = |text: &str| {
        !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
    };
    text.split_once('/').is_some_and(|(kind, subtype)| part(kind) && part(subtype))
}

/// Pictures are drawn anew before they are kept, and only these can be.
fn is_taken(text: &str) -> bool {
    is_media_type(text) && (!text.starts_with("image/") || ["image/jpeg", "image/png", "image/webp"].contains(&text))
}

/// An origin as browsers send it: scheme, host in lower case, and the port where it isn't the scheme's.
fn is_origin(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|url| is_http(text) && url.origin().ascii_serialization() == text)
}

fn is_instant(text: &str) -> bool {
    text.is_empty() || text.parse::<jiff::Timestamp>().is_ok()
}

fn is_filter(text: &str) -> bool {
    !text.is_empty() && tracing_subscriber::EnvFilter::builder().parse(text).is_ok()
}

impl Key {
    /// `section.key`.
    pub(super) fn name(&self) -> String {
        format!("{}.{}", self.section, self.key)
    }

    /// Its variable in the environment.
    pub(super) fn variable(&self) -> String {
        format!("FANGXIN__{}__{}", self.section.to_uppercase(), self.key.to_uppercase())
    }

    /// What it takes, for messages.
    pub(super) fn allowed(&self) -> String {
        match self.shape {
            Flag => "true, false".to_owned(),
            Whole(least, most) => format!("a whole number from {least} to {most}"),
            Fraction => "a number from 0 to 1".to_owned(),
            OneOf(words) => words.join(", "),
            Text(_, words) => words.to_owned(),
            Texts(_, words) => format!("a list of {words}"),
        }
    }

    /// Why a value isn't taken.
    pub(super) fn refusal(&self, value: &toml::Value) -> Option<String> {
        let in_range = match (self.shape, value) {
            (Flag, toml::Value::Boolean(_)) => true,
            (Whole(least, most), toml::Value::Integer(number)) => (least..=most).contains(number),
            (Fraction, toml::Value::Float(number)) => (0.0..=1.0).contains(number),
            (Fraction, toml::Value::Integer(number)) => (0..=1).contains(number),
            (OneOf(words), toml::Value::String(text)) => words.contains(&text.as_str()),
            (Text(accepts, _), toml::Value::String(text)) => accepts(text),
            (Texts(accepts, _), toml::Value::Array(items)) => {
                items.iter().all(|item| item.as_str().is_some_and(accepts))
            }
            (_, other) => return Some(format!("of type {}", other.type_str())),
        };
        (!in_range).then(|| match self.shape {
            Whole(..) | Fraction => "out of range".to_owned(),
            _ => "not accepted".to_owned(),
        })
    }

    /// Reads a text of the environment or the command line; `None` when it is of the wrong type.
    pub(super) fn read(&self, text: &str) -> Option<toml::Value> {
        match self.shape {
            Flag => text.parse().ok().map(toml::Value::Boolean),
            Whole(..) => text.replace('_', "").parse().ok().map(toml::Value::Integer),
            Fraction => text.parse::<f64>().ok().map(toml::Value::Float),
            OneOf(_) | Text(..) => Some(toml::Value::String(text.to_owned())),
            Texts(..) => {
                let items = text.split(',').map(str::trim).filter(|item| !item.is_empty());
                Some(toml::Value::Array(items.map(|item| toml::Value::String(item.to_owned())).collect()))
            }
        }
    }
}

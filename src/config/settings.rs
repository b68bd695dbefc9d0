//! The settings of an installation: built-in defaults, then a file, then the environment, then flags of the command line.

mod key;
mod network;
mod quiet;
mod read;

pub use network::{Network, NotANetwork};
pub use quiet::Quiet;
pub use read::{Inputs, process_environment};

use crate::domain::calendar::Rollover;
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::net::SocketAddr;
use std::path::PathBuf;

/// A value that is never printed.
#[derive(Clone, PartialEq, Eq, Deserialize)]
#[serde(transparent)]
pub struct Secret(String);

impl Secret {
    /// The value itself, for the one who needs it.
    pub fn expose(&self) -> &str {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(read::MASK)
    }
}

/// Every setting; `config/default.toml` says what each means, with its default and range.
#[derive(Debug, Clone, Deserialize)]
pub struct Settings {
    /// The HTTP server.
    pub server: Server,
    /// Folders.
    pub paths: Paths,
    /// The database.
    pub database: Database,
    /// Reference numbers.
    pub reference: Reference,
    /// Intake.
    pub intake: Intake,
    /// The classifier.
    pub classify: Classify,
    /// Many complaints that are one.
    pub mass: Mass,
    /// Sessions.
    pub auth: Auth,
    /// Sign-in of staff through a provider.
    pub oidc: Oidc,
    /// Limits on requests and attempts.
    pub limits: Limits,
    /// Attachments.
    pub attachments: Attachments,
    /// Outgoing mail.
    pub smtp: Smtp,
    /// Text messages.
    pub sms: Sms,
    /// Sending what is owed.
    pub notify: Notify,
    /// Events for other systems.
    pub webhooks: Webhooks,
    /// Asking for the complainant's judgement.
    pub rating: Rating,
    /// Time limits that act.
    pub escalation: Escalation,
    /// Deadlines.
    pub calendar: Calendar,
    /// Figures.
    pub measure: Measure,
    /// The audit log.
    pub audit: Audit,
    /// Personal data.
    pub privacy: Privacy,
    /// How long what is kept.
    pub retention: Retention,
    /// The clock of drills and tests.
    pub clock: Clock,
    /// The log.
    pub log: Log,
    /// Each setting with its value (secrets masked) and where it came from.
    #[serde(skip)]
    pub listing: Vec<Listed>,
}

/// One setting as `fangxin config check` shows it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Listed {
    /// `section.key`.
    pub key: String,
    /// The value in TOML; a secret is masked.
    pub value: String,
    /// `default`, a file, a variable, or a flag.
    pub origin: String,
}

/// `[server]`
#[derive(Debug, Clone, Deserialize)]
pub struct Server {
    /// Address and port to listen on.
    pub listen: SocketAddr,
    /// Listener of `/metrics`.
    #[serde(deserialize_with = "read::unless_empty")]
    pub metrics_listen: Option<SocketAddr>,
    /// Address by which the public reaches the service, without a slash at its end.
    #[serde(deserialize_with = "read::unless_empty")]
    pub public_url: Option<String>,
    /// Origins of other sites whose pages may call the API with a token.
    pub cors_origins: Vec<String>,
    /// Threads that serve requests; 0 is one per core.
    pub workers: usize,
    /// Connections open at once in a worker.
    pub max_connections: usize,
    /// Largest JSON body, in bytes.
    pub max_json_bytes: usize,
    /// Largest upload, in bytes.
    pub max_upload_bytes: usize,
    /// Seconds in which the head of a request must have arrived.
    pub header_timeout_seconds: u64,
    /// Seconds in which its body must have arrived.
    pub body_timeout_seconds: u64,
    /// Seconds at shutdown in which readiness is red and requests are still taken.
    pub drain_seconds: u64,
    /// Seconds from the order to stop until requests under way are cut off.
    pub shutdown_seconds: u64,
}

/// `[paths]`
#[derive(Debug, Clone, Deserialize)]
pub struct Paths {
    /// Folder of everything that the embedded default writes.
    pub data_dir: PathBuf,
    /// Folder with data files that replace built-in ones.
    #[serde(deserialize_with = "read::unless_empty")]
    pub config_dir: Option<PathBuf>,
}

/// `[database]`
#[derive(Debug, Clone, Deserialize)]
pub struct Database {
    /// `sqlite:PATH` or `postgres://…`; `None` is SQLite in the data folder.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub url: Option<Secret>,
    /// Connections in the pool.
    pub pool_size: u32,
    /// Seconds to wait for one.
    pub acquire_timeout_seconds: u64,
    /// Units of work that may wait in each queue before the answer is 503.
    pub queue_size: usize,
    /// Milliseconds after which PostgreSQL gives up a statement; 0 is never.
    pub statement_timeout_ms: u32,
    /// Milliseconds that SQLite waits for a lock of another process.
    pub busy_timeout_ms: u32,
}

/// `[reference]`
#[derive(Debug, Clone, Deserialize)]
pub struct Reference {
    /// Prefix of reference numbers.
    pub prefix: String,
}

/// `[intake]`
#[derive(Debug, Clone, Deserialize)]
pub struct Intake {
    /// Days within which a like case is shown as a likely duplicate.
    pub duplicate_window_days: u16,
}

/// `[classify]`
#[derive(Debug, Clone, Deserialize)]
pub struct Classify {
    /// Confidence below which a case goes to triage.
    pub abstain_below: f64,
    /// Seconds between two looks whether another process put another model in force.
    pub refresh_seconds: u16,
}

/// `[mass]`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Mass {
    /// Days back to which complaints may be one matter.
    pub window_days: u16,
    /// People below whom nothing is proposed and no alarm is raised.
    pub least_people: u32,
    /// False alarms that may be expected in a year, while nothing happens.
    pub false_alarms_per_year: f64,
}

/// `[auth]`
#[derive(Debug, Clone, Deserialize)]
pub struct Auth {
    /// Minutes that an access token lives.
    pub access_minutes: u16,
    /// Minutes without use after which a session ends.
    pub idle_minutes: u16,
    /// Hours after which a session ends in any case.
    pub session_hours: u16,
    /// Whether all staff need a second factor.
    pub totp_required: bool,
    /// Roles of staff that need one in any case.
    pub totp_roles: Vec<String>,
    /// Minutes after which what is sensitive asks once more for the credentials; 0 never does.
    pub step_up_minutes: u16,
    /// Minutes that a one-time code works.
    pub code_minutes: u16,
    /// Threads that hash passwords; 0 is one per core, four at most.
    pub hash_threads: usize,
}

/// `[oidc]`
#[derive(Debug, Clone, Deserialize)]
pub struct Oidc {
    /// The provider, exactly as it names itself; `None`: staff sign in by password alone.
    #[serde(deserialize_with = "read::unless_empty")]
    pub issuer: Option<String>,
    /// What the provider knows this installation as.
    pub client_id: String,
    /// The secret that goes with it; `None` for a client that has none.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub client_secret: Option<Secret>,
    /// Claim that says who somebody is.
    pub claim: String,
    /// What is asked for.
    pub scopes: Vec<String>,
    /// Values of the claims `acr` and `amr` that say that a second factor was shown.
    pub second_factor: Vec<String>,
    /// Internal networks that the provider may lie in.
    #[serde(deserialize_with = "read::networks")]
    pub allowed_networks: Vec<Network>,
    /// Seconds to wait for an answer of the provider.
    pub timeout_seconds: u64,
}

/// `[limits]`
#[derive(Debug, Clone, Deserialize)]
pub struct Limits {
    /// Whether there are limits at all.
    pub enabled: bool,
    /// Filings a minute from one address.
    pub filings_per_minute: u32,
    /// Other requests a minute from one address.
    pub requests_per_minute: u32,
    /// Failed sign-ins of an account before one has to wait.
    pub sign_in_attempts: u32,
    /// Wrong PINs for one case before one has to wait.
    pub pin_attempts: u32,
    /// Failed sign-ins and PINs from one address before one has to wait.
    pub address_attempts: u32,
    /// Longest wait after failed attempts, in minutes.
    pub attempt_window_minutes: u32,
    /// One-time codes to one number or e-mail address before one has to wait.
    pub codes_per_contact: u32,
    /// One-time codes asked for from one address before one has to wait.
    pub codes_per_address: u32,
    /// The same from one network.
    pub codes_per_network: u32,
    /// Proxies whose `X-Forwarded-For` is believed.
    #[serde(deserialize_with = "read::networks")]
    pub trusted_proxies: Vec<Network>,
}

/// `[attachments]`
#[derive(Debug, Clone, Deserialize)]
pub struct Attachments {
    /// `file:PATH` or `s3://bucket/prefix`; `None` is a folder in the data folder.
    #[serde(deserialize_with = "read::unless_empty")]
    pub url: Option<String>,
    /// Endpoint of the S3 service.
    #[serde(deserialize_with = "read::unless_empty")]
    pub endpoint: Option<String>,
    /// Its region.
    #[serde(deserialize_with = "read::unless_empty")]
    pub region: Option<String>,
    /// Its access key.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub access_key: Option<Secret>,
    /// Its secret key.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub secret_key: Option<Secret>,
    /// Largest file, in bytes.
    pub max_bytes: u64,
    /// Files of one case.
    pub max_per_case: u32,
    /// Million pixels of a picture.
    pub max_megapixels: u32,
    /// Media types taken.
    pub types: Vec<String>,
}

/// `[smtp]`
#[derive(Debug, Clone, Deserialize)]
pub struct Smtp {
    /// `smtp://…` or `smtps://…`; `None` writes mail as files in the data folder.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub url: Option<Secret>,
    /// Sender of notices.
    pub from: String,
    /// Seconds to wait for an answer.
    pub timeout_seconds: u64,
}

/// `[sms]`
#[derive(Debug, Clone, Deserialize)]
pub struct Sms {
    /// The gateway; `None` writes messages as files in the data folder.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub url: Option<Secret>,
    /// How the body is written.
    pub format: SmsFormat,
    /// The body, with `{to}`, `{text}` and `{id}`.
    pub body: String,
    /// A header that it asks for, `Name: value`.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub header: Option<Secret>,
    /// Seconds to wait for an answer.
    pub timeout_seconds: u64,
    /// Hours in which nobody is disturbed.
    #[serde(deserialize_with = "read::unless_empty")]
    pub quiet: Option<Quiet>,
}

/// How a body for the gateway is written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SmsFormat {
    /// `application/json`
    Json,
    /// `application/x-www-form-urlencoded`
    Form,
}

/// `[escalation]`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Escalation {
    /// Working days before the last day on which a unit is reminded.
    pub remind_days_before: u16,
    /// Working days after it on which it is supervised.
    pub supervise_days_after: u16,
    /// Working days after it on which it is told around.
    pub circulate_days_after: u16,
}

/// `[notify]`
#[derive(Debug, Clone, Deserialize)]
pub struct Notify {
    /// Milliseconds between two looks at what is owed.
    pub poll_ms: u64,
    /// Seconds before the second attempt.
    pub first_retry_seconds: u32,
    /// Longest time between two attempts.
    pub longest_retry_seconds: u32,
    /// Hours after which an attempt that fails is the last.
    pub give_up_hours: u32,
}

/// `[webhooks]`
#[derive(Debug, Clone, Deserialize)]
pub struct Webhooks {
    /// Internal networks that events may go to.
    #[serde(deserialize_with = "read::networks")]
    pub allowed_networks: Vec<Network>,
    /// Seconds to wait for an answer.
    pub timeout_seconds: u64,
    /// Seconds before the second attempt.
    pub first_retry_seconds: u32,
    /// Longest time between two attempts.
    pub longest_retry_seconds: u32,
    /// Hours after which an attempt that fails is the last.
    pub give_up_hours: u32,
    /// Hours of failing after which a webhook is disabled.
    pub disable_after_hours: u32,
    /// Hours for which a secret that was replaced signs too.
    pub rotation_hours: u16,
}

/// `[rating]`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Rating {
    /// Hours after the end at which it is asked for.
    pub ask_after_hours: u16,
    /// Days for which the link opens.
    pub valid_days: u16,
}

/// `[calendar]`
#[derive(Debug, Clone, Deserialize)]
pub struct Calendar {
    /// Which last days move a deadline.
    #[serde(deserialize_with = "rollover")]
    pub rollover: Rollover,
}

/// `[measure]`
#[derive(Debug, Clone, Deserialize)]
pub struct Measure {
    /// Days after its end when a month's figures are frozen.
    pub freeze_after_days: u16,
    /// Cases below which a rate is shown as counts.
    pub small_number: u32,
}

/// `[audit]`
#[derive(Debug, Clone, Deserialize)]
pub struct Audit {
    /// Name of this node's chain.
    pub writer: String,
    /// `file:PATH` or `s3://bucket/prefix` of the checkpoints; `None` is a folder in the data folder.
    #[serde(deserialize_with = "read::unless_empty")]
    pub checkpoints: Option<String>,
    /// Endpoint of the S3 service.
    #[serde(deserialize_with = "read::unless_empty")]
    pub endpoint: Option<String>,
    /// Its region.
    #[serde(deserialize_with = "read::unless_empty")]
    pub region: Option<String>,
    /// Its access key.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub access_key: Option<Secret>,
    /// Its secret key.
    #[serde(deserialize_with = "read::secret_unless_empty")]
    pub secret_key: Option<Secret>,
    /// Minutes between two checkpoints.
    pub checkpoint_minutes: u16,
}

/// `[privacy]`
#[derive(Debug, Clone, Deserialize)]
pub struct Privacy {
    /// What seals new values: `aes_256_gcm` or `sm4_gcm`.
    pub suite: String,
    /// Times a day that one account may see masked fields.
    pub unmask_per_day: u32,
}

/// `[retention]`
#[derive(Debug, Clone, Copy, Deserialize)]
pub struct Retention {
    /// Years after its end for which a case that was handled is kept.
    pub handled_years: u16,
    /// The same for one that was refused, withdrawn or referred.
    pub unhandled_years: u16,
    /// Days for which a notice is kept that is over.
    pub notice_days: u16,
    /// Days for which the answer to an idempotency key is kept.
    pub resend_days: u16,
}

/// `[clock]`
#[derive(Debug, Clone, Deserialize)]
pub struct Clock {
    /// Where the clock starts; `None` is the system's clock.
    #[serde(deserialize_with = "read::unless_empty")]
    pub start: Option<jiff::Timestamp>,
    /// Whether `start` may be given.
    pub allow_start: bool,
}

/// `[log]`
#[derive(Debug, Clone, Deserialize)]
pub struct Log {
    /// How lines are written.
    pub format: LogFormat,
    /// Level or filter of `tracing`.
    pub level: String,
}

/// How lines of the log are written.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFormat {
    /// A JSON object a line.
    Json,
    /// For people.
    Text,
}

fn rollover<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Rollover, D::Error> {
    match String::deserialize(deserializer)?.as_str() {
        "holiday_only" => Ok(Rollover::HolidayOnly),
        "any_rest_day" => Ok(Rollover::AnyRestDay),
        other => Err(serde::de::Error::custom(format!("unknown roll-over {other}"))),
    }
}

/// How many settings there are.
#[cfg(test)]
pub(super) const fn count() -> usize {
    key::KEYS.len()
}

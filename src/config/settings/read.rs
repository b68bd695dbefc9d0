//! Lays the layers of settings over each other and checks every value, telling all faults at once.

use super::key::{KEYS, Key};
use super::{Listed, Network, Secret, Settings};
use crate::config::error::{ConfigError, Faults};
use crate::config::node::parse_toml;
use crate::config::source::Source;
use serde::{Deserialize, Deserializer};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::str::FromStr;

/// What stands in place of a secret.
pub(super) const MASK: &str = "(secret)";

const ENVIRONMENT: &str = "environment";
const COMMAND_LINE: &str = "command line";
const PREFIX: &str = "FANGXIN__";

/// Everything besides the defaults that settings come from.
#[derive(Debug, Clone, Default)]
pub struct Inputs {
    /// File of `--config`.
    pub file: Option<PathBuf>,
    /// Variables of the environment; those without the prefix `FANGXIN__` are passed over.
    pub environment: Vec<(String, String)>,
    /// Flags of the command line that were given: flag, setting, value, e.g. `--listen`, `server.listen`, `0.0.0.0:80`.
    pub flags: Vec<(&'static str, &'static str, String)>,
}

/// The variables of this process that settings are read from. Names or values that are no UTF-8 are read with replacement
/// characters, so that they fail their check instead of being lost.
pub fn process_environment() -> Vec<(String, String)> {
    // `vars_os`, because `vars` panics when any variable of the process, ours or not, is no UTF-8.
    std::env::vars_os()
        .map(|(name, value)| (name.to_string_lossy().into_owned(), value.to_string_lossy().into_owned()))
        .filter(|(name, _)| name.starts_with(PREFIX))
        .collect()
}

/// Values in force, and where each came from.
struct Layers {
    values: BTreeMap<String, (toml::Value, String)>,
    faults: Faults,
}

impl Settings {
    /// Reads the settings: defaults, then file, then environment, then flags.
    ///
    /// # Errors
    /// Every fault: unknown keys, wrong types, values out of range, settings that contradict each other. Secrets are masked.
    pub fn load(inputs: &Inputs) -> Result<Self, Vec<ConfigError>> {
        let mut layers = Layers { values: BTreeMap::new(), faults: Faults::new() };
        let defaults = Source::embedded("default.toml").unwrap_or_default();
        layers.add_text("config/default.toml", "default", defaults);
        if let Some(file) = &inputs.file {
            let label = file.display().to_string();
            match std::fs::read_to_string(file) {
                Ok(text) => layers.add_text(&label, &label, &text),
                Err(error) => layers.faults.push(ConfigError::of_file(&label, format!("can't be read: {error}"))),
            }
        }
        layers.add_environment(&inputs.environment);
        for (flag, name, value) in &inputs.flags {
            match KEYS.iter().find(|key| key.name() == *name) {
                Some(key) => layers.add_string(COMMAND_LINE, flag, key, value),
                None => layers.faults.push(ConfigError::at(COMMAND_LINE, None, flag, Some(name), "no such setting")),
            }
        }
        layers.finish()
    }
}

impl Layers {
    /// A layer of TOML.
    fn add_text(&mut self, label: &str, origin: &str, text: &str) {
        let table = match parse_toml(label, text) {
            Ok(table) => table,
            Err(fault) => return self.faults.push(*fault),
        };
        for (section, content) in &table {
            let known: Vec<&Key> = KEYS.iter().filter(|key| key.section == section).collect();
            if known.is_empty() {
                let sections: BTreeSet<&str> = KEYS.iter().map(|key| key.section).collect();
                let allowed = sections.into_iter().collect::<Vec<_>>().join(", ");
                self.faults.push(ConfigError::at(label, None, section, None, "unknown section").allowed(allowed));
                continue;
            }
            let Some(content) = content.as_table() else {
                let detail = format!("of type {}", content.type_str());
                self.faults.push(ConfigError::at(label, None, section, None, detail).allowed(format!("[{section}]")));
                continue;
            };
            for (name, value) in content {
                if let Some(key) = known.iter().find(|key| key.key == name) {
                    self.set(label, &key.name(), origin, key, value.clone());
                } else {
                    let place = format!("{section}.{name}");
                    let allowed = known.iter().map(|key| key.key).collect::<Vec<_>>().join(", ");
                    self.faults.push(ConfigError::at(label, None, &place, None, "unknown key").allowed(allowed));
                }
            }
        }
    }

    fn add_environment(&mut self, environment: &[(String, String)]) {
        let mut variables: Vec<&(String, String)> =
            environment.iter().filter(|(name, _)| name.starts_with(PREFIX)).collect();
        variables.sort();
        for (name, value) in &variables {
            if let Some(key) = KEYS.iter().find(|key| key.variable() == *name) {
                self.add_string(ENVIRONMENT, name, key, value);
                continue;
            }
            let base = name.strip_suffix("_FILE");
            let Some(key) = KEYS.iter().find(|key| base.is_some_and(|base| key.variable() == base)) else {
                let fault = ConfigError::at(ENVIRONMENT, None, name, None, "unknown setting");
                self.faults.push(fault.allowed("FANGXIN__SECTION__KEY for a key of config/default.toml"));
                continue;
            };
            if !key.secret {
                let fault = ConfigError::at(ENVIRONMENT, None, name, None, "only secrets are read from a file");
                self.faults.push(fault.allowed(key.variable()));
            } else if variables.iter().any(|(other, _)| *other == key.variable()) {
                let detail = format!("{} is given too", key.variable());
                self.faults.push(ConfigError::at(ENVIRONMENT, None, name, None, detail).allowed("one of them"));
            } else {
                match read_secret(Path::new(value)) {
                    Ok(secret) => self.add_string(ENVIRONMENT, name, key, &secret),
                    Err(detail) => self.faults.push(ConfigError::at(ENVIRONMENT, None, name, Some(value), detail)),
                }
            }
        }
    }

    /// A value that came as text.
    fn add_string(&mut self, label: &str, place: &str, key: &Key, text: &str) {
        match key.read(text.trim()) {
            Some(value) => self.set(label, place, place, key, value),
            None => self.refuse(label, place, key, text, "not understood"),
        }
    }

    fn set(&mut self, label: &str, place: &str, origin: &str, key: &Key, value: toml::Value) {
        match key.refusal(&value) {
            None => {
                self.values.insert(key.name(), (value, origin.to_owned()));
            }
            Some(detail) => {
                let shown = plain(&value);
                self.refuse(label, place, key, &shown, &detail);
            }
        }
    }

    fn refuse(&mut self, label: &str, place: &str, key: &Key, shown: &str, detail: &str) {
        let shown = if key.secret { MASK } else { shown };
        self.faults.push(ConfigError::at(label, None, place, Some(shown), detail).allowed(key.allowed()));
    }

    /// Whether a setting is something other than nothing, with where it came from.
    fn given(&self, name: &str) -> Option<&str> {
        let (value, origin) = self.values.get(name)?;
        let empty = matches!(value, toml::Value::Boolean(false)) || value.as_str().is_some_and(str::is_empty);
        (!empty).then_some(origin.as_str())
    }

    /// Settings that contradict each other, or ask for what isn't there.
    fn check(&mut self) {
        let mut found = Faults::new();
        let mut fault = |origin: &str, key: &str, detail: &str, allowed: &str| {
            found.push(ConfigError::at(origin, None, key, None, detail).allowed(allowed));
        };
        if let Some(origin) = self.given("clock.start")
            && self.given("clock.allow_start").is_none()
        {
            let detail = "the clock may be set for drills and tests only, and clock.allow_start is false";
            fault(origin, "clock.start", detail, "nothing, or clock.allow_start = true beside it");
        }
        let (access, secret) = ("attachments.access_key", "attachments.secret_key");
        for (one, other) in [(access, secret), (secret, access)] {
            if let Some(origin) = self.given(one)
                && self.given(other).is_none()
            {
                fault(origin, other, "is missing beside the other half of the key", "both or none");
            }
        }
        if let Some(origin) = self.given("oidc.issuer") {
            for needed in ["oidc.client_id", "server.public_url"] {
                if self.given(needed).is_none() {
                    fault(origin, needed, "is missing beside oidc.issuer", "a value, or no oidc.issuer");
                }
            }
        }
        let scopes = self.values.get("oidc.scopes").and_then(|(value, origin)| Some((value.as_array()?, origin)));
        if let Some((scopes, origin)) = scopes
            && !scopes.iter().any(|scope| scope.as_str() == Some("openid"))
        {
            fault(origin, "oidc.scopes", "openid isn't among them", "openid, and others beside it");
        }
        let whole = |name: &str| self.values.get(name).and_then(|(value, _)| value.as_integer());
        if let (Some(file), Some(body)) = (whole("attachments.max_bytes"), whole("server.max_upload_bytes"))
            && file > body
            && let Some((_, origin)) = self.values.get("attachments.max_bytes")
        {
            let allowed = format!("at most server.max_upload_bytes = {body}");
            fault(origin, "attachments.max_bytes", "larger than an upload may be", &allowed);
        }
        let (supervised, circulated) = ("escalation.supervise_days_after", "escalation.circulate_days_after");
        if let (Some(first), Some(then)) = (whole(supervised), whole(circulated))
            && then < first
            && let Some((_, origin)) = self.values.get(circulated)
        {
            fault(origin, circulated, "before supervision", &format!("at least {supervised} = {first}"));
        }
        self.faults.append(&mut found);
    }

    fn finish(mut self) -> Result<Settings, Vec<ConfigError>> {
        self.check();
        if !self.faults.is_empty() {
            return Err(self.faults);
        }
        let mut table = toml::Table::new();
        let mut listing = Vec::new();
        for key in KEYS {
            let Some((value, origin)) = self.values.remove(&key.name()) else { continue };
            let hidden = key.secret && !value.as_str().is_some_and(str::is_empty);
            let shown = if hidden { MASK.to_owned() } else { value.to_string() };
            listing.push(Listed { key: key.name(), value: shown, origin });
            let section = table.entry(key.section).or_insert_with(|| toml::Value::Table(toml::Table::new()));
            if let Some(section) = section.as_table_mut() {
                section.insert(key.key.to_owned(), value);
            }
        }
        match table.try_into::<Settings>() {
            Ok(settings) => Ok(Settings { listing, ..settings }),
            Err(error) => Err(vec![ConfigError::of_file("settings", error.message())]),
        }
    }
}

/// A value as a person would write it.
fn plain(value: &toml::Value) -> String {
    match value {
        toml::Value::String(text) => text.clone(),
        toml::Value::Array(items) => items.iter().map(plain).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The content of a file that holds a secret, without the end of its line. A file that everyone may read is refused.
fn read_secret(path: &Path) -> Result<String, String> {
    let unreadable = |error: std::io::Error| format!("can't be read: {error}");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let mode = std::fs::metadata(path).map_err(unreadable)?.permissions().mode();
        if mode & 0o004 != 0 {
            return Err(format!("everyone may read it (mode {:04o}); make it 0600", mode & 0o7777));
        }
    }
    let text = std::fs::read_to_string(path).map_err(unreadable)?;
    Ok(text.trim_end_matches(['\r', '\n']).to_owned())
}

/// A text that is `None` when empty, else read.
pub(super) fn unless_empty<'de, D, T>(deserializer: D) -> Result<Option<T>, D::Error>
where
    D: Deserializer<'de>,
    T: FromStr<Err: std::fmt::Display>,
{
    let text = String::deserialize(deserializer)?;
    if text.is_empty() {
        return Ok(None);
    }
    text.parse().map(Some).map_err(serde::de::Error::custom)
}

/// A secret that is `None` when empty.
pub(super) fn secret_unless_empty<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<Secret>, D::Error> {
    let secret = Secret::deserialize(deserializer)?;
    Ok(Some(secret).filter(|secret| !secret.expose().is_empty()))
}

/// Ranges of addresses.
pub(super) fn networks<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<Network>, D::Error> {
    let texts = Vec::<String>::deserialize(deserializer)?;
    texts.iter().map(|text| text.parse().map_err(serde::de::Error::custom)).collect()
}

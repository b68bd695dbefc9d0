//! A table of a TOML data file, read key by key with its faults noted.

use super::error::{ConfigError, Faults};
use super::source::Source;
use jiff::civil::Date;
use std::borrow::Cow;

/// Reads a TOML file; `None` with a noted fault when it can't be.
pub(super) fn read_toml(source: &Source, name: &str, faults: &mut Faults) -> Option<toml::Table> {
    match source.read(name).and_then(|text| parse_toml(&source.label(name), &text)) {
        Ok(table) => Some(table),
        Err(fault) => {
            faults.push(*fault);
            None
        }
    }
}

/// Reads TOML text; `label` names it in messages.
pub(super) fn parse_toml(label: &str, text: &str) -> Result<toml::Table, Box<ConfigError>> {
    text.parse::<toml::Table>().map_err(|error| {
        let upto = error.span().and_then(|span| text.get(..span.start));
        let line = upto.and_then(|upto| u64::try_from(upto.matches('\n').count() + 1).ok());
        Box::new(ConfigError { line, ..ConfigError::of_file(label, format!("not a TOML file: {}", error.message())) })
    })
}

/// One table and where it stands.
#[derive(Debug, Clone)]
pub(super) struct Node<'a> {
    label: &'a str,
    path: String,
    table: &'a toml::Table,
}

impl<'a> Node<'a> {
    pub(super) fn root(label: &'a str, table: &'a toml::Table) -> Self {
        Self { label, path: String::new(), table }
    }

    fn place(&self, key: &str) -> String {
        match (self.path.is_empty(), key.is_empty()) {
            (true, _) => key.to_owned(),
            (false, true) => self.path.clone(),
            (false, false) => format!("{}.{key}", self.path),
        }
    }

    /// A fault at a key; the empty key is the table itself.
    pub(super) fn fault(&self, key: &str, value: Option<&str>, detail: impl Into<String>) -> ConfigError {
        ConfigError::at(self.label, None, &self.place(key), value, detail)
    }

    fn wrong_type(&self, key: &str, value: &toml::Value, wanted: &str) -> ConfigError {
        let shown = value.to_string();
        let shown: Cow<'_, str> = value.as_str().map_or(Cow::Owned(shown), Cow::Borrowed);
        self.fault(key, Some(&shown), format!("of type {}", value.type_str())).allowed(wanted)
    }

    /// Notes keys other than these.
    pub(super) fn only(&self, keys: &[&str], faults: &mut Faults) {
        for key in self.table.keys().filter(|key| !keys.contains(&key.as_str())) {
            faults.push(self.fault(key, None, "unknown key").allowed(keys.join(", ")));
        }
    }

    /// A text that may be absent.
    pub(super) fn optional(&self, key: &str, faults: &mut Faults) -> Option<&'a str> {
        let value = self.table.get(key)?;
        match value.as_str().map(str::trim) {
            Some("") => faults.push(self.fault(key, None, "must not be empty")),
            Some(text) => return Some(text),
            None => faults.push(self.wrong_type(key, value, "text")),
        }
        None
    }

    /// A text.
    pub(super) fn text(&self, key: &str, faults: &mut Faults) -> Option<&'a str> {
        if !self.table.contains_key(key) {
            faults.push(self.fault(key, None, "is missing"));
        }
        self.optional(key, faults)
    }

    /// The keys of this table.
    pub(super) fn keys(&self) -> impl Iterator<Item = &'a str> + use<'a> {
        self.table.keys().map(String::as_str)
    }

    /// A list of texts.
    pub(super) fn texts(&self, key: &str, faults: &mut Faults) -> Vec<&'a str> {
        let Some(value) = self.table.get(key) else {
            faults.push(self.fault(key, None, "is missing"));
            return Vec::new();
        };
        let texts: Option<Vec<&str>> =
            value.as_array().and_then(|items| items.iter().map(toml::Value::as_str).collect());
        texts.unwrap_or_else(|| {
            faults.push(self.wrong_type(key, value, "a list of texts"));
            Vec::new()
        })
    }

    /// A whole number that may be absent.
    pub(super) fn integer(&self, key: &str, faults: &mut Faults) -> Option<i64> {
        let value = self.table.get(key)?;
        if value.as_integer().is_none() {
            faults.push(self.wrong_type(key, value, "a whole number"));
        }
        value.as_integer()
    }

    /// A flag, `false` when absent.
    pub(super) fn flag(&self, key: &str, faults: &mut Faults) -> bool {
        let Some(value) = self.table.get(key) else { return false };
        if value.as_bool().is_none() {
            faults.push(self.wrong_type(key, value, "true, false"));
        }
        value.as_bool().unwrap_or(false)
    }

    /// A number from 0 to 1 that may be absent: checked, not kept.
    pub(super) fn confidence(&self, faults: &mut Faults) {
        if let Some(value) = self.table.get("confidence")
            && !value.as_float().is_some_and(|number| (0.0..=1.0).contains(&number))
            && !matches!(value.as_integer(), Some(0 | 1))
        {
            faults.push(self.wrong_type("confidence", value, "0 to 1"));
        }
    }

    /// A date, when there is one.
    pub(super) fn date(&self, key: &str, faults: &mut Faults) -> Option<Date> {
        let text = self.optional(key, faults)?;
        let date = text.parse().ok();
        if date.is_none() {
            faults.push(self.fault(key, Some(text), "not understood").allowed("a date \"YYYY-MM-DD\""));
        }
        date
    }

    /// A table below, when there is one.
    pub(super) fn child(&self, key: &str, faults: &mut Faults) -> Option<Self> {
        let value = self.table.get(key)?;
        let Some(table) = value.as_table() else {
            faults.push(self.wrong_type(key, value, "a table"));
            return None;
        };
        Some(Self { label: self.label, path: self.place(key), table })
    }

    /// Tables below, with their keys.
    pub(super) fn children(&self, key: &str, faults: &mut Faults) -> Vec<(&'a str, Self)> {
        let Some(parent) = self.child(key, faults) else { return Vec::new() };
        parent.table.keys().filter_map(|key| Some((key.as_str(), parent.child(key, faults)?))).collect()
    }

    /// A list of tables; absent is empty. Places count from 1, as people do.
    pub(super) fn list(&self, key: &str, faults: &mut Faults) -> Vec<Self> {
        let Some(value) = self.table.get(key) else { return Vec::new() };
        let Some(items) = value.as_array() else {
            faults.push(self.wrong_type(key, value, "a list of tables"));
            return Vec::new();
        };
        let mut nodes = Vec::with_capacity(items.len());
        for (index, item) in items.iter().enumerate() {
            let place = format!("{key}[{}]", index + 1);
            match item.as_table() {
                Some(table) => nodes.push(Self { label: self.label, path: self.place(&place), table }),
                None => faults.push(self.wrong_type(&place, item, "a table")),
            }
        }
        nodes
    }
}

//! A CSV data file: its header checked, its rows with line numbers, its cells read with their faults noted.

use super::error::{Codes, ConfigError, Faults};
use super::source::Source;
use crate::domain::division::Division;
use jiff::civil::Date;

/// A file of rows.
#[derive(Debug)]
pub(super) struct Table {
    label: String,
    header: csv::StringRecord,
    records: Vec<csv::StringRecord>,
    /// Whether the header was right; without it there are no rows.
    pub(super) usable: bool,
}

/// One row of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Row<'t> {
    table: &'t Table,
    record: &'t csv::StringRecord,
}

impl Table {
    /// Reads a file that has exactly these columns, in any order.
    pub(super) fn read(source: &Source, name: &str, columns: &[&str], faults: &mut Faults) -> Self {
        match source.read(name) {
            Ok(text) => Self::parse(source.label(name), &text, columns, faults),
            Err(fault) => {
                faults.push(*fault);
                Self::unusable(source.label(name))
            }
        }
    }

    fn unusable(label: String) -> Self {
        Self { label, header: csv::StringRecord::new(), records: Vec::new(), usable: false }
    }

    /// Reads text; `label` names it in messages.
    pub(super) fn parse(label: String, text: &str, columns: &[&str], faults: &mut Faults) -> Self {
        let text = text.strip_prefix('\u{feff}').unwrap_or(text);
        let mut reader = csv::ReaderBuilder::new().flexible(true).trim(csv::Trim::All).from_reader(text.as_bytes());
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) => {
                faults.push(ConfigError::of_file(&label, format!("not a CSV file: {error}")));
                return Self::unusable(label);
            }
        };
        let before = faults.len();
        for column in columns.iter().filter(|column| !header.iter().any(|found| found == **column)) {
            faults.push(ConfigError::at(&label, Some(1), "header", None, format!("column {column} is missing")));
        }
        for (index, column) in header.iter().enumerate() {
            if !columns.contains(&column) {
                let fault = ConfigError::at(&label, Some(1), "header", Some(column), "unknown column");
                faults.push(fault.allowed(columns.join(", ")));
            } else if header.iter().take(index).any(|earlier| earlier == column) {
                faults.push(ConfigError::at(&label, Some(1), "header", Some(column), "column stands there twice"));
            }
        }
        if faults.len() > before {
            return Self::unusable(label);
        }
        let mut records = Vec::new();
        for record in reader.into_records() {
            match record {
                Ok(record) if record.len() == header.len() => records.push(record),
                Ok(record) => {
                    let detail = format!("{} cells where the header has {}", record.len(), header.len());
                    faults.push(ConfigError::at(&label, line_of(&record), "row", None, detail));
                }
                Err(error) => faults.push(ConfigError::of_file(&label, format!("not a CSV file: {error}"))),
            }
        }
        Self { label, header, records, usable: true }
    }

    pub(super) fn rows(&self) -> impl Iterator<Item = Row<'_>> {
        self.records.iter().map(|record| Row { table: self, record })
    }

    /// The file as messages name it.
    pub(super) fn label(&self) -> &str {
        &self.label
    }
}

fn line_of(record: &csv::StringRecord) -> Option<u64> {
    record.position().map(csv::Position::line)
}

impl<'t> Row<'t> {
    /// A fault in this row.
    pub(super) fn fault(&self, column: &str, value: Option<&str>, detail: impl Into<String>) -> ConfigError {
        ConfigError::at(&self.table.label, line_of(self.record), column, value, detail)
    }

    /// The cell, `None` when it is empty. The column is one of those that the table was read with.
    pub(super) fn optional(&self, column: &str) -> Option<&'t str> {
        let index = self.table.header.iter().position(|found| found == column)?;
        self.record.get(index).filter(|cell| !cell.is_empty())
    }

    /// The cell, which must not be empty.
    pub(super) fn required(&self, column: &str, faults: &mut Faults) -> Option<&'t str> {
        let cell = self.optional(column);
        if cell.is_none() {
            faults.push(self.fault(column, None, "must not be empty"));
        }
        cell
    }

    /// The cell read by a function; an empty one is `None` without fault.
    pub(super) fn parse<T>(
        &self,
        column: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
        faults: &mut Faults,
    ) -> Option<T> {
        let cell = self.optional(column)?;
        let value = read(cell);
        if value.is_none() {
            faults.push(self.fault(column, Some(cell), "not understood").allowed(allowed));
        }
        value
    }

    /// The cell read by a function; it must not be empty.
    pub(super) fn parse_required<T>(
        &self,
        column: &str,
        allowed: &str,
        read: impl FnOnce(&str) -> Option<T>,
        faults: &mut Faults,
    ) -> Option<T> {
        self.required(column, faults)?;
        self.parse(column, allowed, read, faults)
    }

    /// A date, when there is one.
    pub(super) fn date(&self, column: &str, faults: &mut Faults) -> Option<Date> {
        self.parse(column, "a date YYYY-MM-DD", |cell| cell.parse().ok(), faults)
    }

    /// The columns `from` and `until`, in order.
    pub(super) fn span(&self, faults: &mut Faults) -> (Option<Date>, Option<Date>) {
        let (from, until) = (self.date("from", faults), self.date("until", faults));
        if let (Some(first), Some(last)) = (from, until)
            && first > last
        {
            faults.push(self.fault("until", self.optional("until"), "lies before `from`"));
        }
        (from, until)
    }

    /// `true` or `false`.
    pub(super) fn flag(&self, column: &str, faults: &mut Faults) -> bool {
        self.parse_required(column, "true, false", |cell| cell.parse().ok(), faults).unwrap_or(false)
    }

    /// A division's code.
    pub(super) fn division(&self, column: &str, faults: &mut Faults) -> Option<Division> {
        self.parse_required(
            column,
            "GB/T 2260: 6 digits of a known province, or 9 for a town",
            |cell| Division::parse(cell).ok(),
            faults,
        )
    }

    /// A number of residents.
    pub(super) fn residents(&self, faults: &mut Faults) -> Option<u64> {
        self.parse("residents", "a whole number, or nothing", |cell| cell.parse().ok(), faults)
    }

    /// Confidence of the compiler of the data, from 0 to 1: checked, not kept.
    pub(super) fn confidence(&self, faults: &mut Faults) {
        let read = |cell: &str| cell.parse::<f64>().ok().filter(|value| (0.0..=1.0).contains(value));
        self.parse("confidence", "0 to 1", read, faults);
    }

    /// Entries separated by `|`.
    pub(super) fn list(&self, column: &str) -> Vec<&'t str> {
        self.optional(column).into_iter().flat_map(|cell| cell.split('|')).map(str::trim).collect()
    }

    /// A code that this file defines; noted, and refused when it is there twice.
    pub(super) fn new_code(&self, column: &str, codes: &mut Codes, faults: &mut Faults) -> Option<&'t str> {
        let code = self.required(column, faults)?;
        if codes.add(code) {
            return Some(code);
        }
        faults.push(self.fault(column, Some(code), "stands there twice"));
        None
    }

    /// A code that another file must define.
    pub(super) fn known(&self, column: &str, code: &str, codes: &Codes, faults: &mut Faults) {
        if !codes.accepts(code) {
            faults.push(self.fault(column, Some(code), "unknown").allowed(codes.allowed()));
        }
    }
}

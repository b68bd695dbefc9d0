//! Lists of cases as files for spreadsheets: which columns there are, and CSV and XLSX written line by line, so that a
//! million cases take no more memory than a page of them.

use crate::ambient::SHANGHAI;
use crate::domain::vocabulary::Lang;
use crate::http::pages::texts;
use crate::http::views::{Coded, LineView};
use rust_xlsxwriter::{Format, Workbook, XlsxError};
use std::fs::File;
use std::io::{Seek, SeekFrom};

/// Columns, in their order; each has a heading in `config/locales` under `export`.
const COLUMNS: &[&str] = &[
    "reference",
    "kind",
    "state",
    "received_at",
    "due",
    "overdue",
    "closed_on",
    "sector",
    "sector_name",
    "division",
    "division_name",
    "department",
    "office",
    "office_name",
    "station",
    "station_name",
    "channel",
    "respondent",
    "amount",
];

/// Lines of a sheet (ECMA-376 allows no more); what comes behind goes to the next sheet.
const SHEET_LINES: u32 = 1_048_576;

/// What stands in a cell.
#[derive(Debug, Clone, PartialEq)]
enum Cell {
    Nothing,
    Text(String),
    /// Yuan.
    Money(String),
}

impl Cell {
    fn of(text: impl Into<String>) -> Self {
        Self::Text(text.into())
    }

    fn named(coded: Option<Coded>) -> [Self; 2] {
        coded.map_or([Self::Nothing, Self::Nothing], |coded| [Self::Text(coded.code), Self::Text(coded.name)])
    }
}

fn headings(lang: Lang) -> impl Iterator<Item = &'static str> {
    COLUMNS.iter().map(move |column| texts::text(lang, "export", column))
}

fn cells(line: LineView, lang: Lang) -> Vec<Cell> {
    let optional = |text: Option<String>| text.map_or(Cell::Nothing, Cell::Text);
    // Where there is no word for a code, the code.
    let word = |section: &str, code: String| match texts::find(lang, section, &code) {
        Some(word) => Cell::of(word),
        None => Cell::Text(code),
    };
    let received = SHANGHAI.to_datetime(line.received_at);
    let [sector, sector_name] = Cell::named(Some(line.sector));
    let [division, division_name] = Cell::named(Some(line.division));
    let [office, office_name] = Cell::named(Some(line.office));
    let [station, station_name] = Cell::named(line.station);
    vec![
        Cell::Text(line.reference),
        word("kind", line.kind),
        word("state", line.state),
        Cell::of(received.strftime("%Y-%m-%d %H:%M:%S").to_string()),
        optional(line.due.map(|day| day.to_string())),
        Cell::of(texts::text(lang, "export", if line.overdue { "yes" } else { "no" })),
        optional(line.closed_on.map(|day| day.to_string())),
        sector,
        sector_name,
        division,
        division_name,
        Cell::Text(line.department),
        office,
        office_name,
        station,
        station_name,
        word("channel", line.channel),
        optional(line.respondent),
        line.amount.map_or(Cell::Nothing, |amount| Cell::Money(amount.to_string())),
    ]
}

/// A text that no spreadsheet takes for a formula: one that begins like a formula gets an apostrophe (OWASP, CSV injection).
fn harmless(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r', '＝', '＋', '－', '＠']) {
        format!("'{text}")
    } else {
        text.to_owned()
    }
}

/// Writes lines as CSV (RFC 4180), in UTF-8 with a mark at the beginning by which Excel knows it.
#[derive(Debug)]
pub struct Csv {
    lang: Lang,
    begun: bool,
}

impl Csv {
    /// With headings and names in a language.
    pub fn new(lang: Lang) -> Self {
        Self { lang, begun: false }
    }

    /// The next lines; before the first, the headings.
    ///
    /// # Errors
    /// None that a list of texts in memory can cause.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = LineView>) -> Result<Vec<u8>, csv::Error> {
        let mut text = if self.begun { Vec::new() } else { "\u{feff}".as_bytes().to_vec() };
        let mut writer = csv::WriterBuilder::new().terminator(csv::Terminator::CRLF).from_writer(&mut text);
        if !self.begun {
            writer.write_record(headings(self.lang))?;
        }
        for line in lines {
            writer.write_record(cells(line, self.lang).iter().map(|cell| match cell {
                Cell::Nothing => String::new(),
                Cell::Text(text) => harmless(text),
                Cell::Money(amount) => amount.clone(),
            }))?;
        }
        writer.flush()?;
        drop(writer);
        self.begun = true;
        Ok(text)
    }
}

/// Writes lines into an XLSX workbook; its sheets grow in temporary files, not in memory.
pub struct Xlsx {
    lang: Lang,
    workbook: Workbook,
    /// Lines of the last sheet.
    used: u32,
}

impl Xlsx {
    /// With headings and names in a language.
    ///
    /// # Errors
    /// No temporary file could be made.
    pub fn new(lang: Lang) -> Result<Self, XlsxError> {
        let mut started = Self { lang, workbook: Workbook::new(), used: 0 };
        started.sheet()?;
        Ok(started)
    }

    fn sheet(&mut self) -> Result<(), XlsxError> {
        let sheet = self.workbook.add_worksheet_with_constant_memory()?;
        sheet.set_freeze_panes(1, 0)?;
        let bold = Format::new().set_bold();
        for (column, heading) in (0..).zip(headings(self.lang)) {
            sheet.write_string_with_format(0, column, heading, &bold)?;
        }
        self.used = 1;
        Ok(())
    }

    /// The next lines.
    ///
    /// # Errors
    /// A temporary file couldn't be written.
    pub fn lines(&mut self, lines: impl IntoIterator<Item = LineView>) -> Result<(), XlsxError> {
        let money = Format::new().set_num_format("#,##0.00");
        for line in lines {
            if self.used == SHEET_LINES {
                self.sheet()?;
            }
            let last = self.workbook.worksheets().len() - 1;
            let sheet = self.workbook.worksheet_from_index(last)?;
            for (column, cell) in (0..).zip(cells(line, self.lang)) {
                match cell {
                    Cell::Nothing => {}
                    Cell::Text(text) => _ = sheet.write_string(self.used, column, text)?,
                    // A number, so that it can be summed; exact up to 90 trillion yuan.
                    Cell::Money(amount) => match amount.parse::<f64>() {
                        Ok(yuan) => _ = sheet.write_number_with_format(self.used, column, yuan, &money)?,
                        Err(_) => _ = sheet.write_string(self.used, column, amount)?,
                    },
                }
            }
            self.used += 1;
        }
        Ok(())
    }

    /// The whole workbook, in a temporary file that is gone when it is closed, read from its beginning.
    ///
    /// # Errors
    /// The file couldn't be written.
    pub fn finish(mut self) -> Result<File, XlsxError> {
        let mut file = tempfile::tempfile()?;
        self.workbook.save_to_writer(&mut file)?;
        file.seek(SeekFrom::Start(0))?;
        Ok(file)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::domain::money::Money;

    fn line(respondent: &str) -> LineView {
        let coded = |code: &str| Coded { code: code.to_owned(), name: format!("{code}的名称") };
        LineView {
            reference: "FX1".to_owned(),
            kind: "complaint".to_owned(),
            state: "accepted".to_owned(),
            version: 1,
            received_at: "2026-06-02T02:00:00Z".parse().unwrap(),
            due: Some("2026-06-11".parse().unwrap()),
            overdue: false,
            closed_on: None,
            sector: coded("courier"),
            division: coded("320115"),
            department: "post".to_owned(),
            office: coded("PA-3201"),
            station: None,
            channel: "web".to_owned(),
            assigned_to: None,
            respondent: Some(respondent.to_owned()),
            amount: Money::from_fen(268_000),
        }
    }

    #[test]
    fn sec_ou_04_no_cell_of_a_csv_is_taken_for_a_formula() {
        for planted in ["=1+1", "+86", "-2", "@SUM(A1)", "\t=1", "\r=1", "＝HYPERLINK(\"http://a\")"] {
            let file = Csv::new(Lang::Zh).lines([line(planted)]).unwrap();
            let mut read = csv::Reader::from_reader(&file[..]);
            let row = read.records().next().unwrap().unwrap();
            assert_eq!(&row[17], format!("'{planted}"), "{planted:?}");
            assert_eq!(&row[18], "2680.00", "a number stays one");
        }
    }

    #[test]
    fn headings_come_once_and_every_column_has_one() {
        for lang in [Lang::Zh, Lang::En] {
            assert!(headings(lang).all(|heading| !heading.is_empty()));
            let mut csv = Csv::new(lang);
            let whole = [csv.lines([line("甲")]).unwrap(), csv.lines([line("乙")]).unwrap()].concat();
            let whole = String::from_utf8(whole).unwrap();
            assert_eq!(whole.lines().count(), 3, "{whole}");
            assert!(whole.starts_with('\u{feff}'));
            let mut read = csv::Reader::from_reader(whole.as_bytes());
            assert_eq!(read.headers().unwrap().len(), COLUMNS.len());
            assert_eq!(read.records().filter(|row| row.as_ref().unwrap().len() == COLUMNS.len()).count(), 2);
        }
    }

    #[test]
    fn a_full_sheet_is_followed_by_another() {
        let mut xlsx = Xlsx::new(Lang::En).unwrap();
        xlsx.used = SHEET_LINES - 1;
        xlsx.lines([line("甲"), line("乙")]).unwrap();
        assert_eq!((xlsx.workbook.worksheets().len(), xlsx.used), (2, 2));
    }
}

//! A document as PDF/A-2b, A4, with the characters that it uses out of one embedded font.

use crate::config::catalogue::DocumentPart;
use crate::document::{Page, SEAL, day};
use krilla::configure::{Archival, ConfigurationBuilder};
use krilla::geom::{PathBuilder, Point};
use krilla::metadata::{DateTime, Metadata};
use krilla::page::PageSettings;
use krilla::paint::Stroke;
use krilla::surface::Surface;
use krilla::text::{Font, TextDirection};
use krilla::{Document, SerializeSettings};
use std::collections::BTreeSet;
use std::sync::LazyLock;
use ttf_parser::Face;
use unicode_linebreak::{BreakOpportunity, linebreaks};

static FONT: &[u8] = include_bytes!("../../assets/fonts/documents.otf");

/// The font for printing and for measuring; `None` would mean that the embedded file is damaged.
static FACES: LazyLock<Option<(Font, Face<'static>)>> =
    LazyLock::new(|| Some((Font::new(FONT.into(), 0)?, Face::parse(FONT, 0).ok()?)));

/// A4, in points.
const WIDTH: f32 = 595.28;
const HEIGHT: f32 = 841.89;
const LEFT: f32 = 79.0;
const TOP: f32 = 84.0;
const BOTTOM: f32 = HEIGHT - 76.0;
const INSIDE: f32 = WIDTH - 2.0 * LEFT;
const BODY: f32 = 14.0;
const LINE: f32 = 25.0;
const CELL_LINE: f32 = 20.0;
const PADDING: f32 = 6.0;
const LABEL: f32 = 118.0;

/// What is printed where the font lacks a character.
const LACKING: char = '〓';

/// The document as PDF: the same page always gives the same bytes.
///
/// # Errors
/// What the PDF writer says; none is known for pages that [`crate::document::compose`] makes.
pub fn pdf(page: &Page) -> Result<Vec<u8>, String> {
    let (font, face) = FACES.as_ref().ok_or("the embedded font can't be read")?;
    let mut printer = Printer { font, face, lines: Vec::new(), y: TOP, sheet: 0, lacking: BTreeSet::new() };
    printer.page(page);
    printer.finish(page)
}

/// Something to put on a sheet.
enum Mark {
    Text { x: f32, y: f32, size: f32, text: String },
    Rule { from: (f32, f32), to: (f32, f32) },
}

struct Printer<'a> {
    font: &'a Font,
    face: &'a Face<'static>,
    lines: Vec<(usize, Mark)>,
    y: f32,
    sheet: usize,
    lacking: BTreeSet<char>,
}

impl Printer<'_> {
    fn page(&mut self, page: &Page) {
        self.centred(&page.office, 16.0, 30.0);
        self.centred(&page.title, 22.0, 34.0);
        self.right(&page.number, 12.0, 30.0);
        for block in &page.blocks {
            match block {
                DocumentPart::Paragraph { indent, text } => text.lines().for_each(|line| self.paragraph(line, *indent)),
                DocumentPart::Row { label, value } => self.row(label, value),
                DocumentPart::Seal => {
                    self.room(4.0 * LINE);
                    self.y += LINE;
                    for line in [page.office.as_str(), SEAL, &day(page.on)] {
                        self.right(line, BODY, LINE);
                    }
                }
                DocumentPart::Signatures { who } => {
                    self.y += LINE / 2.0;
                    for one in who {
                        self.paragraph(&format!("{one}："), false);
                    }
                }
            }
        }
        if !self.lacking.is_empty() {
            let codes: Vec<String> = self.lacking.iter().map(|c| format!("U+{:04X}", u32::from(*c))).collect();
            let note = format!("注：标为“{LACKING}”的字为{}，印刷字库未收录，以网页版为准。", codes.join("、"));
            self.paragraph(&note, false);
        }
    }

    /// Makes sure that so much fits on the sheet; otherwise begins the next.
    fn room(&mut self, height: f32) {
        if self.y + height > BOTTOM {
            self.sheet += 1;
            self.y = TOP;
        }
    }

    fn text(&mut self, x: f32, y: f32, size: f32, text: &str) {
        self.lines.push((self.sheet, Mark::Text { x, y, size, text: text.to_owned() }));
    }

    fn centred(&mut self, text: &str, size: f32, height: f32) {
        let text = self.printable(text);
        for line in self.wrap(&text, size, INSIDE, 0.0) {
            let x = LEFT + (INSIDE - self.width(&line, size)) / 2.0;
            self.y += height;
            self.text(x, self.y, size, &line);
        }
    }

    fn right(&mut self, text: &str, size: f32, height: f32) {
        let text = self.printable(text);
        for line in self.wrap(&text, size, INSIDE, 0.0) {
            self.room(height);
            self.y += height;
            self.text(LEFT + INSIDE - self.width(&line, size), self.y, size, &line);
        }
    }

    fn paragraph(&mut self, text: &str, indent: bool) {
        let first = if indent { 2.0 * BODY } else { 0.0 };
        let text = self.printable(text);
        for (index, line) in self.wrap(&text, BODY, INSIDE, first).into_iter().enumerate() {
            self.room(LINE);
            self.y += LINE;
            self.text(LEFT + if index == 0 { first } else { 0.0 }, self.y, BODY, &line);
        }
    }

    /// A row of a table. One that doesn't fit on a sheet goes on on the next.
    fn row(&mut self, label: &str, value: &str) {
        let (label, value) = (self.printable(label), self.printable(value));
        let labels = self.wrap(&label, 12.0, LABEL - 2.0 * PADDING, 0.0);
        let mut values: Vec<String> =
            value.lines().flat_map(|line| self.wrap(line, 12.0, INSIDE - LABEL - 2.0 * PADDING, 0.0)).collect();
        let mut labels = labels.into_iter();
        loop {
            self.room(2.0 * CELL_LINE + PADDING);
            let top = if self.ends_in_rule() { self.y } else { self.y + PADDING };
            let fits = (((BOTTOM - top - PADDING) / CELL_LINE).floor().max(1.0)) as usize;
            let rest = if values.len() > fits { values.split_off(fits) } else { Vec::new() };
            let names: Vec<String> = labels.by_ref().collect();
            let count = values.len().max(names.len()).max(1);
            #[expect(clippy::cast_precision_loss, reason = "lines of one sheet are few")]
            let bottom = top + count as f32 * CELL_LINE + PADDING;
            for (x, texts) in [(LEFT + PADDING, &names), (LEFT + LABEL + PADDING, &values)] {
                let mut y = top;
                for text in texts {
                    y += CELL_LINE;
                    self.text(x, y - 4.0, 12.0, text);
                }
            }
            let (right, middle) = (LEFT + INSIDE, LEFT + LABEL);
            for (from, to) in [
                ((LEFT, top), (right, top)),
                ((LEFT, top), (LEFT, bottom)),
                ((middle, top), (middle, bottom)),
                ((right, top), (right, bottom)),
                ((LEFT, bottom), (right, bottom)),
            ] {
                self.lines.push((self.sheet, Mark::Rule { from, to }));
            }
            self.y = bottom;
            if rest.is_empty() {
                break;
            }
            values = rest;
            self.y = BOTTOM;
        }
    }

    fn ends_in_rule(&self) -> bool {
        matches!(self.lines.last(), Some((sheet, Mark::Rule { .. })) if *sheet == self.sheet)
    }

    /// The text with what the font lacks replaced, and noted.
    fn printable(&mut self, text: &str) -> String {
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '\n' => out.push('\n'),
                c if c.is_whitespace() => out.push(' '),
                c if c.is_control() => {}
                c if self.face.glyph_index(c).is_some() => out.push(c),
                c => {
                    self.lacking.insert(c);
                    out.push(LACKING);
                }
            }
        }
        out
    }

    fn width(&self, text: &str, size: f32) -> f32 {
        let units: u32 = text
            .chars()
            .filter_map(|c| self.face.glyph_index(c))
            .filter_map(|glyph| self.face.glyph_hor_advance(glyph))
            .map(u32::from)
            .sum();
        #[expect(clippy::cast_precision_loss, reason = "a line is some hundred thousand units at most")]
        let units = units as f32;
        units * size / f32::from(self.face.units_per_em())
    }

    /// Breaks a paragraph where Unicode's rules allow (UAX 14); what has no such place is broken anywhere.
    fn wrap(&self, text: &str, size: f32, width: f32, first: f32) -> Vec<String> {
        let mut lines = vec![String::new()];
        let mut used = first;
        let mut begin = 0;
        for (end, opportunity) in linebreaks(text) {
            let piece = text[begin..end].trim_end_matches('\n');
            begin = end;
            let wide = self.width(piece.trim_end(), size);
            if used + wide > width && used > first.min(used) && !lines.last().is_some_and(String::is_empty) {
                lines.push(String::new());
                used = 0.0;
            }
            if wide > width {
                for c in piece.chars() {
                    let wide = self.width(c.encode_utf8(&mut [0; 4]), size);
                    if used + wide > width {
                        lines.push(String::new());
                        used = 0.0;
                    }
                    if let Some(line) = lines.last_mut() {
                        line.push(c);
                    }
                    used += wide;
                }
            } else if let Some(line) = lines.last_mut() {
                line.push_str(piece);
                used += self.width(piece, size);
            }
            if opportunity == BreakOpportunity::Mandatory && end < text.len() {
                lines.push(String::new());
                used = 0.0;
            }
        }
        lines.iter().map(|line| line.trim_end().to_owned()).collect()
    }

    fn finish(self, page: &Page) -> Result<Vec<u8>, String> {
        let configuration = ConfigurationBuilder::new()
            .with_archival_validator(Archival::A2_B)
            .finish()
            .map_err(|error| format!("{error:?}"))?;
        let mut document = Document::new_with(SerializeSettings { configuration, ..SerializeSettings::default() });
        let on = DateTime::new(u16::try_from(page.on.year()).unwrap_or_default())
            .month(page.on.month().unsigned_abs())
            .day(page.on.day().unsigned_abs());
        document.set_metadata(
            Metadata::new()
                .title(format!("{} {}", page.title, page.number))
                .authors(vec![page.office.clone()])
                .language("zh-CN".to_owned())
                .creation_date(on),
        );
        for sheet in 0..=self.sheet {
            let settings = PageSettings::from_wh(WIDTH, HEIGHT).ok_or("no such sheet")?;
            let mut printed = document.start_page_with(settings);
            let mut surface = printed.surface();
            for (_, mark) in self.lines.iter().filter(|(on, _)| *on == sheet) {
                put(&mut surface, self.font, mark);
            }
            let foot = format!("第{}页 共{}页", sheet + 1, self.sheet + 1);
            let x = LEFT + (INSIDE - self.width(&foot, 9.0)) / 2.0;
            put(&mut surface, self.font, &Mark::Text { x, y: HEIGHT - 40.0, size: 9.0, text: foot });
            surface.finish();
            printed.finish();
        }
        document.finish().map_err(|error| format!("{error:?}"))
    }
}

fn put(surface: &mut Surface<'_>, font: &Font, mark: &Mark) {
    match mark {
        Mark::Text { x, y, size, text } => {
            surface.set_stroke(None);
            surface.draw_text(Point::from_xy(*x, *y), font.clone(), *size, text, false, TextDirection::LeftToRight);
        }
        Mark::Rule { from, to } => {
            let mut path = PathBuilder::new();
            path.move_to(from.0, from.1);
            path.line_to(to.0, to.1);
            if let Some(path) = path.finish() {
                surface.set_stroke(Some(Stroke { width: 0.6, ..Stroke::default() }));
                surface.draw_path(&path);
                surface.set_stroke(None);
            }
        }
    }
}

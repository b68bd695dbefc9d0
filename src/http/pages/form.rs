//! Forms: how one is read, and the parts that one is made of. Every part works without scripts; the words of a fault stand
//! at the field and once more in the summary, which links to it.
//!
//! A field is called by its name everywhere: it is the name in the request, the key of its label (`field`), of its hint
//! (`hint`), and of its place on the page (`#name`).

use crate::app::App;
use crate::domain::problem::Problems;
use crate::http::csrf;
use crate::http::error::Problem;
use crate::http::extract::{Pairs, check_type, read};
use crate::http::pages::frame::Frame;
use actix_web::{FromRequest, HttpRequest, dev, web};
use askama::Template;
use futures_util::future::LocalBoxFuture;
use std::collections::BTreeMap;
use std::time::Duration;

/// Largest form without files.
const MOST: usize = 65_536;

/// The fields of a form as they were sent; of a name that stands several times, all values.
#[derive(Debug, Clone, Default)]
pub struct Fields(BTreeMap<String, Vec<String>>);

impl Fields {
    /// The value of a field without spaces around it; empty when it wasn't sent.
    pub fn get(&self, name: &str) -> &str {
        self.raw(name).trim()
    }

    /// The value of a field exactly as it was sent, as a password must be read.
    pub fn raw(&self, name: &str) -> &str {
        self.0.get(name).and_then(|values| values.first()).map_or("", String::as_str)
    }

    /// The value of a field, unless it is empty.
    pub fn given(&self, name: &str) -> Option<String> {
        Some(self.get(name)).filter(|value| !value.is_empty()).map(str::to_owned)
    }

    /// All values of a field.
    pub fn all(&self, name: &str) -> &[String] {
        self.0.get(name).map_or(&[], Vec::as_slice)
    }

    /// Every field with each of its values.
    pub fn pairs(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0.iter().flat_map(|(name, values)| values.iter().map(move |value| (name.as_str(), value.as_str())))
    }

    /// Fields that were kept.
    pub const fn of(all: BTreeMap<String, Vec<String>>) -> Self {
        Self(all)
    }

    /// All of them.
    pub fn into_all(self) -> BTreeMap<String, Vec<String>> {
        self.0
    }

    /// Those of an address's parameters that are asked for, as a form that asks by its address reads them.
    pub fn among(pairs: &Pairs, asked: impl Fn(&str, &str) -> bool) -> Self {
        let mut fields = Self::default();
        for (name, value) in pairs.0.iter().filter(|(name, value)| asked(name, value)) {
            fields.add(name, value);
        }
        fields
    }

    /// Gives a field one value.
    pub fn set(&mut self, name: &str, value: &str) {
        self.0.insert(name.to_owned(), vec![value.to_owned()]);
    }

    /// Adds a value.
    pub fn add(&mut self, name: &str, value: &str) {
        // Browsers send line ends as CR LF.
        let value = value.replace("\r\n", "\n");
        self.0.entry(name.to_owned()).or_default().push(value);
    }
}

impl FromRequest for Fields {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    /// Reads a form that was sent from a page of this service; from anywhere else it is refused with 403.
    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let (request, payload) = (request.clone(), payload.take());
        Box::pin(async move {
            let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no app data"))?;
            check_own(&request, app)?;
            check_type(&request, "application/x-www-form-urlencoded")?;
            let patience = Duration::from_secs(app.settings.server.body_timeout_seconds);
            let body = read(&request, payload, MOST, patience).await?;
            let unreadable = || Problem::bad_request("malformed_form", "the form can't be read");
            let body = std::str::from_utf8(&body).map_err(|_| unreadable())?;
            let pairs = web::Query::<Vec<(String, String)>>::from_query(body).map_err(|_| unreadable())?.into_inner();
            let mut fields = Self::default();
            for (name, value) in pairs {
                if value.contains('\0') {
                    return Err(unreadable());
                }
                fields.add(&name, &value);
            }
            Ok(fields)
        })
    }
}

/// Refuses a form that was sent from another site.
///
/// # Errors
/// 403.
pub fn check_own(request: &HttpRequest, app: &App) -> Result<(), Problem> {
    csrf::check_origin(request, app.settings.server.public_url.as_deref())
}

/// What is wrong with a form: fields and words, in the order of the page.
#[derive(Debug, Clone, Default)]
pub struct Faults(Vec<(String, String)>);

impl Faults {
    /// Notes a fault in words.
    pub fn add(&mut self, field: &str, words: impl Into<String>) {
        if self.of(field).is_empty() {
            self.0.push((field.to_owned(), words.into()));
        }
    }

    /// Takes over the faults that the stages found: `name` says which field a JSON pointer belongs to, if it is on this page.
    pub fn take(&mut self, frame: &Frame, problems: &Problems, name: impl Fn(&str) -> Option<String>) {
        for problem in &problems.0 {
            if let Some(field) = name(&problem.pointer) {
                self.add(&field, words(frame, &field, problem.fault.code));
            }
        }
    }

    /// The words at a field; empty when nothing is wrong with it.
    pub fn of(&self, field: &str) -> &str {
        self.0.iter().find(|(name, _)| name == field).map_or("", |(_, words)| words.as_str())
    }

    /// All of them, in the order in which they were found.
    pub fn list(&self) -> &[(String, String)] {
        &self.0
    }

    /// Whether nothing is wrong.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// A fault in words for people: the field's own words for the code, else the code's.
fn words(frame: &Frame, field: &str, code: &str) -> String {
    let own = frame.coded("fault", &format!("{field}_{code}"));
    let common = frame.coded("fault", code);
    let label = frame.coded("field", field);
    match (own, common) {
        ("", "") => frame.say("form.wrong", &[("field", label)]),
        ("", common) => format!("{label}{}{common}", frame.t("form.colon")),
        (own, _) => own.to_owned(),
    }
}

/// A form on its page: what was typed, and what is wrong with it.
#[derive(Debug, Clone)]
pub struct Form {
    /// The page's frame, for its texts.
    pub frame: Frame,
    /// What was typed.
    pub fields: Fields,
    /// What is wrong with it.
    pub faults: Faults,
}

/// One of several answers.
#[derive(Debug, Clone, Default)]
pub struct Choice {
    /// Value in the request.
    pub value: String,
    /// What it says.
    pub label: String,
    /// A line under it.
    pub hint: String,
    /// Words of the person's own that speak for it.
    pub words: Vec<String>,
    /// A short mark beside the label.
    pub badge: String,
}

impl Choice {
    /// A value with its label.
    pub fn new(value: impl Into<String>, label: impl Into<String>) -> Self {
        Self { value: value.into(), label: label.into(), ..Self::default() }
    }

    /// With a line under the label.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = hint.into();
        self
    }
}

#[derive(Template)]
#[template(path = "parts/summary.html")]
struct Summary<'a> {
    form: &'a Form,
}

#[derive(Template)]
#[template(path = "parts/line.html")]
struct Line<'a> {
    form: &'a Form,
    name: &'a str,
    kind: &'a str,
    must: bool,
    value: &'a str,
}

#[derive(Template)]
#[template(path = "parts/area.html")]
struct Area<'a> {
    form: &'a Form,
    name: &'a str,
    rows: u8,
    must: bool,
    value: &'a str,
    alone: bool,
}

#[derive(Template)]
#[template(path = "parts/choices.html")]
struct Choices<'a> {
    form: &'a Form,
    name: &'a str,
    choices: &'a [Choice],
    look: &'a str,
    many: bool,
    must: bool,
}

#[derive(Template)]
#[template(path = "parts/select.html")]
struct Select<'a> {
    form: &'a Form,
    name: &'a str,
    groups: &'a [(String, Vec<Choice>)],
    must: bool,
    value: &'a str,
}

/// A part as HTML. Parts are made of text only: they always render.
fn html(part: &impl Template) -> String {
    part.render().unwrap_or_default()
}

impl Form {
    /// A form with what is known so far.
    pub fn new(frame: &Frame, fields: Fields) -> Self {
        Self { frame: frame.clone(), fields, faults: Faults::default() }
    }

    /// The label of a field.
    pub fn label(&self, name: &str) -> &'static str {
        self.frame.coded("field", name)
    }

    /// The hint of a field; empty when it has none.
    pub fn hint(&self, name: &str) -> &'static str {
        self.frame.coded("hint", name)
    }

    /// Ids of what describes a field.
    pub fn described(&self, name: &str) -> String {
        let mut ids = Vec::new();
        if !self.hint(name).is_empty() {
            ids.push(format!("{name}-hint"));
        }
        if !self.faults.of(name).is_empty() {
            ids.push(format!("{name}-fault"));
        }
        ids.join(" ")
    }

    /// The faults, linked to their fields; nothing when there are none.
    pub fn summary(&self) -> String {
        if self.faults.is_empty() { String::new() } else { html(&Summary { form: self }) }
    }

    fn entry(&self, name: &str, kind: &str, must: bool) -> String {
        html(&Line { form: self, name, kind, must, value: self.fields.get(name) })
    }

    /// A line of text; `kind`: `text`, `tel`, `email`, `money`, `date`, `code`, `name`, `address`, `password`.
    pub fn line(&self, name: &str, kind: &str) -> String {
        self.entry(name, kind, false)
    }

    /// The same, which must be filled in.
    pub fn must_line(&self, name: &str, kind: &str) -> String {
        self.entry(name, kind, true)
    }

    /// Text of several lines.
    pub fn area(&self, name: &str, rows: u8, must: bool) -> String {
        html(&Area { form: self, name, rows, must, value: self.fields.get(name), alone: false })
    }

    /// Text of several lines that is the page's only question: its label is the title.
    pub fn question(&self, name: &str, rows: u8) -> String {
        html(&Area { form: self, name, rows, must: true, value: self.fields.get(name), alone: true })
    }

    /// One of several answers, each a card; none is chosen before the person chooses.
    pub fn cards(&self, name: &str, choices: &[Choice]) -> String {
        html(&Choices { form: self, name, choices, look: "cards", many: false, must: true })
    }

    /// One of a few short answers, side by side; `look`: `segments` or `faces`.
    pub fn segments(&self, name: &str, choices: &[Choice], look: &str) -> String {
        html(&Choices { form: self, name, choices, look, many: false, must: true })
    }

    /// Any of several answers.
    pub fn checks(&self, name: &str, choices: &[Choice]) -> String {
        html(&Choices { form: self, name, choices, look: "checks", many: true, must: false })
    }

    /// One of many, in groups; a group without a name stands by itself.
    pub fn select(&self, name: &str, groups: &[(String, Vec<Choice>)], must: bool) -> String {
        html(&Select { form: self, name, groups, must, value: self.fields.get(name) })
    }

    /// The face of a satisfaction from 1 to 5.
    pub fn face(&self, value: &str) -> String {
        self.frame.icon(&format!("face{value}"))
    }

    /// Whether a value is chosen.
    pub fn has(&self, name: &str, value: &str) -> bool {
        self.fields.all(name).iter().any(|given| given == value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_password_keeps_its_spaces_and_other_fields_lose_them() {
        let mut fields = Fields::default();
        fields.add("password", " a b ");
        assert_eq!((fields.raw("password"), fields.get("password")), (" a b ", "a b"));
        assert_eq!(fields.given("password").as_deref(), Some("a b"));
        assert_eq!((fields.get("other"), fields.given("other")), ("", None));
    }

    #[test]
    fn what_is_typed_is_escaped_and_nothing_is_chosen_beforehand() {
        let frame = Frame::of(&TestRequest::get().uri("/file").to_http_request());
        let mut fields = Fields::default();
        fields.add("respondent_name", "\"><script>x</script>");
        let mut form = Form::new(&frame, fields);
        let line = form.line("respondent_name", "text");
        assert!(!line.contains("<script>") && line.contains("&#60;script&#62;"), "{line}");
        let cards = form.cards("sector", &[Choice::new("a", "A"), Choice::new("b", "B")]);
        assert!(!cards.contains("checked"), "{cards}");
        form.faults.add("respondent_name", "<i>");
        assert!(form.summary().contains("href=\"#respondent_name\"") && !form.summary().contains("<i>"));
        assert!(form.line("respondent_name", "text").contains("aria-invalid=\"true\""));
    }
}

//! The texts of notices: a file for each in `templates/`, in both languages, checked against the list of notices.

use super::error::{ConfigError, Faults};
use super::node::read_toml;
use super::source::Source;
use crate::domain::notice::{Form, NOTICES, Notice};
use crate::domain::vocabulary::Lang;
use minijinja::{Environment, UndefinedBehavior};
use std::fmt;

/// The texts of every notice, compiled.
#[derive(Clone, Default)]
pub struct Templates(Environment<'static>);

impl fmt::Debug for Templates {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Templates")
    }
}

/// A part of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Piece {
    /// One line: the subject of a mail.
    Subject,
    /// The text of a mail.
    Text,
    /// The text message.
    Sms,
}

impl Piece {
    const fn key(self) -> &'static str {
        match self {
            Self::Subject => "subject",
            Self::Text => "text",
            Self::Sms => "sms",
        }
    }
}

/// Why a notice has no text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("notice {notice}: {detail}")]
pub struct NoText {
    notice: String,
    detail: String,
}

impl Templates {
    /// Fills a part of a notice. Line ends and other control characters are taken out of a subject, so that no value can
    /// begin another header.
    ///
    /// # Errors
    /// When there is no such text, or it can't be filled with these values.
    pub fn fill(
        &self,
        notice: &str,
        lang: Lang,
        piece: Piece,
        values: &serde_json::Map<String, serde_json::Value>,
    ) -> Result<String, NoText> {
        let fail = |error: minijinja::Error| NoText { notice: notice.to_owned(), detail: error.to_string() };
        let name = name(notice, lang, piece);
        let text = self.0.get_template(&name).map_err(fail)?.render(context(values)).map_err(fail)?;
        Ok(match piece {
            Piece::Subject => text.split(|c: char| c.is_control() || c == '\u{2028}' || c == '\u{2029}').fold(
                String::new(),
                |mut line, part| {
                    if !line.is_empty() && !part.is_empty() {
                        line.push(' ');
                    }
                    line.push_str(part.trim());
                    line
                },
            ),
            Piece::Text | Piece::Sms => text.trim_end().to_owned(),
        })
    }
}

fn context(values: &serde_json::Map<String, serde_json::Value>) -> minijinja::Value {
    use minijinja::Value as Shown;
    use serde_json::Value;
    minijinja::Value::from_pairs(values.iter().map(|(name, value)| {
        let shown = match value {
            Value::String(text) => Shown::from(text.as_str()),
            Value::Bool(given) => Shown::from(*given),
            Value::Null => Shown::from(""),
            other => Shown::from(other.to_string()),
        };
        (name.as_str(), shown)
    }))
}

fn name(notice: &str, lang: Lang, piece: Piece) -> String {
    format!("{notice}.{}.{}", lang.code(), piece.key())
}

/// Every template of every notice.
pub(super) fn load(source: &Source, faults: &mut Faults) -> Templates {
    let mut environment = Environment::new();
    environment.set_undefined_behavior(UndefinedBehavior::Strict);
    environment.set_auto_escape_callback(|_| minijinja::AutoEscape::None);
    for notice in NOTICES {
        let file = format!("templates/{}.toml", notice.name);
        let Ok(text) = source.read(&file) else {
            faults.push(ConfigError::of_file(&source.label(&file), "is missing: every notice needs its template"));
            continue;
        };
        let Some(table) = read_toml(source, &file, faults) else { continue };
        let label = source.label(&file);
        one(&mut environment, notice, &label, &text, &table, faults);
    }
    let known: Vec<String> = NOTICES.iter().map(|notice| format!("templates/{}.toml", notice.name)).collect();
    for file in source.list("templates", "toml").iter().filter(|file| !known.contains(file)) {
        let fault = ConfigError::of_file(&source.label(file), "no notice has this name");
        faults.push(fault.allowed(NOTICES.iter().map(|notice| notice.name).collect::<Vec<_>>().join(", ")));
    }
    Templates(environment)
}

fn one(
    environment: &mut Environment<'static>,
    notice: &'static Notice,
    label: &str,
    text: &str,
    table: &toml::Table,
    faults: &mut Faults,
) {
    let pieces = [Piece::Subject, Piece::Text, Piece::Sms];
    let languages: Vec<&str> = Lang::ALL.iter().map(|lang| lang.code()).collect();
    for key in table.keys().filter(|key| !languages.contains(&key.as_str())) {
        let fault =
            ConfigError::at(label, line_of(text, 0, &format!("[{key}]")), key, None, "no language of this service");
        faults.push(fault.allowed(languages.join(", ")));
    }
    for lang in Lang::ALL {
        let section = format!("[{}]", lang.code());
        let Some(given) = table.get(lang.code()).and_then(toml::Value::as_table) else {
            faults.push(ConfigError::at(
                label,
                None,
                &section,
                None,
                "is missing: a notice is written in every language",
            ));
            continue;
        };
        let start = text.lines().position(|line| line.trim() == section).unwrap_or(0);
        for key in given.keys().filter(|key| !pieces.iter().any(|piece| piece.key() == key.as_str())) {
            let allowed = pieces.iter().map(|piece| piece.key()).collect::<Vec<_>>().join(", ");
            let place = line_of(text, start, key);
            faults.push(ConfigError::at(label, place, key, None, "no part of this notice").allowed(allowed));
        }
        for piece in &pieces {
            let key = format!("{}.{}", lang.code(), piece.key());
            match given.get(piece.key()).and_then(toml::Value::as_str) {
                Some(body) if !body.trim().is_empty() => {
                    let at = line_of(text, start, &format!("{} =", piece.key()));
                    compile(environment, notice, *lang, *piece, (label, text, at, &key), body, faults);
                }
                _ => faults.push(ConfigError::at(label, line_of(text, 0, &section), &key, None, "is missing")),
            }
        }
    }
}

fn compile(
    environment: &mut Environment<'static>,
    notice: &'static Notice,
    lang: Lang,
    piece: Piece,
    (label, text, at, key): (&str, &str, Option<u64>, &str),
    body: &str,
    faults: &mut Faults,
) {
    let name = name(notice.name, lang, piece);
    if let Err(error) = environment.add_template_owned(name.clone(), body.to_owned()) {
        // A text in """ begins on the line after its key.
        let within = error.line().and_then(|line| u64::try_from(line).ok()).unwrap_or(1);
        let detail = error.detail().map_or_else(|| error.kind().to_string(), str::to_owned);
        faults.push(ConfigError::at(label, at.map(|at| at + within), key, None, detail));
        return;
    }
    let allowed = notice.all_variables();
    let Ok(template) = environment.get_template(&name) else { return };
    let mut unknown: Vec<String> =
        template.undeclared_variables(false).into_iter().filter(|used| !allowed.contains(&used.as_str())).collect();
    unknown.sort();
    for used in unknown {
        let from = at.map_or(0, |at| usize::try_from(at).unwrap_or(1) - 1);
        let fault =
            ConfigError::at(label, line_of(text, from, &used), key, Some(&used), "this notice has no such variable");
        faults.push(fault.allowed(allowed.join(", ")));
    }
    // The number is what a person needs to find the matter again.
    if notice.form != Form::Person
        && piece == Piece::Text
        && !template.undeclared_variables(false).contains("reference")
    {
        faults.push(ConfigError::at(label, at, key, None, "must name the case by {{ reference }}"));
    }
    if notice.name == "code" && piece != Piece::Subject && !template.undeclared_variables(false).contains("code") {
        faults.push(ConfigError::at(label, at, key, None, "must give the code by {{ code }}"));
    }
}

/// The number of the first line from `start` (0-based) on that holds a word.
fn line_of(text: &str, start: usize, word: &str) -> Option<u64> {
    let found = text.lines().skip(start).position(|line| line.contains(word))?;
    u64::try_from(start + found + 1).ok()
}

/// The values that a test fills every template with: each variable by its own name.
#[cfg(test)]
fn names_as_values(notice: &Notice) -> Vec<(&'static str, String)> {
    notice.all_variables().into_iter().map(|name| (name, format!("‹{name}›"))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn in_folder(name: &str, text: &str) -> Vec<String> {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("templates")).unwrap();
        fs::write(folder.path().join("templates").join(name), text).unwrap();
        let mut faults = Faults::new();
        load(&Source::Folder(folder.path().to_owned()), &mut faults);
        let root = format!("{}/", folder.path().display());
        faults.iter().map(|fault| fault.to_string().replace(&root, "")).collect()
    }

    #[test]
    fn every_notice_is_written_in_both_languages_and_reads_so() {
        let mut faults = Faults::new();
        let templates = load(&Source::Embedded, &mut faults);
        assert!(faults.is_empty(), "{faults:#?}");
        let mut all = String::new();
        for notice in NOTICES {
            let values =
                names_as_values(notice).into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
            for lang in Lang::ALL {
                for piece in &[Piece::Subject, Piece::Text, Piece::Sms] {
                    let text = templates.fill(notice.name, *lang, *piece, &values).unwrap();
                    all.push_str(&format!("── {} {} {}\n{text}\n", notice.name, lang.code(), piece.key()));
                }
            }
        }
        insta::assert_snapshot!(all);
    }

    #[test]
    fn all_faults_of_a_template_are_told_at_once_with_their_lines() {
        let text = "[zh]\nsubject = \"受理 {{ nome }}\"\ntext = \"\"\"\n您好\n{{ reference }} {{ due\n\"\"\"\nsms = \"{{ reference }}\"\nfax = \"x\"\n[fr]\n";
        let faults = in_folder("acceptance.toml", text);
        let told = faults.join("\n");
        assert!(
            told.contains("templates/acceptance.toml:2: zh.subject \"nome\": this notice has no such variable"),
            "{told}"
        );
        assert!(told.contains("templates/acceptance.toml:5: zh.text"), "{told}");
        assert!(told.contains("templates/acceptance.toml:8: fax: no part of this notice"), "{told}");
        assert!(told.contains("[en]: is missing") && told.contains("fr: no language of this service"), "{told}");
        assert_eq!(faults.len(), 5, "{told}");
        let unknown = in_folder("acceptances.toml", "[zh]\n");
        assert!(unknown.len() == 1 && unknown[0].contains("no notice has this name"), "{unknown:?}");
    }

    #[test]
    fn a_subject_stays_one_line() {
        let templates = load(&Source::Embedded, &mut Faults::new());
        let notice = super::super::templates::NOTICES.iter().find(|notice| notice.name == "acceptance").unwrap();
        let hostile = "x\r\nBcc: evil@example.com\u{85}\u{2028}y\0";
        let values = notice.all_variables().into_iter().map(|name| (name.to_owned(), hostile.into())).collect();
        let subject = templates.fill("acceptance", Lang::Zh, Piece::Subject, &values).unwrap();
        assert!(!subject.contains(|c: char| c.is_control() || c == '\u{2028}'), "{subject:?}");
    }
}

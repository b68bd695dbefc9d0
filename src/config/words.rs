//! Words for codes, in both languages: what notices and documents say instead of a code.

use super::catalogue::Name;
use super::error::Faults;
use super::node::{Node, read_toml};
use super::source::Source;
use crate::domain::transition::{BODIES, TABLE, Value};
use crate::domain::vocabulary::{Demand, Lang};
use std::collections::{BTreeMap, BTreeSet};

const FILE: &str = "locales/words.toml";

/// Fields of steps whose codes notices tell.
const FIELDS: &[&str] = &["cause", "outcome", "decision"];

/// What documents say besides what was written and coded.
const OF_DOCUMENTS: &[&str] = &[
    "complaint",
    "report",
    "consents",
    "declines",
    "filed",
    "not_filed",
    "anonymous",
    "the_person",
    "the_merchant",
    "no_demand",
    "yuan",
];

/// Words by section and code.
#[derive(Debug, Clone, Default)]
pub struct Words(BTreeMap<(String, String), Name>);

impl Words {
    /// The word for a code; `None` for what is no code of the section.
    pub fn find(&self, section: &str, code: &str, lang: Lang) -> Option<&str> {
        self.0.get(&(section.to_owned(), code.to_owned())).map(|name| name.in_lang(lang))
    }

    /// What a document says for a code; empty for a code that isn't in the catalogue, which its check at start rules out.
    pub fn in_document(&self, section: &str, code: &str) -> &str {
        self.find(section, code, Lang::Zh).unwrap_or_default()
    }
}

/// Every code that needs a word.
fn wanted() -> BTreeSet<(&'static str, &'static str)> {
    let of_steps = TABLE.iter().flat_map(|row| row.fields).filter(|field| FIELDS.contains(&field.name));
    of_steps
        .flat_map(|field| match field.value {
            Value::Code(codes) => codes.iter().map(|code| (field.name, *code)).collect(),
            _ => Vec::new(),
        })
        .chain(BODIES.iter().map(|body| ("body", *body)))
        .chain(Demand::ALL.iter().map(|demand| ("demand", demand.code())))
        .chain(OF_DOCUMENTS.iter().map(|code| ("document", *code)))
        .collect()
}

/// Reads the file.
pub(super) fn load(source: &Source, faults: &mut Faults) -> Words {
    let Some(table) = read_toml(source, FILE, faults) else { return Words::default() };
    let label = source.label(FILE);
    let root = Node::root(&label, &table);
    let wanted = wanted();
    let sections: BTreeSet<&str> = wanted.iter().map(|(section, _)| *section).collect();
    root.only(&sections.iter().copied().collect::<Vec<_>>(), faults);
    let mut words = Words::default();
    for section in sections {
        let codes: Vec<&str> = wanted.iter().filter(|(of, _)| *of == section).map(|(_, code)| *code).collect();
        let Some(node) = root.child(section, faults) else {
            faults.push(root.fault(section, None, "is missing"));
            continue;
        };
        node.only(&codes, faults);
        for code in codes {
            let Some(word) = node.child(code, faults) else {
                faults.push(node.fault(code, None, "is missing"));
                continue;
            };
            word.only(&["zh", "en"], faults);
            if let (Some(zh), Some(en)) = (word.text("zh", faults), word.text("en", faults)) {
                let name = Name { zh: zh.to_owned(), en: en.to_owned() };
                words.0.insert((section.to_owned(), code.to_owned()), name);
            }
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn every_code_has_its_word_in_both_languages() {
        let mut faults = Faults::new();
        let words = load(&Source::Embedded, &mut faults);
        assert!(faults.is_empty(), "{faults:#?}");
        for (section, code) in wanted() {
            for lang in Lang::ALL {
                assert!(words.find(section, code, *lang).is_some_and(|word| !word.is_empty()), "{section} {code}");
            }
        }
        assert_eq!(words.find("cause", "no_such", Lang::Zh), None);
    }

    #[test]
    fn what_is_missing_or_too_much_is_told_at_once() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("locales")).unwrap();
        let text = fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/config/locales/words.toml")).unwrap();
        let broken = text
            .replace(
                "recusal = { zh = \"调解人员回避\", en = \"a mediator withdraws\" }",
                "recusal = { zh = \"回避\" }",
            )
            .replace("police =", "polizei =");
        assert_ne!(text, broken);
        fs::write(folder.path().join("locales/words.toml"), broken).unwrap();
        let mut faults = Faults::new();
        load(&Source::Folder(folder.path().to_owned()), &mut faults);
        let told = faults.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n");
        for part in ["cause.recusal.en: is missing", "body.police: is missing", "body.polizei: unknown key"] {
            assert!(told.contains(part), "{part} in {told}");
        }
        assert_eq!(faults.len(), 3, "{told}");
    }
}

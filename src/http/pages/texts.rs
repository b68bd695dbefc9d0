//! Texts of the pages, out of `config/locales`. Both languages have the same keys, and every key is used: tests hold that.

use crate::domain::vocabulary::Lang;
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Texts for people, by section and key.
type Texts = BTreeMap<String, BTreeMap<String, String>>;

#[expect(clippy::expect_used, reason = "the files are part of the build, and a test reads them")]
fn read(files: [&str; 2]) -> Texts {
    let mut texts = Texts::new();
    for file in files {
        texts.extend(toml::from_str::<Texts>(file).expect("texts in TOML"));
    }
    texts
}

macro_rules! locale {
    ($file:literal) => {
        include_str!(concat!("../../../config/locales/", $file, ".toml"))
    };
}

static ZH: LazyLock<Texts> = LazyLock::new(|| read([locale!("zh"), locale!("staff-zh")]));
static EN: LazyLock<Texts> = LazyLock::new(|| read([locale!("en"), locale!("staff-en")]));

/// A text in a language, when there is one.
pub fn find(lang: Lang, section: &str, key: &str) -> Option<&'static str> {
    let texts = match lang {
        Lang::Zh => &*ZH,
        Lang::En => &*EN,
    };
    texts.get(section)?.get(key).map(String::as_str)
}

/// A text in a language. A key without a text shows nothing rather than failing a page; a test finds it.
pub fn text(lang: Lang, section: &str, key: &str) -> &'static str {
    find(lang, section, key).unwrap_or_default()
}

/// A text named as `section.key`.
pub fn t(lang: Lang, name: &str) -> &'static str {
    name.split_once('.').map_or("", |(section, key)| text(lang, section, key))
}

/// A text with its `{name}`s filled in. The values are plain text: whoever puts it into a page escapes the whole.
pub fn say(lang: Lang, name: &str, values: &[(&str, &str)]) -> String {
    let mut said = String::new();
    let mut rest = t(lang, name);
    while let Some((before, after)) = rest.split_once('{') {
        said.push_str(before);
        let (wanted, behind) = after.split_once('}').unwrap_or((after, ""));
        said.push_str(values.iter().find(|(known, _)| *known == wanted).map_or("", |(_, value)| value));
        rest = behind;
    }
    said.push_str(rest);
    said
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeSet;
    use std::fs;
    use std::path::Path;

    /// Sections whose keys are codes that the program puts together: vocabulary, fields, steps. What they must hold is
    /// checked where the codes are.
    const CODED: &[&str] = &[
        "act_hint",
        "act_submit",
        "act_title",
        "action",
        "admin_fault",
        "answer",
        "audit_broken",
        "audit_data",
        "audit_fault",
        "audit_kind",
        "audit_value",
        "board_column",
        "board_of",
        "board_part",
        "board_step",
        "bulk_why",
        "channel",
        "clock",
        "clock_later",
        "demand",
        "desk_key",
        "desk_sort",
        "enter_field",
        "enter_hint",
        "error",
        "event",
        "export",
        "fault",
        "field",
        "flash",
        "group_why",
        "hint",
        "joint_about",
        "joint_no",
        "joint_part",
        "joint_title",
        "joint_yes",
        "login_fault",
        "membership",
        "row",
        "sector_about",
        "setup",
        "staff_action",
        "staff_clock",
        "staff_delivery",
        "staff_demand",
        "staff_fault",
        "staff_field",
        "staff_hint",
        "staff_kind",
        "staff_missing",
        "staff_notice",
        "staff_outcome",
        "staff_part",
        "staff_role",
        "staff_state",
        "staff_value",
        "staff_way",
        "stand",
        "stand_line",
        "state",
        "state_line",
        "station_kind",
        "step_hint",
        "step_title",
        "tab",
    ];

    fn names(texts: &Texts) -> BTreeSet<String> {
        texts.iter().flat_map(|(section, texts)| texts.keys().map(move |key| format!("{section}.{key}"))).collect()
    }

    #[test]
    fn both_languages_have_the_same_texts() {
        let (zh, en) = (names(&ZH), names(&EN));
        let missing: Vec<_> = zh.symmetric_difference(&en).collect();
        assert!(missing.is_empty(), "only in one language: {missing:?}");
        for (name, text) in
            ZH.iter().chain(&*EN).flat_map(|(section, texts)| texts.iter().map(move |(k, v)| ((section, k), v)))
        {
            assert!(!text.trim().is_empty(), "{name:?} is empty");
        }
    }

    #[test]
    fn both_languages_fill_in_the_same_values() {
        let slots = |text: &str| -> BTreeSet<String> {
            text.split('{').skip(1).filter_map(|part| part.split_once('}')).map(|(name, _)| name.to_owned()).collect()
        };
        for name in names(&ZH) {
            assert_eq!(slots(t(Lang::Zh, &name)), slots(t(Lang::En, &name)), "{name}");
        }
    }

    /// Every `"section.key"` that stands in a template or in the source of the pages.
    fn used() -> BTreeSet<String> {
        let root = Path::new(env!("CARGO_MANIFEST_DIR"));
        let mut used = BTreeSet::new();
        let mut folders = vec![root.join("templates"), root.join("src/http/pages")];
        while let Some(folder) = folders.pop() {
            for entry in fs::read_dir(folder).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                    continue;
                }
                let text = fs::read_to_string(&path).unwrap();
                for part in text.split('"').skip(1) {
                    let plain = |name: &str| {
                        !name.is_empty()
                            && name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_')
                    };
                    if let Some((section, key)) = part.split_once('.')
                        && plain(section)
                        && plain(key)
                        && ZH.contains_key(section)
                        && !matches!(key, "html" | "css" | "js")
                    {
                        used.insert(part.to_owned());
                    }
                }
            }
        }
        used
    }

    #[test]
    fn every_text_is_used_and_every_used_text_is_there() {
        let (used, there) = (used(), names(&ZH));
        assert!(used.len() > 20, "only {} uses were found", used.len());
        let missing: Vec<_> = used.difference(&there).collect();
        assert!(missing.is_empty(), "used, but without a text: {missing:?}");
        let coded = |name: &&String| name.split_once('.').is_some_and(|(section, _)| CODED.contains(&section));
        let unused: Vec<_> = there.difference(&used).filter(|name| !coded(name)).collect();
        assert!(unused.is_empty(), "texts that no page uses: {unused:?}");
    }

    /// The coded sections hold a text for every code that pages put together, and for no other.
    #[test]
    fn every_code_has_its_text_and_every_text_its_code() {
        use crate::domain::vocabulary::{ClockKind, Demand, State};
        use crate::http::pages::filing::Step;
        let keys = |section: &str| -> BTreeSet<String> { ZH[section].keys().cloned().collect() };
        let of = |codes: Vec<&str>| -> BTreeSet<String> { codes.into_iter().map(str::to_owned).collect() };
        assert_eq!(keys("clock"), of(ClockKind::ALL.iter().map(|clock| clock.code()).collect()));
        assert_eq!(keys("demand"), of(Demand::ALL.iter().map(|demand| demand.code()).collect()));
        for section in ["stand", "stand_line"] {
            assert_eq!(keys(section), of(State::ALL.iter().map(|state| state.code()).collect()), "{section}");
        }
        assert_eq!(keys("step_title"), of(Step::ALL.iter().map(|step| step.name()).collect()));
        assert!(keys("step_hint").is_subset(&keys("step_title")));
        assert_eq!(keys("act_title"), keys("act_submit"));
        assert_eq!(keys("act_title"), keys("act_hint"));
        let mut done = keys("act_title");
        done.extend(["attach".to_owned(), "join".to_owned()]);
        assert_eq!((keys("action"), keys("flash")), (done.clone(), done));
        let sectors: toml::Table = toml::from_str(include_str!("../../../config/sectors.toml")).unwrap();
        let sectors = sectors["sector"].as_array().unwrap().iter().map(|sector| sector["code"].as_str().unwrap());
        assert_eq!(keys("sector_about"), of(sectors.collect()));
        assert_eq!(keys("audit_kind"), of(crate::audit::Kind::ALL.iter().map(|kind| kind.code()).collect()));
        let fields = keys("field");
        for step in Step::ALL {
            for question in step.questions() {
                assert!(fields.contains(*question), "{question}");
            }
        }
        assert!(keys("hint").is_subset(&fields));
        // A fault begins with its field, or is common to all.
        for fault in keys("fault") {
            let common = ["required", "too_short", "too_long", "control_character"].contains(&fault.as_str());
            assert!(common || fields.iter().any(|field| fault.starts_with(&format!("{field}_"))), "{fault}");
        }
        let actions: Vec<_> = crate::domain::vocabulary::Action::ALL.iter().map(|action| action.code()).collect();
        for event in keys("event") {
            assert!(
                actions.iter().any(|action| event == *action || event.starts_with(&format!("{action}_"))),
                "{event}"
            );
        }
    }

    #[test]
    fn values_are_filled_in() {
        assert_eq!(say(Lang::Zh, "form.wrong", &[("field", "姓名")]), "请再看一下“姓名”");
        assert_eq!(t(Lang::Zh, "no.such"), "");
    }
}

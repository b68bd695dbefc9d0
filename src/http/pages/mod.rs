//! Pages for people: plain HTML made on the server, which works without scripts.

pub mod docs;
pub mod setup;

use crate::domain::vocabulary::Lang;
use crate::http::error::Problem;
use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};
use std::collections::BTreeMap;
use std::sync::LazyLock;

/// Texts for people, by section and key.
type Texts = BTreeMap<String, BTreeMap<String, String>>;

#[expect(clippy::expect_used, reason = "the file is part of the build, and a test reads it")]
fn read(file: &str) -> Texts {
    toml::from_str(file).expect("texts in TOML")
}

static ZH: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../../config/locales/zh.toml")));
static EN: LazyLock<Texts> = LazyLock::new(|| read(include_str!("../../../config/locales/en.toml")));

/// A text in a language; its key when there is none, so that a page never fails for a word.
pub(super) fn text(lang: Lang, section: &str, key: &str) -> String {
    let texts = match lang {
        Lang::Zh => &*ZH,
        Lang::En => &*EN,
    };
    texts.get(section).and_then(|texts| texts.get(key)).cloned().unwrap_or_else(|| format!("{section}.{key}"))
}

/// The language of a page: `?lang=`, else what the browser prefers, else Chinese.
pub(super) fn lang_of(request: &HttpRequest) -> Lang {
    let asked = request.query_string().split('&').find_map(|pair| pair.strip_prefix("lang="));
    asked.and_then(|code| Lang::parse(code).ok()).unwrap_or_else(|| {
        let preferred = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
        match preferred {
            Some(languages) if languages.trim_start().to_ascii_lowercase().starts_with("en") => Lang::En,
            _ => Lang::Zh,
        }
    })
}

/// Text as it may stand in HTML, also inside a quoted attribute.
pub(super) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => safe.push_str("&amp;"),
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
    }
    safe
}

/// Fills `{name}` in a template with escaped values.
pub(super) fn fill(template: &str, values: &[(&str, &str)]) -> String {
    let mut page = String::with_capacity(template.len() * 2);
    let mut rest = template;
    while let Some((before, after)) = rest.split_once('{') {
        page.push_str(before);
        let (name, behind) = after.split_once('}').unwrap_or((after, ""));
        let value = values.iter().find(|(known, _)| *known == name).map_or("", |(_, value)| value);
        page.push_str(&escape(value));
        rest = behind;
    }
    page.push_str(rest);
    page
}

const PAGE_CSS: &str = include_str!("../../../assets/page.css");

/// A file that pages use.
pub async fn asset(path: web::Path<String>) -> Result<HttpResponse, Problem> {
    match path.as_str() {
        "page.css" => Ok(HttpResponse::Ok()
            .content_type("text/css; charset=utf-8")
            .insert_header((header::CACHE_CONTROL, "public, max-age=3600"))
            .body(PAGE_CSS)),
        _ => Err(Problem::not_found()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_languages_have_the_same_texts() {
        let keys = |texts: &Texts| -> Vec<(String, String)> {
            let all =
                texts.iter().flat_map(|(section, texts)| texts.keys().map(move |key| (section.clone(), key.clone())));
            all.collect()
        };
        assert_eq!(keys(&ZH), keys(&EN));
    }

    #[test]
    fn what_is_filled_in_is_escaped() {
        assert_eq!(
            fill("<p title=\"{a}\">{b}</p>{c}", &[("a", "\"x\""), ("b", "<b>&'{a}")]),
            "<p title=\"&quot;x&quot;\">&lt;b&gt;&amp;&#39;{a}</p>"
        );
    }
}

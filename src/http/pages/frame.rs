//! What every page shares: language, mode, the way back to itself, and the answer with its headers.
//!
//! Language and mode are decided by the server: by `?lang=` and `?mode=`, remembered in a cookie, else by what the browser
//! prefers. No script takes part, so that a page never jumps.

use crate::domain::vocabulary::Lang;
use crate::http::error::Problem;
use crate::http::pages::{assets, icons, texts};
use actix_web::cookie::time::Duration as Span;
use actix_web::cookie::{Cookie, SameSite};
use actix_web::http::{StatusCode, header};
use actix_web::{FromRequest, HttpRequest, HttpResponse, dev};
use askama::Template;
use jiff::civil::Date;
use std::future::{Ready, ready};

/// What a page may load: its own files. Pictures chosen on a phone are shown before they are sent (`blob:`).
const POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data: blob:; \
                      connect-src 'self'; manifest-src 'self'; worker-src 'self'; form-action 'self'; base-uri 'none'; \
                      frame-ancestors 'none'";

/// What every page knows.
#[derive(Debug, Clone)]
pub struct Frame {
    /// Language of the page.
    pub lang: Lang,
    /// 长辈版: larger, one column, fewer choices.
    pub elder: bool,
    /// Path of the page.
    path: String,
    /// Query of the page without language and mode.
    query: String,
    /// Whether language or mode were asked for now, so that they are remembered.
    asked: bool,
    secure: bool,
}

impl Frame {
    /// From the request.
    pub fn of(request: &HttpRequest) -> Self {
        let mut lang = request.cookie("lang").and_then(|cookie| Lang::parse(cookie.value()).ok());
        let mut elder = request.cookie("mode").is_some_and(|cookie| cookie.value() == "elder");
        let (mut asked, mut query) = (false, Vec::new());
        for pair in request.query_string().split('&').filter(|pair| !pair.is_empty()) {
            match pair.split_once('=') {
                Some(("lang", code)) => {
                    if let Ok(code) = Lang::parse(code) {
                        (lang, asked) = (Some(code), true);
                    }
                }
                Some(("mode", mode)) => (elder, asked) = (mode == "elder", true),
                _ => query.push(pair),
            }
        }
        let preferred = || {
            let languages = request.headers().get(header::ACCEPT_LANGUAGE).and_then(|value| value.to_str().ok());
            let english = languages.is_some_and(|all| all.trim_start().to_ascii_lowercase().starts_with("en"));
            if english { Lang::En } else { Lang::Zh }
        };
        Self {
            lang: lang.unwrap_or_else(preferred),
            elder,
            path: request.path().to_owned(),
            query: query.join("&"),
            asked,
            secure: request.connection_info().scheme() == "https",
        }
    }

    /// A text, named as `section.key`.
    pub fn t(&self, name: &str) -> &'static str {
        texts::t(self.lang, name)
    }

    /// A text of a section whose keys are codes; nothing when the code has none.
    pub fn coded(&self, section: &str, code: &str) -> &'static str {
        texts::text(self.lang, section, code)
    }

    /// A text with values filled in.
    pub fn say(&self, name: &str, values: &[(&str, &str)]) -> String {
        texts::say(self.lang, name, values)
    }

    /// For `lang` on the page.
    pub fn lang_tag(&self) -> &'static str {
        if self.lang == Lang::Zh { "zh-CN" } else { "en" }
    }

    /// This page in the other language.
    pub fn other_lang(&self) -> String {
        self.with(if self.lang == Lang::Zh { "lang=en" } else { "lang=zh" })
    }

    /// This page in the other mode.
    pub fn other_mode(&self) -> String {
        self.with(if self.elder { "mode=standard" } else { "mode=elder" })
    }

    fn with(&self, pair: &str) -> String {
        if self.query.is_empty() {
            format!("{}?{pair}", self.path)
        } else {
            format!("{}?{}&{pair}", self.path, self.query)
        }
    }

    /// Address of an embedded file, with the hash of its content in it.
    pub fn asset(&self, name: &str) -> &'static str {
        assets::address(name)
    }

    /// An icon, as SVG.
    pub fn icon(&self, name: &str) -> String {
        icons::svg(name)
    }

    /// A day in words: 2026年11月23日, 23 November 2026.
    pub fn day(&self, day: Date) -> String {
        match self.lang {
            Lang::Zh => format!("{}年{}月{}日", day.year(), day.month(), day.day()),
            Lang::En => day.strftime("%-d %B %Y").to_string(),
        }
    }

    /// A cookie of ours that lives so long; out of reach of scripts.
    pub fn cookie(&self, name: &'static str, value: String, lives: Span) -> Cookie<'static> {
        Cookie::build(name, value)
            .path("/")
            .http_only(true)
            .secure(self.secure)
            .same_site(SameSite::Lax)
            .max_age(lives)
            .finish()
    }

    /// The page as an answer, never kept by a cache: what it shows may be somebody's own.
    pub fn answer(&self, status: StatusCode, page: &impl Template) -> Result<HttpResponse, Problem> {
        let html = page.render().map_err(Problem::internal)?;
        let mut response = HttpResponse::build(status);
        response
            .content_type("text/html; charset=utf-8")
            .insert_header((header::CONTENT_SECURITY_POLICY, POLICY))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .insert_header((header::VARY, "accept-language, cookie"));
        if self.asked {
            let year = Span::days(365);
            response.cookie(self.cookie("lang", self.lang.code().to_owned(), year));
            response.cookie(self.cookie("mode", if self.elder { "elder" } else { "standard" }.to_owned(), year));
        }
        Ok(response.body(html))
    }

    /// The page with 200.
    pub fn ok(&self, page: &impl Template) -> Result<HttpResponse, Problem> {
        self.answer(StatusCode::OK, page)
    }
}

impl FromRequest for Frame {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Ok(Self::of(request)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    fn of(uri: &str, headers: &[(&'static str, &'static str)]) -> Frame {
        let request =
            headers.iter().fold(TestRequest::get().uri(uri), |request, header| request.insert_header(*header));
        Frame::of(&request.to_http_request())
    }

    #[test]
    fn the_address_goes_before_the_cookie_and_the_cookie_before_the_browser() {
        assert_eq!(of("/", &[]).lang, Lang::Zh);
        assert_eq!(of("/", &[("accept-language", "en-GB")]).lang, Lang::En);
        assert_eq!(of("/", &[("accept-language", "en"), ("cookie", "lang=zh")]).lang, Lang::Zh);
        assert_eq!(of("/?lang=en", &[("cookie", "lang=zh; mode=elder")]).lang, Lang::En);
        assert!(
            of("/", &[("cookie", "mode=elder")]).elder && !of("/?mode=standard", &[("cookie", "mode=elder")]).elder
        );
        assert_eq!(of("/?lang=xx", &[]).lang, Lang::Zh);
    }

    #[test]
    fn switches_keep_the_rest_of_the_address() {
        let frame = of("/file?kind=report&lang=en", &[]);
        assert_eq!(frame.other_lang(), "/file?kind=report&lang=zh");
        assert_eq!(frame.other_mode(), "/file?kind=report&mode=elder");
    }
}

//! What a request carries, read strictly: JSON bodies, parameters, and the headers that state a condition.
//!
//! A body is `application/json` in UTF-8, not compressed, below the size of the settings, there in time, at most 32 deep,
//! without a key twice in one object and without NUL or lone surrogates in its texts (no database could keep those). What
//! has the wrong shape is told field by field, as the domain tells its own faults.

use crate::app::App;
use crate::domain::problem::Invalid;
use crate::http::error::Problem;
use actix_web::http::StatusCode;
use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, dev, web};
use bytes::BytesMut;
use futures_util::StreamExt as _;
use futures_util::future::LocalBoxFuture;
use serde::Deserialize;
use serde::de::{self, DeserializeOwned, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};
use std::future::{Ready, ready};
use std::time::Duration;
use std::{fmt, iter};

/// Deepest nesting of a body.
const DEEPEST: usize = 32;

/// Most commas and colons in a body: far more than any request has members.
const MOST_MEMBERS: usize = 20_000;

/// A JSON body.
#[derive(Debug)]
pub struct Body<T> {
    /// As the handler wants it.
    pub value: T,
    /// As it was sent, members sorted: what it says, without its spaces.
    pub raw: Value,
}

impl<T: DeserializeOwned> FromRequest for Body<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let payload = payload.take();
        let request = request.clone();
        Box::pin(async move {
            let limits = limits(&request)?;
            check_type(&request, "application/json")?;
            let bytes = read(&request, payload, limits.most, limits.time).await?;
            parse(&bytes)
        })
    }
}

/// A JSON body, or none at all.
#[derive(Debug)]
pub struct Maybe<T>(pub Option<T>);

impl<T: DeserializeOwned + 'static> FromRequest for Maybe<T> {
    type Error = Problem;
    type Future = LocalBoxFuture<'static, Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, payload: &mut dev::Payload) -> Self::Future {
        let headers = request.headers();
        let empty = !headers.contains_key(header::TRANSFER_ENCODING)
            && headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0");
        if empty {
            return Box::pin(async { Ok(Self(None)) });
        }
        let body = Body::<T>::from_request(request, payload);
        Box::pin(async move { Ok(Self(Some(body.await?.value))) })
    }
}

struct Limits {
    most: usize,
    time: Duration,
}

fn limits(request: &HttpRequest) -> Result<Limits, Problem> {
    let app = request.app_data::<web::Data<App>>().ok_or_else(|| Problem::internal("no app data"))?;
    let server = &app.settings.server;
    Ok(Limits { most: server.max_json_bytes, time: Duration::from_secs(server.body_timeout_seconds) })
}

/// Refuses another media type, another charset than UTF-8, and any encoding.
///
/// # Errors
/// 415.
pub(super) fn check_type(request: &HttpRequest, wanted: &'static str) -> Result<(), Problem> {
    let given = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let mut parts = given.split(';').map(str::trim);
    let essence = parts.next().unwrap_or("");
    let charset_fits = parts.all(|part| {
        let (name, value) = part.split_once('=').unwrap_or((part, ""));
        !name.trim().eq_ignore_ascii_case("charset") || value.trim().trim_matches('"').eq_ignore_ascii_case("utf-8")
    });
    if !essence.eq_ignore_ascii_case(wanted) || !charset_fits {
        return Err(Problem::unsupported_media_type(wanted));
    }
    check_encoding(request)
}

/// Refuses compressed bodies: inflating them would go past every limit.
///
/// # Errors
/// 415.
pub(super) fn check_encoding(request: &HttpRequest) -> Result<(), Problem> {
    let encoded = request
        .headers()
        .get_all(header::CONTENT_ENCODING)
        .any(|value| !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"identity"));
    if encoded {
        let detail = "bodies must not be compressed";
        return Err(Problem::new(StatusCode::UNSUPPORTED_MEDIA_TYPE, "unsupported_encoding", detail)
            .header(header::ACCEPT_ENCODING, "identity"));
    }
    Ok(())
}

/// Reads a body whole, no further than it may be long and no longer than it may take.
///
/// # Errors
/// 413, 408, or 400 when the connection broke off.
pub(super) async fn read(
    request: &HttpRequest,
    mut payload: dev::Payload,
    most: usize,
    time: Duration,
) -> Result<BytesMut, Problem> {
    let declared = request
        .headers()
        .get(header::CONTENT_LENGTH)
        .and_then(|value| value.to_str().ok())
        .and_then(|value| value.parse::<usize>().ok());
    let too_large = || Problem::too_large(most as u64);
    if declared.is_some_and(|length| length > most) {
        return Err(too_large());
    }
    let whole = async {
        let mut bytes = BytesMut::with_capacity(declared.unwrap_or(0).min(most).min(65_536));
        while let Some(chunk) = payload.next().await {
            let chunk = chunk.map_err(|_| Problem::bad_request("incomplete_body", "the body broke off"))?;
            if bytes.len() + chunk.len() > most {
                return Err(too_large());
            }
            bytes.extend_from_slice(&chunk);
        }
        Ok(bytes)
    };
    tokio::time::timeout(time, whole).await.unwrap_or_else(|_| Err(too_slow()))
}

/// 408; the connection isn't used again.
pub(super) fn too_slow() -> Problem {
    Problem::new(StatusCode::REQUEST_TIMEOUT, "body_timeout", "the body took too long to arrive")
}

fn malformed(detail: impl Into<String>) -> Problem {
    Problem::bad_request("malformed_json", detail)
}

/// Reads JSON text.
///
/// # Errors
/// 400 for what is no JSON as we take it, 422 for texts that can't be kept and for the wrong shape.
pub fn parse<T: DeserializeOwned>(bytes: &[u8]) -> Result<Body<T>, Problem> {
    let text = std::str::from_utf8(bytes).map_err(|_| malformed("the body is not UTF-8"))?;
    let holds_nul = scan(text.as_bytes())?;
    let Strict(raw) = serde_json::from_str(text).map_err(|error| {
        // What the parser says may repeat what was sent; where it stopped doesn't.
        let (line, column) = (error.line(), error.column());
        let repeated = error.is_data() && error.to_string().starts_with(REPEATED);
        let what = if repeated { "a key stands twice in one object" } else { "the body is not JSON" };
        malformed(format!("{what} (line {line}, column {column})"))
    })?;
    if holds_nul && let Some(pointer) = nul(&raw, String::new()) {
        return Err(Problem::field(pointer, Invalid::new("invalid_text", "holds the character NUL")));
    }
    let value = shape(&raw)?;
    Ok(Body { value, raw })
}

/// Where a text or a key holds NUL, which PostgreSQL can't keep.
fn nul(value: &Value, pointer: String) -> Option<String> {
    let below = |segment: &str| {
        let mut pointer = pointer.clone();
        push(&mut pointer, segment);
        pointer
    };
    match value {
        Value::String(text) => text.contains('\0').then_some(pointer),
        Value::Array(items) => {
            items.iter().zip(0..).find_map(|(item, at): (_, usize)| nul(item, below(&at.to_string())))
        }
        Value::Object(members) => members
            .iter()
            .find_map(|(key, member)| if key.contains('\0') { Some(pointer.clone()) } else { nul(member, below(key)) }),
        Value::Null | Value::Bool(_) | Value::Number(_) => None,
    }
}

/// Gives a value its shape.
///
/// # Errors
/// 422 with the pointer of what doesn't fit.
pub(super) fn shape<T: DeserializeOwned>(raw: &Value) -> Result<T, Problem> {
    serde_path_to_error::deserialize(raw).map_err(|error| {
        let mut pointer = String::new();
        for segment in error.path() {
            use serde_path_to_error::Segment;
            match segment {
                Segment::Seq { index } => push(&mut pointer, &index.to_string()),
                Segment::Map { key } => push(&mut pointer, key),
                Segment::Enum { .. } | Segment::Unknown => {}
            }
        }
        let (pointer, fault) = told(pointer, &error.inner().to_string());
        Problem::field(pointer, fault)
    })
}

/// Adds a segment to a JSON pointer.
fn push(pointer: &mut String, segment: &str) {
    pointer.push('/');
    pointer.push_str(&segment.replace('~', "~0").replace('/', "~1"));
}

/// A shape error in the words of our own faults. Its text holds what was sent, so only its frame is used.
fn told(mut pointer: String, message: &str) -> (String, Invalid) {
    let quoted = |from: &str| {
        let rest = message.strip_prefix(from)?;
        // Names of our own fields hold no backtick; what was sent may, so it is cut where serde goes on.
        let end = rest.find("`, expected ").or_else(|| rest.find("`, there are no fields")).or(rest.rfind('`'))?;
        rest.get(..end)
    };
    let expected = || message.rsplit_once(", expected ").map(|(_, expected)| expected.replace('`', ""));
    if let Some(name) = quoted("unknown field `") {
        let mut segment = String::new();
        push(&mut segment, name);
        if !pointer.ends_with(&segment) {
            pointer.push_str(&segment);
        }
        let mut fault = Invalid::new("unknown_field", "there is no such field");
        if let Some(names) = expected() {
            fault = fault.allowed(names.trim_start_matches("one of ").to_owned());
        }
        return (pointer, fault);
    }
    if let Some(name) = quoted("missing field `") {
        push(&mut pointer, name);
        return (pointer, Invalid::new("required", "is required"));
    }
    let mut fault = Invalid::new("type", "has not the type that it should have");
    if let Some(expected) = expected() {
        fault = fault.allowed(expected);
    }
    (pointer, fault)
}

/// One pass over the bytes before anything is built from them: depth, number of members, and texts that can't be kept.
/// Gives whether a text holds NUL.
fn scan(bytes: &[u8]) -> Result<bool, Problem> {
    let mut holds_nul = false;
    let unkept = |detail: &str| Problem::field("", Invalid::new("invalid_text", detail));
    let (mut depth, mut members) = (0_usize, 0_usize);
    let mut rest = bytes;
    let mut in_text = false;
    while let [byte, after @ ..] = rest {
        rest = after;
        if in_text {
            match byte {
                b'"' => in_text = false,
                b'\\' => match after {
                    [b'u', a, b, c, d, beyond @ ..] => {
                        rest = beyond;
                        match hex([*a, *b, *c, *d]) {
                            Some(0) => holds_nul = true,
                            Some(0xD800..=0xDBFF) => {
                                let low = match beyond {
                                    [b'\\', b'u', a, b, c, d, ..] => hex([*a, *b, *c, *d]),
                                    _ => None,
                                };
                                if !matches!(low, Some(0xDC00..=0xDFFF)) {
                                    return Err(unkept("a text holds half of a surrogate pair"));
                                }
                                rest = beyond.get(6..).unwrap_or_default();
                            }
                            Some(0xDC00..=0xDFFF) => return Err(unkept("a text holds half of a surrogate pair")),
                            _ => {}
                        }
                    }
                    [_, beyond @ ..] => rest = beyond,
                    [] => {}
                },
                _ => {}
            }
            continue;
        }
        match byte {
            b'"' => in_text = true,
            b'{' | b'[' => {
                depth += 1;
                if depth > DEEPEST {
                    return Err(malformed(format!("the body is nested more than {DEEPEST} deep")));
                }
            }
            b'}' | b']' => depth = depth.saturating_sub(1),
            b',' | b':' => {
                members += 1;
                if members > MOST_MEMBERS {
                    return Err(malformed("the body has too many members"));
                }
            }
            _ => {}
        }
    }
    Ok(holds_nul)
}

fn hex(digits: [u8; 4]) -> Option<u32> {
    digits.iter().try_fold(0, |number, digit| Some(number * 16 + char::from(*digit).to_digit(16)?))
}

const REPEATED: &str = "a key stands twice";

/// A JSON value in which no object has a key twice.
struct Strict(Value);

impl<'de> Deserialize<'de> for Strict {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(StrictVisitor).map(Self)
    }
}

struct StrictVisitor;

impl<'de> Visitor<'de> for StrictVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(Value::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Value, E> {
        Ok(Number::from_f64(value).map_or(Value::Null, Value::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(Value::String(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(Value::String(value))
    }

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        iter::from_fn(|| seq.next_element::<Strict>().map(|item| item.map(|Strict(value)| value)).transpose())
            .collect::<Result<Vec<_>, _>>()
            .map(Value::Array)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut object = Map::new();
        while let Some((key, Strict(value))) = map.next_entry::<String, Strict>()? {
            if object.insert(key, value).is_some() {
                return Err(de::Error::custom(REPEATED));
            }
        }
        Ok(Value::Object(object))
    }
}

/// The parameters of a request's address, in their order, none twice.
#[derive(Debug)]
pub struct Pairs(pub Vec<(String, String)>);

impl Pairs {
    fn of(request: &HttpRequest) -> Result<Self, Problem> {
        let pairs = web::Query::<Vec<(String, String)>>::from_query(request.query_string())
            .map_err(|_| Problem::bad_request("malformed_query", "the parameters can't be read"))?
            .into_inner();
        for (place, (name, value)) in pairs.iter().enumerate() {
            if pairs.iter().take(place).any(|(earlier, _)| earlier == name) {
                return Err(Problem::bad_request("duplicate_parameter", "a parameter is given twice"));
            }
            if name.contains('\0') || value.contains('\0') {
                return Err(Problem::field("", Invalid::new("invalid_text", "a parameter holds the character NUL")));
            }
        }
        Ok(Self(pairs))
    }
}

impl FromRequest for Pairs {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Self::of(request))
    }
}

/// The parameters of a request's address as a struct of optional strings; the handler reads each by its own rule.
#[derive(Debug)]
pub struct Params<T>(pub T);

impl<T: DeserializeOwned> FromRequest for Params<T> {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        ready(Pairs::of(request).and_then(|Pairs(pairs)| {
            let object = pairs.into_iter().map(|(name, value)| (name, Value::String(value))).collect();
            shape(&Value::Object(object)).map(Self)
        }))
    }
}

/// The version that `If-Match` names.
#[derive(Debug, Clone, Copy)]
pub struct IfMatch(pub i64);

impl FromRequest for IfMatch {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all(header::IF_MATCH);
        let (first, second) = (values.next(), values.next());
        ready(match (first, second) {
            (None, _) => Err(Problem::new(
                StatusCode::PRECONDITION_REQUIRED,
                "precondition_required",
                "say with If-Match which version of the case you have seen",
            )),
            (Some(value), None) => value.to_str().ok().and_then(version).map(Self).ok_or_else(malformed_match),
            (Some(_), Some(_)) => Err(malformed_match()),
        })
    }
}

fn malformed_match() -> Problem {
    Problem::bad_request("malformed_header", "If-Match must be one version as in the ETag of the case, e.g. \"3\"")
}

/// A version as its ETag has it: strong, quoted, decimal.
fn version(tag: &str) -> Option<i64> {
    let digits = tag.trim().strip_prefix('"')?.strip_suffix('"')?;
    let plain = !digits.is_empty() && digits.bytes().all(|b| b.is_ascii_digit());
    if plain { digits.parse().ok() } else { None }
}

/// The key under which a client sends a creating request again.
#[derive(Debug, Clone)]
pub struct IdempotencyKey(pub Option<String>);

impl FromRequest for IdempotencyKey {
    type Error = Problem;
    type Future = Ready<Result<Self, Problem>>;

    fn from_request(request: &HttpRequest, _: &mut dev::Payload) -> Self::Future {
        let mut values = request.headers().get_all("idempotency-key");
        let (first, second) = (values.next(), values.next());
        let visible = |value: &str| (1..=255).contains(&value.len()) && value.bytes().all(|b| b.is_ascii_graphic());
        ready(match (first, second) {
            (None, _) => Ok(Self(None)),
            (Some(value), None) if value.to_str().is_ok_and(visible) => {
                Ok(Self(value.to_str().ok().map(str::to_owned)))
            }
            _ => Err(Problem::bad_request(
                "malformed_header",
                "Idempotency-Key must be one value of 1 to 255 visible ASCII characters",
            )),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::intake::submission::Raw;

    fn refused(body: &str) -> (u16, &'static str, Value) {
        let problem = parse::<Raw>(body.as_bytes()).unwrap_err();
        let status = actix_web::ResponseError::status_code(&problem).as_u16();
        let code = problem.code();
        let response = problem.render(None);
        let bytes = futures_util::FutureExt::now_or_never(actix_web::body::to_bytes(response.into_body()));
        let body: Value = serde_json::from_slice(&bytes.unwrap().unwrap()).unwrap();
        (status, code, body["errors"][0].clone())
    }

    #[test]
    fn what_is_no_json_of_ours_is_malformed() {
        let deep = format!("{}1{}", "[".repeat(100_000), "]".repeat(100_000));
        let wide = format!("[{}1]", "1,".repeat(100_000));
        for body in [
            "",
            " ",
            "{",
            "{} {}",
            "{}x",
            "nul",
            "{'kind':1}",
            r#"{"kind":"complaint","kind":"report"}"#,
            r#"{"respondent":{"name":"a","name":"b"}}"#,
            r#"{"amount":1e400}"#,
            "{\"narrative\":\"a\0b\"}",
            "{\"narrative\":\"a\nb\"}",
            r#"{"narrative":"\x"}"#,
            r#"{"narrative":"\u12"#,
            &deep,
            &wide,
        ] {
            let (status, code, _) = refused(body);
            assert_eq!((status, code), (400, "malformed_json"), "{}", &body[..body.len().min(60)]);
        }
        assert_eq!(parse::<Raw>(b"{\"narrative\":\"\xc0\xaf\"}").unwrap_err().code(), "malformed_json");
    }

    #[test]
    fn texts_that_cannot_be_kept_are_refused() {
        for body in [
            r#"{"narrative":"a\u0000b"}"#,
            r#"{"narrative":"\ud800"}"#,
            r#"{"narrative":"\ud800x"}"#,
            r#"{"narrative":"\udc00"}"#,
            r#"{"narrative":"\ud83d\ud83d"}"#,
        ] {
            let (status, _, fault) = refused(body);
            assert_eq!((status, &fault["code"]), (422, &Value::from("invalid_text")), "{body}");
        }
        let pair = parse::<Raw>(r#"{"narrative":"\ud83d\ude00 \\u0000 \"{[\""}"#.as_bytes()).unwrap();
        assert_eq!(pair.value.narrative.as_deref(), Some("😀 \\u0000 \"{[\""));
    }

    #[test]
    fn a_wrong_shape_is_told_with_its_place() {
        for (body, pointer, code) in [
            (r#"{"state":"closed"}"#, "/state", "unknown_field"),
            (r#"{"respondent":{"a/b~":1}}"#, "/respondent/a~1b~0", "unknown_field"),
            (r#"{"narrative":5}"#, "/narrative", "type"),
            (r#"{"demands":["refund",7]}"#, "/demands/1", "type"),
            (r#"{"complainant":{"phone":{}}}"#, "/complainant/phone", "type"),
            (r#"{"settle_first":"yes"}"#, "/settle_first", "type"),
            (r#"{"external_references":[{"system":"a"}]}"#, "/external_references/0/number", "required"),
            ("[]", "", "type"),
        ] {
            let (status, _, fault) = refused(body);
            assert_eq!(
                (status, fault["pointer"].as_str(), fault["code"].as_str()),
                (422, Some(pointer), Some(code)),
                "{body}"
            );
        }
        let (_, _, fault) = refused(r#"{"state":1}"#);
        assert!(fault["allowed"].as_str().unwrap().starts_with("kind, narrative, respondent"), "{fault}");
        let (_, _, fault) = refused(r#"{"settle_first":"13800138000"}"#);
        assert!(!fault.to_string().contains("13800138000"), "what was sent isn't repeated");
    }

    #[test]
    fn what_was_sent_is_kept_sorted_and_without_spaces() {
        let body = parse::<Raw>(br#" { "narrative" : "x", "kind":"report" } "#).unwrap();
        assert_eq!(body.raw.to_string(), r#"{"kind":"report","narrative":"x"}"#);
    }

    #[test]
    fn a_version_is_one_strong_tag() {
        assert_eq!(version("\"3\""), Some(3));
        for tag in ["3", "*", "W/\"3\"", "\"\"", "\"+3\"", "\"a\"", "\"3\", \"4\"", "\"99999999999999999999\"", ""] {
            assert_eq!(version(tag), None, "{tag}");
        }
    }
}

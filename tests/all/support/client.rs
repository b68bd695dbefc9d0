//! A small client: one call, one [`Reply`], with the request in every message of a failure.

use serde_json::Value;
use std::sync::LazyLock;
use std::time::Duration;

/// The threads that talk; the tests themselves are plain code.
pub(crate) static RUNTIME: LazyLock<tokio::runtime::Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build().expect("a runtime")
});

/// Who calls: nobody, or someone with a token.
#[derive(Debug, Clone, Default)]
pub(crate) struct Session {
    pub(crate) name: String,
    pub(crate) token: Option<String>,
}

impl Session {
    /// Someone who has shown nothing.
    pub(crate) fn anonymous() -> Self {
        Self { name: "anonymous".to_owned(), token: None }
    }
}

/// A client of one server.
#[derive(Debug, Clone)]
pub(crate) struct Client {
    inner: reqwest::Client,
    base: String,
}

/// A request before it is sent.
#[derive(Debug)]
#[must_use]
pub(crate) struct Call {
    inner: reqwest::RequestBuilder,
    told: String,
}

/// What was answered.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) headers: reqwest::header::HeaderMap,
    pub(crate) text: String,
    pub(crate) bytes: Vec<u8>,
    told: String,
}

impl Client {
    pub(crate) fn new(base: String) -> Self {
        let inner = reqwest::Client::builder()
            .no_proxy()
            .timeout(Duration::from_secs(60))
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .expect("a client");
        Self { inner, base }
    }

    pub(crate) fn base(&self) -> &str {
        &self.base
    }

    fn call(&self, method: reqwest::Method, path: &str, by: &Session) -> Call {
        let told = format!("{method} {path} as {}", by.name);
        let mut inner = self.inner.request(method, format!("{}{path}", self.base));
        if let Some(token) = &by.token {
            inner = inner.bearer_auth(token);
        }
        Call { inner, told }
    }

    pub(crate) fn get(&self, path: &str, by: &Session) -> Call {
        self.call(reqwest::Method::GET, path, by)
    }

    pub(crate) fn post(&self, path: &str, by: &Session) -> Call {
        self.call(reqwest::Method::POST, path, by)
    }

    pub(crate) fn put(&self, path: &str, by: &Session) -> Call {
        self.call(reqwest::Method::PUT, path, by)
    }

    pub(crate) fn delete(&self, path: &str, by: &Session) -> Call {
        self.call(reqwest::Method::DELETE, path, by)
    }
}

impl Call {
    pub(crate) fn header(mut self, name: &str, value: &str) -> Self {
        self.told = format!("{} [{name}: {value}]", self.told);
        self.inner = self.inner.header(name, value);
        self
    }

    pub(crate) fn json(self, body: &Value) -> Self {
        self.body("application/json", body.to_string())
    }

    pub(crate) fn body(mut self, content_type: &str, body: impl Into<Vec<u8>>) -> Self {
        let body = body.into();
        let start: String = String::from_utf8_lossy(&body).chars().take(400).collect();
        self.told = format!("{} {start}", self.told);
        self.inner = self.inner.header("content-type", content_type).body(body);
        self
    }

    /// Sends it; `None` when no whole answer came.
    pub(crate) fn try_send(self) -> Option<Reply> {
        let Self { inner, told } = self;
        RUNTIME.block_on(async move {
            let response = inner.send().await.ok()?;
            let (status, headers) = (response.status().as_u16(), response.headers().clone());
            let bytes = response.bytes().await.ok()?.to_vec();
            let text = String::from_utf8_lossy(&bytes).into_owned();
            Some(Reply { status, headers, text, bytes, told })
        })
    }

    pub(crate) fn send(self) -> Reply {
        let told = self.told.clone();
        self.try_send().unwrap_or_else(|| panic!("no answer: {told}"))
    }
}

impl Reply {
    /// The body, which must be JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.text).unwrap_or_else(|error| panic!("{self}: not JSON: {error}"))
    }

    /// The body of an answer that must have this status.
    #[track_caller]
    pub(crate) fn expect(&self, status: u16) -> Value {
        assert_eq!(self.status, status, "{self}");
        if self.text.is_empty() { Value::Null } else { self.json() }
    }

    /// A problem (RFC 9457) that must have this status, with what every problem carries.
    #[track_caller]
    pub(crate) fn problem(&self, status: u16) -> Value {
        let problem = self.expect(status);
        let kind = self.header("content-type");
        assert!(kind.starts_with("application/problem+json"), "{self}: content-type {kind}");
        assert_eq!(problem["status"], status, "{self}");
        assert!(problem["code"].as_str().is_some_and(|code| !code.is_empty()), "{self}: no code");
        problem
    }

    /// The pointers of the faults of a 422.
    #[track_caller]
    pub(crate) fn pointers(&self) -> Vec<String> {
        let problem = self.problem(422);
        let faults = problem["errors"].as_array().unwrap_or_else(|| panic!("{self}: no errors"));
        faults.iter().map(|fault| fault["pointer"].as_str().unwrap_or_default().to_owned()).collect()
    }

    pub(crate) fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

impl std::fmt::Display for Reply {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let body: String = self.text.chars().take(3000).collect();
        write!(f, "{} → {} {body}", self.told, self.status)
    }
}

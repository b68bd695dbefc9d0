//! Staff are let in through a provider (OpenID Connect): what is sent there, what is asked of it, and whose account somebody's
//! is who comes back.
//!
//! The provider says who somebody is, and nothing else: accounts, roles and places are made here, and an operator links an
//! account to somebody at the provider (`fangxin user link`). From there on all is as with a password: the same session, the
//! same entries in the audit log, the same waits of account and address.
//!
//! What the provider publishes is kept for an hour; its keys are fetched anew sooner when a token names one that isn't among
//! them, or none, once a minute at most. It is reached as webhooks are, through the guard against internal addresses.

use crate::access::factors::is_required;
use crate::access::limits::{self, Aim};
use crate::access::sessions::standing;
use crate::access::sign_in::failed;
use crate::access::{Counting, Method, Origin, Proven, Refused};
use crate::ambient::key_at;
use crate::app::App;
use crate::config::Settings;
use crate::config::settings::Oidc;
use crate::identity::oidc::{Expected, Flow, Keys, Named};
use crate::notify::reach::{Reach, SystemLookup};
use crate::privacy::{Purpose, Vault};
use crate::store::{factors, subjects, users};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use reqwest::header::{ACCEPT, AUTHORIZATION, CONTENT_TYPE};
use reqwest::{Client, Request, StatusCode};
use serde::Deserialize;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use url::Url;
use url::form_urlencoded::{Serializer, byte_serialize};

/// Path of this service to which people come back from the provider.
pub const CALLBACK: &str = "/login/oidc/callback";

/// Seconds for which what the provider publishes is kept.
const KEPT: i64 = 3600;

/// Seconds after which its keys may be fetched anew because a token names an unknown one.
const KEYS_AGAIN: i64 = 60;

/// Seconds for which a provider that couldn't be reached isn't asked again.
const AWAY: i64 = 5;

/// Longest answer of the provider that is read, in bytes.
const MAX_ANSWER: usize = 262_144;

/// Longest code that is passed on.
const MAX_CODE: usize = 4096;

/// What a provider says of itself (OpenID Connect Discovery 1.0, 3).
#[derive(Debug, Deserialize)]
struct Metadata {
    issuer: String,
    authorization_endpoint: String,
    token_endpoint: String,
    jwks_uri: String,
    token_endpoint_auth_methods_supported: Option<Vec<String>>,
    code_challenge_methods_supported: Option<Vec<String>>,
    #[serde(default)]
    authorization_response_iss_parameter_supported: bool,
}

/// How the token endpoint is shown the client's secret.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Shows {
    Basic,
    Post,
}

/// What came back from the provider with somebody's browser.
#[derive(Debug, Default)]
pub struct Answer<'a> {
    /// The state that was sent there.
    pub state: &'a str,
    /// The code, to be exchanged for a token.
    pub code: &'a str,
    /// Why there is no code.
    pub error: &'a str,
    /// Who answered (RFC 9207).
    pub issuer: &'a str,
}

/// What was fetched, and when.
#[derive(Debug, Default)]
struct Kept {
    metadata: Option<(Timestamp, Arc<Metadata>)>,
    keys: Option<(Timestamp, Arc<Keys>)>,
    away_since: Option<Timestamp>,
}

/// The provider that the settings name.
#[derive(Debug)]
pub struct Provider {
    settings: Oidc,
    issuer: String,
    redirect_uri: String,
    /// Seconds within which people must have proved to the provider who they are; as long as it counts here too.
    max_age: Option<i64>,
    client: Client,
    reach: Reach,
    kept: Mutex<Kept>,
}

/// What an account is linked to: a keyed hash, so that the database alone doesn't tell who is known to the provider as what.
pub fn link_hash(vault: &Vault, issuer: &str, claim: &str, subject: &str) -> [u8; 16] {
    vault.index(Purpose::Subject, &format!("{issuer}\0{claim}\0{subject}"))
}

impl Provider {
    /// From the settings; `None` when they name no provider.
    ///
    /// # Errors
    /// When the client can't be made.
    pub fn new(settings: &Settings) -> Result<Option<Self>, String> {
        let oidc = settings.oidc.clone();
        let (Some(issuer), Some(base)) = (oidc.issuer.clone(), &settings.server.public_url) else { return Ok(None) };
        let reach = Reach::new(oidc.allowed_networks.clone(), Arc::new(SystemLookup));
        let client = Client::builder()
            // As for webhooks: a proxy would resolve names past the guard, a redirect would lead past it.
            .no_proxy()
            .redirect(reqwest::redirect::Policy::none())
            .dns_resolver(reach.clone())
            .timeout(Duration::from_secs(oidc.timeout_seconds))
            .pool_max_idle_per_host(0)
            .build()
            .map_err(|error| format!("oidc: {error}"))?;
        let step_up = i64::from(settings.auth.step_up_minutes);
        Ok(Some(Self {
            issuer,
            redirect_uri: format!("{base}{CALLBACK}"),
            max_age: (step_up > 0).then_some(step_up * 60),
            settings: oidc,
            client,
            reach,
            kept: Mutex::default(),
        }))
    }

    /// Begins to sign somebody in: the flow, for their browser to keep, and the address to send it to.
    ///
    /// # Errors
    /// [`Refused::ProviderAway`].
    pub async fn begin(&self, app: &App) -> Result<(Flow, String), Refused> {
        let metadata = self.metadata(app.now()).await?;
        let mut address = Url::parse(&metadata.authorization_endpoint).map_err(|_| Refused::ProviderAway)?;
        let flow = Flow::begin(key_at(app.entropy.as_ref(), app.now()), app.entropy.as_ref());
        {
            let mut query = address.query_pairs_mut();
            query
                .append_pair("response_type", "code")
                .append_pair("client_id", &self.settings.client_id)
                .append_pair("redirect_uri", &self.redirect_uri)
                .append_pair("scope", &self.settings.scopes.join(" "))
                .append_pair("state", &flow.state())
                .append_pair("nonce", &flow.nonce())
                .append_pair("code_challenge", &flow.challenge())
                .append_pair("code_challenge_method", "S256");
            if let Some(seconds) = self.max_age {
                query.append_pair("max_age", &seconds.to_string());
            }
        }
        Ok((flow, address.into()))
    }

    /// Whose account it is of somebody who came back. What isn't believed is counted and written down like a wrong password.
    ///
    /// # Errors
    /// [`Refused`].
    pub async fn finish(
        &self,
        app: &Arc<App>,
        flow: &Flow,
        answer: &Answer<'_>,
        from: &Origin,
    ) -> Result<Proven, Refused> {
        let counting = limits::count(app, from, Aim::Code).await?;
        let named = match self.named(app, flow, answer).await {
            Ok(named) => named,
            Err(Refused::ProviderRefused) => {
                failed(app, from, Method::Oidc, None, None, &counting).await;
                return Err(Refused::ProviderRefused);
            }
            Err(other) => {
                // Nobody's fault who wants to sign in.
                let now = app.now();
                app.store.write(move |tx| counting.was_right(tx, now)).await?;
                return Err(other);
            }
        };
        self.let_in(app, named, from, counting).await
    }

    /// Whom the provider names, once everything that came back was found to be right.
    async fn named(&self, app: &Arc<App>, flow: &Flow, answer: &Answer<'_>) -> Result<Named, Refused> {
        let refused = |why: &str| {
            tracing::warn!(why, "an answer of the sign-in provider was refused");
            Refused::ProviderRefused
        };
        let now = app.now();
        if !flow.is_fresh(now) {
            return Err(refused("the sign-in began too long ago"));
        }
        if !flow.state_fits(answer.state) {
            return Err(refused("the state is another browser's"));
        }
        let state = flow.state_hash();
        if !app.store.write(move |tx| subjects::spend(tx, &state, now)).await? {
            return Err(refused("the state was used before"));
        }
        if !answer.error.is_empty() {
            // A word of a list (RFC 6749, 4.1.2.1); whoever made the address could have written anything.
            let word = answer.error.len() <= 40 && answer.error.bytes().all(|b| b.is_ascii_lowercase() || b == b'_');
            return Err(refused(if word { answer.error } else { "an error without a name" }));
        }
        let metadata = self.metadata(now).await?;
        let must_say = metadata.authorization_response_iss_parameter_supported;
        if (must_say || !answer.issuer.is_empty()) && answer.issuer != self.issuer {
            return Err(refused("another provider answered"));
        }
        if answer.code.is_empty() || answer.code.len() > MAX_CODE {
            return Err(refused("there is no code"));
        }
        let token = self.exchange(&metadata, answer.code, &flow.verifier()).await?;
        let token = token.ok_or_else(|| refused("the provider doesn't take the code"))?;
        let keys = self.keys(&metadata, &token, app.now()).await?;
        let expected = Expected {
            issuer: &self.issuer,
            client_id: &self.settings.client_id,
            nonce: &flow.nonce(),
            claim: &self.settings.claim,
            max_age: self.max_age,
            now: app.now(),
        };
        keys.check(&token, &expected).map_err(|why| refused(&why.to_string()))
    }

    /// The account that somebody is linked to, if it may be signed in to.
    async fn let_in(&self, app: &Arc<App>, named: Named, from: &Origin, counting: Counting) -> Result<Proven, Refused> {
        let hash = link_hash(&app.vault, &self.issuer, &self.settings.claim, &named.subject);
        let found = app.store.read(move |db| {
            let Some(username) = subjects::account(db, &hash)? else { return Ok(None) };
            let has_factor = factors::is_confirmed(db, &username)?;
            Ok(users::find(db, &username)?.map(|user| (user, has_factor)))
        });
        let found = found.await?;
        let account = found.as_ref().map(|(user, _)| user.username.clone());
        let Some((who, has_factor)) = found.and_then(|(user, factor)| Some((standing(&user)?, factor))) else {
            // Disabled or never linked: nobody is told which.
            failed(app, from, Method::Oidc, account.as_deref(), None, &counting).await;
            return Err(Refused::NotLinked(named.subject));
        };
        let second = named.methods.iter().any(|method| self.settings.second_factor.contains(method));
        if (has_factor || is_required(app, who.role)) && !second {
            failed(app, from, Method::Oidc, account.as_deref(), None, &counting).await;
            return Err(Refused::ProviderFactor);
        }
        // The waits of the account, as with a password.
        let counting = counting.and(limits::count(app, from, Aim::Account(account.unwrap_or_default())).await?);
        Ok(Proven { who, method: Method::Oidc, recovery: Vec::new(), counting, proved_at: named.proved_at })
    }

    /// Asks the provider what it publishes: its addresses and its keys; for an operator who looks whether it is well.
    ///
    /// # Errors
    /// [`Refused::ProviderAway`].
    pub async fn look(&self, now: Timestamp) -> Result<(), Refused> {
        let metadata = self.metadata(now).await?;
        self.keys(&metadata, "", now).await.map(drop)
    }

    async fn metadata(&self, now: Timestamp) -> Result<Arc<Metadata>, Refused> {
        let mut kept = self.kept.lock().await;
        if let Some((_, metadata)) = kept.metadata.as_ref().filter(|(at, _)| age(*at, now) < KEPT) {
            return Ok(Arc::clone(metadata));
        }
        self.is_worth_asking(&kept, now)?;
        let url = format!("{}/.well-known/openid-configuration", self.issuer.trim_end_matches('/'));
        let end = self.get(&url).await.and_then(|answer| self.understood(&answer));
        let metadata = Arc::new(note(&mut kept, now, end)?);
        kept.metadata = Some((now, Arc::clone(&metadata)));
        Ok(metadata)
    }

    /// What the provider says of itself, if it is the provider and this service can work with it.
    fn understood(&self, answer: &[u8]) -> Result<Metadata, String> {
        let metadata: Metadata = serde_json::from_slice(answer).map_err(|error| format!("its description: {error}"))?;
        if metadata.issuer != self.issuer {
            return Err("it names itself otherwise than oidc.issuer does".to_owned());
        }
        let encrypted = |url: &str| url.starts_with("https://") || self.issuer.starts_with("http://");
        let browsers = Url::parse(&metadata.authorization_endpoint);
        let fits = |url: &Url| matches!(url.scheme(), "https" | "http") && url.fragment().is_none();
        if !browsers.is_ok_and(|url| fits(&url)) || !encrypted(&metadata.authorization_endpoint) {
            return Err("its authorization_endpoint is no address with TLS".to_owned());
        }
        let lacks = |methods: &Option<Vec<String>>, needed: &str| {
            methods.as_ref().is_some_and(|methods| methods.iter().all(|method| method != needed))
        };
        if lacks(&metadata.code_challenge_methods_supported, "S256") {
            return Err("it doesn't support PKCE with S256".to_owned());
        }
        let methods = &metadata.token_endpoint_auth_methods_supported;
        if self.settings.client_secret.is_some()
            && lacks(methods, "client_secret_basic")
            && lacks(methods, "client_secret_post")
        {
            return Err(
                "it takes the client's secret neither by client_secret_basic nor by client_secret_post".to_owned()
            );
        }
        Ok(metadata)
    }

    /// The provider's keys, fetched anew when a token names one that isn't among those that are kept.
    async fn keys(&self, metadata: &Metadata, token: &str, now: Timestamp) -> Result<Arc<Keys>, Refused> {
        let mut kept = self.kept.lock().await;
        if let Some((at, keys)) = &kept.keys {
            let age = age(*at, now);
            if age < KEYS_AGAIN || (age < KEPT && keys.know(token)) {
                return Ok(Arc::clone(keys));
            }
        }
        self.is_worth_asking(&kept, now)?;
        let end = self.get(&metadata.jwks_uri).await;
        let end = end.and_then(|answer| Keys::parse(&answer).ok_or_else(|| "its keys can't be read".to_owned()));
        let keys = Arc::new(note(&mut kept, now, end)?);
        kept.keys = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }

    /// One that was away a moment ago isn't asked: many who wait for it would each wait the whole time.
    fn is_worth_asking(&self, kept: &Kept, now: Timestamp) -> Result<(), Refused> {
        match kept.away_since {
            Some(since) if age(since, now) < AWAY => Err(Refused::ProviderAway),
            _ => Ok(()),
        }
    }

    /// Exchanges a code for an ID token; `None` when the provider doesn't take it.
    async fn exchange(&self, metadata: &Metadata, code: &str, verifier: &str) -> Result<Option<String>, Refused> {
        #[derive(Deserialize)]
        struct Tokens {
            id_token: String,
        }
        let mut body = Serializer::new(String::new());
        body.append_pair("grant_type", "authorization_code")
            .append_pair("code", code)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("code_verifier", verifier);
        let url = self.checked(&metadata.token_endpoint).await.map_err(away)?;
        let mut request = self.client.post(url).header(ACCEPT, "application/json");
        let methods = metadata.token_endpoint_auth_methods_supported.as_deref().unwrap_or_default();
        let basic = methods.is_empty() || methods.iter().any(|method| method == "client_secret_basic");
        let id = &self.settings.client_id;
        match (&self.settings.client_secret, if basic { Shows::Basic } else { Shows::Post }) {
            (Some(secret), Shows::Basic) => {
                // Each part in the form's encoding first (RFC 6749, 2.3.1).
                let part = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
                let shown = STANDARD.encode(format!("{}:{}", part(id), part(secret.expose())));
                request = request.header(AUTHORIZATION, format!("Basic {shown}"));
            }
            (Some(secret), Shows::Post) => {
                body.append_pair("client_id", id).append_pair("client_secret", secret.expose());
            }
            (None, _) => {
                body.append_pair("client_id", id);
            }
        }
        let request = request.header(CONTENT_TYPE, "application/x-www-form-urlencoded").body(body.finish());
        let request = request.build().map_err(|error| away(error.without_url().to_string()))?;
        match self.send(request).await.map_err(away)? {
            (StatusCode::OK, answer) => {
                let tokens: Tokens = serde_json::from_slice(&answer).map_err(|_| away("no ID token".to_owned()))?;
                Ok(Some(tokens.id_token))
            }
            (StatusCode::BAD_REQUEST, _) => Ok(None),
            (status, _) => Err(away(format!("its token endpoint answered {}", status.as_u16()))),
        }
    }

    async fn checked(&self, url: &str) -> Result<Url, String> {
        self.reach.check(url).await.map_err(|why| format!("{url}: {why}"))
    }

    async fn get(&self, url: &str) -> Result<Vec<u8>, String> {
        let request = self.client.get(self.checked(url).await?).header(ACCEPT, "application/json").build();
        match self.send(request.map_err(|error| error.to_string())?).await? {
            (StatusCode::OK, answer) => Ok(answer),
            (status, _) => Err(format!("{url} answered {}", status.as_u16())),
        }
    }

    /// Sends a request and reads the answer, up to its bound.
    async fn send(&self, request: Request) -> Result<(StatusCode, Vec<u8>), String> {
        let told = |error: reqwest::Error| if error.is_timeout() { "no answer".to_owned() } else { error.to_string() };
        let mut response = self.client.execute(request).await.map_err(told)?;
        let (status, mut answer) = (response.status(), Vec::new());
        while let Some(chunk) = response.chunk().await.map_err(told)? {
            if answer.len() + chunk.len() > MAX_ANSWER {
                return Err(format!("an answer of more than {MAX_ANSWER} bytes"));
            }
            answer.extend_from_slice(&chunk);
        }
        Ok((status, answer))
    }
}

/// Seconds from one instant to another; a clock that was put back makes nothing fresh.
fn age(from: Timestamp, now: Timestamp) -> i64 {
    let seconds = now.as_second() - from.as_second();
    if seconds < 0 { i64::MAX } else { seconds }
}

/// Keeps whether the provider answered as it should.
fn note<T>(kept: &mut Kept, now: Timestamp, end: Result<T, String>) -> Result<T, Refused> {
    kept.away_since = end.is_err().then_some(now);
    end.map_err(away)
}

fn away(why: String) -> Refused {
    tracing::error!(why, "the sign-in provider can't be used");
    Refused::ProviderAway
}

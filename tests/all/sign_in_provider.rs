//! Sign-in of staff through a provider (OpenID Connect), against one that runs here: who gets in, and what is not believed.

use crate::support::client::Reply;
use crate::support::cookies::form;
use crate::support::people::PASSWORD;
use crate::support::python::Server;
use crate::support::server::Start;
use crate::support::{Engine, Session, TestApp, engines};
use serde_json::{Value, json};
use std::time::{SystemTime, UNIX_EPOCH};

const PUBLIC: &str = "https://fx.example";
const OFFICE: &str = "amr-320115";

/// Seconds since 1970, of the provider's clock.
fn now() -> u64 {
    SystemTime::now().duration_since(UNIX_EPOCH).expect("after 1970").as_secs()
}

/// The provider with this service as its client.
struct Provider {
    server: Server,
    client: crate::support::client::Client,
    id: String,
    secret: String,
}

impl Provider {
    /// `None`, with a word about it, where its package is missing.
    fn start() -> Option<Self> {
        let server = Server::start("oidc_provider_mock", "oidc_provider.py", "sign-in through a provider")?;
        let client = crate::support::client::Client::new(format!("http://127.0.0.1:{}", server.port));
        let about = json!({ "redirect_uris": [format!("{PUBLIC}/login/oidc/callback")] });
        let made = client.post("/oauth2/clients", &Session::anonymous()).json(&about).send().expect(201);
        let text = |name: &str| made[name].as_str().expect("a text").to_owned();
        let (id, secret) = (text("client_id"), text("client_secret"));
        Some(Self { server, client, id, secret })
    }

    /// A service that knows it.
    fn app(&self, engine: Engine) -> Start {
        Start::on(engine)
            .set("SERVER__PUBLIC_URL", PUBLIC)
            .set("OIDC__ISSUER", self.client.base())
            .set("OIDC__CLIENT_ID", &self.id)
            .set("OIDC__CLIENT_SECRET", &self.secret)
            .set("OIDC__ALLOWED_NETWORKS", "127.0.0.1")
    }

    fn put(&self, path: &str, body: &Value) {
        let reply = self.client.put(path, &Session::anonymous()).json(body).send();
        assert_eq!(reply.status, 204, "{reply}");
    }

    /// Says what the provider knows of somebody, besides that they signed in there just now.
    fn person(&self, subject: &str, mut claims: Value) {
        if claims["auth_time"].is_null() {
            claims["auth_time"] = json!(now());
        }
        self.put(&format!("/users/{subject}"), &claims);
    }

    /// Somebody signs in there, at the address that the service sent them to; gives the address that they are sent back to.
    fn sign_in(&self, address: &str, subject: &str) -> String {
        let path = address.strip_prefix(self.client.base()).unwrap_or_else(|| panic!("{address} is elsewhere"));
        let call = self.client.post(path, &Session::anonymous());
        let reply = call.body("application/x-www-form-urlencoded", form(&[("sub", subject)])).send();
        assert_eq!(reply.status, 302, "{reply}");
        back(&reply)
    }

    /// How often it was asked for something.
    fn asked(&self, what: &str) -> i64 {
        self.client.get("/asked", &Session::anonymous()).send().expect(200)[what].as_i64().expect("a number")
    }
}

/// The path at this service that an answer leads to.
fn back(reply: &Reply) -> String {
    let location = reply.header("location");
    location.strip_prefix(PUBLIC).unwrap_or_else(|| panic!("{location} isn't ours: {reply}")).to_owned()
}

/// A cookie that an answer sets, as a browser sends it back; empty when it takes it away.
fn cookie(reply: &Reply, name: &str) -> Option<String> {
    let all = reply.headers.get_all("set-cookie").iter().filter_map(|value| value.to_str().ok());
    all.filter_map(|cookie| cookie.split(';').next())
        .find(|cookie| cookie.starts_with(&format!("{name}=")))
        .map(str::to_owned)
}

/// Somebody's browser, on its way to the provider.
struct Way {
    /// Where the provider is to be asked.
    address: String,
    /// The cookie of the way.
    cookie: String,
}

fn open(app: &TestApp, path: &str, cookie: &str) -> Reply {
    let call = app.get(path, &Session::anonymous()).header("host", "fx.example").header("accept", "text/html");
    call.header("accept-language", "en").header("cookie", cookie).send()
}

#[track_caller]
fn begin(app: &TestApp, next: &str) -> Way {
    let reply = open(app, &format!("/login/oidc?next={next}"), "");
    assert_eq!(reply.status, 303, "{reply}");
    let cookie = cookie(&reply, "__Host-fangxin-oidc").unwrap_or_else(|| panic!("no cookie: {reply}"));
    Way { address: reply.header("location").to_owned(), cookie }
}

/// All of it at once.
#[track_caller]
fn whole(app: &TestApp, provider: &Provider, subject: &str) -> Reply {
    let way = begin(app, "");
    open(app, &provider.sign_in(&way.address, subject), &way.cookie)
}

fn user(app: &TestApp, arguments: &[&str]) -> (Option<i32>, String) {
    let end = app.run(&[&["user"], arguments].concat(), None);
    (end.status.code(), String::from_utf8_lossy(&end.stderr).into_owned())
}

/// What the log says of sign-ins, the oldest first: kind, account, method.
fn sign_ins(app: &TestApp) -> Vec<(String, String, String)> {
    let entries = app.pages("/api/v1/audit?limit=100", &app.auditor("320000"));
    let text = |entry: &Value, name: &str| entry["data"][name].as_str().unwrap_or_default().to_owned();
    let of_sign_in = entries.iter().filter(|entry| entry["data"]["method"] == "oidc");
    let mut found: Vec<_> = of_sign_in
        .map(|entry| {
            let account = entry["actor"].as_str().map_or_else(|| text(entry, "account"), str::to_owned);
            (entry["kind"].as_str().unwrap_or_default().to_owned(), account, text(entry, "method"))
        })
        .collect();
    found.reverse();
    found
}

/// SEC-OI-01: who is linked gets in, with a session like any other; the request says what it has to; nobody else gets in, and an
/// account is never made, moved or given a role.
#[test]
fn sec_oi_01_staff_who_are_linked_get_in_through_the_provider() {
    let Some(provider) = Provider::start() else { return };
    for engine in engines() {
        let app = provider.app(engine).start();
        let officer = app.officer(OFFICE);
        let name = officer.name.as_str();
        provider
            .person("48-li", json!({ "email": "admin@fx.example", "role": "admin", "preferred_username": "admin" }));

        let page = open(&app, "/login?next=/desk%3Fview%3Dmine", "");
        assert!(page.text.contains("href=\"/login/oidc?next=%2Fdesk%3Fview%3Dmine\""), "{page}");
        let way = begin(&app, "/desk%3Fview%3Dmine");
        let asked: Vec<(String, String)> = url::Url::parse(&way.address).unwrap().query_pairs().into_owned().collect();
        let value = |name: &str| asked.iter().find(|(known, _)| known == name).map_or("", |(_, value)| value.as_str());
        assert_eq!((value("response_type"), value("scope")), ("code", "openid"));
        assert_eq!(value("redirect_uri"), "https://fx.example/login/oidc/callback");
        assert_eq!((value("code_challenge_method"), value("max_age")), ("S256", "3600"));
        let random = [value("state"), value("nonce"), value("code_challenge")];
        assert!(random.iter().all(|value| value.len() == 43) && random[0] != random[1] && random[1] != random[2]);
        assert!(!way.address.contains(&provider.secret), "the secret goes to no browser");

        // Known to the provider, and to nobody here.
        let unknown = open(&app, &provider.sign_in(&way.address, "48-li"), &way.cookie);
        assert_eq!(unknown.status, 403, "{unknown}");
        assert!(
            unknown.text.contains("<code>48-li</code>") && cookie(&unknown, "__Host-fangxin").is_none(),
            "{unknown}"
        );

        assert_eq!(user(&app, &["link", "--username", name, "--subject", "48-li"]).0, Some(0));
        assert_eq!(user(&app, &["link", "--username", "nobody", "--subject", "48-wang"]).0, Some(1));
        app.officer("amr-320102");
        let (code, told) = user(&app, &["link", "--username", "officer-amr-320102", "--subject", "48-li"]);
        assert!(code == Some(1) && told.contains("another account"), "{told}");

        let way = begin(&app, "/desk%3Fview%3Dmine");
        let entered = open(&app, &provider.sign_in(&way.address, "48-li"), &way.cookie);
        assert_eq!((entered.status, entered.header("location")), (303, "/desk?view=mine"), "{entered}");
        assert_eq!(
            cookie(&entered, "__Host-fangxin-oidc").as_deref(),
            Some("__Host-fangxin-oidc="),
            "it is taken away"
        );
        let session = cookie(&entered, "__Host-fangxin").expect("a session");
        let flags = entered.headers.get_all("set-cookie").iter().map(|value| value.to_str().unwrap());
        for cookie in flags.filter(|cookie| cookie.starts_with("__Host-fangxin")) {
            assert!(
                ["HttpOnly", "Secure", "SameSite=Lax", "Path=/"].iter().all(|flag| cookie.contains(flag)),
                "{cookie}"
            );
        }
        let me = open(&app, "/api/v1/me", &session).expect(200);
        assert_eq!(
            (&me["username"], &me["role"], &me["unit"]["code"]),
            (&json!(name), &json!("officer"), &json!(OFFICE))
        );

        // Disabled: out at once, and not let in again. Enabled: in again. Unlinked: out, and stays out.
        assert_eq!(user(&app, &["disable", "--username", name]).0, Some(0));
        open(&app, "/api/v1/me", &session).problem(401);
        assert_eq!(whole(&app, &provider, "48-li").status, 403);
        let reset = app.run(&["user", "reset", "--username", name, "--password-stdin"], Some(&format!("{PASSWORD}\n")));
        assert!(reset.status.success());
        let again = whole(&app, &provider, "48-li");
        assert_eq!((again.status, again.header("location")), (303, "/desk"), "{again}");
        let session = cookie(&again, "__Host-fangxin").expect("a session");
        open(&app, "/api/v1/me", &session).expect(200);
        assert_eq!(user(&app, &["unlink", "--username", name]).0, Some(0));
        open(&app, "/api/v1/me", &session).problem(401);
        assert_eq!(whole(&app, &provider, "48-li").status, 403);
        assert_eq!(user(&app, &["unlink", "--username", name]).0, Some(1));

        let (failed, entered) = ("sign_in_failed", "sign_in");
        let expected = [(failed, ""), (entered, name), (failed, name), (entered, name), (failed, "")];
        let expected = expected.map(|(kind, account)| (kind.to_owned(), account.to_owned(), "oidc".to_owned()));
        assert_eq!(sign_ins(&app), expected, "{engine}");
    }
}

/// SEC-OI-02: a forged, foreign, old or replayed answer lets nobody in; each is tried beside a right one.
#[test]
fn sec_oi_02_what_is_not_the_providers_answer_to_this_browser_is_refused() {
    let Some(provider) = Provider::start() else { return };
    for engine in engines() {
        let app = provider.app(engine).start();
        let officer = app.officer(OFFICE);
        provider.person("48-li", json!({}));
        assert_eq!(user(&app, &["link", "--username", &officer.name, "--subject", "48-li"]).0, Some(0));
        let refused = |reply: &Reply, what: &str| {
            assert_eq!(reply.status, 401, "{engine}: {what}: {reply}");
            assert!(cookie(reply, "__Host-fangxin").is_none(), "{engine}: {what}: {reply}");
        };
        let stranger = json!({ "claims": { "sub": "48-li" }, "stranger": true });
        for (what, misbehaviour) in [
            ("wrong nonce", json!({ "claims": { "nonce": "n-0S6_WzA2Mj" } })),
            ("wrong audience", json!({ "claims": { "aud": "another client" } })),
            ("several audiences", json!({ "claims": { "aud": [provider.id, "another client"] } })),
            ("another's audience in our name", json!({ "claims": { "aud": "another client", "azp": provider.id } })),
            ("wrong party", json!({ "claims": { "azp": "another client" } })),
            ("wrong issuer", json!({ "claims": { "iss": "https://login.example" } })),
            ("expired", json!({ "claims": { "exp": now() - 120 } })),
            ("issued long ago", json!({ "claims": { "iat": now() - 3600 } })),
            ("signed in long ago", json!({ "claims": { "auth_time": now() - 7200 } })),
            ("unsigned", json!({ "unsigned": true })),
            ("a stranger's key", stranger),
            ("a key that isn't there", json!({ "header": { "kid": "provider-9" } })),
            ("a code that isn't taken", json!({ "status": 400 })),
        ] {
            provider.put("/misbehave", &misbehaviour);
            refused(&whole(&app, &provider, "48-li"), what);
            provider.put("/misbehave", &json!({}));
        }

        // The right state, and the browser that it isn't of; the right browser, and another state; no state, no cookie, no code.
        let (mine, theirs) = (begin(&app, ""), begin(&app, ""));
        let address = provider.sign_in(&mine.address, "48-li");
        refused(&open(&app, &address, &theirs.cookie), "another browser");
        refused(&open(&app, &address, ""), "no cookie");
        refused(&open(&app, &address.replace("state=", "state=x"), &mine.cookie), "another state");
        refused(&open(&app, &address.replace("&state=", "&old="), &mine.cookie), "no state");
        let entered = open(&app, &address, &mine.cookie);
        assert_eq!(entered.status, 303, "{engine}: the right one: {entered}");
        let asked = provider.asked("token");
        refused(&open(&app, &address, &mine.cookie), "replayed");
        let fresh = provider.sign_in(&begin(&app, "").address, "48-li");
        let (used, code) = (address.split("state=").nth(1).unwrap(), fresh.split("code=").nth(1).unwrap());
        let mixed = format!("/login/oidc/callback?code={}&state={used}", code.split('&').next().unwrap());
        refused(&open(&app, &mixed, &mine.cookie), "a used state with a fresh code");
        assert_eq!(provider.asked("token"), asked, "{engine}: the provider isn't asked twice for one state");

        // Another's code in one's own way: the provider asks for the verifier of who began it (PKCE).
        let (mine, theirs) = (begin(&app, ""), begin(&app, ""));
        let stolen = provider.sign_in(&theirs.address, "48-li");
        let stolen = stolen.split("code=").nth(1).unwrap().split('&').next().unwrap();
        let own = url::Url::parse(&mine.address).unwrap();
        let state = own.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        refused(
            &open(&app, &format!("/login/oidc/callback?code={stolen}&state={state}"), &mine.cookie),
            "another's code",
        );
        let mine = begin(&app, "");
        let own = url::Url::parse(&mine.address).unwrap();
        let state = own.query_pairs().find(|(name, _)| name == "state").unwrap().1.into_owned();
        let denied = format!("/login/oidc/callback?error=access_denied&state={state}");
        refused(&open(&app, &denied, &mine.cookie), "turned back at the provider");
        let mine = begin(&app, "");
        let elsewhere = format!("{}&iss=https%3A%2F%2Flogin.example", provider.sign_in(&mine.address, "48-li"));
        refused(&open(&app, &elsewhere, &mine.cookie), "another provider's answer");
        assert!(sign_ins(&app).iter().filter(|(kind, ..)| kind == "sign_in_failed").count() >= 15, "{engine}");
    }
}

/// Somebody's account, with what is to be typed into it.
fn account(app: &TestApp, username: &str, role: &str, subject: &str) {
    let place = ["user", "add", "--username", username, "--role", role, "--unit", OFFICE, "--password-stdin"];
    assert!(app.run(&place, Some(&format!("{PASSWORD}\n"))).status.success());
    assert_eq!(user(app, &["link", "--username", username, "--subject", subject]).0, Some(0));
}

/// SEC-OI-03: an address counts only where the provider has verified it, and a second factor is asked for as it is with a
/// password. Keys of the other algorithm are taken, and what the provider publishes is fetched once.
#[test]
fn sec_oi_03_an_unverified_address_and_a_missing_second_factor_let_nobody_in() {
    let Some(provider) = Provider::start() else { return };
    for engine in engines() {
        let start = provider.app(engine).set("OIDC__CLAIM", "email").set("OIDC__SCOPES", "openid, email");
        let app = start.set("AUTH__TOTP_ROLES", "officer").set("OIDC__SECOND_FACTOR", "mfa").start();
        account(&app, "li", "officer", "li@office.example");
        let tried = |claims: Value| {
            provider.person("48-li", claims);
            whole(&app, &provider, "48-li")
        };
        let before = (provider.asked("configuration"), provider.asked("jwks"));
        // The first token is signed with a new key of the other algorithm (ES256).
        provider.put("/misbehave", &json!({ "renewed": true }));
        let mfa = json!(["pwd", "mfa"]);
        let good = json!({ "email": "li@office.example", "email_verified": true, "amr": mfa });
        let entered = tried(good.clone());
        assert_eq!(entered.status, 303, "{engine}: {entered}");
        for (what, name, value, status) in [
            ("not verified", "email_verified", json!(false), 401),
            ("verified as a text", "email_verified", json!("true"), 401),
            ("another address", "email", json!("wang@office.example"), 403),
            ("no second factor", "amr", json!(["pwd"]), 403),
            ("nothing of a second factor", "amr", json!([]), 403),
        ] {
            let mut claims = good.clone();
            claims[name] = value;
            let reply = tried(claims);
            assert_eq!(reply.status, status, "{engine}: {what}: {reply}");
            assert!(cookie(&reply, "__Host-fangxin").is_none(), "{engine}: {what}: {reply}");
        }
        assert_eq!(tried(good).status, 303, "{engine}");
        let after = (provider.asked("configuration"), provider.asked("jwks"));
        assert_eq!(after, (before.0 + 1, before.1 + 1), "{engine}: fetched once");
    }
}

/// SEC-OI-04: failed answers and wrong passwords count for the same waits.
#[test]
fn sec_oi_04_the_waits_are_those_of_passwords() {
    let Some(provider) = Provider::start() else { return };
    for engine in engines() {
        let start = provider.app(engine).set("LIMITS__ENABLED", "true").set("LIMITS__SIGN_IN_ATTEMPTS", "2");
        let app = start.set("LIMITS__ADDRESS_ATTEMPTS", "12").start();
        account(&app, "li", "officer", "48-li");
        provider.person("48-li", json!({}));
        let body = json!({ "username": "li", "password": "wrong-horse-7-battery" });
        let wrong = || app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send().status;
        assert_eq!([wrong(), wrong(), wrong(), wrong()], [401, 401, 429, 429], "{engine}");
        let waits = whole(&app, &provider, "48-li");
        assert_eq!((waits.status, cookie(&waits, "__Host-fangxin")), (429, None), "{engine}: {waits}");
        let forged = || open(&app, "/login/oidc/callback?code=x&state=x", &begin(&app, "").cookie).status;
        let tried: Vec<u16> = std::iter::repeat_with(forged).take(12).collect();
        assert!(tried.starts_with(&[401, 401]) && tried.ends_with(&[429, 429]), "{engine}: {tried:?}");
    }
}

/// A provider that is away, answers nonsense or lies where nobody may reach is told of in plain words; passwords go on.
#[test]
fn a_provider_that_cannot_be_used_is_told_and_passwords_go_on() {
    let Some(mut provider) = Provider::start() else { return };
    let app = provider.app(Engine::Sqlite).start();
    account(&app, "li", "officer", "48-li");
    provider.person("48-li", json!({}));
    let told = |reply: &Reply| {
        assert_eq!(reply.status, 503, "{reply}");
        assert!(
            reply.text.contains("Single sign-on can&#39;t be reached now") && reply.text.contains("name=\"password\"")
        );
    };
    provider.put("/misbehave", &json!({ "status": 500 }));
    told(&whole(&app, &provider, "48-li"));
    let way = begin(&app, "");
    let address = provider.sign_in(&way.address, "48-li");
    // Nothing of the inside of this network is reached for a settings file that names it by mistake.
    let asked = provider.asked("configuration");
    let guarded = provider.app(Engine::Sqlite).set("OIDC__ALLOWED_NETWORKS", "").start();
    told(&open(&guarded, "/login/oidc", ""));
    assert_eq!(provider.asked("configuration"), asked);
    assert_eq!(open(&TestApp::start(Engine::Sqlite), "/login/oidc", "").status, 404, "none is set");
    provider.server.stop();
    told(&open(&app, &address, &way.cookie));
    let other = provider.app(Engine::Sqlite).start();
    told(&open(&other, "/login/oidc", ""));
    let body = json!({ "username": "li", "password": PASSWORD });
    app.post("/api/v1/auth/token", &Session::anonymous()).json(&body).send().expect(200);
    let log = std::fs::read_to_string(app.log()).expect("a log");
    assert!(log.contains("the sign-in provider can't be used") && !log.contains(&provider.secret), "{log}");
}

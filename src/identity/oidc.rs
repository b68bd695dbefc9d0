//! Sign-in through a provider (OpenID Connect Core 1.0, authorization code flow): the values that go there and come back, and
//! whether an ID token is believed.
//!
//! Signatures are jsonwebtoken's to check (aws-lc), which the service has anyway for its own tokens, and requests are
//! reqwest's behind the guard of webhooks. The crate `openidconnect` 4.1 would bring four crates of cryptography beside these
//! (`rsa` 0.9, which has an open advisory, `p256`, `p384`, `ed25519-dalek`) and the system's randomness in place of the one that
//! is passed in, for one flow and two algorithms.
//!
//! What is secret in a flow follows from one random value that only the browser has, in a cookie: the state, the nonce and
//! the verifier of PKCE (RFC 7636) are digests of it, each for one purpose. Nothing of it is stored before it is used, and
//! whoever has an address of the flow (a log, a history, a referrer) has none of the others.

use crate::ambient::Entropy;
use crate::domain::hidden::hidden_debug;
use crate::identity::Ticket;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{AlgorithmParameters, EllipticCurve, Jwk, KeyAlgorithm, PublicKeyUse};
use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde::Deserialize;
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use uuid::Uuid;

/// Seconds in which somebody has to come back from the provider.
pub const FLOW_SECONDS: i64 = 600;

/// Seconds by which clocks may differ.
const LEEWAY: i64 = 60;

/// Longest ID token that is looked at.
const MAX_TOKEN: usize = 16_384;

/// Longest value that says who somebody is (OpenID Connect Core 1.0, 2: `sub`).
pub const MAX_SUBJECT: usize = 255;

/// One way to the provider and back.
#[derive(Debug, Clone)]
pub struct Flow(Ticket);

impl Flow {
    /// Begins one; the id is a uuid of version 7, of now.
    pub fn begin(id: Uuid, entropy: &dyn Entropy) -> Self {
        Self(Ticket::draw(id, entropy))
    }

    /// Reads one from its cookie.
    pub fn parse(text: &str) -> Option<Self> {
        Ticket::parse(text).map(Self)
    }

    /// As the cookie carries it.
    pub fn expose(&self) -> String {
        self.0.expose()
    }

    /// What the provider sends back: it says that the answer belongs to this browser.
    pub fn state(&self) -> String {
        self.0.derived("fangxin oidc state")
    }

    /// Whether a state that came back is this flow's, in a time that doesn't depend on where the two differ.
    pub fn state_fits(&self, given: &str) -> bool {
        Sha256::digest(given) == Sha256::digest(self.state())
    }

    /// The state as it is kept once it was used.
    pub fn state_hash(&self) -> [u8; 32] {
        Sha256::digest(self.state()).into()
    }

    /// What the ID token must hold: it was issued for this flow.
    pub fn nonce(&self) -> String {
        self.0.derived("fangxin oidc nonce")
    }

    /// What only who began the flow can show with the code (RFC 7636, 4.1).
    pub fn verifier(&self) -> String {
        self.0.derived("fangxin oidc verifier")
    }

    /// What the provider is told of the verifier before (`S256`).
    pub fn challenge(&self) -> String {
        URL_SAFE_NO_PAD.encode(Sha256::digest(self.verifier()))
    }

    /// Whether its time isn't over.
    pub fn is_fresh(&self, now: Timestamp) -> bool {
        let begun = self.0.session.get_timestamp().and_then(|at| i64::try_from(at.to_unix().0).ok());
        begun.is_some_and(|begun| (-LEEWAY..=FLOW_SECONDS).contains(&(now.as_second() - begun)))
    }
}

/// Why an ID token isn't believed. Nobody is told but the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum IdTokenError {
    /// Not a token, or a claim is missing or of the wrong type.
    #[error("not an ID token, or a claim is missing")]
    Malformed,
    /// Signed in a way that isn't taken: none, by a shared secret, or anything but RS256 and ES256.
    #[error("not signed with RS256 or ES256")]
    Algorithm,
    /// The provider publishes no such key for signatures of this kind.
    #[error("unknown key")]
    UnknownKey,
    /// The signature doesn't fit.
    #[error("the signature does not fit")]
    Signature,
    /// Issued by or for someone else.
    #[error("issued by or for someone else")]
    Stranger,
    /// Past its end, or issued too long ago for this flow.
    #[error("expired")]
    Expired,
    /// Issued in the future.
    #[error("not valid yet")]
    Early,
    /// Issued for another flow.
    #[error("issued for another flow")]
    Nonce,
    /// They proved who they are longer ago than was asked for, or the provider doesn't say when.
    #[error("signed in at the provider too long ago")]
    SignedInLongAgo,
    /// The claim that says who they are isn't there, or the provider hasn't verified it.
    #[error("the claim that names the person is missing or not verified")]
    Nameless,
}

/// The provider's keys.
#[derive(Debug, Clone)]
pub struct Keys(Vec<Jwk>);

impl Keys {
    /// Reads a JSON Web Key Set (RFC 7517); a key of an unknown form is passed over. `None` for anything else.
    pub fn parse(bytes: &[u8]) -> Option<Self> {
        #[derive(Deserialize)]
        struct Set {
            keys: Vec<Value>,
        }
        let set: Set = serde_json::from_slice(bytes).ok()?;
        Some(Self(set.keys.into_iter().filter_map(|key| serde_json::from_value(key).ok()).collect()))
    }

    /// Whether there is a key that an ID token names; a token that can't be read names none that would have to be fetched.
    pub fn know(&self, token: &str) -> bool {
        let named =
            header(token).map(|(algorithm, kid)| kid.is_some() && self.find(kid.as_deref(), algorithm).is_some());
        named.unwrap_or(true)
    }

    /// The key that a token names. One that names none is signed by the only key there is (OpenID Connect Core 1.0, 10.1).
    fn find(&self, kid: Option<&str>, algorithm: Algorithm) -> Option<&Jwk> {
        let Some(kid) = kid else {
            return if let [only] = self.0.as_slice() { Some(only).filter(|key| is_for(key, algorithm)) } else { None };
        };
        self.0.iter().find(|key| key.common.key_id.as_deref() == Some(kid) && is_for(key, algorithm))
    }

    /// Checks an ID token (OpenID Connect Core 1.0, 3.1.3.7) and gives whom it names.
    ///
    /// # Errors
    /// Why it isn't believed.
    pub fn check(&self, token: &str, expected: &Expected<'_>) -> Result<Named, IdTokenError> {
        let (algorithm, kid) = header(token)?;
        let key = self.find(kid.as_deref(), algorithm).ok_or(IdTokenError::UnknownKey)?;
        let key = DecodingKey::from_jwk(key).map_err(|_| IdTokenError::UnknownKey)?;
        let mut validation = Validation::new(algorithm);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[expected.client_id]);
        validation.set_issuer(&[expected.issuer]);
        // Checked below against the clock that is passed in.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        let claims = jsonwebtoken::decode::<Claims>(token, &key, &validation).map_err(|error| {
            use jsonwebtoken::errors::ErrorKind;
            match error.kind() {
                ErrorKind::InvalidSignature => IdTokenError::Signature,
                ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => IdTokenError::Stranger,
                _ => IdTokenError::Malformed,
            }
        })?;
        claims.claims.check(expected)
    }
}

/// Algorithm and key id of a token that may be looked at.
fn header(token: &str) -> Result<(Algorithm, Option<String>), IdTokenError> {
    if token.len() > MAX_TOKEN {
        return Err(IdTokenError::Malformed);
    }
    // `none` and its like are no algorithm, so that the head can't be read.
    let header = jsonwebtoken::decode_header(token).map_err(|_| IdTokenError::Algorithm)?;
    if !matches!(header.alg, Algorithm::RS256 | Algorithm::ES256) {
        return Err(IdTokenError::Algorithm);
    }
    // Keys that a token brings along (jwk, jku, x5u) are never looked at; what it says must be understood isn't.
    if header.crit.is_some() {
        return Err(IdTokenError::Malformed);
    }
    Ok((header.alg, header.kid))
}

/// Whether a key is one for signatures by an algorithm.
fn is_for(key: &Jwk, algorithm: Algorithm) -> bool {
    let signs = key.common.public_key_use.as_ref().is_none_or(|purpose| *purpose == PublicKeyUse::Signature);
    let named = key.common.key_algorithm;
    let (fits, own) = match (algorithm, &key.algorithm) {
        (Algorithm::RS256, AlgorithmParameters::RSA(_)) => (true, KeyAlgorithm::RS256),
        (Algorithm::ES256, AlgorithmParameters::EllipticCurve(key)) => {
            (key.curve == EllipticCurve::P256, KeyAlgorithm::ES256)
        }
        _ => return false,
    };
    signs && fits && named.is_none_or(|named| named == own)
}

/// What an ID token has to say.
#[derive(Debug, Clone, Copy)]
pub struct Expected<'a> {
    /// The provider.
    pub issuer: &'a str,
    /// This installation.
    pub client_id: &'a str,
    /// The flow.
    pub nonce: &'a str,
    /// Claim that names the person.
    pub claim: &'a str,
    /// Seconds within which they must have proved to the provider who they are.
    pub max_age: Option<i64>,
    /// Now.
    pub now: Timestamp,
}

/// Whom an ID token names.
#[derive(Clone, PartialEq, Eq)]
pub struct Named {
    /// Value of the claim that was asked for.
    pub subject: String,
    /// Values of `acr` and `amr`: how they proved it.
    pub methods: Vec<String>,
    /// When they proved it, where the provider says so.
    pub proved_at: Option<Timestamp>,
}

hidden_debug!(Named);

#[derive(Clone, Deserialize)]
struct Claims {
    aud: Audience,
    azp: Option<String>,
    sub: String,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    nonce: String,
    auth_time: Option<i64>,
    acr: Option<String>,
    amr: Option<Vec<String>>,
    #[serde(flatten)]
    others: Map<String, Value>,
}

#[derive(Clone, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Many(Vec<String>),
}

impl Claims {
    fn check(self, expected: &Expected<'_>) -> Result<Named, IdTokenError> {
        let now = expected.now.as_second();
        // Of several audiences one must be said to have asked for it.
        let alone = match &self.aud {
            Audience::One(audience) => audience == expected.client_id,
            Audience::Many(audiences) => audiences.iter().all(|audience| audience == expected.client_id),
        };
        match &self.azp {
            Some(party) if party != expected.client_id => return Err(IdTokenError::Stranger),
            None if !alone => return Err(IdTokenError::Stranger),
            _ => {}
        }
        if now >= self.exp.saturating_add(LEEWAY) || now > self.iat.saturating_add(FLOW_SECONDS + LEEWAY) {
            return Err(IdTokenError::Expired);
        }
        let latest = now.saturating_add(LEEWAY);
        if [Some(self.iat), self.nbf, self.auth_time].into_iter().flatten().any(|at| at > latest) {
            return Err(IdTokenError::Early);
        }
        if Sha256::digest(&self.nonce) != Sha256::digest(expected.nonce) {
            return Err(IdTokenError::Nonce);
        }
        if let Some(most) = expected.max_age
            && self.auth_time.is_none_or(|at| now > at.saturating_add(most).saturating_add(LEEWAY))
        {
            return Err(IdTokenError::SignedInLongAgo);
        }
        let proved_at = self.auth_time.and_then(|at| Timestamp::from_second(at.min(now)).ok());
        let subject = self.subject(expected.claim).ok_or(IdTokenError::Nameless)?;
        let methods = self.acr.into_iter().chain(self.amr.into_iter().flatten()).collect();
        Ok(Named { subject, methods, proved_at })
    }

    /// Who it is, by a claim.
    fn subject(&self, claim: &str) -> Option<String> {
        let value = match claim {
            "sub" => self.sub.as_str(),
            // Whoever may write any address into their profile would be whoever has that address.
            "email" if self.others.get("email_verified") != Some(&Value::Bool(true)) => return None,
            claim => self.others.get(claim)?.as_str()?,
        };
        is_subject(value).then(|| value.to_owned())
    }
}

/// Whether a text can say who somebody is: 1 to [`MAX_SUBJECT`] bytes, no control characters, no space at its ends.
pub fn is_subject(text: &str) -> bool {
    (1..=MAX_SUBJECT).contains(&text.len()) && !text.chars().any(char::is_control) && text.trim() == text
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;
    use aws_lc_rs::rand::SystemRandom;
    use aws_lc_rs::signature::{ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair};
    use jsonwebtoken::{EncodingKey, Header};
    use serde_json::json;

    const NOW: i64 = 1_780_000_000;

    struct Provider {
        key: EncodingKey,
        published: Value,
    }

    impl Provider {
        fn new(kid: &str) -> Self {
            let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &SystemRandom::new()).unwrap();
            let key = EncodingKey::from_ec_der(pkcs8.as_ref());
            let mut published = serde_json::to_value(Jwk::from_encoding_key(&key, Algorithm::ES256).unwrap()).unwrap();
            published["kid"] = json!(kid);
            Self { key, published }
        }

        fn keys(&self, change: &[(&str, Value)]) -> Keys {
            let mut key = self.published.clone();
            change.iter().for_each(|(name, value)| key[*name] = value.clone());
            let odd = json!({ "kty": "new", "kid": "k1", "alg": 7 });
            Keys::parse(json!({ "keys": [odd, key] }).to_string().as_bytes()).unwrap()
        }

        fn token(&self, header: &Header, claims: &Value) -> String {
            jsonwebtoken::encode(header, claims, &self.key).unwrap()
        }
    }

    fn head(kid: &str) -> Header {
        Header { kid: Some(kid.to_owned()), ..Header::new(Algorithm::ES256) }
    }

    fn claims() -> Value {
        json!({
            "iss": "https://login.example", "aud": "fangxin", "sub": "248289761001", "exp": NOW + 300, "iat": NOW,
            "nonce": "n-0S6_WzA2Mj", "auth_time": NOW - 60, "acr": "silver", "amr": ["pwd", "mfa"],
            "email": "li@office.example", "email_verified": true, "staff": "A-7",
        })
    }

    fn expected(claim: &'static str) -> Expected<'static> {
        Expected {
            issuer: "https://login.example",
            client_id: "fangxin",
            nonce: "n-0S6_WzA2Mj",
            claim,
            max_age: Some(3600),
            now: Timestamp::from_second(NOW).unwrap(),
        }
    }

    fn with(name: &str, value: Value) -> Value {
        let mut claims = claims();
        claims[name] = value;
        claims
    }

    fn without(name: &str) -> Value {
        let mut claims = claims();
        claims.as_object_mut().unwrap().remove(name);
        claims
    }

    /// SEC-OI-02
    #[test]
    fn sec_oi_02_each_claim_of_an_id_token_is_checked() {
        let provider = Provider::new("k1");
        let checked = |claims: &Value| provider.keys(&[]).check(&provider.token(&head("k1"), claims), &expected("sub"));
        let named = checked(&claims()).unwrap();
        assert_eq!(
            (named.subject.as_str(), named.methods.as_slice()),
            ("248289761001", &["silver", "pwd", "mfa"].map(str::to_owned)[..])
        );
        assert_eq!(named.proved_at, Timestamp::from_second(NOW - 60).ok());
        use IdTokenError::{Early, Expired, Malformed, Nonce, SignedInLongAgo, Stranger};
        for (name, value, why) in [
            ("iss", json!("https://login.example/"), Stranger),
            ("iss", json!("https://evil.example"), Stranger),
            ("aud", json!("another"), Stranger),
            ("aud", json!(["another"]), Stranger),
            ("aud", json!([]), Stranger),
            ("aud", json!(["fangxin", "another"]), Stranger),
            ("azp", json!("another"), Stranger),
            ("aud", json!({ "fangxin": true }), Malformed),
            ("exp", json!(NOW - 60), Expired),
            ("exp", json!(NOW.to_string()), Malformed),
            ("exp", Value::Null, Malformed),
            ("iat", json!(NOW - 661), Expired),
            ("iat", json!(NOW + 61), Early),
            ("nbf", json!(NOW + 61), Early),
            ("auth_time", json!(NOW - 3661), SignedInLongAgo),
            ("auth_time", json!(NOW + 61), Early),
            ("auth_time", Value::Null, SignedInLongAgo),
            ("nonce", json!("n-0S6_WzA2Mk"), Nonce),
            ("nonce", json!(""), Nonce),
            ("nonce", Value::Null, Malformed),
            ("sub", json!(7), Malformed),
        ] {
            assert_eq!(checked(&with(name, value.clone())), Err(why), "{name} = {value}");
        }
        for name in ["iss", "aud", "sub", "exp", "iat", "nonce"] {
            assert!(checked(&without(name)).is_err(), "without {name}");
        }
        let mut several = with("aud", json!("another"));
        several["azp"] = json!("fangxin");
        assert_eq!(checked(&several), Err(Stranger), "another's, in our name");
        several["aud"] = json!(["fangxin", "another"]);
        assert!(checked(&several).is_ok() && checked(&with("aud", json!(["fangxin"]))).is_ok());
        let token = provider.token(&head("k1"), &without("auth_time"));
        let undated = provider.keys(&[]).check(&token, &Expected { max_age: None, ..expected("sub") }).unwrap();
        assert_eq!(undated.proved_at, None);
    }

    /// SEC-OI-02: a token is signed by the key that it names, with the algorithm of that key, and no other way.
    #[test]
    fn sec_oi_02_only_the_providers_own_signature_is_believed() {
        let (provider, stranger) = (Provider::new("k1"), Provider::new("k1"));
        let check = |keys: &Keys, token: &str| keys.check(token, &expected("sub"));
        let (keys, good) = (provider.keys(&[]), provider.token(&head("k1"), &claims()));
        assert!(check(&keys, &good).is_ok() && keys.know(&good));
        assert_eq!(check(&keys, &stranger.token(&head("k1"), &claims())), Err(IdTokenError::Signature));
        assert_eq!(check(&keys, &provider.token(&head("k2"), &claims())), Err(IdTokenError::UnknownKey));
        assert!(!keys.know(&provider.token(&head("k2"), &claims())));
        // One that names no key is checked by the only one there is.
        let nameless = provider.token(&Header::new(Algorithm::ES256), &claims());
        assert!(check(&keys, &nameless).is_ok() && !keys.know(&nameless));
        let two = json!({ "keys": [provider.published, stranger.published] }).to_string();
        assert_eq!(check(&Keys::parse(two.as_bytes()).unwrap(), &nameless), Err(IdTokenError::UnknownKey));
        assert_eq!(
            check(&keys, &stranger.token(&Header::new(Algorithm::ES256), &claims())),
            Err(IdTokenError::Signature)
        );
        let critical = Header { crit: Some(vec!["exp".to_owned()]), ..head("k1") };
        assert_eq!(check(&keys, &provider.token(&critical, &claims())), Err(IdTokenError::Malformed));
        let (message, signature) = good.rsplit_once('.').unwrap();
        let body = message.split_once('.').unwrap().1;
        let part = |value: &Value| URL_SAFE_NO_PAD.encode(value.to_string());
        for algorithm in ["none", "None", "", "HS256", "RS512", "ES384", "EdDSA"] {
            let head = part(&json!({ "alg": algorithm, "kid": "k1" }));
            for signature in ["", signature] {
                let forged = check(&keys, &format!("{head}.{body}.{signature}"));
                assert_eq!(forged, Err(IdTokenError::Algorithm), "{algorithm}");
            }
        }
        // The public key as a shared secret, and an RSA name for an elliptic key.
        let secret = EncodingKey::from_secret(provider.published.to_string().as_bytes());
        let forged = jsonwebtoken::encode(&Header { kid: Some("k1".into()), ..Header::default() }, &claims(), &secret);
        assert_eq!(check(&keys, &forged.unwrap()), Err(IdTokenError::Algorithm));
        let renamed = format!("{}.{body}.{signature}", part(&json!({ "alg": "RS256", "kid": "k1" })));
        assert_eq!(check(&keys, &renamed), Err(IdTokenError::UnknownKey));
        for (name, value) in [("use", json!("enc")), ("alg", json!("ES384")), ("crv", json!("P-384"))] {
            assert_eq!(check(&provider.keys(&[(name, value)]), &good), Err(IdTokenError::UnknownKey), "{name}");
        }
        for odd in ["", ".", "..", "a.b.c", &"x".repeat(MAX_TOKEN + 1)] {
            assert!(check(&keys, odd).is_err());
        }
        assert!(Keys::parse(b"[]").is_none() && Keys::parse(b"{}").is_none() && Keys::parse(b"").is_none());
    }

    /// SEC-OI-03: an address counts only where the provider says that it is verified.
    #[test]
    fn sec_oi_03_an_address_that_isnt_verified_names_nobody() {
        let provider = Provider::new("k1");
        let named = |claim, claims: &Value| {
            let named = provider.keys(&[]).check(&provider.token(&head("k1"), claims), &expected(claim));
            named.map(|named| named.subject)
        };
        assert_eq!(named("email", &claims()).unwrap(), "li@office.example");
        assert_eq!(named("staff", &claims()).unwrap(), "A-7");
        for verified in [json!(false), json!("true"), json!(1), Value::Null] {
            assert_eq!(named("email", &with("email_verified", verified)), Err(IdTokenError::Nameless));
        }
        assert_eq!(named("email", &without("email_verified")), Err(IdTokenError::Nameless));
        for value in [json!(""), json!(" A-7"), json!("A\u{0}7"), json!(7), json!(["A-7"]), json!("x".repeat(256))] {
            assert_eq!(named("staff", &with("staff", value)), Err(IdTokenError::Nameless));
        }
        assert_eq!(named("badge", &claims()), Err(IdTokenError::Nameless));
    }

    #[test]
    fn what_goes_to_the_provider_and_back_follows_from_the_browsers_secret() {
        let at = Timestamp::from_second(NOW).unwrap();
        let entropy = SeededEntropy::new(3);
        let flow = Flow::begin(crate::ambient::key_at(&entropy, at), &entropy);
        let read = Flow::parse(&flow.expose()).unwrap();
        assert_eq!((read.state(), read.nonce(), read.verifier()), (flow.state(), flow.nonce(), flow.verifier()));
        let all = [flow.state(), flow.nonce(), flow.verifier(), flow.challenge()];
        assert!(all.iter().all(|one| one.len() == 43 && all.iter().filter(|other| *other == one).count() == 1));
        assert!(flow.state_fits(&flow.state()) && !flow.state_fits(&flow.nonce()) && !flow.state_fits(""));
        let later = |seconds: i64| Timestamp::from_second(NOW + seconds).unwrap();
        assert!(
            flow.is_fresh(at) && flow.is_fresh(later(600)) && !flow.is_fresh(later(601)) && !flow.is_fresh(later(-61))
        );
        assert!(!Flow::begin(Uuid::nil(), &entropy).is_fresh(at));
    }
}

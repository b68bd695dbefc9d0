//! Access tokens: JWT (RFC 7519) signed with HMAC-SHA-256, checked after RFC 8725.
//!
//! The signature is jsonwebtoken's to check. The times are ours: jsonwebtoken reads the system's clock, while this service
//! follows the one that is passed in (`CLOCK__START`). Times are typed `i64`, so that a token whose `exp` is a string,
//! `null`, a fraction or missing doesn't parse at all (CVE-2026-25537 was about such).
//!
//! A token says which session it belongs to. Whether that still stands, and what its owner may do, is asked of the database
//! at every request, by [`Claims::sid`].

use crate::ambient::Clock;
use crate::domain::vocabulary::Role;
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::fmt;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;
use uuid::Uuid;

/// Bytes that a signing secret must have at least (RFC 7518, 3.2).
pub const MIN_SECRET: usize = 32;

/// Longest token that is looked at; ours have some 600 bytes.
const MAX_TOKEN: usize = 4096;

/// Longest time by which clocks may differ.
const MAX_LEEWAY: Duration = Duration::from_secs(60);

/// Why a token can't be issued or isn't believed. Callers answer 401 to each alike; the reason is for the log.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TokenError {
    /// No signing key, a key id twice, or a secret that is too short: the service must not start.
    #[error("signing keys: {0}")]
    Keys(&'static str),
    /// Not a token, or one with a header, claim or type that ours don't have.
    #[error("not a token of this service")]
    Malformed,
    /// Signed with a key that isn't known, or no longer.
    #[error("unknown signing key")]
    UnknownKey,
    /// The signature doesn't fit.
    #[error("signature does not fit")]
    Signature,
    /// Issued by or for someone else.
    #[error("issued by or for someone else")]
    Stranger,
    /// Past its end.
    #[error("expired")]
    Expired,
    /// Issued in the future.
    #[error("not valid yet")]
    Early,
}

/// A secret to sign with, and its id.
#[derive(Clone)]
pub struct SigningKey {
    /// Id that the header of a token carries.
    pub kid: String,
    /// At least [`MIN_SECRET`] random bytes.
    pub secret: Vec<u8>,
}

impl fmt::Debug for SigningKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "SigningKey({})", self.kid)
    }
}

/// What a token says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Claims {
    /// Who issued it: this installation.
    pub iss: String,
    /// For whom: this API.
    pub aud: String,
    /// Whose session it is: `staff:` and the account's name, or of a consumer `case:`, `phone:` or `email:` and a key.
    pub sub: String,
    /// Issued at, seconds since 1970.
    pub iat: i64,
    /// Ends at, seconds since 1970.
    pub exp: i64,
    /// Not valid before, seconds since 1970.
    pub nbf: i64,
    /// Role when it was issued: a hint by which requests are counted. What its holder may do is asked of the session.
    pub role: Role,
    /// Session that it belongs to.
    pub sid: Uuid,
}

/// Whom a new token is for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    /// In which role they will be calling.
    pub role: Role,
    /// Whose session it is; see [`Claims::sub`].
    pub subject: String,
    /// Session that it belongs to.
    pub session: Uuid,
}

/// Issues and checks tokens.
pub struct Tokens {
    issuer: String,
    audience: String,
    leeway: i64,
    clock: Arc<dyn Clock>,
    keys: RwLock<Arc<Keys>>,
    validation: Validation,
}

/// The keys at a time.
struct Keys {
    header: Header,
    encoding: EncodingKey,
    decoding: HashMap<String, DecodingKey>,
}

impl Keys {
    fn new(keys: &[SigningKey], active: &str) -> Result<Self, TokenError> {
        let mut decoding = HashMap::new();
        for key in keys {
            if key.secret.len() < MIN_SECRET {
                return Err(TokenError::Keys("a secret has fewer than 32 bytes"));
            }
            if decoding.insert(key.kid.clone(), DecodingKey::from_secret(&key.secret)).is_some() {
                return Err(TokenError::Keys("a key id occurs twice"));
            }
        }
        let key = keys.iter().find(|key| key.kid == active).ok_or(TokenError::Keys("the active key is missing"))?;
        Ok(Self {
            header: Header { kid: Some(active.to_owned()), ..Header::new(Algorithm::HS256) },
            encoding: EncodingKey::from_secret(&key.secret),
            decoding,
        })
    }
}

impl Tokens {
    /// Prepares the keys. New tokens are signed with the key of id `active`; those of the others are believed until they
    /// expire. A leeway above 60 s counts as 60 s.
    ///
    /// # Errors
    /// [`TokenError::Keys`] when `active` is missing, an id occurs twice, or a secret is shorter than [`MIN_SECRET`].
    pub fn new(
        issuer: &str,
        audience: &str,
        keys: &[SigningKey],
        active: &str,
        leeway: Duration,
        clock: Arc<dyn Clock>,
    ) -> Result<Self, TokenError> {
        let keys = Keys::new(keys, active)?;
        let mut validation = Validation::new(Algorithm::HS256);
        validation.set_required_spec_claims(&["exp", "aud", "iss", "sub"]);
        validation.set_audience(&[audience]);
        validation.set_issuer(&[issuer]);
        // Checked below against our own clock.
        validation.validate_exp = false;
        validation.validate_nbf = false;
        Ok(Self {
            issuer: issuer.to_owned(),
            audience: audience.to_owned(),
            leeway: seconds(leeway.min(MAX_LEEWAY)),
            clock,
            keys: RwLock::new(Arc::new(keys)),
            validation,
        })
    }

    /// Takes other keys from now on, as after a rotation: new tokens are signed with the active one, those of the others are
    /// believed until they end, those of keys that are gone no longer.
    ///
    /// # Errors
    /// Those of [`Tokens::new`]; then the keys stay as they were.
    pub fn replace_keys(&self, keys: &[SigningKey], active: &str) -> Result<(), TokenError> {
        let keys = Arc::new(Keys::new(keys, active)?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Signs a token that ends after `lifetime`, in whole seconds.
    ///
    /// # Errors
    /// [`TokenError::Malformed`] when the claims can't be written, which no value of their types causes.
    pub fn issue(&self, grant: &Grant, lifetime: Duration) -> Result<String, TokenError> {
        let now = self.clock.now().as_second();
        let claims = Claims {
            iss: self.issuer.clone(),
            aud: self.audience.clone(),
            sub: grant.subject.clone(),
            iat: now,
            exp: now.saturating_add(seconds(lifetime)),
            nbf: now,
            role: grant.role,
            sid: grant.session,
        };
        let keys = self.keys();
        jsonwebtoken::encode(&keys.header, &claims, &keys.encoding).map_err(|_| TokenError::Malformed)
    }

    /// Checks a token and gives what it says.
    ///
    /// # Errors
    /// Why it isn't believed; see [`TokenError`].
    pub fn verify(&self, token: &str) -> Result<Claims, TokenError> {
        if token.len() > MAX_TOKEN {
            return Err(TokenError::Malformed);
        }
        let header = jsonwebtoken::decode_header(token).map_err(|_| TokenError::Malformed)?;
        // Ours carry typ, alg and kid. A header that asks for more (crit) or brings its own key (jwk, jku, x5u) isn't ours.
        if header != (Header { kid: header.kid.clone(), ..Header::new(Algorithm::HS256) }) {
            return Err(TokenError::Malformed);
        }
        let keys = self.keys();
        let key = header.kid.and_then(|kid| keys.decoding.get(&kid)).ok_or(TokenError::UnknownKey)?;
        let claims = jsonwebtoken::decode::<Claims>(token, key, &self.validation)
            .map_err(|error| {
                use jsonwebtoken::errors::ErrorKind;
                match error.kind() {
                    ErrorKind::InvalidSignature => TokenError::Signature,
                    ErrorKind::InvalidIssuer | ErrorKind::InvalidAudience => TokenError::Stranger,
                    _ => TokenError::Malformed,
                }
            })?
            .claims;
        let now = self.clock.now().as_second();
        if now >= claims.exp.saturating_add(self.leeway) {
            return Err(TokenError::Expired);
        }
        let latest = now.saturating_add(self.leeway);
        if claims.iat > latest || claims.nbf > latest {
            return Err(TokenError::Early);
        }
        Ok(claims)
    }
}

fn seconds(duration: Duration) -> i64 {
    i64::try_from(duration.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::ManualClock;
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use serde_json::{Value, json};

    const NOW: i64 = 1_800_000_000;
    const SECRET: [u8; 32] = [7; 32];

    fn key(kid: &str, byte: u8) -> SigningKey {
        SigningKey { kid: kid.to_owned(), secret: vec![byte; 32] }
    }

    fn clock() -> Arc<ManualClock> {
        Arc::new(ManualClock::at(jiff::Timestamp::from_second(NOW).unwrap()))
    }

    fn tokens_at(clock: Arc<ManualClock>) -> Tokens {
        Tokens::new("fangxin", "api", &[key("k1", 7)], "k1", Duration::from_secs(5), clock).unwrap()
    }

    fn tokens() -> Tokens {
        tokens_at(clock())
    }

    fn grant() -> Grant {
        Grant { role: Role::Officer, subject: "staff:wang".to_owned(), session: Uuid::from_u128(9) }
    }

    fn part(value: &Value) -> String {
        URL_SAFE_NO_PAD.encode(value.to_string())
    }

    /// A token of any header and claims, signed with our secret.
    fn forge(header: &Value, claims: &Value) -> String {
        let message = format!("{}.{}", part(header), part(claims));
        let signature =
            jsonwebtoken::crypto::sign(message.as_bytes(), &EncodingKey::from_secret(&SECRET), Algorithm::HS256)
                .unwrap();
        format!("{message}.{signature}")
    }

    fn header() -> Value {
        json!({"typ": "JWT", "alg": "HS256", "kid": "k1"})
    }

    fn claims() -> Value {
        json!({"iss": "fangxin", "aud": "api", "sub": "wang", "iat": NOW, "nbf": NOW, "exp": NOW + 600,
            "role": "officer", "sid": Uuid::from_u128(9)})
    }

    fn with(mut base: Value, name: &str, value: Value) -> Value {
        base[name] = value;
        base
    }

    fn without(mut base: Value, name: &str) -> Value {
        base.as_object_mut().unwrap().remove(name);
        base
    }

    #[test]
    fn what_is_issued_is_believed() {
        let token = tokens().issue(&grant(), Duration::from_secs(600)).unwrap();
        let claims = tokens().verify(&token).unwrap();
        assert_eq!((claims.iat, claims.nbf, claims.exp, claims.sid), (NOW, NOW, NOW + 600, Uuid::from_u128(9)));
        assert_eq!((claims.role, claims.sub.as_str()), (Role::Officer, "staff:wang"));
    }

    #[test]
    fn the_forger_of_these_tests_makes_good_tokens_too() {
        assert!(tokens().verify(&forge(&header(), &claims())).is_ok());
    }

    /// SEC-JW-01
    #[test]
    fn unsigned_tokens_are_refused() {
        for alg in [json!("none"), json!("None"), json!("NONE"), json!(""), Value::Null, json!("HS512"), json!("RS256")]
        {
            let forged = forge(&with(header(), "alg", alg.clone()), &claims());
            assert!(tokens().verify(&forged).is_err(), "{alg}");
            let (message, _) = forged.rsplit_once('.').unwrap();
            assert!(tokens().verify(&format!("{message}.")).is_err(), "{alg} without signature");
            assert!(tokens().verify(message).is_err(), "{alg} in two parts");
        }
        let good = forge(&header(), &claims());
        let (message, _) = good.rsplit_once('.').unwrap();
        assert!(tokens().verify(&format!("{message}.")).is_err());
        for odd in ["", ".", "..", "...", "a.b.c", "Bearer", &format!("{good}.x"), &format!(" {good}"), "\u{0}"] {
            assert_eq!(tokens().verify(odd), Err(TokenError::Malformed), "{odd:?}");
        }
    }

    /// SEC-JW-02
    #[test]
    fn a_changed_claim_or_signature_is_refused() {
        let token = tokens().issue(&grant(), Duration::from_secs(600)).unwrap();
        let mut parts = token.split('.');
        let (head, _, signature) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
        let richer = with(claims(), "role", json!("supervisor"));
        assert_eq!(tokens().verify(&format!("{head}.{}.{signature}", part(&richer))), Err(TokenError::Signature));
        let good = URL_SAFE_NO_PAD.decode(signature).unwrap();
        let (message, _) = token.rsplit_once('.').unwrap();
        for at in 0..good.len() {
            let mut bad = good.clone();
            bad[at] ^= 1;
            let token = format!("{message}.{}", URL_SAFE_NO_PAD.encode(&bad));
            assert_eq!(tokens().verify(&token), Err(TokenError::Signature), "byte {at}");
        }
    }

    /// SEC-JW-03
    #[test]
    fn weak_keys_stop_the_start_and_strangers_are_refused() {
        let new =
            |keys: &[SigningKey], active| Tokens::new("fangxin", "api", keys, active, Duration::ZERO, clock()).err();
        let short = SigningKey { kid: "k1".to_owned(), secret: vec![1; 31] };
        assert!(matches!(new(&[short], "k1"), Some(TokenError::Keys(_))));
        assert!(matches!(new(&[key("k1", 1), key("k1", 2)], "k1"), Some(TokenError::Keys(_))));
        assert!(matches!(new(&[key("k1", 1)], "k2"), Some(TokenError::Keys(_))));
        let stranger = Tokens::new("fangxin", "api", &[key("k1", 8)], "k1", Duration::ZERO, clock()).unwrap();
        let token = stranger.issue(&grant(), Duration::from_secs(600)).unwrap();
        assert_eq!(tokens().verify(&token), Err(TokenError::Signature));
    }

    /// SEC-JW-04
    #[test]
    fn odd_key_ids_and_headers_are_refused() {
        for kid in [json!("k2"), json!(""), json!("../../keys/master.json"), json!("k1' or '1'='1"), json!("k1\u{0}")] {
            assert_eq!(
                tokens().verify(&forge(&with(header(), "kid", kid.clone()), &claims())),
                Err(TokenError::UnknownKey),
                "{kid}"
            );
        }
        assert_eq!(tokens().verify(&forge(&without(header(), "kid"), &claims())), Err(TokenError::UnknownKey));
        assert_eq!(
            tokens().verify(&forge(&with(header(), "kid", Value::Null), &claims())),
            Err(TokenError::UnknownKey)
        );
        for kid in [json!(["k1"]), json!(1), json!({"kid": "k1"}), json!("k".repeat(100_000))] {
            assert_eq!(tokens().verify(&forge(&with(header(), "kid", kid), &claims())), Err(TokenError::Malformed));
        }
        for (name, value) in [
            ("crit", json!(["exp"])),
            ("jku", json!("http://127.0.0.1:1/keys")),
            ("x5u", json!("http://127.0.0.1:1/keys")),
            ("jwk", json!({"kty": "oct", "k": "AAAA"})),
            ("typ", json!("dpop+jwt")),
            ("cty", json!("JWT")),
            ("own", json!("claim")),
        ] {
            let forged = forge(&with(header(), name, value), &claims());
            assert_eq!(tokens().verify(&forged), Err(TokenError::Malformed), "{name}");
        }
    }

    /// SEC-JW-05
    #[test]
    fn claims_missing_or_of_the_wrong_type_are_refused() {
        for name in ["exp", "iat", "nbf", "iss", "aud", "sub", "role", "sid"] {
            assert!(tokens().verify(&forge(&header(), &without(claims(), name))).is_err(), "without {name}");
            for value in [Value::Null, json!(true), json!([]), json!({}), json!(1.5)] {
                let forged = forge(&header(), &with(claims(), name, value.clone()));
                assert!(tokens().verify(&forged).is_err(), "{name} = {value}");
            }
        }
        for name in ["exp", "iat", "nbf"] {
            for value in
                [json!((NOW + 600).to_string()), json!("2099-01-01"), Value::Null, json!(1e300), json!(u64::MAX)]
            {
                let forged = forge(&header(), &with(claims(), name, value.clone()));
                assert!(tokens().verify(&forged).is_err(), "{name} = {value}");
            }
        }
        for (name, value, error) in [
            ("iss", json!("other"), TokenError::Stranger),
            ("aud", json!("other"), TokenError::Stranger),
            ("iss", json!(""), TokenError::Stranger),
            ("role", json!("emperor"), TokenError::Malformed),
            ("sid", json!("not a uuid"), TokenError::Malformed),
            ("exp", json!(NOW - 5), TokenError::Expired),
            ("exp", json!(0), TokenError::Expired),
            ("iat", json!(NOW + 6), TokenError::Early),
            ("nbf", json!(NOW + 6), TokenError::Early),
        ] {
            let forged = forge(&header(), &with(claims(), name, value.clone()));
            assert_eq!(tokens().verify(&forged), Err(error), "{name} = {value}");
        }
    }

    #[test]
    fn a_token_ends_by_the_clock_that_is_passed_in() {
        let clock = clock();
        let tokens = tokens_at(clock.clone());
        let token = tokens.issue(&grant(), Duration::from_secs(600)).unwrap();
        clock.advance(Duration::from_secs(604));
        assert!(tokens.verify(&token).is_ok(), "within the leeway");
        clock.advance(Duration::from_secs(1));
        assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
    }

    #[test]
    fn the_leeway_is_capped() {
        let clock = clock();
        let tokens = Tokens::new("fangxin", "api", &[key("k1", 7)], "k1", Duration::from_secs(86_400), clock.clone());
        let tokens = tokens.unwrap();
        let token = tokens.issue(&grant(), Duration::from_secs(600)).unwrap();
        clock.advance(Duration::from_secs(660));
        assert_eq!(tokens.verify(&token), Err(TokenError::Expired));
    }

    /// SEC-JW-11
    #[test]
    fn after_a_rotation_old_tokens_hold_and_new_ones_carry_the_new_key() {
        let old = tokens().issue(&grant(), Duration::from_secs(600)).unwrap();
        let keys = [key("k1", 7), key("k2", 8)];
        let rotated = Tokens::new("fangxin", "api", &keys, "k2", Duration::ZERO, clock()).unwrap();
        assert!(rotated.verify(&old).is_ok());
        let new = rotated.issue(&grant(), Duration::from_secs(600)).unwrap();
        assert_eq!(jsonwebtoken::decode_header(&new).unwrap().kid.as_deref(), Some("k2"));
        assert_eq!(tokens().verify(&new), Err(TokenError::UnknownKey));
        // The same while it runs; a key that was retired is believed no longer, and wrong keys change nothing.
        let running = tokens();
        running.replace_keys(&keys, "k2").unwrap();
        assert!(running.verify(&old).is_ok() && running.verify(&new).is_ok());
        running.replace_keys(&keys[1..], "k2").unwrap();
        assert_eq!(running.verify(&old), Err(TokenError::UnknownKey));
        assert!(running.replace_keys(&keys, "k9").is_err() && running.verify(&new).is_ok());
    }

    #[test]
    fn a_secret_is_not_printed() {
        assert_eq!(format!("{:?}", key("k1", 7)), "SigningKey(k1)");
    }
}

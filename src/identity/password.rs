//! Passwords of staff: how they are hashed, and which are too weak.
//!
//! Argon2id with 19 MiB, two passes, one lane (OWASP's first choice): some 20 ms of one core each. The work is done on a
//! bounded number of threads, so that a flood of logins can't take the machine's cores or memory from everything else;
//! beyond a bounded queue it is refused.

use crate::ambient::{Entropy, draw};
use crate::domain::problem::Invalid;
use crate::identity::common_passwords;
use argon2::password_hash::phc::PasswordHash;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use serde::Deserialize;
use std::fmt;
use std::num::NonZeroUsize;
use std::sync::Arc;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Memory of one hashing in KiB: 19 MiB.
const MEMORY: u32 = 19 * 1024;
/// Passes over it.
const PASSES: u32 = 2;

/// Characters that a password must have at least.
pub const MIN_CHARS: usize = 10;
/// Bytes that it may have at most. Above, it is refused before anything is computed.
pub const MAX_BYTES: usize = 1024;

/// A password as it was typed. It isn't printed and can't be serialised; no character of it is changed or cut off.
#[derive(Clone, Deserialize)]
#[serde(transparent)]
pub struct Password(String);

impl Password {
    /// Takes what was typed.
    pub const fn new(typed: String) -> Self {
        Self(typed)
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password(…)")
    }
}

impl Drop for Password {
    fn drop(&mut self) {
        let mut bytes = std::mem::take(&mut self.0).into_bytes();
        bytes.fill(0);
        std::hint::black_box(&bytes);
    }
}

/// Why a password could not be hashed or checked. A wrong password is no error.
#[derive(Debug, thiserror::Error)]
pub enum HashError {
    /// So many wait already that this one is turned away: answer 503 and let the client try again.
    #[error("too many passwords are being checked")]
    Busy,
    /// Longer than [`MAX_BYTES`].
    #[error("a password may have at most {MAX_BYTES} bytes")]
    TooLong,
    /// The stored hash can't be read.
    #[error("the stored password hash is malformed")]
    Malformed,
    /// The algorithm failed; it does so only when memory runs out.
    #[error("password hashing failed: {0}")]
    Failed(String),
}

/// Hashes and checks passwords on a bounded number of threads.
#[derive(Clone)]
pub struct Hasher {
    // Those at work and those that wait.
    admitted: Arc<Semaphore>,
    // Those at work.
    working: Arc<Semaphore>,
    entropy: Arc<dyn Entropy>,
    // A hash of nobody's password, with today's parameters.
    dummy: Arc<str>,
}

impl Hasher {
    /// A hasher that works on `threads` at once and lets `queue` more wait. Hashes once, so it takes some 20 ms.
    ///
    /// # Errors
    /// [`HashError::Failed`] when there is no memory for one hashing.
    pub fn new(threads: NonZeroUsize, queue: usize, entropy: Arc<dyn Entropy>) -> Result<Self, HashError> {
        let dummy = hash_now(&draw::<32>(&*entropy), &draw(&*entropy))?;
        Ok(Self {
            admitted: Arc::new(Semaphore::new(threads.get().saturating_add(queue).min(Semaphore::MAX_PERMITS))),
            working: Arc::new(Semaphore::new(threads.get().min(Semaphore::MAX_PERMITS))),
            entropy,
            dummy: dummy.into(),
        })
    }

    /// Hashes a password with a new salt, as a PHC string (`$argon2id$v=19$…`). Check it with [`check_policy`] first.
    ///
    /// # Errors
    /// [`HashError::TooLong`], [`HashError::Busy`] or [`HashError::Failed`].
    pub async fn hash(&self, password: Password) -> Result<String, HashError> {
        if password.0.len() > MAX_BYTES {
            return Err(HashError::TooLong);
        }
        let salt = draw(&*self.entropy);
        self.work(move || hash_now(password.0.as_bytes(), &salt)).await
    }

    /// Whether the password is the one that was hashed. With `None`, for an account that doesn't exist or has no password,
    /// it does the same work and says no, so that the time tells nothing.
    ///
    /// # Errors
    /// [`HashError::TooLong`], [`HashError::Busy`] or [`HashError::Malformed`].
    pub async fn verify(&self, password: Password, stored: Option<&str>) -> Result<bool, HashError> {
        if password.0.len() > MAX_BYTES {
            return Err(HashError::TooLong);
        }
        let known = stored.is_some();
        let hash = stored.unwrap_or(&self.dummy).to_owned();
        self.work(move || Ok(verify_now(password.0.as_bytes(), &hash)? && known)).await
    }

    async fn work<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> Result<T, HashError> + Send + 'static,
    ) -> Result<T, HashError> {
        let admitted = self.admitted.clone().try_acquire_owned().map_err(|_| HashError::Busy)?;
        let working = self.working.clone().acquire_owned().await.map_err(|_| HashError::Busy)?;
        // The permits go along: when a client hangs up, its job still takes a thread until it is done.
        let permits: (OwnedSemaphorePermit, OwnedSemaphorePermit) = (admitted, working);
        tokio::task::spawn_blocking(move || {
            let result = job();
            drop(permits);
            result
        })
        .await
        .map_err(|error| HashError::Failed(error.to_string()))?
    }
}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hasher({} free)", self.admitted.available_permits())
    }
}

/// Whether a stored hash was made with weaker parameters than today's: hash the password anew at the next login.
pub fn needs_rehash(stored: &str) -> bool {
    let weaker = |hash: PasswordHash| {
        let params = Params::try_from(&hash).ok()?;
        Some(hash.algorithm.as_str() != "argon2id" || params.m_cost() < MEMORY || params.t_cost() < PASSES)
    };
    PasswordHash::new(stored).ok().and_then(weaker).unwrap_or(true)
}

fn argon2() -> Result<Argon2<'static>, HashError> {
    let params = Params::new(MEMORY, PASSES, 1, None).map_err(|error| HashError::Failed(error.to_string()))?;
    Ok(Argon2::new(Algorithm::Argon2id, Version::V0x13, params))
}

fn hash_now(password: &[u8], salt: &[u8; 16]) -> Result<String, HashError> {
    let hash: PasswordHash =
        argon2()?.hash_password_with_salt(password, salt).map_err(|error| HashError::Failed(error.to_string()))?;
    Ok(hash.to_string())
}

fn verify_now(password: &[u8], stored: &str) -> Result<bool, HashError> {
    let hash = PasswordHash::new(stored).map_err(|_| HashError::Malformed)?;
    match argon2()?.verify_password(password, &hash) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(_) => Err(HashError::Malformed),
    }
}

/// Whether a new password is good enough: long rather than motley (NIST SP 800-63B, 5.1.1.2), and nothing that is tried
/// first.
///
/// # Errors
/// The first rule that it breaks: `too_short`, `too_long`, `repetitive`, `sequence`, `username` or `common`.
pub fn check_policy(password: &Password, username: &str) -> Result<(), Invalid> {
    let typed = password.0.as_str();
    let refuse =
        |code, detail: &str| Err(Invalid::new(code, detail).allowed("10 characters or more, not easily guessed"));
    if typed.len() > MAX_BYTES {
        return refuse("too_long", "the password has more than 1024 bytes");
    }
    if typed.chars().count() < MIN_CHARS {
        return refuse("too_short", "the password has fewer than 10 characters");
    }
    let lower: Vec<char> = typed.to_lowercase().chars().collect();
    if is_repetitive(&lower) {
        return refuse("repetitive", "the password repeats a few characters");
    }
    if is_sequence(&lower) {
        return refuse("sequence", "the password is a row of neighbouring characters");
    }
    let username = username.to_lowercase();
    let core = core_of(&lower);
    let user_core = core_of(&username.chars().collect::<Vec<_>>());
    let whole: String = lower.iter().collect();
    let backwards: String = username.chars().rev().collect();
    let is_username = |text: &str| !text.is_empty() && (whole == text || core == text);
    if is_username(&username) || is_username(&user_core) || is_username(&backwards) {
        return refuse("username", "the password is the user name");
    }
    // Also with letters put for digits and the other way round: p@ssw0rd.
    let plain = |text: &str| text.chars().map(plain_letter).collect::<String>();
    let plain_core = core_of(&whole.chars().map(plain_letter).collect::<Vec<_>>());
    let is_common =
        |text: &str| common_passwords::is_common(text) || halves(text).is_some_and(common_passwords::is_common);
    if [whole.as_str(), &core, &plain(&core), &plain_core, &plain(&whole)].into_iter().any(is_common) {
        return refuse("common", "the password is one of those that are tried first");
    }
    Ok(())
}

/// Without what isn't a letter at both ends: `wang` of `wang1985!`.
fn core_of(text: &[char]) -> String {
    let text: String = text.iter().collect();
    text.trim_matches(|c: char| !c.is_alphabetic()).to_owned()
}

const fn plain_letter(c: char) -> char {
    match c {
        '@' | '4' => 'a',
        '0' => 'o',
        '1' | '!' | '|' => 'i',
        '3' => 'e',
        '5' | '$' => 's',
        '7' => 't',
        '9' => 'g',
        other => other,
    }
}

/// The half of a text that is the same word twice.
fn halves(text: &str) -> Option<&str> {
    let (first, second) = text.split_at_checked(text.len() / 2)?;
    (first == second).then_some(first)
}

/// One to four characters over and over, the last time perhaps not to the end.
fn is_repetitive(text: &[char]) -> bool {
    (1..=4).any(|period| text.iter().zip(text.iter().skip(period)).all(|(a, b)| a == b))
}

/// Rows of the keyboard, and the rows of digits and letters, to be followed in either direction.
const ROWS: [&str; 6] = [
    "01234567890",
    "abcdefghijklmnopqrstuvwxyz",
    "`1234567890-=",
    "qwertyuiop[]\\",
    "asdfghjkl;'",
    "1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik,9ol.0p;/",
];

/// Whether it consists of few runs along the rows: `1234567890`, `abcdefghij`, `qwertyuiop`, `1q2w3e4r5t`.
fn is_sequence(text: &[char]) -> bool {
    let steps = |text: &[char]| {
        text.windows(2).filter(|pair| ROWS.iter().any(|row| are_neighbours(row, pair[0], pair[1]))).count()
    };
    // At most two jumps: `1234567890`, and `abcde12345` or `qwertasdfg`, which are no better.
    if text.len() < 2 {
        return false;
    }
    let interleaved: Vec<char> = text.iter().step_by(2).chain(text.iter().skip(1).step_by(2)).copied().collect();
    text.len() - 1 - steps(text) <= 2 || text.len() - 1 - steps(&interleaved) <= 1
}

fn are_neighbours(row: &str, a: char, b: char) -> bool {
    let mut seen = row.chars().zip(row.chars().skip(1));
    seen.any(|pair| pair == (a, b) || pair == (b, a))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;
    use std::time::Duration;

    fn hasher(threads: usize, queue: usize) -> Hasher {
        Hasher::new(NonZeroUsize::new(threads).unwrap(), queue, Arc::new(SeededEntropy::new(3))).unwrap()
    }

    fn typed(text: &str) -> Password {
        Password::new(text.to_owned())
    }

    fn verdict(password: &str, username: &str) -> &'static str {
        check_policy(&typed(password), username).map_or_else(|fault| fault.code, |()| "ok")
    }

    #[tokio::test]
    async fn a_hash_knows_its_password_to_the_last_byte() {
        let hasher = hasher(2, 8);
        // Some algorithms read 72 bytes only.
        let long = "长".repeat(30) + "x";
        let hash = hasher.hash(typed(&long)).await.unwrap();
        assert!(hash.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{hash}");
        assert!(hasher.verify(typed(&long), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(typed(&("长".repeat(30) + "y")), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(typed(""), Some(&hash)).await.unwrap());
        assert_ne!(hash, hasher.hash(typed(&long)).await.unwrap(), "each has its own salt");
        assert!(!needs_rehash(&hash));
    }

    #[tokio::test]
    async fn an_unknown_account_costs_as_much_and_is_refused() {
        let hasher = hasher(1, 8);
        let hash = hasher.hash(typed("right horse")).await.unwrap();
        assert!(!hasher.verify(typed("wrong horse"), None).await.unwrap());
        // The same algorithm with the same memory, passes and lanes: what it costs hangs on nothing else.
        let cost = |hash: &str| hash.split('$').take(4).map(str::to_owned).collect::<Vec<_>>();
        assert_eq!(cost(&hash), cost(&hasher.dummy));
        assert!(cost(&hash)[3].contains("m="), "{hash}");
    }

    #[tokio::test]
    async fn a_full_queue_is_busy_and_empties_again() {
        let hasher = hasher(1, 2);
        let results = futures_util::future::join_all((0..20).map(|_| hasher.verify(typed("password one"), None))).await;
        let busy = results.iter().filter(|result| matches!(result, Err(HashError::Busy))).count();
        assert_eq!((busy, results.iter().filter(|result| matches!(result, Ok(false))).count()), (17, 3));
        assert!(!hasher.verify(typed("password one"), None).await.unwrap());
    }

    #[tokio::test]
    async fn an_abandoned_check_still_holds_its_thread() {
        let hasher = hasher(1, 0);
        let abandoned = tokio::time::timeout(Duration::ZERO, hasher.verify(typed("password one"), None)).await;
        assert!(abandoned.is_err());
        // The thread is taken until the abandoned work is done: nobody can pile up work by hanging up.
        assert!(matches!(hasher.verify(typed("password one"), None).await, Err(HashError::Busy)));
    }

    #[tokio::test]
    async fn what_is_no_hash_or_far_too_long_is_an_error() {
        let hasher = hasher(1, 1);
        assert!(matches!(hasher.verify(typed("x"), Some("plain")).await, Err(HashError::Malformed)));
        assert!(matches!(hasher.verify(typed(&"x".repeat(1_025)), None).await, Err(HashError::TooLong)));
        assert!(matches!(hasher.hash(typed(&"x".repeat(1_025))).await, Err(HashError::TooLong)));
        assert!(hasher.hash(typed(&"x".repeat(1_024))).await.is_ok());
        assert!(needs_rehash("plain"));
        assert!(needs_rehash("$argon2id$v=19$m=4096,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAA"));
    }

    #[test]
    fn good_passwords_pass() {
        for password in [
            "tractor-violin-92",
            "三月的雨打湿了石板路上的青苔",
            "jK8#mQ2$vL5x",
            "correct horse battery staple",
            "dragonfly over the lake",
            "my username is wang, what else",
            "2718281828459045",
            &"长x短y".repeat(40).replace('短', "中间"),
        ] {
            assert_eq!(verdict(password, "wang"), "ok", "{password}");
        }
    }

    #[test]
    fn weak_passwords_are_named() {
        for (password, code) in [
            ("", "too_short"),
            ("jK8#mQ2$v", "too_short"),
            ("三月的雨打湿了石", "too_short"),
            (&"ab3$".repeat(257), "too_long"),
            ("aaaaaaaaaa", "repetitive"),
            ("1212121212", "repetitive"),
            ("AbcAbcAbcAb", "repetitive"),
            ("1234567890", "sequence"),
            ("0987654321", "sequence"),
            ("abcdefghijk", "sequence"),
            ("qwertyuiop", "sequence"),
            ("poiuytrewq", "sequence"),
            ("1qaz2wsx3edc", "sequence"),
            ("1q2w3e4r5t", "sequence"),
            ("abcde12345", "sequence"),
            ("wangxiaoming", "username"),
            ("WangXiaoMing", "username"),
            ("wangxiaoming1985!", "username"),
            ("gnimoaixgnaw", "username"),
            ("password123", "common"),
            ("P@ssw0rd2026", "common"),
            ("Admin@12345", "common"),
            ("woaini1314520", "common"),
            ("iloveyou!!", "common"),
            ("adminadmin", "common"),
            ("dragondragon1", "common"),
            ("Jiangsu2026!", "common"),
            ("fangxin12315", "common"),
        ] {
            assert_eq!(verdict(password, "wangxiaoming"), code, "{password}");
        }
    }

    #[test]
    fn words_are_plain_and_listed_once() {
        let mut words = common_passwords::WORDS.to_vec();
        words.sort_unstable();
        assert!(words.iter().all(|word| word.bytes().all(|byte| byte.is_ascii_lowercase())));
        assert!(
            words.windows(2).all(|pair| pair[0] != pair[1]),
            "{:?}",
            words.windows(2).find(|pair| pair[0] == pair[1])
        );
        assert!(words.len() >= 200, "{}", words.len());
    }

    #[test]
    fn a_password_is_not_printed() {
        assert_eq!(format!("{:?}", typed("tractor-violin-92")), "Password(…)");
    }
}

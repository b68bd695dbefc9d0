//! What proves a session besides its access tokens: a refresh token, or the value of a cookie.
//!
//! A ticket is the session's key and 32 random bytes. Only the SHA-256 of those is kept: whoever reads the database can't
//! make a ticket from it, and at 256 random bits nothing slower is needed.

use crate::ambient::{Entropy, draw};
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest, Sha256};
use std::fmt;
use uuid::Uuid;

/// A refresh token or a cookie's value.
#[derive(Clone)]
pub struct Ticket {
    /// Session that it belongs to.
    pub session: Uuid,
    secret: [u8; 32],
}

impl Ticket {
    /// Draws one for a session.
    pub fn draw(session: Uuid, entropy: &dyn Entropy) -> Self {
        Self { session, secret: draw(entropy) }
    }

    /// Reads one; `None` for anything else.
    pub fn parse(text: &str) -> Option<Self> {
        // 48 bytes are 64 characters without padding.
        let bytes = (text.len() == 64).then(|| URL_SAFE_NO_PAD.decode(text).ok()).flatten()?;
        let (session, secret) = bytes.split_at_checked(16)?;
        Some(Self { session: Uuid::from_slice(session).ok()?, secret: secret.try_into().ok()? })
    }

    /// As it is handed out. Named so that a review finds every use.
    pub fn expose(&self) -> String {
        let mut bytes = Vec::with_capacity(48);
        bytes.extend_from_slice(self.session.as_bytes());
        bytes.extend_from_slice(&self.secret);
        URL_SAFE_NO_PAD.encode(bytes)
    }

    /// As it is kept.
    pub fn hash(&self) -> [u8; 32] {
        Sha256::digest(self.secret).into()
    }

    /// The token that forms of this session carry. It follows from the secret, which no script can read and no other site
    /// knows, and the secret doesn't follow from it.
    pub fn csrf(&self) -> String {
        self.derived("fangxin form token")
    }

    /// A value of 43 characters that follows from the secret for one purpose; neither the secret nor what is for another
    /// purpose follows from it.
    pub(super) fn derived(&self, purpose: &str) -> String {
        let digest = Sha256::new().chain_update(purpose).chain_update(b"\0").chain_update(self.secret).finalize();
        URL_SAFE_NO_PAD.encode(digest)
    }

    /// Whether a form's token is this session's, in a time that doesn't depend on where the two differ.
    pub fn csrf_fits(&self, given: &str) -> bool {
        // Hashed once more: how far two digests agree tells nothing of what was hashed.
        Sha256::digest(given) == Sha256::digest(self.csrf())
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket({})", self.session)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::ambient::SeededEntropy;

    #[test]
    fn a_ticket_is_read_as_it_was_written_and_nothing_else_is() {
        let entropy = SeededEntropy::new(1);
        let ticket = Ticket::draw(Uuid::from_u128(7), &entropy);
        let read = Ticket::parse(&ticket.expose()).unwrap();
        assert_eq!((read.session, read.hash(), read.csrf()), (ticket.session, ticket.hash(), ticket.csrf()));
        assert_ne!(ticket.hash(), Ticket::draw(ticket.session, &entropy).hash());
        let text = ticket.expose();
        for odd in ["", "x", &text[1..], &format!("{text}A"), &text.replace(&text[..1], "!"), &"长".repeat(22)] {
            assert!(Ticket::parse(odd).is_none(), "{odd}");
        }
        assert!(!format!("{ticket:?}").contains(&text[24..]));
    }

    #[test]
    fn the_token_of_a_form_is_its_sessions_alone() {
        let entropy = SeededEntropy::new(2);
        let (one, other) = (Ticket::draw(Uuid::nil(), &entropy), Ticket::draw(Uuid::nil(), &entropy));
        assert!(one.csrf_fits(&one.csrf()));
        for token in ["", "x", &other.csrf(), &one.csrf()[1..], &one.expose()] {
            assert!(!one.csrf_fits(token), "{token}");
        }
    }
}

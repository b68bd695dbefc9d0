//! Bytes that must not be shown.

use crate::ambient::{Entropy, draw};
use std::fmt;

/// A key of 32 bytes. It can't be printed, compared or serialised by accident, and is overwritten when dropped as far as
/// safe code can promise that: copies that the compiler made on the stack are beyond its reach.
#[derive(Clone)]
pub struct Secret([u8; 32]);

impl Secret {
    /// Wraps bytes that exist already.
    pub const fn from_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Draws a new one.
    pub fn generate(entropy: &dyn Entropy) -> Self {
        Self(draw(entropy))
    }

    /// The bytes, for a cipher or a keyed hash. Named so that a review finds every use.
    pub const fn expose(&self) -> &[u8; 32] {
        &self.0
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

impl Drop for Secret {
    fn drop(&mut self) {
        self.0.fill(0);
        // Without it the compiler may leave out the writes, since nothing reads them.
        std::hint::black_box(&self.0);
    }
}

//! What a request needs: built once, shared by every thread, passed in everywhere.

use crate::ambient::{Clock, Entropy, today_in_shanghai};
use crate::classify::Model;
use crate::config::catalogue::Catalogue;
use crate::config::settings::Settings;
use crate::identity::{Attempts, Hasher, Tokens};
use crate::privacy::Vault;
use crate::route::Router;
use crate::store::Store;
use jiff::Timestamp;
use jiff::civil::Date;
use object_store::ObjectStore;
use std::collections::HashSet;
use std::sync::{Arc, Mutex, PoisonError, RwLock};

/// The service's parts.
pub struct App {
    /// Settings of this installation.
    pub settings: Settings,
    /// The database.
    pub store: Store,
    /// The classifier.
    pub model: Model,
    /// Keys.
    pub vault: Vault,
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
    /// Password hashing, bounded.
    pub hasher: Hasher,
    /// Access tokens.
    pub tokens: Tokens,
    /// Limits on guessing.
    pub attempts: Attempts,
    /// Where the bytes of evidence lie.
    pub objects: Arc<dyn ObjectStore>,
    /// Who answers: replaced whole when a calendar is loaded.
    router: RwLock<Arc<Router>>,
    /// Idempotency keys whose first request is still being answered by this node.
    in_flight: Mutex<HashSet<[u8; 32]>>,
}

/// What an [`App`] is made of.
#[expect(missing_docs, reason = "the fields are those of App")]
pub struct Parts {
    pub settings: Settings,
    pub catalogue: Arc<Catalogue>,
    pub store: Store,
    pub model: Model,
    pub vault: Vault,
    pub clock: Arc<dyn Clock>,
    pub entropy: Arc<dyn Entropy>,
    pub hasher: Hasher,
    pub tokens: Tokens,
    pub attempts: Attempts,
    pub objects: Arc<dyn ObjectStore>,
}

impl std::fmt::Debug for App {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("App").field("store", &self.store).finish_non_exhaustive()
    }
}

impl std::fmt::Debug for Parts {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Parts").finish_non_exhaustive()
    }
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        Self {
            settings: parts.settings,
            store: parts.store,
            model: parts.model,
            vault: parts.vault,
            clock: parts.clock,
            entropy: parts.entropy,
            hasher: parts.hasher,
            tokens: parts.tokens,
            attempts: parts.attempts,
            objects: parts.objects,
            router: RwLock::new(Arc::new(Router::new(parts.catalogue))),
            in_flight: Mutex::new(HashSet::new()),
        }
    }

    /// Now.
    pub fn now(&self) -> Timestamp {
        self.clock.now()
    }

    /// Today in Asia/Shanghai.
    pub fn today(&self) -> Date {
        today_in_shanghai(self.now())
    }

    /// Who answers, with the catalogue in force. Held for one request, so that one request sees one catalogue.
    pub fn router(&self) -> Arc<Router> {
        Arc::clone(&self.router.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The catalogue in force.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(self.router().catalogue())
    }

    /// Puts another catalogue in force.
    pub fn replace_catalogue(&self, catalogue: Arc<Catalogue>) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Router::new(catalogue));
    }

    /// Marks a key as being answered; `None` when it already is.
    pub fn begin(self: &Arc<Self>, key: [u8; 32]) -> Option<InFlight> {
        let fresh = self.in_flight.lock().unwrap_or_else(PoisonError::into_inner).insert(key);
        fresh.then(|| InFlight { app: Arc::clone(self), key })
    }
}

/// A key that is being answered; released when it is dropped.
#[derive(Debug)]
pub struct InFlight {
    app: Arc<App>,
    key: [u8; 32],
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.app.in_flight.lock().unwrap_or_else(PoisonError::into_inner).remove(&self.key);
    }
}

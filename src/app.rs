//! What a request needs: built once, shared by every thread, passed in everywhere.

pub mod chains;

use crate::ambient::{Clock, Entropy, key_at, today_in_shanghai};
use crate::audit::{By, Checkpoints, Entry, Occasion};
use crate::classify::Model;
use crate::config::catalogue::Catalogue;
use crate::config::settings::Settings;
use crate::domain::webhook::Subscription;
use crate::identity::{Caller, Hasher, Tokens};
use crate::privacy::Vault;
use crate::route::Router;
use crate::store::{Store, StoreError, audit};
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
    /// Where the bytes of evidence lie.
    pub objects: Arc<dyn ObjectStore>,
    /// Where the signed checkpoints of the audit log lie.
    pub checkpoints: Checkpoints,
    /// The classifier as shipped.
    shipped_model: Arc<Model>,
    /// The classifier in force and its number, 0 for the one as shipped: replaced whole when another comes into force.
    model: RwLock<(i32, Arc<Model>)>,
    /// Who answers: replaced whole when a calendar is loaded.
    router: RwLock<Arc<Router>>,
    /// Which systems are told of steps: replaced whole when one is made or removed.
    subscriptions: RwLock<Arc<Vec<Subscription>>>,
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
    pub objects: Arc<dyn ObjectStore>,
    pub checkpoints: Checkpoints,
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
        let shipped_model = Arc::new(parts.model);
        Self {
            settings: parts.settings,
            store: parts.store,
            vault: parts.vault,
            clock: parts.clock,
            entropy: parts.entropy,
            hasher: parts.hasher,
            tokens: parts.tokens,
            objects: parts.objects,
            checkpoints: parts.checkpoints,
            model: RwLock::new((0, Arc::clone(&shipped_model))),
            shipped_model,
            router: RwLock::new(Arc::new(Router::new(parts.catalogue))),
            subscriptions: RwLock::default(),
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

    /// Cases below which a rate is shown as counts: none is computed of nothing.
    pub fn small_number(&self) -> i64 {
        i64::from(self.settings.measure.small_number).max(1)
    }

    /// Who answers, with the catalogue in force. Held for one request, so that one request sees one catalogue.
    pub fn router(&self) -> Arc<Router> {
        Arc::clone(&self.router.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// The catalogue in force.
    pub fn catalogue(&self) -> Arc<Catalogue> {
        Arc::clone(self.router().catalogue())
    }

    /// The classifier in force. Held for one request, so that one request asks one model.
    pub fn model(&self) -> Arc<Model> {
        self.model_in_force().1
    }

    /// The classifier in force with its number: 0 for the one as shipped.
    pub fn model_in_force(&self) -> (i32, Arc<Model>) {
        self.model.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The classifier as shipped.
    pub fn shipped_model(&self) -> Arc<Model> {
        Arc::clone(&self.shipped_model)
    }

    /// Puts another classifier in force.
    pub fn replace_model(&self, version: i32, model: Arc<Model>) {
        *self.model.write().unwrap_or_else(PoisonError::into_inner) = (version, model);
    }

    /// Puts another catalogue in force.
    pub fn replace_catalogue(&self, catalogue: Arc<Catalogue>) {
        *self.router.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(Router::new(catalogue));
    }

    /// The systems that are told of steps. Read once for a unit of work, not from the database: filing stays as it is.
    pub fn subscriptions(&self) -> Arc<Vec<Subscription>> {
        Arc::clone(&self.subscriptions.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// Puts others in their place.
    pub fn replace_subscriptions(&self, subscriptions: Vec<Subscription>) {
        *self.subscriptions.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(subscriptions);
    }

    /// The beginning of an entry of the audit log, now, in the chain of this node. What happened is added by its method;
    /// then [`audit::append`] writes it in the unit of what it records, or [`App::record`] by itself.
    pub fn occasion(&self, who: &Caller) -> Occasion {
        let at = self.now();
        Occasion {
            writer: self.settings.audit.writer.as_str().into(),
            id: key_at(self.entropy.as_ref(), at),
            at,
            by: By {
                role: who.role,
                user: who.user.clone(),
                unit: who.unit.clone(),
                division: who.division,
                case: who.case,
            },
            request_id: None,
        }
    }

    /// The same, of what the service does by itself.
    pub fn own_occasion(&self) -> Occasion {
        self.occasion(&Caller::SYSTEM)
    }

    /// Writes an entry that belongs to no other unit of work; returns once it is durable.
    ///
    /// # Errors
    /// The store's.
    pub async fn record(&self, entry: Entry) -> Result<(), StoreError> {
        self.store.write(move |tx| audit::append(tx, &entry)).await
    }

    /// Signs how far this node's chain of the audit log has come, when it has moved; whether it had.
    ///
    /// # Errors
    /// The store's, or that the place of the checkpoints doesn't take it.
    pub async fn checkpoint(&self) -> Result<bool, StoreError> {
        let heads = self.store.read(audit::heads).await?;
        let mut moved = false;
        for head in heads.iter().filter(|head| head.writer == self.settings.audit.writer) {
            let written = self.checkpoints.write(&head.writer, head.seq, &head.hash, self.now()).await;
            moved |= written.map_err(|error| StoreError::Unavailable(error.to_string()))?;
        }
        Ok(moved)
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

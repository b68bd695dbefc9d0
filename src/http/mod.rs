//! The edge: HTTP in, HTTP out.
//!
//! Comes in: a request. Goes out: JSON, a problem (RFC 9457), a file or a page. Handlers are thin: they read what is sent
//! ([`extract`]), learn who calls ([`caller`]), call a stage with the caller's scope, and show what it gave ([`views`]).
//! No rule of the domain stands here. [`routes`] lists every path, [`error`] says which error becomes which answer,
//! [`openapi`] describes it all.

pub mod api;
pub mod caller;
pub mod csrf;
pub mod error;
pub mod export;
pub mod extract;
pub mod middleware;
pub mod openapi;
pub mod pages;
pub mod routes;
pub mod server;
pub mod session;
pub mod telemetry;
pub mod views;

mod cors;
mod cursor;
mod denials;
mod staff_cookies;

use crate::access::Provider;
use crate::ambient::Clock;
use crate::app::App;
use crate::http::denials::Denials;
use crate::http::error::Problem;
use crate::http::staff_cookies::StaffCookies;
use crate::http::telemetry::Telemetry;
use crate::identity::attempts::address_key;
use crate::identity::{Limiter, Quota};
use std::net::IpAddr;
use std::num::NonZeroU32;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

/// What all requests share besides the [`App`].
#[derive(Debug)]
pub struct Edge {
    /// Turns red when the service begins to stop.
    pub draining: Arc<Draining>,
    /// What is counted of requests.
    pub telemetry: Arc<Telemetry>,
    denials: Denials,
    /// Through whom staff may sign in.
    pub provider: Option<Provider>,
    /// Figures of the board, kept for a minute.
    pub boards: pages::board::figures::Kept,
    /// Checks of the audit log.
    pub checks: pages::audit::chain::Checks,
    limits: Option<Limits>,
    /// Cookies that staff showed lately.
    staff: StaffCookies,
}

/// Whether the service is about to stop: readiness then says no, so that nobody sends new requests.
#[derive(Debug, Default)]
pub struct Draining(AtomicBool);

impl Draining {
    /// Begins.
    pub fn begin(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it has begun.
    pub fn has_begun(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

/// Requests that one address may make.
struct Limits {
    filings: Limiter,
    requests: Limiter,
}

impl std::fmt::Debug for Limits {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Limits")
    }
}

impl Edge {
    /// The edge of an app.
    ///
    /// # Errors
    /// When the client of the sign-in provider can't be made.
    pub fn new(app: &App, draining: Arc<Draining>, telemetry: Arc<Telemetry>) -> Result<Self, String> {
        let limits = &app.settings.limits;
        let limiter = |per_minute: u32| {
            let quota = NonZeroU32::new(per_minute).unwrap_or(NonZeroU32::MIN);
            let clock: Arc<dyn Clock> = Arc::clone(&app.clock);
            Limiter::new(Quota::new(quota, quota, Duration::from_secs(60)), clock)
        };
        let limits = limits.enabled.then(|| Limits {
            filings: limiter(limits.filings_per_minute),
            requests: limiter(limits.requests_per_minute),
        });
        Ok(Self {
            draining,
            telemetry,
            denials: Denials::new(Arc::clone(&app.clock)),
            provider: Provider::new(&app.settings)?,
            boards: pages::board::figures::Kept::default(),
            checks: pages::audit::chain::Checks::default(),
            limits,
            staff: StaffCookies::default(),
        })
    }

    /// Counts a filing by the public from an address.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub fn filing_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.limits
            .as_ref()
            .map_or(Ok(()), |limits| limits.filings.check(&address_key(address)).map_err(Problem::too_many))
    }

    /// Counts another request that is none of staff from an address.
    ///
    /// # Errors
    /// 429 when there were too many.
    pub fn request_from(&self, address: IpAddr) -> Result<(), Problem> {
        self.limits
            .as_ref()
            .map_or(Ok(()), |limits| limits.requests.check(&address_key(address)).map_err(Problem::too_many))
    }
}

//! What the store says of itself in numbers while it runs: nothing of any case.

use crate::store::engine::StoreError;
use jiff::Timestamp;
use prometheus::{Gauge, Histogram, HistogramOpts, IntCounter, IntGauge, Registry};

/// The store's own numbers. They are counted whether anyone asks for them or not; a count is an atomic addition.
#[derive(Debug, Clone)]
pub struct Meters {
    pub(super) commits: IntCounter,
    pub(super) lost_groups: IntCounter,
    pub(super) group_size: Histogram,
    pub(super) cases_filed: IntCounter,
    pub(super) given_up: IntCounter,
    check_ok: IntGauge,
    checked_at: Gauge,
}

/// Sizes of groups that are told apart.
const GROUP_SIZES: [f64; 9] = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 64.0, 128.0, 256.0];

impl Meters {
    pub(super) fn new() -> Result<Self, StoreError> {
        let make = || -> prometheus::Result<Self> {
            let group = HistogramOpts::new("fangxin_commit_group_size", "Units of work in one commit of the writer.");
            Ok(Self {
                commits: IntCounter::new("fangxin_commits_total", "Commits that are durable.")?,
                lost_groups: IntCounter::new(
                    "fangxin_commit_failures_total",
                    "Commits of the writer that failed; their units were answered with 503.",
                )?,
                group_size: Histogram::with_opts(group.buckets(GROUP_SIZES.to_vec()))?,
                cases_filed: IntCounter::new("fangxin_cases_filed_total", "Cases filed since the start.")?,
                given_up: IntCounter::new(
                    "fangxin_database_acquire_timeouts_total",
                    "Units of work that were given up because no connection was free in time.",
                )?,
                check_ok: IntGauge::new(
                    "fangxin_database_check_ok",
                    "1 when the last check of the database file found no damage, 0 when it did.",
                )?,
                checked_at: Gauge::new(
                    "fangxin_database_check_timestamp_seconds",
                    "When the database file was last checked; 0 when it wasn't since the start.",
                )?,
            })
        };
        let meters = make().map_err(|error| StoreError::Unavailable(error.to_string()))?;
        // Until the first look finds otherwise.
        meters.check_ok.set(1);
        Ok(meters)
    }

    /// Puts them into a registry.
    ///
    /// # Errors
    /// When one of their names is taken there.
    pub fn register(&self, registry: &Registry) -> prometheus::Result<()> {
        registry.register(Box::new(self.commits.clone()))?;
        registry.register(Box::new(self.lost_groups.clone()))?;
        registry.register(Box::new(self.group_size.clone()))?;
        registry.register(Box::new(self.cases_filed.clone()))?;
        registry.register(Box::new(self.given_up.clone()))?;
        registry.register(Box::new(self.check_ok.clone()))?;
        registry.register(Box::new(self.checked_at.clone()))
    }

    pub(super) fn checked(&self, ok: bool, at: Timestamp) {
        self.check_ok.set(i64::from(ok));
        self.checked_at.set(at.as_duration().as_secs_f64());
    }
}

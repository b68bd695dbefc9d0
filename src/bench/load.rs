//! Puts cases with their pasts into an installation, in bulk: several threads make them, the writer takes them by the thousand.

use super::cases::Shape;
use super::life::Life;
use crate::app::App;
use crate::intake::history::{self, HistoryError};
use crate::store::filing::{Filed, NewCase};
use crate::store::{StoreError, upkeep};
use std::collections::BTreeMap;
use std::ops::Range;
use std::sync::Arc;
use tokio::task::{JoinError, JoinSet};

/// Cases of one unit of work.
const BATCH: usize = 1024;

/// Numbers of cases kept of each office.
const KEPT: usize = 200;

/// Times that a batch is made anew when one of its numbers was taken.
const DRAWS: u32 = 8;

/// What an office got.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Share {
    /// Cases, and those of them that are open.
    pub cases: usize,
    /// See `cases`.
    pub open: usize,
    /// Numbers of some of them.
    pub references: Vec<String>,
}

/// Why cases couldn't be loaded.
#[derive(Debug, thiserror::Error)]
pub enum LoadError {
    /// A case with its past isn't possible.
    #[error("case {number}: {source}")]
    Case {
        /// Its number.
        number: usize,
        /// Why not.
        source: HistoryError,
    },
    /// The store's.
    #[error(transparent)]
    Store(#[from] StoreError),
    /// A task broke off.
    #[error(transparent)]
    Broken(#[from] JoinError),
}

/// Loads so many cases; `told` hears how many are in. Gives what each office got.
///
/// # Errors
/// When one isn't possible, or the store doesn't take them. Those before stay.
pub async fn load(
    app: &Arc<App>,
    shape: &Arc<Shape>,
    count: usize,
    told: impl Fn(usize),
) -> Result<BTreeMap<String, Share>, LoadError> {
    let at_once = std::thread::available_parallelism().map_or(2, usize::from) + 1;
    let mut under_way = JoinSet::new();
    let mut offices = BTreeMap::new();
    let mut done = 0;
    for start in (0..count).step_by(BATCH) {
        if under_way.len() >= at_once {
            done += settle(under_way.join_next().await, &mut offices)?;
            told(done);
        }
        let (app, shape) = (Arc::clone(app), Arc::clone(shape));
        under_way.spawn(batch(app, shape, start..count.min(start + BATCH)));
    }
    while let Some(end) = under_way.join_next().await {
        done += settle(Some(end), &mut offices)?;
        told(done);
    }
    app.store.write(upkeep::analyze).await?;
    Ok(offices)
}

type Batch = Vec<(String, bool, String)>;

fn settle(
    end: Option<Result<Result<Batch, LoadError>, JoinError>>,
    offices: &mut BTreeMap<String, Share>,
) -> Result<usize, LoadError> {
    let Some(end) = end else { return Ok(0) };
    let batch = end??;
    let count = batch.len();
    for (office, open, reference) in batch {
        let share = offices.entry(office).or_default();
        share.cases += 1;
        share.open += usize::from(open);
        // Thinned out as they become many, so that they are of all ages.
        if share.references.len() < KEPT {
            share.references.push(reference);
        } else if share.cases.is_multiple_of(7) {
            share.references[share.cases / 7 % KEPT] = reference;
        }
    }
    Ok(count)
}

async fn batch(app: Arc<App>, shape: Arc<Shape>, numbers: Range<usize>) -> Result<Batch, LoadError> {
    for _ in 0..DRAWS {
        let (maker, shape, numbers) = (Arc::clone(&app), Arc::clone(&shape), numbers.clone());
        let made = tokio::task::spawn_blocking(move || make(&maker, &shape, numbers)).await??;
        let told = made.iter().map(|new| (new.case.office.clone(), new.case.is_open, new.case.reference.clone()));
        let told = told.collect();
        if history::store(&app, made).await? == Filed::Done {
            return Ok(told);
        }
    }
    Err(StoreError::Unavailable("no reference number was free".to_owned()).into())
}

fn make(app: &App, shape: &Shape, numbers: Range<usize>) -> Result<Vec<NewCase>, LoadError> {
    let router = app.router();
    let now = app.now();
    numbers
        .map(|number| {
            let mut life = Life::new(router.catalogue(), number, now);
            let drafted = history::draft(app, &router, shape.filing(number), |case| life.next(case));
            drafted.map_err(|source| LoadError::Case { number, source })
        })
        .collect()
}

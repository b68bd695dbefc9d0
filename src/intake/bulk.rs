//! Filings by the thousand, as a file has them: each is taken in as any other, but they are looked up together, prepared on every
//! core and stored in one group, while the next are prepared. One that may be a duplicate of another under way waits for it.

use crate::app::App;
use crate::domain::case::Actor;
use crate::domain::vocabulary::Kind;
use crate::intake::draft::{self, Draft, Ground};
use crate::intake::submission::{Checks, Entry, Raw, Submission};
use crate::intake::{FileError, IdempotencyKey, file_checked};
use crate::route::Router;
use crate::store::cases::{self, LikelyDuplicates, Pair};
use crate::store::filing::{self, Filed, Filing, IdempotencyRow};
use crate::store::types::At;
use crate::store::{Db, StoreError};
use jiff::ToSpan;
use jiff::civil::Date;
use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;
use tokio::task::JoinHandle;

/// Times that a filing by itself is tried again while the store is busy, and the pause between.
const TRIES: u32 = 200;
const PAUSE: Duration = Duration::from_millis(50);

/// A filing with a number that its giver knows it by.
#[derive(Debug)]
pub struct Given {
    /// The number.
    pub number: u64,
    /// What is filed.
    pub raw: Raw,
    /// By what it is known again when it is given twice, where it has no number of another system.
    pub key: Option<IdempotencyKey>,
}

/// What became of one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Taken {
    /// It is a case now.
    Created,
    /// It was one before.
    Here,
}

/// Numbers of filings, and what became of them.
pub type Ends = Vec<(u64, Result<Taken, FileError>)>;

/// Takes filings in, batch after batch.
pub struct Bulk {
    app: Arc<App>,
    storing: Option<Storing>,
}

/// A batch on its way into the store.
struct Storing {
    filed: JoinHandle<Result<Vec<Result<Filed, StoreError>>, StoreError>>,
    sent: Vec<Checked>,
    /// Those that wait for what is stored.
    later: Vec<Checked>,
    pairs: HashSet<Pair>,
}

/// A filing that was checked.
struct Checked {
    number: u64,
    submission: Submission,
    key: Option<IdempotencyKey>,
    complainant: Option<Vec<u8>>,
    respondent: Option<Vec<u8>>,
}

impl Checked {
    fn pair(&self) -> Option<Pair> {
        Some((self.complainant.clone()?, self.respondent.clone()?))
    }
}

impl std::fmt::Debug for Bulk {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Bulk").field("storing", &self.storing.is_some()).finish_non_exhaustive()
    }
}

impl Bulk {
    /// Of an installation.
    pub const fn new(app: Arc<App>) -> Self {
        Self { app, storing: None }
    }

    /// Takes a batch; gives what became of those that are settled: of this batch those that are wrong or were here, and of the
    /// batch before all.
    ///
    /// # Errors
    /// When the store can't be asked. What was told of stays; of the others nobody knows, and they can be given again.
    pub async fn take(&mut self, batch: Vec<Given>) -> Result<Ends, StoreError> {
        let (mut ends, mut later) = (Vec::new(), Vec::new());
        let router = self.app.router();
        let before: HashSet<Pair> =
            self.storing.as_mut().map(|storing| std::mem::take(&mut storing.pairs)).unwrap_or_default();
        let mut pairs = HashSet::new();
        let mut checked = Vec::with_capacity(batch.len());
        for (number, end) in check(&self.app, &router, batch).await? {
            match end {
                Err(error) => ends.push((number, Err(error))),
                Ok(one) if one.pair().is_some_and(|pair| before.contains(&pair) || !pairs.insert(pair)) => {
                    later.push(one)
                }
                Ok(one) => checked.push(one),
            }
        }
        let (known, around) = self.look_around(&checked).await?;
        let (here, fresh): (Vec<Checked>, Vec<Checked>) =
            checked.into_iter().partition(|one| known.contains(&one.number));
        ends.extend(here.into_iter().map(|one| (one.number, Ok(Taken::Here))));
        let drafted = draft(&self.app, &router, fresh, around).await?;
        ends.extend(self.settle().await?);
        let (mut sent, mut filings) = (Vec::with_capacity(drafted.len()), Vec::with_capacity(drafted.len()));
        for (one, filing) in drafted {
            match filing {
                Ok(filing) => {
                    sent.push(one);
                    filings.push(filing);
                }
                Err(error) => ends.push((one.number, Err(error.into()))),
            }
        }
        let app = Arc::clone(&self.app);
        let filed = tokio::spawn(async move { app.store.file_all(filings).await });
        self.storing = Some(Storing { filed, sent, later, pairs });
        Ok(ends)
    }

    /// Waits for the last batch; gives what became of it.
    ///
    /// # Errors
    /// As [`Bulk::take`].
    pub async fn finish(mut self) -> Result<Ends, StoreError> {
        self.settle().await
    }

    /// Waits for the batch that is being stored, then takes in those that waited for it.
    async fn settle(&mut self) -> Result<Ends, StoreError> {
        let Some(Storing { filed, sent, later, .. }) = self.storing.take() else { return Ok(Vec::new()) };
        let filed = filed.await.map_err(|_| StoreError::Panicked)??;
        let mut ends = Vec::with_capacity(sent.len() + later.len());
        let mut again = Vec::new();
        for (one, end) in sent.into_iter().zip(filed) {
            let end = match end {
                Ok(Filed::Done) => Ok(Taken::Created),
                Ok(Filed::KeyTaken | Filed::ExternalTaken { .. }) => Ok(Taken::Here),
                Ok(Filed::NumberTaken) => {
                    again.push(one);
                    continue;
                }
                Err(error) => Err(error.into()),
            };
            ends.push((one.number, end));
        }
        for one in again.into_iter().chain(later) {
            ends.push((one.number, self.alone(&one).await));
        }
        Ok(ends)
    }

    /// Takes one in as any other.
    async fn alone(&self, one: &Checked) -> Result<Taken, FileError> {
        let router = self.app.router();
        let mut tries = 0;
        loop {
            let filed =
                file_checked(&self.app, &router, &one.submission, Entry::Import, &Actor::SYSTEM, one.key.clone()).await;
            match filed {
                Ok(receipt) if receipt.replayed => return Ok(Taken::Here),
                Ok(_) => return Ok(Taken::Created),
                Err(FileError::AlreadyHere { .. }) => return Ok(Taken::Here),
                Err(FileError::Store(StoreError::Busy)) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                Err(error) => return Err(error),
            }
        }
    }

    /// Which of them are here already, and the cases that others may be duplicates of.
    async fn look_around(&self, checked: &[Checked]) -> Result<(HashSet<u64>, LikelyDuplicates), StoreError> {
        let mut numbers = BTreeMap::<String, Vec<String>>::new();
        for reference in checked.iter().flat_map(|one| &one.submission.external) {
            numbers.entry(reference.system.clone()).or_default().push(reference.number.clone());
        }
        let keys: Vec<[u8; 32]> = checked.iter().filter_map(|one| one.key.as_ref()).map(|key| key.key).collect();
        let pairs: Vec<Pair> = checked.iter().filter_map(Checked::pair).collect();
        let since = self.since();
        let look = move |db: &mut Db| {
            let mut taken = HashSet::new();
            for (system, numbers) in &numbers {
                let found = filing::externals(db, system, numbers)?;
                taken.extend(found.into_iter().map(|number| (system.clone(), number)));
            }
            Ok((taken, filing::answered(db, &keys)?, cases::likely_duplicates_of(db, &pairs, since)?))
        };
        let mut tries = 0;
        let (taken, answered, around) = loop {
            match self.app.store.read(look.clone()).await {
                Err(StoreError::Busy) if tries < TRIES => {
                    tries += 1;
                    tokio::time::sleep(PAUSE).await;
                }
                end => break end?,
            }
        };
        let known = |one: &&Checked| {
            let mut numbers = one.submission.external.iter();
            numbers.any(|reference| taken.contains(&(reference.system.clone(), reference.number.clone())))
                || one.key.as_ref().is_some_and(|key| answered.contains(key.key.as_slice()))
        };
        Ok((checked.iter().filter(known).map(|one| one.number).collect(), around))
    }

    fn since(&self) -> Date {
        let window = i64::from(self.app.settings.intake.duplicate_window_days);
        self.app.today().saturating_sub(window.days())
    }
}

/// Checks a batch.
async fn check(
    app: &Arc<App>,
    router: &Arc<Router>,
    batch: Vec<Given>,
) -> Result<Vec<(u64, Result<Checked, FileError>)>, StoreError> {
    let (app, router) = (Arc::clone(app), Arc::clone(router));
    on_every_core(batch, move |Given { number, raw, key }| {
        let checks = Checks { catalogue: router.catalogue(), now: app.now(), today: app.today(), entry: Entry::Import };
        let checked = raw.check(&checks).map_err(FileError::Invalid).map(|submission| Checked {
            number,
            complainant: draft::complainant_hash(&app, &submission),
            respondent: draft::respondent_hash(&app, &submission),
            submission,
            key,
        });
        (number, checked)
    })
    .await
}

/// Classifies, routes and seals a batch.
async fn draft(
    app: &Arc<App>,
    router: &Arc<Router>,
    fresh: Vec<Checked>,
    around: LikelyDuplicates,
) -> Result<Vec<(Checked, Result<Filing, StoreError>)>, StoreError> {
    let (app, router) = (Arc::clone(app), Arc::clone(router));
    on_every_core(fresh, move |one| {
        let duplicates = one.pair().map_or_else(Vec::new, |pair| {
            let of_kind =
                |kind: &Kind| around.get(&(pair.clone(), kind.code().to_owned())).map(|found| (*kind, found.clone()));
            one.submission.kinds.iter().filter_map(of_kind).collect()
        });
        let ground = Ground {
            duplicates,
            complainant: one.complainant.clone(),
            respondent: one.respondent.clone(),
            ..Ground::default()
        };
        let drafts = draft::draw(&app, &router, &one.submission, Entry::Import, &Actor::SYSTEM, &ground, 0);
        let filing = drafts.map(|drafts| filing(&app, drafts, one.key.as_ref()));
        (one, filing)
    })
    .await
}

/// What is stored. Nobody is answered, so that of an answer only its key is kept.
fn filing(app: &App, drafts: Vec<Draft>, key: Option<&IdempotencyKey>) -> Filing {
    let first = drafts.first().map(|draft| draft.new.case.case_id);
    let idempotency = key.zip(first).map(|(key, case_id)| IdempotencyRow {
        key_hash: key.key.to_vec(),
        body_hash: key.body.to_vec(),
        case_id,
        answer: "{}".to_owned(),
        created_at: At(app.now()),
    });
    Filing { cases: drafts.into_iter().map(|draft| draft.new).collect(), idempotency }
}

/// Does the same with each of many, on every core; gives the results in their order.
pub async fn on_every_core<T, U>(
    items: Vec<T>,
    work: impl Fn(T) -> U + Send + Sync + 'static,
) -> Result<Vec<U>, StoreError>
where
    T: Send + 'static,
    U: Send + 'static,
{
    let cores = std::thread::available_parallelism().map_or(1, usize::from);
    let each = items.len().div_ceil(cores).max(1);
    let work = Arc::new(work);
    let mut items = items.into_iter();
    let mut parts = Vec::with_capacity(cores);
    loop {
        let part: Vec<T> = items.by_ref().take(each).collect();
        if part.is_empty() {
            break;
        }
        let work = Arc::clone(&work);
        parts.push(tokio::task::spawn_blocking(move || part.into_iter().map(|item| work(item)).collect::<Vec<U>>()));
    }
    let mut done = Vec::new();
    for part in parts {
        done.extend(part.await.map_err(|_| StoreError::Panicked)?);
    }
    Ok(done)
}

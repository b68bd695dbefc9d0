//! Puts the service together from its settings and its data folder.

use super::data::DataDir;
use super::output::{CONFIG, Failure};
use crate::ambient::{Clock, Entropy, OffsetClock, SystemClock, SystemEntropy};
use crate::app::{App, Parts};
use crate::audit::Checkpoints;
use crate::classify::{AllowedCodes, Lexicon, Model, Weights};
use crate::config::catalogue::Catalogue;
use crate::config::settings::{Attachments, Audit, Inputs, LogFormat, Secret, process_environment};
use crate::config::{self, Settings, Source};
use crate::identity::{Hasher, SigningKey, Tokens};
use crate::learn;
use crate::measure::recount;
use crate::notify::hook;
use crate::privacy::signing::AuditKeys;
use crate::privacy::{KeyRing, Suite, Vault};
use crate::store::calendars::{self, LoadedYear};
use crate::store::{Options, Store, Target, Timeouts, cases, upkeep};
use include_dir::{Dir, include_dir};
use jiff::Timestamp;
use object_store::aws::AmazonS3Builder;
use object_store::local::LocalFileSystem;
use object_store::prefix::PrefixStore;
use object_store::{ObjectStore, RetryConfig};
use sha2::{Digest, Sha256};
use std::collections::HashSet;
use std::num::NonZeroUsize;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

/// Fitted by `fangxin train` on `config/training`; a test fits them again and compares.
static WEIGHTS: &[u8] = include_bytes!("../../config/classifier.bin");

/// The texts that the weights as shipped were fitted on: what is learnt here is added to them.
static TRAINING: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config/training");

static LEXICON: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config/lexicon");

/// What the command line says of the installation.
#[derive(Debug, Clone, Default)]
pub(super) struct Where {
    /// `--config`.
    pub(super) config: Option<PathBuf>,
    /// `--data`.
    pub(super) data: Option<PathBuf>,
    /// `--database`.
    pub(super) database: Option<String>,
    /// `--listen`.
    pub(super) listen: Option<String>,
    /// `--create`.
    pub(super) create: bool,
}

/// The settings in force.
pub(super) fn settings(given: &Where) -> Result<Settings, Failure> {
    let mut flags = Vec::new();
    if let Some(listen) = &given.listen {
        flags.push(("--listen", "server.listen", listen.clone()));
    }
    if let Some(data) = &given.data {
        flags.push(("--data", "paths.data_dir", data.to_string_lossy().into_owned()));
    }
    if let Some(database) = &given.database {
        flags.push(("--database", "database.url", database.clone()));
    }
    let inputs = Inputs { file: given.config.clone(), environment: process_environment(), flags };
    Settings::load(&inputs).map_err(|faults| Failure::faults(&faults))
}

/// Where the data files come from.
pub(super) fn source(settings: &Settings) -> Source {
    settings.paths.config_dir.clone().map_or(Source::Embedded, Source::Folder)
}

/// The catalogue as the files have it.
pub(super) fn catalogue(settings: &Settings) -> Result<Catalogue, Failure> {
    config::load(&source(settings), settings.calendar.rollover).map_err(|faults| Failure::faults(&faults))
}

/// The classifier. Its lexicon is built in: it was fitted together with the model's constants.
pub(super) fn model(settings: &Settings, catalogue: &Catalogue) -> Result<Model, Failure> {
    let codes = catalogue.sectors.iter().map(|sector| {
        let subsectors: Vec<String> = sector.subsectors.iter().map(|(code, _)| code.clone()).collect();
        (sector.code.clone(), subsectors)
    });
    let files = LEXICON.files().filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)));
    let lexicon = Lexicon::load(files, &AllowedCodes::new(codes)).map_err(|faults| Failure {
        code: CONFIG,
        lines: faults.iter().map(|fault| format!("config/lexicon/{fault}")).collect(),
    })?;
    let weights =
        Weights::from_bytes(WEIGHTS).map_err(|error| Failure::config(format!("config/classifier.bin: {error}")))?;
    Ok(Model::new(lexicon, weights, settings.classify.abstain_below))
}

/// The authored texts that are built in, by file: name and content.
pub(super) fn training() -> impl Iterator<Item = (&'static str, &'static str)> {
    TRAINING
        .files()
        .filter(|file| file.path().extension().is_some_and(|extension| extension == "jsonl"))
        .filter_map(|file| Some((file.path().to_str()?, file.contents_utf8()?)))
}

/// Everything that is read from files, with the faults of all of it at once.
pub(super) fn files(settings: &Settings) -> Result<(Catalogue, Model), Failure> {
    let mut lines = Vec::new();
    let loaded = catalogue(settings).and_then(|catalogue| Ok((model(settings, &catalogue)?, catalogue)));
    let target = target(settings, &DataDir::at(&settings.paths.data_dir)?, true);
    lines.extend(target.err().into_iter().flat_map(|failure| failure.lines));
    for (key, url) in
        [("attachments.url", &settings.attachments.url), ("audit.checkpoints", &settings.audit.checkpoints)]
    {
        lines.extend(place_of_objects(key, url.as_deref()).err().into_iter().flat_map(|failure| failure.lines));
    }
    match loaded {
        Ok((model, catalogue)) if lines.is_empty() => Ok((catalogue, model)),
        Ok(_) => Err(Failure { code: CONFIG, lines }),
        Err(failure) => {
            lines.extend(failure.lines);
            Err(Failure { code: CONFIG, lines })
        }
    }
}

/// Which database the settings mean. A file that was named must be there: a misspelt path would start an empty service.
pub(super) fn target(settings: &Settings, data: &DataDir, create: bool) -> Result<Target, Failure> {
    let Some(url) = &settings.database.url else { return Ok(Target::Sqlite(data.database())) };
    let url = url.expose();
    if let Some(path) = url.strip_prefix("sqlite:") {
        let path = std::path::absolute(path).map_err(|error| Failure::config(format!("database.url: {error}")))?;
        if !create && !path.exists() {
            let path = path.display();
            return Err(Failure::config(format!("database {path} doesn't exist; --create makes it")));
        }
        return Ok(Target::Sqlite(path));
    }
    if url.starts_with("postgres://") || url.starts_with("postgresql://") {
        return Ok(Target::Postgres(url.to_owned()));
    }
    Err(Failure::config("database.url: neither sqlite:PATH nor postgres://…"))
}

/// The units that have accounts, read also beside a serving process. `None` while there is no database of this version, or
/// while it has no account: then nobody works here yet, and every office would be found.
pub(super) fn staffed(settings: &Settings) -> Result<Option<HashSet<String>>, Failure> {
    let target = target(settings, &DataDir::at(&settings.paths.data_dir)?, true)?;
    if let Target::Sqlite(path) = &target
        && !path.exists()
    {
        return Ok(None);
    }
    let units = upkeep::staffed(&target)?;
    Ok((!units.is_empty()).then(|| units.into_iter().collect()))
}

/// The clock of the installation.
pub(super) fn clock(settings: &Settings) -> Arc<dyn Clock> {
    match settings.clock.start {
        Some(start) => Arc::new(OffsetClock::starting_at(start)),
        None => Arc::new(SystemClock),
    }
}

/// The catalogue with the years that were loaded into the database after it was published. The calendar's version then names
/// each of them: `cn-2026+2027`.
pub(super) fn with_loaded_years(mut catalogue: Catalogue, years: &[LoadedYear]) -> Result<Catalogue, Failure> {
    let mut version = catalogue.calendar.version.split('+').next().unwrap_or_default().to_owned();
    for (year, label, days) in years {
        let year = i16::try_from(*year).map_err(|_| Failure::found(format!("{year} is no year")))?;
        version = format!("{version}+{label}");
        catalogue.calendar = config::merge_year(&catalogue.calendar, year, &version, days).map_err(|faults| {
            Failure { code: CONFIG, lines: faults.iter().map(|fault| format!("loaded calendar: {fault}")).collect() }
        })?;
    }
    Ok(catalogue)
}

/// A service that is ready, and the settings that it was made from.
pub(super) async fn app(
    settings: Settings,
    data: &DataDir,
    create: bool,
    clock: Arc<dyn Clock>,
) -> Result<Arc<App>, Failure> {
    let (catalogue, model) = files(&settings)?;
    let target = target(&settings, data, create)?;
    let entropy: Arc<dyn Entropy> = Arc::new(
        SystemEntropy::new().map_err(|error| Failure::found(format!("the system has no randomness: {error}")))?,
    );
    let objects = objects(&Bucket::of_attachments(&settings.attachments), &data.attachments())?;
    let checkpoints = objects_of_audit(&settings.audit, data)?;
    if let Target::Sqlite(path) = &target {
        // The engine would let others read it, and gives its own files the mode of this one.
        let made = std::fs::OpenOptions::new().write(true).create_new(true).mode(0o600).open(path);
        if let Err(error) = made
            && error.kind() != std::io::ErrorKind::AlreadyExists
        {
            return Err(Failure::config(format!("{}: {error}", path.display())));
        }
    }
    // The store starts threads and waits for them: not on a thread that others wait for.
    let options = options(&settings, target);
    let store = tokio::task::spawn_blocking(move || Store::open(&options))
        .await
        .map_err(|error| Failure::found(error.to_string()))??;
    recount::fill(&store).await?;
    let (has_cases, years) = store.read(|db| Ok((cases::any(db)?, calendars::all(db)?))).await?;
    let ring = key_ring(data, has_cases, entropy.as_ref(), clock.now())?;
    let catalogue = Arc::new(with_loaded_years(catalogue, &years)?);
    let hasher = hasher(&settings, Arc::clone(&entropy))?;
    let tokens = tokens(&ring, &clock)?;
    let suite = Suite::parse(&settings.privacy.suite).ok_or_else(|| Failure::config("privacy.suite: unknown"))?;
    let vault = Vault::new(&ring, suite).reading(data.key_ring());
    let audit_keys = AuditKeys::new(&ring).ok_or_else(|| Failure::config("the key ring has no audit key"))?;
    let checkpoints = Checkpoints::new(checkpoints, audit_keys);
    let parts =
        Parts { settings, catalogue, store, model, vault, clock, entropy, hasher, tokens, objects, checkpoints };
    let app = Arc::new(App::new(parts));
    learn::refresh(&app).await?;
    hook::refresh(&app).await?;
    Ok(app)
}

fn options(settings: &Settings, target: Target) -> Options {
    let pool = usize::try_from(settings.database.pool_size).unwrap_or(8).max(1);
    // PostgreSQL shares the pool between both; SQLite's one writer isn't of the pool.
    let (readers, writers) = match target {
        Target::Sqlite(_) => (pool, 1),
        Target::Postgres(_) => ((pool - pool / 2).max(1), (pool / 2).max(1)),
    };
    let database = &settings.database;
    let timeouts = Timeouts {
        acquire: Duration::from_secs(database.acquire_timeout_seconds),
        statement: Duration::from_millis(database.statement_timeout_ms.into()),
        busy: Duration::from_millis(database.busy_timeout_ms.into()),
    };
    Options { readers, writers, queue: database.queue_size, timeouts, ..Options::new(target) }
}

/// The key ring. It is made at the first start only: beside a database with cases a new one would open none of them.
fn key_ring(data: &DataDir, has_cases: bool, entropy: &dyn Entropy, now: Timestamp) -> Result<KeyRing, Failure> {
    let path = data.key_ring();
    let ring = if has_cases { KeyRing::load(&path) } else { KeyRing::load_or_create(&path, entropy, now) };
    let mut ring = ring.map_err(|error| {
        let mut failure = Failure::config(error.to_string());
        if has_cases && !path.exists() {
            failure.lines.push("the database has cases: put the keys that belong to it there".to_owned());
        }
        failure
    })?;
    if ring.ensure_audit_key(entropy, now) {
        ring.save(&path).map_err(|error| Failure::config(error.to_string()))?;
    }
    Ok(ring)
}

fn hasher(settings: &Settings, entropy: Arc<dyn Entropy>) -> Result<Hasher, Failure> {
    let cores = std::thread::available_parallelism().map_or(1, NonZeroUsize::get).min(4);
    let threads = NonZeroUsize::new(settings.auth.hash_threads).or(NonZeroUsize::new(cores));
    Hasher::new(threads.unwrap_or(NonZeroUsize::MIN), 64, entropy).map_err(|error| Failure::found(error.to_string()))
}

/// The keys of a ring that sign tokens.
pub(super) fn signing_keys(ring: &KeyRing) -> Vec<SigningKey> {
    let keys = ring.signing_keys();
    keys.map(|(kid, secret)| SigningKey { kid: kid.to_owned(), secret: secret.expose().to_vec() }).collect()
}

fn tokens(ring: &KeyRing, clock: &Arc<dyn Clock>) -> Result<Tokens, Failure> {
    let keys = signing_keys(ring);
    let leeway = Duration::from_secs(5);
    Tokens::new("fangxin", "fangxin", &keys, ring.active_signing(), leeway, Arc::clone(clock))
        .map_err(|error| Failure::config(error.to_string()))
}

/// How long a bucket that fails is tried again: a person waits for the answer.
const OBJECTS_PATIENCE: Duration = Duration::from_secs(10);

/// Where evidence lies, read from the setting.
enum Place {
    Data,
    Folder(PathBuf),
    Bucket { name: String, prefix: String },
}

fn place_of_objects(key: &str, url: Option<&str>) -> Result<Place, Failure> {
    let Some(url) = url else { return Ok(Place::Data) };
    if let Some(path) = url.strip_prefix("file:") {
        return Ok(Place::Folder(PathBuf::from(path)));
    }
    let (name, prefix) = url
        .strip_prefix("s3://")
        .map(|rest| rest.split_once('/').unwrap_or((rest, "")))
        .filter(|(name, _)| !name.is_empty())
        .ok_or_else(|| Failure::config(format!("{key}: neither file:PATH nor s3://bucket/prefix")))?;
    Ok(Place::Bucket { name: name.to_owned(), prefix: prefix.trim_matches('/').to_owned() })
}

/// A place of objects as settings name it.
struct Bucket<'a> {
    key: &'static str,
    url: Option<&'a str>,
    endpoint: Option<&'a str>,
    region: Option<&'a str>,
    access_key: Option<&'a Secret>,
    secret_key: Option<&'a Secret>,
}

impl<'a> Bucket<'a> {
    fn of_attachments(settings: &'a Attachments) -> Self {
        Self {
            key: "attachments.url",
            url: settings.url.as_deref(),
            endpoint: settings.endpoint.as_deref(),
            region: settings.region.as_deref(),
            access_key: settings.access_key.as_ref(),
            secret_key: settings.secret_key.as_ref(),
        }
    }
}

/// The place of the checkpoints.
fn objects_of_audit(settings: &Audit, data: &DataDir) -> Result<Arc<dyn ObjectStore>, Failure> {
    let bucket = Bucket {
        key: "audit.checkpoints",
        url: settings.checkpoints.as_deref(),
        endpoint: settings.endpoint.as_deref(),
        region: settings.region.as_deref(),
        access_key: settings.access_key.as_ref(),
        secret_key: settings.secret_key.as_ref(),
    };
    objects(&bucket, &data.checkpoints())
}

fn objects(settings: &Bucket<'_>, own: &Path) -> Result<Arc<dyn ObjectStore>, Failure> {
    let folder = |path: &Path| -> Result<Arc<dyn ObjectStore>, Failure> {
        super::data::private_dir(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))?;
        let store = LocalFileSystem::new_with_prefix(path).map_err(|error| Failure::config(error.to_string()))?;
        Ok(Arc::new(store))
    };
    match place_of_objects(settings.key, settings.url)? {
        Place::Data => folder(own),
        Place::Folder(path) => folder(&path),
        Place::Bucket { name, prefix } => {
            let patience = RetryConfig { max_retries: 2, retry_timeout: OBJECTS_PATIENCE, ..RetryConfig::default() };
            let mut builder = AmazonS3Builder::new().with_bucket_name(name).with_retry(patience);
            if let Some(endpoint) = settings.endpoint {
                builder = builder.with_endpoint(endpoint).with_allow_http(endpoint.starts_with("http://"));
            }
            if let Some(region) = settings.region {
                builder = builder.with_region(region);
            }
            if let (Some(id), Some(secret)) = (settings.access_key, settings.secret_key) {
                builder = builder.with_access_key_id(id.expose()).with_secret_access_key(secret.expose());
            }
            let bucket = builder.build().map_err(|error| Failure::config(format!("{}: {error}", settings.key)))?;
            Ok(if prefix.is_empty() { Arc::new(bucket) } else { Arc::new(PrefixStore::new(bucket, prefix)) })
        }
    }
}

/// SHA-256 over the settings in force (secrets masked) and the data files that replace built-in ones: what an entry of the
/// audit log says of the configuration.
pub(super) fn configuration_digest(settings: &Settings) -> Result<String, Failure> {
    let mut hasher = Sha256::new();
    for listed in &settings.listing {
        hasher.update(format!("{} = {}\n", listed.key, listed.value));
    }
    let mut folders: Vec<PathBuf> = settings.paths.config_dir.iter().cloned().collect();
    let mut files = Vec::new();
    let fault = |error: std::io::Error| Failure::config(format!("paths.config_dir: {error}"));
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).map_err(fault)? {
            let path = entry.map_err(fault)?.path();
            if path.is_dir() { folders.push(path) } else { files.push(path) }
        }
    }
    files.sort();
    for file in files {
        hasher.update(format!("{}\n", file.display()));
        hasher.update(Sha256::digest(std::fs::read(&file).map_err(fault)?));
    }
    Ok(hasher.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
}

/// Starts the log, on standard error. Commands log less than a server: what they have to say is their result.
pub(super) fn log(settings: &Settings, serving: bool) {
    use tracing_subscriber::EnvFilter;
    let level = if serving { settings.log.level.as_str() } else { "warn" };
    let filter = EnvFilter::try_new(level).unwrap_or_else(|_| EnvFilter::new("info"));
    let lines = tracing_subscriber::fmt().with_env_filter(filter).with_writer(std::io::stderr);
    // A log that stands already (a test's) stays.
    drop(match settings.log.format {
        LogFormat::Json if serving => lines.json().try_init(),
        _ => lines.with_ansi(false).try_init(),
    });
}

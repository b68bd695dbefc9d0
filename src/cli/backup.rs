//! Backups that can be trusted, and back from them.
//!
//! A backup is a folder: the database (`fangxin.db`, or `database.dump` of PostgreSQL), `attachments/`, `manifest.json` with
//! the hash of each file and what the database held, and `manifest.sha256` over that. Keys are not in it: whoever has both
//! reads everything. A folder without `manifest.sha256` was cut off and is no backup.

use super::data::{DataDir, RESTORED, is_free, private_dir, private_file};
use super::output::{FOUND, Failure, OK, Outcome, Progress};
use crate::app::App;
use crate::identity::Caller;
use crate::store::backup::{self, Inspection};
use crate::store::{StoreError, Target};
use futures_util::StreamExt;
use jiff::Timestamp;
use object_store::path::Path as ObjectPath;
use object_store::{ObjectStore, ObjectStoreExt};
use serde::{Deserialize, Serialize};
use serde_json::json;
use sha2::{Digest, Sha256};
use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, BufReader, Read, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Component, Path, PathBuf};
use std::process::Command;
use std::sync::Arc;

const MANIFEST: &str = "manifest.json";
const SEAL: &str = "manifest.sha256";
const SQLITE: &str = "fangxin.db";
const DUMP: &str = "database.dump";
const ATTACHMENTS: &str = "attachments";

/// The manifest's own version.
const FORMAT: u32 = 1;

/// What a backup holds.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Manifest {
    format: u32,
    created_at: Timestamp,
    version: String,
    database: Inspection,
    files: Vec<Entry>,
    /// Evidence that the database names and the object store didn't have.
    missing: Vec<String>,
}

/// What the next start writes into the audit log of restored data.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Restored {
    /// When the backup was made.
    pub(super) made_at: Timestamp,
    /// Cases in it.
    pub(super) cases: i64,
}

/// One file of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Entry {
    path: String,
    size: u64,
    sha256: String,
}

/// Writes a backup into a folder that is new or empty, also while the service runs.
pub(super) async fn write(
    app: &Arc<App>,
    data: &DataDir,
    to: &Path,
    keys_to: Option<&Path>,
    progress: &Progress,
) -> Result<Outcome, Failure> {
    refuse_taken(to)?;
    if let Some(keys_to) = keys_to {
        if keys_to.starts_with(to) || to.starts_with(keys_to) {
            return Err(Failure::usage(
                "--with-keys: not in the backup itself; keys are kept apart from what they open",
            ));
        }
        refuse_taken(keys_to)?;
    }
    let draft = Draft::begin(to)?;
    let (target, folder) = (app.store.target().clone(), to.to_owned());
    let (database, objects) = blocking(move || copy_database(&target, &folder)).await?;
    let file = if database.engine == "sqlite" { SQLITE } else { DUMP };
    let mut entries = vec![entry(to, file).await?];
    let mut missing = Vec::new();
    let all = objects.len() as u64;
    for (done, object) in (1..).zip(objects) {
        match copy_object(app.objects.as_ref(), &object, &to.join(ATTACHMENTS)).await? {
            true => entries.push(entry(to, &format!("{ATTACHMENTS}/{object}")).await?),
            false => missing.push(object),
        }
        progress.tell(done, Some(all));
    }
    let manifest = Manifest {
        format: FORMAT,
        created_at: app.now(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        database,
        files: entries,
        missing,
    };
    let text = serde_json::to_vec_pretty(&manifest).map_err(|error| Failure::found(error.to_string()))?;
    write_new(&to.join(MANIFEST), &text).map_err(fault(to))?;
    // Last: what has no seal isn't a backup.
    let seal = format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text)));
    write_new(&to.join(SEAL), seal.as_bytes()).map_err(fault(to))?;
    sync_dir(to).map_err(fault(to))?;
    let cases = manifest.database.counts.cases;
    app.record(app.occasion(&Caller::SYSTEM).backup(cases, keys_to.is_some())).await?;
    let mut outcome = described(&manifest, to);
    if let Some(keys_to) = keys_to {
        let keys = Draft::begin(keys_to)?;
        copy_keys(&data.keys(), keys_to)?;
        keys.keep();
        outcome.lines.push(format!("keys in {}: keep them apart from the backup", keys_to.display()));
    } else {
        outcome.notes.push(format!(
            "the keys ({}) are not in it, and nothing in it can be read without them: keep a copy of them elsewhere",
            data.keys().display()
        ));
    }
    draft.keep();
    Ok(outcome)
}

/// A folder that is being filled: it goes when the work fails, or is given up, so that it is never taken for a whole one.
struct Draft(Option<PathBuf>);

impl Draft {
    fn begin(folder: &Path) -> Result<Self, Failure> {
        private_dir(folder).map_err(fault(folder))?;
        Ok(Self(Some(folder.to_owned())))
    }

    fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Draft {
    fn drop(&mut self) {
        if let Some(folder) = &self.0 {
            drop(fs::remove_dir_all(folder));
        }
    }
}

fn described(manifest: &Manifest, to: &Path) -> Outcome {
    let counts = manifest.database.counts;
    let mut lines = vec![format!(
        "{}: {} cases, {} events, {} files, schema {}",
        to.display(),
        counts.cases,
        counts.events,
        manifest.files.len(),
        manifest.database.schema
    )];
    lines.extend(manifest.missing.iter().map(|object| format!("  missing evidence: {object}")));
    let result = json!({
        "path": to,
        "created_at": manifest.created_at,
        "database": manifest.database,
        "files": manifest.files.len(),
        "missing": manifest.missing,
    });
    let code = if manifest.missing.is_empty() { OK } else { FOUND };
    Outcome { code, result, lines, notes: Vec::new() }
}

/// Copies the database, and reads the copy: a backup that can't be read is found now, not when it is needed.
fn copy_database(target: &Target, folder: &Path) -> Result<(Inspection, Vec<String>), Failure> {
    match target {
        Target::Sqlite(_) => {
            let file = folder.join(SQLITE);
            backup::copy_into(target, &file)?;
            private_file(&file).and_then(|()| File::open(&file)?.sync_all()).map_err(fault(&file))?;
            Ok((backup::check_file(&file)?, backup::objects_in(&file)?))
        }
        Target::Postgres(url) => {
            let file = folder.join(DUMP);
            let found = backup::pinned(target, |state, inspection, objects| {
                let mut command = tool("pg_dump", url);
                command.arg("--format=custom").arg(format!("--snapshot={state}")).arg("--file").arg(&file);
                run_tool(command, "pg_dump").map_err(StoreError::Unavailable)?;
                Ok((inspection, objects))
            })?;
            private_file(&file).and_then(|()| File::open(&file)?.sync_all()).map_err(fault(&file))?;
            Ok(found)
        }
    }
}

/// A PostgreSQL tool that is told the database without its password: other users see the arguments of a process.
fn tool(name: &str, url: &str) -> Command {
    let (url, password) = without_password(url);
    let mut command = Command::new(name);
    command.arg("--no-password").arg("--dbname").arg(url);
    if let Some(password) = password {
        command.env("PGPASSWORD", password);
    }
    command
}

fn run_tool(mut command: Command, name: &str) -> Result<(), String> {
    let output = command.output().map_err(|error| match error.kind() {
        io::ErrorKind::NotFound => {
            format!("{name} isn't on the PATH: install PostgreSQL's client tools, at least as new as the server")
        }
        _ => format!("{name}: {error}"),
    })?;
    if output.status.success() {
        return Ok(());
    }
    Err(format!("{name} failed: {}", String::from_utf8_lossy(&output.stderr).trim()))
}

/// A database's URL without its password, and the password.
fn without_password(url: &str) -> (String, Option<OsString>) {
    let whole = || (url.to_owned(), None);
    let Some((scheme, rest)) = url.split_once("://") else { return whole() };
    let authority_end = rest.find(['/', '?']).unwrap_or(rest.len());
    let (authority, tail) = rest.split_at(authority_end);
    let Some((user_info, host)) = authority.rsplit_once('@') else { return whole() };
    let Some((user, password)) = user_info.split_once(':') else { return whole() };
    (format!("{scheme}://{user}@{host}{tail}"), Some(decoded(password)))
}

/// Percent-encoded text as it is meant.
fn decoded(text: &str) -> OsString {
    use std::os::unix::ffi::OsStringExt;
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((&first, after)) = rest.split_first() {
        let code = |two: &[u8]| u8::from_str_radix(std::str::from_utf8(two).ok()?, 16).ok();
        match (first, after.get(..2).and_then(code)) {
            (b'%', Some(byte)) => {
                bytes.push(byte);
                rest = after.get(2..).unwrap_or_default();
            }
            _ => {
                bytes.push(first);
                rest = after;
            }
        }
    }
    OsString::from_vec(bytes)
}

/// Copies one object; `false` when it isn't there.
async fn copy_object(objects: &dyn ObjectStore, object: &str, folder: &Path) -> Result<bool, Failure> {
    let place = inside(folder, object)?;
    let got = match objects.get(&ObjectPath::from(object)).await {
        Ok(got) => got,
        Err(object_store::Error::NotFound { .. }) => return Ok(false),
        Err(error) => return Err(Failure::found(format!("evidence {object}: {error}"))),
    };
    if let Some(parent) = place.parent() {
        private_dir(parent).map_err(fault(parent))?;
    }
    let mut file = create_new(&place).map_err(fault(&place))?;
    let mut bytes = got.into_stream();
    while let Some(piece) = bytes.next().await {
        let piece = piece.map_err(|error| Failure::found(format!("evidence {object}: {error}")))?;
        file.write_all(&piece).map_err(fault(&place))?;
    }
    file.sync_all().map_err(fault(&place))?;
    Ok(true)
}

async fn entry(folder: &Path, path: &str) -> Result<Entry, Failure> {
    let (file, path) = (folder.join(path), path.to_owned());
    blocking(move || {
        let (size, sha256) = hash(&file, &mut io::sink()).map_err(fault(&file))?;
        Ok(Entry { path, size, sha256 })
    })
    .await
}

fn copy_keys(from: &Path, to: &Path) -> Result<(), Failure> {
    private_dir(to).map_err(fault(to))?;
    for found in fs::read_dir(from).map_err(fault(from))? {
        let found = found.map_err(fault(from))?;
        if found.file_type().map_err(fault(from))?.is_file() {
            let mut file = create_new(&to.join(found.file_name())).map_err(fault(to))?;
            hash(&found.path(), &mut file).and_then(|_| file.sync_all()).map_err(fault(to))?;
        }
    }
    sync_dir(to).map_err(fault(to))
}

/// What a restore is told.
#[derive(Debug)]
pub(super) struct Restore<'a> {
    /// The backup.
    pub(super) from: &'a Path,
    /// A data folder that is new or empty.
    pub(super) to: &'a DataDir,
    /// Keys that were kept apart.
    pub(super) keys: Option<&'a Path>,
    /// An empty PostgreSQL database.
    pub(super) database: Option<&'a Target>,
}

/// Puts a backup into a new data folder, after every byte of it was checked. Nothing stays when anything is wrong.
pub(super) fn restore(restore: &Restore<'_>, progress: &Progress) -> Result<Outcome, Failure> {
    let to = restore.to.path();
    refuse_taken(to)?;
    let manifest = read_manifest(restore.from)?;
    let postgres = manifest.database.engine == "postgres";
    match (postgres, restore.database) {
        (true, Some(target @ Target::Postgres(_))) => {
            if backup::has_tables(target)? {
                return Err(Failure::found("the database has tables already: a restore goes into an empty one"));
            }
        }
        (true, _) => return Err(Failure::usage("a backup of PostgreSQL goes back by --database postgres://…")),
        (false, Some(Target::Postgres(_))) => {
            return Err(Failure::usage("a backup of SQLite goes into a data folder, not into PostgreSQL"));
        }
        (false, _) => {}
    }
    let name = to.file_name().ok_or_else(|| Failure::usage("--data: not a folder's name"))?;
    let mut draft_name = OsString::from(".");
    draft_name.push(name);
    draft_name.push(format!(".restoring-{}", std::process::id()));
    let draft = to.with_file_name(draft_name);
    let kept = Draft::begin(&draft)?;
    fill(restore, &manifest, &draft, progress)?;
    let note = Restored { made_at: manifest.created_at, cases: manifest.database.counts.cases };
    let note = serde_json::to_vec(&note).map_err(|error| Failure::found(error.to_string()))?;
    write_new(&draft.join(RESTORED), &note).map_err(fault(&draft))?;
    // An empty folder gives way to the new one.
    fs::rename(&draft, to).and_then(|()| sync_dir(to.parent().unwrap_or(to))).map_err(fault(to))?;
    kept.keep();
    let mut outcome = described(&manifest, to);
    // What was missing when the backup was made is no fault of the restore; it is told all the same.
    outcome.code = OK;
    if restore.keys.is_none() {
        outcome.notes.push(format!("put the keys into {} before it is served", restore.to.keys().display()));
    }
    Ok(outcome)
}

fn fill(restore: &Restore<'_>, manifest: &Manifest, draft: &Path, progress: &Progress) -> Result<(), Failure> {
    let all: u64 = manifest.files.iter().map(|file| file.size).sum();
    let mut done = 0;
    for file in &manifest.files {
        let (from, to) = (inside(restore.from, &file.path)?, inside(draft, &file.path)?);
        if let Some(parent) = to.parent() {
            private_dir(parent).map_err(fault(parent))?;
        }
        let mut copy = create_new(&to).map_err(fault(&to))?;
        let (size, sha256) = hash(&from, &mut copy).map_err(fault(&from))?;
        copy.sync_all().map_err(fault(&to))?;
        if size != file.size || sha256 != file.sha256 {
            return Err(Failure::found(format!("{} isn't what was backed up", from.display())));
        }
        done += size;
        progress.tell(done, Some(all));
    }
    if let Some(keys) = restore.keys {
        copy_keys(keys, &draft.join("keys"))?;
    }
    let found = match restore.database {
        Some(target @ Target::Postgres(url)) => {
            let dump = draft.join(DUMP);
            let mut command = tool("pg_restore", url);
            command.args(["--exit-on-error", "--single-transaction", "--no-owner", "--no-privileges"]).arg(&dump);
            run_tool(command, "pg_restore").map_err(Failure::found)?;
            fs::remove_file(&dump).map_err(fault(&dump))?;
            backup::inspect_target(target)?
        }
        _ => backup::check_file(&draft.join(SQLITE))?,
    };
    if found.counts != manifest.database.counts || found.schema != manifest.database.schema {
        return Err(Failure::found(format!(
            "the database holds {:?}, schema {}; backed up were {:?}, schema {}",
            found.counts, found.schema, manifest.database.counts, manifest.database.schema
        )));
    }
    sync_dir(draft).map_err(fault(draft))
}

fn read_manifest(from: &Path) -> Result<Manifest, Failure> {
    let read = |name: &str| fs::read(from.join(name)).map_err(fault(&from.join(name)));
    let (text, seal) = (read(MANIFEST)?, read(SEAL)?);
    if seal != format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text))).into_bytes() {
        return Err(Failure::found(format!("{}: the manifest isn't the one that was sealed", from.display())));
    }
    let manifest: Manifest =
        serde_json::from_slice(&text).map_err(|error| Failure::found(format!("{MANIFEST}: {error}")))?;
    if manifest.format != FORMAT {
        return Err(Failure::found(format!("{MANIFEST}: format {} isn't known here", manifest.format)));
    }
    Ok(manifest)
}

/// A path below a folder, and nowhere else, whatever it says.
fn inside(folder: &Path, path: &str) -> Result<PathBuf, Failure> {
    let plain = !path.is_empty() && Path::new(path).components().all(|part| matches!(part, Component::Normal(_)));
    if plain { Ok(folder.join(path)) } else { Err(Failure::found(format!("{path:?} leads out of the folder"))) }
}

fn refuse_taken(folder: &Path) -> Result<(), Failure> {
    if is_free(folder).map_err(fault(folder))? {
        Ok(())
    } else {
        Err(Failure::found(format!("{} is not empty", folder.display())))
    }
}

fn create_new(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write_new(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create_new(path)?;
    file.write_all(content)?;
    file.sync_all()
}

fn sync_dir(path: &Path) -> io::Result<()> {
    File::open(path)?.sync_all()
}

/// Size and SHA-256 of a file, copied along the way.
fn hash(path: &Path, copy: &mut impl Write) -> io::Result<(u64, String)> {
    let mut reader = BufReader::new(File::open(path)?);
    let mut hasher = Sha256::new();
    let mut size = 0;
    let mut buffer = vec![0; 1 << 16];
    loop {
        let read = reader.read(&mut buffer)?;
        let piece = buffer.get(..read).unwrap_or_default();
        if piece.is_empty() {
            return Ok((size, hex(&hasher.finalize())));
        }
        hasher.update(piece);
        copy.write_all(piece)?;
        size += read as u64;
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn fault(path: &Path) -> impl Fn(io::Error) -> Failure + use<> {
    let shown = path.display().to_string();
    move |error| Failure::found(format!("{shown}: {error}"))
}

async fn blocking<T: Send + 'static>(work: impl FnOnce() -> Result<T, Failure> + Send + 'static) -> Result<T, Failure> {
    tokio::task::spawn_blocking(work).await.map_err(|error| Failure::found(error.to_string()))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::{Options, Store};

    /// A backup of an empty database with one attachment, made without a service.
    fn sample(folder: &Path) -> PathBuf {
        let target = Target::Sqlite(folder.join("live.db"));
        drop(Store::open(&Options::new(target.clone())).unwrap());
        let to = folder.join("backup");
        private_dir(&to.join(ATTACHMENTS)).unwrap();
        let (database, objects) = copy_database(&target, &to).unwrap();
        assert!(objects.is_empty());
        fs::write(to.join("attachments/a"), b"evidence").unwrap();
        let files = [SQLITE, "attachments/a"].map(|path| {
            let (size, sha256) = hash(&to.join(path), &mut io::sink()).unwrap();
            Entry { path: path.to_owned(), size, sha256 }
        });
        let manifest = Manifest {
            format: FORMAT,
            created_at: Timestamp::UNIX_EPOCH,
            version: "0".to_owned(),
            database,
            files: files.to_vec(),
            missing: Vec::new(),
        };
        let text = serde_json::to_vec(&manifest).unwrap();
        fs::write(to.join(MANIFEST), &text).unwrap();
        fs::write(to.join(SEAL), format!("{}  {MANIFEST}\n", hex(&Sha256::digest(&text)))).unwrap();
        to
    }

    fn restored(from: &Path, to: &Path) -> Result<Outcome, Failure> {
        let to = DataDir::at(to).unwrap();
        restore(&Restore { from, to: &to, keys: None, database: None }, &Progress::silent())
    }

    #[test]
    fn a_backup_comes_back_into_a_new_folder_only() {
        let folder = tempfile::tempdir().unwrap();
        let from = sample(folder.path());
        let to = folder.path().join("new");
        assert_eq!(restored(&from, &to).unwrap().code, OK);
        assert_eq!(fs::read(to.join("attachments/a")).unwrap(), b"evidence");
        assert_eq!(restored(&from, &to).unwrap_err().code, FOUND);
        drop(Store::open(&Options::new(Target::Sqlite(to.join(SQLITE)))).unwrap());
    }

    #[test]
    fn a_flipped_byte_anywhere_is_found_and_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let from = sample(folder.path());
        let to = folder.path().join("new");
        for name in [SQLITE, "attachments/a", MANIFEST, SEAL] {
            let whole = fs::read(from.join(name)).unwrap();
            for place in [0, whole.len() / 2, whole.len() - 1] {
                let mut bytes = whole.clone();
                bytes[place] ^= 1;
                fs::write(from.join(name), &bytes).unwrap();
                assert_eq!(restored(&from, &to).unwrap_err().code, FOUND, "{name} at {place}");
                assert!(!to.exists());
            }
            fs::write(from.join(name), &whole).unwrap();
        }
        assert_eq!(
            fs::read_dir(folder.path())
                .unwrap()
                .filter(|found| { found.as_ref().unwrap().file_name().to_string_lossy().contains("restoring") })
                .count(),
            0
        );
        restored(&from, &to).unwrap();
    }

    #[test]
    fn no_path_leads_out_of_the_folder() {
        for path in ["../x", "/etc/passwd", "a/../../b", ""] {
            assert!(inside(Path::new("/backup"), path).is_err(), "{path}");
        }
        assert!(inside(Path::new("/backup"), "attachments/1/2").is_ok());
    }

    #[test]
    fn a_password_is_taken_out_of_the_url() {
        let (url, password) = without_password("postgres://me:p%40ss@host:5432/db?sslmode=require");
        assert_eq!(url, "postgres://me@host:5432/db?sslmode=require");
        assert_eq!(password.unwrap(), "p@ss");
        assert_eq!(without_password("postgres://host/db"), ("postgres://host/db".to_owned(), None));
    }
}

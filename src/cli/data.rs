//! The data folder: who may use it, and how a command finds the process that serves it.

use super::output::Failure;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};

/// Says that the data came from a backup, until the next start has written it down.
pub(super) const RESTORED: &str = "restored.json";

/// The data folder, by its absolute path.
#[derive(Debug, Clone)]
pub(super) struct DataDir(PathBuf);

/// The right to use a data folder, until it is dropped or the process ends, however it ends.
#[derive(Debug)]
pub(super) struct Lock(#[expect(dead_code, reason = "held, not read")] File);

impl DataDir {
    /// Makes the folder with those below it, readable by its owner only.
    pub(super) fn create(path: &Path) -> Result<Self, Failure> {
        let dir = Self::at(path)?;
        for folder in [dir.0.clone(), dir.outbox()] {
            private_dir(&folder).map_err(|error| Failure::config(format!("{}: {error}", folder.display())))?;
        }
        Ok(dir)
    }

    /// The folder as it is.
    pub(super) fn at(path: &Path) -> Result<Self, Failure> {
        let path =
            std::path::absolute(path).map_err(|error| Failure::config(format!("{}: {error}", path.display())))?;
        Ok(Self(path))
    }

    pub(super) fn path(&self) -> &Path {
        &self.0
    }

    /// The database of the embedded default.
    pub(super) fn database(&self) -> PathBuf {
        self.0.join("fangxin.db")
    }

    /// Evidence.
    pub(super) fn attachments(&self) -> PathBuf {
        self.0.join("attachments")
    }

    /// Keys.
    pub(super) fn keys(&self) -> PathBuf {
        self.0.join("keys")
    }

    /// The key ring.
    pub(super) fn key_ring(&self) -> PathBuf {
        self.keys().join("ring.json")
    }

    /// Outgoing mail.
    pub(super) fn outbox(&self) -> PathBuf {
        self.0.join("outbox")
    }

    /// Checkpoints of the audit log.
    pub(super) fn checkpoints(&self) -> PathBuf {
        self.0.join("checkpoints")
    }

    /// Says that the data came from a backup, until the next start has written it down.
    pub(super) fn restored(&self) -> PathBuf {
        self.0.join(RESTORED)
    }

    /// Where the serving process takes commands.
    pub(super) fn socket(&self) -> PathBuf {
        self.0.join("fangxin.sock")
    }

    /// Takes the folder for this process; `None` when another has it.
    pub(super) fn lock(&self) -> Result<Option<Lock>, Failure> {
        let path = self.0.join("fangxin.lock");
        let fault = |error: io::Error| Failure::config(format!("{}: {error}", path.display()));
        let mut options = OpenOptions::new();
        let mut file =
            options.read(true).write(true).create(true).truncate(false).mode(0o600).open(&path).map_err(fault)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Ok(None),
            Err(TryLockError::Error(error)) => return Err(fault(error)),
        }
        // For people who wonder who has it; the lock itself is the kernel's.
        file.set_len(0).and_then(|()| writeln!(file, "{}", std::process::id())).map_err(fault)?;
        Ok(Some(Lock(file)))
    }
}

/// Makes a folder that only its owner can look into; one that is there already stays as it is.
pub(super) fn private_dir(path: &Path) -> io::Result<()> {
    fs::DirBuilder::new().recursive(true).mode(0o700).create(path)
}

/// Takes everyone's rights to a file away but its owner's.
pub(super) fn private_file(path: &Path) -> io::Result<()> {
    fs::set_permissions(path, fs::Permissions::from_mode(0o600))
}

/// Whether a folder is absent or has nothing in it.
pub(super) fn is_free(path: &Path) -> io::Result<bool> {
    match fs::read_dir(path) {
        Ok(mut entries) => Ok(entries.next().is_none()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) => Err(error),
    }
}

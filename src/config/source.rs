//! Where the data files come from: built into the binary, or a folder that replaces some of them.

use super::error::{ConfigError, Faults};
use include_dir::{Dir, include_dir};
use std::borrow::Cow;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

static EMBEDDED: Dir<'static> = include_dir!("$CARGO_MANIFEST_DIR/config");

/// Files and folders that a configuration folder may hold at its top; anything else there is likely a misspelling.
const KNOWN: &[&str] = &[
    "README.md",
    "calendar",
    "categories_12315.csv",
    "default.toml",
    "departments.csv",
    "documents.toml",
    "divisions.csv",
    "locales",
    "offices.csv",
    "replaced_divisions.csv",
    "routes.csv",
    "rules",
    "sectors.toml",
    "stations.csv",
    "subroutes.csv",
    "successions.csv",
    "targets.csv",
    "templates",
    "towns.csv",
];

/// Where data files are read from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Source {
    /// The files built into the binary.
    Embedded,
    /// A folder; a file that it doesn't have is the built-in one.
    Folder(PathBuf),
}

impl Source {
    /// The text of a built-in file, e.g. `default.toml`.
    pub(super) fn embedded(name: &str) -> Option<&'static str> {
        EMBEDDED.get_file(name)?.contents_utf8()
    }

    fn on_disk(&self, name: &str) -> Option<PathBuf> {
        match self {
            Self::Embedded => None,
            Self::Folder(folder) => Some(folder.join(name)).filter(|path| path.exists()),
        }
    }

    /// The file as messages name it: its path on disk, or `config/…` when it is built in.
    pub(super) fn label(&self, name: &str) -> String {
        self.on_disk(name).map_or_else(|| format!("config/{name}"), |path| path.display().to_string())
    }

    /// The text of a file.
    pub(super) fn read(&self, name: &str) -> Result<Cow<'static, str>, Box<ConfigError>> {
        let label = self.label(name);
        match self.on_disk(name) {
            Some(path) => std::fs::read_to_string(path)
                .map(Cow::Owned)
                .map_err(|error| Box::new(ConfigError::of_file(&label, format!("can't be read: {error}")))),
            None => Self::embedded(name)
                .map(Cow::Borrowed)
                .ok_or_else(|| Box::new(ConfigError::of_file(&label, "doesn't exist"))),
        }
    }

    /// Names of the files of a sub-folder with an extension, of both places together, e.g. `rules/order-20.toml`.
    pub(super) fn list(&self, folder: &str, extension: &str) -> BTreeSet<String> {
        let built_in = EMBEDDED.get_dir(folder).into_iter().flat_map(Dir::files).map(|file| file.path().to_path_buf());
        let on_disk = self
            .on_disk(folder)
            .and_then(|path| std::fs::read_dir(path).ok())
            .into_iter()
            .flatten()
            .flatten()
            .map(|entry| Path::new(folder).join(entry.file_name()));
        built_in
            .chain(on_disk)
            .filter(|path| path.extension().is_some_and(|found| found == extension))
            .map(|path| path.display().to_string())
            .collect()
    }

    /// Notes a folder that isn't there, and files in it that no one would read.
    pub(super) fn check(&self, faults: &mut Faults) {
        let Self::Folder(folder) = self else { return };
        let entries = match std::fs::read_dir(folder) {
            Ok(entries) => entries,
            Err(error) => {
                faults.push(ConfigError::of_file(&folder.display().to_string(), format!("can't be read: {error}")));
                return;
            }
        };
        let mut names: Vec<String> =
            entries.flatten().map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
        names.sort();
        for name in names.iter().filter(|name| !name.starts_with('.') && !KNOWN.contains(&name.as_str())) {
            let label = folder.join(name).display().to_string();
            faults.push(ConfigError::of_file(&label, "not a file of the configuration").allowed(KNOWN.join(", ")));
        }
    }
}

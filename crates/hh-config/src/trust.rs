//! Manages the list of configuration files that the user trusts, by path and content
//! (see `docs/design/decisions.md#x2`).
//!
//! The list is the file `trusted` in [`crate::paths::config_dir`], in the format of `sha256sum`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;
use sha2::{Digest as _, Sha256};

use crate::{Env, LoadError, LoadErrorKind, Source, guarded, paths, read};

/// The maximum size of the list and of a trusted file, in bytes.
const MAX_BYTES: u64 = 1024 * 1024;

/// The list of the project files that the user trusts, with their paths and the hashes of their contents.
///
/// A project file that is not in the list can set only some settings (see
/// [`ProjectFilePolicy`](crate::ProjectFilePolicy)). The list is stored in the file `trusted` in
/// [`config_dir`](crate::paths::config_dir), in the format of `sha256sum`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedFiles {
    files: BTreeMap<PathBuf, String>,
}

impl TrustedFiles {
    /// Returns the path of the stored list, or `None` if there is no configuration directory.
    #[must_use]
    pub fn path(env: &Env) -> Option<PathBuf> {
        paths::config_dir(env).map(|dir| dir.join("trusted"))
    }

    /// Reads the stored list. If no list is stored, the result is empty.
    ///
    /// # Errors
    /// Returns `Unreadable`, `Unsafe` or `Malformed` for a stored list that cannot be used.
    pub fn load(env: &Env) -> Result<Self, LoadError> {
        let Some(path) = Self::path(env).filter(|path| path.symlink_metadata().is_ok()) else {
            return Ok(Self::default());
        };
        let text = guarded::text(&path, MAX_BYTES, Source::User, env.home().as_deref());
        let text = text.map_err(|(kind, what)| {
            let prefix = format!("the list of trusted files {} ", path.display());
            LoadError::new(kind, what.with_prefix(prefix))
        })?;
        let mut files = BTreeMap::new();
        for (index, line) in text.lines().enumerate() {
            let is_hash =
                |hash: &str| hash.len() == 64 && hash.bytes().all(|b| b.is_ascii_hexdigit());
            let (hash, file) = line
                .split_once("  ")
                .filter(|(hash, _)| is_hash(hash))
                .ok_or_else(|| {
                    let message = format!(
                        "{}:{}: expected a SHA-256 hash, two spaces and a path",
                        path.display(),
                        index + 1
                    );
                    let wrong = Diagnostic::new(message).with_hint("remove the line");
                    LoadError::new(LoadErrorKind::Malformed, wrong)
                })?;
            files.insert(PathBuf::from(file), hash.to_owned());
        }
        Ok(Self { files })
    }

    /// Returns whether the file at `path` is trusted with `text` as its content.
    #[must_use]
    pub fn contains(&self, path: &Path, text: &str) -> bool {
        std::fs::canonicalize(path)
            .ok()
            .and_then(|path| self.files.get(&path))
            .is_some_and(|trusted| *trusted == hash(text))
    }

    /// Adds a file with its current content to the list.
    ///
    /// # Errors
    /// Returns `Unreadable` for a file that cannot be read, or whose path is not one line of UTF-8.
    pub fn with(mut self, path: &Path) -> Result<Self, LoadError> {
        let fail = |what: Diagnostic| {
            let what = what.with_prefix(format_args!("{} ", path.display()));
            LoadError::new(LoadErrorKind::Unreadable, what)
        };
        let text = read::text(path, MAX_BYTES).map_err(fail)?;
        let path = std::fs::canonicalize(path)
            .map_err(|error| fail(format!("cannot be resolved ({error})").into()))?;
        if path.to_str().is_none_or(|path| path.contains(['\n', '\r'])) {
            let wrong =
                Diagnostic::new("cannot be trusted: its path is not one line of UTF-8 text");
            return Err(fail(wrong.with_hint("rename the file")));
        }
        self.files.insert(path, hash(&text));
        Ok(self)
    }

    /// Returns the list in the format in which it is stored.
    #[must_use]
    pub fn to_text(&self) -> String {
        let mut text = String::new();
        for (path, hash) in &self.files {
            text.extend([hash.as_str(), "  ", &path.to_string_lossy(), "\n"]);
        }
        text
    }
}

fn hash(text: &str) -> String {
    let bytes = Sha256::digest(text);
    bytes
        .iter()
        .fold(String::new(), |hex, byte| hex + &format!("{byte:02x}"))
}

//! The file that `honeyhive auth login` keeps keys in (decisions L2, L3).

mod format;

use std::fs::{self, File};
use std::io::{self, Read as _};
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hh_config::Env;
use jiff::Timestamp;
use zeroize::Zeroizing;

use crate::fsio::{Replace, create_private_dir, lock, write_private};
use crate::{ApiKey, Level};

/// Far above any real store; keeps devices out.
const MAX_BYTES: u64 = 1024 * 1024;

/// One login: a named entry of the store.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Profile {
    /// Its name.
    pub name: String,
    /// The base URL the key is for.
    pub base_url: String,
    /// The key.
    pub key: ApiKey,
    /// The server's id of the key, if it told.
    pub key_id: Option<String>,
    /// The key's level, if the server told.
    pub level: Option<Level>,
    /// When this key was first stored here.
    pub first_seen: Timestamp,
}

impl Profile {
    /// Makes a profile of a key that was checked just now.
    #[must_use]
    pub fn new(name: &str, base_url: &str, key: ApiKey, first_seen: Timestamp) -> Self {
        Self {
            name: name.to_owned(),
            base_url: base_url.to_owned(),
            key,
            key_id: None,
            level: None,
            first_seen,
        }
    }

    /// Tells whether a name can be a profile's: 1 to 64 letters, digits, `-`, `_` or `.`.
    #[must_use]
    pub fn is_valid_name(name: &str) -> bool {
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_' | '.');
        (1..=64).contains(&name.len()) && name.chars().all(plain)
    }

    /// Adds what the server told of the key.
    #[must_use]
    pub fn with_details(mut self, key_id: Option<String>, level: Option<Level>) -> Self {
        self.key_id = key_id;
        self.level = level;
        self
    }
}

/// The profiles of a store, and which is the current one.
#[derive(Clone, Debug, Default)]
struct Contents {
    current: Option<String>,
    profiles: Vec<Profile>,
}

/// The credential store in a file: 0600 in a 0700 directory, replaced whole, under a lock.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// Opens the user's store, `credentials.toml` in [`hh_config::paths::config_dir`]; it need not exist.
    ///
    /// # Errors
    /// `NoHome` when no variable says where it is.
    pub fn of_user(env: &Env) -> Result<Self, StoreError> {
        let dir = hh_config::paths::config_dir(env).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::NoHome,
                "neither HOME nor XDG_CONFIG_HOME is an absolute path, so there is no place for stored credentials; set HOME".to_owned(),
            )
        })?;
        Ok(Self {
            path: dir.join("credentials.toml"),
        })
    }

    /// Returns where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Returns the profile of this name, or the current one.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed` or `Io` when the file is there but cannot be used.
    pub fn get(&self, name: Option<&str>) -> Result<Option<Profile>, StoreError> {
        let contents = self.read()?;
        let Some(name) = name.map(str::to_owned).or(contents.current) else {
            return Ok(None);
        };
        Ok(contents.profiles.into_iter().find(|p| p.name == name))
    }

    /// Stores a profile and makes it the current one.
    ///
    /// # Errors
    /// `InvalidName`, `Unsafe`, `Malformed`, `Locked` or `Io`.
    pub fn put(&self, profile: Profile) -> Result<(), StoreError> {
        if !Profile::is_valid_name(&profile.name) {
            return Err(StoreError::new(
                StoreErrorKind::InvalidName,
                "a profile name has 1 to 64 letters, digits, -, _ or .".to_owned(),
            ));
        }
        self.change(|contents| {
            contents.current = Some(profile.name.clone());
            match contents
                .profiles
                .iter_mut()
                .find(|p| p.name == profile.name)
            {
                Some(old) => *old = profile,
                None => contents.profiles.push(profile),
            }
            true
        })
        .map(drop)
    }

    /// Removes the profile of this name, or the current one; tells which, if there was one.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Locked` or `Io`.
    pub fn remove(&self, name: Option<&str>) -> Result<Option<String>, StoreError> {
        let mut removed = None;
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(removed);
        }
        self.change(|contents| {
            let name = name.map(str::to_owned).or_else(|| contents.current.clone());
            removed = name.filter(|name| contents.profiles.iter().any(|p| p.name == *name));
            contents
                .profiles
                .retain(|p| Some(&p.name) != removed.as_ref());
            if contents.current == removed {
                contents.current = None;
            }
            removed.is_some()
        })?;
        Ok(removed)
    }

    /// Removes every profile and the file; tells how many there were.
    ///
    /// A file that cannot be understood is removed as well.
    ///
    /// # Errors
    /// `Locked` or `Io`.
    pub fn remove_all(&self) -> Result<usize, StoreError> {
        if fs::symlink_metadata(&self.path).is_err() {
            return Ok(0);
        }
        let _lock = self.lock()?;
        let count = self.read().map_or(1, |contents| contents.profiles.len());
        match fs::remove_file(&self.path) {
            Ok(()) => Ok(count),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(0),
            Err(error) => Err(self.io("remove", &error)),
        }
    }

    fn change(&self, change: impl FnOnce(&mut Contents) -> bool) -> Result<(), StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        create_private_dir(dir).map_err(|error| self.io("write", &error))?;
        self.check_dir()?;
        let _lock = self.lock()?;
        let mut contents = self.read()?;
        if change(&mut contents) {
            let text = Zeroizing::new(format::to_text(&contents));
            write_private(&self.path, text.as_bytes(), Replace::Yes)
                .map_err(|error| self.io("write", &error))?;
        }
        Ok(())
    }

    fn read(&self) -> Result<Contents, StoreError> {
        let metadata = match fs::symlink_metadata(&self.path) {
            Ok(metadata) => metadata,
            // A home that is no directory, such as /dev/null, holds no store either.
            Err(error)
                if matches!(
                    error.kind(),
                    io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
                ) =>
            {
                return Ok(Contents::default());
            }
            Err(error) => return Err(self.io("read", &error)),
        };
        self.check_dir()?;
        let shown = self.path.display();
        if !metadata.is_file() {
            return Err(StoreError::new(
                StoreErrorKind::Unsafe,
                format!("{shown} is not a regular file; remove it and log in again"),
            ));
        }
        if metadata.permissions().mode() & 0o077 != 0 {
            return Err(StoreError::new(
                StoreErrorKind::Unsafe,
                format!("{shown} can be read by other users; run: chmod 600 {shown}"),
            ));
        }
        let mut text = Zeroizing::new(String::new());
        File::open(&self.path)
            .and_then(|file| file.take(MAX_BYTES).read_to_string(&mut text))
            .map_err(|error| self.io("read", &error))?;
        // What a full disk or an editor left: no store is what it says.
        if text.trim().is_empty() {
            return Ok(Contents::default());
        }
        format::from_text(&text).map_err(|place| {
            StoreError::new(
                StoreErrorKind::Malformed,
                format!("{shown} is not a credential store{place}; run `honeyhive auth logout --all` and log in again"),
            )
        })
    }

    /// Whoever can write in the directory can put another store in place of this one.
    fn check_dir(&self) -> Result<(), StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        let metadata = fs::metadata(dir).map_err(|error| self.io("read", &error))?;
        if metadata.permissions().mode() & 0o022 == 0 {
            return Ok(());
        }
        let shown = dir.display();
        Err(StoreError::new(
            StoreErrorKind::Unsafe,
            format!("{shown} can be written by other users; run: chmod 700 {shown}"),
        ))
    }

    /// Holds the lock as long as the file lives.
    fn lock(&self) -> Result<File, StoreError> {
        lock(&self.path).map_err(|error| {
            if error.kind() != io::ErrorKind::WouldBlock {
                return self.io("lock", &error);
            }
            StoreError::new(
                StoreErrorKind::Locked,
                format!(
                    "another program holds {} for over 10 s; try again",
                    self.path.with_extension("lock").display()
                ),
            )
        })
    }

    fn io(&self, verb: &str, error: &io::Error) -> StoreError {
        StoreError::new(
            StoreErrorKind::Io,
            format!("cannot {verb} {}: {}", self.path.display(), error),
        )
    }
}

/// What the caller can do about a [`StoreError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum StoreErrorKind {
    /// No place for the file: set `HOME`.
    NoHome,
    /// No profile can have this name: choose another.
    InvalidName,
    /// The file is a link or open to others: mend it as the message says.
    Unsafe,
    /// The file cannot be understood: remove it.
    Malformed,
    /// Another program holds the lock: try again.
    Locked,
    /// The system refused.
    Io,
}

/// Why the store cannot be used: one line, never a part of its contents.
#[derive(Debug, thiserror::Error)]
#[error("{message}")]
pub struct StoreError {
    kind: StoreErrorKind,
    message: String,
}

impl StoreError {
    fn new(kind: StoreErrorKind, message: String) -> Self {
        Self { kind, message }
    }

    /// Returns what the caller can do about it.
    #[must_use]
    pub fn kind(&self) -> StoreErrorKind {
        self.kind
    }
}

#[cfg(test)]
mod tests;

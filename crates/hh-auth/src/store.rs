//! The credential store of `honeyhive auth login` (see `docs/design/decisions.md#l2` and `#l3`).
//!
//! Every profile has an entry in one file. The entry contains the key, unless the key is stored in the system keyring.
//! Readers need no lock, because the file is always replaced as a whole.

mod error;
mod file;
pub(crate) mod format;
mod keyring;
mod profile;

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

use hh_config::Env;
use hh_text::Diagnostic;
use zeroize::Zeroizing;

use crate::private_file::{
    Staged, create_private_dir, lock, stage, sync_directory, temporary_files,
};
use crate::redact;
use file::{MAX_BYTES, Shell, backup_path, backups, io_error, open_dir, write_error};
use format::Unreadable;

pub use error::{StoreError, StoreErrorKind};
pub use keyring::probe_keyring;
pub(crate) use profile::Contents;
pub use profile::{Created, KeyDetails, Profile, ProfileEntry, Profiles, RemovedProfiles, Storage};

/// The credential store: a file with mode 0600 in a directory with mode 0700, replaced atomically under a lock.
#[derive(Clone, Debug)]
pub struct FileStore {
    path: PathBuf,
}

impl FileStore {
    /// Opens the store of the user, `credentials.toml` in [`hh_config::paths::config_dir`]. The file does not have to
    /// exist.
    ///
    /// # Errors
    /// Returns `NoHome` if no variable determines the directory.
    pub fn of_user(env: &Env) -> Result<Self, StoreError> {
        let dir = hh_config::paths::config_dir(env).ok_or_else(|| {
            StoreError::new(
                StoreErrorKind::NoHome,
                Diagnostic::new("cannot determine the location of saved credentials: neither HOME nor XDG_CONFIG_HOME is an absolute path")
                    .with_hint("set HOME or XDG_CONFIG_HOME to an absolute path"),
            )
        })?;
        Ok(Self {
            path: dir.join("credentials.toml"),
        })
    }

    /// Returns the path of the file.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Creates the directory of the file, and checks that a profile can be saved in it.
    ///
    /// # Errors
    /// Returns `Io` if the directory cannot be created, or if this user is not allowed to write to it.
    pub fn check_writable(&self) -> Result<(), StoreError> {
        file::check_writable(&self.path)
    }

    /// Returns the profile with this name, or the current profile if `name` is `None`.
    ///
    /// If the key of the profile is in the keyring, the method blocks for up to 3 s while it reads the key.
    ///
    /// # Errors
    /// Returns `Unsafe`, `Malformed`, `Newer` or `Io` if the file exists but cannot be used, and `Keyring` if the key
    /// of the profile cannot be read from the keyring.
    pub fn get(&self, name: Option<&str>) -> Result<Option<Profile>, StoreError> {
        let Some(entry) = self.entry(name)? else {
            return Ok(None);
        };
        let key = entry.key()?;
        Ok(Some(entry.with_key(key)))
    }

    /// Returns all profiles, for a caller that needs several. The file is read only once.
    ///
    /// # Errors
    /// Returns `Unsafe`, `Malformed`, `Newer` or `Io` if the file exists but cannot be used.
    pub fn load(&self) -> Result<Profiles, StoreError> {
        Ok(Profiles::new(self.read()?))
    }

    /// Returns the entry of the profile with this name, or of the current profile if `name` is `None`. The keyring is
    /// not read.
    ///
    /// # Errors
    /// Returns `Unsafe`, `Malformed`, `Newer` or `Io` if the file exists but cannot be used.
    pub fn entry(&self, name: Option<&str>) -> Result<Option<ProfileEntry>, StoreError> {
        let mut contents = self.read()?;
        let found = contents.find(name);
        Ok(found.and_then(|name| contents.profiles.remove(&name)))
    }

    /// Returns the entries of all profiles, sorted by name. The keyring is not read.
    ///
    /// # Errors
    /// Returns `Unsafe`, `Malformed`, `Newer` or `Io` if the file exists but cannot be used.
    pub fn list(&self) -> Result<Vec<ProfileEntry>, StoreError> {
        Ok(self.read()?.profiles.into_values().collect())
    }

    /// Returns the name of the current profile, if there is one.
    ///
    /// # Errors
    /// Returns `Unsafe`, `Malformed`, `Newer` or `Io` if the file exists but cannot be used.
    pub fn current(&self) -> Result<Option<String>, StoreError> {
        Ok(self.read()?.find(None))
    }

    /// Makes the profile with this name the current one.
    ///
    /// # Errors
    /// Returns `NotFound` if the profile does not exist; otherwise `Unsafe`, `Malformed`, `Newer`, `Locked`, `Unsynced`
    /// or `Io`.
    pub fn switch(&self, name: &str) -> Result<(), StoreError> {
        if !self.exists() {
            return Err(no_profile(name, &Contents::default()));
        }
        let _lock = self.begin()?;
        let mut contents = self.read()?;
        if !contents.profiles.contains_key(name) {
            return Err(no_profile(name, &contents));
        }
        if contents.current.as_deref() == Some(name) {
            return Ok(());
        }
        contents.current = Some(name.to_owned());
        let staged = self.stage(&contents)?;
        staged
            .commit()
            .map_err(|error| write_error(&self.path, &error))?;
        self.sync()
    }

    /// Saves a profile and makes it the current one. [`Profile::storage`] determines where the key is saved.
    ///
    /// If the file is damaged, the method renames it and returns its new path. Report this path to the user.
    ///
    /// # Errors
    /// Returns `Unsynced` if the profile is saved but a power loss may undo it. Otherwise returns `InvalidName`,
    /// `Unsafe`, `Newer`, `Locked`, `Keyring` or `Io`, and nothing was changed except that the keyring may already
    /// contain the new key.
    pub fn put(&self, profile: Profile) -> Result<Option<PathBuf>, StoreError> {
        self.change(profile, None)
    }

    /// Replaces the profile with the same name, unless that profile has changed since its entry `seen` was read.
    ///
    /// The current profile stays the same.
    ///
    /// # Errors
    /// Returns the errors of [`FileStore::put`], `Malformed` if the file is damaged, `NotFound` if the profile does not
    /// exist, and `Changed` if it has changed.
    pub fn replace(&self, seen: &ProfileEntry, profile: Profile) -> Result<(), StoreError> {
        self.change(profile, Some(seen)).map(drop)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the key moves into the store; a caller that still needs the profile clones it"
    )]
    fn change(
        &self,
        profile: Profile,
        seen: Option<&ProfileEntry>,
    ) -> Result<Option<PathBuf>, StoreError> {
        if !Profile::is_valid_name(&profile.name) {
            return Err(StoreError::new(
                StoreErrorKind::InvalidName,
                "invalid profile name: expected 1 to 64 letters, digits, -, _ or .",
            ));
        }
        if let Err(error) = hh_key::check_name(&profile.name) {
            let what = Diagnostic::new(format!("invalid profile name: {error}"));
            let what = what.with_hint(error.hint());
            return Err(StoreError::new(StoreErrorKind::InvalidName, what));
        }
        let _lock = self.begin()?;
        let (mut contents, is_damaged) = match self.read() {
            Ok(contents) => (contents, false),
            Err(error) if seen.is_none() && error.kind() == StoreErrorKind::Malformed => {
                (Contents::default(), true)
            }
            Err(error) => return Err(error),
        };
        let entry = ProfileEntry::of(&profile);
        match (seen, contents.profiles.get(&profile.name)) {
            (None, _) => contents.current = Some(profile.name.clone()),
            (Some(seen), Some(found)) if found.is_same(seen) => {}
            (Some(_), Some(_)) => {
                let what = Diagnostic::new(format!(
                    "the key of profile \"{}\" was changed by another process",
                    profile.name
                ));
                let what = what.with_hint("try again");
                return Err(StoreError::new(StoreErrorKind::Changed, what));
            }
            (Some(_), None) => return Err(no_profile(&profile.name, &contents)),
        }
        let old = contents
            .profiles
            .insert(profile.name.clone(), entry.clone());
        // A disk that cannot be written must be detected while the old key is still in the keyring.
        let staged = self.stage(&contents)?;
        if profile.storage == Storage::Keyring {
            keyring::set(&profile)?;
        }
        let kept = backup_path(&self.path);
        if is_damaged {
            fs::rename(&self.path, &kept).map_err(|error| write_error(&kept, &error))?;
        }
        if let Err(error) = staged.commit() {
            if is_damaged {
                // The first error is the one to report.
                drop(fs::rename(&kept, &self.path));
            }
            if let Some(old) = &old {
                keyring::forget(&entry, old);
            } else {
                drop(keyring::delete(&entry, ""));
            }
            return Err(write_error(&self.path, &error));
        }
        // Until the sync a power loss may restore the old entry, which needs its key.
        self.sync()?;
        if let Some(old) = old {
            keyring::forget(&old, &entry);
        }
        Ok(is_damaged.then_some(kept))
    }

    /// Removes the profile with this name, or the current profile if `name` is `None`.
    ///
    /// Returns the name of the removed profile, or `None` if there is no current profile.
    ///
    /// # Errors
    /// Returns `NotFound` if the named profile does not exist, and `Unsynced` if it is removed but a power loss may
    /// restore it. Otherwise returns `Unsafe`, `Malformed`, `Newer`, `Locked`, `Keyring` or `Io`, and the profile still
    /// exists.
    pub fn remove(&self, name: Option<&str>) -> Result<Option<String>, StoreError> {
        let not_found =
            |contents: &Contents| name.map_or(Ok(None), |name| Err(no_profile(name, contents)));
        // A first login that was killed leaves no store, but possibly a temporary file with its key.
        if !self.exists() && temporary_files(&self.path).is_empty() {
            return not_found(&Contents::default());
        }
        let _lock = self.begin()?;
        self.remove_leftovers()?;
        let mut contents = self.read()?;
        let found = contents.find(name);
        let Some(entry) = found.and_then(|name| contents.profiles.remove(&name)) else {
            return not_found(&contents);
        };
        if contents.current.as_ref() == Some(&entry.name) {
            contents.current = None;
        }
        // A disk that cannot be written must be detected while the key is still in the keyring.
        let staged = self.stage(&contents)?;
        keyring::delete(&entry, "unlock the keyring and try again")?;
        staged.commit().map_err(|error| match entry.storage {
            Storage::File => write_error(&self.path, &error),
            Storage::Keyring => {
                let what = Diagnostic::new(format!(
                    "cannot write {}: {error}; the key was deleted from the keyring, but its profile was not removed",
                    self.path.display()
                ));
                let what = what.with_hint("try again");
                StoreError::new(StoreErrorKind::Io, what)
            }
        })?;
        self.sync()?;
        Ok(Some(entry.name))
    }

    /// Removes all profiles with their keys, the file itself, and damaged files that were renamed.
    ///
    /// A file that cannot be used is also removed and counts as one profile.
    ///
    /// # Errors
    /// Returns `Locked` or `Io`, and `Keyring` if everything was removed except keys that could not be deleted from the
    /// keyring.
    pub fn remove_all(&self) -> Result<RemovedProfiles, StoreError> {
        let is_empty = || backups(&self.path).is_empty() && temporary_files(&self.path).is_empty();
        if !self.exists() && is_empty() {
            return Ok(RemovedProfiles::default());
        }
        let _lock = self.lock()?;
        self.remove_leftovers()?;
        let contents = self.read();
        let mut removed = RemovedProfiles {
            count: contents.as_ref().map_or(0, |all| all.profiles.len()),
            was_unreadable: contents.is_err(),
        };
        remove_file(&self.path)?;
        for kept in backups(&self.path) {
            remove_file(&kept)?;
            removed.was_unreadable = true;
        }
        let entries = contents.into_iter().flat_map(|all| all.profiles);
        // The file is removed first, because the keyring may never be unlocked again.
        let hint =
            "delete the item \"honeyhive\" with a keyring manager; everything else was removed";
        keyring::delete_all(entries.map(|(_, entry)| entry), hint)?;
        Ok(removed)
    }

    fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Creates and checks the directory, and acquires the lock. The lock is held until the returned file is dropped.
    fn begin(&self) -> Result<File, StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        create_private_dir(dir).map_err(|error| write_error(&self.path, &error))?;
        drop(open_dir(&self.path)?);
        let lock = self.lock()?;
        // The next writer tries again to remove the remaining files.
        drop(self.remove_leftovers());
        Ok(lock)
    }

    /// Removes the temporary files of killed writers. The lock must be held.
    fn remove_leftovers(&self) -> Result<(), StoreError> {
        let mut leftovers = temporary_files(&self.path).into_iter();
        leftovers.try_for_each(|left| remove_file(&left))
    }

    fn read(&self) -> Result<Contents, StoreError> {
        let Some(bytes) = file::read(&self.path)? else {
            return Ok(Contents::default());
        };
        let shown = self.path.display();
        let damaged = |what: String| {
            StoreError::new(
                StoreErrorKind::Malformed,
                Diagnostic::new(format!("{shown} is damaged: {what}")).with_hint(format!(
                    "fix it, or run `honeyhive auth login`, which renames it to {}",
                    backup_path(&self.path).display()
                )),
            )
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(damaged("it is larger than 1 MiB".to_owned()));
        }
        format::from_bytes(&bytes).map_err(|error| match error {
            Unreadable::Damaged { line, what } => damaged(format!("line {line}: {what}")),
            Unreadable::Newer { version } => StoreError::new(
                StoreErrorKind::Newer,
                Diagnostic::new(format!(
                    "{shown} has version {version}, which is only supported by a newer version of honeyhive"
                ))
                .with_hint("update honeyhive"),
            ),
        })
    }

    /// Syncs the directory, so that the change survives a power loss.
    fn sync(&self) -> Result<(), StoreError> {
        sync_directory(&self.path).map_err(|error| {
            let shown = self.path.display();
            StoreError::new(
                StoreErrorKind::Unsynced,
                Diagnostic::new(format!(
                    "changed {shown}, but a power loss may undo the change: cannot sync the directory ({error})"
                ))
                .with_hint("check the disk"),
            )
        })
    }

    /// Writes the new contents to a temporary file, so that few later steps can fail.
    fn stage(&self, contents: &Contents) -> Result<Staged<'_>, StoreError> {
        let text: Zeroizing<String> = format::to_text(contents);
        if text.len() as u64 > MAX_BYTES {
            let error = io::Error::new(io::ErrorKind::FileTooLarge, "the file would exceed 1 MiB");
            return Err(write_error(&self.path, &error));
        }
        stage(&self.path, text.as_bytes()).map_err(|error| write_error(&self.path, &error))
    }

    /// Acquires the lock, which is held until the returned file is dropped.
    fn lock(&self) -> Result<File, StoreError> {
        lock(&self.path).map_err(|error| {
            let path = self.path.with_extension("lock");
            let shown = path.display();
            if error.kind() == io::ErrorKind::WouldBlock {
                StoreError::new(
                    StoreErrorKind::Locked,
                    Diagnostic::new(format!(
                        "another process has locked {shown} for more than 10 s"
                    ))
                    .with_hint("try again"),
                )
            } else if fs::symlink_metadata(&path).is_ok_and(|metadata| metadata.is_symlink()) {
                StoreError::new(
                    StoreErrorKind::Unsafe,
                    Diagnostic::new(format!("{shown} is a symbolic link, which is not followed"))
                        .with_hint(format!("run `rm {}`", Shell(&path))),
                )
            } else {
                write_error(&self.path, &error)
            }
        })
    }
}

fn remove_file(path: &Path) -> Result<(), StoreError> {
    match fs::remove_file(path) {
        Ok(()) => Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(io_error("remove", path, &error)),
    }
}

fn no_profile(name: &str, contents: &Contents) -> StoreError {
    // The name may be an API key that was passed by mistake.
    let shown = if name.starts_with("hh_") {
        redact(name)
    } else {
        name.escape_debug().to_string()
    };
    let names: Vec<_> = contents.profiles.keys().map(String::as_str).collect();
    let next = if names.is_empty() {
        "run `honeyhive auth login`".to_owned()
    } else {
        format!("use a saved profile: {}", names.join(", "))
    };
    StoreError::new(
        StoreErrorKind::NotFound,
        Diagnostic::new(format!("profile \"{shown}\" not found")).with_hint(next),
    )
}

#[cfg(test)]
mod tests;

//! The store that `honeyhive auth login` keeps keys in (see `docs/design/decisions.md#l2` and `#l3`).
//!
//! Every profile has an entry in one file; its key is there too, unless the entry says that the keyring of the system holds it.
//! Readers take no lock: the file is only ever replaced whole.

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

/// The credential store: 0600 in a 0700 directory, replaced whole, under a lock.
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
                Diagnostic::new("neither HOME nor XDG_CONFIG_HOME is an absolute path, so there is no place for stored credentials")
                    .with_hint("set HOME"),
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

    /// Returns the profile of this name, or the current one; a key in the keyring is fetched from there, within 3 s.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Newer` or `Io` when the file is there but cannot be used, `Keyring` when the profile's key is
    /// in a keyring that does not hand it out.
    pub fn get(&self, name: Option<&str>) -> Result<Option<Profile>, StoreError> {
        let Some(entry) = self.entry(name)? else {
            return Ok(None);
        };
        let key = entry.key()?;
        Ok(Some(entry.with_key(key)))
    }

    /// Reads the file once and returns all of its profiles, for a caller that needs several answers.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Newer` or `Io` when the file exists and cannot be used.
    pub fn load(&self) -> Result<Profiles, StoreError> {
        Ok(Profiles::new(self.read()?))
    }

    /// Returns what the file tells of the profile of this name, or of the current one; no keyring is asked.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Newer` or `Io` when the file is there but cannot be used.
    pub fn entry(&self, name: Option<&str>) -> Result<Option<ProfileEntry>, StoreError> {
        let mut contents = self.read()?;
        let found = contents.find(name);
        Ok(found.and_then(|name| contents.profiles.remove(&name)))
    }

    /// Returns what the file tells of each profile, by name; no keyring is asked.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Newer` or `Io` when the file is there but cannot be used.
    pub fn list(&self) -> Result<Vec<ProfileEntry>, StoreError> {
        Ok(self.read()?.profiles.into_values().collect())
    }

    /// Returns the name of the current profile.
    ///
    /// # Errors
    /// `Unsafe`, `Malformed`, `Newer` or `Io` when the file is there but cannot be used.
    pub fn current(&self) -> Result<Option<String>, StoreError> {
        Ok(self.read()?.find(None))
    }

    /// Makes another profile the current one.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name; else `Unsafe`, `Malformed`, `Newer`, `Locked`, `Unsynced` or `Io`.
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

    /// Stores a profile, its key where its storage says, and makes it the current one.
    ///
    /// A damaged file is not lost: it is moved aside, to where the result says. People should be told.
    ///
    /// # Errors
    /// `Unsynced` when it is stored but may not outlast a power loss. Else `InvalidName`, `Unsafe`, `Newer`, `Locked`,
    /// `Keyring` or `Io`; nothing has changed then, but for a key that the keyring has taken already.
    pub fn put(&self, profile: Profile) -> Result<Option<PathBuf>, StoreError> {
        self.change(profile, None)
    }

    /// Stores a profile in place of the one of the same name, if that is as it was `seen`, and leaves the current one as it
    /// is.
    ///
    /// # Errors
    /// As [`FileStore::put`], `NotFound` when there is none of this name, and `Changed` when it is another one by now.
    pub fn replace(&self, seen: &ProfileEntry, profile: Profile) -> Result<(), StoreError> {
        self.change(profile, Some(seen)).map(drop)
    }

    #[expect(
        clippy::needless_pass_by_value,
        reason = "the key moves into the store: a caller that goes on using it says so by a clone"
    )]
    fn change(
        &self,
        profile: Profile,
        seen: Option<&ProfileEntry>,
    ) -> Result<Option<PathBuf>, StoreError> {
        if !Profile::is_valid_name(&profile.name) {
            return Err(StoreError::new(
                StoreErrorKind::InvalidName,
                "a profile name has 1 to 64 letters, digits, -, _ or .",
            ));
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
                    "the key of profile \"{}\" has changed meanwhile",
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
        // A disk that takes nothing must be noticed while the old key is still in the keyring.
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
                // The error that matters is the first one.
                drop(fs::rename(&kept, &self.path));
            }
            if let Some(old) = &old {
                keyring::forget(&entry, old);
            } else {
                drop(keyring::delete(&entry, ""));
            }
            return Err(write_error(&self.path, &error));
        }
        // Before this the old entry may come back, which needs its key.
        self.sync()?;
        if let Some(old) = old {
            keyring::forget(&old, &entry);
        }
        Ok(is_damaged.then_some(kept))
    }

    /// Removes the profile of this name, or the current one; tells which, if there was one.
    ///
    /// # Errors
    /// `NotFound` when there is none of this name, `Unsynced` when it is removed but a power loss may bring it back. Else
    /// `Unsafe`, `Malformed`, `Newer`, `Locked`, `Keyring` or `Io`; the profile is still there then.
    pub fn remove(&self, name: Option<&str>) -> Result<Option<String>, StoreError> {
        let not_found =
            |contents: &Contents| name.map_or(Ok(None), |name| Err(no_profile(name, contents)));
        // A first login that was killed leaves no store, and yet its key.
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
        // A disk that takes nothing must be noticed while the key is still in the keyring.
        let staged = self.stage(&contents)?;
        keyring::delete(&entry, "unlock it and try again")?;
        staged.commit().map_err(|error| match entry.storage {
            Storage::File => write_error(&self.path, &error),
            Storage::Keyring => {
                let what = Diagnostic::new(format!(
                    "cannot write {}: {error}; the keyring has let go of the key, but its profile is still there",
                    self.path.display()
                ));
                let what = what.with_hint("try again");
                StoreError::new(StoreErrorKind::Io, what)
            }
        })?;
        self.sync()?;
        Ok(Some(entry.name))
    }

    /// Removes every profile, the file and what is left of damaged ones; tells how many profiles there were.
    ///
    /// A file that cannot be used is removed as well, and counts as one.
    ///
    /// # Errors
    /// `Locked` or `Io`; `Keyring` when all is removed but for keys that the keyring did not let go of.
    pub fn remove_all(&self) -> Result<RemovedProfiles, StoreError> {
        let is_empty = || backups(&self.path).is_empty() && temporary_files(&self.path).is_empty();
        if !self.exists() && is_empty() {
            return Ok(RemovedProfiles::default());
        }
        let _lock = self.lock()?;
        self.remove_leftovers()?;
        let contents = self.read();
        let mut removed = RemovedProfiles {
            count: contents.as_ref().map_or(1, |all| all.profiles.len()),
            was_unreadable: contents.is_err(),
        };
        remove_file(&self.path)?;
        for kept in backups(&self.path) {
            remove_file(&kept)?;
            removed.count += 1;
            removed.was_unreadable = true;
        }
        let entries = contents.into_iter().flat_map(|all| all.profiles);
        // The file must not wait for a keyring that may never open again.
        let hint =
            "all else is removed: delete its item \"honeyhive\" with the keyring's own program";
        keyring::delete_all(entries.map(|(_, entry)| entry), hint)?;
        Ok(removed)
    }

    fn exists(&self) -> bool {
        fs::symlink_metadata(&self.path).is_ok()
    }

    /// Makes the directory, checks it, and takes the lock: it is held as long as the file that is returned lives.
    fn begin(&self) -> Result<File, StoreError> {
        let dir = self.path.parent().unwrap_or(Path::new("."));
        create_private_dir(dir).map_err(|error| write_error(&self.path, &error))?;
        drop(open_dir(&self.path)?);
        let lock = self.lock()?;
        // What cannot be removed now is tried again by the next writer.
        drop(self.remove_leftovers());
        Ok(lock)
    }

    /// Removes what writers that were killed have left. Only while the lock is held.
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
                    "mend it, or log in again, which keeps it as {}",
                    backup_path(&self.path).display()
                )),
            )
        };
        if bytes.len() as u64 > MAX_BYTES {
            return Err(damaged("it is larger than 1 MiB".to_owned()));
        }
        format::from_bytes(&bytes).map_err(|error| match error {
            Unreadable::Damaged { line, what } => damaged(format!("line {line} {what}")),
            Unreadable::Newer { version } => StoreError::new(
                StoreErrorKind::Newer,
                Diagnostic::new(format!(
                    "{shown} has version {version}, which a newer honeyhive wrote"
                ))
                .with_hint("update this one"),
            ),
        })
    }

    /// Has the change that is in place outlast a power loss.
    fn sync(&self) -> Result<(), StoreError> {
        sync_directory(&self.path).map_err(|error| {
            let shown = self.path.display();
            StoreError::new(
                StoreErrorKind::Unsynced,
                Diagnostic::new(format!(
                    "{shown} holds the change, but a power loss may undo it ({error})"
                ))
                .with_hint("check the disk"),
            )
        })
    }

    /// Writes beside the file what it is to hold, so that little can fail from there on.
    fn stage(&self, contents: &Contents) -> Result<Staged<'_>, StoreError> {
        let text: Zeroizing<String> = format::to_text(contents);
        if text.len() as u64 > MAX_BYTES {
            let error = io::Error::new(io::ErrorKind::FileTooLarge, "it would exceed 1 MiB");
            return Err(write_error(&self.path, &error));
        }
        stage(&self.path, text.as_bytes()).map_err(|error| write_error(&self.path, &error))
    }

    /// Holds the lock as long as the file lives.
    fn lock(&self) -> Result<File, StoreError> {
        lock(&self.path).map_err(|error| {
            let path = self.path.with_extension("lock");
            let shown = path.display();
            if error.kind() == io::ErrorKind::WouldBlock {
                StoreError::new(
                    StoreErrorKind::Locked,
                    Diagnostic::new(format!("another program holds {shown} for over 10 s"))
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
    // A key in the wrong place is still a key.
    let shown = if name.starts_with("hh_") {
        redact(name)
    } else {
        name.escape_debug().to_string()
    };
    let names: Vec<_> = contents.profiles.keys().map(String::as_str).collect();
    let next = if names.is_empty() {
        "there are no stored profiles: log in first".to_owned()
    } else {
        format!("the stored profiles are {}", names.join(", "))
    };
    StoreError::new(
        StoreErrorKind::NotFound,
        Diagnostic::new(format!("there is no stored profile \"{shown}\"")).with_hint(next),
    )
}

#[cfg(test)]
mod tests;

//! Writes private files, which only their owner can read, atomically and under a lock.

use std::ffi::OsStr;
use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{DirBuilderExt as _, PermissionsExt as _};
use std::path::Path;
#[cfg(feature = "client")]
use std::path::PathBuf;
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use tempfile::NamedTempFile;

/// Whether an existing file may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the choice is binary")]
pub enum Replace {
    /// Replace an existing file.
    Yes,
    /// Keep an existing file and fail with [`io::ErrorKind::AlreadyExists`].
    No,
}

/// Creates a directory and its parents. New directories have mode 0700.
///
/// # Errors
/// Returns the error of the system.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

/// Replaces or creates a file with mode 0600, atomically.
///
/// The function writes and syncs a temporary file in the same directory, renames it, and syncs the directory.
///
/// A symbolic link at `path` is replaced, never followed.
///
/// # Errors
/// Returns `AlreadyExists` if the file exists and `replace` is [`Replace::No`]; otherwise the error of the system.
///
/// After an error, no new file exists. If only the sync of the directory failed, an existing file may have the new
/// contents.
pub fn write_private(path: &Path, contents: &[u8], replace: Replace) -> io::Result<()> {
    let staged = stage(path, contents)?;
    match replace {
        Replace::Yes => {
            staged.commit()?;
            sync_directory(path)
        }
        Replace::No => {
            let put = staged.file.persist_noclobber(path);
            put.map_err(|error| without_temporary_name(error.error))?;
            sync_directory(path).inspect_err(|_| {
                // After an error the caller may discard what the file contains, such as a new key.
                drop(fs::remove_file(path));
            })
        }
    }
}

/// The new contents of a file, written and synced to a temporary file in the same directory. Dropping it removes the
/// temporary file.
pub(crate) struct Staged<'a> {
    path: &'a Path,
    file: NamedTempFile,
}

/// Performs the steps of [`write_private`] that are likely to fail, without a change to the file.
pub(crate) fn stage<'a>(path: &'a Path, contents: &[u8]) -> io::Result<Staged<'a>> {
    let staged = || {
        let mut file = tempfile::Builder::new()
            .prefix(OsStr::from_bytes(&temporary_prefix(path)))
            .rand_bytes(RANDOM)
            .permissions(fs::Permissions::from_mode(0o600))
            .tempfile_in(directory(path))?;
        file.write_all(contents)?;
        file.as_file().sync_all()?;
        Ok(file)
    };
    let file = staged().map_err(without_temporary_name)?;
    Ok(Staged { path, file })
}

impl Staged<'_> {
    /// Replaces the file. Readers see the new contents immediately; [`sync_directory`] makes them survive a power loss.
    pub(crate) fn commit(self) -> io::Result<()> {
        let put = self.file.persist(self.path);
        put.map_err(|error| without_temporary_name(error.error))?;
        Ok(())
    }
}

/// Returns the error of the system without the name of the temporary file, which means nothing to users.
fn without_temporary_name(error: io::Error) -> io::Error {
    let Some(inner) = error.get_ref() else {
        return error;
    };
    let system = inner
        .source()
        .and_then(|inner| inner.downcast_ref::<io::Error>());
    match system.and_then(io::Error::raw_os_error) {
        Some(code) => io::Error::from_raw_os_error(code),
        None => error.kind().into(),
    }
}

/// Syncs the directory of a file. File systems that do not support this count as synced.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    /// The errors of file systems without support.
    const NONE: [Errno; 3] = [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP];
    let codes = NONE.map(|errno| Some(errno.raw_os_error()));
    match File::open(directory(path))?.sync_all() {
        Err(error) if codes.contains(&error.raw_os_error()) => Ok(()),
        synced => synced,
    }
}

/// The maximum time to wait for a lock that another process holds.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Acquires the lock that protects a file against concurrent changes. The lock is held until the returned file is
/// dropped.
///
/// The lock is a file in the same directory, with the extension `.lock`.
///
/// # Errors
/// Returns [`io::ErrorKind::WouldBlock`] if another process holds the lock for more than 10 s; otherwise the error of
/// the system. A lock file that is a symbolic link is an error.
pub fn lock(path: &Path) -> io::Result<File> {
    let flags =
        OFlags::CREATE | OFlags::RDWR | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let mode = Mode::RUSR | Mode::WUSR;
    let lock = File::from(rustix::fs::open(path.with_extension("lock"), flags, mode)?);
    let start = Instant::now();
    loop {
        match lock.try_lock() {
            Ok(()) => return Ok(lock),
            Err(TryLockError::WouldBlock) if start.elapsed() < LOCK_WAIT => {
                std::thread::sleep(Duration::from_millis(20));
            }
            Err(TryLockError::WouldBlock) => return Err(io::ErrorKind::WouldBlock.into()),
            Err(TryLockError::Error(error)) => return Err(error),
        }
    }
}

/// Finds the temporary files of killed writers. Remove them only for a file that is written under its [`lock`], and
/// only while the lock is held; otherwise the file of an active writer is removed.
#[cfg(feature = "client")]
pub(crate) fn temporary_files(path: &Path) -> Vec<PathBuf> {
    use std::os::unix::fs::MetadataExt as _;

    let prefix = temporary_prefix(path);
    let is_random =
        |rest: &[u8]| rest.len() == RANDOM && rest.iter().all(u8::is_ascii_alphanumeric);
    let mut found = find_siblings(path, |name| {
        name.strip_prefix(&prefix[..]).is_some_and(is_random)
    });
    let me = rustix::process::geteuid().as_raw();
    found.retain(|path| {
        fs::symlink_metadata(path).is_ok_and(|found| found.is_file() && found.uid() == me)
    });
    found
}

/// Finds the entries in the directory of a file whose names match a predicate.
#[cfg(feature = "client")]
pub(crate) fn find_siblings(path: &Path, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory(path)).into_iter().flatten();
    entries
        .flatten()
        .filter(|entry| is_wanted(entry.file_name().as_bytes()))
        .map(|entry| entry.path())
        .collect()
}

/// The number of random letters and digits at the end of the name of a temporary file.
const RANDOM: usize = 6;

/// Returns the prefix of the names of temporary files. It contains the name of the file, so that the temporary files of
/// different files can be distinguished.
fn temporary_prefix(path: &Path) -> Vec<u8> {
    /// The limit of the name part, in bytes. A whole name has at most 255 bytes.
    const MAX: usize = 200;
    let name = path.file_name().unwrap_or_default().as_bytes();
    [b".", &name[..name.len().min(MAX)], b"-"].concat()
}

fn directory(path: &Path) -> &Path {
    match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    }
}

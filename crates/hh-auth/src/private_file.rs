//! Writing private files: whole or not at all, readable by their owner only.

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

/// Whether a file that is already there may be replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "yes and no")]
pub enum Replace {
    /// Replace it.
    Yes,
    /// Leave it and fail with [`io::ErrorKind::AlreadyExists`].
    No,
}

/// Makes a directory and its parents, each 0700 if it is new.
///
/// # Errors
/// The system's error.
pub fn create_private_dir(dir: &Path) -> io::Result<()> {
    fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(dir)
}

/// Writes a file with mode 0600: to a temporary file beside it, synced, then renamed, and the directory synced.
///
/// A symbolic link at `path` is replaced, never followed.
///
/// # Errors
/// The system's error, `AlreadyExists` if the file is there and `replace` is [`Replace::No`]. A new file is not there then;
/// one that was there may hold the new contents, if all that failed is to sync the directory.
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
                // Whoever is told that it failed may undo what the file is for, such as a new key.
                drop(fs::remove_file(path));
            })
        }
    }
}

/// What a file is to hold, written and synced beside it under another name; dropped, it goes away.
pub(crate) struct Staged<'a> {
    path: &'a Path,
    file: NamedTempFile,
}

/// Does of a [`write_private`] all that may well fail, without a change to the file.
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
    /// Puts it in the file's place: from then on readers see it, and [`sync_directory`] has it outlast a power loss.
    pub(crate) fn commit(self) -> io::Result<()> {
        let put = self.file.persist(self.path);
        put.map_err(|error| without_temporary_name(error.error))?;
        Ok(())
    }
}

/// The error of the system without the name of the temporary file, which means nothing to people.
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

/// Syncs the directory of a file; one on a file system that has no such thing counts as synced.
pub(crate) fn sync_directory(path: &Path) -> io::Result<()> {
    /// What such file systems answer.
    const NONE: [Errno; 3] = [Errno::INVAL, Errno::NOTSUP, Errno::OPNOTSUPP];
    let codes = NONE.map(|errno| Some(errno.raw_os_error()));
    match File::open(directory(path))?.sync_all() {
        Err(error) if codes.contains(&error.raw_os_error()) => Ok(()),
        synced => synced,
    }
}

/// How long another program may hold a lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Takes the lock of a file that is read, changed and written: it is held as long as what is returned lives.
///
/// The lock is a file beside it, whose name ends in `.lock`.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if another program holds it for over 10 s, else the system's error; a symbolic link is one.
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

/// Finds the temporary files of writers that were killed. They are to be removed only for a file that is written under its
/// [`lock`], and while that is held: else that takes away the file of a writer that is still at work.
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

/// Finds what is in the directory of a file under names of some kind.
#[cfg(feature = "client")]
pub(crate) fn find_siblings(path: &Path, is_wanted: impl Fn(&[u8]) -> bool) -> Vec<PathBuf> {
    let entries = fs::read_dir(directory(path)).into_iter().flatten();
    entries
        .flatten()
        .filter(|entry| is_wanted(entry.file_name().as_bytes()))
        .map(|entry| entry.path())
        .collect()
}

/// How many letters and digits end the name of a temporary file.
const RANDOM: usize = 6;

/// Names of temporary files begin with the name of what they become, so that those of one file can be told apart.
fn temporary_prefix(path: &Path) -> Vec<u8> {
    /// A name has at most 255 bytes in all.
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

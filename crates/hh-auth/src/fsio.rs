//! Writing private files: whole or not at all, readable by their owner only.

use std::fs::{self, File, TryLockError};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _, PermissionsExt as _};
use std::path::Path;
use std::time::{Duration, Instant};

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
/// The system's error, `AlreadyExists` if the file is there and `replace` is [`Replace::No`].
pub fn write_private(path: &Path, contents: &[u8], replace: Replace) -> io::Result<()> {
    write(path, contents, replace).map_err(|error| {
        // The name of the temporary file means nothing to people.
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
    })
}

/// How long another program may hold a lock.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Takes the lock of a file that is read, changed and written: it is held as long as what is returned lives.
///
/// The lock is a file beside it, whose name ends in `.lock`.
///
/// # Errors
/// [`io::ErrorKind::WouldBlock`] if another program holds it for over 10 s, else the system's error.
pub fn lock(path: &Path) -> io::Result<File> {
    let lock = File::options()
        .create(true)
        .append(true)
        .mode(0o600)
        .open(path.with_extension("lock"))?;
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

fn write(path: &Path, contents: &[u8], replace: Replace) -> io::Result<()> {
    let dir = match path.parent() {
        Some(dir) if !dir.as_os_str().is_empty() => dir,
        _ => Path::new("."),
    };
    let mut file = tempfile::Builder::new()
        .prefix(".honeyhive-")
        .permissions(fs::Permissions::from_mode(0o600))
        .tempfile_in(dir)?;
    file.write_all(contents)?;
    file.as_file().sync_all()?;
    match replace {
        Replace::Yes => file.persist(path),
        Replace::No => file.persist_noclobber(path),
    }
    .map_err(|error| error.error)?;
    File::open(dir)?.sync_all()
}

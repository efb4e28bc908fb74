//! Safe access to the store file. A file that another user could read or write is rejected, and the checks apply to the
//! opened file.

use std::fmt;
use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::ffi::OsStrExt as _;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::{Path, PathBuf};

use hh_text::Diagnostic;
use rustix::fs::{Mode, OFlags};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::{StoreError, StoreErrorKind};
use crate::private_file::{create_private_dir, find_siblings};

/// The limit of the file, in bytes: far more than any real store, and a protection against devices.
pub(super) const MAX_BYTES: u64 = 1024 * 1024;

/// Reads the file, if it exists, up to one byte more than [`MAX_BYTES`].
pub(super) fn read(path: &Path) -> Result<Option<Zeroizing<Vec<u8>>>, StoreError> {
    let Some(dir) = open_dir(path)? else {
        return Ok(None);
    };
    let name = path.file_name().unwrap_or_default();
    // Does not follow a link, does not wait for the writer of a pipe, and is not inherited by child processes.
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::NONBLOCK | OFlags::CLOEXEC;
    let file = match rustix::fs::openat(&dir, name, flags, Mode::empty()) {
        Ok(file) => File::from(file),
        Err(Errno::NOENT) => return Ok(None),
        Err(Errno::LOOP) => return Err(is_link(path)),
        Err(error) => {
            // The type of the file explains the failure better than the error of the system.
            if let Ok(metadata) = fs::symlink_metadata(path) {
                check_file(path, &metadata)?;
            }
            return Err(io_error("read", path, &error.into()));
        }
    };
    let failed = |error| io_error("read", path, &error);
    let metadata = file.metadata().map_err(failed)?;
    check_file(path, &metadata)?;
    // The capacity covers the whole file: a buffer that grows would leave parts of keys in memory.
    let size = usize::try_from(metadata.len().min(MAX_BYTES)).unwrap_or_default();
    let mut bytes = Zeroizing::new(Vec::with_capacity(size + 64));
    file.take(MAX_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    Ok(Some(bytes))
}

/// Opens the directory of a file, if it exists, and checks that no other user can replace the file.
pub(super) fn open_dir(path: &Path) -> Result<Option<File>, StoreError> {
    let dir = path.parent().unwrap_or(Path::new("."));
    let flags = OFlags::RDONLY | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let opened = rustix::fs::open(dir, flags, Mode::empty()).map_err(io::Error::from);
    let opened = match opened {
        Ok(opened) => File::from(opened),
        // A home that is not a directory, such as /dev/null, contains no store either.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) =>
        {
            return Ok(None);
        }
        Err(error) => {
            if let Ok(metadata) = fs::metadata(dir) {
                check_owner(dir, &metadata)?;
            }
            return Err(io_error("read", dir, &error));
        }
    };
    let metadata = opened
        .metadata()
        .map_err(|error| io_error("read", dir, &error))?;
    check_owner(dir, &metadata)?;
    if metadata.permissions().mode() & 0o022 != 0 {
        return Err(unsafe_permissions(
            format!("{} can be written by other users", dir.display()),
            format!("run `chmod 700 {}`", Shell(dir)),
        ));
    }
    Ok(Some(opened))
}

fn check_file(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    let shown = path.display();
    let quoted = Shell(path);
    if metadata.is_symlink() {
        return Err(is_link(path));
    }
    if !metadata.is_file() {
        return Err(unsafe_permissions(
            format!("{shown} is not a regular file"),
            format!("run `rm -r {quoted}`, then run `honeyhive auth login`"),
        ));
    }
    check_owner(path, metadata)?;
    // A count of 0 is a file that another login has replaced after it was opened.
    if metadata.nlink() > 1 {
        let new = with_suffix(path, ".new");
        let new = Shell(&new);
        return Err(unsafe_permissions(
            format!("{shown} has hard links, through which it can be read or changed"),
            format!("run `cp -p {quoted} {new} && mv {new} {quoted}`"),
        ));
    }
    if metadata.permissions().mode() & 0o077 != 0 {
        return Err(unsafe_permissions(
            format!("{shown} can be read by other users"),
            format!("run `chmod 600 {quoted}`"),
        ));
    }
    Ok(())
}

fn check_owner(path: &Path, metadata: &Metadata) -> Result<(), StoreError> {
    let me = rustix::process::geteuid().as_raw();
    let owner = metadata.uid();
    if owner == me {
        return Ok(());
    }
    // A root shell with the home directory of a user must not take the files away from that user.
    let hint = if me == 0 {
        "run the command without sudo, or set HOME to the home directory of root".to_owned()
    } else {
        format!("run `sudo chown {me} {}`", Shell(path))
    };
    Err(unsafe_permissions(
        format!(
            "{} belongs to another user (id {owner}, not {me})",
            path.display()
        ),
        hint,
    ))
}

/// Creates the directory of the file, and checks that the file can be created in it.
pub(super) fn check_writable(path: &Path) -> Result<(), StoreError> {
    let dir = path.parent().unwrap_or(path);
    create_private_dir(dir).map_err(|error| write_error(path, &error))?;
    let flags = rustix::fs::AtFlags::EACCESS;
    let access = rustix::fs::Access::WRITE_OK | rustix::fs::Access::EXEC_OK;
    match rustix::fs::accessat(rustix::fs::CWD, dir, access, flags) {
        Err(error @ (Errno::ACCESS | Errno::ROFS)) => Err(write_error(path, &error.into())),
        // Other errors say that a sandbox does not allow this check.
        _ => Ok(()),
    }
}

fn is_link(path: &Path) -> StoreError {
    unsafe_permissions(
        format!(
            "{} is a symbolic link, which is not followed",
            path.display()
        ),
        format!("run `rm {}`, then run `honeyhive auth login`", Shell(path)),
    )
}

fn unsafe_permissions(message: String, hint: String) -> StoreError {
    StoreError::new(
        StoreErrorKind::Unsafe,
        Diagnostic::new(message).with_hint(hint),
    )
}

pub(super) fn io_error(verb: &str, path: &Path, error: &io::Error) -> StoreError {
    StoreError::new(
        StoreErrorKind::Io,
        format!("cannot {verb} {}: {error}", path.display()),
    )
}

/// Returns the error of a failed change, with a hint.
pub(super) fn write_error(path: &Path, error: &io::Error) -> StoreError {
    use io::ErrorKind as Kind;

    let kind = error.kind();
    let next = if [Kind::StorageFull, Kind::QuotaExceeded, Kind::FileTooLarge].contains(&kind) {
        "free disk space and try again"
    } else if [
        Kind::PermissionDenied,
        Kind::ReadOnlyFilesystem,
        Kind::NotFound,
        Kind::NotADirectory,
    ]
    .contains(&kind)
    {
        "make its directory writable, or set XDG_CONFIG_HOME to a writable directory"
    } else {
        "try again"
    };
    let shown = path.display();
    StoreError::new(
        StoreErrorKind::Io,
        Diagnostic::new(format!(
            "cannot write {shown}: {error}; nothing was changed"
        ))
        .with_hint(next),
    )
}

/// Finds the damaged files that earlier logins have renamed.
pub(super) fn backups(path: &Path) -> Vec<PathBuf> {
    let name = with_suffix(Path::new(path.file_name().unwrap_or_default()), KEPT);
    let is_number = |rest: &[u8]| {
        let digits = rest.strip_prefix(b"-").unwrap_or_default();
        rest.is_empty() || !digits.is_empty() && digits.iter().all(u8::is_ascii_digit)
    };
    find_siblings(path, |found| {
        let rest = found.strip_prefix(name.as_os_str().as_bytes());
        rest.is_some_and(is_number)
    })
}

/// Returns an unused path for a damaged file, because an earlier damaged file may contain the only copy of a key.
pub(super) fn backup_path(path: &Path) -> PathBuf {
    let first = with_suffix(path, KEPT);
    let more = (2_u64..).map(|number| with_suffix(&first, &format!("-{number}")));
    let is_free = |path: &PathBuf| fs::symlink_metadata(path).is_err();
    let mut names = std::iter::once(first.clone()).chain(more);
    names.find(is_free).unwrap_or(first)
}

const KEPT: &str = ".corrupt";

fn with_suffix(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

/// A path that is quoted as one word for a shell.
pub(super) struct Shell<'a>(pub(super) &'a Path);

impl fmt::Display for Shell<'_> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(&hh_text::shell_word(&self.0.to_string_lossy()))
    }
}

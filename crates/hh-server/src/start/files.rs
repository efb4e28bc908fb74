//! Opens files of the data directory without blocking, and only if no other user can read or change them.

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

use hh_text::Diagnostic;
use rustix::fs::{Mode, OFlags};
use zeroize::Zeroizing;

/// The access to a file that other users may have.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum OtherUsers {
    /// No access. The file must belong to the user of the server and must not be a link.
    Nothing,
    /// Read access. The file may belong to root.
    Read,
}

/// Reads a file of at most `limit` bytes; returns `None` if it does not exist.
pub(crate) fn read(
    path: &Path,
    others: OtherUsers,
    limit: u64,
) -> Result<Option<Zeroizing<Vec<u8>>>, Diagnostic> {
    let shown = path.display();
    let unreadable = |error: io::Error| Diagnostic::new(format!("cannot read {shown}: {error}"));
    let Some(file) = open(path, others, OFlags::RDONLY, Mode::empty())? else {
        return Ok(None);
    };
    // The buffer has its whole capacity from the start: a buffer that grows leaves parts of a secret behind.
    let size = file.metadata().map_err(unreadable)?.len().min(limit);
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(size).unwrap_or_default() + 64,
    ));
    file.take(limit + 1)
        .read_to_end(&mut bytes)
        .map_err(unreadable)?;
    if bytes.len() as u64 > limit {
        return Err(Diagnostic::new(format!(
            "{shown} is larger than {limit} bytes"
        )));
    }
    Ok(Some(bytes))
}

/// Opens a regular file and checks the opened file; returns `None` if it does not exist.
pub(super) fn open(
    path: &Path,
    others: OtherUsers,
    flags: OFlags,
    mode: Mode,
) -> Result<Option<File>, Diagnostic> {
    // A named pipe opens without waiting for a writer, and is then rejected.
    let mut flags = flags | OFlags::NONBLOCK | OFlags::CLOEXEC;
    if others == OtherUsers::Nothing {
        flags |= OFlags::NOFOLLOW;
    }
    let file = match rustix::fs::open(path, flags, mode) {
        Ok(file) => File::from(file),
        Err(error) => {
            let error = io::Error::from(error);
            // A data directory that is not a directory is reported when it is opened.
            if matches!(
                error.kind(),
                io::ErrorKind::NotFound | io::ErrorKind::NotADirectory
            ) {
                return Ok(None);
            }
            // The check reports the problem more precisely than the error of the system.
            check_if_exists(path, others)?;
            let message = format!("cannot open {}: {error}", path.display());
            return Err(message.into());
        }
    };
    let metadata = file
        .metadata()
        .map_err(|error| Diagnostic::new(error.to_string()))?;
    check(path, &metadata, others)?;
    Ok(Some(file))
}

/// Checks a file that another library opens by its path.
pub(super) fn check_if_exists(path: &Path, others: OtherUsers) -> Result<(), Diagnostic> {
    let metadata = match others {
        OtherUsers::Nothing => fs::symlink_metadata(path),
        OtherUsers::Read => fs::metadata(path),
    };
    match metadata {
        Ok(metadata) => check(path, &metadata, others),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
        Err(error) => Err(format!("cannot read {}: {error}", path.display()).into()),
    }
}

/// Checks the data directory. A user who can write to it could replace its files.
pub(super) fn check_dir(path: &Path, metadata: &Metadata) -> Result<(), Diagnostic> {
    check_owner(path, metadata, OtherUsers::Nothing)?;
    if metadata.permissions().mode() & 0o077 != 0 {
        let message = format!("{} can be read or written by other users", path.display());
        return Err(Diagnostic::new(message).with_hint(run("chmod 700", path)));
    }
    Ok(())
}

fn check(path: &Path, metadata: &Metadata, others: OtherUsers) -> Result<(), Diagnostic> {
    let shown = path.display();
    if metadata.is_symlink() {
        let message = format!("{shown} is a symbolic link, which is not followed");
        return Err(Diagnostic::new(message).with_hint("replace it with the file itself"));
    }
    if !metadata.is_file() {
        let message = format!("{shown} is not a regular file");
        return Err(Diagnostic::new(message).with_hint("move it out of the directory"));
    }
    check_owner(path, metadata, others)?;
    let mode = metadata.permissions().mode();
    match others {
        OtherUsers::Nothing if mode & 0o077 != 0 => Err(Diagnostic::new(format!(
            "{shown} can be read or written by other users"
        ))
        .with_hint(run("chmod 600", path))),
        OtherUsers::Read if mode & 0o022 != 0 => Err(Diagnostic::new(format!(
            "{shown} can be written by other users"
        ))
        .with_hint(run("chmod go-w", path))),
        OtherUsers::Nothing | OtherUsers::Read => Ok(()),
    }
}

fn check_owner(path: &Path, metadata: &Metadata, others: OtherUsers) -> Result<(), Diagnostic> {
    let me = rustix::process::geteuid().as_raw();
    let owner = metadata.uid();
    if owner == me || others == OtherUsers::Read && owner == 0 {
        return Ok(());
    }
    let message = format!(
        "{} belongs to another user (id {owner}, not {me})",
        path.display()
    );
    // A root shell with the data of a user must not take the files away from that user.
    let hint = if me == 0 {
        "run the command without sudo, or set --data-dir to a directory of root".to_owned()
    } else {
        run(&format!("sudo chown {me}"), path)
    };
    Err(Diagnostic::new(message).with_hint(hint))
}

/// Returns the hint to run a command on a file.
fn run(command: &str, path: &Path) -> String {
    let path = path.to_string_lossy();
    format!("run `{command} {}`", hh_text::shell_word(&path))
}

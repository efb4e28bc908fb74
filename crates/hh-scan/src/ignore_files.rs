//! Checks and reads ignore files.
//!
//! Ignore files are untrusted. Reading one might never end, for example if it is a link to `/dev/zero` or a named pipe
//! without a writer.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use hh_text::Diagnostic;
use rustix::fs::OFlags;

use crate::file_names::redacted_path;

/// The name of the file that lists the paths to exclude from scans, in the syntax of `.gitignore`.
pub const IGNORE_FILE: &str = ".honeyhiveignore";

/// Whether `.gitignore` and [`IGNORE_FILE`] exclude paths.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum IgnoreFiles {
    /// Excluded paths are not scanned.
    Respect,
    /// All paths are scanned.
    Disregard,
}

/// The maximum size of an ignore file, in bytes.
const MAX_SIZE: u64 = 1024 * 1024;

/// Checks the ignore files of a folder. The directory walk itself opens them without a check.
pub(crate) fn check_folder(folder: &Path) -> Result<(), Diagnostic> {
    check(&folder.join(".gitignore"))?;
    check(&folder.join(IGNORE_FILE))?;
    let git = folder.join(".git");
    match git.metadata() {
        Ok(metadata) if metadata.is_dir() => check(&git.join("info/exclude")),
        // In a linked worktree `.git` is a file, and the exclude file is in the main repository.
        Ok(metadata) if metadata.is_file() => {
            let Some(place) = first_line(&git)? else {
                return Ok(());
            };
            let place = folder.join(place.strip_prefix("gitdir: ").unwrap_or(&place));
            let Some(common) = first_line(&place.join("commondir"))? else {
                return Ok(());
            };
            check(&place.join(common).join("info/exclude"))
        }
        Ok(_) | Err(_) => Ok(()),
    }
}

/// Checks the ignore files of all parent folders of a folder.
pub(crate) fn check_above(folder: &Path) -> Result<(), Diagnostic> {
    let folder = folder.canonicalize().unwrap_or_default();
    folder.ancestors().skip(1).try_for_each(check_folder)
}

/// Returns whether a file or folder is in a git repository.
pub(crate) fn is_in_repository(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_default();
    path.ancestors().any(|folder| folder.join(".git").exists())
}

fn check(file: &Path) -> Result<(), Diagnostic> {
    match file.symlink_metadata() {
        Ok(metadata) if !is_small_file(&metadata) => Err(unusable(file)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn first_line(file: &Path) -> Result<Option<String>, Diagnostic> {
    let text = read(file)?;
    Ok(text.and_then(|text| text.lines().next().map(str::to_owned)))
}

/// Reads an ignore file, if it exists.
pub(crate) fn read(file: &Path) -> Result<Option<String>, Diagnostic> {
    check(file)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(file);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(unreadable(file, &error)),
    };
    let mut text = Vec::new();
    let metadata = opened.metadata();
    if !metadata.is_ok_and(|metadata| is_small_file(&metadata)) {
        return Err(unusable(file));
    }
    let read = opened.take(MAX_SIZE).read_to_end(&mut text);
    read.map_err(|error| unreadable(file, &error))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

fn is_small_file(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.len() <= MAX_SIZE
}

fn unreadable(file: &Path, error: &io::Error) -> Diagnostic {
    format!("{}: {error}", redacted_path(file)).into()
}

fn unusable(file: &Path) -> Diagnostic {
    let path = redacted_path(file);
    Diagnostic::new(format!("{path}: not a regular file, or larger than 1 MiB"))
        .with_hint("remove it or use --no-ignore")
}

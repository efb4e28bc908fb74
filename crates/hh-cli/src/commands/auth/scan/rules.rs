//! The files that say what is left out. They come from other people: one may be a link to a device without an end, or a
//! pipe that nobody writes into.

use std::fs::{Metadata, OpenOptions};
use std::io::{self, Read as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;

use rustix::fs::OFlags;

use super::IGNORE_FILE;
use super::report::shown;

/// No list of a person is longer.
const MOST: u64 = 1024 * 1024;

/// Says which file in or of a folder must not be read for its rules; the walk opens whatever is there.
pub(super) fn check_folder(folder: &Path) -> Result<(), String> {
    check(&folder.join(".gitignore"))?;
    check(&folder.join(IGNORE_FILE))?;
    let git = folder.join(".git");
    match git.metadata() {
        Ok(metadata) if metadata.is_dir() => check(&git.join("info/exclude")),
        // Of another worktree, whose rules are where the repository is.
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

/// Says which file above a folder must not be read for its rules.
pub(super) fn check_above(folder: &Path) -> Result<(), String> {
    let folder = folder.canonicalize().unwrap_or_default();
    folder.ancestors().skip(1).try_for_each(check_folder)
}

/// Tells whether a file or folder is in a repository.
pub(super) fn is_in_repository(path: &Path) -> bool {
    let path = path.canonicalize().unwrap_or_default();
    path.ancestors().any(|folder| folder.join(".git").exists())
}

fn check(file: &Path) -> Result<(), String> {
    match file.symlink_metadata() {
        Ok(metadata) if !is_small_file(&metadata) => Err(odd(file)),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn first_line(file: &Path) -> Result<Option<String>, String> {
    let text = read(file)?;
    Ok(text.and_then(|text| text.lines().next().map(str::to_owned)))
}

/// Reads such a file, if it is there.
pub(super) fn read(file: &Path) -> Result<Option<String>, String> {
    check(file)?;
    let flags = OFlags::NOFOLLOW | OFlags::NONBLOCK;
    let opened = OpenOptions::new()
        .read(true)
        .custom_flags(i32::try_from(flags.bits()).unwrap_or_default())
        .open(file);
    let opened = match opened {
        Ok(opened) => opened,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(format!("{}: {error}", shown(file))),
    };
    let mut text = Vec::new();
    let metadata = opened.metadata();
    if !metadata.is_ok_and(|metadata| is_small_file(&metadata)) {
        return Err(odd(file));
    }
    let read = opened.take(MOST).read_to_end(&mut text);
    read.map_err(|error| format!("{}: {error}", shown(file)))?;
    Ok(Some(String::from_utf8_lossy(&text).into_owned()))
}

fn is_small_file(metadata: &Metadata) -> bool {
    metadata.is_file() && metadata.len() <= MOST
}

fn odd(file: &Path) -> String {
    format!(
        "{}: it is no regular file, or over 1 MiB; remove it or use --no-ignore",
        shown(file)
    )
}

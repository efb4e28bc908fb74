//! Reads secret files, which `NAME_FILE` variables and `name_file` entries name (Docker and Kubernetes secrets).

use std::path::Path;

use secrecy::SecretString;

use crate::read;

/// The maximum size of a secret file, in bytes. A key is one line; the limit rejects wrong files.
const MAX_BYTES: u64 = 64 * 1024;

/// The maximum number of retries for a file behind a symbolic link.
const TRIES: u32 = 5;

/// Reads a secret file: a regular file after following links, at most 64 KiB of UTF-8; one trailing line ending is
/// removed.
///
/// # Errors
/// A message such as `is empty`, which continues a sentence about the file.
pub(crate) fn read(path: &Path) -> Result<SecretString, String> {
    let mut text = read::text(path, MAX_BYTES);
    // Kubernetes replaces a mounted secret by changing a symbolic link and removing the old target. A reader that has
    // already resolved the link finds no file, and a retry finds the new one.
    let mut tries = 0;
    while text.is_err() && tries < TRIES && is_link(path) {
        tries += 1;
        text = read::text(path, MAX_BYTES);
    }
    let text = text?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |rest| {
        rest.strip_suffix('\r').unwrap_or(rest)
    });
    if line.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(SecretString::from(line))
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

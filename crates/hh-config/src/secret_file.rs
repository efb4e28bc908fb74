//! Secret files: what a `NAME_FILE` variable or a `name_file` entry points at (Docker and Kubernetes secrets).

use std::path::Path;

use secrecy::SecretString;

use crate::read;

/// A key file is one line; this bound only keeps mistakes out.
const MAX_BYTES: u64 = 64 * 1024;

/// So often a file behind a link is looked for again.
const TRIES: u32 = 5;

/// Reads a secret file: a regular file after following links, at most 64 KiB of UTF-8; one trailing line ending is removed.
///
/// The error says what is wrong with the file, as the end of a sentence about it.
pub(crate) fn read(path: &Path) -> Result<SecretString, String> {
    let mut text = read::text(path, MAX_BYTES);
    // A mounted secret is replaced by turning a link, and what it led to is removed: whoever was on the way there finds
    // nothing, and the new one at the next try.
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

//! Secret files: what a `NAME_FILE` variable or a `name_file` entry points at (Docker and Kubernetes secrets).

use std::path::Path;

use secrecy::SecretString;

use crate::read;

/// A key file is one line; this bound only keeps mistakes out.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a secret file: a regular file after following links, at most 64 KiB of UTF-8; one trailing line ending is removed.
///
/// The error says what is wrong with the file, as the end of a sentence about it.
pub(crate) fn read(path: &Path) -> Result<SecretString, String> {
    let text = read::text(path, MAX_BYTES)?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |rest| {
        rest.strip_suffix('\r').unwrap_or(rest)
    });
    if line.trim().is_empty() {
        return Err("is empty".to_owned());
    }
    Ok(SecretString::from(line))
}

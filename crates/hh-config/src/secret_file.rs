//! Reads secret files, such as Docker and Kubernetes secrets. A `NAME_FILE` variable or a `name_file` entry contains
//! the path.

use std::path::Path;

use hh_text::Diagnostic;
use secrecy::SecretString;

use crate::{Env, named_file};

/// The maximum size of a secret file, in bytes. Secrets are much shorter, so a larger file is not a secret file.
const MAX_BYTES: u64 = 64 * 1024;

/// The maximum number of retries for a file behind a symbolic link.
const TRIES: u32 = 5;

/// Reads a secret file and removes one trailing line ending.
///
/// The file must be a regular file or a named pipe with at most 64 KiB of UTF-8 text. Symbolic links are followed.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the file, such as `is empty`.
pub(crate) fn read(env: &Env, path: &Path) -> Result<SecretString, Diagnostic> {
    let mut text = named_file::text(env.pipes(), path, MAX_BYTES);
    // Kubernetes replaces a mounted secret by changing a symbolic link and removing the old target. A reader that has
    // already resolved the link finds no file, and a retry finds the new one.
    let mut tries = 0;
    while text.is_err() && tries < TRIES && is_link(path) {
        tries += 1;
        text = named_file::text(env.pipes(), path, MAX_BYTES);
    }
    let text = text?;
    let line = text.strip_suffix('\n').map_or(text.as_str(), |rest| {
        rest.strip_suffix('\r').unwrap_or(rest)
    });
    if line.trim().is_empty() {
        return Err("is empty".into());
    }
    Ok(SecretString::from(line))
}

fn is_link(path: &Path) -> bool {
    std::fs::symlink_metadata(path).is_ok_and(|metadata| metadata.is_symlink())
}

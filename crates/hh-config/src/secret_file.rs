//! Secret files: what a `NAME_FILE` variable points at (Docker and Kubernetes secrets).

use std::fs::File;
use std::io::Read as _;
use std::path::Path;

use secrecy::SecretString;
use zeroize::Zeroizing;

use crate::{LoadError, LoadErrorKind};

/// A key file is one line; this bound only keeps `/dev/zero` out.
const MAX_BYTES: u64 = 64 * 1024;

/// Reads a secret file: a regular file after following links, at most 64 KiB of UTF-8; one trailing line ending is removed.
///
/// `named_by` is the variable that names the file, for the message.
pub(crate) fn read(path: &Path, named_by: &str) -> Result<SecretString, LoadError> {
    let fail = |what: &str| {
        LoadError::new(
            LoadErrorKind::Unreadable,
            format!("{named_by} names {}, which {what}", path.display()),
        )
    };
    // Metadata first: opening a FIFO would wait for a writer.
    let metadata =
        std::fs::metadata(path).map_err(|error| fail(&format!("cannot be read ({error})")))?;
    if !metadata.is_file() {
        return Err(fail("is not a regular file"));
    }
    let mut text = Zeroizing::new(String::new());
    File::open(path)
        .map_err(|error| fail(&format!("cannot be read ({error})")))?
        .take(MAX_BYTES + 1)
        .read_to_string(&mut text)
        .map_err(|_| fail("is not UTF-8 text"))?;
    if text.len() as u64 > MAX_BYTES {
        return Err(fail("is larger than 64 KiB"));
    }
    let line = text.strip_suffix('\n').map_or(text.as_str(), |rest| {
        rest.strip_suffix('\r').unwrap_or(rest)
    });
    if line.trim().is_empty() {
        return Err(fail("is empty"));
    }
    Ok(SecretString::from(line))
}

//! Rejects secret files, for builds without the feature `files`.

use std::path::Path;

use secrecy::SecretString;

/// Returns the problem that secret files are not supported.
pub(crate) fn read(_: &Path) -> Result<SecretString, String> {
    Err("cannot be read, because this program does not support secret files".to_owned())
}

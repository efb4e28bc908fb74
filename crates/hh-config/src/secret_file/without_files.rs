//! Rejects secret files, for builds without the feature `files`.

use std::path::Path;

use hh_text::Diagnostic;
use secrecy::SecretString;

use crate::Env;

/// Returns the problem that secret files are not supported.
pub(crate) fn read(_: &Env, _: &Path) -> Result<SecretString, Diagnostic> {
    Err("cannot be read, because this program does not support secret files".into())
}

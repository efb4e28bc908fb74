//! Finds the program of a `credential_command`, independently of the working directory.

use std::ffi::OsString;
use std::os::unix::fs::PermissionsExt as _;
use std::path::{Path, PathBuf};

use hh_config::Env;
use hh_text::Diagnostic;

/// The directories that are searched without `PATH`, the same as those of the C library.
const DEFAULT_PATH: &str = "/bin:/usr/bin";

/// Returns the absolute directories of `PATH`. Empty and relative entries depend on the working directory.
fn search_path(env: &Env) -> Vec<PathBuf> {
    let path = env.get("PATH").unwrap_or(DEFAULT_PATH.as_ref());
    std::env::split_paths(path)
        .filter(|directory| directory.is_absolute())
        .collect()
}

/// Returns the search path for the program. It is never empty or unset, which some shells interpret as the working
/// directory.
pub(super) fn child_path(env: &Env) -> OsString {
    // Each entry was split at colons, so joining them cannot fail.
    let joined = std::env::join_paths(search_path(env)).unwrap_or_default();
    if joined.is_empty() {
        DEFAULT_PATH.into()
    } else {
        joined
    }
}

/// Returns the absolute path of a program. A name without a slash is searched in the absolute directories of `PATH`;
/// the first executable file wins.
///
/// # Errors
/// Returns the problem as a predicate whose subject is the program.
pub(super) fn find(name: &str, env: &Env) -> Result<PathBuf, Diagnostic> {
    let path = Path::new(name);
    if path.is_absolute() {
        return Ok(path.to_owned());
    }
    if name.contains('/') {
        return Err(Diagnostic::new("is a relative path").with_hint("use an absolute path"));
    }
    let directories = search_path(env);
    let found = directories.iter().map(|directory| directory.join(name));
    found
        .into_iter()
        .find(|path| is_executable(path))
        .ok_or_else(|| {
            Diagnostic::new("was not found in the absolute directories of PATH")
                .with_hint("install it or use an absolute path")
        })
}

fn is_executable(path: &Path) -> bool {
    std::fs::metadata(path)
        .is_ok_and(|found| found.is_file() && found.permissions().mode() & 0o111 != 0)
}

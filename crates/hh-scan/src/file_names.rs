//! Finds and redacts keys in the names of files and directories.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;

use hh_auth::redact;
use hh_config::redact_keys;
use hh_text::one_line;

use crate::scanner::{Finder, Hit};

fn keys(text: &[u8]) -> Vec<Hit> {
    // A scan without a finder fails before it prints a name.
    Finder::get().map_or_else(|_| Vec::new(), |finder| finder.all(text))
}

/// Returns the keys in a name.
pub(crate) fn keys_in_name(name: impl AsRef<OsStr>) -> Vec<Hit> {
    keys(name.as_ref().as_bytes())
}

/// Returns a text without keys in any encoding.
pub(crate) fn redacted(text: &str) -> String {
    let mut shown = String::new();
    let mut from = 0;
    for hit in keys(text.as_bytes()) {
        let at = usize::try_from(hit.offset).unwrap_or(usize::MAX);
        shown.push_str(text.get(from..at).unwrap_or_default());
        shown.push_str(&hit.detection.redacted);
        from = at.saturating_add(hit.detection.length);
    }
    shown.push_str(text.get(from..).unwrap_or_default());
    redact_keys(&shown, redact)
}

/// Returns a path that is safe to print: a name is untrusted and may contain a key.
pub(crate) fn redacted_path(path: &Path) -> String {
    let path = path.strip_prefix(".").unwrap_or(path);
    one_line(&redacted(&path.to_string_lossy())).into_owned()
}

pub(crate) fn redacted_folder(folder: &Path) -> String {
    if folder == Path::new(".") {
        "the current directory".to_owned()
    } else {
        redacted_path(folder)
    }
}

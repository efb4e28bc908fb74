//! Redacts API keys in text and paths.

use std::path::{Path, PathBuf};

use hh_key::find_key;

/// Replaces every word of a text that looks like an API key with the result of `redact` for that word.
///
/// Such a word begins with `hh_` and contains a run of 16 letters and digits, which every key has and few names have. A
/// word before a `*` is not replaced, because it is already redacted.
#[must_use]
pub fn redact_keys(text: &str, redact: impl Fn(&str) -> String) -> String {
    let mut shown = String::new();
    let mut rest = text;
    while let Some(found) = find_key(rest) {
        let (before, key) = (&rest[..found.start], &rest[found.clone()]);
        shown.push_str(before);
        rest = &rest[found.end..];
        if rest.starts_with('*') {
            shown.push_str(key);
        } else {
            shown.push_str(&redact(key));
        }
    }
    shown.push_str(rest);
    shown
}

/// Returns a path that is safe to print: an API key that was given as a path is redacted.
pub(crate) fn redacted_path(path: &Path) -> PathBuf {
    // A longer path cannot be opened, so a longer text is not a path.
    const MOST: usize = 1024;
    let text = path.to_string_lossy();
    let is_plain = !text.contains("hh_") && !text.contains(char::is_control);
    if text.len() > MOST {
        PathBuf::from(format!("(a path of {} bytes)", text.len()))
    } else if is_plain {
        path.to_owned()
    } else {
        let text = redact_keys(&text, |_| "hh_***".to_owned());
        PathBuf::from(text.replace(char::is_control, " "))
    }
}

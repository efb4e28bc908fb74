//! Text and paths that are safe to show: API keys in them are masked.

use std::path::{Path, PathBuf};

use hh_key::find_key;

/// Replaces every word of a text that looks like an API key by what `redact` returns for it.
///
/// Such a word begins with `hh_` and has 16 letters and digits in a row, as every key does and few names do. A word that
/// `*` follows is masked already.
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

/// Returns a path that is safe to show: a key that was set where a path belongs is masked.
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

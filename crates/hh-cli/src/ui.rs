//! Prints errors, notes and warnings to stderr.

use std::io::Write as _;

use hh_sdk::auth::redact;
use hh_sdk::config::redact_keys;
use hh_text::{is_unsafe, one_line};

use crate::error::CliError;

/// Prints an error as a JSON object, or as text: one line for each message, and a line for its hint if it has one.
pub(crate) fn error(error: &CliError, is_json: bool) {
    if is_json {
        let object = std::collections::BTreeMap::from([("error", error.report())]);
        // Strings and numbers are always serializable.
        return print_line(&serde_json::to_string(&object).unwrap_or_default());
    }
    for diagnostic in error.diagnostics() {
        print_line(&format!("error: {}", diagnostic.message()));
        if let Some(hint) = diagnostic.hint() {
            print_line(&format!("  hint: {hint}"));
        }
    }
}

/// Prints a line with API keys redacted. Failures are ignored, because stderr may be closed.
pub(crate) fn print_line(line: &str) {
    let line = without_keys(line);
    let line = one_line(&line);
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Prints a new key without redaction.
#[cfg(feature = "server")]
pub(crate) fn key(key: &str) {
    drop(writeln!(std::io::stderr(), "{key}"));
}

/// Prints a usage error, with API keys redacted, because the command line may contain a key in the wrong place.
pub(crate) fn usage(text: &str) {
    let text = without_keys(text);
    let text = text.replace(|c| is_unsafe(c) && c != '\n', "\u{fffd}");
    drop(write!(std::io::stderr(), "{text}"));
}

/// Redacts the API keys in a text. Keys may occur in unexpected places, such as file names.
pub(crate) fn without_keys(text: &str) -> String {
    redact_keys(text, redact)
}

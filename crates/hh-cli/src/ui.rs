//! What people are told, on stderr.

use std::io::Write as _;

use hh_sdk::auth::redact;
use hh_sdk::config::redact_keys;
use hh_text::{is_unsafe, one_line};

use crate::error::CliError;

/// Prints a failure: a line for each mistake and below it a line with its hint, or a JSON object.
pub(crate) fn error(error: &CliError, is_json: bool) {
    if is_json {
        let object = std::collections::BTreeMap::from([("error", error.report())]);
        // Texts and numbers always make JSON.
        return print_line(&serde_json::to_string(&object).unwrap_or_default());
    }
    for diagnostic in error.diagnostics() {
        print_line(&format!("error: {}", diagnostic.message()));
        if let Some(hint) = diagnostic.hint() {
            print_line(&format!("  hint: {hint}"));
        }
    }
}

/// Prints a line. Nothing depends on it, so a closed stderr is no failure.
pub(crate) fn print_line(line: &str) {
    let line = without_keys(line);
    let line = one_line(&line);
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Prints a key that was asked for, this once.
#[cfg(feature = "server")]
pub(crate) fn key(key: &str) {
    drop(writeln!(std::io::stderr(), "{key}"));
}

/// Prints what is wrong with the command line, which may hold a key in the wrong place.
pub(crate) fn usage(text: &str) {
    let text = without_keys(text);
    let text = text.replace(|c| is_unsafe(c) && c != '\n', "\u{fffd}");
    drop(write!(std::io::stderr(), "{text}"));
}

/// A key in the wrong place, such as a file's name, is still a key.
pub(crate) fn without_keys(text: &str) -> String {
    redact_keys(text, redact)
}

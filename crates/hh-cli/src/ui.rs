//! What people are told, on stderr.

use std::io::Write as _;

use hh_sdk::auth::mask;
use hh_sdk::config::mask_keys;

use crate::error::CliError;
use crate::output::one_line;

/// Prints a failure, in as many lines as there are mistakes.
pub(crate) fn error(error: &CliError) {
    for message in error.messages() {
        say(&format!("error: {message}"));
    }
}

/// Prints a line. Nothing depends on it, so a closed stderr is no failure.
pub(crate) fn say(line: &str) {
    let line = one_line(without_keys(line));
    drop(writeln!(std::io::stderr(), "{line}"));
}

/// Prints a key that was asked for, this once.
pub(crate) fn key(key: &str) {
    drop(writeln!(std::io::stderr(), "{key}"));
}

/// Prints what is wrong with the command line, which may hold a key in the wrong place.
pub(crate) fn usage(text: &str) {
    drop(write!(std::io::stderr(), "{}", without_keys(text)));
}

/// A key in the wrong place, such as a file's name, is still a key.
pub(crate) fn without_keys(text: &str) -> String {
    mask_keys(text, mask)
}

//! What people are told, on stderr.

use crate::error::CliError;

/// Prints a failure.
pub(crate) fn error(error: &CliError) {
    say(&format!("error: {error}"));
}

/// Prints a line. Nothing depends on it, so a closed stderr is no failure.
pub(crate) fn say(line: &str) {
    use std::io::Write as _;

    drop(writeln!(std::io::stderr(), "{line}"));
}

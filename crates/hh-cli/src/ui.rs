//! What people are told, on stderr.

use std::io::Write as _;

use hh_sdk::auth::mask;

use crate::error::CliError;
use crate::output::one_line;

/// Prints a failure.
pub(crate) fn error(error: &CliError) {
    say(&format!("error: {error}"));
}

/// Prints a line. Nothing depends on it, so a closed stderr is no failure.
pub(crate) fn say(line: &str) {
    drop(writeln!(std::io::stderr(), "{}", one_line(line.to_owned())));
}

/// Prints what is wrong with the command line, which may hold a key in the wrong place.
pub(crate) fn usage(text: &str) {
    drop(write!(std::io::stderr(), "{}", without_keys(text)));
}

/// Masks every word that begins as a key does.
fn without_keys(text: &str) -> String {
    let is_word = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    let mut shown = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(start) = rest.find("hh_") {
        let (before, word) = rest.split_at(start);
        let end = word.find(|c| !is_word(c)).unwrap_or(word.len());
        shown.push_str(before);
        shown.push_str(&mask(&word[..end]));
        rest = &word[end..];
    }
    shown.push_str(rest);
    shown
}

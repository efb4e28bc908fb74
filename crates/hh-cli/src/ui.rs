//! Prints errors, notes and warnings to stderr.

use std::io::{self, Write as _};

use anstyle::{AnsiColor, Style};
use hh_sdk::auth::redact;
use hh_sdk::config::redact_keys;
use hh_text::{is_unsafe, one_line};

use crate::args::ColorChoice;
use crate::error::CliError;

/// The labels at the beginning of a line that have a color.
const LABELS: [(&str, AnsiColor); 3] = [
    ("error:", AnsiColor::Red),
    ("warning:", AnsiColor::Yellow),
    ("  hint:", AnsiColor::Cyan),
];

/// Sets when colors are printed. `Auto` obeys `NO_COLOR`, `CLICOLOR`, `CLICOLOR_FORCE` and `TERM`.
pub(crate) fn set_colors(choice: ColorChoice) {
    match choice {
        ColorChoice::Auto => anstream::ColorChoice::Auto,
        ColorChoice::Always => anstream::ColorChoice::Always,
        ColorChoice::Never => anstream::ColorChoice::Never,
    }
    .write_global();
}

/// Returns a text with escape sequences for a color. Print it only to the streams of `anstream`, which remove the
/// sequences where colors are off.
pub(crate) fn colored(text: &str, color: AnsiColor) -> String {
    let style = Style::new().fg_color(Some(color.into())).bold();
    format!("{style}{text}{style:#}")
}

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
    let line = safe(line);
    let label = LABELS.iter().find(|(label, _)| line.starts_with(label));
    let line = match label {
        Some((label, color)) => {
            let (_, rest) = line.split_at(label.len());
            format!("{}{rest}", colored(label, *color))
        }
        None => line,
    };
    drop(writeln!(anstream::stderr(), "{line}"));
}

/// Prints a question with API keys redacted. The answer is typed on the same line.
pub(crate) fn print_prompt(question: &str) -> io::Result<()> {
    let mut prompt = anstream::stderr();
    write!(prompt, "{}", safe(question))?;
    prompt.flush()
}

/// Prints what a command has done, with API keys redacted. The first word is a past participle.
pub(crate) fn print_success(line: &str) {
    let line = safe(line);
    let (verb, rest) = line.split_at(line.find(' ').unwrap_or(line.len()));
    let verb = colored(verb, AnsiColor::Green);
    drop(writeln!(anstream::stderr(), "{verb}{rest}"));
}

/// Returns a line without API keys and unsafe characters.
fn safe(line: &str) -> String {
    one_line(&without_keys(line)).into_owned()
}

/// Prints a new key without redaction.
#[cfg(feature = "server")]
pub(crate) fn key(key: &str) {
    drop(writeln!(io::stderr(), "{key}"));
}

/// Prints a usage error, with API keys redacted, because the command line may contain a key in the wrong place.
pub(crate) fn usage(text: &str) {
    let text = without_keys(text);
    let text = text.replace(|c| is_unsafe(c) && c != '\n', "\u{fffd}");
    for line in text.lines() {
        print_line(line);
    }
}

/// Redacts the API keys in a text. Keys may occur in unexpected places, such as file names.
pub(crate) fn without_keys(text: &str) -> String {
    redact_keys(text, redact)
}

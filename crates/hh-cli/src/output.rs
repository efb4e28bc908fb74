//! Prints results to stdout, as text or in a format for programs.

mod csv;
mod document;
mod jq;
mod outline;
mod pager;
mod printer;
mod progress;
mod screen;
mod stream;
mod table;
mod time;
mod width;
mod yaml;

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use anstyle::AnsiColor;
use hh_text::{escape_json, one_line};
use serde::Serialize;

use crate::error::CliError;
use crate::ui::colored;

pub(crate) use outline::outline;
pub(crate) use pager::Pager;
pub(crate) use printer::{List, Printer};
pub(crate) use progress::Progress;
pub(crate) use screen::Screen;
pub(crate) use stream::{RowFormat, RowWriter};
pub(crate) use table::{Column, Table};
pub(crate) use time::duration;
pub(crate) use width::{columns, cut};

/// Prints lines, with unsafe characters replaced.
pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), CliError> {
    let mut out = stdout();
    for line in lines {
        writeln!(out, "{}", one_line(line.as_ref()))?;
    }
    Ok(out.flush()?)
}

/// Prints a line that begins with a state, which has a color on a terminal. Unsafe characters are replaced.
pub(crate) fn state_line(
    state: &str,
    color: Option<AnsiColor>,
    rest: &str,
) -> Result<(), CliError> {
    let state = match color {
        Some(color) => colored(state, color),
        None => state.to_owned(),
    };
    let mut out = anstream::stdout();
    writeln!(out, "{state}{}", one_line(rest))?;
    Ok(out.flush()?)
}

/// Prints a text without replacing unsafe characters, followed by a line break.
pub(crate) fn verbatim(text: &str) -> Result<(), CliError> {
    let mut out = stdout();
    writeln!(out, "{text}")?;
    Ok(out.flush()?)
}

/// Returns a buffered standard output, because the standard library flushes it after every line.
fn stdout() -> impl Write {
    BufWriter::with_capacity(32 * 1024, io::stdout().lock())
}

/// Returns a value as indented JSON, with unsafe characters escaped.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(match escape_json(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => escaped,
    })
}

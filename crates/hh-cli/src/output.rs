//! Data on stdout: tables for people, JSON for programs.

use std::io::{self, Write as _};

use comfy_table::presets::NOTHING;
use comfy_table::{ContentArrangement, Table};
use jiff::Timestamp;
use serde::Serialize;

use crate::error::CliError;

/// Prints lines.
pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    for line in lines {
        writeln!(out, "{}", line.as_ref())?;
    }
    Ok(out.flush()?)
}

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    let mut out = io::stdout().lock();
    serde_json::to_writer_pretty(&mut out, value)?;
    writeln!(out)?;
    Ok(out.flush()?)
}

/// Prints rows below a header, in columns.
pub(crate) fn table<const N: usize>(
    header: [&str; N],
    rows: impl IntoIterator<Item = [String; N]>,
) -> Result<(), CliError> {
    let mut table = Table::new();
    table
        .load_style(NOTHING)
        .set_content_arrangement(ContentArrangement::Disabled)
        .set_header(header);
    for row in rows {
        table.add_row(row.map(one_line));
    }
    for column in table.column_iter_mut() {
        column.set_padding((0, 2));
    }
    lines(table.lines().map(|line| line.trim_end().to_owned()))
}

/// Names come from other people: no line break, no control character reaches the terminal.
pub(crate) fn one_line(text: String) -> String {
    if text.contains(char::is_control) {
        text.replace(char::is_control, "\u{fffd}")
    } else {
        text
    }
}

/// Shows a time in Unix milliseconds, to the second.
pub(crate) fn time(millis: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time beyond the range is shown as unknown"
    )]
    let seconds = Timestamp::from_second((millis / 1e3) as i64);
    seconds.map_or_else(|_| "unknown".to_owned(), |time| time.to_string())
}

/// Shows a duration in milliseconds, with as many digits as say something.
pub(crate) fn duration(millis: f64) -> String {
    match millis {
        ms if ms < 10.0 => format!("{ms:.2} ms"),
        ms if ms < 1000.0 => format!("{ms:.0} ms"),
        ms => format!("{:.1} s", ms / 1e3),
    }
}

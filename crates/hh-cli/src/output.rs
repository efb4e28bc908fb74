//! Prints data to stdout, as tables or JSON.

use std::borrow::Cow;
use std::io::{self, BufWriter, Write};

use hh_text::{escape_json, one_line};
use jiff::Timestamp;
use serde::Serialize;
use unicode_width::UnicodeWidthStr as _;

use crate::error::CliError;

/// Prints lines, with unsafe characters replaced.
pub(crate) fn lines(lines: impl IntoIterator<Item = impl AsRef<str>>) -> Result<(), CliError> {
    let mut out = stdout();
    for line in lines {
        writeln!(out, "{}", one_line(line.as_ref()))?;
    }
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

/// Prints a value as indented JSON.
pub(crate) fn json(value: &impl Serialize) -> Result<(), CliError> {
    verbatim(&json_text(value)?)
}

/// Returns a value as indented JSON, with unsafe characters escaped.
pub(crate) fn json_text(value: &impl Serialize) -> Result<String, CliError> {
    let text = serde_json::to_string_pretty(value)?;
    Ok(match escape_json(&text) {
        Cow::Borrowed(_) => text,
        Cow::Owned(escaped) => escaped,
    })
}

/// Prints a header and rows, in columns that are as wide as their widest cell.
pub(crate) fn table<'a, const N: usize>(
    header: [&'a str; N],
    rows: impl IntoIterator<Item = [impl Into<Cow<'a, str>>; N]>,
) -> Result<(), CliError> {
    let rows = rows
        .into_iter()
        .map(|row| row.map(|text| cell(text.into())));
    let header = header.map(Cow::Borrowed);
    let rows: Vec<[Cow<'_, str>; N]> = std::iter::once(header).chain(rows).collect();
    let mut widths = [0; N];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = (*width).max(columns(cell));
        }
    }
    let mut out = stdout();
    for row in &rows {
        // Padding is written only before the next cell, so that no line ends with spaces.
        let mut missing = 0;
        for (cell, width) in row.iter().zip(widths) {
            if !cell.is_empty() {
                out.write_all(" ".repeat(missing).as_bytes())?;
                out.write_all(cell.as_bytes())?;
                missing = 0;
            }
            missing += width - columns(cell) + GAP;
        }
        writeln!(out)?;
    }
    Ok(out.flush()?)
}

/// Returns the width of a text on a terminal, in columns. ASCII text needs no lookup.
fn columns(text: &str) -> usize {
    if text.is_ascii() {
        text.len()
    } else {
        text.width()
    }
}

/// The number of spaces between columns.
const GAP: usize = 2;

/// The maximum length of a cell, in characters. Longer cells are shortened to keep the other columns visible.
const MAX_CELL: usize = 120;

/// Returns the text of a cell, shortened and with unsafe characters replaced.
fn cell(text: Cow<'_, str>) -> Cow<'_, str> {
    let is_usual = text.bytes().all(|byte| (b' '..=b'~').contains(&byte));
    if is_usual && text.len() <= MAX_CELL {
        return text;
    }
    Cow::Owned(shorten(&one_line(&text), MAX_CELL))
}

/// Shortens a text to at most `length` characters.
pub(crate) fn shorten(text: &str, length: usize) -> String {
    match text.char_indices().nth(length) {
        None => text.to_owned(),
        Some(_) => text.chars().take(length - 1).chain(['…']).collect(),
    }
}

/// Formats a time, given in Unix milliseconds.
pub(crate) fn time(millis: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a time out of range is printed as unknown"
    )]
    let time = Timestamp::from_millisecond(millis as i64);
    match time {
        Ok(time) if millis > 0.0 => format!("{time:.3}"),
        Ok(_) | Err(_) => "-".to_owned(),
    }
}

/// Formats a duration, given in milliseconds, with the significant digits.
pub(crate) fn duration(millis: f64) -> String {
    match millis {
        ms if ms < 9.995 => format!("{ms:.2} ms"),
        ms if ms < 999.5 => format!("{ms:.0} ms"),
        ms if ms < 59_950.0 => format!("{:.1} s", ms / 1e3),
        ms => {
            let (hours, minutes) = ((ms / 3.6e6).floor(), (ms / 6e4).floor());
            if hours < 1.0 {
                format!("{minutes} min {:.0} s", (ms / 1e3).floor() % 60.0)
            } else {
                format!("{hours} h {} min", minutes % 60.0)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_times_and_names() {
        let shown = [
            0.0,
            9.99,
            9.996,
            999.4,
            999.6,
            59_949.0,
            59_990.0,
            125_000.0,
            7_320_000.0,
        ];
        insta::assert_snapshot!(shown.map(duration).join(", "), @"0.00 ms, 9.99 ms, 10 ms, 999 ms, 1.0 s, 59.9 s, 0 min 59 s, 2 min 5 s, 2 h 2 min");
        insta::assert_snapshot!([1.0, 1_795_461_676_002.5, 0.0, f64::MAX].map(time).join(", "), @"1970-01-01T00:00:00.001Z, 2026-11-23T19:21:16.002Z, -, -");
        assert_eq!(
            cell("a\n\u{1b}[31m\u{202e}b".into()),
            "a\u{fffd}\u{fffd}[31m\u{fffd}b"
        );
        assert_eq!(shorten("abcdef", 4), "abc…");
        assert_eq!(shorten("abcd", 4), "abcd");
    }
}

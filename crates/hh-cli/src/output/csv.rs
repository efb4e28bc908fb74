//! Writes results as CSV (RFC 4180, with `\n` as the line break): a header, then one record for each row.

use std::io;

use jaq_json::Val;

use super::document::{member, text};
use crate::error::CliError;

/// Returns the fields with these names as CSV. A null is an empty cell, and an object or a list is compact JSON.
pub(crate) fn csv(rows: &[Val], names: &[String]) -> Result<String, CliError> {
    if names.is_empty() {
        return Ok(String::new());
    }
    let mut text = header(names)?;
    text.push_str(&records(rows, names)?);
    text.truncate(text.trim_end_matches('\n').len());
    Ok(text)
}

/// Returns the record with the names of the fields.
pub(crate) fn header(names: &[String]) -> Result<String, CliError> {
    write(std::iter::once(names.to_vec()))
}

/// Returns a record for each row.
pub(crate) fn records(rows: &[Val], names: &[String]) -> Result<String, CliError> {
    write(rows.iter().map(|row| {
        let cells = names
            .iter()
            .map(|name| member(row, name).map_or_else(String::new, text));
        cells.collect()
    }))
}

fn write(records: impl Iterator<Item = Vec<String>>) -> Result<String, CliError> {
    let mut writer = csv::Writer::from_writer(Vec::new());
    for record in records {
        writer.write_record(record).map_err(io::Error::from)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

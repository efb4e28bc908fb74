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
    let mut writer = csv::Writer::from_writer(Vec::new());
    writer.write_record(names).map_err(io::Error::from)?;
    for row in rows {
        let cells = names
            .iter()
            .map(|name| member(row, name).map_or_else(String::new, text));
        writer.write_record(cells).map_err(io::Error::from)?;
    }
    let bytes = writer
        .into_inner()
        .map_err(|error| io::Error::other(error.to_string()))?;
    Ok(String::from_utf8_lossy(&bytes)
        .trim_end_matches('\n')
        .to_owned())
}

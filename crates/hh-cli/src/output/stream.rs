//! Renders the rows of a long result, a few at a time.

use hh_text::escape_json;
use serde::{Deserialize, Serialize};

use super::{csv, document};
use crate::error::CliError;

/// A format that has one record for each row.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum RowFormat {
    /// One JSON value per line.
    Jsonl,
    /// Comma-separated values with a header.
    Csv,
}

/// Renders rows with all fields or with the selected ones.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct RowWriter {
    format: RowFormat,
    /// The fields of a row, in their order.
    fields: Vec<String>,
    /// Whether the rows have other fields, too.
    is_selection: bool,
}

impl RowWriter {
    /// Creates a writer of rows with these fields.
    pub(super) fn new(format: RowFormat, fields: Vec<String>, is_selection: bool) -> Self {
        Self {
            format,
            fields,
            is_selection,
        }
    }

    /// Returns the text before the first row.
    pub(crate) fn header(&self) -> Result<String, CliError> {
        match self.format {
            RowFormat::Jsonl => Ok(String::new()),
            RowFormat::Csv => csv::header(&self.fields),
        }
    }

    /// Returns rows as text. Each record ends with a line break.
    pub(crate) fn rows<T: Serialize>(&self, rows: &[T]) -> Result<String, CliError> {
        if self.format == RowFormat::Csv {
            let rows = rows.iter().map(document::value);
            return csv::records(&rows.collect::<Result<Vec<_>, _>>()?, &self.fields);
        }
        let mut text = String::new();
        for row in rows {
            let row = if self.is_selection {
                document::select(&document::value(row)?, &self.fields).to_string()
            } else {
                serde_json::to_string(row)?
            };
            text.push_str(&escape_json(&row));
            text.push('\n');
        }
        Ok(text)
    }
}

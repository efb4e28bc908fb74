//! Prints the result of a command in the selected format.

use std::cell::Cell;

use hh_text::{escape_json, is_unsafe, one_line};
use jaq_json::Val;
use serde::Serialize;

use super::pager::Pager;
use super::screen::Screen;
use super::stream::{RowFormat, RowWriter};
use super::{csv, document, jq, json_text, verbatim, yaml};
use crate::args::Format;
use crate::error::CliError;

/// The note for a filter that treats a list as an array.
const LIST_NOTE: &str =
    "note: a list is an object; use .items[0] for its first element, or .items[] for all elements";

/// The member of a list that contains its rows.
const ITEMS: &str = "items";

/// One page of results.
#[derive(Serialize)]
pub(crate) struct List<'a, T> {
    pub(crate) items: &'a [T],
    /// The number of results on all pages; `None` if it is unknown.
    pub(crate) total: Option<u64>,
    /// The number of the next page; `None` if this is the last one.
    pub(crate) next: Option<u32>,
    /// The fields that an item does not have if they have no value.
    #[serde(skip)]
    pub(crate) optional: &'static [&'static str],
}

impl<'a, T> List<'a, T> {
    /// Creates a list of all results.
    pub(crate) fn complete(items: &'a [T]) -> Self {
        Self {
            items,
            total: Some(items.len() as u64),
            next: None,
            optional: &[],
        }
    }

    /// Returns the list with the names of the fields that an item does not have if they have no value.
    pub(crate) fn with_optional(self, optional: &'static [&'static str]) -> Self {
        Self { optional, ..self }
    }
}

/// Which part of a result consists of rows.
#[derive(Clone, Copy)]
enum Rows {
    /// The items of a list, with their optional fields.
    Items(&'static [&'static str]),
    /// A member of a report.
    Member(&'static str),
    /// The result is one row.
    Whole,
}

/// Prints the result of a command.
pub(crate) struct Printer {
    format: Format,
    fields: Vec<String>,
    jq: Option<String>,
    screen: Screen,
    pager: Pager,
    has_printed: Cell<bool>,
    note: Cell<Option<&'static str>>,
}

impl Printer {
    /// Creates a printer. `fields` selects fields of each row, and `jq` is a filter for the whole result.
    pub(crate) fn new(
        format: Format,
        fields: Vec<String>,
        jq: Option<String>,
        screen: Screen,
        pager: Pager,
    ) -> Self {
        Self {
            format,
            fields,
            jq,
            screen,
            pager,
            has_printed: Cell::new(false),
            note: Cell::new(None),
        }
    }

    /// Returns a note about the last result.
    pub(crate) fn note(&self) -> Option<&'static str> {
        self.note.get()
    }

    /// Returns whether text is printed, not a format for programs.
    pub(crate) fn is_text(&self) -> bool {
        self.format == Format::Table
    }

    /// Checks that the options select a field of a result that is printed only once.
    pub(crate) fn check_prints(&self, field: &str) -> Result<(), CliError> {
        self.jq.as_deref().map_or(Ok(()), jq::check)?;
        let is_left_out = !self.fields.is_empty() && !self.fields.iter().any(|one| one == field);
        // A filter that does not name the field can print it only as part of the whole result.
        let drops = |filter: &str| filter.trim() != "." && !filter.contains(field);
        let option = if is_left_out {
            "--json"
        } else if self.jq.as_deref().is_some_and(drops) {
            "--jq"
        } else {
            return Ok(());
        };
        let message =
            format!("{option} does not select the field {field}, which is printed only once");
        Err(CliError::usage(message)
            .with_hint(format!("add {field} to {option}, or use --key-file")))
    }

    /// Returns the options that have no effect, because the command has printed no result.
    pub(crate) fn unused_options(&self) -> Vec<&'static str> {
        let options = [
            (!self.fields.is_empty(), "--json"),
            (self.jq.is_some(), "--jq"),
        ];
        let unused = options
            .into_iter()
            .filter(|(is_set, _)| *is_set && !self.has_printed.get());
        unused.map(|(_, option)| option).collect()
    }

    /// Prints a list, or the lines of `text` in the table format.
    pub(crate) fn list<T: Serialize>(
        &self,
        list: &List<'_, T>,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        self.print(list, Rows::Items(list.optional), text)
    }

    /// Prints an object, or the lines of `text` in the table format.
    pub(crate) fn object<T: Serialize>(
        &self,
        object: &T,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        self.print(object, Rows::Whole, text)
    }

    /// Prints an object whose member `rows` is a list, which CSV and JSON lines consist of.
    pub(crate) fn report<T: Serialize>(
        &self,
        report: &T,
        rows: &'static str,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        self.print(report, Rows::Member(rows), text)
    }

    /// Prints an object in the formats for programs. Users read the message of the command instead.
    pub(crate) fn data(&self, object: &impl Serialize) -> Result<(), CliError> {
        self.object(object, |_| Vec::new())
    }

    /// Returns a writer for a result of any length, whose rows can have these fields.
    pub(crate) fn stream(&self, format: RowFormat, names: &[&str]) -> Result<RowWriter, CliError> {
        self.has_printed.set(true);
        let names: Vec<_> = names.iter().map(|name| (*name).to_owned()).collect();
        if self.fields.is_empty() {
            return Ok(RowWriter::new(format, names, false));
        }
        match self.fields.iter().find(|field| !names.contains(field)) {
            Some(unknown) => Err(unknown_field(unknown, &names)),
            None => Ok(RowWriter::new(format, self.fields.clone(), true)),
        }
    }

    /// Returns whether standard output is a terminal.
    pub(crate) fn is_on_terminal(&self) -> bool {
        self.screen.is_terminal()
    }

    fn print<T: Serialize>(
        &self,
        result: &T,
        rows: Rows,
        text: impl FnOnce(&Screen) -> Vec<String>,
    ) -> Result<(), CliError> {
        self.has_printed.set(true);
        if self.format == Format::Table {
            let lines = text(&self.screen);
            return self.pager.print(&lines, &self.screen);
        }
        if self.format == Format::Json && self.fields.is_empty() && self.jq.is_none() {
            return verbatim(&json_text(result)?);
        }
        self.print_value(document::value(result)?, rows)
    }

    /// Prints a result in a format for programs.
    fn print_value(&self, result: Val, rows: Rows) -> Result<(), CliError> {
        let result = self.selected(result, rows)?;
        if let Some(filter) = &self.jq {
            let is_list = !matches!(rows, Rows::Whole);
            let mut is_null = true;
            let outcome = jq::apply(filter, result, |output| {
                is_null &= output == "null";
                verbatim(&self.safe(output))
            });
            // jq rejects an index of an object, but this implementation returns null.
            let is_index = filter.trim_start().starts_with(".[");
            if is_list && is_index && is_null {
                self.note.set(Some(LIST_NOTE));
            }
            return outcome;
        }
        let member = |name| document::member(&result, name).map_or(&[][..], document::elements);
        let (rows, optional) = match rows {
            Rows::Items(optional) => (member(ITEMS), optional),
            // The selected fields are those of the report.
            Rows::Member(name) if self.fields.is_empty() => (member(name), &[][..]),
            Rows::Member(_) | Rows::Whole => (document::rows(&result), &[][..]),
        };
        match self.format {
            Format::Jsonl => {
                for row in rows {
                    verbatim(&escape_json(&row.to_string()))?;
                }
                Ok(())
            }
            Format::Csv => match csv::csv(rows, &self.columns(rows, optional))? {
                csv if csv.is_empty() => Ok(()),
                csv => verbatim(&self.safe(csv)),
            },
            Format::Yaml => verbatim(&yaml::yaml(&result)?),
            Format::Json | Format::Table => verbatim(&escape_json(&document::indented(&result)?)),
        }
    }

    /// Returns the selected fields, or else all fields of rows.
    fn columns(&self, rows: &[Val], optional: &[&str]) -> Vec<String> {
        if self.fields.is_empty() {
            return document::field_names(rows, optional);
        }
        self.fields.clone()
    }

    /// Selects the fields of the items of a list, or of the object itself.
    fn selected(&self, result: Val, rows: Rows) -> Result<Val, CliError> {
        if self.fields.is_empty() {
            return Ok(result);
        }
        let Rows::Items(optional) = rows else {
            let rows = document::rows(&result);
            self.check_fields(rows, &[])?;
            return match &result {
                Val::Arr(_) => Ok(rows
                    .iter()
                    .map(|row| document::select(row, &self.fields))
                    .collect()),
                Val::Obj(_) => Ok(document::select(&result, &self.fields)),
                Val::Null | Val::Bool(_) | Val::Num(_) | Val::BStr(_) | Val::TStr(_) => Err(
                    CliError::usage("--json selects fields, but the result is not an object"),
                ),
            };
        };
        let items = document::member(&result, ITEMS).map_or(&[][..], document::elements);
        self.check_fields(items, optional)?;
        let items = items
            .iter()
            .map(|item| document::select(item, &self.fields));
        let items: Val = items.collect();
        Ok(document::with_member(&result, ITEMS, items))
    }

    /// Returns an error if rows cannot have one of the selected fields. Without rows, the fields are unknown.
    fn check_fields(&self, rows: &[Val], optional: &[&str]) -> Result<(), CliError> {
        let names = document::field_names(rows, optional);
        let unknown = self.fields.iter().find(|field| !names.contains(field));
        match unknown {
            Some(unknown) if !names.is_empty() => Err(unknown_field(unknown, &names)),
            _ => Ok(()),
        }
    }

    /// Replaces unsafe characters except line breaks if a terminal would obey them.
    pub(crate) fn safe(&self, text: String) -> String {
        if self.screen.is_terminal() && text.contains(is_unsafe) {
            let line = |line: &str| one_line(line.trim_end_matches('\r')).into_owned();
            let lines = text.split('\n').map(line);
            return lines.collect::<Vec<_>>().join("\n");
        }
        text
    }
}

/// Returns the error for a selected field that no row has.
fn unknown_field(unknown: &str, names: &[String]) -> CliError {
    let message = format!("invalid value for --json: unknown field {unknown}");
    let hint = format!("use some of these fields: {}", names.join(", "));
    CliError::usage(message).with_hint(hint)
}

//! Implements `honeyhive config list`.

use clap::Args;
use hh_sdk::config::Explanation;

use super::layers::{layers, result};
use super::record::Record;
use crate::context::Context;
use crate::error::CliError;
use crate::output::{Column, List, Table};

/// The fields that a record does not have if they have no value.
const OPTIONAL: [&str; 6] = [
    "file",
    "line",
    "column",
    "used_variables",
    "secret_file",
    "problem",
];

#[derive(Args)]
pub(crate) struct Arguments {
    /// Include shadowed values and settings that are not implemented yet
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let layers = layers(context);
    let explained = layers.stack.explain();
    let is_listed = |setting: &&Explanation| {
        arguments.all || setting.is_set() || !setting.name.spec().is_planned()
    };
    let records: Vec<_> = explained
        .iter()
        .filter(is_listed)
        .map(Record::new)
        .collect();
    context.printer().list(
        &List::complete(&records).with_optional(&OPTIONAL),
        |screen| {
            let columns = [
                Column::whole("SETTING"),
                Column::text("VALUE"),
                Column::text("SOURCE"),
            ];
            let mut rows = Vec::with_capacity(records.len());
            for record in &records {
                rows.push([record.name, record.display_value(), &record.source]);
                let shadowed = record.shadowed().iter().filter(|_| arguments.all);
                rows.extend(shadowed.map(|shadowed| {
                    let value = shadowed.value.as_deref().unwrap_or("-");
                    ["  shadowed", value, &shadowed.source]
                }));
            }
            Table::new(columns, rows).lines(screen)
        },
    )?;
    result(layers)
}

//! `honeyhive config list`

use clap::Args;

use super::record::Record;
use super::{is_json, layers, result};
use crate::context::Context;
use crate::error::CliError;
use crate::output;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Show also the values that others shadow
    #[arg(long)]
    all: bool,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let layers = layers(context, &context.options());
    let explained = layers.stack.explain();
    let records: Vec<_> = explained.iter().map(Record::new).collect();
    if is_json(&layers.stack) {
        output::json(&records)?;
    } else {
        let mut rows = Vec::with_capacity(records.len());
        for record in &records {
            rows.push([record.name, record.shown(), &record.source]);
            let shadowed = record.shadowed().iter().filter(|_| arguments.all);
            rows.extend(shadowed.map(|shadowed| {
                let value = shadowed.value.as_deref().unwrap_or("-");
                ["  shadowed", value, &shadowed.source]
            }));
        }
        output::table(["SETTING", "VALUE", "SOURCE"], rows)?;
    }
    result(layers)
}

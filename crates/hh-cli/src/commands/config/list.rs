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
    let layers = layers(context);
    let explained = layers.stack.explain();
    let records: Vec<_> = explained.iter().map(Record::new).collect();
    if is_json(&layers.stack) {
        output::json(&records)?;
    } else {
        let mut rows = Vec::new();
        for record in records {
            rows.push([
                record.name.to_owned(),
                record.shown(),
                record.source.clone(),
            ]);
            let shadowed = record.shadowed().iter().filter(|_| arguments.all);
            rows.extend(shadowed.map(|shadowed| {
                let value = shadowed.value.clone().unwrap_or_else(|| "-".to_owned());
                ["  shadowed".to_owned(), value, shadowed.source.clone()]
            }));
        }
        output::table(["SETTING", "VALUE", "SOURCE"], rows)?;
    }
    result(layers)
}

//! `honeyhive config`

use clap::Subcommand;
use hh_sdk::auth::mask;
use hh_sdk::config::{Explained, Settings, Shown, Source, Stack, names};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;

#[derive(Subcommand)]
pub(crate) enum Command {
    /// List every setting, its value and where it came from
    List,
}

#[derive(Serialize)]
struct Row {
    name: &'static str,
    value: Option<String>,
    source: String,
    shadowed: Vec<String>,
}

pub(super) fn run(context: &Context, command: &Command) -> Result<(), CliError> {
    let Command::List = command;
    let layers = hh_sdk::layers(&context.options())?;
    for warning in layers.stack.warnings() {
        context.say(&format!("warning: {warning}"));
    }
    let rows = layers.stack.explain().into_iter().map(row);
    if is_json(&layers.stack) {
        output::json(&rows.collect::<Vec<_>>())?;
    } else {
        let rows = rows.map(|row| {
            let value = row.value.unwrap_or_else(|| "-".to_owned());
            [row.name.to_owned(), value, row.source]
        });
        output::table(["SETTING", "VALUE", "SOURCE"], rows)?;
    }
    // What is wrong is said after what there is: people come here to find it.
    if let Some(error) = layers.store_error {
        return Err(error.into());
    }
    Settings::from_stack(&layers.stack)
        .map(drop)
        .map_err(|error| CliError::new(Exit::Config, error.to_string()))
}

fn is_json(stack: &Stack) -> bool {
    let format = stack.text(names::OUTPUT_FORMAT).ok().flatten();
    format.is_some_and(|format| format.value.eq_ignore_ascii_case("json"))
}

fn row(explained: Explained) -> Row {
    let value = match explained.value {
        // A key in the wrong variable is still a key.
        Shown::Plain(text) if text.starts_with("hh_") => Some(mask(&text)),
        Shown::Plain(text) => Some(text),
        Shown::Secret(secret) => Some(masked(&secret)),
        Shown::Unset | _ => None,
    };
    let is_set = value.is_some() || explained.provenance.source() != Source::Default;
    Row {
        name: explained.name.as_str(),
        value,
        source: if is_set {
            explained.provenance.to_string()
        } else {
            "not set".to_owned()
        },
        shadowed: explained.shadowed.iter().map(ToString::to_string).collect(),
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the mask looks at the text to show its start"
)]
fn masked(secret: &secrecy::SecretString) -> String {
    mask(secret.expose_secret())
}

//! `honeyhive config`

use clap::Subcommand;
use hh_sdk::auth::mask;
use hh_sdk::config::{Explained, Shown, Source};
use secrecy::ExposeSecret as _;
use serde::Serialize;

use crate::context::{Context, wants_json};
use crate::error::CliError;
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
    let options = context.options();
    let connected = hh_sdk::load(&options)?;
    for warning in connected.stack.warnings() {
        context.say(&format!("warning: {warning}"));
    }
    let rows = connected.stack.explain().into_iter().map(row);
    if wants_json(&connected.settings) {
        return output::json(&rows.collect::<Vec<_>>());
    }
    let rows = rows.map(|row| {
        let value = row.value.unwrap_or_else(|| "-".to_owned());
        [row.name.to_owned(), value, row.source]
    });
    output::table(["SETTING", "VALUE", "SOURCE"], rows)
}

fn row(explained: Explained) -> Row {
    let value = match explained.value {
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

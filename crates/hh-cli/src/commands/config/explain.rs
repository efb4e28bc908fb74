//! Implements `honeyhive config explain`.

use clap::Args;
use hh_sdk::config::{Placement, RedactedValue, SettingSpec};
use serde::Serialize;

use super::find::find;
use super::layers::{layers, problems_of};
use super::record::Record;
use crate::context::Context;
use crate::error::CliError;
use crate::exit::Exit;
use crate::output;
use crate::ui::without_keys;

#[derive(Args)]
pub(crate) struct Arguments {
    /// Name of the setting, e.g. `timeout`, or one of its variables, e.g. `HH_TIMEOUT`
    name: String,
}

#[derive(Serialize)]
struct SettingDetails {
    #[serde(flatten)]
    record: Record,
    doc: &'static str,
    kind: String,
    default: Option<&'static str>,
    variables: Vec<String>,
    acts_on: &'static str,
}

pub(super) fn run(context: &Context, arguments: &Arguments) -> Result<(), CliError> {
    let name = find(&arguments.name)?;
    let layers = layers(context);
    let explained = layers.stack.explain_one(name);
    let declared = name.spec();
    let about = SettingDetails {
        record: Record::new(&explained),
        doc: declared.doc,
        kind: declared.kind.to_string(),
        default: declared.default,
        variables: variables(declared),
        acts_on: declared.acts_on.as_str(),
    };
    if context.is_json() {
        output::json(&about)?;
    } else {
        let mut lines = vec![format!("{name}: {}", declared.doc)];
        let mut line = |title: &str, text: &str| lines.push(format!("  {title:<12}{text}"));
        let value = about.record.value.as_deref();
        line(
            "value",
            value.unwrap_or(match &explained.value {
                RedactedValue::Invalid(_) => "invalid, see below",
                RedactedValue::Plain(_) | RedactedValue::Secret(_) | RedactedValue::Unset | _ => {
                    "not set"
                }
            }),
        );
        if explained.is_set() {
            line("from", &without_keys(&explained.provenance.to_string()));
        } else if declared.default.is_some() {
            line("from", "the default");
        }
        for shadowed in &explained.shadowed {
            let value = shadowed.value.text(hh_sdk::auth::redact);
            let value = value.unwrap_or_else(|| "(invalid)".to_owned());
            let place = without_keys(&shadowed.provenance.to_string());
            line("shadows", &format!("{value} from {place}"));
        }
        line("type", &about.kind);
        if let Some(default) = declared.default.filter(|_| explained.is_set()) {
            line("default", default);
        }
        if !about.variables.is_empty() {
            line("variables", &about.variables.join(", "));
        }
        match declared.place {
            Placement::Anywhere if declared.secret => {
                line("in files", &format!("{name}, or {name}_file with a path"));
            }
            Placement::Anywhere => line(
                "in files",
                &[&[declared.name], declared.aliases].concat().join(", "),
            ),
            Placement::OwnFiles => line(
                "in files",
                &format!("{name}, in a named file or the user's file"),
            ),
            Placement::OutsideFiles | _ => line("in files", "no"),
        }
        if declared.is_planned() {
            line("note", "not implemented yet");
        }
        output::lines(lines)?;
    }
    CliError::of_all(Exit::Config, problems_of(&layers, name))
}

fn variables(declared: &SettingSpec) -> Vec<String> {
    let own = declared.variables.iter();
    own.flat_map(|variable| {
        let file = declared.secret.then(|| format!("{variable}_FILE"));
        std::iter::once((*variable).to_owned()).chain(file)
    })
    .collect()
}

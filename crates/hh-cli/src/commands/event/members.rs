//! Parses the arguments that describe an event.

use clap::Args;
use hh_sdk::api::types::Object;
use serde_json::Value;
use uuid::Uuid;

use crate::error::CliError;
use crate::ui::without_keys;

// The options that add members to the objects of an event. A doc comment would become the description of the command.
#[derive(Args)]
pub(super) struct Members {
    /// Add a member to the metadata (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = member)]
    metadata: Vec<(String, Value)>,
    /// Add a member to the metrics (can be repeated)
    #[arg(long, alias = "metric", value_name = "NAME=VALUE", value_parser = member)]
    metrics: Vec<(String, Value)>,
    /// Add a member to the feedback (can be repeated)
    #[arg(long, value_name = "NAME=VALUE", value_parser = member)]
    feedback: Vec<(String, Value)>,
    /// Add a property of the user; the value is always a text (can be repeated)
    #[arg(
        long = "user-property",
        alias = "user-properties",
        value_name = "NAME=VALUE",
        value_parser = property
    )]
    user_properties: Vec<(String, Value)>,
}

impl Members {
    /// Returns the members of the metadata, the metrics, the feedback and the user properties.
    pub(super) fn into_objects(self) -> Result<[Object; 4], CliError> {
        Ok([
            object("--metadata", self.metadata)?,
            object("--metrics", self.metrics)?,
            object("--feedback", self.feedback)?,
            object("--user-property", self.user_properties)?,
        ])
    }
}

/// Returns the object with the members of an option.
pub(super) fn object(option: &str, members: Vec<(String, Value)>) -> Result<Object, CliError> {
    let mut object = Object::new();
    for (name, value) in members {
        if object.contains_key(&name) {
            return Err(CliError::usage(format!("{option} sets {name} twice")));
        }
        object.insert(name, value);
    }
    Ok(object)
}

/// Parses `NAME=VALUE`. A value that is valid JSON is that value, and any other value is a text. API keys are redacted.
pub(super) fn member(text: &str) -> Result<(String, Value), String> {
    let (name, text) = parts(text)?;
    let value = serde_json::from_str(&text)
        .ok()
        .filter(|value| !loses_digits(value, &text));
    Ok((name, value.unwrap_or_else(|| text.into())))
}

/// Parses `NAME=VALUE` of a user property. The value is a text, so that the same argument deletes the data of the user.
/// API keys are redacted.
fn property(text: &str) -> Result<(String, Value), String> {
    let (name, text) = parts(text)?;
    Ok((name, text.into()))
}

/// Splits `NAME=VALUE`, and redacts API keys.
fn parts(text: &str) -> Result<(String, String), String> {
    match without_keys(text).split_once('=') {
        Some((name, value)) if !name.is_empty() => Ok((name.to_owned(), value.to_owned())),
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Returns whether a value is a rounded whole number, because the number does not fit into 64 bits.
fn loses_digits(value: &Value, text: &str) -> bool {
    value.is_f64()
        && text
            .trim()
            .trim_start_matches('-')
            .bytes()
            .all(|byte| byte.is_ascii_digit())
}

/// Parses the id of an event.
pub(super) fn event_id(text: &str) -> Result<Uuid, String> {
    let id = Uuid::try_parse(text);
    id.map_err(|_| "expected the whole ID of an event (36 characters)".to_owned())
}

//! Parses the arguments that describe an event.

use clap::Args;
use hh_sdk::api::types::Object;
use serde_json::Value;
use uuid::Uuid;

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
    /// Add a property of the user (can be repeated)
    #[arg(
        long = "user-property",
        alias = "user-properties",
        value_name = "NAME=VALUE",
        value_parser = member
    )]
    user_properties: Vec<(String, Value)>,
}

impl Members {
    /// Returns the members of the metadata, the metrics, the feedback and the user properties.
    pub(super) fn into_objects(self) -> [Object; 4] {
        [
            self.metadata,
            self.metrics,
            self.feedback,
            self.user_properties,
        ]
        .map(|members| members.into_iter().collect())
    }
}

/// Parses `NAME=VALUE`. A value that is valid JSON is that value, and any other value is a text. API keys are redacted.
pub(super) fn member(text: &str) -> Result<(String, Value), String> {
    let text = without_keys(text);
    match text.split_once('=') {
        Some((name, value)) if !name.is_empty() => {
            let value = serde_json::from_str(value).unwrap_or_else(|_| value.into());
            Ok((name.to_owned(), value))
        }
        _ => Err("expected NAME=VALUE".to_owned()),
    }
}

/// Parses the id of an event.
pub(super) fn event_id(text: &str) -> Result<Uuid, String> {
    let id = Uuid::try_parse(text);
    id.map_err(|_| "expected the whole ID of an event (36 characters)".to_owned())
}

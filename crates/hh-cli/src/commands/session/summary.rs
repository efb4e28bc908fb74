//! Counts the events of a session.

use std::collections::BTreeMap;

use hh_sdk::EventKind;
use hh_sdk::api::types::{Event, Object};
use serde::Serialize;
use serde_json::Value;

/// The names of the number of tokens that a model has read, in the order of their precedence. A dot separates the names
/// of nested objects.
const PROMPT: [&str; 4] = [
    "prompt_tokens",
    "input_tokens",
    "usage.prompt_tokens",
    "usage.input_tokens",
];
/// The names of the number of tokens that a model has written.
const COMPLETION: [&str; 4] = [
    "completion_tokens",
    "output_tokens",
    "usage.completion_tokens",
    "usage.output_tokens",
];

/// What the events of a session consist of, without the session itself.
#[derive(Default, Serialize)]
pub(super) struct Summary {
    events: u64,
    /// The number of events of each type that occurs.
    types: BTreeMap<&'static str, u64>,
    /// The number of events with an error, including the session.
    errors: u64,
    prompt_tokens: u64,
    completion_tokens: u64,
}

impl Summary {
    /// Counts an event.
    pub(super) fn add(&mut self, event: &Event) {
        self.errors += u64::from(event.error.is_some());
        // The numbers of a session are sums of those of its events.
        if event.event_type == EventKind::Session {
            return;
        }
        self.events += 1;
        *self.types.entry(event.event_type.as_str()).or_default() += 1;
        self.prompt_tokens += tokens(event, &PROMPT);
        self.completion_tokens += tokens(event, &COMPLETION);
    }

    /// Returns one line of text for each fact.
    pub(super) fn lines(&self) -> [String; 3] {
        let types = self
            .types
            .iter()
            .map(|(kind, count)| format!("{count} {kind}"));
        let types = types.collect::<Vec<_>>().join(", ");
        let types = if types.is_empty() {
            types
        } else {
            format!(" ({types})")
        };
        let (prompt, completion) = (self.prompt_tokens, self.completion_tokens);
        [
            format!("Events: {}{types}", self.events),
            format!("Errors: {}", self.errors),
            format!(
                "Tokens: {} ({prompt} prompt, {completion} completion)",
                prompt.saturating_add(completion)
            ),
        ]
    }
}

/// Returns the number of tokens of an event with the first of these names that its metrics or its metadata contain.
fn tokens(event: &Event, names: &[&str]) -> u64 {
    let mut found = [&event.metrics, &event.metadata]
        .into_iter()
        .flat_map(|members| names.iter().filter_map(|name| number(members, name)));
    found.next().unwrap_or_default()
}

/// Returns the whole number at a path.
fn number(members: &Object, path: &str) -> Option<u64> {
    let value = match path.split_once('.') {
        Some((name, rest)) => members.get(name)?.get(rest),
        None => members.get(path),
    };
    match value? {
        Value::Number(number) => number.as_u64().or_else(|| whole(number.as_f64()?)),
        Value::Null | Value::Bool(_) | Value::String(_) | Value::Array(_) | Value::Object(_) => {
            None
        }
    }
}

/// Converts a number such as 3.0.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "the range is checked"
)]
fn whole(number: f64) -> Option<u64> {
    (0.0..1e12).contains(&number).then_some(number as u64)
}

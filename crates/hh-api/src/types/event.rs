use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Object;

/// What an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The session itself.
    Session,
    /// A step made of other steps.
    Chain,
    /// A call of a model.
    Model,
    /// A call of a tool.
    Tool,
}

impl EventKind {
    /// Every kind.
    pub const ALL: [Self; 4] = [Self::Session, Self::Chain, Self::Model, Self::Tool];

    /// Finds a kind by its name on the wire.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the name on the wire.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Session => "session",
            Self::Chain => "chain",
            Self::Model => "model",
            Self::Tool => "tool",
        }
    }
}

/// One event: a session or a step in it. Times are Unix milliseconds.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Event {
    /// Its id; a session's is the session id.
    pub event_id: Uuid,
    /// The session it belongs to.
    pub session_id: Uuid,
    /// The event above it, none for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// What it is.
    pub event_type: EventKind,
    /// Its name.
    pub event_name: String,
    /// The label of the deployment.
    #[serde(default)]
    pub source: String,
    /// The project it is in.
    pub project_id: String,
    /// Settings of the step.
    #[serde(default)]
    pub config: Object,
    /// What went in.
    #[serde(default)]
    pub inputs: Object,
    /// What came out.
    #[serde(default)]
    pub outputs: Object,
    /// What went wrong, if anything.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it began.
    pub start_time: f64,
    /// When it ended.
    pub end_time: f64,
    /// How long it took, in milliseconds.
    pub duration: f64,
    /// Anything else about it.
    #[serde(default)]
    pub metadata: Object,
    /// Scores.
    #[serde(default)]
    pub metrics: Object,
    /// What people said of it.
    #[serde(default)]
    pub feedback: Object,
    /// Who it was done for.
    #[serde(default)]
    pub user_properties: Object,
}

/// What is merged into an event: objects merge member by member, `outputs` replaces.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct EventPatch {
    /// The event.
    pub event_id: Uuid,
    /// Its project, for keys that apply to several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
    /// Merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Object>,
    /// Merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Object>,
    /// Merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Object>,
    /// Merged.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_properties: Option<Object>,
    /// Replaces; null keeps.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Object>,
    /// Milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
}

/// The answer to a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Updated {
    /// Always true.
    pub success: bool,
}

/// How a filter compares.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[non_exhaustive]
pub enum Operator {
    /// Equal.
    #[serde(rename = "is")]
    Is,
}

/// One condition on events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct Filter {
    /// `session_id` or `event_type`.
    pub field: String,
    /// How to compare.
    pub operator: Operator,
    /// What to compare with.
    pub value: Value,
    /// The type of the value, `string` or `id`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
}

impl Filter {
    /// Makes the condition that a field equals a text.
    #[must_use]
    pub fn is(field: &str, value: &str) -> Self {
        Self {
            field: field.to_owned(),
            operator: Operator::Is,
            value: Value::String(value.to_owned()),
            value_type: Some("string".to_owned()),
        }
    }
}

/// Which events to read.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct ExportEvents {
    /// The project, for keys that apply to several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// All must hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// A range of times; this server refuses it rather than ignore it.
    #[serde(rename = "dateRange", default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<Value>,
    /// Events on a page, 1 to 7,500; 1,000 unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The page, from 1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// A page of events, the latest start first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct EventList {
    /// The page.
    pub events: Vec<Event>,
    /// How many match in all. While more events follow, this server returns one more than the events on full pages up
    /// to this one.
    #[serde(rename = "totalEvents")]
    pub total_events: u64,
    /// The same, under the specification's name.
    pub count: u64,
    /// Whether the page has fewer events than the limit because they are large. The next page number begins after the
    /// limit, not after the last event returned: read on with a limit of at most the number of events returned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

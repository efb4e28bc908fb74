use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::Object;

/// The type of an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum EventKind {
    /// The session itself.
    Session,
    /// A step that consists of other steps.
    Chain,
    /// A call of a model.
    Model,
    /// A call of a tool.
    Tool,
}

impl EventKind {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Session, Self::Chain, Self::Model, Self::Tool];

    /// Finds a type by its name on the wire.
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
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Event {
    /// The id; the id of a session is its session id.
    pub event_id: Uuid,
    /// The session it belongs to.
    pub session_id: Uuid,
    /// The id of the parent event; absent for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// The type.
    pub event_type: EventKind,
    /// The name.
    pub event_name: String,
    /// The label of the deployment.
    #[serde(default)]
    pub source: String,
    /// The id of the project.
    pub project_id: String,
    /// The configuration of the step.
    #[serde(default)]
    pub config: Object,
    /// The inputs.
    #[serde(default)]
    pub inputs: Object,
    /// The outputs.
    #[serde(default)]
    pub outputs: Object,
    /// The error message, if the step failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// When it started, in Unix milliseconds.
    pub start_time: f64,
    /// When it ended, in Unix milliseconds.
    pub end_time: f64,
    /// The duration in milliseconds.
    pub duration: f64,
    /// Other data.
    #[serde(default)]
    pub metadata: Object,
    /// The metrics.
    #[serde(default)]
    pub metrics: Object,
    /// The feedback of users.
    #[serde(default)]
    pub feedback: Object,
    /// The properties of the user.
    #[serde(default)]
    pub user_properties: Object,
}

/// Changes of an event: objects are merged member by member, `outputs` is replaced.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct EventPatch {
    /// The id of the event.
    pub event_id: Uuid,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Merged into the stored object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
    /// Merged into the stored object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Object>,
    /// Merged into the stored object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Object>,
    /// Merged into the stored object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Object>,
    /// Merged into the stored object.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_properties: Option<Object>,
    /// Replaces the stored value; null keeps it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Object>,
    /// The duration in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// When it ended, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
}

/// The response to a change.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct Updated {
    /// Always true.
    pub success: bool,
}

/// The comparison of a filter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[non_exhaustive]
pub enum Operator {
    /// The field equals the value.
    #[serde(rename = "is")]
    Is,
}

/// One condition on events.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct Filter {
    /// `session_id` or `event_type`.
    pub field: String,
    /// The comparison.
    pub operator: Operator,
    /// The value to compare with.
    pub value: Value,
    /// The type of the value, `string` or `id`.
    #[serde(rename = "type", default, skip_serializing_if = "Option::is_none")]
    pub value_type: Option<String>,
}

impl Filter {
    /// Creates the condition that a field equals a text.
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

/// The selection of a page of events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct ExportEvents {
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The conditions, all of which must hold.
    #[serde(default)]
    pub filters: Vec<Filter>,
    /// A range of times; this server rejects it.
    #[serde(rename = "dateRange", default, skip_serializing_if = "Option::is_none")]
    pub date_range: Option<Value>,
    /// The number of events on a page, 1 to 7,500; 1,000 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limit: Option<u32>,
    /// The number of the page, from 1; 1 by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub page: Option<u32>,
}

/// A page of events, the latest start time first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server builds it, every member is on the wire"
)]
pub struct EventList {
    /// The events.
    pub events: Vec<Event>,
    /// The number of matches. While more events follow, this server returns one more than the number of events on full
    /// pages up to this one.
    #[serde(rename = "totalEvents")]
    pub total_events: u64,
    /// The same as `totalEvents`.
    pub count: u64,
    /// Whether the page has fewer events than the limit because they are large. The next page number begins after the
    /// limit, not after the last event returned: read on with a limit of at most the number of events returned.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

use serde::{Deserialize, Serialize};
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
    /// A call to a model.
    Model,
    /// A call to a tool.
    Tool,
}

impl EventKind {
    /// Every type.
    pub const ALL: [Self; 4] = [Self::Session, Self::Chain, Self::Model, Self::Tool];

    /// Returns the type with this name in the API; `None` for an unknown name.
    #[must_use]
    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// Returns the name in the API.
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

/// An event: a session, or a step in one.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Event {
    /// The id of the event. For a session, it is equal to the session id.
    pub event_id: Uuid,
    /// The id of the session.
    pub session_id: Uuid,
    /// The id of the parent event; absent for a session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<Uuid>,
    /// The type of the event.
    pub event_type: EventKind,
    /// The name of the event.
    pub event_name: String,
    /// The label of the deployment, such as `production`.
    #[serde(default)]
    pub source: String,
    /// The id of the project.
    pub project_id: String,
    /// The configuration of the step, such as the parameters of a model.
    #[serde(default)]
    pub config: Object,
    /// The inputs of the step.
    #[serde(default)]
    pub inputs: Object,
    /// The outputs of the step.
    #[serde(default)]
    pub outputs: Object,
    /// The error message, if the step failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The start time, in Unix milliseconds.
    pub start_time: f64,
    /// The end time, in Unix milliseconds.
    pub end_time: f64,
    /// The duration, in milliseconds.
    pub duration: f64,
    /// Additional data.
    #[serde(default)]
    pub metadata: Object,
    /// The metrics, such as scores.
    #[serde(default)]
    pub metrics: Object,
    /// The feedback of users.
    #[serde(default)]
    pub feedback: Object,
    /// Properties of the user of the session.
    #[serde(default)]
    pub user_properties: Object,
}

/// A change of an event. It replaces `outputs` and merges the other objects member by member.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct EventPatch {
    /// The id of the event.
    pub event_id: Uuid,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Members to merge into `metadata`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metadata: Option<Object>,
    /// Members to merge into `feedback`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub feedback: Option<Object>,
    /// Members to merge into `metrics`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub metrics: Option<Object>,
    /// Members to merge into `config`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub config: Option<Object>,
    /// Members to merge into `user_properties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub user_properties: Option<Object>,
    /// The new value of `outputs`; null does not change it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub outputs: Option<Object>,
    /// The duration, in milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// The end time, in Unix milliseconds.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
}

/// The response to an update.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Updated {
    /// Always true.
    pub success: bool,
}

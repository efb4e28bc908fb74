use serde::{Deserialize, Serialize};
use serde_json::Value;
use uuid::Uuid;

use super::common::{nullable, nullable_list};
use super::{EventKind, Object};

/// An event to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateEvent {
    /// The name of the project; required for keys that apply to several projects if there is no `project_id`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The id of the project.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project_id: Option<String>,
    /// The id of the event. The server creates a UUID of version 7 by default, and for a text that is not a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_id: Option<String>,
    /// The id of the session. The server creates a UUID by default, and derives one from a text that is not a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The id of the parent event; the session by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub parent_id: Option<String>,
    /// The ids of child events. A self-hosted server ignores them, because each child names its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children_ids: Option<Vec<String>>,
    /// The type of the event: `model`, `tool`, `chain` or `session`. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_type: Option<String>,
    /// The name of the event; `unknown` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The name of the session, for an event of the type `session` without `event_name`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The label of the deployment, such as `production`; `unknown` by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The configuration of the step, such as the parameters of a model.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub config: Object,
    /// The inputs of the step. Required.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub inputs: Option<Object>,
    /// The outputs of the step.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub outputs: Object,
    /// The error message, if the step failed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// The start time, in Unix milliseconds. By default, it is calculated from the end time and the duration. Without
    /// an end time, the event ends at the time of the request.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// The end time, in Unix milliseconds. By default, it is calculated from the start time and the duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
    /// The duration, in milliseconds.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// Additional data.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub metadata: Object,
    /// The metrics, such as scores.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub metrics: Object,
    /// The feedback of users.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub feedback: Object,
    /// Properties of the user of the session.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub user_properties: Object,
}

/// The properties of the session that a batch creates.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct SessionProperties {
    /// The name of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The label of the deployment, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The start time, in Unix milliseconds; the start of the first event by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// Additional data.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub metadata: Object,
    /// Properties of the user of the session.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub user_properties: Object,
}

/// Events to create.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateEvents {
    /// The events.
    pub events: Vec<CreateEvent>,
    /// Whether all events belong to one session, which the server starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_session: Option<bool>,
    /// An older name of `single_session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_single_session: Option<bool>,
    /// The properties of the session, if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_properties: Option<SessionProperties>,
    /// An older name of `session_properties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionProperties>,
}

/// Events to add to a session.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct AddSessionEvents {
    /// The id of the session. It replaces the session ids of the events.
    pub session_id: String,
    /// The events.
    #[serde(default, deserialize_with = "nullable_list")]
    pub events: Vec<CreateEvent>,
    /// An older name of `events`. A request has one of them.
    #[serde(
        default,
        deserialize_with = "nullable_list",
        skip_serializing_if = "Vec::is_empty"
    )]
    pub logs: Vec<CreateEvent>,
}

/// A call to a model to store as an event.
///
/// `messages`, `response`, `usage` and the parameters of the model become members of the inputs, the outputs, the
/// metadata and the configuration of the event. A member that the event has already is kept.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateModelEvent {
    /// The members of every event.
    #[serde(flatten)]
    pub event: CreateEvent,
    /// The model; stored as `config.model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model: Option<String>,
    /// The model; stored as `config.model` unless there is a `model`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_name: Option<String>,
    /// The version of the model; stored as `config.model_version`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub model_version: Option<String>,
    /// The provider of the model; stored as `config.provider`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provider: Option<String>,
    /// The messages to the model; stored as `inputs.chat_history`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub messages: Option<Value>,
    /// The response of the model. An object is stored as the outputs, and another value as `outputs.response`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response: Option<Value>,
    /// The numbers of tokens; stored in the metadata.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub usage: Object,
    /// The cost of the call; stored as `metadata.cost`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<Value>,
    /// The parameters of the model; stored as `config.hyperparameters`.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub hyperparameters: Object,
    /// The template of the prompt; stored as `config.template`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template: Option<Value>,
    /// The values for the template; members of the inputs if it is an object, and otherwise `inputs.template_inputs`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub template_inputs: Option<Value>,
    /// The tools that the model can call; stored as `config.tools`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tools: Option<Value>,
    /// The tool that the model must call; stored as `config.tool_choice`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub tool_choice: Option<Value>,
    /// The format of the response; stored as `config.response_format`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub response_format: Option<Value>,
}

/// Calls to models to store as events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateModelEvents {
    /// The calls.
    pub model_events: Vec<CreateModelEvent>,
    /// Whether all events belong to one session, which the server starts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub single_session: Option<bool>,
    /// An older name of `single_session`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_single_session: Option<bool>,
    /// The properties of the session, if there is only one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_properties: Option<SessionProperties>,
    /// An older name of `session_properties`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<SessionProperties>,
}

/// The response to the creation of an event.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct CreatedEvent {
    /// Always true.
    pub success: bool,
    /// The id of the event.
    pub event_id: Uuid,
}

/// The response to the creation of several events.
///
/// If the server rejects some of the events, it stores the others, and the status is 500.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct CreatedEvents {
    /// Whether all events were stored.
    pub success: bool,
    /// The ids of the stored events, in the order of the request.
    pub event_ids: Vec<Uuid>,
    /// The id of the session, if all events belong to one session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<Uuid>,
    /// The reasons why events were not stored; absent if all were.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub errors: Vec<String>,
}

impl CreateEvent {
    /// Creates an event of a type with a name and empty inputs.
    ///
    /// # Examples
    /// ```
    /// use hh_api::types::{CreateEvent, EventKind};
    ///
    /// let event = CreateEvent::new(EventKind::Tool, "search");
    /// assert_eq!(event.event_type.as_deref(), Some("tool"));
    /// ```
    #[must_use]
    pub fn new(kind: EventKind, name: impl Into<String>) -> Self {
        Self {
            event_type: Some(kind.as_str().to_owned()),
            event_name: Some(name.into()),
            inputs: Some(Object::new()),
            ..Self::default()
        }
    }
}

#[cfg(feature = "otlp")]
impl crate::BatchInput for CreateEvents {
    type Item = CreateEvent;
    const LISTS: &'static [&'static str] = &["events"];
}

#[cfg(feature = "otlp")]
impl crate::BatchInput for AddSessionEvents {
    type Item = CreateEvent;
    const LISTS: &'static [&'static str] = &["events", "logs"];
    const CHILDREN: Option<&'static str> = Some("children");

    /// Sets the parent of an event. A parent without an id gets a text, for which the server creates an id.
    fn nest(parent: &mut CreateEvent, child: &mut CreateEvent, number: usize) {
        let id = parent.event_id.take().filter(|text| !text.is_empty());
        let id = id.unwrap_or_else(|| format!("(event {number} of the request)"));
        child.parent_id = Some(id.clone());
        parent.event_id = Some(id);
    }
}

#[cfg(feature = "otlp")]
impl crate::BatchInput for CreateModelEvents {
    type Item = CreateModelEvent;
    const LISTS: &'static [&'static str] = &["model_events"];
}

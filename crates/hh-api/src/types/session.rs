use serde::{Deserialize, Serialize};
use uuid::Uuid;

use super::common::{nullable, number};
use super::{Event, Object};

/// A session to start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct StartSession {
    /// The id of the session. The server creates a UUID by default, and derives one from a text that is not a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The name of the session.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The label of the deployment, such as `production`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The start time, in Unix milliseconds; the current time by default.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// The inputs of the session.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub inputs: Object,
    /// The configuration of the session.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub config: Object,
    /// Additional data.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub metadata: Object,
    /// Properties of the user of the session.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub user_properties: Object,
}

/// A session to create. Unknown members are rejected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default, deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateSession {
    /// The id of the session. The server creates a UUID by default, and replaces a text that is not a UUID.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// The name of the session.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The same as `session_name`, over which it takes precedence.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub event_name: Option<String>,
    /// The label of the deployment, such as `production`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// The start time, in Unix milliseconds; the current time by default, and for a value that is not a number.
    #[serde(deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// The end time, in Unix milliseconds. By default, it is calculated from the start time and the duration.
    #[serde(deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub end_time: Option<f64>,
    /// The duration, in milliseconds.
    #[serde(deserialize_with = "number", skip_serializing_if = "Option::is_none")]
    pub duration: Option<f64>,
    /// The ids of child events. A self-hosted server ignores them, because each child names its parent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub children_ids: Option<Vec<String>>,
    /// The inputs of the session.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub inputs: Object,
    /// The outputs of the session.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub outputs: Object,
    /// The configuration of the session.
    #[serde(
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub config: Object,
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

/// A reference to a session.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct SessionRef {
    /// The id of the session.
    pub session_id: String,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A query for sessions by the beginning of their ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct FindSessions {
    /// The beginning of the ids: 8 to 32 hexadecimal digits. Hyphens and the case of letters do not matter.
    pub prefix: String,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
}

/// A session that was found by the beginning of its id.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct FoundSession {
    /// The id of the session.
    pub session_id: Uuid,
    /// The name of the session.
    pub session_name: String,
    /// The start time, in Unix milliseconds.
    pub start_time: f64,
}

/// The sessions that were found by the beginning of their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct FoundSessions {
    /// The sessions, in the order of their ids; at most 10.
    pub sessions: Vec<FoundSession>,
    /// Whether more sessions match.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub truncated: bool,
}

/// A session as an event, with the ids of its organization and workspace.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct SessionEnvelope {
    /// The id of the organization.
    pub org_id: String,
    /// The id of the workspace. A self-hosted server is one workspace.
    pub workspace_id: String,
    /// The session as an event.
    #[serde(flatten)]
    pub event: Event,
}

use serde::{Deserialize, Serialize};

use super::{Event, Object, common::nullable};

/// A session to start.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct StartSession {
    /// Its id; the server makes one if there is none. Text, since old clients send what is not a UUID.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_id: Option<String>,
    /// Its name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session_name: Option<String>,
    /// The label of the deployment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// The project, for keys that apply to several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// When it began, in Unix milliseconds; now unless given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_time: Option<f64>,
    /// What went in.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub inputs: Object,
    /// Settings.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub config: Object,
    /// Anything else about it.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub metadata: Object,
    /// Who it was done for.
    #[serde(
        default,
        deserialize_with = "nullable",
        skip_serializing_if = "Object::is_empty"
    )]
    pub user_properties: Object,
}

/// `{"session": …}` around [`StartSession`], and the ids that Python's client requires around the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[expect(
    clippy::exhaustive_structs,
    reason = "both sides build it, every member is on the wire"
)]
pub struct SessionEnvelope {
    /// The organization, as an id.
    pub org_id: String,
    /// The workspace, as an id; one server is one workspace.
    pub workspace_id: String,
    /// The session as an event.
    #[serde(flatten)]
    pub event: Event,
}

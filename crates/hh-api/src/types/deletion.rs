use serde::{Deserialize, Serialize};
use serde_json::Value;

/// A deletion of an event.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct DeleteEvent {
    /// The id of the event. The id of a session is rejected.
    pub event_id: String,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether to delete nothing and only return what would be deleted; false by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A deletion of a session and its events.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct DeleteSession {
    /// The id of the session.
    pub session_id: String,
    /// The name of the project; required for keys that apply to several projects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub project: Option<String>,
    /// Whether to delete nothing and only return what would be deleted; false by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A deletion of the events and sessions of a user. A session is deleted with all its events.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct DeleteUserData {
    /// The id of the project.
    pub project_id: String,
    /// The name of a member of `user_properties`, such as `user_id`. Dots separate the parts of a path, as in a filter.
    pub user_property: String,
    /// The value of the property: a string, a number or a boolean. It is compared like the value of a filter with the
    /// operator `is`, except that a string also equals the number that it denotes: `12e5` equals 1200000.
    pub value: Value,
    /// Whether to delete nothing and only return what would be deleted; false by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// A deletion of a project with all its events and sessions.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct DeleteProject {
    /// The id of the project.
    pub project_id: String,
    /// Whether to delete nothing and only return what would be deleted; false by default.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub dry_run: bool,
}

/// What was deleted, or would be deleted by a request that is not a dry run.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct DeletedData {
    /// The number of sessions. The hosted service does not report it.
    pub sessions: u64,
    /// The number of events, without the sessions. The hosted service does not report it.
    pub events: u64,
    /// Whether nothing was deleted because the request was a dry run.
    pub dry_run: bool,
    /// Whether the deletion is complete. If not, the server continues it, even after a restart.
    pub complete: bool,
}

impl Default for DeletedData {
    /// Returns a complete deletion of nothing.
    fn default() -> Self {
        Self {
            sessions: 0,
            events: 0,
            dry_run: false,
            complete: true,
        }
    }
}

/// The response to the deletion of an event or a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Deleted {
    /// Always true.
    pub success: bool,
    /// The id of the event or the session.
    pub deleted: String,
    /// What was deleted.
    #[serde(flatten)]
    pub data: DeletedData,
}

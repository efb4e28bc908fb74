use serde::{Deserialize, Serialize};

/// A project.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct Project {
    /// The id of the project.
    pub id: String,
    /// The name of the project.
    pub name: String,
    /// The description of the project.
    #[serde(default)]
    pub description: String,
}

/// A project to create.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[serde(deny_unknown_fields)]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct CreateProject {
    /// The name of the project: 1 to 100 letters, digits, `-`, `_`, `.` or spaces.
    pub name: String,
    /// The description of the project: one line of at most 500 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A query for projects.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the client and the server create it; all of its fields are sent"
)]
pub struct ListProjects {
    /// The name of a project, to list only this one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub name: Option<String>,
}

/// A list of the projects that the key applies to.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(feature = "schema", derive(schemars::JsonSchema))]
#[expect(
    clippy::exhaustive_structs,
    reason = "the server creates it; all of its fields are sent"
)]
pub struct ProjectList {
    /// The projects, ordered by name.
    pub projects: Vec<Project>,
}

//! The inputs and outputs of operations.
//!
//! Outputs ignore unknown members. Inputs of admin operations reject them.

mod common;
mod event;
mod key;
mod owner;
mod project;
#[cfg(feature = "schema")]
mod schema;
mod service;
mod session;
mod trace;

pub use common::{Change, Object, Problem};
pub use event::{Event, EventKind, EventList, EventPatch, ExportEvents, Filter, Operator, Updated};
pub use key::{
    CreateKey, CreateKeyResponse, CreatedKey, Key, KeyList, KeyRef, KeyState, ListKeys, Principal,
    PrincipalKind, ProjectNames, RotateKey, UpdateKey, Whoami,
};
pub use owner::{CreateOwner, DisabledOwner, Owner, OwnerList, OwnerRef};
pub use project::{CreateProject, ListProjects, Project, ProjectList};
pub use service::{Empty, HealthStatus};
pub use session::{FindSessions, FoundSession, FoundSessions, SessionEnvelope, StartSession};
pub use trace::{ExportTracesResponse, PartialSuccess};

//! The inputs and outputs of operations.
//!
//! Outputs ignore unknown members. Inputs of admin operations reject them.

mod common;
mod deletion;
mod event;
mod event_query;
mod filter;
mod key;
mod new_event;
mod owner;
mod project;
#[cfg(feature = "schema")]
mod schema;
mod service;
mod session;
mod trace;

pub use common::{Change, Object, Problem};
pub use deletion::{
    DeleteEvent, DeleteProject, DeleteSession, DeleteUserData, Deleted, DeletedData,
};
pub use event::{Event, EventKind, EventPatch, Updated};
pub use event_query::{
    EventEnvelope, EventField, EventList, EventRef, EventSchema, ExportEvents, GetEventSchema,
    SearchEvents,
};
pub use filter::{Filter, Operator};
pub use key::{
    CreateKey, CreateKeyResponse, CreatedKey, Key, KeyList, KeyRef, KeyState, ListKeys, Principal,
    PrincipalKind, ProjectNames, RotateKey, UpdateKey, Whoami,
};
pub use new_event::{
    AddSessionEvents, CreateEvent, CreateEvents, CreateModelEvent, CreateModelEvents, CreatedEvent,
    CreatedEvents, SessionProperties,
};
pub use owner::{CreateOwner, DisabledOwner, Owner, OwnerList, OwnerRef};
pub use project::{CreateProject, ListProjects, Project, ProjectList};
pub use service::{Empty, HealthStatus};
pub use session::{
    CreateSession, FindSessions, FoundSession, FoundSessions, SessionEnvelope, SessionRef,
    StartSession,
};
pub use trace::{ExportTracesResponse, PartialSuccess};

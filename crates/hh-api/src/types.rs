//! Requests and answers. Answers keep what they do not know; requests refuse it on the admin operations.

mod common;
mod event;
mod key;
mod owner;
mod project;
mod session;

pub use common::{Object, Problem};
pub use event::{Event, EventKind, EventList, EventPatch, ExportEvents, Filter, Operator, Updated};
pub use key::{
    CreateKey, CreatedKey, Key, KeyList, KeyState, Minted, Principal, PrincipalKind, ProjectNames,
    RotateKey, Whoami,
};
pub use owner::{CreateOwner, DisabledOwner, Owner, OwnerList};
pub use project::{CreateProject, Project, ProjectList};
pub use session::{SessionEnvelope, StartSession};

//! The table of operations, each stated once, with one file for each resource.
//!
//! A file invokes `operations!`, which defines the [`Endpoint`]s of a resource and a macro with the
//! name of the resource that hands their names on. `join_operations!` calls those macros one after the other and invokes
//! a macro with all names: `operation_ids!` defines [`OpId`] and `operation_entries!` its table.

#[macro_use]
mod macros;

#[macro_use]
mod service;
#[macro_use]
mod keys;
#[macro_use]
mod owners;
#[macro_use]
mod projects;
#[macro_use]
mod sessions;
#[macro_use]
mod traces;
#[macro_use]
mod events;

mod op_id;
mod test_response;

pub use events::*;
pub use keys::*;
pub use op_id::OpId;
pub use owners::*;
pub use projects::*;
pub use service::*;
pub use sessions::*;
pub use traces::*;

use crate::{Endpoint, Operation};

join_operations! { operation_entries [] service keys owners projects sessions traces events }

#[cfg(test)]
mod tests;

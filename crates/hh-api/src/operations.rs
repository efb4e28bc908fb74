//! The table of operations, with one file for each resource.
//!
//! Each file invokes `operations!`, which defines the [`Endpoint`]s of the resource and a macro with the name of the
//! resource. `join_operations!` collects the names of all operations through these macros and passes them to another
//! macro: `operation_ids!` defines [`OpId`], and `operation_entries!` defines its table.

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

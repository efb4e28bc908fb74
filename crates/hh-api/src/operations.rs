//! The table of operations, each stated once, with one file for each resource.
//!
//! A file invokes `operations!`, which defines the [`Endpoint`]s of a resource and a macro with the
//! name of the resource that hands their names on. `join_operations!` calls those macros one after the other and makes
//! [`OpId`] out of all names.

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

pub use events::*;
pub use keys::*;
pub use owners::*;
pub use projects::*;
pub use service::*;
pub use sessions::*;
pub use traces::*;

use crate::{Endpoint, Operation, TestModeError, TestValues};

join_operations! { [] service keys owners projects sessions traces events }

/// Returns the empty response that test mode has for a list.
#[expect(
    clippy::unnecessary_wraps,
    reason = "every response of test mode has this type"
)]
fn empty<I, O: Default>(_: &I, _: &TestValues) -> Result<O, TestModeError> {
    Ok(O::default())
}

#[cfg(test)]
mod tests;

//! The HoneyHive wire: types of requests and answers, and the table of operations. No I/O, no clock.
//!
//! The table is what both sides build from: the server's routes are a loop over [`OpId::ALL`], the client takes
//! method, path and repeat rule from it.
//!
//! ```
//! use hh_api::{Access, OpId};
//! use hh_auth::Need;
//!
//! let operation = OpId::CreateProject.operation();
//! assert_eq!(operation.access, Access::Need(Need::Admin));
//! assert_eq!(operation.path, "/v1/projects");
//! ```

mod op;
mod table;

pub mod attributes;
pub mod types;

pub use op::{Access, Method, OpId, Operation, Repeat};

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

mod limit_name;
mod op;
mod table;
mod time;

pub mod attributes;
pub mod types;

pub use limit_name::{MAX_NAME, limit_name};
pub use op::{Access, Method, OpId, Operation, Repeat};
pub use time::to_millis;

//! The HoneyHive API: the table of operations, their inputs and outputs, and how requests are laid out. No I/O, no
//! clock.
//!
//! Both sides build from the table: the server's routes are a loop over [`OpId::ALL`], and the client takes route, key
//! kind and retry rule from it.
//!
//! ```
//! use hh_api::{OpId, Requirement};
//! use hh_auth::Need;
//!
//! let operation = OpId::CreateProject.operation();
//! assert_eq!(operation.need, Requirement::Need(Need::Admin));
//! assert_eq!(operation.route().path, "/v1/projects");
//! ```

mod codec;
mod endpoint;
mod limit_name;
mod operation;
mod time;

pub mod attributes;
pub mod operations;
pub mod types;

pub use codec::{DecodeError, DecodeErrorKind, Decoded, EncodeError, Encoded};
pub use endpoint::{Endpoint, Message, TestModeError, TestValues};
pub use limit_name::{MAX_NAME, limit_name};
pub use operation::{BodyKind, Dialect, KeyUse, Method, Operation, Requirement, Retry, Route};
pub use operations::OpId;
pub use time::to_millis;

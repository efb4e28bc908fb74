//! The wire types of the HoneyHive API, the table of its operations, and the encoding of requests.
//!
//! Client and server share this table: the server creates a route for each entry of [`OpId::ALL`], and the client reads
//! the route, the kind of API key and the retry rule of an operation from its entry. The crate performs no I/O and does
//! not read the clock.
//!
//! - [`operations`] has a type for each operation, which implements [`Endpoint`]: its input, its output and its
//!   [`Operation`].
//! - [`types`] has the inputs and outputs.
//! - [`Route::encode`] and [`Route::decode`] convert an input to a request and back.
//! - [`attributes`] has the names of span attributes and, with the feature `otlp`, the mapping of OTLP spans to events.
//! - `otlp`, with the feature of that name, decodes OTLP in protobuf and JSON.
//!
//! ```
//! use hh_api::{OpId, Requirement};
//! use hh_auth::Need;
//!
//! let operation = OpId::CreateProject.operation();
//! assert_eq!(operation.need, Requirement::Need(Need::Admin));
//! assert_eq!(operation.route().path, "/v1/projects");
//! ```
//!
//! | feature | default | adds | depends on |
//! | --- | --- | --- | --- |
//! | `otlp` | no | decoders of OTLP, [`attributes::map_span`](attributes), which maps spans to events, and decoders of events with unusual JSON | base64, memchr |
//! | `schema` | no | JSON schemas of inputs and outputs, for the generator of the OpenAPI document | schemars |
//!
//! All platforms are supported.

mod codec;
mod endpoint;
#[cfg(feature = "otlp")]
mod json;
mod limit_name;
#[cfg(test)]
#[cfg(feature = "otlp")]
mod odd_values;
mod operation;
mod time;

pub mod attributes;
pub mod operations;
#[cfg(feature = "otlp")]
pub mod otlp;
pub mod types;

#[cfg(feature = "otlp")]
pub use codec::{Batch, BatchInput, MAX_DEPTH};
pub use codec::{DecodeError, DecodeErrorKind, Decoded, EncodeError, Encoded};
pub use endpoint::{Endpoint, Message, TestModeError, TestValues};
pub use limit_name::{MAX_NAME, limit_name};
pub use operation::{BodyKind, Dialect, KeyUse, Method, Operation, Requirement, Retry, Route};
pub use operations::OpId;
pub use time::to_millis;

#[cfg(doctest)]
#[doc = include_str!("../README.md")]
struct Readme;

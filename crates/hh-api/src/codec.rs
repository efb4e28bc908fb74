//! Encodes the members of an input in the path, the query or the JSON body of a request, and decodes them.
//!
//! Client and server share this codec. Members that the path of a route names are in the path. The other members are in
//! the query of a GET or DELETE, and in a JSON body otherwise. A route with a wrapper has the input in one member of
//! the body.
//!
//! Legacy routes ignore unknown members, because older clients send more than the operation uses. On other routes, the
//! type of the input decides.

#[cfg(feature = "otlp")]
mod batch;
mod decode;
#[cfg(feature = "otlp")]
mod decode_tolerant;
mod decoded;
mod encode;
mod join;
mod known;
mod members;
#[cfg(feature = "otlp")]
mod tolerant;
mod tracked;

#[cfg(feature = "otlp")]
pub use batch::{Batch, BatchInput};
pub use decode::DecodeError;
pub use decoded::Decoded;
pub use encode::{EncodeError, Encoded};
#[cfg(feature = "otlp")]
pub use tolerant::MAX_DEPTH;
pub use tracked::DecodeErrorKind;

#[cfg(test)]
mod tests;

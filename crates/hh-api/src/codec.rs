//! Encodes the members of an input in the path, the query or the JSON body of a request, and decodes them.
//!
//! Client and server share this codec. Members that the path of a route names are in the path. The other members are in
//! the query of a GET or DELETE, and in a JSON body otherwise. A route with a wrapper has the input in one member of
//! the body.
//!
//! Legacy routes ignore unknown members, because older clients send more than the operation uses. On other routes, the
//! type of the input decides.

mod decode;
mod decoded;
mod encode;
mod join;
mod known;
mod members;
mod tracked;

pub use decode::DecodeError;
pub use decoded::Decoded;
pub use encode::{EncodeError, Encoded};
pub use tracked::DecodeErrorKind;

#[cfg(test)]
mod tests;

//! How the members of an input are laid out in a request: in the path, in the query, or in a JSON body.
//!
//! Both sides use this one codec. Members that the path of a route names are in the path. The others are in the
//! query of a GET or DELETE, and in a JSON body otherwise. A route with a wrapper has its input in one member of the
//! body.

mod decode;
mod decoded;
mod encode;
mod join;
mod members;
mod tracked;

pub use decode::DecodeError;
pub use decoded::Decoded;
pub use encode::{EncodeError, Encoded};
pub use tracked::DecodeErrorKind;

#[cfg(test)]
mod tests;

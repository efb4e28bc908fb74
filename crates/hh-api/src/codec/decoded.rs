//! What a request is decoded to.

/// An input, or what still has to be decoded to one.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must handle both cases")]
pub enum Decoded<T> {
    /// The input.
    Value(T),
    /// The input as JSON text in a string, as older clients send it on legacy routes.
    Text(String),
}

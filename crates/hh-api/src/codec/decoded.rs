//! The result of decoding a request.

/// A decoded input, or JSON text that the caller must decode.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(clippy::exhaustive_enums, reason = "the server must handle both cases")]
pub enum Decoded<T> {
    /// The input.
    Value(T),
    /// The input as JSON text in a string, which older clients send on legacy routes.
    Text(String),
}

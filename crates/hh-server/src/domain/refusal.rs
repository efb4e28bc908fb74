use std::time::Duration;

/// Why a rule does not allow a change. The text is for the client.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooLarge(&'static str),
    #[error(
        "this Idempotency-Key came with another request before; take a new one for each request"
    )]
    Reused,
    #[error("too many rotations")]
    TooManyRotations {
        /// The most rotations within an hour.
        limit: u32,
        wait: Duration,
    },
    /// Something that is stored is not what was stored.
    #[error("it is damaged ({0})")]
    Damaged(&'static str),
}

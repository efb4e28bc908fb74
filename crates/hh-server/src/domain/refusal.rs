use std::time::Duration;

/// The reason why a rule rejects a change. Clients receive the text.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub(crate) enum Refusal {
    #[error("{0}")]
    Invalid(String),
    #[error("{0}")]
    Conflict(String),
    #[error("{0}")]
    TooLarge(&'static str),
    #[error(
        "the Idempotency-Key was already used for a different request; use a new one for each request"
    )]
    Reused,
    #[error("too many rotations")]
    TooManyRotations {
        /// The maximum number of rotations per hour.
        limit: u32,
        wait: Duration,
    },
    /// Stored data is damaged.
    #[error("the database is damaged ({0})")]
    Damaged(&'static str),
}

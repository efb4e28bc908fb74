//! Why the store did not do what it was asked for.

use crate::domain::Refusal;

/// A failure of the database engine.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct EngineError {
    pub(super) kind: EngineErrorKind,
    /// The engine's number of the error.
    pub(super) code: i32,
    /// For the log: it contains no values, but may name files.
    pub(super) cause: String,
}

/// What the store can do about an [`EngineError`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineErrorKind {
    /// The disk is full or failing.
    Disk,
    /// The database cannot be opened now: out of file descriptors, most often.
    CannotOpen,
    /// The query was stopped.
    Interrupted,
    Other,
}

/// Why the store did not do what it was asked for. The texts are for clients, except where they name a cause.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("the server cannot write: its disk is full or failing; nothing was stored")]
    DiskFull(Option<EngineError>),
    #[error(
        "the keys are rejected from now on, but the server cannot write: its disk is full or failing; make space and repeat the request, or they work again when the server restarts"
    )]
    Unsaved,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error("the API key ended while the request went on; nothing was changed")]
    Ended,
    #[error("it is damaged ({0})")]
    Damaged(String),
    /// A request was stored in parts, and one of them failed.
    #[error(
        "the request failed after {stored} of its events were stored; send all of it again, no event is stored twice"
    )]
    Partial {
        stored: usize,
        cause: Box<StoreError>,
    },
    #[error("made by a newer version of this program")]
    Newer,
    #[error("the server cannot store now; nothing was stored, try again")]
    Stopped,
    /// The transaction could not be committed, for another reason than the disk.
    #[error("the server cannot store now; nothing was stored, try again")]
    NotCommitted(EngineError),
    #[error("{0}")]
    Panicked(String),
    #[error("{0}")]
    TooSlow(&'static str),
    #[error("the server is running as many queries as it can; try again")]
    Busy,
}

impl StoreError {
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Refusal::Conflict(message.into()).into()
    }

    /// Returns the error of a write: [`StoreError::DiskFull`] if the disk is full or failing.
    pub(super) fn of_write(self) -> Self {
        match self {
            Self::Engine(error) if error.kind == EngineErrorKind::Disk => {
                Self::DiskFull(Some(error))
            }
            other => other,
        }
    }

    /// Adds how many events of the same request were stored before.
    pub(super) fn after(self, stored: usize) -> Self {
        if stored == 0 {
            return self;
        }
        let cause = Box::new(self);
        Self::Partial { stored, cause }
    }
}

impl EngineError {
    pub(crate) fn kind(&self) -> EngineErrorKind {
        self.kind
    }

    /// Returns what the log says about the error.
    pub(crate) fn log_text(&self) -> String {
        format!("SQLite failed (code {}): {self}", self.code)
    }
}

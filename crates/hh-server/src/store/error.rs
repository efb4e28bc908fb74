//! Defines the errors of the store.

use crate::domain::Refusal;

/// A failure of the database engine.
#[derive(Clone, Debug, thiserror::Error)]
#[error("{cause}")]
pub(crate) struct EngineError {
    pub(super) kind: EngineErrorKind,
    /// The error code of the engine.
    pub(super) code: i32,
    /// The cause, for the log only: it contains no values, but may name files.
    pub(super) cause: String,
}

/// The kind of an [`EngineError`], by which the store handles it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum EngineErrorKind {
    /// The disk is full or failing.
    Disk,
    /// The database cannot be opened at the moment, usually for lack of file descriptors.
    CannotOpen,
    /// The query was stopped.
    Interrupted,
    Other,
}

/// The error of a command or query. Clients receive the text, except for texts that name a cause in the server.
#[derive(Debug, thiserror::Error)]
pub(crate) enum StoreError {
    #[error("{0}")]
    Engine(#[from] EngineError),
    #[error("the server cannot write: its disk is full or failing; nothing was stored")]
    DiskFull(Option<EngineError>),
    #[error(
        "the revocation could not be stored because the disk is full or failing, so the keys are rejected only until the server restarts; free disk space and retry the request"
    )]
    Unsaved,
    #[error("{0}")]
    NotFound(String),
    #[error("{0}")]
    Refused(#[from] Refusal),
    #[error(
        "the API key was revoked or expired while the request was in progress; nothing was changed"
    )]
    Ended,
    #[error("the database is damaged ({0})")]
    Damaged(String),
    /// A request was stored in parts, and one of them failed.
    #[error(
        "the request failed after {stored} of its events were stored; retry the whole request (no event is stored twice)"
    )]
    Partial {
        stored: usize,
        cause: Box<StoreError>,
    },
    #[error("it was created by a newer version")]
    Newer,
    /// The disk has too little space to upgrade the database. Sizes are in bytes.
    #[error(
        "the upgrade of the database needs {needed} bytes of free disk space, but only {available} are available"
    )]
    NoSpace { needed: u64, available: u64 },
    #[error("the server cannot store data at the moment; nothing was stored; retry later")]
    Stopped,
    /// The transaction could not be committed, and the disk is not the cause.
    #[error("the server cannot store data at the moment; nothing was stored; retry later")]
    NotCommitted(EngineError),
    #[error("{0}")]
    Panicked(String),
    #[error("{0}")]
    TooSlow(&'static str),
    #[error("too many queries are running; retry later")]
    Busy,
}

impl StoreError {
    pub(super) fn conflict(message: impl Into<String>) -> Self {
        Refusal::Conflict(message.into()).into()
    }

    /// Converts a failure of the engine to `DiskFull` if the disk is full or failing. Other errors do not change.
    pub(super) fn of_write(self) -> Self {
        if let Self::Engine(error) = &self
            && error.kind == EngineErrorKind::Disk
        {
            return Self::DiskFull(Some(error.clone()));
        }
        self
    }

    /// Adds the number of events of the same request that were stored before the error.
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

    /// Returns the text of the error for the log.
    pub(crate) fn log_text(&self) -> String {
        format!("SQLite failed (code {}): {self}", self.code)
    }
}

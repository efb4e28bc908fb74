use crate::store::error::EngineError;
use crate::store::port::StoreError;

/// The reason why no command of a group was stored. Each command of the group reports it.
#[derive(Clone)]
pub(super) enum CommitError {
    /// The disk is full or failing. There is no cause if the store did not try to write.
    DiskFull(Option<EngineError>),
    Engine(EngineError),
    Other,
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        let error = StoreError::from(error).of_write();
        if let StoreError::DiskFull(cause) = error {
            Self::DiskFull(cause)
        } else if let StoreError::Engine(cause) = error {
            Self::Engine(cause)
        } else {
            Self::Other
        }
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::DiskFull(cause) => Self::DiskFull(cause),
            CommitError::Engine(cause) => Self::NotCommitted(cause),
            CommitError::Other => Self::Stopped,
        }
    }
}

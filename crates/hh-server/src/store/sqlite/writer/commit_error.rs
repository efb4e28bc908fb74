use crate::store::port::StoreError;

/// The reason why no command of a group was stored.
#[derive(Clone, Copy)]
pub(super) enum CommitError {
    DiskFull,
    Other,
}

impl From<rusqlite::Error> for CommitError {
    fn from(error: rusqlite::Error) -> Self {
        let error = StoreError::from(error).of_write();
        if matches!(error, StoreError::DiskFull) {
            return Self::DiskFull;
        }
        if let StoreError::Engine(error) = &error {
            error.report();
        }
        Self::Other
    }
}

impl From<CommitError> for StoreError {
    fn from(error: CommitError) -> Self {
        match error {
            CommitError::DiskFull => Self::DiskFull,
            CommitError::Other => Self::Stopped,
        }
    }
}

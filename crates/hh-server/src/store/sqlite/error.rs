//! Converts SQLite errors to errors of the store.

use rusqlite::{Error, ErrorCode};

use crate::store::error::{EngineError, EngineErrorKind, StoreError};

impl From<Error> for EngineError {
    fn from(error: Error) -> Self {
        let kind = match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull | ErrorCode::SystemIoFailure) => EngineErrorKind::Disk,
            Some(ErrorCode::CannotOpen) => EngineErrorKind::CannotOpen,
            Some(ErrorCode::OperationInterrupted) => EngineErrorKind::Interrupted,
            _ => EngineErrorKind::Other,
        };
        let code = error.sqlite_error().map_or(-1, |error| error.extended_code);
        Self {
            kind,
            code,
            cause: error.to_string(),
        }
    }
}

impl From<Error> for StoreError {
    fn from(error: Error) -> Self {
        Self::Engine(error.into())
    }
}

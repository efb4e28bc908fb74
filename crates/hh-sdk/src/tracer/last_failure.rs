//! The last failed attempt to send telemetry, which explains why a flush or a shutdown does not complete.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// The last failed attempt of an exporter. Clones share it.
#[derive(Clone, Debug, Default)]
pub(super) struct LastFailure {
    message: Arc<Mutex<Option<String>>>,
    /// The server, if there is one.
    server: Option<Arc<str>>,
}

impl LastFailure {
    /// Creates the state of an exporter that sends to this server.
    pub(super) fn of_server(server: &str) -> Self {
        Self {
            message: Arc::default(),
            server: Some(server.into()),
        }
    }

    /// Stores the message of a failed attempt, or of a failed export, which has more details than its last attempt.
    pub(super) fn set(&self, message: &str) {
        *self.lock() = Some(message.to_owned());
    }

    /// Removes the message after a success.
    pub(super) fn clear(&self) {
        *self.lock() = None;
    }

    /// Returns why telemetry has not arrived: the message of the last failed attempt or, if a request is in progress,
    /// that the server has not responded.
    pub(super) fn describe(&self, is_sending: bool) -> Option<String> {
        let message = self.lock().clone();
        message.or_else(|| {
            let server = self.server.as_ref().filter(|_| is_sending)?;
            Some(format!("no response from {server}"))
        })
    }

    /// Locks the message.
    fn lock(&self) -> MutexGuard<'_, Option<String>> {
        self.message.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! Connections that only read, as many as are in use at a time.

use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::Connection;
use tokio::sync::Semaphore;

use super::{StoreError, schema};

#[derive(Clone)]
pub(super) struct Readers {
    path: Arc<PathBuf>,
    idle: Arc<Mutex<Vec<Connection>>>,
    /// Each may hold a page of events several times over.
    free: Arc<Semaphore>,
}

/// Queries at one time.
const MAX_READERS: usize = 4;

impl Readers {
    pub(super) fn new(path: PathBuf) -> Self {
        Self {
            path: Arc::new(path),
            idle: Arc::default(),
            free: Arc::new(Semaphore::new(MAX_READERS)),
        }
    }

    /// Runs a query off the runtime's threads.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let readers = self.clone();
        let permit = Arc::clone(&self.free).acquire_owned().await;
        tokio::task::spawn_blocking(move || {
            let _permit = permit;
            readers.read_blocking(query)
        })
        .await
        .unwrap_or(Err(StoreError::Panicked))
    }

    fn read_blocking<T>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = || self.idle.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = idle().pop();
        let connection = match taken {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let result = query(&connection);
        idle().push(connection);
        result
    }
}

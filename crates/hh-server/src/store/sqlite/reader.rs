//! Runs queries on read-only connections, in pools that never wait for each other.
//!
//! Each pool has its own threads, so that neither a page of events nor a large request body can delay the check of a
//! key.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use super::schema;
use crate::panics;
use crate::store::error::{EngineErrorKind, StoreError};

/// The read connections of a store.
pub(super) struct Readers {
    keys: Pool,
    administration: Pool,
    bodies: Pool,
    events: Pool,
}

/// The pool for keys of requests. One connection serves tens of thousands of lookups per second.
const KEYS: Config = Config {
    name: "hh-read-keys",
    threads: 1,
    opens_at_start: true,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the database did not return the API key within 10 s; retry later",
};
const ADMINISTRATION: Config = Config {
    name: "hh-read-admin",
    threads: 1,
    opens_at_start: true,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the query took longer than 10 s and was stopped; retry later",
};
/// The pool for single events and sessions: results of session starts, and merges into large bodies, one at a time.
const BODIES: Config = Config {
    name: "hh-read-bodies",
    threads: 1,
    opens_at_start: false,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the event could not be read within 10 s; retry later",
};
/// The pool for pages of events. Each thread uses memory for at most one page and one stored event.
const EVENTS: Config = Config {
    name: "hh-read-events",
    threads: 4,
    opens_at_start: false,
    // This is longer than two queries of other keys that wait in front.
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(5),
    too_slow: "the query took longer than 5 s and was stopped; filter by session_id, request an earlier page or set a smaller limit",
};

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            keys: Pool::start(path, &KEYS)?,
            administration: Pool::start(path, &ADMINISTRATION)?,
            bodies: Pool::start(path, &BODIES)?,
            events: Pool::start(path, &EVENTS)?,
        })
    }

    /// Runs a query that finds the key of a request.
    pub(super) async fn look_up<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.keys.read(query).await
    }

    /// Runs a query over keys or owners.
    pub(super) async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.administration.read(query).await
    }

    /// Runs a query over one event or session.
    pub(super) async fn read_body<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.bodies.read(query).await
    }

    /// Closes every connection after its current query. Blocks.
    ///
    /// The writer must close its connection last, so that SQLite removes the write-ahead log.
    pub(super) fn close(&self) {
        for pool in [&self.keys, &self.administration, &self.bodies, &self.events] {
            pool.close();
        }
    }

    /// Runs a query over events.
    pub(super) async fn read_events<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.events.read(query).await
    }

    /// Waits until no query over events runs, and prevents new ones until the returned guard is dropped.
    ///
    /// # Errors
    /// `Busy` if a query exceeds its time limit.
    pub(super) async fn pause_events(&self) -> Result<OwnedSemaphorePermit, StoreError> {
        let all = u32::try_from(EVENTS.threads).unwrap_or(u32::MAX);
        let free = Arc::clone(&self.events.free).acquire_many_owned(all);
        let paused = tokio::time::timeout(self.events.wait, free).await;
        let paused = paused.map_err(|_| StoreError::Busy)?;
        paused.map_err(|_| StoreError::Stopped)
    }
}

#[derive(Clone, Copy)]
struct Config {
    name: &'static str,
    threads: usize,
    /// Whether the connection is opened at startup, before the server can run out of file descriptors.
    opens_at_start: bool,
    /// The maximum time to wait for a connection.
    wait: Duration,
    /// The maximum duration of a query.
    limit: Duration,
    /// The error message for a query that exceeds the limit.
    too_slow: &'static str,
}

type ReadJob = Box<dyn FnOnce(&mut Reader) + Send>;

/// A pool of threads with one connection each. The threads stop when the pool is dropped.
struct Pool {
    /// `None` once the pool is closed.
    jobs: Mutex<Option<mpsc::Sender<ReadJob>>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    /// One permit per thread, so that a query waits here, where its client can cancel it, and not in the channel.
    free: Arc<Semaphore>,
    wait: Duration,
}

impl Pool {
    fn start(path: &Path, config: &Config) -> Result<Self, StoreError> {
        let (jobs, receiver) = mpsc::channel::<ReadJob>();
        let receiver = Arc::new(Mutex::new(receiver));
        let mut threads = Vec::with_capacity(config.threads);
        for _ in 0..config.threads {
            let receiver = Arc::clone(&receiver);
            let mut reader = Reader {
                path: path.to_owned(),
                connection: None,
                config: *config,
            };
            if config.opens_at_start {
                // SQLite opens the write-ahead log with the first query.
                reader.run(Arc::default(), |connection| {
                    Ok(connection.pragma_query_value(None, "schema_version", |_| Ok(()))?)
                })?;
            }
            let thread = std::thread::Builder::new()
                .name(config.name.to_owned())
                .spawn(move || {
                    let next = || {
                        let receiver = receiver.lock().unwrap_or_else(PoisonError::into_inner);
                        receiver.recv()
                    };
                    while let Ok(job) = next() {
                        job(&mut reader);
                    }
                })
                .map_err(|_| StoreError::Stopped)?;
            threads.push(thread);
        }
        Ok(Self {
            jobs: Mutex::new(Some(jobs)),
            threads: Mutex::new(threads),
            free: Arc::new(Semaphore::new(config.threads)),
            wait: config.wait,
        })
    }

    /// Runs a query on one of the threads. Dropping the future stops the query.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let free = Arc::clone(&self.free).acquire_owned();
        let permit = tokio::time::timeout(self.wait, free)
            .await
            .map_err(|_| StoreError::Busy)?;
        let stop = StopOnDrop(Arc::default());
        let stopped = Arc::clone(&stop.0);
        let (answer, pending) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            let result = reader.run(stopped, query);
            drop(permit);
            // The client may have disconnected.
            drop(answer.send(result));
        });
        let sent = match &*self.jobs.lock().unwrap_or_else(PoisonError::into_inner) {
            Some(jobs) => jobs.send(job).is_ok(),
            None => false,
        };
        if !sent {
            return Err(StoreError::Stopped);
        }
        let ended =
            || StoreError::Panicked("the thread of the database connection stopped".to_owned());
        pending.await.unwrap_or_else(|_| Err(ended()))
    }

    fn close(&self) {
        let jobs = self.jobs.lock();
        drop(jobs.unwrap_or_else(PoisonError::into_inner).take());
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // Panics of queries are caught in the thread.
            drop(thread.join());
        }
    }
}

/// A guard that stops a query when its caller stops waiting.
struct StopOnDrop(Arc<AtomicBool>);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
    }
}

/// The connection of one thread.
struct Reader {
    path: PathBuf,
    /// Opened by the first query, and again after a query that panicked or left a transaction open.
    connection: Option<Connection>,
    config: Config,
}

/// The number of SQLite instructions between two checks of the clock, some tens of microseconds.
const INSTRUCTIONS: i32 = 1000;

impl Reader {
    fn run<T>(
        &mut self,
        stopped: Arc<AtomicBool>,
        query: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let too_slow = || StoreError::TooSlow(self.config.too_slow);
        if stopped.load(Ordering::Relaxed) {
            return Err(too_slow());
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let end = Instant::now() + self.config.limit;
        let must_stop = move || stopped.load(Ordering::Relaxed) || Instant::now() >= end;
        connection.progress_handler(INSTRUCTIONS, Some(must_stop))?;
        let result = panics::catch(|| query(&connection)).map_err(StoreError::Panicked)?;
        connection.progress_handler(0, None::<fn() -> bool>)?;
        // The next query would read old data in a transaction that is still open.
        if connection.is_autocommit() {
            self.connection = Some(connection);
        }
        result.map_err(|error| {
            let is_interrupted = matches!(&error, StoreError::Engine(cause)
                if cause.kind() == EngineErrorKind::Interrupted);
            if is_interrupted { too_slow() } else { error }
        })
    }
}

#[cfg(test)]
mod tests;

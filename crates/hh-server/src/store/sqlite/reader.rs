//! Connections that only read, in pools that never wait for each other.
//!
//! Each pool has threads of its own: neither a page of events nor a large request body can delay the check of a key.

mod queue;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use tokio::sync::{OwnedRwLockWriteGuard, RwLock, oneshot};
use tokio::time::timeout;

use super::schema;
use crate::panics;
use crate::store::error::{EngineErrorKind, StoreError};
use queue::Queue;

/// The read connections of a store.
pub(super) struct Readers {
    keys: Pool,
    administration: Pool,
    bodies: Pool,
    events: Pool,
    /// Each query over events holds it for reading.
    events_lock: Arc<RwLock<()>>,
}

/// One connection serves tens of thousands of look-ups a second.
const KEYS: Config = Config {
    name: "hh-read-keys",
    threads: 1,
    opens_at_start: true,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the database did not return the API key within 10 s; try again",
};
const ADMINISTRATION: Config = Config {
    name: "hh-read-admin",
    threads: 1,
    opens_at_start: true,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the query took longer than 10 s and was stopped; try again",
};
/// Single events and sessions: what a start returns, and merges into large bodies, which are one at a time.
const BODIES: Config = Config {
    name: "hh-read-bodies",
    threads: 1,
    opens_at_start: false,
    wait: Duration::from_secs(10),
    limit: Duration::from_secs(10),
    too_slow: "the event could not be read within 10 s; try again",
};
/// Each thread holds up to one page of events and one stored event.
const EVENTS: Config = Config {
    name: "hh-read-events",
    threads: 4,
    opens_at_start: false,
    // Longer than the queries of two keys that wait before.
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
            events_lock: Arc::default(),
        })
    }

    /// Runs the query that finds the key of a request.
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

    /// Closes every connection after its present query. Blocks.
    ///
    /// The writer is the last to close its connection, so that SQLite removes the write-ahead log.
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
        let running = Arc::clone(&self.events_lock).read_owned();
        let running = timeout(EVENTS.wait, running).await;
        let running = running.map_err(|_| StoreError::Busy)?;
        let query = move |connection: &Connection| {
            let result = query(connection);
            drop(running);
            result
        };
        self.events.read(query).await
    }

    /// Waits until no query over events runs, and starts none while the guard lives.
    ///
    /// # Errors
    /// `Busy` when a query runs longer than it may.
    pub(super) async fn pause_events(&self) -> Result<OwnedRwLockWriteGuard<()>, StoreError> {
        let paused = Arc::clone(&self.events_lock).write_owned();
        let paused = timeout(EVENTS.wait, paused).await;
        paused.map_err(|_| StoreError::Busy)
    }
}

#[derive(Clone, Copy)]
struct Config {
    name: &'static str,
    threads: usize,
    /// Opens the files before the server runs out of file descriptors.
    opens_at_start: bool,
    /// The longest wait for a connection.
    wait: Duration,
    /// The longest run of a query.
    limit: Duration,
    /// The message for a query that ran longer.
    too_slow: &'static str,
}

type ReadJob = Box<dyn FnOnce(&mut Reader) + Send>;

/// Threads with a connection each. They end when the pool is dropped.
struct Pool {
    queue: Arc<Queue<ReadJob>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    wait: Duration,
}

impl Pool {
    fn start(path: &Path, config: &Config) -> Result<Self, StoreError> {
        let queue = Arc::<Queue<ReadJob>>::default();
        let mut threads = Vec::with_capacity(config.threads);
        for _ in 0..config.threads {
            let jobs = Arc::clone(&queue);
            let mut reader = Reader {
                path: path.to_owned(),
                connection: None,
                config: *config,
            };
            if config.opens_at_start {
                // The first query opens the write-ahead log.
                reader.run(Arc::default(), |connection| {
                    Ok(connection.pragma_query_value(None, "schema_version", |_| Ok(()))?)
                })?;
            }
            let thread = std::thread::Builder::new()
                .name(config.name.to_owned())
                .spawn(move || {
                    while let Some(job) = jobs.wait() {
                        job(&mut reader);
                    }
                })
                .map_err(|_| StoreError::Stopped)?;
            threads.push(thread);
        }
        Ok(Self {
            queue,
            threads: Mutex::new(threads),
            wait: config.wait,
        })
    }

    /// Runs a query on one of the threads. Dropping the future removes the query from the queue, or stops it.
    ///
    /// The query is queued at once. If the requests passed a permit from one to the next, each query would also wait
    /// until a serving thread has time for the request before it, which is long when that thread is busy.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let must_stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&must_stop);
        let (answer, mut pending) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            // The client may have gone.
            drop(answer.send(reader.run(stopped, query)));
        });
        let number = self.queue.push(job).ok_or(StoreError::Stopped)?;
        let ticket = Ticket {
            queue: &self.queue,
            number,
            must_stop,
        };
        let answered = match timeout(self.wait, &mut pending).await {
            Ok(answered) => answered,
            Err(_) if ticket.give_up() => return Err(StoreError::Busy),
            // The query runs, and has a limit of its own.
            Err(_) => pending.await,
        };
        answered.unwrap_or_else(|_| {
            Err(if self.queue.is_closed() {
                StoreError::Stopped
            } else {
                StoreError::Panicked("the thread of the database connection ended".to_owned())
            })
        })
    }

    fn close(&self) {
        self.queue.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // Queries catch their panics.
            drop(thread.join());
        }
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        self.queue.close();
    }
}

/// A query that a request waits for. Dropping it removes the query from the queue, or stops it.
struct Ticket<'a> {
    queue: &'a Queue<ReadJob>,
    number: u64,
    must_stop: Arc<AtomicBool>,
}

impl Ticket<'_> {
    /// Removes the query from the queue; returns false if a thread has taken it.
    fn give_up(&self) -> bool {
        self.queue.remove(self.number).is_some()
    }
}

impl Drop for Ticket<'_> {
    fn drop(&mut self) {
        self.must_stop.store(true, Ordering::Relaxed);
        self.give_up();
    }
}

/// The connection of one thread.
struct Reader {
    path: PathBuf,
    /// Opened by the first query, and again after one that failed to leave it clean.
    connection: Option<Connection>,
    config: Config,
}

/// SQLite's instructions between two looks at the clock: some tens of microseconds.
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
        // A transaction that is still open would show the next query old data.
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

//! Runs queries on read-only connections, in pools that never wait for each other.
//!
//! Each pool has its own threads, so that neither a page of events nor a large request body can delay the check of a
//! key.

mod queue;

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
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
    changes: Pool,
    events: Pool,
    /// A lock that each query over events holds for reading.
    events_lock: Arc<RwLock<()>>,
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
/// How long a query over one event or session waits for others of the same key, and then for a thread.
pub(super) const BODY_WAIT: Duration = Duration::from_secs(10);
/// The pool for single events and sessions. One key uses at most one of the threads.
const BODIES: Config = Config {
    name: "hh-read-bodies",
    threads: 2,
    opens_at_start: false,
    wait: BODY_WAIT,
    limit: Duration::from_secs(10),
    too_slow: "the event could not be read within 10 s; retry later",
};
/// The pool for reads of requests that store data: results of session starts, and merges into large bodies, one at a
/// time. They do not wait for clients that only read.
const CHANGES: Config = Config {
    name: "hh-read-changes",
    too_slow: "the stored event could not be read within 10 s; retry later",
    ..BODIES
};
/// The pool for pages of events. Each thread uses memory for at most one page and one stored event.
const EVENTS: Config = Config {
    name: "hh-read-events",
    threads: 4,
    opens_at_start: false,
    // Two queries of other keys that are ahead in the queue take less time than this.
    wait: Duration::from_secs(20),
    limit: Duration::from_secs(10),
    too_slow: "the query took longer than 10 s and was stopped; filter by session_id or a time range, request an earlier page or set a smaller limit",
};

impl Readers {
    pub(super) fn start(path: &Path) -> Result<Self, StoreError> {
        Ok(Self {
            keys: Pool::start(path, &KEYS)?,
            administration: Pool::start(path, &ADMINISTRATION)?,
            bodies: Pool::start(path, &BODIES)?,
            changes: Pool::start(path, &CHANGES)?,
            events: Pool::start(path, &EVENTS)?,
            events_lock: Arc::default(),
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

    /// Runs a query of a request that stores data.
    pub(super) async fn read_for_change<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.changes.read(query).await
    }

    /// Closes every connection after its current query. Blocks.
    ///
    /// The writer must close its connection last, so that SQLite removes the write-ahead log.
    pub(super) fn close(&self) {
        let Self {
            keys,
            administration,
            bodies,
            changes,
            events,
            ..
        } = self;
        for pool in [keys, administration, bodies, changes, events] {
            pool.close();
        }
    }

    /// Runs a query over events within a time limit, which must be at most the limit of the pool.
    pub(super) async fn read_events<T: Send + 'static>(
        &self,
        limit: Duration,
        query: impl FnOnce(&Connection, &Stop) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let running = Arc::clone(&self.events_lock).read_owned();
        let running = timeout(EVENTS.wait, running).await;
        let running = running.map_err(|_| StoreError::Busy)?;
        let query = move |connection: &Connection, stop: &Stop| {
            let result = query(connection, stop);
            drop(running);
            result
        };
        self.events
            .read_within(limit.min(EVENTS.limit), query)
            .await
    }

    /// Waits until no query over events runs, and prevents new ones until the returned guard is dropped.
    ///
    /// # Errors
    /// `Busy` if a query exceeds its time limit.
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
    queue: Arc<Queue<ReadJob>>,
    threads: Mutex<Vec<JoinHandle<()>>>,
    wait: Duration,
    limit: Duration,
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
                // SQLite opens the write-ahead log with the first query.
                reader.run(Arc::default(), config.limit, |connection, _| {
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
            limit: config.limit,
        })
    }

    /// Runs a query on one of the threads. Dropping the future removes the query from the queue, or stops it.
    ///
    /// The query enters the queue immediately. A semaphore would be slower: its permit would pass from one request to
    /// the next on the serving threads, so that each query would also wait until these threads have time.
    async fn read<T: Send + 'static>(
        &self,
        query: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let query = move |connection: &Connection, _: &Stop| query(connection);
        self.read_within(self.limit, query).await
    }

    /// Runs a query like [`Pool::read`] within another time limit.
    async fn read_within<T: Send + 'static>(
        &self,
        limit: Duration,
        query: impl FnOnce(&Connection, &Stop) -> Result<T, StoreError> + Send + 'static,
    ) -> Result<T, StoreError> {
        let must_stop = Arc::<AtomicBool>::default();
        let stopped = Arc::clone(&must_stop);
        let (answer, mut pending) = oneshot::channel();
        let job: ReadJob = Box::new(move |reader| {
            // The client may have disconnected.
            drop(answer.send(reader.run(stopped, limit, query)));
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
            // The query is already running, and has its own time limit.
            Err(_) => pending.await,
        };
        answered.unwrap_or_else(|_| {
            Err(if self.queue.is_closed() {
                StoreError::Stopped
            } else {
                StoreError::Panicked("the thread of the database connection stopped".to_owned())
            })
        })
    }

    fn close(&self) {
        self.queue.close();
        let mut threads = self.threads.lock().unwrap_or_else(PoisonError::into_inner);
        for thread in threads.drain(..) {
            // Panics of queries are caught in the thread.
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

/// The reasons to stop a running query. SQLite checks them every thousand instructions; a query that does other work for
/// each row must check them itself.
#[derive(Clone)]
pub(super) struct Stop {
    /// Whether the caller stopped waiting, for example because its client disconnected.
    is_abandoned: Arc<AtomicBool>,
    end: Arc<Mutex<Instant>>,
    /// The error message for a query that exceeds its time limit.
    too_slow: &'static str,
}

impl Stop {
    /// Creates the reasons of a query with a time limit from now on.
    pub(super) fn after(
        limit: Duration,
        is_abandoned: Arc<AtomicBool>,
        too_slow: &'static str,
    ) -> Self {
        Self {
            is_abandoned,
            end: Arc::new(Mutex::new(Instant::now() + limit)),
            too_slow,
        }
    }

    /// Returns whether the caller has stopped waiting or the time limit is exceeded.
    pub(super) fn is_over(&self) -> bool {
        self.is_abandoned.load(Ordering::Relaxed) || Instant::now() >= *self.end()
    }

    /// Limits the rest of the query to a time from now on. An earlier end is not changed.
    pub(super) fn limit_rest(&self, limit: Duration) {
        let mut end = self.end();
        *end = (*end).min(Instant::now() + limit);
    }

    /// Returns the error of a query that was stopped.
    pub(super) fn error(&self) -> StoreError {
        StoreError::TooSlow(self.too_slow)
    }

    fn end(&self) -> MutexGuard<'_, Instant> {
        self.end.lock().unwrap_or_else(PoisonError::into_inner)
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
        limit: Duration,
        query: impl FnOnce(&Connection, &Stop) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let stop = Stop::after(limit, stopped, self.config.too_slow);
        if stop.is_over() {
            return Err(stop.error());
        }
        let mut connection = match self.connection.take() {
            Some(connection) => connection,
            None => schema::open_reader(&self.path)?,
        };
        let in_handler = stop.clone();
        connection.progress_handler(INSTRUCTIONS, Some(move || in_handler.is_over()))?;
        let result = panics::catch(|| query(&connection, &stop)).map_err(StoreError::Panicked)?;
        connection.progress_handler(0, None::<fn() -> bool>)?;
        // The next query would read old data in a transaction that is still open.
        if connection.is_autocommit() {
            self.connection = Some(connection);
        }
        result.map_err(|error| {
            let is_interrupted = matches!(&error, StoreError::Engine(cause)
                if cause.kind() == EngineErrorKind::Interrupted);
            if is_interrupted { stop.error() } else { error }
        })
    }
}

#[cfg(test)]
mod tests;

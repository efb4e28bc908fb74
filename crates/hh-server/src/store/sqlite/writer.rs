//! The one writer: a thread that takes what is queued, commits it as one transaction, then answers.

mod changing;
mod command;
mod commit_error;
mod queue;

use std::ops::DerefMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::reserve::Reserve;
use super::schema;
use crate::store::port::{Changed, Hold, KeyObserver, StoreError};
use changing::Changing;
use command::{CommandJob, CommandKind, WriterCommand};
use commit_error::CommitError;
use queue::{AbandonOnDrop, Queue};

/// Commands of one commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 4096;
/// No command begins later than this after the first of its group, for the same reason.
const GROUP_TIME: Duration = Duration::from_millis(50);

pub(super) struct Writer {
    /// Closed to stop the thread.
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    must_empty_log: Arc<AtomicBool>,
}

/// An answer that comes after the commit.
pub(super) struct Pending<T>(oneshot::Receiver<Result<T, StoreError>>);

impl<T> Pending<T> {
    pub(super) async fn wait(self) -> Result<T, StoreError> {
        self.0.await.unwrap_or(Err(StoreError::Stopped))
    }

    pub(super) fn wait_blocking(self) -> Result<T, StoreError> {
        self.0.blocking_recv().unwrap_or(Err(StoreError::Stopped))
    }
}

impl Writer {
    pub(super) fn start(connection: Connection, reserve: Reserve) -> Result<Self, StoreError> {
        let queue = Arc::<Queue>::default();
        let taken = Arc::clone(&queue);
        let must_empty_log = Arc::<AtomicBool>::default();
        let mut committer = Committer {
            connection,
            reserve,
            must_empty_log: Arc::clone(&must_empty_log),
        };
        committer.begin();
        let thread = std::thread::Builder::new()
            .name("hh-writer".to_owned())
            .spawn(move || committer.run(&taken))
            .map_err(|_| StoreError::Stopped)?;
        Ok(Self {
            queue,
            thread: Mutex::new(Some(thread)),
            must_empty_log,
        })
    }

    /// Queues a command. It runs in a savepoint of its own: if it fails, the others of its group stand.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        self.submit_then(Hold::default(), command, |_| ())
    }

    /// As [`Writer::submit`] for a command about keys, owners or projects, which does not wait for events.
    pub(super) fn submit_administration<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        self.submit_as(CommandKind::Administration, Hold::default(), command, then)
    }

    /// As [`Writer::submit`]; once the command is committed `then` runs, before anybody is answered, and also when nobody
    /// waits any more: a client that hangs up must not keep what it changed from those who come after it. `hold` is kept until then.
    pub(super) fn submit_then<T: Send + 'static>(
        &self,
        hold: Hold,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        self.submit_as(CommandKind::Other, hold, command, then)
    }

    fn submit_as<T: Send + 'static>(
        &self,
        kind: CommandKind,
        hold: Hold,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        let mut command = Some(command);
        let run = move |connection: &Connection| match command.take() {
            Some(command) => command(connection),
            None => Err(StoreError::Stopped),
        };
        self.queue(|answer| {
            let then = move |done: &T, lost| match lost {
                None => {
                    then(done);
                    Ok(())
                }
                Some(lost) => Err(StoreError::from(lost)),
            };
            CommandJob::new(kind, hold, run, then, answer)
        })
    }

    /// As [`Writer::submit_then`] for a command that ends keys: on a full disk it is repeated, alone and then with the space
    /// of the [reserve](Reserve).
    ///
    /// The observer learns of the change before the commit and after it. If the change cannot be committed even with the
    /// reserve, `otherwise` returns the error.
    pub(super) fn submit_key_change<T: Send + 'static>(
        &self,
        keys: &Arc<dyn KeyObserver>,
        mut command: impl FnMut(&Connection) -> Result<Changed<T>, StoreError> + Send + 'static,
        otherwise: impl FnOnce(&Changed<T>) -> StoreError + Send + 'static,
    ) -> Pending<Changed<T>> {
        let (observer, keys) = (Arc::clone(keys), Arc::clone(keys));
        // Dropped with the command, once it is answered.
        let mut changing = None;
        let command = move |connection: &Connection| {
            let changed = command(connection)?;
            drop(changing.replace(Changing::new(&keys, &changed.changes)));
            Ok(changed)
        };
        self.queue(|answer| {
            let then = move |done: &Changed<T>, lost| match lost {
                None => {
                    observer.committed(&done.changes);
                    Ok(())
                }
                Some(CommitError::DiskFull) => Err(otherwise(done)),
                Some(lost) => Err(StoreError::from(lost)),
            };
            CommandJob::new(
                CommandKind::KeyChange,
                Hold::default(),
                command,
                then,
                answer,
            )
        })
    }

    fn queue<T: Send + 'static, C: WriterCommand + 'static>(
        &self,
        command: impl FnOnce(oneshot::Sender<Result<T, StoreError>>) -> C,
    ) -> Pending<T> {
        let (answer, pending) = oneshot::channel();
        // A queue that is closed drops the command, and the answer's sender with it.
        self.queue.push(Box::new(command(answer)));
        Pending(pending)
    }

    /// Has the whole log written into the database file and emptied, unless a query holds a version of it.
    pub(super) fn empty_log(&self) -> Pending<()> {
        self.must_empty_log.store(true, Ordering::Release);
        self.submit(|_| Ok(()))
    }

    /// Lets the thread finish what is queued and waits for it.
    pub(super) async fn close(&self) {
        self.queue.close();
        let thread = self
            .thread
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take();
        if let Some(thread) = thread {
            drop(tokio::task::spawn_blocking(move || thread.join()).await);
        }
    }
}

/// What the thread works with.
struct Committer {
    connection: Connection,
    reserve: Reserve,
    must_empty_log: Arc<AtomicBool>,
}

impl Committer {
    fn run(mut self, queue: &Queue) {
        let _abandon = AbandonOnDrop(queue);
        while let Some(first) = queue.wait() {
            let end = Instant::now() + GROUP_TIME;
            let more = std::iter::from_fn(|| (Instant::now() < end).then(|| queue.take())?);
            let commands = std::iter::once(first).chain(more).take(GROUP);
            let (commands, lost) = self.commit(commands);
            if self.must_empty_log.swap(false, Ordering::AcqRel) {
                self.empty_log();
            }
            for mut command in commands {
                let lost = if command.can_use_reserve(lost) {
                    self.retry(&mut *command)
                } else {
                    lost
                };
                command.answer(lost);
            }
            if self.reserve.is_due() && self.reserve.restore().is_ok() {
                self.allow_checkpoints(true);
                tracing::warn!("the disk has space again: everything is stored");
            }
        }
        self.empty_log();
    }

    /// Writes the whole log into the database file and empties it.
    fn empty_log(&self) {
        // The space that the reserve has freed is not for the database file.
        if !self.reserve.is_missing() {
            drop(
                self.connection
                    .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"),
            );
        }
    }

    /// Runs commands as one transaction. One that ends early leaves the rest of them for the next.
    fn commit<C>(&self, commands: impl Iterator<Item = C>) -> (Vec<C>, Option<CommitError>)
    where
        C: DerefMut<Target = dyn WriterCommand>,
    {
        let connection = &self.connection;
        let mut done = Vec::new();
        let begun = connection
            .execute_batch("BEGIN IMMEDIATE")
            .map_err(CommitError::from);
        for mut command in commands {
            // What the reserve has freed is for key changes.
            let is_refused = self.reserve.is_missing() && command.kind() != CommandKind::KeyChange;
            command.run(if is_refused {
                Err(CommitError::DiskFull)
            } else {
                begun.map(|()| connection)
            });
            done.push(command);
            // SQLite ends the transaction by itself when it cannot write: what follows must not be stored alone.
            if connection.is_autocommit() {
                return (done, Some(begun.err().unwrap_or(CommitError::DiskFull)));
            }
        }
        let lost = connection
            .execute_batch("COMMIT")
            .map_err(CommitError::from)
            .err();
        if lost.is_some() {
            drop(connection.execute_batch("ROLLBACK"));
        }
        (done, lost)
    }

    /// Repeats a key change that a full disk has undone, before anything else can use the space.
    fn retry(&mut self, command: &mut (dyn WriterCommand + 'static)) -> Option<CommitError> {
        // Without the others of its group it may fit.
        let (_, lost) = self.commit(std::iter::once(&mut *command));
        if !command.can_use_reserve(lost) || !self.reserve.release() {
            return lost;
        }
        tracing::error!(
            "the disk is full or failing: the reserve is released, and only key changes are stored until there is space for it again"
        );
        self.allow_checkpoints(false);
        self.commit(std::iter::once(command)).1
    }

    /// Creates the reserve if there is space for it.
    fn begin(&mut self) {
        if let Err(error) = self.reserve.restore() {
            self.allow_checkpoints(false);
            tracing::error!(
                "the disk is full or failing: only key changes are stored until there is space for the reserve ({error})"
            );
        }
    }

    /// A checkpoint makes the database file grow, and would use up the space that the reserve has freed.
    fn allow_checkpoints(&self, are_allowed: bool) {
        let pages = if are_allowed { schema::CHECKPOINT } else { 0 };
        drop(
            self.connection
                .pragma_update(None, "wal_autocheckpoint", pages),
        );
        drop(
            self.connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !are_allowed),
        );
    }
}

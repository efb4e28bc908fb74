//! Runs the only writer: a thread that executes all queued commands in one transaction, commits, and then answers.

mod changing;
mod command;
mod commit_error;
mod log;
mod queue;

use std::ops::DerefMut;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use rusqlite::Connection;
use rusqlite::config::DbConfig;
use tokio::sync::oneshot;

use super::checkpoints::{self, Checkpoints};
use super::reserve::Reserve;
use super::schema;
use crate::store::port::{Changed, Hold, KeyObserver, StoreError};
use changing::Changing;
use command::{CommandJob, CommandKind, WriterCommand};
use commit_error::CommitError;
use log::Log;
use queue::{AbandonOnDrop, Queue};

/// The maximum number of commands per commit, which limits how long the first of them waits.
const GROUP: usize = 4096;
/// The maximum time between the first command of a group and the start of its last one, for the same reason.
const GROUP_TIME: Duration = Duration::from_millis(50);

/// How long the writer waits for short queries before it empties the log.
const READER_WAIT: Duration = Duration::from_millis(50);

pub(super) struct Writer {
    /// The queue of the thread; closing it stops the thread.
    queue: Arc<Queue>,
    thread: Mutex<Option<JoinHandle<()>>>,
    must_empty_log: Arc<AtomicBool>,
}

/// The result of a queued command, which is available after the commit.
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
    pub(super) fn start(
        mut connection: Connection,
        reserve: Reserve,
        checkpoints: Arc<Checkpoints>,
    ) -> Result<Self, StoreError> {
        let queue = Arc::<Queue>::default();
        let taken = Arc::clone(&queue);
        let must_empty_log = Arc::<AtomicBool>::default();
        let mut committer = Committer {
            log: Log::of(&mut connection)?,
            connection,
            reserve,
            checkpoints,
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

    /// Queues a command. It runs in its own savepoint, so that its failure does not affect other commands of its group.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        self.submit_then(Hold::default(), command, |_| ())
    }

    /// Queues a command about keys, owners or projects like [`Writer::submit`]. It does not wait for events.
    pub(super) fn submit_administration<T: Send + 'static>(
        &self,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        self.submit_as(CommandKind::Administration, Hold::default(), command, then)
    }

    /// Queues a command like [`Writer::submit`], and runs `then` after the commit and before the answer.
    ///
    /// `then` also runs if the caller has stopped waiting: later requests must see the change even if the client has
    /// disconnected. `hold` is kept until then.
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

    /// Queues a command that invalidates keys, like [`Writer::submit_then`]. On a full disk it is retried, first alone
    /// and then with the space of the [reserve](Reserve).
    ///
    /// The observer is notified before and after the commit. If the last retry cannot be committed, `otherwise` returns
    /// the error.
    pub(super) fn submit_key_change<T: Send + 'static>(
        &self,
        keys: &Arc<dyn KeyObserver>,
        mut command: impl FnMut(&Connection) -> Result<Changed<T>, StoreError> + Send + 'static,
        otherwise: impl FnOnce(&Changed<T>) -> StoreError + Send + 'static,
    ) -> Pending<Changed<T>> {
        let (observer, keys) = (Arc::clone(keys), Arc::clone(keys));
        // It is dropped with the command, after the answer is sent.
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
                Some(CommitError::DiskFull(_)) => Err(otherwise(done)),
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
        // A closed queue drops the command together with the sender of its answer.
        self.queue.push(Box::new(command(answer)));
        Pending(pending)
    }

    /// Writes the whole log into the database file and empties it, unless a reader uses it.
    pub(super) fn empty_log(&self) -> Pending<()> {
        self.must_empty_log.store(true, Ordering::Release);
        self.submit(|_| Ok(()))
    }

    /// Closes the queue, and waits until the thread has finished all queued commands.
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

/// The state of the writer thread.
struct Committer {
    connection: Connection,
    log: Log,
    reserve: Reserve,
    checkpoints: Arc<Checkpoints>,
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
            } else {
                self.limit_log();
            }
            for mut command in commands {
                let lost = if command.can_use_reserve(lost.as_ref()) {
                    self.retry(&mut *command)
                } else {
                    lost.clone()
                };
                command.answer(lost);
            }
            if self.reserve.is_due() && self.reserve.restore().is_ok() {
                self.allow_checkpoints(true);
                tracing::warn!(
                    "the disk has free space again: restored the reserve file, and all requests can store data again"
                );
            }
        }
        self.empty_log();
    }

    /// Requests a copy of a long log, and copies the rest of it after that. The log cannot exceed its limit by more than
    /// one transaction, unless a reader prevents that.
    fn limit_log(&mut self) {
        if self.reserve.is_missing() || !self.log.is_long() {
            return;
        }
        let pause = if self.log.is_too_long() {
            Some(self.checkpoints.pause())
        } else if self.checkpoints.has_copied() {
            self.checkpoints.try_pause()
        } else {
            self.checkpoints.request();
            None
        };
        if pause.is_some() {
            checkpoints::copy(&self.connection);
            self.log.set_copied();
        }
    }

    /// Writes the whole log into the database file and empties it, unless a reader uses it.
    fn empty_log(&self) {
        // The space of the released reserve must not be used for the database file.
        if self.reserve.is_missing() {
            return;
        }
        let _pause = self.checkpoints.pause();
        // A reader of another process can use the log for a long time, and commits must not wait for it.
        drop(self.connection.busy_timeout(READER_WAIT));
        drop(
            self.connection
                .execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"),
        );
        drop(self.connection.busy_timeout(schema::WRITER_WAIT));
    }

    /// Runs commands as one transaction. If the transaction ends early, the remaining commands are left for the next
    /// one.
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
            // The space of the released reserve is for key changes only.
            let is_refused = self.reserve.is_missing() && command.kind() != CommandKind::KeyChange;
            command.run(if is_refused {
                Err(CommitError::DiskFull(None))
            } else {
                begun.clone().map(|()| connection)
            });
            done.push(command);
            // SQLite rolls back the transaction when it cannot write. Later commands must not run outside a
            // transaction.
            if connection.is_autocommit() {
                return (
                    done,
                    Some(begun.err().unwrap_or(CommitError::DiskFull(None))),
                );
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

    /// Retries a key change that failed because the disk is full, before other commands can use the space.
    fn retry(&mut self, command: &mut (dyn WriterCommand + 'static)) -> Option<CommitError> {
        // The change may fit without the other commands of its group.
        let (_, lost) = self.commit(std::iter::once(&mut *command));
        if !command.can_use_reserve(lost.as_ref()) {
            return lost;
        }
        self.allow_checkpoints(false);
        if !self.reserve.release() {
            return lost;
        }
        tracing::error!(
            "the disk is full or failing: released the reserve file; only key changes are stored until it can be restored"
        );
        self.commit(std::iter::once(command)).1
    }

    /// Creates the reserve if the disk has space for it.
    fn begin(&mut self) {
        if let Err(error) = self.reserve.restore() {
            self.allow_checkpoints(false);
            tracing::error!(
                "the disk is full or failing: only key changes are stored until the reserve file can be created ({error})"
            );
        }
    }

    /// Enables or disables checkpoints. A checkpoint extends the database file, and would use the space of the released
    /// reserve.
    fn allow_checkpoints(&self, are_allowed: bool) {
        self.checkpoints.allow(are_allowed);
        drop(
            self.connection
                .set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, !are_allowed),
        );
    }
}

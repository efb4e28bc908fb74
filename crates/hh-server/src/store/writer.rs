//! The one writer: a thread that takes what is queued, commits it as one transaction, then answers.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::{self, Receiver, Sender};
use std::sync::{Mutex, PoisonError};
use std::thread::JoinHandle;

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::StoreError;
use crate::body::Reservation;

/// Commands of one commit at most, so that the first of them does not wait for ever.
const GROUP: usize = 4096;

/// Runs a command inside the transaction, or hears why there is none; what it returns is called once it is known
/// whether the commit held.
type Command = Box<dyn FnOnce(Result<&Connection, Lost>) -> Answer + Send>;

/// Takes why the commit failed, if it did.
type Answer = Box<dyn FnOnce(Option<Lost>) + Send>;

/// Why nothing of a group was stored.
#[derive(Clone, Copy)]
enum Lost {
    DiskFull,
    Other,
}

impl From<rusqlite::Error> for Lost {
    fn from(error: rusqlite::Error) -> Self {
        if matches!(StoreError::from(error).of_write(), StoreError::DiskFull) {
            Self::DiskFull
        } else {
            Self::Other
        }
    }
}

impl From<Lost> for StoreError {
    fn from(lost: Lost) -> Self {
        match lost {
            Lost::DiskFull => Self::DiskFull,
            Lost::Other => Self::Stopped,
        }
    }
}

pub(super) struct Writer {
    /// Dropped to stop the thread.
    queue: Mutex<Option<Sender<Command>>>,
    thread: Mutex<Option<JoinHandle<()>>>,
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
    pub(super) fn start(connection: Connection) -> Result<Self, StoreError> {
        let (sender, receiver) = mpsc::channel();
        let thread = std::thread::Builder::new()
            .name("hh-writer".to_owned())
            .spawn(move || run(&connection, &receiver))
            .map_err(|_| StoreError::Stopped)?;
        Ok(Self {
            queue: Mutex::new(Some(sender)),
            thread: Mutex::new(Some(thread)),
        })
    }

    /// Queues a command. It runs in a savepoint of its own: if it fails, the others of its group stand.
    ///
    /// `hold` is kept until the command is done, also when nobody waits for its answer any more.
    pub(super) fn submit<T: Send + 'static>(
        &self,
        hold: Option<Reservation>,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    ) -> Pending<T> {
        self.submit_then(hold, command, |_| ())
    }

    /// As [`Writer::submit`]; once the command is committed `then` runs, before anybody is answered, and also when nobody
    /// waits any more: a client that hangs up must not keep what it changed from those who come after it.
    pub(super) fn submit_then<T: Send + 'static>(
        &self,
        hold: Option<Reservation>,
        command: impl FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
        then: impl FnOnce(&T) + Send + 'static,
    ) -> Pending<T> {
        let (answer, pending) = oneshot::channel();
        let command: Command = Box::new(move |connection| {
            let result = match connection {
                Ok(connection) => in_savepoint(connection, command).map_err(StoreError::of_write),
                Err(lost) => Err(lost.into()),
            };
            Box::new(move |lost: Option<Lost>| {
                let result = match lost {
                    None => result,
                    Some(lost) => result.and(Err(lost.into())),
                };
                if let Ok(done) = &result {
                    then(done);
                }
                drop(hold);
                // Whoever asked may have gone.
                drop(answer.send(result));
            })
        });
        let queue = self.queue.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(queue) = queue.as_ref() {
            // A thread that is gone has dropped the receiver, and the answer's sender goes with the command.
            drop(queue.send(command));
        }
        Pending(pending)
    }

    /// Lets the thread finish what is queued and waits for it.
    pub(super) async fn close(&self) {
        drop(
            self.queue
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .take(),
        );
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

fn in_savepoint<T>(
    connection: &Connection,
    command: impl FnOnce(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT command")?;
    let result =
        catch_unwind(AssertUnwindSafe(|| command(connection))).unwrap_or(Err(StoreError::Panicked));
    if result.is_err() {
        // A full disk may have ended the whole transaction, and the savepoint with it; the error says so already.
        drop(connection.execute_batch("ROLLBACK TO command; RELEASE command"));
        return result;
    }
    connection.execute_batch("RELEASE command")?;
    result
}

fn run(connection: &Connection, queue: &Receiver<Command>) {
    while let Ok(first) = queue.recv() {
        let commands = std::iter::once(first).chain(queue.try_iter()).take(GROUP);
        let (answers, lost) = commit(connection, commands);
        for answer in answers {
            answer(lost);
        }
    }
    // A tidy end: the whole log goes into the database file.
    drop(connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)"));
}

/// Runs commands as one transaction. One that ends early leaves the rest of them for the next.
fn commit(
    connection: &Connection,
    commands: impl Iterator<Item = Command>,
) -> (Vec<Answer>, Option<Lost>) {
    let mut answers = Vec::new();
    let begun = connection
        .execute_batch("BEGIN IMMEDIATE")
        .map_err(Lost::from);
    for command in commands {
        answers.push(command(begun.map(|()| connection)));
        // SQLite ends the transaction by itself when it cannot write: what follows must not be stored alone.
        if connection.is_autocommit() {
            return (answers, Some(begun.err().unwrap_or(Lost::DiskFull)));
        }
    }
    let lost = connection.execute_batch("COMMIT").map_err(Lost::from).err();
    if lost.is_some() {
        drop(connection.execute_batch("ROLLBACK"));
    }
    (answers, lost)
}

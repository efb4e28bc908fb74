//! Defines the commands in the queue of the writer.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commit_error::CommitError;
use crate::panics;
use crate::store::port::{Hold, StoreError};

/// The kind of a command, which decides its priority.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandKind {
    /// Invalidates keys, and may use the reserve.
    KeyChange,
    /// Creates keys, owners or projects.
    Administration,
    Other,
}

/// A command with its result and the sender of its answer.
pub(super) trait WriterCommand: Send {
    fn kind(&self) -> CommandKind;

    /// Runs the command inside the transaction, or stores the error that prevented the transaction.
    fn run(&mut self, connection: Result<&Connection, CommitError>);

    /// Returns whether this is a key change that may succeed with more disk space.
    fn can_use_reserve(&self, lost: Option<&CommitError>) -> bool;

    /// Sends the answer after the commit; `lost` is the error of a failed commit.
    fn answer(self: Box<Self>, lost: Option<CommitError>);
}

/// The only implementation of [`WriterCommand`], which hides the types of a command.
pub(super) struct CommandJob<T, R, A> {
    kind: CommandKind,
    hold: Hold,
    run: R,
    result: Result<T, StoreError>,
    then: A,
    answer: oneshot::Sender<Result<T, StoreError>>,
}

impl<T, R, A> CommandJob<T, R, A>
where
    T: Send,
    R: FnMut(&Connection) -> Result<T, StoreError> + Send,
    A: FnOnce(&T, Option<CommitError>) -> Result<(), StoreError> + Send,
{
    /// Creates a job. `then` receives the result of a command that succeeded, and the error of its commit if that
    /// failed.
    pub(super) fn new(
        kind: CommandKind,
        hold: Hold,
        run: R,
        then: A,
        answer: oneshot::Sender<Result<T, StoreError>>,
    ) -> Self {
        Self {
            kind,
            hold,
            run,
            result: Err(StoreError::Stopped),
            then,
            answer,
        }
    }
}

impl<T, R, A> WriterCommand for CommandJob<T, R, A>
where
    T: Send,
    R: FnMut(&Connection) -> Result<T, StoreError> + Send,
    A: FnOnce(&T, Option<CommitError>) -> Result<(), StoreError> + Send,
{
    fn kind(&self) -> CommandKind {
        self.kind
    }

    fn run(&mut self, connection: Result<&Connection, CommitError>) {
        self.result = match connection {
            Ok(connection) => in_savepoint(connection, &mut self.run).map_err(StoreError::of_write),
            Err(lost) => Err(lost.into()),
        };
    }

    fn can_use_reserve(&self, lost: Option<&CommitError>) -> bool {
        let is_full = match &self.result {
            Ok(_) => matches!(lost, Some(CommitError::DiskFull(_))),
            Err(error) => matches!(error, StoreError::DiskFull(_)),
        };
        is_full && self.kind == CommandKind::KeyChange
    }

    fn answer(self: Box<Self>, lost: Option<CommitError>) {
        let Self {
            hold,
            result,
            then,
            answer,
            ..
        } = *self;
        let result = result.and_then(|done| then(&done, lost).map(|()| done));
        drop(hold);
        // The caller may have stopped waiting.
        drop(answer.send(result));
    }
}

fn in_savepoint<T>(
    connection: &Connection,
    command: &mut impl FnMut(&Connection) -> Result<T, StoreError>,
) -> Result<T, StoreError> {
    connection.execute_batch("SAVEPOINT command")?;
    let result = panics::catch(|| command(connection))
        .unwrap_or_else(|cause| Err(StoreError::Panicked(cause)));
    if result.is_err() {
        // On a full disk, SQLite may have rolled back the whole transaction with its savepoints. `error` reports that
        // already.
        drop(connection.execute_batch("ROLLBACK TO command; RELEASE command"));
        return result;
    }
    connection.execute_batch("RELEASE command")?;
    result
}

//! Commands in the queue of the writer.

use rusqlite::Connection;
use tokio::sync::oneshot;

use super::commit_error::CommitError;
use crate::panics;
use crate::store::port::{Hold, StoreError};

/// What a command is for.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum CommandKind {
    /// It ends keys, and may use the reserve.
    KeyChange,
    /// It creates keys, owners or projects.
    Administration,
    Other,
}

/// A command, its result, and how to answer.
pub(super) trait WriterCommand: Send {
    fn kind(&self) -> CommandKind;

    /// Runs inside the transaction, or keeps why there is none.
    fn run(&mut self, connection: Result<&Connection, CommitError>);

    /// Returns whether more space could have made a difference to a key change.
    fn can_use_reserve(&self, lost: Option<CommitError>) -> bool;

    /// Answers, once it is known whether the commit held.
    fn answer(self: Box<Self>, lost: Option<CommitError>);
}

/// The one implementation, with the types of the command erased by the trait.
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
    /// `then` takes the result of a command that did not fail, and why its commit did.
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

    fn can_use_reserve(&self, lost: Option<CommitError>) -> bool {
        let is_full = match &self.result {
            Ok(_) => matches!(lost, Some(CommitError::DiskFull)),
            Err(error) => matches!(error, StoreError::DiskFull),
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
        // Whoever asked may have gone.
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
        // A full disk may have ended the whole transaction, and the savepoint with it; the error says so already.
        drop(connection.execute_batch("ROLLBACK TO command; RELEASE command"));
        return result;
    }
    connection.execute_batch("RELEASE command")?;
    result
}

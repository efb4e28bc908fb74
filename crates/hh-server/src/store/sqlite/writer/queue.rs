//! The queue of the writer: commands about keys come before all others.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use super::command::{CommandKind, WriterCommand};

/// Commands that wait for the writer.
#[derive(Default)]
pub(super) struct Queue {
    state: Mutex<State>,
    filled: Condvar,
}

#[derive(Default)]
struct State {
    /// Commands about keys, owners and projects.
    first: VecDeque<Box<dyn WriterCommand>>,
    others: VecDeque<Box<dyn WriterCommand>>,
    is_closed: bool,
}

impl State {
    fn next(&mut self) -> Option<Box<dyn WriterCommand>> {
        self.first.pop_front().or_else(|| self.others.pop_front())
    }
}

impl Queue {
    /// Adds a command; a closed queue drops it.
    pub(super) fn push(&self, command: Box<dyn WriterCommand>) {
        let mut state = self.state();
        if state.is_closed {
            return;
        }
        match command.kind() {
            CommandKind::KeyChange | CommandKind::Administration => state.first.push_back(command),
            CommandKind::Other => state.others.push_back(command),
        }
        drop(state);
        self.filled.notify_one();
    }

    /// Takes the next command and waits for one if there is none; `None` once the queue is closed and empty.
    pub(super) fn wait(&self) -> Option<Box<dyn WriterCommand>> {
        let mut state = self.state();
        loop {
            if let Some(command) = state.next() {
                return Some(command);
            }
            if state.is_closed {
                return None;
            }
            state = self
                .filled
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Takes the next command if there is one.
    pub(super) fn take(&self) -> Option<Box<dyn WriterCommand>> {
        self.state().next()
    }

    /// Lets no more commands in.
    pub(super) fn close(&self) {
        self.state().is_closed = true;
        self.filled.notify_one();
    }

    /// Closes the queue and drops what waits, so that nobody waits for a thread that is gone.
    pub(super) fn abandon(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let dropped = (
            std::mem::take(&mut state.first),
            std::mem::take(&mut state.others),
        );
        drop(state);
        drop(dropped);
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Abandons the queue when its thread ends.
pub(super) struct AbandonOnDrop<'a>(pub(super) &'a Queue);

impl Drop for AbandonOnDrop<'_> {
    fn drop(&mut self) {
        self.0.abandon();
    }
}

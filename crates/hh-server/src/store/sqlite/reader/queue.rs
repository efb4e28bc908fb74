//! The queue of a pool of read connections.

use std::collections::VecDeque;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

/// Jobs in the order of their arrival. A job whose request gives up is removed, with everything that it holds.
pub(super) struct Queue<J> {
    state: Mutex<State<J>>,
    filled: Condvar,
}

struct State<J> {
    /// The number of the next job.
    next: u64,
    /// The jobs with their numbers, in ascending order.
    jobs: VecDeque<(u64, J)>,
    is_closed: bool,
}

impl<J> Default for Queue<J> {
    fn default() -> Self {
        let state = State {
            next: 0,
            jobs: VecDeque::new(),
            is_closed: false,
        };
        Self {
            state: Mutex::new(state),
            filled: Condvar::new(),
        }
    }
}

impl<J> Queue<J> {
    /// Adds a job and returns its number, or drops the job and returns `None` if the queue is closed.
    pub(super) fn push(&self, job: J) -> Option<u64> {
        let mut state = self.state();
        if state.is_closed {
            return None;
        }
        let number = state.next;
        state.next += 1;
        state.jobs.push_back((number, job));
        drop(state);
        self.filled.notify_one();
        Some(number)
    }

    /// Takes the next job and waits for one if the queue is empty; `None` once the queue is closed.
    pub(super) fn wait(&self) -> Option<J> {
        let mut state = self.state();
        loop {
            if let Some((_, job)) = state.jobs.pop_front() {
                return Some(job);
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

    /// Removes a job that no thread has taken yet.
    pub(super) fn remove(&self, number: u64) -> Option<J> {
        let mut state = self.state();
        let at = state
            .jobs
            .binary_search_by_key(&number, |(number, _)| *number);
        state.jobs.remove(at.ok()?).map(|(_, job)| job)
    }

    /// Closes the queue and drops the jobs in it.
    pub(super) fn close(&self) {
        let mut state = self.state();
        state.is_closed = true;
        let dropped = std::mem::take(&mut state.jobs);
        drop(state);
        self.filled.notify_all();
        drop(dropped);
    }

    pub(super) fn is_closed(&self) -> bool {
        self.state().is_closed
    }

    fn state(&self) -> MutexGuard<'_, State<J>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

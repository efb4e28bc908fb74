//! What a connection waits for, and since when. Connections that wait for their client are closed first when there are
//! too many.

use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// The server works for it.
const BUSY: u64 = 0;
/// It is being closed to free its place.
const EVICTED: u64 = 1;
/// It waits for a request, or for the rest of one.
const SILENT: u64 = 2;
/// It waits for the client within a request: for bytes of a body, or to take bytes of the response.
const STALLED: u64 = 3;
/// The rest of the number is the time at which the wait began, in milliseconds.
const KINDS: u64 = 4;

/// The state of one connection. Changes cost one atomic operation, because each request makes two.
#[derive(Debug)]
pub(crate) struct Activity {
    created: Instant,
    state: AtomicU64,
    /// A request was received whose response head is not complete.
    is_in_request: AtomicBool,
}

/// A wait that may be ended by closing the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Silent,
    Stalled,
}

impl Activity {
    /// Returns a connection that has not sent anything; all of one server have the same epoch.
    pub(crate) fn new(epoch: Instant) -> Self {
        let activity = Self {
            created: epoch,
            state: AtomicU64::new(BUSY),
            is_in_request: AtomicBool::new(false),
        };
        activity.wait(SILENT);
        activity
    }

    /// Records that a request was received; an evicted connection must not begin with it.
    pub(crate) fn begin_request(&self) -> io::Result<()> {
        self.is_in_request.store(true, Ordering::Relaxed);
        self.resume()
    }

    pub(crate) fn end_request(&self) {
        self.is_in_request.store(false, Ordering::Relaxed);
    }

    /// Records that the socket has nothing to read.
    pub(crate) fn wait_for_bytes(&self) {
        if self.is_in_request.load(Ordering::Relaxed) {
            self.wait(STALLED);
        } else {
            self.wait(SILENT);
        }
    }

    /// Records that the socket does not accept more of a response.
    pub(crate) fn wait_for_peer(&self) {
        self.wait(STALLED);
    }

    /// Records that bytes were read. Those of a request head do not end the silence: a client may send them one by one.
    pub(crate) fn receive(&self) -> io::Result<()> {
        if self.is_in_request.load(Ordering::Relaxed) {
            return self.resume();
        }
        check(self.state.load(Ordering::Acquire))
    }

    /// Records that the server can go on.
    pub(crate) fn resume(&self) -> io::Result<()> {
        let update = |state| (state != EVICTED).then_some(BUSY);
        let (success, failure) = (Ordering::AcqRel, Ordering::Acquire);
        let old = self.state.fetch_update(success, failure, update);
        check(old.unwrap_or_else(|old| old))
    }

    /// Returns what the connection waits for, and since when.
    pub(crate) fn waits(&self) -> Option<(Wait, Duration)> {
        let state = self.state.load(Ordering::Acquire);
        let wait = match state % KINDS {
            SILENT => Wait::Silent,
            STALLED => Wait::Stalled,
            _ => return None,
        };
        Some((wait, Duration::from_millis(state / KINDS)))
    }

    /// Ends the connection if it is still in the wait that [`waits`](Self::waits) returned.
    pub(crate) fn evict(&self, (wait, since): (Wait, Duration)) -> bool {
        let state = encode(
            match wait {
                Wait::Silent => SILENT,
                Wait::Stalled => STALLED,
            },
            since,
        );
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        self.state
            .compare_exchange(state, EVICTED, success, failure)
            .is_ok()
    }

    /// Begins a wait, unless there is one already.
    fn wait(&self, kind: u64) {
        if self.state.load(Ordering::Acquire) != BUSY {
            return;
        }
        let state = encode(kind, self.created.elapsed());
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        // If it failed, the connection was evicted.
        let _ = self.state.compare_exchange(BUSY, state, success, failure);
    }
}

fn check(state: u64) -> io::Result<()> {
    if state == EVICTED {
        return Err(io::ErrorKind::ConnectionAborted.into());
    }
    Ok(())
}

fn encode(kind: u64, since: Duration) -> u64 {
    let millis = u64::try_from(since.as_millis()).unwrap_or(u64::MAX / KINDS);
    millis * KINDS + kind
}

//! Records what each connection waits for, and since when.
//!
//! When there are too many connections, those that wait for their client are closed first.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

/// The server works on a request of the connection.
const BUSY: u64 = 0;
/// The connection is being closed to free its slot.
const EVICTED: u64 = 1;
/// The connection waits for a request, or for the rest of a request head.
const SILENT: u64 = 2;
/// The connection waits for the client within a request: to send bytes of the body, or to read bytes of the response.
const STALLED: u64 = 3;
/// The number of kinds of waits. A state is the start of the wait in milliseconds, times this number, plus the kind.
const KINDS: u64 = 4;

/// No request was received since the last response head.
const NONE: u8 = 0;
/// A request is being received.
const RECEIVING: u8 = 1;
/// A whole request was received. The server works on it for any length of time, and expects nothing from the client.
const WORKING: u8 = 2;

/// The state of one connection. A change costs one atomic operation, because each request causes two changes.
#[derive(Debug)]
pub(crate) struct Activity {
    created: Instant,
    state: AtomicU64,
    /// The progress of the request whose response head is not complete.
    request: AtomicU8,
}

/// A wait during which the server may close the connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wait {
    Silent,
    Stalled,
}

impl Activity {
    /// Creates the state of a connection that has not sent anything. All connections of a server have the same epoch.
    pub(crate) fn new(epoch: Instant) -> Self {
        let activity = Self {
            created: epoch,
            state: AtomicU64::new(BUSY),
            request: AtomicU8::new(NONE),
        };
        activity.wait(SILENT);
        activity
    }

    /// Records that the head of a request was received. Fails for an evicted connection, which must not start one.
    pub(crate) fn begin_request(&self, has_body: bool) -> io::Result<()> {
        let request = if has_body { RECEIVING } else { WORKING };
        self.request.store(request, Ordering::Relaxed);
        self.resume()
    }

    /// Records that the body of the request is complete.
    fn end_body(&self) {
        let (from, order) = (RECEIVING, Ordering::Relaxed);
        let changed = self.request.compare_exchange(from, WORKING, order, order);
        if changed.is_ok() {
            // An evicted connection is closed anyway.
            drop(self.resume());
        }
    }

    /// Records that the response head is complete.
    pub(crate) fn end_request(&self) {
        self.request.store(NONE, Ordering::Relaxed);
    }

    /// Records that the socket has nothing to read.
    pub(crate) fn wait_for_bytes(&self) {
        match self.request.load(Ordering::Relaxed) {
            NONE => self.wait(SILENT),
            RECEIVING => self.wait(STALLED),
            // The socket is read only to detect that the client closes the connection.
            _ => {}
        }
    }

    /// Records that the socket accepts no more bytes of a response.
    pub(crate) fn wait_for_peer(&self) {
        self.wait(STALLED);
    }

    /// Records that bytes were read. Bytes of a request head do not end a silent wait, because a client may send them
    /// one by one.
    pub(crate) fn receive(&self) -> io::Result<()> {
        if self.request.load(Ordering::Relaxed) != NONE {
            return self.resume();
        }
        check(self.state.load(Ordering::Acquire))
    }

    /// Records that the server can continue.
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

    /// Marks the connection as evicted if it is still in the wait that [`waits`](Self::waits) returned.
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

    /// Starts a wait, unless the connection waits already.
    fn wait(&self, kind: u64) {
        if self.state.load(Ordering::Acquire) != BUSY {
            return;
        }
        let state = encode(kind, self.created.elapsed());
        let (success, failure) = (Ordering::AcqRel, Ordering::Relaxed);
        // This fails only if the connection was evicted.
        let _ = self.state.compare_exchange(BUSY, state, success, failure);
    }
}

/// The body of a request, which records when it is complete.
pub(crate) struct RequestBody {
    body: Incoming,
    activity: Arc<Activity>,
}

impl RequestBody {
    pub(crate) fn new(body: Incoming, activity: Arc<Activity>) -> Self {
        Self { body, activity }
    }
}

impl Body for RequestBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        let frame = ready!(Pin::new(&mut self.body).poll_frame(cx));
        if frame.is_none() || self.body.is_end_stream() {
            self.activity.end_body();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
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

//! What a connection waits for, and since when. Connections that wait for their client are closed first when there are
//! too many.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll, ready};
use std::time::{Duration, Instant};

use bytes::Bytes;
use hyper::body::{Body, Frame, Incoming, SizeHint};

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

/// No request was received since the last response head.
const NONE: u8 = 0;
/// A request is being received.
const RECEIVING: u8 = 1;
/// All of a request was received. The server works on it, however long that takes, and the client owes nothing.
const WORKING: u8 = 2;

/// The state of one connection. Changes cost one atomic operation, because each request makes two.
#[derive(Debug)]
pub(crate) struct Activity {
    created: Instant,
    state: AtomicU64,
    /// How far the request is whose response head is not complete.
    request: AtomicU8,
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
            request: AtomicU8::new(NONE),
        };
        activity.wait(SILENT);
        activity
    }

    /// Records that the head of a request was received; an evicted connection must not begin with it.
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
            // A connection that was evicted ends anyway.
            drop(self.resume());
        }
    }

    pub(crate) fn end_request(&self) {
        self.request.store(NONE, Ordering::Relaxed);
    }

    /// Records that the socket has nothing to read.
    pub(crate) fn wait_for_bytes(&self) {
        match self.request.load(Ordering::Relaxed) {
            NONE => self.wait(SILENT),
            RECEIVING => self.wait(STALLED),
            // The socket is read for a client that closes the connection.
            _ => {}
        }
    }

    /// Records that the socket does not accept more of a response.
    pub(crate) fn wait_for_peer(&self) {
        self.wait(STALLED);
    }

    /// Records that bytes were read. Those of a request head do not end the silence: a client may send them one by one.
    pub(crate) fn receive(&self) -> io::Result<()> {
        if self.request.load(Ordering::Relaxed) != NONE {
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

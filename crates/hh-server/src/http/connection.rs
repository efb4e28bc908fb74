//! Reads from and writes to the socket of a client, with a minimum write rate, and detects closed connections.

use std::future::Future as _;
use std::io::{self, IoSlice};
use std::net::Shutdown;
use std::pin::Pin;
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use futures_util::FutureExt as _;
use socket2::SockRef;
use tokio::io::{AsyncRead, AsyncWrite, Interest, ReadBuf};
use tokio::net::TcpStream;
use tokio::net::tcp::{OwnedReadHalf, OwnedWriteHalf};
use tokio::time::{Instant, Sleep, sleep, sleep_until};

use crate::http::activity::Activity;

/// A client that accepts no bytes for this long while the server has bytes to write is disconnected.
const WRITE_WINDOW: Duration = Duration::from_secs(10);
/// The minimum number of bytes that a client must accept in each window: 16 KiB/s, minus [`MAX_UNSENT`], because the
/// socket accepts bytes in steps of up to that size.
const WRITE_MINIMUM: usize = 10 * 16 * 1024 - MAX_UNSENT as usize;
/// Unsent bytes that the kernel buffers for one connection. Without this limit it buffers megabytes, and the progress
/// of a client that reads 100 KiB/s becomes visible every 13 s.
pub(crate) const MAX_UNSENT: u32 = 64 * 1024;

/// How long a query may run before a client that has closed its sending side counts as disconnected. The server cannot
/// distinguish it from a client that has closed the connection, for which the query would be wasted work.
const GRACE: Duration = Duration::from_millis(40);
/// The interval at which [`ClientConnection::closed`] checks the socket after that.
const CHECK: Duration = Duration::from_millis(10);

/// A handle to the connection of a request. [`closed`](Self::closed) of the default value, which has no connection,
/// never resolves.
#[derive(Clone, Debug, Default)]
pub(crate) struct ClientConnection(Option<Weak<OwnedWriteHalf>>);

impl ClientConnection {
    /// Waits until the client has closed the connection or its sending side, at least for 40 ms.
    pub(crate) async fn closed(&self) {
        let Some(socket) = &self.0 else {
            return std::future::pending().await;
        };
        sleep(GRACE).await;
        while let Some(socket) = socket.upgrade() {
            // One poll returns what the driver knows already and costs no system call.
            let ready = socket.ready(Interest::READABLE | Interest::WRITABLE);
            if let Some(Ok(ready)) = ready.now_or_never()
                && ready.is_read_closed()
            {
                return;
            }
            drop(socket);
            sleep(CHECK).await;
        }
    }
}

/// Limits the unsent bytes that the kernel buffers for each connection that a listener accepts.
pub(crate) fn limit_unsent(listener: &tokio::net::TcpListener) {
    // Other systems show progress in larger steps. A failure leaves the connection usable.
    #[cfg(target_os = "linux")]
    drop(SockRef::from(listener).set_tcp_notsent_lowat(MAX_UNSENT));
    #[cfg(not(target_os = "linux"))]
    let _ = listener;
}

/// The reading and writing sides of one connection, for hyper.
pub(crate) struct ConnectionIo {
    read: OwnedReadHalf,
    /// Shared so that [`ClientConnection`] can check the socket. Writes use the methods that need `&self` only.
    write: Arc<OwnedWriteHalf>,
    activity: Arc<Activity>,
    rate: WriteRate,
}

impl ConnectionIo {
    pub(crate) fn new(stream: TcpStream, activity: Arc<Activity>) -> Self {
        let (read, write) = stream.into_split();
        Self {
            read,
            write: Arc::new(write),
            activity,
            rate: WriteRate::default(),
        }
    }

    /// Returns a handle to the connection.
    pub(crate) fn client(&self) -> ClientConnection {
        ClientConnection(Some(Arc::downgrade(&self.write)))
    }

    fn poll_write_with(
        &mut self,
        cx: &mut Context<'_>,
        write: impl Fn(&TcpStream) -> io::Result<usize>,
    ) -> Poll<io::Result<usize>> {
        loop {
            let stream: &TcpStream = (*self.write).as_ref();
            match stream.poll_write_ready(cx) {
                Poll::Pending => {
                    self.activity.wait_for_peer();
                    return Poll::Ready(Err(ready!(self.rate.poll_timeout(cx))));
                }
                Poll::Ready(Err(error)) => return Poll::Ready(Err(error)),
                Poll::Ready(Ok(())) => {}
            }
            match write(stream) {
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => {}
                Err(error) => return Poll::Ready(Err(error)),
                Ok(count) => {
                    if self.rate.accept(count) {
                        self.activity.resume()?;
                    }
                    return Poll::Ready(Ok(count));
                }
            }
        }
    }
}

impl AsyncRead for ConnectionIo {
    fn poll_read(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        buf: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let Poll::Ready(read) = Pin::new(&mut self.read).poll_read(cx, buf) else {
            self.activity.wait_for_bytes();
            return Poll::Pending;
        };
        self.activity.receive()?;
        Poll::Ready(read)
    }
}

impl AsyncWrite for ConnectionIo {
    fn poll_write(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write(bytes))
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        self.poll_write_with(cx, |stream| stream.try_write_vectored(slices))
    }

    fn is_write_vectored(&self) -> bool {
        true
    }

    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        let stream: &TcpStream = (*self.write).as_ref();
        Poll::Ready(SockRef::from(stream).shutdown(Shutdown::Write))
    }
}

/// The rate at which a client accepts bytes. Only time in which the socket accepts nothing counts.
#[derive(Default)]
struct WriteRate {
    /// The time at which the socket stopped accepting bytes, if it did.
    blocked_since: Option<Instant>,
    /// Earlier waiting time of this window.
    blocked: Duration,
    /// Bytes accepted in this window.
    accepted: usize,
    /// `None` until the socket rejects bytes for the first time.
    timer: Option<Pin<Box<Sleep>>>,
}

impl WriteRate {
    /// Counts accepted bytes; returns whether the socket had stopped accepting before.
    fn accept(&mut self, count: usize) -> bool {
        if self.timer.is_some() {
            self.accepted = self.accepted.saturating_add(count);
        }
        let since = self.blocked_since.take();
        if let Some(since) = since {
            self.blocked += since.elapsed();
        }
        since.is_some()
    }

    /// Resolves when the client has been too slow in a window.
    fn poll_timeout(&mut self, cx: &mut Context<'_>) -> Poll<io::Error> {
        let is_new = self.blocked_since.is_none();
        let since = *self.blocked_since.get_or_insert_with(Instant::now);
        let mut end = since + WRITE_WINDOW.saturating_sub(self.blocked);
        let timer = self.timer.get_or_insert_with(|| Box::pin(sleep_until(end)));
        if is_new {
            timer.as_mut().reset(end);
        }
        while timer.as_mut().poll(cx).is_ready() {
            if self.accepted < WRITE_MINIMUM {
                return Poll::Ready(io::ErrorKind::TimedOut.into());
            }
            // The next window starts with the current wait, so that a client that accepts nothing has one window only.
            (self.accepted, self.blocked) = (0, Duration::ZERO);
            end = since + WRITE_WINDOW;
            timer.as_mut().reset(end);
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;

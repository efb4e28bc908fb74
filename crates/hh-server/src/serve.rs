//! The accept loop, with its own deadlines: `axum::serve` has none.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::Semaphore;
use tokio_io_timeout::TimeoutStream;

use crate::failures::Peer;
use crate::threads::Threads;

/// How long a connection may take for a request head, the first byte and idle time included.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// How long a peer may take none of an answer.
const WRITE_DEADLINE: Duration = Duration::from_secs(10);
/// How long running requests may go on after a stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
const MAX_CONNECTIONS: usize = 4096;
const MAX_HEADERS: usize = 100;
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Serves until `stop` is ready, then lets running requests finish.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    threads: &Threads,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let connections = Arc::new(Semaphore::new(MAX_CONNECTIONS));
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(MAX_HEADERS)
        .max_buf_size(MAX_HEAD_BYTES)
        .keep_alive(true);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            // The semaphore is never closed.
            let permit = Arc::clone(&connections).acquire_owned().await.ok();
            (permit, listener.accept().await)
        };
        let (permit, accepted) = tokio::select! {
            biased;
            () = &mut stop => break,
            both = accepted => both,
        };
        let Ok((stream, peer)) = accepted else {
            // Out of file descriptors, or the peer is gone already: neither ends the server.
            tokio::time::sleep(Duration::from_millis(50)).await;
            continue;
        };
        // Answers are written whole; without this small ones wait for the peer's acknowledgement.
        drop(stream.set_nodelay(true));
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        let (peer, router) = (Peer(peer.ip()), TowerToHyperService::new(router.clone()));
        let service = service_fn(move |mut request: Request<Incoming>| {
            request.extensions_mut().insert(peer);
            router.call(request)
        });
        let (http, watcher) = (http.clone(), graceful.watcher());
        threads.spawn(async move {
            // From here on it belongs to the runtime that serves it.
            if let Ok(stream) = TcpStream::from_std(stream) {
                let mut stream = TimeoutStream::new(stream);
                stream.set_write_timeout(Some(WRITE_DEADLINE));
                let io = TokioIo::new(Box::pin(stream));
                // Errors of one connection are its peer's business.
                drop(watcher.watch(http.serve_connection(io, service)).await);
            }
            drop(permit);
        });
    }
    drop(listener);
    drop(tokio::time::timeout(STOP_DEADLINE, graceful.shutdown()).await);
}

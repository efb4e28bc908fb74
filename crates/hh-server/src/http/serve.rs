//! Accepts connections and serves them with deadlines, which `axum::serve` does not have.

use std::future::Future;
use std::time::Duration;

use axum::Router;
use http::Request;
use hyper::body::{Body as _, Incoming};
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::server::graceful::GracefulShutdown;
use hyper_util::service::TowerToHyperService;
use std::sync::Arc;
use tokio::net::{TcpListener, TcpStream};

use crate::auth::Peer;
use crate::http::activity::RequestBody;
use crate::http::connection::{ConnectionIo, limit_unsent};
use crate::http::connections::{ConnectionLimits, Connections};
use crate::http::threads::Threads;

/// The time limit for a request head, including the idle time before its first byte.
const HEAD_DEADLINE: Duration = Duration::from_secs(10);
/// The time limit for running requests after a stop.
const STOP_DEADLINE: Duration = Duration::from_secs(10);
const MAX_HEADERS: usize = 100;
/// The maximum size of a request head, in bytes: the request line, the headers and the empty line after them.
const MAX_HEAD_BYTES: usize = 32 * 1024;

/// Serves requests until `stop` resolves, then waits for running requests.
pub(crate) async fn serve(
    listener: TcpListener,
    router: Router,
    threads: &Threads,
    limits: ConnectionLimits,
    stop: impl Future<Output = ()>,
) {
    let graceful = GracefulShutdown::new();
    let connections = Connections::new(limits);
    limit_unsent(&listener);
    let mut http = http1::Builder::new();
    http.timer(TokioTimer::new())
        .header_read_timeout(HEAD_DEADLINE)
        .max_headers(MAX_HEADERS)
        .max_header_size(MAX_HEAD_BYTES)
        .max_buf_size(MAX_HEAD_BYTES)
        .half_close(true)
        .keep_alive(true);
    let mut stop = std::pin::pin!(stop);
    loop {
        let accepted = async {
            let (stream, peer) = listener.accept().await?;
            let peer = Peer(peer.ip());
            Ok::<_, std::io::Error>((stream, peer, connections.admit(peer).await))
        };
        let accepted = tokio::select! {
            biased;
            () = &mut stop => break,
            accepted = accepted => accepted,
        };
        let Ok((stream, peer, place)) = accepted else {
            // The process has no file descriptors left, or the peer has disconnected. Neither stops the server.
            let pause = if connections.release_silent() { 1 } else { 50 };
            tokio::time::sleep(Duration::from_millis(pause)).await;
            continue;
        };
        // Responses are written whole. Without this option, small ones wait for the acknowledgement of the peer.
        drop(stream.set_nodelay(true));
        let Ok(stream) = stream.into_std() else {
            continue;
        };
        let router = TowerToHyperService::new(router.clone());
        let (http, watcher, spawned) = (http.clone(), graceful.watcher(), place.on_spawn());
        let task = threads.spawn(async move {
            // The socket is registered with the runtime of the serving thread.
            if let Ok(stream) = TcpStream::from_std(stream) {
                let io = ConnectionIo::new(stream, place.activity());
                let (client, activity) = (io.client(), place.activity());
                let service = service_fn(move |mut request: Request<Incoming>| {
                    let begun = activity.begin_request(!request.body().is_end_stream());
                    request.extensions_mut().insert(peer);
                    request.extensions_mut().insert(client.clone());
                    let request = request.map(|body| RequestBody::new(body, Arc::clone(&activity)));
                    let response = begun.map(|()| router.call(request));
                    let activity = Arc::clone(&activity);
                    async move {
                        let response = response?.await;
                        activity.end_request();
                        Ok::<_, std::io::Error>(response.unwrap_or_else(|never| match never {}))
                    }
                });
                // An error of one connection concerns only its peer.
                drop(
                    watcher
                        .watch(http.serve_connection(TokioIo::new(io), service))
                        .await,
                );
            }
            drop(place);
        });
        spawned(task);
    }
    drop(listener);
    drop(tokio::time::timeout(STOP_DEADLINE, graceful.shutdown()).await);
}

#[cfg(test)]
mod tests;

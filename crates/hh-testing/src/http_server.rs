//! An HTTP/1.1 server on loopback that replies as a test says and records what it receives.

mod reply;
mod request;
mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;
use std::time::Duration;

use tokio::net::{TcpListener, TcpStream};
use tokio::sync::{oneshot, watch};
use tokio::task::JoinSet;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use crate::poll::PATIENCE;
pub use reply::{Reply, response, response_bytes};
pub use request::Request;
use wire::Wire;

/// The interval between the parts of [`Reply::Drip`].
const DRIP: Duration = Duration::from_millis(5);

type Handler = dyn FnMut(&Request) -> Reply + Send;

/// A server on its own thread, for tests with and without a runtime.
///
/// It serves connections concurrently and calls the handler for one request at a time. While a handler blocks, nothing
/// else is served. The server stops when it is dropped.
pub struct HttpServer {
    url: String,
    address: SocketAddr,
    log: Arc<Log>,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// The data that the server has received and sent so far.
#[derive(Default)]
struct Log {
    connections: watch::Sender<usize>,
    closed: watch::Sender<usize>,
    requests: Mutex<Requests>,
    sent: Mutex<Vec<u8>>,
}

#[derive(Default)]
struct Requests {
    /// The number of requests received so far, including removed ones.
    count: usize,
    kept: Vec<Request>,
}

impl HttpServer {
    /// Starts a server that sends these replies in order, across connections, and repeats the last one.
    pub fn start(replies: impl IntoIterator<Item = impl Into<Reply>>) -> Self {
        Self::with(in_order(replies))
    }

    /// Starts a server that replies as `handler` says.
    pub fn with<R: Into<Reply>>(handler: impl FnMut(&Request) -> R + Send + 'static) -> Self {
        Self::bind("127.0.0.1:0", None, handler)
    }

    /// Starts a server as [`with`](Self::with) does, at an address.
    pub fn at<R: Into<Reply>>(
        address: &str,
        handler: impl FnMut(&Request) -> R + Send + 'static,
    ) -> Self {
        Self::bind(address, None, handler)
    }

    /// Starts a server as [`start`](Self::start) does, behind TLS and as `localhost`.
    pub fn start_tls(
        config: Arc<ServerConfig>,
        replies: impl IntoIterator<Item = impl Into<Reply>>,
    ) -> Self {
        Self::with_tls(config, in_order(replies))
    }

    /// Starts a server as [`with`](Self::with) does, behind TLS and as `localhost`.
    pub fn with_tls<R: Into<Reply>>(
        config: Arc<ServerConfig>,
        handler: impl FnMut(&Request) -> R + Send + 'static,
    ) -> Self {
        Self::bind("127.0.0.1:0", Some(config.into()), handler)
    }

    fn bind<R: Into<Reply>>(
        address: &str,
        tls: Option<TlsAcceptor>,
        mut handler: impl FnMut(&Request) -> R + Send + 'static,
    ) -> Self {
        let listener = std::net::TcpListener::bind(address).unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let url = match &tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let log = Arc::new(Log::default());
        let site = Site {
            tls,
            handler: Mutex::new(Box::new(move |request| handler(request).into())),
            log: Arc::clone(&log),
        };
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build()
                .unwrap();
            runtime.block_on(accept(listener, Arc::new(site), stopped));
        });
        Self {
            url,
            address,
            log,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// Returns the base URL: `http://127.0.0.1:PORT`, or `https://localhost:PORT` behind TLS.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Returns the host and port of the URL.
    pub fn host(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// Returns the address where the server listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Returns the requests received so far, without those that were removed.
    pub fn requests(&self) -> Vec<Request> {
        self.log.requests.lock().unwrap().kept.clone()
    }

    /// Returns the same requests as text.
    pub fn request_texts(&self) -> Vec<String> {
        self.requests().iter().map(Request::text).collect()
    }

    /// Returns the bodies of the same requests.
    pub fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.requests().into_iter();
        requests.map(|request| request.body).collect()
    }

    /// Removes and returns the requests received since the last call.
    pub fn take_requests(&self) -> Vec<Request> {
        std::mem::take(&mut self.log.requests.lock().unwrap().kept)
    }

    /// Returns all that the server has sent so far, before encryption and without the repeated part of [`Reply::Drip`].
    pub fn sent(&self) -> String {
        String::from_utf8_lossy(&self.log.sent.lock().unwrap()).into_owned()
    }

    /// Returns the number of connections accepted so far.
    pub fn connections(&self) -> usize {
        *self.log.connections.borrow()
    }

    /// Waits until this many connections were accepted: a client that gave up may be ahead of the server.
    pub async fn wait_for_connections(&self, count: usize) {
        wait(&self.log.connections, count).await;
    }

    /// Waits until this many connections are closed, after which no more requests come from them.
    pub async fn wait_for_closed(&self, count: usize) {
        wait(&self.log.closed, count).await;
    }

    /// Serves all accepted connections to their end, and accepts no others.
    pub fn stop(&mut self) {
        if let (Some(stop), Some(thread)) = (self.stop.take(), self.thread.take()) {
            stop.send(()).unwrap();
            thread.join().unwrap();
        }
    }
}

fn in_order(
    replies: impl IntoIterator<Item = impl Into<Reply>>,
) -> impl FnMut(&Request) -> Reply + Send + 'static {
    let replies: Vec<Reply> = replies.into_iter().map(Into::into).collect();
    move |request| replies[request.number.min(replies.len() - 1)].clone()
}

async fn wait(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = counter.wait_for(|so_far| *so_far >= count);
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap()
        .unwrap();
}

/// The state that all connections share.
struct Site {
    tls: Option<TlsAcceptor>,
    handler: Mutex<Box<Handler>>,
    log: Arc<Log>,
}

/// Accepts connections until `stopped` receives a message, and then serves earlier ones, or until its sender is
/// dropped.
async fn accept(
    listener: std::net::TcpListener,
    site: Arc<Site>,
    mut stopped: oneshot::Receiver<()>,
) {
    let listener = TcpListener::from_std(listener).unwrap();
    let mut connections = JoinSet::new();
    let is_orderly = loop {
        tokio::select! {
            accepted = listener.accept() => {
                let (stream, _) = accepted.unwrap();
                connections.spawn(connection(stream, Arc::clone(&site)));
            }
            stop = &mut stopped => break stop.is_ok(),
        }
    };
    if !is_orderly {
        return;
    }
    // The listener of the standard library accepts every connection established before the stop.
    let listener = listener.into_std().unwrap();
    while let Ok((stream, _)) = listener.accept() {
        stream.set_nonblocking(true).unwrap();
        let stream = TcpStream::from_std(stream).unwrap();
        connections.spawn(connection(stream, Arc::clone(&site)));
    }
    let served = async { while connections.join_next().await.is_some() {} };
    tokio::time::timeout(PATIENCE, served).await.unwrap();
}

async fn connection(stream: TcpStream, site: Arc<Site>) {
    site.log.connections.send_modify(|count| *count += 1);
    match &site.tls {
        None => serve(stream, &site).await,
        Some(tls) => {
            if let Ok(stream) = tls.accept(stream).await {
                serve(stream, &site).await;
            }
        }
    }
    site.log.closed.send_modify(|count| *count += 1);
}

/// Replies to the requests of one connection. An error here is also an error of the client, which the test checks.
async fn serve<W: Wire>(mut wire: W, site: &Site) {
    loop {
        let bytes = wire::read(&mut wire).await;
        // The connection was closed without a request.
        if bytes.is_empty() {
            return;
        }
        let reply = {
            let mut handler = site.handler.lock().unwrap();
            let request = site.log.record(bytes);
            handler(&request)
        };
        let (first, ending) = reply.into_parts();
        site.log.sent.lock().unwrap().extend_from_slice(&first);
        if !wire::write(&mut wire, &first).await {
            return;
        }
        match ending {
            reply::StreamEnd::Next => {}
            reply::StreamEnd::Close => return wire::close(&mut wire).await,
            reply::StreamEnd::Reset => return wire.tcp().set_zero_linger().unwrap(),
            reply::StreamEnd::Silence => return wire::read_to_end(&mut wire).await,
            reply::StreamEnd::Tunnel(to) => return wire::tunnel(&mut wire, to).await,
            reply::StreamEnd::Drip(part) => {
                while wire::write(&mut wire, part).await {
                    tokio::time::sleep(DRIP).await;
                }
                return;
            }
        }
    }
}

impl Log {
    fn record(&self, bytes: Vec<u8>) -> Request {
        let mut requests = self.requests.lock().unwrap();
        let request = Request::new(requests.count, bytes);
        requests.count += 1;
        requests.kept.push(request.clone());
        request
    }
}

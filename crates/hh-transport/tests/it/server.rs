//! A minimal server on a real socket, which follows a script and records its requests.

mod wire;

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;

use wire::Wire;

/// The reaction of the server after a request was read.
#[derive(Clone)]
pub(crate) enum Reply {
    /// These bytes are written and the connection is closed cleanly.
    Bytes(Vec<u8>),
    /// These bytes are written, and the connection waits for another request.
    Keep(Vec<u8>),
    /// These bytes are written and the connection is reset.
    BytesThenReset(Vec<u8>),
    /// These bytes are written, and then nothing until the end of the test.
    BytesThenSilence(Vec<u8>),
    /// The first bytes are written, and then the others repeatedly and slowly.
    Drip(Vec<u8>, &'static [u8]),
    /// The connection is reset.
    Reset,
    /// Nothing is written until the end of the test.
    Silence,
    /// These bytes are written, and then the connection is forwarded to another server, as a proxy does.
    Tunnel(Vec<u8>, SocketAddr),
}

/// The interval of [`Reply::Drip`].
const DRIP: Duration = Duration::from_millis(5);

/// The deadline of a test for an expected event.
const PATIENCE: Duration = Duration::from_secs(20);

type Handler = dyn Fn(usize, &[u8]) -> Reply + Send + Sync;

pub(crate) struct Server {
    pub(crate) url: String,
    pub(crate) address: SocketAddr,
    log: Arc<Log>,
}

/// The requests and responses of the server.
#[derive(Default)]
struct Log {
    connections: watch::Sender<usize>,
    /// The number of connections that the server has finished.
    ended: watch::Sender<usize>,
    requests: Mutex<Vec<Vec<u8>>>,
    sent: Mutex<Vec<u8>>,
}

impl Server {
    /// Starts a server with these replies in order, across connections. The last reply is repeated.
    pub(crate) async fn start(replies: impl IntoIterator<Item = Reply>) -> Self {
        Self::bind(None, in_order(replies)).await
    }

    /// Starts a server whose `handler` receives the number of the request, from 0, and the request.
    pub(crate) async fn with(
        handler: impl Fn(usize, &[u8]) -> Reply + Send + Sync + 'static,
    ) -> Self {
        Self::bind(None, Arc::new(handler)).await
    }

    /// Starts a server like [`start`](Self::start), with TLS.
    pub(crate) async fn start_tls(
        config: Arc<ServerConfig>,
        replies: impl IntoIterator<Item = Reply>,
    ) -> Self {
        Self::bind(Some(config.into()), in_order(replies)).await
    }

    async fn bind(tls: Option<TlsAcceptor>, handler: Arc<Handler>) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let address = listener.local_addr().unwrap();
        let url = match &tls {
            Some(_) => format!("https://localhost:{}", address.port()),
            None => format!("http://{address}"),
        };
        let log = Arc::new(Log::default());
        tokio::spawn(accept(listener, tls, handler, Arc::clone(&log)));
        Self { url, address, log }
    }

    /// Returns the host and port, as in messages.
    pub(crate) fn host(&self) -> &str {
        self.url.split('/').nth(2).unwrap()
    }

    /// Returns the requests as text.
    pub(crate) fn requests(&self) -> Vec<String> {
        let requests = self.log.requests.lock().unwrap();
        let text = |request: &Vec<u8>| String::from_utf8_lossy(request).into_owned();
        requests.iter().map(text).collect()
    }

    /// Returns the bodies of the requests.
    pub(crate) fn bodies(&self) -> Vec<Vec<u8>> {
        let requests = self.log.requests.lock().unwrap();
        let body = |request: &Vec<u8>| request[wire::head_length(request).unwrap()..].to_vec();
        requests.iter().map(body).collect()
    }

    /// Returns everything that the server has written, before encryption.
    pub(crate) fn sent(&self) -> String {
        String::from_utf8_lossy(&self.log.sent.lock().unwrap()).into_owned()
    }

    /// Returns the number of connections.
    pub(crate) fn connections(&self) -> usize {
        *self.log.connections.borrow()
    }

    /// Waits for this number of connections, because a client may give up before the server accepts its connection.
    pub(crate) async fn connected(&self, count: usize) {
        wait(&self.log.connections, count).await;
    }

    /// Waits until this number of connections are finished.
    pub(crate) async fn ended(&self, count: usize) {
        wait(&self.log.ended, count).await;
    }
}

fn in_order(replies: impl IntoIterator<Item = Reply>) -> Arc<Handler> {
    let replies: Vec<Reply> = replies.into_iter().collect();
    Arc::new(move |index, _| replies[index.min(replies.len() - 1)].clone())
}

async fn wait(counter: &watch::Sender<usize>, count: usize) {
    let mut counter = counter.subscribe();
    let reached = counter.wait_for(|so_far| *so_far >= count);
    tokio::time::timeout(PATIENCE, reached)
        .await
        .unwrap()
        .unwrap();
}

async fn accept(
    listener: TcpListener,
    tls: Option<TlsAcceptor>,
    handler: Arc<Handler>,
    log: Arc<Log>,
) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        log.connections.send_modify(|count| *count += 1);
        let (tls, handler, log) = (tls.clone(), Arc::clone(&handler), Arc::clone(&log));
        tokio::spawn(async move {
            match tls {
                None => serve(stream, &*handler, &log).await,
                Some(tls) => {
                    if let Ok(stream) = tls.accept(stream).await {
                        serve(stream, &*handler, &log).await;
                    }
                }
            }
            log.ended.send_modify(|count| *count += 1);
        });
    }
}

/// Serves the requests of one connection. Errors are ignored here, because the test checks the error of the client.
async fn serve<W: Wire>(mut wire: W, handler: &Handler, log: &Log) {
    loop {
        let request = wire::read(&mut wire).await;
        // The connection was closed without a request.
        if request.is_empty() {
            return;
        }
        let index = {
            let mut requests = log.requests.lock().unwrap();
            requests.push(request.clone());
            requests.len() - 1
        };
        let reply = handler(index, &request);
        let (first, ending) = match reply {
            Reply::Bytes(bytes) => (bytes, StreamEnd::Close),
            Reply::Keep(bytes) => (bytes, StreamEnd::Next),
            Reply::BytesThenReset(bytes) => (bytes, StreamEnd::Reset),
            Reply::BytesThenSilence(bytes) => (bytes, StreamEnd::Silence),
            Reply::Drip(bytes, each) => (bytes, StreamEnd::Drip(each)),
            Reply::Reset => (Vec::new(), StreamEnd::Reset),
            Reply::Silence => (Vec::new(), StreamEnd::Silence),
            Reply::Tunnel(bytes, to) => (bytes, StreamEnd::Tunnel(to)),
        };
        log.sent.lock().unwrap().extend_from_slice(&first);
        if !wire::write(&mut wire, &first).await {
            return;
        }
        match ending {
            StreamEnd::Next => {}
            StreamEnd::Close => return wire::close(&mut wire).await,
            StreamEnd::Reset => return wire.tcp().set_zero_linger().unwrap(),
            StreamEnd::Silence => std::future::pending().await,
            StreamEnd::Tunnel(to) => return wire::tunnel(&mut wire, to).await,
            StreamEnd::Drip(each) => {
                while wire::write(&mut wire, each).await {
                    tokio::time::sleep(DRIP).await;
                }
                return;
            }
        }
    }
}

enum StreamEnd {
    Next,
    Close,
    Reset,
    Silence,
    Drip(&'static [u8]),
    Tunnel(SocketAddr),
}

/// Returns a response with a length and these header lines, each with its line break.
pub(crate) fn answer(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Reply {
    Reply::Bytes(answer_bytes(status, headers, body))
}

pub(crate) fn answer_bytes(status: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let length = body.len();
    let mut bytes = format!(
        "HTTP/1.1 {status}\r\ncontent-length: {length}\r\nconnection: close\r\n{headers}\r\n"
    )
    .into_bytes();
    bytes.extend_from_slice(body);
    bytes
}

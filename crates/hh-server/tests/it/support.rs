//! Provides a server in this process, and a small HTTP/1.1 client that sends the given bytes unchanged.

use std::future::Future;
use std::net::SocketAddr;
use std::num::NonZero;
use std::path::PathBuf;
use std::time::Duration;

use hh_auth::private_file::{Replace, create_private_dir, write_private};
use hh_auth::{ApiKey, Level};
use hh_server::{FirstKey, Server, ServerOptions};
use opentelemetry_proto::tonic::collector::trace::v1::{
    ExportTracePartialSuccess, ExportTraceServiceResponse,
};
use prost::Message as _;
use secrecy::ExposeSecret as _;
use serde_json::{Value, json};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

pub(crate) const TRACES: &str = "/opentelemetry/v1/traces";
pub(crate) const PROTOBUF: (&str, &str) = ("content-type", "application/x-protobuf");
pub(crate) const JSON: (&str, &str) = ("content-type", "application/json");

/// Waits for a future, and fails the test if it takes longer than a minute.
pub(crate) async fn within<T>(future: impl Future<Output = T>) -> T {
    tokio::time::timeout(Duration::from_mins(1), future)
        .await
        .expect("timed out after one minute")
}

#[expect(
    clippy::disallowed_methods,
    reason = "tests send the key in a header that they write themselves"
)]
pub(crate) fn text_of(key: &ApiKey) -> String {
    key.secret().expose_secret().to_owned()
}

pub(crate) fn options(dir: &TempDir) -> ServerOptions {
    ServerOptions::new(data_dir(dir)).with_bind("127.0.0.1:0".parse().unwrap())
}

pub(crate) fn data_dir(dir: &TempDir) -> PathBuf {
    dir.path().join("data")
}

/// A running server with its own data directory.
pub(crate) struct TestServer {
    address: SocketAddr,
    key: String,
    dir: TempDir,
    stop: oneshot::Sender<()>,
    running: JoinHandle<()>,
}

impl TestServer {
    pub(crate) async fn start() -> Self {
        Self::with(|options| options).await
    }

    /// Starts a server that serves on its own threads.
    pub(crate) async fn start_on_threads() -> Self {
        Self::with(|options| options.with_threads(NonZero::new(2).unwrap())).await
    }

    /// Starts a server with a `server.yaml`.
    pub(crate) async fn start_with(yaml: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let data = data_dir(&dir);
        create_private_dir(&data).unwrap();
        write_private(&data.join("server.yaml"), yaml.as_bytes(), Replace::No).unwrap();
        Self::within(dir, |options| options).await
    }

    async fn with(more: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        Self::within(tempfile::tempdir().unwrap(), more).await
    }

    async fn within(dir: TempDir, more: impl FnOnce(ServerOptions) -> ServerOptions) -> Self {
        let mut server = Server::start(more(options(&dir))).await.unwrap();
        let Some(FirstKey::Show { key, .. }) = server.take_first_key() else {
            panic!("the first start returned no key");
        };
        Self::run(server, dir, text_of(&key))
    }

    pub(crate) fn run(server: Server, dir: TempDir, key: String) -> Self {
        let address = server.address();
        let (stop, stopped) = oneshot::channel();
        let running = tokio::spawn(server.run(async move { drop(stopped.await) }));
        Self {
            address,
            key,
            dir,
            stop,
            running,
        }
    }

    /// Stops the server, waits until `run` returns, and returns the directory.
    pub(crate) async fn stop(self) -> TempDir {
        let (running, dir) = self.begin_stop();
        within(running).await.unwrap();
        dir
    }

    pub(crate) fn begin_stop(self) -> (JoinHandle<()>, TempDir) {
        self.stop.send(()).unwrap();
        (self.running, self.dir)
    }

    pub(crate) fn data_dir(&self) -> PathBuf {
        data_dir(&self.dir)
    }

    pub(crate) fn dir(&self) -> &TempDir {
        &self.dir
    }

    pub(crate) fn first_key(&self) -> &str {
        &self.key
    }

    /// Returns a client with the first admin key.
    pub(crate) fn admin(&self) -> Client {
        self.client(&self.key)
    }

    pub(crate) fn client(&self, key: &str) -> Client {
        Client {
            address: self.address,
            key: Some(key.to_owned()),
        }
    }

    pub(crate) fn anonymous(&self) -> Client {
        Client {
            address: self.address,
            key: None,
        }
    }

    /// Creates a key through the API, and returns its id and text. `projects` is `"all"` or a list of names.
    pub(crate) async fn mint(&self, level: Level, projects: impl Into<Value>) -> (String, String) {
        let wanted = json!({"name": "test", "level": level.as_str(), "projects": projects.into()});
        let made = self.admin().post("/v1/api_keys", &wanted).await.assert_ok();
        (text(&made["id"]), text(&made["key"]))
    }

    pub(crate) async fn key(&self, level: Level, projects: impl Into<Value>) -> Client {
        self.client(&self.mint(level, projects).await.1)
    }

    pub(crate) async fn project(&self, name: &str) {
        let wanted = json!({"name": name});
        self.admin().post("/v1/projects", &wanted).await.assert_ok();
    }
}

pub(crate) fn text(value: &Value) -> String {
    value.as_str().expect("a string").to_owned()
}

/// An HTTP client with one key that opens a connection for each request.
#[derive(Clone)]
pub(crate) struct Client {
    address: SocketAddr,
    key: Option<String>,
}

impl Client {
    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    pub(crate) async fn connect(&self) -> Connection {
        Connection {
            stream: TcpStream::connect(self.address).await.unwrap(),
            unread: Vec::new(),
        }
    }

    /// Returns a request head including the empty line.
    pub(crate) fn head(&self, method: &str, path: &str, headers: &[(&str, &str)]) -> Vec<u8> {
        use std::fmt::Write as _;

        let mut head = format!("{method} {path} HTTP/1.1\r\nhost: test\r\n");
        if let Some(key) = &self.key {
            write!(head, "authorization: Bearer {key}\r\n").unwrap();
        }
        for (name, value) in headers {
            write!(head, "{name}: {value}\r\n").unwrap();
        }
        head.push_str("\r\n");
        head.into_bytes()
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let mut connection = self.connect().await;
        connection.call(self, method, path, headers, body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.send("GET", path, &[], b"").await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, &[], b"").await
    }

    pub(crate) async fn post(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send("POST", path, &[JSON], body.as_bytes()).await
    }

    pub(crate) async fn put(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send("PUT", path, &[JSON], body.as_bytes()).await
    }

    pub(crate) async fn patch(&self, path: &str, body: &Value) -> Answer {
        let body = body.to_string();
        self.send("PATCH", path, &[JSON], body.as_bytes()).await
    }

    /// Sends spans as protobuf.
    pub(crate) async fn export(&self, body: &[u8]) -> Answer {
        self.send("POST", TRACES, &[PROTOBUF], body).await
    }

    /// Reads events with the body of an export request.
    pub(crate) async fn events(&self, wanted: &Value) -> Value {
        self.post("/v1/events/export", wanted).await.assert_ok()
    }
}

/// A connection to the server.
pub(crate) struct Connection {
    stream: TcpStream,
    unread: Vec<u8>,
}

impl Connection {
    /// Sends bytes, and returns false if the server closed the connection before the end.
    pub(crate) async fn write(&mut self, bytes: &[u8]) -> bool {
        within(self.stream.write_all(bytes)).await.is_ok()
    }

    pub(crate) async fn call(
        &mut self,
        client: &Client,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: &[u8],
    ) -> Answer {
        let length = body.len().to_string();
        let mut headers = headers.to_vec();
        headers.push(("content-length", &length));
        let mut bytes = client.head(method, path, &headers);
        bytes.extend_from_slice(body);
        self.write(&bytes).await;
        self.answer().await
    }

    /// Returns whether the server requests the body with 100 Continue, which it does when it begins to read the body.
    pub(crate) async fn asked_to_continue(&mut self) -> bool {
        const CONTINUE: &[u8] = b"HTTP/1.1 100 Continue\r\n\r\n";

        while self.unread.len() < CONTINUE.len() && self.more().await {}
        let asked = self.unread.starts_with(CONTINUE);
        if asked {
            self.unread.drain(..CONTINUE.len());
        }
        asked
    }

    /// Closes the sending side of the connection. The server can still respond.
    pub(crate) async fn end(&mut self) {
        drop(self.stream.shutdown().await);
    }

    /// Returns whether the connection is open, without waiting.
    pub(crate) fn is_open(&self) -> bool {
        let read = self.stream.try_read(&mut [0]);
        read.is_err_and(|error| error.kind() == std::io::ErrorKind::WouldBlock)
    }

    /// Returns the response, or `None` if the server closes without one.
    pub(crate) async fn answer_if_any(&mut self) -> Option<Answer> {
        if self.unread.is_empty() && !self.more().await {
            return None;
        }
        Some(self.answer().await)
    }

    pub(crate) async fn answer(&mut self) -> Answer {
        let end = loop {
            let end = self.unread.windows(4).position(|four| four == b"\r\n\r\n");
            match end {
                Some(at) => break at,
                None => assert!(self.more().await, "the server closed without a response"),
            }
        };
        let head = String::from_utf8(self.unread[..end].to_vec()).unwrap();
        let mut lines = head.split("\r\n");
        let status = lines.next().unwrap().split(' ').nth(1).unwrap();
        let headers: Vec<_> = lines
            .map(|line| line.split_once(": ").unwrap())
            .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
            .collect();
        let mut answer = Answer {
            status: status.parse().unwrap(),
            headers,
            body: Vec::new(),
        };
        self.unread.drain(..end + 4);
        if answer.header("transfer-encoding") == Some("chunked") {
            answer.body = self.chunks().await;
            return answer;
        }
        let length: usize = match answer.status {
            204 => 0,
            _ => answer.header("content-length").unwrap().parse().unwrap(),
        };
        answer.body = self.bytes(length).await;
        answer
    }

    /// Returns the next bytes of a body.
    async fn bytes(&mut self, length: usize) -> Vec<u8> {
        while self.unread.len() < length {
            assert!(self.more().await, "the response is truncated");
        }
        self.unread.drain(..length).collect()
    }

    /// Returns a body in chunks.
    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                match self.unread.windows(2).position(|two| two == b"\r\n") {
                    Some(at) => break at,
                    None => assert!(self.more().await, "the response is truncated"),
                }
            };
            let size = self.bytes(end + 2).await;
            let size = str::from_utf8(&size[..end]).unwrap();
            let size = usize::from_str_radix(size, 16).unwrap();
            body.extend(self.bytes(size).await);
            self.bytes(2).await;
            if size == 0 {
                return body;
            }
        }
    }

    /// Waits until the server closes the connection, and ignores the data before that.
    pub(crate) async fn closed(&mut self) {
        while self.more().await {}
    }

    /// Returns the number of bytes that the server sends until it closes the connection.
    pub(crate) async fn rest(&mut self) -> usize {
        let mut count = self.unread.len();
        loop {
            self.unread.clear();
            if !self.more().await {
                return count;
            }
            count += self.unread.len();
        }
    }

    /// Reads more bytes, and returns false at the end.
    pub(crate) async fn more(&mut self) -> bool {
        let read = within(self.stream.read_buf(&mut self.unread)).await;
        read.is_ok_and(|count| count > 0)
    }
}

/// A complete response.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        let found = self.headers.iter().find(|(header, _)| header == name);
        found.map(|(_, value)| value.as_str())
    }

    pub(crate) fn headers(&self) -> &[(String, String)] {
        &self.headers
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap()
    }

    /// Checks that the response is a success, and returns its body.
    #[track_caller]
    pub(crate) fn assert_ok(&self) -> Value {
        assert_eq!(self.status, 200, "{}", self.text());
        self.json()
    }

    /// Checks that the response is a success without a body.
    #[track_caller]
    pub(crate) fn assert_ok_empty(&self) {
        assert_eq!(self.status, 200, "{}", self.text());
        assert_eq!(self.body, b"");
    }

    /// Checks that an export was accepted except for a number of spans, and returns the reasons.
    #[track_caller]
    pub(crate) fn assert_rejected(&self, spans: u32) -> String {
        assert_eq!(self.status, 200, "{}", self.text());
        if self.header("content-type") == Some(PROTOBUF.1) {
            let answer = ExportTraceServiceResponse::decode(&self.body[..]).unwrap();
            let partial = answer.partial_success.unwrap_or_default();
            assert_eq!(partial.rejected_spans, i64::from(spans), "{partial:?}");
            return partial.error_message;
        }
        let partial = &self.json()["partialSuccess"];
        assert_eq!(partial["rejectedSpans"], spans.to_string(), "{partial}");
        text(&partial["errorMessage"])
    }

    /// Checks that the response is an error with a status in the common format, and returns its message.
    #[track_caller]
    pub(crate) fn assert_problem(&self, status: u16) -> String {
        assert_eq!(self.status, status, "{}", self.text());
        if self.header("content-type") == Some(PROTOBUF.1) {
            // `google.rpc.Status` has the same fields on the wire: a number and a text.
            let status = ExportTracePartialSuccess::decode(&self.body[..]).unwrap();
            assert!((1..=16).contains(&status.rejected_spans), "{status:?}");
            assert_ne!(status.error_message, "");
            return status.error_message;
        }
        assert_eq!(self.header("content-type"), Some("application/json"));
        let problem = self.json();
        assert_eq!(problem["success"], false);
        assert_eq!(problem["statusCode"], status);
        for member in ["message", "errorCode", "request_id"] {
            assert_ne!(text(&problem[member]), "", "{member}");
        }
        assert_eq!(problem.as_object().unwrap().len(), 5);
        text(&problem["message"])
    }
}

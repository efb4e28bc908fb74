//! A client that sends requests over its own sockets, without reqwest and TLS.

use std::error::Error;
use std::sync::Arc;
use std::time::Duration;

use hh_transport::{
    BoxFuture, HttpService, Idempotency, Request, Response, RetryPolicy, SendOptions, Transport,
    TransportError,
};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

/// A client for HTTP/1.0, which ends a body with the connection.
#[derive(Debug)]
struct Sockets;

impl HttpService for Sockets {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let host = request
                .uri()
                .authority()
                .map_or("", |authority| authority.as_str());
            let stream = TcpStream::connect(host).await;
            let mut stream = stream.map_err(|error| TransportError::unreachable(host, error))?;
            let head = format!(
                "{} {} HTTP/1.0\r\n\r\n",
                request.method(),
                request.uri().path()
            );
            let mut answer = String::new();
            let sent = stream.write_all(head.as_bytes()).await;
            sent.map_err(|_| TransportError::interrupted(host))?;
            let read = stream.read_to_string(&mut answer).await;
            read.map_err(|_| TransportError::interrupted(host))?;
            let malformed = || TransportError::invalid_response(host, "is not HTTP");
            let (head, body) = answer.split_once("\r\n\r\n").ok_or_else(malformed)?;
            let status = head.split(' ').nth(1).ok_or_else(malformed)?;
            let response = http::Response::builder().status(status);
            response
                .body(body.to_owned().into())
                .map_err(|_| malformed())
        })
    }
}

/// Answers one request after the other.
async fn serve(listener: TcpListener, answers: [&str; 2]) -> std::io::Result<()> {
    for answer in answers {
        let (mut stream, _) = listener.accept().await?;
        let mut request = [0; 1024];
        let length = stream.read(&mut request).await?;
        assert!(request[..length].starts_with(b"GET /v1/projects HTTP/1.0\r\n"));
        stream.write_all(answer.as_bytes()).await?;
    }
    Ok(())
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    let address = listener.local_addr()?;
    let answers = [
        "HTTP/1.0 503 Unavailable\r\n\r\n",
        "HTTP/1.0 200 OK\r\n\r\n[]",
    ];

    let backoff = Duration::from_millis(1);
    let transport = Transport::builder(Arc::new(Sockets))
        .with_retry(RetryPolicy::new().with_backoff(backoff, backoff))
        .build();
    let request = http::Request::get(format!("http://{address}/v1/projects")).body("".into())?;
    let options = SendOptions::new(Idempotency::Safe);
    let (response, served) =
        tokio::join!(transport.send(request, options), serve(listener, answers));
    served?;
    assert_eq!(response?.body(), "[]");
    Ok(())
}

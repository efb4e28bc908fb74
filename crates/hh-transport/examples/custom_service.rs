//! Wraps the HTTP client in a layer that prints each attempt of a call.
//!
//! ```console
//! $ cargo run -p hh-transport --example custom_service -- http://127.0.0.1:8080
//! ```
//!
//! Such a layer can add headers, collect metrics or return its own responses. The transport above it still handles
//! retries and deadlines.

#![expect(clippy::print_stdout, reason = "an example prints its results")]

use std::error::Error;
use std::sync::Arc;

use bytes::Bytes;
use hh_transport::{
    BoxFuture, HttpService, Idempotency, Request, ReqwestOptions, ReqwestService, Response,
    SendOptions, Transport, TransportError,
};

/// Prints the requests that go through another service.
#[derive(Debug)]
struct Logged<S>(S);

impl<S: HttpService> HttpService for Logged<S> {
    fn call(&self, request: Request) -> BoxFuture<'_, Result<Response, TransportError>> {
        Box::pin(async move {
            let line = format!("{} {}", request.method(), request.uri().path());
            let result = self.0.call(request).await;
            match &result {
                Ok(response) => println!("{line}: {}", response.status()),
                Err(error) => println!("{line}: {error}"),
            }
            result
        })
    }
}

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::args().nth(1).ok_or("usage: custom_service URL")?;
    let client = ReqwestService::new(&ReqwestOptions::new())?;
    let transport = Transport::builder(Arc::new(Logged(client))).build();
    let request = http::Request::get(format!("{url}/api/v1/health")).body(Bytes::new())?;
    let options = SendOptions::new(Idempotency::Safe);
    let response = transport.send(request, options).await?;
    println!("{}", String::from_utf8_lossy(response.body()));
    Ok(())
}
